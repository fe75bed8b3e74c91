"""Power flow with generators: full Newton on voltage magnitudes and angles, one Jacobian factor per step and scenario.

Every bus has two unknowns, its angle and the relative change of its magnitude, and two equations, the balance of active
and of reactive power; a generator's bus holds its magnitude instead of the second, a slack bus both [Tinney & Hart,
IEEE PAS-86 (1967) 1449]. With a_ik = V_i conj(Y_ik V_k) and S_i = sum_k a_ik the 2 x 2 blocks need no division:

    off the diagonal  [Im a, Re a; -Re a, Im a],     on it  [Im (a - S), Re (S + a); Re (S - a), Im (S + a)].

Blocks are eliminated by the program of the topology (see `elimination`), which every step and scenario replays.
"""

import math
from dataclasses import dataclass

import numpy as np
from twin.kernels import elimination
from twin.kernels.cell import Int, Ints1, Real, Reals2, Reals3, cell, kernel, real
from twin.kernels.elimination import eliminate_pairs
from twin.kernels.launch import bind
from twin.kernels.power_flow import admittances

PQ, PV, SLACK, DEAD = 1, 2, 3, 0


@dataclass(frozen=True, eq=False)
class Result:
    """Bus voltages and how they were found, per scenario."""

    voltage: np.ndarray  # (n, S) complex
    converged: np.ndarray  # (S,)
    iterations: np.ndarray  # (S,)
    mismatch: np.ndarray  # (S,) largest imbalance of power, pu


def solve(network, shunt, injection, kind, start, tolerance=1e-10, max_iterations=30) -> Result:
    """Voltages [pu] (n, S) at which every bus balances its `injection` [pu, generated less consumed] (n, 1|S).

    `network` is a power_flow.Network with parameters of width 1, `shunt` (n,) the complex admittance to ground at each
    bus, `kind` (n,) PQ, PV, SLACK or DEAD, `start` (n, 1|S) complex voltages whose magnitudes PV and slack buses keep.
    A scenario has converged when no balance misses by more than `tolerance`.
    """
    from_bus, to_bus, n = network.start, network.end, network.n
    injection, start = np.asarray(injection, complex), np.asarray(start, complex)
    scenarios = max(injection.shape[1], start.shape[1])
    program = elimination.program(n, from_bus, to_bus)
    tables = (program.order, program.column, program.row, program.target, program.slot, program.flipped)
    branches = np.stack([np.ascontiguousarray(a[:, 0]) for a in admittances(network)], axis=1)
    live = np.repeat((np.asarray(kind) != DEAD)[:, None], scenarios, axis=1)
    voltage, given = (np.where(live, a, 0j) for a in (start, injection))
    pairs = lambda x: x.view(float).reshape(*x.shape, 2)  # noqa: E731
    gap, turns = np.zeros((scenarios, 1)), np.zeros((scenarios, 1))
    fill = len(program.row)
    scratch = [np.zeros((1, 4 * m, 1)) for m in (n, fill, fill)] + [np.zeros((1, 6 * n, 1))]
    ends = (np.asarray(from_bus, np.int32), np.asarray(to_bus, np.int32))
    bind(
        newton,
        (scenarios,),
        *tables,
        *ends,
        np.asarray(kind, np.int32),
        branches.view(float).reshape(len(branches), 8),
        np.ascontiguousarray(np.asarray(shunt, complex)[:, None]).view(float),
        pairs(given),
        pairs(voltage),
        *scratch,
        gap,
        turns,
        n,
        len(branches),
        0,
        tolerance,
        max_iterations,
    )()
    good = (gap[:, 0] <= tolerance) & np.isfinite(voltage).all(axis=0)
    return Result(voltage, good, turns[:, 0].astype(np.int64), gap[:, 0])


def balance(network, shunt, voltage):
    """Power [pu] that each bus sends into branches and shunts, (n, S)."""
    own_start, mutual_start, mutual_end, own_end = admittances(network)
    current = np.asarray(shunt)[:, None] * voltage
    start, end = voltage[network.start], voltage[network.end]
    np.add.at(current, network.start, own_start * start + mutual_start * end)
    np.add.at(current, network.end, own_end * end + mutual_end * start)
    return voltage * np.conj(current)


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
        block[w, 4 * t, 0] += ai
        block[w, 4 * t + 1, 0] += ar
    if kind == PQ:
        block[w, 4 * t + 2, 0] -= ar
        block[w, 4 * t + 3, 0] += ai


@kernel
def newton(
    b,
    order: Ints1,
    column: Ints1,
    row: Ints1,
    target: Ints1,
    slot: Ints1,
    flipped: Ints1,
    start: Ints1,
    end: Ints1,
    kind: Ints1,
    branch: Reals2,
    shunt: Reals2,
    given: Reals3,
    voltage: Reals3,
    pivot: Reals3,
    lower: Reals3,
    upper: Reals3,
    work: Reals3,
    gap: Reals2,
    turns: Reals2,
    n: Int,
    m: Int,
    apart: Int,
    tolerance: Real,
    limit: Int,
):
    """Newton of one scenario. Rows of `work`: right-hand side in order (2 n), then S and a_ii of every bus (4 n)."""
    w = b * apart
    for turn in range(limit + 1):
        for u in range(4 * n):
            pivot[w, u, 0] = 0.0
        for u in range(4 * column[n]):
            lower[w, u, 0] = 0.0
            upper[w, u, 0] = 0.0
        for i in range(n):
            pr, pi = product(
                voltage[i, b, 0], voltage[i, b, 1], shunt[i, 0], shunt[i, 1], voltage[i, b, 0], voltage[i, b, 1]
            )
            work[w, 2 * n + 4 * i, 0] = pr
            work[w, 2 * n + 4 * i + 1, 0] = pi
            work[w, 2 * n + 4 * i + 2, 0] = pr
            work[w, 2 * n + 4 * i + 3, 0] = pi
        for e in range(m):
            i = start[e]
            k = end[e]
            vr = voltage[i, b, 0]
            vi = voltage[i, b, 1]
            wr = voltage[k, b, 0]
            wi = voltage[k, b, 1]
            ar, ai = product(vr, vi, branch[e, 0], branch[e, 1], vr, vi)
            br, bi = product(vr, vi, branch[e, 2], branch[e, 3], wr, wi)
            cr, ci = product(wr, wi, branch[e, 4], branch[e, 5], vr, vi)
            dr, di = product(wr, wi, branch[e, 6], branch[e, 7], wr, wi)
            if i == k:
                ar += br
                ai += bi
                dr += cr
                di += ci
            work[w, 2 * n + 4 * i, 0] += ar
            work[w, 2 * n + 4 * i + 1, 0] += ai
            work[w, 2 * n + 4 * i + 2, 0] += ar
            work[w, 2 * n + 4 * i + 3, 0] += ai
            work[w, 2 * n + 4 * k, 0] += dr
            work[w, 2 * n + 4 * k + 1, 0] += di
            work[w, 2 * n + 4 * k + 2, 0] += dr
            work[w, 2 * n + 4 * k + 3, 0] += di
            t = slot[e]
            if i != k:
                work[w, 2 * n + 4 * i, 0] += br
                work[w, 2 * n + 4 * i + 1, 0] += bi
                work[w, 2 * n + 4 * k, 0] += cr
                work[w, 2 * n + 4 * k + 1, 0] += ci
                if flipped[e] == 1:
                    place(w, t, upper, kind[i], br, bi)
                    place(w, t, lower, kind[k], cr, ci)
                else:
                    place(w, t, lower, kind[i], br, bi)
                    place(w, t, upper, kind[k], cr, ci)
        worst = 0.0
        for k in range(n):
            i = order[k]
            sr = work[w, 2 * n + 4 * i, 0]
            si = work[w, 2 * n + 4 * i + 1, 0]
            ar = work[w, 2 * n + 4 * i + 2, 0]
            ai = work[w, 2 * n + 4 * i + 3, 0]
            work[w, 2 * k, 0] = 0.0
            work[w, 2 * k + 1, 0] = 0.0
            pivot[w, 4 * k, 0] = 1.0
            pivot[w, 4 * k + 3, 0] = 1.0
            if kind[i] == PQ or kind[i] == PV:
                pivot[w, 4 * k, 0] = ai - si
                pivot[w, 4 * k + 1, 0] = sr + ar
                work[w, 2 * k, 0] = given[i, b, 0] - sr
            if kind[i] == PQ:
                pivot[w, 4 * k + 2, 0] = sr - ar
                pivot[w, 4 * k + 3, 0] = si + ai
                work[w, 2 * k + 1, 0] = given[i, b, 1] - si
            miss = abs(work[w, 2 * k, 0]) + abs(work[w, 2 * k + 1, 0])
            worst = worst if miss <= worst else miss + 0.0 * worst
        gap[b, 0] = worst
        turns[b, 0] = real(turn)
        if worst <= tolerance or worst - worst != 0.0 or turn == limit:
            break
        eliminate_pairs(w, column, row, target, pivot, lower, upper, n)
        for k in range(n):
            x = work[w, 2 * k, 0]
            y = work[w, 2 * k + 1, 0]
            for u in range(column[k], column[k + 1]):
                r = row[u]
                work[w, 2 * r, 0] -= lower[w, 4 * u, 0] * x + lower[w, 4 * u + 1, 0] * y
                work[w, 2 * r + 1, 0] -= lower[w, 4 * u + 2, 0] * x + lower[w, 4 * u + 3, 0] * y
        for q in range(n):
            k = n - 1 - q
            x = work[w, 2 * k, 0]
            y = work[w, 2 * k + 1, 0]
            for u in range(column[k], column[k + 1]):
                r = row[u]
                x -= upper[w, 4 * u, 0] * work[w, 2 * r, 0] + upper[w, 4 * u + 1, 0] * work[w, 2 * r + 1, 0]
                y -= upper[w, 4 * u + 2, 0] * work[w, 2 * r, 0] + upper[w, 4 * u + 3, 0] * work[w, 2 * r + 1, 0]
            work[w, 2 * k, 0] = pivot[w, 4 * k, 0] * x + pivot[w, 4 * k + 1, 0] * y
            work[w, 2 * k + 1, 0] = pivot[w, 4 * k + 2, 0] * x + pivot[w, 4 * k + 3, 0] * y
        for k in range(n):
            i = order[k]
            turned = work[w, 2 * k, 0]
            grown = 1.0 + work[w, 2 * k + 1, 0]
            cosine = grown * math.cos(turned)
            sine = grown * math.sin(turned)
            vr = voltage[i, b, 0]
            vi = voltage[i, b, 1]
            voltage[i, b, 0] = vr * cosine - vi * sine
            voltage[i, b, 1] = vr * sine + vi * cosine
