"""Agents on the factory's layers: what holds them back is named, and moves where it is widened."""

from dataclasses import replace

import numpy as np
import pytest

from twin.serving.agents import Agent, Pools, agents, layers
from twin.serving.platforms import server
from twin.serving.roofline import Instance, interactivity
from twin.serving.stations import closed_network, limit

RACK = server("DeepSeek-R1-0528", "gb300", 8192, 512, Instance(8, "best", "fp4", 4))
POOLS = Pools(prefill=4, decode=5, cpus=256)
AGENT = Agent(turns=6, hits=0.8, tool=2.0)


def test_every_layer_has_a_utilisation_and_one_holds_the_rest_back():
    whole = replace(POOLS, retrievers=64, orchestrators=64, network=5e10, storage=2e10)
    found = closed_network([*layers(RACK, AGENT, whole), limit("energy", 7.0), limit("cooling", 7.5)], 400)
    expected = ["software", "engine", "memory", "cpu", "network", "storage", "energy", "cooling"]
    assert set(found.names) == {*expected, "compute: prefill", "compute: decode"}
    bounded = np.array(found.names) != "engine"
    assert (found.utilisation[bounded] > 0).all() and (found.utilisation <= 1.0 + 1e-9).all()
    assert found.utilisation[found.names.index("energy")] == pytest.approx(found.throughput / 7.0)


@pytest.mark.parametrize(
    ("widened", "layer"),
    [({"cpus": 4}, "cpu"), ({"prefill": 1}, "compute: prefill"), ({"decode": 1}, "compute: decode")],
)
def test_a_narrow_layer_binds(widened, layer):
    wide = replace(POOLS, prefill=40, cpus=4000)
    narrow, usual = (agents(RACK, AGENT, pools, users=4000) for pools in (replace(wide, **widened), wide))
    assert narrow.binds == layer
    assert narrow.throughput < 0.95 * usual.throughput


def test_hits_and_routing_spare_prefill():
    first = [
        agents(RACK, replace(AGENT, hits=h, routing=r), POOLS, users=50) for h, r in ((0, 1), (0.9, 0.5), (0.9, 1))
    ]
    prefill = [f.utilisation[f.names.index("compute: prefill")] / f.throughput for f in first]
    assert prefill[0] > prefill[1] > prefill[2]
    assert first[2].mean("first") < first[0].mean("first")


def test_one_agent_alone_waits_for_nobody():
    found = agents(RACK, AGENT, POOLS, users=1)
    assert found.time.sum() == pytest.approx(sum(s.alone for s in layers(RACK, AGENT, POOLS)))
    decode = found.time[found.names.index("compute: decode")]
    assert decode == pytest.approx(6 * 512 / float(interactivity(RACK, 1.0)))


def test_open_and_closed_agree_at_one_throughput():
    closed = agents(RACK, AGENT, POOLS, users=80, think=60.0)
    open_ = agents(RACK, AGENT, POOLS, arrivals=closed.throughput)
    np.testing.assert_allclose(open_.utilisation, closed.utilisation)
    assert open_.mean() == pytest.approx(closed.mean(), rel=0.1)
    assert open_.percentile(0.5, "first") < open_.percentile(0.95, "first") < open_.percentile(0.95)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Agent(turns=0), "turns: give at least one"),
        (lambda: Agent(hits=1.2), "hits: give a share from 0 to 1, not 1.2"),
        (lambda: Agent(tool=0.0), "tool: give a time above 0 s"),
        (lambda: Pools(prefill=0, decode=1), "prefill: give one or more"),
        (lambda: Pools(prefill=1, decode=1, cpus=0), "cpus: give one or more"),
        (lambda: Pools(prefill=1, decode=1, network=0), "network: give more than 0"),
        (lambda: Pools(prefill=1.5, decode=2.5), "give whole instances"),
        (lambda: Agent(turns=2.5), "and whole ones"),
        (lambda: Agent(spread=-1.0), "spread: give 0 or more"),
        (lambda: agents(RACK, AGENT, POOLS, users=0), "users: give one or more"),
        (lambda: agents(RACK, AGENT, POOLS, users=2.5), "users: give one or more, and whole ones"),
        (lambda: agents(RACK, AGENT, POOLS, arrivals=0.0), "arrivals: give more than 0"),
        (lambda: agents(RACK, AGENT, POOLS, arrivals=np.nan), "arrivals: give more than 0"),
        (lambda: agents(RACK, AGENT, POOLS, users=5, think=-1.0), "think: give a time of 0 s or more"),
    ],
)
def test_pools_of_none_and_shares_beyond_one_are_told(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_layer_without_a_bound_makes_nobody_wait():
    load = agents(RACK, AGENT, Pools(prefill=40, decode=40), users=100)
    cpu = load.names.index("cpu")
    assert load.utilisation[cpu] == 0 and load.time[cpu] == pytest.approx(5 * AGENT.tool)


def test_what_cannot_be_is_told():
    with pytest.raises(ValueError, match="give either users or arrivals"):
        agents(RACK, AGENT, POOLS)
    small = server("DeepSeek-R1-0528", "h200", 1024, 1024, Instance(4))
    with pytest.raises(ValueError, match="h200: memory too small for DeepSeek-R1-0528 on 4"):
        layers(small, AGENT, POOLS)
    assert "are beyond" in agents(RACK, AGENT, POOLS, arrivals=1e4).reason


def test_fifty_instances_decode_fifty_times_what_one_does():
    one, fifty = (layers(RACK, AGENT, replace(POOLS, decode=n)) for n in (1, 50))
    decode = [next(s for s in part if s.name == "compute: decode") for part in (one, fifty)]
    assert decode[1].capacity == pytest.approx(50 * decode[0].capacity, rel=1e-6)


def test_a_deep_pool_of_decode_is_told_beyond_what_is_counted(monkeypatch):
    """As many requests as are counted, and a tenth of these: the same answer."""
    wide = Pools(prefill=400, decode=500)
    counted = agents(RACK, AGENT, wide, arrivals=150.0)
    deep = agents(RACK, AGENT, wide, arrivals=350.0)
    monkeypatch.setattr("twin.serving.agents.DEEPEST", 5000)
    for whole, flow in ((counted, 150.0), (deep, 350.0)):
        sampled = agents(RACK, AGENT, wide, arrivals=flow)
        assert sampled.utilisation == pytest.approx(whole.utilisation, rel=1e-3)
        assert sampled.mean("decode") == pytest.approx(whole.mean("decode"), rel=0.02)
