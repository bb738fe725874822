"""What the benchmarks of the factor engine share: threads, formulas, notes on the machine.

Notes go to stderr, so that `--json` stays one object a line.
"""

import os
import sys

from quant_assets.compiled import warm_up_all
from quant_assets.factors.catalogue import built_in

# Of every side.
THREADS = 2


def formulas(library: str) -> dict[str, str]:
    """Factor -> formula, of a library of the package."""
    return next(each.expressions for each in built_in() if each.name == library)


def prepare() -> None:
    """Compile what is not compiled yet, and tell the settings that timings depend on."""
    warm_up_all()
    kind = os.environ.get("OPENBLAS_CORETYPE")
    say(f"OPENBLAS_CORETYPE is {'unset' if kind is None else kind}; {THREADS} threads a side")


def say(line: str) -> None:
    """A note."""
    print(line, file=sys.stderr, flush=True)
