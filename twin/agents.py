"""Agents on a factory: each request a chain of visits to its layers, stations that may hold the rest back."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from twin.coupling import Solution, steady
from twin.domains.roofline import Instance, Server, interactivity, most_requests, prefill_rate
from twin.domains.stations import Load, Station, closed_network, delay, limit, open_network, servers
from twin.elements import Array, Status, total
from twin.limits import margins
from twin.serving import best, lowest, server
from twin.terms import Serving
from twin.tokens import at_levels, options, platforms, terms_of, wanted

DEEPEST = 10**6
"""Requests in decode beyond which its rate is told at some numbers of them only."""

NODES = 1000
"""Requests in an instance at which its speed is computed; those between are interpolated."""


@dataclass(frozen=True)
class Agent:
    """A request of an agent: `turns` of reading, writing and a tool, then an answer; times are those of one visit, s.

    `hits` is the share of the input that a cache holds from before, `routing` the share of these hits that reach the
    accelerator or store where they lie, as an orchestrator sets them. `spread` is the squared coefficient of variation
    of the tokens written, 0 where all are as long.
    Raises ValueError for no turn, shares beyond 0 to 1 and times that are not above 0.
    """

    turns: int = 8
    hits: float = 0.0
    routing: float = 1.0
    tool: float = 1.0
    retrieval: float = 0.05
    software: float = 0.01
    spread: float = 1.0

    def __post_init__(self) -> None:
        if self.turns < 1 or self.turns != int(self.turns):
            raise ValueError(f"agent: turns: give at least one, and whole ones, not {self.turns}")
        if not self.spread >= 0.0:
            raise ValueError(f"agent: spread: give 0 or more, not {self.spread:g}")
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

    `cpus` run one tool each, `retrievers` and `orchestrators` are servers; `network` and `storage` [B/s] carry caches.
    Raises ValueError for a pool of none, or of parts of instances.
    """

    prefill: int
    decode: int
    cpus: float = np.inf
    retrievers: float = np.inf
    orchestrators: float = np.inf
    network: float = np.inf
    storage: float = np.inf

    def __post_init__(self) -> None:
        for f in fields(self):
            least = 1 if f.name in ("prefill", "decode", "cpus", "retrievers", "orchestrators") else 1e-9
            if not getattr(self, f.name) >= least:
                raise ValueError(f"pools: {f.name}: give {'one or more' if least == 1 else 'more than 0'}")
        if self.prefill != int(self.prefill) or self.decode != int(self.decode):
            raise ValueError(f"pools: give whole instances, not {self.prefill} of prefill and {self.decode} of decode")


def layers(s: Server, agent: Agent, pools: Pools, clock: float = 1.0) -> list[Station]:
    """The stations of an agent's request; nobody waits where there is no bound. Raises ValueError for no memory."""
    most = int(most_requests(s))
    if most < 1:
        raise ValueError(f"serving: {s.chip.name}: memory too small for {s.model.name} on {s.instance.gpus}")
    nodes = np.geomspace(1.0, most, NODES)
    speed = interactivity(s, nodes, clock)

    def served(n: Array) -> Array:
        """Requests/s of the pool with n in it; an engine admits no more than it serves best with."""
        each = np.maximum(n / pools.decode, 1.0)
        return np.maximum.accumulate(n * np.interp(np.log(each), np.log(nodes), speed)) / s.osl

    whole = most * pools.decode
    rates, deep = served(np.arange(1, min(whole, DEEPEST) + 1)), None
    if whole > DEEPEST:
        n = np.geomspace(0.25 * DEEPEST, whole, NODES)
        deep = n, served(n)
    read = s.isl * (1.0 - agent.found)
    prefill = read / float(prefill_rate(s, clock, agent.found) * s.instance.gpus)
    tools = agent.turns - 1
    first = {"visits": agent.turns, "phase": "first"}
    found = [
        _served("software", agent.software, pools.orchestrators, **first),
        delay("engine", s.fit.first, spread=0.0, **first),
        Station("compute: decode", rates, agent.turns, agent.spread, "decode", deep=deep),
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
    if (users is None) == (arrivals is None):
        raise ValueError("serving: give either users or arrivals")
    if not 0.0 <= think < np.inf:
        raise ValueError(f"serving: think: give a time of 0 s or more, not {think:g}")
    if users is not None:
        if not (users >= 1 and users == int(users)):
            raise ValueError(f"serving: users: give one or more, and whole ones, not {users:g}")
        return closed_network(stations, int(users), think)
    assert arrivals is not None
    if not 0.0 < arrivals < np.inf:
        raise ValueError(f"serving: arrivals: give more than 0 requests/s, not {arrivals:g}")
    return open_network(stations, arrivals)


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
    """How a solved facility bears the agents of its layout, on its one platform.

    Accelerators are shared between prefill and decode as their work is, at the interactivity that the layout asks for;
    tools, networks and stores are those of the racks that have power. Energy and cooling are used as far as the
    facility uses them between idling and full work. `users` stand for those of the layout. Raises ValueError where
    nothing is served, for too few accelerators, and for a layer that is stated and has no power.
    """
    terms = terms_of(solution.plant, scenario)
    asked = terms.agents
    if asked is None:
        raise ValueError("the layout has no agents")
    if solution.status[scenario] != Status.OK:
        raise ValueError("the facility was not solved")
    platform, count, clock = _at_work(solution, scenario)
    s, output = _instances(terms, platform, count, clock)
    agent = Agent(asked.turns, asked.hits, asked.routing, asked.tool, asked.retrieval, asked.software, asked.spread)
    stations = layers(s, agent, _pools(solution, scenario, s, agent, output, count, clock), clock)
    idle = steady(at_levels(solution.plant, scenario, [0.0]))
    whole = min(x.capacity for x in stations if x.name.startswith("compute"))
    ends = _ends(idle, solution, scenario)
    stations += [limit(n, whole * (1.0 - a) / (b - a)) for n, (a, b) in ends.items() if b > a]
    arrivals = asked.arrivals if users is None else None
    load = _loaded(stations, asked.users if users is None else users, arrivals, asked.think)
    part = load.throughput / whole
    used = {n: float(u) for n, u in zip(load.names, load.utilisation, strict=True) if u > 0 and n not in FULLEST}
    compute = [used.pop(n) for n in list(used) if n.startswith("compute")]
    used = {"compute": max(compute)} | {n: a + (b - a) * part for n, (a, b) in ends.items()} | used
    drawn = [float(total(x.columns["source.power"])[k]) for x, k in ((idle, 0), (solution, scenario))]
    return Borne(platform, load, used, drawn[0] + (drawn[1] - drawn[0]) * part)


def _ends(idle: Solution, solution: Solution, scenario: int) -> dict[str, tuple[float, float]]:
    """How far energy and cooling are used by the facility idling and at full work."""
    if idle.status[0] != Status.OK:
        raise ValueError("the facility has no solution while it idles")
    ends = {name: (fullest(idle, 0)[name], fullest(solution, scenario)[name]) for name in FULLEST}
    for name, (low, _) in ends.items():
        if low >= 1.0:
            raise ValueError(f"{name}: the facility is beyond its limits even while it idles")
    return ends


def _instances(terms: Serving, platform: str, count: float, clock: float) -> tuple[Server, float]:
    """The best decode instance of which two fit, and tokens/s that each of its accelerators writes.

    It admits as many requests as keep the interactivity that is asked for.
    """
    how = options(terms)
    found = best(*wanted(terms, platform), clock, **how)
    if not found.total > 0:
        raise ValueError(f"{platform}: no tokens at {terms.interactivity:g} tokens/s/user: {found.reason}")
    if found.gpus > 0.5 * count:
        most = 2 ** int(np.log2(max(0.5 * count, 1.0)))
        found = best(*wanted(terms, platform), clock, **how | {"largest": most})
        if count < 2.0 or not found.total > 0:
            raise ValueError(
                f"{platform}: {count:g} accelerators at work are too few for two instances, to read and write"
            )
    kind, examined = lowest(platform, terms.precision), 1 + terms.drafts
    admits = max(int(found.requests), 1)
    layout = Instance(int(found.gpus), "best", kind, examined, engine=terms.engine, admits=admits)
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


def _at_work(solution: Solution, scenario: int) -> tuple[str, float, float]:
    """The platform whose accelerators are at work, how many of them on average in time, and their mean clock."""
    chips, busy, clock = (solution.columns[f"engine.{k}"][:, scenario] for k in ("chips", "utilisation", "clock"))
    found = {p: (chips[rows] * busy[rows], clock[rows]) for p, rows in platforms(solution.plant)}
    at_work = [p for p, (work, _) in found.items() if work.sum() > 0]
    if len(at_work) != 1:
        several = f"one platform at a time, not {' and '.join(at_work)}"
        raise ValueError(f"agents are borne by {several}" if at_work else "no accelerators are at work")
    work, clocks = found[at_work[0]]
    available = terms_of(solution.plant, scenario).availability
    return at_work[0], float(work.sum()) * available, float((work * clocks).sum() / work.sum())


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
