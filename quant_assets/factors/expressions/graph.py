"""The graph of a set of expressions: names bound to operators and fields, equal parts shared.

Here stand the nodes, how a tree becomes nodes, and what follows from a node without any data: its
look-back, its unit, its normal form. In which order and memory nodes are computed is plan.py's.
"""

import hashlib
import math
import operator as signs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from quant_assets.factors.expressions import binding, fields
from quant_assets.factors.expressions.errors import ExpressionError
from quant_assets.factors.expressions.operators.registry import Constants, Operator
from quant_assets.factors.expressions.operators.registry import operator as operator_of
from quant_assets.factors.expressions.units import Unit

# a op b is b op a, to the bit.
COMMUTATIVE = frozenset(
    {"add", "multiply", "min", "max", "equal", "not_equal", "and", "or", "ts_corr", "ts_covariance"}
)
# What is computed already where all arguments are constants.
_FOLDED: Mapping[str, Callable[..., float]] = {
    "add": signs.add,
    "subtract": signs.sub,
    "multiply": signs.mul,
    "divide": signs.truediv,
    "power": math.pow,
    "negate": signs.neg,
    "abs": abs,
    "sqrt": math.sqrt,
    "log": math.log,
    "exp": math.exp,
}
# f(f(x)) is f(x), to the bit.
IDEMPOTENT = frozenset({"rank", "abs", "sign"})


@dataclass(frozen=True)
class Node:
    """A value of every session and symbol: of a field, of an operator, or one constant.

    Exactly one of field, operator and value is set. `lookback` counts the sessions before the day
    that the node's value of the day depends on, through everything below it.
    """

    lookback: int
    unit: Unit | None
    group: bool = False
    field: str | None = None
    value: float | None = None
    operator: Operator | None = None
    arguments: tuple[int, ...] = ()
    constants: Constants = ()


def _written(node: Node, parts: Mapping[int, str]) -> list[str]:
    """The arguments of an operator's node in the order of its parameters, defaults left out."""
    assert node.operator is not None
    panels = [parts[k] for k in node.arguments]
    if node.operator.name in COMMUTATIVE:
        panels.sort()
    constants = iter(node.constants)
    written: list[str] = []
    for parameter in node.operator.parameters:
        if parameter.kind in ("panel", "group"):
            written.append(panels.pop(0))
            continue
        value = next(constants)
        if parameter.default is None:
            written.append(_number(value))
        elif value != parameter.default:
            written.append(f"{parameter.name}={_number(value)}")
    return [*written, *map(_number, constants)]


def _number(value: float) -> str:
    whole = value.is_integer() and 0 < abs(value) < 1e15
    return repr(int(value)) if whole else repr(value)


class Graph:
    """Nodes in an order in which arguments come before what reads them; equal nodes are one."""

    def __init__(self, definitions: Mapping[str, str] = fields.DEFINITIONS) -> None:
        """`definitions` are the derived fields: name -> expression; adv stands for adv{d}."""
        self.nodes: list[Node] = []
        self.definitions = dict(definitions)
        self._known: dict[tuple[object, ...], int] = {}
        self._fields: dict[str, int] = {}
        self._bound: set[str] = set()  # fields whose definition is being, or has been, bound

    def add(self, text: str) -> int:
        """The node of an expression.

        Raises:
            ExpressionError: the text is not an expression, names something unknown, or gives an
                operator what it does not take; it points at the place.
        """
        return binding.bind(self, text)

    def field(self, name: str) -> int:
        """The node of a field, by its canonical name; derived ones are bound by their definition.

        Raises:
            ExpressionError: the definition of the field is not a sound expression, or reads the
                field itself.
        """
        if name not in self._fields:
            text = fields.definition(name, self.definitions)
            if name in self._bound:
                message = f"the definition of {name!r} reads {name!r} itself"
                raise ExpressionError(text or name, 0, len(text or name), message)
            self._bound.add(name)
            self._fields[name] = self._read(name) if text is None else self.add(text)
        return self._fields[name]

    def constant(self, value: float) -> int:
        """The node of a number."""
        key = ("constant", value, math.copysign(1.0, value))
        return self._intern(key, Node(0, None, value=value))

    def apply(self, operator: Operator, arguments: Sequence[int], constants: Constants) -> int:
        """The node of an operator on nodes; folded where its value is known without data."""
        folded = self._simpler(operator, tuple(arguments), constants)
        if folded is not None:
            return folded
        ordered = tuple(sorted(arguments)) if operator.name in COMMUTATIVE else tuple(arguments)
        below = [self.nodes[k] for k in ordered]
        node = Node(
            operator.lookback(constants) + max(each.lookback for each in below),
            operator.unit(tuple(each.unit for each in below), constants),
            group=operator.name in binding.GROUPING,
            operator=operator,
            arguments=ordered,
            constants=constants,
        )
        return self._intern((operator.name, ordered, constants), node)

    def text(self, node: int) -> str:
        """The normal form: canonical names, every argument written, equal for equal nodes."""
        parts: dict[int, str] = {}
        for k in self.below([node]):
            each = self.nodes[k]
            if each.operator is None:
                parts[k] = each.field or _number(0.0 if each.value is None else each.value)
                continue
            parts[k] = f"{each.operator.name}({', '.join(_written(each, parts))})"
        return parts[node]

    def digest(self, node: int) -> str:
        """A short hash of the normal form: the same for formulas that mean the same."""
        return hashlib.sha256(self.text(node).encode()).hexdigest()[:16]

    def below(self, roots: Sequence[int]) -> list[int]:
        """The nodes that the roots depend on, themselves included, each after its arguments.

        Depth first, so that a value is used soon after it was made.
        """
        order: list[int] = []
        seen: set[int] = set()
        for root in roots:
            stack = [(root, False)]
            while stack:
                k, ready = stack.pop()
                if ready:
                    order.append(k)
                elif k not in seen:
                    seen.add(k)
                    stack.append((k, True))
                    stack.extend((a, False) for a in reversed(self.nodes[k].arguments))
        return order

    def fields_below(self, roots: Sequence[int]) -> list[str]:
        """The fields that must be brought for these nodes, sorted."""
        found = {self.nodes[k].field for k in self.below(roots)}
        return sorted(name for name in found if name is not None)

    def _read(self, name: str) -> int:
        known = fields.FIELDS[name]
        return self._intern(("field", name), Node(0, known.unit, known.group, field=name))

    def _intern(self, key: tuple[object, ...], node: Node) -> int:
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(node)
        return self._known[key]

    def _simpler(
        self, operator: Operator, arguments: tuple[int, ...], constants: Constants
    ) -> int | None:
        """A node known already that has the same bits as the operator's result, if there is."""
        values = [self.nodes[k].value for k in arguments]
        if operator.scope == "element" and all(value is not None for value in values):
            return self._folded(operator, [float(value or 0.0) for value in values], constants)
        inner = self.nodes[arguments[0]].operator
        if operator.name in IDEMPOTENT and inner is operator:
            if self.nodes[arguments[0]].constants == constants:
                return arguments[0]
        elif operator.name == "negate" and inner is operator:
            return self.nodes[arguments[0]].arguments[0]
        elif operator.name == "multiply" and not any(constants):
            return self._scaled(arguments, values)
        elif operator.name in ("divide", "power") and values[1] == 1.0:
            return arguments[0]
        return None

    def _scaled(self, arguments: tuple[int, ...], values: list[float | None]) -> int | None:
        for value, other in zip(values, reversed(arguments), strict=True):
            if value == 1.0:
                return other
            if value == -1.0:
                return self.apply(operator_of("negate"), [other], ())
        return None

    def _folded(self, operator: Operator, values: list[float], constants: Constants) -> int | None:
        try:
            value = _FOLDED[operator.name](*values)
        except (KeyError, ArithmeticError, ValueError):
            return None
        return self.constant(float(value)) if math.isfinite(value) else None
