"""Computed air in three dimensions: mean fields as grids, and cuts across the rows through them."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyvista

    from twin.api import Result


def grids(result: Result, pv: ModuleType, scenario: int = 0) -> dict[str, pyvista.RectilinearGrid]:
    """Mean air of every computed room in the site's coordinates, by the room's name; `pv` is PyVista.

    Cell arrays temperature_degC, velocity_m_per_s (cell, 3), relative_humidity [1], dew_point_margin_K; NaN in solids.
    """
    rooms = {}
    for room in result.rooms:
        corner = result.facility.components[room.room].at or (0.0, 0.0, 0.0)
        edges = [a + room.geometry.grid.edges(c) for a, c in zip(corner, "xyz", strict=True)]
        field = result.field(room.room).isel(scenario=scenario)
        flat = lambda name, field=field: field[name].values.ravel()  # noqa: E731
        grid = pv.RectilinearGrid(*edges)
        grid.cell_data["temperature_degC"] = flat("temperature") - 273.15
        grid.cell_data["velocity_m_per_s"] = np.stack([flat(f"velocity_{c}") for c in "xyz"], axis=1)
        grid.cell_data["relative_humidity"] = flat("relative_humidity")
        grid.cell_data["dew_point_margin_K"] = flat("dew_point_margin")
        rooms[room.room] = grid
    return rooms


def cuts(result: Result, pv: ModuleType, scenario: int = 0) -> list[pyvista.UnstructuredGrid]:
    """A plane across the rows through the middle of every computed room with racks, without what is solid."""
    planes = []
    for room, grid in zip(result.rooms, grids(result, pv, scenario).values(), strict=True):
        racks = room.geometry.racks
        if racks:
            along = "y" if racks[0].axis == 0 else "x"
            cut = grid.slice(normal=along, origin=grid.center)
            planes.append(cut.threshold(scalars="temperature_degC"))
    return planes
