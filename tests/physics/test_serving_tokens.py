"""Tokens, the power of chips that serve, and agents, against published points and closed forms."""

from dataclasses import replace

import numpy as np
import pytest

import twin
from twin.serving import (
    Agent,
    Instance,
    Options,
    Pools,
    best,
    chip_power,
    closed_network,
    delay,
    open_network,
    power_draw,
    queue,
    roofline,
    serve_agents,
    server,
)
from twin.serving.platforms import Point, clock_share, nearby
from twin.serving.roofline import Chip, Fit, Model, Server
from twin.show.summary import summary
from twin.study.agents import agent_load


def rack(serving="", fields="", platform="h200", count=8, scenarios=None, site="dry_bulb: 20 degC", more="", wires=""):
    return twin.solve(
        f"""
version: 1
name: serves
site: {{{site}}}
serving: {{{serving}}}
components:
  grid: {{type: utility, voltage: 415 V, contract: 2 MW}}
  r: {{type: rack, cords: 1, accelerators: {count}, platform: {platform}, chip_power: 700 W, chip_idle: 100 W,
       leakage_share: 0, sink_resistance: 1 mK/W, air_flow: 20 m3/s, shelf_fixed_loss: 0, shelf_proportional_loss: 0,
       shelf_square_loss: 0{fields}}}
{more}connections: [[power, grid.out, r.feed]{wires}]
""",
        scenarios,
    )


def rate(result, count=8):
    return result.figures.tokens_per_s[0] / count


# ---- measured fronts ---------------------------------------------------------------------------------------------


def test_racks_serve_the_measured_points_of_their_platform():
    """DeepSeek-R1, 1,024 in and out [InferenceX runs of 2026]: 93.15 and 5,970 tokens/s at 116.7 and 116.86."""
    assert rate(rack()) == pytest.approx(93.15)
    assert rate(rack("interactivity: 62.68")) == pytest.approx(395.16, rel=1e-9)
    assert rate(rack("interactivity: 116.86", platform="gb300")) == pytest.approx(5970.26, rel=1e-9)


def test_between_points_the_logarithm_of_the_rate_is_linear_below_them_it_holds_beyond_there_is_nothing():
    share = (70 - 62.68) / (75.23 - 62.68)
    assert rate(rack("interactivity: 70")) == pytest.approx(395.16 * (246.14 / 395.16) ** share, rel=1e-9)
    assert rate(rack("interactivity: 10")) == pytest.approx(2315.71)
    assert rate(rack("interactivity: 175")) == 0.0


def test_tokens_follow_clock_availability_and_work():
    assert rate(rack("clock_exponent: 1", ", clock: 0.8")) == pytest.approx(93.15 * 0.8, rel=1e-6)
    assert rate(rack("clock_exponent: 0.5", ", clock: 0.64")) == pytest.approx(93.15 * 0.8, rel=1e-6)
    assert rate(rack("availability: 0.95")) == pytest.approx(93.15 * 0.95, rel=1e-9)
    assert rate(rack(fields=", utilisation: 0.25")) == pytest.approx(93.15 * 0.25, rel=1e-9)


def test_a_slower_clock_costs_the_tokens_that_its_arithmetic_takes():
    """Measured fronts lose what physics loses at the point: nearly all where inputs are read, little in decode."""
    slow, full = (float(best("DeepSeek-R1-0528", "h200", 1024, 1024, 116.7, c).total) for c in (0.8, 1.0))
    assert rate(rack(fields=", clock: 0.8")) == pytest.approx(93.15 * slow / full, rel=1e-3)
    assert 0.97 < slow / full < 1.0
    slow, full = (rate(rack("interactivity: 20, input_tokens: 8192", f", clock: {c}")) for c in (0.8, 1.0))
    assert 0.8 < slow / full < 0.82


def test_beyond_the_speed_of_physics_tokens_follow_the_clock_as_at_the_last_that_it_serves():
    """Where a run was measured all the same; and as the clock does where the last is not served at a slower one."""
    model = ("DeepSeek-R1-0528", "mi355x", 1024, 1024)
    last = max(k for k in range(60, 130) if best(*model, 1.05**k).total > 0)
    assert 1.05**last < 243.0 / 1.05
    slow, full = (float(best(*model, 1.05**last, c).total) for c in (0.8, 1.0))
    assert slow > 0
    told, whole = (rate(rack("interactivity: 243", f", clock: {c}", "mi355x")) for c in (0.8, 1.0))
    assert told / whole == pytest.approx(slow / full, rel=1e-4)
    assert best(*model, 1.05**last, 0.2).total == 0.0
    tenth, fifth = clock_share(Point(*model, 243.0), [0.1, 0.2])
    assert 2 * tenth == pytest.approx(fifth, rel=1e-9) and fifth > 0


def test_the_price_of_a_clock_does_not_leap_where_physics_ends():
    shares = [clock_share(Point("DeepSeek-R1-0528", "h200", 1024, 1024, i), 0.85) for i in np.arange(150, 171, 1.0)]
    assert float(np.abs(np.diff(shares)).max()) < 0.02 and 0.5 < min(shares) < max(shares) < 1.0


def test_a_clock_that_stands_still_serves_nothing():
    half, none = clock_share(Point("DeepSeek-R1-0528", "h200", 1024, 1024, 60.0), [0.025, 0.0])
    assert none == 0.0 and half > 0.0
    assert 2 * half == pytest.approx(clock_share(Point("DeepSeek-R1-0528", "h200", 1024, 1024, 60.0), 0.05))


def test_tokens_say_how_sure_they_are():
    """Of fronts by what lies beside, of physics (1 + e_T) (1 + e_I)^k: 0.12 and 0.11 of H200's reference engine."""
    assert rack().figures.tokens_error[0] == pytest.approx(0.01)
    middle = rack("interactivity: 69").figures.tokens_error[0]
    assert middle == pytest.approx((395.16 / 246.14) ** 0.8 - 1, rel=1e-3)
    lower, upper = (nearby(Point("DeepSeek-R1-0528", "h200", 1024, 1024, v)).total for v in (59.0, 61.0))
    k = np.log(lower / upper) / np.log(61 / 59)
    found = rack("mode: physics, interactivity: 60")
    assert found.figures.tokens_error[0] == pytest.approx(1.12 * 1.11**k - 1, rel=0.03)
    assert summary(found, None)["tokens_error"] == pytest.approx(found.figures.tokens_error[0])
    engine = rack("mode: physics, interactivity: 60, engine: sglang").figures.tokens_error[0]
    other = nearby(Point("DeepSeek-R1-0528", "h200", 1024, 1024, 60.0), Options(engine="sglang"))
    assert engine == pytest.approx(1.20 * 1.23**other.steepness - 1, rel=1e-6)
    checked = rack("mode: physics, model: gpt-oss-120b, interactivity: 30").figures.tokens_error[0]
    assert checked == pytest.approx(1.78)
    assert np.isnan(rack("mode: physics, model: Qwen3-235B-A22B, interactivity: 30").figures.tokens_error[0])
    point = rack("model: gpt-oss-120b, output_tokens: 1024, interactivity: 20", platform="b200")
    assert np.isnan(point.figures.tokens_error[0])
    slow, full = (rack("interactivity: 20, input_tokens: 8192", f", clock: {c}").figures for c in (0.8, 1.0))
    price = slow.tokens_per_s[0] / full.tokens_per_s[0]
    assert slow.tokens_error[0] == pytest.approx((1 + full.tokens_error[0]) * price**-0.65 - 1, rel=1e-6)
    two = rack(
        count=4,
        more="  b: {type: rack, cords: 1, accelerators: 8, platform: gb300, chip_power: 100 W, air_flow: 20 m3/s}\n",
        wires=", [power, grid.out, b.feed]",
    )
    each = [rack(count=n, platform=p) for n, p in ((4, "h200"), (8, "gb300"))]
    tokens, errors = zip(*[(f.figures.tokens_per_s[0], f.figures.tokens_error[0]) for f in each], strict=True)
    assert two.figures.tokens_error[0] == pytest.approx(np.dot(tokens, errors) / sum(tokens), rel=1e-3)


# ---- power of chips at work --------------------------------------------------------------------------------------


def test_a_chip_draws_by_what_its_step_waits_works_and_reads():
    """331 W as a step of a B200 waits, 948 as it works [14 powers, InferenceX PowerX]; in turns it reads at 886."""
    s = server("DeepSeek-R1-0528", "b200", 8192, 1024, Instance(8, "tensor", "fp4", engine="sglang"))
    step = roofline.decode_step(s, 24.0)
    waits = float((step.fixed + step.draft + step.exchange) / step.time)
    assert 0.3 < waits < 0.7
    decode = waits * 331 + (1 - waits) * 948
    assert chip_power(s, 24.0) == pytest.approx(decode, rel=1e-9)
    inputs = 24 * float(roofline.interactivity(s, 24.0)) * 8 / (8 * float(roofline.prefill_rate(s)))
    turns = replace(s, instance=replace(s.instance, shared=True))
    assert chip_power(turns, 24.0) == pytest.approx((decode + inputs * 886) / (1 + inputs), rel=1e-9)
    assert power_draw("mi355x") == (1400, 267, 356, 916, 1089)


@pytest.mark.parametrize("mode", ["table", "physics"])
def test_chips_that_serve_draw_by_what_their_work_waits_for(mode):
    """Inputs are read at 16 % of 1,979 TFLOP/s, at 550 W; decode waits at 137 W and works at 300 [arXiv 2605.11999]."""
    found = rack(f"power: measured, mode: {mode}")
    served = best("DeepSeek-R1-0528", "h200", 1024, 1024, 116.7)
    each = 93.15 if mode == "table" else float(served.total)
    reading = each / 2 / (0.16 * 1.979e15 / (2 * 37e9 + 5e6 * 512))
    decode = float(served.waiting) * 137 + (1 - float(served.waiting)) * 300
    level = (reading * 550 + (1 - reading) * decode) / 700
    assert found["rack_power"].values[0, 0] == pytest.approx(8 * 700 * level, rel=5e-4)


def test_chips_never_draw_less_than_idle():
    assert rack("power: measured", ", utilisation: 0")["rack_power"].values[0, 0] == pytest.approx(800, rel=1e-6)


# ---- queues ------------------------------------------------------------------------------------------------------


def test_ten_servers_under_eight_erlangs_make_two_fifths_wait():
    """Erlang C of 8 erlangs on 10 servers is 0.4092 [Cooper, Introduction to Queueing Theory]: W = C / (10 - 8)."""
    found = open_network([queue("s", 1.0, 10)], 8.0)
    assert found.mean() - 1.0 == pytest.approx(0.4092 / 2, rel=2e-4)
    assert found.queue_length[0] == pytest.approx(8 + 8 * 0.4092 / 2, rel=2e-4)
    half = open_network([queue("s", 1.0, 10, scv=0.0)], 8.0)
    assert half.mean() - 1.0 == pytest.approx(0.4092 / 4, rel=2e-4)
    wait = 0.4092 * (2 - 0.4092) / 4  # variance of a wait that is exponential with probability C
    assert found.variance[0] == pytest.approx(wait + 1.0, rel=2e-4)
    assert half.variance[0] == pytest.approx(wait / 4, rel=2e-4)


def test_visits_share_a_server_and_its_time():
    """Two visits of 1 s to one server at 0.4 requests/s: 0.8 erlang, 5 s a visit."""
    found = open_network([queue("s", 1.0, visits=2)], 0.4)
    assert found.mean() == pytest.approx(10.0, rel=1e-9)
    assert found.variance[0] == pytest.approx(2 * 25.0, rel=1e-9)
    assert found.utilisation[0] == pytest.approx(0.8)


def test_users_of_one_machine_wait_as_for_a_repairman():
    """Three users who think 2 s before one exponential server of 1 s [Kleinrock, Queueing Systems I, sec. 3.8].

    p0 = 1 / sum 3!/(3-k)! (1/2)^k = 1 / (1 + 1.5 + 1.5 + 0.75); throughput 1 - p0.
    """
    found = closed_network([queue("s", 1.0)], 3, 2.0)
    assert found.throughput == pytest.approx(1 - 1 / 4.75, rel=1e-9)
    assert found.mean() == pytest.approx(3 / found.throughput - 2.0, rel=1e-9)
    twice = closed_network([queue("s", 1.0, 2)], 3, 2.0)  # 1 + 1.5 + 0.75 + 0.1875
    p = np.array([1, 1.5, 0.75, 0.1875]) / 3.4375
    assert twice.throughput == pytest.approx(p @ [0, 1, 2, 2], rel=1e-9)


def test_percentiles_are_those_of_a_gamma():
    """Of two delays of 1 s, exponential alike: Erlang of two stages, whose 99th percentile is 6.638 s."""
    found = open_network([delay("a", 1.0), delay("b", 1.0)], 0.5)
    assert found.percentile(0.99) == pytest.approx(6.6384, abs=1e-3)
    assert found.percentile(0.5, "end") == pytest.approx(1.6783, abs=1e-3)


# ---- agents ------------------------------------------------------------------------------------------------------

MODEL = Model("m", dense=1e9, expert=8e9, active=2e9, experts=4, chosen=1, cache=1e4, attention=1e5, reading=2e5,
              exchange=1e6, reduced=2e6, context=10**6, heads=8)  # fmt: skip
CHIP = Chip("c", memory=1e10, bandwidth=1e12, peak={"fp8": 1e15}, link=1e11, domain=4, network=1e10)
FIT = Fit({"tensor": 3e-3, "expert": 4e-3}, 6e-4, {1000: 2.5}, 0.5, 0.25, 0.2, {"fp8": 0.4}, 0.1)
SERVER = Server(MODEL, CHIP, FIT, Instance(4, "expert", "fp8", 1), 1000, 500)


def test_an_agent_alone_takes_the_time_of_its_visits():
    """Five turns: software, engine, retrieval, 600 of 1,000 tokens to read, caches moved, 500 to write, four tools."""
    agent = Agent(turns=5, hit_rate=0.5, routing=0.8, tool_time=2.0, retrieval_time=0.04, software_time=0.02)
    pools = Pools(2, 3, 8, 2, 2, network=1e8, storage=5e7)
    found = serve_agents(SERVER, agent, pools, users=1)
    read = 600 / (0.4 * 1e15 / (4e9 + 2e5 * 700) * 4)
    first = 0.02 + 0.1 + 0.04 + read + 600 * 1e4 / 1e8 + 400 * 1e4 / 5e7
    assert found.mean("first") == pytest.approx(5 * first, rel=1e-9)
    assert found.mean("tools") == pytest.approx(4 * 2.0, rel=1e-9)
    assert found.mean("decode") == pytest.approx(5 * 500 / float(roofline.interactivity(SERVER, 1.0)), rel=1e-6)
    assert found.throughput == pytest.approx(1 / found.mean(), rel=1e-9)


def test_defaults_of_agents_are_the_sheets():
    """Eight turns, a tool of 1 s, 50 ms of retrieval, 10 ms of software."""
    found = serve_agents(SERVER, Agent(), Pools(1, 1), users=1)
    read = 1000 / (0.4 * 1e15 / (4e9 + 2e5 * 500) * 4)
    assert found.mean("first") == pytest.approx(8 * (0.01 + 0.1 + 0.05 + read), rel=1e-9)
    assert found.mean("tools") == pytest.approx(7.0)


def test_pools_bound_agents_by_their_servers():
    """8 tools of 2 s in four visits are 1 request/s; prefill 2 instances, retrieval and software 2 at once."""
    agent = Agent(turns=5, hit_rate=0.5, routing=0.8, tool_time=2.0, retrieval_time=0.04, software_time=0.02)
    found = serve_agents(SERVER, agent, Pools(2, 3, 8, 2, 2, network=1e8, storage=5e7), arrival_rate=0.5)
    use = dict(zip(found.names, found.utilisation, strict=True))
    read = 600 / (0.4 * 1e15 / (4e9 + 2e5 * 700) * 4)
    assert use["cpu"] == pytest.approx(0.5)
    assert use["compute: prefill"] == pytest.approx(0.5 * 5 * read / 2)
    assert use["memory"] == pytest.approx(0.5 * 5 * 0.04 / 2)
    assert use["software"] == pytest.approx(0.5 * 5 * 0.02 / 2)
    assert use["network"] == pytest.approx(0.5 * 5 * 0.06)
    assert use["storage"] == pytest.approx(0.5 * 5 * 0.08)
    most = roofline.max_requests(SERVER)
    best = max(n * float(roofline.interactivity(SERVER, n)) for n in np.geomspace(1, most, 2000)) * 3 / 500
    assert use["compute: decode"] == pytest.approx(0.5 * 5 / best, rel=1e-3)


def test_a_facility_at_its_agents_draws_between_idling_and_full_work():
    """Power by the share of the compute that they use; the contract's use likewise; tools are the racks'."""
    text = "mode: physics, interactivity: 40, drafts: 0, agents: {arrival_rate: 0.05, turns: 5, tool_time: 2 s}"
    found = rack(text, ", sandboxes: 4", count=64, more="")
    s = summary(found, None)
    used, told = s["utilisation"], s["agents"]
    part = told["requests_per_s"] / (told["requests_per_s"] / used["compute"])
    assert told["requests_per_s"] == pytest.approx(0.05)
    assert used["cpu"] == pytest.approx(0.05 * 4 * 2 / 4)
    idle, full = 64 * 100 / 1e6, 64 * 700 / 1e6
    assert told["facility_power_mw"] == pytest.approx(idle + (full - idle) * part, rel=1e-3)
    assert used["energy"] == pytest.approx((idle + (full - idle) * part) / 2.0, rel=1e-3)
    more = rack(text, ", sandboxes: 4, chip_scale: 2", count=32)
    assert summary(more, None)["utilisation"]["cpu"] == pytest.approx(0.05 * 4 * 2 / 8)


def test_agents_are_not_served_by_engines_that_prefill_in_turns():
    """SGLang on one system has no pools of prefill and decode."""
    asked = "mode: physics, interactivity: 20, agents: {arrival_rate: 0.05}"
    told = summary(rack(asked, platform="mi325x", count=64), None)["agents"]
    assert told["reason"] == "mi325x: sglang prefills in turns; agents need an engine with pools of prefill and decode"


def test_accelerators_are_shared_between_reading_and_writing_as_their_work_is():
    """Thirty-two instances of eight: a part reads so long as a prompt takes, the others write."""
    lengths = "mode: physics, input_tokens: 8192, interactivity: 40, drafts: 0"
    text = lengths + ", agents: {arrival_rate: 0.05, turns: 5, hit_rate: 0.5, routing: 0.6}"
    found = rack(text, count=256)
    load = agent_load(found.solution).load
    use = dict(zip(load.names, load.utilisation, strict=True))
    whole = best("DeepSeek-R1-0528", "h200", 8192, 1024, 40.0, options=Options(drafts=0))
    assert int(whole.gpus) == 8
    reads = (
        0.16 * 1.979e15 / (2 * 37e9 + 61 * 128 * 2 * 320 * 4096 * 1.3)
    )  # three tenths are found and only attended to
    reading, writing = 8192 * 0.7 / reads, 1024 / float(whole.output)
    p = round(32 * reading / (reading + writing))
    assert p == 6
    assert use["compute: prefill"] == pytest.approx(0.05 * 5 * 8192 * 0.7 / (reads * 8) / p, rel=1e-6)
    assert use["compute: decode"] == pytest.approx(0.05 * 5 * writing / 8 / (32 - p), rel=0.02)


def test_requests_on_instances_of_their_own_do_not_slow_each_other():
    """Three users on three instances of decode and of prefill: each writes as if alone."""
    found = serve_agents(SERVER, Agent(turns=5), Pools(3, 3), users=3)
    assert found.mean("decode") == pytest.approx(5 * 500 / float(roofline.interactivity(SERVER, 1.0)), rel=1e-6)
