"""The plan: which operators are computed on the way to another, and which stand whole."""

import pytest

from quant_assets.factors.expressions.plan import Plan, plan


def made(chosen: Plan) -> list[tuple[str, ...]]:
    """The operators that each task gives results of."""
    nodes = chosen.graph.nodes
    return [
        tuple(each.operator.name for k in task.nodes if (each := nodes[k]).operator)
        for task in chosen.tasks
    ]


@pytest.mark.parametrize(
    ("texts", "operators"),
    [
        # Only the last of a chain by value stands whole.
        (["abs(log(close) * 2 - open)"], [("abs",)]),
        # A part that two expressions read is computed once.
        (
            ["sign(high - low) * 3", "(high - low) / open"],
            [("subtract",), ("multiply",), ("divide",)],
        ),
        # A result of its own, and what a window or a rank reads, stands whole.
        (["high - low", "abs(high - low)"], [("subtract",), ("abs",)]),
        (["ts_mean(high - low, 5) * 2"], [("subtract",), ("ts_mean",), ("multiply",)]),
        (["rank(high - low) * 2"], [("subtract",), ("rank",), ("multiply",)]),
    ],
)
def test_what_only_one_operator_by_value_reads_is_part_of_its_task(
    texts: list[str], operators: list[tuple[str, ...]]
) -> None:
    chosen = plan({f"result {k}": text for k, text in enumerate(texts)})
    assert made(chosen) == operators


def test_a_task_waits_for_what_its_chain_reads() -> None:
    chosen = plan({"x": "abs(rank(close) - ts_mean(open, 3)) * 2"})
    last = chosen.tasks[-1]
    assert {made(chosen)[place] for place in last.before} == {("rank",), ("ts_mean",)}
    assert chosen.lookback == 2


def test_a_value_that_is_read_twice_by_one_operator() -> None:
    chosen = plan({"x": "log(close) * log(close)"})
    assert made(chosen) == [("multiply",)]
    assert len(chosen.tasks[0].arguments) == 1
