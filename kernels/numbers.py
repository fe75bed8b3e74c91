"""What cells need of numbers beside arithmetic: bounds, shares, and numbers that are none."""

from __future__ import annotations

import math

from twin.kernels.cell import cell

NAN, INF, PI = math.nan, math.inf, math.pi


@cell
def clip(x, low, high):
    """The number of [low, high] next to x."""
    return high if x > high else (low if x < low else x)


@cell
def finite(x):
    """Whether a number is neither infinite nor NaN."""
    return x - x == 0.0


@cell
def known(x):
    """Whether a number is not NaN."""
    return x == x


@cell
def share(part, whole, floor, otherwise):
    """Part / whole where whole lies above `floor`, else `otherwise`."""
    there = whole > floor
    return part / (whole if there else 1.0) if there else otherwise
