"""Values as people read them on a tear sheet. Only words; HTML stands in parts.py."""

import math

import numpy as np

MISSING = "–"


def percent(value: float, digits: int = 1, sign: bool = False) -> str:
    """A fraction as percent; a dash where undefined."""
    if not math.isfinite(value):
        return MISSING
    shown = round(value * 100, digits) + 0.0  # no negative zero
    text = f"{shown:{'+' if sign and shown else ''},.{digits}f}\N{NO-BREAK SPACE}%"
    return text.replace("-", "−")


def number(value: float, digits: int = 2) -> str:
    """A number with so many decimals; a dash where undefined."""
    if not math.isfinite(value):
        return MISSING
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")


def count(value: float) -> str:
    """A whole number."""
    return number(value, 0)


def counted(many: int, what: str) -> str:
    """So many of what has a regular plural."""
    return f"{many:,} {what}{'' if many == 1 else 's'}"


def money(value: float, currency: str = "") -> str:
    """An amount without cents."""
    return f"{count(value)}{f' {currency}' if currency and math.isfinite(value) else ''}"


def day(value: np.datetime64 | None) -> str:
    """An ISO date; a dash where there is none."""
    return MISSING if value is None or np.isnat(value) else str(value)[:10]


def by_unit(value: float, unit: str) -> str:
    """A metric's value in its unit: fractions as percent, sessions as whole numbers."""
    if unit == "fraction":
        return percent(value, 2)
    if unit in ("sessions", "days", "count"):
        return count(value)
    return number(value)


def sentence(text: str) -> str:
    """With a capital at its beginning and a full stop at its end."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"
