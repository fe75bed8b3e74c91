"""Pressure drop and wall loss of pipes, valves, bypasses, racks and exchangers, by closed forms, seen as pump power."""

import numpy as np
import pytest
from physics.benches import bench, holder, mover, of, rise

import twin

RHO, MU = 997.137, 8.89995e-4
"""Water at 25 degC, IAPWS-95 at 3 bar."""
AREA = np.pi / 4 * 0.1**2
RING = "{0} > pump.in\npump.out > cool.in\ncool.out > {1}\ntank.port > cool.out"


def through(part, start="part.in", end="part.out", flow=1e-2, scenarios=None, temperature=25, fluid="water"):
    """A part between a chiller that holds 25 degC and a pump that moves `flow`, SI."""
    layout = bench(holder(temperature, fluid=fluid) + f"part: {part}\n" + mover(flow), RING.format(end, start))
    return twin.solve(layout, scenarios or {})


# ---- pipes -------------------------------------------------------------------------------------------------------


def churchill(re, rough):
    """Darcy's friction factor [Churchill, Chem. Eng. 84 (1977) 91], as printed."""
    a = (2.457 * np.log(1 / ((7 / re) ** 0.9 + 0.27 * rough))) ** 16
    b = (37530 / re) ** 16
    return 8 * ((8 / re) ** 12 + (a + b) ** -1.5) ** (1 / 12)


@pytest.fixture(scope="module")
def pipes():
    """λ at Reynolds numbers of all regimes, roughness 0, 0.001 and 0.01 of the diameter."""
    re = np.array([500.0, 690.0, 710.0, 1500.0, 2300.0, 2800.0, 3300.0, 4e3, 1e4, 1e5, 1e6])
    flow = re * MU / RHO * np.pi / 4 * 0.1
    found = {}
    for rough in (0.0, 1e-3, 1e-2):
        pipe = f"{{type: pipe, length: 100 m, diameter: 0.1 m, roughness: {rough * 100} mm}}"
        result = through(pipe, scenarios={"pump.flow": flow})
        v = of(result, "pump_flow") / (RHO * AREA)
        np.testing.assert_allclose(of(result, "pipe_velocity"), v, rtol=3e-5)
        found[rough] = rise(result, flow) / (1000 * 0.5 * RHO * v**2)
    return re, found


@pytest.mark.parametrize("rough", [0.0, 1e-3, 1e-2])
def test_pipes_resist_by_darcy_weisbach_with_the_published_friction_factor(pipes, rough):
    re, found = pipes
    np.testing.assert_allclose(found[rough], churchill(re, rough), rtol=4e-4)
    np.testing.assert_allclose(found[rough][:3], 64 / re[:3], rtol=4e-4)


def test_pipes_resist_as_moodys_chart_says(pipes):
    """Colebrook's values [Moody, Trans. ASME 66 (1944) 671]: Churchill's are within 3 % of them."""
    _, found = pipes
    for rough, chart in ((0.0, [0.0309, 0.0180, 0.0116]), (1e-2, [0.0431, 0.0385, 0.0380])):
        np.testing.assert_allclose(found[rough][-3:], chart, rtol=0.03)


def test_fittings_take_zeta_velocity_heads():
    """dp = ζ rho v²/2 [Idelchik, Handbook of Hydraulic Resistance, ch. 1]."""
    pipe = "{type: pipe, length: 1 m, diameter: 0.1 m}"
    bare, bent = rise(through(pipe, scenarios={"part.zeta": [0.0, 7.5]}), 1e-2)
    v = 1e-2 / AREA
    assert bent - bare == pytest.approx(7.5 * RHO * v**2 / 2, rel=2e-5)


WARM = 150e3


@pytest.mark.parametrize("room", [True, False])
def test_a_pipe_cools_exponentially_to_its_room_or_to_the_weather(room):
    """(T_out - T_a) = (T_in - T_a) exp(-UA / m cp) [Incropera, 7th ed., eq. 8.45b], the heat into the room's air."""
    layout = bench(
        "hall: {type: room, ventilation: 5 m3/s}\n"
        + holder(60)
        + f"part: {{type: pipe, diameter: 0.1 m{', room: hall' if room else ''}}}\n"
        + "rack: {type: liquid_rack, it_power: 150 kW, nameplate: 150 kW, liquid_fraction: 1, cords: 1}\n"
        + mover(1e-3),
        "cool.out > part.in\npart.out > rack.supply\nrack.return > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    conductance = np.array([0.0, 500.0, 2000.0, 8000.0])
    result = twin.solve(layout, {"part.wall_conductance": conductance})
    outlet = of(result, "rack_supply_temperature")
    # the loop's heat capacity is that of its mean temperature, which the heat of the rack tells
    C = WARM / (of(result, "rack_return_temperature") - outlet)
    np.testing.assert_allclose(C, 4190 * of(result, "pump_flow"), rtol=4e-3)
    gone = 1 - np.exp(-conductance / C)
    air = 5.0 * 1.19796 * 1006.0  # weather at 20 degC, wet bulb 15 degC
    # the room is as warm as the outdoor air and the pipe make it
    around = (air * 293.15 + C * gone * 333.15) / (air + C * gone) if room else 293.15
    np.testing.assert_allclose(outlet, around + (333.15 - around) * (1 - gone), atol=2e-3)
    if room:
        np.testing.assert_allclose(of(result, "room_return_temperature"), around, atol=2e-3)


# ---- valves ------------------------------------------------------------------------------------------------------

VALVE = "{type: valve, flow_coefficient: 36 m3/h}"
"""K_vs: at 36 m3/h water of 1,000 kg/m3 loses 1 bar fully open."""


@pytest.mark.parametrize(
    ("fluid", "rho"), [("water", RHO), ("pg25", 1017.7745), ("pg50", 1036.2595), ("eg50", 1065.5472)]
)
def test_an_open_valve_loses_a_bar_at_its_flow_coefficient(fluid, rho):
    """K_v = Q sqrt(1 bar / dp rho / 1,000 kg/m3) [IEC 60534-2-1, equation 1 with N1 = 1, m3/h and bar]."""
    valve = lambda **more: rise(through(VALVE, fluid=fluid, **more), 1e-2)  # noqa: E731
    assert valve() == pytest.approx(1e5 * rho / 1000, rel=3e-5)
    assert valve(scenarios={"part.flow_coefficient": [5e-3]}) == pytest.approx(4e5 * rho / 1000, rel=3e-5)


def test_what_has_no_bore_has_no_velocity():
    """Valves, bypasses and pumps state no diameter: neither are they limited nor do they tell a velocity."""
    layout = bench(
        holder(25) + "part: {type: valve}\npast: {type: bypass}\nmain: {type: pipe}\n" + mover(1.0),
        "cool.out > part.in\npart.out > main.in\ncool.out > past.in\npast.out > main.in\nmain.out > pump.in\n"
        "pump.out > cool.in\ntank.port > cool.out",
    )
    result = twin.solve(layout)
    assert result["pipe_velocity"].coords["pipe"].values.tolist() == ["main"]
    assert result.margins.element[result.margins.name == "loop_velocity"].tolist() == ["main"]
    assert [v for v in result.dataset.data_vars if "velocity" in v] == ["pipe_velocity"]


def test_half_the_flow_coefficient_takes_four_times_the_pressure():
    halved = rise(through(VALVE, scenarios={"part.flow_coefficient": [5e-3]}), 1e-2)
    assert halved == pytest.approx(4 * rise(through(VALVE), 1e-2), rel=1e-4)


def test_an_equal_percentage_valve_of_rangeability_fifty_passes_a_seventh_half_open():
    """K_v = K_vs R^(y - 1), R = 50 [IEC 60534-2-4]: 7.071 times less at half stroke, 18.80 at a quarter."""
    opening = np.array([1.0, 0.75, 0.5, 0.25, 0.06])
    drops = rise(through(VALVE, flow=1e-3, scenarios={"part.opening": opening}), 1e-3)
    passing = np.sqrt(drops[0] / drops)
    np.testing.assert_allclose(passing, [1.0, 1 / 2.6591, 1 / 7.0711, 1 / 18.803, 1 / 39.537], rtol=1e-4)


def test_a_valve_on_its_seat_closes_in_a_straight_line_to_its_leakage():
    opening = np.array([0.05, 0.025, 0.01, 1e-4, 0.0])
    drops = rise(through(VALVE, flow=1e-7, scenarios={"part.opening": opening}), 1e-7)
    passing = np.sqrt(drops[0] / drops)
    seat = 50**-0.95
    np.testing.assert_allclose(passing, [1.0, 0.5, 0.2, 1e-4 / seat, 1e-4 / seat], rtol=1e-3)


def test_a_flow_limiter_passes_its_setting_whatever_the_pressure():
    layout = bench(
        holder(25)
        + "limited: {type: valve, flow_limiter: 3 L/s, flow_coefficient: 100 m3/h}\n"
        + "free: {type: valve, flow_coefficient: 100 m3/h}\n"
        + "pump: {type: pump, rated_flow: 20 L/s, head: 100 kPa}",
        """
        cool.out > limited.in
        cool.out > free.in
        limited.out > pump.in
        free.out > pump.in
        pump.out > cool.in
        tank.port > cool.out
        """,
    )
    result = twin.solve(layout, {"pump.head": [5e4, 2e5]})
    flows = result["valve_flow"].sel(valve="limited").values
    np.testing.assert_allclose(flows, 3e-3 * RHO, rtol=3e-5)


@pytest.mark.parametrize(("own", "past"), [(2e-3, 8e-3), (12e-3, 0.0)])
def test_a_bypass_lets_pass_what_its_outlet_still_lacks(own, past):
    """10 L/s are to arrive where the bypass ends; `own` comes by the consumers."""
    layout = bench(
        holder(25)
        + f"user: {{type: valve, flow_limiter: {own * 1e3} L/s, flow_coefficient: 1000 m3/h}}\n"
        + "part: {type: bypass, min_flow: 10 L/s, drop: 20 kPa}\n"
        + "pump: {type: pump, rated_flow: 20 L/s, head: 100 kPa}",
        """
        cool.out > user.in
        cool.out > part.in
        user.out > pump.in
        part.out > pump.in
        pump.out > cool.in
        tank.port > cool.out
        """,
    )
    result = twin.solve(layout)
    assert of(result, "bypass_flow") == pytest.approx(past * RHO, rel=2e-5, abs=1e-6)


@pytest.mark.parametrize(("fluid", "rho"), [("water", RHO), ("pg25", 1017.7745)])
def test_a_wide_open_bypass_loses_its_drop_at_its_least_flow(fluid, rho):
    """In water of 1,000 kg/m3: half of it at a quarter of the drop."""
    layout = bench(
        holder(25, fluid=fluid)
        + "part: {type: bypass, min_flow: 100 L/s, drop: 20 kPa}\n"
        + "pump: {type: pump, rated_flow: 1 m3/s, shutoff: 20 kPa, head: 5 kPa}",
        "cool.out > part.in\npart.out > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    flow = of(twin.solve(layout), "bypass_flow")
    assert flow == pytest.approx(0.05 * np.sqrt(1000 * rho), rel=2e-4)


# ---- what else coolant passes through ----------------------------------------------------------------------------


def test_a_rack_drops_its_manifold_by_the_square_and_its_trays_by_their_exponent():
    rack = "{type: liquid_rack, it_power: 1 W, nameplate: 1 W, cords: 1, rated_flow: 2 kg/s, manifold_drop: 20 kPa, "
    rack += "tray_drop: 60 kPa, tray_exponent: 1.75}"
    flow = np.array([1e-3, 2e-3, 4e-3])
    for chips in (1.0, 0.5):
        scenarios = {"pump.flow": flow, "part.chip_scale": np.full(3, chips)}
        result = through(rack, "part.supply", "part.return", scenarios=scenarios)
        m = of(result, "pump_flow") / 2.0
        np.testing.assert_allclose(rise(result, flow), 20e3 * m**2 + 60e3 * (m / chips) ** 1.75, rtol=1e-4)


def test_exchangers_and_chillers_drop_by_the_square_of_their_rated_flow_each():
    """Two of three exchangers run; three chillers share the flow."""
    layout = bench(
        "tank: {type: expansion_tank}\nother: {type: expansion_tank}\n"
        + "cool: {type: air_chiller, set_point: 25 degC, flow: 5 kg/s, drop: 45 kPa, capacity: 5 MW, units: 3}\n"
        + "tepid: {type: air_chiller, set_point: 25 degC, flow: 1 t/h, drop: 0.001 Pa, capacity: 5 MW, units: 100}\n"
        + "part: {type: heat_exchanger, units: 3, running: 2, hot_flow: 4 kg/s, hot_drop: 20 kPa, cold_flow: 6 kg/s, "
        + "cold_drop: 30 kPa}\n"
        + mover(1e-2)
        + "\n"
        + mover(5e-3, "colder"),
        """
        cool.out > part.hot_in
        part.hot_out > pump.in
        pump.out > cool.in
        tank.port > cool.in
        tepid.out > part.cold_in
        part.cold_out > colder.in
        colder.out > tepid.in
        other.port > tepid.in
        """,
    )
    result = twin.solve(layout)
    hot, cold = of(result, "heat_exchanger_hot_flow"), of(result, "heat_exchanger_cold_flow")
    assert rise(result, 1e-2) == pytest.approx(45e3 * (hot / 15) ** 2 + 20e3 * (hot / 8) ** 2, rel=1e-5)
    assert rise(result, 5e-3, "colder") == pytest.approx(30e3 * (cold / 12) ** 2, rel=1e-4)
