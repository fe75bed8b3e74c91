"""The vendor's counts and what the catalogue gives, as the README has them."""

import re
from pathlib import Path

import pytest

import twin
from twin import columns
from twin.facility.catalogue import published_constants
from twin.facility.files import read_text
from twin.units import parse

PUE = 1.14
CLAIM = {96e6: (26322, 38304), 250e6: (68688, 99720), 1e9: (274968, 399096)}
README = Path(__file__).with_name("README.md").read_text("utf-8")


def each(rack, nameplate=None):
    """W of a site per GPU of a rack, its share of the network included; the network's as GB300's."""
    fields = twin.catalogue()[rack]["fields"]
    power = parse(nameplate or fields["nameplate"]["value"], "power") / fields["accelerators"]["value"]
    return PUE * (power + published_constants()["network"]["gb300"]["network_power"])


def test_the_claim_implies_what_the_readme_says():
    for site, counts in CLAIM.items():
        for count, implied in zip(counts, (3.645, 2.507), strict=True):
            assert site / count / 1e3 == pytest.approx(implied, abs=0.01)
            assert f"{count:,}" in README


@pytest.mark.parametrize(("rack", "nameplate"), [("vr_nvl72", None), ("vr_nvl72", "190 kW"), ("gb300_nvl72", None)])
def test_the_catalogues_own_count_stands_beside_it(rack, nameplate):
    power = each(rack, nameplate)
    row = rf"\| {power / 1e3:.2f} \| {96e6 / power:,.0f} \|"
    assert re.search(row, README), row


GB200 = read_text("gb300_hall")[1].replace("gb300_nvl72", "gb200_nvl72")
SPEEDS = [40.0, 75.0, 116.7]


@pytest.mark.parametrize(
    ("row", "mode", "power"),
    [("rated", "table", "rated"), ("at the work of", "table", "measured"), ("at the work |", "physics", "measured")],
)
def test_held_racks_give_what_the_readme_says(row, mode, power):
    terms = {"serving.mode": mode, "serving.power": power}
    free, held = (
        twin.solve(GB200, {"serving.interactivity": SPEEDS}, overrides=terms | cap)
        for cap in ({}, {"gb200_nvl72.rack_cap": "90 kW"})
    )
    racks = held.plant.serving[0].engine
    assert held.solution[columns.engine.power][racks].max() == pytest.approx(90e3, rel=1e-3)
    assert 0.7 < held.solution[columns.engine.clock][racks].min() <= 1.0
    per_mw = [r.figures.tokens_per_s_per_mw("provisioned") for r in (free, held)]
    stated = next(line for line in README.splitlines() if line.startswith(f"| {row}"))
    assert [f"{x:.2f}" for x in per_mw[1] / per_mw[0]] == [c.strip() for c in stated.split("|")[3:6]]
