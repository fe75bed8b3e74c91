"""Runs the plants in EnergyPlus and writes what it gives: `python make.py [plant ...]`, all without a name."""

import csv
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from eplus import Failed
from plants import BLOCKS, CONDITIONS, PARAMETERS, PLANTS

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
    """What EnergyPlus itself derives from the parameters: {component: {field: value}}."""
    found = {}
    for line in eio.splitlines():
        parts = [p.strip() for p in line.split(",")]
        if parts[0] == "Component Sizing Information" and parts[1] != "PlantLoop":
            found.setdefault(parts[2].lower(), {})[parts[3]] = float(parts[4])
    return found


def main(names):
    """Writes the tables of plants."""
    for plant in names:
        table, weather, failures = [], [], []
        for condition in CONDITIONS:
            try:
                found, air, eio = rows(plant, condition)
            except Failed as error:
                failures.append(condition)
                print(plant, condition, error)
                table += [{"condition": condition, "load [1]": load} for load in BLOCKS]
                continue
            table += found
            weather.append({"condition": condition, **air})
        full = next(r for r in table if len(r) > 2)
        write(HERE / f"{plant}.csv", [full and {k: r.get(k, "") for k in full} for r in table])
        if not failures:
            write(HERE / "conditions.csv", weather)
        PARAMETERS.setdefault("derived_by_energyplus", {})[plant] = derived(eio)
        print(plant, "written", f"worst balance {max(abs(r.get('balance [1]', 0.0)) for r in table):.2%}")
    path = HERE / "parameters.json"
    old = json.loads(path.read_text()).get("derived_by_energyplus", {}) if path.exists() else {}
    PARAMETERS["derived_by_energyplus"] = old | PARAMETERS.get("derived_by_energyplus", {})
    path.write_text(json.dumps(PARAMETERS, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:] or list(PLANTS))
