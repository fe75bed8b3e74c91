"""Language models: what follows for the roofline from the shapes that their makers publish.

Matrices are counted; norms, biases and attention sinks, less than 0.1 % of the parameters, are not. Keys and values are
cached in 8 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np

from twin.facility.catalogue import physics
from twin.facility.files import hint
from twin.facility.shapes import Shape
from twin.serving.roofline import Model

NONE: Mapping[str, Shape] = MappingProxyType({})
"""No models of a layout's own."""

GATED = 3
"""Matrices of a gated feed-forward: gate, up and down [Shazeer, GLU variants improve transformer, arXiv 2002.05202]."""

CACHE_BYTES = 1
"""Of a number in the KV cache: 8 bits."""

SUMS = 2
"""Of a layer over accelerators that split it: after attention and after the feed-forward."""

SUM_BYTES = 2
"""Of a number that is summed: 16 bits."""

EXCHANGE_BYTES = 3
"""Of a number that goes to an expert and comes back: 8 bits there and 16 back, as DeepSeek-V3 sends them."""


def derive_model(name: str, shape: Shape, drafts: int = 0, active: float | None = None) -> Model:
    """The model that the roofline computes with, of a published `shape`.

    name: what it is called in messages. drafts: tokens that its draft layers draft a step, 0 unless it was measured how
    many are accepted. active: parameters that a token uses as the maker states them; counted if not given. Example:
    derive_model("mine", Shape(layers=32, hidden=4096, heads=32, kv_heads=8, head_size=128, ...)).
    """
    routed = shape.layers - shape.unrouted
    expert = expert_parameters(shape)
    embedding = shape.vocabulary * shape.hidden
    dense = dense_parameters(shape)
    used = dense - (0 if shape.tied else embedding) + expert * (shape.chosen or 0) / max(shape.experts, 1)
    decode, reading = attention_operations(shape)
    return Model(
        name,
        dense=dense,
        expert=expert,
        active=used if active is None else active,
        experts=shape.experts,
        chosen=shape.chosen or 0,
        cache=shape.layers * cached_numbers(shape) * CACHE_BYTES,
        attention=decode,
        reading=reading,
        exchange=routed * (shape.chosen or 0) * shape.hidden * EXCHANGE_BYTES,
        reduced=shape.layers * SUMS * shape.hidden * SUM_BYTES,
        context=shape.context,
        heads=shape.heads,
        kv_heads=shape.kv_heads or 1,
        window=shape.window or 0,
        windowed=shape.windowed_layers / shape.layers,
        mxfp4=shape.weights == "mxfp4",
        drafts=drafts,
    )


def expert_parameters(s: Shape) -> float:
    """Parameters of all experts among which routers choose: three matrices each [DeepSeek-V3, arXiv 2412.19437]."""
    return (s.layers - s.unrouted) * s.experts * GATED * s.hidden * (s.expert_feed_forward or 0)


def dense_parameters(s: Shape) -> float:
    """Parameters of all else: embeddings, attention, dense feed-forwards, shared experts and routers.

    Counted matrix by matrix, as Narayanan et al. (SC '21, arXiv 2104.04473, section 5.1) count those of GPT.
    """
    embeddings = (1 if s.tied else 2) * s.vocabulary * s.hidden
    feed_forward = s.unrouted * GATED * s.hidden * (s.feed_forward or 0)
    shared = s.shared_experts * GATED * s.hidden * (s.expert_feed_forward or 0)
    routed = (s.layers - s.unrouted) * (shared + s.hidden * s.experts)
    return embeddings + s.layers * attention_parameters(s) + feed_forward + routed


def attention_parameters(s: Shape) -> float:
    """Parameters of attention in a layer.

    Grouped queries (Ainslie et al., arXiv 2305.13245): queries and output of all heads, keys and values of `kv_heads`.
    Compressed (DeepSeek-V2, arXiv 2405.04434, section 2.1): down to latents and up to the heads again, and the output.
    """
    if s.kv_rank is None:
        return 2 * s.hidden * s.head_size * (s.heads + (s.kv_heads or 0))
    rope, rank, value = s.rope or 0, s.query_rank or 0, s.value_size or 0
    queries = s.hidden * rank + rank * s.heads * (s.head_size + rope)
    latents = s.hidden * (s.kv_rank + rope) + s.kv_rank * s.heads * (s.head_size + value)
    return queries + latents + s.heads * value * s.hidden


def cached_numbers(s: Shape) -> int:
    """Numbers that a layer caches for a token: keys and values of `kv_heads`, or the latent and its rotary part."""
    if s.kv_rank is None:
        return 2 * (s.kv_heads or 0) * s.head_size
    return s.kv_rank + (s.rope or 0)


def attention_operations(s: Shape) -> tuple[float, float]:
    """Operations of attention per token and token of context in decode and in prefill, FLOP.

    Scores and the sum of values, a product and a sum each. Compressed attention decodes on latents, into which the
    matrices of the heads are absorbed (DeepSeek-V2, arXiv 2405.04434, section 2.1.2), and reads by heads.
    """
    each = 2 * s.layers * s.heads
    if s.kv_rank is None:
        return each * 2 * s.head_size, each * 2 * s.head_size
    rope, value = s.rope or 0, s.value_size or 0
    return each * (2 * s.kv_rank + rope), each * (s.head_size + rope + value)


def find_model(name: str, own: Mapping[str, Shape] = NONE) -> Model:
    """A model by name, one of `layouts/serving/physics.yaml` or of a layout's `own`. ValueError for others."""
    if name in own:
        return derive_model(name, own[name])
    known = known_models(own)
    if name not in known:
        remedy = "; or give its shape in `models` of `serving`"
        raise ValueError(
            f"serving: no physics of model {name!r}{hint(name, known)}; there are {', '.join(known)}{remedy}"
        )
    return _shipped(name)


def known_models(own: Mapping[str, Shape] = NONE) -> list[str]:
    """Names of the models that physics knows, those of a layout's `own` last. Example: known_models()."""
    return [*(name for name in physics()["models"] if name != "notes"), *own]


def doubt(name: str) -> str:
    """How well the physics of a model is known, in a sentence; empty for the one on which it was fitted.

    A layout's own model was compared with nothing. Example: doubt("gpt-oss-120b").
    """
    checked = physics()["models"].get(name, {}).get("checked", "none")
    if checked == "fitted":
        return ""
    if checked == "none":
        return f"{name}: its physics was compared with no measured run"
    low, high, points = (checked[n] for n in ("low", "high", "points"))
    return f"{name}: its physics served {low:g} to {high:g} times what was measured, at {points} public points"


def spread(name: str) -> float:
    """Factor less one of the point at which the physics of a model that it was not fitted to was farthest off.

    NaN where it was compared with nothing. Example: spread("gpt-oss-120b").
    """
    checked = physics()["models"].get(name, {}).get("checked", "none")
    return max(1.0 / checked["low"], checked["high"]) - 1.0 if isinstance(checked, dict) else np.nan


@cache
def _shipped(name: str) -> Model:
    entry = physics()["models"][name]
    return derive_model(name, Shape(**entry["shape"]), entry.get("drafts", 0), entry.get("active"))
