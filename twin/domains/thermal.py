"""Temperatures of all coolant and air streams, across exchangers and heat rejection, in one linear solve."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from twin import columns
from twin.block import Block
from twin.columns import Array
from twin.domains.between import COLDEST, HOTTEST, Coolant, Nodes, Streams, Turn, Units, upstream
from twin.domains.compute import AIR_HEAT
from twin.domains.foreign import foreign
from twin.domains.moisture import Moisture, Wetness
from twin.domains.rejection import Answer, Inflow, Law, Roots
from twin.elements import Cooler, Exchange, Fan, Loss, System
from twin.kernels import streams
from twin.kernels.arrays import send
from twin.kernels.cell import Int, Ints1, Reals2, cell, kernel
from twin.kernels.elementary import exp
from twin.kernels.exchangers import effectiveness, film, in_series
from twin.kernels.launch import Call
from twin.kernels.numbers import INF, NAN, clip, finite, known, share
from twin.kernels.subset import Packed, Table
from twin.kernels.sums import Groups, grouped

STROKE = 4.0
"""Factor by which a valve may change its flow in one pass, at first."""

WIDEST = 1e3
"""Flow over rated up to which a valve is searched that states no maximum."""

MAX_RISE = 500.0
"""Temperature rise of a stream at which it is cut off, K: one that stands still has none."""

STEPS = (0, 1, 2, 3, 4)
"""Steps towards a valve's flow in one pass, written out; the next goes on from there."""

CLOSE = 1e-7
"""Share of a flow by which two must differ for a secant: nearer, rounding would tilt it."""


class Lines(NamedTuple):
    """Rows of the linear system, see `kernels.streams`: what streams carry [W/K], and their outlets over their inlets.

    outlet = own inlet + coupling (partner's inlet) + offset [K]; source: heat into nodes [W].
    """

    capacity: Reals2
    own: Reals2
    coupling: Reals2
    offset: Reals2
    source: Reals2


class Valves(Table):
    """Valves between passes, (exchange, scenario).

    target: cold flow that they ask for [kg/s], NaN without set point. held: 1 where they hold it. root: the flow that
    holds it [kg/s], slope: of the duty over it [J/kg], NaN before the first pass. transfer: heat that passes at a unit
    difference of inlets [W/K]. stroke: factor by which the flow may change. way: 1 where it was last to rise, -1 where
    to fall.
    """

    target: Reals2
    held: Reals2
    root: Reals2
    slope: Reals2
    transfer: Reals2
    stroke: Reals2
    way: Reals2


class Coolers(Table):
    """Coolers between passes, (cooler, scenario).

    cold: 1 where the inlet lay below the set point. fed: 0 without supply. on: 0 as well where the sink is lost.
    """

    cold: Reals2
    fed: Reals2
    on: Reals2


# ---- exchangers and their valves ---------------------------------------------------------------------------------


@cell
def used(x, s, e: Exchange, hot_film, cold, C_hot, C_cold):
    """Effectiveness of an exchanger of a hot film [W/K] at a cold flow [kg/s] and capacity rates [W/K], at most 1."""
    cold_film = film(e.film_cold[x, s], cold, e.rated_cold[x, s], e.exponent[x, s])
    ua = in_series(hot_film, cold_film, e.fouling[x, s])
    smaller = min(C_hot, C_cold)
    ntu = share(ua, smaller, 1e-9, 0.0)
    ratio = share(smaller, max(C_hot, C_cold), 1e-9, 0.0)
    return effectiveness(ntu, ratio, e.crossflow[x, s])


@cell
def excess(x, s, e: Exchange, hot_film, cold, C_hot, cp_cold, difference, required):
    """Heat that passes at a cold flow [kg/s] and a difference of inlets [K], less what is required [W].

    The difference counts as far as the surface cools: less where it is wet.
    """
    C_cold = cold * cp_cold
    return used(x, s, e, hot_film, cold, C_hot, C_cold) * min(C_hot, C_cold) * difference - required


@kernel
def pass_heat(x, s, e: Exchange, count: Int, coolant: Coolant, flow: Reals2, free: Reals2, wet: Wetness, valve: Valves,
              out: Lines):  # fmt: skip
    """Lines of both sides of an exchanger; a wet coil gives the water the heat of what condenses too.

    One that holds its set point brings its hot outlet there and gives the cold side that heat, another follows
    effectiveness-NTU at the flows as they are. A valve short of its target (`free`) does not hold.
    """
    h = e.hot[x]
    c = e.cold[x]
    hot = abs(flow[h, s])
    cold = abs(flow[c, s])
    C_hot = hot * coolant.cp[h, s]
    C_cold = cold * coolant.cp[c, s]
    hot_film = film(e.film_hot[x, s], hot, e.rated_hot[x, s], e.exponent[x, s])
    transfer = used(x, s, e, hot_film, cold, C_hot, C_cold) * min(C_hot, C_cold) * wet.sensible[x, s]
    full = share(C_hot * wet.total[x, s], C_cold, 1e-9, 0.0)
    hot_share = share(transfer, C_hot, 1e-9, 0.0)
    cold_share = share(transfer * wet.total[x, s], C_cold, 1e-9, 0.0)
    set_point = wet.aim[x, s] if known(wet.aim[x, s]) else 0.0
    held = valve.held[x, s] > 0.0 and free[c, s] <= 0.0
    valve.transfer[x, s] = transfer
    out.own[h, s] = 0.0 if held else 1.0 - hot_share
    out.offset[h, s] = set_point if held else 0.0
    out.own[c, s] = 1.0 if held else 1.0 - cold_share
    out.offset[c, s] = -full * set_point if held else 0.0
    out.coupling[x, s] = 0.0 if held else hot_share
    out.coupling[count + x, s] = full if held else cold_share


@kernel
def exchanged(x, s, e: Exchange, coolant: Coolant, stream: columns.stream, wet: Wetness, valve: Valves,
              out: columns.exchange):  # fmt: skip
    """Heat passed, and over the largest possible."""
    h = e.hot[x]
    c = e.cold[x]
    C_hot = abs(stream.flow[h, s]) * coolant.cp[h, s]
    smaller = min(C_hot, abs(stream.flow[c, s]) * coolant.cp[c, s])
    duty = C_hot * (stream.inlet[h, s] - stream.outlet[h, s])
    difference = stream.inlet[h, s] - stream.inlet[c, s]
    live = abs(difference) > 1e-9 and smaller > 1e-9
    out.duty[x, s] = duty * wet.total[x, s]
    law = share(valve.transfer[x, s], smaller, 1e-9, 0.0)
    out.effectiveness[x, s] = duty / max(smaller, 1e-9) / (difference if live else 1.0) if live else law


@kernel
def move(x, s, e: Exchange, coolant: Coolant, stream: columns.stream, turn: Turn, wet: Wetness, valve: Valves):
    """Cold flow [kg/s] that brings the hot outlet to the set point, from min_flow to max_flow, and whether it does.

    The duty C_hot (T_hot - set point) is what effectiveness-NTU gives at that flow: a rising function of it, whose root
    is found by secants within a bracket that narrows, from the last pass's on; where there is none, the nearer end is.
    A valve moves by no more than its stroke in a pass, a factor that becomes its square root when the valve turns back
    by more than that: what swings between two flows comes to rest between them. While coolers are trusted it stays.
    """
    h = e.hot[x]
    c = e.cold[x]
    hot = abs(stream.flow[h, s])
    C_hot = hot * coolant.cp[h, s]
    cp_cold = coolant.cp[c, s]
    set_point = wet.aim[x, s]
    required = C_hot * (stream.inlet[h, s] - set_point)
    difference = (stream.inlet[h, s] - stream.inlet[c, s]) * wet.sensible[x, s]
    hot_film = film(e.film_hot[x, s], hot, e.rated_hot[x, s], e.exponent[x, s])
    least = e.min_flow[x, s]
    ceiling = max(min(e.max_flow[x, s], WIDEST * e.rated_cold[x, s]), least)
    low = least
    high = ceiling
    m = clip(valve.root[x, s] if known(valve.root[x, s]) else e.rated_cold[x, s], low, high)
    slope = valve.slope[x, s]
    before = 0.0
    f_before = -required
    for _step in STEPS:
        f = excess(x, s, e, hot_film, m, C_hot, cp_cold, difference, required)
        low = low if f >= 0.0 else m
        high = m if f >= 0.0 else high
        apart = abs(m - before) > CLOSE * m
        found = (f - f_before) / (m - before if apart else 1.0)
        slope = (found if found > 0.0 else NAN) if apart else slope
        before = m
        f_before = f
        ahead = m - f / slope
        m = clip(ahead, low, high) if finite(ahead) else (low if f >= 0.0 else high)
    root = m
    controls = finite(set_point)
    inside = root > least * (1.0 + 1e-9) and root < ceiling * (1.0 - 1e-9)
    now = max(abs(stream.flow[c, s]), max(least, 1e-3 * e.rated_cold[x, s]))
    valve.root[x, s] = root
    valve.slope[x, s] = slope
    stroke = valve.stroke[x, s]
    way = 1.0 if root >= now else -1.0
    half = math.sqrt(stroke)
    turns = way * valve.way[x, s] < 0.0 and (root > now * half or root < now / half)
    stroke = half if turns and turn.trusted[0, s] <= 0.0 else stroke
    valve.stroke[x, s] = stroke
    valve.way[x, s] = way
    target = clip(root, now / stroke, now * stroke)
    valve.target[x, s] = target if controls else NAN
    valve.held[x, s] = 1.0 if controls and inside else 0.0


# ---- what rejects heat -------------------------------------------------------------------------------------------


class Unit(NamedTuple):
    """Coolers of one law: their numbers among all, their streams, and the streams that take the heat, -1 outdoors."""

    row: Ints1
    stream: Ints1
    sink: Ints1


@kernel
def arrive(c, s, unit: Unit, net: Streams, flow: Reals2, now: Nodes, coolant: Coolant, intake: Reals2, first: Int,
           units: Units, out: Inflow):  # fmt: skip
    """What comes to coolers, and how many units run at least; those of coolers begin at `first`."""
    k = unit.stream[c]
    out.inlet[c, s] = upstream(k, s, net, flow, now)
    out.flow[c, s] = abs(flow[k, s])
    out.cp[c, s] = coolant.cp[k, s]
    out.viscosity[c, s] = coolant.viscosity[k, s]
    out.conductivity[c, s] = coolant.conductivity[k, s]
    sink = max(unit.sink[c], 0)
    out.sink[c, s] = upstream(sink, s, net, flow, now) if unit.sink[c] >= 0 else intake[0, s]
    out.sink_rate[c, s] = abs(flow[sink, s]) * coolant.cp[sink, s] if unit.sink[c] >= 0 else INF
    out.least[c, s] = units.least[first + unit.row[c], s]
    out.most[c, s] = INF


@kernel
def reject(c, s, unit: Unit, set_point: Reals2, at: Inflow, turn: Turn, net: Streams, lost: Reals2, state: Coolers,
           answer: Answer, out: Lines):  # fmt: skip
    """Outlet lines of coolers.

    A cooler whose inlet has only now fallen below its set point is still taken to hold it: in the first passes a loop
    whose coolers all stood still would have no temperature. One without supply, or whose sink is lost, lets the coolant
    pass.
    """
    r = unit.row[c]
    k = unit.stream[c]
    inlet = at.inlet[c, s]
    cold = 1.0 if inlet < set_point[c, s] - 1e-6 else 0.0
    trusted = turn.trusted[0, s] > 0.0 and cold <= 0.0 and finite(set_point[c, s])
    fresh = (cold > 0.0 and state.cold[r, s] <= 0.0) or trusted
    sink = max(unit.sink[c], 0)
    dark = unit.sink[c] >= 0 and lost[net.start[sink], s] > 0.0
    on = 0.0 if dark else state.fed[r, s]
    state.on[r, s] = on
    out.own[k, s] = (0.0 if fresh else answer.slope[c, s]) if on > 0.0 else 1.0 - 1e-9
    out.offset[k, s] = (set_point[c, s] if fresh else answer.offset[c, s]) if on > 0.0 else 1e-9 * inlet
    state.cold[r, s] = cold


@kernel
def arrived(c, s, unit: Unit, stream: columns.stream, out: Inflow):
    """What has come to coolers, now that the pass's temperatures are known."""
    sink = max(unit.sink[c], 0)
    out.inlet[c, s] = clip(stream.inlet[unit.stream[c], s], COLDEST, HOTTEST)
    out.sink[c, s] = clip(stream.inlet[sink, s], COLDEST, HOTTEST) if unit.sink[c] >= 0 else out.sink[c, s]


@kernel
def rejected(c, s, unit: Unit, coolant: Coolant, stream: columns.stream, state: Coolers, answer: Answer,
             out: columns.cooler):  # fmt: skip
    """Columns of coolers. One that stands still gives nothing to its sink, which may stand still too."""
    r = unit.row[c]
    k = unit.stream[c]
    on = state.on[r, s]
    duty = abs(stream.flow[k, s] * coolant.cp[k, s]) * (stream.inlet[k, s] - stream.outlet[k, s])
    power = on * answer.power[c, s]
    driven = on * answer.driven[c, s]
    out.duty[r, s] = duty
    out.rejected[r, s] = (duty if answer.running[c, s] > 0.0 else 0.0) + power + driven
    out.power[r, s] = power
    out.driven[r, s] = driven
    out.water[r, s] = on * answer.water[c, s]
    out.loading[r, s] = answer.loading[c, s]
    out.running[r, s] = on * answer.running[c, s]
    out.speed[r, s] = answer.speed[c, s]
    out.warning[r, s] = answer.warning[c, s]


@kernel
def leave(i, s, outdoors: Groups, cooler: columns.cooler, heat: Reals2, out: columns.audit):
    """Heat that leaves the plant: with streams to nodes of given temperature, and by coolers into outdoor air [W]."""
    total = 0.0
    for u in range(outdoors.first[i], outdoors.first[i + 1]):
        total += outdoors.times[u] * cooler.duty[outdoors.row[u], s]
    out.cooler[i, s] = total
    out.boundary[i, s] = heat[i, s]


# ---- streams -----------------------------------------------------------------------------------------------------


@kernel
def carry(e, s, coolant: Coolant, flow: Reals2, out: Lines):
    """Streams that pass without gain or loss."""
    out.capacity[e, s] = flow[e, s] * coolant.cp[e, s]
    out.own[e, s] = 1.0
    out.offset[e, s] = 0.0


@kernel
def wall_losses(w, s, wall: Loss, net: Streams, now: Nodes, given: Reals2, out: Lines):
    """Pipe wall loss T_out = T_a + (T_in - T_a) exp(-U A / m cp), given to the node around the pipe.

    Exponential decay along a duct in surroundings of one temperature [Incropera, Fundamentals of Heat and Mass
    Transfer, 8.3].
    """
    e = wall.stream[w]
    C = out.capacity[e, s]
    around = now.temperature[wall.node[w], s]
    keep = exp(-min(wall.conductance[w, s] / max(abs(C), 1e-6), 50.0))
    a = now.temperature[net.start[e], s]
    b = now.temperature[net.end[e], s]
    inlet = a if C >= 0.0 else b
    out.own[e, s] = keep
    out.offset[e, s] = (1.0 - keep) * around
    given[w, s] = abs(C) * (1.0 - keep) * (inlet - around)


class Heats(NamedTuple):
    """Heat given to nodes (node, lanes), to streams on their way (stream, lanes) and by walls (wall, lanes), W."""

    gains: Reals2
    warmth: Reals2
    walls: Reals2


@kernel
def put(n, s, joining: Groups, around: Groups, heats: Heats, flow: Reals2, out: Lines):
    """Heat put into nodes: by equipment, by streams on their way there, by the walls of pipes.

    joining: of the streams that join a node their number twice, plus 1 where they end. around: walls.
    """
    total = heats.gains[n, s]
    for u in range(joining.first[n], joining.first[n + 1]):
        e = joining.row[u] // 2
        ends = joining.row[u] - 2 * e
        forth = 1 if flow[e, s] >= 0.0 else 0
        total += joining.times[u] * heats.warmth[e, s] if forth == ends else 0.0
    for u in range(around.first[n], around.first[n + 1]):
        total += around.times[u] * heats.walls[around.row[u], s]
    out.source[n, s] = total


@kernel
def distribute(f, s, fan: Fan, fans: Groups, flow: Reals2, warmth: Reals2):
    """Coolers of a room that draw warmer air than others take heat that these do not [W]."""
    z = fan.zone[f]
    given = 0.0
    moved = 0.0
    for u in range(fans.first[z], fans.first[z + 1]):
        k = fans.row[u]
        C = AIR_HEAT * flow[fan.vent[k], s]
        given += fans.times[u] * (C * fan.offset[k, s])
        moved += fans.times[u] * C
    own = AIR_HEAT * flow[fan.vent[f], s]
    warmth[fan.vent[f], s] += own * (fan.offset[f, s] - share(given, moved, 0.0, 0.0))


@kernel
def warm(e, s, coolant: Coolant, warmth: Reals2, out: columns.stream):
    """Heat given to streams on their way warms their outlets, by no more than MAX_RISE."""
    rise = share(warmth[e, s], abs(out.flow[e, s]) * coolant.cp[e, s], 1e-9 * coolant.cp[e, s], 0.0)
    out.outlet[e, s] = out.outlet[e, s] + min(rise, MAX_RISE)


class Temperatures:
    """Heat and temperatures of a plant in a block.

    warming: what equipment gives to nodes and streams. stages: the pass's temperatures, and what valves then ask for.
    gains: heat into nodes [W] (node, lanes). roots: rows of coolers and the roots of their laws.
    """

    def __init__(self, b: Block, net: Streams, flow: Array, now: Packed, coolant: Packed, free: Array, turn: Packed,
                 units: Packed, fed: Array, raw: Array, valves: Packed, renewing: list[Call]) -> None:  # fmt: skip
        plant = b.plant
        count, m, n = len(plant.exchange.hot), len(plant.start), plant.nodes
        stream = b.ledger(columns.stream)
        self.gains, self.warmth = b.zeros(n), b.zeros(m)
        fan = b.table(plant.fan)
        counts, zone = plant.counts, plant.fan.zone
        times = counts[columns.fan] / counts[columns.zone][zone]
        fans, _ = grouped(zone, np.arange(len(zone)), len(plant.zone.supply), times)
        self.gaining = b.sums([(g.node, g.power, g.share) for g in plant.gain], counts[columns.node], self.gains)
        self.warming = [
            *b.sums([(h.stream, h.power, h.share) for h in plant.heat], counts[columns.stream], self.warmth),
            *b.bind(distribute, len(plant.fan.vent), fan, b.groups(fans), flow, self.warmth),
        ]
        layout = streams.layout(plant.streams, (plant.outdoor,))
        param = b.zeros(layout.rows.first[-1])
        part = {name: param[i:k] for name, i, k in layout.parts()}
        b.given(plant.site.dry_bulb, part["fixed"])
        lines = Lines(*(part[name] for name in Lines._fields))
        exchanger, heat = b.table(plant.exchange), b.zeros(1)
        self.moisture = Moisture(b, net, flow, now, coolant, valves.held)
        wet = self.moisture.wetness
        self.roots = list[tuple[Array, Packed]]()
        own, after = self._coolers(b, net, flow, now, raw, coolant, turn, units, fed, lines)
        out = streams.Out(raw, stream.inlet, stream.outlet, heat)
        outdoors = np.concatenate([np.zeros(0, int), *(r for r, c in _units(plant) if c.sink is None)])
        open_, _ = grouped(np.zeros(len(outdoors), int), outdoors, 1, counts[columns.cooler][outdoors])
        heats = Heats(self.gains, self.warmth, b.zeros(len(plant.loss.stream)))
        joining, around = _joining(b)
        self.stages = [
            *b.bind(carry, m, coolant, flow, lines),
            *self.moisture.entering,
            *b.bind(pass_heat, count, exchanger, count, coolant, flow, free, wet, valves, lines),
            *own,
            *b.bind(wall_losses, len(plant.loss.stream), b.table(plant.loss), net, now, heats.walls, lines),
            *b.bind(put, n, joining, around, heats, flow, lines),
            streams.bound(layout, param, out),
            *b.bind(exchanged, count, exchanger, coolant, stream, wet, valves, b.ledger(columns.exchange)),
            *after,
            *b.bind(leave, 1, b.groups(open_), b.ledger(columns.cooler), heat, b.ledger(columns.audit)),
            *b.bind(warm, m, coolant, self.warmth, stream),
            *renewing,
            *b.bind(move, count, exchanger, coolant, stream, turn, wet, valves),
            *self.moisture.balancing,
        ]

    def _coolers(self, b: Block, net: Streams, flow: Array, now: Packed, raw: Array, coolant: Packed, turn: Packed,
                 units: Packed, fed: Array, lines: Lines) -> tuple[list[Call], list[Call]]:  # fmt: skip
        """What coolers do: calls before the temperatures are solved, and after."""
        plant, ledger = b.plant, b.ledger(columns.cooler)
        state = b.work(Coolers, sum(len(c.stream) for c in plant.cooler))
        b.given(fed, state.fed)
        b.state(np.zeros((len(state.cold), 1)), state.cold)
        intake = b.given(plant.site.intake)
        before, after = list[Call](), list[Call]()
        for rows, c in _units(plant):
            k = len(rows)
            unit = Unit(*map(b.integers, (rows, c.stream, np.full(k, -1) if c.sink is None else c.sink)))
            at, answer = b.work(Inflow, k), b.work(Answer, k)
            set_point = np.broadcast_to(c.law.set_point, (k, np.shape(c.law.set_point)[-1]))
            set_point = b.given(set_point if c.ahead is None else np.where(c.ahead > 0.5, np.nan, set_point))
            before += b.bind(arrive, k, unit, net, flow, now, coolant, intake, len(plant.pump.pipe), units, at)
            after += b.bind(arrived, k, unit, b.ledger(columns.stream), at)
            if isinstance(c.law, Law):
                roots = b.roots(Roots, k)
                self.roots.append((rows, roots))
                law = b.bind(c.law.kernel, k, b.table(c.law, k), at, roots, answer, *send(c.law.tables(), b.xp))
                before, after = before + law, after + law
            else:
                before.append(foreign(b, c, net, flow, now.temperature, coolant, at, answer))
                after.append(foreign(b, c, net, flow, raw, coolant, at, answer))
            before += b.bind(reject, k, unit, set_point, at, turn, net, now.lost, state, answer, lines)
            after += b.bind(rejected, k, unit, coolant, b.ledger(columns.stream), state, answer, ledger)
        return before, after


def _joining(b: Block) -> tuple[Groups, Groups]:
    """Streams that join each node, see `put`, and the walls around it."""
    plant = b.plant
    e, nodes, streams_ = np.arange(len(plant.start)), plant.counts[columns.node], plant.counts[columns.stream]
    at, twice = np.concatenate([plant.start, plant.end]), np.concatenate([streams_, streams_])
    ends, _ = grouped(at, np.concatenate([2 * e, 2 * e + 1]), plant.nodes, twice / nodes[at])
    wall = plant.loss
    walls, _ = grouped(wall.node, np.arange(len(wall.node)), plant.nodes, streams_[wall.stream] / nodes[wall.node])
    return b.groups(ends), b.groups(walls)


def _units(plant: System) -> list[tuple[Array, Cooler]]:
    """Coolers of each law, with their numbers among all."""
    first = np.cumsum([0, *(len(c.stream) for c in plant.cooler)])
    return [(np.arange(i, i + len(c.stream)), c) for i, c in zip(first[:-1], plant.cooler, strict=True)]
