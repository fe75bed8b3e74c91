"""What readers return: a power network in per unit, or a pipe network in SI units, with the names of its file."""

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


@dataclass(frozen=True, eq=False)
class PipeNetwork:
    """Junctions and branches of one liquid; every array is one-dimensional, in SI units.

    Pressures are piezometric, p + ρ g z: gravity does no work along a branch. At mass flow m a branch drops it by

        (λ length / diameter + zeta) m|m| / (2 ρ A²) + factor m|m|^(exponent - 1) - (shutoff - quadratic m|m|),

    less than `least` and more than `most` it does not carry. Heat and the wall's loss, conductance (T - ambient), go to
    the stream.
    """

    name: str
    density: float
    viscosity: float  # dynamic
    heat_capacity: float
    gravity: float
    friction: str  # churchill, swamee-jain or colebrook
    junction: Array  # names
    elevation: Array
    demand: Array  # kg/s, drawn
    held: Array  # piezometric pressure, Pa, NaN where it is free
    supply: Array  # temperature of what held junctions feed, K, NaN without
    branch: Array  # names
    kind: Array  # pipe, pump or valve
    start: Array
    end: Array
    length: Array
    diameter: Array
    roughness: Array
    zeta: Array
    factor: Array
    exponent: Array
    shutoff: Array
    quadratic: Array
    least: Array  # kg/s, -inf without
    most: Array  # kg/s, inf without
    heat: Array
    conductance: Array  # W/K, of the whole wall
    ambient: Array
    notes: tuple[str, ...] = field(default=())
    """What the reader assumed."""

    def __post_init__(self) -> None:
        if not np.isfinite(self.held).any():
            raise ValueError(f"{self.name}: no junction whose pressure is given")
        for what, wrong in (
            ("diameter", ~(self.diameter > 0)),
            ("length", ~(self.length >= 0)),
            ("roughness", ~(self.roughness >= 0)),
            ("zeta", ~(self.zeta >= 0)),
            ("factor", ~((self.factor == 0) | (self.factor * self.exponent > 0))),
            ("quadratic", ~(self.quadratic >= 0)),
            ("flow bounds", ~(self.least <= self.most)),
        ):
            if wrong.any():
                raise ValueError(f"{self.name}: {self.branch[np.flatnonzero(wrong)[0]]}: {what} out of range")
