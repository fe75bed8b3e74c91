"""Darcy's friction factor λ of straight pipes: each law gives λ and its elasticity d ln λ / d ln Re."""

import math

import numpy as np
from numpy.typing import ArrayLike
from twin.kernels.cell import Int, Reals1, Reals2, cell, kernel
from twin.kernels.elementary import exp, log
from twin.kernels.launch import bind

TWICE_LG = 2.0 / math.log(10.0)  # 2 lg x = TWICE_LG ln x
LN10_SQUARED_4 = 0.25 * math.log(10.0) ** 2  # 0.25 / lg² x = LN10_SQUARED_4 / ln² x

CHURCHILL, SWAMEE_JAIN, COLEBROOK = range(3)
"""Friction laws of straight pipes."""


@cell
def churchill(re, rough):
    """Darcy's friction factor in all regimes [Churchill, Chem. Eng. 84 (1977) 91]; 64 / Re to rounding below 700."""
    if re < 700.0:
        return 64.0 / re, -1.0
    t = exp(0.9 * log(7.0 / re))
    z = t + 0.27 * rough
    depth = -log(z)
    a = 2.457 * depth
    a = a * a
    a = a * a
    a = a * a
    a = a * a
    c = 37530.0 / re
    c = c * c
    c = c * c
    c = c * c
    c = c * c
    s = a + c
    g = 1.0 / (s * math.sqrt(s))
    f = 8.0 / re
    f = f * f * f
    f = f * f
    f = f * f
    total = f + g
    tilt = 16.0 * (a * 0.9 * t / (z * depth) - c) / s
    return 8.0 * exp(log(total) / 12.0), -(12.0 * f + 1.5 * g * tilt) / (12.0 * total)


@cell
def swamee_jain(re, rough):
    """Swamee & Jain [J. Hydraul. Div. 102 (1976) 657] above 4000, 64 / Re below 2000, a cubic between."""
    if re < 2000.0:
        return 64.0 / re, -1.0
    if re > 4000.0:
        t = 5.74 * exp(-0.9 * log(re))
        z = rough / 3.7 + t
        depth = log(z)
        return LN10_SQUARED_4 / (depth * depth), 1.8 * t / (z * depth)
    z = rough / 3.7 + 3.28895476345e-3
    y = -TWICE_LG * log(z)
    a = 1.0 / (y * y)
    b = a * (2.0 - 5.14215e-3 / (z * y))
    r = re / 2000.0
    c2 = 0.128 - 17.0 * a + 2.5 * b
    c3 = -0.128 + 13.0 * a - 2.0 * b
    c4 = 0.032 - 3.0 * a + 0.5 * b
    f = 7.0 * a - b + r * (c2 + r * (c3 + r * c4))
    return f, r * (c2 + r * (2.0 * c3 + 3.0 * r * c4)) / f


@cell
def colebrook(re, rough):
    """Colebrook & White (1937) above 4000 by Newton from Haaland's start, 64 / Re below 2000, a line between."""
    if re < 2000.0:
        return 64.0 / re, -1.0
    r = max(re, 4000.0)
    x = -0.9 * TWICE_LG * log(exp(1.11 * log(rough / 3.7 + 1e-12)) + 6.9 / r)
    c = 2.51 / r
    for _turn in range(3):
        z = rough / 3.7 + c * x
        x -= (x + TWICE_LG * log(z)) / (1.0 + TWICE_LG * c / z)
    f = 1.0 / (x * x)
    if re < 4000.0:
        share = (re - 2000.0) / 2000.0
        mixed = 0.032 + share * (f - 0.032)
        return mixed, (f - 0.032) * re / (2000.0 * mixed)
    z = rough / 3.7 + c * x
    t = TWICE_LG * c / z
    return f, -2.0 * t / (1.0 + t)


@cell
def darcy(re, rough, model):
    """λ and its elasticity by the chosen law."""
    if model == CHURCHILL:
        return churchill(re, rough)
    if model == SWAMEE_JAIN:
        return swamee_jain(re, rough)
    return colebrook(re, rough)


@kernel
def factors(e, s, reynolds: Reals2, rough: Reals1, out: Reals2, model: Int):
    """Friction factors where there is flow."""
    if reynolds[e, s] > 0.0:
        rate, _bend = darcy(reynolds[e, s], rough[e], model)
        out[e, s] = rate


def friction_factor(reynolds: ArrayLike, rough: ArrayLike, model: int = CHURCHILL) -> np.ndarray:
    """Darcy's friction factor (m, S) at Reynolds numbers (m, S) and relative roughness (m,), NaN without flow."""
    reynolds, rough = np.array(reynolds, float, order="C"), np.array(rough, float)
    out = np.full(reynolds.shape, np.nan)
    bind(factors, reynolds.shape, reynolds, rough, out, model)()
    return out
