"""What readers return: a power network in per unit, with the names of its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PQ, PV, SLACK, DEAD = 1, 2, 3, 0


@dataclass(frozen=True, eq=False)
class PowerNetwork:
    """A balanced three-phase network, per unit on `base_mva`; every array is one-dimensional.

    Branches are pi models with half of the charging at each end; `ratio` is the complex off-nominal tap at the start
    (MATPOWER's from side). Transformers start at their high-voltage side where the file tells them apart from lines.
    """

    name: str
    base_mva: float
    bus: Array  # names
    vn_kv: Array
    kind: Array  # PQ, PV, SLACK or DEAD
    load: Array  # complex, consumed
    shunt: Array  # complex admittance to ground
    start: Array
    end: Array
    branch: Array  # names
    trafo: Array  # True for transformers, False for lines
    series: Array  # complex admittance
    charging: Array  # complex, whole branch
    ratio: Array  # complex
    rating: Array  # pu, inf without
    in_service: Array
    gen_bus: Array
    gen_power: Array  # complex, pu; the reactive part counts at PQ buses
    gen_voltage: Array  # pu
    gen_low: Array  # reactive limits, pu
    gen_high: Array
    gen_in_service: Array
    initial: Array  # complex voltages to start from; slack buses keep their angle
    notes: tuple[str, ...] = field(default=())
    """What the reader assumed, such as transformer model and tap side."""

    def __post_init__(self) -> None:
        if not (self.kind == SLACK).any():
            raise ValueError(f"{self.name}: no slack bus")
        lost = np.flatnonzero(self.in_service & ~np.isfinite(self.series))
        if len(lost):
            raise ValueError(f"{self.name}: branch {self.branch[lost[0]]} has no impedance")
