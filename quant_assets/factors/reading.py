"""Expressions on what the warehouse holds: reading just what they need, and computing them.

Here stands the way from a market's tables to results for a caller outside the graph: the api and
the command line. Assets get their tables from the graph and go straight to compute.py.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from quant_assets.factors.catalogue import catalogue
from quant_assets.factors.compute import compute, plan_of
from quant_assets.factors.gate import Rules, Verdict, judge
from quant_assets.factors.market_fields import MarketFields, columns, market_fields
from quant_assets.factors.point_in_time import ROOM
from quant_assets.market_data.calendars import sessions
from quant_assets.settings import Settings
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window


def compute_from(
    warehouse: Warehouse,
    settings: Settings,
    market: str,
    expressions: Mapping[str, str],
    window: Window,
) -> pa.Table:
    """The rows of named expressions over a window of a market.

    Raises:
        ExpressionError: an expression is wrong.
        ConfigError: there is no such market.
        WarehouseError: the market's bars are not materialized.
    """
    chosen = plan_of(expressions, catalogue(settings.factors, market).definitions)
    history = _back(settings, market, window, chosen.lookback)
    fields = read_fields(warehouse, market, chosen.fields, history)
    memory = settings.factors.memory_mb << 20
    parts = [rows for _, rows in compute([chosen], fields, window, settings.thread_no, memory)]
    return pa.concat_tables(parts)


def judge_on(
    warehouse: Warehouse,
    settings: Settings,
    expression: str,
    market: str | None,
    rules: Rules | None = None,
) -> Verdict:
    """What the gate says of an expression on the last sessions of a market.

    The history that is read reaches back as far as any factor of the market's libraries needs, so
    that the expression can be held against all of them.

    Raises:
        ConfigError: there is no such market.
        WarehouseError: the market's bars are not materialized.
    """
    if market is None:
        return judge(expression, catalogue(settings.factors, ""), rules=rules)
    known = catalogue(settings.factors, market)
    every = {f.name: f.formula for name in known.names for f in known.library(name).factors}
    first = judge(expression, known, rules=rules)
    if first.lookback is None:
        return first
    whole = plan_of({**every, "candidate": expression}, known.definitions)
    last = _last_day(warehouse, market)
    bound = rules or Rules()
    window = _back(settings, market, Window(last, last), whole.lookback + bound.sessions + ROOM)
    fields = read_fields(warehouse, market, whole.fields, window)
    return judge(expression, known, fields, bound)


def read_fields(
    warehouse: Warehouse, market: str, names: tuple[str, ...], window: Window
) -> MarketFields:
    """The fields of those names over a window of a market's tables."""
    wanted = columns(names)
    tables = {
        table: warehouse.read(f"{market}/{table}", window, columns=chosen)
        for table, chosen in wanted.items()
        if chosen
    }
    return market_fields(
        names, tables["adjusted_bars"], tables["benchmark"], tables.get("universe")
    )


def _back(settings: Settings, market: str, window: Window, count: int) -> Window:
    """The window with so many sessions before it, fewer at the market's start."""
    days = sessions(settings.market(market), window.end)
    first = int(np.searchsorted(days, np.datetime64(window.start, "D")))
    begin = days[max(first - count, 0)].item() if first else window.start
    return Window(min(begin, window.start), window.end)


def _last_day(warehouse: Warehouse, market: str) -> date:
    """The last day with bars; today where there is none, so that reading says what is missing."""
    days = warehouse.partitions(f"{market}/adjusted_bars")
    return max((date.fromisoformat(day) for day in days), default=date.today() - timedelta(days=1))
