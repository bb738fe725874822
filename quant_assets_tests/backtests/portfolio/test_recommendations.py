"""The daily recommendations: state, days against ranges, what is tradable, what a row says."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from quant_assets.backtests.portfolio.recommendations import Recommended, of_day, recommend
from quant_assets.market_data.panels import FloatArray, Panel
from quant_assets.settings_portfolio import Limits, PortfolioSettings
from quant_assets.settings_trading import Trading
from quant_assets.warehouse.schemas import SCHEMAS
from quant_assets_tests.backtests.samples import names, prices, sessions

LOOKBACK = 20
SETTINGS = PortfolioSettings(
    method="equal_risk_contribution",
    names=4,
    volatility_target=None,
    lookback=LOOKBACK,
    minimum_returns=10,
    limits=Limits(position=0.4, turnover=0.3, sector=0.5),
)
TRADING = Trading(capital=1_000_000, lot=1)


@dataclass
class Market:
    """Tables of a made-up market; fields may be changed before they are made into tables."""

    days: np.ndarray
    symbols: np.ndarray
    close: FloatArray
    factor: FloatArray
    score: FloatArray
    sector: list[str | None]
    flags: dict[str, np.ndarray]
    listed: np.ndarray
    traded: FloatArray
    rate: FloatArray | None = None
    confidence: float = 0.5

    def recommend(
        self,
        first: int,
        last: int,
        previous: pa.Table | None = None,
        settings: PortfolioSettings = SETTINGS,
        trading: Trading = TRADING,
    ) -> Recommended:
        """Of the sessions `first` to `last`, read as the asset reads them."""
        past = slice(max(first - settings.lookback, 0), last + 1)
        fields = {"close": self.close, "price_factor": self.factor, "turnover": self.traded}
        bars = Panel(
            self.days[past], self.symbols, {name: every[past] for name, every in fields.items()}
        ).to_table(np.isfinite(self.close[past]))
        asked = slice(first, last + 1)
        return recommend(
            self._scores(asked),
            bars,
            self._universe(asked),
            previous,
            self.days[past],
            self.days[asked],
            settings,
            trading,
            252,
            None
            if self.rate is None
            else Panel(
                self.days[past], self.symbols, {"turnover_rate": self.rate[past]}
            ).to_table(),
        )

    def _scores(self, days: slice) -> pa.Table:
        there = np.isfinite(self.score[days])
        confidence = np.full(there.shape, self.confidence)
        panel = Panel(
            self.days[days], self.symbols, {"score": self.score[days], "confidence": confidence}
        )
        return panel.to_table(there)

    def _universe(self, days: slice) -> pa.Table:
        flags = {name: np.where(values[days], 1.0, 0.0) for name, values in self.flags.items()}
        fields = {**flags, "average_turnover": self.traded[days]}
        table = Panel(self.days[days], self.symbols, fields).to_table(self.listed[days])
        for name in flags:
            column = pc.equal(table[name], 1.0)
            table = table.set_column(table.column_names.index(name), name, column)
        sectors = dict(zip(self.symbols, self.sector, strict=True))
        names_of = [sectors[symbol] for symbol in table["symbol"].to_pylist()]
        return table.append_column("sector", pa.array(names_of, pa.string())).append_column(
            "industry", pa.array([None] * len(names_of), pa.string())
        )


def market(count: int = 12, length: int = 40, seed: int = 3, gaps: bool = False) -> Market:
    random = np.random.default_rng(seed)
    chosen = prices(length, count, seed, missing=0.05 if gaps else 0.0, idle=0.0)
    close = chosen["close"]
    if not gaps:
        close = 50.0 * np.exp(np.cumsum(random.normal(0, 0.02, close.shape), axis=0))
    shape = close.shape
    false = np.zeros(shape, bool)
    return Market(
        sessions(length),
        names(count),
        close,
        np.ones(shape),
        random.normal(size=(length, count)),
        [("oil", "rail", None)[k % 3] for k in range(count)],
        {
            "member": np.ones(shape, bool),
            "halted": false.copy(),
            "limit_up": false.copy(),
            "limit_down": false.copy(),
        },
        np.ones(shape, bool),
        np.full(shape, 1e6),
    )


def rows(result: Recommended | pa.Table, day: Any = None) -> dict[str, dict[str, Any]]:
    """By symbol, those of a day or of the only one."""
    table = result if isinstance(result, pa.Table) else result.table
    if day is not None:
        table = of_day(table, day.item())
    return {row["symbol"]: row for row in table.to_pylist()}


def test_rows_are_as_the_table_is_declared() -> None:
    result = market(gaps=True).recommend(20, 39)
    stored = SCHEMAS["recommendations"].validate(result.table)
    assert stored.column_names == list(SCHEMAS["recommendations"].names)
    assert stored.num_rows > 50
    change = pc.subtract(stored["target_weight"], stored["previous_weight"])
    assert pc.max(pc.abs(pc.subtract(change, stored["change"]))).as_py() == 0


def test_a_day_alone_gives_the_bits_of_the_range() -> None:
    whole = market(count=20, gaps=True)
    together = whole.recommend(20, 39).table
    for t in (20, 21, 27, 39):
        before = None if t == 20 else of_day(together, whole.days[t - 1].item())
        alone = whole.recommend(t, t, before).table
        day = together.filter(pc.equal(together["date"], pa.scalar(whole.days[t].item())))
        assert alone.equals(day), t


def test_nothing_of_the_future_is_known() -> None:
    plain, changed = market(gaps=True), market(gaps=True)
    random = np.random.default_rng(5)
    changed.close[31:] = random.uniform(1, 100, changed.close[31:].shape)
    changed.score[31:] = random.normal(size=changed.score[31:].shape)
    changed.flags["halted"][31:] = True
    until = pa.scalar(plain.days[30].item())
    one, other = plain.recommend(20, 39).table, changed.recommend(20, 39).table
    assert not one.equals(other)
    assert one.filter(pc.less_equal(one["date"], until)).equals(
        other.filter(pc.less_equal(other["date"], until))
    )


def test_from_cash_it_takes_two_days_to_be_invested() -> None:
    made = market()
    made.score[20:] = made.score[20]
    result = made.recommend(20, 24)
    invested = [
        sum(row["target_weight"] for row in rows(result, day).values()) for day in made.days[20:25]
    ]
    assert invested[0] == pytest.approx(0.3, abs=1e-3)  # the turnover of a day
    assert invested[1] == pytest.approx(0.6, abs=0.01)
    assert result.summary["starts_from"] == "cash"
    assert result.summary["sessions"] == 5


def test_positions_move_with_their_prices() -> None:
    """0.3 that rises by 10 % and 0.2 that falls by 5 %: equity is 1.02, weights 0.3235, 0.1863."""
    made = market()
    made.close[21] = made.close[20]
    made.close[21, 0] *= 1.1
    made.close[21, 1] *= 0.95
    before = pa.table({"symbol": ["S000", "S001"], "target_weight": [0.3, 0.2]})
    found = rows(made.recommend(21, 21, before))
    assert found["S000"]["previous_weight"] == pytest.approx(0.33 / 1.02)
    assert found["S001"]["previous_weight"] == pytest.approx(0.19 / 1.02)


def test_a_split_moves_the_price_and_not_the_weight() -> None:
    made = market()
    made.close[21] = made.close[20]
    made.factor[21:, 0] = 2.0  # two for one: the price as traded halves
    before = pa.table({"symbol": ["S000"], "target_weight": [0.3]})
    found = rows(made.recommend(21, 21, before))["S000"]
    assert found["previous_weight"] == pytest.approx(0.3)
    assert found["price"] == pytest.approx(made.close[21, 0] / 2)
    assert found["quantity"] == pytest.approx(found["change"] * 1_000_000 / found["price"], abs=1.0)


def test_without_scores_positions_are_left_alone() -> None:
    made = market()
    made.score[25] = np.nan
    result = made.recommend(20, 26)
    before, without = rows(result, made.days[24]), rows(result, made.days[25])
    held = {symbol for symbol, row in before.items() if row["target_weight"]}
    assert set(without) == held
    for row in without.values():
        assert row["status"] == "hold"
        assert row["quantity"] == 0
        assert row["target_weight"] == row["previous_weight"]
        assert row["reasons"] == "no scores on the day: positions are left alone"
    assert any(row["quantity"] for row in rows(result, made.days[26]).values())


def test_what_has_no_bar_is_kept_while_listed_and_then_closed() -> None:
    """Strategies still score it: their last decision may be a quarter old."""
    made = market()
    made.close[22:, 0] = np.nan
    made.listed[25:, 0] = False
    made.score[:, 0] = 10.0  # the best there is
    result = made.recommend(21, 30)
    SCHEMAS["recommendations"].validate(result.table)  # one row a security
    states = [rows(result, day).get("S000", {}) for day in made.days[21:31]]
    assert states[0]["target_weight"] > 0
    for state in states[1:4]:
        assert state["status"] == "blocked"
        assert state["price"] is None
        assert "not tradable: no bar on the day" in state["reasons"]
    assert states[4]["status"] == "closed"
    assert states[4]["target_weight"] == 0
    assert states[4]["reasons"].startswith("stale: no bar for 4 sessions")
    assert all(state.get("target_weight", 0.0) == 0 for state in states[5:])


def test_a_halt_ends_no_position_however_long() -> None:
    made = market(length=60)
    made.close[22:, 0] = np.nan
    made.flags["halted"][22:, 0] = True
    before = pa.table({"symbol": ["S000"], "target_weight": [0.3]})
    last = rows(made.recommend(22, 55, before), made.days[55])["S000"]
    assert (last["status"], last["reasons"]) == ("blocked", "not tradable: halted")


def test_equity_that_is_lost_begins_anew_as_cash() -> None:
    made = market()
    made.close[21] = made.close[20]
    made.close[21, 0] *= 8
    before = pa.table({"symbol": ["S000", "S001"], "target_weight": [-0.2, 0.1]})
    found = rows(made.recommend(21, 21, before))
    for symbol, weight in (("S000", -0.2), ("S001", 0.1)):
        assert found[symbol]["status"] == "closed"
        assert (found[symbol]["previous_weight"], found[symbol]["target_weight"]) == (weight, 0)
        assert found[symbol]["reasons"].startswith("equity: the day's returns lost 140% of it")
    bought = [row["target_weight"] for row in found.values() if row["side"] == "buy"]
    assert sum(bought) == pytest.approx(0.3, abs=1e-3)  # the turnover of a day


def test_a_short_position_without_a_price_stays_when_only_long_ones_are_wanted() -> None:
    made = market()
    made.close[21, 0] = np.nan
    before = pa.table({"symbol": ["S000"], "target_weight": [-0.2]})
    found = rows(made.recommend(21, 21, before))["S000"]
    assert (found["status"], found["quantity"]) == ("blocked", 0.0)
    assert found["target_weight"] == found["previous_weight"] < 0


def test_the_young_do_not_look_calm() -> None:
    """Of 20 sessions S000 has the last 11 closes: its volatility is that of 10 returns."""
    made = market()
    made.close[:10, 0] = np.nan
    settings = SETTINGS.model_copy(update={"shrinkage": False})
    found = rows(made.recommend(20, 20, settings=settings))["S000"]["volatility"]
    own = made.close[11:21, 0] / made.close[10:20, 0] - 1
    assert found == pytest.approx(own.std() * np.sqrt(252), rel=0.1)


def test_flags_of_the_universe_are_heeded() -> None:
    made = market()
    made.score[20] = np.arange(12, 0, -1.0)  # S000 is the best
    made.flags["halted"][20, 0] = True
    made.flags["limit_up"][20, 1] = True
    made.flags["member"][20, 2] = False
    made.flags["limit_down"][20, 3] = True
    found = rows(made.recommend(20, 20))
    assert found["S000"]["reasons"] == "not tradable: halted"
    assert found["S001"]["reasons"] == "not tradable: closed at its upper limit"
    assert found["S002"]["reasons"] == "not a member of the universe"
    assert {found[s]["status"] for s in ("S000", "S001", "S002")} == {"cut"}
    assert found["S003"]["side"] == "buy"  # what is at its lower limit can be bought


def test_too_little_history_is_no_reason_to_buy() -> None:
    made = market()
    made.score[20] = np.arange(12, 0, -1.0)
    made.close[:12, 0] = np.nan
    made.close[:, 1] = 50.0
    found = rows(made.recommend(20, 20))
    assert found["S000"]["reasons"] == (
        "history: 8 returns of the last 20 sessions, at least 10 are needed"
    )
    assert found["S001"]["reasons"] == "history: its price has not moved"
    assert found["S000"]["volatility"] is None


def test_equal_scores_are_ranked_by_calm() -> None:
    made = market()
    made.score[20] = 1.0
    found = rows(made.recommend(20, 20))
    returns = made.close[1:21] / made.close[:20] - 1
    calmest = np.argsort(returns.std(axis=0, ddof=1))[:3]
    assert [found[f"S{k:03d}"]["rank"] for k in calmest] == [1, 2, 3]


def test_dollar_neutral_recommends_short_sales() -> None:
    limits = SETTINGS.limits.model_copy(update={"turnover": 4.0, "smallest_change": 0.0})
    settings = SETTINGS.model_copy(update={"direction": "dollar_neutral", "limits": limits})
    made = market(count=30)
    result = made.recommend(20, 30, settings=settings)
    weights = [row["target_weight"] for row in rows(result, made.days[30]).values()]
    assert sum(weights) == pytest.approx(0, abs=2e-3)  # but for whole shares
    assert sum(weight > 0 for weight in weights) >= 4
    assert sum(weight < 0 for weight in weights) >= 4


@pytest.mark.parametrize("method", ["black_litterman", "kelly"])
def test_methods_with_views_follow_the_scores(method: str) -> None:
    settings = SETTINGS.model_copy(update={"method": method, "names": 12, "gross": 1.0})
    made = market()
    made.score[20] = np.arange(12, 0, -1.0)
    found = rows(made.recommend(20, 20, settings=settings))
    wanted = [row["unconstrained_weight"] for row in found.values()]
    assert wanted[0] > max(wanted[-4:])
    assert 0 < sum(wanted) <= 1 + 1e-9


@pytest.mark.parametrize("valued", [True, False])
def test_without_views_the_market_s_own_portfolio_is_held(valued: bool) -> None:
    """By the value of the tradable shares where it is known, else by what is traded."""
    made = market()
    worth = np.arange(1.0, 13.0) * 1e9
    made.traded = np.tile(np.arange(12.0, 0.0, -1.0) * 1e6, (len(made.days), 1))
    if valued:
        made.rate = made.traded / worth
        made.rate[20] = np.nan  # the last one known counts
    made.confidence = 0.0
    settings = SETTINGS.model_copy(update={"method": "black_litterman", "names": 12})
    result = made.recommend(20, 20, settings=settings)
    wanted = [row["unconstrained_weight"] for row in rows(result).values()]
    weights = worth if valued else made.traded[20]
    np.testing.assert_allclose(wanted, weights / weights.sum(), atol=0.02)
    told = str(result.summary["prior"])
    assert told.startswith("market values" if valued else "average traded values")
    alone = made.recommend(18, 20, settings=settings).table  # a range knows no more of its last day
    assert alone.num_rows > result.table.num_rows
    nothing = market()
    nothing.traded[:] = np.nan
    told = str(nothing.recommend(20, 20, settings=settings).summary["prior"])
    assert told == "equal weights: no market value is known"
    assert "prior" not in market().recommend(20, 20).summary


def test_a_window_without_anything_is_empty() -> None:
    made = market()
    made.score[:] = np.nan
    result = made.recommend(20, 22)
    assert result.table.num_rows == 0
    assert SCHEMAS["recommendations"].validate(result.table).num_rows == 0
    assert result.summary["positions"] == 0


def test_the_rows_of_a_day_are_in_the_order_of_rank() -> None:
    made = market()
    table = of_day(made.recommend(20, 24).table, made.days[24].item())
    ranks = [rank for rank in table["rank"].to_pylist() if rank is not None]
    assert ranks == sorted(ranks)
    assert set(table["date"].to_pylist()) == {made.days[24].item()}
    assert isinstance(made.days[24].item(), date)
