"""Pipe networks with valves that regulate a pressure: reducing ones at their end, sustaining ones at their start.

A valve that regulates cuts the network: the junction that it holds has a given pressure, and what enters the network
there is drawn from the other side, round after round until both agree. Its state follows from pressures and flow, as in
EPANET [Rossman et al., EPANET 2.2 User Manual, 2020]: it regulates, is open where it cannot reach its setting, or shut
where the flow would turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.kernels import pipe_flow as gradient
from twin.readers.records import Array, Index, PipeNetwork, Regulators

ACTIVE, OPEN, SHUT = range(3)
"""States of a valve: it holds its pressure, is fully open, or shut."""

MAX_STATE_CHANGES, MAX_ROUNDS = 30, 100
"""Changes of state, and rounds of flow through valves that regulate, before a scenario counts as not converged."""

DEAD_BAND = 0.1
"""Pressure that does not change a state, Pa."""

Build = Callable[[PipeNetwork], gradient.Network]


class _Problem(NamedTuple):
    """A network with regulating valves, and its terms of solution."""

    net: PipeNetwork
    valves: Regulators
    build: Build
    """Turns the network into the kernel's."""
    demand: Array
    """Mass flow drawn [kg/s], (junction, 1|scenario)."""
    tolerance: float
    """Change of flow over the largest flow at which iterations stop."""


def solve(net: PipeNetwork, build: Build, guess: Array, demand: Array, tolerance: float) -> gradient.Result:
    """Flows [kg/s] (branch, scenario) and pressures [Pa] (junction, scenario), as `gradient.solve` returns them.

    `build` turns the network into the kernel's, `guess` (branch, 1|scenario) [kg/s] starts the iteration, `demand`
    (junction, 1|scenario) [kg/s] is drawn; it stops where flows change by less than `tolerance` of the largest.
    """
    anchors = np.flatnonzero(np.isfinite(net.held))
    network = build(net)
    if net.regulators is None:
        return gradient.solve(network, anchors, net.held[anchors, None], guess, demand, tolerance)
    problem = _Problem(net, net.regulators, build, demand, tolerance)
    scenarios = max(demand.shape[1], network.square.shape[1])
    flow, pressure = (
        np.array(np.broadcast_to(guess, (len(net.start), scenarios))),
        np.empty((len(net.junction), scenarios)),
    )
    converged, iterations = np.zeros(scenarios, bool), np.zeros(scenarios, np.int64)
    state, pending = np.full((len(net.regulators.branch), scenarios), OPEN), np.arange(scenarios)
    for _ in range(MAX_STATE_CHANGES):
        changing: list[int] = []
        patterns, group = np.unique(state[:, pending], axis=1, return_inverse=True)
        for k, pattern in enumerate(patterns.T):
            members = pending[group.ravel() == k]
            result = _solve_states(problem, pattern, members, flow[:, members])
            flow[:, members], pressure[:, members] = result.mass_flow, result.pressure
            converged[members], iterations[members] = result.converged, iterations[members] + result.iterations
            state[:, members] = _next_states(problem, pattern, result, _columns(network.square, members))
            changing.extend(members[(state[:, members] != pattern[:, None]).any(axis=0) & result.converged])
        pending = np.array(changing, int)
        if not len(pending):
            break
    converged[pending] = False
    return gradient.Result(flow, pressure, converged, iterations, np.zeros(flow.shape, bool))


def _columns(a: Array, scenarios: Index) -> Array:
    """The columns of some scenarios; one column stands for all."""
    return a[:, scenarios] if a.shape[1] > 1 else a


def _solve_states(problem: _Problem, pattern: Index, scenarios: Index, guess: Array) -> gradient.Result:
    """Flows and pressures with the valves in the states `pattern` (valve,), for some scenarios."""
    net, valves, tolerance = problem.net, problem.valves, problem.tolerance
    network = _with_states(problem, pattern)
    network = replace(network, square=_columns(network.square, scenarios))
    active = np.flatnonzero(pattern == ACTIVE)
    valve, sustaining = valves.branch[active], valves.sustaining[active]
    sign = np.where(sustaining, -1.0, 1.0)[:, None]
    held = np.where(sustaining, net.start[valve], net.end[valve])
    other = np.where(sustaining, net.end[valve], net.start[valve])
    anchors, count = np.flatnonzero(np.isfinite(net.held)), len(scenarios)
    nodes = np.concatenate([anchors, held])
    held_pressure = np.concatenate([net.held[anchors], valves.pressure[active]])[:, None]
    demand = np.broadcast_to(_columns(problem.demand, scenarios), (len(problem.demand), count))
    through, flow, pressure = np.maximum(guess[valve], 0.0), guess.copy(), np.empty((len(demand), count))
    converged, iterations, left = np.zeros(count, bool), np.zeros(count, np.int64), np.arange(count)
    for _ in range(MAX_ROUNDS):  # each scenario for itself: what has settled is left alone
        drawn = demand[:, left]
        np.add.at(drawn, other, sign * through[:, left])
        part = replace(network, square=_columns(network.square, left))
        result = gradient.solve(part, nodes, held_pressure, flow[:, left], drawn, tolerance)
        leaving = drawn.copy()
        np.add.at(leaving, net.start, result.mass_flow)
        np.subtract.at(leaving, net.end, result.mass_flow)
        supplied = sign * leaving[held]
        change = np.abs(supplied - through[:, left]).max(axis=0, initial=0.0)
        settled = change <= tolerance * np.abs(result.mass_flow).max(axis=0, initial=1e-9)
        through[:, left], flow[:, left], pressure[:, left] = supplied, result.mass_flow, result.pressure
        iterations[left] += result.iterations
        converged[left] = settled & result.converged
        left = left[~settled & result.converged]
        if not len(left):
            break
    flow[valve] = through
    return gradient.Result(flow, pressure, converged, iterations, np.zeros(flow.shape, bool))


def _with_states(problem: _Problem, pattern: Index) -> gradient.Network:
    """The kernel's network with valves open where the pattern says so; the others carry nothing."""
    net, branch = problem.net, problem.valves.branch
    min_flow, max_flow = net.min_flow.copy(), net.max_flow.copy()
    bound = np.where(pattern == OPEN, np.inf, 0.0)
    min_flow[branch], max_flow[branch] = -bound, bound
    return problem.build(replace(net, min_flow=min_flow, max_flow=max_flow))


def _next_states(problem: _Problem, pattern: Index, result: gradient.Result, square: Array) -> Index:
    """States that the pressures and flows of a solution call for, (valve, scenario).

    `square` (branch, 1|scenario) [Pa / (kg/s)²] is what open branches lose by their fittings.
    """
    net, valves = problem.net, problem.valves
    before, after = result.pressure[net.start[valves.branch]], result.pressure[net.end[valves.branch]]
    flow, setting = result.mass_flow[valves.branch], valves.pressure[:, None]
    low, high = setting - DEAD_BAND, setting + DEAD_BAND
    loss = square[valves.branch] * flow * np.abs(flow)
    state, sustaining = np.repeat(pattern[:, None], flow.shape[1], axis=1), valves.sustaining[:, None]
    backward, falls = flow < -1e-9, before > after + DEAD_BAND
    out_of_reach = np.where(sustaining, after + loss > high, before - loss < low)
    beyond = np.where(sustaining, before < low, after > high)
    within_reach = falls & np.where(sustaining, before > high, (before > high) & (after < low))
    opens = falls & np.where(sustaining, after > high, before < low)
    shuts = backward | ((flow <= 1e-9) & ~falls & (before < after - DEAD_BAND))
    from_active = np.where(backward, SHUT, np.where(out_of_reach, OPEN, ACTIVE))
    from_open = np.where(shuts, SHUT, np.where(beyond, ACTIVE, OPEN))
    from_shut = np.where(opens, OPEN, np.where(within_reach, ACTIVE, SHUT))
    return np.select([state == ACTIVE, state == OPEN], [from_active, from_open], from_shut)
