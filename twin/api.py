"""The public calls: solve a layout, bound its density, and the Result that users hold."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from twin import columns
from twin.air.response import Response, RoomAir, response
from twin.air.turns import Air, AirSolution, FiniteVolume, model
from twin.air.turns import solve as solve_air
from twin.columns import Array
from twin.elements import Status
from twin.facility.build import load
from twin.facility.files import LayoutError, hint
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.facility.scenarios import Scenarios, read
from twin.facility.tables import Given
from twin.kernels.arrays import home
from twin.kernels.later import later
from twin.money.cost import Annual
from twin.plant.compile import Plant, compile
from twin.results import store, tables
from twin.results.dataset import Joined, by_element, dataset, field, reason
from twin.results.envelopes import Exposure, exposures
from twin.results.figures import Figures, figures
from twin.results.files import write
from twin.results.limits import Binding, Margins, binding, exceeded, margins, worst
from twin.results.room_indices import capture_indices
from twin.results.warnings import warnings
from twin.results.whole import narrowed, whole
from twin.serving.tokens import at_work, check_served
from twin.solver.pace import Pace
from twin.solver.steady import Progress, Solution
from twin.study.agents import AgentLoad, agent_load
from twin.study.bound import GROUPS, Bound, Bounds, Computed, Scale, of_groups, rescale, scaled_racks
from twin.study.bound import bound as find_bound
from twin.study.bound import bounds as find_bounds
from twin.study.bound import scaled_rows as rows_in_question
from twin.study.day import Day, day
from twin.study.parts import Part, of_response, plants
from twin.study.parts import solve as solve_parts
from twin.study.prices import prices
from twin.study.stream import check_size, stream

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from twin.show.plots import results as plots
    from twin.show.scene.scene import Scene
else:
    xr, pd, plots = map(later, ("xarray", "pandas", "twin.show.plots.results"))


@dataclass(frozen=True, repr=False)
class Result:
    """A solved facility. `dataset` holds the numbers; item access falls through to it.

    facility: what was solved. scenarios: as they were given, None for the layout's own. parts: solutions of scenarios
    in which the same components are alike, the first of which are solved for all. air: how the air was computed. held:
    what binds when racks grow denser, as the file says from which the result was read, if any. bounds: the sustainable
    densities of each part, none where they were not asked for.

    >>> twin.solve("gb300_hall")["pue"]
    """

    facility: Facility
    scenarios: Scenarios | None
    parts: tuple[Part, ...]
    air: Air
    held: Binding | None = None
    bounds: tuple[Bounds, ...] = ()

    @cached_property
    def air_solution(self) -> AirSolution:
        """The plant with the air of its rooms, all components solved for written out."""
        (_, first), *_ = self.parts
        if first.plant.classes.component is None and len(self.parts) == 1:
            return first
        self._check_size()
        plant = at_work(compile(self.facility, self.scenarios))
        if isinstance(self.air, Response):
            plant = self.air.carried(plant)
        return AirSolution(plant, whole(plant, [(chosen, air.solution) for chosen, air in self.parts]))

    @property
    def plant(self) -> Plant:
        """The facility and its scenarios as arrays, all components."""
        return self.air_solution.plant

    @property
    def solution(self) -> Solution:
        """Solved columns of all components, and the status of every scenario."""
        return self.air_solution.solution

    @property
    def size(self) -> int:
        """How many scenarios there are."""
        return sum(len(part.scenarios) for part in self.parts)

    @cached_property
    def status(self) -> Array:
        """What became of every scenario, see `Status` (scenario,)."""
        return self._by_scenario(part.air.solution.status for part in self.parts)

    @property
    def stopped(self) -> bool:
        """Whether computed air was interrupted before its errors were below the tolerance."""
        return any(part.air.stopped for part in self.parts)

    @property
    def rooms(self) -> tuple[RoomAir, ...]:
        """Computed air of rooms, none where it is mixed; where it is computed all scenarios are one part."""
        return self.parts[0].air.rooms

    def part(self, scenario: int = 0) -> tuple[Solution, int]:
        """The solution that a scenario is in, of the first of everything that is alike, and its number there.

        Raises IndexError for a scenario that there is not.
        """
        for part in self.parts:
            at = np.flatnonzero(part.scenarios == scenario)
            if len(at):
                return part.air.solution, int(at[0])
        raise IndexError(f"no scenario {scenario}; there are {self.size}, counted from 0")

    def _check_size(self) -> None:
        """Raises LayoutError where the columns of all components take more memory than they may."""
        if self.scenarios is not None:
            check_size(self.facility, self.scenarios)

    def _by_scenario(self, values: Iterable[Array]) -> Array:
        """Numbers of each part, one or (scenario of the part,), in the order of the scenarios (scenario,)."""
        first, *others = values
        if not others:
            return first
        joined = np.empty(self.size, np.asarray(first).dtype)
        for part, value in zip(self.parts, (first, *others), strict=True):
            joined[part.scenarios] = value
        return joined

    @cached_property
    def dataset(self) -> xr.Dataset:
        """All results, labelled: dimensions `scenario`, `rack`, `cdu`, ...; SI units; provenance in `attrs`.

        Raises LayoutError where that takes more than 8 GB; figures, limits and warnings need no more than their own.
        """
        self._check_size()
        found = [dataset(part.air) for part in self.parts]
        if self.bounds:
            found = [data.assign(bound.variables()) for data, bound in zip(found, self.bounds, strict=True)]
        return self._joined(found)

    def _joined(self, found: Sequence[xr.Dataset]) -> xr.Dataset:
        """Datasets of the parts as one, in the order of the scenarios."""
        if len(found) == 1:
            return found[0]
        joined = Joined(self.size)
        for part, data in zip(self.parts, found, strict=True):
            joined.take(part.scenarios, data)
        return joined.dataset(self.size)

    @cached_property
    def by_element(self) -> Mapping[str, str]:
        """Names of the variables of the dataset that are numbers of elements, and the dimension of each."""
        return by_element(self.parts[0].air)

    def variables(self, names: Sequence[str]) -> xr.Dataset:
        """Some variables of the dataset that elements have, worked out without the others.

        Raises LayoutError for a name that there is not.
        """
        if unknown := [n for n in names if n not in self.by_element]:
            told = hint(unknown[0], self.by_element)
            raise LayoutError(self.facility.name, [f"no variable of elements is called {unknown[0]!r}{told}"])
        if "dataset" in vars(self):  # a cached property: all of them have been worked out
            return self.dataset[list(names)]
        return self._joined([dataset(part.air, frozenset(names)) for part in self.parts])

    @cached_property
    def response(self) -> Response:
        """How the computed air of the first scenario answers others; LayoutError where none was computed."""
        if not self.rooms:
            raise LayoutError(self.facility.name, ["air: no field was computed; solve with air=FiniteVolume(...)"])
        return response(self.plant, self.solution, self.rooms)

    def capture_index(self) -> xr.Dataset:
        """Capture indices of the racks of computed rooms, flows as in the first scenario: cold and hot (rack,) [1].

        Cold: of what a rack breathes the share that comes straight from coolers. Hot: of what it exhausts the share
        that goes straight to coolers [VanGilder & Shrivastava, ASHRAE Trans. 113 (1) (2007) 125]. Raises LayoutError
        where no air was computed.

        >>> twin.solve("gb300_hall", air=twin.FiniteVolume(cell=0.6)).capture_index().cold.min()
        """
        return capture_indices(self.response)

    def field(self, room: str) -> xr.Dataset:
        """Mean air of a computed room in its cells, (scenario, z, y, x) [m]: temperature, velocity, humidity.

        Nothing within a room gives water to its air or takes any, so that its dew point is the room's everywhere.
        """
        computed = next((r for r in self.rooms if r.room == room), None)
        if computed is None:
            there = ", ".join(r.room for r in self.rooms) or "none"
            raise LayoutError(self.facility.name, [f"air: no field of a room {room!r}; there are {there}"])
        zone = self.plant.fan.zone[computed.fan[0]]
        return field(computed, self.solution[columns.zone.dew_point][zone])

    @cached_property
    def figures(self) -> Figures:
        """Headline figures, one value per scenario."""
        parts = [figures(part.air.solution) for part in self.parts]
        if len(parts) == 1:
            return parts[0]
        names = [f.name for f in fields(Figures) if f.name != "annual"]
        numbers = {name: self._by_scenario(getattr(part, name) for part in parts) for name in names}
        annual = map(self._by_scenario, zip(*(part.annual for part in parts), strict=True))
        return Figures(**numbers, annual=Annual(*annual))

    @cached_property
    def margins(self) -> Margins:
        """Margin of every element to every limit."""
        return margins(self.solution)

    @cached_property
    def bound(self) -> Bound:
        """Highest sustainable uniform rack density of the first scenario."""
        return bound(self)[0]

    @cached_property
    def warnings(self) -> list[tuple[str, ...]]:
        """What to know of every scenario beside its numbers: aims missed, models outside their box, racks unserved."""
        told: list[tuple[str, ...]] = [()] * self.size
        for part in self.parts:
            for scenario, texts in zip(
                part.scenarios.tolist(), warnings(part.air.solution, part.air.rooms), strict=True
            ):
                told[scenario] = texts
        return told

    def day(self, scenario: int = 0) -> Day | None:
        """What is sold in a day of the layout's demand as a scenario has it, rooms mixed; None without a demand."""
        return day(*self.part(scenario))

    def agents(self, scenario: int = 0, users: int | None = None) -> AgentLoad:
        """How the agents of the layout are served: throughput, latencies, and how far every layer is used.

        `users` stand for those of the layout. Raises ValueError where it has no agents, or they cannot be served.
        """
        return agent_load(*self.part(scenario), users)

    @property
    def ok(self) -> bool:
        """Whether every scenario was solved."""
        return bool((self.status == Status.OK).all())

    def __getitem__(self, name: str) -> xr.DataArray:
        return self.dataset[name]

    def __repr__(self) -> str:
        states = [Status(int(s)).name.lower() for s in self.status]
        over = self._by_scenario(exceeded(margins(part.air.solution)) for part in self.parts)
        states = ["limit_exceeded" if s == "ok" and passed else s for s, passed in zip(states, over, strict=True)]
        counted = ", ".join(f"{states.count(s):,} {s}" for s in sorted(set(states)))
        warned = sum(bool(texts) for texts in self.warnings)
        told = f", {warned:,} with warnings" if warned else ""
        return f"<Result {self.facility.name}: scenarios {counted}{told}>"

    def worst(self, scenario: int = 0) -> tuple[Binding, ...]:
        """The tightest element of every limit, tightest first."""
        solution, i = self.part(scenario)
        return worst(margins(solution, at=np.array([i])))

    def binding(self, scenario: int = 0) -> Binding | None:
        """What binds when racks grow denser, where `bound` has been found, else the tightest limit; nothing is solved.

        None where nothing is limited.
        """
        found: Bound | None = vars(self).get("bound")  # a cached property: it is there once it has been found
        return (found.limit if found else self.held) or next(iter(self.worst(scenario)), None)

    def envelopes(self, scenario: int = 0) -> tuple[Exposure, ...]:
        """Air of racks beside ASHRAE's recommended and allowable envelopes, facility water and coolant beside classes.

        A row for the air of each rack, the coolant of each liquid rack and the facility water of each CDU, in SI units.

        >>> pandas.DataFrame(twin.solve("gb300_hall").envelopes())
        """
        return exposures(*self.part(scenario))

    def explain(self, scenario: int = 0) -> str:
        """Which limit binds when racks grow denser, on which element, and the cheapest lever, in two sentences.

        Of a scenario without solution, or whose values cannot be, why. The rooms' air is mixed or carried in this
        search, see `bound`; `tightest` lists limits as they are.

        >>> print(twin.solve("gb300_hall").explain())
        """
        solution, i = self.part(scenario)
        if solution.status[i]:
            return reason(solution, i)
        if isinstance(self.air, Response) or self.rooms:
            carried = self.air if isinstance(self.air, Response) else self.response
            return prices(self.facility, self._scenario(scenario), carry=carried).sentences()
        return prices(self.facility, self._scenario(scenario)).sentences()

    def _scenario(self, scenario: int) -> Scenarios | None:
        """One scenario by itself."""
        return None if self.scenarios is None else self.scenarios.part(np.array([scenario]))

    def tightest(self, scenario: int = 0) -> str:
        """Which limits are tightest as things are, one line each; of a scenario whose values cannot be, why."""
        solution, i = self.part(scenario)
        if i in solution.plant.invalid:
            return solution.plant.invalid[i].reason
        rows = [f"{b.name:28s} {b.where:24s} {b.texts[4]}" for b in self.worst(scenario)]
        return "\n".join(rows)

    def scene(
        self,
        color: str | None = None,
        scenario: int = 0,
        *,
        frames: Sequence[int] | None = None,
        view: Literal["site", "hall", "row", "plant", "top"] = "site",
        pipes: bool = True,
        cables: bool | None = None,
        labels: bool = True,
        air: Sequence[Literal["slices", "isosurfaces", "streamlines"]] = ("slices",),
        detail: Literal["full", "boxes", "rooms"] | None = None,
    ) -> Scene:
        """The facility in three dimensions: `show` opens it, `save` writes a file, `plotter` is PyVista's own.

        color: what by, temperatures of rack inlets if not given: a variable of the Dataset, an ending that several
        types share such as "loading", "margin" or "tokens_per_s". scenario: which one pictures show; frames: which
        ones animations do, all if not given. See `twin.show.scene.scene.Scene` for the rest. Raises LayoutError for
        what there is not.

        >>> twin.solve("gb300_hall").scene(color="loading", view="plant").save("plant.png")
        """
        from twin.show.scene.scene import Scene

        options = {"frames": frames, "view": view, "pipes": pipes, "cables": cables, "labels": labels}
        return Scene(self, color, scenario, **options, air=air, detail=detail)  # type: ignore[arg-type]

    @property
    def plot(self) -> plots.ResultPlots:
        """Plots of it: `plot()` is the overview, `plot.sankey()`, `plot.single_line()`, `plot.flow_diagram()`, ...

        They need the extra `plots`; `plot.limits`, `plot.floor_plan`, `plot.cost` and `plot.pue` are the others.
        """
        return plots.ResultPlots(self)

    def table(self, name: str) -> pd.DataFrame:
        """A table in the units of the screen: of a dimension such as "rack", "equipment", "limits" or "scenarios".

        Rows of several scenarios have their number before the name. Raises LayoutError for what there is none of.

        >>> twin.solve("gb300_hall").table("rack")["rack_power [kW]"]
        """
        return tables.table(name, self.dataset, self.solution, self.margins)

    def write(self, path: str | Path, table: str | None = None) -> Path:
        """Write as .nc or .zarr the dataset, or as .xlsx, .csv or .parquet the tables; nothing is left half-written.

        Beside the dataset stands in groups what `open_result` needs: of computed air its fields and its response.
        .xlsx has all tables as sheets, .csv and .parquet write FILE_rack.csv and so on; `table` picks one of them.
        """
        path = Path(path)
        if path.suffix in tables.ENDINGS:
            tables.ready(path)
            chosen = [table] if table else tables.names(self.dataset)
            tables.write({name: self.table(name) for name in chosen}, path)
            return path
        if table:
            raise LayoutError(f"output {path}", [f"table: picks one of {', '.join(tables.ENDINGS)}"])
        found: Bound | None = vars(self).get("bound")
        limit = found.limit if found else self.held
        air = self.response if self.rooms else self.air if isinstance(self.air, Response) else None
        symmetry = any(part.air.plant.classes.component is not None for part in self.parts)
        return write(self.dataset, path, store.groups(self.air_solution, self.air, air, limit, symmetry))

    def _repr_html_(self) -> str:
        f = self.figures
        rows = [
            ("Facility power", f"{f.facility_power[0] / 1e6:.3f} MW"),
            ("PUE", f"{f.pue[0]:.4f}"),
            ("IT power", f"{f.it_power[0] / 1e6:.3f} MW"),
            ("Tokens/s", f"{f.tokens_per_s[0]:,.0f}"),
        ]
        tight = self.worst()
        if tight:
            rows.append(("Tightest limit", f"{tight[0].name} at {tight[0].where}"))
        rows += [("Warning", text) for text in self.warnings[0]]
        body = "".join(f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in rows)
        count = self.size
        return f"<b>{html.escape(self.facility.name)}</b>, {count} scenario{'s' * (count > 1)}<table>{body}</table>"


@overload
def solve(
    layout: str | Path | Layout | Facility,
    scenarios: Given | None = None,
    *,
    outputs: None = None,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    device: str = "cpu",
    air: Air | Literal["mixed", "finite_volume"] | None = None,
    bound: bool = False,
    symmetry: bool = True,
    progress: Progress | None = None,
) -> Result: ...
@overload
def solve(
    layout: str | Path | Layout | Facility,
    scenarios: Given | None = None,
    *,
    outputs: Sequence[str],
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    device: str = "cpu",
    air: Air | Literal["mixed", "finite_volume"] | None = None,
    bound: bool = False,
    symmetry: bool = True,
    progress: Progress | None = None,
) -> xr.Dataset: ...
def solve(
    layout: str | Path | Layout | Facility,
    scenarios: Given | None = None,
    *,
    outputs: Sequence[str] | None = None,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    device: str = "cpu",
    air: Air | Literal["mixed", "finite_volume"] | None = None,
    bound: bool = False,
    symmetry: bool = True,
    progress: Progress | None = None,
) -> Result | xr.Dataset:
    """Solve power, coolant, heat and air of a facility in one or many scenarios.

    layout: a shipped layout by name, a YAML file, YAML text, a Layout, or a loaded Facility. scenarios: SI values by
    address, such as site.dry_bulb [K] or rack.it_power [W], or texts with units, one or one per scenario (scenario,),
    as a mapping, a DataFrame or Dataset whose index labels the scenarios, or a list of mappings. Where they give the
    dry bulb alone, the layout's air is warmed or cooled to it: it keeps the relative humidity or the dew point that the
    layout states, of a stated wet bulb the humidity ratio, and is at most saturated; beside a wet bulb alone the
    layout's dry bulb is at most that of air without moisture, with a warning. outputs: what to keep of each scenario,
    if not all: names of variables of the dataset, "figures" for all headline figures, "limits" for the tightest limit,
    "bound" for the sustainable density; a Dataset of these, with status and reason, comes back, and any number of
    scenarios is solved in the memory that they take, chunk by chunk; Ctrl-C then raises `Interrupted` with what was
    done. case: one of the layout's cases. overrides: values with units by address, as in files. device: cpu, cuda, or
    auto for a GPU where there is one; few scenarios are faster on the CPU. air: Mixed() if not given,
    FiniteVolume(cell) to compute the air of placed rooms, or the `response` of a result that did; "mixed" and
    "finite_volume" stand for the first two with their defaults. bound: whether to find the highest sustainable density
    of the racks in every scenario and the limit that binds there, as variables of the dataset. symmetry: whether
    components that are alike in a scenario are solved once, the first of them for all; answers are the same to
    rounding. progress: called with how far that is, at most about twice a second.

    Raises LayoutError for bad input, for an unknown output, and where what is solved of so many scenarios would take
    more than 8 GB; DeviceError for a GPU that is not there. A scenario without solution, or with values that cannot be,
    carries a status and a reason, and the others stand.

    >>> twin.solve("gb300_hall", {"site.dry_bulb": [278.15, 308.15]}).figures.pue
    """
    home(device)  # a device that is not there is refused before any work
    air_model = model(air)
    facility = _facility(layout, case, overrides)
    check_served(facility)
    given = read(facility, {} if scenarios is None else scenarios)
    check_served(facility, given.coordinates)
    if outputs is not None:
        return stream(facility, given, outputs, air_model, device, progress, symmetry)
    check_size(facility, given, symmetry and not isinstance(air_model, FiniteVolume))
    pace, own = Pace(given.size, progress), None if scenarios is None else given
    parts = tuple(solve_parts(facility, own, air_model, device, progress, pace.advance, symmetry))
    found = tuple(find_bounds(part.air.plant, progress=progress) for part in parts) if bound else ()
    return Result(facility, own, parts, air_model, bounds=found)


def open_result(path: str | Path) -> Result:
    """A result that `Result.write` or `twin solve -o` has written: dataset, figures, margins, computed air, response.

    path: a .nc or .zarr file. Nothing is solved: what is asked or drawn of it is what was solved then. Raises
    LayoutError for another file, and for one of another version of this package.

    >>> twin.draw(twin.open_result("hall.nc"))
    """
    kept = store.read(path)
    solved = kept.air_solution
    parts = [Part(np.arange(solved.plant.scenarios), solved)]
    if kept.symmetry:
        marks = of_response(kept.facility, kept.air)
        carried = kept.air.carried if isinstance(kept.air, Response) else lambda plant: plant
        groups = [(chosen, carried(plant)) for chosen, plant in plants(kept.facility, kept.scenarios, marks)]
        parts = [Part(chosen, AirSolution(p, narrowed(solved.solution, p, chosen))) for chosen, p in groups]
    result = Result(kept.facility, kept.scenarios, tuple(parts), kept.air, kept.limit)
    vars(result)["air_solution"] = solved
    vars(result)["dataset"] = kept.dataset  # cached properties, which need not be worked out again
    if kept.response is not None:
        vars(result)["response"] = kept.response
    return result


def _facility(
    layout: str | Path | Layout | Facility, case: str | None, overrides: Mapping[str, object] | None
) -> Facility:
    if isinstance(layout, Facility):
        if case or overrides:
            raise LayoutError(layout.name, ["case and overrides are given to load"])
        return layout
    return load(layout, case, overrides)


def bound(
    layout: str | Path | Layout | Facility | Result,
    *,
    scale: Scale = "chips",
    per: str | None = None,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> list[Bound]:
    """Highest sustainable rack density: that of all racks together first, then of each group alone.

    layout: as `solve` takes it, or the Result of one scenario. scale: "chips" (more accelerators of the same power per
    rack) or "chip_power". per: "class", "row" or "rack" to bound such groups of racks too, the others as laid out.
    case, overrides: as `solve` takes them. progress: called with the scale that is tried. With computed air the search
    takes the response of its flow, and the bound of all racks is solved again with the full flow there.

    Raises LayoutError for bad input and for more than one scenario.

    >>> twin.bound("gb300_hall")[0].limit
    """
    if per is not None and per not in GROUPS:
        raise LayoutError("bound", [f"per {per!r} is none of {', '.join(GROUPS)}"])
    result = layout if isinstance(layout, Result) else solve(layout, case=case, overrides=overrides)
    if result.size != 1:
        told = "a bound is found for one scenario at a time; solve(..., bound=True) finds those of all"
        raise LayoutError(result.facility.name, [told])
    plant = result.part()[0].plant
    if result.rooms:
        plant = result.response.carried(result.plant)
    bounds = [find_bound(plant, scale, progress=progress)]
    if result.rooms and bounds[0].scale and isinstance(result.air, FiniteVolume):
        bounds[0] = replace(bounds[0], computed=_computed(result, bounds[0], progress))
    if per is not None:
        groups = GROUPS[per](result.facility, scaled_racks(plant))
        if isinstance(result.air, Response):  # rooms that it does not carry are solved by class
            plant = result.plant
        full = plant if plant.classes.component is None else None
        bounds += of_groups(result.facility, result.scenarios, groups, scale, progress, full)
    if scale == "chips":
        vars(result)["bound"] = bounds[0]  # the cached property, which need not find it again
    return bounds


def _computed(result: Result, highest: Bound, progress: Progress | None) -> Computed | None:
    """The plant at a bound with its air computed there."""
    assert isinstance(result.air, FiniteVolume)
    plant = rescale(result.plant, highest.scale, rows_in_question(result.plant), highest.basis)
    solved = solve_air(plant, replace(result.air, coarse=False), progress=progress)
    at = np.concatenate([r.engine for r in solved.rooms])
    inlets = [s[columns.engine.air_inlet][at, 0] for s in (solved.solution, highest.solution)]
    m = margins(solved.solution)
    row = int(np.argmin(m.relative[:, 0]))
    difference = float(np.abs(inlets[0] - inlets[1]).max(initial=0.0))
    return Computed(difference, float(m.relative[row, 0]), binding(m, row))
