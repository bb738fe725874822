"""Printing: parentheses only where they are needed; reading back gives the same tree."""

import pickle
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quant_assets.factors.expressions.errors import ExpressionError
from quant_assets.factors.expressions.parser import parse
from quant_assets.factors.expressions.printing import to_text
from quant_assets.factors.expressions.tree import (
    MAX_LEVELS,
    Binary,
    Call,
    Conditional,
    Keyword,
    Name,
    Node,
    Number,
    Program,
    Spanned,
    Text,
    Unary,
)
from quant_assets_tests.factors.expressions.trees import (
    expressions,
    programs,
)

PRINTED = {
    "( a+b )*c": "(a + b) * c",
    "(a*b)+c": "a * b + c",
    "a-(b-c)": "a - (b - c)",
    "(a-b)-c": "a - b - c",
    "a+(b+c)": "a + (b + c)",
    "(a^b)^c": "(a ^ b) ^ c",
    "a^(b^c)": "a ^ b ^ c",
    "(-a)^b": "(-a) ^ b",
    "-(a^b)": "-a ^ b",
    "a^(-b)": "a ^ -b",
    "-(a*b)": "-(a * b)",
    "(-a)*b": "-a * b",
    "a-(-b)": "a - -b",
    "(a<b)<c": "(a < b) < c",
    "(a<b)==c": "a < b == c",
    "a<(b==c)": "a < (b == c)",
    "(a or b) and not c": "(a || b) && !c",
    "not(a)": "not(a)",
    "(a ? b : c) ? (d ? e : f) : (g ? h : i)": "(a ? b : c) ? d ? e : f : g ? h : i",
    "(a ? b : c) + 1": "(a ? b : c) + 1",
    "f((a ? b : c), k=(1))": "f(a ? b : c, k=1)",
    "Ts_Rank( IndClass.sector ,5 )": "Ts_Rank(IndClass.sector, 5)",
    "x=(a); # a\ny=x;(y)": "x = a;\ny = x;\ny",
    "1.50": "1.5",
    "2.": "2",
    "1e3": "1000",
    ".00001": "1e-05",
    "1e16": "1e+16",
    "0.1": "0.1",
    "f('a')": 'f("a")',
    "f('\"')": "f('\"')",
    "f(“'\"”)": "f(“'\"”)",
}


@pytest.mark.parametrize("text", PRINTED)
def test_printing(text: str) -> None:
    assert to_text(parse(text)) == PRINTED[text]


@settings(max_examples=200, deadline=None)
@given(programs())
@example(
    Program((), Conditional(Name("a"), Name("b"), Conditional(Name("c"), Name("d"), Name("e"))))
)
@example(Program((), Binary("^", Unary("-", Number(2.0)), Unary("-", Number(5e-324)))))
@example(Program((), Text("a'\"b")))
def test_reading_back_gives_the_same_tree(program: Program) -> None:
    text = to_text(program)
    again = parse(text)
    assert again == program
    assert hash(again) == hash(program)
    assert to_text(again) == text


def groups(text: str) -> list[tuple[int, int]]:
    """The places of the parentheses that are not those of a call; without texts in it."""
    opened: list[int] = []
    found = []
    for place, character in enumerate(text):
        if character == "(":
            opened.append(place)
        elif character == ")":
            start = opened.pop()
            if not re.search("[A-Za-z0-9_]$", text[:start]):
                found.append((start, place))
    return found


@settings(max_examples=200, deadline=None)
@given(expressions(with_texts=False))
def test_no_pair_of_parentheses_can_be_left_out(tree: Node) -> None:
    text = to_text(tree)
    for start, stop in groups(text):
        shorter = f"{text[:start]} {text[start + 1 : stop]} {text[stop + 1 :]}"
        try:
            changed = parse(shorter).value != tree
        except ExpressionError:
            changed = True
        assert changed, f"{text} is also {shorter}"


def test_the_highest_trees_are_printed_compared_and_pickled() -> None:
    tree: Node = Name("a")
    for level in range(1, MAX_LEVELS):
        keyword = (Keyword("k", tree),)
        tree = Call("f", (), keyword) if level % 2 else Binary("^", tree, Name("b"))
    assert tree.height == MAX_LEVELS
    again = parse(to_text(tree)).value
    assert again == tree == pickle.loads(pickle.dumps(tree))
    assert again.height == MAX_LEVELS


def test_what_is_no_tree_is_not_printed() -> None:
    with pytest.raises(TypeError, match="expected a part of a tree, got Spanned"):
        to_text(Spanned())


LETTERS = [*"ab x_1.5e+-*/^<>=!&|?:;,()#\"'“”\n\r\t@é", "//", "/*", "*/", "&&", "and", "not"]


def check_read_or_refused(text: str) -> None:
    """Either a tree that can be printed, or an error at a place in the text."""
    error: ExpressionError | None = None
    try:
        program = parse(text)
    except ExpressionError as raised:
        error = raised
    if error is None:
        assert parse(to_text(program)) == program
        return
    assert 0 <= error.position <= error.position + error.length <= len(text)
    assert error.line >= 1
    assert error.column >= 1
    assert re.fullmatch(r" *\^+", str(error).split("\n")[2])


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(LETTERS)).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    check_read_or_refused(text)


@settings(max_examples=200, deadline=None)
@given(expressions(), st.data())
def test_an_expression_with_a_fault_is_read_or_refused(tree: Node, data: st.DataObject) -> None:
    text = to_text(tree)
    at = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.integers(0, 3))
    check_read_or_refused(text[:at] + data.draw(st.sampled_from(LETTERS)) + text[at + removed :])
