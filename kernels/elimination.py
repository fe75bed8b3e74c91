"""One sparse elimination program per topology, replayed for every scenario.

A network matrix has a symmetric pattern that never changes, only its values do. The order, the fill and the list of
updates are therefore found once (minimum degree, symbolic factorisation) and replayed without a search or a pivot:
A = L D U, right-looking, scenarios innermost [George & Liu, Computer Solution of Large Sparse Positive Definite
Systems, 1981]. Without pivoting this is sound for the matrices of networks: symmetric positive definite, diagonally
dominant, or admittances.

Scenarios are kept in blocks of at most `BLOCK`, so that one block's factor stays in cache while the list is walked.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import DTypeLike
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu
from twin.kernels.cell import LANES, Int, Ints1, Reals3, cell, kernel
from twin.kernels.launch import bind

BLOCK = 16


@dataclass(frozen=True, eq=False)
class Program:
    """The elimination of one symmetric pattern; arrays hold positions in elimination order."""

    n: int
    order: np.ndarray  # (n,) the node eliminated at each position
    column: np.ndarray  # (n + 1,) pointers into `row`
    row: np.ndarray  # (fill,) sorted rows of the strictly lower factor, column by column
    target: np.ndarray  # (updates,) the slot that each pair of entries in a column updates
    slot: np.ndarray  # (pairs,) the slot of each given pair, -1 for a pair of equal nodes
    flipped: np.ndarray  # (pairs,) 1 where A[start, end] lies above the diagonal

    def factor(self, diagonal, forward, backward) -> "Factor":
        """L D U of A with A[start, end] = forward, A[end, start] = backward, A[i, i] = diagonal.

        `diagonal` is (n, 1|S), `forward` and `backward` (pairs, 1|S), real or complex; pairs that repeat add up.
        A zero pivot gives inf or nan in its scenario only.
        """
        values = [np.asarray(value) for value in (diagonal, forward, backward)]
        dtype = np.result_type(np.float64, *values)
        scenarios = max(value.shape[1] for value in values)
        diagonal, forward, backward = (wide(value, scenarios, dtype) for value in values)
        blocks, width = blocking(scenarios)
        pivot = np.ones((blocks, self.n, width), dtype)
        lower = np.zeros((blocks, len(self.row), width), dtype)
        upper = np.zeros((blocks, len(self.row), width), dtype)
        _assemble(self.order, self.slot, self.flipped, diagonal, forward, backward, pivot, lower, upper)
        _factor(self.column, self.row, self.target, pivot, lower, upper)
        return Factor(self, scenarios, pivot, lower, upper)

    def factor_pairs(self, diagonal, forward, backward):
        """L D U of a matrix of 2 x 2 blocks: pivots, lower and upper factor as flat arrays, four numbers a block.

        `diagonal` is (n, 2, 2), `forward` and `backward` (pairs, 2, 2); blocks of pairs that repeat add up.
        """
        pivot = np.ascontiguousarray(diagonal[self.order])
        lower, upper = (np.zeros((len(self.row), 2, 2)) for _ in range(2))
        real, flipped = self.slot >= 0, self.flipped > 0
        for chosen, low, high in ((real & ~flipped, forward, backward), (real & flipped, backward, forward)):
            np.add.at(lower, self.slot[chosen], low[chosen])
            np.add.at(upper, self.slot[chosen], high[chosen])
        parts = [a.reshape(1, -1, 1) for a in (pivot, lower, upper)]
        bind(factor_pairs, (1,), self.column, self.row, self.target, *parts, self.n)()
        return tuple(a.ravel() for a in parts)


@dataclass(frozen=True, eq=False)
class Factor:
    """A factored matrix per scenario, or one that all scenarios share (scenarios = 1)."""

    program: Program
    scenarios: int
    pivot: np.ndarray  # (blocks, n, width) reciprocals of D
    lower: np.ndarray  # (blocks, fill, width) columns of unit L
    upper: np.ndarray  # (blocks, fill, width) rows of D U

    def solve(self, rhs):
        """The solution x of A x = rhs, shape (n, S), for `rhs` (n, 1|S)."""
        rhs = np.asarray(rhs)
        scenarios = max(self.scenarios, rhs.shape[1])
        dtype = np.result_type(self.pivot, rhs)
        rhs = wide(rhs, scenarios, dtype)
        p, x = self.program, np.empty((self.program.n, scenarios), dtype)
        if self.scenarios == 1:
            _solve_shared(
                p.order, p.column, p.row, self.pivot[0, :, 0], self.lower[0, :, 0], self.upper[0, :, 0], rhs, x
            )
        else:
            _solve(p.order, p.column, p.row, self.pivot, self.lower, self.upper, rhs, x)
        return x


def program(n, start, end) -> Program:
    """The elimination program of n nodes joined by the pairs (start[k], end[k]); cached by content."""
    start, end = np.ascontiguousarray(start, np.int64), np.ascontiguousarray(end, np.int64)
    return _program(int(n), start.tobytes(), end.tobytes())


def wide(value, scenarios, dtype: DTypeLike = np.float64):
    """`value` (rows, 1|S) as a contiguous array (rows, S); writable, or Numba would compile for read-only as well."""
    value = np.asarray(value, dtype)
    if value.shape[1] != scenarios:
        value = np.broadcast_to(value, (value.shape[0], scenarios))
    return np.require(value, requirements=["C", "W"])


def blocking(scenarios):
    """Number of blocks and scenarios per block; the last block may be partly padding."""
    blocks = max(1, -(-scenarios // BLOCK))
    return blocks, -(-scenarios // blocks)


@lru_cache(maxsize=64)
def _program(n, start, end):
    start, end = np.frombuffer(start, np.int64), np.frombuffer(end, np.int64)
    position = _minimum_degree(n, start, end)
    low, high = np.minimum(position[start], position[end]), np.maximum(position[start], position[end])
    real = low < high
    key = np.unique(low[real] * n + high[real])
    column, row = _fill(n, *np.divmod(key, n)) if n else (np.zeros(1, np.int64), np.zeros(0, np.int64))
    slot = _slots(column, row, low, high)
    flipped = (position[start] < position[end]).astype(np.int32)
    narrow = lambda t: t.astype(np.int32)  # noqa: E731
    order, target = narrow(np.argsort(position)), narrow(_targets(column, row))
    return Program(n, order, narrow(column), narrow(row), target, narrow(slot), flipped)


def _minimum_degree(n, start, end):
    """Each node's position in a minimum degree order (SuperLU's, on a dominant matrix of the pattern)."""
    if n < 3:
        return np.arange(n)
    ones = np.ones(len(start))
    matrix = coo_array((np.r_[-ones, -ones], (np.r_[start, end], np.r_[end, start])), shape=(n, n)).tocsc()
    degree = -np.asarray(matrix.sum(axis=0)).ravel()
    every = np.arange(n)
    matrix = (matrix + coo_array((2 * degree + 1, (every, every)), shape=(n, n))).tocsc()
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    options = {"SymmetricMode": True}
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).perm_c.astype(np.int64)


@njit(cache=True)
def _fill(n, low, high):
    """Columns of the filled lower pattern: own entries and those of the children in the elimination tree."""
    column, row = np.zeros(n + 1, np.int64), np.empty(2 * len(low) + 16, np.int64)
    child, sibling = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    seen = np.full(n, -1, np.int64)
    entry, size = 0, 0
    for k in range(n):
        if size + n - k > len(row):
            row = np.concatenate((row, np.empty(len(row) + n, np.int64)))
        while entry < len(low) and low[entry] == k:
            row[size] = high[entry]
            seen[high[entry]] = k
            size, entry = size + 1, entry + 1
        c = child[k]
        while c >= 0:
            for u in range(column[c] + 1, column[c + 1]):
                if seen[row[u]] != k:
                    row[size] = row[u]
                    seen[row[u]] = k
                    size += 1
            c = sibling[c]
        column[k + 1] = size
        if size > column[k]:
            row[column[k] : size].sort()
            parent = row[column[k]]
            sibling[k], child[parent] = child[parent], k
    return column, row[:size].copy()


@njit(cache=True)
def _targets(column, row):
    """The slot of (row[u], row[v]) for each pair v < u of entries in each column, in the order that _factor replays."""
    total = 0
    for k in range(len(column) - 1):
        length = column[k + 1] - column[k]
        total += length * (length - 1) // 2
    target, o = np.empty(total, np.int64), 0
    for k in range(len(column) - 1):
        for v in range(column[k], column[k + 1]):
            t = column[row[v]]
            for u in range(v + 1, column[k + 1]):
                while row[t] < row[u]:
                    t += 1
                target[o] = t
                o += 1
    return target


@njit(cache=True)
def _slots(column, row, low, high):
    slot = np.full(len(low), -1, np.int64)
    for k in range(len(low)):
        if low[k] < high[k]:
            first, last = column[low[k]], column[low[k] + 1]
            slot[k] = first + np.searchsorted(row[first:last], high[k])
    return slot


@njit(cache=True)
def _assemble(order, slot, flipped, diagonal, forward, backward, pivot, lower, upper):
    width, scenarios = pivot.shape[2], diagonal.shape[1]
    for b in range(pivot.shape[0]):
        first = b * width
        lanes = min(width, scenarios - first)
        for k in range(len(order)):
            for j in range(lanes):
                pivot[b, k, j] = diagonal[order[k], first + j]
        for e in range(len(slot)):
            t = slot[e]
            if t < 0:
                continue
            if flipped[e]:
                for j in range(lanes):
                    upper[b, t, j] += forward[e, first + j]
                    lower[b, t, j] += backward[e, first + j]
            else:
                for j in range(lanes):
                    lower[b, t, j] += forward[e, first + j]
                    upper[b, t, j] += backward[e, first + j]


@njit(cache=True, error_model="numpy")
def _factor(column, row, target, pivot, lower, upper):
    for b in range(pivot.shape[0]):
        _factor_block(column, row, target, pivot[b], lower[b], upper[b])


@njit(cache=True, error_model="numpy")
def _factor_block(column, row, target, pivot, lower, upper):
    lanes, o = range(pivot.shape[1]), 0
    for k in range(len(column) - 1):
        for j in lanes:
            # not 1 / d, which raises where a complex d is zero
            d = pivot[k, j]
            pivot[k, j] = d.conjugate() * (1.0 / (d.real * d.real + d.imag * d.imag))
        for u in range(column[k], column[k + 1]):
            for j in lanes:
                lower[u, j] *= pivot[k, j]
            for j in lanes:
                pivot[row[u], j] -= lower[u, j] * upper[u, j]
        for v in range(column[k], column[k + 1]):
            for u in range(v + 1, column[k + 1]):
                t = target[o]
                o += 1
                for j in lanes:
                    lower[t, j] -= lower[u, j] * upper[v, j]
                for j in lanes:
                    upper[t, j] -= lower[v, j] * upper[u, j]


@njit(cache=True)
def substitute(column, row, pivot, lower, upper, x):
    """Solves one block in place: `x` (n, width) in elimination order, a factor per scenario."""
    lanes = range(x.shape[1])
    for k in range(len(column) - 1):
        for u in range(column[k], column[k + 1]):
            for j in lanes:
                x[row[u], j] -= lower[u, j] * x[k, j]
    for k in range(len(column) - 2, -1, -1):
        for u in range(column[k], column[k + 1]):
            for j in lanes:
                x[k, j] -= upper[u, j] * x[row[u], j]
        for j in lanes:
            x[k, j] *= pivot[k, j]


@njit(cache=True)
def substitute_shared(column, row, pivot, lower, upper, x):
    """Solves one block in place as `substitute` does, with one factor (n,), (fill,) for all scenarios."""
    lanes = range(x.shape[1])
    for k in range(len(column) - 1):
        for u in range(column[k], column[k + 1]):
            scale, r = lower[u], row[u]
            for j in lanes:
                x[r, j] -= scale * x[k, j]
    for k in range(len(column) - 2, -1, -1):
        for u in range(column[k], column[k + 1]):
            scale, r = upper[u], row[u]
            for j in lanes:
                x[k, j] -= scale * x[r, j]
        scale = pivot[k]
        for j in lanes:
            x[k, j] *= scale


@njit(cache=True)
def _solve(order, column, row, pivot, lower, upper, rhs, out):
    width = pivot.shape[2]
    x = np.zeros((len(order), width), out.dtype)
    for b in range(pivot.shape[0]):
        load(order, rhs, b * width, x)
        substitute(column, row, pivot[b], lower[b], upper[b], x)
        store(order, x, b * width, out)


@njit(cache=True)
def _solve_shared(order, column, row, pivot, lower, upper, rhs, out):
    x = np.zeros((len(order), min(BLOCK, rhs.shape[1])), out.dtype)
    for first in range(0, rhs.shape[1], BLOCK):
        load(order, rhs, first, x)
        substitute_shared(column, row, pivot, lower, upper, x)
        store(order, x, first, out)


@njit(cache=True)
def load(order, value, first, block):
    """Copies columns first, first + 1, ... of `value` (n, S) into `block` (n, width), in elimination order."""
    for k in range(len(order)):
        for j in range(min(block.shape[1], value.shape[1] - first)):
            block[k, j] = value[order[k], first + j]


@njit(cache=True)
def store(order, block, first, value):
    """Copies `block` back, the inverse of `load`."""
    for k in range(len(order)):
        for j in range(min(block.shape[1], value.shape[1] - first)):
            value[order[k], first + j] = block[k, j]


# ---- 2 x 2 blocks ------------------------------------------------------------------------------------------------
# Numbers of a block stand row by row at 4 k ... 4 k + 3 of the second axis; lanes are scenarios.


@cell
def invert(b, k, pivot):
    """The k-th pivot block becomes its inverse."""
    for j in range(LANES):
        p0 = pivot[b, 4 * k, j]
        p1 = pivot[b, 4 * k + 1, j]
        p2 = pivot[b, 4 * k + 2, j]
        p3 = pivot[b, 4 * k + 3, j]
        d = 1.0 / (p0 * p3 - p1 * p2)
        pivot[b, 4 * k, j] = p3 * d
        pivot[b, 4 * k + 1, j] = -p1 * d
        pivot[b, 4 * k + 2, j] = -p2 * d
        pivot[b, 4 * k + 3, j] = p0 * d


@cell
def divide(b, u, k, lower, pivot):
    """Block u of the lower factor times the inverse of pivot k, from the right."""
    for j in range(LANES):
        a0 = lower[b, 4 * u, j]
        a1 = lower[b, 4 * u + 1, j]
        a2 = lower[b, 4 * u + 2, j]
        a3 = lower[b, 4 * u + 3, j]
        lower[b, 4 * u, j] = a0 * pivot[b, 4 * k, j] + a1 * pivot[b, 4 * k + 2, j]
        lower[b, 4 * u + 1, j] = a0 * pivot[b, 4 * k + 1, j] + a1 * pivot[b, 4 * k + 3, j]
        lower[b, 4 * u + 2, j] = a2 * pivot[b, 4 * k, j] + a3 * pivot[b, 4 * k + 2, j]
        lower[b, 4 * u + 3, j] = a2 * pivot[b, 4 * k + 1, j] + a3 * pivot[b, 4 * k + 3, j]


@cell
def subtract(b, t, target, u, lower, v, upper):
    """Block t of `target` less block u of `lower` times block v of `upper`."""
    for j in range(LANES):
        l0 = lower[b, 4 * u, j]
        l1 = lower[b, 4 * u + 1, j]
        l2 = lower[b, 4 * u + 2, j]
        l3 = lower[b, 4 * u + 3, j]
        u0 = upper[b, 4 * v, j]
        u1 = upper[b, 4 * v + 1, j]
        u2 = upper[b, 4 * v + 2, j]
        u3 = upper[b, 4 * v + 3, j]
        target[b, 4 * t, j] -= l0 * u0 + l1 * u2
        target[b, 4 * t + 1, j] -= l0 * u1 + l1 * u3
        target[b, 4 * t + 2, j] -= l2 * u0 + l3 * u2
        target[b, 4 * t + 3, j] -= l2 * u1 + l3 * u3


@cell
def eliminate_pairs(b, column, row, target, pivot, lower, upper, n):
    """L D U in place, right-looking, pivots as inverses."""
    o = 0
    for k in range(n):
        invert(b, k, pivot)
        for u in range(column[k], column[k + 1]):
            divide(b, u, k, lower, pivot)
            subtract(b, row[u], pivot, u, lower, u, upper)
        for v in range(column[k], column[k + 1]):
            for u in range(v + 1, column[k + 1]):
                subtract(b, target[o], lower, u, lower, v, upper)
                subtract(b, target[o], upper, v, lower, u, upper)
                o += 1


@kernel
def factor_pairs(
    b,
    column: Ints1,
    row: Ints1,
    target: Ints1,
    pivot: Reals3,
    lower: Reals3,
    upper: Reals3,
    n: Int,
):
    """Factor blocks of matrices (blocks, 4 n, LANES) in place."""
    eliminate_pairs(b, column, row, target, pivot, lower, upper, n)
