"""Hall air as mixed nodes: who moves how much air from where to where."""

from __future__ import annotations

import numpy as np

from twin.domains.compute import AIR_HEAT
from twin.elements import Array, Plant
from twin.kernels.arrays import add_rows

ROOM_RISE = 10.0
"""Air temperature rise, K, that cooler fans allow for heat that no rack fan moves."""


def solve(plant: Plant, columns: dict[str, Array], gains: Array, fed: Array) -> tuple[Array, dict[str, Array]]:
    """Mass flow [kg/s] of every vent, (vent, scenario), and the fans' columns.

    Racks draw what their fans ask; cooler fans deliver what the room's fractions then call for, times its excess, plus
    what carries other room heat `gains` [W] (node, scenario) at ROOM_RISE, staged, up to their rating. Racks short of
    cooler air recirculate. Flows balance at every node. Fans that are not `fed` (fan, scenario) stand still.
    """
    zone, fan, size = plant.zone, plant.fan, gains.shape[1]
    pipes = len(plant.pipe.start)
    flow = np.zeros((len(plant.start) - pipes, size), like=gains)
    demand = np.zeros((len(zone.supply), size), like=gains)
    for intake in plant.intake:
        drawn = columns[intake.flow.quantity][intake.flow.rows]
        flow[intake.vent - pipes] = drawn
        inside = intake.zone >= 0
        add_rows(demand, intake.zone[inside], drawn[inside])
    other = np.maximum(gains[zone.exhaust], 0.0) / (AIR_HEAT * ROOM_RISE)
    called = (1.0 - zone.recirculation) * demand / (1.0 - zone.bypass)
    supplied, fans = _fans(plant, zone.excess * called + other, fed)
    if len(fan.vent):
        flow[fan.vent - pipes] = fans.pop("flow")
    total = supplied + zone.ventilation
    forward = np.minimum((1.0 - zone.recirculation) * demand, (1.0 - zone.bypass) * total)
    for vents, value in (
        (zone.forward, forward),
        (zone.backward, demand - forward),
        (zone.bypassing, total - forward),
        (zone.outflow, zone.ventilation),
        (zone.inflow, zone.ventilation),
    ):
        flow[vents - pipes] = value
    arriving = add_rows(np.zeros((plant.nodes, size), like=flow), plant.end[pipes:], flow)
    flow[plant.follow - pipes] = arriving[plant.start[plant.follow]]
    return flow, {f"fan.{k}": v for k, v in fans.items()}


def _fans(plant: Plant, wanted: Array, fed: Array) -> tuple[Array, dict[str, Array]]:
    """Air that cooler fans deliver to each zone and, per fan group, flow, power, running units and demand."""
    fan, zone = plant.fan, plant.fan.zone
    ability = add_rows(np.zeros_like(wanted), zone, fan.rated_flow * fan.installed * fed)
    share = wanted / np.maximum(ability, 1e-9)
    part = np.clip(share, 0.0, 1.0)[zone]
    running = fed * np.maximum(np.ceil(part * fan.installed - 1e-9), 1.0)
    speed = np.clip(part * fan.installed / np.maximum(running, 1.0), fan.least_speed, 1.0)
    flow = running * speed * fan.rated_flow
    supplied = add_rows(np.zeros_like(wanted), zone, flow)
    power = running * fan.power * speed**3
    return supplied, {"flow": flow, "power": power, "running": running, "speed": speed, "demand": share[zone]}
