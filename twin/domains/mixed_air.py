"""Hall air as mixed nodes: who moves how much air from where to where."""

from __future__ import annotations

import numpy as np

from twin import columns
from twin.block import Block
from twin.columns import Array
from twin.domains.between import Units
from twin.domains.compute import AIR_HEAT
from twin.elements import Fan, Zone
from twin.kernels.cell import Int, Ints1, Reals2, kernel
from twin.kernels.elementary import ceil
from twin.kernels.launch import Call
from twin.kernels.numbers import INF, clip, share
from twin.kernels.subset import Packed, Table
from twin.kernels.sums import Groups, grouped, weighted


class Rooms(Table):
    """What rooms are asked for, (room, scenario).

    demand: air that racks draw [kg/s]. gains: heat into the nodes behind them [W] that no rack's fan moves.
    """

    demand: Reals2
    gains: Reals2


@kernel
def draw(k, s, vent: Ints1, row: Ints1, solved: Reals2, out: Reals2):
    """Air that equipment draws, by vent [kg/s]."""
    out[vent[k], s] = solved[row[k], s]


@kernel
def warm_rooms(z, s, zone: Zone, gains: Reals2, out: Rooms):
    """Heat into the exhaust of each room [W]."""
    out.gains[z, s] = gains[zone.exhaust[z], s]


@kernel
def supply(z, s, pipes: Int, zone: Zone, fans: Groups, fan: Fan, fed: Reals2, asked: Rooms, first: Int, units: Units,
           vent: Reals2, out: columns.fan):  # fmt: skip
    """Air that a room's fans deliver, and where all of its air goes [kg/s].

    Racks draw D, what their fans move. Cooler fans deliver excess (1 - recirculation) D / (1 - bypass), plus what
    carries other room heat at the zone's `other_rise`, staged, up to their rating. Racks short of cooler air
    recirculate. The smallest number of units runs that carries the flow, but no fewer than a cycle has left, see
    `solver.program.keep`: those of fans begin at `first`. Power follows the cube of the speed [fan laws, ASHRAE HVAC
    Systems and Equipment (2020), ch. 21].
    """
    demand = asked.demand[z, s]
    other = max(asked.gains[z, s], 0.0) / (AIR_HEAT * zone.other_rise[z, s])
    own = (1.0 - zone.recirculation[z, s]) * demand
    required = zone.excess[z, s] * (own / (1.0 - zone.bypass[z, s])) + other
    ability = 0.0
    for u in range(fans.first[z], fans.first[z + 1]):
        f = fans.row[u]
        ability += fans.times[u] * (fan.rated_flow[f, s] * fan.installed[f, s] * fed[f, s])
    wanted = share(required, ability, 0.0, INF)
    part = clip(wanted, 0.0, 1.0)
    delivered = 0.0
    for u in range(fans.first[z], fans.first[z + 1]):
        f = fans.row[u]
        staged = max(ceil(part * fan.installed[f, s] - 1e-9), 1.0)
        running = fed[f, s] * max(staged, units.least[first + f, s])
        speed = clip(part * fan.installed[f, s] / max(running, 1.0), fan.min_speed[f, s], 1.0)
        flow = running * speed * fan.rated_flow[f, s]
        vent[fan.vent[f] - pipes, s] = flow
        delivered += fans.times[u] * flow
        out.power[f, s] = running * fan.power[f, s] * speed * speed * speed
        out.running[f, s] = running
        out.speed[f, s] = speed
        out.demand[f, s] = wanted
    total = delivered + zone.ventilation[z, s]
    forward = min(own, (1.0 - zone.bypass[z, s]) * total)
    vent[zone.forward[z] - pipes, s] = forward
    vent[zone.backward[z] - pipes, s] = demand - forward
    vent[zone.bypassing[z] - pipes, s] = total - forward
    vent[zone.outflow[z] - pipes, s] = zone.ventilation[z, s]
    vent[zone.inflow[z] - pipes, s] = zone.ventilation[z, s]


@kernel
def follow(k, s, into: Ints1, arriving: Groups, vent: Reals2, out: Reals2):
    """Vents whose flow is whatever arrives at their start."""
    total = 0.0
    for u in range(arriving.first[k], arriving.first[k + 1]):
        total += arriving.times[u] * vent[arriving.row[u], s]
    out[into[k], s] = total


@kernel
def blow(v, s, pipes: Int, vent: Reals2, follows: Ints1, followed: Reals2, out: Reals2):
    """Flows of all vents among those of the streams."""
    out[pipes + v, s] = followed[v, s] if follows[v] == 1 else vent[v, s]


def stages(b: Block, gains: Array, fed: Array, flow: Array, first: int, units: Packed) -> list[Call]:
    """Mass flow [kg/s] of every vent into `flow` (stream, lanes), and the fans' columns.

    gains: heat into nodes [W] (node, lanes). Flows balance at every node. Fans that are not `fed` (fan, 1|S) stand
    still. units: groups of staged units, of which those of fans begin at `first`.
    """
    plant, zone, fan = b.plant, b.plant.zone, b.plant.fan
    pipes = len(plant.pipe.start)
    vents, zones = len(plant.start) - pipes, len(zone.supply)
    if not vents:
        return []
    vent, rooms = b.zeros(vents), b.work(Rooms, zones)
    tables = b.table(zone), b.table(fan)
    rows = np.concatenate([np.zeros(0, int), *(b.rows(i.flow) for i in plant.intake)])
    at = np.concatenate([np.zeros(0, int), *(i.vent for i in plant.intake)]) - pipes
    room = np.concatenate([np.zeros(0, int), *(i.zone for i in plant.intake)])
    inside = room >= 0
    drawing = np.concatenate([np.zeros(0), *(plant.times(i.flow) for i in plant.intake)])
    counts, of_stream = plant.counts, plant.counts[columns.stream]
    racks, _ = grouped(room[inside], rows[inside], zones, drawing[inside] / counts[columns.zone][room[inside]])
    fans, _ = grouped(fan.zone, np.arange(len(fan.zone)), zones, counts[columns.fan] / counts[columns.zone][fan.zone])
    once = b.zeros(len(racks.row)) + 1.0
    places = b.integers(plant.follow - pipes)
    ends, starts = plant.end[pipes:], plant.start[plant.follow]
    led = np.isin(np.arange(vents), plant.follow - pipes)
    pairs = [(k, v) for k, n in enumerate(starts) for v in np.flatnonzero((ends == n) & ~led)]
    into, out = (np.array([p[i] for p in pairs], int) for i in range(2))
    arriving, _ = grouped(into, out, len(starts), of_stream[pipes + out] / counts[columns.node][starts[into]])
    followed, groups = b.zeros(vents), b.groups
    return [
        *b.bind(draw, len(at), b.integers(at), b.integers(rows), b.solved, vent),
        *b.bind(weighted, zones, groups(racks), once, b.solved, rooms.demand),
        *b.bind(warm_rooms, zones, tables[0], gains, rooms),
        *b.bind(supply, zones, pipes, tables[0], groups(fans), tables[1], b.given(fed), rooms, first, units, vent,
                b.ledger(columns.fan)),
        *b.bind(follow, len(starts), places, groups(arriving), vent, followed),
        *b.bind(blow, vents, pipes, vent, b.integers(led), followed, flow),
    ]  # fmt: skip
