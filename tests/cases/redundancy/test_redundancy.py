"""Loadings of redundant modules before and after a loss, against arithmetic; see README.md."""

from itertools import combinations

import pytest

import twin

RACK = 60e3
"""Power of a rack, W."""


def layout(modules, rating, racks, more="", module="continuous_factor: 1.0, trip_factor: 3.0", power=RACK):
    """Modules on a utility, and racks with the modules that feed them; `*` names the reserve behind static switches.

    racks: names of modules by rack, the second with a share of 0 where it only takes over.
    """
    text = "version: 1\nname: modules\nsite: {dry_bulb: 20 degC}\n"
    text += "limits: {ignore: [junction_temperature, throttling, rack_air_inlet, rack_air_inlet_cold, voltage]}\n"
    text += "components:\n  grid: {type: utility, voltage: 415 V}\n"
    joints = []
    for name in modules:
        text += f"  {name}: {{type: pdu, rating: {rating} W, {module}}}\n"
        joints.append(f"  - [power, grid.out, {name}.in]\n")
    for i, feeds in enumerate(racks):
        shares = ", shares: [1, 0]" if any(f.startswith("*") for f in feeds) else ""
        text += (
            f"  rack{i}: {{type: rack, accelerators: 8, it_power: {power} W, nameplate: {power} W, power_factor: 1.0, "
        )
        text += f"peak_factor: 1.0, cords: {len(feeds)}{shares}}}\n"
        joints += [f"  - [power, {f.lstrip('*')}.out, rack{i}.feed]\n" for f in feeds]
    return text + more + "connections:\n" + "".join(joints)


def loadings(text, **out):
    """Loading of each module with some of them out of service."""
    given = {f"{n}.in_service": [float(v)] for n, v in out.items()}
    found = twin.solve(text, given) if given else twin.solve(text)
    return found["pdu_loading"].isel(scenario=0).to_series().to_dict()


def stage(text, name):
    """Label and pieces of the stage that an element is in."""
    (found,) = twin.redundancy(text, names=[name])
    return found.label, found.pieces


def test_n_has_no_reserve():
    names = ["m1", "m2", "m3"]
    text = layout(names, 2 * RACK, [[n] for n in names for _ in range(2)])
    assert all(x == pytest.approx(1.0, abs=1e-6) for x in loadings(text).values())
    for row in twin.contingencies(text, names=names):
        assert (row.verdict, row.racks_dark) == ("dark", 2) and row.unserved == pytest.approx(2 * RACK)
    assert [stage(text, n) for n in names] == [("N", 1)] * 3


@pytest.mark.parametrize("n", [1, 2, 4])
def test_n_plus_one_on_a_common_board(n):
    names = [f"m{i}" for i in range(n + 1)]
    text = layout(names, RACK, [["board"]] * n).replace(
        "components:\n", "components:\n  board: {type: switchboard, rating: 9 MW}\n"
    )
    text += "".join(f"  - [power, {m}.out, board.in]\n" for m in names)
    assert loadings(text)["m0"] == pytest.approx(n / (n + 1), abs=1e-5)
    for row in twin.contingencies(text, names=names):
        assert row.verdict == "survived" and row.loading == pytest.approx(1.0, abs=1e-5)
    assert stage(text, "m0") == ({1: "2N"}.get(n, "N+1"), n + 1) and stage(text, "board") == ("N", 1)


def test_two_n():
    text = layout(["a", "b"], 4 * RACK, [["a", "b"]] * 4)
    assert loadings(text) == pytest.approx({"a": 0.5, "b": 0.5}, abs=1e-6)
    for row in twin.contingencies(text, names=["a", "b"]):
        assert row.verdict == "survived" and row.loading == pytest.approx(1.0, abs=1e-6)
        assert row.loaded == {"a": "b", "b": "a"}[row.name]
    assert stage(text, "a") == ("2N", 2) and stage(text, "grid") == ("N", 1)


@pytest.mark.parametrize(("modules", "needed", "before"), [(3, 2, 2 / 3), (4, 3, 3 / 4)])
def test_distributed_redundancy(modules, needed, before):
    names = [f"m{i}" for i in range(modules)]
    racks = list(combinations(names, 2)) * 4
    rating = len(racks) * RACK / needed
    text = layout(names, rating, racks)
    assert all(x == pytest.approx(before, abs=1e-6) for x in loadings(text).values())
    found = twin.contingencies(text, names=names)
    assert found.fault_tolerant and found.concurrently_maintainable
    assert all(row.loading == pytest.approx(1.0, abs=1e-6) for row in found)
    assert stage(text, "m0") == ("N+1", modules)
    second = twin.contingencies(text, names=[], pairs=[("m0", "m1")], modes=["fault"])
    (row,) = second
    both = len(racks) // len(list(combinations(names, 2)))
    assert row.racks_dark == both  # those on this pair alone have no feed left
    assert row.loading == pytest.approx((len(racks) - both) * RACK / (modules - 2) / rating, abs=1e-6)


def test_block_redundant():
    blocks = ["m1", "m2", "m3"]
    text = layout([*blocks, "reserve"], 2 * RACK, [[n, "*reserve"] for n in blocks for _ in range(2)])
    assert loadings(text) == pytest.approx({"m1": 1.0, "m2": 1.0, "m3": 1.0, "reserve": 0.0}, abs=1e-6)
    for n in blocks:
        assert loadings(text, **{n: False})["reserve"] == pytest.approx(1.0, abs=1e-6)
    found = twin.contingencies(text, names=blocks)
    assert all(row.verdict == "survived" for row in found)
    assert stage(text, "m1") == ("N+1", 4)
    pairs = twin.contingencies(text, names=[], pairs=[("reserve", "m1"), ("m2", "m1")], modes=["fault"])
    assert pairs["reserve, then m1"].racks_dark == 2
    after = pairs["m2, then m1"]
    assert after.verdict == "limited" and after.loading == pytest.approx(2.0, abs=1e-6)


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [("", "limited"), ("emergency_factor: 1.2", "emergency"), ("emergency_factor: 1.05", "limited")],
)
def test_a_load_for_hours_after_a_loss(factor, verdict):
    """2N at 110 % of one side: a UPS overload rating bears it, where it states one; planned work has no such help."""
    text = layout(
        ["a", "b"],
        4 * RACK / 1.1,
        [["a", "b"]] * 4,
        module=f"continuous_factor: 1.0, trip_factor: 3.0, {factor or 'life: 10 year'}",
    )
    found = twin.contingencies(text, names=["a"])
    assert {row.mode: row.verdict for row in found} == {"fault": verdict, "planned": "limited"}
    bound = {"fault": 1.05 if factor.endswith("1.05") else 1.0, "planned": 1.0}
    for row in found:
        (passed,) = row.passed
        assert (passed.limit, passed.element) == ("pdu_loading", "b") and passed.value == pytest.approx(1.1, abs=1e-6)
        assert passed.bound == pytest.approx(bound[row.mode])


@pytest.mark.parametrize("spare", [0, 1, 2, 3])
def test_as_many_as_are_needed_and_some_to_spare(spare):
    names = [f"m{i}" for i in range(3 + spare)]
    text = layout(names, RACK * 1.001, [["board"]] * 3).replace(
        "components:\n", "components:\n  board: {type: switchboard, rating: 9 MW}\n"
    )
    text += "".join(f"  - [power, {m}.out, board.in]\n" for m in names)
    (found,) = twin.redundancy(text, names=["m0"])
    assert (found.pieces, found.spare, found.maintainable, found.more) == (3 + spare, spare, spare > 0, False)
    assert found.label == ("N", "N+1", "N+2", "2N")[spare]


@pytest.mark.parametrize(
    ("pieces", "spare", "label"), [(4, 2, "2N"), (5, 3, "2N+1"), (3, 2, "3N"), (24, 2, "N+2"), (1, 1, "others")]
)
def test_how_redundancy_is_written(pieces, spare, label):
    assert twin.Stage("power", "pdu", ("a",), pieces, spare, True).label == label
    assert twin.Stage("power", "pdu", ("a",), 24, 2, True, more=True).label == "N+2 or more"


def test_a_stage_is_one_step_of_the_train_and_no_other():
    """Boards behind boards: 2N above, and of two lower ones with racks of their own each is N."""
    text = layout(["a", "b"], 4 * RACK, [["lower0"], ["lower1"]] * 2, module="continuous_factor: 1.0, trip_factor: 3.0")
    board = "{type: switchboard, rating: 9 MW}"
    text = text.replace("components:\n", f"components:\n  upper: {board}\n  lower0: {board}\n  lower1: {board}\n")
    text += "".join(f"  - [power, {m}.out, upper.in]\n" for m in "ab")
    text += "".join(f"  - [power, upper.out, lower{i}.in]\n" for i in (0, 1))
    found = {s.names: s.label for s in twin.redundancy(text)}
    assert found == {("a", "b"): "2N", ("upper",): "N", ("lower0",): "N", ("lower1",): "N", ("grid",): "N"}


def test_units_standby_and_weather_count():
    """Of the hall's trim chillers one is enough on a cool day and more are needed on a hot one."""
    names = ["trim", "chw_pumps", "cdu1", "tx_mech_a"]
    cool = {s.names[0]: s for s in twin.redundancy("gb300_hall", names=names)}
    assert {n: s.label for n, s in cool.items()} == {"trim": "4N", "chw_pumps": "N+1", "cdu1": "N", "tx_mech_a": "2N"}
    (hot,) = twin.redundancy("gb300_hall", names=["trim"], overrides={"site.dry_bulb": "40 degC"})
    assert hot.pieces == 4 and 0 < hot.spare < cool["trim"].spare


@pytest.mark.parametrize("small", ["a", "b"])
def test_a_piece_to_spare_may_be_any(small):
    """Of two modules of which one cannot bear the load, none is to spare, although the loss of that one is borne."""
    text = layout(["a", "b"], 4 * RACK, [["a", "b"]] * 4)
    text = text.replace(
        f"  {small}: {{type: pdu, rating: {4 * RACK} W", f"  {small}: {{type: pdu, rating: {2 * RACK} W"
    )
    assert text.count("rating: 120000") == 1 and stage(text, "a") == ("N", 2)


def test_many_units_are_counted_at_once():
    """Sixty coolers, of which one is enough on a cool day: one way for each number, not every choice of sixty."""
    (found,) = twin.redundancy("gb300_hall", names=["dry_coolers"], overrides={"dry_coolers.units": 60})
    assert (found.pieces, found.more) == (60, False) and found.spare >= 50


def test_what_is_in_no_stage_is_refused():
    with pytest.raises(twin.LayoutError, match="rack0 is in no stage"):
        twin.redundancy(layout(["a", "b"], 4 * RACK, [["a", "b"]]), names=["rack0"])


def test_density_that_survives_every_loss():
    """2N at 80 % of one side when one is lost: a quarter denser racks fill it; the utility is a single point."""
    text = layout(["a", "b"], 4 * RACK / 0.8, [["a", "b"]] * 4)
    found = twin.secure(text, names=["a", "b"])
    assert found.scale == pytest.approx(1.25, rel=1e-5) and found.density == pytest.approx(1.25 * RACK, rel=1e-5)
    assert (found.contingency, found.limit, found.element) in (("a", "pdu_loading", "b"), ("b", "pdu_loading", "a"))
    alone = twin.secure(text)
    assert (alone.scale, alone.contingency) == (0.0, "grid")
    assert twin.bound(text)[0].scale == pytest.approx(2.5, rel=1e-5)
