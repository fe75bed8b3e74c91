"""Coolants as they show in a solve: density, heat capacity, viscosity, conductivity and freezing point, as published.

Water: IAPWS-95 at 3 bar. Propylene glycol: Melinder (2010), 20 and 25 % by mass. All through CoolProp 8.0.
"""

import numpy as np
import pytest
from physics.benches import bench, holder, limit, mover, of, rise

import twin

T = np.array([5.0, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0])
DENSITY = {
    "water": [1000.0643, 999.1954, 997.1372, 994.1211, 990.2997, 985.7798, 980.6381],
    "pg20": [1019.0861, 1016.4224, 1012.9369, 1008.7214, 1003.8676, 998.4675, 992.6126],
    "pg25": [1024.4825, 1021.2040, 1017.1742, 1012.4794, 1007.2055, 1001.4386, 995.2649],
}
HEAT_CAPACITY = {
    "water": [4204.185, 4187.782, 4180.740, 4178.747, 4179.670, 4182.508, 4186.886],
    "pg20": [3945.922, 3966.365, 3987.261, 4008.415, 4029.634, 4050.726, 4071.496],
    "pg25": [3884.188, 3908.362, 3932.564, 3956.671, 3980.558, 4004.103, 4027.182],
}
VISCOSITY = {
    "water": [1.51789e-3, 1.13746e-3, 8.89995e-4, 7.19138e-4, 5.95803e-4, 5.03669e-4, 4.32953e-4],
    "pg20": [3.49407e-3, 2.39949e-3, 1.73934e-3, 1.32124e-3, 1.04419e-3, 8.52373e-4, 7.13503e-4],
    "pg25": [4.39286e-3, 2.92788e-3, 2.07062e-3, 1.54174e-3, 1.19927e-3, 9.67041e-4, 8.02083e-4],
}
CONDUCTIVITY = {
    "water": [0.567933, 0.588924, 0.606629, 0.621807, 0.634888, 0.646124, 0.655679],
    "pg20": [0.476475, 0.487025, 0.497338, 0.507374, 0.517095, 0.526462, 0.535437],
    "pg25": [0.454140, 0.463295, 0.472391, 0.481389, 0.490251, 0.498938, 0.507411],
}
FREEZING = {"water": 0.0, "pg20": -7.2, "pg25": -9.8}
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
    """To half a kelvin: published freezing points of one mixture differ by that much."""
    name, result = found
    rows = np.flatnonzero(result.margins.name == "coolant_freezing")
    coldest = rows[np.argmin(result.margins.value[rows, 0])]
    value, bound = limit(result, "coolant_freezing", result.margins.element[coldest])
    np.testing.assert_allclose(bound - 273.15 - 2.0, FREEZING[name], atol=1e-9 if name == "water" else 0.6)
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


def test_colder_or_hotter_than_the_table_the_nearest_value_holds():
    """Viscosity at 2 and 66 degC: fits end at 1 and 95 degC for water, at 5 and 70 degC for glycol."""
    parts = "main: {type: pipe, length: 10 km, diameter: 0.1 m}\n" + mover(FLOW)
    joints = "cool.out > main.in\nmain.out > pump.in\npump.out > cool.in\ntank.port > cool.out"
    glycol = twin.solve(bench(holder(25, fluid="pg25") + parts, joints), {"cool.set_point": [274.15, 278.15]})
    cold, edge = rise(glycol, FLOW)
    assert cold == pytest.approx(edge, rel=1e-6)
    water = twin.solve(bench(holder(25) + parts, joints), {"cool.set_point": [274.65]})
    viscosity = rise(water, FLOW) * 0.1**2 / (32 * 10e3 * of(water, "pipe_velocity"))
    assert viscosity == pytest.approx(1.7043e-3, rel=2e-3)  # water at 1.5 degC


def test_velocity_above_two_point_four_metres_a_second_is_a_limit():
    layout = bench(
        holder(25) + "main: {type: pipe, length: 1 m, diameter: 0.1 m}\n" + mover(2e-2),
        "cool.out > main.in\nmain.out > pump.in\npump.out > cool.in\ntank.port > cool.out",
    )
    value, bound = limit(twin.solve(layout), "loop_velocity", "main")
    assert bound == 2.4 and value == pytest.approx(0.02 / (np.pi / 4 * 0.01), rel=1e-4)
