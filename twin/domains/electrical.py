"""Power flow through the layers that converters form, loads first, DC before AC."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.elements import POWER_BASE, Array, Load, Plant
from twin.kernels import power_flow
from twin.kernels.arrays import add_rows, filled


class Flow(NamedTuple):
    """Bus voltages and the columns of lines, converters and sources."""

    converged: Array
    columns: dict[str, Array]


def shares(plant: Plant, load: Load) -> tuple[Array, Array]:
    """Share of a consumer's power on each of its live cords, and whether it has one, (cord, 1|S).

    Live cords share in the ratio of their shares; if only cords of share 0 are live, they take over equally.
    """
    live = 1.0 * plant.live[load.bus]
    wanted, spare = _normal(load, load.share * live), _normal(load, live)
    return np.where(wanted > 0, wanted, np.where(_sum(load, wanted) > 0, 0.0, spare)), _sum(load, live) > 0


def _sum(load: Load, weight: Array) -> Array:
    """Sum of a weight over the cords of each consumer, for each cord."""
    rows = load.power.rows
    count = int(rows.max()) + 1 if len(rows) else 0
    return add_rows(np.zeros((count, weight.shape[1]), like=weight), rows, weight)[rows]


def _normal(load: Load, weight: Array) -> Array:
    sums = _sum(load, weight)
    return weight / np.where(sums > 0, sums, 1.0)


def solve(plant: Plant, columns: dict[str, Array], peak: bool = False) -> Flow:
    """Voltages [pu], loadings, losses [W] and the meter for the powers in `columns`; `peak` takes the EDP peaks.

    Converters regulate their output and so part the plant into layers: each is solved once, its slack powers become
    the next layer's loads, P_in = P_out + S (a + b k + c k²).
    """
    size, buses, like = plant.scenarios, len(plant.voltage), plant.start_temperature
    zeros = lambda rows, kind=complex: np.zeros((rows, size), kind, like=like)  # noqa: E731
    demand = zeros(buses)
    for load in plant.load:
        ref = load.peak if peak else load.power
        share, _ = shares(plant, load)
        drawn = columns[ref.quantity][ref.rows] * share
        apparent = drawn * (1.0 + 1j * load.tangent * (plant.direct[load.bus] != 1)[:, None]) / POWER_BASE
        add_rows(demand, load.bus, apparent)
    line, converter = plant.line, plant.converter
    voltage, source = zeros(buses), zeros(len(plant.source.bus))
    first, last = (zeros(len(line.start)) for _ in range(2))
    output, taken = (zeros(len(converter.input), float) for _ in range(2))
    converged = filled(size, True, bool, like=like)
    for layer in plant.layers:
        network, own = layer.network, len(layer.bus)
        power = zeros(network.n)
        power[:own] = demand[layer.bus]
        result = power_flow.solve(network, layer.voltage, power)
        converged &= result.converged
        voltage[layer.bus] = result.voltage[:own]
        begin, finish = power_flow.branch_power(network, result.voltage)
        lines = len(layer.line)
        first[layer.line], last[layer.line] = begin[:lines], finish[:lines]
        given = begin[lines:]
        count = len(layer.source)
        source[layer.source] = given[:count]
        rows = layer.converter
        output[rows] = given[count:].real * POWER_BASE
        taken[rows] = _input(plant, rows, output[rows])
        dc = plant.direct[converter.input[rows]] == 1
        reactive = np.where(dc[:, None], 0.0, converter.tangent[rows])
        add_rows(demand, converter.input[rows], taken[rows] * (1 + 1j * reactive) / POWER_BASE)
    return Flow(converged, _columns(plant, voltage, first, last, output, taken, source))


def _input(plant: Plant, rows: Array, output: Array) -> Array:
    c = plant.converter
    on = c.in_service[rows] * plant.live[c.input[rows]]
    k = output / c.rating[rows]
    return on * (output + c.rating[rows] * (c.fixed[rows] + k * (c.proportional[rows] + k * c.square[rows])))


def _columns(
    plant: Plant, voltage: Array, first: Array, last: Array, output: Array, taken: Array, source: Array
) -> dict[str, Array]:
    line = plant.line
    size = np.abs(voltage)
    ends = np.stack([size[line.start], size[line.end]])
    current = np.max(np.abs(np.stack([first, last])) / np.where(ends > 0, ends, 1.0), axis=0)
    return {
        "bus.voltage": size,
        "bus.angle": np.degrees(np.angle(voltage)),
        "line.loading": current / line.rating,
        "line.power": np.abs(np.real(first)) * POWER_BASE,
        "line.loss": np.real(first + last) * POWER_BASE,
        "converter.loading": output / plant.converter.rating,
        "converter.power": taken,
        "converter.output": output,
        "converter.loss": taken - output,
        "source.power": np.real(source) * POWER_BASE,
        "source.reactive": np.imag(source) * POWER_BASE,
    }
