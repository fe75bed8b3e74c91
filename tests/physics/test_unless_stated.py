"""What equipment is unless a layout states it: a plant of defaults equals the plant with these numbers written out."""

import numpy as np
import pytest
from physics.benches import bench, heater

import twin

STATED = {
    # a pump station: typical [ASHRAE HVAC S&E, ch. 44]
    "pump": "shutoff: 300 kPa, rated_flow: 30 L/s, quadratic: 0.5, quartic: 0.1, max_speed: 1, "
    "pump_efficiency: 0.75, drive_efficiency: 0.9, pumps: 1, min_pumps: 1, stage_up: 1.2, control: head, "
    "head: 150 kPa",
    "pipe": "length: 10 m, diameter: 100 mm, roughness: 45 um, zeta: 0, wall_conductance: 0 W/K, max_velocity: 2.4 m/s",
    "valve": "flow_coefficient: 100 m3/h, opening: 1",
    "bypass": "min_flow: 100 L/s, drop: 20 kPa",
    # Vertiv XDU1350 [SL-70799]: 1,368 kW at 4 K, 20.6 kg/s on both sides, 84 kPa outside, 500 kPa of head
    "cdu": "capacity: 1.3 MW, conductance: 313 kW/K, tcs_flow: 20.6 kg/s, fws_flow: 20.6 kg/s, tcs_drop: 80 kPa, "
    "fws_drop: 84 kPa, min_opening: 0.02, max_opening: 3, film_balance: 1, "
    "clean_u: 4 kW/m2/K, set_point: 40 degC, film_exponent: 0.8, fouling: 0 m2K/W, "
    "max_flow: 22.66 kg/s, tcs_fluid: pg25, quadratic: 0.61, quartic: 0.13, shutoff: 300 kPa, "
    "rated_flow: 30 L/s, pump_efficiency: 0.75, drive_efficiency: 0.9, head: 150 kPa, control: head",
    "heat_exchanger": "conductance: 2 MW/K, hot_flow: 100 kg/s, cold_flow: 100 kg/s, hot_drop: 30 kPa, "
    "cold_drop: 30 kPa, "
    "units: 1, running: 1, film_exponent: 0.8, film_balance: 1, fouling: 0 m2K/W, area: 500 m2",
    "crah": "capacity: 100 kW, conductance: 12 kW/K, air_flow: 8 m3/s, water_flow: 4 kg/s, water_drop: 60 kPa, "
    "set_point: 24 degC, fan_power: 4 kW, units: 1, min_fan_speed: 0.3, fouling: 0 m2K/W, "
    "min_opening: 0.02, max_opening: 3, film_exponent: 0.8, film_balance: 0.5, clean_u: 4 kW/m2/K",
    "rear_door": "capacity: 50 kW, conductance: 5 kW/K, air_flow: 2 m3/s, water_flow: 1.2 kg/s, "
    "water_drop: 60 kPa, set_point: 25 degC, fouling: 0 m2K/W",
    "room": "recirculation: 0.05, bypass: 0.1, excess: 1, ventilation: 0 m3/s, dew_point: 10 degC, "
    "dew_point_margin: 2 K, other_rise: 10 K",
    # BAC Trillium TDFS1238N: 2,931 kW, 46.1 to 40.55 degC in air of 35 degC
    "dry_cooler": "units: 1, flow: 100 kg/s, drop: 60 kPa, fan_power: 30 kW, duty: 2.931 MW, water_in: 46.1 degC, "
    "water_out: 40.55 degC, air_in: 35 degC, air_flow: 375 m3/s, saturation: 0, cycles: 4, min_fan_speed: 0.1, "
    "limits_capacity: true, water_film_exponent: 0.85, air_film_exponent: 0.8, film_balance: 0.5, clean_u: 4 kW/m2/K",
    "adiabatic_cooler": "units: 1, flow: 100 kg/s, drop: 60 kPa, fan_power: 30 kW, saturation: 0.8, cycles: 4",
    "tower": "units: 1, flow: 100 kg/s, drop: 60 kPa, fan_power: 30 kW, correlation: merkel, approach: 3.9 K, "
    "range: 5.56 K, wet_bulb: 25.56 degC, min_cells: 1, stage_miss: 0.5 K, cycles: 4, drift: 0.00002, "
    "min_fan_speed: 0.2, free_convection: 0.125, "
    "reset_slope: 0, limits_capacity: true",
    "air_chiller": "units: 1, flow: 100 kg/s, drop: 60 kPa, set_point: 280 K, stage_up: 0.9, curve: carrier_30xa500, "
    "capacity: 1609 kW, cop: 2.9",
    "water_chiller": "units: 1, flow: 100 kg/s, drop: 60 kPa, set_point: 280 K, stage_up: 0.9, curve: york_yk, "
    "capacity: 2275 kW, cop: 6.32, condenser_flow: 120 kg/s, condenser_drop: 60 kPa",
}

AIR = """
    tank: {type: expansion_tank}
    pump: {type: pump}
    chiller: {type: air_chiller}
    hall: {type: room}
    warm: {type: rack, it_power: 40 kW, nameplate: 40 kW, air_flow: 3 m3/s, cords: 1, room: hall}
    wet: {type: liquid_rack, it_power: 10 kW, nameplate: 9 kW, cords: 1, room: hall}
    wall: {type: crah, room: hall}
    main: {type: pipe}
    valve: {type: valve}
"""
DOOR = """
    hall: {type: room}
    warm: {type: rack, it_power: 20 kW, nameplate: 40 kW, air_flow: 2 m3/s, air_rise: 5 K, cords: 1, room: hall}
    door: {type: rear_door, room: hall}
    tank: {type: expansion_tank}
    pump: {type: pump}
    chiller: {type: air_chiller}
"""
PLATE = "tank: {type: expansion_tank}\nother: {type: expansion_tank}\nrest: {type: pump}\npump: {type: pump}\n"
PLANTS = {
    "air": (
        AIR,
        "pump.out > chiller.in\nchiller.out > main.in\nmain.out > wall.supply\nwall.return > valve.in\n"
        "valve.out > wet.supply\nwet.return > pump.in\ntank.port > pump.in",
    ),
    "door": (
        DOOR,
        "warm.exhaust ~ door.inlet\npump.out > chiller.in\nchiller.out > door.supply\ndoor.return > pump.in\n"
        "tank.port > pump.in",
    ),
    "dry": (
        PLATE + "plate: {type: heat_exchanger}\ndry: {type: dry_cooler, set_point: 30 degC}\n" + heater(1.5e6),
        "pump.out > rack.supply\nrack.return > plate.hot_in\nplate.hot_out > pump.in\ntank.port > pump.in\n"
        "rest.out > dry.in\ndry.out > plate.cold_in\nplate.cold_out > rest.in\nother.port > rest.in",
    ),
    "wet": (
        "tank: {type: expansion_tank}\npump: {type: pump}\ndry: {type: adiabatic_cooler}\n" + heater(1e6),
        "pump.out > rack.supply\nrack.return > dry.in\ndry.out > pump.in\ntank.port > pump.in",
    ),
    "water": (
        PLATE + "one: {type: water_chiller}\ntower: {type: tower, set_point: 26 degC}\n" + heater(1e6),
        "pump.out > rack.supply\nrack.return > one.in\none.out > pump.in\ntank.port > pump.in\n"
        "rest.out > tower.in\ntower.out > one.cond_in\none.cond_out > rest.in\nother.port > rest.in",
    ),
    "cdu": (
        "tank: {type: expansion_tank}\npump: {type: pump}\ncool: {type: dry_cooler, set_point: 32 degC}\n"
        "hall: {type: room, ventilation: 1 m3/s}\ncdu: {type: cdu, room: hall}\npast: {type: bypass}\n" + heater(8e5),
        "cdu.tcs_supply > rack.supply\nrack.return > cdu.tcs_return\ncool.out > cdu.fws_supply\n"
        "cdu.fws_return > pump.in\npump.out > cool.in\ntank.port > cool.in\ncool.out > past.in\npast.out > pump.in",
    ),
}


def written_out(parts):
    """Every default of a part stated; what a part states itself stays."""
    lines = []
    for line in parts.strip().splitlines():
        kind = line.split("type: ")[1].split(",")[0].split("}")[0]
        own = {item.split(":")[0].strip() for item in line.split("{", 1)[1].rstrip("} ").split(",")}
        more = [m for m in STATED.get(kind, "").split(", ") if m and m.split(":")[0] not in own]
        lines.append(line.rstrip()[:-1] + "".join(f", {m}" for m in more) + "}")
    return "\n".join(lines)


@pytest.mark.parametrize("name", PLANTS)
def test_equipment_unless_stated_has_the_numbers_of_its_data_sheet(name):
    parts, joints = PLANTS[name]
    scenarios = {"site.dry_bulb": np.array([10.0, 25.0]) + 273.15, "site.relative_humidity": [0.8, 0.5]}
    bare, stated = (twin.solve(bench(p, joints), scenarios) for p in (parts, written_out(parts)))
    assert bare.ok, bare["reason"].values
    for key, value in bare.dataset.data_vars.items():
        if value.dtype.kind == "f" and "usd" not in key and key not in ("energy_audit",):
            np.testing.assert_allclose(value, stated[key], rtol=1e-6, atol=1e-6, err_msg=key)
    assert bare.margins.name.tolist() == stated.margins.name.tolist()
    np.testing.assert_allclose(bare.margins.bound, stated.margins.bound)
    np.testing.assert_allclose(bare.margins.value, stated.margins.value, rtol=1e-6, atol=1e-6)
