"""What a researcher imports: tables as frames, and SQL over all of them.

    from quant_assets.api import load, sql

    columns = ["date", "symbol", "close"]
    closes = load("demo/adjusted_bars", "2024-01-01", "2024-12-31", columns)
    sql("select symbol, avg(turnover) from demo.bars group by symbol order by 2 desc limit 10")

Nothing is computed here: tables come out of the warehouse as the graph has left them.
"""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from quant_assets.settings import load_settings
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.window import Window

__all__ = ["load", "sql"]


def load(
    table: str,
    start: date | str | None = None,
    end: date | str | None = None,
    columns: Sequence[str] | None = None,
    symbols: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Rows of a table, sorted by its key.

    Args:
        table: `market/table`, such as `us/bars`.
        start: first day, a date or `YYYY-MM-DD`; by default the first there is.
        end: last day, included; by default the last there is.
        columns: those wanted, in their order; by default all.
        symbols: those wanted; by default all.

    Returns:
        One row a key, dates as `datetime64`, missing values as NaN.

    Raises:
        WarehouseError: no such table or column, with the nearest name.
        ValueError: `start` lies after `end`, or is not a date.
    """
    window = None
    if start is not None or end is not None:
        window = Window(_day(start) or date.min, _day(end) or date.max)
    rows = _warehouse().read(table, window, columns=columns, symbols=symbols)
    frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
    return frame


def sql(query: str) -> pd.DataFrame:
    """The answer to a query in ClickHouse's SQL; tables are `market.table`, such as `us.bars`.

    Raises:
        WarehouseError: the query is wrong or names a table that does not exist.
    """
    return _warehouse().sql(query)


def _warehouse() -> ParquetWarehouse:
    settings = load_settings()
    return ParquetWarehouse(settings.warehouse_root, settings.markets)


def _day(value: date | str | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value
