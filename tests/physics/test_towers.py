"""Cooling towers: York's polynomial, Merkel's effectiveness, fans, cells and make-up, by hand."""

import numpy as np
import pytest
from physics.benches import bench, counterflow, heater, of
from scipy.optimize import brentq

import twin

K = 273.15
FLOW, APPROACH, RANGE, WET = 100.0, 3.9, 5.56, 25.56
"""Design of a cell: kg/s, K, K, degC."""
CW = 4186.0
YORK = [-0.359741205, -0.055053608, 0.0023850432, 0.173926877, -0.0248473764, 0.00048430224, -0.005589849456]
YORK += [0.0005770079712, -1.342427256e-5, 2.84765801111111, -0.121765149, 0.0014599242, 1.680428651, -0.0166920786]
YORK += [-0.0007190532, -0.025485194448, 4.87491696e-5, 2.719234152e-5, -0.0653766255555556, -0.002278167, 0.0002500254]
YORK += [-0.0910565458, 0.00318176316, 3.8621772e-5, -0.0034285382352, 8.56589904e-6, -1.516821552e-6]
"""[EnergyPlus Engineering Reference, Variable Speed Cooling Towers, York; Modelica Buildings, yorkCalc]"""


def york(wet, span, ratio):
    """Approach [K]: the sum over powers of wet bulb [degC] (fastest), range [K] and liquid over gas."""
    terms = (ratio**k * span**j * wet**i for k in range(3) for j in range(3) for i in range(3))
    return sum(c * t for c, t in zip(YORK, terms, strict=True))


REFERENCE = brentq(lambda x: york(WET, RANGE, x) - APPROACH, 0.3, 3.0)
"""Liquid over gas at the design."""


def tower(
    kind, more="", heat=2e6, site="dry_bulb: 32 degC, wet_bulb: 25.56 degC", scenarios=None, flow=FLOW, sections=""
):
    layout = bench(
        "tank: {type: expansion_tank}\n"
        + heater(heat)
        + f"tower: {{type: tower, correlation: {kind}, flow: 100 kg/s, approach: 3.9 K, range: 5.56 K, "
        + f"wet_bulb: 25.56 degC, dry_bulb: 32 degC, fan_power: 30 kW, drop: 40 kPa{more}}}\n"
        + "pump: {type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, pump_efficiency: 0.8, drive_efficiency: 0.9, "
        + f"control: flow, flow: {flow / 995.5} m3/s}}",
        "rack.return > tower.in\ntower.out > pump.in\npump.out > rack.supply\ntank.port > pump.in",
        site,
    )
    return twin.solve(layout.replace("components:", f"{sections}\ncomponents:", 1), scenarios or {})


def ends(result):
    """Inlet, outlet [degC], flow [kg/s] and capacity rate [W/K] of all cells."""
    hot, cold = of(result, "tower_return_temperature") - K, of(result, "tower_supply_temperature") - K
    return hot, cold, of(result, "tower_flow"), of(result, "tower_duty") / (hot - cold)


def vapour(t):
    """Saturation pressure over water [ASHRAE Fundamentals, ch. 1, eq. 6], Pa."""
    T = t + K
    c = -5.8002206e3 / T + 1.3914993 - 4.8640239e-2 * T + 4.1764768e-5 * T**2 - 1.4452093e-8 * T**3
    return np.exp(c + 6.5459673 * np.log(T))


def humidity(dry, wet, pressure=101325.0):
    """Humidity ratio of air with a wet bulb above freezing [eq. 33]."""
    held = 0.621945 * vapour(wet) / (pressure - vapour(wet))
    return ((2501 - 2.326 * wet) * held - 1.006 * (dry - wet)) / (2501 + 1.86 * dry - 4.186 * wet)


def thinned(dry, wet, pressure=101325.0):
    """Density of air over that of the design, 32 and 25.56 degC at sea level [eq. 26]."""

    def specific(dry, wet, pressure):
        w = humidity(dry, wet, pressure)
        return pressure * (1 + w) / ((dry + K) * (1 + w / 0.621945))

    return specific(dry, wet, pressure) / specific(32.0, WET, 101325.0)


# ---- York --------------------------------------------------------------------------------------------------------


def test_york_at_its_design():
    hot, cold, _, _ = ends(tower("york", heat=100 * 4181 * RANGE / 1.2, scenarios={"rack.chip_scale": [1.2]}))
    assert cold == pytest.approx(WET + APPROACH, abs=0.02) and hot - cold == pytest.approx(RANGE, abs=0.03)


def test_york_follows_its_published_polynomial():
    wet = np.array([5.0, 12.0, 18.0, 25.0, 25.0, 10.0])
    load = np.array([1.0, 0.5, 1.0, 0.25, 1.0, 0.4])
    flow = np.array([100, 100, 50, 100, 55, 80.0])
    weather = {"site.dry_bulb": wet + 5 + K, "site.wet_bulb": wet + K}
    result = tower("york", scenarios=weather | {"rack.chip_scale": load, "pump.flow": flow / 997})
    hot, cold, water, _ = ends(result)
    np.testing.assert_allclose(cold - wet, york(wet, hot - cold, REFERENCE * water / FLOW), rtol=2e-4)
    assert (of(result, "tower_warning") == 0).all()
    np.testing.assert_allclose(of(result, "tower_power"), 30e3 * thinned(wet + 5, wet), rtol=1e-5)


def test_york_outside_its_box_keeps_its_nearest_effectiveness():
    """Wet bulbs from -34.4 to 26.7 degC and ranges from 1.1 to 22.2 K, over which the approach is proportional."""
    wet = np.array([29.0, 20.0, 20.0])
    scenarios = {"site.dry_bulb": np.full(3, 35 + K), "site.wet_bulb": wet + K, "rack.chip_scale": [1.0, 0.1, 2.4]}
    scenarios["pump.flow"] = np.array([100, 100, 50.0]) / 990
    result = tower("york", scenarios=scenarios)
    hot, cold, water, _ = ends(result)
    span, near = hot - cold, np.clip(hot - cold, 1.1, 22.2)
    assert span[1] < 1.1 and span[2] > 22.2
    expected = york(np.minimum(wet, 26.7), near, REFERENCE * water / FLOW) * span / near
    np.testing.assert_allclose(cold - wet, expected, rtol=2e-4)
    assert of(result, "tower_warning").tolist() == [1, 0, 1]


def test_yorks_approach_stops_at_its_maximum_over_liquid_and_gas_and_at_a_tenth_of_the_range():
    """The quadratic in liquid over gas would turn down beyond; with little liquid it would pass the wet bulb."""
    much = tower(
        "york", ", running: 1", scenarios={"site.wet_bulb": [5 + K], "rack.chip_scale": [16.0], "pump.flow": [0.9]}
    )
    hot, cold, water, _ = ends(much)
    zero, one, two = (york(5.0, hot - cold, x) for x in (0.0, 1.0, 2.0))
    square = 0.5 * (two - 2 * one + zero)
    peak = (one - zero - square) / (-2 * square)
    assert peak < REFERENCE * water / FLOW
    assert cold - 5 == pytest.approx(zero + 0.5 * peak * (one - zero - square), rel=1e-3)
    little = tower("york", scenarios={"site.wet_bulb": [20 + K], "pump.flow": [0.025]})
    hot, cold, water, _ = ends(little)
    assert york(20.0, hot - cold, REFERENCE * water / FLOW) < 0.09 * (hot - cold)
    assert cold - 20 == pytest.approx(0.1 * (hot - cold), rel=1e-3)


@pytest.mark.parametrize("kind", ["york", "merkel"])
def test_tower_fans_turn_as_fast_as_the_set_point_needs_for_the_cube_of_that(kind):
    wet = np.array([20.0, 16.0, 12.0])
    scenarios = {"site.dry_bulb": wet + 5 + K, "site.wet_bulb": wet + K, "site.elevation": [0.0, 0.0, 1500.0]}
    result = tower(kind, ", set_point: 29 degC", heat=1.8e6, scenarios=scenarios)
    hot, cold, water, C = ends(result)
    np.testing.assert_allclose(cold, 29.0)
    speed, pressure = of(result, "tower_fan_speed"), np.array([101325.0, 101325.0, 84555.93])
    thin = thinned(wet + 5, wet, pressure)
    assert (speed > 0.2).all() and (speed < 1).all()
    np.testing.assert_allclose(of(result, "tower_power"), 30e3 * thin * speed**3, rtol=1e-5)
    if kind == "york":
        np.testing.assert_allclose(29 - wet, york(wet, hot - cold, REFERENCE * water / FLOW / speed), rtol=2e-4)
    else:
        for k in range(3):
            gone = merkel(wet[k], water[k], C[k], hot[k] - cold[k], speed[k], pressure[k], thin[k], wet[k] + 5)
            assert gone * (hot[k] - wet[k]) == pytest.approx(hot[k] - cold[k], rel=3e-4)


@pytest.mark.parametrize(("more", "free"), [("", 1 / 8), (", free_convection: 0.05", 0.05)])
def test_below_their_least_speed_tower_fans_run_part_of_the_time_beside_free_convection(more, free):
    """Standing fans leave an eighth of the effect or what is stated; between, effect and time are in proportion."""
    text = ", set_point: 29 degC, min_fan_speed: 0.3" + more
    result = tower("york", text, heat=5e5, site="dry_bulb: 20 degC, wet_bulb: 14 degC")
    hot, cold, water, _ = ends(result)
    span = hot - cold
    approach = lambda s: np.maximum(york(14.0, span, REFERENCE * water / FLOW / s), 0.1 * span)  # noqa: E731
    effect = lambda s: span / (span + approach(s))  # noqa: E731
    part = (span / (hot - 14.0) - effect(1.0) * free) / (effect(0.3) - effect(1.0) * free)
    assert 0.05 < part < 0.95
    assert of(result, "tower_fan_speed") == pytest.approx(0.3 * part, rel=5e-4)
    assert of(result, "tower_power") == pytest.approx(30e3 * thinned(20.0, 14.0) * 0.027 * part, rel=5e-4)


def test_the_least_speed_unless_stated_is_a_fifth():
    result = tower("york", ", set_point: 29 degC", heat=5e5, site="dry_bulb: 20 degC, wet_bulb: 12 degC")
    hot, cold, water, _ = ends(result)
    span = hot - cold
    approach = lambda s: np.maximum(york(12.0, span, REFERENCE * water / FLOW / s), 0.1 * span)  # noqa: E731
    effect = lambda s: span / (span + approach(s))  # noqa: E731
    part = (span / (hot - 12.0) - effect(1.0) / 8) / (effect(0.2) - effect(1.0) / 8)
    assert 0.02 < part < 1 and of(result, "tower_power") == pytest.approx(
        30e3 * thinned(20.0, 12.0) * 0.008 * part, rel=1e-3
    )


# ---- Merkel ------------------------------------------------------------------------------------------------------


def saturated(t, pressure=101325.0):
    """Humidity ratio and enthalpy [J/kg] of saturated air [eq. 20 and 30]."""
    w = 0.621945 * vapour(t) / (pressure - vapour(t))
    return w, 1006.0 * t + w * (2.501e6 + 1860.0 * t)


def stream(wet, heat, air, pressure=101325.0):
    """Specific heat of air as a stream of wet bulbs that takes up a heat: c_e = dh / dT."""
    start = saturated(wet, pressure)[1]
    end = brentq(lambda t: saturated(t, pressure)[1] - start - heat / air, wet, wet + 60)
    return heat / air / (end - wet)


def merkel(wet, water, C, span, speed=1.0, pressure=101325.0, thin=1.0, dry=32.0):
    """Effectiveness of a cell [ASHRAE HVAC S&E, ch. 40; EnergyPlus, CoolingTower:VariableSpeed:Merkel].

    The rating gives UA; factors by wet bulb, air and water flow are EnergyPlus's defaults. Air: water over 1.2, and as
    much more as it is denser than at the design, `thin`.
    """
    air = FLOW / 1.2
    duty = FLOW * CW * RANGE
    c_e = stream(WET, duty, air)
    least = min(FLOW * CW, air * c_e)
    wanted = duty / (least * (APPROACH + RANGE))
    cp = 1006 + 1860 * humidity(32.0, WET)
    ua = brentq(lambda x: counterflow(x * c_e / cp, FLOW * CW, air * c_e) - wanted, 1e2, 1e7)
    f = min(max(water / FLOW, 0.3), 1.0)
    ua *= (1 + 0.0081 * (WET - wet)) * (1.3 * speed - 0.3 * speed**2) * (0.1082 + 1.667 * f - 0.7713 * f**2) / 1.0039
    c_e = stream(wet, C * span, air * speed * thin, pressure)
    cold, cp = air * speed * thin * c_e, 1006 + 1860 * humidity(dry, wet, pressure)
    return counterflow(ua * c_e / cp, C, cold) * min(C, cold) / C


def test_merkel_at_its_design():
    hot, cold, _, _ = ends(tower("merkel", heat=100 * 4181 * RANGE / 1.2, scenarios={"rack.chip_scale": [1.2]}))
    assert cold == pytest.approx(WET + APPROACH, abs=0.02) and hot - cold == pytest.approx(RANGE, abs=0.03)


def test_merkel_follows_wet_bulb_water_and_height():
    wet = np.array([25.56, 12.0, 18.0, 25.0, 20.0, 15.0, 27.0])
    load = np.array([0.9, 0.5, 1.0, 0.25, 0.5, 1.0, 0.8])
    flow = np.array([100, 100, 60, 120, 20, 90.0, 100])
    elevation = np.array([0, 0, 0, 0, 0, 1500.0, 0])
    scenarios = {
        "site.dry_bulb": wet + 5 + K,
        "site.wet_bulb": wet + K,
        "rack.chip_scale": load,
        "pump.flow": flow / 997,
        "site.elevation": elevation,
    }
    result = tower("merkel", ", running: 1", scenarios=scenarios)
    hot, cold, water, C = ends(result)
    pressure = np.where(elevation > 0, 84555.93, 101325.0)
    thin = thinned(wet + 5, wet, pressure)
    for k in range(7):
        gone = merkel(wet[k], water[k], C[k], hot[k] - cold[k], 1.0, pressure[k], thin[k], wet[k] + 5)
        assert gone * (hot[k] - wet[k]) == pytest.approx(hot[k] - cold[k], rel=3e-4)
    np.testing.assert_allclose(of(result, "tower_power"), 30e3 * thin, rtol=1e-5)
    assert (of(result, "tower_warning") == 0).all()


def test_below_their_least_speed_fans_of_merkel_towers_run_part_of_the_time():
    """At 2,500 m: standing fans leave an eighth of the effect at full speed."""
    site = "dry_bulb: 20 degC, wet_bulb: 12 degC, elevation: 2500 m"
    result = tower("merkel", ", set_point: 29 degC, min_fan_speed: 0.3", heat=6e5, site=site)
    hot, cold, water, C = (float(v[0]) for v in ends(result))
    pressure = 101325 * (1 - 2.25577e-5 * 2500) ** 5.2559
    thin = thinned(20.0, 12.0, pressure)
    full, least = (merkel(12.0, water, C, hot - cold, s, pressure, thin, 20.0) for s in (1.0, 0.3))
    part = ((hot - cold) / (hot - 12.0) - full / 8) / (least - full / 8)
    assert 0.05 < part < 0.95
    assert of(result, "tower_fan_speed") == pytest.approx(0.3 * part, rel=2e-3)
    assert of(result, "tower_power") == pytest.approx(30e3 * thin * 0.027 * part, rel=2e-3)


def test_merkel_warns_ten_kelvin_above_and_twenty_five_below_its_design():
    wet = np.array([0.0, 1.0, 35.0, 36.0])
    scenarios = {"site.wet_bulb": wet + K, "site.dry_bulb": wet + 5 + K}
    assert of(tower("merkel", scenarios=scenarios), "tower_warning").tolist() == [1, 0, 0, 1]
