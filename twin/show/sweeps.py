"""Sweeps on the screen: how far they are, and what they have found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin.elements import Status
from twin.show.shown import shown
from twin.show.text import table
from twin.study.swept import SweepResult

SHOWN = (
    "facility_power",
    "pue",
    "tokens_per_s",
    "usd_per_million_tokens",
    "water",
    "sustainable_density",
    "relative_margin",
)
"""Figures of which the screen shows the range, as far as they were kept."""

MOST_LIMITS = 6
"""Limits that are listed."""


def status(found: SweepResult, damaged: Mapping[int, str]) -> dict[str, Any]:
    """How far a sweep is, as plain data."""
    return {
        "store": str(found.path),
        "layout": found.title,
        "size": found.size,
        "done": found.done,
        "scenarios": found.counts(),
        "chunk": found.store.chunk,
        "damaged": [found.store.damage(number, why) for number, why in damaged.items()],
        "failures": _failures(found),
    }


def status_text(told: Mapping[str, Any]) -> str:
    """The same for people."""
    lines = [f"{told['store']}: {told['done']:,} of {told['size']:,} scenarios of {told['layout']} are done"]
    lines += ["", table([(name.replace("_", " "), f"{n:,}") for name, n in told["scenarios"].items()])]
    lines += told["damaged"] + _failed_text(told["failures"])
    if told["done"] < told["size"] or told["damaged"]:
        lines += ["", f"twin sweep rerun {told['store']} solves what is missing"]
    return "\n".join(lines)


def summary(found: SweepResult) -> dict[str, Any]:
    """What a sweep has found, as plain data in units of the screen."""
    store, ok = found.store, found.status == Status.OK
    kept = {v.name for v in store.template.variables if not v.dims}
    ranges = {}
    for name in SHOWN:
        if name in kept and ok.any():
            values = found[name].values[ok].astype(float)
            values = values[np.isfinite(values)]
            if len(values):
                told = shown(name, np.quantile(values, [0.0, 0.5, 1.0]), found[name].attrs)
                ranges[told.title] = dict(zip(("least", "median", "most"), told.values.tolist(), strict=True))
    limits = list[dict[str, Any]]()
    for name, element in (("tightest_limit", "element"), ("binding_limit", "binding_element")):
        if name in kept and element in kept and ok.any():
            pairs = Counter(zip(found[name].values[ok], found[element].values[ok], strict=True))
            limits += [
                {"kind": name.replace("_", " "), "limit": limit or "none", "element": where, "scenarios": n}
                for (limit, where), n in pairs.most_common(MOST_LIMITS)
            ]
    exceeded = int(found["limit_exceeded"].values[ok].sum()) if "limit_exceeded" in kept else None
    return {
        "store": str(found.path),
        "layout": found.title,
        "size": found.size,
        "scenarios": found.counts(),
        "axes": [{"name": d.name, "addresses": list(d.addresses), "size": d.size} for d in store.dimensions],
        "ranges": ranges,
        "limits": limits,
        "limit_exceeded": exceeded,
        "failures": _failures(found),
        "notes": list(store.attributes["notes"]),
    }


def summary_text(told: Mapping[str, Any]) -> str:
    """The same for people."""
    counted = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in told["scenarios"].items())
    lines = [f"{told['store']}: {told['size']:,} scenarios of {told['layout']}, {counted}", ""]
    rows = [("axis", a["name"], f"{a['size']:,} values") for a in told["axes"]]
    lines += [table(rows), ""] if rows else []
    if told["ranges"]:
        rows = [("", "least", "median", "most")]
        rows += [(title, *(_short(x) for x in r.values())) for title, r in told["ranges"].items()]
        lines += [table(rows, frozenset({1, 2, 3})), ""]
    if told["limits"]:
        rows = [(x["kind"], x["limit"], x["element"], f"{x['scenarios']:,}") for x in told["limits"]]
        lines += [table([("", "limit", "element", "scenarios"), *rows], frozenset({3}))]
    if told["limit_exceeded"] is not None:
        lines += ["", f"{told['limit_exceeded']:,} scenarios pass a limit"]
    return "\n".join([*lines, *_failed_text(told["failures"])]).rstrip()


def _failures(found: SweepResult) -> list[dict[str, Any]]:
    names = ("status", "scenarios", "first", "reason")
    return [dict(zip(names, row, strict=True)) for row in found.failures()]


def _failed_text(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"failed: {f['scenarios']:,} {f['status'].replace('_', ' ')}, the first scenario {f['first']:,}: {f['reason']}"
        for f in failures
    ]


def _short(value: float) -> str:
    """Four digits of a number, without powers of ten as far as that is read easily."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
