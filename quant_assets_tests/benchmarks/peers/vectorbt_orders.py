"""vectorbt's Portfolio.from_orders on daily target weights: one cash pool, fees, slippage, lots.

Runs in the peer's environment; see serving.py. Input: `close`, `price` (of execution), `targets`
(of the same row, NaN where nothing is ordered), (sessions, symbols). Results: the order records by
session and symbol: `session`, `column`, `quantity` (below 0: sold), `price`, `fees`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from quant_assets_tests.benchmarks.peers.serving import Server


def main(folder: Path) -> None:
    """Answer until the input ends."""
    server = Server()
    import pandas as pd
    import vectorbt

    options = json.loads((folder / "options.json").read_text())
    given = np.load(folder / "input.npz")
    close, price, targets = pd.DataFrame(given["close"]), given["price"], given["targets"]
    latest: dict[str, Any] = {}

    def run() -> None:
        portfolio = vectorbt.Portfolio.from_orders(
            close,
            size=targets,
            size_type="targetpercent",
            price=price,
            fees=options["fees"],
            slippage=options["slippage"],
            size_granularity=options["lot"],
            init_cash=options["capital"],
            cash_sharing=True,
            group_by=True,
            call_seq="auto",
            engine="rust",
        )
        latest["orders"] = portfolio.order_records

    def results() -> dict[str, Any]:
        orders = latest["orders"]
        orders = orders[np.lexsort((orders["col"], orders["idx"]))]
        return {
            "session": orders["idx"],
            "column": orders["col"],
            "quantity": np.where(orders["side"] == 0, orders["size"], -orders["size"]),
            "price": orders["price"],
            "fees": orders["fees"],
        }

    server.serve(run, results)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
