"""A task of a plan: nodes that are computed together, and how arrays become their arrays.

Here stands what is known of a task once for all blocks, and how a chain of operators by value goes
through pieces that stay in the cache. Which tasks there are is plan.py's matter, where arrays lie
engine.py's.
"""

from collections.abc import Sequence

import numpy as np

from quant_assets.factors.expressions.graph import Graph
from quant_assets.factors.expressions.operators.registry import (
    Array,
    Compute,
    Constants,
    Operator,
    Wanted,
)

# A piece of a chain: it and what it is computed from stay in the second-level cache of a core.
_PIECE_BYTES = 1 << 18


class Task:
    """Nodes that are computed together: one, or several of one joint computation.

    Attributes:
        nodes: their places in the graph.
        arguments: the nodes that they read, each once; joint nodes read the same.
        before: the tasks that must be done before, by their place in the plan.
        lookback: rows before its own that it reads of its arguments.
        whole: whether its inputs must have all rows, be they constants.
    """

    def __init__(
        self,
        graph: Graph,
        nodes: tuple[int, ...],
        chain: tuple[int, ...],
        arguments: tuple[int, ...],
        before: tuple[int, ...],
    ) -> None:
        """`chain`: nodes of operators by value that nothing but this task reads, in order.

        They are computed on the way to its one node, a piece at a time, and never stand whole.
        """
        self.nodes, self.arguments, self.before = nodes, arguments, before
        operators = [_operator(graph, k) for k in nodes]
        constants = [graph.nodes[k].constants for k in nodes]
        self.lookback = max(o.lookback(c) for o, c in zip(operators, constants, strict=True))
        self.whole = operators[0].scope != "element"
        self._joint = operators[0].joint if len(nodes) > 1 else None
        self._wanted = [(o.name, c) for o, c in zip(operators, constants, strict=True)]
        self._program, self._registers = _program(graph, arguments, chain, nodes)

    def compute(self, inputs: Sequence[Array], past: int, outs: Sequence[Array]) -> None:
        """Write the rows of the nodes.

        Args:
            inputs: of the arguments in order; see registry.Operator for their shapes.
            past: rows of the inputs before the first row of the results.
            outs: of the nodes in order, C-contiguous.
        """
        if self._joint:
            wanted = [Wanted(*each, out) for each, out in zip(self._wanted, outs, strict=True)]
            self._joint.compute(wanted, inputs, past)
        elif not self._registers:
            for (compute, constants, sources, _), out in zip(self._program, outs, strict=True):
                compute([inputs[source] for source in sources], constants, past, out)
        else:
            self._by_pieces(inputs, outs[0])

    def _by_pieces(self, inputs: Sequence[Array], out: Array) -> None:
        rows, symbols = out.shape
        most = max(_PIECE_BYTES // (8 * max(symbols, 1)), 1)
        room = np.empty((self._registers, min(most, rows), symbols))
        for start in range(0, rows, most):
            stop = min(start + most, rows)
            values = [each if len(each) == 1 else each[start:stop] for each in inputs]
            values += [each[: stop - start] for each in room]
            values.append(out[start:stop])
            for compute, constants, sources, target in self._program:
                compute([values[source] for source in sources], constants, 0, values[target])


_Instruction = tuple[Compute, Constants, tuple[int, ...], int]


def _program(
    graph: Graph, arguments: tuple[int, ...], chain: tuple[int, ...], nodes: tuple[int, ...]
) -> tuple[list[_Instruction], int]:
    """What to compute from which values, and how many registers that takes.

    The values of a piece are numbered: inputs, then registers, then the result. A register is free
    again when its only reader has read it.
    """
    places = {k: place for place, k in enumerate(arguments)}
    free: list[int] = []
    registers = 0
    program: list[_Instruction] = []
    for k in (*chain, *nodes):
        node = graph.nodes[k]
        sources = tuple(places[argument] for argument in node.arguments)
        target = -1
        if k in chain:
            if not free:
                free.append(len(arguments) + registers)
                registers += 1
            target = places[k] = free.pop()
        free += {places[argument] for argument in node.arguments if argument in chain}
        program.append((_operator(graph, k).compute, node.constants, sources, target))
    return program, registers


def _operator(graph: Graph, k: int) -> Operator:
    found = graph.nodes[k].operator
    assert found is not None
    return found
