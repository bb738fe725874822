"""What is read: precedence, statements, calls, numbers, comments; the trees are written out."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from quant_assets.factors.expressions.parser import parse
from quant_assets.factors.expressions.tree import (
    MAX_LEVELS,
    Assignment,
    Binary,
    BinarySign,
    Call,
    Conditional,
    Keyword,
    Name,
    Node,
    Number,
    Text,
    Unary,
    UnarySign,
    walk,
)


def bracketed(node: Node) -> str:
    """The tree with a bracket around everything that has parts: nothing is left to precedence."""
    match node:
        case Number():
            return f"{node.value:g}"
        case Name():
            return node.name
        case Unary():
            return f"[{node.sign}{bracketed(node.operand)}]"
        case Binary():
            return f"[{bracketed(node.left)}{node.sign}{bracketed(node.right)}]"
        case Conditional():
            parts = (node.condition, node.yes, node.no)
            return "[{}?{}:{}]".format(*map(bracketed, parts))
        case Call():
            return f"{node.name}[{','.join(map(bracketed, node.arguments))}]"
    raise AssertionError(node)


def value(text: str) -> Node:
    program = parse(text)
    assert program.statements == ()
    return program.value


PRECEDENCE = {
    # one level
    "a + b - c": "[[a+b]-c]",
    "a - b + c": "[[a-b]+c]",
    "a / b * c": "[[a/b]*c]",
    "a / b / c": "[[a/b]/c]",
    "a ^ b ^ c": "[a^[b^c]]",
    "a || b || c": "[[a||b]||c]",
    "a && b && c": "[[a&&b]&&c]",
    "a ? b : c ? d : e": "[a?b:[c?d:e]]",
    "a ? b ? c : d : e": "[a?[b?c:d]:e]",
    # neighbouring levels, the tighter one on either side
    "a || b ? c : d": "[[a||b]?c:d]",
    "a ? b : c || d": "[a?b:[c||d]]",
    "a || b && c": "[a||[b&&c]]",
    "a && b || c": "[[a&&b]||c]",
    "a && b == c": "[a&&[b==c]]",
    "a == b && c": "[[a==b]&&c]",
    "a == b < c": "[a==[b<c]]",
    "a < b == c": "[[a<b]==c]",
    "a != b >= c": "[a!=[b>=c]]",
    "a < b + c": "[a<[b+c]]",
    "a + b < c": "[[a+b]<c]",
    "a <= b - c": "[a<=[b-c]]",
    "a + b * c": "[a+[b*c]]",
    "a * b + c": "[[a*b]+c]",
    "a - b / c": "[a-[b/c]]",
    "-a * b": "[[-a]*b]",
    "a * -b": "[a*[-b]]",
    "a - -b": "[a-[-b]]",
    "-a + b": "[[-a]+b]",
    "-a ^ b": "[-[a^b]]",
    "a ^ -b": "[a^[-b]]",
    "a ^ -b ^ c": "[a^[-[b^c]]]",
    "a ^ -b * c": "[[a^[-b]]*c]",
    "-a ^ -b ^ -c": "[-[a^[-[b^[-c]]]]]",
    "(-a) ^ b": "[[-a]^b]",
    "--a": "[-[-a]]",
    "-+!a": "[-[+[!a]]]",
    "!a == b": "[[!a]==b]",
    "!a && b": "[[!a]&&b]",
    # words
    "a and b": "[a&&b]",
    "a or b and c": "[a||[b&&c]]",
    "a AND b Or c": "[[a&&b]||c]",
    "not a": "[!a]",
    "not a and b": "[[!a]&&b]",
    "not not a": "[![!a]]",
    "a and not b": "[a&&[!b]]",
    "not(a)": "not[a]",
    "NOT (a)": "NOT[a]",
    "and(a, b)": "and[a,b]",
    "or(a, b) or and(c, d)": "[or[a,b]||and[c,d]]",
    "not(a) == b": "[not[a]==b]",
    "(not a) == b": "[[!a]==b]",
    "a and (b or c)": "[a&&[b||c]]",
    # parentheses
    "a - (b - c)": "[a-[b-c]]",
    "((a))": "a",
    "(a ^ b) ^ c": "[[a^b]^c]",
    "(a < b) < c": "[[a<b]<c]",
    "(a ? b : c) ? d : e": "[[a?b:c]?d:e]",
    "(a == b) == (c == d)": "[[a==b]==[c==d]]",
    # all levels at once
    "a ? b || c && d == e < f + g * -h ^ i : j": "[a?[b||[c&&[d==[e<[f+[g*[-[h^i]]]]]]]]:j]",
    "-a ^ b * c + d < e == f && g || h ? i : j": ("[[[[[[[[-[a^b]]*c]+d]<e]==f]&&g]||h]?i:j]"),
}


@pytest.mark.parametrize("text", PRECEDENCE)
def test_precedence(text: str) -> None:
    assert bracketed(value(text)) == PRECEDENCE[text]
    assert bracketed(value(text.replace(" ", "  ").replace("(", " ( "))) == PRECEDENCE[text]


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!="])
def test_every_binary_sign(sign: BinarySign) -> None:
    expected = Binary(sign, Name("a"), Name("b"))
    assert value(f"a{sign}b") == value(f"a {sign} b") == expected


@pytest.mark.parametrize("sign", ["-", "+", "!"])
def test_every_unary_sign(sign: UnarySign) -> None:
    assert value(f"{sign}a") == Unary(sign, Name("a"))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1.0),
        ("007", 7.0),
        (".5", 0.5),
        ("2.", 2.0),
        ("0.1", 0.1),
        ("1e-3", 1e-3),
        ("1E+3", 1e3),
        ("2.e2", 200.0),
        (".001", 0.001),
        ("0e999", 0.0),
        ("5e-324", 5e-324),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("3.92795", 3.92795),
    ],
)
def test_numbers(text: str, number: float) -> None:
    assert value(text) == Number(number)


def test_a_minus_is_never_part_of_a_number() -> None:
    assert value("-1") == Unary("-", Number(1.0))
    assert value("a -1") == Binary("-", Name("a"), Number(1.0))


def test_names_keep_their_spelling_and_have_a_key_without_case() -> None:
    read = value("Ts_Rank(IndClass.Sector, 5)")
    assert read == Call("Ts_Rank", (Name("IndClass.Sector"), Number(5.0)))
    assert isinstance(read, Call)
    assert read.key == "ts_rank"
    assert [node.key for node in walk(read) if isinstance(node, Name)] == ["indclass.sector"]


def test_calls() -> None:
    assert value("f()") == Call("f")
    assert value("f (a)") == value("f(a)") == Call("f", (Name("a"),))
    assert value("f(\n a,\n -b\n)") == Call("f", (Name("a"), Unary("-", Name("b"))))
    assert value("f(a ? b : c, d < e)") == Call(
        "f", (Conditional(Name("a"), Name("b"), Name("c")), Binary("<", Name("d"), Name("e")))
    )


def test_keyword_arguments() -> None:
    assert value("winsorize(x, std=4)") == Call(
        "winsorize", (Name("x"),), (Keyword("std", Number(4.0)),)
    )
    assert value("f(useStd = false, limit=-1 + a)") == Call(
        "f",
        (),
        (
            Keyword("useStd", Name("false")),
            Keyword("limit", Binary("+", Unary("-", Number(1.0)), Name("a"))),
        ),
    )
    assert value("f(a == b)") == Call("f", (Binary("==", Name("a"), Name("b")),))


@pytest.mark.parametrize("quoted", ['"0, 1, 0.1"', "'0, 1, 0.1'", "“0, 1, 0.1”"])
def test_texts_in_the_quotes_of_code_and_of_the_published_descriptions(quoted: str) -> None:
    assert value(f"bucket(rank(x), range={quoted})") == Call(
        "bucket", (Call("rank", (Name("x"),)),), (Keyword("range", Text("0, 1, 0.1")),)
    )


def test_signs_and_comments_inside_texts_are_text() -> None:
    assert value('f("a # b /* c // d ; ) é", \'"\')') == Call(
        "f", (Text("a # b /* c // d ; ) é"), Text('"'))
    )


A_B = ((Assignment("x", Name("a")),), Binary("-", Name("x"), Name("b")))


@pytest.mark.parametrize(
    "text",
    [
        "x = a; x - b",
        "x = a; x - b;",
        ";;x=a;;\n;x-b;;\n",
        "x = a\nx - b",
        "x = a\r\nx - b\r\n",
        "x = a\rx - b",
        "\n\n  x = a\n\n\n  x - b\n\n",
        "x =\n a; x -\n b",
        "x = (\na\n)\nx\n- b",
        "x = a # one; = two\nx - b // three",
        "x = a /* ; */ ; /* \n * \n */ x - /**/ b",
        "x = a /*\n*/ x - b",
        "// title\n# title\nx = a;\n\tx\u00a0- b",
    ],
)
def test_statements(text: str) -> None:
    program = parse(text)
    assert (program.statements, program.value) == A_B


def test_a_name_may_be_assigned_again() -> None:
    program = parse("x = a; x = x + 1; X = 2; x")
    assert [(statement.name, statement.key) for statement in program.statements] == [
        ("x", "x"),
        ("x", "x"),
        ("X", "x"),
    ]
    assert program.value == Name("x")


@pytest.mark.parametrize("sign", ["-", "+", "*", "/", "^", "<", "==", "&&", "||", "and", "or"])
def test_a_line_that_begins_with_a_sign_continues_the_one_before(sign: str) -> None:
    assert parse(f"x = a\n{sign} b\nx").statements == parse(f"x = a {sign} b; x").statements
    assert parse(f"a\n {sign}\n b") == parse(f"a {sign} b")


def test_a_conditional_over_several_lines() -> None:
    assert parse("a < b\n ? c\n : d") == parse("a < b ? c : d")


def test_a_line_that_begins_with_an_operand_does_not_continue() -> None:
    assert parse("x = f\n(x)").statements == (Assignment("x", Name("f")),)
    assert parse("x = a\n!x").value == Unary("!", Name("x"))
    assert parse("x = a\nnot(x)").value == Call("not", (Name("x"),))
    assert parse("f(g\n(x))").value == Call("f", (Call("g", (Name("x"),)),))


def test_a_last_line_with_a_minus_is_the_value_if_there_is_no_other() -> None:
    assert parse("x = delta(close, 5)\n-x") == parse("x = delta(close, 5); -x")
    assert parse("y = 1\nx = a\n- b\ny = x\n+ rank(Y)") == parse("y=1; x = a - b; y = x; +rank(Y)")
    assert parse("x = a ? b : c\n-x * 2\n* 3;") == parse("x = a ? b : c; -x * 2 * 3")


def test_positions_are_those_of_the_text() -> None:
    text = "x = -(a + b) * f( c , k = 'd' );\n(x) ? 1 : x"
    program = parse(text)
    assert [text[node.start : node.stop] for node in walk(program)] == [
        text,
        "x = -(a + b) * f( c , k = 'd' )",
        "-(a + b) * f( c , k = 'd' )",
        "-(a + b)",
        "a + b",
        "a",
        "b",
        "f( c , k = 'd' )",
        "c",
        "'d'",
        "(x) ? 1 : x",
        "x",
        "1",
        "x",
    ]
    keywords = [node.keywords[0] for node in walk(program) if isinstance(node, Call)]
    assert [text[keyword.start : keyword.stop] for keyword in keywords] == ["k = 'd'"]


def test_equality_does_not_look_at_positions() -> None:
    assert parse("a+b") == parse("( a  +  (b) ) # sum")
    assert hash(parse("a+b").value) == hash(parse("( a  +  (b) )").value)
    assert parse("a+b") != parse("b+a")


NESTINGS: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "(" * n + "a" + ")" * n,
    "calls": lambda n: "f(" * (n - 1) + "a" + ")" * (n - 1),
    "keywords": lambda n: "f(k=" * (n - 1) + "a" + ")" * (n - 1),
    "signs": lambda n: "-" * (n - 1) + "a",
    "a chain to the left": lambda n: "+".join("a" * n),
    "a chain to the right": lambda n: "^".join("a" * n),
    "conditionals": lambda n: "a?b:" * (n - 1) + "c",
    "conditionals inside": lambda n: "a?" * (n - 1) + "c" + ":b" * (n - 1),
    "operand and parenthesis": lambda n: "a*(b+" * (n // 2) + "c" * (n % 2 or 1) + ")" * (n // 2),
}


def on_a_deep_stack(frames: int, function: Callable[[], Any]) -> Any:
    return function() if frames == 0 else on_a_deep_stack(frames - 1, function)


@pytest.mark.parametrize("kind", NESTINGS)
def test_trees_up_to_the_limit_are_read_on_a_stack_that_is_deep_already(kind: str) -> None:
    text = NESTINGS[kind](MAX_LEVELS - 1)
    frames = 300 - len(inspect.stack(0))
    assert on_a_deep_stack(frames, lambda: parse(text)) == parse(text)


def test_width_has_no_limit() -> None:
    call = value("f(" + ", ".join(["(-a * (b + c))"] * 2000) + ")")
    assert isinstance(call, Call)
    assert len(call.arguments) == 2000
    assert call.height == 4
    assert len(parse("x = (a);" * 2000 + "x").statements) == 2000
