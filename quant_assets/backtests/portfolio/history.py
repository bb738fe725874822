"""What the past sessions of a day tell of its candidates: returns, covariances, what is held.

Estimates stand here; which securities they are needed for is `recommendations.py`'s to say.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.backtests.portfolio.covariance import sample_covariance, shrunk_covariance
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_portfolio import PortfolioSettings


@dataclass(frozen=True)
class History:
    """The adjusted closes of the sessions that end with a day, and no others.

    `closes` is (L + 1, N), at most L + 1 sessions; NaN where there was no bar. Every number of a
    day follows from these rows alone, so that a day that is run alone has the bits of a range.
    """

    symbols: np.ndarray
    closes: FloatArray

    def places(self, symbols: list[str]) -> np.ndarray:
        """Columns of symbols, -1 for one without any bar."""
        known = {symbol: place for place, symbol in enumerate(self.symbols.tolist())}
        return np.array([known.get(symbol, -1) for symbol in symbols], np.int64)

    def growth(self, symbols: list[str]) -> FloatArray:
        """Close of the day over that of the session before, 1 where there was no bar, (M,)."""
        carried = self._carried(symbols)
        if len(carried) < 2:
            return np.ones(len(symbols))
        growth: FloatArray = carried[-1] / carried[-2]
        growth[~np.isfinite(growth)] = 1.0
        return growth

    def volatilities(self, symbols: list[str]) -> FloatArray:
        """Standard deviation (ddof=1) of the returns a session, infinite where not known, (M,)."""
        returns = self._returns(symbols)
        if len(returns) < 2:
            return np.full(len(symbols), np.inf)
        spread: FloatArray = returns.std(axis=0, ddof=1)
        return np.where(spread > 0, spread, np.inf)

    def sessions_without_bar(self, symbols: list[str]) -> np.ndarray:
        """How many of the last sessions had none; the length of the history where none has one."""
        there = np.isfinite(self._chosen(symbols))
        ages = np.asarray(np.argmax(there[::-1], axis=0), np.int64)
        ages[~there.any(axis=0)] = len(there)
        return ages

    def covariances(
        self, symbols: list[str], settings: PortfolioSettings, annualization: int
    ) -> tuple[FloatArray, FloatArray, list[str | None]]:
        """Covariances a year (M, M), sample correlations (M, M), and why a security has none.

        Returns are those of closes that are carried forward over sessions without a bar (before
        the first close see `_returns`). Securities with too few of them, or whose price never
        moved, have NaN and a reason.
        """
        closes = self._chosen(symbols)
        count = np.isfinite(closes).sum(axis=0) - 1
        returns = self._returns(symbols)
        reasons: list[str | None] = []
        for place in range(len(symbols)):
            if count[place] < settings.minimum_returns:
                reasons.append(
                    f"history: {max(count[place], 0)} returns of the last {settings.lookback} "
                    f"sessions, at least {settings.minimum_returns} are needed"
                )
            elif not np.ptp(returns[:, place]) > 0:
                reasons.append("history: its price has not moved")
            else:
                reasons.append(None)
        covariance = np.full((len(symbols), len(symbols)), np.nan)
        correlation = covariance.copy()
        known = np.flatnonzero([reason is None for reason in reasons])
        if len(known):
            chosen = np.ascontiguousarray(returns[:, known])
            sample = sample_covariance(chosen)
            sigma = np.sqrt(sample.diagonal())
            estimate = shrunk_covariance(chosen) if settings.shrinkage else sample
            covariance[np.ix_(known, known)] = estimate * annualization
            correlation[np.ix_(known, known)] = sample / sigma / sigma[:, None]
        return covariance, correlation, reasons

    def _returns(self, symbols: list[str]) -> FloatArray:
        """Simple returns a session, (L, M).

        Of a security whose first close comes later, those before it are the mean of its returns,
        and the others are moved away from that mean times the root of L over how many they are: a
        young security would else look calm, and its variance is that of the sessions it has.
        """
        carried = self._carried(symbols)
        returns: FloatArray = carried[1:] / carried[:-1] - 1.0
        since = np.isfinite(returns).sum(axis=0)
        for place in np.flatnonzero(since < len(returns)):
            own = returns[len(returns) - since[place] :, place]
            mean = own.mean() if len(own) else 0.0
            own[:] = mean + (own - mean) * np.sqrt(len(returns) / max(len(own), 1))
            returns[: len(returns) - len(own), place] = mean
        return returns

    def _chosen(self, symbols: list[str]) -> FloatArray:
        places = self.places(symbols)
        chosen = np.full((len(self.closes), len(symbols)), np.nan)
        chosen[:, places >= 0] = self.closes[:, places[places >= 0]]
        return chosen

    def _carried(self, symbols: list[str]) -> FloatArray:
        chosen = self._chosen(symbols)
        rows = np.where(np.isfinite(chosen), np.arange(len(chosen))[:, None], 0)
        last = np.maximum.accumulate(rows, axis=0)
        carried: FloatArray = np.take_along_axis(chosen, last, axis=0)
        return carried
