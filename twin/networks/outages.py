"""Loss of branches of a network with generators that hold a voltage, within their reactive limits if asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import coo_array, csr_array

from twin.kernels import compensation
from twin.kernels.compensation import Base
from twin.kernels.power_flow import Network, admittances
from twin.readers.records import DEAD, PQ, PV, Array, Complex, Index, Mask

MAX_LIMIT_ROUNDS = 30
"""Rounds in which generators may change between holding their voltage and their reactive limit."""

SLIGHT = 1e-9
"""Reactive power and voltage [pu] by which a limit may be passed."""

KEPT = 32
"""Factors of different sets of generators at their limits that are kept at a time."""


@dataclass(frozen=True, eq=False)
class Limits:
    """Voltages that generators hold and their reactive limits at each bus, all [pu] (bus,).

    A generator beyond a limit stays at it, as a load, until its voltage is on the side of what it held where it would
    pass the limit no more.
    """

    held: Array
    lowest: Array
    highest: Array

    def moved(self, at_limit: Index, kind: Index, vm_pu: Array, generated: Array) -> Index:
        """Where generators stand after a solution, (..., bus): -1 at the lower, 1 at the upper limit, 0 elsewhere.

        `at_limit` is where they stood, `kind` the kinds of bus then, `vm_pu` and `generated` [pu] what was solved.
        """
        over, under = generated > self.highest + SLIGHT, generated < self.lowest - SLIGHT
        high, low = vm_pu > self.held + SLIGHT, vm_pu < self.held - SLIGHT
        released = ((at_limit > 0) & high) | ((at_limit < 0) & low)
        beyond = np.where(kind == PV, np.where(over, 1, np.where(under, -1, at_limit)), at_limit)
        return np.where(released, 0, beyond)

    def hold(self, voltage: Complex, kind: Index) -> Complex:
        """Voltages [pu] (bus,) with the magnitudes that generators hold at PV buses."""
        size = np.abs(voltage)
        return np.where((kind == PV) & (size > 0), voltage / np.where(size > 0, size, 1.0) * self.held, voltage)

    def of(self, bus: Index) -> Limits:
        """Those of some buses."""
        return Limits(self.held[bus], self.lowest[bus], self.highest[bus])

    def injected(self, at_limit: Index) -> Array:
        """Reactive power [pu] of generators at a limit, (bus,)."""
        return np.where(at_limit > 0, self.highest, np.where(at_limit < 0, self.lowest, 0.0))


@dataclass(frozen=True, eq=False)
class Problem:
    """A network whose branches are lost, as kernels take it, and the solutions of its base case."""

    network: Network
    shunt: Complex
    """Admittance to ground [pu], (bus,)."""
    kind: Index
    """PQ, PV, SLACK or DEAD, (bus,)."""
    load: Complex
    """Power consumed [pu], (bus,)."""
    injection: Complex
    """Power generated less consumed [pu], (bus,), without the reactive power of generators that hold a voltage."""
    limits: Limits
    """Of its generators."""
    free: Complex
    """Voltages of the base case [pu], (bus,)."""
    limited: Complex | None
    """Those within reactive limits; None to pass them."""


def solve(problem: Problem, tolerance: float) -> Callable[[Index], tuple[Complex, Mask, Mask]]:
    """A function of branches (k,): voltages [pu] (bus, k) without each of them, what is supplied, and which are solved.

    Without limits all outages are solved about one base case. Within them generators change between holding their
    voltage and a limit in rounds, as in `power_flow`; in each round, outages with the same generators at limits share
    a factor, about the base case within its limits. None of this depends on which outages are asked for.
    """
    topology = compensation.topology(problem.network, problem.shunt, problem.kind != DEAD)
    bus, limits = np.flatnonzero(problem.kind == PV), problem.limits
    rows = _rows(problem, bus)

    @lru_cache(maxsize=KEPT)
    def about(pattern: bytes) -> Base:
        """The base case with generators at limits, a byte for each."""
        at_limit = np.zeros(len(problem.kind), np.int64)
        at_limit[bus] = np.frombuffer(pattern, np.int8)
        kind = np.where(at_limit != 0, PQ, problem.kind)
        near = problem.free if problem.limited is None or not any(pattern) else problem.limited
        return topology.base(kind, problem.injection + 1j * limits.injected(at_limit), limits.hold(near, kind))

    def lose(lost: Index) -> tuple[Complex, Mask, Mask]:
        if problem.limited is None:
            found = about(bytes(len(bus))).solve(lost, tolerance)
            return found.voltage, found.energised, found.converged
        shape, moving = (len(problem.kind), len(lost)), np.arange(len(lost))
        voltage, supplied, good = np.zeros(shape, complex), np.zeros(shape, bool), np.zeros(len(lost), bool)
        at_limit = np.zeros((len(lost), len(bus)), np.int64)
        for _ in range(MAX_LIMIT_ROUNDS):
            patterns, group = np.unique(at_limit[moving], axis=0, return_inverse=True)
            for k, pattern in enumerate(patterns):
                chosen = moving[group.ravel() == k]
                found = about(pattern.astype(np.int8).tobytes()).solve(lost[chosen], tolerance)
                voltage[:, chosen], supplied[:, chosen], good[chosen] = found.voltage, found.energised, found.converged
            moving = moving[good[moving]]
            v, stood = voltage[:, moving], at_limit[moving]
            kind = np.where(supplied[bus][:, moving].T & (stood == 0), PV, PQ)
            generated = (_sent(problem, rows, bus, v, lost[moving]) + np.imag(problem.load)[bus, None]).T
            at_limit[moving] = limits.of(bus).moved(stood, kind, np.abs(v[bus]).T, generated)
            moving = moving[(at_limit[moving] != stood).any(axis=1)]
            if not len(moving):
                break
        good[moving] = False
        return voltage, supplied, good

    return lose


def _rows(problem: Problem, bus: Index) -> csr_array:
    """Rows of the admittance matrix [pu] (bus,) of these buses."""
    network, n = problem.network, problem.network.n
    start, end = network.start, network.end
    values = [problem.shunt, *(a[:, 0] for a in admittances(network))]
    i, k = np.r_[np.arange(n), start, start, end, end], np.r_[np.arange(n), start, end, start, end]
    return csr_array(coo_array((np.concatenate(values), (i, k)), shape=(n, n)).tocsr()[bus])


def _sent(problem: Problem, rows: csr_array, bus: Index, voltage: Complex, lost: Index) -> Array:
    """Reactive power [pu] that buses send into branches, but for what is lost, and shunts, (bus, k)."""
    network, every = problem.network, np.arange(len(lost))
    current = np.zeros(voltage.shape, complex)
    current[bus] = rows @ voltage
    own_start, mutual_start, mutual_end, own_end = (a[lost, 0] for a in admittances(network))
    start, end = network.start[lost], network.end[lost]
    at_start, at_end = voltage[start, every], voltage[end, every]
    current[start, every] -= own_start * at_start + mutual_start * at_end
    current[end, every] -= own_end * at_end + mutual_end * at_start
    v, i = voltage[bus], current[bus]
    return np.imag(v) * np.real(i) - np.real(v) * np.imag(i)
