"""Calls of an operator made from its parameters alone: what is registered is tested.

Here stand the calls and the market on which each of them shows what it depends on. Tests of what
operators compute bring their own inputs and references.
"""

from dataclasses import replace

import numpy as np

from quant_assets.factors.expressions.operators.registry import Operator, Parameter
from quant_assets_tests.factors.samples import sessions
from quant_assets_tests.prefix import PanelInputs

WINDOW = 7  # sessions, where an operator does not need more
FIELDS = ("close", "open", "high", "low", "volume")
GROUPS = ("sector", "industry")


def call(operator: Operator, **constants: float) -> str:
    """The text of a call; windows and numbers that are not given are as `given` has them."""
    panels, groups, number = iter(FIELDS), iter(GROUPS), 0
    written: list[str] = []
    for parameter in operator.parameters:
        if parameter.name == "condition":
            value = "close > open"
        elif parameter.kind == "panel":
            value = next(panels)
        elif parameter.kind == "group":
            value = next(groups)
        else:
            number += 1
            value = f"{constants.get(parameter.name, given(parameter, number)):g}"
        # A variadic operator would take what stands at the place of a constant for one more panel.
        written.append(f"{parameter.name}={value}" if number and operator.variadic else value)
    return f"{operator.name}({', '.join(written)})"


def given(parameter: Parameter, place: int) -> float:
    """A window or number where any will do: the default, or something in the middle."""
    if parameter.default is not None:
        return parameter.default
    if parameter.kind == "window":
        return max(WINDOW, parameter.minimum or 0.0)
    if parameter.minimum is not None and parameter.maximum is not None:
        return (parameter.minimum + parameter.maximum) / 2.0
    return float(place)


def calls(operator: Operator) -> tuple[str, ...]:
    """Calls in which every constant is at its ordinary value, and each of them at others."""
    found = [call(operator)]
    for parameter in operator.parameters:
        if parameter.kind in ("window", "number"):
            found += [call(operator, **{parameter.name: value}) for value in others(parameter)]
    return tuple(dict.fromkeys(found))


def others(parameter: Parameter) -> list[float]:
    """Further values: the bounds, the whole numbers between near ones, a short window."""
    low, high = parameter.minimum, parameter.maximum
    if parameter.kind == "window":
        return [max(2.0, low or 0.0)]
    if low is not None and high is not None:
        whole = np.arange(np.ceil(low), np.floor(high) + 1.0)
        return [low, high, *(whole.tolist() if len(whole) <= 17 else [])]
    return [] if parameter.default is None else [max(parameter.default + 1.0, low or 0.0)]


def telling_market(T: int, N: int = 12, seed: int = 0) -> PanelInputs:
    """Numbers in which nothing is hidden: few ties and gaps, and symbols made to show the rest.

    Ordinary ones lie about 1 to 4. Symbol 0 has gaps at random, 1 is missing more often than
    not, 2 hardly changes, 3 has single values between long gaps, 4 jumps at times, 5 is often 0, 6
    changes once.
    """
    random = np.random.default_rng(seed)
    fields = {}
    for name in FIELDS:
        values = np.exp(0.4 + 0.6 * random.normal(size=(T, N)))
        values[random.random((T, N)) < 0.02] = 2.0
        values[random.random(T) < 0.15, 0] = np.nan
        values[random.random(T) < 0.6, 1] = np.nan
        changes = np.cumsum(random.random(T) < 1.0 / WINDOW)
        values[:, 2] = 1.0 + changes % 5
        values[np.arange(T) % (2 * WINDOW) > 0, 3] = np.nan
        values[random.random(T) < 0.1, 4] *= 50.0
        values[random.random(T) < 0.3, 5] = 0.0
        values[:20, 6], values[20:, 6] = 1.5, 2.5
        fields[name] = values
    number = np.arange(N, dtype=float)
    fields["sector"] = np.repeat((number % 3)[None], T, axis=0)
    fields["industry"] = np.repeat((number % 4)[None], T, axis=0)
    fields["sector"][: T // 2, 7] = 2.0  # a symbol may change its group
    symbols = np.array([f"S{k:02d}" for k in range(N)], object)
    return PanelInputs(sessions(T), symbols, fields)


def only(data: PanelInputs, names: tuple[str, ...]) -> PanelInputs:
    """The market with those fields alone."""
    return replace(data, fields={name: data.fields[name] for name in names})
