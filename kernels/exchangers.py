"""Heat exchangers: effectiveness-NTU, and films that follow the flow; as cells, and as functions of arrays."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from twin.kernels.arrays import elementwise
from twin.kernels.cell import Reals2, cell, kernel
from twin.kernels.elementary import decay, power

Numbers: TypeAlias = np.ndarray | float
MAX_NTU = 1e9
TINY = 1e-12


# ---- effectiveness -----------------------------------------------------------------------------------------------


@cell
def effectiveness(ntu, ratio, crossed):
    """Effectiveness [1] from NTU = UA / C_min and ratio r = C_min / C_max: of crossflow if `crossed` is above a half.

    Counterflow: (1 - exp(-N (1 - r))) / (1 - r exp(-N (1 - r))), written so that r = 1, N / (1 + N), is no exception
    [Kays & London, Compact Heat Exchangers, 3rd ed., ch. 2]. Crossflow, both streams unmixed:
    1 - exp(N^0.22 (exp(-r N^0.78) - 1) / r), the usual approximation of the exact series [Incropera, Fundamentals of
    Heat and Mass Transfer, eq. 11.32].
    """
    n = min(max(ntu, 0.0), MAX_NTU)
    cross = crossed > 0.5
    lift = n * decay(ratio * power(n, 0.78) if cross else n * (1.0 - ratio))
    return min(lift * decay(lift) if cross else lift / (1.0 + ratio * lift), 1.0)


@cell
def counter_flow(ntu, ratio):
    """Effectiveness of counterflow [1]."""
    return effectiveness(ntu, ratio, 0.0)


@cell
def cross_flow(ntu, ratio):
    """Effectiveness of crossflow, both streams unmixed [1]."""
    return effectiveness(ntu, ratio, 1.0)


@kernel
def counter_flows(r, s, ntu: Reals2, ratio: Reals2, out: Reals2):
    """`counter_flow` of whole arrays."""
    out[r, s] = counter_flow(ntu[r, s], ratio[r, s])


@kernel
def cross_flows(r, s, ntu: Reals2, ratio: Reals2, out: Reals2):
    """`cross_flow` of whole arrays."""
    out[r, s] = cross_flow(ntu[r, s], ratio[r, s])


def counterflow(ntu: Numbers, ratio: Numbers) -> np.ndarray:
    """Effectiveness of counterflow [1] from NTU = UA / C_min and ratio = C_min / C_max, broadcast; `counter_flow`."""
    return elementwise(counter_flows, ntu, ratio)


def crossflow(ntu: Numbers, ratio: Numbers) -> np.ndarray:
    """Effectiveness of crossflow, both streams unmixed [1], broadcast likewise; `cross_flow`."""
    return elementwise(cross_flows, ntu, ratio)


# ---- conductance -------------------------------------------------------------------------------------------------


@cell
def film(rated, flow, rated_flow, exponent):
    """Film hA [W/K] at a flow of either sign, `rated` at the rated flow: hA ~ m^exponent."""
    return rated * power(abs(flow) / rated_flow, exponent)


@cell
def in_series(a, b, fouling):
    """Conductance UA [W/K] = 1 / (1/hA_hot + 1/hA_cold + R_f) of two films [W/K] and fouling R_f [K/W]."""
    return a * b / max(a + b + fouling * a * b, TINY)


@cell
def film_conductance(flow_hot, flow_cold, rated_hot, rated_cold, film_hot, film_cold, exponent, exponent_cold, fouling):
    """Conductance UA [W/K] of films that follow the flow, zero without; flows in kg/s, films in W/K at the rated ones.

    `exponent_cold` is the exponent of the cold side. `fouling` in K/W.
    """
    hot = film(film_hot, flow_hot, rated_hot, exponent)
    cold = film(film_cold, flow_cold, rated_cold, exponent_cold)
    return in_series(hot, cold, fouling)


@kernel
def film_conductances(
    r,
    s,
    flow_hot: Reals2,
    flow_cold: Reals2,
    rated_hot: Reals2,
    rated_cold: Reals2,
    film_hot: Reals2,
    film_cold: Reals2,
    exponent: Reals2,
    exponent_cold: Reals2,
    fouling: Reals2,
    out: Reals2,
):
    """`film_conductance` of whole arrays."""
    out[r, s] = film_conductance(
        flow_hot[r, s],
        flow_cold[r, s],
        rated_hot[r, s],
        rated_cold[r, s],
        film_hot[r, s],
        film_cold[r, s],
        exponent[r, s],
        exponent_cold[r, s],
        fouling[r, s],
    )


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
) -> np.ndarray:
    """Conductance UA [W/K], broadcast; `film_conductance`. Both sides have one exponent unless a cold one is given."""
    cold = exponent if exponent_cold is None else exponent_cold
    films = rated_hot, rated_cold, film_hot, film_cold
    return elementwise(film_conductances, flow_hot, flow_cold, *films, exponent, cold, fouling)
