"""Binding: what the names of a tree mean, and whether operators get what they take.

Here stands the way from a tree to nodes of the graph, with errors that point into the text. The
text's grammar is parser.py's, the nodes are graph.py's.
"""

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from quant_assets.factors.expressions import fields, tree
from quant_assets.factors.expressions.errors import ExpressionError, did_you_mean, error_at
from quant_assets.factors.expressions.operators.registry import (
    UNSUPPORTED,
    Operator,
    Parameter,
    UnknownOperatorError,
    operator,
)
from quant_assets.factors.expressions.parser import parse

if TYPE_CHECKING:
    from quant_assets.factors.expressions.graph import Graph

# What infix signs are written for.
INFIX = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "^": "power",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "==": "equal",
    "!=": "not_equal",
    "&&": "and",
    "||": "or",
}
# Operators whose result is a group.
GROUPING = frozenset({"bucket", "digitize", "densify", "group_cartesian_product"})
# Words that stand for numbers in BRAIN's keyword arguments.
WORDS = {"true": 1.0, "false": 0.0, "gaussian": 0.0, "cauchy": 1.0, "uniform": 2.0}


def bind(graph: "Graph", text: str) -> int:
    """The node of an expression's text; see Graph.add."""
    program = _parsed(text)
    binder = _Binder(graph, text)
    for statement in program.statements:
        binder.names[statement.key] = binder.node(statement.value)
    return binder.node(program.value)


# Markets share their libraries; trees are immutable.
_parsed = lru_cache(maxsize=4096)(parse)


class _Binder:
    """One text's way into the graph; `names` are its assignments so far."""

    def __init__(self, graph: "Graph", text: str) -> None:
        self.graph, self.text = graph, text
        self.names: dict[str, int] = {}

    def node(self, at: tree.Node) -> int:
        """The graph's node of a tree."""
        match at:
            case tree.Number():
                return self.graph.constant(at.value)
            case tree.Name():
                return self._name(at)
            case tree.Unary():
                return self._unary(at)
            case tree.Binary():
                infix = operator(INFIX[at.sign])
                panels = [
                    self._panel(infix, p, each)
                    for p, each in zip(infix.parameters, (at.left, at.right), strict=False)
                ]
                return self.graph.apply(infix, panels, _defaults(infix))
            case tree.Conditional():
                chosen = operator("if_else")
                parts = zip(chosen.parameters, (at.condition, at.yes, at.no), strict=True)
                return self.graph.apply(chosen, [self._panel(chosen, p, x) for p, x in parts], ())
            case tree.Call():
                return self._call(at)
            case _:
                raise self._error(at, "a text stands where a value must stand")

    def _error(self, at: tree.Node, message: str, hint: str | None = None) -> ExpressionError:
        return error_at(self.text, at, message, hint)

    def _name(self, at: tree.Name) -> int:
        if at.key in self.names:
            return self.names[at.key]
        if at.key in WORDS:
            return self.graph.constant(WORDS[at.key])
        field = fields.canonical(at.name)
        if field is None:
            hint = did_you_mean(at.name, [*fields.spellings(), *self.names])
            raise self._error(at, f"no field {at.name!r}", hint)
        return self.graph.field(field)

    def _unary(self, at: tree.Unary) -> int:
        if at.sign == "+":
            return self.node(at.operand)
        chosen = operator("negate" if at.sign == "-" else "not")
        return self.graph.apply(chosen, [self._panel(chosen, chosen.parameters[0], at.operand)], ())

    def _call(self, at: tree.Call) -> int:
        chosen = self._operator(at)
        if chosen.name in ("bucket", "digitize"):
            return self._bucketed(chosen, at)
        given = self._matched(chosen, at)
        panels: list[int] = []
        constants: list[float] = []
        for parameter in chosen.parameters:
            values = given.get(parameter.name, [])
            if parameter.kind in ("panel", "group"):
                if not values:
                    raise self._error(at, f"{at.name}: the argument {parameter.name!r} is missing")
                panels += [self._panel(chosen, parameter, each) for each in values]
            else:
                constants.append(self._constant(chosen, parameter, values, at))
        settings = tuple(constants)
        try:
            chosen.lookback(settings)
        except ValueError as error:  # constants that do not go together
            raise self._error(at, f"{at.name}: {error}") from None
        if not chosen.variadic:
            return self.graph.apply(chosen, panels, settings)
        result = panels[0]
        for each in panels[1:]:
            result = self.graph.apply(chosen, [result, each], settings)
        return result

    def _bucketed(self, chosen: Operator, at: tree.Call) -> int:
        """bucket(x, range="start,stop,step") and bucket(x, buckets="edge,edge,…"), as BRAIN has it.

        The numbers may also stand alone: bucket(x, start, stop, step), digitize(x, edge, edge, …).
        """
        texts = {each.key: each.value for each in at.keywords}
        wrong = next((each for each in at.keywords if each.key not in ("range", "buckets")), None)
        if wrong is not None or len(texts) > 1 or not at.arguments:
            form = 'bucket(x, range="start,stop,step") or bucket(x, buckets="edge,edge,…")'
            raise error_at(self.text, wrong or at, f"{at.name} does not take this", form)
        numbers = [
            self._constant(chosen, chosen.parameters[1], [each], at) for each in at.arguments[1:]
        ]
        for value in texts.values():
            if not isinstance(value, tree.Text):
                raise self._error(value, "the numbers must be a text, with commas between them")
            try:
                numbers += [float(part) for part in value.value.split(",")]
            except ValueError:
                raise self._error(value, "the text must be numbers with commas between") from None
        if "buckets" in texts:
            chosen = operator("digitize")
        if not numbers or (chosen.name == "bucket" and len(numbers) != 3):
            raise self._error(at, f"{at.name} needs start, stop and a step above 0, or edges")
        if chosen.name == "bucket":
            from quant_assets.factors.expressions.operators.groups import edges

            try:
                edges(*numbers)
            except ValueError as error:
                raise self._error(at, str(error)) from None
        panel = self._panel(chosen, chosen.parameters[0], at.arguments[0])
        return self.graph.apply(chosen, [panel], tuple(numbers))

    def _operator(self, at: tree.Call) -> Operator:
        try:
            return operator(at.name)
        except UnknownOperatorError as error:
            reason = UNSUPPORTED.get(at.key)
            if reason:
                raise self._error(at, f"{at.name} is not supported: {reason}") from None
            near = f"did you mean {' or '.join(error.near)}?" if error.near else None
            raise self._error(at, f"no operator {at.name!r}", near) from None

    def _matched(self, chosen: Operator, at: tree.Call) -> dict[str, list[tree.Node]]:
        """The arguments by the parameter they are for; a text of numbers fills several."""
        given: dict[str, list[tree.Node]] = {}
        positions = list(chosen.parameters)
        if chosen.variadic:
            panels = [p for p in positions if p.kind == "panel"]
            extra = len(at.arguments) - len(panels)
            positions = [*panels, *[panels[-1]] * extra]
        if len(at.arguments) > len(positions):
            most = len(positions)
            raise self._error(
                at.arguments[most],
                f"{at.name} takes {most} argument{'s' * (most != 1)}, "
                f"{len(at.arguments)} are given: {_signature(chosen)}",
            )
        for parameter, value in zip(positions, at.arguments, strict=False):
            given.setdefault(parameter.name, []).append(value)
        names = {p.name.lower(): p for p in chosen.parameters}
        for keyword in at.keywords:
            if keyword.key not in names:
                hint = did_you_mean(keyword.name, names) or _signature(chosen)
                raise error_at(
                    self.text, keyword, f"{at.name} has no argument {keyword.name!r}", hint
                )
            parameter = names[keyword.key]
            if parameter.name in given:
                raise error_at(self.text, keyword, f"{at.name}: {keyword.name!r} is given twice")
            given[parameter.name] = [keyword.value]
        return given

    def _panel(self, chosen: Operator, parameter: Parameter, at: tree.Node) -> int:
        node = self.node(at)
        group = self.graph.nodes[node].group
        if parameter.kind == "group" and not group:
            raise self._error(
                at,
                f"{chosen.name}: {parameter.name!r} must be a group "
                "(sector, industry, bucket(…), …)",
            )
        if parameter.kind == "panel" and group:  # codes have no order, and no number means one
            raise self._error(
                at, f"{chosen.name}: {parameter.name!r} must be numbers. Got a group instead"
            )
        return node

    def _constant(
        self, chosen: Operator, parameter: Parameter, values: list[tree.Node], call: tree.Call
    ) -> float:
        if not values:
            if parameter.default is None:
                raise self._error(
                    call,
                    f"{call.name}: the argument {parameter.name!r} is missing",
                    _signature(chosen),
                )
            return parameter.default
        at = values[0]
        value = self._number(at)
        what = "a number of sessions" if parameter.kind == "window" else "a number"
        if value is None:
            raise self._error(at, f"{call.name}: {parameter.name!r} must be {what}, not a series")
        if parameter.kind == "window":
            if value < 0:
                raise self._error(
                    at,
                    f"{call.name}: {parameter.name!r} must not be negative: "
                    "it would read the future",
                )
            value = float(math.floor(value))
        if parameter.minimum is not None and value < parameter.minimum:
            raise self._error(
                at, f"{call.name}: {parameter.name!r} must be at least {parameter.minimum:g}"
            )
        if parameter.maximum is not None and value > parameter.maximum:
            raise self._error(
                at, f"{call.name}: {parameter.name!r} must be at most {parameter.maximum:g}"
            )
        return value

    def _number(self, at: tree.Node) -> float | None:
        if isinstance(at, tree.Text):
            word = at.value.strip().lower()
            if word in WORDS:
                return WORDS[word]
            try:
                return float(word)
            except ValueError:
                raise self._error(
                    at, f"{at.value!r} is neither a number nor one of {', '.join(WORDS)}"
                ) from None
        return self.graph.nodes[self.node(at)].value


def _defaults(chosen: Operator) -> tuple[float, ...]:
    """The constants of an operator that is written as a sign."""
    kept = [p for p in chosen.parameters if p.kind in ("window", "number")]
    return tuple(float(p.default or 0.0) for p in kept)


def _signature(chosen: Operator) -> str:
    """The operator's form, as in ts_corr(x, y, d)."""
    parts = [p.name if p.default is None else f"{p.name}={p.default:g}" for p in chosen.parameters]
    more = ", …" if chosen.variadic else ""
    return f"{chosen.name}({', '.join(parts)}{more})"
