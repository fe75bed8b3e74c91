"""Hall air holds: ten times the power, a fan stopped, an opening closed, a raised floor, input that cannot be."""

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

import twin
from twin.air import field as room
from twin.air.exchange import NO_PLACES, imposed, meshed
from twin.air.geometry import geometry
from twin.air.mesh import mesh, rooms
from twin.air.parts import Part, Screen
from twin.app.cli import app
from twin.facility.files import LayoutError
from twin.plant.compile import compile
from twin.solver.steady import steady

RAISED = """\
version: 1
name: raised
description: Two racks on a raised floor before two coolers that blow into the plenum under it
site: {dry_bulb: 5 degC}
components:
  grid: {type: utility, voltage: 415 V, contract: 1 MW}
  hall: {type: room, at: [0 m, 0 m, 0 m], length: 6.4 m, width: 4 m, height: 3.6 m}
  floor: {type: screen, room: hall, at: [0 m, 0 m, 0.8 m], size: [6.4 m, 4 m, 0 m]}
  tank: {type: expansion_tank}
  pump: {type: pump, control: head, head: 90 kPa}
  dry: {type: dry_cooler, set_point: 8 degC}
repeat:
  - over: {k: 1..2}
    components:
      "r{k}": {type: rack, it_power: 8 kW, nameplate: 200 kW, air_flow: 0.8 m3/s, air_rise: 10 K, cords: 1, room: hall,
               facing: "-x", size: [1.2 m, 0.8 m, 2 m], at: [4 m, "{k * 0.8 + 0.4} m", 0.8 m]}
      "tile{k}": {type: screen, open_area: 0.25, room: hall, at: [2.8 m, "{k * 0.8 + 0.4} m", 0.8 m],
                  size: [1.2 m, 0.8 m, 0 m]}
      "breaker{k}": {type: pdu, rating: 100 kW}
      "cooler{k}": {type: crah, air_flow: 2 m3/s, capacity: 60 kW, conductance: 6 kW/K, water_flow: 2 kg/s,
                    set_point: 20 degC, facing: "+x", size: [0.8 m, 2 m, 2.4 m], outlet: [2 m, 0.8 m], intake: top,
                    at: [0 m, "{k * 2 - 2} m", 0 m], room: hall}
    connections:
      - [power, grid.out, "r{k}.feed"]
      - [power, grid.out, "breaker{k}.in"]
      - [power, "breaker{k}.out", "cooler{k}.feed"]
      - [coolant, dry.out, "cooler{k}.supply"]
      - [coolant, "cooler{k}.return", pump.in]
connections:
  - [power, grid.out, pump.feed]
  - [power, grid.out, dry.feed]
  - [coolant, pump.out, dry.in]
  - [coolant, tank.port, pump.in]
"""
COARSE = twin.FiniteVolume(cell=0.4, tolerance=1.0, coarse=False, turns=1)


class Hall(NamedTuple):
    """A room as coarse as its racks allow, and what its plant imposes on it."""

    facility: Any
    plant: Any
    solution: Any
    room: str
    cell: float
    geometry: Any
    loads: Any


@cache
def hall(name):
    """The room of a shipped layout with the most racks, or None where nothing has a place."""
    facility = twin.load(name)
    held = [p.room for p in facility.components.values() if p.kind.endswith("rack")]
    where = max(rooms(facility), key=held.count, default=None)
    if where is None:
        return None
    for cell in (0.8, 0.6, 0.4, 0.3, 0.2):
        try:
            g = mesh(facility, where, cell)
            break
        except LayoutError as error:
            assert "too coarse" in str(error)
    plant = compile(facility)
    solution = steady(plant)
    return Hall(facility, plant, solution, where, cell, g, imposed(plant, solution, where, g)[2])


def placed(name):
    return hall(name) or pytest.skip("no rack or cooler of it has a place")


def batch(loads, power, fans):
    """The loads of a scenario as several, with so many times the heat and shares of the coolers' flows (cooler, S)."""
    wide = lambda a: np.repeat(np.reshape(a, (-1, 1)), len(power), axis=1)  # noqa: E731
    hot = lambda a: wide(a) * power  # noqa: E731
    return room.Loads(
        wide(loads.rack_flow),
        hot(loads.rack_heat),
        wide(loads.cooler_flow) * fans,
        wide(loads.supply),
        {k: hot(v)[0] for k, v in loads.solids.items()},
        hot(loads.spread)[0],
        wide(loads.density)[0],
    )


def holds(g, loads):
    """One flush of air takes less than 3,000 steps, stays finite and within physical bounds, and conserves mass."""
    field, air = room.start_flow(g, loads), ~g.solid
    flush = (g.grid.volume * air).sum() / loads.cooler_flow.sum(axis=0).min()
    while field.time.min() < flush and field.steps < 3000:
        field.step(50)
    assert field.time.min() >= flush
    assert all(np.isfinite(a).all() for a in field.fields)
    heat = loads.rack_heat.sum(axis=0) + loads.spread + sum(loads.solids.values())
    flows = np.concatenate([loads.rack_flow, loads.cooler_flow])
    areas = [t.area for t in [*g.racks, *g.coolers]]
    rise = np.maximum(heat / loads.cooler_flow.sum(axis=0), (loads.rack_heat / loads.rack_flow).max(axis=0))
    rise = rise / loads.capacity
    warm = np.moveaxis(field.view("T"), 0, -1)[air] + room.REFERENCE - loads.supply.min()
    assert (warm > -0.1).all()
    assert (warm < 5.0 * rise).all()
    buoyant = np.sqrt(2.0 * 9.81 * g.grid.z.sum() * 5.0 * rise / room.REFERENCE)
    fastest = np.max([np.abs(field.view(c)).max(axis=(1, 2, 3)) for c in "uvw"], axis=0)
    assert (fastest < 5.0 * (flows.T / areas).max(axis=1) + buoyant).all()
    assert np.abs(field.divergence())[:, air].max() < 1e-5 * loads.cooler_flow.sum(axis=0).max()


def with_openings(h, names, open_area):
    parts = h.facility.components
    other = {n: parts[n].model_copy(update={"open_area": open_area}) for n in names}
    return replace(h.plant, facility=replace(h.facility, components={**parts, **other}))


def openings(h):
    return [n for n, p in h.facility.components.items() if p.room == h.room and getattr(p, "open_area", 0.0) > 0.0]


# ---- every shipped hall ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", twin.shipped())
def test_a_layout_has_a_hall_that_balances_or_says_that_it_has_none(name):
    h = hall(name)
    if h is None:
        with pytest.raises(LayoutError, match=f"^{name}.yaml: {NO_PLACES}$"):
            twin.solve(name, air=COARSE)
        return
    cells, faults = meshed(h.plant, h.solution, h.cell, h.room)
    assert not faults
    assert cells[h.room]["racks"] > 0 and cells[h.room]["coolers"] > 1


@pytest.mark.parametrize("name", twin.shipped())
def test_air_holds_at_ten_times_the_power_and_with_a_fan_stopped(name):
    h = placed(name)
    fans = np.ones((len(h.loads.cooler_flow), 4))
    fans[0, 2:] = 0.0
    holds(h.geometry, batch(h.loads, np.array([1.0, 10.0, 1.0, 10.0]), fans))


@pytest.mark.parametrize("name", twin.shipped())
def test_air_holds_when_openings_are_nearly_closed(name):
    h = placed(name)
    choked = mesh(with_openings(h, openings(h), 0.01).facility, h.room, h.cell)
    holds(choked, batch(h.loads, np.array([1.0, 10.0]), 1.0))


@pytest.mark.parametrize("name", twin.shipped())
def test_air_holds_or_has_no_way_out_when_an_opening_is_closed(name):
    h = placed(name)
    for opening in openings(h):
        plant = with_openings(h, [opening], 0.0)
        _, faults = meshed(plant, h.solution, h.cell, h.room)
        assert all("sealed compartment" in f and "open a way out" in f for f in faults)
        if not faults:
            holds(mesh(plant.facility, h.room, h.cell), h.loads)


def test_a_hall_of_the_campus_is_the_gb300_hall():
    campus, alone = hall("campus_1gw"), hall("gb300_hall")
    assert all((a == b).all() for a, b in zip(campus.geometry.closed, alone.geometry.closed, strict=True))
    assert len(campus.geometry.losses) == len(alone.geometry.losses)
    assert np.ravel(campus.loads.rack_flow) == pytest.approx(np.ravel(alone.loads.rack_flow))


# ---- a raised floor, through the whole solve ---------------------------------------------------------------------


def test_a_closed_tile_starves_its_rack():
    """The rack over a closed tile breathes warmer air than its neighbour, whose tile carries the flow of both."""
    solved = twin.solve(RAISED, overrides={"tile1.open_area": 0}, air=COARSE)
    inlet = solved["rack_inlet_temperature"].values[:, 0]
    assert solved.ok and np.isfinite(solved.field("hall").to_array()).all()
    assert inlet[0] > inlet[1] + 2.0
    assert abs(solved["air_heat_imbalance"].item()) < 5e-3


def test_a_floor_without_an_open_tile_is_a_fault():
    with pytest.raises(LayoutError, match=r"room hall: the sealed compartment around .* m³/s; open a way out"):
        twin.solve(RAISED, overrides={"screen.open_area": 0}, air=COARSE)


def test_ten_times_the_power_and_a_cooler_without_power_stand_beside_a_scenario_without_solution():
    power, fed = [8e3, 80e3, 8e3, 1.9e6], [1, 1, 0, 1]
    solved = twin.solve(RAISED, {"rack.it_power": power, "breaker1.in_service": fed}, air=COARSE)
    usual, hot, still, _ = solved["rack_inlet_temperature"].values.T
    assert list(solved["status"].values > 0) == [False, False, False, True]
    assert "cannot reject the heat" in solved["reason"].values[3]
    assert np.isfinite(solved.field("hall").to_array()).all()
    assert solved["crah_air_flow"].values[0, 2] == 0.0
    assert (usual > 293.0).all() and (hot > usual + 5.0).all() and (hot < 330.0).all()
    assert still.max() > usual.max() + 0.5
    assert (np.abs(solved["crah_intake_temperature"].values[:, [0, 2]] - 300.0) < 60.0).all()


def test_what_shapes_a_room_is_no_scenario():
    for what in ("tile1.open_area", "hall.height"):
        with pytest.raises(LayoutError, match=f"{what}: .* shapes the plant"):
            twin.solve(RAISED, {what: [0.1, 0.2]})


# ---- screens and equipment ---------------------------------------------------------------------------------------

SIZE = (5.0, 2.0, 2.4)
COOLER = Part("cooler", "cooler", (0.4, 0.0, 0.0), (1.0, 2.0, 2.0), intake="top")
SOLID = Part("solid", "solid", (2.0, 0.0, 0.0), (3.0, 1.0, 2.0))


def floor(name="floor", low=(0.0, 0.0, 1.0), high=(5.0, 2.0, 1.0), open_area=0.0):
    return Screen(name, low, high, 2, open_area)


@pytest.mark.parametrize("open_area", [0.0, 0.3])
def test_a_screen_has_a_hole_where_equipment_stands(open_area):
    """Neither closes nor opens what is inside a cooler or on the skin of something solid."""
    bare = geometry(SIZE, 0.2, [COOLER, SOLID], [])
    for z in (1.0, 2.0):
        hung = geometry(SIZE, 0.2, [COOLER, SOLID], [floor(low=(0, 0, z), high=(5, 2, z), open_area=open_area)])
        for x, y in ((slice(2, 5), slice(0, 10)), (slice(10, 15), slice(0, 5))):
            assert (hung.closed[2][:, y, x] == bare.closed[2][:, y, x]).all()
        assert sum(len(at) for _, at, _ in hung.losses) == (250 - 30 - 25 if open_area else 0)


@pytest.mark.parametrize(
    ("screens", "words"),
    [
        ([floor(open_area=0.3), floor("tile", (1.0, 0.0, 1.0), (1.6, 0.6, 1.0))], "tile: closes nothing, as all of it"),
        ([floor("tile", (5.0, 0.0, 1.0), (5.6, 0.6, 1.0))], "tile: stands outside its room"),
        ([floor(low=(0, 0, 0), high=(5, 2, 0), open_area=0.3)], "floor: a screen that lets air through cannot lie in"),
    ],
)
def test_a_screen_that_does_nothing_is_a_fault(screens, words):
    assert words in " ".join(geometry(SIZE, 0.2, [], screens).faults)


def test_cells_that_are_too_coarse_are_a_fault_that_names_what_would_do():
    near = Part("rack", "rack", (0.6, 0.0, 0.0), (1.6, 2.0, 2.0))
    assert "rack: cells of 1.7 m are too coarse to part it from the wall; give at most 0.6 m" in " ".join(
        geometry(SIZE, 1.6, [near], []).faults
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cell", "0.4"], "--cell: 0.4 needs a unit"),
        (["--cell", "-1 m"], "raised.yaml: room hall: cell -1 m: give more than 0"),
        (["--cell", "2 m"], "raised.yaml: room hall: cell 2 m: give more than 0 and at most a third of 3.6 m"),
        (["--cell", "1 um"], "raised.yaml: room hall: cell 1e-06 m: makes more than the 100,000,000 cells"),
        (["--room", "halls"], "raised.yaml: mesh: no room is called 'halls'; did you mean 'hall'?; there are hall"),
        (["--set", "tile1.open_area=2"], "raised.yaml: screen tile1: open_area: 200 % is above 95 %"),
        (["--set", "screen.open_area=0"], "raised.yaml: room hall: the sealed compartment"),
    ],
)
def test_a_mesh_that_cannot_be_is_one_clear_fault(tmp_path, arguments, words):
    path = tmp_path / "raised.yaml"
    path.write_text(RAISED)
    run = CliRunner().invoke(app, ["mesh", str(path), *arguments])
    assert run.exit_code == 2
    assert words in run.stderr
    assert "Traceback" not in run.output
