"""Steps of decode and prefill against a roofline by hand: the model and chip sheets typed again, through the solve.

DeepSeek-V3 [arXiv 2412.19437]: 671 billion parameters, 37 active for a token, 8 of 256 experts; a cache of 61 layers of
576 bytes a token; `test_serving_models.py` counts its parts. A step takes a fixed latency, the bytes it reads over the
memory's bandwidth, its arithmetic over the peak rate and what accelerators exchange over their links [Williams,
Waterman & Patterson, Commun. ACM 52 (2009) 65].
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

import twin
from twin.serving import best, front, measured_runs, points, roofline, server
from twin.serving.platforms import default_engine, is_shared
from twin.serving.roofline import Chip, Fit, Instance, Model, Server

H200 = {
    "memory": 141e9, "bandwidth": 4.8e12, "peak": 1.979e15, "eight": 1.979e15, "link": 450e9, "domain": 8, "bytes": 1.0,
    "tensor": 10.22e-3, "expert": 10.22e-3, "prefill": 0.16, "first": 0.18,
    "residual": [[-0.828, 1.008], [-0.126, 0.997], [0.596, 0.982], [1.207, 1.009], [1.915, 1.058], [2.649, 0.99],
                 [3.267, 1.008], [4.022, 0.956]],
}  # fmt: skip
GB300 = {
    "memory": 288e9, "bandwidth": 8e12, "peak": 15e15, "eight": 5e15, "link": 900e9, "domain": 64, "bytes": 0.5625,
    "tensor": 5.48e-3, "expert": 9.08e-3, "prefill": 0.14, "first": 0.15,
    "residual": [[-2.107, 0.996], [-1.226, 0.993], [-0.877, 1.013], [-0.207, 0.996], [2.047, 0.982], [2.696, 0.973],
                 [3.403, 1.035], [4.098, 1.017], [4.764, 0.968], [5.451, 0.979], [6.824, 1.101]],
}  # fmt: skip


LAYERS, WIDE = 61, 7168
EXPERT = 58 * 256 * 3 * WIDE * 2048
DENSE = 671_025_397_760 - EXPERT
"""Parameters of experts, and the others of DeepSeek-V3."""

READS = LAYERS * 128 * 2 * (192 + 128)
"""Operations of attention in prefill, per token and token before it."""


def served(platform, count, isl=1024, osl=1024, clock=1.0, **terms):
    """Tokens/s of an accelerator and the time to a first token [s] as a facility of one rack has them."""
    more = ", ".join(f"{k}: {v}" for k, v in terms.items())
    text = f"""
version: 1
name: one
site: {{dry_bulb: 20 degC}}
serving: {{mode: physics, input_tokens: {isl}, output_tokens: {osl}, {more}}}
components:
  grid: {{type: utility, voltage: 415 V}}
  r: {{type: rack, cords: 1, platform: {platform}, accelerators: {count}, clock: {clock}, chip_power: 10 W,
       chip_idle: 1 W, air_flow: 1 m3/s}}
connections: [[power, grid.out, r.feed]]
"""
    f = twin.solve(text).figures
    return float(f.tokens_per_s[0]) / count, float(f.ttft[0])


def by_hand(c, n, isl, osl, v, accepted, clock=1.0):
    """Interactivity of b requests on n accelerators, the most requests, and tokens/s and first token at a speed."""
    context, most = isl + osl / 2, {}

    def step(b, way):
        share = 1 - (1 - 8 / 256) ** (b * v)
        x = b * v / n
        weights = DENSE / (n if way == "tensor" else 1) + EXPERT * share / n
        cache = 61 * 576 * context * b / (1 if way == "tensor" else n)
        sums, sent = LAYERS * 2 * WIDE * 2, 58 * 8 * WIDE * 3
        moved = sums * b * v * 2 * (n - 1) / n if way == "tensor" else sent * x * (n - 1) / n
        return (
            c[way]
            + 1.03e-3 * (v - 1) / 3
            + (weights * c["bytes"] + cache) / (0.794 * c["bandwidth"])
            + x
            * (2 * 37e9 / (0.2208 * c["peak"]) + LAYERS * 128 * 2 * (576 + 512) * context / (0.844 * c["eight"]))
            / clock
            + moved / c["link"]
        )

    for way in ("tensor", "expert"):
        held = c["bytes"] * (DENSE / (n if way == "tensor" else 1) + EXPERT / n)
        each = 61 * 576 * (isl + osl) / (1 if way == "tensor" else n)
        most[way] = np.floor(max(c["memory"] * 0.95 - held, 0) / each)
    at, factor = np.array(c["residual"]).T

    def speed(b):
        t = min(step(b, way) for way in most if b <= most[way] * (1 + 1e-9))
        return accepted / (t * np.interp(np.log(b / n), at, factor))

    reads = c["prefill"] * c["peak"] * clock / (2 * 37e9 + READS * isl / 2)

    def total(wanted):
        whole = max(most.values())
        if whole < 1 or speed(1) < wanted:
            return 0.0, np.inf
        b = whole if speed(whole) >= wanted else np.exp(brentq(lambda y: speed(np.exp(y)) - wanted, 0, np.log(whole)))
        output = b * max(wanted, speed(b)) / n
        return output * (isl + osl) / osl / (1 + output * isl / osl / reads), c["first"] + isl / reads / n

    return total


def best_by_hand(c, wanted, isl, osl, v, accepted, clock=1.0, largest=64):
    sizes = [n for n in (64, 32, 16, 8, 4, 2, 1) if n <= min(c["domain"], largest)]
    return max((by_hand(c, n, isl, osl, v, accepted, clock)(wanted) for n in sizes), key=lambda pair: pair[0])


def drafted(whole, verified, factor=1.0):
    """1 + p + p^2 + ... of which the first four make `whole`."""
    whole = 1 + factor * (whole - 1)
    p = brentq(lambda p: 1 + p + p**2 + p**3 - whole, 0, 1)
    return sum(p**k for k in range(verified))


@pytest.mark.parametrize("wanted", [20.0, 45.0, 70.0])
def test_an_h200_serves_what_the_roofline_by_hand_gives(wanted):
    """Eight bits on eight of 141 GB, nothing drafted: tensor parallel at high speed, expert parallel at low."""
    found = served("h200", 8, interactivity=wanted, drafts=0)
    assert found == pytest.approx(best_by_hand(H200, wanted, 1024, 1024, 1, 1.0), rel=1e-5)


@pytest.mark.parametrize(("isl", "osl", "whole"), [(1024, 1024, 2.349), (8192, 1024, 2.349), (1024, 8192, 2.739)])
def test_lengths_count_as_context_input_and_output(isl, osl, whole):
    found = served("h200", 8, isl, osl, interactivity=60.0, drafts=3)
    assert found == pytest.approx(best_by_hand(H200, 60.0, isl, osl, 4, whole), rel=1e-5)


@pytest.mark.parametrize(("wanted", "drafts"), [(50.0, 0), (100.0, 3), (250.0, 3), (120.0, 1)])
def test_a_gb300_serves_what_the_roofline_by_hand_gives(wanted, drafts):
    """Four bits and scales on up to 64 of a domain, drafts accepted where all before them were."""
    found = served("gb300", 72, interactivity=wanted, drafts=drafts)
    accepted = drafted(2.349, 1 + drafts)
    assert found == pytest.approx(best_by_hand(GB300, wanted, 1024, 1024, 1 + drafts, accepted), rel=1e-5)


def test_eight_bits_double_the_bytes_and_slow_the_latency():
    """Of a GB300, at a third of the rate of four bits, 0.19 of it in prefill, and 1.175 of the latency."""
    c = GB300 | {"bytes": 1.0, "peak": 5e15, "prefill": 0.19, "tensor": 5.48e-3 * 1.175, "expert": 9.08e-3 * 1.175}
    found = served("gb300", 72, interactivity=100.0, precision="fp8")
    assert found == pytest.approx(best_by_hand(c, 100.0, 1024, 1024, 4, 2.349), rel=1e-5)


def test_a_slower_clock_slows_arithmetic_and_prefill_not_memory():
    found = served("h200", 8, interactivity=40.0, drafts=0, clock=0.7)
    assert found == pytest.approx(best_by_hand(H200, 40.0, 1024, 1024, 1, 1.0, 0.7), rel=1e-4)


def test_an_engine_that_accepts_fewer_drafts_serves_less():
    found = served("h200", 8, interactivity=60.0, engine="dynamo-sglang")
    assert found == pytest.approx(best_by_hand(H200, 60.0, 1024, 1024, 4, 1 + 0.643 * 1.349), rel=1e-5)


def test_accelerators_that_prefill_in_turn_serve_what_is_left_of_their_time():
    """I = I1 / (1 + b I1 isl / (osl N R)); all tokens come from them, and no cache crosses a network."""
    s = round_server(shared=True)
    b = np.array([1.0, 8.0, 64.0])
    alone = roofline.interactivity(s, b)
    left = 1.0 / (1.0 + b * alone / 4 / float(roofline.prefill_rate(s)))
    np.testing.assert_allclose(points.user_speed(s, b), alone * left, rtol=1e-12)
    found = points.at_interactivity(s, (alone * left)[1])
    assert found.requests == pytest.approx(8.0, rel=1e-6)
    assert found.total == pytest.approx(8.0 * (alone * left)[1] / 4 * 2, rel=1e-6)
    assert found.network == 0.0
    apart = points.at_interactivity(round_server(), (alone * left)[1])
    assert apart.requests > 8.0 and apart.network > 0.0
    assert [is_shared(e) for e in ("sglang", "trt", "atom", "dynamo-trt", "mori-sglang")] == [True] * 3 + [False] * 2


def test_first_tokens_wait_for_turns_and_for_steps_between_looks():
    """0.1 s and the reading where others prefill; in turns 0.05 s, M/D/1 of the prompts, and half of 10 or 30 steps."""
    own = 1000 / float(roofline.prefill_rate(round_server())) / 4
    assert points.first_token(round_server(), 8.0) == pytest.approx(0.1 + own, rel=1e-12)
    s = replace(round_server(shared=True), fit=replace(FIT, turns=0.05, polls=(10, 30)))
    for b, looks in ((8.0, 10), (16.0, 30)):
        u = b * float(points.user_speed(s, b)) / 1000 * own
        expected = 0.05 + own * (1 + u / 2 / (1 - u)) + looks / 2 * float(roofline.step_time(s, b))
        assert points.first_token(s, b) == pytest.approx(expected, rel=1e-12)
    assert server("DeepSeek-R1-0528", "b300", 1024, 1024, Instance(8, engine="sglang")).fit.polls == (10, 30)
    assert server("DeepSeek-R1-0528", "h200", 1024, 1024, Instance(8, engine="sglang")).fit.polls == (1, 1)
    turns = {p: server("DeepSeek-R1-0528", p, 1024, 1024, Instance(8)).fit.turns for p in ("h200", "b200", "mi325x")}
    assert turns == {"h200": 0.06, "b200": 0.13, "mi325x": 0.075}


def test_physics_serves_platforms_as_they_were_measured():
    """MI300X and MI325X by SGLang on one system, the first without drafts: within a half of their fronts."""
    assert [default_engine(p) for p in ("h200", "gb300", "mi300x", "mi325x", "mi355x")] == [
        "dynamo-trt", "dynamo-trt", "sglang", "sglang", "mori-sglang"
    ]  # fmt: skip
    each = ("mi300x", 8192, (20, 30, 40)), ("mi325x", 8192, (20, 30, 40)), ("mi300x", 1024, (30, 60))
    for platform, isl, speeds in each:
        for speed in speeds:
            measured = front(measured_runs(), "DeepSeek-R1-0528", platform, isl, 1024).throughput(speed)
            assert 1 / 1.5 < best("DeepSeek-R1-0528", platform, isl, 1024, speed).total / measured < 1.5


def test_the_largest_instance_is_what_is_asked_for():
    found = served("gb300", 72, interactivity=100.0, max_instance_size=8)
    assert found == pytest.approx(best_by_hand(GB300, 100.0, 1024, 1024, 4, 2.349, largest=8), rel=1e-5)


# ---- one term at a time, of a round machine ----------------------------------------------------------------------

MODEL = Model("m", dense=1e9, expert=8e9, active=2e9, experts=4, chosen=1, cache=1e4, attention=1e5, reading=2e5,
              exchange=1e6, reduced=2e6, context=10**6, heads=8, drafts=3)  # fmt: skip
CHIP = Chip(
    "c",
    memory=1e10,
    bandwidth=1e12,
    peak={"fp8": 1e15, "fp4": 2e15},
    link=1e11,
    domain=4,
    host=2e11,
    network=1e10,
    reach=8,
)
FIT = Fit({"tensor": 3e-3, "expert": 4e-3}, 6e-4, {1000: 2.5}, 0.5, 0.25, 0.2, {"fp8": 0.4}, 0.1)


def round_server(gpus=4, parallel="expert", verified=1, shared=False, **how):
    return Server(MODEL, CHIP, FIT, Instance(gpus, parallel, "fp8", verified, shared=shared), 1000, 1000, **how)


def test_every_part_of_a_step_is_its_bytes_or_operations_over_its_rate():
    s = round_server(verified=3)
    part = roofline.decode_step(s, 8.0, 0.5)
    x = 8 * 3 / 4
    share = 1 - 0.75**24
    expected = (
        4e-3,  # fixed
        6e-4 * 2 / 3,  # two drafts of the three that were measured
        (1e9 + 8e9 * share / 4) / 0.5e12,
        1e4 * 1500 * 8 / 4 / 0.5e12,
        2 * 2e9 * x / (0.25 * 1e15 * 0.5),
        1e5 * 1500 * x / (0.2 * 1e15 * 0.5),
        1e6 * x * 0.75 / 1e11,
    )
    np.testing.assert_allclose([float(p) for p in part], expected, rtol=1e-12)
    split = roofline.decode_step(replace(s, instance=replace(s.instance, parallel="tensor")), 8.0)
    assert float(split.weights) == pytest.approx((1e9 + 8e9 * share) / 4 / 0.5e12)
    assert float(split.cache) == pytest.approx(1e4 * 1500 * 8 / 0.5e12)
    assert float(split.exchange) == pytest.approx(2e6 * 24 * 2 * 0.75 / 1e11)


def test_what_leaves_a_domain_takes_the_network_of_both_its_ends():
    """Of eight in two domains of four, 3/8 of the exchange goes near and 4/8 far; of a sum, 2 (1/2) / 4."""
    assert roofline.all_to_all(CHIP, 8) == pytest.approx(3 / 8 / 1e11 + 4 / 8 / 1e10)
    assert roofline.all_reduce(CHIP, 8) == pytest.approx(2 * 3 / 4 / 1e11 + 2 * 0.5 / 4 / 1e10)


def test_memory_holds_what_weights_and_the_reserve_leave():
    """10 GB less 5 %, 1 GB dense and 2 GB of experts hold 6.5 GB of 10 kB a token, 2,000 tokens, shared by four."""
    assert roofline.max_requests(round_server()) == np.floor(6.5e9 / (1e4 * 2000 / 4))
    tensor = round_server(parallel="tensor")
    assert roofline.max_requests(tensor) == np.floor((9.5e9 - 2.25e9) / (1e4 * 2000))
    host = round_server(host_cache=1e9)
    assert roofline.max_requests(host) == np.floor(7.5e9 / (1e4 * 2000 / 4))


def test_cache_beyond_memory_is_read_from_hosts_and_then_from_storage():
    """6.5 GB of the memory, 1 GB of the host at 200 GB/s, the rest from storage at 5 GB/s; 1,500 tokens of context."""
    s = round_server(host_cache=1e9, storage_cache=1e10, storage_rate=5e9)
    b = 8.5e9 / (1e4 * 1500 / 4)
    assert float(roofline.decode_step(s, b).cache) == pytest.approx(6.5e9 / 0.5e12 + 1e9 / 2e11 + 1e9 / 5e9)


def test_prefill_reads_at_its_share_of_the_peak_and_attends_to_half_of_what_came_before():
    s = round_server()
    assert float(roofline.prefill_rate(s, 0.5)) == pytest.approx(0.4 * 1e15 * 0.5 / (4e9 + 2e5 * 500))
    assert float(roofline.prefill_rate(s, 1.0, 0.6)) == pytest.approx(0.4 * 1e15 / (4e9 + 2e5 * 800))


def test_few_drafts_are_accepted_by_the_chance_of_each():
    """1 + p + p^2 + p^3 = 2.5 of four verified: p = 0.5978; of the nearest output length in its logarithm."""
    p = brentq(lambda p: 1 + p + p**2 + p**3 - 2.5, 0, 1)
    assert round_server(verified=3).accepted == pytest.approx(1 + p + p * p)
    fit = replace(FIT, accepted={1000: 2.5, 9000: 3.0})
    assert replace(round_server(verified=4), fit=fit, osl=2900).accepted == pytest.approx(2.5)
    assert replace(round_server(verified=4), fit=fit, osl=3100).accepted == pytest.approx(3.0)


SHEETS = {  # GB, TB/s, PFLOP/s dense in eight and four bits, GB/s of links, of the domain, of the host, of the network
    "h100": (80, 3.35, 1.979, None, 450, 8, 50, 50),
    "h200": (141, 4.8, 1.979, None, 450, 8, 50, 50),
    "b200": (180, 8, 4.5, 9, 900, 8, 50, 50),
    "b300": (268, 8, 4.5, 13.5, 900, 8, 50, 100),
    "gb200": (186, 8, 5, 10, 900, 72, 225, 50),
    "gb300": (288, 8, 5, 15, 900, 72, 225, 100),
    "mi300x": (192, 5.3, 2.615, None, 448, 8, 50, 50),
    "mi325x": (256, 6, 2.615, None, 448, 8, 50, 50),
    "mi355x": (288, 8, 5.033, 10.066, 538, 8, 50, 50),
}


@pytest.mark.parametrize("platform", SHEETS)
def test_accelerators_are_those_of_their_makers_sheets(platform):
    """Dense rates, one direction of links: seven of 64 or 76.8 GB/s of the MI series, NVLink 4 and 5 [data sheets]."""
    memory, bandwidth, eight, four, link, domain, host, network = SHEETS[platform]
    c = server("DeepSeek-R1-0528", platform, 1024, 1024, Instance(1)).chip
    assert (c.memory, c.bandwidth) == pytest.approx((memory * 1e9, bandwidth * 1e12))
    assert c.peak == pytest.approx({"fp8": eight * 1e15} | ({"fp4": four * 1e15} if four else {}))
    assert (c.link, c.domain, c.host, c.network) == pytest.approx((link * 1e9, domain, host * 1e9, network * 1e9))


def test_a_request_ends_after_its_tokens_and_its_cache_crosses_the_network_once():
    found = points.at_interactivity(round_server(), 50.0)
    seen = float(found.interactivity)
    assert seen == pytest.approx(50.0)
    assert float(found.latency) == pytest.approx(float(found.ttft) + 1000 / seen, rel=1e-9)
    assert float(found.network) == pytest.approx(float(found.output) / 1000 * 1000 * 1e4, rel=1e-9)
