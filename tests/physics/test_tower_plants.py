"""Cells of towers, their set point, their water and their pressure drop, by hand."""

import numpy as np
import pytest
from physics.benches import limit, of, rise
from physics.test_towers import FLOW, REFERENCE, ends, humidity, saturated, thinned, tower, york
from scipy.optimize import brentq

from twin.show.screen import running
from twin.show.summary import summary

K = 273.15


def test_cells_run_as_flow_asks_and_share_it():
    """One, two, three of four for 90, 110 and 290 kg/s; each drops 40 kPa at 100 kg/s, closed cells pass none."""
    flow = np.array([90.0, 110.0, 290.0, 500.0])
    result = tower("york", ", units: 4, set_point: 20 degC, stage_miss: 50 K", scenarios={"pump.flow": flow / 997})
    running = np.array([1.0, 2.0, 3.0, 4.0])
    assert of(result, "tower_running").tolist() == running.tolist()
    water = of(result, "tower_flow")
    np.testing.assert_allclose(rise(result, flow / 997), 40e3 * (water / (100 * running)) ** 2, rtol=1e-3)
    np.testing.assert_allclose(of(result, "tower_power"), running * 30e3, rtol=1e-6)
    assert of(tower("york", ", units: 4, min_cells: 3, set_point: 20 degC, stage_miss: 50 K"), "tower_running") == 3
    assert of(tower("york", ", units: 4, running: 2.5, set_point: 20 degC"), "tower_running") == 2.5
    assert of(tower("york", ", units: 4"), "tower_running") == 4  # without set point all run


def test_cells_run_as_heat_asks_where_that_is_stated():
    """600 kW a cell: 2 MW above the set point take four."""
    more = ", units: 6, stage_heat: 600 kW, set_point: 20 degC, stage_miss: 50 K"
    result = tower(
        "york", more, site="dry_bulb: 15 degC, wet_bulb: 10 degC", scenarios={"rack.chip_scale": [1.0, 0.58]}
    )
    assert of(result, "tower_running").tolist() == [4, 2]


def test_more_cells_start_where_full_speed_would_miss_the_set_point_by_more_than_is_let():
    """Half a kelvin unless stated."""
    found = {}
    for miss in ("", ", stage_miss: 3 K", ", stage_miss: 0.01 K"):
        result = tower(
            "merkel",
            ", units: 8, set_point: 25 degC" + miss,
            heat=1.5e6,
            flow=90.0,
            site="dry_bulb: 30 degC, wet_bulb: 24 degC",
        )
        found[miss] = of(result, "tower_running")[0], of(result, "tower_supply_temperature")[0] - K
    cells = [n for n, _ in found.values()]
    assert cells == [2, 1, 3]
    for miss, let in (("", 0.5), (", stage_miss: 3 K", 3.0), (", stage_miss: 0.01 K", 0.01)):
        n, supply = found[miss]
        assert supply <= 25 + let + 1e-6
        if n > 1:  # one cell less would miss it by more
            fewer = tower(
                "merkel",
                f", units: 8, set_point: 25 degC, running: {n - 1}",
                heat=1.5e6,
                flow=90.0,
                site="dry_bulb: 30 degC, wet_bulb: 24 degC",
            )
            assert of(fewer, "tower_supply_temperature") - K > 25 + let


def test_cells_start_for_the_air_that_they_get_at_height():
    """5 at 2,500 m; one less would miss the set point by more than half a kelvin."""
    how = dict(heat=2e6, flow=90.0, site="dry_bulb: 5 degC, wet_bulb: 4 degC, elevation: 2500 m")
    staged, fewer = (tower("merkel", f", units: 30, set_point: 4.6 degC{more}", **how) for more in ("", ", running: 4"))
    assert of(staged, "tower_running") == 5 and of(staged, "tower_supply_temperature") - K < 5.1
    assert of(fewer, "tower_supply_temperature") - K > 5.1


def test_loading_is_wanted_over_what_all_cells_at_full_speed_give():
    """One of two cells runs; both are counted."""
    weather = dict(site="dry_bulb: 30 degC, wet_bulb: 22 degC", heat=1e6, flow=90.0)
    result = tower("york", ", units: 2, set_point: 28 degC", **weather)
    value, bound = limit(result, "tower_capacity", "tower")
    hot, cold, water, _ = ends(result)
    assert bound == 1 and value < 1 and of(result, "tower_running") == 1 and cold == pytest.approx(28.0)
    # of the same inlet: the range that full speed would give solves the polynomial
    gap = lambda r: hot[0] - r - 22.0 - york(22.0, r, REFERENCE * water[0] / 2 / 100)  # noqa: E731
    assert value == pytest.approx((hot - 28.0) / brentq(gap, 0.1, hot[0] - 22.0), rel=3e-4)
    full = tower("york", ", units: 2, running: 2", **weather)  # as far as it goes
    assert of(full, "tower_loading") == 1


def test_the_set_point_may_follow_the_wet_bulb():
    """Frontier: wet bulb + 5.56 K; never below the set point stated."""
    wet = np.array([20.0, 10.0, 5.0])
    result = tower(
        "merkel",
        ", units: 8, running: 8, set_point: 12 degC, reset_slope: 1, reset_at_freezing: 5.56 degC",
        heat=5e5,
        scenarios={"site.wet_bulb": wet + K},
    )
    np.testing.assert_allclose(of(result, "tower_supply_temperature") - K, [25.56, 15.56, 12.0])


def test_towers_breathe_their_own_plume():
    """3 K of recirculation act as 3 K of wet bulb, and of dry bulb, on the outlet."""
    york = tower("york", site="dry_bulb: 30 degC, wet_bulb: 20 degC, recirculation: 3 K")
    other = tower("york", site="dry_bulb: 33 degC, wet_bulb: 23 degC")
    assert of(york, "tower_supply_temperature") == pytest.approx(of(other, "tower_supply_temperature")[0], abs=1e-6)
    assert of(york, "tower_water") == pytest.approx(of(other, "tower_water")[0], rel=1e-6)


def evaporation(result, dry, wet, pressure=101325.0, gas=1.2):
    """kg/s: what the air of the fans holds more when it leaves, saturated, with the heat that it took up.

    Its enthalpy rises from that of its wet bulb. A cell moves water over `gas` of dry air at full speed.
    """
    cells, speed = of(result, "tower_running"), of(result, "tower_fan_speed")
    air = cells * FLOW / gas * thinned(dry, wet, pressure) * speed
    rise = of(result, "tower_duty") / air
    start = saturated(wet, pressure)[1]
    gone = []
    for m, dh in zip(np.atleast_1d(air), np.atleast_1d(rise), strict=True):
        leaving = brentq(lambda t, dh=dh: saturated(t, pressure)[1] - start - dh, wet, wet + 60)
        gone.append(m * (saturated(leaving, pressure)[0] - humidity(dry, wet, pressure)))
    return np.array(gone)


@pytest.mark.parametrize("kind", ["york", "merkel"])
def test_make_up_is_evaporation_drift_and_blow_down(kind):
    """Blow-down is E / (C - 1) less drift: make-up E C / (C - 1), twice the evaporation at two [ASHRAE, ch. 40]."""
    cycles = np.array([2.0, 4.0, 10.0])
    result = tower(kind, scenarios={"tower.cycles": cycles})
    gone = evaporation(result, 32.0, 25.56)
    np.testing.assert_allclose(gone / of(result, "tower_duty") * 2.43e6, 1.0, atol=0.04)  # about all of the heat
    np.testing.assert_allclose(of(result, "tower_water"), gone * cycles / (cycles - 1), rtol=3e-4)
    np.testing.assert_allclose(of(result, "water"), of(result, "tower_water"))


def test_drift_counts_where_it_exceeds_the_blow_down():
    """0.5 % of the flow leaves as droplets: no blow-down is needed, make-up is evaporation and drift."""
    result = tower("york", ", drift: 0.005, cycles: 20")
    gone = evaporation(result, 32.0, 25.56)
    assert of(result, "tower_water") == pytest.approx(gone + 0.005 * of(result, "tower_flow"), rel=3e-4)
    slow = tower(
        "york", ", drift: 0.005, cycles: 20, set_point: 28 degC", heat=1e6, site="dry_bulb: 15 degC, wet_bulb: 10 degC"
    )
    gone = evaporation(slow, 15.0, 10.0)
    expected = gone + 0.005 * of(slow, "tower_flow") * of(slow, "tower_fan_speed")  # drift goes with the air
    assert of(slow, "tower_water") == pytest.approx(expected, rel=3e-4)


def test_evaporation_at_height_and_from_dry_air():
    result = tower("merkel", site="dry_bulb: 35 degC, wet_bulb: 15 degC, elevation: 1500 m")
    gone = evaporation(result, 35.0, 15.0, 84555.93)
    assert of(result, "tower_water") == pytest.approx(gone * 4 / 3, rel=5e-4)  # four cycles unless stated


def test_air_of_all_cells_evaporates():
    result = tower("york", ", units: 3", site="dry_bulb: 35 degC, wet_bulb: 15 degC")
    assert of(result, "tower_running") == 3
    assert of(result, "tower_water") == pytest.approx(evaporation(result, 35.0, 15.0) * 4 / 3, rel=5e-4)


def test_air_of_standing_fans_leaves_as_warm_as_the_water_comes():
    """As much air rises by itself as carries the heat away so."""
    result = tower("merkel", ", set_point: 29 degC", heat=2e5, site="dry_bulb: 8 degC, wet_bulb: 6 degC")
    assert of(result, "tower_fan_speed") == 0
    held, enthalpy = saturated(ends(result)[0])
    air = of(result, "tower_duty") / (enthalpy - saturated(6.0)[1])
    assert of(result, "tower_water") == pytest.approx(air * (held - humidity(8.0, 6.0)) * 4 / 3, rel=5e-4)


def test_below_a_thousandth_of_the_rated_flow_tower_fans_fade_out():
    flow = np.array([4e-2, 1.0])
    result = tower("york", heat=1e3, scenarios={"pump.flow": flow / 997})
    # with so little water fans at their least speed do as well as at full speed
    expected = 30e3 * 0.2**3 * np.minimum(of(result, "tower_flow") / 0.1, 1.0)
    np.testing.assert_allclose(of(result, "tower_power"), expected, rtol=1e-4)


def test_air_that_is_cooled_evaporates_more_water_than_the_heat_alone():
    """Hot dry air at light load: it leaves colder than it came, and evaporates half as much again as the duty would."""
    site = "dry_bulb: 40 degC, wet_bulb: 18 degC"
    result = tower("merkel", ", set_point: 24 degC", heat=8e5, site=site)
    gone = evaporation(result, 40.0, 18.0)
    assert of(result, "tower_water") == pytest.approx(gone * 4 / 3, rel=5e-4)
    assert gone > 1.5 * of(result, "tower_duty") / 2.45e6


def test_water_over_air_is_a_field_and_moves_the_evaporation():
    """L/G of 0.8 moves half as much air again; the rating, and what water then leaves, stay."""
    site = "dry_bulb: 38 degC, wet_bulb: 25.56 degC"
    for gas in (0.8, 1.6):
        result = tower("york", f", liquid_to_gas: {gas}", site=site)
        expected = evaporation(result, 38.0, 25.56, gas=gas) * 4 / 3
        assert of(result, "tower_water") == pytest.approx(expected, rel=5e-4)


def test_basins_of_standing_cells_are_heated_by_the_kelvins_below_what_they_keep():
    """Two of three cells stand still at -10 degC: 2 x 3 kW/K x 12 K. All three do where the water needs no cooling."""
    more = ", units: 3, running: 1, set_point: 15 degC, basin_heater: 3 kW/K"
    cold = tower("merkel", more, heat=1e6, site="dry_bulb: -10 degC, wet_bulb: -11 degC")
    bare = tower("merkel", more.replace(", basin_heater: 3 kW/K", ""), heat=1e6,
                 site="dry_bulb: -10 degC, wet_bulb: -11 degC")  # fmt: skip
    heat = of(cold, "tower_power") - of(bare, "tower_power")
    assert heat == pytest.approx(2 * 3e3 * 12, rel=1e-6)
    warmer = tower(
        "merkel", more + ", basin_temperature: 4 degC", heat=1e6, site="dry_bulb: -10 degC, wet_bulb: -11 degC"
    )
    assert of(warmer, "tower_power") - of(bare, "tower_power") == pytest.approx(2 * 3e3 * 14, rel=1e-6)
    mild = tower("merkel", more, heat=1e6, site="dry_bulb: 5 degC, wet_bulb: 4 degC")
    plain = tower("merkel", more.replace(", basin_heater: 3 kW/K", ""), heat=1e6,
                  site="dry_bulb: 5 degC, wet_bulb: 4 degC")  # fmt: skip
    assert of(mild, "tower_power") == of(plain, "tower_power")


def test_water_is_paid_by_its_origin_and_wue_is_make_up_over_it_energy():
    """Three fifths reclaimed at 1 $/m3, the rest potable at 4; the rack is all IT: L/kWh are kg per 3.6 MJ."""
    economics = "economics: {water: 4 $/m3, water_sources: {reclaimed: {share: 60 %, price: 1 $/m3}, potable: {}}}"
    result = tower("york", sections=economics)
    water, it = of(result, "water"), of(result, "it_power")
    assert of(result, "potable_water") == pytest.approx(0.4 * water)
    assert of(result, "wue") == pytest.approx(water / it)
    assert summary(result, None)["wue_l_per_kwh"] == pytest.approx(float(water[0] / it[0]) * 3.6e6)
    m3 = float(water[0]) / 1000
    assert float(result.figures.annual.water[0]) == pytest.approx(m3 * 31557600 * (0.6 * 1 + 0.4 * 4))
    supply = summary(result, None)["water_supply"]
    assert supply["reclaimed"] == pytest.approx({"m3_per_day": 0.6 * m3 * 86400, "usd_per_year": 0.6 * m3 * 31557600})
    plain = tower("york")
    assert of(plain, "potable_water") == of(plain, "water")


@pytest.mark.parametrize(
    ("wet", "share", "expected"), [(5.0, 0.25, 3), (12.0, 0.15, 6), (18.0, 0.3, 3), (18.0, 1.0, 1), (12.0, 0.05, 8)]
)
def test_by_least_power_as_many_cells_run_as_get_their_water(wet, share, expected):
    """90 kg/s over cells of 100: each more takes less power, as fans slow down, until they reach their lowest speed."""
    how = dict(heat=1.9e6, flow=90.0, site=f"dry_bulb: {wet + 5} degC, wet_bulb: {wet} degC")
    stated = [
        float(of(tower("merkel", f", units: 8, running: {n}, set_point: {wet + 6} degC", **how), "tower_power")[0])
        for n in range(1, expected + 1)
    ]
    more = f", units: 8, staging: least_power, min_cell_flow: {share}, set_point: {wet + 6} degC"
    result = tower("merkel", more, **how)
    assert of(result, "tower_running") == expected
    assert of(result, "tower_power") == pytest.approx(stated[-1], rel=1e-6)
    assert stated[-1] <= 1.02 * min(stated)


def test_what_runs_is_on_the_screen():
    result = tower("merkel", ", units: 8, set_point: 25 degC", heat=1.5e6, flow=90.0,
                   site="dry_bulb: 30 degC, wet_bulb: 24 degC")  # fmt: skip
    assert ("running", "tower 2 of 8") in running(result)
