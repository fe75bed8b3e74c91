"""Air of racks and coolant beside ASHRAE's classes: each bound at its published value, margins in kelvins."""

from math import exp, log

import numpy as np
import pytest
import xarray as xr
from physics.benches import bench, heater, holder, limit, mover, of

import twin
from twin.results.envelopes import ROUNDING
from twin.results.limits import margins
from twin.show.screen import recommended

K = 273.15
CLASSES = {
    "A1": (15.0, 32.0, 17.0, 0.80, 27.0),
    "A2": (10.0, 35.0, 21.0, 0.80, 27.0),
    "A3": (5.0, 40.0, 24.0, 0.85, 27.0),
    "A4": (5.0, 45.0, 24.0, 0.90, 27.0),
    "H1": (5.0, 25.0, 17.0, 0.80, 22.0),
}
"""Allowable dry bulbs, highest dew point, degC, and humidity; highest recommended dry bulb [ASHRAE TC 9.9, 2021]."""

RACK = "rack: {type: rack, it_power: 1 kW, nameplate: 1 kW, air_flow: 0.1 m3/s, cords: 1, air_class: %s}"


def dew_point(t, humidity):
    """Dew or frost point [degC] of air at t [degC] by Magnus' formula [Alduchov and Eskridge 1996]."""
    vapour = log(humidity) + 17.625 * t / (243.04 + t)
    if vapour > 0:
        return 243.04 * vapour / (17.625 - vapour)
    vapour += log(610.94 / 611.21)
    return 273.86 * vapour / (22.587 - vapour)


def breathing(name, points, **site):
    """A rack outdoors in air of dry bulbs and dew points [degC]."""
    given = {"site.dry_bulb": [t + K for t, _ in points], "site.dew_point": [d + K for _, d in points]}
    return twin.solve(bench(RACK % name, ""), given | {f"site.{k}": v for k, v in site.items()})


@pytest.mark.parametrize("name", CLASSES)
def test_air_of_a_class_is_allowable_up_to_each_of_its_bounds(name):
    """One kelvin or less inside, and outside, of dry bulb, dew point and humidity; -12 degC and 8 % are the driest."""
    low, high, damp, humid, _ = CLASSES[name]
    points = {
        (low + 1.0, low - 6.0): 1.0,
        (low - 2.0, low - 9.0): -2.0,
        (high - 1.0, 10.0): 1.0,
        (high + 3.0, 10.0): -3.0,
        (min(damp + 6.0, high - 1.0), damp - 0.5): 0.5,
        (damp + 6.0, damp + 3.0): -3.0,
        (18.4, dew_point(18.0, humid)): 0.4,
        (17.0, dew_point(18.0, humid)): -1.0,
        (16.0, -11.5): 0.5,
        (16.0, -14.0): -2.0,
        (23.6, dew_point(24.0, 0.08)): 0.4,
        (24.8, dew_point(24.0, 0.08)): -0.8,
    }
    found = of(breathing(name, list(points)), "rack_allowable_margin")
    np.testing.assert_allclose(found, list(points.values()), atol=0.03)


@pytest.mark.parametrize("name", CLASSES)
def test_recommended_air_is_narrower(name):
    """18 to 27, H1 22 degC, dew points of -9 to 15 degC, up to 70 %."""
    high = CLASSES[name][4]
    points = {
        (19.0, 5.0): 1.0,
        (17.0, 5.0): -1.0,
        (high - 1.0, 5.0): 1.0,
        (high + 2.0, 5.0): -2.0,
        (21.5, 14.7): 0.3,
        (21.9, 15.4): -0.4,
        (20.0, -8.6): 0.4,
        (20.0, -10.0): -1.0,
        (19.4, dew_point(19.0, 0.7)): 0.4,
        (18.5, dew_point(19.0, 0.7)): -0.5,
    }
    found = of(breathing(name, list(points)), "rack_recommended_margin")
    np.testing.assert_allclose(found, list(points.values()), atol=0.03)


@pytest.mark.parametrize(("name", "warmest"), [("A1", 32 - 2150 / 300), ("A2", 27.0), ("H1", 25 - 2150 / 500)])
def test_recommended_air_ends_where_the_allowable_does_in_thin_air(name, warmest):
    """At 3,050 m A1 is allowable up to 24.83 degC and H1 up to 20.7 degC; A2 up to 27.83 degC, above what is better."""
    found = of(breathing(name, [(20.0, 5.0)], elevation=[3050.0]), "rack_recommended_margin")
    assert found == pytest.approx(min(warmest - 20.0, 2.0), abs=1e-9)
    warm = of(breathing(name, [(29.0, 5.0)], elevation=[3050.0]), "rack_recommended_margin")
    assert warm == pytest.approx(warmest - 29.0, abs=1e-9)


def told(result, scenario=0):
    """Aims of racks that are missed, and what is said of them."""
    m = margins(result.solution, aims=True)
    missed = set(m.name[m.margin[:, scenario] < 0])
    return missed, [t for t in result.warnings[scenario] if "rack_" in t]


def test_moisture_and_height_beyond_a_class_are_told_and_bound_nothing():
    points = [(24.0, 10.0), (24.0, 22.0), (24.0, -13.0), (12.0, 11.0), (35.0, -9.0)]
    result = breathing("A2", points)
    missed = [told(result, i)[0] for i in range(5)]
    assert missed == [set(), {"rack_dew_point"} | {"rack_humidity"}, {"rack_dew_point_low", "rack_humidity_low"},
                      {"rack_humidity"}, {"rack_humidity_low"}]  # fmt: skip
    damp = told(result, 3)[1]
    assert damp == ["rack: rack_humidity: 93.6 %, at most 80.0 %: humidity of a rack's air, by its class"]
    assert not result["limit_exceeded"].any() and not {"rack_humidity", "rack_dew_point"} & set(result.margins.name)
    high = breathing("A2", [(20.0, 5.0)] * 2, elevation=[3050.0, 3051.0])
    assert [told(high, i)[0] for i in (0, 1)] == [set(), {"rack_elevation"}]
    quiet = bench(RACK % "A2", "", "dry_bulb: 12 degC, dew_point: 11 degC") + "limits: {ignore: [rack_humidity]}\n"
    assert told(twin.solve(quiet)) == (set(), [])


def test_air_of_a_room_has_the_moisture_of_the_room():
    """A room keeps its dew point, at least that of the weather where it is ventilated."""
    hall = "hall: {type: room, ventilation: %s m3/s, dew_point: 6 degC}\n" + RACK.replace("%s}", "A1, room: hall}")
    cooled = hall % 0 + "\nfan: {type: fan_wall, room: hall, set_point: 22 degC}\n" + holder(20) + mover(1e-3)
    joints = "cool.out > fan.supply\nfan.return > pump.in\npump.out > cool.in\ntank.port > cool.out"
    site = "dry_bulb: 22 degC, dew_point: 19 degC"
    for layout, dew in ((bench(hall % 1, "", site), 19.0), (bench(cooled, joints, site), 6.0)):
        (row,) = twin.solve(layout).envelopes()
        assert row.dew_point == pytest.approx(dew + K) and row.stated == "A1"
        assert row.relative_humidity == pytest.approx(exp(17.625 * (dew / (243.04 + dew) - (row.temperature - K) /
                                                          (243.04 + row.temperature - K))), rel=3e-3)  # fmt: skip
        assert (row.allowable < 0) == (dew > 17)


def test_racks_without_fans_or_service_have_no_air_to_judge():
    still = bench((RACK % "A2").replace("0.1 m3/s", "0 m3/s"), "")
    assert twin.solve(still).envelopes() == () and np.isnan(of(twin.solve(still), "rack_allowable_margin")).all()
    result = twin.solve(bench(RACK % "A2", ""), {"rack.in_service": [1.0, 0.0], "site.dew_point": [280.0, 250.0]})
    assert len(result.envelopes(0)) == 1 and result.envelopes(1) == () and told(result, 1) == (set(), [])


COOLED = """
    cdu: {type: cdu, tcs_fluid: water, set_point: 40 degC, cords: 1%s}
"""
JOINTS = """
    cool.out > cdu.fws_supply
    cdu.fws_return > pump.in
    pump.out > cool.in
    tank.port > cool.out
    cdu.tcs_supply > rack.supply
    cdu.tcs_return > rack.return
"""


def cooled(cdu="", **scenarios):
    """A rack on a CDU on facility water of a given temperature."""
    text = bench(holder(30) + COOLED % cdu + heater(20e3) + mover(2e-3), JOINTS)
    return twin.solve(text, {k.replace("__", "."): v for k, v in scenarios.items()})


@pytest.mark.parametrize(("name", "warmest"), [("W17", 17), ("W27", 27), ("W32", 32), ("W40", 40), ("W45", 45)])
def test_facility_water_of_a_class_is_from_two_degrees_to_its_number(name, warmest):
    """Fifth edition of ASHRAE TC 9.9's guidelines, 2021; what is met to rounding is met."""
    supplies = np.array([warmest - 3.0, warmest, warmest + 0.5])
    result = cooled(f", water_class: {name}", cool__set_point=supplies + K)
    value, bound = limit(result, "facility_water_class", "cdu")
    np.testing.assert_allclose(value - K, supplies, atol=1e-6)
    np.testing.assert_allclose(bound - K, warmest)
    m = result.margins
    cold = m.name == "facility_water_class_cold"
    np.testing.assert_allclose(m.margin[cold][0], supplies - 2.0, atol=1e-6)
    passed = [{b.name for b in result.worst(i) if b.margin < -ROUNDING} for i in range(3)]
    assert ["facility_water_class" in names for names in passed] == [False, False, True]
    classes = ["W17", "W27", "W32", "W40", "W45", "W+"]
    after = classes[classes.index(name) + 1]
    assert list(of(result, "cdu_required_water_class")) == [name, name, after]


def test_water_of_any_warmth_is_of_the_class_plus_and_unchecked_where_none_is_stated():
    warm, free = cooled(", water_class: W+", cool__set_point=[60.0 + K]), cooled(cool__set_point=[60.0 + K])
    assert "facility_water_class" not in warm.margins.name and "facility_water_class_cold" in warm.margins.name
    assert not {n for n in free.margins.name if "class" in n}
    water = {e.element: e for e in free.envelopes()}["cdu"]
    assert (water.name, water.stated, water.required) == ("water_class", "", "W+") and np.isnan(water.allowable)


@pytest.mark.parametrize(("name", "warmest"), [("S30", 30), ("S40", 40), ("S45", 45), ("S50", 50)])
def test_coolant_of_a_class_is_not_warmer_than_its_number(name, warmest):
    joints = "cool.out > rack.supply\nrack.return > pump.in\npump.out > cool.in\ntank.port > cool.out"
    layout = bench(holder(30) + heater(20e3, f", loop_class: {name}") + mover(2e-3), joints)
    supplies = np.array([warmest, warmest + 1.0])
    result = twin.solve(layout, {"cool.set_point": supplies + K})
    value, bound = limit(result, "loop_class", "rack")
    np.testing.assert_allclose(bound - K, warmest)
    np.testing.assert_allclose(value - K, supplies, atol=1e-6)
    rows = [e for i in (0, 1) for e in result.envelopes(i)]
    after = {"S30": "S40", "S40": "S45", "S45": "S50", "S50": ""}[name]
    assert [(r.name, r.stated, r.required) for r in rows] == [("loop_class", name, c) for c in (name, after)]
    np.testing.assert_allclose([r.allowable for r in rows], [0.0, -1.0], atol=1e-6)
    assert list(of(result, "rack_required_loop_class")) == [name, after]


def test_classes_that_are_none_are_refused():
    with pytest.raises(twin.LayoutError, match=r"cdu: water_class: .*'W40'"):
        cooled(", water_class: W4")
    with pytest.raises(twin.LayoutError, match=r"rack: loop_class: .*'S45'"):
        twin.solve(bench(heater(20e3, ", loop_class: S35"), ""))
    with pytest.raises(twin.LayoutError, match="water_class"):
        cooled(cdu__water_class=[17.0])


def test_envelopes_of_a_scenario_do_not_depend_on_its_neighbours(small, tmp_path):
    given = {"site.dry_bulb": [295.15, 303.15, 308.15], "fan.set_point": [293.15, 297.15, 301.15]}
    batch = twin.solve(small, given)
    names = ("rack_recommended_margin", "rack_allowable_margin", "cdu_required_water_class", "rack_required_loop_class")
    for i in range(3):
        alone = twin.solve(small, {k: v[i : i + 1] for k, v in given.items()})
        assert alone.envelopes() == batch.envelopes(i) or str(alone.envelopes()) == str(batch.envelopes(i))
        for name in names:
            np.testing.assert_array_equal(batch[name].values[:, i], alone[name].values[:, 0])
    rows = {e.element: e.allowable for e in batch.envelopes(2) if e.name == "air_class"}
    np.testing.assert_array_equal(batch["rack_allowable_margin"].values[:, 2], [rows[r] for r in batch["rack"].values])
    for ending, engine, more in (("nc", "h5netcdf", {}), ("zarr", "zarr", {"consolidated": False})):
        with xr.open_dataset(batch.write(tmp_path / f"small.{ending}"), engine=engine, **more) as back:
            np.testing.assert_array_equal(back["cdu_required_water_class"].values, batch[names[2]].values)


def test_the_screen_tells_of_recommended_air_only_where_racks_leave_it(small):
    """All racks breathe alike; the one of H1 is five kelvins farther out than those of A2."""
    warmer = {"fan.set_point": "28 degC", "r3.air_class": "H1"}
    cool, warm = twin.solve(small), twin.solve(twin.load(small, overrides=warmer))
    inlet = warm["rack_inlet_temperature"].max().item() - K
    assert recommended(cool) == []
    ((label, text),) = recommended(warm)
    assert label == "recommended air" and inlet > 28.0
    far = f"r3 by {inlet - 22.0:.1f} K at {inlet:.1f} degC, dew point 10.0 degC"
    assert text == f"8 of 8 racks are outside its envelope, {far}"
