"""Solved bus voltages as results: powers, currents, losses and loadings under pandapower's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.kernels.later import later
from twin.networks.labels import Variable, label
from twin.readers.records import DEAD, PV, SLACK, Array, Complex, Index, Mask, PowerNetwork

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = later("xarray")

OK, BEYOND_LOADABILITY, NOT_CONVERGED, INVALID = range(4)
"""Status of a scenario."""

STATES = ("ok", "beyond_loadability", "not_converged", "invalid")
"""Names of the statuses."""

LOADING = {"line": "current over rated current", "trafo": "apparent power over rating"}
"""Meaning of the loading of each kind of branch."""


class Solution(NamedTuple):
    """What a solver returns for a batch of scenarios."""

    voltage: Complex
    """Complex bus voltages [pu], (bus, scenario); those of dead buses have no meaning."""
    kind: Index
    """PQ, PV, SLACK, or DEAD where no slack bus supplies, (bus, scenario)."""
    status: Index
    """OK, BEYOND_LOADABILITY, NOT_CONVERGED or INVALID, (scenario,)."""


def dataset(
    net: PowerNetwork, load: Complex, solution: Solution, flow: tuple[Complex, Complex], tolerance: float
) -> xr.Dataset:
    """Results under pandapower's names, for loads [pu] (bus, scenario).

    `flow` is the power [pu] that enters branches at their start and at their end, (branch, scenario) each, `tolerance`
    [pu] the imbalance at a bus up to which a solution was accepted.
    """
    voltage, kind, status = solution
    sent = np.zeros(voltage.shape, complex)
    for at, power in zip((net.start, net.end), flow, strict=True):
        np.add.at(sent, at, power)
    shunted = np.conj(net.shunt)[:, None] * np.abs(voltage) ** 2
    generated = np.where(kind == DEAD, 0, sent + shunted + load)
    variables = {
        **_buses(net, sent, voltage, (status == OK) & (kind != DEAD)),
        **_generators(net, generated, kind),
        **_branches(net, flow, voltage),
    }
    if net.node is not None:
        variables = {k: v._replace(values=v.values[net.node]) if v.dim == "bus" else v for k, v in variables.items()}
    coordinates = {
        "bus": net.bus if net.label is None else net.label,
        "line": net.branch[~net.trafo],
        "trafo": net.branch[net.trafo],
    }
    attributes = {"title": net.name, "base_mva": net.base_mva, "conventions": "; ".join(net.notes)}
    attributes["tolerance_pu"] = tolerance
    return label(variables, status, STATES, coordinates, attributes)


def loading_percent(net: PowerNetwork, flow: Sequence[np.ndarray], vm_pu: Array, larger: np.ufunc) -> Array:
    """Loading of branches [%] (branch, scenario): a line's current, a transformer's apparent power over its rating.

    `flow` is the power [pu] that enters at the start and at the end, or its size, (branch, scenario) each, `vm_pu` the
    voltage magnitude (bus, scenario); `larger` takes the larger of both ends, np.maximum or, where NaN is to be passed
    over, np.fmax. NaN without a rating.
    """
    line = ~net.trafo[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        step = (net.vn_kv[net.start] / net.vn_kv[net.end])[:, None]
        step = np.where((step > 0) & np.isfinite(step), step, 1.0)  # 1 where a rated voltage is not known
        at_start = np.abs(flow[0]) / np.where(line, vm_pu[net.start], 1.0)
        at_end = np.abs(flow[1]) / np.where(line, vm_pu[net.end] / step, 1.0)  # ratings are on the base of the start
        loading = 100.0 * larger(at_start, at_end) / net.rating[:, None]
    return np.where(np.isfinite(net.rating)[:, None], loading, np.nan)


def _buses(net: PowerNetwork, sent: Complex, voltage: Complex, energised: Mask) -> dict[str, Variable]:
    angle = np.degrees(np.angle(voltage))
    return {
        "vm_pu": Variable("bus", np.where(energised, np.abs(voltage), np.nan), "1", "voltage magnitude"),
        "va_degree": Variable("bus", np.where(energised, angle, np.nan), "degree", "voltage angle"),
        "p_mw": Variable("bus", -net.base_mva * sent.real, "MW", "active power consumed"),
        "q_mvar": Variable("bus", -net.base_mva * sent.imag, "Mvar", "reactive power consumed"),
    }


def _branches(net: PowerNetwork, entering: tuple[Complex, Complex], voltage: Complex) -> dict[str, Variable]:
    """Powers that enter at both ends, currents, losses and loadings of lines, then of transformers."""
    base, vm_pu = net.base_mva, np.abs(voltage)
    flow = [base * power for power in entering]
    with np.errstate(divide="ignore", invalid="ignore"):
        rated = np.where(net.vn_kv > 0, net.vn_kv, np.nan)  # 0 where it is not known
        kilovolt = [np.sqrt(3.0) * vm_pu[at] * rated[at][:, None] for at in (net.start, net.end)]
        current = [np.abs(power) / kv for power, kv in zip(flow, kilovolt, strict=True)]
    loading = loading_percent(net, entering, vm_pu, np.maximum)
    variables: dict[str, Variable] = {}
    for element, rows, sides in (("line", ~net.trafo, ("from", "to")), ("trafo", net.trafo, ("hv", "lv"))):
        for side, power, amperes in zip(sides, flow, current, strict=True):
            p, q, i = power.real[rows], power.imag[rows], amperes[rows]
            variables |= {
                f"{element}_p_{side}_mw": Variable(element, p, "MW", f"active power entering at the {side} side"),
                f"{element}_q_{side}_mvar": Variable(element, q, "Mvar", f"reactive power entering at the {side} side"),
                f"{element}_i_{side}_ka": Variable(element, i, "kA", f"current at the {side} side"),
            }
        loss = (flow[0] + flow[1])[rows]
        variables |= {
            f"{element}_pl_mw": Variable(element, loss.real, "MW", "active power lost"),
            f"{element}_ql_mvar": Variable(element, loss.imag, "Mvar", "reactive power taken"),
            f"{element}_loading_percent": Variable(element, loading[rows], "percent", LOADING[element]),
        }
    return variables


def _generators(net: PowerNetwork, generated: Complex, kind: Index) -> dict[str, Variable]:
    """Power of each generator, of what its bus generates [pu], (bus, scenario)."""
    active, reactive = _active_power(net, np.real(generated), kind), _reactive_power(net, np.imag(generated))
    return {
        "gen_p_mw": Variable("gen", net.base_mva * active, "MW", "active power generated"),
        "gen_q_mvar": Variable("gen", net.base_mva * reactive, "Mvar", "reactive power generated"),
    }


def _active_power(net: PowerNetwork, generated: Array, kind: Index) -> Array:
    """What generators are set to [pu] (gen, scenario); the first at each slack bus takes what is missing there."""
    on, at = net.gen_in_service, net.gen_bus
    active = np.where(on & (net.kind[at] != DEAD), np.real(net.gen_power), 0.0)[:, None]
    active = np.where(kind[at] == DEAD, 0.0, active + np.zeros((1, generated.shape[1])))
    scheduled = np.zeros(generated.shape)
    np.add.at(scheduled, at[on], active[on])
    first = np.array([k for k, bus in enumerate(at) if on[k] and bus not in at[:k][on[:k]]], int)
    slack = first[net.kind[at[first]] == SLACK] if len(first) else first
    active[slack] += generated[at[slack]] - scheduled[at[slack]]
    return active


def _reactive_power(net: PowerNetwork, generated: Array) -> Array:
    """Reactive power [pu] (gen, scenario): generators of one bus share it by their ranges, as in MATPOWER."""
    on, at = net.gen_in_service, net.gen_bus
    span = np.where(np.isfinite(net.gen_max_q - net.gen_min_q), net.gen_max_q - net.gen_min_q, 1.0)
    span = np.where(on, np.maximum(span, 1e-9), 0.0)
    lower = np.where(on & np.isfinite(net.gen_min_q), net.gen_min_q, 0.0)
    bus_span, bus_lower = np.zeros(len(net.bus)), np.zeros(len(net.bus))
    np.add.at(bus_span, at, span)
    np.add.at(bus_lower, at, lower)
    share = np.where(on, span / np.maximum(bus_span[at], 1e-12), 0.0)[:, None]
    shared = np.where(on[:, None], lower[:, None] + share * (generated[at] - bus_lower[at][:, None]), 0.0)
    holds_voltage = np.isin(net.kind[at], (PV, SLACK))[:, None]
    return np.where(holds_voltage, shared, np.where(on, np.imag(net.gen_power), 0.0)[:, None])
