"""The tree of an expression: what was written, before any name has a meaning.

Here stand the nodes, what makes a node well formed, and how to walk over them. Text becomes a tree
in parser.py and a tree becomes text in printing.py; operators and fields get their meaning in the
binding. Nodes are immutable and can be dictionary keys. Two nodes are equal if they say the same,
wherever they stood in the text.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

UnarySign = Literal["-", "!", "+"]
BinarySign = Literal["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "^"]

MAX_LEVELS = 100
"""How many nodes may stand one inside the other.

The published formulas need 20 at most; with this bound whatever works on a tree may use recursion.
"""

WORDS = frozenset({"and", "or", "not"})
"""Names that are signs unless an opening parenthesis follows."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_UNARY_SIGNS: tuple[str, ...] = get_args(UnarySign)
_BINARY_SIGNS: tuple[str, ...] = get_args(BinarySign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spanned:
    """Something that stands in the text from `start` up to `stop`; equality does not look there."""

    start: int = field(default=0, compare=False, repr=False)
    stop: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Spanned):
    """An expression. `height` counts the levels of nodes in it, itself included.

    Raises:
        ValueError: it is not well formed, or has more than MAX_LEVELS levels.
    """

    height: int = field(init=False, default=1, compare=False, repr=False)

    def _stand_on(self, *parts: "Node") -> None:
        """Set the height from the nodes inside this one."""
        height = height_over(*parts)
        if height > MAX_LEVELS:
            raise ValueError(f"a tree must have at most {MAX_LEVELS} levels. Got {height} instead.")
        object.__setattr__(self, "height", height)


class Named:
    """Something with a name."""

    __slots__ = ()
    name: str

    @property
    def key(self) -> str:
        """The name in lower case: names are the same in any case."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number as written: finite and without a sign; -1 is Unary("-", Number(1.0))."""

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or math.copysign(1.0, self.value) < 0:
            raise ValueError(
                f"a Number must be finite and must not be negative. Got {self.value!r} instead."
            )
        object.__setattr__(self, "value", float(self.value))


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A quoted text, as in range="0,1,0.1". It stands on one line; its quotes do not belong to it.

    There is no escape: a text has the sort of quotes that does not occur in it.
    """

    value: str

    def __post_init__(self) -> None:
        breaks = "\n" in self.value or "\r" in self.value
        if breaks or all(closing in self.value for closing in "\"'”"):
            raise ValueError(
                "a Text must stand on one line and leave one sort of quotes unused. "
                f"Got {self.value!r} instead."
            )


@dataclass(frozen=True, slots=True)
class Name(Named, Node):
    """The name of a field, a group or an assigned value, as written; dots may be part of it."""

    name: str

    def __post_init__(self) -> None:
        _check_name(self.name, dots=True, words=False)


@dataclass(frozen=True, slots=True)
class Keyword(Named, Spanned):
    """An argument that is given by name: std=4."""

    name: str
    value: Node

    def __post_init__(self) -> None:
        _check_name(self.name, dots=False, words=False)


@dataclass(frozen=True, slots=True)
class Call(Named, Node):
    """An operator with its arguments: those by position, then those by name."""

    name: str
    arguments: tuple[Node, ...] = ()
    keywords: tuple[Keyword, ...] = ()

    def __post_init__(self) -> None:
        _check_name(self.name, dots=True, words=True)
        if len({keyword.key for keyword in self.keywords}) < len(self.keywords):
            raise ValueError(f"the keywords of {self.name} must differ in their names.")
        self._stand_on(*self.arguments, *(keyword.value for keyword in self.keywords))


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """A sign before an expression. The word `not` is read as "!"."""

    sign: UnarySign
    operand: Node

    def __post_init__(self) -> None:
        _check_sign(self.sign, _UNARY_SIGNS, "Unary")
        self._stand_on(self.operand)


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """A sign between two expressions. The words `and` and `or` are read as "&&" and "||"."""

    sign: BinarySign
    left: Node
    right: Node

    def __post_init__(self) -> None:
        _check_sign(self.sign, _BINARY_SIGNS, "Binary")
        self._stand_on(self.left, self.right)


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """condition ? yes : no."""

    condition: Node
    yes: Node
    no: Node

    def __post_init__(self) -> None:
        self._stand_on(self.condition, self.yes, self.no)


@dataclass(frozen=True, slots=True)
class Assignment(Named, Spanned):
    """A name for a value; the statements after it mean that value by the name."""

    name: str
    value: Node

    def __post_init__(self) -> None:
        _check_name(self.name, dots=False, words=False)


@dataclass(frozen=True, slots=True)
class Program(Spanned):
    """Assignments in their order, and the expression that is the value of the whole."""

    statements: tuple[Assignment, ...]
    value: Node


def number(value: float) -> Node:
    """The tree that is read from a number that may be negative."""
    if math.copysign(1.0, value) < 0:
        return Unary("-", Number(-value))
    return Number(value)


def height_over(*parts: Node) -> int:
    """The height of a node that holds these."""
    return 1 + max((part.height for part in parts), default=0)


def children(node: Spanned) -> tuple[Spanned, ...]:
    """What stands directly inside, in the order of the text; of a keyword only its value."""
    match node:
        case Call():
            return *node.arguments, *(keyword.value for keyword in node.keywords)
        case Unary():
            return (node.operand,)
        case Binary():
            return node.left, node.right
        case Conditional():
            return node.condition, node.yes, node.no
        case Assignment() | Keyword():
            return (node.value,)
        case Program():
            return *node.statements, node.value
    return ()


def walk(node: Spanned) -> Iterator[Spanned]:
    """The node and all that stands inside, each before what it holds, in the order of the text."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def _check_name(name: str, dots: bool, words: bool) -> None:
    fits = _NAME.fullmatch(name) and (dots or "." not in name)
    if not fits or (not words and name.lower() in WORDS):
        allowed = "letters, digits and _, must not begin with a digit"
        raise ValueError(
            f"a name must consist of {allowed}{', may have dots inside' if dots else ''}"
            f"{'' if words else ' and must not be and, or, not'}. Got {name!r} instead."
        )


def _check_sign(sign: str, allowed: tuple[str, ...], kind: str) -> None:
    if sign not in allowed:
        raise ValueError(
            f"the sign of a {kind} must be one of {' '.join(allowed)}. Got {sign!r} instead."
        )
