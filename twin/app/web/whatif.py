"""A facility, what is changed of it, and its answers beside those at the start."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from twin import api
from twin.air.turns import Air, Mixed
from twin.api import Result
from twin.app.web.controls import Control
from twin.facility.build import load
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
        self.layout, self.case, self.sets = layout, case, dict(sets or {})
        self.facility: Facility = load(layout, case, sets)
        self.air: Air = air or Mixed()
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
        self._switching = Switching(self.facility)

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

    @cached_property
    def _dependence(self) -> Dependence:
        return Dependence(self.facility)

    def moved(self, values: Mapping[str, float]) -> dict[str, float]:
        """Values of sliders that are not where they started."""
        return {a: float(v) for a, v in values.items() if a in self.controls and self.controls[a].moved(float(v))}

    def transfer(self, change: Change) -> Transfer:
        """What switches after what was taken out of service."""
        return self._switching.after(change.out, planned=False) if change.out else Transfer()

    def scenario(self, change: Change) -> dict[str, float]:
        """A change as SI values by address; what controls do not state is left out."""
        given = {a: self.controls[a].si(v) for a, v in change.values.items() if self.controls[a].stated(v)}
        given |= self.transfer(change).changes | {f"{n}.in_service": 0.0 for n in change.out}
        return given | {f"{n}.in_service": 1.0 for n in change.back}

    def _base(self, change: Change) -> Facility:
        """The facility without what the layout states and the change does not: caps that were taken away."""
        dropped = {a: None for a, v in change.values.items() if not self.controls[a].stated(v)}
        if not dropped:
            return self.facility
        return load(self.layout, self.case, {**self.sets, **dropped})

    def solve(self, change: Change) -> Answer:
        """The answer to a change; values that cannot be are told by its reason."""
        began = time.perf_counter()
        if not change:
            return self.start
        try:
            result = api.solve(self._base(change), self.scenario(change) or None, air=self.air)
        except LayoutError as error:
            return Answer(change, None, "; ".join(error.faults), time.perf_counter() - began)
        told = reason(*result.part()) if result.status[0] else ""
        return Answer(change, result, told, time.perf_counter() - began)

    def along(self, address: str, change: Change) -> tuple[np.ndarray[Any, Any], Result]:
        """Values of a slider (point,) in its unit, and the facility at each of them, all else as changed."""
        control = self.controls[address]
        count = POINTS if control.step < 1.0 else min(POINTS, round((control.high - control.low) / control.step) + 1)
        values = np.linspace(control.low, control.high, count)
        values = values[[control.stated(v) for v in values]]
        others = change._replace(values={a: v for a, v in change.values.items() if a != address})
        given = {a: np.full(len(values), v) for a, v in self.scenario(others).items()}
        given[address] = np.array([control.si(v) for v in values])
        return values, api.solve(self._base(others), given, air=self.air)

    def dependents(self, change: Change) -> Dependents | None:
        """What depends on what was taken out, by the wiring; None where nothing was."""
        return self._dependence.without(change.out) if change.out else None

    # ---- the same for others -------------------------------------------------------------------------------------

    def overrides(self, answer: Answer) -> dict[str, object]:
        """A change as overrides of the layout, with which `twin.load` gives the facility that was solved."""
        given: dict[str, object] = {a: self._text(a, v) for a, v in answer.change.values.items()}
        given |= {a: bool(v) for a, v in self.scenario(answer.change._replace(values={})).items()}
        if not weather(given) or answer.result is None or answer.result.scenarios is None:
            return given
        site = (
            answer.result.scenarios.site
        )  # a layout keeps the moisture that it states, scenarios warm or cool its air
        for field in (f for f in MOISTURE if f in site):
            value = float(np.ravel(site[field])[0])
            given[f"site.{field}"] = repr(value) if field == "relative_humidity" else f"{value!r} K"
        return given

    def _text(self, address: str, value: float) -> object:
        text = self.controls[address].text(value)
        return None if text == "null" else text

    def loaded(self, answer: Answer) -> Facility:
        """The facility as changed, as a layout of its own."""
        return load(self.layout, self.case, {**self.sets, **self.overrides(answer)})

    def command(self, answer: Answer) -> str:
        """The command line that solves the same."""
        words = ["twin", "solve", str(self.layout)]
        words += ["--case", self.case] if self.case else []
        for address, value in {**self.sets, **self.overrides(answer)}.items():
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
