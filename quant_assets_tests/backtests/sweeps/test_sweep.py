"""A sweep from the sets to its table, its picture and its page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quant_assets.backtests.strategies.base import StrategyData, StrategyError
from quant_assets.backtests.sweeps.evaluation import common_start, in_cash
from quant_assets.backtests.sweeps.ledger import TrialStatistics
from quant_assets.backtests.sweeps.measures import CHOOSING, check_metric
from quant_assets.backtests.sweeps.page import deflated, sweep_page
from quant_assets.backtests.sweeps.plots import sweep_picture
from quant_assets.backtests.sweeps.shaping import cells, pairs
from quant_assets.backtests.sweeps.spaces import axes_of, space
from quant_assets.backtests.sweeps.sweep import Sweep, sweep
from quant_assets.performance.metrics import METRICS, metrics
from quant_assets.settings_sweeps import Grid
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.sweeps.samples import Crossing, evaluation
from quant_assets_tests.end_to_end.browser import Page

SPACE = space(Crossing(), axes_of(Crossing()))


@pytest.fixture(scope="module")
def made() -> Sweep:
    return sweep(evaluation(), SPACE, "sharpe", thread_no=2, run="r")


def test_every_set_is_measured_on_its_own_returns_over_common_sessions(made: Sweep) -> None:
    market = evaluation()
    returns = market.returns([each.parameters for each in SPACE.sets])
    begins = [int(np.isfinite(column).argmax()) for column in returns.T]
    assert made.start == market.dates[max(begins)]
    for k in (0, 6):
        expected = metrics(
            in_cash(returns)[max(begins) :, k], market.benchmark[max(begins) :],  # type: ignore[index]
            0.02, 252,
        )  # fmt: skip
        for name in ("sharpe", "max_drawdown", "beta", "cagr"):
            assert made.metrics[name][k] == pytest.approx(expected[name])
    rows = schema_of("parameter_sweep").validate(made.table())
    assert rows.num_rows == len(SPACE.sets) == 10
    assert rows["value"].to_pylist() == rows["sharpe"].to_pylist()


def test_threads_do_not_change_the_result(made: Sweep) -> None:
    alone = sweep(evaluation(), SPACE, "sharpe", thread_no=1, run="r")
    assert alone.table().equals(made.table())
    assert alone.overfitting is not None
    assert made.overfitting is not None
    assert alone.overfitting.probability == made.overfitting.probability


def test_both_ways_of_choosing_are_measured_on_later_sessions(made: Sweep) -> None:
    best = int(np.nanargmax(made.first_part))
    assert made.by_peak.place == best
    assert made.by_peak.first == made.first_part.max()
    assert made.by_peak.second == made.second_part[best]
    assert made.by_plateau.place is not None
    assert made.by_plateau.second == made.second_part[made.by_plateau.place]


def test_other_data_rules_or_strategies_have_another_hash() -> None:
    market = evaluation()
    same = evaluation().data_hash
    assert market.data_hash == same
    others = {
        evaluation(seed=4).data_hash,
        evaluation(days=299).data_hash,
        replace(market, rules="other").data_hash,
    }
    assert len(others | {same}) == 4


def test_the_common_start() -> None:
    returns = np.full((10, 4), np.nan)
    returns[2:, 0] = returns[4:, 1] = returns[8:, 2] = 0.01
    assert common_start(returns) == 4  # one begins in the last half, one never
    assert common_start(returns[:, 2:]) == 8
    assert common_start(returns[:, 3:]) == 10


def test_ratios_of_a_set_that_holds_nothing_are_undefined() -> None:
    class Idle(Crossing):
        def target_weights(self, data: StrategyData, parameters: Any) -> np.ndarray:
            weights = super().target_weights(data, parameters)
            return weights if parameters.fast > 2 else np.where(np.isnan(weights), np.nan, 0.0)

    market = replace(evaluation(plugin=Idle()), risk_free=np.linspace(0.05, 0.04, 300))
    found = sweep(market, space(Idle(), axes_of(Idle())), "sharpe")
    idle = np.array([each.values["fast"] == 2 for each in found.space.sets])
    assert np.isnan(found.values[idle]).all()
    assert (found.metrics["max_drawdown"][idle] == 0).all()
    assert np.isfinite(found.values[~idle]).all()
    assert [np.isnan(trial.sharpe) for trial in found.trials] == idle.tolist()


def test_nothing_decided_is_an_error() -> None:
    late = space(Crossing(), axes_of(Crossing(), {"slow": [199], "fast": [2, 3]}))
    with pytest.raises(ValueError, match="none of 2 parameter sets decided anything on 50"):
        sweep(evaluation(days=50), late, "sharpe")


def test_cells_are_means_over_the_other_axes() -> None:
    grid: Grid = {"fast": [2, 4], "slow": [8, 16], "share": [0.5, 1.0]}
    three = space(Crossing(), axes_of(Crossing(), grid))
    assert pairs(three) == [(0, 1), (0, 2), (1, 2)]
    values = np.arange(8.0)
    values[7] = np.nan
    found = cells(three, values, 0, 1)
    assert found.values.tolist() == [[0.5, 2.5], [4.5, 6.0]]
    assert found.over == ("share",)
    single = space(Crossing(), axes_of(Crossing(), {"fast": [2, 4]}))
    assert pairs(single) == [(None, 0)]
    assert cells(single, np.array([1.0, 2.0]), None, 0).values.tolist() == [[1.0, 2.0]]


def test_metrics_to_choose_by_are_metrics() -> None:
    assert set(CHOOSING) <= set(METRICS)
    with pytest.raises(StrategyError, match=r"no metric 'sharp' .*did you mean 'sharpe'"):
        check_metric("sharp", "sweep.metric")


def test_picture_and_page(made: Sweep) -> None:
    assert sweep_picture(made, "Crossing", "Test market").startswith(b"\x89PNG")
    html = sweep_page(made, "Crossing", "Test <market>", TrialStatistics(40, 0.001, {}))
    assert "Test &lt;market&gt;" in html
    assert "fast must be below slow: 6" in html
    assert "probability of backtest overfitting" in html
    assert html == sweep_page(made, "Crossing", "Test <market>", TrialStatistics(40, 0.001, {}))
    few, many = (deflated(made, TrialStatistics(n, 0.001, {})) for n in (2, 2000))
    assert 0 <= many < few <= 1
    single = sweep(evaluation(), space(Crossing(), axes_of(Crossing(), {"fast": [2, 4]})), "sharpe")
    assert sweep_picture(single, "Crossing", "Test market").startswith(b"\x89PNG")
    assert "QA.lines" in sweep_page(single, "Crossing", "Test market")


def test_a_metric_that_no_set_has_is_shown_as_such() -> None:
    """Of a market without an index there is no alpha."""
    made = sweep(replace(evaluation(), benchmark=None), SPACE, "alpha")
    assert (made.peak, made.plateau, made.by_peak.place) == (None, None, None)
    assert sweep_picture(made, "Crossing", "Test market").startswith(b"\x89PNG")
    assert "median of all sets" in sweep_page(made, "Crossing", "Test market")


def test_maps_of_three_parameters_in_a_browser(tmp_path: Path, opened: Page) -> None:
    """Cells are means over the third parameter, or its values where it is held."""
    grid: Grid = {"fast": [2, 4], "slow": [8, 16, 32], "share": [0.5, 1.0]}
    made = sweep(evaluation(), space(Crossing(), axes_of(Crossing(), grid)), "sharpe")
    file = tmp_path / "sweep.html"
    file.write_text(sweep_page(made, "Crossing", "Test market"), encoding="utf-8")
    cells_shown = "[...document.querySelectorAll('#heat g')].map(each => each.textContent)"

    def numbers() -> list[float]:
        return [float(text) for text in opened.view.evaluate(cells_shown)]

    opened.open(file.as_uri())
    means = cells(made.space, made.values, 0, 1).values
    np.testing.assert_allclose(numbers(), means.ravel(), rtol=0.006)
    opened.view.select_option("#held2", "2")
    held = made.values.reshape(2, 3, 2)[:, :, 1]
    np.testing.assert_allclose(numbers(), held.ravel(), rtol=0.006)
    opened.view.select_option("#pair", "2")
    assert len(numbers()) == 6
    assert opened.errors == []
