"""Power flow after the loss of each of many branches, most of them on one factor.

In a plant most branches are bridges: what lies behind them goes dark, and the rest keeps its matrix if the dark part is
left in it without load. What that part still draws, through charging and magnetising, is linear in the voltage of the
bus at the bridge, an admittance known from the voltages without load; an injection there takes it back, in one round
more. A branch of a ring changes the matrix by a rank of two: its loss corrects every substitution on the common
factor [Sherman-Morrison-Woodbury; Alsac, Stott & Tinney, IEEE PAS-102 (1983) 1050].
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from twin.kernels.arrays import Array
from twin.kernels.cell import Int, Ints1, kernel
from twin.kernels.launch import bind
from twin.kernels.power_flow import LOAD, SLACK, Network, Result, admittances, factor, live_buses, refactor

ROUGHLY = 1e-6
"""Tolerance of the first round: what the dark part draws moves by less than a hundredth of that."""

ROUNDS = 8
"""Rounds after which what a dark part draws must have settled."""

STEPS = 40
"""Steps on the common factor after which the loss of a branch gets a factor of its own."""


def solve(
    network: Network,
    slack_voltage: Array,
    power: Array,
    branches: Sequence[int] | Array,
    tolerance: float = 1e-8,
    base: Array | None = None,
) -> Result:
    """Voltages [pu] (n, k) after the loss of each of the k `branches` alone, 0 where a bus is then without supply.

    `network` has parameters of width 1, `slack_voltage` is (s, 1), `power` (n, 1) [pu, consumed], `base` as in
    `power_flow.solve`. A branch that is out of service already changes nothing.
    """
    branches = np.asarray(branches, np.int64)
    live = live_buses(network, np.asarray(slack_voltage))[:, 0]
    count, n = len(branches), network.n
    voltage = np.zeros((n, count), complex)
    converged, iterations = np.zeros(count, bool), np.zeros(count, np.int64)
    supplied = np.repeat(live[:, None], count, axis=1)
    place, first, size = bridges(network, live)
    f = factor(network, live, base)
    cut = np.flatnonzero((size[branches] > 0) | (network.series[branches, 0] == 0))
    if len(cut):
        dark = _behind(place, first[branches[cut]], size[branches[cut]])
        reached, converged[cut], iterations[cut] = _bridged(
            network, f, slack_voltage, power, branches[cut], dark, tolerance
        )
        voltage[:, cut] = np.where(dark, 0, reached)
        supplied[:, cut] &= ~dark
    rings = np.setdiff1d(np.arange(count), cut)
    if len(rings):
        results = _switched(network, f, slack_voltage, power, branches[rings], tolerance)
        voltage[:, rings], converged[rings], iterations[rings] = results
    for k in rings[~converged[rings]]:
        series = network.series.copy()
        series[branches[k]] = 0
        own = refactor(f, replace(network, series=series))
        one = own.solve(slack_voltage, power, tolerance)
        voltage[:, k], converged[k], iterations[k] = one[0][:, 0], one[1][0], one[2][0]
    return Result(voltage, converged, iterations, supplied)


def _behind(place, first, size):
    """Buses behind bridges, (n, k): those whose place in the search lies in the bridge's range."""
    return (place[:, None] >= first) & (place[:, None] < first + size)


def _bridged(network, f, slack_voltage, power, branches, dark, tolerance):
    """Voltages (n, k), convergence and steps on the whole network's factor, dark buses without load."""
    start, end = network.start[branches], network.end[branches]
    every = np.arange(len(branches))
    outward = dark[end, every]
    at = np.where(outward, start, end)
    near, far = np.where(outward, start, end), np.where(outward, end, start)
    own_start, mutual_start, mutual_end, own_end = (a[branches, 0] for a in admittances(network))
    own, mutual = np.where(outward, own_start, own_end), np.where(outward, mutual_start, mutual_end)
    idle = f.idle
    safe = np.where(idle[near] == 0, 1.0, idle[near])
    drawn = np.where(dark.any(axis=0), own + mutual * idle[far] / safe, 0)
    load = np.where(dark, 0, np.asarray(power, complex))
    square = np.abs(f.solve(np.asarray(slack_voltage, complex), np.asarray(power, complex), ROUGHLY)[0][at, 0]) ** 2
    held = np.repeat(np.asarray(slack_voltage, complex), len(branches), axis=1)

    voltage, good, turns = np.zeros(load.shape, complex), np.zeros(len(branches), bool), np.zeros(len(branches), int)
    left, allowed = every, ROUGHLY
    for _ in range(ROUNDS):
        given = load[:, left]
        given[at[left], np.arange(len(left))] -= np.conj(drawn[left]) * square[left]
        reached, settled, steps = f.solve(held[:, left], given, allowed)
        new = np.abs(reached[at[left], np.arange(len(left))]) ** 2
        still = np.abs(drawn[left]) * np.abs(new - square[left]) > tolerance
        voltage[:, left], good[left], turns[left] = reached, settled & ~still, steps
        square[left] = new
        left = left[still | (allowed > tolerance)]
        allowed = tolerance
        if not len(left):
            break
    return voltage, good, turns


def _switched(network, f, slack_voltage, power, branches, tolerance):
    """Voltages (n, k), convergence and steps after the loss of branches that leave all supplied, on one factor."""
    n, k, every = network.n, len(branches), np.arange(len(branches))
    ends = np.stack([network.start[branches], network.end[branches]], axis=1)  # (k, 2)
    kind, droop = np.empty(n, np.int32), np.empty(n, complex)
    kind[f.bus], droop[f.bus] = f.kind, f.droop[0] + 1j * f.droop[1]
    entries = [a[branches, 0] for a in admittances(network)]
    block = np.moveaxis(np.array([entries[:2], entries[2:]]), 2, 0) * (kind[ends] == LOAD)[:, :, None]  # (k, 2, 2)
    taken = np.empty((k, 4, 4))
    taken[:, ::2, ::2], taken[:, ::2, 1::2] = block.real, -block.imag
    taken[:, 1::2, ::2], taken[:, 1::2, 1::2] = block.imag, block.real
    rows = (2 * ends[:, :, None] + np.arange(2)).reshape(k, 4)
    unit = np.zeros((2 * n, k, 4))
    unit[rows, every[:, None], np.arange(4)] = 1.0
    spread = f.linear(unit.reshape(2 * n, -1)).reshape(2 * n, k, 4)
    own = spread[rows, every[:, None]]  # (k, 4, 4)
    gain = np.linalg.solve(np.eye(4) - taken @ own, taken)
    held = np.zeros((n, 1), complex)
    held[network.slack] = slack_voltage
    held, load = np.where(kind[:, None] == SLACK, held, 0), np.where(kind[:, None] == LOAD, power, 0)
    voltage = np.repeat(f.solve(np.asarray(slack_voltage, complex), np.asarray(power, complex), ROUGHLY)[0], k, axis=1)
    good, turns = np.zeros(k, bool), np.zeros(k, np.int64)
    safe = np.where(kind[:, None] == LOAD, voltage, 1.0)
    for _ in range(STEPS):
        with np.errstate(all="ignore"):
            current = np.where(kind[:, None] == LOAD, droop[:, None] * np.conj(safe) - np.conj(load / safe), held)
        x = f.linear(np.stack([np.real(current), np.imag(current)], axis=1).reshape(2 * n, k))
        back = np.einsum("kij,kj->ki", gain, x[rows, every[:, None]])
        x += np.einsum("nki,ki->nk", spread, back)
        new = x[::2] + 1j * x[1::2]
        moved = (np.abs((new - voltage).real) + np.abs((new - voltage).imag)).max(axis=0)
        turns += ~good
        voltage = np.where(good, voltage, new)
        good |= moved <= tolerance
        safe = np.where(kind[:, None] == LOAD, voltage, 1.0)
        if good.all():
            break
    return voltage, good, turns


def bridges(network: Network, live: Array) -> tuple[Array, Array, Array]:
    """Place of each bus in a search from the slack buses (n,), and the range of places behind each branch, (m,) each.

    The size of the range is 0 where a branch is no bridge [Tarjan, Inf. Proc. Letters 2 (1974) 160].
    """
    n, m = network.n, len(network.start)
    passing = np.flatnonzero((network.series[:, 0] != 0) & (network.start != network.end) & live[network.start])
    ends = np.stack([network.start[passing], network.end[passing]], axis=1)
    by_bus = np.argsort(ends.ravel(), kind="stable")
    begin = np.searchsorted(ends.ravel()[by_bus], np.arange(n + 1))
    around = (begin, ends[:, ::-1].ravel()[by_bus], np.repeat(passing, 2)[by_bus])
    roots = network.slack[live[network.slack]]
    of, found = Search(np.full(n, -1, np.int32), *np.zeros((4, n), np.int32)), np.zeros((2, m), np.int32)
    of.place[roots] = 0
    given = (np.ascontiguousarray(a, np.int32) for a in (roots, *around))
    bind(search, (1,), len(roots), *given, of, *found)()
    first, size = found.astype(np.int64)
    return of.place.astype(np.int64), first, size


class Search(NamedTuple):
    """What a search keeps of each bus, (n,) each."""

    place: Ints1  # when it was reached, -1 before that
    low: Ints1  # the lowest place that is reached from behind it
    cursor: Ints1  # the neighbour that is next
    above: Ints1  # the bus from which it was reached
    via: Ints1  # the branch by which it was


@kernel
def search(_all, count: Int, roots: Ints1, begin: Ints1, other: Ints1, branch: Ints1, of: Search, first: Ints1,
           size: Ints1):  # fmt: skip
    """Depth first from each root: places of buses, and first place and number of buses behind each bridge."""
    following = 1
    for r in range(count):
        bus = roots[r]
        of.low[bus] = 0
        of.cursor[bus] = begin[bus]
        of.via[bus] = -1
        while True:
            if of.cursor[bus] < begin[bus + 1]:
                u = of.cursor[bus]
                of.cursor[bus] += 1
                if branch[u] != of.via[bus]:
                    i = other[u]
                    if of.place[i] >= 0:
                        of.low[bus] = min(of.low[bus], of.place[i])
                    else:
                        of.place[i] = following
                        of.low[i] = following
                        following += 1
                        of.cursor[i] = begin[i]
                        of.above[i] = bus
                        of.via[i] = branch[u]
                        bus = i
            else:
                if of.via[bus] < 0:
                    break
                up = of.above[bus]
                of.low[up] = min(of.low[up], of.low[bus])
                if of.low[bus] > of.place[up]:
                    first[of.via[bus]] = of.place[bus]
                    size[of.via[bus]] = following - of.place[bus]
                bus = up
