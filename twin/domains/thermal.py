"""Temperatures of all coolant and air streams, across exchangers and heat rejection, in one linear solve."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twin.domains.compute import AIR_HEAT
from twin.elements import Array, Exchange, Plant, total
from twin.fluids import fluid
from twin.kernels import exchangers, streams
from twin.kernels.arrays import add_rows, filled, share

STROKE = 4.0
"""Factor by which a valve may change its flow in one pass."""


class Properties(NamedTuple):
    """Coolant properties of each pipe, (pipe, scenario), and cp of every stream (equal within a loop)."""

    density: Array
    viscosity: Array
    conductivity: Array
    cp: Array


class Temperatures(NamedTuple):
    """Node, inlet and outlet temperatures [K], columns of exchangers and coolers, and what valves should do."""

    node: Array
    inlet: Array
    outlet: Array
    target: Array
    held: Array
    cold: Array
    audit: dict[str, Array]
    columns: dict[str, Array]


def properties(plant: Plant, node: Array, flow: Array) -> Properties:
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
    least, most = np.minimum(C_hot, C_cold), np.maximum(C_hot, C_cold)
    ntu, ratio = share(ua, least, 1e-9), share(least, most, 1e-9)
    return np.where(e.crossflow > 0.5, exchangers.crossflow(ntu, ratio), exchangers.counterflow(ntu, ratio))


def valve(
    e: Exchange, hot: Array, cp_hot: Array, cp_cold: Array, hot_in: Array, cold_in: Array, ceiling: Array
) -> Array:
    """Cold flow [kg/s] that brings the hot outlet to the set point, between least_flow and `ceiling`, by bisection."""
    wanted = np.abs(hot) * cp_hot * (hot_in - e.set_point)
    low = np.broadcast_to(e.least_flow, wanted.shape).copy()
    high = np.maximum(np.broadcast_to(ceiling, wanted.shape), low).copy()
    for _ in range(46):
        middle = 0.5 * (low + high)
        least = np.minimum(np.abs(hot) * cp_hot, middle * cp_cold)
        enough = effectiveness(e, hot, middle, cp_hot, cp_cold) * least * (hot_in - cold_in) >= wanted
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return 0.5 * (low + high)


def solve(
    plant: Plant,
    columns: dict[str, Array],
    flow: Array,
    cp: Array,
    node: Array,
    held: Array,
    cold: Array,
    gains: Array,
    fed: Array,
    kept: Array | None = None,
    frozen: bool = False,
    trusted: bool = False,
) -> Temperatures:
    """One pass: rejection laws linearised at the last inlets, one linear solve, then what the valves should do.

    `node` holds the last temperatures, `held` (exchange, scenario) which valves hold their set point, `gains`
    heat into nodes [W]. A held exchanger brings its hot outlet to the set point and gives the cold side that heat;
    otherwise effectiveness-NTU at the flows as they are. `cold` (cooler, scenario) tells which coolers found their
    inlet below the set point in the last pass: only those stand still. At least as many units run as `kept` says,
    just so many if `frozen`. Coolers that are not `fed` (cooler, scenario) let the coolant pass; `trusted` ones hold
    their set points.
    """
    e, size = plant.exchange, flow.shape[1]
    C = flow * cp
    upstream = lambda s: np.where(flow[s] >= 0, node[plant.start[s]], node[plant.end[s]])  # noqa: E731
    own, offset = np.ones_like(C), np.zeros_like(C)
    hot, chilled = e.hot, e.cold
    C_hot, C_cold = np.abs(C[hot]), np.abs(C[chilled])
    eps = effectiveness(e, flow[hot], flow[chilled], cp[hot], cp[chilled])
    transfer = eps * np.minimum(C_hot, C_cold)
    ratio_hot, ratio_cold = share(transfer, C_hot, 1e-9), share(transfer, C_cold, 1e-9)
    full = share(C_hot, C_cold, 1e-9)
    set_point = np.where(np.isfinite(e.set_point), e.set_point, 0.0)
    own[hot] = np.where(held, 0.0, 1.0 - ratio_hot)
    offset[hot] = np.where(held, set_point, 0.0)
    own[chilled] = np.where(held, 1.0, 1.0 - ratio_cold)
    offset[chilled] = np.where(held, -full * set_point, 0.0)
    coupling = np.concatenate([np.where(held, 0.0, ratio_hot), np.where(held, full, ratio_cold)])
    coolers, cold = _reject(plant, flow, cp, upstream, own, offset, cold, fed, kept, frozen, trusted)
    source = gains.copy()
    wall = plant.loss
    if len(wall.stream):
        _walls(plant, C, own, offset, source, node)
    fixed = np.array([plant.outdoor])
    result = streams.solve(plant.streams, C, own, coupling, offset, source, fixed, plant.site.dry_bulb)
    inlet, outlet = result.inlet, result.outlet
    duty = C_hot * (inlet[hot] - outlet[hot])
    columns_out = {
        "exchange.duty": duty,
        "exchange.effectiveness": np.where(
            (np.abs(inlet[hot] - inlet[chilled]) > 1e-9) & (np.minimum(C_hot, C_cold) > 1e-9),
            duty
            / np.maximum(np.minimum(C_hot, C_cold), 1e-9)
            / np.where(inlet[hot] == inlet[chilled], 1.0, inlet[hot] - inlet[chilled]),
            eps,
        ),
    }
    rejected = _cooler_columns(plant, coolers, C, inlet, outlet)
    target, held = _valves(plant, flow, cp, inlet)
    audit = {"boundary": total(result.boundary_heat), "cooler": _ambient(plant, rejected, size)}
    return Temperatures(result.node, inlet, outlet, target, held, cold, audit, columns_out | rejected)


def _reject(
    plant: Plant,
    flow: Array,
    cp: Array,
    upstream: Any,
    own: Array,
    offset: Array,
    cold: Array,
    fed: Array,
    kept: Array | None,
    frozen: bool,
    trusted: bool,
) -> tuple[list[Any], Array]:
    """Outlet lines of all coolers into `own` and `offset`; the laws' answers and which inlets lie below set points.

    A cooler whose inlet has only now fallen below its set point is still taken to hold it: in the first passes a loop
    whose coolers all stood still would have no temperature.
    """
    answers, begin, now = [], 0, np.zeros_like(cold)
    for cooler in plant.cooler:
        s, rows = cooler.stream, slice(begin, begin + len(cooler.stream))
        begin = rows.stop
        sink = plant.site.intake if cooler.sink is None else upstream(cooler.sink)
        inlet = upstream(s)
        given = (inlet, np.abs(flow[s]), cp[s], np.broadcast_to(sink, inlet.shape))
        answer = cooler.law.respond(*given, kept[rows] if frozen and kept is not None else None)
        if kept is not None and not frozen and (answer.running < kept[rows]).any():
            answer = cooler.law.respond(*given, np.maximum(answer.running, kept[rows]))
        now[rows] = inlet < cooler.law.set_point - 1e-6
        fresh = (now[rows] & ~cold[rows]) | (trusted & ~now[rows] & np.isfinite(cooler.law.set_point))
        on = fed[rows]
        own[s] = np.where(on > 0, np.where(fresh, 0.0, answer.slope), 1.0 - 1e-9)
        offset[s] = np.where(on > 0, np.where(fresh, cooler.law.set_point, answer.offset), 1e-9 * inlet)
        answers.append(answer._replace(power=on * answer.power, water=on * answer.water, running=on * answer.running))
    return answers, now


def _walls(plant: Plant, C: Array, own: Array, offset: Array, source: Array, node: Array) -> None:
    """Pipe wall loss T_out = T_a + (T_in - T_a) exp(-U A / m cp), given to the node around the pipe."""
    wall = plant.loss
    s, around = wall.stream, node[wall.node]
    ntu = wall.conductance / np.maximum(np.abs(C[s]), 1e-6)
    keep = np.exp(-np.minimum(ntu, 50.0))
    own[s], offset[s] = keep, (1.0 - keep) * around
    inlet = np.where(C[s] >= 0, node[plant.start[s]], node[plant.end[s]])
    add_rows(source, wall.node, np.abs(C[s]) * (1.0 - keep) * (inlet - around))


def _cooler_columns(plant: Plant, answers: list[Any], C: Array, inlet: Array, outlet: Array) -> dict[str, Array]:
    columns: dict[str, list[Array]] = {}
    for cooler, answer in zip(plant.cooler, answers, strict=True):
        duty = np.abs(C[cooler.stream]) * (inlet[cooler.stream] - outlet[cooler.stream])
        for name, value in (
            ("duty", duty),
            ("rejected", duty + answer.power),
            ("power", answer.power),
            ("water", answer.water),
            ("loading", answer.loading),
            ("running", answer.running),
            ("speed", answer.speed),
            ("warning", answer.warning),
        ):
            columns.setdefault(name, []).append(np.broadcast_to(value * 1.0, duty.shape))
    return {f"cooler.{k}": np.concatenate(v) for k, v in columns.items()}


def _ambient(plant: Plant, columns: dict[str, Array], size: int) -> Array:
    """Heat that leaves the plant from streams into outdoor air, W."""
    heat, begin = np.zeros(size, like=plant.start_temperature), 0
    for cooler in plant.cooler:
        rows = slice(begin, begin + len(cooler.stream))
        begin = rows.stop
        if cooler.sink is None:
            heat = heat + total(columns["cooler.duty"][rows])
    return heat


def _valves(plant: Plant, flow: Array, cp: Array, inlet: Array) -> tuple[Array, Array]:
    """Cold flows wanted by the valves (exchange, scenario), NaN without set point, and which hold their set point.

    A valve moves by no more than STROKE in one pass.
    """
    e = plant.exchange
    hot, cold = e.hot, e.cold
    controls = np.isfinite(e.set_point)
    if not controls.any():
        free = filled((len(hot), flow.shape[1]), np.nan, like=flow)
        return free, np.isfinite(free)
    ceiling = np.minimum(e.most_flow, 3.0 * e.rated_cold)
    wanted = valve(e, flow[hot], cp[hot], cp[cold], inlet[hot], inlet[cold], ceiling)
    inside = (wanted > e.least_flow * (1.0 + 1e-9)) & (wanted < ceiling * (1.0 - 1e-9))
    least = np.maximum(e.least_flow, 1e-3 * e.rated_cold)
    now = np.maximum(np.abs(flow[cold]), least)
    return np.where(controls, np.clip(wanted, now / STROKE, now * STROKE), np.nan), controls & inside
