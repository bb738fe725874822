"""The daily evaluation once more, slow and literal: a day, a factor, a horizon, with scipy."""

import numpy as np
import pandas as pd
from scipy import stats

NAN = float("nan")


def buckets(values: np.ndarray, quantiles: int) -> np.ndarray:
    """1 .. quantiles; equal values fall together, by the lowest of their ranks."""
    n = len(values)
    smaller = [int(np.sum(values < value)) for value in values]
    edges = [(n - 1) * k / quantiles for k in range(1, quantiles + 1)]
    return np.array([1 + next(k for k, e in enumerate(edges) if e >= s - 1e-9) for s in smaller])


def top(values: pd.Series, quantiles: int) -> set[str]:
    known = values.dropna()
    if len(known) < 10:
        return set()
    found = buckets(known.to_numpy(), quantiles)
    return set(known.index[found == quantiles])


def varies(values: "np.ndarray | pd.Series[float]") -> bool:
    return bool(np.ptp(values) > 1e-9 * np.abs(values).max())


def score(
    factor: pd.DataFrame,
    close: pd.DataFrame,
    member: pd.DataFrame,
    day: int,
    horizon: int,
    quantiles: int = 5,
) -> dict[str, float]:
    """Every measure of a row; frames are sessions x symbols."""
    d = day - horizon
    members = member.iloc[d]
    values = factor.iloc[d][members]
    returns = (close.iloc[day] / close.iloc[d] - 1)[members]
    both = pd.DataFrame({"f": values, "r": returns}).dropna()
    names = ["ic", "rank_ic", "beta", "t_statistic", "r_squared", "spread"]
    row = dict.fromkeys([*names, *(f"quantile_{q}" for q in range(1, 6))], NAN)
    row["observations"] = len(both)
    row["coverage"] = values.notna().mean() if len(values) else NAN
    row.update(_persistence(factor, member, d, horizon, quantiles))
    if len(both) < 10:
        return row
    f, r = both["f"].to_numpy(), both["r"].to_numpy()
    if varies(f) and varies(r):
        row["ic"] = stats.pearsonr(f, r).statistic
        row["rank_ic"] = stats.spearmanr(f, r).statistic
        fit = stats.linregress((f - f.mean()) / f.std(ddof=1), r)
        row["beta"], row["r_squared"] = fit.slope, fit.rvalue**2
        row["t_statistic"] = fit.slope / fit.stderr
    found = buckets(f, quantiles)
    for q in range(1, quantiles + 1):
        if np.any(found == q):
            row[f"quantile_{q}"] = r[found == q].mean()
    row["spread"] = row[f"quantile_{quantiles}"] - row["quantile_1"]
    return row


def _persistence(
    factor: pd.DataFrame, member: pd.DataFrame, d: int, horizon: int, quantiles: int
) -> dict[str, float]:
    row = {"turnover": NAN, "rank_autocorrelation": NAN}
    if d < horizon:
        return row
    now = factor.iloc[d].where(member.iloc[d])
    before = factor.iloc[d - horizon].where(member.iloc[d - horizon])
    best, best_before = top(now, quantiles), top(before, quantiles)
    if best and best_before:
        row["turnover"] = len(best - best_before) / len(best)
    if now.notna().sum() >= 10 and before.notna().sum() >= 10:
        ranks = pd.DataFrame({"now": now.rank(), "before": before.rank()}).dropna()
        if len(ranks) >= 10 and varies(ranks["now"]) and varies(ranks["before"]):
            row["rank_autocorrelation"] = stats.pearsonr(ranks["now"], ranks["before"]).statistic
    return row
