"""Updates and executions: lags and correlations from their definition, planted and absent links."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quant_assets.mining.runs import FactorRun
from quant_assets.mining.update_links import link
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.mining.samples import START, frame, run

LIBRARY: dict[str, Any] = {"library": "alpha101", "factor": "alpha101"}


def update(at: datetime, version: str | None = None, **further: Any) -> FactorRun:
    """A run of the platform that ended at that instant."""
    values = LIBRARY | {"source": "dagster", "factor_version": version} | further
    return run(0, 60.0, started=at - timedelta(seconds=60), run_id=f"d-{at}-{further}", **values)


def execution(at: datetime, **further: Any) -> FactorRun:
    return run(0, 5.0, started=at, run_id=f"e-{at}-{further}", **(LIBRARY | further))


def rows(runs: list[FactorRun]) -> dict[str, dict[str, Any]]:
    """The rows of the one subject, by kind."""
    found = link(frame(runs))
    assert found.schema.equals(schema_of("factor_update_links").arrow)
    assert len(set(found["subject"].to_pylist())) == 1
    return {row["update_kind"]: row for row in found.to_pylist()}


def hours(*numbers: float) -> list[datetime]:
    return [START + timedelta(hours=number) for number in numbers]


def test_lags_are_those_to_the_last_update() -> None:
    updates = [update(at) for at in hours(0, 100)]
    executions = [execution(at) for at in hours(-5, 0, 3, 30, 102)]
    found = rows([*updates, *executions])["computed"]
    # before the first update, with it, 3 h and 30 h after it, 2 h after the second
    assert (found["updates"], found["executions"], found["followed"]) == (2, 5, 4)
    assert found["median_lag_hours"] == pytest.approx(np.median([0, 3, 30, 2]))
    assert found["within_a_day"] == pytest.approx(3 / 5)


def test_what_is_an_update() -> None:
    runs = [
        update(START),
        update(START + timedelta(hours=1), status="FAILED"),
        update(START + timedelta(hours=2), part=1),
        update(START + timedelta(hours=3), library="style", factor="style"),
        execution(START + timedelta(hours=9)),
    ]
    assert rows(runs)["computed"]["median_lag_hours"] == pytest.approx(9.0)


def test_what_is_an_execution() -> None:
    runs = [
        execution(START, status="FAILED"),
        execution(START + timedelta(hours=1), status="RUNNING"),
        execution(START + timedelta(hours=2), parent_id="map"),
        update(START + timedelta(hours=3)),
    ]
    assert rows(runs)["computed"]["executions"] == 2


def test_a_version_is_new_where_the_hash_is_another() -> None:
    versions = [None, "a", "a", "b", None, "b", "a"]
    updates = [update(at, v) for at, v in zip(hours(*range(7)), versions, strict=True)]
    # another batch of the library has hashes of its own
    updates += [update(at, v, factor="few") for at, v in zip(hours(0.5, 1.5), "xx", strict=True)]
    found = rows([*updates, execution(START + timedelta(hours=10))])["version"]
    assert found["updates"] == 2
    # a change is known from the run's start on
    assert found["median_lag_hours"] == pytest.approx(4.0 + 1 / 60)


def test_executions_without_a_library_go_by_their_factor() -> None:
    runs = [
        update(START, library="mine", factor="alpha001"),
        update(START, library="mine", factor="alpha002"),
        execution(START + timedelta(hours=2), library=None, factor="alpha001"),
    ]
    found = link(frame(runs)).to_pylist()
    assert [(r["subject"], r["updates"]) for r in found if r["update_kind"] == "computed"] == [
        ("alpha001", 1)
    ]


def test_without_executions_or_updates() -> None:
    assert link(frame([update(START)])).num_rows == 0
    assert link(frame([])).num_rows == 0
    found = rows([execution(START)])["computed"]
    assert (found["updates"], found["followed"], found["median_lag_hours"]) == (0, 0, None)
    assert (found["within_a_day"], found["days"]) == (0.0, 1)
    assert (found["daily_correlation"], found["p_value"]) == (None, None)


def daily(updates: np.ndarray, executions: np.ndarray) -> list[FactorRun]:
    """So many updates and executions on each day."""
    runs = []
    for day in range(len(updates)):
        at = START + timedelta(days=day)
        runs += [update(at + timedelta(minutes=k)) for k in range(updates[day])]
        runs += [execution(at + timedelta(hours=1, minutes=k)) for k in range(executions[day])]
    return runs


def test_correlation_and_p_value_from_their_definition() -> None:
    rng = np.random.default_rng(4)
    updates, executions = rng.poisson(1.0, 47), rng.poisson(1.0, 47)
    updates[[0, -1]] = 1  # the days of the report are those with events
    found = rows(daily(updates, executions))["computed"]
    # 47 days hold 6 weeks, the last 42 days
    ranks = [pd.Series(each[-42:]).rank() for each in (updates, executions)]
    assert found["days"] == 47
    assert found["daily_correlation"] == pytest.approx(ranks[0].corr(ranks[1]), abs=1e-12)
    shifted = [ranks[0].corr(pd.Series(np.roll(ranks[1].to_numpy(), 7 * k))) for k in range(6)]
    far = sum(abs(each) >= abs(shifted[0]) - 1e-9 for each in shifted)
    assert found["p_value"] == pytest.approx(far / 6)


def test_a_planted_link_is_found() -> None:
    rng = np.random.default_rng(5)
    updates = rng.poisson(0.5, 210)
    updates[[0, -1]] = 1
    found = rows(daily(updates, 2 * updates))["computed"]
    assert found["daily_correlation"] > 0.99
    assert found["p_value"] == pytest.approx(1 / 30)
    assert found["within_a_day"] == 1.0


def test_weekends_alone_are_no_link() -> None:
    """Both rest at weekends, which correlates them; shifted by weeks they still do."""
    rng = np.random.default_rng(6)
    significant = []
    for _ in range(20):
        week = np.tile([1, 1, 1, 1, 1, 0, 0], 25)
        updates, executions = week * (1 + rng.poisson(0.5, (2, 175)))
        found = rows(daily(updates, executions))["computed"]
        assert found["daily_correlation"] > 0.5
        significant.append(found["p_value"] <= 0.05)
    assert sum(significant) <= 3


def test_few_days_have_no_correlation() -> None:
    found = rows(daily(np.ones(27, int), np.arange(27) % 3))["computed"]
    assert (found["days"], found["daily_correlation"], found["p_value"]) == (27, None, None)
    constant = rows(daily(np.ones(30, int), np.ones(30, int)))["computed"]
    assert (constant["days"], constant["daily_correlation"]) == (30, None)
