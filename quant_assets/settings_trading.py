"""Settings of trading: what an account of a market holds, pays and may do.

The block `trading` of a market in markets.yaml. How each rule works in a simulation is told in
`backtests/simulation.py`; here stand types, bounds and defaults only.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from quant_assets.settings_files import Block

Execution = Literal["next_open", "next_close"]
BasisPoints = Annotated[float, Field(ge=0, le=500)]

# What a participation of 1 moves the price by where `impact` does not say otherwise: the figure of
# zipline and Lean for the first, of the published estimates of the square-root law for the second.
_IMPACTS = {"fixed": 0.0, "volume_share": 0.1, "square_root": 1.0}


class Slippage(Block):
    """How far from the quoted price an order is done, to its disadvantage.

    `bps` of the price are always paid. To them comes, by `kind`: nothing (fixed); impact x (share
    of the session's volume)² (volume_share); impact x daily volatility x √(order's value / average
    daily turnover), both over the `window` sessions before (square_root); that is nothing where
    neither is known yet, as in the first sessions of a listing.
    """

    kind: Literal["fixed", "volume_share", "square_root"] = "fixed"
    bps: BasisPoints = 5.0
    impact: float | None = Field(None, ge=0, le=10)
    window: int = Field(20, ge=2, le=252)

    @property
    def coefficient(self) -> float:
        """`impact`, or what is usual for the kind."""
        return _IMPACTS[self.kind] if self.impact is None else self.impact


class Dividends(Block):
    """Shares of payments that are kept back as tax before they reach the account.

    `withholding` of dividends, `interest_withholding` of interest on capital (0.15 in Brazil).
    """

    withholding: float = Field(0.0, ge=0, lt=1)
    interest_withholding: float = Field(0.0, ge=0, lt=1)


class IncomeTax(Block):
    """Tax on the net gain of a month's sales; losses are carried forward.

    Nothing is due for a month in which securities for at most `exempt_sales` were sold, short sales
    and what splits pay out among them; its gains use up no loss, and its losses count later all the
    same. The defaults are Brazil's for shares in the cash market: 15 %, 20,000 BRL. What is kept
    back of each sale there (0.005 %) is a prepayment of the tax and left out.
    """

    rate: float = Field(0.15, ge=0, lt=1)
    exempt_sales: float = Field(20_000.0, ge=0)


def _by_day(value: Any) -> Any:
    """A single rate holds from ever on."""
    return value if isinstance(value, Mapping) else {date.min: value}


class Trading(Block):
    """The rules by which target weights become trades; money in the market's currency.

    Attributes:
        capital: of the account at the start.
        execution: decisions are traded at the open or the close of the next session.
        commission_bps: of the traded value, bought or sold.
        minimum_commission: of an order, on each session on which a part of it is filled.
        stamp_tax_bps: of the sold value; a number, or the rates by the first day of each.
        slippage: how far from the quoted price orders are done.
        lot: shares are traded in multiples of it; 0 allows fractions.
        band: targets nearer to the position than this share of equity are left alone.
        rebalance: decisions are traded as they come, or the first of a week or a month only.
        max_volume_share: the largest part of a session's volume that one order may be.
        blocked_orders: what cannot be done on the day (no trading, price limit, volume) waits until
            it can be or something else is decided, or is dropped.
        holding_sessions: sessions that pass before what was bought may be sold: 1 in China.
        stale_sessions: sessions without a bar after which a position is closed at its last close.
        borrow_rate: annual, on the value of short positions.
        margin_rate: annual, on cash below 0.
        cash_interest: share of the risk-free rate that cash above 0 earns.
        dividends: what is kept back of payments.
        income_tax: on gains; none by default.
    """

    capital: float = Field(1_000_000.0, gt=0)
    execution: Execution = "next_open"
    commission_bps: BasisPoints = 1.0
    minimum_commission: float = Field(0.0, ge=0)
    stamp_tax_bps: Annotated[dict[date, BasisPoints], BeforeValidator(_by_day)] = Field(
        {date.min: 0.0}, min_length=1
    )
    slippage: Slippage = Slippage()
    lot: int = Field(1, ge=0)
    band: float = Field(0.0, ge=0, lt=1)
    rebalance: Literal["decided", "weekly", "monthly"] = "decided"
    max_volume_share: float | None = Field(None, gt=0, le=1)
    blocked_orders: Literal["wait", "drop"] = "drop"
    holding_sessions: int = Field(0, ge=0, le=20)
    stale_sessions: int = Field(10, ge=1, le=252)
    borrow_rate: float = Field(0.0, ge=0, le=10)
    margin_rate: float = Field(0.0, ge=0, le=10)
    cash_interest: float = Field(0.0, ge=0, le=1)
    dividends: Dividends = Dividends()
    income_tax: IncomeTax | None = None

    def described(self, currency: str) -> str:
        """The costs in a sentence, for pages."""
        parts = [f"commission {self.commission_bps:g} bps of the traded value"]
        if self.minimum_commission:
            parts[0] += f", at least {self.minimum_commission:g} {currency} an order"
        if any(self.stamp_tax_bps.values()):
            rates = [
                f"{rate:g} bps" + ("" if first == date.min else f" from {first} on")
                for first, rate in sorted(self.stamp_tax_bps.items())
            ]
            parts.append(f"stamp tax on sales {', '.join(rates)}")
        impact = {
            "fixed": "",
            "volume_share": f" + {self.slippage.coefficient:g} x (share of volume)²",
            "square_root": f" + {self.slippage.coefficient:g} x volatility x √(share of turnover)",
        }[self.slippage.kind]
        parts.append(f"slippage {self.slippage.bps:g} bps{impact}")
        if self.borrow_rate:
            parts.append(f"borrowed shares {self.borrow_rate:.2%} a year")
        if self.income_tax is not None:
            parts.append(f"income tax {self.income_tax.rate:.0%} of gains")
        return "; ".join(parts)
