"""Pipes and cables between what stands in a facility: orthogonal routes from places, connections and solved flows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin import columns
from twin.columns import Array, Index
from twin.components.base import Component
from twin.elements import Pipe
from twin.fluids import fluid
from twin.plant.wiring import Wiring
from twin.show.scene.places import Things
from twin.show.scene.shapes import turned

if TYPE_CHECKING:
    from twin.api import Result

End = tuple[str, str]
"""A component and its port."""

VELOCITY = 2.0
"""Of coolant, by which pipes are drawn that state no diameter [m/s]."""

LEAST, CABLE = 0.02, 0.035
"""Radius of the thinnest pipe that is drawn, and of cables [m]."""

CLEAR, LEVEL = 0.3, 0.24
"""Of routes: above the tallest thing they join, and from one level to the next [m]."""

DEPTH = {"coolant": 0.75, "power": 0.5}
"""Where ports stand on top of a thing, as a share of its depth from the front."""


class Runs(NamedTuple):
    """Straight pieces of pipe or cable along an axis.

    start, end: (run, 3) [m]. radius: (run,) [m]. net: number of the route that it is a part of (run,).
    """

    start: Array
    end: Array
    radius: Array
    net: Index


class Routes(NamedTuple):
    """Routes of one carrier.

    names: a port of each (net,). flow: through its busiest piece [kg/s] (net,); temperature: of its coolant [K] (net,),
    NaN without. runs: their pieces, those of coolant from where it comes to where it flows.
    """

    names: tuple[str, ...]
    flow: Array
    temperature: Array
    runs: Runs


@dataclass
class _Net:
    """Ports that are joined, pipes and cables between them left out.

    terminals: where it ends at things (thing, port). diameter: stated by the widest of its pipes [m], 0 if by none.
    """

    terminals: list[tuple[int, str]] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    diameter: float = 0.0


def routes(result: Result, things: Things, carrier: str, scenario: int = 0) -> Routes:
    """Routes of a carrier ("coolant" or "power") in one scenario.

    Each joins its things by a trunk along the axis in which they lie farther apart, at the middle of them in the
    other, above the tallest; from it branches lead at right angles to each, and drop. Pipes are as wide as the layout
    says, else as wide as the flow needs at 2 m/s.
    """
    nets = [n for n in _nets(result, things, carrier) if len({t for t, _ in n.terminals}) > 1]
    flows = Flows(result, scenario) if carrier == "coolant" else None
    points = [_points(n, things, carrier, result.facility.components) for n in nets]
    levels = _levels(points)
    pieces, names, flow, temperature = list[tuple[Array, Array, Array]](), [], [], []
    for net, at, level in zip(nets, points, levels, strict=True):
        first = net.ends[0]
        enters = np.array([flows.into((things.names[t], p)) for t, p in net.terminals]) if flows else np.zeros(len(at))
        start, end, through = _tree(at, enters, level)
        pieces.append((start, end, _radius(np.abs(through), net.diameter) if flows else np.full(len(through), CABLE)))
        names.append(".".join(first))
        flow.append(float(np.abs(through).max(initial=0.0)))
        temperature.append(flows.temperature(first) if flows else np.nan)
    count = [len(r) for _, _, r in pieces]
    joined = [np.concatenate([p[k] for p in pieces]) if pieces else np.zeros((0, 3)) for k in (0, 1)]
    radius = np.concatenate([np.zeros(0), *(r for _, _, r in pieces)])
    runs = Runs(joined[0], joined[1], radius, np.repeat(np.arange(len(nets)), np.array(count, int)))
    return Routes(tuple(names), np.array(flow), np.array(temperature, float), runs)


# ---- what is joined ----------------------------------------------------------------------------------------------


def _nets(result: Result, things: Things, carrier: str) -> Iterable[_Net]:
    """Joined ports of a carrier, what is drawn along routes passed through; cords end at the things that they feed."""
    parts, row = result.facility.components, things.row
    parent = dict[End, End]()

    def root(end: End) -> End:
        parent.setdefault(end, end)
        while parent[end] != end:
            parent[end] = parent[parent[end]]
            end = parent[end]
        return end

    cords = list[tuple[End, End]]()
    for kind, a, b in result.facility.connections:
        if kind != carrier:
            continue
        corded = [e for e in (a, b) if parts[e[0]].ports[e[1]].cords]
        if corded:
            cords.append((corded[0], b if corded[0] == a else a))
        else:
            parent[root(a)] = root(b)
    between = [n for n, p in parts.items() if p.look == "run"]
    for name in between:
        first, *others = [(name, p) for p, port in parts[name].ports.items() if port.carrier == carrier] or [("", "")]
        for other in others:
            parent[root(first)] = root(other)
    nets = defaultdict[End, _Net](_Net)
    for end in sorted(parent):
        net, part = nets[root(end)], parts.get(end[0])
        if part is None:
            continue
        net.ends.append(end)
        if part.look == "run":
            net.diameter = max(net.diameter, float(getattr(part, "diameter", None) or 0.0))
        elif end[0] in row:
            net.terminals.append((row[end[0]], end[1]))
    for cord, far in cords:
        net = nets[root(far)]
        net.ends.append(far)
        if cord[0] in row:
            net.terminals.append((row[cord[0]], cord[1]))
    return nets.values()


def _points(net: _Net, things: Things, carrier: str, parts: Mapping[str, Component]) -> Array:
    """Where a route ends on top of its things, (terminal, 3) [m]."""
    points = np.empty((len(net.terminals), 3))
    for k, (i, port) in enumerate(net.terminals):
        x, y, z = things.size[i].tolist()
        way = things.ways[i]
        width, depth = (x, y) if way[1] == "y" else (y, x)
        ports = [n for n, p in parts[things.names[i]].ports.items() if p.carrier == carrier]
        share = (ports.index(port) + 1) / (len(ports) + 1)
        local = np.array([[share * width, DEPTH[carrier] * depth, z]])
        points[k] = things.low[i] + turned(local, width, depth, way)[0]
    return points


# ---- the flows ---------------------------------------------------------------------------------------------------


class Flows:
    """Coolant that enters each component at each joint, and its temperature there, in one scenario."""

    def __init__(self, result: Result, scenario: int) -> None:
        plant, solution = result.plant, result.solution
        self._root = Wiring.of(result.facility).root
        self._node = {key: i for i, key in enumerate(plant.node_keys)}
        self._temperature = solution[columns.node.temperature][:, scenario]
        self._into = defaultdict[tuple[str, int], float](float)
        names, count = Wiring.of(result.facility).names, len(plant.pipe.start)
        flow = solution[columns.stream.flow][:count, scenario]
        owners = plant.owners.get(Pipe, np.zeros(0, np.int64))
        for owner, start, end, q in zip(owners, plant.pipe.start, plant.pipe.end, flow.tolist(), strict=False):
            self._into[names[owner], int(start)] += q
            self._into[names[owner], int(end)] -= q

    def _at(self, end: End) -> int:
        """The node of a port, -1 where there is none."""
        return self._node.get(self._root.get(end, end), -1)

    def into(self, end: End) -> float:
        """Flow from a joint into a component [kg/s], negative if out of it."""
        return self._into.get((end[0], self._at(end)), 0.0)

    def temperature(self, end: End) -> float:
        """Of the coolant at a joint [K]; NaN where nothing is known of it."""
        at = self._at(end)
        return float(self._temperature[at]) if at >= 0 else np.nan


def temperatures(result: Result, names: Sequence[str], scenario: int = 0) -> Array:
    """Temperatures of the coolant [K] in routes by their names (net,) in one scenario, NaN where nothing is known."""
    solution, i = result.part(scenario)
    plant, root = solution.plant, solution.plant.classes.wiring.root
    node = {key: k for k, key in enumerate(plant.node_keys)}
    ends = [(component, port) for component, _, port in (n.rpartition(".") for n in names)]
    at = np.array([node.get(plant.classes.place(root.get(end, end)), -1) for end in ends], int)
    return np.where(at >= 0, solution[columns.node.temperature][at, i], np.nan)


def _radius(flow: Array, diameter: float) -> Array:
    """Of pipes [m]: as stated for the busiest, and for others by their flows [kg/s] at VELOCITY."""
    needed = np.sqrt(flow / (np.pi * float(fluid("water").density(313.15)) * VELOCITY))
    if diameter and flow.max(initial=0.0) > 0:
        needed = diameter / 2 * np.sqrt(flow / flow.max())
    return np.maximum(needed, LEAST)


# ---- the way -----------------------------------------------------------------------------------------------------


def _levels(points: Sequence[Array]) -> list[float]:
    """Height of the trunk of each route [m]: low and small ones first, none at that of another over which it lies."""
    order = sorted(range(len(points)), key=lambda k: (float(np.ptp(points[k][:, :2], axis=0).sum()), k))
    taken: list[tuple[Array, Array, float]] = []
    levels = [0.0] * len(points)
    for k in order:
        low, high = points[k].min(axis=0)[:2] - 0.1, points[k].max(axis=0)[:2] + 0.1
        level = float(points[k][:, 2].max()) + CLEAR
        over = sorted(z for a, b, z in taken if (low <= b).all() and (a <= high).all())
        for z in over:
            if abs(z - level) < 0.9 * LEVEL:
                level = z + LEVEL
        levels[k] = level
        taken.append((low, high, level))
    return levels


def _tree(points: Array, enters: Array, level: float) -> tuple[Array, Array, Array]:
    """Pieces of a route from start to end (piece, 3) [m] as the flow has it, and the flow through each [kg/s].

    points: its ends on things (end, 3) [m]. enters: flow into each of these from the route (end,).
    """
    a = int(np.ptp(points[:, 1]) > np.ptp(points[:, 0]))
    b, middle = 1 - a, float(np.median(points[:, 1 - a]))
    pieces = list[tuple[list[float], list[float], float]]()

    def piece(p: Sequence[float], q: Sequence[float], flow: float) -> None:
        """A piece from p to q, turned round if the flow from p to q is negative."""
        if np.abs(np.subtract(p, q)).max() > 1e-6:
            pieces.append(([*p], [*q], flow) if flow >= 0 else ([*q], [*p], -flow))

    def on(along: float, across: float, z: float) -> list[float]:
        place = [0.0, 0.0, z]
        place[a], place[b] = along, across
        return place

    branches = defaultdict[float, list[int]](list)
    for i, point in enumerate(points):
        piece([point[0], point[1], level], point.tolist(), float(enters[i]))
        branches[round(float(point[a]), 3)].append(i)
    for along, ends in branches.items():
        for side in (-1, 1):
            outer = sorted((i for i in ends if side * (points[i, b] - middle) > 0), key=lambda i: -side * points[i, b])
            total = 0.0
            inward = [*(float(points[i, b]) for i in outer[1:]), middle]
            for i, inner in zip(outer, inward, strict=False):
                total += float(enters[i])
                piece(on(along, inner, level), on(along, float(points[i, b]), level), total)
    stations, total = sorted(branches), 0.0
    for here, after in pairwise(stations):
        total += sum(float(enters[i]) for i in branches[here])
        piece(on(after, middle, level), on(here, middle, level), total)
    start, end = (np.array([p[k] for p in pieces], float).reshape(-1, 3) for k in (0, 1))
    return start, end, np.array([p[2] for p in pieces], float)
