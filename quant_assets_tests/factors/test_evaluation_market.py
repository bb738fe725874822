"""The core on arrays: any block of days, any threads, absent columns, either kind of returns."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from quant_assets import compiled
from quant_assets.factors.evaluation.market import Market
from quant_assets.factors.evaluation.measures import MEASURES, columns
from quant_assets.factors.evaluation.scoring import Scores, score

HORIZONS = (1, 3)
T, N = 60, 40


def arrays(seed: int, missing: float = 0.1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    close = 20.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, (T, N)), axis=0))
    data = {
        "close": close,
        "factor": random.normal(size=(T, N)),
        "other": np.round(random.normal(size=(T, N))),
        "size": random.normal(size=(T, N)),
        "member": random.random((T, N)) < 0.9,
        "sectors": random.integers(-1, 3, (T, N)).astype(np.int32),
    }
    for name in ("close", "factor", "other", "size"):
        data[name][random.random((T, N)) < missing] = np.nan
    return data


def market(data: dict[str, np.ndarray], **options: Any) -> Market:
    chosen = {"by_sector": True, "horizons": HORIZONS, **options}
    return Market.from_closes(
        data["close"],
        member=data["member"],
        sectors=data["sectors"],
        size=data["size"],
        **chosen,
    )


def scored(data: dict[str, np.ndarray], thread_no: int = 1, **options: Any) -> list[Scores]:
    return score(
        market(data, thread_no=thread_no, **options),
        [data["factor"], data["other"]],
        by_sector=True,
        thread_no=thread_no,
    )


def check_same(first: list[Scores], second: list[Scores]) -> None:
    for a, b in zip(first, second, strict=True):
        for name in ("daily", "sectors"):
            assert_array_equal(getattr(a, name).view(np.uint64), getattr(b, name).view(np.uint64))
            assert np.isfinite(getattr(a, name)).any()


def test_any_block_of_days_has_the_same_bits() -> None:
    data, past = arrays(1), 2 * max(HORIZONS)
    whole = scored(data)
    for first, stop in ((past, 20), (20, 21), (21, 47), (47, T)):
        block = {name: values[first - past : stop] for name, values in data.items()}
        inside = [Scores(s.daily[first:stop], s.sectors[first:stop]) for s in whole]
        check_same(scored(block, first=past), inside)


@pytest.mark.parametrize("thread_no", [2, 3, 7])
def test_threads_change_no_bit(thread_no: int) -> None:
    check_same(scored(arrays(2), thread_no), scored(arrays(2)))


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_columns_of_no_member_change_no_bit(missing: float) -> None:
    data = arrays(3, missing)
    wider = {
        name: np.insert(values, [0, 9, N], -1 if name == "sectors" else 0, axis=1)
        for name, values in data.items()
    }
    check_same(scored(wider), scored(data))


def test_members_without_values_change_no_bit() -> None:
    data = arrays(4)
    wider = {
        name: np.insert(values, 9, {"b": True, "i": 1}.get(values.dtype.kind, np.nan), axis=1)
        for name, values in data.items()
    }
    coverage = MEASURES.index("coverage")
    first, second = scored(wider), scored(data)
    for scores in (*first, *second):
        scores.daily[:, :, coverage] = 0.0
    check_same(first, second)


def test_what_is_asked_for_alone_has_the_same_bits() -> None:
    data = arrays(5)
    both = scored(data)
    prepared = market(data)
    factors = [data["factor"], data["other"]]
    days = score(prepared, factors)
    within = score(prepared, factors, daily=False, by_sector=True)
    assert days[0].sectors.size == within[0].daily.size == 0
    check_same(
        [Scores(a.daily, b.sectors) for a, b in zip(days, within, strict=True)],
        both,
    )


def test_returns_may_be_given_instead_of_closes() -> None:
    data = arrays(6)
    returns = {}
    for h in HORIZONS:
        returns[h] = np.full((T, N), np.inf)  # as good as missing
        returns[h][h:] = data["close"][h:] / data["close"][:-h] - 1.0
    given = Market.from_returns(
        returns, data["member"], data["sectors"], data["size"], by_sector=True
    )
    factors = [data["factor"], data["other"]]
    check_same(score(given, factors, by_sector=True), scored(data))


def test_infinite_values_are_missing_and_read_only_ones_are_read() -> None:
    data = arrays(7)
    expected = scored(data)
    data["factor"][np.isnan(data["factor"])] = np.inf
    data["close"][np.isnan(data["close"])] = -np.inf
    data["size"][np.isnan(data["size"])] = np.inf
    for values in data.values():
        values.flags.writeable = False
    check_same(scored(data), expected)
    ours = [each for each, _ in compiled.kernels() if ".evaluation." in each.__module__]
    assert len(ours) == 9
    assert all(len(each.signatures) == 1 for each in ours), "nothing was compiled for them"


def test_any_number_of_quantiles() -> None:
    data = arrays(8, missing=0.0)
    daily = score(market(data), [data["factor"]], quantiles=7)[0].daily
    names = columns(7)
    counts = daily[..., [names.index(f"count_{q}") for q in range(1, 8)]]
    observations = daily[..., names.index("observations")]
    assert_allclose(counts.sum(axis=-1)[5:], observations[5:])
    assert (np.ptp(counts[5:], axis=-1) <= 1).all()


def test_no_members_and_no_days_give_nothing() -> None:
    data = arrays(9)
    data["member"][:] = False
    nobody = scored(data)[0]
    assert np.isnan(nobody.daily[..., 1:]).all()
    few = {name: values[:4] for name, values in arrays(9).items()}
    assert scored(few, first=4)[0].daily.shape == (0, 2, len(columns(5)))
    none = {name: values[:, :0] for name, values in arrays(9).items()}
    assert np.isnan(scored(none)[0].daily[..., 1:]).all()


def test_wrong_shapes_and_settings_are_named() -> None:
    data = arrays(10)
    prepared = market(data)
    with pytest.raises(ValueError, match=r"a factor must have the shape \(60, 40\).*Got \(60, 39"):
        score(prepared, [data["factor"][:, 1:]])
    with pytest.raises(ValueError, match=r"rows of a market's factors .* Got \(1, 1\)"):
        score(prepared, [data["factor"]], rows=np.zeros((1, 1), np.int64))
    with pytest.raises(ValueError, match=r"quantiles .* 2 or more. Got 1"):
        score(prepared, [data["factor"]], quantiles=1)
    with pytest.raises(ValueError, match="by_sector=True"):
        score(market(data, by_sector=False), [data["factor"]], by_sector=True)
    with pytest.raises(ValueError, match=r"size .* shape \(60, 40\).* Got \(59, 40\)"):
        market({**data, "size": data["size"][1:]})
    with pytest.raises(ValueError, match=r"sectors .* must be given. Got None"):
        Market.from_closes(data["close"], HORIZONS, by_sector=True)
    with pytest.raises(ValueError, match=r"ascending sessions from 1 on. Got \(3, 1\)"):
        market(data, horizons=(3, 1))
