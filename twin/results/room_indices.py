"""What operators look at first in a room: rack cooling, return temperature and heat indices; capture where computed.

RCI high   1 - mean over racks of (inlet above recommended) / (allowable - recommended), RCI low alike below
[Herrlin, ASHRAE Trans. 111 (2) (2005) 725]
RTI        (return - supply of the coolers) / (rise across the racks): above 1 racks breathe exhaust, below 1 cold
air goes by [Herrlin, ASHRAE Trans. 114 (1) (2008)]
SHI        Σ flow (inlet - supply) / Σ flow (outlet - supply) of the racks, RHI = 1 - SHI
[Sharma, Bash & Patel, AIAA 2002-3091]
capture    of a rack's inlet the share that comes straight from coolers (cold), of its exhaust the share that goes
straight to coolers (hot) [VanGilder & Shrivastava, ASHRAE Trans. 113 (1) (2007) 125]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin import columns
from twin.air.response import Response, Room
from twin.columns import Array, Index
from twin.domains.compute import AIR_HEAT
from twin.elements import Guideline, Status, total
from twin.kernels.later import later
from twin.plant.compile import Plant
from twin.results.envelopes import Variable
from twin.solver.steady import Solution

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = later("xarray")

INDICES = {
    "rci_high": "rack cooling index, high side: 1 where no rack breathes air warmer than recommended",
    "rci_low": "rack cooling index, low side: 1 where no rack breathes air colder than recommended",
    "rti": "return temperature index: above 1 racks breathe exhaust, below 1 cold air goes by",
    "shi": "supply heat index: share of the racks' exhaust heat that their inlets hold",
    "rhi": "return heat index, 1 - SHI",
}
"""Indices of a room, and what they are."""

MIN_RISE = 1e-3
"""Kelvins below which a rise gives no index."""


def titles(plant: Plant) -> dict[str, str]:
    """Names of the variables, and the dimension of each."""
    components = plant.facility.components
    found = {}
    for room in _rooms(plant):
        dimension = components[plant.zone.names[room.row]].dimension
        found |= {f"{dimension}_{name}": dimension for name in INDICES}
        racks = {components[plant.engine.names[i]].dimension for i in room.racks}
        found |= {f"{rack}_shi": rack for rack in racks}
    return found


def variables(solution: Solution, asked: Callable[[str], bool] = lambda name: True) -> Iterator[Variable]:
    """Indices of rooms with racks, and the supply heat index of each rack, as far as they are asked for by name."""
    plant = solution.plant
    components = plant.facility.components
    if not any(map(asked, titles(plant))):
        return
    for room in _rooms(plant):
        name = plant.zone.names[room.row]
        values, own = _indices(solution, room)
        for index, text in INDICES.items():
            title = f"{components[name].dimension}_{index}"
            if asked(title):
                attributes = {"units": "1", "long_name": text}
                dimension = components[name].dimension
                yield Variable(title, dimension, [name], values[index][None], np.nan, attributes)
        racks = [plant.engine.names[i] for i in room.racks]
        for dimension in dict.fromkeys(components[n].dimension for n in racks):
            here = [k for k, n in enumerate(racks) if components[n].dimension == dimension]
            attributes = {"units": "1", "long_name": "share of the rack's exhaust heat that its inlet holds"}
            if asked(f"{dimension}_shi"):
                yield Variable(f"{dimension}_shi", dimension, [racks[k] for k in here], own[here], np.nan, attributes)


def room_indices(solution: Solution) -> dict[str, dict[str, Array]]:
    """INDICES of every room with racks and coolers, (scenario,), by the room's name."""
    names = solution.plant.zone.names
    return {names[room.row]: _indices(solution, room)[0] for room in _rooms(solution.plant)}


class _Racks(NamedTuple):
    """A room by its row, and its racks that breathe its air."""

    row: int
    racks: Index


def _rooms(plant: Plant) -> list[_Racks]:
    """Rooms with racks and coolers."""
    rooms = [_Racks(row, np.flatnonzero(plant.engine.breathes == node)) for row, node in enumerate(plant.zone.inlet)]
    return [room for room in rooms if len(room.racks) and (plant.fan.zone == room.row).any()]


def _indices(solution: Solution, room: _Racks) -> tuple[dict[str, Array], Array]:
    """The indices of a room (scenario,), and the supply heat index of each of its racks (rack, scenario)."""
    plant, fans = solution.plant, np.flatnonzero(solution.plant.fan.zone == room.row)
    inlet, flow, heat = (
        solution[column][room.racks]
        for column in (columns.engine.air_inlet, columns.engine.air_flow, columns.engine.heat_air)
    )
    number = plant.counts[columns.engine][room.racks][:, None] / plant.counts[columns.zone][room.row]
    drawn = number * flow
    drawn_in_all = total(drawn)
    ok = (solution.status == Status.OK) & (drawn_in_all > 0)
    rise = np.where(flow > 0, heat / (AIR_HEAT * np.maximum(flow, 1e-9)), 0.0)
    vent, coil = plant.fan.vent[fans], plant.fan.coil[fans]
    moved = plant.counts[columns.fan][fans][:, None] * solution[columns.stream.flow][coil]
    supply = _mean(solution[columns.stream.outlet][coil], moved)
    back = _mean(solution[columns.stream.inlet][vent], moved)
    warmer, whole = inlet - supply, inlet - supply + rise
    shi = _ratio(total(drawn * warmer), total(drawn * whole), drawn_in_all * MIN_RISE, ok)
    found = {"rti": _ratio(back - supply, _mean(rise, drawn), MIN_RISE, ok), "shi": shi, "rhi": 1.0 - shi}
    names = [plant.engine.names[i] for i in room.racks]
    found["rci_high"], found["rci_low"] = _rack_cooling(plant, names, inlet, number * (flow > 0), ok)
    return found, _ratio(warmer, whole, MIN_RISE, ok & (flow > 0))


def _rack_cooling(plant: Plant, names: list[str], inlet: Array, number: Array, ok: Array) -> tuple[Array, Array]:
    """RCI high and low (scenario,) of racks whose class recommends something, each as often as it stands for others."""
    over, under, counted = (np.zeros(plant.scenarios) for _ in range(3))
    for g, rows, places in _guided(plant, names):
        assert g.recommended is not None
        wide = lambda x, places=places: x[places] if np.ndim(x) and len(x) > 1 else x  # noqa: E731
        rec, allow = g.recommended, g.allowable
        T, weight = inlet[rows], number[rows]
        hot = np.maximum(T - wide(rec.hottest), 0.0) / (wide(allow.hottest) - wide(rec.hottest))
        cold = np.maximum(wide(rec.coldest) - T, 0.0) / (wide(rec.coldest) - wide(allow.coldest))
        over, under = over + total(weight * hot), under + total(weight * cold)
        counted = counted + total(weight * np.ones_like(T))
    there, whole = ok & (counted > 0), np.maximum(counted, 1e-9)
    return np.where(there, 1.0 - over / whole, np.nan), np.where(there, 1.0 - under / whole, np.nan)


def _guided(plant: Plant, names: list[str]) -> Iterator[tuple[Guideline, list[int], list[int]]]:
    """Guidelines of air that recommend something, with rows of the racks that they are for: here, and their own."""
    for g in plant.guidelines:
        if g.zone is not None and g.recommended is not None:
            where = {n: i for i, n in enumerate(g.elements)}
            rows = [k for k, n in enumerate(names) if n in where]
            if rows:
                yield g, rows, [where[names[k]] for k in rows]


def _mean(values: Array, weights: Array) -> Array:
    """Weighted mean over rows, (scenario,)."""
    return total(values * weights) / np.maximum(total(weights), 1e-9)


def _ratio(part: Array, whole: Array, least: Array | float, ok: Array) -> Array:
    """A share, NaN where there is none to tell."""
    there = ok & (np.abs(whole) > least)
    return np.where(there, part / np.where(there, whole, 1.0), np.nan)


# ---- capture -----------------------------------------------------------------------------------------------------


def capture(room: Room) -> tuple[Array, Array]:
    """Cold and hot capture index of each rack of a computed room, its flows frozen, (rack,) each.

    `room.heat` B is how inlets answer rises, with all detours through other racks. Of the air of an inlet a share C
    comes straight from each rack's exhaust, so that B = (1 - C)⁻¹ C and C = (1 + B)⁻¹ B.
    """
    straight = np.linalg.solve(np.eye(len(room.racks)) + room.heat, room.heat)
    flow = np.maximum(room.flow[:, 0], 1e-12)
    running = room.flow[:, 0] > 1e-9
    cold, hot = 1.0 - straight.sum(axis=1), 1.0 - flow @ straight / flow
    return np.where(running, cold, np.nan), np.where(running, hot, np.nan)


def capture_indices(response: Response) -> xr.Dataset:
    """`capture` of all racks of computed rooms as a Dataset by rack."""
    found = {name: capture(room) for name, room in response.rooms.items()}
    racks = [rack for room in response.rooms.values() for rack in room.racks]
    texts = {"cold": "share of the inlet that comes straight from coolers"}
    texts["hot"] = "share of the exhaust that goes straight to coolers"
    data = {
        kind: ("rack", np.concatenate([pair[k] for pair in found.values()]), {"units": "1", "long_name": text})
        for k, (kind, text) in enumerate(texts.items())
    }
    rooms = [name for name, room in response.rooms.items() for _ in room.racks]
    return xr.Dataset(data, {"rack": racks, "room": ("rack", rooms)})
