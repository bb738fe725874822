"""What a user types after --select."""

from pathlib import Path

import pytest

from quant_assets.orchestration.selection import parse_selection
from quant_assets.settings_files import ConfigError
from quant_assets_tests.graphs import DAILY, Graph
from quant_assets_tests.markets import files_market, simulated_market, small_settings


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    folder: Path = tmp_path_factory.mktemp("selection")
    markets = {"sim": simulated_market(), "tiny": files_market(folder / "data")}
    return Graph(small_settings(folder, markets))


def chosen(graph: Graph, text: str | None) -> set[str]:
    keys = parse_selection(text, "tiny", graph.repository).resolve(graph.repository.asset_graph)
    assert all(key.path[0] == "tiny" for key in keys)
    return {key.path[-1] for key in keys}


SUMMARIES = {"factor_summary", "factor_sector_summary", "factor_correlations"}
MINING = {"factor_runs", "concurrency_report"}
SPLITS = {"detected_splits", "split_reconciliation"}
COMBINED = {"strategy_correlations", "portfolio", "strategy_stability", "strategy_comparison"}
WHOLE = {
    *DAILY,
    *SUMMARIES,
    *MINING,
    *SPLITS,
    *COMBINED,
    *("model_lightgbm", "corporate_actions", "backtest", "tear_sheet", "market_data_summary"),
    "model_tear_sheet",
}
TRADED = {"backtest", "tear_sheet", "model_tear_sheet", *COMBINED}
SELECTIONS: dict[str | None, set[str]] = {
    None: WHOLE,
    "universe": {"universe"},
    "tiny/universe": {"universe"},
    "benchmark, universe": {"benchmark", "universe"},
    "+adjusted_bars": {"corporate_actions", "bars", "adjusted_bars"},
    "predictions+": {"predictions", "recommendations", *TRADED},
    "+labels+": {
        *("corporate_actions", "bars", "adjusted_bars", "labels"),
        *("model_lightgbm", "predictions", "recommendations", *TRADED),
    },
    "group:market_data": {
        *("corporate_actions", "bars", "quarantine", "adjusted_bars", "universe", "benchmark"),
        *SPLITS,
        "market_data_summary",
    },
    "group:tear_sheets": {
        *("tear_sheet", "model_tear_sheet", "strategy_stability", "strategy_comparison"),
    },
    "daily": {*DAILY, "corporate_actions"},
    "models": {"model_lightgbm"},
    "summaries,benchmark": {*SUMMARIES, *SPLITS, "benchmark", "model_tear_sheet"},
    "mining": MINING,
    "strategies": {"backtest", "tear_sheet"},
    # Sweeps and searches run when they are named only.
    "sweeps": {"parameter_sweep", "optimization"},
    "parameter_sweep+": {"parameter_sweep", "strategy_stability"},
    "combined": COMBINED,
    "group:backtests": {
        *("backtest", "parameter_sweep", "optimization", "recommendations"),
        *("strategy_correlations", "portfolio"),
    },
}


@pytest.mark.parametrize("text", SELECTIONS)
def test_selections(graph: Graph, text: str | None) -> None:
    assert chosen(graph, text) == SELECTIONS[text]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("barz", "tiny has no asset, group or job 'barz' (did you mean 'bars'?); there are "),
        ("bars,group:factor", "'group:factor' (did you mean 'group:factors'?)"),
        ("sim/bars", "'sim/bars'"),
        ("dayly", "(did you mean 'daily'?)"),
        ("", "no asset, group or job ''"),
        ("bars,,universe", "no asset, group or job ''"),
    ],
)
def test_a_name_that_is_nothing(graph: Graph, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        chosen(graph, text)
    assert str(caught.value).startswith("--select: ")
    assert message in str(caught.value)
