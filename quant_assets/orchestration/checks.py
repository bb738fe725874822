"""Asset checks: one generated from each table's schema, and facts of finance written by hand.

What a table's schema demands stands in `warehouse.schemas` and what the facts are in
`market_data.facts`; here they become checks that run after the asset, in the same run.
"""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from quant_assets.factors.catalogue import catalogue
from quant_assets.factors.compute import plan_of
from quant_assets.market_data import facts
from quant_assets.market_data.minute_bars import within_daily_bars
from quant_assets.market_data.sources.registry import open_source
from quant_assets.market_data.sources.series import indices_of, rows_on_sessions
from quant_assets.market_data.trading_status import within_limits
from quant_assets.orchestration.io_managers import table_of
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.settings import Settings
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window

# Daily bars of one symbol beyond these simple returns are faults of data unless they are flagged.
RETURN_BOUNDS = (-0.95, 10.0)
# Of the members of the universe so many must have a value for the day's factors to be of use.
LEAST_COVERAGE = 0.5
COVERING_FACTORS = 8
# Sessions that a check reads at a time: the tables of a decade need not be held at once.
CHECKED_SESSIONS = 252

# After the scheduled time of the daily run.
HOURS_TO_BE_FRESH = 6

Found = facts.Finding
Body = Callable[[Warehouse, Window], Found]


def market_checks(
    partitions: MarketPartitions, settings: Settings, assets: Sequence[dg.AssetsDefinition]
) -> list[dg.AssetChecksDefinition]:
    """Schema checks of every table, and the facts of the market's daily tables."""
    name = partitions.market.name
    known = catalogue(settings.factors, name)
    daily = [key for a in assets if a.partitions_def == partitions.daily for key in a.keys]
    # Rows of huge tables are checked as they pass into the warehouse; read back, a day would have
    # to be held whole.
    checked = [key for key in daily if not schema_of(table_of(key)).huge]
    schema = [_daily(partitions, key, "schema", _conforms(key), blocking=True) for key in checked]

    def rows_accounted(warehouse: Warehouse, window: Window) -> Found:
        """Every row of the source is a bar or in quarantine, day by day."""
        return facts.rows_accounted(
            open_source(partitions.market).count_rows(window),
            warehouse.read(f"{name}/bars", window, ["date"]),
            warehouse.read(f"{name}/quarantine", window, ["date"]),
        )

    def sessions_present(warehouse: Warehouse, window: Window) -> Found:
        """Every session has bars."""
        return facts.sessions_present(
            partitions.sessions_in(window).tolist(),
            warehouse.read(f"{name}/bars", window, ["date"]),
        )

    def returns_in_bounds(warehouse: Warehouse, window: Window) -> Found:
        """Adjusted close-to-close returns lie within bounds, but for flagged bars."""
        return facts.returns_in_bounds(
            warehouse.read(
                f"{name}/adjusted_bars", partitions.back(window, 1), ["date", "symbol", "close"]
            ),
            warehouse.read(f"{name}/bars", window, ["date", "symbol", "flags"]),
            window,
            RETURN_BOUNDS,
        )

    def nothing_from_the_future(warehouse: Warehouse, window: Window) -> Found:
        """Every label's decision lies before the day it became known."""
        return facts.decided_before_known(
            warehouse.read(f"{name}/labels", window, ["date", "decision_date"])
        )

    def traded_within_limits(warehouse: Warehouse, window: Window) -> Found:
        """Every bar lies within the day's price limits, and none is of a halted day."""
        return within_limits(
            warehouse.read(f"{name}/bars", window, ["date", "symbol", "high", "low"]),
            warehouse.read(f"{name}/trading_status", window),
        )

    def minutes_fit(warehouse: Warehouse, window: Window) -> Found:
        """No minute contradicts the bar of its day; days without bars are not judged."""
        if not warehouse.partitions(f"{name}/bars"):
            return Found(0, 0, ())
        return within_daily_bars(
            warehouse.read(f"{name}/minute_bars", window), warehouse.read(f"{name}/bars", window)
        )

    def series_on_sessions(warehouse: Warehouse, window: Window) -> Found:
        """Every row of the files of the market's indices is dated on a session."""
        return rows_on_sessions(partitions.market, window)

    def coverage(library: str) -> Body:
        formulas = known.library(library.removeprefix("factors_")).expressions
        whole = plan_of(formulas, known.definitions)
        past, asked = whole.lookback, sorted(whole.names, key=whole.lookbacks.__getitem__)
        judged_from = partitions.sessions[min(past, len(partitions.sessions) - 1)].item()

        def covers_the_universe(warehouse: Warehouse, window: Window) -> Found:
            """Enough members of each day's universe have factors, once the look-back is filled.

            Asked are the factors with the shortest look-backs: they are there if any are.
            """
            if window.end < judged_from:
                return Found(0, 0, ())
            window = Window(max(window.start, judged_from), window.end)
            return facts.coverage(
                warehouse.read(f"{name}/universe", window, ["date", "symbol", "member"]),
                warehouse.read(
                    f"{name}/{library}", window, ["date", "symbol", *asked[:COVERING_FACTORS]]
                ),
                LEAST_COVERAGE,
            )

        return covers_the_universe

    def key(asset: str) -> dg.AssetKey:
        return dg.AssetKey([name, asset])

    libraries = [k.path[-1] for k in daily if k.path[-1].startswith("factors_")]
    return [
        *schema,
        # On the bars and not on the quarantine, which nothing is downstream of; both are written by
        # one step, before the checks of either.
        _daily(partitions, key("bars"), "rows_accounted", rows_accounted, blocking=True),
        _daily(partitions, key("bars"), "sessions_present", sessions_present),
        _daily(partitions, key("adjusted_bars"), "returns_in_bounds", returns_in_bounds),
        _daily(partitions, key("labels"), "decided_before_known", nothing_from_the_future),
        *(
            [_daily(partitions, key("benchmark"), "rows_on_sessions", series_on_sessions)]
            if indices_of(partitions.market)
            else []
        ),
        *(
            # on the universe, which is downstream of both tables
            [_daily(partitions, key("universe"), "traded_within_limits", traded_within_limits)]
            if key("trading_status") in daily
            else []
        ),
        *(
            [_daily(partitions, minutes, "minutes_in_daily_bars", minutes_fit, after=[key("bars")])]
            if (minutes := key("minute_bars")) in daily
            else []
        ),
        *(_daily(partitions, key(x), "coverage", coverage(x)) for x in libraries),
    ]


def freshness_checks(
    partitions: MarketPartitions, assets: Sequence[dg.AssetsDefinition]
) -> tuple[Sequence[dg.AssetChecksDefinition], dg.SensorDefinition]:
    """Whether the last session that ended has bars and predictions, and the sensor that asks.

    By partition and not by time: a backfill of an old day would make an asset look fresh.
    """
    market = partitions.market
    watched = [a for a in assets if any(k.path[-1] in ("bars", "predictions") for k in a.keys)]
    deadline = market.daily_at.hour + HOURS_TO_BE_FRESH
    checks = dg.build_time_partition_freshness_checks(
        assets=watched,
        deadline_cron=f"{market.daily_at.minute} {deadline} * * *",
        timezone=market.timezone,
    )
    sensor = dg.build_sensor_for_freshness_checks(
        freshness_checks=checks, name=f"{market.name}_freshness"
    )
    return checks, sensor


def _daily(
    partitions: MarketPartitions,
    key: dg.AssetKey,
    name: str,
    body: Body,
    blocking: bool = False,
    after: Sequence[dg.AssetKey] = (),
) -> dg.AssetChecksDefinition:
    """A check of the days that a run has materialized, once those of `after` are there too.

    Without partitions of its own: a partitioned check plans an evaluation for each day of a range,
    gets one for all of them, and the UI calls it skipped.
    """

    @dg.asset_check(
        asset=key, name=name, description=body.__doc__, blocking=blocking, additional_deps=after
    )
    def check(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        window = partitions.checked(context, warehouse, key.path[-1])
        blocks = partitions.blocks(window, CHECKED_SESSIONS) if window else []
        found = _together([body(warehouse, block) for block in blocks])
        metadata: dict[str, Any] = {"checked": found.checked, "violations": found.violations}
        if found.examples:
            metadata["examples"] = dg.MetadataValue.md("\n".join(f"- {e}" for e in found.examples))
        return dg.AssetCheckResult(
            passed=not found.violations,
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            metadata=metadata,
        )

    return check


def _together(found: Sequence[Found]) -> Found:
    """What the blocks of a range have shown, as one."""
    examples = [example for each in found for example in each.examples]
    return Found(
        sum(each.checked for each in found),
        sum(each.violations for each in found),
        tuple(examples[: facts.EXAMPLES]),
    )


def _conforms(key: dg.AssetKey) -> Body:
    table = table_of(key)
    schema = schema_of(table)
    # Of a wide table the key: its other columns are numbers that were checked as they were written,
    # and to read hundreds of them back takes longer than to compute them.
    columns = list(schema.key) if schema.wide else None

    def body(warehouse: Warehouse, window: Window) -> Found:
        frame = warehouse.read(table, window, columns)
        broken = schema.violations(frame, table=table)
        return Found(frame.num_rows, sum(e.rows for e in broken), tuple(map(str, broken)))

    body.__doc__ = (
        f"Columns, types, missing values and bounds are as declared; "
        f"no key ({', '.join(schema.key) or 'none'}) stands twice."
    )
    return body
