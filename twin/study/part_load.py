"""What the meter is made of as the load of the racks, or the weather, goes from one end to the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.air.turns import Mixed
from twin.columns import Array, Total, totals
from twin.elements import Status
from twin.facility.scenarios import read
from twin.plant.compile import compile
from twin.study.parts import solve
from twin.study.year import loads

if TYPE_CHECKING:
    from twin.facility.graph import Facility

LOADS = tuple(round(0.25 + 0.05 * k, 2) for k in range(16))
"""Shares of their load that racks are solved at if none are given."""

SPAN, STEP = 25.0, 2.5
"""Range of dry bulbs below and above that of the layout, and their distance, if none are given [K]."""

MOISTURE = ("site.wet_bulb", "site.relative_humidity", "site.dew_point")
"""Addresses that state the moisture of the weather."""

ENDS = {name: total for name, total in vars(totals).items() if isinstance(total, Total) and total.part}
"""Headings of what the meter is made of."""


class PartLoad(NamedTuple):
    """End uses over something that varies.

    at: shares of the load [1] or dry bulbs [K] (point,). uses: power by heading of the meter [W] (point,), NaN where
    there is no solution; names are those of `twin.columns.totals`, in whose `meaning` they are told.
    """

    at: Array
    uses: dict[str, Array]

    @property
    def pue(self) -> Array:
        """Power usage effectiveness (point,)."""
        return sum(self.uses.values(), np.zeros(len(self.at))) / self.uses["it"]


def over_load(facility: Facility, shares: Sequence[float] = LOADS, given: dict[str, float] | None = None) -> PartLoad:
    """End uses at shares of the load that the layout lays out, in its weather.

    given: values of addresses in all of them, in SI units. Raises LayoutError for what cannot be.
    """
    at = np.asarray(shares, float)
    return PartLoad(at, _ends(facility, _all(given, len(at)) | loads(facility, at)))


def over_dry_bulb(
    facility: Facility, dry_bulbs: Sequence[float] | None = None, given: dict[str, float] | None = None
) -> PartLoad:
    """End uses at dry bulbs [K], the humidity ratio of the weather staying, at most at saturation.

    From 25 K below that of the layout to 15 K above if none are given. given: as `over_load` has it.
    """
    given = dict(given or {})
    base = float(given.get("site.dry_bulb", facility.site.dry_bulb))
    at = np.arange(base - SPAN, base + 0.6 * SPAN + 1e-9, STEP) if dry_bulbs is None else np.asarray(dry_bulbs, float)
    stated = {name: given[name] for name in MOISTURE if name in given}
    moisture = dict[str, Array]()
    if stated:  # else the layout's own humidity ratio stays by itself
        columns = {name: np.array([value]) for name, value in given.items()}
        dew = float(np.ravel(compile(facility, read(facility, columns)).site.dew_point)[0])
        moisture["site.dew_point"] = np.minimum(dew, at)
    given = {name: value for name, value in given.items() if name not in stated}
    return PartLoad(at, _ends(facility, _all(given, len(at)) | {"site.dry_bulb": at} | moisture))


def _all(given: dict[str, float] | None, count: int) -> dict[str, Array]:
    """Values that stay, as columns."""
    return {address: np.full(count, value) for address, value in (given or {}).items()}


def _ends(facility: Facility, scenarios: dict[str, Array]) -> dict[str, Array]:
    """Power by heading in each scenario [W], of those that any has."""
    asked = read(facility, scenarios)
    found = {name: np.full(asked.size, np.nan) for name in ENDS}
    for part in solve(facility, asked, Mixed()):
        solution = part.air.solution
        known = np.where(solution.status == Status.OK, 1.0, np.nan)
        for name, total in ENDS.items():
            found[name][part.scenarios] = solution.total(total) * known
    return {name: power for name, power in found.items() if name == "it" or np.nanmax(np.abs(power), initial=0.0) > 0}
