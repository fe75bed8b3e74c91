"""What ships as data: hardware entries, measured serving rows, platform constants, sources of electricity."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from twin.facility import plugins
from twin.facility.files import SAFE, LayoutError, parse_text
from twin.units import parse

LAYOUTS = files("twin.layouts")
"""Folder of all shipped data."""

FOLDER = LAYOUTS / "serving"
"""Folder of the data of serving."""

COLUMN_TYPES = {
    **dict.fromkeys(("isl", "osl", "concurrency", "prefill_gpus", "decode_gpus"), int),
    **dict.fromkeys(
        ("interactivity", "tokens_per_s_per_gpu", "output_tokens_per_s_per_decode_gpu", "ttft_s"),
        float,
    ),
}
"""Types of the numeric columns of `fronts.csv`."""

CONSTANT_UNITS = {
    **dict.fromkeys(("power", "it_power"), "kW"),
    **dict.fromkeys(("network_power", "low", "high"), "W"),
    **dict.fromkeys(("own", "neocloud", "rental"), "$/h"),
}
"""Units of the constants of `platforms.yaml`."""


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Shipped hardware by name: type, about, fields {name: {value, kind, source, range}}, sources' texts, file.

    Entries of other packages follow, see `twin.facility.plugins`; LayoutError for what these have wrong. Values are
    strings with units. Example: catalogue()["gb300_nvl72"]["fields"]["nameplate"]["value"].
    """
    entries: dict[str, dict[str, Any]] = {}
    folder = LAYOUTS / "hardware"
    for file in sorted(folder.iterdir(), key=lambda p: p.name):
        if not file.name.endswith(".yaml"):
            continue
        data = parse_text(file.name, file.read_text("utf-8"))
        sources = data.pop("sources", {})
        for name, entry in data.items():
            entries[name] = entry | {"sources": sources, "file": file.name}
    added = plugins.entries()
    twice = [f"{added[n]['file']}: {n}: is an entry of {entries[n]['file']} already" for n in added if n in entries]
    if twice:
        raise LayoutError("plug-ins", twice)
    return entries | added


@cache
def measured_runs() -> tuple[dict[str, Any], ...]:
    """Measured serving runs, one dict per row of `layouts/serving/fronts.csv`; an empty number is None.

    Columns are model, platform, isl, osl, interactivity [tokens/s/user], tokens_per_s_per_gpu, ttft_s, source, ...
    Example: front(measured_runs(), "DeepSeek-R1-0528", "gb300").
    """
    with (FOLDER / "fronts.csv").open(encoding="utf-8") as file:
        return tuple({name: _cell(name, text) for name, text in row.items()} for row in csv.DictReader(file))


@cache
def published_constants() -> dict[str, dict[str, dict[str, float]]]:
    """Published constants as set → platform → field, per accelerator: power kW, prices $/h, network W, PUE.

    Sets are `published_2025_2026`, `published_2026_07` and `network`; sources and kinds stand in the file. Raises
    ValueError for a constant in another unit. Example: published_constants()["published_2025_2026"]["gb300"]["power"].
    """
    table = yaml.load((FOLDER / "platforms.yaml").read_text(encoding="utf-8"), SAFE)
    return {
        name: {key: {f: _number(f, v) for f, v in fields.items()} for key, fields in part["platforms"].items()}
        for name, part in table.items()
    }


@cache
def physics() -> dict[str, Any]:
    """What the physics of serving computes with, as `physics.yaml` has it: models, chips, fits, engines, power."""
    return yaml.load((FOLDER / "physics.yaml").read_text(encoding="utf-8"), SAFE)


@cache
def energy() -> dict[str, float]:
    """Greenhouse gas of electricity by source, kg/J; kinds and sources stand in `layouts/energy/sources.yaml`."""
    return {name: parse(row["carbon"], "carbon_intensity") for name, row in _mix().items()}


@cache
def energy_ranges() -> dict[str, tuple[str, str]]:
    """Between what the greenhouse gas of a source lies, as text, of those that state it."""
    return {name: tuple(row["range"]) for name, row in _mix().items() if "range" in row}


@cache
def _mix() -> dict[str, Any]:
    return yaml.load((LAYOUTS / "energy" / "sources.yaml").read_text(encoding="utf-8"), SAFE)["mix"]


def _cell(name: str, text: str) -> Any:
    if name not in COLUMN_TYPES:
        return text
    return COLUMN_TYPES[name](text) if text else None


def _number(field: str, value: Any) -> float:
    number, _, unit = str(value).partition(" ")
    if unit != CONSTANT_UNITS.get(field, ""):
        raise ValueError(f"platforms.yaml: {field} {value!r} should be in {CONSTANT_UNITS.get(field) or 'no unit'}")
    return float(number)
