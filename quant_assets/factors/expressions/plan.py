"""The plan of a set of expressions: tasks in order, what each keeps, how far back each is needed.

Here stands what can be known before any data: order, look-backs, memory. engine.py carries it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from quant_assets.factors.expressions import fields
from quant_assets.factors.expressions.graph import Graph
from quant_assets.factors.expressions.task import Task

_BYTES = 8  # of a value


@dataclass(frozen=True)
class Plan:
    """How a set of expressions is computed.

    Attributes:
        graph: the nodes.
        names: of the results, in order.
        outputs: the node of each result.
        tasks: in an order in which everything is made before it is read.
        after: for each task, how often each later task waits for it, by place.
        fields: what must be brought.
        need: for each node but those of chains, how many rows before the first wanted one it is
            computed on.
        halo: for each node, how many of its rows are kept for the rows after them.
        lookback: sessions before a day that the results of the day depend on, exactly.
    """

    graph: Graph
    names: tuple[str, ...]
    outputs: tuple[int, ...]
    tasks: tuple[Task, ...]
    after: tuple[tuple[int, ...], ...]
    fields: tuple[str, ...]
    need: dict[int, int] = field(repr=False)
    halo: dict[int, int] = field(repr=False)

    @property
    def lookback(self) -> int:
        """The largest look-back of the results; see `lookbacks` for each."""
        return max((self.graph.nodes[k].lookback for k in self.outputs), default=0)

    @property
    def lookbacks(self) -> dict[str, int]:
        """The look-back of each result."""
        nodes = self.graph.nodes
        return {n: nodes[k].lookback for n, k in zip(self.names, self.outputs, strict=True)}

    def rows_within(self, memory: int, symbols: int, preferred: int) -> int:
        """Rows of a block, at least one, so that a computation holds about `memory` bytes at most.

        Kept rows are counted first; results are not, for they are the caller's.
        """
        row = _BYTES * max(symbols, 1)
        kept = sum(self.halo.values())
        arrays = len(self.halo) + self._live
        return max(1, min(preferred, (memory // row - kept) // max(arrays, 1)))

    @cached_property
    def _live(self) -> int:
        """Most values that are not kept and alive at once, when tasks run in order."""
        waiting = [len(each) for each in self.after]
        size = [sum(k not in self.halo for k in task.nodes) for task in self.tasks]
        most = alive = 0
        for place, task in enumerate(self.tasks):
            alive += size[place]
            most = max(most, alive)
            for earlier in task.before:
                waiting[earlier] -= 1
                alive -= size[earlier] * (waiting[earlier] == 0)
            alive -= size[place] * (waiting[place] == 0)
        return most


def plan(
    expressions: Mapping[str, str], definitions: Mapping[str, str] = fields.DEFINITIONS
) -> Plan:
    """The plan of named expressions.

    Args:
        expressions: name -> text; the results keep this order.
        definitions: derived fields, name -> text; see fields.DEFINITIONS.

    Raises:
        ExpressionError: a text is not a sound expression, or is one constant.
    """
    graph = Graph(definitions)
    outputs = tuple(graph.add(text) for text in expressions.values())
    return plan_of(graph, tuple(expressions), outputs)


def plan_of(graph: Graph, names: tuple[str, ...], outputs: tuple[int, ...]) -> Plan:
    """The plan of nodes of a graph."""
    tasks = _tasks(graph, outputs)
    need, halo = _needs(tasks, outputs)
    after: list[list[int]] = [[] for _ in tasks]
    for place, task in enumerate(tasks):
        for earlier in task.before:
            after[earlier].append(place)
    return Plan(
        graph,
        names,
        outputs,
        tuple(tasks),
        tuple(tuple(each) for each in after),
        tuple(graph.fields_below(outputs)),
        need,
        halo,
    )


def _tasks(graph: Graph, outputs: tuple[int, ...]) -> list[Task]:
    groups = _together(graph, outputs)
    tasks: list[Task] = []
    made_by: dict[int, int] = {}
    for chain, nodes in _chained(graph, groups, outputs):
        read = (a for k in (*chain, nodes[0]) for a in graph.nodes[k].arguments)
        arguments = tuple(dict.fromkeys(a for a in read if a not in chain))
        before = {made_by[a] for a in arguments if a in made_by}
        made_by.update(dict.fromkeys(nodes, len(tasks)))
        tasks.append(Task(graph, nodes, chain, arguments, tuple(sorted(before))))
    return tasks


def _together(graph: Graph, outputs: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The nodes of operators, joint ones together, by their first; all have the same arguments."""
    groups: dict[object, list[int]] = {}
    for k in graph.below(outputs):
        if graph.nodes[k].operator is not None:
            groups.setdefault(_shared(graph, k), []).append(k)
    return [tuple(nodes) for nodes in groups.values()]


def _chained(
    graph: Graph, groups: list[tuple[int, ...]], outputs: tuple[int, ...]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(chain, nodes) of each task: nodes by value go where their only reader, by value too, is."""
    readers: dict[int, set[int]] = {}
    for place, nodes in enumerate(groups):
        for argument in graph.nodes[nodes[0]].arguments:
            readers.setdefault(argument, set()).add(place)
    parts: dict[int, list[int]] = {}
    goes_to = list(range(len(groups)))
    for place in reversed(range(len(groups))):  # readers before what they read
        node, reading = groups[place][0], readers.get(groups[place][0], set())
        if _by_value(graph, node) and node not in outputs and len(reading) == 1:
            (reader,) = reading
            if _by_value(graph, groups[reader][0]):
                goes_to[place] = goes_to[reader]
        parts.setdefault(goes_to[place], []).append(place)
    return [
        (tuple(groups[part][0] for part in reversed(parts[place][1:])), groups[place])
        for place in sorted(parts)
    ]


def _by_value(graph: Graph, k: int) -> bool:
    operator = graph.nodes[k].operator
    return operator is not None and operator.scope == "element"


def _shared(graph: Graph, k: int) -> object:
    """Equal for nodes that one joint computation makes."""
    node = graph.nodes[k]
    assert node.operator is not None
    if node.operator.joint is None:
        return k
    return node.operator.joint.name, node.arguments, node.constants[:1]


def _needs(tasks: list[Task], outputs: tuple[int, ...]) -> tuple[dict[int, int], dict[int, int]]:
    need: dict[int, int] = dict.fromkeys(outputs, 0)
    halo: dict[int, int] = {}
    for task in reversed(tasks):
        most = max(need.get(k, 0) for k in task.nodes)
        need.update(dict.fromkeys(task.nodes, most))
        for argument in task.arguments:
            need[argument] = max(need.get(argument, 0), most + task.lookback)
            if task.lookback:
                halo[argument] = max(halo.get(argument, 0), task.lookback)
    return need, halo
