"""Parameter sweeps and walk-forward searches: one partition a strategy.

Bodies read, call the domain and report; what is tried and how it is judged stands in
`quant_assets.backtests.sweeps`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from quant_assets.artifacts import Artifacts
from quant_assets.backtests.strategies.base import Strategy, StrategyParameters
from quant_assets.backtests.sweeps.evaluation import Evaluation
from quant_assets.backtests.sweeps.inputs import market_evaluation, tables_of
from quant_assets.backtests.sweeps.ledger import (
    overfitting_of_market,
    record,
    trial_statistics,
)
from quant_assets.backtests.sweeps.measures import check_metric
from quant_assets.backtests.sweeps.spaces import Space, axes_of, corners, space
from quant_assets.market_data.sources.registry import source_class
from quant_assets.orchestration.assets.backtests import UNPARTITIONED, tables_read
from quant_assets.orchestration.backtest_tracking import log_search
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.page_links import put_page
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import ONE_RUN_EACH, OWNERS, TRAINING_POOL
from quant_assets.settings import Market, Settings
from quant_assets.settings_files import checked
from quant_assets.settings_research import StrategySettings
from quant_assets.settings_sweeps import OptimizationSettings, SweepSettings
from quant_assets.warehouse.store import Warehouse

# They take minutes to hours for all strategies: nothing runs them but who names them.
NAMED_ONLY = ("parameter_sweep", "optimization")
# Of numbers in metadata; the stored ones have all of theirs.
DIGITS = 6


class SweepConfig(dg.Config):
    """What a run does otherwise than strategies.yaml says."""

    sweep: dict[str, Any] = Field({}, description="keys of the block `sweep`, for this run alone")


class OptimizationConfig(dg.Config):
    """What a run does otherwise than strategies.yaml says."""

    optimization: dict[str, Any] = Field(
        {}, description="keys of the block `optimization`, for this run alone"
    )


def sweep_assets(
    partitions: MarketPartitions,
    settings: Settings,
    strategies: Mapping[str, Strategy],
    by_strategy: dg.StaticPartitionsDefinition,
) -> list[dg.AssetsDefinition]:
    """The sweep and the search of each strategy."""
    return [
        _parameter_sweep(partitions, settings, strategies, by_strategy),
        _optimization(partitions, settings, strategies, by_strategy),
    ]


def _parameter_sweep(
    partitions: MarketPartitions,
    settings: Settings,
    strategies: Mapping[str, Strategy],
    by_strategy: dg.StaticPartitionsDefinition,
) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "parameter_sweep"],
        group_name=partitions.group("backtests"),
        partitions_def=by_strategy,
        backfill_policy=ONE_RUN_EACH,
        deps=_dependencies(market, settings, strategies),
        pool=TRAINING_POOL,
        owners=OWNERS,
        kinds={"python", "numba", "parquet"},
    )
    def parameter_sweep(
        context: dg.AssetExecutionContext,
        config: SweepConfig,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
    ) -> dg.MaterializeResult:
        """Every parameter set of a strategy's grid, simulated and judged with its neighbours."""
        from quant_assets.backtests.sweeps import page, plots
        from quant_assets.backtests.sweeps.sweep import sweep

        name = context.partition_key
        strategy = strategies[name]
        block = _block(settings, name).sweep.model_dump(exclude_unset=True)
        chosen = checked(SweepSettings, "run config", "sweep", {**block, **config.sweep})
        metric = check_metric(chosen.metric, "sweep.metric")
        fixed = settings.strategies.parameters(name, market.name)
        sets = space(strategy, axes_of(strategy, chosen.grid), fixed, chosen.most_sets)
        evaluation = _evaluation(partitions, warehouse, strategy, sets)
        found = sweep(evaluation, sets, metric, settings.thread_no, context.run.run_id)
        record(warehouse, market.name, found.trials)  # what is shown has been counted
        warehouse.replace(f"{market.name}/parameter_sweep", [name], found.table())
        statistics = trial_statistics(warehouse, market.name)
        all_trials = overfitting_of_market(warehouse, market.name)
        link = put_page(
            artifacts,
            settings,
            f"{market.name}/parameter_sweep/{name}/sweep.html",
            page.sweep_page(found, strategy.title, market.label, statistics, all_trials),
        )
        luck = found.overfitting
        return dg.MaterializeResult(
            metadata={
                "parameter_sets": len(sets.sets),
                "left_out": dg.MetadataValue.json(dict(sets.left_out)),
                "trials_of_the_market": statistics.count,
                **_shown(
                    {
                        f"{metric}_of_the_peak": _at(found.values, found.peak),
                        f"{metric}_of_the_plateau": _at(found.values, found.plateau),
                        "chosen_by_peak_then": found.by_peak.second,
                        "chosen_by_plateau_then": found.by_plateau.second,
                        "deflated_sharpe": page.deflated(found, statistics),
                        "probability_of_overfitting": None if luck is None else luck.probability,
                        "probability_of_overfitting_of_all_trials": all_trials,
                    }
                ),
                "page": link,
                "grid": inline(
                    plots.sweep_picture(found, strategy.title, market.label), "parameter sweep"
                ),
            }
        )

    return parameter_sweep


def _optimization(
    partitions: MarketPartitions,
    settings: Settings,
    strategies: Mapping[str, Strategy],
    by_strategy: dg.StaticPartitionsDefinition,
) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "optimization"],
        group_name=partitions.group("backtests"),
        partitions_def=by_strategy,
        backfill_policy=ONE_RUN_EACH,
        deps=_dependencies(market, settings, strategies),
        owners=OWNERS,
        kinds={"python", "optuna", "mlflow"},
    )
    def optimization(
        context: dg.AssetExecutionContext,
        config: OptimizationConfig,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
        backtest_tracking: dg.ResourceParam[Any],
    ) -> dg.MaterializeResult:
        """A walk-forward search of a strategy's parameters; several runs may share its study."""
        from quant_assets.backtests.sweeps import page, plots
        from quant_assets.backtests.sweeps.optimization import optimize
        from quant_assets.backtests.sweeps.studies import open_place

        name = context.partition_key
        strategy = strategies[name]
        block = _block(settings, name).optimization.model_dump(exclude_unset=True)
        values = {**block, **config.optimization}
        chosen = checked(OptimizationSettings, "run config", "optimization", values)
        fixed = settings.strategies.parameters(name, market.name)
        sets = corners(strategy, axes_of(strategy, chosen.space), fixed)
        evaluation = _evaluation(partitions, warehouse, strategy, sets)
        journal = Path(settings.home) / "studies" / market.name / f"{name}.journal"
        place = open_place(chosen.storage, journal)
        run = context.run.run_id
        found, done = optimize(
            *(evaluation, sets, fixed, chosen, place, market.name, run),
            lambda trials: record(warehouse, market.name, trials),
        )
        warehouse.replace(f"{market.name}/optimization", [name], found.table())
        warehouse.replace(f"{market.name}/optimization_trials", [name], found.trials_table())
        tracked = log_search(context, backtest_tracking, settings, market, found, done.trials)
        link = put_page(
            artifacts,
            settings,
            f"{market.name}/optimization/{name}/optimization.html",
            page.search_page(found, strategy.title, market.label),
        )
        return dg.MaterializeResult(
            metadata={
                "study": found.search.name,
                "windows": len(found.windows),
                "parameter_sets": found.sets,
                "run_here": len(done.trials),
                "taken_from_the_study": done.repeated,
                "of_dead_workers": done.recovered,
                **_shown({"in_sample": found.in_sample, "out_of_sample": found.out_of_sample}),
                "chosen_last": dg.MetadataValue.json(dict(found.windows[-1].parameters or {})),
                "page": link,
                **tracked,
                "walk_forward": inline(
                    plots.optimization_picture(found, strategy.title, market.label),
                    "in sample against out of sample",
                ),
            }
        )

    return optimization


def _dependencies(
    market: Market, settings: Settings, strategies: Mapping[str, Strategy]
) -> list[dg.AssetKey | dg.AssetDep]:
    """All days of what backtests read."""
    absent = {"trading_status"} - set(source_class(market).further_tables(market))
    read = sorted(tables_read(market, settings, strategies) - absent)
    keys = [dg.AssetKey([market.name, table]) for table in read]
    return [key if key.path[-1] in UNPARTITIONED else all_days(key) for key in keys]


def _block(settings: Settings, strategy: str) -> StrategySettings:
    return settings.strategies.strategies.get(strategy, StrategySettings())


def _evaluation(
    partitions: MarketPartitions, warehouse: Warehouse, strategy: Strategy, sets: Space
) -> Evaluation:
    market = partitions.market
    parameter_sets: Sequence[StrategyParameters] = [each.parameters for each in sets.sets]
    tables = {
        table: warehouse.read(f"{market.name}/{table}", columns=columns)
        for table, columns in tables_of(strategy, parameter_sets, market.trading).items()
    }
    sessions = partitions.materialized(warehouse, "adjusted_bars").tolist()
    return market_evaluation(strategy, parameter_sets, tables, market, sessions)


def _at(values: Any, place: int | None) -> float | None:
    return None if place is None else float(values[place])


def _shown(values: Mapping[str, float | None]) -> dict[str, float]:
    """Numbers that are defined, with as many digits as a reader can use."""
    return {k: round(v, DIGITS) for k, v in values.items() if v is not None and v == v}
