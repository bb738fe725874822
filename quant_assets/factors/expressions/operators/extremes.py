"""Operators on the order within a window: extremes, where they stand, today's rank.

The kernels stand in extreme_kernels.py. Quantiles are distributions.py's.
"""

from collections.abc import Sequence

from quant_assets.factors.expressions.operators.registry import (
    Array,
    Compute,
    Constants,
    Contract,
    Operator,
    Parameter,
    register,
    window_lookback,
)
from quant_assets.factors.expressions.units import UnitRule, dimensionless, same
from quant_assets.factors.expressions.window_parameters import (
    SHORT_AT_START,
    TWO_THIRDS,
    X,
    sessions,
)
from quant_assets.factors.expressions.window_steps import needed, pieces

_VALUE, _SCALED, _SINCE, _POSITION = range(4)  # as extreme_kernels.extreme numbers them
_LARGEST, _SMALLEST = 1.0, -1.0

_BRAIN = "WorldQuant BRAIN, operators"
_PAPER = "Kakushadze (2016), 101 Formulaic Alphas"
_GTJA = "GTJA (2017), 191 alphas"
_TODAY = TWO_THIRDS + ", and today's value"
_SHIFT = Parameter("constant", "number", default=0.0)
_OLDEST = "the oldest of equal values"


def _extreme(code: int, sign: float) -> Compute:
    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        from quant_assets.factors.expressions.extreme_kernels import EXTREME_ROOM, extreme

        window = int(constants[0])
        least = float(needed(window))
        for start, stop, first, last, steps in pieces(
            window, past, out.shape, EXTREME_ROOM, overlapping=True
        ):
            extreme(code, sign, inputs[0][first:last], steps, window, least, out[start:stop])

    return compute


_scaled = _extreme(_SCALED, _LARGEST)


def _scale(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    _scaled(inputs, constants, past, out)
    if constants[1] != 0.0:
        out += constants[1]


def _rank(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions.extreme_kernels import RANK_ROOM, rank

    window = int(constants[0])
    least = float(needed(window))
    for start, stop, first, last, _ in pieces(window, past, out.shape, RANK_ROOM):
        rank(inputs[0][first:last], window, least, out[start:stop])
    if constants[1] != 0.0:
        out += constants[1]


def _operator(
    name: str,
    aliases: tuple[str, ...],
    compute: Compute,
    description: str,
    source: str,
    unit: UnitRule = dimensionless,
    parameters: tuple[Parameter, ...] = (X, sessions()),
    missing: str = TWO_THIRDS,
    ties: str = "do not matter",
    constant: str = "nothing special",
) -> None:
    register(
        Operator(
            name=name,
            aliases=aliases,
            parameters=parameters,
            scope="window",
            compute=compute,
            description=description,
            source=source,
            contract=Contract(
                missing=missing, ties=ties, warm_up=SHORT_AT_START, constant=constant
            ),
            unit=unit,
            lookback=window_lookback,
        )
    )


for _name, _word, _sign, _alias, _day, _place in (
    ("ts_max", "largest", _LARGEST, "tsmax", "highday", "ts_argmax"),
    ("ts_min", "smallest", _SMALLEST, "tsmin", "lowday", "ts_argmin"),
):
    _end = _name.removeprefix("ts_")
    _operator(
        _name,
        (_alias,),
        _extreme(_VALUE, _sign),
        f"the {_word} value of d sessions",
        f"{_BRAIN}; {_PAPER}: {_name}; {_GTJA}: {_alias.upper()}",
        unit=same,
    )
    _operator(
        f"ts_arg_{_end}",
        (_day,),
        _extreme(_SINCE, _sign),
        f"sessions since the {_word} value of d sessions: 0 if it is today's",
        f"{_BRAIN}; {_GTJA}: {_day.upper()}",
        ties=_OLDEST,
        constant="the age of the oldest valid value",
    )
    _operator(
        f"ts_{_end}_position",
        (_place,),
        _extreme(_POSITION, _sign),
        f"place of the {_word} value among d sessions: 1 for the oldest session to d for today",
        f"{_PAPER}: {_place}, which leaves open from which end it counts",
        ties=_OLDEST,
        constant="the place of the oldest valid value",
    )

_operator(
    "ts_rank",
    ("tsrank",),
    _rank,
    "rank of today's value among the valid values of d sessions over their number, plus constant",
    f"{_BRAIN}; {_PAPER}: ts_rank; {_GTJA}: TSRANK",
    parameters=(X, sessions(), _SHIFT),
    missing=_TODAY,
    ties="average rank",
    constant="(n + 1) / 2n, as all are ties",
)
_operator(
    "ts_scale",
    (),
    _scale,
    "(x - ts_min(x, d)) / (ts_max(x, d) - ts_min(x, d)) + constant",
    _BRAIN,
    parameters=(X, sessions(2), _SHIFT),
    missing=_TODAY,
    constant="missing, where the range is at most 1e-12 of today's value",
)
