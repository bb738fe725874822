"""The fields that expressions may read: what they are called, measured in, and made of.

Here stand names, spellings, units and the definitions of derived fields, which are expressions
themselves. Where the numbers of a market come from is the business of factors/market_fields.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from quant_assets.factors.expressions.units import (
    DIMENSIONLESS,
    MONEY,
    PRICE,
    SHARES,
    Unit,
)


@dataclass(frozen=True)
class Field:
    """One field; a group holds codes of classes, and has no unit."""

    name: str
    description: str
    unit: Unit | None = None
    group: bool = False
    spellings: tuple[str, ...] = ()


FIELDS = {
    field.name: field
    for field in (
        Field("open", "first price of the session, adjusted forward", PRICE),
        Field("high", "highest price of the session, adjusted forward", PRICE),
        Field("low", "lowest price of the session, adjusted forward", PRICE),
        Field("close", "last price of the session, adjusted forward", PRICE),
        Field("volume", "shares traded, adjusted for splits", SHARES),
        Field("turnover", "traded value", MONEY, spellings=("amount",)),
        Field("vwap", "average price, weighted by volume", PRICE),
        Field(
            "average_price", "traded value over shares traded, adjusted as the prices are", PRICE
        ),
        Field("cap", "market capitalisation", MONEY),
        Field(
            "benchmark_open",
            "the index at the open, the same for every security",
            PRICE,
            spellings=("benchmarkindexopen", "banchmarkindexopen"),
        ),
        Field(
            "benchmark_close",
            "the index at the close, the same for every security",
            PRICE,
            spellings=("benchmarkindexclose", "banchmarkindexclose"),
        ),
        Field("returns", "close over the close before, less 1", DIMENSIONLESS, spellings=("ret",)),
        Field("market", "one group: every security", group=True, spellings=("indclass.market",)),
        Field("sector", "sector", group=True, spellings=("indclass.sector",)),
        Field("industry", "industry", group=True, spellings=("indclass.industry",)),
        Field("subindustry", "subindustry", group=True, spellings=("indclass.subindustry",)),
        Field("exchange", "exchange", group=True),
    )
}
_SPELLINGS = {
    spelling: field.name for field in FIELDS.values() for spelling in (field.name, *field.spellings)
}
_ADV = re.compile(r"adv(\d+)")

# Derived fields, unless the data bring them: what they are computed from. `adv` stands for
# adv{d}, with {d} for its window: the paper's "average daily dollar volume for the past d days".
DEFINITIONS: Mapping[str, str] = {
    "returns": "close / ts_delay(close, 1) - 1",
    "adv": "ts_mean(turnover, {d})",
}


def canonical(name: str) -> str | None:
    """The field of that spelling, in any case; None if there is none. adv{d} is one."""
    lower = name.lower()
    return lower if _ADV.fullmatch(lower) else _SPELLINGS.get(lower)


def definition(name: str, definitions: Mapping[str, str]) -> str | None:
    """The expression that a field, by its canonical name, is computed by; None: it is read."""
    average = _ADV.fullmatch(name)
    if average:
        return definitions["adv"].replace("{d}", average[1])
    return definitions.get(name)


def spellings() -> tuple[str, ...]:
    """Every name an expression may use, for suggestions."""
    return (*sorted(_SPELLINGS), "adv20")
