"""Sweeps as files and on the command line: what is asked, as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.air.turns import FiniteVolume, Mixed
from twin.facility.files import LayoutError, hint, parse_text
from twin.kernels.later import later
from twin.readers.epw import weather as read_weather

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = later("pandas")

KEYS = ("layout", "case", "set", "over", "zip", "weather", "table", "samples", "seed", "keep", "bound", "air", "cell")
"""What a sweep file may say."""

TABLES = {".csv": "read_csv", ".xlsx": "read_excel", ".parquet": "read_parquet"}
"""How pandas reads a table, by its ending."""


def is_sweep_file(what: str | Path) -> bool:
    """Whether a text names a file that has a sweep, and no layout."""
    path = Path(what)
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        return False
    lines = path.read_text("utf-8", errors="replace").splitlines()
    return any(line.startswith("layout:") for line in lines)


def read_sweep(path: str | Path) -> dict[str, Any]:
    """Arguments of `twin.sweep` that a file states; names of files in it are as seen from its folder.

    Raises LayoutError for what is no mapping, and for keys that are unknown.
    """
    path = Path(path)
    data = parse_text(path.name, path.read_text("utf-8"))
    faults = [f"unknown key {k!r}{hint(k, KEYS)}" for k in data if k not in KEYS]
    kinds = {"over": dict, "set": dict, "zip": list, "keep": list, "layout": str, "case": str, "weather": str}
    kinds |= {"table": str, "bound": bool}
    names = {dict: "a mapping of addresses", list: "a list", str: "a name, or a file", bool: "true or false"}
    for key, kind in kinds.items():
        if (key == "layout" or data.get(key) is not None) and not isinstance(data.get(key), kind):
            faults.append(f"{key}: give {names[kind]}")
    tables = data.get("zip")
    if isinstance(tables, list) and not all(isinstance(t, dict) for t in tables):
        faults.append("zip: give a list of mappings of addresses")
    if faults:
        raise LayoutError(path.name, faults)
    near = lambda name: str(path.parent / name) if (path.parent / name).exists() else name  # noqa: E731
    epw = data.get("weather")
    over, zips = (_near(near, axes) for axes in ([data.get("over") or {}], data.get("zip") or []))
    given = options(near(data["layout"]), over[0], zips, epw and Path(near(epw)))
    given |= {key: data[key] for key in ("case", "samples", "seed", "bound") if key in data}
    given |= {"overrides": data["set"]} if data.get("set") else {}
    given |= {"outputs": data["keep"]} if data.get("keep") else {}
    given |= {"table": table(Path(near(data["table"])))} if data.get("table") else {}
    return given | {"air": _air(path.name, {key: data[key] for key in ("air", "cell") if key in data})}


def _air(source: str, data: Mapping[str, Any]) -> Mixed | FiniteVolume:
    """The model of air that a file states: by name, with a cell beside it, or as all that `FiniteVolume` takes."""
    kind, names = data.get("air", "mixed"), [f.name for f in fields(FiniteVolume)]
    if kind == "mixed" and "cell" not in data:
        return Mixed()
    given = {"cell": data["cell"]} if kind == "finite_volume" and "cell" in data else kind
    if not isinstance(given, dict) or "cell" not in given or (given is kind and "cell" in data):
        raise LayoutError(source, ["air: give mixed, finite_volume and its cell, or a mapping such as {cell: 0.4 m}"])
    if unknown := [f"unknown key air.{k}{hint(k, names)}" for k in given if k not in names]:
        raise LayoutError(source, unknown)
    try:
        return FiniteVolume(**given)
    except LayoutError as error:
        raise LayoutError(source, [f"air.{fault}" for fault in error.faults]) from error


def _near(near: Callable[[str], str], tables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Axes whose layouts are as seen from the folder of their file."""
    names = lambda v: [near(n) if isinstance(n, str) else n for n in v] if isinstance(v, list) else v  # noqa: E731
    return [{a: names(v) if a == "layout" else v for a, v in table.items()} for table in tables]


def options(
    layout: str, over: Mapping[str, Any], zips: Sequence[Mapping[str, Any]], weather: Path | None
) -> dict[str, Any]:
    """Axes as arguments of `twin.sweep`; the hours of a weather file are one of them."""
    tables = list(zips)
    if weather is not None:
        try:
            tables.append(read_weather(weather).scenarios())
        except ValueError as error:
            raise LayoutError("weather", [str(error)]) from error
    return {"layout": layout, "over": dict(over), "zips": tables}


def axes(option: str, texts: Sequence[str] | None) -> dict[str, Any]:
    """Axes of ADDRESS=AXIS. Raises LayoutError."""
    found, faults = dict[str, Any](), list[str]()
    for text in texts or ():
        address, equals, values = (part.strip() for part in text.partition("="))
        if not (address and equals and values):
            faults.append(f"{text.strip()!r} is not ADDRESS=AXIS, such as cdu.set_point='36..46 degC/11'")
        elif address in found:
            faults.append(f"{text.strip()!r}: {address} is given twice")
        found[address] = values
    if faults:
        raise LayoutError(option, faults)
    return found


def table(path: Path) -> pd.DataFrame:
    """A table of scenarios, one a row; a column `scenario` has their labels. Raises LayoutError."""
    if path.suffix not in TABLES:
        raise LayoutError(str(path), [f"ending {path.suffix!r} is none of {', '.join(TABLES)}"])
    try:
        found = getattr(pd, TABLES[path.suffix])(path)
    except ImportError as error:
        raise LayoutError(str(path), ['needs the extra: pip install "aifactory-twin[tables]"']) from error
    except (OSError, ValueError) as error:
        raise LayoutError(str(path), [f"cannot be read: {getattr(error, 'strerror', None) or error}"]) from error
    return found
