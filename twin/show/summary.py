"""Headline figures of a result under stable keys, for screens and machines."""

from __future__ import annotations

import numpy as np

from twin.api import Result
from twin.columns import FIGURES, Real
from twin.elements import Status
from twin.money.cost import YEAR, break_even, usd_per_accelerator_hour
from twin.money.yearly import rent, rent_origin, supply, water_supply, yearly
from twin.results.dataset import reason
from twin.results.figures import Figures, figures
from twin.results.limits import exceeded, fullest, here, margins
from twin.serving.tokens import chips_at_work, describe, terms_of
from twin.study.agents import AgentLoad, agent_load
from twin.study.bound import Bound
from twin.study.day import Day


def number(x: Real) -> float | None:
    """A number as JSON has it, None for what is not finite."""
    return float(x) if np.isfinite(x) else None


def per(part: float, whole: float) -> float | None:
    """Part over whole as JSON has it, None where the whole is nothing."""
    return number(part / whole) if whole else None


HEADLINES = (
    "facility_power",
    "system_power",
    "it_power",
    "pue",
    "heat_to_liquid",
    "heat_to_air",
    "conversion_loss",
    "electrical_loss",
    "cooling_power",
    "other_power",
)
"""Figures that come first."""


def headlines(f: Figures, scenario: int = 0) -> dict[str, float | None]:
    """All figures of the ledger under their JSON keys, those of the plant first."""
    names = (*HEADLINES, *(n for n in FIGURES if n not in HEADLINES))
    at = lambda entry: float(np.broadcast_to(getattr(f, entry.name), f.pue.shape)[scenario])  # noqa: E731
    return {FIGURES[n].key: number(at(FIGURES[n]) * FIGURES[n].factor) for n in names}


def summary(result: Result, density: Bound | None, scenario: int = 0) -> dict[str, object]:
    """Headline figures under the stable keys of `twin solve --json`, and the bound of the racks' density if known."""
    f, i = result.figures, scenario
    solution, own = result.part(scenario)
    load, why_not = agents(result, i)
    used = utilisation(result, i) if load is None else load.utilisation
    sold = result.day(i)
    status, m = Status(int(solution.status[own])), margins(solution)
    over = bool(exceeded(m)[own])
    limit = density.limit if density else None
    tight = here(m, limit, own) or limit if limit else None
    terms = terms_of(solution.plant, own)
    hourly, hired = usd_per_accelerator_hour(f.annual.total, f.accelerators)[i], rent(solution)[own]
    return {
        "status": status.name.lower() if status != Status.OK else "limit_exceeded" if over else "ok",
        "reason": reason(solution, own),
        **headlines(f, i),
        "binding_limit": {
            "name": tight.name,
            "element": tight.element,
            "alike": tight.alike,
            "margin": number(tight.margin),
            "relative_margin": number(tight.relative),
            "dimension": tight.dimension,
        }
        if tight
        else None,
        "density_kw_per_rack": number(density.density / 1e3) if density else None,
        "density_scale": number(density.scale) if density else None,
        "density_basis": density.basis if density else None,
        "utilisation": {k: number(v) for k, v in used.items()},
        "tokens_per_joule": per(f.tokens_per_s[i], f.mean_power[i]),
        "tpot_ms": 1e3 / terms.interactivity if f.tokens_per_s[i] > 0 else None,
        "agents": _agents(load, terms.agents.turns) if load and terms.agents else _none(why_not),
        "tokens_per_s_per_mw": {k: number(f.tokens_per_s_per_mw(k)[i]) for k in ("provisioned", "drawn", "contract")},
        "million_tokens_per_mw_year": number(f.tokens_per_s_per_mw("drawn")[i] * YEAR / 1e6),
        "usd_per_accelerator_hour": number(hourly),
        "rent_usd_per_accelerator_hour": number(hired),
        "rent_origin": rent_origin(solution.plant) if np.isfinite(hired) else None,
        "rent_break_even": number(break_even(hourly, hired)),
        "demand": None if sold is None else _day(sold),
        "usd_per_year": {k: number(v[own]) for k, v in yearly(solution, figures(solution).annual).items()},
        "supply": {n: {k: number(v) for k, v in s.items()} for n, s in supply(solution, own).items()},
        "water_supply": {n: {k: number(v) for k, v in w.items()} for n, w in water_supply(solution, own).items()},
        "water_l_per_million_tokens": number(f.per_million_tokens(f.water)[i]),
        "carbon_kg_per_mwh": per(f.carbon[i] * 3.6e9, f.mean_power[i]),
        "carbon_g_per_million_tokens": number(1e3 * f.per_million_tokens(f.carbon)[i]),
        "serving": describe(terms, solution.plant),
        "warnings": list(result.warnings[i]),
    }


def agents(result: Result, scenario: int = 0) -> tuple[AgentLoad | None, str]:
    """How the layout's agents are served, and why they are not; None and no reason where it has none."""
    if result.facility.serving.agents is None or result.status[scenario] != Status.OK:
        return None, ""
    try:
        return agent_load(*result.part(scenario)), ""
    except ValueError as error:
        return None, str(error).removeprefix("serving: ")


def _agents(served: AgentLoad, turns: int) -> dict[str, object]:
    """Throughput, the layer that binds, and latencies, under the keys of `--json`; times of a whole request, s."""
    load = served.load
    return {
        "platform": served.platform,
        "requests_per_s": number(load.throughput),
        "binds": served.binds,
        "reason": load.reason,
        "facility_power_mw": number(served.power / 1e6),
        "first_token_s": number(load.mean("first") / turns),
        "decode_s": number(load.mean("decode")),
        "tools_s": number(load.mean("tools")),
        "end_to_end_s": {"mean": number(load.mean())}
        | {f"p{p}": number(load.percentile(p / 100)) for p in (50, 90, 99)},
    }


def _none(reason: str) -> dict[str, object] | None:
    """Agents that are not served, under the same keys; None where there are none."""
    if not reason:
        return None
    names = ("facility_power_mw", "first_token_s", "decode_s", "tools_s", "end_to_end_s")
    return {"platform": "", "requests_per_s": 0.0, "binds": "", "reason": reason, **dict.fromkeys(names)}


def _day(day: Day) -> dict[str, object]:
    """A day of demand under the keys of `--json`."""
    return {
        "goodput_share": number(day.within),
        "sold_share": number(float(day.sold.mean())),
        "turned_away_share": number(float((day.demand - day.sold).mean())),
        "tokens_per_s": number(day.tokens_per_s),
        "facility_power_mw": number(day.facility_power / 1e6),
        "peak_power_mw": number(day.peak_power / 1e6),
        "idle_power_mw": number(day.idle_power / 1e6),
        "usd_per_million_tokens": number(day.usd_per_million_tokens),
        "gross_margin_usd_per_mw_year": number(day.gross_margin_usd_per_mw_year),
        "carbon_t_per_year": number(day.carbon * YEAR / 1e3),
        "reason": day.reason,
    }


def utilisation(result: Result, scenario: int = 0) -> dict[str, float]:
    """How far layers are used: mean work of accelerators, and the fullest part of energy and cooling; NaN unsolved."""
    solution, i = result.part(scenario)
    chips, _, work = (x[:, i] for x in chips_at_work(solution))
    used = {"compute": float((chips * work).sum() / max(chips.sum(), 1e-9))} | fullest(margins(solution), i)
    solved = solution.status[i] == Status.OK
    return used if solved else dict.fromkeys(used, np.nan)
