import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twin.kernels import exchangers as hx
from twin.kernels.exchangers import Films, counterflow, crossflow, parallel

from twin.fluids import fluid

ARRANGEMENTS = [counterflow, crossflow, parallel]
ntus, ratios = st.floats(0, 1e4), st.floats(0, 1)

# Case to inlet, K/W, by L/min: OCP OAI 1 kW cold plate, figures 7 and 8, as recorded in Modelica Buildings.
PLATE_PG25 = {
    0.5: 0.0325, 0.6: 0.0300, 0.7: 0.0280, 0.8: 0.0265, 0.9: 0.0255, 1.0: 0.0245, 1.2: 0.0230,
    1.4: 0.0220, 1.6: 0.0214, 1.8: 0.0209, 2.0: 0.0204, 2.2: 0.0200, 2.4: 0.0197,
}  # fmt: skip
PLATE_WATER = {2.0: 0.0172, 3.0: 0.0160, 4.0: 0.0154, 5.0: 0.0151}


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@given(ntu=ntus, ratio=ratios)
def test_effectiveness_is_a_fraction_below_the_ideal(arrangement, ntu, ratio):
    e = arrangement(ntu, ratio)
    assert 0 <= e <= 1
    assert e <= ntu
    assert e <= counterflow(ntu, ratio) + 0.01  # the crossflow correlation is good to a percent


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@given(ntu=ntus, more=st.floats(0, 1e3), ratio=ratios)
def test_effectiveness_rises_with_ntu_and_falls_with_ratio(arrangement, ntu, more, ratio):
    assert arrangement(ntu + more, ratio) >= arrangement(ntu, ratio) - 1e-12
    assert arrangement(ntu, ratio) >= arrangement(ntu, 1.0) - 1e-12


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@given(ntu=ntus)
def test_effectiveness_is_continuous_at_equal_and_at_vanishing_ratio(arrangement, ntu):
    assert arrangement(ntu, 1 - 1e-9) == pytest.approx(float(arrangement(ntu, 1.0)), abs=1e-6)
    assert arrangement(ntu, 1e-12) == pytest.approx(float(-np.expm1(-ntu)), abs=1e-6)


def test_effectiveness_equals_the_textbook():
    ntu, ratio = np.array([1, 2, 2, 5]), np.array([0.5, 0.5, 1.0, 0.9])  # ht 1.2.0, effectiveness_from_NTU
    np.testing.assert_allclose(counterflow(ntu, ratio), [0.564733, 0.7746, 0.666667, 0.866439], atol=1e-6)
    np.testing.assert_allclose(parallel(ntu, ratio), [0.517913, 0.633475, 0.490842, 0.526276], atol=1e-6)
    textbook = 1 - np.exp(ntu**0.22 / ratio * (np.exp(-ratio * ntu**0.78) - 1))
    np.testing.assert_allclose(crossflow(ntu, ratio), textbook, rtol=1e-12)


@given(st.floats(1e-4, 12), ratios)
def test_ntu_returns_from_effectiveness(ntu, ratio):
    e = counterflow(ntu, ratio)
    if e < 1 - 1e-5:
        assert hx.effectiveness_to_ntu(e, ratio) == pytest.approx(ntu, rel=1e-6)


def test_conductance_is_rated_at_the_rated_flows_and_vanishes_without_flow():
    rated = hx.conductance(20.0, 30.0, 20.0, 30.0, 600e3, 600e3)
    assert rated == pytest.approx(300e3)
    assert hx.conductance(20.0, 30.0, 20.0, 30.0, 600e3, 600e3, fouling=1e-6) == pytest.approx(1 / (1 / 300e3 + 1e-6))
    assert hx.conductance(10.0, 15.0, 20.0, 30.0, 600e3, 600e3) == pytest.approx(300e3 * 0.5**0.8)
    assert hx.conductance([0.0, 5.0, 0.0], [5.0, 0.0, 0.0], 20.0, 30.0, 600e3, 600e3).tolist() == [0, 0, 0]
    assert hx.conductance(-20.0, 30.0, 20.0, 30.0, 600e3, 600e3) == rated


def test_a_film_of_equal_properties_is_unchanged_and_falls_with_viscosity():
    rated = (1e-3, 7.0, 0.6)
    assert hx.film_factor(*rated, rated) == pytest.approx(1.0)
    assert hx.film_factor(2e-3, 14.0, 0.6, rated) < 1


@pytest.mark.parametrize(
    ("duty", "supply", "water", "hot", "cold", "hot_cp", "expected"),
    [  # duty, coolant supply and facility water degC, flows, UA, NTU, effectiveness
        (2000e3, 29.8, 26.8, 31.48, 32.30, 3947.0, (558e3, 4.48, 0.843)),  # Google Deschutes, OCP 2026
        (1368e3, 36.0, 32.0, 20.6, 20.6, 3998.0, (313e3, 3.81, 0.806)),  # Vertiv XDU1350, SL-70799
    ],
)
def test_data_sheets_of_cdus_give_their_conductance(duty, supply, water, hot, cold, hot_cp, expected):
    back, C_hot, C_cold = supply + duty / (hot * hot_cp), hot * hot_cp, cold * 4180.0
    rating = hx.rate_exchanger(duty, back + 273.15, C_hot, water + 273.15, C_cold)
    np.testing.assert_allclose(rating, expected, rtol=0.01)
    films = Films(hot, cold, 2 * rating.conductance, 2 * rating.conductance)
    passed = hx.duty(back + 273.15, hot, hot_cp, water + 273.15, cold, 4180.0, films)
    assert passed == pytest.approx(duty, rel=1e-9)


FILMS = Films(20.0, 20.0, 626e3, 626e3)


@given(st.floats(0.05, 0.95), st.floats(1, 30), st.floats(1, 20))
def test_the_cold_flow_found_gives_the_duty_wanted(share, hot_flow, gap):
    most = hx.duty(300 + gap, hot_flow, 3950.0, 300.0, 60.0, 4180.0, FILMS)
    flow = hx.flow_for_duty(share * most, 300 + gap, hot_flow, 3950.0, 300.0, 4180.0, FILMS, 0.0, 60.0)
    assert hx.duty(300 + gap, hot_flow, 3950.0, 300.0, flow, 4180.0, FILMS) == pytest.approx(share * most, rel=1e-6)


def test_a_duty_out_of_reach_leaves_the_valve_at_its_end():
    wanted = np.array([[-1e3, 0.0, 1e9]])
    flow = hx.flow_for_duty(wanted, 320.0, 20.0, 3950.0, 300.0, 4180.0, FILMS, least=0.5, most=40.0)
    np.testing.assert_allclose(flow, [[0.5, 0.5, 40.0]])
    unbounded = hx.flow_for_duty(1e9, 320.0, 20.0, 3950.0, 300.0, 4180.0, FILMS)
    assert unbounded == pytest.approx(20e3)


def test_more_cold_water_never_lowers_the_duty():
    flow = np.linspace(0, 100, 2001)
    for arrangement in (counterflow, crossflow):
        q = hx.duty(320.0, 20.0, 3950.0, 300.0, flow, 4180.0, FILMS, arrangement)
        assert q[0] == 0 and (np.diff(q) > -1e-6).all()


@pytest.mark.parametrize(("name", "points"), [("pg25", PLATE_PG25), ("water", PLATE_WATER)])
def test_one_law_gives_the_measured_cold_plate_for_both_fluids(name, points):
    f, T = fluid(name), 303.15
    flow, measured = np.array(list(points)) / 60e3, np.array(list(points.values()))
    law = hx.cold_plate(flow * f.density(T), f.heat_capacity(T), f.conductivity(T))
    np.testing.assert_allclose(law, measured, atol=0.7e-3)
