"""What readers return: a power network in per unit, or a pipe network in SI units, with the names of its file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PQ, PV, SLACK, DEAD = 1, 2, 3, 0


@dataclass(frozen=True, eq=False)
class TapChangers:
    """On-load tap changers, one row each: the position moves until the voltage lies within its band."""

    branch: Array
    bus: Array  # whose voltage is controlled
    low: Array  # pu
    high: Array
    step: Array  # of the rated voltage at the tap's side, per position
    at_end: Array  # whether the tap is at the end of its branch
    raises: Array  # 1 where a higher voltage at the tap's side raises that of the bus, -1 where it lowers it
    neutral: Array
    least: Array
    most: Array
    position: Array  # as the network's ratio, series and charging have it


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
    label: Array | None = None
    """Names of the file's buses where several are one node."""
    node: Array | None = None
    """Node of each label."""
    taps: TapChangers | None = None

    def at_taps(self, position: Array) -> PowerNetwork:
        """The network with its tap changers at other positions."""
        t = self.taps
        if t is None:
            return self
        size = (1 + (position - t.neutral) * t.step) / (1 + (t.position - t.neutral) * t.step)
        ratio, series, charging = self.ratio.copy(), self.series.copy(), self.charging.copy()
        ratio[t.branch] *= np.where(t.at_end, 1 / size, size)
        for admittance in (series, charging):
            admittance[t.branch] /= np.where(t.at_end, size**2, 1.0)
        return replace(self, ratio=ratio, series=series, charging=charging, taps=replace(t, position=position))

    def __post_init__(self) -> None:
        if not (self.kind == SLACK).any():
            raise ValueError(f"{self.name}: no slack bus")
        lost = np.flatnonzero(self.in_service & ~np.isfinite(self.series))
        if len(lost):
            raise ValueError(f"{self.name}: branch {self.branch[lost[0]]} has no impedance")


@dataclass(frozen=True, eq=False)
class Regulators:
    """Valves that hold a piezometric pressure [Pa], at their end or, where they sustain it, at their start."""

    branch: Array
    pressure: Array
    sustains: Array  # bool


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
    regulators: Regulators | None = None

    def __post_init__(self) -> None:
        if self.regulators is not None:
            valve = self.regulators.branch
            at = np.where(self.regulators.sustains, self.start[valve], self.end[valve])
            twice = np.isfinite(self.held[at]) | (np.bincount(at, minlength=len(self.held))[at] > 1)
            if twice.any():
                k = np.flatnonzero(twice)[0]
                raise ValueError(f"{self.name}: {self.branch[valve[k]]}: {self.junction[at[k]]} is held already")
        if not np.isfinite(self.held).any():
            raise ValueError(f"{self.name}: no junction whose pressure is given")
        if not (self.density > 0 and self.viscosity > 0):
            raise ValueError(f"{self.name}: density and viscosity must be positive")
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
