"""A facility, what is changed of it, and its answers beside those at the start."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from twin import api
from twin.air.turns import Air, FiniteVolume, Mixed
from twin.api import Result
from twin.app.web.controls import Control
from twin.facility.build import load
from twin.facility.document import changed
from twin.facility.files import MOISTURE, LayoutError
from twin.facility.graph import Facility
from twin.facility.scenarios import weather
from twin.results.dataset import reason
from twin.show.scene.paint import marks
from twin.study.dependents import Dependence, Dependents
from twin.study.transfers import Switching, Transfer

POINTS = 41
"""Of a curve along a slider."""


class Change(NamedTuple):
    """What is changed of the start.

    values: of sliders that were moved, by address, in the unit of their control. out: names of what was taken out of
    service, as a fault. back: of what was put into service that was not.
    """

    values: Mapping[str, float] = {}
    out: tuple[str, ...] = ()
    back: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.out or self.back)


class Answer(NamedTuple):
    """What the facility does after a change: its result, None where values cannot be, and why there is no solution.

    seconds: that it took.
    """

    change: Change
    result: Result | None
    reason: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether there is a solution."""
        return not self.reason


class _Wiring:
    """Who depends on whom by the wiring of a facility, worked out when it is asked for."""

    def __init__(self, facility: Facility) -> None:
        self._facility = facility

    @cached_property
    def switching(self) -> Switching:
        """What switches after a loss."""
        return Switching(self._facility)

    @cached_property
    def dependence(self) -> Dependence:
        """What depends on what."""
        return Dependence(self._facility)


class WhatIf:
    """Answers of one facility.

    layout, case, sets: as `twin.load` takes them. air: of rooms; where it is computed, answers are those of its
    response. Raises LayoutError for bad input and where there is no solution at the start.
    """

    def __init__(
        self,
        layout: Any,
        case: str | None = None,
        sets: Mapping[str, object] | None = None,
        air: Air | None = None,
        progress: api.Progress | None = None,
    ) -> None:
        self._words = layout, case, dict(sets or {})
        self.facility: Facility = load(layout, case, sets)
        self.asked = self.air = air or Mixed()
        first = api.solve(self.facility, air=self.air, progress=progress)
        if first.rooms:
            self.air = first.response
            self.computed: Result | None = first
            first = api.solve(self.facility, air=self.air)
        else:
            self.computed = None
        if first.status[0]:
            raise LayoutError(self.facility.source, [reason(*first.part())])
        self.start = Answer(Change(), first, "", 0.0)
        self.controls = dict[str, Control]()
        self._wirings = dict[tuple[str, ...], _Wiring]()
        self._bases: dict[tuple[str, ...], Facility] = {(): self.facility}

    @property
    def at_start(self) -> Result:
        """The result at the start."""
        assert self.start.result is not None
        return self.start.result

    @cached_property
    def lost_at_start(self) -> frozenset[str]:
        """Names of what has no power at the start."""
        return marks(self.at_start).lost

    @cached_property
    def order(self) -> dict[str, int]:
        """Components by the layout's order."""
        return {n: i for i, n in enumerate(self.facility.components)}

    def _wiring(self, back: tuple[str, ...]) -> _Wiring:
        """Who depends on whom, with equipment put into service."""
        if back not in self._wirings:
            parts = self.facility.components
            on = {n: parts[n].model_copy(update={"in_service": True}) for n in back}
            facility = replace(self.facility, components={**parts, **on}) if back else self.facility
            self._wirings = {k: w for k, w in self._wirings.items() if not k} | {back: _Wiring(facility)}
        return self._wirings[back]

    def moved(self, values: Mapping[str, float]) -> dict[str, float]:
        """Values of sliders that are not where they started."""
        return {a: float(v) for a, v in values.items() if a in self.controls and self.controls[a].moved(float(v))}

    def transfer(self, change: Change) -> Transfer:
        """What switches after what was taken out of service."""
        return self._wiring(change.back).switching.after(change.out, planned=False) if change.out else Transfer()

    def scenario(self, change: Change) -> dict[str, float]:
        """A change as SI values by address; what controls do not state is left out."""
        given = {a: self.controls[a].si(v) for a, v in change.values.items() if self.controls[a].stated(v)}
        given |= self.transfer(change).changes | {f"{n}.in_service": 0.0 for n in change.out}
        return given | {f"{n}.in_service": 1.0 for n in change.back}

    def in_service(self, change: Change, name: str) -> bool | None:
        """Whether equipment is in service after a change, None for what has no switch."""
        stated = getattr(self.facility.components.get(name), "in_service", None)
        now = self.scenario(change._replace(values={})).get(f"{name}.in_service")
        return None if stated is None else bool(stated if now is None else now)

    def _base(self, change: Change) -> Facility:
        """The facility without what the layout states and the change does not: caps that were taken away."""
        dropped = tuple(sorted(a for a, v in change.values.items() if not self.controls[a].stated(v)))
        if dropped not in self._bases:
            self._bases[dropped] = changed(self.facility, None, dict.fromkeys(dropped))
        return self._bases[dropped]

    def solve(self, change: Change) -> Answer:
        """The answer to a change; values that cannot be are told by its reason."""
        began = time.perf_counter()
        if not change:
            return self.start
        try:
            result = api.solve(self._base(change), self.scenario(change) or None, air=self.air)
        except LayoutError as error:
            first, *others = error.faults
            more = f" (and {len(others)} more)" if others else ""
            return Answer(change, None, f"{first}{more}", time.perf_counter() - began)
        told = reason(*result.part()) if result.status[0] else ""
        return Answer(change, result, told, time.perf_counter() - began)

    def along(self, address: str, change: Change) -> list[tuple[np.ndarray[Any, Any], Result | None]]:
        """Values of a slider (point,) in its unit, and the facility at each of them, all else as changed.

        They are values that the slider can take. Where nothing is stated at its end, that is a result of its own; of
        values that cannot be there is none.
        """
        control, others = self.controls[address], dict(change.values)
        others.pop(address, None)
        steps = round((control.high - control.low) / control.step)
        values = control.low + control.step * np.unique(np.round(np.linspace(0, steps, min(POINTS, steps + 1))))
        stated = np.array([control.stated(v) for v in values])
        rest = change._replace(values=others)
        given = {a: np.full(int(stated.sum()), v) for a, v in self.scenario(rest).items()}
        given[address] = np.array([control.si(v) for v in values[stated]])
        alone = lambda v: (np.array([v]), self.solve(change._replace(values={**others, address: float(v)})).result)  # noqa: E731
        try:
            found = [(values[stated], api.solve(self._base(rest), given, air=self.air))]
        except LayoutError:  # some of them cannot be asked together
            found = [alone(v) for v in values[stated]]
        return found + [alone(v) for v in values[~stated]]

    def dependents(self, change: Change) -> Dependents | None:
        """What depends on what was taken out, by the wiring; None where nothing was."""
        return self._wiring(change.back).dependence.without(change.out) if change.out else None

    # ---- the same for others -------------------------------------------------------------------------------------

    def overrides(self, answer: Answer) -> dict[str, object]:
        """A change as overrides of the layout, with which `twin.load` gives the facility that was solved."""
        given: dict[str, object] = {a: self._text(a, v) for a, v in answer.change.values.items()}
        given |= {a: bool(v) for a, v in self.scenario(answer.change._replace(values={})).items()}
        if not weather(given) or answer.result is None or answer.result.scenarios is None:
            return given
        # a layout keeps the moisture that it states, scenarios warm or cool its air
        site = answer.result.scenarios.site
        for field in (
            f for f in ("dry_bulb", *MOISTURE) if f in site and (f in MOISTURE or "site.dry_bulb" not in given)
        ):
            value = float(np.ravel(site[field])[0])
            given[f"site.{field}"] = repr(value) if field == "relative_humidity" else f"{value!r} K"
        return given

    def _text(self, address: str, value: float) -> object:
        text = self.controls[address].text(value)
        return None if text == "null" else text

    def loaded(self, answer: Answer) -> Facility:
        """The facility as changed, as a layout of its own."""
        given = self.overrides(answer)
        return changed(self.facility, None, given) if given else self.facility

    def command(self, answer: Answer) -> str:
        """The command line that solves the same; it computes air anew, which answers take from the start's response."""
        layout, case, sets = self._words
        words = ["twin", "solve", str(layout), *(["--case", case] if case else [])]
        if isinstance(self.asked, FiniteVolume):
            words += ["--air", "finite_volume", "--cell", f"{self.asked.cell:g} m"]
        for address, value in {**sets, **self.overrides(answer)}.items():
            text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            words += ["--set", f"{address}={text}"]
        return shlex.join(words)


def spans(values: Sequence[float], passed: Sequence[bool]) -> list[tuple[float, float]]:
    """Ranges of values, rising, in which a limit is passed, from half-way to the neighbour that passes none."""
    found, edges = list[tuple[float, float]](), np.r_[values[0], (np.array(values[1:]) + values[:-1]) / 2, values[-1]]
    for k, over in enumerate(passed):
        if over and found and found[-1][1] == edges[k]:
            found[-1] = found[-1][0], float(edges[k + 1])
        elif over:
            found.append((float(edges[k]), float(edges[k + 1])))
    return found
