"""Power flow with generators after the loss of each of many branches: chord Newton on the base case's Jacobian.

The loss of a branch leaves J - E T E' of the Jacobian J = L R, where E are the unit vectors of the four unknowns at the
branch's ends and T is the branch's share of J at the base case's voltages. Its steps are

    (J - E T E')^-1 = R^-1 [1 + F (1 - T S)^-1 T W'] L^-1,    F = L^-1 E,  W' = E' R^-1,  S = W' F,

one substitution on the factor that all outages share, with a correction between its two halves: mid-compensation
[Alsac, Stott & Tinney, IEEE PAS-102 (1983) 1050]. F and W are zero but along the ends' paths to the root of the
elimination tree [Tinney, Brandwajn & Chan, IEEE PAS-104 (1985) 295]. What the power at the buses misses is evaluated in
full, so that steps end at the answer of full Newton (see `newton`), whatever the base case.

A bridge takes what lies behind it: these buses keep their rows in the matrix, without anything to balance, and the loss
changes the rows of the bus at the near end alone, which then know nothing of them.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from twin.kernels import elimination
from twin.kernels.arrays import Array
from twin.kernels.cell import LANES, Int, Ints1, Ints2, Real, Reals1, Reals2, Reals3, at, cell, kernel
from twin.kernels.elimination import A11, A12, A21, A22, FIRST, SECOND, Program
from twin.kernels.launch import bind
from twin.kernels.newton import PQ, PV
from twin.kernels.outages import bridges
from twin.kernels.power_flow import IM, RE, Network, Result, admittances

LIMIT = 40
"""Steps after which an outage is given up."""

BLOCK = 8
"""Outages in a SIMD block on the CPU."""


class Grid(NamedTuple):
    """Buses in the order of their elimination, and what joins them."""

    n: Int
    bus: Ints1  # (n,) at each position
    kind: Ints1  # (n,)
    place: Ints1  # (n,) in the search for bridges
    found: Ints1  # (n,) what stands at each place of it
    first: Ints1  # (n + 1,) where the neighbours of each begin
    other: Ints1  # (neighbours,)
    mutual: Reals2  # (neighbours, 2) admittance to each neighbour
    own: Reals2  # (n, 2) admittance of each bus
    given: Reals2  # (n, 2) injection
    begin: Reals2  # (n, 2) voltage of the base case


class Factor(NamedTuple):
    """The factor of the Jacobian in 2 x 2 blocks: the lower half by rows, the upper half as in `elimination`."""

    column: Ints1  # (n + 1,)
    row: Ints1  # (fill,)
    seat: Ints1  # (fill,) place in the lower half by rows
    left: Ints1  # (n + 1,) where the rows of the lower half begin
    before: Ints1  # (fill,) their columns
    pivot: Reals1  # (4 n,)
    lower: Reals1  # (4 fill,)
    upper: Reals1  # (4 fill,)


class Outages(NamedTuple):
    """What is lost in each outage; what stands at the places from `dark` to `beyond` is behind a bridge."""

    start: Ints1  # (S,) position of the bus at the start
    end: Ints1  # (S,)
    dark: Ints1  # (S,)
    beyond: Ints1  # (S,)
    admittance: Reals2  # (S, 8) as in newton.Grid
    share: Reals3  # (S, 4, 4) T


class Lane(NamedTuple):
    """What each lane of a block is at: its outage, its steps, its imbalance, and 1 while it steps."""

    outage: Ints2  # (blocks, LANES)
    turns: Ints2  # (blocks, LANES)
    gap: Reals2  # (blocks, LANES)
    alive: Reals2  # (blocks, LANES)
    lost: Reals3  # (blocks, LANES, 4) power that would enter what is lost, at its start and at its end


class Paths(NamedTuple):
    """What the outage of each lane of the blocks that work at a time does to a substitution (`row` is a lane).

    Numbers 0 to 3 of `reach` are those of W for the first unknown of a position, 4 to 7 for its second; so of `spread`.
    """

    where: Ints2  # (1|blocks, n) place of a position in the path that is made
    length: Ints1  # (rows,) of the path
    path: Ints2  # (rows, longest) positions
    reach: Reals3  # (rows, longest, 8) W
    spread: Reals3  # (rows, longest, 8) F
    own: Reals3  # (rows, 4, 4) S
    matrix: Reals3  # (rows, 4, 4) 1 - T S
    gain: Reals3  # (rows, 4, 4) (1 - T S)^-1 T


class Work(NamedTuple):
    """What a block works on."""

    mark: Ints2  # (1|blocks, n) how many lanes have something of their own there
    voltage: Reals3  # (1|blocks, 2 n, LANES)
    step: Reals3  # (1|blocks, 2 n, LANES)


class Solved(NamedTuple):
    """Voltages, 0 without supply, imbalance and steps of each outage."""

    voltage: Reals3  # (S, n, 2)
    gap: Reals1  # (S,)
    turns: Ints1  # (S,)


@dataclass(frozen=True, eq=False)
class Topology:
    """What does not change with kinds of bus and voltages: order, neighbours, paths and bridges of a network."""

    network: Network
    shunt: np.ndarray  # (n,) complex admittance to ground
    live: np.ndarray  # (n,) whether a slack bus reaches it
    program: Program
    position: np.ndarray  # (n,) of each bus in the order
    grid: Grid  # without kinds, injections and voltages
    factor: Factor  # without numbers
    by_row: np.ndarray  # (fill,) entries of the lower half by rows
    depth: int  # positions of two paths to the root at most
    behind: tuple[np.ndarray, np.ndarray]  # (m,) first and last but one place behind each branch

    def base(self, kind: Array, injection: Array, voltage: Array) -> "Base":
        """The Jacobian at `voltage` (n,) [pu, complex], factored, and what buses of each `kind` (n,) are to balance.

        Kinds are those of `newton.solve`, `injection` is (n,) [pu, generated less consumed].
        """
        order, voltage = self.program.order, np.where(self.live, voltage, 0)
        diagonal, shares = _jacobian(self.network, self.shunt, kind, voltage)
        pivot, lower, upper = self.program.factor_pairs(diagonal, shares[1], shares[2])
        lower = np.ascontiguousarray(lower.reshape(-1, 4)[self.by_row]).ravel()
        given, begin = _pairs(injection[order]), _pairs(voltage[order])
        grid = self.grid._replace(kind=_whole(kind[order]), given=given, begin=begin)
        return Base(self, grid, self.factor._replace(pivot=pivot, lower=lower, upper=upper), shares)


def topology(network: Network, shunt: Array, live: Array) -> Topology:
    """The topology of a network with parameters of width 1; `shunt` and `live` are (n,), see there."""
    n, start, end = network.n, network.start, network.end
    program = elimination.program(n, start, end)
    position, factor, by_row, depth = _by_rows(n, *(np.ascontiguousarray(a, np.int64).tobytes() for a in (start, end)))
    place, first, size = bridges(network, live)
    found, place = np.zeros(n, np.int32), _whole(place[program.order])
    found[place] = np.arange(n)
    neighbours, zero = _neighbours(network, shunt, program, position), np.zeros((n, 2))
    grid = Grid(n, program.order, np.zeros(n, np.int32), place, found, *neighbours, zero, zero)
    behind = _whole(first), _whole(first + size)
    return Topology(network, shunt, live, program, position, grid, factor, by_row, depth, behind)


@lru_cache(maxsize=64)
def _by_rows(n: int, start: bytes, end: bytes) -> tuple[Array, Factor, Array, int]:
    """Position of each bus, a factor without numbers, its entries by rows, and the most positions on two paths."""
    program = elimination.program(n, np.frombuffer(start, np.int64), np.frombuffer(end, np.int64))
    position = np.empty(n, np.int32)
    position[program.order] = np.arange(n)
    column = np.repeat(np.arange(n), np.diff(program.column))
    by_row = np.lexsort((column, program.row))
    seat = np.empty(len(by_row), np.int32)
    seat[by_row] = np.arange(len(by_row))
    left = np.searchsorted(program.row[by_row], np.arange(n + 1))
    none, depth = np.zeros(0), np.zeros(1, np.int32)
    bind(deepest, (1,), n, program.column, program.row, np.zeros(n, np.int32), depth)()
    factor = Factor(program.column, program.row, seat, _whole(left), _whole(column[by_row]), none, none, none)
    return position, factor, by_row, min(2 * int(depth[0]), n)


def _neighbours(network, shunt, program, position):
    """Where the neighbours of each position begin, these, admittances to them, and admittances of each position."""
    n = network.n
    start, end = position[network.start].astype(np.int64), position[network.end].astype(np.int64)
    own_start, mutual_start, mutual_end, own_end = (a[:, 0] for a in admittances(network))
    loop, total = start == end, np.asarray(shunt, complex)[program.order]
    np.add.at(total, start, own_start + np.where(loop, mutual_start, 0))
    np.add.at(total, end, own_end + np.where(loop, mutual_end, 0))
    key = np.r_[start * n + end, end * n + start][~np.r_[loop, loop]]
    key, inverse = np.unique(key, return_inverse=True)
    mutual = np.zeros(len(key), complex)
    np.add.at(mutual, inverse.ravel(), np.r_[mutual_start, mutual_end][~np.r_[loop, loop]])
    first = np.searchsorted(key // n, np.arange(n + 1))
    return _whole(first), _whole(key % n), _pairs(mutual), _pairs(total)


def _jacobian(network, shunt, kind, voltage):
    """Diagonal blocks (n, 2, 2), and what each branch adds: at its start, off the diagonal twice, at its end.

    See `newton` for the blocks; what a bus does not balance is a row of the identity.
    """
    start, end = network.start, network.end
    v, w = voltage[start], voltage[end]
    own_start, mutual_start, mutual_end, own_end = (a[:, 0] for a in admittances(network))
    a, b = v * np.conj(own_start * v), v * np.conj(mutual_start * w)
    c, d = w * np.conj(mutual_end * v), w * np.conj(own_end * w)
    balances = np.stack([(kind == PQ) | (kind == PV), kind == PQ], axis=1)[:, :, None]
    block = lambda *x: np.stack(x, axis=-1).reshape(-1, 2, 2)  # noqa: E731
    off = lambda a: block(a.imag, a.real, -a.real, a.imag)  # noqa: E731
    on = lambda a, s: block((a - s).imag, (s + a).real, (s - a).real, (s + a).imag)  # noqa: E731
    shares = on(a, a + b), off(b), off(c), on(d, c + d)
    shares = tuple(x * balances[at] for x, at in zip(shares, (start, start, end, end), strict=True))
    ground = np.abs(voltage) ** 2 * np.conj(shunt)
    diagonal = on(ground, ground) * balances + np.eye(2) * ~balances
    np.add.at(diagonal, start, shares[0])
    np.add.at(diagonal, end, shares[3])
    loop = start == end
    np.add.at(diagonal, start[loop], (shares[1] + shares[2])[loop])
    return diagonal, shares


def _whole(a):
    """Integers as kernels take them."""
    return np.ascontiguousarray(a, np.int32)


def _pairs(a):
    """Complex numbers (k,) as real and imaginary parts, (k, 2)."""
    return np.ascontiguousarray(a, complex).view(float).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Base:
    """A base case, factored: lose as many of its branches as you like."""

    topology: Topology
    grid: Grid
    factor: Factor
    shares: tuple[np.ndarray, ...]  # (m, 2, 2) each, what a branch adds to the Jacobian: at its start, off twice, end

    def solve(self, branches: Array, tolerance: float = 1e-8) -> Result:
        """Voltages [pu] (n, k) after the loss of each of the k `branches` alone, 0 where a bus is without supply.

        An outage has converged when no balance misses by more than `tolerance` [pu].
        """
        t, count = self.topology, len(branches)
        n, outages = t.network.n, self._outages(np.asarray(branches, np.int64))
        lanes = BLOCK if count > 1 else 1
        state = [np.zeros((1, lanes), kind) for kind in (np.int32, np.int32, float, float)]
        lane = Lane._make([*state, np.zeros((1, lanes, 4))])
        work = Work(np.zeros((1, n), np.int32), *(np.zeros((1, 2 * n, lanes)) for _ in range(2)))
        path, along = np.zeros((lanes, t.depth), np.int32), (np.zeros((lanes, t.depth, 8)) for _ in range(2))
        small = (np.zeros((lanes, 4, 4)) for _ in range(3))
        paths = Paths(np.zeros((1, n), np.int32), np.zeros(lanes, np.int32), path, *along, *small)
        voltage, gap, turns = np.zeros((count, n), complex), np.zeros(count), np.zeros(count, np.int32)
        solved = Solved(voltage.view(float).reshape(count, n, 2), gap, turns)
        given = self.grid, self.factor, outages, lane, paths, work, solved, count, 1, 0, tolerance
        bind(compensated, (1,), *given, lanes=lanes)()
        place = self.grid.place[t.position][:, None]
        supplied = ((place < outages.dark) | (place >= outages.beyond)) & t.live[:, None]
        return Result(voltage.T, gap <= tolerance, turns.astype(np.int64), supplied)

    def _outages(self, branches):
        """What the loss of each branch does."""
        t = self.topology
        ends = [t.position[a[branches]] for a in (t.network.start, t.network.end)]
        admittance = np.stack([a[branches, 0] for a in admittances(t.network)], axis=1).view(float)
        behind = [a[branches] for a in t.behind]
        at_start, to_end, to_start, at_end = (a[branches] for a in self.shares)
        share = np.block([[at_start, to_end], [to_start, at_end]])
        for rows, bus in ((slice(0, 2), ends[0]), (slice(2, 4), ends[1])):
            place = self.grid.place[bus]
            share[(place >= behind[0]) & (place < behind[1]), rows] = 0
        return Outages._make([*ends, *behind, admittance, share])


# ---- paths -------------------------------------------------------------------------------------------------------


@cell
def above(k, n, column, row):
    """The position above another in the elimination tree, n above a root."""
    return row[column[k]] if column[k] < column[k + 1] else n


@kernel
def deepest(_all, n: Int, column: Ints1, row: Ints1, depth: Ints1, most: Ints1):
    """The most positions on a path to a root."""
    for m in range(n):
        k = n - 1 - m
        up = above(k, n, column, row)
        depth[k] = 1
        if up < n:
            depth[k] += depth[up]
        most[0] = max(most[0], depth[k])


@cell
def lay(w, row, s, n, factor: Factor, outages: Outages, paths: Paths):
    """Make the path of outage s, and W, F and S = W' F along it."""
    a = outages.start[s]
    b = outages.end[s]
    count = 0
    while a < n or b < n:
        k = min(a, b)
        paths.where[w, k] = count
        paths.path[row, count] = k
        for i in range(8):
            paths.spread[row, count, i] = 0.0
        if k == outages.start[s]:
            paths.spread[row, count, 0] = 1.0
            paths.spread[row, count, 5] = 1.0
        if k == outages.end[s]:
            paths.spread[row, count, 2] = 1.0
            paths.spread[row, count, 7] = 1.0
        for i in range(8):
            paths.reach[row, count, i] = paths.spread[row, count, i]
        up = above(k, n, factor.column, factor.row)
        a = up if a == k else a
        b = up if b == k else b
        count += 1
    paths.length[row] = count
    for i in range(4):
        for m in range(4):
            paths.own[row, i, m] = 0.0
    for q in range(count):
        k = paths.path[row, q]
        for i in range(4):
            x = paths.reach[row, q, i]
            y = paths.reach[row, q, 4 + i]
            paths.reach[row, q, i] = factor.pivot[at(k, A11)] * x + factor.pivot[at(k, A21)] * y
            paths.reach[row, q, 4 + i] = factor.pivot[at(k, A12)] * x + factor.pivot[at(k, A22)] * y
        for u in range(factor.column[k], factor.column[k + 1]):
            onward(row, q, paths.where[w, factor.row[u]], u, factor, paths)
        for i in range(4):
            for m in range(4):
                first = paths.reach[row, q, i] * paths.spread[row, q, m]
                paths.own[row, i, m] += first + paths.reach[row, q, 4 + i] * paths.spread[row, q, 4 + m]
    solve_four(row, s, outages, paths)


@cell
def onward(row, q, t, u, factor: Factor, paths: Paths):
    """Take what stands at place q of a path on to place t through block u."""
    v = factor.seat[u]
    for i in range(4):
        x = paths.spread[row, q, i]
        y = paths.spread[row, q, 4 + i]
        paths.spread[row, t, i] -= factor.lower[at(v, A11)] * x + factor.lower[at(v, A12)] * y
        paths.spread[row, t, 4 + i] -= factor.lower[at(v, A21)] * x + factor.lower[at(v, A22)] * y
        p = paths.reach[row, q, i]
        r = paths.reach[row, q, 4 + i]
        paths.reach[row, t, i] -= factor.upper[at(u, A11)] * p + factor.upper[at(u, A21)] * r
        paths.reach[row, t, 4 + i] -= factor.upper[at(u, A12)] * p + factor.upper[at(u, A22)] * r


@cell
def solve_four(row, s, outages: Outages, paths: Paths):
    """Solve (1 - T S) X = T by Gauss and Jordan; where a pivot is nothing, X is not finite and the outage fails."""
    for i in range(4):
        for m in range(4):
            paths.gain[row, i, m] = outages.share[s, i, m]
            paths.matrix[row, i, m] = 1.0 if i == m else 0.0
            for k in range(4):
                paths.matrix[row, i, m] -= outages.share[s, i, k] * paths.own[row, k, m]
    for p in range(4):
        for i in range(4):
            if i != p:
                part = paths.matrix[row, i, p] / paths.matrix[row, p, p]
                for m in range(4):
                    paths.matrix[row, i, m] -= part * paths.matrix[row, p, m]
                    paths.gain[row, i, m] -= part * paths.gain[row, p, m]
    for i in range(4):
        for m in range(4):
            paths.gain[row, i, m] = paths.gain[row, i, m] / paths.matrix[row, i, i]


# ---- steps -------------------------------------------------------------------------------------------------------


@cell
def entering(vr, vi, wr, wi, y, s, own, mutual):
    """Power V conj(Y V + Y' W) that enters a branch."""
    cr = y[s, own] * vr - y[s, own + 1] * vi + (y[s, mutual] * wr - y[s, mutual + 1] * wi)
    ci = y[s, own] * vi + y[s, own + 1] * vr + (y[s, mutual] * wi + y[s, mutual + 1] * wr)
    return vr * cr + vi * ci, vi * cr - vr * ci


@cell
def lose(w, b, outages: Outages, lane: Lane, work: Work):
    """What the branch that each lane has lost would take at its ends."""
    for j in range(0, LANES):
        s = lane.outage[b, j]
        start = outages.start[s]
        end = outages.end[s]
        vr = work.voltage[w, at(start, FIRST), j]
        vi = work.voltage[w, at(start, SECOND), j]
        wr = work.voltage[w, at(end, FIRST), j]
        wi = work.voltage[w, at(end, SECOND), j]
        p, q = entering(vr, vi, wr, wi, outages.admittance, s, 0, 2)
        lane.lost[b, j, 0] = p
        lane.lost[b, j, 1] = q
        g, h = entering(wr, wi, vr, vi, outages.admittance, s, 6, 4)
        lane.lost[b, j, 2] = g
        lane.lost[b, j, 3] = h


@cell
def without(w, b, k, grid: Grid, outages: Outages, lane: Lane, work: Work):
    """Balance bus k without the branch that each lane has lost; nothing behind a bridge."""
    active = 1.0 if grid.kind[k] == PQ or grid.kind[k] == PV else 0.0
    reactive = 1.0 if grid.kind[k] == PQ else 0.0
    for j in range(0, LANES):
        s = lane.outage[b, j]
        if outages.start[s] == k:
            work.step[w, at(k, FIRST), j] += active * lane.lost[b, j, 0]
            work.step[w, at(k, SECOND), j] += reactive * lane.lost[b, j, 1]
        if outages.end[s] == k:
            work.step[w, at(k, FIRST), j] += active * lane.lost[b, j, 2]
            work.step[w, at(k, SECOND), j] += reactive * lane.lost[b, j, 3]
        if grid.place[k] >= outages.dark[s] and grid.place[k] < outages.beyond[s]:
            work.step[w, at(k, FIRST), j] = 0.0
            work.step[w, at(k, SECOND), j] = 0.0


@cell
def imbalance(w, k, grid: Grid, work: Work):
    """What the power at bus k misses, of the whole network."""
    kind = grid.kind[k]
    if kind == PQ or kind == PV:
        for j in range(LANES):
            vr = work.voltage[w, at(k, FIRST), j]
            vi = work.voltage[w, at(k, SECOND), j]
            cr = grid.own[k, RE] * vr - grid.own[k, IM] * vi
            ci = grid.own[k, RE] * vi + grid.own[k, IM] * vr
            for u in range(grid.first[k], grid.first[k + 1]):
                r = grid.other[u]
                wr = work.voltage[w, at(r, FIRST), j]
                wi = work.voltage[w, at(r, SECOND), j]
                cr += grid.mutual[u, RE] * wr - grid.mutual[u, IM] * wi
                ci += grid.mutual[u, RE] * wi + grid.mutual[u, IM] * wr
            work.step[w, at(k, FIRST), j] = grid.given[k, RE] - (vr * cr + vi * ci)
            work.step[w, at(k, SECOND), j] = grid.given[k, IM] - (vi * cr - vr * ci)
    else:
        for j in range(LANES):
            work.step[w, at(k, FIRST), j] = 0.0
    if kind != PQ:
        for j in range(LANES):
            work.step[w, at(k, SECOND), j] = 0.0


@cell
def forth(w, b, grid: Grid, factor: Factor, outages: Outages, lane: Lane, work: Work):
    """What is missed, and its substitution forth through the lower half."""
    lose(w, b, outages, lane, work)
    for j in range(LANES):
        lane.gap[b, j] = 0.0
    for k in range(grid.n):
        imbalance(w, k, grid, work)
        if work.mark[w, k] > 0:
            without(w, b, k, grid, outages, lane, work)
        for j in range(LANES):
            x = work.step[w, at(k, FIRST), j]
            y = work.step[w, at(k, SECOND), j]
            miss = abs(x) + abs(y)
            gap = lane.gap[b, j]
            lane.gap[b, j] = gap if miss <= gap else miss + 0.0 * gap
            for u in range(factor.left[k], factor.left[k + 1]):
                r = factor.before[u]
                p = work.step[w, at(r, FIRST), j]
                q = work.step[w, at(r, SECOND), j]
                x -= factor.lower[at(u, A11)] * p + factor.lower[at(u, A12)] * q
                y -= factor.lower[at(u, A21)] * p + factor.lower[at(u, A22)] * q
            work.step[w, at(k, FIRST), j] = x
            work.step[w, at(k, SECOND), j] = y


@cell
def compensate(w, paths: Paths, work: Work):
    """Add F (1 - T S)^-1 T W' of each lane's half-way step to it."""
    for j in range(0, LANES):
        row = w * LANES + j
        a = 0.0
        b = 0.0
        c = 0.0
        d = 0.0
        for q in range(paths.length[row]):
            x = work.step[w, at(paths.path[row, q], FIRST), j]
            y = work.step[w, at(paths.path[row, q], SECOND), j]
            a += paths.reach[row, q, 0] * x + paths.reach[row, q, 4] * y
            b += paths.reach[row, q, 1] * x + paths.reach[row, q, 5] * y
            c += paths.reach[row, q, 2] * x + paths.reach[row, q, 6] * y
            d += paths.reach[row, q, 3] * x + paths.reach[row, q, 7] * y
        e = times(paths.gain, row, 0, 0, a, b, c, d)
        f = times(paths.gain, row, 1, 0, a, b, c, d)
        g = times(paths.gain, row, 2, 0, a, b, c, d)
        h = times(paths.gain, row, 3, 0, a, b, c, d)
        for q in range(paths.length[row]):
            k = paths.path[row, q]
            work.step[w, at(k, FIRST), j] += times(paths.spread, row, q, 0, e, f, g, h)
            work.step[w, at(k, SECOND), j] += times(paths.spread, row, q, 4, e, f, g, h)


@cell
def times(matrix, row, i, first, a, b, c, d):
    """Four numbers of line i of a matrix, from `first` on, times a column."""
    one = matrix[row, i, first] * a + matrix[row, i, first + 1] * b
    return one + (matrix[row, i, first + 2] * c + matrix[row, i, first + 3] * d)


@cell
def back(w, b, grid: Grid, factor: Factor, lane: Lane, work: Work):
    """Substitution back through the upper half, which turns and stretches voltages where a lane still steps.

    A turn t is taken as (1 + j t/2) / (1 - j t/2), which keeps magnitudes as exp(j t) does.
    """
    for m in range(grid.n):
        k = grid.n - 1 - m
        for j in range(LANES):
            x = work.step[w, at(k, FIRST), j]
            y = work.step[w, at(k, SECOND), j]
            for u in range(factor.column[k], factor.column[k + 1]):
                p = work.step[w, at(factor.row[u], FIRST), j]
                q = work.step[w, at(factor.row[u], SECOND), j]
                x -= factor.upper[at(u, A11)] * p + factor.upper[at(u, A12)] * q
                y -= factor.upper[at(u, A21)] * p + factor.upper[at(u, A22)] * q
            turned = factor.pivot[at(k, A11)] * x + factor.pivot[at(k, A12)] * y
            grown = factor.pivot[at(k, A21)] * x + factor.pivot[at(k, A22)] * y
            work.step[w, at(k, FIRST), j] = turned
            work.step[w, at(k, SECOND), j] = grown
            half = 0.5 * turned if lane.alive[b, j] > 0.0 else 0.0
            size = (1.0 + (grown if lane.alive[b, j] > 0.0 else 0.0)) / (1.0 + half * half)
            cosine = size * (1.0 - half * half)
            sine = size * (half + half)
            vr = work.voltage[w, at(k, FIRST), j]
            vi = work.voltage[w, at(k, SECOND), j]
            work.voltage[w, at(k, FIRST), j] = vr * cosine - vi * sine
            work.voltage[w, at(k, SECOND), j] = vr * sine + vi * cosine


@cell
def mark(w, s, change, grid: Grid, outages: Outages, work: Work):
    """Count a lane where outage s has something of its own: ends of what is lost, buses behind a bridge."""
    work.mark[w, outages.start[s]] += change
    work.mark[w, outages.end[s]] += change
    for place in range(outages.dark[s], outages.beyond[s]):
        work.mark[w, grid.found[place]] += change


@cell
def take(w, b, j, s, grid: Grid, factor: Factor, outages: Outages, lane: Lane, paths: Paths, work: Work):
    """Begin outage s in a lane, at the base case."""
    lane.outage[b, j] = s
    lane.turns[b, j] = 0
    lane.alive[b, j] = 1.0
    mark(w, s, 1, grid, outages, work)
    lay(w, w * LANES + j, s, grid.n, factor, outages, paths)
    for k in range(grid.n):
        work.voltage[w, at(k, FIRST), j] = grid.begin[k, RE]
        work.voltage[w, at(k, SECOND), j] = grid.begin[k, IM]


@cell
def leave(w, b, j, grid: Grid, outages: Outages, lane: Lane, work: Work, solved: Solved):
    """End the outage of a lane, as it is."""
    s = lane.outage[b, j]
    lane.alive[b, j] = 0.0
    mark(w, s, -1, grid, outages, work)
    solved.gap[s] = lane.gap[b, j]
    solved.turns[s] = lane.turns[b, j]
    for k in range(grid.n):
        solved.voltage[s, grid.bus[k], RE] = work.voltage[w, at(k, FIRST), j]
        solved.voltage[s, grid.bus[k], IM] = work.voltage[w, at(k, SECOND), j]
    for place in range(outages.dark[s], outages.beyond[s]):
        solved.voltage[s, grid.bus[grid.found[place]], RE] = 0.0
        solved.voltage[s, grid.bus[grid.found[place]], IM] = 0.0


@kernel(lanes=BLOCK)
def compensated(b, grid: Grid, factor: Factor, outages: Outages, lane: Lane, paths: Paths, work: Work, solved: Solved,
                count: Int, stride: Int, apart: Int, tolerance: Real):  # fmt: skip
    """Outages b, b + stride, ... of so many: each lane that has settled, or failed, takes the next of them.

    Blocks share paths and what they work on, on the CPU (`apart` 0).
    """
    w = b * apart
    following = b
    for k in range(grid.n):
        work.mark[w, k] = 0
    for j in range(0, LANES):
        lane.outage[b, j] = b
        lane.alive[b, j] = 0.0
        paths.length[w * LANES + j] = 0
    while True:
        busy = 0
        for j in range(0, LANES):
            if lane.alive[b, j] == 0.0 and following < count:
                take(w, b, j, following, grid, factor, outages, lane, paths, work)
                following += stride
            if lane.alive[b, j] > 0.0:
                busy += 1
        if busy == 0:
            break
        forth(w, b, grid, factor, outages, lane, work)
        for j in range(0, LANES):
            gap = lane.gap[b, j]
            if lane.alive[b, j] > 0.0:
                if gap > tolerance and gap - gap == 0.0 and lane.turns[b, j] < LIMIT:
                    lane.turns[b, j] += 1
                else:
                    leave(w, b, j, grid, outages, lane, work, solved)
        compensate(w, paths, work)
        back(w, b, grid, factor, lane, work)
