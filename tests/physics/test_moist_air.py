"""Moist air and altitude as a solve shows them, against the ASHRAE psychrometric formulas by PsychroLib 2.5.

[ASHRAE Handbook Fundamentals (2017), chapter 1.]
"""

import numpy as np
import pytest
from physics.benches import bench, holder, limit, mover, of

import twin
from twin.plant.compile import compile

K = 273.15
# dry bulb and relative humidity; humidity ratio, wet bulb, dew point, density: degC, kg/kg, kg/m3, at an elevation, m
STATES = [
    (30.0, 0.5, 0.0, 0.013310204, 22.00524, 18.44664, 1.155207),
    (20.0, 0.5, 0.0, 0.0072617372, 13.78337, 9.27239, 1.198898),
    (35.0, 0.4, 0.0, 0.014131654, 23.93420, 19.38465, 1.135915),
    (40.0, 0.2, 0.0, 0.009198165, 22.03220, 12.78314, 1.121035),
    (10.0, 0.9, 0.0, 0.0068586341, 9.15718, 8.43721, 1.241538),
    (30.0, 0.5, 2000.0, 0.017065564, 21.45733, 18.44664, 0.904337),
    (25.0, 0.6, 1500.0, 0.014308336, 19.15701, 16.70113, 0.979616),
    (-10.0, 0.8, 0.0, 0.0012788763, -10.64822, -12.48956, 1.340389),
    (-20.0, 0.8, 0.0, 0.0005074734, -20.30571, -22.30395, 1.393989),
]
DRY, HUMIDITY, ELEVATION, RATIO, WET, DEW, DENSITY = np.array(STATES).T

LAYOUT = bench(
    """
    hall: {type: room, ventilation: 2 m3/s, dew_point: 231 K, dew_point_margin: 3 K}
    warm: {type: rack, it_power: 10 kW, nameplate: 10 kW, air_flow: 1 m3/s, cords: 1, room: hall}
    """
    + holder(60)
    + "tower: {type: tower, reset_at_freezing: 30 degC, reset_slope: 0.5, flow: 1 kg/s, drop: 1 Pa, units: 50}\n"
    + "rack: {type: liquid_rack, it_power: 20 kW, nameplate: 9 kW, liquid_fraction: 1, cords: 1, room: hall}\n"
    + mover(1e-3),
    """
    cool.out > rack.supply
    rack.return > tower.in
    tower.out > pump.in
    pump.out > cool.in
    tank.port > cool.out
    """,
)
SITE = {"site.dry_bulb": DRY + K, "site.elevation": ELEVATION}


@pytest.fixture(scope="module")
def humid():
    return twin.solve(LAYOUT, SITE | {"site.relative_humidity": HUMIDITY})


@pytest.fixture(scope="module")
def dewy():
    return twin.solve(LAYOUT, SITE | {"site.dew_point": DEW + K})


@pytest.fixture(scope="module")
def wet():
    return twin.solve(LAYOUT, SITE | {"site.wet_bulb": WET + K})


def wet_bulbs(result):
    """degC: the tower's set point follows the wet bulb at half a kelvin per kelvin from 30 degC at 0 degC."""
    return (of(result, "tower_supply_temperature") - K - 30.0) / 0.5


def test_wet_bulb_follows_from_humidity(humid):
    np.testing.assert_allclose(wet_bulbs(humid), WET, atol=2e-3)


def test_wet_bulb_follows_from_dew_point(dewy):
    np.testing.assert_allclose(wet_bulbs(dewy), WET, atol=2e-3)


def test_a_wet_bulb_that_is_given_holds(wet):
    np.testing.assert_allclose(wet_bulbs(wet), WET, atol=1e-6)


def test_coolant_stays_dry_three_kelvin_above_the_dew_point_of_the_weather(humid, dewy, wet):
    for result, within in ((humid, 1e-3), (dewy, 1e-3), (wet, 5e-3)):
        _, bound = limit(result, "dew_point", "rack")
        np.testing.assert_allclose(bound - 3.0 - K, DEW, atol=within)


def test_ventilation_carries_heat_with_the_density_of_moist_air(humid):
    """Q = V rho cp dT, cp 1,006 J/kg/K of dry air [ASHRAE Fundamentals, ch. 1]; rho = (1 + W) / v, equation 26."""
    rise = of(humid, "room_return_temperature") - of(humid, "room_supply_temperature")
    np.testing.assert_allclose(of(humid, "room_supply_temperature"), DRY + K, atol=1e-6)
    np.testing.assert_allclose(of(humid, "rack_power", "warm") / (2.0 * 1006.0 * rise), DENSITY, rtol=2e-5)


def test_below_freezing_wet_bulbs_are_those_over_ice():
    """Equation 35 of ASHRAE Fundamentals, chapter 1; 0 degC and 80 % hold 3.0156 g/kg."""
    result = twin.solve(LAYOUT, {"site.dry_bulb": [K], "site.relative_humidity": [0.8]})
    b = wet_bulbs(result)[0]
    assert b == pytest.approx(-1.155, abs=2e-3)  # PsychroLib 2.5
    log = lambda T: (  # noqa: E731, over ice [ASHRAE Fundamentals, ch. 1, eq. 5]
        -5.6745359e3 / T
        + 6.3925247
        - 9.677843e-3 * T
        + 6.2215701e-7 * T**2
        + 2.0747825e-9 * T**3
        - 9.484024e-13 * T**4
        + 4.1635019 * np.log(T)
    )
    vapour = np.exp(log(b + K))
    saturated = 0.621945 * vapour / (101325.0 - vapour)
    ice = ((2830 - 0.24 * b) * saturated + 1.006 * b) / (2830 - 2.1 * b)
    assert ice == pytest.approx(3.0156184e-3, rel=2e-4)


def test_weather_without_moisture_is_half_saturated():
    layout = LAYOUT.replace(", wet_bulb: 15 degC", "")
    assert wet_bulbs(twin.solve(layout, {"site.dry_bulb": [30.0 + K]}))[0] == pytest.approx(22.00524, abs=2e-3)


def test_room_fans_weigh_the_air_of_the_standard_atmosphere():
    """Pressures by the standard atmosphere [ASHRAE Fundamentals, ch. 1, eq. 3], of air at 24 degC and 8 g/kg."""
    elevation = np.array([0.0, 500.0, 1000.0, 2000.0, 3000.0])
    pressure = np.array([101325.0, 95460.81, 89874.52, 79495.12, 70108.42])
    density = pressure * 1.008 / (287.042 * 297.15 * (1 + 0.008 / 0.621945))
    layout = bench(
        """
        hall: {type: room, recirculation: 0, bypass: 0}
        rack: {type: rack, it_power: 10 kW, nameplate: 10 kW, air_flow: 1 m3/s, cords: 1, room: hall, fan_power: 0 W,
               min_fan_speed: 1}
        wall: {type: crah, units: 1, air_flow: 1 m3/s, fan_power: 1 kW, room: hall}
        """
        + holder(12)
        + mover(1e-3),
        "cool.out > wall.supply\nwall.return > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    result = twin.solve(layout, {"site.elevation": elevation})
    np.testing.assert_allclose(of(result, "crah_air_flow"), density, rtol=1e-6)
    np.testing.assert_allclose(of(result, "rack_air_flow"), density, rtol=1e-6)
    np.testing.assert_allclose(of(result, "crah_fan_power"), 1e3 * density / 1.2, rtol=1e-6)


# ---- what air can be ---------------------------------------------------------------------------------------------

DRIEST = [
    (37.0, 0.0, 13.4293),
    (20.0, 0.0, 5.8365),
    (45.0, 0.0, 16.4147),
    (30.0, 2000.0, 8.4105),
    (50.0, 1500.0, 16.1654),
]
"""Dry bulb [degC], elevation [m], wet bulb of air without moisture there [degC]: PsychroLib 2.5."""


@pytest.mark.parametrize(("dry", "elevation", "lowest"), DRIEST)
def test_no_wet_bulb_is_below_that_of_air_without_moisture(dry, elevation, lowest):
    """Formulas differ by a hundredth of a kelvin, which is let pass."""
    site = {"site.dry_bulb": dry + K, "site.elevation": elevation}
    text = {"site.dry_bulb": f"{dry} degC", "site.elevation": f"{elevation} m"}
    compile(twin.load(LAYOUT, overrides=text | {"site.wet_bulb": f"{lowest - 0.005} degC"}))
    compile(twin.load(LAYOUT), site | {"site.wet_bulb": lowest - 0.005 + K})
    told = f"is below {lowest:.2f} degC, that of air without moisture"
    with pytest.raises(twin.LayoutError, match=f"site: wet_bulb {lowest - 0.05:.2f} degC {told}"):
        twin.load(LAYOUT, overrides=text | {"site.wet_bulb": f"{lowest - 0.05:.2f} degC"})
    with pytest.raises(twin.LayoutError, match=told):
        compile(twin.load(LAYOUT), site | {"site.wet_bulb": lowest - 0.05 + K})


def test_wet_bulbs_over_ice_are_air_where_drier_air_has_one_over_water():
    """At 10 degC: 1.6e-5 kg/kg at -0.3 degC over ice; over water less than nothing at 0.1 degC, nothing at 0.37."""
    dry = {"site.dry_bulb": 10.0 + K}
    assert not compile(twin.load(LAYOUT), dry | {"site.wet_bulb": -0.3 + K}).invalid
    for wet in (-0.4, 0.1):
        with pytest.raises(twin.LayoutError, match=r"below 0\.37 degC, that of air without moisture"):
            compile(twin.load(LAYOUT), dry | {"site.wet_bulb": wet + K})


@pytest.mark.parametrize("field", ["wet_bulb", "dew_point"])
def test_neither_wet_bulb_nor_dew_point_is_above_the_dry_bulb(field):
    told = f"{field} 20.10 degC is above dry_bulb 20.00 degC by 0.10 K; cut it at the dry bulb"
    with pytest.raises(twin.LayoutError, match=told):
        twin.load(LAYOUT, overrides={f"site.{field}": "20.1 degC"})
    with pytest.raises(twin.LayoutError, match=told):
        compile(twin.load(LAYOUT), {f"site.{field}": 20.1 + K})


def test_any_dew_point_and_any_relative_humidity_up_to_saturation_are_air():
    for field, values in (("dew_point", [200.0, 293.15]), ("relative_humidity", [0.0, 1.0])):
        assert not compile(twin.load(LAYOUT), {f"site.{field}": values}).invalid
    for value in (-0.01, 1.01):
        with pytest.raises(twin.LayoutError, match="outside its bounds"):
            compile(twin.load(LAYOUT), {"site.relative_humidity": value})


def test_moisture_is_of_the_pressure_that_is_given():
    """Air of 30 degC with a dew point of 15 degC: PsychroLib 2.5."""
    weather = {"site.dry_bulb": 30.0 + K, "site.dew_point": 15.0 + K, "site.elevation": [1450.0, 540.0, 0.0, 0.0]}
    result = twin.solve(LAYOUT, weather | {"site.pressure": [85e3, 95e3, 101325.0, 105e3]})
    np.testing.assert_allclose(wet_bulbs(result), [19.5616, 19.8976, 20.0981, 20.2098], atol=2e-3)
    np.testing.assert_allclose(result.plant.site.density[0], [0.969414, 1.084334, 1.157021, 1.199254], rtol=1e-5)


def test_a_pressure_is_that_of_the_elevation():
    """870 and 1,084 hPa are the extremes at sea level; 834 hPa is that of 1,600 m, whose air is 1,013 hPa nowhere."""
    hall = twin.load(LAYOUT)
    assert not compile(hall, {"site.pressure": [870e2, 1084e2]}).invalid
    assert not compile(hall, {"site.pressure": 834e2, "site.elevation": 1600.0}).invalid
    for pressure, elevation, share in ((834e2, 0.0, 82), (1013e2, 1600.0, 121)):
        with pytest.raises(
            twin.LayoutError, match=f"is {share}% of the standard atmosphere's .*give the elevation too"
        ):
            compile(hall, {"site.pressure": pressure, "site.elevation": elevation})


# ---- a dry bulb alone --------------------------------------------------------------------------------------------

WARMED = np.array([(10, 10.0), (15, 14.8826), (20, 16.6974), (25, 18.3999), (30, 20.0), (35, 21.5076), (40, 22.9324)]).T
"""Dry and wet bulb [degC] of air of 30 and 20 degC, warmed, and cooled until saturated and beyond: PsychroLib 2.5."""


def test_a_dry_bulb_alone_keeps_the_humidity_ratio_of_the_layout_up_to_saturation():
    layout = LAYOUT.replace("dry_bulb: 20 degC, wet_bulb: 15 degC", "dry_bulb: 30 degC, wet_bulb: 20 degC")
    result = twin.solve(layout, {"site.dry_bulb": WARMED[0] + K})
    np.testing.assert_allclose(wet_bulbs(result), WARMED[1], atol=2e-3)
    assert result.dataset.attrs["moisture"] == "humidity ratio of the layout, at most saturation"
    assert result.plant.site.wet_bulb[0, 4] == 20.0 + K  # the layout as it stands, to the bit


def test_a_dry_bulb_alone_keeps_the_dew_point_of_the_layout_up_to_saturation():
    layout = LAYOUT.replace("wet_bulb: 15 degC", "dew_point: 15 degC")
    result = twin.solve(layout, {"site.dry_bulb": [10.0 + K, 30.0 + K]})
    np.testing.assert_allclose(wet_bulbs(result), [10.0, 20.0981], atol=2e-3)
    assert result.dataset.attrs["moisture"] == "dew point of the layout, at most the dry bulb"


def test_a_dry_bulb_alone_keeps_the_relative_humidity_of_the_layout():
    layout = LAYOUT.replace("wet_bulb: 15 degC", "relative_humidity: 50 %")
    result = twin.solve(layout, {"site.dry_bulb": [20.0 + K, 30.0 + K]})
    np.testing.assert_allclose(wet_bulbs(result), [13.78337, 22.00524], atol=2e-3)
    assert result.dataset.attrs["moisture"] == "relative_humidity of the layout"


def test_results_say_where_their_moisture_comes_from():
    def said(site, **given):
        return twin.solve(LAYOUT.replace(", wet_bulb: 15 degC", site), given).dataset.attrs["moisture"]

    assert said("") == "relative humidity of 50%, as none is stated"
    assert said(", wet_bulb: 15 degC") == "wet_bulb of the layout"
    assert (
        said(", wet_bulb: 15 degC", **{"site.dry_bulb": 300.0, "site.dew_point": 280.0}) == "dew_point of the scenarios"
    )


def test_an_override_of_the_dry_bulb_leaves_the_wet_bulb_as_it_is_written():
    hall = twin.load(LAYOUT, overrides={"site.dry_bulb": "25 degC"})
    assert hall.site.wet_bulb == 15.0 + K
    with pytest.raises(twin.LayoutError, match=r"site: wet_bulb 15.00 degC is above dry_bulb 10.00 degC"):
        twin.load(LAYOUT, overrides={"site.dry_bulb": "10 degC"})
