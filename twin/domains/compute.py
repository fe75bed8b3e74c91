"""Rack power from clocks, caps, temperature and cooling."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.columns import Array, Solved, engine
from twin.elements import Engine
from twin.kernels.arrays import share

AIR_HEAT = 1006.0
"""Specific heat of dry air, J/kg/K."""

MAX_RISE = 500.0
"""Rise of a junction above its coolant at which it is cut off, K."""

CAP_TOLERANCE = 1e-3
"""Share by which a cap may be passed: that is how well clocks hold it."""

SOFT = 0.01
"""Width of the throttle's smooth clamp, as a share of chip power."""


def soft_minimum(a: Array, b: Array, width: Array) -> Array:
    """A where a is well below b, b where b is well below a, smooth between: a - w ln(1 + exp((a - b)/w))."""
    return np.minimum(a, b) - width * np.log1p(np.exp(-np.abs(a - b) / width))


def thermal_resistance(e: Engine, flow: Array, cp: Array, conductivity: Array, spread: float | Array = 0.0) -> Array:
    """Case to inlet of a chip, K/W: R = R_s + c/k + 1/(2 m cp), or a heat sink's R (m_r/m)^0.8, plus its interface.

    Laminar cold-plate channels, fitted to the OCP 1 kW module; `flow` is the rack's, shared by its plates;
    `spread` is 1 for the worst chip, 0 for the mean one.
    """
    rack = np.maximum(np.abs(flow), 1e-4 * e.plates)
    plate = rack * (1.0 - spread * e.maldistribution) / (e.plates * np.maximum(e.chip_scale, 1e-6))
    sink = e.sink_resistance * (e.sink_flow * np.maximum(e.chip_scale, 1e-6) / rack) ** 0.8
    interface = e.junction_to_case * (1.0 + spread * e.interface_spread)
    return e.plate_spread + e.plate_conduction / conductivity + sink + 0.5 / (plate * cp) + interface


def _junction(inlet: Array, resistance: Array, rest: Array, leak: Array, slope: Array, reference: Array) -> Array:
    """T = inlet + R (rest + leak exp(slope (T - reference))) by Newton, K."""
    T = inlet + resistance * (rest + leak)
    for _ in range(6):
        heat = leak * np.exp(np.clip(slope * (T - reference), -50.0, 4.0))
        gap = T - inlet - resistance * (rest + heat)
        T = np.clip(T - gap / np.maximum(1.0 - slope * heat * resistance, 0.2), inlet, inlet + MAX_RISE)
    return T


class Coolant(NamedTuple):
    """What cools the chips of every rack, all (rack, scenario).

    inlet [K], flow [kg/s], cp [J/(kg K)], conductivity [W/(m K)].
    """

    inlet: Array
    flow: Array
    cp: Array
    conductivity: Array


def racks(e: Engine, coolant: Coolant, fed: Array, level: Array | float = 1.0) -> Solved:
    """Solved columns of all racks, (rack, scenario): power, heats, junctions, clocks, air flow, losses.

    Chip power = base + active φ^a + leak exp(k (T_j - T_0)), where base + active + leak at T_0 is the power at
    this utilisation; of its rated power a chip at work draws the share `level`. A cap on chips or on the rack lowers
    the clock φ; so does, smoothly, a worst chip that would pass its throttle temperature, and since the chips work
    in step the slowest sets the clock of all. `fed` is 0 without supply. Where a power is given for the whole rack,
    the work done follows from what it leaves for the chips, and its converters lose what they do at that power. A rack
    without chips has no junctions: NaN.
    """
    inlet, flow, cp, conductivity = coolant
    full, idle = e.chip_power * e.power_scale, e.chip_idle * e.power_scale
    leak = e.leakage_share * full
    base, active = idle - leak, e.utilisation * np.maximum(level * full - idle, 0.0)
    hosts = e.hosts * (e.host_idle + e.host_utilisation * (e.host_power - e.host_idle))
    mean, worst = (thermal_resistance(e, flow, cp, conductivity, spread) for spread in (0.0, 1.0))
    law = (leak, e.leakage_slope, e.leakage_temperature)
    excess = 1.0 + e.power_spread

    requested = active * e.clock**e.clock_exponent
    hot = _junction(inlet, mean, base + requested, *law)
    demand = base + requested + _leak(hot, *law)
    capped = np.minimum(demand, np.minimum(e.cap, _left(e, hosts)))
    hottest = (e.throttle_temperature - inlet) / (worst * excess)
    room = hottest - _leak(e.throttle_temperature, *law) + _leak(inlet + mean * hottest, *law)
    chip = soft_minimum(capped, room, SOFT * np.maximum(full, 1.0))
    clock = _clock(e, chip, base, active, inlet, mean, law)
    free = _clock(e, capped, base, active, inlet, mean, law)
    slowest = np.minimum(e.min_clock, e.clock)
    clock, free = np.clip(clock, slowest, e.clock), np.clip(free, slowest, e.clock)
    dynamic = base + active * clock**e.clock_exponent
    junction_mean = _junction(inlet, mean, dynamic, *law)
    chip = dynamic + _leak(junction_mean, *law)
    junction = _junction(inlet, worst, dynamic * excess, leak * excess, *law[1:])

    inside = e.chip_scale * (e.chips * chip + hosts + e.other_power)
    board = e.board_fixed + inside * (e.board_proportional + inside * e.board_square)
    power, speed, shelf = _shelves(e, inside + board + e.chip_scale * e.inner_power)
    loss = board + shelf
    given, modelled = e.it_power * e.chip_scale * e.power_scale, power
    override = np.isfinite(e.it_power)
    ratio = np.where(override, given / power, 1.0)
    power = np.where(override, given, power)
    air = (1.0 - e.liquid_fraction) * power
    speed = np.where(override, _speed(e, air), speed)
    loss = np.where(override, _down(e, given, speed)[1], loss)
    rise = lambda T: np.where(override, inlet + (T - inlet) * ratio, T)  # noqa: E731
    chips = lambda x: np.where(e.chips > 0, x, np.nan)  # noqa: E731
    on, rated = fed * (e.chip_scale > 0), e.nameplate * e.chip_scale * e.power_scale
    solved = {
        engine.power: on * power,
        engine.peak: on * power * e.peak_factor,
        engine.heat_liquid: on * power * e.liquid_fraction,
        engine.heat_air: on * power * (1.0 - e.liquid_fraction),
        engine.loss: on * loss,
        engine.chip_power: chips(on * chip * ratio),
        engine.chips: on * e.chips * e.chip_scale,
        engine.junction_mean: chips(np.where(on > 0, rise(junction_mean), inlet)),
        engine.junction: chips(np.where(on > 0, rise(junction), inlet)),
        engine.clock: on * np.where(override, e.clock, clock),
        engine.utilisation: on * e.utilisation * np.where(override, _busy(e, given, modelled, active), 1.0),
        engine.clock_lost: np.where(override, 0.0, on * (1.0 - clock / free)),
        engine.air_flow: on * speed * e.fan_flow,
        engine.air_rise: share(on * air, on * speed * e.fan_flow * AIR_HEAT, otherwise=np.nan),
        engine.nameplate: np.where(power <= (1.0 + CAP_TOLERANCE) * e.rack_cap, np.minimum(rated, e.rack_cap), rated),
    }
    shape = np.broadcast_shapes(*(np.shape(v) for v in solved.values()))
    return {column: np.broadcast_to(v, shape) for column, v in solved.items()}


def _busy(e: Engine, given: Array, modelled: Array, active: Array) -> Array:
    """Share of the modelled work that a given power pays for: the chips' active power takes what is missing."""
    moving = np.maximum(e.chip_scale * e.chips * active, 1e-9)
    return np.clip(1.0 - (modelled - given) / moving, 0.0, 1.0)


def _leak(T: Array, leak: Array, slope: Array, reference: Array) -> Array:
    return leak * np.exp(np.clip(slope * (T - reference), -50.0, 4.0))


def _clock(e: Engine, chip: Array, base: Array, active: Array, inlet: Array, resistance: Array, law: tuple) -> Array:
    """Clock at which a chip draws `chip` W at the temperature that this power gives it."""
    dynamic = chip - base - _leak(inlet + resistance * chip, *law)
    work = np.maximum(share(dynamic, active, otherwise=np.inf), 1e-9)
    return np.where(active > 0, work ** (1.0 / e.clock_exponent), e.clock)


def _speed(e: Engine, heat: Array) -> Array:
    """Fan speed that keeps the air rise, between its slowest and full speed."""
    required = heat / (AIR_HEAT * e.fan_rise * np.maximum(e.fan_flow, 1e-9))
    return np.where(e.fan_flow > 0, np.clip(required, e.min_fan_speed, 1.0), 0.0)


def _left(e: Engine, hosts: Array) -> Array:
    """Power that a rack's cap leaves to each chip, W: from the feed back through shelves, fans, boards and hosts."""
    capped = np.isfinite(e.rack_cap)
    cap = np.where(capped, e.rack_cap, 1.0)
    inside, _ = _down(e, cap, _speed(e, (1.0 - e.liquid_fraction) * cap))
    chip = (inside / np.maximum(e.chip_scale, 1e-6) - hosts - e.other_power) / np.maximum(e.chips, 1.0)
    return np.where(capped, np.maximum(chip, 0.0), np.inf)


def _down(e: Engine, power: Array, speed: Array) -> tuple[Array, Array]:
    """What is left behind the board converters of a power at the feed, and what shelves and boards lose of it, W."""
    out = _before(power, e.shelf_fixed, e.shelf_proportional, e.shelf_square)
    behind = np.maximum(out - e.fan_power * speed**3 - e.chip_scale * e.inner_power, 0.0)
    inside = _before(behind, e.board_fixed, e.board_proportional, e.board_square)
    return inside, power - out + behind - inside


def _before(power: Array, fixed: Array, proportional: Array, square: Array) -> Array:
    """What a converter gives that takes `power`: the root x of x + fixed + x (proportional + square x) = power."""
    b, rest = 1.0 + proportional, np.maximum(power - fixed, 0.0)
    return 2.0 * rest / (b + np.sqrt(np.maximum(b * b + 4.0 * square * rest, 0.0)))


def _shelves(e: Engine, load: Array) -> tuple[Array, Array, Array]:
    """Rack power at the feed, fan speed and shelf loss; fans follow the air heat, of which they are part."""
    power, speed, shelf = load, load, load
    for _ in range(12):
        speed = _speed(e, (1.0 - e.liquid_fraction) * power)
        out = load + e.fan_power * speed**3
        shelf = e.shelf_fixed + out * (e.shelf_proportional + out * e.shelf_square)
        power = out + shelf
    return power, speed, shelf
