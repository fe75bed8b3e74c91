"""Exponentials and logarithms without a branch or a call, so that loops over scenarios run in SIMD.

They are the same arithmetic on the CPU and the GPU, whose own libraries differ in the last bits.
"""

from __future__ import annotations

from twin.kernels.cell import cell
from twin.kernels.subset import exponent, mantissa, nearest, two_to

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""ln 2 in two parts, the first of which times a small integer is exact."""

INVERSE_LN2 = 1.4426950408889634
ROOT2 = 1.4142135623730951
LARGEST, SMALLEST = 709.0, -708.0
"""Arguments beyond which exp stops: at the largest numbers, and at next to nothing."""


@cell
def exp(x):
    """e^x to 2.5 units in the last place, at its ends beyond -708 and 709; a NaN stays one.

    In single precision to 2.5 + |x| of these, |x| < 87.

    x = k ln 2 + r, e^x = 2^k e^r, e^r by its series to the 12th power, |r| < 0.35 [Cody & Waite, Software Manual for
    the Elementary Functions, 1980].
    """
    y = LARGEST if x > LARGEST else (SMALLEST if x < SMALLEST else x)
    k = nearest(y * INVERSE_LN2)
    r = (y - k * LN2_HIGH) - k * LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = (0.5 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0))
    middle = (1.0 / 720.0 + r * (1.0 / 5040.0)) + r2 * (1.0 / 40320.0 + r * (1.0 / 362880.0))
    high = (1.0 / 3628800.0 + r * (1.0 / 39916800.0)) + r2 * (1.0 / 479001600.0)
    p = 1.0 + (r + r2 * (low + r4 * (middle + r4 * high)))
    return p * two_to(k)


@cell
def log(x):
    """Ln x of positive normal numbers to a unit in the last place.

    x = 2^k (1 + f), 0.7 < 1 + f < 1.42, ln(1 + f) = f - f²/2 + s (f²/2 + R), s = f / (2 + f), with the coefficients of
    R of FreeBSD's e_log.c [Sun Microsystems, fdlibm, 1993].
    """
    m = mantissa(x)
    above = m > ROOT2
    k = exponent(x) + (1.0 if above else 0.0)
    f = (0.5 * m if above else m) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = 6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * 1.818357216161805012e-01)
    even = 3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01)
    r = odd + z * even + w * w * w * 1.479819860511658591e-01
    half = 0.5 * f * f
    return k * LN2_HIGH - ((half - (s * (half + r * z) + k * LN2_LOW)) - f)


@cell
def power(x, y):
    """x^y of x >= 0, 0 at x = 0; to 2 (1 + |y ln x|) units in the last place; a NaN stays one."""
    z = exp(y * log(x if x > 0.0 else 1.0))
    return z if x > 0.0 else 0.0 * x


@cell
def decay(x):
    """(1 - e^-x) / x, which is 1 at x = 0; to 4 units in the last place."""
    small = abs(x) < 0.5
    y = x if small else 0.0
    y2 = y * y
    y4 = y2 * y2
    low = (1.0 - y * 0.5) + y2 * (1.0 / 6.0 - y * (1.0 / 24.0))
    middle = (1.0 / 120.0 - y * (1.0 / 720.0)) + y2 * (1.0 / 5040.0 - y * (1.0 / 40320.0))
    high = (1.0 / 362880.0 - y * (1.0 / 3628800.0)) + y2 * (1.0 / 39916800.0 - y * (1.0 / 479001600.0))
    high += y4 * (1.0 / 6227020800.0 - y * (1.0 / 87178291200.0))
    p = low + y4 * (middle + y4 * high)
    return p if small else (1.0 - exp(-x)) / x


@cell
def ceil(x):
    """The smallest integer that is not below x, |x| < 2^22."""
    k = nearest(x)
    return k + (1.0 if k < x else 0.0)
