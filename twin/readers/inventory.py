"""Files of other programs as layouts: which program they are of, and one call for all."""

from __future__ import annotations

import csv
from pathlib import Path

from twin.readers import dps, grids, netbox, pandapower, racks
from twin.readers.imported import Imported, UnreadableError

YAML = (".yaml", ".yml")


def imported(*files: str | Path, policy: str | None = None) -> Imported:
    """A layout from files of another program: its `text`, and in `told` what was assumed or not taken over.

    files: a topology of NVIDIA DPS (JSON) with its device files (YAML); tables of NetBox (CSV) with device types
    (YAML), or a folder of them; a network of pandapower (JSON), as the electrical part; or a table of racks (CSV with
    the columns name and kW, and room, x, y, feeds and loop if known). policy: of the topology, to which nodes are held.
    Raises an error with all that is wrong, line by line, for files of no known form.

    >>> print(twin.imported("topology.json", "devices.yaml").text)
    """
    paths = [p for f in files for p in (sorted(Path(f).iterdir()) if Path(f).is_dir() else [Path(f)])]
    if missing := [p for p in paths if not p.is_file()]:
        raise UnreadableError(str(missing[0]), ["no such file"])
    if strange := [p for p in paths if p.suffix not in (*YAML, ".json", ".csv")]:
        raise UnreadableError(str(strange[0]), ["is neither JSON, CSV nor YAML, of which imports are"])
    types, others = [p for p in paths if p.suffix in YAML], [p for p in paths if p.suffix not in YAML]
    if not others:
        raise UnreadableError("import", ["give a topology or tables, and device files or types beside them"])
    if others[0].suffix == ".json":
        if len(others) > 1:
            raise UnreadableError("import", [f"give one topology or network, not also {others[1].name}"])
        if pandapower.recognise(others[0]):
            return _network(others[0], types, policy)
        return dps.read(others[0], types, policy)
    if policy:
        raise UnreadableError("import", ["policies are of a DPS topology"])
    if len(others) == 1 and not types and racks.is_table(_header(others[0])):
        return racks.read(others[0])
    if not any(netbox.is_inventory(_header(p)) for p in others if p.suffix == ".csv"):
        needed = " and ".join(racks.NEEDED)
        told = f"line 1: is no table of racks, which needs the columns {needed}, and none of NetBox's bulk import"
        raise UnreadableError(str(others[0]), [told])
    return netbox.read([*others, *types])


def _network(path: Path, types: list[Path], policy: str | None) -> Imported:
    """A network of pandapower, which has neither devices nor policies."""
    if types or policy:
        raise UnreadableError(str(path), ["a network of pandapower takes no device files and no policy"])
    try:
        network = pandapower.read(path)
    except ValueError as error:
        raise UnreadableError("import", [str(error)]) from error
    return grids.layout(network, pandapower.frequency(path), "pandapower")


def _header(path: Path) -> list[str]:
    """The first line of a table."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        return next(csv.reader(file), [])
