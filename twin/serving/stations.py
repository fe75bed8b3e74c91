"""A request as a chain of stations: layers of the factory with capacities, loaded together.

A station completes μ(n) visits a second with n requests in it: min(n, k) / s for k servers of time s, n / s where none
waits, and for decode n I(n) / tokens, I being what each of n users sees. Networks of such stations have product-form
equilibria if service is shared or exponential [Baskett, Chandy, Muntz & Palacios, J. ACM 22 (1975) 248]; where it is
not, waiting is scaled by half of one plus the squared coefficient of variation [Allen & Cunneen; Allen, Probability,
Statistics and Queueing Theory, 1990]. In a closed network a visit finds the equilibrium of one request less [Lavenberg
& Reiser, J. Appl. Prob. 17 (1980) 1048]. Percentiles are those of gamma distributions of the same mean and variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincc, gammaincinv, gammaln, xlogy

from twin.elements import Array

MANY = 2000
"""Users of a closed network beyond which it is taken as an open one."""

LOADED = 32.0
"""Largest ln of the utilisation of the fullest station over what that leaves."""


@dataclass(frozen=True)
class Station:
    """A layer of the factory: completions/s with 1, 2, ... requests present (n,), the last rate holding beyond.

    `deep` are numbers present, rising, and completions/s with these, where the rates alone do not reach. With a `count`
    it is so many servers instead, each as fast as the one rate; what finds none waits. `visits` is how
    often a request comes, `spread` the squared coefficient of variation of what a visit asks for; `phase` says of which
    latency it is part. Where it is `endless` none waits.
    """

    name: str
    rates: Array
    visits: float = 1.0
    spread: float = 1.0
    phase: str = "end"
    endless: bool = False
    count: int = 0
    deep: tuple[Array, Array] | None = None

    def __post_init__(self) -> None:
        if np.any(np.diff(self.rates) < 0):
            raise ValueError(f"station {self.name}: more requests must not make it slower")

    @property
    def capacity(self) -> float:
        """Most requests/s, each with all its visits; infinite where none waits."""
        return np.inf if self.endless else self.most / self.visits

    @property
    def most(self) -> float:
        """Most visits/s."""
        return float(self.rates[-1] if self.deep is None else self.deep[1][-1]) * max(self.count, 1)

    @property
    def alone(self) -> float:
        """Time of a request that is alone, all visits, s."""
        return self.visits / float(self.rates[0])

    @cached_property
    def depth(self) -> Array:
        """Sum of ln of the rates with up to 0, 1, ... present."""
        return np.r_[0.0, np.cumsum(np.log(self.rates))]

    def at(self, n: Array) -> Array:
        """Completions/s with n present."""
        n = np.asarray(n, int)
        if self.endless:
            return n * self.rates[0]
        if self.count:
            return np.minimum(n, self.count) * self.rates[0]
        return np.where(n > 0, self.rates[np.minimum(n, len(self.rates)) - 1], 0.0)


def servers(name: str, time: float, count: int = 1, **how: float | str) -> Station:
    """`count` servers that take `time` [s] for a visit. Raises ValueError for none, or for no time."""
    if count < 1 or not time > 0:
        raise ValueError(f"station {name}: give at least one server and a time above 0 s, not {count} and {time:g}")
    return Station(name, np.array([1.0 / time]), count=int(count), **how)  # type: ignore[arg-type]


def delay(name: str, time: float, **how: float | str) -> Station:
    """A station where nobody waits, `time` [s] a visit. Raises ValueError for no time."""
    if not time > 0:
        raise ValueError(f"station {name}: give a time above 0 s, not {time:g}")
    return Station(name, np.array([1.0 / time]), endless=True, **how)  # type: ignore[arg-type]


def limit(name: str, most: float) -> Station:
    """What a supply such as power or cooling allows: `most` requests/s."""
    return servers(name, 1.0 / most)


@dataclass(frozen=True)
class Load:
    """A loaded network: requests/s, and by station utilisation, requests present and time of a request [s].

    `binds` is the station that holds the rest back; `reason` says why nothing is served, empty if it is.
    """

    names: tuple[str, ...]
    throughput: float
    utilisation: Array
    present: Array
    time: Array
    variance: Array
    phase: tuple[str, ...]
    reason: str = ""

    @property
    def binds(self) -> str:
        """The station of the highest utilisation."""
        return self.names[int(np.argmax(self.utilisation))]

    def mean(self, *phases: str) -> float:
        """Mean time in the stations of some phases, or in all, s."""
        return float(self.time[self._of(phases)].sum())

    def percentile(self, share: float, *phases: str) -> float:
        """Time that a `share` of requests stays below in the stations of some phases, or in all, s."""
        rows = self._of(phases)
        mean, variance = self.time[rows].sum(), self.variance[rows].sum()
        if not np.isfinite(mean) or variance <= 0:
            return float(mean)
        shape = mean**2 / variance
        return float(gammaincinv(shape, share) * mean / shape)

    def _of(self, phases: Sequence[str]) -> Array:
        return np.array([not phases or p in phases for p in self.phase])


def open_network(stations: Sequence[Station], arrivals: float) -> Load:
    """The network with `arrivals` [requests/s] at random. Beyond a station's capacity nothing is in equilibrium."""
    use = np.array([arrivals / s.capacity for s in stations])
    if use.max() >= 1.0:
        name = stations[int(np.argmax(use))].name
        nothing = np.full(len(stations), np.inf)
        why = f"{arrivals:g} requests/s are beyond the {min(s.capacity for s in stations):g} of {name}"
        return _load(stations, 0.0, use, nothing, nothing, nothing, why)
    present, variance = np.zeros(len(stations)), np.zeros(len(stations))
    for i, s in enumerate(stations):
        flow, one = arrivals * s.visits, 1.0 / s.rates[0]
        if s.endless:
            present[i], variance[i] = flow * one, s.visits * s.spread * one**2
        elif s.count:
            factor, left, chance = 0.5 * (1.0 + s.spread), s.most - flow, _waiting(s.count, flow * one)
            present[i] = flow * (factor * chance / left + one)
            variance[i] = s.visits * (factor**2 * chance * (2.0 - chance) / left**2 + s.spread * one**2)
        else:
            present[i] = _shared(s, flow)
            variance[i] = s.visits * s.spread * (present[i] / flow) ** 2
    return _load(stations, arrivals, use, present, present / arrivals, variance)


def closed_network(stations: Sequence[Station], users: int, think: float = 0.0) -> Load:
    """The network with so many users who `think` [s] between requests: exact for shared or exponential service.

    Convolution of the stations' equilibria [Buzen, Commun. ACM 16 (1973) 527], scaled by the throughput that bounds it.
    More than `MANY` users are an open network whose throughput X satisfies X (think + time) = users [Little]: in a
    large population what is in the network varies little, which a test holds against the exact answer.
    """
    if users > MANY:
        return _crowded(stations, users, think)
    capacity = min(s.capacity for s in stations)
    scale = min(capacity, users / (think + sum(s.alone for s in stations)))
    terms = [_weights(s, users, scale) for s in stations]
    whole = terms + ([_poisson(think * scale, users)] if think > 0 else [])
    total = _convolved(whole, users)
    throughput = scale * total[users - 1] / total[users]
    present, queue = np.zeros(len(stations)), np.zeros((2, len(stations)))
    for i, own in enumerate(terms):
        rest = _convolved([w for k, w in enumerate(whole) if k != i], users)
        p = own * rest[::-1]
        present[i] = (p @ np.arange(users + 1)) / p.sum()
        if stations[i].count:  # which a visit finds as it would be with one user less
            p = own[:users] * rest[users - 1 :: -1]
            ahead = np.maximum(np.arange(users) - stations[i].count + 1, 0)
            queue[:, i] = p @ ahead / p.sum(), p @ ahead**2 / p.sum()
    time = present / throughput
    use = np.array([throughput / s.capacity for s in stations])
    variance = [
        s.visits * (_turns(s, m, m2 - m**2) if s.count else s.spread * (t / s.visits) ** 2)
        for s, t, m, m2 in zip(stations, time, *queue, strict=True)
    ]
    return _load(stations, float(throughput), use, present, time, np.array(variance))


def _turns(s: Station, ahead: float, spread: float) -> float:
    """Variance of a visit's time, s²: so many turns ahead of it, of a variance `spread`, then its own service."""
    one = 1.0 / float(s.rates[0])
    return (ahead + spread) * (one / s.count) ** 2 + s.spread * one**2


def _crowded(stations: Sequence[Station], users: int, think: float) -> Load:
    """The open network whose users, those who think included, are so many."""
    capacity = min(s.capacity for s in stations)
    free = users / (think + sum(s.alone for s in stations))
    if not np.isfinite(capacity):
        return open_network(stations, free)
    at = lambda y: open_network(stations, capacity / (1.0 + np.exp(-y)))  # noqa: E731

    def many(y: float) -> float:
        found = at(y)
        return float(np.log(found.throughput * (think + found.mean()) / users))

    least = min(np.log(free / capacity) - 5.0, -5.0)
    found = at(brentq(many, least, LOADED, xtol=1e-9))
    variance = found.variance.copy()
    for i, s in enumerate(stations):
        if s.count:  # no queue varies more than what is elsewhere does
            elsewhere = max(users - found.present[i], 0.0)
            ahead = max(found.present[i] - found.throughput * s.alone, 0.0)
            variance[i] = min(variance[i], s.visits * _turns(s, ahead, elsewhere))
    return replace(found, variance=variance)


def _load(stations, throughput, use, present, time, variance, reason=""):
    names, phases = tuple(s.name for s in stations), tuple(s.phase for s in stations)
    return Load(names, throughput, use, present, time, variance, phases, reason)


def _waiting(count: int, load: float) -> float:
    """Probability that a visit finds all servers busy, of which `load` are on average [Erlang C]."""
    full = np.exp(count * np.log(load) - load - gammaln(count + 1)) / (1.0 - load / count)
    return float(full / (gammaincc(count, load) + full))


def _shared(s: Station, flow: float) -> float:
    """Mean number present in an open station that is shared: beyond its last rate the terms are geometric.

    Deep in one, where the number hardly varies, it is that whose rate is the flow.
    """
    ratio = flow / s.most
    if s.deep is not None and flow > s.rates[len(s.rates) // 2]:
        return float(np.interp(flow, s.deep[1], s.deep[0]) + ratio / max(1.0 - ratio, 1e-15))
    n = np.arange(len(s.depth))
    weight = n * np.log(flow) - s.depth
    p, ratio = np.exp(weight - weight.max()), flow / s.rates[-1]
    last, k, tail = p[-1], n[-1], ratio / max(1.0 - ratio, 1e-15)  # of all beyond the last, over the last
    return float((p @ n + last * tail * (k + 1.0 + tail)) / (p.sum() + last * tail))


def _weights(s: Station, users: int, scale: float) -> Array:
    """Weights of 0 ... users requests in a station of a closed network."""
    rates = s.at(np.arange(1, users + 1))
    weight = np.r_[0.0, np.cumsum(np.log(s.visits * scale) - np.log(rates))]
    return np.exp(weight - weight.max())


def _poisson(mean: float, most: int) -> Array:
    n = np.arange(most + 1)
    weight = xlogy(n, mean) - gammaln(n + 1)
    return np.exp(weight - weight.max())


def _convolved(terms: Sequence[Array], users: int) -> Array:
    found = np.zeros(users + 1)
    found[0] = 1.0
    for w in terms:
        found = np.convolve(found, w)[: users + 1]
        found /= found.max()
    return found
