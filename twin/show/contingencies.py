"""Losses of equipment, and what depends on it, on the screen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from twin.show.text import table
from twin.study.contingencies import Contingencies, Contingency, Secure
from twin.study.dependents import Dependents
from twin.study.redundancy import Stage
from twin.units import format

MOST = 20
"""Losses that the screen lists, the worst first."""


def summary(found: Contingencies) -> dict[str, Any]:
    """All losses as plain data, in units of the screen."""
    return {
        "layout": found.facility.name,
        "losses": len(found),
        "solved": found.solved,
        "verdicts": found.counts,
        "concurrently_maintainable": found.concurrently_maintainable,
        "fault_tolerant": found.fault_tolerant,
        "rows": [_row(r) for r in found.worst],
    }


def _row(r: Contingency) -> dict[str, Any]:
    known = lambda x: None if math.isnan(x) else x  # noqa: E731
    kelvin = lambda x: None if math.isnan(x) else x - 273.15  # noqa: E731
    return {
        "name": r.name,
        "mode": r.mode,
        "verdict": r.verdict,
        "closed": list(r.closed),
        "interrupted": r.interrupted,
        "bridged": r.bridged,
        "unserved_mw": None if math.isnan(r.unserved) else r.unserved / 1e6,
        "racks_dark": r.racks_dark,
        "racks_throttled": r.racks_throttled,
        "junction_c": kelvin(r.junction),
        "coolant_supply_c": kelvin(r.coolant_supply),
        "air_inlet_c": kelvin(r.air_inlet),
        "loading": known(r.loading),
        "loaded": r.loaded,
        "voltage": known(r.voltage),
        "sagging": r.sagging,
        "passed": [{**p._asdict(), "text": _limit(p._asdict())} for p in r.passed],
        "tokens_lost_per_s": known(r.tokens_lost),
        "usd_lost_per_hour": known(r.usd_lost),
        "reason": r.reason,
    }


def _limit(p: Mapping[str, Any]) -> str:
    value, bound = (format(p[k], p["dimension"], 1) for k in ("value", "bound"))
    return f"{p['limit']} at {p['element']}: {value}, bound {bound}"


def screen(found: Contingencies, every: bool = False) -> str:
    """The worst losses for people, or all."""
    counted = ", ".join(f"{n:,} {verdict}" for verdict, n in found.counts.items())
    lines = [f"{found.facility.name}: {len(found):,} losses, {counted} ({found.solved:,} solved)", ""]
    merged = _merged([_row(r) for r in found.worst])
    shown = merged if every else [r for r in merged if r["verdict"] != "survived"][:MOST]
    if shown:
        rows = [("loss", "as", "verdict", "MW", "dark", "slow", "loading", "voltage", "closed", "limit")]
        rows += [_told(r) for r in shown]
        lines += [table(rows, frozenset({3, 4, 5, 6, 7})), ""]
    hidden = len(merged) - len(shown)
    if hidden:
        lines += [f"{hidden:,} more; --all lists them", ""]
    yes = lambda x: "not asked" if x is None else "yes" if x else "no"  # noqa: E731
    lines.append(f"concurrently maintainable: {yes(found.concurrently_maintainable)}")
    lines.append(f"fault tolerant: {yes(found.fault_tolerant)} (both as solved here; no certificate)")
    return "\n".join(lines)


def _merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Losses of which fault and planned say the same as one."""
    found: dict[str, dict[str, Any]] = {}
    for r in rows:
        plain = {k: v for k, v in r.items() if k not in ("mode", "interrupted", "bridged")}
        key = repr(plain)
        found[key] = {**r, "mode": "both"} if key in found else r
    return list(found.values())


def _told(r: Mapping[str, Any]) -> tuple[str, ...]:
    share = lambda x: "-" if x is None else f"{x:.1%}"  # noqa: E731
    limit = r["passed"][0]["text"] if r["passed"] else r["reason"]
    return (
        r["name"],
        r["mode"],
        r["verdict"],
        "-" if r["unserved_mw"] is None else f"{r['unserved_mw']:.3f}",
        f"{r['racks_dark']:,}",
        f"{r['racks_throttled']:,}",
        share(r["loading"]),
        share(r["voltage"]),
        ", ".join(r["closed"]),
        limit,
    )


def dependents(found: Dependents) -> str:
    """What depends on equipment, for people."""
    lines = [str(found)]
    for title, names in (
        ("racks without power", found.unpowered),
        ("racks without cooling", found.uncooled),
        ("racks with fewer feeds", tuple(f"{n} ({a} of {b})" for n, (a, b) in found.reduced.items())),
        ("others that stand still", found.stopped),
    ):
        if names:
            more = f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
            lines.append(f"{title}: {', '.join(names[:MOST])}{more}")
    return "\n".join(lines)


def redundancy(name: str, found: Sequence[Stage]) -> str:
    """Stages of the paths to the racks for people, alike ones together."""
    alike = dict[tuple[object, ...], list[Stage]]()
    for s in found:
        alike.setdefault((s.path, s.kind, s.label, s.pieces, s.maintainable), []).append(s)
    rows = [("path", "equipment", "redundancy", "pieces", "stages", "maintainable", "")]
    for (path, kind, label, pieces, maintainable), stages in alike.items():
        names = ", ".join(stages[0].names[:4]) + (", ..." if len(stages[0].names) > 4 else "")
        more = f" (+{len(stages) - 1:,})" if len(stages) > 1 else ""
        yes = "yes" if maintainable else "no"
        rows.append((str(path), str(kind), str(label), f"{pieces:,}", f"{len(stages):,}", yes, names + more))
    note = "by failing the pieces of each stage, at the load and weather given; no certificate"
    return f"{name}: {len(found):,} stages on the ways to the racks\n\n{table(rows, frozenset({3, 4}))}\n\n{note}"


def secure(name: str, found: Secure) -> str:
    """The secure density, for people."""
    if not found.scale:
        after = f" after the loss of {found.contingency}" if found.contingency else ""
        return f"{name}: no density survives every single loss{after}: {found.limit} {found.element}".rstrip()
    cause = f"the loss of {found.contingency} ({found.mode})" if found.contingency else "the facility as it stands"
    limit = f"{found.limit} at {found.element}" if found.element else found.limit
    density = f"{found.density / 1e3:.1f} kW per rack, {found.scale:.4f} times this one"
    return f"{name}: every single loss is survived up to {density}; {cause} binds, by {limit}"
