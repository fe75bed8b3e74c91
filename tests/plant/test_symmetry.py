"""What is alike is solved once: partitions are equitable, and their solutions are those of the whole plant."""

from collections import Counter
from dataclasses import fields, replace
from typing import ClassVar

import closet
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

import twin
from twin import columns, elements
from twin.columns import Ref, limits, totals
from twin.components import Component, Port, Table, Write, constant, draw, limit, warm_room
from twin.components.base import REGISTRY
from twin.elements import Element, Status, Vent
from twin.facility.scenarios import read
from twin.plant import symmetry
from twin.plant.compile import compile
from twin.plant.lowering import OWNED
from twin.plant.symmetry import alone, partitions
from twin.results.figures import figures
from twin.results.limits import fullest, margins, tightest
from twin.results.whole import whole
from twin.serving.tokens import at_work
from twin.solver.steady import steady
from twin.units import Power

SHIPPED = ["gb300_hall", "gb300_hall_800vdc", "h200_hall", "frontier", "summit", "dps_demo", "dsx_row"]
"""Layouts of which the whole plant is soon solved."""

VAR = 20.0
"""Reactive power of a source that rounding leaves, var."""

CLOSE = 1e-9
"""Share of its scale by which a quantity may differ between the reduced and the whole plant."""

SCALE = {"temperature": 300.0, "temperature_difference": 300.0, "pressure": 1e5, "fraction": 1.0, "number": 1.0}
"""What quantities are measured by, others by the largest of their kind and powers by the meter."""

UNSETTLED = (columns.exchange.duty, columns.exchange.effectiveness)
"""Where heat is not rejected, temperatures of loops part by rounding alone, and so does the heat between them."""


def solved(facility, scenarios=None, tolerance=1e-12):
    """Solutions of the reduced plants, written out, and of the whole plant."""
    given = read(facility, scenarios or {})
    plant = at_work(compile(facility, given))
    parts = [
        (chosen, steady(at_work(compile(facility, given.part(chosen), classes)), tolerance=tolerance))
        for chosen, classes in partitions(facility, given)
    ]
    return whole(plant, parts), steady(plant, tolerance=tolerance), parts


def assert_close(found, known, close=CLOSE):
    """All columns equal to a share of their scales; states and running units the same."""
    np.testing.assert_array_equal(found.status, known.status)
    power = known.sum(columns.source.power)
    for column, values in known.columns.items():
        if not values.size:
            continue
        theirs = found.columns[column]
        np.testing.assert_array_equal(np.isnan(theirs), np.isnan(values), err_msg=column.name)
        there = np.isfinite(values) & np.isfinite(theirs)
        np.testing.assert_array_equal(theirs[~there], values[~there], err_msg=column.name)
        if column in UNSETTLED:
            there &= known.status != Status.OVERHEATED
        mine, theirs = values[there], theirs[there]
        scale = (
            np.broadcast_to(np.maximum(power, 1e3), values.shape)[there]
            if column.quantity == "power"
            else SCALE.get(column.quantity)
        )
        if column is columns.source.reactive:
            scale = VAR / close  # its tie is as stiff as ten billion volt-amperes: the last bit of a voltage is one
        scale = max(np.abs(mine).max(initial=0.0), 1e-6) if scale is None else scale
        if column in (columns.pump.speed, columns.pump.demand):
            mine, theirs = mine**2, theirs**2  # of a pump at rest: the root of a pressure that is rounding
        gap = np.abs(theirs - mine) / scale
        assert gap.max(initial=0.0) < close, f"{column.name}: {gap.max():.1e}"
    for column in (columns.pump.running, columns.cooler.running, columns.fan.running):
        np.testing.assert_array_equal(found[column], known[column])


# ---- equitable ---------------------------------------------------------------------------------------------------

ROLES = {
    "Pipe": {"start": "node", "end": "node"},
    "Pump": {"pipe": "pipe"},
    "Bypass": {"pipe": "pipe"},
    "Anchor": {"node": "node"},
    "Medium": {"node": "node"},
    "Heat": {"stream": "stream"},
    "Gain": {"node": "node"},
    "Loss": {"stream": "stream", "node": "node"},
    "Exchange": {"hot": "stream", "cold": "stream"},
    "Cooler": {"stream": "stream", "sink": "stream", "driver": "stream"},
    "Vent": {"start": "node", "end": "node"},
    "Intake": {"vent": "stream", "zone": "zone"},
    "Fan": {"vent": "stream", "coil": "stream", "zone": "zone"},
    "Inlets": {"engine": "engine", "coil": "stream"},
    "Zone": {
        **dict.fromkeys(("supply", "inlet", "exhaust"), "node"),
        **dict.fromkeys(("forward", "backward", "bypassing", "outflow", "inflow"), "stream"),
    },
    "Coil": {"exchange": "exchange", "zone": "zone"},
    "Mixing": {"stream": "stream", "zone": "zone"},
    "Humidifier": {"zone": "zone"},
    "Level": {"bus": "bus", "direct": ""},
    "Source": {"bus": "bus"},
    "Line": {"start": "bus", "end": "bus"},
    "Converter": {"input": "bus", "output": "bus"},
    "Load": {"bus": "bus"},
    "Engine": {"stream": "stream", "node": "node", "breathes": "node"},
    "Work": {"engine": "engine", "scenarios": ""},
    "Limit": {"engine": "engine"},
    "Guideline": {"zone": "zone"},
    "Serving": {"engine": "engine"},
    "Service": {"engine": "engine"},
}
"""What the numbers in a field of an element are rows of, "" where they are no rows of anything."""

DERIVED = {"System", "Island", "Weather", "Element"}
"""Tables that are made of the elements, and the site."""


def kinds():
    return [k for k in vars(elements).values() if isinstance(k, type) and issubclass(k, Element)]


def test_every_index_of_every_element_has_a_role():
    for kind in kinds():
        if kind.__name__ not in DERIVED:
            index = {f.name for f in fields(kind) if str(f.type).startswith("Index")}
            assert index == set(ROLES.get(kind.__name__, ())), f"{kind.__name__}: declare what its numbers are rows of"


def row_classes(plant, classes):
    """Classes of the rows of a whole plant, by what they are counted by: of the component, and which of its rows."""
    of = classes.component
    found = {}
    for kind, ledger in OWNED.items():
        seen, rows = Counter(), []
        for owner in plant.owners[kind].tolist():
            rows.append((int(of[owner]), seen[owner]))
            seen[owner] += 1
        found[ledger] = rows
    pipes = found[columns.pipe]
    found[columns.stream] = [("pipe", *c) for c in pipes] + [("vent", *c) for c in found[Vent]]
    for ledger, keys in ((columns.node, plant.node_keys), (columns.bus, plant.bus_keys)):
        found[ledger] = [classes.place(key) for key in keys]
    return found


def assert_equitable(facility, plant, classes):
    """Rows of a class have equal numbers and refer to the same classes, and are referred to alike."""
    of = row_classes(plant, classes)
    numbered = {
        "node": of[columns.node], "bus": of[columns.bus], "stream": of[columns.stream], "pipe": of[columns.pipe],
        "zone": of[columns.zone], "engine": of[columns.engine], "exchange": of[columns.exchange],
    }  # fmt: skip
    met = {name: [Counter() for _ in rows] for name, rows in numbered.items()}
    for f in fields(plant):
        tables = getattr(plant, f.name)
        for table in tables if isinstance(tables, tuple) else (tables,):
            kind = type(table)
            if kind.__name__ not in ROLES or kind.__name__ in ("Limit", "Guideline", "Serving", "Service", "Work"):
                continue
            signatures = _signatures(table, numbered, of)
            own = of.get(OWNED.get(kind))
            if own is not None and kind is not elements.Cooler:
                same: dict[object, object] = {}
                for c, signature in zip(own, signatures, strict=True):
                    assert same.setdefault(c, signature) == signature, f"{kind.__name__} {c}"
            for name, role in ROLES[kind.__name__].items():
                rows = getattr(table, name)
                for row, signature in zip(rows, signatures, strict=True) if role and rows is not None else ():
                    if row >= 0:
                        met[role][row][kind.__name__, name, signature] += 1
    for name, rows in numbered.items():
        like = {}
        for c, counter in zip(rows, met[name], strict=True):
            assert like.setdefault(c, counter) == counter, f"{name} {c} is met in several ways"
    assert facility is plant.facility


def _signatures(table, numbered, of):
    """What a row says: its numbers, classes of what it refers to."""
    n = len(next(v for v in (getattr(table, f.name) for f in fields(table)) if isinstance(v, np.ndarray)))
    parts = []
    for f in fields(table):
        value = getattr(table, f.name)
        role = ROLES[type(table).__name__].get(f.name)
        if role and value is not None:
            parts.append([numbered[role][i] if i >= 0 else None for i in value])
        elif isinstance(value, Ref):
            kind = value.column.kind
            rows = of[kind if kind in of else elements.Derived]
            parts.append([(value.column.name, rows[i]) for i in value.rows])
        elif str(f.type).startswith("Array") and isinstance(value, np.ndarray):
            wide = np.broadcast_to(value, (n, value.shape[1]))
            parts.append([row.tobytes() for row in np.ascontiguousarray(wide)])
    return list(zip(*parts, strict=True))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_partition_of_a_layout_is_equitable_along_every_index(name):
    facility = twin.load(name)
    ((_, classes),) = partitions(facility, read(facility, {}))
    assert_equitable(facility, compile(facility), classes)


def test_classes_of_the_shipped_layouts():
    """Counted by a sketch of the same refinement over components and ports."""
    for name, classes in {"gb300_hall": 42, "h200_hall": 35, "frontier": 13, "summit": 19, "campus_1gw": 46}.items():
        facility = twin.load(name)
        ((_, found),) = partitions(facility, read(facility, {}))
        assert found.component.max() + 1 == classes


# ---- the same solution -------------------------------------------------------------------------------------------

CAMPUS = 4
"""Scenarios of the campus, each of which takes its whole plant a tenth of a second."""


def mixed(facility, count, seed):
    """Weather, loads, set points, and one element out of service in each third scenario."""
    rng = np.random.default_rng(seed)
    parts = facility.components
    racks = next(p.dimension for p in parts.values() if p.shapes_air == "rack")
    given = {
        "site.dry_bulb": rng.uniform(268.0, 308.0, count),
        "site.relative_humidity": rng.uniform(0.2, 0.7, count),
        f"{racks}.utilisation": rng.uniform(0.4, 1.0, count),
    }
    if any(p.dimension == "cdu" for p in parts.values()):
        given["cdu.set_point"] = rng.uniform(303.0, 314.0, count)
    able = sorted(n for n, p in parts.items() if getattr(p, "in_service", None) is True)
    for k, name in enumerate(rng.choice(able, min(count // 3, len(able)), replace=False)):
        on = np.ones(count)
        on[3 * k] = 0.0
        given[f"{name}.in_service"] = on
    return given


@pytest.mark.parametrize("few", [0, symmetry.FEW])
@pytest.mark.parametrize("name", SHIPPED)
def test_the_reduced_plant_has_the_solution_of_the_whole_pass_by_pass(name, few, monkeypatch):
    monkeypatch.setattr(symmetry, "FEW", few)
    facility = twin.load(name)
    found, known, parts = solved(facility, mixed(facility, 12, seed=len(name)))
    assert_close(found, known)
    assert len(parts) > 1
    for chosen, part in parts:
        ours, theirs = tightest(part), tightest(known)
        np.testing.assert_array_equal(ours.name, theirs.name[chosen])


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_the_reduced_plant_has_the_solution_of_the_whole_in_64_scenarios(name, monkeypatch):
    monkeypatch.setattr(symmetry, "FEW", 0)
    facility = twin.load(name)
    found, known, _ = solved(facility, mixed(facility, 64, seed=64))
    assert_close(found, known)


@pytest.mark.slow
def test_a_campus_has_the_solution_of_its_whole_plant():
    facility = twin.load("campus_1gw")
    found, known, _ = solved(facility, mixed(facility, CAMPUS, seed=4))
    assert_close(found, known)


@pytest.mark.parametrize("name", ["gb300_hall", "h200_hall", "frontier", "dps_demo"])
def test_at_the_default_tolerance_both_take_as_many_passes_and_differ_by_less_than_ten_tolerances(name, monkeypatch):
    monkeypatch.setattr(symmetry, "FEW", 0)
    facility = twin.load(name)
    found, known, _ = solved(facility, mixed(facility, 24, seed=3), tolerance=1e-9)
    assert_close(found, known, close=1e-8)
    np.testing.assert_array_equal(found.iterations, known.iterations)


@pytest.mark.parametrize("name", ["gb300_hall", "h200_hall"])
def test_figures_and_limits_weigh_what_rows_stand_for(name):
    facility = twin.load(name)
    given = {"site.dry_bulb": np.linspace(268.0, 308.0, 5)}
    found, known, ((_, part),) = solved(facility, given)
    for f in fields(figures(known)):
        ours, theirs = (getattr(figures(x), f.name) for x in (part, known))
        pairs = zip(ours, theirs, strict=True) if f.name == "annual" else [(ours, theirs)]
        for a, b in pairs if f.name != "energy_audit" else ():
            np.testing.assert_allclose(a, b, rtol=1e-9, err_msg=f.name)
    few, all_ = margins(part), margins(known)
    assert few.alike.sum() == len(all_.name)
    names = lambda m: Counter(dict.fromkeys(m.name, 0))  # noqa: E731
    counted, each = names(few), names(all_)
    for row, kind in enumerate(few.name):
        counted[kind] += int(few.alike[row])
    for kind in all_.name:
        each[kind] += 1
    assert counted == each
    assert found.plant.classes.component is None


# ---- nothing depends on neighbours -------------------------------------------------------------------------------


def test_64_weathers_have_the_same_bits_alone_and_beside_a_cdu_out_of_service():
    hall, weather = twin.load("gb300_hall"), np.linspace(263.0, 313.0, 64)
    on = np.ones(65)
    on[20] = 0.0
    beside = np.insert(weather, 20, 300.0)
    plain = twin.solve(hall, {"site.dry_bulb": weather})
    mixed = twin.solve(hall, {"site.dry_bulb": beside, "cdu3.in_service": on})
    assert len(plain.parts) == 1 and len(mixed.parts) == 2
    rest = np.delete(np.arange(65), 20)
    for name, variable in plain.dataset.data_vars.items():
        np.testing.assert_array_equal(mixed[name].values[..., rest], variable.values, err_msg=name)
    one = twin.solve(hall, {"site.dry_bulb": [300.0], "cdu3.in_service": [0.0]})
    for name, variable in one.dataset.data_vars.items():
        np.testing.assert_array_equal(mixed[name].values[..., [20]], variable.values, err_msg=name)


@pytest.mark.parametrize("few", [0, symmetry.FEW])
def test_a_batch_has_the_bits_of_its_scenarios_one_by_one_in_any_order(few, monkeypatch):
    monkeypatch.setattr(symmetry, "FEW", few)
    hall = twin.load("gb300_hall")
    given = mixed(hall, 9, seed=1)
    order = np.random.default_rng(2).permutation(9)
    batch = twin.solve(hall, given)
    turned = twin.solve(hall, {a: v[order] for a, v in given.items()})
    stream = twin.solve(hall, given, outputs=list(map(str, batch.dataset.data_vars)))
    for name, variable in batch.dataset.data_vars.items():
        np.testing.assert_array_equal(turned[name].values, variable.values[..., order], err_msg=name)
        np.testing.assert_array_equal(stream[name].values, variable.values, err_msg=name)
    for i in range(9):
        single = twin.solve(hall, {a: v[[i]] for a, v in given.items()})
        for name, variable in single.dataset.data_vars.items():
            np.testing.assert_array_equal(batch[name].values[..., [i]], variable.values, err_msg=name)


def test_values_are_compared_bit_for_bit_and_where_nothing_else_differs():
    hall = twin.load("gb300_hall")
    ones = np.ones(3)
    near = np.array([1.0, np.nextafter(1.0, 0.0), 1.0])
    groups = list(partitions(hall, read(hall, {"r101.utilisation": near, "r102.utilisation": ones}), {"r101": 0}))
    assert [chosen.tolist() for chosen, _ in groups] == [[0, 2], [1]]
    stated = hall.components["sto1"].utilisation
    others = {"network_rack.utilisation": np.array([stated, 0.7, 0.6])}  # storage racks are of their type
    assert [chosen.tolist() for chosen, _ in partitions(hall, read(hall, others))] == [[0, 1, 2]]


def test_few_components_that_are_singled_out_are_solved_with_all_others():
    hall = twin.load("gb300_hall")
    given = read(hall, {"cdu3.in_service": np.array([1.0, 0.0, 1.0])})
    (even, classes), (uneven, none) = partitions(hall, given)
    assert even.tolist() == [0, 2] and classes.component.max() + 1 == 42
    assert uneven.tolist() == [1] and none is alone(hall)


# ---- random plants that repeat themselves ------------------------------------------------------------------------


def repeated(halls, rows, racks, shares, ring, standby, changes):
    """A facility of like halls, rows and racks: boards of a row pair, tied in rings, CDUs, and a loop for each hall."""
    parts = {
        "utility": {"type": "utility", "voltage": "415 V"},
        "tank": {"type": "expansion_tank"},
        "pump": {"type": "pump", "shutoff": "400 kPa", "rated_flow": "20 L/s", "head": "200 kPa", "pumps": 4},
        "cooler": {"type": "dry_cooler", "flow": "120 kg/s", "units": 2, "set_point": "30 degC"},
    }
    if standby:
        parts["spare"] = {"type": "generator", "voltage": "415 V", "rating": "2 MW", "in_service": False}
    joined = [
        ["power", "utility.out", "pump.feed"],
        ["power", "utility.out", "cooler.feed"],
        ["coolant", "tank.port", "pump.in"],
        ["coolant", "pump.out", "cooler.in"],
    ] + ([["power", "spare.out", "utility.out"]] if standby else [])
    boards = []
    for h in range(halls):
        parts[f"h{h}"] = {"type": "room", "ventilation": "30 m3/s"}
        parts[f"main{h}"] = {"type": "pipe", "length": "30 m", "diameter": "0.15 m", "zeta": 2}
        joined += [["coolant", "cooler.out", f"main{h}.in"]]
        for r in range(rows):
            own, cdu = f"{h}{r}", f"cdu{h}{r}"
            for side in "ab":
                parts[f"{side}{own}"] = {"type": "busway", "ampacity": "4 kA", "voltage": "415 V", "room": f"h{h}"}
                joined.append(["power", "utility.out", f"{side}{own}.in"])
            boards.append(f"a{own}")
            parts[cdu] = {
                "type": "cdu", "set_point": "36 degC", "room": f"h{h}", "rated_flow": "10 L/s",
                "shutoff": "500 kPa", "head": "110 kPa",
            }  # fmt: skip
            joined += [
                ["coolant", f"main{h}.out", f"{cdu}.fws_supply"],
                ["coolant", f"{cdu}.fws_return", "pump.in"],
                ["power", f"a{own}.out", f"{cdu}.feed"],
            ]
            for k in range(racks):
                name = f"r{own}{k}"
                parts[name] = {"model": "gb300_nvl72", "room": f"h{h}", "voltage": "415 V", "cords": 2}
                parts[name] |= {"shares": list(shares)} if shares else {}
                joined += [["power", f"{s}{own}.out", f"{name}.feed"] for s in "ab"]
                joined += [["coolant", f"{cdu}.tcs_supply", f"{name}.supply"]]
                joined += [["coolant", f"{cdu}.tcs_return", f"{name}.return"]]
    for first in range(0, len(boards) - ring + 1, ring) if ring > 1 else ():
        for k in range(ring if ring > 2 else 1):
            a, b = boards[first + k], boards[first + (k + 1) % ring]
            parts[f"tie{first}{k}"] = {"type": "feeder", "voltage": "415 V", "length": "5 m", "ampacity": "2 kA"}
            joined += [["power", f"{a}.out", f"tie{first}{k}.in"], ["power", f"tie{first}{k}.out", f"{b}.out"]]
    for name, field, value in changes:
        if name in parts:
            parts[name][field] = value
    return yaml.safe_dump(
        {"version": 1, "name": "repeated", "site": {"dry_bulb": "20 degC", "wet_bulb": "12 degC"}, "components": parts,
         "connections": joined},
        sort_keys=False,
    )  # fmt: skip


CHANGES = [
    ("r000", "utilisation", "70 %"),
    ("r010", "in_service", False),
    ("cdu00", "set_point", "34 degC"),
    ("main1", "length", "60 m"),
    ("a00", "length", "90 m"),
    ("h1", "ventilation", "20 m3/s"),
    ("r100", "power_cap", "900 W"),
]


SPECS = st.tuples(
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([None, (0.7, 0.3), (1.0, 0.0)]),
    st.sampled_from([0, 2, 3]),
    st.booleans(),
    st.lists(st.sampled_from(CHANGES), max_size=2, unique=True),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(SPECS)
def test_random_plants_that_repeat_themselves_are_solved_as_their_whole(spec):
    facility = twin.load(repeated(*spec))
    found, known, ((_, part),) = solved(facility, {"site.dry_bulb": np.array([275.0, 293.15])})
    classes = part.plant.classes
    if classes.component is not None:
        assert_equitable(facility, found.plant, classes)
    assert_close(found, known)
    np.testing.assert_array_less(np.abs(found.audit), 1e-9)


def test_a_ring_of_six_and_two_of_three_are_alike_and_have_their_own_solution():
    """No walk along neighbours tells them apart, and equal states balance in both."""
    six = twin.load(repeated(2, 3, 1, None, 6, False, []))
    three = twin.load(repeated(2, 3, 1, None, 3, False, []))
    ((_, a),), ((_, b),) = (partitions(x, read(x, {})) for x in (six, three))
    assert a.component.max() == b.component.max()
    for facility in (six, three):
        found, known, _ = solved(facility)
        assert_close(found, known)


def test_buses_that_are_alike_but_for_the_shares_of_cords_are_told_apart():
    text = repeated(1, 1, 2, (0.7, 0.3), 0, False, [])
    text = text.replace("  - a00.out\n  - cdu00.feed", "  - utility.out\n  - cdu00.feed")
    facility = twin.load(text)
    found, known, ((_, part),) = solved(facility)
    assert_close(found, known)
    a, b = (found.plant.owners[elements.Line] == found.plant.classes.wiring.number[n] for n in ("a00", "b00"))
    power = found[columns.line.power][:, 0]
    np.testing.assert_allclose(power[a] / power[b], 7.0 / 3.0, rtol=1e-3)
    assert len(part.plant.line.start) == 2


def test_the_tie_of_like_buses_carries_nothing():
    facility = twin.load(repeated(1, 3, 2, None, 3, False, []))
    found, _, ((_, part),) = solved(facility)
    line = part.plant.line
    assert (line.start == line.end).any()
    tie = found.plant.owners[type(line)].tolist().index(found.plant.classes.wiring.number["tie00"])
    assert abs(found[columns.line.power][tie, 0]) < 1e-3


# ---- ranks -------------------------------------------------------------------------------------------------------


def test_which_of_two_tanks_is_the_reference_is_a_rank():
    """Of each of three like loops the first tank by name; in the third it stands where the others' second does."""
    parts, joined = {"utility": {"type": "utility", "voltage": "415 V"}}, []
    for k, (near, far) in enumerate([("a", "z"), ("a", "z"), ("z", "a")]):
        parts |= {f"{t}_tank{k}": {"type": "expansion_tank"} for t in "az"}
        parts[f"pump{k}"] = {"type": "pump", "shutoff": "300 kPa", "rated_flow": "10 L/s", "head": "150 kPa"}
        parts[f"run{k}"] = {"type": "pipe", "length": "50 m", "diameter": "0.1 m", "zeta": 9}
        parts[f"cool{k}"] = {"type": "dry_cooler", "flow": "30 kg/s", "set_point": "30 degC"}
        joined += [["power", "utility.out", f"pump{k}.feed"], ["power", "utility.out", f"cool{k}.feed"]]
        joined += [["coolant", f"{near}_tank{k}.port", f"pump{k}.in"], ["coolant", f"pump{k}.out", f"run{k}.in"]]
        joined += [["coolant", f"{far}_tank{k}.port", f"run{k}.out"], ["coolant", f"run{k}.out", f"cool{k}.in"]]
        joined += [["coolant", f"cool{k}.out", f"pump{k}.in"]]
    site = {"dry_bulb": "20 degC", "wet_bulb": "12 degC"}
    layout = {"version": 1, "name": "tanks", "site": site, "components": parts, "connections": joined}
    facility = twin.load(yaml.safe_dump(layout, sort_keys=False))
    found, known, ((_, part),) = solved(facility)
    assert_close(found, known)
    assert part.plant.classes.members("pump0") == ["pump0", "pump1"]
    for name in ("a_tank0.port", "a_tank2.port"):
        assert known[columns.node.pressure][known.plant.node_names.index(name), 0] == 200e3


def test_racks_that_differ_have_their_own_bounds_in_a_loop_with_two_tanks():
    """Which tank counts gives racks that stand alone no other colours: those of one are not those of the next."""
    parts = {
        "utility": {"type": "utility", "voltage": "415 V"},
        "hall": {"type": "room", "ventilation": "30 m3/s"},
        "pump": {"type": "pump", "shutoff": "400 kPa", "rated_flow": "20 L/s", "head": "200 kPa", "pumps": 2},
        "cooler": {"type": "dry_cooler", "flow": "120 kg/s", "set_point": "30 degC"},
        "cdu": {
            "type": "cdu", "set_point": "36 degC", "room": "hall", "rated_flow": "10 L/s", "shutoff": "500 kPa",
            "head": "110 kPa",
        },
        "near": {"type": "expansion_tank"},
        "far": {"type": "expansion_tank"},
    }  # fmt: skip
    joined = [["power", "utility.out", f"{name}.feed"] for name in ("pump", "cooler", "cdu")] + [
        ["coolant", "near.port", "pump.in"],
        ["coolant", "far.port", "cooler.out"],
        ["coolant", "pump.out", "cooler.in"],
        ["coolant", "cooler.out", "cdu.fws_supply"],
        ["coolant", "cdu.fws_return", "pump.in"],
    ]
    for name, load in {"full": "100 %", "half": "60 %", "like1": "30 %", "like2": "30 %"}.items():
        parts[name] = {"model": "gb300_nvl72", "room": "hall", "voltage": "415 V", "cords": 1, "utilisation": load}
        joined += [["power", "utility.out", f"{name}.feed"]]
        joined += [["coolant", "cdu.tcs_supply", f"{name}.supply"], ["coolant", "cdu.tcs_return", f"{name}.return"]]
    site = {"dry_bulb": "20 degC", "wet_bulb": "12 degC"}
    layout = {"version": 1, "name": "two tanks", "site": site, "components": parts, "connections": joined}
    facility = twin.load(yaml.safe_dump(layout, sort_keys=False))
    ours, theirs = (twin.bound(twin.solve(facility, symmetry=s), per="rack") for s in (True, False))
    assert [b.racks for b in ours] == ["all", "full", "half", "like1", "like2"]
    np.testing.assert_allclose([b.scale for b in ours], [b.scale for b in theirs], rtol=1e-6)
    assert ours[1].scale < 0.999 * ours[2].scale


def test_a_ring_of_pumps_that_nothing_cools_has_no_steady_temperature():
    """All of it is one node, at which the pumps begin and end."""
    parts, joined = {"utility": {"type": "utility", "voltage": "415 V"}}, []
    for k in range(3):
        parts[f"tank{k}"] = {"type": "expansion_tank"}
        parts[f"pump{k}"] = {"type": "pump", "shutoff": "400 kPa", "rated_flow": "20 L/s", "head": "200 kPa"}
        joined += [["power", "utility.out", f"pump{k}.feed"], ["coolant", f"tank{k}.port", f"pump{k}.in"]]
        joined += [["coolant", f"pump{k}.out", f"pump{(k + 1) % 3}.in"]]
    site = {"dry_bulb": "20 degC", "wet_bulb": "12 degC"}
    layout = {"version": 1, "name": "pumps", "site": site, "components": parts, "connections": joined}
    found, known, ((_, part),) = solved(twin.load(yaml.safe_dump(layout, sort_keys=False)))
    assert len(part.plant.pipe.start) == 1 and (part.plant.pipe.start == part.plant.pipe.end).all()
    assert known.status[0] == Status.OVERHEATED
    assert_close(found, known)


# ---- what is told ------------------------------------------------------------------------------------------------


def test_the_first_of_what_is_alike_is_named_with_how_many_share_it():
    result = twin.solve("gb300_hall")
    found = {b.name: b for b in result.worst()}
    assert (found["throttling"].element, found["throttling"].alike) == ("r101", 32)
    assert "r101 (+31)" in result.tightest()
    assert found["utility_contract"].where == "utility"
    assert result["pue"].attrs["units"] == "1" and result.dataset.attrs["alike"] == "204 components, 42 classes"
    every = twin.solve("gb300_hall", symmetry=False)
    assert {b.alike for b in every.worst()} == {1} and every.dataset.attrs["alike"] == "204 components, 204 classes"


def test_rows_that_differ_between_like_components_are_refused():
    """As of a type whose `lower` looks at other instances."""
    facility = twin.load("gb300_hall")
    ((_, classes),) = partitions(facility, read(facility, {}))
    part, plant = steady(compile(facility, None, classes)), compile(facility)
    assert whole(plant, [(np.arange(1), part)]).status[0] == Status.OK
    pump = replace(plant.pump, shutoff=plant.pump.shutoff * np.arange(1, 11)[:, None])
    with pytest.raises(twin.LayoutError, match=r"its pump differs from that of what is like it .* symmetry=False"):
        whole(replace(plant, pump=pump), [(np.arange(1), part)])
    moved = {**plant.owners, elements.Pump: np.roll(plant.owners[elements.Pump], 1) * 0}
    with pytest.raises(twin.LayoutError, match="symmetry=False"):
        whole(replace(plant, owners=moved), [(np.arange(1), part)])


def test_how_full_layers_are_is_the_same_beside_a_scenario_in_which_more_is_limited():
    """A cooler out of service has no limit, of which nothing is used up."""
    given = {"site.dry_bulb": [280.0, 300.0], "cooler.in_service": [1.0, 0.0]}
    beside = twin.solve(twin.load(closet.ROOM), given, symmetry=False)
    alone = twin.solve(twin.load(closet.ROOM), {a: v[1:] for a, v in given.items()})
    assert fullest(beside.margins, 1) == fullest(alone.margins) and np.isfinite(fullest(alone.margins)["cooling"])


@pytest.fixture
def slab():
    """A type of one's own that reads its size, known for as long as a test runs."""

    class Slab(Component):
        """A consumer that may weigh on the floor as its size allows."""

        power: Power = Field(5e3, ge=0)
        ports: ClassVar[dict[str, Port]] = {"feed": Port("power", cords=True)}

        @classmethod
        def lower(cls, t: Table, write: Write) -> None:
            power = constant(write, t.power)
            draw(t, write, power, totals.house, 0 * t.power + 1.0)
            warm_room(t, write, power)
            area = np.array([[x * y] for x, y, _ in t["size"]])
            limit(t, write, limits.utility_contract, power, 2e3 * area)

    yield
    del REGISTRY["slab"]


def test_what_reads_its_size_is_refused_where_that_of_what_is_like_it_differs(slab):
    def facility(sizes):
        parts = {"utility": {"type": "utility", "voltage": "415 V"}}
        parts |= {f"slab{k}": {"type": "slab", "size": [f"{x} m", "1 m", "1 m"]} for k, x in enumerate(sizes)}
        joined = [["power", "utility.out", f"slab{k}.feed"] for k in range(len(sizes))]
        site = {"dry_bulb": "20 degC", "wet_bulb": "12 degC"}
        layout = {"version": 1, "name": "slabs", "site": site, "components": parts, "connections": joined}
        return twin.load(yaml.safe_dump(layout, sort_keys=False))

    unlike = facility([3, 2])
    with pytest.raises(twin.LayoutError, match=r"slab0: `lower` of slab reads its size, .* symmetry=False"):
        twin.solve(unlike)
    assert twin.solve(unlike, symmetry=False).worst()[0].element == "slab1"
    assert twin.solve(facility([2, 2])).worst()[0].where == "slab0 (+1)"


def test_a_cooler_may_be_called_otherwise_than_its_component(monkeypatch):
    def lower(t, write):
        def called(element, of=None):
            if isinstance(element, elements.Cooler):
                element = replace(element, names=[f"{name} fans" for name in element.names])
            return write(element, of)

        shipped(t, called)

    facility = twin.load(repeated(2, 1, 1, None, 0, False, []))
    usual = twin.solve(facility).dataset["facility_power"]
    shipped = REGISTRY["dry_cooler"].lower
    monkeypatch.setattr(REGISTRY["dry_cooler"], "lower", lower)
    for alike in (True, False):
        again = twin.solve(twin.load(repeated(2, 1, 1, None, 0, False, [])), symmetry=alike)
        np.testing.assert_allclose(again["facility_power"], usual, rtol=1e-8)
