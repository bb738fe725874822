"""How kernels are compiled: once, cached on disk, never in a run after that.

Here stand the decorators that compile and `warm_up`, which compiles or loads every kernel under a
file lock: numba's cache has crashed when several processes compiled into it at once (numba #4807).
The kernels themselves stand in the modules named `kernels`; helpers may stand in any module, for
kernel_cache.py sees to it that no kernel is loaded whose helpers have changed.
"""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, cast

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

# Sums may be regrouped, so that they use vector registers. How is fixed at compile time and depends
# on the number of values only: equal windows give equal bits. NaN and infinity keep their meaning.
_REGROUPED = {"reassoc", "nsz"}
_NUMBERS = {"reassoc", "nsz", "nnan"}  # for values among which no NaN can be
_LOCK_SECONDS = 600.0  # far more than a cold compilation takes on a slow machine

_MANY = 8  # kernels without a cache: further processes are worth their start, a second each
_MOST_PROCESSES = 4

# Where kernels stand; a new module of them is named here.
MODULES = (
    "quant_assets.backtests.holding_kernels",
    "quant_assets.backtests.order_kernels",
    "quant_assets.backtests.portfolio.hierarchical_kernels",
    "quant_assets.backtests.portfolio.quadratic_kernels",
    "quant_assets.backtests.portfolio.risk_parity_kernels",
    "quant_assets.backtests.replay_kernels",
    "quant_assets.backtests.row_kernels",
    "quant_assets.backtests.simulation_kernels",
    "quant_assets.backtests.telling_kernels",
    "quant_assets.factors.evaluation.daily_kernels",
    "quant_assets.factors.evaluation.panel_kernels",
    "quant_assets.factors.evaluation.persistence_kernels",
    "quant_assets.factors.evaluation.ranking_kernels",
    "quant_assets.factors.evaluation.sector_kernels",
    "quant_assets.factors.expressions.comoment_kernels",
    "quant_assets.factors.expressions.correlation_kernels",
    "quant_assets.factors.expressions.cross_section_kernels",
    "quant_assets.factors.expressions.distribution_kernels",
    "quant_assets.factors.expressions.element_kernels",
    "quant_assets.factors.expressions.extreme_kernels",
    "quant_assets.factors.expressions.group_kernels",
    "quant_assets.factors.expressions.history_kernels",
    "quant_assets.factors.expressions.market_model_kernels",
    "quant_assets.factors.expressions.moment_kernels",
    "quant_assets.factors.expressions.pair_kernels",
    "quant_assets.factors.expressions.quantile_kernels",
    "quant_assets.factors.expressions.rank_kernels",
    "quant_assets.factors.expressions.smoothing_kernels",
    "quant_assets.factors.expressions.spread_kernels",
    "quant_assets.factors.expressions.trend_kernels",
    "quant_assets.factors.expressions.window_kernels",
    "quant_assets.market_data.order_book.auction_kernels",
    "quant_assets.market_data.order_book.book_kernels",
    "quant_assets.market_data.order_book.level_kernels",
    "quant_assets.market_data.order_book.order_kernels",
    "quant_assets.market_data.order_book.row_kernels",
    "quant_assets.market_data.sources.b3.record_kernels",
    "quant_assets.performance.markov_kernels",
    "quant_assets.performance.metric_kernels",
    "quant_assets.performance.rolling_kernels",
    "quant_assets.performance.stability.bootstrap_kernels",
)

_kernels: list[tuple[Any, str]] = []
_warm: set[int] = set()
_warming = Lock()


# Division by zero gives an infinity, as in numpy: a check that raises would keep loops from vector
# registers.
def helper(function: Kernel) -> Kernel:
    """Compile a function that only kernels call; it is inlined into their caches."""
    import numba

    return cast(Kernel, numba.njit(fastmath=_REGROUPED, error_model="numpy", nogil=True)(function))


def helper_of_numbers(function: Kernel) -> Kernel:
    """As `helper`, for values among which no NaN can be: maxima use vector registers, too."""
    import numba

    return cast(Kernel, numba.njit(fastmath=_NUMBERS, error_model="numpy", nogil=True)(function))


def helper_as_written(function: Kernel) -> Kernel:
    """As `helper`, with every operation in the order in which it is written."""
    import numba

    return cast(Kernel, numba.njit(error_model="numpy", nogil=True)(function))


# Numba counts the references to an array at every call, which costs more than what many small
# helpers do: a replay of order books took 200 ns an event with counting, 87 without. What makes no
# array can do without; what makes one all the same is refused by the compiler.
_UNCOUNTED: dict[str, Any] = {"_nrt": False}


def helper_uncounted(function: Kernel) -> Kernel:
    """As `helper_as_written`, for helpers that make and slice no arrays."""
    import numba

    return cast(Kernel, numba.njit(error_model="numpy", nogil=True, **_UNCOUNTED)(function))


def kernel(
    signature: str, regrouped: bool = True, counted: bool = True
) -> Callable[[Kernel], Kernel]:
    """Compile a kernel for the one signature that its wrapper calls it with.

    `regrouped` lets the compiler regroup sums; without it they are summed as they are written.
    Without `counted` the kernel and its helpers (`helper_uncounted`) make and slice no arrays.
    """
    import numba

    def decorate(function: Kernel) -> Kernel:
        fastmath = _REGROUPED if regrouped else False
        options: dict[str, Any] = {"fastmath": fastmath, "error_model": "numpy", "nogil": True}
        if not counted:
            options.update(_UNCOUNTED)
        compiled = numba.njit(**options)(function)
        if not _disabled():
            from quant_assets.kernel_cache import keep_on_disk

            keep_on_disk(compiled)
        _kernels.append((compiled, signature))
        return cast(Kernel, compiled)

    return decorate


def kernels() -> tuple[tuple[Any, str], ...]:
    """Every kernel of the modules imported so far, with its signature."""
    return tuple(_kernels)


def warm_up_all() -> int:
    """Compile every kernel of the package that is not in the cache; how many there are.

    Where much is to be compiled, a process for each further core begins at another place of the
    list: whoever comes to a kernel second finds it in the cache.
    """
    for module in MODULES:
        importlib.import_module(module)
    cold = sum(_is_cold(each) for place, each in enumerate(_kernels) if place not in _warm)
    others = _others(_processors()) if cold >= _MANY else []
    try:
        warm_up()
    finally:
        for other in others:
            other.wait()
    return len(_kernels)


def warm_up(first: int = 0) -> None:
    """Compile what is not in the cache and load the rest, once, beginning at a place of the list.

    Each kernel is compiled by one process at a time.
    """
    if _disabled():
        return
    with _warming:
        for place in (*range(first, len(_kernels)), *range(first)):
            if place not in _warm:
                _compile(*_kernels[place])
                _warm.add(place)


def _compile(each: Any, signature: str) -> None:
    from filelock import FileLock

    folder = Path(each.stats.cache_path)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{_name(each)}.lock", timeout=_LOCK_SECONDS):
        each.compile(signature)


def _others(processors: int) -> list[subprocess.Popen[bytes]]:
    """Processes that compile, too, each from another place of the list on."""
    script = "from quant_assets import compiled; compiled.warm_up_from({})"
    nothing = subprocess.DEVNULL
    return [
        subprocess.Popen(
            [sys.executable, "-c", script.format(k / processors)],
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
        )
        for k in range(1, processors)
    ]


def warm_up_from(share: float) -> None:
    """As `warm_up_all`, alone, beginning at a share of the list: the work of a further process."""
    for module in MODULES:
        importlib.import_module(module)
    warm_up(int(share * len(_kernels)))


def _is_cold(kernel: tuple[Any, str]) -> bool:
    """Whether the cache has a kernel not at all, or made of what it is no longer made of."""
    if _disabled():
        return False
    from quant_assets.kernel_cache import is_kept

    return not is_kept(*kernel)


def _name(each: Any) -> str:
    """As numba names the files of a kernel in its cache."""
    code = each.py_func.__code__
    return f"{Path(code.co_filename).stem}.{each.py_func.__qualname__}-{code.co_firstlineno}"


def _processors() -> int:
    return min(os.cpu_count() or 1, _MOST_PROCESSES)


def _disabled() -> bool:
    from numba.core import config

    return bool(config.DISABLE_JIT)  # type: ignore[attr-defined]
