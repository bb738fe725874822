"""Small markets whose weights are known by hand."""

from typing import Any

import numpy as np

from quant_assets.backtests.strategies.base import SERIES_FIELDS, StrategyData
from quant_assets.backtests.strategies.registry import find
from quant_assets_tests.backtests.samples import names, sessions

FREE = {"rebalance": "daily", "maximum_weight": 1.0, "minimum_names": 1}


def weights_of(name: str, fields: dict[str, Any], **parameters: Any) -> np.ndarray:
    """Weights of a strategy on fields (T, N) or (T,); everybody is a member unless told.

    Decisions are daily, without caps and without a least number of names, unless told.
    """
    strategy = find(name)
    known = set(strategy.Parameters.model_fields)
    free = {key: value for key, value in FREE.items() if key in known}
    settled = strategy.parse({**free, **parameters})
    given = {key: np.asarray(values) for key, values in fields.items()}
    shape = next(v.shape for k, v in given.items() if k not in SERIES_FIELDS)
    given.setdefault("member", np.ones(shape, bool))
    chosen = {field: given[field] for field in strategy.fields(settled)}
    data = StrategyData(sessions(shape[0]), names(shape[1]), chosen)
    return strategy.target_weights(data, settled)


def growing(rates: list[float], days: int, start: float = 100.0) -> np.ndarray:
    """Closes (T, N) that grow by a constant rate a session."""
    closes: np.ndarray = start * (1.0 + np.array(rates)) ** np.arange(days)[:, np.newaxis]
    return closes


def noisy(days: int, symbols: int, seed: int = 0, spread: float = 0.02) -> np.ndarray:
    """Random walks, complete."""
    random = np.random.default_rng(seed)
    closes: np.ndarray = 100.0 * np.exp(random.normal(0, spread, (days, symbols)).cumsum(axis=0))
    return closes
