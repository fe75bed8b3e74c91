"""Components whose loss is the same thing under other names: what need be singled out and solved once.

Equal colours are not enough: of a ring of six beside two rings of three every piece has one colour. Two components are
one orbit here if, each singled out and the rest refined again, what is left is one plant: a `Classes.signature`. Parts
of a facility that hang on what is unlike everything else, as the halls of a campus hang on its utility, are compared
line by line first: equal ones can be exchanged for each other, and one of them is looked at for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.columns import Index
from twin.facility.graph import Facility
from twin.facility.scenarios import read
from twin.plant.symmetry import Classes, partitions


class Member(NamedTuple):
    """A component of an orbit. called: what a component is called where this one stands in place of the first."""

    name: str
    called: Callable[[str], str]


def orbits(facility: Facility, names: Iterable[str]) -> Iterator[list[Member]]:
    """Components of these names, orbit by orbit, the first of which stands for all."""
    scenario = read(facility, {})
    ((_, base),) = partitions(facility, scenario)
    pieces, found = _Pieces(base), dict[object, list[Member]]()
    keys, first = dict[str, tuple[object, Mapping[str, str]]](), dict[object, list[str]]()
    for name in names:
        standing, exchanged = pieces.representative(name)
        if standing not in keys:
            ((_, own),) = partitions(facility, scenario, {standing: 0})
            key = standing if own.component is None else own.signature
            like = first.setdefault(key, own.names)
            keys[standing] = key, dict(zip(like, own.names, strict=True))
        key, inner = keys[standing]
        found.setdefault(key, []).append(Member(name, _called(inner, exchanged)))
    yield from found.values()


def _called(inner: Mapping[str, str], exchanged: Callable[[str], str]) -> Callable[[str], str]:
    return lambda name: exchanged(inner.get(name, name))


class _Pieces:
    """Parts of a facility that are equal line by line and hang on the same, so that they can be exchanged.

    Vertices are components, then joints. Of any part of the graph, what is unlike all else in it is taken out, and what
    then hangs together is a piece of it, and so on within the first of pieces that are equal.
    """

    def __init__(self, base: Classes) -> None:
        self.wiring, joints = base.wiring, base.wiring.joints
        count, places = len(self.wiring.names), len(joints.keys)
        self.standing, self.swaps = np.arange(count), list[tuple[Index, Index]]()
        self._swap_of = dict[int, int]()
        if base.component is None or base.joint is None:
            return
        self._colour = np.concatenate([base.component, base.joint + count])
        self._own = np.concatenate([base.own, np.full(places, -1)])
        self._ends = np.stack([joints.component, count + joints.joint])
        self._role = joints.role
        todo = [np.arange(count + places)]
        while todo:
            todo += self._split(todo.pop())

    def _split(self, part: Index) -> Iterator[Index]:
        """The first of each sort of equal pieces of a part, to be split further; the others stand for these."""
        total = len(self._colour)
        inside = np.zeros(total, bool)
        inside[part] = True
        seen = np.bincount(self._colour[part], minlength=int(self._colour.max()) + 1)
        inner = inside & (seen[self._colour] > 1)
        a, b = self._ends
        within = inner[a] & inner[b]
        graph = coo_array((np.ones(int(within.sum())), (a[within], b[within])), shape=(total, total))
        _, label = connected_components(graph, directed=False)
        label = np.where(inner, label, -1)
        touching = np.maximum(label[a], label[b])
        edges = _by_number(touching)
        known = dict[bytes, Index]()
        for number, members in _by_number(label).items():
            if len(members) == 1 and members[0] >= len(self.wiring.names):
                continue
            text = self._text(members, edges.get(number, np.zeros(0, np.int64)))
            first = known.setdefault(text, members)
            if first is members and len(members) < len(part):
                yield members
            elif first is members:
                continue  # nothing in it is unlike the rest
            else:
                self._stand(members, first)

    def _stand(self, members: Index, first: Index) -> None:
        """Let a piece stand for one that is equal."""
        count = len(self.wiring.names)
        pairs = members[members < count], first[first < count]
        for here, there in zip(*(x.tolist() for x in pairs), strict=True):
            self.standing[here] = there
            self._swap_of[here] = len(self.swaps)
        self.swaps.append(pairs)

    def _text(self, members: Index, edges: Index) -> bytes:
        """A piece by its own numbers: colours, and edges by role; what is no part of it by its number among all."""
        ends = []
        for end in self._ends[:, edges]:
            place = np.minimum(np.searchsorted(members, end), len(members) - 1)
            ends.append(np.where(members[place] == end, place, -1 - end))
        table = np.stack([*ends, self._role[edges]])
        return self._own[members].tobytes() + b"|" + table[:, np.lexsort(table)].tobytes()

    def representative(self, name: str) -> tuple[str, Callable[[str], str]]:
        """The component that stands in its place, and what names are exchanged for where it stands there."""
        at, chain = self.wiring.number[name], list[int]()
        while self.standing[at] != at:
            chain.append(self._swap_of[at])
            at = int(self.standing[at])

        def exchanged(name: str) -> str:
            for swap in reversed(chain):
                name = self._exchanged(name, *self.swaps[swap])
            return name

        return self.wiring.names[at], exchanged

    def _exchanged(self, name: str, ours: Index, theirs: Index) -> str:
        """A name in exchanged pieces: that of the component in its place in the other."""
        number = self.wiring.number.get(name, -1)
        for here, there in ((ours, theirs), (theirs, ours)):
            place = int(np.searchsorted(here, number))
            if place < len(here) and here[place] == number:
                return self.wiring.names[int(there[place])]
        return name


def _by_number(numbers: Index) -> dict[int, Index]:
    """Where each number stands, those below 0 left out."""
    order = np.argsort(numbers, kind="stable")
    values, begin = np.unique(numbers[order], return_index=True)
    parts = np.split(order, begin[1:])
    return {int(v): np.sort(rows) for v, rows in zip(values, parts, strict=True) if v >= 0}
