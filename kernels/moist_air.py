"""Moist air as cells: saturation pressure, and saturated air of any pressure in a table, to and from temperature."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from twin.kernels.cell import Real, Reals1, cell, real
from twin.kernels.elementary import exp, log
from twin.kernels.subset import nearest, place

COLDEST, STEP = -40.0, 0.125
"""Temperatures of the table: from -40 degC, 0.125 K apart, to 90 degC."""

TOP = 1040.0
"""Number of its last entry."""

STRIDES = (1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1)
"""Entries that a search in halves steps over."""


TRIPLE = 273.16
"""Temperature of the triple point of water, K."""


def temperatures() -> np.ndarray:
    """Temperatures of the table, degC."""
    return COLDEST + STEP * np.arange(TOP + 1.0)


class MoistAir(NamedTuple):
    """Saturated air: saturation pressure at the temperatures of the table [Pa], and what moist air is made of.

    cp, vapour_cp: specific heats of dry air and of vapour [J/(kg K)]. latent: heat of water at the freezing point
    [J/kg], which is `freezing` [K]. molar: mass of water over that of dry air [1]. most: largest share of the pressure
    that is vapour's [1].
    """

    vapour: Reals1
    cp: Real
    vapour_cp: Real
    latent: Real
    freezing: Real
    molar: Real
    most: Real


@cell
def log_pressure_over_ice(T, log_T):
    """Ln of the saturation pressure of vapour [Pa] over ice at T [K] and ln T; arithmetic only, so of arrays too.

    Hyland and Wexler (1983) as in ASHRAE Handbook Fundamentals (2021), chapter 1, equation 5.
    """
    curve = -9.677843e-3 + T * (6.2215701e-7 + T * (2.0747825e-9 + T * -9.484024e-13))
    return -5.6745359e3 / T + 6.3925247 + T * curve + 4.1635019 * log_T


@cell
def log_pressure_over_water(T, log_T):
    """Ln of the saturation pressure of vapour [Pa] over water likewise; equation 6."""
    return (
        -5.8002206e3 / T + 1.3914993 + T * (-4.8640239e-2 + T * (4.1764768e-5 + T * -1.4452093e-8)) + 6.5459673 * log_T
    )


@cell
def humidity(air: MoistAir, vapour, pressure):
    """Humidity ratio [1] of air with vapour of a pressure [Pa], as far as it holds that: m p_v / (p - p_v)."""
    v = min(vapour, air.most * pressure)
    return air.molar * v / (pressure - v)


@cell
def saturated_humidity(air: MoistAir, T, pressure):
    """Humidity ratio [1] of saturated air at T [K] and a pressure [Pa], without the table."""
    log_T = log(T)
    over_ice = log_pressure_over_ice(T, log_T)
    over_water = log_pressure_over_water(T, log_T)
    return humidity(air, exp(over_ice if T <= TRIPLE else over_water), pressure)


@cell
def enthalpy(air: MoistAir, t, ratio):
    """Enthalpy of moist air [J/kg dry air] at t [degC] and a humidity ratio [1]: cp t + w (L + cp_v t)."""
    return air.cp * t + ratio * (air.latent + air.vapour_cp * t)


@cell
def entry(air: MoistAir, k, pressure):
    """Enthalpy [J/kg] of saturated air at entry k of the table, a whole real, and a pressure [Pa]."""
    return enthalpy(air, COLDEST + STEP * k, humidity(air, air.vapour[place(k)], pressure))


@cell
def saturated(air: MoistAir, T, pressure):
    """Enthalpy [J/kg] of saturated air at T [K] and a pressure [Pa]: straight between entries and beyond them."""
    x = (T - air.freezing - COLDEST) / STEP
    k = nearest(min(x - 0.5, TOP - 1.0) if x > 0.5 else 0.0)
    low = entry(air, k, pressure)
    high = entry(air, k + 1.0, pressure)
    return low + (x - k) * (high - low)


@cell
def wet_bulb_of(air: MoistAir, h, pressure):
    """Temperature [K] of saturated air of an enthalpy h [J/kg] and a pressure [Pa]; the inverse of `saturated`."""
    k = 0.0
    for stride in STRIDES:
        ahead = k + real(stride)
        further = min(ahead, TOP - 1.0)
        reached = entry(air, further, pressure)
        k = ahead if reached <= h and further == ahead else k
    low = entry(air, k, pressure)
    high = entry(air, k + 1.0, pressure)
    return air.freezing + COLDEST + STEP * (k + (h - low) / (high - low))


@cell
def dew_point_of(air: MoistAir, ratio, pressure):
    """Dew point [K] of air of a humidity ratio [1] at a pressure [Pa], of the table's coldest at least."""
    vapour = pressure * ratio / (air.molar + ratio)
    k = 0.0
    for stride in STRIDES:
        ahead = k + real(stride)
        further = min(ahead, TOP - 1.0)
        reached = air.vapour[place(further)]
        k = ahead if reached <= vapour and further == ahead else k
    low = air.vapour[place(k)]
    high = air.vapour[place(k + 1.0)]
    return air.freezing + COLDEST + STEP * (k + max((vapour - low) / (high - low), 0.0))
