"""ASHRAE's classes: air that racks may breathe, facility water that CDUs may get, coolant that racks may get.

Numbers are as public secondary sources cite them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from twin.columns import Array, Ref
from twin.components.base import Table, Write
from twin.elements import Envelope, Guideline

AirClassName = Literal["A1", "A2", "A3", "A4", "H1"]
WaterClassName = Literal["W17", "W27", "W32", "W40", "W45", "W+"]
LoopClassName = Literal["S30", "S40", "S45", "S50"]


class AirClass(NamedTuple):
    """What sets a class of air apart.

    coldest, hottest: allowable dry bulb, the upper one up to THIN_AIR [K]. dampest: highest allowable dew point [K].
    max_humidity: highest allowable relative humidity [1]. recommended: highest recommended dry bulb [K]. derating: fall
    of the allowable dry bulb above THIN_AIR [K/m].
    """

    coldest: float
    hottest: float
    dampest: float
    max_humidity: float
    recommended: float
    derating: float


AIR: dict[str, AirClass] = {
    "A1": AirClass(288.15, 305.15, 290.15, 0.80, 300.15, 1 / 300),
    "A2": AirClass(283.15, 308.15, 294.15, 0.80, 300.15, 1 / 300),
    "A3": AirClass(278.15, 313.15, 297.15, 0.85, 300.15, 1 / 175),
    "A4": AirClass(278.15, 318.15, 297.15, 0.90, 300.15, 1 / 125),
    "H1": AirClass(278.15, 298.15, 290.15, 0.80, 295.15, 1 / 500),
}
"""Air of racks [ASHRAE TC 9.9, Thermal Guidelines for Data Processing Environments, 5th ed., 2021]."""

THIN_AIR, HIGHEST = 900.0, 3050.0
"""Elevation from which the allowable dry bulb falls, and the highest that the classes know, m [same source]."""

DRIEST, MIN_HUMIDITY = 261.15, 0.08
"""Lowest allowable dew point [K] and relative humidity [1] of all classes of air [same source]."""

RECOMMENDED_COLDEST, RECOMMENDED_DRIEST, RECOMMENDED_DAMPEST, RECOMMENDED_HUMIDITY = 291.15, 264.15, 288.15, 0.70
"""Recommended for all classes of air: lowest dry bulb, lowest and highest dew point [K], highest relative humidity [1].

That humidity is for air in which copper and silver hardly corrode; elsewhere 0.50 is recommended [same source].
"""

WATER: dict[str, float] = {"W17": 290.15, "W27": 300.15, "W32": 305.15, "W40": 313.15, "W45": 318.15, "W+": np.inf}
"""Warmest facility water of each class, K [same source]."""

COLDEST_WATER = 275.15
"""Coldest facility water of all classes, K [same source]."""

LOOP: dict[str, float] = {"S30": 303.15, "S40": 313.15, "S45": 318.15, "S50": 323.15}
"""Warmest supply of a technology cooling loop of each class, K [ASHRAE TC 9.9, 2024]."""


def air_envelopes(classes: Sequence[str], elevation: Array) -> tuple[Envelope, Envelope]:
    """Allowable and recommended air of racks of these classes (n,), each bound (n, 1|S), at elevations [m] (1, 1|S).

    The allowable dry bulb falls with height above THIN_AIR. The recommended one does not, but ends where that ends.
    """
    coldest, hottest, dampest, max_humidity, recommended, derating = np.array([AIR[c] for c in classes]).T[:, :, None]
    hottest = hottest - derating * np.maximum(elevation - THIN_AIR, 0.0)
    same = np.ones_like(coldest)
    return (
        Envelope(coldest, hottest, DRIEST * same, dampest, MIN_HUMIDITY * same, max_humidity),
        Envelope(
            RECOMMENDED_COLDEST * same,
            np.minimum(recommended, hottest),
            RECOMMENDED_DRIEST * same,
            RECOMMENDED_DAMPEST * same,
            0.0 * same,
            RECOMMENDED_HUMIDITY * same,
        ),
    )


def coolant_class(t: Table, write: Write, name: str, supply: Ref, ladder: dict[str, float], coldest: float) -> Envelope:
    """Write how coolant meets the classes that field `name` of the instances states; returns what these allow.

    supply: its temperature (instance). ladder: warmest supply of each class, coldest: of all of them [K]. Bounds are
    NaN where no class is stated.
    """
    stated = t[name]
    bounds = np.array([(np.nan, np.nan) if c is None else (coldest, ladder[c]) for c in stated])
    allowable = Envelope(bounds[:, :1], bounds[:, 1:])
    write(Guideline(t.dimension, name, t.names, stated, supply, t.in_service, allowable, ladder=ladder))
    return allowable
