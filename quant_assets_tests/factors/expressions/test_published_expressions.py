"""Real expressions: the 101 Formulaic Alphas, the 191 of gtja, and what was simulated on BRAIN."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from quant_assets.factors.expressions.errors import ExpressionError
from quant_assets.factors.expressions.parser import parse
from quant_assets.factors.expressions.printing import to_text
from quant_assets.factors.expressions.tree import Call, Name, walk


def lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def codes(value: object, key: str = "") -> Iterator[str]:
    """Every text in a JSON document that is an expression by its key."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from codes(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from codes(part, key)
    elif isinstance(value, str) and key in ("expression", "regular", "code"):
        yield value


def check_round_trip(text: str) -> None:
    program = parse(text)
    printed = to_text(program)
    assert parse(printed) == program, text
    assert to_text(parse(printed)) == printed, text
    assert printed.count("(") <= text.count("(")


@pytest.mark.parametrize(("file", "count"), [("alpha101.txt", 101), ("gtja191.txt", 191)])
def test_published_libraries(test_data: Path, file: str, count: int) -> None:
    formulas = lines(test_data / "wq_brain" / "expressions" / file)
    assert len(formulas) == count
    for formula in formulas:
        check_round_trip(formula)


def test_names_of_the_101(test_data: Path) -> None:
    trees = [
        parse(line).value for line in lines(test_data / "wq_brain" / "expressions" / "alpha101.txt")
    ]
    fields = {node.key for tree in trees for node in walk(tree) if isinstance(node, Name)}
    adv = {name for name in fields if name.startswith("adv")}
    assert fields - adv == {
        *("open", "high", "low", "close", "volume", "vwap", "returns", "cap"),
        *("indclass.sector", "indclass.industry", "indclass.subindustry"),
    }
    operators = {node.key for tree in trees for node in walk(tree) if isinstance(node, Call)}
    assert {"rank", "ts_rank", "indneutralize", "signedpower", "min", "max"} <= operators


def test_simulated_expressions(test_data: Path) -> None:
    found: set[str] = set()
    for folder in ("expressions", "alpha_json"):
        for file in sorted((test_data / "wq_brain" / folder).glob("*.json")):
            found.update(codes(json.loads(file.read_text(encoding="utf-8"))))
    # Some records were cut off after 80 or 100 characters; nothing closes their parentheses.
    cut = {text for text in found if text.count("(") > text.count(")")}
    assert (len(found - cut), len(cut)) == (174, 14)
    for text in found - cut:
        check_round_trip(text)
    for text in cut:
        assert len(text) in (80, 100)
        with pytest.raises(ExpressionError, match="is never closed") as caught:
            parse(text)
        assert text[caught.value.position] == "("


def test_arguments_as_the_operators_are_described(test_data: Path) -> None:
    """What stands between a name and the end of its parentheses in `definition` is read."""
    read, refused = set(), set()
    for file in sorted((test_data / "wq_brain" / "operators").glob("operators_*.json")):
        for operator in json.loads(file.read_text(encoding="utf-8")):
            definition = operator["definition"].split("), x ")[0].splitlines()[0]
            definition += ")" * (definition.count("(") - definition.count(")"))
            try:
                check_round_trip(definition)
            except ExpressionError:
                refused.add(definition)
            else:
                read.add(definition)
    # These speak to people: "...", "input 3", and two alternatives joined by "or".
    assert refused == {
        "multiply(x ,y, ... , filter=false)",
        "min(x, y ..)",
        "max(x, y, ..)",
        "if_else(input1, input2, input 3)",
        'bucket(rank(x), range="0, 1, 0.1" or buckets = "2,5,6,7,10")',
    }
    assert "kth_element(x, d, k, ignore=“NaN”)" in read
    assert len(read) > 60
