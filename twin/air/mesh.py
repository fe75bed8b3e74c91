"""Rooms of a layout as geometry of the air solver: places, sizes and facings become cells and faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twin.air.geometry import CLEARANCE, Geometry, geometry, sections
from twin.air.parts import Part
from twin.air.parts import Screen as Sheet
from twin.components.base import Component
from twin.components.hall import Room
from twin.facility.files import LayoutError, hint
from twin.facility.graph import Facility

Corner = tuple[float, float, float]
WAYS = {"+x": (0, 1), "-x": (0, -1), "+y": (1, 1), "-y": (1, -1)}
MAX_CELLS = 100_000_000
MAX_NAMES = 6
"""Rooms or equipment that a message names."""


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first few and how many more there are."""
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def rooms(facility: Facility) -> list[str]:
    """Names of the rooms in which at least one rack or cooler has a place."""
    parts = facility.components.values()
    standing = {p.room for p in parts if p.shapes_air in ("rack", "cooler") and p.at is not None and p.room is not None}
    return sorted(standing)


def moving(facility: Facility) -> set[str]:
    """Names of the rooms in which a rack or cooler moves air."""
    return {p.room for p in facility.components.values() if p.room is not None and _moves_air(p)}


def mesh(facility: Facility, name: str, cell: float) -> Geometry:
    """Cells of `cell` [m] of a room. Raises LayoutError for what cannot stand as it is placed, all of it at once."""
    return meshes(facility, [name], cell)[0][name]


def meshes(facility: Facility, names: Sequence[str], cell: float) -> list[dict[str, Geometry]]:
    """Cells of rooms, those together that are equal but for the names of what stands in them; see `mesh`."""
    standing: dict[str, list[tuple[str, Component]]] = {n: [] for n in names}
    for n, p in facility.components.items():
        if p.room in standing and p.at is not None:
            standing[p.room].append((n, p))
    groups: dict[tuple[object, ...], dict[str, Geometry]] = {}
    parts: dict[tuple[object, ...], list[Part]] = {}
    faults = _forgotten(facility, names) + _trespassing(facility, names)
    for name in names:
        size = _size(facility, name, cell)
        own, sheets = _standing(facility.components[name], sorted(standing[name], key=lambda item: item[0]))
        shape = size, *(tuple(map(_nameless, items)) for items in (own, sheets))
        if shape not in groups:
            cells = geometry(size, cell, own, sheets)
            faults += [f"room {name}: {f}" for f in cells.faults]
            groups[shape], parts[shape] = {name: cells}, own
        else:
            known = {a.name: b.name for a, b in zip(parts[shape], own, strict=True)}
            g = next(iter(groups[shape].values()))
            through = [replace(t, name=known[t.name]) for t in g.movers]
            groups[shape][name] = replace(g, movers=through, skins={known[n]: s for n, s in g.skins.items()})
    if faults:
        raise LayoutError(facility.source, faults)
    return list(groups.values())


def _forgotten(facility: Facility, names: Sequence[str]) -> list[str]:
    """Faults of rooms without a size, and of racks and coolers that could face anywhere: defaults place no air."""
    faults = []
    for n, p in facility.components.items():
        size = [f for f in ("length", "width", "height") if f not in p.model_fields_set]
        if n in names and isinstance(p, Room) and size:
            faults.append(f"{p.kind} {n}: {', '.join(size)}: not given, and its air is computed; give its size")
        turns = "facing" in type(p).model_fields and "facing" not in p.model_fields_set
        if p.room in names and p.at is not None and _moves_air(p) and turns:
            ways = ", ".join(WAYS)
            faults.append(f"{p.kind} {n}: facing: not given, and its room's air is computed; give one of {ways}")
    return faults


def _trespassing(facility: Facility, names: Sequence[str]) -> list[str]:
    """Faults of what stands in the box of one of these rooms and belongs to another, or to none."""
    placed = [(n, p) for n, p in facility.components.items() if p.at is not None and p.shapes_air != "nothing"]
    low = np.array([p.at for _, p in placed], float).reshape(-1, 3)
    high = low + np.array([p.extent for _, p in placed], float).reshape(-1, 3)
    faults = []
    for name in names:
        room = facility.components.get(name)
        if not isinstance(room, Room) or room.at is None:
            continue
        corner, size = np.array(room.at), np.array([room.length, room.width, room.height])
        inside = ((low < corner + size - CLEARANCE) & (high > corner + CLEARANCE)).all(axis=1)
        for n, p in (placed[i] for i in np.flatnonzero(inside)):
            if p.room != name:
                where = f"stands in {name}, whose air is computed, and belongs to {p.room or 'no room'}"
                faults.append(f"{p.kind} {n}: room: {where}; give `room: {name}`, or move it")
    return faults


def _nameless(item: Part | Sheet) -> Part | Sheet:
    low, high = (tuple(round(float(v), 6) for v in c) for c in (item.low, item.high))
    return replace(item, name="", low=low, high=high)


def _size(facility: Facility, name: str, cell: float) -> tuple[float, float, float]:
    """Length, width and height of a room. Raises LayoutError where it cannot be parted into cells of that size."""
    room = facility.components.get(name)
    if not isinstance(room, Room):
        known = rooms(facility)
        there = listed(known) or "none"
        raise LayoutError(facility.source, [f"mesh: no room is called {name!r}{hint(name, known)}; there are {there}"])
    if room.at is None:
        why = "give its place, from which those of its racks are counted, or solve with mixed air"
        raise LayoutError(facility.source, [f"room {name}: at: {why}"])
    size = (room.length, room.width, room.height)
    if not 0 < cell <= min(size) / 3:
        raise LayoutError(
            facility.source, [f"room {name}: cell {cell:g} m: give more than 0 and at most a third of {min(size):g} m"]
        )
    smallest = (float(np.prod(size)) / MAX_CELLS) ** (1 / 3)
    if cell < smallest:
        why = f"makes more than the {MAX_CELLS:,} cells that may be; give at least {1.05 * smallest:.2g} m"
        raise LayoutError(facility.source, [f"room {name}: cell {cell:g} m: {why}"])
    return size


def _standing(room: Component, held: Sequence[tuple[str, Component]]) -> tuple[list[Part], list[Sheet]]:
    """What stands in a room and what hangs in it, from the room's own corner."""
    parts, sheets = [], []
    for n, p in held:
        low = tuple(a - b for a, b in zip(p.at or (), room.at or (), strict=True))
        if p.shapes_air == "screen":
            extent = p.extent
            high = tuple(a + b for a, b in zip(low, extent, strict=True))
            sheets.append(Sheet(n, low, high, int(np.argmin(extent)), p.open_area))  # type: ignore[arg-type]
            continue
        part = _part(n, p, low)
        if part is not None:
            parts.append(part)
    return parts, sheets


def _moves_air(p: Component) -> bool:
    """Whether it is a rack with fans or a cooler."""
    return p.shapes_air == "cooler" or (p.shapes_air == "rack" and getattr(p, "air_flow", 0.0) > 0)


def _part(name: str, p: Component, low: tuple[float, ...]) -> Part | None:
    """What stands there to the air: a rack or cooler that moves it, a solid in its way, or nothing."""
    extent = p.extent
    if min(extent) <= 0 or p.shapes_air == "nothing":
        return None
    high = tuple(a + b for a, b in zip(low, extent, strict=True))
    axis, way = WAYS[p.way]
    if p.shapes_air == "rack" and _moves_air(p):
        front = {"spans": getattr(p, "air_span", ()), "opening": getattr(p, "air_width", None)}
        leak = getattr(p, "leak_area", 0.0)
        return Part(name, "rack", low, high, axis, -way, **front, leak_area=leak)  # type: ignore[arg-type]
    if p.shapes_air == "cooler":
        shape = {"outlet": getattr(p, "outlet", None), "intake": getattr(p, "intake", "back")}
        return Part(name, "cooler", low, high, axis, way, **shape)  # type: ignore[arg-type]
    return Part(name, "solid", low, high)  # type: ignore[arg-type]


def summary(g: Geometry) -> dict[str, int | float | list[int] | list[float]]:
    """What `twin mesh` reports of a room: cells, their size, openings and how many stand in it."""
    nz, ny, nx = g.grid.shape
    openings = sum(t.area for t in g.movers)
    return {
        "cells": nz * ny * nx,
        "cells_xyz": [nx, ny, nz],
        "cell_m": [float(g.grid.x[0]), float(g.grid.y[0]), float(g.grid.z[0])],
        "free_volume_m3": float((g.grid.volume * ~g.solid).sum()),
        "racks": len(g.racks),
        "coolers": len(g.coolers),
        "solids": len(g.skins),
        "open_area_m2": float(openings),
        "resisting_area_m2": float(sum(sections(g.grid, d, at).sum() for d, at, _ in g.losses)),
    }
