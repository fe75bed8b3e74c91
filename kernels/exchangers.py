"""Heat exchangers: effectiveness-NTU, and films that follow the flow; functions of arrays."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from twin.kernels.arrays import numbers

Array = np.ndarray
Numbers: TypeAlias = np.ndarray | float
MAX_NTU = 1e9
TINY = 1e-12


# ---- effectiveness -----------------------------------------------------------------------------------------------


def _decay(x: Numbers) -> Array:
    """(1 - exp(-x)) / x, 1 at x = 0."""
    x = numbers(x)
    small = np.abs(x) < 1e-9
    return np.where(small, 1.0 - 0.5 * x, -np.expm1(-x) / np.where(small, 1.0, x))


def counterflow(ntu: Numbers, ratio: Numbers) -> Array:
    """Effectiveness of counterflow [1] from NTU = UA / C_min and ratio = C_min / C_max, broadcast.

    (1 - exp(-N (1 - r))) / (1 - r exp(-N (1 - r))), written so that r = 1, N / (1 + N), is no exception
    [Kays & London, Compact Heat Exchangers, 3rd ed., ch. 2].
    """
    ntu, ratio = np.clip(numbers(ntu), 0.0, MAX_NTU), numbers(ratio)
    lift = ntu * _decay(ntu * (1.0 - ratio))
    return np.minimum(lift / (1.0 + ratio * lift), 1.0)


def crossflow(ntu: Numbers, ratio: Numbers) -> Array:
    """Effectiveness of crossflow, both streams unmixed [1]: 1 - exp(N^0.22 (exp(-r N^0.78) - 1) / r).

    N = `ntu`, r = `ratio` = C_min / C_max, broadcast. The usual approximation of the exact series [Incropera,
    Fundamentals of Heat and Mass Transfer, eq. 11.32].
    """
    ntu = np.clip(numbers(ntu), 0.0, MAX_NTU)
    return np.minimum(-np.expm1(-ntu * _decay(numbers(ratio) * ntu**0.78)), 1.0)


# ---- conductance -------------------------------------------------------------------------------------------------


def conductance(
    flow_hot: Numbers,
    flow_cold: Numbers,
    rated_hot: Numbers,
    rated_cold: Numbers,
    film_hot: Numbers,
    film_cold: Numbers,
    exponent: Numbers = 0.8,
    fouling: Numbers = 0.0,
    *,
    exponent_cold: Numbers | None = None,
) -> Array:
    """Conductance UA [W/K] = 1 / (1/hA_hot + 1/hA_cold + R_f), films hA ~ m^exponent, zero without flow.

    Flows m in kg/s, films hA in W/K at the rated flows, fouling R_f in K/W, all broadcast. `exponent_cold` is the
    exponent of the cold side where it differs.
    """
    cold = exponent if exponent_cold is None else exponent_cold
    a = numbers(film_hot) * (np.abs(flow_hot) / numbers(rated_hot)) ** numbers(exponent)
    b = numbers(film_cold) * (np.abs(flow_cold) / numbers(rated_cold)) ** numbers(cold)
    return a * b / np.maximum(a + b + numbers(fouling) * a * b, TINY)
