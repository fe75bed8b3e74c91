"""Users in a closed loop on pools of prefill and decode: laws that hold whatever the numbers, and what is refused."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from closed_loop import Run, admitted, at_concurrency, closed_loop

from twin.serving import roofline
from twin.serving.platforms import server
from twin.serving.roofline import Chip, Fit, Instance, Model, Server

MODEL = "DeepSeek-R1-0528"


def h200(isl=1024):
    return server(MODEL, "h200", isl, 1024, Instance(8, verified=4))


def gb300(gpus=32, **options):
    return server(MODEL, "gb300", 1024, 1024, Instance(gpus, precision="fp4", verified=4, **options))


def loop(platform="gb300", **changes):
    terms = {"concurrency": 64, "decode": 32, "prefill": 4} | changes
    return closed_loop(Run(MODEL, platform, 1024, 1024, **terms))


@settings(max_examples=40, deadline=None)
@given(st.floats(1.0, 20000.0), st.sampled_from([(32, 6), (64, 2), (32, 0), (96, 40)]))
def test_a_closed_loop_obeys_littles_law_and_no_pool_exceeds_its_capacity(users, pools):
    decode, prefill = pools
    s = gb300()
    served = at_concurrency(s, users, decode, prefill)
    requests = served.output * decode / s.osl
    assert requests * (served.ttft + s.osl / served.interactivity) == pytest.approx(users, rel=1e-6)
    reads = roofline.prefill_rate(s) * (prefill or decode)
    assert requests * s.isl <= reads * (1.0 + 1e-9)
    assert served.total * (decode + prefill) == pytest.approx(requests * (s.isl + s.osl))


def test_the_first_token_waits_for_the_cache():
    """8,192 tokens of 35,136 B over eight adapters of 50 GB/s take 0.72 ms."""
    s = h200(8192)
    fast = replace(s, chip=replace(s.chip, network=1e30))
    slow, ideal = (at_concurrency(x, 1, 8, 8) for x in (s, fast))
    assert slow.ttft - ideal.ttft == pytest.approx(8192 * 35136 / (8 * 5e10), rel=1e-2)
    shared = [at_concurrency(x, 8, 8).ttft for x in (s, fast)]
    assert shared[0] == shared[1]


def test_one_user_alone_waits_for_nobody():
    s = gb300(8)
    served = at_concurrency(s, 1, 8, 2)
    assert served.interactivity == pytest.approx(roofline.interactivity(s, 1.0))
    assert served.output * 8 / 1024 == pytest.approx(1.0 / (served.ttft + 1024 / served.interactivity), rel=1e-6)


@pytest.mark.parametrize(
    ("decode", "prefill", "users"), [(40, 4, 45), (20, 12, 4000), (8, 0, 16), (16, 8, 1), (10, 2, 9)]
)
def test_a_benchmark_is_a_closed_loop_on_instances_that_divide_its_pool(decode, prefill, users):
    s, served = loop("b200", decode=decode, prefill=prefill, concurrency=users)
    assert decode % s.instance.gpus == 0 and s.instance.gpus <= 8
    many = max(prefill // 4, 1)  # four hold the weights in four bits
    again = at_concurrency(s, users, decode, prefill, many)
    assert served.total == again.total and served.interactivity == again.interactivity
    others = [
        loop("b200", decode=decode, prefill=prefill, concurrency=users, gpus=n)[1]
        for n in (1, 2, 4, 8)
        if not decode % n
    ]
    assert all(served.interactivity * served.total >= o.interactivity * o.total for o in others[2:])


@pytest.mark.parametrize(("users", "most"), [(1, 1), (1.5, 1), (3, 2), (4, 4), (4.01, 4), (600, 512), (1000, None)])
def test_a_power_of_two_is_admitted_where_users_are_up_to_a_half_more(users, most):
    assert admitted("dynamo-trt", users) == most
    assert admitted("sglang", users) is None


def test_the_network_carries_the_cache_of_every_request():
    s = h200(8192)
    served = at_concurrency(s, [4, 64], 16, 8)
    requests = served.output * 16 / 1024
    np.testing.assert_allclose(served.network * 16, requests * s.prompt_cache)
    assert at_concurrency(s, 4, 16).network == 0.0


def test_an_instance_holds_no_more_than_it_admits():
    served = at_concurrency(gb300(8, max_batch=16), [20, 60, 200, 2000], 32, 4)
    assert (served.requests <= 16 * (1 + 1e-9)).all()
    assert served.requests[-1] == pytest.approx(16)
    assert (np.diff(served.ttft) > 0).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: loop(engine="sglan"), "did you mean 'sglang'"),
        (lambda: at_concurrency(h200(), 0, 8), "users should be more than 0"),
        (lambda: at_concurrency(h200(), 8, -8), "decode accelerators should be more than 0"),
        (lambda: at_concurrency(h200(), 8, 8, -8), "prefill accelerators should not be less than 0"),
        (lambda: at_concurrency(h200(), 8, 8, 8, 0), "instances of prefill should be more than 0"),
        (lambda: loop(concurrency=0), "users should be at least 1, and whole, not 0"),
        (lambda: loop(decode=0), "decode accelerators should be at least 1, and whole, not 0"),
        (lambda: loop(prefill=-4), "prefill should be at least 0, and whole, not -4"),
        (lambda: loop(gpus=24), "32 decode accelerators are no instances of 24"),
        (lambda: loop("h200", gpus=16), "16 accelerators is larger than a domain of 8"),
    ],
)
def test_runs_that_cannot_be_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# ---- by hand, of a round machine ---------------------------------------------------------------------------------

ROUND = Server(
    Model("m", dense=1e9, expert=8e9, active=2e9, experts=4, chosen=1, cache=1e4, attention=1e5, reading=2e5,
          exchange=1e6, reduced=2e6, context=10**6, heads=8),
    Chip("c", memory=1e10, bandwidth=1e12, peak={"fp8": 1e15}, link=1e11, domain=4, network=1e10),
    Fit({"tensor": 3e-3, "expert": 4e-3}, 6e-4, {1000: 2.5}, 0.5, 0.25, 0.2, {"fp8": 0.4}, 0.1),
    Instance(4, "expert", "fp8", 1), 1000, 1000,
)  # fmt: skip
READS = float(roofline.prefill_rate(ROUND))


@pytest.mark.parametrize(("users", "pools"), [(12.0, (4, 2, 1)), (24.0, (8, 4, 2)), (40.0, (4, 2, 1))])
def test_accelerators_that_prefill_are_queues_whose_times_are_all_the_same_unless_users_crowd(users, pools):
    """First token = least + read + M/D/1 wait + cache over the network; a prompt takes one instance of prefill.

    From four users of an accelerator prompts wait for 4 % of their whole time.
    """
    found = at_concurrency(ROUND, users, *pools)
    X = float(found.output) * pools[0] / 1000
    read = 1000 / (READS * pools[1] / pools[2])
    busy = X * 1000 / (READS * pools[1])
    wait = 0.5 * 1000 / READS * busy / (1 - busy)
    assert wait < 0.5 * users * 1000 / READS / pools[1]
    wait = wait if users < 4 * pools[0] else 0.04 * users / X
    hand = 1000 * 1e4 / (1e10 * 2)
    assert float(found.ttft) == pytest.approx(0.1 + read + wait + hand, rel=1e-5)
    assert float(found.latency) == pytest.approx(float(found.ttft) + 1000 / float(found.interactivity), rel=1e-9)
    assert float(found.latency) * X == pytest.approx(users, rel=1e-6)
    assert float(found.total) == pytest.approx(X * 2000 / sum(pools[:2]), rel=1e-9)
    assert float(found.network) == pytest.approx(float(found.output) * 1e4, rel=1e-9)


def test_shared_accelerators_decode_in_the_time_that_prefill_leaves():
    found = at_concurrency(ROUND, 40.0, 4)
    alone = float(roofline.interactivity(ROUND, found.requests))
    X = float(found.requests) * float(found.interactivity) / 1000
    work = float(found.requests) * alone / 1000 * 1000 / (READS * 4)
    assert float(found.interactivity) == pytest.approx(alone / (1 + work), rel=1e-9)
    read, u = 1000 / (READS * 4), work / (1 + work)
    looks = 0.5 * float(roofline.step_time(ROUND, found.requests))
    assert float(found.ttft) == pytest.approx(read * (1 + 0.5 * u / (1 - u)) + looks, rel=1e-5)
    assert X * float(found.latency) == pytest.approx(40.0, rel=1e-6)
