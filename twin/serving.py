"""Serving by physics: models on platforms as the shipped tables have them, and the best that a platform can do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from twin.domains.roofline import (
    Chip,
    Fit,
    Instance,
    Model,
    Served,
    Server,
    at_interactivity,
    interactivity,
    most_requests,
    prefill_rate,
)
from twin.domains.stations import Load, Station, closed_network, delay, limit, open_network, servers
from twin.layout import hint
from twin.tables import physics

NODES = np.linspace(0.05, 1.2, 231)
"""Clocks at which physics is computed; those between are interpolated."""

DEEPEST = 10**6
"""Requests in decode beyond which its rate is taken to stay."""


def server(model: str, platform: str, isl: int, osl: int, instance: Instance, host_cache: float = 0.0) -> Server:
    """A model on a platform whose serving was calibrated. Raises ValueError for what is not known or cannot be."""
    table = physics()
    for what, name, known in (
        ("model", model, list(table["models"])),
        ("platform", platform, [n for n in table["chips"] if n in table["fits"] and n != "source"]),
    ):
        if name not in known:
            raise ValueError(f"serving: no physics of {what} {name!r}{hint(name, known)}; there are {', '.join(known)}")
    numbers, chip = dict(table["models"][model]["numbers"]), dict(table["chips"][platform])
    peak = {k: chip.pop(k) for k in ("fp8", "fp4") if k in chip}
    if instance.precision not in peak:
        raise ValueError(f"serving: {platform} has no {instance.precision}; it has {', '.join(peak)}")
    if instance.gpus > chip["domain"]:
        wide = f"an instance of {instance.gpus} accelerators is larger than a domain of {chip['domain']}"
        raise ValueError(f"serving: {platform}: {wide}")
    fit = table["fits"]["shared"] | table["fits"][platform]
    fit["residual"] = tuple((float(a), float(b)) for a, b in fit.get("residual", ()))
    return Server(
        Model(model, **numbers), Chip(platform, peak=peak, **chip), Fit(**fit), instance, isl, osl, host_cache
    )


def best(
    model: str,
    platform: str,
    isl: int,
    osl: int,
    wanted: Any,
    clock: Any = 1.0,
    precision: str | None = None,
    drafts: int = 3,
    largest: int | None = None,
) -> Served:
    """The most that a platform serves at the `wanted` interactivity, whatever the size of its decode instances.

    Sizes are powers of two within a domain, at most `largest`; the lowest precision that the platform has unless one is
    given; `drafts` are the tokens drafted a step. Raises ValueError as `server` does.
    """
    table = physics()["chips"].get(platform, {})
    kind = precision or ("fp4" if "fp4" in table else "fp8")
    most = min(largest or 64, table.get("domain", 1))
    sizes = [2**k for k in range(6, -1, -1) if 2**k <= most]  # of equal ones, and for the reason, the largest counts
    found = []
    for gpus in sizes:
        layout = Instance(gpus, "best", kind, 1 + drafts)  # type: ignore[arg-type]
        found.append(at_interactivity(server(model, platform, isl, osl, layout), wanted, clock))
    pick = np.argmax([f.total for f in found], axis=0)
    return Served(*(np.choose(pick, [getattr(f, name) for f in found]) for name in Served._fields))


def at_clocks(clock: Any, *terms: Any, **options: Any) -> tuple[Any, Any, str]:
    """`best` at one interactivity and many clocks: tokens/s per accelerator, time to a first token, and why if none.

    Clocks between `NODES` are interpolated, rates in their logarithm; a clock below them serves nothing. The reason is
    that of clock 1.
    """
    clock = np.asarray(clock, float)
    total, first, why = _at_nodes(terms, tuple(sorted(options.items())))
    rate = np.interp(clock, NODES, np.log(np.where(total > 0, total, 1.0)))
    served = (clock >= NODES[0]) & (np.interp(clock, NODES, (total > 0).astype(float)) >= 1.0 - 1e-9)
    wait = np.interp(clock, NODES, np.where(np.isfinite(first), first, 0.0))
    return np.where(served, np.exp(rate), 0.0), np.where(served, wait, np.inf), why


@lru_cache(maxsize=256)
def _at_nodes(terms: tuple[Any, ...], options: tuple[tuple[str, Any], ...]) -> tuple[Any, Any, str]:
    found = best(*terms, clock=NODES, **dict(options))
    return found.total, found.first, str(found.reason[int(np.argmin(np.abs(NODES - 1.0)))])


def chip_power(platform: str, requests: Any, rated: float | None = None) -> Any:
    """Mean power of an accelerator [W] with so many `requests` in flight on each, after measured curves.

    A platform that was not measured, of `rated` [W], takes the shares of b200's rated power. Raises ValueError for one
    of which no rated power is given.
    """
    table = physics()["power"]
    law = table.get(platform) if platform not in ("source", "notes") else None
    scale = 1.0
    if law is None:
        if rated is None:
            known = ", ".join(n for n in table if n not in ("source", "notes"))
            raise ValueError(f"serving: no measured power of {platform!r}; there are {known}; give its rated power")
        law = table["b200"]
        scale = rated / law["rated"]
    x = (np.maximum(np.asarray(requests, float), 0.0) / law["half"]) ** law["exponent"]
    return scale * (law["alone"] + (law["full"] - law["alone"]) * x / (1.0 + x))


@dataclass(frozen=True)
class Agent:
    """A request of an agent: `turns` of reading, writing and a tool, then an answer; times are those of one visit, s.

    `hits` is the share of the input that a cache holds from before, `routing` the share of these hits that reach the
    accelerator or store where they lie, as an orchestrator sets them. `joules` [J] are what a request draws in all.
    """

    turns: int = 8
    hits: float = 0.0
    routing: float = 1.0
    tool: float = 1.0
    retrieval: float = 0.05
    software: float = 0.01
    joules: float = 0.0

    @property
    def found(self) -> float:
        """Share of the input that need not be computed again."""
        return self.hits * self.routing


@dataclass(frozen=True)
class Pools:
    """What serves agents: instances of prefill and decode, and what else they visit.

    `cpus` run one tool each, `retrievers` and `orchestrators` are servers; `network` and `storage` [B/s] carry caches,
    `power` and `heat` [W] are what supply and cooling allow.
    """

    prefill: int
    decode: int
    cpus: int
    retrievers: int = 64
    orchestrators: int = 64
    network: float = np.inf
    storage: float = np.inf
    power: float = np.inf
    heat: float = np.inf


def layers(s: Server, agent: Agent, pools: Pools, clock: float = 1.0) -> list[Station]:
    """The stations of an agent's request; layers without a bound are left out. Raises ValueError for no memory."""
    most = int(most_requests(s))
    if most < 1:
        raise ValueError(f"serving: {s.chip.name}: memory too small for {s.model.name} on {s.instance.gpus}")
    many = min(most * pools.decode, DEEPEST)
    n = np.arange(1, many + 1)
    each = np.maximum(n / pools.decode, 1.0)
    rates = n * interactivity(s, each, clock) / s.osl
    read = s.isl * (1.0 - agent.found)
    prefill = read / float(prefill_rate(s, clock, agent.found) * s.instance.gpus)
    tools = max(agent.turns - 1, 0)
    found = [
        servers("software", agent.software, pools.orchestrators, visits=agent.turns, phase="first"),
        delay("engine", s.fit.first, visits=agent.turns, phase="first"),
        servers("compute: prefill", prefill, pools.prefill, visits=agent.turns, spread=0.5, phase="first"),
        Station("compute: decode", rates, visits=agent.turns, phase="decode"),
        servers("memory", agent.retrieval, pools.retrievers, visits=agent.turns, phase="first"),
    ]
    if tools:
        found.append(servers("cpu", agent.tool, pools.cpus, visits=tools, phase="tools"))
    for name, rate, share in (("network", pools.network, 1.0 - agent.found), ("storage", pools.storage, agent.found)):
        moved = s.isl * share * s.model.cache
        if np.isfinite(rate) and moved > 0:
            found.append(servers(name, moved / rate, visits=agent.turns, phase="first"))
    for name, most_watts in (("energy", pools.power), ("cooling", pools.heat)):
        if np.isfinite(most_watts) and agent.joules > 0:
            found.append(limit(name, most_watts / agent.joules))
    return found


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
    stations = layers(s, agent, pools)
    if users is not None and arrivals is None:
        return closed_network(stations, users, think)
    if arrivals is not None and users is None:
        return open_network(stations, arrivals)
    raise ValueError("serving: give either users or arrivals")
