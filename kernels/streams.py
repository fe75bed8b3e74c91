"""Steady temperatures of all streams of a plant, over all loops and exchangers, in one linear solve.

With the flows known, mixing at nodes, heated branches, pipe losses and effectiveness-NTU exchangers are all linear in
temperature. For a branch e with capacity rate C = m cp,

    T_out = own T_in + sum_k coupling_k T_in(partner k) + offset,

and at a node  sum over inflowing branches |C| (T_node - T_out) = source  (perfect mixing, upwind).
An exchanger of effectiveness eps couples two branches both ways: on a side of capacity rate C,
own = 1 - eps C_min / C and coupling = eps C_min / C [Kays & London, Compact Heat Exchangers].

A node may hold heat: from temperatures `before`, after a time step,  storage (T - T_before) = source - ...  with
`storage` its heat capacity over the time step [W/K], implicit in time and therefore stable for any step.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from twin.kernels import elimination
from twin.kernels.arrays import beside, fetch, numbers
from twin.kernels.cell import LANES, Int, Ints1, Reals1, Reals2, Reals3, cell, kernel
from twin.kernels.elimination import eliminate, substitute
from twin.kernels.launch import bind
from twin.kernels.rows import SIDE, Rows, gather

NEGLIGIBLE = 1e-9  # of the largest capacity rate: below it a branch conducts that much instead of carrying heat
REST = 1e-6  # W/K, below which any branch is at rest: where all are, rounding in the flows must not heat a node
GROUND = 1e-12  # relative addition to the diagonal; keeps loops at rest, which nothing anchors, solvable
ALONE = 1e30  # W/K, of nodes whose temperature is given, and of those that nothing joins
MOST_LAYOUTS = 8  # that a program keeps
REFERENCE = 293.15  # K, where no temperature is fixed


@dataclass(frozen=True, eq=False)
class StreamProgram:
    """Branches between n nodes, couplings between branches, and the elimination that serves every flow direction."""

    n: int
    start: np.ndarray  # (m,)
    end: np.ndarray  # (m,)
    couple_from: np.ndarray  # (k,) the branch whose inlet acts
    couple_to: np.ndarray  # (k,) the branch whose outlet it acts on
    elimination: elimination.Program
    layouts: dict[Any, Any]  # of calls before


@dataclass(frozen=True, eq=False)
class Result:
    """Temperatures [K] and the heat [W] that the nodes of fixed temperature take up."""

    node: np.ndarray  # (n, S)
    inlet: np.ndarray  # (m, S) at the upstream end
    outlet: np.ndarray  # (m, S) at the downstream end
    boundary_heat: np.ndarray  # (f, S) arriving at each fixed node, relative to its temperature


def program(n, start, end, couple_from, couple_to) -> StreamProgram:
    """The stream program of branches start -> end; branch couple_to[k]'s outlet depends on couple_from[k]'s inlet."""
    start, end, couple_from, couple_to = (np.asarray(a, np.int64) for a in (start, end, couple_from, couple_to))
    # a coupling fills (down of `to`, up of `from`); the four cases of flow direction are pairs 4 k ... 4 k + 3 after m
    down = np.stack((start, start, end, end), axis=1)[couple_to].ravel()
    up = np.stack((start, end, start, end), axis=1)[couple_from].ravel()
    pattern = elimination.program(n, np.r_[start, down], np.r_[end, up])
    return StreamProgram(n, start, end, couple_from, couple_to, pattern, {})


def solve(
    program, capacity, own, coupling, offset, source, fixed_nodes, fixed_temperature, storage=None, before=None
) -> Result:
    """Node, inlet and outlet temperatures [K] and the heat at fixed nodes [W].

    `capacity` m cp [W/K] (m, S) is positive from start to end; `own` and `offset` [K] are (m, 1|S), `coupling`
    (k, 1|S), `source` (n, 1|S) [W] heat put into a node, `fixed_temperature` (f, 1|S) [K] of `fixed_nodes`.
    `storage` (n, 1|S) [W/K] and `before` (n, 1|S) [K] are for a step in time: heat capacity over the step, and the
    temperatures at its begin.

    A branch of negligible flow carries nothing and conducts a little, so that a dead leg takes its neighbour's
    temperature. With flows that balance at every node, boundary heat equals sources plus what the branches gain, less
    what nodes store. Raises ValueError for parameters of a wrong height.
    """
    p, m, nothing = program, len(program.start), np.zeros((program.n, 1), like=capacity)
    parts = (capacity, own, coupling, offset, source, fixed_temperature)
    parts = (*parts, nothing if storage is None else storage, nothing if before is None else before)
    parts = [numbers(a) for a in parts]
    fixed = np.asarray(fetch(fixed_nodes)).tolist()
    key = tuple(len(a) for a in parts), tuple(a.shape[1] > 1 for a in parts), tuple(fixed)
    heights = (m, m, len(p.couple_to), m, p.n, len(fixed), p.n, p.n)
    if any(a.ndim != 2 or len(a) != height for a, height in zip(parts, heights, strict=True)):
        raise ValueError(f"parameters are {[a.shape for a in parts]}, their heights must be {heights}")
    layout = p.layouts.get(key)
    if layout is None:
        while len(p.layouts) >= MOST_LAYOUTS:
            p.layouts.pop(next(iter(p.layouts)), None)
        layout = p.layouts[key] = _Layout(p, *key)
    return Result(*layout.rows.run(parts, (p.n, m, m, len(fixed)), layout.work, layout.lay))


class _Layout:
    """Tables of a program with certain nodes fixed, and the rows of its parameters."""

    def __init__(self, p, heights, varies, fixed) -> None:
        self.rows = Rows(heights, varies)
        pattern = p.elimination
        position = np.empty(p.n, np.int32)
        position[pattern.order] = np.arange(p.n, dtype=np.int32)
        held = np.full(p.n, -1, np.int32)
        at = position[np.asarray(fixed, np.int64)]
        held[at] = self.rows.first[5] + np.arange(len(fixed))
        couples = [np.ascontiguousarray(c, np.int32) for c in (p.couple_from, p.couple_to)]
        self.tables = (pattern.column, pattern.row, pattern.target, pattern.order, pattern.slot, pattern.flipped)
        self.tables = (*self.tables, position[p.start], position[p.end], *couples, held, at, self.rows.source)

        n, m, fill, first = p.n, len(p.start), len(pattern.row), self.rows.first
        self.work = (first[-1], 2 * m, n, n, n, fill, fill, 1)
        self.counts = (n, m, len(p.couple_to), len(fixed), first[-1], *first[1:8])

    def lay(self, count, lanes, apart, arrays):
        """The kernel bound over blocks of lanes."""
        tables = beside(self, self.tables, arrays[0])
        return bind(balance, (count,), *tables, *arrays, *self.counts, apart, lanes=lanes)


@cell
def carried(c, trace):
    """Capacity rate that a branch brings to its end; with -c, to its start."""
    return 0.0 if c <= trace else c


@cell
def resting(c, trace):
    """Conductance [W/K] of a branch: a trace where its flow is negligible."""
    return trace if abs(c) <= trace else 0.0


@cell
def branches(w, m, couples, start, end, couple_from, couple_to, at_own, at_coupling, at_offset, param, node, branch):
    """Inlet and outlet temperatures of the branches, rows 2 e and 2 e + 1 of `branch`."""
    for e in range(m):
        i = start[e]
        k = end[e]
        for j in range(LANES):
            inlet = node[w, i, j] if param[w, e, j] >= 0.0 else node[w, k, j]
            branch[w, 2 * e, j] = inlet
            branch[w, 2 * e + 1, j] = param[w, at_own + e, j] * inlet + param[w, at_offset + e, j]
    for q in range(couples):
        e = couple_to[q]
        f = couple_from[q]
        for j in range(LANES):
            branch[w, 2 * e + 1, j] += param[w, at_coupling + q, j] * branch[w, 2 * f, j]


@cell
def arriving(w, n, m, order, start, end, at_source, at_storage, at_before, param, node, branch, lane, x):
    """Heat [W] that arrives at each node, relative to its temperature and less what it stores."""
    for k in range(n):
        i = order[k]
        for j in range(LANES):
            rise = node[w, k, j] - param[w, at_before + i, j]
            x[w, k, j] = param[w, at_source + i, j] - param[w, at_storage + i, j] * rise
    for e in range(m):
        i = start[e]
        k = end[e]
        for j in range(LANES):
            c = param[w, e, j]
            apart = resting(c, lane[w, 0, j]) * (node[w, k, j] - node[w, i, j])
            outlet = branch[w, 2 * e + 1, j]
            x[w, i, j] += apart + carried(-c, lane[w, 0, j]) * (outlet - node[w, i, j])
            x[w, k, j] += carried(c, lane[w, 0, j]) * (outlet - node[w, k, j]) - apart


@cell
def couple(w, q, m, slot, flipped, start, end, e, f, held, at, param, lane, pivot, lower, upper):
    """Add coupling q, the inlet of branch f acting on the outlet of e, to the matrix, whichever way the streams go."""
    for case in range(4):
        down = end[e] if case >= 2 else start[e]
        up = end[f] if case % 2 == 1 else start[f]
        t = slot[m + 4 * q + case]
        if held[down] < 0:
            for j in range(LANES):
                c = param[w, e, j]
                ahead = 2 if c >= 0.0 else 0
                turned = 0 if param[w, f, j] >= 0.0 else 1
                if ahead + turned == case and abs(c) > lane[w, 0, j]:
                    value = -abs(c) * param[w, at + q, j]
                    if down == up:
                        pivot[w, down, j] += value
                    elif flipped[m + 4 * q + case] == 1:
                        upper[w, t, j] += value
                    else:
                        lower[w, t, j] += value


@cell
def mix(w, e, i, k, at_own, param, lane, pivot):
    """Add what branch e does to the balances at its own ends to the diagonal."""
    for j in range(LANES):
        c = param[w, e, j]
        g = resting(c, lane[w, 0, j])
        pivot[w, i, j] += carried(-c, lane[w, 0, j]) + g
        pivot[w, k, j] += carried(c, lane[w, 0, j]) + g
    if i == k:
        for j in range(LANES):
            c = param[w, e, j]
            g = resting(c, lane[w, 0, j])
            moving = carried(c, lane[w, 0, j]) + carried(-c, lane[w, 0, j])
            pivot[w, i, j] -= moving * param[w, at_own + e, j] + 2.0 * g


@cell
def into(w, t, e, sign, at_own, param, lane, entry):
    """Take what branch e carries to its end (sign 1) or start (-1) from entry t of a factor."""
    for j in range(LANES):
        c = sign * param[w, e, j]
        entry[w, t, j] -= carried(c, lane[w, 0, j]) * param[w, at_own + e, j] + resting(c, lane[w, 0, j])


@kernel(lanes=SIDE)
def balance(
    b,
    column: Ints1,
    row: Ints1,
    target: Ints1,
    order: Ints1,
    slot: Ints1,
    flipped: Ints1,
    start: Ints1,
    end: Ints1,
    couple_from: Ints1,
    couple_to: Ints1,
    held: Ints1,
    fixed: Ints1,
    source: Ints1,
    common: Reals1,
    varied: Reals2,
    param: Reals3,
    branch: Reals3,
    node: Reals3,
    pivot: Reals3,
    x: Reals3,
    lower: Reals3,
    upper: Reals3,
    lane: Reals3,
    out_node: Reals2,
    out_inlet: Reals2,
    out_outlet: Reals2,
    out_heat: Reals2,
    n: Int,
    m: Int,
    couples: Int,
    kept: Int,
    rows: Int,
    at_own: Int,
    at_coupling: Int,
    at_offset: Int,
    at_source: Int,
    at_fixed: Int,
    at_storage: Int,
    at_before: Int,
    apart: Int,
):
    """Temperatures of one block of lanes; `start`, `end`, `fixed` are positions in the order of elimination."""
    w = b * apart
    first = b * LANES
    gather(w, first, rows, source, common, varied, param)
    for j in range(LANES):
        lane[w, 0, j] = REST
    for e in range(m):
        for j in range(LANES):
            lane[w, 0, j] = max(lane[w, 0, j], NEGLIGIBLE * abs(param[w, e, j]))
    for u in range(column[n]):
        for j in range(LANES):
            lower[w, u, j] = 0.0
            upper[w, u, j] = 0.0
    for k in range(n):
        for j in range(LANES):
            pivot[w, k, j] = param[w, at_storage + order[k], j]
            node[w, k, j] = param[w, at_fixed, j] if kept > 0 else REFERENCE
        if held[k] >= 0:
            for j in range(LANES):
                node[w, k, j] = param[w, held[k], j]
    for e in range(m):
        i = start[e]
        k = end[e]
        t = slot[e]
        mix(w, e, i, k, at_own, param, lane, pivot)
        if i != k and held[i] < 0:
            if flipped[e] == 1:
                into(w, t, e, -1.0, at_own, param, lane, upper)
            else:
                into(w, t, e, -1.0, at_own, param, lane, lower)
        if i != k and held[k] < 0:
            if flipped[e] == 1:
                into(w, t, e, 1.0, at_own, param, lane, lower)
            else:
                into(w, t, e, 1.0, at_own, param, lane, upper)
    for q in range(couples):
        e = couple_to[q]
        f = couple_from[q]
        couple(w, q, m, slot, flipped, start, end, e, f, held, at_coupling, param, lane, pivot, lower, upper)
    for k in range(n):
        for j in range(LANES):
            if held[k] >= 0 or pivot[w, k, j] == 0.0:
                pivot[w, k, j] = ALONE
            else:
                pivot[w, k, j] *= 1.0 + GROUND
    eliminate(w, column, row, target, pivot, lower, upper, n)
    for turn in range(3):  # the second removes rounding and the effect of GROUND, the third only reads
        branches(w, m, couples, start, end, couple_from, couple_to, at_own, at_coupling, at_offset, param, node, branch)
        arriving(w, n, m, order, start, end, at_source, at_storage, at_before, param, node, branch, lane, x)
        if turn < 2:
            for q in range(kept):
                k = fixed[q]
                for j in range(LANES):
                    x[w, k, j] = 0.0
            substitute(w, column, row, pivot, lower, upper, x, n)
            for k in range(n):
                for j in range(LANES):
                    node[w, k, j] += x[w, k, j]
    for k in range(n):
        for j in range(LANES):
            out_node[order[k], first + j] = node[w, k, j]
    for e in range(m):
        for j in range(LANES):
            out_inlet[e, first + j] = branch[w, 2 * e, j]
            out_outlet[e, first + j] = branch[w, 2 * e + 1, j]
    for q in range(kept):
        for j in range(LANES):
            out_heat[q, first + j] = x[w, fixed[q], j]
