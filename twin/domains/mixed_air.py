"""Hall air as mixed nodes: who moves how much air from where to where."""

from __future__ import annotations

import numpy as np

from twin.columns import Array, Solved, fan
from twin.domains.compute import AIR_HEAT
from twin.elements import System
from twin.kernels.arrays import add_rows, share


def vents(plant: System, solved: Solved, gains: Array, fed: Array) -> tuple[Array, Solved]:
    """Mass flow [kg/s] of every vent, (vent, scenario), and the fans' columns.

    Racks draw D, what their fans move. Cooler fans deliver excess (1 - recirculation) D / (1 - bypass), plus what
    carries other room heat `gains` [W] (node, scenario) at the zone's `other_rise`, staged, up to their rating. Racks
    short of cooler air recirculate. Flows balance at every node. Fans that are not `fed` (fan, scenario) stand still.
    """
    zone, size = plant.zone, gains.shape[1]
    pipes = len(plant.pipe.start)
    flow = np.zeros((len(plant.start) - pipes, size), like=gains)
    demand = np.zeros((len(zone.supply), size), like=gains)
    for intake in plant.intake:
        drawn = solved[intake.flow.column][intake.flow.rows]
        flow[intake.vent - pipes] = drawn
        inside = intake.zone >= 0
        add_rows(demand, intake.zone[inside], drawn[inside])
    other = np.maximum(gains[zone.exhaust], 0.0) / (AIR_HEAT * zone.other_rise)
    required = (1.0 - zone.recirculation) * demand / (1.0 - zone.bypass)
    supplied, blown, fans = _fans(plant, zone.excess * required + other, fed)
    flow[plant.fan.vent - pipes] = blown
    total = supplied + zone.ventilation
    forward = np.minimum((1.0 - zone.recirculation) * demand, (1.0 - zone.bypass) * total)
    for rows, value in (
        (zone.forward, forward),
        (zone.backward, demand - forward),
        (zone.bypassing, total - forward),
        (zone.outflow, zone.ventilation),
        (zone.inflow, zone.ventilation),
    ):
        flow[rows - pipes] = value
    arriving = add_rows(np.zeros((plant.nodes, size), like=flow), plant.end[pipes:], flow)
    flow[plant.follow - pipes] = arriving[plant.start[plant.follow]]
    return flow, fans


def _fans(plant: System, required: Array, fed: Array) -> tuple[Array, Array, Solved]:
    """Air delivered to each zone (zone, scenario) and by each fan group (fan, scenario) [kg/s], and their columns.

    The smallest number of units runs that carries the flow; power follows the cube of the speed [fan laws, ASHRAE HVAC
    Systems and Equipment (2020), ch. 21].
    """
    f, zone = plant.fan, plant.fan.zone
    ability = add_rows(np.zeros_like(required), zone, f.rated_flow * f.installed * fed)
    demand = share(required, ability, otherwise=np.inf)
    part = np.clip(demand, 0.0, 1.0)[zone]
    running = fed * np.maximum(np.ceil(part * f.installed - 1e-9), 1.0)
    speed = np.clip(part * f.installed / np.maximum(running, 1.0), f.min_speed, 1.0)
    flow = running * speed * f.rated_flow
    supplied = add_rows(np.zeros_like(required), zone, flow)
    power = running * f.power * speed**3
    return supplied, flow, {fan.power: power, fan.running: running, fan.speed: speed, fan.demand: demand[zone]}
