"""What laws of heat rejection share, and dry and adiabatic coolers; arrays (unit, scenario).

Each law is a frozen table of columns, (k, 1) or (k, S), with one method, `respond`. It returns the affine outlet that
is exact at the given inputs, and what the unit then takes. Temperatures in K, flows in kg/s, all SI.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from twin.columns import Array, Real
from twin.elements import Response
from twin.fluids import FREEZING, STANDARD_PRESSURE, VAPORISATION, air_density
from twin.kernels.arrays import numbers
from twin.kernels.exchangers import conductance, crossflow

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OFF = 1e-6
"""How far below the set point an inlet must be for the unit to stand still, K."""
AWAKE = 1e-3
"""Share of the rated flow below which fans and compressors fade out."""
AIR_APPROACH = 13.0
"""Condensing temperature above the entering air, K, of which thin air needs more."""
WATER_CP = 4186.0
MOIST_CP = 1020.0
"""Specific heat of outdoor air with its moisture, J/(kg K)."""


def inputs(law: DataclassInstance, inlet: Array, flow: Array, cp: Real, sink: Real) -> tuple[Array, Array, Array]:
    """Inlet [K], flow without its sign [kg/s] and capacity rate [W/K], all in the full shape of law and inputs."""
    columns = [getattr(law, f.name) for f in fields(law)]
    columns = [c[0] if isinstance(c, tuple) else c for c in columns]
    shape = np.broadcast_shapes(*(np.shape(c) for c in (*columns, inlet, flow, cp, sink)))
    inlet, flow = (np.broadcast_to(numbers(v), shape) for v in (inlet, flow))
    return inlet, np.abs(flow), np.maximum(np.abs(flow) * cp, 1e-6)


def response(inlet: Array, *columns: Real, driven: Real = 0.0) -> Response:
    """Columns in the shape of the inlets, and where these live."""
    full = (
        np.full_like(inlet, c) if getattr(c, "ndim", 0) == 0 else np.broadcast_to(c, inlet.shape)
        for c in (*columns, driven)
    )
    return Response(*full)


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


def affine(inlet: Array, set_point: Array, effect: Array, sink: Array) -> tuple[Array, Array, Array]:
    """Slope and offset of a unit of effectiveness `effect` against a sink, and whether it stands still."""
    off = inlet <= set_point - OFF
    held = ~off & (inlet - set_point < effect * (inlet - sink))
    slope = np.where(off, 1.0 - 1e-9, np.where(held, 0.0, 1.0 - effect))
    offset = np.where(off, 1e-9 * set_point, np.where(held, set_point, effect * sink))
    return slope, offset, off


def fans(effect: Callable[[Array], Array], required: Array, slowest: Real, free: Real) -> tuple[Array, Array]:
    """Mean speed and mean cube of speed at which `effect(speed)` is `required`; full where it cannot be reached.

    Below the slowest speed fans run part of the time: effectiveness is then linear between standing fans, which leave
    the share `free` of the full one, and the slowest speed.
    """
    full, low = effect(np.ones_like(required)), effect(np.broadcast_to(slowest, required.shape))
    still = np.minimum(free * full, 0.999 * low)
    part = np.clip((required - still) / np.maximum(low - still, 1e-12), 0.0, 1.0)
    speed = rising_root(lambda s: effect(s) - np.minimum(required, full), np.broadcast_to(slowest, required.shape), 1.0)
    slow = required <= low
    return np.where(slow, part * slowest, speed), np.where(slow, part * np.power(slowest, 3), speed**3)


def over(required: Array, available: Array) -> Array:
    """Wanted over available duty between 0 and 1000."""
    return np.clip(required / np.maximum(available, 1e-3 * np.maximum(required, 1e-9)), 0.0, 1e3)


def make_up(evaporation: Real, drift: Real, cycles: Real) -> Array:
    """Make-up water [kg/s]: evaporation + drift + blow-down.

    Blow-down is evaporation / (cycles - 1) - drift and never negative, from the balance of dissolved solids, which
    leave with drift and blow-down [ASHRAE HVAC S&E (2020), ch. 40].
    """
    return evaporation + drift + np.maximum(evaporation / (numbers(cycles) - 1.0) - drift, 0.0)


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
class DryCooler:
    """Coils cooled by outdoor air that fans draw through them; with `saturation` the air is wetted first.

    One unit has UA = `conductance` [W/K] at `rated_flow` and `rated_air_flow` [kg/s], `fan_power` [W] at full speed;
    `count` equal units run in parallel at one speed. Films hA_w ~ m^`water_exponent` and hA_a ~ m^`air_exponent`, in
    the ratio `film_ratio` air over water; crossflow; fan power follows the cube law and the air density
    (`density` over that of the rating) [ASHRAE HVAC S&E (2020), ch. 39]. `fouling` in K/W of one unit.

    Coolant that is colder than the air goes round the coils.

    `ambient` is the air drawn in [K], recirculation included. Pads bring it to T_db - saturation (T_db - T_wb) at
    most; they are wetted only as far as fans at full speed fail to hold the set point.
    """

    set_point: Array
    conductance: Array
    rated_flow: Array
    rated_air_flow: Array
    fan_power: Array
    count: Array
    ambient: Array
    wet_bulb: Array | float = np.nan
    saturation: Array | float = 0.0
    cycles: Array | float = 4.0
    density: Array | float = 1.0
    film_ratio: Array | float = 0.5
    water_exponent: Array | float = 0.85
    air_exponent: Array | float = 0.8
    fouling: Array | float = 0.0
    min_speed: Array | float = 0.1

    def respond(
        self, inlet: Array, flow: Array, cp: Real, sink: Real = np.nan, running: Array | None = None
    ) -> Response:
        """Response to inlets [K] and flows [kg/s] of all units together (unit, scenario); all run, no `sink`."""
        inlet, flow, C = inputs(self, inlet, flow, cp, sink)
        count = np.maximum(self.count, 1e-9)
        effect = self._effect(C / (cp * count), C / count)
        full, required = effect(np.ones_like(inlet)), inlet - self.set_point
        (air, wetted), wettest = self._air(inlet, full), self._air(inlet, full, True)[0]
        slope, offset, off = affine(inlet, self.set_point, full, wettest)
        bypassed = inlet <= wettest
        slope = np.where(bypassed, 1.0 - 1e-9, slope)
        offset, off = np.where(bypassed, 1e-9 * wettest, offset), off | bypassed
        aim = np.where(np.isnan(required), np.inf, required / np.maximum(inlet - air, 1e-9))
        speed, cube = fans(effect, aim, self.min_speed, 0.0)
        on = np.where(off, 0.0, np.clip(flow / (AWAKE * count * self.rated_flow), 0.0, 1.0))
        evaporated = count * self.rated_air_flow * self.density * speed * wetted
        loading = np.where(np.isnan(required), 1.0, over(required, full * (inlet - wettest)))
        return response(
            inlet,
            slope,
            offset,
            on * count * self.fan_power * self.density * cube,
            on * make_up(evaporated, 0.0, self.cycles),
            np.where(off, 0.0, loading),
            np.where(off, 0.0, self.count),
            on * speed,
            False,
        )

    def _effect(self, flow: Array, C: Array) -> Callable[[Array], Array]:
        """Temperature effectiveness of the coolant at a fan speed."""
        water_film = self.conductance * (1.0 + 1.0 / self.film_ratio)
        air_film = self.conductance * (1.0 + self.film_ratio)

        def effect(speed: Array) -> Array:
            air = self.rated_air_flow * self.density * speed
            films = (self.rated_flow, self.rated_air_flow, water_film, air_film, self.water_exponent, self.fouling)
            ua, air = conductance(flow, air, *films, exponent_cold=self.air_exponent), air * MOIST_CP
            smaller = np.maximum(np.minimum(C, air), 1e-9)
            return crossflow(ua / smaller, smaller / np.maximum(C, air)) * smaller / np.maximum(C, smaller)

        return effect

    def _air(self, inlet: Array, full: Array, wet: bool = False) -> tuple[Array, Array]:
        """Air entering the coil [K], as wet as needed (or as can be), and water evaporated per mass of air [1]."""
        bulb = np.where(np.isnan(self.wet_bulb), self.ambient, self.wet_bulb)
        full_drop = self.saturation * np.maximum(self.ambient - bulb, 0.0)
        needed = self.ambient - inlet + (inlet - self.set_point) / np.maximum(full, 1e-9)
        drop = full_drop if wet else np.where(np.isnan(needed), full_drop, np.clip(needed, 0.0, full_drop))
        latent = VAPORISATION - 2326.0 * (bulb - FREEZING)
        return self.ambient - drop + 0.0 * inlet, MOIST_CP * drop / latent
