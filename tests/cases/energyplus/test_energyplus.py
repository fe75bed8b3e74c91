"""The same plants in the twin: electricity within 2 % and water within 3 % of EnergyPlus, at every condition.

Where that is not met the row is named in `MISSED`, by quantity and reason; one that is met after all fails.
"""

import csv
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from physics.benches import bench, of

import twin

HERE = Path(__file__).parent
P = json.loads((HERE / "parameters.json").read_text())
K = 273.15
ELECTRICITY, WATER = 0.02, 0.03
RACKS = "left", "right"
STILL = "shutoff: 2 MPa, rated_flow: 50 m3/s, control: flow, pump_efficiency: 0.75, drive_efficiency: 0.9"


def table(name):
    """Columns of a table: texts and numbers."""
    with (HERE / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns = {k: [row[k] for row in rows] for k in rows[0]}
    return {k: v if k == "condition" else np.array(v, float) for k, v in columns.items()}


def weather(expected):
    """Scenarios of the rows of a table: what EnergyPlus says of the air, and the share of the load."""
    air = table("conditions")
    rows = [air["condition"].index(name) for name in expected["condition"]]
    return {
        "site.dry_bulb": air["dry bulb [degC]"][rows] + K,
        "site.wet_bulb": air["wet bulb [degC]"][rows] + K,
        "site.elevation": (1.0 - (air["pressure [Pa]"][rows] / 101325.0) ** (1 / 5.2559)) / 2.25577e-5,
        **{f"{rack}.chip_scale": expected["load [1]"] for rack in RACKS},
    }


def load(watts, flow):
    """Racks that give all their power to their coolant and resist next to nothing."""
    share = len(RACKS)
    return "".join(
        f"{rack}: {{type: liquid_rack, it_power: {watts / share} W, nameplate: 2 MW, liquid_fraction: 1, cords: 1, "
        f"tray_drop: 1 Pa, manifold_drop: 0 Pa, rated_flow: {flow / share} kg/s}}\n"
        for rack in RACKS
    )


def joined(supply, back):
    """Racks side by side between two ports."""
    return "".join(f"{supply} > {rack}.supply\n{rack}.return > {back}\n" for rack in RACKS)


def tower_text(kind, set_point):
    t = P["tower"]
    flow = 999.898 * t["water_flow_m3_per_s"] / t["cells"]
    return (
        f"tower: {{type: tower, correlation: {kind}, units: {t['cells']}, running: {t['cells']}, flow: {flow} kg/s, "
        f"approach: {t['approach_K']} K, range: {t['range_K']} K, wet_bulb: {t['wet_bulb_degC']} degC, drop: 10 Pa, "
        f"fan_power: {t['fan_power_W'] / t['cells']} W, set_point: {set_point} degC, cycles: {t['cycles']}, "
        f"drift: {t['drift_share_of_design_flow']}, min_fan_speed: {t['min_air_flow_ratio']}}}\n"
    )


def mover(name, kilograms, density, more=STILL):
    return f"{name}: {{type: pump, {more}, flow: {kilograms / density} m3/s}}\n"


def loop(unit, watts, flow, scenarios, density=996.0):
    """A unit, a load [W] and a pump that hardly works."""
    name = unit.partition(":")[0]
    layout = bench(
        "tank: {type: expansion_tank}\n" + load(watts, flow) + unit + mover("pump", flow, density),
        joined("pump.out", f"{name}.in") + f"{name}.out > pump.in\ntank.port > pump.in",
    )
    return twin.solve(layout, scenarios)


@cache
def solved(plant):
    """Electricity [W] and make-up [kg/s] of a plant in the twin and in EnergyPlus, and its condition and load."""
    expected = table(plant)
    scenarios = weather(expected)
    none = np.zeros(len(expected["condition"]))
    if plant in ("tower_merkel", "tower_york"):
        t = P["tower"]
        result = loop(tower_text(plant[6:], t["set_point_degC"]), t["load_W"], 119.98776, scenarios)
        power, water = of(result, "tower_power"), of(result, "tower_water")
        given, gone = expected["fan [W]"], expected["make-up [L/s]"] * 0.997
    elif plant == "dry_cooler":
        c = P["dry_cooler"]
        text = (
            f"cooler: {{type: dry_cooler, duty: {c['duty_W']} W, water_in: {c['entering_water_degC']} degC, "
            f"water_out: 40.55 degC, air_in: {c['air_degC']} degC, air_flow: {c['air_flow_m3_per_s']} m3/s, "
            f"flow: 126.187 kg/s, fan_power: {c['fan_power_W']} W, set_point: {c['set_point_degC']} degC, drop: 10 Pa, "
            "min_fan_speed: 1}\n"
        )
        result = loop(text, c["load_W"], 126.187, scenarios, 992.0)
        power, water, given, gone = of(result, "dry_cooler_power"), none, expected["fan [W]"], none
    elif plant == "air_chiller":
        c = P["air_chiller"]
        text = (
            f"chiller: {{type: air_chiller, curve: {c['curves']}, set_point: {c['set_point_degC']} degC, "
            "flow: 54.9944 kg/s, drop: 10 Pa}\n"
        )
        result = loop(text, c["load_W"], 54.9944, scenarios, 999.6)
        power, water, given, gone = of(result, "chiller_power"), none, expected["chiller [W]"], none
    else:
        c = P["water_chiller_plant"]
        heads = c["chilled_pump_head_Pa"], c["condenser_pump_head_Pa"]
        pumps = f"rated_flow: 50 m3/s, control: flow, pump_efficiency: {c['pump_efficiency']}, "
        pumps += f"drive_efficiency: {c['motor_efficiency']}, shutoff: 2 MPa"
        parts = "cold_tank: {type: expansion_tank}\nwarm_tank: {type: expansion_tank}\n"
        parts += load(c["load_W"], 79.9918) + tower_text("merkel", c["tower_set_point_degC"])
        parts += (
            f"chiller: {{type: water_chiller, curve: {c['curves']}, set_point: {c['set_point_degC']} degC, "
            f"flow: 79.9918 kg/s, drop: {heads[0]} Pa, condenser_flow: 119.603 kg/s, condenser_drop: {heads[1]} Pa}}\n"
        )
        parts += mover("cold", 79.9918, 999.6, pumps) + mover("warm", 119.603, 996.5, pumps)
        joints = (
            joined("chiller.out", "cold.in")
            + """cold.out > chiller.in\ncold_tank.port > cold.in
            chiller.cond_out > warm.in\nwarm.out > tower.in\ntower.out > chiller.cond_in\nwarm_tank.port > warm.in"""
        )
        result = twin.solve(bench(parts, joints), scenarios)
        power = of(result, "chiller_power") + of(result, "tower_power")
        power = power + of(result, "pump_power", "cold") + of(result, "pump_power", "warm")
        given = sum(expected[f"{n} [W]"] for n in ("chiller", "fan", "chilled pump", "condenser pump"))
        water, gone = of(result, "tower_water"), expected["make-up [L/s]"] * 0.997
    return result, expected, power, given, water, gone


AIR = "EnergyPlus: air of the density of its own temperature, moist c_p in UA, fan power by volume"
FAN = "EnergyPlus: fan power by volume, whatever the air weighs"
YORK_BOX = "EnergyPlus: where no range solves the correlation it takes 22.2 K, and water leaves below the wet bulb"
COIL = "EnergyPlus: UA does not change with the mass of air, fan power by volume"
CLAMP = "EnergyPlus: curves stop at the edge of their box, where the twin follows the lift"
LEAVING = "EnergyPlus: air leaves saturated with what its own flow takes up, and moisture is counted per moist air"
STANDING = "EnergyPlus: fans swing between still and slowest, and what evaporates beside still fans is not counted"
BOTH = {"both": (1.0, 0.4), "full": (1.0,), "part": (0.4,)}
MISSED = [
    (
        "electricity",
        "tower_merkel",
        AIR,
        "both",
        "san_jose_cold dallas_cold dallas_hot leesburg_cold seattle_cold seattle_hot arctic mountain",
    ),
    ("electricity", "tower_merkel", AIR, "part", "san_jose_hot hot_dry"),
    (
        "electricity",
        "tower_york",
        FAN,
        "both",
        "dallas_cold dallas_hot leesburg_cold seattle_cold seattle_hot mountain",
    ),
    ("electricity", "tower_york", YORK_BOX, "both", "hot_humid"),
    (
        "electricity",
        "dry_cooler",
        COIL,
        "both",
        "san_jose_cold dallas_cold dallas_hot leesburg_cold leesburg_hot seattle_cold arctic hot_dry mountain",
    ),
    (
        "electricity",
        "air_chiller",
        CLAMP,
        "both",
        "san_jose_cold dallas_cold leesburg_cold seattle_cold arctic mountain",
    ),
    ("electricity", "water_chiller_plant", CLAMP, "full", "hot_humid"),
    ("water", "tower_merkel", LEAVING, "both", "san_jose_hot dallas_hot hot_dry"),
    (
        "water",
        "tower_merkel",
        LEAVING,
        "full",
        "san_jose_cold dallas_cold leesburg_cold seattle_cold seattle_hot arctic hot_humid",
    ),
    ("water", "tower_merkel", LEAVING, "part", "leesburg_hot"),
    ("water", "tower_merkel", STANDING, "part", "san_jose_cold dallas_cold leesburg_cold seattle_cold arctic"),
    (
        "water",
        "tower_york",
        LEAVING,
        "both",
        "san_jose_cold san_jose_hot dallas_cold dallas_hot leesburg_cold seattle_cold seattle_hot arctic hot_dry",
    ),
    ("water", "tower_york", LEAVING, "part", "leesburg_hot"),
    ("water", "tower_york", YORK_BOX, "both", "hot_humid"),
    ("water", "water_chiller_plant", LEAVING, "both", "san_jose_hot dallas_hot hot_dry"),
    (
        "water",
        "water_chiller_plant",
        LEAVING,
        "full",
        "san_jose_cold dallas_cold leesburg_cold seattle_cold arctic hot_humid",
    ),
    ("water", "water_chiller_plant", LEAVING, "part", "leesburg_hot"),
    ("water", "water_chiller_plant", STANDING, "part", "san_jose_cold dallas_cold leesburg_cold seattle_cold arctic"),
]
"""Quantity, plant, reason, load, conditions."""
REASONS = {
    (quantity, plant, condition, share): reason
    for quantity, plant, reason, load_, conditions in MISSED
    for condition in conditions.split()
    for share in BOTH[load_]
}


def cases():
    """Every row of every plant, marked where a target is known to be missed."""
    for plant in ("tower_merkel", "tower_york", "dry_cooler", "air_chiller", "water_chiller_plant"):
        for condition in table("conditions")["condition"]:
            for share in (1.0, 0.4):
                for quantity in ("electricity", "water"):
                    if quantity == "water" and plant in ("dry_cooler", "air_chiller"):
                        continue
                    reason = REASONS.get((quantity, plant, condition, share))
                    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
                    name = f"{plant}-{condition}-{share}-{quantity}"
                    yield pytest.param(plant, condition, share, quantity, id=name, marks=marks)


@pytest.mark.parametrize(("plant", "condition", "share", "quantity"), list(cases()))
def test_electricity_and_water_are_energyplus(plant, condition, share, quantity):
    _, expected, power, given, water, gone = solved(plant)
    row = list(zip(expected["condition"], expected["load [1]"], strict=True)).index((condition, share))
    if quantity == "electricity":
        assert power[row] == pytest.approx(given[row], rel=ELECTRICITY)
    else:
        assert water[row] == pytest.approx(gone[row], rel=WATER)
