"""What is told of a run that failed: its first error, without Dagster's wrapping and its stack.

Who is told, and how, stands in notifications.py and in the command line.
"""

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

# What an asset raises in place of an error of ours that is not worth another try.
FAILURE = "dagster._core.definitions.events.Failure"


def first_error(result: dg.ExecuteInProcessResult) -> SerializableErrorInfo | None:
    """The first failure of a run, out of the errors that Dagster wraps around it.

    What caused it in turn is left where it is: our errors name file and key, their causes do not.
    """
    for event in result.all_events:
        error = None
        if event.is_step_failure:
            error = event.step_failure_data.error
        elif event.is_job_failure:
            error = event.job_failure_data.error
        while error is not None and error.cause and str(error.cls_name).startswith("Dagster"):
            error = error.cause
        if error is not None:
            return error
    return None


def told(error: SerializableErrorInfo) -> str:
    """The message of an error without its stack; the name of our own errors says nothing more."""
    name, _, text = error.message.strip().partition(": ")
    return text if text and name.startswith(("quant_assets.", FAILURE)) else error.message.strip()
