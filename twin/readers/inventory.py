"""Files of other programs as layouts: which program they are of, and one call for all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from twin.readers import dps, racks
from twin.readers.imported import Imported, UnreadableError

YAML = (".yaml", ".yml")


def imported(*files: str | Path, policy: str | None = None) -> Imported:
    """A layout from files of another program: its `text`, and in `told` what was assumed or not taken over.

    files: a topology of NVIDIA DPS (JSON) with its device files (YAML), or a table of racks (CSV with the columns name
    and kW, and room, x, y, feeds and loop if known). policy: of the topology, to which nodes are held. Raises an error
    with all that is wrong, line by line, for files of no known form.

    >>> print(twin.imported("topology.json", "devices.yaml").text)
    """
    paths = [Path(f) for f in files]
    if missing := [p for p in paths if not p.is_file()]:
        raise UnreadableError(str(missing[0]), ["no such file"])
    first = [p for p in paths if p.suffix not in YAML]
    if len(first) != 1:
        told = "give one topology or table, and its device files beside it" if paths else "give a file"
        raise UnreadableError("import", [told])
    found = _reader(first[0])(first[0], [p for p in paths if p.suffix in YAML], policy)
    return found


def _reader(path: Path) -> Callable[[Path, list[Path], str | None], Imported]:
    """What reads a file, by what is in it."""
    if path.suffix == ".json":
        try:
            data = json.loads(path.read_text("utf-8"))
        except (ValueError, OSError) as error:
            raise UnreadableError(str(path), [f"is no JSON: {error}"]) from error
        if dps.is_topology(data):
            return dps.read
        raise UnreadableError(str(path), ["is no topology of DPS: it has no Topology with Entities"])
    if path.suffix == ".csv":
        return _table
    raise UnreadableError(str(path), ["is neither a topology of DPS (.json) nor a table of racks (.csv)"])


def _table(path: Path, devices: list[Path], policy: str | None) -> Imported:
    """A table of racks, which has neither devices nor policies."""
    if devices or policy:
        raise UnreadableError(str(path), ["a table of racks takes no device files and no policy"])
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        header = next(csv.reader(file), [])
    if not racks.is_table(header):
        raise UnreadableError(
            str(path), [f"line 1: is no table of racks: needs the columns {' and '.join(racks.NEEDED)}"]
        )
    return racks.read(path)
