"""Headline figures of a result under stable keys, for screens and machines."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.api import Result
from twin.elements import Status
from twin.money.cost import YEAR, break_even, usd_per_accelerator_hour
from twin.money.yearly import rent, supply, yearly
from twin.results.dataset import reason
from twin.results.limits import Binding, Margins, exceeded
from twin.serving.tokens import stated, terms_of, unserved
from twin.solver.steady import Solution
from twin.study.agents import Borne, borne, fullest
from twin.study.bound import Bound
from twin.study.day import Day


def number(x: Any) -> float | None:
    """A number as JSON has it, None for what is not finite."""
    return float(x) if np.isfinite(x) else None


def summary(result: Result, found: Bound | None, scenario: int = 0) -> dict[str, Any]:
    """Headline figures under the stable keys of `twin solve --json`."""
    f, i = result.figures, scenario
    found_agents, unborne = agents(result, i)
    used = utilisation(result, i) if found_agents is None else found_agents.utilisation
    sold = result.day(i)
    status = Status(int(result.solution.status[i]))
    over = bool(exceeded(result.margins)[i])
    limit = found.limit if found else None
    terms = terms_of(result.plant, i)
    hourly, hired = usd_per_accelerator_hour(f.annual.total, f.accelerators)[i], rent(result.solution)[i]
    here = next((b for b in _rows(result.margins, limit, i)), None) if limit else None
    return {
        "status": status.name.lower() if status != Status.OK else "limit_exceeded" if over else "ok",
        "reason": reason(result.solution, i),
        "facility_power_mw": number(f.facility_power[i] / 1e6),
        "system_power_mw": number(f.system_power[i] / 1e6),
        "it_power_mw": number(f.it_power[i] / 1e6),
        "pue": number(f.pue[i]),
        "heat_to_liquid_mw": number(f.heat_to_liquid[i] / 1e6),
        "heat_to_air_mw": number(f.heat_to_air[i] / 1e6),
        "conversion_loss_mw": number(f.conversion_loss[i] / 1e6),
        "electrical_loss_mw": number(f.electrical_loss[i] / 1e6),
        "cooling_power_mw": number(f.cooling_power[i] / 1e6),
        "binding_limit": {
            "name": limit.name,
            "element": limit.element,
            "margin": number(here.margin if here else limit.margin),
            "relative_margin": number(here.relative if here else limit.relative),
            "dimension": limit.dimension,
        }
        if limit
        else None,
        "density_kw_per_rack": number(found.density / 1e3) if found else None,
        "density_scale": number(found.scale) if found else None,
        "density_basis": found.basis if found else None,
        "utilisation": {k: number(v) for k, v in used.items()},
        "accelerators": number(f.accelerators[i]),
        "tokens_per_s": number(f.tokens_per_s[i]),
        "tokens_per_joule": number(f.tokens_per_s[i] / f.facility_power[i]),
        "tpot_ms": 1e3 / terms.interactivity if f.tokens_per_s[i] > 0 else None,
        "ttft_s": number(f.first_token[i]),
        "agents": _agents(found_agents, terms.agents.turns) if found_agents and terms.agents else _none(unborne),
        "tokens_per_s_per_mw": {k: number(f.tokens_per_s_per_mw(k)[i]) for k in ("provisioned", "drawn", "contract")},
        "usd_per_million_tokens": number(f.usd_per_million_tokens[i]),
        "usd_per_mw_year": number(f.usd_per_mw_year[i]),
        "usd_per_million_output_tokens": number(f.usd_per_million_output_tokens[i]),
        "million_tokens_per_mw_year": number(f.tokens_per_s_per_mw("drawn")[i] * YEAR / 1e6),
        "gross_margin_usd_per_mw_year": number(f.margin_per_mw_year[i]),
        "usd_per_accelerator_hour": number(hourly),
        "rent_usd_per_accelerator_hour": number(hired),
        "rent_break_even": number(break_even(hourly, hired)),
        "demand": None if sold is None else _day(sold),
        "usd_per_year": {k: number(v[i]) for k, v in yearly(result.solution, f.annual).items()},
        "supply": {n: {k: number(v) for k, v in s.items()} for n, s in supply(result.solution, i).items()},
        "energy_audit": number(f.energy_audit[i]),
        "water_m3_per_day": number(f.water[i] * 86.4),
        "water_l_per_million_tokens": number(f.per_million_tokens(f.water)[i]),
        "carbon_t_per_year": number(f.carbon[i] * YEAR / 1e3),
        "carbon_kg_per_mwh": number(f.carbon[i] / f.facility_power[i] * 3.6e9),
        "carbon_g_per_million_tokens": number(1e3 * f.per_million_tokens(f.carbon)[i]),
        "serving": stated(terms, result.plant),
        "warnings": warnings(result.solution, i),
    }


def agents(result: Result, scenario: int = 0) -> tuple[Borne | None, str]:
    """How the layout's agents are borne, and why they are not; None and no reason where it has none."""
    if result.facility.serving.agents is None or result.solution.status[scenario] != Status.OK:
        return None, ""
    try:
        return borne(result.solution, scenario), ""
    except ValueError as error:
        return None, str(error).removeprefix("serving: ")


def _agents(found: Borne, turns: int) -> dict[str, Any]:
    """Throughput, the layer that binds, and latencies, under the keys of `--json`; times of a whole request, s."""
    load = found.load
    return {
        "platform": found.platform,
        "requests_per_s": number(load.throughput),
        "binds": found.binds,
        "reason": load.reason,
        "facility_power_mw": number(found.power / 1e6),
        "first_token_s": number(load.mean("first") / turns),
        "decode_s": number(load.mean("decode")),
        "tools_s": number(load.mean("tools")),
        "end_to_end_s": {"mean": number(load.mean())}
        | {f"p{p}": number(load.percentile(p / 100)) for p in (50, 90, 99)},
    }


def _none(reason: str) -> dict[str, Any] | None:
    """Agents that are not borne, under the same keys; None where there are none."""
    if not reason:
        return None
    names = ("facility_power_mw", "first_token_s", "decode_s", "tools_s", "end_to_end_s")
    return {"platform": "", "requests_per_s": 0.0, "binds": "", "reason": reason} | dict.fromkeys(names)


def _day(day: Day) -> dict[str, Any]:
    """A day of demand under the keys of `--json`."""
    return {
        "goodput_share": number(day.within),
        "sold_share": number(float(day.sold.mean())),
        "turned_away_share": number(float((day.asked - day.sold).mean())),
        "tokens_per_s": number(day.tokens_per_s),
        "facility_power_mw": number(day.facility_power / 1e6),
        "peak_power_mw": number(day.peak_power / 1e6),
        "idle_power_mw": number(day.idle_power / 1e6),
        "usd_per_million_tokens": number(day.usd_per_million_tokens),
        "gross_margin_usd_per_mw_year": number(day.margin_per_mw_year),
        "carbon_t_per_year": number(day.carbon * YEAR / 1e3),
        "reason": day.reason,
    }


def utilisation(result: Result, scenario: int = 0) -> dict[str, float]:
    """How far layers are used: mean work of accelerators, and the fullest part of energy and cooling; NaN unsolved."""
    columns = result.solution.columns
    chips, work = (columns[f"engine.{k}"][:, scenario] for k in ("chips", "utilisation"))
    found = {"compute": float((chips * work).sum() / max(chips.sum(), 1e-9))} | fullest(result.solution, scenario)
    solved = result.solution.status[scenario] == Status.OK
    return found if solved else dict.fromkeys(found, np.nan)


def _rows(m: Margins, limit: Binding, scenario: int) -> list[Binding]:
    from_rows = np.flatnonzero((m.name == limit.name) & (m.element == limit.element))
    rows = sorted(from_rows, key=lambda r: abs(m.bound[r, scenario] - limit.bound))
    return [
        Binding(
            limit.name,
            limit.element,
            float(m.margin[r, scenario]),
            float(m.value[r, scenario]),
            float(m.bound[r, scenario]),
            limit.dimension,
            float(m.relative[r, scenario]),
        )
        for r in rows[:1]
    ]


def warnings(solution: Solution, scenario: int = 0) -> list[str]:
    """Where a model was used outside its box of validity."""
    found = []
    for item in solution.plant.reports:
        if item.name.endswith("_warning"):
            rows = solution[item.value][:, scenario] > 0.5
            found += [f"{item.elements[i]}: {item.long_name}" for i in np.flatnonzero(rows)]
    return found + unserved(solution, scenario)
