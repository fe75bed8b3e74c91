"""Scenes as meshes of VTK, and these as files that Python writes, as VTK may crash or say nothing on a full disk."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np

from twin.columns import Index
from twin.show.scene import air, meshes
from twin.show.scene.places import Things, chosen
from twin.show.scene.render import pyvista
from twin.show.scene.stage import ascii_only

if TYPE_CHECKING:
    import pyvista as pv

    from twin.show.scene.scene import Scene

INDEX = """<?xml version="1.0"?>
<VTKFile type="vtkMultiBlockDataSet" version="1.0" byte_order="LittleEndian" header_type="UInt32">
  <vtkMultiBlockDataSet>
{}
  </vtkMultiBlockDataSet>
</VTKFile>
"""


# ---- meshes ------------------------------------------------------------------------------------------------------


def mesh(scene: Scene) -> pv.PolyData:
    """All things as one mesh; cell arrays name_id, kind_id, and the variable of the scene under its title.

    The ids count in the field arrays `names` and `kinds`.
    """
    things, kinds = scene.things, sorted(set(scene.things.kinds))
    data, owner = _shapes(scene, things)
    data.cell_data["kind_id"] = np.array([kinds.index(k) for k in things.kinds], np.int64)[owner]
    data.cell_data[ascii_only([scene.variable.title.replace("°C", "degC")])[0]] = scene.shown_values[owner]
    data.field_data["kinds"] = ascii_only(kinds)
    return data


def _shapes(scene: Scene, things: Things) -> tuple[pv.PolyData, Index]:
    """Things with the array name_id, and the number of the thing that each polygon is of."""
    parts = meshes.solids(things, scene.detail != "full").values()
    data = meshes.polydata(meshes.joined([solid for solid, _ in parts]))
    owner = np.concatenate([rows for _, rows in parts])
    data.cell_data["name_id"] = owner
    data.field_data["names"] = ascii_only(things.names)
    return data, owner


def blocks(scene: Scene) -> pv.MultiBlock:
    """A block for each type of equipment with all of its variables, pipes, cables, rooms, and computed air."""
    data, things, dataset = pyvista().MultiBlock(), scene.things, scene.result.dataset.isel(scenario=scene.scenario)
    for kind in sorted(set(things.kinds)):
        some = chosen(things, np.flatnonzero([k == kind for k in things.kinds]))
        block, owner = _shapes(scene, some)
        dimension = some.dimensions[0]
        if dimension in dataset.coords:
            own = dataset.reindex({dimension: list(some.names)})
            for name, values in own.data_vars.items():
                if values.dims == (dimension,) and values.dtype.kind in "fiu":
                    block.cell_data[str(name)] = values.values.astype(float)[owner]
        data.append(block, kind)
    if things.floors:
        data.append(meshes.polydata(meshes.joined([meshes.floor(f) for f in things.floors])), "rooms")
    if scene.coolant is not None and len(scene.coolant.runs.radius):
        solid, owner = meshes.pipes(scene.coolant.runs)
        block, net = meshes.polydata(solid), scene.coolant.runs.net[owner]
        block.cell_data["temperature_K"] = scene.coolant.temperature[net]
        block.cell_data["flow_kg_per_s"] = scene.coolant.flow[net]
        data.append(block, "pipes")
    if scene.power is not None and len(scene.power.runs.radius):
        data.append(meshes.polydata(meshes.cables(scene.power.runs)), "cables")
    for name, grid in air.grids(scene.result, scene.scenario).items():
        data.append(grid, f"air of {name}")
    return data


# ---- files -------------------------------------------------------------------------------------------------------


def save(data: pv.PolyData, path: Path) -> None:
    """Write a mesh to .vtp, or to .vtk, the older format."""
    if path.suffix == ".vtp":
        path.write_text(_text(_writer("PolyData", data)), "ascii")
        return
    writer = import_module("vtkmodules.vtkIOLegacy").vtkPolyDataWriter()
    writer.SetInputData(data)
    writer.SetFileTypeToBinary()
    writer.SetFileName(str(path))
    warnings = import_module("vtkmodules.vtkCommonCore").vtkObject
    before = warnings.GetGlobalWarningDisplay()
    warnings.SetGlobalWarningDisplay(0)
    try:
        writer.Write()
    finally:
        warnings.SetGlobalWarningDisplay(before)
    if not path.is_file():  # VTK removes what it could not finish
        raise OSError(f"VTK could not write {path.name}; is the disk full?")


def save_blocks(data: pv.MultiBlock, path: Path) -> None:
    """Write blocks to .vtm, each to a file of a folder beside it, which is called like it without the ending."""
    folder, lines = path.with_suffix(""), []
    folder.mkdir()
    for k, block in enumerate(data):
        writer = _writer(type(block).__name__, block)
        part = folder / f"{folder.name}_{k}.{writer.GetDefaultFileExtension()}"
        part.write_text(_text(writer), "ascii")
        name, file = quoteattr(data.get_block_name(k) or ""), quoteattr(f"{folder.name}/{part.name}")
        lines.append(f'    <DataSet index="{k}" name={name} file={file}/>')
    path.write_text(INDEX.format("\n".join(lines)), "utf-8")


def save_field(scene: Scene, room: str, path: Path) -> None:
    """Write the air of a computed room as .vti, an image of equal cells, or as .npz, arrays of NumPy.

    Both have temperature_degC, velocity_m_per_s and what else `air.grids` has, NaN in solids; .npz beside them the
    edges of cells x, y and z [m]. Cells of a room that are not all alike are sampled into as many that are.
    """
    grid = air.grids(scene.result, scene.scenario)[room]
    edges = {c: np.asarray(getattr(grid, c)) for c in "xyz"}
    cells = [len(e) - 1 for e in edges.values()]
    if path.suffix == ".npz":
        shape = cells[::-1]
        arrays: dict[str, Any] = {n: np.asarray(v).reshape(*shape, *np.shape(v)[1:]) for n, v in grid.cell_data.items()}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **(arrays | edges))
        return
    spacing = [float(e[-1] - e[0]) / n for e, n in zip(edges.values(), cells, strict=True)]
    image = pyvista().ImageData(
        dimensions=[n + 1 for n in cells], spacing=spacing, origin=[float(e[0]) for e in edges.values()]
    )
    even = all(np.allclose(np.diff(e), s, rtol=1e-6) for e, s in zip(edges.values(), spacing, strict=True))
    rows = slice(None) if even else grid.find_containing_cell(image.cell_centers().points)
    for name, values in grid.cell_data.items():
        image.cell_data[name] = np.asarray(values)[rows]
    path.write_bytes(_text(_writer("ImageData", image)).encode("ascii"))


def _writer(kind: str, data: Any) -> Any:
    """VTK's writer of a kind of data as XML, to a text in memory."""
    writer = getattr(import_module("vtkmodules.vtkIOXML"), f"vtkXML{kind}Writer")()
    writer.SetInputData(data)
    writer.SetDataModeToBinary()
    writer.SetWriteToOutputString(True)
    return writer


def _text(writer: Any) -> str:
    if not writer.Write():
        raise MemoryError("VTK could not hold a mesh as text")
    return writer.GetOutputString()
