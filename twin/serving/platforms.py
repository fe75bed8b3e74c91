"""Serving by physics: models on platforms as the shipped tables have them, and the best that a platform can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from twin.facility.catalogue import physics
from twin.facility.files import hint
from twin.serving.roofline import (
    Chip,
    Fit,
    Instance,
    Model,
    Served,
    Server,
    at_concurrency,
    at_interactivity,
    prefill_rate,
    weights_held,
)
from twin.serving.stations import delay, open_network, servers

NODES = np.linspace(0.05, 1.2, 231)
"""Clocks at which physics is computed; those between are interpolated."""


def server(
    model: str,
    platform: str,
    isl: int,
    osl: int,
    instance: Instance,
    host_cache: float = 0.0,
    storage_cache: float = 0.0,
    storage: float = 0.0,
) -> Server:
    """A model on a platform whose serving was calibrated, with the factors of the instance's engine.

    `storage_cache` [B] per accelerator is what lies beyond the host's `host_cache` [B], read with `storage` [B/s].
    Raises ValueError for what is not known or cannot be.
    """
    table = physics()
    for what, name, known in (
        ("model", model, list(table["models"])),
        ("platform", platform, platforms()),
        ("engine", instance.engine, engines()),
    ):
        if name not in known:
            raise ValueError(f"serving: no physics of {what} {name!r}{hint(name, known)}; there are {', '.join(known)}")
    numbers, chip = dict(table["models"][model]["numbers"]), dict(table["chips"][platform])
    peak = {k: chip.pop(k) for k in ("fp8", "fp4") if k in chip}
    fit = table["fits"]["shared"] | table["fits"][platform]
    factor = {"drafts": 1.0, "latency": 1.0, "prefill": 1.0} | table["engines"][instance.engine]
    slower = factor["latency"] * (fit.pop("eight", 1.0) if instance.precision == "fp8" else 1.0)
    fit["accepted"] = {n: 1.0 + factor["drafts"] * (a - 1.0) for n, a in fit["accepted"].items()}
    fit["fixed"] = {way: slower * t for way, t in fit["fixed"].items()}
    fit["prefill"] = {p: factor["prefill"] * share for p, share in fit["prefill"].items()}
    fit["residual"] = tuple((float(a), float(b)) for a, b in fit.get("residual", ()))
    return Server(
        Model(model, **numbers),
        Chip(platform, peak=peak, **chip),
        Fit(**{k: v for k, v in fit.items() if k != "eight"}),
        instance,
        isl,
        osl,
        host_cache,
        storage_cache,
        storage,
    )


def platforms() -> list[str]:
    """Platforms whose serving was calibrated."""
    return [name for name, chip in physics()["chips"].items() if name in physics()["fits"] and "domain" in chip]


def engines() -> list[str]:
    """Serving stacks whose factors were calibrated; `dynamo-trt` is the reference."""
    return [name for name in physics()["engines"] if name not in ("source", "notes")]


def best(
    model: str,
    platform: str,
    isl: int,
    osl: int,
    wanted: Any,
    clock: Any = 1.0,
    precision: str | None = None,
    drafts: int = 3,
    largest: int | None = None,
    engine: str = "dynamo-trt",
    **tiers: float,
) -> Served:
    """The most that a platform serves at the `wanted` interactivity, whatever the size of its decode instances.

    Sizes are powers of two within a domain, at most `largest`; the lowest precision that the platform has unless one is
    given; `drafts` are the tokens drafted a step, `tiers` what `server` takes as caches beyond the accelerator. Raises
    ValueError as `server` does.
    """
    chip, kind = _chip(platform), lowest(platform, precision)
    if largest is not None and largest < 1:
        raise ValueError(f"serving: the largest instance should have at least 1 accelerator, not {largest}")
    if not (np.asarray(wanted) > 0).all():
        raise ValueError("serving: the interactivity that is wanted should be more than 0 tokens/s")
    most = min(largest or 64, max(chip.get("domain", 1), chip.get("reach", 1)))
    sizes = [2**k for k in range(6, -1, -1) if 2**k <= most]  # of equal ones, and for the reason, the largest counts
    found = []
    for gpus in sizes:
        layout = Instance(gpus, "best", kind, 1 + drafts, engine=engine)  # type: ignore[arg-type]
        found.append(at_interactivity(server(model, platform, isl, osl, layout, **tiers), wanted, clock))
    pick = np.argmax([f.total for f in found], axis=0)
    return Served(*(np.choose(pick, [getattr(f, name) for f in found]) for name in Served._fields))


def lowest(platform: str, precision: str | None = None) -> Any:
    """The `precision` given, or the lowest that a platform has."""
    return precision or ("fp4" if "fp4" in _chip(platform) else "fp8")


def _chip(platform: str) -> dict[str, Any]:
    return physics()["chips"].get(platform, {}) if platform in platforms() else {}


SMALLEST, SPLIT = 4, 8
"""Accelerators of the smallest decode instance of a pool that was measured, and of the largest tensor parallel one."""


def closed_loop(
    model: str,
    platform: str,
    isl: int,
    osl: int,
    concurrency: float,
    decode: int,
    prefill: int = 0,
    precision: str | None = None,
    drafts: int = 3,
    engine: str = "dynamo-trt",
    gpus: int | None = None,
    parallel: str = "best",
    admits: int | None = None,
) -> tuple[Server, Served]:
    """What a benchmark of `concurrency` users measures on pools of `decode` and `prefill` accelerators, and on what.

    What a published run leaves out is chosen as its operators would: decode instances of the `gpus`, a power of two
    that divides the pool, with the largest product of interactivity and throughput (where prefill is 0, and where none
    divides it, the largest that does), expert parallel beyond `SPLIT` in a domain; prefill instances as small as hold
    the weights; and as many requests admitted as `admitted` says. Raises ValueError as `server` does.
    """
    kind = lowest(platform, precision)
    whole = Instance(1, parallel, kind, 1 + drafts, engine=engine)  # type: ignore[arg-type]
    chip = server(model, platform, isl, osl, whole).chip
    for what, number, low in (("users", concurrency, 1), ("decode accelerators", decode, 1), ("prefill", prefill, 0)):
        if not (number >= low and (number == int(number) or what == "users")):
            raise ValueError(f"serving: {platform}: {what} should be at least {low}, and whole, not {number:g}")
    if gpus is not None and (gpus < 1 or decode % gpus):
        raise ValueError(f"serving: {platform}: {decode} decode accelerators are no instances of {gpus}")
    powers = [2**k for k in range(7) if 2**k <= chip.largest]
    sizes = [n for n in powers if n >= SMALLEST and decode % n == 0] if prefill else []
    found = []
    for n in [gpus] if gpus else sizes or [max(n for n in range(1, chip.largest + 1) if decode % n == 0)]:
        most = admitted(engine, concurrency * n / decode) if admits is None and prefill else admits
        way = "expert" if parallel == "best" and SPLIT < n <= chip.domain else parallel
        s = server(model, platform, isl, osl, replace(whole, gpus=n, admits=most, parallel=way))  # type: ignore[arg-type]
        reads = [k for k in powers if k <= max(prefill, 1) and _holds(s, k)]
        many = max(prefill // min(reads, default=max(prefill, 1)), 1)
        found.append((s, at_concurrency(s, concurrency, decode, prefill, many)))
    return max(found, key=lambda pair: float(pair[1].interactivity * pair[1].total))


def _holds(s: Server, gpus: int) -> bool:
    """Whether so many accelerators hold the weights, whatever is left for a cache."""
    small = replace(s, instance=replace(s.instance, gpus=gpus))
    return weights_held(small, "tensor") < s.chip.memory * (1.0 - s.instance.reserve)


def admitted(engine: str, users: float) -> int | None:
    """Requests that a decode instance admits of so many `users` each, None: as memory allows.

    Published runs of dynamo-trt set it to a power of two and the users to a little more, so that it is always full.
    """
    return 2 ** int(np.log2(max(users, 1.0))) if physics()["engines"][engine].get("admits") else None


def at_clocks(clock: Any, *terms: Any, **options: Any) -> tuple[Any, Any, str]:
    """`best` at one interactivity and many clocks: tokens/s per accelerator, time to a first token, and why if none.

    Clocks between `NODES` are interpolated, rates in their logarithm; a clock below them serves nothing. The reason is
    that of clock 1.
    """
    clock = np.asarray(clock, float)
    total, first, why = _at_nodes(terms, tuple(sorted(options.items())))
    rate = np.interp(clock, NODES, np.log(np.where(total > 0, total, 1.0)))
    served = (clock >= NODES[0]) & (np.interp(clock, NODES, (total > 0).astype(float)) >= 1.0 - 1e-9)
    wait = np.interp(clock, NODES, np.where(np.isfinite(first), first, 0.0))
    return np.where(served, np.exp(rate), 0.0), np.where(served, wait, np.inf), why


@lru_cache(maxsize=4096)
def _at_nodes(terms: tuple[Any, ...], options: tuple[tuple[str, Any], ...]) -> tuple[Any, Any, str]:
    found = best(*terms, clock=NODES, **dict(options))
    return found.total, found.first, str(found.reason[int(np.argmin(np.abs(NODES - 1.0)))])


TOLD = ("source", "notes", "prefill")
"""What of the table of powers is no platform."""


def chip_power(platform: str, requests: Any, rated: float | None = None) -> Any:
    """Mean power of an accelerator [W] with so many `requests` in flight on each, after measured curves.

    Of another `rated` power [W] than was measured it has the same shares; a platform that was not measured takes those
    of b200. Raises ValueError for one of which no rated power is given, and for one that is not positive.
    """
    table = physics()["power"]
    law = table.get(platform) if platform not in TOLD else None
    if law is None and rated is None:
        known = ", ".join(n for n in table if n not in TOLD)
        raise ValueError(f"serving: no measured power of {platform!r}; there are {known}; give its rated power")
    if rated is not None and not rated > 0:
        raise ValueError(f"serving: {platform}: rated power should be more than 0 W, not {rated:g}")
    law = law or table["b200"]
    scale = 1.0 if rated is None else rated / law["rated"]
    x = (np.maximum(np.asarray(requests, float), 0.0) / law["half"]) ** law["exponent"]
    return scale * (law["alone"] + (law["full"] - law["alone"]) * x / (1.0 + x))


def _reader(model: str, platform: str, isl: int, osl: int, how: Mapping[str, Any]) -> Server:
    """One accelerator that reads, of the precision and the engine among the options of `best`."""
    precision, engine = lowest(platform, how.get("precision")), how.get("engine", "dynamo-trt")
    return server(model, platform, isl, osl, Instance(1, precision=precision, engine=engine))


def prefilling(model: str, platform: str, isl: int, osl: int, rate: Any, clock: Any = 1.0, **how: Any) -> Any:
    """Share of the accelerators that read inputs where each serves `rate` [tokens/s], inputs included, on average.

    Raises ValueError as `server` does.
    """
    s = _reader(model, platform, isl, osl, how)
    share = np.asarray(rate) * isl / (isl + osl) / prefill_rate(s, np.maximum(clock, NODES[0]))
    return np.minimum(share, 1.0)


def busiest(
    model: str,
    platform: str,
    isl: int,
    osl: int,
    wanted: float,
    accelerators: float,
    most_first: float,
    share: float = 0.99,
    clock: float = 1.0,
    **options: Any,
) -> float | None:
    """How far prefill may be loaded for a `share` of first tokens to come within `most_first` [s], 0 to 1.

    Prefill is a queue of as many instances as the accelerators that serve at the `wanted` interactivity have
    (see `stations.open_network`), after the least delay of the engine. None where physics serves nothing at that
    interactivity. Raises ValueError as `best` does.
    """
    if not (0.0 < share < 1.0 and accelerators > 0):
        raise ValueError(f"serving: give a share between 0 and 1, and accelerators, not {share:g} and {accelerators:g}")
    found = best(model, platform, isl, osl, wanted, clock, **options)
    if not found.total > 0:
        return None
    fixed = _reader(model, platform, isl, osl, options).fit.first
    reading = float(prefilling(model, platform, isl, osl, found.total, clock, **options))
    alone, count = float(found.first) - fixed, max(int(accelerators * reading / found.gpus), 1)
    queue = [delay("engine", fixed, spread=0.0), servers("prefill", alone, count, spread=0.5)]

    def late(load: float) -> bool:
        return open_network(queue, load * count / alone).percentile(share) > most_first

    low, high = 0.0, 1.0
    if late(1e-6):
        return 0.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if late(middle) else (middle, high)
    return low
