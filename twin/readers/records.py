"""What readers return: a power network in per unit, or a pipe network in SI units, with the names of its file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Complex = NDArray[np.complexfloating]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]
Names = NDArray[np.str_] | NDArray[np.int64]
"""Names as the file has them, text or whole numbers."""

PQ, PV, SLACK, DEAD = 1, 2, 3, 0
"""Kinds of bus: power given; active power and voltage magnitude given; voltage given; out of service."""


@dataclass(frozen=True, eq=False)
class TapChangers:
    """On-load tap changers: the position moves until the voltage that a changer controls lies within its band.

    A continuous one takes any position, until its voltage is within a tolerance of the one that both ends of its band
    are.
    """

    branch: Index
    """Transformer of each changer, position among the branches, shape (tap_changer,)."""
    bus: Index
    """Bus whose voltage is controlled, position among the buses, (tap_changer,)."""
    vm_lower_pu: Array
    """Lower end of the voltage band [pu], (tap_changer,)."""
    vm_upper_pu: Array
    """Upper end of the voltage band [pu], (tap_changer,)."""
    tap_step: Array
    """Change of the rated voltage at the tap's side per position [pu], (tap_changer,)."""
    tap_at_end: Mask
    """Whether the tap is at the end of its branch instead of its start, (tap_changer,)."""
    direction: Array
    """1 where a higher rated voltage at the tap's side raises the controlled voltage, -1 where it lowers it,
    (tap_changer,)."""
    tap_neutral: Array
    """Position at which the rated voltage is the nominal one, (tap_changer,)."""
    tap_min: Array
    """Lowest position, (tap_changer,)."""
    tap_max: Array
    """Highest position, (tap_changer,)."""
    tap_pos: Array
    """Position to which `ratio`, `series` and `charging` of the network belong, (tap_changer,)."""
    tolerance: Array
    """Part of its voltage by which a continuous changer may miss, NaN for one that steps, (tap_changer,)."""
    nominal: Array
    """Ratio of the transformer at its rated voltages over that of the buses, (tap_changer,)."""


@dataclass(frozen=True, eq=False)
class PowerNetwork:
    """A balanced three-phase network, per unit on `base_mva`.

    Branches are pi models with half of the charging at each end; `ratio` is the complex off-nominal tap at the start
    (MATPOWER's from side). Transformers start at their high-voltage side where the file tells them apart from lines.
    Raises ValueError for a network without a slack bus, and for a branch in service without impedance.
    """

    name: str
    """Name in messages and in the title of results."""
    base_mva: float
    """Apparent power of the per-unit system [MVA]."""
    bus: Names
    """Names of the buses, shape (bus,)."""
    vn_kv: Array
    """Rated line-to-line voltage [kV], (bus,)."""
    kind: Index
    """PQ, PV, SLACK or DEAD, (bus,)."""
    load: Complex
    """Complex power consumed [pu], (bus,)."""
    shunt: Complex
    """Complex admittance to ground [pu], (bus,)."""
    start: Index
    """Bus at the start of each branch, position among the buses, (branch,)."""
    end: Index
    """Bus at its end, (branch,)."""
    branch: Names
    """Names of the branches, (branch,)."""
    trafo: Mask
    """True for transformers, False for lines, (branch,)."""
    series: Complex
    """Complex series admittance [pu], (branch,)."""
    charging: Complex
    """Complex shunt admittance of the whole branch [pu], (branch,)."""
    ratio: Complex
    """Complex off-nominal tap ratio at the start, (branch,)."""
    rating: Array
    """Apparent power (trafos) or current (lines) at 100 % loading [pu], inf without, (branch,)."""
    in_service: Mask
    """Whether a branch is in service, (branch,)."""
    gen_bus: Index
    """Bus of each generator, position among the buses, (gen,)."""
    gen_power: Complex
    """Complex power generated [pu], whose reactive part counts at PQ buses only, (gen,)."""
    gen_voltage: Array
    """Voltage magnitude that a generator holds [pu], (gen,)."""
    gen_min_q: Array
    """Lower limit of reactive power [pu], -inf without, (gen,)."""
    gen_max_q: Array
    """Upper limit of reactive power [pu], inf without, (gen,)."""
    gen_in_service: Mask
    """Whether a generator is in service, (gen,)."""
    initial: Complex
    """Complex voltages at which solvers start [pu], whose angles slack buses keep, (bus,)."""
    notes: tuple[str, ...] = ()
    """What the reader assumed, such as the transformer model and the side of taps."""
    label: Names | None = None
    """Names of the file's buses where several are one bus here, (label,); None where none are."""
    node: Index | None = None
    """Bus of each label, position among the buses, (label,); None where `label` is."""
    taps: TapChangers | None = None
    """On-load tap changers, None without."""
    refuses: tuple[tuple[str, str], ...] = ()
    """Options of power_flow that the file does not allow, each with the reason."""

    def at_taps(self, tap_pos: Array) -> PowerNetwork:
        """The network with its tap changers at the positions `tap_pos`, shape (tap_changer,).

        A tap at the start of a branch changes its ratio, one at the end its ratio and, since impedances are referred
        to that side, its admittances too.
        """
        taps = self.taps
        if taps is None:
            return self
        before = 1 + (taps.tap_pos - taps.tap_neutral) * taps.tap_step
        change = (1 + (tap_pos - taps.tap_neutral) * taps.tap_step) / before
        ratio, series, charging = self.ratio.copy(), self.series.copy(), self.charging.copy()
        ratio[taps.branch] *= np.where(taps.tap_at_end, 1 / change, change)
        for admittance in (series, charging):
            admittance[taps.branch] /= np.where(taps.tap_at_end, change**2, 1.0)
        return replace(self, ratio=ratio, series=series, charging=charging, taps=replace(taps, tap_pos=tap_pos))

    def __post_init__(self) -> None:
        if not (self.kind == SLACK).any():
            raise ValueError(f"{self.name}: no slack bus")
        faulty = np.flatnonzero(self.in_service & ~np.isfinite(self.series))
        if len(faulty):
            raise ValueError(f"{self.name}: branch {self.branch[faulty[0]]} has no impedance")


@dataclass(frozen=True, eq=False)
class Regulators:
    """Valves that hold a pressure: reducing valves at their end, sustaining valves at their start."""

    branch: Index
    """Position of each valve among the branches, shape (valve,)."""
    pressure: Array
    """Piezometric pressure that it holds [Pa], (valve,); where it is fixed, inf if reducing and -inf if sustaining."""
    sustaining: Mask
    """True for a valve that holds the pressure at its start, False for one that holds it at its end, (valve,)."""


@dataclass(frozen=True, eq=False)
class Controls:
    """What a branch becomes once the pressure at a junction is above or below a threshold, control by control."""

    junction: Index
    """Position of the junction, shape (control,)."""
    pressure: Array
    """Piezometric pressure from which it acts [Pa], (control,)."""
    above: Mask
    """Whether it acts above that pressure, (control,)."""
    branch: Index
    """Position of the branch, (control,)."""
    zeta: Array
    """The branch's loss coefficient afterwards [1], NaN where it stays, (control,)."""
    factor: Array
    """Factor of its power law afterwards [Pa / (kg/s)^exponent], (control,)."""
    exponent: Array
    """Exponent of its power law afterwards [1], (control,)."""
    shutoff: Array
    """Pressure rise without flow afterwards [Pa], (control,)."""
    min_flow: Array
    """Least mass flow afterwards [kg/s], (control,)."""
    max_flow: Array
    """Largest mass flow afterwards [kg/s], (control,)."""
    held: Array
    """Piezometric pressure that a regulating valve holds afterwards [Pa], NaN for other branches, (control,)."""


@dataclass(frozen=True, eq=False)
class PipeNetwork:
    """Junctions and branches of one liquid, in SI units.

    Pressures are piezometric, p + ρ g z: gravity does no work along a branch. At mass flow m a branch drops it by

        (λ length / diameter + zeta) m|m| / (2 ρ A²) + factor m|m|^(exponent - 1) - (shutoff - quadratic m|m|),

    and it carries no less than `min_flow` and no more than `max_flow`. Heat and the wall's loss,
    conductance (T - ambient), go to the stream. Raises ValueError, naming network and branch, for numbers out of range,
    for a network without a given pressure, and for a junction whose pressure is given twice.
    """

    name: str
    """Name in messages and in the title of results."""
    density: float
    """ρ [kg/m³]."""
    viscosity: float
    """Dynamic viscosity [Pa s]."""
    heat_capacity: float
    """Specific heat capacity [J/(kg K)]."""
    gravity: float
    """g [m/s²]."""
    friction: str
    """Law of λ in pipes: churchill, swamee-jain or colebrook."""
    junction: Names
    """Names of the junctions, shape (junction,)."""
    elevation: Array
    """z [m], (junction,)."""
    demand: Array
    """Mass flow drawn [kg/s], (junction,)."""
    held: Array
    """Given piezometric pressure [Pa], NaN where it is free, (junction,)."""
    supply: Array
    """Temperature of what junctions of given pressure feed in [K], NaN without, (junction,)."""
    branch: Names
    """Names of the branches, (branch,)."""
    kind: NDArray[np.str_]
    """Pipe, pump or valve, (branch,)."""
    start: Index
    """Junction at the start of each branch, position among the junctions, (branch,)."""
    end: Index
    """Junction at its end, (branch,)."""
    length: Array
    """Length with friction λ [m], (branch,)."""
    diameter: Array
    """Inner diameter [m], (branch,)."""
    roughness: Array
    """Of the wall [m], (branch,)."""
    zeta: Array
    """Loss coefficient of fittings [1], (branch,)."""
    factor: Array
    """Of the power law [Pa / (kg/s)^exponent], (branch,)."""
    exponent: Array
    """Of the power law [1], (branch,)."""
    shutoff: Array
    """Pressure rise of a pump without flow [Pa], (branch,)."""
    quadratic: Array
    """Fall of that rise with the square of flow [Pa / (kg/s)²], (branch,)."""
    min_flow: Array
    """Least mass flow [kg/s], -inf without a bound, (branch,)."""
    max_flow: Array
    """Largest mass flow [kg/s], inf without a bound, (branch,)."""
    heat: Array
    """Heat that the stream takes up [W], (branch,)."""
    conductance: Array
    """Of the whole wall [W/K], (branch,)."""
    ambient: Array
    """Temperature outside of the wall [K], (branch,)."""
    notes: tuple[str, ...] = ()
    """What the reader assumed."""
    regulators: Regulators | None = None
    """Valves that hold a pressure, None without."""
    controls: Controls | None = None
    """What pressures switch, None without."""

    def __post_init__(self) -> None:
        if self.regulators is not None:
            valve = self.regulators.branch
            at = np.where(self.regulators.sustaining, self.start[valve], self.end[valve])
            active = np.isfinite(self.regulators.pressure)
            twice = np.isfinite(self.held[at]) | (np.bincount(at[active], minlength=len(self.held))[at] > 1)
            twice &= active
            if twice.any():
                k = np.flatnonzero(twice)[0]
                raise ValueError(f"{self.name}: {self.branch[valve[k]]}: {self.junction[at[k]]} is held already")
        if not np.isfinite(self.held).any():
            raise ValueError(f"{self.name}: no junction whose pressure is given")
        if not (self.density > 0 and self.viscosity > 0):
            raise ValueError(f"{self.name}: density and viscosity must be positive")
        for quantity, wrong in (
            ("diameter", ~(self.diameter > 0)),
            ("length", ~(self.length >= 0)),
            ("roughness", ~(self.roughness >= 0)),
            ("zeta", ~(self.zeta >= 0)),
            ("factor", ~((self.factor == 0) | (self.factor * self.exponent > 0))),
            ("quadratic", ~(self.quadratic >= 0)),
            ("flow bounds", ~(self.min_flow <= self.max_flow)),
        ):
            if wrong.any():
                raise ValueError(f"{self.name}: {self.branch[np.flatnonzero(wrong)[0]]}: {quantity} out of range")
