"""Models from their published shapes: parameters, caches and arithmetic by hand, and what a roofline makes of them.

Shapes are typed again from the makers' config.json; published counts are those of cards and reports: Llama 3 [arXiv
2407.21783], gpt-oss [arXiv 2508.10925], Qwen3 [arXiv 2505.09388], DeepSeek-V3 [arXiv 2412.19437].
"""

from dataclasses import replace

import numpy as np
import pytest

import twin
from twin.facility.catalogue import physics
from twin.serving import Options, Shape, best, derive_model, known_models, roofline, server
from twin.serving.models import doubt, find_model
from twin.serving.roofline import Chip, Fit, Instance, Model, Server

DEEPSEEK = "DeepSeek-R1-0528"
PUBLISHED = {  # parameters and those active for a token, billions, to the digits that are published
    DEEPSEEK: (671, 37),
    "Llama-3.3-70B": (70.6, None),
    "Llama-3.1-405B": (405.9, None),
    "gpt-oss-120b": (116.8, 5.1),
    "Qwen3-235B-A22B": (235, 22),
}


def digits(x):
    """Half a unit of the last digit of a number as it is written, and 0.01 % for norms and biases."""
    return (0.5 if x == int(x) else 0.05) + 1e-4 * x


def shape(name):
    return Shape(**physics()["models"][name]["shape"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_that_makers_publish(name):
    total, active = PUBLISHED[name]
    counted = derive_model(name, shape(name))
    assert (counted.dense + counted.expert) / 1e9 == pytest.approx(total, abs=digits(total))
    if active:
        assert counted.active / 1e9 == pytest.approx(active, abs=digits(active))
        assert find_model(name).active == pytest.approx(active * 1e9, rel=0.02)


def test_all_models_that_ship_are_listed_here():
    assert set(known_models()) == set(PUBLISHED)


def test_compressed_attention_is_counted_by_its_matrices():
    """DeepSeek-V3 as in section 4.2; the parts of attention are down, up and out."""
    m = find_model(DEEPSEEK)
    attention = 7168 * 1536 + 1536 * 128 * 192 + 7168 * 576 + 512 * 128 * 256 + 128 * 128 * 7168
    expert = 3 * 7168 * 2048
    dense = 2 * 129280 * 7168 + 61 * attention + 3 * 3 * 7168 * 18432 + 58 * (expert + 256 * 7168)
    assert (m.dense, m.expert) == (dense, 58 * 256 * expert)
    assert (m.experts, m.chosen, m.context, m.drafts, m.heads, m.kv_heads) == (256, 8, 163840, 3, 128, 1)
    assert m.cache == 61 * (512 + 64)
    assert (m.attention, m.reading) == (61 * 128 * 2 * (576 + 512), 61 * 128 * 2 * (192 + 128))
    assert (m.exchange, m.reduced) == (58 * 8 * 7168 * 3, 61 * 2 * 7168 * 2)


def test_what_the_fits_were_made_with_is_a_rounding_of_what_is_derived():
    """Numbers of DeepSeek-R1 that were typed by hand before shapes were, to their digits."""
    m = find_model(DEEPSEEK)
    before = {"dense": 1.71e10, "expert": 6.539e11, "active": 3.7e10, "cache": 35136, "attention": 1.699e7}
    before |= {"reading": 5.0e6, "exchange": 9.98e6, "reduced": 1.749e6}
    for name, number in before.items():
        assert getattr(m, name) == pytest.approx(number, rel=1e-3)


def test_grouped_queries_are_counted_by_their_matrices():
    """Llama-3.3-70B: eight heads of keys and values for 64 of queries; all of it dense."""
    m = find_model("Llama-3.3-70B")
    layer = 8192 * 128 * (64 + 64 + 8 + 8) + 3 * 8192 * 28672
    embedding = 128256 * 8192
    assert (m.dense, m.expert, m.active) == (2 * embedding + 80 * layer, 0, embedding + 80 * layer)
    assert (m.experts, m.chosen, m.exchange, m.drafts) == (0, 0, 0, 0)
    assert (m.cache, m.kv_heads, m.heads) == (80 * 2 * 8 * 128, 8, 64)
    assert m.attention == m.reading == 80 * 64 * 2 * 2 * 128
    assert m.reduced == 80 * 2 * 8192 * 2


def test_experts_and_windows_are_counted_layer_by_layer():
    """gpt-oss-120b: 36 layers of 128 experts, four for a token, every second with a window of 128 tokens."""
    m = find_model("gpt-oss-120b")
    attention = 2880 * 64 * (64 + 64 + 8 + 8)
    expert = 36 * 128 * 3 * 2880 * 2880
    assert m.expert == expert
    assert m.dense == 2 * 201088 * 2880 + 36 * (attention + 128 * 2880)
    assert m.active == m.dense - 201088 * 2880 + expert * 4 / 128
    assert (m.cache, m.window, m.windowed, m.exchange) == (36 * 2 * 8 * 64, 128, 0.5, 36 * 4 * 2880 * 3)
    kept = 18 * (1024 + 128) * 2 * 8 * 64
    assert float(m.kept(1024)) * m.cache == kept
    assert float(m.kept(100)) * m.cache == 36 * 100 * 2 * 8 * 64


def test_one_matrix_that_embeds_and_unembeds_counts_once():
    small = {"layers": 2, "hidden": 8, "heads": 2, "kv_heads": 1, "head_size": 4, "feed_forward": 16, "context": 9}
    two, one = (derive_model("m", Shape(vocabulary=10, tied=tied, **small)) for tied in (False, True))
    assert two.dense - one.dense == 80
    assert two.active == one.active == one.dense


def test_a_checkpoint_in_four_bits_is_as_large_as_published():
    """gpt-oss-120b: 60.8 GiB [card]: 4.25 bits of experts, 16 of the rest."""
    s = server("gpt-oss-120b", "h200", 1024, 1024, Instance(1, "tensor", "fp4"))
    assert roofline.weight_bytes(s, "tensor") / 2**30 == pytest.approx(60.8, abs=0.15)
    eight = server("gpt-oss-120b", "h200", 1024, 1024, Instance(1, "tensor", "fp8"))
    assert roofline.weight_bytes(eight, "tensor") == s.model.dense + s.model.expert


# ---- in the roofline, of a round machine --------------------------------------------------------------------------

MODEL = Model("m", dense=1e9, expert=0, active=9e8, experts=0, chosen=0, cache=1e4, attention=1e5, reading=2e5,
              exchange=0, reduced=2e6, context=10**6, heads=8, kv_heads=2)  # fmt: skip
CHIP = Chip("c", memory=1e10, bandwidth=1e12, peak={"fp8": 1e15}, link=1e11, domain=8, network=1e10)
FIT = Fit({"tensor": 3e-3, "expert": 4e-3}, 6e-4, {1000: 2.5}, 0.5, 0.25, 0.2, {"fp8": 0.4}, 0.1)


def round_server(model=MODEL, gpus=4, parallel="best", precision="fp8", **how):
    return Server(model, CHIP, FIT, Instance(gpus, parallel, precision), 1000, 1000, **how)


def test_a_dense_model_is_split_over_all_and_its_cache_over_heads_of_keys_and_values():
    """Four accelerators, two heads of keys and values: a quarter of the weights each, half of the cache."""
    part = roofline.decode_step(round_server(), 8.0)
    expected = (3e-3, 0, 1e9 / 4 / 0.5e12, 1e4 * 1500 * 8 / 2 / 0.5e12, 2 * 9e8 * 2 / 0.25e15, 1e5 * 1500 * 2 / 0.2e15)
    np.testing.assert_allclose([float(p) for p in part], (*expected, 2e6 * 8 * 2 * 0.75 / 1e11), rtol=1e-12)
    assert roofline.max_requests(round_server()) == np.floor((9.5e9 - 2.5e8) / (1e4 * 2000 / 2))
    assert roofline.max_requests(round_server(gpus=1)) == np.floor(8.5e9 / (1e4 * 2000))
    assert round_server().ways == ("tensor",)


def test_windowed_layers_keep_and_attend_to_no_more_than_their_window():
    """A quarter of the layers, 100 tokens: 0.75 c + 25 of a context c."""
    s = round_server(replace(MODEL, window=100, windowed=0.25))
    part = roofline.decode_step(s, 8.0)
    assert float(part.cache) == pytest.approx(1e4 * (0.75 * 1500 + 25) * 8 / 2 / 0.5e12, rel=1e-12)
    assert float(part.attention) == pytest.approx(1e5 * (0.75 * 1500 + 25) * 2 / 0.2e15, rel=1e-12)
    assert float(roofline.prefill_rate(s)) == pytest.approx(0.4e15 / (2 * 9e8 + 2e5 * (0.75 * 500 + 25)), rel=1e-12)
    assert roofline.max_requests(s) == np.floor((9.5e9 - 2.5e8) / (1e4 * (0.75 * 2000 + 25) / 2))
    assert s.prompt_cache == pytest.approx(1e4 * (0.75 * 1000 + 25))


def test_weights_in_four_bits_are_computed_at_the_next_precision_that_there_is():
    """1 GB dense in 16 bits, 8 GB of experts in 4.25, arithmetic and prefill in eight."""
    model = replace(MODEL, expert=8e9, experts=4, chosen=1, mxfp4=True)
    s = round_server(model, parallel="expert", precision="fp4")
    part = roofline.decode_step(s, 8.0)
    share = 1 - 0.75**8
    assert float(part.weights) == pytest.approx((2 * 1e9 + 0.53125 * 8e9 * share / 4) / 0.5e12, rel=1e-12)
    assert float(part.compute) == pytest.approx(2 * 9e8 * 2 / 0.25e15, rel=1e-12)
    assert float(roofline.prefill_rate(s)) == pytest.approx(0.4e15 / (2 * 9e8 + 2e5 * 500), rel=1e-12)
    assert roofline.weight_bytes(s, "tensor") == pytest.approx((2 * 1e9 + 0.53125 * 8e9) / 4)


def test_instances_beyond_a_domain_have_a_latency_of_their_own_where_one_was_fitted():
    far = replace(FIT, far={"tensor": 9e-3, "expert": 9e-3})
    wide = replace(CHIP, domain=4, reach=8)
    times = [
        float(roofline.decode_step(replace(round_server(gpus=n), chip=wide, fit=fit), 1.0).fixed)
        for n, fit in ((8, FIT), (8, far), (4, far))
    ]
    assert times == [3e-3, 9e-3, 3e-3]


def test_sizes_end_where_neither_heads_nor_experts_can_be_split():
    ten = derive_model("ten", Shape(layers=2, hidden=64, heads=4, kv_heads=2, head_size=16, feed_forward=256,
                                    vocabulary=1000, context=4096))  # fmt: skip
    assert int(best(ten, "gb300", 1024, 1024, 150.0).gpus) <= 4
    with pytest.raises(ValueError, match="ten: 8 accelerators of an instance do not split its 4 heads or 0 experts"):
        server(ten, "gb300", 1024, 1024, Instance(8))
    with pytest.raises(ValueError, match="4 accelerators of an instance do not split its 0 experts"):
        round_server(gpus=4, parallel="expert")


def test_accelerators_take_equal_shares_of_heads_and_copies_fill_up_experts():
    """56 heads are seven for each of eight accelerators, and over sixteen none; 24 serve 256 experts [recipes.csv]."""
    many = derive_model("many", Shape(layers=2, hidden=64, heads=40, kv_heads=2, head_size=16, vocabulary=1000,
                                      experts=256, chosen=8, expert_feed_forward=64, context=4096))  # fmt: skip
    assert [many.splits(n) for n in (20, 24, 257)] == [("tensor", "expert"), ("expert",), ()]
    odd = derive_model("odd", Shape(layers=60, hidden=7168, heads=56, kv_heads=8, head_size=128, feed_forward=20480,
                                    vocabulary=64000, context=4096))  # fmt: skip
    assert [odd.splits(n) for n in (8, 16, 14)] == [("tensor",), (), ("tensor",)]
    assert int(best(odd, "gb300", 1024, 1024, 100.0).gpus) <= 8
    with pytest.raises(ValueError, match="odd: 16 accelerators of an instance do not split its 56 heads"):
        server(odd, "gb300", 1024, 1024, Instance(16))


# ---- through the solve --------------------------------------------------------------------------------------------

OWN = "layers: 32, hidden: 4096, heads: 32, kv_heads: 8, head_size: 128, feed_forward: 14336, vocabulary: 128256"


def text(serving, platform="h200"):
    return f"""
version: 1
name: serves
site: {{dry_bulb: 20 degC}}
serving: {{{serving}}}
components:
  grid: {{type: utility, voltage: 415 V}}
  r: {{type: rack, cords: 1, accelerators: 8, platform: {platform}, chip_power: 10 W, chip_idle: 1 W, air_flow: 1 m3/s}}
connections: [[power, grid.out, r.feed]]
"""


def mine(shape=OWN + ", context: 131072", more=""):
    return f"mode: physics, interactivity: 40, model: mine, models: {{mine: {{{shape}}}}}{more}"


def by_hand(n, wanted):
    """Llama-3.1-8B on n H200: tensor parallel in eight bits, 1,024 in and out, tokens/s of an accelerator."""
    layer = 4096 * 128 * (32 + 32 + 8 + 8) + 3 * 4096 * 14336
    embedding = 128256 * 4096
    dense, active = 2 * embedding + 32 * layer, embedding + 32 * layer
    cache, attention = 32 * 2 * 8 * 128, 32 * 32 * 4 * 128
    at, factor = np.array([[-0.828, 1.008], [-0.126, 0.997], [0.596, 0.982], [1.207, 1.009], [1.915, 1.058],
                           [2.649, 0.99], [3.267, 1.008], [4.022, 0.956]]).T  # fmt: skip
    b = np.geomspace(1, np.floor((0.95 * 141e9 - dense / n) / (cache * 2048 / n)), 400_000)
    step = (
        10.22e-3
        + (dense / n + cache * 1536 * b / n) / (0.794 * 4.8e12)
        + 32 * 2 * 4096 * 2 * b * 2 * (n - 1) / n / 450e9
    )
    step = step + b / n * (2 * active / (0.2208 * 1.979e15) + attention * 1536 / (0.844 * 1.979e15))
    speed = 1 / (step * np.interp(np.log(b / n), at, factor))
    out = b * np.maximum(wanted, speed) / n
    rate = out[speed >= wanted].max()
    reads = 0.16 * 1.979e15 / (2 * active + attention * 512)
    return rate * 2 / (1 + rate / reads)


def test_a_model_of_ones_own_serves_what_the_roofline_by_hand_gives():
    """The shape of Llama-3.1-8B, in eight bits, tensor parallel over one to eight."""
    found = twin.solve(text(mine()))
    rate = float(found.figures.tokens_per_s[0]) / 8
    assert rate == pytest.approx(max(by_hand(n, 40.0) for n in (1, 2, 4, 8)), rel=1e-4)
    assert "mine: its physics was compared with no measured run" in found.warnings[0]
    assert found.dataset.attrs["serving"] == (
        "mine 1024/1024 at 40 tokens/s/user, physics of dynamo-trt, 0 drafts, fp8 on h200"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (DEEPSEEK, None),
        ("Llama-3.3-70B", "Llama-3.3-70B: its physics served 0.38 to 0.69 times what was measured, at 5 public points"),
        ("Qwen3-235B-A22B", "Qwen3-235B-A22B: its physics was compared with no measured run"),
    ],
)
def test_results_say_how_well_the_physics_of_their_model_is_known(name, words):
    given = f"model: {name}, input_tokens: 8192, interactivity: 15"
    assert [w for w in twin.solve(text(f"mode: physics, {given}")).warnings[0] if "its physics" in w] == (
        [words] if words else []
    )
    assert doubt(name) == (words or "")


def test_what_was_measured_of_a_model_is_no_warning_in_table_mode():
    found = twin.solve(text("model: Llama-3.3-70B, input_tokens: 8192, interactivity: 12"))
    assert float(found.figures.tokens_per_s[0]) == pytest.approx(8 * 5102)
    assert not [w for w in found.warnings[0] if "physics" in w]


def test_drafts_are_those_of_the_model_unless_others_are_asked_for():
    own, three, none = (
        float(twin.solve(text(f"mode: physics, interactivity: 40{more}")).figures.tokens_per_s[0])
        for more in ("", ", drafts: 3", ", drafts: 0")
    )
    assert own == three > none
    sweep = twin.solve(text("mode: physics, interactivity: 40"), {"serving.drafts": [0, 3]})
    assert list(sweep.figures.tokens_per_s) == pytest.approx([none, own], rel=1e-9)
    rate = best("Qwen3-235B-A22B", "h200", 1024, 1024, 20.0).total
    assert rate == best("Qwen3-235B-A22B", "h200", 1024, 1024, 20.0, options=Options(drafts=0)).total > 0


def refused(serving, scenarios=None):
    with pytest.raises(twin.LayoutError) as told:
        twin.solve(text(serving), scenarios)
    return told.value.messages()


@pytest.mark.parametrize(
    ("serving", "words"),
    [
        (
            "mode: physics, model: Llama-3.3-70B, drafts: 2",
            "serving: Llama-3.3-70B: no drafts of it were measured; leave out drafts, or write 0",
        ),
        (mine(more=", drafts: 1"), "serving: mine: no drafts of it were measured; leave out drafts, or write 0"),
        (
            "mode: physics, model: Llama-3.3-70B, input_tokens: 131072",
            "serving: Llama-3.3-70B: a request of 132,096 tokens in and out is longer than its longest context, "
            "131,072",
        ),
        (
            mine(OWN + ", context: 2000"),
            "serving: mine: a request of 2,048 tokens in and out is longer than its longest context, 2,000",
        ),
        (
            "mode: physics, model: Llama-3.3-70",
            "serving: no physics of model 'Llama-3.3-70'; did you mean 'Llama-3.3-70B'?; there are DeepSeek-R1-0528, "
            "Llama-3.3-70B, Llama-3.1-405B, gpt-oss-120b, Qwen3-235B-A22B; or give its shape in `models` of `serving`",
        ),
        (
            mine().replace("model: mine,", "model: mien,"),
            "serving: no physics of model 'mien'; did you mean 'mine'?; there are DeepSeek-R1-0528, Llama-3.3-70B, "
            "Llama-3.1-405B, gpt-oss-120b, Qwen3-235B-A22B, mine; or give its shape in `models` of `serving`",
        ),
        ("mode: physics, precision: fp4", "serving: h200 has no fp4; it has fp8"),
        (
            mine(OWN.replace("layers", "layer") + ", context: 9"),
            ["serving: models.mine.layers: Field required: decoder layers, num_hidden_layers",
             "serving: models.mine.layer: unknown field; did you mean 'layers'?"],
        ),
        (
            mine().replace("mine: {", "gpt-oss-120b: {").replace("model: mine", "model: gpt-oss-120b"),
            "serving: models: gpt-oss-120b is shipped; give yours another name",
        ),
        (mine().replace("mode: physics, ", ""), "serving: models: is read by physics; write `mode: physics`"),
        (
            "mode: physics, clock_exponent: 0.5",
            "serving: clock_exponent: is of measured fronts; in physics the roofline says how tokens follow the clock",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_in_a_line(serving, words):
    assert refused(serving) == ([words] if isinstance(words, str) else words)


def test_a_shape_is_no_column_of_scenarios():
    (line,) = refused(mine(), {"serving.models": [1.0]})
    assert line == "serving.models: is no number that may vary; change it in the layout, a case or an override"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kv_heads": None}, "kv_heads: give the heads of keys and values, or kv_rank where attention is compressed"),
        ({"kv_heads": 7}, "kv_heads: 32 heads are no multiple of 7"),
        ({"rope": 64}, "rope: belongs to compressed attention; give kv_rank too"),
        ({"kv_rank": 512, "kv_heads": None, "rope": 64, "value_size": 9}, "query_rank: compressed attention needs it"),
        ({"kv_rank": 512, "rope": 64, "value_size": 9, "query_rank": 9}, "kv_heads: compressed attention has none"),
        ({"chosen": 4}, "chosen: belongs to experts; give experts too"),
        ({"shared_experts": 1}, "shared_experts: belongs to experts; give experts too"),
        ({"dense_layers": 3}, "dense_layers: without experts all 32 layers are dense; leave it out"),
        ({"feed_forward": None}, "feed_forward: dense layers need it; give it"),
        ({"experts": 8, "expert_feed_forward": 9}, "chosen: experts need it; give it"),
        ({"experts": 8, "chosen": 8, "expert_feed_forward": 9}, "chosen: a token uses fewer than the 8 experts, not 8"),
        ({"experts": 8, "chosen": 2}, "expert_feed_forward: experts need it; give it"),
        ({"experts": 8, "chosen": 2, "expert_feed_forward": 9, "dense_layers": 32}, "leave some of the 32 layers to"),
        ({"window": 128}, "window: give window and windowed_layers, or neither"),
        ({"windowed_layers": 4}, "window: give window and windowed_layers, or neither"),
        ({"window": 128, "windowed_layers": 33}, "windowed_layers: there are 32 layers, not 33"),
        ({"weights": "mxfp4"}, "weights: mxfp4 is of experts; give experts, or leave it out"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_with_what_to_do(change, words):
    fields = dict(part.split(": ") for part in OWN.split(", ")) | {"context": 4096} | change
    with pytest.raises(ValueError, match=words):
        Shape(**fields)


def test_four_bits_that_a_model_is_published_in_are_served_by_chips_that_compute_in_eight():
    found = twin.solve(text("mode: physics, model: gpt-oss-120b, interactivity: 40"))
    assert float(found.figures.tokens_per_s[0]) > 0
    assert found.dataset.attrs["serving"].endswith("0 drafts, fp4 on h200")


def test_what_physics_was_seen_to_be_off_by_is_told_once():
    """At its farthest point: by the doubt about the model, not as a difference beyond it."""
    found = twin.solve(text("mode: physics, model: gpt-oss-120b, interactivity: 48.5"))
    assert found.warnings[0] == (doubt("gpt-oss-120b"),)
    assert found.figures.tokens_error[0] == pytest.approx(1.78)
