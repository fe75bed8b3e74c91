"""The graph of a facility: its answers are the solver's, and laws that hold whatever the wiring."""

import random
from typing import ClassVar

import networkx as nx
import numpy as np
import pytest
import yaml

import twin
from twin.components.base import REGISTRY, Component, Passage, Port
from twin.facility.build import build
from twin.plant.compile import compile
from twin.results.limits import margins

HALLS = [name for name in twin.shipped() if name != "campus_1gw"]

TIED = """
version: 1
name: tied
site: {dry_bulb: 20 degC}
components:
  grid: {type: utility, voltage: 415 V}
  gen: {type: generator, rating: 1 MW}
  main: {type: switchboard}
  ups_a: {type: ups}
  ups_b: {type: ups}
  dist_a: {type: switchboard}
  dist_b: {type: switchboard}
  tie: {type: busway, in_service: false}
  battery: {type: battery, standby: 1 kW}
  lamp: {type: house_load, power: 5 kW}
  both: {type: rack, it_power: 100 kW, nameplate: 110 kW, cords: 2}
  left: {type: rack, it_power: 40 kW, nameplate: 50 kW, cords: 1}
  right: {type: rack, it_power: 40 kW, nameplate: 50 kW, cords: 1}
connections:
  - [power, grid.out, main.in]
  - [power, gen.out, main.in]
  - [power, main.out, ups_a.in]
  - [power, main.out, ups_b.in]
  - [power, main.out, lamp.feed]
  - [power, ups_a.out, dist_a.in]
  - [power, ups_b.out, dist_b.in]
  - [power, dist_a.out, tie.in]
  - [power, dist_b.out, tie.out]
  - [power, dist_a.out, battery.feed]
  - [power, dist_a.out, both.feed]
  - [power, dist_b.out, both.feed]
  - [power, dist_a.out, left.feed]
  - [power, dist_b.out, right.feed]
"""


def tied(**overrides):
    return twin.load(TIED, overrides={k.replace("__", "."): v for k, v in overrides.items()})


def unlit(result, scenario):
    """Consumers without a live feed, as the limits of a solve say it, and racks that draw nothing."""
    without = set()
    for m in (result.margins, margins(result.solution, aims=True)):
        at = (m.name == "power_feed") & (m.relative[:, scenario] < 0)
        without |= set(m.element[at])
    racks = result["rack_power"].isel(scenario=scenario)
    return without, set(racks["rack"].values[racks.values == 0])


def feeds(plant, scenario):
    """Live feeds and all feeds of every consumer, as the compiled plant has them."""
    live = plant.live[:, min(scenario, plant.live.shape[1] - 1)]
    count = {}
    for load in plant.load:
        for name, bus in zip(load.names, load.bus, strict=True):
            on, total = count.get(name, (0, 0))
            count[name] = on + int(live[bus]), total + 1
    return count


def switches(facility):
    """What passes power on or supplies it, and is in service."""
    passes = {
        n: any(x.carrier == "power" and not x.cords for x in p.ports.values()) for n, p in facility.components.items()
    }
    return [n for n, p in facility.components.items() if passes[n] and getattr(p, "in_service", False)]


def outages(names, sets):
    """Scenarios in each of which the components of a set are out of service."""
    return {f"{n}.in_service": np.array([0.0 if n in out else 1.0 for out in sets]) for n in names}


def agrees(facility, result, sets):
    racks = {n for n, p in facility.components.items() if p.dimension == "rack"}
    for i, out in enumerate(sets):
        answer = facility.dark(out)
        dark, still = unlit(result, i)
        assert set(answer.dark) == dark, out
        assert racks & dark == still, out
        expected = {n: f for n, f in feeds(result.plant, i).items() if 0 < f[0] < f[1]}
        assert answer.reduced == expected, out


# ---- the solver's answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hall", ["gb300_hall", "dsx_row"])
def test_the_graph_and_the_solver_agree_on_every_single_loss(hall):
    facility = twin.load(hall)
    names = switches(facility)
    sets = [(), *((n,) for n in names)]
    assert len(names) > 4
    agrees(facility, twin.solve(facility, outages(names, sets)), sets)


@pytest.mark.parametrize("tie", [False, True])
@pytest.mark.parametrize("gen", [False, True])
def test_the_graph_and_the_solver_agree_on_every_pair_of_losses(tie, gen):
    facility = tied(tie__in_service=tie, gen__in_service=gen)
    names = switches(facility)
    sets = [(a, b) for i, a in enumerate(names) for b in names[i:]]
    agrees(facility, twin.solve(facility, outages(names, sets)), sets)


@pytest.mark.parametrize("out", ["ups_a", "main", "dist_b"])
def test_an_outage_is_the_same_in_the_layout_and_in_the_question(out):
    lost = tied(**{f"{out}__in_service": False})
    agrees(lost, twin.solve(lost), [()])
    assert lost.dark()._replace(without=(out,)) == tied().dark(without=[out])


def test_what_cannot_be_switched_can_be_taken_out_all_the_same():
    hall = twin.load("gb300_hall")
    for name in ("hall", "fws_tank", "aisle1_panel1"):
        assert not hasattr(hall.components[name], "in_service")
        assert hall.dark(name) == ((name,), (), {})


@pytest.mark.parametrize("hall", HALLS)
def test_loops_and_islands_are_those_of_the_compiled_plant(hall):
    facility = twin.load(hall)
    plant = compile(facility)
    loops = facility.loops()
    fluids = sorted(f.fluid for f in plant.medium for _ in np.unique(f.loop))
    assert sorted(loop.fluid for loop in loops) == fluids
    anchored = {plant.node_names[n].rpartition(".")[0] for n in plant.anchor}
    assert all(loop.references for loop in loops)
    assert len(loops) == len(plant.anchor)
    assert all(anchored & set(loop.components) for loop in loops)
    on = plant.line.in_service[:, 0] > 0.5
    graph = nx.Graph(list(zip(plant.line.start[on], plant.line.end[on], strict=True)))
    graph.add_nodes_from(np.concatenate([plant.source.bus, plant.converter.input, plant.converter.output]))
    graph.add_nodes_from(b for load in plant.load for b in load.bus)
    expected = sorted(bool(plant.live[list(part), 0].any()) for part in nx.connected_components(graph))
    assert sorted(island.live for island in facility.islands()) == expected


# ---- closed answers ----------------------------------------------------------------------------------------------


def test_what_feeds_what_in_a_hall_of_two_sides():
    hall = twin.load("gb300_hall")
    chain = ("utility", "feeder_a", "ring_a", "tx_a1", "board_a1", "ups_a1", "dist_a1", "bus_a11")
    assert hall.feeds("bus_a11") == ("r101", "r102", "r103", "r104")
    assert hall.path("utility", "r101") == (*chain, "r101")
    other = {n.replace("_a", "_b") for n in chain}
    assert set(hall.fed_by("r101")) == {*chain, *other}
    assert hall.fed_by("dist_a1") == tuple(sorted(chain[:6]))
    assert hall.path("r101", "utility") == hall.feeds("r101") == hall.fed_by("utility") == ()
    assert "tx_mech_b" not in hall.feeds("utility")
    assert hall.feeds("tx_mech_b") == ()
    way = ("ring_b", "feeder_b", "utility", "feeder_a", "ring_a", "tx_mech_a", "board_mech")
    assert hall.path("ring_b", "board_mech") == way


def test_outages_of_a_hall_of_two_sides():
    hall = twin.load("gb300_hall")
    mechanical = {n for n, p in hall.components.items() if "board_mech" in hall.fed_by(n) and n != "board_mech"}
    lost = hall.dark(without=["feeder_a"])
    assert set(lost.dark) == mechanical
    assert lost.reduced["r101"] == (1, 2)
    assert hall.dark("feeder_b").dark == ()
    assert hall.dark(["ups_a1", "ups_b1"]).dark == hall.dark(["dist_a1", "dist_b1"]).dark
    assert {n for n in hall.dark(["feeder_a", "feeder_b"]).dark} == set(hall.structure.feeds_of)


def test_a_generator_counts_when_it_runs_and_a_tie_when_it_is_closed():
    assert tied().dark("grid").dark == ("battery", "both", "lamp", "left", "right")
    assert tied(gen__in_service=True).dark("grid").dark == ()
    assert tied().dark("ups_a").dark == ("battery", "left")
    assert tied(tie__in_service=True).dark("ups_a") == (("ups_a",), (), {})
    assert tied().path("dist_a", "right") == ()
    assert tied(tie__in_service=True).path("dist_a", "right") == ("dist_a", "tie", "dist_b", "right")


def test_power_takes_a_converter_one_way_only():
    facility = tied(tie__in_service=True)
    assert "lamp" not in facility.feeds("ups_a")
    assert facility.feeds("ups_a") == ("battery", "both", "dist_a", "dist_b", "left", "right", "tie")
    assert "ups_b" not in facility.fed_by("ups_a")
    assert {"ups_a", "ups_b", "tie", "dist_a"} <= set(facility.fed_by("right"))


def test_islands_are_parted_by_converters_and_joined_by_a_tie():
    apart = {i.converters: (i.sources, i.live) for i in tied().islands()}
    assert apart == {(): (("grid",), True), ("ups_a",): ((), True), ("ups_b",): ((), True)}
    assert len(tied(tie__in_service=True).islands()) == 2
    dead = [i for i in tied(ups_a__in_service=False).islands() if not i.live]
    assert [i.components for i in dead] == [("battery", "both", "dist_a", "left", "tie", "ups_a")]


def test_a_cdu_is_in_two_loops_and_no_coolant_goes_between_them(small):
    facility = twin.load(small)
    loops = {loop.references: loop for loop in facility.loops()}
    assert set(loops) == {("tank",), ("cdu",), ("chw_tank",)}
    assert loops["cdu",].components == ("cdu", *(f"r{k}" for k in range(1, 9)))
    assert loops["tank",].components == ("cdu", "cooler", "main", "pump", "tank", "trim")
    assert loops["chw_tank",].fluid == "water"
    assert facility.path("r1", "cooler", "coolant") == ()
    assert facility.path("r1", "r2", "coolant") == ("r1", "cdu", "r2")
    assert facility.path("pump", "cdu", "coolant") in {("pump", "cdu"), ("pump", "main", "cooler", "trim", "cdu")}


# ---- laws --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hall", ["gb300_hall", "dsx_row"])
def test_fed_by_is_the_converse_of_feeds(hall):
    facility = twin.load(hall)
    feeds = {(a, b) for a in facility.components for b in facility.feeds(a)}
    assert feeds == {(a, b) for b in facility.components for a in facility.fed_by(b)}
    assert feeds


def meshed(seed):
    """Two tiers of boards with converters between, cables at random in each, some open, and a load on each board."""
    rng = random.Random(seed)
    tiers = [f"b{k}" for k in range(6)], [f"d{k}" for k in range(4)]
    parts = {b: {"type": "switchboard"} for tier in tiers for b in tier}
    links = [["power", f"{b}.out", f"l{b}.feed"] for b in parts]
    parts |= {f"l{b}": {"type": "house_load"} for b in parts}
    for k in range(12):
        a, b = rng.sample(tiers[k // 8], 2)
        parts[f"c{k}"] = {"type": "busway", "in_service": rng.random() < 0.8}
        links += [["power", f"{a}.{rng.choice(['in', 'out'])}", f"c{k}.in"], ["power", f"c{k}.out", f"{b}.in"]]
    for k in range(3):
        parts[f"u{k}"] = {"type": "ups", "in_service": rng.random() < 0.9}
        links += [["power", f"{rng.choice(tiers[0])}.out", f"u{k}.in"], ["power", f"u{k}.out", f"d{k}.in"]]
    for k in range(2):
        parts[f"s{k}"] = {"type": "utility", "voltage": "415 V", "in_service": k == 0 or rng.random() < 0.5}
        links.append(["power", f"s{k}.out", f"{rng.choice(tiers[0])}.in"])
    joined = {end for _, *ends in links for end in ends}
    for tier, source in zip(tiers, ("s0", "u0"), strict=True):
        links += [["power", f"{source}.out", f"{b}.in"] for b in tier if f"{b}.in" not in joined]
    return {"version": 1, "components": parts, "connections": links}


@pytest.mark.parametrize("seed", range(20))
def test_one_thing_feeds_another_where_a_way_from_a_source_passes_nothing_twice(seed):
    facility = build("meshed", meshed(seed))
    power = facility.structure.power
    start = next(n for n in power if n[0] == "")
    for load in (n for n in facility.components if n.startswith("l")):
        passed = set()
        for way in nx.all_simple_paths(power, start, (load, "feed")):
            passed |= {power.edges[e]["component"] for e in nx.utils.pairwise(way)} - {""}
        assert set(facility.fed_by(load)) == passed


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_a_layout_changes_no_answer(seed):
    data = yaml.safe_load(TIED)
    rng = random.Random(seed)
    parts, links = list(data["components"].items()), [list(link) for link in data["connections"]]
    rng.shuffle(parts)
    rng.shuffle(links)
    for link in links:
        link[1:] = rng.sample(link[1:], 2)
    turned, plain = build("t", data | {"components": dict(parts), "connections": links}), tied()
    for ask in (
        lambda f: f.islands(),
        lambda f: f.loops(),
        lambda f: [f.dark(n) for n in sorted(f.components)],
        lambda f: [(f.feeds(n), f.fed_by(n)) for n in sorted(f.components)],
        lambda f: [f.path("grid", n) for n in sorted(f.components)],
    ):
        assert ask(turned) == ask(plain)


def test_more_outages_never_light_anything():
    facility = tied(tie__in_service=True)
    for a in facility.components:
        for b in facility.components:
            alone = set(facility.dark([a]).dark)
            assert alone - {b} <= set(facility.dark([a, b]).dark)


# ---- foreign equipment -------------------------------------------------------------------------------------------


@pytest.fixture
def foreign():
    """A static transfer switch between two feeds, a cooler of two circuits, and a fuel cell; known for one test."""

    class TransferSwitch(Component):
        in_service: bool = True
        ports: ClassVar = {"a": Port("power"), "b": Port("power"), "out": Port("power"), "sense": Port("power", False)}
        passages: ClassVar = (Passage("a", "out", one_way=True), Passage("b", "out", one_way=True))

    class TwoCircuitCooler(Component):
        ports: ClassVar = {k: Port("coolant") for k in ("in1", "out1", "in2", "out2")}
        passages: ClassVar = (Passage("in1", "out1"), Passage("in2", "out2"))

    class MixingValve(Component):
        ports: ClassVar = {k: Port("coolant") for k in ("hot", "cold", "mixed")}

    class FuelCell(Component):
        ports: ClassVar = {"out": Port("power")}
        sources: ClassVar = ("out",)

    yield
    for cls in (TransferSwitch, TwoCircuitCooler, MixingValve, FuelCell):
        del REGISTRY[cls.kind]


def test_a_foreign_type_is_followed_by_what_it_declares(foreign):
    text = """
version: 1
components:
  grid: {type: utility, voltage: 415 V}
  cell: {type: fuel_cell}
  sts: {type: transfer_switch}
  load: {type: house_load}
  meter: {type: house_load}
  cooler: {type: two_circuit_cooler}
  p1: {type: pipe}
  p2: {type: pipe}
  p3: {type: pipe}
  mix: {type: mixing_valve}
  t1: {type: expansion_tank, fluid: pg25}
connections:
  - [power, grid.out, sts.a]
  - [power, cell.out, sts.b]
  - [power, sts.out, load.feed]
  - [power, cell.out, meter.feed]
  - [coolant, cooler.out1, p1.in]
  - [coolant, p1.out, cooler.in1]
  - [coolant, t1.port, p1.in]
  - [coolant, cooler.out2, mix.hot]
  - [coolant, mix.mixed, p2.in]
  - [coolant, p2.out, cooler.in2]
  - [coolant, mix.cold, p3.in]
  - [coolant, p3.out, p2.out]
"""
    facility = twin.load(text)
    assert facility.fed_by("load") == ("cell", "grid", "sts")
    assert facility.dark("grid").dark == ()
    assert facility.dark(["grid", "cell"]).dark == ("load", "meter")
    assert facility.dark("sts").dark == ("load",)
    assert facility.feeds("grid") == ("load", "sts")
    loops = facility.loops()
    assert [(loop.components, loop.fluid, loop.references) for loop in loops] == [
        (("cooler", "mix", "p2", "p3"), "water", ()),
        (("cooler", "p1", "t1"), "pg25", ("t1",)),
    ]


@pytest.mark.parametrize(
    "roles",
    [
        {"passages": (Passage("in", "nowhere"),)},
        {"passages": (Passage("in", "cool"),)},
        {"passages": (Passage("in", "feed"),)},
        {"sources": ("nowhere",)},
    ],
)
def test_a_passage_joins_two_ports_of_one_carrier_without_cords(roles):
    ports = {"in": Port("power"), "cool": Port("coolant"), "feed": Port("power", cords=True)}
    with pytest.raises(TypeError, match="Odd"):
        type("Odd", (Component,), {"ports": ports, "__module__": __name__, "__annotations__": {}, **roles})
    assert "odd" not in REGISTRY


# ---- faults of wiring --------------------------------------------------------------------------------------------


def wrong(*changes, connections=(), **parts):
    text = TIED
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    data = yaml.safe_load(text)
    data["components"] |= parts
    data["connections"] += connections
    with pytest.raises(twin.LayoutError) as error:
        build("tied", data)
    return error.value.faults


def test_a_consumer_without_a_path_is_named_with_what_is_near():
    said = wrong(("  - [power, ups_b.out, dist_b.in]\n", ""), ("  - [power, dist_b.out, tie.out]\n", ""))
    assert "switchboard dist_b: port in is not connected (power)" in said
    spare = {
        "p": {"type": "pdu"},
        "q": {"type": "switchboard"},
        "x": {"type": "house_load"},
        "y": {"type": "house_load"},
    }
    links = [["power", "q.out", "p.in"], ["power", "p.out", "x.feed"], ["power", "p.out", "y.feed"]]
    links.append(["power", "p.out", "q.in"])
    assert wrong(connections=links, **spare) == [
        "house_load x (and 1 more): its feed from p.out has no path to a utility or generator; it hangs on p, q"
    ]
    del spare["x"], spare["y"]
    assert wrong(connections=[["power", "q.out", "p.in"], ["power", "p.out", "q.in"]], **spare) == [
        "pdu p: has no path to a utility or generator; it hangs on q"
    ]


def test_a_converter_that_is_turned_round_is_said_to_be():
    changes = [("main.out, ups_a.in", "main.out, ups_a.out"), ("ups_a.out, dist_a.in", "ups_a.in, dist_a.in")]
    changes += [("dist_a.out, tie.in", "main.out, tie.in"), ("dist_b.out, tie.out", "main.in, tie.out")]
    said = wrong(*changes)
    assert len(said) == 1
    assert "its feed from dist_a.out has no path" in said[0]
    assert said[0].endswith("ups_a passes power one way only and is connected the wrong way round")


def test_converters_in_a_circle_are_named_in_their_order():
    links = [["power", "c.out", "main.in"], ["power", "dist_a.out", "c.in"]]
    assert wrong(connections=links, c={"type": "ups"}) == [
        "converters feed each other in a circle: c -> ups_a -> c; take one connection out"
    ]


def test_what_is_connected_to_nothing_is_one_fault():
    assert wrong(lone={"type": "transformer"}) == ["transformer lone: is not connected to anything; connect in, out"]
    assert wrong(lone={"type": "house_load"}) == ["house_load lone: port feed is not connected (power)"]


def test_a_consumer_feeds_no_other():
    said = wrong(connections=[["power", "left.feed", "extra.feed"]], extra={"type": "house_load"})
    assert any("left.feed, which passes no power on" in fault or "extra.feed, which" in fault for fault in said)


# ---- networkx, files, text ---------------------------------------------------------------------------------------


def test_an_edge_says_which_port_is_whose_whichever_way_it_is_walked():
    facility = tied()
    joined = {frozenset([a, b]) for _, a, b in facility.connections}
    for node in facility.graph:
        for _, other, edge in facility.graph.edges(node, data=True):
            ends = {(edge["start"], edge["start_port"]), (edge["end"], edge["end_port"])}
            assert {n for n, _ in ends} == {node, other}
            assert frozenset(ends) in joined


def test_a_copy_may_be_changed_and_the_graph_may_not():
    facility = twin.load("gb300_hall")
    copy = facility.to_networkx()
    assert nx.utils.graphs_equal(copy, facility.graph)
    copy.remove_node("r101")
    assert "r101" in facility.graph
    for graph in (facility.graph, facility.ports):
        with pytest.raises(nx.NetworkXError, match=r"(?i)frozen"):
            graph.add_node("x")
    assert facility.graph.nodes["r101"] == {
        "kind": "liquid_rack",
        "dimension": "rack",
        "room": "hall",
        "model": "gb300_nvl72",
        "in_service": True,
    }
    coolant = facility.to_networkx("coolant")
    assert {c for _, _, c in coolant.edges(data="carrier")} == {"coolant"}
    assert set(coolant) == {n for loop in facility.loops() for n in loop.components}
    sizes = [facility.to_networkx(c).number_of_edges() for c in ("power", "coolant", "air")]
    assert sum(sizes) == facility.graph.number_of_edges() == len(facility.connections)


def test_a_port_level_graph_keeps_the_sides_of_a_cdu_apart(small):
    ports = twin.load(small).ports
    assert ports.has_edge(("cdu", "tcs_supply"), ("cdu", "tcs_return"))
    assert not ports.has_edge(("cdu", "tcs_supply"), ("cdu", "fws_supply"))
    assert ports.has_edge(("tx", "out"), ("tx", "in"))
    assert not ports.has_edge(("ups", "out"), ("ups", "in"))
    assert not list(ports.successors(("r1", "feed")))


def test_graphml_comes_back_the_same(tmp_path):
    facility = twin.load("gb300_hall")
    path = facility.write_graphml(tmp_path / "hall.graphml")
    again = nx.read_graphml(path, force_multigraph=True)
    assert dict(again.nodes(data=True)) == dict(facility.graph.nodes(data=True))
    key = lambda graph: sorted(sorted(edge.items()) for _, _, edge in graph.edges(data=True))  # noqa: E731
    assert key(again) == key(facility.graph)
    assert [p.name for p in tmp_path.iterdir()] == ["hall.graphml"]


def test_graphml_that_cannot_be_written_is_a_fault_and_leaves_nothing(tmp_path):
    facility = tied()
    (tmp_path / "folder.graphml").mkdir()
    for target, says in (("x.xml", ".graphml"), ("no/x.graphml", "no folder"), ("folder.graphml", "output")):
        with pytest.raises(twin.LayoutError, match=says):
            facility.write_graphml(tmp_path / target)
    data = yaml.safe_load(TIED)
    data["name"] = "odd\x01"
    with pytest.raises(twin.LayoutError, match="rename it"):
        build("odd", data).write_graphml(tmp_path / "x.graphml")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.graphml"]


def test_unknown_names_are_met_with_a_proposal():
    facility = tied()
    for ask in (
        lambda: facility.dark("ups_aa"),
        lambda: facility.feeds("ups_aa"),
        lambda: facility.fed_by("ups_aa"),
        lambda: facility.path("grid", "ups_aa"),
    ):
        with pytest.raises(twin.LayoutError, match="no component 'ups_aa'; did you mean 'ups_a'"):
            ask()
    for ask in (lambda: facility.path("grid", "left", "coolent"), lambda: facility.to_networkx("coolent")):
        with pytest.raises(twin.LayoutError, match="did you mean 'coolant'"):
            ask()


def test_a_facility_and_its_answers_are_short_on_screen():
    hall = twin.load("gb300_hall")
    assert repr(hall).startswith("<Facility gb300_hall: 64 liquid_rack, 12 rack, ")
    assert len(repr(hall)) < 120
    assert repr(tied()) == "<Facility tied: 3 rack, 3 switchboard, 2 ups, 1 battery, 1 busway, ...>"
    assert "<td>liquid rack</td><td>64</td>" in hall._repr_html_()
    assert str(tied().dark("ups_a")) == "dark: battery, left; reduced: both 1 of 2 feeds"
    assert all(len(str(x)) < 200 for x in (*hall.loops(), *hall.islands(), hall.dark("utility")))
