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

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from twin.kernels import elimination
from twin.kernels.arrays import Array, copied, fetch, numbers
from twin.kernels.cell import LANES, Int, Ints1, Reals1, Reals2, Reals3, at, cell, kernel, rows
from twin.kernels.elimination import Program, eliminate, substitute
from twin.kernels.launch import Call, bind
from twin.kernels.rows import SIDE, Rows, Table, gather

NEGLIGIBLE = 1e-9  # of the largest capacity rate: below it a branch conducts that much instead of carrying heat
REST = 1e-6  # W/K, below which any branch is at rest: where all are, rounding in the flows must not heat a node
GROUND = 1e-12  # relative addition to what leaves a node; keeps loops at rest, which nothing anchors, solvable
ALONE = 1e30  # W/K, of nodes whose temperature is given, and of those that nothing joins
MAX_LAYOUTS = 8  # that a program keeps
REFERENCE = 293.15  # K, where no temperature is fixed


@dataclass(frozen=True, eq=False)
class StreamProgram:
    """Branches between n nodes, couplings between branches, and the elimination that serves every flow direction."""

    n: int
    start: np.ndarray  # (m,)
    end: np.ndarray  # (m,)
    couple_from: np.ndarray  # (k,) the branch whose inlet acts
    couple_to: np.ndarray  # (k,) the branch whose outlet it acts on
    at_start: np.ndarray  # (m,) how many branches like it join each node at its start
    at_end: np.ndarray  # (m,) and at its end
    elimination: elimination.Program
    layouts: dict[tuple[tuple[object, ...], ...], _Layout]  # of calls before


@dataclass(frozen=True, eq=False)
class Result:
    """Temperatures [K] and the heat [W] that the nodes of fixed temperature take up."""

    node: np.ndarray  # (n, S)
    inlet: np.ndarray  # (m, S) at the upstream end
    outlet: np.ndarray  # (m, S) at the downstream end
    boundary_heat: np.ndarray  # (f, S) arriving at each fixed node, relative to its temperature


def program(
    n: int,
    start: ArrayLike,
    end: ArrayLike,
    couple_from: ArrayLike,
    couple_to: ArrayLike,
    at_start: ArrayLike = 1.0,
    at_end: ArrayLike = 1.0,
) -> StreamProgram:
    """The stream program of branches start -> end; branch couple_to[k]'s outlet depends on couple_from[k]'s inlet.

    Of branches and nodes that are alike one stands for all: `at_start` of those like a branch join each node that its
    start stands for, `at_end` that its end does (branches,).
    """
    start, end, couple_from, couple_to = (np.asarray(a, np.int64) for a in (start, end, couple_from, couple_to))
    # a coupling fills (down of `to`, up of `from`); the four cases of flow direction are pairs 4 k ... 4 k + 3 after m
    down = np.stack((start, start, end, end), axis=1)[couple_to].ravel()
    up = np.stack((start, end, start, end), axis=1)[couple_from].ravel()
    pattern = elimination.program(n, np.r_[start, down], np.r_[end, up])
    first, last = (np.array(np.broadcast_to(np.asarray(t, float), start.shape)) for t in (at_start, at_end))
    return StreamProgram(n, start, end, couple_from, couple_to, first, last, pattern, {})


def solve(
    program: StreamProgram,
    capacity: Array,
    own: Array,
    coupling: Array,
    offset: Array,
    source: Array,
    fixed_nodes: Array,
    fixed_temperature: Array,
    storage: Array | None = None,
    before: Array | None = None,
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
        while len(p.layouts) >= MAX_LAYOUTS:
            p.layouts.pop(next(iter(p.layouts)), None)
        layout = p.layouts[key] = _Layout(p, *key)
    return Result(*layout.rows.run(parts, (p.n, m, m, len(fixed)), layout.work, layout.lay))


class Joints(NamedTuple):
    """How branches and couplings hang together, and which nodes are fixed, by position in the order of elimination."""

    branches: Int
    couplings: Int
    fixed: Int
    start: Ints1  # (branches,)
    end: Ints1  # (branches,)
    couple_from: Ints1  # (couplings,) the branch whose inlet acts
    couple_to: Ints1  # (couplings,) the branch whose outlet it acts on
    at_start: Reals1  # (branches,) how many like it join each node at its start
    at_end: Reals1  # (branches,) and at its end
    held: Ints1  # (n,) row of its temperature where a node is fixed, else -1
    fixed_at: Ints1  # (fixed,)


class Places(NamedTuple):
    """The first row of each kind of parameter; capacity rates begin at 0."""

    own: Int
    coupling: Int
    offset: Int
    source: Int
    fixed: Int
    storage: Int
    before: Int


class Work(NamedTuple):
    """Numbers of a block of lanes, (blocks, rows, LANES)."""

    param: Reals3
    branch: Reals3
    node: Reals3
    pivot: Reals3
    heat: Reals3
    lower: Reals3
    upper: Reals3
    lane: Reals3


class Out(NamedTuple):
    """Answers, (row, S): temperatures of nodes, inlets and outlets, heat at fixed nodes."""

    node: Reals2
    inlet: Reals2
    outlet: Reals2
    heat: Reals2


class _Layout:
    """Tables of a program with certain nodes fixed, and the rows of its parameters."""

    def __init__(self, p: StreamProgram, heights, varies, fixed) -> None:
        self.rows = Rows(heights, varies)
        position = np.empty(p.n, np.int32)
        position[p.elimination.order] = np.arange(p.n, dtype=np.int32)
        held = np.full(p.n, -1, np.int32)
        fixed_at = position[np.asarray(fixed, np.int64)]
        held[fixed_at] = self.rows.first[5] + np.arange(len(fixed))
        couples = [np.ascontiguousarray(c, np.int32) for c in (p.couple_from, p.couple_to)]
        counts = len(p.start), len(p.couple_to), len(fixed)
        joined = position[p.start], position[p.end], *couples, p.at_start, p.at_end
        joints = Joints._make([*counts, *joined, held, fixed_at])
        self.tables = p.elimination, joints, self.rows.source
        self.places = Places(*self.rows.first[1:8])
        fill = len(p.elimination.row)
        self.work = (self.rows.first[-1], INLET.width * len(p.start), p.n, p.n, p.n, fill, fill, 1)  # heights of Work

    def parts(self) -> Iterator[tuple[str, int, int]]:
        """Parameters by name, with the first and the next of their rows."""
        yield from zip(PARTS.split(), self.rows.first[:-1], self.rows.first[1:], strict=True)

    def lay(self, count, lanes, apart, common, varied, work, out):
        """The kernel bound over blocks of lanes."""
        program, joints, source = copied(self, self.tables, common)
        table = Table(len(source), source, common, varied)
        return bind(balance, (count,), program, joints, table, self.places, Work(*work), Out(*out), apart, lanes=lanes)


PARTS = "capacity own coupling offset source fixed storage before"
"""Parameters in the order of the table's rows."""


def layout(program: StreamProgram, fixed: tuple[int, ...]) -> _Layout:
    """The layout of a program whose numbers are all one per scenario, with temperatures given at the nodes `fixed`."""
    m, n = len(program.start), program.n
    heights = (m, m, len(program.couple_to), m, n, len(fixed), n, n)
    key = heights, (True,) * len(heights), fixed
    if key not in program.layouts:
        program.layouts[key] = _Layout(program, *key)
    return program.layouts[key]


def bound(layout: _Layout, param: Array, out: Out) -> Call:
    """The solver bound to parameters (rows, S) and answers of its own, a call to be replayed."""
    return layout.rows.bound(param, layout.work, layout.lay, list(out))


INLET, OUTLET = rows(2)
"""Temperatures of a branch."""

TRACE = 0
"""Row of `lane`: capacity rate below which a branch is at rest."""


@cell
def carried(c, trace):
    """Capacity rate that a branch brings to its end; with -c, to its start."""
    return 0.0 if c <= trace else c


@cell
def resting(c, trace):
    """Conductance [W/K] of a branch: a trace where its flow is negligible."""
    return trace if abs(c) <= trace else 0.0


@cell
def outlets(w, joints: Joints, place: Places, work: Work):
    """Inlet and outlet temperatures of the branches."""
    for e in range(joints.branches):
        i = joints.start[e]
        k = joints.end[e]
        for j in range(LANES):
            inlet = work.node[w, i, j] if work.param[w, e, j] >= 0.0 else work.node[w, k, j]
            work.branch[w, at(e, INLET), j] = inlet
            own = work.param[w, place.own + e, j]
            work.branch[w, at(e, OUTLET), j] = own * inlet + work.param[w, place.offset + e, j]
    for q in range(joints.couplings):
        e = joints.couple_to[q]
        f = joints.couple_from[q]
        for j in range(LANES):
            work.branch[w, at(e, OUTLET), j] += work.param[w, place.coupling + q, j] * work.branch[w, at(f, INLET), j]


@cell
def arriving(w, program: Program, joints: Joints, place: Places, work: Work):
    """Heat [W] that arrives at each node, relative to its temperature and less what it stores."""
    for k in range(program.n):
        i = program.order[k]
        for j in range(LANES):
            rise = work.node[w, k, j] - work.param[w, place.before + i, j]
            work.heat[w, k, j] = work.param[w, place.source + i, j] - work.param[w, place.storage + i, j] * rise
    for e in range(joints.branches):
        i = joints.start[e]
        k = joints.end[e]
        for j in range(LANES):
            c = work.param[w, e, j]
            trace = work.lane[w, TRACE, j]
            apart = resting(c, trace) * (work.node[w, k, j] - work.node[w, i, j])
            outlet = work.branch[w, at(e, OUTLET), j]
            back = apart + carried(-c, trace) * (outlet - work.node[w, i, j])
            forth = carried(c, trace) * (outlet - work.node[w, k, j]) - apart
            work.heat[w, i, j] += joints.at_start[e] * back
            work.heat[w, k, j] += joints.at_end[e] * forth


@cell
def couple(w, q, program: Program, joints: Joints, place: Places, work: Work):
    """Add coupling q, the inlet of one branch acting on the outlet of another, whichever way the streams go."""
    e = joints.couple_to[q]
    f = joints.couple_from[q]
    for case in range(4):
        down = joints.end[e] if case >= 2 else joints.start[e]
        up = joints.end[f] if case % 2 == 1 else joints.start[f]
        times = joints.at_end[e] if case >= 2 else joints.at_start[e]
        pair = joints.branches + 4 * q + case
        t = program.slot[pair]
        if joints.held[down] < 0:
            for j in range(LANES):
                c = work.param[w, e, j]
                ahead = 2 if c >= 0.0 else 0
                turned = 0 if work.param[w, f, j] >= 0.0 else 1
                if ahead + turned == case and abs(c) > work.lane[w, TRACE, j]:
                    value = times * (-abs(c) * work.param[w, place.coupling + q, j])
                    if down == up:
                        work.pivot[w, down, j] += (1.0 - GROUND) * value
                    elif program.flipped[pair] == 1:
                        work.upper[w, t, j] += value
                    else:
                        work.lower[w, t, j] += value


@cell
def mix(w, e, i, k, joints: Joints, place: Places, work: Work):
    """Add what branch e does to the balances at its own ends to the diagonal."""
    for j in range(LANES):
        c = work.param[w, e, j]
        g = resting(c, work.lane[w, TRACE, j])
        work.pivot[w, i, j] += joints.at_start[e] * (carried(-c, work.lane[w, TRACE, j]) + g)
        work.pivot[w, k, j] += joints.at_end[e] * (carried(c, work.lane[w, TRACE, j]) + g)
    if i == k:
        for j in range(LANES):
            c = work.param[w, e, j]
            g = resting(c, work.lane[w, TRACE, j])
            moving = carried(c, work.lane[w, TRACE, j]) + carried(-c, work.lane[w, TRACE, j])
            kept = moving * work.param[w, place.own + e, j] + 2.0 * g
            work.pivot[w, i, j] -= (1.0 - GROUND) * (joints.at_end[e] * kept)


@cell
def into(w, t, e, sign, times, place: Places, work: Work, entry):
    """Take what branch e, `times` over, carries to its end (sign 1) or start (-1) from entry t of a factor."""
    for j in range(LANES):
        c = sign * work.param[w, e, j]
        trace = work.lane[w, TRACE, j]
        entry[w, t, j] -= times * (carried(c, trace) * work.param[w, place.own + e, j] + resting(c, trace))


@cell
def begin(w, program: Program, joints: Joints, place: Places, work: Work):
    """What counts as flow, an empty matrix but for what nodes store, and temperatures to start from."""
    for j in range(LANES):
        work.lane[w, TRACE, j] = REST
    for e in range(joints.branches):
        for j in range(LANES):
            work.lane[w, TRACE, j] = max(work.lane[w, TRACE, j], NEGLIGIBLE * abs(work.param[w, e, j]))
    for u in range(program.column[program.n]):
        for j in range(LANES):
            work.lower[w, u, j] = 0.0
            work.upper[w, u, j] = 0.0
    for k in range(program.n):
        for j in range(LANES):
            work.pivot[w, k, j] = work.param[w, place.storage + program.order[k], j]
            work.node[w, k, j] = work.param[w, place.fixed, j] if joints.fixed > 0 else REFERENCE
        if joints.held[k] >= 0:
            for j in range(LANES):
                work.node[w, k, j] = work.param[w, joints.held[k], j]


@cell
def assemble(w, program: Program, joints: Joints, place: Places, work: Work):
    """The matrix of the balances at nodes."""
    for e in range(joints.branches):
        i = joints.start[e]
        k = joints.end[e]
        t = program.slot[e]
        mix(w, e, i, k, joints, place, work)
        if i != k and joints.held[i] < 0:
            if program.flipped[e] == 1:
                into(w, t, e, -1.0, joints.at_start[e], place, work, work.upper)
            else:
                into(w, t, e, -1.0, joints.at_start[e], place, work, work.lower)
        if i != k and joints.held[k] < 0:
            if program.flipped[e] == 1:
                into(w, t, e, 1.0, joints.at_end[e], place, work, work.lower)
            else:
                into(w, t, e, 1.0, joints.at_end[e], place, work, work.upper)
    for q in range(joints.couplings):
        couple(w, q, program, joints, place, work)
    for k in range(program.n):
        for j in range(LANES):
            if joints.held[k] >= 0 or work.pivot[w, k, j] == 0.0:
                work.pivot[w, k, j] = ALONE
            else:
                work.pivot[w, k, j] *= 1.0 + GROUND


@kernel(lanes=SIDE)
def balance(b, program: Program, joints: Joints, table: Table, place: Places, work: Work, out: Out, apart: Int):
    """Temperatures of one block of lanes; blocks share the work arrays on the CPU (`apart` 0)."""
    w = b * apart
    first = b * LANES
    gather(w, first, table, work.param)
    begin(w, program, joints, place, work)
    assemble(w, program, joints, place, work)
    eliminate(w, program, work.pivot, work.lower, work.upper)
    for turn in range(3):  # the second removes rounding and the effect of GROUND, the third only reads
        outlets(w, joints, place, work)
        arriving(w, program, joints, place, work)
        if turn < 2:
            for q in range(joints.fixed):
                k = joints.fixed_at[q]
                for j in range(LANES):
                    work.heat[w, k, j] = 0.0
            substitute(w, program, work.pivot, work.lower, work.upper, work.heat)
            for k in range(program.n):
                for j in range(LANES):
                    work.node[w, k, j] += work.heat[w, k, j]
    for k in range(program.n):
        for j in range(LANES):
            out.node[program.order[k], first + j] = work.node[w, k, j]
    for e in range(joints.branches):
        for j in range(LANES):
            out.inlet[e, first + j] = work.branch[w, at(e, INLET), j]
            out.outlet[e, first + j] = work.branch[w, at(e, OUTLET), j]
    for q in range(joints.fixed):
        for j in range(LANES):
            out.heat[q, first + j] = work.heat[w, joints.fixed_at[q], j]
