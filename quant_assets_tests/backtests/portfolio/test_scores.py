"""Scores of the model and of blended strategies."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.backtests.portfolio.scores import (
    DECISION_SESSIONS,
    Part,
    blended_scores,
    lookback,
    model_scores,
)
from quant_assets.backtests.strategies.base import (
    Strategy,
    StrategyData,
    StrategyError,
    StrategyParameters,
)
from quant_assets.market_data.panels import Panel
from quant_assets_tests.backtests.samples import names, sessions


class Fixed(Strategy):
    """Decides the same weights on some rows."""

    name = "fixed"
    title = "Fixed"
    description = "The same weights on some rows."
    family = "test"
    needs = ("close",)

    def __init__(self, weights: dict[int, list[float]], columns: int | None = None) -> None:
        self.weights = weights
        self.columns = columns

    def lookback(self, parameters: Any) -> int:
        return 7

    def target_weights(self, data: StrategyData, parameters: Any) -> np.ndarray:
        found = np.full((data.shape[0], self.columns or data.shape[1]), np.nan)
        for row, values in self.weights.items():
            found[row] = values
        return found


def part(weights: dict[int, list[float]], share: float, columns: int | None = None) -> Part:
    return Part(Fixed(weights, columns), StrategyParameters(), share)


def blended(*parts: Part, length: int = 5, days: slice = slice(None)) -> list[dict[str, Any]]:
    panel = Panel(sessions(length), names(3), {"close": np.full((length, 3), 10.0)})
    table = blended_scores(parts, panel.to_table(), {}, panel.dates, panel.dates[days])
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def test_the_confidence_of_the_model_is_the_distance_from_the_middle() -> None:
    table = pa.table(
        {
            "date": pa.array([date(2024, 1, 2)] * 3),
            "symbol": ["A", "B", "C"],
            "score": [0.1, 0.0, -0.3],
            "rank": [1.0, 0.5, 0.1],
        }
    )
    found = model_scores(table)
    assert found["confidence"].to_pylist() == pytest.approx([1.0, 0.0, 0.8])
    assert found["score"].to_pylist() == [0.1, 0.0, -0.3]


def test_a_blend_is_the_weighted_mean_and_confidence_the_agreement() -> None:
    one = part({1: [0.5, 0.5, 0.0]}, 0.75)
    other = part({1: [0.2, -0.1, 0.0]}, 0.25)
    found = blended(one, other, days=slice(1, 2))
    assert [row["symbol"] for row in found] == ["S000", "S001"]  # none wants S002
    assert [row["score"] for row in found] == pytest.approx([0.425, 0.35])
    assert [row["confidence"] for row in found] == pytest.approx([1.0, 0.75])


def test_a_decision_holds_until_the_next_and_a_quarter_at_most() -> None:
    found = blended(part({1: [1.0, 0, 0], 3: [0, 1.0, 0]}, 1.0))
    assert [(str(row["date"]), row["symbol"]) for row in found] == [
        (str(day), symbol)
        for day, symbol in zip(sessions(5)[1:], ["S000", "S000", "S001", "S001"], strict=True)
    ]
    long = blended(part({0: [1.0, 0, 0]}, 1.0), length=DECISION_SESSIONS + 3)
    assert len(long) == DECISION_SESSIONS
    assert lookback([part({}, 1.0)]) == 7 + DECISION_SESSIONS


def test_who_has_not_decided_has_no_say() -> None:
    found = blended(part({1: [1.0, 0, 0]}, 0.5), part({}, 0.5), days=slice(1, 2))
    assert [(row["score"], row["confidence"]) for row in found] == [(1.0, 1.0)]
    assert blended(part({}, 1.0)) == []


def test_weights_of_a_wrong_shape_are_named() -> None:
    with pytest.raises(StrategyError, match=r"'fixed': .* shape \(5, 3\). Got \(5, 2\) instead"):
        blended(part({}, 1.0, columns=2))
