"""Two air-cooled racks before one room cooler, with places: the smallest hall whose air can be computed."""

import re

ROOM = """\
version: 1
name: closet
description: Two air-cooled racks before one room cooler
site: {dry_bulb: 5 degC}
components:
  grid: {type: utility, voltage: 415 V, contract: 1 MW}
  hall: {type: room, at: [10 m, 5 m, 0 m], length: 6 m, width: 2 m, height: 2.8 m, recirculation: 0.1, bypass: 0.1}
  r1: {type: rack, it_power: 8 kW, nameplate: 20 kW, air_flow: 0.8 m3/s, air_rise: 10 K, cords: 1, room: hall,
       facing: "-x", size: [1 m, 0.8 m, 2 m], at: [13 m, 5.2 m, 0 m]}
  r2: {type: rack, it_power: 6 kW, nameplate: 20 kW, air_flow: 0.8 m3/s, air_rise: 10 K, cords: 1, room: hall,
       facing: "-x", size: [1 m, 0.8 m, 2 m], at: [13 m, 6 m, 0 m]}
  cooler: {type: crah, air_flow: 2 m3/s, capacity: 60 kW, conductance: 6 kW/K, water_flow: 2 kg/s, set_point: 20 degC,
           facing: "+x", size: [0.6 m, 1.6 m, 1.6 m], at: [10.4 m, 5.2 m, 0 m], room: hall}
  tank: {type: expansion_tank}
  pump: {type: pump, control: head, head: 90 kPa}
  dry: {type: dry_cooler, set_point: 8 degC}
connections:
  - [power, grid.out, r1.feed]
  - [power, grid.out, r2.feed]
  - [power, grid.out, cooler.feed]
  - [power, grid.out, pump.feed]
  - [power, grid.out, dry.feed]
  - [coolant, dry.out, cooler.supply]
  - [coolant, cooler.return, pump.in]
  - [coolant, pump.out, dry.in]
  - [coolant, tank.port, pump.in]
"""
WALL = "  wall: {type: screen, room: hall, at: [13.6 m, 5 m, 0 m], size: [0 m, 2 m, 2.8 m]}\n"


def many(count):
    """The layout with so many such rooms, 100 m apart, whose names begin with a1_, a2_ and so on."""
    head, body = ROOM.split("components:\n")
    parts, joints = body.split("connections:\n")
    shared = "  grid: {type: utility, voltage: 415 V, contract: 10 MW}\n"
    parts = parts.split("\n", 1)[1]
    names = re.findall(r"^  (\w+):", parts, re.MULTILINE)
    found, links = shared, ""
    for k in range(1, count + 1):
        own = lambda text, k=k: re.sub(rf"(?<!type: )\b({'|'.join(names)})(?=[:,.}}])", rf"a{k}_\1", text)  # noqa: E731
        place = lambda m, k=k: f"at: [{float(m[1]) + 100 * k:g} m"  # noqa: E731
        found += own(re.sub(r"at: \[([\d.]+) m", place, parts))
        links += own(joints)
    return head + "components:\n" + found + "connections:\n" + links
