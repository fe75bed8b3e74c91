"""Serving by physics: models on platforms as the shipped tables have them, and the best that a platform can do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from twin.domains.roofline import (
    Chip,
    Fit,
    Instance,
    Model,
    Served,
    Server,
    at_interactivity,
    prefill_rate,
)
from twin.domains.stations import delay, open_network, servers
from twin.layout import hint
from twin.tables import physics

NODES = np.linspace(0.05, 1.2, 231)
"""Clocks at which physics is computed; those between are interpolated."""


def server(model: str, platform: str, isl: int, osl: int, instance: Instance, host_cache: float = 0.0) -> Server:
    """A model on a platform whose serving was calibrated. Raises ValueError for what is not known or cannot be."""
    table = physics()
    for what, name, known in (
        ("model", model, list(table["models"])),
        ("platform", platform, [n for n in table["chips"] if n in table["fits"] and n != "source"]),
    ):
        if name not in known:
            raise ValueError(f"serving: no physics of {what} {name!r}{hint(name, known)}; there are {', '.join(known)}")
    numbers, chip = dict(table["models"][model]["numbers"]), dict(table["chips"][platform])
    peak = {k: chip.pop(k) for k in ("fp8", "fp4") if k in chip}
    if instance.precision not in peak:
        raise ValueError(f"serving: {platform} has no {instance.precision}; it has {', '.join(peak)}")
    if instance.gpus > chip["domain"]:
        wide = f"an instance of {instance.gpus} accelerators is larger than a domain of {chip['domain']}"
        raise ValueError(f"serving: {platform}: {wide}")
    fit = table["fits"]["shared"] | table["fits"][platform]
    fit["residual"] = tuple((float(a), float(b)) for a, b in fit.get("residual", ()))
    return Server(
        Model(model, **numbers), Chip(platform, peak=peak, **chip), Fit(**fit), instance, isl, osl, host_cache
    )


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
) -> Served:
    """The most that a platform serves at the `wanted` interactivity, whatever the size of its decode instances.

    Sizes are powers of two within a domain, at most `largest`; the lowest precision that the platform has unless one is
    given; `drafts` are the tokens drafted a step. Raises ValueError as `server` does.
    """
    table, kind = physics()["chips"].get(platform, {}), lowest(platform, precision)
    most = min(largest or 64, table.get("domain", 1))
    sizes = [2**k for k in range(6, -1, -1) if 2**k <= most]  # of equal ones, and for the reason, the largest counts
    found = []
    for gpus in sizes:
        layout = Instance(gpus, "best", kind, 1 + drafts)  # type: ignore[arg-type]
        found.append(at_interactivity(server(model, platform, isl, osl, layout), wanted, clock))
    pick = np.argmax([f.total for f in found], axis=0)
    return Served(*(np.choose(pick, [getattr(f, name) for f in found]) for name in Served._fields))


def lowest(platform: str, precision: str | None = None) -> Any:
    """The `precision` given, or the lowest that a platform has."""
    return precision or ("fp4" if "fp4" in physics()["chips"].get(platform, {}) else "fp8")


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


@lru_cache(maxsize=256)
def _at_nodes(terms: tuple[Any, ...], options: tuple[tuple[str, Any], ...]) -> tuple[Any, Any, str]:
    found = best(*terms, clock=NODES, **dict(options))
    return found.total, found.first, str(found.reason[int(np.argmin(np.abs(NODES - 1.0)))])


def chip_power(platform: str, requests: Any, rated: float | None = None) -> Any:
    """Mean power of an accelerator [W] with so many `requests` in flight on each, after measured curves.

    Of another `rated` power [W] than the measured one it draws the same share; a platform that was not measured takes
    the shares of b200. Raises ValueError for one of which no rated power is given.
    """
    table = physics()["power"]
    law = table.get(platform) if platform not in ("source", "notes") else None
    if law is None and rated is None:
        known = ", ".join(n for n in table if n not in ("source", "notes"))
        raise ValueError(f"serving: no measured power of {platform!r}; there are {known}; give its rated power")
    law = law or table["b200"]
    scale = 1.0 if rated is None else rated / law["rated"]
    x = (np.maximum(np.asarray(requests, float), 0.0) / law["half"]) ** law["exponent"]
    return scale * (law["alone"] + (law["full"] - law["alone"]) * x / (1.0 + x))


def busiest(
    model: str,
    platform: str,
    isl: int,
    osl: int,
    wanted: float,
    accelerators: float,
    most_first: float,
    share: float = 0.99,
    **options: Any,
) -> float:
    """How far prefill may be loaded for a `share` of first tokens to come within `most_first` [s], 0 to 1.

    Prefill is a queue of as many instances as the accelerators that serve at the `wanted` interactivity have
    (see `stations.open_network`), after the least delay of the engine. Raises ValueError as `best` does.
    """
    found = best(model, platform, isl, osl, wanted, **options)
    if not found.total > 0:
        return 0.0
    s = server(model, platform, isl, osl, Instance(1, precision=lowest(platform, options.get("precision"))))
    rate, alone = float(prefill_rate(s)), float(found.first) - s.fit.first
    reading = float(found.output * (isl + osl) / osl / found.total) - 1.0  # accelerators in prefill for one in decode
    count = max(int(accelerators * reading / (1.0 + reading) * rate * alone / isl), 1)
    queue = [delay("engine", s.fit.first, spread=0.0), servers("prefill", alone, count, spread=0.5)]

    def late(load: float) -> bool:
        return open_network(queue, load * count / alone).percentile(share) > most_first

    low, high = 0.0, 1.0
    if late(1e-6):
        return 0.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if late(middle) else (middle, high)
    return low
