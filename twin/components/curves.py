"""Published performance curves as inputs: by name, as the package ships them, or written out in a layout."""

from collections.abc import Sequence
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

    condenser: Literal["air", "water"] = Field("water", description="what takes its heat")
    capacity: Power = Field(gt=0, description="of one unit at the reference")
    cop: Number = Field(gt=0, le=30, description="at the reference")
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


def _named(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in chiller_curves():
        close = get_close_matches(value, chiller_curves(), 1, 0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"no curve {value!r}; {hint}there are {', '.join(chiller_curves())}")
    return chiller_curves()[value]


NamedChillerCurve = Annotated[ChillerCurve, BeforeValidator(_named, json_schema_input_type=str | ChillerCurve)]
"""A chiller's curve, by the name of a shipped one or as a mapping."""


def stack(curves: Sequence[ChillerCurve]) -> Curves:
    """Curves of k chillers as columns, see `twin.domains.chillers.Curves`."""
    rows = [
        (
            c.capacity,
            c.cop,
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
