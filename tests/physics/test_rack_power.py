"""What an air-cooled rack draws, watt by watt, from the default sheet: chips, hosts, boards, shelves and fans.

A chip of 700 W (100 W idle) leaks 15 % of that at 60 degC, 1 % more for each kelvin; a fifth of its other 600 W follow
no clock. Losses of shelves are nought where they are not in question, so that the feed shows the chips.
"""

import numpy as np
import pytest
from scipy.optimize import brentq

import twin

BARE = "shelf_fixed_loss: 0, shelf_proportional_loss: 0, shelf_square_loss: 0"
AIR = "air_flow: 0.5 m3/s"
COLD = "leakage_slope: 0 1/K, sink_resistance: 1 mK/W"
DENSITY = 101325 / (287.042 * 297.15) * 1.008 / (1 + 1.607858 * 0.008)
"""Room air of 24 degC with 8 g/kg at sea level [ASHRAE Fundamentals 2021, ch. 1, eq. 26 and 11]: 1.182 kg/m3."""

CP = 1006.0


def rack(*fields, scenarios=None, kind="rack", site="dry_bulb: 20 degC", more=""):
    text = f"""
version: 1
name: rack
site: {{{site}}}
{more}
components:
  grid: {{type: utility, voltage: 415 V}}
  r: {{type: {kind}, cords: 1, {", ".join(fields)}}}
connections: [[power, grid.out, r.feed]]
"""
    return twin.solve(text, scenarios)


def of(result, name):
    return result[f"rack_{name}"].values[0]


def limited(result, name):
    m = result.margins
    k = np.flatnonzero(m.name == name)[0]
    return m.value[k], m.bound[k]


# ---- chips -------------------------------------------------------------------------------------------------------


def test_an_idle_chip_draws_its_idle_power_at_the_reference_of_its_leakage():
    """Leakage is part of the idle power: 100 W at 60 degC, 105 W exp(0.01 K) of it with the temperature."""
    found = rack("accelerators: 10, utilisation: 0", AIR, BARE, scenarios={"site.dry_bulb": [283.15, 303.15, 323.15]})
    T = of(found, "junction_temperature")
    np.testing.assert_allclose(of(found, "power"), 10 * (100 - 105 + 105 * np.exp(0.01 * (T - 333.15))), rtol=1e-9)
    assert T.max() - T.min() > 30


def test_a_busy_chip_adds_its_work_and_leaks_by_its_temperature():
    u = np.array([0.25, 0.5, 1.0])
    found = rack("accelerators: 10", AIR, BARE, scenarios={"rack.utilisation": u})
    T = of(found, "junction_temperature")
    power = 10 * (100 - 105 + u * (700 - 100) + 105 * np.exp(0.01 * (T - 333.15)))
    np.testing.assert_allclose(of(found, "power"), power, rtol=1e-6)


def chip(clock, leak=105.0):
    """W of a chip: 100 - 105 + 0.2 x 600, then 0.8 x 600 by f V² and leakage by V, which falls by 1.6 df to 0.8.

    The law is that which Guerreiro and others (HPCA 2018) and AccelWattch (MICRO 2021) fitted to measured GPUs.
    """
    V = np.maximum(0.8, 1 - 1.6 * (1 - clock))
    return -5 + 120 + 480 * clock * V**2 + leak * V


def slowed(power, leak=105.0):
    """The clock at which a chip draws so much."""
    return brentq(lambda clock: chip(clock, leak) - power, 1e-3, 1.2)


def test_power_goes_with_the_clock_and_the_square_of_its_voltage():
    clock = np.array([0.5, 0.8, 0.9, 1.0, 1.1])
    found = rack("accelerators: 10", AIR, BARE, COLD, scenarios={"rack.clock": clock})
    np.testing.assert_allclose(of(found, "power"), 10 * chip(clock), rtol=1e-6)
    assert chip(0.5) == pytest.approx(115 + 480 * 0.5 * 0.64 + 84)
    assert chip(0.9) == pytest.approx(115 + 480 * 0.9 * 0.84**2 + 105 * 0.84)


@pytest.mark.parametrize("cap", [650, 583, 500, 400])
def test_a_power_cap_is_kept_by_the_clock(cap):
    found = rack(f"accelerators: 10, power_cap: {cap} W", AIR, BARE, COLD)
    assert of(found, "power")[0] == pytest.approx(10 * cap, rel=1e-9)
    assert of(found, "clock")[0] == pytest.approx(slowed(cap), rel=1e-9)
    warm = rack(f"accelerators: 10, power_cap: {cap} W", AIR, BARE)
    leak = 105 * np.exp(0.01 * (of(warm, "junction_temperature")[0] - 333.15))
    assert of(warm, "clock")[0] == pytest.approx(slowed(cap, leak), rel=1e-4)


def test_a_cap_slows_no_chip_below_its_least_clock():
    """345 of 1,980 MHz, as an H100 prints the clocks that it supports."""
    found = rack("accelerators: 10, power_cap: 240 W", AIR, BARE, COLD)
    assert slowed(240) < 0.17
    assert of(found, "clock")[0] == pytest.approx(0.17)
    assert of(found, "power")[0] == pytest.approx(10 * chip(0.17), rel=1e-6)


def test_a_cap_below_the_floor_of_the_voltage_is_told():
    """Voltage falls no more below a clock of 1 - 0.2 / 1.6, where a chip draws 468 W; a set clock says nothing."""
    knee = chip(1 - 0.2 / 1.6)
    assert knee == pytest.approx(115 + 480 * 0.875 * 0.64 + 84)
    each = (f"power_cap: {knee - 2} W", f"power_cap: {knee + 2} W", "clock: 0.5", "rack_cap: 4 kW")
    warnings = [rack(f"accelerators: 10, {how}", AIR, BARE, COLD).warnings[0] for how in each]
    told = [any("below the floor" in text for text in texts) for texts in warnings]
    assert told == [True, False, False, True]


def test_a_cap_below_what_a_driver_takes_is_refused_in_layouts_and_fails_a_scenario_alone():
    words = "r: power_cap: 150 W is below 200 W, the lowest that its driver takes"
    with pytest.raises(twin.LayoutError, match=words):
        rack("accelerators: 10, power_cap: 150 W, min_power_cap: 200 W", AIR)
    caps = {"r.power_cap": [300.0, 150.0]}
    found = rack("accelerators: 10, min_power_cap: 200 W", AIR, BARE, COLD, scenarios=caps)
    assert found["rack_power"].values[0, 0] == pytest.approx(3000, rel=1e-6)
    assert np.isnan(found.figures.it_power[1]) and words in str(found["reason"].values[1])


def test_more_chips_and_stronger_chips_scale_what_they_should():
    """`chip_scale` brings hosts, links and inner loads along, `power_scale` the chips alone."""
    given = (
        "platform: h200, accelerators: 10, hosts: 2, other_power: 400 W, inner_power: 300 W",
        "air_flow: 4 m3/s",
        BARE,
        COLD,
    )
    base = 10 * 700 + 2 * 300 + 400 + 300
    for field, power in (
        ("chip_scale: 2", 2 * base),
        ("power_scale: 1.5", base + 0.5 * 7000),
        ("chip_scale: 0.5", base / 2),
    ):
        found = rack(*given, field)
        assert of(found, "power")[0] == pytest.approx(power, rel=1e-5), field
    idle = rack(*given, "power_scale: 1.5", "utilisation: 0")
    assert of(idle, "power")[0] == pytest.approx(10 * 150 + 2 * 90 + 700, rel=1e-5)
    found = rack(
        *given, "chip_scale: 2", "power_scale: 1.5", "nameplate: 9 kW", site="dry_bulb: 20 degC, design_pue: 1.25"
    )
    assert found.figures.provisioned_power[0] == pytest.approx(9e3 * 2 * 1.5 * 1.25)
    assert found.figures.accelerators[0] == 20


def test_hosts_work_as_their_chips_do_unless_told():
    given = ("accelerators: 10, hosts: 4, utilisation: 0.5", AIR, BARE, COLD)
    assert of(rack(*given), "power")[0] == pytest.approx(10 * 400 + 4 * (90 + 0.5 * 210), rel=1e-5)
    assert of(rack(*given, "host_utilisation: 0.2"), "power")[0] == pytest.approx(4000 + 4 * (90 + 0.2 * 210), rel=1e-5)


# ---- conversion --------------------------------------------------------------------------------------------------


def test_shelves_and_boards_lose_by_their_polynomials():
    """Boards of 20 kW under the chips, shelves of 66 kW over boards and inner load."""
    board = "board_rating: 20 kW, board_fixed_loss: 0.01, board_proportional_loss: 0.02, board_square_loss: 0.03"
    found = rack("other_power: 10 kW, inner_power: 6 kW", board)
    first = 20e3 * (0.01 + 0.02 * 0.5 + 0.03 * 0.25)
    k = (16e3 + first) / 66e3
    second = 66e3 * (0.0045 + 0.010 * k + 0.017 * k * k)
    assert of(found, "conversion_loss")[0] == pytest.approx(first + second, rel=1e-9)
    assert of(found, "power")[0] == pytest.approx(16e3 + first + second, rel=1e-9)
    assert found.figures.conversion_loss[0] == pytest.approx(first + second, rel=1e-9)


def test_a_rack_cap_is_taken_back_through_shelves_fans_boards_and_hosts():
    """The chips get what makes the feed draw 8 kW."""
    given = "accelerators: 10, hosts: 2, other_power: 300 W, inner_power: 200 W, fan_power: 500 W"
    board = "board_rating: 10 kW, board_fixed_loss: 0.01, board_proportional_loss: 0.02, board_square_loss: 0.03"
    found = rack(
        given,
        board,
        "air_flow: 0.6 m3/s",
        "rack_cap: 8 kW",
        "nameplate: 11 kW",
        COLD,
        site="dry_bulb: 20 degC, design_pue: 1",
    )
    assert of(found, "power")[0] == pytest.approx(8e3, rel=1e-6)
    x = np.roots([0.017 / 66e3, 1.010, 66e3 * 0.0045 - 8e3]).max()
    speed = 8e3 / (CP * 14 * 0.6 * DENSITY)
    x = x - 500 * DENSITY / 1.2 * speed**3 - 200
    x = np.roots([0.03 / 10e3, 1.02, 100 - x]).max()
    assert of(found, "clock")[0] == pytest.approx(slowed((x - 600 - 300) / 10), rel=1e-5)
    assert found.figures.provisioned_power[0] == pytest.approx(8e3)
    value, bound = limited(found, "rack_cap")
    assert bound[0] == pytest.approx(8e3 * 1.001) and value[0] == pytest.approx(8e3, rel=1e-6)


def test_a_capped_rack_of_more_chips_leaves_each_its_part():
    found = rack(
        "accelerators: 10, hosts: 2, chip_scale: 2, inner_power: 100 W",
        "air_flow: 1 m3/s",
        BARE,
        COLD,
        "rack_cap: 9 kW",
    )
    assert of(found, "clock")[0] == pytest.approx(slowed(((9000 - 200) / 2 - 600) / 10), rel=1e-5)


def test_a_given_power_leaves_the_work_what_is_missing():
    """8 chips would draw 5.6 kW, 4.8 kW of which is work; 3.2 kW leave half of that, of 93.15 tokens/s."""
    found = rack("accelerators: 8, it_power: 3.2 kW, hosts: 0", AIR, BARE, COLD, "platform: h200, nameplate: 6 kW")
    assert of(found, "power")[0] == pytest.approx(3.2e3)
    share = 1 - (5600 - 3200) / 4800
    assert found.figures.tokens_per_s[0] == pytest.approx(8 * share * 93.15, rel=1e-5)
    both = rack("accelerators: 8, it_power: 3.2 kW, chip_scale: 2, power_scale: 1.5, nameplate: 6 kW", AIR, BARE, COLD)
    assert of(both, "power")[0] == pytest.approx(9.6e3)


# ---- fans --------------------------------------------------------------------------------------------------------


def test_rack_fans_hold_the_rise_of_the_air_and_take_the_cube_of_their_speed():
    """Of 5, 10 and 20 kW at a rise of 14 K in 1 m3/s: s = Q / (rho V cp dT), P = P0 rho/1.2 s^3 [fan laws]."""
    load = np.array([5e3, 8e3, 12e3])
    found = rack("fan_power: 2 kW, air_flow: 1 m3/s, other_power: 5 kW", BARE, scenarios={"rack.other_power": load})
    speed = of(found, "air_flow") / DENSITY
    np.testing.assert_allclose(speed, of(found, "heat_to_air") / (CP * 14 * DENSITY), rtol=1e-6)
    np.testing.assert_allclose(of(found, "power") - load, 2e3 * DENSITY / 1.2 * speed**3, rtol=1e-6)
    assert (speed > 0.3).all() and (speed < 0.9).all()


def test_rack_fans_neither_stop_nor_pass_their_full_speed():
    found = rack(
        "fan_power: 2 kW, air_flow: 1 m3/s, other_power: 5 kW", BARE, scenarios={"rack.other_power": [1e3, 40e3]}
    )
    np.testing.assert_allclose(of(found, "air_flow"), DENSITY * np.array([0.3, 1.0]), rtol=1e-5)
    extra = of(found, "power") - [1e3, 40e3]
    np.testing.assert_allclose(extra, 2e3 * DENSITY / 1.2 * np.array([0.027, 1.0]), rtol=1e-5)


def test_fans_move_less_in_thin_air_and_take_less():
    """101325 (1 - 2.25577e-5 z)^5.2559 [ASHRAE Handbook Fundamentals 2021, ch. 1, eq. 3]: 0.7846 at 2,000 m."""
    thin = (1 - 2.25577e-5 * 2000) ** 5.2559
    assert thin == pytest.approx(0.7846, abs=2e-4)
    found = rack(
        "fan_power: 2 kW, air_flow: 1 m3/s, other_power: 40 kW", BARE, site="dry_bulb: 20 degC, elevation: 2000 m"
    )
    assert of(found, "air_flow")[0] == pytest.approx(DENSITY * thin, rel=1e-5)
    assert of(found, "power")[0] - 40e3 == pytest.approx(2e3 * DENSITY * thin / 1.2, rel=1e-4)


# ---- limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "low", "high", "metres"),
    [("A1", 15, 32, 300), ("A2", 10, 35, 300), ("A3", 5, 40, 175), ("A4", 5, 45, 125), ("H1", 5, 25, 500)],
)
def test_inlets_keep_their_class_and_one_kelvin_less_for_every_so_many_metres(name, low, high, metres):
    """Allowable ranges and derating above 900 m [ASHRAE TC 9.9, Thermal Guidelines, 5th ed., 2021, table 2.1]."""
    for height, lost in ((0, 0), (900, 0), (2100, 1200 / metres)):
        found = rack(f"it_power: 1 kW, air_class: {name}", AIR, site=f"dry_bulb: 20 degC, elevation: {height} m")
        assert limited(found, "rack_air_inlet")[1][0] == pytest.approx(273.15 + high - lost)
        assert limited(found, "rack_air_inlet_cold")[1][0] == pytest.approx(273.15 + low)
    if name == "A2":
        found = rack("it_power: 1 kW", AIR, site="dry_bulb: 20 degC")
        assert limited(found, "rack_air_inlet")[1][0] == pytest.approx(308.15)


def test_junctions_are_limited_at_87_degrees_and_lost_clocks_at_a_thousandth():
    found = rack("accelerators: 1", AIR, COLD)
    assert limited(found, "junction_temperature")[1][0] == pytest.approx(360.15)
    assert limited(found, "throttling")[1][0] == pytest.approx(0.001)
    assert limited(found, "throttling")[0][0] == pytest.approx(0.0, abs=1e-4)


def test_a_cap_is_no_lost_clock():
    """What a cap takes is asked for; what heat takes beside it is told."""
    found = rack("accelerators: 10, power_cap: 400 W", AIR, BARE, COLD)
    assert of(found, "clock")[0] < 0.8
    assert limited(found, "throttling")[0][0] == pytest.approx(0.0, abs=1e-6)
