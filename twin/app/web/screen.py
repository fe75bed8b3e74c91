"""Answers as the page shows them: cards, limits, what goes dark, an element, a curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from twin import columns
from twin.api import Result
from twin.app.web.whatif import Answer, Change, WhatIf, spans
from twin.columns import FIGURES, Array
from twin.elements import Status
from twin.results.figures import Figures, figures
from twin.results.limits import TOLERANCE, Binding, Margins, exceeded, here, margins, tightest
from twin.show.plots.along import along
from twin.show.plots.style import Plot
from twin.show.scene.paint import MARGIN, SHARES
from twin.show.shown import Shown, shown
from twin.solver.steady import Solution
from twin.study.bound import Bound, bound, scaled_rows

MANY, NAMED = 8, 6
"""Limits of the list, and names that a sentence tells."""

LOWEST = -50.0
"""Margin below which a curve goes no lower [%]."""

Json = dict[str, Any]

CURVES = {
    "facility_power": "facility power",
    "pue": "PUE",
    "tokens_per_s": "tokens/s",
    "usd_per_million_tokens": "$ per million tokens",
    MARGIN: "least relative margin to a limit",
}
"""What is drawn along a slider, and how it is called."""


def words(text: str) -> str:
    """A name of the ledger for people."""
    return text.replace("_", " ")


# ---- cards -------------------------------------------------------------------------------------------------------


def _cards(f: Figures, serves: bool) -> list[tuple[str, str, float, str]]:
    """Key, label, number in SI units and text of the figures that come first; of tokens if the facility `serves`."""
    power, pue, tokens = float(f.facility_power[0]), float(f.pue[0]), float(f.tokens_per_s[0])
    cost = float(f.usd_per_million_tokens[0])
    rows = [
        ("facility_power", "facility power", power, FIGURES["facility_power"].text(power)),
        ("pue", "PUE", pue, FIGURES["pue"].text(pue)),
        ("tokens_per_s", "tokens/s", tokens, f"{tokens / 1e6:,.3f} M"),
        ("usd_per_million_tokens", "per million tokens", cost, f"$ {cost:,.4f}" if np.isfinite(cost) else "-"),
    ]
    return rows if serves else rows[:2]


def cards(whatif: WhatIf, answer: Answer) -> list[Json]:
    """Cards with the headline figures and how far they are from the start, and the tightest limit."""
    first = whatif.at_start.figures
    serves = bool(first.tokens_per_s[0] > 0)
    start = {key: number for key, _, number, _ in _cards(first, serves)}
    if answer.result is None or not answer.ok:
        empty = [{"key": k, "label": label, "text": "-", "change": ""} for k, label, *_ in _cards(first, serves)]
        return [*empty, {"key": "limit", "label": "no solution", "text": answer.reason, "change": "", "passed": True}]
    told = [
        {"key": key, "label": label, "text": text, "change": difference(key, number, start.get(key, np.nan))}
        for key, label, number, text in _cards(answer.result.figures, serves)
    ]
    kilowatts = density(answer.result) / 1e3
    if np.isfinite(kilowatts):
        by = difference("density", kilowatts, density(whatif.at_start) / 1e3)
        told.append({"key": "density", "label": "per rack", "text": f"{kilowatts:,.1f} kW", "change": by})
    return [*told, _limit_card(answer.result)]


def _runs(result: Result) -> bool:
    """Whether any rack has power: where none has, what stands still is no measure of limits."""
    return bool(result.figures.it_power[0] > 0)


def _limit_card(result: Result) -> Json:
    """The tightest limit, and whether it is passed."""
    if not _runs(result):
        return {"key": "limit", "label": "limit passed", "text": "no rack has power", "change": "", "passed": True}
    tight = next(iter(result.worst()), None)
    if tight is None:
        return {"key": "limit", "label": "tightest limit", "text": "none", "change": "", "passed": False}
    passed = bool(tight.relative < -TOLERANCE)
    name, where, *_, left = tight.texts
    label, text = "limit passed" if passed else "tightest limit", f"{words(name)} at {where}"
    margin = f"margin {left}" if np.isfinite(tight.margin) else ""
    return {"key": "limit", "label": label, "text": text, "change": margin, "passed": passed}


def difference(key: str, number: float, start: float) -> str:
    """How far a number is from the start: that of PUE as it is, others in percent; "" where it is the same."""
    if not (np.isfinite(number) and np.isfinite(start)):
        return ""
    by = number - start
    text = f"{abs(by):.4f}" if key == "pue" else f"{100 * abs(by / start):.1f} %" if start else ""
    if not text.strip("0.% "):
        return ""
    return f"{'+' if by > 0 else '−'}{text} vs start"


def density(result: Result) -> float:
    """Mean power of the racks whose density is in question [W], NaN without any."""
    solution, i = result.part()
    rows, count = scaled_rows(solution.plant), solution.plant.counts[columns.engine]
    power = solution[columns.engine.power][rows, i] * count[rows]
    return float(power.sum() / count[rows].sum()) if rows.any() else np.nan


def sustainable(result: Result) -> tuple[Bound, Json]:
    """The highest sustainable density, and its card."""
    found = bound(result.part()[0].plant)
    if not found.scale:
        return found, {"key": "bound", "label": "sustainable per rack", "text": "none", "change": found.reason}
    at = f"{words(found.limit.name)} at {found.limit.where} binds" if found.limit else "nothing binds"
    text = f"{found.density / 1e3:,.1f} kW"
    return found, {"key": "bound", "label": "sustainable per rack", "text": text, "change": at}


# ---- limits ------------------------------------------------------------------------------------------------------


def limits(whatif: WhatIf, answer: Answer) -> list[Json]:
    """The tightest limits: how much of each is used, and how much was at the start."""
    if answer.result is None or not answer.ok or not _runs(answer.result):
        return []
    solution, i = whatif.at_start.part()
    start = margins(solution)
    rows = []
    for limit in answer.result.worst()[:MANY]:
        name, where, value, bounds, left = limit.texts
        before = here(start, limit._replace(element=_first(solution, limit.element)), i)
        told = {"name": words(name), "where": where, "value": value, "bound": bounds, "margin": left}
        told["sense"] = "at most" if (limit.bound - limit.value) * limit.margin >= 0 else "at least"
        rows.append(told | {"used": _used(limit), "start": _used(before), "passed": bool(limit.relative < -TOLERANCE)})
    return rows


def _first(solution: Solution, element: str) -> str:
    """An element by the name of the one that stands for all like it in a solution."""
    return solution.plant.classes.elements(element)[0]


def _used(limit: Binding | None) -> float:
    """How much of a limit is used [%], 100 at the limit; -1 for none."""
    return -1.0 if limit is None else float(np.clip(100.0 * (1.0 - limit.relative), 0.0, 110.0))


# ---- what goes dark ----------------------------------------------------------------------------------------------


def told(whatif: WhatIf, answer: Answer, lost: frozenset[str]) -> list[str]:
    """Sentences on what fails, what is dark then, and what to know beside the numbers; lost: what has no power."""
    found = list[str]()
    depends = whatif.dependents(answer.change)
    if depends is not None:
        told = str(depends).removeprefix(f"without {', '.join(depends.without)}")
        found.append(f"Without {listed(depends.without)}{told}.")
    if answer.result is not None and answer.ok:
        parts = whatif.facility.components
        dark = sorted(lost - whatif.lost_at_start - set(answer.change.out), key=whatif.order.__getitem__)
        racks = [n for n in dark if parts[n].shapes_air == "rack"]
        others = [n for n in dark if parts[n].shapes_air != "rack"]
        found += [f"{counted(racks, 'rack')} without power or stopped: {listed(racks)}."] if racks else []
        found += [f"{counted(others, 'other piece')} of equipment without power: {listed(others)}."] if others else []
        if whatif.computed is not None and answer.change:
            found.append("Slices of computed air are those of the start; what racks breathe follows its response.")
        found += answer.result.warnings[0][:MANY]
    return found


def counted(names: Sequence[str], word: str) -> str:
    """How many of what, such as "3 racks"."""
    return f"{len(names):,} {word}{'s' * (len(names) != 1)}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first of many."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


# ---- an element --------------------------------------------------------------------------------------------------


def element(whatif: WhatIf, answer: Answer, name: str) -> Json:
    """What is known of a component: what it is, whether it is in service, its numbers and its tightest limits."""
    facility = whatif.facility
    part = facility.components.get(name)
    if part is None:
        return {}
    place = f" in {words(part.room)}" if part.room else ""
    facts = [*_facts(answer.result, part.dimension, name)] if answer.result is not None and answer.ok else []
    known = {"name": name, "kind": f"{words(part.kind)}, {words(facility.models[name])}{place}"}
    on = whatif.in_service(answer.change, name)
    return known | {"on": on, "facts": facts, "fed": listed(facility.fed_by(name)) if part.ports else ""}


def _facts(result: Result, dimension: str, name: str) -> Iterator[Json]:
    """Numbers of a component, and its margins to limits, the tightest first."""
    titles = [n for n, d in result.by_element.items() if d == dimension]
    data = result.variables(titles).variables if titles else {}
    for title in titles:
        at = np.flatnonzero(data[dimension].values == name)
        if len(at):
            told = shown(title, data[title].values[at, 0], data[title].attrs)
            number, unit = (100.0 * told.values[0], "%") if _share(title, told.unit) else (told.values[0], told.unit)
            if np.isfinite(number):
                label = words(title).removeprefix(f"{words(dimension)} ")
                yield {"label": label, "text": f"{number:,.4g} {unit}".rstrip(), "passed": False}
    solution, i = result.part()
    m, least = margins(solution), dict[str, float]()
    for limit, element, relative in zip(m.name.tolist(), m.element.tolist(), m.relative[:, i].tolist(), strict=True):
        if any(n == name or n.startswith(f"{name}.") for n in solution.plant.classes.elements(element)):
            least[limit] = min(relative, least.get(limit, np.inf))
    for limit, relative in sorted(least.items(), key=lambda row: row[1]):
        if relative < np.inf:
            label, text = f"relative margin, {words(limit)}", f"{100.0 * relative:,.1f} %"
            yield {"label": label, "text": text, "passed": relative < -TOLERANCE}


def _share(title: str, unit: str) -> bool:
    """Whether a variable is shown in percent."""
    return title.endswith(SHARES) and not unit


# ---- a curve -----------------------------------------------------------------------------------------------------


def curve(whatif: WhatIf, change: Change, address: str, figure: str) -> Plot:
    """A figure along the whole range of a slider, all else as changed, with the ranges in which a limit is passed."""
    control = whatif.controls[address]
    points = whatif.along(address, change)
    x = np.concatenate([values for values, _ in points])
    y, names = np.full(len(x), np.nan), np.full(len(x), "", object)
    begin = 0
    for values, result in points:
        names[begin : begin + len(values)] = "" if result is not None else "no solution"
        for part in result.parts if result is not None else ():
            at, solution = begin + part.scenarios, part.air.solution
            m, solved = margins(solution), solution.status == Status.OK
            passed = np.where(solved, np.where(exceeded(m), tightest(solution).name, ""), "no solution")
            names[at] = [words(n) for n in passed]
            own = _least(m) if figure == MARGIN else getattr(figures(solution), figure)
            y[at] = np.where(solved, own, np.nan)
        begin += len(values)
    known = Shown("", "%", y) if figure == MARGIN else shown(figure, y)
    over = [(a, b, _most(names[(x >= a) & (x <= b)])) for a, b in spans(x.tolist(), [bool(n) for n in names])]
    unit = control.shown(control.low).partition(" ")[2]
    across = f"{control.label} [{unit}]" if unit else control.label
    up = f"{CURVES[figure]} [{known.unit}]" if known.unit and "$" not in CURVES[figure] else CURVES[figure]
    now = change.values.get(address, control.start)
    lowest = LOWEST if figure == MARGIN else None
    return along(x, known.values, (across, up), now, control.start, over, lowest, "none" if control.open else "")


def _least(m: Margins) -> Array:
    """The least margin to any limit [%] (scenario,)."""
    return 100.0 * m.relative.min(axis=0, initial=np.inf)


def _most(names: Array) -> str:
    """The name that is there most often."""
    there = [n for n in names.tolist() if n]
    return max(dict.fromkeys(there), key=there.count)
