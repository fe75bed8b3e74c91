"""Computed air in the plant: heat that balances, air that goes astray, responses that carry it, faults and breaks."""

import json

import closet
import numpy as np
import pytest
from closet import ROOM, WALL
from typer.testing import CliRunner

import twin
from twin.air import field as room
from twin.air import turns as airflow
from twin.air.exchange import imposed
from twin.air.mesh import mesh
from twin.app.cli import app
from twin.facility.files import LayoutError
from twin.plant.compile import compile
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


def test_a_response_of_another_layout_is_refused(result):
    with pytest.raises(LayoutError, match="the response is of another layout: no 'r1' here"):
        twin.solve("gb300_hall", air=result.response)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"r1.it_power": [80e3], "r2.it_power": [60e3]}, id="ten times the power"),
        pytest.param({"r1.air_flow": [0.0]}, id="a rack's fans stopped"),
        pytest.param({"crah.air_flow": [0.05]}, id="a cooler that hardly blows"),
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
        if "error" in text:
            raise KeyboardInterrupt

    solved = twin.solve(layout, air=FINE, progress=stop)
    assert solved.air_solution.stopped and solved.ok
    assert solved.air_solution.rooms[0].mean.flushes > 3.0
    assert "hall: 0.2 m cells, turn 1: " in count[0] and "s left" in count[-1]


def test_sealed_compartments_are_faults(layout, tmp_path):
    sealed = tmp_path / "sealed.yaml"
    sealed.write_text(ROOM.replace("connections:\n", f"{WALL}connections:\n"))
    with pytest.raises(LayoutError, match=r"sealed compartment around .* m³/s; open a way out"):
        twin.solve(sealed, air=FINE)


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
