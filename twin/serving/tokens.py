"""What racks serve: tokens from the clocks of their chips, and how much of their power chips draw to serve them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from twin import columns
from twin.columns import Array
from twin.elements import Work, total
from twin.facility.catalogue import measured_runs, physics
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.sections import Serving
from twin.plant.compile import Plant
from twin.serving import fronts as serving
from twin.serving.models import doubt, find_model, known_models, spread
from twin.serving.platforms import (
    CLOCKS,
    Options,
    Point,
    best,
    best_at_clocks,
    clock_share,
    draft_tokens,
    engine_of,
    nearby,
    power_draw,
    prefill_share,
    throughput_error,
    waiting_at_clocks,
    weight_precision,
)
from twin.serving.platforms import calibrated_platforms as known
from twin.solver.steady import Solution
from twin.units import is_whole

PRICE_MISSED = 0.65
"""Share of what a clock costs in tokens by which it may be missed: by less nine of ten of 118 jobs under caps of 83.3 %
of their power are, their type of GPU left out of the fit of the voltage, see tests/cases/power_caps."""


def point(terms: Serving, platform: str) -> Point:
    """A point of service: model, platform, tokens in and out, interactivity."""
    return Point(
        find_model(terms.model, terms.models), platform, terms.input_tokens, terms.output_tokens, terms.interactivity
    )


def options(terms: Serving) -> Options:
    """How it is served, as options of `serving.best`."""
    tiers = terms.host_cache, terms.storage_cache, terms.storage_rate
    return Options(terms.precision, terms.drafts, terms.max_instance_size, terms.engine, *tiers)


def has_physics(terms: Serving, platform: str) -> bool:
    """Whether physics knows the platform and the model."""
    return platform in known() and terms.model in known_models(terms.models)


def rates(terms: Serving, platform: str, clock: Any) -> tuple[Array, Array, str]:
    """Tokens/s of an accelerator at work and its time to a first token [s], of the shape of `clock`, and why if none.

    By measured fronts, which know no first tokens (NaN), or by physics, as the layout's `serving` says. Raises
    ValueError for a platform or model of which neither is known.
    """
    clock = np.asarray(clock, float)
    if terms.mode == "physics":
        found = best_at_clocks(point(terms, platform), clock, options(terms))
        return found.total, found.ttft, found.reason
    front = _front(terms.model, platform, terms.input_tokens, terms.output_tokens)
    each = front.throughput(terms.interactivity) * _clock_share(terms, platform, clock)
    most = front.interactivity[-1]
    why = f"beyond the front, which ends at {most:g}" if terms.interactivity > most else ""
    return each, np.full(clock.shape, np.nan), why


def _clock_share(terms: Serving, platform: str, clock: Array) -> Array:
    """Tokens at a clock over those at the nominal one, of the shape of `clock`.

    A stated exponent of the clock, or what physics says of the point: memory and latency do not follow the clock,
    arithmetic does. Where physics knows nothing tokens go with the clock, as those of arithmetic alone would.
    """
    if terms.clock_exponent is None and has_physics(terms, platform):
        return clock_share(point(terms, platform), clock, options(terms))
    return np.power(clock, 1.0 if terms.clock_exponent is None else terms.clock_exponent)


def terms_of(plant: Plant, scenario: int) -> Serving:
    """What is served in a scenario, counted from 0; IndexError for one that there is not."""
    for terms, own in terms_by_scenario(plant):
        if scenario in own:
            return terms
    raise IndexError(f"no scenario {scenario}; there are {plant.scenarios}, counted from 0")


def lengths(plant: Plant) -> tuple[Array, Array]:
    """Tokens in and out of a request, (scenario,) each."""
    isl, osl = np.zeros((2, plant.scenarios))
    for terms, own in terms_by_scenario(plant):
        isl[own], osl[own] = terms.input_tokens, terms.output_tokens
    return isl, osl


@lru_cache(maxsize=256)
def _front(*which: Any) -> serving.Front:
    return serving.front(measured_runs(), *which)


def terms_by_scenario(plant: Plant) -> list[tuple[Serving, Array]]:
    """What is served in which scenarios: the layout's terms, with what the scenarios say of them."""
    _, which = _different(plant.coordinates)
    if which is None:
        return [(plant.facility.serving, np.arange(plant.scenarios))]
    terms = different_terms(plant.facility, plant.coordinates)
    return [(t, np.flatnonzero(which == k)) for k, t in enumerate(terms)]


def different_terms(facility: Facility, coordinates: Mapping[str, Array]) -> Iterator[Serving]:
    """What is served in any scenario, each different terms once; coordinates are values by address (scenario,)."""
    base, (given, _) = facility.serving, _different(coordinates)
    if not given:
        yield base
        return
    whole = {n: is_whole(Serving.model_fields[n]) for n in given}
    for row in zip(*given.values(), strict=True):
        values = {n: int(v) if whole[n] else float(v) for n, v in zip(given, row, strict=True)}
        yield base.model_copy(update=values)


def _different(coordinates: Mapping[str, Array]) -> tuple[dict[str, Array], Array | None]:
    """Different terms of serving, values by field, and which of them every scenario has; None if all have the same."""
    given = {a.removeprefix("serving."): v for a, v in coordinates.items() if a.startswith("serving.")}
    if not given:
        return {}, None
    values, which = np.unique(np.stack(list(given.values())), axis=1, return_inverse=True)
    return dict(zip(given, values, strict=True)), np.ravel(which)


def describe(terms: Serving, plant: Plant) -> str:
    """What is served, as results state it: model, lengths, interactivity, where rates come from, and precisions."""
    how, platforms = "measured fronts", _names(plant)
    if terms.mode == "physics":
        engines = sorted({engine_of(p, options(terms)) for p in platforms})
        model = find_model(terms.model, terms.models)
        drafts = sorted({draft_tokens(model, p, options(terms)) for p in platforms})
        how = f"physics of {' and '.join(engines)}, {' and '.join(map(str, drafts))} drafts"
    lengths = f"{terms.input_tokens}/{terms.output_tokens}"
    precisions = "".join(f", {precision(terms, p)} on {p}" for p in platforms)
    return f"{terms.model} {lengths} at {terms.interactivity:g} tokens/s/user, {how}{precisions}"


def _names(plant: Plant) -> list[str]:
    """Platforms of the racks that serve, each once."""
    return sorted({platform for platform, _ in plant.platforms()})


def precision(terms: Serving, platform: str) -> str:
    """Precision of the weights: that of physics, or of the measured points on both sides of the interactivity."""
    if terms.mode == "physics":
        return str(weight_precision(find_model(terms.model, terms.models), platform, terms.precision))
    front = _front(terms.model, platform, terms.input_tokens, terms.output_tokens)
    at = int(np.searchsorted(front.interactivity, terms.interactivity))
    return " and ".join(sorted(set(front.precision[max(at - 1, 0) : at + 1])))


def check_served(facility: Facility, coordinates: Mapping[str, Array] | None = None) -> None:
    """Raises LayoutError if nothing is known of a rack's platform with the model and sequence lengths requested.

    They are the layout's, or with `coordinates`, values by address (scenario,), those of all scenarios.
    """
    faults: dict[str, None] = {}
    for terms in different_terms(facility, coordinates or {}):
        faults |= dict.fromkeys(terms.faults())
        for platform in sorted(facility.platforms):
            try:
                rates(terms, platform, 1.0)
                if terms.max_ttft is not None and platform in known():
                    best(*point(terms, platform), options=options(terms))
            except ValueError as error:
                faults[str(error)] = None
    if faults:
        raise LayoutError(facility.source, list(faults))


def level(terms: Serving, platform: str, clock: Any) -> Array:
    """Share of its rated power that a chip at work draws on average, of the shape of `clock`.

    Those that prefill, or the part of the time in which they do, and those that decode draw what `power_draw` has of
    them: by the share of a step in which they wait. A chip whose power or model physics does not know draws what it is
    rated for.
    """
    if not measured_power(terms, platform):
        return np.ones(np.shape(clock))
    where, how, draw = point(terms, platform), options(terms), power_draw(platform)
    reading = prefill_share(where, rates(terms, platform, clock)[0], clock, how)
    return draw.mean(reading, waiting_at_clocks(where, clock, how)) / draw.rated


def measured_power(terms: Serving, platform: str) -> bool:
    """Whether it is known what the platform's chips draw at the work that is asked for."""
    return has_physics(terms, platform) and platform in physics()["power"]


def at_work(plant: Plant) -> Plant:
    """The plant with chips that draw what their work asks for, where the layout says so.

    The work follows from the clock, which the solve finds, so that a chip that slows down also has fewer requests.
    """
    if plant.facility.serving.power == "rated":
        return plant
    work = [
        Work(rows, scenarios, CLOCKS, level(terms, platform, CLOCKS))
        for terms, scenarios in terms_by_scenario(plant)
        for platform, rows in plant.platforms()
    ]
    return replace(plant, work=tuple(work))


def chips_at_work(solution: Solution) -> tuple[Array, Array, Array]:
    """Accelerators, their clock over nominal and their utilisation [1], (row, scenario) each.

    They are those of all racks that a row stands for.
    """
    e = columns.engine
    return solution[e.chips] * solution.plant.counts[e][:, None], solution[e.clock], solution[e.utilisation]


def error(terms: Serving, platform: str) -> float:
    """Factor less one within which nine of ten rates lie of which neither a front nor the physics was told.

    Of a measured front, see `Front.error`, NaN of one of a single point; of physics that was fitted, as its
    cross-validation has it by platform and engine; of a model that was compared only, the farthest of its points. NaN
    where nothing was compared.
    """
    if terms.mode == "table":
        front = _front(terms.model, platform, terms.input_tokens, terms.output_tokens)
        return float(front.error(terms.interactivity)) if len(front.rate) > 1 else np.nan
    if not doubt(terms.model):
        return throughput_error(point(terms, platform), options(terms))
    return spread(terms.model)


class Tokens(NamedTuple):
    """What the racks of scenarios serve, (scenario,) each."""

    accelerators: Array
    """How many have power."""
    per_s: Array
    """Tokens/s, inputs included."""
    ttft: Array
    """Longest time to a first token, s; NaN where it is not known."""
    error: Array
    """Factor less one within which the tokens are known, the mean over those of all racks.

    By `error`, and by PRICE_MISSED of what their clock costs.
    """


def tokens(solution: Solution) -> Tokens:
    """What all racks serve."""
    plant, size = solution.plant, solution.plant.scenarios
    count, rate, first, missed = np.zeros(size), np.zeros(size), np.full(size, np.nan), np.zeros(size)
    chips, clock, busy = chips_at_work(solution)
    terms = terms_by_scenario(plant)
    for platform, rows in plant.platforms():
        (each, wait), (full, known) = np.zeros((2, len(rows), size)), np.zeros((2, size))
        for t, own in terms:
            at = slice(None) if len(own) == size else own
            each[:, at], wait[:, at], _ = rates(t, platform, clock[rows][:, at])
            each[:, at] *= t.availability
            full[at], known[at] = rates(t, platform, 1.0)[0] * t.availability, error(t, platform)
        served = chips[rows] * busy[rows] * each
        count, rate = count + total(chips[rows]), rate + total(served)
        priced = (served > 0) & (full > 0)
        price = np.abs(np.log(np.where(priced, each, 1.0) / np.where(priced, full, 1.0)))
        unsure = (1.0 + known) * np.exp(PRICE_MISSED * price) - 1.0
        missed = missed + total(served * np.where(served > 0, unsure, 0.0))
        waited = np.where((served > 0) & np.isfinite(wait), wait, -np.inf).max(axis=0, initial=-np.inf)
        first = np.fmax(first, np.where(np.isfinite(waited), waited, np.nan))
    return Tokens(count, rate, first, np.where(rate > 0, missed / np.where(rate > 0, rate, 1.0), np.nan))


def unserved(solution: Solution) -> list[tuple[str, Array]]:
    """Platforms of which racks that work serve nothing at the interactivity requested, with the reason, and where.

    Where: numbers of the scenarios, (k,).
    """
    reasons = []
    chips, clock, busy = chips_at_work(solution)
    for terms, own in terms_by_scenario(solution.plant):
        for platform, rows in solution.plant.platforms():
            at = np.ix_(rows, own)
            each, _, why = rates(terms, platform, clock[at])
            lost = ((each == 0) & (chips[at] * busy[at] > 0)).any(axis=0)
            why = why or "beyond the front at their clock"
            text = f"{platform}: no tokens at {terms.interactivity:g} tokens/s/user: {why}"
            reasons += [(text, own[lost])] if lost.any() else []
    return reasons


def why_unserved(solution: Solution, scenario: int = 0) -> list[str]:
    """Platforms of a scenario that serve nothing, each with the reason."""
    return [text for text, where in unserved(solution) if scenario in where]


def beside_measured(solution: Solution) -> list[tuple[str, Array]]:
    """Platforms of which physics and measured fronts differ by more than both are known to, by how much, and where.

    Both at full clock; nothing is compared where no front was measured or no physics serves. Where: numbers of the
    scenarios, (k,).
    """
    told = []
    for terms, own in terms_by_scenario(solution.plant):
        for platform in _names(solution.plant):
            ratio, known = _compared(terms, platform)
            if known < ratio < np.inf or 0.0 < ratio < 1.0 / known:
                text = f"{platform}: physics serves {ratio:.3g} times what was measured at {terms.interactivity:g} "
                told.append((f"{text}tokens/s/user; a factor of {known:.3g} is to be expected", own))
    return told


def _compared(terms: Serving, platform: str) -> tuple[float, float]:
    """Rate by physics over that of a measured front, NaN where either is not known, and the factor to be expected.

    Below its first point a front tells no more than what can be served, so that nothing is compared there.
    """
    if not has_physics(terms, platform):
        return np.nan, np.inf
    table, computed = (terms.model_copy(update={"mode": mode}) for mode in ("table", "physics"))
    try:
        front = _front(terms.model, platform, terms.input_tokens, terms.output_tokens)
        served = nearby(point(computed, platform), options(computed)).total
    except ValueError:
        return np.nan, np.inf
    measured = float(front.throughput(terms.interactivity))
    if not (terms.interactivity >= front.interactivity[0] and measured > 0 and served > 0):
        return np.nan, np.inf
    known = (1.0 + error(computed, platform)) * (1.0 + error(table, platform))
    return served / measured, known if np.isfinite(known) else np.inf


def holes(solution: Solution) -> list[tuple[str, Array]]:
    """Platforms of whose front a stretch without any run is read off a straight line, and where.

    Where: numbers of the scenarios, (k,).
    """
    told = []
    for terms, own in terms_by_scenario(solution.plant):
        for platform in _names(solution.plant) if terms.mode == "table" else ():
            front = _front(terms.model, platform, terms.input_tokens, terms.output_tokens)
            ends = front.hole(terms.interactivity)
            if ends is not None:
                (x, y), (low, high) = (front.interactivity[list(ends)], front.rate[list(ends)])
                text = f"{platform}: no run was measured between {x:g} and {y:g} tokens/s/user, where an accelerator "
                text += f"serves {low:,.0f} and {high:,.0f} tokens/s; {terms.interactivity:g} is on a line between"
                told.append((text, own))
    return told


def not_fitted(solution: Solution) -> list[tuple[str, Array]]:
    """Models on which physics was not fitted, how far it was off where it was compared, and where it serves them.

    Where: numbers of the scenarios, (k,).
    """
    served = [(doubt(t.model), own) for t, own in terms_by_scenario(solution.plant) if t.mode == "physics"]
    return [(text, own) for text, own in served if text]
