"""Asking AWS Step Functions: every page, at a bounded rate, patient with throttling.

Belongs here: the calls. Not here: what the answers mean (executions.py), what is asked for and when
(sync.py). boto3 finds credentials by its own chain; nothing here reads, keeps or logs them.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from quant_assets.mining.executions import Answer

PAGE = 1000  # the most that AWS gives at once
# AWS answers these when too much is asked of it, or when it is not itself.
TRANSIENT = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
        *("RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded"),
        *("BandwidthLimitExceeded", "SlowDown", "PriorRequestNotComplete", "LimitExceeded"),
        *("InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable"),
        *("ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException"),
    }
)


class StepFunctionsError(RuntimeError):
    """AWS Step Functions gave no answer; the message names the call and what can be done.

    `code` is AWS's own name of the error, "" where there was no answer at all.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is made and how long is waited in between.

    After k failures a time between 0 and min(most_seconds, first_seconds x 2^(k-1)) is waited,
    drawn evenly ("full jitter": clients that were throttled together do not come back together;
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter).
    """

    tries: int = 8
    first_seconds: float = 0.5
    most_seconds: float = 30.0

    def wait(self, failures: int, draw: Callable[[], float]) -> float:
        """Seconds to wait after so many failures; `draw` gives a number from 0 to 1."""
        bound: float = min(self.most_seconds, self.first_seconds * 2.0 ** (failures - 1))
        return draw() * bound


@dataclass
class Calls:
    """Counts of a client's calls: requests made, of them throttled, of them failed otherwise."""

    requests: int = 0
    throttled: int = 0
    interrupted: int = 0


@dataclass
class StepFunctions:
    """The calls to AWS Step Functions that reading executions takes.

    Args:
        sfn: a boto3 client of `stepfunctions` that does not try again by itself (`open_client`).
        requests_per_second: at most so many requests, tries included.
        patience: how often a throttled call is tried.
        page: items asked for at once.
    """

    sfn: Any
    requests_per_second: float = 10.0
    patience: Patience = Patience()
    page: int = PAGE
    calls: Calls = field(default_factory=Calls)
    _next: float = field(default=0.0, repr=False)

    def executions(self, machine_arn: str) -> Iterator[Answer]:
        """Executions of a state machine, the latest start first, page by page as they are taken."""
        return self._pages("list_executions", "executions", stateMachineArn=machine_arn)

    def children(self, map_run_arn: str) -> Iterator[Answer]:
        """Executions that a distributed map has started."""
        return self._pages("list_executions", "executions", mapRunArn=map_run_arn)

    def map_runs(self, execution_arn: str) -> Iterator[Answer]:
        """The distributed maps of an execution."""
        return self._pages("list_map_runs", "mapRuns", executionArn=execution_arn)

    def history(self, execution_arn: str) -> Iterator[Answer]:
        """Events of an execution, without the data that pass through its states."""
        return self._pages(
            "get_execution_history",
            "events",
            executionArn=execution_arn,
            includeExecutionData=False,
        )

    def describe(self, execution_arn: str) -> Answer:
        """An execution with its input and output."""
        return self._call("describe_execution", executionArn=execution_arn)

    def describe_map_run(self, map_run_arn: str) -> Answer:
        """A distributed map with its counts."""
        return self._call("describe_map_run", mapRunArn=map_run_arn)

    def _pages(self, action: str, items: str, **arguments: Any) -> Iterator[Answer]:
        most = {} if action == "list_map_runs" else {"maxResults": self.page}
        token: dict[str, str] = {}
        while True:
            answer = self._call(action, **arguments, **most, **token)
            yield from answer.get(items, [])
            following = answer.get("nextToken")
            if not following:
                return
            token = {"nextToken": following}

    def _call(self, action: str, **arguments: Any) -> Answer:
        """One answer, asked for as often as patience allows.

        Raises:
            StepFunctionsError: an error that waiting does not mend, or patience is at its end.
        """
        from botocore.exceptions import (  # type: ignore[import-untyped]
            BotoCoreError,
            ClientError,
            HTTPClientError,
        )

        failures = 0
        while True:
            self._keep_pace()
            self.calls.requests += 1
            try:
                answer: Answer = getattr(self.sfn, action)(**arguments)
            except ClientError as error:
                if not _passing(error):
                    raise _refused(action, arguments, error) from error
                self.calls.throttled += 1
                fault: Exception = error
            except HTTPClientError as error:  # no connection, cut, or no answer in time
                self.calls.interrupted += 1
                fault = error
            except BotoCoreError as error:
                raise StepFunctionsError(f"{_words(action, arguments)}: {error}") from error
            else:
                return answer
            failures += 1
            if failures == self.patience.tries:
                words = f"{_words(action, arguments)}: no answer in {failures} tries; the last:"
                raise StepFunctionsError(f"{words} {fault}", _code(fault)) from fault
            time.sleep(self.patience.wait(failures, random.random))

    def _keep_pace(self) -> None:
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 1.0 / self.requests_per_second


def open_client(
    region: str, requests_per_second: float, patience: Patience | None = None
) -> StepFunctions:
    """A client for a region, with the credentials of boto3's own chain.

    boto3's retries are off: waiting is done, and counted, here.
    """
    from boto3.session import Session  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    once = Config(
        retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=10, read_timeout=60
    )
    sfn = Session().client("stepfunctions", region_name=region, config=once)
    return StepFunctions(sfn, requests_per_second, patience or Patience())


def _passing(error: Any) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return _code(error) in TRANSIENT or status == 429 or status >= 500


def _code(error: Any) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def _refused(action: str, arguments: dict[str, Any], error: Any) -> StepFunctionsError:
    code = _code(error)
    hint = ""
    if code in ("AccessDeniedException", "AccessDenied", "UnrecognizedClientException"):
        hint = f". The credentials need states:{_api_name(action)}"
    elif code == "StateMachineDoesNotExist":
        hint = ". Mend the ARN in mining.yaml: step_functions.state_machines"
    elif code == "StateMachineTypeNotSupported":
        hint = ". AWS lists executions of STANDARD state machines only"
    words = f"{_words(action, arguments)}: {error.response['Error'].get('Message') or code}{hint}"
    return StepFunctionsError(words, code)


def _words(action: str, arguments: dict[str, Any]) -> str:
    about = next((str(v) for name, v in arguments.items() if name.endswith("Arn")), "")
    return f"AWS Step Functions, {_api_name(action)} of {about}"


def _api_name(action: str) -> str:
    return "".join(word.capitalize() for word in action.split("_"))
