"""Ten queries that a researcher would write: the same rows from both stores."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data.actions.events import event_table
from quant_assets.warehouse.clickhouse import ClickHouseWarehouse
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window
from quant_assets_tests.warehouse.server_process import empty

DAYS = [d for i in range(150) if (d := date(2023, 11, 1) + timedelta(days=i)).weekday() < 5]
SYMBOLS = [f"S{i:02d}" for i in range(12)]

QUERIES = {
    "the last known corporate action of each bar": """
        SELECT b.date, b.symbol, b.close, a.kind, a.ratio, a.cash
        FROM demo.bars AS b ASOF LEFT JOIN (
            -- one action a symbol and day: as-of joins need a unique right side
            SELECT symbol, ex_date, any(kind) AS kind, any(ratio) AS ratio, any(cash) AS cash
            FROM demo.corporate_actions GROUP BY symbol, ex_date
        ) AS a ON b.symbol = a.symbol AND b.date >= a.ex_date
        ORDER BY b.date, b.symbol
    """,
    "returns from one session to the next": """
        SELECT date, symbol, close / lagInFrame(toNullable(close)) OVER w - 1 AS daily_return
        FROM demo.adjusted_bars
        WINDOW w AS (PARTITION BY symbol ORDER BY date ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
        ORDER BY symbol, date
    """,
    "a moving average and what lies above it": """
        SELECT date, symbol, close, mean FROM (
            SELECT date, symbol, close,
                avg(close) OVER (PARTITION BY symbol ORDER BY date ROWS 19 PRECEDING) AS mean,
                row_number() OVER (PARTITION BY symbol ORDER BY date) AS age
            FROM demo.adjusted_bars
        ) WHERE age >= 20 AND close > mean ORDER BY date, symbol
    """,
    "quantiles of turnover by sector": """
        SELECT sector, quantilesExactInclusive(0.1, 0.5, 0.9)(turnover) AS deciles,
            quantileExact(0.5)(volume) AS volume, count() AS n
        FROM demo.bars INNER JOIN demo.universe USING (date, symbol)
        GROUP BY sector ORDER BY sector NULLS LAST
    """,
    "months": """
        SELECT toStartOfMonth(date) AS month, symbol, argMin(open, date) AS first,
            argMax(close, date) AS last, max(high) AS top, sum(volume) AS volume
        FROM demo.bars GROUP BY month, symbol ORDER BY month, symbol
    """,
    "the three highest factor values of each day among members": """
        SELECT f.date, f.symbol, f.size FROM demo.factors_style AS f
        INNER JOIN demo.universe AS u ON u.date = f.date AND u.symbol = f.symbol
        WHERE u.member AND isNotNull(f.size)
        ORDER BY f.date, f.size DESC, f.symbol LIMIT 3 BY f.date
    """,
    "closes of three symbols side by side": """
        SELECT date, anyIf(close, symbol = 'S00') AS s00, anyIf(close, symbol = 'S01') AS s01,
            anyIf(close, symbol = 'S02') AS s02, countIf(close > 50) AS above
        FROM demo.bars GROUP BY date ORDER BY date
    """,
    "correlation of a factor with the next session's return": """
        SELECT date, corr(size, next) AS ic, count() AS n FROM (
            SELECT f.date AS date, f.size AS size,
                leadInFrame(b.close) OVER w / b.close - 1 AS next,
                count() OVER w AS ahead
            FROM demo.factors_style AS f
            INNER JOIN demo.adjusted_bars AS b ON b.date = f.date AND b.symbol = f.symbol
            WINDOW w AS (
                PARTITION BY b.symbol ORDER BY b.date ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
            )
        ) WHERE ahead = 2 GROUP BY date ORDER BY date
    """,
    "the deepest drawdown of each symbol": """
        SELECT symbol, min(close / peak - 1) AS drawdown, argMin(date, close / peak) AS at FROM (
            SELECT date, symbol, close,
                max(close) OVER (PARTITION BY symbol ORDER BY date) AS peak
            FROM demo.adjusted_bars
        ) GROUP BY symbol ORDER BY drawdown
    """,
    "members' factors against the index": """
        WITH ranked AS (
            SELECT date, symbol, percent_rank() OVER (PARTITION BY date ORDER BY beta) AS rank
            FROM demo.factors_style WHERE beta IS NOT NULL
        )
        SELECT r.date, i.index_close, avgIf(r.rank, u.limit_up) AS limit_up,
            uniqExact(u.sector) AS sectors
        FROM ranked AS r
        INNER JOIN demo.universe AS u ON u.date = r.date AND u.symbol = r.symbol
        LEFT JOIN demo.benchmark AS i ON i.date = r.date
        WHERE u.member GROUP BY r.date, i.index_close ORDER BY r.date
    """,
}


def tables() -> dict[str, pa.Table]:
    """Half a year of a small market; every tenth value of a factor is missing."""
    rng = np.random.default_rng(3)
    count = len(DAYS) * len(SYMBOLS)
    key = {
        "date": pa.array([day for day in DAYS for _ in SYMBOLS]),
        "symbol": pa.array(SYMBOLS * len(DAYS)),
    }
    closes = np.round(np.exp(rng.normal(0, 0.02, (len(DAYS), len(SYMBOLS))).cumsum(0)) * 50, 2)
    close = closes.reshape(-1)
    volume = np.round(rng.lognormal(10, 1, count))
    prices = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}
    sectors = np.array(["Energy", "Banks", None], dtype=object)
    events = [(DAYS[i * 9], SYMBOLS[i % 5]) for i in range(10)]
    return {
        "bars": pa.table(
            {**key, **prices, "volume": volume, "turnover": volume * close, "flags": [""] * count}
        ),
        "adjusted_bars": pa.table(
            {
                **key,
                **prices,
                "volume": volume,
                "turnover": volume * close,
                "price_factor": np.ones(count),
                "volume_factor": np.ones(count),
            }
        ),
        "universe": pa.table(
            {
                **key,
                "sector": pa.array(np.tile(sectors, count // 3)),
                "industry": pa.nulls(count, pa.string()),
                "average_turnover": pa.nulls(count, pa.float64()),
                "age": pa.array([252] * count, pa.int32()),
                "halted": np.zeros(count, bool),
                "limit_up": rng.random(count) < 0.2,
                "limit_down": np.zeros(count, bool),
                "member": rng.random(count) < 0.8,
            }
        ),
        "factors_style": pa.table(
            {
                **key,
                "size": pa.array(np.where(rng.random(count) < 0.1, np.nan, rng.normal(size=count))),
                "beta": pa.array(np.round(rng.normal(size=count), 1)),
            }
        ),
        "benchmark": pa.table(
            {
                "date": pa.array(DAYS),
                "index_open": closes.mean(1),
                "index_close": closes.mean(1),
                "volatility_index": pa.nulls(len(DAYS), pa.float64()),
                "risk_free_rate": pa.array([0.05] * len(DAYS)),
            }
        ),
        "corporate_actions": event_table(
            pa.table(
                {
                    "ex_date": pa.array([day for day, _ in events]),
                    "symbol": [symbol for _, symbol in events],
                    "kind": ["split" if i % 2 else "dividend" for i in range(10)],
                    "ratio": pa.array([2.0 if i % 2 else None for i in range(10)]),
                    "cash": pa.array([None if i % 2 else 0.25 for i in range(10)]),
                    "source": ["made up"] * 10,
                }
            )
        ),
    }


@pytest.fixture(scope="module")
def both(
    _connected: ClickHouseWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Warehouse]]:
    """The same tables in both stores."""
    empty(_connected.server)
    stores: list[Warehouse] = [
        ParquetWarehouse(str(tmp_path_factory.mktemp("research")), ["demo"]),
        _connected,
    ]
    for store in stores:
        for name, frame in tables().items():
            window = None if name == "corporate_actions" else Window(DAYS[0], DAYS[-1])
            store.replace(f"demo/{name}", window, frame)
    yield stores
    empty(_connected.server)


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_rows(both: list[Warehouse], name: str) -> None:
    files, server = (store.sql(QUERIES[name]) for store in both)
    assert len(files) > 0
    # sums are added up in another order, by other threads, so the last bits may differ
    pd.testing.assert_frame_equal(files, server, rtol=1e-12)


def test_the_answers_are_right(both: list[Warehouse]) -> None:
    """Three of the ten against pandas."""
    bars = tables()["adjusted_bars"].to_pandas(date_as_object=False)
    closes = bars.pivot(index="date", columns="symbol", values="close")
    for store in both:
        found = store.sql(QUERIES["returns from one session to the next"])
        expected = closes.pct_change(fill_method=None).T.stack(future_stack=True)
        np.testing.assert_allclose(found["daily_return"], expected, rtol=1e-12)
        found = store.sql(QUERIES["the deepest drawdown of each symbol"]).set_index("symbol")
        deepest = (closes / closes.cummax() - 1).min()
        np.testing.assert_allclose(found["drawdown"].sort_index(), deepest, rtol=1e-12)
        found = store.sql(QUERIES["the last known corporate action of each bar"])
        actions = tables()["corporate_actions"].to_pandas(date_as_object=False)
        expected = pd.merge_asof(
            found[["date", "symbol"]].sort_values("date", kind="stable"),
            actions.rename(columns={"ex_date": "date"}).sort_values("date"),
            on="date",
            by="symbol",
        )
        np.testing.assert_array_equal(found["cash"].fillna(-1), expected["cash"].fillna(-1))
