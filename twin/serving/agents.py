"""Agents on a factory: each request a chain of visits to its layers, stations that may hold the rest back."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from twin.elements import Array
from twin.serving.roofline import Server, interactivity, most_requests, prefill_rate
from twin.serving.stations import Load, Station, closed_network, delay, open_network, servers

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
