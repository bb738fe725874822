"""The exchange's answers about companies as the market's corporate actions."""

from datetime import date
from pathlib import Path

from quant_assets.market_data.sources.b3.source import B3
from quant_assets.settings import Market
from quant_assets.settings_files import checked
from quant_assets_tests.market_data.sources.b3.markets import b3_market, sessions
from quant_assets_tests.market_data.sources.b3.samples import record, write
from quant_assets_tests.market_data.sources.b3_actions.answers import ON, cash, company, stock

JANUARY = sessions(date(2024, 1, 1))


def source(folder: Path, **keys: object) -> B3:
    """A year in which ABCD3 becomes WXYZ3 on the sixth session, and answers about ABCD."""
    tickers = ["ABCD3"] * 5 + ["WXYZ3"] * (len(JANUARY) - 5)
    lines = [record(day, name, isin=ON) for day, name in zip(JANUARY, tickers, strict=True)]
    write(folder / "COTAHIST_A2024.ZIP", lines, year=2024)
    answers = company(folder / "answers", [cash()], [stock("100"), stock("x")], codes={})
    block = b3_market(folder, {"corporate_actions": str(answers), **keys})
    return B3(checked(Market, "markets.yaml", "tiny", {"name": "tiny", **block}))


def test_events_are_those_of_the_ticker_of_their_day(tmp_path: Path) -> None:
    found = source(tmp_path).corporate_actions()
    # The last day with the right is 10 January: the security trades as WXYZ3 on the eleventh.
    assert JANUARY.index(date(2024, 1, 11)) >= 5
    assert found.select(["symbol", "kind", "ratio", "cash", "ex_date"]).to_pylist() == [
        {
            "symbol": "WXYZ3",
            "kind": "dividend",
            "ratio": None,
            "cash": 0.5,
            "ex_date": date(2024, 1, 11),
        },
        {
            "symbol": "WXYZ3",
            "kind": "split",
            "ratio": 2.0,
            "cash": None,
            "ex_date": date(2024, 1, 11),
        },
    ]


def test_records_that_are_no_events_are_kept(tmp_path: Path) -> None:
    rejected = source(tmp_path).rejected_actions()
    assert rejected["label"].to_pylist() == ["DESDOBRAMENTO"]
    assert "'x'" in rejected["detail"][0].as_py()


def test_events_can_be_left_out(tmp_path: Path) -> None:
    without = source(tmp_path, with_corporate_actions=False)
    assert without.corporate_actions().num_rows == 0
    assert without.rejected_actions().num_rows == 0
