"""A solved facility as a scene: what stands where, by what it is coloured, and the ways to show and save it."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from copy import copy
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from twin.columns import Array
from twin.facility.files import LayoutError, hint
from twin.facility.scenarios import cf_unit_of
from twin.results.dataset import reason
from twin.show.scene import air as airs
from twin.show.scene import paint, stage
from twin.show.scene.air import Kind
from twin.show.scene.paint import DEFAULT, LOST, Marks, Scale, Variable
from twin.show.scene.places import Things, things
from twin.show.scene.render import HEADLESS, RenderError, ready, window
from twin.show.scene.routes import Routes, routes

if TYPE_CHECKING:
    import pyvista as pv

    from twin.api import Result

View = Literal["site", "hall", "row", "plant", "top"]
"""Presets of the camera: all of it, the hall with most racks, a row of racks, the plant outdoors, a plan."""

Detail = Literal["full", "boxes", "rooms"]
"""How much is drawn: shapes and pipes; plain boxes; rooms as blocks, for a campus."""

MAX_FULL, MAX_BOXES, MAX_ROOMS, MAX_FRAMES = 3000, 12_000, 40, 240
"""Things above which shapes and boxes would not be seen, rooms above which they are blocks, and frames of one file."""

NAMED = 3
"""Values of a scenario that stand for its name."""

HEIGHT = 560
"""Of a page below the cell of a notebook, in pixels."""

NO_DISPLAY = "no display for a window; write a picture: `twin export LAYOUT --to png -o hall.png`, or `scene.save`"


class Picture:
    """What notebooks show below a cell: a page to turn and pick, and a still picture where no scripts run.

    png: bytes of the still picture. page: of HTML.
    """

    def __init__(self, png: bytes, page: str) -> None:
        self.png, self.page = png, page

    def _repr_png_(self) -> bytes:
        return self.png

    def _repr_html_(self) -> str:
        style = f"width:100%;height:{HEIGHT}px;border:1px solid #dfe4e8"
        return f'<iframe title="scene" style="{style}" srcdoc="{escape(self.page)}"></iframe>'


class Scene:
    """A solved facility in three dimensions; it draws nothing before it is asked to.

    result: what is shown. color: a variable of its Dataset, rack inlets if none, or an ending that several types
    share, see `paint.variable`. scenario: which one pictures show; frames: which ones animations show, all if not
    given. view: a preset of the camera. pipes, cables, labels: whether they are drawn; cables not over a row if it is
    not said. air: how computed air is. detail: by how much there is if not given. Raises LayoutError for what there
    is not, and where nothing can be drawn.

    >>> twin.solve("gb300_hall").scene(color="loading").save("hall.png")
    """

    def __init__(
        self,
        result: Result,
        color: str | None = None,
        scenario: int = 0,
        *,
        frames: Sequence[int] | None = None,
        view: View = "site",
        pipes: bool = True,
        cables: bool | None = None,
        labels: bool = True,
        air: Sequence[Kind] = ("slices",),
        detail: Detail | None = None,
    ) -> None:
        if view not in stage.VIEWS:
            there = hint(view, [*stage.VIEWS]) or "; there are " + ", ".join(stage.VIEWS)
            raise LayoutError("scene", [f"view: no {view!r}{there}"])
        count = result.size
        asked = [scenario, *(frames or ())]
        if wrong := [k for k in asked if not 0 <= k < count]:
            raise LayoutError("scene", [f"scenario {wrong[0]} is none of the {count:,} there are, counted from 0"])
        if result.status[scenario]:
            raise LayoutError(result.facility.name, [f"scenario {scenario}: {reason(*result.part(scenario))}"])
        self.result, self.color, self.scenario, self.view = result, color or paint.default(result), scenario, view
        self.pipes, self.labels = pipes, labels
        self.cables = view != "row" if cables is None else cables
        asked_air = airs.check((air,) if isinstance(air, str) else tuple(air))
        self.air: tuple[Kind, ...] = asked_air if result.rooms else ()
        if detail is not None and detail not in get_args(Detail):
            told = hint(detail, get_args(Detail)) or "; there are " + ", ".join(get_args(Detail))
            raise LayoutError("scene", [f"detail: no {detail!r}{told}"])
        self.things: Things = things(result.facility)
        if not self.things.names:
            raise LayoutError(result.facility.name, ["scene: nothing in it can be drawn"])
        self.detail: Detail = detail or _detail(self.things)
        given = frames if frames is not None else range(count) if count <= MAX_FRAMES else [scenario]
        self.frames = tuple(k for k in given if not result.status[k])
        self._unsolved = len(list(given)) - len(self.frames)
        self.variable: Variable = paint.variable(result, self.color)

    # ---- numbers and marks -----------------------------------------------------------------------------------

    @cached_property
    def told(self) -> tuple[str, ...]:
        """What was placed or left out by a rule, a sentence each."""
        without = (f"{self._unsolved:,} scenarios without solution are left out",) if self._unsolved else ()
        few = () if len(self.frames) > 1 or self.result.size == 1 else (f"one of {self.result.size:,} scenarios",)
        seen = {"boxes": ("so many things are drawn as boxes",), "rooms": ("so many rooms are drawn as blocks",)}
        return (*self.things.told, *seen.get(self.detail, ()), *without, *few)

    @cached_property
    def values(self) -> Array:
        """Numbers that things are coloured by, in the unit of the screen, NaN without (thing, scenario)."""
        return self.variable.of(self.things.names)

    @property
    def shown_values(self) -> Array:
        """Those of the scenario that pictures show (thing,)."""
        return self.values[:, self.scenario]

    @cached_property
    def scale(self) -> Scale:
        """The scale of things, for all frames."""
        shown = self.values[:, [self.scenario, *self.frames]]
        warm = self._warm if self.color == DEFAULT and self.air else np.zeros(0)
        found = paint.scale(self.variable, np.concatenate([shown.ravel(), warm]))
        return found._replace(title="air, and rack inlets [°C]") if len(warm) else found

    @cached_property
    def _warm(self) -> Array:
        """Temperatures of computed air between which nearly all of it is [degC]."""
        fields = [self.result.field(r.room)["temperature"].values[self.scenario] for r in self.result.rooms]
        return np.array([np.nanpercentile(f, [2, 98]) - 273.15 for f in fields]).ravel()

    @cached_property
    def air_scale(self) -> Scale:
        """The scale of computed air."""
        if self.color == DEFAULT:
            return self.scale
        return Scale(*paint.fit(self._warm, "°C"), "air [°C]", paint.MAPS["heat"])

    @cached_property
    def coolant_scale(self) -> Scale:
        """The scale of pipes."""
        warm = self.coolant.temperature - 273.15 if self.coolant else np.zeros(0)
        return Scale(*paint.fit(warm[np.isfinite(warm)], "°C"), "coolant [°C]", paint.MAPS["heat"])

    @property
    def scales(self) -> list[Scale]:
        """All scales that are shown, the one of things first."""
        found = [self.scale] if np.isfinite(self.values).any() else []
        if self.coolant is not None and len(self.coolant.names):
            found.append(self.coolant_scale)
        if self.air and self.color != DEFAULT:
            found.append(self.air_scale)
        return found

    @cached_property
    def marks(self) -> Marks:
        """What is lost, over a limit, and binds."""
        return paint.marks(self.result, self.scenario, self.lost[self.scenario])

    @cached_property
    def lost(self) -> dict[int, frozenset[str]]:
        """Names of what is out of service or without power, by scenario."""
        asked = list(dict.fromkeys([self.scenario, *self.frames]))
        return dict(zip(asked, paint.lost_in(self.result, asked), strict=True))

    @property
    def lost_rows(self) -> Array:
        """Numbers of things that are out of service or without power."""
        row = self.things.row
        return np.sort(np.array([row[n] for n in self.lost[self.scenario] if n in row], np.int64))

    @cached_property
    def coolant(self) -> Routes | None:
        """Pipes, if they are drawn."""
        if not self.pipes or self.detail != "full":
            return None
        return routes(self.result, self.things, "coolant", self.scenario)

    @cached_property
    def power(self) -> Routes | None:
        """Cables, if they are drawn."""
        return (
            routes(self.result, self.things, "power", self.scenario) if self.cables and self.detail == "full" else None
        )

    # ---- words -----------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The facility's name."""
        return self.result.facility.name.replace("_", " ")

    @property
    def title(self) -> str:
        """The facility's name, and the scenario if there are several."""
        return self.name if self.result.size == 1 else f"{self.name}, {scenario_text(self.result, self.scenario)}"

    @property
    def line(self) -> str:
        """Headline figures and what binds."""
        figures, i = self.result.figures, self.scenario
        binds = f"{self.marks.word} limit: {self.marks.phrase}" if self.marks.limit else "nothing is limited"
        return f"{figures.facility_power[i] / 1e6:,.2f} MW     PUE {figures.pue[i]:.3f}     {binds}"

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Labels and colours of what is not coloured by the variable, and of marks that are there."""
        known = np.isfinite(self.shown_values)
        if self.detail == "rooms":
            known = known | np.array([r != "" for r in self.things.rooms])
        bare = [n for n, k in zip(self.things.legends, known, strict=True) if not k]
        entries = [(label, c) for label, c in stage.colours(self.things).items() if label in bare]
        entries += [("out of service, or no power", LOST)] if len(self.lost_rows) else []
        entries += [("past a limit", stage.ORANGE)] if self.marks.over - {self.marks.binds} else []
        return entries + ([(f"{self.marks.word} limit", stage.RED)] if self.marks.binds else [])

    # ---- the camera ------------------------------------------------------------------------------------------

    def points_of(self, view: str) -> Array:
        """Points that a view takes in [m], (point, 3)."""
        t = self.things
        rows = np.arange(len(t.names))
        if view == "hall":
            rooms = [r for r, rack in zip(t.rooms, t.racks, strict=True) if rack]
            fullest = max(sorted(set(rooms)), key=rooms.count, default="")
            floor = [np.array([f.low, np.add(f.low, f.size)]) for f in t.floors if f.name == fullest]
            if floor:
                return _corners(floor[0][:1], floor[0][1:] - [0, 0, 0.5 * np.ptp(floor[0][:, 2])])
            rows = np.flatnonzero(t.racks)
        elif view == "row" and t.racks.any():
            rows = self._row_of_racks()
        elif view == "plant":
            rows = np.array([i for i, room in enumerate(t.rooms) if not room and not t.racks[i]], int)
        if not len(rows):
            rows = np.arange(len(t.names))
        low, high = t.low[rows], t.low[rows] + t.size[rows]
        if view in ("site", "top"):
            rooms = np.array([[f.low, np.add(f.low, f.size) * (1, 1, 0)] for f in t.floors], float).reshape(-1, 2, 3)
            low, high = np.concatenate([low, rooms[:, 0]]), np.concatenate([high, rooms[:, 1]])
        return _corners(low, high)

    def _row_of_racks(self) -> Array:
        """Racks in line with the one of the highest number, or that binds."""
        t, racks = self.things, np.flatnonzero(self.things.racks)
        values = np.nan_to_num(self.shown_values[racks], nan=-np.inf)
        first = t.row.get(self.marks.binds, -1)
        first = first if first in racks else int(racks[np.argmax(values)])
        across = 0 if t.ways[first][1] == "x" else 1
        return racks[np.abs(t.low[racks, across] - t.low[first, across]) < 0.3]

    # ---- pictures --------------------------------------------------------------------------------------------

    def draw(self, off_screen: bool | None = None) -> pv.Plotter:
        """A plotter with the scene, a new one each time; `off_screen` by default where there is no display.

        Raises RenderError without PyVista or a window of OpenGL.
        """
        ready("png")
        return stage.draw(self, window() in HEADLESS if off_screen is None else off_screen)

    @cached_property
    def plotter(self) -> pv.Plotter:
        """PyVista's plotter with the scene, to go on with."""
        return self.draw()

    @cached_property
    def blocks(self) -> pv.MultiBlock:
        """PyVista's meshes, to go on with: a block for each type of equipment, pipes, cables, and computed air.

        Cell arrays of equipment: `name_id`, which counts in the field array `names`, and all variables of its type in
        SI units.
        """
        from twin.show.scene.vtk import blocks

        return blocks(self)

    def show(self) -> Picture | None:
        """Show it in a window until that is closed; in a notebook as a page to turn and pick, or still.

        Raises RenderError without PyVista, a window of OpenGL, or a display.
        """
        notebook = in_notebook()
        plotter = self.draw(off_screen=True if notebook else None)
        try:
            if notebook:
                from twin.show.html import page

                return Picture(_png(plotter), page(self))
            if plotter.off_screen:
                raise RenderError(NO_DISPLAY)
            plotter.show()
            return None
        finally:
            plotter.close()

    def _repr_png_(self) -> bytes:
        plotter = self.draw(off_screen=True)
        try:
            return _png(plotter)
        finally:
            plotter.close()

    def of(self, scenario: int) -> Scene:
        """The same scene of another scenario, on the same scale."""
        other = self._copy("variable", "values", *(["lost"] if scenario in self.lost else []))
        other.scenario, other.scale = scenario, self.scale
        return other

    def showing(self, result: Result) -> Scene:
        """The same things as another result of this facility has them, of one scenario, on a scale that holds both."""
        other = self._copy()
        other.result, other.scenario, other.frames = result, 0, (0,)
        other.variable = paint.variable(result, self.color, self.variable.unit)
        both = np.concatenate([other.values[:, 0], [self.scale.low, self.scale.high]])
        other.scale = paint.scale(other.variable, both[np.isfinite(both)])._replace(title=self.scale.title)
        return other

    def _copy(self, *shared: str) -> Scene:
        """A copy without what has been worked out but what is shared."""
        other = copy(self)
        for name in [n for n in vars(other) if isinstance(getattr(Scene, n, None), cached_property)]:
            if name not in shared:
                del other.__dict__[name]
        return other

    def save(self, path: str | Path, to: str | None = None) -> Path:
        """Write it to a file by its ending: .png, .gif, .html, .glb, .usd(a|c|z), .vtp, .vtk, .vtm, .vti or .npz.

        to: what the ending must be of, as `twin export --to` has it. Nothing is left half-written; the path comes back.
        Raises LayoutError for what cannot be written, RenderError where something is missing for it.
        """
        from twin.show.export import save

        return save(self, path, to)


def scenario_text(result: Result, scenario: int) -> str:
    """What a scenario is called: its label, or its values, or its number."""
    solution, i = result.part(scenario)
    plant = solution.plant
    if plant.labels is not None:
        return str(plant.labels[i])
    if not 0 < len(plant.coordinates) <= NAMED:
        return f"scenario {scenario}"
    told = []
    for address, values in plant.coordinates.items():
        here = paint.shown(address, values[i : i + 1], {"units": cf_unit_of(plant.facility, address)})
        words = address.rpartition(".")[2].replace("_", " ")
        told.append(f"{words} {here.values[0]:,.4g} {here.unit}".strip())
    return ", ".join(told)


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _png(plotter: pv.Plotter) -> bytes:
    """The picture of a plotter."""
    data = io.BytesIO()
    plotter.screenshot(data)
    return data.getvalue()


def _corners(low: Array, high: Array) -> Array:
    """All corners of boxes between corners, (corner, 3)."""
    unit = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    return (low[:, None] + (high - low)[:, None] * unit).reshape(-1, 3)


def _detail(things: Things) -> Detail:
    """By how many things and rooms there are."""
    if len(things.floors) > MAX_ROOMS:
        return "rooms"
    return "full" if len(things.names) <= MAX_FULL else "boxes"
