"""Physics of serving a language model: the time of a decode step, memory, prefill, and the speed that follows.

A decode instance of N accelerators holds b requests in flight. With v tokens verified a step (1, or more when draft
tokens are checked) each accelerator works on x = b v / N tokens, and a step takes

    t = t₀ + t_draft + (W + K) / (η_b B) + x (2 P_a / (η_c F) + A c / (η_a F₈)) + X / L

W weights touched and K cache read [B], B memory bandwidth, P_a parameters active for a token, F the peak rate in the
weights' precision and F₈ in 8 bits, A the arithmetic of attention per token of context c, L the bandwidth of the link
and X bytes that leave an accelerator, x (1 - 1/N) times what experts exchange for a token or 2 b v (1 - 1/N) times what
split layers sum. With a tokens accepted a step a user sees I = a / t tokens/s.

Weights touched: experts are drawn at random, so that b v tokens use a share f = 1 - (1 - chosen/experts)^(b v) of them.
Tensor parallel: all weights are split, and the cache of every request over as many accelerators as there are heads of
keys and values [Ainslie et al., arXiv 2305.13245], one if attention is compressed; expert parallel: experts are split,
the dense part is whole everywhere, requests are split. A model without experts is tensor parallel. Layers of
sliding-window attention keep and attend to no more than their window. The roofline is that of Williams, Waterman &
Patterson (Commun. ACM 52 (2009) 65) with a fixed latency; `twin.serving.models` derives models from published shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twin.elements import Array

Parallel = Literal["tensor", "expert", "best"]
"""How an instance splits a model: layers over all accelerators, experts over all, or the faster of the two."""

Precision = Literal["fp8", "fp4"]
"""Of the weights."""

MEASURED_VERIFIED = 4
"""Tokens verified a step in the runs that show how many are accepted, three of them drafted."""

BYTES_PER_PARAMETER = {"fp8": 1.0, "fp4": 0.5625}
"""Four bits come with a scale of eight for every sixteen."""

MXFP4, REST = 0.53125, 2.0
"""Bytes of a parameter where experts are published in four bits, a scale of eight for every 32: theirs, and the rest's.

The rest has 16 bits [model card of gpt-oss, arXiv 2508.10925].
"""


@dataclass(frozen=True)
class Model:
    """A decoder, dense or a mixture of experts; `twin.serving.models.derive_model` makes one from a published shape."""

    name: str
    """As `layouts/serving/physics.yaml` has it."""
    dense: float
    """Parameters that every token uses."""
    expert: float
    """Parameters of all experts."""
    active: float
    """Parameters that one token uses."""
    experts: int
    """Experts of a layer among which a router chooses; 0 without."""
    chosen: int
    """Experts of a layer that it chooses for a token."""
    cache: float
    """KV cache per token of context that all layers keep, B."""
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
    heads: int
    """Query heads of a layer, which tensor parallelism splits."""
    kv_heads: int = 1
    """Heads of keys and values, over at most as many accelerators it splits the cache; 1 of compressed attention."""
    window: int = 0
    """Tokens of context that windowed layers keep."""
    windowed: float = 0.0
    """Share of the layers that are windowed."""
    mxfp4: bool = False
    """Whether its experts are published in four bits, see `MXFP4`."""
    drafts: int = 0
    """Tokens that its draft layers draft a step; 0 unless it was measured how many are accepted."""

    def kept(self, tokens: ArrayLike) -> Array:
        """Tokens of a context of so many `tokens` that a layer keeps and attends to, on average over layers."""
        tokens = np.asarray(tokens, float)
        return (1.0 - self.windowed) * tokens + self.windowed * np.minimum(tokens, self.window)

    def splits(self, gpus: int) -> tuple[str, ...]:
        """Parallelisms of so many accelerators: heads in equal shares, or whole experts on each.

        Experts need not come out even: copies of busy ones fill up [DeepSeek-V3, arXiv 2412.19437, section 3.4].
        """
        ways = {"tensor": self.heads % gpus == 0, "expert": gpus <= self.experts}
        return tuple(way for way, splits in ways.items() if splits)

    def parameter_bytes(self, precision: str) -> tuple[float, float]:
        """Bytes of a dense parameter and of one of an expert with weights of a `precision`."""
        if self.mxfp4 and precision == "fp4":
            return REST, MXFP4
        return BYTES_PER_PARAMETER[precision], BYTES_PER_PARAMETER[precision]


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
    """Least time to a first token, s, besides reading the input, where other accelerators prefill."""
    turns: float = 0.0
    """The same where the accelerators of decode prefill in turns, s."""
    polls: tuple[int, int] = (1, 1)
    """Steps of decode after which an engine looks for new prompts, with few requests in an instance and with `MANY`."""
    far: Mapping[str, float] = field(default_factory=dict)
    """Latency of a step by parallelism where an instance goes beyond a domain, s; `fixed` if not given."""
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
    shared: bool = False
    """Whether its accelerators take turns at prefill and decode; else others prefill, as disaggregated engines do."""


@dataclass(frozen=True)
class Server:
    """A model on a kind of accelerator with its calibration; `twin.serving.server` makes one from shipped tables.

    Raises ValueError for a tier of cache of a size but no bandwidth, for lengths and sizes that are not positive, for
    an instance that the accelerator's domain does not hold or that does not split the model, for a request longer than
    the context, and for drafts of a model without any.
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
        i, c, m = self.instance, self.chip, self.model
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
        if i.precision not in c.peak and not (m.mxfp4 and i.precision == "fp4"):
            raise ValueError(f"serving: {c.name} has no {i.precision}; it has {', '.join(c.peak)}")
        if i.gpus > c.max_instance:
            bound = f"a domain of {c.domain}" if c.max_instance == c.domain else f"the {c.max_instance} measured"
            raise ValueError(f"serving: {c.name}: an instance of {i.gpus} accelerators is larger than {bound}")
        if not self.ways:
            parts = {"tensor": f"{m.heads} heads", "expert": f"{m.experts} experts"}
            asked = " or ".join(parts.values() if i.parallel == "best" else [parts[i.parallel]])
            raise ValueError(f"serving: {m.name}: {i.gpus} accelerators of an instance do not split its {asked}")
        if i.verified > 1 and not m.drafts:
            raise ValueError(f"serving: {m.name}: no drafts of it were measured; leave out drafts, or write 0")
        if self.isl + self.osl > m.context:
            asked = f"a request of {self.isl + self.osl:,} tokens in and out"
            raise ValueError(f"serving: {m.name}: {asked} is longer than its longest context, {m.context:,}")
        tiers = (("host", self.host_cache, c.host), ("storage", self.storage_cache, self.storage_rate))
        for tier, size, rate in tiers:
            if size > 0 and not rate > 0:
                raise ValueError(f"serving: {c.name}: cache in {tier} needs a bandwidth to read it with")

    @property
    def prompt_cache(self) -> float:
        """KV cache of a prompt, B, which prefill hands to decode where their accelerators differ."""
        return float(self.model.kept(self.isl)) * self.model.cache

    @property
    def ways(self) -> tuple[str, ...]:
        """Parallelisms that the instance may have: those asked for that its accelerators can split the model by."""
        found = self.model.splits(self.instance.gpus)
        return tuple(way for way in found if self.instance.parallel in ("best", way))

    @property
    def arithmetic(self) -> str:
        """Precision of the arithmetic: that of the weights, or if the accelerator has none, the next that it has."""
        return self.instance.precision if self.instance.precision in self.chip.peak else "fp8"

    @property
    def mean_context(self) -> float:
        """Mean context of a request in decode, tokens."""
        return self.isl + 0.5 * self.osl

    @cached_property
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

    @property
    def waiting(self) -> Array:
        """Share of it in which accelerators neither read their memory nor compute: latency, drafting and links [1]."""
        return (self.fixed + self.draft + self.exchange) / self.time


def decode_step(s: Server, requests: ArrayLike, clock: ArrayLike = 1.0, parallel: str | None = None) -> Step:
    """Parts of a decode step with b = `requests` in an instance, at a share `clock` of the peak rates.

    The equation stands at the head of the module. Both broadcast; `parallel` stands for that of the instance.
    Example: decode_step(server, 64).time.
    """
    m, c, f, i = s.model, s.chip, s.fit, s.instance
    b, clock, way = np.asarray(requests, float), np.asarray(clock, float), parallel or i.parallel
    if way == "best" and len(s.ways) == 1:
        way = s.ways[0]
    if way == "best":
        tensor, expert = (decode_step(s, b, clock, each) for each in ("tensor", "expert"))
        fits_tensor, fits_expert = (b <= max_requests(s, each) for each in ("tensor", "expert"))
        return _faster(tensor, expert, fits_expert & ~fits_tensor, fits_tensor & ~fits_expert)
    touched = -np.expm1(b * i.verified * np.log1p(-m.chosen / m.experts)) if m.experts else np.zeros(())
    tensor = way == "tensor"
    per_dense, per_expert = m.parameter_bytes(i.precision)
    weights = per_dense * m.dense / (i.gpus if tensor else 1) + per_expert * m.expert * touched / i.gpus
    context = m.kept(s.mean_context)
    cache = m.cache * context * b / cache_parts(s, way)
    tokens = b * i.verified / i.gpus
    near, host, beyond = _tiers(s, weight_bytes(s, way), cache)
    rate = f.bandwidth * c.bandwidth
    return Step(
        np.asarray((f.far or f.fixed if i.gpus > c.domain else f.fixed)[way]),
        np.asarray(f.draft * (i.verified - 1) / (MEASURED_VERIFIED - 1)),
        weights / rate,
        near / rate + (host / c.host if s.host_cache else 0.0) + (beyond / s.storage_rate if s.storage_cache else 0.0),
        2.0 * m.active * tokens / (f.compute * c.peak[s.arithmetic] * clock),
        m.attention * context * tokens / (f.attention * c.peak["fp8"] * clock),
        m.reduced * b * i.verified * all_reduce(c, i.gpus) if tensor else m.exchange * tokens * all_to_all(c, i.gpus),
    )


def cache_parts(s: Server, parallel: str) -> int:
    """Accelerators of a `parallel` instance that share the cache of its requests, each with a part of its own."""
    return min(s.instance.gpus, s.model.kv_heads) if parallel == "tensor" else s.instance.gpus


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
    per_dense, per_expert = m.parameter_bytes(i.precision)
    return per_dense * m.dense / (i.gpus if parallel == "tensor" else 1) + per_expert * m.expert / i.gpus


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
        return max(max_requests(s, each) for each in s.ways)
    free = s.chip.memory * (1.0 - s.instance.reserve) - weight_bytes(s, way)
    if free <= 0:
        return 0.0
    each = s.model.cache * float(s.model.kept(s.isl + s.osl)) / cache_parts(s, way)
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

    A share `hit_rate` of the input is in a cache; attention sees it all the same, windowed layers at most their window.
    """
    m, f, p = s.model, s.fit, s.arithmetic
    work = 2.0 * m.active + m.reading * m.kept(0.5 * (1.0 + hit_rate) * s.isl)
    return f.prefill[p] * s.chip.peak[p] * np.asarray(clock) / work
