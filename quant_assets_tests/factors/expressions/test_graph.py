"""Binding and the graph: what names mean, what is shared, look-backs, normal forms, errors."""

import pytest

from quant_assets.factors.expressions.errors import ExpressionError
from quant_assets.factors.expressions.graph import Graph


def same(first: str, second: str) -> bool:
    graph = Graph()
    return graph.add(first) == graph.add(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("close + open", "open + close"),
        ("RANK(Close)", "rank(close)"),
        ("-1 * close", "-close"),
        ("close * (-1)", "-close"),
        ("--close", "close"),
        ("1 * close", "close"),
        ("close / 1", "close"),
        ("close ^ 1.0", "close"),
        ("close * (1 - 0.25)", "close * 0.75"),
        ("rank(rank(close))", "rank(close)"),
        ("correlation(open, volume, 10)", "ts_corr(volume, open, 10.9)"),
        ("ts_mean(close, d=5)", "mean(close, 5)"),
        ("x = close - open; x * x", "(close - open) * (close - open)"),
        ("x = close; x = x + 1; x", "close + 1"),
        ("adv20", "ts_mean(amount, 20)"),
        ("returns", "close / delay(close, 1) - 1"),
        ("indneutralize(close, IndClass.sector)", "group_neutralize(close, sector)"),
        ("close > open ? 1 : 0", "if_else(close > open, 1, 0)"),
        ("max(open, close, low)", "max(max(open, close), low)"),
        ("close > open && low < high", "and(close > open, low < high)"),
    ],
)
def test_equal_meanings_are_one_node(first: str, second: str) -> None:
    assert same(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("close - open", "open - close"),
        ("ts_mean(close, 5)", "ts_mean(close, 6)"),
        ("ts_arg_max(close, 5)", "ts_argmax(close, 5)"),
        ("close * 2", "close + close"),
        ("0 * close", "-0.0 * close"),
    ],
)
def test_other_meanings_are_other_nodes(first: str, second: str) -> None:
    assert not same(first, second)


@pytest.mark.parametrize(
    ("text", "lookback"),
    [
        ("close", 0),
        ("rank(close)", 0),
        ("delay(close, 7)", 7),
        ("delta(close, 7.9)", 7),
        ("ts_mean(close, 10)", 9),
        ("ts_mean(ts_mean(close, 10), 5)", 13),
        ("delay(ts_mean(returns, 10), 5)", 15),
        ("correlation(ts_rank(volume, 5), ts_rank(high, 8), 5)", 11),
        ("adv180", 179),
        ("ts_mean(close, 3) + delay(close, 30)", 30),
    ],
)
def test_the_look_back_adds_up_along_the_longest_way(text: str, lookback: int) -> None:
    graph = Graph()
    assert graph.nodes[graph.add(text)].lookback == lookback


def test_equal_parts_of_many_expressions_are_shared() -> None:
    graph = Graph()
    graph.add("correlation(rank(volume), rank(vwap), 5)")
    count = len(graph.nodes)
    graph.add("-correlation(rank(vwap), rank(volume), 5)")
    assert len(graph.nodes) == count + 1


def test_a_derived_field_follows_its_definition() -> None:
    graph = Graph({"vwap": "(high + low + close) / 3", "adv": "ts_mean(volume, {d})"})
    assert graph.add("vwap") == graph.add("(high + low + close) / 3")
    assert graph.add("adv10") == graph.add("ts_mean(volume, 10)")
    assert graph.fields_below([graph.add("vwap + adv5")]) == ["close", "high", "low", "volume"]


def test_the_normal_form_is_an_expression_that_means_the_same() -> None:
    graph = Graph()
    for text in (
        "(-1 * correlation(rank(delta(log(volume), 2)), rank(((close - open) / open)), 6))",
        "scale(((correlation(adv20, low, 5) + ((high + low) / 2)) - close), 2)",
        "x = volume > adv20 ? 1 : -0.5; rank(x) * group_neutralize(close, sector)",
        "add(close, open, low, filter=true) * -0.0",
        "group_rank(close, bucket(rank(cap), range='0.1, 1, 0.1'))",
        "group_mean(close, 1, bucket(rank(volume), buckets='0.2,0.5,0.7'))",
        "ts_regression(close, open, 10.5, rettype=2) + ts_quantile(close, 5, driver='uniform')",
        "kth_element(close, 5, 2) * 1e-12",
    ):
        node = graph.add(text)
        assert graph.add(graph.text(node)) == node
        assert len(graph.digest(node)) == 16
    assert graph.digest(graph.add("open + close")) == graph.digest(graph.add("close+open"))


@pytest.mark.parametrize(
    ("text", "message", "blamed"),
    [
        ("rank(clsoe)", "no field 'clsoe'", "clsoe"),
        ("ts_meen(close, 5)", "no operator 'ts_meen'", "ts_meen(close, 5)"),
        ("ts_mean(close, -5)", "it would read the future", "-5"),
        ("delay(close, 0-1)", "it would read the future", "0-1"),
        ("ts_mean(close)", "'d' is missing", "ts_mean(close)"),
        ("ts_mean(close, volume)", "must be a number of sessions, not a series", "volume"),
        ("ts_mean(close, 5, 6)", "takes 2 arguments, 3 are given", "6"),
        ("ts_mean(close, days=5)", "has no argument 'days'", "days=5"),
        ("ts_mean(close, 5, d=5)", "'d' is given twice", "d=5"),
        ("ts_mean(close, 0)", "must be at least 1", "0"),
        ("hump(close)", "its memory is unbounded", "hump(close)"),
        ("vec_avg(close)", "many values a day", "vec_avg(close)"),
        ("rank(sector)", "must be numbers. Got a group instead", "sector"),
        ("sector == 3", "must be numbers. Got a group instead", "sector"),
        ("group_rank(close, volume)", "must be a group", "volume"),
        ("max(close)", "the argument 'y' is missing", "max(close)"),
        ("bucket(close, range='0,1')", "start, stop and a step", "bucket(close, range='0,1')"),
        ("bucket(close, range='1,0,0.1')", "start <= stop", "bucket(close, range='1,0,0.1')"),
        ("bucket(close, range='0,1,0')", "0 < step", "bucket(close, range='0,1,0')"),
        ("bucket(close, range='0,1,x')", "must be numbers", "'0,1,x'"),
        ("bucket(close, rang='0,1,2')", "does not take this", "rang='0,1,2'"),
        ("x = close; y + 1", "no field 'y'", "y"),
        ("1 + sma(close, 2, 3)", "sma: ", "sma(close, 2, 3)"),
        ("quantile(close, driver='gausian')", "neither a number nor one of", "'gausian'"),
    ],
)
def test_what_does_not_fit_is_named_and_pointed_at(text: str, message: str, blamed: str) -> None:
    with pytest.raises(ExpressionError) as found:
        Graph().add(text)
    error = found.value
    assert message in str(error)
    assert text[error.position : error.position + error.length] == blamed


def test_a_definition_that_reads_itself_is_named() -> None:
    graph = Graph({"vwap": "cap / volume", "cap": "vwap * 2", "adv": "ts_mean(turnover, {d})"})
    with pytest.raises(ExpressionError, match="the definition of 'vwap' reads 'vwap' itself"):
        graph.add("rank(vwap)")


def test_a_slip_gets_the_near_name() -> None:
    for text, hint in (
        ("rank(clsoe)", "did you mean close"),
        ("correlatoin(open, close, 5)", "did you mean correlation"),
        ("ts_mean(close, dd=5)", "did you mean d?"),
    ):
        with pytest.raises(ExpressionError) as found:
            Graph().add(text)
        assert hint in str(found.value)
