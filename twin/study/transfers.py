"""What switches after a loss, by the wiring alone: standby equipment that brings power back to what went dark."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from twin.columns import Array
from twin.components.base import Component
from twin.facility.graph import Facility
from twin.facility.structure import SUPPLY, End, Structure


def elements(facility: Facility) -> list[str]:
    """Names of all that can be lost: equipment with a switch or with units that is not a tenant's."""
    return [
        n
        for n, p in facility.components.items()
        if not p.tenant and "in_service" in type(p).model_fields and getattr(p, "in_service", True)
    ]


def units(facility: Facility, name: str) -> int:
    """How many pieces a component stands for."""
    part = facility.components[name]
    return int(getattr(part, part.units_field)) if part.units_field else 1


class Transfer(NamedTuple):
    """What the wiring says of a loss.

    closed, opened: equipment that comes into service, and what that opens first. dark: consumers that stay without
    power. interrupted: consumers that are without power until it does, bridged those among them with a battery on the
    way, which rides through.
    """

    closed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    dark: tuple[str, ...] = ()
    interrupted: tuple[str, ...] = ()
    bridged: tuple[str, ...] = ()

    @property
    def changes(self) -> dict[str, float]:
        """What is switched, by address."""
        return {f"{n}.in_service": 0.0 for n in self.opened} | {f"{n}.in_service": 1.0 for n in self.closed}


class Switching:
    """The power train of a facility with all that could come into service."""

    def __init__(self, facility: Facility) -> None:
        parts = self.parts = facility.components
        out = [n for n, p in sorted(parts.items()) if not getattr(p, "in_service", True)]
        self.standby = {n: way for n in out if (way := getattr(parts[n], "standby", "none")) in ("automatic", "manual")}
        ready = {n: parts[n].model_copy(update={"in_service": True}) for n in self.standby}
        self._structure = Structure(facility.name, {**parts, **ready}, facility.connections, facility.models)
        self._carries = {n for n, p in parts.items() if p.sources or any(_power(p))}
        self._reach = _Reach(self._structure)
        self._laid_out = self._dark(frozenset(), (), ())[0]

    def after(self, lost: Iterable[str], planned: bool, start: Transfer | None = None) -> Transfer:
        """What switches and what stays dark when equipment is lost.

        planned: whether it is isolated by hand, so that manual standby equipment is switched first and nothing is
        interrupted; in a fault what is automatic switches alone. start: what was switched for maintenance before; it
        stays so. Conductors come before sources of power of their own, each in the order of names, and only where they
        bring back what went dark; where none does by itself, those that do together.
        """
        gone = frozenset(lost)
        before = start or Transfer()
        closed, opened = [n for n in before.closed if n not in gone], list(before.opened)
        if gone.isdisjoint(self._carries):
            return Transfer(tuple(closed), tuple(opened))
        dark, live = self._dark(gone, closed, opened)
        first, still = dark - self._laid_out - {*before.dark}, gone | set(opened) | (set(self.standby) - set(closed))
        dark -= self._laid_out
        ways = ("automatic", "manual") if planned else ("automatic",)
        ready = [n for n, way in self.standby.items() if way in ways and n not in gone and n not in closed]
        ready.sort(key=lambda n: (bool(self.parts[n].sources), n))
        for n in ready:
            if not dark:
                break
            if not self._reach.joins(n, live):
                continue
            left, lit = self._dark(gone, (*closed, n), (*opened, *self._opens([n], gone)))
            if len(left - self._laid_out) < len(dark):
                closed.append(n)
                opened += self._opens([n], gone)
                dark, live = left - self._laid_out, lit
        more = [n for n in ready if n not in closed] if dark else []
        left = self._together(gone, closed, more, opened) if more else dark
        if len(left) < len(dark):
            for n in reversed(more.copy()):
                fewer = [m for m in more if m != n]
                if len(self._together(gone, closed, fewer, opened)) == len(left):
                    more = fewer
            closed += more
            opened += self._opens(more, gone)
            dark = left
        interrupted = frozenset(n for n in first - dark if not (planned or self.parts[n].stores))
        buses = [s for n, f in self._structure.feeds_of.items() if self._bridges(n) and n not in gone for s, _ in f]
        bridged = interrupted - self._reach.without(still, buses)[0] if buses else ()
        return Transfer(tuple(closed), tuple(opened), *(tuple(sorted(x)) for x in (dark, interrupted, bridged)))

    def reduced(self, lost: Iterable[str], transfer: Transfer) -> dict[str, tuple[int, int]]:
        """Consumers that have lost some feeds and not all after a transfer, with those that are live and all."""
        as_it_was = self._reach.feeds(self._dark(frozenset(), (), ())[1])
        now = self._reach.feeds(self._dark(frozenset(lost), transfer.closed, transfer.opened)[1])
        return {n: now[n] for n, (live, _) in as_it_was.items() if 0 < now[n][0] < live}

    def _together(self, gone: frozenset[str], closed: list[str], more: list[str], opened: list[str]) -> frozenset[str]:
        """What more is dark than as laid out with more equipment closed."""
        return self._dark(gone, (*closed, *more), (*opened, *self._opens(more, gone)))[0] - self._laid_out

    def _opens(self, names: Iterable[str], gone: frozenset[str]) -> list[str]:
        """What equipment opens before it closes, of what is in service."""
        others = (o for n in names for o in self.parts[n].opens)
        return [o for o in others if o not in gone and getattr(self.parts[o], "in_service", True)]

    def _bridges(self, name: str) -> bool:
        """Whether equipment is a battery in service."""
        return self.parts[name].stores and bool(getattr(self.parts[name], "in_service", True))

    def _dark(
        self, gone: frozenset[str], closed: Collection[str], opened: Collection[str]
    ) -> tuple[frozenset[str], Array]:
        """Consumers without a live feed, with some standby equipment in service and other equipment out of it, and
        which ports are live (port,).
        """
        return self._reach.without(gone | set(opened) | (set(self.standby) - set(closed)))


class _Reach:
    """How far power comes, as arrays: ports (port,), ways between them (way,), and feeds of consumers (feed,)."""

    def __init__(self, structure: Structure) -> None:
        power = structure.power
        number = {end: i for i, end in enumerate(power)}
        self._number, self._supply = number, number[SUPPLY]
        edges = list(power.edges.data("component"))
        self._start, self._end = (np.array([number[e[k]] for e in edges], np.int64) for k in (0, 1))
        self._through = dict[str, list[int]]()
        for i, (_, _, component) in enumerate(edges):
            if component:
                self._through.setdefault(component, []).append(i)
        self._consumers = list(structure.feeds_of)
        feeds = [(k, number[start]) for k, n in enumerate(self._consumers) for start, _ in structure.feeds_of[n]]
        self._of, self._feed = np.array(feeds, np.int64).reshape(-1, 2).T

    def without(self, names: Collection[str], sources: Iterable[End] = (SUPPLY,)) -> tuple[frozenset[str], Array]:
        """Consumers that no source reaches without some components, those themselves left out, and live ports."""
        passes = np.ones(len(self._start), bool)
        for n in names:
            if ways := self._through.get(n):
                passes[ways] = False
        count = len(self._number)
        graph = coo_array(
            (np.ones(int(passes.sum())), (self._start[passes], self._end[passes])), shape=(count, count)
        ).tocsr()
        live = np.zeros(count, bool)
        for start in {self._number[s] for s in sources}:
            if not live[start]:
                live[breadth_first_order(graph, start, return_predecessors=False)] = True
        fed = np.zeros(len(self._consumers), bool)
        fed[self._of[live[self._feed]]] = True
        gone = set(names)
        return frozenset(
            n for n, lit in zip(self._consumers, fed.tolist(), strict=True) if not lit and n not in gone
        ), live

    def feeds(self, live: Array) -> dict[str, tuple[int, int]]:
        """Feeds of each consumer that are live, and all."""
        count = len(self._consumers)
        lit, every = np.bincount(self._of[live[self._feed]], minlength=count), np.bincount(self._of, minlength=count)
        return dict(zip(self._consumers, zip(lit.tolist(), every.tolist(), strict=True), strict=True))

    def joins(self, name: str, live: Array) -> bool:
        """Whether a component stands between what is live and what is not."""
        ways = self._through.get(name, [])
        return any(live[self._start[w]] and not live[self._end[w]] for w in ways)


def _power(part: Component) -> Iterable[bool]:
    """Whether each passage of a component carries power."""
    return (part.ports[way.start].carrier == "power" for way in type(part).ways())
