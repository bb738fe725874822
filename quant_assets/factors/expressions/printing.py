"""The text of a tree, with no more parentheses than it needs.

parse(to_text(tree)) == tree for every tree, and to_text gives one text for equal trees: it can
serve as the normal form of the notation. Comments and line breaks of the text that a tree was read
from are not kept; the spelling of names is.
"""

from quant_assets.factors.expressions.precedence import (
    CONDITIONAL,
    LEVELS,
    OPERAND,
    OR,
    UNARY,
    operand_levels,
)
from quant_assets.factors.expressions.tree import (
    Assignment,
    Binary,
    Call,
    Conditional,
    Keyword,
    Name,
    Number,
    Program,
    Spanned,
    Text,
    Unary,
)

_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"))


def to_text(tree: Spanned) -> str:
    """The tree as text: an expression on one line, a program with a line for each statement."""
    match tree:
        case Program():
            return ";\n".join(to_text(part) for part in (*tree.statements, tree.value))
        case Assignment():
            return f"{tree.name} = {to_text(tree.value)}"
        case Keyword():
            return f"{tree.name}={to_text(tree.value)}"
        case Number():
            return repr(tree.value).removesuffix(".0")
        case Text():
            opening, closing = next(pair for pair in _QUOTES if pair[1] not in tree.value)
            return opening + tree.value + closing
        case Name():
            return tree.name
        case Call():
            return f"{tree.name}({', '.join(map(to_text, (*tree.arguments, *tree.keywords)))})"
        case Unary():
            return tree.sign + _within(tree.operand, UNARY)
        case Binary():
            left, right = operand_levels(tree.sign)
            return f"{_within(tree.left, left)} {tree.sign} {_within(tree.right, right)}"
        case Conditional():
            condition = _within(tree.condition, OR)
            return f"{condition} ? {to_text(tree.yes)} : {to_text(tree.no)}"
    raise TypeError(f"expected a part of a tree, got {type(tree).__name__}")


def _within(tree: Spanned, loosest: int) -> str:
    """The text, in parentheses if it binds more loosely than its place allows."""
    return to_text(tree) if _level(tree) >= loosest else f"({to_text(tree)})"


def _level(tree: Spanned) -> int:
    match tree:
        case Conditional():
            return CONDITIONAL
        case Binary():
            return LEVELS[tree.sign]
        case Unary():
            return UNARY
    return OPERAND
