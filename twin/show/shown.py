"""Numbers as people read them: titles, and values in units of the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from twin.columns import FIGURES, Array
from twin.units import DIMENSIONS

OWN = {"sustainable_density": ("kW per rack", 1e-3), "relative_margin": ("%", 100.0), "density_scale": ("", 1.0)}
"""Units and factors of variables that are neither figures nor tell their quantity."""

BY_UNIT = {"W": "power", "Pa": "pressure", "kg s-1": "mass_flow", "m3 s-1": "volume_flow"}
"""Quantities that a unit means by itself."""

MEGA = 1e6
"""W above which powers are shown in MW."""


class Shown(NamedTuple):
    """Values in a unit of the screen, its name, and what they are called."""

    name: str
    unit: str
    values: Array

    @property
    def title(self) -> str:
        """Name and unit, such as "facility power [MW]"."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


def shown(
    name: str, values: Array, attributes: Mapping[str, Any] | None = None, quantity: str = "", unit: str = ""
) -> Shown:
    """A variable of results, or an address with its quantity, for people: temperatures in °C, large powers in MW.

    attributes: of the variable, whose CF unit says what it is where its name does not. unit: of powers, "kW" or "MW",
    by their size if not given.
    """
    asked, unit = unit, str((attributes or {}).get("units", ""))
    if name in FIGURES:
        figure = FIGURES[name]
        return Shown(figure.label, figure.display, figure.factor * np.asarray(values, float))
    words = name if "." in name else name.replace("_", " ")
    if name in OWN:
        unit, factor = OWN[name]
        return Shown(words, unit, factor * np.asarray(values, float))
    if not quantity and unit == "K":
        quantity = (
            "temperature" if name.endswith(("temperature", "inlet", "bulb", "point")) else "temperature_difference"
        )
    quantity = quantity or BY_UNIT.get(unit, "")
    if not quantity:
        return Shown(words, "" if unit == "1" else unit, np.asarray(values))
    d, numbers = DIMENSIONS[quantity], np.asarray(values, float)
    chosen = "MW" if quantity == "power" and np.nanmax(np.abs(numbers), initial=0.0) >= MEGA else d.table
    chosen = asked if quantity == "power" and asked in d.units else chosen
    found = (numbers - d.offsets.get(chosen, 0.0)) / d.units[chosen]
    return Shown(words, {"degC": "°C"}.get(chosen, chosen), found)
