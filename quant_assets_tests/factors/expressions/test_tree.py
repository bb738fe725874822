"""Nodes: what is well formed, and the walk over them."""

import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from quant_assets.factors.expressions.parser import parse
from quant_assets.factors.expressions.tree import (
    MAX_LEVELS,
    Assignment,
    Binary,
    Call,
    Keyword,
    Name,
    Node,
    Number,
    Text,
    Unary,
    children,
    number,
    walk,
)

ALLOWED = "a name must consist of letters, digits and _, must not begin with a digit"


@pytest.mark.parametrize("value", [-1.0, -0.0, float("nan"), float("inf"), -float("inf")])
def test_a_number_has_no_sign_and_is_finite(value: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"Got {value!r} instead")):
        Number(value)


def test_number_makes_the_tree_that_the_text_of_a_number_gives() -> None:
    for value in (0.0, -0.0, 2.5, -2.5, 1e-300, -1e300):
        assert number(value) == parse(repr(value)).value
    assert isinstance(number(-0.0), Unary)


def test_whole_numbers_become_float() -> None:
    written = Number(5)
    assert isinstance(written.value, float)
    assert hash(written) == hash(Number(5.0))


@pytest.mark.parametrize(
    "name", ["", "5d", "a b", "a.", ".a", "a..b", "a.5", "é", "a-b", "And", "a\n"]
)
def test_names(name: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"Got {name!r} instead")):
        Name(name)


def test_dots_and_words_only_where_they_can_be_read_back() -> None:
    assert Name("a.b").key == "a.b"
    assert Call("Not").key == "not"
    assert Call("a.b").key == "a.b"
    assert Keyword("useStd", Name("a")).key == "usestd"
    inside = f"{ALLOWED} and must not be and, or, not. Got 'a.b' instead"
    for make in (Keyword, Assignment):
        with pytest.raises(ValueError, match=re.escape(inside)):
            make("a.b", Name("x"))
    with pytest.raises(ValueError, match=re.escape(f"{ALLOWED}, may have dots inside. Got ''")):
        Call("")


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "\"'”"])
def test_texts(value: str) -> None:
    with pytest.raises(ValueError, match="a Text must stand on one line"):
        Text(value)


def test_signs() -> None:
    wrong: Any = "and"
    with pytest.raises(ValueError, match=re.escape("one of - ! +. Got 'and' instead")):
        Unary(wrong, Name("a"))
    with pytest.raises(ValueError, match=re.escape("< <= > >= + - * / ^. Got 'and' instead")):
        Binary(wrong, Name("a"), Name("b"))


def test_keywords_of_a_call_differ() -> None:
    with pytest.raises(ValueError, match="the keywords of f must differ in their names"):
        Call("f", (), (Keyword("k", Name("a")), Keyword("K", Name("b"))))


def test_trees_have_a_largest_height() -> None:
    tree: Node = Name("a")
    for height in range(1, MAX_LEVELS):
        assert tree.height == height
        tree = Binary("+", tree, Name("b"))
    with pytest.raises(ValueError, match=r"at most 100 levels\. Got 101 instead"):
        Unary("-", tree)


def test_nodes_are_immutable_keys() -> None:
    tree = parse("f(a, k=b)").value
    assert {tree: 1}[parse("f( a, k = b )").value] == 1
    with pytest.raises(FrozenInstanceError):
        tree.name = "g"  # type: ignore[attr-defined]


def test_walk_goes_through_the_text_from_left_to_right() -> None:
    program = parse("x = -f(a, k=b); x ? 1 : 'c' + d")
    kinds = " ".join(type(node).__name__ for node in walk(program))
    assert kinds == (
        "Program Assignment Unary Call Name Name Conditional Name Number Binary Text Name"
    )
    starts = [node.start for node in walk(program)]
    assert starts == sorted(starts)


def test_children() -> None:
    call = parse("f(a, b, k=c)").value
    assert children(call) == (Name("a"), Name("b"), Name("c"))
    assert children(Keyword("k", Name("c"))) == (Name("c"),)
    assert children(Name("a")) == ()
