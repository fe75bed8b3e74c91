"""Moisture of room air: what coils take from it, what humidifiers give to it, and the balance of a room."""

from __future__ import annotations

import numpy as np

from twin import columns
from twin.block import Block
from twin.columns import Array
from twin.domains.between import Coolant, Nodes, Streams, upstream
from twin.domains.compute import AIR_HEAT
from twin.domains.towers import MOIST_AIR
from twin.elements import Coil, Exchange, Humidifier, System, Weather, Zone
from twin.fluids import humidity_ratio_from_dew_point
from twin.kernels.arrays import send
from twin.kernels.cell import Ints1, Reals2, cell, kernel
from twin.kernels.elementary import exp
from twin.kernels.exchangers import effectiveness, film, in_series
from twin.kernels.launch import Call
from twin.kernels.moist_air import MoistAir, dew_point_of, enthalpy, saturated, wet_bulb_of
from twin.kernels.numbers import INF, clip, finite, known
from twin.kernels.subset import Packed, Table
from twin.kernels.sums import Groups, grouped

DRY_ENOUGH = 1e-9
"""Humidity ratio of air without moisture."""

STEPS = (0, 1, 2)
"""Steps of a pass towards the share of a coil that is dry."""

NEAR = 1e-6
"""Part of its humidity within which a room of dry coils is at its balance."""

WIDER = 0.02
"""By how much of itself and of the humidity a bracket grows in a pass, since what it brackets moves."""


class Surface(Table):
    """Coils in a pass, (coil, scenario).

    air, water: entering [K]. flow: of dry air [kg/s]. rate: capacity rate of the water [W/K]. outside, inside: films of
    air and of water with its fouling [W/K]. humidity: of the air that enters [1].
    """

    air: Reals2
    water: Reals2
    flow: Reals2
    rate: Reals2
    outside: Reals2
    inside: Reals2
    humidity: Reals2


class Joint(Table):
    """Coils from pass to pass, (coil, scenario).

    dry: share of the surface that is dry [1]. drop: of the humidity ratio of the air [1]. heat: of what condenses
    [J/kg].
    """

    dry: Reals2
    drop: Reals2
    heat: Reals2


class Before(Table):
    """Rooms a pass before, (room, scenario).

    humidity: ratio of the air [1]. taken: what coils took at it [kg/s]. low, high: ratios between which the balance is.
    damp: 1 once the air was too damp, so that coils would be wet at `high`.
    """

    humidity: Reals2
    taken: Reals2
    low: Reals2
    high: Reals2
    damp: Reals2


class Wetness(Table):
    """What wet surfaces do to exchanges, (exchange, scenario), 1 where they are dry.

    sensible: heat that the air gives up in cooling over that of a dry coil. total: heat to the water over the former.
    aim: outlet that is held, which drying makes colder than the set point [K].
    """

    sensible: Reals2
    total: Reals2
    aim: Reals2


@kernel
def enter_coils(c, s, coil: Coil, e: Exchange, net: Streams, flow: Reals2, now: Nodes, coolant: Coolant,
                rooms: columns.zone, out: Surface):  # fmt: skip
    """What comes to coils."""
    x = coil.exchange[c]
    h = e.hot[x]
    k = e.cold[x]
    hot = abs(flow[h, s])
    cold = abs(flow[k, s])
    out.air[c, s] = upstream(h, s, net, flow, now)
    out.water[c, s] = upstream(k, s, net, flow, now)
    out.flow[c, s] = hot
    out.rate[c, s] = cold * coolant.cp[k, s]
    inside = film(e.film_cold[x, s], cold, e.rated_cold[x, s], e.exponent[x, s])
    out.inside[c, s] = in_series(inside, 1e12, e.fouling[x, s])
    out.outside[c, s] = film(e.film_hot[x, s], hot, e.rated_hot[x, s], e.exponent[x, s])
    out.humidity[c, s] = rooms.humidity[coil.zone[c], s]


@kernel
def aim_at(x, s, e: Exchange, out: Wetness):
    """Exchanges that dry nothing hold their set points."""
    out.aim[x, s] = e.set_point[x, s]


@kernel
def mix_outdoors(
    z, s, zone: Zone, dampers: Groups, stream: Ints1, share: Ints1, flow: Reals2, solved: Reals2, out: Reals2
):
    """Outdoor air that comes into rooms [kg/s]: ventilation, and what dampers let in."""
    total = zone.ventilation[z, s]
    for u in range(dampers.first[z], dampers.first[z + 1]):
        k = dampers.row[u]
        total += dampers.times[u] * (solved[share[k], s] * abs(flow[stream[k], s]))
    out[z, s] = total


@cell
def dry_air(fresh, w):
    """Dry air in moist air of a humidity ratio w, which is counted on it [kg/s]."""
    return fresh / (1.0 + w)


@kernel
def excess_vapour(z, s, zone: Zone, fresh: Reals2, coils: Groups, coil: Coil, at: Surface, site: Weather, out: Reals2):
    """By how much coils that dry a room must lower the humidity ratio of their air, so that it holds what they dry to.

    At that humidity outdoor air and people bring m_v (w_o - w) + vapour, which all air through these coils shares.
    """
    moved = 0.0
    dries = INF
    for u in range(coils.first[z], coils.first[z + 1]):
        c = coils.row[u]
        own = finite(coil.dries_to[c, s])
        moved += coils.times[u] * at.flow[c, s] if own else 0.0
        dries = min(dries, coil.dries_to[c, s])
    w = dries if finite(dries) else 0.0
    brought = dry_air(fresh[z, s], site.humidity[0, s]) * (site.humidity[0, s] - w) + zone.vapour[z, s]
    out[z, s] = max(brought, 0.0) / max(moved, 1e-9) if finite(dries) and moved > 0.0 else 0.0


@kernel
def dry_to(c, s, coil: Coil, e: Exchange, at: Surface, lower: Reals2, out: Wetness, air: MoistAir, site: Weather):
    """Colder outlets of coils that dry a room: as cold as air must leave them to be so dry, no warmer than is set.

    Air leaves as if a part exp(-NTU_o) of it went by a wet surface: w_out = w_s + (w - w_s) exp(-NTU_o).
    """
    x = coil.exchange[c]
    w = coil.dries_to[c, s]
    own = finite(w) and lower[coil.zone[c], s] > 0.0
    held = w if own else 0.01
    past = exp(-min(at.outside[c, s] / max(at.flow[c, s] * (air.cp + air.vapour_cp * held), 1e-9), 30.0))
    surface = max(held - lower[coil.zone[c], s] / max(1.0 - past, 1e-9), DRY_ENOUGH)
    T = dew_point_of(air, surface, site.pressure[0, s])
    leaving = T + (at.air[c, s] - T) * past
    out.aim[x, s] = min(e.set_point[x, s], leaving) if own and known(e.set_point[x, s]) else e.set_point[x, s]


@kernel
def warm_again(c, s, coil: Coil, e: Exchange, stream: columns.stream, wet: Wetness, out: columns.coil):
    """Heat that warms air which was cooled to dry it back to the set point, as far as the heater goes."""
    x = coil.exchange[c]
    h = e.hot[x]
    rate = abs(stream.flow[h, s]) * AIR_HEAT
    dries = finite(coil.dries_to[c, s]) and wet.aim[x, s] < e.set_point[x, s]
    wanted = rate * (e.set_point[x, s] - stream.outlet[h, s]) + out.reheat[c, s]
    out.reheat[c, s] = clip(wanted, 0.0, coil.reheat[c, s]) if dries else 0.0


@cell
def counter(ntu, ratio):
    """Effectiveness of counterflow on the side whose capacity rate is `ratio` times the other's [1].

    ntu is counted on that side too.
    """
    over = ratio > 1.0
    n = ntu * ratio if over else ntu
    found = effectiveness(n, 1.0 / ratio if over else ratio, 0.0)
    return found / ratio if over else found


@cell
def wet_part(c, s, at: Surface, air: MoistAir, dew, slope, base, dry):
    """Heat [W] that the wet part of a coil takes if a share of its surface is dry, and air [K] and water [K] between.

    slope, base: of the enthalpy of saturated air, dh/dT [J/(kg K)], and it at the entering water [J/kg]. The dry part
    is a counterflow exchanger, so that T_x = T - e (T - z), and the surface at the joint is at the dew point: T_x =
    T_dew + (hA_i / hA_o) (T_dew - z).
    """
    w = at.humidity[c, s]
    cp = air.cp + air.vapour_cp * w
    C = at.flow[c, s] * cp
    out = at.outside[c, s]
    ins = at.inside[c, s]
    k = ins / out
    e = counter(dry * in_series(out, ins, 0.0) / C, C / at.rate[c, s])
    z = (dew * (1.0 + k) - at.air[c, s] * (1.0 - e)) / (e + k)
    joint = at.air[c, s] - e * (at.air[c, s] - z)
    own = out / cp
    wetted = (1.0 - dry) * own / (1.0 + own * slope / ins)
    enters = enthalpy(air, joint - air.freezing, w)
    found = counter(wetted / at.flow[c, s], at.flow[c, s] * slope / at.rate[c, s])
    return found * at.flow[c, s] * max(enters - base, 0.0), joint, z


@cell
def ahead_of(c, s, at: Surface, air: MoistAir, dew, slope, base, dry):
    """Water between both parts of a coil, if a share of it is dry, less what the wet part warms it to [K]."""
    heat, _joint, z = wet_part(c, s, at, air, dew, slope, base, dry)
    return z - at.water[c, s] - heat / max(at.rate[c, s], 1e-9)


@kernel
def condense(c, s, coil: Coil, at: Surface, site: Weather, root: Joint, out: Wetness, air: MoistAir):
    """What wet coils take from the air over dry ones, where they are colder than the dew point.

    Effectiveness-NTU: a dry part towards the entering air, and a wet one towards the entering water, whose driving
    difference is that of the enthalpy of the air over that of saturated air at the water, with hA_o / c_p and hA_i
    / c_s in series: c_s is the slope of saturated air from the entering water to the dew point, as EnergyPlus has
    it [Coil:Cooling:Water, detailed; Braun, Klein & Mitchell, ASHRAE Transactions 95 (1989) 164]. Air leaves as it
    would a surface of one temperature, past which a part exp(-NTU_o) goes by.
    """
    pressure = site.pressure[0, s]
    w = at.humidity[c, s]
    dew = dew_point_of(air, w, pressure)
    water = at.water[c, s]
    inlet = at.air[c, s]
    flow = at.flow[c, s]
    cp = air.cp + air.vapour_cp * w
    ratio = flow * cp / max(at.rate[c, s], 1e-9)
    live = flow > 1e-6 and at.rate[c, s] > 1e-3 and inlet > water + 1e-6 and w > DRY_ENOUGH
    dry_heat = (
        flow
        * cp
        * counter(in_series(at.outside[c, s], at.inside[c, s], 0.0) / max(flow * cp, 1e-9), ratio)
        * (inlet - water)
    )
    leaving = inlet - dry_heat / max(flow * cp, 1e-9)
    coldest = (at.outside[c, s] * leaving + at.inside[c, s] * water) / (at.outside[c, s] + at.inside[c, s])
    wets = live and coldest < dew
    base = saturated(air, water, pressure)
    slope = (saturated(air, dew, pressure) - base) / max(dew - water, 1e-3)

    # the share that is dry, at which the heat of the wet part is what has warmed the water to the joint
    low = 0.0
    high = 1.0
    x = 0.0
    first = ahead_of(c, s, at, air, dew, slope, base, x) if wets else 0.0
    fx = first
    z = root.dry[c, s] if root.dry[c, s] > 0.0 else 1.0
    for _step in STEPS:
        fz = ahead_of(c, s, at, air, dew, slope, base, z) if wets else 0.0
        low = z if fz < 0.0 else low
        high = high if fz < 0.0 else z
        moves = z != x  # no more where it is the root to the last bit
        rise = (fz - fx) / (z - x if moves else 1.0)
        ahead = z - fz / (rise if rise > 0.0 else 1.0)
        inside = rise > 0.0 and ahead >= low and ahead <= high
        found = ahead if inside else 0.5 * (low + high)
        x = z
        fx = fz
        z = found if moves else z
    dry = z if first < 0.0 else 0.0
    root.dry[c, s] = dry if wets else 1.0
    heat, joint, _between = wet_part(c, s, at, air, dew, slope, base, dry)

    # how the air leaves
    h_in = enthalpy(air, joint - air.freezing, w)
    h_out = h_in - heat / max(flow, 1e-9)
    past = exp(-min((1.0 - dry) * at.outside[c, s] / max(flow * cp, 1e-9), 30.0))
    surface = wet_bulb_of(air, h_in - (h_in - h_out) / max(1.0 - past, 1e-9), pressure)
    colder = surface + (joint - surface) * past - air.freezing
    ratio_out = (h_out - air.cp * colder) / (air.latent + air.vapour_cp * colder)
    condensed = flow * clip(w - ratio_out, 0.0, w) if wets else 0.0
    sensible = flow * cp * (inlet - air.freezing - colder)
    latent = condensed * (air.latent + air.vapour_cp * colder)
    works = wets and sensible > 0.0 and dry_heat > 0.0
    out.sensible[coil.exchange[c], s] = sensible / dry_heat if works else 1.0
    out.total[coil.exchange[c], s] = 1.0 + latent / sensible if works else 1.0
    root.drop[c, s] = w - ratio_out
    root.heat[c, s] = air.latent + air.vapour_cp * colder


@kernel
def drain(c, s, coil: Coil, wet: Wetness, exchange: columns.exchange, root: Joint, out: columns.coil):
    """Water that coils take from the air, and its heat: the part of the duty that no cooling of the air makes."""
    x = coil.exchange[c]
    latent = exchange.duty[x, s] * (1.0 - 1.0 / wet.total[x, s])
    out.latent[c, s] = latent
    out.condensate[c, s] = max(latent, 0.0) / root.heat[c, s] if latent > 0.0 else 0.0


@kernel
def drained(z, s, coils: Groups, unit: Coil, held: Reals2, coil: columns.coil, root: Joint, rooms: columns.zone,
            before: Before, out: Reals2):  # fmt: skip
    """What coils take from rooms, and how fast that follows the humidity [kg/s].

    It does by what this pass has changed since the last; where valves of coils move, which answer a pass late, as if
    all that is above the outlet's humidity were taken.
    """
    taken = 0.0
    falls = 0.0
    late = 0.0
    for u in range(coils.first[z], coils.first[z + 1]):
        c = coils.row[u]
        own = coil.condensate[c, s]
        taken += coils.times[u] * own
        falls += coils.times[u] * (own / max(root.drop[c, s], 1e-6) if own > 0.0 else 0.0)
        late = 1.0 if own > 0.0 and held[unit.exchange[c], s] > 0.0 else late
    w = rooms.humidity[z, s]
    moved = w - before.humidity[z, s]
    apart = abs(moved) > 1e-6 * w
    follows = (taken - before.taken[z, s]) / (moved if apart else 1.0)
    soon = clip(follows, 0.05 * falls, 2.0 * falls) if apart and known(follows) else falls
    out[z, s] = falls if late > 0.0 else soon
    before.humidity[z, s] = w
    before.taken[z, s] = taken


@kernel
def balance_vapour(z, s, zone: Zone, fresh: Reals2, before: Before, falling: Reals2, sources: Groups,
                   source: Humidifier, site: Weather, out: columns.zone, given: columns.humidifier,
                   air: MoistAir):  # fmt: skip
    """Humidity of a room: m_v (w_o - w) + vapour of people and humidifiers = condensate, unless it is stated.

    Condensate is taken to follow w as it does now, by `falling`. Humidifiers share what is missing to the dampest of
    what they hold by their capacities.
    """
    moved = dry_air(fresh[z, s], site.humidity[0, s])
    gained = zone.vapour[z, s]
    taken = before.taken[z, s]
    able = 0.0
    held = 0.0
    for u in range(sources.first[z], sources.first[z + 1]):
        able += sources.times[u] * source.capacity[sources.row[u], s]
        held = max(held, source.humidity[sources.row[u], s])
    w = out.humidity[z, s]
    stated = known(zone.humidity[z, s])
    follows = max(moved + falling[z, s], 1e-12)
    surplus = moved * (site.humidity[0, s] - w) + gained - taken
    dampest = site.humidity[0, s] + gained / max(moved, 1e-12)
    low = before.low[z, s] if known(before.low[z, s]) else 0.0
    high = before.high[z, s] if known(before.high[z, s]) else dampest
    low = w if surplus >= 0.0 else low
    high = w if surplus <= 0.0 else high
    damp = surplus < 0.0 or before.damp[z, s] > 0.0
    ahead = w + surplus / follows
    far = ahead > w * (1.0 + NEAR)
    blind = damp and taken <= 0.0 and far  # coils are dry, and would be wet on the way to where vapour leads
    free = ahead if ahead >= low and ahead <= high and not blind else 0.5 * (low + high)
    before.damp[z, s] = 1.0 if damp else 0.0
    wider = WIDER * (high - low + w)
    before.low[z, s] = max(low - wider, 0.0)
    before.high[z, s] = high + wider
    missing = max(held - free, 0.0) * follows
    flow = 0.0 if stated else min(missing, able)
    now = zone.humidity[z, s] if stated else max(free + flow / follows, 0.0)
    out.humidity[z, s] = now
    out.dew_point[z, s] = dew_point_of(air, now, site.pressure[0, s])
    out.condensate[z, s] = taken
    out.moisture[z, s] = taken if stated else moved * (site.humidity[0, s] - now) + gained + flow
    for u in range(sources.first[z], sources.first[z + 1]):
        k = sources.row[u]
        part = source.capacity[k, s] / max(able, 1e-12)
        vapour = flow * part
        given.flow[k, s] = vapour
        given.power[k, s] = vapour * source.energy[k, s]
        given.heat[k, s] = vapour * (source.energy[k, s] - air.latent)
        given.water[k, s] = vapour * source.flushed[k, s]
        given.loading[k, s] = 0.0 if stated else missing * part / max(source.capacity[k, s], 1e-12)


@kernel
def brought(i, s, coils: Groups, coil: columns.coil, sources: Groups, given: columns.humidifier, out: columns.audit):
    """Heat of vaporisation that comes with moist air and people: what coils give to water, less that of humidifiers."""
    total = 0.0
    for u in range(coils.first[i], coils.first[i + 1]):
        total += coils.times[u] * coil.latent[coils.row[u], s]
    for u in range(sources.first[i], sources.first[i + 1]):
        k = sources.row[u]
        total -= sources.times[u] * (given.power[k, s] - given.heat[k, s])
    out.latent[i, s] = total


class Moisture:
    """Moisture of a plant's rooms in a block.

    wetness: what wet surfaces do to exchanges. entering, balancing: calls before temperatures are solved, and after.
    """

    def __init__(self, b: Block, net: Streams, flow: Array, now: Packed, coolant: Packed, held: Array) -> None:
        plant, zones = b.plant, len(b.plant.zone.supply)
        self.wetness = b.work(Wetness, len(plant.exchange.hot))
        self.wetness.packed_reals[...] = 1.0
        exchanger, count = b.table(plant.exchange), len(plant.exchange.hot)
        self.entering, self.balancing = b.bind(aim_at, count, exchanger, self.wetness), list[Call]()
        if not zones:
            return
        rooms, air = b.ledger(columns.zone), send((MOIST_AIR,), b.xp)
        b.state(_start(plant), b.column(columns.zone.humidity))
        coils, sources = len(plant.coil.exchange), len(plant.humidifier.zone)
        at, root = b.work(Surface, coils), b.roots(Joint, coils)
        coil, site, source = b.table(plant.coil), b.table(plant.site), b.table(plant.humidifier)
        of_coils = _by_room(plant, plant.coil.zone, columns.coil)
        of_sources = _by_room(plant, plant.humidifier.zone, columns.humidifier)
        ledgers = b.ledger(columns.coil), b.ledger(columns.humidifier)
        before, falling, room = b.roots(Before, zones), b.zeros(zones), b.table(plant.zone)
        fresh, mixing = self._fresh(b, room, flow)
        drying, reheating = list[Call](), list[Call]()
        if np.isfinite(plant.coil.dries_to).any():
            lower, streams = b.zeros(zones), b.ledger(columns.stream)
            drying = [
                *b.bind(excess_vapour, zones, room, fresh, b.groups(of_coils), coil, at, site, lower),
                *b.bind(dry_to, coils, coil, exchanger, at, lower, self.wetness, *air, site),
            ]
            reheating = b.bind(warm_again, coils, coil, exchanger, streams, self.wetness, ledgers[0])
        self.entering += [
            *b.bind(enter_coils, coils, coil, exchanger, net, flow, now, coolant, rooms, at),
            *drying,
            *b.bind(condense, coils, coil, at, site, root, self.wetness, *air),
        ]
        every = (
            grouped(np.zeros(n, int), np.arange(n), 1, plant.counts[kind])[0]
            for n, kind in ((coils, columns.coil), (sources, columns.humidifier))
        )
        one, other = map(b.groups, every)
        self.balancing = [
            *reheating,
            *b.bind(drain, coils, coil, self.wetness, b.ledger(columns.exchange), root, ledgers[0]),
            *b.bind(drained, zones, b.groups(of_coils), coil, held, ledgers[0], root, rooms, before, falling),
            *mixing,
            *b.bind(balance_vapour, zones, room, fresh, before, falling, b.groups(of_sources), source, site, rooms,
                    ledgers[1], *air),
            *b.bind(brought, 1, one, ledgers[0], other, ledgers[1], b.ledger(columns.audit)),
        ]  # fmt: skip

    @staticmethod
    def _fresh(b: Block, room: Packed, flow: Array) -> tuple[Array, list[Call]]:
        """Outdoor air that comes into rooms (room, lanes), and what works it out."""
        plant, zones = b.plant, len(b.plant.zone.supply)
        if not plant.mixing:
            return room.ventilation, []
        stream, zone = (np.concatenate([getattr(m, f) for m in plant.mixing]) for f in ("stream", "zone"))
        share = np.concatenate([b.rows(m.share) for m in plant.mixing])
        times = plant.counts[columns.stream][stream] / plant.counts[columns.zone][zone]
        groups = b.groups(grouped(zone, np.arange(len(zone)), zones, times)[0])
        fresh = b.zeros(zones)
        return fresh, b.bind(
            mix_outdoors, zones, room, groups, b.integers(stream), b.integers(share), flow, b.solved, fresh
        )


def _by_room(plant: System, zone: Array, kind: type) -> Groups:
    """Rows of what stands in rooms, by room; weights are per room."""
    times = plant.counts[kind] / plant.counts[columns.zone][zone]
    return grouped(zone, np.arange(len(zone)), len(plant.zone.supply), times)[0]


def _start(plant: System) -> Array:
    """Humidity that rooms begin with, (room, 1|S): as stated, or that of outdoors as far as a cool room holds it."""
    mild = humidity_ratio_from_dew_point(283.15, plant.site.pressure)
    return np.where(np.isnan(plant.zone.humidity), np.minimum(plant.site.humidity, mild), plant.zone.humidity)
