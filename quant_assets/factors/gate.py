"""The gate: what an expression must pass before it enters a library.

Here stand the steps and their verdict: it parses, it is typed, it does not know the future, it has
values, and it is not there already. The prefix test itself stands in point_in_time.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from quant_assets import compiled
from quant_assets.factors.catalogue import Catalogue
from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.errors import ExpressionError
from quant_assets.factors.expressions.graph import Graph
from quant_assets.factors.expressions.operators.registry import Array
from quant_assets.factors.expressions.plan import Plan, plan_of
from quant_assets.factors.expressions.units import Unit
from quant_assets.factors.market_fields import MarketFields
from quant_assets.factors.ordering import ascending
from quant_assets.factors.point_in_time import ROOM, compared, leaks, random_panel

# Signs and operators whose sides should be measured in the same unit.
_ALIKE = frozenset(
    {"add", "subtract", "min", "max", "less", "less_equal", "greater", "greater_equal", "if_else"}
)


@dataclass(frozen=True)
class Rules:
    """Bounds of the gate.

    Attributes:
        coverage: least share of the bars of the market's last sessions that have a value.
        correlation: from this mean absolute rank correlation on a factor counts as a copy.
        sessions: how many last sessions of the market are looked at, beyond the look-back.
    """

    coverage: float = 0.5
    correlation: float = 0.99
    sessions: int = 60


@dataclass(frozen=True)
class Finding:
    """What a step says; `passed` is None for a remark that decides nothing."""

    step: str
    passed: bool | None
    detail: str


@dataclass(frozen=True)
class Verdict:
    """All findings about an expression, in the order of the steps."""

    expression: str
    findings: tuple[Finding, ...]
    lookback: int | None = None
    normal_form: str | None = None

    @property
    def passed(self) -> bool:
        """Whether no step failed."""
        return all(finding.passed is not False for finding in self.findings)


@dataclass
class _Candidate:
    expression: str
    catalogue: Catalogue
    market: MarketFields | None
    rules: Rules
    graph: Graph
    node: int
    plan: Plan
    findings: list[Finding] = field(default_factory=list)

    def note(self, step: str, passed: bool | None, detail: str) -> None:
        self.findings.append(Finding(step, passed, detail))


def judge(
    expression: str,
    catalogue: Catalogue,
    market: MarketFields | None = None,
    rules: Rules | None = None,
) -> Verdict:
    """Put an expression through the gate.

    Args:
        expression: its text.
        catalogue: the libraries that it must not repeat, with the definitions of derived fields.
        market: real data, the more sessions the better: the look-back and `rules.sessions` are
            used. Without it what needs real data is left out, and said so.
        rules: bounds; by default `Rules()`.

    Returns:
        A finding for each step: syntax and types; units (a remark); future, by the prefix test on
        a made-up and on the real market; coverage; duplicates, by normal form and by values. After
        a failure in syntax or types nothing else can be asked.
    """
    compiled.warm_up_all()
    graph = Graph(catalogue.definitions)
    try:
        node = graph.add(expression)
        chosen = plan_of(graph, ("candidate",), (node,))
    except ExpressionError as error:
        return Verdict(expression, (Finding("syntax and types", False, str(error)),))
    if not chosen.fields:
        finding = Finding(
            "syntax and types", False, "the expression reads no field: it is constant"
        )
        return Verdict(expression, (finding,))
    candidate = _Candidate(expression, catalogue, market, rules or Rules(), graph, node, chosen)
    candidate.note("syntax and types", True, f"reads {', '.join(chosen.fields)}")
    steps: tuple[Callable[[_Candidate], None], ...] = (
        _units,
        _future,
        _future_of_market,
        _coverage,
        _same_form,
        _same_values,
    )
    for step in steps:
        step(candidate)
    return Verdict(expression, tuple(candidate.findings), chosen.lookback, graph.text(node))


def _units(candidate: _Candidate) -> None:
    """Sums and comparisons of different units are suspicious, but published formulas have them."""
    nodes = candidate.graph.nodes
    odd = []
    for k in candidate.graph.below([candidate.node]):
        node = nodes[k]
        if node.operator is None or node.operator.name not in _ALIKE:
            continue
        sides = node.arguments[1:] if node.operator.name == "if_else" else node.arguments
        units = {nodes[a].unit for a in sides} - {None}
        if len(units) > 1:
            odd.append(f"{node.operator.name} of {' and '.join(sorted(map(_unit, units)))}")
    detail = "; ".join(dict.fromkeys(odd)) or "agree"
    candidate.note("units", None if odd else True, detail)


def _unit(unit: Unit | None) -> str:
    names = {(0.0, 0.0): "a pure number", (1.0, 0.0): "a price", (0.0, 1.0): "shares"}
    names[(1.0, 1.0)] = "money"
    assert unit is not None
    return names.get((unit.price, unit.shares), f"price^{unit.price:g} shares^{unit.shares:g}")


def _future(candidate: _Candidate) -> None:
    panel = random_panel(candidate.plan.lookback + ROOM)
    _prefix(candidate, "future, made-up market", panel)


def _future_of_market(candidate: _Candidate) -> None:
    step = "future, real market"
    if candidate.market is None:
        candidate.note(step, None, "left out: no market was given")
        return
    panel = _last(candidate, ROOM)
    if len(next(iter(panel.values()))) <= candidate.plan.lookback + 2:
        candidate.note(step, None, "left out: the market has fewer sessions than the look-back")
        return
    _prefix(candidate, step, panel)


def _prefix(candidate: _Candidate, step: str, panel: dict[str, Array]) -> None:
    data = {name: panel[name] for name in candidate.plan.fields}
    found = leaks(candidate.plan, data)
    if found:
        candidate.note(step, False, str(found[0]))
    elif compared(candidate.plan, data)["candidate"] == 0.0:
        candidate.note(step, False, "it has no value at all beyond its look-back")
    else:
        candidate.note(step, True, f"bits hold with a look-back of {candidate.plan.lookback}")


def _coverage(candidate: _Candidate) -> None:
    if candidate.market is None:
        candidate.note("coverage", None, "left out: no market was given")
        return
    absent = sorted(set(candidate.market.absent) & set(candidate.plan.fields))
    values = _values(candidate, candidate.plan)[0]
    present = candidate.market.present[-len(values) :]
    share = float(np.isfinite(values[present]).mean()) if present.any() else 0.0
    detail = f"{share:.1%} of the bars of {len(values)} sessions have a value"
    if absent:
        detail += f"; the market has no {', '.join(absent)}"
    candidate.note("coverage", share >= candidate.rules.coverage, detail)


def _same_form(candidate: _Candidate) -> None:
    for library in candidate.catalogue.names:
        for factor in candidate.catalogue.library(library).factors:
            if candidate.graph.add(factor.formula) == candidate.node:
                candidate.note("duplicate by form", False, f"it is {factor.name} of {library}")
                return
    candidate.note("duplicate by form", True, "no factor has this normal form")


def _same_values(candidate: _Candidate) -> None:
    step = "duplicate by values"
    if candidate.market is None:
        candidate.note(step, None, "left out: no market was given")
        return
    mine = _ranks(_values(candidate, candidate.plan)[0])
    best, name = 0.0, ""
    for library in candidate.catalogue.names:
        factors = candidate.catalogue.library(library).expressions
        outputs = tuple(candidate.graph.add(text) for text in factors.values())
        others = _values(candidate, plan_of(candidate.graph, tuple(factors), outputs))
        for other, values in zip(factors, others, strict=True):
            likeness = _likeness(mine, _ranks(values))
            if likeness > best:
                best, name = likeness, other
    detail = f"nearest is {name}: mean absolute rank correlation {best:.3f}" if name else "none"
    candidate.note(step, best < candidate.rules.correlation, detail)


def _last(candidate: _Candidate, sessions: int) -> dict[str, Array]:
    assert candidate.market is not None
    rows = candidate.plan.lookback + sessions
    return {name: candidate.market.fields[name][-rows:] for name in candidate.plan.fields}


def _values(candidate: _Candidate, chosen: Plan) -> Array:
    """Results over the last sessions of the market, (results, sessions, N)."""
    assert candidate.market is not None
    data = {name: candidate.market.fields[name] for name in chosen.fields}
    rows = len(candidate.market.dates)
    return compute(chosen, data, first=max(rows - candidate.rules.sessions, 0))


def _ranks(values: Array) -> Array:
    """Places of the values among those of the day, centred and scaled to length 1; 0 if missing."""
    order = ascending(values)
    ranks = np.zeros(values.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, values.shape[1] + 1.0)[None, :], axis=1)
    known = np.isfinite(values)
    ranks[~known] = 0.0
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    ranks = np.where(known, ranks - ranks.sum(axis=1, keepdims=True) / count, 0.0)
    length = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    return ranks / np.where(length > 0, length, 1.0)


def _likeness(mine: Array, other: Array) -> float:
    """Mean over days of the absolute rank correlation."""
    return float(np.abs((mine * other).sum(axis=1)).mean())
