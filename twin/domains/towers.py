"""Open cooling towers: the York correlation and Merkel's effectiveness-NTU, with their staging, fans and water."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, fields

import numpy as np

from twin.columns import Array, Real
from twin.domains.rejection import (
    WATER_CP,
    Answer,
    Inflow,
    Law,
    Numbers,
    Roots,
    apart,
    awake,
    capacity,
    make_up,
    mean_speed,
    over,
    rising_root,
    stands_still,
    towards,
)
from twin.elements import Box
from twin.fluids import (
    DRY_AIR_CP,
    FREEZING,
    MOLAR_RATIO,
    MOST_VAPOUR,
    STANDARD_PRESSURE,
    VAPORISATION,
    VAPOUR_CP,
    air_density,
    humidity_ratio_from_wet_bulb,
    saturation_pressure,
)
from twin.kernels.arrays import elementwise, numbers
from twin.kernels.cell import Reals2, cell, kernel
from twin.kernels.elementary import ceil
from twin.kernels.exchangers import counter_flow, counterflow
from twin.kernels.moist_air import MoistAir, saturated, saturated_humidity, temperatures, wet_bulb_of
from twin.kernels.numbers import clip, finite, known
from twin.kernels.subset import Argument

RATED_DENSITY = 1.2
"""Of the air at which fans are rated unless stated, kg/m3."""

MOIST_AIR = MoistAir(
    saturation_pressure(temperatures() + FREEZING),
    DRY_AIR_CP,
    VAPOUR_CP,
    VAPORISATION,
    FREEZING,
    MOLAR_RATIO,
    MOST_VAPOUR,
)
"""Saturated air, as kernels take it."""


@dataclass(frozen=True)
class Tower(Law):
    """Open cells that cool water towards the wet bulb.

    One cell is designed for `rated_flow` [kg/s] between `rated_inlet` and `rated_outlet` at `rated_wet_bulb` [K] with
    `fan_power` [W]; `cells` are installed. Stage rule: the smallest number of cells runs, at least `min_cells`,
    at which a cell carries no more than its rated flow, or takes no more than a finite `stage_heat` [W], and at which
    fans at full speed miss the set point by no more than `stage_miss` [K]; with a finite `min_cell_flow` as many run as
    get that share of their rated flow, since fans then take least power; a finite `running` overrides all that.
    Below `min_speed` fans run part of the time; standing fans leave `free_convection` of the full effect.

    Air: a cell moves `rated_air_flow` [kg/s] of dry air at full speed, by default the rated water flow over 1.2, where
    air has the `rated_density` [kg/m3], and as much more as the air drawn in is denser. Fan power follows the cube of
    the speed and that density [fan laws, ASHRAE HVAC Systems and Equipment (2020), ch. 21].

    Water: air leaves saturated, with the heat that it took up, and what it then holds more than when it came has
    evaporated; `drift` is a fraction of the flow, `cycles` the concentration of solids. `wet_bulb`, `dry_bulb` of the
    air drawn in [K], at the site's `pressure` [Pa].

    Basin: cells that stand still keep their basins at `basin_temperature` [K] by `basin_heater` [W/K] for each kelvin
    that the air is colder.
    """

    set_point: Array
    rated_flow: Array
    rated_inlet: Array
    rated_outlet: Array
    rated_wet_bulb: Array
    fan_power: Array
    cells: Array
    wet_bulb: Array
    dry_bulb: Array
    min_cells: Numbers = 1.0
    running: Numbers = np.nan
    stage_heat: Numbers = np.nan
    stage_miss: Numbers = np.inf
    min_cell_flow: Numbers = np.nan
    min_speed: Numbers = 0.2
    free_convection: Numbers = 0.125
    drift: Numbers = 2e-5
    cycles: Numbers = 4.0
    pressure: Numbers = STANDARD_PRESSURE
    rated_air_flow: Numbers = np.nan
    rated_density: Numbers = RATED_DENSITY
    rated_cp: Numbers = DRY_AIR_CP
    basin_heater: Numbers = 0.0
    basin_temperature: Numbers = FREEZING

    _reference = _rated_ua = 0.0

    @property
    def _thin(self) -> Array:
        """Density of the air over that of the rating."""
        return air_density(self.dry_bulb, self._humidity, numbers(self.pressure)) / numbers(self.rated_density)

    @property
    def _air(self) -> Array:
        """Dry air of a cell at full speed at the rating, kg/s."""
        return np.where(np.isnan(self.rated_air_flow), self.rated_flow / 1.2, self.rated_air_flow)

    @property
    def _moist_cp(self) -> Array:
        """Specific heat of the air drawn in, J/(kg K)."""
        return DRY_AIR_CP + VAPOUR_CP * self._humidity

    @property
    def _humidity(self) -> Array:
        """Humidity ratio of the air drawn in."""
        dry = np.maximum(self.dry_bulb, self.wet_bulb)
        return np.maximum(humidity_ratio_from_wet_bulb(dry, self.wet_bulb, numbers(self.pressure)), 0.0)

    @classmethod
    def real_columns(cls) -> tuple[str, ...]:
        """Fields of all towers, what follows for the air, and what correlations work out once.

        thin: density of the air over that of the rating [1]. air: of a cell [kg/s]. humidity [1], moist_cp [J/(kg K)]:
        of the air drawn in. reference: L/G of the rating [1]. rated_ua [W/K]. Both towers have the same columns, so
        that one text serves both.
        """
        shared = (f.name for f in fields(Tower))
        return (*shared, *_WORKED_OUT)

    def column_of(self, name: str) -> Array | float:
        """The numbers of a column; 0 for what only other towers have."""
        return getattr(self, _WORKED_OUT.get(name, name))

    def tables(self) -> tuple[Argument, ...]:
        """Saturated air."""
        return (MOIST_AIR,)

    @abstractmethod
    def boxes(self, inlet: Array, outlet: Real, sink: Real = np.nan) -> tuple[Box, ...]:
        """What the correlation is valid for, at these temperatures of the water [K]."""


_WORKED_OUT = {
    **{"thin": "_thin", "air": "_air", "humidity": "_humidity", "moist_cp": "_moist_cp"},
    **{"reference": "_reference", "rated_ua": "_rated_ua"},
}
"""Columns that follow from the rating, by the property that works them out."""


# ---- the York correlation ----------------------------------------------------------------------------------------

COLDEST, WARMEST, NARROWEST, WIDEST = -34.4, 26.7, 1.1, 22.2
"""Validity of the York correlation: wet bulb [degC] and range [K]."""


@cell
def quadratic(x, c0, c1, c2):
    """c0 + c1 x + c2 x²."""
    return c0 + x * (c1 + x * c2)


@cell
def york_curve(wet_bulb, range_):
    """Coefficients c0, c1, c2 of the approach [K] over L/G, at a wet bulb [K] and a range [K].

    27 terms (L/G)^l range^r T_wb^b, York correlation as in EnergyPlus 24 Engineering Reference, "YorkCalc". Wet bulb
    and range are clipped to its box.
    """
    b = clip(wet_bulb - FREEZING, COLDEST, WARMEST)
    r = clip(range_, NARROWEST, WIDEST)
    none_1 = quadratic(b, -0.359741205, -0.055053608, 0.0023850432)
    none_r = quadratic(b, 0.173926877, -0.0248473764, 0.00048430224)
    none_rr = quadratic(b, -0.005589849456, 0.0005770079712, -1.342427256e-5)
    once_1 = quadratic(b, 2.84765801111111, -0.121765149, 0.0014599242)
    once_r = quadratic(b, 1.680428651, -0.0166920786, -0.0007190532)
    once_rr = quadratic(b, -0.025485194448, 4.87491696e-5, 2.719234152e-5)
    twice_1 = quadratic(b, -0.0653766255555556, -0.002278167, 0.0002500254)
    twice_r = quadratic(b, -0.0910565458, 0.00318176316, 3.8621772e-5)
    twice_rr = quadratic(b, -0.0034285382352, 8.56589904e-6, -1.516821552e-6)
    c0 = quadratic(r, none_1, none_r, none_rr)
    c1 = quadratic(r, once_1, once_r, once_rr)
    c2 = quadratic(r, twice_1, twice_r, twice_rr)
    return c0, c1, c2


LEAST_APPROACH = 0.1
"""Least approach over the range."""
NONE, ANY = 1e-12, 1e30
"""L/G of an approach that no cell reaches, and of one that every cell does."""


@cell
def approach(wet_bulb, range_, liquid_gas):
    """Approach [K] at a wet bulb [K], a range [K] and L/G, see `york_curve`.

    Outside its box it is proportional to the range, so that the effectiveness stays. L/G stops at the maximum of the
    quadratic, beyond which the correlation would turn down; the approach is at least a tenth of the range, since small
    L/G would give a negative one.
    """
    c0, c1, c2 = york_curve(wet_bulb, range_)
    peak = -0.5 * c1 / min(c2, -1e-9)
    x = min(liquid_gas, peak) if c2 < 0.0 else liquid_gas
    r = clip(range_, NARROWEST, WIDEST)
    return max(quadratic(x, c0, c1, c2), LEAST_APPROACH * r) * range_ / r


@cell
def liquid_gas(wet_bulb, range_, approach):
    """Largest L/G at which the approach is no more than a given one [K]: `NONE` or `ANY`."""
    c0, c1, c2 = york_curve(wet_bulb, range_)
    r = clip(range_, NARROWEST, WIDEST)
    given = approach * r / range_
    spread = c1 * c1 - 4.0 * c2 * (c0 - given)
    x = 2.0 * (given - c0) / (c1 + math.sqrt(max(spread, 0.0)))
    found = x if spread > 0.0 else ANY
    return max(found if given >= LEAST_APPROACH * r and given > c0 else 0.0, NONE)


@kernel
def liquid_gases(r, s, wet_bulb: Reals2, range_: Reals2, approach: Reals2, out: Reals2):
    """`liquid_gas` of whole arrays."""
    out[r, s] = liquid_gas(wet_bulb[r, s], range_[r, s], approach[r, s])


@dataclass(frozen=True)
class YorkTower(Tower):
    """Tower after the York correlation: approach = sum of 27 terms in wet bulb, range and L/G.

    L/G is in units of the reference cell; the rating fixes the scale. Outside the box see `approach`; a warning is set.
    The correlation knows no altitude.
    """

    @property
    def _reference(self) -> Array:
        """L/G at which the correlation has the rated approach."""
        target = self.rated_outlet - self.rated_wet_bulb
        rated = elementwise(liquid_gases, self.rated_wet_bulb, self.rated_inlet - self.rated_outlet, target)
        return np.clip(rated, *REFERENCES)

    def boxes(self, inlet: Array, outlet: Real, sink: Real = np.nan) -> tuple[Box, ...]:  # noqa: D102
        return (
            Box("wet bulb", "temperature", self.wet_bulb, COLDEST + FREEZING, WARMEST + FREEZING),
            Box("range", "temperature_difference", inlet - outlet, 0.0, WIDEST),
        )


REFERENCES = 0.01, 8.0
"""Least and most L/G of a rating."""


@cell
def liquid(r, s, law: Tower, flow):
    """L/G of a York cell at full speed at its flow [kg/s]."""
    return law.reference[r, s] * flow / law.rated_flow[r, s]


NARROW = 1e-6
"""Least range that is looked at, K."""


@cell
def york_effect(r, s, law: Tower, flow, range_, speed):
    """Effectiveness of a York cell at its flow [kg/s], range [K] and fan speed."""
    span = max(range_, NARROW)
    return span / (span + approach(law.wet_bulb[r, s], span, liquid(r, s, law, flow) / max(speed, 1e-3)))


# ---- Merkel's theory ---------------------------------------------------------------------------------------------


SPEED_STEPS = (0, 1, 2, 3)
CELL_STEPS = (0, 1, 2, 3, 4, 5, 6, 7)
"""Steps of a pass towards a range, towards the speed of fans and towards a number of cells."""
LEAST_RISE = 0.02
"""Rise of the air's wet bulb below which its specific heat is that of such a rise, K."""
NEXT_TO_NOTHING = 1e-12
LEAST_HEAT = 1e3
"""Least heat that air may take up before it is as warm as the water, J/kg."""


@cell
def chord(air: MoistAir, base, wet_bulb, rise, pressure):
    """Specific heat c_e [J/(kg K)] of air as a stream of wet bulbs, from its `wet_bulb` [K] up by a rise [K].

    `base` is its enthalpy [J/kg] at that wet bulb.
    """
    d = max(rise, LEAST_RISE)
    return (saturated(air, wet_bulb + d, pressure) - base) / d


@cell
def heated(air: MoistAir, base, wet_bulb, heat, pressure):
    """Specific heat [J/(kg K)] of air as a stream of wet bulbs that takes up `heat` [J/kg]."""
    return chord(air, base, wet_bulb, wet_bulb_of(air, base + heat, pressure) - wet_bulb, pressure)


@kernel
def equivalents(r, s, wet_bulb: Reals2, heat: Reals2, out: Reals2, air: MoistAir):
    """Specific heat [J/(kg K)] of air that takes up `heat` [J/kg] from a wet bulb [K], at standard pressure."""
    base = saturated(air, wet_bulb[r, s], STANDARD_PRESSURE)
    out[r, s] = heated(air, base, wet_bulb[r, s], heat[r, s], STANDARD_PRESSURE)


@dataclass(frozen=True)
class MerkelTower(Tower):
    """Tower after Merkel: counterflow effectiveness-NTU with the enthalpy of saturated air as the cold stream.

    c_e = dh_s/dT between entering and leaving wet bulb, C_air = m_a c_e, UA_e = UA c_e / c_p with the specific heat of
    the moist air that enters, `rated_cp` [J/(kg K)] at the rating; UA follows wet bulb, air by volume and water flow by
    the factors of EnergyPlus's CoolingTower:VariableSpeed:Merkel defaults.
    """

    @property
    def _rated_ua(self) -> Array:
        """UA [W/K] at the rating, from the effectiveness there."""
        C, span = self.rated_flow * WATER_CP, self.rated_inlet - self.rated_outlet
        c_e = elementwise(equivalents, self.rated_wet_bulb, C * span / self._air, tables=self.tables())
        cold = self._air * c_e
        smaller, larger = np.minimum(C, cold), np.maximum(C, cold)
        required = C * span / (smaller * (self.rated_inlet - self.rated_wet_bulb))
        log = rising_root(lambda x: counterflow(np.exp(x), smaller / larger) - required, 0.0 * required - 6.0, 6.0, 60)
        return np.exp(log) * smaller * numbers(self.rated_cp) / c_e

    def boxes(self, inlet: Array, outlet: Real, sink: Real = np.nan) -> tuple[Box, ...]:  # noqa: D102
        rated = self.rated_wet_bulb
        return (Box("wet bulb", "temperature", self.wet_bulb, rated - COLDER, rated + WARMER),)


COLDER, WARMER = 25.0, 10.0
"""Validity of Merkel's tower: wet bulbs below and above the rated one, K."""


SLOWEST = 0.2
"""Fan speed below which a Merkel cell's effect stays."""


@cell
def turning(speed):
    """Fan speed as far as the factors of air flow are known."""
    return clip(speed, SLOWEST, 1.0)


@cell
def merkel_effect(r, s, law: Tower, at: Inflow, c_e, cells, speed):
    """Effectiveness of Merkel cells on the side of the air: the rise of its wet bulb over what it could be.

    c_e: specific heat of the air as a stream of wet bulbs [J/(kg K)].
    """
    flow = at.flow[r, s] / cells
    c = capacity(at.flow[r, s], at.cp[r, s]) / cells
    moved = turning(speed)
    cold = law.air[r, s] * law.thin[r, s] * moved * c_e
    lift = 1.0 + 0.0081 * clip(law.rated_wet_bulb[r, s] - law.wet_bulb[r, s], -10.0, 25.0)
    part = clip(flow / law.rated_flow[r, s], 0.3, 1.0)
    wetted = (0.1082 + 1.667 * part - 0.7713 * part * part) / 1.0039
    ua = law.rated_ua[r, s] * lift * wetted * (1.3 * moved - 0.3 * moved * moved)
    smaller = min(c, cold)
    return counter_flow(ua * c_e / law.moist_cp[r, s] / smaller, smaller / max(c, cold)) * smaller / cold


@cell
def merkel_speed(r, s, law: Tower, at: Inflow, air: MoistAir, base, cells, heat, gap, slow, fast, last):
    """Towards the rise [K] with which fans make the air take up `heat` [J/kg at full speed], from the last one.

    It lies between the rises with the slowest and the fastest fans. The less air, the more it rises.
    """
    wet_bulb = law.wet_bulb[r, s]
    pressure = law.pressure[r, s]
    low = fast
    high = max(slow, fast)
    x = low
    c_e = chord(air, base, wet_bulb, x, pressure)
    fx = x - merkel_effect(r, s, law, at, c_e, cells, heat / max(c_e * x, NEXT_TO_NOTHING)) * gap
    y = apart(clip(last if known(last) else 0.5 * (low + high), low, high), x, low, high)
    for _ in SPEED_STEPS:
        c = chord(air, base, wet_bulb, y, pressure)
        fy = y - merkel_effect(r, s, law, at, c, cells, heat / max(c * y, NEXT_TO_NOTHING)) * gap
        low = y if fy < 0.0 else low
        high = high if fy < 0.0 else y
        z = towards(low, high, x, fx, y, fy)
        x = y
        fx = fy
        y = z
    return y


@cell
def cells_of(r, s, law: Tower, at: Inflow, heat, range_):
    """Cells, whole or not, whose air takes up `heat` [J/kg] at full speed where the water has a range [K]."""
    most = law.air[r, s] * law.thin[r, s]
    return capacity(at.flow[r, s], at.cp[r, s]) * range_ / (most * max(heat, NEXT_TO_NOTHING))


@cell
def merkel_cells(r, s, law: Tower, at: Inflow, air: MoistAir, base, missed, gap, last):
    """Towards the rise [K] at which as many cells as need to run, whole or not, have a range `missed` [K]."""
    wet_bulb = law.wet_bulb[r, s]
    pressure = law.pressure[r, s]
    low = LEAST_RISE
    high = max(gap, low)
    x = low
    c_e = chord(air, base, wet_bulb, x, pressure)
    fx = x - merkel_effect(r, s, law, at, c_e, cells_of(r, s, law, at, c_e * x, missed), 1.0) * gap
    y = apart(clip(last if known(last) else 0.5 * high, low, high), x, low, high)
    for _ in CELL_STEPS:
        c = chord(air, base, wet_bulb, y, pressure)
        fy = y - merkel_effect(r, s, law, at, c, cells_of(r, s, law, at, c * y, missed), 1.0) * gap
        low = y if fy < 0.0 else low
        high = high if fy < 0.0 else y
        z = towards(low, high, x, fx, y, fy)
        x = y
        fx = fy
        y = z
    return y


# ---- towers of either kind ---------------------------------------------------------------------------------------

YORK, MERKEL = 0, 1

MANY = 1e6
"""More cells than any plant has."""
RANGE_STEPS = (0, 1, 2)
WARMER_INLET = 0.01
"""By which an inlet is warmer where the slope of the outlet is taken, K."""


@cell
def effect(kind, r, s, law: Tower, at: Inflow, air: MoistAir, base, cells, x):
    """What cells at full speed make of a gap of inlet over wet bulb, over that gap.

    York's range, at the range x [K], or the rise of the air's wet bulb of Merkel, at a rise x [K].
    """
    c_e = 1.0 if kind == YORK else chord(air, base, law.wet_bulb[r, s], x, law.pressure[r, s])
    york = york_effect(r, s, law, at.flow[r, s] / cells, x, 1.0) if kind == YORK else 0.0
    return york if kind == YORK else merkel_effect(r, s, law, at, c_e, cells, 1.0)


@cell
def full_speed(kind, r, s, law: Tower, at: Inflow, air: MoistAir, base, cells, gap, last):
    """Towards the x of `effect` for a gap [K], from the last one."""
    low = 0.0
    high = max(gap, 0.0)
    x = clip(last if known(last) else 0.5 * high, low, high)
    y = effect(kind, r, s, law, at, air, base, cells, x) * high
    fx = x - y
    low = x if fx < 0.0 else low
    high = high if fx < 0.0 else x
    for _ in RANGE_STEPS:
        fy = y - effect(kind, r, s, law, at, air, base, cells, y) * max(gap, 0.0)
        low = y if fy < 0.0 else low
        high = high if fy < 0.0 else y
        z = towards(low, high, x, fx, y, fy)
        x = y
        fx = fy
        y = z
    return y


@cell
def range_of(kind, r, s, law: Tower, at: Inflow, air: MoistAir, base, cells, x):
    """Range of the water [K] at full speed, from the x of `effect`."""
    heat = x * (1.0 if kind == YORK else chord(air, base, law.wet_bulb[r, s], x, law.pressure[r, s]))
    air_over_water = law.air[r, s] * law.thin[r, s] * cells / capacity(at.flow[r, s], at.cp[r, s])
    return heat if kind == YORK else heat * air_over_water


@cell
def forced(kind, r, s, law: Tower, at: Inflow, air: MoistAir, base, cells, cooling, speed):
    """Effectiveness (range over gap) at a range `cooling` [K] and a fan speed, and the rise of the air [K]."""
    c = capacity(at.flow[r, s], at.cp[r, s]) / cells
    moved = law.air[r, s] * law.thin[r, s] * turning(speed)
    heat = 0.0 if kind == YORK else c * cooling / moved
    c_e = 1.0 if kind == YORK else heated(air, base, law.wet_bulb[r, s], heat, law.pressure[r, s])
    york = york_effect(r, s, law, at.flow[r, s] / cells, cooling, speed) if kind == YORK else 0.0
    merkel = 0.0 if kind == YORK else merkel_effect(r, s, law, at, c_e, cells, speed) * moved * c_e / c
    return york if kind == YORK else merkel, heat / c_e


@cell
def fewest(r, s, law: Tower, at: Inflow):
    """Smallest number of cells that may carry flow or heat; see `Tower`."""
    required = at.inlet[r, s] - law.set_point[r, s]
    by_heat = capacity(at.flow[r, s], at.cp[r, s]) * max(required, 0.0) / law.stage_heat[r, s]
    load = by_heat if finite(law.stage_heat[r, s]) else at.flow[r, s] / law.rated_flow[r, s]
    whole = ceil(min(load, MANY) - 1e-9) if known(load) else MANY
    return min(max(max(whole, law.min_cells[r, s]), 1.0), law.cells[r, s])


@cell
def evaporation(r, s, law: Tower, air: MoistAir, base, inlet, heat, moved):
    """Water evaporated [kg/s] where dry air `moved` [kg/s] takes up `heat` [W] and leaves saturated: m (w_out - w_in).

    Its enthalpy rises by heat over m from that of its wet bulb, `base` [J/kg]. It leaves no warmer than the water
    comes, `inlet` [K]: where fans move less than carries the heat so, the air rises by itself.
    """
    pressure = law.pressure[r, s]
    most = max(saturated(air, inlet, pressure) - base, LEAST_HEAT)
    flow = max(moved, heat / most)
    leaving = wet_bulb_of(air, base + heat / max(flow, NEXT_TO_NOTHING), pressure)
    return flow * max(saturated_humidity(air, leaving, pressure) - law.humidity[r, s], 0.0)


@cell
def outside(kind, r, s, law: Tower, cooling):
    """Whether a tower is outside the box of its correlation; see `boxes`."""
    wet_bulb = law.wet_bulb[r, s]
    rated = law.rated_wet_bulb[r, s]
    low = COLDEST + FREEZING if kind == YORK else rated - COLDER
    high = WARMEST + FREEZING if kind == YORK else rated + WARMER
    wide = kind == YORK and (cooling < -1e-9 or cooling > WIDEST + 1e-9)
    return wet_bulb < low - 1e-9 or wet_bulb > high + 1e-9 or wide


@cell
def answer(kind, r, s, law: Tower, at: Inflow, root: Roots, out: Answer, air: MoistAir):
    """Answer of a tower."""
    inlet = at.inlet[r, s]
    set_point = law.set_point[r, s]
    wet_bulb = law.wet_bulb[r, s]
    pressure = law.pressure[r, s]
    flow = at.flow[r, s]
    gap = inlet - wet_bulb
    required = inlet - set_point
    wanted = known(required)
    base = saturated(air, wet_bulb, pressure)

    # cells, of which more start where the set point is missed
    few = fewest(r, s, law, at)
    some = required - law.stage_miss[r, s] if finite(law.stage_miss[r, s]) else 0.0
    missed = max(some, NARROW)
    most = liquid_gas(wet_bulb, missed, gap - missed) if kind == YORK else 1.0
    x = 0.0 if kind == YORK else merkel_cells(r, s, law, at, air, base, missed, gap, root.cells[r, s])
    heat = 0.0 if kind == YORK else chord(air, base, wet_bulb, x, pressure) * x
    needed = liquid(r, s, law, flow) / most if kind == YORK else cells_of(r, s, law, at, heat, missed)
    enough = ceil(min(needed, MANY) - 1e-9) if missed < gap and most > NONE else MANY
    called = few if some <= 0.0 else min(max(enough, few), max(law.cells[r, s], few))
    wetted = flow / (law.min_cell_flow[r, s] * law.rated_flow[r, s])
    spread = 1.0 - ceil(1.0 - min(wetted, MANY) - 1e-9) if known(wetted) else 0.0
    staged = max(called, min(spread, law.cells[r, s]))
    stated = law.running[r, s]
    cells = max(clip(stated if known(stated) else staged, at.least[r, s], at.most[r, s]), 1e-9)
    every = max(stated if known(stated) else law.cells[r, s], 1e-9)
    root.cells[r, s] = x

    # ranges at full speed: of the cells that run, of all, and of a warmer inlet, which changes the effectiveness too
    at_full = full_speed(kind, r, s, law, at, air, base, cells, gap, root.range_[r, s])
    at_all = full_speed(kind, r, s, law, at, air, base, every, gap, root.able[r, s])
    last = root.ahead[r, s] if known(root.ahead[r, s]) else at_full
    at_more = full_speed(kind, r, s, law, at, air, base, cells, gap + WARMER_INLET, last)
    root.range_[r, s] = at_full
    root.able[r, s] = at_all
    root.ahead[r, s] = at_more
    range_ = range_of(kind, r, s, law, at, air, base, cells, at_full)
    able = range_of(kind, r, s, law, at, air, base, every, at_all)
    ahead = range_of(kind, r, s, law, at, air, base, cells, at_more)

    # the outlet's line, where no set point holds a tangent
    off = stands_still(inlet, set_point)
    held = required < range_
    tangent = clip(1.0 - (ahead - range_) / WARMER_INLET, 0.0, 1.0 - 1e-9)
    out.slope[r, s] = 1.0 - 1e-9 if off else (0.0 if held else tangent)
    out.offset[r, s] = 1e-9 * set_point if off else (set_point if held else inlet - range_ - tangent * inlet)

    # the fans' speed
    slowest = law.min_speed[r, s]
    aim = required / max(gap, 1e-9) if wanted else 2.0
    cooling = max(required, 0.0) if held else range_
    full, fast = forced(kind, r, s, law, at, air, base, cells, cooling, 1.0)
    low, slow = forced(kind, r, s, law, at, air, base, cells, cooling, slowest)
    span = max(cooling, NARROW)
    water = capacity(flow, at.cp[r, s]) * cooling
    taken = 0.0 if kind == YORK else water / cells / (law.air[r, s] * law.thin[r, s])
    last_rise = root.speed[r, s]
    y = 0.0 if kind == YORK else merkel_speed(r, s, law, at, air, base, cells, taken, gap, slow, fast, last_rise)
    root.speed[r, s] = y
    lean = liquid_gas(wet_bulb, span, gap - span) if kind == YORK else 1.0
    blown = 0.0 if kind == YORK else taken / max(chord(air, base, wet_bulb, y, pressure) * y, NEXT_TO_NOTHING)
    reached = liquid(r, s, law, flow / cells) / lean if kind == YORK else blown
    speed, cube = mean_speed(aim, low, full, law.free_convection[r, s], slowest, clip(reached, slowest, 1.0))

    on = 0.0 if off else awake(flow, law.rated_flow[r, s])
    moved = cells * law.air[r, s] * law.thin[r, s] * speed
    evaporated = evaporation(r, s, law, air, base, inlet, water, moved)
    loading = over(required, able)
    warned = on > 0.0 and outside(kind, r, s, law, cooling)
    idle = max(law.cells[r, s] - (0.0 if off else cells), 0.0)
    heater = idle * law.basin_heater[r, s] * max(law.basin_temperature[r, s] - law.dry_bulb[r, s], 0.0)
    out.power[r, s] = on * cells * law.fan_power[r, s] * law.thin[r, s] * cube + heater
    out.water[r, s] = on * make_up(evaporated, law.drift[r, s] * flow * speed, law.cycles[r, s])
    out.loading[r, s] = 0.0 if off else (loading if wanted else 1.0)
    out.running[r, s] = cells
    out.speed[r, s] = on * speed
    out.warning[r, s] = 1.0 if warned else 0.0
    out.driven[r, s] = 0.0


@kernel
def york(r, s, law: Tower, at: Inflow, root: Roots, out: Answer, air: MoistAir):
    """Answers of towers after York."""
    answer(YORK, r, s, law, at, root, out, air)


@kernel
def merkel(r, s, law: Tower, at: Inflow, root: Roots, out: Answer, air: MoistAir):
    """Answers of towers after Merkel."""
    answer(MERKEL, r, s, law, at, root, out, air)


YorkTower.kernel = york
MerkelTower.kernel = merkel
