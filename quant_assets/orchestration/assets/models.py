"""Labels, walk-forward models and predictions.

Bodies read, call the domain and report; what a model may learn from stands in
`quant_assets.models.walk_forward`.
"""

from math import isfinite
from typing import Any

import dagster as dg
import pyarrow as pa

from quant_assets.backtests.sweeps.ledger import record
from quant_assets.backtests.sweeps.trial import model_trial
from quant_assets.models import labels as label_rules
from quant_assets.models.store import ModelStore
from quant_assets.models.walk_forward import training_window
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.partitions import MarketPartitions, looking_back
from quant_assets.orchestration.policies import ONE_RUN_EACH, OWNERS, RANGE, TRAINING_POOL
from quant_assets.orchestration.resources import end_mlflow_run, fail_mlflow_run
from quant_assets.settings import Settings
from quant_assets.settings_research import ModelSettings
from quant_assets.warehouse.store import Warehouse

# The model whose scores are the table `predictions`.
PREDICTING = "lightgbm"
# Of numbers in metadata; the stored ones have all of theirs.
DIGITS = 6
MEMBERS = ["date", "symbol", "member"]


def model_assets(partitions: MarketPartitions, settings: Settings) -> list[dg.AssetsDefinition]:
    """Labels, one asset for each model of models.yaml, and the predictions."""
    models = [
        _model_asset(partitions, settings, name, block) for name, block in settings.models.items()
    ]
    return [_labels(partitions, settings), *models, _predictions(partitions, settings)]


def _labels(partitions: MarketPartitions, settings: Settings) -> dg.AssetsDefinition:
    market = partitions.market.name
    horizons = sorted({block.horizon for block in settings.models.values()})

    @dg.asset(
        key=[market, "labels"],
        group_name=partitions.group("models"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        ins={
            "adjusted_bars": looking_back(
                dg.AssetKey([market, "adjusted_bars"]),
                label_rules.look_back(horizons),
                ["date", "symbol", "open", "close"],
            )
        },
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def labels(context: dg.AssetExecutionContext, adjusted_bars: pa.Table) -> pa.Table:
        """Forward returns that became known on the day, by the day on which they were decided."""
        return label_rules.labels(
            adjusted_bars, partitions.sessions, partitions.window(context), horizons
        )

    return labels


def _model_asset(
    partitions: MarketPartitions, settings: Settings, name: str, block: ModelSettings
) -> dg.AssetsDefinition:
    market = partitions.market
    libraries = [f"factors_{library}" for library in block.features]

    @dg.asset(
        key=[market.name, f"model_{name}"],
        group_name=partitions.group("models"),
        partitions_def=partitions.model_months,
        backfill_policy=ONE_RUN_EACH,
        deps=[
            dg.AssetDep(
                [market.name, each],
                # The lineage only: the months that the training reads, the last one before its own.
                # The dates come from the training window.
                partition_mapping=dg.TimeWindowPartitionMapping(
                    start_offset=-block.training_months,
                    end_offset=-1,
                    allow_nonexistent_upstream_partitions=True,
                ),
            )
            for each in [*libraries, "labels", "universe"]
        ],
        pool=TRAINING_POOL,
        hooks={end_mlflow_run, fail_mlflow_run},
        owners=OWNERS,
        kinds={"python", "lightgbm", "mlflow"},
    )
    def model(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        model_store: dg.ResourceParam[ModelStore],
        mlflow: dg.ResourceParam[Any],
    ) -> dg.MaterializeResult:
        """The month's model, trained on labels that were known before the month began."""
        from quant_assets.models import plots
        from quant_assets.models.tracking import log_model_run
        from quant_assets.models.training import train_month

        split = training_window(
            context.partition_key,
            partitions.sessions,
            block.horizon,
            block.embargo,
            block.training_months,
            block.validation_months,
            block.minimum_months,
        )
        days = [str(day) for day in split.decision_days(partitions.sessions, block.sample_every)]
        trained = train_month(
            split,
            [warehouse.read(f"{market.name}/{each}", days) for each in libraries],
            warehouse.read(f"{market.name}/labels", split.labels),
            warehouse.read(f"{market.name}/universe", days, MEMBERS),
            block,
            settings.thread_no,
        )
        record(warehouse, market.name, [model_trial(name, block, context.run.run_id)])
        address = model_store.save(market.name, name, trained)
        title = f"{market.label}: {name}"
        pictures = {
            "importance.png": plots.importance_png(trained, title),
            "training.png": plots.training_png(trained, title),
        }
        report = log_model_run(
            mlflow,
            trained,
            market.name,
            name,
            {"dagster_run_id": context.run.run_id, "simulated": str(market.simulated).lower()},
            pictures,
        )
        if report.fault:
            context.log.warning(f"the model is trained and stored, but not tracked: {report.fault}")
        return dg.MaterializeResult(
            metadata={
                **{k: round(v, DIGITS) for k, v in trained.metrics.items() if isfinite(v)},
                "training": str(split.train),
                "validation": str(split.validation),
                "last_label_known": str(split.last_known),
                "data_hash": trained.data_hash,
                "folder": dg.MetadataValue.path(address),
                **({"mlflow_run": report.run_id} if report.run_id else {}),
                **({"tracking_fault": report.fault} if report.fault else {}),
                "importance": inline(pictures["importance.png"], "feature importance"),
                "learning": inline(pictures["training.png"], "validation rank IC"),
            }
        )

    return model


def _predictions(partitions: MarketPartitions, settings: Settings) -> dg.AssetsDefinition:
    market = partitions.market
    block = settings.models[PREDICTING]
    libraries = [f"factors_{library}" for library in block.features]
    models_from = f"{market.models_from:%Y-%m}"

    @dg.asset(
        key=[market.name, "predictions"],
        group_name=partitions.group("models"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        ins={
            "universe": looking_back(dg.AssetKey([market.name, "universe"]), columns=MEMBERS),
            **{each: looking_back(dg.AssetKey([market.name, each])) for each in libraries},
        },
        deps=[
            dg.AssetDep(
                [market.name, f"model_{PREDICTING}"],
                partition_mapping=dg.TimeWindowPartitionMapping(
                    allow_nonexistent_upstream_partitions=True
                ),
            )
        ],
        owners=OWNERS,
        kinds={"python", "lightgbm", "parquet"},
    )
    def predictions(
        context: dg.AssetExecutionContext,
        model_store: dg.ResourceParam[ModelStore],
        universe: pa.Table,
        **factors: pa.Table,
    ) -> pa.Table:
        """Scores of the day's members by the model of the day's month."""
        from quant_assets.models.predict import predict

        window = partitions.window(context)
        result = predict(
            list(factors.values()),
            universe,
            model_store.load_window(market.name, PREDICTING, window, models_from),
            window,
            models_from,
            settings.thread_no,
        )
        context.add_output_metadata(
            {
                "days_before_the_first_model": len(result.days_without_model),
                "days_without_factors": len(result.days_without_factors),
                "members_without_factors": result.members_without_factors,
            }
        )
        return result.table

    return predictions
