"""Networks of stations against an event simulation, and laws that hold exactly."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.serving.stations import Station, closed_network, delay, open_network, queue, rate_limit


def shared(name, rates):
    return Station(name, np.asarray(rates, float))


DECODE = np.arange(1, 33) / (2.0 + 0.15 * np.arange(1, 33))
"""Completions/s of an instance of up to 32 requests that slow each other down."""


def simulate(count, times, servers, rates, arrivals=None, users=None, think_time=0.0, seed=0):
    """Requests through first-come servers of drawn times, then through a processor that is shared.

    Comes back: requests/s, mean time in each of the two. Open with `arrivals`, else closed with `users` who think.
    """
    rng = np.random.default_rng(seed)
    events, line, idle, now, done = [], [], servers, 0.0, 0
    active, virtual, last = [], 0.0, 0.0  # shared: work left is in virtual seconds of a lone request
    begun, first, spent = {}, {}, np.zeros(2)
    rate = lambda n: rates[min(n, len(rates)) - 1] if n else 0.0  # noqa: E731
    ids = iter(range(10 * count + 10**4))
    if users is None:
        heapq.heappush(events, (rng.exponential(1 / arrivals), 0, next(ids)))
    else:
        for _ in range(users):
            heapq.heappush(events, (rng.exponential(think_time), 0, next(ids)))
    warm, kept, start = count // 10, 0, None
    while done < count:
        n = len(active)
        finish = last + (active[0][0] - virtual) / (rate(n) / n) if n else np.inf
        if events and events[0][0] <= finish:
            now, kind, who = heapq.heappop(events)
            virtual, last = virtual + (now - last) * (rate(n) / n if n else 0.0), now
            if kind == 0:
                begun[who] = now
                if users is None:
                    heapq.heappush(events, (now + rng.exponential(1 / arrivals), 0, next(ids)))
                if idle:
                    idle -= 1
                    heapq.heappush(events, (now + times(rng), 1, who))
                else:
                    line.append(who)
            else:
                first[who] = now
                heapq.heappush(active, (virtual + rng.exponential(1.0), who))
                if line:
                    heapq.heappush(events, (now + times(rng), 1, line.pop(0)))
                else:
                    idle += 1
        else:
            now = finish
            virtual, last = active[0][0], now
            _, who = heapq.heappop(active)
            done += 1
            if done == warm:
                start = now
            if done > warm:
                kept += 1
                spent += first[who] - begun[who], now - first[who]
            begun.pop(who), first.pop(who)
            if users is not None:
                heapq.heappush(events, (now + rng.exponential(think_time), 0, next(ids)))
    return kept / (now - start), spent / kept


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(("scv", "count"), [(1.0, 1), (1.0, 4), (0.0, 1), (2.0, 2)])
def test_open_arrivals_agree_with_an_event_simulation(utilisation, scv, count):
    """Prefill as M/G/k before decode that is shared: means within 5 %."""
    capacity = DECODE[-1]
    time = 0.9 * count / capacity
    draw = {
        0.0: lambda _: time,
        1.0: lambda rng: rng.exponential(time),
        2.0: lambda rng: rng.gamma(0.5, 2.0 * time),
    }[scv]
    stations = [queue("prefill", time, count, scv=scv, phase="first"), shared("decode", DECODE)]
    load = open_network(stations, utilisation * capacity)
    flow, times = simulate(
        60_000 if utilisation < 0.9 else 240_000, draw, count, DECODE, arrivals=utilisation * capacity
    )
    assert load.throughput == pytest.approx(flow, rel=0.05)
    assert load.mean() == pytest.approx(times.sum(), rel=0.05)
    assert load.mean("first") == pytest.approx(times[0], rel=0.08)


@pytest.mark.parametrize("users", [3, 12, 60])
def test_closed_loops_agree_with_an_event_simulation(users):
    stations = [queue("prefill", 0.8, 2), shared("decode", DECODE)]
    load = closed_network(stations, users, think_time=4.0)
    flow, times = simulate(60_000, lambda rng: rng.exponential(0.8), 2, DECODE, users=users, think_time=4.0)
    assert load.throughput == pytest.approx(flow, rel=0.03)
    np.testing.assert_allclose(load.response_time, times, rtol=0.05)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 300),
    st.floats(0.0, 20.0),
    st.lists(st.tuples(st.floats(0.01, 5.0), st.integers(1, 40), st.floats(0.2, 6.0)), min_size=1, max_size=5),
)
def test_laws_of_a_closed_network(users, think, parts):
    """Utilisation law, Little's law over all, and no throughput above the bottleneck's capacity or what users ask."""
    stations = [queue(f"s{i}", t, k, visits=v) for i, (t, k, v) in enumerate(parts)]
    load = closed_network(stations, users, think)
    assert load.throughput <= min(s.capacity for s in stations) * (1 + 1e-9)
    assert load.throughput <= users / (think + sum(s.service_demand for s in stations)) * (1 + 1e-9)
    np.testing.assert_allclose(load.utilisation, [load.throughput * v * t / k for t, k, v in parts], rtol=1e-12)
    assert load.throughput * (load.mean() + think) == pytest.approx(users, rel=1e-6)
    assert load.utilisation[load.names.index(load.binds)] == load.utilisation.max()


def test_one_server_is_the_textbooks():
    """M/M/1, M/D/1 and M/M/2 at a load of 0.8."""
    for station, time in ((queue("a", 1.0), 5.0), (queue("a", 1.0, scv=0.0), 3.0)):
        assert open_network([station], 0.8).mean() == pytest.approx(time, rel=1e-6)
    assert open_network([queue("a", 1.0, 2)], 1.6).mean() == pytest.approx(1.0 / (1.0 - 0.8**2), rel=1e-6)


def test_percentiles_of_one_server_are_exponential():
    load = open_network([queue("a", 1.0)], 0.5)
    for share in (0.5, 0.95, 0.99):
        assert load.percentile(share) == pytest.approx(-2.0 * np.log(1.0 - share), rel=0.02)


def test_what_binds_is_named_and_more_of_it_moves_the_bound():
    parts = [queue("prefill", 0.5, 4), delay("network", 0.01), queue("tools", 2.0, 8), rate_limit("energy", 6.0)]
    load = closed_network(parts, 400, think_time=1.0)
    assert load.binds == "tools"
    assert load.throughput == pytest.approx(4.0, rel=1e-3)
    wide = closed_network([*parts[:2], queue("tools", 2.0, 32), parts[3]], 400, think_time=1.0)
    assert wide.binds == "energy"
    assert wide.throughput == pytest.approx(6.0, rel=1e-3)


def test_arrivals_beyond_a_capacity_are_refused_with_the_reason():
    load = open_network([queue("prefill", 0.5, 4), queue("tools", 1.0, 3)], 5.0)
    assert load.throughput == 0.0
    assert load.reason == "5 requests/s are beyond the 3 of tools"
    assert np.isinf(load.mean())
    with pytest.raises(ValueError, match="station tools: give at least one server and a time above 0 s"):
        queue("tools", 0.0)


def test_nobody_waits_in_a_delay_and_visits_are_independent():
    for load in (
        open_network([delay("a", 10.0, visits=4)], 500.0),
        closed_network([delay("a", 10.0, visits=4)], 9000),
    ):
        assert load.response_time[0] == pytest.approx(40.0)
        assert load.utilisation[0] == 0.0
    alone = closed_network([queue("a", 1.0, 4, visits=8)], 1)
    assert alone.variance[0] == pytest.approx(8.0)


@pytest.mark.parametrize("think", [0.0, 40.0, 400.0])
def test_many_users_load_stations_as_the_exact_answer_has_it(think, monkeypatch):
    parts = [queue("prefill", 0.1, 8, scv=1.0), shared("decode", np.repeat(DECODE, 4) * 4), delay("engine", 0.2)]
    exact = closed_network(parts, 1500, think)
    monkeypatch.setattr("twin.serving.stations.MAX_EXACT_USERS", 1000)
    close = closed_network(parts, 1500, think)
    assert close.throughput == pytest.approx(exact.throughput, rel=0.01)
    assert close.mean() == pytest.approx(exact.mean(), rel=0.03)
    assert close.throughput * (think + close.mean()) == pytest.approx(1500, rel=1e-4)


@pytest.mark.parametrize("users", [20, 400, 3000])
def test_percentiles_of_a_closed_loop_are_those_of_an_event_simulation(users):
    """Eight servers of exponential 2 s, users who think 1 s: who waits waits for nearly the same queue."""
    rng, count, time = np.random.default_rng(1), 8, 2.0
    load = closed_network([queue("s", time, count)], users, 1.0)
    events = [(rng.exponential(1.0), k) for k in range(users)]
    heapq.heapify(events)
    free, spent = [0.0] * count, []
    while len(spent) < 60 * users + 20_000:
        now, who = heapq.heappop(events)  # in the order of arrivals the first free server takes the next
        begin = max(now, heapq.heappop(free))
        end = begin + rng.exponential(time)
        heapq.heappush(free, end)
        spent.append(end - now)
        heapq.heappush(events, (end + rng.exponential(1.0), who))
    seen = np.array(spent[10 * users :])
    for share in (0.5, 0.9, 0.99):
        assert load.percentile(share) == pytest.approx(np.quantile(seen, share), rel=0.12), share


def test_a_station_that_more_requests_make_slower_is_refused():
    with pytest.raises(ValueError, match="more requests must not make it slower"):
        shared("decode", [1.0, 2.0, 1.5])
