"""Components of a solved facility as boxes with temperature and power, and their mesh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.elements import Array, Index
from twin.show.scene.render import RenderError, pyvista

if TYPE_CHECKING:
    import pyvista as pv

    from twin.api import Result
    from twin.components.base import Component

FAMILIES = {
    "cdu": ("CDU", "#4a7aa3"),
    "crah": ("air handling", "#a9cde2"),
    "cooling": ("cooling plant", "#7aa5bd"),
    "electrical": ("power train", "#a3a9b1"),
    "facility": ("other", "#d3d6da"),
}
"""Legend and colour by dimension or heading of a component."""

CORNERS = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
"""Corners of a unit box, (8, 3)."""

FACES = np.array([[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [1, 3, 7, 5], [3, 2, 6, 7], [2, 0, 4, 6]])
"""Corners of its six faces, counter-clockwise from outside, (6, 4)."""


# ---- from a result to boxes --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Boxes:
    """Components that have a place and a volume.

    Attributes
    ----------
    names, kinds, families
        Name of each box in the layout, its type there, and rack or one of `FAMILIES`, (box,).
    low
        Corner of least x, y, z [m], (box, 3).
    size
        Extent along x, y, z [m], (box, 3).
    temperature
        Of the inlet or the supply [degC], NaN where there is none, (box,).
    power
        Drawn [kW], NaN where there is none, (box,).
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    families: tuple[str, ...]
    low: Array
    size: Array
    temperature: Array
    power: Array

    @property
    def racks(self) -> Index:
        """True for racks, (box,)."""
        return np.array([f == "rack" for f in self.families], bool)

    @property
    def corners(self) -> Array:
        """Corners of all boxes [m], (8 box, 3)."""
        return (self.low[:, None] + self.size[:, None] * CORNERS).reshape(-1, 3)

    def where(self, rows: Index) -> Boxes:
        """The boxes in which `rows`, (box,), is true."""
        at = np.flatnonzero(rows)
        names, kinds, families = (tuple(w[i] for i in at) for w in (self.names, self.kinds, self.families))
        return Boxes(names, kinds, families, self.low[at], self.size[at], self.temperature[at], self.power[at])


def boxes(result: Result, scenario: int = 0) -> Boxes:
    """Every placed component with a volume; raises RenderError if the layout places none.

    >>> boxes(twin.solve("gb300_hall")).temperature
    """
    parts = result.facility.components
    placed = {n: p for n, p in parts.items() if p.at is not None and min(p.extent) > 0}
    if not placed:
        raise RenderError(f"{result.facility.name}: no component has a place `at`")
    temperature = _shown(result, ("_inlet_temperature", "_supply_temperature"), scenario)
    power = _shown(result, ("_power", "_pump_power", "_fan_power"), scenario)
    return Boxes(
        tuple(placed),
        tuple(p.kind for p in placed.values()),
        tuple(_family(p) for p in placed.values()),
        np.array([p.at for p in placed.values()], float),
        np.array([p.extent for p in placed.values()], float),
        np.array([temperature.get(n, np.nan) - 273.15 for n in placed]),
        np.array([power.get(n, np.nan) / 1e3 for n in placed]),
    )


def _family(part: Component) -> str:
    """Rack, or the first of a component's dimension and heading that `FAMILIES` has."""
    if part.dimension == "rack":
        return "rack"
    return next((k for k in (part.dimension, part.heading) if k in FAMILIES), "facility")


def _shown(result: Result, endings: Sequence[str], scenario: int) -> dict[str, float]:
    """Value by component of the reports called dimension + ending; the first ending that a dimension has counts."""
    values: dict[str, float] = {}
    for ending in reversed(endings):
        for item in result.plant.reports:
            if item.name == item.dimension + ending:
                column = result.solution[item.value][:, scenario]
                values.update(zip(item.elements, column.tolist(), strict=True))
    return values


# ---- from boxes to meshes ----------------------------------------------------------------------------------------


def mesh(placed: Boxes) -> pv.PolyData:
    """All boxes as quads, six for each; cell arrays name_id, kind_id, temperature_degC, power_kW.

    The ids count in the field arrays `names` and `kinds`.
    """
    count = len(placed.names)
    quads = (8 * np.arange(count)[:, None, None] + FACES).reshape(-1, 4)
    data = pyvista().PolyData(placed.corners, np.column_stack([np.full(len(quads), 4), quads]).ravel())
    kinds = sorted(set(placed.kinds))
    each = lambda values: np.repeat(np.asarray(values), len(FACES))  # noqa: E731
    data.cell_data["name_id"] = each(np.arange(count))
    data.cell_data["kind_id"] = each([kinds.index(k) for k in placed.kinds])
    data.cell_data["temperature_degC"] = each(placed.temperature)
    data.cell_data["power_kW"] = each(placed.power)
    data.field_data["names"] = ascii_only(placed.names)
    data.field_data["kinds"] = ascii_only(kinds)
    return data


def blocks(placed: Boxes, fields: Mapping[str, pv.DataSet]) -> pv.MultiBlock:
    """Boxes in one block for each kind, and the air of computed rooms, `fields` by their names."""
    data = pyvista().MultiBlock()
    for kind in sorted(set(placed.kinds)):
        data.append(mesh(placed.where(np.array([k == kind for k in placed.kinds]))), kind)
    for name, grid in fields.items():
        data.append(grid, f"air of {name}")
    return data


def ascii_only(words: Iterable[str]) -> list[str]:
    """Words with all but ASCII escaped: VTK keeps nothing else."""
    return [w.encode("ascii", "backslashreplace").decode() for w in words]
