"""How a solved facility serves the agents of its layout."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twin import columns
from twin.columns import LAYERS
from twin.elements import Status
from twin.facility.sections import Serving
from twin.results.limits import fullest, margins
from twin.serving.agents import Agent, Pools, load_stations, request_stations
from twin.serving.platforms import best, deployment, engine_of, is_shared
from twin.serving.roofline import Server, prefill_rate
from twin.serving.stations import Load, rate_limit
from twin.serving.tokens import chips_at_work, options, point, terms_of
from twin.solver.steady import Solution, steady
from twin.study.levels import at_levels


@dataclass(frozen=True)
class AgentLoad:
    """How a facility serves its agents: the load of its layers on a platform, and what the facility is then like.

    `utilisation` is that of every bounded layer by name, compute the fuller of its two pools; `power` [W] is what the
    facility draws at that load, between idling and all accelerators at work.
    """

    platform: str
    load: Load
    utilisation: dict[str, float]
    power: float

    @property
    def binds(self) -> str:
        """The layer that holds the rest back: with more requests it is the first to be full."""
        return self.load.binds.partition(":")[0]


def agent_load(solution: Solution, scenario: int = 0, users: int | None = None) -> AgentLoad:
    """How a solved facility serves the agents of its layout, on its one platform.

    Accelerators are shared between prefill and decode as their work is, at the interactivity that the layout requests;
    tools, networks and stores are those of the racks that have power. Energy and cooling are used as far as the
    facility uses them between idling and full work. `users` stand for those of the layout. Raises ValueError where
    nothing is served, for too few accelerators, and for a layer that is stated and has no power.
    """
    terms = terms_of(solution.plant, scenario)
    agents = terms.agents
    if agents is None:
        raise ValueError("the layout has no agents")
    if solution.status[scenario] != Status.OK:
        raise ValueError("the facility was not solved")
    platform, count, clock = _at_work(solution, scenario)
    s, output = _instances(terms, platform, count, clock)
    agent = Agent(
        agents.turns,
        agents.hit_rate,
        agents.routing,
        agents.tool_time,
        agents.retrieval_time,
        agents.software_time,
        agents.scv,
    )
    stations = request_stations(s, agent, _pools(solution, scenario, s, agent, output, count, clock), clock)
    idle = steady(at_levels(solution.plant, scenario, [0.0]))
    whole = min(x.capacity for x in stations if x.name.startswith("compute"))
    ends = _ends(idle, solution, scenario)
    stations += [rate_limit(n, whole * (1.0 - a) / (b - a)) for n, (a, b) in ends.items() if b > a]
    arrival_rate = agents.arrival_rate if users is None else None
    load = load_stations(stations, agents.users if users is None else users, arrival_rate, agents.think_time)
    part = load.throughput / whole
    used = {n: float(u) for n, u in zip(load.names, load.utilisation, strict=True) if u > 0 and n not in LAYERS}
    compute = [used.pop(n) for n in list(used) if n.startswith("compute")]
    used = {"compute": max(compute)} | {n: a + (b - a) * part for n, (a, b) in ends.items()} | used
    drawn = [float(x.sum(columns.source.power)[k]) for x, k in ((idle, 0), (solution, scenario))]
    return AgentLoad(platform, load, used, drawn[0] + (drawn[1] - drawn[0]) * part)


def _ends(idle: Solution, solution: Solution, scenario: int) -> dict[str, tuple[float, float]]:
    """How far energy and cooling are used by the facility idling and at full work."""
    if idle.status[0] != Status.OK:
        raise ValueError("the facility has no solution while it idles")
    low, high = fullest(margins(idle)), fullest(margins(solution), scenario)
    ends = {name: (low[name], high[name]) for name in LAYERS}
    for name, (at_idle, _) in ends.items():
        if at_idle >= 1.0:
            raise ValueError(f"{name}: the facility is beyond its limits even while it idles")
    return ends


def _instances(terms: Serving, platform: str, count: float, clock: float) -> tuple[Server, float]:
    """The best decode instance of which two fit, and tokens/s that each of its accelerators writes.

    It admits as many requests as keep the interactivity that is requested.
    """
    how = options(terms)
    engine = engine_of(platform, how)
    if is_shared(engine):
        raise ValueError(
            f"{platform}: {engine} prefills in turns; agents need an engine with pools of prefill and decode"
        )
    served = best(*point(terms, platform), clock, how)
    if not served.total > 0:
        raise ValueError(f"{platform}: no tokens at {terms.interactivity:g} tokens/s/user: {served.reason}")
    if served.gpus > 0.5 * count:
        most = 2 ** int(np.log2(max(0.5 * count, 1.0)))
        served = best(*point(terms, platform), clock, replace(how, max_gpus=most))
        if count < 2.0 or not served.total > 0:
            raise ValueError(
                f"{platform}: {count:g} accelerators at work are too few for two instances, to read and write"
            )
    s = deployment(*point(terms, platform)[:4], int(served.gpus), how)
    admits = max(int(served.requests), 1)
    return replace(s, instance=replace(s.instance, max_batch=admits)), float(served.output)


def _pools(
    solution: Solution, scenario: int, s: Server, agent: Agent, output: float, count: float, clock: float
) -> Pools:
    """Accelerators shared as the work of prefill and decode is, and what racks with power have of other layers."""
    agents = terms_of(solution.plant, scenario).agents
    assert agents is not None
    reading = s.isl * (1.0 - agent.reused) / float(prefill_rate(s, clock, agent.reused))
    instances = int(count) // s.instance.gpus
    prefill = min(max(round(instances * reading / (reading + s.osl / output)), 1), instances - 1)
    there = {name: _there(solution, name, scenario) for name in ("cpu", "network", "storage")}
    retrievers, orchestrators = (float(n or np.inf) for n in (agents.retrievers, agents.orchestrators))
    others = retrievers, orchestrators, there["network"], there["storage"]
    return Pools(prefill, instances - prefill, there["cpu"], *others)


def _at_work(solution: Solution, scenario: int) -> tuple[str, float, float]:
    """The platform whose accelerators are at work, how many of them on average in time, and their mean clock."""
    chips, clock, busy = (x[:, scenario] for x in chips_at_work(solution))
    racks = {p: (chips[rows] * busy[rows], clock[rows]) for p, rows in solution.plant.platforms()}
    at_work = [p for p, (work, _) in racks.items() if work.sum() > 0]
    if len(at_work) != 1:
        several = f"one platform at a time, not {' and '.join(at_work)}"
        raise ValueError(f"agents are served by {several}" if at_work else "no accelerators are at work")
    work, clocks = racks[at_work[0]]
    available = terms_of(solution.plant, scenario).availability
    return at_work[0], float(work.sum()) * available, float((work * clocks).sum() / work.sum())


def _there(solution: Solution, name: str, scenario: int) -> float:
    """Capacity of a layer in the racks that have power; infinite where no rack states any."""
    plant, power = solution.plant, solution[columns.engine.power][:, scenario]
    services, racks = [x for x in plant.services if x.name == name], plant.counts[columns.engine][:, None]
    each = (
        np.broadcast_to(x.capacity * racks[x.engine], (len(x.engine), plant.scenarios))[:, scenario] for x in services
    )
    capacity = sum(float((c * (power[x.engine] > 0)).sum()) for c, x in zip(each, services, strict=True))
    if services and not capacity > 0:
        raise ValueError(f"{name}: the racks that have any are without power, or state none")
    return capacity if services else np.inf
