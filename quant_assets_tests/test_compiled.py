"""Compilation: one signature a kernel, nothing compiled after warming, processes in turn."""

import os
import subprocess
import sys
from pathlib import Path

from quant_assets import compiled
from quant_assets.factors import kernels
from quant_assets.factors.compute import compute
from quant_assets.factors.correlations import correlate
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors.samples import bars, benchmark, long, market
from quant_assets_tests.factors.test_evaluation import evaluated, panels

FEW = 3


def test_a_run_compiles_nothing_that_warming_did_not() -> None:
    kernels.warm()
    before = {each.__name__: list(each.signatures) for each, _ in compiled.kernels()}
    assert all(len(signatures) == 1 for signatures in before.values())
    data = market(300, 12)
    window = Window(data.dates[280].item(), data.dates[-1].item())
    factors = compute("style", bars(data), benchmark(data), window, thread_no=2)
    universe = long(data.dates, data.symbols, member=data.fields["close"] > 0)
    correlate(factors, universe, str(data.dates[290])[:7])
    evaluated(panels(12, 15, seed=0), thread_no=2)
    assert {each.__name__: list(each.signatures) for each, _ in compiled.kernels()} == before


def test_processes_warm_one_cache_in_turn(tmp_path: Path) -> None:
    """Two processes start on an empty cache; both end well and the next finds all of it there."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    script = (
        "from quant_assets import compiled\n"
        "from quant_assets.factors import kernels\n"
        f"del compiled._kernels[{FEW}:]  # the others would only take longer\n"
        "compiled.warm_up()\n"
        "print(sum(sum(k.stats.cache_misses.values()) for k, _ in compiled.kernels()))"
    )
    command = [sys.executable, "-c", script]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    compiled_by = [int(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(compiled_by) == FEW, "each kernel is compiled once"
    last = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(last.stdout) == 0
    assert list(tmp_path.rglob("*.nbc"))
