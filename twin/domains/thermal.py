"""Temperatures of all coolant and air streams, across exchangers and heat rejection, in one linear solve."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from twin.columns import Array, Column, Solved, audit, cooler, exchange
from twin.domains.compute import AIR_HEAT
from twin.elements import Driver, Exchange, Response, System, total
from twin.fluids import fluid
from twin.kernels import exchangers, streams
from twin.kernels.arrays import add_rows, filled, share

STROKE = 4.0
"""Factor by which a valve may change its flow in one pass."""

WIDEST = 1e3
"""Flow over rated up to which a valve is searched that states no maximum."""


class Properties(NamedTuple):
    """Coolant properties of each pipe, (pipe, scenario), and cp of every stream (equal within a loop)."""

    density: Array
    viscosity: Array
    conductivity: Array
    cp: Array


class Control(NamedTuple):
    """What valves and staging did in the last pass.

    held: valves that hold their set point (exchange, scenario). cold: coolers whose inlet lay below their set point
    (cooler, scenario). kept: units that run at least (cooler, scenario), None to stage them anew. frozen: whether just
    so many run. trusted: whether coolers are taken to hold their set points.
    """

    held: Array
    cold: Array
    kept: Array | None = None
    frozen: bool = False
    trusted: bool = False


class Temperatures(NamedTuple):
    """Solved temperatures, and what valves should do.

    node, inlet, outlet: of nodes and streams [K] (node or stream, scenario). target: cold flow for valves [kg/s], NaN
    without set point (exchange, scenario). held, cold: see Control. columns: of exchangers, coolers and the audit.
    """

    node: Array
    inlet: Array
    outlet: Array
    target: Array
    held: Array
    cold: Array
    columns: Solved


def properties(plant: System, node: Array, flow: Array) -> Properties:
    """Fluid properties at the inlets that streams of `flow` [kg/s] have.

    cp is that at the mean of each loop's nodes, so that m cp is conserved at nodes; a mean of inlets would jump where
    a pipe at rest turns.
    """
    shape = (len(plant.start), node.shape[1])
    rho, mu, k, cp = (filled(shape, AIR_HEAT, like=node) for _ in range(4))
    pipes = len(plant.pipe.start)
    for name, rows, loop in plant.medium:
        upstream = np.where(flow[rows] >= 0, plant.start[rows][:, None], plant.end[rows][:, None])
        medium, T = fluid(name), np.take_along_axis(node, upstream, axis=0)
        rho[rows], mu[rows], k[rows] = medium.density(T), medium.viscosity(T), medium.conductivity(T)
        loops, number = np.unique(loop, return_inverse=True)
        sums = np.zeros((len(loops), shape[1]), like=node)
        add_rows(sums, number, 0.5 * (node[plant.start[rows]] + node[plant.end[rows]]))
        cp[rows] = medium.heat_capacity(sums / np.bincount(number)[:, None])[number]
    return Properties(rho[:pipes], mu[:pipes], k[:pipes], cp)


def effectiveness(e: Exchange, hot: Array, cold: Array, cp_hot: Array, cp_cold: Array) -> Array:
    """Effectiveness of exchangers at mass flows hot and cold [kg/s], never above 1."""
    ua = exchangers.conductance(
        np.abs(hot), np.abs(cold), e.rated_hot, e.rated_cold, e.film_hot, e.film_cold, e.exponent, e.fouling
    )
    C_hot, C_cold = np.abs(hot) * cp_hot, np.abs(cold) * cp_cold
    smaller, larger = np.minimum(C_hot, C_cold), np.maximum(C_hot, C_cold)
    ntu, ratio = share(ua, smaller, 1e-9), share(smaller, larger, 1e-9)
    return np.where(e.crossflow > 0.5, exchangers.crossflow(ntu, ratio), exchangers.counterflow(ntu, ratio))


class Sides(NamedTuple):
    """Inlets of both sides of exchangers, (exchange, scenario): cp [J/(kg K)], temperatures [K]."""

    cp_hot: Array
    cp_cold: Array
    hot: Array
    cold: Array


def valve(e: Exchange, flow: Array, sides: Sides, ceiling: Array) -> Array:
    """Cold flow [kg/s] that brings the hot outlet of `flow` [kg/s] to the set point, from min_flow to `ceiling`.

    By bisection: the duty C_hot (T_hot - set point) is what effectiveness-NTU gives at that flow.
    """
    C_hot = np.abs(flow) * sides.cp_hot
    required = C_hot * (sides.hot - e.set_point)
    low = np.broadcast_to(e.min_flow, required.shape).copy()
    high = np.maximum(np.broadcast_to(ceiling, required.shape), low).copy()
    for _ in range(46):
        middle = 0.5 * (low + high)
        smaller = np.minimum(C_hot, middle * sides.cp_cold)
        eps = effectiveness(e, flow, middle, sides.cp_hot, sides.cp_cold)
        enough = eps * smaller * (sides.hot - sides.cold) >= required
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return 0.5 * (low + high)


def temperatures(
    plant: System, flow: Array, cp: Array, node: Array, control: Control, gains: Array, fed: Array
) -> Temperatures:
    """One pass: rejection laws linearised at the last inlets, one linear solve, then what the valves should do.

    flow, cp: of streams [kg/s], [J/(kg K)] (stream, scenario). node: last temperatures [K]. gains: heat into nodes [W]
    (node, scenario). fed: 0 for coolers without supply, which let the coolant pass (cooler, scenario). A held exchanger
    brings its hot outlet to the set point and gives the cold side that heat; otherwise effectiveness-NTU at the flows
    as they are.
    """
    e, size, held = plant.exchange, flow.shape[1], control.held
    C = flow * cp
    upstream = lambda s: np.where(flow[s] >= 0, node[plant.start[s]], node[plant.end[s]])  # noqa: E731
    line = _Line(np.ones_like(C), np.zeros_like(C))
    hot, chilled = e.hot, e.cold
    C_hot, C_cold = np.abs(C[hot]), np.abs(C[chilled])
    smaller = np.minimum(C_hot, C_cold)
    eps = effectiveness(e, flow[hot], flow[chilled], cp[hot], cp[chilled])
    transfer = eps * smaller
    ratio_hot, ratio_cold = share(transfer, C_hot, 1e-9), share(transfer, C_cold, 1e-9)
    full = share(C_hot, C_cold, 1e-9)
    set_point = np.where(np.isfinite(e.set_point), e.set_point, 0.0)
    line.slope[hot] = np.where(held, 0.0, 1.0 - ratio_hot)
    line.offset[hot] = np.where(held, set_point, 0.0)
    line.slope[chilled] = np.where(held, 1.0, 1.0 - ratio_cold)
    line.offset[chilled] = np.where(held, -full * set_point, 0.0)
    coupling = np.concatenate([np.where(held, 0.0, ratio_hot), np.where(held, full, ratio_cold)])
    responses, cold = _respond(plant, flow, cp, upstream, line, control, fed)
    source = gains.copy()
    if len(plant.loss.stream):
        _walls(plant, C, line, source, node)
    fixed = np.array([plant.outdoor])
    result = streams.solve(plant.streams, C, line.slope, coupling, line.offset, source, fixed, plant.site.dry_bulb)
    inlet, outlet = result.inlet, result.outlet
    duty, difference = C_hot * (inlet[hot] - outlet[hot]), inlet[hot] - inlet[chilled]
    live = (np.abs(difference) > 1e-9) & (smaller > 1e-9)
    actual = duty / np.maximum(smaller, 1e-9) / np.where(difference == 0.0, 1.0, difference)
    rejected = _rejected(plant, responses, C, inlet, outlet)
    target, held = _valves(plant, flow, cp, inlet)
    solved = {exchange.duty: duty, exchange.effectiveness: np.where(live, actual, eps)} | rejected
    solved |= {audit.boundary: total(result.boundary_heat)[None], audit.cooler: _ambient(plant, rejected, size)[None]}
    return Temperatures(result.node, inlet, outlet, target, held, cold, solved)


class _Line(NamedTuple):
    """Outlet of every stream over its inlet, (stream, scenario): outlet = slope inlet + offset [K]."""

    slope: Array
    offset: Array


def _respond(
    plant: System,
    flow: Array,
    cp: Array,
    upstream: Callable[[Array], Array],
    line: _Line,
    control: Control,
    fed: Array,
) -> tuple[list[Response], Array]:
    """Outlet lines of all coolers into `line`; the laws' responses and which inlets lie below set points.

    A cooler whose inlet has only now fallen below its set point is still taken to hold it: in the first passes a loop
    whose coolers all stood still would have no temperature.
    """
    responses, begin, now = [], 0, np.zeros_like(control.cold)
    kept, frozen = control.kept, control.frozen
    for unit in plant.cooler:
        s, rows = unit.stream, slice(begin, begin + len(unit.stream))
        begin = rows.stop
        sink = plant.site.intake if unit.sink is None else upstream(unit.sink)
        inlet = upstream(s)
        state = (inlet, np.abs(flow[s]), cp[s], np.broadcast_to(sink, inlet.shape))
        d = unit.driver
        heat = {} if d is None else {"driver": Driver(upstream(d), np.abs(flow[d]), cp[d])}
        r = unit.law.respond(*state, kept[rows] if frozen and kept is not None else None, **heat)
        if kept is not None and not frozen and (r.running < kept[rows]).any():
            r = unit.law.respond(*state, np.maximum(r.running, kept[rows]), **heat)
        now[rows] = inlet < unit.law.set_point - 1e-6
        fresh = now[rows] & ~control.cold[rows]
        fresh = fresh | (control.trusted & ~now[rows] & np.isfinite(unit.law.set_point))
        on = fed[rows]
        line.slope[s] = np.where(on > 0, np.where(fresh, 0.0, r.slope), 1.0 - 1e-9)
        line.offset[s] = np.where(on > 0, np.where(fresh, unit.law.set_point, r.offset), 1e-9 * inlet)
        responses.append(
            r._replace(power=on * r.power, water=on * r.water, running=on * r.running, driven=on * r.driven)
        )
    return responses, now


def _walls(plant: System, C: Array, line: _Line, source: Array, node: Array) -> None:
    """Pipe wall loss T_out = T_a + (T_in - T_a) exp(-U A / m cp), given to the node around the pipe.

    Exponential decay along a duct in surroundings of one temperature [Incropera, Fundamentals of Heat and Mass
    Transfer, 8.3].
    """
    wall = plant.loss
    s, around = wall.stream, node[wall.node]
    ntu = wall.conductance / np.maximum(np.abs(C[s]), 1e-6)
    keep = np.exp(-np.minimum(ntu, 50.0))
    line.slope[s], line.offset[s] = keep, (1.0 - keep) * around
    inlet = np.where(C[s] >= 0, node[plant.start[s]], node[plant.end[s]])
    add_rows(source, wall.node, np.abs(C[s]) * (1.0 - keep) * (inlet - around))


def _rejected(plant: System, responses: list[Response], C: Array, inlet: Array, outlet: Array) -> Solved:
    """Columns of all coolers, one group after the other."""
    parts: dict[Column, list[Array]] = {}
    for unit, r in zip(plant.cooler, responses, strict=True):
        duty = np.abs(C[unit.stream]) * (inlet[unit.stream] - outlet[unit.stream])
        for column, value in (
            (cooler.duty, duty),
            (cooler.rejected, duty + r.power + r.driven),
            (cooler.power, r.power),
            (cooler.driven, r.driven),
            (cooler.water, r.water),
            (cooler.loading, r.loading),
            (cooler.running, r.running),
            (cooler.speed, r.speed),
            (cooler.warning, r.warning),
        ):
            parts.setdefault(column, []).append(np.broadcast_to(value * 1.0, duty.shape))
    return {column: np.concatenate(v) for column, v in parts.items()}


def _ambient(plant: System, rejected: Solved, size: int) -> Array:
    """Heat that leaves the plant from streams into outdoor air, W (scenario,)."""
    heat, begin = np.zeros(size, like=plant.start_temperature), 0
    for unit in plant.cooler:
        rows = slice(begin, begin + len(unit.stream))
        begin = rows.stop
        if unit.sink is None:
            heat = heat + total(rejected[cooler.duty][rows])
    return heat


def _valves(plant: System, flow: Array, cp: Array, inlet: Array) -> tuple[Array, Array]:
    """Cold flows that valves should pass [kg/s], NaN without set point, and which hold it, (exchange, scenario).

    A valve moves by no more than STROKE in one pass.
    """
    e = plant.exchange
    hot, cold = e.hot, e.cold
    controls = np.isfinite(e.set_point)
    if not controls.any():
        free = filled((len(hot), flow.shape[1]), np.nan, like=flow)
        return free, np.isfinite(free)
    ceiling = np.fmin(e.max_flow, WIDEST * e.rated_cold)
    required = valve(e, flow[hot], Sides(cp[hot], cp[cold], inlet[hot], inlet[cold]), ceiling)
    inside = (required > e.min_flow * (1.0 + 1e-9)) & (required < ceiling * (1.0 - 1e-9))
    slowest = np.maximum(e.min_flow, 1e-3 * e.rated_cold)
    now = np.maximum(np.abs(flow[cold]), slowest)
    return np.where(controls, np.clip(required, now / STROKE, now * STROKE), np.nan), controls & inside
