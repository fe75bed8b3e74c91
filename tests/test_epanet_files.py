"""EPANET files: words by their first letters, what is refused, controls by pressure, leakage, emitters, regulators."""

import re

import numpy as np
import pytest

import twin
from twin.networks import read_pipe_network

G, PSI = 32.2 * 0.3048, 0.3048 / 0.4333

RING = """[TITLE]
Two ways from a reservoir to B
[JUNCTIONS]
 A 0 10
 B 0 10
[RESERVOIRS]
 S 50
[PIPES]
 p1 S A 1000 200 100 0 Open
 p2 A B 1000 200 100
 p3 S B 1000 200 100 0 Open
[STATUS]
 p3 Closed
[CONTROLS]
[OPTIONS]
 UNITS CMH
 HEADLOSS H-W
[TIMES]
[END]
"""

LIFT = """[JUNCTIONS]
 A 0 20
 B 0 0
[RESERVOIRS]
 S 0
[TANKS]
 T 60 1 0 5 10
[PUMPS]
 u S A HEAD c SPEED 1.0
[PIPES]
 p A B 10 500 140
 q B T 10 500 140 0 Closed
[CURVES]
 c 40 45
[PATTERNS]
 half 0.5
[STATUS]
[CONTROLS]
[OPTIONS]
 UNITS LPS
[END]
"""


@pytest.fixture
def solved(tmp_path):
    """Solve a text of a file after changes, each (old, new)."""

    def solve(text, *changes, **options):
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "net.inp"
        path.write_text(text)
        return twin.pipe_flow(path, **options)

    return solve


def flow(result, name):
    """Flow of a link [kg/s], one for each scenario."""
    kind = next(k for k in ("pipe", "pump", "valve") if k in result.coords and name in result[k])
    return result[f"{kind}_mdot_from_kg_per_s"].sel({kind: name}).values


def head(result, name):
    """Head [m]."""
    return result.head_m.sel(junction=name).item()


# ---- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        (" UNITS CMH", " UNIT CMH", 20),
        (" UNITS CMH", " Units: cmh", 20),
        (" UNITS CMH", " UNITS CMH\n DEMAND MULT 2", 40),
        (" UNITS CMH", " UNITS CMH\n DEMAND MULTIPLIER 2", 40),
        (
            " UNITS CMH",
            " UNITS CMH\n Demand Model DDA\n HYDRAULICS SAVE flows.hyd\n MAP net.map\n QUALITY NONE mg/L",
            20,
        ),
        (" UNITS CMH", " UNITS SI", 72),
        (" UNITS CMH", " UNITS CMH\n PRESSURE KPA\n HEADERROR 0.1\n FLOWCHANGE 0\n ACCURACY", 20),
        (" HEADLOSS H-W", " HEADLOSS H-W\n PATTERN 1", 20),
        ("[STATUS]", "[STAT]", 20),
        ("[STATUS]", "[Status of links]", 20),
        (" p3 Closed", " p3 CLOSED", 20),
        (" p3 Closed", ' "p3" closed', 20),
        ("p2 A B 1000 200 100", "p2 A B 1000 200 100 OPENED", 20),
        ("p2 A B 1000 200 100", "p2 A B 1000 200 100 1e-9 open", 20),
        ("p2 A B 1000 200 100", "p2 A B 1000 200 100 CV", 20),
        ("[TIMES]", "[TIMES]\n PATTERN TIME 2:00\n Start ClockTime 12 am\n STATISTIC NONE\n HYDRAULIC 0:05:00", 20),
        ("[TIMES]", "[RULES]\nRULE 1\nIF SYSTEM TIME >= 2\nAND TANK T LEVEL > 3\nTHEN PIPE p1 STATUS IS CLOSED", 20),
        ("[TIMES]", "[REPORT]\n STATUS FULL\n PRESSURE PRECISION 3\n F-Factor Yes\n NODES ALL", 20),
        ("[TIMES]", "[ENERGY]\n GLOBAL EFFIC 75\n PUMP u PRICE 1\n DEMAND CHARGE 0", 20),
        ("[TIMES]", '[COORDINATES]\n A 1.5 2\n[VERTICES]\n p1 0 1e3\n[LABELS]\n 1 2 "here"\n[TAGS]\n NODE A x', 20),
        ("[TIMES]", "[QUALITY]\n A 0.5\n[SOURCES]\n A CONCEN 1\n[MIXING]\n T MIXED\n[REACTIONS]\n ORDER BULK 1", 20),
        ("[TIMES]", "[BACKDROP]\n DIMENSIONS 0 0 1 1\n UNITS None", 20),
        ("[CONTROLS]", "[CONTROLS]\n Pipe p3 Open at Time 0:00", 10),
        ("[CONTROLS]", "[CONTROLS]\n LINK p3 1 AT CLOCKTIME 12 AM", 10),
        ("[CONTROLS]", "[CONTROLS]\n LINK p3 OPEN AT CLOCKTIME 24:00", 10),
        ("[CONTROLS]", "[CONTROLS]\n LINK p3 OPEN AT TIME 1", 20),
        ("[CONTROLS]", "[CONTROLS]\n LINK p3 OPEN AT CLOCKTIME 12:00 PM", 20),
    ],
)
def test_words_count_by_their_first_letters(solved, old, new, first):
    """Flow of p1 in m3/h, all that A and B draw where p3 is closed, and A alone where it is open."""
    result = solved(RING, (old, new))
    assert result.status.values.tolist() == [0]
    assert flow(result, "p1")[0] * 3.6 == pytest.approx(first, rel=1e-4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[STATUS]", "[STAUTS]", "net.inp:12: section [STAUTS] is not known, did you mean STATUS?"),
        ("[STATUS]", "[LINKS]", "net.inp:12: section [LINKS] is not known"),
        ("[TITLE]", "UNITS LPS\n[TITLE]", "net.inp:1: stands before any [SECTION]"),
        (" UNITS CMH", " UNTIS CMH", "net.inp:16: [OPTIONS] UNTIS CMH is not known, did you mean UNITS?"),
        (" UNITS CMH", " UNITS CHM", "net.inp:16: UNITS CHM is none of CFS"),
        (" UNITS CMH", " UNITS", "net.inp:16: UNITS: no value"),
        (" UNITS CMH", " UNITS CMH\n DEMAND 2", "net.inp:17: [OPTIONS] DEMAND 2 is not known, did you mean DEMAND"),
        (
            " UNITS CMH",
            " UNITS CMH\n DEMAND MODEL PDA",
            "net.inp:17: demands that depend on pressure (PDA) are not read",
        ),
        (" UNITS CMH", " UNITS CMH\n HYDRAULICS USE f.hyd", "net.inp:17: flows from another file (HYDRAULICS USE)"),
        (" UNITS CMH", " UNITS CMH\n PRESSURE PSI", "net.inp:17: PRESSURE PSI beside UNITS CMH is read in two ways"),
        (" UNITS CMH", " UNITS GPM\n PRESSURE METERS", "net.inp:17: PRESSURE METERS beside UNITS GPM is read in two"),
        (" UNITS CMH", " UNITS CMH\n PRESSURE ATM", "net.inp:17: PRESSURE ATM is none of PSI, KPA"),
        (" UNITS CMH", " UNITS CMH\n VISCOSITY -1", "net.inp:17: VISCOSITY must be positive"),
        (" UNITS CMH", " UNITS CMH\n PATTERN day", "net.inp:17: no pattern day"),
        (" UNITS CMH", " UNITS CMH\n BACKFLOW ALLOWED NEVER", "net.inp:17: BACKFLOW ALLOWED NEVER is none of YES, NO"),
        (" HEADLOSS H-W", " HEADLOSS HW", "net.inp:17: HEADLOSS HW is none of H-W, D-W, C-M"),
        (
            "[TIMES]",
            "[TIMES]\n PATERN START 2",
            "net.inp:19: [TIMES] PATERN START 2 is not known, did you mean PATTERN ST",
        ),
        ("[TIMES]", "[TIMES]\n PATTERN STEP 2", "net.inp:19: [TIMES] PATTERN STEP 2 is not known"),
        (
            "[TIMES]",
            "[TIMES]\n PATTERN START 2 WEEKS",
            "net.inp:19: 'START 2 WEEKS' is not a time|'2 WEEKS' is not a time",
        ),
        ("[TIMES]", "[TIMES]\n START CLOCKTIME 13 PM", "net.inp:19: '13 PM' is not a time"),
        ("[TIMES]", "[TIMES]\n PATTERN START -1", "net.inp:19: 'START -1' is not a time"),
        ("[TIMES]", "[REPORT]\n UNITS LPS", "net.inp:19: UNITS LPS: no line of [REPORT]; known are PAGE"),
        ("[TIMES]", "[ENERGY]\n p3 Open", "net.inp:19: p3 Open: no line of [ENERGY]"),
        ("[TIMES]", "[RULES]\n LINK p1 CLOSED AT TIME 0", "net.inp:19: LINK p1 CLOSED AT TIME 0: no line of [RULES]"),
        ("[TIMES]", "[COORDINATES]\n p3 Open 1", "net.inp:19: p3 Open 1: 'Open' is not a number"),
        (
            "p2 A B 1000 200 100",
            "p2 A B 1000 200 100 Closd",
            "net.inp:10: pipe p2: Closd is not known, did you mean CLOSED?",
        ),
        (
            "p2 A B 1000 200 100",
            "p2 A B 1000 200 100 Open 1",
            "net.inp:10: p2 A B 1000 200 100 Open 1: 'Open' is not a",
        ),
        (
            "p2 A B 1000 200 100",
            "p2 A B 1000 200 100 0 Open 7",
            "net.inp:10: p2 A B 1000 200 100 0 Open 7: '7' is more than",
        ),
        (" A 0 10", " A 0 10 day 7", "net.inp:4: A 0 10 day 7: '7' is more than a line of [JUNCTIONS] has"),
        (" p3 Closed", " p3 Close", "net.inp:13: p3 Close: Close is not known, did you mean CLOSED?"),
        (" p3 Closed", " p1 p3 Closed", "net.inp:13: p1 p3 Closed: 'Closed' is more than a line of [STATUS] has"),
        (" p3 Closed", " p3 0", "net.inp:13: p3 0: it takes OPEN or CLOSED"),
        (" p3 Closed", " p4 Closed", "net.inp:13: no link p4"),
        (" p3 Closed", " p3", "net.inp:13: p3: no status"),
        (
            "[CONTROLS]",
            "[CONTROLS]\n LINK p3 OPEN AT TIEM 0",
            "net.inp:15: LINK p3 OPEN AT TIEM 0: a control is LINK name",
        ),
        (
            "[CONTROLS]",
            "[CONTROLS]\n LNIK p3 OPEN AT TIME 0",
            "net.inp:15: LNIK p3 OPEN AT TIME 0: a control is LINK name",
        ),
        ("[CONTROLS]", "[CONTROLS]\n LINK p3 OPEN AT TIME", "net.inp:15: LINK p3 OPEN AT TIME: a control is LINK name"),
        ("[CONTROLS]", "[CONTROLS]\n LINK p9 OPEN AT TIME 5", "net.inp:15: no link p9"),
        (
            "[CONTROLS]",
            "[CONTROLS]\n LINK p3 OPNE AT TIME 5",
            "net.inp:15: p3 OPNE: OPNE is not known, did you mean OPEN?",
        ),
        ("[CONTROLS]", "[CONTROLS]\n LINK p3 -1 AT TIME 5", "net.inp:15: p3 -1: settings must not be negative"),
        ("[CONTROLS]", "[CONTROLS]\n LINK p3 OPEN IF NODE X ABOVE 5", "net.inp:15: no node X"),
        (
            "[CONTROLS]",
            "[CONTROLS]\n LINK p3 OPEN IF NODE A OVER 5",
            "net.inp:15: LINK p3 OPEN IF NODE A OVER 5: a control",
        ),
        ("[CONTROLS]", "[CONTROLS]\n LINK p3 OPEN IF NODE S ABOVE 5", "net.inp:15: S: a reservoir has no level"),
        ("[CONTROLS]", "[EMITTERS]\n S 5", "net.inp:15: emitter S: S is no junction"),
        ("[CONTROLS]", "[EMITTERS]\n A -5", "net.inp:15: emitter A: its coefficient must not be negative"),
        ("[CONTROLS]", "[LEAKAGE]\n p7 1 0", "net.inp:15: no pipe p7"),
        ("[CONTROLS]", "[LEAKAGE]\n p1 -1 0", "net.inp:15: p1 -1 0: leaks have no negative area"),
        ("[CONTROLS]", "[LEAKAGE]\n p1 1", "net.inp:15: p1 1: the line ends before a number"),
        ("[CONTROLS]", "[VALVES]\n v A B 200 PCV 50 0", "net.inp:15: valve v: PCV is not read unless it is closed"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(solved, old, new, message):
    with pytest.raises(ValueError, match="|".join(map(re.escape, message.split("|")))):
        solved(RING, (old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("SPEED 1.0", "SPED 1.2", "net.inp:9: pump u: SPED is not known, did you mean SPEED?"),
        ("SPEED 1.0", "SPEED", "net.inp:9: pump u: SPEED has no value"),
        ("SPEED 1.0", "SPEED -1", "net.inp:9: speeds must not be negative"),
        ("HEAD c", "HEDA c", "net.inp:9: pump u: HEDA is not known, did you mean HEAD?"),
        ("HEAD c SPEED 1.0", "40 45", "net.inp:9: pump u: 40 is not known; known are HEAD, POWER, SPEED, PATTERN"),
        (" c 40 45", " c 40 45 9", "net.inp:14: c 40 45 9: '9' is more than a line of [CURVES] has"),
        ("T 60 1 0 5 10", "T 60 1 0 5", "net.inp:7: T 60 1 0 5: the line ends before a number"),
        ("T 60 1 0 5 10", "T 60 7 0 5 10", "net.inp:7: tank T: level 7 is not within 0 and 5"),
        ("T 60 1 0 5 10", "T 60 1 0 5 10 0 * Maybe", "net.inp:7: tank T: Maybe is not known; known are YES, NO"),
    ],
)
def test_words_of_pumps_and_tanks_are_refused_too(solved, old, new, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        solved(LIFT, (old, new))


# ---- version 2.3 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "pressure", "metres"),
    [
        ("LPS", "METERS", 1.0),
        ("LPS", "M", 1.0),
        ("LPS", "KPA", PSI / 6.895),
        ("LPS", "BAR", PSI / 0.068948),
        ("GPM", "PSI", PSI),
        ("GPM", "FEET", 0.3048),
    ],
)
def test_units_of_pressure_are_so_many_metres(solved, unit, pressure, metres):
    """An emitter of one unit of flow at one unit of pressure; 0.4333 psi a foot, 6.895 kPa and 0.068948 bar a psi."""
    text = "[JUNCTIONS]\n J 0\n[RESERVOIRS]\n S 60\n[PIPES]\n p S J 1 2000 140\n[EMITTERS]\n J 1\n[OPTIONS]\n"
    result = solved(f"{text} UNITS {unit}\n PRESSURE {pressure}\n")
    litres, foot = (1.0, 1.0) if unit == "LPS" else (0.0630902, 0.3048)
    assert flow(result, "p")[0] == pytest.approx(litres * np.sqrt(60 * foot / metres), rel=1e-5)


def test_leaks_are_orifices_of_an_area_a_hundred_metres(solved):
    """10 mm2 per 100 m of two pipes of 1000 m: 33.40 m3/h through the first [EPANET 2.3.5].

    0.6 A sqrt(2 g h): 100 mm2 of p1 all at A, for S is a reservoir, and 50 of p2 at each of its ends.
    """
    result = solved(RING, ("[CONTROLS]", "[LEAKAGE]\n p1 10 0\n p2 10 0"))
    assert flow(result, "p1")[0] * 3.6 == pytest.approx(33.40, abs=0.005)
    for node, area in (("A", 150e-6), ("B", 50e-6)):
        leak = 1e3 * 0.6 * area * np.sqrt(2 * G * head(result, node))
        assert flow(result, f"leakage {node}")[0] == pytest.approx(leak, rel=1e-6)


def test_leaks_grow_with_the_head_in_metres_and_feet(solved):
    """An area of 2 mm2 per metre of head and 100 m, of feet in American units, at half of 1000."""
    for unit, foot in (("CMH", 1.0), ("GPM", 0.3048)):
        result = solved(RING, ("[CONTROLS]", "[LEAKAGE]\n p2 0 2"), (" UNITS CMH", f" UNITS {unit}"))
        h = head(result, "B")
        leak = 1e3 * 0.6 * (0.5 * 1000 / 100 * 2e-6 * h / foot) * np.sqrt(2 * G * h)
        assert flow(result, "leakage B by expansion")[0] == pytest.approx(leak, rel=1e-6)


def test_nothing_leaks_without_pressure_and_little_with_little(solved):
    """B lies above the grade line; then half a metre below it."""
    leak = ("[CONTROLS]", "[LEAKAGE]\n p2 10 10")
    result = solved(RING, (" B 0 10", " B 60 10"), leak)
    assert flow(result, "leakage B")[0] == pytest.approx(0, abs=1e-9)
    assert flow(result, "leakage B by expansion")[0] == pytest.approx(0, abs=1e-9)
    result = solved(RING, (" A 0 10", " A 49.1 10"), (" B 0 10", " B 49.1 10"), leak)
    h = head(result, "B") - 49.1
    assert 0 < h < 0.5
    leak = 1e3 * 0.6 * (50e-6 * h) * np.sqrt(2 * G * h)
    assert flow(result, "leakage B by expansion")[0] == pytest.approx(leak, rel=1e-3)


@pytest.mark.parametrize("option", ["BACKFLOW ALLOWED", "EMITTER BACKFLOW", "Backflow All", "Emitter Back"])
def test_emitters_without_backflow_let_nothing_in(solved, option):
    """Above the grade line an emitter of 5 m3/h draws air in unless it may not: then p1 brings what B draws."""
    above = (" A 0 10", " A 60 0"), ("[CONTROLS]", "[EMITTERS]\n A 5")
    result = solved(RING, *above, (" UNITS CMH", f" UNITS CMH\n {option} NO"))
    assert flow(result, "p1")[0] * 3.6 == pytest.approx(10, rel=1e-6)
    assert flow(result, "emitter A")[0] == pytest.approx(0, abs=1e-9)
    result = solved(RING, *above, (" UNITS CMH", f" UNITS CMH\n {option} YES"))
    drawn = -5 / 3.6 * np.sqrt(60 - head(result, "A"))
    assert flow(result, "emitter A")[0] == pytest.approx(drawn, rel=1e-5) and drawn < -1


# ---- controls ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "first"),
    [
        ("LINK p3 CLOSED IF NODE A ABOVE 20", 20.0),
        ("LINK p3 CLOSED IF NODE A BELOW 20", 10.0),
        ("LINK p3 CLOSED IF JUNCTION A BELOW 49.95", 20.0),
        ("LINK p3 CLOSED IF NODE A ABOVE 49.8\n LINK p3 OPEN IF NODE A BELOW 49.7", None),
        ("LINK p3 CLOSED IF NODE A ABOVE 49.8\n LINK p3 OPEN IF NODE A BELOW 40", 20.0),
        ("LINK p3 CLOSED IF NODE A ABOVE 20\n LINK p3 OPEN IF NODE A ABOVE 10", None),
        ("LINK p3 OPEN IF NODE A ABOVE 10\n LINK p3 1 IF NODE B ABOVE 10", 10.0),
    ],
)
def test_controls_act_on_the_pressure_at_a_junction_until_none_changes_anything(solved, control, first):
    """Head at A 49.90 m with p3 open, 49.64 m with it closed; controls in a circle are not converged."""
    result = solved(RING, (" p3 Closed\n", ""), ("[CONTROLS]", f"[CONTROLS]\n {control}"))
    assert result.status.values.tolist() == [0 if first else 1]
    if first:
        assert flow(result, "p1")[0] * 3.6 == pytest.approx(first, rel=1e-4)


def test_a_control_acts_within_five_ten_thousandths_of_a_foot(solved):
    """0.1524 mm of head [EPANET's Htol]."""
    above = head(solved(RING, (" p3 Closed\n", "")), "A")
    for beyond, closed in ((1.0e-4, True), (2.0e-4, False)):
        control = f"[CONTROLS]\n LINK p3 CLOSED IF NODE A ABOVE {above + beyond:.9f}"
        result = solved(RING, (" p3 Closed\n", ""), ("[CONTROLS]", control))
        assert (abs(flow(result, "p3")[0]) < 1e-9) == closed


def test_controls_are_each_scenarios_own(solved, tmp_path):
    """At little demand A stands above 49.93 m and p3 closes; scenarios are what they are alone, bit for bit."""
    text = RING.replace(" p3 Closed\n", "").replace("[CONTROLS]", "[CONTROLS]\n LINK p3 CLOSED IF NODE A ABOVE 49.93")
    (tmp_path / "net.inp").write_text(text)
    net = read_pipe_network(tmp_path / "net.inp")
    share = np.array([0.5, 1.0, 0.2, 2.0])
    batch = twin.pipe_flow(net, mdot_kg_per_s=net.demand[:, None] * share)
    assert (np.abs(flow(batch, "p3")) < 1e-9).tolist() == [True, False, True, False]
    for k, factor in enumerate(share):
        alone = twin.pipe_flow(net, mdot_kg_per_s=net.demand * factor)
        np.testing.assert_array_equal(batch.p_bar[:, k], alone.p_bar[:, 0])
        np.testing.assert_array_equal(batch.pipe_mdot_from_kg_per_s[:, k], alone.pipe_mdot_from_kg_per_s[:, 0])


def test_what_a_control_cuts_off_is_not_served(solved):
    closed = "[CONTROLS]\n LINK p2 CLOSED IF NODE A ABOVE 20"
    result = solved(RING, ("[CONTROLS]", closed))
    assert np.isnan(head(result, "B")) and flow(result, "p1")[0] * 3.6 == pytest.approx(10, rel=1e-6)


@pytest.mark.parametrize(
    ("control", "pressure"),
    [
        ("u 0.5 IF NODE A ABOVE 30", 0.25 * 60 - 3.75),
        ("u 0.5 IF NODE A BELOW 30", 56.25),
        ("u 1.2 IF NODE A ABOVE 30", 1.44 * 60 - 3.75),
        ("u 0.5 AT TIME 0", 0.25 * 60 - 3.75),
        ("u 0.5 IF TANK T ABOVE 0.5", 0.25 * 60 - 3.75),
        ("u 0.5 IF TANK T BELOW 0.5", 56.25),
        ("q OPEN IF NODE A BELOW 60", 61.0),
    ],
)
def test_controls_set_speeds_and_open_pipes(solved, control, pressure):
    """60 m - 15 m (q / 40)^2 at 20 L/s; heads by the square of the speed; the tank's 61 m once q is open."""
    result = solved(LIFT, ("[CONTROLS]", f"[CONTROLS]\n LINK {control}"))
    assert head(result, "A") == pytest.approx(pressure, abs=2e-3)


def test_a_pattern_goes_before_a_status_and_a_control_before_the_pattern(solved):
    """Speed 0.5 by its pattern: 0.25 * 60 - 3.75 m; a control puts it back to 1."""
    pattern = ("SPEED 1.0", "PATTERN half"), ("[STATUS]", "[STATUS]\n u 1.2")
    assert head(solved(LIFT, *pattern), "A") == pytest.approx(11.25, abs=1e-4)
    control = ("[CONTROLS]", "[CONTROLS]\n LINK u 1.0 AT TIME 0")
    assert head(solved(LIFT, *pattern, control), "A") == pytest.approx(56.25, abs=1e-4)


@pytest.mark.parametrize(
    ("setting", "control", "flow_expected", "below"),
    [
        ("PRV 30", "30", 10.0, 30.0),
        ("PRV 30", "20", 10.0, 20.0),
        ("PRV 30", "OPEN", 10.0, None),
        ("PRV 30", "CLOSED", 0.0, None),
        ("TCV 0", "1e6", 10.0, None),
        ("FCV 50", "40", 10.0, None),
        ("PBV 5", "8", 10.0, None),
    ],
)
def test_controls_set_valves(solved, setting, control, flow_expected, below):
    """A valve before C, which draws 10 m3/h, set by the pressure at A."""
    text = RING.replace(" B 0 10", " B 0 10\n C 0 10").replace(
        "[STATUS]", f"[VALVES]\n v B C 200 {setting} 0\n[STATUS]"
    )
    result = solved(text, ("[CONTROLS]", f"[CONTROLS]\n LINK v {control} IF NODE A ABOVE 20"))
    b = head(result, "B")
    loss = {"TCV 0": 1e6 * (10 / 3600 / (np.pi * 0.01)) ** 2 / (2 * G), "PBV 5": 8.0}.get(setting, 0.0)
    if flow_expected == 0:
        assert np.isnan(head(result, "C"))
    else:
        assert head(result, "C") == pytest.approx(below if below else b - loss, abs=1e-3)
    assert flow(result, "v")[0] * 3.6 == pytest.approx(flow_expected, abs=1e-6)


# ---- valves that regulate ----------------------------------------------------------------------------------------

LINE = """[JUNCTIONS]
 A 0 0
 B 0 0
 C 0 0
 D 0 {demand}
[RESERVOIRS]
 S {source}
{sink}
[PIPES]
 p1 S A 500 200 100
 p2 B C 500 200 100
 {last}
[VALVES]
 first A B 200 {first} 0
 second C D 200 {second} 0
[OPTIONS]
 UNITS CMH
[END]
"""


def hazen_williams(drop):
    """Flow [kg/s] of 500 m of 200 mm, C 100, at a drop of head [m]: 4.727 C^-1.852 d^-4.871 L q^1.852 in feet."""
    unit = 4.727 * 100**-1.852 * (0.2 / 0.3048) ** -4.871 * 500 / 0.3048
    return 1e3 * 0.3048**3 * (drop / 0.3048 / unit) ** (1 / 1.852)


@pytest.mark.parametrize(
    ("first", "second", "drop", "heads"),
    [
        ("PSV 58", "PRV 35", 12, {"A": 58, "B": 44, "C": 32, "D": 32}),  # the first holds, the second is open
        ("PSV 50", "PRV 30", 10, {"A": 60, "B": 60, "C": 50, "D": 30}),  # the second holds
        ("PSV 45", "PRV 45", 50 / 3, {"A": 160 / 3, "D": 110 / 3}),  # both are open
        ("PRV 30", "PSV 27", 3, {"A": 67, "B": 30, "C": 27, "D": 23}),  # both hold
        ("PRV 40", "PRV 24", 4, {"A": 66, "B": 40, "C": 36, "D": 24}),
        ("PSV 64", "PSV 60", 5, {"A": 65, "B": 65, "C": 60, "D": 25}),
        ("PSV 64", "PSV 30", 6, {"A": 64, "B": 36, "C": 30, "D": 26}),
        ("PSV 75", "PRV 35", 0, {"A": 70, "D": 20}),  # out of reach: shut
        ("PRV 15", "PSV 10", 0, {"A": 70, "D": 20}),  # the sink stands above the setting: shut
        ("FCV 100", "PRV 35", 3.51089, {"A": 66.489, "B": 27.022, "C": 23.511, "D": 23.511}),
        ("PBV 8", "PSV 40", 11, {"A": 59, "B": 51, "C": 40}),
        ("TCV 1000", "PRV 21", 1, {"D": 21}),
    ],
)
def test_valves_in_series_settle_where_the_tighter_one_holds(solved, first, second, drop, heads):
    """From 70 m to 20 m through three pipes alike; each drops as much, and valves what is left."""
    text = LINE.format(source=70, sink=" T 20", demand=0, last="p3 D T 500 200 100", first=first, second=second)
    result = solved(text)
    assert result.status.values.tolist() == [0]
    for name in ("p1", "p2", "p3"):
        assert flow(result, name)[0] == pytest.approx(hazen_williams(drop), rel=1e-4, abs=1e-6)
    for name, value in heads.items():
        assert head(result, name) == pytest.approx(value, abs=2e-3)


def test_a_sustaining_valve_before_consumers_alone_stays_open(solved):
    """100 m3/h lose 3.51 m in each pipe: A stands at 66.49 m however it is set; the reducing valve holds its 60 m."""
    text = LINE.format(
        source=70, sink="", demand=100, last="p3 S A 500 200 100 0 Closed", first="PSV 69", second="PRV 60"
    )
    result = solved(text)
    loss = 70 - head(result, "A")
    assert hazen_williams(loss) == pytest.approx(100 / 3.6, rel=1e-4)
    assert head(result, "B") == pytest.approx(70 - loss, abs=1e-3)
    assert head(result, "C") == pytest.approx(70 - 2 * loss, abs=1e-3) and head(result, "D") == pytest.approx(
        60, abs=1e-3
    )


def test_a_sustaining_valve_shuts_where_a_check_valve_feeds_in_its_place(solved):
    """A stands near T's 30 m, below the 60 m of the valve, and the check valve holds back until it has shut."""
    text = """[JUNCTIONS]
 A 0 0
 B 0 10
[RESERVOIRS]
 S 80
 T 30
 U 20
[PIPES]
 p1 S A 500 100 100
 p2 A T 50 300 100
 p3 U B 100 200 100 CV
[VALVES]
 v A B 200 PSV 60 0
[OPTIONS]
 UNITS CMH
"""
    result = solved(text)
    assert flow(result, "v")[0] == pytest.approx(0, abs=1e-9)
    assert flow(result, "p3")[0] * 3.6 == pytest.approx(10, rel=1e-6) and 19 < head(result, "B") < 20


@pytest.mark.parametrize(("second", "end"), [("PRV 20", 20), ("PRV 40", 30), ("PSV 25", 30)])
def test_where_nothing_flows_reducing_valves_hold_their_setting(solved, second, end):
    text = LINE.format(source=70, sink="", demand=0, last="p3 S A 500 200 100", first="PRV 30", second=second)
    result = solved(text)
    assert result.status.values.tolist() == [0]
    assert [head(result, n) for n in "ABCD"] == pytest.approx([70, 30, 30, end], abs=1e-3)


def random_network(rng):
    """A tree from one or two reservoirs, with some more pipes, whose valves lead away from the reservoir."""
    n, sources = rng.integers(3, 9), rng.integers(1, 3)
    names = [f"r{k}" for k in range(sources)] + [f"j{k}" for k in range(n)]
    ends = [(rng.integers(0, k), k) for k in range(sources, sources + n)]
    ends += [(1, rng.integers(2, 2 + n))] * int(sources == 2)
    ends += [tuple(sources + rng.choice(n, 2, replace=False)) for _ in range(rng.integers(0, 3))]
    elevation, demand = rng.uniform(0, 30, n), rng.uniform(0, 8, n) * (rng.random(n) < 0.6)
    pipes, valves, held = [], [], set()
    for k, (a, b) in enumerate(ends):
        kind = str(rng.choice(["PRV", "PSV", "pipe"]))
        at = a if kind == "PSV" else b
        if min(a, b) < sources or kind == "pipe" or at in held:
            pipes.append(f" p{k} {names[a]} {names[b]} {rng.uniform(50, 600)} {rng.choice([100, 150, 250])} 120")
        else:
            held.add(at)
            setting = max(rng.uniform(20, 90) - elevation[at - sources], 1)
            valves.append(
                f" v{k} {names[a]} {names[b]} {rng.choice([80, 200])} {kind} {setting} {rng.choice([0, 2.5])}"
            )
    junctions = [f" j{k} {elevation[k]} {demand[k]}" for k in range(n)]
    reservoirs = [f" r{k} {rng.uniform(40, 100)}" for k in range(sources)]
    sections = {"JUNCTIONS": junctions, "RESERVOIRS": reservoirs, "PIPES": pipes, "VALVES": valves}
    return "".join(f"[{name}]\n" + "\n".join(rows) + "\n" for name, rows in sections.items()) + "[OPTIONS]\nUNITS LPS\n"


def test_valves_throttle_only_as_far_as_their_setting_asks(tmp_path):
    """In 150 networks by chance no valve lifts or lets back; it throttles at its setting, or is shut or open for it.

    A sustaining valve may stand open below its setting where no throttle helps, as before consumers alone.
    """
    path, seen = tmp_path / "net.inp", {"throttled": 0, "open": 0, "shut": 0}
    for seed in range(150):
        path.write_text(random_network(np.random.default_rng(seed)))
        net = read_pipe_network(path)
        if net.regulators is None:
            continue
        result = twin.pipe_flow(net)
        assert result.status.item() == 0, seed
        rows, sustaining = net.regulators.branch, net.regulators.sustaining
        q = result.valve_mdot_from_kg_per_s.sel(valve=net.branch[rows]).values[:, 0]
        before, after = (result.head_m.values[ends[rows], 0] for ends in (net.start, net.end))
        own = net.zeta[rows] * q * np.abs(q) / (2 * net.density * (np.pi * net.diameter[rows] ** 2 / 4) ** 2)
        throttle = before - after - (own + net.factor[rows] * q) / (net.density * G)
        setting = net.regulators.pressure / (net.density * G)
        gap = np.where(sustaining, before - setting, setting - after)
        shut, open_ = q < 1e-6, throttle < 1e-3
        assert (q > -1e-6).all() and (throttle[~shut] > -1e-3).all(), seed
        assert (np.abs(gap) < 1e-3)[~shut & ~open_].all(), seed
        assert (gap > -1e-3)[~shut & open_ & ~sustaining].all(), seed
        assert ((gap < 1e-3) | (throttle < 1e-3))[shut].all(), seed
        for state, these in {"throttled": ~shut & ~open_, "open": ~shut & open_, "shut": shut}.items():
            seen[state] += these.sum()
    assert min(seen.values()) > 20
