"""Numbers, dates and whole answers of B3's service, and what is wrong with bad ones."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.market_data.sources.b3_actions.answers import (
    day,
    decimals,
    number,
    read_companies,
)
from quant_assets.market_data.sources.base import SourceError
from quant_assets_tests.market_data.sources.b3_actions.answers import company, paged, write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0,13340000000", 0.1334),
        ("58.130.517.165,22", 58130517165.22),
        ("1.000", 1000.0),
        ("1000", 1000.0),
        ("-0,5", -0.5),
        (" 300 ", 300.0),
        ("", None),
        (None, None),
        (2.5, 2.5),
    ],
)
def test_numbers_have_a_comma_before_their_decimals(text: object, value: float | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["0.133", "1.33", "1,2,3", "1.0000,0", "abc", ",5", "1,", True])
def test_what_is_no_number_is_said(text: object) -> None:
    with pytest.raises(ValueError, match=f"decimal comma.*Got {text!r}"):
        number(text)


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**6 - 1))
def test_any_number_is_read_as_it_is_written(whole: int, part: int) -> None:
    grouped = f"{whole:,}".replace(",", ".")
    assert number(f"{grouped},{part:06d}") == float(f"{whole}.{part:06d}")
    assert decimals(f"{grouped},{part:06d}") == 6


def test_dates_are_days_first() -> None:
    assert day("07/01/2024") == date(2024, 1, 7)
    assert day("") is day(None) is day("31/12/9999") is None


@pytest.mark.parametrize("text", ["2024-01-07", "7/1/2024", "31/02/2024", "01/13/2024"])
def test_what_is_no_date_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=f"Got {text!r}"):
        day(text)


def test_a_company_is_named_by_its_answers_not_by_its_folder(tmp_path: Path) -> None:
    (found,) = read_companies(str(company(tmp_path, pages=[[paged()]])))
    assert found.name == "ABCD"
    assert found.codes == [("ABCD3", "BRABCDACNOR5"), ("ABCD4", "BRABCDACNPR2")]
    assert [record.place for record in found.lists["pages"]] == ["results 1"]
    assert found.lists["pages"][0].file == "abcd/GetListedCashDividends_1.json"


def test_a_folder_names_the_company_if_no_answer_does(tmp_path: Path) -> None:
    page = {"pageNumber": 1, "totalPages": 1, "totalRecords": 0}
    write(tmp_path / "wxyz" / "GetListedCashDividends.json", {"page": page, "results": []})
    assert read_companies(str(tmp_path))[0].name == "WXYZ"


def test_an_answer_may_be_a_text_that_holds_the_json(tmp_path: Path) -> None:
    write(tmp_path / "GetDetailsCompany.json", '{"issuingCompany": "ABCD", "otherCodes": null}')
    assert read_companies(str(tmp_path))[0].name == "ABCD"


@pytest.mark.parametrize("text", ["", "[]", '""', "null", "{}"])
def test_an_empty_answer_is_noted(tmp_path: Path, text: str) -> None:
    (tmp_path / "GetListedSupplementCompany.json").write_text(text)
    (found,) = read_companies(str(tmp_path))
    assert found.empty == ["GetListedSupplementCompany.json"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("GetListedSupplementCompany.json", '[{"code": "AB', "no whole JSON .*download"),
        ("GetListedSupplementCompany.json", '[{"code": "A"}]', "no cashDividends, stockDividends"),
        ("GetListedSupplementCompany.json", "[3]", "must hold a JSON object. Got 3"),
        ("GetListedCashDividends.json", '{"results": []}', "has no page, only results"),
        ("GetListedCashDividends.json", '{"page": {"pageNumber": 1}}', "no totalPages, totalRec"),
        ("GetDetailsCompany.json", '{"a": 1}', "has no issuingCompany, only a"),
        ("other.json", "{}", "no answers of B3"),
    ],
)
def test_an_answer_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=message) as caught:
        read_companies(str(tmp_path))
    assert str(tmp_path) in str(caught.value) or name in str(caught.value)


def test_a_list_that_is_none_is_named(tmp_path: Path) -> None:
    page = {"pageNumber": 1, "totalPages": 1, "totalRecords": 0}
    write(tmp_path / "GetListedCashDividends.json", {"page": page, "results": "none"})
    with pytest.raises(SourceError, match=r'results must be a list\. Got "none"'):
        read_companies(str(tmp_path))


def test_a_page_that_is_missing_or_cut_is_told_with_both_counts(tmp_path: Path) -> None:
    folder = company(tmp_path, pages=[[paged(), paged("0,6")], [paged("0,7")]])
    (tmp_path / "abcd" / "GetListedCashDividends_2.json").unlink()
    with pytest.raises(SourceError, match=r"2 of 3 cash dividends on pages \[1\] of 2"):
        read_companies(str(folder))


def test_pages_of_different_downloads_are_told(tmp_path: Path) -> None:
    folder = company(tmp_path, pages=[[paged()], [paged("0,7")]])
    page = {"pageNumber": 2, "totalPages": 2, "totalRecords": 3}
    answer = {"page": page, "results": [paged("0,7")]}
    path = write(tmp_path / "abcd" / "GetListedCashDividends_2.json", answer)
    with pytest.raises(SourceError, match=re.escape("(pages, records) [(2, 2), (2, 3)]")):
        read_companies(str(folder))
    path.rename(path.with_name("GetListedCashDividends_1 copy.json"))
    answer["page"] = {"pageNumber": 1, "totalPages": 2, "totalRecords": 2}
    write(path.with_name("GetListedCashDividends_1 copy.json"), answer)
    with pytest.raises(SourceError, match="page 1 is also in abcd/GetListedCashDividends_1 copy"):
        read_companies(str(folder))


def test_answers_of_two_companies_in_one_folder_are_told(tmp_path: Path) -> None:
    company(tmp_path)
    details = {"issuingCompany": "WXYZ", "otherCodes": []}
    write(tmp_path / "abcd" / "GetDetailsCompany.json", details)
    with pytest.raises(SourceError, match=r"different companies.*'ABCD'"):
        read_companies(str(tmp_path))
