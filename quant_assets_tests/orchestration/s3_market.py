"""A small market whose files lie on S3, and its settings, for tests of chains on S3."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from quant_assets.settings import Settings
from quant_assets.warehouse.s3 import open_client, split_address
from quant_assets_tests.graphs import Graph
from quant_assets_tests.markets import bars, market_block, sessions, small_settings

# Three months of history for a model, and a few days of its predictions.
START, END = date(2023, 11, 1), date(2024, 2, 2)
DAYS = sessions(START, END)
SYMBOLS = [f"S{number:02}" for number in range(20)]


def deliver(folder: Path, root: str) -> None:
    """The vendor's files: prices by month, symbols, an event, an index."""
    client = open_client()
    bucket, prefix = split_address(root)
    frame = bars(DAYS, SYMBOLS)
    frame.loc[3, "high"] = 0.01  # one row that breaks a rule
    months = frame["date"].dt.strftime("%Y-%m")
    files = {f"prices/{month}.parquet": rows for month, rows in frame.groupby(months)}
    files["prices/symbols.csv"] = pd.DataFrame({"symbol": SYMBOLS, "sector": "all"})
    event = {"ex_date": ["2024-01-16"], "symbol": ["S01"], "kind": ["split"], "ratio": [2.0]}
    files["events.csv"] = pd.DataFrame(event)
    level = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, len(DAYS))))
    files["index.csv"] = pd.DataFrame({"date": DAYS, "close": level})
    for name, rows in files.items():
        path = folder / "scratch"
        rows.to_csv(path, index=False) if ".csv" in name else rows.to_parquet(path, index=False)
        client.put_object(Bucket=bucket, Key=f"{prefix}/vendor/{name}", Body=path.read_bytes())


def settings_at(
    folder: Path,
    root: str,
    warehouse: str,
    config: Mapping[str, Any] | None = None,
    **variables: str,
) -> Settings:
    """Settings of market `tiny`, whose files and artefacts lie under `root`."""
    vendor = f"{root}/vendor"
    source = {
        "kind": "files",
        "path": f"{vendor}/prices",
        "symbols": {
            "path": f"{vendor}/prices/symbols.csv",
            "columns": {"symbol": "symbol", "sector": "sector"},
        },
        "corporate_actions": f"{vendor}/events.csv",
    }
    block = market_block(source=source, start=START, end=END, index={"path": f"{vendor}/index.csv"})
    months = {"training_months": 6, "minimum_months": 3, "validation_months": 1}
    few = {"minimum_names": 3, "quantile": 0.3, "rebalance": "weekly", "maximum_weight": 0.3}
    files = {
        "factors": {
            "libraries": ["own"],
            "expressions": {"reversal": "-delta(close, 5)", "spread": "(high - low) / close"},
        },
        "models": {"lightgbm": {"features": ["own"], "minimum_rows": 100, "rounds": 5, **months}},
        "strategies": {
            "strategies": {
                "cross_sectional_momentum": {"enabled": False},
                "low_volatility": {"enabled": False},
                "model_quantile": {"parameters": few},
            }
        },
    }
    return small_settings(
        folder,
        {"tiny": block},
        {**files, **(config or {})},
        QUANT_ASSETS_WAREHOUSE=warehouse,
        QUANT_ASSETS_ARTIFACTS=f"{root}/artefacts",
        **variables,
    )


def landed(graph: Graph, instance: dg.DagsterInstance) -> list[Any]:
    """What the landing sensor asks for."""
    sensor = graph.repository.get_sensor_def("tiny_landing")
    resources = {"s3": graph.repository.get_top_level_resources()["s3"]}
    with dg.build_sensor_context(
        instance=instance, repository_def=graph.repository, resources=resources
    ) as context:
        return list(sensor.evaluate_tick(context).run_requests or [])
