"""vectorbt's sweep of many parameter sets, in its own environment, in chunks that fit memory.

Called with a folder that holds input.npz: `close` (days, symbols) without gaps after a symbol's
start, `member`, `due` (days,); and options.json: `strategy`, `sets`, `quantile`, `maximum`,
`band`, `chunk` (sets at once), `engine`. Each set is one account over all symbols: target weights
in percent, decided on due days, traded at the close of the day after, sales before purchases.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt

from quant_assets_tests.benchmarks.peers.serving import Server

Array = np.ndarray[Any, Any]


class Sweep:
    """One input and its sets."""

    def __init__(self, fields: dict[str, Array], options: dict[str, Any]) -> None:
        self.close = fields["close"]
        self.member = fields["member"].astype(bool) & np.isfinite(self.close)
        self.rows = np.flatnonzero(fields["due"])
        self.options = options
        self.index = pd.date_range("2007-01-01", periods=len(self.close))
        self.returns: Array = np.zeros((0, 0))

    def run(self) -> None:
        """Every set, a chunk at a time."""
        sets, size = self.options["sets"], self.options["chunk"]
        weigh = self._crossing() if self.options["strategy"] == "sma_crossover" else self._momentum
        parts = []
        for first in range(0, len(sets), size):
            chunk = sets[first : first + size]
            parts.append(self._simulated(np.hstack([self._spread(weigh(each)) for each in chunk])))
        self.returns = np.hstack(parts)

    def _crossing(self) -> Any:
        windows = sorted({window for each in self.options["sets"] for window in each})
        frame = pd.DataFrame(self.close, self.index)
        found = vbt.MA.run(frame, window=windows).ma.to_numpy()
        symbols = self.close.shape[1]
        kept = {
            window: found[self.rows, k * symbols : (k + 1) * symbols]
            for k, window in enumerate(windows)
        }
        member = self.member[self.rows]

        def weights(pair: list[int]) -> Array:
            above = member & (kept[pair[0]] / kept[pair[1]] - 1.0 > self.options["band"])
            count = np.maximum(above.sum(axis=1, keepdims=True), 1)
            return np.asarray(above * np.minimum(1.0 / count, self.options["maximum"]))

        return weights

    def _momentum(self, pair: list[int]) -> Array:
        lookback, skip = pair
        signal = np.full((len(self.rows), self.close.shape[1]), np.nan)
        formed = self.rows >= lookback
        now = self.rows[formed]
        signal[formed] = self.close[now - skip] / self.close[now - lookback]
        signal[~self.member[self.rows]] = np.nan
        known = np.isfinite(signal).sum(axis=1, keepdims=True)
        taken = np.maximum(1, (known * self.options["quantile"] + 1e-9).astype(int))
        order = np.argsort(np.argsort(np.where(np.isnan(signal), np.inf, -signal), kind="stable"))
        weight = np.minimum(1.0 / taken, self.options["maximum"])
        weights = np.where(order < taken, weight, 0.0)
        return np.where(known > 1, weights, np.nan)

    def _spread(self, weights: Array) -> Array:
        """What is decided on the due days is ordered on the day after."""
        size = np.full(self.close.shape, np.nan)
        inside = self.rows + 1 < len(size)
        size[self.rows[inside] + 1] = weights[inside]
        return size

    def _simulated(self, size: Array) -> Array:
        sets = size.shape[1] // self.close.shape[1]
        columns = pd.RangeIndex(size.shape[1])
        close = pd.DataFrame(np.tile(self.close, (1, sets)), self.index, columns)
        account = vbt.Portfolio.from_orders(
            close,
            pd.DataFrame(size, self.index, columns),
            size_type="targetpercent",
            group_by=np.repeat(np.arange(sets), self.close.shape[1]),
            cash_sharing=True,
            call_seq="auto",
            init_cash=1e6,
            max_orders=(len(self.rows) + 1) * size.shape[1],
            freq="1D",
            engine=self.options["engine"],
        )
        return np.asarray(account.returns().to_numpy())


def main(folder: Path) -> None:
    """Serve."""
    server = Server()
    with np.load(folder / "input.npz") as file:
        fields = dict(file.items())
    sweep = Sweep(fields, json.loads((folder / "options.json").read_text()))
    server.serve(sweep.run, lambda: {"returns": sweep.returns})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
