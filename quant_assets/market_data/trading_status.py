"""Facts that bars and the day's trading status must keep together.

Here is what holds in every market that has a table `trading_status`; where its rows come from is
the business of the source.
"""

import numpy as np
import pyarrow as pa

from quant_assets.market_data.facts import EXAMPLES, Finding

_HALF_TICK = 0.005


def within_limits(bars: pa.Table, status: pa.Table) -> Finding:
    """Every bar lies within the price limits of its day, and has a status that is not halted.

    Args:
        bars: `date`, `symbol`, `high`, `low`.
        status: table `trading_status` of the same days. Where no limit is told none is judged.
    """
    columns = ["date", "symbol", "halted", "limit_up_price", "limit_down_price"]
    both = bars.select(["date", "symbol", "high", "low"]).join(
        status.select(columns), ["date", "symbol"], join_type="left outer"
    )
    both = both.sort_by([("date", "ascending"), ("symbol", "ascending")])
    names = ("high", "low", "halted", "limit_up_price", "limit_down_price")
    high, low, halted, up, down = (
        both[name].cast(pa.float64()).to_numpy().astype(np.float64) for name in names
    )
    # comparisons with NaN are false: no limit
    faults = {
        "has no trading status": np.isnan(halted),
        "is a bar of a halted day": halted == 1.0,
        "traded above the upper limit": high > up + _HALF_TICK,
        "traded below the lower limit": low < down - _HALF_TICK,
    }
    wrong = np.logical_or.reduce(list(faults.values()))
    examples = []
    for row in np.flatnonzero(wrong)[:EXAMPLES].tolist():
        what = ", ".join(name for name, mask in faults.items() if mask[row])
        day, symbol = both["date"][row].as_py(), both["symbol"][row].as_py()
        examples.append(
            f"{day} {symbol}: {what} (low {low[row]:g}, high {high[row]:g}, limits {down[row]:g} "
            f"to {up[row]:g}); if the exchange lifted the limit, name the day under no_price_limit"
        )
    return Finding(both.num_rows, int(wrong.sum()), tuple(examples))
