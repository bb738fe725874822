"""What stands where in the arrays that kernels and their wrapper share, and the codes in them.

Constants alone, so that reading them compiles nothing.
"""

NO_PRICE = -(2**63)
BID, ASK = 0, 1  # rows of `keys` and `sizes`

# Places of `memory`.
DEPTH = 0  # of the bids, and after it of the asks
LAST, OPEN, HIGH, LOW, VOLUME, TRADES = 2, 3, 4, 5, 6, 7
ASIDE_COUNT, MARKET_ORDER, MARKET_TICK, NEXT_MARK, EVENTS, ORDERS, ROWS = 8, 9, 10, 11, 12, 13, 14
SEEDED = 15  # 1 if the book began with levels whose orders are not known
SHOWN = 16  # what an auction showed last: tick (NO_PRICE for nothing), quantity, surplus
COUNTERS = 19  # pairs: how often, and the first event
UNKNOWN, OVERDRAWN, DUPLICATE, MALFORMED, CROSSED, LOCKED = 0, 1, 2, 3, 4, 5
MEMORY = COUNTERS + 2 * 6

# Columns of `orders`. STATE is 2 * where + side.
NUMBER, TICK, LEFT, STATE = 0, 1, 2, 3
ON_LEVEL, ASIDE, UNPRICED = 0, 1, 2

# Phases of trading.
BEFORE, CONTINUOUS, BETWEEN, AFTER = 0, 1, 2, 3

# Rows of `numbers` and `counts`: ten bids, ten asks, and these.
LAST_PRICE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, TURNOVER, NUMBERS = 20, 21, 22, 23, 24, 25
TRADED, TRADE_COUNT, TIME, EVENT, PHASE, COUNTS = 20, 21, 22, 23, 24, 25

# When rows are written.
EVERY_CHANGE, AT_INSTANTS, AT_POSITIONS = 0, 1, 2
