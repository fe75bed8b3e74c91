"""Three-phase balanced or direct-current power flow with constant-power loads, in per unit.

Buses consume power S, slack buses hold their voltage. The bus currents Y V = -conj(S / V) are solved by the fixed
point V <- Y^-1 (slack - conj(S / V)), which contracts wherever a feeder is operated [Giraldo et al., arXiv 2403.04578,
2024]: one factor per topology, one substitution per iteration. Slack buses are unit rows, so that islands, each with
slack buses of its own, stand side by side in one matrix. Direct current is the case of real admittances.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, vectorize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from twin.kernels import elimination


@dataclass(frozen=True, eq=False)
class Network:
    """Buses and pi-model branches; parameters are (branch, 1|S) in per unit."""

    n: int
    start: np.ndarray  # (m,) bus at the start of each branch
    end: np.ndarray  # (m,) bus at its end
    series: np.ndarray  # complex series admittance, 0 = out of service
    shunt_start: np.ndarray  # complex shunt admittance at the start, on the line's side of the tap
    shunt_end: np.ndarray  # complex shunt admittance at the end
    ratio: np.ndarray  # complex off-nominal tap ratio at the start
    slack: np.ndarray  # (k,) buses whose voltage is given


@dataclass(frozen=True, eq=False)
class Result:
    """Bus voltages and how they were found, per scenario."""

    voltage: np.ndarray  # (n, S) complex, 0 where no slack bus feeds the bus
    converged: np.ndarray  # (S,)
    iterations: np.ndarray  # (S,)
    energised: np.ndarray  # (n, S)


def solve(network, slack_voltage, power, tolerance=1e-10, max_iterations=100) -> Result:
    """Bus voltages [pu], shape (n, S), that serve `power` [pu, consumed] (n, 1|S) from `slack_voltage` (k, 1|S).

    A scenario stops when no voltage moves by more than `tolerance`, and is marked as not converged when that takes
    more than `max_iterations` or its voltages cease to be finite. A bus with no path to a slack bus of non-zero
    voltage is not energised: its voltage is 0 and its load is not served.
    """
    slack_voltage, power = np.asarray(slack_voltage, complex), np.asarray(power, complex)
    scenarios = max(value.shape[1] for value in (network.series, network.ratio, slack_voltage, power))
    energised = _energised(network, slack_voltage)
    factor = _factor(network, energised)
    source = np.zeros((network.n, slack_voltage.shape[1]), complex)
    source[network.slack] = slack_voltage
    load = np.where(energised, power, 0)
    load[network.slack] = 0
    source, load = (elimination.wide(value, scenarios, complex) for value in (source, load))
    dead = elimination.wide(~energised, scenarios)
    voltage = np.empty((network.n, scenarios), complex)
    converged, iterations = np.zeros(scenarios, bool), np.zeros(scenarios, np.int64)
    program = factor.program
    arrays = (program.order, program.column, program.row, factor.pivot, factor.lower, factor.upper)
    _iterate(*arrays, source, load, dead, tolerance, max_iterations, voltage, converged, iterations)
    return Result(voltage, converged, iterations, np.broadcast_to(energised, voltage.shape))


def branch_power(network, voltage):
    """Complex power [pu] entering each branch at its start and at its end, each (m, S); their sum is its loss."""
    start, end = voltage[network.start], voltage[network.end]
    own_start, mutual_start, mutual_end, own_end = _admittances(network)
    return _entering(start, own_start, mutual_start, end), _entering(end, own_end, mutual_end, start)


def slack_power(network, voltage, power):
    """Complex power [pu] that each slack bus injects, (k, S): what enters its branches, and its own load."""
    at_start, at_end = branch_power(network, voltage)
    total = np.array(np.broadcast_to(power, voltage.shape), complex)
    for ends, flow in ((network.start, at_start), (network.end, at_end)):
        rows = np.flatnonzero(np.isin(ends, network.slack))
        np.add.at(total, ends[rows], flow[rows])
    return total[network.slack]


def _admittances(network):
    """The four entries of each branch's admittance matrix, with out-of-service branches at zero."""
    live = network.series != 0
    shunt_start, shunt_end = np.where(live, network.shunt_start, 0), np.where(live, network.shunt_end, 0)
    ratio = network.ratio
    own_start = (network.series + shunt_start) / (ratio.real**2 + ratio.imag**2)
    return own_start, -network.series / np.conj(ratio), -network.series / ratio, network.series + shunt_end


@vectorize(cache=True)
def _entering(voltage, own, mutual, other):
    """Compiled, as numpy's complex products depend on how an array is laid out."""
    return voltage * (own * voltage + mutual * other).conjugate()


def _factor(network, energised):
    """The factored bus admittance matrix, with unit rows for slack buses and for buses that are not energised."""
    own_start, mutual_start, mutual_end, own_end = _admittances(network)
    solved = energised.copy()
    solved[network.slack] = False
    at_start, at_end = solved[network.start], solved[network.end]
    own_start, mutual_start = np.where(at_start, own_start, 0), np.where(at_start, mutual_start, 0)
    own_end, mutual_end = np.where(at_end, own_end, 0), np.where(at_end, mutual_end, 0)
    width = max(value.shape[1] for value in (own_start, own_end))
    diagonal = np.where(np.broadcast_to(solved, (network.n, width)), 0j, 1)
    np.add.at(diagonal, network.start, own_start)
    np.add.at(diagonal, network.end, own_end)
    return elimination.program(network.n, network.start, network.end).factor(diagonal, mutual_start, mutual_end)


def _energised(network, slack_voltage):
    """Whether a slack bus of non-zero voltage reaches each bus, (n, 1|S); searched once per distinct pattern."""
    width = max(network.series.shape[1], slack_voltage.shape[1])
    closed = np.broadcast_to(network.series != 0, (len(network.start), width))
    live = np.broadcast_to(slack_voltage != 0, (len(network.slack), width))
    bits = np.packbits(np.concatenate((closed, live)), axis=0)
    _, first, inverse = np.unique(bits, axis=1, return_index=True, return_inverse=True)
    patterns = [_reached(network, closed[:, s], live[:, s]) for s in first]
    return np.stack(patterns, axis=1)[:, inverse.ravel() if len(first) > 1 else slice(None)]


def _reached(network, closed, live):
    pairs = (network.start[closed], network.end[closed])
    graph = coo_array((np.ones(closed.sum()), pairs), shape=(network.n, network.n))
    label = connected_components(graph, directed=False)[1]
    return np.isin(label, label[network.slack[live]])


@njit(cache=True, error_model="numpy")
def _iterate(
    order, column, row, pivot, lower, upper, source, load, dead, tolerance, limit, voltage, converged, iterations
):
    """The fixed point, block by block; a scenario that has stopped keeps its voltages while its block goes on."""
    shared = pivot.shape[0] * pivot.shape[2] == 1
    n, scenarios = voltage.shape
    width = min(elimination.BLOCK, scenarios) if shared else pivot.shape[2]
    v, x, s = np.zeros((n, width), voltage.dtype), np.zeros((n, width), voltage.dtype), np.zeros((n, width), load.dtype)
    w, d, change = np.zeros((n, width), source.dtype), np.ones((n, width)), np.empty(width)
    for b in range(-(-scenarios // width)):
        first = b * width
        lanes = min(width, scenarios - first)
        elimination.load(order, load, first, s)
        elimination.load(order, source, first, w)
        elimination.load(order, dead, first, d)
        running = np.arange(width) < lanes
        v[:] = 0.0
        for iteration in range(limit + 1):
            for k in range(n):
                for j in range(width):
                    x[k, j] = w[k, j]
                    if iteration > 0:
                        # a dead bus has no voltage and no load: the 1 in `dead` keeps 0 / 0 out
                        square = v[k, j].real ** 2 + v[k, j].imag ** 2 + d[k, j]
                        x[k, j] -= s[k, j].conjugate() * v[k, j] * (1.0 / square)
            if shared:
                elimination.substitute_shared(column, row, pivot[0, :, 0], lower[0, :, 0], upper[0, :, 0], x)
            else:
                elimination.substitute(column, row, pivot[b], lower[b], upper[b], x)
            _advance(x, v, running, change)
            for j in range(lanes):
                if running[j]:
                    iterations[first + j] = iteration
                    converged[first + j] = iteration > 0 and change[j] <= tolerance
                    running[j] = not converged[first + j] and np.isfinite(change[j])
            if not running.any():
                break
        elimination.store(order, v, first, voltage)


@njit(cache=True)
def _advance(x, v, running, change):
    """Moves running lanes of `v` to `x`; `change` becomes the largest move of each lane, nan if any is nan."""
    change[:] = 0.0
    for k in range(len(x)):
        for j in range(len(change)):
            move = abs(x[k, j].real - v[k, j].real) + abs(x[k, j].imag - v[k, j].imag)
            if not move <= change[j]:
                change[j] = move + 0.0 * change[j]
            if running[j]:
                v[k, j] = x[k, j]
