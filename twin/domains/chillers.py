"""Electric chillers: published curves inside their box, a lift law outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin.columns import Array, Real
from twin.domains.rejection import AIR_APPROACH, OFF, Answer, Inflow, Law, Numbers, Roots, over, stands_still
from twin.elements import Box
from twin.fluids import FREEZING
from twin.kernels.cell import Reals2, cell, kernel
from twin.kernels.elementary import ceil
from twin.kernels.numbers import clip
from twin.kernels.subset import Table

LEAST_LIFT = 3.0
"""Least lift of the law outside the curves, K."""
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
    """Electric chillers in parallel: EIR curves inside their box, a lift law outside [EnergyPlus Chiller:Electric:EIR].

    Q = Q_ref capFT(x, y), P = Q / COP_ref EIRFT(x, y) EIRFPLR(p); x is the set point, y the air (`ambient`, K) or the
    entering condenser water (`sink`). No published set reaches warm water, so outside the box COP follows
    T_e / (T_c - T_e), with approaches on both sides, times what makes it meet the curves at the nearest point of the
    box; it is capped at `max_cop`. Capacity outside is that of the nearest point. A warning is set.

    What protects compressors: what enters the condenser counts as no colder than `min_entering` [K], nor than the
    leaving water and `min_lift` [K], since a valve then blends condenser water, and fans of air-cooled machines slow
    down. Below `min_part_load` a machine cycles; below `min_unloading` hot gas loads it to that [EnergyPlus
    Chiller:Electric:EIR, minimum unloading ratio].

    Stage rule: the smallest number runs, of `count`, at which each is loaded to `stage_up` at most. `capacity` [W] and
    `cop` of one unit at the reference default to those of the curves; `capacity_factor` derates, as for elevation.
    Without set point (NaN) water is cooled as far as the box allows.
    """

    set_point: Array
    count: Array
    curves: Curves
    ambient: Numbers = np.nan
    capacity: Numbers = np.nan
    cop: Numbers = np.nan
    capacity_factor: Numbers = 1.0
    stage_up: Numbers = 0.9
    min_part_load: Numbers = 0.15
    min_unloading: Numbers = 0.0
    min_entering: Numbers = 0.0
    min_lift: Numbers = -1e3
    max_cop: Numbers = 15.0
    evaporator_approach: Numbers = 2.0
    condenser_approach: Numbers = np.nan

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
        c = self.curves
        return tuple(
            Box(what, "temperature", value, box[0] + FREEZING, box[1] + FREEZING)
            for what, value, box in (
                ("leaving water", self._held, c.leaving_box),
                ("air or water entering the condenser", self._entering(sink), c.entering_box),
            )
        )

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
    def _approach(self) -> Array:
        """Condensing temperature above what enters the condenser, K."""
        default = np.where(self.curves.air, AIR_APPROACH, 7.0)
        return np.where(np.isnan(self.condenser_approach), default, self.condenser_approach)

    def performance(self, leaving: Real, entering: Real) -> tuple[Array, Array, Array]:
        """Capacity of one unit [W], its COP at full load, and whether leaving and entering [K] are outside the box."""
        blank = dict.fromkeys(Performance.real_columns(), 0.0)
        given = dict(leaving=leaving, entering=entering)
        capacity, cop, outside = self.run(performances, (Conditions, given), (Performance, blank))
        return capacity, cop, outside > 0.5


_DERIVED = {"held": "_held", "size": "_size", "rated_cop": "_rated_cop", "approach": "_approach"}
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
def carnot(x, y, below, above):
    """T_e / (T_c - T_e) with approaches `below` and `above` of x and y [degC]; the lift is at least 3 K."""
    T = x - below + FREEZING
    return T / max(y + FREEZING + above - T, LEAST_LIFT)


@cell
def beyond(r, s, law: Chiller, x, y, near_x, near_y):
    """COP at (x, y) over COP at the nearest point of the box.

    One coordinate after the other, from the box outwards: y at the nearest x while the lift shrinks, at the
    reference where it grows (at the nearest x a curve flatter than the law would let COP fall as the water gets
    warmer); then x towards warmer water at the actual y, towards colder water at the reference.
    """
    below = law.evaporator_approach[r, s]
    above = law.approach[r, s]
    coldest = law.coldest[r, s]
    hottest = law.hottest[r, s]
    leaving = law.leaving[r, s]
    entering = law.entering[r, s]
    cooler = carnot(near_x, min(y, hottest), below, above) / carnot(near_x, near_y, below, above)
    hotter = carnot(leaving, max(y, hottest), below, above) / carnot(leaving, hottest, below, above)
    warmer = carnot(max(x, coldest), y, below, above) / carnot(near_x, y, below, above)
    colder = carnot(min(x, coldest), entering, below, above) / carnot(coldest, entering, below, above)
    return cooler * hotter * warmer * colder


@cell
def full_load(r, s, law: Chiller, leaving, entering):
    """Capacity of one unit [W], its COP at full load, and whether leaving and entering [K] are outside the box."""
    x = leaving - FREEZING
    y = entering - FREEZING
    near_x = clip(x, law.coldest[r, s], law.warmest[r, s])
    near_y = clip(y, law.coolest[r, s], law.hottest[r, s])
    near = law.rated_cop[r, s] / input_curve(r, s, law, near_x, near_y)
    outside = abs(x - near_x) > OFF or abs(y - near_y) > OFF
    lifted = near * beyond(r, s, law, x, y, near_x, near_y)
    capped = min(lifted, max(law.max_cop[r, s], near))
    capacity = law.size[r, s] * law.capacity_factor[r, s] * capacity_curve(r, s, law, near_x, near_y)
    return capacity, capped if outside else near, outside


@kernel
def performances(r, s, law: Chiller, at: Conditions, out: Performance):
    """`full_load` of whole arrays."""
    capacity, cop, outside = full_load(r, s, law, at.leaving[r, s], at.entering[r, s])
    out.capacity[r, s] = capacity
    out.cop[r, s] = cop
    out.outside[r, s] = 1.0 if outside else 0.0


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
    staged = clip(ceil(wanted), 1.0, max(count, 1.0))
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
