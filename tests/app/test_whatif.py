"""What-if answers: those of a layout with the same values, losses with what switches, and curves point by point."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import twin
from twin.app.web.controls import control, controls, joined
from twin.app.web.screen import told
from twin.app.web.whatif import Change, WhatIf, spans
from twin.facility.files import LayoutError

FIGURES = ("facility_power", "pue", "tokens_per_s", "usd_per_million_tokens", "water")


def opened(name, **given):
    found = WhatIf(name, **given)
    found.controls = {c.address: c for c in controls(found.facility)}
    return found


@pytest.fixture(scope="module")
def hall():
    return opened("gb300_hall")


CHANGES = [
    Change(),
    Change({"site.dry_bulb": 38.0}),
    Change({"site.dry_bulb": 2.0}),
    Change({"site.relative_humidity": 80.0}),
    Change({"site.dry_bulb": 12.0, "site.relative_humidity": 100.0}),
    Change({"gb300_nvl72.chip_scale": 1.2, "gb300_nvl72.power_cap": 900.0, "hall_cdu.set_point": 35.0}),
    Change({"dry_coolers.units": 5.0, "fws_pumps.pumps": 3.0}),
    Change({}, ("feeder_a",)),
    Change({"site.dry_bulb": 35.0}, ("tx_a1", "ups_b2"), ("tx_mech_b",)),
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_answers_are_those_of_the_layout_with_the_same_values(hall, change):
    answer = hall.solve(change)
    assert answer.ok and bool(change) == (answer is not hall.start)
    other = twin.solve(hall.loaded(answer))
    for name in FIGURES:
        ours, theirs = (getattr(r.figures, name)[0] for r in (answer.result, other))
        assert ours == pytest.approx(theirs, rel=1e-9), name
    assert [b.name for b in answer.result.worst()] == [b.name for b in other.worst()]


def test_a_wet_bulb_alone_cools_the_air_that_could_not_be_so_dry(hall):
    whatif = opened("gb300_hall")
    whatif.controls = joined(whatif.controls, control(whatif.facility, "site.wet_bulb", "5..20 degC"))
    assert "site.relative_humidity" not in whatif.controls
    answer = whatif.solve(Change({"site.wet_bulb": 9.0}))  # at 30 degC no air is so dry
    same = twin.solve(whatif.loaded(answer))
    assert answer.result.figures.facility_power[0] == pytest.approx(same.figures.facility_power[0], rel=1e-9)
    assert same.facility.site.dry_bulb < 303.0


@pytest.mark.parametrize("name", ["dps_demo", "h200_hall"])
def test_humidity_moves_where_none_or_a_wet_bulb_is_stated(name):
    whatif = opened(name)
    answer = whatif.solve(Change({"site.relative_humidity": 90.0}))
    same = twin.solve(name, overrides={"site.relative_humidity": "90 %"})
    assert answer.result.figures.facility_power[0] == pytest.approx(same.figures.facility_power[0], rel=1e-12)


def test_the_command_line_gives_the_same(hall):
    answer = hall.solve(Change({"site.dry_bulb": 38.0, "gb300_nvl72.power_cap": 1000.0}, ("feeder_a",)))
    words = shlex.split(hall.command(answer))
    assert words[:3] == ["twin", "solve", "gb300_hall"] and "tx_mech_b.in_service=true" in words
    ran = subprocess.run(
        [sys.executable, "-c", "from twin.app.cli import main; main()", *words[1:], "--no-bound", "--json"],
        capture_output=True,
        text=True,
    )
    said = json.loads(ran.stdout)
    assert said["facility_power_mw"] == pytest.approx(answer.result.figures.facility_power[0] / 1e6, rel=1e-9)
    assert said["pue"] == pytest.approx(answer.result.figures.pue[0], rel=1e-9)


def test_sets_and_cases_stay_under_what_is_changed():
    whatif = opened("gb300_hall", case="hot_day", sets={"utility.contract": "11 MW"})
    assert whatif.at_start.figures.facility_power[0] == pytest.approx(
        twin.solve("gb300_hall", case="hot_day").figures.facility_power[0], rel=1e-12
    )
    answer = whatif.solve(Change({"site.dry_bulb": 20.0}))
    command = whatif.command(answer)
    assert "--case hot_day" in command and "'utility.contract=11 MW'" in command
    assert whatif.loaded(answer).components["utility"].contract == 11e6


def test_a_cap_that_is_taken_away_is_gone():
    whatif = opened("gb300_hall", case="capped")
    cap = whatif.controls["gb300_nvl72.power_cap"]
    assert cap.start == 1100.0 and cap.stated(cap.start)
    answer = whatif.solve(Change({"gb300_nvl72.power_cap": cap.high}))
    free = twin.solve("gb300_hall")
    assert answer.result.figures.tokens_per_s[0] == pytest.approx(free.figures.tokens_per_s[0], rel=1e-12)
    assert "gb300_nvl72.power_cap=null" in whatif.command(answer)
    assert twin.solve(whatif.loaded(answer)).figures.tokens_per_s[0] == pytest.approx(free.figures.tokens_per_s[0])


def test_a_loss_switches_what_is_automatic_as_contingencies_have_it(hall):
    answer = hall.solve(Change({}, ("tx_mech_a",)))
    assert hall.transfer(answer.change).closed == ("tx_mech_b",)
    row = twin.contingencies("gb300_hall", names=["tx_mech_a"], modes=["fault"])["tx_mech_a"]
    assert row.closed == ("tx_mech_b",) and row.racks_dark == 0
    assert (answer.result["rack_power"] > 0).all() and str(hall.dependents(answer.change)).startswith(
        "without tx_mech_a"
    )


def test_both_feeders_lost_leave_all_dark(hall):
    answer = hall.solve(Change({}, ("feeder_a", "feeder_b")))
    assert float(answer.result.figures.it_power[0]) == 0.0
    assert len(hall.dependents(answer.change).unpowered) == 76
    scene = hall.at_start.scene().showing(answer.result)
    lost = scene.marks.lost
    assert {"r101", "ups_a1", "bus_b11", "cdu1", "fan_wall1", "fws_pumps"} <= lost and "utility" not in lost


def test_losses_reckon_with_what_was_put_into_service():
    whatif = opened("summit")
    change = Change({}, ("exchangers",), ("round_exchangers", "round_trim"))
    answer = whatif.solve(change)
    assert answer.ok and float(answer.result.figures.it_power[0]) > 8e6
    assert str(whatif.dependents(change)) == "without exchangers: no rack loses anything"
    assert len(whatif.dependents(change._replace(back=())).uncooled) > 250


def test_answers_do_not_follow_the_file_while_it_is_edited(tmp_path):
    file = tmp_path / "hall.yaml"
    file.write_text(Path(twin.layouts.__file__).with_name("halls").joinpath("dsx_row.yaml").read_text())
    whatif = opened(file)
    answer = whatif.solve(Change({"row_rack.chip_scale": 0.9}))
    file.write_text(file.read_text().replace("127.5833333 kW", "100 kW"))
    same = twin.solve(whatif.loaded(answer))
    assert answer.result.figures.facility_power[0] == pytest.approx(same.figures.facility_power[0], rel=1e-12)
    assert str(file) in whatif.command(answer)


def test_values_that_cannot_be_are_told_and_the_rest_goes_on():
    whatif = opened("gb300_hall")
    whatif.controls["gb300_nvl72.chip_idle"] = control(whatif.facility, "gb300_nvl72.chip_idle", "100..2000 W")
    answer = whatif.solve(Change({"gb300_nvl72.chip_idle": 2000.0}))
    assert not answer.ok and answer.result is None and answer.reason.count("chip_idle") == 1
    assert whatif.solve(Change({"site.dry_bulb": 20.0})).ok


def test_a_layout_without_solution_is_refused():
    with pytest.raises(LayoutError, match="no steady temperature"):
        WhatIf("gb300_hall", sets={"gb300_nvl72.chip_scale": "100"})


@pytest.mark.parametrize(
    "address", ["site.dry_bulb", "gb300_nvl72.chip_scale", "gb300_nvl72.power_cap", "dry_coolers.units"]
)
def test_points_of_a_curve_are_solved_like_one_answer_each(hall, address):
    others = {"hall_cdu.set_point": 38.0}
    found = hall.along(address, Change({**others, address: hall.controls[address].low}))
    x = np.concatenate([values for values, _ in found])
    assert (np.diff(x) > 0).all() and x[-1] == pytest.approx(hall.controls[address].high)
    for values, result in found:
        assert len(values) == result.size
        for k in {0, len(values) // 2, len(values) - 1}:
            moved = {address: float(values[k])} if hall.controls[address].moved(float(values[k])) else {}
            one = hall.solve(Change({**others, **moved})).result
            assert result.figures.facility_power[k] == pytest.approx(one.figures.facility_power[0], rel=1e-9)


@pytest.mark.parametrize(
    ("passed", "found"),
    [
        ([False] * 4, []),
        ([True] * 4, [(0.0, 3.0)]),
        ([False, True, True, False], [(0.5, 2.5)]),
        ([True, False, False, True], [(0.0, 0.5), (2.5, 3.0)]),
    ],
)
def test_ranges_past_a_limit_reach_half_way_to_the_neighbours(passed, found):
    assert spans([0.0, 1.0, 2.0, 3.0], passed) == found


@pytest.mark.slow
def test_computed_air_answers_by_its_response():
    whatif = opened("gb300_hall", air=twin.FiniteVolume(0.8))
    assert whatif.computed is not None and whatif.computed.rooms
    answer = whatif.solve(Change({"gb300_nvl72.chip_scale": 1.1}))
    assert answer.ok
    same = twin.solve("gb300_hall", {"gb300_nvl72.chip_scale": 1.1}, air=whatif.computed.response)
    assert (answer.result["rack_inlet_temperature"] == same["rack_inlet_temperature"]).all()
    assert "--air finite_volume --cell '0.8 m'" in whatif.command(answer)
    assert any("Slices of computed air are those of the start" in t for t in told(whatif, answer, frozenset()))
