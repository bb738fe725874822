"""The state of the literal simulation: what is held and waits, and the income tax on gains."""

from dataclasses import dataclass, field
from typing import Any

from quant_assets.settings_trading import IncomeTax


@dataclass
class Account:
    """What the reference did: the state, and rows as the simulation reports them."""

    cash: float
    shares: dict[int, float] = field(default_factory=dict)
    basis: dict[int, float] = field(default_factory=dict)
    marks: dict[int, float] = field(default_factory=dict)
    last_seen: dict[int, int] = field(default_factory=dict)
    bought_on: list[tuple[int, int, float]] = field(default_factory=list)
    waiting: dict[int, float] = field(default_factory=dict)
    month_gain: float = 0.0
    month_sales: float = 0.0
    losses: float = 0.0
    owed: float = 0.0
    days: list[dict[str, Any]] = field(default_factory=list)
    fills: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    positions: list[dict[str, Any]] = field(default_factory=list)

    def book(self, i: int, quantity: float, amount: float, costs: float, held: float) -> None:
        """Close first, at average cost; what is left of the order opens."""
        if amount < 0:
            self.month_sales += -amount
        closing = min(abs(quantity), abs(held)) if quantity * held < 0 else 0.0
        share = closing / abs(quantity)
        if closing:
            cost = self.basis[i] * closing / abs(held)
            self.month_gain += -amount * share - costs * share - cost
            self.basis[i] -= cost
        self.basis[i] = self.basis.get(i, 0.0) + (amount + costs) * (1 - share)

    def owe(self, tax: IncomeTax | None) -> None:
        """What would be due if the month ended now."""
        if tax is not None:
            gain = max(self.month_gain - self.losses, 0.0)
            self.owed = tax.rate * gain if self.month_sales > tax.exempt_sales else 0.0

    def settle(self, tax: IncomeTax) -> float:
        """The tax on the month that has ended."""
        due = 0.0
        if self.month_gain < 0:
            self.losses += -self.month_gain
        elif self.month_sales > tax.exempt_sales:
            used = min(self.losses, self.month_gain)
            self.losses -= used
            due = tax.rate * (self.month_gain - used)
        self.month_gain = self.month_sales = self.owed = 0.0
        return due
