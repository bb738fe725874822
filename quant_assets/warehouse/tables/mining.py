"""Tables of mining: runs of factor batches, what they say of the knobs, and the link to updates.

Belongs here: declarations only, each table once. Conventions stand in schemas.py.
"""

from quant_assets.warehouse.table_schema import (
    BOOL,
    DATE,
    INT32,
    INT64,
    STRING,
    TIMESTAMP,
    Column,
    TableSchema,
)
from quant_assets.warehouse.tables.common import correlation, number, share

SOURCE = Column("source", STRING, "who ran it: dagster or step_functions")


def _text(name: str, description: str) -> Column:
    """A text that may be missing."""
    return Column(name, STRING, description, nullable=True)


def _count(name: str, description: str, minimum: int = 0) -> Column:
    """A whole number that may be missing."""
    return Column(name, INT32, description, nullable=True, minimum=minimum)


TABLES = (
    TableSchema(
        "factor_runs",
        (
            Column(
                "batch",
                STRING,
                "what one writer replaces as a whole: <day>.dagster.<run>.<library>, or the "
                "executions of a state machine that started on a day: "
                "<day>.step_functions.<machine>",
            ),
            Column("run_id", STRING, "<Dagster run>/<library>/<part>, or the ARN of an execution"),
            _text("parent_id", "run_id of the run that this one is a part of"),
            SOURCE,
            Column("market", STRING, "market whose factors were computed"),
            _text("library", "factor library"),
            _text("factor", "factor, or the batch of factors that was computed in one"),
            Column(
                "part",
                INT32,
                "0: the run as a whole; 1, 2, …: a part of it, whose seconds are those of the part",
                minimum=0,
            ),
            _text("factor_version", "hash of the formulas that were computed"),
            _count("thread_no", "threads in a part", 1),
            _count("parallel_m", "parts at once", 1),
            Column("rows", INT64, "sessions x securities computed", nullable=True, minimum=0),
            Column("date", DATE, "UTC date of the start"),
            Column("started", TIMESTAMP, "start", "UTC"),
            Column("ended", TIMESTAMP, "end; null while it runs", "UTC", nullable=True),
            number("seconds", "from start to end by the wall clock", "s", minimum=0),
            number("cpu_seconds", "processor time of all threads of the process", "s", minimum=0),
            number("memory_mb", "peak resident memory of the process in the run", "MB", minimum=0),
            number("added_memory_mb", "that peak less the memory at the start", "MB", minimum=0),
            _text("host", "machine"),
            Column("status", STRING, "SUCCEEDED, FAILED, TIMED_OUT, ABORTED, RUNNING, …"),
            _text("error", "name of the error of a run that failed"),
            _text("cause", "what the error says"),
            _count("task_failures", "tasks inside the run that failed, retried or caught"),
            _count("task_timeouts", "tasks inside the run that timed out, retried or caught"),
            _text("note", "what could not be read of the run's own records"),
        ),
        ("run_id",),
        "batch",
        "Every run of a batch of factors: what it computed, with which knobs, how long it took.",
    ),
    TableSchema(
        "concurrency_report",
        (
            SOURCE,
            Column("factor", STRING, "factor or batch; the library where runs name no factor"),
            _text("library", "factor library"),
            Column(
                "rows_from",
                INT64,
                "size of the runs: at least so many rows and less than ten times as many; 0: not "
                "told",
                minimum=0,
            ),
            Column("thread_no", INT32, "threads in a part; 0: not told", minimum=0),
            Column("parallel_m", INT32, "parts at once; 0: not told", minimum=0),
            Column("runs", INT32, "runs that ended by themselves", minimum=1),
            Column("failures", INT32, "of them: failed or timed out", minimum=0),
            Column("timeouts", INT32, "of them: timed out", minimum=0),
            Column("hosts", INT32, "different machines that are known to have run it", minimum=0),
            number("median_seconds", "median of the runs that succeeded", "s", minimum=0),
            number("p10_seconds", "their 10th percentile", "s", minimum=0),
            number("p90_seconds", "their 90th percentile", "s", minimum=0),
            number(
                "expected_seconds", "median_seconds over the share that succeeded", "s", minimum=0
            ),
            number("rows_per_second", "median of rows / seconds", "1/s", minimum=0),
            number("memory_mb", "median peak memory", "MB", minimum=0),
            Column("best", BOOL, "the setting with the lowest expected cost of the factor"),
            share("confidence", "probability that no other setting is cheaper; null: too few runs"),
            Column("last_started", TIMESTAMP, "start of the latest run", "UTC"),
        ),
        ("source", "factor", "rows_from", "thread_no", "parallel_m"),
        None,
        "How long a batch of factors takes under each setting of thread_no and parallel_m.",
    ),
    TableSchema(
        "factor_update_links",
        (
            Column("subject", STRING, "library; the factor where the executions name no library"),
            Column(
                "update_kind",
                STRING,
                "computed: the library's partitions were updated; version: its formulas changed",
            ),
            Column("updates", INT32, "updates by the platform's own runs", minimum=0),
            Column("executions", INT32, "executions of Step Functions", minimum=1),
            Column("followed", INT32, "executions with an update before them", minimum=0),
            number("median_lag_hours", "from the last update to the execution", "h", minimum=0),
            share("within_a_day", "share of executions within 24 hours of the last update"),
            Column("days", INT32, "days from the first to the last event of either", minimum=1),
            correlation("daily_correlation", "rank correlation of updates and executions a day"),
            share("p_value", "share of circular shifts with a correlation as far from 0"),
        ),
        ("subject", "update_kind"),
        None,
        "Whether Step Functions run factors when the platform has updated them.",
    ),
)
