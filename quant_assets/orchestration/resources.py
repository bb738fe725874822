"""Resources: configuration shells around the domain's objects.

What a resource does stands in the domain; here is only how a run comes by it.
"""

import os
from collections.abc import Iterator
from typing import Any

import dagster as dg

from quant_assets.artifacts import Artifacts, open_artifacts
from quant_assets.models.store import ModelStore
from quant_assets.models.tracking import ensure_experiment
from quant_assets.warehouse.s3 import is_s3, keep_quiet, own_endpoint, region
from quant_assets.warehouse.store import Warehouse, open_store


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """The warehouse at a root, for assets that read windows other than their own."""

    root: str

    def create_resource(self, context: dg.InitResourceContext) -> Warehouse:
        """The warehouse itself: that is what an asset body gets."""
        return open_store(self.root)


@dg.resource(
    config_schema={
        "region_name": dg.Noneable(dg.StringSource),
        "endpoint_url": dg.Noneable(dg.StringSource),
    },
    description="dagster-aws's S3Resource: boto3's client for artefacts and landing prefixes.",
)
def s3_client(context: dg.InitResourceContext) -> Any:
    """dagster-aws's resource, imported when a run or a sensor asks for it: its import takes 1 s.

    It has no key and no profile: boto3 takes them from the environment, as all else that talks to
    S3 does (warehouse/s3.py). A profile that is named here would come before the environment's keys
    with boto3, and after them with the others.
    """
    from dagster_aws.s3 import S3Resource

    keep_quiet()
    return S3Resource(**context.resource_config).get_client()


def s3_resource() -> dg.ResourceDefinition:
    """The resource with the region and the endpoint of the environment."""
    return s3_client.configured({"region_name": region(), "endpoint_url": own_endpoint()})


def artifacts_resource(root: str) -> dg.ResourceDefinition:
    """The artefacts at a root, on S3 by the client of resource `s3`."""
    on_s3 = is_s3(root)

    @dg.resource(
        required_resource_keys={"s3"} if on_s3 else set(),
        description=f"Trained models and pages under {root}",
    )
    def artifacts(context: dg.InitResourceContext) -> Artifacts:
        return open_artifacts(root, context.resources.s3 if on_s3 else None)

    return artifacts


@dg.resource(
    required_resource_keys={"artifacts"}, description="Trained models, among the artefacts."
)
def model_store(context: dg.InitResourceContext) -> ModelStore:
    """The store of trained models."""
    return ModelStore(context.resources.artifacts)


@dg.resource(
    config_schema={
        "experiment_name": dg.StringSource,
        "mlflow_tracking_uri": dg.StringSource,
        "artifact_location": dg.Noneable(dg.StringSource),
        "env": dg.Field(dg.Permissive(), default_value={}),
        "extra_tags": dg.Field(dg.Permissive(), default_value={}),
    },
    description="dagster-mlflow's tracking, one MLflow run for one Dagster run.",
)
def mlflow_tracking(context: dg.InitResourceContext) -> Iterator[Any]:
    """dagster-mlflow's resource, imported when a run asks for it: its import takes 3 s.

    Yields None where tracking cannot be reached: training goes on, and the log says so.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    import mlflow
    from dagster_mlflow.resources import MlFlow

    config = context.resource_config
    try:
        mlflow.set_tracking_uri(config["mlflow_tracking_uri"])
        ensure_experiment(mlflow, config["experiment_name"], config["artifact_location"])
        tracking = MlFlow(context)
    except Exception as fault:  # whatever a tracking server does, the training goes on
        if context.log is not None:
            context.log.warning(f"MLflow cannot be reached; this run is not tracked: {fault}")
        yield None
        return
    yield tracking
    tracking.cleanup_on_error()


# dagster-mlflow's own hook ends the MLflow run after the last node of the job, which in a job of
# all assets need not be the model: its run would stay RUNNING. One run is one model: each ends it.
@dg.success_hook(required_resource_keys={"mlflow"})
def end_mlflow_run(context: dg.HookContext) -> None:
    """Mark the MLflow run as finished."""
    if context.resources.mlflow is not None:
        context.resources.mlflow.end_run("FINISHED")


@dg.failure_hook(required_resource_keys={"mlflow"})
def fail_mlflow_run(context: dg.HookContext) -> None:
    """Mark the MLflow run as failed."""
    if context.resources.mlflow is not None:
        context.resources.mlflow.end_run("FAILED")
