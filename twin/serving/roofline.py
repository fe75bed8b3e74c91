"""Physics of serving a language model: the time of a decode step, memory, prefill, and what follows for a user.

A decode instance of N accelerators holds b requests in flight. With v tokens verified a step (1, or more when draft
tokens are checked) each accelerator works on x = b v / N tokens, and a step takes

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
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twin.elements import Array

Parallel = Literal["tensor", "expert", "best"]
"""How an instance splits a model: layers over all accelerators, experts over all, or the faster of the two."""

Precision = Literal["fp8", "fp4"]
"""Of the weights."""

MAX_REQUESTS = 1e6
"""Largest number of requests that are tried in an instance."""

MEASURED_VERIFIED = 4
"""Tokens verified a step in the runs that show how many are accepted, three of them drafted."""

BISECTIONS = 50
"""Of the interval of ln of the requests in an instance."""

BYTES_PER_PARAMETER = {"fp8": 1.0, "fp4": 0.5625}
"""Four bits come with a scale of eight for every sixteen."""


@dataclass(frozen=True)
class Model:
    """A mixture of experts with compressed attention."""

    name: str
    """As `layouts/serving/physics.yaml` has it."""
    dense: float
    """Parameters that every token uses."""
    expert: float
    """Parameters of all experts."""
    active: float
    """Parameters that one token uses."""
    experts: int
    """Experts of a layer among which a router chooses."""
    chosen: int
    """Experts of a layer that it chooses for a token."""
    cache: float
    """KV cache per token of context, B."""
    attention: float
    """Arithmetic of attention in decode, FLOP per token and token of context."""
    reading: float
    """The same in prefill."""
    exchange: float
    """What experts send each other per token, B."""
    reduced: float
    """What split layers sum over all accelerators per token, B."""
    context: int
    """Tokens in and out that a request may have."""


@dataclass(frozen=True)
class Chip:
    """An accelerator and its surroundings."""

    name: str
    """The platform, as `layouts/serving/physics.yaml` has it."""
    memory: float
    """Memory, B."""
    bandwidth: float
    """Bandwidth of the memory, B/s."""
    peak: Mapping[str, float]
    """Peak rate by precision, FLOP/s."""
    link: float
    """Bandwidth of the link to others of its domain, B/s."""
    domain: int
    """Accelerators of a domain."""
    host: float = 0.0
    """Bandwidth to the memory of the host, B/s; 0 without."""
    network: float = 0.0
    """Bandwidth to other domains, B/s."""
    reach: int = 0
    """Accelerators of the largest instance where it goes beyond a domain; the others are reached by the network."""

    @property
    def max_instance(self) -> int:
        """Accelerators of the largest instance: a domain unless more are reached over the network."""
        return max(self.domain, self.reach)


@dataclass(frozen=True)
class Fit:
    """What was calibrated on measured runs of a platform and an engine."""

    fixed: Mapping[str, float]
    """Latency of a step by parallelism, s."""
    draft: float
    """Time to draft `MEASURED_VERIFIED` - 1 tokens, s."""
    accepted: Mapping[int, float]
    """Tokens accepted a step by output length, with `MEASURED_VERIFIED` verified."""
    bandwidth: float
    """Share of the memory's bandwidth that decode has."""
    compute: float
    """Share of the peak rate that decode has."""
    attention: float
    """Share of the peak rate in 8 bits that attention in decode has."""
    prefill: Mapping[str, float]
    """Share of the peak rate that prefill has, by precision."""
    first: float
    """Least time to a first token, s, besides reading the input."""
    residual: tuple[tuple[float, float], ...] = ()
    """Pairs (ln of requests per accelerator, factor on the step), the first rising."""


@dataclass(frozen=True)
class Instance:
    """How a decode instance is laid out. Example: Instance(8, "tensor", "fp4", verified=4)."""

    gpus: int
    """Accelerators."""
    parallel: Parallel = "best"
    """Parallelism; "best" is the faster that has memory for the requests."""
    precision: Precision = "fp8"
    """Precision of the weights."""
    verified: int = 1
    """Tokens verified a step: one and the draft tokens."""
    reserve: float = 0.05
    """Share of the memory kept for activations and the engine."""
    engine: str | None = None
    """Serving stack, whose factors `twin.serving.server` applies; None for the platform's own."""
    max_batch: int | None = None
    """Most requests admitted at a time; None as memory allows."""


@dataclass(frozen=True)
class Server:
    """A model on a kind of accelerator with its calibration; `twin.serving.server` makes one from shipped tables.

    Raises ValueError for a tier of cache of a size but no bandwidth, for lengths and sizes that are not positive, and
    for an instance that the accelerator's domain does not hold.
    """

    model: Model
    """What is served."""
    chip: Chip
    """What it is served on."""
    fit: Fit
    """How well it does."""
    instance: Instance
    """How many serve together, and how."""
    isl: int
    """Input tokens of a request."""
    osl: int
    """Output tokens of a request."""
    host_cache: float = 0.0
    """KV cache that each accelerator may keep in its host, B."""
    storage_cache: float = 0.0
    """KV cache that each accelerator may keep beyond, in storage, B."""
    storage_rate: float = 0.0
    """Bandwidth of each accelerator to storage, B/s."""

    def __post_init__(self) -> None:
        """Refuses what cannot be."""
        i, c = self.instance, self.chip
        for name, number, low in (
            ("accelerators of an instance", i.gpus, 1),
            ("tokens verified a step", i.verified, 1),
            ("requests that an instance admits", 1 if i.max_batch is None else i.max_batch, 1),
            ("tokens in", self.isl, 1),
            ("tokens out", self.osl, 1),
            ("bytes of cache in the host", self.host_cache, 0),
            ("bytes of cache in storage", self.storage_cache, 0),
        ):
            if not number >= low:
                raise ValueError(f"serving: {c.name}: {name} should be at least {low}, not {number:g}")
        if not 0.0 <= i.reserve < 1.0:
            raise ValueError(f"serving: {c.name}: the reserve should be a share of the memory, not {i.reserve:g}")
        if i.parallel not in ("tensor", "expert", "best"):
            raise ValueError(f"serving: no parallelism {i.parallel!r}; there are tensor, expert, best")
        if i.precision not in c.peak:
            raise ValueError(f"serving: {c.name} has no {i.precision}; it has {', '.join(c.peak)}")
        if i.gpus > c.max_instance:
            bound = f"a domain of {c.domain}" if c.max_instance == c.domain else f"the {c.max_instance} measured"
            raise ValueError(f"serving: {c.name}: an instance of {i.gpus} accelerators is larger than {bound}")
        tiers = (("host", self.host_cache, c.host), ("storage", self.storage_cache, self.storage_rate))
        for tier, size, rate in tiers:
            if size > 0 and not rate > 0:
                raise ValueError(f"serving: {c.name}: cache in {tier} needs a bandwidth to read it with")

    @property
    def prompt_cache(self) -> float:
        """KV cache of a prompt, B, which prefill hands to decode where their accelerators differ."""
        return self.isl * self.model.cache

    @property
    def mean_context(self) -> float:
        """Mean context of a request in decode, tokens."""
        return self.isl + 0.5 * self.osl

    @property
    def accepted(self) -> float:
        """Tokens accepted a step: those of the nearest output length measured, with `MEASURED_VERIFIED` verified.

        With others a draft token is accepted as likely as there, each where all before it were: a = 1 + p + p² + ...
        """
        known = self.fit.accepted
        measured = known[min(known, key=lambda n: abs(np.log(n / self.osl)))]
        roots = np.roots([*np.ones(MEASURED_VERIFIED - 1), 1.0 - measured])
        chance = float(max(roots[np.abs(roots.imag) < 1e-9].real))
        return float(sum(chance**k for k in range(self.instance.verified)))


class Step(NamedTuple):
    """Parts of the time of a decode step, s, each of the shape of the requests or a number."""

    fixed: Array
    """Latency whatever the load."""
    draft: Array
    """Drafting tokens."""
    weights: Array
    """Reading weights."""
    cache: Array
    """Reading the KV cache."""
    compute: Array
    """Arithmetic of the parameters."""
    attention: Array
    """Arithmetic of attention."""
    exchange: Array
    """What leaves an accelerator."""

    @property
    def time(self) -> Array:
        """Their sum, s."""
        return np.sum(np.broadcast_arrays(*self), axis=0)


def decode_step(s: Server, requests: ArrayLike, clock: ArrayLike = 1.0, parallel: str | None = None) -> Step:
    """Parts of a decode step with b = `requests` in an instance, at a share `clock` of the peak rates.

    The equation stands at the head of the module. Both broadcast; `parallel` stands for that of the instance.
    Example: decode_step(server, 64).time.
    """
    m, c, f, i = s.model, s.chip, s.fit, s.instance
    b, clock, way = np.asarray(requests, float), np.asarray(clock, float), parallel or i.parallel
    if way == "best":
        tensor, expert = (decode_step(s, b, clock, each) for each in ("tensor", "expert"))
        fits_tensor, fits_expert = (b <= max_requests(s, each) for each in ("tensor", "expert"))
        return _faster(tensor, expert, fits_expert & ~fits_tensor, fits_tensor & ~fits_expert)
    touched = -np.expm1(b * i.verified * np.log1p(-m.chosen / m.experts))
    tensor = way == "tensor"
    weights = BYTES_PER_PARAMETER[i.precision] * (m.dense / (i.gpus if tensor else 1) + m.expert * touched / i.gpus)
    cache = m.cache * s.mean_context * b / (1 if tensor else i.gpus)
    tokens = b * i.verified / i.gpus
    near, host, beyond = _tiers(s, weight_bytes(s, way), cache)
    rate = f.bandwidth * c.bandwidth
    return Step(
        np.asarray(f.fixed[way]),
        np.asarray(f.draft * (i.verified - 1) / (MEASURED_VERIFIED - 1)),
        weights / rate,
        near / rate + (host / c.host if s.host_cache else 0.0) + (beyond / s.storage_rate if s.storage_cache else 0.0),
        2.0 * m.active * tokens / (f.compute * c.peak[i.precision] * clock),
        m.attention * s.mean_context * tokens / (f.attention * c.peak["fp8"] * clock),
        m.reduced * b * i.verified * all_reduce(c, i.gpus) if tensor else m.exchange * tokens * all_to_all(c, i.gpus),
    )


def all_to_all(c: Chip, gpus: int) -> float:
    """Time per byte that experts of an instance of `gpus` exchange, s/B.

    Experts are drawn uniformly, so that a share 1/gpus stays where it is; what leaves a domain takes the network.
    """
    inside = min(gpus, c.domain)
    far = (gpus - inside) / gpus
    return (inside - 1) / gpus / c.link + (far / c.network if far else 0.0)


def all_reduce(c: Chip, gpus: int) -> float:
    """Time per byte that split layers sum over an instance of `gpus`, s/B: twice what leaves an accelerator.

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


def weight_bytes(s: Server, parallel: str) -> float:
    """Weights in the memory of one accelerator of a `parallel` instance, B."""
    m, i = s.model, s.instance
    dense = m.dense / i.gpus if parallel == "tensor" else m.dense
    return BYTES_PER_PARAMETER[i.precision] * (dense + m.expert / i.gpus)


def _tiers(s: Server, weights: float, cache: Array) -> tuple[Array, Array, Array]:
    """What of the cache of an accelerator lies in its own memory, in the host's and in storage, B, filled in turn.

    What is beyond all lies in the last that there is: `max_requests` bounds how much there may be.
    """
    free = max(s.chip.memory * (1.0 - s.instance.reserve) - weights, 0.0)
    near = np.minimum(cache, free) if s.host_cache or s.storage_cache else cache
    host = np.minimum(cache - near, s.host_cache) if s.storage_cache else cache - near
    return near, host, cache - near - host


def max_requests(s: Server, parallel: str | None = None) -> float:
    """Requests for whose KV cache an instance has memory, hosts and storage included, at most its `max_batch`.

    0 where not even the weights fit; `parallel` stands for that of the instance.
    """
    way = parallel or s.instance.parallel
    if way == "best":
        return max(max_requests(s, "tensor"), max_requests(s, "expert"))
    free = s.chip.memory * (1.0 - s.instance.reserve) - weight_bytes(s, way)
    if free <= 0:
        return 0.0
    each = s.model.cache * (s.isl + s.osl) / (1 if way == "tensor" else s.instance.gpus)
    requests = float(np.floor((free + s.host_cache + s.storage_cache) / each))
    return requests if s.instance.max_batch is None else min(requests, float(s.instance.max_batch))


def step_time(s: Server, requests: ArrayLike, clock: ArrayLike = 1.0) -> Array:
    """Time of a decode step with the platform's residual, s, of the shape to which `requests` and `clock` broadcast."""
    t = decode_step(s, requests, clock).time
    if s.fit.residual:
        at, factor = np.array(s.fit.residual).T
        t = t * np.interp(np.log(np.maximum(requests, 1e-9) / s.instance.gpus), at, factor)
    return t


def interactivity(s: Server, requests: ArrayLike, clock: ArrayLike = 1.0) -> Array:
    """Tokens/s that each of `requests` in an instance sees:  I = a / t. Example: interactivity(server, 64)."""
    return s.accepted / step_time(s, requests, clock)


def prefill_rate(s: Server, clock: ArrayLike = 1.0, hit_rate: float = 0.0) -> Array:
    """Input tokens/s that one accelerator computes, of the shape of `clock`.

    A share `hit_rate` of the input is in a cache; attention sees it all the same.
    """
    m, f, p = s.model, s.fit, s.instance.precision
    work = 2.0 * m.active + m.reading * 0.5 * (1.0 + hit_rate) * s.isl
    return f.prefill[p] * s.chip.peak[p] * np.asarray(clock) / work


class Served(NamedTuple):
    """What a user and an accelerator get; all of the shape of the interactivity, zeros where nothing can be served."""

    interactivity: Array
    """Tokens/s of a user."""
    requests: Array
    """Requests in flight in an instance."""
    output: Array
    """Output tokens/s per accelerator of decode."""
    total: Array
    """Input and output tokens/s per accelerator of both pools."""
    ttft: Array
    """Time to first token, s; infinite where nothing is served."""
    latency: Array
    """Time to the last token, s; infinite where nothing is served."""
    reason: Array
    """Why nothing is served; empty if something is."""
    network: Array
    """KV cache that an accelerator of decode takes in from prefill, B/s; 0 where they are the same."""
    gpus: Array
    """Accelerators of an instance."""


BEYOND_FRONT, NO_MEMORY, NO_CLOCK = "beyond the front", "memory too small", "its clock stands still"
TOO_LONG = "a request of {} tokens is longer than the context of the model, {}"
"""Reasons why nothing is served."""


def at_interactivity(s: Server, target: ArrayLike, clock: ArrayLike = 1.0) -> Served:
    """The most that is served at a `target` interactivity [tokens/s/user], pools being as large as each other needs.

    Interactivity falls with the requests in flight, which bisection finds. Beyond what one request alone gets nothing
    is served; below what a full memory gives the full memory is. `target` and `clock` broadcast.
    Example: at_interactivity(server, [20.0, 60.0]).total.
    """
    target, clock = np.broadcast_arrays(np.asarray(target, float), np.asarray(clock, float))
    still = ~(clock > 0)
    clock = np.where(still, 1.0, clock)
    limit = max_requests(s)
    low, high = np.zeros(target.shape), np.full(target.shape, np.log(max(min(limit, MAX_REQUESTS), 1.0)))
    full = interactivity(s, np.exp(high), clock) >= target
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        slow = interactivity(s, np.exp(middle), clock) < target
        low, high = np.where(slow, low, middle), np.where(slow, middle, high)
    b = np.where(full, np.exp(high), np.exp(low))
    short = s.isl + s.osl <= s.model.context
    fits = limit >= 1.0 and short
    good = fits & ~still & (interactivity(s, np.ones(target.shape), clock) >= target * (1.0 - 1e-12))
    seen = np.where(full, interactivity(s, b, clock), target)
    output = np.where(good, b * seen / s.instance.gpus, 0.0)
    inputs = output * s.isl / s.osl
    total = output * (s.isl + s.osl) / s.osl / (1.0 + inputs / prefill_rate(s, clock))
    ttft = np.where(good, s.fit.first + s.isl / (prefill_rate(s, clock) * s.instance.gpus), np.inf)
    latency = np.where(good, ttft + s.osl / np.where(good, seen, 1.0), np.inf)
    why = NO_MEMORY if short else TOO_LONG.format(f"{s.isl + s.osl:,}", f"{s.model.context:,}")
    reason = np.where(good, "", np.where(still, NO_CLOCK, BEYOND_FRONT) if fits else why)
    return Served(
        np.where(good, seen, 0.0),
        np.where(good, b, 0.0),
        output,
        total,
        ttft,
        latency,
        reason,
        output * s.prompt_cache / s.osl,
        np.full(target.shape, s.instance.gpus),
    )
