"""Open cooling towers: the York correlation and Merkel's effectiveness-NTU, with their staging, fans and water."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_

import numpy as np

from twin.columns import Array, Real
from twin.domains.rejection import AWAKE, WATER_CP, affine, fans, inputs, make_up, over, response, rising_root
from twin.elements import Box, Response
from twin.fluids import (
    DRY_AIR_CP,
    FREEZING,
    MOLAR_RATIO,
    MOST_VAPOUR,
    STANDARD_PRESSURE,
    VAPORISATION,
    VAPOUR_CP,
    air_enthalpy,
    saturation_pressure,
)
from twin.fluids import humidity_ratio_from_relative_humidity as _ratio
from twin.kernels.arrays import namespace, numbers, send
from twin.kernels.exchangers import counterflow
from twin.kernels.moist_air import look_up

_TABLE_T = np.arange(-40.0, 90.01, 0.125) + FREEZING


_TABLE_VAPOUR = saturation_pressure(_TABLE_T)
_MOIST_AIR = (DRY_AIR_CP, VAPOUR_CP, VAPORISATION, FREEZING, MOLAR_RATIO, MOST_VAPOUR)


def _look_up(x: Real, pressure: Real, inverse: bool = False) -> Array:
    x, p = numbers(x), numbers(pressure)
    x = np.atleast_1d(x + 0.0 * p)
    p = np.broadcast_to(p, x.shape) if p.ndim else np.full_like(x, p)
    if namespace(x) is np:
        flat = np.ascontiguousarray(x).ravel(), np.ascontiguousarray(p).ravel()
        return look_up(*flat, _TABLE_T, _TABLE_VAPOUR, _MOIST_AIR, inverse).reshape(x.shape)
    values = np.zeros_like(x)
    for value in np.unique(p):
        at, table = p == value, (_TABLE_T, air_enthalpy(_TABLE_T, _ratio(_TABLE_T, 1.0, float(value))))
        values[at] = np.interp(x[at], *send(table[::-1] if inverse else table, namespace(x)))
    return values


def _saturated(T: Real, pressure: Real = STANDARD_PRESSURE) -> Array:
    """Enthalpy of saturated air [J/kg] at a temperature [K] and pressure [Pa]."""
    return _look_up(T, pressure)


@dataclass(frozen=True)
class Tower(ABC):
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

    def respond(
        self, inlet: Array, flow: Array, cp: Real, sink: Real = np.nan, running: Array | None = None
    ) -> Response:
        """Response to inlets [K] and flows [kg/s] of all cells together (unit, scenario); `sink` is ignored.

        `running` keeps the staging of an earlier answer. `loading` counts all cells that may run.
        """
        inlet, flow, C = inputs(self, inlet, flow, cp, sink)
        cells = self._staged(inlet, flow, C) if running is None else running
        cells = np.maximum(cells, 1e-9)
        effect = self._effect(inlet, flow / cells, C / cells)
        gap, required = inlet - self.wet_bulb, inlet - self.set_point
        range_, full = self._range(effect, gap)
        every = np.maximum(np.where(np.isnan(self.running), self.cells, self.running), 1e-9)
        able = self._range(self._effect(inlet, flow / every, C / every), gap)[0]
        slope, offset, off = affine(inlet, self.set_point, full, self.wet_bulb + 0.0 * inlet)
        slope, offset = self._tangent(slope, offset, inlet, flow / cells, C / cells, range_)
        aim = np.where(np.isnan(required), np.inf, required / np.maximum(gap, 1e-9))
        cooling = np.where(required < range_, np.maximum(required, 0.0), range_)
        speed, cube = fans(lambda s: effect(cooling, s), aim, self.min_speed, self.free_convection)
        on = np.where(off, 0.0, np.clip(flow / (AWAKE * self.rated_flow), 0.0, 1.0))
        evaporated = C * cooling * self._latent(inlet, cooling)
        return response(
            inlet,
            slope,
            offset,
            on * cells * self.fan_power * self._thin * cube,
            on * make_up(evaporated, self.drift * flow * speed, self.cycles),
            np.where(off, 0.0, np.where(np.isnan(required), 1.0, over(required, able))),
            cells,
            on * speed,
            (on > 0) & reduce(or_, (box.outside for box in self.boxes(cooling, 0.0))),
        )

    def _tangent(
        self, slope: Array, offset: Array, inlet: Array, flow: Array, C: Array, range_: Array
    ) -> tuple[Array, Array]:
        """The line of a cell at full speed as a tangent: a warmer inlet changes the effectiveness too."""
        step = 0.01
        more = self._range(self._effect(inlet + step, flow, C), inlet + step - self.wet_bulb)[0]
        true = np.clip(1.0 - (more - range_) / step, 0.0, 1.0 - 1e-9)
        free = (slope > 0.0) & (slope < 1.0 - 1e-8)
        return np.where(free, true, slope), np.where(free, inlet - range_ - true * inlet, offset)

    @staticmethod
    def _range(effect: Callable[[Array, Array], Array], gap: Array) -> tuple[Array, Array]:
        """Largest range [K] at full speed for an inlet `gap` above the wet bulb, and the effectiveness there."""
        span = np.maximum(gap, 0.0)
        range_ = rising_root(lambda r: r - effect(r, np.ones_like(r)) * gap, 0.0 * span, span)
        return range_, effect(range_, np.ones_like(range_))

    def _staged(self, inlet: Array, flow: Array, C: Array) -> Array:
        heat = C * np.maximum(inlet - self.set_point, 0.0)
        load = np.where(np.isfinite(self.stage_heat), heat / self.stage_heat, flow / self.rated_flow)
        load = np.where(np.isnan(load), np.inf, load)
        staged = np.clip(np.ceil(load - 1e-9), np.maximum(self.min_cells, 1.0), self.cells)
        if np.any(np.isfinite(self.stage_miss)):
            staged = self._enough(inlet, flow, C, staged)
        return np.maximum(np.where(np.isnan(self.running), staged, self.running), 1e-9)

    def _enough(self, inlet: Array, flow: Array, C: Array, fewest: Array) -> Array:
        """Smallest number of cells, `fewest` at least, that keeps `stage_miss`; all where none does, by bisection."""
        required, gap = inlet - self.set_point - self.stage_miss, inlet - self.wet_bulb
        low, high = fewest, np.maximum(self.cells + 0.0 * fewest, fewest)
        widest = float((high - low).max()) if high.size else 0.0
        for _ in range(int(np.ceil(np.log2(max(widest, 0.0) + 1.0)))):
            middle = np.floor(0.5 * (low + high))
            able = self._range(self._effect(inlet, flow / middle, C / middle), gap)[0] >= required
            low, high = np.where(able, low, middle + 1.0), np.where(able, middle, high)
        return high

    def _latent(self, inlet: Array, cooling: Array) -> Array:
        """Water evaporated per heat rejected [kg/J]: (w_out - w_in) / (h_out - h_in)."""
        T = inlet - 0.5 * cooling
        h_in, h_out = _saturated(self.wet_bulb, self.pressure), _saturated(T, self.pressure)
        w_out = _ratio(T, 1.0, self.pressure)
        dry = np.maximum(self.dry_bulb, self.wet_bulb)
        w_in = np.maximum((h_in - DRY_AIR_CP * (dry - FREEZING)) / (VAPORISATION + VAPOUR_CP * (dry - FREEZING)), 0.0)
        return np.clip((w_out - w_in) / np.maximum(h_out - h_in, 1e3), 0.0, 1.5 / VAPORISATION)

    @abstractmethod
    def _effect(self, inlet: Array, flow: Array, C: Array) -> Callable[[Array, Array], Array]:
        """Temperature effectiveness (range over inlet less wet bulb) of a cell at a range and a fan speed."""

    @abstractmethod
    def boxes(self, inlet: Array, outlet: Real, sink: Real = np.nan) -> tuple[Box, ...]:
        """What the correlation is valid for, at these temperatures of the water [K]."""


# c[l, r, b] multiplies (L/G)^l range^r T_wb^b; York correlation as in EnergyPlus 24 Engineering Reference, "YorkCalc".
_YORK = np.array(
    [
        [
            [-0.359741205, -0.055053608, 0.0023850432],
            [0.173926877, -0.0248473764, 0.00048430224],
            [-0.005589849456, 0.0005770079712, -1.342427256e-5],
        ],
        [
            [2.84765801111111, -0.121765149, 0.0014599242],
            [1.680428651, -0.0166920786, -0.0007190532],
            [-0.025485194448, 4.87491696e-5, 2.719234152e-5],
        ],
        [
            [-0.0653766255555556, -0.002278167, 0.0002500254],
            [-0.0910565458, 0.00318176316, 3.8621772e-5],
            [-0.0034285382352, 8.56589904e-6, -1.516821552e-6],
        ],
    ]
)
YORK_BOX = {"wet_bulb": (-34.4, 26.7), "range": (1.1, 22.2)}
"""Validity of the York correlation, degC and K."""


def _york(wet_bulb: Real) -> Callable[[Array, Real], Array]:
    """Approach [K] as a function of range [K] and L/G, at a wet bulb [K].

    Wet bulb and range are clipped to the box and the approach is proportional to the range outside, so that the
    effectiveness stays. L/G stops at the maximum of the quadratic, beyond which the correlation would turn down;
    the approach is at least a tenth of the range, since small L/G would give a negative one.
    """
    b = np.clip(numbers(wet_bulb) - FREEZING, *YORK_BOX["wet_bulb"])
    c = [[_YORK[i, j, 0] + b * (_YORK[i, j, 1] + b * _YORK[i, j, 2]) for j in range(3)] for i in range(3)]

    def approach(range_: Array, liquid_gas: Real) -> Array:
        r = np.clip(range_, *YORK_BOX["range"])
        c0, c1, c2 = (k[0] + r * (k[1] + r * k[2]) for k in c)
        x = np.minimum(liquid_gas, np.where(c2 < 0, -0.5 * c1 / np.minimum(c2, -1e-9), np.inf))
        return np.maximum(c0 + x * (c1 + x * c2), 0.1 * r) * range_ / r

    return approach


@dataclass(frozen=True)
class YorkTower(Tower):
    """Tower after the York correlation: approach = sum of 27 terms in wet bulb, range and L/G.

    L/G is in units of the reference cell; the rating fixes the scale. Outside the box see `_york`; a warning is set.
    The correlation knows no altitude.
    """

    def _effect(self, inlet: Array, flow: Array, C: Array) -> Callable[[Array, Array], Array]:
        rated, span = _york(self.rated_wet_bulb), self.rated_inlet - self.rated_outlet
        target = self.rated_outlet - self.rated_wet_bulb
        reference = rising_root(lambda x: rated(span, x) - target, 0.01 + 0.0 * (span + target), 8.0, 60)
        liquid, approach = reference * flow / self.rated_flow, _york(self.wet_bulb)

        def effect(range_: Array, speed: Array) -> Array:
            r = np.maximum(range_, 1e-6)
            return r / (r + approach(r, liquid / np.maximum(speed, 1e-3)))

        return effect

    def boxes(self, inlet: Array, outlet: Real, sink: Real = np.nan) -> tuple[Box, ...]:  # noqa: D102
        low, high = YORK_BOX["wet_bulb"]
        return (
            Box("wet bulb", "temperature", self.wet_bulb, low + FREEZING, high + FREEZING),
            Box("range", "temperature_difference", inlet - outlet, 0.0, YORK_BOX["range"][1]),
        )


@dataclass(frozen=True)
class MerkelTower(Tower):
    """Tower after Merkel: counterflow effectiveness-NTU with the enthalpy of saturated air as the cold stream.

    c_e = dh_s/dT between entering and leaving wet bulb, C_air = m_a c_e, UA_e = UA c_e / c_p; UA follows wet bulb, air
    and water flow by the factors of EnergyPlus's CoolingTower:VariableSpeed:Merkel defaults. One cell moves
    `rated_air_flow` [kg/s], by default the rated water flow over 1.2.
    """

    rated_air_flow: Array | float = np.nan

    def _air(self) -> Array:
        return np.where(np.isnan(self.rated_air_flow), self.rated_flow / 1.2, self.rated_air_flow)

    def _effect(self, inlet: Array, flow: Array, C: Array) -> Callable[[Array, Array], Array]:
        air, base = self._air() * self._thin, _saturated(self.wet_bulb, self.pressure)
        lift = 1.0 + 0.0081 * np.clip(self.rated_wet_bulb - self.wet_bulb, -10.0, 25.0)
        part = np.clip(flow / self.rated_flow, 0.3, 1.0)
        ua = self._rated_ua() * lift * (0.1082 + 1.667 * part - 0.7713 * part**2) / 1.0039

        def effect(range_: Array, speed: Array) -> Array:
            speed = np.clip(speed, 0.2, 1.0)
            heat = np.maximum(C * range_, 50.0 * air)
            cold, c_e = _equivalent(base, self.wet_bulb, heat, air * speed, self.pressure)
            smaller, moved = np.minimum(C, cold), speed * self._thin
            ntu = ua * (1.3 * moved - 0.3 * moved**2) * c_e / DRY_AIR_CP / smaller
            return counterflow(ntu, smaller / np.maximum(C, cold)) * smaller / C

        return effect

    def _rated_ua(self) -> Array:
        """UA [W/K] at the rating, from the effectiveness there."""
        C, span = self.rated_flow * WATER_CP, self.rated_inlet - self.rated_outlet
        base = _saturated(self.rated_wet_bulb)
        cold, c_e = _equivalent(base, self.rated_wet_bulb, C * span, self._air(), STANDARD_PRESSURE)
        smaller, larger = np.minimum(C, cold), np.maximum(C, cold)
        required = C * span / (smaller * (self.rated_inlet - self.rated_wet_bulb))
        log = rising_root(lambda x: counterflow(np.exp(x), smaller / larger) - required, 0.0 * required - 6.0, 6.0, 60)
        return np.exp(log) * smaller * DRY_AIR_CP / c_e

    def boxes(self, inlet: Array, outlet: Real, sink: Real = np.nan) -> tuple[Box, ...]:  # noqa: D102
        rated = self.rated_wet_bulb
        return (Box("wet bulb", "temperature", self.wet_bulb, rated - 25.0, rated + 10.0),)


def _equivalent(base: Array, wet_bulb: Array, heat: Array, air: Array, pressure: Real) -> tuple[Array, Array]:
    """Capacity rate [W/K] and specific heat [J/(kg K)] of air as a stream of wet bulbs that takes up `heat` [W]."""
    rise = heat / air
    c_e = rise / np.maximum(_look_up(base + rise, pressure, inverse=True) - wet_bulb, 1e-3)
    return air * c_e, c_e
