"""What stands in a room: equipment as boxes, and thin screens across a direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float, float]
Role = Literal["rack", "cooler", "solid"]


@dataclass(frozen=True)
class Part:
    """Equipment in a room, as a box; air leaves it along direction `axis` towards `sign`.

    Attributes
    ----------
    name
        As in the layout.
    role
        rack, cooler or solid.
    low, high
        Opposite corners (x, y, z) [m].
    axis
        Direction of the air: 0 for x, 1 for y.
    sign
        1 or -1: from the front to the back of a rack, out of the outlet of a cooler.
    spans
        Heights between which a rack's air passes, above its base [m]; all of it if there are none.
    opening
        Width in the middle of a rack's front and back through which its air passes [m]; all of it if None.
    outlet
        Width and height of a cooler's opening [m]; all of its side if None.
    intake
        Where a cooler draws its air.
    sill
        Height of a cooler's outlet above its base [m].
    leak_area
        Open share of a rack's front and back beside its openings, through which air passes as pressure drives it.
    """

    name: str
    role: Role
    low: Point
    high: Point
    axis: int = 0
    sign: int = 1
    spans: tuple[tuple[float, float], ...] = ()
    opening: float | None = None
    outlet: tuple[float, float] | None = None
    intake: Literal["back", "top"] = "back"
    sill: float = 0.0
    leak_area: float = 0.0


def perforated(f: float) -> float:
    """Loss coefficient K on the approach velocity of a thin perforated plate of open area f.

    K = (0.707 (1 - f)^0.375 + 1 - f)² / f²   [Fried & Idelchik, Flow Resistance, 1989, ch. 8]
    """
    return (0.707 * (1.0 - f) ** 0.375 + 1.0 - f) ** 2 / f**2


@dataclass(frozen=True)
class Screen:
    """A thin rectangle across direction `axis`: closed, or open by a share with a pressure loss of K ρ u²/2.

    Attributes
    ----------
    name
        As in the layout.
    low, high
        Opposite corners (x, y, z) [m].
    axis
        Direction across which it stands: 0, 1, 2 for x, y, z.
    open_area
        Open over total area, 0 where it is closed.
    """

    name: str
    low: Point
    high: Point
    axis: int
    open_area: float = 0.0

    @property
    def loss(self) -> float:
        """Loss coefficient K on the approach velocity; see `perforated`."""
        return perforated(self.open_area)
