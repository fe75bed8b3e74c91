"""Runs the plants in EnergyPlus and writes what it gives: `python make.py [plant ...]`, all without a name."""

import csv
import json
import sys
import tempfile
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from cases.energyplus import coil, economiser
from cases.energyplus.eplus import Failed
from cases.energyplus.plants import BLOCKS, CONDITIONS, PARAMETERS, PLANTS

HERE = Path(__file__).parent
WEATHER = {
    "dry bulb [degC]": "ENVIRONMENT:Site Outdoor Air Drybulb Temperature",
    "wet bulb [degC]": "ENVIRONMENT:Site Outdoor Air Wetbulb Temperature",
    "humidity ratio [1]": "ENVIRONMENT:Site Outdoor Air Humidity Ratio",
    "pressure [Pa]": "ENVIRONMENT:Site Outdoor Air Barometric Pressure",
}
STEADY = "swing [K]"
"""Column of a row: by how much the first temperature moves from hour to hour; above 0.01 K the plant cycles."""


def mean(values, hours):
    """Mean over the hours of a block."""
    part = values[hours]
    return sum(part) / len(part)


def rows(plant, condition):
    """Rows by load of a plant at a condition, what the weather is, and the `eio` text."""
    make, columns = PLANTS[plant]
    values, _, eio = make(condition).run()
    found = []
    for load, hours in BLOCKS.items():
        row = {"condition": condition, "load [1]": load}
        row |= {name: mean(values[variable], hours) * factor for name, (variable, factor) in columns.items()}
        first = next(v for n, (v, _) in columns.items() if n.startswith(("outlet", "leaving")))
        row[STEADY] = max(values[first][hours]) - min(values[first][hours])
        check(plant, row, values, hours)
        found.append(row)
    return found, {name: values[variable][0] for name, variable in WEATHER.items()}, eio


def check(plant, row, values, hours):
    """What rejects heat takes the load, the heat of pumps and of compressors.

    To 0.2 % where nothing cycles: EnergyPlus takes cp at the inlet of each part. To 1 % where fans cycle.
    """
    given = -mean(values["LOAD:Plant Load Profile Heat Transfer Rate"], hours)
    given += sum(mean(v, hours) for n, v in values.items() if n.endswith("Pump Fluid Heat Gain Rate"))
    given += row.get("chiller [W]", 0.0) if plant == "water_chiller_plant" else 0.0
    taken = row["heat [W]"] if "heat [W]" in row else row["duty [W]"]
    row["balance [1]"] = taken / given - 1.0
    assert abs(row["balance [1]"]) < 0.01, (plant, row)


def write(path, table):
    """Rows as CSV, six digits."""
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        out.writeheader()
        for row in table:
            out.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def derived(eio):
    """What EnergyPlus itself derives from the parameters at sea level: {component: {field: value}}."""
    found = {}
    for line in eio.splitlines():
        parts = [p.strip() for p in line.split(",")]
        if parts[0] == "Component Sizing Information" and ("Nominal" in parts[3] or "free convection" in parts[3]):
            found.setdefault(parts[2].lower(), {})[parts[3]] = float(parts[4])
    return found


def steady_plant(plant):
    """Writes the table of a plant at all conditions; returns what EnergyPlus derived."""
    table, weather, low = [], [], ""
    for condition in CONDITIONS:
        try:
            found, air, eio = rows(plant, condition)
            low = eio if condition == "hot_humid" else low
        except Failed as error:
            print(plant, condition, str(error)[:300])
            table += [{"condition": condition, "load [1]": load} for load in BLOCKS]
            continue
        table += found
        weather.append({"condition": condition, **air})
    full = next(r for r in table if len(r) > 2)
    write(HERE / f"{plant}.csv", [{k: r.get(k, "") for k in full} for r in table])
    if len(weather) == len(CONDITIONS):
        write(HERE / "conditions.csv", weather)
    print(plant, f"worst balance {max(abs(r.get('balance [1]', 0.0)) for r in table):.2%}")
    return derived(low)


def coil_row(state, share):
    """A row of the coil, the last hour of a day, and the `eio` text."""
    values, _, eio = coil.coil_model(state, share).run()
    row = {"dew point [degC]": state[1]}
    row |= {name: values[variable][-1] * factor for name, (variable, factor) in coil.COLUMNS.items()}
    dried = row["humidity ratio in [1]"] - row["humidity ratio out [1]"]
    row["condensate [kg/s]"] = row["air flow [kg/s]"] * dried
    water = row["water flow [kg/s]"] * 4190.0 * (row["water out [degC]"] - row["water in [degC]"])
    assert abs(water / row["total [W]"] - 1.0) < 0.01, row
    return row, eio


def wet_coil():
    """Writes the table of the coil; returns its UA."""
    found = [coil_row(state, share) for state in coil.STATES for share in coil.FLOWS]
    write(HERE / "wet_coil.csv", [row for row, _ in found])
    line = next(x for x in found[-1][1].splitlines() if x.startswith("Water Cooling Coil Capacity Information"))
    capacity, sensible, _, _, ua, area = (float(x) for x in line.split(",")[3:9])
    return {
        "coil": {
            "Nominal Total Capacity [W]": capacity,
            "Nominal Sensible Capacity [W]": sensible,
            "UA of both sides together [W/K]": ua,
            "UA outside, 3.3 times less than inside [W/K]": ua * (1.0 + 1.0 / 3.3),
            "UA inside [W/K]": ua * (1.0 + 3.3),
            "Surface outside [m2]": area,
        }
    }


FREE, DAY = 1e3, date(2017, 4, 13)
"""Duty [W] below which exchanger or chiller is off; the day that is kept by the hour."""


def sums(hours, columns):
    """Totals over hours of the year: kWh, m3 and hours by mode."""
    energy = {f"{part} [kWh]": part + " [W]" for part in ("chiller", "fan", "chilled pump", "condenser pump")}
    energy |= {"exchanger heat [kWh]": "exchanger [W]", "chiller heat [kWh]": "chiller duty [W]"}
    energy |= {"tower heat [kWh]": "tower heat [W]"}
    row = {name: sum(columns[c][h] for h in hours) / 1e3 for name, c in energy.items()}
    row["make-up [m3]"] = sum(columns["make-up [L/s]"][h] for h in hours) * 3.6
    free = sum(columns["chiller duty [W]"][h] < FREE for h in hours)
    mechanical = sum(columns["exchanger [W]"][h] < FREE for h in hours)
    return row | {"free [h]": free, "partial [h]": len(hours) - free - mechanical, "mechanical [h]": mechanical}


def water_side_economiser_year():
    """Writes months and a day of the year."""
    with tempfile.TemporaryDirectory() as folder:
        columns, _ = economiser.year(folder)
    assert {len(c) for c in columns.values()} == {8760}
    months, first = [], date(2017, 1, 1)
    starts = [(date(2017, m, 1) - first).days * 24 for m in range(1, 13)] + [8760]
    for month in range(12):
        months.append({"month": month + 1, **sums(range(starts[month], starts[month + 1]), columns)})
    year = {"month": "year", **sums(range(8760), columns)}
    given = economiser.YEAR["load_W"] * 8.76 + (year["chilled pump [kWh]"] + year["condenser pump [kWh]"]) * 0.9
    assert abs(year["tower heat [kWh]"] / (given + year["chiller [kWh]"]) - 1.0) < 0.005, year
    write(HERE / "water_side_economiser_year.csv", [*months, year])
    start = (DAY - first).days * 24
    hours = [{"hour": h + 1, **{k: c[start + h] for k, c in columns.items()}} for h in range(24)]
    write(HERE / "water_side_economiser_day.csv", hours)
    return {}


ALSO = {"wet_coil": wet_coil, "water_side_economiser_year": water_side_economiser_year}


def main(names):
    """Writes the tables of plants and the parameters."""
    path = HERE / "parameters.json"
    known = json.loads(path.read_text())["derived_by_energyplus"] if path.exists() else {}
    for plant in names:
        known[plant] = ALSO[plant]() if plant in ALSO else steady_plant(plant)
        print(plant, "written")
    found = PARAMETERS | {"wet_coil": coil.COIL, "water_side_economiser_year": economiser.YEAR}
    path.write_text(json.dumps(found | {"derived_by_energyplus": known}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:] or [*PLANTS, *ALSO])
