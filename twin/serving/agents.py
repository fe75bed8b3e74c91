"""Agents on a factory: each request a chain of visits to stations, one of which may hold the rest back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from twin.elements import Array
from twin.serving.roofline import Server, interactivity, max_requests, prefill_rate
from twin.serving.stations import Load, Station, closed_network, delay, open_network, queue

MAX_TABULATED = 10**6
"""Requests in decode beyond which its rate is known at some numbers of them only."""

SAMPLES = 1000
"""Numbers of requests in an instance at which its speed is computed; those between are interpolated."""


@dataclass(frozen=True)
class Agent:
    """A request of an agent: `turns` of reading, writing and a tool, then an answer.

    Raises ValueError for no turn, shares beyond 0 to 1 and times that are not above 0.
    Example: Agent(turns=6, hit_rate=0.8, tool_time=2.0).
    """

    turns: int = 8
    """Visits to the model, one more than to tools."""
    hit_rate: float = 0.0
    """Share of the input that a KV cache holds from before."""
    routing: float = 1.0
    """Share of these hits that reach the accelerator or store that holds them, as an orchestrator routes them."""
    tool_time: float = 1.0
    """Time of a tool, s."""
    retrieval_time: float = 0.05
    """Time of a retrieval, s a turn."""
    software_time: float = 0.01
    """Time of the orchestrator, s a turn."""
    scv: float = 1.0
    """Squared coefficient of variation of the tokens written, 0 where all answers are as long."""

    def __post_init__(self) -> None:
        if self.turns < 1 or self.turns != int(self.turns):
            raise ValueError(f"agent: turns: give at least one, and whole ones, not {self.turns}")
        if not self.scv >= 0.0:
            raise ValueError(f"agent: scv: give 0 or more, not {self.scv:g}")
        for name in ("hit_rate", "routing"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"agent: {name}: give a share from 0 to 1, not {getattr(self, name):g}")
        for name in ("tool_time", "retrieval_time", "software_time"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"agent: {name}: give a time above 0 s, not {getattr(self, name):g}")

    @property
    def reused(self) -> float:
        """Share of the input that need not be computed again."""
        return self.hit_rate * self.routing


@dataclass(frozen=True)
class Pools:
    """What serves agents: instances of prefill and decode, and what else they visit; what is infinite has no bound.

    Raises ValueError for a pool of none, or of parts of instances. Example: Pools(prefill=4, decode=5, cpus=64).
    """

    prefill: int
    """Instances that prefill."""
    decode: int
    """Instances that decode."""
    cpus: float = np.inf
    """CPUs that run one tool each."""
    retrievers: float = np.inf
    """Servers of retrieval."""
    orchestrators: float = np.inf
    """Servers of software."""
    network: float = np.inf
    """Bandwidth that carries computed KV caches, B/s."""
    storage: float = np.inf
    """Bandwidth that carries stored KV caches, B/s."""

    def __post_init__(self) -> None:
        for f in fields(self):
            low = 1 if f.name in ("prefill", "decode", "cpus", "retrievers", "orchestrators") else 1e-9
            if not getattr(self, f.name) >= low:
                raise ValueError(f"pools: {f.name}: give {'one or more' if low == 1 else 'more than 0'}")
        if self.prefill != int(self.prefill) or self.decode != int(self.decode):
            raise ValueError(f"pools: give whole instances, not {self.prefill} of prefill and {self.decode} of decode")


def request_stations(s: Server, agent: Agent, pools: Pools, clock: float = 1.0) -> list[Station]:
    """The stations that a request of an `agent` visits on `pools` of the server's instances.

    s: the model on its platform. clock: share of the peak rates [1].     None waits where a pool has no bound. Phases
    are "first" (to the first token), "decode" and "tools". Raises ValueError where the weights do not fit. Example:
    request_stations(server, Agent(), Pools(4, 5)).
    """
    limit = int(max_requests(s))
    if limit < 1:
        raise ValueError(f"serving: {s.chip.name}: memory too small for {s.model.name} on {s.instance.gpus}")
    sizes = np.geomspace(1.0, limit, SAMPLES)
    speed = interactivity(s, sizes, clock)

    def completed(n: Array) -> Array:
        """Requests/s of the pool with n in it; an engine admits no more than it serves best with."""
        each = np.maximum(n / pools.decode, 1.0)
        return np.maximum.accumulate(n * np.interp(np.log(each), np.log(sizes), speed)) / s.osl

    total = limit * pools.decode
    rates, sampled = completed(np.arange(1, min(total, MAX_TABULATED) + 1)), None
    if total > MAX_TABULATED:
        n = np.geomspace(0.25 * MAX_TABULATED, total, SAMPLES)
        sampled = n, completed(n)
    computed = s.isl * (1.0 - agent.reused)
    prefill = computed / float(prefill_rate(s, clock, agent.reused) * s.instance.gpus)
    turns, tools = agent.turns, agent.turns - 1
    stations = [
        _bounded("software", agent.software_time, pools.orchestrators, turns, "first"),
        delay("engine", s.fit.first, visits=turns, scv=0.0, phase="first"),
        Station("compute: decode", rates, turns, agent.scv, "decode", sampled=sampled),
        _bounded("memory", agent.retrieval_time, pools.retrievers, turns, "first"),
    ]
    if computed > 0:
        stations.append(queue("compute: prefill", prefill, pools.prefill, visits=turns, scv=0.5, phase="first"))
    if tools:
        stations.append(_bounded("cpu", agent.tool_time, pools.cpus, tools, "tools"))
    for name, rate, share in (("network", pools.network, 1.0 - agent.reused), ("storage", pools.storage, agent.reused)):
        moved = share * s.prompt_cache
        if np.isfinite(rate) and moved > 0:
            stations.append(queue(name, moved / rate, visits=turns, phase="first"))
    return stations


def _bounded(name: str, time: float, count: float, visits: int, phase: str) -> Station:
    """A queue for `count` servers, or where there is no bound on them a delay."""
    if np.isfinite(count):
        return queue(name, time, int(count), visits=visits, phase=phase)
    return delay(name, time, visits=visits, phase=phase)


def serve_agents(
    s: Server,
    agent: Agent,
    pools: Pools,
    *,
    users: int | None = None,
    arrival_rate: float | None = None,
    think_time: float = 0.0,
) -> Load:
    """Load of the stations by `users` who think for `think_time` [s], or by requests of an `arrival_rate` [1/s].

    s, agent, pools: as `request_stations` takes them.

    Raises ValueError unless one of the two is given, and as `request_stations` does.
    Example: serve_agents(server, Agent(), Pools(4, 5), users=400, think_time=30.0).throughput.
    """
    return load_stations(request_stations(s, agent, pools), users, arrival_rate, think_time)


def load_stations(
    stations: Sequence[Station], users: int | None, arrival_rate: float | None, think_time: float = 0.0
) -> Load:
    """A closed network of `users` who think for `think_time` [s], or an open one of an `arrival_rate` [requests/s].

    Raises ValueError unless one of the two is given, and for numbers that cannot be.
    """
    if (users is None) == (arrival_rate is None):
        raise ValueError("serving: give either users or arrival_rate")
    if not 0.0 <= think_time < np.inf:
        raise ValueError(f"serving: think_time: give a time of 0 s or more, not {think_time:g}")
    if users is not None:
        if not (users >= 1 and users == int(users)):
            raise ValueError(f"serving: users: give one or more, and whole ones, not {users:g}")
        return closed_network(stations, int(users), think_time)
    assert arrival_rate is not None
    if not 0.0 < arrival_rate < np.inf:
        raise ValueError(f"serving: arrival_rate: give more than 0 requests/s, not {arrival_rate:g}")
    return open_network(stations, arrival_rate)
