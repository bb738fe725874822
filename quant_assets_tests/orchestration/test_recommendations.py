"""Recommendations through the graph: a range, a day alone, the state, what the UI shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from quant_assets_tests.graphs import Graph, errors
from quant_assets_tests.markets import simulated_market, small_settings

START, END = date(2023, 5, 1), date(2023, 9, 29)
FIRST, LAST = date(2023, 9, 1), date(2023, 9, 29)
TABLE = "sim/recommendations"
PORTFOLIO = {
    "source": "strategies",
    "strategies": {"low_volatility": 1.0},
    "names": 8,
    "lookback": 40,
    "minimum_returns": 30,
    "limits": {"position": 0.2},
}
LOW_VOLATILITY = {"window": 40, "minimum_returns": 30, "minimum_names": 5, "maximum_weight": 0.2}


@dataclass
class Recommending:
    """A market whose recommendations of a month have been made."""

    graph: Graph
    instance: dg.DagsterInstance

    def run(self, select: str, first: date, last: date) -> None:
        """Materialize; everything must succeed."""
        assert errors(self.graph.backfill(self.instance, "sim", select, first, last)) == []

    def rows(self) -> pa.Table:
        """The table, whole."""
        return self.graph.warehouse.read(TABLE)

    def metadata(self, day: date) -> dict[str, Any]:
        """What the UI shows of a day."""
        key = dg.AssetKey(["sim", "recommendations"])
        for record in self.instance.fetch_materializations(key, limit=100).records:
            event = record.asset_materialization
            if event is not None and event.partition == str(day):
                return {name: value.value for name, value in event.metadata.items()}
        raise AssertionError(f"{day} is not materialized")


@pytest.fixture(scope="module")
def recommending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommending]:
    market = simulated_market(40, start=START, end=END, models_from=date(2023, 9, 1))
    settings = small_settings(
        tmp_path_factory.mktemp("recommending"),
        {"sim": market},
        {
            "portfolio": PORTFOLIO,
            "strategies": {"strategies": {"low_volatility": {"parameters": LOW_VOLATILITY}}},
        },
    )
    with dg.DagsterInstance.ephemeral() as instance:
        made = Recommending(Graph(settings), instance)
        made.run("bars,quarantine,corporate_actions,adjusted_bars,universe", START, END)
        made.run("recommendations", FIRST, LAST)
        yield made


def test_every_day_has_orders_within_the_limits(recommending: Recommending) -> None:
    rows = recommending.rows()
    sessions = recommending.graph.partitions("sim").sessions
    asked = [day for day in sessions.tolist() if FIRST <= day <= LAST]
    assert sorted(set(rows["date"].to_pylist())) == asked
    frame = rows.to_pandas()
    by_day = frame.groupby("date")
    assert (frame["target_weight"] <= 0.2 + 1e-9).all()
    assert (by_day["target_weight"].sum() <= 1 + 1e-9).all()
    traded = (frame["quantity"].abs() * frame["price"]).groupby(frame["date"]).sum() / 1e6
    assert (traded <= 0.5 + 1e-9).all()
    assert by_day["target_weight"].sum().iloc[-1] > 0.8
    assert set(frame["status"]) <= {"order", "reduced", "hold", "cut", "blocked", "closed"}


def test_a_day_alone_gives_the_bits_of_the_range(recommending: Recommending) -> None:
    before = recommending.rows()
    for day in (FIRST, date(2023, 9, 14), LAST):
        recommending.run("recommendations", day, day)
        assert recommending.rows().equals(before), day


def test_without_the_session_before_a_day_starts_from_cash(recommending: Recommending) -> None:
    day = date(2023, 8, 15)
    recommending.run("recommendations", day, day)
    rows = recommending.rows()
    of_day = rows.filter(pc.equal(rows["date"], pa.scalar(day)))
    assert set(of_day["previous_weight"].to_pylist()) == {0.0}
    assert recommending.metadata(day)["starts_from"] == "cash"


def test_the_ui_shows_orders_reasons_and_the_picture(recommending: Recommending) -> None:
    recommending.run("recommendations", LAST, LAST)
    metadata = recommending.metadata(LAST)
    assert metadata["last_session"] == str(LAST)
    assert metadata["starts_from"] == "the day before"
    assert metadata["last_day"].startswith("| rank | symbol | sector | side | quantity | price |")
    assert "data:image/png;base64," in metadata["sectors"]
    assert metadata["positions"] > 4


def test_it_is_a_daily_asset_of_the_chapter(recommending: Recommending) -> None:
    graph = recommending.graph.repository.asset_graph
    node = graph.get(dg.AssetKey(["sim", "recommendations"]))
    assert node.group_name == "sim_backtests"
    assert node.partitions_def == graph.get(dg.AssetKey(["sim", "bars"])).partitions_def
    assert {key.path[-1] for key in node.parent_keys} == {"adjusted_bars", "universe"}
    daily = recommending.graph.repository.get_job("sim_daily").asset_layer.selected_asset_keys
    assert dg.AssetKey(["sim", "recommendations"]) in daily
