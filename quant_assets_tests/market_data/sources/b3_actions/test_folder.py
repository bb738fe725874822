"""From B3's answers to events: units, labels, share types, repetitions, rejected records."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.market_data.sources.b3_actions.folder import CompanyActions, read_b3_actions
from quant_assets.market_data.sources.b3_actions.listing import LISTING_SCHEMA, spans
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.market_data.sources.b3_actions.answers import (
    ON,
    PN,
    cash,
    company,
    paged,
    stock,
    subscription,
    write,
)

# 2024-01-11 is left out: an ex-date is a session, whatever the weekday
SESSIONS = np.array(
    [np.datetime64("2024-01-02") + i for i in range(60) if i not in (9, 11, 12)], "datetime64[D]"
)
EX = date(2024, 1, 12)


def read(folder: Path, listed: pa.Table | None = None) -> CompanyActions:
    found = read_b3_actions(str(folder), SESSIONS, listed)
    schema_of("corporate_actions").validate(found.events)
    schema_of("rejected_actions").validate(found.rejected)
    return found


def values(found: CompanyActions, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in found.events.to_pylist()]


def listing(*rows: tuple[str, str | None, str | None]) -> pa.Table:
    named = [dict(zip(LISTING_SCHEMA.names, row, strict=False)) for row in rows]
    return pa.Table.from_pylist(named, schema=LISTING_SCHEMA)


@pytest.mark.parametrize(
    ("label", "factor", "kind", "ratio"),
    [
        ("DESDOBRAMENTO", "300,00000000000", "split", 4.0),
        ("BONIFICACAO", "5,00000000000", "bonus", 1.05),
        ("Bonificação", "10", "bonus", 1.1),
        ("GRUPAMENTO", "0,10000000000", "reverse_split", 0.1),
        ("CISAO", "12,5", "spin_off", None),
        ("CIS RED CAP", "100,0", "spin_off", None),
        ("CIS. RED. CAP", "100,0", "spin_off", None),
        ("RESGATE TOTAL RV", "100", "other", None),
        ("INCORPORACAO", "85", "other", None),
    ],
)
def test_a_factor_means_what_its_label_says(
    tmp_path: Path, label: str, factor: str, kind: str, ratio: float | None
) -> None:
    found = read(company(tmp_path, stocks=[stock(factor, label)]))
    (event,) = found.events.to_pylist()
    assert (event["kind"], event["ratio"], event["cash"]) == (kind, ratio, None)
    assert event["figure"] == float(factor.replace(",", "."))
    assert (event["symbol"], event["isin"]) == ("ABCD3", "BRABCDACNOR5")
    assert event["ex_date"] == EX
    assert event["announced"] == date(2024, 1, 2)
    assert event["source"] == "abcd/GetListedSupplementCompany.json stockDividends 1"


@pytest.mark.parametrize(
    ("label", "kind", "paid"),
    [
        ("DIVIDENDO", "dividend", 0.5),
        ("RENDIMENTO", "dividend", 0.5),
        ("REST CAP DIN", "dividend", 0.5),
        ("JRS CAP PROPRIO", "interest_on_capital", 0.5),
        ("RESGATE TOTAL RV", "other", None),
    ],
)
def test_cash_of_known_labels_is_paid(
    tmp_path: Path, label: str, kind: str, paid: float | None
) -> None:
    found = read(company(tmp_path, cashes=[cash(label=label)]))
    assert values(found, "kind", "cash", "figure", "payment_date") == [
        (kind, paid, 0.5, date(2024, 1, 30))
    ]


def test_a_subscription_offers_a_share_of_new_shares_at_a_price(tmp_path: Path) -> None:
    found = read(company(tmp_path, subscriptions=[subscription("0,13994090200")]))
    assert values(found, "kind", "ratio", "price", "cash") == [
        ("subscription", pytest.approx(0.0013994090200), 8.0, None)
    ]


def test_shares_of_another_type_are_no_ratio_of_the_share_itself(tmp_path: Path) -> None:
    found = read(
        company(
            tmp_path,
            stocks=[stock("10", "BONIFICACAO", assetIssued=PN)],
            subscriptions=[subscription(assetIssued=PN)],
        )
    )
    assert values(found, "kind", "ratio", "figure") == [
        ("other", None, 10.0),
        ("subscription", None, 25.0),
    ]


def test_an_amount_for_a_thousand_shares_is_divided(tmp_path: Path) -> None:
    lots = [
        paged("350,00", quotedPerShares="1000", ratio="1000"),
        paged("280,00", quotedPerShares="1000", lastDatePriorEx="16/01/2024"),
    ]
    found = read(company(tmp_path, pages=[lots]))
    assert values(found, "cash", "figure") == [(0.35, 350.0), (0.28, 280.0)]


def test_share_types_get_their_own_events(tmp_path: Path) -> None:
    found = read(
        company(
            tmp_path,
            cashes=[cash("0,10"), cash("0,11", isinCode=PN)],
            pages=[[paged("0,20", typeStock="PN", lastDatePriorEx="16/01/2024")]],
        )
    )
    assert values(found, "symbol", "cash") == [("ABCD3", 0.1), ("ABCD4", 0.11), ("ABCD4", 0.2)]


def test_the_list_of_symbols_may_come_from_outside(tmp_path: Path) -> None:
    folder = company(
        tmp_path,
        cashes=[cash("0,3", isinCode="BRABCDCDAM13")],
        pages=[[paged("0,1"), paged("0,2", typeStock="PNA")]],
        codes={},
    )
    listed = listing(
        ("ABCD3", None, "ON      NM"), ("ABCD5", None, None), ("ABCD11", "BRABCDCDAM13", "UNT  N2")
    )
    assert values(read(folder, listed), "symbol", "cash") == [
        ("ABCD11", 0.3),
        ("ABCD3", 0.1),
        ("ABCD5", 0.2),
    ]


def test_an_isin_that_has_changed_is_matched_by_its_type(tmp_path: Path) -> None:
    found = read(company(tmp_path, stocks=[stock("100", isinCode="BRABCDACNPR0", assetIssued="")]))
    assert values(found, "symbol", "ratio", "isin") == [("ABCD4", 2.0, "BRABCDACNPR0")]


def test_the_ticker_of_the_day_is_meant(tmp_path: Path) -> None:
    lasts = ("08/01/2024", "20/06/1999", "09/01/2024", "20/02/2024")
    folder = company(
        tmp_path,
        cashes=[cash(lastDatePrior=last) for last in lasts],
        pages=[[paged("0,7", lastDatePriorEx="08/01/2024")]],
    )
    days = {
        "date": pa.array([date(2024, 1, d) for d in (2, 9, 10, 31)], pa.date32()),
        "symbol": ["OLDN3", "OLDN3", "ABCD3", "ABCD3"],
        "isin": [ON] * 4,
    }
    listed = spans(pa.table(days))
    assert listed.num_rows == 2
    found = read(folder, listed)
    assert values(found, "ex_date", "symbol", "cash") == [
        (date(1999, 6, 21), "OLDN3", 0.5),
        (date(2024, 1, 9), "OLDN3", 0.5),
        (date(2024, 1, 9), "OLDN3", 0.7),
        (date(2024, 1, 10), "ABCD3", 0.5),
        (date(2024, 2, 21), "ABCD3", 0.5),
    ]


def test_a_company_that_has_changed_its_code_keeps_its_events(tmp_path: Path) -> None:
    found = read(company(tmp_path, cashes=[cash(isinCode="BROLDNACNOR1")]))
    assert values(found, "symbol", "isin") == [("ABCD3", "BROLDNACNOR1")]


def test_an_event_counts_once_however_often_it_stands_there(tmp_path: Path) -> None:
    found = read(
        company(
            tmp_path,
            cashes=[cash("0,13347000000"), cash("0,13347000000", isinCode="BRABCDACNOR7")],
            stocks=[stock("100"), stock("100", approvedOn="03/01/2024")],
            pages=[[paged("0,1335"), paged("0,1335")], [paged("0,4"), paged("0,4")]],
        )
    )
    assert values(found, "kind", "cash") == [
        ("dividend", 0.13347),
        ("dividend", 0.4),
        ("split", None),
    ]
    assert (found.records, found.repetitions, found.rejected.num_rows) == (8, 5, 0)


def test_two_instalments_of_one_amount_are_two_payments(tmp_path: Path) -> None:
    instalments = [cash("0,10"), cash("0,10", paymentDate="30/06/2024")]
    found = read(company(tmp_path, cashes=instalments, pages=[[paged("0,1"), paged("0,1")]]))
    assert values(found, "cash", "number", "payment_date") == [
        (0.1, 1, date(2024, 1, 30)),
        (0.1, 2, date(2024, 6, 30)),
    ]


def test_an_amount_that_differs_is_another_payment(tmp_path: Path) -> None:
    found = read(company(tmp_path, cashes=[cash("0,10")], pages=[[paged("0,10"), paged("0,11")]]))
    assert values(found, "cash", "number") == [(0.1, 1), (0.11, 2)]


def test_ratios_that_contradict_each_other_are_rejected(tmp_path: Path) -> None:
    found = read(company(tmp_path, stocks=[stock("100"), stock("200"), stock("5", "BONIFICACAO")]))
    assert values(found, "kind", "ratio") == [("bonus", 1.05)]
    assert found.rejected["reason"].to_pylist() == ["conflicting_ratio"] * 2
    assert "ABCD3 has split ratios 2, 3 on 2024-01-12" in found.rejected["detail"][0].as_py()


def test_the_ex_date_is_the_next_session_or_day(tmp_path: Path) -> None:
    lasts = ("10/01/2024", "12/01/2024", "13/01/2024", "05/06/1998", "01/06/2024")
    records = [cash(lastDatePrior=last) for last in lasts]
    found = read(company(tmp_path, cashes=records))
    assert found.events["ex_date"].to_pylist() == [
        date(1998, 6, 6),
        date(2024, 1, 12),
        date(2024, 1, 15),
        date(2024, 6, 2),
    ]


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        (cash("0,00"), "no_amount", "rate must be above zero. Got '0,00'"),
        (cash(""), "no_amount", "rate must be above zero. Got ''"),
        (cash("0.133"), "unreadable", "rate must be a number with a decimal comma.*'0.133'"),
        (cash(lastDatePrior=""), "no_ex_date", "lastDatePrior is empty"),
        (cash(lastDatePrior="2024-01-10"), "unreadable", "lastDatePrior must be a date dd/mm/yyyy"),
        (cash(isinCode=""), "no_isin", "isinCode is empty"),
        (cash(label=" "), "no_label", "label is empty"),
        (cash(isinCode="BRABCDACNPA7"), "no_symbol", "listed for ABCD: ON ABCD3; PN ABCD4"),
        (cash(isinCode="BRABCDD01OR5"), "no_symbol", "no symbol is listed for ISIN BRABCDD01OR5"),
    ],
)
def test_a_record_that_cannot_be_used_is_kept_with_its_reason(
    tmp_path: Path, record: dict[str, str], reason: str, detail: str
) -> None:
    found = read(company(tmp_path, cashes=[cash("0,7"), record]))
    (out,) = found.rejected.to_pylist()
    assert (out["reason"], out["place"], out["company"]) == (reason, "cashDividends 2", "ABCD")
    assert json.loads(out["record"]) == record
    assert found.rejected["detail"].to_pandas().str.contains(detail).all()
    assert found.events.num_rows == 1
    assert (found.records, found.repetitions) == (2, 0)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (paged(quotedPerShares="100"), "unknown_lot"),
        (paged(quotedPerShares=""), "unknown_lot"),
        (paged(ratio="1000"), "unknown_lot"),
        (paged(typeStock=""), "no_share_type"),
        (paged(typeStock="PNB"), "no_symbol"),
        (paged(valueCash="0"), "no_amount"),
    ],
)
def test_a_paged_record_that_cannot_be_used_is_kept(
    tmp_path: Path, record: dict[str, str], reason: str
) -> None:
    found = read(company(tmp_path, pages=[[record]]))
    assert found.rejected["reason"].to_pylist() == [reason]
    assert found.events.num_rows == 0


def test_a_reverse_split_in_percent_is_rejected(tmp_path: Path) -> None:
    found = read(company(tmp_path, stocks=[stock("10", "GRUPAMENTO")]))
    assert found.rejected["reason"].to_pylist() == ["no_reverse_ratio"]


def test_an_empty_answer_is_told_and_others_are_read(tmp_path: Path) -> None:
    company(tmp_path, cashes=[cash()])
    write(tmp_path / "wxyz" / "GetListedSupplementCompany.json", "")
    found = read(tmp_path)
    assert found.events.num_rows == 1
    (out,) = found.rejected.to_pylist()
    assert (out["reason"], out["company"]) == ("empty_answer", "WXYZ")


def test_real_answers_of_a_company(test_data: Path) -> None:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("BVMF", start="2010-01-01", end="2022-12-31")
    sessions = calendar.sessions.to_numpy().astype("datetime64[D]")
    found = read_b3_actions(str(test_data / "b3_corporate_actions"), sessions)
    # 29 paged payments of which the two of 2021 stand in the supplement too, and a subscription
    assert (found.records, found.repetitions, found.rejected.num_rows) == (32, 2, 0)
    events = found.events.to_pandas()
    assert events["kind"].value_counts().to_dict() == {
        "interest_on_capital": 15,
        "dividend": 14,
        "subscription": 1,
    }
    assert set(events["symbol"]) == {"ABEV3"}
    last = events[events["ex_date"] == date(2021, 12, 20)]
    assert last["cash"].tolist() == [0.1334, 0.4702]
    assert set(last["isin"]) == {"BRABEVACNOR1"}
    right = events[events["kind"] == "subscription"].iloc[0]
    assert right["ratio"] == pytest.approx(0.0013994090200, rel=1e-12)
    assert (right["price"], right["ex_date"]) == (16.09, date(2014, 4, 29))
