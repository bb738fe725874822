"""Labels against a literal loop, on the calendar's sessions, and nothing later in them."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.market_data.panels import date_column
from quant_assets.models.labels import SCHEMA, labels, look_back
from quant_assets.warehouse.window import Window
from quant_assets_tests.models.synthetic import Tables, market
from quant_assets_tests.prefix import PanelInputs, check_prefix

TABLES = market(sessions=60, symbols=8, missing=0.2)


def literal(tables: Tables, window: Window, horizons: list[int]) -> list[tuple]:
    bars = {(r["date"], r["symbol"]): r for r in tables.adjusted.to_pylist()}
    sessions = tables.sessions.tolist()
    rows = []
    for i, day in enumerate(sessions):
        if not window.contains(day):
            continue
        for symbol in tables.symbols:
            for h in horizons:
                if i < h:
                    continue
                entry = bars[sessions[i - h + 1], symbol]["open"]
                value = bars[day, symbol]["close"]
                if entry is not None and value is not None:
                    rows.append((day, symbol, sessions[i - h], h, value / entry - 1))
    return rows


@pytest.mark.parametrize("horizons", [[1], [5], [1, 3, 10]])
@pytest.mark.parametrize("span", [(0, 59), (12, 30), (57, 59)])
def test_labels_are_those_of_a_literal_loop(horizons: list[int], span: tuple[int, int]) -> None:
    window = Window(*(TABLES.sessions[i].item() for i in span))
    table = labels(TABLES.adjusted, TABLES.sessions, window, horizons)
    assert table.schema == SCHEMA
    expected = literal(TABLES, window, horizons)
    assert expected
    assert list(zip(*table.to_pydict().values(), strict=True)) == expected


def test_one_trade_by_hand() -> None:
    sessions = np.array(["2024-03-01", "2024-03-04", "2024-03-05", "2024-03-06"], "datetime64[D]")
    bars = pa.table(
        {
            "date": date_column(sessions),
            "symbol": ["A"] * 4,
            "open": [10.0, 20.0, 30.0, 40.0],
            "close": [11.0, 22.0, 33.0, 44.0],
        }
    )
    window = Window(date(2024, 3, 6), date(2024, 3, 6))
    # Decided on Friday the 1st, bought at Monday's open at 20, sold at Wednesday's close at 44.
    assert labels(bars, sessions, window, 3).to_pylist() == [
        {
            "date": date(2024, 3, 6),
            "symbol": "A",
            "decision_date": date(2024, 3, 1),
            "horizon": 3,
            "value": 44 / 20 - 1,
        }
    ]
    # A day without the symbol in between changes nothing: h counts sessions, not rows.
    gap = bars.filter(pa.array([True, True, False, True]))
    assert labels(gap, sessions, window, 3)["value"].to_pylist() == [44 / 20 - 1]
    # A price that is not above 0 is no price.
    zero = bars.set_column(2, "open", pa.array([10.0, 0.0, 30.0, 40.0]))
    assert labels(zero, sessions, window, 3).num_rows == 0


def test_a_window_without_sessions_and_an_empty_table_give_no_rows() -> None:
    weekend = Window(date(2022, 1, 8), date(2022, 1, 9))
    empty = labels(TABLES.adjusted, TABLES.sessions, weekend, 5)
    assert (empty.num_rows, empty.schema) == (0, SCHEMA)
    nothing = labels(
        TABLES.adjusted.slice(0, 0),
        TABLES.sessions,
        Window(date(2022, 2, 1), date(2022, 3, 1)),
        5,
    )
    assert (nothing.num_rows, nothing.schema) == (0, SCHEMA)


@pytest.mark.parametrize("horizon", [0, -1, [], [5, 0]])
def test_impossible_horizons_are_refused(horizon: int | list[int]) -> None:
    window = Window(date(2022, 2, 1), date(2022, 3, 1))
    with pytest.raises(ValueError, match="horizons must be sessions >= 1"):
        labels(TABLES.adjusted, TABLES.sessions, window, horizon)


def test_labels_depend_on_nothing_later_and_not_on_the_range_start() -> None:
    tables = market(sessions=60, symbols=8, missing=0.1, seed=5)
    shape = (len(tables.sessions), len(tables.symbols))
    fields = {name: tables.adjusted[name].to_numpy().reshape(shape) for name in ("open", "close")}

    def computed(data: PanelInputs) -> pa.Table:
        count = len(data.symbols)
        bars = pa.table(
            {
                "date": date_column(np.repeat(data.dates, count)),
                "symbol": pa.array(np.tile(data.symbols.astype(object), len(data.dates))),
                **{name: pa.array(values.ravel()) for name, values in data.fields.items()},
            }
        )
        window = Window(data.dates[0].item(), data.dates[-1].item())
        return labels(bars, tables.sessions, window, [1, 5]).drop_columns(["decision_date"])

    check_prefix(
        computed,
        PanelInputs(tables.sessions, tables.symbols, fields),
        lookback=look_back([1, 5]),
        keys=("date", "symbol", "horizon"),
    )
