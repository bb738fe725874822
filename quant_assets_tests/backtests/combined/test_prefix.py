"""Every method of weighing strategies is held to the rules of time; a new one by being registered.

Strategies take the place of symbols, their returns that of prices.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quant_assets.backtests.combined import portfolio
from quant_assets.backtests.combined.portfolio import combine, month_ends
from quant_assets.backtests.combined.returns import StrategyReturns
from quant_assets.backtests.combined.weighting import METHODS, Known, Method
from quant_assets.settings_combined import CombinedSettings
from quant_assets_tests.backtests.combined.samples import NAMES, dates, values
from quant_assets_tests.prefix import PanelInputs, PrefixError, check_prefix

RULES = CombinedSettings(window=60, minimum_sessions=30, regime_window=120, regime_sessions=10)
DAYS = 480
# A decision's past, the month it holds for, and the one before that it was switched from.
LOOKBACK = RULES.regime_window + 2 * 23 + 1


def inputs() -> PanelInputs:
    panel = values(DAYS + 300)[300:]  # the last of NAMES starts within it
    panel[200:206, 1] = np.nan
    random = np.random.default_rng(1)
    return PanelInputs(
        dates(DAYS),
        np.array(NAMES),
        {"returns": panel},
        {"rate": random.normal(1e-4, 1e-5, DAYS), "regime": np.arange(DAYS) // 40 % 2},
    )


# A look ahead of one day shows only around a switch: cuts at, before and after one.
ENDS = month_ends(inputs().dates)
CUTS = [int(t) for end in (ENDS[-2], ENDS[-5]) for t in (end - 1, end, end + 1, end + 2)]


def rows(inputs: PanelInputs, methods: dict[str, Method]) -> pd.DataFrame:
    """Weights as they are set and returns as they are earned, strategy by strategy."""
    panel = inputs.fields["returns"]
    known = np.isfinite(panel).any(axis=1)
    names = tuple(str(name) for name in inputs.symbols)
    found = StrategyReturns(inputs.dates[known], names, panel[known], (), ())
    rate, regime = inputs.series["rate"][known], inputs.series["regime"][known]
    made = combine(found, rate, regime, RULES, methods)
    parts = []
    for name, each in made.of.items():
        day, place = np.nonzero(each.weights > 0)
        weights = pd.DataFrame(
            {
                "date": made.switched[day],
                "symbol": np.array(names)[place],
                "what": f"{name} weight",
                "value": each.weights[day, place],
            }
        )
        earned = pd.DataFrame({"date": each.dates, "symbol": "-", "net": each.net})
        earned["what"] = f"{name} net"
        parts += [weights, earned.rename(columns={"net": "value"})]
    return pd.concat(parts)[["date", "symbol", "what", "value"]]


def hold(methods: dict[str, Method]) -> None:
    """The three checks on weights and returns."""
    keys = ("date", "symbol", "what")
    check_prefix(lambda data: rows(data, methods), inputs(), LOOKBACK, CUTS, (1, 97, 200), keys)


@pytest.mark.parametrize("name", METHODS)
def test_no_portfolio_knows_the_future_or_where_the_range_starts(name: str) -> None:
    hold({name: METHODS[name]})


def knows_tomorrow(patch: pytest.MonkeyPatch) -> None:
    """A decision reads two sessions beyond the one it is dated by."""
    honest = portfolio._known
    patch.setattr(portfolio, "_known", lambda v, e, r, d, who, s: honest(v, e, r, d + 2, who, s))


def knows_the_calendar(patch: pytest.MonkeyPatch) -> None:
    """Weights are set on the last session of a month, which only the next one shows to be it."""
    honest = portfolio._held
    patch.setattr(
        portfolio, "_held", lambda f, at, w, m, s: honest(f, [t - 1 for t in at], w, m, s)
    )


def counts_the_listed(patch: pytest.MonkeyPatch) -> None:
    """Shares depend on how many strategies there are, whether they have returns or not."""
    honest = portfolio.combine

    def combined(found: StrategyReturns, *rest: Any) -> Any:
        made = honest(found, *rest)
        for each in made.of.values():
            each.weights[:] /= len(found.names)
        return made

    patch.setitem(globals(), "combine", combined)


def grows_from_the_start(patch: pytest.MonkeyPatch) -> None:
    """What is earned depends on where the range starts."""
    honest = portfolio.combine

    def combined(found: StrategyReturns, *rest: Any) -> Any:
        made = honest(found, *rest)
        for each in made.of.values():
            each.gross[:] = np.cumsum(each.gross)
        return made

    patch.setitem(globals(), "combine", combined)


LEAKS = [knows_tomorrow, knows_the_calendar, counts_the_listed, grows_from_the_start]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leaky_portfolio_is_caught(
    leak: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leak(monkeypatch)
    with pytest.raises(PrefixError):
        hold({"inverse_volatility": METHODS["inverse_volatility"]})


def test_a_method_that_weighs_by_the_whole_history_is_caught() -> None:
    def leaky(data: PanelInputs) -> pd.DataFrame:
        volatility = np.nanstd(data.fields["returns"], axis=0)

        def weigh(known: Known) -> np.ndarray:
            inverse = 1.0 / volatility[: known.returns.shape[1]]
            share: np.ndarray = inverse / inverse.sum()
            return share

        return rows(data, {"leak": Method("leak", "", "", weigh)})

    with pytest.raises(PrefixError, match="noise after"):
        check_prefix(leaky, inputs(), LOOKBACK, CUTS, (1,), ("date", "symbol", "what"))
