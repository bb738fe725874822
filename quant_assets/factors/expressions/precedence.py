"""How tightly signs bind: the one table that reading and printing share.

From loose to tight, each level binding its operands more tightly than the one above it:

| level | signs | chains |
| --- | --- | --- |
| CONDITIONAL | condition ? yes : no | to the right: a ? b : c ? d : e is a ? b : (c ? d : e) |
| OR | || or | to the left |
| AND | && and | to the left |
| EQUALITY | == != | refused: a == b == c has no one meaning |
| ORDER | < <= > >= | refused: a < b < c has no one meaning |
| SUM | + - | to the left |
| PRODUCT | * / | to the left |
| UNARY | - ! + before an operand, and the word not | |
| POWER | ^ | to the right: a ^ b ^ c is a ^ (b ^ c) |
| OPERAND | numbers, names, texts, calls, parentheses | |

So -x^2 is -(x^2), 2^-x is 2^(-x), and !a == b is (!a) == b, as in C.
"""

from quant_assets.factors.expressions.tree import BinarySign, UnarySign

CONDITIONAL, OR, AND, EQUALITY, ORDER, SUM, PRODUCT, UNARY, POWER, OPERAND = range(10)

LEVELS: dict[BinarySign, int] = {
    "||": OR,
    "&&": AND,
    "==": EQUALITY,
    "!=": EQUALITY,
    "<": ORDER,
    "<=": ORDER,
    ">": ORDER,
    ">=": ORDER,
    "+": SUM,
    "-": SUM,
    "*": PRODUCT,
    "/": PRODUCT,
    "^": POWER,
}

UNCHAINED = frozenset({EQUALITY, ORDER})
"""Levels whose signs do not follow one another without parentheses."""

BINARY_SPELLINGS: dict[str, BinarySign] = {
    **{sign: sign for sign in LEVELS},
    "and": "&&",
    "or": "||",
}
UNARY_SPELLINGS: dict[str, UnarySign] = {"-": "-", "!": "!", "+": "+", "not": "!"}


def operand_levels(sign: BinarySign) -> tuple[int, int]:
    """The loosest levels that may stand on the left and on the right without parentheses."""
    level = LEVELS[sign]
    if level == POWER:
        return OPERAND, UNARY
    return (level + 1 if level in UNCHAINED else level), level + 1
