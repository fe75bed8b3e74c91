"""Laws of the units that reject heat: dry and adiabatic coolers, cooling towers, chillers; arrays (unit, scenario).

Each law is a frozen table of columns, (k, 1) or (k, S), with one method, `respond`. It returns the affine outlet that
is exact at the given inputs, and what the unit then takes. Temperatures in K, flows in kg/s, all SI.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from twin.fluids import DRY_AIR_CP, FREEZING, STANDARD_PRESSURE, VAPORISATION, VAPOUR_CP, air_density, air_enthalpy
from twin.fluids import humidity_ratio_from_relative_humidity as _ratio
from twin.kernels.arrays import namespace, numbers, send
from twin.kernels.exchangers import conductance, counterflow, crossflow

Array = np.ndarray
OFF = 1e-6
"""How far below the set point an inlet must be for the unit to stand still, K."""
AWAKE = 1e-3
"""Share of the rated flow below which fans and compressors fade out."""
AIR_APPROACH = 13.0
"""Condensing temperature above the entering air, K, of which thin air needs more."""
WATER_CP = 4186.0
MOIST_CP = 1020.0
"""Specific heat of outdoor air with its moisture, J/(kg K)."""


class Response(NamedTuple):
    """Outlet = slope inlet + offset [K] at these inputs, and what it takes; every field (unit, scenario).

    `power` [W] of all running units, make-up `water` [kg/s], `loading` wanted over available duty, units `running`,
    time-averaged fan `speed` fraction (chillers: part load of each), `warning` outside the box of validity.
    """

    slope: Array
    offset: Array
    power: Array
    water: Array
    loading: Array
    running: Array
    speed: Array
    warning: Array


def _inputs(law: Any, inlet: Any, flow: Any, cp: Any, sink: Any) -> tuple[Array, Array, Array]:
    """Inlet [K], flow without its sign [kg/s] and capacity rate [W/K], all in the full shape of law and inputs."""
    columns = [getattr(law, f.name) for f in fields(law)]
    columns = [c.capacity if isinstance(c, Curves) else c for c in columns]
    shape = np.broadcast_shapes(*(np.shape(c) for c in (*columns, inlet, flow, cp, sink)))
    inlet, flow = (np.broadcast_to(numbers(v), shape) for v in (inlet, flow))
    return inlet, np.abs(flow), np.maximum(np.abs(flow) * cp, 1e-6)


def _answer(inlet: Array, *columns: Any) -> Response:
    """Columns in the shape of the inlets, and where these live."""
    full = (np.full_like(inlet, c) if getattr(c, "ndim", 0) == 0 else np.broadcast_to(c, inlet.shape) for c in columns)
    return Response(*full)


CLOSE = 3e-16
"""What is left of a function at its root over what it has at both ends."""


def _rising(f: Callable[[Array], Array], low: Any, high: Any, steps: int = 32) -> Array:
    """Root of a rising f in [low, high], or the nearer end: secants with halved weights, every third step a bisection.

    Illinois' rule [Dowell & Jarratt, BIT 11 (1971) 168]. An element that is `CLOSE` stays as it is, so that stopping
    when all are leaves it as it would be alone.
    """
    a, b = low + 0.0 * high, high + 0.0 * low
    fa, fb = f(a), f(b)
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


def _affine(inlet: Array, set_point: Array, effect: Array, sink: Array) -> tuple[Array, Array, Array]:
    """Slope and offset of a unit of effectiveness `effect` against a sink, and whether it stands still."""
    off = inlet <= set_point - OFF
    held = ~off & (inlet - set_point < effect * (inlet - sink))
    slope = np.where(off, 1.0 - 1e-9, np.where(held, 0.0, 1.0 - effect))
    offset = np.where(off, 1e-9 * set_point, np.where(held, set_point, effect * sink))
    return slope, offset, off


def _fans(effect: Callable[[Array], Array], wanted: Array, least: Any, free: Any) -> tuple[Array, Array]:
    """Mean speed and mean cube of speed at which `effect(speed)` is `wanted`; full where it cannot be reached.

    Below the least speed fans run part of the time: effectiveness is then linear between standing fans, which leave
    the share `free` of the full one, and the least speed.
    """
    most, low = effect(np.ones_like(wanted)), effect(np.broadcast_to(least, wanted.shape))
    still = np.minimum(free * most, 0.999 * low)
    part = np.clip((wanted - still) / np.maximum(low - still, 1e-12), 0.0, 1.0)
    speed = _rising(lambda s: effect(s) - np.minimum(wanted, most), np.broadcast_to(least, wanted.shape), 1.0)
    slow = wanted <= low
    return np.where(slow, part * least, speed), np.where(slow, part * least**3, speed**3)


def _over(wanted: Array, available: Array) -> Array:
    """Wanted over available duty between 0 and 1000."""
    return np.clip(wanted / np.maximum(available, 1e-3 * np.maximum(wanted, 1e-9)), 0.0, 1e3)


def make_up(evaporation: Any, drift: Any, cycles: Any) -> Array:
    """Make-up water [kg/s]: evaporation + drift + blow-down.

    Blow-down is evaporation / (cycles - 1) - drift and never negative, from the balance of dissolved solids, which
    leave with drift and blow-down [ASHRAE HVAC S&E (2020), ch. 40].
    """
    return evaporation + drift + np.maximum(evaporation / (numbers(cycles) - 1.0) - drift, 0.0)


# ---- dry and adiabatic coolers -----------------------------------------------------------------------------------


def rated_density(air_in: Any) -> Array:
    """Density of the air that a coil is rated with, dry and at standard pressure, kg/m3."""
    return air_density(air_in, 0.0, STANDARD_PRESSURE)


def from_rating(
    duty: Any,
    water_in: Any,
    water_out: Any,
    air_in: Any,
    air_flow: Any,
    effectiveness: Callable[[Any, Any], Array] = crossflow,
) -> Array:
    """Conductance UA [W/K] of a coil that takes `duty` [W] from water_in to water_out [K] with air at air_in [K].

    `air_flow` in kg/s. Raises ValueError if that air cannot carry the duty at any size (effectiveness of 1 or more).
    """
    water = duty / (np.asarray(water_in, float) - water_out)
    air = np.asarray(air_flow) * MOIST_CP
    least, most = np.minimum(water, air), np.maximum(water, air)
    wanted, ratio = np.broadcast_arrays(duty / (least * (water_in - np.asarray(air_in))), least / most)
    if np.any(wanted >= effectiveness(1e3, ratio)):
        raise ValueError("the rated air flow cannot carry the rated duty; give more air or a warmer coolant")
    log = _rising(lambda x: effectiveness(np.exp(x), ratio) - wanted, np.full(wanted.shape, -9.0), 7.0, 60)
    return np.exp(log) * least


@dataclass(frozen=True)
class DryCooler:
    """Coils cooled by outdoor air that fans draw through them; with `saturation` the air is wetted first.

    One unit has UA = `conductance` [W/K] at `rated_flow` and `rated_air_flow` [kg/s], `fan_power` [W] at full speed;
    `count` equal units run in parallel at one speed. Films hA_w ~ m^0.85 and hA_a ~ m^0.8, in the ratio
    `film_ratio` air over water; crossflow; fan power follows the cube law and the air density
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
    fouling: Array | float = 0.0
    least_speed: Array | float = 0.1

    def respond(self, inlet: Array, flow: Array, cp: Any, sink: Any = np.nan, running: Any = None) -> Response:
        """Response to inlets [K] and flows [kg/s] of all units together (unit, scenario); all run, no `sink`."""
        inlet, flow, C = _inputs(self, inlet, flow, cp, sink)
        count = np.maximum(self.count, 1e-9)
        effect = self._effect(C / (cp * count), C / count)
        full, wanted = effect(np.ones_like(inlet)), inlet - self.set_point
        (air, wetted), wettest = self._air(inlet, full), self._air(inlet, full, True)[0]
        slope, offset, off = _affine(inlet, self.set_point, full, wettest)
        bypassed = inlet <= wettest
        slope = np.where(bypassed, 1.0 - 1e-9, slope)
        offset, off = np.where(bypassed, 1e-9 * wettest, offset), off | bypassed
        aim = np.where(np.isnan(wanted), np.inf, wanted / np.maximum(inlet - air, 1e-9))
        speed, cube = _fans(effect, aim, self.least_speed, 0.0)
        on = np.where(off, 0.0, np.clip(flow / (AWAKE * count * self.rated_flow), 0.0, 1.0))
        evaporated = count * self.rated_air_flow * self.density * speed * wetted
        loading = np.where(np.isnan(wanted), 1.0, _over(wanted, full * (inlet - wettest)))
        return _answer(
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
            films = (self.rated_flow, self.rated_air_flow, water_film, air_film, 0.85, self.fouling)
            ua, air = conductance(flow, air, *films, exponent_cold=0.8), air * MOIST_CP
            least = np.maximum(np.minimum(C, air), 1e-9)
            return crossflow(ua / least, least / np.maximum(C, air)) * least / np.maximum(C, least)

        return effect

    def _air(self, inlet: Array, full: Array, wet: bool = False) -> tuple[Array, Array]:
        """Air entering the coil [K], as wet as needed (or as can be), and water evaporated per mass of air [1]."""
        bulb = np.where(np.isnan(self.wet_bulb), self.ambient, self.wet_bulb)
        most = self.saturation * np.maximum(self.ambient - bulb, 0.0)
        needed = self.ambient - inlet + (inlet - self.set_point) / np.maximum(full, 1e-9)
        drop = most if wet else np.where(np.isnan(needed), most, np.clip(needed, 0.0, most))
        latent = VAPORISATION - 2326.0 * (bulb - FREEZING)
        return self.ambient - drop + 0.0 * inlet, MOIST_CP * drop / latent


# ---- cooling towers ----------------------------------------------------------------------------------------------

_TABLE_T = np.arange(-40.0, 90.01, 0.125) + FREEZING


@lru_cache(maxsize=256)
def _table(pressure: float) -> Array:
    return air_enthalpy(_TABLE_T, _ratio(_TABLE_T, 1.0, pressure))


def _look_up(x: Any, pressure: Any, inverse: bool = False) -> Array:
    x, p = numbers(x), numbers(pressure)
    x = np.atleast_1d(x + 0.0 * p)
    found, p = np.zeros_like(x), np.broadcast_to(p, x.shape) if p.ndim else np.full_like(x, p)
    for value in np.unique(p):
        at, table = p == value, (_TABLE_T, _table(float(value)))
        found[at] = np.interp(x[at], *send(table[::-1] if inverse else table, namespace(x)))
    return found


def _saturated(T: Any, pressure: Any = STANDARD_PRESSURE) -> Array:
    """Enthalpy of saturated air [J/kg] at a temperature [K] and pressure [Pa]."""
    return _look_up(T, pressure)


@dataclass(frozen=True)
class _Tower:
    """Open cells that cool water towards the wet bulb.

    One cell is designed for `rated_flow` [kg/s] between `rated_inlet` and `rated_outlet` at `rated_wet_bulb` [K] with
    `fan_power` [W]; `cells` are installed. Stage rule: the smallest number of cells runs, at least `least_cells`,
    at which a cell carries no more than its rated flow, or takes no more than a finite `stage_heat` [W], and at which
    fans at full speed miss the set point by no more than `stage_miss` [K]; a finite `running` overrides all that.
    Fans follow the cube law and the density of the air at the site's `pressure` [Pa].
    Below `least_speed` they run part of the time; standing fans leave `free_convection` of the full effect.

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
    least_cells: Array | float = 1.0
    running: Array | float = np.nan
    stage_heat: Array | float = np.nan
    stage_miss: Array | float = np.inf
    least_speed: Array | float = 0.2
    free_convection: Array | float = 0.125
    drift: Array | float = 2e-5
    cycles: Array | float = 4.0
    pressure: Array | float = STANDARD_PRESSURE

    @property
    def _thin(self) -> Array:
        """Density of the air over that of the rating."""
        return numbers(self.pressure) / STANDARD_PRESSURE

    def respond(self, inlet: Array, flow: Array, cp: Any, sink: Any = np.nan, running: Any = None) -> Response:
        """Response to inlets [K] and flows [kg/s] of all cells together (unit, scenario); `sink` is ignored.

        `running` keeps the staging of an earlier answer. `loading` counts all cells that may run.
        """
        inlet, flow, C = _inputs(self, inlet, flow, cp, sink)
        cells = self._staged(inlet, flow, C) if running is None else running
        cells = np.maximum(cells, 1e-9)
        effect = self._effect(inlet, flow / cells, C / cells)
        gap, wanted = inlet - self.wet_bulb, inlet - self.set_point
        most, full = self._most(effect, gap)
        every = np.maximum(np.where(np.isnan(self.running), self.cells, self.running), 1e-9)
        able = self._most(self._effect(inlet, flow / every, C / every), gap)[0]
        slope, offset, off = _affine(inlet, self.set_point, full, self.wet_bulb + 0.0 * inlet)
        slope, offset = self._tangent(slope, offset, inlet, flow / cells, C / cells, most)
        aim = np.where(np.isnan(wanted), np.inf, wanted / np.maximum(gap, 1e-9))
        cooling = np.where(wanted < most, np.maximum(wanted, 0.0), most)
        speed, cube = _fans(lambda s: effect(cooling, s), aim, self.least_speed, self.free_convection)
        on = np.where(off, 0.0, np.clip(flow / (AWAKE * self.rated_flow), 0.0, 1.0))
        evaporated = C * cooling * self._latent(inlet, cooling)
        return _answer(
            inlet,
            slope,
            offset,
            on * cells * self.fan_power * self._thin * cube,
            on * make_up(evaporated, self.drift * flow * speed, self.cycles),
            np.where(off, 0.0, np.where(np.isnan(wanted), 1.0, _over(wanted, able))),
            cells,
            on * speed,
            (on > 0) & self._outside(cooling),
        )

    def _tangent(self, slope: Array, offset: Array, inlet: Array, flow: Array, C: Array, most: Array) -> Any:
        """The line of a cell at full speed as a tangent: a warmer inlet changes the effectiveness too."""
        step = 0.01
        more = self._most(self._effect(inlet + step, flow, C), inlet + step - self.wet_bulb)[0]
        true = np.clip(1.0 - (more - most) / step, 0.0, 1.0 - 1e-9)
        free = (slope > 0.0) & (slope < 1.0 - 1e-8)
        return np.where(free, true, slope), np.where(free, inlet - most - true * inlet, offset)

    @staticmethod
    def _most(effect: Callable[[Array, Array], Array], gap: Array) -> tuple[Array, Array]:
        """Largest range [K] at full speed for an inlet `gap` above the wet bulb, and the effectiveness there."""
        span = np.maximum(gap, 0.0)
        most = _rising(lambda r: r - effect(r, np.ones_like(r)) * gap, 0.0 * span, span)
        return most, effect(most, np.ones_like(most))

    def _staged(self, inlet: Array, flow: Array, C: Array) -> Array:
        heat = C * np.maximum(inlet - self.set_point, 0.0)
        load = np.where(np.isfinite(self.stage_heat), heat / self.stage_heat, flow / self.rated_flow)
        load = np.where(np.isnan(load), np.inf, load)
        staged = np.clip(np.ceil(load - 1e-9), np.maximum(self.least_cells, 1.0), self.cells)
        if np.any(np.isfinite(self.stage_miss)):
            staged = self._enough(inlet, flow, C, staged)
        return np.maximum(np.where(np.isnan(self.running), staged, self.running), 1e-9)

    def _enough(self, inlet: Array, flow: Array, C: Array, least: Array) -> Array:
        """Smallest number of cells, `least` at least, that keeps `stage_miss`; all where none does, by bisection."""
        wanted, gap = inlet - self.set_point - self.stage_miss, inlet - self.wet_bulb
        low, high = least, np.maximum(self.cells + 0.0 * least, least)
        widest = float((high - low).max()) if high.size else 0.0
        for _ in range(int(np.ceil(np.log2(max(widest, 0.0) + 1.0)))):
            middle = np.floor(0.5 * (low + high))
            able = self._most(self._effect(inlet, flow / middle, C / middle), gap)[0] >= wanted
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

    def _effect(self, inlet: Array, flow: Array, C: Array) -> Callable[[Array, Array], Array]:
        """Temperature effectiveness (range over inlet less wet bulb) of a cell at a range and a fan speed."""
        raise NotImplementedError

    def _outside(self, cooling: Array) -> Array:
        """Whether the correlation is used outside its box."""
        raise NotImplementedError


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


def _york(wet_bulb: Any) -> Callable[[Any, Any], Array]:
    """Approach [K] as a function of range [K] and L/G, at a wet bulb [K].

    Wet bulb and range are clipped to the box and the approach is proportional to the range outside, so that the
    effectiveness stays. L/G stops at the maximum of the quadratic, beyond which the correlation would turn down;
    the approach is at least a tenth of the range, since small L/G would give a negative one.
    """
    b = np.clip(numbers(wet_bulb) - FREEZING, *YORK_BOX["wet_bulb"])
    c = [[_YORK[i, j, 0] + b * (_YORK[i, j, 1] + b * _YORK[i, j, 2]) for j in range(3)] for i in range(3)]

    def approach(range_: Any, liquid_gas: Any) -> Array:
        r = np.clip(range_, *YORK_BOX["range"])
        c0, c1, c2 = (k[0] + r * (k[1] + r * k[2]) for k in c)
        x = np.minimum(liquid_gas, np.where(c2 < 0, -0.5 * c1 / np.minimum(c2, -1e-9), np.inf))
        return np.maximum(c0 + x * (c1 + x * c2), 0.1 * r) * range_ / r

    return approach


@dataclass(frozen=True)
class YorkTower(_Tower):
    """Tower after the York correlation: approach = sum of 27 terms in wet bulb, range and L/G.

    L/G is in units of the reference cell; the rating fixes the scale. Outside the box see `_york`; a warning is set.
    The correlation knows no altitude.
    """

    def _effect(self, inlet: Array, flow: Array, C: Array) -> Callable[[Array, Array], Array]:
        rated, span = _york(self.rated_wet_bulb), self.rated_inlet - self.rated_outlet
        target = self.rated_outlet - self.rated_wet_bulb
        reference = _rising(lambda x: rated(span, x) - target, 0.01 + 0.0 * (span + target), 8.0, 60)
        liquid, approach = reference * flow / self.rated_flow, _york(self.wet_bulb)

        def effect(range_: Array, speed: Array) -> Array:
            r = np.maximum(range_, 1e-6)
            return r / (r + approach(r, liquid / np.maximum(speed, 1e-3)))

        return effect

    def _outside(self, cooling: Array) -> Array:
        low, high = YORK_BOX["wet_bulb"]
        b = self.wet_bulb - FREEZING
        return (b < low) | (b > high) | (cooling > YORK_BOX["range"][1])


@dataclass(frozen=True)
class MerkelTower(_Tower):
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
            least, moved = np.minimum(C, cold), speed * self._thin
            ntu = ua * (1.3 * moved - 0.3 * moved**2) * c_e / DRY_AIR_CP / least
            return counterflow(ntu, least / np.maximum(C, cold)) * least / C

        return effect

    def _rated_ua(self) -> Array:
        """UA [W/K] at the rating, from the effectiveness there."""
        C, span = self.rated_flow * WATER_CP, self.rated_inlet - self.rated_outlet
        base = _saturated(self.rated_wet_bulb)
        cold, c_e = _equivalent(base, self.rated_wet_bulb, C * span, self._air(), STANDARD_PRESSURE)
        least, most = np.minimum(C, cold), np.maximum(C, cold)
        wanted = C * span / (least * (self.rated_inlet - self.rated_wet_bulb))
        log = _rising(lambda x: counterflow(np.exp(x), least / most) - wanted, 0.0 * wanted - 6.0, 6.0, 60)
        return np.exp(log) * least * DRY_AIR_CP / c_e

    def _outside(self, cooling: Array) -> Array:
        drop = self.rated_wet_bulb - self.wet_bulb
        return (drop < -10.0) | (drop > 25.0)


def _equivalent(base: Array, wet_bulb: Array, heat: Array, air: Array, pressure: Any) -> tuple[Array, Array]:
    """Capacity rate [W/K] and specific heat [J/(kg K)] of air as a stream of wet bulbs that takes up `heat` [W]."""
    rise = heat / air
    c_e = rise / np.maximum(_look_up(base + rise, pressure, inverse=True) - wet_bulb, 1e-3)
    return air * c_e, c_e


# ---- chillers ----------------------------------------------------------------------------------------------------


class Curves(NamedTuple):
    """Published performance of an electric chiller, or of several stacked on a trailing (k, 1).

    Capacity [W] and COP at the reference, leaving chilled water and entering condenser [degC]; coefficients of
    1, x, x², y, y², x y with x leaving water and y entering condenser in degC; part load of 1, p, p²; box of x and y.
    """

    capacity: Any
    cop: Any
    leaving: Any
    entering: Any
    cap: Any
    eir: Any
    plr: Any
    leaving_box: Any
    entering_box: Any
    air: Any


CURVES = {
    "carrier_30xa500": Curves(
        1609e3,
        2.9,
        6.67,
        35.0,
        (-0.3479426, 0.0637388, -0.0007955, 0.0712741, -0.0010660, -0.0009235),
        (0.0891348, 0.0280734, 0.0016910, 0.0230562, 0.0001664, -0.0015023),
        (0.0, 1.0, 0.0),
        (4.4, 10.0),
        (29.0, 46.0),
        True,
    ),
    "york_yk": Curves(
        2275e3,
        6.32,
        6.67,
        26.11,
        (1.034673, -0.01091064, 9.019479e-4, 9.686229e-3, -9.160783e-4, 2.045641e-3),
        (0.8326094, -6.056615e-3, -3.016626e-4, -2.498578e-3, 4.933363e-4, -3.125632e-4),
        (0.2735485, 0.2163041, 0.5099054),
        (4.4, 8.9),
        (12.8, 29.4),
        False,
    ),
    "carrier_19ex": Curves(
        5208e3,
        6.88,
        6.67,
        26.11,
        (0.5563516, -0.04106264, -3.164992e-3, 0.05722234, -2.313857e-3, 5.377616e-3),
        (0.5198204, -0.0152334, -6.391523e-4, 0.02170049, 2.423693e-5, 1.432604e-4),
        (0.2334262, 0.3926783, 0.373132),
        (4.4, 8.9),
        (15.6, 29.4),
        False,
    ),
    "carrier_19xr": Curves(
        1403e3,
        7.09,
        6.67,
        12.78,
        (0.9601814, -3.596494e-3, -1.706786e-3, 6.272429e-3, -9.858212e-4, 2.611673e-3),
        (1.098641, -0.0248588, -6.240421e-5, -1.719488e-3, 4.887321e-4, 9.618075e-5),
        (0.08788698, 0.2678891, 0.644518),
        (6.7, 12.2),
        (12.8, 23.9),
        False,
    ),
    "trane_rthc": Curves(
        1094e3,
        6.55,
        5.56,
        23.33,
        (0.9643756, 0.03820069, 4.611891e-4, -5.17484e-3, -5.784404e-5, -2.944185e-4),
        (0.6579136, -0.01133448, 6.497057e-4, 7.31816e-3, 6.167738e-4, -9.553369e-4),
        (0.1626466, 0.790355, 0.04770888),
        (5.6, 10.0),
        (15.6, 23.9),
        False,
    ),
}
"""Chillers by name: Carrier 30XA500 (air, screw), York YK, Carrier 19EX (centrifugal), 19XR (VSD), Trane RTHC (screw).

Source: the chiller data sets of EnergyPlus and of Modelica Buildings (Fluid.Chillers.Data.ElectricEIR), BSD.
"""


def stack(names: Sequence[str]) -> Curves:
    """Curves of several chillers as columns: scalars (k, 1), coefficients (6, k, 1) or (3, k, 1), boxes (2, k, 1)."""
    return Curves(*(np.moveaxis(np.array(v), 0, -1)[..., None] for v in zip(*(CURVES[n] for n in names), strict=True)))


def _biquadratic(c: Any, x: Any, y: Any) -> Array:
    return c[0] + x * (c[1] + c[2] * x + c[5] * y) + y * (c[3] + c[4] * y)


@dataclass(frozen=True)
class Chiller:
    """Electric chillers in parallel: EIR curves inside their box, a lift law outside [EnergyPlus Chiller:Electric:EIR].

    Q = Q_ref capFT(x, y), P = Q / COP_ref EIRFT(x, y) EIRFPLR(p); x is the set point, y the air (`ambient`, K) or the
    entering condenser water (`sink`). No published set reaches warm water, so outside the box COP follows
    T_e / (T_c - T_e), with approaches on both sides, times what makes it meet the curves at the nearest point of the
    box; it is capped at `most_cop`. Capacity outside is that of the nearest point. A warning is set.

    Stage rule: the smallest number runs, of `count`, at which each is loaded to `stage_up` at most. Below `least_plr`
    a machine cycles. `capacity` [W] and `cop` of one unit at the reference default to those of the curves;
    `capacity_factor` derates, as for elevation. Without set point (NaN) water is cooled as far as the box allows.
    """

    set_point: Array
    count: Array
    curves: Curves
    ambient: Array | float = np.nan
    capacity: Array | float = np.nan
    cop: Array | float = np.nan
    capacity_factor: Array | float = 1.0
    stage_up: Array | float = 0.9
    least_plr: Array | float = 0.15
    most_cop: Array | float = 15.0
    evaporator_approach: Array | float = 2.0
    condenser_approach: Array | float = np.nan

    def respond(self, inlet: Array, flow: Array, cp: Any, sink: Any = np.nan, running: Any = None) -> Response:
        """Response to inlets [K], flows [kg/s] and entering condenser water [K], (unit, scenario).

        `running` keeps the staging of an earlier answer.
        """
        inlet, flow, _ = _inputs(self, inlet, flow, cp, sink)
        set_point = np.where(np.isnan(self.set_point), self.curves.leaving_box[0] + FREEZING, self.set_point)
        one, cop, outside = self.performance(set_point, np.where(self.curves.air, self.ambient, sink))
        off, wanted = inlet <= set_point - OFF, np.maximum(flow * cp * (inlet - set_point), 0.0)
        staged = np.clip(np.ceil(wanted / (self.stage_up * one) - 1e-9), 1.0, np.maximum(self.count, 1.0))
        running = staged if running is None else np.maximum(running, 1.0)
        available = one * np.maximum(self.count, 1e-9)
        part = np.minimum(wanted / np.minimum(running * one, available), 1.0)
        c, p = self.curves.plr, np.maximum(part, self.least_plr)
        fade = np.minimum(part / self.least_plr, 1.0)
        power = running * one / cop * (c[0] + p * (c[1] + p * c[2])) * fade
        # A line through the set point: a constant duty would leave a closed loop without a temperature.
        short = np.where(wanted > available, 1.0 - available / np.maximum(wanted, 1e-9), 0.0)
        slope = np.where(off, 1.0 - 1e-9, short)
        offset = np.where(off, 1e-9, 1.0 - short) * set_point
        return _answer(
            inlet,
            slope,
            offset,
            np.where(off, 0.0, power),
            0.0,
            np.where(off, 0.0, _over(wanted, available)),
            np.where(off | (wanted <= 0), 0.0, np.minimum(running, self.count)),
            np.where(off, 0.0, part),
            outside & ~off & (wanted > 1e-4 * available),
        )

    def performance(self, leaving: Any, entering: Any) -> tuple[Array, Array, Array]:
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
        capped = np.minimum(lifted, np.maximum(self.most_cop, near))
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
        least, most = c.leaving_box[0], c.entering_box[1]
        cooler = law(near_x, np.minimum(y, most)) / law(near_x, near_y)
        hotter = law(c.leaving, np.maximum(y, most)) / law(c.leaving, most)
        warmer = law(np.maximum(x, least), y) / law(near_x, y)
        colder = law(np.minimum(x, least), c.entering) / law(least, c.entering)
        return cooler * hotter * warmer * colder

    def _carnot(self, x: Any, y: Any) -> Array:
        """T_e / (T_c - T_e) with approaches on both sides; the lift is at least 3 K."""
        default = np.where(self.curves.air, AIR_APPROACH, 7.0)
        approach = np.where(np.isnan(self.condenser_approach), default, self.condenser_approach)
        T = x - self.evaporator_approach + FREEZING
        return T / np.maximum(y + FREEZING + approach - T, 3.0)
