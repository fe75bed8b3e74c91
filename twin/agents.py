"""Agents on a factory: each request a chain of visits to its layers, stations that may hold the rest back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from twin.coupling import Solution
from twin.domains.roofline import Instance, Server, interactivity, most_requests, prefill_rate
from twin.domains.stations import Load, Station, closed_network, delay, limit, open_network, servers
from twin.elements import Array
from twin.serving import best, lowest, server
from twin.tokens import options, platforms, terms_of, wanted

DEEPEST = 10**6
"""Requests in decode beyond which its rate is taken to stay."""

NODES = 1000
"""Requests in an instance at which its speed is computed; those between are interpolated."""


@dataclass(frozen=True)
class Agent:
    """A request of an agent: `turns` of reading, writing and a tool, then an answer; times are those of one visit, s.

    `hits` is the share of the input that a cache holds from before, `routing` the share of these hits that reach the
    accelerator or store where they lie, as an orchestrator sets them. `joules` [J] are what a request draws in all.
    Raises ValueError for no turn, shares beyond 0 to 1 and times that are not above 0.
    """

    turns: int = 8
    hits: float = 0.0
    routing: float = 1.0
    tool: float = 1.0
    retrieval: float = 0.05
    software: float = 0.01
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
        delay("engine", s.fit.first, **first),
        servers("compute: prefill", prefill, pools.prefill, spread=0.5, **first),
        Station("compute: decode", rates, visits=agent.turns, phase="decode"),
        _served("memory", agent.retrieval, pools.retrievers, **first),
    ]
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


def borne(solution: Solution, used: Mapping[str, float], scenario: int = 0, users: int | None = None) -> Load:
    """How a solved facility bears the agents of its layout, on the platform that has most of its accelerators.

    Accelerators are shared between prefill and decode as their work is, at the interactivity that the layout asks for;
    tools, networks and stores are those of the racks that have power. `used` says how far "energy" and "cooling" are
    used with all accelerators at work: they bound the requests in proportion. `users` stand for those of the
    layout. Raises ValueError for nothing served.
    """
    plant, terms = solution.plant, terms_of(solution.plant, scenario)
    asked = terms.agents
    platform, count, clock = _most_at_work(solution, scenario)
    how = options(terms)
    most = best(*wanted(terms, platform), clock, **how)
    if not most.total > 0:
        raise ValueError(f"serving: {platform}: no tokens at {terms.interactivity:g} tokens/s/user: {most.reason}")
    size = round(float(most.requests * most.interactivity / most.output))
    layout = Instance(size, "best", lowest(platform, terms.precision), 1 + terms.drafts, engine=terms.engine)
    tiers = {name: how[name] for name in ("host_cache", "storage_cache", "storage")}
    s = server(*wanted(terms, platform)[:4], layout, **tiers)
    agent = Agent(asked.turns, asked.hits, asked.routing, asked.tool, asked.retrieval, asked.software)
    reading = s.isl * (1.0 - agent.found) / float(prefill_rate(s, clock, agent.found))
    writing = s.osl / float(most.output)
    instances = max(int(count) // size, 2)
    prefill = min(max(round(instances * reading / (reading + writing)), 1), instances - 1)
    power = solution.columns["engine.power"][:, scenario]
    pools = Pools(
        prefill,
        instances - prefill,
        retrievers=asked.retrievers or np.inf,
        orchestrators=asked.orchestrators or np.inf,
        **{
            to: _there(plant.services, name, power)
            for to, name in (("cpus", "cpu"), ("network",) * 2, ("storage",) * 2)
        },
    )
    stations = layers(s, agent, pools, clock)
    whole = min(x.capacity for x in stations if x.name.startswith("compute"))
    stations += [limit(name, whole / used[name]) for name in ("energy", "cooling") if used[name] > 0]
    if users is not None:
        return closed_network(stations, users, asked.think)
    return _loaded(stations, asked.users, asked.arrivals, asked.think)


def _most_at_work(solution: Solution, scenario: int) -> tuple[str, float, float]:
    """The platform with most accelerators at work, how many these are, and their mean clock."""
    chips, busy, clock = (solution.columns[f"engine.{k}"][:, scenario] for k in ("chips", "utilisation", "clock"))
    found = {p: (chips[rows] * busy[rows], clock[rows]) for p, rows in platforms(solution.plant)}
    if not found or not max(work.sum() for work, _ in found.values()) > 0:
        raise ValueError("serving: no accelerators are at work")
    platform = max(found, key=lambda p: float(found[p][0].sum()))
    work, clocks = found[platform]
    return platform, float(work.sum()), float((work * clocks).sum() / work.sum())


def _there(services: tuple, name: str, power: Array) -> float:
    """Capacity of a layer in the racks that have power; infinite where no rack states any."""
    found = [x for x in services if x.name == name]
    capacity = sum(float((x.capacity[:, 0] * (power[x.engine] > 0)).sum()) for x in found)
    return capacity if found and capacity > 0 else np.inf
