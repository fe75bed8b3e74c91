"""Power flow of a file that other programs write, as a labelled Dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.kernels import newton, outages
from twin.kernels import power_flow as chord
from twin.readers import matpower, pandapower, power_grid_model
from twin.readers.tables import DEAD, PQ, PV, SLACK, PowerNetwork

Array = NDArray[Any]
OK, BEYOND_LOADABILITY, NOT_CONVERGED, INVALID = range(4)
STATES = ("ok", "beyond_loadability", "not_converged", "invalid")
MOST_STEPS = 200
"""Rounds of tap changers."""

MOST_TURNS = 30
"""Rounds in which generators may change between holding their voltage and their reactive limit."""


def read_power_network(path: str | Path) -> PowerNetwork:
    """The power network of a file; ValueError for what cannot be read.

    MATPOWER `.m`, and `.json` of pandapower or power-grid-model.
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
    p_mw: Any = None,
    q_mvar: Any = None,
    *,
    enforce_q_limits: bool = False,
    tap_control: bool = False,
    tolerance: float = 1e-10,
) -> xr.Dataset:
    """Solve a power network, or a file of one, under pandapower's result names.

    `p_mw` and `q_mvar` (bus, scenario) replace the loads of the file. Networks without generators that hold a voltage
    go through chord Newton, all scenarios on one factor; the others, and what that does not settle, take full Newton.
    `enforce_q_limits` lets a generator leave its voltage where its reactive limit binds and return where it no longer
    does (MATPOWER's rule never returns; the slack bus is not limited). `tap_control` lets on-load tap changers step,
    one position at a time, until the voltages that they control lie in their bands or their range ends.

    A scenario that fails has a status: `beyond_loadability` where a solution exists at a lighter load but none at this
    one, `not_converged`, `invalid` for loads that are no numbers; the others stand.
    """
    net = network if isinstance(network, PowerNetwork) else read_power_network(network)
    load = _loads(net, p_mw, q_mvar)
    if tap_control and net.taps is not None:
        return _stepped(net, load, enforce_q_limits, tolerance)
    return _solved(net, load, enforce_q_limits, tolerance)


def _solved(net: PowerNetwork, load: Array, enforce_q_limits: bool, tolerance: float) -> xr.Dataset:
    solver = _Solver(net, tolerance)
    invalid = ~np.isfinite(load).all(axis=0)
    voltage, kind, status = solver.solve(np.where(np.isfinite(load), load, 0.0), enforce_q_limits)
    status = np.where(invalid, INVALID, status)
    return _dataset(net, solver, np.where(kind == DEAD, 0.0, voltage), load, kind, status)


def _stepped(net: PowerNetwork, load: Array, enforce_q_limits: bool, tolerance: float) -> xr.Dataset:
    """Solve and step tap changers until none moves; scenarios with the same positions go together."""
    t, size = net.taps, load.shape[1]
    assert t is not None
    position = np.repeat(t.position[:, None].astype(float), size, axis=1)
    parts: list[xr.Dataset] = []
    pending, order = np.arange(size), []
    for turn in range(MOST_STEPS):
        left = []
        patterns, group = np.unique(position[:, pending], axis=1, return_inverse=True)
        for k, pattern in enumerate(patterns.T):
            chosen = pending[group.ravel() == k]
            found = _solved(net.at_taps(pattern), load[:, chosen], enforce_q_limits, tolerance)
            size_pu = found.vm_pu.values[_first_label(net)[t.bus]]
            wanted = (size_pu < t.low[:, None]) * 1.0 - (size_pu > t.high[:, None])
            moved = pattern[:, None] + wanted * (t.raises * np.sign(t.step))[:, None]
            moved = np.clip(moved, t.least[:, None], t.most[:, None])
            position[:, chosen] = moved
            rest = (moved == pattern[:, None]).all(axis=0) | (found.status.values != OK)
            hunting = ~rest & (turn == MOST_STEPS - 1)
            found["status"][hunting] = NOT_CONVERGED
            done = np.flatnonzero(rest | hunting)
            at = xr.DataArray(np.repeat(pattern[:, None], len(done), axis=1), dims=("tap_changer", "scenario"))
            parts.append(found.isel(scenario=done).assign(tap_pos=at.assign_attrs(units="1", long_name="tap position")))
            order.extend(chosen[done])
            left.extend(chosen[~rest & ~hunting])
        pending = np.array(left, int)
        if not len(pending):
            break
    whole = xr.concat(parts, "scenario", data_vars="minimal", join="exact", compat="override", coords="minimal")
    return whole.isel(scenario=np.argsort(order)).assign_coords(tap_changer=net.branch[t.branch])


def _first_label(net: PowerNetwork) -> Array:
    """Place of each node among the labels of the Dataset."""
    if net.node is None:
        return np.arange(len(net.bus))
    place = np.zeros(len(net.bus), int)
    place[net.node[::-1]] = np.arange(len(net.node))[::-1]
    return place


def contingencies(network: PowerNetwork | str | Path, *, tolerance: float = 1e-8) -> xr.Dataset:
    """Loss of each branch alone (N-1): what stays supplied, the lowest voltage, the highest loading and where.

    Dimension `contingency`, named after the branch that is lost. For networks without generators that hold a voltage;
    raises ValueError for others.
    """
    net = network if isinstance(network, PowerNetwork) else read_power_network(network)
    solver = _Solver(net, tolerance)
    if (solver.kind == PV).any():
        raise ValueError(f"{net.name}: contingencies are solved for networks without generators that hold a voltage")
    demand = (net.load - solver.given)[:, None]
    slack = solver.start[solver.network.slack][:, None]
    lost = np.flatnonzero(net.in_service)
    found = outages.solve(solver.with_shunts(), slack, demand, lost, tolerance, demand[:, 0])
    good = found.converged
    size = np.where(found.energised & good, np.abs(found.voltage), np.nan)
    flow = chord.branch_power(solver.network, found.voltage)
    every = np.arange(len(lost))
    loading = np.where(good, _loading(net, flow, size, np.fmax), np.nan)
    loading[lost, every] = np.nan
    unserved = np.where(found.energised, 0.0, np.real(net.load)[:, None]).sum(axis=0) * net.base_mva
    lowest, highest = np.nan_to_num(size, nan=np.inf).argmin(axis=0), np.nan_to_num(loading, nan=-1.0).argmax(axis=0)
    flags = {"flag_values": list(range(len(STATES))), "flag_meanings": " ".join(STATES)}
    columns: dict[str, Any] = {
        "vm_min_pu": (size[lowest, every], {"units": "1", "long_name": "lowest voltage of what is supplied"}),
        "vm_min_bus": (net.bus[lowest], {"long_name": "bus of the lowest voltage"}),
        "loading_max_percent": (loading[highest, every], {"units": "percent", "long_name": "highest loading"}),
        "loading_max_branch": (net.branch[highest], {"long_name": "branch of the highest loading"}),
        "unserved_mw": (unserved, {"units": "MW", "long_name": "load without supply"}),
        "status": (np.where(good, OK, NOT_CONVERGED).astype(np.int8), flags),
    }
    variables = {k: ("contingency", v, attrs) for k, (v, attrs) in columns.items()}
    return xr.Dataset(variables, {"contingency": net.branch[lost]}, {"title": net.name})


def _loads(net: PowerNetwork, p_mw: Any, q_mvar: Any) -> Array:
    columns, labels = [], len(net.bus) if net.node is None else len(net.node)
    for given, own in ((p_mw, np.real(net.load)), (q_mvar, np.imag(net.load))):
        column = own[:, None] if given is None else np.asarray(given, float) / net.base_mva
        column = column[:, None] if column.ndim == 1 else column
        if given is not None and len(column) != labels:
            raise ValueError(f"{net.name}: loads have {len(column)} rows for {labels} buses")
        if given is not None and net.node is not None and column.ndim == 2:
            nodes = np.zeros((len(net.bus), column.shape[1]))
            np.add.at(nodes, net.node, column)
            column = nodes
        if column.ndim != 2 or column.shape[1] == 0:
            raise ValueError(f"{net.name}: loads are (bus, scenario), not {column.shape}")
        columns.append(column)
    if len({c.shape[1] for c in columns} - {1}) > 1:
        raise ValueError(f"{net.name}: p_mw and q_mvar have {columns[0].shape[1]} and {columns[1].shape[1]} scenarios")
    return np.asarray(columns[0] + 1j * columns[1], complex)


class _Solver:
    """The network as kernels take it."""

    def __init__(self, net: PowerNetwork, tolerance: float) -> None:
        self.net, self.tolerance = net, tolerance
        column = lambda a: np.ascontiguousarray(np.asarray(a, complex)[:, None])  # noqa: E731
        joined = net.in_service & (net.kind[net.start] != DEAD) & (net.kind[net.end] != DEAD)
        series = np.where(joined, np.where(np.isfinite(net.series), net.series, 0), 0)
        half = column(net.charging / 2)
        slack = np.flatnonzero(net.kind == SLACK)
        self.network = chord.Network(
            len(net.bus), net.start, net.end, column(series), half, half, column(net.ratio), slack
        )
        held = np.ones(len(net.bus))
        on = net.gen_in_service
        held[net.gen_bus[on]] = net.gen_voltage[on]
        own = np.where(net.initial != 0, net.initial, 1.0)
        self.start = np.where(net.kind >= PV, held, np.abs(own)) * np.exp(1j * np.angle(own))
        self.given = np.zeros(len(net.bus), complex)
        np.add.at(self.given, net.gen_bus[on], net.gen_power[on])
        self.given = np.where(net.kind == PQ, self.given, np.real(self.given))
        # A balance is never known better than the rounding of what flows through its bus.
        through = np.zeros(len(net.bus))
        np.add.at(through, net.start, np.abs(series))
        np.add.at(through, net.end, np.abs(series))
        self.tolerance = max(tolerance, 8 * np.finfo(float).eps * through.max(initial=0.0))
        self.kind = self._reached(series, slack)

    def _reached(self, series: Array, slack: Array) -> Array:
        """Bus kinds, DEAD where no slack bus supplies."""
        live = chord.live_buses(self.network, np.ones((len(slack), 1), complex))[:, 0]
        return np.where(live, self.net.kind, DEAD)

    def solve(self, load: Array, limits: bool) -> tuple[Array, Array, Array]:
        """Voltages (n, S), kinds of the buses (n, S) and a status (S,)."""
        scenarios = load.shape[1]
        kind = np.repeat(self.kind[:, None], scenarios, axis=1)
        if not (self.kind == PV).any():
            voltage, good = self._chord(load)
        else:
            voltage, good = np.zeros(load.shape, complex), np.zeros(scenarios, bool)
        for s in np.flatnonzero(~good):
            voltage[:, s], kind[:, s], good[s] = self._newton(load[:, s], limits)
        status = np.where(good, OK, NOT_CONVERGED)
        for s in np.flatnonzero(~good) if not limits else ():
            voltage[:, s], share = self._continued(load[:, s])
            status[s] = OK if share == 1.0 else BEYOND_LOADABILITY if share > 0.0 else NOT_CONVERGED
        return voltage, kind, status

    def _chord(self, load: Array) -> tuple[Array, Array]:
        slack = self.start[self.network.slack][:, None]
        shunted = self.with_shunts()
        demand = load - self.given[:, None]
        result = chord.solve(shunted, slack, demand, self.tolerance, base=self.net.load - self.given)
        return result.voltage, result.converged

    def with_shunts(self) -> chord.Network:
        """The network with its bus shunts as branches from each bus to itself, half at either end."""
        net, have = self.network, np.flatnonzero(self.net.shunt != 0)
        if not len(have):
            return net
        more = lambda a, b: np.concatenate([a, np.broadcast_to(b, (len(have), 1)).astype(complex)])  # noqa: E731
        tiny = np.full((len(have), 1), 1e-9 + 0j)
        half = self.net.shunt[have][:, None] / 2
        return chord.Network(
            net.n,
            np.r_[net.start, have],
            np.r_[net.end, have],
            more(net.series, tiny),
            more(net.shunt_start, half),
            more(net.shunt_end, half),
            more(net.ratio, 1.0),
            net.slack,
        )

    def _newton(self, load: Array, limits: bool) -> tuple[Array, Array, bool]:
        """One scenario by full Newton; generators at a reactive limit become loads until none is beyond."""
        kind, injection = self.kind.copy(), self.given - load
        start = self.start.copy()
        low, high = self._reactive()
        side, voltage = np.zeros(len(kind), int), start
        for _ in range(MOST_TURNS):
            given = (injection[:, None], kind, start[:, None])
            result = newton.solve(self.network, self.net.shunt, *given, self.tolerance)
            voltage, good = result.voltage[:, 0], bool(result.converged[0])
            if not (limits and good):
                return voltage, kind, good
            made = newton.balance(self.network, self.net.shunt, result.voltage)[:, 0].imag + np.imag(load)
            over, under = (kind == PV) & (made > high + 1e-9), (kind == PV) & (made < low - 1e-9)
            size, held = np.abs(voltage), np.abs(self.start)
            back = ((side > 0) & (size > held + 1e-9)) | ((side < 0) & (size < held - 1e-9))
            if not (over | under | back).any():
                return voltage, kind, good
            side = np.where(back, 0, np.where(over, 1, np.where(under, -1, side)))
            kind = np.where(side != 0, PQ, self.kind)
            limit = np.where(side > 0, high, np.where(side < 0, low, 0.0))
            injection = self.given - load + 1j * limit
            start = np.where(side != 0, voltage, np.where(self.kind >= PV, self.start, voltage))
        return voltage, kind, False

    def _reactive(self) -> tuple[Array, Array]:
        """Reactive limits of the generators at each bus, pu."""
        net, on = self.net, self.net.gen_in_service
        low, high = np.zeros(len(net.bus)), np.zeros(len(net.bus))
        np.add.at(low, net.gen_bus[on], net.gen_low[on])
        np.add.at(high, net.gen_bus[on], net.gen_high[on])
        return low, high

    def _continued(self, load: Array) -> tuple[Array, float]:
        """Voltages at the largest share of load and generation that continuation from none reaches, and the share."""
        start, share, step = self.start, 0.0, 0.5
        while share < 1.0 and step > 0.01:
            trial = min(share + step, 1.0)
            injection = trial * (self.given - load)[:, None]
            found = newton.solve(self.network, self.net.shunt, injection, self.kind, start[:, None], self.tolerance)
            if found.converged[0]:
                start, share = found.voltage[:, 0], trial
            else:
                step *= 0.5
        return start, share


def _loading(net: PowerNetwork, flow: Sequence[Array], size: Array, larger: Callable[..., Array]) -> Array:
    """Loading of branches, percent: a line's current, a transformer's apparent power, at the `larger` of both ends."""
    line, step = ~net.trafo[:, None], (net.vn_kv[net.start] / net.vn_kv[net.end])[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.abs(flow[0]) / np.where(line, size[net.start], 1.0)
        last = np.abs(flow[1]) / np.where(line, size[net.end] / step, 1.0)  # ratings are for the base of the start
        loading = 100.0 * larger(first, last) / net.rating[:, None]
    return np.where(np.isfinite(net.rating)[:, None], loading, np.nan)


def _dataset(net: PowerNetwork, solver: _Solver, voltage: Array, load: Array, kind: Array, status: Array) -> xr.Dataset:
    base, size, solved = net.base_mva, np.abs(voltage), status == OK
    live = solved & (kind != DEAD)
    sent = newton.balance(solver.network, net.shunt, voltage)
    own = newton.balance(solver.network, 0 * net.shunt, voltage)
    made = np.where(kind == DEAD, 0, sent + np.broadcast_to(load, sent.shape))
    flow = [base * f for f in chord.branch_power(solver.network, voltage)]
    ends = (net.start, net.end)
    with np.errstate(divide="ignore", invalid="ignore"):
        kilovolt = [np.sqrt(3.0) * size[at] * net.vn_kv[at][:, None] for at in ends]
        current = [np.abs(f) / kv for f, kv in zip(flow, kilovolt, strict=True)]
    loading = _loading(net, [f / base for f in flow], size, np.maximum)
    found: dict[str, Any] = {
        "vm_pu": ("bus", np.where(live, size, np.nan), "1", "voltage magnitude"),
        "va_degree": ("bus", np.where(live, np.degrees(np.angle(voltage)), np.nan), "degree", "voltage angle"),
        "p_mw": ("bus", -base * own.real, "MW", "active power consumed"),
        "q_mvar": ("bus", -base * own.imag, "Mvar", "reactive power consumed"),
        **_generators(net, made, kind, base),
    }
    over = {"line": "current over rated current", "trafo": "apparent power over rating"}
    for element, rows, one, other in (("line", ~net.trafo, "from", "to"), ("trafo", net.trafo, "hv", "lv")):
        for end, f, i in ((one, flow[0], current[0]), (other, flow[1], current[1])):
            found[f"{element}_p_{end}_mw"] = (element, f.real[rows], "MW", f"active power entering at the {end} side")
            found[f"{element}_q_{end}_mvar"] = (
                element,
                f.imag[rows],
                "Mvar",
                f"reactive power entering at the {end} side",
            )
            found[f"{element}_i_{end}_ka"] = (element, i[rows], "kA", f"current at the {end} side")
        loss = (flow[0] + flow[1])[rows]
        found[f"{element}_pl_mw"] = (element, loss.real, "MW", "active power lost")
        found[f"{element}_ql_mvar"] = (element, loss.imag, "Mvar", "reactive power taken")
        found[f"{element}_loading_percent"] = (element, loading[rows], "percent", over[element])
    if net.node is not None:
        found = {k: (d, v[net.node] if d == "bus" else v, u, t) for k, (d, v, u, t) in found.items()}
    found = {k: (d, np.where(solved, v, np.nan), u, t) for k, (d, v, u, t) in found.items()}
    variables: dict[str, Any] = {
        k: ((d, "scenario"), v, {"units": u, "long_name": t}) for k, (d, v, u, t) in found.items()
    }
    flags = {"flag_values": list(range(len(STATES))), "flag_meanings": " ".join(STATES)}
    variables["status"] = ("scenario", status.astype(np.int8), flags)
    bus = net.bus if net.label is None else net.label
    labels = {"bus": bus, "line": net.branch[~net.trafo], "trafo": net.branch[net.trafo]}
    attrs = {"title": net.name, "base_mva": base, "conventions": "; ".join(net.notes)}
    return xr.Dataset(variables, labels, attrs)


def _generators(net: PowerNetwork, made: Array, kind: Array, base: float) -> dict[str, Any]:
    """Power of each generator: those that share a bus share its reactive power by their ranges, as in MATPOWER."""
    on, at = net.gen_in_service, net.gen_bus
    active = np.where(on & (net.kind[at] != DEAD), np.real(net.gen_power), 0.0)[:, None] + np.zeros((1, made.shape[1]))
    active = np.where(kind[at] == DEAD, 0.0, active)
    others = np.zeros(made.shape)
    np.add.at(others, at[on], active[on])
    first = np.array([k for k, b in enumerate(at) if on[k] and b not in at[:k][on[:k]]], int)
    slack = first[net.kind[at[first]] == SLACK] if len(first) else first
    active[slack] += np.real(made)[at[slack]] - others[at[slack]]
    reach = np.where(np.isfinite(net.gen_high - net.gen_low), net.gen_high - net.gen_low, 1.0)
    reach = np.where(on, np.maximum(reach, 1e-9), 0.0)
    least = np.where(on & np.isfinite(net.gen_low), net.gen_low, 0.0)
    ranges, floor = np.zeros(len(net.bus)), np.zeros(len(net.bus))
    np.add.at(ranges, at, reach)
    np.add.at(floor, at, least)
    share = np.where(on, reach / np.maximum(ranges[at], 1e-12), 0.0)[:, None]
    reactive = np.where(on[:, None], least[:, None] + share * (np.imag(made)[at] - floor[at][:, None]), 0.0)
    held = np.isin(net.kind[at], (PV, SLACK))[:, None]
    reactive = np.where(held, reactive, np.where(on, np.imag(net.gen_power), 0.0)[:, None])
    return {
        "gen_p_mw": ("gen", base * active, "MW", "active power generated"),
        "gen_q_mvar": ("gen", base * reactive, "Mvar", "reactive power generated"),
    }
