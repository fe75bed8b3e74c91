"""Equipment of other packages: types and catalogue entries that they offer by entry points.

A package's `pyproject.toml` names a module whose import defines component classes, and a package whose .yaml files are
catalogue entries in the form of `layouts/hardware`:

    [project.entry-points."aifactory_twin.components"]
    tanks = "our_tanks.types"

    [project.entry-points."aifactory_twin.catalogue"]
    tanks = "our_tanks.entries"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.resources import files
from typing import Any

from twin.facility.files import LayoutError, parse_text

COMPONENTS, CATALOGUE = "aifactory_twin.components", "aifactory_twin.catalogue"
KINDS = ("measured", "vendor", "analyst", "derived", "model", "unpublished")
"""What kind of figure a value of the catalogue is."""


@cache
def types() -> dict[str, str]:
    """Import the modules that other packages offer: names of the entry points, and package and version behind each.

    Raises LayoutError with one line for each that cannot be imported.
    """
    loaded, faults = {}, []
    for point in _points()[COMPONENTS]:
        try:
            point.load()
        except Exception as error:
            faults.append(_failed(point, error))
        loaded[point.name] = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
    if faults:
        raise LayoutError("plug-ins", faults)
    return loaded


def entries() -> dict[str, dict[str, Any]]:
    """Catalogue entries that other packages offer, by name; see `twin.facility.catalogue.catalogue`.

    Raises LayoutError with every fault of their files.
    """
    found: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    for point in _points()[CATALOGUE]:
        try:
            texts = {p.name: p.read_text("utf-8") for p in files(point.value).iterdir() if p.name.endswith(".yaml")}
        except Exception as error:
            faults.append(_failed(point, error))
            continue
        for file, text in sorted(texts.items()):
            where = f"{point.value}/{file}"
            try:
                data = parse_text(where, text)
            except LayoutError as error:
                faults += [f"{where}: {fault}" for fault in error.faults]
                continue
            sources = data.pop("sources", None) or {}
            for name, entry in data.items():
                wrong = _faults(entry, sources)
                faults += [f"{where}: {name}: {fault}" for fault in wrong]
                if name in found:
                    faults.append(f"{where}: {name}: is an entry of {found[name]['file']} already")
                if not wrong:
                    found[str(name)] = entry | {"sources": sources, "file": where}
    if faults:
        raise LayoutError("plug-ins", faults)
    return found


@cache
def _points() -> dict[str, EntryPoints]:
    """Entry points by group, found in one reading of all packages."""
    everything = entry_points()
    return {group: everything.select(group=group) for group in (COMPONENTS, CATALOGUE)}


def _failed(point: EntryPoint, error: Exception) -> str:
    package = f" of {point.dist.name}" if point.dist else ""
    text = " ".join(str(error).split())
    return f"entry point {point.name} = {point.value}{package} in {point.group}: {type(error).__name__}: {text}"


def _faults(entry: Any, sources: Any) -> list[str]:
    """What is wrong with the form of an entry, one sentence each; values are judged by the type that they are for."""
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        return ["is not a mapping with a `type`"]
    fields = entry.get("fields")
    if not isinstance(fields, dict) or not isinstance(sources, dict):
        return ["needs `fields`, and the file `sources`, as mappings"]
    faults = []
    for name, field in fields.items():
        if not isinstance(field, dict) or "value" not in field:
            faults.append(f"{name}: write {{value: ..., kind: ..., source: ...}}")
        elif field.get("kind") not in KINDS:
            faults.append(f"{name}: kind {field.get('kind')!r} is none of {', '.join(KINDS)}")
        elif field.get("source") not in sources:
            faults.append(f"{name}: source {field.get('source')!r} is none of the file's `sources`")
        elif field["kind"] == "unpublished" and "range" not in field:
            faults.append(f"{name}: is unpublished; give its `range`")
    return faults
