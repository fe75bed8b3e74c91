"""Coolants and moist air as array functions: temperatures in K, everything SI, any shape that broadcasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.kernels.arrays import numbers
from twin.kernels.moist_air import TRIPLE, log_pressure_over_ice, log_pressure_over_water

Array = NDArray[np.float64]
Values = Array | float
"""An array, where it may live on any device, or a number; arguments of one function broadcast."""

FREEZING = 273.15
"""Freezing point of water, K."""

STANDARD_PRESSURE = 101325.0
"""Pressure of the standard atmosphere at sea level, Pa."""

DRY_AIR_CP = 1006.0
"""Specific heat capacity of dry air, J/(kg K)."""

VAPOUR_CP = 1860.0
"""Specific heat capacity of water vapour, J/(kg K)."""

VAPORISATION = 2.501e6
"""Latent heat of water at 0 degC, J/kg."""

MOLAR_RATIO = 0.621945
"""Molar mass of water over that of dry air."""

MOST_VAPOUR = 0.9
"""Largest share of the pressure of air that its vapour may have."""

MAX_TERMS = 8
"""Coefficients that a polynomial of a fluid may have."""

_DRY_AIR_GAS = 287.042
"""Gas constant of dry air, J/(kg K)."""


# ---- coolants ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fluid:
    """A liquid as polynomials in x = (T - centre) / scale. Example: fluid("pg25").density(310.0)."""

    name: str
    """What layouts call it."""
    centre: float
    """Temperature at which x is 0, K."""
    scale: float
    """Temperature over which x rises by 1, K."""
    min_temperature: float
    """Lowest temperature fitted, K; below it the value there is used, of which a solve warns."""
    max_temperature: float
    """Highest temperature fitted, K; above it the value there is used, of which a solve warns."""
    freezing: float
    """Freezing point at atmospheric pressure, K."""
    rho: tuple[float, ...]
    """Coefficients of the density [kg/m3], ascending powers."""
    cp: tuple[float, ...]
    """Coefficients of the specific heat capacity [J/(kg K)]."""
    log_mu: tuple[float, ...]
    """Coefficients of ln of the viscosity [Pa s]."""
    k: tuple[float, ...]
    """Coefficients of the thermal conductivity [W/(m K)]."""
    mass_share: float = 0.0
    """Share of glycol by mass [1]; what names like pg25 have is the share by volume, see `fluid`."""

    def _at(self, coefficients: tuple[float, ...], T: Values) -> Array:
        x = (np.clip(T, self.min_temperature, self.max_temperature) - self.centre) / self.scale
        value = coefficients[-1] + 0.0 * x
        for c in coefficients[-2::-1]:
            value = value * x + c
        return value

    def density(self, T: Values) -> Array:
        """Density [kg/m3], shape of T [K]."""
        return self._at(self.rho, T)

    def heat_capacity(self, T: Values) -> Array:
        """Specific heat capacity at constant pressure [J/(kg K)], shape of T [K]."""
        return self._at(self.cp, T)

    def viscosity(self, T: Values) -> Array:
        """Dynamic viscosity [Pa s], shape of T [K]."""
        return np.exp(self._at(self.log_mu, T))

    def conductivity(self, T: Values) -> Array:
        """Thermal conductivity [W/(m K)], shape of T [K]."""
        return self._at(self.k, T)

    def prandtl(self, T: Values) -> Array:
        """Prandtl number Pr = mu cp / k [1], shape of T [K]."""
        return self.viscosity(T) * self.heat_capacity(T) / self.conductivity(T)


FLUIDS = {
    f.name: f
    for f in (
        # IAPWS-95 at 3 bar through CoolProp 8.0: rho within 0.002 %, cp 0.014 %, mu 0.019 %, k 0.014 %, 1 to 95 degC.
        Fluid(
            "water",
            centre=323.15,
            scale=50.0,
            min_temperature=274.15,
            max_temperature=368.15,
            freezing=273.15,
            rho=(988.111504, -22.6889335, -8.04957307, 1.88674127, -0.889502474),
            cp=(4181.23943, 16.4869102, 15.6222331, -16.4514259, 20.6339563),
            log_mu=(-7.51172503, -0.839945563, 0.224545791, -0.0661166806, 0.0365235634, -0.0194113558),
            k=(0.640663342, 0.0558202064, -0.02106065, 0.00468711798, -0.00315905041),
        ),
        # Propylene (pg) and ethylene glycol (eg) in water, percent by volume: Melinder (2010) at `mass_share` through
        # CoolProp 8.0 (INCOMP::MPG, MEG), whose cubics these are, to 1e-8 in all four. ASHRAE's inhibited glycols are
        # apart from them at 20 to 80 degC by up to 0.9 % in rho, 1.4 % in cp, 1.8 % in k, 7 % in mu. Freezing points
        # are the warmer of Melinder's and ASHRAE's, 0.2 K apart for pg, up to 2.7 K for eg: `tests/cases/properties`.
        Fluid(
            "pg20",
            centre=319.46,
            scale=53.69,
            min_temperature=265.77,
            max_temperature=373.15,
            freezing=265.77,
            rho=(1003.58548, -28.2295197, -7.61068351, 2.3479579),
            cp=(4026.93617, 115.370259, -2.697224, -4.74526743),
            log_mu=(-6.87655856, -1.15619257, 0.458773236, -0.188149681),
            k=(0.515029433, 0.0505382565, -0.00481462549, -0.00100046874),
            mass_share=0.2060,
        ),
        Fluid(
            "pg25",
            centre=318.17,
            scale=54.98,
            min_temperature=263.19,
            max_temperature=373.15,
            freezing=263.19,
            rho=(1007.66441, -30.749419, -7.33528601, 2.3641944),
            cp=(3973.05384, 132.394457, -5.44172165, -3.18149019),
            log_mu=(-6.70659681, -1.28592145, 0.551267139, -0.217240646),
            k=(0.4865793, 0.0476916008, -0.00234047298, -0.0010744363),
            mass_share=0.2571,
        ),
        Fluid(
            "pg30",
            centre=316.6,
            scale=56.55,
            min_temperature=260.05,
            max_temperature=373.15,
            freezing=260.05,
            rho=(1011.95884, -33.5862008, -7.1235604, 2.43386624),
            cp=(3909.72033, 150.653256, -6.36817353, -1.84286917),
            log_mu=(-6.52122444, -1.4440781, 0.664317394, -0.253284078),
            k=(0.459418312, 0.0448396412, -0.000477859678, -0.00107658362),
            mass_share=0.3079,
        ),
        Fluid(
            "pg40",
            centre=312.44,
            scale=60.71,
            min_temperature=251.73,
            max_temperature=373.15,
            freezing=251.73,
            rho=(1021.0733, -39.9510681, -7.01987305, 2.78618986),
            cp=(3754.65928, 196.371469, -4.57209586, 0.0301501211),
            log_mu=(-6.09720999, -1.86682294, 0.965154805, -0.356505987),
            k=(0.408693457, 0.0391114972, 0.00172700566, -0.000764224),
            mass_share=0.4090,
        ),
        Fluid(
            "pg50",
            centre=306.38,
            scale=66.77,
            min_temperature=239.6,
            max_temperature=373.15,
            freezing=239.6,
            rho=(1030.60031, -46.9291996, -7.80169866, 3.61222495),
            cp=(3564.48988, 260.442237, -1.27488841, 0.160793106),
            log_mu=(-5.57093542, -2.48811303, 1.41616446, -0.533887788),
            k=(0.362276762, 0.0329619823, 0.00222173405, 0.00032858554),
            mass_share=0.5093,
        ),
        Fluid(
            "eg20",
            centre=318.66,
            scale=54.48,
            min_temperature=264.18,
            max_temperature=373.15,
            freezing=264.18,
            rho=(1015.97543, -26.963, -8.73982549, 0.805162676),
            cp=(3917.36993, 108.324112, -3.77487739, -3.45920665),
            log_mu=(-6.96651899, -1.09350143, 0.41986358, -0.108679223),
            k=(0.525899817, 0.0526050533, -0.00713731383, -0.000252801199),
            mass_share=0.2181,
        ),
        Fluid(
            "eg25",
            centre=317.1,
            scale=56.05,
            min_temperature=261.04,
            max_temperature=373.15,
            freezing=261.04,
            rho=(1023.16413, -29.1209771, -8.49259095, 0.833155612),
            cp=(3833.38589, 138.006038, -11.355861, -2.74344592),
            log_mu=(-6.81111048, -1.18290062, 0.465522883, -0.125872419),
            k=(0.499616141, 0.0509279289, -0.00500214673, -0.000410045112),
            mass_share=0.2710,
        ),
        Fluid(
            "eg30",
            centre=315.3,
            scale=57.85,
            min_temperature=257.45,
            max_temperature=373.15,
            freezing=257.45,
            rho=(1030.59641, -31.314263, -8.27309799, 0.921836879),
            cp=(3741.42146, 171.978677, -19.129397, -2.66657912),
            log_mu=(-6.64915304, -1.28331923, 0.518767707, -0.15349433),
            k=(0.474566347, 0.049085818, -0.0033456112, -0.0005720528),
            mass_share=0.3234,
        ),
        Fluid(
            "eg40",
            centre=310.75,
            scale=62.39,
            min_temperature=248.36,
            max_temperature=373.15,
            freezing=248.36,
            rho=(1046.01206, -35.7460667, -8.17615016, 1.36449801),
            cp=(3539.39716, 255.42167, -37.0170564, -5.25897337),
            log_mu=(-6.29270274, -1.53274172, 0.678283289, -0.254992574),
            k=(0.428106896, 0.0448696507, -0.00121627644, -0.000924658079),
            mass_share=0.4265,
        ),
        Fluid(
            "eg50",
            centre=304.59,
            scale=68.55,
            min_temperature=236.04,
            max_temperature=373.15,
            freezing=236.04,
            rho=(1061.8084, -40.6835189, -9.20603008, 2.40971538),
            cp=(3316.97799, 362.251184, -61.028917, -14.1837391),
            log_mu=(-5.87187367, -1.89122871, 0.995047003, -0.462108513),
            k=(0.386552448, 0.0398408278, -0.000221227379, -0.0013385937),
            mass_share=0.5273,
        ),
        # Polyalphaolefin of the grade PAO 2, a single-phase immersion coolant: the formulas of ACHP (Bell), Brine.h,
        # which name no measurement: rho, cp and k are these, mu within 0.2 %, 0 to 80 degC. The table in the Modelica
        # library ThermoS is apart from them by 0.6 % in rho, 1.4 % in cp, 3 % in k; its mu is of a heavier grade.
        # Freezing: an assumption, -54 degC, to which hydraulic fluids of this base must serve [MIL-PRF-87257C, 1.1].
        Fluid(
            "pao2",
            centre=313.15,
            scale=40.0,
            min_temperature=273.15,
            max_temperature=353.15,
            freezing=219.15,
            rho=(780.612, -27.488),
            cp=(2268.64, 135.64),
            log_mu=(-5.47091668, -1.07998178, 0.0811403537, -0.0974105722, 0.0528342275),
            k=(0.142248, -0.004352),
        ),
    )
}


def add(fluid: Fluid) -> Fluid:
    """Make a coolant known by its name, for loops of water, oil or a dielectric of one's own; returns it.

    Constant properties are tuples of one number, such as `rho=(820.0,)`, and viscosity is given as its logarithm.
    Adding the same fluid again changes nothing. Raises ValueError for a name that another fluid has, and for properties
    that are not positive and finite between `min_temperature` and `max_temperature`.
    """
    if not fluid.name.isidentifier():
        raise ValueError(f"fluid {fluid.name!r}: a name is of letters, digits and underscores")
    if FLUIDS.get(fluid.name, fluid) != fluid:
        raise ValueError(f"fluid {fluid.name!r} is known with other properties; call it another name")
    low, high = fluid.min_temperature, fluid.max_temperature
    if not 0.0 < low < high or not fluid.scale > 0.0 or not 0.0 <= fluid.freezing < high:
        rules = "0 < min_temperature < max_temperature, a scale above 0 and freezing below it, in K"
        raise ValueError(f"fluid {fluid.name!r}: give {rules}")
    empty = [n for n in ("rho", "cp", "log_mu", "k") if not getattr(fluid, n)]
    if empty:
        raise ValueError(f"fluid {fluid.name!r}: {' and '.join(empty)} has no coefficients")
    long = [n for n in ("rho", "cp", "log_mu", "k") if len(getattr(fluid, n)) > MAX_TERMS]
    if long:
        fault = f"{' and '.join(long)} has more than {MAX_TERMS} coefficients; fit a shorter polynomial"
        raise ValueError(f"fluid {fluid.name!r}: {fault}")
    T = np.linspace(low, high, 201)
    for what in ("density", "heat_capacity", "viscosity", "conductivity"):
        with np.errstate(over="ignore"):
            value = getattr(fluid, what)(T)
        bad = ~((value > 0.0) & np.isfinite(value))
        if bad.any():
            raise ValueError(f"fluid {fluid.name!r}: {what} is {value[bad][0]:g} at {T[bad][0]:.2f} K, in SI units")
    return FLUIDS.setdefault(fluid.name, fluid)


def fluid(name: str) -> Fluid:
    """The coolant of that name: water, a glycol, `pao2`, or one that was added. Raises KeyError naming those there are.

    `pg20`, `pg25`, `pg30`, `pg40`, `pg50` are propylene glycol in water, `eg20` to `eg50` ethylene glycol. The percent
    is by volume, as in the trade: of pure liquids at 20 degC, before they are mixed. The share by mass is

        x = v rho_g / (v rho_g + (1 - v) rho_w),  rho_pg = 1036.1, rho_eg = 1113.5, rho_w = 998.2 kg/m3

    [densities as handbooks commonly state them; the pairs of both shares that the ASHRAE Handbook prints agree within
    0.8 percentage points]: pg25 is 25.7 % by mass, eg50 52.7 %. `pao2` is a polyalphaolefin, a dielectric for baths.
    """
    try:
        return FLUIDS[name]
    except KeyError:
        raise KeyError(f"no fluid {name!r}; there are {', '.join(FLUIDS)}") from None


# ---- moist air ---------------------------------------------------------------------------------------------------


def saturation_pressure(T: Values) -> Array:
    """Saturation pressure of water vapour [Pa] over water, below the triple point over ice, shape of T [K].

    Hyland and Wexler (1983) as in ASHRAE Handbook Fundamentals (2021), chapter 1, equations 5 and 6; 173 to 473 K.
    Example: saturation_pressure(293.15) = 2339 Pa.
    """
    T = numbers(T)
    log_T = np.log(T)
    return np.exp(np.where(T <= TRIPLE, log_pressure_over_ice(T, log_T), log_pressure_over_water(T, log_T)))


def _humidity_ratio(vapour: Values, pressure: Values) -> Array:
    vapour = np.minimum(vapour, MOST_VAPOUR * numbers(pressure))
    return MOLAR_RATIO * vapour / (pressure - vapour)


def _vapour_pressure(ratio: Values, pressure: Values) -> Values:
    return pressure * ratio / (MOLAR_RATIO + ratio)


def _solve_rising(f: Callable[[Array], Array], low: Array, high: Array, steps: int = 40) -> Array:
    """Root of a rising f between low and high: Newton steps with a difference quotient, kept inside the bracket.

    The last digit of a root may go to and fro. Once nothing else happens, the rest of the steps are not taken: what
    comes back is what they would lead to, whatever the neighbours are.
    """
    older = old = now = high, low, high
    for step in range(steps):
        x, low, high = now
        y = f(x)
        low, high = np.where(y < 0, x, low), np.where(y > 0, x, high)
        slope = (f(x + 1e-4) - f(x - 1e-4)) / 2e-4
        new = x - y / np.where(slope > 0, slope, 1.0)
        older, old, now = old, now, (np.where((new >= low) & (new <= high), new, 0.5 * (low + high)), low, high)
        if step > 1 and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(older, now, strict=True)):
            return (now if (steps - step) % 2 else old)[0]
    return now[0]


def humidity_ratio_from_relative_humidity(dry_bulb: Values, relative_humidity: Values, pressure: Values) -> Array:
    """Humidity ratio [kg/kg dry air] from dry bulb [K], relative humidity [1] and pressure [Pa].

    w = 0.621945 p_v / (p - p_v), p_v = RH p_s(T) [ASHRAE Handbook Fundamentals (2021), chapter 1, equations 12 and 20].
    """
    return _humidity_ratio(relative_humidity * saturation_pressure(dry_bulb), pressure)


def humidity_ratio_from_dew_point(dew_point: Values, pressure: Values) -> Array:
    """Humidity ratio [kg/kg dry air] from dew (below freezing: frost) point [K] and pressure [Pa]."""
    return _humidity_ratio(saturation_pressure(dew_point), pressure)


def humidity_ratio_from_wet_bulb(dry_bulb: Values, wet_bulb: Values, pressure: Values) -> Array:
    """Humidity ratio [kg/kg dry air] from dry bulb [K], wet bulb [K] and pressure [Pa], never negative.

    ASHRAE Handbook Fundamentals (2021), chapter 1, equations 33 (over water, from 0 degC) and 35 (over ice, below).
    """
    return np.maximum(_wet_ratio(dry_bulb, wet_bulb, pressure, numbers(wet_bulb) >= FREEZING), 0.0)


def _wet_ratio(dry_bulb: Values, wet_bulb: Values, pressure: Values, over_water: NDArray[np.bool_] | bool) -> Array:
    t, b = numbers(dry_bulb) - FREEZING, numbers(wet_bulb) - FREEZING
    saturated = _humidity_ratio(saturation_pressure(wet_bulb), pressure)
    water = ((2501 - 2.326 * b) * saturated - 1.006 * (t - b)) / (2501 + 1.86 * t - 4.186 * b)
    ice = ((2830 - 0.24 * b) * saturated - 1.006 * (t - b)) / (2830 + 1.86 * t - 2.1 * b)
    return np.where(over_water, water, ice)


def wet_bulb(dry_bulb: Values, humidity_ratio: Values, pressure: Values) -> Array:
    """Thermodynamic wet bulb [K] from dry bulb [K], humidity ratio [kg/kg] and pressure [Pa]; at most the dry bulb.

    Inverts `humidity_ratio_from_wet_bulb`. Its two equations differ at 0 degC: within a kelvin of it, one humidity of
    air above freezing can have a wet bulb over water and another one over ice. The rule: it is that over water wherever
    there is one, which is the warmer, and that over ice elsewhere.

    Example: wet_bulb(303.15, 0.013, 101325.0) = 295.0 K.
    """
    dry, ratio, p = np.broadcast_arrays(*(np.asarray(v, float) for v in (dry_bulb, humidity_ratio, pressure)))
    above = (dry >= FREEZING) & (ratio >= _wet_ratio(dry, FREEZING, p, True))
    low, high = np.where(above, FREEZING, dry - 80.0), np.where(above, dry, np.minimum(dry, FREEZING))
    return _solve_rising(lambda x: _wet_ratio(dry, x, p, above) - ratio, low, high)


def driest(wet_bulb: Values, pressure: Values) -> Array:
    """Dry bulb [K] of air without moisture that has a wet bulb [K] at a pressure [Pa]: no warmer air has it.

    Inverts `wet_bulb` at a humidity ratio of 0. Example: driest(286.58, 101325.0) = 310.15 K.
    """
    bulb, p = np.broadcast_arrays(np.asarray(wet_bulb, float), np.asarray(pressure, float))
    return _solve_rising(lambda x: -_wet_ratio(x, bulb, p, bulb >= FREEZING), bulb + 0.0, bulb + 150.0)


def dew_point(humidity_ratio: Values, pressure: Values) -> Array:
    """Dew (below freezing: frost) point [K] from humidity ratio [kg/kg] and pressure [Pa]; at least 173.15 K."""
    ratio, p = np.broadcast_arrays(np.asarray(humidity_ratio, float), np.asarray(pressure, float))
    return saturation_temperature(_vapour_pressure(ratio, p))


def saturation_temperature(vapour: Values) -> Array:
    """Temperature [K] at which vapour of a pressure [Pa] is saturated, 173.15 to 423.15 K.

    Inverts `saturation_pressure`. Example: saturation_temperature(2339.0) = 293.15 K.
    """
    vapour = np.asarray(vapour, float)
    low = np.full(vapour.shape, 173.15)
    target = np.log(np.maximum(vapour, 1e-300))
    return _solve_rising(lambda x: np.log(saturation_pressure(x)) - target, low, low + 250.0)


def air_enthalpy(dry_bulb: Values, humidity_ratio: Values) -> Array:
    """Enthalpy [J/kg dry air], zero for dry air at 0 degC: h = cp t + w (L + cp_v t)."""
    t = np.asarray(dry_bulb) - FREEZING
    return DRY_AIR_CP * t + humidity_ratio * (VAPORISATION + VAPOUR_CP * t)


def air_density(dry_bulb: Values, humidity_ratio: Values, pressure: Values) -> Array:
    """Density of moist air [kg/m3]: ideal gases, (1 + w) over the specific volume of ASHRAE (2021) equation 26."""
    ratio = np.asarray(humidity_ratio)
    return pressure * (1 + ratio) / (_DRY_AIR_GAS * np.asarray(dry_bulb) * (1 + ratio / MOLAR_RATIO))


def pressure_at(elevation: Values) -> Array:
    """Pressure of the standard atmosphere [Pa] at an elevation [m]: p = 101325 (1 - 2.25577e-5 z)^5.2559."""
    return STANDARD_PRESSURE * (1 - 2.25577e-5 * np.asarray(elevation, float)) ** 5.2559
