"""Electric chillers: published curves inside their box, a lift law outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin.columns import Array, Real
from twin.domains.rejection import AIR_APPROACH, OFF, inputs, over, response
from twin.elements import Box, Response
from twin.fluids import FREEZING
from twin.kernels.arrays import numbers


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


def _biquadratic(c: Array, x: Array, y: Array) -> Array:
    return c[0] + x * (c[1] + c[2] * x + c[5] * y) + y * (c[3] + c[4] * y)


@dataclass(frozen=True)
class Chiller:
    """Electric chillers in parallel: EIR curves inside their box, a lift law outside [EnergyPlus Chiller:Electric:EIR].

    Q = Q_ref capFT(x, y), P = Q / COP_ref EIRFT(x, y) EIRFPLR(p); x is the set point, y the air (`ambient`, K) or the
    entering condenser water (`sink`). No published set reaches warm water, so outside the box COP follows
    T_e / (T_c - T_e), with approaches on both sides, times what makes it meet the curves at the nearest point of the
    box; it is capped at `max_cop`. Capacity outside is that of the nearest point. A warning is set.

    Stage rule: the smallest number runs, of `count`, at which each is loaded to `stage_up` at most. Below
    `min_part_load` a machine cycles. `capacity` [W] and `cop` of one unit at the reference default to those of the
    curves; `capacity_factor` derates, as for elevation. Without set point (NaN) water is cooled as far as the box
    allows.
    """

    set_point: Array
    count: Array
    curves: Curves
    ambient: Array | float = np.nan
    capacity: Array | float = np.nan
    cop: Array | float = np.nan
    capacity_factor: Array | float = 1.0
    stage_up: Array | float = 0.9
    min_part_load: Array | float = 0.15
    max_cop: Array | float = 15.0
    evaporator_approach: Array | float = 2.0
    condenser_approach: Array | float = np.nan

    def respond(
        self, inlet: Array, flow: Array, cp: Real, sink: Real = np.nan, running: Array | None = None
    ) -> Response:
        """Response to inlets [K], flows [kg/s] and entering condenser water [K], (unit, scenario).

        `running` keeps the staging of an earlier answer.
        """
        inlet, flow, _ = inputs(self, inlet, flow, cp, sink)
        set_point = self._held
        one, cop, outside = self.performance(set_point, self._entering(sink))
        off, required = inlet <= set_point - OFF, np.maximum(flow * cp * (inlet - set_point), 0.0)
        staged = np.clip(np.ceil(required / (self.stage_up * one) - 1e-9), 1.0, np.maximum(self.count, 1.0))
        running = staged if running is None else np.maximum(running, 1.0)
        available = one * np.maximum(self.count, 1e-9)
        part = np.minimum(required / np.minimum(running * one, available), 1.0)
        c, p = self.curves.plr, np.maximum(part, self.min_part_load)
        fade = np.minimum(part / self.min_part_load, 1.0)
        power = running * one / cop * (c[0] + p * (c[1] + p * c[2])) * fade
        # A line through the set point: a constant duty would leave a closed loop without a temperature.
        short = np.where(required > available, 1.0 - available / np.maximum(required, 1e-9), 0.0)
        slope = np.where(off, 1.0 - 1e-9, short)
        offset = np.where(off, 1e-9, 1.0 - short) * set_point
        return response(
            inlet,
            slope,
            offset,
            np.where(off, 0.0, power),
            0.0,
            np.where(off, 0.0, over(required, available)),
            np.where(off | (required <= 0), 0.0, np.minimum(running, self.count)),
            np.where(off, 0.0, part),
            outside & ~off & (required > 1e-4 * available),
        )

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
        """Temperature of the air or water that enters the condenser, K."""
        return np.where(self.curves.air, self.ambient, sink)

    def performance(self, leaving: Real, entering: Real) -> tuple[Array, Array, Array]:
        """Capacity of one unit [W], its COP at full load, and whether leaving and entering [K] are outside the box."""
        c = self.curves
        x, y = numbers(leaving) - FREEZING, numbers(entering) - FREEZING
        near_x, near_y = np.clip(x, *c.leaving_box), np.clip(y, *c.entering_box)
        size, cop = (
            np.where(np.isnan(own), curve, own) for own, curve in ((self.capacity, c.capacity), (self.cop, c.cop))
        )
        near = cop / _biquadratic(c.eir, near_x, near_y)
        outside = (np.abs(x - near_x) > OFF) | (np.abs(y - near_y) > OFF)
        lifted = near * self._beyond(x, y, near_x, near_y)
        capped = np.minimum(lifted, np.maximum(self.max_cop, near))
        return (
            size * self.capacity_factor * _biquadratic(c.cap, near_x, near_y),
            np.where(outside, capped, near),
            outside,
        )

    def _beyond(self, x: Array, y: Array, near_x: Array, near_y: Array) -> Array:
        """COP at (x, y) over COP at the nearest point of the box.

        One coordinate after the other, from the box outwards: y at the nearest x while the lift shrinks, at the
        reference where it grows (at the nearest x a curve flatter than the law would let COP fall as the water gets
        warmer); then x towards warmer water at the actual y, towards colder water at the reference.
        """
        c, law = self.curves, self._carnot
        coldest, hottest = c.leaving_box[0], c.entering_box[1]
        cooler = law(near_x, np.minimum(y, hottest)) / law(near_x, near_y)
        hotter = law(c.leaving, np.maximum(y, hottest)) / law(c.leaving, hottest)
        warmer = law(np.maximum(x, coldest), y) / law(near_x, y)
        colder = law(np.minimum(x, coldest), c.entering) / law(coldest, c.entering)
        return cooler * hotter * warmer * colder

    def _carnot(self, x: Array, y: Array) -> Array:
        """T_e / (T_c - T_e) with approaches on both sides; the lift is at least 3 K."""
        default = np.where(self.curves.air, AIR_APPROACH, 7.0)
        approach = np.where(np.isnan(self.condenser_approach), default, self.condenser_approach)
        T = x - self.evaporator_approach + FREEZING
        return T / np.maximum(y + FREEZING + approach - T, 3.0)
