"""What a user gets of an instance, and an instance of its users: speeds, first tokens and operating points.

Prefill has accelerators of its own, or takes turns with decode, see `twin.serving.roofline` for the time of either.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twin.elements import Array
from twin.serving.roofline import Server, decode_step, interactivity, max_requests, prefill_rate, step_time

MAX_REQUESTS = 1e6
"""Largest number of requests that are tried in an instance."""

MANY = 16
"""Requests in an instance from which engines look for new prompts less often, where they do."""

SECANTS = 20
"""Steps to the requests in an instance, which leave a relative error of 1e-10."""


def user_speed(s: Server, requests: ArrayLike, clock: ArrayLike = 1.0) -> Array:
    """Tokens/s that each of `requests` in an instance sees where its accelerators also prefill, if they do.

    b requests at a speed I ask for b I isl / osl tokens/s of input, which N accelerators read at R each: in the time of
    one second of decode they prefill for u = b I isl / (osl N R), so that a user sees I / (1 + u).
    Example: user_speed(server, 64).
    """
    alone = interactivity(s, requests, clock)
    if not s.instance.shared:
        return alone
    inputs = np.asarray(requests) * alone * s.isl / s.osl
    return alone / (1.0 + inputs / (s.instance.gpus * prefill_rate(s, clock)))


class Prompt(NamedTuple):
    """What the first token of a prompt waits for, each of the shape of the requests in decode."""

    latency: Array
    """Latency of the engine, and half of the steps after which it looks for prompts, s."""
    reading: Array
    """Reading the prompt, s."""
    busy: Array
    """Share of the time in which what reads it reads the prompts of others, 0 where others prefill [1]."""


def prompt(s: Server, requests: ArrayLike, clock: ArrayLike = 1.0) -> Prompt:
    """What a first token waits for with so many `requests` in decode. Example: prompt(server, 64).reading."""
    b = np.asarray(requests, float)
    reading = s.isl / (prefill_rate(s, clock) * s.instance.gpus)
    if not s.instance.shared:
        return Prompt(np.asarray(s.fit.first), reading, np.zeros(b.shape))
    few, many = s.fit.polls
    looks = 0.5 * np.where(b < MANY, few, many) * step_time(s, b, clock)
    return Prompt(s.fit.turns + looks, reading, np.minimum(b * user_speed(s, b, clock) / s.osl * reading, 0.99))


def first_token(s: Server, requests: ArrayLike, clock: ArrayLike = 1.0) -> Array:
    """Time to a first token with so many `requests` in decode, s: latency, reading the prompt, and waiting to be read.

    Where others prefill nobody is before it. Where accelerators take turns, prompts of other users are read first: a
    queue of one server whose times are all the same, u / (2 (1 - u)) of its own time at a share u of it in use [Allen,
    Probability, Statistics and Queueing Theory, 1990]. Example: first_token(server, 64).
    """
    latency, reading, busy = prompt(s, requests, clock)
    return latency + reading * (1.0 + 0.5 * busy / (1.0 - busy))


class Served(NamedTuple):
    """What a user and an accelerator get; all of the shape of the interactivity, zeros where nothing can be served."""

    interactivity: Array
    """Tokens/s of a user."""
    requests: Array
    """Requests in flight in an instance."""
    output: Array
    """Output tokens/s per accelerator of decode."""
    total: Array
    """Input and output tokens/s per accelerator of both pools."""
    ttft: Array
    """Time to first token, s; infinite where nothing is served."""
    latency: Array
    """Time to the last token, s; infinite where nothing is served."""
    reason: Array
    """Why nothing is served; empty if something is."""
    network: Array
    """KV cache that an accelerator of decode takes in from prefill, B/s; 0 where they are the same."""
    gpus: Array
    """Accelerators of an instance."""
    waiting: Array
    """Share of decode in which accelerators wait, see `Step.waiting`; of one request alone where nothing is served."""


BEYOND_FRONT, NO_MEMORY, NO_CLOCK = "beyond the front", "memory too small", "its clock stands still"
"""Reasons why nothing is served."""


def _requests_at(s: Server, target: Array, clock: Array, most: float, alone: Array, all_of_them: Array) -> Array:
    """Requests at which a user sees `target`, of those up to `most`, by the speeds of one alone and of all of them.

    A bracketed secant of ln speed over ln requests that halves the value at an end that stays, the Illinois method
    [Dowell & Jarratt, BIT 11 (1971) 168]; the lower end where there is none between.
    """
    low, high = np.zeros(target.shape), np.full(target.shape, np.log(most))
    above, below = np.log(alone / target), np.log(all_of_them / target)
    last = np.zeros(target.shape)
    for _ in range(SECANTS):
        gap = below - above
        x = (low * below - high * above) / np.where(gap == 0.0, 1.0, gap)
        x = np.where((x > low) & (x < high), x, 0.5 * (low + high))
        value = np.log(user_speed(s, np.exp(x), clock) / target)
        fast = value >= 0.0
        above, below = (
            np.where(fast, value, np.where(last < 0, 0.5 * above, above)),
            np.where(fast, np.where(last > 0, 0.5 * below, below), value),
        )
        low, high, last = np.where(fast, x, low), np.where(fast, high, x), np.where(fast, 1.0, -1.0)
    return np.exp(low)


def at_interactivity(s: Server, target: ArrayLike, clock: ArrayLike = 1.0) -> Served:
    """The most that is served at a `target` interactivity [tokens/s/user], pools being as large as each other needs.

    Accelerators that are shared take turns instead of pools, see `user_speed`.
    Interactivity falls with the requests in flight, see `_requests_at`. Beyond what one request alone gets nothing
    is served; below what a full memory gives the full memory is. `target` and `clock` broadcast.
    Example: at_interactivity(server, [20.0, 60.0]).total.
    """
    target, clock = np.broadcast_arrays(np.asarray(target, float), np.asarray(clock, float))
    still = ~(clock > 0)
    clock = np.where(still, 1.0, clock)
    limit = max_requests(s)
    fits, most = limit >= 1.0, max(min(limit, MAX_REQUESTS), 1.0)
    if fits:
        alone, all_of_them = (user_speed(s, np.full(target.shape, b), clock) for b in (1.0, most))
        b = _requests_at(s, target, clock, most, alone, all_of_them)
    else:
        alone, all_of_them, b = np.zeros(target.shape), np.zeros(target.shape), np.ones(target.shape)
    full = all_of_them >= target
    b = np.where(full, most, b)
    good = fits & ~still & (alone >= target * (1.0 - 1e-12))
    seen = np.where(full, all_of_them, target)
    output = np.where(good, b * seen / s.instance.gpus, 0.0)
    readers = 0.0 if s.instance.shared else output * s.isl / s.osl / prefill_rate(s, clock)
    total = output * (s.isl + s.osl) / s.osl / (1.0 + readers)
    ttft = np.where(good, first_token(s, b, clock), np.inf)
    latency = np.where(good, ttft + s.osl / np.where(good, seen, 1.0), np.inf)
    reason = np.where(good, "", np.where(still, NO_CLOCK, BEYOND_FRONT) if fits else NO_MEMORY)
    return Served(
        np.where(good, seen, 0.0),
        np.where(good, b, 0.0),
        output,
        total,
        ttft,
        latency,
        reason,
        0.0 * output if s.instance.shared else output * s.prompt_cache / s.osl,
        np.full(target.shape, s.instance.gpus),
        decode_step(s, np.where(good, b, 1.0), clock).waiting,
    )
