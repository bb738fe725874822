"""The launchpad's form for strategies: their parameters for one run, made from their own models.

Here stand the config schema that the UI shows and completes, and the way from a run's config to
parameters. Dagster checks types, names and choices; bounds and constraints are the models' own, and
hold again when the run begins: over GraphQL nothing else checks them.

In the launchpad of the asset `us/backtest`, partition sma_crossover:

    ops:
      us__backtest:
        config:
          parameters:
            sma_crossover: {fast: 20, slow: 100}

Every strategy has a block of its own, so that one config serves a backfill over many strategies.
What is not given is as strategies.yaml has it.
"""

from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import dagster as dg
from pydantic.fields import FieldInfo

from quant_assets.backtests.availability import fits, offered
from quant_assets.backtests.strategies.base import Strategy, StrategyError
from quant_assets.settings import Market, Settings

PARAMETERS = "parameters"
_SCALARS: Mapping[Any, Any] = {int: int, float: float, bool: bool, str: str}


def parameters_schema(strategies: Iterable[Strategy]) -> dict[str, dg.Field]:
    """The `config_schema` of an asset whose runs may set parameters of strategies."""
    blocks = {
        strategy.name: dg.Field(
            dg.Shape(
                {
                    name: dg.Field(
                        _kind(field.annotation, f"{strategy.name}_{name}"),
                        is_required=False,
                        description=_described(field),
                    )
                    for name, field in strategy.Parameters.model_fields.items()
                }
            ),
            is_required=False,
            description=f"{strategy.title}. {strategy.description}",
        )
        for strategy in strategies
    }
    return {
        PARAMETERS: dg.Field(
            dg.Shape(blocks),
            is_required=False,
            description="Parameters for this run only, by strategy, in place of strategies.yaml's.",
        )
    }


def run_parameters(
    context: dg.AssetExecutionContext, strategy: Strategy, settings: Settings, market: Market
) -> dict[str, Any]:
    """The parameters that a run of a strategy uses: its config's, and else those of the settings.

    Raises:
        StrategyError: they are out of bounds, or name what the market does not have.
    """
    config = context.op_execution_context.op_config or {}
    blocks = config.get(PARAMETERS, {})
    given = blocks.get(strategy.name, {})
    if blocks and not given:
        context.log.warning(
            f"the run's config has parameters of {', '.join(blocks)}, and none of {strategy.name}: "
            "it runs with those of the settings"
        )
    parameters = {**settings.strategies.parameters(strategy.name, market.name), **given}
    if given:
        context.log.info(f"parameters of {strategy.name} for this run only: {given}")
        if reason := fits(strategy, offered(market, settings), parameters):
            raise StrategyError(f"strategy {strategy.name!r} on {market.name}: {reason}")
    return parameters


def parameters_of_last_run(
    instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str
) -> dict[str, Any] | None:
    """The metadata `parameters` of a partition's last materialization; None where it has none.

    A run may have set its own, so the settings do not tell what a stored backtest used.
    """
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset, asset_partitions=[partition]), limit=1
    ).records
    if not records or records[0].asset_materialization is None:
        return None
    shown = records[0].asset_materialization.metadata.get(PARAMETERS)
    value = shown.value if isinstance(shown, dg.JsonMetadataValue) else None
    return value if isinstance(value, dict) else None


def _kind(annotation: Any, name: str) -> Any:
    """Dagster's config type of a parameter; what it has no type for is checked by the model."""
    origin, choices = get_origin(annotation), get_args(annotation)
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if origin is Literal and all(isinstance(choice, str) for choice in choices):
        return dg.Enum(name, [dg.EnumValue(choice) for choice in choices])
    if origin in (Union, UnionType) and NoneType in choices and len(choices) == 2:
        return dg.Noneable(_kind(next(c for c in choices if c is not NoneType), name))
    if origin in (list, tuple) and choices and set(choices[1:]) <= {Ellipsis}:
        return dg.Array(_kind(choices[0], name))
    if origin is dict:
        return dg.Permissive()
    return dg.Any


def _described(field: FieldInfo) -> str:
    """What a parameter means, its bounds and its default."""
    bounds = ", ".join(
        f"{sign} {value}"
        for constraint in field.metadata
        for attribute, sign in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
        if (value := getattr(constraint, attribute, None)) is not None
    )
    default = f"default {field.get_default(call_default_factory=True)!r}"
    return f"{field.description} ({', '.join(filter(None, (bounds, default)))})"
