"""KunQuant's own Alpha101 and Alpha158, compiled and run in its environment.

Called with a folder that holds input.npz, fields of (days, symbols), and options.json:
`library` alpha101 or alpha158; `dtype` float or double; `threads`; `inner`: compute what INNER
names instead of the factors. Input and output are days x symbols as ours ("TS"), vwap is given and
not amount / volume. double is compiled without the running sums of squares ("no_fast_stat"), whose
errors swamp factors that rank correlations of ranks; it is no slower for it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from KunQuant.Driver import KunCompilerConfig
from KunQuant.jit import cfake
from KunQuant.Op import Builder, Input, Output
from KunQuant.predefined import Alpha101, Alpha158
from KunQuant.predefined.Alpha101 import (
    bool_to_10,
    correlation,
    covariance,
    decay_linear,
    delta,
    rank,
    sma,
    ts_rank,
    ts_sum,
)
from KunQuant.runner import KunRunner
from KunQuant.Stage import Function

from quant_assets_tests.benchmarks.peers.serving import Server

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
# What is ranked inside factors whose last digits decide the rank; see kunquant_readings.TIES.
INNER: dict[str, Callable[[Any], Any]] = {
    "alpha013": lambda d: covariance(rank(d.close), rank(d.volume), 5),
    "alpha015": lambda d: correlation(rank(d.high), rank(d.volume), 3),
    "alpha016": lambda d: covariance(rank(d.high), rank(d.volume), 5),
    "alpha031": lambda d: decay_linear(-1 * rank(rank(delta(d.close, 10))), 10),
    "alpha045": lambda d: correlation(ts_sum(d.close, 5), ts_sum(d.close, 20), 2),
    "alpha050": lambda d: correlation(rank(d.volume), rank(d.vwap), 5),
    "alpha078": lambda d: correlation(rank(d.vwap), rank(d.volume), 6),
    "alpha085": lambda d: correlation(ts_rank((d.high + d.low) / 2, 4), ts_rank(d.volume, 10), 7),
    "alpha088": lambda d: decay_linear(
        (rank(d.open) + rank(d.low)) - (rank(d.high) + rank(d.close)), 8
    ),
    "alpha092": lambda d: decay_linear(
        bool_to_10((d.high + d.low) / 2 + d.close < d.low + d.open), 15
    ),
    "alpha096": lambda d: correlation(ts_rank(d.close, 7), ts_rank(sma(d.volume, 60), 4), 4),
    "alpha094": lambda d: correlation(ts_rank(d.vwap, 20), ts_rank(sma(d.volume, 60), 4), 18),
    "alpha098": lambda d: correlation(rank(d.open), rank(sma(d.volume, 15)), 21),
}


def main(folder: Path) -> None:
    """Compile, then serve."""
    options = json.loads((folder / "options.json").read_text())
    server = Server()
    number = np.float32 if options["dtype"] == "float" else np.float64
    with np.load(folder / "input.npz") as file:
        fields = {name: np.ascontiguousarray(file[name], number) for name in FIELDS}
    days, symbols = fields["close"].shape
    start = time.perf_counter()
    # The library stays referenced: the module is code inside it.
    library = _compiled(options)
    module = library.getModule("factors")
    seconds = time.perf_counter() - start
    names = module.getOutputNames()
    room = np.full((len(names), days, symbols), np.nan, number)
    out = {name: room[place] for place, name in enumerate(names)}
    executor = KunRunner.createMultiThreadExecutor(options["threads"])
    server.serve(
        lambda: KunRunner.runGraph(executor, module, fields, 0, days, out),
        lambda: out,
        compile_s=seconds,
        factors=len(names),
    )


def _compiled(options: dict[str, Any]) -> Any:
    builder = Builder()
    with builder:
        for name, factor in _factors(options).items():
            Output(factor, name)
    wide = _avx512()
    config = KunCompilerConfig(
        dtype=options["dtype"],
        blocking_len=(512 if wide else 256) // (32 if options["dtype"] == "float" else 64),
        input_layout="TS",
        output_layout="TS",
        split_source=12,
        options={"opt_reduce": True, "fast_log": True, "no_fast_stat": True},
    )
    machine = cfake.X64CPUFlags(avx512=wide, avx512dq=wide, avx512vl=wide)
    return cfake.compileit(
        [("factors", Function(builder.ops), config)],
        "factors",
        cfake.CppCompilerConfig(machine=machine),
    )


def _factors(options: dict[str, Any]) -> dict[str, Any]:
    inputs = {name: Input(name) for name in FIELDS}
    if options["library"] == "alpha101":
        data = Alpha101.AllData(**inputs)
        if options.get("inner"):
            return {name: make(data) for name, make in INNER.items()}
        return {make.__name__: make(data) for make in Alpha101.all_alpha}
    data = Alpha158.AllData(**inputs)
    prices = [(name.upper(), inputs[name]) for name in ("open", "high", "low", "vwap")]
    blocks = {"kbar": {}, "price": {"windows": [0], "feature": prices}, "rolling": {}}
    factors, names = data.build(blocks)
    return dict(zip(names, factors, strict=True))


def _avx512() -> bool:
    """Whether the processor has what KunQuant's widest code needs; Linux tells."""
    flags = Path("/proc/cpuinfo")
    words = set(flags.read_text().split()) if os.path.exists(flags) else set()
    return {"avx512f", "avx512dq", "avx512vl"} <= words


if __name__ == "__main__":
    main(Path(sys.argv[1]))
