"""The tables of this folder are what EnergyPlus gives: two conditions of each plant, run again."""

import csv
from pathlib import Path

import pytest

pytest.importorskip("pyenergyplus")

from cases.energyplus import coil, economiser, make, plants

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
SAMPLE = "leesburg_hot", "mountain"


def table(name):
    """Rows of a table; numbers as numbers."""
    with (HERE / f"{name}.csv").open() as file:
        return [{k: _number(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text


def same(found, expected):
    for name, value in expected.items():
        if name.startswith(("swing", "balance")):
            continue
        wanted = pytest.approx(value, rel=2e-5, abs=1e-9) if isinstance(value, float) else value
        assert found[name] == wanted, name


@pytest.mark.parametrize("plant", plants.PLANTS)
@pytest.mark.parametrize("condition", SAMPLE)
def test_energyplus_gives_the_rows_of_a_plant(plant, condition):
    expected = [row for row in table(plant) if row["condition"] == condition]
    found, weather, _ = make.rows(plant, condition)
    assert len(expected) == len(found) == len(plants.BLOCKS)
    for one, other in zip(found, expected, strict=True):
        same(one, other)
    air = next(row for row in table("conditions") if row["condition"] == condition)
    same(weather, {name: value for name, value in air.items() if name != "condition"})


@pytest.mark.parametrize("row", [5, 18])
def test_energyplus_gives_the_rows_of_the_coil(row):
    share = len(coil.FLOWS)
    found, _ = make.coil_row(coil.STATES[row // share], coil.FLOWS[row % share])
    same(found, table("wet_coil")[row])


def test_energyplus_gives_the_year_of_the_economiser(tmp_path):
    columns, _ = economiser.year(tmp_path)
    same(
        make.sums(range(8760), columns),
        {k: v for k, v in table("water_side_economiser_year")[-1].items() if k != "month"},
    )
