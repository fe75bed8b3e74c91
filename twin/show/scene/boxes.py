"""Components of a solved facility as boxes with temperature and power, and their mesh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.elements import Array
from twin.show.scene.render import RenderError, pyvista

if TYPE_CHECKING:
    import pyvista as pv

    from twin.api import Result

COLOURS = {
    "CDU": "#4a7aa3",
    "air handling": "#a9cde2",
    "cooling plant": "#7aa5bd",
    "power train": "#a3a9b1",
    "other": "#d3d6da",
}
"""Colours of equipment by its legend, see `Component.legend`, in the order of the picture's legend."""

MORE = ("#c9b78c", "#8fae9b", "#b59ab0", "#c39a86", "#9aa56b")
"""Colours of other legends, in the order of the alphabet, over again where there are more."""

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
    names, kinds, legends
        Name of each box in the layout, its type there, and its group in pictures, (box,).
    low
        Corner of least x, y, z [m], (box, 3).
    size
        Extent along x, y, z [m], (box, 3).
    temperature
        Of the inlet or the supply [degC], NaN where there is none, (box,).
    power
        Drawn [kW], NaN where there is none, (box,).
    racks
        Whether it is a rack to the air of its room, (box,).
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    legends: tuple[str, ...]
    low: Array
    size: Array
    temperature: Array
    power: Array
    racks: Array

    @property
    def corners(self) -> Array:
        """Corners of all boxes [m], (8 box, 3)."""
        return (self.low[:, None] + self.size[:, None] * CORNERS).reshape(-1, 3)

    def where(self, rows: Array) -> Boxes:
        """The boxes in which `rows`, (box,), is true."""
        at = np.flatnonzero(rows)
        names, kinds, legends = (tuple(w[i] for i in at) for w in (self.names, self.kinds, self.legends))
        numbers = (a[at] for a in (self.low, self.size, self.temperature, self.power, self.racks))
        return Boxes(names, kinds, legends, *numbers)


def boxes(result: Result, scenario: int = 0) -> Boxes:
    """Every placed component with a volume; raises RenderError if the layout places none.

    >>> boxes(twin.solve("gb300_hall")).temperature
    """
    parts = result.facility.components
    placed = {n: p for n, p in parts.items() if p.at is not None and min(p.extent) > 0}
    if not placed:
        raise RenderError(f"{result.facility.name}: no component has a place `at`")
    temperature, power = _shown(result, scenario)
    return Boxes(
        tuple(placed),
        tuple(p.kind for p in placed.values()),
        tuple(p.legend for p in placed.values()),
        np.array([p.at for p in placed.values()], float),
        np.array([p.extent for p in placed.values()], float),
        np.array([temperature.get(n, np.nan) - 273.15 for n in placed]),
        np.array([power.get(n, np.nan) / 1e3 for n in placed]),
        np.array([p.shapes_air == "rack" for p in placed.values()], bool),
    )


def _shown(result: Result, scenario: int) -> tuple[dict[str, float], dict[str, float]]:
    """Temperature [K] and power [W] by component, of the reports that are for pictures; powers of one are added up."""
    temperature: dict[str, float] = {}
    power: dict[str, float] = {}
    for item in result.plant.reports:
        values = result.solution[item.value][:, scenario].tolist() if item.picture else ()
        for name, value in zip(item.elements, values, strict=False):
            if item.picture == "power":
                power[name] = power.get(name, 0.0) + value
            else:
                temperature.setdefault(name, value)
    return temperature, power


def colours(placed: Boxes) -> dict[str, str]:
    """Colour by legend of what is no rack, in the order of the picture's legend."""
    present = {legend for legend, rack in zip(placed.legends, placed.racks, strict=True) if not rack}
    others = {name: MORE[k % len(MORE)] for k, name in enumerate(sorted(present - set(COLOURS)))}
    return {name: colour for name, colour in (COLOURS | others).items() if name in present}


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
