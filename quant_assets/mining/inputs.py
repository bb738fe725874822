"""What the input or output of an execution tells of a run: knobs, factor, rows, memory, host.

The JSON of a state machine is whatever its author liked. A value is looked for at any depth under
the names below, written in any case and with or without `_`, `-` or spaces (`thread_no`,
`ThreadNo`, `THREAD-NO`):

- thread_no: thread_no, threads, thread_count, num_threads, n_threads, nthreads
- parallel_m: parallel_m, parallel, parallelism, num_parallel, n_parallel, max_parallel,
  max_concurrency, concurrency
- factor: factor, factor_name, factors, factor_names, alpha, alpha_name, alphas
- library: library, factor_library, library_name
- rows: rows, row_count, num_rows, n_rows
- memory_mb: memory_mb, peak_memory_mb, max_memory_mb
- host: host, hostname
- factor_version: factor_version, formula_hash

Also found: pairs such as {"Name": "THREAD_NO", "Value": "4"}, the environments of containers, and
JSON written as a text inside the JSON. The value nearest to the top counts, at one depth the first,
whichever of the names it has. Whole numbers may be written as texts or as floats (4.0); a factor is
a name, an object with a `name`, or a list of those. What cannot be read is None, and a note says
why.

Belongs here: reading one JSON text. Not here: what an execution is (executions.py).
"""

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ALIASES = {
    "thread_no": (
        *("thread_no", "threads", "thread_count", "num_threads", "n_threads", "nthreads"),
    ),
    "parallel_m": (
        *("parallel_m", "parallel", "parallelism", "num_parallel", "n_parallel"),
        *("max_parallel", "max_concurrency", "concurrency"),
    ),
    "factor": (
        *("factor", "factor_name", "factors", "factor_names"),
        *("alpha", "alpha_name", "alphas"),
    ),
    "library": ("library", "factor_library", "library_name"),
    "rows": ("rows", "row_count", "num_rows", "n_rows"),
    "memory_mb": ("memory_mb", "peak_memory_mb", "max_memory_mb"),
    "host": ("host", "hostname"),
    "factor_version": ("factor_version", "formula_hash"),
}
# More threads, parts or rows than any machine or market has are a slip of the author.
_MOST = {"thread_no": 2**16, "parallel_m": 2**16, "rows": 2**62, "memory_mb": 2**40}
_DEPTH, _NODES, _TEXT = 32, 100_000, 400


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


_FIELDS = {_plain(alias): name for name, aliases in ALIASES.items() for alias in aliases}


@dataclass(frozen=True, slots=True)
class Told:
    """What a JSON text tells; None where it tells nothing, `note` where something is wrong."""

    thread_no: int | None = None
    parallel_m: int | None = None
    factor: str | None = None
    library: str | None = None
    rows: int | None = None
    memory_mb: float | None = None
    host: str | None = None
    factor_version: str | None = None
    note: str | None = None


def told(text: str | None, what: str = "input") -> Told:
    """What the JSON text of an execution's input or output tells.

    Never raises: a text that is not JSON tells nothing, and a note says so. `what` is the word for
    the text in notes.
    """
    if text is None:
        return Told()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Told(note=f"{what} is not JSON: {_short(str(error) or type(error).__name__)}")
    values: dict[str, Any] = {}
    notes: list[str] = []
    unreadable: set[str] = set()
    for key, value in _pairs(content):
        name = _FIELDS.get(_plain(key))
        if name is None or name in values or value is None:
            continue
        read, fault = _read(name, _opened(value))
        if fault is None:
            values[name] = read
        elif name not in unreadable:
            unreadable.add(name)
            notes.append(f"{what}: {key} {fault}")
    return Told(**values, note="; ".join(notes) or None)


def _pairs(content: Any) -> Iterator[tuple[str, Any]]:
    """Every key and its value, level by level; texts that hold JSON are opened."""
    waiting: deque[tuple[Any, int]] = deque([(content, 0)])
    for _ in range(_NODES):
        if not waiting:
            return
        node, depth = waiting.popleft()
        node = _opened(node)
        children: list[Any] = []
        if isinstance(node, dict):
            yield from node.items()
            pair = _named_value(node)
            if pair is not None:
                yield pair
            children = list(node.values())
        elif isinstance(node, list):
            children = node
        if depth < _DEPTH:
            waiting += [
                (child, depth + 1) for child in children if isinstance(child, dict | list | str)
            ]


def _named_value(node: dict[str, Any]) -> tuple[str, Any] | None:
    """(name, value) of an object such as {"Name": "THREAD_NO", "Value": "4"}."""
    plain = {_plain(key): value for key, value in node.items()}
    name = plain.get("name", plain.get("key"))
    return (name, plain["value"]) if isinstance(name, str) and "value" in plain else None


def _opened(node: Any) -> Any:
    if isinstance(node, str) and node.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(node)
        except (ValueError, RecursionError):
            return node
    return node


def _read(name: str, value: Any) -> tuple[Any, str | None]:
    """(the value as its column has it, None), or (None, why it cannot be read)."""
    if name in ("thread_no", "parallel_m", "rows"):
        return _whole_number(value, 0 if name == "rows" else 1, _MOST[name])
    if name == "memory_mb":
        return _positive(value)
    if name == "factor":
        return _names(value)
    if isinstance(value, str) and value.strip():
        return value.strip(), None
    return None, f"must be a text. Got {_short(value)} instead"


def _whole_number(value: Any, least: int, most: int) -> tuple[int | None, str | None]:
    number = _number(value)
    if number is None or number != number // 1 or not least <= number <= most:
        return None, f"must be a whole number from {least} to {most}. Got {_short(value)} instead"
    return int(number), None


def _positive(value: Any) -> tuple[float | None, str | None]:
    number = _number(value)
    if number is None or not 0 <= number <= _MOST["memory_mb"]:
        return None, f"must be a number from 0 on. Got {_short(value)} instead"
    return float(number), None


def _number(value: Any) -> float | int | None:
    """The finite number that a value is or spells; truth values are none."""
    if isinstance(value, str):
        text = value.strip()
        if not re.fullmatch(r"[+-]?\d{1,300}(\.\d{1,300})?([eE][+-]?\d{1,3})?", text):
            return None
        value = int(text) if text.lstrip("+-").isdecimal() else float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    finite = isinstance(value, int) or abs(value) < float("inf")
    return value if finite and value == value else None


def _names(value: Any) -> tuple[str | None, str | None]:
    """One name of a batch: a text, or a list of texts joined in their order."""
    items = value if isinstance(value, list) else [value]
    names = [item.get("name") if isinstance(item, dict) else item for item in items]
    texts = [name.strip() for name in names if isinstance(name, str) and name.strip()]
    if texts and len(texts) == len(names):
        return ", ".join(texts), None
    return None, f"must be a name or a list of names. Got {_short(value)} instead"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}…"
