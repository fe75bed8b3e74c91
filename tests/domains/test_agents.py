"""Agents on the factory's stations: what holds them back is named, and moves where it is widened."""

from dataclasses import replace

import numpy as np
import pytest

from twin.serving.agents import Agent, Pools, request_stations, serve_agents
from twin.serving.platforms import server
from twin.serving.roofline import Instance, interactivity
from twin.serving.stations import closed_network, rate_limit

RACK = server("DeepSeek-R1-0528", "gb300", 8192, 512, Instance(8, "best", "fp4", 4))
POOLS = Pools(prefill=4, decode=5, cpus=256)
AGENT = Agent(turns=6, hit_rate=0.8, tool_time=2.0)


def test_every_station_has_a_utilisation_and_one_holds_the_rest_back():
    pools = replace(POOLS, retrievers=64, orchestrators=64, network=5e10, storage=2e10)
    load = closed_network(
        [*request_stations(RACK, AGENT, pools), rate_limit("energy", 7.0), rate_limit("cooling", 7.5)], 400
    )
    expected = ["software", "engine", "memory", "cpu", "network", "storage", "energy", "cooling"]
    assert set(load.names) == {*expected, "compute: prefill", "compute: decode"}
    bounded = np.array(load.names) != "engine"
    assert (load.utilisation[bounded] > 0).all() and (load.utilisation <= 1.0 + 1e-9).all()
    assert load.utilisation[load.names.index("energy")] == pytest.approx(load.throughput / 7.0)


@pytest.mark.parametrize(
    ("widened", "station"),
    [({"cpus": 4}, "cpu"), ({"prefill": 1}, "compute: prefill"), ({"decode": 1}, "compute: decode")],
)
def test_a_narrow_station_binds(widened, station):
    wide = replace(POOLS, prefill=40, cpus=4000)
    narrow, usual = (serve_agents(RACK, AGENT, pools, users=4000) for pools in (replace(wide, **widened), wide))
    assert narrow.binds == station
    assert narrow.throughput < 0.95 * usual.throughput


def test_hits_and_routing_spare_prefill():
    first = [
        serve_agents(RACK, replace(AGENT, hit_rate=h, routing=r), POOLS, users=50)
        for h, r in ((0, 1), (0.9, 0.5), (0.9, 1))
    ]
    prefill = [f.utilisation[f.names.index("compute: prefill")] / f.throughput for f in first]
    assert prefill[0] > prefill[1] > prefill[2]
    assert first[2].mean("first") < first[0].mean("first")


def test_one_agent_alone_waits_for_nobody():
    load = serve_agents(RACK, AGENT, POOLS, users=1)
    assert load.response_time.sum() == pytest.approx(
        sum(s.service_demand for s in request_stations(RACK, AGENT, POOLS))
    )
    decode = load.response_time[load.names.index("compute: decode")]
    assert decode == pytest.approx(6 * 512 / float(interactivity(RACK, 1.0)))


def test_open_and_closed_agree_at_one_throughput():
    closed = serve_agents(RACK, AGENT, POOLS, users=80, think_time=60.0)
    open_ = serve_agents(RACK, AGENT, POOLS, arrival_rate=closed.throughput)
    np.testing.assert_allclose(open_.utilisation, closed.utilisation)
    assert open_.mean() == pytest.approx(closed.mean(), rel=0.1)
    assert open_.percentile(0.5, "first") < open_.percentile(0.95, "first") < open_.percentile(0.95)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Agent(turns=0), "turns: give at least one"),
        (lambda: Agent(hit_rate=1.2), "hit_rate: give a share from 0 to 1, not 1.2"),
        (lambda: Agent(tool_time=0.0), "tool_time: give a time above 0 s"),
        (lambda: Pools(prefill=0, decode=1), "prefill: give one or more"),
        (lambda: Pools(prefill=1, decode=1, cpus=0), "cpus: give one or more"),
        (lambda: Pools(prefill=1, decode=1, network=0), "network: give more than 0"),
        (lambda: Pools(prefill=1.5, decode=2.5), "give whole instances"),
        (lambda: Agent(turns=2.5), "and whole ones"),
        (lambda: Agent(scv=-1.0), "scv: give 0 or more"),
        (lambda: serve_agents(RACK, AGENT, POOLS, users=0), "users: give one or more"),
        (lambda: serve_agents(RACK, AGENT, POOLS, users=2.5), "users: give one or more, and whole ones"),
        (lambda: serve_agents(RACK, AGENT, POOLS, arrival_rate=0.0), "arrival_rate: give more than 0"),
        (lambda: serve_agents(RACK, AGENT, POOLS, arrival_rate=np.nan), "arrival_rate: give more than 0"),
        (lambda: serve_agents(RACK, AGENT, POOLS, users=5, think_time=-1.0), "think_time: give a time of 0 s or more"),
    ],
)
def test_pools_of_none_and_shares_beyond_one_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_station_without_a_bound_makes_nobody_wait():
    load = serve_agents(RACK, AGENT, Pools(prefill=40, decode=40), users=100)
    cpu = load.names.index("cpu")
    assert load.utilisation[cpu] == 0 and load.response_time[cpu] == pytest.approx(5 * AGENT.tool_time)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="give either users or arrival_rate"):
        serve_agents(RACK, AGENT, POOLS)
    small = server("DeepSeek-R1-0528", "h200", 1024, 1024, Instance(4))
    with pytest.raises(ValueError, match="h200: memory too small for DeepSeek-R1-0528 on 4"):
        request_stations(small, AGENT, POOLS)
    assert "are beyond" in serve_agents(RACK, AGENT, POOLS, arrival_rate=1e4).reason


def test_fifty_instances_decode_fifty_times_what_one_does():
    one, fifty = (request_stations(RACK, AGENT, replace(POOLS, decode=n)) for n in (1, 50))
    decode = [next(s for s in part if s.name == "compute: decode") for part in (one, fifty)]
    assert decode[1].capacity == pytest.approx(50 * decode[0].capacity, rel=1e-6)


def test_a_large_pool_of_decode_may_be_sampled(monkeypatch):
    """As many requests as are counted, and a tenth of these: the same answer."""
    wide = Pools(prefill=400, decode=500)
    light = serve_agents(RACK, AGENT, wide, arrival_rate=150.0)
    heavy = serve_agents(RACK, AGENT, wide, arrival_rate=350.0)
    monkeypatch.setattr("twin.serving.agents.MAX_TABULATED", 5000)
    for exact, flow in ((light, 150.0), (heavy, 350.0)):
        sampled = serve_agents(RACK, AGENT, wide, arrival_rate=flow)
        assert sampled.utilisation == pytest.approx(exact.utilisation, rel=1e-3)
        assert sampled.mean("decode") == pytest.approx(exact.mean("decode"), rel=0.02)
