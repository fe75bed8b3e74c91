"""Physics of serving: what must hold whatever the numbers, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.serving import points, roofline
from twin.serving.platforms import (
    Options,
    Point,
    best,
    best_at_clocks,
    calibrated_engines,
    calibrated_platforms,
    server,
)
from twin.serving.roofline import Instance

MODEL = "DeepSeek-R1-0528"
POINT = Point(MODEL, "gb300", 1024, 1024, 60.0)


def h200(gpus=8, **options):
    return server(MODEL, "h200", 1024, 1024, Instance(gpus, **options))


def gb300(gpus=32, isl=1024, osl=1024, **options):
    return server(MODEL, "gb300", isl, osl, Instance(gpus, **{"precision": "fp4", "verified": 4} | options))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 4000.0), st.floats(1.01, 3.0), st.floats(0.3, 1.0))
def test_more_requests_and_lower_clocks_take_longer(requests, more, clock):
    for s in (h200(verified=4), gb300(), gb300(8, parallel="tensor")):
        now, then = (roofline.decode_step(s, b) for b in (requests, more * requests))
        slow = roofline.decode_step(s, requests, clock)
        assert now.time < then.time
        assert now.time <= slow.time
        assert slow.compute * clock == pytest.approx(now.compute)
        assert slow.weights == now.weights


@pytest.mark.parametrize("tokens", [1, 6, 30, 200])
def test_experts_touched_are_those_drawn(tokens):
    """Eight of 256 experts drawn for every token, many times over; 17.1 billion other parameters are always read."""
    draws = np.random.default_rng(1).random((200, tokens, 256)).argpartition(8, axis=2)[:, :, :8]
    touched = np.mean([len(np.unique(d)) for d in draws]) / 256
    s = gb300(parallel="tensor", verified=1)
    share = float(roofline.decode_step(s, tokens).weights / roofline.decode_step(s, 1e5).weights)
    assert share == pytest.approx((17.1 + 653.9 * touched) / 671.0, rel=0.02)


def test_weights_are_read_at_the_memorys_bandwidth_at_best():
    """671 billion parameters of 4.5 bits in 32 accelerators of 8 TB/s take 1.47 ms."""
    s = gb300(parallel="tensor", verified=1)
    ideal = 671e9 * 4.5 / 8 / 32 / 8e12
    computed = float(roofline.decode_step(s, 1e5).weights)
    assert ideal == pytest.approx(1.474e-3, rel=1e-3)
    assert 1.1 < computed / ideal < 1.4
    assert roofline.decode_step(replace(s, fit=replace(s.fit, bandwidth=1.0)), 1e5).weights == pytest.approx(
        ideal, rel=1e-3
    )


def test_weights_of_671_billion_parameters_fit_eight_h200_and_not_four():
    """In eight bits 671 GB; five percent of the memory is kept free."""
    assert roofline.max_requests(h200(4)) == 0
    served = points.at_interactivity(h200(4), [20.0, 100.0])
    assert list(served.reason) == ["memory too small"] * 2
    assert (served.total == 0).all()
    room = 0.95 * 141e9 - 671e9 / 8
    assert roofline.max_requests(h200(8, parallel="tensor")) == np.floor(room / (35136 * 2048))


def test_cache_in_the_host_makes_room_and_costs_time():
    s = h200(8, parallel="tensor")
    wide = replace(s, host_cache=200e9)
    assert roofline.max_requests(wide) > 3 * roofline.max_requests(s)
    few, many = 100.0, 2.0 * roofline.max_requests(s)
    assert roofline.step_time(wide, few) == roofline.step_time(s, few)
    assert roofline.step_time(wide, many) > roofline.step_time(s, many)


def test_the_target_is_what_a_user_sees():
    target = np.array([20.0, 50.0, 90.0, 116.7])
    served = points.at_interactivity(gb300(), target)
    np.testing.assert_allclose(roofline.interactivity(gb300(), served.requests), target, rtol=1e-9)
    np.testing.assert_allclose(served.output * 32, served.requests * target, rtol=1e-12)
    assert (np.diff(served.total) < 0).all()
    assert (served.total < 2.0 * served.output).all()  # prefill takes accelerators too


def test_beyond_the_front_there_is_nothing():
    s = h200(verified=4)
    most = roofline.interactivity(s, 1.0)
    served = points.at_interactivity(s, [0.999 * most, 1.001 * most])
    assert served.total[0] > 0
    assert served.total[1] == 0
    assert list(served.reason) == ["", "beyond the front"]


def test_a_batch_is_a_loop_of_singles():
    target, clock = np.array([20.0, 116.7, 60.0]), np.array([1.0, 0.7, 0.9])
    batch = points.at_interactivity(gb300(), target, clock)
    for i in range(3):
        single = points.at_interactivity(gb300(), target[i], clock[i])
        assert batch.total[i] == single.total


def test_clocks_between_nodes_are_those_computed():
    clock = np.random.default_rng(0).uniform(0.6, 1.0, (5, 40))
    rates, exact = best_at_clocks(POINT, clock), best(*POINT, clock=clock)
    np.testing.assert_allclose(rates.total, exact.total, rtol=2e-3)
    np.testing.assert_allclose(rates.ttft, exact.ttft, rtol=1e-3)
    assert rates.reason == ""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: server("DeepSeek-R1", "h200", 1024, 1024, Instance(8)),
            "no physics of model 'DeepSeek-R1'; did you mean",
        ),
        (lambda: server(MODEL, "gb30", 1024, 1024, Instance(8)), "no physics of platform 'gb30'; did you mean 'gb300'"),
        (lambda: best(MODEL, "source", 1024, 1024, 40.0), "no physics of platform 'source'"),
        (lambda: h200(engine="dynamo-tr"), "no physics of engine 'dynamo-tr'; did you mean 'dynamo-trt'"),
        (
            lambda: best(MODEL, "h200", 1024, 1024, 40.0, options=Options(engine="vllm")),
            "no physics of engine 'vllm'; there are",
        ),
        (lambda: h200(precision="fp4"), "h200 has no fp4; it has fp8"),
        (lambda: h200(parallel="pipeline"), "no parallelism 'pipeline'; there are tensor, expert, best"),
        (lambda: h200(16), "16 accelerators is larger than a domain of 8"),
        (lambda: server(MODEL, "h100", 1024, 1024, Instance(32)), "32 accelerators is larger than the 16"),
        (lambda: h200(0), "accelerators of an instance should be at least 1, not 0"),
        (lambda: h200(-8), "accelerators of an instance should be at least 1, not -8"),
        (lambda: h200(verified=0), "tokens verified a step should be at least 1"),
        (lambda: h200(max_batch=0), "requests that an instance admits should be at least 1"),
        (lambda: h200(reserve=1.0), "reserve should be a share"),
        (lambda: gb300(isl=0), "tokens in should be at least 1"),
        (lambda: gb300(osl=-1), "tokens out should be at least 1"),
        (lambda: gb300(osl=float("nan")), "tokens out should be at least 1"),
        (lambda: best(MODEL, "h200", 1024, 1024, 0.0), "the interactivity should be more than 0"),
        (
            lambda: best(MODEL, "h200", 1024, 1024, 40.0, options=Options(max_gpus=0)),
            "largest instance should have at least 1",
        ),
        (lambda: replace(h200(), host_cache=-1.0), "bytes of cache in the host should be at least 0"),
        (lambda: replace(h200(), storage_cache=1e9), "cache in storage needs a bandwidth"),
        (
            lambda: replace(h200(), chip=replace(h200().chip, host=0.0), host_cache=1e9),
            "cache in host needs a bandwidth",
        ),
    ],
)
def test_what_is_not_known_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_draft_is_accepted_where_all_before_it_were():
    """Drafts checked one by one, as often as the first of them is accepted; three of them give what was measured."""
    accepted = [gb300(verified=n).accepted for n in (1, 2, 3, 4, 6)]
    assert accepted[0] == 1.0
    good = np.random.default_rng(2).random((200_000, 5)) < accepted[1] - 1.0
    for n, a in zip((2, 3, 4, 6), accepted[1:], strict=True):
        assert 1.0 + np.cumprod(good[:, : n - 1], axis=1).sum(axis=1).mean() == pytest.approx(a, abs=0.01)
    assert (np.diff(accepted) > 0).all() and (np.diff(accepted[:4], 2) < 0).all()


def test_drafting_takes_time_in_proportion_to_drafts():
    none, one, two, three = (float(roofline.decode_step(gb300(verified=n), 1.0).draft) for n in (1, 2, 3, 4))
    assert none == 0.0 < one
    assert [two, three] == pytest.approx([2.0 * one, 3.0 * one])


def test_the_faster_layout_must_have_room():
    s = h200(8, verified=4)
    split, whole = (roofline.max_requests(s, way) for way in ("tensor", "expert"))
    assert split < whole == roofline.max_requests(s)
    few, many = 0.9 * split, 1.1 * split
    assert roofline.decode_step(s, many).time == roofline.decode_step(s, many, parallel="expert").time
    assert roofline.decode_step(s, few).time <= roofline.decode_step(s, few, parallel="expert").time


def test_a_clock_that_stands_still_serves_nothing():
    served = points.at_interactivity(gb300(), 60.0, [0.0, 1.0])
    assert list(served.reason) == ["its clock stands still", ""]
    assert served.total[0] == 0.0 < served.total[1]
    rates = best_at_clocks(POINT, [0.0, 1.0])
    assert rates.total[0] == 0.0 < rates.total[1]
    assert np.isinf(rates.ttft[0]) and rates.ttft[1] < 1.0


# ---- what leaves an accelerator -----------------------------------------------------------------------------------


@pytest.mark.parametrize("parallel", ["tensor", "expert"])
def test_one_accelerator_exchanges_with_nobody_and_many_with_nearly_all(parallel):
    alone, few, many = (roofline.decode_step(gb300(n, parallel=parallel), n * 8.0).exchange / n for n in (1, 8, 64))
    assert alone == 0.0 < few
    if parallel == "expert":
        assert few * 8 / (many * 64) == pytest.approx((7 / 8) / (63 / 64))


def test_a_sum_over_an_instance_is_that_of_a_ring():
    """A ring sends a part of n to its neighbour n - 1 times to add up and n - 1 times to hand round."""
    chip = gb300().chip
    for n in (1, 2, 8, 32):
        ring = sum(1.0 / n for _ in range(2 * (n - 1))) / chip.link
        assert roofline.all_reduce(chip, n) == pytest.approx(ring)


@pytest.mark.parametrize("time", [roofline.all_to_all, roofline.all_reduce])
def test_what_leaves_a_domain_takes_the_network(time):
    chip = server(MODEL, "h100", 1024, 1024, Instance(16)).chip
    assert time(chip, 16) > time(replace(chip, network=2 * chip.network), 16) > time(replace(chip, domain=16), 16)
    assert time(chip, 8) == time(replace(chip, network=1.0), 8)


def test_h100_needs_two_domains():
    for gpus, room in ((8, 0), (16, 1)):
        assert (roofline.max_requests(server(MODEL, "h100", 1024, 1024, Instance(gpus))) > 0) == room


# ---- tiers of the cache, and its way from prefill to decode -------------------------------------------------------


def test_two_tiers_of_one_bandwidth_are_one_tier():
    s = h200(8, parallel="tensor")
    one = replace(s, host_cache=100e9)
    two = replace(s, host_cache=60e9, storage_cache=40e9, storage_rate=s.chip.host)
    only = replace(s, storage_cache=100e9, storage_rate=s.chip.host)
    requests = np.array([1.0, 0.5, 0.9, 1.0]) * np.array([1.0, *[roofline.max_requests(one)] * 3])
    for other in (two, only):
        assert roofline.max_requests(other) == roofline.max_requests(one)
        np.testing.assert_allclose(roofline.step_time(other, requests), roofline.step_time(one, requests))


def test_storage_is_read_last_and_takes_longest():
    s = replace(h200(8, parallel="tensor"), host_cache=50e9)
    deep = replace(s, storage_cache=200e9, storage_rate=1e10)
    held = roofline.max_requests(s)
    assert roofline.max_requests(deep) > 1.5 * held
    assert roofline.step_time(deep, held) == pytest.approx(roofline.step_time(s, held))
    more = np.array([1.5, 1.6]) * held
    extra = np.diff(roofline.decode_step(deep, more).cache)  # bytes of 0.1 held requests of 1.5 x 1024 tokens each
    assert extra == pytest.approx(0.1 * held * 1.5 * 1024 * 35136 / 1e10, rel=1e-6)


def test_the_network_carries_the_cache_of_every_request():
    s = server(MODEL, "h200", 8192, 1024, Instance(8, verified=4))
    assert s.prompt_cache == 8192 * 35136
    served = points.at_interactivity(s, 60.0)
    assert served.network / served.output == pytest.approx(8 * 35136)


# ---- platforms and engines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", calibrated_platforms())
def test_every_platform_serves_more_the_slower(platform):
    served = best(MODEL, platform, 1024, 1024, np.array([10.0, 20.0, 40.0]))
    assert (np.diff(served.total) <= 0).all()
    assert served.total[0] > 0


def test_the_reference_engine_is_the_default():
    assert h200() == h200(engine="dynamo-trt")
    assert best(MODEL, "gb300", 1024, 1024, 60.0) == best(
        MODEL, "gb300", 1024, 1024, 60.0, options=Options(engine="dynamo-trt")
    )


def test_an_engine_that_does_not_run_on_a_platform_is_refused_and_the_first_that_does_is_its_own():
    assert calibrated_engines("mi355x") == ["mori-sglang", "sglang", "atom"]
    assert server(MODEL, "mi355x", 1024, 1024, Instance(8)).instance.engine == "mori-sglang"
    with pytest.raises(ValueError, match="engine: trt does not run on mi355x; there are mori-sglang, sglang, atom"):
        server(MODEL, "mi355x", 1024, 1024, Instance(8, engine="trt"))


@pytest.mark.parametrize(("platform", "engine"), [(p, e) for p in ("h200", "mi355x") for e in calibrated_engines(p)])
def test_engines_differ_by_the_drafts_they_accept(platform, engine):
    def eight(**options):
        return server(MODEL, platform, 1024, 1024, Instance(8, **options))

    reference = "dynamo-trt" if platform == "h200" else "atom"
    plain = [roofline.interactivity(eight(engine=e), 8.0) for e in (engine, reference)]
    assert plain[0] == plain[1]
    mine, other = eight(engine=engine, verified=4), eight(engine=reference, verified=4)
    assert 1.0 < mine.accepted <= other.accepted
    assert roofline.step_time(mine, 8.0) == roofline.step_time(other, 8.0)
    one, two = (eight(engine=engine, verified=n).accepted for n in (2, 3))
    assert one < two < mine.accepted


def test_an_instance_holds_no_more_than_it_admits():
    s = gb300(8, max_batch=16)
    assert roofline.max_requests(s) == 16
    assert points.at_interactivity(s, 1.0).requests == pytest.approx(16)


def test_what_was_measured_fits():
    """Four B200 and four GB200 served it in eight bits."""
    for platform in ("b200", "gb200"):
        assert roofline.max_requests(server(MODEL, platform, 8192, 1024, Instance(4, "tensor"))) >= 4
