"""Trees for property tests: every sort of node, in every place of every other."""

from typing import get_args

from hypothesis import strategies as st

from quant_assets.factors.expressions.tree import (
    WORDS,
    Assignment,
    Binary,
    BinarySign,
    Call,
    Conditional,
    Keyword,
    Name,
    Node,
    Number,
    Program,
    Text,
    Unary,
    UnarySign,
)

PLAIN_NAMES = st.one_of(
    st.sampled_from(["x", "close", "Ts_Rank", "ANDREW", "_", "e5", "true"]),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True),
).filter(lambda name: name.lower() not in WORDS)
NAMES = st.one_of(
    PLAIN_NAMES,
    st.sampled_from(["IndClass.sector", "a.and"]),
    st.tuples(PLAIN_NAMES, PLAIN_NAMES).map(".".join),
)
CALL_NAMES = st.one_of(NAMES, st.sampled_from(["and", "or", "not", "AND"]))
NUMBERS = st.one_of(
    st.integers(0, 10**20), st.floats(min_value=0.0, allow_infinity=False, allow_nan=False)
).map(lambda value: Number(abs(float(value))))
TEXTS = (
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8)
    .filter(lambda value: not all(quote in value for quote in "\"'”"))
    .map(Text)
)
LEAVES: tuple[st.SearchStrategy[Node], ...] = (NUMBERS, NAMES.map(Name), TEXTS)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 5, with_texts: bool = True) -> Node:
    """A tree of at most `depth` + 1 levels."""
    kind = draw(st.integers(0, 6)) if depth else 0
    if kind <= 1:
        return draw(st.one_of(LEAVES if with_texts else LEAVES[:2]))
    parts = expressions(depth - 1, with_texts)
    if kind == 2:
        return Unary(draw(st.sampled_from(get_args(UnarySign))), draw(parts))
    if kind <= 4:
        return Binary(draw(st.sampled_from(get_args(BinarySign))), draw(parts), draw(parts))
    if kind == 5:
        return Conditional(draw(parts), draw(parts), draw(parts))
    arguments = draw(st.lists(parts, max_size=2))
    keys = draw(st.lists(PLAIN_NAMES, max_size=2, unique_by=str.lower))
    keywords = tuple(Keyword(key, draw(parts)) for key in keys)
    return Call(draw(CALL_NAMES), tuple(arguments), keywords)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Up to three assignments and a value."""
    names = draw(st.lists(PLAIN_NAMES, max_size=3))
    statements = tuple(Assignment(name, draw(expressions(3))) for name in names)
    return Program(statements, draw(expressions()))
