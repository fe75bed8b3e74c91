import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin.kernels import exchangers
from twin.kernels.exchangers import counterflow, crossflow

ARRANGEMENTS = [counterflow, crossflow]
ntus, ratios = st.floats(0, 1e4), st.floats(0, 1)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@settings(deadline=None)
@given(ntu=ntus, ratio=ratios)
def test_effectiveness_is_a_fraction_below_the_ideal(arrangement, ntu, ratio):
    e = arrangement(ntu, ratio)
    assert 0 <= e <= 1
    assert e <= ntu
    assert e <= counterflow(ntu, ratio) + 0.01  # the crossflow correlation is good to a percent


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@settings(deadline=None)
@given(ntu=ntus, more=st.floats(0, 1e3), ratio=ratios)
def test_effectiveness_rises_with_ntu_and_falls_with_ratio(arrangement, ntu, more, ratio):
    assert arrangement(ntu + more, ratio) >= arrangement(ntu, ratio) - 1e-12
    assert arrangement(ntu, ratio) >= arrangement(ntu, 1.0) - 1e-12


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@settings(deadline=None)
@given(ntu=ntus)
def test_effectiveness_is_continuous_at_equal_and_at_vanishing_ratio(arrangement, ntu):
    assert arrangement(ntu, 1 - 1e-9) == pytest.approx(float(arrangement(ntu, 1.0)), abs=1e-6)
    assert arrangement(ntu, 1e-12) == pytest.approx(float(-np.expm1(-ntu)), abs=1e-6)


def test_effectiveness_equals_the_textbook():
    ntu, ratio = np.array([1, 2, 2, 5]), np.array([0.5, 0.5, 1.0, 0.9])  # ht 1.2.0, effectiveness_from_NTU
    np.testing.assert_allclose(counterflow(ntu, ratio), [0.564733, 0.7746, 0.666667, 0.866439], atol=1e-6)
    textbook = 1 - np.exp(ntu**0.22 / ratio * (np.exp(-ratio * ntu**0.78) - 1))
    np.testing.assert_allclose(crossflow(ntu, ratio), textbook, rtol=1e-12)


def test_conductance_is_rated_at_the_rated_flows_and_vanishes_without_flow():
    films = (20.0, 30.0, 600e3, 600e3)
    rated = exchangers.conductance(20.0, 30.0, *films)
    assert rated == pytest.approx(300e3)
    assert exchangers.conductance(20.0, 30.0, *films, fouling=1e-6) == pytest.approx(1 / (1 / 300e3 + 1e-6))
    assert exchangers.conductance(10.0, 15.0, *films) == pytest.approx(300e3 * 0.5**0.8)
    apart = 1 / (1 / (600e3 * 0.5**0.8) + 1 / (600e3 * 0.5**0.5))
    assert exchangers.conductance(10.0, 15.0, *films, exponent_cold=0.5) == pytest.approx(apart)
    assert exchangers.conductance([0.0, 5.0, 0.0], [5.0, 0.0, 0.0], *films).tolist() == [0, 0, 0]
    assert exchangers.conductance(-20.0, 30.0, *films) == rated
