"""Serving by physics: models on platforms as the shipped tables have them, and the best that a platform can do."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.domains.roofline import Chip, Fit, Instance, Model, Served, Server, at_interactivity
from twin.layout import hint
from twin.tables import physics

NODES = 129


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
    interactivity: Any,
    clock: Any = 1.0,
    precision: str | None = None,
    drafts: int = 3,
    largest: int | None = None,
) -> Served:
    """The most that a platform serves at an interactivity, whatever the size of its decode instances.

    Sizes are powers of two within a domain, at most `largest`; the lowest precision that the platform has unless one is
    given; `drafts` are the tokens drafted a step. Raises ValueError as `server` does.
    """
    table = physics()["chips"].get(platform, {})
    kind = precision or ("fp4" if "fp4" in table else "fp8")
    most = min(largest or 64, table.get("domain", 1))
    sizes = [2**k for k in range(6, -1, -1) if 2**k <= most]  # of equal ones, and for the reason, the largest counts
    found = []
    for gpus in sizes:
        layout = Instance(gpus, "best", kind, 1 + drafts)  # type: ignore[arg-type]
        found.append(at_interactivity(server(model, platform, isl, osl, layout), interactivity, clock))
    pick = np.argmax([f.total for f in found], axis=0)
    return Served(*(np.choose(pick, [getattr(f, name) for f in found]) for name in Served._fields))


def at_clocks(clock: Any, *terms: Any, **options: Any) -> tuple[Any, Any, str]:
    """`best` at one interactivity and many clocks: tokens/s per accelerator, time to a first token, and why if none.

    Clocks between `NODES` even ones are interpolated, rates in their logarithm.
    """
    clock = np.asarray(clock, float)
    low, high = clock.min(initial=1.0), clock.max(initial=1.0)
    nodes = np.unique(np.r_[np.linspace(max(low, 1e-3), high, NODES), 1.0]) if high > low else np.array([high])
    found = best(*terms, clock=nodes, **options)
    some = found.total > 0
    rate = np.interp(clock, nodes, np.log(np.where(some, found.total, 1.0)))
    served = np.interp(clock, nodes, some.astype(float)) >= 1.0 - 1e-12
    return np.where(served, np.exp(rate), 0.0), np.interp(clock, nodes, found.first), str(found.reason[-1])
