"""The recorded answers of AWS Step Functions, made whole again.

The recordings have placeholders for names and instants, and JSON texts as the values they spell.
Here each history gets an ARN of its own, each event an instant of its own, and texts are texts
again.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from quant_assets.settings_research import StateMachine

ACCOUNT = "arn:aws:states:us-east-1:111111111111"
MACHINE = StateMachine(arn=f"{ACCOUNT}:stateMachine:recorded", market="us")
START = datetime(2024, 1, 2, 12, tzinfo=UTC)
TEXTS = ("input", "output", "error", "cause")


@dataclass(frozen=True)
class Recorded:
    """One recorded answer: where it stands, as it stands, and as AWS would have given it."""

    name: str
    raw: dict[str, Any]
    answer: dict[str, Any]


def histories(folder: Path) -> list[Recorded]:
    """Every answer to GetExecutionHistory."""
    found = [
        (name, answer)
        for name, answer in _answers(folder)
        if isinstance(answer.get("events"), list)
    ]
    return [Recorded(name, raw, {"events": _events(raw["events"])}) for name, raw in found]


def descriptions(folder: Path) -> list[Recorded]:
    """Every answer to DescribeExecution, and the one to DescribeMapRun (it has `itemCounts`)."""
    found = [
        (name, answer)
        for name, answer in _answers(folder)
        if "executionArn" in answer and "status" in answer and "ResponseMetadata" in answer
    ]
    return [Recorded(name, raw, _description(k, raw)) for k, (name, raw) in enumerate(found)]


def arn(number: int) -> str:
    """The ARN of the execution of that number."""
    return f"{ACCOUNT}:execution:recorded:run-{number}"


def text(value: Any) -> Any:
    """What AWS gives as a text: errors as they are, everything else as JSON."""
    return value if isinstance(value, str) or value is None else json.dumps(value)


def _answers(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((folder / "aws_stepfunctions").glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        for test, recording in content.items():
            yield from _objects(f"{path.name}: {test}", recording["recorded-content"])


def _objects(name: str, node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield name, node
        for key, value in node.items():
            yield from _objects(f"{name}.{key}", value)
    elif isinstance(node, list):
        for k, value in enumerate(node):
            yield from _objects(f"{name}[{k}]", value)


def _events(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    whole = []
    for place, event in enumerate(events):
        # the branches of a parallel state were recorded in any order: their ids are [0]
        number = event["id"] if isinstance(event["id"], int) else place + 1
        details = {
            key: {k: _json(k, v) for k, v in value.items()} if key.endswith("Details") else value
            for key, value in event.items()
        }
        at = START + timedelta(seconds=number)
        whole.append({**details, "id": number, "timestamp": at})
    return whole


def _description(number: int, raw: dict[str, Any]) -> dict[str, Any]:
    whole = {key: _json(key, value) for key, value in raw.items()}
    stop = START + timedelta(seconds=60 + number)
    return {**whole, "executionArn": arn(number), "startDate": START, "stopDate": stop}


def _json(key: str, value: Any) -> Any:
    if key in ("input", "output"):
        return json.dumps(value)
    return text(value) if key in TEXTS else value
