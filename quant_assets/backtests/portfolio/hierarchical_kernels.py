"""Compiled hierarchical risk parity: distances, leaf orders, bisection.

Arrays in, arrays out, nothing checked. A tree of n leaves is an int64 array (n - 1, 2): row i holds
the children of node n + i, numbers below n are leaves, as in scipy's linkage matrices.
"""

import numpy as np

from quant_assets.compiled import helper, kernel


@kernel("void(float64[:,::1], float64[:,::1])")
def angular_distances(covariance: np.ndarray, distance: np.ndarray) -> None:
    """sqrt((1 - correlation) / 2) of every pair into `distance`, both (N, N)."""
    n = len(covariance)
    inverse = np.empty(n)
    for i in range(n):
        inverse[i] = 1.0 / np.sqrt(covariance[i, i])
    for i in range(n):
        for j in range(i):
            half = 0.5 - 0.5 * covariance[i, j] * inverse[i] * inverse[j]
            distance[i, j] = np.sqrt(half) if half > 0.0 else 0.0
            distance[j, i] = distance[i, j]
        distance[i, i] = 0.0


@helper
def _layout(tree: np.ndarray, flipped: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> None:
    """The place of every node's first leaf in the order, and how many leaves a node has."""
    n = len(tree) + 1
    sizes[:n] = 1
    for i in range(n - 1):
        sizes[n + i] = sizes[tree[i, 0]] + sizes[tree[i, 1]]
    starts[2 * n - 2] = 0
    for i in range(n - 2, -1, -1):
        first, second = tree[i, 0], tree[i, 1]
        if flipped[i]:
            first, second = second, first
        starts[first] = starts[n + i]
        starts[second] = starts[n + i] + sizes[first]


@helper
def _best_paths(
    distance: np.ndarray, tree: np.ndarray, starts: np.ndarray, sizes: np.ndarray, best: np.ndarray
) -> None:
    """best[u, w] = the shortest path through all leaves of the node that u and w part in.

    Leaves stand in the order of `starts`, u and w are the ends of the path. A path through a node
    runs through one child and then the other, each from one of its halves to the other half, so
    best[u, w] = min over x, k of best[u, x] + distance[x, k] + best[k, w]; first the minimum over x
    is taken, then that over k: n³ and not n⁴ steps (Bar-Joseph, Gifford and Jaakkola 2001, and
    Bar-Joseph et al. 2003 for the two minima).
    """
    n = len(distance)
    through = np.empty((n, n))
    for i in range(n - 1):
        left, right = tree[i, 0], tree[i, 1]
        a, b, c = starts[left], starts[right], starts[right] + sizes[right]
        left_half = starts[tree[left - n, 1]] if left >= n else a
        right_half = starts[tree[right - n, 1]] if right >= n else b
        for u in range(a, b):
            row = through[u]
            row[b:c] = np.inf
            low, high = (left_half, b) if u < left_half else (a, left_half)
            if left < n:
                low, high = a, b
            for x in range(low, high):
                start, step = best[u, x], distance[x]
                for k in range(b, c):
                    path = start + step[k]
                    row[k] = path if path < row[k] else row[k]
        for u in range(a, b):
            row = best[u]
            row[b:c] = np.inf
            for k in range(b, c):
                low, high = (right_half, c) if k < right_half else (b, right_half)
                if right < n:
                    low, high = b, c
                start, rest = through[u, k], best[k]
                for w in range(low, high):
                    path = start + rest[w]
                    row[w] = path if path < row[w] else row[w]
        for u in range(a, b):
            for w in range(b, c):
                best[w, u] = best[u, w]


@helper
def _ends(best: np.ndarray, a: int, b: int, c: int) -> tuple[int, int]:
    """The ends, one in [a, b) and one in [b, c), of the shortest path."""
    first, last, shortest = a, b, np.inf
    for u in range(a, b):
        for w in range(b, c):
            if best[u, w] < shortest:
                first, last, shortest = u, w, best[u, w]
    return first, last


@helper
def _flips_by_node(
    best: np.ndarray, tree: np.ndarray, starts: np.ndarray, sizes: np.ndarray, flipped: np.ndarray
) -> None:
    """Which nodes have their children exchanged when every node is ordered for itself."""
    n = len(tree) + 1
    for i in range(n - 1):
        left, right = tree[i, 0], tree[i, 1]
        a, b, c = starts[left], starts[right], starts[right] + sizes[right]
        u, w = _ends(best, a, b, c)
        if left >= n:
            flipped[left - n] = u >= starts[tree[left - n, 1]]
        if right >= n:
            flipped[right - n] = w < starts[tree[right - n, 1]]
    for i in range(n - 2, -1, -1):  # what turns a node turns everything below it
        for child in (tree[i, 0], tree[i, 1]):
            if child >= n:
                flipped[child - n] ^= flipped[i]


@helper
def _flips_of_shortest(
    best: np.ndarray,
    distance: np.ndarray,
    tree: np.ndarray,
    starts: np.ndarray,
    sizes: np.ndarray,
    flipped: np.ndarray,
) -> None:
    """Which nodes have their children exchanged on the shortest path through all leaves."""
    n = len(tree) + 1
    firsts, lasts = np.empty(2 * n - 1, np.int64), np.empty(2 * n - 1, np.int64)
    root = 2 * n - 2
    firsts[root], lasts[root] = _ends(best, 0, starts[tree[n - 2, 1]], n)
    for i in range(n - 2, -1, -1):
        left, right = tree[i, 0], tree[i, 1]
        b = starts[right]
        flipped[i] = firsts[n + i] >= b
        u, w = firsts[n + i], lasts[n + i]
        if flipped[i]:
            u, w = w, u
        low, high, lower, higher = starts[left], b, b, b + sizes[right]
        if left >= n:
            half = starts[tree[left - n, 1]]
            low, high = (half, high) if u < half else (low, half)
        if right >= n:
            half = starts[tree[right - n, 1]]
            lower, higher = (half, higher) if w < half else (lower, half)
        shortest, near, far = np.inf, low, lower
        for x in range(low, high):
            for k in range(lower, higher):
                path = best[u, x] + distance[x, k] + best[k, w]
                if path < shortest:
                    shortest, near, far = path, x, k
        if flipped[i]:
            firsts[right], lasts[right], firsts[left], lasts[left] = w, far, near, u
        else:
            firsts[left], lasts[left], firsts[right], lasts[right] = u, near, far, w


@kernel("void(float64[:,::1], int64[:,::1], int64, int64[::1])")
def leaf_order(distance: np.ndarray, tree: np.ndarray, how: int, order: np.ndarray) -> None:
    """The leaves of a tree of at least 2 from left to right into `order`, shape (n,).

    `how` is 0 for the tree as it is, 1 for every node by its own shortest path, 2 for the shortest
    path through all leaves. `distance` is (n, n).
    """
    n = len(distance)
    flipped = np.zeros(n - 1, np.bool_)
    starts, sizes = np.empty(2 * n - 1, np.int64), np.empty(2 * n - 1, np.int64)
    _layout(tree, flipped, starts, sizes)
    if how > 0:
        sorted_distance, best = np.empty((n, n)), np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                sorted_distance[starts[i], starts[j]] = distance[i, j]
        _best_paths(sorted_distance, tree, starts, sizes, best)
        if how == 1:
            _flips_by_node(best, tree, starts, sizes, flipped)
        else:
            _flips_of_shortest(best, sorted_distance, tree, starts, sizes, flipped)
        _layout(tree, flipped, starts, sizes)
    for leaf in range(n):
        order[starts[leaf]] = leaf


@kernel("void(float64[:,::1], int64[::1], float64[::1])")
def bisect(covariance: np.ndarray, order: np.ndarray, weights: np.ndarray) -> None:
    """Recursive bisection of the ordered assets into `weights`, shape (N,).

    A part's risk is the variance of its inverse-variance portfolio: the sum of its block of
    v_i v_j covariance_ij over the squared sum of v, v = 1 / variance. Each level of halves sums
    blocks of half the area of the last one, so all levels together cost N² and no sum is a
    difference of others.
    """
    n = len(order)
    inverse, scaled = np.empty(n), np.empty((n, n))
    for i in range(n):
        inverse[i] = 1.0 / covariance[order[i], order[i]]
    for i in range(n):
        row = covariance[order[i]]
        for j in range(n):
            scaled[i, j] = row[order[j]] * inverse[i] * inverse[j]
    shares = np.ones(n)
    # Halves of halves: never more parts wait than there are levels.
    waiting = np.empty((64, 2), np.int64)
    waiting[0, 0], waiting[0, 1], count = 0, n, 1
    while count > 0:
        count -= 1
        low, high = waiting[count, 0], waiting[count, 1]
        if high - low < 2:
            continue
        middle = low + (high - low) // 2
        left = _part_variance(scaled, inverse, low, middle)
        right = _part_variance(scaled, inverse, middle, high)
        share = 1.0 - left / (left + right)
        for i in range(low, middle):
            shares[i] *= share
        for i in range(middle, high):
            shares[i] *= 1.0 - share
        waiting[count, 0], waiting[count, 1] = low, middle
        waiting[count + 1, 0], waiting[count + 1, 1] = middle, high
        count += 2
    for i in range(n):
        weights[order[i]] = shares[i]


@helper
def _part_variance(scaled: np.ndarray, inverse: np.ndarray, low: int, high: int) -> float:
    block, total = 0.0, 0.0
    for i in range(low, high):
        row = scaled[i]
        for j in range(low, high):
            block += row[j]
        total += inverse[i]
    return block / (total * total)
