"""Compilation: one signature a kernel, nothing compiled after warming, processes in turn."""

import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import quant_assets
from quant_assets import compiled
from quant_assets.backtests.simulation import simulate, simulate_returns
from quant_assets.factors.catalogue import built_in
from quant_assets.factors.compute import compute, plan_of
from quant_assets.factors.correlations import correlate
from quant_assets.factors.expressions import engine
from quant_assets.factors.expressions.fields import DEFINITIONS
from quant_assets.factors.expressions.operators.registry import operators
from quant_assets.factors.expressions.plan import plan
from quant_assets.factors.market_fields import market_fields
from quant_assets.market_data.order_book.book import rebuild
from quant_assets.market_data.order_book.rules import BookRules
from quant_assets.market_data.order_book.sampling import Every
from quant_assets.warehouse.window import Window
from quant_assets_tests.backtests.trading_samples import (
    random_market,
    random_rules,
    random_weights,
)
from quant_assets_tests.factors.expressions.operators.calls import calls, telling_market
from quant_assets_tests.factors.samples import bars, benchmark, long, market, universe
from quant_assets_tests.factors.test_evaluation import evaluated, panels
from quant_assets_tests.market_data.order_book.streams import table, traded_day

FEW = 3


def test_every_module_of_kernels_is_named() -> None:
    found = pkgutil.walk_packages(quant_assets.__path__, "quant_assets.")
    assert sorted(each.name for each in found if each.name.endswith("kernels")) == sorted(
        compiled.MODULES
    )


def test_a_run_compiles_nothing_that_warming_did_not() -> None:
    """In a process of its own: other tests hand kernels arrays that no wrapper hands them."""
    script = "from quant_assets_tests import test_compiled; test_compiled.run_and_compare()"
    folder = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def run_and_compare() -> None:
    """Compute something of everything, and hold what is compiled then against before."""
    assert compiled.warm_up_all() == len(compiled.kernels()) > 40
    before = signatures()
    assert len(before) == len(compiled.kernels())
    assert all(len(each) == 1 for each in before.values())
    data = market(300, 12)
    window = Window(data.dates[290].item(), data.dates[-1].item())
    plans = [plan_of(library.expressions, DEFINITIONS) for library in built_in()]
    names = tuple(dict.fromkeys(name for each in plans for name in each.fields))
    fields = market_fields(names, bars(data), benchmark(data), universe(data))
    ((_, factors),) = compute(plans, fields, window, thread_no=2)
    texts = {text: text for each in operators() for text in calls(each)}
    engine.compute(plan(texts), telling_market(30).fields)
    members = long(data.dates, data.symbols, member=data.fields["close"] > 0)
    correlate(factors, members, str(data.dates[290])[:7])
    evaluated(panels(12, 15, seed=0), thread_no=2)
    exchange, _ = traded_day(seed=0, steps=1000, first=True)
    for when in (None, Every(10**6)):
        assert rebuild(table(exchange.events), BookRules(True), when).reports[0].clean
    for seed in range(4):
        traded, rules = random_market(40, 5, seed), random_rules(seed)
        weights = random_weights(traded.shape, seed, 3, short=True)
        assert simulate(weights, traded, rules).positions.num_rows
        assert len(simulate_returns(weights, traded, rules)) == 40
    assert signatures() == before


def signatures() -> dict[str, list[object]]:
    """What each kernel has been compiled for."""
    return {
        f"{each.__module__}.{each.__name__}": list(each.signatures)
        for each, _ in compiled.kernels()
    }


def test_processes_warm_one_cache_in_turn(tmp_path: Path) -> None:
    """Two processes start on an empty cache; both end well and the next finds all of it there."""
    process = few_kernels(
        tmp_path,
        "compiled.warm_up()",
        "print(sum(sum(k.stats.cache_misses.values()) for k, _ in compiled.kernels()))",
    )
    both = [process(), process()]
    compiled_by = [int(each.communicate()[0]) for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert sum(compiled_by) == FEW, "each kernel is compiled once"
    last, _ = process().communicate()
    assert int(last) == 0
    assert len(list(tmp_path.rglob("*.nbc"))) == FEW


def test_a_cold_cache_is_told_from_a_warm_one(tmp_path: Path) -> None:
    """What decides whether further processes compile, too; from any place all are compiled."""
    process = few_kernels(
        tmp_path,
        "cold = [compiled._is_cold(each) for each in compiled.kernels()]",
        f"compiled.warm_up({FEW} - 1)",
        "print(cold, [compiled._is_cold(each) for each in compiled.kernels()])",
    )
    told, _ = process().communicate()
    assert told.strip() == f"{[True] * FEW} {[False] * FEW}"
    (folder,) = {each.parent for each in tmp_path.rglob("*.nbc")}
    helpers = tmp_path / "few_helpers.py"
    helpers.write_text(helpers.read_text().replace("+ 0.0", "+ 1.0"))
    told, _ = process().communicate()
    assert told.strip() == f"{[True] * FEW} {[False] * FEW}", "made of other helpers"
    assert {each.parent for each in tmp_path.rglob("*.nbc")} == {folder}


def few_kernels(folder: Path, *lines: str) -> Callable[[], subprocess.Popen[str]]:
    """Starts a process that has few small kernels and an empty cache, and runs these lines."""
    (folder / "few_helpers.py").write_text(
        "from quant_assets.compiled import helper\n@helper\ndef moved(x):\n    return x + 0.0\n"
    )
    (folder / "few.py").write_text(
        "from few_helpers import moved\nfrom quant_assets.compiled import kernel\n"
        + "".join(
            f'@kernel("float64(float64)")\ndef kernel_{k}(x):\n    return moved(x) + {k}\n'
            for k in range(FEW)
        )
    )
    script = "\n".join(["from quant_assets import compiled", "import few", *lines])
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")}
    paths = [str(folder), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return lambda: subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True
    )
