"""Open cooling towers: the York correlation and Merkel's effectiveness-NTU, with their staging, fans and water."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields

import numpy as np

from twin.columns import Array, Real
from twin.domains.rejection import (
    WATER_CP,
    Answer,
    Inflow,
    Law,
    Roots,
    awake,
    capacity,
    first_speed,
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
    saturation_pressure,
)
from twin.kernels.arrays import elementwise, numbers
from twin.kernels.cell import Reals2, cell, kernel
from twin.kernels.elementary import ceil
from twin.kernels.exchangers import counter_flow, counterflow
from twin.kernels.moist_air import MoistAir, saturated, saturated_humidity, temperatures, wet_bulb_of
from twin.kernels.numbers import clip, finite, known
from twin.kernels.subset import Argument

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
    fans at full speed miss the set point by no more than `stage_miss` [K]; a finite `running` overrides all that.
    Fans follow the cube law and the density of the air at the site's `pressure` [Pa].
    Below `min_speed` they run part of the time; standing fans leave `free_convection` of the full effect.

    Water: air leaves saturated at the mean water temperature, which fixes how much of the duty evaporates; `drift`
    is a fraction of the flow, `cycles` the concentration of solids. `wet_bulb`, `dry_bulb` of the air drawn in, K.
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
    min_cells: Array | float = 1.0
    running: Array | float = np.nan
    stage_heat: Array | float = np.nan
    stage_miss: Array | float = np.inf
    min_speed: Array | float = 0.2
    free_convection: Array | float = 0.125
    drift: Array | float = 2e-5
    cycles: Array | float = 4.0
    pressure: Array | float = STANDARD_PRESSURE

    @property
    def _thin(self) -> Array:
        """Density of the air over that of the rating."""
        return numbers(self.pressure) / STANDARD_PRESSURE

    @classmethod
    def real_columns(cls) -> tuple[str, ...]:
        """Fields of all towers, density of the air over that of the rating, and what correlations work out once.

        reference: L/G of the rating [1]. air: of a cell [kg/s]. rated_ua [W/K]. They are of one tower or the other, which
        have the same columns, so that one kernel text serves both.
        """
        shared = (f.name for f in fields(Tower))
        return (*shared, *_WORKED_OUT)

    def column_of(self, name: str) -> Array | float:
        """The numbers of a column; 0 for what only other towers have."""
        return getattr(self, _WORKED_OUT[name], 0.0) if name in _WORKED_OUT else getattr(self, name)

    def tables(self) -> tuple[Argument, ...]:
        """Saturated air."""
        return (MOIST_AIR,)

    @abstractmethod
    def boxes(self, inlet: Array, outlet: Real, sink: Real = np.nan) -> tuple[Box, ...]:
        """What the correlation is valid for, at these temperatures of the water [K]."""


_WORKED_OUT = {"thin": "_thin", "reference": "_reference", "air": "_air", "rated_ua": "_rated_ua"}
"""Columns that follow from the rating, by the property that works them out."""


# ---- the York correlation ----------------------------------------------------------------------------------------

COLDEST, WARMEST, NARROWEST, WIDEST = -34.4, 26.7, 1.1, 22.2
"""Validity of the York correlation: wet bulb [degC] and range [K]."""


@cell
def quadratic(x, c0, c1, c2):
    """c0 + c1 x + c2 x²."""
    return c0 + x * (c1 + x * c2)


@cell
def approach(wet_bulb, range_, liquid_gas):
    """Approach [K] at a wet bulb [K], a range [K] and L/G: 27 terms (L/G)^l range^r T_wb^b.

    York correlation as in EnergyPlus 24 Engineering Reference, "YorkCalc". Wet bulb and range are clipped to the box and
    the approach is proportional to the range outside, so that the effectiveness stays. L/G stops at the maximum of the
    quadratic, beyond which the correlation would turn down; the approach is at least a tenth of the range, since small
    L/G would give a negative one.
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
    peak = -0.5 * c1 / min(c2, -1e-9)
    x = min(liquid_gas, peak) if c2 < 0.0 else liquid_gas
    return max(quadratic(x, c0, c1, c2), 0.1 * r) * range_ / r


@kernel
def approaches(r, s, wet_bulb: Reals2, range_: Reals2, liquid_gas: Reals2, out: Reals2):
    """`approach` of whole arrays."""
    out[r, s] = approach(wet_bulb[r, s], range_[r, s], liquid_gas[r, s])


@dataclass(frozen=True)
class YorkTower(Tower):
    """Tower after the York correlation: approach = sum of 27 terms in wet bulb, range and L/G.

    L/G is in units of the reference cell; the rating fixes the scale. Outside the box see `approach`; a warning is set.
    The correlation knows no altitude.
    """

    @property
    def _reference(self) -> Array:
        """L/G at which the correlation has the rated approach."""
        span, target = self.rated_inlet - self.rated_outlet, self.rated_outlet - self.rated_wet_bulb
        found = lambda x: elementwise(approaches, self.rated_wet_bulb, span, x) - target  # noqa: E731
        return rising_root(found, 0.01 + 0.0 * (span + target), 8.0, 60)

    def boxes(self, inlet: Array, outlet: Real, sink: Real = np.nan) -> tuple[Box, ...]:  # noqa: D102
        return (
            Box("wet bulb", "temperature", self.wet_bulb, COLDEST + FREEZING, WARMEST + FREEZING),
            Box("range", "temperature_difference", inlet - outlet, 0.0, WIDEST),
        )


@cell
def york_effect(r, s, law: Tower, flow, range_, speed):
    """Effectiveness of a York cell at its flow [kg/s], range [K] and fan speed."""
    liquid = law.reference[r, s] * flow / law.rated_flow[r, s]
    span = max(range_, 1e-6)
    return span / (span + approach(law.wet_bulb[r, s], span, liquid / max(speed, 1e-3)))


# ---- Merkel's theory ---------------------------------------------------------------------------------------------


@cell
def equivalent(air: MoistAir, base, wet_bulb, heat, flow, pressure):
    """Specific heat [J/(kg K)] of a flow of air [kg/s] as a stream of wet bulbs that takes up `heat` [W].

    `base` is its enthalpy [J/kg] at the wet bulb [K] at which it enters.
    """
    rise = heat / flow
    return rise / max(wet_bulb_of(air, base + rise, pressure) - wet_bulb, 1e-3)


@kernel
def equivalents(r, s, wet_bulb: Reals2, heat: Reals2, flow: Reals2, out: Reals2, air: MoistAir):
    """`equivalent` of whole arrays at standard pressure."""
    base = saturated(air, wet_bulb[r, s], STANDARD_PRESSURE)
    out[r, s] = equivalent(air, base, wet_bulb[r, s], heat[r, s], flow[r, s], STANDARD_PRESSURE)


@dataclass(frozen=True)
class MerkelTower(Tower):
    """Tower after Merkel: counterflow effectiveness-NTU with the enthalpy of saturated air as the cold stream.

    c_e = dh_s/dT between entering and leaving wet bulb, C_air = m_a c_e, UA_e = UA c_e / c_p; UA follows wet bulb, air
    and water flow by the factors of EnergyPlus's CoolingTower:VariableSpeed:Merkel defaults. One cell moves
    `rated_air_flow` [kg/s], by default the rated water flow over 1.2.
    """

    rated_air_flow: Array | float = np.nan

    @property
    def _air(self) -> Array:
        return np.where(np.isnan(self.rated_air_flow), self.rated_flow / 1.2, self.rated_air_flow)

    @property
    def _rated_ua(self) -> Array:
        """UA [W/K] at the rating, from the effectiveness there."""
        C, span = self.rated_flow * WATER_CP, self.rated_inlet - self.rated_outlet
        c_e = elementwise(equivalents, self.rated_wet_bulb, C * span, self._air, tables=self.tables())
        cold = self._air * c_e
        smaller, larger = np.minimum(C, cold), np.maximum(C, cold)
        required = C * span / (smaller * (self.rated_inlet - self.rated_wet_bulb))
        log = rising_root(lambda x: counterflow(np.exp(x), smaller / larger) - required, 0.0 * required - 6.0, 6.0, 60)
        return np.exp(log) * smaller * DRY_AIR_CP / c_e

    def boxes(self, inlet: Array, outlet: Real, sink: Real = np.nan) -> tuple[Box, ...]:  # noqa: D102
        rated = self.rated_wet_bulb
        return (Box("wet bulb", "temperature", self.wet_bulb, rated - COLDER, rated + WARMER),)


COLDER, WARMER = 25.0, 10.0
"""Validity of Merkel's tower: wet bulbs below and above the rated one, K."""


@cell
def merkel_effect(r, s, law: Tower, air: MoistAir, base, flow, c, range_, speed):
    """Effectiveness of a Merkel cell at its flow [kg/s], capacity rate c [W/K], range [K] and fan speed.

    `base` is the enthalpy of the air that enters [J/kg].
    """
    thin = law.thin[r, s]
    wet_bulb = law.wet_bulb[r, s]
    most = law.air[r, s] * thin
    turning = clip(speed, 0.2, 1.0)
    heat = max(c * range_, 50.0 * most)
    c_e = equivalent(air, base, wet_bulb, heat, most * turning, law.pressure[r, s])
    cold = most * turning * c_e
    lift = 1.0 + 0.0081 * clip(law.rated_wet_bulb[r, s] - wet_bulb, -10.0, 25.0)
    part = clip(flow / law.rated_flow[r, s], 0.3, 1.0)
    moved = turning * thin
    wetted = (0.1082 + 1.667 * part - 0.7713 * part * part) / 1.0039
    ua = law.rated_ua[r, s] * lift * wetted * (1.3 * moved - 0.3 * moved * moved)
    smaller = min(c, cold)
    return counter_flow(ua * c_e / DRY_AIR_CP / smaller, smaller / max(c, cold)) * smaller / c


# ---- towers of either kind ---------------------------------------------------------------------------------------

YORK, MERKEL = 0, 1

HALVES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
"""Halvings that find a number among 10,000 cells."""
MANY = 1e6
"""More cells than any plant has."""
RANGE_STEPS = (0, 1)
SPEED_STEPS = (0, 1, 2)
"""Steps of a pass towards a range and towards the speed of fans."""
WARMER_INLET = 0.01
"""By which an inlet is warmer where the slope of the outlet is taken, K."""


@cell
def effect(kind, r, s, law: Tower, at: Inflow, air: MoistAir, base, cells, range_, speed):
    """Temperature effectiveness (range over inlet less wet bulb) of a cell at a range [K] and a fan speed."""
    flow = at.flow[r, s] / cells
    c = capacity(at.flow[r, s], at.cp[r, s]) / cells
    york = york_effect(r, s, law, flow, range_, speed) if kind == YORK else 0.0
    return york if kind == YORK else merkel_effect(r, s, law, air, base, flow, c, range_, speed)


@cell
def full_range(kind, r, s, law: Tower, at: Inflow, air: MoistAir, base, cells, gap, last):
    """Towards the largest range [K] at full speed for an inlet `gap` above the wet bulb, from the last one."""
    low = 0.0
    high = max(gap, 0.0)
    x = clip(last if known(last) else 0.5 * high, low, high)
    y = effect(kind, r, s, law, at, air, base, cells, x, 1.0) * high
    fx = x - y
    fy = y - effect(kind, r, s, law, at, air, base, cells, y, 1.0) * high
    low = x if fx < 0.0 else low
    high = high if fx < 0.0 else x
    for _ in RANGE_STEPS:
        low = y if fy < 0.0 else low
        high = high if fy < 0.0 else y
        z = towards(low, high, x, fx, y, fy)
        x = y
        fx = fy
        y = z
        fy = y - effect(kind, r, s, law, at, air, base, cells, y, 1.0) * max(gap, 0.0)
    return towards(y if fy < 0.0 else low, high if fy < 0.0 else y, x, fx, y, fy)


@cell
def staged(kind, r, s, law: Tower, at: Inflow, air: MoistAir, base):
    """Smallest number of cells that keeps the stage rule, all where none does; see `Tower`."""
    inlet = at.inlet[r, s]
    required = inlet - law.set_point[r, s]
    gap = inlet - law.wet_bulb[r, s]
    heat = capacity(at.flow[r, s], at.cp[r, s]) * max(required, 0.0)
    by_heat = heat / law.stage_heat[r, s]
    load = by_heat if finite(law.stage_heat[r, s]) else at.flow[r, s] / law.rated_flow[r, s]
    cells = law.cells[r, s]
    whole = ceil(min(load, MANY) - 1e-9) if known(load) else MANY
    low = min(max(whole, law.min_cells[r, s], 1.0), cells)
    high = max(cells, low)
    missed = required - law.stage_miss[r, s] if finite(law.stage_miss[r, s]) else 0.0
    for _ in HALVES:
        middle = -ceil(-0.5 * (low + high))
        # the range of these cells is at least what is missed where their effect at that range gives as much
        given = effect(kind, r, s, law, at, air, base, middle, max(missed, 0.0), 1.0) * gap
        enough = missed <= 0.0 or given >= missed
        low = low if enough else middle + 1.0
        high = middle if enough else high
    return high


@cell
def latent(r, s, law: Tower, air: MoistAir, base, T):
    """Water evaporated per heat rejected [kg/J], air leaving saturated at T [K]: (w_out - w_in) / (h_out - h_in)."""
    pressure = law.pressure[r, s]
    dry = max(law.dry_bulb[r, s], law.wet_bulb[r, s]) - FREEZING
    w_in = max((base - DRY_AIR_CP * dry) / (VAPORISATION + VAPOUR_CP * dry), 0.0)
    w_out = saturated_humidity(air, T, pressure)
    return clip((w_out - w_in) / max(saturated(air, T, pressure) - base, 1e3), 0.0, 1.5 / VAPORISATION)


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
    gap = inlet - wet_bulb
    required = inlet - set_point
    wanted = known(required)
    base = saturated(air, wet_bulb, law.pressure[r, s])
    stated = law.running[r, s]
    needed = staged(kind, r, s, law, at, air, base)
    cells = max(clip(stated if known(stated) else needed, at.least[r, s], at.most[r, s]), 1e-9)
    every = max(stated if known(stated) else law.cells[r, s], 1e-9)

    # ranges at full speed: of the cells that run, of all, and of a warmer inlet, which changes the effectiveness too
    range_ = full_range(kind, r, s, law, at, air, base, cells, gap, root.range_[r, s])
    able = full_range(kind, r, s, law, at, air, base, every, gap, root.able[r, s])
    last = root.ahead[r, s] if known(root.ahead[r, s]) else range_
    ahead = full_range(kind, r, s, law, at, air, base, cells, gap + WARMER_INLET, last)
    root.range_[r, s] = range_
    root.able[r, s] = able
    root.ahead[r, s] = ahead

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
    full = effect(kind, r, s, law, at, air, base, cells, cooling, 1.0)
    low = effect(kind, r, s, law, at, air, base, cells, cooling, slowest)
    target = min(aim, full)
    bottom = slowest
    top = 1.0
    x = slowest
    fx = low - target
    y = first_speed(target, low, full, slowest, root.speed[r, s])
    fy = effect(kind, r, s, law, at, air, base, cells, cooling, y) - target
    for _ in SPEED_STEPS:
        bottom = y if fy < 0.0 else bottom
        top = top if fy < 0.0 else y
        z = towards(bottom, top, x, fx, y, fy)
        x = y
        fx = fy
        y = z
        fy = effect(kind, r, s, law, at, air, base, cells, cooling, y) - target
    root.speed[r, s] = y
    speed, cube = mean_speed(aim, low, full, law.free_convection[r, s], slowest, y)

    on = 0.0 if off else awake(at.flow[r, s], law.rated_flow[r, s])
    heat = capacity(at.flow[r, s], at.cp[r, s]) * cooling
    evaporated = heat * latent(r, s, law, air, base, inlet - 0.5 * cooling)
    loading = over(required, able)
    warned = on > 0.0 and outside(kind, r, s, law, cooling)
    out.power[r, s] = on * cells * law.fan_power[r, s] * law.thin[r, s] * cube
    out.water[r, s] = on * make_up(evaporated, law.drift[r, s] * at.flow[r, s] * speed, law.cycles[r, s])
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
