"""What the JSON of an execution tells: names, depths, pairs, texts in texts, and nonsense."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.mining.inputs import ALIASES, Told, told


@pytest.mark.parametrize("alias", ALIASES["thread_no"])
@pytest.mark.parametrize("value", [4, "4", " 4 ", 4.0, "4.0", "4e0"])
def test_every_spelling_of_a_knob(alias: str, value: Any) -> None:
    for name in (alias, alias.upper(), alias.replace("_", "-"), alias.replace("_", "")):
        assert told(json.dumps({name: value})) == Told(thread_no=4)


@pytest.mark.parametrize(
    "value", [0, -1, 1.5, "four", "", True, [], {}, "0x4", "1e400", 1e300, 2**70, "4" * 200]
)
def test_what_is_no_number_of_threads(value: Any) -> None:
    found = told(json.dumps({"thread_no": value, "parallel_m": 2}))
    assert (found.thread_no, found.parallel_m) == (None, 2)
    assert found.note is not None
    assert found.note.startswith("input: thread_no must be a whole number from 1 to 65536. Got ")


def test_null_is_nothing_and_no_fault() -> None:
    assert told('{"thread_no": null, "job": {"thread_no": 3}}') == Told(thread_no=3)
    assert told(None) == Told()


def test_the_nearest_to_the_top_counts_and_then_the_first() -> None:
    deep = {"a": {"b": {"threads": 9}}, "c": {"n_threads": 7, "threads": 8}}
    assert told(json.dumps(deep)).thread_no == 7
    assert told(json.dumps({**deep, "thread_no": 5})).thread_no == 5
    # one that cannot be read gives way to the next
    found = told(json.dumps({**deep, "thread_no": "many"}))
    assert found.thread_no == 7
    assert found.note == "input: thread_no must be a whole number from 1 to 65536. Got many instead"


def test_pairs_of_containers() -> None:
    asked = {
        "Overrides": {
            "ContainerOverrides": [
                {
                    "Environment": [
                        {"Name": "THREAD_NO", "Value": "4"},
                        {"Name": "PARALLEL_M", "Value": "2"},
                        {"Name": "FACTOR", "Value": "alpha007"},
                        {"Name": "PATH", "Value": "/bin"},
                    ]
                }
            ]
        }
    }
    assert told(json.dumps(asked)) == Told(thread_no=4, parallel_m=2, factor="alpha007")


def test_json_in_texts() -> None:
    inner = json.dumps({"thread_no": 4, "more": json.dumps([{"factor": "alpha001"}])})
    assert told(json.dumps({"Payload": inner})) == Told(thread_no=4, factor="alpha001")
    assert told(json.dumps("  " + inner)) == Told(thread_no=4, factor="alpha001")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("alpha001", "alpha001"),
        (["alpha001", "alpha002"], "alpha001, alpha002"),
        ('["alpha001", "alpha002"]', "alpha001, alpha002"),
        ({"name": "alpha001", "window": 5}, "alpha001"),
        ([{"name": "alpha001"}, {"name": "alpha002"}], "alpha001, alpha002"),
    ],
)
def test_a_batch_of_factors(value: Any, name: str) -> None:
    assert told(json.dumps({"factors": value})) == Told(factor=name)


@pytest.mark.parametrize("value", [[], [""], ["a", 1], 7, {"id": 1}])
def test_what_is_no_factor(value: Any) -> None:
    found = told(json.dumps({"factor": value}))
    assert found.factor is None
    assert "input: factor must be a name or a list of names. Got" in str(found.note)


@pytest.mark.parametrize("text", ["", "{", "{'thread_no': 4}", "thread_no=4", "[" * 100_000])
def test_what_is_no_json(text: str) -> None:
    found = told(text, "output")
    assert found == Told(note=found.note)
    assert str(found.note).startswith("output is not JSON: ")


def test_a_note_is_short() -> None:
    assert len(str(told(json.dumps({"thread_no": "9" * 5000})).note)) < 600


NAMES = ["thread_no", "ParallelM", "factor", "rows", "host", "memory_mb", "Name", "Value"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
    max_leaves=30,
)


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_nothing_breaks_it(content: Any) -> None:
    found = told(json.dumps(content))
    for count in (found.thread_no, found.parallel_m):
        assert count is None or 1 <= count <= 2**16
    assert found.rows is None or 0 <= found.rows <= 2**62
    assert found.memory_mb is None or 0.0 <= found.memory_mb < float("inf")
    for name in (found.factor, found.library, found.host):
        assert name is None or name.strip() == name != ""


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    told(text)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 64),
    st.integers(1, 64),
    st.lists(st.sampled_from(["x", "config", "job", 0]), max_size=6),
)
def test_planted_knobs_are_found_at_any_depth(
    thread_no: int, parallel_m: int, path: list[Any]
) -> None:
    content: Any = {"thread_no": thread_no, "parallel_m": str(parallel_m), "factor": "f"}
    for step in reversed(path):
        content = [content, {"other": 1}] if step == 0 else {step: content, "other": [1, 2]}
    assert told(json.dumps(content)) == Told(thread_no=thread_no, parallel_m=parallel_m, factor="f")
