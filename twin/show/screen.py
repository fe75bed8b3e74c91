"""What the command line shows: results as aligned text, and bounds under the keys of `--json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite, isnan
from typing import Any

import numpy as np

from twin import columns
from twin.api import Result
from twin.columns import Figure, figures
from twin.results.envelopes import ROUNDING
from twin.results.limits import Binding
from twin.results.room_indices import room_indices
from twin.show.text import number, table
from twin.study.bound import Bound
from twin.study.optimum import Optimum
from twin.study.worth import Worth
from twin.units import DAY, System, format, us


def limits(rows: Iterable[Binding], system: System = "si") -> str:
    """Limits with value, bound and margin."""
    head = ("limit", "element", "value", "bound", "margin")
    return table([head, *(b.in_units(system) for b in rows)], frozenset({2, 3, 4}))


POWERS = (
    (figures.facility_power, figures.pue),
    (figures.it_power, figures.system_power),
    (figures.heat_to_liquid, figures.heat_to_air),
    (figures.cooling_power, figures.electrical_loss),
)
"""Figures at the top of the screen, two a line."""

HEAT = (figures.heat_to_liquid, figures.heat_to_air)
"""Figures that US units tell in tons of refrigeration."""


def powers(result: Result, scenario: int = 0, system: System = "si") -> str:
    """Megawatts and PUE."""

    def text(f: Figure) -> str:
        value = getattr(result.figures, f.name)[scenario]
        return us(value, "cooling", 0) if system == "us" and f in HEAT else f.text(value)

    rows = [(a.label, text(a), f"  {b.label}", text(b)) for a, b in POWERS]
    return table(rows, frozenset({1, 3}))


def density(result: Result, highest: Bound | None) -> list[tuple[str, str]]:
    """What binds, and how dense the racks may be."""
    if highest is None:
        return []
    if highest.reason and not highest.scale:
        return [("sustainable density", f"none: {highest.reason}")]
    density = f"{highest.density / 1e3:,.1f} kW per rack, {highest.scale:.4f} times this one, scaling {highest.basis}"
    limit = highest.reason if highest.limit is None else f"{highest.limit.name} at {highest.limit.element}"
    rows = [("binding limit", limit), ("sustainable density", density)]
    if highest.computed is not None and highest.computed.limit is not None:
        c, worst = highest.computed, highest.computed.limit
        text = f"inlets within {c.difference:.2f} K, tightest {worst.name} at {worst.element} {c.margin:+.2%}"
        rows.append(("with full air flow", text))
    return rows


SMALL_HEAT = 1.0
"""Heat without a place of which the screen says nothing, W."""


def air(result: Result, system: System = "si") -> list[tuple[str, str]]:
    """How the air of every computed room came out."""
    rows = []
    for room in result.rooms:
        mean, inlet = room.mean, room.mean.inlet[:, 0]
        text = f"{room.room}: {room.geometry.solid.size:,} cells, {mean.flushes:.0f} flushes"
        if len(inlet):
            ends = [format(float(x), "temperature", 1, system) for x in (inlet.min(), inlet.max())]
            error = format(float(mean.error[:, 0].max()), "temperature_difference", 2, system)
            text += f", inlets {ends[0].partition(' ')[0]} to {ends[1]} within {error}"
        rows.append(("computed air", f"{text}, heat balance {abs(mean.imbalance[0]):.2%}"))
        heat = float(np.ravel(room.loads.spread)[0])
        if abs(heat) > SMALL_HEAT:
            text = f"{room.room}: {format(heat, 'power', 1)}, spread below the ceiling"
            rows.append(("heat without a place", text))
    return rows


def rooms(result: Result) -> list[tuple[str, str]]:
    """Indices of the air of every room with racks; those that are alike are one."""
    solution, own = result.part()
    told = []
    for name, found in room_indices(solution).items():
        if not isfinite(found["shi"][own]):
            continue
        values = {index: number(float(v[own]), ".0%" if index != "shi" else ".3f") for index, v in found.items()}
        alike = float(solution.plant.alike([name])[0])
        who = f"{name} (+{alike - 1:,.0f})" if alike > 1 else name
        text = "RCI {rci_high} high, {rci_low} low, RTI {rti}, SHI {shi}".format(**values)
        told.append(("room air", f"{who}: {text}"))
    return told[:SHOWN]


IDLE = 1.0
"""Heat that a cooler takes which does not work, W: that of rounding."""

SHOWN = 6
"""Coolers of the plant of which the screen tells what runs."""


def running(result: Result) -> list[tuple[str, str]]:
    """Units of heat rejection that run, of those installed: the stage that the plant is in."""
    solution, own = result.part()
    plant, parts, begin = solution.plant, result.facility.components, 0
    told = list[str]()
    for unit in plant.cooler:
        names = unit.names or [""] * len(unit.stream)
        rows = slice(begin, begin + len(names))
        begin += len(names)
        works = solution[columns.cooler.duty][rows, own] > IDLE
        count = solution[columns.cooler.running][rows, own] * works
        for name, alike, n in zip(names, plant.alike(names), count, strict=True):
            part = parts.get(name)
            if part is None or part.room is not None:
                continue
            what = f"{name} (+{alike - 1:,.0f})" if alike > 1 else name
            many = f"{n:.3g} of {getattr(part, 'units', 1)}"
            which = f"{what} {unit.part.replace('_', ' ')}".rstrip()
            told.append(f"{which} {many if n > 0 else 'off'}")
    more = len(told) - SHOWN
    return [("running", ", ".join(told[:SHOWN]) + (f" and {more} more" if more > 0 else ""))] if told else []


def recommended(result: Result) -> list[tuple[str, str]]:
    """How many racks breathe air outside the recommended envelope, and the farthest of them."""
    judged = [e for e in result.envelopes() if not isnan(e.recommended)]
    outside = [e for e in judged if e.recommended < -ROUNDING]
    if not outside:
        return []
    worst = min(outside, key=lambda e: e.recommended)
    air = f"{format(worst.temperature, 'temperature', 1)}, dew point {format(worst.dew_point, 'temperature', 1)}"
    far = f"{worst.element} by {format(-worst.recommended, 'temperature_difference', 1)} at {air}"
    return [("recommended air", f"{len(outside):,} of {len(judged):,} racks are outside its envelope, {far}")]


def tokens(s: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Tokens, and what they cost and earn."""
    rates, margin, off = s["tokens_per_s_per_mw"], s["gross_margin_usd_per_mw_year"], s["tokens_error"]
    income, owned = s["income_usd_per_accelerator_hour"], s["usd_per_accelerator_hour"]
    hourly = f"{number(income, ',.2f')} $ per accelerator-hour, owning {number(owned, ',.2f')}"
    contract = f", {rates['contract']:,.0f} contract" if rates["contract"] else ""
    return [
        (
            "tokens",
            f"{number(s['tokens_per_s'], ',.0f')} tokens/s from {number(s['accelerators'], ',.0f')} accelerators",
        ),
        (
            "tokens/s per MW",
            f"{number(rates['provisioned'], ',.0f')} provisioned, {number(rates['drawn'], ',.0f')} drawn{contract}",
        ),
        (
            "cost",
            f"{number(s['usd_per_million_tokens'], ',.4f')} $ per million tokens, "
            f"{number(s['usd_per_mw_year'], ',.0f')} $ per MW-year",
        ),
        *([("known to", f"a factor of {1.0 + off:.2f} in tokens and $ per token")] if off is not None else []),
        *([("margin if all sold", f"{margin:,.0f} $ per MW-year")] if margin is not None else []),
        *([("income if all sold", hourly)] if income is not None else []),
        ("serving", s["serving"]),
    ]


def rent(s: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What accelerators cost to rent, by the layout or as published, and to own."""
    hired, owned, share = (
        s[n] for n in ("rent_usd_per_accelerator_hour", "usd_per_accelerator_hour", "rent_break_even")
    )
    if hired is None or share is None:
        return []
    cheaper = f"owning is cheaper from {share:.0%} of use" if share <= 1.0 else "renting is cheaper at any use"
    return [("rent", f"{hired:,.2f} $ per accelerator-hour ({s['rent_origin']}), owning {owned:,.2f}: {cheaper}")]


def idle(s: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What hours take in which nothing is served, where there are such hours."""
    power, energy = s["idle_power_mw"], s["idle_energy_mwh_per_year"]
    if power is None or energy is None:
        return []
    return [("idle hours", f"{energy:,.0f} MWh a year, at {power:,.3f} MW")]


def agents(s: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How agents are served: throughput, latencies, the layer that binds and how far all are used."""
    load = s["agents"]
    if load is None:
        return []
    if load["reason"]:
        return [("agents", f"not served: {load['reason']}")]
    ends = load["end_to_end_s"]
    text = f"{number(load['requests_per_s'], ',.4g')} requests/s"
    text += f", first token {number(load['first_token_s'], '.2f', 's')}"
    text += f", whole request {number(ends['mean'], ',.1f', 's')}, 99 of 100 within {number(ends['p99'], ',.1f', 's')}"
    used = ", ".join(f"{name} {share:.0%}" for name, share in s["utilisation"].items() if share is not None)
    rows = [("agents", text), ("layers", f"{used}; {load['binds']} holds the rest back")]
    return [*rows, ("power with them", number(load["facility_power_mw"], ",.3f", "MW"))]


def demand(s: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A day of demand: what is sold, at which power and cost."""
    d = s["demand"]
    if d is None:
        return []
    sold = f"{number(d['sold_share'], '.1%')} of the capacity sold, {number(d['turned_away_share'], '.1%')} turned away"
    power = f"{number(d['facility_power_mw'], ',.3f')} MW on average, {number(d['idle_power_mw'], ',.3f')} MW idle"
    rows = [("demand", f"{sold}, {power}")]
    money = f"{number(d['usd_per_million_tokens'], ',.4f')} $ per million"
    margin = d["gross_margin_usd_per_mw_year"]
    rows.append(("tokens sold", money if margin is None else f"{money}, margin {margin:,.0f} $ per MW-year"))
    return rows + ([("goodput", f"{d['goodput_share']:.2%} of the capacity: {d['reason']}")] if d["reason"] else [])


def optimum(best: Optimum) -> str:
    """The operating point of least cost beside the densest one."""
    rows = [("variable", "at least cost")]
    rows += [(name, format(value, best.dimensions[name])) for name, value in best.values.items()]
    where = "nothing" if best.tightest is None else f"{best.tightest.name} at {best.tightest.element}"
    densest = best.densest
    costs = [
        ("", "least cost", "densest"),
        ("$ per million tokens", f"{best.usd_per_million_tokens:,.4f}", f"{best.densest_cost:,.4f}"),
        ("kW per rack", f"{best.density / 1e3:,.1f}", f"{densest.density / 1e3:,.1f}"),
        ("tightest limit", where, f"{densest.limit.name} at {densest.limit.element}" if densest.limit else "none"),
    ]
    tail = f"{best.tried} points, {best.tokens_per_s:,.0f} tokens/s at {best.facility_power / 1e6:,.3f} MW"
    return "\n\n".join([table(rows, frozenset({1})), table(costs, frozenset({1, 2})), tail])


def optimum_json(best: Optimum) -> dict[str, Any]:
    """An optimum under the keys of `twin optimum --json`; values in SI units."""
    finite = lambda x: x if abs(x) < 1e300 else None  # noqa: E731
    return {
        "values": best.values,
        "usd_per_million_tokens": finite(best.usd_per_million_tokens),
        "tokens_per_s": best.tokens_per_s,
        "facility_power_mw": best.facility_power / 1e6,
        "density_kw_per_rack": best.density / 1e3,
        "tightest": best.tightest.name if best.tightest else None,
        "gain": finite(best.gain),
        "densest": bound_json(best.densest) | {"usd_per_million_tokens": finite(best.densest_cost)},
        "tried": best.tried,
        "reason": best.reason,
    }


def worth(value: Worth) -> str:
    """What a facility earns and what more of something would add."""
    rows = [
        ("margin at the densest point, all sold", f"{value.margin:,.0f} $ per year"),
        ("", f"{value.margin_per_mw:,.0f} $ per MW-year"),
        ("tokens", f"{value.million_tokens_per_mw_year:,.0f} million per MW-year at {value.price:,.4g} $ per million"),
        ("one more megawatt", f"{value.megawatt:,.0f} $ per year"),
        ("one kelvin warmer", f"{value.kelvin:,.0f} $ per year"),
        ("one percent of availability", f"{value.availability:,.0f} $ per year"),
    ]
    return table(rows + [("warning", f"half a kelvin warmer passes {name}") for name in value.passed])


def screen(result: Result, highest: Bound | None, s: Mapping[str, Any], system: System = "si") -> str:
    """One screen of a result and its `summary`: powers, the tightest limits, what binds, tokens and money.

    system: of units, "si" or "us".
    """
    solution, own = result.part()
    state = s["status"].replace("_", " ") + (f": {s['reason']}" if s["reason"] else "")
    head = f"{result.facility.name}: {result.facility.description}".removesuffix(": ")
    run = f"{state}, {int(solution.iterations[own])} passes in {solution.seconds:.2f} s, layout {result.facility.hash}"
    tail = [
        *density(result, highest),
        *running(result),
        *air(result, system),
        *rooms(result),
        *recommended(result),
        *tokens(s),
        *rent(s),
        *idle(s),
    ]
    tail += [*agents(s), *demand(s)]
    tail += [("energy audit", number(s["energy_audit"], ".1e"))]
    water = s["water_m3_per_day"]
    if water:
        flow = us(water / DAY, "water", 0) if system == "us" else f"{water:,.1f} m3 per day"
        tail += [("water", f"{flow}, WUE {number(s['wue_l_per_kwh'], '.2f')} L/kWh{_origins(s)}")]
    tail += [("warning", text) for text in s["warnings"]]
    if not result.ok:
        return f"{head}\n{run}"
    parts = [f"{head}\n{run}", powers(result, system=system), limits(result.worst()[:8], system), table(tail)]
    return "\n\n".join(parts)


def _origins(s: Mapping[str, Any]) -> str:
    """Of which origin the water is, where it is not all potable."""
    flows = {name: w["m3_per_day"] for name, w in s["water_supply"].items()}
    whole = sum(flows.values())
    return "" if set(flows) == {"potable"} else ": " + ", ".join(f"{v / whole:.0%} {n}" for n, v in flows.items())


def bound_json(highest: Bound) -> dict[str, Any]:
    """A bound under the keys of `twin bound --json`."""
    finite = lambda v: v if not isinstance(v, float) or abs(v) < 1e300 else None  # noqa: E731
    row = lambda b: {k: finite(v) for k, v in b._asdict().items()}  # noqa: E731
    return {
        "racks": highest.racks,
        "scale": highest.scale,
        "basis": highest.basis,
        "density_kw_per_rack": highest.density / 1e3,
        "binding_limit": row(highest.limit) if highest.limit else None,
        "reason": highest.reason,
        "limits": [row(b) for b in highest.table],
    }


def bounds(result: Result, bounds: list[Bound], system: System = "si") -> str:
    """Bounds of all racks and of groups, and the limits there; system: of units, "si" or "us"."""
    rows = [("racks", "scale", "kW per rack", "binding limit")]
    for b in bounds:
        where = f"{b.limit.name} at {b.limit.where}" if b.limit and b.scale else b.reason
        rows.append((b.racks, f"{b.scale:.4f}", f"{b.density / 1e3:,.1f}" if b.scale else "-", where))
    head = f"{result.facility.name}: highest sustainable density, scaling {bounds[0].basis}"
    which = "limits at the bound of all racks" if bounds[0].scale else "limits as laid out"
    return "\n\n".join([head, table(rows, frozenset({1, 2})), f"{which}\n{limits(bounds[0].table, system)}"])
