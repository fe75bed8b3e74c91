"""Coolant flow: pipes, valves, pumps and their staging."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twin.elements import Array, Plant, Pump
from twin.kernels import pipe_flow
from twin.kernels.arrays import add_rows, filled


class Flow(NamedTuple):
    """Pipe flows [kg/s], node pressures [Pa], and what the pumps do."""

    flow: Array
    pressure: Array
    converged: Array
    limited: Array
    columns: dict[str, Array]


def head(pump: Pump, flow: Array, running: Array) -> tuple[Array, Array]:
    """Pressure rise [Pa] at full speed of `running` pumps at volume flow [m3/s], and its slope over flow."""
    s = pump.speed
    x = flow / (running * s * pump.rated_flow)
    square, quartic = pump.quadratic * x * np.abs(x), pump.quartic * x * np.abs(x) ** 3
    rise = s**2 * pump.shutoff * (1.0 - square - quartic)
    fall = s**2 * pump.shutoff * (2.0 * pump.quadratic * np.abs(x) + 4.0 * pump.quartic * np.abs(x) ** 3)
    return rise, -fall / (running * s * pump.rated_flow)


def stage(pump: Pump, flow: Array) -> Array:
    """Pumps that run: the smallest number that carries the flow, each below `stage_flow` and able to hold its head."""
    drop = 1.0 - np.where(np.isfinite(pump.set_head), pump.set_head, 0.0) / (pump.speed**2 * pump.shutoff)
    root = np.sqrt(pump.quadratic**2 + 4.0 * pump.quartic * np.maximum(drop, 0.0))
    square = 2.0 * np.maximum(drop, 0.0) / np.maximum(pump.quadratic + root, 1e-12)
    able = 0.98 * np.sqrt(square) * pump.rated_flow * pump.speed
    each = np.where(np.isfinite(pump.set_head), np.minimum(pump.stage_flow, able), pump.stage_flow)
    wanted = np.ceil(np.maximum(flow, 0.0) / np.maximum(each, 1e-9) - 1e-9)
    return np.clip(wanted, pump.least, pump.installed)


def relief(plant: Plant, flow: Array, density: Array) -> Array:
    """Flow [kg/s] that bypasses should take: the least flow of their end node less what else arrives there."""
    rows, pipes = plant.relief.pipe, len(plant.pipe.start)
    arriving = np.zeros((plant.nodes, flow.shape[1]), like=flow)
    add_rows(arriving, plant.pipe.end, np.maximum(flow[:pipes], 0.0))
    add_rows(arriving, plant.pipe.start, np.maximum(-flow[:pipes], 0.0))
    rest = arriving[plant.pipe.end[rows]] - np.maximum(flow[rows], 0.0)
    return np.maximum(plant.relief.least * density[rows] - rest, 0.0)


def _network(plant: Plant, density: Array, viscosity: Array, running: Array, closed: Array, target: Array) -> Any:
    """The pipes as the kernel takes them: (λ L/D + ζ) m|m| / (2 ρ A²) with λ by Churchill, pumps, and who controls."""
    pipe, pump = plant.pipe, plant.pump
    straight = np.flatnonzero((pipe.length > 0).any(axis=1))
    powered = np.flatnonzero((pipe.power > 0).any(axis=1))
    control = np.flatnonzero(np.isfinite(target).any(axis=1))
    area = np.pi * pipe.diameter**2 / 4.0
    lift, wanted = pump.speed**2 * pump.shutoff, target[control]
    scale = 1.0 / (running * pump.speed * pump.rated_flow * density[pump.pipe]) ** 2
    number = filled(plant.nodes, -1, np.int64, like=plant.coolant)
    number[plant.coolant] = np.arange(len(plant.coolant), like=plant.coolant)
    return pipe_flow.Network(
        n=len(plant.coolant),
        start=number[pipe.start],
        end=number[pipe.end],
        square=pipe.quadratic * closed + pipe.zeta / (2.0 * density * area**2),
        pipe=straight,
        friction=(pipe.length / (2.0 * density * area**2 * pipe.diameter))[straight],
        reynolds=(pipe.diameter / (area * viscosity))[straight],
        rough=(pipe.roughness / pipe.diameter)[straight],
        powered=powered,
        factor=pipe.power[powered],
        exponent=np.broadcast_to(pipe.exponent, pipe.power.shape)[powered],
        straight=np.zeros((len(powered), 1), like=target),
        pump=pump.pipe,
        shutoff=lift,
        quadratic=lift * pump.quadratic * scale,
        quartic=lift * pump.quartic * scale**2,
        ceiling=np.where(np.isfinite(pump.set_head), pump.set_head, np.inf),
        control=control,
        min_flow=np.where(wanted == 0.0, 0.0, -np.inf),
        max_flow=np.where(np.isfinite(wanted), wanted, np.inf),
    )


def solve(
    plant: Plant, target: Array, density: Array, viscosity: Array, running: Array, closed: Array, guess: Array
) -> Flow:
    """Flows and pressures for controller targets [kg/s] (pipe, scenario), NaN where the pipe is free.

    Arguments are (pipe, scenario) but `running` (pump, scenario); `closed` multiplies the square-law resistance
    where units of a bank are shut off. Global gradient method [Todini & Pilati 1988].
    """
    size = guess.shape[1]
    if not len(plant.pipe.start):
        empty = np.zeros((0, size), like=guess)
        names = ("speed", "demand", "shaft", "power", "drive_loss", "running", "rise")
        columns = {f"pump.{k}": empty for k in names} | {"pipe.velocity": empty}
        nowhere = filled((plant.nodes, size), np.nan, like=guess)
        return Flow(empty, nowhere, filled(size, True, bool, like=guess), empty > 0, columns)
    wide = lambda x: np.broadcast_to(x, (len(x), size))  # noqa: E731
    network = _network(plant, wide(density), wide(viscosity), running, closed, wide(target))
    anchors = np.searchsorted(plant.coolant, plant.anchor)
    result = pipe_flow.solve(network, anchors, plant.pressure, guess)
    pressure = filled((plant.nodes, size), np.nan, like=guess)
    pressure[plant.coolant] = result.pressure
    columns = pumps(plant, result.mass_flow, pressure, wide(target), wide(density), running, result.limited)
    area = np.pi * plant.pipe.diameter**2 / 4.0
    columns["pipe.velocity"] = np.abs(result.mass_flow) / (wide(density) * area)
    return Flow(result.mass_flow, pressure, result.converged, result.limited, columns)


def needed_speed(pump: Pump, flow: Array, rise: Array, running: Array) -> Array:
    """Speed at which `running` pumps give `rise` [Pa] at volume flow [m3/s]: p = s² p0 - a p0 q² - b p0 q⁴/s²."""
    q = np.maximum(flow, 0.0) / (running * pump.rated_flow)
    middle = rise / pump.shutoff + pump.quadratic * q**2
    return np.sqrt(np.maximum(0.5 * (middle + np.sqrt(np.maximum(middle**2 + 4.0 * pump.quartic * q**4, 0.0))), 0.0))


def pumps(
    plant: Plant, flow: Array, pressure: Array, target: Array, density: Array, running: Array, limited: Array
) -> dict[str, Array]:
    """Speed, demand over ability, shaft and electrical power of pumps, (pump, scenario).

    Demand is the speed that all installed pumps would need over the largest; above 1 they are too few.
    """
    pump, rows = plant.pump, plant.pump.pipe
    volume = flow[rows] / density[rows]
    most, _ = head(pump, volume, running)
    by_flow = np.isfinite(target[rows])
    start, end = plant.pipe.start[rows], plant.pipe.end[rows]
    internal = plant.pipe.quadratic[rows] * flow[rows] * np.abs(flow[rows])
    rise = np.where(by_flow, pressure[end] - pressure[start] + internal, np.fmin(pump.set_head, most))
    speed = np.minimum(needed_speed(pump, volume, rise, running), pump.speed)
    wanted = np.where(by_flow, rise, pump.set_head)
    demand = needed_speed(pump, volume, wanted, pump.installed) / pump.speed
    demand = np.where(limited[rows], target[rows] / np.maximum(flow[rows], 1e-9), demand)
    demand = np.where(by_flow | np.isfinite(pump.set_head), demand, 0.0)
    shaft = np.maximum(rise * volume, 0.0) / pump.efficiency
    fixed = np.isfinite(pump.fixed_power)
    power = np.where(fixed, pump.fixed_power, shaft / pump.drive)
    shaft = np.minimum(shaft, power)
    columns = {
        "speed": speed,
        "demand": demand,
        "shaft": shaft,
        "power": power,
        "drive_loss": power - shaft,
        "running": running,
        "rise": rise,
    }
    return {f"pump.{k}": np.broadcast_to(v, volume.shape) for k, v in columns.items()}
