"""Electric chillers: published curves inside their box, an exponential law outside."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from twin.columns import Array, Real
from twin.domains.rejection import OFF, Answer, Inflow, Law, Numbers, Roots, over, stands_still
from twin.elements import Box
from twin.fluids import FREEZING
from twin.kernels.cell import Reals2, cell, kernel
from twin.kernels.elementary import ceil, exp
from twin.kernels.numbers import clip
from twin.kernels.subset import Table

LEAVING_RATE_AIR, LEAVING_RATE_WATER, ENTERING_RATE = 0.020, 0.027, 0.025
"""By how much ln COP rises per kelvin of leaving water, of chillers cooled by air and by water, and falls per kelvin of
what enters the condenser [1/K]. Fitted on 308 published machines, see `docs/theory/rejection.md`."""
LEAVING_ERROR, ENTERING_ERROR = 0.016, 0.012
"""Relative error of COP outside the box within which it is for nine of ten of these machines, per kelvin of leaving
water and of what enters the condenser [1/K]."""
FADE = 3.0
"""Distance from the box at which the shape of the curves at its edge has given way, K."""
TINY = 1e-12
"""Curvature of an input curve that is taken for none, 1/K2."""
MANY = 1e6
"""More machines than any plant has."""


class Curves(NamedTuple):
    """Published performance of k electric chillers, x leaving chilled water and y entering condenser in degC.

    capacity [W], cop [1]: at the reference (k, 1). leaving, entering: x and y there [degC] (k, 1). cap, eir:
    coefficients of 1, x, x², y, y², x y for capacity and power over COP at full load [1] (6, k, 1). plr: coefficients
    of 1, p, p² for power at part load p over that [1] (3, k, 1). leaving_box, entering_box: validity of x and y [degC]
    (2, k, 1). air: whether the condenser is cooled by air (k, 1).
    """

    capacity: Array
    cop: Array
    leaving: Array
    entering: Array
    cap: Array
    eir: Array
    plr: Array
    leaving_box: Array
    entering_box: Array
    air: Array


@dataclass(frozen=True)
class Chiller(Law):
    """Electric chillers in parallel: EIR curves inside their box [EnergyPlus Chiller:Electric:EIR], growth outside.

    Q = Q_ref capFT(x, y), P = Q / COP_ref EIRFT(x, y) EIRFPLR(p); x is the set point, y the air (`ambient`, K) or the
    entering condenser water (`sink`). Outside the box COP is that of the nearest point of the box times an exponential
    of how far x and y are from there: ln COP rises by `leaving_rate` [1/K] with leaving water and falls by
    `entering_rate` with what enters the condenser, as that of published machines does on average, up to `max_cop`.
    Capacity outside is that of the nearest point. A warning is set.

    What protects compressors: what enters the condenser counts as no colder than `min_entering` [K], nor than the
    leaving water and `min_lift` [K], since a valve then blends condenser water, and fans of air-cooled machines slow
    down. Below `min_part_load` a machine cycles; below `min_unloading` hot gas loads it to that [EnergyPlus
    Chiller:Electric:EIR, minimum unloading ratio].

    Stage rule: the smallest number runs, of `count`, at which each is loaded to `stage_up` at most, or, with
    `least_power`, as many more as take least power, see `cheapest`. `capacity` [W] and `cop` of one unit at the
    reference default to those of the curves; `capacity_factor` derates, as for elevation. Without set point (NaN)
    water is cooled as far as the box allows.
    """

    compresses: ClassVar[bool] = True

    set_point: Array
    count: Array
    curves: Curves
    ambient: Numbers = np.nan
    capacity: Numbers = np.nan
    cop: Numbers = np.nan
    capacity_factor: Numbers = 1.0
    stage_up: Numbers = 0.9
    least_power: Numbers = 0.0
    min_part_load: Numbers = 0.15
    min_unloading: Numbers = 0.0
    min_entering: Numbers = 0.0
    min_lift: Numbers = -1e3
    max_cop: Numbers = 15.0
    leaving_rate: Numbers = np.nan
    entering_rate: Numbers = ENTERING_RATE

    @classmethod
    def real_columns(cls) -> tuple[str, ...]:
        """Its fields of numbers, what follows from them, and the curves: `cap_0` is the first coefficient of `cap`."""
        curves = (f"{name}_{i}" for name, count in (("cap", 6), ("eir", 6), ("plr", 3)) for i in range(count))
        return (*super().real_columns(), *_DERIVED, *_CURVE, *curves)

    def column_of(self, name: str) -> Array | float:
        """The numbers of a column."""
        c = self.curves
        if name in _DERIVED:
            return getattr(self, _DERIVED[name])
        if name in _CURVE:
            return _CURVE[name](c)
        curve, _, i = name.rpartition("_")
        return getattr(c, curve)[int(i)] if i.isdigit() else getattr(self, name)

    def boxes(self, inlet: Array, outlet: Array, sink: Real) -> tuple[Box, ...]:
        """What the curves are valid for: leaving chilled water, and what enters the condenser [K]."""
        named = {
            "leaving water": (self._held, *(self.curves.leaving_box + FREEZING)),
            "air or water entering the condenser": (self._entering(sink), *(self.curves.entering_box + FREEZING)),
        }
        x, y = (np.maximum(low - value, 0.0) + np.maximum(value - high, 0.0) for value, low, high in named.values())
        error = LEAVING_ERROR * x + ENTERING_ERROR * y
        return tuple(Box(what, "temperature", T, low, high, error) for what, (T, low, high) in named.items())

    @property
    def _held(self) -> Array:
        """Leaving water that is held, K: as cold as was measured where none is stated."""
        return np.where(np.isnan(self.set_point), self.curves.leaving_box[0] + FREEZING, self.set_point)

    def _entering(self, sink: Real) -> Array:
        """Temperature of the air or water that enters the condenser, as far as it may be cold, K."""
        given = np.where(self.curves.air, self.ambient, sink)
        return np.maximum(np.maximum(given, self.min_entering), self._held + self.min_lift)

    @property
    def _size(self) -> Array:
        """Capacity of one unit at the reference, W."""
        return np.where(np.isnan(self.capacity), self.curves.capacity, self.capacity)

    @property
    def _rated_cop(self) -> Array:
        """COP at the reference."""
        return np.where(np.isnan(self.cop), self.curves.cop, self.cop)

    @property
    def _growth(self) -> Array:
        """Growth of COP outside the box with leaving water, 1/K."""
        default = np.where(self.curves.air, LEAVING_RATE_AIR, LEAVING_RATE_WATER)
        return np.where(np.isnan(self.leaving_rate), default, self.leaving_rate)

    def performance(self, leaving: Real, entering: Real) -> tuple[Array, Array, Array]:
        """Capacity of one unit [W], its COP at full load, and whether leaving and entering [K] are outside the box."""
        blank = dict.fromkeys(Performance.real_columns(), 0.0)
        given = dict(leaving=leaving, entering=entering)
        capacity, cop, outside = self.run(performances, (Conditions, given), (Performance, blank))
        return capacity, cop, outside > 0.5


_DERIVED = {"held": "_held", "size": "_size", "rated_cop": "_rated_cop", "growth": "_growth"}
"""Columns that follow from fields and curves, by the property that works them out."""

_CURVE = {
    "leaving": lambda c: c.leaving,
    "entering": lambda c: c.entering,
    "coldest": lambda c: c.leaving_box[0],
    "warmest": lambda c: c.leaving_box[1],
    "coolest": lambda c: c.entering_box[0],
    "hottest": lambda c: c.entering_box[1],
    "air": lambda c: c.air,
}
"""Columns of the curves beside their coefficients."""


class Conditions(Table):
    """Leaving chilled water and what enters the condenser [K], (unit, scenario)."""

    leaving: Reals2
    entering: Reals2


class Performance(Table):
    """Capacity of one unit [W], its COP at full load, 1 outside the box of validity; (unit, scenario)."""

    capacity: Reals2
    cop: Reals2
    outside: Reals2


# ---- at full load ------------------------------------------------------------------------------------------------


@cell
def biquadratic(c0, c1, c2, c3, c4, c5, x, y):
    """c0 + c1 x + c2 x² + c3 y + c4 y² + c5 x y."""
    return c0 + x * (c1 + c2 * x + c5 * y) + y * (c3 + c4 * y)


@cell
def capacity_curve(r, s, law: Chiller, x, y):
    """Capacity over that at the reference."""
    return biquadratic(
        law.cap_0[r, s], law.cap_1[r, s], law.cap_2[r, s], law.cap_3[r, s], law.cap_4[r, s], law.cap_5[r, s], x, y
    )


@cell
def input_curve(r, s, law: Chiller, x, y):
    """Power over capacity, over that at the reference."""
    return biquadratic(
        law.eir_0[r, s], law.eir_1[r, s], law.eir_2[r, s], law.eir_3[r, s], law.eir_4[r, s], law.eir_5[r, s], x, y
    )


@cell
def flat(slope, curvature, low, high):
    """Where slope + 2 curvature x is nought, inside bounds."""
    return clip(-slope / (2.0 * (curvature if abs(curvature) > TINY else TINY)), low, high)


@cell
def extremes(r, s, law: Chiller, x0, x1, y0, y1):
    """Least and greatest `input_curve` over x0 to x1 and y0 to y1.

    They lie at corners, where an edge is flat, or where the whole surface is; each of these points is inside.
    """
    cx = law.eir_1[r, s]
    cxx = law.eir_2[r, s]
    cy = law.eir_3[r, s]
    cyy = law.eir_4[r, s]
    cxy = law.eir_5[r, s]
    twist = 4.0 * cxx * cyy - cxy * cxy
    steep = twist if abs(twist) > TINY * TINY else TINY * TINY
    a = input_curve(r, s, law, x0, y0)
    b = input_curve(r, s, law, x0, y1)
    c = input_curve(r, s, law, x1, y0)
    d = input_curve(r, s, law, x1, y1)
    e = input_curve(r, s, law, flat(cx + cxy * y0, cxx, x0, x1), y0)
    f = input_curve(r, s, law, flat(cx + cxy * y1, cxx, x0, x1), y1)
    g = input_curve(r, s, law, x0, flat(cy + cxy * x0, cyy, y0, y1))
    h = input_curve(r, s, law, x1, flat(cy + cxy * x1, cyy, y0, y1))
    middle_x = clip((cxy * cy - 2.0 * cyy * cx) / steep, x0, x1)
    middle_y = clip((cxy * cx - 2.0 * cxx * cy) / steep, y0, y1)
    i = input_curve(r, s, law, middle_x, middle_y)
    least = min(min(min(min(a, b), min(c, d)), min(min(e, f), min(g, h))), i)
    greatest = max(max(max(max(a, b), max(c, d)), max(max(e, f), max(g, h))), i)
    return least, greatest


@cell
def edge(r, s, law: Chiller, x, y, near_x, near_y):
    """COP over that at the reference at the edge of the box, as (x, y) outside takes it over.

    On the edge it is that of the curves. Curves of some machines bend, so that along an edge COP falls as water gets
    warmer; that shape is gone `FADE` from the box. There, towards warmer water or a cooler condenser, it is the best
    that the curves have for this water or colder with this condenser or hotter; towards colder water or a hotter
    condenser the worst that they have for this water or warmer with this condenser or cooler. Neither falls with
    leaving or rises with entering temperature, and going outwards the one rises and the other falls.
    """
    coldest = law.coldest[r, s]
    warmest = law.warmest[r, s]
    coolest = law.coolest[r, s]
    hottest = law.hottest[r, s]
    here = 1.0 / input_curve(r, s, law, near_x, near_y)
    best, _ = extremes(r, s, law, coldest, near_x, near_y, hottest)
    _other, worst = extremes(r, s, law, near_x, warmest, coolest, near_y)
    rising = min((max(x - warmest, 0.0) + max(coolest - y, 0.0)) / FADE, 1.0)
    falling = min((max(coldest - x, 0.0) + max(y - hottest, 0.0)) / FADE, 1.0)
    return here + rising * (1.0 / best - here) - falling * (here - 1.0 / worst)


@cell
def full_load(r, s, law: Chiller, leaving, entering):
    """Capacity of one unit [W], its COP at full load, and whether leaving and entering [K] are outside the box."""
    x = leaving - FREEZING
    y = entering - FREEZING
    near_x = clip(x, law.coldest[r, s], law.warmest[r, s])
    near_y = clip(y, law.coolest[r, s], law.hottest[r, s])
    outside = abs(x - near_x) > OFF or abs(y - near_y) > OFF
    near = law.rated_cop[r, s] * edge(r, s, law, x, y, near_x, near_y)
    grown = near * exp(law.growth[r, s] * (x - near_x) - law.entering_rate[r, s] * (y - near_y))
    cop = min(grown, max(law.max_cop[r, s], near))
    capacity = law.size[r, s] * law.capacity_factor[r, s] * capacity_curve(r, s, law, near_x, near_y)
    return capacity, cop, outside


@kernel
def performances(r, s, law: Chiller, at: Conditions, out: Performance):
    """`full_load` of whole arrays."""
    capacity, cop, outside = full_load(r, s, law, at.leaving[r, s], at.entering[r, s])
    out.capacity[r, s] = capacity
    out.cop[r, s] = cop
    out.outside[r, s] = 1.0 if outside else 0.0


@cell
def cheapest(r, s, law: Chiller, load):
    """Number of machines that take least power for a load, counted in machines.

    n (a + b load / n + c (load / n)²) is least at n = load sqrt(c / a), at the whole number on either side that takes
    less; where c is none, the fewer the better.
    """
    a = law.plr_0[r, s]
    c = law.plr_2[r, s]
    bends = a > 1e-6 and c > 0.0
    more = ceil(load * math.sqrt(c / a if bends else 0.0) - 1e-9)
    fewer = max(more - 1.0, 1.0)
    more = max(more, 1.0)
    return more if bends and a * more + c * load * load / more < a * fewer + c * load * load / fewer else fewer


# ---- at any load -------------------------------------------------------------------------------------------------


@kernel
def chiller(r, s, law: Chiller, at: Inflow, root: Roots, out: Answer):
    """Answers of chillers."""
    inlet = at.inlet[r, s]
    set_point = law.held[r, s]
    count = law.count[r, s]
    given = law.ambient[r, s] if law.air[r, s] > 0.5 else at.sink[r, s]
    entering = max(max(given, law.min_entering[r, s]), set_point + law.min_lift[r, s])
    one, cop, outside = full_load(r, s, law, set_point, entering)
    off = stands_still(inlet, set_point)
    required = max(at.flow[r, s] * at.cp[r, s] * (inlet - set_point), 0.0)
    wanted = clip(required / (law.stage_up[r, s] * one) - 1e-9, 0.0, MANY)
    fewest = clip(ceil(wanted), 1.0, max(count, 1.0))
    best = clip(cheapest(r, s, law, min(required / one, MANY)), fewest, max(count, 1.0))
    staged = best if law.least_power[r, s] > 0.5 else fewest
    running = max(clip(staged, at.least[r, s], at.most[r, s]), 1.0)
    available = one * max(count, 1e-9)
    part = min(required / min(running * one, available), 1.0)
    p = max(max(part, law.min_part_load[r, s]), law.min_unloading[r, s])
    fade = min(part / law.min_part_load[r, s], 1.0)
    curve = law.plr_0[r, s] + p * (law.plr_1[r, s] + p * law.plr_2[r, s])
    power = running * one / cop * curve * fade
    # A line through the set point: a constant duty would leave a closed loop without a temperature.
    short = 1.0 - available / max(required, 1e-9) if required > available else 0.0
    loading = over(required, available)
    warned = outside and not off and required > 1e-4 * available
    out.slope[r, s] = 1.0 - 1e-9 if off else short
    out.offset[r, s] = (1e-9 if off else 1.0 - short) * set_point
    out.power[r, s] = 0.0 if off else power
    out.water[r, s] = 0.0
    out.loading[r, s] = 0.0 if off else loading
    out.running[r, s] = 0.0 if off or required <= 0.0 else min(running, count)
    out.speed[r, s] = 0.0 if off else part
    out.warning[r, s] = 1.0 if warned else 0.0
    out.driven[r, s] = 0.0


Chiller.kernel = chiller
