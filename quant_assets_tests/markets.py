"""Small markets for tests of the graph: settings in a temporary folder, files, a simulated one.

from quant_assets_tests.markets import bars, files_market, simulated_market, small_settings

settings = small_settings(tmp_path, {"tiny": files_market(tmp_path / "data", bars())})
settings = small_settings(tmp_path, {"sim": simulated_market(end=date(2024, 3, 28))})
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import yaml

from quant_assets.settings import Settings, load_settings

START, END = date(2024, 1, 2), date(2024, 2, 29)  # 41 sessions of XNYS
STRATEGIES = ("cross_sectional_momentum", "low_volatility", "model_quantile")
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE")

# For tests whose runs go through MLflow and QuantStats, whose own warnings are theirs to mend: what
# is known of them is left out, another is told at the end of the tests.
THEIR_WARNINGS = pytest.mark.filterwarnings(
    "default",
    "ignore::dagster.BetaWarning",
    "ignore::dagster.PreviewWarning",
    "ignore::dagster.SupersessionWarning",
    "ignore:InitResourceContext:DeprecationWarning",
    "ignore:The ``noload`` loader strategy:DeprecationWarning",
)


def environment(folder: Path, markets: Mapping[str, Any], **variables: str) -> dict[str, str]:
    """The variables under which `load_settings` finds the home, the config and these markets."""
    return {
        "QUANT_ASSETS_HOME": str(folder / "home"),
        "QUANT_ASSETS_CONFIG": str(folder / "config"),
        "QUANT_ASSETS_MARKETS": ",".join(markets),
        "QUANT_ASSETS_THREAD_NO": "1",
        **variables,
    }


def write_config(folder: Path, **files: Any) -> Path:
    """A folder `config` with one YAML file a keyword."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (config / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return config


def small_settings(
    folder: Path,
    markets: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
    **variables: str,
) -> Settings:
    """Settings with just these markets, home and config in `folder`.

    `config` has further files (`{"models": {…}}`); `variables` are added to the environment. Of the
    libraries of factors only style is computed, of the shipped strategies only STRATEGIES run,
    unless the config says otherwise.
    """
    files = dict(config or {})
    files["factors"] = {"libraries": ["style"], **files.get("factors", {})}
    files["strategies"] = {"only": list(STRATEGIES), **files.get("strategies", {})}
    path = write_config(folder, markets=dict(markets), **files)
    return load_settings(path, environment(folder, markets, **variables))


def tracked(settings: Settings, database: Path) -> Settings:
    """The settings, with a copy of fixture `tracking_database` in their home."""
    settings.home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(database, settings.home / "mlflow.db")
    return settings


def market_block(**keys: Any) -> dict[str, Any]:
    """A block of markets.yaml without its source: XNYS, January and February 2024."""
    return {
        "title": "Test market",
        "calendar": "XNYS",
        "timezone": "America/New_York",
        "currency": "USD",
        "start": START,
        "end": END,
        "models_from": date(2024, 2, 1),
        "universe": {"minimum_age": 0},
    } | keys


def files_market(
    folder: Path, frame: pd.DataFrame | None = None, source: Any = None, **keys: Any
) -> dict[str, Any]:
    """A market of files in a folder; a frame is written there as one Parquet file.

    `source` overrides keys of the source (`{"columns": {…}}`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    if frame is not None:
        frame.to_parquet(folder / "bars.parquet", index=False)
    return market_block(source={"kind": "files", "path": str(folder)} | (source or {}), **keys)


def simulated_market(symbols: int = 40, seed: int = 7, **keys: Any) -> dict[str, Any]:
    """A made-up market of few symbols."""
    source = {"kind": "simulated", "symbols": symbols, "seed": seed, "signal_ic": 0.05}
    return market_block(title="Small simulation", source=source, **keys)


def sessions(start: date = START, end: date = END) -> list[date]:
    """The sessions of XNYS between two days."""
    days = _exchange_days()
    inside = (days >= np.datetime64(start)) & (days <= np.datetime64(end))
    found: list[date] = days[inside].tolist()
    return found


@lru_cache(maxsize=1)
def _exchange_days() -> np.ndarray:
    import exchange_calendars

    days = exchange_calendars.get_calendar("XNYS").sessions
    found: np.ndarray = days.to_numpy().astype("datetime64[D]")
    return found


def bars(
    days: Sequence[date] | None = None, symbols: Sequence[str] = SYMBOLS, seed: int = 7
) -> pd.DataFrame:
    """Raw bars of every symbol on every day that break no rule: a random walk from `seed`."""
    days = sessions() if days is None else days
    rng = np.random.default_rng(seed)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0, 0.01, (len(days), len(symbols))), axis=0))
    opening = close * np.exp(rng.normal(0, 0.003, close.shape))
    frame = pd.DataFrame(
        {
            "date": np.repeat(np.array(days, "datetime64[D]"), len(symbols)),
            "symbol": np.tile(np.array(symbols, object), len(days)),
            "open": opening.ravel(),
            "high": (np.maximum(opening, close) * 1.002).ravel(),
            "low": (np.minimum(opening, close) * 0.998).ravel(),
            "close": close.ravel(),
            "volume": rng.integers(10_000, 90_000, close.size).astype(float),
        }
    )
    prices = ["open", "high", "low", "close"]
    frame[prices] = frame[prices].round(4)
    return frame.astype({"date": "datetime64[ms]"})


@contextmanager
def process_environment(
    folder: Path, markets: Mapping[str, Any], **variables: str
) -> Iterator[None]:
    """This process as a user's shell would start it with these markets; all is put back after."""
    with patch.dict(os.environ):
        for name in [n for n in os.environ if n.startswith("QUANT_ASSETS_")]:
            del os.environ[name]
        os.environ.pop("DAGSTER_HOME", None)
        os.environ.update(environment(folder, markets, **variables))
        yield
