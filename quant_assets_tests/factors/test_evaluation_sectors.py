"""Summary by sector: literal reference, rules of time, contract with the schema."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from quant_assets.factors.evaluation.sectors import any_sector, evaluate_sectors, lookback
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors import evaluation_reference as reference
from quant_assets_tests.factors.samples import long
from quant_assets_tests.factors.test_evaluation import HORIZONS, frames_of, panels
from quant_assets_tests.prefix import PanelInputs

KEYS = ["month", "factor", "horizon", "sector"]
MEASURES = ("observations", "ic", "ic_std", "icir", "rank_ic", "rank_ic_std", "rank_icir")


def evaluated(data: PanelInputs, window: Window | None = None, **options: Any) -> pa.Table:
    f, where = data.fields, (data.dates, data.symbols)
    return evaluate_sectors(
        long(*where, first=f["first"], second=f["second"]),
        long(*where, close=f["close"]),
        long(*where, member=f["member"], sector=f["sector"]),
        data.dates,
        window or Window(data.dates[0].item(), data.dates[-1].item()),
        **{"horizons": HORIZONS, **options},
    )


def literal(data: PanelInputs, start: int = 0) -> pd.DataFrame:
    frames = frames_of(data)
    months = data.dates.astype("datetime64[M]")
    sectors = sorted({name for name in data.fields["sector"].ravel() if name is not None})
    return pd.DataFrame(
        [
            {"month": str(month), "factor": name, "horizon": h, "sector": sector} | row
            for month in np.unique(months[start:])
            for name in ("first", "second")
            for h in HORIZONS
            for sector in sectors
            if (row := literal_row(frames, months == month, start, name, h, sector))
        ]
    )


def literal_row(
    frames: Any, inside: np.ndarray, start: int, factor: str, h: int, sector: str
) -> dict[str, float]:
    """The statistics of the days `inside`, none where no day has a pair."""
    days = pd.DataFrame(
        [
            reference.sector_score(frames[factor], frames, t, h, sector)
            for t in range(max(h, start), len(inside))
            if inside[t]
        ],
        columns=["observations", "ic", "rank_ic"],
    )
    row = dict.fromkeys(MEASURES, np.nan) | {"days": days["rank_ic"].count()}
    row["observations"] = days["observations"].mean()
    for ic in ("ic", "rank_ic"):
        mean, deviation = days[ic].mean(), days[ic].std(ddof=1)
        if reference.varies(days[ic].dropna()):
            row[f"{ic}ir"] = mean / deviation
        row |= {ic: mean, f"{ic}_std": deviation}
    return row if row["observations"] > 0 else {}


def check_equal(table: pa.Table, expected: pd.DataFrame) -> None:
    schema_of("us/factor_sector_summary").validate(table)
    found = table.to_pandas()
    assert len(found) == len(expected)
    if not len(found):
        return
    order = found.sort_values(KEYS, kind="stable").index
    assert order.is_monotonic_increasing
    assert found[KEYS].astype(str).equals(expected[KEYS].astype(str))
    for name in expected.columns.drop(KEYS):
        assert_allclose(
            found[name].to_numpy(float), expected[name].to_numpy(float), atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_agrees_with_the_literal_reference(ties: bool) -> None:
    data = panels(14, 60, seed=31, ties=ties)
    data.fields["first"][5] = 0.1  # a constant factor
    data.fields["member"][6] = False
    check_equal(evaluated(data), literal(data))


def test_agrees_where_nothing_is_missing() -> None:
    data = panels(8, 60, seed=32, missing=0.0)
    data.fields["member"][:] = True
    check_equal(evaluated(data), literal(data))


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    N=st.integers(1, 40),
    ties=st.booleans(),
    missing=st.floats(0.0, 0.6),
)
def test_properties_of_any_market(seed: int, N: int, ties: bool, missing: float) -> None:
    data = panels(6, N, seed, ties, missing)
    check_equal(evaluated(data), literal(data))


def test_a_window_needs_its_look_back_and_no_thread_changes_a_bit() -> None:
    data = panels(30, 40, seed=33)
    start, stop = 15, 25
    window = Window(data.dates[start].item(), data.dates[stop - 1].item())
    table = evaluated(data, window)
    assert evaluated(data.between(start - lookback(HORIZONS), stop), window).equals(table)
    assert evaluated(data.noise_after(stop - 1), window).equals(table)
    assert evaluated(data, window, thread_no=3).equals(table)
    check_equal(table, literal(data.between(0, stop), start))


def test_months_together_have_the_bits_of_each_alone() -> None:
    data = panels(70, 40, seed=36, ties=True)
    days, past = data.dates.astype("datetime64[M]"), lookback(HORIZONS)
    together = evaluated(data)
    months = np.unique(days)
    assert len(months) >= 3
    assert together["month"].unique().to_pylist() == [str(month) for month in months]
    for month in months:
        first, stop = np.searchsorted(days, [month, month + 1]).tolist()
        alone = evaluated(
            data.between(max(first - past, 0), stop),
            Window(data.dates[first].item(), data.dates[stop - 1].item()),
        )
        assert alone.equals(together.filter(pc.equal(together["month"], str(month))))


def test_a_signal_in_one_sector_is_found_there_only() -> None:
    data = panels(60, 60, seed=34, missing=0.0)
    data.fields["member"][:] = True
    close, tech = data.fields["close"], data.fields["sector"] == "Tech"
    ahead = np.zeros_like(close)
    ahead[:-1] = close[1:] / close[:-1] - 1.0
    data.fields["first"][tech] = ahead[tech]
    table = evaluated(data, horizons=(1,)).to_pandas().query("factor == 'first'")
    ics = table.groupby("sector")["rank_ic"].mean()
    assert ics["Tech"] > 0.9
    assert (ics.drop("Tech").abs() < 0.1).all()


def test_a_month_without_sectors_has_no_rows() -> None:
    data = panels(12, 20, seed=35)
    data.fields["sector"][:] = None
    universe = pa.table({"sector": pa.array([None] * 3, pa.string())})
    assert not any_sector(universe)
    assert any_sector(pa.table({"sector": [None, "Tech"]}))
    table = evaluated(data)
    assert table.num_rows == 0
    schema_of("us/factor_sector_summary").validate(table)
