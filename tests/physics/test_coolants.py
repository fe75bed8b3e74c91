"""Coolants as they show in a solve: density, heat capacity, viscosity, conductivity and freezing point, as published.

Water: IAPWS-95 at 3 bar. Glycols: Melinder (2010) at the share by mass of what has 20 and 25 % by volume. All through
CoolProp 8.0. Freezing points by volume: ASHRAE Handbook Fundamentals, chapter on secondary coolants, so too.
"""

import numpy as np
import pytest
from physics.benches import bench, holder, limit, mover, of, rise

import twin

T = np.array([5.0, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0])
DENSITY = {
    "water": [1000.0643, 999.1954, 997.1372, 994.1211, 990.2997, 985.7798, 980.6381],
    "pg20": [1019.7307, 1016.9940, 1013.4442, 1009.1725, 1004.2697, 998.8270, 992.9353],
    "pg25": [1025.2486, 1021.8824, 1017.7745, 1013.0105, 1007.6756, 1001.8552, 995.6347],
}
HEAT_CAPACITY = {
    "water": [4204.185, 4187.782, 4180.740, 4178.747, 4179.670, 4182.508, 4186.886],
    "pg20": [3938.733, 3959.680, 3981.017, 4002.558, 4024.120, 4045.519, 4066.571],
    "pg25": [3875.028, 3899.660, 3924.277, 3948.764, 3973.006, 3996.888, 4020.295],
}
VISCOSITY = {
    "water": [1.51789e-3, 1.13746e-3, 8.89995e-4, 7.19138e-4, 5.95803e-4, 5.03669e-4, 4.32953e-4],
    "pg20": [3.58977e-3, 2.45660e-3, 1.77560e-3, 1.34564e-3, 1.06150e-3, 8.65266e-4, 7.23520e-4],
    "pg25": [4.54055e-3, 3.01322e-3, 2.12333e-3, 1.57639e-3, 1.22339e-3, 9.84720e-4, 8.15645e-4],
}
CONDUCTIVITY = {
    "water": [0.567933, 0.588924, 0.606629, 0.621807, 0.634888, 0.646124, 0.655679],
    "pg20": [0.473750, 0.484118, 0.494274, 0.504179, 0.513793, 0.523079, 0.531997],
    "pg25": [0.451039, 0.460016, 0.468955, 0.477816, 0.486562, 0.495153, 0.503550],
}
FREEZING = {"water": 0.0, "pg20": -7.38, "pg25": -9.97}
WITHIN = {"water": 2e-4, "pg20": 1e-5, "pg25": 1e-5}
"""Water is a fit, whose errors `twin.fluids` states; glycols are the published cubics."""

FLOW = 2e-5
RACK = "{type: liquid_rack, cords: 1, nameplate: 2 kW, liquid_fraction: 1, tray_drop: 1 Pa, manifold_drop: 0 Pa"


@pytest.fixture(scope="module", params=DENSITY)
def found(request):
    """A laminar pipe of 100 mm, then a rack of one chip, then the pump, at seven temperatures."""
    layout = bench(
        holder(25, fluid=request.param)
        + "main: {type: pipe, length: 10 km, diameter: 0.1 m}\n"
        + f"rack: {RACK}, it_power: 10 W}}\n"
        + mover(FLOW),
        """
        cool.out > main.in
        main.out > rack.supply
        rack.return > pump.in
        pump.out > cool.in
        tank.port > cool.out
        """,
    )
    return request.param, twin.solve(layout, {"cool.set_point": T + 273.15})


def test_a_pump_moves_the_density_of_its_coolant(found):
    name, result = found
    warmer = of(result, "rack_return_temperature") - 273.15
    density = np.interp(warmer, T, DENSITY[name])  # 0.1 K above the table: a straight line is good to 1e-6
    slope = np.gradient(DENSITY[name], T)[-1]
    density[-1] = DENSITY[name][-1] + slope * (warmer[-1] - T[-1])
    np.testing.assert_allclose(of(result, "pump_flow") / FLOW, density, rtol=max(WITHIN[name] / 8, 6e-6))


def test_heat_warms_a_coolant_by_its_heat_capacity(found):
    name, result = found
    warmth = of(result, "rack_return_temperature") - of(result, "rack_supply_temperature")
    heat_capacity = of(result, "rack_heat_to_liquid") / of(result, "pump_flow") / warmth
    np.testing.assert_allclose(heat_capacity, HEAT_CAPACITY[name], rtol=max(WITHIN[name], 4e-5))


def test_laminar_flow_tells_the_viscosity_of_a_coolant(found):
    """Hagen and Poiseuille: dp = 32 mu L v / D² [Incropera, 7th ed., eq. 8.14 and 8.19: f = 64 / Re]."""
    name, result = found
    v = of(result, "pipe_velocity")
    assert (np.array(DENSITY[name]) * v * 0.1 / VISCOSITY[name] < 700).all()
    assert v == pytest.approx(FLOW / (np.pi / 4 * 0.1**2), rel=1e-4)
    viscosity = rise(result, FLOW) * 0.1**2 / (32 * 10e3 * v)
    np.testing.assert_allclose(viscosity, VISCOSITY[name], rtol=max(WITHIN[name], 2e-5))


def test_coolant_must_stay_two_kelvin_above_its_freezing_point(found):
    """Of the published freezing points the warmer one: here no more than 0.15 K above that of ASHRAE."""
    name, result = found
    rows = np.flatnonzero(result.margins.name == "coolant_freezing")
    coldest = rows[np.argmin(result.margins.value[rows, 0])]
    value, bound = limit(result, "coolant_freezing", result.margins.element[coldest])
    np.testing.assert_allclose(bound - 273.15 - 2.0, FREEZING[name], atol=1e-9 if name == "water" else 0.15)
    np.testing.assert_allclose(value, T + 273.15, atol=1e-6)


@pytest.fixture(scope="module", params=DENSITY)
def chip(request):
    """One chip of 1 kW that does not leak behind one cold plate that only conducts, 1 L/s past it."""
    plate = (
        "accelerators: 1, plates: 1, chip_power: 1 kW, chip_idle: 0 W, leakage_share: 0, junction_to_case: 0.02 K/W, "
    )
    plate += "throttle_temperature: 140 degC"
    layout = bench(
        holder(25, fluid=request.param) + f"rack: {RACK}, {plate}}}\n" + mover(1e-3),
        """
        cool.out > rack.supply
        rack.return > pump.in
        pump.out > cool.in
        tank.port > cool.out
        """,
    )
    return request.param, twin.solve(layout, {"cool.set_point": T + 273.15})


def test_a_cold_plate_conducts_as_its_coolant_does(chip):
    """R = 0.0021 + 0.0071 / k + 1 / (2 m cp) case to inlet: the OCP 1 kW module in PG25 and water, and 0.02 beyond."""
    name, result = chip
    k, cp = np.array(CONDUCTIVITY[name]), np.array(HEAT_CAPACITY[name])
    resistance = 0.0021 + 0.0071 / k + 0.5 / (of(result, "pump_flow") * cp) + 0.02
    rise_ = of(result, "rack_junction_temperature") - of(result, "rack_supply_temperature")
    np.testing.assert_allclose(rise_ / 1e3, resistance, rtol=max(WITHIN[name] / 2, 5e-6))


def test_colder_or_hotter_than_the_table_the_nearest_value_holds_and_is_told():
    """Water at 0.5, 1 and 1.5 degC, where its fit begins at 1 degC, and at some 100 degC, where it ends at 95."""
    parts = "main: {type: pipe, length: 10 km, diameter: 0.1 m}\n" + mover(FLOW)
    joints = "cool.out > main.in\nmain.out > pump.in\npump.out > cool.in\ntank.port > cool.out"
    water = twin.solve(bench(holder(25) + parts, joints), {"cool.set_point": [273.65, 274.15, 274.65]})
    viscosity = rise(water, FLOW) * 0.1**2 / (32 * 10e3 * of(water, "pipe_velocity"))
    assert viscosity[0] == pytest.approx(viscosity[1], rel=1e-4)
    assert viscosity[2] == pytest.approx(1.7043e-3, rel=2e-3)
    rack = f"rack: {RACK}, it_power: 6.2 kW}}\n".replace("nameplate: 2 kW", "nameplate: 7 kW")
    joints = joints.replace("main.out > pump.in", "main.out > rack.supply\nrack.return > pump.in")
    hot = twin.solve(bench(holder(25) + rack + parts, joints))
    told = [[w for w in texts if "properties are known" in w] for texts in (*water.warnings, *hot.warnings)]
    assert [len(texts) for texts in told] == [1, 0, 0, 1]
    assert "water at 0.5 degC, outside 1.0 degC to 95.0 degC" in told[0][0]
    warmest = of(hot, "rack_return_temperature") - 273.15
    assert warmest[0] > 98.0 and f"cool.in and 1 more: water at {warmest[0]:.1f} degC" in told[3][0]


def test_velocity_above_two_point_four_metres_a_second_is_a_limit():
    layout = bench(
        holder(25) + "main: {type: pipe, length: 1 m, diameter: 0.1 m}\n" + mover(2e-2),
        "cool.out > main.in\nmain.out > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    value, bound = limit(twin.solve(layout), "loop_velocity", "main")
    assert bound == 2.4 and value == pytest.approx(0.02 / (np.pi / 4 * 0.01), rel=1e-4)
