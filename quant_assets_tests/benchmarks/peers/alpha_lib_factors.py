"""py-alpha-lib on formulas of the 101, run in its environment.

Called with a folder that holds input.npz, fields of (days, symbols), and options.json: `formulas`,
name -> text with whole windows (its own translator would round fractions, the paper floors them).
Its translator makes Python of them and its ExecContext computes it; windows give nothing until they
are full (FLAG_STRICTLY_CYCLE), as in pandas. Its arrays are symbols x days in one line.
"""

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import alpha
import numpy as np
from alpha.context import ExecContext
from alpha.lang.to_python import to_python_file

from quant_assets_tests.benchmarks.peers.serving import Server


class Column:
    """A column as ExecContext takes it from frames."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def to_numpy(self) -> Any:
        return self.values


def main(folder: Path) -> None:
    """Translate, then serve."""
    formulas = json.loads((folder / "options.json").read_text())["formulas"]
    server = Server()
    with np.load(folder / "input.npz") as file:
        fields = {name: file[name] for name in file.files}
    days, symbols = fields["close"].shape
    # Its classes: industry is class // 10,000, sector is class // 1,000,000.
    fields["indclass"] = (
        1e6 * (fields["sector"] + 1) + 1e4 * fields["industry"] + fields["subindustry"]
    )
    fields["vol"] = fields["volume"]
    columns = {
        name: Column(np.ascontiguousarray(values.T).ravel()) for name, values in fields.items()
    }
    start = time.perf_counter()
    functions = _translated(formulas)
    seconds = time.perf_counter() - start
    alpha.set_ctx(groups=symbols, flags=alpha.FLAG_STRICTLY_CYCLE)
    context = ExecContext(columns, fill=False)
    out: dict[str, Any] = {}

    def run() -> None:
        with np.errstate(all="ignore"):
            for name, function in functions.items():
                out[name] = function(context)

    def results() -> dict[str, Any]:
        return {
            name: np.asarray(values, np.float64).reshape(symbols, days).T
            for name, values in out.items()
        }

    server.serve(run, results, compile_s=seconds, factors=len(functions))


def _translated(formulas: dict[str, str]) -> dict[str, Any]:
    text = io.StringIO()
    to_python_file(
        list(formulas.values()), list(formulas), fp=text, name_convertor=lambda name: name.upper()
    )
    scope: dict[str, Any] = {}
    exec(text.getvalue(), scope)
    return {name: scope[name] for name in formulas}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
