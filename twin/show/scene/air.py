"""Computed air in three dimensions: mean fields as grids, and slices, isosurfaces and streamlines of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
from scipy.stats import qmc

from twin.columns import Array
from twin.facility.files import LayoutError, hint
from twin.show.scene.render import pyvista
from twin.show.scene.shapes import Solid

if TYPE_CHECKING:
    import pyvista as pv

    from twin.api import Result

Kind = Literal["slices", "isosurfaces", "streamlines"]
"""Ways to show computed air."""

TEMPERATURE, VELOCITY = "temperature_degC", "velocity_m_per_s"

LEVELS = (0.35, 0.6, 0.85)
"""Shares of the range of temperatures at which isosurfaces lie."""

SEEDS, LONGEST = 80, 60.0
"""Streamlines of a room, and the length at which they end [m]."""


def check(kinds: tuple[str, ...]) -> tuple[Kind, ...]:
    """Kinds of air as they are given; LayoutError for others."""
    known = get_args(Kind)
    if wrong := [k for k in kinds if k not in known]:
        raise LayoutError(
            "scene", [f"air: no {wrong[0]!r}{hint(wrong[0], known) or '; there are ' + ', '.join(known)}"]
        )
    return kinds  # type: ignore[return-value]


def grids(result: Result, scenario: int = 0) -> dict[str, pv.RectilinearGrid]:
    """Mean air of every computed room in the site's coordinates, by the room's name.

    Cell arrays temperature_degC, velocity_m_per_s (cell, 3), relative_humidity [1], dew_point_margin_K; NaN in solids.
    """
    rooms = {}
    for room in result.rooms:
        corner = result.facility.components[room.room].at or (0.0, 0.0, 0.0)
        edges = [a + room.geometry.grid.edges(c) for a, c in zip(corner, "xyz", strict=True)]
        field = result.field(room.room).isel(scenario=scenario)
        flat = lambda name, field=field: field[name].values.ravel()  # noqa: E731
        grid = pyvista().RectilinearGrid(*edges)
        grid.cell_data[TEMPERATURE] = flat("temperature") - 273.15
        grid.cell_data[VELOCITY] = np.stack([flat(f"velocity_{c}") for c in "xyz"], axis=1)
        grid.cell_data["relative_humidity"] = flat("relative_humidity")
        grid.cell_data["dew_point_margin_K"] = flat("dew_point_margin")
        rooms[room.room] = grid
    return rooms


def shown(result: Result, kind: Kind, scenario: int = 0) -> list[tuple[str, pv.PolyData]]:
    """Computed rooms, and their air as surfaces or lines with the temperature in degC; none where it has none."""
    draw = {"slices": _slice, "isosurfaces": _isosurfaces, "streamlines": _streamlines}[kind]
    found = []
    for room, grid in zip(result.rooms, grids(result, scenario).values(), strict=True):
        racks = room.geometry.racks
        made = draw(grid, bool(racks) and racks[0].axis == 0)
        if made.n_cells:
            found.append((room.room, made))
    return found


def _slice(grid: pv.RectilinearGrid, along_y: bool) -> pv.PolyData:
    """A plane across the rows through the middle of the room, without what is solid."""
    cut = grid.slice(normal="y" if along_y else "x", origin=grid.center)
    return cut.threshold(scalars=TEMPERATURE).extract_surface(algorithm="dataset_surface")


def _points(grid: pv.RectilinearGrid) -> pv.RectilinearGrid:
    """The fields at the corners of cells; solids have the mean temperature and stand still."""
    filled = grid.copy()
    warm = np.asarray(filled.cell_data[TEMPERATURE])
    filled.cell_data[TEMPERATURE] = np.where(np.isnan(warm), np.nanmean(warm), warm)
    filled.cell_data[VELOCITY] = np.nan_to_num(np.asarray(filled.cell_data[VELOCITY]))
    return cast("pv.RectilinearGrid", filled.cell_data_to_point_data())


def _isosurfaces(grid: pv.RectilinearGrid, along_y: bool) -> pv.PolyData:
    """Where the air is as warm as some shares of the range of its temperatures, one in fifty cells left out at ends."""
    low, high = np.nanpercentile(grid.cell_data[TEMPERATURE], [2, 98])
    levels = [low + share * (high - low) for share in LEVELS]
    return cast("pv.PolyData", _points(grid).contour(levels, scalars=TEMPERATURE))


def _streamlines(grid: pv.RectilinearGrid, along_y: bool) -> pv.PolyData:
    """Ways of the mean air through evenly spread points of the room."""
    field, bounds = _points(grid), np.array(grid.bounds).reshape(3, 2)
    seeds = qmc.scale(qmc.Halton(3, scramble=False).random(SEEDS + 1)[1:], bounds[:, 0], bounds[:, 1])
    options: dict[str, Any] = {"vectors": VELOCITY, "max_length": LONGEST, "integration_direction": "both"}
    return cast("pv.PolyData", field.streamlines_from_source(pyvista().PolyData(seeds), **options))


def solid(surface: pv.PolyData) -> tuple[Solid, Array]:
    """A surface as triangles, and the temperature at their points [degC]."""
    flat = surface.triangulate()
    flat = flat if TEMPERATURE in flat.point_data else flat.cell_data_to_point_data()
    corners = flat.faces.reshape(-1, 4)[:, 1:]
    made = Solid(np.asarray(flat.points), np.full(len(corners), 3), corners.ravel(), np.zeros((0, 2), np.int64))
    return made, np.asarray(flat.point_data[TEMPERATURE])
