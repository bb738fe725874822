"""Trials: what the ledger keeps of a parameter set that was tried, and how it follows from returns.

Sharpe ratios are those of one session, as the deflated Sharpe ratio needs them. How trials are
recorded and counted stands in `ledger.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from quant_assets.backtests.data import series
from quant_assets.backtests.sweeps.spaces import trial_key
from quant_assets.market_data.panels import FloatArray, session_dates
from quant_assets.performance.sample import carried, daily_rate
from quant_assets.settings_research import ModelSettings

Kind = Literal["sweep", "optimization", "model", "backtest"]
# Fewer returns say nothing of a distribution.
_LEAST = 3


@dataclass(frozen=True)
class Trial:
    """One parameter set that was tried.

    Attributes:
        strategy: its name, or that of a model.
        kind: what tried it.
        parameters: all of them, plain values.
        sharpe: mean over standard deviation (ddof=1) of the excess returns of a session, not made
            annual; NaN where there are no returns or no dispersion.
        skewness: third standardised moment of the same (without correction for bias).
        kurtosis: fourth standardised moment, 3 for a normal distribution.
        sessions: number of returns.
        first, last: sessions of the data, None where there are no returns.
        data_hash: of what it was computed from.
        run: the Dagster run.
        months: first days of months, `datetime64[M]`, and the compounded return of each.
    """

    strategy: str
    kind: Kind
    parameters: Mapping[str, Any]
    sharpe: float = np.nan
    skewness: float = np.nan
    kurtosis: float = np.nan
    sessions: int = 0
    first: date | None = None
    last: date | None = None
    data_hash: str = ""
    run: str = ""
    months: tuple[np.ndarray, FloatArray] = field(
        default_factory=lambda: (np.array([], "datetime64[M]"), np.zeros(0))
    )

    @property
    def key(self) -> str:
        """By which it is counted once."""
        return trial_key(self.strategy, self.parameters)

    def to_record(self) -> dict[str, Any]:
        """As values that JSON knows; NaN becomes None."""
        days, returns = self.months
        return {
            "strategy": self.strategy,
            "kind": self.kind,
            "parameters": dict(self.parameters),
            **{name: value if np.isfinite(value) else None for name, value in self._moments()},
            "sessions": self.sessions,
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
            "data_hash": self.data_hash,
            "run": self.run,
            "months": [days.astype(str).tolist(), returns.tolist()],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Trial":
        """The trial of a record of `to_record`."""
        moments = ("sharpe", "skewness", "kurtosis")
        days, returns = record["months"]
        return cls(
            **{
                **record,
                **{name: np.nan if record[name] is None else record[name] for name in moments},
                **{
                    name: record[name] and date.fromisoformat(record[name])
                    for name in ("first", "last")
                },
                "months": (np.array(days, "datetime64[M]"), np.array(returns, np.float64)),
            }
        )

    def _moments(self) -> tuple[tuple[str, float], ...]:
        return (
            ("sharpe", self.sharpe),
            ("skewness", self.skewness),
            ("kurtosis", self.kurtosis),
        )


def trials_of(
    strategy: str,
    kind: Kind,
    parameter_sets: Sequence[Mapping[str, Any]],
    returns: FloatArray,
    dates: np.ndarray,
    risk_free: FloatArray | float = 0.0,
    data_hash: str = "",
    run: str = "",
) -> list[Trial]:
    """The trials behind a matrix of returns.

    Args:
        strategy: its name.
        kind: what tried them.
        parameter_sets: all parameters of each, plain values.
        returns: net returns of a session, shape (T, S); NaN before a set's first return.
        dates: sessions, shape (T,).
        risk_free: return of a session without risk, a number or shape (T,), without NaN.
        data_hash: of what they were computed from.
        run: the Dagster run.
    """
    if returns.shape != (len(dates), len(parameter_sets)):
        raise ValueError(
            f"returns must have the shape {(len(dates), len(parameter_sets))} (sessions, sets). "
            f"Got {returns.shape} instead."
        )
    excess = returns - np.broadcast_to(np.asarray(risk_free, np.float64), len(dates))[:, None]
    sharpe, skewness, kurtosis, counts = _moments(excess, _varies(returns))
    months, monthly = _by_month(returns, dates)
    found = []
    for k, parameters in enumerate(parameter_sets):
        known = np.flatnonzero(np.isfinite(returns[:, k]))
        whole = np.isfinite(monthly[:, k])
        found.append(
            Trial(
                strategy,
                kind,
                parameters,
                float(sharpe[k]),
                float(skewness[k]),
                float(kurtosis[k]),
                int(counts[k]),
                dates[known[0]].astype("datetime64[D]").item() if len(known) else None,
                dates[known[-1]].astype("datetime64[D]").item() if len(known) else None,
                data_hash,
                run,
                (months[whole], monthly[whole, k]),
            )
        )
    return found


def trial_of_backtest(
    table: pa.Table,
    strategy: str,
    parameters: Mapping[str, Any],
    benchmark: pa.Table | None = None,
    annualization: float = 252,
    data_hash: str = "",
    run: str = "",
) -> Trial:
    """The trial behind the rows of a backtest (table `backtest`: date, net_return).

    Args:
        table: its rows.
        strategy: its name.
        parameters: all of them, plain values.
        benchmark: table `benchmark`, whose risk-free rate is taken off; None: no rate.
        annualization: sessions a year.
        data_hash: of what it was computed from.
        run: the Dagster run.
    """
    dates = session_dates(table["date"])
    annual = carried(series(benchmark, "risk_free_rate", dates))
    return trials_of(
        strategy,
        "backtest",
        [parameters],
        table["net_return"].to_numpy()[:, np.newaxis],
        dates,
        daily_rate(annual, annualization),
        data_hash,
        run,
    )[0]


def model_trial(name: str, settings: ModelSettings, run: str = "") -> Trial:
    """The trial of a walk-forward model: its settings, whatever the month it is trained for.

    A model has no returns of its own: it is counted, and its Sharpe ratio is not known.
    """
    return Trial(f"model_{name}", "model", settings.model_dump(mode="json"), run=run)


def _varies(returns: FloatArray) -> np.ndarray:
    """Whether the returns of a column differ at all, shape (S,)."""
    known = np.isfinite(returns)
    low = np.where(known, returns, np.inf).min(axis=0, initial=np.inf)
    high = np.where(known, returns, -np.inf).max(axis=0, initial=-np.inf)
    return np.asarray(high - low > 1e-15)


def _moments(
    excess: FloatArray, varies: np.ndarray
) -> tuple[FloatArray, FloatArray, FloatArray, np.ndarray]:
    """Sharpe ratio, skewness, kurtosis and number of returns of each column, shape (S,)."""
    known = np.isfinite(excess)
    counts = known.sum(axis=0)
    divisor = np.maximum(counts, 1)
    mean = np.where(known, excess, 0.0).sum(axis=0) / divisor
    away = np.where(known, excess - mean, 0.0)
    second = (away**2).sum(axis=0) / divisor
    measured = (counts >= _LEAST) & varies
    safe = np.where(measured, second, 1.0)
    deviation = np.sqrt(safe * divisor / np.maximum(counts - 1, 1))
    third = (away**3).sum(axis=0) / divisor
    fourth = (away**4).sum(axis=0) / divisor
    return (
        np.where(measured, mean / deviation, np.nan),
        np.where(measured, third / safe**1.5, np.nan),
        np.where(measured, fourth / safe**2, np.nan),
        counts,
    )


def _by_month(returns: FloatArray, dates: np.ndarray) -> tuple[np.ndarray, FloatArray]:
    """Months (M,) and compounded returns (M, S); NaN where a month has no return at all."""
    months, first = np.unique(dates.astype("datetime64[M]"), return_index=True)
    if not len(months):
        return months, np.zeros((0, returns.shape[1]))
    grown = np.multiply.reduceat(np.where(np.isfinite(returns), 1.0 + returns, 1.0), first, axis=0)
    held = np.add.reduceat(np.isfinite(returns), first, axis=0)
    return months, np.where(held > 0, grown - 1.0, np.nan)
