"""Elementary functions and parts of numbers: close to exact ones, and the same in plain Python and compiled."""

import numpy as np
import pytest
from twin.kernels import cell, elementary, launch, numbers
from twin.kernels.cell import Reals1, kernel
from twin.kernels.elementary import ceil, decay, exp, log, power
from twin.kernels.numbers import clip, finite, known, share
from twin.kernels.subset import exponent, mantissa, nearest, place, real, two_to

RNG = np.random.default_rng(0)
COUNT = 4000
PRECISIONS = [np.float64, np.float32]
INF, NAN = np.inf, np.nan


@kernel
def exps(i, x: Reals1, out: Reals1):
    out[i] = exp(x[i])


@kernel
def logs(i, x: Reals1, out: Reals1):
    out[i] = log(x[i])


@kernel
def powers(i, x: Reals1, y: Reals1, out: Reals1):
    out[i] = power(x[i], y[i])


@kernel
def decays(i, x: Reals1, out: Reals1):
    out[i] = decay(x[i])


@kernel
def ceils(i, x: Reals1, out: Reals1):
    out[i] = ceil(x[i])


@kernel
def nearests(i, x: Reals1, out: Reals1):
    out[i] = nearest(x[i])


@kernel
def twos(i, x: Reals1, out: Reals1):
    out[i] = two_to(x[i])


@kernel
def exponents(i, x: Reals1, out: Reals1):
    out[i] = exponent(x[i])


@kernel
def mantissas(i, x: Reals1, out: Reals1):
    out[i] = mantissa(x[i])


@kernel
def places(i, x: Reals1, out: Reals1):
    out[i] = real(2 * place(x[i]) + 1)


@kernel
def clips(i, x: Reals1, low: Reals1, high: Reals1, out: Reals1):
    out[i] = clip(x[i], low[i], high[i])


@kernel
def kinds(i, x: Reals1, out: Reals1):
    out[i] = (1.0 if finite(x[i]) else 0.0) + (2.0 if known(x[i]) else 0.0)


@kernel
def shares(i, part: Reals1, whole: Reals1, floor: Reals1, out: Reals1):
    out[i] = share(part[i], whole[i], floor[i], -7.0)


del cell.REGISTRY[-13:]


def computed(k, *given, precision=np.float64):
    """What a kernel gives; in double precision the same as in plain Python."""
    args = [np.array(np.broadcast_to(a, np.shape(given[0])), precision) for a in given]
    out, again = np.zeros_like(args[0]), np.zeros_like(args[0])
    launch.bind(k, out.shape, *args, out)()
    if precision is np.float64:
        with np.errstate(all="ignore"):
            launch.plain(k, out.shape, *args, again)
        np.testing.assert_array_equal(out, again)
    return out


def units(found, exact):
    """Differences in units of the last place."""
    exact = np.asarray(exact, np.longdouble)
    return np.abs(found - exact) / np.spacing(np.abs(exact).astype(found.dtype))


def single_or_double(values, precision):
    """Numbers as a precision holds them, and exactly these for a reference."""
    values = np.asarray(values, precision)
    return values, values.astype(np.longdouble)


@pytest.mark.parametrize(("precision", "ends", "slope"), [(np.float64, 708.0, 0.0), (np.float32, 87.0, 1.0)])
def test_exp_is_exact_to_its_last_places(precision, ends, slope):
    """In single precision the error grows with the argument: its multiples of ln 2 are not exact."""
    near, wide = RNG.uniform(-1, 1, COUNT), RNG.uniform(-ends, ends, COUNT)
    x, exact = single_or_double(np.r_[near, wide, 1e-9 * near, 0.0, -ends, ends], precision)
    assert (units(computed(exps, x, precision=precision), np.exp(exact)) <= 2.5 + slope * np.abs(x)).all()


def test_exp_stops_at_its_ends_and_keeps_nan():
    found = computed(exps, np.array([710.0, 1e300, INF, -709.0, -1e300, -INF, NAN, 0.0]))
    np.testing.assert_allclose(found[:6], np.exp([709.0] * 3 + [-708.0] * 3), rtol=1e-15)
    assert np.isnan(found[6])
    assert found[7] == 1.0


@pytest.mark.parametrize(("precision", "decades", "within"), [(np.float64, 300, 1.0), (np.float32, 37, 1.5)])
def test_log_is_exact_to_its_last_places(precision, decades, within):
    near, wide = RNG.uniform(0.4, 3, COUNT), 10.0 ** RNG.uniform(-decades, decades, COUNT)
    x, exact = single_or_double(np.r_[near, wide, 1.0 + 1e-6 * near, 2.0, 2.0**-20, 0.5], precision)
    assert units(computed(logs, x, precision=precision), np.log(exact)).max() <= within
    assert computed(logs, np.ones(1), precision=precision) == 0.0


@pytest.mark.parametrize(("precision", "decades", "within"), [(np.float64, 100, 2.0), (np.float32, 12, 3.0)])
def test_powers_are_exact_to_as_many_last_places_as_their_logarithm_has_units(precision, decades, within):
    x, wide = single_or_double(10.0 ** RNG.uniform(-decades, decades, COUNT), precision)
    y, raised = single_or_double(RNG.uniform(-2.4, 2.4, COUNT), precision)
    found = units(computed(powers, x, y, precision=precision), wide**raised)
    assert (found <= within * (1 + np.abs(y * np.log(x)))).all()


def test_powers_of_zero_are_zero_and_of_nan_nan():
    found = computed(powers, np.array([0.0, 0.0, NAN, 2.0, 1.0]), np.array([0.8, 2.4, 0.5, NAN, 9.0]))
    np.testing.assert_array_equal(found, [0.0, 0.0, NAN, NAN, 1.0])


@pytest.mark.parametrize(("precision", "slope"), [(np.float64, 0.0), (np.float32, 1.0)])
def test_decay_is_exact_to_its_last_places_across_zero(precision, slope):
    near, wide = RNG.uniform(-1, 1, COUNT), RNG.uniform(-80, 80, COUNT)
    x, exact = single_or_double(np.r_[near, wide, 1e-8 * near, 0.4999999, 0.5, -0.5, -0.4999999], precision)
    found = computed(decays, x, precision=precision)
    assert (units(found, -np.expm1(-exact) / exact) <= 4.0 + slope * np.abs(x)).all()


def test_decay_is_one_at_zero_next_to_nothing_far_away_and_keeps_nan():
    np.testing.assert_array_equal(computed(decays, np.array([0.0, INF, NAN])), [1.0, 0.0, NAN])
    assert computed(decays, np.array([1e9])) == pytest.approx(1e-9, rel=1e-15)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_ceil_is_the_smallest_integer_that_is_not_below(precision):
    whole = np.arange(-20.0, 20.0)
    x = np.r_[whole, whole + 0.5, whole + 1e-6, RNG.uniform(-(2.0**21), 2.0**21, COUNT)].astype(precision)
    np.testing.assert_array_equal(computed(ceils, x, precision=precision), np.ceil(x))


# ---- parts of numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_nearest_integer_is_the_even_one_of_two(precision):
    x = np.r_[np.arange(-9.0, 9.0) + 0.5, RNG.uniform(-(2.0**21), 2.0**21, COUNT)].astype(precision)
    np.testing.assert_array_equal(computed(nearests, x, precision=precision), np.rint(x))


@pytest.mark.parametrize(("precision", "low", "high"), [(np.float64, -1022, 1023), (np.float32, -126, 127)])
def test_numbers_are_a_mantissa_times_two_to_an_exponent(precision, low, high):
    k = np.arange(low, high + 1)
    powers_of_two = np.ldexp(np.ones(len(k), precision), k)
    np.testing.assert_array_equal(computed(twos, k, precision=precision), powers_of_two)
    for m in (1.0, 1.3, 2.0 - 2.0 * np.finfo(precision).eps):
        x = precision(m) * powers_of_two
        np.testing.assert_array_equal(computed(exponents, x, precision=precision), k)
        np.testing.assert_array_equal(computed(mantissas, x, precision=precision), precision(m))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_whole_real_is_a_place(precision):
    x = np.array([0.0, 1.0, 7.0, 2.0**20 - 1.0])
    np.testing.assert_array_equal(computed(places, x, precision=precision), 2 * x + 1)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_clip_keeps_what_lies_between_and_nan(precision):
    x = np.array([-2.0, 0.5, 3.0, -INF, INF, NAN])
    np.testing.assert_array_equal(computed(clips, x, 0.0, 1.0, precision=precision), [0.0, 0.5, 1.0, 0.0, 1.0, NAN])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_infinite_numbers_are_known_and_not_finite(precision):
    x = np.array([0.0, -1e30, INF, -INF, NAN])
    np.testing.assert_array_equal(computed(kinds, x, precision=precision), [3.0, 3.0, 2.0, 2.0, 0.0])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_share_of_what_is_not_there_is_the_other_number(precision):
    part, whole = np.array([6.0, 6.0, 6.0, -6.0, 6.0]), np.array([3.0, 1.0, 0.0, 3.0, NAN])
    np.testing.assert_array_equal(
        computed(shares, part, whole, 1.0, precision=precision), [2.0, -7.0, -7.0, -2.0, -7.0]
    )


def test_ln_2_comes_in_two_parts():
    """The first has so few bits that it times any exponent is exact."""
    assert elementary.LN2_HIGH + np.longdouble(elementary.LN2_LOW) == pytest.approx(np.log(np.longdouble(2)), rel=1e-19)
    assert elementary.LN2_HIGH * 2.0**32 % 1.0 == 0.0
    assert np.pi == numbers.PI
