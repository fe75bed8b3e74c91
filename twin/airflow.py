"""Computed air in the plant: the fields of its rooms and the coupling loop take turns until no inlet moves.

The plant gives a field what moves and heats its air: flows of racks and coolers, supply temperatures, heat of all that
stands in the room. The field gives back what racks breathe and coolers draw, and how much air goes astray.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from twin.coupling import Solution, steady
from twin.domains.compute import AIR_HEAT
from twin.domains.geometry import Geometry, unbalanced
from twin.domains.response import respond
from twin.domains.room import Averaged, Loads, average, flow, inherit
from twin.elements import Array, Index, Inlets, Plant, Status
from twin.kernels.arrays import home, share
from twin.kernels.finite_volume import Flow, Physics
from twin.layout import LayoutError
from twin.limits import rack_names
from twin.mesh import mesh, rooms, summary

log = logging.getLogger("twin")

Progress = Callable[[str], Any] | None
NO_PLACES = "air: no room has racks or coolers with places; give them `at`"
MOST_ASTRAY = 0.999
"""Largest share of recirculated or bypassing air that a mixed node is given."""


@dataclass(frozen=True)
class Mixed:
    """Rooms as mixed nodes whose recirculation and bypass the layout gives."""


@dataclass(frozen=True)
class FiniteVolume:
    """Computed air in cells of `cell` [m], in the named rooms or in all whose racks and coolers have places.

    Steady is an average over flushes of the room, until twice the standard error of every inlet is below `tolerance`
    [K]. Field and plant take turns, at most `turns`, until inlets move by less than that; where `coarse`, first on
    cells of twice the size. `turbulence` is smagorinsky or zero_equation.
    """

    cell: float = 0.2
    tolerance: float = 0.5
    rooms: tuple[str, ...] = ()
    coarse: bool = True
    turns: int = 4
    turbulence: Literal["smagorinsky", "zero_equation"] = "smagorinsky"
    precision: Literal["float32", "float64"] = "float32"


@dataclass(frozen=True)
class RoomAir:
    """A room's computed air: its geometry, what was imposed, and the average; rows are of racks and coolers.

    `moved` is the largest change of an inlet in the last turn, K.
    """

    room: str
    geometry: Geometry
    engine: Index
    fan: Index
    loads: Loads
    mean: Averaged
    moved: float = np.inf


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


Air = Mixed | FiniteVolume | Response


@dataclass(frozen=True)
class Aired:
    """A solved plant with the air of its rooms; `stopped` if that was interrupted before its error bars were met."""

    plant: Plant
    solution: Solution
    rooms: tuple[RoomAir, ...] = ()
    stopped: bool = False


def solve(plant: Plant, air: Air, device: str = "cpu", progress: Progress = None) -> Aired:
    """Solve a plant with its air mixed, computed, or as a response carries it.

    Raises LayoutError where rooms cannot be meshed or carry unbalanced flows.
    """
    if isinstance(air, Response):
        plant = air.carried(plant)
    base = steady(plant, device=device)
    if not isinstance(air, FiniteVolume) or not (base.status == Status.OK).any():
        return Aired(plant, base)
    names = air.rooms or tuple(rooms(plant.facility))
    if not names:
        raise LayoutError(plant.facility.source, [NO_PLACES])
    solution, found, fields = base, {}, {}
    for level in _levels(plant, base, air, names):
        fine = level.cell == air.cell
        for turn in range(air.turns):
            for name in names:
                say = _said(progress, f"{name}: {level.cell:g} m cells, turn {turn + 1}")
                g = level.rooms[name]
                try:
                    found[name] = _turn(plant, solution, name, g, fields, air, home(device), found.get(name), fine, say)
                except KeyboardInterrupt:
                    if len(found) < len(names):
                        raise
                    return Aired(plant, solution, tuple(found.values()), stopped=True)
                if found[name].mean.stopped:
                    break
            aired = tuple(found.values())
            plant = _informed(plant, solution, aired)
            solution = steady(plant, device=device)
            moved = max(r.moved for r in aired)
            log.debug("%g m cells, turn %d: inlets moved by %.2f K", level.cell, turn + 1, moved)
            if any(r.mean.stopped for r in aired):
                return Aired(plant, solution, aired, stopped=True)
            if moved < 2.0 * air.tolerance:
                break
    return Aired(plant, solution, tuple(found.values()))


class _Level(NamedTuple):
    """Rooms on cells of one size [m]."""

    cell: float
    rooms: dict[str, Geometry]


def _levels(plant: Plant, base: Solution, air: FiniteVolume, names: tuple[str, ...]) -> list[_Level]:
    """Grids from coarse to fine. Raises LayoutError for rooms that cannot be, or whose flows cannot balance.

    A coarser start that cannot part what stands in a room is left out.
    """
    levels = [_Level(air.cell, {n: mesh(plant.facility, n, air.cell) for n in names})]
    if air.coarse:
        try:
            levels.insert(0, _Level(2.0 * air.cell, {n: mesh(plant.facility, n, 2.0 * air.cell) for n in names}))
        except LayoutError as error:
            log.debug("no coarser start: %s", error)
    told = {
        f"room {n}: {fault}": None
        for level in levels
        for n, g in level.rooms.items()
        for fault in _faults(imposed(plant, base, n, g)[2], g)
    }
    if told:
        raise LayoutError(plant.facility.source, list(told))
    return levels


def _said(progress: Progress, label: str) -> Progress:
    return (lambda text: progress(f"{label}: {text}")) if progress else None


def _turn(
    plant: Plant,
    solution: Solution,
    name: str,
    g: Geometry,
    fields: dict[str, Flow],
    air: FiniteVolume,
    xp: Any,
    last: RoomAir | None,
    fine: bool,
    progress: Progress,
) -> RoomAir:
    """The average of one room's air at what the plant's solution imposes, going on from its last field."""
    engine, fan, loads = imposed(plant, solution, name, g)
    field = flow(g, loads, Physics(turbulence=air.turbulence), kind=air.precision, xp=xp)
    fresh = name not in fields
    if not fresh:
        inherit(field, fields[name])
    fields[name] = field
    tolerance = air.tolerance if fine else 2.0 * air.tolerance
    mean = average(field, g, loads, tolerance=tolerance, spin_up=3.0 if fresh else 1.0, progress=progress)
    before = last.mean.inlet if last is not None else solution.columns["engine.air_inlet"][engine]
    moved = float(np.abs(mean.inlet - before).max(initial=0.0))
    return RoomAir(name, g, engine, fan, loads, mean, moved)


# ---- from the plant to the field ---------------------------------------------------------------------------------


def fan_names(plant: Plant) -> list[str]:
    """Names of the room coolers in the order of the fans' rows."""
    return [name for item in plant.reports if item.name == "crah_fan_power" for name in item.elements]


def imposed(plant: Plant, solution: Solution, name: str, g: Geometry) -> tuple[Index, Index, Loads]:
    """Rows of the racks and coolers of a geometry, and what they impose on the air of their room.

    Heat that has no place warms the air below the ceiling; scenarios without solution are given the first one with.
    """
    facility = plant.facility
    known, fans = rack_names(plant), fan_names(plant)
    engine = np.array([known.index(t.name) for t in g.racks], int)
    fan = np.array([fans.index(t.name) for t in g.coolers], int)
    columns = solution.columns
    size = plant.scenarios
    wide = lambda a: np.broadcast_to(a, (len(a), size))  # noqa: E731
    density = plant.site.room_density[0]
    moved = wide(columns["stream.flow"])[plant.fan.vent[fan]]
    heat = wide(columns["engine.heat_air"])[engine] - _doors(plant, columns, engine)
    zone = sorted(n for n, p in facility.components.items() if p.kind == "room").index(name)
    exhaust, coils = plant.zone.exhaust[zone], plant.fan.coil[plant.fan.zone == zone]
    solids: dict[str, Array] = {}
    for gain in plant.gain:
        power = wide(columns[gain.power.quantity])[gain.power.rows] * gain.share
        for row, who in enumerate(gain.names):
            if gain.node[row] == exhaust and who in g.skins:
                solids[who] = solids.get(who, 0.0) + power[row]
    node, out = columns["node.temperature"][exhaust], wide(columns["stream.outlet"])
    whole = (AIR_HEAT * wide(columns["stream.flow"])[coils] * (node - out[coils])).sum(axis=0)
    spread = whole - heat.sum(axis=0) - sum(solids.values(), np.zeros(size))
    loads = Loads(
        rack_flow=wide(columns["engine.air_flow"])[engine] / density,
        rack_heat=heat,
        cooler_flow=moved / density,
        supply=out[plant.fan.coil[fan]],
        solids=solids,
        spread=spread,
        density=density,
    )
    return engine, fan, _settled(loads, solution.status == Status.OK)


def meshed(plant: Plant, solution: Solution, cell: float, room: str | None) -> tuple[dict[str, Any], list[str]]:
    """What rooms are as cells of `cell` [m], by name, with the air that racks and coolers move; and what is wrong.

    Raises LayoutError for what cannot stand as it is placed.
    """
    names = [room] if room else rooms(plant.facility)
    if not names:
        raise LayoutError(plant.facility.source, [NO_PLACES])
    found, faults = {}, []
    for name in names:
        g = mesh(plant.facility, name, cell)
        _, _, loads = imposed(plant, solution, name, g)
        found[name] = summary(g) | {
            "rack_flow_m3_per_s": float(loads.rack_flow[:, 0].sum()),
            "cooler_flow_m3_per_s": float(loads.cooler_flow[:, 0].sum()),
        }
        faults += [f"room {name}: {f}" for f in _faults(loads, g)]
    return found, faults


def _doors(plant: Plant, columns: Mapping[str, Array], engine: Index) -> Array:
    """Heat that rear doors take from the air of racks, W (rack, scenario)."""
    taken = np.zeros((len(engine), plant.scenarios))
    duty, hot = columns["exchange.duty"], plant.exchange.hot
    for item in plant.intake:
        if item.flow.quantity != "engine.air_flow":
            continue
        behind = {int(plant.end[v]): int(r) for v, r in zip(item.vent, item.flow.rows, strict=True)}
        place = {int(r): i for i, r in enumerate(engine)}
        for row, stream in enumerate(hot):
            rack = behind.get(int(plant.start[stream]))
            if rack in place and stream >= len(plant.pipe.start):
                taken[place[rack]] += duty[row]
    return taken


def _settled(loads: Loads, good: Array) -> Loads:
    """Loads in which scenarios that are not good have those of the first good one."""
    pick = np.where(good, np.arange(len(good)), int(np.argmax(good)))
    whole = lambda a: np.broadcast_to(a, (*np.shape(a)[:-1], len(good)))[..., pick]  # noqa: E731
    return replace(
        loads,
        rack_flow=whole(loads.rack_flow),
        rack_heat=whole(loads.rack_heat),
        cooler_flow=whole(loads.cooler_flow),
        supply=whole(loads.supply),
        solids={k: whole(v) for k, v in loads.solids.items()},
        spread=whole(np.atleast_1d(loads.spread)),
        density=whole(np.atleast_1d(loads.density)),
    )


def _faults(loads: Loads, g: Geometry) -> list[str]:
    """A room without coolers, and sealed compartments that gain or lose air."""
    if not g.coolers:
        return ["nothing with a place cools its air; give a crah or fan_wall `at`"]
    flows = np.concatenate([loads.rack_flow, loads.cooler_flow])
    return sorted({text for s in range(flows.shape[1]) for text in unbalanced(g, flows[:, s])})


# ---- from the field to the plant ---------------------------------------------------------------------------------


def _informed(plant: Plant, solution: Solution, found: tuple[RoomAir, ...]) -> Plant:
    """The plant whose racks breathe and whose coolers draw what the fields say, until the next turn."""
    offset = np.broadcast_to(plant.engine.offset, (len(plant.engine.stream), plant.scenarios)).copy()
    wide = lambda a: np.broadcast_to(a, (len(a), plant.scenarios)).copy()  # noqa: E731
    zone = {k: wide(getattr(plant.zone, k)) for k in ("recirculation", "bypass", "excess")}
    warmer = wide(plant.fan.offset)
    for room in found:
        answer = _astray(plant, solution, room)
        row = answer.pop("zone")
        offset[room.engine] = answer["offset"]
        warmer[room.fan] = answer["warmer"]
        for name, values in zone.items():
            values[row] = answer[name]
    return replace(
        plant,
        engine=replace(plant.engine, offset=offset),
        zone=replace(plant.zone, **zone),
        fan=replace(plant.fan, offset=warmer),
    )


def _astray(plant: Plant, solution: Solution, room: RoomAir) -> dict[str, Any]:
    """What the mixed nodes of a room become: fractions of air gone astray, and how single inlets differ.

    Racks that draw D breathe T_in of supply T_s and return T_e: a share r = (T_in - T_s) / (T_e - T_s) of it has gone
    round. Coolers go on to deliver V, as the layout's fractions had it; what of it is not breathed goes by. Where D
    that is not recirculated would be more than V, the mixed node takes all of V and the inlets differ from it by more.
    """
    row = int(plant.fan.zone[room.fan][0])
    z, columns = plant.zone, solution.columns
    T, drawn = room.mean.inlet, columns["engine.air_flow"][room.engine]
    all_drawn = np.zeros(plant.scenarios)
    for item in plant.intake:
        all_drawn = all_drawn + columns[item.flow.quantity][item.flow.rows][item.zone == row].sum(axis=0)
    supply, back = columns["node.temperature"][z.supply[row]], columns["node.temperature"][z.exhaust[row]]
    old = {k: getattr(z, k)[row] for k in ("recirculation", "bypass", "excess")}
    wanted = old["excess"] * (1.0 - old["recirculation"]) * all_drawn / (1.0 - old["bypass"])
    mean = share((T * drawn).sum(axis=0), drawn.sum(axis=0), 1e-9)
    away = share(mean - supply, back - supply, 1e-3)
    most = 1.0 - np.minimum(share(wanted, all_drawn, 1e-9, 1.0), 1.0)
    away = np.where(all_drawn > 0, np.clip(np.maximum(away, most), 0.0, MOST_ASTRAY), old["recirculation"])
    breathed = (1.0 - away) * all_drawn
    by = np.where(all_drawn > 0, np.clip(1.0 - share(breathed, wanted, 1e-9), 0.0, MOST_ASTRAY), old["bypass"])
    excess = share(wanted * (1.0 - by), breathed, 1e-9, 1.0)
    node = (1.0 - away) * supply + away * back
    taken = room.mean.intake
    moved = room.loads.cooler_flow
    return {
        "zone": row,
        "recirculation": away,
        "bypass": by,
        "excess": np.where(all_drawn > 0, excess, old["excess"]),
        "offset": T - node,
        "warmer": np.where(moved > 1e-6, taken - share((taken * moved).sum(axis=0), moved.sum(axis=0), 1e-9), 0.0),
    }


# ---- the response ------------------------------------------------------------------------------------------------


def response(aired: Aired, scenario: int = 0) -> Response:
    """How the inlets of computed rooms answer rack heat and supply temperature, flows frozen as in one scenario."""
    plant, columns = aired.plant, aired.solution.columns
    known, fans = rack_names(plant), fan_names(plant)
    found = {}
    for room in aired.rooms:
        at = lambda a: np.broadcast_to(a, (len(a), plant.scenarios))[:, scenario : scenario + 1]  # noqa: E731
        g = room.geometry
        fields = {k: v[scenario] for k, v in room.mean.fields.items()}
        answer = respond(g, fields, room.loads.rack_flow[:, scenario])
        row = int(plant.fan.zone[room.fan][0])
        drawn = at(columns["engine.air_flow"])[room.engine]
        found[room.room] = Room(
            racks=tuple(known[i] for i in room.engine),
            coolers=tuple(fans[i] for i in room.fan),
            recirculation=at(plant.zone.recirculation)[row],
            bypass=at(plant.zone.bypass)[row],
            excess=at(plant.zone.excess)[row],
            warmer=at(plant.fan.offset)[room.fan],
            temperature=at(columns["engine.air_inlet"])[room.engine],
            rise=share(at(columns["engine.heat_air"])[room.engine], drawn * AIR_HEAT),
            supplied=at(columns["stream.outlet"])[plant.fan.coil[room.fan]],
            heat=answer.heat,
            supply=answer.supply,
            flow=drawn,
        )
    return Response(found)


def _carried(plant: Plant, response: Response) -> Plant:
    known = {n: i for i, n in enumerate(rack_names(plant))}
    fans = {n: i for i, n in enumerate(fan_names(plant))}
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
