"""Rack power from clocks, caps, temperature and cooling."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from twin import columns
from twin.block import Block
from twin.columns import Array
from twin.domains.between import Coolant, Nodes, Streams, Turn, upstream
from twin.elements import Engine
from twin.kernels.cell import Int, Ints1, Reals1, Reals2, cell, kernel
from twin.kernels.elementary import exp, log, power
from twin.kernels.launch import Call
from twin.kernels.numbers import INF, NAN, clip, finite, known, share
from twin.kernels.subset import Packed, Table, place

AIR_HEAT = 1006.0
"""Specific heat of dry air, J/kg/K."""

MAX_RISE = 500.0
"""Rise of a junction above its coolant at which it is cut off, K."""

CAP_TOLERANCE = 1e-3
"""Share by which a cap may be passed: that is how well clocks hold it."""

SOFT = 0.01
"""Width of the throttle's smooth clamp, as a share of chip power."""

STEPS = 2
"""Steps towards a root in one pass; the next goes on from there."""

CLOCK_STEPS = 6
"""Newton steps from the nominal clock to that of a power, which leave 2e-11 of it for any slope and floor allowed."""

STEEPEST = 0.8
"""Share of its own heating that a junction's leakage may reach: beyond, there is no steady temperature nearby."""


class Cooling(Table):
    """What cools the chips of racks, and how they work, (rack, scenario).

    inlet [K], flow [kg/s], cp [J/(kg K)], conductivity [W/(m K)] of what flows past the chips. fed: 1, or 0 without
    supply. level: share of its rated power that a chip at work draws at its clock.
    """

    inlet: Reals2
    flow: Reals2
    cp: Reals2
    conductivity: Reals2
    fed: Reals2
    level: Reals2


class Constants(Table):
    """What no pass changes, worked out as a scenario is loaded, (rack, scenario).

    hosts: power of the hosts of a rack [W]. left: what a rack's cap leaves to each chip [W]. voltage: of the core at
    the set clock over that at the nominal one [1]. rated: power that is provisioned [W].
    """

    hosts: Reals2
    left: Reals2
    voltage: Reals2
    rated: Reals2


class Roots(Table):
    """What the last pass found, from which the next goes on, NaN before the first, (rack, scenario).

    requested: junction of a mean chip at its set clock, mean, worst: at the clock that was reached [K]. feed: power at
    the feed [W]. share: of their heat that cold plates can take [1].
    """

    requested: Reals2
    mean: Reals2
    worst: Reals2
    feed: Reals2
    share: Reals2


@cell
def soft_minimum(a, b, width):
    """A where a is well below b, b where b is well below a, smooth between: a - w ln(1 + exp((a - b)/w)).

    Written as min(a, b) - w ln(1 + exp(-|a - b|/w)), which keeps the smaller however large the other is.
    """
    return min(a, b) - width * log(1.0 + exp(-abs(a - b) / width))


@cell
def thermal_resistances(r, s, e: Engine, flow, cp, conductivity):
    """Case to inlet of a mean and of the worst chip, K/W.

    R = R_s + c/k + 1/(2 m cp), or a heat sink's R (m_r/m)^0.8, plus its interface. Laminar cold-plate channels, fitted
    to the OCP 1 kW module; `flow` is the rack's, shared by its plates, of which the worst gets less.
    """
    scale = max(e.chip_scale[r, s], 1e-6)
    rack = max(abs(flow), 1e-4 * e.plates[r, s])
    sink = e.sink_resistance[r, s] * power(e.sink_flow[r, s] * scale / rack, 0.8)
    common = e.plate_spread[r, s] + e.plate_conduction[r, s] / conductivity + sink
    stream = 0.5 * e.plates[r, s] * scale / (rack * cp)
    worse = 1.0 + e.interface_spread[r, s]
    mean = common + stream + e.junction_to_case[r, s]
    return mean, common + stream / (1.0 - e.maldistribution[r, s]) + e.junction_to_case[r, s] * worse


@cell
def leakage(T, leak, slope, reference):
    """Power that leaks at a junction T: leak exp(k (T - T_0)), the exponent from -50 to 4."""
    return leak * exp(clip(slope * (T - reference), -50.0, 4.0))


@cell
def junction(last, inlet, resistance, rest, leak, slope, reference):
    """T = inlet + R (rest + leak exp(slope (T - reference))), K, by Newton from the last pass's.

    What is left of the lower root rises below it and is concave, so that steps from either side end there.
    """
    T = last
    for _step in range(STEPS):
        heat = leakage(T, leak, slope, reference)
        steep = slope * heat * resistance
        gap = T - inlet - resistance * (rest + heat)
        T = T - gap / (1.0 - steep) if steep < STEEPEST else inlet + resistance * (rest + leak)
        T = clip(T, inlet, inlet + MAX_RISE)
    return T


@cell
def voltage(r, s, e: Engine, clock):
    """Voltage of the core at a clock φ over that at the nominal one: V = max(V_0, 1 - g (1 - φ)).

    Flat at low clocks and linear above [Guerreiro and others, IEEE HPCA 2018], with floor V_0 and slope g of the rack.
    """
    return max(e.min_voltage[r, s], 1.0 - e.voltage_slope[r, s] * (1.0 - clock))


@cell
def floor_clock(r, s, e: Engine):
    """Clock below which the voltage falls no more."""
    return 1.0 - (1.0 - e.min_voltage[r, s]) / e.voltage_slope[r, s]


@cell
def clock_at(r, s, e: Engine, chip, fixed, core, leak):
    """Clock φ at which a chip draws `chip` W, of which `fixed` W follow no clock: core φ V(φ)² + leak V(φ) is the rest.

    At the floor of the voltage φ is linear in power; above it Newton's method takes a cubic that rises and is convex.
    """
    rest = chip - fixed
    low = e.min_voltage[r, s]
    slope = e.voltage_slope[r, s]
    clock = share(rest / low - leak, core * low, 0.0, e.clock[r, s])
    if clock > floor_clock(r, s, e) and core > 0.0:
        clock = 1.0
        for _step in range(CLOCK_STEPS):
            V = 1.0 - slope * (1.0 - clock)
            steep = core * V * (V + 2.0 * slope * clock) + slope * leak
            clock -= (core * clock * V * V + leak * V - rest) / steep
    return max(clock, 1e-4)


@cell
def plates_take(r, s, e: Engine, inlet, rise):
    """Share of their heat that cold plates take at the most, 1 unless a junction is stated at which they take no more.

    At the junction T_s plates pass (T_s - T_in) / R, and this over what they pass at a rise R P of the mean chip is the
    share, no more than 1: the maximum heat transfer of a cold plate by the highest temperature of its chip, the inlet
    and the thermal resistance of EnergyPlus [NREL/EnergyPlus pull requests 11667, 11692, design document of 2026]. R is
    that of a rack as a whole, to which the plates of its hosts belong.
    """
    return clip(share(e.plate_temperature[r, s] - inlet, rise, 0.0, 1.0), 0.0, 1.0)


@cell
def spilled(r, s, e: Engine, feed, able):
    """Heat of a power at the feed that cold plates leave to the air of their rack, W.

    Of the heat that the coolant is to take, plates take the share that they can, and no more than what the rack's are
    rated for; the rest is a load of the room, so that both add up to the power [EnergyPlus, see `plates_take`].
    """
    asked = e.liquid_fraction[r, s] * feed
    return asked - min(able * asked, e.plate_heat[r, s] * max(e.chip_scale[r, s], 1e-6))


@cell
def heat_to_air(r, s, e: Engine, feed, able):
    """Heat of a power at the feed that the rack's air carries, W: what is not the coolant's, and what plates spill."""
    return (1.0 - e.liquid_fraction[r, s]) * feed + spilled(r, s, e, feed, able)


@cell
def fan_speed(r, s, e: Engine, heat):
    """Fan speed that keeps the air rise, between its slowest and full speed."""
    required = heat / (AIR_HEAT * e.fan_rise[r, s] * max(e.fan_flow[r, s], 1e-9))
    return clip(required, e.min_fan_speed[r, s], 1.0) if e.fan_flow[r, s] > 0.0 else 0.0


@cell
def before(power, fixed, proportional, square):
    """What a converter gives that takes `power`: the root x of x + fixed + x (proportional + square x) = power."""
    b = 1.0 + proportional
    rest = max(power - fixed, 0.0)
    return 2.0 * rest / (b + math.sqrt(max(b * b + 4.0 * square * rest, 0.0)))


@cell
def behind(r, s, e: Engine, power, speed):
    """What a power at the feed leaves behind the shelves and behind the boards' converters, W."""
    out = before(power, e.shelf_fixed[r, s], e.shelf_proportional[r, s], e.shelf_square[r, s])
    inner = max(out - e.fan_power[r, s] * speed * speed * speed - e.chip_scale[r, s] * e.inner_power[r, s], 0.0)
    inside = before(inner, e.board_fixed[r, s], e.board_proportional[r, s], e.board_square[r, s])
    return inside, power - out + inner - inside


@cell
def left_to_chips(r, s, e: Engine, hosts, able):
    """Power that a rack's cap leaves to each chip, W: from the feed back through shelves, fans, boards and hosts."""
    capped = finite(e.rack_cap[r, s])
    cap = e.rack_cap[r, s] if capped else 1.0
    inside, _lost = behind(r, s, e, cap, fan_speed(r, s, e, heat_to_air(r, s, e, cap, able)))
    rest = inside / max(e.chip_scale[r, s], 1e-6) - hosts - e.other_power[r, s]
    return max(rest / max(e.chips[r, s], 1.0), 0.0) if capped else INF


@cell
def at_the_feed(r, s, e: Engine, load, last, able):
    """Rack power at the feed, and fan speed; fans follow the air heat, of which they are part."""
    feed = last if known(last) else load
    speed = 0.0 * load
    for _turn in range(STEPS + 1):
        speed = fan_speed(r, s, e, heat_to_air(r, s, e, feed, able))
        out = load + e.fan_power[r, s] * speed * speed * speed
        feed = out + e.shelf_fixed[r, s] + out * (e.shelf_proportional[r, s] + out * e.shelf_square[r, s])
    return feed, speed


@kernel
def prepare(r, s, e: Engine, out: Constants):
    """What a rack's numbers say before anything is solved."""
    host = e.host_idle[r, s] + e.host_utilisation[r, s] * (e.host_power[r, s] - e.host_idle[r, s])
    hosts = e.hosts[r, s] * host
    out.hosts[r, s] = hosts
    out.left[r, s] = left_to_chips(r, s, e, hosts, 1.0)
    out.voltage[r, s] = voltage(r, s, e, e.clock[r, s])
    out.rated[r, s] = e.nameplate[r, s] * e.chip_scale[r, s] * e.power_scale[r, s]


@kernel
def racks(r, s, e: Engine, own: Constants, at: Cooling, last: Roots, out: columns.engine):
    """Power, heats, junctions, clocks, air flow and losses of a rack.

    Chip power = base + uncore + core φ V² + leak V exp(k (T_j - T_0)) at a voltage V(φ), where base + uncore + core +
    leak at T_0 is the power at this utilisation; of its rated power a chip at work draws the share `level`, and
    `uncore` is what does not follow the core's clock: memory, links, regulators. Switching takes f V² and leakage V
    [Guerreiro and others, IEEE HPCA 2018; AccelWattch, MICRO 2021]. A cap on chips or on the rack lowers the clock φ;
    so does, smoothly, a worst chip that would pass its throttle temperature, and since the chips work in step the
    slowest sets the clock of all. Where a power is given for the whole rack, the work done follows from
    what it leaves for the chips, and its converters lose what they do at that power. A rack without chips has no
    junctions: NaN.

    Clocks give way first: power is what it is with plates that take all. Only what they then cannot take, see
    `plates_take`, warms the rack's air. Junctions are told as if plates took it all the same: air that has no
    resistance of its own would cool chips for nothing.
    """
    inlet = at.inlet[r, s]
    scale = e.chip_scale[r, s]
    slope = e.leakage_slope[r, s]
    reference = e.leakage_temperature[r, s]
    full = e.chip_power[r, s] * e.power_scale[r, s]
    idle = e.chip_idle[r, s] * e.power_scale[r, s]
    leak = e.leakage_share[r, s] * full
    base = idle - leak
    active = e.utilisation[r, s] * max(at.level[r, s] * full - idle, 0.0)
    hosts = own.hosts[r, s]
    mean, worst = thermal_resistances(r, s, e, at.flow[r, s], at.cp[r, s], at.conductivity[r, s])
    excess = 1.0 + e.power_spread[r, s]

    fixed = base + e.uncore_share[r, s] * active
    core = (1.0 - e.uncore_share[r, s]) * active
    V = own.voltage[r, s]
    requested = fixed + core * e.clock[r, s] * V * V
    hot = junction(last.requested[r, s], inlet, mean, requested, leak * V, slope, reference)
    demand = requested + leakage(hot, leak * V, slope, reference)
    left = own.left[r, s]
    if finite(e.plate_temperature[r, s]) and known(last.share[r, s]):
        left = left_to_chips(r, s, e, hosts, last.share[r, s])
    capped = min(demand, min(e.cap[r, s], left))
    throttle = e.throttle_temperature[r, s]
    hottest = (throttle - inlet) / (worst * excess)
    leaks = leakage(throttle, leak, slope, reference)
    V = voltage(r, s, e, min(clock_at(r, s, e, hottest, fixed, core, leaks), e.clock[r, s]))
    relief = V * (leakage(inlet + mean * hottest, leak, slope, reference) - leaks)
    chip = soft_minimum(capped, hottest + relief, SOFT * max(full, 1.0))
    slowest = min(e.min_clock[r, s], e.clock[r, s])
    leaks = leakage(inlet + mean * chip, leak, slope, reference)
    clock = clip(clock_at(r, s, e, chip, fixed, core, leaks), slowest, e.clock[r, s])
    free = e.clock[r, s]
    if capped < demand:
        leaks = leakage(inlet + mean * capped, leak, slope, reference)
        free = clip(clock_at(r, s, e, capped, fixed, core, leaks), slowest, e.clock[r, s])
    V = voltage(r, s, e, clock)
    dynamic = fixed + core * clock * V * V
    leaks = leak * V
    cool = junction(last.mean[r, s], inlet, mean, dynamic, leaks, slope, reference)
    warm = junction(last.worst[r, s], inlet, worst, dynamic * excess, leaks * excess, slope, reference)
    chip = dynamic + leakage(cool, leaks, slope, reference)
    last.requested[r, s] = hot
    last.mean[r, s] = cool
    last.worst[r, s] = warm

    inside = scale * (e.chips[r, s] * chip + hosts + e.other_power[r, s])
    board = e.board_fixed[r, s] + inside * (e.board_proportional[r, s] + inside * e.board_square[r, s])
    load = inside + board + scale * e.inner_power[r, s]
    able = plates_take(r, s, e, inlet, cool - inlet)
    modelled, modelled_speed = at_the_feed(r, s, e, load, last.feed[r, s], able)
    last.feed[r, s] = modelled
    drawn = load + e.fan_power[r, s] * modelled_speed * modelled_speed * modelled_speed
    stated = finite(e.it_power[r, s])
    given = e.it_power[r, s] * scale * e.power_scale[r, s] if stated else modelled
    ratio = given / modelled if stated else 1.0
    taken = plates_take(r, s, e, inlet, ratio * (cool - inlet)) if stated else able
    spill = spilled(r, s, e, given, taken)
    air = (1.0 - e.liquid_fraction[r, s]) * given + spill
    speed = fan_speed(r, s, e, air) if stated else modelled_speed
    _inside, spent = behind(r, s, e, given, speed)
    loss = spent if stated else board + modelled - drawn
    last.share[r, s] = able
    moving = max(scale * e.chips[r, s] * active, 1e-9)
    busy = clip(1.0 - (modelled - given) / moving, 0.0, 1.0) if stated else 1.0

    on = at.fed[r, s] if scale > 0.0 else 0.0
    chips = e.chips[r, s] > 0.0
    rated = own.rated[r, s]
    lost = 1.0 - clock / free
    out.power[r, s] = on * given
    out.peak[r, s] = on * given * e.peak_factor[r, s]
    out.heat_liquid[r, s] = on * given * e.liquid_fraction[r, s] - on * spill
    out.heat_air[r, s] = on * air
    out.spill[r, s] = on * spill
    out.loss[r, s] = on * loss
    out.chip_power[r, s] = on * chip * ratio if chips else NAN
    out.chips[r, s] = on * e.chips[r, s] * scale
    out.junction_mean[r, s] = (inlet + (cool - inlet) * ratio if on > 0.0 else inlet) if chips else NAN
    out.junction[r, s] = (inlet + (warm - inlet) * ratio if on > 0.0 else inlet) if chips else NAN
    out.clock[r, s] = on * (e.clock[r, s] if stated else clock)
    out.utilisation[r, s] = on * e.utilisation[r, s] * busy
    out.clock_lost[r, s] = 0.0 if stated else on * lost
    held = free < (1.0 - CAP_TOLERANCE) * min(floor_clock(r, s, e), e.clock[r, s]) and capped < demand
    out.at_floor[r, s] = on if chips and held and not stated else 0.0
    out.air_flow[r, s] = on * speed * e.fan_flow[r, s]
    out.air_rise[r, s] = share(on * air, on * speed * e.fan_flow[r, s] * AIR_HEAT, 0.0, NAN)
    kept = given <= (1.0 + CAP_TOLERANCE) * e.rack_cap[r, s]
    out.nameplate[r, s] = min(rated, e.rack_cap[r, s]) if kept else rated


# ---- where racks stand -------------------------------------------------------------------------------------------


class Breathed(Table):
    """How much warmer than its room's mixed inlet each rack breathes, K (rack, scenario)."""

    offset: Reals2


class Computed(NamedTuple):
    """A room with computed air; see `elements.Inlets`. rack, coil: rows of racks and streams of coolers."""

    rack: Ints1
    coil: Ints1
    heat: Reals2
    supply: Reals2
    temperature: Reals2
    rise: Reals2
    supplied: Reals2


@kernel
def breathe(i, s, e: Engine, room: Computed, racks: Int, coils: Int, now: Reals2, turn: Turn, rack: columns.engine,
            stream: columns.stream, out: Breathed):  # fmt: skip
    """Inlet of a rack in a computed room over its mixed inlet: T0 + heat (dT - dT0) + supply (Ts - Ts0)."""
    inlet = room.temperature[i, s] - now[e.breathes[room.rack[i]], s]
    for k in range(racks):
        r = room.rack[k]
        rise = share(rack.heat_air[r, s], rack.air_flow[r, s] * AIR_HEAT, 0.0, 0.0)
        inlet += room.heat[i, k] * (rise - room.rise[k, s])
    for k in range(coils):
        inlet += room.supply[i, k] * (stream.outlet[room.coil[k], s] - room.supplied[k, s])
    begun = turn.passes[0, s] > 1.0
    out.offset[room.rack[i], s] = inlet if begun else e.offset[room.rack[i], s]


@kernel
def inhale(r, s, e: Engine, now: Reals2, at: Breathed, out: columns.engine):
    """Air entering racks."""
    out.air_inlet[r, s] = now[e.breathes[r], s] + at.offset[r, s]


@kernel
def reach(r, s, e: Engine, pipes: Int, net: Streams, flow: Reals2, now: Nodes, coolant: Coolant, air: Breathed,
          fed: Reals2, out: Cooling):  # fmt: skip
    """What comes to chips: a pipe's coolant, or air. Racks trip as what comes to them or their air is lost."""
    k = e.stream[r]
    inlet = upstream(k, s, net, flow, now)
    out.inlet[r, s] = inlet if k < pipes else inlet + air.offset[r, s]
    out.flow[r, s] = flow[k, s]
    out.cp[r, s] = coolant.cp[k, s]
    out.conductivity[r, s] = coolant.conductivity[k, s] if k < pipes else 1.0
    lost = max(now.lost[e.node[r], s], max(now.lost[net.end[k], s], now.lost[e.breathes[r], s]))
    out.fed[r, s] = 0.0 if lost > 0.0 else fed[r, s]


class Curves(NamedTuple):
    """Share of its rated power that a chip at work draws by clock.

    clock: rising (clocks,). level: at these (curve, clock). which: curve of each rack, -1 for none (rack, scenario).
    """

    clock: Reals1
    level: Reals2
    which: Reals2


@kernel
def level(r, s, curves: Curves, clocks: Int, rack: columns.engine, out: Cooling):
    """Share of its rated power that a chip draws at its clock so far: straight lines between clocks, the ends hold."""
    c = place(curves.which[r, s] if curves.which[r, s] > 0.0 else 0.0)
    x = rack.clock[r, s]
    low = 0
    high = clocks - 1
    while high - low > 1:
        middle = (low + high) // 2
        if curves.clock[middle] <= x:
            low = middle
        else:
            high = middle
    part = clip((x - curves.clock[low]) / (curves.clock[high] - curves.clock[low]), 0.0, 1.0)
    found = curves.level[c, low] + part * (curves.level[c, high] - curves.level[c, low])
    out.level[r, s] = found if curves.which[r, s] >= 0.0 else 1.0


class Racks:
    """The racks of a plant in a block.

    stages: their power. after: what they breathe, once the air is known. roots: see `Roots`.
    """

    def __init__(
        self,
        b: Block,
        net: Streams,
        flow: Array,
        now: Packed,
        coolant: Packed,
        fed: Array,
        raw: Array,
        turn: Packed,
    ) -> None:
        e, count = b.plant.engine, len(b.plant.engine.stream)
        table, out = b.table(e), b.ledger(columns.engine)
        at, air = b.work(Cooling, count), b.work(Breathed, count)
        self.roots = b.roots(Roots, count)
        b.given(e.offset, air.offset)
        at.level[...] = 1.0
        own = b.work(Constants, count)
        b.prepared += b.bind(prepare, count, table, own)
        curves = self._curves(b, count)
        self.stages = [
            *self._rooms(b, table, now.temperature, turn, air),
            *b.bind(reach, count, table, len(b.plant.pipe.start), net, flow, now, coolant, air, b.given(fed), at),
            *(b.bind(level, count, *curves, out, at) if curves else []),
            *b.bind(racks, count, table, own, at, self.roots, out),
        ]
        self.after = [*self._rooms(b, table, raw, turn, air), *b.bind(inhale, count, table, raw, air, out)]

    @staticmethod
    def _rooms(b: Block, table: Packed, node: Array, turn: Packed, air: Packed) -> list[Call]:
        """What racks breathe in computed rooms at temperatures of nodes."""
        calls = list[Call]()
        for room in b.plant.inlets:
            computed = Computed(
                b.integers(room.engine),
                b.integers(room.coil),
                b.numbers(room.heat),
                b.numbers(room.supply),
                *(b.given(x) for x in (room.temperature, room.rise, room.supplied)),
            )
            counts, given = (len(room.engine), len(room.coil)), (b.ledger(columns.engine), b.ledger(columns.stream))
            calls += b.bind(breathe, len(room.engine), table, computed, *counts, node, turn, *given, air)
        return calls

    @staticmethod
    def _curves(b: Block, count: int) -> tuple[Curves, int] | None:
        """What chips at work draw by clock, None where they draw what they are rated for."""
        work = b.plant.work
        if not work:
            return None
        which = np.full((count, b.plant.scenarios), -1.0)
        for k, item in enumerate(work):
            which[item.engine[:, None], item.scenarios] = k
        curves = Curves(b.numbers(work[0].clock), b.numbers(np.array([w.level for w in work])), b.given(which))
        return curves, len(work[0].clock)
