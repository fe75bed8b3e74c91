"""A year on the screen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from twin.show.text import table
from twin.study.year import Year
from twin.units import HOUR

GWH, LITRES_PER_KWH, GRAMS_PER_KWH = 3.6e12, 3.6e6, 3.6e9


def summary(year: Year) -> dict[str, Any]:
    """A year as plain data, in units of the screen; None for what is not known."""
    peak, when = year.peak
    known = lambda x: None if x is None or not math.isfinite(x) else x  # noqa: E731
    return {
        "layout": year.facility.name,
        "weather": year.weather.name,
        "place": year.weather.location.city,
        "hours": len(year.hours["time"]) * year.step / HOUR,
        "failed_hours": year.failed,
        "energy_gwh": year.energy / GWH,
        "it_energy_gwh": year.it_energy / GWH,
        "peak_mw": peak / 1e6,
        "peak_at": str(np.datetime_as_string(when, "h"))[5:].replace("T", " ") + ":00",
        "pue": year.pue,
        "partial_pue": {use: year.partial_pue(use) for use, x in year.end_uses.items() if x > 0 and use != "it"},
        "itue": year.itue,
        "tue": year.tue,
        "wue_l_per_kwh": year.wue * LITRES_PER_KWH,
        "wue_source_l_per_kwh": known(year.wue_source * LITRES_PER_KWH),
        "cue_g_per_kwh": year.cue * GRAMS_PER_KWH,
        "erf": year.erf,
        "ref": year.ref,
        "mechanical_load_component": year.mechanical_load,
        "electrical_loss_component": year.electrical_loss,
        "end_uses_gwh": {use: x / GWH for use, x in year.end_uses.items() if x > 0},
        "economiser_hours": year.economiser_hours,
        "water_m3": year.sum("water") / 1000.0,
        "carbon_t": year.sum("carbon") / 1000.0,
        "tokens": year.tokens,
        "cost_musd": {term: float(x) / 1e6 for term, x in year.annual._asdict().items()},
        "total_cost_musd": float(year.annual.total) / 1e6,
        "usd_per_million_tokens": known(year.usd_per_million_tokens),
        "hours_beyond_a_limit": float(np.nansum(year.hours["limit_exceeded"].values) * year.step / HOUR),
        "densities": [
            {
                "holds_in_all_but": d.share,
                "kw_per_rack": d.density / 1e3,
                "limit": d.limit,
                "element": d.element,
                "hour": str(np.datetime_as_string(d.time, "h"))[5:].replace("T", " ") + ":00",
            }
            for d in year.densities
        ],
        "design": [
            {
                "condition": d.condition,
                "dry_bulb_c": d.dry_bulb - 273.15,
                "kw_per_rack": d.density / 1e3,
                "limit": d.limit,
                "element": d.element,
            }
            for d in year.design
        ],
        "notes": list(year.notes),
    }


def screen(year: Year) -> str:
    """A year for people."""
    s = summary(year)
    place = f"{s['place']} ({s['weather']})" if s["place"] else s["weather"]
    lines = [f"{s['layout']}: {s['hours']:,.0f} hours of weather in {place}", ""]
    water = f"{s['wue_l_per_kwh']:.3f} L/kWh at the site"
    if s["wue_source_l_per_kwh"] is not None:
        water += f", {s['wue_source_l_per_kwh']:.3f} with that of electricity"
    lines += [
        table(
            [
                ("energy", f"{s['energy_gwh']:,.2f} GWh", f"peak {s['peak_mw']:.3f} MW on {s['peak_at']}"),
                ("IT energy", f"{s['it_energy_gwh']:,.2f} GWh", "at the feeds of the racks"),
                ("PUE", f"{s['pue']:.4f}", "category 3, from sums over the year"),
                ("TUE", f"{s['tue']:.4f}", f"ITUE {s['itue']:.4f}"),
                ("WUE", water, f"{s['water_m3']:,.0f} m3"),
                ("CUE", f"{s['cue_g_per_kwh']:.1f} g/kWh", f"{s['carbon_t']:,.0f} t"),
                ("ERF, REF", f"{s['erf']:.3f}, {s['ref']:.3f}", "heat used elsewhere, renewable energy"),
                (
                    "MLC, ELC",
                    f"{s['mechanical_load_component']:.4f}, {s['electrical_loss_component']:.4f}",
                    "ASHRAE 90.4",
                ),
                ("tokens", f"{s['tokens']:.4g}", f"{_dollars(s['usd_per_million_tokens'])} per million tokens"),
                ("cost", f"{s['total_cost_musd']:,.2f} M$", f"energy {s['cost_musd']['energy']:,.2f} M$"),
            ]
        )
    ]
    lines += ["", table([("end use", "GWh", "partial PUE"), *_uses(s)], frozenset({1, 2}))]
    e = s["economiser_hours"]
    lines += [
        "",
        f"cooled by the weather alone {e['weather']:,.0f} h, with compressors {e['both']:,.0f} h, by these alone",
    ]
    lines[-1] += f" {e['compressors']:,.0f} h; {s['hours_beyond_a_limit']:,.0f} h pass a limit"
    if s["densities"]:
        rows = [(f"{d['holds_in_all_but']:.1%} of hours", *_bound(d), d["hour"]) for d in s["densities"]]
        rows = [("all hours", *rows[0][1:]), *((f"all but {title}", *rest) for title, *rest in rows[1:])]
        rows += [(f"design {d['condition']}", *_bound(d), f"{d['dry_bulb_c']:.1f} degC") for d in s["design"]]
        lines += [
            "",
            table([("density that holds in", "kW per rack", "limit", "element", "hour"), *rows], frozenset({1})),
        ]
    lines += ["", *s["notes"]] if s["notes"] else []
    return "\n".join(lines)


def _uses(s: dict[str, Any]) -> list[tuple[str, str, str]]:
    order = sorted(s["end_uses_gwh"].items(), key=lambda item: -item[1])
    partial = s["partial_pue"]
    return [(use.replace("_", " "), f"{x:,.3f}", f"{partial[use]:.4f}" if use in partial else "") for use, x in order]


def _bound(d: dict[str, Any]) -> tuple[str, str, str]:
    return f"{d['kw_per_rack']:.1f}", d["limit"] or "none", d["element"]


def _dollars(value: float | None) -> str:
    return "no cost" if value is None else f"{value:.4f} $"
