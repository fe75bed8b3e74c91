"""Coolant flow: pipes, valves, pumps and their staging."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin import columns
from twin.columns import Array, Solved
from twin.elements import Pipe, Pump, System
from twin.kernels import pipe_flow
from twin.kernels.arrays import add_rows, filled


class Flow(NamedTuple):
    """Coolant flow.

    flow: of pipes [kg/s] (pipe, scenario). pressure: of nodes [Pa], NaN in air (node, scenario). converged:
    (scenario,). limited: pipes that fall short of their target (pipe, scenario). columns: of nodes, pipes, pumps and
    bypasses.
    """

    flow: Array
    pressure: Array
    converged: Array
    limited: Array
    columns: Solved


class Coolant(NamedTuple):
    """What fills the pipes, (pipe, scenario): density [kg/m3], viscosity [Pa s]."""

    density: Array
    viscosity: Array


class Controls(NamedTuple):
    """What controllers ask of pipes and pumps.

    target: flow [kg/s], NaN where the pipe is free (pipe, scenario). running: pumps (pump, scenario). closed: factor on
    the square-law resistance where units of a bank are shut off (pipe, scenario).
    """

    target: Array
    running: Array
    closed: Array


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
    required = np.ceil(np.maximum(flow, 0.0) / np.maximum(each, 1e-9) - 1e-9)
    return np.clip(required, pump.min_running, pump.installed)


def relief(plant: System, flow: Array, density: Array) -> Array:
    """Flow [kg/s] that bypasses should take: the minimum flow of their end node less what else arrives there."""
    rows = plant.relief.pipe
    rest = _received(plant, flow) - np.maximum(flow[rows], 0.0)
    return np.maximum(plant.relief.min_flow * density[rows] - rest, 0.0)


def _received(plant: System, flow: Array) -> Array:
    """Flow that arrives at the end node of each bypass, kg/s (bypass, scenario)."""
    pipes = len(plant.pipe.start)
    arriving = np.zeros((plant.nodes, flow.shape[1]), like=flow)
    add_rows(arriving, plant.pipe.end, np.maximum(flow[:pipes], 0.0))
    add_rows(arriving, plant.pipe.start, np.maximum(-flow[:pipes], 0.0))
    return arriving[plant.pipe.end[plant.relief.pipe]]


def square(pipe: Pipe, density: Array, closed: Array | float = 1.0) -> Array:
    """Square-law resistance of pipes [Pa s²/kg²]: what data sheets give, times `closed`, and ζ / (2 ρ A²)."""
    area = np.pi * pipe.diameter**2 / 4.0
    return pipe.quadratic * closed + pipe.zeta / (2.0 * density * area**2)


def _network(plant: System, coolant: Coolant, controls: Controls) -> pipe_flow.Network:
    """The pipes as the kernel takes them: (λ L/D + ζ) m|m| / (2 ρ A²) with λ by Churchill, pumps, and who controls."""
    pipe, pump = plant.pipe, plant.pump
    (density, viscosity), (target, running, closed) = coolant, controls
    straight = np.flatnonzero((pipe.length > 0).any(axis=1))
    powered = np.flatnonzero((pipe.power > 0).any(axis=1))
    control = np.flatnonzero(np.isfinite(target).any(axis=1))
    area = np.pi * pipe.diameter**2 / 4.0
    lift, held = pump.speed**2 * pump.shutoff, target[control]
    scale = 1.0 / (running * pump.speed * pump.rated_flow * density[pump.pipe]) ** 2
    number = filled(plant.nodes, -1, np.int64, like=plant.coolant)
    number[plant.coolant] = np.arange(len(plant.coolant), like=plant.coolant)
    return pipe_flow.Network(
        n=len(plant.coolant),
        start=number[pipe.start],
        end=number[pipe.end],
        square=square(pipe, density, closed),
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
        min_flow=np.where(held == 0.0, 0.0, -np.inf),
        max_flow=np.where(np.isfinite(held), held, np.inf),
    )


def flow(plant: System, coolant: Coolant, controls: Controls, guess: Array) -> Flow:
    """Flows and pressures that meet the controls, from a guess of the flows [kg/s] (pipe, scenario).

    Global gradient method [Todini & Pilati 1988].
    """
    size = guess.shape[1]
    if not len(plant.pipe.start):
        empty = np.zeros((0, size), like=guess)
        nowhere = filled((plant.nodes, size), np.nan, like=guess)
        solved = _none(empty) | {columns.node.pressure: nowhere}
        return Flow(empty, nowhere, filled(size, True, bool, like=guess), empty > 0, solved)
    wide = lambda x: np.broadcast_to(x, (len(x), size))  # noqa: E731
    coolant, controls = Coolant(*map(wide, coolant)), controls._replace(target=wide(controls.target))
    anchors = np.searchsorted(plant.coolant, plant.anchor)
    result = pipe_flow.solve(_network(plant, coolant, controls), anchors, plant.pressure, guess)
    pressure = filled((plant.nodes, size), np.nan, like=guess)
    pressure[plant.coolant] = result.pressure
    area = np.pi * plant.pipe.diameter**2 / 4.0
    flow = Flow(result.mass_flow, pressure, result.converged, result.limited, {})
    solved = pumps(plant, flow, controls, coolant.density)
    solved[columns.pipe.velocity] = np.abs(result.mass_flow) / (coolant.density * area)
    solved[columns.bypass.received] = _received(plant, result.mass_flow) / coolant.density[plant.relief.pipe]
    solved[columns.node.pressure] = pressure
    return flow._replace(columns=solved)


def _none(empty: Array) -> Solved:
    """The columns of a plant without coolant."""
    p = columns.pump
    names = (p.speed, p.demand, p.shaft, p.power, p.drive_loss, p.running, p.rise)
    return dict.fromkeys((*names, columns.pipe.velocity, columns.bypass.received), empty)


def required_speed(pump: Pump, flow: Array, rise: Array, running: Array) -> Array:
    """Speed at which `running` pumps give `rise` [Pa] at volume flow [m3/s]: p = s² p0 - a p0 q² - b p0 q⁴/s²."""
    q = np.maximum(flow, 0.0) / (running * pump.rated_flow)
    middle = rise / pump.shutoff + pump.quadratic * q**2
    return np.sqrt(np.maximum(0.5 * (middle + np.sqrt(np.maximum(middle**2 + 4.0 * pump.quartic * q**4, 0.0))), 0.0))


def pumps(plant: System, flow: Flow, controls: Controls, density: Array) -> Solved:
    """Speed, demand over ability, shaft and electrical power of pumps, (pump, scenario).

    Demand is the speed that all installed pumps would need over the highest; above 1 they are too few.
    """
    pump, rows, target = plant.pump, plant.pump.pipe, controls.target[plant.pump.pipe]
    mass, running = flow.flow[rows], controls.running
    volume = mass / density[rows]
    highest, _ = head(pump, volume, running)
    by_flow = np.isfinite(target)
    start, end = plant.pipe.start[rows], plant.pipe.end[rows]
    internal = square(plant.pipe, density)[rows] * mass * np.abs(mass)
    rise = np.where(by_flow, flow.pressure[end] - flow.pressure[start] + internal, np.fmin(pump.set_head, highest))
    speed = np.minimum(required_speed(pump, volume, rise, running), pump.speed)
    required = np.where(by_flow, rise, pump.set_head)
    demand = required_speed(pump, volume, required, pump.installed) / pump.speed
    demand = np.where(flow.limited[rows], target / np.maximum(mass, 1e-9), demand)
    demand = np.where(by_flow | np.isfinite(pump.set_head), demand, 0.0)
    shaft = np.maximum(rise * volume, 0.0) / pump.efficiency
    power = np.where(np.isfinite(pump.fixed_power), pump.fixed_power, shaft / pump.drive)
    shaft = np.minimum(shaft, power)
    p = columns.pump
    solved = {
        p.speed: speed,
        p.demand: demand,
        p.shaft: shaft,
        p.power: power,
        p.drive_loss: power - shaft,
        p.running: running,
        p.rise: rise,
    }
    return {column: np.broadcast_to(v, volume.shape) for column, v in solved.items()}
