"""Pipe networks whose branches are switched by the pressure at a junction.

As in EPANET, a control acts once a solution has the pressure of its junction at or beyond its threshold, and stays
until another acts on the same branch; solutions follow each other until no control changes anything [Rossman et al.,
EPANET 2.2 User Manual, 2020, sec. 3.2]. Controls that contradict each other leave a scenario not converged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from twin.kernels import pipe_flow as gradient
from twin.readers.records import Array, Controls, Index, Mask, PipeNetwork

MAX_ROUNDS = 50
"""Solutions that follow each other before a scenario counts as not converged."""

BAND = 0.0005 * 0.3048
"""Head by which EPANET lets a control act before its threshold, m."""


class State(NamedTuple):
    """What controls may change, in the units of PipeNetwork's fields, (branch, 1|scenario)."""

    zeta: Array
    factor: Array
    exponent: Array
    shutoff: Array
    min_flow: Array
    max_flow: Array
    held: Array
    """What regulating valves hold, (valve, 1|scenario)."""

    def of(self, scenarios: Index) -> State:
        """The state of some scenarios; one column stands for all."""
        return State(*(a[:, scenarios] if a.shape[1] > 1 else a for a in self))


def at_start(net: PipeNetwork, zeta: Array) -> State:
    """The state before any control acts, with loss coefficients (branch, 1|scenario)."""
    held = net.regulators.pressure if net.regulators is not None else np.zeros(0)
    branch = (net.factor, net.exponent, net.shutoff, net.min_flow, net.max_flow)
    return State(zeta, *(a[:, None] for a in (*branch, held)))


def solve(
    net: PipeNetwork, state: State, scenarios: int, flows: Callable[[State, Index], gradient.Result]
) -> gradient.Result:
    """Flows and pressures, as `gradient.solve` returns them, in a state that the network's controls leave as it is.

    `flows(state, scenarios)` solves some scenarios, their state given; junctions that it does not serve have a NaN for
    pressure.
    """
    every = np.arange(scenarios)
    if net.controls is None:
        return flows(state, every)
    state = State(*(np.repeat(a, scenarios // a.shape[1], axis=1) for a in state))
    result, left = flows(state, every), every
    for _ in range(MAX_ROUNDS):
        left = left[_switched(net, net.controls, state, result.pressure, left) & result.converged[left]]
        if not len(left):
            return result
        again = flows(state.of(left), left)
        result.mass_flow[:, left], result.pressure[:, left] = again.mass_flow, again.pressure
        result.converged[left] = again.converged
        result.iterations[left] += again.iterations
    result.converged[left] = False
    return result


def _switched(net: PipeNetwork, controls: Controls, state: State, pressure: Array, scenarios: Index) -> Mask:
    """Let the controls act on `state`, one after the other; whether any changed something, (scenario,)."""
    band = BAND * net.density * net.gravity
    changed = np.zeros(len(scenarios), bool)
    for k, (junction, branch) in enumerate(zip(controls.junction, controls.branch, strict=True)):
        beyond = pressure[junction, scenarios] - controls.pressure[k]
        acts = beyond >= -band if controls.above[k] else beyond <= band
        valve = [] if net.regulators is None else np.flatnonzero(net.regulators.branch == branch)
        for name, column in state._asdict().items():
            value = getattr(controls, name)[k]
            for row in valve if name == "held" else [branch]:
                change = acts & (column[row, scenarios] != value) & ~np.isnan(value)
                column[row, scenarios[change]] = value
                changed |= change
    return changed
