"""What the page says of an answer: numbers of `twin.solve`, limits that are passed, what goes dark."""

import json
import re

import numpy as np
import pytest

import twin
from twin.app.web import screen
from twin.app.web.controls import control, controls
from twin.app.web.whatif import Change, WhatIf
from twin.show.scene.paint import marks


@pytest.fixture(scope="module")
def hall():
    found = WhatIf("gb300_hall")
    found.controls = {c.address: c for c in controls(found.facility)}
    return found


def by_key(cards):
    return {c["key"]: c for c in cards}


def test_cards_tell_what_was_solved_and_how_far_it_is_from_the_start(hall):
    cards = by_key(screen.cards(hall, hall.solve(Change({"site.dry_bulb": 38.0}))))
    first, now = twin.solve("gb300_hall").figures, twin.solve("gb300_hall", {"site.dry_bulb": 311.15}).figures
    assert cards["facility_power"]["text"] == f"{now.facility_power[0] / 1e6:.3f} MW"
    by = 100 * (now.facility_power[0] / first.facility_power[0] - 1)
    assert cards["facility_power"]["change"] == f"+{by:.1f} % vs start"
    assert cards["pue"]["change"] == f"+{now.pue[0] - first.pue[0]:.4f} vs start"
    assert cards["tokens_per_s"]["change"] == ""
    assert cards["limit"]["passed"] is False
    same = by_key(screen.cards(hall, hall.start))
    assert all(c["change"] == "" for key, c in same.items() if key != "limit")


def test_limits_say_from_which_side_they_bind(hall):
    sides = {row["name"]: row["sense"] for row in screen.limits(hall, hall.solve(Change({"site.dry_bulb": 38.0})))}
    assert sides["voltage"] == "at least" and sides["junction temperature"] == sides["coolant supply"] == "at most"
    dense = {
        row["name"]: row["sense"] for row in screen.limits(hall, hall.solve(Change({"gb300_nvl72.chip_scale": 1.6})))
    }
    assert dense["utility contract"] == "at most"


def test_where_no_rack_has_power_no_limit_is_told(hall):
    answer = hall.solve(Change({}, ("feeder_a", "feeder_b")))
    card = by_key(screen.cards(hall, answer))["limit"]
    assert card["text"] == "no rack has power" and card["passed"] and screen.limits(hall, answer) == []


def test_many_losses_are_told_in_one_line(hall):
    out = tuple(n for n in hall.facility.components if hall.in_service(Change(), n))
    answer = hall.solve(Change({}, out))
    said = screen.told(hall, answer, marks(answer.result).lost)
    assert re.match(r"Without .*, .* and \d+ more", said[0]) and len(said[0]) < 200


def test_a_passed_limit_is_said_so(hall):
    answer = hall.solve(Change({"gb300_nvl72.chip_scale": 1.6}))
    card = by_key(screen.cards(hall, answer))["limit"]
    tight = answer.result.worst()[0]
    assert card["passed"] is True and card["label"] == "limit passed"
    assert card["text"] == f"{tight.name.replace('_', ' ')} at {tight.where}"
    listed = screen.limits(hall, answer)
    assert listed[0]["passed"] is True and listed[0]["used"] > 100.0
    assert [row["used"] for row in listed] == sorted((row["used"] for row in listed), reverse=True)
    assert any(0 < row["start"] < row["used"] for row in listed)


def test_every_limit_knows_how_much_of_it_was_used_at_the_start(hall):
    answer = hall.solve(Change({}, ("cdu1",)))  # after which other racks and boards stand for those like them
    listed, first = screen.limits(hall, answer), {b.name: b for b in hall.at_start.worst()}
    assert any(row["where"].startswith("r2") for row in listed)
    for row in listed:
        if row["name"] in ("voltage", "coolant supply", "junction temperature"):
            assert row["start"] == pytest.approx(100 * (1 - first[row["name"].replace(" ", "_")].relative), abs=0.2)


def test_the_sustainable_density_is_that_of_bound(hall):
    found, card = screen.sustainable(hall.at_start)
    bound = twin.bound("gb300_hall")[0]
    assert found.scale == bound.scale and card["text"] == f"{bound.density / 1e3:.1f} kW"
    assert card["change"] == "utility contract at utility binds"


def test_what_has_no_solution_is_said_in_place_of_numbers(hall):
    from twin.app.web.whatif import Answer

    cards = by_key(screen.cards(hall, Answer(Change({"site.dry_bulb": 1.0}), None, "wet_bulb cannot be", 0.0)))
    assert cards["pue"]["text"] == "-" and cards["limit"]["text"] == "wet_bulb cannot be" and cards["limit"]["passed"]


def test_what_goes_dark_is_told_by_name(hall):
    answer = hall.solve(Change({}, ("feeder_a", "feeder_b")))
    said = screen.told(hall, answer, marks(answer.result).lost)
    assert said[0].startswith("Without feeder_a, feeder_b: 76 racks lose power")
    assert said[1].startswith("76 racks without power or stopped: net1, net2")
    assert "other pieces of equipment without power: board_a1" in said[2] and "feeder_a," not in said[2]
    quiet = screen.told(hall, hall.start, marks(hall.at_start).lost)
    assert not any("without power" in text for text in quiet)
    one = hall.solve(Change({}, ("cdu6",)))
    said = screen.told(hall, one, marks(one.result).lost)
    assert said[0] == "Without cdu6: 8 racks lose cooling." and said[1].startswith("8 racks without power or stopped: ")


def test_an_element_is_told_with_its_numbers_and_limits(hall):
    answer = hall.solve(Change({"site.dry_bulb": 35.0}, ("ups_a1",)))
    rack = screen.element(hall, answer, "r205")
    facts = {f["label"]: f["text"] for f in rack["facts"]}
    inlet = float(answer.result["rack_inlet_temperature"].sel(rack="r205")[0]) - 273.15
    assert facts["inlet temperature"] == f"{inlet:.4g} °C" and rack["on"] is True and "bus_a" in rack["fed"]
    m = answer.result.margins
    tight = min(m.relative[m.element == "r205", 0])
    least = next(f for f in rack["facts"] if f["label"].startswith("relative margin, "))
    assert least["text"] == f"{100 * tight:.1f} %"
    assert screen.element(hall, answer, "ups_a1")["on"] is False
    lost = hall.solve(Change({}, ("feeder_a",)))  # after which tx_mech_a opens and tx_mech_b closes
    assert (
        screen.element(hall, lost, "tx_mech_a")["on"] is False and screen.element(hall, lost, "tx_mech_b")["on"] is True
    )
    assert screen.element(hall, answer, "hall")["on"] is None
    assert screen.element(hall, answer, "nobody") == {}


@pytest.mark.parametrize("change", [Change({"site.dry_bulb": 39.0}), Change({}, ("feeder_a", "feeder_b"))], ids=str)
def test_all_that_is_told_is_plain_data(hall, change):
    answer = hall.solve(change)
    told = [screen.cards(hall, answer), screen.limits(hall, answer), screen.told(hall, answer, frozenset())]
    told += [screen.element(hall, answer, n) for n in hall.facility.components]
    told += [screen.sustainable(answer.result)[1]]
    json.dumps(told, allow_nan=False)


def test_a_curve_is_red_beyond_the_bound(hall):
    bound = twin.bound("gb300_hall")[0].scale
    plot = screen.curve(hall, Change({"gb300_nvl72.chip_scale": 1.5}), "gb300_nvl72.chip_scale", "pue")
    (axes,) = plot.axes
    (red,) = [p for p in axes.patches if p.get_facecolor()[0] > 0.7]
    low, high = red.get_x(), red.get_x() + red.get_width()
    assert abs(low - bound) < 0.06 and high == pytest.approx(2.5)
    now, start = (line for line in axes.lines if line.get_label() in ("now", "start")), 1.0
    at = {line.get_label(): float(line.get_xdata()[0]) for line in now}
    assert at == {"now": 1.5, "start": start}
    curve = axes.lines[0]
    scale = hall.controls["gb300_nvl72.chip_scale"]
    steps = (curve.get_xdata() - scale.low) / scale.step
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)  # values that the slider can take
    solved = twin.solve("gb300_hall", {"gb300_nvl72.chip_scale": curve.get_xdata()})
    np.testing.assert_allclose(curve.get_ydata(), solved.figures.pue, rtol=1e-9)
    assert axes.get_xlabel() == "gb300 nvl72 (64) density [×]" and axes.get_ylabel() == "PUE"
    assert [t.get_text() for t in axes.texts] == ["utility contract"]


def test_a_curve_of_whole_numbers_and_of_a_cap_ends_where_nothing_is_stated(hall):
    hall.controls["dry_coolers.units"] = control(hall.facility, "dry_coolers.units", "1..100")
    (axes,) = screen.curve(hall, Change(), "dry_coolers.units", "pue").axes
    x, y = axes.lines[0].get_data()
    assert len(x) == 41 and (x == np.round(x)).all() and np.isfinite(y).all()
    (axes,) = screen.curve(hall, Change(), "gb300_nvl72.power_cap", "facility_power").axes
    x, y = axes.lines[0].get_data()
    free = hall.at_start.figures.facility_power[0] / 1e6
    assert x[-1] == hall.controls["gb300_nvl72.power_cap"].high and y[-1] == pytest.approx(free, rel=1e-12)
    marks = {line.get_label(): line.get_data() for line in axes.lines[1:]}
    for name in ("start", "now"):
        assert marks[name][0][0] == x[-1] and marks[name][1][0] == pytest.approx(free, rel=1e-12)
    assert "none" in [t.get_text() for t in axes.texts]


def test_a_curve_has_no_number_where_there_is_no_solution(hall):
    hall.controls["gb300_nvl72.chip_idle"] = control(hall.facility, "gb300_nvl72.chip_idle", "100..2000 W")
    (axes,) = screen.curve(hall, Change(), "gb300_nvl72.chip_idle", "margin").axes
    x, y = axes.lines[0].get_data()
    power = hall.facility.components["r101"].chip_power
    assert (np.isnan(y) == (x > power)).all() and np.isnan(y).any()
    assert "no solution" in [t.get_text() for t in axes.texts]
    hall.controls["serving.input_tokens"] = control(hall.facility, "serving.input_tokens")
    (axes,) = screen.curve(hall, Change(), "serving.input_tokens", "pue").axes
    y = axes.lines[0].get_ydata()
    assert np.isfinite(y).any() and np.isnan(y).any()  # the measured fronts are of one length
    (axes,) = screen.curve(hall, Change(), "site.dry_bulb", "margin").axes
    assert axes.lines[0].get_ydata().min() < screen.LOWEST <= axes.get_ylim()[0]


def test_what_hardly_changes_is_drawn_flat(hall):
    (axes,) = screen.curve(hall, Change(), "chillers.units", "margin").axes
    low, high = axes.get_ylim()
    assert np.ptp(axes.lines[0].get_ydata()) < 1e-6 and high - low >= 0.02 * axes.lines[0].get_ydata()[0] * (1 - 1e-9)


@pytest.mark.parametrize("figure", screen.CURVES)
def test_every_figure_has_a_curve(hall, figure):
    (axes,) = screen.curve(hall, Change(), "site.dry_bulb", figure).axes
    assert np.isfinite(axes.lines[0].get_ydata()).all() and axes.get_ylabel().startswith(screen.CURVES[figure])


def test_a_card_tells_the_mean_power_of_a_rack(hall):
    answer = hall.solve(Change({"gb300_nvl72.chip_scale": 1.2}))
    racks = [n for n, m in hall.facility.models.items() if m == "gb300_nvl72"]
    mean = float(answer.result["rack_power"].sel(rack=racks).mean()) / 1e3
    assert by_key(screen.cards(hall, answer))["density"]["text"] == f"{mean:,.1f} kW"
