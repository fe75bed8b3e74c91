"""Power flow of a file that other programs write, as a labelled Dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

from twin.kernels import newton
from twin.kernels import outages as without_generators
from twin.kernels import power_flow as chord
from twin.kernels.later import later
from twin.networks import jumpers, outages
from twin.networks.labels import status_flags
from twin.networks.outages import MAX_LIMIT_ROUNDS, Limits
from twin.networks.power_results import (
    BEYOND_LOADABILITY,
    INVALID,
    NOT_CONVERGED,
    OK,
    STATES,
    Solution,
    dataset,
    loading_percent,
)
from twin.readers import matpower, pandapower, power_grid_model
from twin.readers.records import DEAD, PQ, PV, SLACK, Array, Complex, Index, Mask, PowerNetwork, TapChangers

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = later("xarray")

MAX_TAP_ROUNDS = 200
"""Rounds of tap changers."""

MAX_PASSES = 8
"""Passes in which the drops along jumpers settle."""

SETTLED = 1e-11
"""Change of what the drops along jumpers take from a bus, below which they have settled [pu]."""

LOW = 0.5
"""Voltage below which a solution may be the lower one of two [pu]."""

WORST = 1e-8
"""Last step of a voltage [pu] above which rounding leaves no answer."""

AT_ONCE = 2_000_000
"""Numbers of a kind, such as flows into branches, of the outages that are solved at once."""


def read_power_network(path: str | Path) -> PowerNetwork:
    """The power network in the file at `path`: MATPOWER `.m`, or `.json` of pandapower or power-grid-model.

    Raises ValueError, naming the file and what is wrong, for what cannot be read.

    Examples
    --------
    >>> net = read_power_network("case14.m")
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.suffix == ".m":
        return matpower.read(path)
    if path.suffix == ".json":
        return pandapower.read(path) if pandapower.recognise(path) else power_grid_model.read(path)
    known = ".m (MATPOWER) nor .json (pandapower, power-grid-model)"
    raise ValueError(f"{path.name}: ending {path.suffix!r} is neither {known}")


def power_flow(
    network: PowerNetwork | str | Path,
    p_mw: ArrayLike | None = None,
    q_mvar: ArrayLike | None = None,
    *,
    enforce_q_limits: bool = False,
    tap_control: bool = False,
    tolerance: float = 1e-10,
) -> xr.Dataset:
    """Solve a power network, or a file of one, under pandapower's result names.

    Networks without generators that hold a voltage go through chord Newton, all scenarios on one factor; the others,
    and what that does not settle, take full Newton, from the file's voltages and then, where that fails or a voltage
    falls below LOW, from a linear flow. Buses that branches of next to no impedance join are solved as one, and the
    drops between them follow.

    Parameters
    ----------
    network
        A PowerNetwork, or the path of a file that `read_power_network` reads.
    p_mw, q_mvar
        Active [MW] and reactive [Mvar] power of the loads, shape (bus,) or (bus, scenario); by default the file's.
    enforce_q_limits
        Let a generator leave its voltage where its reactive limit binds, and return where it no longer does
        (MATPOWER's rule never returns; the slack bus is not limited).
    tap_control
        Let on-load tap changers step, one position at a time, until the voltages that they control lie in their bands
        or their range ends; continuous ones go as far as it takes.
    tolerance
        Largest imbalance of power at a bus [pu] (full Newton), or last change of a voltage [pu] (chord Newton). What
        rounding leaves of a balance is accepted too, and told as the attribute `tolerance_pu`.

    Returns
    -------
    xarray.Dataset
        Variables (element, scenario) of buses (`vm_pu`, `va_degree`, `p_mw`, ...), generators (`gen_p_mw`, ...), lines
        and transformers (`line_loading_percent`, `trafo_pl_mw`, ...), each with units and long_name, and with
        `tap_control` the positions `tap_pos` (tap_changer, scenario). A scenario that fails has a `status`:
        `beyond_loadability` where a solution exists at a lighter load but none at this one, `not_converged`, or
        `invalid` for loads that are no numbers; the others stand.

    Raises
    ------
    ValueError
        For a file that cannot be read, for an option that it does not allow, such as tap control with a controller
        that is not read, and for loads that do not fit the network or each other.

    Examples
    --------
    >>> power_flow("case14.m")["vm_pu"]
    """
    net = network if isinstance(network, PowerNetwork) else read_power_network(network)
    asked = {"tap_control": tap_control, "enforce_q_limits": enforce_q_limits}
    for option, reason in net.refuses:
        if asked.get(option):
            raise ValueError(f"{net.name}: {option}: {reason}")
    load = _loads(net, p_mw, q_mvar)
    if tap_control and net.taps is not None:
        return _step_taps(net, net.taps, load, enforce_q_limits, tolerance)
    return _solve(net, load, enforce_q_limits, tolerance)


def contingencies(
    network: PowerNetwork | str | Path, *, enforce_q_limits: bool = False, tolerance: float = 1e-8
) -> xr.Dataset:
    """Loss of each branch in service alone (N-1): what stays supplied, the lowest voltage, the highest loading.

    Outages are solved together, on a factor that is corrected for what each of them loses; with generators that hold a
    voltage by chord Newton about the base case. What that does not settle is solved alone, as `power_flow` does.

    Parameters
    ----------
    network
        A PowerNetwork, or the path of a file that `read_power_network` reads.
    enforce_q_limits
        Let a generator leave its voltage where its reactive limit binds, and return where it no longer does, as
        in `power_flow`.
    tolerance
        Largest imbalance of power at a bus [pu], without generators that hold a voltage last change of a voltage [pu].

    Returns
    -------
    xarray.Dataset
        Dimension `contingency`, named after the branch that is lost: `vm_min_pu` and `vm_min_bus`,
        `loading_max_percent` and `loading_max_branch`, `unserved_mw`, `status`.

    Raises
    ------
    ValueError
        For a file that cannot be read, and for limits that it does not allow to follow.

    Examples
    --------
    >>> contingencies("case33bw.m")["unserved_mw"].max()
    """
    net = network if isinstance(network, PowerNetwork) else read_power_network(network)
    for option, reason in net.refuses:
        if option == "enforce_q_limits" and enforce_q_limits:
            raise ValueError(f"{net.name}: {option}: {reason}")
    lost = np.flatnonzero(net.in_service)
    parts = [_worst(net, part) for part in _outages(net, lost, enforce_q_limits, tolerance)]
    lowest, bus, highest, branch, unserved, converged = (np.concatenate(column) for column in zip(*parts, strict=True))
    status = np.where(converged, OK, NOT_CONVERGED).astype(np.int8)
    columns: dict[str, tuple[np.ndarray, dict]] = {
        "vm_min_pu": (lowest, {"units": "1", "long_name": "lowest voltage of what is supplied"}),
        "vm_min_bus": (net.bus[bus], {"long_name": "bus of the lowest voltage"}),
        "loading_max_percent": (highest, {"units": "percent", "long_name": "highest loading"}),
        "loading_max_branch": (net.branch[branch], {"long_name": "branch of the highest loading"}),
        "unserved_mw": (unserved, {"units": "MW", "long_name": "load without supply"}),
        "status": (status, status_flags(STATES)),
    }
    variables = {name: ("contingency", values, attributes) for name, (values, attributes) in columns.items()}
    return xr.Dataset(variables, {"contingency": net.branch[lost]}, {"title": net.name})


class _Outages(NamedTuple):
    """What is left after the loss of each of many branches alone."""

    lost: Index
    """Branches, (outage,)."""
    voltage: Complex
    """Bus voltages [pu], (bus, outage)."""
    energised: Mask
    """What is supplied, (bus, outage)."""
    converged: Mask
    """Which are solved, (outage,)."""
    flow: tuple[np.ndarray, np.ndarray]
    """Power [pu] that enters branches at their start and at their end, or its size, (branch, outage)."""


def _outages(net: PowerNetwork, lost: Index, enforce_q_limits: bool, tolerance: float) -> Iterator[_Outages]:
    """Outages of these branches, one part after another."""
    solver = _Solver(net, tolerance)
    held = (solver.kind == PV).any()
    if jumpers.find(net) is not None or jumpers.left(net) or (held and solver.coarse):
        yield _one_by_one(net, lost, enforce_q_limits, tolerance)
    elif held:
        yield from _held(solver, lost, enforce_q_limits, tolerance)
    else:
        demand = (net.load - solver.given)[:, None]
        slack = solver.start[solver.network.slack][:, None]
        result = without_generators.solve(solver.with_shunts(), slack, demand, lost, tolerance, demand[:, 0])
        flow = chord.branch_power(solver.network, result.voltage)
        yield _Outages(lost, result.voltage, result.energised, result.converged, flow)


def _held(solver: _Solver, lost: Index, enforce_q_limits: bool, tolerance: float) -> Iterator[_Outages]:
    """The same of a network with generators that hold a voltage; what fails is solved alone."""
    net = solver.net
    free, _, solved = solver._newton(net.load, solver.start, False)
    limited = None
    if enforce_q_limits and solved:
        limited, _, solved = solver._newton(net.load, solver.start, True)
    if not solved:
        yield _one_by_one(net, lost, enforce_q_limits, tolerance)
        return
    problem = outages.Problem(
        solver.network, net.shunt, solver.kind, net.load, solver.given - net.load, solver.limits(), free, limited
    )
    lose, size = outages.solve(problem, tolerance), max(AT_ONCE // max(len(net.start), len(net.bus)), 1)
    for first in range(0, len(lost), size):
        part = lost[first : first + size]
        voltage, energised, converged = lose(part)
        lowest = np.where(energised, np.abs(voltage), np.inf).min(axis=0)
        failed = np.flatnonzero(~(converged & (lowest > LOW)))
        if len(failed):
            alone = _one_by_one(net, part[failed], enforce_q_limits, tolerance)
            voltage[:, failed], energised[:, failed], converged[failed] = alone[1:4]
        yield _Outages(part, voltage, energised, converged, chord.branch_size(solver.network, voltage))


def _one_by_one(net: PowerNetwork, lost: Index, enforce_q_limits: bool, tolerance: float) -> _Outages:
    """Outages as power flows of networks without the branch."""
    kept = np.arange(len(net.in_service))[:, None] != lost
    cases = [
        _solution(replace(net, in_service=net.in_service & k), net.load[:, None], enforce_q_limits, tolerance)
        for k in kept.T
    ]
    solved, flows, _ = zip(*cases, strict=True)
    voltage = np.concatenate([s.voltage for s in solved], axis=1)
    energised = np.concatenate([s.kind for s in solved], axis=1) != DEAD
    converged = np.concatenate([s.status for s in solved]) == OK
    start, end = (np.concatenate(side, axis=1) for side in zip(*flows, strict=True))
    return _Outages(lost, voltage, energised, converged, (start, end))


def _worst(net: PowerNetwork, part: _Outages) -> tuple[np.ndarray, ...]:
    """Lowest voltage [pu] and bus, highest loading [%] and branch, unserved load [MW], which are solved, (outage,)."""
    lost, voltage, energised, converged, flow = part
    vm_pu = np.where(energised & converged, np.abs(voltage), np.nan)
    every = np.arange(len(lost))
    loading = np.where(converged, loading_percent(net, flow, vm_pu, np.fmax), np.nan)
    loading[lost, every] = np.nan
    unserved = np.where(energised, 0.0, np.real(net.load)[:, None]).sum(axis=0) * net.base_mva
    lowest, highest = np.nan_to_num(vm_pu, nan=np.inf).argmin(axis=0), np.nan_to_num(loading, nan=-1.0).argmax(axis=0)
    return vm_pu[lowest, every], lowest, loading[highest, every], highest, unserved, converged


def _solve(net: PowerNetwork, load: Complex, enforce_q_limits: bool, tolerance: float) -> xr.Dataset:
    """Results for loads [pu] (bus, scenario)."""
    finite = np.isfinite(load)
    solution, flow, accepted = _solution(net, np.where(finite, load, 0.0), enforce_q_limits, tolerance)
    status = np.where(finite.all(axis=0), solution.status, INVALID)
    return dataset(net, load, solution._replace(status=status), flow, accepted)


def _solution(
    net: PowerNetwork, load: Complex, enforce_q_limits: bool, tolerance: float
) -> tuple[Solution, tuple[Complex, Complex], float]:
    """Solution for finite loads [pu] (bus, scenario), flows [pu] into branches at both ends, and tolerance [pu]."""
    found = jumpers.find(net)
    if found is not None:
        return _solve_joined(net, found, load, enforce_q_limits, tolerance)
    solver = _Solver(net, tolerance)
    voltage, kind, status = solver.solve(load, enforce_q_limits)
    voltage = np.where(kind == DEAD, 0.0, voltage)
    return Solution(voltage, kind, status), chord.branch_power(solver.network, voltage), solver.tolerance


def _solve_joined(
    net: PowerNetwork, found: jumpers.Jumpers, load: Complex, enforce_q_limits: bool, tolerance: float
) -> tuple[Solution, tuple[Complex, Complex], float]:
    """The same of a network with jumpers."""
    solver, whole = _Solver(found.joined, tolerance), _Solver(found.apart, tolerance)
    injection, missed = whole.given[:, None] - load, np.zeros((len(found.first), load.shape[1]), complex)
    drop = np.zeros(load.shape, complex)
    joined_load = found.loads(load)
    voltage, kind, status = solver.solve(joined_load, enforce_q_limits)
    moving = status == OK
    for _ in range(MAX_PASSES):
        for s in np.flatnonzero(moving):
            node_voltage = np.where(kind[:, s] == DEAD, 0, voltage[:, s])
            drop[:, s], new = found.drops(whole.network, injection[:, s], node_voltage, drop[:, s])
            moving[s] = np.abs(new - missed[:, s]).max() > SETTLED
            missed[:, s] = new
        if not moving.any():
            break
        again = solver.solve(joined_load[:, moving] - missed[:, moving], enforce_q_limits)
        voltage[:, moving], kind[:, moving], status[moving] = again
        moving &= status == OK
    status = np.where(moving, NOT_CONVERGED, status)
    kind, as_one = found.kinds(kind), np.where(kind == DEAD, 0, voltage)[found.node]
    voltage = as_one + drop
    flow, (start, end) = chord.branch_power(whole.network, voltage), (net.start[found.branch], net.end[found.branch])
    for s in range(load.shape[1]):  # one by one, as numpy's complex products depend on how an array is laid out
        current = net.series[found.branch] * (drop[start, s] - drop[end, s])
        for power, at, sign in zip(flow, (start, end), (1, -1), strict=True):
            charged = net.charging[found.branch] / 2 * voltage[at, s]
            power[found.branch, s] = voltage[at, s] * np.conj(sign * current + charged)
    return Solution(voltage, kind, status), flow, solver.tolerance


def _step_taps(
    net: PowerNetwork, taps: TapChangers, load: Complex, enforce_q_limits: bool, tolerance: float
) -> xr.Dataset:
    """Solve and step tap changers until none moves; scenarios with the same positions go together."""
    scenarios = load.shape[1]
    position = np.repeat(taps.tap_pos[:, None].astype(float), scenarios, axis=1)
    parts: list[xr.Dataset] = []
    pending, order = np.arange(scenarios), []
    for turn in range(MAX_TAP_ROUNDS):
        stepping = []
        patterns, group = np.unique(position[:, pending], axis=1, return_inverse=True)
        for k, pattern in enumerate(patterns.T):
            members = pending[group.ravel() == k]
            result = _solve(net.at_taps(pattern), load[:, members], enforce_q_limits, tolerance)
            moved = _next_positions(net, taps, pattern, result.vm_pu.values)
            position[:, members] = moved
            settled = (moved == pattern[:, None]).all(axis=0) | (result.status.values != OK)
            hunting = ~settled & (turn == MAX_TAP_ROUNDS - 1)
            result["status"][hunting] = NOT_CONVERGED
            done = np.flatnonzero(settled | hunting)
            tap_pos = xr.DataArray(np.repeat(pattern[:, None], len(done), axis=1), dims=("tap_changer", "scenario"))
            tap_pos = tap_pos.assign_attrs(units="1", long_name="tap position")
            parts.append(result.isel(scenario=done).assign(tap_pos=tap_pos))
            order.extend(members[done])
            stepping.extend(members[~settled & ~hunting])
        pending = np.array(stepping, int)
        if not len(pending):
            break
    accepted = max(part.attrs["tolerance_pu"] for part in parts)
    joined = xr.concat(parts, "scenario", data_vars="minimal", join="exact", compat="override", coords="minimal")
    joined = joined.isel(scenario=np.argsort(order)).assign_coords(tap_changer=net.branch[taps.branch])
    return joined.assign_attrs(tolerance_pu=accepted)


def _next_positions(net: PowerNetwork, taps: TapChangers, pattern: Array, vm_pu: Array) -> Array:
    """Positions (tap_changer, scenario) one step on from `pattern` (tap_changer,) where a voltage leaves its band.

    Continuous changers go as far as would do if nothing else moved, by the tap's change of voltage [pandapower,
    ContinuousTapControl].
    """
    controlled = vm_pu[_first_label(net)[taps.bus]]
    raise_voltage = (controlled < taps.vm_lower_pu[:, None]) * 1.0 - (controlled > taps.vm_upper_pu[:, None])
    steps = raise_voltage * np.sign(taps.tap_step)[:, None]
    missing, continuous = taps.vm_lower_pu[:, None] - controlled, np.isfinite(taps.tolerance)[:, None]
    with np.errstate(invalid="ignore"):
        misses = np.abs(missing / controlled) >= taps.tolerance[:, None]
    steps = np.where(continuous, misses * missing / (taps.tap_step * taps.nominal)[:, None], steps)
    moved = pattern[:, None] + np.nan_to_num(steps) * taps.direction[:, None]
    return np.clip(moved, taps.tap_min[:, None], taps.tap_max[:, None])


def _first_label(net: PowerNetwork) -> Index:
    """Position of each bus among the labels of the Dataset, (bus,)."""
    if net.node is None:
        return np.arange(len(net.bus))
    position = np.zeros(len(net.bus), int)
    position[net.node[::-1]] = np.arange(len(net.node))[::-1]
    return position


def _loads(net: PowerNetwork, p_mw: ArrayLike | None, q_mvar: ArrayLike | None) -> Complex:
    """Complex loads [pu], (bus, scenario)."""
    p, q = _load(net, p_mw, np.real(net.load)), _load(net, q_mvar, np.imag(net.load))
    if len({p.shape[1], q.shape[1]} - {1}) > 1:
        raise ValueError(f"{net.name}: p_mw and q_mvar have {p.shape[1]} and {q.shape[1]} scenarios")
    return np.asarray(p + 1j * q, complex)


def _load(net: PowerNetwork, power: ArrayLike | None, default: Array) -> Array:
    """Loads [pu] (bus, scenario) from power [MW, Mvar] by label of the file, or from the file's own."""
    if power is None:
        return default[:, None]
    column, labels = np.asarray(power, float) / net.base_mva, len(net.bus) if net.node is None else len(net.node)
    column = column[:, None] if column.ndim == 1 else column
    if len(column) != labels:
        raise ValueError(f"{net.name}: loads have {len(column)} rows for {labels} buses")
    if column.ndim != 2 or column.shape[1] == 0:
        raise ValueError(f"{net.name}: loads are (bus, scenario), not {column.shape}")
    if net.node is None:
        return column
    by_bus = np.zeros((len(net.bus), column.shape[1]))
    np.add.at(by_bus, net.node, column)
    return by_bus


class _Solver:
    """A network as kernels take it, with what its generators inject and hold.

    `network` is the kernel's, without bus shunts; `kind` (bus,) is DEAD where no slack bus supplies; `given` (bus,) is
    the complex power generated [pu], `start` (bus,) the complex voltages [pu] at which Newton starts. `tolerance` [pu]
    is at least what rounding leaves of a balance; where it is more than was asked, the last step must be below WORST.
    """

    def __init__(self, net: PowerNetwork, tolerance: float) -> None:
        self.net = net
        column = lambda a: np.ascontiguousarray(np.asarray(a, complex)[:, None])  # noqa: E731
        passes = net.in_service & (net.kind[net.start] != DEAD) & (net.kind[net.end] != DEAD)
        series = np.where(passes & np.isfinite(net.series), net.series, 0)
        half = column(net.charging / 2)
        slack = np.flatnonzero(net.kind == SLACK)
        self.network = chord.Network(
            len(net.bus), net.start, net.end, column(series), half, half, column(net.ratio), slack
        )
        self.start = self._start()
        on = net.gen_in_service
        generation = np.zeros(len(net.bus), complex)
        np.add.at(generation, net.gen_bus[on], net.gen_power[on])
        self.given = np.where(net.kind == PQ, generation, np.real(generation))
        # A balance is never known better than the rounding of what flows through its bus.
        through = np.zeros(len(net.bus))
        np.add.at(through, net.start, np.abs(series))
        np.add.at(through, net.end, np.abs(series))
        self.tolerance = max(tolerance, 8 * np.finfo(float).eps * through.max(initial=0.0))
        self.coarse = self.tolerance > tolerance
        live = chord.live_buses(self.network, np.ones((len(slack), 1), complex))[:, 0]
        self.kind = np.where(live, net.kind, DEAD)

    def _start(self) -> Complex:
        """The file's voltages, with the magnitudes that generators hold."""
        net = self.net
        held = np.ones(len(net.bus))
        on = net.gen_in_service
        held[net.gen_bus[on]] = net.gen_voltage[on]
        initial = np.where(net.initial != 0, net.initial, 1.0)
        return np.where(net.kind >= PV, held, np.abs(initial)) * np.exp(1j * np.angle(initial))

    def solve(self, load: Complex, enforce_q_limits: bool) -> Solution:
        """Solution for finite loads [pu], (bus, scenario)."""
        scenarios = load.shape[1]
        kind = np.repeat(self.kind[:, None], scenarios, axis=1)
        if not (self.kind == PV).any() and not jumpers.left(self.net):
            voltage, converged = self._chord(load)
        else:
            voltage, converged = np.zeros(load.shape, complex), np.zeros(scenarios, bool)
        for s in np.flatnonzero(~converged):
            voltage[:, s], kind[:, s], converged[s] = self._from_starts(load[:, s], enforce_q_limits)
        status = np.where(converged, OK, NOT_CONVERGED)
        for s in np.flatnonzero(~converged) if not enforce_q_limits else ():
            voltage[:, s], share = self._continued(load[:, s])
            status[s] = OK if share == 1.0 else BEYOND_LOADABILITY if share > 0.0 else NOT_CONVERGED
        return Solution(voltage, kind, status)

    def _chord(self, load: Complex) -> tuple[Complex, Mask]:
        """All scenarios by chord Newton: voltages (bus, scenario) and which converged (scenario,)."""
        slack = self.start[self.network.slack][:, None]
        shunted = self.with_shunts()
        demand = load - self.given[:, None]
        result = chord.solve(shunted, slack, demand, self.tolerance, base=self.net.load - self.given)
        return result.voltage, result.converged

    def with_shunts(self) -> chord.Network:
        """The network with its bus shunts as branches from each bus to itself, half at either end."""
        net, at = self.network, np.flatnonzero(self.net.shunt != 0)
        if not len(at):
            return net
        append = lambda a, b: np.concatenate([a, np.broadcast_to(b, (len(at), 1)).astype(complex)])  # noqa: E731
        tiny = np.full((len(at), 1), 1e-9 + 0j)
        half = self.net.shunt[at][:, None] / 2
        return chord.Network(
            net.n,
            np.r_[net.start, at],
            np.r_[net.end, at],
            append(net.series, tiny),
            append(net.shunt_start, half),
            append(net.shunt_end, half),
            append(net.ratio, 1.0),
            net.slack,
        )

    def _from_starts(self, load: Complex, enforce_q_limits: bool) -> tuple[Complex, Index, bool]:
        """One scenario by full Newton from `start`, and where that fails or falls below LOW from the linear flow."""
        one = self._newton(load, self.start, enforce_q_limits)
        if one[2] and self._lowest(one) > LOW:
            return one
        other = self._newton(load, self._linear_flow(load), enforce_q_limits)
        return max(one, other, key=lambda found: (found[2], self._lowest(found)))

    def _lowest(self, found: tuple[Complex, Index, bool]) -> float:
        """Lowest voltage of a solution [pu]."""
        return float(np.abs(found[0][found[1] != DEAD]).min(initial=np.inf))

    def _linear_flow(self, load: Complex) -> Complex:
        """Voltages (bus,) to start from: angles of a flow without losses, magnitudes of one without load.

        B angle = P with susceptances 1 / (x ratio) [Stott, Jardim & Alsac, IEEE Trans. Power Syst. 24 (2009) 1290];
        Y V = 0 where no voltage is held. A singular matrix leaves what it stands for as in `start`.
        """
        net = self.net
        e = np.flatnonzero((self.network.series[:, 0] != 0) & (net.start != net.end))
        x, ratio = np.imag(1 / net.series[e]), net.ratio[e]
        b = 1 / np.where(x == 0, 1 / np.abs(net.series[e]), x) / np.abs(ratio)
        power = np.real(self.given - load)
        for ends, shift in ((net.start, np.angle(ratio)), (net.end, -np.angle(ratio))):
            np.add.at(power, ends[e], b * shift)
        angle = self._solved((b, -b, -b, b), e, np.angle(self.start), power, (PQ, PV))
        idle = np.abs(self.start) * np.exp(1j * angle)
        entries = [a[e, 0] for a in chord.admittances(self.network)]
        magnitude = np.abs(self._solved(entries, e, idle, np.zeros(len(idle)), (PQ,), net.shunt))
        return magnitude * np.exp(1j * angle)

    def _solved(
        self,
        entries: Sequence[Array | Complex],
        branch: Index,
        held: Array | Complex,
        right: Array | Complex,
        kinds: tuple[int, ...],
        own: ArrayLike = 0.0,
    ) -> Array | Complex:
        """Solution (bus,) of matrix x = right at buses of these kinds, x as it is `held` elsewhere.

        `entries` are own and mutual at the start, mutual and own at the end of branches, `own` what buses add.
        """
        n, start, end = len(held), self.net.start[branch], self.net.end[branch]
        i, k = (np.r_[np.arange(n), *ends] for ends in ((start, start, end, end), (start, end, start, end)))
        matrix = coo_array((np.r_[np.broadcast_to(own, n), *entries], (i, k)), shape=(n, n)).tocsr()
        free, found = np.isin(self.kind, kinds), held.copy()
        with suppress(RuntimeError):  # of a singular matrix, as reactances of both signs may make
            rest = right[free] - matrix[free][:, ~free] @ held[~free]
            found[free] = splu(matrix[free][:, free].tocsc()).solve(rest)
        return found

    def _newton(self, load: Complex, start: Complex, enforce_q_limits: bool) -> tuple[Complex, Index, bool]:
        """One scenario by full Newton; generators at a reactive limit become loads until none is beyond."""
        kind, injection = self.kind.copy(), self.given - load
        limits, at_limit, voltage = self.limits(), np.zeros(len(kind), int), start
        for _ in range(MAX_LIMIT_ROUNDS):
            voltage, converged = self._settled(injection, kind, start)
            if not (enforce_q_limits and converged):
                return voltage, kind, converged
            generated = newton.balance(self.network, self.net.shunt, voltage[:, None])[:, 0].imag + np.imag(load)
            stood, at_limit = at_limit, limits.moved(at_limit, kind, np.abs(voltage), generated)
            if (at_limit == stood).all():
                return voltage, kind, converged
            kind = np.where(at_limit != 0, PQ, self.kind)
            injection = self.given - load + 1j * limits.injected(at_limit)
            start = limits.hold(voltage, kind)
        return voltage, kind, False

    def _settled(self, injection: Complex, kind: Index, start: Complex) -> tuple[Complex, bool]:
        """Voltages (bus,) that balance an injection [pu] (bus,), and whether they do."""
        problem = (self.network, self.net.shunt, injection[:, None], kind)
        result = newton.solve(*problem, start[:, None], self.tolerance)
        voltage, converged = result.voltage, bool(result.converged[0])
        if converged and self.coarse:
            further = newton.solve(*problem, voltage, 0.0, 1).voltage
            converged = bool((np.abs(further - voltage) <= WORST).all())
            voltage = further if converged else voltage
        return voltage[:, 0], converged

    def limits(self) -> Limits:
        """What generators hold at each bus, and their reactive limits there."""
        net, on = self.net, self.net.gen_in_service
        min_q, max_q = np.zeros(len(net.bus)), np.zeros(len(net.bus))
        np.add.at(min_q, net.gen_bus[on], net.gen_min_q[on])
        np.add.at(max_q, net.gen_bus[on], net.gen_max_q[on])
        return Limits(np.abs(self.start), min_q, max_q)

    def _continued(self, load: Complex) -> tuple[Complex, float]:
        """Voltages at the largest share of load and generation that continuation from none reaches, and the share."""
        voltage, share, step = self.start, 0.0, 0.5
        while share < 1.0 and step > 0.01:
            trial = min(share + step, 1.0)
            injection = trial * (self.given - load)
            reached, converged = self._settled(injection, self.kind, voltage)
            if converged:
                voltage, share = reached, trial
            else:
                step *= 0.5
        return voltage, share
