"""Policies of the graph: named constants, each with its reason, used in one place each.

Here are constants only; what they are applied to stands in the assets, the jobs and the sensors.
"""

import dagster as dg

# A range of days or months is one run: window in, window replaced. Assets share a run only when
# their partitions and their policy are equal, so every daily asset of a market takes this one.
RANGE = dg.BackfillPolicy.single_run()

# One run a month or a strategy: few partitions, a fault stays alone, one MLflow run is one model.
ONE_RUN_EACH = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)

# Trainings use every core; dagster.yaml lets one of them run at a time.
TRAINING_POOL = "training"

# One look at AWS at a time: two at once could undo each other's rows. A pool has one slot unless
# dagster.yaml says otherwise.
RUN_LOG_POOL = "factor_runs"

# A server that does not answer now may answer soon. The downloader has tried for a minute by then.
FETCH_AGAIN = dg.RetryPolicy(
    max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)

# One year of raw files at a time: an exchange's server is not to be stormed, and a parse needs the
# cores. A pool has one slot unless dagster.yaml says otherwise.
RAW_FILES_POOL = "raw_files"

OWNERS = ["team:research"]

# The daily chain costs milliseconds a day. The multiprocess executor would import everything anew
# in each step, which costs seconds.
EXECUTOR = dg.in_process_executor
