"""What a solved plant imposes on the air of its rooms: flows of racks and coolers, supply temperatures, heat."""

from __future__ import annotations

import numpy as np

from twin import columns
from twin.air.compartments import unbalanced
from twin.air.field import MIN_FLOW, Loads
from twin.air.geometry import Geometry
from twin.air.mesh import listed, meshes, rooms, summary
from twin.columns import Array, Index
from twin.components.base import REGISTRY
from twin.domains.compute import AIR_HEAT
from twin.elements import Status
from twin.facility.files import LayoutError
from twin.plant.compile import Plant
from twin.solver.steady import Solution

NO_PLACES = (
    "air: no room has racks or coolers with places; give the room `at`, and racks and coolers in it `room` and `at`"
)


Size = int | float | list[int] | list[float]


def rows(plant: Plant, g: Geometry) -> tuple[Index, Index]:
    """Rows of the racks and of the coolers of a geometry. Raises LayoutError for what moves air and has none."""
    racks, fans = ({n: i for i, n in enumerate(names)} for names in (plant.engine.names, plant.fan.names))
    lost = [t.name for t in (*g.racks, *g.coolers) if t.name not in (racks if t.role == "rack" else fans)]
    if lost:
        raise LayoutError(
            plant.facility.source,
            [f"air: {n} moves air by its role but writes no rows of an Engine or Fan" for n in lost],
        )
    return np.array([racks[t.name] for t in g.racks], int), np.array([fans[t.name] for t in g.coolers], int)


def imposed(plant: Plant, solution: Solution, name: str, g: Geometry) -> tuple[Index, Index, Loads]:
    """Rows of the racks and coolers of a geometry, and what they impose on the air of their room.

    Heat that has no place warms the air below the ceiling; scenarios without solution are given the first one with.
    """
    engine, fan = rows(plant, g)
    size = plant.scenarios
    wide = lambda a: np.broadcast_to(a, (len(a), size))  # noqa: E731
    density = plant.site.room_density[0]
    moved = wide(solution[columns.stream.flow])[plant.fan.vent[fan]]
    heat = wide(solution[columns.engine.heat_air])[engine] - _doors(solution, engine)
    zone = plant.zone.names.index(name)
    exhaust, coils = plant.zone.exhaust[zone], plant.fan.coil[plant.fan.zone == zone]
    solids = {who: np.zeros(size) for who in g.skins}
    for gain in plant.gain:
        power = wide(solution[gain.power.column])[gain.power.rows] * gain.share
        for row in np.flatnonzero(gain.node[: len(gain.names)] == exhaust):
            if gain.names[row] in solids:
                solids[gain.names[row]] += power[row]
    node, out = solution[columns.node.temperature][exhaust], wide(solution[columns.stream.outlet])
    whole = (AIR_HEAT * wide(solution[columns.stream.flow])[coils] * (node - out[coils])).sum(axis=0)
    spread = whole - heat.sum(axis=0) - sum(solids.values(), np.zeros(size))
    loads = Loads(
        rack_flow=wide(solution[columns.engine.air_flow])[engine] / density,
        rack_heat=heat,
        cooler_flow=moved / density,
        supply=out[plant.fan.coil[fan]],
        solids=solids,
        spread=spread,
        density=density,
    )
    return engine, fan, _settled(loads, known(plant, solution, name))


def meshed(
    plant: Plant, solution: Solution, cell: float, room: str | None
) -> tuple[dict[str, dict[str, Size]], list[str]]:
    """What rooms are as cells of `cell` [m], by name, with the air that racks and coolers move; and what is wrong.

    Raises LayoutError for what cannot stand as it is placed.
    """
    names = [room] if room else rooms(plant.facility)
    if not names:
        raise LayoutError(plant.facility.source, [NO_PLACES])
    report, problems = {}, []
    geometries = {n: g for group in meshes(plant.facility, names, cell) for n, g in group.items()}
    for name in names:
        g = geometries[name]
        _, _, loads = imposed(plant, solution, name, g)
        report[name] = summary(g) | {
            "rack_flow_m3_per_s": float(loads.rack_flow[:, 0].sum()),
            "cooler_flow_m3_per_s": float(loads.cooler_flow[:, 0].sum()),
            "unplaced_heat_w": float(np.ravel(loads.spread)[0]),
        }
        problems += [f"room {name}: {f}" for f in faults(plant, solution, name, g, loads)]
    return report, problems


def _doors(solution: Solution, engine: Index) -> Array:
    """Heat that rear doors take from the air of racks, W (rack, scenario)."""
    plant = solution.plant
    taken = np.zeros((len(engine), plant.scenarios))
    streams = np.concatenate([plant.exchange.hot, *(c.stream for c in plant.cooler)]).astype(np.int64)
    duty = np.concatenate([solution[columns.exchange.duty], solution[columns.cooler.duty]])
    for item in plant.intake:
        if item.flow.column is not columns.engine.air_flow:
            continue
        behind = {int(plant.end[v]): int(r) for v, r in zip(item.vent, item.flow.rows, strict=True)}
        place = {int(r): i for i, r in enumerate(engine)}
        for row, stream in enumerate(streams):
            rack = behind.get(int(plant.start[stream]))
            if rack in place and stream >= len(plant.pipe.start):
                taken[place[rack]] += duty[row]
    return taken


def known(plant: Plant, solution: Solution, name: str) -> Array:
    """Scenarios in which a room has temperatures: those with a solution in which something takes its heat away."""
    zone = plant.zone.names.index(name)
    lost = solution[columns.node.lost][[plant.zone.supply[zone], plant.zone.inlet[zone], plant.zone.exhaust[zone]]] > 0
    return (solution.status == Status.OK) & ~lost.any(axis=0)


def _settled(loads: Loads, good: Array) -> Loads:
    """Loads in which scenarios that are not good have those of the first good one."""
    return loads.select(np.where(good, np.arange(len(good)), int(np.argmax(good))))


def faults(plant: Plant, solution: Solution, name: str, g: Geometry, loads: Loads) -> list[str]:
    """What moves the air of a room outside its field, a room without coolers, compartments that gain or lose air."""
    if outside := _outside(plant, solution, name, g):
        return outside
    if not g.coolers:
        coolers = " or ".join(sorted(kind for kind, cls in REGISTRY.items() if cls.shapes_air == "cooler"))
        return [f"nothing with a place cools its air; give a {coolers} `at`"]
    return unbalanced(g, np.concatenate([loads.rack_flow, loads.cooler_flow]))


def _outside(plant: Plant, solution: Solution, name: str, g: Geometry) -> list[str]:
    """Faults of what moves the air of a room in the plant and not in its geometry, by names."""
    zone, parts = plant.zone.names.index(name), plant.facility.components
    moving = lambda flow: (np.abs(flow) > MIN_FLOW).any(axis=1)  # noqa: E731
    blown = moving(solution[columns.stream.flow][plant.fan.vent])
    movers = {plant.fan.names[i] for i in np.flatnonzero((plant.fan.zone == zone) & blown)}
    messages = []
    for item in plant.intake:
        drawn = (item.zone == zone) & moving(solution[item.flow])
        if item.flow.column is columns.engine.air_flow:
            movers |= {plant.engine.names[i] for i in item.flow.rows[drawn]}
        elif drawn.any():
            messages.append(f"{int(drawn.sum())} of its intakes are those of no rack; solve it with mixed air")
    lost = sorted(movers - {t.name for t in g.movers})
    for what, remedy, names in (
        ("no place", "give `at`", [n for n in lost if parts[n].at is None]),
        ("no opening", "give `size` and `air_flow` in the layout", [n for n in lost if parts[n].at is not None]),
    ):
        if names:
            has = "moves its air and has" if len(names) == 1 else "move its air and have"
            messages.append(f"{listed(names)} {has} {what}; {remedy}, or solve with mixed air")
    return messages
