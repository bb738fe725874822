"""What is wrong with an expression, and the place of its text that is to blame.

Belongs here: the one error that reading, checking and binding of expressions raise, and how it
shows the place. What is right or wrong is decided where the error is raised.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable

from quant_assets.factors.expressions.tree import Spanned

_LINE_BREAK = re.compile(r"\r\n?|\n")
_SHOWN_BEFORE = 60  # characters of a long line that are shown on either side of the place
_SHOWN_AFTER = 40


class ExpressionError(ValueError):
    """An expression cannot be read, or means nothing.

    `text` is the whole expression, `position` the offset of the first character to blame, `length`
    the number of characters (0: the place between two characters), `message` says what is wrong and
    what was expected, `hint` what to write instead. `line` and `column` count from 1.
    """

    def __init__(
        self, text: str, position: int, length: int, message: str, hint: str | None = None
    ) -> None:
        super().__init__(text, position, length, message, hint)
        self.text = text
        self.position = position
        self.length = length
        self.message = message
        self.hint = hint
        breaks = [match.end() for match in _LINE_BREAK.finditer(text, 0, position)]
        self.line = len(breaks) + 1
        self.column = position - (breaks[-1] if breaks else 0) + 1

    def __str__(self) -> str:
        shown, carets = _excerpt(self.text, self.position, self.length)
        lines = [f"line {self.line}, column {self.column}: {self.message}", "  " + shown]
        lines.append("  " + carets)
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


def error_at(text: str, node: Spanned, message: str, hint: str | None = None) -> ExpressionError:
    """An error about a part of the tree that was read from `text`."""
    return ExpressionError(text, node.start, node.stop - node.start, message, hint)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint with the known names nearest to a misspelt one; None if none is near."""
    near = difflib.get_close_matches(name.lower(), sorted(known), n=3)
    return f"did you mean {' or '.join(near)}?" if near else None


def _excerpt(text: str, position: int, length: int) -> tuple[str, str]:
    """The line of the place, shortened if it is long, and the carets that go under it."""
    begin = max((match.end() for match in _LINE_BREAK.finditer(text, 0, position)), default=0)
    after = _LINE_BREAK.search(text, position)
    end = after.start() if after else len(text)
    stop = min(max(position + length, position + 1), max(end, position + 1))
    first, last = max(begin, position - _SHOWN_BEFORE), min(end, stop + _SHOWN_AFTER)
    head = "…" if first > begin else ""
    tail = "…" if last < end else ""
    before, blamed, rest = text[first:position], text[position:stop], text[stop:last]
    shown = head + _printable(before + blamed + rest) + tail
    return shown, " " * (len(head) + _columns(before)) + "^" * max(_columns(blamed), 1)


def _printable(text: str) -> str:
    """Tabs and control characters would move what follows them away from the carets."""
    return "".join(character if character.isprintable() else " " for character in text)


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes: Chinese characters take two, accents none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
