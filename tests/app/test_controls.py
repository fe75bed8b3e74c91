"""Sliders: they start where the layout stands, stay within what its fields allow, and say what they cannot be."""

import numpy as np
import pytest

import twin
from twin.app.web.controls import addresses, clash, control, controls, humidity
from twin.facility.files import LayoutError
from twin.facility.scenarios import declarations, out_of_bounds, read

HALLS = ("gb300_hall", "h200_hall", "gb300_hall_800vdc", "frontier", "summit", "dsx_row", "dps_demo")


@pytest.fixture(scope="module")
def hall():
    return twin.load("gb300_hall")


def stated(facility, address):
    if address == "site.relative_humidity":
        return humidity(facility)
    if address == "site.dry_bulb":
        return facility.site.dry_bulb
    head, _, field = address.rpartition(".")
    names = [head] if head in facility.components else [n for n, m in facility.models.items() if m == head]
    (value,) = {getattr(facility.components[n], field) for n in names}
    return value


@pytest.mark.parametrize("name", HALLS)
def test_sliders_start_where_the_layout_stands(name):
    facility = twin.load(name)
    found = controls(facility)
    assert [c.address for c in found[:2]] == ["site.dry_bulb", "site.relative_humidity"]
    assert len({c.address for c in found}) == len({c.label for c in found}) == len(found)
    for c in found:
        value = stated(facility, c.address)
        assert c.low <= c.start <= c.high and c.low < c.high and c.step > 0, c
        assert (c.high - c.low) / c.step < 500
        assert not c.moved(c.start)
        if value is None:
            assert c.open and c.start == c.high and c.text(c.start) == "null" and c.shown(c.start) == "none"
        else:
            assert c.si(c.start) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("name", HALLS)
def test_all_that_a_slider_spans_is_within_the_bounds_of_its_field(name):
    facility = twin.load(name)
    for c in controls(facility):
        ends = np.array([c.si(v) for v in (c.low, c.high)])
        assert out_of_bounds(c.address, declarations(facility, c.address), ends) == "", c
        if c.stated(c.high):
            assert read(facility, {c.address: ends[-1:]}).size == 1


def test_bounds_that_a_field_excludes_and_checks_of_a_component_are_kept():
    found = {c.address: c for c in controls(twin.load("frontier"))}
    assert found["ctw_pumps.pumps"].low == 2.0  # of which two always run
    hall = twin.load("gb300_hall")
    assert control(hall, "gb300_nvl72.power_factor").low > 0.0 and control(hall, "room.bypass").high < 100.0
    for address in ("gb300_nvl72.power_factor", "room.bypass", "serving.availability", "serving.input_tokens"):
        c = control(hall, address)
        ends = np.array([c.si(c.low), c.si(c.high)])
        assert out_of_bounds(address, declarations(hall, address), ends) == ""


def test_humidity_is_that_of_the_stated_moisture(hall):
    assert humidity(hall) == pytest.approx(0.4506, abs=2e-4)  # 30 degC and 21 degC wet bulb at 200 m, of CoolProp
    assert humidity(twin.load("gb300_hall", overrides={"site.relative_humidity": "37 %"})) == 0.37
    damp = twin.load("gb300_hall", overrides={"site.dew_point": "30 degC"})
    assert humidity(damp) == pytest.approx(1.0, abs=1e-12)
    bare = twin.load("dps_demo")
    assert bare.site.wet_bulb is bare.site.dew_point is bare.site.relative_humidity is None and humidity(bare) == 0.5


def test_a_range_is_read_as_sweeps_have_it(hall):
    c = control(hall, "hall_cdu.set_point", "30..46 degC")
    assert (c.low, c.high, c.start, c.unit, c.si(40.0)) == (30.0, 46.0, 40.0, "degC", 313.15)
    c = control(hall, "fws_pumps.pumps", "1..4")
    assert (c.low, c.high, c.step) == (1.0, 4.0, 1.0)
    c = control(hall, "utility.contract", "8..15 MW/8")
    assert (c.low, c.high, c.step, c.shown(12.5), c.text(12.5)) == (8.0, 15.0, 1.0, "12.5 MW", "12.5 MW")
    assert control(hall, "hall_cdu.set_point", "42..46 degC").low == 40.0  # where it starts is within
    c = control(hall, "hall_cdu.tcs_flow", "15..25 kg/s")
    assert (c.low, c.high, c.step) == (15.0, 25.0, 0.05)


def test_what_is_not_stated_stands_at_the_end_of_its_slider():
    row = twin.load("dsx_row")  # whose utility has no contract
    c = control(row, "utility.contract", "0.8..1.5 MW")
    assert c.open and c.start == c.high > 1.5 and c.shown(c.start) == "none" and c.shown(1.5) == "1.5 MW"
    with pytest.raises(LayoutError, match="states no value to start from"):
        control(row, "utility.contract")


@pytest.mark.parametrize("cap", [200, 1500, 2000])
def test_a_stated_cap_is_within_its_slider(cap):
    facility = twin.load("gb300_hall", overrides={"gb300_nvl72.power_cap": f"{cap} W"})
    c = next(c for c in controls(facility) if c.address == "gb300_nvl72.power_cap")
    assert c.low <= cap == c.start < c.high and c.shown(c.start).startswith(f"{cap:,}") and c.shown(c.high) == "none"


def test_two_sliders_of_one_field_are_refused(hall):
    found = {c.address: c for c in controls(hall)}
    assert clash(hall, found, control(hall, "liquid_rack.utilisation")) == "gb300 nvl72 (64) utilisation"
    assert clash(hall, found, control(hall, "gb300_nvl72.utilisation")) == ""
    assert clash(hall, found, control(hall, "network_rack.utilisation")) == ""


def test_without_a_range_a_rule_gives_one(hall):
    c = control(hall, "utility.contract")
    assert (c.low, c.high, c.start, c.unit) == (6.25, 18.75, 12.5, "MW")
    c = control(hall, "gb300_nvl72.air_rise")
    assert c.unit == "K" and c.low < c.start < c.high


@pytest.mark.parametrize(
    ("address", "text", "said"),
    [
        ("nothing.at_all", "", "nothing here is called 'nothing'"),
        ("site.drybulb", "", "did you mean 'dry_bulb'"),
        ("utility.voltage", "", "shapes the plant"),
        ("rack.it_power", "", "states several values"),
        ("gb300_nvl72.rack_cap", "", "states no value to start from"),
        ("site.dry_bulb", "5..x", "'5..x' is not a number with a unit"),
        ("site.dry_bulb", "uniform(5 degC, 6 degC)", "is no range"),
        ("site.dry_bulb", "5..600 degC", "outside its bounds"),
        ("site.dry_bulb", "5 degC", "is no range"),
        ("utility.contract", "8..8 MW", "is no range"),
    ],
)
def test_what_no_slider_can_move_is_told(hall, address, text, said):
    with pytest.raises(LayoutError, match=f"^slider {address}") as caught:
        control(hall, address, text)
    assert said in str(caught.value) and "/201" not in str(caught.value)


@pytest.mark.parametrize("name", HALLS)
def test_every_address_that_is_offered_has_a_slider(name):
    facility = twin.load(name)
    offered = addresses(facility)
    assert len(offered) == len(set(offered)) > 60
    for address in offered:
        c = control(facility, address)
        assert c.low <= c.start <= c.high and c.low < c.high, c


def test_only_numbers_that_may_vary_are_offered(hall):
    offered = addresses(hall)
    assert len(offered) > 300
    assert "gb300_nvl72.rack_cap" not in offered and "utility.voltage" not in offered
