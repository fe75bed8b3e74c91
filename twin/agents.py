"""Agents on a factory: each request a chain of visits to its layers, stations that may hold the rest back."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from twin.coupling import Solution, steady
from twin.domains.roofline import Instance, Server, interactivity, most_requests, prefill_rate
from twin.domains.stations import Load, Station, closed_network, delay, limit, open_network, servers
from twin.elements import total
from twin.limits import margins
from twin.serving import best, lowest, server
from twin.terms import Serving
from twin.tokens import at_levels, options, platforms, terms_of, wanted

DEEPEST = 10**6
"""Requests in decode beyond which its rate is taken to stay."""

NODES = 1000
"""Requests in an instance at which its speed is computed; those between are interpolated."""


@dataclass(frozen=True)
class Agent:
    """A request of an agent: `turns` of reading, writing and a tool, then an answer; times are those of one visit, s.

    `hits` is the share of the input that a cache holds from before, `routing` the share of these hits that reach the
    accelerator or store where they lie, as an orchestrator sets them. `spread` is the squared coefficient of variation
    of the tokens written, 0 where all are as long. `joules` [J] are what a request draws in all.
    Raises ValueError for no turn, shares beyond 0 to 1 and times that are not above 0.
    """

    turns: int = 8
    hits: float = 0.0
    routing: float = 1.0
    tool: float = 1.0
    retrieval: float = 0.05
    software: float = 0.01
    spread: float = 1.0
    joules: float = 0.0

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise ValueError(f"agent: turns: give at least one, not {self.turns}")
        for name in ("hits", "routing"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"agent: {name}: give a share from 0 to 1, not {getattr(self, name):g}")
        for name in ("tool", "retrieval", "software"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"agent: {name}: give a time above 0 s, not {getattr(self, name):g}")

    @property
    def found(self) -> float:
        """Share of the input that need not be computed again."""
        return self.hits * self.routing


@dataclass(frozen=True)
class Pools:
    """What serves agents: instances of prefill and decode, and what else they visit; what is infinite has no bound.

    `cpus` run one tool each, `retrievers` and `orchestrators` are servers; `network` and `storage` [B/s] carry caches,
    `power` and `heat` [W] are what supply and cooling allow. Raises ValueError for a pool of none.
    """

    prefill: int
    decode: int
    cpus: float = np.inf
    retrievers: float = np.inf
    orchestrators: float = np.inf
    network: float = np.inf
    storage: float = np.inf
    power: float = np.inf
    heat: float = np.inf

    def __post_init__(self) -> None:
        for f in fields(self):
            least = 1 if f.name in ("prefill", "decode", "cpus", "retrievers", "orchestrators") else 1e-9
            if not getattr(self, f.name) >= least:
                raise ValueError(f"pools: {f.name}: give {'one or more' if least == 1 else 'more than 0'}")


def layers(s: Server, agent: Agent, pools: Pools, clock: float = 1.0) -> list[Station]:
    """The stations of an agent's request; nobody waits where there is no bound. Raises ValueError for no memory."""
    most = int(most_requests(s))
    if most < 1:
        raise ValueError(f"serving: {s.chip.name}: memory too small for {s.model.name} on {s.instance.gpus}")
    n = np.arange(1, min(most * pools.decode, DEEPEST) + 1)
    each, nodes = np.maximum(n / pools.decode, 1.0), np.geomspace(1.0, most, NODES)
    rates = n * np.interp(np.log(each), np.log(nodes), interactivity(s, nodes, clock)) / s.osl
    read = s.isl * (1.0 - agent.found)
    prefill = read / float(prefill_rate(s, clock, agent.found) * s.instance.gpus)
    tools = agent.turns - 1
    first = {"visits": agent.turns, "phase": "first"}
    found = [
        _served("software", agent.software, pools.orchestrators, **first),
        delay("engine", s.fit.first, spread=0.0, **first),
        Station("compute: decode", rates, visits=agent.turns, spread=agent.spread, phase="decode"),
        _served("memory", agent.retrieval, pools.retrievers, **first),
    ]
    if read > 0:
        found.append(servers("compute: prefill", prefill, pools.prefill, spread=0.5, **first))
    if tools:
        found.append(_served("cpu", agent.tool, pools.cpus, visits=tools, phase="tools"))
    for name, rate, share in (("network", pools.network, 1.0 - agent.found), ("storage", pools.storage, agent.found)):
        moved = s.isl * share * s.model.cache
        if np.isfinite(rate) and moved > 0:
            found.append(servers(name, moved / rate, **first))
    for name, most_watts in (("energy", pools.power), ("cooling", pools.heat)):
        if np.isfinite(most_watts) and agent.joules > 0:
            found.append(limit(name, most_watts / agent.joules))
    return found


def _served(name: str, time: float, count: float, **how: float | str) -> Station:
    """Servers, or where there is no bound on them a delay."""
    return servers(name, time, int(count), **how) if np.isfinite(count) else delay(name, time, **how)


def agents(
    s: Server,
    agent: Agent,
    pools: Pools,
    *,
    users: int | None = None,
    arrivals: float | None = None,
    think: float = 0.0,
) -> Load:
    """How the factory's layers bear agents: `users` who `think` [s] between requests, or `arrivals` [requests/s].

    Raises ValueError unless one of the two is given.
    """
    return _loaded(layers(s, agent, pools), users, arrivals, think)


def _loaded(stations: list[Station], users: int | None, arrivals: float | None, think: float) -> Load:
    if users is not None and arrivals is None:
        return closed_network(stations, users, think)
    if arrivals is not None and users is None:
        return open_network(stations, arrivals)
    raise ValueError("serving: give either users or arrivals")


@dataclass(frozen=True)
class Borne:
    """How a facility bears its agents: the load of its layers on a platform, and what the facility is then like.

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


def borne(solution: Solution, scenario: int = 0, users: int | None = None) -> Borne:
    """How a solved facility bears the agents of its layout, on the platform that has most of its accelerators.

    Accelerators are shared between prefill and decode as their work is, at the interactivity that the layout asks for;
    tools, networks and stores are those of the racks that have power. Energy and cooling are used as far as the
    facility uses them between idling and full work. `users` stand for those of the layout. Raises ValueError where
    nothing is served, for too few accelerators, and for a layer that is stated and has no power.
    """
    platform, count, clock = _most_at_work(solution, scenario)
    terms = terms_of(solution.plant, scenario)
    asked = terms.agents
    assert asked is not None
    s, output = _instances(terms, platform, count, clock)
    agent = Agent(asked.turns, asked.hits, asked.routing, asked.tool, asked.retrieval, asked.software, asked.spread)
    stations = layers(s, agent, _pools(solution, scenario, s, agent, output, count, clock), clock)
    idle = steady(at_levels(solution.plant, scenario, [0.0]))
    ends = {name: (fullest(idle, 0)[name], fullest(solution, scenario)[name]) for name in FULLEST}
    whole = min(x.capacity for x in stations if x.name.startswith("compute"))
    for name, (low, high) in ends.items():
        if high > max(low, 1e-9):
            stations.append(limit(name, whole * max(1.0 - low, 1e-9) / (high - low)))
    load = _loaded(stations, users or asked.users, None if users else asked.arrivals, asked.think)
    part = load.throughput / whole
    used = {n: float(u) for n, u in zip(load.names, load.utilisation, strict=True) if u > 0 and n not in FULLEST}
    compute = [used.pop(n) for n in list(used) if n.startswith("compute")]
    used = {"compute": max(compute)} | {n: low + (high - low) * part for n, (low, high) in ends.items()} | used
    drawn = [float(total(x.columns["source.power"])[k]) for x, k in ((idle, 0), (solution, scenario))]
    return Borne(platform, load, used, drawn[0] + (drawn[1] - drawn[0]) * part)


def _instances(terms: Serving, platform: str, count: float, clock: float) -> tuple[Server, float]:
    """The best decode instance of which two fit, and tokens/s that each of its accelerators writes."""
    how = options(terms)
    most = 2 ** int(np.log2(max(count / 2.0, 1.0)))
    found = best(*wanted(terms, platform), clock, **how | {"largest": min(how["largest"] or most, most)})
    if count < 2.0 or not found.total > 0:
        why = f"no tokens at {terms.interactivity:g} tokens/s/user: {found.reason}"
        raise ValueError(f"{platform}: {why or 'too few accelerators'} with {count:g} accelerators at work")
    layout = Instance(int(found.gpus), "best", lowest(platform, terms.precision), 1 + terms.drafts, engine=terms.engine)
    tiers = {name: how[name] for name in ("host_cache", "storage_cache", "storage")}
    return server(*wanted(terms, platform)[:4], layout, **tiers), float(found.output)


def _pools(
    solution: Solution, scenario: int, s: Server, agent: Agent, output: float, count: float, clock: float
) -> Pools:
    """Accelerators shared as the work of prefill and decode is, and what racks with power have of other layers."""
    asked = terms_of(solution.plant, scenario).agents
    assert asked is not None
    reading = s.isl * (1.0 - agent.found) / float(prefill_rate(s, clock, agent.found))
    instances = int(count) // s.instance.gpus
    prefill = min(max(round(instances * reading / (reading + s.osl / output)), 1), instances - 1)
    there = {name: _there(solution, name, scenario) for name in ("cpu", "network", "storage")}
    retrievers, orchestrators = (float(n or np.inf) for n in (asked.retrievers, asked.orchestrators))
    others = retrievers, orchestrators, there["network"], there["storage"]
    return Pools(prefill, instances - prefill, there["cpu"], *others)


def _most_at_work(solution: Solution, scenario: int) -> tuple[str, float, float]:
    """The platform with most accelerators at work, how many these are, and their mean clock."""
    chips, busy, clock = (solution.columns[f"engine.{k}"][:, scenario] for k in ("chips", "utilisation", "clock"))
    found = {p: (chips[rows] * busy[rows], clock[rows]) for p, rows in platforms(solution.plant)}
    if not found or not max(work.sum() for work, _ in found.values()) > 0:
        raise ValueError("no accelerators are at work")
    platform = max(found, key=lambda p: float(found[p][0].sum()))
    work, clocks = found[platform]
    return platform, float(work.sum()), float((work * clocks).sum() / work.sum())


def _there(solution: Solution, name: str, scenario: int) -> float:
    """Capacity of a layer in the racks that have power; infinite where no rack states any."""
    plant, power = solution.plant, solution.columns["engine.power"][:, scenario]
    found = [x for x in plant.services if x.name == name]
    each = (np.broadcast_to(x.capacity, (len(x.engine), plant.scenarios))[:, scenario] for x in found)
    capacity = sum(float((c * (power[x.engine] > 0)).sum()) for c, x in zip(each, found, strict=True))
    if found and not capacity > 0:
        raise ValueError(f"{name}: the racks that have any are without power, or state none")
    return capacity if found else np.inf


FULLEST = {
    "energy": ("utility_contract", "_loading"),
    "cooling": ("_capacity", "cdu_duty", "crah_air_flow"),
}
"""Ends of the names of limits that tell how far these layers are used."""


def fullest(solution: Solution, scenario: int = 0) -> dict[str, float]:
    """How far energy and cooling are used: their fullest part, as a share of its limit."""
    m, found = margins(solution), {}
    for layer, ends in FULLEST.items():
        rows = np.array([str(n).endswith(ends) for n in m.name], bool) & (m.bound[:, scenario] > 0)
        found[layer] = float((m.value[rows, scenario] / m.bound[rows, scenario]).max(initial=0.0))
    return found
