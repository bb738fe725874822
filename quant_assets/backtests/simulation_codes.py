"""What the numbers mean that go into and come out of the simulation's kernels.

Places in arrays and codes of reasons only, for the kernels and for those who read their results:
without numba, which takes a second to import.
"""

# Places in `numbers`: money, and shares of money.
(
    CAPITAL, COMMISSION, MINIMUM, SPREAD, IMPACT, LOT, BAND, VOLUME_SHARE, TAX_RATE, EXEMPT_SALES,
) = range(10)  # fmt: skip

# Places in `switches`: whole numbers, 0 and 1 for no and yes.
SLIPPAGE, WAITS, HOLDING, STALE, TAXED, RECORD = range(6)

# Kinds of slippage.
SLIPPAGE_KINDS = ("fixed", "volume_share", "square_root")
FIXED, VOLUME_IMPACT, SQUARE_ROOT = range(3)

# Columns of `series`, in money but for the last two, which count.
(
    EQUITY, CASH, BOUGHT, SOLD, FEES, STAMP, SLIPPED, DIVIDENDS, INTEREST, BORROW, TAX, OWED,
    LONG, SHORT, HELD, SCALED,
) = range(16)  # fmt: skip
SERIES = 16

# Why an order was not done, or was not done in full; 0: it was.
(
    NO_TRADING, LIMIT_UP, LIMIT_DOWN, UNSETTLED, VOLUME, CASH_SHORT, NO_PRICE, LESS_THAN_A_LOT,
    NO_BARS, NO_EQUITY,
) = range(1, 11)  # fmt: skip
REASONS = (
    "",
    "no trading",
    "upper price limit",
    "lower price limit",
    "bought too short ago",
    "volume",
    "no cash",
    "no price yet",
    "less than a lot",
    "no bars any more: closed at the last close",
    "no equity",
)
REJECTING = (CASH_SHORT, NO_PRICE, LESS_THAN_A_LOT, NO_EQUITY)
# Reasons of orders whose quantity may be 0, for it cannot be known.
WITHOUT_QUANTITY = (NO_PRICE, NO_EQUITY)
