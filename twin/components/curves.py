"""Published performance curves as inputs: by name, as the package ships them, or written out in a layout."""

import csv
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import numpy as np
import yaml
from pydantic import BeforeValidator, Field

from twin.components.base import Model
from twin.domains.chillers import Curves
from twin.fluids import FREEZING
from twin.units import Number, Power, Temperature

Six = tuple[float, float, float, float, float, float]


class ChillerCurve(Model):
    """Capacity and power of an electric chiller: Q = Q_ref f(x, y), P = Q / COP_ref g(x, y) h(p) [EnergyPlus EIR].

    f and g are biquadratic in leaving chilled water x and entering condenser fluid y [degC], with coefficients of
    1, x, x², y, y², x y; h is quadratic in part load p.
    """

    compressor: Literal["scroll", "screw", "centrifugal", "reciprocating"] | None = Field(None, description="its kind")
    speed: Literal["constant", "variable"] | None = Field(None, description="of the compressor")
    condenser: Literal["air", "water"] = Field("water", description="what takes its heat")
    capacity: Power | None = Field(None, gt=0, description="of one unit at the reference; else the component states it")
    cop: Number | None = Field(None, gt=0, le=30, description="at the reference; else the component states it")
    leaving: Temperature = Field(ge=250, le=340, description="chilled water at the reference")
    entering: Temperature = Field(ge=250, le=340, description="condenser water or air at the reference")
    capacity_curve: Six = Field(description="f: capacity over the reference")
    input_curve: Six = Field(description="g: power over capacity, over the reference")
    part_load_curve: tuple[float, float, float] = Field(description="h: power over that at full load")
    leaving_range: tuple[Temperature, Temperature] = Field(description="chilled water that was measured")
    entering_range: tuple[Temperature, Temperature] = Field(description="condenser water or air that was measured")


@cache
def chiller_curves() -> dict[str, ChillerCurve]:
    """The shipped curves by name; kinds and sources stand in `layouts/hardware/curves/chillers.yaml`."""
    text = (files("twin.layouts") / "hardware" / "curves" / "chillers.yaml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries = {name: entry for name, entry in yaml.load(text, loader).items() if name != "sources"}
    notes = {"about", "kind", "source"}
    return {n: ChillerCurve(**{k: v for k, v in e.items() if k not in notes}) for n, e in entries.items()}


@cache
def copper_rows() -> Mapping[str, Mapping[str, str]]:
    """Rows of `layouts/hardware/curves/copper.csv` by name: 303 machines, a column of texts by its header.

    They are read when a name is asked for that `chiller_curves` does not have.
    """
    text = (files("twin.layouts") / "hardware" / "curves" / "copper.csv").read_text("utf-8")
    return {row["name"]: row for row in csv.DictReader(line for line in text.splitlines() if line[0] != "#")}


@cache
def copper_curve(name: str) -> ChillerCurve:
    """A machine of copper-bem's library [PNNL, BSD-2-Clause] by its name. Raises KeyError for another."""
    row = copper_rows()[name]
    number = lambda key: float(row[key]) if row[key] else None  # noqa: E731
    degrees = lambda key: f"{row[key]} degC"  # noqa: E731
    terms = ("1 [1]", "x [1/K]", "x2 [1/K2]", "y [1/K]", "y2 [1/K2]", "xy [1/K2]")
    return ChillerCurve.model_validate(
        {
            "compressor": row["compressor"],
            "speed": row["speed"] or None,
            "condenser": row["condenser"],
            "capacity": f"{row['capacity [kW]']} kW" if row["capacity [kW]"] else None,
            "cop": number("cop [1]"),
            "leaving": degrees("leaving [degC]"),
            "entering": degrees("entering [degC]"),
            "capacity_curve": [number(f"capacity {term}") for term in terms],
            "input_curve": [number(f"input {term}") for term in terms],
            "part_load_curve": [number(f"part load {term} [1]") for term in ("1", "p", "p2")],
            "leaving_range": [degrees(f"leaving {end} [degC]") for end in ("from", "to")],
            "entering_range": [degrees(f"entering {end} [degC]") for end in ("from", "to")],
        }
    )


def every_curve() -> dict[str, ChillerCurve]:
    """All shipped curves by name, those of copper's library last."""
    return chiller_curves() | {name: copper_curve(name) for name in copper_rows()}


def _named(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value in chiller_curves():
        return chiller_curves()[value]
    if value in copper_rows():
        return copper_curve(value)
    close = get_close_matches(value, [*chiller_curves(), *copper_rows()], 1, 0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    known = f"there are {', '.join(chiller_curves())}, and {len(copper_rows())} more"
    raise ValueError(f"no curve {value!r}; {hint}{known} that `twin describe chiller_curves` lists")


NamedChillerCurve = Annotated[ChillerCurve, BeforeValidator(_named, json_schema_input_type=str | ChillerCurve)]
"""A chiller's curve, by the name of a shipped one or as a mapping."""


def stack(curves: Sequence[ChillerCurve]) -> Curves:
    """Curves of k chillers as columns, see `twin.domains.chillers.Curves`."""
    rows = [
        (
            np.nan if c.capacity is None else c.capacity,
            np.nan if c.cop is None else c.cop,
            c.leaving - FREEZING,
            c.entering - FREEZING,
            c.capacity_curve,
            c.input_curve,
            c.part_load_curve,
            [t - FREEZING for t in c.leaving_range],
            [t - FREEZING for t in c.entering_range],
            c.condenser == "air",
        )
        for c in curves
    ]
    return Curves(*(np.moveaxis(np.array(v), 0, -1)[..., None] for v in zip(*rows, strict=True)))
