"""What a researcher imports: tables as frames, SQL over all of them, and factors by expression.

    from quant_assets.api import evaluate, load, sql

    columns = ["date", "symbol", "close"]
    closes = load("demo/adjusted_bars", "2024-01-01", "2024-12-31", columns)
    sql("select symbol, avg(turnover) from demo.bars group by symbol order by 2 desc limit 10")
    evaluate("rank(-delta(close, 5))", "demo", "2024-01-01", "2024-12-31")

Tables come out of the warehouse as the graph has left them; expressions are computed on them here,
with the look-back that they need, and nothing is written.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from quant_assets.settings import load_settings
from quant_assets.warehouse.store import Warehouse, open_warehouse
from quant_assets.warehouse.window import Window

if TYPE_CHECKING:
    from quant_assets.factors.gate import Verdict

__all__ = ["evaluate", "judge", "load", "sql"]


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
        ConfigError: there is no such market.
        ValueError: `start` lies after `end`, or is not a date.
    """
    settings = load_settings()
    market = table.partition("/")[0]
    if "/" in table and market not in settings.inactive:
        settings.market(market)
    window = None
    if start is not None or end is not None:
        window = Window(_day(start) or date.min, _day(end) or date.max)
    rows = open_warehouse(settings).read(table, window, columns=columns, symbols=symbols)
    frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
    return frame


def sql(query: str) -> pd.DataFrame:
    """The answer to a query in ClickHouse's SQL; tables are `market.table`, such as `us.bars`.

    Raises:
        WarehouseError: the query is wrong or names a table that does not exist.
    """
    return _warehouse().sql(query)


def evaluate(
    expressions: str | Mapping[str, str],
    market: str,
    start: date | str,
    end: date | str,
) -> pd.DataFrame:
    """Factors by their expressions, over a market's adjusted bars.

    Args:
        expressions: one, or several by name.
        market: such as `us`.
        start: first day of the result, a date or `YYYY-MM-DD`; what lies before is read as needed.
        end: last day, included.

    Returns:
        Of one expression: a row for each session, a column for each symbol. Of several: a row for
        each session and symbol that has a bar (`date`, `symbol`), a column for each. NaN where a
        value is not defined. Without rows where no bars are materialized.

    Raises:
        ExpressionError: an expression is wrong; it points at the place.
        ConfigError: there is no such market.
        ValueError: there is no expression, or `start` lies after `end`.
    """
    from quant_assets.factors.reading import compute_from

    if not expressions and not isinstance(expressions, str):
        raise ValueError("there is no expression: give a formula, or several by name")
    named = {"value": expressions} if isinstance(expressions, str) else dict(expressions)
    window = Window(_needed_day(start), _needed_day(end))
    rows = compute_from(_warehouse(), load_settings(), market, named, window)
    frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
    if isinstance(expressions, str):
        frame = frame.pivot(index="date", columns="symbol", values="value")
    return frame


def judge(expression: str, market: str | None = None) -> "Verdict":
    """Put an expression through the gate that new factors must pass; see factors/gate.py.

    Args:
        expression: its text.
        market: whose last sessions it is tried on; without one only what needs no real data is.

    Raises:
        ConfigError: there is no such market.
        WarehouseError: the market's bars are not materialized.
    """
    from quant_assets.factors.reading import judge_on

    return judge_on(_warehouse(), load_settings(), expression, market)


def _warehouse() -> Warehouse:
    return open_warehouse(load_settings())


def _needed_day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _day(value: date | str | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value
