"""Formulas rewritten for a peer: whole windows, and calls in the words that mean what it computes.

Here stand changes of texts. Which peer reads what is in its own module of readings.
"""

from collections.abc import Callable, Mapping

from quant_assets.factors.expressions.operators.registry import operator
from quant_assets.factors.expressions.parser import parse
from quant_assets.factors.expressions.printing import to_text
from quant_assets.factors.expressions.tree import (
    Binary,
    Call,
    Conditional,
    Number,
    Spanned,
    Unary,
    walk,
)


def with_whole_windows(text: str, whole: Callable[[float], int]) -> str:
    """The text with every fractional window made whole; nothing else is changed."""
    windows = [
        argument
        for node in walk(parse(text))
        if isinstance(node, Call)
        for argument in _windows(node)
        if not argument.value.is_integer()
    ]
    for number in sorted(windows, key=lambda each: -each.start):
        text = text[: number.start] + str(whole(number.value)) + text[number.stop :]
    return text


def rewritten(text: str, templates: Mapping[str, str]) -> str:
    """The text with calls replaced: operator -> template, {0} and so on for its arguments."""
    program = parse(text)
    if program.statements:
        raise ValueError(f"a formula of one statement is expected. Got {text!r} instead.")
    return _say(program.value, templates)


def _windows(call: Call) -> list[Number]:
    pairs = zip(operator(call.key).parameters, call.arguments, strict=False)
    return [
        argument
        for parameter, argument in pairs
        if parameter.kind == "window" and isinstance(argument, Number)
    ]


def _say(node: Spanned, templates: Mapping[str, str]) -> str:
    match node:
        case Call():
            arguments = [_say(each, templates) for each in node.arguments]
            if node.key in templates:
                return f"({templates[node.key].format(*arguments)})"
            return f"{node.name}({', '.join(arguments)})"
        case Unary():
            return f"{node.sign}({_say(node.operand, templates)})"
        case Binary():
            left, right = _say(node.left, templates), _say(node.right, templates)
            return f"({left} {node.sign} {right})"
        case Conditional():
            parts = (_say(each, templates) for each in (node.condition, node.yes, node.no))
            return "({} ? {} : {})".format(*parts)
    return to_text(node)
