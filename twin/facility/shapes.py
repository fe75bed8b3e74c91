"""The shape of a language model, as its maker publishes it, beside the names of Hugging Face's config.json."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from twin.components.base import Model


class Shape(Model):
    """A decoder of layers of attention and a gated feed-forward, dense or of experts.

    What a field is called in Hugging Face's config.json stands beside its meaning.
    """

    layers: int = Field(gt=0, description="decoder layers, num_hidden_layers")
    hidden: int = Field(gt=0, description="width of the residual stream, hidden_size")
    heads: int = Field(gt=0, description="query heads of a layer, num_attention_heads")
    kv_heads: int | None = Field(
        None, gt=0, description="heads of keys and values, num_key_value_heads; none where attention is compressed"
    )
    head_size: int = Field(
        gt=0, description="numbers of a head, head_dim; without rotary ones where attention is compressed"
    )
    feed_forward: int | None = Field(None, gt=0, description="width of dense feed-forwards, intermediate_size")
    dense_layers: int | None = Field(
        None, ge=0, description="layers without experts, first_k_dense_replace; all if there are no experts, else none"
    )
    experts: int = Field(0, ge=0, description="of a layer, among which a router chooses, n_routed_experts")
    chosen: int | None = Field(None, gt=0, description="experts that a token uses, num_experts_per_tok")
    expert_feed_forward: int | None = Field(None, gt=0, description="width of an expert, moe_intermediate_size")
    shared_experts: int = Field(0, ge=0, description="experts of a layer that all tokens use, n_shared_experts")
    vocabulary: int = Field(gt=0, description="tokens that there are, vocab_size")
    kv_rank: int | None = Field(
        None, gt=0, description="compressed attention: numbers of the latent of keys and values, kv_lora_rank"
    )
    query_rank: int | None = Field(None, gt=0, description="compressed attention: of queries, q_lora_rank")
    rope: int | None = Field(None, gt=0, description="compressed attention: rotary numbers of a head, qk_rope_head_dim")
    value_size: int | None = Field(None, gt=0, description="compressed attention: numbers of a value, v_head_dim")
    window: int | None = Field(None, gt=0, description="tokens that windowed layers attend to, sliding_window")
    windowed_layers: int = Field(0, ge=0, description="layers of sliding-window attention")
    context: int = Field(gt=0, description="tokens in and out that a request may have, max_position_embeddings")
    tied: bool = Field(False, description="whether one matrix embeds and unembeds, tie_word_embeddings")
    weights: Literal["mxfp4"] | None = Field(
        None, description="experts as published: in four bits, a scale of eight for every 32, and the rest in 16 bits"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        faults = list(self._faults())
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def unrouted(self) -> int:
        """Layers without experts."""
        return (0 if self.experts else self.layers) if self.dense_layers is None else self.dense_layers

    def _faults(self) -> Iterator[str]:
        """What only the whole shows, one sentence each with what to do."""
        compressed = {n: getattr(self, n) for n in ("query_rank", "rope", "value_size")}
        routed = {n: getattr(self, n) for n in ("chosen", "expert_feed_forward")}
        if self.kv_rank is None:
            if self.kv_heads is None:
                yield "kv_heads: give the heads of keys and values, or kv_rank where attention is compressed"
            yield from (f"{n}: belongs to compressed attention; give kv_rank too" for n, x in compressed.items() if x)
        else:
            yield from (f"{n}: compressed attention needs it; give it" for n, x in compressed.items() if x is None)
            if self.kv_heads is not None:
                yield "kv_heads: compressed attention has none; leave it out"
        if self.kv_heads and self.heads % self.kv_heads:
            yield f"kv_heads: {self.heads} heads are no multiple of {self.kv_heads}"
        if self.experts:
            yield from (f"{n}: experts need it; give it" for n, x in routed.items() if x is None)
            if self.chosen and self.chosen >= self.experts:
                yield f"chosen: a token uses fewer than the {self.experts} experts, not {self.chosen}"
            if self.unrouted >= self.layers:
                yield f"dense_layers: leave some of the {self.layers} layers to the experts"
        else:
            given = routed | {"shared_experts": self.shared_experts}
            yield from (f"{n}: belongs to experts; give experts too" for n, x in given.items() if x)
            if self.unrouted != self.layers:
                yield f"dense_layers: without experts all {self.layers} layers are dense; leave it out"
        if self.unrouted and self.feed_forward is None:
            yield "feed_forward: dense layers need it; give it"
        if (self.window is None) != (self.windowed_layers == 0):
            yield "window: give window and windowed_layers, or neither"
        if self.windowed_layers > self.layers:
            yield f"windowed_layers: there are {self.layers} layers, not {self.windowed_layers}"
        if self.weights == "mxfp4" and not self.experts:
            yield "weights: mxfp4 is of experts; give experts, or leave it out"
