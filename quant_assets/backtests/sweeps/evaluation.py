"""From parameter sets to returns: the same data, the same account, set after set.

Here stand the passes over many sets, in several threads and without holding more than one array of
weights a thread. How weights come about is the strategy's, how they are traded the simulation's.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from quant_assets.backtests.fingerprint import fingerprint
from quant_assets.backtests.strategies.base import Strategy, StrategyData, StrategyParameters
from quant_assets.market_data.panels import FloatArray

Simulate = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Evaluation:
    """One strategy on one market's history.

    Attributes:
        strategy: the plugin.
        data: the fields of all parameter sets that will be asked for.
        simulate: target weights (T, N) to net returns (T,), NaN before the first return; called by
            several threads at once.
        benchmark: returns of the index, shape (T,), NaN where missing; None without one.
        risk_free: annual rate as a fraction, shape (T,); NaN where missing.
        annualization: sessions a year.
        rules: what else the returns depend on, as a hash: rules of trading and what is traded.
    """

    strategy: Strategy
    data: StrategyData
    simulate: Simulate
    benchmark: FloatArray | None
    risk_free: FloatArray
    annualization: float
    rules: str = ""

    @property
    def dates(self) -> np.ndarray:
        """The sessions, shape (T,)."""
        return self.data.dates

    def returns(
        self, parameter_sets: Sequence[StrategyParameters], thread_no: int = 1
    ) -> FloatArray:
        """Net returns of each set, shape (T, S), the same whatever the number of threads.

        NaN stands before a set's first return: on the sessions until its first decision is traded.
        """
        results = np.full((len(parameter_sets), len(self.dates)), np.nan)

        def run(places: np.ndarray) -> None:
            chosen = [parameter_sets[k] for k in places]
            each = self.strategy.target_weights_of_each(self.data, chosen)
            for k, weights in zip(places, each, strict=True):
                results[k] = self.simulate(weights)

        # Neighbours in the order share most of their work: each thread takes a stretch of it.
        stretches = [
            part for part in np.array_split(np.arange(len(parameter_sets)), thread_no) if len(part)
        ]
        if len(stretches) <= 1:
            for part in stretches:
                run(part)
        else:
            with ThreadPoolExecutor(len(stretches)) as pool:
                list(pool.map(run, stretches))
        return np.ascontiguousarray(results.T)

    @cached_property
    def data_hash(self) -> str:
        """Hash of everything that the returns depend on but the parameters, 16 digits."""
        return fingerprint(self.strategy.name, self.rules, self.data)


def common_start(returns: FloatArray) -> int:
    """The first session from which all sets are compared, by place; T where none has a return.

    A set with a long look-back begins later than one with a short one. All are measured from the
    latest beginning on; a set that begins in the last half of the sessions, or never, does not
    count here: it was in cash until then.
    """
    known = np.isfinite(returns)
    begins = np.where(known.any(axis=0), known.argmax(axis=0), len(returns))
    early = begins[begins <= len(returns) // 2]
    if len(early):
        return int(early.max())
    return int(begins.min()) if len(begins) else len(returns)


def in_cash(returns: FloatArray) -> FloatArray:
    """The returns with 0, those of cash, where a set has none yet."""
    return np.where(np.isfinite(returns), returns, 0.0)


def fields_of(strategy: Strategy, parameter_sets: Iterable[StrategyParameters]) -> tuple[str, ...]:
    """The fields that any of the sets reads, each once."""
    return tuple(dict.fromkeys(name for p in parameter_sets for name in strategy.fields(p)))
