"""Pipe networks with valves that regulate a pressure: reducing ones at their end, sustaining ones at their start.

Such a valve lets nothing back and throttles: beside its own loss it drops a pressure, its throttle, no larger than
keeps the pressure at its end from rising above its setting, or that at its start from falling below it. With the gap F
by which a pressure keeps its setting, throttle >= 0, F >= 0 and throttle F = 0 for all valves together. Where no
throttle closes a gap, the valve is shut if nothing flows through it, and open if what flows does not depend on it,
because all that it feeds draws what it draws [states of valves as in Rossman et al., EPANET 2.2 User Manual, 2020].

Newton's method: each round solves the network, and once more for every valve with its throttle moved, which gives the
slopes of F; the linear complementarity problem goes by projected Gauss-Seidel sweeps [Cottle, Pang & Stone, The Linear
Complementarity Problem, 1992, sec. 5.2].
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np

from twin.kernels import pipe_flow as gradient
from twin.kernels.connected import connected
from twin.readers.records import Array, Index, Mask, Regulators

MAX_ROUNDS, SWEEPS, PIVOTS = 60, 30, 10
"""Rounds of Newton before a scenario counts as not converged, and in each sweeps over the valves and, where they have
not settled, pivots for each valve."""


SWIFT, PATIENCE = 12, 4
"""Rounds of whole steps, halves thereafter, and rounds after which a throttle that did nothing is given up."""

AFRESH, SLOW = 1.01, 0.01
"""Flows from which a network is solved, over those of the round before: not the same, for the first step, which brings
pressures from afar, needs a second to balance what it rounds; and over those guessed where it is tried again."""

CLOSE = 0.01
"""Pressure by which a setting may be missed, Pa."""

MOVE = 1e3
"""Change of a throttle that gives slopes, Pa."""

IDLE = 1e-5
"""Slope of a gap over its own throttle, and share of a valve's flow that it moves, below which it does nothing."""


class _Problem(NamedTuple):
    """A network with regulating valves, and its terms of solution."""

    network: gradient.Network
    """As the kernel takes it; every valve has a row among the pumps, whose shut-off is minus its throttle."""
    valves: Regulators
    setting: Array
    """Pressure that each valve holds [Pa], (valve, scenario)."""
    nodes: Index
    """Junctions whose pressure is given, (k,)."""
    held: Array
    """Their pressure [Pa], (k, 1)."""
    guess: Array
    """Flows at which the iteration starts [kg/s], (branch, scenario)."""
    demand: Array
    """Mass flow drawn [kg/s], (junction, scenario)."""
    tolerance: float
    """Change of flow over the largest flow at which iterations stop."""


class _Valves(NamedTuple):
    """How the valves stand in a solution, (valve, scenario) each."""

    gap: Array
    """By how much a pressure keeps its setting, negative where it does not [Pa]."""
    across: Array
    """Pressure at the start above that at the end [Pa]."""
    shut: Mask
    """Whether nothing flows."""

    def of(self, scenarios: Index | Mask) -> _Valves:
        """How they stand in some scenarios."""
        return _Valves(self.gap[:, scenarios], self.across[:, scenarios], self.shut[:, scenarios])


def solve(
    network: gradient.Network,
    valves: Regulators,
    setting: Array,
    nodes: Index,
    held: Array,
    guess: Array,
    demand: Array,
    tolerance: float,
) -> gradient.Result:
    """Flows [kg/s] (branch, scenario) and pressures [Pa] (junction, scenario), as `gradient.solve` returns them.

    `network` has a pump of no lift in every valve, `setting` (valve, scenario) is what they hold [Pa]; `held` (k, 1)
    [Pa] is given at `nodes`, `guess` (branch, scenario) [kg/s] starts the iteration, `demand` (junction, scenario)
    [kg/s] is drawn; it stops where flows change by less than `tolerance` of the largest.
    """
    problem = _Problem(network, valves, setting, nodes, held, guess, demand, tolerance)
    scenarios = demand.shape[1]
    throttle, flow, pressure = np.zeros(setting.shape), guess.copy(), np.empty((network.n, scenarios))
    converged, iterations, left = np.zeros(scenarios, bool), np.zeros(scenarios, np.int64), np.arange(scenarios)
    vain = np.zeros(throttle.shape, np.int64)  # rounds in which a throttle did nothing
    for turn in range(MAX_ROUNDS):  # each scenario for itself: what has settled is left alone
        result = _throttled(problem, throttle[:, left], left, flow[:, left])
        flow[:, left], pressure[:, left] = result.mass_flow, result.pressure
        iterations[left] += result.iterations
        stand = _stand(problem, result, left)
        too_tight = stand.shut & (stand.gap > 0) & (throttle[:, left] > stand.across)
        throttle[:, left] = np.where(too_tight, np.maximum(stand.across, 0.0), throttle[:, left])
        met = _met(stand, throttle[:, left]) | ((vain[:, left] >= PATIENCE) & (throttle[:, left] == 0))
        converged[left] = met.all(axis=0) & result.converged
        going = ~converged[left] & result.converged
        left, stand = left[going], stand.of(going)
        if not len(left):
            break
        slope, idle, good = _slopes(problem, throttle[:, left], left, flow[:, left], stand)
        vain[:, left] += idle
        idle = vain[:, left] >= PATIENCE
        wanted = _complementary(throttle[:, left], stand, slope, idle)
        throttle[:, left] = wanted if turn < SWIFT else np.where(idle, 0.0, 0.5 * (throttle[:, left] + wanted))
        left = left[good]
        if not len(left):
            break
    _level_resting(problem, flow, pressure)
    return gradient.Result(flow, pressure, converged, iterations, np.zeros(flow.shape, bool))


def _columns(network: gradient.Network, scenarios: Index) -> gradient.Network:
    """The network of some scenarios; parameters of one column stand for all."""
    columns = {f.name: getattr(network, f.name) for f in fields(network)}
    picked = {k: a[:, scenarios] for k, a in columns.items() if np.ndim(a) == 2 and a.shape[1] > 1}
    return replace(network, **picked)


def _throttled(problem: _Problem, throttle: Array, scenarios: Index, guess: Array) -> gradient.Result:
    """Flows and pressures of some scenarios, which may repeat, under a throttle (valve, scenario) [Pa]."""
    network = _columns(problem.network, scenarios)
    shutoff = np.array(np.broadcast_to(network.shutoff, (len(network.pump), len(scenarios))))
    shutoff[np.searchsorted(network.pump, problem.valves.branch)] = -throttle
    network, demand = replace(network, shutoff=shutoff), problem.demand[:, scenarios]
    result = gradient.solve(network, problem.nodes, problem.held, AFRESH * guess, demand, problem.tolerance)
    failed = np.flatnonzero(~result.converged)
    if len(failed):  # between valves side by side large flows may go in circles
        part, anew = _columns(network, failed), SLOW * problem.guess[:, scenarios[failed]]
        again = gradient.solve(part, problem.nodes, problem.held, anew, demand[:, failed], problem.tolerance)
        result.mass_flow[:, failed], result.pressure[:, failed] = again.mass_flow, again.pressure
        result.converged[failed] = again.converged
        result.iterations[failed] += again.iterations
    return result


def _stand(problem: _Problem, result: gradient.Result, scenarios: Index) -> _Valves:
    """How the valves stand in the solution of some scenarios."""
    branch, sustaining = problem.valves.branch, problem.valves.sustaining[:, None]
    before = result.pressure[problem.network.start[branch]]
    after = result.pressure[problem.network.end[branch]]
    setting, flow = problem.setting[:, scenarios], result.mass_flow
    shut = flow[branch] <= problem.tolerance * np.abs(flow).max(axis=0, initial=0.0)
    return _Valves(np.where(sustaining, before - setting, setting - after), before - after, shut)


def _met(stand: _Valves, throttle: Array) -> Mask:
    """Valves that hold their setting, are open within it, or shut because no throttle closes their gap."""
    return (np.abs(stand.gap) <= CLOSE) | np.where(stand.gap > 0, throttle == 0, stand.shut)


def _slopes(
    problem: _Problem, throttle: Array, scenarios: Index, flow: Array, stand: _Valves
) -> tuple[Array, Mask, Mask]:
    """Change of each gap over each throttle, (valve, valve, scenario).

    And valves whose flow does not depend on their throttle, (valve, scenario), and where all solutions converged.
    """
    valves, count = throttle.shape
    move = np.where(stand.shut & (throttle > 0), -np.minimum(MOVE, throttle), MOVE)
    moved = np.repeat(throttle[:, None, :], valves, axis=1)
    diagonal = np.arange(valves)
    moved[diagonal, diagonal] += move
    every = np.tile(scenarios, valves)
    result = _throttled(problem, moved.reshape(valves, -1), every, np.tile(flow, valves))
    gap = _stand(problem, result, every).gap.reshape(valves, valves, count)
    with np.errstate(invalid="ignore"):  # gaps of valves that are fixed are infinite
        slope = np.nan_to_num((gap - stand.gap[:, None]) / move)
    before, after = (f[problem.valves.branch] for f in (flow, result.mass_flow))
    after = after.reshape(valves, valves, count)[diagonal, diagonal]
    idle = (slope[diagonal, diagonal] <= IDLE) & (np.abs(after - before) <= IDLE * np.abs(before))
    idle &= (stand.gap < 0) & ~stand.shut
    return slope, idle, np.all(result.converged.reshape(valves, count), axis=0)


def _complementary(throttle: Array, stand: _Valves, slope: Array, idle: Mask) -> Array:
    """Throttles (valve, scenario) that are zero or close their gap, to first order, scenario by scenario."""
    own = slope[np.arange(len(slope)), np.arange(len(slope))]
    below, kept = stand.gap < 0, stand.shut & (stand.gap < 0)
    helps = (own > IDLE) & ~idle & ~kept
    beyond = np.where(below & ~idle, np.maximum(throttle, 10.0 * stand.across + 100.0 * MOVE), 0.0)  # it may yet shut
    wanted = np.where(kept, throttle, np.where(helps, throttle, beyond))
    gap = stand.gap.copy()
    for v in range(len(slope)):
        gap += slope[:, v] * (wanted[v] - throttle[v])
    moves = np.ones(gap.shape[1], bool)
    for _ in range(SWEEPS):
        largest = np.zeros(len(moves))
        for v in range(len(slope)):
            change = np.where(helps[v], gap[v], 0.0) / np.where(helps[v], own[v], 1.0)
            change = np.where(helps[v] & moves, np.maximum(wanted[v] - change, 0.0) - wanted[v], 0.0)
            wanted[v] += change
            gap += slope[:, v] * change
            largest = np.maximum(largest, np.abs(change))
        moves &= largest > CLOSE
        if not moves.any():
            break
    for j in np.flatnonzero(moves):
        rows = np.flatnonzero(helps[:, j])
        matrix = slope[np.ix_(rows, rows, [j])][..., 0]
        wanted[rows, j] = _pivot(matrix, gap[rows, j], wanted[rows, j])
    return wanted


def _pivot(slope: Array, gap: Array, throttle: Array) -> Array:
    """The same for one scenario (valve,) by pivots of the least index [Murty, 1974], where sweeps do not settle."""
    offset, active = gap - slope @ throttle, np.zeros(len(gap), bool)
    for _ in range(PIVOTS * len(gap)):
        throttle = np.zeros(len(gap))
        throttle[active] = np.linalg.lstsq(slope[np.ix_(active, active)], -offset[active], rcond=1e-9)[0]
        gap = offset + slope @ throttle
        wrong = np.where(active, (throttle < 0) | (gap > CLOSE), gap < -CLOSE)
        if not wrong.any():
            break
        active[np.argmax(wrong)] ^= True
    return np.maximum(throttle, 0.0)


def _level_resting(problem: _Problem, flow: Array, pressure: Array) -> None:
    """Give a part in which nothing flows, behind valves alone, the highest pressure that they let through.

    `flow` (branch, scenario) stays, `pressure` (junction, scenario) is changed in place.
    """
    network, valves, scenarios = problem.network, problem.valves, np.arange(flow.shape[1])
    small = problem.tolerance * np.abs(flow).max(axis=0, initial=0.0)
    joins = np.ones(flow.shape, bool)
    controlled = flow[network.control]
    joins[network.control] = (controlled > network.min_flow + small) & (controlled < network.max_flow - small)
    start, end = network.start[valves.branch], network.end[valves.branch]
    for j in scenarios[~joins[valves.branch].all(axis=0)]:
        part = connected(network.n, network.start[joins[:, j]], network.end[joins[:, j]])
        resting = np.setdiff1d(part[end], part[problem.nodes])
        for lone in np.tile(resting, len(resting)):  # one part may feed another
            before, setting, into = pressure[start, j], problem.setting[:, j], part[end] == lone
            sustained = np.where(before >= setting, before, -np.inf)
            level = np.where(valves.sustaining, sustained, np.minimum(before, setting)) - pressure[end, j]
            if np.isfinite(rise := level[into].max()):
                pressure[part == lone, j] += rise
