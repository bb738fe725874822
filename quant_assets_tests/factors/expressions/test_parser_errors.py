"""What is refused: the exact place, the message and the hint of every error."""

import pickle

import pytest

from quant_assets.factors.expressions.errors import ExpressionError, did_you_mean, error_at
from quant_assets.factors.expressions.parser import parse
from quant_assets.factors.expressions.tokens import MAX_CHARACTERS
from quant_assets.factors.expressions.tree import Call, walk
from quant_assets_tests.factors.expressions.test_parser import NESTINGS

OPERAND = "a number, a name, a call or '('"
STATEMENT = "an operator or the end of the statement"
ARGUMENT = "an operator, ',' or ')'"
EQUALS = "= gives a name to a statement or an argument; to compare, write =="
CHAIN = "comparisons must not follow one another without parentheses"
JOIN = "join two comparisons with &&, as in a < b && b < c"
NUMBER = "a number such as 5, .5, 2.5 or 1e-3"

# The place to blame is marked by « and » in the text.
ERRORS: list[tuple[str, str, str | None]] = [
    # no expression
    ("«»", "expected an expression, got an empty text", None),
    ("«»  # only a comment", "expected an expression, got an empty text", None),
    ("«»;;\n;", "expected an expression, got an empty text", None),
    # operands
    ("a +«»  ", f"expected {OPERAND}, got the end of the text", None),
    ("a +«» # b", f"expected {OPERAND}, got the end of the text", None),
    ("a + «*» b", f"expected {OPERAND}, got '*'", None),
    ("a + «;» b", f"expected {OPERAND}, got ';'", None),
    ("«and»", f"expected {OPERAND}, got the word and", None),
    ("a or «or» b", f"expected {OPERAND}, got the word or", None),
    ("«?» a : b", f"expected {OPERAND}, got '?'", None),
    ("«=» a", f"expected {OPERAND}, got '='", EQUALS),
    ("(«)»", f"expected {OPERAND}, got ')'", None),
    ("f(a, «)»", f"expected {OPERAND}, got ')'", None),
    ("f(«,» a)", f"expected {OPERAND}, got ','", None),
    ("f(a, «,» b)", f"expected {OPERAND}, got ','", None),
    ("f(k=«)»", f"expected {OPERAND}, got ')'", None),
    # what follows an operand
    ("a «b»", f"expected {STATEMENT}, got the name b", None),
    ("a «5»", f"expected {STATEMENT}, got the number 5", None),
    ("a «'b'»", f"expected {STATEMENT}, got the text 'b'", None),
    ("a «not» b", f"expected {STATEMENT}, got the word not", None),
    ("a «:» b", f"expected {STATEMENT}, got ':'", None),
    ("a«,» b", f"expected {STATEMENT}, got ','", None),
    ("5 «(»a)", f"expected {STATEMENT}, got '('", None),
    ("(a «b»)", "expected an operator or ')', got the name b", None),
    ("(a«,» b)", "expected an operator or ')', got ','", None),
    ("f(a «b»)", f"expected {ARGUMENT}, got the name b", None),
    ("f(a\n«b» = 3)", f"expected {ARGUMENT}, got the name b", None),
    ("f(a «:» b)", f"expected {ARGUMENT}, got ':'", None),
    # parentheses
    (
        "a + f«(»b, c",
        f"this '(' is never closed: expected {ARGUMENT}, got the end of the text",
        None,
    ),
    (
        "f(a) + «(»b",
        "this '(' is never closed: expected an operator or ')', got the end of the text",
        None,
    ),
    (
        "(a * «(»b - c",
        "this '(' is never closed: expected an operator or ')', got the end of the text",
        None,
    ),
    ("f«(»", f"this '(' is never closed: expected {OPERAND}, got the end of the text", None),
    ("f«(»a,", f"this '(' is never closed: expected {OPERAND}, got the end of the text", None),
    ("x = f«(»a; x", f"this '(' is never closed: expected {ARGUMENT}, got ';'", None),
    ("(a)«)»", "this ')' closes nothing: no '(' is open", None),
    ("f(a)«)» * 2", "this ')' closes nothing: no '(' is open", None),
    # conditionals
    ("a «?» b", "this '?' has no ':', got the end of the text", None),
    ("f(a «?» b, c)", "this '?' has no ':', got ','", None),
    ("a «?» b ? c : d", "this '?' has no ':', got the end of the text", None),
    # comparisons
    ("a < b «<» c", CHAIN, JOIN),
    ("a == b «!=» c", CHAIN, JOIN),
    ("f(0 <= a + 1 «>» b)", CHAIN, JOIN),
    (
        "not a «<» b",
        "what 'not' covers must stand in parentheses before '<'",
        "write not(a < b), or (not a) < b",
    ),
    (
        "not a «==» b",
        "what 'not' covers must stand in parentheses before '=='",
        "write not(a == b), or (not a) == b",
    ),
    (
        "x && NOT f(a) «*» b",
        "what 'not' covers must stand in parentheses before '*'",
        "write not(a * b), or (not a) * b",
    ),
    # arguments by name
    (
        "f(k=1, «a + b», c)",
        "an argument of 'f' without a name must not follow one with a name",
        "name it, or move it before k=",
    ),
    ("f(k=1, «K»=2)", "the argument 'K' of 'f' is given twice", None),
    (
        "f(«a.b»=1)",
        "the name of an argument must have no dots and not be and, or, not, got 'a.b'",
        None,
    ),
    (
        "f(«Not»=1)",
        "the name of an argument must have no dots and not be and, or, not, got 'Not'",
        None,
    ),
    ("f(a + b «=» c)", f"expected {ARGUMENT}, got '='", EQUALS),
    # statements
    (
        "«a»\nb",
        "every statement but the last must assign: name = expression",
        "the value of the whole is the last statement; is a sign missing between them?",
    ),
    (
        "«a.b» = 3; 1",
        "an assigned name must have no dots and not be and, or, not, got 'a.b'",
        None,
    ),
    (
        "«or» = 3; 1",
        "an assigned name must have no dots and not be and, or, not, got 'or'",
        None,
    ),
    ("f(x) «=» 3; 1", f"expected {STATEMENT}, got '='", EQUALS),
    ("x = y «=» 3", f"expected {STATEMENT}, got '='", EQUALS),
    (
        "«close = open ? 1 : 0»",
        "the last statement must be the value, but it assigns 'close'",
        "add a last line: close; or, to compare, write == for =",
    ),
    (
        "x = 1; «y = x»;",
        "the last statement must be the value, but it assigns 'y'",
        "add a last line: y",
    ),
    (
        "«x = a\n - b»",
        "the last statement must be the value, but it assigns 'x'",
        "add a last line: x; or end the line before the value with ;",
    ),
    (
        "«x = a\n - b\n - x»",
        "the last statement must be the value, but it assigns 'x'",
        "add a last line: x; or end the line before the value with ;",
    ),
    (
        "«x = a ? b\n - x : c»",
        "the last statement must be the value, but it assigns 'x'",
        "add a last line: x; or end the line before the value with ;",
    ),
    # signs of other languages
    ("a *«*» b", f"expected {OPERAND}, got '*'", "write ^ for **"),
    ("a <«>» b", f"expected {OPERAND}, got '>'", "write != for <>"),
    ("a =«<» b", f"expected {OPERAND}, got '<'", "write <= for =<"),
    ("a =«>» b", f"expected {OPERAND}, got '>'", "write >= for =>"),
    ("a ==«=» b", f"expected {OPERAND}, got '='", "write == for ==="),
    ("a «&» b", "unexpected character '&' (AMPERSAND, U+0026)", "write && instead"),
    ("a «|» b", "unexpected character '|' (VERTICAL LINE, U+007C)", "write || instead"),
    ("a «−» b", "unexpected character '−' (MINUS SIGN, U+2212)", "write - instead"),
    ("f(a«，» b)", "unexpected character '，' (FULLWIDTH COMMA, U+FF0C)", "write , instead"),
    ("«[»a]", "unexpected character '[' (LEFT SQUARE BRACKET, U+005B)", "write ( instead"),
    # characters that mean nothing
    ("a «%» b", "unexpected character '%' (PERCENT SIGN, U+0025)", None),
    ("a«.»", "unexpected character '.' (FULL STOP, U+002E)", None),
    ("«é»", "unexpected character 'é' (LATIN SMALL LETTER E WITH ACUTE, U+00E9)", None),
    ("a «\x00»b", "unexpected character '\\x00' (U+0000)", None),
    ("a «\ud800»b", "unexpected character '\\ud800' (U+D800)", None),
    ("«\ufeff»a", "unexpected character '\\ufeff' (ZERO WIDTH NO-BREAK SPACE, U+FEFF)", None),
    # numbers, texts, comments
    ("a + «5d»", f"expected {NUMBER}, got '5d'", None),
    ("«1.2.3»", f"expected {NUMBER}, got '1.2.3'", None),
    ("«1e» + 2", f"expected {NUMBER}, got '1e'", None),
    ("«2.close»", f"expected {NUMBER}, got '2.close'", None),
    ("«1_000»", f"expected {NUMBER}, got '1_000'", None),
    ("-«1e999»", "the number 1e999 is out of the range of float64", None),
    ("«0.1e-400»", "the number 0.1e-400 is out of the range of float64", None),
    ("f(«'»a\n')", "this text is never closed, expected ' on the same line", None),
    ('«"»a', 'this text is never closed, expected " on the same line', None),
    ('«“»a"', "this text is never closed, expected ” on the same line", None),
    ("a «”»", "unexpected character '”' (RIGHT DOUBLE QUOTATION MARK, U+201D)", 'write " instead'),
    ("a «/*» b * /", "this comment is never closed, expected '*/'", None),
    ("a «/*»/", "this comment is never closed, expected '*/'", None),
]


@pytest.mark.parametrize(("marked", "message", "hint"), ERRORS)
def test_errors(marked: str, message: str, hint: str | None) -> None:
    position, stop = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    assert (error.message, error.hint) == (message, hint)
    assert (error.text, error.position, error.length) == (text, position, stop - position)


TOO_DEEP = "an expression must have at most 100 levels of operators and parentheses"


@pytest.mark.parametrize("kind", NESTINGS)
@pytest.mark.parametrize("levels", [103, 50_000])
def test_what_is_nested_too_deep_is_refused(kind: str, levels: int) -> None:
    levels = min(levels, MAX_CHARACTERS // (len(NESTINGS[kind](100)) // 100 + 1))
    with pytest.raises(ExpressionError) as caught:
        parse(NESTINGS[kind](levels))
    assert caught.value.message == TOO_DEEP
    assert caught.value.hint == "give a part of it a name, part = ...; and use the name"


def test_the_level_that_is_too_much_is_blamed() -> None:
    for text, position in [
        ("(" * 101 + "a" + ")" * 101, 100),
        ("f(" * 101 + "a" + ")" * 101, 201),
        ("+".join("a" * 101), 199),
        ("f(" * 50 + "-" * 50 + "a" + ")" * 50, 0),
    ]:
        with pytest.raises(ExpressionError, match=TOO_DEEP) as caught:
            parse(text)
        assert (caught.value.position, caught.value.column) == (position, position + 1)


def test_long_texts_are_refused_before_they_are_read() -> None:
    assert parse("a" + " " * (MAX_CHARACTERS - 1)) == parse("a")
    with pytest.raises(ExpressionError) as caught:
        parse("a" + " " * MAX_CHARACTERS)
    assert caught.value.message == "an expression must have at most 100,000 characters, got 100,001"
    assert caught.value.position == MAX_CHARACTERS


def shown(text: str) -> str:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    return str(caught.value)


def test_the_message_shows_line_column_and_place() -> None:
    assert shown("a + f(b, c") == (
        "line 1, column 6: this '(' is never closed: "
        "expected an operator, ',' or ')', got the end of the text\n"
        "  a + f(b, c\n"
        "       ^"
    )
    assert shown("x = a;\r\n# second\r\n  x + 1.2.3 * 2\r\n") == (
        "line 3, column 7: expected a number such as 5, .5, 2.5 or 1e-3, got '1.2.3'\n"
        "    x + 1.2.3 * 2\n"
        "        ^^^^^"
    )
    assert shown("a = b ** 2") == (
        "line 1, column 8: expected a number, a name, a call or '(', got '*'\n"
        "  a = b ** 2\n"
        "         ^\n"
        "write ^ for **"
    )
    assert shown("") == "line 1, column 1: expected an expression, got an empty text\n  \n  ^"


def test_carets_stand_below_the_place_behind_tabs_wide_characters_and_accents() -> None:
    assert shown("\t\ta & b").splitlines()[1:3] == ["    a & b", "      ^"]
    assert shown("/* 价格 */ a & b").splitlines()[1:3] == ["  /* 价格 */ a & b", "               ^"]
    assert shown("/* e\u0301 */ a & b").splitlines()[1:3] == [
        "  /* e\u0301 */ a & b",
        "            ^",
    ]
    assert shown("a 价 b").splitlines()[1:3] == ["  a 价 b", "    ^^"]


def test_of_a_long_line_the_part_around_the_place_is_shown() -> None:
    lines = shown("a + " * 100 + "5d" + " + a" * 100).splitlines()
    assert lines[0].startswith("line 1, column 401: ")
    assert lines[1] == "  …" + "a + " * 15 + "5d" + " + a" * 10 + "…"
    assert lines[2] == "  " + " " * 61 + "^^"


def test_of_several_lines_the_first_is_marked() -> None:
    assert shown("f(k = 1, a +\n b)").splitlines()[1:3] == ["  f(k = 1, a +", "           ^^^"]


def test_errors_about_a_part_of_a_tree() -> None:
    text = "a + rnak(\n close)"
    call = next(node for node in walk(parse(text)) if isinstance(node, Call))
    hint = did_you_mean(call.name, ["rank", "prank", "delta"])
    error = error_at(text, call, f"no operator {call.name!r}", hint)
    assert (error.position, error.length, error.line, error.column) == (4, 13, 1, 5)
    assert str(error) == (
        "line 1, column 5: no operator 'rnak'\n"
        "  a + rnak(\n"
        "      ^^^^^\n"
        "did you mean rank or prank?"
    )


def test_hints_look_for_near_names_in_any_case() -> None:
    assert did_you_mean("CLOES", ["open", "close", "volume"]) == "did you mean close?"
    assert did_you_mean("qqq", ["open", "close"]) is None


def test_errors_travel_between_processes() -> None:
    error = ExpressionError("a b", 2, 1, "message", "hint")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, ExpressionError)
    assert (str(again), again.line, again.hint) == (str(error), 1, "hint")
