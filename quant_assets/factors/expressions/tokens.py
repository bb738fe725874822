"""The text of an expression cut into tokens: numbers, names, texts and signs.

Here stand the shapes of tokens, comments and line breaks, and the errors of what is no token at
all. What may follow what is the parser's.

Comments are `# ...` and `// ...` up to the end of the line and `/* ... */` over any number of
lines. A text stands in "...", '...' or “...”, the last as the published descriptions of the
operators print it.
"""

import re
import unicodedata
from typing import Literal, NamedTuple

from quant_assets.factors.expressions.errors import ExpressionError

Kind = Literal["number", "name", "text", "sign", "end"]

MAX_CHARACTERS = 100_000

_TOKEN = re.compile(
    r"""
      (?P<blank>[^\S\r\n]+)
    | (?P<line>[\r\n]+)
    | (?P<comment>(?:\#|//)[^\r\n]*|/\*[\s\S]*?\*/)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<text>"[^"\r\n]*"|'[^'\r\n]*'|“[^”\r\n]*”)
    | (?P<sign>/(?!\*)|\|\||&&|[=!<>]=|[-+*^<>=!?:;,()])
    """,
    re.VERBOSE,
)
_RUN_ON = re.compile(r"[A-Za-z0-9_.]+")
_LOOKALIKES = {
    "&": "&&",
    "|": "||",
    "[": "(",
    "]": ")",
    "{": "(",
    "}": ")",
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "*",
    "·": "*",
    "∗": "*",
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "‘": '"',
    "’": '"',
    "”": '"',
}


class Token(NamedTuple):
    """A token at text[start:stop]; new_line: the first of a line, outside all parentheses."""

    kind: Kind
    text: str
    start: int
    new_line: bool

    @property
    def stop(self) -> int:
        """The offset after its last character."""
        return self.start + len(self.text)


def tokenize(text: str) -> list[Token]:
    """The tokens in their order; the last one is an empty "end" just behind the last real token.

    Raises:
        ExpressionError: a character that belongs to no token, a number or a text that is not
            complete, a comment that is not closed, or more than MAX_CHARACTERS characters.
    """
    if len(text) > MAX_CHARACTERS:
        message = (
            f"an expression must have at most {MAX_CHARACTERS:,} characters, got {len(text):,}"
        )
        raise ExpressionError(text, MAX_CHARACTERS, 0, message)
    tokens: list[Token] = []
    at, parentheses, new_line = 0, 0, False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        found, shape = match.group(), match.lastgroup
        at = match.end()
        match shape:
            case "blank":
                continue
            case "line" | "comment":
                new_line = new_line or "\n" in found or "\r" in found
                continue
            case "number":
                _check_number(text, match.start(), at)
                kind: Kind = "number"
            case "name":
                kind = "name"
            case "text":
                kind = "text"
            case _:
                kind = "sign"
        tokens.append(Token(kind, found, match.start(), new_line and not parentheses))
        new_line = False
        if found == "(":
            parentheses += 1
        elif found == ")":
            parentheses -= 1
    tokens.append(Token("end", "", tokens[-1].stop if tokens else 0, False))
    return tokens


def _check_number(text: str, start: int, stop: int) -> None:
    """Refuse 5d, 1.2.3, 1e and what float64 cannot hold."""
    run_on = _RUN_ON.match(text, stop)
    if run_on:
        written = text[start : run_on.end()]
        message = f"expected a number such as 5, .5, 2.5 or 1e-3, got {written!r}"
        raise ExpressionError(text, start, len(written), message)
    written = text[start:stop]
    value = float(written)
    if value == float("inf") or (value == 0 and re.search("[1-9]", re.split("[eE]", written)[0])):
        message = f"the number {written} is out of the range of float64"
        raise ExpressionError(text, start, len(written), message)


def _unreadable(text: str, at: int) -> ExpressionError:
    """The error at a place where no token can begin."""
    if text.startswith("/*", at):
        return ExpressionError(text, at, 2, "this comment is never closed, expected '*/'")
    character = text[at]
    if character in "\"'“":
        closing = "”" if character == "“" else character
        message = f"this text is never closed, expected {closing} on the same line"
        return ExpressionError(text, at, 1, message)
    called = unicodedata.name(character, "")
    code = f"U+{ord(character):04X}"
    message = f"unexpected character {character!r} ({called + ', ' if called else ''}{code})"
    meant = _LOOKALIKES.get(character) or unicodedata.normalize("NFKC", character)
    plain = meant != character and meant.isascii() and meant.strip()
    return ExpressionError(text, at, 1, message, f"write {meant} instead" if plain else None)
