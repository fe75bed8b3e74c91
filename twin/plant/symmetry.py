"""What of a facility is alike in a scenario and need be solved once: the coarsest equitable partition.

Components and the joints where they meet are the vertices of a graph, whose edges have roles (type, port, share of a
cord). A component begins with the colour of its type and its own numbers in that scenario, bit for bit; then each takes
the colour of what it has and of what it meets in which role, until nothing splits: colour refinement [Berkholz, Bonsma
& Grohe, Theory Comput. Syst. 60 (2017) 581]. What comes out is equitable: any two components of a class meet the same
classes of joints in the same roles, and the other way round. States that are equal in a class then remain equal in
every pass, since a pass computes rows from the rows that they meet; so the first of each class is solved for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.columns import Array, Index
from twin.facility.graph import Facility
from twin.facility.scenarios import Columns, Scenarios
from twin.plant.wiring import Group, Joints, Kept, Key, Wiring, kept_with, loops

TRIES = 3
"""Sets of hash keys that are tried before nothing is taken to be alike."""

MOST_KEPT = 64
"""Partitions that are kept with a facility."""

FEW = 2000
"""Components of a facility below which scenarios that single some out are solved with all: to lower a plant for each
choice of them takes longer."""

Hashes = NDArray[np.uint64]


class Classes:
    """Classes of components and joints. Of those that are alike the first in the order of the wiring stands for all.

    component: class of each component (components,), joint: of each joint (joints,), both numbered by their first; None
    where nothing is alike. own: colours that components begin with (components,). times: how many are in the class of
    each component (components,). kept: what is kept with them.
    """

    def __init__(
        self, wiring: Wiring, component: Index | None = None, joint: Index | None = None, own: Index | None = None
    ) -> None:
        self.wiring, self.component, self.joint, self.kept = wiring, component, joint, Kept()
        self.own = np.arange(len(wiring.names)) if own is None else own
        self.times = np.ones(len(wiring.names))
        if component is not None:
            self.times = np.bincount(component).astype(float)[component]

    @cached_property
    def firsts(self) -> Index:
        """Number of the first component like each, itself where it is the first (components,)."""
        if self.component is None:
            return np.arange(len(self.wiring.names))
        _, first = np.unique(self.component, return_index=True)
        return first[self.component]

    @cached_property
    def groups(self) -> Mapping[str, Group]:
        """The first components of all classes by type."""
        if self.component is None:
            return self.wiring.groups
        groups, names = dict[str, Group](), self.wiring.names
        for kind, group in self.wiring.groups.items():
            chosen = group.numbers[self.firsts[group.numbers] == group.numbers]
            groups[kind] = Group(self.wiring, [names[i] for i in chosen.tolist()])
        return groups

    def summary(self) -> str:
        """How many components there are and how many classes they fall into, such as "204 components, 42 classes"."""
        count = len(self.wiring.names)
        classes = count if self.component is None else int(self.component.max(initial=-1)) + 1
        return f"{count:,} components, {classes:,} classes"

    @cached_property
    def _members(self) -> tuple[list[str], list[int]]:
        """Names of the components class by class, and where each class begins."""
        assert self.component is not None
        names, order = self.wiring.names, np.argsort(self.component, kind="stable")
        return [names[i] for i in order.tolist()], np.cumsum([0, *np.bincount(self.component)]).tolist()

    @cached_property
    def _place(self) -> list[Key]:
        """The joint that stands for each class of joints: where the first component meets it."""
        assert self.joint is not None
        joints = self.wiring.joints
        classes, edge = np.unique(self.joint[joints.joint], return_index=True)
        assert len(classes) == self.joint.max(initial=-1) + 1
        return [joints.keys[j] for j in joints.joint[edge].tolist()]

    @cached_property
    def _equal(self) -> Array:
        """Joints in each class."""
        return np.bincount(self.joint if self.joint is not None else np.zeros(0, np.int64)).astype(float)

    def members(self, name: str) -> list[str]:
        """Names of all components like one of that name, in order; of what is no component itself alone."""
        number = self.wiring.number.get(name)
        if self.component is None or number is None:
            return [name]
        names, begin = self._members
        k = int(self.component[number])
        return names[begin[k] : begin[k + 1]]

    def elements(self, name: str) -> list[str]:
        """Names of all elements like one: components, or joints and places inside components, called component.port."""
        if self.component is None or self.joint is None or name in self.wiring.number:
            return self.members(name)
        component, _, place = name.rpartition(".")
        joints = self.wiring.joints
        number = joints.number.get((component, place))
        if number is None:
            return [f"{member}.{place}" for member in self.members(component)] if component else [name]
        alike = np.flatnonzero(self.joint == self.joint[number])
        return [".".join(joints.keys[j]) for j in alike.tolist()]

    def first(self, name: str) -> str:
        """Name of the first component like one of that name."""
        number = self.wiring.number.get(name)
        return name if number is None else self.wiring.names[self.firsts[number]]

    @cached_property
    def signature(self) -> bytes:
        """The graph of the classes as bytes: equal in partitions of one scenario whose plants differ in names only.

        Classes in the order of their colours, with the colour that each begins with, how many are in it, and the joints
        that its first meets, by role.
        """
        return self._signed[0]

    @property
    def names(self) -> list[str]:
        """Names of the first of each class in the order of the signature."""
        return [self.wiring.names[i] for i in self._signed[1].tolist()]

    @cached_property
    def _signed(self) -> tuple[bytes, Index]:
        component, joint, joints = self.component, self.joint, self.wiring.joints
        if component is None or joint is None:
            component, joint = np.arange(len(self.wiring.names)), np.arange(len(joints.keys))
        return _signature(joints, self.own, component, joint)

    def place(self, key: Key) -> Key:
        """The joint that stands for one, or the place that stands for one inside a component."""
        if self.joint is None:
            return key
        joint = self.wiring.joints.number.get(key)
        return (self.first(key[0]), key[1]) if joint is None else self._place[self.joint[joint]]

    def equal(self, key: Key) -> float:
        """How many joints, or places inside components, one stands for."""
        if self.joint is None:
            return 1.0
        joint = self.wiring.joints.number.get(key)
        if joint is not None:
            return float(self._equal[self.joint[joint]])
        return float(self.times[self.wiring.number[key[0]]]) if key[0] else 1.0


NO_MARKS: Mapping[str, int] = {}


def alone(facility: Facility) -> Classes:
    """Classes in which every component is alone."""
    return kept_with(facility).setdefault("alone", Classes(Wiring.of(facility)))


def partitions(
    facility: Facility, scenarios: Scenarios, marks: Mapping[str, int] = NO_MARKS
) -> Iterator[tuple[Index, Classes]]:
    """Scenarios whose classes are the same, and these classes, which depend on nothing but each scenario's own values.

    marks: numbers of components, which are alike only if these are equal too, by name. In a facility of fewer than
    `FEW` components nothing is alike in scenarios that single some out of what is alike as laid out: to solve them all
    takes less than to work out what is left.
    """
    wiring = Wiring.of(facility)
    marked = np.zeros(len(wiring.names), np.int64)
    marked[[wiring.number[n] for n in marks]] = [1 + mark for mark in marks.values()]
    given = _all_given(wiring, scenarios)
    few = given and not marks and len(wiring.names) < FEW
    even = _even(_classes(facility, _own(wiring, {})), given) if few else np.ones(scenarios.size, bool)
    for chosen, labels in _patterns(given, np.flatnonzero(even)):
        own = _own(wiring, labels)
        yield chosen, _classes(facility, _marked(own, marked))
    if not even.all():
        yield np.flatnonzero(~even), alone(facility)


def _classes(facility: Facility, own: Index) -> Classes:
    """Classes of components of these colours (components,), kept with the facility."""
    kept, key = kept_with(facility).setdefault("classes", {}), own.tobytes()
    if key not in kept:
        while len(kept) >= MOST_KEPT:
            kept.pop(next(iter(kept)), None)
        wiring = Wiring.of(facility)
        kept[key] = _with_references(Classes(wiring, *refined(wiring.joints, own), own))
    return kept[key]


def _with_references(classes: Classes) -> Classes:
    """Classes in which the pressure reference of a loop, which is chosen among equals, is a class of its own."""
    wiring, joints = classes.wiring, classes.wiring.joints
    held = wiring.holders(classes.groups)
    if len(held) < 2:
        return classes
    loop = loops(classes.groups, lambda key: classes.place(wiring.root.get(key, key)))
    if len({loop.get(classes.place(key)) for key in held}) == len(held):
        return classes
    chosen = np.zeros(len(wiring.names), np.int64)
    at = np.isin(joints.joint, [joints.number[key] for key in wiring.references if key in joints.number])
    chosen[joints.component[at]] = 1
    own = _marked(classes.own, chosen)
    return Classes(wiring, *refined(joints, own), own)


def _marked(own: Index, marks: Index) -> Index:
    """Colours of which those with a mark differ by it, 0 for none (components,).

    They are not numbered anew: colours of one scenario mean the same whatever is marked, see `Classes.signature`.
    """
    return own + marks * (int(own.max(initial=0)) + 1)


# ---- what components have by themselves --------------------------------------------------------------------------

Labels = Mapping[tuple[str, str], Index]
"""By type and field: which of its components have equal values in a scenario, where scenarios give any (group,)."""


class _Given(NamedTuple):
    """Values that scenarios give for a field of a type.

    component: numbers of its components (group,). source: which of the different values, as arrays over all scenarios,
    each has (group,); components that differ in what scenarios do not give have different sources. label: the first
    source whose components differ in nothing else and have the same value in a scenario, to the bit (source, scenario).
    """

    kind: str
    field: str
    component: Index
    source: Index
    label: Index


def _even(laid_out: Classes, given: Sequence[_Given]) -> Array:
    """Scenarios in which all of a class, as laid out, have equal values (scenario,)."""
    even = np.ones(given[0].label.shape[1], bool)
    component = np.arange(len(laid_out.times)) if laid_out.component is None else laid_out.component
    for item in given:
        pairs = np.unique(np.stack([component[item.component], item.source]), axis=1)
        for k in np.flatnonzero(np.bincount(pairs[0]) > 1).tolist():
            label = item.label[pairs[1][pairs[0] == k]]
            even &= (label == label[0]).all(axis=0)
    return even


def _patterns(given: Sequence[_Given], scenarios: Index) -> Iterator[tuple[Index, Labels]]:
    """Those of some scenarios in which the same values are equal, and which these are, in the order of the first."""
    if not given or not len(scenarios):
        yield from [(scenarios, {})] * bool(len(scenarios))
        return
    table = np.ascontiguousarray(np.concatenate([item.label[:, scenarios] for item in given]).T)
    _, first, group = np.unique(table, axis=0, return_index=True, return_inverse=True)
    group, cuts = np.ravel(group), np.cumsum([len(item.label) for item in given])[:-1]
    for k in np.argsort(first).tolist():
        parts = np.split(table[first[k]], cuts)
        labels = {(g.kind, g.field): part[g.source] for g, part in zip(given, parts, strict=True)}
        yield scenarios[group == k], labels


def _by_type(wiring: Wiring, columns: Columns) -> dict[str, dict[str, dict[str, Array]]]:
    """Values that scenarios give, by type, field and name."""
    kinds: dict[str, dict[str, dict[str, Array]]] = {}
    for field, rows in sorted(columns.items()):
        for name, values in rows.items():
            kinds.setdefault(wiring.parts[name].kind, {}).setdefault(field, {})[name] = values
    return dict(sorted(kinds.items()))


def _all_given(wiring: Wiring, scenarios: Scenarios) -> list[_Given]:
    """What scenarios give of components, by type and field."""
    found = list[_Given]()
    for kind, fields in _by_type(wiring, scenarios.columns).items():
        group = wiring.groups[kind]
        rest = np.zeros(len(group.names), np.int64)
        for field, codes in group.codes.items():
            rest = rest if field in fields else _pairs(rest, codes)
        for field, rows in fields.items():
            source, values = _sources(group, field, rows)
            pairs, source = np.unique(np.stack([rest, source]), axis=1, return_inverse=True)
            label = np.repeat(np.arange(pairs.shape[1])[:, None], scenarios.size, 1)
            for k in np.flatnonzero(np.bincount(pairs[0]) > 1).tolist():
                among = np.flatnonzero(pairs[0] == k)
                label[among] = among[_ranked([values[i] for i in pairs[1][among]], scenarios.size)]
            found.append(_Given(kind, field, group.numbers, source.reshape(len(rest)), label))
    return found


def _sources(group: Group, field: str, rows: Mapping[str, Array]) -> tuple[Index, list[Array]]:
    """Which of some values of a field each component of a type has (group,), and these, (1|S,) each.

    rows: those that scenarios give by name (S,); the others are as they are stated.
    """
    number, values = dict[int | bytes, int](), list[Array]()
    stated = group.stated[field][:, 0] if len(rows) < len(group.names) else None
    source = np.empty(len(group.names), np.int64)
    for i, name in enumerate(group.names):
        own = rows.get(name)
        if own is None:
            assert stated is not None
            own = stated[i : i + 1]
        key = id(own) if name in rows else own.tobytes()
        if key not in number:
            number[key] = len(values)
            values.append(own)
        source[i] = number[key]
    return source, values


def _ranked(values: list[Array], size: int) -> Index:
    """For each scenario which of some values (1|S,) are equal bit for bit: the number of the first like it (k, S)."""
    if len(values) == 1:
        return np.zeros((1, size), np.int64)
    bits = np.array([np.broadcast_to(np.asarray(v, float), size) for v in values]).view(np.int64)
    order = np.argsort(bits, axis=0, kind="stable")
    rows = np.take_along_axis(bits, order, 0)
    new = np.concatenate([np.ones((1, size), bool), rows[1:] != rows[:-1]])
    at = np.maximum.accumulate(np.where(new, np.arange(len(values))[:, None], 0), axis=0)
    ranks = np.empty(bits.shape, np.int64)
    np.put_along_axis(ranks, order, np.take_along_axis(order, at, 0), 0)
    return ranks


def _own(wiring: Wiring, labels: Labels) -> Index:
    """Colours of components by their types and values (components,)."""
    parts, colours = list[Index](), 0
    for kind, group in wiring.groups.items():
        colour = np.zeros(len(group.names), np.int64)
        for field, codes in group.codes.items():
            if (kind, field) not in labels:
                colour = _pairs(colour, codes)
        for (of, _), codes in labels.items():
            if of == kind:
                colour = _pairs(colour, codes)
        parts.append(colour + colours)
        colours += int(colour.max(initial=-1)) + 1
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _pairs(a: Index, b: Index) -> Index:
    """Numbers that are equal where both of two numbers are."""
    return np.unique(a * (int(b.max(initial=0)) + 1) + b, return_inverse=True)[1].reshape(len(a))


# ---- refinement --------------------------------------------------------------------------------------------------


def refined(joints: Joints, own: Index) -> tuple[Index | None, Index | None]:
    """Classes of components and of joints, numbered by their first; None where none are alike.

    own: colours to begin with (components,). Colours are hashes of what is met, summed up; that all of a class do meet
    the same is then seen by comparing, so that no two can be taken for alike by a collision.
    """
    for salt in range(1, TRIES + 1):
        component, joint = map(_numbered, _coloured(joints, own, salt))
        if component.max(initial=-1) + 1 == len(component):
            return None, None
        if _equitable(joints, own, component, joint):
            return component, joint
    return None, None


def _coloured(joints: Joints, own: Index, salt: int) -> tuple[Hashes, Hashes]:
    """Colours of components and joints, hashes of what they meet, refined until nothing splits."""
    count, places = len(own), len(joints.keys)
    component = _mixed(own.astype(np.uint64) + np.uint64(salt << 40))
    joint, role = np.zeros(places, np.uint64), _mixed(joints.role.astype(np.uint64) + np.uint64(salt << 50))
    order = np.argsort(joints.joint, kind="stable")
    by_component = np.searchsorted(joints.component, np.arange(count))
    by_joint = np.searchsorted(joints.joint[order], np.arange(places))
    meets = np.bincount(joints.component, minlength=count) > 0
    classes = 0
    while True:
        joint = _mixed(joint + _summed(_mixed(component[joints.component] ^ role)[order], by_joint, None))
        component = _mixed(component + _summed(_mixed(joint[joints.joint] ^ role), by_component, meets))
        found = len(np.unique(component)) + len(np.unique(joint))
        if found == classes:
            return component, joint
        classes = found


def _mixed(x: Hashes) -> Hashes:
    """A hash of 64 bits: the finaliser of splitmix64 [Steele, Lea & Flood, OOPSLA 2014]."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _summed(x: Hashes, begin: Index, some: Array | None) -> Hashes:
    """Sums of parts that begin at these places, modulo 2^64; those with nothing in them are zero."""
    if not len(begin) or not len(x):
        return np.zeros(len(begin), np.uint64)
    sums = np.add.reduceat(x, np.minimum(begin, len(x) - 1))
    return sums if some is None else np.where(some, sums, np.uint64(0))


def _numbered(x: NDArray[Any]) -> Index:
    """Equal values by one number, in the order in which they come first."""
    _, first, inverse = np.unique(x, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(len(x))]


def _equitable(joints: Joints, own: Index, component: Index, joint: Index) -> bool:
    """Whether all members of a class have the colour of its first and meet the same classes in the same roles."""
    _, first = np.unique(component, return_index=True)
    return (
        np.array_equal(own, own[first][component])
        and _alike(joints.component, joints.role, joint[joints.joint], component)
        and _alike(joints.joint, joints.role, component[joints.component], joint)
    )


def _signature(joints: Joints, own: Index, component: Index, joint: Index) -> tuple[bytes, Index]:
    """The signature of `Classes.signature`, and the first component of each class in its order."""
    hashes, _ = _coloured(joints, own, 1)
    _, first, count = np.unique(component, return_index=True, return_counts=True)
    order = np.argsort(hashes[first], kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    inside = np.isin(joints.component, first)
    of, to, role = rank[component[joints.component[inside]]], joint[joints.joint[inside]], joints.role[inside]
    where = np.lexsort((role, of))
    of, to, role = of[where], _numbered(to[where]), role[where]
    size = np.bincount(joint)[joint[joints.joint[inside]][where]]
    parts = (own[first][order], count[order], of, role, to, size)
    return b"".join(a.astype(np.int64).tobytes() for a in parts), first[order]


def _alike(end: Index, role: Index, other: Index, classes: Index) -> bool:
    """Whether the edges at all members of a class have the same roles and other ends as those at its first."""
    code = role * (int(other.max(initial=0)) + 1) + other
    order = np.lexsort((code, end))
    end, code = end[order], code[order]
    begin = np.searchsorted(end, np.arange(len(classes) + 1))
    _, first = np.unique(classes, return_index=True)
    like, degree = first[classes], np.diff(begin)
    if not np.array_equal(degree, degree[like]):
        return False
    return np.array_equal(code, code[begin[like[end]] + np.arange(len(end)) - begin[end]])
