"""The prefix test itself: what it finds, where, and what it cannot judge."""

import numpy as np
import pytest

from quant_assets.factors.expressions.fields import FIELDS
from quant_assets.factors.expressions.plan import plan
from quant_assets.factors.point_in_time import ROOM, compared, leaks, random_panel
from quant_assets_tests.factors.leaky import leaky_operators


def test_a_clean_plan_has_no_leak() -> None:
    chosen = plan({"a": "rank(ts_mean(returns, 10))", "b": "group_rank(close, sector)"})
    data = random_panel(chosen.lookback + ROOM)
    before = {name: values.copy() for name, values in data.items()}
    assert leaks(chosen, data) == []
    for name, values in before.items():
        assert np.array_equal(values, data[name], equal_nan=True), "what was given is left alone"


def test_a_leak_is_told_with_its_place() -> None:
    with leaky_operators():
        texts = {"clean": "delta(close, 2)", "next": "leaky_next(close, 1)", "again": "close"}
        chosen = plan(texts)
        data = random_panel(42)
        data = {name: data[name] for name in chosen.fields}
        found = leaks(chosen, data)
        assert {leak.result for leak in found} == {"next"}
        first = found[0]
        assert first.change == "noise after row 15"
        assert first.row == 15, "the day whose tomorrow was replaced"
        before, after = first.before, first.after
        assert before == data["close"][16, first.symbol]
        assert before != after
        expected = f"next: noise after row 15 changed row 15 of symbol {first.symbol} from"
        assert str(first).startswith(expected)
        assert any(leak.change == "nothing after row 40" for leak in found)


def test_a_running_total_is_found_by_where_the_range_begins() -> None:
    with leaky_operators():
        chosen = plan({"total": "leaky_total(turnover, 3)"})
        found = leaks(chosen, random_panel(60))
    assert {leak.change.split(" row")[0] for leak in found} == {"a range from"}
    assert found[0].row == 1


def test_filling_gaps_from_the_future_is_found_in_every_field() -> None:
    """It shows only where a gap is cut through; the made-up market has them there."""
    bars = ("open", "high", "low", "close", "volume", "turnover", "vwap", "cap")
    with leaky_operators():
        for name in bars:
            for other in bars:
                text = f"ts_mean(leaky_fill({name}, 3), 5) + {other}"
                chosen = plan({"x": text})
                if name != other:
                    assert leaks(chosen, random_panel(chosen.lookback + ROOM)), text


def test_what_compares_nothing_is_told() -> None:
    chosen = plan({"never": "close / 0", "always": "close", "often": "delta(close, 30)"})
    shares = compared(chosen, random_panel(chosen.lookback + ROOM))
    assert shares["never"] == 0.0
    assert 0.8 < shares["often"] < shares["always"] < 1.0
    assert compared(chosen, random_panel(chosen.lookback)) == dict.fromkeys(chosen.names, 0.0)


def test_too_few_sessions_are_refused() -> None:
    chosen = plan({"x": "delta(close, 30)"})
    with pytest.raises(ValueError, match=r"look-back of 30 needs more than 32 sessions. Got 32"):
        leaks(chosen, random_panel(32))
    assert leaks(chosen, random_panel(33)) == []


def test_the_made_up_market_has_every_field_and_is_always_the_same() -> None:
    panel, again = random_panel(80, 12, seed=3), random_panel(80, 12, seed=3)
    assert set(panel) == set(FIELDS)
    for name, values in panel.items():
        assert values.shape == (80, 12)
        assert values.dtype == np.float64
        assert np.array_equal(values, again[name], equal_nan=True)
        assert not np.isinf(values).any()
        if FIELDS[name].group:
            assert (values == np.floor(values)).all()
    assert not np.array_equal(panel["close"], random_panel(80, 12, seed=4)["close"], equal_nan=True)
    gaps = np.isnan(panel["close"])
    assert 0.02 < gaps.mean() < 0.25
    known = panel["close"][~gaps]
    assert len(np.unique(known)) < known.size, "there are ties"
    both = ~gaps & ~np.isnan(panel["high"]) & ~np.isnan(panel["low"])
    assert (panel["high"] >= panel["low"])[both].all()


@pytest.mark.parametrize("symbols", [1, 2, 5])
def test_few_symbols_are_enough_for_a_market(symbols: int) -> None:
    panel = random_panel(60, symbols)
    assert np.isfinite(panel["close"]).any()
