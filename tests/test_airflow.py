"""Computed air in the plant: heat that balances, air that goes astray, responses that carry it, faults and breaks."""

import json
import re
from dataclasses import replace
from functools import partial

import closet
import numpy as np
import pytest
from closet import ROOM, WALL
from typer.testing import CliRunner

import twin
from twin.air import field as room
from twin.air import turns as airflow
from twin.air.averaging import Averaging, Outcome, drifting, uncertainty
from twin.air.exchange import imposed, meshed
from twin.air.mesh import mesh
from twin.app.cli import app
from twin.app.common import CELL
from twin.facility.files import LayoutError
from twin.plant.compile import compile
from twin.show import screen
from twin.solver.steady import steady

FINE = twin.FiniteVolume(cell=0.2, tolerance=0.4, coarse=False, turns=3)


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    path = tmp_path_factory.mktemp("closet") / "closet.yaml"
    path.write_text(ROOM)
    return path


@pytest.fixture(scope="module")
def result(layout):
    return twin.solve(layout, air=FINE)


def test_field_and_plant_agree(result):
    """Heat that the field's coolers take is what the plant's coils take; inlets lie between supply and return."""
    dataset, room_air = result.dataset, result.air_solution.rooms[0]
    assert result.ok and abs(dataset["energy_audit"].item()) < 1e-9
    assert abs(dataset["air_heat_imbalance"].item()) < 5e-3
    assert dataset["air_divergence"].item() < 1e-5 and dataset["air_leak"].item() < 2e-3
    taken = room_air.mean.heat_out[0] / (dataset["crah_duty"] - dataset["crah_fan_power"]).sum().item()
    assert taken == pytest.approx(1.0, abs=5e-3)
    inlet = dataset["rack_inlet_temperature"].values[:, 0]
    assert np.abs(inlet - room_air.mean.inlet[:, 0]).max() < 0.3
    assert (inlet > 293.0).all() and (inlet < dataset["crah_intake_temperature"].item()).all()
    assert (dataset["rack_inlet_error"].values < 0.4).all()


def test_the_field_is_labelled_by_its_cells(result):
    field = result.field("hall")
    assert dict(field.sizes) == {"scenario": 1, "z": 14, "y": 10, "x": 30}
    assert 292.0 < float(field["temperature"].min()) < float(field["temperature"].max()) < 330.0
    damp = 611.65 * np.exp(17.27 * 10.0 / (10.0 + 237.3)), field["temperature"] - 273.15
    magnus = damp[0] / (611.65 * np.exp(17.27 * damp[1] / (damp[1] + 237.3)))
    np.testing.assert_allclose(field["relative_humidity"], magnus, rtol=0.02)
    np.testing.assert_allclose(field["dew_point_margin"], field["temperature"] - 283.15)
    with pytest.raises(LayoutError, match="no field of a room 'attic'; there are hall"):
        result.field("attic")


def test_a_response_says_again_what_was_computed_and_shifts_with_the_supply(result, layout):
    answer = result.response
    again = twin.solve(layout, air=answer)
    gap = again["rack_inlet_temperature"].values - result["rack_inlet_temperature"].values
    assert np.abs(gap).max() < 1e-6
    warm = twin.solve(layout, {"crah.set_point": [295.15]}, air=answer)
    shift = warm["rack_inlet_temperature"].values - again["rack_inlet_temperature"].values
    assert shift[:, 0] == pytest.approx([2.0, 2.0], abs=0.05)
    rooms = answer.rooms["hall"]
    assert rooms.supply.sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-3)
    assert (rooms.heat > -1e-6).all() and rooms.per_watt.shape == (2, 2)


def test_a_response_foresees_the_full_flow(result, layout):
    """Twice the heat at the same air: what the response adds to the inlets is what a new field adds, within 40 %."""
    hot = {"rack.air_rise": [20.0], "r1.it_power": [16e3], "r2.it_power": [12e3]}
    foreseen = twin.solve(layout, hot, air=result.response)["rack_inlet_temperature"].values
    computed = twin.solve(layout, hot, air=FINE)["rack_inlet_temperature"].values
    before = result["rack_inlet_temperature"].values
    assert np.abs(foreseen - computed).max() < 0.4 * np.abs(computed - before).max() + 0.4


def test_a_room_that_nothing_cools_is_not_computed_and_the_other_is(caplog):
    air = twin.FiniteVolume(cell=0.2, tolerance=2.0, coarse=False, turns=1)
    result = twin.solve(closet.many(2), {"a1_cooler.in_service": [0.0]}, air=air)
    assert [r.room for r in result.air_solution.rooms] == ["a2_hall"] and "not computed in a1_hall" in caplog.text
    assert result.ok and np.isfinite(result.field("a2_hall")["temperature"].min())
    powers = dict(zip(result["rack"].values, result["rack_power"].values[:, 0], strict=True))
    assert powers["a1_r1"] == powers["a1_r2"] == 0.0 and powers["a2_r1"] == pytest.approx(8e3)
    assert [text for text in result.warnings[0] if text.endswith("a1_r1 and 1 more trip")]


def test_a_response_of_another_layout_is_refused(result):
    with pytest.raises(LayoutError, match="the response is of another layout: no 'r1' here"):
        twin.solve("gb300_hall", air=result.response)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"r1.it_power": [80e3], "r2.it_power": [60e3]}, id="ten times the power"),
        pytest.param({"r1.air_flow": [0.0]}, id="a rack's fans stopped"),
        pytest.param({"crah.air_flow": [0.3]}, id="a cooler that hardly blows"),
    ],
)
def test_air_stays_finite(layout, changes):
    plant = compile(twin.load(layout), changes)
    solution = steady(plant)
    g = mesh(plant.facility, "hall", 0.2)
    _, _, loads = imposed(plant, solution, "hall", g)
    field = room.start_flow(g, loads)
    field.step(400)
    assert all(np.isfinite(a).all() for a in field.fields)


def test_scenarios_are_computed_together(layout):
    """Each scenario of a batch has the field that it has alone."""
    once = twin.FiniteVolume(cell=0.2, tolerance=1.0, coarse=False, turns=1)
    both = twin.solve(layout, {"crah.set_point": [293.15, 297.15]}, air=once)
    inlet = both["rack_inlet_temperature"].values
    assert inlet[:, 1] - inlet[:, 0] == pytest.approx([4.0, 4.0], abs=1.0)


def test_an_in_row_cooler_draws_the_hot_aisle(layout, tmp_path):
    """Beside the racks in a wall of panels, it blows into their cold aisle and takes back what they breathed."""
    path = tmp_path / "row.yaml"
    at = 'facing: "+x", size: [0.6 m, 1.6 m, 1.6 m], at: [10.4 m, 5.2 m, 0 m]'
    row = 'facing: "-x", size: [1 m, 0.4 m, 2 m], at: [13 m, 5.4 m, 0 m]'
    text = ROOM.replace(at, row).replace("at: [13 m, 5.2 m, 0 m]", "at: [13 m, 5.8 m, 0 m]")
    text = text.replace("at: [13 m, 6 m, 0 m]", "at: [13 m, 6.6 m, 0 m]").replace("width: 2 m", "width: 2.4 m")
    path.write_text(text.replace("  tank:", WALL.replace("0 m, 2 m", "0 m, 2.4 m") + "  tank:"))
    solved = twin.solve(path, air=twin.FiniteVolume(cell=0.2, tolerance=1.0, coarse=False, turns=2))
    inlet, back = solved["rack_inlet_temperature"].values, solved["crah_intake_temperature"].values
    assert np.abs(inlet - 293.15).max() < 1.0
    assert back.item() > inlet.max() + 5.0


def test_equal_rooms_are_computed_once(layout, monkeypatch, tmp_path):
    """Three rooms of one geometry, two of them equal: two columns of one field, and every room has its own names."""
    path = tmp_path / "three.yaml"
    path.write_text(closet.many(3).replace("it_power: 8 kW", "it_power: 16 kW", 1))
    columns, keep = [], airflow.start_flow
    count = lambda g, loads, *more, **options: columns.append(loads.scenarios) or keep(g, loads, *more, **options)  # noqa: E731
    monkeypatch.setattr(airflow, "start_flow", count)
    once = twin.FiniteVolume(cell=0.2, tolerance=1.0, coarse=False, turns=1)
    solved = twin.solve(path, air=once)
    assert columns == [2]
    inlet = solved["rack_inlet_temperature"].to_series().droplevel("scenario")
    assert inlet["a2_r1"] == pytest.approx(inlet["a3_r1"], abs=0.05)
    assert solved.field("a2_hall")["temperature"].equals(solved.field("a3_hall")["temperature"])
    assert not solved.field("a1_hall")["temperature"].equals(solved.field("a3_hall")["temperature"])
    racks = solved.air_solution.rooms[0].geometry.racks
    assert [t.name for t in racks] == ["a1_r1", "a1_r2"]


def test_ctrl_c_keeps_the_average(layout):
    count = []

    def stop(text):
        count.append(text)
        if "±" in text:
            raise KeyboardInterrupt

    solved = twin.solve(layout, air=FINE, progress=stop)
    assert solved.air_solution.stopped and solved.ok
    assert solved.air_solution.rooms[0].mean.flushes > 3.0
    assert re.fullmatch(r"\d+ s left: hall, 0.2 m, turn 1, flush \d+\.\d, ±\d\.\d\d K", count[-1])
    assert max(map(len, count)) + len("999 s, solving our_hall, ") < 80
    assert solved["air_outcome"].item() == Outcome.INTERRUPTED and "interrupted" in solved.dataset.attrs
    assert solved["warnings"].item().startswith("air of hall: interrupted on cells of 0.2 m: its inlets are")


@pytest.mark.parametrize("command", ["solve", "export"])
def test_ctrl_c_on_the_command_line_shows_the_average_and_ends_with_130(layout, tmp_path, monkeypatch, command):
    keep = airflow.average

    def stopped(flow, g, loads, **given):
        mean = keep(flow, g, loads, **given)
        return replace(mean, outcome=np.full_like(mean.outcome, Outcome.INTERRUPTED))

    monkeypatch.setattr(airflow, "average", stopped)
    file = tmp_path / "closet.vtp"
    more = ["-o", str(file)] if command == "export" else []
    done = CliRunner().invoke(app, [command, str(layout), "--air", "finite_volume", "--cell", "0.2 m", *more])
    assert done.exit_code == 130 and "interrupted: the air is the average so far" in done.stderr
    assert file.exists() if more else "r1" in done.stdout


def test_the_cells_of_the_command_line_are_those_of_the_model():
    assert f"{twin.FiniteVolume().cell:g} m" == CELL


def test_ctrl_c_before_the_first_average_says_that_nothing_is_kept(layout):
    def stop(text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="before the air of hall had an average: nothing is kept"):
        twin.solve(layout, air=FINE, progress=stop)


def test_an_average_begins_when_nothing_drifts_any_more():
    """Half a window against the other: a ramp drifts, scatter as large as its step does not, nor what is below 0.1."""
    parts = lambda *values: [np.array([[v, 300.0]]) for v in values]  # noqa: E731
    assert drifting(parts(1.0, 1.0), 0.1).tolist() == [True, True]
    assert drifting(parts(9.0, 0.0, 0.0, 0.0, 0.0), 0.1).tolist() == [False, False]
    assert drifting(parts(0.0, 0.3, 0.6, 0.9), 0.1).tolist() == [True, False]
    assert drifting(parts(0.0, 0.03, 0.06, 0.09), 0.1).tolist() == [False, False]
    assert drifting(parts(0.0, 1.0, 0.5, 1.5), 0.1).tolist() == [False, False]
    assert drifting(parts(0.0, 1.0, 2.0, 3.0), 0.1).tolist() == [True, False]


def test_inlets_that_swing_do_not_drift_unless_most_do():
    """Of 120 inlets that swing by 3 K some always seem to drift; a trend of 3 K a part in all of them is seen."""
    rng = np.random.default_rng(5)
    swings = rng.normal(0.0, 3.0, (4, 120, 200))
    each = np.array([drifting(list(swings[:, [i]]), 0.5) for i in range(120)])
    assert 0.2 < each.mean() < 0.4 and each.any(axis=0).all()
    assert not drifting(list(swings), 0.5).any()
    assert drifting(list(swings + 3.0 * np.arange(4)[:, None, None]), 0.5).all()
    swings[:, 1:] *= 0.01
    assert drifting(list(swings + 30.0 * np.arange(4)[:, None, None] * (np.arange(120) == 7)[:, None]), 0.5).all()


def test_means_of_few_flushes_are_known_as_often_as_is_said():
    """Of 2 to 20 means that scatter normally 95 of 100 intervals hold the truth; for 3, t is 4.303 by the tables."""
    rng = np.random.default_rng(6)
    for n in (2, 3, 5, 20):
        batches = rng.normal(20.0, 0.7, (n, 50, 400))
        held = np.abs(batches.mean(axis=0) - 20.0) < uncertainty(list(batches))
        assert held.mean() == pytest.approx(0.95, abs=0.006)
    assert uncertainty([np.array(v) for v in (1.0, 2.0, 3.0)]) == pytest.approx(4.303 / np.sqrt(3.0), rel=1e-4)
    assert np.isinf(uncertainty([np.zeros(2)])).all()


def test_air_that_does_not_settle_is_told_with_its_error(layout, monkeypatch, caplog):
    """A tolerance that no average of so few flushes meets, a spin-up that ends too early, too few turns."""
    monkeypatch.setattr(airflow, "Averaging", partial(Averaging, min_batches=2, max_batches=2))
    sharp = twin.solve(layout, air=replace(FINE, tolerance=1e-4))
    monkeypatch.setattr(airflow, "Averaging", partial(Averaging, max_spin_up=0.5))
    early = twin.solve(layout, air=replace(FINE, tolerance=1e-3, turns=1))
    monkeypatch.setattr(airflow, "Averaging", Averaging)
    short = twin.solve(layout, air=replace(FINE, tolerance=0.2, turns=1))
    for result, outcome, says in (
        (sharp, Outcome.ERROR_ABOVE_TOLERANCE, r"its inlets are known to ±\d\.\d\d K only, after \d+ flushes"),
        (early, Outcome.STILL_DRIFTING, "its inlets still drifted when the average began"),
        (short, Outcome.STILL_MOVING, r"its inlets moved by \d\.\d\d K in the last turn of field and plant"),
    ):
        assert result.ok and result["air_outcome"].item() == outcome
        assert re.search(says, caplog.text) and re.search(says, result["warnings"].item())


def test_scenarios_without_a_solution_have_no_average():
    """They have no error bar, and what moves in one scenario is not said of another."""
    air = twin.FiniteVolume(cell=0.6, rooms=("hall",), turns=1, coarse=False)
    result = twin.solve("gb300_hall", {"site.dry_bulb": [303.15, 368.15]}, air=air)
    assert result["air_outcome"].values.tolist() == [[Outcome.SETTLED, Outcome.NOT_SOLVED]]
    error, moved = result["rack_inlet_error"].values, result.air_solution.rooms[0].moved
    assert (error[:, 0] < 0.5).all() and np.isnan(error[:, 1]).all()
    assert 0.1 < moved[0] < 1.0 and moved[1] == 0.0


def test_air_that_would_be_left_out_is_refused(layout, tmp_path):
    done = CliRunner().invoke(app, ["bound", str(layout), "--secure", "n-1", "--air", "finite_volume"])
    assert done.exit_code == 2 and "--air: --secure searches with mixed air only" in done.output
    leaks = tmp_path / "leaks.yaml"
    leaks.write_text(ROOM.replace("type: rack, it_power: 8 kW", "type: rack, leak_area: 0.1, it_power: 8 kW"))
    with pytest.raises(LayoutError, match="r1: leak_area: air passes its whole front; give `air_span`"):
        twin.load(leaks)


@pytest.mark.parametrize(
    ("front", "words"),
    [
        ("air_span: [1.8 m, 0.3 m]", r"r1: air_span: 1.8 to 0.3 m: give heights upwards"),
        ("air_span: [[0.3 m, 0.6 m], [0.5 m, 0.9 m]]", r"r1: air_span: 0.5 to 0.9 m: give heights upwards"),
        ("air_span: [0.3 m, 9 m]", r"r1: air_span: 0.3 to 9 m: .* within its \d[\d.]* m"),
        ("air_width: 5 m", r"r1: air_width: 5 m is more than its \d[\d.]* m"),
    ],
)
def test_a_front_that_cannot_be_is_refused(tmp_path, front, words):
    path = tmp_path / "front.yaml"
    path.write_text(ROOM.replace("type: rack, it_power: 8 kW", f"type: rack, {front}, it_power: 8 kW", 1))
    with pytest.raises(LayoutError, match=words):
        twin.load(path)


def test_chassis_of_a_layout_are_those_of_its_room(tmp_path):
    """Two blocks of chassis 0.4 m wide: 0.4 times 0.6 m of the front are open on cells of 0.1 m."""
    path = tmp_path / "chassis.yaml"
    front = "air_span: [[0.3 m, 0.7 m], [1.2 m, 1.4 m]], air_width: 0.4 m"
    path.write_text(ROOM.replace("type: rack, it_power: 8 kW", f"type: rack, {front}, it_power: 8 kW"))
    first = mesh(twin.load(path), "hall", 0.1).racks[0]
    assert first.area == pytest.approx(0.24, rel=0.02)


def test_sealed_compartments_are_faults(layout, tmp_path):
    sealed = tmp_path / "sealed.yaml"
    sealed.write_text(ROOM.replace("connections:\n", f"{WALL}connections:\n"))
    with pytest.raises(LayoutError, match=r"sealed compartment around .* m³/s; open a way out"):
        twin.solve(sealed, air=FINE)


R1, COOLER = ", at: [13 m, 5.2 m, 0 m]", ", at: [10.4 m, 5.2 m, 0 m]"
WIRE = """\
  attic: {type: room, ventilation: 1 m3/s}
  wire: {type: house_load, power: 1 kW, room: attic, at: [12 m, 6 m, 0 m]}
  tank:"""
HALL_SIZE = "length: 6 m, width: 2 m, height: 2.8 m, "


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (R1, "", "room hall: r1 moves its air and has no place; give `at`, or solve with mixed air"),
        (COOLER, "", "room hall: cooler moves its air and has no place; give `at`, or solve with mixed air"),
        ("0.8 m, 2 m]" + R1, "0.8 m, 0 m]" + R1, "room hall: r1 moves its air and has no opening; give `size`"),
        ("at: [10 m, 5 m, 0 m], ", "", "room hall: at: give its place"),
        (HALL_SIZE, "", "room hall: length, width, height: not given, and its air is computed; give its size"),
        ("height: 2.8 m, ", "", "room hall: height: not given"),
        ('facing: "-x", size: [1 m, 0.8 m, 2 m]' + R1, "size: [1 m, 0.8 m, 2 m]" + R1, "rack r1: facing: not given"),
        ('facing: "+x", ', "", "crah cooler: facing: not given, and its room's air is computed; give one of +x, -x"),
        (
            "tank}",
            "tank, at: [12 m, 6 m, 0 m]}",
            "expansion_tank tank: room: stands in hall, whose air is computed, and",
        ),
        ("  tank:", WIRE, "house_load wire: room: stands in hall, whose air is computed, and belongs to attic; give"),
    ],
)
def test_what_moves_or_bars_computed_air_has_a_place(old, new, says):
    """Of computed air nothing is left out in silence: a forgotten optional field is refused by name and remedy."""
    text = ROOM.replace(old, new, 1) + "  - [power, grid.out, wire.feed]\n" * ("wire" in new)
    assert text != ROOM
    mixed = twin.solve(text)
    assert mixed.ok
    try:
        told = "\n".join(meshed(mixed.plant, mixed.solution, 0.2, None)[1])
    except LayoutError as error:
        told = str(error)
    assert says in told


def test_a_solve_refuses_what_a_mesh_reports():
    with pytest.raises(LayoutError, match="room hall: cooler moves its air and has no place"):
        twin.solve(ROOM.replace(COOLER, ""), air=FINE)
    with pytest.raises(LayoutError, match="hall: height: not given, and its air is computed; give its size"):
        twin.solve(ROOM.replace("height: 2.8 m, ", ""), air=FINE)


def test_racks_without_coordinates_are_named_up_to_six(tmp_path):
    """As inventories give racks: a room, and no place."""
    rack = "{type: rack, it_power: 1 kW, nameplate: 2 kW, air_flow: 0.1 m3/s, air_rise: 9 K, cords: 1, room: hall}"
    more = "".join(f"  x{k}: {rack}\n" for k in range(8))
    feeds = "".join(f"  - [power, grid.out, x{k}.feed]\n" for k in range(8))
    path = tmp_path / "inventory.yaml"
    path.write_text(ROOM.replace("  tank:", more + "  tank:") + feeds)
    run = CliRunner().invoke(app, ["mesh", str(path), "--cell", "0.2 m"])
    assert run.exit_code == 2 and re.search(r"^racks +2$", run.stdout, re.MULTILINE)
    assert "inventory.yaml: room hall: x0, x1, x2, x3, x4, x5 and 2 more move its air and have no place" in run.stderr


def test_heat_without_a_place_is_told(layout, tmp_path):
    """A load of 3 kW that stands nowhere: its heat is spread below the ceiling, and mesh, dataset and screen say so."""
    path = tmp_path / "lit.yaml"
    lit = "  lamp: {type: house_load, power: 3 kW, room: hall}\n  tank:"
    path.write_text(ROOM.replace("  tank:", lit) + "  - [power, grid.out, lamp.feed]\n")
    run = CliRunner().invoke(app, ["mesh", str(path), "--cell", "0.2 m", "--json"])
    assert json.loads(run.stdout)["rooms"]["hall"]["unplaced_heat_w"] == pytest.approx(3e3, rel=1e-6)
    quick = twin.FiniteVolume(cell=0.2, tolerance=2.0, coarse=False, turns=1)
    solved = twin.solve(path, air=quick)
    assert solved["air_unplaced_heat"].item() == pytest.approx(3e3, rel=1e-6)
    assert screen.air(solved)[-1] == ("heat without a place", "hall: 3.0 kW, spread below the ceiling")
    assert [name for name, _ in screen.air(twin.solve(layout, air=quick))] == ["computed air"]


def test_racks_of_rooms_that_a_response_does_not_carry_have_bounds_of_their_own():
    """They are solved by class, but bounded one by one."""
    facility = twin.load(closet.many(3))
    solved = twin.solve(facility, air=twin.FiniteVolume(cell=0.2, tolerance=2.0, coarse=False, turns=1))
    carried = twin.Response({"a1_hall": solved.response.rooms["a1_hall"]})
    results = [twin.solve(facility, air=carried, symmetry=symmetry) for symmetry in (True, False)]
    by_class, one_by_one = ({b.racks: b for b in twin.bound(result, per="rack")} for result in results)
    assert by_class.keys() == one_by_one.keys() >= {"a1_r1", "a2_r1", "a3_r2"}
    for name, bound in one_by_one.items():
        assert by_class[name].scale == pytest.approx(bound.scale, rel=2e-6)
        assert by_class[name].limit.element == bound.limit.element


def test_rooms_that_stay_mixed_and_ventilation_are_told(tmp_path, caplog):
    path = tmp_path / "two.yaml"
    text = closet.many(2).replace("height: 2.8 m", "height: 2.8 m, ventilation: 0.1 m3/s", 1)
    for name in ("a2_r1", "a2_r2", "a2_cooler"):
        text = re.sub(rf"(  {name}: .*\n.*), at: \[.*?\]", r"\1", text)
    path.write_text(text)
    quick = twin.FiniteVolume(cell=0.2, tolerance=2.0, coarse=False, turns=1)
    with caplog.at_level("WARNING", "twin"):
        solved = twin.solve(path, air=quick)
    assert list(solved["computed_room"].values) == ["a1_hall"]
    assert "air: mixed in a2_hall, in which no rack or cooler has a place" in caplog.messages
    assert "room a1_hall: its ventilation has no place and is no part of its computed air" in caplog.messages


def test_a_model_of_air_is_a_value_or_its_name():
    assert twin.FiniteVolume(cell="40 cm", tolerance="500 mK") == twin.FiniteVolume(cell=0.4, tolerance=0.5)
    assert airflow.model("finite_volume") == twin.FiniteVolume() and airflow.model(None) == twin.Mixed()
    assert twin.solve("dps_demo", air="mixed").air == twin.Mixed()
    for odd in ("fv", 5, "", {}, twin.FiniteVolume, twin.Mixed):
        with pytest.raises(LayoutError, match=r"is no model of air.*; give 'mixed' or 'finite_volume', Mixed"):
            twin.solve("dps_demo", air=odd)
    with pytest.raises(LayoutError, match="'finite volume' is no model of air; did you mean 'finite_volume'"):
        twin.solve("dps_demo", air="finite volume")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"cell": "0.4"}, "cell: 0.4 needs a unit"),
        ({"cell": "4 kW"}, "cell: '4 kW' has a unit of power, expected length"),
        ({"cell": -0.4}, "cell: -0.4: give a number above 0"),
        ({"cell": "0 m"}, "cell: '0 m': give a number above 0"),
        ({"cell": float("nan")}, "cell: nan: give a number above 0"),
        ({"cell": None}, "cell: None is not a quantity"),
        ({"cell": True}, "cell: True is not a quantity"),
        ({"tolerance": "1 m"}, "tolerance: '1 m' has a unit of length, expected temperature difference"),
        ({"rooms": "hall"}, "rooms: 'hall': give a list of names"),
        ({"rooms": None}, "rooms: None: give a list of names"),
        ({"turns": 0}, "turns: 0: give a whole number from 1"),
        ({"coarse": "no"}, "coarse: 'no': give true or false"),
        ({"turbulence": "les"}, "turbulence: 'les' is none of smagorinsky, wale, vreman, dynamic, zero_equation"),
        ({"momentum": "upwind"}, "momentum: 'upwind' is none of limited, central"),
        ({"precision": "float16"}, "precision: 'float16' is none of float32, float64"),
    ],
)
def test_what_no_computation_of_air_can_be_is_refused_in_one_line(given, says):
    with pytest.raises(LayoutError) as error:
        twin.FiniteVolume(**given)
    assert str(error.value).startswith(f"FiniteVolume: {says}") and "\n" not in str(error.value)


def test_a_room_that_is_not_there_is_named_with_the_nearest(layout):
    with pytest.raises(LayoutError, match="air: no room 'hal'; did you mean 'hall'"):
        twin.solve(layout, air=twin.FiniteVolume(rooms=("hal",)))


def test_options_of_computed_air_reach_it_from_the_command_line(layout):
    """Rooms, models, turns; what it has not, what is given twice, and any of it for mixed air is one line."""
    given = ["solve", str(layout), "--no-bound", "--json"]
    air = ["--air", "finite_volume", "--cell", "0.2 m"]
    chosen = ["rooms=hall", "turbulence=wale", "momentum=limited", "turns=1", "coarse=no", "tolerance=0.5 K"]
    sets = [option for text in chosen for option in ("--air-set", text)]
    ran = CliRunner().invoke(app, [*given, *air, *sets])
    assert ran.exit_code == 0, ran.output
    from twin.app.common import AirModel, air_model

    wanted = {"rooms": ("hall",), "turbulence": "wale", "momentum": "limited", "turns": 1, "coarse": False}
    assert air_model(AirModel.finite_volume, "0.2 m", chosen) == twin.FiniteVolume(0.2, 0.5, **wanted)
    for options, says in (
        ([*air, "--air-set", "walls=2"], "--air-set: 'walls=2' is not NAME=VALUE with one of tolerance, rooms, coarse"),
        ([*air, "--air-set", "turns=1", "--air-set", "turns=2"], "--air-set: 'turns=2': turns is set twice"),
        ([*air, "--air-set", "turbulence=les"], "FiniteVolume: turbulence: 'les' is none of smagorinsky"),
        (["--air-set", "turns=1"], "--air-set: 'turns=1' is of computed air: give --air finite_volume too"),
    ):
        ran = CliRunner().invoke(app, [*given, *options])
        assert ran.exit_code == 2 and says in ran.output and ran.output.count("\n") == 1


def test_rooms_without_places_are_an_error():
    with pytest.raises(LayoutError, match="no room has racks or coolers with places"):
        twin.solve("dsx_row", air=FINE)


def test_mesh_reports_cells_and_faults(layout):
    run = CliRunner().invoke(app, ["mesh", str(layout), "--cell", "0.2 m", "--json"])
    cells = json.loads(run.stdout)["rooms"]["hall"]
    assert run.exit_code == 0
    assert cells["cells"] == 4200 and cells["racks"] == 2 and cells["coolers"] == 1
    assert cells["rack_flow_m3_per_s"] == pytest.approx(14e3 / (1006 * 1.19 * 10), rel=0.02)
    for arguments, words in (
        (["--cell", "0.2"], "--cell: 0.2 needs a unit"),
        (["--cell", "3 m"], "cell 3 m"),
        (["--room", "attic"], "no room is called 'attic'"),
    ):
        run = CliRunner().invoke(app, ["mesh", str(layout), *arguments])
        assert run.exit_code == 2 and words in run.stderr


def test_bounds_by_row_and_rack(layout):
    bounds = twin.bound(layout, per="rack")
    assert [b.racks for b in bounds] == ["all", "r1", "r2"]
    assert [b.racks for b in twin.bound(layout, per="row")] == ["all", "r1 to r2"]
    assert min(bounds[1].scale, bounds[2].scale) >= bounds[0].scale - 1e-3
    with pytest.raises(LayoutError, match="per 'hall' is none of class, row, rack"):
        twin.bound(layout, per="hall")


def test_a_bound_is_solved_again_with_the_full_flow(layout):
    quick = twin.FiniteVolume(cell=0.2, tolerance=0.5, coarse=False, turns=2)
    bound = twin.bound(twin.solve(layout, air=quick))[0]
    assert bound.scale > 3.0  # far from the flow that the response knows
    assert bound.computed is not None
    assert 0.0 < bound.computed.difference < 6.0
    assert np.isfinite(bound.computed.margin)
