"""From prices adjusted for splits only, plus dividends, to prices of total return.

Two vendors' daily prices of one market, one adjusted for splits only, the other for dividends too,
say the same if the adjustment is right. `python -m quant_assets_tests.market_data.total_return`
prints how well they agree, symbol by symbol, and what lies behind the worst ten. The data folder is
that of the tests (QUANT_ASSETS_TEST_DATA).

The data have no list of dividends but that of one company (B3's answers about ABEV3; the test holds
those against both sources). The payments of all are read off the two sources: a payment is a rise
of their ratio, for good, in the median of open, high, low and close. Compared are simple returns of
closes between sessions on which both sources traded. A close whose ratio is away from the level of
the four prices about it is a fault of one source: no payment does that.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from quant_assets.market_data.actions.events import event_table
from quant_assets.market_data.adjustment import adjust
from quant_assets.market_data.sources.b3_actions.folder import read_b3_actions
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.conftest import VENDOR_DATA

SAME = 1e-4
LEAST_SESSIONS = 100
# Sessions about a day whose median is the level of the ratio: two wrong closes in five are no step.
LEVEL = 5
# The split-only prices have four decimals, so that the ratio of cheap shares is not smooth.
_DECIMALS = 1e-4
_LEAST_STEP = 5e-4
_LARGEST_PAYMENT = 0.25
_WRONG_SESSION = 0.2
# Why returns differ: a lasting step that is no payment; a payment of the day before or after; few
# digits (in a year in which a symbol's highs differ about as much); a close that is away from the
# level of the ratio, on the day or the day before; a payment of another size.
CAUSES = ("other step", "date of payment", "rounding", "wrong close", "size of payment")


@dataclass(frozen=True)
class Agreement:
    """How well two sources agree.

    Attributes:
        symbols: one row a symbol: how many sessions, payments and other steps, and the differences
            of returns before and after the payments are counted.
        sessions: share of symbols with a wrong close, by session.
        steps: every lasting step of the ratio: `symbol`, `date`, `step` (log), the split-only close
            `before`, and what it is taken for: payment, fall, or leap (too large for a payment).
        compared: one row a symbol and session, with the difference and its cause.
    """

    symbols: pd.DataFrame
    sessions: pd.Series
    steps: pd.DataFrame
    compared: pd.DataFrame


def joined(folder: Path) -> pd.DataFrame:
    """Sessions on which both sources traded, by symbol and date; columns `close_a` …, `close_e` …

    `a` is adjusted for splits only, `e` for dividends too.
    """
    split_only = pd.read_parquet(folder / "b3_alphavantage_raw_2010_2020.parquet")
    total = pd.read_parquet(folder / "b3_economatica_2000_2020.parquet")
    both = split_only[split_only["volume"] > 0].merge(
        total[total["volume_brl"] > 0], on=["symbol", "date"], suffixes=("_a", "_e")
    )
    both = both.sort_values(["symbol", "date"], ignore_index=True)
    count = both.groupby("symbol")["date"].transform("size")
    return both[count >= LEAST_SESSIONS].reset_index(drop=True)


def lasting_steps(both: pd.DataFrame) -> pd.DataFrame:
    """The days on which the ratio of the prices changes for good; see Agreement.steps."""
    rows = both[["symbol", "date", "close_a"]].copy()
    rows["step"] = _level(both).groupby(both["symbol"]).diff()
    rows["before"] = rows.groupby("symbol")["close_a"].shift()
    steps = rows[rows["step"].abs() > _LEAST_STEP + 2 * _DECIMALS / rows["before"]]
    kind = np.select(
        [steps["step"] < 0, steps["step"] > _LARGEST_PAYMENT], ["fall", "leap"], "payment"
    )
    columns = ["symbol", "date", "step", "before", "kind"]
    return steps.assign(kind=kind)[columns].reset_index(drop=True)


def _level(both: pd.DataFrame) -> pd.Series:
    """The log ratio of the prices of a session and its neighbours."""
    prices = ("open", "high", "low", "close")
    ratio = pd.DataFrame({name: np.log(both[f"{name}_e"] / both[f"{name}_a"]) for name in prices})
    return (
        ratio.median(axis=1)
        .groupby(both["symbol"])
        .transform(lambda x: x.rolling(LEVEL, center=True, min_periods=LEVEL // 2 + 1).median())
    )


def payments(steps: pd.DataFrame) -> pa.Table:
    """The steps that are payments, as corporate actions: cash of the share before."""
    paid = steps[steps["kind"] == "payment"]
    cash = paid["before"] * (1 - np.exp(-paid["step"]))
    columns = {
        "ex_date": pa.array(paid["date"].dt.date, pa.date32()),
        "symbol": pa.array(paid["symbol"], pa.string()),
        "kind": pa.array(["dividend"] * len(paid), pa.string()),
        "cash": pa.array(cash.to_numpy()),
        "source": pa.array(["ratio of two sources"] * len(paid), pa.string()),
    }
    return event_table(pa.table(columns))


def adjusted_closes(both: pd.DataFrame, actions: pa.Table, interest_tax: float = 0.0) -> pd.Series:
    """The split-only closes, adjusted by events as the platform does it."""
    prices = {name: both[f"{name}_a"] for name in ("open", "high", "low", "close")}
    columns = {
        "date": both["date"].dt.date,
        "symbol": both["symbol"],
        **prices,
        "volume": both["volume"].astype(float),
        "turnover": both["close_a"] * both["volume"],
        "flags": "",
    }
    schema = schema_of("bars").arrow
    bars = pa.Table.from_pandas(pd.DataFrame(columns), schema=schema, preserve_index=False)
    found = adjust(bars, actions, bars, interest_tax).table["close"].to_numpy()
    return pd.Series(found, index=both.index)


def agreement(both: pd.DataFrame, actions: pa.Table) -> Agreement:
    """The two sources held together, with the events of `actions` counted in."""
    steps = lasting_steps(both)
    by_symbol = both["symbol"]
    returns = {
        "before": both["close_a"].groupby(by_symbol).pct_change(),
        "after": adjusted_closes(both, actions).groupby(by_symbol).pct_change(),
        "total": both["close_e"].groupby(by_symbol).pct_change(),
    }
    away = {f"{name}_off": _off_level(both, name) for name in ("high", "close")}
    off = away["close_off"] > 2 * SAME + _DECIMALS / both["close_a"]
    compared = both[["symbol", "date", "close_a"]].assign(**returns, **away).dropna()
    around = off | off.groupby(by_symbol).shift(fill_value=False)
    compared["difference"] = compared["after"] - compared["total"]
    compared["cause"] = _causes(compared, around, steps)
    rows = {symbol: _of_symbol(own) for symbol, own in compared.groupby("symbol")}
    symbols = pd.DataFrame.from_dict(rows, orient="index")
    counts = steps.pivot_table(index="symbol", columns="kind", values="step", aggfunc="size")
    counts = counts.reindex(index=symbols.index, columns=["payment", "fall", "leap"]).fillna(0)
    counts.columns = ["payments", "falls", "leaps"]
    return Agreement(
        symbols.join(counts.astype(int)), off.groupby(both["date"]).mean(), steps, compared
    )


def _off_level(both: pd.DataFrame, name: str) -> pd.Series:
    """How far the log ratio of a price is away from its level."""
    ratio = np.log(both[f"{name}_e"] / both[f"{name}_a"])
    return pd.Series((ratio - _level(both)).abs(), index=both.index)


def _causes(compared: pd.DataFrame, around: pd.Series, steps: pd.DataFrame) -> np.ndarray:
    """Why a return differs, "" where it does not; the first of CAUSES that fits."""
    keys = pd.MultiIndex.from_frame(compared[["symbol", "date"]])
    marks = steps.set_index(["symbol", "date"]).reindex(keys).set_index(compared.index)
    size = compared["difference"].abs()
    paid = marks["step"].where(marks["kind"] == "payment")
    day_after = paid.groupby(compared["symbol"]).shift(-1)
    near = ((size - paid).abs() < 0.2 * paid) | ((size - day_after).abs() < 0.2 * day_after)
    years = [compared["symbol"], compared["date"].dt.year]
    digits = compared["high_off"].groupby(years).transform("median")
    ticks = SAME + 2 * _DECIMALS / compared["close_a"]
    conditions = [
        size <= SAME,
        marks["kind"].isin(["fall", "leap"]),
        near,
        (size <= ticks) | (size <= 4 * digits),
        around[compared.index],
    ]
    found: np.ndarray = np.select(conditions, ["", *CAUSES[:-1]], CAUSES[-1])
    return found


def _of_symbol(rows: pd.DataFrame) -> dict[str, float]:
    size = rows["difference"].abs()
    causes = rows["cause"].value_counts()
    return {
        "sessions": len(rows),
        "same_before": float(((rows["before"] - rows["total"]).abs() <= SAME).mean()),
        "same": float((size <= SAME).mean()),
        "same_or_wrong_close": float(((size <= SAME) | (rows["cause"] == "wrong close")).mean()),
        "correlation": float(rows["after"].corr(rows["total"])),
        "median": float(size.median()),
        "largest": float(size.max()),
        "drift": float(np.log1p(rows["after"]).sum() - np.log1p(rows["total"]).sum()),
        **{name: int(causes.get(name, 0)) for name in CAUSES},
    }


def declared(folder: Path, sessions: np.ndarray) -> pa.Table:
    """The events of B3's answers in a folder."""
    return read_b3_actions(str(folder), sessions).events


def main() -> None:
    """Print the agreement of each symbol, the worst ten with their days, and the sessions."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = Path(os.environ.get("QUANT_ASSETS_TEST_DATA", VENDOR_DATA))
    parser.add_argument("--data", type=Path, default=default, help="the folder of market data")
    parser.add_argument("--worst", type=int, default=10, help="how many symbols to explain")
    options = parser.parse_args()
    both = joined(options.data / "br_b3_daily")
    found = agreement(both, payments(lasting_steps(both)))
    whole = found.symbols.drop(columns=list(CAUSES))
    print(whole.sort_values("same").to_string(float_format="%.6g"))
    print(f"\n{len(whole)} symbols, {len(found.compared):,} returns")
    share = found.compared["cause"].value_counts(normalize=True)
    print(share.rename({"": f"within {SAME:g}"}).to_string(float_format="%.4f"))
    print(found.steps["kind"].value_counts().to_string())
    wrong = found.sessions[found.sessions > _WRONG_SESSION]
    print(f"{len(wrong)} of {len(found.sessions):,} sessions have wrong closes of many symbols")
    for symbol in whole.sort_values("same").index[: options.worst]:
        _explain(found, str(symbol), wrong.index)


def _explain(found: Agreement, symbol: str, wrong: pd.Index) -> None:
    rows = found.compared[(found.compared["symbol"] == symbol) & (found.compared["cause"] != "")]
    causes = ", ".join(f"{n} {name}" for name, n in rows["cause"].value_counts().items())
    shared = rows["date"].isin(wrong).mean() if len(rows) else 0.0
    years = rows["date"].dt.year.value_counts().head(3)
    most = ", ".join(f"{n} in {year}" for year, n in years.items())
    print(f"\n{symbol}: {causes}; {shared:.0%} on sessions wrong for many; most {most}")
    largest = rows.reindex(rows["difference"].abs().sort_values(ascending=False).index).head(5)
    columns = ["date", "close_a", "before", "after", "total", "difference", "cause"]
    print(largest[columns].to_string(index=False, float_format="%.6g"))


if __name__ == "__main__":
    main()
