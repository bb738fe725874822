"""The summary of stored market data, held against a literal count of the rows."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data.panels import date_column
from quant_assets.market_data.sources.storage import SourceFile
from quant_assets.market_data.summary import Summary, TableFacts, summarise
from quant_assets.market_data.summary_page import (
    LISTED_FILES,
    OTHERS,
    reasons_markdown,
    rejected_by_month,
    summary_page,
    tables_markdown,
    years_markdown,
)
from quant_assets.market_data.summary_plot import summary_figure
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window

NAMES = ["bars", "quarantine", "adjusted_bars", "benchmark", "corporate_actions"]
LABEL = "Test market (simulated data)"
REASONS = ["unknown_symbol", "zero_volume", "a", "b", "c", "d", "e", "f"]
FIRST = date(2021, 11, 1)


def weekdays(count: int) -> np.ndarray:
    days = np.arange(np.datetime64(FIRST), np.datetime64(FIRST + timedelta(2 * count)))
    return days[np.is_busday(days)][:count]


DAYS = weekdays(330)  # from 2021 to 2023


def bars(rows: Sequence[tuple[np.datetime64, str]]) -> pa.Table:
    rows = sorted(rows)
    count = len(rows)
    ones = {name: np.ones(count) for name in ("open", "high", "low", "close", "volume")}
    return pa.table(
        {
            "date": date_column(np.array([day for day, _ in rows], "datetime64[D]")),
            "symbol": pa.array([symbol for _, symbol in rows], pa.string()),
            **ones,
            "turnover": np.ones(count),
            "flags": pa.array([""] * count, pa.string()),
        }
    )


def rejected(rows: Sequence[tuple[np.datetime64, str]]) -> pa.Table:
    count = len(rows)
    days = date_column(np.array([day for day, _ in rows], "datetime64[D]"))
    return pa.table(
        {
            "date": days,
            "row_date": days,
            "symbol": pa.array([f"S{k % 3}" if k % 4 else None for k in range(count)], pa.string()),
            **{name: np.ones(count) for name in ("open", "high", "low", "close", "volume")},
            "reason": pa.array([reason for _, reason in rows], pa.string()),
            "detail": pa.array(["what <b>is</b> wrong"] * count, pa.string()),
            "file": pa.array(["a.csv"] * count, pa.string()),
            "row": pa.array(range(1, count + 1), pa.int64()),
        }
    )


class Market:
    """A market with gaps, whose rows are also here to be counted one by one."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(3)
        self.bars = [
            (day, symbol)
            for symbol, first, last in (("A", 0, 329), ("B", 40, 300), ("C", 100, 101), ("D", 5, 5))
            for day in DAYS[first : last + 1]
            if rng.random() > 0.1
        ]
        # a symbol without a bar in all of 2022, and sessions without any bar
        self.bars += [(DAYS[1], "E"), (DAYS[-2], "E")]
        closed = {DAYS[0], DAYS[50], DAYS[200]}
        self.bars = [row for row in self.bars if row[0] not in closed]
        self.rejected = [
            (day, REASONS[min(int(rng.exponential(1.5)), len(REASONS) - 1)])
            for day in rng.choice(DAYS, 150)
        ]
        self.warehouse = ParquetWarehouse(str(folder), ["tiny"])
        window = Window(DAYS[0].item(), DAYS[-1].item())
        keep = [day for day in DAYS.tolist() if day != DAYS[50].item()]
        self.warehouse.replace("tiny/bars", window, bars(self.bars), dates=keep)
        table = rejected(sorted(self.rejected))
        self.warehouse.replace("tiny/quarantine", window, table, dates=DAYS.tolist())
        actions = schema_of("corporate_actions").arrow.empty_table()
        self.warehouse.replace("tiny/corporate_actions", None, actions)

    def summary(self, *files: SourceFile, fault: str | None = None) -> Summary:
        ahead = np.append(DAYS, DAYS[-1] + np.arange(1, 30))  # sessions that are still to come
        return summarise(self.warehouse, "tiny", LABEL, NAMES, ahead, files, fault)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return Market(tmp_path_factory.mktemp("warehouse"))


@pytest.fixture(scope="module")
def summary(market: Market) -> Summary:
    files = [SourceFile(f"/v/{n}.csv", 1000 * n, 10**18 + n * 10**9) for n in range(3)]
    return market.summary(*files)


def test_the_tables_are_counted(market: Market, summary: Summary) -> None:
    facts = {table.name: table for table in summary.tables}
    assert list(facts) == ["bars", "quarantine", "corporate_actions"]  # the others are not there
    root = Path(market.warehouse.root) / "tiny"
    for name, rows in (("bars", market.bars), ("quarantine", market.rejected)):
        days = [day.item() for day, _ in rows]
        sizes = [file.stat().st_size for file in (root / name).rglob("*.parquet")]
        symbols = len({symbol for _, symbol in market.bars}) if name == "bars" else 3
        partitions = 329 if name == "bars" else 330
        assert facts[name] == TableFacts(
            name, len(rows), symbols, min(days), max(days), partitions, sum(sizes)
        )
    actions = facts["corporate_actions"]
    assert (actions.records, actions.symbols, actions.first) == (0, 0, None)


def test_the_table_fits_the_warehouse(market: Market, summary: Summary) -> None:
    assert market.warehouse.replace("tiny/market_data_summary", None, summary.table()) == {"": 3}
    rows = market.warehouse.sql("SELECT name, records FROM tiny.market_data_summary ORDER BY name")
    assert rows["name"].tolist() == ["bars", "corporate_actions", "quarantine"]
    assert rows["records"].tolist() == [len(market.bars), 0, len(market.rejected)]


def test_years_and_gaps_are_those_of_a_literal_count(market: Market, summary: Summary) -> None:
    last = max(day for day, _ in market.bars)
    judged = [day for day in DAYS if day <= last]
    having = set(market.bars)
    year_of = lambda day: day.astype("datetime64[Y]").astype(int) + 1970  # noqa: E731
    gaps: Counter[int] = Counter()
    for symbol in {symbol for _, symbol in having}:
        own = [day for day, name in having if name == symbol]
        for day in judged:
            if min(own) <= day <= max(own) and (day, symbol) not in having:
                gaps[year_of(day)] += 1
    bare = [day for day in judged if day not in {each for each, _ in having}]
    assert summary.without_bars == tuple(day.item() for day in bare)
    assert len(bare) >= 3
    assert [year.year for year in summary.years] == [2021, 2022, 2023]
    for year in summary.years:
        assert year.sessions == sum(year_of(day) == year.year for day in judged)
        assert year.without_bars == sum(year_of(day) == year.year for day in bare)
        own_bars = [symbol for day, symbol in market.bars if year_of(day) == year.year]
        assert (year.bars, year.symbols) == (len(own_bars), len(set(own_bars)))
        assert year.gaps == gaps[year.year]
        assert year.rejected == sum(year_of(day) == year.year for day, _ in market.rejected)
    assert summary.years[1].gaps > 260  # the symbol that was away for a year is among them


def test_rejected_rows_by_reason_and_month(market: Market, summary: Summary) -> None:
    reasons = Counter(reason for _, reason in market.rejected)
    assert dict(summary.reasons) == reasons
    counts = [count for _, count in summary.reasons]
    assert counts == sorted(counts, reverse=True)
    months, drawn = rejected_by_month(summary)
    assert months == sorted({f"{day.item():%Y-%m}" for day in DAYS})
    by_month = Counter((f"{day.item():%Y-%m}", reason) for day, reason in market.rejected)
    most = [name for name, _ in summary.reasons[:5]]
    assert list(drawn) == [*most, OTHERS]
    for reason in most:
        assert drawn[reason] == [by_month[month, reason] for month in months]
    assert sum(map(sum, drawn.values())) == len(market.rejected)


def test_samples_are_rows_of_the_last_day(market: Market, summary: Summary) -> None:
    last = max(day for day, _ in market.bars).item()
    stored = market.warehouse.read("tiny/bars", Window(last, last))
    assert summary.samples["bars"].equals(stored.slice(0, 10))
    assert summary.samples["quarantine"].num_rows > 0


def test_an_empty_warehouse_has_an_empty_summary(tmp_path: Path) -> None:
    warehouse = ParquetWarehouse(str(tmp_path), ["tiny"])
    summary = summarise(warehouse, "tiny", LABEL, NAMES, DAYS)
    assert (summary.tables, summary.years, summary.reasons) == ((), (), [])
    html = summary_page(summary)
    for words in ("No table is there yet.", "There are no bars yet.", "No row was rejected."):
        assert words in html
    assert "The source of this market has no files." in html
    with pytest.raises(ValueError, match="needs bars"):
        summary_figure(summary)


def test_bars_that_are_not_there_yet_beside_tables_that_are(tmp_path: Path) -> None:
    """Partitions without rows, as a first run on days without data leaves them."""
    warehouse = ParquetWarehouse(str(tmp_path), ["tiny"])
    window = Window(DAYS[0].item(), DAYS[2].item())
    for name, empty in (("bars", bars([])), ("quarantine", rejected([]))):
        warehouse.replace(f"tiny/{name}", window, empty, dates=DAYS[:3].tolist())
    summary = summarise(warehouse, "tiny", LABEL, NAMES, DAYS)
    assert [(t.name, t.records, t.first, t.partitions) for t in summary.tables] == [
        ("bars", 0, None, 3),
        ("quarantine", 0, None, 3),
    ]
    assert summary.years == ()
    assert summary.samples == {}
    assert "There are no bars yet." in summary_page(summary)


def test_the_markdown(summary: Summary, market: Market) -> None:
    lines = tables_markdown(summary).splitlines()
    assert lines[0].startswith("| table | records | symbols |")
    assert lines[2].startswith(f"| bars | {len(market.bars):,} | 4 | 2021-11-02 |")
    assert years_markdown(summary).splitlines()[2].startswith("| 2023 |")
    assert reasons_markdown([("a", 1200), ("b", 0)]).splitlines()[2:] == ["| a | 1,200 |"]
    assert reasons_markdown([]) == "No row was rejected."


def test_the_page_says_what_there_is_and_escapes_it(summary: Summary) -> None:
    html = summary_page(summary)
    assert f"Market data: {LABEL}" in html
    assert "3 files, 3.0 kB, the newest first." in html
    assert html.index("/v/2.csv") < html.index("/v/0.csv")
    assert "2001-09-09 01:46" in html
    assert "what &lt;b&gt;is&lt;/b&gt; wrong" in html
    assert "the market&#x27;s list of symbols does not have the row&#x27;s symbol" in html


def test_many_files_and_a_place_that_cannot_be_listed(market: Market) -> None:
    files = [SourceFile(f"/v/{n:04}.csv", 1, n) for n in range(LISTED_FILES + 5)]
    html = summary_page(market.summary(*files))
    assert f"{LISTED_FILES + 5} files, {LISTED_FILES + 5} B; the {LISTED_FILES} newest" in html
    assert html.count("/v/0") == LISTED_FILES
    assert "They cannot be listed: /v: no file matches" in summary_page(
        market.summary(fault="/v: no file matches")
    )


def test_the_picture_is_small(summary: Summary) -> None:
    picture = summary_figure(summary)
    assert picture.startswith(b"\x89PNG")
    assert 3_000 < len(picture) < 40_000


def test_days_before_1970(tmp_path: Path) -> None:
    """ClickHouse's Date begins there, and price histories do not."""
    warehouse = ParquetWarehouse(str(tmp_path), ["tiny"])
    days = pd.bdate_range("1962-12-27", "1963-01-04").to_numpy().astype("datetime64[D]")
    window = Window(days[0].item(), days[-1].item())
    rows = [(day, "A") for day in days]
    warehouse.replace("tiny/bars", window, bars(rows), dates=days.tolist())
    table = rejected([(days[1], "a"), (days[-1], "a")])
    warehouse.replace("tiny/quarantine", window, table, dates=days.tolist())
    summary = summarise(warehouse, "tiny", LABEL, NAMES, days)
    assert [(y.year, y.bars, y.gaps, y.rejected) for y in summary.years] == [
        (1962, 3, 0, 1),
        (1963, 4, 0, 1),
    ]
    assert summary.tables[0].first == date(1962, 12, 27)
    assert rejected_by_month(summary)[0] == ["1962-12", "1963-01"]
