"""The engine: one result whatever the blocks, the threads, the memory and the first day."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.factors.expressions import engine, task
from quant_assets.factors.expressions.engine import Stream, compute
from quant_assets.factors.expressions.plan import Plan, plan
from quant_assets.factors.point_in_time import random_panel

EXPRESSIONS = {
    "shared": "rank(close - delay(close, 5)) * ts_mean(returns, 10)",
    "again": "rank(close - delay(close, 5)) * ts_mean(returns, 10)",
    "part": "rank(close - delay(close, 5))",
    "field": "close",
    "deep": "ts_mean(ts_rank(ts_mean(close, 30), 20), 7)",
    "turn": "x = adv20; y = x - delay(x, 3); -1 * rank(rank(y))",
    "choice": "ts_mean(rank(ts_mean(close, 4)), 3) < 0.5 ? close : -close",
    "group": "group_neutralize(ts_std_dev(close, 12), sector) + correlation(rank(volume), vwap, 9)",
    "line": "ts_slope(close, 10) * 2 + ts_rsquare(close, 10) - ts_residual(close, 10)",
    "three": "ts_percentile(high, 15, 0.8) - ts_percentile(high, 15, 0.2)",
    "number": "1 + 0 * close",
    "values": "x = (high - low) / (close + low); abs(x * x - log(high) ^ 2) + sign(-x) / (x + 1)",
}
T, N = 130, 16


@pytest.fixture(scope="module")
def data() -> dict[str, np.ndarray]:
    return random_panel(T, N, seed=3)


@pytest.fixture(scope="module")
def chosen() -> Plan:
    return plan(EXPRESSIONS)


@pytest.fixture(scope="module")
def whole(chosen: Plan, data: dict[str, np.ndarray]) -> np.ndarray:
    return compute(chosen, data)


def equal(first: np.ndarray, second: np.ndarray) -> bool:
    gaps = np.isnan(first)
    bits = first.view(np.uint64) == second.view(np.uint64)
    return first.shape == second.shape and bool((bits | (gaps & np.isnan(second))).all())


def test_results_are_those_of_each_expression_alone(
    data: dict[str, np.ndarray], whole: np.ndarray
) -> None:
    for place, (name, text) in enumerate(EXPRESSIONS.items()):
        alone = compute(plan({name: text}), data)
        assert equal(np.ascontiguousarray(whole[place]), alone[0]), name
        assert np.isfinite(alone).mean() > 0.3, name
    assert equal(whole[0], whole[1])
    assert equal(whole[3], data["close"])


@settings(max_examples=40, deadline=None)
@given(
    first=st.integers(0, T - 1),
    threads=st.integers(1, 4),
    rows=st.sampled_from([1, 2, 5, 16, 33, 1000]),
)
def test_blocks_threads_and_the_first_day_change_no_bit(
    first: int, threads: int, rows: int
) -> None:
    data, chosen = random_panel(T, N, seed=3), plan(EXPRESSIONS)
    expected = compute(chosen, data)[:, first:]
    block, threaded = engine._BLOCK_BYTES, engine._THREADED
    engine._BLOCK_BYTES, engine._THREADED = 8 * N * rows, 0
    try:
        found = compute(chosen, data, first, threads)
    finally:
        engine._BLOCK_BYTES, engine._THREADED = block, threaded
    assert equal(np.ascontiguousarray(found), np.ascontiguousarray(expected))


@pytest.mark.parametrize("rows", [1, 3, 50])
def test_pieces_of_chains_change_no_bit(
    chosen: Plan,
    data: dict[str, np.ndarray],
    whole: np.ndarray,
    rows: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(task, "_PIECE_BYTES", 8 * N * rows)
    assert equal(compute(chosen, data, thread_no=2), whole)


def test_the_look_back_is_enough(
    chosen: Plan, data: dict[str, np.ndarray], whole: np.ndarray
) -> None:
    start, past = 40, chosen.lookback
    late = compute(chosen, {name: values[start:] for name, values in data.items()})
    assert past < T - start
    assert equal(
        np.ascontiguousarray(late[:, past:]), np.ascontiguousarray(whole[:, start + past :])
    )
    assert chosen.lookbacks["deep"] == 29 + 19 + 6
    assert chosen.lookback == 54


def test_one_day_after_another_equals_all_at_once(
    chosen: Plan, data: dict[str, np.ndarray], whole: np.ndarray
) -> None:
    row, parts = 0, []
    with Stream(chosen, N, thread_no=2) as stream:
        for count in (5, 1, 1, 0, 30, 2, 60, 1, 30):
            block = {name: values[row : row + count] for name, values in data.items()}
            parts.append(stream.advance(block))
            row += count
    assert row == T
    assert equal(np.concatenate(parts, axis=1), whole)


def test_little_memory_means_small_blocks_and_the_same_bits(
    chosen: Plan, data: dict[str, np.ndarray], whole: np.ndarray
) -> None:
    assert chosen.rows_within(1 << 10, N, 500) == 1
    assert chosen.rows_within(1 << 30, N, 500) == 500
    some = chosen.rows_within(1 << 18, N, 500)
    assert 1 < some < 500
    assert equal(compute(chosen, data, thread_no=2, memory=1 << 10), whole)


def test_nothing_returns_an_infinity(data: dict[str, np.ndarray]) -> None:
    zero = {name: values * 0.0 for name, values in data.items()}
    texts = {"a": "1 / close", "b": "log(close)", "c": "close ^ (-2)", "d": "rank(close) / close"}
    values = compute(plan(texts), zero)
    assert np.isnan(values).all()


def test_missing_or_misshapen_fields_are_named(data: dict[str, np.ndarray]) -> None:
    chosen = plan({"x": "close + vwap"})
    with pytest.raises(ValueError, match="read the fields vwap"):
        compute(chosen, {"close": data["close"]})
    with pytest.raises(ValueError, match="one shape"):
        compute(chosen, {"close": data["close"], "vwap": data["vwap"][1:]})
    with Stream(chosen, 3) as stream, pytest.raises(ValueError, match="must have 3 symbols"):
        stream.advance(data)


def test_an_error_in_a_thread_reaches_the_caller(
    data: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_THREADED", 0)
    chosen = plan(EXPRESSIONS)
    broken = {**data, "volume": np.full(data["volume"].shape, "x", object)}
    with pytest.raises((ValueError, TypeError)):
        compute(chosen, broken, thread_no=2)


def test_no_session_and_no_symbol(chosen: Plan, data: dict[str, np.ndarray]) -> None:
    nothing = {name: values[:0] for name, values in data.items()}
    assert compute(chosen, nothing).shape == (len(EXPRESSIONS), 0, N)
    nobody = {name: np.ascontiguousarray(values[:, :0]) for name, values in data.items()}
    assert compute(chosen, nobody).shape == (len(EXPRESSIONS), T, 0)
