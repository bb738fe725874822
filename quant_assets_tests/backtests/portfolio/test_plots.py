"""The picture of a day: drawn for every kind of day, and small enough for the UI."""

import pyarrow as pa
import pytest

from quant_assets.backtests.portfolio.plots import sectors_figure

SECTORS = [f"A long name of an industry {k}" for k in range(30)]


@pytest.mark.parametrize(
    ("sectors", "target", "before"),
    [
        (["oil", "oil", None], [0.2, 0.1, 0.3], [0.0, 0.3, 0.3]),
        (["oil", "rail"], [0.2, -0.2], [-0.1, 0.1]),
        (SECTORS, [0.03] * 30, [0.0] * 30),
        (["oil"], [0.0], [0.0]),
        ([], [], []),
    ],
)
def test_every_day_has_a_picture(
    sectors: list[str | None], target: list[float], before: list[float]
) -> None:
    rows = pa.table(
        {
            "sector": pa.array(sectors, pa.string()),
            "target_weight": pa.array(target, pa.float64()),
            "previous_weight": pa.array(before, pa.float64()),
        }
    )
    drawn = sectors_figure(rows, "Test market, 2024-01-02", 0.3)
    assert drawn.startswith(b"\x89PNG")
    assert 1_000 < len(drawn) < 60_000
    assert sectors_figure(rows, "Test market, 2024-01-02", 0.3) == drawn
