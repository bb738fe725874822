"""A published portfolio traded again: 9,367 transactions, positions and returns of seven stocks.

What is shared: the transactions are done at the prices at which the portfolio is valued on the same
day, without costs, so the decision of each day is the portfolio at its close. Given as target
weights, in whole shares and at the next close, the simulation must do the same transactions, and
hold the same money. The definitions differ in nothing else: a return is the change of equity.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from quant_assets.backtests.simulation import simulate
from quant_assets.backtests.trading_data import TradingData
from quant_assets_tests.backtests.trading_samples import free

CAPITAL = 100_000.0


def test_the_published_transactions_positions_and_returns(test_data: Path) -> None:
    folder = test_data / "ref_pyfolio"
    held, done, returns = (
        pd.read_csv(folder / f"test_{name}.csv.gz", index_col=0, parse_dates=True, header=header)
        for name, header in (("pos", 0), ("txn", 0), ("returns", None))
    )
    symbols = [name for name in held.columns if name != "cash"]
    amounts = done.pivot(columns="symbol", values="amount")[symbols].reindex(held.index).fillna(0.0)
    traded = done.pivot(columns="symbol", values="price")[symbols].reindex(held.index)
    shares = amounts.cumsum()
    # a transaction tells the price of its day, on other days the position does
    price = traded.fillna(held[symbols] / shares.where(shares != 0)).ffill().bfill().to_numpy()
    price = np.vstack([price[:1], price])  # a day before the first, on which it is decided
    days = pd.DatetimeIndex(held.index).tz_localize(None).to_numpy().astype("datetime64[D]")
    dates = np.concatenate([days[:1] - 1, days])
    volume = np.full(price.shape, 1e9)
    data = TradingData(dates, np.array(symbols, object), price, price, volume)
    weights = np.full(price.shape, np.nan)
    # The file rounds its money to 1e-10 of equity: now and then a share more or less.
    values = shares * price[1:]
    spent = (amounts * traded.fillna(0.0)).sum(axis=1).cumsum()
    equity = CAPITAL - spent + values.sum(axis=1)
    weights[:-1] = values.to_numpy() / equity.to_numpy()[:, None]
    result = simulate(weights, data, free(capital=CAPITAL, lot=1, execution="next_close"))

    fills = result.fills.to_pandas()
    ours = fills.pivot(index="date", columns="symbol", values="quantity")[symbols].fillna(0.0)
    assert result.fills.num_rows == len(done) == 9367
    np.testing.assert_array_equal(ours.to_numpy(), amounts.loc[amounts.any(axis=1)].to_numpy())
    table = result.positions.to_pandas().pivot(index="date", columns="symbol", values="value")
    np.testing.assert_allclose(
        table[symbols].fillna(0.0).to_numpy(), held[symbols].to_numpy(), rtol=1e-9, atol=1e-4
    )
    np.testing.assert_allclose(result.account.cash, held["cash"].to_numpy(), rtol=0, atol=1e-4)
    published = returns.iloc[:, 0].reindex(held.index).to_numpy()
    np.testing.assert_allclose(result.account.net_return[1:], published[1:], rtol=0, atol=1e-10)
