"""How the components of a facility are joined: what all of its lowerings share, worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from itertools import repeat
from operator import is_, itemgetter
from typing import Any, NamedTuple

import numpy as np

from twin.columns import Array, Index
from twin.components.base import REGISTRY, Component
from twin.components.hall import Room
from twin.facility.graph import Facility
from twin.fluids import FLUIDS
from twin.kernels.connected import connected

Key = tuple[str, str]
"""A component and its port, or a place inside it that begins with a colon."""

OUTDOOR: Key = ("", ":outdoor")

PLACES = frozenset({"at", "size", "facing", "room", "opens"})
"""Fields that say where a component is, or name others, with which it is then joined."""

WATER = "water"
"""What fills a loop that nothing names a fluid of."""

ROOM = ":room"
"""Tag of the place in which all that stands in a room meets it."""


OPENS = ":opens"
"""Tag of the place in which standby equipment meets what it opens."""


class Kept(dict[Any, Any]):
    """What can be worked out again and is kept with an object meanwhile: copies and pickles leave it behind."""

    def __reduce__(self) -> tuple[type[Kept], tuple[()]]:
        return Kept, ()


def kept_with(facility: Facility) -> Kept:
    """What is kept with a facility."""
    return vars(facility).setdefault("kept", Kept())


class Wiring:
    """What all lowerings of a facility share, kept with it.

    groups: components by type, in which they are numbered. names: of all components in that order, number: of each.
    root: representative of every joined port. feeds: far ends of every feed with cords. rooms: names of the rooms.
    """

    def __init__(self, facility: Facility) -> None:
        self.parts = facility.components
        names: dict[str, list[str]] = {}
        for name in sorted(self.parts):
            names.setdefault(self.parts[name].kind, []).append(name)
        self.names = [name for kind in sorted(names) for name in names[kind]]
        self.number = {name: i for i, name in enumerate(self.names)}
        self.groups = {kind: Group(self, names[kind]) for kind in sorted(names)}
        self.root, self.feeds = _join(facility, self.groups)
        rooms = (n for kind, group in self.groups.items() if issubclass(REGISTRY[kind], Room) for n in group.names)
        self.rooms = sorted(rooms)

    def holders(self, groups: Mapping[str, Group]) -> list[Key]:
        """Representatives of the ports at which components of some groups hold the pressure of a coolant loop."""
        ports = (
            (name, port)
            for kind, group in groups.items()
            if REGISTRY[kind].holds is not Component.holds
            for name, part in zip(group.names, group.parts, strict=True)
            for port in part.holds()
        )
        return [self.root.get(key, key) for key in ports]

    @cached_property
    def loop_of(self) -> dict[Key, int]:
        """The coolant loop that each joint is in."""
        return loops(self.groups, lambda key: self.root.get(key, key))

    @cached_property
    def fluids(self) -> dict[int, str]:
        """Fluids that fill coolant loops, as far as something names one that is known; others are water."""
        found = dict[int, str]()
        for kind, group in self.groups.items():
            if REGISTRY[kind].fills is not Component.fills:
                for name, part in zip(group.names, group.parts, strict=True):
                    named = {self.loop_of[self.root.get((name, p), (name, p))]: f for p, f in part.fills().items()}
                    found |= {loop: f for loop, f in named.items() if f in FLUIDS}
        return found

    @cached_property
    def references(self) -> frozenset[Key]:
        """Of the ports that hold the pressure of one coolant loop the first by name: what is measured from."""
        loop, first = self.loop_of, dict[int, Key]()
        for key in sorted(self.holders(self.groups), key=lambda k: ".".join(k)):
            first.setdefault(loop.get(key, -1 - len(first)), key)
        return frozenset(first.values())

    @cached_property
    def joints(self) -> Joints:
        """Where components meet."""
        return _joints(self)

    @classmethod
    def of(cls, facility: Facility) -> Wiring:
        """That of a facility, worked out when it is first asked for."""
        kept = kept_with(facility)
        if "wiring" not in kept:
            kept["wiring"] = cls(facility)
        return kept["wiring"]


class Joints(NamedTuple):
    """Where components meet: joined ports, buses that cords are plugged into, rooms.

    keys: representative of each joint. number: of each representative. component, joint: both ends of every edge
    (edge,), components in order. role: what the component is to the joint: type, port and share of the cord (edge,).
    """

    keys: list[Key]
    number: dict[Key, int]
    component: Index
    joint: Index
    role: Index


class Group:
    """Components of one type, their numbers as they are laid out and where their ports lead, each worked out once."""

    def __init__(self, wiring: Wiring, names: list[str]) -> None:
        self.names, self.parts = names, [wiring.parts[n] for n in names]
        self.numbers = np.array([wiring.number[n] for n in names], np.int64)
        self._wiring, self._ends, self._cords = wiring, dict[str, list[Key]](), dict[str, tuple[Any, ...]]()

    @cached_property
    def stated(self) -> dict[str, Array]:
        """Columns (instance, 1) of the fields that are a number or none in all of them, NaN for none."""
        fields = [f for f in type(self.parts[0]).model_fields if f not in ("room", "at", "size")]
        rows, columns = map(itemgetter(*fields), map(vars, self.parts)), dict[str, Array]()
        for field, values in zip(fields, zip(*rows, strict=True), strict=True):
            different = values[:1] if _one(values) else values
            if _numeric(different):
                columns[field] = np.repeat(np.array(different, float)[:, None], len(values) // len(different), axis=0)
                columns[field].flags.writeable = False
        return columns

    @cached_property
    def codes(self) -> dict[str, Index]:
        """Numbers (instance,) that are equal where values of a field are, bit for bit; of fields with several values.

        Places are left out: what stands in a room is joined to it, and the rest is nothing to mixed air.
        """
        fields = [f for f in type(self.parts[0]).model_fields if f not in PLACES]
        number, different = dict[tuple[int, ...], int](), list[tuple[Any, ...]]()
        which = np.empty(len(self.parts), np.int64)
        for i, values in enumerate(map(itemgetter(*fields), map(vars, self.parts))):
            key = tuple(map(id, values))  # copies share their values
            at = which[i] = number.setdefault(key, len(number))
            if at == len(different):
                different.append(values)
        found = dict[str, Index]()
        for field, values in zip(fields, zip(*different, strict=True), strict=True):
            if not _one(values):
                codes = _codes(values)
                if codes.any():
                    found[field] = codes[which]
        return found

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


def _one(values: tuple[Any, ...]) -> bool:
    """Whether all are one object, as defaults of a type are."""
    return all(map(is_, values, repeat(values[0])))


def _numeric(values: tuple[Any, ...]) -> bool:
    """Whether all are numbers or None."""
    return all(issubclass(kind, (int, float, type(None))) for kind in set(map(type, values)))


def _codes(values: tuple[Any, ...]) -> Index:
    """Equal values by one number; what cannot be compared by its hash is equal to itself alone."""
    if _numeric(values):
        bits = np.array(values, float).view(np.int64)
        return np.unique(bits, return_inverse=True)[1].reshape(len(values))
    number = dict[object, int]()
    try:
        return np.array([number.setdefault((type(v), v), len(number)) for v in values], np.int64)
    except TypeError:
        return np.array([number.setdefault(id(v), len(number)) for v in values], np.int64)


def loops(groups: Mapping[str, Group], place: Callable[[Key], Key]) -> dict[Key, int]:
    """The coolant loop that each joint of some groups is in; `place` tells the joint of a port."""
    number, start, end = dict[Key, int](), list[int](), list[int]()
    for kind, group in groups.items():
        ports = REGISTRY[kind].ports
        for way in REGISTRY[kind].ways():
            if ports[way.start].carrier == "coolant":
                for name in group.names:
                    start.append(number.setdefault(place((name, way.start)), len(number)))
                    end.append(number.setdefault(place((name, way.end)), len(number)))
    return dict(zip(number, connected(len(number), start, end).tolist(), strict=True))


@cache
def _shares(stated: tuple[float, ...] | None, feeds: int) -> tuple[float, ...]:
    """Share of each feed of a component: as stated, but that they add up to one, else equal."""
    used = (stated or (1.0 / feeds,) * feeds)[:feeds]
    used = used if sum(used) > 0 else (1.0,) * feeds
    return tuple(s / sum(used) for s in used)


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


def _joints(wiring: Wiring) -> Joints:
    """Joints of a facility, with an edge for every port, cord and place of a component that meets others there."""
    number, roles, root = dict[Key, int](), dict[tuple[object, ...], int](), wiring.root
    edges = list[tuple[Index, list[int], Index]]()

    def join(components: Index, keys: list[Key], *role: object, share: Array | None = None) -> None:
        """Components are joined with others at `keys`, in a role, or in one for each share."""
        own = np.full(len(keys), roles.setdefault((*role, 1.0), len(roles)))
        if share is not None:
            own = np.array([roles.setdefault((*role, x), len(roles)) for x in share.tolist()], np.int64)
        edges.append((components, [number.setdefault(key, len(number)) for key in keys], own))

    for kind, group in wiring.groups.items():
        for port, spec in REGISTRY[kind].ports.items():
            if spec.cords:
                row, ends, share = group.cords(port)
                join(group.numbers[row], ends, kind, port, share=share[:, 0])
            else:
                keys = [root.get((name, port)) for name in group.names]
                join(group.numbers[[key is not None for key in keys]], [key for key in keys if key], kind, port)
        rooms = [part.room or "" for part in group.parts]
        join(group.numbers[[bool(room) for room in rooms]], [(room, ROOM) for room in rooms if room], kind, ROOM)
        for name, part in zip(group.names, group.parts, strict=True):
            if part.opens:
                pair = np.array([wiring.number[name], *(wiring.number[other] for other in part.opens)])
                join(pair[:1], [(name, OPENS)], kind, OPENS)
                join(pair[1:], [(name, OPENS)] * len(part.opens), kind, OPENS, "other")
    for name, place in [key for key in number if key[0] and key not in root]:  # only cords are plugged in, or a room
        join(np.array([wiring.number[name]]), [(name, place)], wiring.parts[name].kind, place)
    component, role = (np.concatenate([np.zeros(0, np.int64), *(e[k] for e in edges)]) for k in (0, 2))
    joint = np.array([j for _, joints, _ in edges for j in joints], np.int64)
    order = np.lexsort((role, joint, component))
    return Joints(list(number), number, component[order], joint[order], role[order])
