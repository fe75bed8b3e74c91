"""Saturated air in tables over temperature, for air of any pressure: what it holds and, backwards, its temperature."""

from __future__ import annotations

import numpy as np
from twin.kernels.cpu import compiled


@compiled
def look_up(x, pressure, T, vapour, constants, inverse):
    """Enthalpies [J/kg] of saturated air at temperatures x [K], or with `inverse` temperatures at enthalpies x, (n,).

    Straight lines between the temperatures T (k,), which rise; the ends hold beyond them. pressure: of the air [Pa]
    (n,). vapour: saturation pressure at T [Pa] (k,). constants: specific heats of dry air and of vapour [J/(kg K)],
    latent heat at the freezing point [J/kg], that point [K], molar ratio of water to dry air, and the largest share of
    the pressure that is vapour's [1].
    """
    cp, cpv, latent, freezing, molar, most = constants
    out = np.empty_like(x)
    for i in range(len(x)):
        low, high, bottom, top = 0, len(T) - 1, 0.0, 0.0
        while high - low > 1:
            k = (low + high) // 2
            v = min(vapour[k], most * pressure[i])
            h = cp * (T[k] - freezing) + molar * v / (pressure[i] - v) * (latent + cpv * (T[k] - freezing))
            if (h if inverse else T[k]) <= x[i]:
                low = k
            else:
                high = k
        for k in (low, high):
            v = min(vapour[k], most * pressure[i])
            h = cp * (T[k] - freezing) + molar * v / (pressure[i] - v) * (latent + cpv * (T[k] - freezing))
            bottom, top = top, h
        start, end = (bottom, top) if inverse else (T[low], T[high])
        share = min(max((x[i] - start) / (end - start), 0.0), 1.0)
        out[i] = T[low] + share * (T[high] - T[low]) if inverse else bottom + share * (top - bottom)
    return out
