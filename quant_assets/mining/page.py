"""The page of concurrency_report: the runs of each batch, to choose, to turn and to sort.

Here stand what is shown and in which words; numbers come from comparison.py, update_links.py and
summaries.py, the page's frame and charts from pages/.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.mining.comparison import BATCH, finished
from quant_assets.mining.runs import SUCCEEDED, runs_of
from quant_assets.mining.summaries import boxes, daily, grid, relative
from quant_assets.pages.shell import Section, chart, choice, page, side_by_side, table

# Batches with charts of their own, those with the most runs: each takes about 1 kB of the page.
CHARTED = 80
# Rows of a table: further ones are in the warehouse.
LISTED = 300
# Signs of an error's cause: the first lines say what it was.
_CAUSE = 300

_CHARTS = """
QA.chosen("batch", (k) => {
  const b = data.batches[k], unit = { y: b.unit }, both = { x: "parallel_m", y: "thread_no" };
  const threads = { ...unit, title: "by thread_no", x: "thread_no: threads in a part" };
  const parts = { ...unit, title: "by parallel_m", x: "parallel_m: parts at once" };
  const words = (r, c) => ` (${b.unit})\\nruns: ${b.counts[r][c]}`;
  QA.boxes("by-threads", b.threads, threads);
  QA.boxes("by-parts", b.parts, parts);
  QA.heat("heat", b.rows, b.columns, b.values, { ...both, title: "median by both", words });
  QA.surface("surface", b.rows, b.columns, b.values, { ...both, title: "the same in space" });
});
"""
_DAILY = """
QA.lines("daily", data.daily.days, data.daily.series, { y: "a day", width: 1130, height: 260 });
"""


def concurrency_page(runs: pa.Table, report: pa.Table, links: pa.Table, label: str) -> str:
    """The page, with no need of a network.

    Args:
        runs: rows of factor_runs.
        report: rows of concurrency_report of these runs.
        links: rows of factor_update_links of these runs.
        label: what the data are; of a simulated market with "simulated data" in it.
    """
    frame = finished(runs)
    batches = _batches(frame)
    days, counts = daily([each for _, each in _events(runs)])
    series = [
        {"name": name, "values": values}
        for (name, _), values in zip(_events(runs), counts, strict=True)
    ]
    return page(
        f"Runs of factors: {label}",
        _summary(runs, frame),
        [
            Section(
                "Runtime by setting",
                "How long a batch takes under each setting. Boxes show quartiles and median, "
                "whiskers the 10th and 90th percentile; failed runs have no runtime. Drag the "
                "surface to turn it.",
                choice("batch", [batch["name"] for batch in batches], "Batch")
                + side_by_side(
                    chart("by-threads", "Box plots of runtime by thread_no"),
                    chart("by-parts", "Box plots of runtime by parallel_m"),
                    chart("heat", "Heat map of median runtime by thread_no and parallel_m"),
                    chart("surface", "Surface of median runtime over thread_no and parallel_m"),
                )
                if batches
                else "<p>No run has succeeded yet.</p>",
                _CHARTS if batches else "",
            ),
            Section(
                "Best setting of each batch",
                "The setting with the lowest expected cost: median seconds over the share of runs "
                "that succeeded. Confidence is the share of bootstrap resamples in which it is the "
                "cheapest; a dash where fewer than two settings have five runs.",
                _best(report),
            ),
            Section(
                "All settings",
                "Every setting of every batch, as in table concurrency_report.",
                _settings(report),
            ),
            Section(
                "Failures",
                "Whole runs that failed, timed out or were stopped, the latest first.",
                _failures(runs),
            ),
            Section(
                "Updates and executions",
                "Whether Step Functions run factors when the platform has updated them: the lag "
                "from the last update to the execution, and the rank correlation of their numbers "
                "a day; its p-value is the share of shifts by whole weeks with one as far from 0. "
                "What was never updated is left out.",
                _links(links) + chart("daily", "Updates, executions and failures a day"),
                _DAILY,
            ),
        ],
        {"batches": batches, "daily": {"days": days, "series": series}},
        "Instants are UTC. Sizes are powers of ten of rows (sessions x securities). "
        "“?” stands for a knob that the run does not tell.",
    )


def _batches(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """What the charts draw of all batches together, then of each, the most runs first."""
    cost = relative(frame)
    if not cost.notna().any():
        return []
    together = "all batches, runtime over the batch's median"
    found = [_batch(frame, cost, together, "runtime / median of the batch")]
    groups = sorted(frame.groupby(BATCH), key=lambda item: (-len(item[1]), item[0]))
    for (source, factor, rows_from), group in groups:
        seconds = group["seconds"].where(group["succeeded"])
        if seconds.notna().any() and len(found) <= CHARTED:
            size = f", {rows_from:,} rows and more" if rows_from else ""
            name = f"{_short(str(factor))} ({source}{size}; {len(group):,} runs)"
            found.append(_batch(group, seconds, name, "seconds"))
    return found


def _batch(frame: pd.DataFrame, cost: pd.Series, name: str, unit: str) -> dict[str, Any]:
    cells = grid(frame, cost)
    return {
        "name": name,
        "unit": unit,
        **{
            key: [{"label": b.label, "values": b.values, "count": b.count} for b in found]
            for key, found in (
                ("threads", boxes(frame, "thread_no", cost)),
                ("parts", boxes(frame, "parallel_m", cost)),
            )
        },
        "rows": cells.threads,
        "columns": cells.parts,
        "values": cells.values,
        "counts": cells.counts,
    }


def _summary(runs: pa.Table, frame: pd.DataFrame) -> str:
    if not runs.num_rows:
        return "No run is on record."
    started = runs["started"].to_pandas()
    span = f"{started.min():%Y-%m-%d} to {started.max():%Y-%m-%d}"
    failed = int((~frame["succeeded"]).sum())
    return (
        f"{len(frame):,} whole runs of {frame.groupby(BATCH).ngroups:,} batches that ended by "
        f"themselves, {span}; {failed:,} of them failed or timed out."
    )


def _best(report: pa.Table) -> str:
    heads = ["batch", "source", "rows from", "thread_no", "parallel_m", "expected s", "median s"]
    heads += ["rows/s", "memory MB", "runs", "failed", "confidence"]
    rows = [[*_setting(row), row["confidence"]] for row in report.to_pylist() if row["best"]]
    return table(heads, rows[:LISTED], range(2, len(heads)), "No batch has a best setting yet.")


def _settings(report: pa.Table) -> str:
    heads = ["batch", "source", "rows from", "thread_no", "parallel_m", "expected s", "median s"]
    heads += ["rows/s", "memory MB", "runs", "failed", "10 % s", "90 % s"]
    rows = [
        [*_setting(row), row["p10_seconds"], row["p90_seconds"]]
        for row in report.slice(0, LISTED).to_pylist()
    ]
    more = report.num_rows - len(rows)
    further = f"<p>{more:,} further rows are in table concurrency_report.</p>" if more > 0 else ""
    return table(heads, rows, range(2, len(heads)), "No run has ended yet.") + further


def _setting(row: Mapping[str, Any]) -> list[Any]:
    names = ("source", "rows_from", "thread_no", "parallel_m", "expected_seconds")
    further = ("median_seconds", "rows_per_second", "memory_mb", "runs", "failures")
    cells = [row[name] for name in (*names, *further)]
    cells[1:4] = [value or None for value in cells[1:4]]  # 0 is not told
    return [_short(row["factor"]), *cells]


def _failures(runs: pa.Table) -> str:
    bad = pc.and_(pc.not_equal(runs["status"], SUCCEEDED), pc.is_valid(runs["ended"]))
    whole = runs.filter(pc.and_(bad, pc.equal(runs["part"], 0)))
    latest = whole.sort_by([("started", "descending"), ("run_id", "ascending")]).slice(0, LISTED)
    heads = ["started", "batch", "status", "error", "cause", "thread_no", "parallel_m", "seconds"]
    rows = [
        [
            f"{run.started:%Y-%m-%d %H:%M:%S}",
            _short(run.factor or run.library or "not named"),
            run.status,
            run.error,
            run.cause
            if run.cause is None or len(run.cause) <= _CAUSE
            else f"{run.cause[:_CAUSE]}…",
            run.thread_no,
            run.parallel_m,
            run.seconds,
        ]
        for run in runs_of(latest)
    ]
    return table(heads, rows, (5, 6, 7), "No run has failed.")


def _links(links: pa.Table) -> str:
    heads = ["library or factor", "update", "updates", "executions", "followed", "median lag h"]
    heads += ["within a day", "correlation a day", "p-value"]
    rows = [
        [
            *(row[name] for name in ("subject", "update_kind", "updates", "executions")),
            *(row[name] for name in ("followed", "median_lag_hours")),
            *(row[name] for name in ("within_a_day", "daily_correlation", "p_value")),
        ]
        for row in links.to_pylist()
        if row["updates"]
    ]
    return table(heads, rows[:LISTED], range(2, len(heads)), "Nothing was both updated and run.")


def _events(runs: pa.Table) -> list[tuple[str, pd.Series]]:
    """What is counted a day: (name, instants)."""
    frame: pd.DataFrame = runs.to_pandas(date_as_object=False)
    whole = frame[(frame["part"] == 0) & frame["parent_id"].isna()]
    own, foreign = (whole[whole["source"] == name] for name in ("dagster", "step_functions"))
    bad = whole["ended"].notna() & (whole["status"] != SUCCEEDED)
    return [
        ("updates", own.loc[own["status"] == SUCCEEDED, "ended"]),
        ("executions", foreign["started"]),
        ("failures", whole.loc[bad, "started"]),
    ]


def _short(name: str) -> str:
    """The name of a batch of many factors, cut."""
    return name if len(name) <= 60 else f"{name[:44]}… ({name.count(', ') + 1} factors)"
