"""`quant-assets verify-book`: what it prints, its exit codes, wrong usage."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quant_assets.cli import main

ORDERS = """\
DataStatus,OrderIndex,OrderChannel,SecurityID,OrderTime,OrderType,OrderNO,OrderPrice,Balance,\
OrderBSFlag,BizIndex,LocalTime,SeqNo
0,1,6,600000,09:30:00.100,A,11,7.40,500,S,1,09:30:00.200,1
0,2,6,600000,09:30:00.150,A,12,7.38,300,B,2,09:30:00.200,2
0,3,6,600000,09:30:01.500,A,13,7.40,200,B,4,09:30:01.600,4
0,4,6,600000,09:30:04.100,D,12,7.38,300,B,5,09:30:04.200,5
"""
TRADES = """\
DataStatus,TradeIndex,TradeChan,SecurityID,TradTime,TradPrice,TradVolume,TradeMoney,TradeBuyNo,\
TradeSellNo,TradeBSFlag,BizIndex,LocalTime,SeqNo
0,1,6,600000,09:30:01.500,7.40,500,3700,13,11,B,3,09:30:01.600,3
"""
HEAD = [
    *("UpdateTime", "SecurityID", "ImageStatus", "PreCloPrice", "OpenPrice", "HighPrice"),
    *("LowPrice", "LastPrice", "ClosePrice", "InstruStatus", "TradNumber", "TradVolume"),
    "Turnover",
    *(f"Ask{what}{level}" for level in range(1, 11) for what in ("Price", "Volume")),
    *(f"Bid{what}{level}" for level in range(1, 11) for what in ("Price", "Volume")),
]


def snapshot_file(bid_size: int) -> str:
    """Two snapshots: before the trade, and after it."""
    rows: list[dict[str, object]] = [
        {
            "UpdateTime": "09:30:00.000",
            "TradNumber": 0,
            "TradVolume": 0,
            "Turnover": 0,
            "LastPrice": 0,
            "OpenPrice": 0,
            "HighPrice": 0,
            "LowPrice": 0,
            "AskPrice1": 7.40,
            "AskVolume1": 500,
            "BidPrice1": 7.38,
            "BidVolume1": 300,
        },
        {
            "UpdateTime": "09:30:03.000",
            "TradNumber": 1,
            "TradVolume": 500,
            "Turnover": 3700,
            "LastPrice": 7.4,
            "OpenPrice": 7.4,
            "HighPrice": 7.4,
            "LowPrice": 7.4,
            "BidPrice1": 7.40,
            "BidVolume1": 200,
            "BidPrice2": 7.38,
            "BidVolume2": bid_size,
        },
    ]
    fixed: dict[str, object] = {
        "SecurityID": 600000,
        "ImageStatus": 1,
        "PreCloPrice": 7.39,
        "InstruStatus": "TRADE",
    }
    lines = [",".join(str({**fixed, **row}.get(name, "")) for name in HEAD) for row in rows]
    return "\n".join([",".join(HEAD), *lines, ""])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a day."""
    (tmp_path / "orders_20230201.csv").write_text(ORDERS)
    (tmp_path / "trades_20230201.csv").write_text(TRADES)
    (tmp_path / "good_20230201.csv").write_text(snapshot_file(300))
    (tmp_path / "bad_20230201.csv").write_text(snapshot_file(400))
    return tmp_path


def run(
    folder: Path, *arguments: str, exchange: str = "shanghai", snapshots: str = "good"
) -> Result:
    events = [
        f"--events=mdl_sse_{name}={folder}/{name}_{{date}}.csv" for name in ("orders", "trades")
    ]
    theirs = f"--snapshots=mdl_sse_snapshots={folder}/{snapshots}_{{date}}.csv"
    command = ["verify-book", exchange, "2023-02-01", *events, theirs, *arguments]
    result = CliRunner().invoke(main, command)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_an_equal_book(folder: Path) -> None:
    result = run(folder, "--levels", "10")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "600000.SH: 5 events, 3 orders",
        "  2 of 2 snapshots are of continuous trading; 2 of them aligned by trades",
        "    one state             0",
        "    by the clock          2",
        "    by search             0",
        "    not equal             0",
        "    2.0 different states to choose from on average",
        *(
            f"  {what:16} equal in 2 of 2"
            for what in ("top 5", "top 10", "volume", "turnover", "last")
        ),
    ]


def test_a_size_that_differs_is_written_out(folder: Path) -> None:
    result = run(folder, snapshots="bad")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert "  top 5            equal in 1 of 2" in lines
    assert lines[-1] == "  differs  09:30:03.000 bid_size_2: vendor 400, rebuilt 300"
    assert run(folder, "--list", "0", snapshots="bad").stdout.splitlines()[-1] == "  and 1 more"


def test_a_book_with_a_fault_and_a_snapshot_without_a_state(folder: Path) -> None:
    (folder / "trades_20230201.csv").write_text(TRADES.replace(",13,11,B,", ",13,99,B,"))
    result = run(folder)
    assert result.exit_code == 1
    assert (
        "  FAULT  unknown order: 1 events, the first at 09:30:01.500, sequence 3" in result.stdout
    )
    (folder / "trades_20230201.csv").write_text(TRADES.splitlines()[0] + "\n")
    result = run(folder)
    assert result.exit_code == 1
    assert "  not aligned  09:30:03.000: the events end before trades 1" in result.stdout


def test_rows_that_cannot_be_read_are_told_of(folder: Path) -> None:
    path = folder / "orders_20230201.csv"
    path.write_text(ORDERS + ORDERS.splitlines()[1].replace(",A,", ",X,") + "\n")
    result = run(folder)
    assert result.exit_code == 0
    assert result.stderr == f"{path}: 1 rows cannot be used\n"


@pytest.mark.parametrize(
    ("arguments", "exchange", "message"),
    [
        (
            [],
            "shanghi",
            "EXCHANGE must be one of shanghai, shenzhen, nasdaq, bitstamp. "
            "Got 'shanghi'; did you mean 'shanghai'?",
        ),
        (
            ["--events", "orders.csv"],
            "shanghai",
            "--events must be FORMAT=PATH with one of the formats mdl_sse_orders, ",
        ),
        (["--events", "mdl_sse_snapshots=a"], "shanghai", "Got 'mdl_sse_snapshots=a'"),
        (
            ["--snapshots", "mdl_sse_snapshots=/nowhere/x.csv"],
            "shanghai",
            "--snapshots: there is no file at /nowhere/x.csv for 2023-02-01",
        ),
        (["--symbol", "600519.SH"], "shanghai", "no symbol has both events and snapshots"),
    ],
)
def test_wrong_usage(folder: Path, arguments: list[str], exchange: str, message: str) -> None:
    result = run(folder, *arguments, exchange=exchange)
    assert result.exit_code in (1, 2)
    assert message in " ".join(result.stderr.split())


def test_real_snapshots(test_data: Path) -> None:
    """600519 until 10:30, by the command that a user types."""
    stem = test_data / "cn_level2_shared" / "600519_20230201_until_1030"
    result = CliRunner().invoke(
        main,
        [
            *("verify-book", "shanghai", "2023-02-01", "--levels", "10"),
            *("--events", f"mdl_sse_orders={stem}_entrust.csv.gz"),
            *("--events", f"mdl_sse_trades={stem}_trade.csv.gz"),
            *("--snapshots", f"mdl_sse_snapshots={stem}_snapshot.csv.gz"),
        ],
    )
    assert result.exit_code == 0
    assert "1,202 of 1,364 snapshots are of continuous trading; 1,202 of them" in result.stdout
    assert "  top 10           equal in 1,202 of 1,202" in result.stdout
