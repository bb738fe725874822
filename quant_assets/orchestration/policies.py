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

OWNERS = ["team:research"]

# The daily chain costs milliseconds a day. The multiprocess executor would import everything anew
# in each step, which costs seconds.
EXECUTOR = dg.in_process_executor
