"""Partitions of a market: its calendar as days and months, look-backs, the windows of assets.

The only place that turns partition keys into session dates and back. Data are always sliced by the
dates of the partition's own time window, never by mapped partition keys: a month that begins on a
Saturday maps to the Friday before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import dagster as dg
import numpy as np

from quant_assets.market_data.calendars import exchange_days, extended, sessions_between, today
from quant_assets.settings import Market
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window


@dataclass(frozen=True)
class MarketPartitions:
    """The partitions definitions of one market, and the dates behind their keys."""

    market: Market

    @cached_property
    def sessions(self) -> np.ndarray:
        """Every session from the market's start to the end of its known calendar."""
        days = exchange_days(self.market)
        market = self.market
        if len(days) and market.start <= days[-1].item():
            until = market.end or days[-1].item()
            found = sessions_between(days, Window(market.start, until))
            if len(found):
                return found
        raise ConfigError(
            f"markets.yaml: {market.name}: {market.calendar} has no session from start "
            f"{market.start} to {f'end {market.end}' if market.end else 'the end of its calendar'}"
        )

    @cached_property
    def daily(self) -> dg.DailyPartitionsDefinition:
        """One partition a session.

        Weekdays that are never sessions are excluded by cron, holidays by date. A cron schedule of
        the weekdays would make Friday's window end on Monday; an `end_offset` would, on a Saturday,
        yield next Monday (dagster #17464, #33551).
        """
        first, last = self.sessions[0], self.sessions[-1]
        days = np.arange(first, last + 1)
        closed = np.setdiff1d(days, self.sessions)
        weekday = (days.astype(int) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
        never = [d for d in range(7) if not np.isin(days[weekday == d], self.sessions).any()]
        holidays = [d for d in closed if (int(d.astype(int)) + 3) % 7 not in never]
        return dg.DailyPartitionsDefinition(
            start_date=str(first),
            end_date=str(self.market.end + timedelta(days=1)) if self.market.end else None,
            timezone=self.market.timezone,
            exclusions=[
                *(f"0 0 * * {(d + 1) % 7}" for d in never),
                *(datetime.combine(d.item(), datetime.min.time()) for d in holidays),
            ],
        )

    @cached_property
    def yearly(self) -> dg.TimeWindowPartitionsDefinition:
        """One partition a year of raw files; the present year has one from its first day on."""
        ahead = self.market.end is None or self.market.end >= today(self.market)
        return dg.TimeWindowPartitionsDefinition(
            cron_schedule="0 0 1 1 *",
            start=f"{self.market.start:%Y}",
            end=None if ahead or self.market.end is None else f"{self.market.end.year + 1}",
            timezone=self.market.timezone,
            fmt="%Y",
            end_offset=1 if ahead else 0,
        )

    @cached_property
    def monthly(self) -> dg.MonthlyPartitionsDefinition:
        """One partition a month that has ended: summaries of its days."""
        return self._months(self.market.start, end_offset=0)

    @cached_property
    def model_months(self) -> dg.MonthlyPartitionsDefinition:
        """One partition a month with a model; the present month has one from its first day on."""
        return self._months(self.market.models_from, end_offset=1)

    def _months(self, start: date, end_offset: int) -> dg.MonthlyPartitionsDefinition:
        # An end that lies ahead ends nothing yet.
        ahead = self.market.end is not None and self.market.end >= today(self.market)
        end = None if ahead else self.market.end
        after = date(end.year + end.month // 12, end.month % 12 + 1, 1) if end else None
        return dg.MonthlyPartitionsDefinition(
            start_date=f"{start:%Y-%m}",
            end_date=f"{after:%Y-%m}" if after else None,
            timezone=self.market.timezone,
            fmt="%Y-%m",
            end_offset=0 if after else end_offset,
        )

    def group(self, chapter: str) -> str:
        """The group of a chapter of this market.

        The UI draws one box a group, and shows only the last part of a key: without the market in
        it, two markets could not be told apart.
        """
        return f"{self.market.name}_{chapter}"

    def window(self, context: dg.AssetExecutionContext) -> Window:
        """The first to the last day of the partitions that a run asks for."""
        time_window = context.partition_time_window
        return Window(time_window.start.date(), time_window.end.date() - timedelta(days=1))

    def checked(
        self, context: dg.AssetCheckExecutionContext, warehouse: Warehouse, table: str
    ) -> Window | None:
        """The days of a check's run; for a check that is run on its own, those a table holds."""
        if context.has_partition_key or context.has_partition_key_range:
            days = context.partition_key_range
            return Window(date.fromisoformat(days.start), date.fromisoformat(days.end))
        held = self.materialized(warehouse, table)
        return Window(held[0].item(), held[-1].item()) if len(held) else None

    def sessions_in(self, window: Window) -> np.ndarray:
        """The sessions of a window, `datetime64[D]`."""
        return sessions_between(self.sessions, window)

    def blocks(self, window: Window, count: int) -> list[Window]:
        """The window cut into pieces of at most `count` sessions, oldest first, without gaps."""
        starts = [window.start, *self.sessions_in(window)[count::count].tolist()]
        ends = [*(start - timedelta(days=1) for start in starts[1:]), window.end]
        return [Window(start, end) for start, end in zip(starts, ends, strict=True)]

    def back(self, window: Window, sessions: int) -> Window:
        """The window with so many more sessions before it, cut at the market's start."""
        return extended(self.sessions, window, sessions)

    def month(self, month: str) -> Window:
        """The days of a month `YYYY-MM`, from the market's start on."""
        first = np.datetime64(month, "M")
        last = (first + 1).astype("datetime64[D]") - 1
        return Window(max(first.astype("datetime64[D]").item(), self.market.start), last.item())

    def until(self, day: date) -> Window:
        """Everything from the market's start to a day."""
        return Window(self.market.start, day)

    def materialized(self, warehouse: Warehouse, table: str) -> np.ndarray:
        """The sessions from the first to the last day that a daily table holds."""
        days = warehouse.partitions(f"{self.market.name}/{table}")
        if not days:
            return self.sessions[:0]
        return self.sessions_in(Window(date.fromisoformat(days[0]), date.fromisoformat(days[-1])))

    def months_in(self, window: Window) -> list[str]:
        """The months `YYYY-MM` that a window touches."""
        months = np.arange(np.datetime64(window.start, "M"), np.datetime64(window.end, "M") + 1)
        return [str(month) for month in months]


def looking_back(
    key: dg.AssetKey, sessions: int = 0, columns: Sequence[str] | None = None
) -> dg.AssetIn:
    """An input with the sessions before the window that a day needs, and only some columns.

    The IO manager reads the look-back as the metadata say. The mapping is day to day all the same:
    with a `start_offset` of it, a range launched in the UI would be extended downstream by the
    look-back, asset after asset, and would mark days that nobody asked for.
    """
    return dg.AssetIn(
        key=key,
        partition_mapping=dg.TimeWindowPartitionMapping(),
        metadata={"lookback": sessions, **({"columns": list(columns)} if columns else {})},
    )


def all_days(key: dg.AssetKey) -> dg.AssetDep:
    """A dependency on the whole history of a table, for assets that are not partitioned by time."""
    return dg.AssetDep(key, partition_mapping=dg.AllPartitionMapping())
