"""How far air and coolant are inside the envelopes of ASHRAE's classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from twin import columns
from twin.columns import Array
from twin.elements import Envelope, Guideline, Status
from twin.fluids import saturation_pressure, saturation_temperature
from twin.solver.steady import Solution

ROUNDING = 1e-6
"""Kelvins by which a supply may be warmer than its class: rounding of the solve."""


class Exposure(NamedTuple):
    """What one element takes in beside what its class allows, SI units; NaN and "" where there is nothing to tell.

    name: of the field that states the class. stated: class of the layout, required: the coldest class of coolant that
    covers the temperature. dew_point, relative_humidity: of air. recommended, allowable: margins to these envelopes
    [K], see `margin`.
    """

    element: str
    name: str
    stated: str
    required: str
    temperature: float
    dew_point: float
    relative_humidity: float
    recommended: float
    allowable: float


class Variable(NamedTuple):
    """A variable of the Dataset.

    name, dimension, attributes: as the Dataset has them. elements: that `values` (n, scenario) are of. missing: value
    of all others.
    """

    name: str
    dimension: str
    elements: list[str]
    values: Array
    missing: float | str
    attributes: dict[str, str]


def exposures(solution: Solution, scenario: int = 0) -> tuple[Exposure, ...]:
    """What racks and CDUs take in, in one scenario: a row for the air of each and one for its coolant.

    What is out of service, without fans or unsolved has none.
    """
    rows = []
    for g in solution.plant.guidelines:
        T, dew, humidity, recommended, allowable = (x[:, 0] for x in _measured(solution, g, [scenario]))
        required = _required(g.ladder, T)
        for i in np.flatnonzero(np.isfinite(T)):
            numbers = [float(x[i]) for x in (T, dew, humidity, recommended, allowable)]
            for name in solution.plant.classes.members(g.elements[i]):
                rows.append(Exposure(name, g.name, g.classes[i] or "", str(required[i]), *numbers))
    return tuple(sorted(rows))


def titles(g: Guideline) -> list[str]:
    """Names of the variables of a guideline."""
    if g.ladder:
        return [f"{g.dimension}_required_{g.name}"]
    return [f"{g.dimension}_{name}_margin" for name in ("recommended", "allowable")]


def variables(solution: Solution, asked: Callable[[str], bool] = lambda name: True) -> Iterator[Variable]:
    """Margins of air, and classes that coolant requires, of all scenarios, as far as they are asked for by name."""
    for g in solution.plant.guidelines:
        if not any(map(asked, titles(g))):
            continue
        T, _, _, recommended, allowable = _measured(solution, g, list(range(solution.plant.scenarios)))
        if g.ladder:
            text = {"long_name": "coldest class of coolant that covers the supply"}
            yield Variable(titles(g)[0], g.dimension, g.elements, _required(g.ladder, T), "", text)
            continue
        for title, name, values in zip(titles(g), ("recommended", "allowable"), (recommended, allowable), strict=True):
            text = {"units": "K", "long_name": f"margin of the air to the {name} envelope of its class"}
            if asked(title):
                yield Variable(title, g.dimension, g.elements, values, np.nan, text)


def moisture(solution: Solution, g: Guideline) -> Array:
    """Dew point [K] of the air that is judged, the weather's outdoors, NaN where none is, (n, scenario)."""
    plant = solution.plant
    if g.zone is None:
        return np.full((len(g.elements), plant.scenarios), np.nan)
    rooms, weather = solution[columns.zone.dew_point], plant.site.dew_point
    everywhere = np.concatenate([np.broadcast_to(x, (len(x), plant.scenarios)) for x in (rooms, weather)])
    return np.where(g.judged > 0, everywhere[g.zone], np.nan)


def relative_humidity(T: Array, dew_point: Array) -> Array:
    """Relative humidity [1] of air from its dry bulb and dew point [K]: saturation pressures at dew point over T."""
    return saturation_pressure(dew_point) / saturation_pressure(T)


def margin(T: Array, box: Envelope, dew_point: Array | None = None) -> Array:
    """How far a temperature [K] is inside an envelope, negative outside, K, in the shape of T.

    Of coolant min(T - coldest, hottest - T). Of air also the distances of its dew point to the driest and dampest, and
    of T to where air of its moisture has the highest and the lowest relative humidity of the envelope.
    """
    inside = np.minimum(T - box.coldest, box.hottest - T)
    if dew_point is None:
        return inside
    vapour = saturation_pressure(dew_point)
    for distance in (
        dew_point - box.driest,
        box.dampest - dew_point,
        T - _dry_bulb(vapour, box.max_humidity),
        _dry_bulb(vapour, box.min_humidity) - T,
    ):
        inside = np.minimum(inside, distance)
    return inside


def _dry_bulb(vapour: Array, humidity: Array) -> Array:
    """Dry bulb [K] at which vapour of a pressure [Pa] is a relative humidity [1]; infinite for a humidity of 0.

    At most that at which water boils at 1 bar, beyond all envelopes.
    """
    with np.errstate(divide="ignore"):
        pressure, where = np.unique(vapour / humidity, return_inverse=True)
    T = np.where(np.isinf(pressure), np.inf, saturation_temperature(np.minimum(pressure, 1e5)))
    return T[where].reshape(vapour.shape)


def _measured(solution: Solution, g: Guideline, scenarios: list[int]) -> tuple[Array, ...]:
    """Temperature, dew point, relative humidity, and margins to what is recommended and allowable, (n, scenario)."""
    pick = lambda x: np.broadcast_to(x, (len(g.elements), solution.plant.scenarios))[:, scenarios]  # noqa: E731
    ok = (solution.status == Status.OK) & (g.judged > 0)
    T = pick(np.where(ok, solution[g.temperature], np.nan))
    nothing = np.full_like(T, np.nan)
    dew = None if g.zone is None else pick(moisture(solution, g))
    humidity = nothing if dew is None else relative_humidity(T, dew)
    boxes = (box and Envelope(*(pick(bound) for bound in box)) for box in (g.recommended, g.allowable))
    margins = (nothing if box is None else margin(T, box, dew) for box in boxes)
    return (T, nothing if dew is None else dew, humidity, *margins)


def _required(ladder: Mapping[str, float], T: Array) -> Array:
    """The first class of a ladder whose warmest supply [K] is not below T, "" if none is, in the shape of T."""
    names = np.array([*ladder, ""], object)
    return np.where(np.isnan(T), "", names[np.searchsorted(list(ladder.values()), T - ROUNDING)])
