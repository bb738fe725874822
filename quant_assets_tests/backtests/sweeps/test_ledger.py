"""The ledger: trials counted once, their moments, months, and what is read from it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.backtests.sweeps.ledger import (
    batch_name,
    distinct_trials,
    monthly_returns,
    overfitting_of_market,
    record,
    record_trials,
    trial_statistics,
)
from quant_assets.backtests.sweeps.trial import (
    Trial,
    model_trial,
    trial_of_backtest,
    trials_of,
)
from quant_assets.market_data.panels import date_column
from quant_assets.performance.deflation import probability_of_overfitting
from quant_assets.settings_research import ModelSettings
from quant_assets.warehouse.parquet import ParquetWarehouse

DATES = np.arange("2024-01-29", "2024-04-03", dtype="datetime64[D]")


@pytest.fixture
def warehouse(tmp_path: Path) -> ParquetWarehouse:
    return ParquetWarehouse(str(tmp_path), ["tiny"])


def made(
    count: int, strategy: str = "a", kind: str = "sweep", seed: int = 1, first: int = 0
) -> list[Trial]:
    returns = np.random.default_rng(seed).normal(0.001, 0.01, (len(DATES), count))
    sets = [{"window": first + k} for k in range(count)]
    return trials_of(strategy, kind, sets, returns, DATES, run="r")  # type: ignore[arg-type]


def test_moments_against_their_definitions() -> None:
    random = np.random.default_rng(5)
    returns = random.standard_t(4, (60, 3)) * 0.01
    returns[:5, 1] = np.nan
    returns[:, 2] = 0.01
    free = np.full(60, 1e-4)
    dates = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
    found = trials_of("a", "sweep", [{"k": 1}, {"k": 2}, {"k": 3}], returns, dates, free)
    from scipy import stats

    for k, start in ((0, 0), (1, 5)):
        excess = returns[start:, k] - 1e-4
        assert found[k].sharpe == pytest.approx(excess.mean() / excess.std(ddof=1))
        assert found[k].skewness == pytest.approx(stats.skew(excess))
        assert found[k].kurtosis == pytest.approx(stats.kurtosis(excess, fisher=False))
        assert found[k].sessions == 60 - start
        assert found[k].first == dates[start].item()
        assert found[k].last == dates[-1].item()
    assert np.isnan(found[2].sharpe)  # nothing varies
    months, monthly = found[1].months
    assert months.astype(str).tolist() == ["2024-01", "2024-02"]
    np.testing.assert_allclose(
        monthly, [np.prod(1 + returns[5:31, 1]) - 1, np.prod(1 + returns[31:, 1]) - 1]
    )


def test_a_trial_counts_once_whatever_tried_it(warehouse: ParquetWarehouse) -> None:
    assert record(warehouse, "tiny", made(5)) == 5
    assert record(warehouse, "tiny", made(5)) == 5
    assert record(warehouse, "tiny", []) == 0
    record(warehouse, "tiny", made(3, kind="optimization", first=3))  # windows 3, 4, 5
    record(warehouse, "tiny", made(1, strategy="b", kind="backtest"))
    record(warehouse, "tiny", [model_trial("lightgbm", ModelSettings(), "r")])
    found = trial_statistics(warehouse, "tiny")
    assert found.count == 5 + 1 + 1 + 1
    assert found.kinds == {"backtest": 1, "model": 1, "optimization": 3, "sweep": 5}
    sharpes = distinct_trials(warehouse, "tiny")["sharpe"].drop_null().to_numpy()
    assert len(sharpes) == 7  # of a model it is not known
    assert found.variance_of_sharpes == pytest.approx(np.var(sharpes, ddof=1))


def test_longer_data_are_no_new_trial_and_replace_what_was_measured(
    warehouse: ParquetWarehouse,
) -> None:
    short = np.random.default_rng(1).normal(0, 0.01, (40, 1))
    long = np.random.default_rng(2).normal(0, 0.01, (60, 1))
    for returns, kind in ((long, "sweep"), (short, "backtest")):
        days = DATES[: len(returns)]
        record(warehouse, "tiny", trials_of("a", kind, [{"k": 1}], returns, days))  # type: ignore[arg-type]
    table = distinct_trials(warehouse, "tiny")
    assert table["sessions"].to_pylist() == [60]
    assert trial_statistics(warehouse, "tiny").count == 1


def test_equal_parameters_within_a_batch_are_one_row(warehouse: ParquetWarehouse) -> None:
    assert record_trials(warehouse, "tiny", "mine", [*made(2), *made(2)]) == {"mine": 2}


def test_an_empty_ledger(warehouse: ParquetWarehouse) -> None:
    found = trial_statistics(warehouse, "tiny")
    assert found.count == 0
    assert np.isnan(found.variance_of_sharpes)
    assert monthly_returns(warehouse, "tiny")[1].shape == (0, 0)
    assert np.isnan(overfitting_of_market(warehouse, "tiny"))
    with pytest.raises(ValueError, match="at least one trial"):
        batch_name([])


def test_months_of_all_trials_feed_the_probability_of_overfitting(
    warehouse: ParquetWarehouse,
) -> None:
    record(warehouse, "tiny", made(4))
    late = trials_of("late", "sweep", [{}], np.zeros((10, 1)), DATES[-10:])
    record(warehouse, "tiny", late)
    months, returns = monthly_returns(warehouse, "tiny")
    assert months.astype(str).tolist() == ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert returns.shape == (4, 4)  # the late one lacks months
    expected = probability_of_overfitting(returns, 2).probability
    assert overfitting_of_market(warehouse, "tiny") == expected


def test_the_trial_of_a_backtest() -> None:
    returns = np.random.default_rng(3).normal(0, 0.01, len(DATES))
    table = pa.table({"date": date_column(DATES), "net_return": returns})
    trial = trial_of_backtest(table, "a", {"window": 3}, None, 252, "hash", "run")
    assert trial.key == made(4)[3].key
    assert (trial.kind, trial.sessions, trial.data_hash) == ("backtest", len(DATES), "hash")
    nothing = trial_of_backtest(table.slice(0, 0), "a", {})
    assert (nothing.sessions, nothing.first) == (0, None)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 2\) \(sessions, sets\). Got \(3, 1\)"):
        trials_of("a", "sweep", [{}, {}], np.zeros((3, 1)), DATES[:3])


def test_the_free_rate_alone_is_no_sharpe_ratio_and_a_missing_rate_is_the_last_known() -> None:
    """Nothing held, while the rate moves: its ratio would outweigh all others in the variance."""
    random = np.random.default_rng(8)
    returns = np.stack([np.zeros(60), random.normal(0.001, 0.01, 60)], axis=1)
    falling = np.linspace(2e-4, 1e-4, 60)
    idle, held = trials_of("a", "sweep", [{"k": 1}, {"k": 2}], returns, DATES[:60], falling)
    assert np.isnan([idle.sharpe, idle.skewness, idle.kurtosis]).all()
    assert np.isfinite(held.sharpe)
    rates = np.full(60, np.nan)
    rates[::7] = 0.05
    table = pa.table({"date": date_column(DATES[:60]), "net_return": returns[:, 1]})
    benchmark = pa.table({"date": table["date"], "risk_free_rate": rates})
    excess = returns[:, 1] - (1.05 ** (1 / 252) - 1)
    trial = trial_of_backtest(table, "a", {}, benchmark)
    assert trial.sharpe == pytest.approx(excess.mean() / excess.std(ddof=1))


def test_a_trial_survives_json() -> None:
    import json

    for trial in (*made(2), model_trial("lightgbm", ModelSettings(), "r")):
        again = Trial.from_record(json.loads(json.dumps(trial.to_record())))
        assert again.to_record() == trial.to_record()
        assert again.key == trial.key
        np.testing.assert_array_equal(again.months[1], trial.months[1])
        assert (again.first, again.last) == (trial.first, trial.last)
