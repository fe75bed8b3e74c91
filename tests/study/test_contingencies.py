"""Losses of equipment: what switches, what is left, and that names do not matter."""

import math

import numpy as np
import pytest
from conftest import SMALL

import twin
from twin.plant.orbits import orbits
from twin.study.contingencies import _losses
from twin.study.dependents import Dependence
from twin.study.transfers import Switching, elements

HALL = "gb300_hall"

PAIR = """
version: 1
name: pair
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 415 V}
  a: {type: pdu, rating: 200 kW, continuous_factor: 1}
  b: {type: pdu, rating: 200 kW, continuous_factor: 1}
  main: {type: switchboard, rating: 200 kW}
  other: {type: switchboard, rating: 200 kW}
  tie: {type: pdu, rating: 200 kW, in_service: false, standby: automatic}
  rack: {type: rack, it_power: 50 kW, nameplate: 50 kW, cords: 1}
  second: {type: rack, it_power: 50 kW, nameplate: 50 kW, cords: 1}
connections:
  - [power, grid.out, a.in]
  - [power, grid.out, b.in]
  - [power, a.out, main.in]
  - [power, b.out, other.in]
  - [power, other.out, tie.in]
  - [power, tie.out, main.in]
  - [power, main.out, rack.feed]
  - [power, other.out, second.feed]
"""
"""Two boards, each with a feeder, and a tie between them that is open."""


def test_a_tie_closes_by_itself_and_only_where_that_helps():
    found = twin.contingencies(PAIR, modes=["fault"])
    assert found["a"].closed == ("tie",) and found["a"].verdict == "survived" and found["a"].interrupted == 1
    assert found["b"].closed == ("tie",) and found["b"].verdict == "survived"  # either way round
    assert found["main"].closed == () and found["main"].racks_dark == 1
    assert found["grid"].closed == () and found["grid"].racks_dark == 2


def test_a_manual_tie_is_for_what_is_planned():
    found = twin.contingencies(PAIR.replace("standby: automatic", "standby: manual"), names=["a"])
    assert {r.mode: (r.closed, r.racks_dark, r.interrupted) for r in found} == {
        "fault": ((), 1, 0),
        "planned": (("tie",), 0, 0),
    }


def test_a_tie_of_which_nothing_is_said_stays_open():
    found = twin.contingencies(PAIR.replace(", standby: automatic", ""), names=["a"])
    assert all(r.closed == () and r.racks_dark == 1 for r in found)


def test_a_fault_during_maintenance_finds_what_was_switched_for_that():
    text = PAIR.replace("standby: automatic", "standby: manual")
    found = twin.contingencies(text, names=[], pairs=[("a", "b"), ("a", "other")], modes=["fault"])
    assert found["a, then b"].racks_dark == 2 and found["a, then b"].closed == ("tie",)
    assert found["a, then other"].racks_dark == 2
    every = twin.contingencies(PAIR, 2, names=["a", "b", "main"], modes=["fault"])
    assert {r.name for r in every if "then" in r.name} == {f"{x}, then {y}" for x in "ab" for y in "ab" if x != y} | {
        f"{x}, then main" for x in "ab"
    } | {f"main, then {x}" for x in "ab"}


def with_more(components, connections, text=PAIR):
    """A layout with more in it."""
    text = text.replace("connections:\n", "".join(f"  {c}\n" for c in components) + "connections:\n", 1)
    return text + "".join(f"  - [power, {a}, {b}]\n" for a, b in connections)


def test_power_and_cooling_that_fail_together_each_do_what_they_do_alone():
    for row in twin.contingencies(
        HALL, names=[], groups=[["feeder_a", "cdu3"]], pairs=[("cdu3", "feeder_a")], modes=["fault"]
    ):
        assert (row.closed, row.racks_dark) == (("tx_mech_b",), 8), row.name
    told = twin.dependents(HALL, "feeder_a", "cdu3")
    assert told.unpowered == () and len(told.uncooled) == 8 and told.closed == ("tx_mech_b",)


def test_a_battery_bridges_what_it_still_feeds_and_only_in_service():
    """One on the board of the rack does; not one that is off, before what is lost, or behind the open tie."""
    split = PAIR.replace("main.out, rack.feed", "sub.out, rack.feed")
    for bus, state, lost, bridged in (
        ("sub", "", "a", 1),
        ("sub", ", in_service: false", "a", 0),
        ("main", "", "link", 0),
        ("main", "", "a", 1),
        ("other", "", "a", 0),
    ):
        text = with_more(
            [
                f"bank: {{type: battery{state}}}",
                "sub: {type: switchboard, rating: 200 kW}",
                "link: {type: pdu, rating: 200 kW}",
            ],
            [(f"{bus}.out", "bank.feed"), ("main.out", "link.in"), ("link.out", "sub.in")],
            split,
        )
        row = twin.contingencies(text, names=[lost], modes=["fault"])[lost]
        assert (row.closed, row.bridged) == ((("tie",), bridged) if lost == "a" else ((), 0)), (bus, state, lost)


def test_standby_equipment_in_series_comes_in_together():
    """A generator behind a transfer switch: neither brings power by itself; the tie adds nothing to both."""
    text = with_more(
        [
            "ats: {type: pdu, rating: 400 kW, in_service: false, standby: automatic}",
            "gen: {type: generator, voltage: 415 V, rating: 400 kW, in_service: false, standby: automatic}",
            "gb: {type: switchboard, rating: 400 kW}",
        ],
        [("gen.out", "gb.in"), ("gb.out", "ats.in"), ("ats.out", "main.in")],
    )
    row = twin.contingencies(text, names=["grid"], modes=["fault"])["grid"]
    assert (set(row.closed), row.racks_dark) == ({"ats", "gen"}, 0)
    row = twin.contingencies(text, names=["a"], modes=["fault"])["a"]
    assert row.closed == ("tie",)


def test_a_fault_during_maintenance_begins_from_what_was_switched_for_it():
    """The tie that was closed by hand lights the board from which another closes by itself, and interrupts nobody."""
    text = with_more(
        [
            "x: {type: pdu, rating: 200 kW}",
            "y: {type: pdu, rating: 200 kW, in_service: false, standby: automatic}",
            "deep: {type: switchboard, rating: 200 kW}",
            "third: {type: rack, it_power: 9 kW, nameplate: 9 kW, cords: 1}",
        ],
        [
            ("grid.out", "x.in"),
            ("x.out", "deep.in"),
            ("main.out", "y.in"),
            ("y.out", "deep.in"),
            ("deep.out", "third.feed"),
        ],
        PAIR.replace("standby: automatic", "standby: manual"),
    )
    (row,) = twin.contingencies(text, names=[], pairs=[("a", "x")])
    assert (row.mode, row.closed, row.racks_dark, row.interrupted) == ("fault", ("tie", "y"), 0, 1)


def test_a_feed_that_standby_equipment_restores_is_not_lost():
    text = PAIR.replace("nameplate: 50 kW, cords: 1}\n  second", "nameplate: 50 kW, cords: 2}\n  second")
    text = with_more(
        ["third: {type: rack, it_power: 9 kW, nameplate: 9 kW, cords: 1}"],
        [("other.out", "rack.feed"), ("main.out", "third.feed")],
        text,
    )
    assert twin.dependents(text, "a").reduced == {} and twin.dependents(text, "a").closed == ("tie",)
    assert twin.dependents(text, "main").reduced == {"rack": (1, 2)}


def test_what_was_not_asked_is_not_answered():
    text = PAIR
    planned = twin.contingencies(text, names=["a"], modes=["planned"])
    assert planned.fault_tolerant is None and planned.concurrently_maintainable is True
    pairs = twin.contingencies(text, 2, names=["a", "b"])
    assert pairs.fault_tolerant is True and pairs.concurrently_maintainable is True
    assert pairs["a, then b"].verdict == "dark"
    with pytest.raises(twin.LayoutError, match="'x' is neither fault nor planned"):
        twin.secure(text, modes=["x"])


def test_a_fault_names_the_limit_that_it_passes_for_hours():
    text = PAIR.replace(
        "b: {type: pdu, rating: 200 kW, continuous_factor: 1}",
        "b: {type: pdu, rating: 60 kW, continuous_factor: 1, emergency_factor: 5, trip_factor: 5}",
    )
    text = text.replace(
        "other: {type: switchboard, rating: 200 kW}", "other: {type: switchboard, rating: 90 kW, trip_factor: 5}"
    )
    row = twin.contingencies(text, names=["a"], modes=["fault"])["a"]
    assert row.verdict == "limited" and row.passed[0].element == "other" and "b" in {p.element for p in row.passed}


def test_the_other_breaker_of_a_transfer_pair_opens_first():
    """A standby transformer must not feed back through the one whose side is dead."""
    row = twin.contingencies(HALL, names=["feeder_a"], modes=["fault"])["feeder_a"]
    assert row.closed == ("tx_mech_b",) and row.verdict == "survived" and row.loading < 1.0
    back = twin.load(HALL, overrides={"tx_mech_b.opens": []})
    row = twin.contingencies(back, names=["feeder_a"], modes=["fault"])["feeder_a"]
    assert row.verdict == "limited" and row.loaded == "tx_mech_b" and row.loading > 1.5
    case = twin.solve(HALL, case="side_a_lost")
    lost = twin.contingencies(HALL, names=["feeder_a"], modes=["planned"])["feeder_a"]
    np.testing.assert_allclose(lost.voltage, case.margins.value[case.margins.name == "voltage", 0].min(), rtol=1e-9)


GENERATORS = SMALL.replace(
    "  ups: {type: ups", "  gen: {type: generator, rating: 2.5 MW, standby: automatic}\n  ups: {type: ups"
).replace("  - [power, board.out, ups.in]", "  - [power, gen.out, board.in]\n  - [power, board.out, ups.in]")


def test_utility_lost_means_generators_on():
    found = twin.contingencies(GENERATORS, names=["utility", "tx"], modes=["fault"])
    for name in ("utility", "tx"):
        assert found[name].closed == ("gen",) and found[name].racks_dark == 0
        assert found[name].interrupted > 8 and found[name].bridged == 0
    without = twin.contingencies(SMALL, names=["utility"], modes=["fault"])["utility"]
    assert without.racks_dark == 8 and without.unserved == pytest.approx(8 * 132e3, rel=0.2)
    assert without.tokens_lost == pytest.approx(twin.solve(SMALL)["tokens_per_s"].item())
    assert without.usd_lost > 0


def test_batteries_bridge_and_serve_nothing_after():
    text = GENERATORS.replace("  ups: {type: ups", "  bank: {type: battery}\n  ups: {type: ups").replace(
        "  - [power, ups.out, bus.in]", "  - [power, ups.out, bus.in]\n  - [power, bus.out, bank.feed]"
    )
    row = twin.contingencies(text, names=["utility"], modes=["fault"])["utility"]
    assert row.bridged == 8 and row.interrupted > row.bridged  # racks; pumps wait for the generator
    bare = text.replace(", standby: automatic", "")
    row = twin.contingencies(bare, names=["utility"], modes=["fault"])["utility"]
    assert row.racks_dark == 8 and row.bridged == 0


def test_a_generator_bears_its_standby_rating_for_hours():
    load = twin.solve(SMALL)["facility_power"].item()
    small = GENERATORS.replace("rating: 2.5 MW, standby", f"rating: {0.9 * load} W, standby")
    assert twin.contingencies(small, names=["utility"], modes=["fault"])["utility"].verdict == "limited"
    more = small.replace("W, standby", f"W, standby_rating: {2.0 * load} W, standby")
    row = twin.contingencies(more, names=["utility"], modes=["fault"])["utility"]
    assert row.verdict == "emergency" and "generator_rating" in [p.limit for p in row.passed]


def test_one_of_several_units_is_lost_and_all_in_a_group():
    found = twin.contingencies(SMALL, names=["pump", "fan"], groups=[["pump", "chw_pump"]], modes=["fault"])
    assert [r.name for r in found] == ["fan (1 of 4)", "pump (1 of 2)", "pump, chw_pump"]
    assert found["pump, chw_pump"].racks_dark == 8 and found["pump (1 of 2)"].racks_dark == 0
    _, losses = _losses(twin.load(SMALL), 1, (), None, ["pump", "cdu"], True)
    assert [(x.name, x.changes, x.lost) for x in losses] == [
        ("pump (1 of 2)", {"pump.pumps": 1.0}, ()),
        ("cdu", {"cdu.in_service": 0.0}, ("cdu",)),
    ]
    one = twin.solve(SMALL, {"pump.pumps": [1.0]})
    assert found["pump (1 of 2)"].coolant_supply == pytest.approx(one["rack_supply_temperature"].max().item(), abs=1e-6)


def test_a_loss_that_slows_racks_is_told():
    hot = twin.load(
        SMALL, overrides={"site.dry_bulb": "44 degC", "site.wet_bulb": "24 degC", "cdu.set_point": "45 degC"}
    )
    row = twin.contingencies(hot, names=["trim"], modes=["fault"])["trim"]
    assert row.verdict in ("dark", "throttled", "limited") and (row.passed or row.racks_dark)
    assert row.tokens_lost >= 0


def test_the_published_losses_of_a_row():
    """One panel of four lost: 510 kW at each of the others, which trips at an EDP of 1.5 and not at 1.2."""
    found = twin.contingencies("dsx_row", names=[f"rpp{i}" for i in range(1, 5)], modes=["fault"])
    for row in found:
        (passed,) = row.passed
        assert row.verdict == "limited" and passed.limit == "pdu_peak"
        assert 500.0 * passed.value == pytest.approx(510.0, abs=0.5)
    lower = twin.contingencies("dsx_row", names=["rpp4"], case="edp_1_2", modes=["fault"], groups=[["rpp3", "rpp4"]])
    assert lower["rpp4"].verdict == "survived"
    two = lower["rpp3, rpp4"].passed[0]
    assert two.limit == "pdu_peak" and 500.0 * two.value == pytest.approx(658.0, abs=0.5)


def rows(found):
    """Rows without how they were found."""
    return {(r.name, r.mode): r._replace(alike=0) for r in found}


@pytest.mark.parametrize("layout", [HALL, "frontier", PAIR])
def test_losses_that_are_alike_have_the_table_of_all(layout):
    reduced, every = (twin.contingencies(layout, symmetry=s) for s in (True, False))
    assert reduced.solved < every.solved or layout == PAIR
    ours, theirs = rows(reduced), rows(every)
    assert list(ours) == list(theirs)
    for key, row in ours.items():
        other = theirs[key]
        for name, value in row._asdict().items():
            expected = getattr(other, name)
            if name in ("loaded", "sagging", "passed"):  # the first of several that are equal to the bit
                continue
            if isinstance(value, float):
                assert value == pytest.approx(expected, rel=1e-6, abs=1e-6, nan_ok=True), (key, name)
            else:
                assert value == expected, (key, name)
        assert [p.limit for p in row.passed] == [p.limit for p in other.passed], key
    facility = twin.load(layout)
    for r in reduced:
        for place in (r.loaded, r.sagging, *(p.element for p in r.passed)):
            assert place == "" or place.split(".")[0] in facility.components


def test_a_ring_of_six_is_not_two_rings_of_three():
    """Every board of all three rings has two neighbours and one rack: equal colours, and losses that differ."""
    text = "version: 1\nname: rings\nsite: {dry_bulb: 20 degC}\ncomponents:\n  grid: {type: utility, voltage: 415 V}\n"
    joints = []
    for ring, size in (("p", 6), ("q", 3), ("r", 3)):
        for i in range(size):
            text += f"  {ring}{i}: {{type: switchboard, rating: 1 MW}}\n"
            text += f"  {ring}x{i}: {{type: feeder, voltage: 415 V, length: 10 m, ampacity: 2 kA}}\n"
            text += f"  {ring}k{i}: {{type: rack, it_power: 20 kW, nameplate: 20 kW}}\n"
            joints.append(f"  - [power, {ring}{i}.out, {ring}k{i}.feed]\n")
            joints.append(f"  - [power, {ring}{i}.out, {ring}x{i}.in]\n")
            joints.append(f"  - [power, {ring}x{i}.out, {ring}{(i + 1) % size}.in]\n")
            text += f"  {ring}s{i}: {{type: feeder, voltage: 415 V, length: 99 m, ampacity: 2 kA}}\n"
            joints += [f"  - [power, grid.out, {ring}s{i}.in]\n", f"  - [power, {ring}s{i}.out, {ring}{i}.in]\n"]
    facility = twin.load(text + "connections:\n" + "".join(joints))
    stubs = [f"{ring}s{i}" for ring, size in (("p", 6), ("q", 3), ("r", 3)) for i in range(size)]
    found = [sorted(m.name for m in orbit) for orbit in orbits(facility, stubs)]
    assert sorted(found) == [sorted(t for t in stubs if t[0] == "p"), sorted(t for t in stubs if t[0] in "qr")]
    reduced, every = (twin.contingencies(facility, names=stubs, modes=["fault"], symmetry=s) for s in (True, False))
    for row in reduced:
        assert row.voltage == pytest.approx(every[row.name].voltage, rel=1e-9)
    assert abs(reduced["ps0"].voltage - reduced["qs0"].voltage) > 1e-6


@pytest.mark.parametrize("layout", [HALL, "h200_hall", "frontier", "dsx_row"])
def test_the_graph_and_the_solve_agree_on_what_goes_dark(layout):
    facility = twin.load(layout)
    known, single = Dependence(facility), {d.without[0] for d in twin.single_points(facility)}
    for row in twin.contingencies(facility, modes=["fault"]):
        if "(" in row.name:  # one of several units: the wiring knows the whole alone
            continue
        told = known.without([row.name])
        assert (row.racks_dark > 0) == bool(told.lost) == (row.name in single), row.name
        if row.racks_dark:
            assert row.racks_dark == len(told.lost), row.name
        assert row.closed == told.closed


def test_what_depends_on_equipment_by_the_wiring_alone():
    pumps = twin.dependents(HALL, "fws_pumps")
    assert len(pumps.uncooled) == 64 and pumps.unpowered == () and "64 racks lose cooling" in str(pumps)
    assert twin.dependents(HALL, "cdu3").uncooled == tuple(f"r3{k:02d}" for k in range(1, 9))
    side = twin.dependents(HALL, "feeder_a")
    assert side.lost == () and len(side.reduced) == 76 and side.reduced["r101"] == (1, 2)
    assert side.closed == ("tx_mech_b",)
    board = twin.dependents(HALL, "board_mech")
    assert len(board.lost) == 76 and "fws_pumps" in board.stopped
    both = twin.dependents(HALL, "feeder_a", "feeder_b")
    assert len(both.unpowered) == 76
    assert twin.dependents(SMALL, "fan").uncooled == tuple(f"r{k}" for k in range(1, 9))
    with pytest.raises(twin.LayoutError, match="did you mean 'fws_pumps'"):
        twin.dependents(HALL, "fws_pump")


def test_circuits_without_a_pump_do_not_flow():
    """Two coolers in parallel are a circuit, and two CDUs are; without the pump nothing moves in either."""
    text = SMALL.replace(
        "  trim: {type", "  also: {type: dry_cooler, flow: 60 kg/s, set_point: 36 degC}\n  trim: {type", 1
    )
    more = "  cdu2: {type: cdu, head: 110 kPa, set_point: 40 degC}\n"
    more += "  lone: {model: gb300_nvl72, cords: 1, voltage: 415 V}\n"
    text = text.replace("  chw_tank: {type", f"{more}  chw_tank: {{type", 1)
    text += """  - [power, board.out, also.feed]
  - [power, board.out, cdu2.feed]
  - [power, bus.out, lone.feed]
  - [coolant, main.out, also.in]
  - [coolant, also.out, trim.in]
  - [coolant, trim.out, cdu2.fws_supply]
  - [coolant, cdu2.fws_return, pump.in]
  - [coolant, cdu2.tcs_supply, lone.supply]
  - [coolant, cdu2.tcs_return, lone.return]
"""
    known = Dependence(twin.load(text))
    assert known.without(["pump"]).uncooled == ("lone", *(f"r{k}" for k in range(1, 9)))
    assert known.without(["also"]).lost == () and known.without(["cooler"]).lost == ()
    assert known.without(["cooler", "also"]).uncooled == known.without(["pump"]).uncooled
    assert known.without(["cdu2"]).uncooled == ("lone",)


def test_cut_sets_are_the_fewest_that_darken_a_rack():
    facility = twin.load(HALL)
    known = Dependence(facility)
    assert known.cut("r101") == ("utility",)
    two = twin.load(
        PAIR.replace("cords: 1}\n  second", "cords: 2}\n  second")
        .replace(
            "  - [power, main.out, rack.feed]", "  - [power, main.out, rack.feed]\n  - [power, other.out, rack.feed]"
        )
        .replace(
            "  grid: {type: utility, voltage: 415 V}",
            "  grid: {type: utility, voltage: 415 V}\n  also: {type: utility, voltage: 415 V}",
        )
        .replace("[power, grid.out, b.in]", "[power, also.out, b.in]")
    )
    cut = Dependence(two).cut("rack")
    assert len(cut) == 2 and set(two.dark(cut).dark) >= {"rack"}
    assert all("rack" not in two.dark([n]).dark for n in two.components if n != "rack")


def test_standby_equipment_is_known_by_its_facility():
    known = Switching(twin.load(HALL))
    assert known.standby == {"tx_mech_b": "automatic"}
    assert known.after(["fws_pumps"], False).closed == ()
    assert known.after(["tx_mech_a"], False).closed == ("tx_mech_b",)


def test_every_row_is_in_the_table():
    found = twin.contingencies(PAIR)
    table = found.table()
    assert len(table) == len(found) == 2 * len(elements(twin.load(PAIR)))
    assert table.loc[("a", "fault"), "closed"] == "tie"
    assert sum(found.counts.values()) == len(found) and found.worst[0].verdict == "dark"
    assert not found.fault_tolerant and not found.concurrently_maintainable
    assert all(math.isfinite(r.unserved) for r in found)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"order": 3}, "order 3: is 1 or 2"),
        ({"names": ["nix"]}, "no component 'nix'"),
        ({"names": ["rack"]}, "rack: cannot be lost"),
        ({"names": ["tie"]}, "tie: cannot be lost"),
        ({"groups": [["a"]]}, "at least two elements"),
        ({"pairs": [("a", "a")]}, "pair of a with itself"),
        ({"modes": ["slow"]}, "neither fault nor planned"),
    ],
)
def test_bad_input_is_told(given, says):
    with pytest.raises(twin.LayoutError) as told:
        twin.contingencies(PAIR, **given)
    assert says in str(told.value)


def test_what_opens_must_be_there():
    with pytest.raises(twin.LayoutError, match="tie: opens: no other component 'b2'"):
        twin.load(PAIR.replace("standby: automatic", "standby: automatic, opens: [b2]"))


def test_a_layout_without_solution_is_told():
    with pytest.raises(twin.LayoutError, match="no solution as it stands"):
        twin.contingencies(
            SMALL.replace("limits_capacity: false}", "limits_capacity: false, in_service: false}"), names=["ups"]
        )
