"""Pipe flow and heat of a network of its own, from a file or from arrays, as a labelled Dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.kernels import friction as laws
from twin.kernels import pipe_flow as gradient
from twin.kernels import streams
from twin.networks import regulators
from twin.readers import epanet, loops
from twin.readers.tables import PipeNetwork

Array = NDArray[Any]
OK, NOT_CONVERGED, INVALID = range(3)
STATES = ("ok", "not_converged", "invalid")
FRICTION = {"churchill": laws.CHURCHILL, "swamee-jain": laws.SWAMEE_JAIN, "colebrook": laws.COLEBROOK}
SPEED = 1.0
"""m/s at which the iteration starts."""

RESTING = 1e-9
"""Share of the largest flow below which a branch's heat goes to its end instead of to its stream."""


def read_pipe_network(path: str | Path) -> PipeNetwork:
    """The pipe network of a file: EPANET `.inp`, or a facility loop `.json`; ValueError for what cannot be read."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    name = path.name.lower()
    if name.endswith(".inp"):
        return epanet.read(path)
    if name.endswith((".json", ".json.gz")):
        return loops.read(path)
    raise ValueError(f"{path.name}: neither .inp (EPANET) nor .json or .json.gz ({loops.FORMAT})")


def pipe_flow(
    network: PipeNetwork | str | Path,
    *,
    mdot_kg_per_s: Any = None,
    qext_w: Any = None,
    zeta: Any = None,
    friction: str | None = None,
    tolerance: float = 1e-9,
) -> xr.Dataset:
    """Solve a pipe network, or a file of one, for flow, pressure and, where a supply temperature is given, heat.

    `mdot_kg_per_s` (junction, scenario) replaces what junctions draw, `qext_w` the heat that branches take up and
    `zeta` their fittings (branch, scenario); `friction` is churchill, swamee-jain or colebrook. Results carry
    pandapipes' names, by pipe, pump and valve: flow positive from start to end, pressures at the height of their
    junction. What no open way joins to a junction of given pressure is not served: its pressures are NaN and it draws
    nothing. A scenario that fails has a status, `not_converged` or `invalid` for inputs that are no numbers.
    """
    net = network if isinstance(network, PipeNetwork) else read_pipe_network(network)
    law = friction or net.friction
    if law not in FRICTION:
        raise ValueError(f"{net.name}: friction {law!r} is none of {', '.join(FRICTION)}")
    given = {
        "mdot_kg_per_s": (mdot_kg_per_s, net.demand, "junction"),
        "qext_w": (qext_w, net.heat, "branch"),
        "zeta": (zeta, net.zeta, "branch"),
    }
    demand, heat, fitting = (_column(net, name, *value) for name, value in given.items())
    size = max(a.shape[1] for a in (demand, heat, fitting))
    for name, a in zip(given, (demand, heat, fitting), strict=True):
        if a.shape[1] not in (1, size):
            raise ValueError(f"{net.name}: {name} has {a.shape[1]} scenarios where others have {size}")
    invalid = ~np.all([np.isfinite(a).all(axis=0) & np.ones(size, bool) for a in (demand, heat, fitting)], axis=0)
    served = _served(net)
    demand = np.where(served[:, None], demand, 0.0)
    guess = net.density * SPEED * _area(net)
    pipes = net.kind == "pipe"
    if pipes.any():  # the diameters of valves may be anything
        guess = np.where(pipes, guess, np.minimum(guess, guess[pipes].max()))
    guess = np.clip(guess, net.least, net.most)[:, None]
    flow = regulators.solve(net, lambda n: _branches(n, fitting, FRICTION[law]), guess, demand, tolerance)
    status = np.where(invalid, INVALID, np.where(flow.converged, OK, NOT_CONVERGED))
    warm = _temperatures(net, flow.mass_flow, heat) if np.isfinite(net.supply).any() else None
    return _dataset(net, FRICTION[law], flow, warm, served, status)


def _column(net: PipeNetwork, name: str, given: Any, own: Array, rows: str) -> Array:
    column = own[:, None] if given is None else np.asarray(given, float)
    column = column[:, None] if column.ndim == 1 else column
    if column.ndim != 2 or len(column) != len(own) or column.shape[1] == 0:
        raise ValueError(f"{net.name}: {name} is ({rows}, scenario) with {len(own)} rows, not {column.shape}")
    return column


def _served(net: PipeNetwork) -> Array:
    """Junctions that open branches join to one whose pressure is given."""
    joined = (net.least != 0.0) | (net.most != 0.0)
    pairs, n = (net.start[joined], net.end[joined]), len(net.junction)
    label = connected_components(coo_array((np.ones(joined.sum()), pairs), shape=(n, n)), directed=False)[1]
    return np.isin(label, label[np.isfinite(net.held)])


def _area(net: PipeNetwork) -> Array:
    return np.pi * net.diameter**2 / 4.0


def _branches(net: PipeNetwork, zeta: Array, model: int) -> gradient.Network:
    """The branches as the kernel takes them."""
    square = (1.0 / (2.0 * net.density * _area(net) ** 2))[:, None]
    straight, powered = np.flatnonzero(net.length > 0), np.flatnonzero(net.factor != 0)
    lifted = np.flatnonzero((net.shutoff != 0) | (net.quadratic > 0))
    bounded = np.flatnonzero((net.least > -np.inf) | (net.most < np.inf))
    column = lambda a, rows: a[rows, None]  # noqa: E731
    zero = np.zeros((len(lifted), 1))
    return gradient.Network(
        n=len(net.junction),
        start=net.start,
        end=net.end,
        square=zeta * square,
        pipe=straight,
        friction=(square[:, 0] * net.length / net.diameter)[straight, None],
        reynolds=(net.diameter / (_area(net) * net.viscosity))[straight, None],
        rough=(net.roughness / net.diameter)[straight, None],
        powered=powered,
        factor=column(net.factor, powered),
        exponent=column(net.exponent, powered),
        straight=column(np.where(net.exponent < 1, np.maximum(net.least, 0.0), 0.0), powered),
        pump=lifted,
        shutoff=column(net.shutoff, lifted),
        quadratic=column(net.quadratic, lifted),
        quartic=zero,
        ceiling=zero + np.inf,
        control=bounded,
        min_flow=column(net.least, bounded),
        max_flow=column(net.most, bounded),
        model=model,
    )


def _temperatures(net: PipeNetwork, flow: Array, heat: Array) -> streams.Result:
    """Junctions, inlets and outlets, K: m cp (T_out - T_in) = heat, wall loss T_a + (T - T_a) exp(-U A / m cp)."""
    capacity = flow * net.heat_capacity
    rest = np.abs(flow) <= RESTING * np.abs(flow).max(axis=0, initial=0.0)
    rate = np.where(rest, 1.0, np.abs(capacity))
    keep = np.where(rest, 1.0, np.exp(-net.conductance[:, None] / rate))
    offset = np.where(rest, 0.0, (1.0 - keep) * net.ambient[:, None] + heat / rate)
    source = np.zeros((len(net.junction), flow.shape[1]))
    np.add.at(source, net.end, np.where(rest, heat, 0.0))
    program = streams.program(len(net.junction), net.start, net.end, [], [])
    fed = np.flatnonzero(np.isfinite(net.supply))
    return streams.solve(program, capacity, keep, np.zeros((0, 1)), offset, source, fed, net.supply[fed, None])


def _dataset(
    net: PipeNetwork, model: int, flow: gradient.Result, warm: Any, served: Array, status: Array
) -> xr.Dataset:
    weight = net.density * net.gravity
    piezometric = np.where(served[:, None], flow.pressure, np.nan)
    pressure = 1e-5 * (piezometric - weight * net.elevation[:, None])
    m = flow.mass_flow
    fed = np.zeros_like(flow.pressure)
    np.add.at(fed, net.start, m)
    np.subtract.at(fed, net.end, m)
    found: dict[str, Any] = {
        "p_bar": ("junction", pressure, "bar", "pressure at the height of the junction"),
        "head_m": ("junction", piezometric / weight, "m", "piezometric head"),
        "mdot_kg_per_s": ("junction", -fed, "kg s-1", "mass flow drawn, negative where it enters the network"),
    }
    if warm is not None:
        found["t_k"] = (
            "junction",
            np.where(served[:, None], warm.node, np.nan),
            "K",
            "temperature of the mixed streams",
        )
    reynolds = np.abs(m) * (net.diameter / (_area(net) * net.viscosity))[:, None]
    ahead = m >= 0
    for kind in ("pipe", "pump", "valve"):
        rows = net.kind == kind
        if not rows.any():
            continue
        start, end = net.start[rows], net.end[rows]
        own: dict[str, Any] = {
            "mdot_from_kg_per_s": (m[rows], "kg s-1", "mass flow from start to end"),
            "p_from_bar": (pressure[start], "bar", "pressure at the start"),
            "p_to_bar": (pressure[end], "bar", "pressure at the end"),
            "deltap_bar": (1e-5 * (piezometric[end] - piezometric[start]), "bar", "piezometric pressure rise"),
        }
        if kind != "pump":
            speed = m[rows] / (net.density * _area(net)[rows])[:, None]
            own["v_mean_m_per_s"] = (speed, "m s-1", "mean velocity")
            own["reynolds"] = (reynolds[rows], "1", "Reynolds number")
        if kind == "pipe":
            factor = laws.friction_factor(reynolds[rows], (net.roughness / net.diameter)[rows], model)
            own["lambda"] = (np.where(net.length[rows, None] > 0, factor, np.nan), "1", "Darcy friction factor")
        if warm is not None:
            at_start, at_end = np.where(ahead, warm.inlet, warm.outlet), np.where(ahead, warm.outlet, warm.inlet)
            own["t_from_k"] = (at_start[rows], "K", "temperature at the start")
            own["t_to_k"] = (at_end[rows], "K", "temperature at the end")
        found |= {f"{kind}_{k}": (kind, *value) for k, value in own.items()}
    solved = status == OK
    variables: dict[str, Any] = {
        k: ((d, "scenario"), np.where(solved, v, np.nan), {"units": u, "long_name": t})
        for k, (d, v, u, t) in found.items()
    }
    flags = {"flag_values": list(range(len(STATES))), "flag_meanings": " ".join(STATES)}
    variables["status"] = ("scenario", status.astype(np.int8), flags)
    labels = {"junction": net.junction}
    labels |= {kind: net.branch[net.kind == kind] for kind in ("pipe", "pump", "valve") if (net.kind == kind).any()}
    return xr.Dataset(variables, labels, {"title": net.name, "conventions": "; ".join(net.notes)})
