"""Components lower themselves: tables of columns in, elements out; ports become node and bus numbers here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache, cached_property
from itertools import repeat
from operator import is_, itemgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from twin import fluids
from twin.columns import Array, Index, Real, Ref
from twin.components.base import REGISTRY, Component, RoomNodes
from twin.components.hall import DEFAULT_HUMIDITY, Room, air_pressure
from twin.elements import VENT, Element, Limit, Report, Vent, Weather
from twin.facility.graph import Facility
from twin.facility.scenarios import Scenarios
from twin.kernels.connected import connected

ROOM_AIR, ROOM_HUMIDITY = 297.15, 0.008
"""Dry bulb [K] and humidity ratio [kg/kg] of the air that fans of racks and room coolers move."""

Key = tuple[str, str]
"""A component and its port, or a place inside it that begins with a colon."""

OUTDOOR: Key = ("", ":outdoor")


class _Table:
    """See `components.base.Table`."""

    def __init__(self, lowering: Lowering, cls: type[Component], group: Group, columns: dict[str, Array]) -> None:
        self._lowering, self._cls, self._group, self._columns = lowering, cls, group, columns
        self.names, self.n = group.names, len(group.names)
        self.kind, self.dimension, self.heading, self.tenant = cls.kind, cls.dimension, cls.heading, cls.tenant
        self.site, self.outdoor = lowering.site, lowering.outdoor

    def __getattr__(self, field: str) -> Array:
        if field.startswith("_") or field not in self._columns:
            raise AttributeError(f"{self.kind} has no numeric field {field!r}")
        return self._columns[field]

    def __getitem__(self, field: str) -> list[Any]:
        return [getattr(part, field) for part in self._group.parts]

    def __contains__(self, field: str) -> bool:
        return field in self._columns

    def node(self, port: str) -> Index:
        return self._lowering.nodes(self._group.ends(port), self._cls.ports[port].carrier)

    def inner(self, tag: str) -> Index:
        return self._lowering.nodes(self._group.ends(f":{tag}"), "air")

    def feeds(self, port: str) -> tuple[Index, Index, Array]:
        row, bus, share = self._group.cords(port)
        return row, self._lowering.nodes(bus, "power"), share

    def only(self, rows: Array) -> _Table:
        kept = [n for n, keep in zip(self.names, rows, strict=True) if keep]
        columns = {k: v[rows] for k, v in self._columns.items()}
        return _Table(self._lowering, self._cls, Group(self._lowering.wiring, kept), columns)

    def times(self, fields: str, factor: Array) -> _Table:
        scaled = {k: self._columns[k] * factor for k in fields.split()}
        return _Table(self._lowering, self._cls, self._group, self._columns | scaled)

    @property
    def own(self) -> RoomNodes:
        return self._own

    @property
    def room(self) -> RoomNodes:
        return self._room

    @cached_property
    def _own(self) -> RoomNodes:
        return self._lowering.air(self.names)

    @cached_property
    def _room(self) -> RoomNodes:
        return self._lowering.air([part.room or "" for part in self._group.parts])


class Kept(dict[Any, Any]):
    """What can be worked out again and is kept with an object meanwhile: copies and pickles leave it behind."""

    def __reduce__(self) -> tuple[type[Kept], tuple[()]]:
        return Kept, ()


class Wiring:
    """What all lowerings of a facility share, kept with it.

    groups: components by type. root: representative of every joined port. feeds: far ends of every feed with cords.
    rooms: rows of the rooms.
    """

    def __init__(self, facility: Facility) -> None:
        self.parts = facility.components
        names: dict[str, list[str]] = {}
        for name in sorted(self.parts):
            names.setdefault(self.parts[name].kind, []).append(name)
        self.groups = {kind: Group(self, names[kind]) for kind in sorted(names)}
        self.root, self.feeds = _join(facility, self.groups)
        rooms = (n for kind, group in self.groups.items() if issubclass(REGISTRY[kind], Room) for n in group.names)
        self.rooms = {n: i for i, n in enumerate(sorted(rooms))}

    @classmethod
    def of(cls, facility: Facility) -> Wiring:
        """That of a facility, worked out when it is first asked for."""
        kept = vars(facility).setdefault("kept", Kept())
        if "wiring" not in kept:
            kept["wiring"] = cls(facility)
        return kept["wiring"]


class Group:
    """Components of one type, their numbers as they are laid out and where their ports lead, each worked out once."""

    def __init__(self, wiring: Wiring, names: list[str]) -> None:
        self.names, self.parts = names, [wiring.parts[n] for n in names]
        self._wiring, self._ends, self._cords = wiring, dict[str, list[Key]](), dict[str, tuple[Any, ...]]()

    @cached_property
    def stated(self) -> dict[str, Array]:
        """Columns (instance, 1) of the fields that are a number or none in all of them, NaN for none."""
        fields = [f for f in type(self.parts[0]).model_fields if f not in ("room", "at", "size")]
        rows, columns = map(itemgetter(*fields), map(vars, self.parts)), dict[str, Array]()
        for field, values in zip(fields, zip(*rows, strict=True), strict=True):
            alike = values[:1] if all(map(is_, values, repeat(values[0]))) else values  # most are a default of the type
            if all(issubclass(kind, (int, float, type(None))) for kind in set(map(type, alike))):
                columns[field] = np.repeat(np.array(alike, float)[:, None], len(values) // len(alike), axis=0)
                columns[field].flags.writeable = False
        return columns

    def ends(self, place: str) -> list[Key]:
        """Representative of a port, or of a place inside, of each."""
        if place not in self._ends:
            keys, root = [(n, place) for n in self.names], self._wiring.root
            self._ends[place] = [root.get(k, k) for k in keys]
        return self._ends[place]

    def cords(self, port: str) -> tuple[Index, list[Key], Array]:
        """Instance and representative of the far end of every feed (feed,), and its share (feed, 1)."""
        if port not in self._cords:
            root, row, bus, share = self._wiring.root, list[int](), list[Key](), list[float]()
            for i, (name, part) in enumerate(zip(self.names, self.parts, strict=True)):
                ends = self._wiring.feeds[(name, port)]
                row += [i] * len(ends)
                bus += [root.get(k, k) for k in ends]
                share += _shares(part.shares, len(ends))
            self._cords[port] = np.array(row), bus, np.array(share)[:, None]
        return self._cords[port]


@cache
def _shares(stated: tuple[float, ...] | None, feeds: int) -> tuple[float, ...]:
    """Share of each feed of a component: as stated, but that they add up to one, else equal."""
    used = (stated or (1.0 / feeds,) * feeds)[:feeds]
    used = used if sum(used) > 0 else (1.0,) * feeds
    return tuple(s / sum(used) for s in used)


class Lowering:
    """Collects elements while components lower themselves.

    parts: elements as written, by kind. counts: rows of each kind so far. index: numbers of joined ports by carrier.
    """

    def __init__(self, facility: Facility, scenarios: Scenarios) -> None:
        self.facility, self.scenarios, self.wiring = facility, scenarios, Wiring.of(facility)
        self.columns, self.site_values, self.size = self.scenarios[:3]
        self.index: dict[str, dict[Key, int]] = {"thermal": {}, "power": {}}
        self.parts: dict[type[Element], list[Any]] = {}
        self.counts: dict[type[Element], int] = {}
        self.site = _weather(self.site_values)
        self.outdoor = int(self.nodes([OUTDOOR], "air")[0])

    def nodes(self, keys: Sequence[Key], carrier: str) -> Index:
        """Numbers of representatives of joined ports, numbered when first seen."""
        index = self.index["power" if carrier == "power" else "thermal"]
        return np.array([index.setdefault(k, len(index)) for k in keys], dtype=np.int64)

    def air(self, rooms: Sequence[str]) -> RoomNodes:
        """Nodes of rooms; an empty name is the outdoors."""
        number: dict[str, int] = {}
        at = np.array([number.setdefault(r, len(number)) for r in rooms], np.int64)
        inside, root = self.wiring.rooms, self.wiring.root
        ends = {}
        for port in ("supply", "inlet", "exhaust"):
            keys = [(r, f":{port}") if r else OUTDOOR for r in number]
            ends[port] = self.nodes([root.get(k, k) for k in keys], "air")[at]
        zone = np.array([inside.get(r, -1) for r in number], np.int64)[at]
        dew = [self._dry(r) if r in inside else np.full(1, -np.inf) for r in number]
        width = max((len(d) for d in dew), default=1)
        wide = np.array([np.broadcast_to(d, (width,)) for d in dew]).reshape(len(number), width)[at]
        return RoomNodes(**ends, zone=zone, dew_point=wide)

    def _dry(self, room: str) -> Array:
        """Coldest coolant that stays dry in a room, K, (1|S,)."""
        part = self.facility.components[room]
        dew, margin, ventilation = (
            np.atleast_1d(np.asarray(self.columns.get(f, {}).get(room, getattr(part, f)), float))
            for f in ("dew_point", "dew_point_margin", "ventilation")
        )
        return np.where(ventilation > 0, np.maximum(dew, self.site.dew_point[0]), dew) + margin

    def write(self, element: Element) -> Index:
        """Add rows of an element kind; returns their numbers."""
        kind = type(element)
        n = len(first(element))
        begin = self.counts.get(kind, 0)
        self.counts[kind] = begin + n
        self.parts.setdefault(kind, []).append(element)
        return np.arange(begin, begin + n) + (VENT if kind is Vent else 0)

    def lower(self) -> None:
        """Lower all components, type by type in name order."""
        for kind, group in self.wiring.groups.items():
            columns = {field: self._spread(field, group.names, column) for field, column in group.stated.items()}
            REGISTRY[kind].lower(_Table(self, REGISTRY[kind], group, columns), self.write)

    def _spread(self, name: str, names: list[str], column: Array) -> Array:
        rows = self.columns.get(name)
        if not rows or not any(n in rows for n in names):
            return column
        wide = np.repeat(column, self.size, 1)
        for i, n in enumerate(names):
            if n in rows:
                wide[i] = rows[n]
        return wide


def _weather(v: Mapping[str, Real]) -> Weather:
    """The weather of all scenarios from what the site states, every field (1, 1|S)."""
    pressure = air_pressure(v)
    dry = v["dry_bulb"]
    if "wet_bulb" in v:
        wet = v["wet_bulb"]
        ratio = fluids.humidity_ratio_from_wet_bulb(dry, wet, pressure)
    else:
        if "dew_point" in v:
            ratio = fluids.humidity_ratio_from_dew_point(v["dew_point"], pressure)
        else:
            humidity = v.get("relative_humidity", DEFAULT_HUMIDITY)
            ratio = fluids.humidity_ratio_from_relative_humidity(dry, humidity, pressure)
        wet = fluids.wet_bulb(dry, ratio, pressure)
    intake = dry + v["recirculation"]
    return Weather(
        dry_bulb=_row(dry),
        wet_bulb=_row(wet),
        dew_point=_row(fluids.dew_point(ratio, pressure)),
        pressure=_row(pressure),
        elevation=_row(v["elevation"]),
        intake=_row(intake),
        wet_intake=_row(wet + v["recirculation"]),
        density=_row(fluids.air_density(dry, ratio, pressure)),
        intake_density=_row(fluids.air_density(intake, ratio, pressure)),
        room_density=_row(fluids.air_density(ROOM_AIR, ROOM_HUMIDITY, pressure)),
    )


def _row(x: ArrayLike) -> Array:
    return np.atleast_2d(np.asarray(x, float))


def first(element: Element) -> Sequence[Any] | Array:
    """The field of an element whose length is its number of rows."""
    for f in fields(element):  # type: ignore[arg-type]
        value = getattr(element, f.name)
        if isinstance(value, Ref):
            return value.rows
        if isinstance(value, np.ndarray) and not isinstance(element, (Limit, Report)):
            return value
    return getattr(element, "elements", [0])


# ---- joining -----------------------------------------------------------------------------------------------------


def _join(facility: Facility, groups: Mapping[str, Group]) -> tuple[dict[Key, Key], dict[Key, list[Key]]]:
    """Representative of every joined port, and the far ends of every feed with cords.

    The representative of ports that are joined is the first of them; that of an air port that nothing is joined to, the
    air of its room.
    """
    ports = {kind: REGISTRY[kind].ports for kind in groups}
    cords = {kind: {p for p, spec in own.items() if spec.cords} for kind, own in ports.items()}
    corded = {name: cords[kind] for kind, group in groups.items() if cords[kind] for name in group.names}
    feeds: dict[Key, list[Key]] = {}
    number: dict[Key, int] = {}
    ends = list[int]()
    for _, a, b in facility.connections:
        if a[1] in corded.get(a[0], ()):
            feeds.setdefault(a, []).append(b)
        elif b[1] in corded.get(b[0], ()):
            feeds.setdefault(b, []).append(a)
        else:
            ends += number.setdefault(a, len(number)), number.setdefault(b, len(number))
    joint = connected(len(number), ends[::2], ends[1::2])
    lowest: dict[int, Key] = {}
    for key, j in zip(number, joint.tolist(), strict=True):
        lowest[j] = min(key, lowest.get(j, key))
    root = {key: lowest[j] for key, j in zip(number, joint.tolist(), strict=True)}
    linked = {end for carrier, a, b in facility.connections if carrier == "air" for end in (a, b)}
    for kind, group in groups.items():
        for port in (p for p, spec in ports[kind].items() if spec.carrier == "air"):
            for name, part in zip(group.names, group.parts, strict=True):
                if (name, port) not in linked:
                    root[name, port] = (part.room, ":exhaust") if part.room else OUTDOOR
    return root, {k: sorted(v) if len(v) > 1 else v for k, v in feeds.items()}
