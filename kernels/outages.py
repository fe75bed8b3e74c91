"""Power flow after the loss of each of many branches, most of them on one factor.

In a plant most branches are bridges: what lies behind them goes dark, and the rest keeps its matrix if the dark part is
left in it without load. What that part still draws, through charging and magnetising, is linear in the voltage of the
bus at the bridge, an admittance known from the voltages without load; an injection at that bus takes it back, in a few
rounds. Only a branch whose loss leaves all buses supplied needs a factor of its own.
"""

from dataclasses import replace

import numpy as np
from twin.kernels.power_flow import Result, admittances, factor, live_buses, refactor

ROUNDS = (1e-4, 1e-6)
"""Tolerances of the rounds before the last: the injection moves by less than a hundredth each time."""


def solve(network, slack_voltage, power, branches, tolerance=1e-8, base=None) -> Result:
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
        found = _bridged(network, f, slack_voltage, power, branches[cut], dark, tolerance)
        voltage[:, cut], converged[cut], iterations[cut] = np.where(dark, 0, found[0]), *found[1:]
        supplied[:, cut] &= ~dark
    for k in np.setdiff1d(np.arange(count), cut):
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
    square = np.abs(idle[at] * np.asarray(slack_voltage)[0, 0]) ** 2
    held = np.repeat(np.asarray(slack_voltage, complex), len(branches), axis=1)

    def around(allowed):
        given = load.copy()
        given[at, every] -= np.conj(drawn) * square
        return f.solve(held, given, allowed)

    for allowed in ROUNDS:
        square = np.abs(around(allowed)[0][at, every]) ** 2
    return around(tolerance)


def bridges(network, live):
    """Place of each bus in a search from the slack buses (n,), and the range of places behind each branch, (m,) each.

    The size of the range is 0 where a branch is no bridge [Tarjan, Inf. Proc. Letters 2 (1974) 160].
    """
    n, m = network.n, len(network.start)
    around: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for e in np.flatnonzero(network.series[:, 0] != 0):
        i, j = int(network.start[e]), int(network.end[e])
        if i != j and live[i]:
            around[i].append((j, int(e)))
            around[j].append((i, int(e)))
    place, low = np.full(n, -1), [0] * n
    first, size = np.zeros(m, np.int64), np.zeros(m, np.int64)
    roots = [int(s) for s in network.slack if live[s]]
    for root in roots:
        place[root], low[root] = 0, 0
    next_place = 1
    for root in roots:
        stack = [(root, -1, iter(around[root]))]
        while stack:
            bus, via, others = stack[-1]
            for other, e in others:
                if e == via:
                    continue
                if place[other] >= 0:
                    low[bus] = min(low[bus], int(place[other]))
                    continue
                place[other] = low[other] = next_place
                next_place += 1
                stack.append((other, e, iter(around[other])))
                break
            else:
                stack.pop()
                if stack:
                    above = stack[-1][0]
                    low[above] = min(low[above], low[bus])
                    if low[bus] > place[above]:
                        first[via], size[via] = place[bus], next_place - place[bus]
    return place, first, size
