"""Bitstamp's order events: created, changed, deleted, each with the volume that is left.

Belongs here: what the CSV and the log of these events share. Not here: their two layouts.

What was executed is the difference to the volume that the order had before. A deletion with nothing
left ends an executed order, any other one is a cancel. Quantities are in 1e-8 of the asset, the
exchange's own unit. Times are those of the recording machine, the exchange's are in whole seconds.
"""

from typing import NamedTuple

import numpy as np

from quant_assets.market_data.order_book.clocks import stamps
from quant_assets.market_data.order_book.events import ADD, CANCEL, TRADE
from quant_assets.market_data.order_book.readers.fields import Reject
from quant_assets.market_data.order_book.readers.table_reader import Values
from quant_assets.market_data.order_book.rejections import (
    GONE_ORDER,
    NOT_AN_EVENT,
    OUT_OF_BOUNDS,
    UNKNOWN_ORDER,
)

UNIT = 1e8
CREATED, CHANGED, DELETED = range(3)
NANOSECONDS_A_MILLISECOND = 1_000_000


class OrderChanges(NamedTuple):
    """Changes of orders in the order of the file, each of shape (rows,).

    Attributes:
        rows: rows of the file, from 1.
        instants: int64 nanoseconds UTC.
        action: CREATED, CHANGED or DELETED.
        side: int8.
        price: float64.
        left: the volume that is left, int64 in UNIT.
        order: int64.
    """

    rows: np.ndarray
    instants: np.ndarray
    action: np.ndarray
    side: np.ndarray
    price: np.ndarray
    left: np.ndarray
    order: np.ndarray


class KnownOrders:
    """What is known of each order so far: the volume left, and whether it is gone."""

    def __init__(self) -> None:
        self._orders = self._left = np.array([], np.int64)
        self._gone = np.array([], bool)

    def follow(self, changes: OrderChanges) -> tuple[np.ndarray, np.ndarray]:
        """For each change the volume that its order had before, and whether it was gone by then.

        The volume is -1 where nothing is known of the order. Later calls go on from here.
        """
        orders = np.concatenate([self._orders, changes.order])
        left = np.concatenate([self._left, changes.left])
        gone = np.concatenate([self._gone, changes.action == DELETED])
        by_order = np.argsort(orders, kind="stable")
        again = orders[by_order[1:]] == orders[by_order[:-1]]
        before, was_gone = np.full(len(orders), -1, np.int64), np.zeros(len(orders), bool)
        before[by_order[1:][again]] = left[by_order[:-1][again]]
        was_gone[by_order[1:][again]] = gone[by_order[:-1][again]]
        latest = by_order[np.append(~again, [True] if len(orders) else [])]
        known = len(self._orders)
        self._orders, self._left, self._gone = orders[latest], left[latest], gone[latest]
        return before[known:], was_gone[known:]


def events(changes: OrderChanges, known: KnownOrders, filled: int, reject: Reject) -> Values:
    """The changes as events; what tells of no event is rejected.

    Args:
        changes: some rows.
        known: the orders of the rows before.
        filled: the kind of an execution: TRADE, which names this one order, or CANCEL where the
            file tells the trades apart.
        reject: of the judgement.
    """
    before, was_gone = known.follow(changes)
    created, ended = changes.action == CREATED, changes.action == DELETED
    cancelled = ended & (changes.left > 0)
    reject(was_gone, "id", GONE_ORDER)
    executed = before - np.where(ended, 0, changes.left)
    told = created | cancelled
    reject(~told & (before < 0), "id", UNKNOWN_ORDER)
    reject(~told & (executed == 0), "volume", NOT_AN_EVENT)
    reject(~told & (executed < 0), "volume", OUT_OF_BOUNDS)
    reject(told & (changes.left <= 0), "volume", OUT_OF_BOUNDS)
    kind = np.select([created, cancelled], [ADD, CANCEL], filled).astype(np.int8)
    trade = kind == TRADE
    return {
        "timestamp": stamps(changes.instants),
        "sequence": changes.rows,
        "kind": kind,
        # An execution is told by each of its two orders: neither says who came last.
        "side": np.where(trade, 0, changes.side).astype(np.int8),
        "price": changes.price,
        "quantity": np.where(told, changes.left, executed),
        "order": np.where(trade, 0, changes.order),
        "buy_order": np.where(trade & (changes.side > 0), changes.order, 0),
        "sell_order": np.where(trade & (changes.side < 0), changes.order, 0),
    }
