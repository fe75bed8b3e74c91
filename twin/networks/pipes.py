"""Pipe flow and heat of a network of its own, from a file or from arrays, as a labelled Dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twin.kernels import friction as laws
from twin.kernels import pipe_flow as gradient
from twin.kernels import streams
from twin.kernels.connected import connected
from twin.kernels.later import later
from twin.networks import controls, regulators
from twin.networks.controls import State
from twin.networks.labels import Variable, label
from twin.readers import epanet, loops
from twin.readers.records import Array, Controls, Index, Mask, PipeNetwork

if TYPE_CHECKING:
    import xarray as xr
else:
    xr = later("xarray")

OK, NOT_CONVERGED, INVALID = range(3)
"""Status of a scenario."""

STATES = ("ok", "not_converged", "invalid")
"""Names of the statuses."""

FRICTION = {"churchill": laws.CHURCHILL, "swamee-jain": laws.SWAMEE_JAIN, "colebrook": laws.COLEBROOK}
"""The kernel's friction laws by name."""

KINDS = ("pipe", "pump", "valve")
"""Kinds of branch, dimensions of the Dataset."""

SPEED = 1.0
"""m/s at which the iteration starts."""

BLUNT = 0.01
"""Pressure [Pa] below which a law that rises with less than the first power of flow is a straight line, where flow has
one direction: it would be infinitely steep at rest."""

RESTING = 1e-9
"""Share of the largest flow below which a branch's heat goes to its end instead of to its stream."""


def read_pipe_network(path: str | Path) -> PipeNetwork:
    """The pipe network in the file at `path`: EPANET `.inp`, or a facility loop `.json` or `.json.gz`.

    Raises ValueError, naming the file and what is wrong, for what cannot be read.

    Examples
    --------
    >>> net = read_pipe_network("network.inp")
    """
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
    mdot_kg_per_s: ArrayLike | None = None,
    qext_w: ArrayLike | None = None,
    zeta: ArrayLike | None = None,
    friction: str | None = None,
    tolerance: float = 1e-9,
) -> xr.Dataset:
    """Solve a pipe network, or a file of one, for flow, pressure and, where a supply temperature is given, heat.

    Parameters
    ----------
    network
        A PipeNetwork, or the path of a file that `read_pipe_network` reads.
    mdot_kg_per_s
        Mass flow that junctions draw [kg/s], shape (junction,) or (junction, scenario); by default the file's.
    qext_w
        Heat that branches take up [W], (branch,) or (branch, scenario); by default the file's.
    zeta
        Loss coefficients of the branches' fittings [1], (branch,) or (branch, scenario); by default the file's.
    friction
        Law of the pipes' friction factor: churchill, swamee-jain or colebrook; by default the file's.
    tolerance
        Change of flow at which the iteration stops, over the largest flow.

    Returns
    -------
    xarray.Dataset
        pandapipes' result names by junction (`p_bar`, `mdot_kg_per_s`, `t_k`), pipe, pump and valve
        (`pipe_mdot_from_kg_per_s`, `valve_deltap_bar`, ...), shape (element, scenario): flow positive from start to
        end, pressures at the height of their junction. What no open way joins to a junction of given pressure is not
        served: its pressures are NaN and it draws nothing. A scenario that fails has a `status`, `not_converged` or
        `invalid` for inputs that are no numbers; the others stand.

    Raises
    ------
    ValueError
        For a file that cannot be read, an unknown friction law, and inputs that do not fit the network or each other.

    Examples
    --------
    >>> pipe_flow("loop.json")["p_bar"]
    """
    net = network if isinstance(network, PipeNetwork) else read_pipe_network(network)
    law = friction or net.friction
    if law not in FRICTION:
        raise ValueError(f"{net.name}: friction {law!r} is none of {', '.join(FRICTION)}")
    demand = _column(net, "mdot_kg_per_s", mdot_kg_per_s, net.demand, "junction")
    heat = _column(net, "qext_w", qext_w, net.heat, "branch")
    fittings = _column(net, "zeta", zeta, net.zeta, "branch")
    inputs = {"mdot_kg_per_s": demand, "qext_w": heat, "zeta": fittings}
    scenarios = max(a.shape[1] for a in inputs.values())
    for name, a in inputs.items():
        if a.shape[1] not in (1, scenarios):
            raise ValueError(f"{net.name}: {name} has {a.shape[1]} scenarios where others have {scenarios}")
    finite = [np.isfinite(a).all(axis=0) & np.ones(scenarios, bool) for a in inputs.values()]
    flow = _flow(net, fittings, demand, scenarios, FRICTION[law], tolerance)
    status = np.where(~np.all(finite, axis=0), INVALID, np.where(flow.converged, OK, NOT_CONVERGED))
    temperature = _temperatures(net, flow.mass_flow, heat) if np.isfinite(net.supply).any() else None
    solution = _Solution(flow.mass_flow, flow.pressure, temperature)
    variables = _junctions(net, solution)
    for kind in KINDS:
        variables |= _branch_results(net, kind, solution, FRICTION[law])
    coordinates = {"junction": net.junction}
    coordinates |= {kind: net.branch[net.kind == kind] for kind in KINDS if (net.kind == kind).any()}
    return label(variables, status, STATES, coordinates, {"title": net.name, "conventions": "; ".join(net.notes)})


def _column(net: PipeNetwork, name: str, values: ArrayLike | None, default: Array, rows: str) -> Array:
    """An input as (rows, scenario), `default` (rows,) where there is none."""
    column = default[:, None] if values is None else np.asarray(values, float)
    column = column[:, None] if column.ndim == 1 else column
    if column.ndim != 2 or len(column) != len(default) or column.shape[1] == 0:
        raise ValueError(f"{net.name}: {name} is ({rows}, scenario) with {len(default)} rows, not {column.shape}")
    return column


def _flow(
    net: PipeNetwork, fittings: Array, demand: Array, scenarios: int, model: int, tolerance: float
) -> gradient.Result:
    """Flows and pressures of all scenarios; pressures are NaN where nothing is served."""
    anchors = np.flatnonzero(np.isfinite(net.held))
    held = net.held[anchors, None]
    demand = np.broadcast_to(demand, (len(demand), scenarios))

    def flows(state: State, members: Index) -> gradient.Result:
        served, network = _served(net, state), _branches(net, state, model)
        drawn = np.where(served, demand[:, members], 0.0)
        guess = np.array(np.broadcast_to(_guess(net, state), (len(net.start), len(members))))
        if net.regulators is None:
            result = gradient.solve(network, anchors, held, guess, drawn, tolerance)
        else:
            setting = np.broadcast_to(state.held, (len(state.held), len(members)))
            result = regulators.solve(network, net.regulators, setting, anchors, held, guess, drawn, tolerance)
        return replace(result, pressure=np.where(served, result.pressure, np.nan))

    return controls.solve(net, controls.at_start(net, fittings), scenarios, flows)


def _served(net: PipeNetwork, state: State) -> Mask:
    """Junctions that open branches join to one whose pressure is given, (junction, 1|scenario)."""
    is_open = np.asarray((state.min_flow != 0.0) | (state.max_flow != 0.0))
    patterns, of = np.unique(is_open, axis=1, return_inverse=True)
    n, served = len(net.junction), []
    for pattern in patterns.T:
        part = connected(n, net.start[pattern], net.end[pattern])
        served.append(np.isin(part, part[np.isfinite(net.held)]))
    return np.array(served).T[:, of.ravel()]


def _area(net: PipeNetwork) -> Array:
    """Cross section of each branch [m²], (branch,)."""
    return np.pi * net.diameter**2 / 4.0


def _guess(net: PipeNetwork, state: State) -> Array:
    """Mass flows [kg/s] (branch, 1|scenario) at which the iteration starts."""
    guess = net.density * SPEED * _area(net)
    pipes = net.kind == "pipe"
    if pipes.any():  # the diameters of valves may be anything
        guess = np.where(pipes, guess, np.minimum(guess, guess[pipes].max()))
    return np.clip(guess[:, None], state.min_flow, state.max_flow)


def _branches(net: PipeNetwork, state: State, model: int) -> gradient.Network:
    """The branches as the kernel takes them, with what controls may change and a friction law.

    Which branches have which laws and bounds is the same in all states, so that no scenario's depends on another's.
    """
    square = (1.0 / (2.0 * net.density * _area(net) ** 2))[:, None]
    pipe = np.flatnonzero(net.length > 0)
    powered = _rows(net, net.factor != 0, lambda c: c.factor != 0)
    pump = _rows(net, (net.shutoff != 0) | (net.quadratic > 0), lambda c: c.shutoff != 0)
    if net.regulators is not None:
        pump = np.union1d(pump, net.regulators.branch)
    bounded = _rows(net, _bounded(net), _bounded)
    zero = np.zeros((len(pump), 1))
    exponent, low = state.exponent[powered], np.maximum(state.min_flow[powered], 0.0)
    with np.errstate(divide="ignore"):
        blunt = (BLUNT / np.abs(state.factor[powered])) ** (1.0 / exponent)
    low = np.where((exponent > 0) & (state.min_flow[powered] >= 0), blunt, low)
    return gradient.Network(
        n=len(net.junction),
        start=net.start,
        end=net.end,
        square=state.zeta * square,
        pipe=pipe,
        friction=(square[:, 0] * net.length / net.diameter)[pipe, None],
        reynolds=(net.diameter / (_area(net) * net.viscosity))[pipe, None],
        rough=(net.roughness / net.diameter)[pipe, None],
        powered=powered,
        factor=state.factor[powered],
        exponent=exponent,
        straight=np.where(exponent < 1, low, 0.0),
        pump=pump,
        shutoff=state.shutoff[pump],
        quadratic=net.quadratic[pump, None],
        quartic=zero,
        ceiling=zero + np.inf,
        control=bounded,
        min_flow=state.min_flow[bounded],
        max_flow=state.max_flow[bounded],
        model=model,
    )


def _rows(net: PipeNetwork, has: Mask, acquires: Callable[[Controls], Mask]) -> Index:
    """Branches that have something from the start or by a control."""
    by_control = np.zeros(0, np.int64) if net.controls is None else net.controls.branch[acquires(net.controls)]
    return np.union1d(np.flatnonzero(has), by_control)


def _bounded(of: PipeNetwork | Controls) -> Mask:
    """Where flows have bounds."""
    return (of.min_flow > -np.inf) | (of.max_flow < np.inf)


def _temperatures(net: PipeNetwork, mass_flow: Array, heat: Array) -> streams.Result:
    """Temperatures [K] of junctions, inlets and outlets for flows [kg/s] and heat [W], (branch, scenario).

    m cp (T_out - T_in) = heat, and the wall's loss T_a + (T - T_a) exp(-U A / m cp).
    """
    capacity = mass_flow * net.heat_capacity
    rest = np.abs(mass_flow) <= RESTING * np.abs(mass_flow).max(axis=0, initial=0.0)
    rate = np.where(rest, 1.0, np.abs(capacity))
    keep = np.where(rest, 1.0, np.exp(-net.conductance[:, None] / rate))
    offset = np.where(rest, 0.0, (1.0 - keep) * net.ambient[:, None] + heat / rate)
    source = np.zeros((len(net.junction), mass_flow.shape[1]))
    np.add.at(source, net.end, np.where(rest, heat, 0.0))
    program = streams.program(len(net.junction), net.start, net.end, [], [])
    fed = np.flatnonzero(np.isfinite(net.supply))
    return streams.solve(program, capacity, keep, np.zeros((0, 1)), offset, source, fed, net.supply[fed, None])


class _Solution(NamedTuple):
    """What a network's solution consists of."""

    mass_flow: Array
    """From start to end [kg/s], (branch, scenario)."""
    piezometric: Array
    """Piezometric pressure [Pa], NaN where nothing is served, (junction, scenario)."""
    temperature: streams.Result | None
    """Temperatures [K], None without heat."""

    def pressure_bar(self, net: PipeNetwork, junction: Index) -> Array:
        """Pressure at the height of some junctions [bar], (junction, scenario)."""
        weight = net.density * net.gravity
        return 1e-5 * (self.piezometric[junction] - weight * net.elevation[junction, None])

    def end_temperatures(self, rows: Mask) -> tuple[Array, Array]:
        """Temperatures [K] at the start and at the end of some branches, (branch, scenario) each."""
        assert self.temperature is not None
        inlet, outlet, ahead = self.temperature.inlet[rows], self.temperature.outlet[rows], self.mass_flow[rows] >= 0
        return np.where(ahead, inlet, outlet), np.where(ahead, outlet, inlet)


def _junctions(net: PipeNetwork, solution: _Solution) -> dict[str, Variable]:
    """Pressure, head, mass flow drawn and, if there is heat, temperature."""
    pressure = solution.pressure_bar(net, np.arange(len(net.junction)))
    head = solution.piezometric / (net.density * net.gravity)
    fed = np.zeros_like(head)
    np.add.at(fed, net.start, solution.mass_flow)
    np.subtract.at(fed, net.end, solution.mass_flow)
    drawn = "mass flow drawn, negative where it enters the network"
    variables = {
        "p_bar": Variable("junction", pressure, "bar", "pressure at the height of the junction"),
        "head_m": Variable("junction", head, "m", "piezometric head"),
        "mdot_kg_per_s": Variable("junction", -fed, "kg s-1", drawn),
    }
    if solution.temperature is not None:
        mixed = np.where(np.isnan(solution.piezometric), np.nan, solution.temperature.node)
        variables["t_k"] = Variable("junction", mixed, "K", "temperature of the mixed streams")
    return variables


def _branch_results(net: PipeNetwork, kind: str, solution: _Solution, model: int) -> dict[str, Variable]:
    """Results of the pipes, pumps or valves; none where there are none."""
    rows = net.kind == kind
    if not rows.any():
        return {}
    mass_flow, start, end = solution.mass_flow[rows], net.start[rows], net.end[rows]
    rise = 1e-5 * (solution.piezometric[end] - solution.piezometric[start])
    columns = {
        "mdot_from_kg_per_s": (mass_flow, "kg s-1", "mass flow from start to end"),
        "p_from_bar": (solution.pressure_bar(net, start), "bar", "pressure at the start"),
        "p_to_bar": (solution.pressure_bar(net, end), "bar", "pressure at the end"),
        "deltap_bar": (rise, "bar", "piezometric pressure rise"),
    }
    area, diameter = _area(net)[rows], net.diameter[rows]
    reynolds = np.abs(mass_flow) * (diameter / (area * net.viscosity))[:, None]
    if kind != "pump":
        columns["v_mean_m_per_s"] = (mass_flow / (net.density * area)[:, None], "m s-1", "mean velocity")
        columns["reynolds"] = (reynolds, "1", "Reynolds number")
    if kind == "pipe":
        factor = laws.friction_factor(reynolds, net.roughness[rows] / diameter, model)
        columns["lambda"] = (np.where(net.length[rows, None] > 0, factor, np.nan), "1", "Darcy friction factor")
    if solution.temperature is not None:
        at_start, at_end = solution.end_temperatures(rows)
        columns["t_from_k"] = (at_start, "K", "temperature at the start")
        columns["t_to_k"] = (at_end, "K", "temperature at the end")
    return {f"{kind}_{name}": Variable(kind, *column) for name, column in columns.items()}
