"""Target weights of many parameter sets, computed only on the rows in which a decision is due.

Here stands what sets of one strategy share: the due rows and who may be held on them. The results
have the same bits as `selection.selection_weights` and `shares.equal_shares`, which say what is
meant; the loops are compiled in `row_kernels.py`.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.selection import (
    Rebalancing,
    SelectionParameters,
    rebalancing_days,
)
from quant_assets.backtests.shares import TimingParameters
from quant_assets.market_data.panels import FloatArray


@dataclass(frozen=True)
class DueRows:
    """The rows of a panel in which decisions are due, by how often they are.

    Attributes:
        dates: sessions, shape (T,).
        eligible: who may be held, bool (T, N).
    """

    dates: np.ndarray
    eligible: np.ndarray
    _found: dict[Rebalancing, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def of(self, every: Rebalancing) -> tuple[np.ndarray, np.ndarray]:
        """Places of the due rows, int64 (D,), and who may be held on them, bool (D, N)."""
        if every not in self._found:
            rows = np.flatnonzero(rebalancing_days(self.dates, every))
            self._found[every] = rows, np.ascontiguousarray(self.eligible[rows])
        return self._found[every]

    def undecided(self) -> FloatArray:
        """Weights in which nothing is decided yet, shape (T, N)."""
        return np.full(self.eligible.shape, np.nan)

    def selected(self, signal: FloatArray, parameters: SelectionParameters) -> FloatArray:
        """As `selection_weights` with equal weighting, from the signal of the due rows alone.

        Args:
            signal: of the due rows of `parameters.rebalance`, shape (D, N).
            parameters: how many, how much; of equal weighting.
        """
        from quant_assets.backtests.row_kernels import select_equal
        from quant_assets.compiled import warm_up

        warm_up()
        if parameters.weighting != "equal":
            raise ValueError(
                f"weighting must be 'equal' here. Got {parameters.weighting!r} instead."
            )
        rows, eligible = self.of(parameters.rebalance)
        if signal.shape != eligible.shape:
            raise ValueError(
                f"signal must have the shape of the due rows {eligible.shape}. "
                f"Got {signal.shape} instead."
            )
        weights = self.undecided()
        select_equal(
            np.ascontiguousarray(signal),
            eligible,
            rows,
            parameters.quantile,
            max(parameters.minimum_names, 2 if parameters.long_short else 1),
            parameters.gross / 2 if parameters.long_short else parameters.gross,
            parameters.maximum_weight,
            parameters.long_short,
            weights,
        )
        return weights

    def held_above(
        self, upper: FloatArray, lower: FloatArray, band: float, parameters: TimingParameters
    ) -> FloatArray:
        """As `equal_shares` of the symbols where upper / lower - 1 is above the band.

        Args:
            upper, lower: of the due rows of `parameters.rebalance`, shape (D, N).
            band: with `long_short`, what lies below minus the band is sold short.
            parameters: how much of each.
        """
        from quant_assets.backtests.row_kernels import hold_above
        from quant_assets.compiled import warm_up

        warm_up()
        rows, eligible = self.of(parameters.rebalance)
        if not upper.shape == lower.shape == eligible.shape:
            raise ValueError(
                f"upper and lower must have the shape of the due rows {eligible.shape}. "
                f"Got {upper.shape} and {lower.shape} instead."
            )
        weights = self.undecided()
        hold_above(
            np.ascontiguousarray(upper),
            np.ascontiguousarray(lower),
            eligible,
            rows,
            band,
            parameters.gross,
            parameters.maximum_weight,
            parameters.long_short,
            parameters.shared_among == "held",
            weights,
        )
        return weights


class DueAverages:
    """Moving averages of closes on the due rows: each window is computed once, while there is room.

    Of many windows on daily decisions only as many are kept as fit into `KEPT_BYTES`, those that
    were used last.
    """

    KEPT_BYTES = 512 * 2**20

    def __init__(self, close: FloatArray, due: DueRows) -> None:
        self._close, self._due = close, due
        self._found: OrderedDict[tuple[int, Rebalancing], FloatArray] = OrderedDict()

    def of(self, window: int, every: Rebalancing) -> FloatArray:
        """The average of the last `window` closes on the due rows, shape (D, N)."""
        key = (window, every)
        if key not in self._found:
            rows, _ = self._due.of(every)
            self._found[key] = evaluated(f"ts_mean(close, {window})", close=self._close)[rows]
            while len(self._found) > 2 and self._bytes() > self.KEPT_BYTES:
                self._found.popitem(last=False)
        self._found.move_to_end(key)
        return self._found[key]

    def _bytes(self) -> int:
        return sum(each.nbytes for each in self._found.values())
