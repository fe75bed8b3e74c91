"""What stands where, what is placed by a rule, and pipes and cables between."""

import numpy as np
import pytest

import twin
from twin.show.scene.places import UNDRAWN, things
from twin.show.scene.routes import routes


def overlaps(stood, at):
    low, high = stood.low[at], stood.low[at] + stood.size[at]
    inside = (low[:, None] < high[None] - 1e-6).all(-1) & (low[None] < high[:, None] - 1e-6).all(-1)
    return inside.sum() - len(at)


@pytest.mark.parametrize("name", twin.shipped())
def test_what_has_a_place_stands_there_and_busways_hang_over_racks(name):
    facility = twin.load(name)
    stood = things(facility)
    assert stood.told == ()
    for i, thing in enumerate(stood.names):
        part = facility.components[thing]
        if part.at is not None:
            assert tuple(stood.low[i]) == part.at and tuple(stood.size[i]) == part.extent
    placed = {n for n, p in facility.components.items() if p.at is not None and p.look not in UNDRAWN}
    hung = {n for n, p in facility.components.items() if p.look == "busway"}
    assert placed <= set(stood.names) <= placed | hung
    over = [stood.row[n] for n in sorted(hung) if facility.components[n].at is None]
    for i in over[:: max(1, len(over) // 16)]:
        fed = [stood.row[n] for n in facility.feeds(stood.names[i]) if n in stood.row and stood.racks[stood.row[n]]]
        assert stood.low[i, 2] > (stood.low[fed] + stood.size[fed])[:, 2].max()
    assert {f.name for f in stood.floors} == {n for n, p in facility.components.items() if p.kind == "room" and p.at}


def test_what_has_no_place_stands_in_rows_and_is_told(small):
    facility = twin.load(small)
    stood = things(facility)
    (told,) = stood.told
    assert told == "board, cdu, chiller and 10 more: no place in the layout: drawn in rows in front of the site"
    assert overlaps(stood, np.arange(len(stood.names))) == 0
    racks = stood.low[stood.racks]
    assert (racks[:, 1] == 1.0).all()
    assert stood.low[[stood.row["tx"], stood.row["cdu"]], 1].max() < 1.0
    bus = stood.low[stood.row["bus"]]
    assert bus[2] > 2.0 and bus[0] == racks[:, 0].min()
    nowhere = things(twin.load(small.replace(', at: ["{r} m", 1 m, 0 m]', "")))
    assert nowhere.racks.sum() == 8 and overlaps(nowhere, np.arange(len(nowhere.names))) == 0
    assert nowhere.told == (
        "board, cdu, chiller and 18 more: no place in the layout: drawn in rows in front of the site",
    )
    lamps = small.replace("components:\n", "components:\n  lamps: {type: house_load}\n  rail: {type: busway}\n", 1)
    unseen = twin.load(f"{lamps}  - [power, ups.out, rail.in]\n  - [power, rail.out, lamps.feed]\n")
    assert things(unseen).told[1] == "rail: no place, nor has what it feeds: not drawn"


def test_pipes_end_on_what_they_join_and_carry_what_flows(result):
    stood = things(result.facility)
    found = routes(result, stood, "coolant")
    runs = found.runs
    steps = runs.end - runs.start
    assert (np.count_nonzero(np.abs(steps) > 1e-9, axis=1) == 1).all()
    supply = found.names.index("cdu1.tcs_supply")
    own = runs.net == supply
    for name in [f"r1{k:02d}" for k in range(1, 9)]:
        low = stood.low[stood.row[name]]
        high = low + stood.size[stood.row[name]]
        ends = runs.end[own & (np.abs(runs.end[:, 2] - high[2]) < 1e-9)]
        assert ((ends >= low - 1e-9) & (ends <= high + 1e-9)).all(axis=1).any(), name
    cdu = result.dataset.sel(cdu="cdu1").isel(scenario=0)
    assert found.flow[supply] == pytest.approx(float(cdu["cdu_flow"]), rel=1e-6)
    assert found.temperature[supply] == pytest.approx(float(cdu["cdu_supply_temperature"]), abs=1e-6)
    main = found.names.index("cdu1.fws_return")
    assert runs.radius[runs.net == main].max() == pytest.approx(0.2)  # the layout's 0.4 m


def test_flow_leaves_the_cdu_and_comes_back(result):
    stood = things(result.facility)
    found = routes(result, stood, "coolant")
    cdu = stood.row["cdu3"]
    top = stood.low[cdu, 2] + stood.size[cdu, 2]

    def over(p):
        low, high = stood.low[cdu, :2], (stood.low[cdu] + stood.size[cdu])[:2]
        return (np.abs(p[:, 2] - top) < 1e-9) & (p[:, :2] > low).all(1) & (p[:, :2] < high).all(1)

    for name, comes in (("cdu3.tcs_supply", True), ("cdu3.tcs_return", False)):
        own = found.runs.net == found.names.index(name)
        leaves, enters = over(found.runs.start[own]).any(), over(found.runs.end[own]).any()
        assert (leaves, enters) == (comes, not comes)


def test_what_flows_into_a_joint_flows_out(weathers):
    """Pieces of each route from above and below a point carry the same, by their radii, where no pipe is stated."""
    stood = things(weathers.facility)
    for scenario in range(3):
        found = routes(weathers, stood, "coolant", scenario)
        returns = found.names.index("cdu5.tcs_return")
        assert found.flow[returns] == pytest.approx(float(weathers["cdu_flow"].sel(cdu="cdu5")[scenario]), rel=1e-6)


def test_trunks_of_pipes_that_cross_lie_apart(result):
    stood = things(result.facility)
    found = routes(result, stood, "coolant")
    levels = {}
    for net in range(len(found.names)):
        own = found.runs.net == net
        flat = np.abs((found.runs.end - found.runs.start)[own][:, 2]) < 1e-9
        points = np.concatenate([found.runs.start[own][flat], found.runs.end[own][flat]])
        levels[net] = points[:, 2].max(), points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    for a in levels:
        for b in levels:
            (za, la, ha), (zb, lb, hb) = levels[a], levels[b]
            assert a == b or abs(za - zb) > 0.2 or (la > hb).any() or (lb > ha).any()


def test_cables_join_every_fed_thing(result):
    stood = things(result.facility)
    found = routes(result, stood, "power")
    ends = np.concatenate([found.runs.start, found.runs.end])
    for name in ("tx_a1", "ups_b3", "r505", "cdu8", "dry_coolers"):
        i = stood.row[name]
        low, high = stood.low[i] - 1e-9, stood.low[i] + stood.size[i] + 1e-9
        assert ((ends >= low) & (ends <= high)).all(axis=1).any(), name
