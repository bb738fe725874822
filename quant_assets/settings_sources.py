"""Settings of the sources of market data: one class a kind, and the dated series beside them.

What a source needs to find and read its files is said here; the market around it is settings.py's.
"""

from datetime import date
from typing import Literal

from pydantic import Field, field_validator, model_validator

from quant_assets.settings_files import Block, near_name


class SymbolsFile(Block):
    """The file that lists a market's symbols; `columns` maps our names to the vendor's."""

    path: str
    columns: dict[Literal["symbol", "sector", "industry", "exchange", "first"], str] = {
        "symbol": "symbol"
    }


class FilesSource(Block):
    """Vendor files, Parquet or CSV: a file, a folder or a glob, local or s3://."""

    kind: Literal["files"]
    path: str
    format: Literal["parquet", "csv"] | None = None
    columns: dict[
        Literal["date", "symbol", "open", "high", "low", "close", "volume", "turnover"], str
    ] = {}
    date_format: str | None = None
    symbols: SymbolsFile | None = None
    corporate_actions: str | None = None


class SimulatedSource(Block):
    """A made-up market, the same on every machine; for the demo and for tests."""

    kind: Literal["simulated"]
    symbols: int = Field(200, ge=20, le=5000)
    seed: int = 7
    signal_ic: float = Field(0.05, ge=0, lt=0.5)


class Series(Block):
    """One column of a dated file: an index, a volatility index, an interest rate.

    Of a file with several indices only the rows with `code` in `code_column` are read.

    `kind: level` is for a rate that is published as an accumulated index: the value of a session is
    the growth of the level since its last row, made annual by the market's sessions a year.
    """

    kind: Literal["value", "level"] = "value"
    title: str | None = None
    path: str
    code_column: str | None = None
    code: str | None = None
    date_column: str = "date"
    value_column: str = "close"
    open_column: str | None = None
    date_format: str | None = None
    scale: float = 1.0
    carry_forward: bool = False

    @model_validator(mode="after")
    def _code_and_column(self) -> "Series":
        if (self.code is None) != (self.code_column is None):
            raise ValueError("`code` and `code_column` belong together: set both or neither")
        return self


class Downloads(Block):
    """How files are fetched: where from, how often a fetch is tried, how long an answer may take.

    `base_url` is the folder of the files on the server; waits between tries double from
    `backoff_seconds` on.
    """

    base_url: str
    attempts: int = Field(6, ge=1, le=20)
    timeout_seconds: float = Field(60, gt=0, le=3600)
    backoff_seconds: float = Field(1, ge=0, le=600)

    @field_validator("base_url")
    @classmethod
    def _over_http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(f"must begin with https:// or http://. Got {value!r} instead")
        return value.rstrip("/")


class ActionsDownloads(Downloads):
    """How the answers of B3's service for listed companies are fetched.

    An answer is asked for again once it is older than `maximum_age_hours`.
    """

    base_url: str = "https://sistemaswebb3-listados.b3.com.br/listedCompaniesProxy/CompanyCall"
    maximum_age_hours: float = Field(20, ge=0)


class B3Source(Block):
    """COTAHIST files of the Brazilian exchange in a local folder, by year, month or day.

    `classes` are bulletin classes (CODBDI), `["02"]` the standard lot; null takes every class, as a
    null in `market_types` takes every market. `cache` is a folder of its own for parsed copies and
    the list of checksums, by default `.parsed` in `path`. Without `downloads` the files are those
    that are there. `corporate_actions` is a table of events (CSV or Parquet), or a folder with a
    folder a company of the answers of the exchange's service for listed companies; these are
    fetched for the companies of the files if there is a block `actions_downloads`.
    """

    kind: Literal["b3"]
    path: str = Field(min_length=1)
    cache: str | None = None
    market_types: (
        list[
            Literal[
                "cash",
                "call_exercise",
                "put_exercise",
                "auction",
                "odd_lot",
                "forward",
                "future_retained",
                "future",
                "calls",
                "puts",
            ]
        ]
        | None
    ) = ["cash"]
    classes: list[str] | None = ["02"]
    downloads: Downloads | None = None
    symbols: SymbolsFile | None = None
    corporate_actions: str | None = None
    actions_downloads: ActionsDownloads | None = None
    with_corporate_actions: bool = True

    @model_validator(mode="after")
    def _folder_of_answers(self) -> "B3Source":
        folder = self.corporate_actions
        if self.actions_downloads is not None and (
            folder is None or "://" in folder or folder.endswith((".csv", ".csv.gz", ".parquet"))
        ):
            raise ValueError(
                "actions_downloads needs a local folder in corporate_actions, into which the "
                f"answers are put. Got {folder!r} instead"
            )
        return self

    @field_validator("path", "cache")
    @classmethod
    def _local(cls, value: str | None) -> str | None:
        if value is not None and "://" in value:
            raise ValueError(f"must be a local folder. Got {value!r} instead")
        return value

    @field_validator("classes", mode="before")
    @classmethod
    def _two_digits(cls, value: object) -> object:
        """YAML reads 02 as a number; both spellings mean the class."""
        if not isinstance(value, list):
            return value
        classes = [f"{c:02d}" if type(c) is int else c for c in value]
        for name in classes:
            if not (isinstance(name, str) and len(name) == 2 and name.isdecimal()):
                raise ValueError(f"a bulletin class has two digits, such as '02'. Got {name!r}")
        return classes


class MinuteFiles(Block):
    """Minute bars of vendor files: a file, a folder or a glob, local or s3://.

    `timestamp` is an epoch counted in `timestamp_unit`, or a local time written as
    `timestamp_format` says (ISO 8601 by default). `stamp` says which end of its minutes a bar is
    named by.
    """

    path: str
    format: Literal["parquet", "csv"] | None = None
    columns: dict[
        Literal[
            "symbol",
            "exchange",
            "timestamp",
            "open",
            "high",
            "low",
            "close",
            "volume",
            "turnover",
        ],
        str,
    ] = {}
    timestamp_unit: Literal["s", "ms", "us", "ns"] | None = None
    timestamp_format: str | None = None
    stamp: Literal["start", "end"] = "end"
    minutes: int = Field(1, ge=1, le=60)

    @model_validator(mode="after")
    def _one_way_to_tell_time(self) -> "MinuteFiles":
        if self.timestamp_unit is not None and self.timestamp_format is not None:
            raise ValueError("set timestamp_unit (epochs) or timestamp_format (texts), not both")
        return self


class CnDailySource(Block):
    """China's daily files with previous closes, trading status and valuations.

    A file, a folder or a glob, local or s3://. The vendor's columns are those of baostock unless
    `columns` names others. `symbols` need not list every symbol: it brings sectors, industries and
    first days. `indices` are further indices by name. `no_price_limit` names, by symbol, the days
    on which the exchange lifted the price limit: the first session after a suspended listing
    resumed, and the like.
    """

    kind: Literal["cn_daily"]
    path: str
    format: Literal["parquet", "csv"] | None = None
    columns: dict[
        Literal[
            "date",
            "symbol",
            "open",
            "high",
            "low",
            "close",
            "volume",
            "turnover",
            "previous_close",
            "trading",
            "special_treatment",
            "adjustment",
            "turnover_rate",
            "pe_ttm",
            "pb_mrq",
            "ps_ttm",
            "pcf_ncf_ttm",
        ],
        str,
    ] = {}
    date_format: str | None = None
    symbols: SymbolsFile | None = None
    indices: dict[str, Series] = {}
    minute_bars: MinuteFiles | None = None
    no_price_limit: dict[str, list[date]] = {}


class OrderBookFiles(Block):
    """Level-2 files of one format.

    `path` is a file, a folder or a glob, local or s3://, in which `{date}` stands for the day as
    `date_format` writes it; ZIP archives and compressed files are unpacked. `symbol` names the
    security in files that do not.
    """

    format: str
    path: str
    date_format: str = "%Y%m%d"
    symbol: str | None = None

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        from quant_assets.market_data.order_book.readers.registry import FORMATS

        if value not in FORMATS:
            raise ValueError(
                f"must be one of {', '.join(FORMATS)}{near_name(value, FORMATS)}. "
                f"Got {value!r} instead"
            )
        return value

    @field_validator("path")
    @classmethod
    def _of_one_day(cls, value: str) -> str:
        if "{date}" not in value:
            raise ValueError(f"must have {{date}} in it: files of one day. Got {value!r} instead")
        return value


class RebuiltBooks(Block):
    """How books are rebuilt from orders and trades, for the table `order_book`.

    `rules` say how the exchange tells its orders and trades (market_data/order_book/rules.py). A
    row is written every `every_seconds`, at whole multiples of it. `ticks_per_unit` is how many
    price steps one unit of the currency has, where they are finer than those of the rules: Chinese
    funds have 1000.
    """

    rules: str
    every_seconds: float = Field(3.0, ge=0.1)
    ticks_per_unit: int | None = Field(None, ge=1)

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, value: str) -> str:
        from quant_assets.market_data.order_book.rules import RULES

        if value not in RULES:
            raise ValueError(
                f"must be one of {', '.join(RULES)}{near_name(value, RULES)}. Got {value!r} instead"
            )
        return value


class OrderBookSource(Block):
    """Where a market's orders, trades, snapshots and queues come from; `symbols` are those kept.

    With `rebuild`, the table `order_book` has books rebuilt from the orders and trades; without it,
    the snapshots of the files, if there are any.
    """

    files: list[OrderBookFiles] = Field(min_length=1)
    symbols: list[str] | None = Field(None, min_length=1)
    rebuild: RebuiltBooks | None = None

    @model_validator(mode="after")
    def _wanted(self) -> "OrderBookSource":
        for files in self.files:
            if self.symbols and files.symbol and files.symbol not in self.symbols:
                raise ValueError(
                    f"symbol {files.symbol!r} of {files.path} is none of symbols; add it there, or "
                    "leave these files out"
                )
        return self

    @model_validator(mode="after")
    def _one_order_book(self) -> "OrderBookSource":
        from quant_assets.market_data.order_book.readers.registry import content_of

        if self.rebuild is None:
            return self
        given = {content_of(files.format): files.format for files in self.files}
        if "events" not in given:
            raise ValueError(
                "rebuild needs orders and trades, and no format of files has them. Got "
                f"{', '.join(given.values())}; add such files, or leave rebuild out"
            )
        if "snapshots" in given:
            raise ValueError(
                f"rebuild and the snapshots {given['snapshots']!r} would both fill the table "
                "order_book; leave one of them out (`quant-assets verify-book` compares the two)"
            )
        return self
