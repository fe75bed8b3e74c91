"""Equipment that is alike drawn once: groups of components for diagrams, and what joins them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from twin.components.base import Component
from twin.facility.graph import Facility
from twin.facility.structure import End

NAMED, LONGEST = 2, 20
"""Names of a group up to which all are told, and letters of the first and last up to which both are."""


class Group(NamedTuple):
    """Components that a diagram draws once.

    names: in the order of the layout. part: the first of them. layer: how far they are from where it begins.
    """

    names: tuple[str, ...]
    part: Component
    layer: int

    @property
    def label(self) -> str:
        """Names, of many the first, and the last if they are short, with how many there are."""
        if len(self.names) <= NAMED:
            return ", ".join(self.names)
        ends = f"{self.names[0]} … {self.names[-1]}"
        return f"{ends if len(ends) <= LONGEST else self.names[0]} (×{len(self.names):,})"


class Diagram(NamedTuple):
    """Groups, and pairs of them that are joined, each from what is nearer to the beginning."""

    groups: tuple[Group, ...]
    links: tuple[tuple[int, int], ...]


def _neighbours(facility: Facility, carrier: str) -> dict[str, set[str]]:
    """Components that connections of a carrier join to each."""
    found = defaultdict[str, set[str]](set)
    for kind, (a, _), (b, _) in facility.connections:
        if kind == carrier:
            found[a].add(b)
            found[b].add(a)
    return found


def single_line(facility: Facility) -> Diagram:
    """The power train from its sources down, consumers of the same feeds together.

    Equipment of one model, before and behind what is alike, is one group unless a consumer could be fed through either:
    the two sides of a 2N train stay apart, and its blocks are drawn once.
    """
    joined, parts = _neighbours(facility, "power"), facility.components
    ends = {n for n in joined if all(p.cords for p in parts[n].ports.values() if p.carrier == "power")}
    layer = {n: 0 for n in sorted(joined) if parts[n].sources}
    front = list(layer)
    while front:
        after = sorted({m for n in front if n not in ends for m in joined[n] if m not in layer})
        layer |= dict.fromkeys(after, layer[front[0]] + 1)
        front = after
    above = {n: frozenset(m for m in joined[n] if m not in ends and layer.get(m, 0) < layer[n]) for n in layer}
    served, below = _served(layer, above, ends), _below(facility, layer, above)
    groups, of = list[list[str]](), dict[str, int]()
    open_groups = defaultdict[object, list[int]](list)
    for n in sorted(layer, key=lambda n: (layer[n], _in_order(n))):
        feeds = frozenset(of[m] for m in above[n] if m in of)
        key: object = (feeds, "ends") if n in ends else (feeds, below[n], layer[n])
        for k in open_groups[key]:
            if n in ends or not any(served[n] & served[m] for m in groups[k]):
                groups[k].append(n)
                of[n] = k
                break
        else:
            of[n] = len(groups)
            open_groups[key].append(len(groups))
            groups.append([n])
    links = {(of[m], of[n]) for n in of for m in above[n]}
    made = (Group(tuple(names), parts[names[0]], layer[names[0]]) for names in groups)
    return Diagram(tuple(made), tuple(sorted(links)))


def _served(layer: Mapping[str, int], above: Mapping[str, frozenset[str]], ends: set[str]) -> dict[str, int]:
    """Consumers behind each component, as bits of a number."""
    bits = {n: 1 << k for k, n in enumerate(sorted(n for n in layer if n in ends))}
    found = {n: bits.get(n, 0) for n in layer}
    for n in sorted(layer, key=lambda n: -layer[n]):
        for m in above[n]:
            found[m] |= found[n]
    return found


def _below(facility: Facility, layer: Mapping[str, int], above: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """What each component and all that hangs on it is, however many of each."""
    hangs = defaultdict[str, set[int]](set)
    found = dict[str, int]()
    for n in sorted(layer, key=lambda n: -layer[n]):
        found[n] = hash((facility.components[n].kind, facility.models.get(n), frozenset(hangs[n])))
        for m in above[n]:
            hangs[m].add(found[n])
    return found


def _in_order(name: str) -> list[tuple[str, int]]:
    """By name, numbers in it as such."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)]


def coolant(facility: Facility) -> list[tuple[str, ...]]:
    """Components with coolant ports, those that are alike together: of one model and joined alike, however many."""
    parts = facility.components
    joined = defaultdict[str, set[tuple[str, End]]](set)
    for kind, a, b in facility.connections:
        if kind == "coolant":
            joined[a[0]].add((a[1], b))
            joined[b[0]].add((b[1], a))
    colour = {n: hash((parts[n].kind, facility.models.get(n))) for n in joined}
    for _ in range(len(joined)):
        finer = {
            n: hash((colour[n], frozenset((own, colour[m], port) for own, (m, port) in joined[n]))) for n in joined
        }
        if len(set(finer.values())) == len(set(colour.values())):
            break
        colour = finer
    groups = defaultdict[int, list[str]](list)
    for n in sorted(joined, key=_in_order):
        groups[colour[n]].append(n)
    return [tuple(names) for names in groups.values()]
