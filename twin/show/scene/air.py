"""Computed air in three dimensions: mean fields as grids, and cuts across the rows through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from twin.api import Result


def grids(result: Result, pv: Any, scenario: int = 0) -> dict[str, Any]:
    """Mean air of every computed room as a RectilinearGrid of the site, by the room's name.

    Cell arrays temperature_degC, velocity_m_per_s (3), relative_humidity, dew_point_margin_K; NaN in solids.
    """
    found = {}
    for room in result.air_solution.rooms:
        corner = result.facility.components[room.room].at or (0.0, 0.0, 0.0)
        edges = [a + room.geometry.grid.edges(c) for a, c in zip(corner, "xyz", strict=True)]
        field = result.field(room.room).isel(scenario=scenario)
        flat = lambda name, field=field: field[name].values.ravel()  # noqa: E731
        grid = pv.RectilinearGrid(*edges)
        grid.cell_data["temperature_degC"] = flat("temperature") - 273.15
        grid.cell_data["velocity_m_per_s"] = np.stack([flat(f"velocity_{c}") for c in "xyz"], axis=1)
        grid.cell_data["relative_humidity"] = flat("relative_humidity")
        grid.cell_data["dew_point_margin_K"] = flat("dew_point_margin")
        found[room.room] = grid
    return found


def cuts(result: Result, pv: Any, scenario: int = 0) -> list[Any]:
    """A plane across the rows through the middle of every computed room with racks, without what is solid."""
    found = []
    for room, grid in zip(result.air_solution.rooms, grids(result, pv, scenario).values(), strict=True):
        racks = room.geometry.racks
        if racks:
            along = "y" if racks[0].axis == 0 else "x"
            plane = grid.slice(normal=along, origin=grid.center)
            found.append(plane.threshold(scalars="temperature_degC"))
    return found
