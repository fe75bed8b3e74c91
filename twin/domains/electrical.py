"""Power flow through the islands that converters part, loads first, DC before AC."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.columns import Array, Index, Solved, bus, converter, line, source
from twin.elements import POWER_BASE, Load, System
from twin.kernels import power_flow
from twin.kernels.arrays import add_rows, filled


class Flow(NamedTuple):
    """Whether a scenario converged (scenario,), and the columns of buses, lines, converters and sources."""

    converged: Array
    columns: Solved


class _Through(NamedTuple):
    """Complex power into both ends of lines [pu] (line, scenario), powers of converters [W] (converter, scenario)."""

    first: Array
    last: Array
    output: Array
    input: Array


def shares(plant: System, load: Load) -> tuple[Array, Array]:
    """Share of a consumer's power on each of its live cords, and whether it has one and is in service, (cord, 1|S).

    Live cords share in the ratio of their shares; if only cords of share 0 are live, they take over equally.
    """
    live = plant.live[load.bus] * load.in_service
    stated, equal = _normal(load, load.share * live), _normal(load, live)
    return np.where(stated > 0, stated, np.where(_sum(load, stated) > 0, 0.0, equal)), _sum(load, live) > 0


def _sum(load: Load, weight: Array) -> Array:
    """Sum of a weight over the cords of each consumer, for each cord."""
    rows = load.power.rows
    count = int(rows.max()) + 1 if len(rows) else 0
    return add_rows(np.zeros((count, weight.shape[1]), like=weight), rows, weight)[rows]


def _normal(load: Load, weight: Array) -> Array:
    sums = _sum(load, weight)
    return weight / np.where(sums > 0, sums, 1.0)


def voltages(plant: System, solved: Solved, peak: bool = False) -> Flow:
    """Voltages [pu], loadings, losses [W] and the meter for the solved powers; `peak` takes the peaks instead.

    Converters regulate their output and so part the plant into islands: each is solved once, its slack powers become
    loads of the next, P_in = P_out + S (a + b k + c k²).
    """
    size, buses, like = plant.scenarios, len(plant.voltage), plant.start_temperature
    zeros = lambda rows, kind=complex: np.zeros((rows, size), kind, like=like)  # noqa: E731
    demand = zeros(buses)
    for load in plant.load:
        ref = load.peak if peak else load.power
        share, _ = shares(plant, load)
        drawn = solved[ref.column][ref.rows] * share
        apparent = drawn * (1.0 + 1j * load.tangent * (plant.direct[load.bus] != 1)[:, None]) / POWER_BASE
        add_rows(demand, load.bus, apparent)
    c = plant.converter
    voltage, given = zeros(buses), zeros(len(plant.source.bus))
    first, last = (zeros(len(plant.line.start)) for _ in range(2))
    output, taken = (zeros(len(c.input), float) for _ in range(2))
    converged = filled(size, True, bool, like=like)
    for island in plant.islands:
        network, count = island.network, len(island.bus)
        power = zeros(network.n)
        power[:count] = demand[island.bus]
        result = power_flow.solve(network, island.voltage, power)
        converged &= result.converged
        voltage[island.bus] = result.voltage[:count]
        begin, finish = power_flow.branch_power(network, result.voltage)
        lines, sources = len(island.line), len(island.source)
        first[island.line], last[island.line] = begin[:lines], finish[:lines]
        slack = begin[lines:]
        given[island.source] = slack[:sources]
        rows = island.converter
        output[rows] = slack[sources:].real * POWER_BASE
        taken[rows] = _input(plant, rows, output[rows])
        dc = plant.direct[c.input[rows]] == 1
        reactive = np.where(dc[:, None], 0.0, c.tangent[rows])
        add_rows(demand, c.input[rows], taken[rows] * (1 + 1j * reactive) / POWER_BASE)
    return Flow(converged, _solved(plant, voltage, given, _Through(first, last, output, taken)))


def _input(plant: System, rows: Index, output: Array) -> Array:
    """Power into converters that give `output` [W]."""
    c = plant.converter
    on = c.in_service[rows] * plant.live[c.input[rows]]
    k = output / c.rating[rows]
    return on * (output + c.rating[rows] * (c.fixed[rows] + k * (c.proportional[rows] + k * c.square[rows])))


def _solved(plant: System, voltage: Array, given: Array, through: _Through) -> Solved:
    size, rating = np.abs(voltage), plant.line.rating
    ends = np.stack([size[plant.line.start], size[plant.line.end]])
    powers = np.stack([through.first, through.last])
    current = np.max(np.abs(powers) / np.where(ends > 0, ends, 1.0), axis=0)
    return {
        bus.voltage: size,
        line.loading: current / rating,
        line.power: np.abs(np.real(through.first)) * POWER_BASE,
        line.loss: np.real(through.first + through.last) * POWER_BASE,
        converter.loading: through.output / plant.converter.rating,
        converter.power: through.input,
        converter.output: through.output,
        converter.loss: through.input - through.output,
        source.power: np.real(given) * POWER_BASE,
        source.reactive: np.imag(given) * POWER_BASE,
    }
