"""Settings: what a user may set, its types and bounds, and how files and environment become one.

The defaults stand in `quant_assets/config/*.yaml`; a folder named by QUANT_ASSETS_CONFIG may hold
files of the same names whose keys override them one by one. A value may name an environment
variable as `${NAME}`, so that a checkout holds no path. How a setting is used is not known here.
"""

import os
import re
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from quant_assets.settings_files import (
    Block,
    ConfigError,
    UnsetVariableError,
    check_names,
    checked,
    fill,
    near_name,
    read,
)
from quant_assets.settings_notifiers import Notifications, Notifier
from quant_assets.settings_portfolio import Portfolio
from quant_assets.settings_research import FactorSettings, MiningSettings, ModelSettings, Strategies
from quant_assets.settings_sources import (
    B3Source,
    CnDailySource,
    FilesSource,
    OrderBookSource,
    Series,
    SimulatedSource,
)
from quant_assets.settings_tracking import TearSheetSettings, TrackingSettings, Word
from quant_assets.settings_trading import Trading
from quant_assets.warehouse.clickhouse_address import SCHEME, Address
from quant_assets.warehouse.s3 import is_s3

ALL_MARKETS = "all"
# The monthly schedules and the freshness checks follow the daily schedule by up to six hours.
LATEST_DAILY_AT = time(18)
MOST_THREADS = 1024


class QualityRules(Block):
    """Bounds of the rules that raw bars must pass."""

    jump: float = Field(0.5, gt=0)
    jump_lookback: int = Field(5, ge=1, le=60)


class ActionRules(Block):
    """How corporate actions are applied, and splits detected.

    `interest_tax` is the share of interest on capital that is kept back as tax (0.15 in Brazil, 0
    takes the gross amount). `largest_move` is how far the exchange lets a price move in a session,
    the widest of its limits (0.2 in China), none where it has no limits: a price that jumps further
    has split.
    """

    interest_tax: float = Field(0.0, ge=0, lt=1)
    largest_move: float | None = Field(None, gt=0, lt=1)


class UniverseRules(Block):
    """Who is a member of the day's universe: money in its currency, windows in sessions."""

    minimum_age: int = Field(63, ge=0, le=252)
    minimum_turnover: float = Field(0.0, ge=0)
    minimum_price: float = Field(0.0, ge=0)
    turnover_window: int = Field(63, ge=1, le=252)
    stale_sessions: int = Field(10, ge=1, le=60)
    limit_move: float | None = Field(None, gt=0, lt=1)


class Market(Block):
    """One market: its calendar, its money, where its data come from, its rules.

    `annualization` is the number of sessions a year by which returns and risks are made annual.
    `models_from` is the first month with a model of its own: before it lies the history that models
    need. `daily_at` is the local time at which the schedule asks for the last session. It lies
    after midnight: a day's partition exists from the day's end on.
    """

    name: str
    title: str
    calendar: str
    timezone: str
    currency: str = Field(min_length=3, max_length=3)
    asset_class: Word = "equities"
    start: date
    end: date | None = None
    models_from: date
    annualization: int = Field(252, ge=200, le=366)
    daily_at: time = time(0, 30)
    source: Annotated[
        FilesSource | B3Source | CnDailySource | SimulatedSource, Field(discriminator="kind")
    ]
    index: Series | None = None
    order_book: OrderBookSource | None = None
    volatility_index: Series | None = None
    risk_free_rate: Series | None = None
    trading: Trading = Trading()
    actions: ActionRules = ActionRules()
    quality: QualityRules = QualityRules()
    universe: UniverseRules = UniverseRules()

    @property
    def simulated(self) -> bool:
        """Whether the market is made up; every page and plot of it says so."""
        return self.source.kind == "simulated"

    @property
    def watched(self) -> bool:
        """Whether a sensor looks for files that land: not where we make or fetch them ourselves."""
        fetched = isinstance(self.source, B3Source) and self.source.downloads is not None
        return not (self.simulated or fetched)

    @property
    def lands_on_s3(self) -> bool:
        """Whether the vendor's files are looked for on S3."""
        return isinstance(self.source, FilesSource | CnDailySource) and is_s3(self.source.path)

    @property
    def label(self) -> str:
        """The title, with `simulated data` where the market is made up: for pages and plots."""
        return f"{self.title} (simulated data)" if self.simulated else self.title

    @property
    def index_title(self) -> str:
        """The name of the index, for pages and plots."""
        if self.simulated:
            return "Simulated index"
        return (self.index and self.index.title) or "Index"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, available_timezones

        if value not in available_timezones():
            raise ValueError(f"no time zone {value!r}{near_name(value, available_timezones())}")
        return ZoneInfo(value).key

    @field_validator("daily_at")
    @classmethod
    def _same_day(cls, value: time) -> time:
        if value >= LATEST_DAILY_AT:
            raise ValueError(
                f"must lie before {LATEST_DAILY_AT:%H:%M}: what follows it is due on the same day. "
                f"Got {value:%H:%M} instead"
            )
        return value

    @field_validator("models_from")
    @classmethod
    def _first_of_month(cls, value: date) -> date:
        if value.day != 1:
            raise ValueError(f"must be the first day of a month. Got {value} instead")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> "Market":
        if self.end is not None and self.end < self.start:
            raise ValueError(f"end {self.end} lies before start {self.start}")
        if self.models_from <= self.start:
            raise ValueError(f"models_from {self.models_from} must lie after start {self.start}")
        return self


class Warehouse(Block):
    """Where the tables lie."""

    root: str = Field(min_length=1)

    @field_validator("root")
    @classmethod
    def _folder_bucket_or_server(cls, value: str) -> str:
        if value.startswith(SCHEME):
            return str(Address.parse(value))
        if "://" in value and not value.startswith("s3://"):
            # Only its beginning is shown: such an address may hold a password.
            raise ValueError(
                f"must be a folder, s3://bucket/prefix or {SCHEME}user@host:port/database. "
                f"Got {value.split('://')[0]}://… instead"
            )
        return value


class Settings(Block):
    """Everything that is set, checked and with the environment filled in."""

    home: Path
    warehouse_root: str
    artifacts_root: str
    mlflow_tracking_uri: str
    thread_no: int
    markets: dict[str, Market]
    inactive: dict[str, str]
    factors: FactorSettings
    mining: MiningSettings
    models: dict[str, ModelSettings]
    strategies: Strategies
    portfolio: Portfolio
    notifiers: list[Notifier]
    tracking: TrackingSettings = TrackingSettings()
    tear_sheets: TearSheetSettings = TearSheetSettings()

    @property
    def mlflow_artifacts(self) -> str | None:
        """Where MLflow keeps artifacts when it is a file of ours; a server knows that itself."""
        if not self.mlflow_tracking_uri.startswith("sqlite:"):
            return None
        folder = f"{self.artifacts_root.rstrip('/')}/mlflow"
        return folder if is_s3(folder) else Path(folder).as_uri()

    @property
    def uses_s3(self) -> bool:
        """Whether a market's files or the artefacts lie on S3: what a boto3 client is for."""
        return is_s3(self.artifacts_root) or any(m.lands_on_s3 for m in self.markets.values())

    def without_corporate_actions(self, name: str) -> "Settings":
        """These settings, with a market that knows no splits and dividends.

        Raises:
            ConfigError: the market is not active, or its source cannot leave them out.
        """
        market = self.market(name)
        if isinstance(market.source, B3Source):
            without: dict[str, Any] = {"with_corporate_actions": False}
        elif isinstance(market.source, FilesSource):
            without = {"corporate_actions": None}
        else:
            raise ConfigError(f"market {name!r} makes its own corporate actions")
        source = market.source.model_copy(update=without)
        changed = market.model_copy(update={"source": source})
        return self.model_copy(update={"markets": {**self.markets, name: changed}})

    def market(self, name: str) -> Market:
        """An active market.

        Raises:
            ConfigError: it is not active or not known; the message says which, and what to do.
        """
        if name in self.markets:
            return self.markets[name]
        if name in self.inactive:
            raise ConfigError(f"market {name!r} is not active: {self.inactive[name]}")
        raise ConfigError(
            f"no market {name!r}{near_name(name, self.markets)}; "
            f"active: {', '.join(self.markets)}. Markets are blocks of markets.yaml."
        )


def load_settings(
    config_folder: Path | str | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings.

    Args:
        config_folder: files that override the defaults; by default QUANT_ASSETS_CONFIG.
        environment: the variables; by default those of the process. QUANT_ASSETS_HOME (default
            `~/.quant_assets`), QUANT_ASSETS_MARKETS (names with commas; by default every market
            whose variables are set), QUANT_ASSETS_WAREHOUSE, QUANT_ASSETS_ARTIFACTS,
            QUANT_ASSETS_MLFLOW_TRACKING_URI, QUANT_ASSETS_PAGES_URL, QUANT_ASSETS_THREAD_NO.

    Raises:
        ConfigError: naming file and key.
    """
    env = dict(os.environ if environment is None else environment)
    config_folder = config_folder or env.get("QUANT_ASSETS_CONFIG") or None
    folder = Path(config_folder) if config_folder else None
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"QUANT_ASSETS_CONFIG: there is no folder {folder}")
    if folder is not None:
        check_names(folder)
    home = Path(env.get("QUANT_ASSETS_HOME") or "~/.quant_assets").expanduser().resolve()
    env["QUANT_ASSETS_HOME"] = str(home)
    markets, inactive = _markets(read("markets", folder), env)
    notifications = fill("notifications.yaml", "", read("notifications", folder), env)
    models = read("models", folder)
    mining = fill("mining.yaml", "", read("mining", folder), env)
    strategies = fill("strategies.yaml", "", read("strategies", folder), env)
    return checked(
        Settings,
        "settings",
        "",
        {
            "home": home,
            "warehouse_root": _warehouse(folder, env).root,
            "artifacts_root": _artifacts(home, env),
            "mlflow_tracking_uri": env.get("QUANT_ASSETS_MLFLOW_TRACKING_URI")
            or f"sqlite:///{home / 'mlflow.db'}",
            "thread_no": _thread_no(env),
            "markets": markets,
            "inactive": inactive,
            "factors": checked(FactorSettings, "factors.yaml", "", read("factors", folder)),
            "mining": checked(MiningSettings, "mining.yaml", "", mining),
            "models": {
                name: checked(ModelSettings, "models.yaml", name, block)
                for name, block in models.items()
            },
            "strategies": checked(Strategies, "strategies.yaml", "", strategies),
            "portfolio": checked(Portfolio, "portfolio.yaml", "", read("portfolio", folder)),
            "tracking": checked(TrackingSettings, "tracking.yaml", "", read("tracking", folder)),
            "tear_sheets": _tear_sheets(folder, env),
            "notifiers": checked(Notifications, "notifications.yaml", "", notifications).notifiers,
        },
    )


def _warehouse(folder: Path | None, env: Mapping[str, str]) -> Warehouse:
    """Where the tables lie, by the environment or else by the file."""
    root = env.get("QUANT_ASSETS_WAREHOUSE")
    if root:
        return checked(Warehouse, "QUANT_ASSETS_WAREHOUSE", "", {"root": root})
    values = fill("warehouse.yaml", "", read("warehouse", folder), env)
    return checked(Warehouse, "warehouse.yaml", "", values)


def _tear_sheets(folder: Path | None, env: Mapping[str, str]) -> TearSheetSettings:
    """What is made with tear sheets; the environment says where `quant-assets ui` serves them."""
    values = read("tear_sheets", folder)
    served = env.get("QUANT_ASSETS_PAGES_URL")
    if served and not values.get("pages_url"):
        values = {**values, "pages_url": served}
    return checked(TearSheetSettings, "tear_sheets.yaml", "", values)


def _artifacts(home: Path, env: Mapping[str, str]) -> str:
    """Where trained models and pages lie: an absolute path, or `s3://bucket/prefix`."""
    root = env.get("QUANT_ASSETS_ARTIFACTS") or str(home / "artifacts")
    if is_s3(root):
        return root
    if "://" in root:
        raise ConfigError(
            "QUANT_ASSETS_ARTIFACTS: must be a folder or s3://bucket/prefix. "
            f"Got {root.split('://')[0]}://… instead"
        )
    return str(Path(root).expanduser().absolute())


def _thread_no(env: Mapping[str, str]) -> int:
    text = env.get("QUANT_ASSETS_THREAD_NO")
    if not text:
        return os.cpu_count() or 1
    if not (text.isdecimal() and 1 <= int(text) <= MOST_THREADS):
        raise ConfigError(
            f"QUANT_ASSETS_THREAD_NO: must be a whole number from 1 to {MOST_THREADS}. "
            f"Got {text!r} instead"
        )
    return int(text)


def _markets(
    blocks: dict[str, Any], env: dict[str, str]
) -> tuple[dict[str, Market], dict[str, str]]:
    """The active markets, and why the others are not active."""
    file = "markets.yaml"
    wanted = env.get("QUANT_ASSETS_MARKETS") or ALL_MARKETS
    names = [name for part in wanted.split(",") if (name := part.strip())]
    if names == [ALL_MARKETS]:
        names = list(blocks)
    if not names:
        raise ConfigError(f"QUANT_ASSETS_MARKETS names no market. Got {wanted!r} instead")
    markets, inactive = {}, {}
    for name in names:
        if name not in blocks:
            raise ConfigError(
                f"QUANT_ASSETS_MARKETS: no market {name!r} in {file}{near_name(name, blocks)}"
            )
    for name, block in blocks.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ConfigError(f"{file}: {name}: a market's name is lower case letters, digits, _")
        if name not in names:
            inactive[name] = "QUANT_ASSETS_MARKETS does not name it"
            continue
        try:
            filled = fill(file, name, block, env)
        except UnsetVariableError as unset:
            if wanted != ALL_MARKETS:
                raise ConfigError(str(unset)) from None
            inactive[name] = str(unset)
            continue
        if not isinstance(filled, dict):
            raise ConfigError(f"{file}: {name}: must be a block of keys. Got {filled!r} instead")
        markets[name] = checked(Market, file, name, {"name": name, **filled})
    return markets, inactive
