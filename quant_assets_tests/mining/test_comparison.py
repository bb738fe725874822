"""What runs say of settings: the numbers from their definition, and planted differences."""

import math
from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.mining.comparison import LEAST_RUNS, compare, expected_cost, finished
from quant_assets.mining.runs import FactorRun
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.mining.samples import START, frame, grid, run

Row = dict[str, Any]


def by_setting(runs: pa.Table) -> dict[tuple[int, int], Row]:
    """The report's rows of the one batch there is."""
    rows = compare(runs).to_pylist()
    assert len({(row["source"], row["factor"], row["rows_from"]) for row in rows}) == 1
    return {(row["thread_no"], row["parallel_m"]): row for row in rows}


def quantile(values: list[float], q: float) -> float:
    """Linear interpolation between order statistics, from the definition."""
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def test_the_numbers_from_their_definition() -> None:
    runs = grid()
    groups: dict[tuple[str, int, int], list[Row]] = defaultdict(list)
    for row in runs.to_pylist():
        groups[row["factor"], row["thread_no"], row["parallel_m"]].append(row)
    report = compare(runs).to_pylist()
    assert len(report) == len(groups) == 12
    for row in report:
        group = groups[row["factor"], row["thread_no"], row["parallel_m"]]
        good = [each for each in group if each["status"] == "SUCCEEDED"]
        seconds = [each["seconds"] for each in good]
        assert row["runs"] == len(group) == 8
        assert row["failures"] == len(group) - len(good)
        assert row["timeouts"] == 0
        assert row["median_seconds"] == pytest.approx(quantile(seconds, 0.5), rel=1e-12)
        assert row["p10_seconds"] == pytest.approx(quantile(seconds, 0.1), rel=1e-12)
        assert row["p90_seconds"] == pytest.approx(quantile(seconds, 0.9), rel=1e-12)
        expected = quantile(seconds, 0.5) * len(group) / len(good)
        assert row["expected_seconds"] == pytest.approx(expected, rel=1e-12)
        speeds = [each["rows"] / each["seconds"] for each in good]
        assert row["rows_per_second"] == pytest.approx(quantile(speeds, 0.5), rel=1e-12)
        assert row["memory_mb"] == 200.0 + 50.0 * row["parallel_m"]
        assert (row["hosts"], row["rows_from"]) == (1, 1000)
    assert sum(row["failures"] for row in report) > 0
    for factor in ("alpha001", "alpha002"):
        of_factor = [row for row in report if row["factor"] == factor]
        (best,) = (row for row in of_factor if row["best"])
        assert best["expected_seconds"] == min(row["expected_seconds"] for row in of_factor)
        assert best["thread_no"] == 4
        assert sum(row["confidence"] for row in of_factor) == pytest.approx(1.0)


def test_the_report_fits_its_table_and_repeats_itself() -> None:
    runs = grid()
    report = compare(runs)
    assert report.schema.equals(schema_of("concurrency_report").arrow)
    assert compare(runs).equals(report)
    # neither other factors nor the order of rows change a factor's numbers
    alone = runs.filter(pa.compute.equal(runs["factor"], "alpha002"))
    expected = report.filter(pa.compute.equal(report["factor"], "alpha002"))
    assert compare(alone).equals(expected)
    assert compare(frame([])).num_rows == 0


def setting(thread_no: int, seconds: list[float], **further: Any) -> list[FactorRun]:
    return [
        run(k, s, run_id=f"{thread_no}-{k}-{further}", thread_no=thread_no, **further)
        for k, s in enumerate(seconds)
    ]


def test_a_planted_difference_is_found_with_confidence() -> None:
    rng = np.random.default_rng(1)
    slow = (10.0 * np.exp(rng.normal(0, 0.1, 12))).tolist()
    fast = (8.0 * np.exp(rng.normal(0, 0.1, 12))).tolist()
    found = by_setting(frame([*setting(1, slow), *setting(4, fast)]))
    assert found[4, 1]["best"]
    assert not found[1, 1]["best"]
    assert found[4, 1]["confidence"] > 0.99


def test_without_a_difference_there_is_no_confidence() -> None:
    """Of 200 factors with equal settings few have a setting that is called sure."""
    rng = np.random.default_rng(2)
    runs: list[FactorRun] = []
    for k in range(200):
        one, other = (10.0 * np.exp(rng.normal(0, 0.2, (2, 15)))).tolist()
        runs += setting(1, one, factor=f"f{k}") + setting(2, other, factor=f"f{k}")
    sure = [row["confidence"] for row in compare(frame(runs)).to_pylist() if row["best"]]
    # if the shares were a test's, 10 % would be above 0.95 by chance alone (two sides of 5 %)
    assert len(sure) == 200
    assert np.mean(np.array(sure) > 0.95) < 0.15
    assert np.mean(np.array(sure) > 0.995) < 0.04


def test_equal_settings_share_the_confidence() -> None:
    found = by_setting(frame([*setting(1, [5.0] * 6), *setting(2, [5.0] * 6)]))
    assert [row["confidence"] for row in found.values()] == [0.5, 0.5]
    assert [row["best"] for row in found.values()] == [True, False]


def test_few_runs_are_not_sure_of_anything() -> None:
    few = [1.0] * (LEAST_RUNS - 1)
    found = by_setting(frame([*setting(1, [5.0] * 6), *setting(2, few)]))
    # the quicker setting has too few runs
    assert found[1, 1]["best"]
    assert not found[2, 1]["best"]
    assert found[1, 1]["confidence"] is None
    assert found[2, 1]["confidence"] is None
    found = by_setting(frame([*setting(1, [5.0] * 2), *setting(2, few)]))
    assert found[2, 1]["best"]
    assert found[2, 1]["confidence"] is None


def test_failures_make_a_setting_expensive() -> None:
    failed = setting(8, [1.0] * 6, status="FAILED")
    found = by_setting(frame([*setting(1, [10.0] * 10), *setting(8, [6.0] * 6), *failed]))
    assert found[8, 1]["median_seconds"] == 6.0
    assert found[8, 1]["expected_seconds"] == 12.0
    assert (found[8, 1]["runs"], found[8, 1]["failures"]) == (12, 6)
    assert found[1, 1]["best"]


def test_a_setting_under_which_all_fails() -> None:
    late = setting(8, [9.0] * 5, status="TIMED_OUT", error="States.Timeout")
    found = by_setting(frame([*setting(1, [10.0] * 5), *late]))
    bad = found[8, 1]
    assert (bad["median_seconds"], bad["expected_seconds"], bad["best"]) == (None, None, False)
    assert (bad["failures"], bad["timeouts"], bad["confidence"]) == (5, 5, 0.0)
    assert found[1, 1]["confidence"] == 1.0


def test_sizes_are_compared_apart() -> None:
    day = setting(1, [1.0] * 5, rows=600) + setting(2, [2.0] * 5, rows=650)
    decade = setting(1, [90.0] * 5, rows=1_200_000) + setting(2, [50.0] * 5, rows=1_300_000)
    report = compare(frame([*day, *decade])).to_pylist()
    best = {row["rows_from"]: row["thread_no"] for row in report if row["best"]}
    assert best == {100: 1, 1_000_000: 2}


def test_within_a_size_seconds_a_row_decide() -> None:
    # twice the rows in half more time is the better setting
    small, large = setting(1, [10.0] * 5, rows=2000), setting(2, [15.0] * 5, rows=4000)
    assert by_setting(frame([*small, *large]))[2, 1]["best"]
    # where a run does not tell its rows, seconds do
    unknown = setting(2, [15.0] * 5)
    found = compare(frame([*setting(1, [10.0] * 5), *unknown])).to_pylist()
    assert [row["best"] for row in found] == [True, False]
    assert {row["rows_from"] for row in found} == {0}


def test_a_failure_without_rows_counts_with_the_batch() -> None:
    good = setting(1, [10.0] * 5, rows=2000) + setting(1, [90.0] * 2, rows=20_000)
    report = compare(frame([*good, *setting(1, [1.0], status="FAILED")])).to_pylist()
    assert {row["rows_from"]: row["failures"] for row in report} == {1000: 1, 10_000: 0}


def test_what_is_not_compared() -> None:
    runs = [
        *setting(1, [10.0] * 5),
        *setting(1, [1.0], status="ABORTED"),
        *setting(1, [1.0], part=1),
        run(50, None, status="RUNNING"),
        run(51, None, run_id="redriven"),
    ]
    found = by_setting(frame(runs))
    assert found[1, 1]["runs"] == 5
    assert found[1, 1]["failures"] == 0


def test_knobs_that_are_not_told_are_no_choice() -> None:
    silent = setting(0, [1.0] * 6)
    silent = [run(k, 1.0, run_id=f"s{k}", thread_no=None, parallel_m=None) for k in range(6)]
    found = by_setting(frame([*silent, *setting(2, [9.0] * 6)]))
    assert set(found) == {(0, 0), (2, 1)}
    assert found[2, 1]["best"]
    assert found[0, 0]["confidence"] is None


def test_runs_without_a_factor_count_for_their_library() -> None:
    runs = [
        run(1, run_id="a", factor=None, library="alpha101"),
        run(2, run_id="b", factor=None, library=None),
    ]
    assert finished(frame(runs))["factor"].tolist() == ["alpha101", "not named"]
    assert compare(frame(runs))["last_started"].to_pylist()[0] > START


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.floats(0.0, 1e6)), min_size=4, max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_expected_cost_is_its_definition(rows: list[list[float | None]]) -> None:
    costs = np.array([[math.nan if c is None else c for c in row] for row in rows])
    for row, found in zip(rows, expected_cost(costs), strict=True):
        good = [c for c in row if c is not None]
        if good:
            expected = quantile(good, 0.5) * len(row) / len(good)
            assert found == pytest.approx(expected, rel=1e-12)
        else:
            assert found == math.inf
