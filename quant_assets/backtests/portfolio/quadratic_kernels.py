"""Compiled quadratic programming: the dual active-set method of Goldfarb and Idnani.

Arrays in, arrays out, nothing checked. The constraints are those of portfolios and are never
written out as rows. Their numbers: 0 is the total, then one a group (sum at most its cap), then one
an asset for its lower bound, then one an asset for its upper bound. Each says n'x >= b.
"""

import numpy as np

from quant_assets.compiled import helper, kernel

_TOLERANCE = 1e-11  # of a constraint; weights are of the order of 1
_REFINEMENTS = 2  # the second takes out what rounding leaves of the first
_DEPENDENT = 1e-14  # of the squared length of a normal that lies outside the active ones


@helper
def _slack(
    p: int,
    x: np.ndarray,
    total: float,
    groups: np.ndarray,
    caps: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> float:
    """n'x - b of the constraint p; the total as an upper bound."""
    n, g = x.size, caps.size
    if p == 0:
        return float(total - x.sum())
    if p <= g:
        held = 0.0
        for i in range(n):
            if groups[i] == p - 1:
                held += x[i]
        return float(caps[p - 1] - held)
    if p <= g + n:
        return float(x[p - 1 - g] - lower[p - 1 - g])
    return float(upper[p - 1 - g - n] - x[p - 1 - g - n])


@helper
def _project(
    p: int, sign: float, basis: np.ndarray, groups: np.ndarray, caps: int, d: np.ndarray
) -> None:
    """d = basis n, n the normal of the constraint p times `sign`."""
    n = d.size
    for j in range(n):
        row = basis[j]
        if p == 0:
            d[j] = -sign * row.sum()
        elif p <= caps:
            held = 0.0
            for i in range(n):
                if groups[i] == p - 1:
                    held += row[i]
            d[j] = -sign * held
        elif p <= caps + n:
            d[j] = sign * row[p - 1 - caps]
        else:
            d[j] = -sign * row[p - 1 - caps - n]


@helper
def _most_violated(
    x: np.ndarray,
    total: float,
    equality: bool,
    groups: np.ndarray,
    caps: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    active: np.ndarray,
) -> tuple[int, float]:
    """The number and the slack of the constraint furthest below 0 that is not active; -1 if none.

    The normals of sums are longer than those of bounds: slacks are measured as distances.
    """
    n, g = x.size, caps.size
    sums, members = np.zeros(g), np.zeros(g)
    held = 0.0
    for i in range(n):
        held += x[i]
        if groups[i] >= 0:
            sums[groups[i]] += x[i]
            members[groups[i]] += 1.0
    worst, least = -1, -_TOLERANCE
    if not active[0]:
        slack = (total - held) / np.sqrt(n)
        if equality and slack > _TOLERANCE:
            slack = -slack
        if slack < least:
            worst, least = 0, slack
        if equality and worst == 0:
            return 0, total - held  # an equality comes first: it is never given up
    for k in range(g):
        if not active[1 + k] and members[k] > 0:
            slack = (caps[k] - sums[k]) / np.sqrt(members[k])
            if slack < least:
                worst, least = 1 + k, slack
    for i in range(n):
        if not active[1 + g + i] and x[i] - lower[i] < least:
            worst, least = 1 + g + i, x[i] - lower[i]
        if not active[1 + g + n + i] and upper[i] - x[i] < least:
            worst, least = 1 + g + n + i, upper[i] - x[i]
    if worst < 0:
        return -1, 0.0
    return worst, _slack(worst, x, total, groups, caps, lower, upper)


@helper
def _activate(basis: np.ndarray, factor: np.ndarray, d: np.ndarray, count: int) -> None:
    """Take the normal with the projection d into the factor, as its column `count`.

    A reflection of the rows of the basis from `count` on leaves of d only its first part.
    """
    n = d.size
    norm = 0.0
    for j in range(count, n):
        norm += d[j] * d[j]
    norm = np.sqrt(norm)
    first = d[count]
    pivot = -norm if first > 0 else norm
    for j in range(count):
        factor[j, count] = d[j]
    factor[count, count] = pivot
    lead = first - pivot
    square = lead * lead
    for j in range(count + 1, n):
        square += d[j] * d[j]
    if square == 0.0:
        return
    along = np.zeros(n)
    for j in range(count, n):
        weight = lead if j == count else d[j]
        row = basis[j]
        for i in range(n):
            along[i] += weight * row[i]
    for j in range(count, n):
        weight = (lead if j == count else d[j]) * 2.0 / square
        row = basis[j]
        for i in range(n):
            row[i] -= weight * along[i]


@helper
def _release(basis: np.ndarray, factor: np.ndarray, k: int, count: int) -> None:
    """Take the column k out of the factor of `count` columns; rotations restore the triangle."""
    n = len(basis)
    for j in range(k, count - 1):
        for i in range(j + 2):
            factor[i, j] = factor[i, j + 1]
    for j in range(k, count - 1):
        a, b = factor[j, j], factor[j + 1, j]
        length = np.hypot(a, b)
        if length == 0.0:
            continue
        cosine, sine = a / length, b / length
        for column in range(j, count - 1):
            upper, lower = factor[j, column], factor[j + 1, column]
            factor[j, column] = cosine * upper + sine * lower
            factor[j + 1, column] = cosine * lower - sine * upper
        one, two = basis[j], basis[j + 1]
        for i in range(n):
            first, second = one[i], two[i]
            one[i] = cosine * first + sine * second
            two[i] = cosine * second - sine * first


@helper
def _settle(
    x: np.ndarray,
    basis: np.ndarray,
    factor: np.ndarray,
    held: np.ndarray,
    count: int,
    short: bool,
    total: float,
    groups: np.ndarray,
    caps: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> None:
    """Take out of x what rounding has left of the slacks of the active constraints.

    On its way from an optimum without constraints, which may be a million, x loses digits.
    """
    y = np.empty(count)
    for j in range(count):
        slack = _slack(held[j], x, total, groups, caps, lower, upper)
        rest = -slack if short and held[j] == 0 else slack
        for k in range(j):
            rest -= factor[k, j] * y[k]
        y[j] = rest / factor[j, j]
    for j in range(count):
        row = basis[j]
        for i in range(x.size):
            x[i] -= y[j] * row[i]


@kernel(
    "int64(float64[:,::1], float64[::1], float64, boolean, int64[::1], float64[::1], "
    "float64[::1], float64[::1], float64[::1])"
)
def minimise(
    basis: np.ndarray,
    linear: np.ndarray,
    total: float,
    equality: bool,
    groups: np.ndarray,
    caps: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    x: np.ndarray,
) -> int:
    """Minimise x'Qx/2 - linear'x under the constraints into `x`; 0, 1 infeasible, 2 not ended.

    `basis` is the inverse of Q's lower Cholesky factor and is overwritten. The sum of x is `total`
    if `equality`, else at most that; `groups` (N,) gives the group of an asset, -1 for none.
    Source: Goldfarb and Idnani (1983), "A numerically stable dual method for solving strictly
    convex quadratic programs", Mathematical Programming 27, 1-33.
    """
    n, g = x.size, caps.size
    constraints = 1 + g + 2 * n
    active = np.zeros(constraints, np.bool_)
    held = np.empty(n, np.int64)  # numbers of the active constraints, by column of the factor
    multipliers = np.zeros(n + 1)
    factor = np.zeros((n, n))
    d, r, z = np.empty(n), np.empty(n), np.empty(n)
    count = 0
    short, settled = False, False
    x[:] = 0.0
    for j in range(n):
        along = 0.0
        for i in range(n):
            along += basis[j, i] * linear[i]
        for i in range(n):
            x[i] += along * basis[j, i]
    for _ in range(100 * constraints):
        p, slack = _most_violated(x, total, equality, groups, caps, lower, upper, active)
        if p < 0:
            if settled:
                return 0
            for _ in range(_REFINEMENTS):
                _settle(x, basis, factor, held, count, short, total, groups, caps, lower, upper)
            settled = True
            continue
        settled = False
        sign = 1.0
        if p == 0 and slack > 0.0:  # an equality that is short of its total
            sign, slack = -1.0, -slack
        multiplier = 0.0
        while True:
            _project(p, sign, basis, groups, g, d)
            outside, whole = 0.0, 0.0
            for j in range(n):
                whole += d[j] * d[j]
                if j >= count:
                    outside += d[j] * d[j]
            for j in range(count - 1, -1, -1):
                rest = d[j]
                for k in range(j + 1, count):
                    rest -= factor[j, k] * r[k]
                r[j] = rest / factor[j, j]
            partial, leaving = np.inf, -1
            for j in range(count):
                if r[j] > 0.0 and not (equality and held[j] == 0):
                    step = multipliers[j] / r[j]
                    if step < partial:
                        partial, leaving = step, j
            full = np.inf
            if count < n and outside > _DEPENDENT * whole:
                full = -slack / outside
            step = min(partial, full)
            if step == np.inf:
                return 1
            for j in range(count):
                multipliers[j] -= step * r[j]
            multiplier += step
            if full < np.inf:
                z[:] = 0.0
                for j in range(count, n):
                    row, along = basis[j], d[j]
                    for i in range(n):
                        z[i] += along * row[i]
                for i in range(n):
                    x[i] += step * z[i]
            if full <= partial:
                _activate(basis, factor, d, count)
                short = sign < 0.0 if p == 0 else short
                active[p], held[count], multipliers[count] = True, p, multiplier
                count += 1
                break
            _release(basis, factor, leaving, count)
            active[held[leaving]] = False
            for j in range(leaving, count - 1):
                held[j], multipliers[j] = held[j + 1], multipliers[j + 1]
            count -= 1
            slack = _slack(p, x, total, groups, caps, lower, upper)
            if p == 0 and sign < 0.0:
                slack = -slack
    return 2
