"""Habits of the house that a reader can check: who knows what by name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import twin
from twin import columns
from twin.components import REGISTRY
from twin.plant.compile import compile

SOURCE = Path(twin.__file__).parent
KNOWING = ("components/", "columns.py")
"""Who declares kinds, reports and limits."""

OTHER_MEANINGS = (
    ("readers/", {"pipe", "pump", "valve", "transformer"}, "tables and sections of other programs' files"),
    ("results/room_indices.py", {"rack", "room"}, "dimension and coordinate of capture indices"),
    (
        "readers/dps.py",
        {
            "utility",
            "pdu",
            "rack",
            "voltage",
            "junction_temperature",
            "throttling",
            "rack_air_inlet",
            "rack_air_inlet_cold",
        },
        "what it writes into a layout",
    ),
    ("readers/grids.py", {"utility", "feeder", "house_load", "voltage"}, "what it writes into a layout"),
    ("readers/netbox.py", {"rack", "voltage"}, "what it writes into a layout, and columns of NetBox"),
    (
        "readers/racks.py",
        {
            *(
                "utility",
                "switchboard",
                "pdu",
                "rack",
                "liquid_rack",
                "room",
                "cdu",
                "pump",
                "expansion_tank",
                "dry_cooler",
            ),
            *("fan_wall", "voltage"),
        },
        "what it writes into a layout",
    ),
    ("networks/", {"pipe", "pump", "valve"}, "elements of networks on their own, called as pandapipes calls them"),
    ("networks/__init__.py", {"pipe_flow"}, "a public function"),
    ("__init__.py", {"pipe_flow"}, "a public function"),
    ("air/geometry.py", {"rack"}, "a role in the air of a room"),
    ("air/parts.py", {"rack"}, "a role in the air of a room"),
    ("air/mesh.py", {"rack", "screen"}, "roles in the air of a room, see ShapesAir"),
    ("air/exchange.py", {"rack"}, "a role in the air of a room"),
    ("show/scene/places.py", {"rack", "busway"}, "a role in the air of a room, a look, see Look"),
    ("show/scene/paint.py", {"rack_inlet_temperature"}, "what scenes are coloured by if nothing is named"),
    (
        "show/scene/shapes.py",
        {"rack", "cdu", "fan_wall", "dry_cooler", "tower", "transformer", "generator", "busway"},
        "looks, see Look",
    ),
    (
        "show/plots/results.py",
        {"rack", "transformer", "generator", "busway", "humidification"},
        "a role, looks and a heading of the meter",
    ),
    ("show/gltf.py", {"generator"}, "what glTF calls the program that wrote a file"),
    ("show/usd.py", {"room", "pipe"}, "semantic labels"),
    (
        "show/aif.py",
        {"rack", "cdu_facility_supply_temperature", "cdu_duty", "rack_inlet_temperature", "crah_supply_temperature"},
        "a role, and numbers that NVIDIA's classes of equipment ask for",
    ),
    ("show/aif.py", {"room"}, "a field of every component"),
    (
        "study/part_load.py",
        {"dew_point"},
        "a field of the site",
    ),
    ("facility/graph.py", {"rack"}, "a role in the air of a room"),
    ("facility/build.py", {"room"}, "a field of every component"),
    ("air/response.py", {"bypass"}, "a share of air, field of a Zone"),
    ("app/common.py", {"rack"}, "a group of `bound --per`"),
    ("app/cli.py", {"rack", "room"}, "a role in the air of a room, an option of `mesh`"),
    ("show/contingencies.py", {"voltage"}, "a figure of a loss"),
    ("study/contingencies.py", {"voltage", "coolant_supply"}, "figures of a loss"),
    ("study/dependents.py", {"rack", "room", "pipe"}, "the end of a flow, and vertices of a graph"),
    ("study/year.py", {"dew_point"}, "a field of weather"),
    ("app/cli.py", {"power_cap"}, "a field of racks that `optimum` varies"),
    ("app/web/controls.py", {"power_cap", "dew_point", "rack"}, "fields of racks and of the site, a role"),
    ("app/web/screen.py", {"rack"}, "a role in the air of a room"),
    ("study/optimum.py", {"power_cap"}, "a field of racks that it varies"),
    ("study/bound.py", {"rack"}, "a group of `bound --per`"),
    ("facility/files.py", {"dew_point", "pipe_flow"}, "a field of the site, a public function"),
    ("readers/epw.py", {"dew_point"}, "a field of the site"),
    ("facility/scenarios.py", {"dew_point", "voltage"}, "a field of the site, a dimension"),
    ("plant/lowering.py", {"dew_point"}, "a field of the site"),
    ("plant/wiring.py", {"room"}, "a field of every component, and where what is in one meets"),
    ("results/dataset.py", {"room"}, "an attribute of a field of air"),
    (
        "results/store.py",
        {"rack", "rack_flow", "bypass"},
        "a role, a flow and a share of air, fields of computed rooms",
    ),
    ("show/describe.py", {"room"}, "a field of every component"),
    ("results/tables.py", {"room"}, "a column of the schedule, field of every component"),
    ("units.py", {"voltage"}, "a dimension of units"),
)
"""Where one of the names means something else, and what."""


def names() -> set[str]:
    """Kinds, reports and limits of the package."""
    kinds = {k for k, cls in REGISTRY.items() if cls.__module__.startswith("twin.")}
    found = set(kinds)
    for kind in vars(columns.limits).values():
        if isinstance(kind, columns.LimitKind):
            found |= {kind.name.format(kind=k) for k in kinds}
    for layout in ("gb300_hall", "gb300_hall_800vdc", "h200_hall", "frontier", "summit", "dps_demo", "dsx_row"):
        plant = compile(twin.load(layout))
        found |= {r.name for r in plant.reports} | {x.name for x in plant.limits}
    return found


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """String literals that are no docstring, with their lines; what an f-string fills in stands as {}."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            yield node.lineno, "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def heard(text: str, known: set[str]) -> set[str]:
    """Names in a text: the whole of it or part of an address, in a sentence those that are no English words.

    What an f-string adds to a name, such as {}_capacity, counts as the names that end so.
    """
    words = set(re.findall(r"(?<![A-Za-z0-9_])[A-Za-z_]\w*", text))
    prose = bool(re.search(r"\S\s+\S", text))
    exact = {w for w in words if "_" in w} if prose else words
    endings = {w for w in words if w.startswith("_") and f"{{}}{w}" in text}
    return (exact & known) | {n for n in known for w in endings if n.endswith(w)}


def everything_heard() -> dict[tuple[str, int], set[str]]:
    """Names by file and line, of all that does not declare them."""
    known, found = names(), {}
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        if not file.startswith(KNOWING):
            for line, text in literals(path):
                found.setdefault((file, line), set()).update(heard(text, known))
    return {place: words for place, words in found.items() if words}


def test_nobody_below_the_lowering_hears_the_word_chiller():
    strangers = {}
    for (file, line), words in everything_heard().items():
        meant = {w for prefix, allowed, _ in OTHER_MEANINGS if file.startswith(prefix) for w in allowed}
        if words - meant:
            strangers[f"{file}:{line}"] = sorted(words - meant)
    assert strangers == {}


def test_other_meanings_are_still_used():
    all_heard = everything_heard()
    for prefix, words, reason in OTHER_MEANINGS:
        used = {w for (file, _), found in all_heard.items() if file.startswith(prefix) for w in found}
        assert words <= used, (prefix, words - used, reason)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rack_power", {"rack_power"}),
        ("cdu.set_point", {"cdu"}),
        ("air_chiller[c1].set_point", {"air_chiller"}),
        ("a rack in a room", set()),
        ("connect an expansion_tank", {"expansion_tank"}),
        ("{}_warning", {"tower_warning"}),
        ("what is racked", set()),
    ],
)
def test_names_are_heard_as_identifiers(text, found):
    known = {"rack", "room", "rack_power", "cdu", "air_chiller", "expansion_tank", "tower_warning"}
    assert heard(text, known) == found
