"""What users should know of a solution beside its numbers: aims that are missed, models outside their box, and more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike

from twin import columns
from twin.air.response import RoomAir, unsettled
from twin.columns import MAXIMUM, Array, LimitKind, Ref
from twin.elements import Box, Cooler, Status
from twin.fluids import fluid
from twin.money.yearly import served_share
from twin.plant.compile import Plant
from twin.results.limits import TOLERANCE, margins
from twin.serving.tokens import beside_measured, holes, not_fitted, unserved
from twin.solver.steady import Solution, tripped
from twin.units import format

ROUNDING = 1e-6
"""By how much coolant may be beyond the ends of its properties unsaid, K."""

Told = tuple[str, Iterable[int]]
"""A warning and the numbers of the scenarios that it is for."""


def warnings(solution: Solution, rooms: Iterable[RoomAir] = ()) -> list[tuple[str, ...]]:
    """The warnings of every scenario; one without a solution has none. What is alike of several elements is one.

    rooms: those whose air was computed.
    """
    texts: list[list[str]] = [[] for _ in range(solution.plant.scenarios)]
    own = _cooler_air, _lost, _missed, _flagged, _outside, _unfitted, _outdoors, _idle
    told = [part(solution) for part in (*own, unserved, holes, beside_measured, not_fitted)]
    for text, scenarios in chain(*map(unsettled, rooms), *told):
        for scenario in scenarios:
            texts[scenario].append(text)
    solved = solution.status == Status.OK
    return [tuple(text) if ok else () for text, ok in zip(texts, solved, strict=True)]


def _numbers(true: ArrayLike) -> list[int]:
    """Where it is true."""
    return [int(i) for i in np.flatnonzero(true)]


def _several(names: Sequence[str], times: Array, first: int = 0) -> str:
    """An element and how many others there are; each name stands for so many that are alike (name,)."""
    count = int(times.sum())
    return f"{names[first]} and {count - 1:,} more" if count > 1 else names[first]


def _cooler_air(solution: Solution) -> Iterator[Told]:
    """Scenarios of the wet bulb alone that are too cold for the layout's dry bulb."""
    plant, stated = solution.plant, solution.plant.facility.site.dry_bulb
    dry, wet = (np.broadcast_to(x, (1, plant.scenarios))[0] for x in (plant.site.dry_bulb, plant.site.wet_bulb))
    for scenario in _numbers((dry < stated) & ("site.dry_bulb" not in plant.coordinates)):
        now, then, bulb = (format(x, "temperature", 1) for x in (dry[scenario], stated, wet[scenario]))
        yield f"site: dry_bulb {now} instead of {then}, of which no air has a wet bulb of {bulb}; give both", [scenario]


def _idle(solution: Solution) -> Iterator[Told]:
    """Scenarios with hours in which nothing is served, of which no solution or no rack says what they take."""
    plant = solution.plant
    hours = served_share(plant) < 1.0
    if solution.idle is not None:
        unknown = np.isnan(solution.idle.facility_power) & hours
        yield "no solution with nothing at work: energy and cost of idle hours are not known", _numbers(unknown)
    rows = np.array([row for _, serving in plant.platforms() for row in serving], int)
    stated = np.isfinite(plant.engine.it_power[rows]) & hours
    text = "its `it_power` is drawn in idle hours too, in which no tokens are served"
    yield from _alike(plant, [plant.engine.names[row] for row in rows], stated, text)


def _missed(solution: Solution) -> Iterator[Told]:
    """Aims of controls that are missed: the element that misses each by most, and its numbers."""
    m = margins(solution, aims=True)
    for name in dict.fromkeys(m.name):
        rows = np.flatnonzero(m.name == name)
        missed = m.relative[rows] < -TOLERANCE
        for scenario in _numbers(missed.any(axis=0)):
            here = rows[missed[:, scenario]]
            worst = int(np.argmin(m.relative[here, scenario]))
            row = int(here[worst])
            kind: LimitKind = m.kind[row]
            value, bound = (format(x[row, scenario], str(m.dimension[row]), 1) for x in (m.value, m.bound))
            side = "at most" if kind.sense == MAXIMUM else "at least"
            who = _several(list(m.element[here]), m.alike[here], worst)
            yield f"{who}: {name}: {value}, {side} {bound}: {kind.meaning}", [scenario]


def _lost(solution: Solution) -> Iterator[Told]:
    """What overheats, and the racks that trip there."""
    plant, lost = solution.plant, solution[columns.node.lost] > 0
    trip = tripped(plant, lost)
    for scenario in _numbers(lost.any(axis=0)):
        nodes, rows = _numbers(lost[:, scenario]), _numbers(trip[:, scenario])
        where = _several([plant.node_names[n] for n in nodes], plant.counts[columns.node][nodes])
        racks = [plant.engine.names[i] for i in rows]
        text = f"{where}: nothing takes the heat away, and there is no steady temperature"
        trips = f"; {_several(racks, plant.counts[columns.engine][rows])} trip" if racks else ""
        yield text + trips, [scenario]


def _flagged(solution: Solution) -> Iterator[Told]:
    """What equipment warns of by itself."""
    for item in solution.plant.cautions:
        yield from _alike(solution.plant, item.elements, solution[item.value] > 0.5, item.text)


def _alike(plant: Plant, names: Sequence[str], flagged: Array, text: str) -> Iterator[Told]:
    """One text for those elements that are flagged (element, scenario), once for each choice of them."""
    times = plant.alike(names)
    patterns, which = np.unique(flagged, axis=1, return_inverse=True)
    for k, pattern in enumerate(patterns.T):
        if pattern.any():
            told = f"{_several([names[i] for i in _numbers(pattern)], times[pattern])}: {text}"
            yield told, _numbers(np.ravel(which) == k)


def _outside(solution: Solution) -> Iterator[Told]:
    """Coolers whose laws are used outside their box: which quantity, its value and its range, where the law says so."""
    begin = 0
    for cooler in solution.plant.cooler:
        rows = np.arange(begin, begin + len(cooler.stream))
        begin += len(rows)
        flagged = solution[columns.cooler.warning[rows]] > 0.5
        names, unexplained = cooler.names, flagged.copy()
        times = solution.plant.alike(names)
        for box in _boxes(cooler, solution):
            value, low, high = (np.broadcast_to(x, flagged.shape) for x in (box.value, box.low, box.high))
            beyond = flagged & box.outside
            unexplained &= ~beyond
            for scenario in _numbers(beyond.any(axis=0)):
                here = _numbers(beyond[:, scenario])
                worst = int(np.argmax(np.maximum(low - value, value - high)[here, scenario]))
                x, a, b = (format(v[here[worst], scenario], box.dimension, 1) for v in (value, low, high))
                who = _several([names[i] for i in here], times[here], worst)
                text = f"{who}: {box.what} {x}, outside {a} to {b}, where its law was measured"
                if box.power is not None:
                    off = np.broadcast_to(box.power, flagged.shape)[here[worst], scenario]
                    text += f"; power there is known to about ±{format(off, 'fraction', 0)}"
                yield text, [scenario]
        yield from _alike(solution.plant, names, unexplained, "outside the box of validity")


def _boxes(cooler: Cooler, solution: Solution) -> tuple[Box, ...]:
    """The boxes of a cooler's law at the solution; none where the law names none."""
    boxes = getattr(cooler.law, "boxes", None)
    if boxes is None:
        return ()
    inlet, outlet = (solution[c[cooler.stream]] for c in (columns.stream.inlet, columns.stream.outlet))
    sink = np.full((1, 1), np.nan) if cooler.sink is None else solution[columns.stream.inlet[cooler.sink]]
    return boxes(inlet, outlet, sink)


def _unfitted(solution: Solution) -> Iterator[Told]:
    """Coolant colder or hotter than its properties are known: by how much at most, and in how many joints."""
    plant, lost = solution.plant, solution[columns.node.lost] > 0
    for name, pipes, _ in plant.medium:
        of = fluid(name)
        nodes = np.unique([plant.pipe.start[pipes], plant.pipe.end[pipes]])
        T = solution[columns.node.temperature][nodes]
        beyond = np.maximum(of.min_temperature - T, T - of.max_temperature)
        beyond = np.where(lost[nodes], 0.0, beyond)
        low, high = (format(x, "temperature", 1) for x in (of.min_temperature, of.max_temperature))
        for scenario in _numbers((beyond > ROUNDING).any(axis=0)):
            here = _numbers(beyond[:, scenario] > ROUNDING)
            worst = int(np.argmax(beyond[here, scenario]))
            who = _several([plant.node_names[nodes[i]] for i in here], plant.counts[columns.node][nodes[here]], worst)
            now = format(T[here[worst], scenario], "temperature", 1)
            yield f"{who}: {name} at {now}, outside {low} to {high}, where its properties are known", [scenario]


def _outdoors(solution: Solution) -> Iterator[Told]:
    """Equipment that belongs in a room and names none, in a layout that has rooms: its heat costs no cooling."""
    plant = solution.plant
    lost = plant.facility.outdoors
    if not lost or not plant.zone.names:
        return
    members = set(lost)
    there = lambda names: [i for i, n in enumerate(names) if n in members]  # noqa: E731
    power = solution.sum(columns.engine.heat_air[np.array(there(plant.engine.names), int)])
    for gain in plant.gain:
        rows = np.array(there(gain.names), int)
        share = np.broadcast_to(gain.share, (len(gain.node), gain.share.shape[1]))
        power = power + solution.sum(Ref(gain.power.column, gain.power.rows[rows]), share[rows])
    for scenario in range(plant.scenarios):
        heat = format(power[scenario], "power", 1)
        who = _several(lost, np.ones(len(lost)))
        yield f"{who}: no `room`, so that {heat} of heat goes outdoors and costs no cooling", [scenario]
