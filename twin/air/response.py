"""What computed air gives back to the plant: what racks breathe and coolers draw, and how that answers changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from twin import columns
from twin.air.adjoint import sensitivity
from twin.air.averaging import Outcome, TimeAverage
from twin.air.field import Loads
from twin.air.geometry import Geometry
from twin.columns import Array, Index
from twin.domains.compute import AIR_HEAT
from twin.elements import Inlets
from twin.facility.files import LayoutError
from twin.kernels.arrays import share
from twin.plant.compile import Plant
from twin.solver.steady import Solution

MAX_ASTRAY = 0.999
"""Largest share of recirculated or bypassing air that a mixed node is given."""


UNSETTLED = {
    Outcome.ERROR_ABOVE_TOLERANCE: "its inlets are known to ±{error:.2f} K only, after {flushes:.0f} flushes",
    Outcome.STILL_DRIFTING: "its inlets still drifted when the average began; they are known to ±{error:.2f} K at best",
    Outcome.STILL_MOVING: "its inlets moved by {moved:.2f} K in the last turn of field and plant; allow more turns",
    Outcome.INTERRUPTED: "interrupted on cells of {cell:g} m: its inlets are known to ±{error:.2f} K only",
}
"""What is told of air that did not settle."""


@dataclass(frozen=True)
class RoomAir:
    """A room's computed air: its geometry, what was imposed, and the average; rows are of racks and coolers.

    `cell` is the size of its cells as requested, m; `moved` is the largest change of an inlet in the last turn, K (S,).
    """

    room: str
    cell: float
    geometry: Geometry
    engine: Index
    fan: Index
    loads: Loads
    mean: TimeAverage
    moved: Array


def unsettled(room: RoomAir) -> list[tuple[str, list[int]]]:
    """What to know of a room's air that did not settle as was asked for, and in which scenarios; nothing if it did."""
    mean, told = room.mean, []
    for outcome, text in UNSETTLED.items():
        here = np.flatnonzero(mean.outcome == outcome)
        if len(here):
            error = float(mean.error[:, here].max(initial=0.0))
            words = text.format(error=error, flushes=mean.flushes, moved=room.moved[here].max(), cell=room.cell)
            told.append((f"air of {room.room}: {words}", here.tolist()))
    return told


@dataclass(frozen=True)
class Room:
    """How a room answers, by names: its astray air, its inlets and what they answer; see `elements.Inlets`."""

    racks: tuple[str, ...]
    coolers: tuple[str, ...]
    recirculation: Array
    bypass: Array
    excess: Array
    warmer: Array
    temperature: Array
    rise: Array
    supplied: Array
    heat: Array
    supply: Array
    flow: Array

    @property
    def per_watt(self) -> Array:
        """d(inlet) / d(rack power into air) at the flows of the field, K/W, (rack, rack)."""
        return self.heat / (AIR_HEAT * np.maximum(self.flow[:, 0], 1e-9))


@dataclass(frozen=True)
class Response:
    """Answers of computed rooms, by name, which carry one field into any other scenario of the same layout."""

    rooms: Mapping[str, Room]

    def carried(self, plant: Plant) -> Plant:
        """The plant with inlets as the fields' answers have them. Raises LayoutError for another layout's names."""
        return _carried(plant, self)


def informed(plant: Plant, solution: Solution, rooms: Sequence[RoomAir]) -> Plant:
    """The plant whose racks breathe and whose coolers draw what the fields say, until the next turn."""
    offset = np.broadcast_to(plant.engine.offset, (len(plant.engine.stream), plant.scenarios)).copy()
    wide = lambda a: np.broadcast_to(a, (len(a), plant.scenarios)).copy()  # noqa: E731
    zone = {k: wide(getattr(plant.zone, k)) for k in ("recirculation", "bypass", "excess")}
    warmer = wide(plant.fan.offset)
    for room in rooms:
        answer = _astray(plant, solution, room)
        offset[room.engine] = answer.offset
        warmer[room.fan] = answer.warmer
        for name, values in zone.items():
            values[answer.zone] = getattr(answer, name)
    return replace(
        plant,
        engine=replace(plant.engine, offset=offset),
        zone=replace(plant.zone, **zone),
        fan=replace(plant.fan, offset=warmer),
    )


class _Astray(NamedTuple):
    """What the mixed nodes of a room become, until its field is computed again.

    zone: row of the room. recirculation, bypass, excess: of the zone [1] (scenario,). offset: of each rack's inlet
    above the mixed one [K] (rack, scenario). warmer: of each cooler's intake above it [K] (cooler, scenario).
    """

    zone: int
    recirculation: Array
    bypass: Array
    excess: Array
    offset: Array
    warmer: Array


def _astray(plant: Plant, solution: Solution, room: RoomAir) -> _Astray:
    """What the mixed nodes of a room become: fractions of air gone astray, and how single inlets differ.

    Racks that draw D breathe T_in of supply T_s and return T_e: a share r = (T_in - T_s) / (T_e - T_s) of it has gone
    round. Coolers go on to deliver V, as the layout's fractions had it; what of it is not breathed goes by. Where D
    that is not recirculated would be more than V, the mixed node takes all of V and the inlets differ from it by more.
    """
    row = int(plant.fan.zone[room.fan][0])
    z = plant.zone
    T, drawn = room.mean.inlet, solution[columns.engine.air_flow][room.engine]
    all_drawn = np.zeros(plant.scenarios)
    for item in plant.intake:
        all_drawn = all_drawn + solution[item.flow][item.zone == row].sum(axis=0)
    supply, back = solution[columns.node.temperature][z.supply[row]], solution[columns.node.temperature][z.exhaust[row]]
    old = {k: getattr(z, k)[row] for k in ("recirculation", "bypass", "excess")}
    required = old["excess"] * (1.0 - old["recirculation"]) * all_drawn / (1.0 - old["bypass"])
    mean = share((T * drawn).sum(axis=0), drawn.sum(axis=0), 1e-9)
    away = share(mean - supply, back - supply, 1e-3)
    ceiling = 1.0 - np.minimum(share(required, all_drawn, 1e-9, 1.0), 1.0)
    away = np.where(all_drawn > 0, np.clip(np.maximum(away, ceiling), 0.0, MAX_ASTRAY), old["recirculation"])
    breathed = (1.0 - away) * all_drawn
    by = np.where(all_drawn > 0, np.clip(1.0 - share(breathed, required, 1e-9), 0.0, MAX_ASTRAY), old["bypass"])
    excess = share(required * (1.0 - by), breathed, 1e-9, 1.0)
    node = (1.0 - away) * supply + away * back
    taken = room.mean.intake
    moved = room.loads.cooler_flow
    mixed = share((taken * moved).sum(axis=0), moved.sum(axis=0), 1e-9)
    return _Astray(
        zone=row,
        recirculation=away,
        bypass=by,
        excess=np.where(all_drawn > 0, excess, old["excess"]),
        offset=T - node,
        warmer=np.where(moved > 1e-6, taken - mixed, 0.0),
    )


def response(plant: Plant, solution: Solution, rooms: Sequence[RoomAir], scenario: int = 0) -> Response:
    """How the inlets of computed rooms answer rack heat and supply temperature, flows frozen as in one scenario."""
    racks, fans = plant.engine.names, plant.fan.names
    answers = {}
    for room in rooms:
        at = lambda a: np.broadcast_to(a, (len(a), plant.scenarios))[:, scenario : scenario + 1]  # noqa: E731
        g = room.geometry
        fields = {k: v[scenario] for k, v in room.mean.fields.items()}
        answer = sensitivity(g, fields, room.loads.rack_flow[:, scenario])
        row = int(plant.fan.zone[room.fan][0])
        drawn = at(solution[columns.engine.air_flow])[room.engine]
        answers[room.room] = Room(
            racks=tuple(racks[i] for i in room.engine),
            coolers=tuple(fans[i] for i in room.fan),
            recirculation=at(plant.zone.recirculation)[row],
            bypass=at(plant.zone.bypass)[row],
            excess=at(plant.zone.excess)[row],
            warmer=at(plant.fan.offset)[room.fan],
            temperature=at(solution[columns.engine.air_inlet])[room.engine],
            rise=share(at(solution[columns.engine.heat_air])[room.engine], drawn * AIR_HEAT),
            supplied=at(solution[columns.stream.outlet])[plant.fan.coil[room.fan]],
            heat=answer.heat,
            supply=answer.supply,
            flow=drawn,
        )
    return Response(answers)


def _carried(plant: Plant, response: Response) -> Plant:
    known = {n: i for i, n in enumerate(plant.engine.names)}
    fans = {n: i for i, n in enumerate(plant.fan.names)}
    lost = [n for r in response.rooms.values() for n in r.racks if n not in known]
    lost += [n for r in response.rooms.values() for n in r.coolers if n not in fans]
    if lost:
        raise LayoutError(
            plant.facility.source, [f"air: the response is of another layout: no {n!r} here" for n in lost]
        )
    wide = lambda a: np.broadcast_to(a, (len(a), plant.scenarios)).copy()  # noqa: E731
    zone = {k: wide(getattr(plant.zone, k)) for k in ("recirculation", "bypass", "excess")}
    warmer, inlets = wide(plant.fan.offset), []
    for room in response.rooms.values():
        fan = np.array([fans[n] for n in room.coolers])
        for name, values in zone.items():
            values[plant.fan.zone[fan[0]]] = getattr(room, name)
        warmer[fan] = room.warmer
        if room.racks:
            engine = np.array([known[n] for n in room.racks])
            given = (room.temperature, room.rise, room.supplied, room.heat, room.supply)
            inlets.append(Inlets(engine, plant.fan.coil[fan], *given))
    return replace(
        plant,
        zone=replace(plant.zone, **zone),
        fan=replace(plant.fan, offset=warmer),
        inlets=tuple(inlets),
    )
