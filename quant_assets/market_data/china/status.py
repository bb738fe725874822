"""The daily facts of China's shares as tables: who could trade within which prices, and valuations.

Here lives how rows of vendors become one row a session and symbol. The limits themselves are in
price_limits.py; reading is the business of sources/.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.china.codes import boards
from quant_assets.market_data.china.price_limits import price_limits
from quant_assets.market_data.panels import date_column, session_dates
from quant_assets.warehouse.schemas import schema_of

_STATUS = schema_of("trading_status").arrow
_VALUATIONS = schema_of("valuations").arrow
RATIOS = ("pe_ttm", "pb_mrq", "ps_ttm", "pcf_ncf_ttm", "turnover_rate")
FACTS = ("previous_close", "halted", "special_treatment")


def one_row_each(rows: pa.Table, names: Sequence[str]) -> pa.Table:
    """One row a session and symbol, sorted by them.

    Rows without a symbol, or dated off the calendar, belong to nobody: they are left out here and
    stand in quarantine. Of rows that repeat a key, values on which they disagree are null.

    Args:
        rows: `session`, `date`, `symbol` and the columns `names` of floats.
        names: which to keep.
    """
    known = pc.and_(
        pc.is_valid(rows["symbol"]), pc.fill_null(pc.equal(rows["date"], rows["session"]), False)
    )
    kept = rows.select(["session", "symbol", *names]).filter(known)
    key = ["session", "symbol"]
    grouped = kept.group_by(key).aggregate(
        [(name, how) for name in names for how in ("min", "max")]
    )
    columns = {"session": grouped["session"], "symbol": grouped["symbol"]}
    for name in names:
        low, high = grouped[f"{name}_min"], grouped[f"{name}_max"]
        columns[name] = pc.if_else(pc.equal(low, high), low, pa.scalar(None, pa.float64()))
    return pa.table(columns).sort_by([(name, "ascending") for name in key])


def trading_status(
    rows: pa.Table,
    listed: Mapping[str, date],
    unlimited: Mapping[str, Sequence[date]],
    calendar: np.ndarray,
) -> pa.Table:
    """Table `trading_status` of some rows.

    Args:
        rows: `session`, `date`, `symbol` (canonical) and the columns FACTS.
        listed: first day of trading by symbol, where it is known.
        unlimited: days without a price limit by symbol.
        calendar: sessions of the exchange from some weeks before the rows on.
    """
    each = one_row_each(rows, FACTS)
    days = session_dates(each["session"])
    symbols = each["symbol"].to_pylist()
    previous = each["previous_close"].to_numpy().astype(np.float64)
    special = each["special_treatment"].to_numpy().astype(np.float64)
    first = np.array([listed.get(s) for s in symbols], "datetime64[D]")
    up, down = price_limits(boards(each["symbol"]), days, previous, special, first, calendar)
    free = {(symbol, day) for symbol, given in unlimited.items() for day in given}
    if free:
        lifted = np.array([key in free for key in zip(symbols, days.tolist(), strict=True)], bool)
        up[lifted] = down[lifted] = np.nan
    data = {
        "date": date_column(days),
        "symbol": each["symbol"].cast(pa.string()),
        # rows that disagree: one of them says that it traded
        "halted": pc.fill_null(pc.equal(each["halted"], 1.0), False),
        "special_treatment": pc.equal(each["special_treatment"], 1.0),
        "previous_close": pa.array(np.where(previous > 0, previous, np.nan), from_pandas=True),
        "limit_up_price": pa.array(up, from_pandas=True),
        "limit_down_price": pa.array(down, from_pandas=True),
    }
    return pa.table(data, schema=_STATUS)


def valuations(rows: pa.Table) -> pa.Table:
    """Table `valuations` of some rows: `session`, `date`, `symbol` and the columns RATIOS.

    `turnover_rate` comes in percent.
    """
    each = one_row_each(rows, RATIOS)
    data = {
        "date": each["session"],
        "symbol": each["symbol"].cast(pa.string()),
        **{name: each[name] for name in RATIOS},
        "turnover_rate": pc.divide(each["turnover_rate"], 100.0),
    }
    return pa.table(data, schema=_VALUATIONS)
