"""Steady temperatures of all streams of a plant, over all loops and exchangers, in one linear solve.

With the flows known, mixing at nodes, heated branches, pipe losses and effectiveness-NTU exchangers are all linear in
temperature. For a branch e with capacity rate C = m cp,

    T_out = own T_in + sum_k coupling_k T_in(partner k) + offset,

and at a node  sum over inflowing branches |C| (T_node - T_out) = source  (perfect mixing, upwind).
An exchanger of effectiveness eps couples two branches both ways: on a side of capacity rate C,
own = 1 - eps C_min / C and coupling = eps C_min / C [Kays & London, Compact Heat Exchangers].
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from twin.kernels import elimination
from twin.kernels.elimination import wide

NEGLIGIBLE = 1e-9  # of the largest capacity rate: below it a branch conducts that much instead of carrying heat
REST = 1e-6  # W/K, below which any branch is at rest: where all are, rounding in the flows must not heat a node
GROUND = 1e-12  # relative addition to the diagonal; keeps loops at rest, which nothing anchors, solvable
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
    return StreamProgram(n, start, end, couple_from, couple_to, pattern)


def solve(program, capacity, own, coupling, offset, source, fixed_nodes, fixed_temperature) -> Result:
    """Node, inlet and outlet temperatures [K] and the heat at fixed nodes [W].

    `capacity` m cp [W/K] (m, S) is positive from start to end; `own` and `offset` [K] are (m, 1|S), `coupling`
    (k, 1|S), `source` (n, 1|S) [W] heat put into a node, `fixed_temperature` (f, 1|S) [K] of `fixed_nodes`.

    A branch of negligible flow carries nothing and conducts a little, so that a dead leg takes its neighbour's
    temperature. With flows that balance at every node, boundary heat equals sources plus what the branches gain.
    """
    p = program
    fixed_temperature = np.asarray(fixed_temperature, float)
    parts = (capacity, own, coupling, offset, source, fixed_temperature)
    scenarios = max(np.shape(part)[1] for part in parts)
    capacity, own, coupling, offset, source = (wide(part, scenarios) for part in parts[:-1])
    conductance = _conductance(capacity)
    edges = (p.start, p.end, p.couple_from, p.couple_to)
    fixed = np.zeros(p.n, bool)
    fixed[fixed_nodes] = True
    factor = p.elimination.factor(*_assemble(*edges, fixed, capacity, conductance, own, coupling))

    node = np.empty((p.n, scenarios))
    node[:] = fixed_temperature[0] if len(fixed_temperature) else REFERENCE
    node[fixed_nodes] = fixed_temperature
    for _ in range(2):  # the second pass removes rounding and the effect of GROUND
        inlet, outlet = _branches(*edges, capacity, own, coupling, offset, node)
        heat = _heat(p.start, p.end, capacity, conductance, node, outlet, source)
        node += factor.solve(np.where(fixed[:, None], 0, heat))
    inlet, outlet = _branches(*edges, capacity, own, coupling, offset, node)
    heat = _heat(p.start, p.end, capacity, conductance, node, outlet, source)
    return Result(node, inlet, outlet, heat[fixed_nodes])


def _conductance(capacity):
    """Conductance [W/K] of each branch: 0, or a trace where its flow is negligible."""
    trace = np.maximum(NEGLIGIBLE * np.abs(capacity).max(axis=0, initial=0), REST)
    return np.where(np.abs(capacity) <= trace, trace, 0.0)


@njit(cache=True)
def _assemble(start, end, couple_from, couple_to, fixed, capacity, conductance, own, coupling):
    """Diagonal, A[start, end] and A[end, start] of the node balances, with unit rows at fixed nodes."""
    m, scenarios = capacity.shape
    diagonal = np.zeros((len(fixed), scenarios))
    forward, backward = np.zeros((m + 4 * len(couple_to), scenarios)), np.zeros((m + 4 * len(couple_to), scenarios))
    for e in range(m):
        i, j = start[e], end[e]
        for s in range(scenarios):
            c, g = capacity[e, s], conductance[e, s]
            into_end, into_start = g, g
            if g == 0.0 and c >= 0.0:
                into_end += c * own[e, s]
                diagonal[j, s] += c
            elif g == 0.0:
                into_start -= c * own[e, s]
                diagonal[i, s] -= c
            diagonal[i, s] += g
            diagonal[j, s] += g
            if i == j:
                diagonal[i, s] -= into_end + into_start
            forward[e, s] = 0.0 if fixed[i] else -into_start
            backward[e, s] = 0.0 if fixed[j] else -into_end
    for k in range(len(couple_to)):
        e, f = couple_to[k], couple_from[k]
        for s in range(scenarios):
            c = capacity[e, s]
            down = end[e] if c >= 0.0 else start[e]
            up = start[f] if capacity[f, s] >= 0.0 else end[f]
            if conductance[e, s] > 0.0 or fixed[down]:
                continue
            if down == up:
                diagonal[down, s] -= abs(c) * coupling[k, s]
            else:
                case = 2 * (c >= 0.0) + (capacity[f, s] < 0.0)
                forward[m + 4 * k + case, s] = -abs(c) * coupling[k, s]
    for k in range(len(fixed)):
        for s in range(scenarios):
            if fixed[k] or diagonal[k, s] == 0.0:
                diagonal[k, s] = 1.0
            else:
                diagonal[k, s] *= 1.0 + GROUND
    return diagonal, forward, backward


@njit(cache=True)
def _branches(start, end, couple_from, couple_to, capacity, own, coupling, offset, node):
    """Inlet and outlet temperatures of the branches."""
    inlet, outlet = np.empty_like(capacity), np.empty_like(capacity)
    for e in range(len(start)):
        for s in range(capacity.shape[1]):
            inlet[e, s] = node[start[e], s] if capacity[e, s] >= 0.0 else node[end[e], s]
            outlet[e, s] = own[e, s] * inlet[e, s] + offset[e, s]
    for k in range(len(couple_to)):
        for s in range(capacity.shape[1]):
            outlet[couple_to[k], s] += coupling[k, s] * inlet[couple_from[k], s]
    return inlet, outlet


@njit(cache=True)
def _heat(start, end, capacity, conductance, node, outlet, source):
    """Heat [W] that arrives at each node, relative to the node's temperature."""
    heat = source.copy()
    for e in range(len(start)):
        i, j = start[e], end[e]
        for s in range(capacity.shape[1]):
            c, g = capacity[e, s], conductance[e, s]
            if g > 0.0:
                heat[i, s] += g * (node[j, s] - node[i, s])
                heat[j, s] += g * (node[i, s] - node[j, s])
            elif c >= 0.0:
                heat[j, s] += c * (outlet[e, s] - node[j, s])
            else:
                heat[i, s] -= c * (outlet[e, s] - node[i, s])
    return heat
