"""A year of a water-side economiser in Leesburg, and a day of it by the hour, as EnergyPlus has them; see README.md.

Chilled water of 15 degC is outside the box of the chiller, where EnergyPlus clamps its curves: here they are written
out as they are at that edge, so that both have one machine.
"""

import gzip

import pytest
from cases.energyplus.test_energyplus import HERE, P, joined, load, mover, tower_text
from physics.benches import bench

import twin
from twin.components.curves import chiller_curves

Y = P["water_side_economiser_year"]
EDGE = 8.9
"""Leaving water at which the measured curves of the York YK end, degC."""


def clamped(c):
    """Coefficients of a curve that stays, whatever leaves, as it is at the edge."""
    return [c[0] + c[1] * EDGE + c[2] * EDGE**2, 0.0, 0.0, c[3] + c[5] * EDGE, c[4], 0.0]


def plant():
    """Exchanger and chiller in series on the cold side, side by side on the tower's."""
    curve = chiller_curves()[Y["curves"]]
    text = (
        f"{{condenser: water, capacity: {curve.capacity} W, cop: {curve.cop}, leaving: 6.67 degC, "
        "entering: 26.11 degC, "
        f"capacity_curve: {clamped(curve.capacity_curve)}, input_curve: {clamped(curve.input_curve)}, "
        f"part_load_curve: {list(curve.part_load_curve)}, leaving_range: [4 degC, 20 degC], "
        "entering_range: [12.8 degC, 29.4 degC]}"
    )
    pumps = f"rated_flow: 50 m3/s, control: flow, pump_efficiency: {Y['pump_efficiency']}, "
    pumps += f"drive_efficiency: {Y['motor_efficiency']}, shutoff: 2 MPa"
    tower = tower_text("merkel", Y["tower_at_least_degC"]).replace(
        "set_point", f"reset_slope: 1, reset_at_freezing: {Y['tower_over_wet_bulb_K']} degC, set_point"
    )
    parts = "cold_tank: {type: expansion_tank}\nwarm_tank: {type: expansion_tank}\n" + load(Y["load_W"], 59.94) + tower
    heads = Y["chilled_pump_head_Pa"], Y["condenser_pump_head_Pa"]
    parts += (
        f"plates: {{type: water_economiser, conductance: {Y['exchanger_ua_W_per_K']} W/K, film_exponent: 0, "
        f"flow: 59.94 kg/s, cold_flow: 59.9 kg/s, set_point: {Y['set_point_degC']} degC, min_difference: 0.01 K, "
        f"drop: 10 Pa, cold_drop: {heads[1]} Pa}}\n"
        f"chiller: {{type: water_chiller, curve: {text}, set_point: {Y['set_point_degC']} degC, flow: 59.94 kg/s, "
        f"drop: {heads[0]} Pa, condenser_flow: 59.9 kg/s, condenser_drop: {heads[1]} Pa}}\n"
    )
    parts += mover("cold", 59.94, 999.1, pumps) + mover("warm", 119.8, 998.5, pumps)
    joints = (
        joined("chiller.out", "cold.in")
        + """cold.out > plates.in\nplates.out > chiller.in\ncold_tank.port > cold.in
        chiller.cond_out > tower.in\nplates.cold_out > tower.in\ntower.out > warm.in\nwarm.out > chiller.cond_in
        warm.out > plates.cold_in\nwarm_tank.port > warm.in"""
    )
    return bench(parts, joints)


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    file = tmp_path_factory.mktemp("epw") / "leesburg.epw"
    file.write_bytes(gzip.decompress((HERE / "leesburg.epw.gz").read_bytes()))
    weather = twin.weather(file)
    asked = ["chiller_power", "tower_power", "tower_water", "economiser_duty", "chiller_duty", "pump_power"]
    return weather, twin.solve(plant(), weather.scenarios(), outputs=[*asked, "status"])


def total(year, name):
    """kWh, or m3, of the year in the twin."""
    hourly = year[1][name].sum([d for d in year[1][name].dims if d != "scenario"])
    return float(hourly.sum()) * (3.6 if name.endswith("water") else 1e-3)


def test_every_hour_of_the_year_is_solved(year):
    assert (year[1]["status"] == 0).all() and year[1].sizes["scenario"] == 8760


@pytest.mark.parametrize(
    ("quantity", "columns", "names"),
    [
        ("chiller", ["chiller [kWh]"], ["chiller_power"]),
        ("pumps", ["chilled pump [kWh]", "condenser pump [kWh]"], ["pump_power"]),
        (
            "electricity",
            ["chiller [kWh]", "fan [kWh]", "chilled pump [kWh]", "condenser pump [kWh]"],
            ["chiller_power", "tower_power", "pump_power"],
        ),
        ("exchanger", ["exchanger heat [kWh]"], ["economiser_duty"]),
        ("chiller's duty", ["chiller heat [kWh]"], ["chiller_duty"]),
        ("water", ["make-up [m3]"], ["tower_water"]),
    ],
)
def test_a_year_of_the_economiser_is_energyplus_within_three_per_cent(year, quantity, columns, names):
    with (HERE / "water_side_economiser_year.csv").open() as file:
        head, *_, last = (line.strip().split(",") for line in file)
    expected = dict(zip(head, last, strict=True))
    assert expected["month"] == "year"
    given = sum(float(expected[c]) for c in columns)
    print(quantity, sum(total(year, n) for n in names), given)
    assert sum(total(year, n) for n in names) == pytest.approx(given, rel=0.03)
