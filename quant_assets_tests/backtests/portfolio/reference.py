"""Literal, slow twins of the allocators, written from the papers."""

from itertools import pairwise, product
from typing import Any

import numpy as np

from quant_assets.market_data.panels import FloatArray


def ledoit_wolf(returns: FloatArray) -> tuple[FloatArray, float]:
    """Equations of Ledoit and Wolf (2004), section 3.3, session by session."""
    sessions, assets = returns.shape
    x = returns - returns.mean(axis=0)
    sample: FloatArray = sum((np.outer(row, row) for row in x), np.zeros((assets, assets)))
    sample = sample / sessions
    identity = np.eye(assets)

    def norm(matrix: FloatArray) -> float:
        return float((matrix**2).sum() / assets)

    m = float((sample @ identity).diagonal().sum()) / assets
    d2 = norm(sample - m * identity)
    b2 = min(sum(norm(np.outer(row, row) - sample) for row in x) / sessions**2, d2)
    share = b2 / d2 if d2 > 0 else 0.0
    return share * m * identity + (1 - share) * sample, share


def risk_parity(covariance: FloatArray, budget: FloatArray) -> FloatArray:
    """Newton's method on Spinu's objective, damped, in full precision."""
    scale = np.sqrt(covariance.diagonal())
    c = covariance / scale / scale[:, None]
    x = np.sqrt(budget)
    for _ in range(500):
        gradient = c @ x - budget / x
        hessian = c + np.diag(budget / x**2)
        step = np.linalg.solve(hessian, gradient)
        decrement = float(gradient @ step)
        if decrement < 1e-30:
            break
        size = 1.0
        while (x - size * step <= 0).any() or _spinu(c, budget, x - size * step) > _spinu(
            c, budget, x
        ) - 0.25 * size * decrement + 1e-14:
            size /= 2
            if size < 1e-12:
                break
        x = x - size * step
    weights: FloatArray = x / scale / (x / scale).sum()
    return weights


def _spinu(c: FloatArray, budget: FloatArray, x: FloatArray) -> float:
    return float(x @ c @ x / 2 - budget @ np.log(x))


def bisected(covariance: FloatArray, order: list[int]) -> FloatArray:
    """Recursive bisection as the listing of Lopez de Prado (2016) has it, halves and all."""

    def variance(places: list[int]) -> float:
        block = covariance[np.ix_(places, places)]
        inverse = 1 / np.diag(block)
        inverse = inverse / inverse.sum()
        return float(inverse @ block @ inverse)

    weights = np.ones(len(order))
    parts = [order]
    while parts:
        parts = [
            part[start:stop]
            for part in parts
            for start, stop in ((0, len(part) // 2), (len(part) // 2, len(part)))
            if len(part) > 1
        ]
        for left, right in zip(parts[::2], parts[1::2], strict=True):
            share = 1 - variance(left) / (variance(left) + variance(right))
            weights[left] *= share
            weights[right] *= 1 - share
    return weights


def leaf_orders(tree: FloatArray) -> list[list[int]]:
    """Every order of leaves that a tree allows, the root as it is (its mirror has equal sums)."""
    count = len(tree) + 1
    found = []
    for flips in product((False, True), repeat=count - 2):
        orders: dict[int, list[int]] = {leaf: [leaf] for leaf in range(count)}
        for row, flip in enumerate((*flips, False)):
            left, right = orders[int(tree[row, 0])], orders[int(tree[row, 1])]
            orders[count + row] = [*right, *left] if flip else [*left, *right]
        found.append(orders[2 * count - 2])
    return found


def path(distance: FloatArray, order: list[int]) -> float:
    """Summed distances of neighbours."""
    return float(sum(distance[a, b] for a, b in pairwise(order)))


def quadratic_optimum(
    matrix: FloatArray, linear: FloatArray, lower: FloatArray, upper: FloatArray, **more: Any
) -> FloatArray:
    """scipy's SLSQP on x'Qx/2 - linear'x, from several starts; `more` has the other constraints."""
    from scipy.optimize import minimize

    best, least = None, np.inf
    scale = 1 / float(np.abs(matrix).max())
    for start in ((lower + upper) / 2, np.full(len(lower), 1 / len(lower)), lower, upper):
        found = minimize(
            lambda x: scale * (x @ matrix @ x / 2 - linear @ x),
            np.clip(start, lower, upper),
            jac=lambda x: scale * (matrix @ x - linear),
            bounds=list(zip(lower, upper, strict=True)),
            method="SLSQP",
            options={"maxiter": 2000, "ftol": 1e-16},
            **more,
        )
        value = float(found.x @ matrix @ found.x / 2 - linear @ found.x)
        if found.status in (0, 8) and value < least:
            best, least = found.x, value
    assert best is not None
    optimum: FloatArray = best
    return optimum
