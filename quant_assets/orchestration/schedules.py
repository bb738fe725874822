"""Schedules: when a market's partitions are asked for, in the market's own time zone.

Which assets a request covers stands in jobs.py.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import dagster as dg

from quant_assets.orchestration.jobs import AssetJob, MarketJobs
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.settings import Market
from quant_assets.warehouse.window import Window

# On the first of a month the last session of the month before comes first: hours after `daily_at`.
# Where raw files are fetched first, the sessions follow an hour later.
SESSIONS_AFTER_FILES = 1
MODELS_AFTER, SUMMARIES_AFTER, STRATEGIES_AFTER = 2, 2, 4

Requests = Iterator[dg.RunRequest | dg.SkipReason]


def market_schedules(
    partitions: MarketPartitions, strategies: list[str], jobs: MarketJobs
) -> list[dg.ScheduleDefinition]:
    """Sessions every day after the market's close; models, summaries, strategies every month.

    A session's partition exists once its day has ended, so the daily schedule asks after midnight
    for the day before, and skips days after no session.
    """
    market = partitions.market

    def schedule(
        name: str, job: AssetJob, days: str, hours: int, requests: Callable[[date], Requests]
    ) -> dg.ScheduleDefinition:
        at = datetime.combine(date.min, market.daily_at) + timedelta(hours=hours)

        @dg.schedule(
            name=f"{market.name}_{name}",
            job=job,
            cron_schedule=f"{at.minute} {at.hour} {days} * *",
            execution_timezone=market.timezone,
            description=job.description,
        )
        def tick(context: dg.ScheduleEvaluationContext) -> Requests:
            yield from requests(context.scheduled_execution_time.date())

        return tick

    def request(definition: dg.TimeWindowPartitionsDefinition, key: str) -> Requests:
        # Before the first model, and after the market's end, there is nothing to ask for.
        if definition.has_partition_key(key):
            yield dg.RunRequest(run_key=key, partition_key=key)
        else:
            yield dg.SkipReason(f"{market.name} has no partition {key}")

    def session(today: date) -> Requests:
        yesterday = today - timedelta(days=1)
        if len(partitions.sessions_in(Window(yesterday, yesterday))):
            yield from request(partitions.daily, str(yesterday))
        else:
            yield dg.SkipReason(f"{yesterday} was no session of {market.calendar}")

    def its_year(today: date) -> Requests:
        year = (today - timedelta(days=1)).year
        if partitions.yearly.has_partition_key(str(year)):
            # the same year again and again: the day makes it another request
            yield dg.RunRequest(run_key=str(today), partition_key=str(year))
        else:
            yield dg.SkipReason(f"{market.name} has no partition {year}")

    def this_month(today: date) -> Requests:
        yield from request(partitions.model_months, f"{today:%Y-%m}")

    def last_month(today: date) -> Requests:
        yield from request(partitions.monthly, f"{today.replace(day=1) - timedelta(days=1):%Y-%m}")

    def each_strategy(today: date) -> Requests:
        for name in strategies:
            yield dg.RunRequest(run_key=f"{name}:{today}", partition_key=name)

    files = [schedule("raw_files", jobs.raw_files, "*", 0, its_year)] if jobs.raw_files else []
    return [
        *files,
        schedule("daily", jobs.daily, "*", SESSIONS_AFTER_FILES if files else 0, session),
        schedule("models_monthly", jobs.models, "1", MODELS_AFTER, this_month),
        schedule("summaries_monthly", jobs.summaries, "1", SUMMARIES_AFTER, last_month),
        schedule("strategies_monthly", jobs.strategies, "1", STRATEGIES_AFTER, each_strategy),
    ]


def every_day(market: Market, job: AssetJob, hours: int) -> dg.ScheduleDefinition:
    """The schedule of a job without partitions: every day, `hours` after the market's own."""
    at = datetime.combine(date.min, market.daily_at) + timedelta(hours=hours)

    @dg.schedule(
        name=f"{job.name}_daily",
        job=job,
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=market.timezone,
        description=job.description,
    )
    def tick(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        yield dg.RunRequest(run_key=str(context.scheduled_execution_time.date()))

    return tick
