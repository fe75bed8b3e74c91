"""Coolant flow: pipes, valves, pumps and their staging."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from twin import columns
from twin.block import Block
from twin.columns import Array
from twin.domains.between import Coolant, Units
from twin.elements import Bypass, Exchange, Pipe, Pump, System
from twin.kernels import pipe_flow
from twin.kernels.cell import Int, Ints1, Reals2, cell, kernel
from twin.kernels.elementary import ceil
from twin.kernels.launch import Call
from twin.kernels.numbers import INF, NAN, PI, clip, finite, known
from twin.kernels.subset import Packed, Table
from twin.kernels.sums import Groups, grouped

STILL = 1e-8
"""Share of the largest flow, or of 1 kg/s, below which coolant stands still: so much is rounding of the network."""


class Controls(Table):
    """What controllers ask of pipes, (pipe, scenario).

    target: flow [kg/s], NaN where the pipe is free. closed: factor on the square-law resistance where units of a bank
    are shut off. free: 1 where a controller obeys its law, short of its target.
    """

    target: Reals2
    closed: Reals2
    free: Reals2


class Pumps(Table):
    """Pumps in a pass, (pump, scenario): running [1], and fed, 0 without supply."""

    running: Reals2
    fed: Reals2


class Laws(NamedTuple):
    """Rows of the network's parameters that follow the pass; see `kernels.pipe_flow.Network`."""

    square: Reals2
    friction: Reals2
    reynolds: Reals2
    quadratic: Reals2
    quartic: Reals2
    min_flow: Reals2
    max_flow: Reals2
    guess: Reals2


# ---- what is asked -----------------------------------------------------------------------------------------------


@kernel
def hold(e, s, pipe: Pipe, coolant: Coolant, out: Controls):
    """Flows that pipes hold by themselves."""
    out.target[e, s] = pipe.set_flow[e, s] * coolant.density[e, s]
    out.closed[e, s] = 1.0


@kernel
def throttle(x, s, e: Exchange, target: Reals2, out: Controls):
    """Flows that valves of exchangers ask for."""
    k = e.cold[x]
    out.target[k, s] = target[x, s] if known(target[x, s]) else out.target[k, s]


@kernel
def receive(k, s, arriving: Groups, sign: Reals2, flow: Reals2, out: Reals2):
    """Flow that arrives at the end node of each bypass, kg/s."""
    total = 0.0
    for u in range(arriving.first[k], arriving.first[k + 1]):
        total += arriving.times[u] * max(sign[u, 0] * flow[arriving.row[u], s], 0.0)
    out[k, s] = total


@kernel
def expect(k, s, relief: Bypass, arriving: Groups, sign: Reals2, flow: Reals2, asked: Controls, out: Reals2):
    """Flow that will arrive at the end node of each bypass, kg/s: what is asked of others, else what flows so far."""
    total = 0.0
    for u in range(arriving.first[k], arriving.first[k + 1]):
        e = arriving.row[u]
        own = 1.0 if e == relief.pipe[k] else 0.0
        now = max(sign[u, 0] * flow[e, s], 0.0)
        held = finite(asked.target[e, s]) and asked.free[e, s] <= 0.0
        others = max(sign[u, 0] * asked.target[e, s], 0.0) if held else now
        total += own * now + (arriving.times[u] - own) * others
    out[k, s] = total


@kernel
def relieve(k, s, relief: Bypass, coolant: Coolant, flow: Reals2, received: Reals2, out: Controls):
    """Flow that bypasses should take [kg/s]: the minimum flow of their end node less what else arrives there."""
    e = relief.pipe[k]
    rest = received[k, s] - max(flow[e, s], 0.0)
    out.target[e, s] = max(relief.min_flow[k, s] * coolant.density[e, s] - rest, 0.0)


@kernel
def bypassed(k, s, relief: Bypass, coolant: Coolant, received: Reals2, out: columns.bypass):
    """What arrives where bypasses end, as volume."""
    out.received[k, s] = received[k, s] / coolant.density[relief.pipe[k], s]


class Banks(Table):
    """Streams through banks of units, of which some may be shut off: units installed, and those that ran."""

    pipe: Ints1
    cooler: Ints1
    installed: Reals2


@kernel
def close(c, s, bank: Banks, cooler: columns.cooler, out: Controls):
    """Factor on the resistance of pipes whose bank of units is partly shut off: the open ones carry all."""
    running = cooler.running[bank.cooler[c], s]
    share = bank.installed[c, s] / (running if running > 0.0 else bank.installed[c, s])
    out.closed[bank.pipe[c], s] = share * share


@kernel
def stage(p, s, pump: Pump, coolant: Coolant, flow: Reals2, units: Units, at: Pumps, out: Controls):
    """Pumps that run: the smallest number that carries the flow, each below `stage_flow` and able to hold its head."""
    e = pump.pipe[p]
    holds = finite(pump.set_head[p, s])
    held = pump.set_head[p, s] if holds else 0.0
    drop = max(1.0 - held / (pump.speed[p, s] * pump.speed[p, s] * pump.shutoff[p, s]), 0.0)
    root = math.sqrt(pump.quadratic[p, s] * pump.quadratic[p, s] + 4.0 * pump.quartic[p, s] * drop)
    square = 2.0 * drop / max(pump.quadratic[p, s] + root, 1e-12)
    able = 0.98 * math.sqrt(square) * pump.rated_flow[p, s] * pump.speed[p, s]
    each = min(pump.stage_flow[p, s], able) if holds else pump.stage_flow[p, s]
    required = ceil(min(max(flow[e, s] / coolant.density[e, s], 0.0) / max(each, 1e-9), 1e6) - 1e-9)
    staged = clip(required, pump.min_running[p, s], pump.installed[p, s])
    at.running[p, s] = max(staged, units.least[p, s])
    out.target[e, s] = out.target[e, s] if at.fed[p, s] > 0.0 else 0.0


# ---- the network -------------------------------------------------------------------------------------------------


@cell
def square_law(e, s, pipe: Pipe, density, closed):
    """Square-law resistance of a pipe [Pa s²/kg²]: what data sheets give, times `closed`, and ζ / (2 ρ A²)."""
    area = PI * pipe.diameter[e, s] * pipe.diameter[e, s] / 4.0
    return pipe.quadratic[e, s] * closed + pipe.zeta[e, s] / (2.0 * density * area * area)


@kernel
def square_laws(e, s, pipe: Pipe, coolant: Coolant, flow: Reals2, asked: Controls, out: Laws):
    """Square laws of all pipes, and the flows to start from."""
    out.square[e, s] = square_law(e, s, pipe, coolant.density[e, s], asked.closed[e, s])
    out.guess[e, s] = flow[e, s]


@kernel
def straighten(k, s, rows: Ints1, pipe: Pipe, coolant: Coolant, out: Laws):
    """Straight runs: λ L/D m|m| / (2 ρ A²) with Re = m D / (A μ)."""
    e = rows[k]
    area = PI * pipe.diameter[e, s] * pipe.diameter[e, s] / 4.0
    out.friction[k, s] = pipe.length[e, s] / (2.0 * coolant.density[e, s] * area * area * pipe.diameter[e, s])
    out.reynolds[k, s] = pipe.diameter[e, s] / (area * coolant.viscosity[e, s])


@kernel
def drive(p, s, pump: Pump, coolant: Coolant, at: Pumps, out: Laws):
    """Curves of the pumps that run over the mass flow: p = s² p0 (1 - a x² - b x⁴), x = Q / (n s Qr)."""
    speed = pump.speed[p, s]
    lift = speed * speed * pump.shutoff[p, s]
    full = at.running[p, s] * speed * pump.rated_flow[p, s] * coolant.density[pump.pipe[p], s]
    scale = 1.0 / (full * full)
    out.quadratic[p, s] = lift * pump.quadratic[p, s] * scale
    out.quartic[p, s] = lift * pump.quartic[p, s] * scale * scale


@kernel
def confine(c, s, rows: Ints1, asked: Controls, out: Laws):
    """Bounds of controlled flows: no more than the target, which may be none, and none at all where it is zero."""
    target = asked.target[rows[c], s]
    out.min_flow[c, s] = 0.0 if target == 0.0 else -INF
    out.max_flow[c, s] = target if finite(target) else INF


@kernel
def rest(l, s, pipes: Int, flow: Reals2):
    """Coolant that stands still has no flow, which might turn in every pass and bring a temperature of its own."""
    largest = 1.0
    for e in range(pipes):
        largest = max(largest, abs(flow[e, s]))
    for e in range(pipes):
        flow[e, s] = flow[e, s] if abs(flow[e, s]) > STILL * largest else 0.0


@kernel
def free(c, s, rows: Ints1, short: Reals2, out: Controls):
    """Which controllers fall short of their target."""
    out.free[rows[c], s] = short[c, s]


# ---- what follows ------------------------------------------------------------------------------------------------


@cell
def required_speed(p, s, pump: Pump, flow, rise, running):
    """Speed at which `running` pumps give `rise` [Pa] at volume flow [m3/s]: p = s² p0 - a p0 q² - b p0 q⁴/s²."""
    q = max(flow, 0.0) / (running * pump.rated_flow[p, s])
    middle = rise / pump.shutoff[p, s] + pump.quadratic[p, s] * q * q
    inside = max(middle * middle + 4.0 * pump.quartic[p, s] * q * q * q * q, 0.0)
    return math.sqrt(max(0.5 * (middle + math.sqrt(inside)), 0.0))


@cell
def head(p, s, pump: Pump, flow, running):
    """Pressure rise [Pa] at full speed of `running` pumps at volume flow [m3/s]."""
    speed = pump.speed[p, s]
    x = flow / (running * speed * pump.rated_flow[p, s])
    fall = pump.quadratic[p, s] * x * abs(x) + pump.quartic[p, s] * x * abs(x) * x * x
    return speed * speed * pump.shutoff[p, s] * (1.0 - fall)


class Standing(NamedTuple):
    """Coolant nodes at both ends of pipes, by their place among these, and their pressures [Pa] (place, scenario)."""

    start: Ints1
    end: Ints1
    pressure: Reals2


@kernel
def pumps(
    p,
    s,
    pump: Pump,
    pipe: Pipe,
    coolant: Coolant,
    flow: Reals2,
    asked: Controls,
    at: Pumps,
    standing: Standing,
    out: columns.pump,
):
    """Speed, demand over ability, shaft and electrical power of pumps.

    Demand is the speed that all installed pumps would need over the highest; above 1 they are too few.
    """
    e = pump.pipe[p]
    mass = flow[e, s]
    running = at.running[p, s]
    volume = mass / coolant.density[e, s]
    target = asked.target[e, s]
    by_flow = finite(target)
    holds = finite(pump.set_head[p, s])
    internal = square_law(e, s, pipe, coolant.density[e, s], 1.0) * mass * abs(mass)
    across = standing.pressure[standing.end[e], s] - standing.pressure[standing.start[e], s] + internal
    highest = head(p, s, pump, volume, running)
    throttled = min(pump.set_head[p, s], highest) if known(pump.set_head[p, s]) else highest
    rise = across if by_flow else throttled
    speed = min(required_speed(p, s, pump, volume, rise, running), pump.speed[p, s])
    required = rise if by_flow else (pump.set_head[p, s] if holds else rise)
    demand = required_speed(p, s, pump, volume, required, pump.installed[p, s]) / pump.speed[p, s]
    demand = target / max(mass, 1e-9) if asked.free[e, s] > 0.0 else demand
    shaft = max(rise * volume, 0.0) / pump.efficiency[p, s]
    fixed = pump.fixed_power[p, s]
    power = fixed if finite(fixed) else shaft / pump.drive[p, s]
    shaft = min(shaft, power)
    on = at.fed[p, s]
    out.speed[p, s] = speed
    out.demand[p, s] = demand if by_flow or holds else 0.0
    out.rise[p, s] = rise
    out.shaft[p, s] = on * shaft
    out.power[p, s] = on * power
    out.drive_loss[p, s] = on * (power - shaft)
    out.running[p, s] = on * running


@kernel
def stand(n, s, place: Ints1, pressure: Reals2, out: columns.node):
    """Pressures of coolant nodes; air has none."""
    k = place[n]
    out.pressure[n, s] = pressure[max(k, 0), s] if k >= 0 else NAN


@kernel
def velocities(e, s, pipe: Pipe, coolant: Coolant, flow: Reals2, out: columns.pipe):
    """Mean velocity in pipes."""
    area = PI * pipe.diameter[e, s] * pipe.diameter[e, s] / 4.0
    out.velocity[e, s] = abs(flow[e, s]) / (coolant.density[e, s] * area)


class Loops:
    """The coolant of a plant in a block: what controllers ask, the network, the pumps.

    asked, running: tables that other rooms read. good: 1 where the network was solved (1, lanes).
    """

    def __init__(self, b: Block, coolant: Packed, flow: Array, target: Array, fed: Array, units: Packed) -> None:
        plant = b.plant
        self.pipes, pump, relief = len(plant.pipe.start), plant.pump, plant.relief
        self.asked, self.pumps = b.work(Controls, self.pipes), b.work(Pumps, len(pump.pipe))
        b.state(np.zeros((self.pipes, 1)), self.asked.free)
        b.given(fed, self.pumps.fed)
        self.good = b.zeros(1)
        if not self.pipes:
            self.good[...] = 1.0
            b.state(np.full((plant.nodes, 1), np.nan), b.column(columns.node.pressure))
            self.asking, self.flowing, self.finish = [], [], []
            return
        tables = b.table(plant.pipe), b.table(pump), b.table(relief)
        pipe, pumping, bypass = tables
        received = b.zeros(len(relief.pipe))
        sign, groups = _arriving(b, plant)
        arrive = b.bind(receive, len(relief.pipe), groups, sign, flow, received)
        self.asking = [
            *b.bind(hold, self.pipes, pipe, coolant, self.asked),
            *b.bind(throttle, len(plant.exchange.cold), b.table(plant.exchange), target, self.asked),
            *b.bind(expect, len(relief.pipe), bypass, groups, sign, flow, self.asked, received),
            *b.bind(relieve, len(relief.pipe), bypass, coolant, flow, received, self.asked),
            *_closing(b, plant, self.asked),
            *b.bind(stage, len(pump.pipe), pumping, coolant, flow, units, self.pumps, self.asked),
        ]
        place = np.full(plant.nodes, -1)
        place[plant.coolant] = np.arange(len(plant.coolant))
        ends = place[plant.pipe.start], place[plant.pipe.end]
        network, pressure = self._network(b, ends, coolant, flow, (pipe, pumping))
        standing = Standing(b.integers(ends[0]), b.integers(ends[1]), pressure)
        rows = (pumping, pipe, coolant, flow, self.asked, self.pumps, standing, b.ledger(columns.pump))
        self.flowing = [*network, *b.bind(pumps, len(pump.pipe), *rows)]
        self.finish = [
            *arrive,
            *b.bind(bypassed, len(relief.pipe), bypass, coolant, received, b.ledger(columns.bypass)),
            *b.bind(velocities, self.pipes, pipe, coolant, flow, b.ledger(columns.pipe)),
            *b.bind(stand, plant.nodes, b.integers(place), pressure, b.ledger(columns.node)),
        ]

    def _network(
        self, b: Block, ends: tuple[Array, Array], coolant: Packed, flow: Array, tables: tuple[Packed, Packed]
    ) -> tuple[list[Call], Array]:
        """The network's parameters and its solution, and the pressures that it finds."""
        plant = b.plant
        pipe, pump = plant.pipe, plant.pump
        straight = np.flatnonzero((pipe.length > 0).any(axis=1))
        powered = np.flatnonzero((pipe.power > 0).any(axis=1))
        held = [np.flatnonzero(np.isfinite(pipe.set_flow).any(axis=1)), plant.relief.pipe, pump.pipe]
        held += [plant.exchange.cold[np.isfinite(plant.exchange.set_point).any(axis=1)]]
        control = np.unique(np.concatenate(held)).astype(np.int64)
        control = control[control < self.pipes]
        anchors = np.searchsorted(plant.coolant, plant.anchor)
        groups, times = (straight, powered, pump.pipe, control), plant.counts[columns.pipe]
        structure = pipe_flow.structure(len(plant.coolant), ends, groups, anchors, times)
        param = b.zeros(structure.rows.first[-1])
        part = {n: param[i:k] for n, i, k in structure.parts()}
        wide = np.broadcast_to(pipe.exponent, (self.pipes, pipe.exponent.shape[1]))
        ceiling = np.where(np.isfinite(pump.set_head), pump.set_head, np.inf)
        for name, values in (
            ("rough", (pipe.roughness / pipe.diameter)[straight]),
            ("factor", lambda p: p.pipe.power[powered]),
            ("exponent", wide[powered]),
            ("shutoff", pump.speed**2 * pump.shutoff),
            ("ceiling", ceiling),
            ("pressure", plant.pressure),
        ):
            b.given(values, part[name])
        laws = Laws(*(part[n] for n in Laws._fields))
        pressure, short, turns = b.zeros(len(plant.coolant)), b.zeros(len(control)), b.zeros(1)
        rows, steered = b.integers(straight), b.integers(control)
        return [
            *b.bind(square_laws, self.pipes, tables[0], coolant, flow, self.asked, laws),
            *b.bind(straighten, len(straight), rows, tables[0], coolant, laws),
            *b.bind(drive, len(pump.pipe), tables[1], coolant, self.pumps, laws),
            *b.bind(confine, len(control), steered, self.asked, laws),
            pipe_flow.bound(structure, param, pipe_flow.Out(flow[: self.pipes], pressure, short, self.good, turns)),
            *b.bind(rest, 1, self.pipes, flow),
            *b.bind(free, len(control), steered, short, self.asked),
        ], pressure


def _arriving(b: Block, plant: System) -> tuple[Array, Groups]:
    """Pipes that end or start where each bypass ends, and 1 or -1 for the sense in which they bring coolant."""
    where = {int(n): [] for n in plant.pipe.end[plant.relief.pipe]}
    for sense, nodes in ((1.0, plant.pipe.end), (-1.0, plant.pipe.start)):
        for e, n in enumerate(nodes):
            if int(n) in where:
                where[int(n)].append((e, sense))
    found = [where[int(n)] for n in plant.pipe.end[plant.relief.pipe]]
    group = np.repeat(np.arange(len(found)), [len(f) for f in found])
    rows = np.array([e for f in found for e, _ in f], int)
    ends = plant.counts[columns.node][plant.end[plant.relief.pipe]]
    terms, _ = grouped(group, rows, len(found), plant.counts[columns.pipe][rows] / ends[group])
    sign = np.array([s for f in found for _, s in f]).reshape(-1, 1)
    return b.numbers(sign), b.groups(terms)


def _closing(b: Block, plant: System, asked: Packed) -> list[Call]:
    """Banks of coolers whose units are shut off."""
    begin, calls = 0, list[Call]()
    for unit in plant.cooler:
        rows = np.arange(begin, begin + len(unit.stream))
        begin += len(unit.stream)
        if unit.installed is not None:
            bank = b.work(Banks, len(rows))
            bank = Packed(Banks, bank.packed_reals, b.integers(np.array([unit.stream, rows])))
            b.given(np.broadcast_to(unit.installed, (len(rows), unit.installed.shape[1])), bank.installed)
            calls += b.bind(close, len(rows), bank, b.ledger(columns.cooler), asked)
    return calls
