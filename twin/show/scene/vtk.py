"""Meshes as files of VTK; the disk is written by Python, as VTK's writers may crash or say nothing where it is full."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    import pyvista as pv

INDEX = """<?xml version="1.0"?>
<VTKFile type="vtkMultiBlockDataSet" version="1.0" byte_order="LittleEndian" header_type="UInt32">
  <vtkMultiBlockDataSet>
{}
  </vtkMultiBlockDataSet>
</VTKFile>
"""


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
