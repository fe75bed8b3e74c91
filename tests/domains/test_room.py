"""Rooms as cells: geometry that cannot be, sealed compartments, heat that balances, containment that holds."""

import numpy as np
import pytest

import twin
from twin.air.averaging import Averaging, average
from twin.air.compartments import unbalanced
from twin.air.field import DENSITY, Loads, map_fields, start_flow
from twin.air.geometry import geometry
from twin.air.mesh import mesh, rooms, summary
from twin.air.parts import Part, Screen, perforated
from twin.domains.compute import AIR_HEAT
from twin.facility.files import LayoutError

HEAT = AIR_HEAT * DENSITY
SIZE = (5.0, 2.0, 2.4)
RACK = Part("rack", "rack", (2.0, 0.0, 0.0), (3.0, 2.0, 2.0))
COOLER = Part("cooler", "cooler", (0.4, 0.0, 0.0), (1.0, 2.0, 2.0))
LID = Screen("lid", (1.0, 0.0, 2.0), (2.0, 2.0, 2.0), 2)


def loads(rack=1.0, cooler=1.0, watts=10e3):
    one = np.ones((1, 1))
    return Loads(rack * one, watts * one, cooler * one, 291.15 * one)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([Part("r", "rack", (4.5, 0, 0), (5.5, 1, 2))], "r: stands outside its room"),
        ([RACK, Part("r", "rack", (2.5, 0.5, 0), (3.5, 1.5, 2))], "r: overlaps rack"),
        ([Part("r", "rack", (0, 0, 0), (1, 1, 2))], "r: draws its air from the wall"),
        ([Part("c", "cooler", (4, 0, 0), (5, 1, 2))], "c: blows its air into the wall"),
        ([Part("s", "solid", (1, 0, 0), (2, 2, 2.4)), RACK], "rack: something solid stands right before its intake"),
    ],
)
def test_what_cannot_stand_so_is_a_fault(parts, words):
    assert words in " ".join(geometry(SIZE, 0.2, parts, []).faults)


def test_a_sealed_compartment_that_gains_air_is_a_fault():
    open_aisle, sealed = (geometry(SIZE, 0.2, [RACK, COOLER], s) for s in ([], [LID]))
    assert unbalanced(open_aisle, np.array([[1.0], [1.5]])) == []
    assert unbalanced(sealed, np.array([[1.0], [1.0]])) == []
    message = " ".join(unbalanced(sealed, np.array([[1.0, 1.0], [1.0, 1.5]])))
    assert "the sealed compartment around (1.5, 1.0, 1.0) m gains 0.50 m³/s" in message
    assert "loses 0.50 m³/s" in message


def test_a_contained_aisle_keeps_the_supply_temperature_and_heat_balances():
    g = geometry(SIZE, 0.2, [RACK, COOLER], [LID])
    flow = start_flow(g, loads())
    mean = average(flow, g, loads(), averaging=Averaging(tolerance=0.05, window=4.0, max_batches=4))
    assert mean.inlet[0, 0] == pytest.approx(291.15, abs=0.05)  # the rack's heat diffuses a little upstream
    assert mean.intake[0, 0] == pytest.approx(291.15 + 10e3 / HEAT, abs=0.3)
    assert abs(mean.imbalance[0]) < 5e-3
    assert mean.divergence < 1e-5
    through = []
    for _ in range(100):
        flow.step(5)
        through.append(flow.view("w")[0, 10, :, 5:10].sum() * 0.04)
    assert abs(np.mean(through)) < 2e-3  # m³/s through the lid, of 1
    assert np.std(through) < 1e-2  # pressure swings to and fro within a step


def test_a_rack_that_draws_more_than_coolers_give_recirculates():
    """Air balance: of 1.5 m³/s drawn 0.5 come from the hot side, so that the inlet lies a third of the way up."""
    g = geometry(SIZE, 0.2, [RACK, COOLER], [])
    load = loads(1.5, 1.0, 12e3)
    averaging = Averaging(tolerance=0.1, window=4.0, max_batches=8)
    mean = average(start_flow(g, load), g, load, averaging=averaging)
    assert abs(mean.imbalance[0]) < 5e-3
    assert mean.intake[0, 0] == pytest.approx(291.15 + 12e3 / HEAT, abs=0.3)
    assert 292.5 < mean.inlet[0, 0] < 297.0


def test_a_field_starts_from_a_coarser_one():
    coarse, fine = (geometry(SIZE, cell, [RACK, COOLER], []) for cell in (0.4, 0.2))
    source = start_flow(coarse, loads())
    source.step(50)
    flow = start_flow(fine, loads())
    map_fields(flow, source)
    assert flow.view("T").mean() == pytest.approx(source.view("T").mean(), abs=0.2)
    flow.step(50)
    assert np.isfinite(flow.view("T")).all()


@pytest.mark.parametrize("layout", ["gb300_hall", "h200_hall", "gb300_hall_800vdc"])
def test_shipped_halls_mesh(layout):
    facility = twin.load(layout)
    for name in rooms(facility):
        cells = summary(mesh(facility, name, 0.4))
        assert cells["cells"] == np.prod(cells["cells_xyz"])
    assert summary(mesh(facility, "hall", 0.4))["racks"] > 60


@pytest.mark.parametrize(
    ("room", "cell", "words"), [("hal", 0.2, "no room is called 'hal'"), ("hall", 9.0, "cell 9 m")]
)
def test_a_wrong_room_or_cell_is_an_error(room, cell, words):
    with pytest.raises(LayoutError, match=words):
        mesh(twin.load("gb300_hall"), room, cell)


def test_chassis_and_the_panels_between_them_are_what_they_are():
    """Two of 0.4 m and 0.2 m height, 0.6 m wide, in a rack 1 m wide: nothing passes beside them, or what leaks."""
    chassis = ((0.2, 0.6), (1.0, 1.2))
    for leak in (0.0, 0.1):
        rack = Part("r", "rack", (0.5, 0.0, 0.0), (1.0, 1.0, 2.0), 0, -1, chassis, 0.6, leak_area=leak)
        g = geometry((1.6, 1.0, 2.0), 0.1, [rack], [])
        (mover,) = g.racks
        open_ = np.zeros((20, 10), bool)
        open_[2:6, 2:8] = open_[10:12, 2:8] = True
        assert not g.faults and mover.area == pytest.approx(0.36)
        assert {tuple(c) for c in mover.cells} == {(z, y, x) for z, y in np.argwhere(open_) for x in range(5, 10)}
        assert {tuple(c) for c in mover.driven} == {(z, y, x) for z, y in np.argwhere(open_) for x in range(5, 11)}
        assert set(mover.upstream[:, 2]) == {10}  # its front points along x, and draws there
        assert g.closed[2][2:7, 2:8, 5:10].all() and g.closed[1][2:6, 2:9, 5:10].all()  # air goes straight
        beside = ~open_
        if leak:
            assert not g.solid.any()
            assert [{tuple(f) for f in at} for _, at, _ in g.losses] == [
                {(z, y, x) for z, y in np.argwhere(beside)} for x in (5, 10)
            ]
        else:
            assert (g.solid[:, :, 5:10] == beside[..., None]).all() and not g.losses
            assert (g.closed[0][:, :, 5:11] == beside[..., None]).all()


@pytest.mark.parametrize("cell", [0.1, 0.25, 0.4, 0.8])
def test_air_passes_a_rack_within_its_own_cells(cell):
    """Wherever it stands: cells that are coarser than what they hold round a rack and its chassis apart."""
    for place in np.arange(0.0, 2.0, 0.06):
        low, high = (1.6, place, 0.0), (2.4, place + 0.6, 1.0)
        whole, part = (
            geometry((4.0, 4.0, 3.2), cell, [Part("r", "rack", low, high, 0, 1, *front)], []).racks[0]
            for front in ((), (((0.3, 0.4), (0.9, 1.0)), 0.45))
        )
        assert {tuple(c) for c in part.cells} <= {tuple(c) for c in whole.cells}
        assert 0.0 < part.area <= whole.area
        side = Part("c", "cooler", low, high, 0, 1, outlet=(0.4, 0.5))
        outlet = geometry((4.0, 4.0, 3.2), cell, [side], []).coolers[0].cells
        assert {tuple(c[:2]) for c in outlet} <= {tuple(c[:2]) for c in whole.cells}


def test_racks_leak_beside_their_chassis_as_pressure_drives_it():
    """Across a rack that closes a room but for leaks of a fifth: K ρ u² / 2 at its front and at its back."""
    tall = (1.0, 1.0, 2.0)
    rack = Part("r", "rack", (0.4, 0.0, 0.0), (0.6, 1.0, 2.0), 0, 1, ((0.0, 1.0),), leak_area=0.2)
    g = geometry(tall, 0.1, [rack], [])
    assert not g.faults and [(d, len(at)) for d, at, _ in g.losses] == [(0, 100), (0, 100)]
    given = Loads(np.array([[0.5]]), np.zeros((1, 1)), np.zeros((0, 1)), np.zeros((0, 1)))
    mean = average(start_flow(g, given), g, given, averaging=Averaging(tolerance=1.0, max_spin_up=0.05, max_batches=5))
    u = mean.fields["u"][0]
    back = -(u[10:, :, 4] * 0.01).sum()
    assert back == pytest.approx(0.5, rel=1e-3)  # what fans move forth comes back through the leaks
    flow = start_flow(g, given)
    flow.step(400)
    p = flow.view("p")[0, :, 5]
    driven = p[2:8, 6:].mean() - p[2:8, :4].mean()
    through = np.mean(flow.view("u")[0, 10:, :, 4] ** 2)
    assert driven == pytest.approx(2 * perforated(0.2) * through / 2, rel=0.1)
