"""Drawdowns by hand."""

import numpy as np
import pytest

from quant_assets.performance.drawdowns import drawdown_series


def test_losses_are_measured_from_the_highest_value_the_start_included() -> None:
    returns = np.array([-0.5, 1.0, 0.2, -0.25, 0.0])
    assert drawdown_series(returns).tolist() == pytest.approx([-0.5, 0, 0, -0.25, -0.25])
    assert len(drawdown_series(np.array([]))) == 0


def test_lost_capital_stays_lost() -> None:
    assert drawdown_series(np.array([0.1, -1.0, 0.5])).tolist() == [0.0, -1.0, -1.0]
    owed = np.array([0.1, -1.5, -3.0, 0.5])
    assert drawdown_series(owed).tolist() == pytest.approx([0.0, -1.5, -1.5, -1.5])
    assert owed.tolist() == [0.1, -1.5, -3.0, 0.5]
