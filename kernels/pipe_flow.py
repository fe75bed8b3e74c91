"""Flow and pressure in pipe networks by Newton's method on node pressures.

The global gradient method [Todini & Pilati, 1988]: each branch's law, drop(m), is linearised, m' = m + y (p_i - p_j -
drop(m)) with y = 1 / slope, and mass balance at the nodes gives a symmetric positive definite system, which is solved
here for the change of pressure, so that rounding in large conductances cannot unbalance a node.

A branch may be a flow controller (a pressure-independent valve, a pump that holds its flow). It delivers its set flow
while the available pressure p_i - p_j is at least its wide-open law's drop at that flow, and is wide open otherwise.
Which of them hold is found by the same iteration: all that are wrong switch together, or one by one where that does
not make fewer wrong (block principal pivoting [Judice & Pires, 1994]). The rule has no memory; laws that rise make the
problem convex and its answer unique.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from twin.kernels.elimination import Program, wide

PROXIMAL = 1e-6  # conductance of a controlling branch over set flow / pressure scale; its effect vanishes with change
GROUND = 1e-12  # relative addition to the diagonal; keeps parts that only controllers join solvable
STIFFEST = 1e-11  # smallest slope over pressure scale / flow scale
CALM = 3e-2  # change of flow over the largest flow below which a single controller may switch
PATIENCE = 5  # steps in which all wrong controllers switch although they do not become fewer


@dataclass(frozen=True, eq=False)
class Result:
    """Flows and pressures and how they were found, per scenario."""

    mass_flow: np.ndarray  # (m, S) kg/s, positive from start to end
    pressure: np.ndarray  # (n, S) Pa
    converged: np.ndarray  # (S,)
    iterations: np.ndarray  # (S,)
    limited: np.ndarray  # (m, S) controllers that are wide open and short of their set flow


@dataclass(frozen=True, eq=False)
class _Network:
    """What stays the same from one iteration to the next."""

    program: Program
    start: np.ndarray  # (m,)
    end: np.ndarray  # (m,)
    fixed: np.ndarray  # (n,) nodes whose pressure is given
    target: np.ndarray  # (m, S) set flow, nan for passive branches
    needed: np.ndarray  # (m, S) pressure difference from which a controller holds its flow, nan if passive
    held: np.ndarray  # (m, S) conductance of a controller that does
    floor: np.ndarray  # (m, S) smallest slope of the law
    level: np.ndarray  # (S,) scale of flow
    scale: float  # scale of pressure


class _State(NamedTuple):
    """One iterate; `drop` and `slope` are the law at `flow`."""

    flow: np.ndarray
    drop: np.ndarray
    slope: np.ndarray
    pressure: np.ndarray
    holding: np.ndarray
    fewest: np.ndarray  # (S,) wrong controllers so far
    patience: np.ndarray  # (S,)


def solve(
    program,
    start,
    end,
    law,
    pressure_nodes,
    pressure,
    set_flow,
    guess,
    n,
    tolerance=1e-9,
    max_iterations=100,
    scale=1e5,
) -> Result:
    """Mass flows [kg/s] (m, S) and node pressures [Pa] (n, S) of pipe networks in steady flow.

    `program` is elimination.program(n, start, end). `law(mass_flow)` returns (drop, slope), both (m, S): friction less
    pump head [Pa] of each branch, rising with its flow, and the derivative [Pa s/kg]. `pressure` (k, 1|S) holds at
    `pressure_nodes`, one or more in each separate network. `set_flow` (m, 1|S) is nan for passive branches; a branch
    set to 0 is shut. `guess` (m, S) starts the iteration, `scale` [Pa] is a typical pressure difference.

    A scenario has converged when no flow changes by more than `tolerance` of its largest flow (or of a hundredth of the
    flows guessed and set, where all come to rest), every controller obeys the rule, and every branch that does not
    control keeps its law to 1000 `tolerance` of the largest drop. A scenario whose flows are not finite stops.
    """
    network, state = _begin(program, start, end, law, pressure_nodes, pressure, set_flow, guess, n, tolerance, scale)
    scenarios = state.flow.shape[1]
    running, converged = np.ones(scenarios, bool), np.zeros(scenarios, bool)
    iterations = np.zeros(scenarios, np.int64)
    for _ in range(max_iterations):
        new, whole = _newton(network, law, state, running, tolerance)
        settled, finite = _judge(network, state, new, tolerance)
        iterations += running
        converged |= running & settled & whole
        state = new if running.all() else _State(*(np.where(running, a, b) for a, b in zip(new, state, strict=True)))
        running &= finite & ~converged
        if not running.any():
            break
    short = state.flow < network.target - tolerance * np.abs(state.flow).max(axis=0, initial=0)
    return Result(state.flow, state.pressure, converged, iterations, short & ~state.holding)


def _begin(program, start, end, law, pressure_nodes, pressure, set_flow, guess, n, tolerance, scale):
    guess, pressure = np.asarray(guess, float), np.asarray(pressure, float)
    target = wide(set_flow, guess.shape[1])
    holding = ~np.isnan(target)
    flow = np.where(holding, target, guess)
    size = np.where(np.isfinite(flow), np.abs(flow), 0)
    # a running sum: numpy's sum takes another order for a single scenario
    total = np.cumsum(np.where(holding, size, 0), axis=0)
    level = np.concatenate((size, total)).max(axis=0, initial=0)
    level = np.where(level > 0, level, 1.0)
    floor = np.maximum(_evaluate(law, tolerance * np.where(size > 0, size, level))[1], STIFFEST * scale / level)
    drop, slope = _evaluate(law, flow)
    needed = np.where(target == 0, -np.inf, np.where(holding, drop, np.nan))
    held = PROXIMAL / scale * (np.where(holding, np.abs(target), 0) + 1e-3 * level)
    fixed = np.zeros(n, bool)
    fixed[pressure_nodes] = True
    nodes = np.empty((n, level.size))
    nodes[:] = pressure[0]
    nodes[pressure_nodes] = pressure
    start, end = np.asarray(start, np.int64), np.asarray(end, np.int64)
    network = _Network(program, start, end, fixed, target, needed, held, floor, level, scale)
    count = np.full(level.size, len(flow) + 1)
    return network, _State(flow, drop, slope, nodes, holding, count, np.full_like(count, PATIENCE))


def _evaluate(law, flow):
    drop, slope = law(flow)
    return wide(drop, flow.shape[1]), wide(slope, flow.shape[1])


def _newton(network, law, state, running, tolerance):
    """The next iterate, and whether each scenario took the whole Newton step with every controller right (S,)."""
    start, end = network.start, network.end
    y, base, off, diagonal, surplus = _linearise(
        start, end, network.fixed, network.target, network.held, network.floor, *state[:5]
    )
    change = network.program.factor(diagonal, off, off).solve(surplus)
    pressure = state.pressure + change
    flow = base + y * (change[start] - change[end])
    available = pressure[start] - pressure[end]
    holding, wrong, fewest, patience = _switch(network, state, flow, available, tolerance)
    drop, slope = _evaluate(law, flow)
    step = _step(state.flow, flow, state.drop, drop, available, state.holding, tolerance * network.level)
    damped = np.where(state.holding, flow, state.flow + step * (flow - state.flow))
    damped = np.where(step == 1, flow, damped)
    # an open controller starts from its set flow, and keeps to it unless it is open although that is wrong
    excess = damped - network.target
    slack = tolerance * network.level
    clip = ~holding & ~wrong & (excess > slack) | (state.holding & ~holding & (np.abs(excess) > slack))
    damped = np.where(clip, network.target, damped)
    whole = (step == 1) & ~(clip | wrong).any(axis=0)
    if not whole[running].all():
        flow, (drop, slope) = damped, _evaluate(law, damped)
    return _State(flow, drop, slope, pressure, holding, fewest, patience), whole


def _switch(network, state, flow, available, tolerance):
    """Which controllers hold their flow next, which are wrong now, and what decides whether they switch together.

    One by one they switch only when the flows have about settled: that is what makes the pivots finite.
    """
    shortage = network.needed - available
    wrong = np.where(state.holding, shortage, -shortage) > tolerance * network.scale
    count = wrong.sum(axis=0)
    patience = np.where(count < state.fewest, PATIENCE, state.patience - 1)
    last = len(wrong) - 1 - np.argmax(wrong[::-1], axis=0)
    alone = np.arange(len(wrong))[:, None] == last
    calm = np.abs(flow - state.flow).max(axis=0, initial=0) <= CALM * np.abs(flow).max(axis=0, initial=0)
    switched = wrong & ((patience >= 0) | (calm & alone))
    # none wrong for the flows so far: count anew
    fewest = np.where(count == 0, len(wrong) + 1, np.minimum(count, state.fewest))
    return state.holding ^ switched, wrong, fewest, patience


@njit(cache=True, error_model="numpy")
def _linearise(start, end, fixed, target, held, floor, flow, drop, slope, pressure, holding):
    """Conductance, flow at unchanged pressures, and the matrix and surplus of the nodes' balance."""
    m, scenarios = flow.shape
    y, base, off = np.empty_like(flow), np.empty_like(flow), np.zeros_like(flow)
    diagonal, surplus = np.zeros_like(pressure), np.zeros_like(pressure)
    for e in range(m):
        i, j = start[e], end[e]
        inner = not (fixed[i] or fixed[j])
        for s in range(scenarios):
            if holding[e, s]:
                y[e, s], base[e, s] = held[e, s], target[e, s]
            else:
                y[e, s] = 1.0 / max(slope[e, s], floor[e, s])
                base[e, s] = flow[e, s] + y[e, s] * (pressure[i, s] - pressure[j, s] - drop[e, s])
            if inner:
                off[e, s] = -y[e, s]
            if i != j:
                diagonal[i, s] += y[e, s]
                diagonal[j, s] += y[e, s]
            surplus[i, s] -= base[e, s]
            surplus[j, s] += base[e, s]
    for k in range(len(fixed)):
        for s in range(scenarios):
            if fixed[k] or diagonal[k, s] == 0.0:
                diagonal[k, s], surplus[k, s] = 1.0, 0.0
            else:
                diagonal[k, s] *= 1.0 + GROUND
    return y, base, off, diagonal, surplus


@njit(cache=True, error_model="numpy")
def _step(flow, new_flow, drop, new_drop, available, holding, small):
    """Length of the step in (0, 1], per scenario: shorter where the whole step would not reduce the residual.

    Along the step d the content's derivative is sum (drop - available) d, below zero at its start; where it ends above
    zero by more than that, the step ends where a law that rises with the square has it at zero. Changes of flow that
    are `small` (S,) are rounding.
    """
    m, scenarios = flow.shape
    before, after, largest = np.zeros(scenarios), np.zeros(scenarios), np.zeros(scenarios)
    for e in range(m):
        for s in range(scenarios):
            if not holding[e, s]:
                d = new_flow[e, s] - flow[e, s]
                before[s] += (drop[e, s] - available[e, s]) * d
                after[s] += (new_drop[e, s] - available[e, s]) * d
                largest[s] = max(largest[s], abs(d))
    step = np.ones(scenarios)
    for s in range(scenarios):
        if after[s] > -before[s] and largest[s] > small[s]:
            step[s] = max(np.sqrt(before[s] / (before[s] - after[s])), 1e-6)
    return step


def _judge(network, old, new, tolerance):
    """Whether each scenario has settled, and whether its flows are finite, both (S,)."""
    flow_change = np.abs(new.flow - old.flow).max(axis=0, initial=0)
    peak = np.maximum(np.abs(new.flow).max(axis=0, initial=0), 0.01 * network.level)
    available = new.pressure[network.start] - new.pressure[network.end]
    drop = np.where(new.holding | old.holding, 0, new.drop)
    small = 1e3 * tolerance * np.maximum(np.abs(drop).max(axis=0, initial=0), 1e-3 * network.scale)
    residual = np.where(new.holding | old.holding, 0, np.abs(new.drop - available)).max(axis=0, initial=0)
    settled = (flow_change <= tolerance * peak) & (residual <= small)
    return settled, np.isfinite(flow_change)
