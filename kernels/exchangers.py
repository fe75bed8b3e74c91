"""Heat exchangers: effectiveness-NTU, films that follow the flow, ratings, and cold plates; functions of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from twin.kernels.arrays import numbers

Array = np.ndarray
MOST_NTU = 1e9
TINY = 1e-12


# ---- effectiveness -----------------------------------------------------------------------------------------------


def _decay(x: Any) -> Array:
    """(1 - exp(-x)) / x, 1 at x = 0."""
    x = numbers(x)
    small = np.abs(x) < 1e-9
    return np.where(small, 1.0 - 0.5 * x, -np.expm1(-x) / np.where(small, 1.0, x))


def counterflow(ntu: Any, ratio: Any) -> Array:
    """Effectiveness of counterflow [1] from NTU = UA / C_min and ratio = C_min / C_max, broadcast.

    (1 - exp(-N (1 - r))) / (1 - r exp(-N (1 - r))), written so that r = 1, N / (1 + N), is no exception
    [Kays & London, Compact Heat Exchangers, 3rd ed., ch. 2].
    """
    ntu = np.clip(numbers(ntu), 0.0, MOST_NTU)
    lift = ntu * _decay(ntu * (1.0 - numbers(ratio)))
    return np.minimum(lift / (1.0 + ratio * lift), 1.0)


def crossflow(ntu: Any, ratio: Any) -> Array:
    """Effectiveness of crossflow, both streams unmixed [1]: 1 - exp(N^0.22 (exp(-r N^0.78) - 1) / r).

    The usual approximation of the exact series [Incropera, Fundamentals of Heat and Mass Transfer, eq. 11.32].
    """
    ntu = np.clip(numbers(ntu), 0.0, MOST_NTU)
    return np.minimum(-np.expm1(-ntu * _decay(ratio * ntu**0.78)), 1.0)


def parallel(ntu: Any, ratio: Any) -> Array:
    """Effectiveness of parallel flow [1]: (1 - exp(-N (1 + r))) / (1 + r) [Kays & London, ch. 2]."""
    ntu = np.clip(numbers(ntu), 0.0, MOST_NTU)
    return ntu * _decay(ntu * (1.0 + numbers(ratio)))


def effectiveness_to_ntu(effectiveness: Any, ratio: Any) -> Array:
    """NTU [1] at which `counterflow` has that effectiveness: ln((1 - e r) / (1 - e)) / (1 - r)."""
    e = np.clip(effectiveness, 0.0, 1.0 - 1e-12)
    odds = e / (1.0 - e)
    x = odds * (1.0 - numbers(ratio))
    small = np.abs(x) < 1e-9
    return odds * np.where(small, 1.0 - 0.5 * x, np.log1p(x) / np.where(small, 1.0, x))


# ---- conductance -------------------------------------------------------------------------------------------------


class Films(NamedTuple):
    """Both films of an exchanger: rated mass flows [kg/s], hA there [W/K], flow exponent, fouling [K/W]."""

    rated_hot: Any
    rated_cold: Any
    film_hot: Any
    film_cold: Any
    exponent: Any = 0.8
    fouling: Any = 0.0


def conductance(
    flow_hot: Any,
    flow_cold: Any,
    rated_hot: Any,
    rated_cold: Any,
    film_hot: Any,
    film_cold: Any,
    exponent: Any = 0.8,
    fouling: Any = 0.0,
    *,
    exponent_cold: Any = None,
    factor_hot: Any = 1.0,
    factor_cold: Any = 1.0,
) -> Array:
    """Conductance UA [W/K] = 1 / (1/hA_hot + 1/hA_cold + R_f), films hA ~ m^exponent, zero without flow.

    Flows in kg/s, films in W/K at the rated flows, fouling R_f in K/W. `exponent_cold` is the exponent of the cold
    side where it differs; the factors multiply the films, see `film_factor`.
    """
    cold = exponent if exponent_cold is None else exponent_cold
    a = film_hot * factor_hot * (np.abs(flow_hot) / rated_hot) ** exponent
    b = film_cold * factor_cold * (np.abs(flow_cold) / rated_cold) ** cold
    return a * b / np.maximum(a + b + fouling * a * b, TINY)


def film_factor(
    viscosity: Any, prandtl: Any, conductivity: Any, rated: tuple[Any, Any, Any], exponent: Any = 0.8
) -> Array:
    """Film at these properties over the film at the `rated` ones [1], from h ~ k (m / mu)^exponent Pr^(1/3)."""
    mu, pr, k = rated
    return conductivity / k * (mu / np.asarray(viscosity)) ** exponent * (prandtl / np.asarray(pr)) ** (1 / 3)


class Rating(NamedTuple):
    """What a data sheet's rating point says of an exchanger: UA [W/K], NTU, effectiveness."""

    conductance: Array
    ntu: Array
    effectiveness: Array


def rate_exchanger(duty: Any, hot_in: Any, hot_capacity: Any, cold_in: Any, cold_capacity: Any) -> Rating:
    """Counterflow UA [W/K], NTU and effectiveness of a unit that passes `duty` [W] at these inlets.

    Inlets in K, capacity rates m cp in W/K. A duty beyond the ideal one gives effectiveness 1 and a huge UA.
    """
    hot, cold = np.asarray(hot_capacity, float), np.asarray(cold_capacity, float)
    least, most = np.minimum(hot, cold), np.maximum(hot, cold)
    effectiveness = np.clip(duty / (least * (hot_in - np.asarray(cold_in))), 0.0, 1.0)
    ntu = effectiveness_to_ntu(effectiveness, least / most)
    return Rating(ntu * least, ntu, effectiveness)


# ---- operation ---------------------------------------------------------------------------------------------------


def duty(
    hot_in: Any,
    hot_flow: Any,
    hot_cp: Any,
    cold_in: Any,
    cold_flow: Any,
    cold_cp: Any,
    films: Films,
    effectiveness: Callable[[Any, Any], Array] = counterflow,
) -> Array:
    """Heat passed from hot to cold [W], negative if the cold side is the warmer: e C_min (T_hot - T_cold)."""
    hot, cold = np.abs(hot_flow) * hot_cp, np.abs(cold_flow) * cold_cp
    least, most = np.minimum(hot, cold), np.maximum(np.maximum(hot, cold), TINY)
    ua = conductance(hot_flow, cold_flow, *films)
    return effectiveness(ua / np.maximum(least, TINY), least / most) * least * (hot_in - np.asarray(cold_in))


def flow_for_duty(
    wanted: Any,
    hot_in: Any,
    hot_flow: Any,
    hot_cp: Any,
    cold_in: Any,
    cold_cp: Any,
    films: Films,
    least: Any = 0.0,
    most: Any = np.inf,
    effectiveness: Callable[[Any, Any], Array] = counterflow,
    steps: int = 60,
) -> Array:
    """Cold mass flow [kg/s] at which the duty equals `wanted` [W], clipped to [least, most], by bisection.

    An infinite `most` means a thousand times the rated cold flow.
    """
    cap = np.minimum(most, 1e3 * np.asarray(films.rated_cold))
    shape = np.broadcast(wanted, hot_in, hot_flow, cold_in, least, cap, films.film_hot, films.film_cold).shape
    low, high = (np.array(np.broadcast_to(v, shape), float) for v in (np.minimum(least, cap), cap))
    for _ in range(steps):
        middle = 0.5 * (low + high)
        enough = duty(hot_in, hot_flow, hot_cp, cold_in, middle, cold_cp, films, effectiveness) >= wanted
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return 0.5 * (low + high)


def cold_plate(
    mass_flow: Any, heat_capacity: Any, conductivity: Any, spread: Any = 0.0021, conduction: Any = 0.0071
) -> Array:
    """Resistance of a cold plate, case to coolant inlet [K/W]: R = R_s + c / k + 1 / (2 m cp).

    Flow of one plate in kg/s, coolant properties in SI. `spread` R_s [K/W] and `conduction` c [1/m] default to a fit
    of the OCP OAI 1 kW cold plate with PG25 and water, 0.5 to 5 L/min, rms 0.3 mK/W; laminar channels, so the
    flow enters only through the rise of the bulk.
    """
    rise = 0.5 / np.maximum(np.abs(mass_flow) * heat_capacity, TINY)
    return spread + conduction / np.asarray(conductivity) + rise
