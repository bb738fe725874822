"""Results of ours held against a peer's, factor by factor, with the reasons where they differ.

A factor agrees as printed; or agrees once ours is computed from the formula as the peer reads it;
or is alike where last digits decide: where values that are equal but for them are ranked, what is
ranked must agree. Anything else is a disagreement. Here stand the comparison and the table; what
each peer reads otherwise is in its module of readings.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.fields import DEFINITIONS
from quant_assets.factors.expressions.plan import plan
from quant_assets_tests.benchmarks.peers.rewriting import rewritten, with_whole_windows

Array = np.ndarray[Any, np.dtype[np.float64]]

# A factor agrees if this share of the values that both define does: a rank jumps where two values
# are equal but for their last digit, and a comparison flips.
SHARE = 0.999
# Over less than this share of the settled values nothing agrees: what is left out says nothing.
LEAST_DEFINED = 0.3


@dataclass(frozen=True)
class Difference:
    """Where a peer computes a factor otherwise than it is printed.

    Attributes:
        reason: in words.
        formula: what it computes, in our notation; None: the printed formula, in its words.
        like: the least correlation with the peer's where last digits decide; None: they do not.
        ranked: what is ranked by them, in our notation; None: nothing is.
        tolerance: of the comparison, where the peer has fewer digits.
    """

    reason: str
    formula: str | None = None
    like: float | None = None
    ranked: str | None = None
    tolerance: float = 0.0


@dataclass(frozen=True)
class Readings:
    """How a peer reads a library.

    Attributes:
        reason: what holds for all its factors.
        whole: what it makes of a window that is not whole.
        templates: operator -> what it computes for it, in our notation.
        definitions: derived fields as it defines them; see fields.DEFINITIONS.
        differences: factor -> what is particular to it.
        undefined: factor -> why the peer has no value at all.
    """

    reason: str
    whole: Callable[[float], int] = int
    templates: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=lambda: dict(DEFINITIONS))
    differences: Mapping[str, Difference] = field(default_factory=dict)
    undefined: Mapping[str, str] = field(default_factory=dict)

    def formula(self, name: str, printed: str) -> str:
        """What it computes for a factor, in our notation."""
        difference = self.differences.get(name)
        return self._words(difference.formula if difference and difference.formula else printed)

    def ranked(self, name: str) -> str | None:
        """What it ranks by its last digits for a factor, in our notation."""
        difference = self.differences.get(name)
        return self._words(difference.ranked) if difference and difference.ranked else None

    def of(self, name: str) -> Difference:
        """What is particular to a factor, or what holds for all."""
        return self.differences.get(name) or Difference(self.reason)

    def _words(self, text: str) -> str:
        return rewritten(with_whole_windows(text, self.whole), self.templates)


@dataclass(frozen=True)
class Verdict:
    """One factor.

    Attributes:
        name: of the factor.
        agrees: False if nothing explains the difference.
        how: "as printed", "in its reading", "alike", "not defined", "differs".
        share: of the values that both define, how much agrees in its reading.
        printed: the same for the printed formula.
        defined: the share of the settled values that both define.
        reason: why it differs from the print; empty if it does not.
    """

    name: str
    agrees: bool
    how: str
    share: float
    printed: float
    defined: float
    reason: str = ""


class Comparison:
    """One input, our results for the printed formulas, and how closely to look."""

    def __init__(
        self,
        readings: Readings,
        formulas: Mapping[str, str],
        fields: Mapping[str, Array],
        ours: Mapping[str, Array],
        tolerance: float = 1e-9,
        share: float = SHARE,
    ) -> None:
        """`tolerance` is relative to the larger value and to 1; `share` as SHARE."""
        self.readings, self.formulas, self.fields, self.ours = readings, formulas, fields, ours
        self.tolerance, self.share = tolerance, share
        self.settled = dict(plan(formulas, readings.definitions).lookbacks)

    def verdicts(
        self, theirs: Mapping[str, Array], ranked: Mapping[str, Array] | None = None
    ) -> list[Verdict]:
        """Every factor that the peer has too.

        Args:
            theirs: factor -> the peer's result.
            ranked: factor -> the peer's values of Difference.ranked, as far as it has them.
        """
        both = {name: self.ours[name] for name in self.formulas if name in theirs}
        printed = {
            name: agreeing(ours, theirs[name], self.settled[name], self.tolerance)
            for name, ours in both.items()
        }
        far = [
            name
            for name, (share, defined) in printed.items()
            if share < self.share or defined < LEAST_DEFINED
        ]
        read = self._read([name for name in far if name not in self.readings.undefined])
        found = []
        for name, (share, defined) in printed.items():
            if name not in far:
                verdict = Verdict(name, True, "as printed", share, share, defined)
            elif name in self.readings.undefined:
                empty = not np.isfinite(theirs[name][self.settled[name] :]).any()
                why = self.readings.undefined[name]
                verdict = Verdict(name, empty, "not defined", 1.0, share, 0.0, why)
            else:
                inner = None if ranked is None else ranked.get(name)
                verdict = self._judged(name, share, read, theirs[name], inner)
            found.append(verdict)
        return found

    def _judged(
        self,
        name: str,
        printed: float,
        read: Mapping[str, tuple[Array, int]],
        theirs: Array,
        ranked: Array | None,
    ) -> Verdict:
        difference = self.readings.of(name)
        tolerance = max(self.tolerance, difference.tolerance)
        ours, settled = read[name]
        share, defined = agreeing(ours, theirs, settled, tolerance)
        how, agrees = "in its reading", share >= self.share
        if not agrees and difference.like is not None:
            how, agrees = "alike", likeness(ours, theirs, settled) >= difference.like
            if ranked is not None:
                inner, settled = read[_ranks(name)]
                agrees = agrees and agreeing(inner, ranked, settled, tolerance)[0] >= self.share
        agrees = agrees and defined >= LEAST_DEFINED
        # Last digits did not matter here, only what holds for all the peer's factors.
        digits_only = difference.formula is None and difference.like is not None
        common = how == "in its reading" and digits_only
        reason = self.readings.reason if common else difference.reason
        return Verdict(name, agrees, how if agrees else "differs", share, printed, defined, reason)

    def _read(self, names: list[str]) -> dict[str, tuple[Array, int]]:
        """Factor, and what it ranks -> (in the peer's reading, from which row it is settled)."""
        formulas = {name: self.readings.formula(name, self.formulas[name]) for name in names}
        for name in names:
            text = self.readings.ranked(name)
            if text is not None:
                formulas[_ranks(name)] = text
        if not formulas:
            return {}
        made = plan(formulas, self.readings.definitions)
        results = compute(made, {name: self.fields[name] for name in made.fields}, thread_no=2)
        return {
            name: (values, made.lookbacks[name])
            for name, values in zip(made.names, results, strict=True)
        }


def agreeing(ours: Array, theirs: Array, settled: int, tolerance: float) -> tuple[float, float]:
    """(share of the values that both define which agree, share of all values that both define).

    Only rows from `settled` on count: before, windows are as short as the data, which peers treat
    as they like. An infinity counts as not defined. Where nothing is defined by both, nothing
    agrees.
    """
    a, b, size = _both(ours, theirs, settled)
    if not len(a):
        return 0.0, 0.0
    scale = np.maximum(1.0, np.maximum(np.abs(a), np.abs(b)))
    return float(np.mean(np.abs(a - b) <= tolerance * scale)), len(a) / size


def likeness(ours: Array, theirs: Array, settled: int) -> float:
    """The correlation over all settled values that both define; 0 where there is none."""
    a, b, _ = _both(ours, theirs, settled)
    if len(a) < 2 or np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def report(title: str, found: list[Verdict], common: str = "", table: bool = True) -> bool:
    """Tell stderr how many agree and, with `table`, which differ from the print and why.

    `common` is the reason that is told once, for all that it holds for. Returns whether every
    difference is explained; what is not is listed in any case.
    """
    counts: dict[str, int] = {}
    for verdict in found:
        counts[verdict.how] = counts.get(verdict.how, 0) + 1
    total = ", ".join(f"{count} {how}" for how, count in counts.items())
    _say(f"{title}: {len(found)} factors in both: {total}")
    if table and common:
        _say(f"    its reading: {common}")
    shown = [v for v in found if not v.agrees or (table and v.how != "as printed")]
    if shown:
        _say(f"    {'factor':13} {'printed':>8} {'read':>8} {'defined':>8}")
    for v in shown:
        mark = "   " if v.agrees else "NO "
        numbers = f"{v.printed:8.4f} {v.share:8.4f} {v.defined:8.4f}"
        why = "" if v.reason == common else f": {v.reason}"
        _say(f" {mark}{v.name:13} {numbers}  {v.how}{why}")
    return all(verdict.agrees for verdict in found)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _ranks(name: str) -> str:
    return f"{name}_ranks"


def _both(ours: Array, theirs: Array, settled: int) -> tuple[Array, Array, int]:
    a, b = ours[settled:], np.asarray(theirs[settled:], np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    return a[known], b[known], known.size
