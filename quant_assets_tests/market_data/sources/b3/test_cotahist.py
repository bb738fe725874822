"""The COTAHIST parser, held against a literal reading of the same lines."""

import zipfile
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quant_assets.market_data.sources.b3.cotahist import Cotahist, CutFileError, read_cotahist
from quant_assets.market_data.sources.b3.layout import FIELDS, RECORDS_SCHEMA, Field
from quant_assets.market_data.sources.base import SourceError
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.sources.b3.samples import (
    content,
    record,
    reference,
    references,
    write,
    zipped,
)

LATIN = st.characters(min_codepoint=33, max_codepoint=255).filter(lambda c: not 126 < ord(c) < 160)


def digits(length: int) -> st.SearchStrategy[int]:
    return st.integers(0, 10**length - 1)


RECORDS = st.builds(
    record,
    day=st.dates(date(1986, 1, 2), date(2099, 12, 31)),
    ticker=st.text(LATIN, min_size=1, max_size=12),
    klass=st.sampled_from(["02", "12", "78", "96"]),
    market=st.sampled_from([10, 20, 30, 70, 80]),
    name=st.text(LATIN, max_size=12),
    specification=st.text(LATIN, max_size=10),
    term=st.sampled_from(["", "030", "000"]),
    prices=st.tuples(*[digits(13)] * 5),
    quotes=st.tuples(*[digits(13)] * 2),
    trades=digits(5),
    volume=digits(18),
    turnover=digits(15),
    strike=digits(13),
    expiry=st.sampled_from(["99991231", "20240216", "20240229"]),
    factor=st.sampled_from([1, 1000, 9999999]),
    points=digits(13),
    isin=st.text(LATIN, max_size=12),
    distribution=digits(3),
)


def test_a_record_is_read_as_written(tmp_path: Path) -> None:
    line = record(
        day=date(2024, 2, 29), name="AÇÚCAR", prices=(1331, 1350, 1325, 1333, 1326), quotes=(0, 0)
    )
    quotes = read_cotahist(write(tmp_path / "a.TXT", [line]))
    (row,) = quotes.table.to_pylist()
    assert row == references([line])[0]
    assert row["name"] == "AÇÚCAR"
    assert (row["open"], row["close"], row["best_bid"]) == (13.31, 13.26, 0.0)
    assert row["expiry"] is row["term_days"] is None
    assert quotes.table.schema == RECORDS_SCHEMA
    assert quotes.tally.whole


def test_prices_of_a_thousand_shares_are_divided(tmp_path: Path) -> None:
    line = record(factor=1000, prices=(27890, 27990, 27510, 27800, 27650), strike=26000)
    (row,) = read_cotahist(write(tmp_path / "a.TXT", [line])).table.to_pylist()
    assert (row["open"], row["low"], row["close"]) == (0.2789, 0.2751, 0.2765)
    assert row["strike"] == 0.26
    assert row["average"] * row["volume"] == pytest.approx(row["turnover"], rel=1e-4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(RECORDS, max_size=12),
    block=st.sampled_from([70_000, 1 << 24]),
    end=st.sampled_from(["\r\n", "\n"]),
    thread_no=st.integers(1, 3),
)
def test_any_file_is_read_as_written(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    block: int,
    end: str,
    thread_no: int,
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.TXT"
    path.write_bytes(content(lines, end=end))
    file = Cotahist(path, thread_no=thread_no, block_bytes=block)
    tables = [block.table for block in file.blocks()]
    file.require_whole()
    rows = pa.concat_tables([RECORDS_SCHEMA.empty_table(), *tables]).to_pylist()
    assert rows == references(lines)


@pytest.mark.parametrize("thread_no", [1, 3])
@pytest.mark.parametrize("suffix", ["TXT", "ZIP"])
def test_blocks_make_no_difference(tmp_path: Path, thread_no: int, suffix: str) -> None:
    lines = [record(ticker=f"AB{i % 7}D3", volume=100 * i, trades=i) for i in range(2000)]
    lines[777] = lines[777].replace("R$", "R\x01")
    path = write(tmp_path / f"a.{suffix}", lines)
    whole = read_cotahist(path)
    assert whole.table.to_pylist() == [row for row in references(lines) if row["row"] != 778]
    file = Cotahist(path, thread_no=thread_no, block_bytes=70_001)
    blocks = list(file.blocks())
    assert len(blocks) > 5
    assert pa.concat_tables([b.table for b in blocks]).to_pylist() == whole.table.to_pylist()
    assert pa.concat_tables([b.rejected for b in blocks]).to_pylist() == whole.rejected.to_pylist()
    assert file.tally == whole.tally
    assert whole.tally.whole
    assert (whole.tally.records, whole.tally.rejected, whole.tally.counted) == (1999, 1, 2002)


def readable(line: str) -> bool:
    """Whether a record can be read, judged field by field."""
    parts = {field: line[field.start : field.last] for field in FIELDS}
    return len(line) == 245 and line.startswith("01") and all(map(fits, parts, parts.values()))


def fits(field: Field, text: str) -> bool:
    """Whether a text may stand in a field."""
    if not text.strip(" "):
        return field.optional
    if field.kind == "text":
        return all(ord(c) >= 32 and not 127 <= ord(c) < 160 for c in text)
    if not (text.isascii() and text.isdigit()):
        return False
    if field.kind == "date":
        return is_day(text) or (field.optional and text in ("99991231", "00000000"))
    return field.code != "FATCOT" or int(text) > 0


def is_day(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y%m%d")
    except ValueError:
        return False
    return True


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(RECORDS, min_size=1, max_size=4),
    damage=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 244), st.sampled_from(" 019Ax\x00\x85é-.")),
        max_size=4,
    ),
)
def test_a_damaged_record_is_read_or_kept_aside(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    damage: list[tuple[int, int, str]],
) -> None:
    for which, place, character in damage:
        line = lines[which % len(lines)]
        lines[which % len(lines)] = line[:place] + character + line[place + 1 :]
    quotes = read_cotahist(write(tmp_path_factory.mktemp("damaged") / "a.TXT", lines))
    good = [row for row, line in enumerate(lines, start=1) if readable(line)]
    assert quotes.table["row"].to_pylist() == good
    bad = {row: line for row, line in enumerate(lines, start=1) if row not in good}
    kept = zip(*(quotes.rejected[name].to_pylist() for name in ("row", "text")), strict=True)
    assert dict(kept) == bad
    assert quotes.tally.whole
    undamaged = [row for row in good if row - 1 not in {d[0] % len(lines) for d in damage}]
    rows = {row["row"]: row for row in quotes.table.to_pylist()}
    assert [rows[row] for row in undamaged] == [
        reference(lines[row - 1]) | {"row": row} for row in undamaged
    ]


DIGITS = [f.code for f in FIELDS if f.kind in ("count", "price", "amount")]


@pytest.mark.parametrize("code", DIGITS)
def test_what_is_no_number_rejects_the_record(tmp_path: Path, code: str) -> None:
    field = next(f for f in FIELDS if f.code == code)
    good = record()
    wrong = "x" * field.length
    bad = good[: field.start] + wrong + good[field.last :]
    quotes = read_cotahist(write(tmp_path / "a.TXT", [good, bad, good]))
    assert quotes.table["row"].to_pylist() == [1, 3]
    (fault,) = quotes.rejected.to_pylist()
    assert (fault["row"], fault["field"], fault["text"]) == (2, code, bad)
    assert f"{code} ({field.first}-{field.last}) must be {field.length} digits" in fault["reason"]
    assert f"Got {wrong!r} instead" in fault["reason"]
    assert (fault["date"], fault["ticker"]) == (date(2024, 1, 2), "ABCD3")
    assert quotes.tally.whole


@pytest.mark.parametrize("code", DIGITS)
def test_blanks_are_missing_where_they_may_be(tmp_path: Path, code: str) -> None:
    field = next(f for f in FIELDS if f.code == code)
    good = record()
    blank = good[: field.start] + " " * field.length + good[field.last :]
    quotes = read_cotahist(write(tmp_path / "a.TXT", [blank]))
    if field.optional:
        assert quotes.table[field.name].to_pylist() == [None]
    else:
        assert quotes.rejected["field"].to_pylist() == [code]


BAD_RECORDS = {
    "a day that is none": (
        record().replace("20240102", "20240230"),
        "DATA (3-10) must be a day written YYYYMMDD. Got '20240230' instead",
    ),
    "29 February of no leap year": (record().replace("20240102", "19000229"), "Got '19000229'"),
    "month 13": (record().replace("20240102", "20241301"), "Got '20241301'"),
    "blank day": (record().replace("20240102", "        "), "DATA (3-10) must be a day"),
    "an expiry that is none": (record(expiry="20240431"), "DATVEN (203-210) must be a day"),
    "factor 0": (
        record().replace("99991231" + "0000001", "99991231" + "0000000"),
        "FATCOT (211-217) must be 7 digits, at least 1. Got '0000000' instead",
    ),
    "no ticker": (record(ticker=""), "CODNEG (13-24) must be printable characters, not only"),
    "a control character": (record(name="A\x01B"), "NOMRES (28-39) must be printable characters"),
    "another type": ("02" + record()[2:], "TIPREG (1-2) must be '01'. Got '02' instead"),
    "a header in the middle": ("00" + record()[2:], "TIPREG (1-2) must be '01'"),
    "too short": (record()[:-1], "a record must have 245 characters. Got 244 instead"),
    "too long": (record() + "0", "a record must have 245 characters. Got 246 instead"),
    "empty": ("", "a record must have 245 characters. Got 0 instead"),
}


@pytest.mark.parametrize("case", BAD_RECORDS)
def test_a_bad_record_is_kept_with_its_reason(tmp_path: Path, case: str) -> None:
    bad, reason = BAD_RECORDS[case]
    good = record(ticker="GOOD3")
    quotes = read_cotahist(write(tmp_path / "a.TXT", [good, bad, good]))
    assert quotes.table["ticker"].to_pylist() == ["GOOD3", "GOOD3"]
    (fault,) = quotes.rejected.to_pylist()
    assert reason in fault["reason"]
    assert (fault["row"], fault["text"]) == (2, bad)
    assert quotes.tally.whole


def test_a_record_of_another_period_is_rejected(tmp_path: Path) -> None:
    lines = [record(day=date(2023, 12, 28)), record(), record(day=date(2025, 1, 2))]
    year = Window(date(2024, 1, 1), date(2024, 12, 31))
    quotes = read_cotahist(write(tmp_path / "a.TXT", lines), days=year)
    assert quotes.table["row"].to_pylist() == [2]
    assert quotes.rejected["date"].to_pylist() == [None, None]
    assert (
        "must lie in the file's period 2024-01-01..2024-12-31"
        in quotes.rejected["reason"][0].as_py()
    )


def test_a_blank_isin_is_missing_and_a_leading_blank_is_kept(tmp_path: Path) -> None:
    lines = [record(isin=""), record(), record(isin="", name=" A")]
    table = read_cotahist(write(tmp_path / "a.TXT", lines)).table
    assert table["isin"].to_pylist() == [None, "BRABCDACNOR1", None]
    assert table["name"].to_pylist() == ["ABCD", "ABCD", " A"]


def test_markets_and_classes_are_selected(tmp_path: Path) -> None:
    lines = [
        record(ticker="ABCD3"),
        record(ticker="ABCD3F", klass="96", market=20),
        record(ticker="FUND11", klass="12"),
        record(ticker="ABCDA10", klass="78", market=70, expiry="20240216", strike=1000),
    ]
    path = write(tmp_path / "a.ZIP", lines)

    def tickers(markets: list[int] | None, classes: list[str] | None) -> list[str]:
        found: list[str] = read_cotahist(path, markets, classes).table["ticker"].to_pylist()
        return found

    assert tickers(None, None) == ["ABCD3", "ABCD3F", "FUND11", "ABCDA10"]
    assert tickers([10], ["02"]) == ["ABCD3"]
    assert tickers([10], None) == ["ABCD3", "FUND11"]
    assert tickers([70, 80], None) == ["ABCDA10"]
    assert tickers([20], ["02"]) == []


CUT = {
    "no trailer": (lambda text: text[: -2 * 247] + text[-2 * 247 : -247], 4, None),
    "a record less": (lambda text: text[:247] + text[2 * 247 :], 4, 5),
    "in the middle of a record": (lambda text: text[: 247 * 2 + 100], 3, None),
    "in the middle of the trailer": (lambda text: text[: -247 + 35], 5, None),
    "a record more": (lambda text: text[:494] + text[247:], 6, 5),
}


@pytest.mark.parametrize("case", CUT)
def test_a_cut_file_does_not_pass_as_whole(tmp_path: Path, case: str) -> None:
    cut, counted, declared = CUT[case]
    path = tmp_path / "COTAHIST_A2024.TXT"
    path.write_bytes(cut(content([record(trades=i) for i in range(3)])))
    file = Cotahist(path)
    for _ in file.blocks():
        pass
    assert not file.tally.whole
    assert (file.tally.counted, file.tally.declared) == (counted, declared)
    says = "its trailer says 5" if declared else "it has no trailer"
    with pytest.raises(CutFileError, match=f"{counted} records were read .*{says}") as caught:
        file.require_whole()
    assert (caught.value.counted, caught.value.declared) == (counted, declared)


def test_blank_ends_are_no_records(tmp_path: Path) -> None:
    path = tmp_path / "a.TXT"
    path.write_bytes(content([record()]) + b"\r\n  \r\n\x1a")
    tally = read_cotahist(path).tally
    assert tally.whole
    assert (tally.counted, tally.rejected) == (3, 0)


def two_members() -> bytes:
    import io

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("one.TXT", content([]))
        archive.writestr("two.TXT", content([]))
    return out.getvalue()


WHOLE = zipped(content([record(volume=i) for i in range(900)]))
UNREADABLE = {
    "a page of HTML": (b"<html><body>not found</body></html>\n", "is no COTAHIST file"),
    "nothing": (b"", "the file is empty"),
    "no lines": (b"x" * 200_000, "no line ends within 65,536 characters"),
    "half an archive": (WHOLE[: len(WHOLE) // 2], "is no readable ZIP file, it may be cut short"),
    "a damaged archive": (
        WHOLE[:2000] + bytes(byte ^ 255 for byte in WHOLE[2000:2010]) + WHOLE[2010:],
        "is no readable ZIP file",
    ),
    "two texts": (two_members(), "must hold exactly one text. Got one.TXT, two.TXT instead"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_such_file_is_an_error(tmp_path: Path, case: str) -> None:
    data, message = UNREADABLE[case]
    path = tmp_path / ("a.ZIP" if "archive" in case or "texts" in case else "a.TXT")
    path.write_bytes(data)
    with pytest.raises(SourceError, match=message):
        for _ in Cotahist(path, block_bytes=70_000).blocks():
            pass


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the file is gone"):
        read_cotahist(tmp_path / "a.TXT")


@pytest.mark.parametrize(
    ("name", "declared"),
    [("cotahist_A2019_excerpt.TXT", None), ("cotahist_D26082026_excerpt.TXT", 17040)],
)
def test_the_real_excerpts_are_read_exactly(
    test_data: Path, name: str, declared: int | None
) -> None:
    path = test_data / "b3_cotahist" / name
    lines = path.read_text("latin-1").splitlines()
    records = [line for line in lines if line.startswith("01")]
    quotes = read_cotahist(path)
    assert quotes.table.to_pylist() == references(records)
    assert quotes.rejected.num_rows == 0
    assert (quotes.tally.counted, quotes.tally.declared) == (len(lines), declared)
    assert not quotes.tally.whole


def test_reference_numbers_of_the_real_excerpts(test_data: Path) -> None:
    folder = test_data / "b3_cotahist"
    year = read_cotahist(folder / "cotahist_A2019_excerpt.TXT").table.to_pylist()
    ambev = next(row for row in year if row["ticker"] == "ABEV3")
    assert (ambev["open"], ambev["high"], ambev["low"], ambev["close"]) == (15.4, 16.3, 15.4, 16.15)
    assert (ambev["trades"], ambev["volume"], ambev["turnover"]) == (45941, 18692900, 298201954.0)
    assert (ambev["isin"], ambev["distribution"]) == ("BRABEVACNOR1", 121)
    day = read_cotahist(folder / "cotahist_D26082026_excerpt.TXT").table.to_pylist()
    assert [(r["ticker"], r["market_type"], r["close"], r["volume"]) for r in day] == [
        ("PETR4", 10, 41.45, 74631000),
        ("SEQL3F", 20, 0.07, 2792),
    ]
