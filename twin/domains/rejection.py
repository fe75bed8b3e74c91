"""What laws of heat rejection share, and dry and adiabatic coolers; arrays (unit, scenario).

Each law is a frozen table of columns, (k, 1) or (k, S), with a kernel that answers what comes to its units: by the
affine outlet that is exact at the given inputs, and by what the unit then takes. Temperatures in K, flows in kg/s, all
SI. Roots are found by a fixed number of steps, which start from those of the pass before, so that a few passes reach
them whatever the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias

import numpy as np

from twin.columns import Array, Real
from twin.elements import Response
from twin.fluids import FREEZING, STANDARD_PRESSURE, VAPORISATION, air_density
from twin.kernels.arrays import flattened, namespace, send
from twin.kernels.cell import Kernel, Reals2, cell, kernel
from twin.kernels.elementary import power
from twin.kernels.exchangers import cross_flow, crossflow, film, in_series
from twin.kernels.launch import bind
from twin.kernels.numbers import clip, known
from twin.kernels.subset import Argument, Packed, Table

Numbers: TypeAlias = Any
"""An array (unit, scenario) or one number, which kernels read as an array like others."""

OFF = 1e-6
"""How far below the set point an inlet must be for the unit to stand still, K."""
AWAKE = 1e-3
"""Share of the rated flow below which fans and compressors fade out."""
AIR_APPROACH = 13.0
"""Condensing temperature above the entering air, K, of which thin air needs more."""
WATER_CP = 4186.0
MOIST_CP = 1020.0
"""Specific heat of outdoor air with its moisture, J/(kg K)."""

LEAST_CAPACITY = 1e-6
"""Capacity rate of water that stands still, W/K."""


# ---- what laws are asked, and what they answer -------------------------------------------------------------------


class Inflow(Table):
    """What comes to units, (unit, scenario).

    inlet [K], flow, not negative [kg/s], cp [J/(kg K)], viscosity [Pa s], conductivity [W/(m K)], NaN where they are
    not known. sink, sink_rate: entering condenser water [K] and its capacity rate [W/K], where a law has any. least,
    most: units that run at least and at most, as staged by a pass before; 0 and infinity where they are free.
    """

    inlet: Reals2
    flow: Reals2
    cp: Reals2
    viscosity: Reals2
    conductivity: Reals2
    sink: Reals2
    sink_rate: Reals2
    least: Reals2
    most: Reals2


class Roots(Table):
    """Roots of the last pass, from which the next one starts, NaN where there was none; (unit, scenario).

    range_: at full speed. able: of all cells. ahead: of a slightly warmer inlet. cells: where the next one starts.
    speed: of the fans. Each is what its law solves for: a speed [1], a range or a rise of the air's wet bulb [K].
    """

    range_: Reals2
    able: Reals2
    ahead: Reals2
    cells: Reals2
    speed: Reals2


class Answer(Table):
    """What units answer, as in `Response`, (unit, scenario)."""

    slope: Reals2
    offset: Reals2
    power: Reals2
    water: Reals2
    loading: Reals2
    running: Reals2
    speed: Reals2
    warning: Reals2
    driven: Reals2


REPEATS = 6
"""Passes with which a law that is called alone reaches its roots from nowhere."""


class Law(Table):
    """A table of columns with a kernel (r, s, law, at: Inflow, root: Roots, out: Answer, *tables).

    compresses: whether its cold is that of compressors, which a year counts apart from what the weather cools.
    """

    kernel: ClassVar[Kernel]
    compresses: ClassVar[bool] = False

    @classmethod
    def real_columns(cls) -> tuple[str, ...]:
        """Names of its fields of numbers, `Array` or `Numbers`."""
        return tuple(f.name for f in fields(cls) if f.type in ("Array", "Numbers"))  # type: ignore[arg-type]

    @classmethod
    def index_columns(cls) -> tuple[str, ...]:
        """A law has no columns of integers."""
        return ()

    def tables(self) -> tuple[Argument, ...]:
        """What else the kernel takes, in main memory."""
        return ()

    def respond(
        self,
        inlet: Array,
        flow: Array,
        cp: Real,
        sink: Real = np.nan,
        running: Array | None = None,
        sink_rate: Real = np.nan,
        viscosity: Real = np.nan,
        conductivity: Real = np.nan,
    ) -> Response:
        """Response to inlets [K], flows of all units together [kg/s] and entering condenser water [K].

        (unit, scenario). `running` keeps the staging of an earlier answer. `sink_rate` is the capacity rate of that
        water [W/K], viscosity [Pa s] and conductivity [W/(m K)] are of the coolant.
        """
        least, most = (0.0, np.inf) if running is None else (running, running)
        asked = dict(inlet=inlet, flow=np.abs(flow), cp=cp, viscosity=viscosity, conductivity=conductivity)
        asked |= dict(sink=sink, sink_rate=sink_rate, least=least, most=most)
        roots, blank = dict.fromkeys(Roots.real_columns(), np.nan), dict.fromkeys(Answer.real_columns(), 0.0)
        answers = self.run(self.kernel, (Inflow, asked), (Roots, roots), (Answer, blank), repeats=REPEATS)
        return Response(*answers)

    def run(self, kernel: Kernel, *given: tuple[type[Table], dict[str, Any]], repeats: int = 1) -> Iterator[Array]:
        """Columns of the last of tables by kind, broadcast to one shape, when a kernel of the law has run over them."""
        own = {name: self.column_of(name) for name in self.real_columns()}
        parts = [(type(self), own), *given]
        every = [v for _, columns in parts for v in columns.values()]
        shape, xp = np.broadcast_shapes(*(np.shape(v) for v in every)), namespace(*every)
        tables = [packed(kind, columns, shape, xp) for kind, columns in parts]
        answer = tables[-1].packed_reals
        if answer.size:
            call = bind(kernel, answer.shape[1:], *tables, *send(self.tables(), xp))
            for _ in range(repeats):
                call()
        return (column.reshape(shape)[()] for column in answer)


def packed(kind: type[Table], columns: dict[str, Any], shape: tuple[int, ...], xp: Any) -> Packed:
    """A table as kernels take it, all units and scenarios in one row."""
    return Packed(kind, flattened(columns.values(), shape, xp), xp.zeros((0, 0), np.int32))


# ---- roots -------------------------------------------------------------------------------------------------------

CLOSE = 3e-16
"""What is left of a function at its root over what it has at both ends."""


def rising_root(f: Callable[[Array], Array], low: Real, high: Real, steps: int = 32) -> Array:
    """Root of a rising f in [low, high], or the nearer end: secants with halved weights, every third step a bisection.

    Illinois' rule [Dowell & Jarratt, BIT 11 (1971) 168]. An element that is `CLOSE` stays as it is, so that stopping
    when all are leaves it as it would be alone.
    """
    a, b = low + 0.0 * high, high + 0.0 * low
    fa, fb = f(a), f(b)  # type: ignore[arg-type]
    ended, side = np.where(fa >= 0, a, np.where(fb <= 0, b, np.nan)), np.zeros_like(fa)
    best, error, close = a, np.abs(fa), CLOSE * (np.abs(fa) + np.abs(fb))
    done = np.isfinite(ended)
    for i in range(steps):
        step = fb - fa
        x = np.where((step > 0) & (i % 3 != 2), (a * fb - b * fa) / np.where(step > 0, step, 1.0), 0.5 * (a + b))
        x = np.clip(x, a, b)
        y = f(x)
        left, better = y < 0, (np.abs(y) < error) & ~done
        best, error = np.where(better, x, best), np.where(better, np.abs(y), error)
        done = done | (error <= close)
        if done.all():
            break
        fb, fa = np.where(left & (side < 0), 0.5 * fb, fb), np.where(~left & (side > 0), 0.5 * fa, fa)
        a, fa = np.where(left, x, a), np.where(left, y, fa)
        b, fb = np.where(left, b, x), np.where(left, fb, y)
        side = np.where(left, -1.0, 1.0)
    return np.where(np.isnan(ended), best, ended)


SAME = 1e-11
"""By what steps at a root may differ."""


@cell
def towards(low, high, x, fx, y, fy):
    """The next step to the root of a rising f in [low, high], after x and y: where the line through f there is zero.

    The middle, if that lies outside or f does not rise from x to y. Two that are the same are the root.
    """
    rise = (fy - fx) / (y - x if y != x else 1.0)
    z = y - fy / (rise if rise > 0.0 else 1.0)
    same = abs(y - x) < SAME
    inside = rise > 0.0 and z >= low and z <= high
    return z if inside else (y if same else 0.5 * (low + high))


@cell
def apart(y, x, low, high):
    """A second guess y of a root in [low, high]: the middle where it is the first one, x, and would tell no slope."""
    return 0.5 * (low + high) if abs(y - x) < SAME else y


# ---- what units share --------------------------------------------------------------------------------------------


@cell
def capacity(flow, cp):
    """Capacity rate [W/K] of a flow, next to nothing without."""
    return max(flow * cp, LEAST_CAPACITY)


@cell
def stands_still(inlet, set_point):
    """Whether a unit is off: its inlet [K] lies below the set point [K]."""
    return inlet <= set_point - OFF


@cell
def coming_in(gap, least):
    """Share in which a unit works that starts where a gap [K] exceeds what is least, if that is more than nothing.

    From there it comes in over a kelvin, as one that cycles at its changeover does on average.
    """
    return clip(gap - least, 0.0, 1.0) if least > 0.0 else 1.0


@cell
def awake(flow, rated_flow):
    """Share in which fans and compressors are on at so small a flow."""
    return clip(flow / (AWAKE * rated_flow), 0.0, 1.0)


LEVEL = 1e-15
"""Gain of effect below which faster fans are of no use."""


@cell
def first_speed(target, low, full, slowest, last):
    """Fan speed to start from: the last, or that of a straight line between the slowest, of effect `low`, and full."""
    line = slowest + (1.0 - slowest) * (target - low) / max(full - low, 1e-12)
    return clip(last if known(last) else line, slowest, 1.0)


@cell
def mean_speed(required, low, full, free, slowest, speed):
    """Mean speed and mean cube of speed of fans for a required effect, of which `speed` is that between the ends.

    `low` and `full` are the effects at the slowest and at full speed, which is all where the required one cannot be
    reached. Below the slowest speed fans run part of the time: effectiveness is then linear between standing fans,
    which leave the share `free` of the full one, and the slowest speed.
    """
    still = min(free * full, 0.999 * low)
    part = clip((required - still) / max(low - still, 1e-12), 0.0, 1.0)
    slow = required <= low
    reached = slowest if full - low < LEVEL else (1.0 if required >= full else speed)
    mean = part * slowest if slow else reached
    cube = part * (slowest * slowest * slowest) if slow else reached * reached * reached
    return mean, cube


@cell
def over(required, available):
    """Wanted over available duty between 0 and 1000."""
    return clip(required / max(available, 1e-3 * max(required, 1e-9)), 0.0, 1e3)


@cell
def make_up(evaporation, drift, cycles):
    """Make-up water [kg/s]: evaporation + drift + blow-down.

    Blow-down is evaporation / (cycles - 1) - drift and never negative, from the balance of dissolved solids, which
    leave with drift and blow-down [ASHRAE HVAC S&E (2020), ch. 40].
    """
    return evaporation + drift + max(evaporation / (cycles - 1.0) - drift, 0.0)


# ---- dry and adiabatic coolers -----------------------------------------------------------------------------------


def rated_density(air_in: Real) -> Array:
    """Density of the air that a coil is rated with, dry and at standard pressure, kg/m3."""
    return air_density(air_in, 0.0, STANDARD_PRESSURE)


def from_rating(
    duty: Real,
    water_in: Real,
    water_out: Real,
    air_in: Real,
    air_flow: Real,
    effectiveness: Callable[[Array, Array], Array] = crossflow,
) -> Array:
    """Conductance UA [W/K] of a coil that takes `duty` [W] from water_in to water_out [K] with air at air_in [K].

    `air_flow` in kg/s. Raises ValueError if that air cannot carry the duty at any size (effectiveness of 1 or more).
    """
    water = duty / (np.asarray(water_in, float) - water_out)
    air = np.asarray(air_flow) * MOIST_CP
    smaller, larger = np.minimum(water, air), np.maximum(water, air)
    required, ratio = np.broadcast_arrays(duty / (smaller * (water_in - np.asarray(air_in))), smaller / larger)
    if np.any(required >= effectiveness(np.asarray(1e3), ratio)):
        raise ValueError("the rated air flow cannot carry the rated duty; give more air or a warmer coolant")
    log = rising_root(lambda x: effectiveness(np.exp(x), ratio) - required, np.full(required.shape, -9.0), 7.0, 60)
    return np.exp(log) * smaller


@dataclass(frozen=True)
class DryCooler(Law):
    """Coils cooled by outdoor air that fans draw through them; with `saturation` the air is wetted first.

    One unit has UA = `conductance` [W/K] at `rated_flow` and `rated_air_flow` [kg/s], `fan_power` [W] at full speed;
    `count` equal units run in parallel at one speed. Films hA_w ~ m^`water_exponent` and hA_a ~ m^`air_exponent`, in
    the ratio `film_ratio` air over water; crossflow; fan power follows the cube law and the air density
    (`density` over that of the rating) [ASHRAE HVAC S&E (2020), ch. 39]. `fouling` in K/W of one unit.

    At a given flow films follow what flows at its temperature: that of the coolant by its conductivity, viscosity and
    specific heat, see `film_of`, over what they were at the rating, `rated_film`; that of the air by its absolute
    temperature over that of the rating, `warmth`, see `air_film`. Coolant goes round the coils where it is not warmer
    than the air by `min_gap` [K]; over the next kelvin they come in, see `coming_in`.

    `ambient` is the air drawn in [K], recirculation included. Pads bring it to T_db - saturation (T_db - T_wb) at
    most, where the air is above `wet_above` [K]. `wets_first` 0: they are wetted only as far as fans at full speed
    fail to hold the set point, which saves water; 1: before fans go beyond `min_speed`, which saves power.
    """

    set_point: Array
    conductance: Array
    rated_flow: Array
    rated_air_flow: Array
    fan_power: Array
    count: Array
    ambient: Array
    wet_bulb: Numbers = np.nan
    saturation: Numbers = 0.0
    cycles: Numbers = 4.0
    density: Numbers = 1.0
    film_ratio: Numbers = 0.5
    water_exponent: Numbers = 0.85
    air_exponent: Numbers = 0.8
    fouling: Numbers = 0.0
    min_speed: Numbers = 0.1
    rated_film: Numbers = np.nan
    warmth: Numbers = 1.0
    min_gap: Numbers = 0.0
    wets_first: Numbers = 0.0
    wet_above: Numbers = 0.0


@cell
def film_of(conductivity, cp, viscosity):
    """What a film in tubes owes to the coolant at a flow: Nu = 0.023 Re^0.8 Pr^0.4, so k^0.6 (cp / mu)^0.4.

    Dittus and Boelter, as McAdams has them [Incropera, Fundamentals of Heat and Mass Transfer, eq. 8.60]. For water
    from 5 to 60 degC within 2 % of the 1.4 % per kelvin of Wetter (LBNL-42355, 1999).
    """
    return power(conductivity, 0.6) * power(cp / viscosity, 0.4)


@kernel
def films_of(r, s, conductivity: Reals2, cp: Reals2, viscosity: Reals2, out: Reals2):
    """`film_of` of whole arrays."""
    out[r, s] = film_of(conductivity[r, s], cp[r, s], viscosity[r, s])


@cell
def air_film(warmth, exponent):
    """What the film of air owes to its temperature, over that of the rating, at a mass flow: k mu^-n.

    From 250 to 350 K k ~ T^0.88 and mu ~ T^0.79 [Incropera, table A.4]: 4 % less at -10 degC than at 35 degC, as
    Wetter's 0.08 % per kelvin (LBNL-42355).
    """
    return power(warmth, 0.88 - 0.79 * exponent)


@cell
def coil_effect(r, s, law: DryCooler, at: Inflow, water_side, air_side, speed):
    """Temperature effectiveness of the coolant at a fan speed; all units run.

    water_side, air_side: films at the rated flows over those of the rating.
    """
    count = max(law.count[r, s], 1e-9)
    c = capacity(at.flow[r, s], at.cp[r, s]) / count
    ratio = law.film_ratio[r, s]
    air = law.rated_air_flow[r, s] * law.density[r, s] * speed
    inside = water_side * law.conductance[r, s] * (1.0 + 1.0 / ratio)
    outside = air_side * law.conductance[r, s] * (1.0 + ratio)
    water = film(inside, c / at.cp[r, s], law.rated_flow[r, s], law.water_exponent[r, s])
    ua = in_series(water, film(outside, air, law.rated_air_flow[r, s], law.air_exponent[r, s]), law.fouling[r, s])
    smaller = max(min(c, air * MOIST_CP), 1e-9)
    return cross_flow(ua / smaller, smaller / max(c, air * MOIST_CP)) * smaller / max(c, smaller)


COIL_STEPS = (0, 1, 2)
"""Steps of a pass towards the speed of a dry cooler's fans."""


@kernel
def dry_cooler(r, s, law: DryCooler, at: Inflow, root: Roots, out: Answer):
    """Answers of dry and adiabatic coolers."""
    inlet = at.inlet[r, s]
    set_point = law.set_point[r, s]
    ambient = law.ambient[r, s]
    slowest = law.min_speed[r, s]
    required = inlet - set_point
    wanted = known(required)
    water_side = film_of(at.conductivity[r, s], at.cp[r, s], at.viscosity[r, s]) / law.rated_film[r, s]
    water_side = water_side if known(water_side) else 1.0
    air_side = air_film(law.warmth[r, s], law.air_exponent[r, s])
    best = coil_effect(r, s, law, at, water_side, air_side, 1.0)
    low = coil_effect(r, s, law, at, water_side, air_side, slowest)

    # air entering the coil, as wet as needed and as wet as can be, and water evaporated per mass of air
    bulb = law.wet_bulb[r, s] if known(law.wet_bulb[r, s]) else ambient
    wets = law.saturation[r, s] if ambient > law.wet_above[r, s] else 0.0
    full_drop = wets * max(ambient - bulb, 0.0)
    without = low if law.wets_first[r, s] > 0.5 else best
    needed = ambient - inlet + required / max(without, 1e-9)
    drop = clip(needed, 0.0, full_drop) if wanted else full_drop
    latent = VAPORISATION - 2326.0 * (bulb - FREEZING)
    wetted = MOIST_CP * drop / latent
    wettest = ambient - full_drop

    # the outlet's line
    off = stands_still(inlet, set_point)
    part = coming_in(inlet - wettest, law.min_gap[r, s])
    full = part * best
    bypassed = inlet <= wettest or part <= 0.0
    held = required < full * (inlet - wettest)
    standing = inlet if bypassed else set_point
    idle = off or bypassed
    out.slope[r, s] = 1.0 - 1e-9 if idle else (0.0 if held else 1.0 - full)
    out.offset[r, s] = 1e-9 * standing if idle else (set_point if held else full * wettest)

    # the fans' speed
    aim = required / max((inlet - (ambient - drop)) * part, 1e-9) if wanted else 2.0
    target = min(aim, best)
    bottom = slowest
    top = 1.0
    x = slowest
    fx = low - target
    y = apart(first_speed(target, low, best, slowest, root.speed[r, s]), x, bottom, top)
    fy = coil_effect(r, s, law, at, water_side, air_side, y) - target
    for _ in COIL_STEPS:
        bottom = y if fy < 0.0 else bottom
        top = top if fy < 0.0 else y
        z = towards(bottom, top, x, fx, y, fy)
        x = y
        fx = fy
        y = z
        fy = coil_effect(r, s, law, at, water_side, air_side, y) - target
    root.speed[r, s] = y
    speed, cube = mean_speed(aim, low, best, 0.0, slowest, y)

    count = max(law.count[r, s], 1e-9)
    on = 0.0 if idle else part * awake(at.flow[r, s], count * law.rated_flow[r, s])
    evaporated = count * law.rated_air_flow[r, s] * law.density[r, s] * speed * wetted
    loading = over(required, full * (inlet - wettest))
    out.power[r, s] = on * count * law.fan_power[r, s] * law.density[r, s] * cube
    out.water[r, s] = on * make_up(evaporated, 0.0, law.cycles[r, s])
    out.loading[r, s] = 0.0 if idle else (loading if wanted else 1.0)
    out.running[r, s] = 0.0 if idle else law.count[r, s]
    out.speed[r, s] = on * speed
    out.warning[r, s] = 0.0
    out.driven[r, s] = 0.0


DryCooler.kernel = dry_cooler
