"""Power flow with generators: full Newton on voltage magnitudes and angles, one Jacobian factor per step and scenario.

Every bus has two unknowns, its angle and the relative change of its magnitude, and two equations, the balance of active
and of reactive power; a generator's bus holds its magnitude instead of the second, a slack bus both [Tinney & Hart,
IEEE PAS-86 (1967) 1449]. With a_ik = V_i conj(Y_ik V_k) and S_i = sum_k a_ik the 2 x 2 blocks need no division:

    off the diagonal  [Im a, Re a; -Re a, Im a],     on it  [Im (a - S), Re (S + a); Re (S - a), Im (S + a)].

Blocks are eliminated by the program of the topology (see `elimination`), which every step and scenario replays.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin.kernels import elimination
from twin.kernels.cell import Int, Ints1, Real, Reals2, Reals3, at, cell, kernel, real, rows
from twin.kernels.elimination import A11, A12, A21, A22, Program, eliminate_pairs
from twin.kernels.launch import bind
from twin.kernels.power_flow import IM, RE, Network, admittances

PQ, PV, SLACK, DEAD = 1, 2, 3, 0


@dataclass(frozen=True, eq=False)
class Result:
    """Bus voltages and how they converged, per scenario."""

    voltage: np.ndarray  # (n, S) complex
    converged: np.ndarray  # (S,)
    iterations: np.ndarray  # (S,)
    mismatch: np.ndarray  # (S,) largest imbalance of power, pu


class Grid(NamedTuple):
    """Branches and buses as the kernel takes them; complex numbers are two columns."""

    m: Int
    start: Ints1  # (m,)
    end: Ints1  # (m,)
    admittance: Reals2  # (m, 8) own and mutual at the start, mutual and own at the end
    kind: Ints1  # (n,)
    shunt: Reals2  # (n, 2)


class State(NamedTuple):
    """What is given and what is solved for, per scenario."""

    injection: Reals3  # (n, S, 2)
    voltage: Reals3  # (n, S, 2)
    gap: Reals2  # (S, 1) largest imbalance
    turns: Reals2  # (S, 1) steps


class Work(NamedTuple):
    """The matrix of blocks, its right-hand side in order (2 n), and sums at each bus (4 n)."""

    pivot: Reals3
    lower: Reals3
    upper: Reals3
    rhs: Reals3
    bus: Reals3


def solve(
    network: Network,
    shunt: np.ndarray,
    injection: np.ndarray,
    kind: np.ndarray,
    start: np.ndarray,
    tolerance: float = 1e-10,
    max_iterations: int = 30,
) -> Result:
    """Voltages [pu] (n, S) at which every bus balances its `injection` [pu, generated less consumed] (n, 1|S).

    `network` is a power_flow.Network with parameters of width 1, `shunt` (n,) the complex admittance to ground at each
    bus, `kind` (n,) PQ, PV, SLACK or DEAD, `start` (n, 1|S) complex voltages whose magnitudes PV and slack buses keep.
    A scenario has converged when no balance misses by more than `tolerance` [pu].
    """
    n, injection, start = network.n, np.asarray(injection, complex), np.asarray(start, complex)
    scenarios = max(injection.shape[1], start.shape[1])
    program = elimination.program(n, network.start, network.end)
    ends = (np.asarray(a, np.int32) for a in (network.start, network.end))
    branches = np.stack([np.ascontiguousarray(a[:, 0]) for a in admittances(network)], axis=1)
    ground = np.ascontiguousarray(np.asarray(shunt, complex)[:, None]).view(float)
    m, fill = len(branches), len(program.row)
    grid = Grid._make([m, *ends, branches.view(float).reshape(m, 8), np.asarray(kind, np.int32), ground])
    live = np.repeat((np.asarray(kind) != DEAD)[:, None], scenarios, axis=1)
    voltage, given = (np.where(live, a, 0j) for a in (start, injection))
    pairs = lambda x: x.view(float).reshape(*x.shape, 2)  # noqa: E731
    gap, turns = np.zeros((scenarios, 1)), np.zeros((scenarios, 1))
    work = Work(*(np.zeros((1, height, 1)) for height in (4 * n, 4 * fill, 4 * fill, 2 * n, 4 * n)))
    state = State(pairs(given), pairs(voltage), gap, turns)
    bind(newton, (scenarios,), program, grid, state, work, 0, tolerance, max_iterations)()
    good = (gap[:, 0] <= tolerance) & np.isfinite(voltage).all(axis=0)
    return Result(voltage, good, turns[:, 0].astype(np.int64), gap[:, 0])


def balance(network: Network, shunt: np.ndarray, voltage: np.ndarray) -> NDArray[np.complex128]:
    """Power [pu] that each bus sends into branches and shunts, (n, S)."""
    own_start, mutual_start, mutual_end, own_end = admittances(network)
    current = np.asarray(shunt)[:, None] * voltage
    start, end = voltage[network.start], voltage[network.end]
    np.add.at(current, network.start, own_start * start + mutual_start * end)
    np.add.at(current, network.end, own_end * end + mutual_end * start)
    return voltage * np.conj(current)


# ---- the solver --------------------------------------------------------------------------------------------------

ACTIVE, REACTIVE = rows(2)
"""Unknowns and equations of a position: angle and magnitude, active and reactive power."""

POWER_RE, POWER_IM, OWN_RE, OWN_IM = rows(4)
"""Sums at a bus: the power S that it sends off, and of that what its own voltage does, a_ii."""

OWN_START_RE, OWN_START_IM, MUTUAL_START_RE, MUTUAL_START_IM = range(4)
MUTUAL_END_RE, MUTUAL_END_IM, OWN_END_RE, OWN_END_IM = range(4, 8)
"""Columns of a branch's admittances."""


@cell
def product(vr, vi, yr, yi, wr, wi):
    """V conj(Y W) of complex numbers."""
    cr = yr * wr - yi * wi
    ci = yr * wi + yi * wr
    return vr * cr + vi * ci, vi * cr - vr * ci


@cell
def place(w, t, block, kind, ar, ai):
    """Add the off-diagonal block of a bus of this kind for a = V conj(Y W)."""
    if kind == PQ or kind == PV:
        block[w, at(t, A11), 0] += ai
        block[w, at(t, A12), 0] += ar
    if kind == PQ:
        block[w, at(t, A21), 0] -= ar
        block[w, at(t, A22), 0] += ai


@cell
def clear(w, b, program: Program, grid: Grid, state: State, work: Work):
    """Empty the matrix, and start the sums at each bus with its shunt."""
    for u in range(4 * program.n):
        work.pivot[w, u, 0] = 0.0
    for u in range(4 * program.column[program.n]):
        work.lower[w, u, 0] = 0.0
        work.upper[w, u, 0] = 0.0
    for i in range(program.n):
        vr = state.voltage[i, b, RE]
        vi = state.voltage[i, b, IM]
        pr, pi = product(vr, vi, grid.shunt[i, RE], grid.shunt[i, IM], vr, vi)
        work.bus[w, at(i, POWER_RE), 0] = pr
        work.bus[w, at(i, POWER_IM), 0] = pi
        work.bus[w, at(i, OWN_RE), 0] = pr
        work.bus[w, at(i, OWN_IM), 0] = pi


@cell
def join(w, b, e, program: Program, grid: Grid, state: State, work: Work):
    """Add branch e to the sums at its ends, and to the matrix off its diagonal."""
    i = grid.start[e]
    k = grid.end[e]
    vr = state.voltage[i, b, RE]
    vi = state.voltage[i, b, IM]
    wr = state.voltage[k, b, RE]
    wi = state.voltage[k, b, IM]
    ar, ai = product(vr, vi, grid.admittance[e, OWN_START_RE], grid.admittance[e, OWN_START_IM], vr, vi)
    br, bi = product(vr, vi, grid.admittance[e, MUTUAL_START_RE], grid.admittance[e, MUTUAL_START_IM], wr, wi)
    cr, ci = product(wr, wi, grid.admittance[e, MUTUAL_END_RE], grid.admittance[e, MUTUAL_END_IM], vr, vi)
    dr, di = product(wr, wi, grid.admittance[e, OWN_END_RE], grid.admittance[e, OWN_END_IM], wr, wi)
    if i == k:
        ar += br
        ai += bi
        dr += cr
        di += ci
    work.bus[w, at(i, POWER_RE), 0] += ar
    work.bus[w, at(i, POWER_IM), 0] += ai
    work.bus[w, at(i, OWN_RE), 0] += ar
    work.bus[w, at(i, OWN_IM), 0] += ai
    work.bus[w, at(k, POWER_RE), 0] += dr
    work.bus[w, at(k, POWER_IM), 0] += di
    work.bus[w, at(k, OWN_RE), 0] += dr
    work.bus[w, at(k, OWN_IM), 0] += di
    t = program.slot[e]
    if i != k:
        work.bus[w, at(i, POWER_RE), 0] += br
        work.bus[w, at(i, POWER_IM), 0] += bi
        work.bus[w, at(k, POWER_RE), 0] += cr
        work.bus[w, at(k, POWER_IM), 0] += ci
        if program.flipped[e] == 1:
            place(w, t, work.upper, grid.kind[i], br, bi)
            place(w, t, work.lower, grid.kind[k], cr, ci)
        else:
            place(w, t, work.lower, grid.kind[i], br, bi)
            place(w, t, work.upper, grid.kind[k], cr, ci)


@cell
def mismatch(w, b, program: Program, grid: Grid, state: State, work: Work):
    """Diagonal blocks and right-hand sides; the largest imbalance comes back, NaN where one is."""
    worst = 0.0
    for k in range(program.n):
        i = program.order[k]
        sr = work.bus[w, at(i, POWER_RE), 0]
        si = work.bus[w, at(i, POWER_IM), 0]
        ar = work.bus[w, at(i, OWN_RE), 0]
        ai = work.bus[w, at(i, OWN_IM), 0]
        work.rhs[w, at(k, ACTIVE), 0] = 0.0
        work.rhs[w, at(k, REACTIVE), 0] = 0.0
        work.pivot[w, at(k, A11), 0] = 1.0
        work.pivot[w, at(k, A22), 0] = 1.0
        if grid.kind[i] == PQ or grid.kind[i] == PV:
            work.pivot[w, at(k, A11), 0] = ai - si
            work.pivot[w, at(k, A12), 0] = sr + ar
            work.rhs[w, at(k, ACTIVE), 0] = state.injection[i, b, RE] - sr
        if grid.kind[i] == PQ:
            work.pivot[w, at(k, A21), 0] = sr - ar
            work.pivot[w, at(k, A22), 0] = si + ai
            work.rhs[w, at(k, REACTIVE), 0] = state.injection[i, b, IM] - si
        miss = abs(work.rhs[w, at(k, ACTIVE), 0]) + abs(work.rhs[w, at(k, REACTIVE), 0])
        worst = worst if miss <= worst else miss + 0.0 * worst
    return worst


@cell
def substitute(w, program: Program, work: Work):
    """Turn the right-hand side into the step."""
    for k in range(program.n):
        x = work.rhs[w, at(k, ACTIVE), 0]
        y = work.rhs[w, at(k, REACTIVE), 0]
        for u in range(program.column[k], program.column[k + 1]):
            r = program.row[u]
            work.rhs[w, at(r, ACTIVE), 0] -= work.lower[w, at(u, A11), 0] * x + work.lower[w, at(u, A12), 0] * y
            work.rhs[w, at(r, REACTIVE), 0] -= work.lower[w, at(u, A21), 0] * x + work.lower[w, at(u, A22), 0] * y
    for m in range(program.n):
        k = program.n - 1 - m
        x = work.rhs[w, at(k, ACTIVE), 0]
        y = work.rhs[w, at(k, REACTIVE), 0]
        for u in range(program.column[k], program.column[k + 1]):
            p = work.rhs[w, at(program.row[u], ACTIVE), 0]
            q = work.rhs[w, at(program.row[u], REACTIVE), 0]
            x -= work.upper[w, at(u, A11), 0] * p + work.upper[w, at(u, A12), 0] * q
            y -= work.upper[w, at(u, A21), 0] * p + work.upper[w, at(u, A22), 0] * q
        work.rhs[w, at(k, ACTIVE), 0] = work.pivot[w, at(k, A11), 0] * x + work.pivot[w, at(k, A12), 0] * y
        work.rhs[w, at(k, REACTIVE), 0] = work.pivot[w, at(k, A21), 0] * x + work.pivot[w, at(k, A22), 0] * y


@cell
def turn(w, b, program: Program, state: State, work: Work):
    """Take the step: angles turn, magnitudes grow."""
    for k in range(program.n):
        i = program.order[k]
        turned = work.rhs[w, at(k, ACTIVE), 0]
        grown = 1.0 + work.rhs[w, at(k, REACTIVE), 0]
        cosine = grown * math.cos(turned)
        sine = grown * math.sin(turned)
        vr = state.voltage[i, b, RE]
        vi = state.voltage[i, b, IM]
        state.voltage[i, b, RE] = vr * cosine - vi * sine
        state.voltage[i, b, IM] = vr * sine + vi * cosine


@kernel
def newton(b, program: Program, grid: Grid, state: State, work: Work, apart: Int, tolerance: Real, limit: Int):
    """Newton of one scenario; scenarios share the work arrays where `apart` is 0."""
    w = b * apart
    for step in range(limit + 1):
        clear(w, b, program, grid, state, work)
        for e in range(grid.m):
            join(w, b, e, program, grid, state, work)
        worst = mismatch(w, b, program, grid, state, work)
        state.gap[b, 0] = worst
        state.turns[b, 0] = real(step)
        if worst <= tolerance or worst - worst != 0.0 or step == limit:
            break
        eliminate_pairs(w, program, work.pivot, work.lower, work.upper)
        substitute(w, program, work)
        turn(w, b, program, state, work)
