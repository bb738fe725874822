"""Steps of windows: every session of a window is taken in, and once."""

import numpy as np
import pytest

from quant_assets.factors.expressions.operators.registry import operator
from quant_assets.factors.expressions.units import DIMENSIONLESS, MONEY, PRICE, SHARES, Unit
from quant_assets.factors.expressions.window_steps import (
    ALONE,
    EXTEND,
    JOIN,
    PAIR,
    Room,
    needed,
    pieces,
)
from quant_assets_tests.factors.expressions.operators.references_window import REFERENCES

ONE_BYTE = Room(1, 1)


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("window", [*range(1, 18), 31, 32, 33, 60, 63, 250])
def test_steps_put_whole_windows_together(window: int, overlapping: bool) -> None:
    for past, sessions in ((0, 1), (0, 40), (window - 1, 1), (window - 1, 45), (window // 2, 3)):
        (piece,) = pieces(window, past, (sessions, 9), ONE_BYTE, overlapping)
        assert (piece.start, piece.stop, piece.first, piece.last) == (
            0,
            sessions,
            0,
            past + sessions,
        )
        blocks: dict[int, list[int]] = {}
        for kind, older, row, first in piece.steps.tolist():
            if kind == ALONE:
                blocks[row] = [row]
            elif kind == PAIR:
                assert first == older
                blocks[row] = [older, row]
            elif kind == EXTEND:
                assert first == older
                blocks[row] = [older, *blocks[row]]
            else:
                assert kind == JOIN
                if not overlapping:
                    assert first == blocks[older][0]
                blocks[row] = [*blocks[older], *blocks[row]]
        for row in range(past, past + sessions):
            expected = list(range(max(row - window + 1, 0), row + 1))
            found = sorted(set(blocks[row])) if overlapping else blocks[row]
            assert found == expected


def test_a_single_new_day_costs_about_the_sessions_of_its_window() -> None:
    (piece,) = pieces(250, 249, (1, 9), ONE_BYTE)
    assert len(piece.steps) <= 250
    (piece,) = pieces(250, 249, (1000, 9), ONE_BYTE)
    assert len(piece.steps) <= 13 * 1250


@pytest.mark.parametrize(("symbols", "room"), [(900, Room(64, 32)), (32, Room(320, 64))])
def test_pieces_fit_the_cache_and_cover_every_session(symbols: int, room: Room) -> None:
    parts = pieces(20, 19, (1000, symbols), room)
    assert len(parts) > 1
    assert [p.start for p in parts[1:]] == [p.stop for p in parts[:-1]]
    assert (parts[0].start, parts[-1].stop) == (0, 1000)
    for part in parts:
        assert part.last == part.stop + 19
        assert part.last - part.first == part.stop - part.start + 19
        assert (part.last - part.first) * 2048 <= 1 << 20


@pytest.mark.parametrize(
    ("window", "expected"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (10, 7), (20, 14), (250, 167)]
)
def test_two_thirds_of_a_window_are_needed(window: int, expected: int) -> None:
    assert needed(window) == expected
    assert needed(window, 2) == max(expected, 2)


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_look_backs_and_contracts(name: str) -> None:
    own = operator(name)
    shifted = name in ("ts_delay", "ts_delta")
    assert own.lookback((10.0, 0.0)) == (10 if shifted else 9)
    assert own.scope == "window"
    assert own.contract.missing
    assert own.contract.warm_up != "none"
    assert own.description
    assert own.source


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("delay", "ts_delay"),
        ("Ref", "ts_delay"),
        ("SUM", "ts_sum"),
        ("ma", "ts_mean"),
        ("stddev", "ts_std_dev"),
        ("Ts_ArgMax", "ts_max_position"),
        ("ts_argmin", "ts_min_position"),
        ("highday", "ts_arg_max"),
        ("lowday", "ts_arg_min"),
        ("correlation", "ts_corr"),
        ("cov", "ts_covariance"),
        ("DECAYLINEAR", "ts_decay_linear"),
        ("sumif", "ts_sum_if"),
        ("Ts_Rank", "ts_rank"),
    ],
)
def test_other_spellings(alias: str, name: str) -> None:
    assert operator(alias) is operator(name)


def test_units() -> None:
    def unit(name: str, *units: Unit | None) -> Unit | None:
        return operator(name).unit(units, (3.0,))

    assert unit("ts_mean", PRICE) == PRICE
    assert unit("ts_std_dev", MONEY) == MONEY
    assert unit("ts_variance", PRICE) == Unit(2.0, 0.0)
    assert unit("ts_variance", None) is None
    assert unit("ts_product", SHARES) == Unit(0.0, 3.0)
    assert unit("ts_product", DIMENSIONLESS) == DIMENSIONLESS
    assert unit("ts_covariance", PRICE, SHARES) == MONEY
    assert unit("ts_corr", PRICE, SHARES) == DIMENSIONLESS
    assert unit("ts_sum_if", SHARES, DIMENSIONLESS) == SHARES
    for name in ("ts_rank", "ts_arg_max", "ts_zscore", "ts_scale", "ts_count"):
        assert unit(name, PRICE) == DIMENSIONLESS


def test_steps_cannot_be_changed_by_whoever_gets_them() -> None:
    (piece,) = pieces(5, 4, (3, 9), ONE_BYTE)
    with pytest.raises(ValueError, match="read-only"):
        piece.steps[0, 0] = 1
    assert piece.steps.dtype == np.int64
