"""Halls of any number of air-cooled racks in rows of twenty, whose powers differ from rack to rack."""

import numpy as np

import twin

HALL = """\
version: 1
name: rows
site: {{dry_bulb: 20 degC}}
components:
  hall: {{type: room, at: [0 m, 0 m, 0 m], length: 20 m, width: {width} m, height: 4 m, recirculation: 0.1}}
  utility: {{type: utility, voltage: 415 V, contract: {racks} MW, at: [-6 m, 0 m, 0 m]}}
  board: {{type: switchboard, rating: {racks} MW, at: [-6 m, 6 m, 0 m]}}
  tank: {{type: expansion_tank, at: [23 m, 8 m, 0 m]}}
  pump: {{type: pump, control: head, head: 90 kPa, rated_flow: {units} L/s, at: [23 m, 10 m, 0 m]}}
  crah: {{type: crah, units: {units}, air_flow: 2 m3/s, capacity: 60 kW, conductance: 6 kW/K, water_flow: 1 kg/s,
         set_point: 20 degC, facing: "-x", room: hall, at: [18 m, 4 m, 0 m]}}
  chiller: {{type: air_chiller, set_point: 10 degC, flow: 20 kg/s, units: {units}, at: [26 m, 0 m, 0 m]}}
repeat:
  - over: {{row: 1..{rows}, col: 1..20}}
    components:
      "r{{row}}_{{col}}":
        {{type: rack, it_power: "{{4 + (row * 37 + col * 101) % 97 / 12}} kW", nameplate: 20 kW, air_flow: 0.8 m3/s,
         air_rise: 10 K, cords: 1, room: hall, at: ["{{col * 0.8}} m", "{{row * 2.4}} m", 0 m]}}
    connections:
      - [power, board.out, "r{{row}}_{{col}}.feed"]
connections:
  - [power, utility.out, board.in]
  - [power, board.out, pump.feed]
  - [power, board.out, crah.feed]
  - [power, board.out, chiller.feed]
  - [coolant, tank.port, pump.in]
  - [coolant, pump.out, chiller.in]
  - [coolant, chiller.out, crah.supply]
  - [coolant, crah.return, pump.in]
"""


def solved(racks, frames=1, seed=0):
    """Such a hall, racks a multiple of twenty; of several frames the powers of all racks are drawn anew in each."""
    numbers = {"rows": racks // 20, "racks": racks, "units": min(racks, 1000), "width": racks // 20 * 2.4 + 6}
    layout = twin.load(HALL.format(**numbers))
    names = [n for n, part in layout.components.items() if part.kind == "rack"]
    powers = np.random.default_rng(seed).uniform(4e3, 12e3, (len(names), frames))
    drawn = {f"{name}.it_power": row for name, row in zip(names, powers, strict=True)}
    return twin.solve(layout, drawn if frames > 1 else {})
