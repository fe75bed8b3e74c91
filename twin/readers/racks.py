"""A table of racks as a first layout: name, room, x, y, kW, feeds, loop; the plant around them is assumed and told.

A CSV file with a header. `kW` is the power at the feed; `feeds` are names of PDUs or busways, several parted by ";" or
"/"; `loop` names the coolant loop of a liquid-cooled rack, empty for one that air cools; `x` and `y` are of its corner
of least x and y in metres, `room` the room that it stands in. Columns may stand in any order.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from twin.readers.imported import Imported, Names, UnreadableError, unit

SOURCE = "a table of racks"
COLUMNS = ("name", "room", "x", "y", "kw", "feeds", "loop")
NEEDED = ("name", "kw")

VOLTAGE, SPARE = 415.0, 1.25
"""Of the low-voltage side [V], and ratings of what feeds and cools over what the racks draw."""

COOLER, CHILLER, WALL = 1000.0, 500.0, 100.0
"""What one dry cooler, chiller and unit of a fan wall are taken to carry [kW]."""

TO_LIQUID = 0.87
"""Share of the heat of liquid-cooled racks that leaves with the coolant, the default of their type."""

PITCH, ROW, AISLE = 0.8, 20, 2.4
"""Distance of racks without a place, how many stand in a row, and distance of rows [m]."""


class Rack(NamedTuple):
    """A row of the table; x and y are None where it has no place."""

    name: str
    room: str
    x: float | None
    y: float | None
    kw: float
    feeds: tuple[str, ...]
    loop: str


def is_table(header: list[str]) -> bool:
    """Whether a header is that of a table of racks."""
    return set(NEEDED) <= {h.strip().lower() for h in header}


def read(path: Path) -> Imported:
    """A table of racks as a layout with a plant around it. Raises UnreadableError for all that is wrong with it."""
    racks = _rows(path)
    return around(racks, Names()[path.stem], SOURCE)


def _rows(path: Path) -> list[Rack]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableError(str(path), [f"is no CSV table: {error}"]) from error
    if not rows or not is_table(rows[0]):
        raise UnreadableError(str(path), [f"line 1: needs the columns {' and '.join(NEEDED)} of {', '.join(COLUMNS)}"])
    header = [h.strip().lower() for h in rows[0]]
    faults = [f"line 1: column {h!r} is none of {', '.join(COLUMNS)}" for h in header if h not in COLUMNS]
    faults += [f"line 1: column {h!r} stands twice" for h in dict.fromkeys(header) if header.count(h) > 1]
    found, lines = list[Rack](), dict[str, int]()
    for line, cells in enumerate(rows[1:], 2):
        if not any(c.strip() for c in cells):
            continue
        if len(cells) != len(header):
            faults.append(f"line {line}: has {len(cells)} cells, the header {len(header)}")
            continue
        row = {h: c.strip() for h, c in zip(header, cells, strict=True)}
        rack = _rack(row, line, faults)
        if rack.name in lines:
            faults.append(f"line {line}: {rack.name} stands in line {lines[rack.name]} already")
        lines.setdefault(rack.name, line)
        found.append(rack)
    if not found and not faults:
        faults.append("has no racks")
    if faults:
        raise UnreadableError(str(path), faults)
    return found


def _rack(row: dict[str, str], line: int, faults: list[str]) -> Rack:
    """A row as a rack; what is wrong with it is added to the faults."""

    def number(name: str, least: float) -> float | None:
        text = row.get(name, "")
        try:
            value = float(text)
        except ValueError:
            if text or name == "kw":
                faults.append(f"line {line}: {name} {text!r} is no number")
            return None
        if not least <= value < 1e6:
            faults.append(f"line {line}: {name} {text} is outside {least:g} to 1e6")
        return value

    if not row["name"]:
        faults.append(f"line {line}: has no name")
    x, y = number("x", -1e6), number("y", -1e6)
    if (x is None) != (y is None):
        faults.append(f"line {line}: give both x and y, or neither")
    feeds = tuple(dict.fromkeys(f.strip() for f in re.split(r"[;/]", row.get("feeds", "")) if f.strip()))
    return Rack(row["name"], row.get("room", ""), x, y, number("kw", 0.0) or 0.0, feeds, row.get("loop", ""))


def around(
    racks: list[Rack],
    title: str,
    source: str,
    ratings: Mapping[str, float] | None = None,
    panels: Mapping[str, str] | None = None,
) -> Imported:
    """Racks, their feeds behind one board, a CDU and dry coolers for each loop, fan walls on chillers for each room.

    Names of the plant end in words that are added to those of loops and rooms. ratings: of feeds [kW]; others by what
    they carry. panels: boards that feeds hang on by name, rated by their feeds; the main board where one names none.
    """
    known, hung = dict(ratings or {}), dict(panels or {})
    names, told = Names(), list[str]()
    utility, board = names["utility"], names["main_board"]
    rooms = list(dict.fromkeys(r.room or "room" for r in racks))
    if any(not r.room for r in racks):
        told.append("racks without a room stand in one that is called room")
    drawn = sum(r.kw for r in racks)
    components, connections = dict[str, Any](), list[list[str]]()
    total = unit(2 * SPARE * drawn, "kW")
    components[utility] = {"type": "utility", "voltage": unit(VOLTAGE, "V"), "contract": total}
    components[board] = {"type": "switchboard", "rating": total}
    connections.append(["power", f"{utility}.out", f"{board}.in"])
    for room in rooms:
        components[names[room]] = {"type": "room"}
    carried = _by_feed(racks)
    for panel in dict.fromkeys(hung[f] for f in carried if f in hung):
        own = sum(known.get(f, SPARE * power) for f, power in carried.items() if hung.get(f) == panel)
        components[names[panel]] = {"type": "switchboard", "rating": unit(own, "kW")}
        connections.append(["power", f"{board}.out", f"{names[panel]}.in"])
    for feed, power in carried.items():
        components[names[feed]] = {"type": "pdu", "rating": unit(known.get(feed, SPARE * power), "kW")}
        above = names[hung[feed]] if feed in hung else board
        connections.append(["power", f"{above}.out", f"{names[feed]}.in"])
    placed = [r for r in racks if r.x is not None]
    if len(placed) < len(racks):
        told.append(f"{len(racks) - len(placed):,} racks have no place: they stand in rows of {ROW} beside the others")
    begin = max((r.y or 0.0 for r in placed), default=-2 * AISLE) + 2 * AISLE
    count = 0
    for rack in racks:
        x, y = rack.x, rack.y
        if x is None or y is None:
            x, y = PITCH * (count % ROW), begin + AISLE * (count // ROW)
            count += 1
        power = {"it_power": unit(rack.kw, "kW"), "nameplate": unit(rack.kw, "kW"), "cords": max(len(rack.feeds), 1)}
        cooled = {"rated_flow": unit(max(rack.kw / 40.0, 0.05), "kg/s")} if rack.loop else {}
        air = rack.kw * (1 - TO_LIQUID if rack.loop else 1.0)
        flow = {"air_flow": unit(max(air / 14.0, 0.05), "m3/s")}
        place = {"room": names[rack.room or "room"], "at": [unit(x, "m"), unit(y, "m"), "0 m"]}
        kind = "liquid_rack" if rack.loop else "rack"
        components[names[rack.name]] = {"type": kind, **power, **cooled, **flow, **place}
        for feed in rack.feeds or (board,):
            end = f"{names[feed]}.out" if rack.feeds else f"{board}.out"
            connections.append(["power", end, f"{names[rack.name]}.feed"])
    if bare := [r.name for r in racks if not r.feeds]:
        told.append(f"{len(bare):,} racks name no feed ({bare[0]}, ...): they hang on the main board")
    _loops(racks, names, board, components, connections)
    _rooms(racks, rooms, names, board, components, connections)
    told += [
        "boards are rated by what they feed; there is no UPS"
        if known
        else f"what feeds is rated {SPARE:g} times what it carries, each feed alone all of its racks; there is no UPS",
        *(["of each loop a CDU, pumps and dry coolers are assumed"] if any(r.loop for r in racks) else []),
        "of each room fan walls on chillers are assumed, all cooling sized by the racks",
        "weather is 30 degC and 21 degC wet bulb; give the site's",
        *([f"names were changed: {', '.join(names.changed)}"] if names.changed else []),
    ]
    spec = {
        "version": 1,
        "name": title,
        "description": f"{len(racks):,} racks of {drawn:,.0f} kW, imported from {source}; the plant is assumed",
        "site": {"dry_bulb": "30 degC", "wet_bulb": "21 degC"},
        "components": components,
        "connections": connections,
    }
    return Imported(title, source, spec, tuple(told))


def _by_feed(racks: list[Rack]) -> dict[str, float]:
    """Power that each feed has to carry alone [kW]."""
    found = defaultdict[str, float](float)
    for rack in racks:
        for feed in rack.feeds:
            found[feed] += rack.kw
    return dict(found)


def _loops(
    racks: list[Rack], names: Names, board: str, components: dict[str, Any], connections: list[list[str]]
) -> None:
    """A CDU for each loop, and pumps and dry coolers behind it."""
    for loop in dict.fromkeys(r.loop for r in racks if r.loop):
        own = [r for r in racks if r.loop == loop]
        heat = SPARE * TO_LIQUID * sum(r.kw for r in own)
        flow = sum(max(r.kw / 40.0, 0.05) for r in own)
        cdu, pump, tank, cooler = (f"{names[loop]}_{part}" for part in ("cdu", "pumps", "tank", "dry_coolers"))
        room = names[own[0].room or "room"]
        components[cdu] = {
            "type": "cdu",
            "capacity": unit(heat, "kW"),
            "conductance": unit(heat / 4.0, "kW/K"),
            "tcs_flow": unit(SPARE * flow, "kg/s"),
            "fws_flow": unit(SPARE * flow, "kg/s"),
            "rated_flow": unit(SPARE * flow, "L/s"),
            "head": "110 kPa",
            "set_point": "40 degC",
            "room": room,
        }
        components[tank] = {"type": "expansion_tank", "fluid": "pg25", "pressure": "250 kPa"}
        components[pump] = {
            "type": "pump",
            "control": "head",
            "head": "220 kPa",
            "rated_flow": unit(SPARE * flow, "L/s"),
        }
        components[cooler] = {
            "type": "dry_cooler",
            "units": max(1, -int(-heat // COOLER)),
            "flow": unit(SPARE * flow / max(1, -int(-heat // COOLER)), "kg/s"),
            "set_point": "34 degC",
            "limits_capacity": False,
        }
        connections += [
            ["power", f"{board}.out", f"{cdu}.feed"],
            ["power", f"{board}.out", f"{pump}.feed"],
            ["power", f"{board}.out", f"{cooler}.feed"],
            ["coolant", f"{tank}.port", f"{pump}.in"],
            ["coolant", f"{pump}.out", f"{cooler}.in"],
            ["coolant", f"{cooler}.out", f"{cdu}.fws_supply"],
            ["coolant", f"{cdu}.fws_return", f"{pump}.in"],
        ]
        for rack in own:
            connections.append(["coolant", f"{cdu}.tcs_supply", f"{names[rack.name]}.supply"])
            connections.append(["coolant", f"{cdu}.tcs_return", f"{names[rack.name]}.return"])


def _rooms(
    racks: list[Rack],
    rooms: list[str],
    names: Names,
    board: str,
    components: dict[str, Any],
    connections: list[list[str]],
) -> None:
    """A fan wall on chillers for each room, by the heat that its racks leave to the air."""
    for room in rooms:
        own = [r for r in racks if (r.room or "room") == room]
        heat = SPARE * sum(r.kw * (1 - TO_LIQUID if r.loop else 1.0) for r in own) + 5.0
        units = max(1, -int(-heat // WALL))
        wall, chiller, pump, tank = (
            f"{names[room]}_{part}" for part in ("fan_wall", "chillers", "chilled_water", "tank")
        )
        components[wall] = {"type": "fan_wall", "units": units, "room": names[room]}
        components[tank] = {"type": "expansion_tank"}
        components[pump] = {
            "type": "pump",
            "control": "head",
            "head": "190 kPa",
            "rated_flow": unit(4.4 * units, "L/s"),
        }
        components[chiller] = {
            "model": "free_cooling_chiller_class",
            "units": max(1, -int(-heat // CHILLER)),
            "set_point": "14 degC",
        }
        connections += [
            ["power", f"{board}.out", f"{wall}.feed"],
            ["power", f"{board}.out", f"{pump}.feed"],
            ["power", f"{board}.out", f"{chiller}.feed"],
            ["coolant", f"{tank}.port", f"{pump}.in"],
            ["coolant", f"{pump}.out", f"{chiller}.in"],
            ["coolant", f"{chiller}.out", f"{wall}.supply"],
            ["coolant", f"{wall}.return", f"{pump}.in"],
        ]
