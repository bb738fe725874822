"""The evaluation once more, slow and literal: a day, a factor, a horizon, with pandas and scipy.

Frames are sessions x symbols: `close`, `member`, `sector` (names, None for none) and
`average_turnover`; a factor is such a frame, too.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

NAN = float("nan")
MINIMUM, SECTOR_MINIMUM = 10, 5
Frames = Mapping[str, pd.DataFrame]


def buckets(values: np.ndarray, quantiles: int) -> np.ndarray:
    """1 .. quantiles; equal values fall together, by the lowest of their ranks."""
    n = len(values)
    smaller = [int(np.sum(values < value)) for value in values]
    edges = [(n - 1) * k / quantiles for k in range(1, quantiles + 1)]
    return np.array([1 + next(k for k, e in enumerate(edges) if e >= s - 1e-9) for s in smaller])


def bucket(values: pd.Series, quantiles: int, which: int) -> set[str]:
    known = values.dropna()
    if len(known) < MINIMUM:
        return set()
    found = buckets(known.to_numpy(), quantiles)
    return set(known.index[found == which])


def varies(values: "np.ndarray | pd.Series[float]") -> bool:
    return len(values) > 0 and bool(np.ptp(values) > 1e-9 * np.abs(values).max())


def score(
    factor: pd.DataFrame, market: Frames, day: int, horizon: int, quantiles: int = 5
) -> dict[str, float]:
    """Every measure of a row."""
    d = day - horizon
    values, returns = decided(factor, market, day, horizon)
    both = pd.DataFrame({"f": values, "r": returns}).dropna()
    row = _nothing(quantiles)
    row["observations"] = len(both)
    row["coverage"] = values.notna().mean() if len(values) else NAN
    row.update(_persistence(factor, market["member"], d, horizon, quantiles))
    row.update(_neutral(values, returns, market, d))
    if len(both) < MINIMUM:
        return row
    f, r = both["f"].to_numpy(), both["r"].to_numpy()
    row["mean_return"] = r.mean()
    if varies(f):
        weights = (f - f.mean()) / np.abs(f - f.mean()).sum()
        row["factor_return"] = float((weights * r).sum())
    row["ic"], row["rank_ic"] = _correlations(both["f"], both["r"])
    if varies(f) and varies(r):
        fit = stats.linregress((f - f.mean()) / f.std(ddof=1), r)
        row["beta"], row["r_squared"] = fit.slope, fit.rvalue**2
        row["t_statistic"] = fit.slope / fit.stderr
    row.update(_quantiles(f, r, quantiles))
    return row


def sector_score(
    factor: pd.DataFrame, market: Frames, day: int, horizon: int, sector: str
) -> dict[str, float]:
    """Pairs and correlations of a day among the members of one sector."""
    values, returns = decided(factor, market, day, horizon)
    inside = market["sector"].iloc[day - horizon].reindex(values.index) == sector
    both = pd.DataFrame({"f": values, "r": returns})[inside].dropna()
    row = {"observations": float(len(both)), "ic": NAN, "rank_ic": NAN}
    if len(both) >= SECTOR_MINIMUM:
        row["ic"], row["rank_ic"] = _correlations(both["f"], both["r"])
    return row


def decided(
    factor: pd.DataFrame, market: Frames, day: int, horizon: int
) -> tuple[pd.Series, pd.Series]:
    """The members' factor on the decision day and their returns since."""
    d, close = day - horizon, market["close"]
    members = market["member"].iloc[d].to_numpy(bool)
    return factor.iloc[d][members], (close.iloc[day] / close.iloc[d] - 1)[members]


def _nothing(quantiles: int) -> dict[str, float]:
    names = [
        *("ic", "rank_ic", "beta", "t_statistic", "r_squared", "mean_return", "factor_return"),
        *("ic_sector_neutral", "rank_ic_sector_neutral", "ic_size_neutral", "rank_ic_size_neutral"),
        *("spread", "monotonicity", "turnover", "turnover_bottom", "rank_autocorrelation"),
        *(f"{kind}_{q}" for q in range(1, 6) for kind in ("quantile", "count")),
    ]
    return dict.fromkeys(names, NAN)


def _correlations(f: pd.Series, r: pd.Series) -> tuple[float, float]:
    """Pearson where values differ by more than rounding, Spearman where they differ at all."""
    pearson = stats.pearsonr(f, r).statistic if varies(f) and varies(r) else NAN
    distinct = f.nunique() > 1 and r.nunique() > 1
    return pearson, stats.spearmanr(f, r).statistic if distinct else NAN


def _neutral(values: pd.Series, returns: pd.Series, market: Frames, d: int) -> dict[str, float]:
    row: dict[str, float] = {}
    rounding = 1e-12 * values.abs().max() if values.notna().any() else 0.0
    if "sector" in market:
        sectors = market["sector"].iloc[d].reindex(values.index)
        rest = values - values.groupby(sectors).transform("mean")
        rest = rest.where(rest.isna() | (rest.abs() > rounding), 0.0)
        row.update(_pair("sector_neutral", rest, returns))
    if "average_turnover" in market:
        turnover = market["average_turnover"].iloc[d].reindex(values.index)
        size = np.log(turnover.where(turnover > 0))
        known = values.notna() & size.notna()
        rest = pd.Series(NAN, values.index)
        if known.sum() >= MINIMUM and varies(size[known]):
            fit = stats.linregress(size[known], values[known])
            rest = values - fit.intercept - fit.slope * size
            rest = rest.where(rest.isna() | (rest.abs() > rounding), 0.0)
        row.update(_pair("size_neutral", rest, returns))
    return row


def _pair(name: str, rest: pd.Series, returns: pd.Series) -> dict[str, float]:
    both = pd.DataFrame({"f": rest, "r": returns}).dropna()
    if len(both) < MINIMUM:
        return {}
    pearson, spearman = _correlations(both["f"], both["r"])
    return {f"ic_{name}": pearson, f"rank_ic_{name}": spearman}


def _quantiles(f: np.ndarray, r: np.ndarray, quantiles: int) -> dict[str, float]:
    row: dict[str, float] = {}
    found = buckets(f, quantiles)
    means = [r[found == q].mean() if np.any(found == q) else NAN for q in range(1, quantiles + 1)]
    for q in range(1, quantiles + 1):
        row[f"quantile_{q}"], row[f"count_{q}"] = means[q - 1], float(np.sum(found == q))
    row["spread"] = means[-1] - means[0]
    if not np.isnan(means).any() and len(set(means)) > 1:
        row["monotonicity"] = stats.spearmanr(np.arange(quantiles), means).statistic
    return row


def _persistence(
    factor: pd.DataFrame, member: pd.DataFrame, d: int, horizon: int, quantiles: int
) -> dict[str, float]:
    row: dict[str, float] = {}
    if d < horizon:
        return row
    now = factor.iloc[d].where(member.iloc[d].astype(bool))
    before = factor.iloc[d - horizon].where(member.iloc[d - horizon].astype(bool))
    for name, which in (("turnover", quantiles), ("turnover_bottom", 1)):
        inside, was = bucket(now, quantiles, which), bucket(before, quantiles, which)
        if inside and was:
            row[name] = len(inside - was) / len(inside)
    if now.notna().sum() >= MINIMUM and before.notna().sum() >= MINIMUM:
        ranks = pd.DataFrame({"now": now.rank(), "before": before.rank()}).dropna()
        if len(ranks) >= MINIMUM and varies(ranks["now"]) and varies(ranks["before"]):
            row["rank_autocorrelation"] = stats.pearsonr(ranks["now"], ranks["before"]).statistic
    return row
