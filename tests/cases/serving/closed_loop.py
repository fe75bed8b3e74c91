"""A published run as a closed loop: so many users on pools of prefill and decode; the physics is `twin.serving`'s."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.facility.catalogue import physics
from twin.serving.platforms import server, weight_precision
from twin.serving.points import NO_MEMORY, Served, first_token
from twin.serving.roofline import Instance, decode_step, interactivity, max_requests, prefill_rate, weight_bytes

SMALLEST, SPLIT = 4, 8
"""Accelerators of the smallest decode instance of a pool that was measured, and of the largest tensor parallel one."""

OVER = 1.5
"""Users over requests admitted, above which a run admits them all: as often as not."""

CROWD, UNEVEN = 4, 0.04
"""Users of an accelerator of decode from which prompts wait for a share of a user's whole time, and that share: users
of a run start together and stay uneven over its accelerators; fitted to first tokens."""

PARTS, ROUNDS = 32, 10
"""Of the search for requests in decode, all parts of a round at a time: as fine as fifty bisections."""


class Run(NamedTuple):
    """What a published run says of itself."""

    model: str
    platform: str
    isl: int
    osl: int
    concurrency: float
    decode: int
    prefill: int = 0
    precision: str | None = None
    drafts: int = 3
    engine: str = "dynamo-trt"
    gpus: int | None = None
    parallel: str = "best"
    max_batch: int | None = None


def closed_loop(run):
    """The server of a run and what its users are served.

    What a published run leaves out is chosen as its operators would: decode instances of the `gpus`, a power of two
    that divides the pool, with the largest product of interactivity and throughput (where prefill is 0, and where none
    divides it, the largest that does), expert parallel beyond `SPLIT` in a domain; prefill instances as small as hold
    the weights; and as many requests admitted as `admitted` says. Raises ValueError as `server` does.
    """
    name, concurrency, decode, prefill = run.platform, run.concurrency, run.decode, run.prefill
    precision = weight_precision(run.model, name, run.precision)
    one = Instance(1, run.parallel, precision, 1 + run.drafts, engine=run.engine)
    chip = server(run.model, name, run.isl, run.osl, one).chip
    for what, number, low in (("users", concurrency, 1), ("decode accelerators", decode, 1), ("prefill", prefill, 0)):
        if not (number >= low and (number == int(number) or what == "users")):
            raise ValueError(f"serving: {name}: {what} should be at least {low}, and whole, not {number:g}")
    if run.gpus is not None and (run.gpus < 1 or decode % run.gpus):
        raise ValueError(f"serving: {name}: {decode} decode accelerators are no instances of {run.gpus}")
    powers = [2**k for k in range(7) if 2**k <= chip.max_instance]
    sizes = [n for n in powers if n >= SMALLEST and decode % n == 0] if prefill else []
    tried = []
    for n in [run.gpus] if run.gpus else sizes or [max(n for n in range(1, chip.max_instance + 1) if decode % n == 0)]:
        limit = admitted(run.engine, concurrency * n / decode) if run.max_batch is None and prefill else run.max_batch
        way = "expert" if run.parallel == "best" and SPLIT < n <= chip.domain else run.parallel
        instance = replace(one, gpus=n, max_batch=limit, parallel=way, shared=not prefill)
        s = server(run.model, name, run.isl, run.osl, instance)
        readers = [k for k in powers if k <= max(prefill, 1) and holds_weights(s, k)]
        instances = max(prefill // min(readers, default=max(prefill, 1)), 1)
        tried.append((s, at_concurrency(s, concurrency, decode, prefill, instances)))
    return max(tried, key=lambda pair: float(pair[1].interactivity * pair[1].total))


def holds_weights(s, gpus):
    """Whether so many accelerators hold the weights, whatever is left for a cache."""
    small = replace(s, instance=replace(s.instance, gpus=gpus))
    return weight_bytes(small, "tensor") < s.chip.memory * (1.0 - s.instance.reserve)


def admitted(engine, users):
    """Requests that a decode instance admits of so many `users` each, None: as memory allows.

    Published runs of dynamo-trt set it to a power of two and the users to a little more, so that it is always full.
    """
    most = 2 ** int(np.log2(max(users, 1.0)))
    return most if physics()["engines"][engine].get("admits") and users <= OVER * most else None


def at_concurrency(s, concurrency, decode, prefill=0, prefill_instances=1, clock=1.0):
    """What `concurrency` users in a closed loop get of `decode` and `prefill` accelerators; 0 prefill: they share.

    A user waits for the first token, then for the rest: C = X (ttft + osl / I), X requests/s of which B = X osl / I
    are in decode. Shared accelerators decode in the time that prefill leaves; others hand the cache of the prompt over
    the network of the smaller instance, which the first token waits for. B is found by search. Users for whom there
    is no room wait for their first token. Raises ValueError for sizes that cannot be.
    """
    C, d, p, clock = np.broadcast_arrays(*(np.asarray(a, float) for a in (concurrency, decode, prefill, clock)))
    n = s.instance.gpus
    for what, number in (("users", C), ("decode accelerators", d), ("instances of prefill", prefill_instances)):
        if not (np.asarray(number) > 0).all():
            raise ValueError(f"serving: {s.chip.name}: {what} should be more than 0")
    if not (p >= 0).all():
        raise ValueError(f"serving: {s.chip.name}: prefill accelerators should not be less than 0")
    instances, limit = d / n, max_requests(s)
    shared = p == 0
    reads = prefill_rate(s, clock) * np.where(shared, n, p)
    many = np.where(shared, 1.0, np.asarray(prefill_instances, float))
    ways = s.chip.network * np.minimum(n, np.where(shared, n, p / many))
    hand = np.where(shared, 0.0, s.prompt_cache / ways) if s.chip.network else 0.0
    alone, each = s.isl / (reads / many), s.isl / prefill_rate(s, clock)
    turns = replace(s, instance=replace(s.instance, shared=True))

    def served(B):
        b = np.maximum(B / instances, 1.0)
        seen = interactivity(s, b, clock)
        requests = B * seen / s.osl
        busy = requests * s.isl / (reads * np.where(shared, instances, 1.0))
        eased = np.where(shared, 1.0 / (1.0 + busy), np.maximum(1.0 - busy, 1e-3))
        seen = np.where(shared, seen * eased, seen)
        requests = np.where(shared, requests * eased, requests)
        # Accelerators that prefill are as many servers, whose times are all the same [Allen, Probability, Statistics
        # and Queueing Theory, 1990]; no prompt waits for more than half of all others.
        wait = np.minimum(0.5 * busy / eased * each, 0.5 * C * each / np.maximum(p, 1.0))
        wait = np.where(C / d >= CROWD, UNEVEN * C / np.maximum(requests, 1e-12), wait)
        return seen, requests, np.where(shared, first_token(turns, b, clock), s.fit.first + alone + wait + hand), busy

    low, high = np.zeros(C.shape), np.minimum(C, limit * instances)
    most = high.copy()
    inner = np.linspace(0.0, 1.0, PARTS + 1)[1:-1].reshape(-1, *(1,) * C.ndim)
    for _ in range(ROUNDS):
        middle = low + (high - low) * inner
        _, requests, ttft, busy = served(middle)
        under = ~((middle + requests * ttft > C) | (~shared & (busy > 1.0)))
        low, wide = low + (high - low) * np.cumprod(under, axis=0).sum(axis=0) / PARTS, (high - low) / PARTS
        high = low + wide
    B = np.minimum(0.5 * (low + high), most)
    seen, requests, ttft, _ = served(B)
    good = limit >= 1.0
    output = np.where(good, requests * s.osl / d, 0.0)
    total = np.where(good, requests * (s.isl + s.osl) / (d + p), 0.0)
    ttft = np.where(good, np.maximum(ttft, C / np.maximum(requests, 1e-12) - s.osl / seen), np.inf)
    reason = np.where(good, "", NO_MEMORY)
    seen, each = np.where(good, seen, 0.0), np.where(good, B / instances, 0.0)
    moved = np.where(shared, 0.0, output * s.prompt_cache / s.osl)
    latency, sizes = ttft + s.osl / np.maximum(seen, 1e-12), np.full(C.shape, n)
    waiting = decode_step(s, np.maximum(each, 1.0), clock).waiting
    return Served(seen, each, output, total, ttft, latency, reason, moved, sizes, waiting)
