"""Orders for the next session, day by day.

The body reads, calls the domain and reports; how scores become orders stands in
`quant_assets.backtests.portfolio`.
"""

from collections.abc import Mapping

import dagster as dg
import pyarrow as pa

from quant_assets.backtests.availability import has_float_values
from quant_assets.backtests.data import columns_of
from quant_assets.backtests.portfolio.plots import sectors_figure
from quant_assets.backtests.portfolio.recommendations import (
    BARS,
    UNIVERSE,
    VALUATIONS,
    VALUE,
    of_day,
    recommend,
)
from quant_assets.backtests.portfolio.scores import Part, blended_scores, lookback, model_scores
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.markdown import table_metadata
from quant_assets.orchestration.partitions import MarketPartitions, looking_back
from quant_assets.orchestration.policies import OWNERS, RANGE
from quant_assets.settings import Settings
from quant_assets.settings_portfolio import PortfolioSettings
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window

_PREDICTIONS = ("date", "symbol", "score", "rank")
_SHOWN = (
    *("rank", "symbol", "sector", "side", "quantity", "price"),
    *("previous_weight", "target_weight", "status", "reasons"),
)


def recommendation_assets(
    partitions: MarketPartitions, settings: Settings, strategies: Mapping[str, Strategy]
) -> list[dg.AssetsDefinition]:
    """The recommendations of a market."""
    market = partitions.market
    chosen = settings.portfolio.of(market.name)
    parts = _parts(settings, chosen, strategies, market.name)
    past = max(chosen.lookback, lookback(parts))
    valued = chosen.method == "black_litterman" and has_float_values(market, settings)

    @dg.asset(
        key=[market.name, "recommendations"],
        group_name=partitions.group("backtests"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        ins={
            table: looking_back(
                dg.AssetKey([market.name, table]),
                0 if table == "predictions" and not parts else past,
                columns,
            )
            for table, columns in _columns(parts, valued).items()
        },
        owners=OWNERS,
        kinds={"python", "numba", "parquet"},
    )
    def recommendations(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        **tables: pa.Table,
    ) -> pa.Table:
        """What to hold after the day: ranked, sized, constrained orders, each cut with its reason.

        What is held is what the session before recommended, moved by the day's returns; without
        rows of that session the portfolio starts from cash.
        """
        window = partitions.window(context)
        days = partitions.sessions_in(window)
        sessions = partitions.sessions_in(partitions.back(window, past))
        bars, universe = tables["adjusted_bars"], tables["universe"]
        result = recommend(
            blended_scores(parts, bars, tables, sessions, days)
            if parts
            else model_scores(tables["predictions"]),
            bars,
            universe,
            _before(partitions, warehouse, window),
            sessions,
            days,
            chosen,
            market.trading,
            market.annualization,
            tables["valuations"] if valued else None,
        )
        last = of_day(result.table, days[-1].item())
        context.add_output_metadata(
            {
                **{name: _shown(value) for name, value in result.summary.items()},
                "last_day": table_metadata(last, _SHOWN),
                "sectors": inline(
                    sectors_figure(last, f"{market.label}, {days[-1]}", chosen.limits.sector),
                    "weights by sector",
                ),
            }
        )
        return result.table

    return [recommendations]


def _parts(
    settings: Settings,
    chosen: PortfolioSettings,
    strategies: Mapping[str, Strategy],
    market: str,
) -> list[Part]:
    """The strategies of the blend, none where the model's scores are ranked."""
    if chosen.source == "model":
        return []
    return [
        Part(
            strategies[name],
            strategies[name].parse(settings.strategies.parameters(name, market)),
            share,
        )
        for name, share in sorted(chosen.strategies.items())
    ]


def _columns(parts: list[Part], valued: bool) -> dict[str, list[str]]:
    """The columns of each table that is read, those of market values if `valued`."""
    columns: dict[str, list[str]] = {"adjusted_bars": list(BARS), "universe": list(UNIVERSE)}
    if valued:
        columns["adjusted_bars"].append(VALUE)
        columns["valuations"] = list(VALUATIONS)
    if not parts:
        columns["predictions"] = list(_PREDICTIONS)
    for part in parts:
        for table, names in columns_of(part.strategy, part.parameters).items():
            columns[table] = list(dict.fromkeys([*columns.get(table, []), *names]))
    return columns


def _before(partitions: MarketPartitions, warehouse: Warehouse, window: Window) -> pa.Table | None:
    """The rows of the session before the window, None at the market's start."""
    day = partitions.back(window, 1).start
    if day == window.start:
        return None
    table = f"{partitions.market.name}/recommendations"
    return warehouse.read(table, Window(day, day), ["symbol", "target_weight"])


def _shown(value: float | str) -> float | str:
    return round(value, 6) if isinstance(value, float) else value
