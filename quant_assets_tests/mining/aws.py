"""AWS Step Functions for tests: moto's server, which runs state machines, behind a fickle proxy.

The proxy speaks HTTP and passes everything on, but for the faults it was told of and for what moto
lacks: ListExecutions of a map run, and DescribeExecution of its children.
"""

import json
import logging
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import urllib3

KEY, SECRET = "test-key", "a-secret-that-must-not-show"
ROLE = "arn:aws:iam::123456789012:role/mining"
JSON = {"Content-Type": "application/x-amz-json-1.0"}

# Fails, waits or passes, as its input says.
MINING = {
    "StartAt": "what",
    "States": {
        "what": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.fail", "IsPresent": True, "Next": "fail"},
                {"Variable": "$.wait", "IsPresent": True, "Next": "wait"},
            ],
            "Default": "done",
        },
        "fail": {"Type": "Fail", "Error": "NoMemory", "Cause": "the batch needs 9 GB"},
        "wait": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "done"},
        "done": {"Type": "Pass", "Result": {"rows": 100, "host": "node-1"}, "End": True},
    },
}
SLOW = {
    "TimeoutSeconds": 1,
    "StartAt": "wait",
    "States": {"wait": {"Type": "Wait", "Seconds": 60, "End": True}},
}
MAP = {
    "StartAt": "each",
    "States": {
        "each": {
            "Type": "Map",
            "MaxConcurrency": 3,
            "ItemsPath": "$.items",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "one",
                "States": {"one": {"Type": "Pass", "End": True}},
            },
            "End": True,
        }
    },
}


@dataclass
class Proxy:
    """The proxy's faults to come, and what it has seen."""

    url: str = ""
    moto: str = ""
    faults: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    seen: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    children: dict[str, dict[str, Any]] = field(default_factory=dict)

    def fail(self, action: str, *faults: str) -> None:
        """The next calls of the action fail so: a name of an error, `500`, `cut`, or `pass`."""
        self.faults[action].extend(faults)

    def reset(self) -> None:
        """Forgets faults and calls."""
        self.faults.clear()
        self.seen.clear()
        self.bodies.clear()

    def own_answer(self, action: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """What moto cannot answer."""
        if action == "ListExecutions" and "mapRunArn" in body:
            of = [c for c in self.children.values() if c["mapRunArn"] == body["mapRunArn"]]
            keep = ("executionArn", "name", "status", "startDate", "stopDate", "mapRunArn")
            return {"executions": [{k: c[k] for k in keep if k in c} for c in of]}
        if action == "DescribeExecution" and body["executionArn"] in self.children:
            return self.children[body["executionArn"]]
        if action == "ListMapRuns" and body["executionArn"] in self.children:
            return {"mapRuns": []}
        if action == "GetExecutionHistory" and body["executionArn"] in self.children:
            child = self.children[body["executionArn"]]
            return {
                "events": [
                    {"id": 1, "type": "ExecutionStarted", "timestamp": child["startDate"]},
                    {"id": 2, "type": "TaskFailed", "timestamp": child["startDate"]},
                    {"id": 3, "type": "ExecutionSucceeded", "timestamp": child["stopDate"]},
                ]
            }
        return None


@contextmanager
def step_functions() -> Iterator[Proxy]:
    """The proxy with moto behind it; the environment points at it meanwhile."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    proxy = Proxy(moto=f"http://{host}:{port}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        _execute(proxy, True)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
                patch.delenv(name, raising=False)
            patch.setenv("AWS_ENDPOINT_URL_STEPFUNCTIONS", proxy.url)
            patch.setenv("AWS_ENDPOINT_URL_SFN", proxy.url)
            patch.setenv("AWS_ACCESS_KEY_ID", KEY)
            patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
            yield proxy
    finally:
        _execute(proxy, False)
        server.shutdown()
        server.server_close()
        thread.join(10)
        moto.stop()


def machine(proxy: Proxy, name: str, definition: dict[str, Any]) -> str:
    """Makes a state machine; its ARN."""
    made = _moto_client(proxy).create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


def start(proxy: Proxy, machine_arn: str, name: str, content: Any) -> str:
    """Starts an execution; its ARN."""
    text = content if isinstance(content, str) else json.dumps(content)
    client = _moto_client(proxy)
    return str(
        client.start_execution(stateMachineArn=machine_arn, name=name, input=text)["executionArn"]
    )


def stop(proxy: Proxy, execution_arn: str) -> None:
    """Aborts an execution."""
    _moto_client(proxy).stop_execution(executionArn=execution_arn)


def wait_until_ended(proxy: Proxy, *execution_arns: str) -> None:
    """Waits until moto has run the executions."""
    client = _moto_client(proxy)
    until = time.monotonic() + 60
    waiting = set(execution_arns)
    machines = {a.replace(":execution:", ":stateMachine:").rpartition(":")[0] for a in waiting}
    while waiting:
        listed = [
            client.list_executions(stateMachineArn=arn, statusFilter="RUNNING", maxResults=1000)
            for arn in machines
        ]
        waiting &= {each["executionArn"] for answer in listed for each in answer["executions"]}
        assert time.monotonic() < until, f"{waiting} go on"


def map_runs(proxy: Proxy, execution_arn: str) -> list[str]:
    """The distributed maps of an execution."""
    answer = _moto_client(proxy).list_map_runs(executionArn=execution_arn)
    return [each["mapRunArn"] for each in answer["mapRuns"]]


def _moto_client(proxy: Proxy) -> Any:
    """A client that goes past the proxy."""
    import boto3  # type: ignore[import-untyped]

    return boto3.client("stepfunctions", region_name="us-east-1", endpoint_url=proxy.moto)


def _execute(proxy: Proxy, runs: bool) -> None:
    config = {"stepfunctions": {"execute_state_machine": runs}}
    requests.post(f"{proxy.moto}/moto-api/config", json=config, timeout=10).raise_for_status()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    pool = urllib3.PoolManager()

    class Handler(BaseHTTPRequestHandler):
        """Passes a request on, or fails it."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            action = self.headers.get("X-Amz-Target", ".").rsplit(".", 1)[-1]
            content = json.loads(body)
            proxy.seen[action] += 1
            proxy.bodies.append({"action": action, **content})
            waiting = proxy.faults[action]
            fault = waiting.popleft() if waiting else None
            if fault == "cut":
                self.close_connection = True
                self.connection.close()
            elif fault == "500":
                self._answer(500, b"{}")
            elif fault not in (None, "pass"):
                told = {"__type": fault, "message": "Rate exceeded"}
                self._answer(400, json.dumps(told).encode())
            elif (own := proxy.own_answer(action, content)) is not None:
                self._answer(200, json.dumps(own).encode())
            else:
                names = ("X-Amz-Target", "Authorization", "Content-Type")
                headers = {name: self.headers[name] for name in names if name in self.headers}
                passed = pool.request("POST", proxy.moto, body=body, headers=headers, timeout=60)
                self._answer(passed.status, passed.data)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", JSON["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Silence."""

    return Handler
