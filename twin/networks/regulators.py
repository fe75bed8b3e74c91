"""Pipe networks with valves that regulate a pressure: reducing ones at their end, sustaining ones at their start.

A valve that regulates cuts the network: the junction that it holds has a given pressure, and what enters the network
there is drawn from the other side, round after round until both agree. Its state follows from pressures and flow, as in
EPANET [Rossman et al., EPANET 2.2 User Manual, 2020]: it regulates, is open where it cannot reach its setting, or shut
where the flow would turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.kernels import pipe_flow as gradient
from twin.readers.tables import PipeNetwork

Array = NDArray[Any]
ACTIVE, OPEN, SHUT = range(3)
STATES, ROUNDS = 30, 100
"""Changes of state, and rounds of flow through valves that regulate, before a scenario counts as not converged."""

CLOSE = 0.1
"""Pressure that does not change a state, Pa."""


def solve(
    net: PipeNetwork, build: Callable[[PipeNetwork], gradient.Network], guess: Array, demand: Array, tolerance: float
) -> gradient.Result:
    """Flows and pressures as `gradient.solve` returns them; `build` turns the network into the kernel's."""
    r = net.regulators
    anchors = np.flatnonzero(np.isfinite(net.held))
    whole = build(net)
    if r is None:
        return gradient.solve(whole, anchors, net.held[anchors, None], guess, demand, tolerance)
    size = max(demand.shape[1], whole.square.shape[1])
    m, n = len(net.start), len(net.junction)
    flow, pressure = np.array(np.broadcast_to(guess, (m, size))), np.empty((n, size))
    good, turns = np.zeros(size, bool), np.zeros(size, np.int64)
    state, left = np.full((len(r.branch), size), OPEN), np.arange(size)
    for _ in range(STATES):
        moving: list[int] = []
        patterns, group = np.unique(state[:, left], axis=1, return_inverse=True)
        for k, pattern in enumerate(patterns.T):
            chosen = left[group.ravel() == k]
            found = _with(net, pattern, chosen, build, anchors, flow[:, chosen], demand, tolerance)
            flow[:, chosen], pressure[:, chosen] = found.mass_flow, found.pressure
            good[chosen], turns[chosen] = found.converged, turns[chosen] + found.iterations
            state[:, chosen] = _next(net, pattern, found, _columns(whole.square, chosen))
            moving.extend(chosen[(state[:, chosen] != pattern[:, None]).any(axis=0) & found.converged])
        left = np.array(moving, int)
        if not len(left):
            break
    good[left] = False
    return gradient.Result(flow, pressure, good, turns, np.zeros(flow.shape, bool))


def _columns(a: Array, chosen: Array) -> Array:
    return a[:, chosen] if a.shape[1] > 1 else a


def _with(
    net: PipeNetwork,
    pattern: Array,
    chosen: Array,
    build: Any,
    anchors: Array,
    guess: Array,
    demand: Array,
    tolerance: float,
) -> gradient.Result:
    """The network with its valves in the states of a pattern, for some scenarios."""
    r = net.regulators
    assert r is not None
    least, most = net.least.copy(), net.most.copy()
    bound = np.where(pattern == OPEN, np.inf, 0.0)
    least[r.branch], most[r.branch] = -bound, bound
    cut = build(replace(net, least=least, most=most))
    cut = replace(cut, square=_columns(cut.square, chosen))
    active = np.flatnonzero(pattern == ACTIVE)
    valve, sign = r.branch[active], np.where(r.sustains[active], -1.0, 1.0)[:, None]
    held = np.where(r.sustains[active], net.start[valve], net.end[valve])
    other = np.where(r.sustains[active], net.end[valve], net.start[valve])
    given = np.concatenate([net.held[anchors], r.pressure[active]])[:, None]
    nodes, size = np.concatenate([anchors, held]), len(chosen)
    own = np.broadcast_to(_columns(demand, chosen), (len(demand), size))
    through, flow, pressure = np.maximum(guess[valve], 0.0), guess.copy(), np.empty((len(own), size))
    good, turns, left = np.zeros(size, bool), np.zeros(size, np.int64), np.arange(size)
    for _ in range(ROUNDS):  # each scenario for itself: what has settled is left alone
        drawn = own[:, left]
        np.add.at(drawn, other, sign * through[:, left])
        part = replace(cut, square=_columns(cut.square, left))
        found = gradient.solve(part, nodes, given, flow[:, left], drawn, tolerance)
        leaving = drawn.copy()
        np.add.at(leaving, net.start, found.mass_flow)
        np.subtract.at(leaving, net.end, found.mass_flow)
        new = sign * leaving[held]
        moved = np.abs(new - through[:, left]).max(axis=0, initial=0.0)
        settled = moved <= tolerance * np.abs(found.mass_flow).max(axis=0, initial=1e-9)
        through[:, left], flow[:, left], pressure[:, left] = new, found.mass_flow, found.pressure
        turns[left] += found.iterations
        good[left] = settled & found.converged
        left = left[~settled & found.converged]
        if not len(left):
            break
    flow[valve] = through
    return gradient.Result(flow, pressure, good, turns, np.zeros(flow.shape, bool))


def _next(net: PipeNetwork, pattern: Array, found: gradient.Result, square: Array) -> Array:
    """States that the pressures and flows of a solution want, (valve, scenario)."""
    r = net.regulators
    assert r is not None
    before, after = found.pressure[net.start[r.branch]], found.pressure[net.end[r.branch]]
    flow, mark = found.mass_flow[r.branch], r.pressure[:, None]
    loss = square[r.branch] * flow * np.abs(flow)
    state, sustains = np.repeat(pattern[:, None], flow.shape[1], axis=1), r.sustains[:, None]
    back = flow < -1e-9
    short = np.where(sustains, after + loss > mark + CLOSE, before - loss < mark - CLOSE)
    beyond = np.where(sustains, before < mark - CLOSE, after > mark + CLOSE)
    able = np.where(sustains, before > mark + CLOSE, (before > mark + CLOSE) & (after < mark - CLOSE))
    falls = before > after + CLOSE
    wide = falls & np.where(sustains, after > mark + CLOSE, before < mark - CLOSE)
    wanted = np.where(state == ACTIVE, np.where(back, SHUT, np.where(short, OPEN, ACTIVE)), state)
    shut = back | ((flow <= 1e-9) & ~falls & (before < after - CLOSE))
    wanted = np.where(state == OPEN, np.where(shut, SHUT, np.where(beyond, ACTIVE, OPEN)), wanted)
    return np.where(state == SHUT, np.where(wide, OPEN, np.where(able & falls, ACTIVE, SHUT)), wanted)
