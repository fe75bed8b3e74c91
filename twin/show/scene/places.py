"""Where the equipment of a facility stands: as the layout places it, and by a rule where it does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.columns import Array
from twin.components.base import Component, Facing, Look
from twin.components.hall import Room, Screen
from twin.facility.graph import Facility

UNDRAWN: frozenset[Look] = frozenset({"none", "run", "floor", "panel"})
"""Looks of what is no thing in a place: runs are drawn along their routes, rooms and screens apart."""

BOXED: frozenset[Look] = frozenset({"none", "run"})
"""Those of UNDRAWN that are things where the layout gives them a place and a size."""

AISLE, GAP, ROW = 1.5, 0.6, 20.0
"""Between rows of what has no place and beside what does not stand side by side, and the least length of a row [m]."""

ABOVE, LANE, SECTION = 0.55, 0.32, 0.16
"""Of busways: above the tallest that they feed, from one to the next beside it, and their width and height [m]."""

NAMED = 3
"""Names that are told before the others are counted."""


class Floor(NamedTuple):
    """A room: its corner of least x, y and z and its lengths [m]."""

    name: str
    low: tuple[float, float, float]
    size: tuple[float, float, float]


class Panel(NamedTuple):
    """A screen that parts the air of a room: its corner and lengths, one of which is 0 [m], and its open share."""

    name: str
    low: tuple[float, float, float]
    size: tuple[float, float, float]
    open_area: float


@dataclass(frozen=True)
class Things:
    """What stands in a facility.

    Attributes
    ----------
    names, kinds, dimensions, legends
        Name of each thing in the layout, its type, its dimension in the Dataset, its group in pictures, (thing,).
    looks, ways, units
        What it looks like, where its front points, how many units it stands for, (thing,).
    rooms
        The room it stands in, "" outdoors, (thing,).
    low, size
        Corner of least x, y, z and lengths along them [m], (thing, 3).
    racks
        Whether it is a rack to the air of its room, (thing,).
    floors, panels
        Rooms and screens that have a place.
    told
        What was placed by a rule, a sentence each.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    dimensions: tuple[str, ...]
    legends: tuple[str, ...]
    looks: tuple[Look, ...]
    ways: tuple[Facing, ...]
    units: tuple[int, ...]
    rooms: tuple[str, ...]
    low: Array
    size: Array
    racks: Array
    floors: tuple[Floor, ...]
    panels: tuple[Panel, ...]
    told: tuple[str, ...]

    @cached_property
    def row(self) -> dict[str, int]:
        """Number of each thing by its name."""
        return {name: i for i, name in enumerate(self.names)}

    @property
    def corners(self) -> Array:
        """Two opposite corners of everything [m], (corner, 3)."""
        rooms = [(f.low, np.add(f.low, f.size)) for f in self.floors]
        parts = [self.low, self.low + self.size, *(np.array(r, float) for r in rooms)]
        return np.concatenate([np.zeros((0, 3)), *parts])


def things(facility: Facility) -> Things:
    """Everything that stands somewhere, in the order of the layout; see `Things.told` for what was placed by a rule.

    What has no place stands in rows in front of the site, kind after kind; busways without one hang above what they
    feed, and if nothing that they feed has a place they are not drawn. Runs of pipe and cable are boxes where the
    layout gives them a place and a size.
    """
    parts = facility.components
    shown = {n: p for n, p in parts.items() if p.look not in UNDRAWN or (p.look in BOXED and p.at and p.size)}
    at = {n: np.array(p.at, float) for n, p in shown.items() if p.at is not None and min(p.extent) > 0}
    size = {n: np.array(p.extent, float) for n, p in shown.items()}
    hung = [n for n, p in shown.items() if n not in at and p.look == "busway"]
    loose = [n for n, p in shown.items() if n not in at and p.look != "busway" and min(p.extent) > 0]
    floors = tuple(
        Floor(n, p.at, (p.length, p.width, p.height)) for n, p in parts.items() if isinstance(p, Room) and p.at
    )
    at |= _rows(loose, parts, size, [*at.values(), *(np.array(f.low, float) for f in floors)])
    above = _above(hung, facility, at, size)
    at |= {n: low for n, (low, _) in above.items()}
    size |= {n: lengths for n, (_, lengths) in above.items()}
    names = tuple(n for n in shown if n in at)
    chosen = [shown[n] for n in names]
    return Things(
        names,
        tuple(p.kind for p in chosen),
        tuple(p.dimension for p in chosen),
        tuple(p.legend for p in chosen),
        tuple(p.look for p in chosen),
        tuple(p.way for p in chosen),
        tuple(int(getattr(p, p.units_field, 1)) if p.units_field else 1 for p in chosen),
        tuple(p.room or "" for p in chosen),
        np.array([at[n] for n in names], float).reshape(-1, 3),
        np.array([size[n] for n in names], float).reshape(-1, 3),
        np.array([p.shapes_air == "rack" for p in chosen], bool),
        floors,
        tuple(
            Panel(n, p.at, p.extent, p.open_area)
            for n, p in parts.items()
            if isinstance(p, Screen) and p.at is not None
        ),
        tuple(
            [
                *_told(loose, "no place in the layout: drawn in rows in front of the site"),
                *_told([n for n in hung if n not in above], "no place, nor has what it feeds: not drawn"),
                *_told([n for n in shown if n not in at and n not in hung], "has a length of 0: not drawn"),
            ]
        ),
    )


def _told(names: Sequence[str], what: str) -> list[str]:
    """A sentence on some components, if there are any."""
    if not names:
        return []
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return [f"{', '.join(names[:NAMED])}{more}: {what}"]


def _rows(
    loose: Sequence[str], parts: Mapping[str, Component], size: dict[str, Array], placed: Sequence[Array]
) -> dict[str, Array]:
    """Places of what has none: rows of each kind, from the corner of least x and y of the rest towards -y [m]."""
    if not loose:
        return {}
    corners = np.array([*placed] or [[0.0, 0.0, 0.0]], float)
    x0, y = corners[:, 0].min(), corners[:, 1].min() - (2 * AISLE if len(placed) else 0.0)
    length = max(ROW, float(np.ptp(corners[:, 0])))
    kinds = dict[str, list[str]]()
    for name in loose:
        kinds.setdefault(parts[name].kind, []).append(name)
    places = dict[str, Array]()
    for names in kinds.values():
        x, deepest, row = x0, 0.0, list[str]()
        for name in [*names, ""]:
            if not name or (row and x + size[name][0] - x0 > length):
                for k in row:
                    places[k][1] = y - size[k][1]
                x, y, deepest, row = x0, y - deepest - AISLE, 0.0, []
            if name:
                places[name] = np.array([x, y, 0.0])
                x += size[name][0] + (0.0 if parts[name].shapes_air == "rack" else GAP)
                deepest = max(deepest, size[name][1])
                row.append(name)
    return places


def _above(
    hung: Sequence[str], facility: Facility, at: dict[str, Array], size: dict[str, Array]
) -> dict[str, tuple[Array, Array]]:
    """Corner and lengths of busways above what they feed, those over the same things beside each other [m]."""
    ends = defaultdict[tuple[str, str], set[str]](set)
    for _, a, b in facility.connections:
        ends[a].add(b[0])
        ends[b].add(a[0])
    over = defaultdict[tuple[float, ...], list[str]](list)
    for name in hung:
        fed = [n for n in sorted(ends[name, "out"]) if n in at]
        if fed:
            low, high = _around(fed, at, size)
            over[(*low.tolist(), *high.tolist())].append(name)
    places = dict[str, tuple[Array, Array]]()
    for box, names in over.items():
        low, high = np.array(box[:3]), np.array(box[3:])
        across = 0 if high[1] - low[1] > high[0] - low[0] else 1
        for k, name in enumerate(names):
            corner, lengths = low.copy(), high - low
            shift = (k - (len(names) - 1) / 2) * LANE
            corner[across] = (low[across] + high[across] - SECTION) / 2 + shift
            corner[2], lengths[across], lengths[2] = high[2] + ABOVE, SECTION, SECTION
            places[name] = corner, lengths
    return places


def _around(names: Iterable[str], at: dict[str, Array], size: dict[str, Array]) -> tuple[Array, Array]:
    """Corners of the least box around some things [m]."""
    low, high = zip(*((at[n], at[n] + size[n]) for n in names), strict=True)
    return np.min(low, axis=0), np.max(high, axis=0)


def chosen(all_: Things, rows: Array) -> Things:
    """Some of the things, by number."""
    texts = ("names", "kinds", "dimensions", "legends", "looks", "ways", "units", "rooms")
    some = {name: tuple(getattr(all_, name)[i] for i in rows.tolist()) for name in texts}
    return replace(all_, **some, low=all_.low[rows], size=all_.size[rows], racks=all_.racks[rows])
