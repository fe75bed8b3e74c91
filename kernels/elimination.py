"""One sparse elimination program per topology, replayed for every scenario.

A network matrix has a symmetric pattern that never changes, only its values do. The order, the fill and the list of
updates are therefore determined once (minimum degree, symbolic factorisation) and replayed without a search or a pivot:
A = L D U, right-looking, scenarios innermost [George & Liu, Computer Solution of Large Sparse Positive Definite
Systems, 1981]. Without pivoting this is sound for the matrices of networks: symmetric positive definite, diagonally
dominant, or admittances.

Kernels walk the list for a block of LANES scenarios at a time, so that one block's factor stays in cache.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike
from twin.kernels.cell import LANES, Int, Ints1, Reals1, Reals3, at, cell, kernel, rows
from twin.kernels.launch import bind


class PairFactor(NamedTuple):
    """L D U of 2 x 2 blocks that all scenarios share, four numbers a block; pivots as inverses."""

    pivot: Reals1  # (4 n,)
    lower: Reals1  # (4 fill,)
    upper: Reals1  # (4 fill,)


class Program(NamedTuple):
    """The elimination of one symmetric pattern; arrays hold positions in elimination order."""

    n: Int
    order: Ints1  # (n,) the node eliminated at each position
    column: Ints1  # (n + 1,) pointers into `row`
    row: Ints1  # (fill,) sorted rows of the strictly lower factor, column by column
    target: Ints1  # (updates,) the slot that each pair of entries in a column updates
    slot: Ints1  # (pairs,) the slot of each given pair, -1 for a pair of equal nodes
    flipped: Ints1  # (pairs,) 1 where A[start, end] lies above the diagonal

    def factor_pairs(self, diagonal: np.ndarray, forward: np.ndarray, backward: np.ndarray) -> PairFactor:
        """L D U of a matrix of 2 x 2 blocks.

        `diagonal` is (n, 2, 2), `forward` and `backward` (pairs, 2, 2); blocks of pairs that repeat add up.
        """
        pivot = np.ascontiguousarray(diagonal[self.order])
        lower, upper = (np.zeros((len(self.row), 2, 2)) for _ in range(2))
        real, flipped = self.slot >= 0, self.flipped > 0
        for chosen, low, high in ((real & ~flipped, forward, backward), (real & flipped, backward, forward)):
            np.add.at(lower, self.slot[chosen], low[chosen])
            np.add.at(upper, self.slot[chosen], high[chosen])
        parts = [a.reshape(1, -1, 1) for a in (pivot, lower, upper)]
        bind(factor_pairs, (1,), self, *parts)()
        return PairFactor(*(a.ravel() for a in parts))


def program(n, start, end) -> Program:
    """The elimination program of n nodes joined by the pairs (start[k], end[k]); cached by content."""
    start, end = np.ascontiguousarray(start, np.int64), np.ascontiguousarray(end, np.int64)
    return _program(int(n), start.tobytes(), end.tobytes())


def wide(value, scenarios, dtype: DTypeLike = np.float64):
    """`value` (rows, 1|S) as a contiguous array (rows, S); writable, as kernels ask for."""
    value = np.asarray(value, dtype)
    if value.shape[1] != scenarios:
        value = np.broadcast_to(value, (value.shape[0], scenarios))
    return np.require(value, requirements=["C", "W"])


def laid(value, count, lanes):
    """`value` (rows, S) as (count, rows, lanes), the last scenario repeated as padding."""
    padded = np.pad(value, ((0, 0), (0, count * lanes - value.shape[1])), mode="edge")
    return np.ascontiguousarray(np.moveaxis(padded.reshape(-1, count, lanes), 1, 0))


@lru_cache(maxsize=64)
def _program(n, start, end):
    start, end = np.frombuffer(start, np.int64), np.frombuffer(end, np.int64)
    order, column, row = _filled(n, start, end)
    position = np.empty(n, np.int64)
    position[order] = np.arange(n)
    row = position[row].astype(np.int32)
    row = row[np.lexsort((row, np.repeat(np.arange(n), np.diff(column))))]
    low, high = np.minimum(position[start], position[end]), np.maximum(position[start], position[end])
    slot = _slots(n, column, row, low, high).astype(np.int32)
    flipped = (position[start] < position[end]).astype(np.int32)
    return Program(n, order, column, row, _targets(column, row), slot, flipped)


def _filled(n, start, end):
    """Nodes in the order of their elimination (n,), where the column of each begins, (n + 1,), and its nodes."""
    first, lists = _neighbours(n, start, end)
    space = 2 * len(lists) + 16
    while True:
        order, column, row = np.empty(n, np.int32), np.zeros(n + 1, np.int32), np.empty(space, np.int32)
        nodes = Nodes(*np.full((len(Nodes._fields), n), -1, np.int32))
        bind(minimum_degree, (1,), n, space, first, lists.copy(), nodes, order, column, row)()
        if column[n] >= 0:
            return order, column, row[: column[n]]
        space *= 2


def _neighbours(n, start, end):
    """Where the neighbours of each node begin, (n + 1,), and these; equal pairs are one, and no node is its own."""
    key = np.unique(np.r_[start * n + end, end * n + start])
    node, other = np.divmod(key[key % (n + 1) > 0], max(n, 1))
    return np.searchsorted(node, np.arange(n + 1)).astype(np.int32), other.astype(np.int32)


class Nodes(NamedTuple):
    """What `minimum_degree` keeps of each node, (n,) each; of a clique at the node that left it behind."""

    size: Ints1  # entries of its list
    degree: Ints1  # how many nodes it is joined with, or a bound of that
    head: Ints1  # the first node of each degree
    after: Ints1  # the next node of the same degree
    before: Ints1  # the one before
    seen: Ints1  # the turn in which it was last joined with the node that is eliminated
    begin: Ints1  # where its clique stands among the columns
    members: Ints1  # nodes of its clique, 0 of one that lies within another
    turn: Ints1  # the turn in which its clique was last met
    outside: Ints1  # nodes of its clique that are not in the newest one


@cell
def unlink(i, nodes: Nodes):
    """Take a node from those of its degree."""
    before = nodes.before[i]
    after = nodes.after[i]
    if before >= 0:
        nodes.after[before] = after
    else:
        nodes.head[nodes.degree[i]] = after
    if after >= 0:
        nodes.before[after] = before


@cell
def link(i, degree, nodes: Nodes):
    """Put a node first among those of a degree."""
    first = nodes.head[degree]
    if first >= 0:
        nodes.before[first] = i
    nodes.degree[i] = degree
    nodes.before[i] = -1
    nodes.after[i] = first
    nodes.head[degree] = i


@kernel
def minimum_degree(_all, n: Int, space: Int, first: Ints1, lists: Ints1, nodes: Nodes, order: Ints1, column: Ints1,
                   row: Ints1):  # fmt: skip
    """An order of least fill and the columns that it gives: of all nodes next the one of the least approximate degree
    [Amestoy, Davis & Duff, SIAM J. Matrix Anal. Appl. 17 (1996) 886].

    A node that is eliminated leaves a clique of those around it, its column, as -1 - node in the lists of these. A
    list holds neighbours by the graph's own edges and cliques, those that lie within another one dropped. The degree
    is bounded by the cliques' members outside of the newest one, counted apart. A last column that ends at -1 says
    that space is short.
    """
    for i in range(n):
        nodes.size[i] = first[i + 1] - first[i]
        link(i, first[i + 1] - first[i], nodes)
    size = 0
    least = 0
    for k in range(n):
        if size + n - k > space:
            column[n] = -1
            return
        while nodes.head[least] < 0:
            least += 1
        p = nodes.head[least]
        unlink(p, nodes)
        order[k] = p
        nodes.seen[p] = k
        begin = size  # its column: neighbours by edges, and the members of its cliques, which are used up
        for u in range(first[p], first[p] + nodes.size[p]):
            entry = lists[u]
            if entry >= 0:
                nodes.seen[entry] = k
                row[size] = entry
                size += 1
            else:
                e = -1 - entry
                for v in range(nodes.begin[e], nodes.begin[e] + nodes.members[e]):
                    i = row[v]
                    if nodes.seen[i] != k:
                        nodes.seen[i] = k
                        row[size] = i
                        size += 1
                nodes.members[e] = 0
        column[k + 1] = size
        nodes.begin[p] = begin
        nodes.members[p] = size - begin
        for u in range(begin, size):  # how many members of each clique around are not in the new one
            i = row[u]
            for v in range(first[i], first[i] + nodes.size[i]):
                if lists[v] < 0:
                    e = -1 - lists[v]
                    if nodes.turn[e] != k:
                        nodes.turn[e] = k
                        nodes.outside[e] = nodes.members[e]
                    nodes.outside[e] -= 1
        for u in range(begin, size):  # lists without what lies within the new clique, and degrees
            i = row[u]
            kept = first[i]
            degree = size - begin - 1
            bound = min(nodes.degree[i] + degree, n - k - 2)
            for v in range(first[i], first[i] + nodes.size[i]):
                entry = lists[v]
                added = 0
                if entry < 0:
                    added = nodes.outside[-1 - entry]
                elif nodes.seen[entry] != k:
                    added = 1
                if added > 0:
                    lists[kept] = entry
                    kept += 1
                    degree += added
            lists[kept] = -1 - p
            nodes.size[i] = kept + 1 - first[i]
            unlink(i, nodes)
            link(i, min(degree, bound), nodes)
            least = min(least, nodes.degree[i])


def _targets(column, row):
    """The slot of (row[u], row[v]) for each pair v < u of entries in each column, in the order that _factor replays."""
    length = np.diff(column).astype(np.int64)
    first = np.r_[0, np.cumsum(length * (length - 1) // 2)]
    out = np.empty(first[-1], np.int32)
    bind(pairs, (len(length),), column, row, first.astype(np.int32), out)()
    return out


@kernel
def pairs(k, column: Ints1, row: Ints1, first: Ints1, out: Ints1):
    """Slots of the pairs of a column's entries, from where they begin."""
    place = first[k]
    for v in range(column[k], column[k + 1]):
        t = column[row[v]]
        for u in range(v + 1, column[k + 1]):
            while row[t] < row[u]:
                t += 1
            out[place] = t
            place += 1


def _slots(n, column, row, low, high):
    """Where each entry of the matrix stands among those of the filled pattern; -1 for those of the diagonal."""
    key = np.repeat(np.arange(n), np.diff(column)) * n + row
    return np.where(low < high, np.searchsorted(key, low * n + high), -1)


# ---- numbers -----------------------------------------------------------------------------------------------------
# One number an entry; `pivot` and `x` are (blocks, n, LANES) in elimination order, factors (blocks, fill, LANES).


@cell
def eliminate_symmetric(w, program: Program, pivot, lower, x):
    """L D Lᵀ in place, right-looking, pivots as reciprocals; x becomes the solution of L D Lᵀ y = x."""
    o = 0
    for k in range(program.n):
        last = program.column[k + 1]
        for j in range(LANES):
            pivot[w, k, j] = 1.0 / pivot[w, k, j]
        for v in range(program.column[k], last):
            r = program.row[v]
            for u in range(v + 1, last):
                t = program.target[o]
                for j in range(LANES):
                    lower[w, t, j] -= lower[w, v, j] * pivot[w, k, j] * lower[w, u, j]
                o += 1
            for j in range(LANES):
                whole = lower[w, v, j]
                part = whole * pivot[w, k, j]
                lower[w, v, j] = part
                pivot[w, r, j] -= part * whole
                x[w, r, j] -= part * x[w, k, j]
        for j in range(LANES):
            x[w, k, j] *= pivot[w, k, j]
    for m in range(program.n):
        k = program.n - 1 - m
        for u in range(program.column[k], program.column[k + 1]):
            r = program.row[u]
            for j in range(LANES):
                x[w, k, j] -= lower[w, u, j] * x[w, r, j]


@cell
def eliminate(w, program: Program, pivot, lower, upper):
    """L D U in place, right-looking, pivots as reciprocals; `upper` holds the rows of D U."""
    o = 0
    for k in range(program.n):
        for j in range(LANES):
            pivot[w, k, j] = 1.0 / pivot[w, k, j]
        for u in range(program.column[k], program.column[k + 1]):
            r = program.row[u]
            for j in range(LANES):
                lower[w, u, j] *= pivot[w, k, j]
            for j in range(LANES):
                pivot[w, r, j] -= lower[w, u, j] * upper[w, u, j]
        for v in range(program.column[k], program.column[k + 1]):
            for u in range(v + 1, program.column[k + 1]):
                t = program.target[o]
                for j in range(LANES):
                    lower[w, t, j] -= lower[w, u, j] * upper[w, v, j]
                for j in range(LANES):
                    upper[w, t, j] -= lower[w, v, j] * upper[w, u, j]
                o += 1


@cell
def substitute(w, program: Program, pivot, lower, upper, x):
    """Turn x into the solution of L D U y = x."""
    for k in range(program.n):
        for u in range(program.column[k], program.column[k + 1]):
            r = program.row[u]
            for j in range(LANES):
                x[w, r, j] -= lower[w, u, j] * x[w, k, j]
    for m in range(program.n):
        k = program.n - 1 - m
        for u in range(program.column[k], program.column[k + 1]):
            r = program.row[u]
            for j in range(LANES):
                x[w, k, j] -= upper[w, u, j] * x[w, r, j]
        for j in range(LANES):
            x[w, k, j] *= pivot[w, k, j]


# ---- 2 x 2 blocks ------------------------------------------------------------------------------------------------
# Four numbers of the second axis are a block, row by row; lanes are scenarios.

A11, A12, A21, A22 = rows(4)
"""Numbers of a block."""

FIRST, SECOND = rows(2)
"""Numbers of a pair."""


@cell
def invert(b, k, pivot):
    """The k-th pivot block becomes its inverse."""
    for j in range(LANES):
        p0 = pivot[b, at(k, A11), j]
        p1 = pivot[b, at(k, A12), j]
        p2 = pivot[b, at(k, A21), j]
        p3 = pivot[b, at(k, A22), j]
        d = 1.0 / (p0 * p3 - p1 * p2)
        pivot[b, at(k, A11), j] = p3 * d
        pivot[b, at(k, A12), j] = -p1 * d
        pivot[b, at(k, A21), j] = -p2 * d
        pivot[b, at(k, A22), j] = p0 * d


@cell
def divide(b, u, k, lower, pivot):
    """Block u of the lower factor times the inverse of pivot k, from the right."""
    for j in range(LANES):
        a0 = lower[b, at(u, A11), j]
        a1 = lower[b, at(u, A12), j]
        a2 = lower[b, at(u, A21), j]
        a3 = lower[b, at(u, A22), j]
        lower[b, at(u, A11), j] = a0 * pivot[b, at(k, A11), j] + a1 * pivot[b, at(k, A21), j]
        lower[b, at(u, A12), j] = a0 * pivot[b, at(k, A12), j] + a1 * pivot[b, at(k, A22), j]
        lower[b, at(u, A21), j] = a2 * pivot[b, at(k, A11), j] + a3 * pivot[b, at(k, A21), j]
        lower[b, at(u, A22), j] = a2 * pivot[b, at(k, A12), j] + a3 * pivot[b, at(k, A22), j]


@cell
def subtract(b, t, target, u, lower, v, upper):
    """Block t of `target` less block u of `lower` times block v of `upper`."""
    for j in range(LANES):
        l0 = lower[b, at(u, A11), j]
        l1 = lower[b, at(u, A12), j]
        l2 = lower[b, at(u, A21), j]
        l3 = lower[b, at(u, A22), j]
        u0 = upper[b, at(v, A11), j]
        u1 = upper[b, at(v, A12), j]
        u2 = upper[b, at(v, A21), j]
        u3 = upper[b, at(v, A22), j]
        target[b, at(t, A11), j] -= l0 * u0 + l1 * u2
        target[b, at(t, A12), j] -= l0 * u1 + l1 * u3
        target[b, at(t, A21), j] -= l2 * u0 + l3 * u2
        target[b, at(t, A22), j] -= l2 * u1 + l3 * u3


@cell
def eliminate_pairs(b, program: Program, pivot, lower, upper):
    """L D U in place, right-looking, pivots as inverses."""
    o = 0
    for k in range(program.n):
        invert(b, k, pivot)
        for u in range(program.column[k], program.column[k + 1]):
            divide(b, u, k, lower, pivot)
            subtract(b, program.row[u], pivot, u, lower, u, upper)
        for v in range(program.column[k], program.column[k + 1]):
            for u in range(v + 1, program.column[k + 1]):
                subtract(b, program.target[o], lower, u, lower, v, upper)
                subtract(b, program.target[o], upper, v, lower, u, upper)
                o += 1


@kernel
def factor_pairs(b, program: Program, pivot: Reals3, lower: Reals3, upper: Reals3):
    """Factor blocks of matrices (blocks, 4 n, LANES) in place."""
    eliminate_pairs(b, program, pivot, lower, upper)


@cell
def subtract_pair(w, to, of, x, block, u):
    """The numbers of x from row `to` on less block u of a shared factor times those from row `of` on."""
    a0 = block[at(u, A11)]
    a1 = block[at(u, A12)]
    a2 = block[at(u, A21)]
    a3 = block[at(u, A22)]
    for j in range(LANES):
        re = x[w, of, j]
        im = x[w, of + 1, j]
        x[w, to, j] -= a0 * re + a1 * im
        x[w, to + 1, j] -= a2 * re + a3 * im


@kernel(lanes=16)
def substitute_pairs(b, program: Program, factor: PairFactor, x: Reals3):
    """Turn right-hand sides x (blocks, 2 n, LANES), in order, into solutions on one factor of blocks that all share."""
    for k in range(program.n):
        for u in range(program.column[k], program.column[k + 1]):
            subtract_pair(b, at(program.row[u], FIRST), at(k, FIRST), x, factor.lower, u)
    for m in range(program.n):
        k = program.n - 1 - m
        for u in range(program.column[k], program.column[k + 1]):
            subtract_pair(b, at(k, FIRST), at(program.row[u], FIRST), x, factor.upper, u)
        a0 = factor.pivot[at(k, A11)]
        a1 = factor.pivot[at(k, A12)]
        a2 = factor.pivot[at(k, A21)]
        a3 = factor.pivot[at(k, A22)]
        for j in range(LANES):
            re = x[b, at(k, FIRST), j]
            im = x[b, at(k, SECOND), j]
            x[b, at(k, FIRST), j] = a0 * re + a1 * im
            x[b, at(k, SECOND), j] = a2 * re + a3 * im
