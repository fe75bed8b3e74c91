"""Physics of serving a language model: the time of a decode step, memory, prefill, and what follows for a user.

A decode instance of N accelerators holds b requests in flight. With v tokens examined a step (1, or more when drafts
are checked) each accelerator works on x = b v / N tokens, and a step takes

    t = t₀ + t_draft + (W + K) / (η_b B) + x (2 P_a / (η_c F) + A c / (η_a F₈)) + X / L

W weights touched and K cache read [B], B memory bandwidth, P_a parameters active for a token, F the peak rate in the
weights' precision and F₈ in 8 bits, A the arithmetic of attention per token of context c, L the bandwidth of the link
and X bytes that leave an accelerator, x (1 - 1/N) times what experts exchange for a token or 2 b v (1 - 1/N) times what
split layers sum. With a tokens accepted a step a user sees I = a / t tokens/s.

Weights touched: experts are drawn at random, so that b v tokens use a share f = 1 - (1 - chosen/experts)^(b v) of them.
Tensor parallel: all weights are split and every accelerator reads the cache of all requests; expert parallel: experts
are split, the dense part is whole everywhere, requests are split. The roofline is that of Williams, Waterman &
Patterson (Commun. ACM 52 (2009) 65) with a fixed latency; parameters of the models are those of their makers' reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from twin.elements import Array

MOST_REQUESTS = 1e6
MEASURED = 4
"""Tokens examined a step in the runs that tell how many are accepted, three of them drafted."""

HALVINGS = 50
PARTS, ROUNDS = 32, 10
"""Of the search for requests in decode, all parts of a round at a time: as fine as fifty halvings."""


@dataclass(frozen=True)
class Model:
    """A mixture of experts with compressed attention: parameters, and bytes and arithmetic per token.

    `cache` [B] is per token of context, `attention` [FLOP] per token and token of context in decode and `reading` in
    prefill, `exchange` [B] what experts send each other per token, `reduced` [B] what split layers sum over
    all accelerators per token.
    """

    name: str
    dense: float
    expert: float
    active: float
    experts: int
    chosen: int
    cache: float
    attention: float
    reading: float
    exchange: float
    reduced: float


@dataclass(frozen=True)
class Chip:
    """An accelerator: memory [B], its bandwidth [B/s], peak rates by precision [FLOP/s], link [B/s], size of a domain.

    `host` [B/s] is the bandwidth to memory of the host, 0 without, and `network` [B/s] that to other domains. `reach`
    is the size of the largest instance; one beyond a domain exchanges with the others over the network.
    """

    name: str
    memory: float
    bandwidth: float
    peak: Mapping[str, float]
    link: float
    domain: int
    host: float = 0.0
    network: float = 0.0
    reach: int = 0

    @property
    def largest(self) -> int:
        """Accelerators of the largest instance: a domain unless more are reached over the network."""
        return max(self.domain, self.reach)


@dataclass(frozen=True)
class Fit:
    """What was calibrated on measured runs: latencies [s], shares of peaks, tokens accepted a step by output length.

    `fixed` is by parallelism. `residual` are pairs (ln of requests per accelerator, factor on the step) of a platform,
    rising; `first` [s] is the least time to a first token, `prefill` the share of the peak in prefill by precision.
    """

    fixed: Mapping[str, float]
    draft: float
    accepted: Mapping[int, float]
    bandwidth: float
    compute: float
    attention: float
    prefill: Mapping[str, float]
    first: float
    residual: tuple[tuple[float, float], ...] = ()


BYTES = {"fp8": 1.0, "fp4": 0.5625}
"""Bytes per parameter; four bits come with a scale of eight for every sixteen."""


@dataclass(frozen=True)
class Instance:
    """How a decode instance is laid out: accelerators, parallelism ("best" is the faster), precision, tokens examined.

    `reserve` is the share of memory that is kept for activations and the engine, `engine` the serving stack, which
    `twin.serving.server` reads, and `admits` the most requests that it takes in at a time, None: as memory allows.
    """

    gpus: int
    parallel: Literal["tensor", "expert", "best"] = "best"
    precision: Literal["fp8", "fp4"] = "fp8"
    examined: int = 1
    reserve: float = 0.05
    engine: str = "dynamo-trt"
    admits: int | None = None


@dataclass(frozen=True)
class Server:
    """A model on a kind of accelerator with its calibration.

    `host_cache` [B] is what each accelerator may keep in its host, and `storage_cache` [B] what it may keep beyond, in
    storage that it reads with `storage` [B/s]. Raises ValueError for a tier of a size but no bandwidth, for lengths
    and sizes that are not positive, and for an instance that the accelerator's domain does not hold.
    """

    model: Model
    chip: Chip
    fit: Fit
    instance: Instance
    isl: int
    osl: int
    host_cache: float = 0.0
    storage_cache: float = 0.0
    storage: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what cannot be."""
        i, c = self.instance, self.chip
        for what, number, low in (
            ("accelerators of an instance", i.gpus, 1),
            ("tokens examined a step", i.examined, 1),
            ("requests that an instance admits", 1 if i.admits is None else i.admits, 1),
            ("tokens in", self.isl, 1),
            ("tokens out", self.osl, 1),
            ("bytes of cache in the host", self.host_cache, 0),
            ("bytes of cache in storage", self.storage_cache, 0),
        ):
            if not number >= low:
                raise ValueError(f"serving: {c.name}: {what} should be at least {low}, not {number:g}")
        if not 0.0 <= i.reserve < 1.0:
            raise ValueError(f"serving: {c.name}: the reserve should be a share of the memory, not {i.reserve:g}")
        if i.parallel not in ("tensor", "expert", "best"):
            raise ValueError(f"serving: no parallelism {i.parallel!r}; there are tensor, expert, best")
        if i.precision not in c.peak:
            raise ValueError(f"serving: {c.name} has no {i.precision}; it has {', '.join(c.peak)}")
        if i.gpus > c.largest:
            where = f"a domain of {c.domain}" if c.largest == c.domain else f"the {c.largest} that were measured"
            raise ValueError(f"serving: {c.name}: an instance of {i.gpus} accelerators is larger than {where}")
        for where, size, rate in (("host", self.host_cache, c.host), ("storage", self.storage_cache, self.storage)):
            if size > 0 and not rate > 0:
                raise ValueError(f"serving: {c.name}: cache in {where} needs a bandwidth to read it with")

    @property
    def handed(self) -> float:
        """Cache of a prompt, B, which prefill hands to decode where their accelerators differ."""
        return self.isl * self.model.cache

    @property
    def context(self) -> float:
        """Mean context of a request in decode, tokens."""
        return self.isl + 0.5 * self.osl

    @property
    def accepted(self) -> float:
        """Tokens accepted a step: those of the nearest output length that was measured, with `MEASURED` examined.

        With others a draft is accepted as likely as there, each where all before it were: a = 1 + p + p² + ...
        """
        known = self.fit.accepted
        whole = known[min(known, key=lambda n: abs(np.log(n / self.osl)))]
        roots = np.roots([*np.ones(MEASURED - 1), 1.0 - whole])
        chance = float(max(roots[np.abs(roots.imag) < 1e-9].real))
        return float(sum(chance**k for k in range(self.instance.examined)))


class Step(NamedTuple):
    """Parts of the time of a decode step, s, each of the shape of the requests."""

    fixed: Array
    draft: Array
    weights: Array
    cache: Array
    compute: Array
    attention: Array
    exchange: Array

    @property
    def time(self) -> Array:
        """Their sum."""
        return np.sum(np.broadcast_arrays(*self), axis=0)


def step(s: Server, requests: Any, clock: Any = 1.0, parallel: str | None = None) -> Step:
    """Parts of a decode step with so many `requests` in an instance, at a share `clock` of the peak rates."""
    m, c, f, i = s.model, s.chip, s.fit, s.instance
    how = parallel or i.parallel
    if how == "best":
        split, whole = (step(s, requests, clock, way) for way in ("tensor", "expert"))
        few, more = (np.asarray(requests, float) <= most_requests(s, way) for way in ("tensor", "expert"))
        return _faster(split, whole, more & ~few, few & ~more)
    b = np.asarray(requests, float)
    touched = -np.expm1(b * i.examined * np.log1p(-m.chosen / m.experts))
    split = how == "tensor"
    weights = BYTES[i.precision] * (m.dense / (i.gpus if split else 1) + m.expert * touched / i.gpus)
    cache = m.cache * s.context * b / (1 if split else i.gpus)
    tokens = b * i.examined / i.gpus
    near, host, beyond = _stored(s, weights_held(s, how), cache)
    rate = f.bandwidth * c.bandwidth
    return Step(
        np.asarray(f.fixed[how]),
        np.asarray(f.draft * (i.examined - 1) / (MEASURED - 1)),
        weights / rate,
        near / rate + (host / c.host if s.host_cache else 0.0) + (beyond / s.storage if s.storage_cache else 0.0),
        2.0 * m.active * tokens / (f.compute * c.peak[i.precision] * clock),
        m.attention * s.context * tokens / (f.attention * c.peak["fp8"] * clock),
        m.reduced * b * i.examined * summed(c, i.gpus) if split else m.exchange * tokens * exchanged(c, i.gpus),
    )


def exchanged(c: Chip, gpus: int) -> float:
    """Time per byte that experts of an instance exchange, s/B.

    Experts are drawn alike, so that a share 1/gpus stays where it is; what leaves a domain takes the network.
    """
    inside = min(gpus, c.domain)
    far = (gpus - inside) / gpus
    return (inside - 1) / gpus / c.link + (far / c.network if far else 0.0)


def summed(c: Chip, gpus: int) -> float:
    """Time per byte that split layers sum over an instance, s/B: twice what leaves an accelerator.

    The least that a sum and its distribution take [Patarasuk & Yuan, J. Parallel Distrib. Comput. 69 (2009) 117];
    between domains every accelerator carries a share.
    """
    inside = min(gpus, c.domain)
    domains = gpus / inside
    far = 2.0 * (domains - 1.0) / domains / inside
    return 2.0 * (inside - 1) / inside / c.link + (far / c.network if far else 0.0)


def _faster(a: Step, b: Step, only_b: Array, only_a: Array) -> Step:
    """The faster of two layouts, or the one that has memory for so many requests."""
    first = ((a.time <= b.time) | only_a) & ~only_b
    return Step(*(np.where(first, x, y) for x, y in zip(a, b, strict=True)))


def weights_held(s: Server, parallel: str) -> float:
    """Weights in the memory of one accelerator, B."""
    m, i = s.model, s.instance
    return BYTES[i.precision] * ((m.dense / i.gpus if parallel == "tensor" else m.dense) + m.expert / i.gpus)


def _stored(s: Server, weights: float, cache: Array) -> tuple[Array, Array, Array]:
    """What of the cache of an accelerator lies in its own memory, in the host's and in storage, B, filled in turn.

    What is beyond all lies in the last that there is: `most_requests` tells how much there may be.
    """
    room = max(s.chip.memory * (1.0 - s.instance.reserve) - weights, 0.0)
    near = np.minimum(cache, room) if s.host_cache or s.storage_cache else cache
    host = np.minimum(cache - near, s.host_cache) if s.storage_cache else cache - near
    return near, host, cache - near - host


def most_requests(s: Server, parallel: str | None = None) -> float:
    """Requests for whose cache an instance has memory, hosts and storage included; 0 where not even the weights fit.

    At most those that it admits.
    """
    how = parallel or s.instance.parallel
    if how == "best":
        return max(most_requests(s, "tensor"), most_requests(s, "expert"))
    room = s.chip.memory * (1.0 - s.instance.reserve) - weights_held(s, how)
    if room <= 0:
        return 0.0
    each = s.model.cache * (s.isl + s.osl) / (1 if how == "tensor" else s.instance.gpus)
    held = float(np.floor((room + s.host_cache + s.storage_cache) / each))
    return held if s.instance.admits is None else min(held, float(s.instance.admits))


def time(s: Server, requests: Any, clock: Any = 1.0) -> Array:
    """Time of a decode step, s, with the platform's residual."""
    t = step(s, requests, clock).time
    if s.fit.residual:
        at, factor = np.array(s.fit.residual).T
        t = t * np.interp(np.log(np.maximum(requests, 1e-9) / s.instance.gpus), at, factor)
    return t


def interactivity(s: Server, requests: Any, clock: Any = 1.0) -> Array:
    """Tokens/s that each of `requests` in an instance sees."""
    return s.accepted / time(s, requests, clock)


def prefill_rate(s: Server, clock: Any = 1.0, found: float = 0.0) -> Array:
    """Input tokens/s that one accelerator computes, where a share of the input is `found` in a cache."""
    m, f, p = s.model, s.fit, s.instance.precision
    work = 2.0 * m.active + m.reading * 0.5 * (1.0 + found) * s.isl
    return f.prefill[p] * s.chip.peak[p] * np.asarray(clock) / work


class Served(NamedTuple):
    """What a user and an accelerator get; all of the shape of what was asked, zeros where nothing can be served.

    `requests` are in flight in an instance; `output` [tokens/s] is per decode accelerator, `total` per accelerator of
    both pools, input included; `first` is the time to the first token and `end` that to the last [s]; `network` [B/s]
    is the cache that a decode accelerator takes in from prefill, 0 where they are the same; `gpus` are those of an
    instance.
    """

    interactivity: Array
    requests: Array
    output: Array
    total: Array
    first: Array
    end: Array
    reason: Array
    network: Array
    gpus: Array


FAST, SMALL, STILL = "beyond the front", "memory too small", "its clock stands still"


def at_interactivity(s: Server, wanted: Any, clock: Any = 1.0) -> Served:
    """The most that can be served at an interactivity [tokens/s/user], pools being as large as each other needs.

    Interactivity falls with the requests in flight, which are found by halving. Beyond what one request alone gets
    nothing is served; below what a full memory gives the full memory is.
    """
    wanted, clock = np.broadcast_arrays(np.asarray(wanted, float), np.asarray(clock, float))
    still = ~(clock > 0)
    clock = np.where(still, 1.0, clock)
    most = most_requests(s)
    low, high = np.zeros(wanted.shape), np.full(wanted.shape, np.log(max(min(most, MOST_REQUESTS), 1.0)))
    full = interactivity(s, np.exp(high), clock) >= wanted
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        slow = interactivity(s, np.exp(middle), clock) < wanted
        low, high = np.where(slow, low, middle), np.where(slow, middle, high)
    b = np.where(full, np.exp(high), np.exp(low))
    fits = most >= 1.0
    good = fits & ~still & (interactivity(s, np.ones(wanted.shape), clock) >= wanted * (1.0 - 1e-12))
    seen = np.where(full, interactivity(s, b, clock), wanted)
    output = np.where(good, b * seen / s.instance.gpus, 0.0)
    inputs = output * s.isl / s.osl
    total = output * (s.isl + s.osl) / s.osl / (1.0 + inputs / prefill_rate(s, clock))
    first = np.where(good, s.fit.first + s.isl / (prefill_rate(s, clock) * s.instance.gpus), np.inf)
    end = np.where(good, first + s.osl / np.where(good, seen, 1.0), np.inf)
    reason = np.where(good, "", np.where(still, STILL, FAST) if fits else SMALL)
    return Served(
        np.where(good, seen, 0.0),
        np.where(good, b, 0.0),
        output,
        total,
        first,
        end,
        reason,
        output * s.handed / s.osl,
        np.full(wanted.shape, s.instance.gpus),
    )


def at_concurrency(
    s: Server, concurrency: Any, decode: Any, prefill: Any = 0, instances_of_prefill: Any = 1, clock: Any = 1.0
) -> Served:
    """What `concurrency` users in a closed loop get of `decode` and `prefill` accelerators; 0 prefill: they share.

    A user waits for the first token, then for the rest: C = X (first + osl / I), X requests/s of which B = X osl / I
    are in decode. Shared accelerators decode in the time that prefill leaves; others hand the cache of the prompt over
    the network of the smaller instance, which the first token waits for. B is found by search. Users for whom there
    is no room wait for their first token. Raises ValueError for sizes that cannot be.
    """
    C, d, p, clock = np.broadcast_arrays(*(np.asarray(a, float) for a in (concurrency, decode, prefill, clock)))
    n = s.instance.gpus
    for what, number in (("users", C), ("decode accelerators", d), ("instances of prefill", instances_of_prefill)):
        if not (np.asarray(number) > 0).all():
            raise ValueError(f"serving: {s.chip.name}: {what} should be more than 0")
    if not (p >= 0).all():
        raise ValueError(f"serving: {s.chip.name}: prefill accelerators should not be less than 0")
    instances, most = d / n, most_requests(s)
    shared = p == 0
    reads = prefill_rate(s, clock) * np.where(shared, n, p)
    many = np.where(shared, 1.0, np.asarray(instances_of_prefill, float))
    ways = s.chip.network * np.minimum(n, np.where(shared, n, p / many))
    hand = np.where(shared, 0.0, s.handed / ways) if s.chip.network else 0.0
    alone = s.isl / (reads / many)

    def run(B: Array) -> tuple[Array, Array, Array, Array]:
        b = np.maximum(B / instances, 1.0)
        seen = interactivity(s, b, clock)
        requests = B * seen / s.osl
        busy = requests * s.isl / (reads * np.where(shared, instances, 1.0))
        eased = np.where(shared, 1.0 / (1.0 + busy), np.maximum(1.0 - busy, 1e-3))
        seen = np.where(shared, seen * eased, seen)
        requests = np.where(shared, requests * eased, requests)
        # One server's queue, its times all the same [Allen, Probability, Statistics and Queueing Theory, 1990].
        wait = np.where(shared, 0.0, 0.5 * alone * busy / eased)
        return seen, requests, s.fit.first + alone + wait + hand, busy

    low, high = np.zeros(C.shape), np.minimum(C, most * instances)
    limit = high.copy()
    inner = np.linspace(0.0, 1.0, PARTS + 1)[1:-1].reshape(-1, *(1,) * C.ndim)
    for _ in range(ROUNDS):
        middle = low + (high - low) * inner
        _, requests, first, busy = run(middle)
        under = ~((middle + requests * first > C) | (~shared & (busy > 1.0)))
        low, wide = low + (high - low) * np.cumprod(under, axis=0).sum(axis=0) / PARTS, (high - low) / PARTS
        high = low + wide
    B = np.minimum(0.5 * (low + high), limit)
    seen, requests, first, _ = run(B)
    good = most >= 1.0
    output = np.where(good, requests * s.osl / d, 0.0)
    total = np.where(good, requests * (s.isl + s.osl) / (d + p), 0.0)
    first = np.where(good, np.maximum(first, C / np.maximum(requests, 1e-12) - s.osl / seen), np.inf)
    reason = np.where(good, "", SMALL)
    seen, each = np.where(good, seen, 0.0), np.where(good, B / instances, 0.0)
    moved = np.where(shared, 0.0, output * s.handed / s.osl)
    end, sizes = first + s.osl / np.maximum(seen, 1e-12), np.full(C.shape, n)
    return Served(seen, each, output, total, first, end, reason, moved, sizes)
