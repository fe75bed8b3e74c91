"""A request as a chain of queueing stations, loaded together.

A station completes μ(n) visits a second with n requests in it: min(n, k) / s for k servers of service time s, n / s
where none waits (a delay), and for decode n I(n) / tokens, I being the interactivity of each of n users. Networks of
such stations have product-form equilibria if service is shared or exponential [Baskett, Chandy, Muntz & Palacios,
J. ACM 22 (1975) 248]; where it is not, waiting is scaled by half of one plus the squared coefficient of variation
[Allen & Cunneen; Allen, Probability, Statistics and Queueing Theory, 1990]. An arrival in a closed network sees the
equilibrium of one request less [Lavenberg & Reiser, J. Appl. Prob. 17 (1980) 1048]. Percentiles are those of gamma
distributions of the same mean and variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy

from twin.elements import Array

MAX_EXACT_USERS = 2000
"""Users of a closed network beyond which it is taken as an open one."""

MAX_LOG_ODDS = 32.0
"""Largest ln ρ / (1 - ρ) of the utilisation ρ of the bottleneck."""


@dataclass(frozen=True)
class Station:
    """A station with a service rate that depends on the requests present; see `queue`, `delay` and `rate_limit`.

    Raises ValueError for a rate that falls with more requests. Example: Station("decode", np.array([1.0, 1.8, 2.4])).
    """

    name: str
    """What results call it."""
    rates: Array
    """Completions/s with 1, 2, ... requests present, (n,); the last holds beyond."""
    visits: float = 1.0
    """Visits of a request."""
    scv: float = 1.0
    """Squared coefficient of variation of the service of a visit: 0 constant, 1 exponential."""
    phase: str = "end"
    """The part of the latency that its time belongs to."""
    is_delay: bool = False
    """Whether none waits: every request is served at once, at the one rate."""
    servers: int = 0
    """Servers, each of the one rate, that a first-come queue shares; 0 where `rates` say what is completed."""
    sampled: tuple[Array, Array] | None = None
    """Requests present, rising, and completions/s with these, (m,) each, where `rates` do not reach."""

    def __post_init__(self) -> None:
        if np.any(np.diff(self.rates) < 0):
            raise ValueError(f"station {self.name}: more requests must not make it slower")

    @property
    def capacity(self) -> float:
        """Highest throughput, requests/s with all their visits; infinite for a delay."""
        return np.inf if self.is_delay else self.max_rate / self.visits

    @property
    def max_rate(self) -> float:
        """Highest service rate, visits/s."""
        return float(self.rates[-1] if self.sampled is None else self.sampled[1][-1]) * max(self.servers, 1)

    @property
    def service_demand(self) -> float:
        """Time of all visits of a request that never waits, s."""
        return self.visits / float(self.rates[0])

    @cached_property
    def log_rate_sums(self) -> Array:
        """Sum of ln of the rates with up to 0, 1, ... requests present, (n + 1,)."""
        return np.r_[0.0, np.cumsum(np.log(self.rates))]

    def service_rate(self, n: Array) -> Array:
        """Completions/s with `n` requests present, shape of `n`."""
        n = np.asarray(n, int)
        if self.is_delay:
            return n * self.rates[0]
        if self.servers:
            return np.minimum(n, self.servers) * self.rates[0]
        return np.where(n > 0, self.rates[np.minimum(n, len(self.rates)) - 1], 0.0)


def queue(
    name: str, service_time: float, servers: int = 1, *, visits: float = 1.0, scv: float = 1.0, phase: str = "end"
) -> Station:
    """A first-come queue by `name` for some `servers` that take `service_time` [s] a visit.

    visits, scv, phase: as `Station` has.

    Raises ValueError for no server or no time. Example: queue("tools", 2.0, 8, visits=5).
    """
    if servers < 1 or not service_time > 0:
        given = f"{servers} and {service_time:g}"
        raise ValueError(f"station {name}: give at least one server and a time above 0 s, not {given}")
    return Station(name, np.array([1.0 / service_time]), visits, scv, phase, servers=int(servers))


def delay(name: str, service_time: float, *, visits: float = 1.0, scv: float = 1.0, phase: str = "end") -> Station:
    """A station by `name` where none waits, `service_time` [s] a visit; `visits`, `scv`, `phase` as `Station` has.

    Raises ValueError for no time. Example: delay("network", 0.01).
    """
    if not service_time > 0:
        raise ValueError(f"station {name}: give a time above 0 s, not {service_time:g}")
    return Station(name, np.array([1.0 / service_time]), visits, scv, phase, is_delay=True)


def rate_limit(name: str, max_rate: float) -> Station:
    """What a supply of some `name` allows: `max_rate` [requests/s]. Example: rate_limit("energy", 7.0)."""
    return queue(name, 1.0 / max_rate)


@dataclass(frozen=True)
class Load:
    """A network of stations under load."""

    names: tuple[str, ...]
    """Stations, in the order of all arrays."""
    throughput: float
    """Requests/s; 0 where there is no equilibrium."""
    utilisation: Array
    """Throughput over capacity, (station,); 0 for delays."""
    queue_length: Array
    """Mean requests present, waiting or served, (station,)."""
    response_time: Array
    """Mean time of a request in all its visits, s, (station,)."""
    variance: Array
    """Variance of that time, s², (station,)."""
    phases: tuple[str, ...]
    """Part of the latency that each station belongs to."""
    reason: str = ""
    """Why nothing is served; empty if something is."""

    @property
    def binds(self) -> str:
        """The bottleneck: the station of the highest utilisation."""
        return self.names[int(np.argmax(self.utilisation))]

    def mean(self, *phases: str) -> float:
        """Mean time in the stations of some `phases`, or in all, s. Example: load.mean("first")."""
        return float(self.response_time[self._of(phases)].sum())

    def percentile(self, share: float, *phases: str) -> float:
        """Time that a `share` of requests stays below in the stations of some `phases`, or in all, s.

        That of a gamma distribution of the same mean and variance. Example: load.percentile(0.99).
        """
        rows = self._of(phases)
        mean, variance = self.response_time[rows].sum(), self.variance[rows].sum()
        if not np.isfinite(mean) or variance <= 0:
            return float(mean)
        shape = mean**2 / variance
        return float(scipy.special.gammaincinv(shape, share) * mean / shape)

    def _of(self, phases: Sequence[str]) -> Array:
        return np.array([not phases or p in phases for p in self.phases])


def open_network(stations: Sequence[Station], arrival_rate: float) -> Load:
    """The network of `stations` under Poisson arrivals of `arrival_rate` λ [requests/s].

    A queue of k servers has as many requests as M/M/k [Erlang C], waiting scaled by (1 + c²) / 2 [Allen & Cunneen].
    Beyond the capacity of a station there is no equilibrium: throughput is 0 and `reason` says which.
    Example: open_network([queue("a", 1.0)], 0.8).mean() = 5 s.
    """
    utilisation = np.array([arrival_rate / s.capacity for s in stations])
    if utilisation.max() >= 1.0:
        name = stations[int(np.argmax(utilisation))].name
        infinite = np.full(len(stations), np.inf)
        reason = f"{arrival_rate:g} requests/s are beyond the {min(s.capacity for s in stations):g} of {name}"
        return _load(stations, 0.0, utilisation, infinite, infinite, infinite, reason)
    present, variance = np.zeros(len(stations)), np.zeros(len(stations))
    for i, s in enumerate(stations):
        flow, service_time = arrival_rate * s.visits, 1.0 / s.rates[0]
        if s.is_delay:
            present[i], variance[i] = flow * service_time, s.visits * s.scv * service_time**2
        elif s.servers:
            factor, spare, waits = 0.5 * (1.0 + s.scv), s.max_rate - flow, _erlang_c(s.servers, flow * service_time)
            present[i] = flow * (factor * waits / spare + service_time)
            variance[i] = s.visits * (factor**2 * waits * (2.0 - waits) / spare**2 + s.scv * service_time**2)
        else:
            present[i] = _mean_present(s, flow)
            variance[i] = s.visits * s.scv * (present[i] / flow) ** 2
    return _load(stations, arrival_rate, utilisation, present, present / arrival_rate, variance)


def closed_network(stations: Sequence[Station], users: int, think_time: float = 0.0) -> Load:
    """The network with `users` who pause for `think_time` [s] between requests.

    Convolution of the stations' equilibria [Buzen, Commun. ACM 16 (1973) 527], scaled by the throughput that bounds it:
    exact for shared or exponential service. More than `MAX_EXACT_USERS` are an open network whose throughput X
    satisfies X (think + time) = users [Little]: in a large population what is in the network varies little, which a
    test holds against the exact answer.
    Example: closed_network([queue("tools", 2.0, 8)], users=20, think_time=1.0).throughput.
    """
    if users > MAX_EXACT_USERS:
        return _large_population(stations, users, think_time)
    capacity = min(s.capacity for s in stations)
    scale = min(capacity, users / (think_time + sum(s.service_demand for s in stations)))
    weights = [_weights(s, users, scale) for s in stations]
    factors = weights + ([_poisson(think_time * scale, users)] if think_time > 0 else [])
    constants = _convolve(factors, users)
    throughput = scale * constants[users - 1] / constants[users]
    present, ahead = np.zeros(len(stations)), np.zeros((2, len(stations)))
    for i, weight in enumerate(weights):
        rest = _convolve([w for k, w in enumerate(factors) if k != i], users)
        p = weight * rest[::-1]
        present[i] = (p @ np.arange(users + 1)) / p.sum()
        if stations[i].servers:  # an arrival sees the equilibrium of one user less
            p = weight[:users] * rest[users - 1 :: -1]
            turns = np.maximum(np.arange(users) - stations[i].servers + 1, 0)
            ahead[:, i] = p @ turns / p.sum(), p @ turns**2 / p.sum()
    time = present / throughput
    utilisation = np.array([throughput / s.capacity for s in stations])
    variance = [
        s.visits * (_visit_variance(s, m, m2 - m**2) if s.servers else s.scv * (t / s.visits) ** 2)
        for s, t, m, m2 in zip(stations, time, *ahead, strict=True)
    ]
    return _load(stations, float(throughput), utilisation, present, time, np.array(variance))


def _visit_variance(s: Station, ahead: float, variance: float) -> float:
    """Variance of a visit's time, s²: turns `ahead` of it on average and their `variance`, then its own service."""
    service_time = 1.0 / float(s.rates[0])
    return (ahead + variance) * (service_time / s.servers) ** 2 + s.scv * service_time**2


def _large_population(stations: Sequence[Station], users: int, think_time: float) -> Load:
    """The open network in which, with those who think, so many users are on average."""
    capacity = min(s.capacity for s in stations)
    unloaded = users / (think_time + sum(s.service_demand for s in stations))
    if not np.isfinite(capacity):
        return open_network(stations, unloaded)
    at = lambda y: open_network(stations, capacity / (1.0 + np.exp(-y)))  # noqa: E731

    def excess(y: float) -> float:
        load = at(y)
        return float(np.log(load.throughput * (think_time + load.mean()) / users))

    low = min(np.log(unloaded / capacity) - 5.0, -5.0)
    load = at(scipy.optimize.brentq(excess, low, MAX_LOG_ODDS, xtol=1e-9))
    variance = load.variance.copy()
    for i, s in enumerate(stations):
        if s.servers:  # no queue varies more than what is elsewhere does
            elsewhere = max(users - load.queue_length[i], 0.0)
            ahead = max(load.queue_length[i] - load.throughput * s.service_demand, 0.0)
            variance[i] = min(variance[i], s.visits * _visit_variance(s, ahead, elsewhere))
    return replace(load, variance=variance)


def _load(
    stations: Sequence[Station],
    throughput: float,
    utilisation: Array,
    present: Array,
    time: Array,
    variance: Array,
    reason: str = "",
) -> Load:
    names, phases = tuple(s.name for s in stations), tuple(s.phase for s in stations)
    return Load(names, throughput, utilisation, present, time, variance, phases, reason)


def _erlang_c(servers: int, load: float) -> float:
    """Probability that an arrival finds all servers busy, of which `load` are on average."""
    full = np.exp(servers * np.log(load) - load - scipy.special.gammaln(servers + 1)) / (1.0 - load / servers)
    return float(full / (scipy.special.gammaincc(servers, load) + full))


def _mean_present(s: Station, flow: float) -> float:
    """Mean number present in an open station of shared service: beyond its last rate the terms are geometric.

    Among the sampled rates, where the number hardly varies, it is that whose rate is the flow.
    """
    ratio = flow / s.max_rate
    if s.sampled is not None and flow > s.rates[len(s.rates) // 2]:
        return float(np.interp(flow, s.sampled[1], s.sampled[0]) + ratio / max(1.0 - ratio, 1e-15))
    n = np.arange(len(s.log_rate_sums))
    weight = n * np.log(flow) - s.log_rate_sums
    p, ratio = np.exp(weight - weight.max()), flow / s.rates[-1]
    last, k, tail = p[-1], n[-1], ratio / max(1.0 - ratio, 1e-15)  # of all beyond the last, over the last
    return float((p @ n + last * tail * (k + 1.0 + tail)) / (p.sum() + last * tail))


def _weights(s: Station, users: int, scale: float) -> Array:
    """Weights of 0 ... users requests in a station of a closed network, (users + 1,)."""
    rates = s.service_rate(np.arange(1, users + 1))
    weight = np.r_[0.0, np.cumsum(np.log(s.visits * scale) - np.log(rates))]
    return np.exp(weight - weight.max())


def _poisson(mean: float, users: int) -> Array:
    """Weights of 0 ... users who think, (users + 1,)."""
    n = np.arange(users + 1)
    weight = scipy.special.xlogy(n, mean) - scipy.special.gammaln(n + 1)
    return np.exp(weight - weight.max())


def _convolve(weights: Sequence[Array], users: int) -> Array:
    """Normalisation constants of networks of 0 ... users requests, up to a common factor, (users + 1,)."""
    constants = np.zeros(users + 1)
    constants[0] = 1.0
    for w in weights:
        constants = np.convolve(constants, w)[: users + 1]
        constants /= constants.max()
    return constants
