"""Physics of serving: what must hold whatever the numbers, and what users are told."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.domains import roofline
from twin.domains.roofline import Instance
from twin.serving import at_clocks, best, server

MODEL = "DeepSeek-R1-0528"


def h200(gpus=8, **how):
    return server(MODEL, "h200", 1024, 1024, Instance(gpus, **how))


def gb300(gpus=32, isl=1024, osl=1024, **how):
    return server(MODEL, "gb300", isl, osl, Instance(gpus, **{"precision": "fp4", "examined": 4} | how))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 4000.0), st.floats(1.01, 3.0), st.floats(0.3, 1.0))
def test_more_requests_and_lower_clocks_take_longer(requests, more, clock):
    for s in (h200(examined=4), gb300(), gb300(8, parallel="tensor")):
        now, then = (roofline.step(s, b) for b in (requests, more * requests))
        slow = roofline.step(s, requests, clock)
        assert now.time < then.time
        assert now.time <= slow.time
        assert slow.compute * clock == pytest.approx(now.compute)
        assert slow.weights == now.weights


def test_all_experts_are_touched_by_many_and_eight_by_one():
    s = gb300(parallel="tensor", examined=1)
    whole = roofline.weights_held(s, "tensor") / (s.fit.bandwidth * s.chip.bandwidth)
    assert roofline.step(s, 1e4).weights == pytest.approx(whole)
    few = roofline.BYTES["fp4"] * (s.model.dense + s.model.expert * 8 / 256) / 32 / (s.fit.bandwidth * s.chip.bandwidth)
    assert roofline.step(s, 1.0).weights == pytest.approx(few)


def test_weights_of_671_billion_parameters_fit_eight_h200_and_not_four():
    """In eight bits 671 GB; ten percent of the memory is kept free."""
    assert roofline.most_requests(h200(4)) == 0
    found = roofline.at_interactivity(h200(4), [20.0, 100.0])
    assert list(found.reason) == ["memory too small"] * 2
    assert (found.total == 0).all()
    room = 0.9 * 141e9 - 671e9 / 8
    assert roofline.most_requests(h200(8, parallel="tensor")) == np.floor(room / (35136 * 2048))


def test_cache_in_the_host_makes_room_and_costs_time():
    s = h200(8, parallel="tensor")
    wide = replace(s, host_cache=200e9)
    assert roofline.most_requests(wide) > 3 * roofline.most_requests(s)
    few, many = 100.0, 2.0 * roofline.most_requests(s)
    assert roofline.time(wide, few) == roofline.time(s, few)
    assert roofline.time(wide, many) > roofline.time(s, many)


def test_what_is_asked_is_what_a_user_sees():
    wanted = np.array([20.0, 50.0, 90.0, 116.7])
    found = roofline.at_interactivity(gb300(), wanted)
    np.testing.assert_allclose(roofline.interactivity(gb300(), found.requests), wanted, rtol=1e-9)
    np.testing.assert_allclose(found.output * 32, found.requests * wanted, rtol=1e-12)
    assert (np.diff(found.total) < 0).all()
    assert (found.total < 2.0 * found.output).all()  # prefill takes accelerators too


def test_beyond_the_front_there_is_nothing():
    s = h200(examined=4)
    most = roofline.interactivity(s, 1.0)
    found = roofline.at_interactivity(s, [0.999 * most, 1.001 * most])
    assert found.total[0] > 0
    assert found.total[1] == 0
    assert list(found.reason) == ["", "beyond the front"]


@settings(max_examples=40, deadline=None)
@given(st.floats(1.0, 20000.0), st.sampled_from([(32, 6), (64, 2), (32, 0), (96, 40)]))
def test_a_closed_loop_obeys_littles_law_and_no_pool_exceeds_its_capacity(users, pools):
    decode, prefill = pools
    s = gb300()
    found = roofline.at_concurrency(s, users, decode, prefill)
    requests = found.output * decode / s.osl
    assert requests * (found.first + s.osl / found.interactivity) == pytest.approx(users, rel=1e-6)
    reads = roofline.prefill_rate(s) * (prefill or decode)
    assert requests * s.isl <= reads * (1.0 + 1e-9)
    assert found.total * (decode + prefill) == pytest.approx(requests * (s.isl + s.osl))


def test_a_batch_is_a_loop_of_singles():
    wanted, clock = np.array([20.0, 116.7, 60.0]), np.array([1.0, 0.7, 0.9])
    batch = roofline.at_interactivity(gb300(), wanted, clock)
    for i in range(3):
        single = roofline.at_interactivity(gb300(), wanted[i], clock[i])
        assert batch.total[i] == single.total


def test_clocks_between_nodes_are_those_computed():
    clock = np.random.default_rng(0).uniform(0.6, 1.0, (5, 40))
    terms = (MODEL, "gb300", 1024, 1024, 60.0)
    rate, first, why = at_clocks(clock, *terms)
    exact = best(*terms, clock=clock)
    np.testing.assert_allclose(rate, exact.total, rtol=2e-3)
    np.testing.assert_allclose(first, exact.first, rtol=1e-3)
    assert why == ""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: server("DeepSeek-R1", "h200", 1024, 1024, Instance(8)),
            "no physics of model 'DeepSeek-R1'; did you mean",
        ),
        (lambda: server(MODEL, "gb30", 1024, 1024, Instance(8)), "no physics of platform 'gb30'; did you mean 'gb300'"),
        (lambda: server(MODEL, "h200", 1024, 1024, Instance(8, precision="fp4")), "h200 has no fp4; it has fp8"),
        (lambda: server(MODEL, "h200", 1024, 1024, Instance(16)), "16 accelerators is larger than a domain of 8"),
    ],
)
def test_what_is_not_known_is_told(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_more_drafts_are_accepted_more_and_cost_more():
    """One draft is accepted as likely as the first of three, so that a falls from 2.29 to about 1.6."""
    accepted = [gb300(examined=n).accepted for n in (1, 2, 3, 4, 6)]
    assert accepted[0] == 1.0
    assert accepted[3] == pytest.approx(gb300().fit.accepted[1024])
    assert (np.diff(accepted) > 0).all() and (np.diff(accepted[:4]) < np.array([1.0, 1.0, 1.0])).all()
    assert 1.5 < accepted[1] < 1.8
    drafted = [float(roofline.step(gb300(examined=n), 1.0).draft) for n in (1, 2, 4)]
    assert drafted == pytest.approx([0.0, gb300().fit.draft / 3, gb300().fit.draft])


def test_the_faster_layout_must_have_room():
    s = h200(8, examined=4)
    split, whole = (roofline.most_requests(s, way) for way in ("tensor", "expert"))
    assert split < whole == roofline.most_requests(s)
    few, many = 0.9 * split, 1.1 * split
    assert roofline.step(s, many).time == roofline.step(s, many, parallel="expert").time
    assert roofline.step(s, few).time <= roofline.step(s, few, parallel="expert").time


def test_a_clock_that_stands_still_serves_nothing():
    found = roofline.at_interactivity(gb300(), 60.0, [0.0, 1.0])
    assert list(found.reason) == ["its clock stands still", ""]
    assert found.total[0] == 0.0 < found.total[1]
    rate, first, _ = at_clocks(np.array([0.0, 1.0]), MODEL, "gb300", 1024, 1024, 60.0)
    assert rate[0] == 0.0 < rate[1]
    assert np.isinf(first[0]) and first[1] < 1.0
