"""Solution to xarray.Dataset, and the Result that users hold."""

from __future__ import annotations

import html
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from twin.airflow import Air, Aired, FiniteVolume, Mixed
from twin.airflow import solve as solve_aired
from twin.coupling import Solution, steady
from twin.demand import Day, day
from twin.domains.room import REFERENCE
from twin.elements import REASONS, Plant, Status
from twin.facility import Facility, load
from twin.figures import Figures, figures
from twin.fluids import saturation_pressure
from twin.inlets import Response, RoomAir, response
from twin.kernels.arrays import home
from twin.layout import LayoutError
from twin.limits import GROUPS, Binding, Bound, Computed, Margins, Scale, binding, exceeded, margins, rescale, worst
from twin.limits import bound as find_bound
from twin.limits import scaled_rows as rows_in_question
from twin.money import yearly
from twin.plant import compile
from twin.scenarios import si_unit
from twin.tokens import asked, at_work, served, stated

KPIS = {
    "facility_power": ("W", "power at the utility meter"),
    "system_power": ("W", "power of racks and CDUs"),
    "it_power": ("W", "power of racks at their feeds"),
    "pue": ("1", "power usage effectiveness"),
    "heat_to_liquid": ("W", "rack heat into coolant"),
    "heat_to_air": ("W", "rack heat into room air"),
    "conversion_loss": ("W", "losses of rack shelves and board converters"),
    "electrical_loss": ("W", "losses of the power train up to the racks"),
    "cooling_power": ("W", "pumps, CDUs, air handling and heat rejection"),
    "provisioned_power": ("W", "nameplate of racks and network times PUE"),
    "tokens_per_s": ("s-1", "tokens served"),
    "usd_per_mw_year": ("USD MW-1 a-1", "yearly cost per MW drawn"),
    "usd_per_million_tokens": ("USD", "cost of a million tokens"),
    "usd_per_million_output_tokens": ("USD", "cost of a million output tokens, inputs going free"),
    "margin_per_mw_year": ("USD MW-1 a-1", "income less yearly cost per MW drawn; none without a price of tokens"),
    "first_token": ("s", "longest time to a first token; known to physics only"),
    "energy_audit": ("1", "(electricity in - heat out) / electricity in"),
    "water": ("kg s-1", "make-up water"),
    "carbon": ("kg s-1", "carbon dioxide equivalent of the energy drawn"),
}


def dataset(aired: Aired) -> xr.Dataset:
    """Everything reported, labelled: dims `scenario`, `rack`, `cdu`, ...; SI with CF `units`; provenance in attrs."""
    solution, plant = aired.solution, aired.solution.plant
    variables: dict[str, Any] = {}
    names: dict[str, list[str]] = {}
    for item in plant.reports:
        names.setdefault(item.dimension, []).extend(item.elements)
    labels = {d: sorted(set(v)) for d, v in names.items()}
    where = {d: {n: i for i, n in enumerate(v)} for d, v in labels.items()}
    for item in plant.reports:
        if item.name not in variables:
            empty = np.full((len(labels[item.dimension]), plant.scenarios), np.nan)
            attrs = {"units": item.unit, "long_name": item.long_name}
            variables[item.name] = ((item.dimension, "scenario"), empty, attrs)
        rows = [where[item.dimension][n] for n in item.elements]
        variables[item.name][1][rows] = np.where(solution.status == Status.OK, solution[item.value], np.nan)
    numbers = figures(solution)
    for name, (unit, text) in KPIS.items():
        variables[name] = ("scenario", np.array(getattr(numbers, name), float), {"units": unit, "long_name": text})
    items = yearly(solution, numbers.annual)
    cost = {"units": "USD a-1", "long_name": "yearly cost by item"}
    variables["yearly_cost"] = (("cost_item", "scenario"), np.array(list(items.values())), cost)
    labels["cost_item"] = list(items)
    status = np.array([int(s) for s in solution.status], np.int8)
    flags = {"flag_values": [int(s) for s in Status], "flag_meanings": " ".join(s.name.lower() for s in Status)}
    variables["status"] = ("scenario", status, flags)
    variables["reason"] = ("scenario", np.array([reason(solution, i) for i in range(plant.scenarios)], object))
    variables["iterations"] = ("scenario", solution.iterations)
    variables["limit_exceeded"] = ("scenario", exceeded(margins(solution)))
    variables |= _aired(aired, labels, where)
    coordinates: dict[str, Any] = dict(labels)
    for address, values in plant.coordinates.items():
        unit = si_unit(plant.facility, address)
        coordinates[address] = ("scenario", np.array(values), {"long_name": address, "units": unit})
    return xr.Dataset(variables, coordinates, provenance(solution))


def _aired(aired: Aired, labels: dict[str, list[str]], where: dict[str, dict[str, int]]) -> dict[str, Any]:
    """What computed rooms add: the error bar of every rack's inlet, the return of every cooler, heat and mass."""
    if not aired.rooms:
        return {}
    shape = lambda dimension: np.full((len(labels.get(dimension, ())), aired.plant.scenarios), np.nan)  # noqa: E731
    error, intake = shape("rack"), shape("crah")
    for room in aired.rooms:
        for rows, things, values, dimension in (
            (error, room.geometry.racks, room.mean.error, "rack"),
            (intake, room.geometry.coolers, room.mean.intake, "crah"),
        ):
            rows[[where[dimension][t.name] for t in things]] = values
    names = [room.room for room in aired.rooms]
    labels["computed_room"] = names
    table = lambda values: np.array([np.broadcast_to(v, aired.plant.scenarios) for v in values], float)  # noqa: E731
    by_room = {
        "air_flushes": ([r.mean.flushes for r in aired.rooms], "1", "flushes of the room that were computed"),
        "air_heat_imbalance": ([r.mean.imbalance for r in aired.rooms], "1", "heat that coolers took over heat given"),
        "air_leak": ([r.mean.leak for r in aired.rooms], "1", "air through closed faces over what coolers move"),
        "air_divergence": ([r.mean.divergence for r in aired.rooms], "1", "largest net flow of a cell over the inflow"),
        "air_last_change": ([r.moved for r in aired.rooms], "K", "largest change of an inlet in the last turn"),
    }
    told = {
        k: (("computed_room", "scenario"), table(v), {"units": u, "long_name": t}) for k, (v, u, t) in by_room.items()
    }
    bar = {"units": "K", "long_name": "twice the standard error of the inlet"}
    drawn = {"units": "K", "long_name": "air drawn by the cooler"}
    return told | {
        "rack_inlet_error": (("rack", "scenario"), error, bar),
        "crah_intake_temperature": (("crah", "scenario"), intake, drawn),
    }


def reason(solution: Solution, scenario: int) -> str:
    """Why a scenario failed, naming the domain and the worst element; empty if it did not."""
    status = Status(int(solution.status[scenario]))
    if status == Status.OK:
        return ""
    text = REASONS[status]
    if status == Status.ELECTRICAL and len(solution.columns["bus.voltage"]):
        size = np.nan_to_num(solution.columns["bus.voltage"][:, scenario], nan=0.0)
        return f"{text} (lowest voltage {size.min():.3f} pu at {solution.plant.bus_names[int(size.argmin())]})"
    if status == Status.OVERHEATED:
        return (
            f"{text} (at {solution.plant.node_names[int(solution.columns['node.temperature'][:, scenario].argmax())]})"
        )
    return f"{text} (residual {solution.residual[scenario]:.1e} after {solution.iterations[scenario]} passes)"


STATED = 20
"""Different terms of serving that a dataset names; its coordinates have them all."""


def provenance(solution: Solution) -> dict[str, Any]:
    """Where a dataset comes from: layout and its hash, versions, device, precision, time."""
    facility = solution.plant.facility
    return {
        "title": facility.name,
        "layout": facility.source,
        "layout_hash": facility.hash,
        "twin_version": version("aifactory-twin"),
        "numpy_version": np.__version__,
        "python_version": platform.python_version(),
        "device": solution.device,
        "precision": "float64",
        "wall_seconds": solution.seconds,
        "serving": "; ".join(stated(terms, solution.plant) for terms, _ in asked(solution.plant)[:STATED]),
    }


@dataclass(frozen=True, repr=False)
class Result:
    """A solved facility. `.dataset` holds the numbers; item access falls through to it."""

    facility: Facility
    aired: Aired
    air: Air

    @property
    def plant(self) -> Plant:
        """What was solved."""
        return self.aired.plant

    @property
    def solution(self) -> Solution:
        """What was found."""
        return self.aired.solution

    @cached_property
    def dataset(self) -> xr.Dataset:
        """All results, labelled; see `dataset.dataset`."""
        return dataset(self.aired)

    @cached_property
    def response(self) -> Response:
        """How the computed air of the first scenario answers others; LayoutError where none was computed."""
        if not self.aired.rooms:
            raise LayoutError(self.facility.name, ["air: no field was computed; solve with air=FiniteVolume(...)"])
        return response(self.plant, self.solution, self.aired.rooms)

    def field(self, room: str) -> xr.Dataset:
        """Mean air of a computed room in its cells, (scenario, z, y, x) [m]: temperature, velocity, humidity.

        Nothing within a room gives water to its air or takes any, so that its dew point is the room's everywhere.
        """
        found = next((r for r in self.aired.rooms if r.room == room), None)
        if found is None:
            there = ", ".join(r.room for r in self.aired.rooms) or "none"
            raise LayoutError(self.facility.name, [f"air: no field of a room {room!r}; there are {there}"])
        return _field(found, self.plant.zone.dew_point[self.plant.fan.zone[found.fan[0]]])

    @cached_property
    def figures(self) -> Figures:
        """Headline figures, one value per scenario."""
        return figures(self.solution)

    @cached_property
    def margins(self) -> Margins:
        """Margin of every element to every limit."""
        return margins(self.solution)

    @cached_property
    def bound(self) -> Bound:
        """Highest sustainable uniform rack density of the first scenario."""
        return bound(self)[0]

    def day(self, scenario: int = 0) -> Day | None:
        """What is sold in a day of the layout's demand as a scenario has it, rooms mixed; see `demand.day`."""
        return day(self.solution, scenario)

    @property
    def ok(self) -> bool:
        """Whether every scenario was solved."""
        return bool((self.solution.status == Status.OK).all())

    def __getitem__(self, name: str) -> xr.DataArray:
        return self.dataset[name]

    def __repr__(self) -> str:
        states = ", ".join(sorted({Status(int(s)).name.lower() for s in self.solution.status}))
        return f"<Result {self.facility.name}: {self.plant.scenarios} scenarios, {states}>"

    def worst(self, scenario: int = 0) -> tuple[Binding, ...]:
        """The tightest element of every limit, tightest first."""
        return worst(self.margins, scenario)

    def explain(self, scenario: int = 0) -> str:
        """Which limits are tightest, one line each."""
        rows = [f"{b.name:28s} {b.element:24s} {show(b.margin, b.dimension, True)}" for b in self.worst(scenario)]
        return "\n".join(rows)

    def write(self, path: str | Path) -> Path:
        """Write the dataset as .nc or .zarr; nothing is left behind if that fails."""
        return write(self.dataset, path)

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
            rows.append(("Tightest limit", f"{tight[0].name} at {tight[0].element}"))
        body = "".join(f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in rows)
        count = self.plant.scenarios
        return f"<b>{html.escape(self.facility.name)}</b>, {count} scenario{'s' * (count > 1)}<table>{body}</table>"


def _field(room: RoomAir, dew_point: Any) -> xr.Dataset:
    """A room's mean fields at the centres of its cells; nothing in solids. `dew_point` is (1|S,) [K]."""
    grid, mean = room.geometry.grid, room.mean.fields
    middle = {c: 0.5 * (grid.edges(c)[1:] + grid.edges(c)[:-1]) for c in "xyz"}
    inside = np.where(room.geometry.solid, np.nan, 1.0)
    dims, variables = ("scenario", "z", "y", "x"), {}
    kelvin = {"units": "K", "long_name": "mean air temperature"}
    variables["temperature"] = (dims, inside * (mean["T"] + REFERENCE), kelvin)
    air, dew = variables["temperature"][1], np.reshape(dew_point, (-1, 1, 1, 1))
    humidity = saturation_pressure(dew) / saturation_pressure(air)
    variables["relative_humidity"] = (dims, humidity, {"units": "1", "long_name": "relative humidity"})
    dry = {"units": "K", "long_name": "temperature above the dew point"}
    variables["dew_point_margin"] = (dims, air - dew, dry)
    for axis, name in zip("xyz", "uvw", strict=True):
        along = dims.index(axis)
        ends = [np.take(mean[name], range(first, mean[name].shape[along] - 1 + first), along) for first in (0, 1)]
        attrs = {"units": "m s-1", "long_name": f"mean air velocity along {axis}"}
        variables[f"velocity_{axis}"] = (dims, inside * 0.5 * (ends[0] + ends[1]), attrs)
    coordinates = {c: (c, v, {"units": "m"}) for c, v in middle.items()}
    return xr.Dataset(variables, coordinates, {"room": room.room, "flushes": room.mean.flushes})


UNITS = {
    "temperature": (1.0, "K"),
    "power": (1e3, "kW"),
    "fraction": (0.01, "%"),
    "mass_flow": (1.0, "kg/s"),
    "velocity": (1.0, "m/s"),
    "pressure": (1e3, "kPa"),
}


def show(value: float, dimension: str, difference: bool = False) -> str:
    """A limited value for the screen."""
    if not np.isfinite(value):
        return "unlimited"
    if dimension == "temperature" and not difference:
        return f"{value - 273.15:.1f} degC"
    factor, unit = UNITS[dimension]
    return f"{value / factor:,.1f} {unit}"


def write(data: xr.Dataset, path: str | Path) -> Path:
    """Write to .nc (netCDF4) or .zarr (v3) beside the target first, then rename."""
    path = Path(path)
    if path.suffix not in (".nc", ".zarr"):
        raise LayoutError(str(path), [f"output {path.name}: ending {path.suffix!r} is neither .nc nor .zarr"])
    if not path.parent.is_dir():
        raise LayoutError(str(path), [f"output: no folder {path.parent}"])
    if path.suffix == ".zarr" and path.exists() and not (path / "zarr.json").is_file():
        raise LayoutError(str(path), ["output exists and is no Zarr store; remove it first"])
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    old = partial.with_suffix(".old")
    text = {n: v.astype(object) for n, v in data.variables.items() if v.dtype.kind in "UO"}
    data = data.assign({n: v for n, v in text.items() if n in data}).assign_coords(
        {n: v for n, v in text.items() if n in data.coords}
    )
    try:
        if path.suffix == ".nc":
            data.assign(limit_exceeded=data["limit_exceeded"].astype("i1")).to_netcdf(partial, engine="h5netcdf")
        else:
            data.to_zarr(partial, zarr_format=3, consolidated=False, mode="w")
            if path.exists():
                path.replace(old)
        partial.replace(path)
    finally:
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.unlink(missing_ok=True)
    return path


def solve(
    layout: str | Path | Facility,
    scenarios: Mapping[str, Any] | None = None,
    *,
    case: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    device: str = "cpu",
    air: Air | None = None,
    progress: Callable[[str], Any] | None = None,
) -> Result:
    """Solve a facility, or a shipped or written layout, in one or many scenarios.

    `scenarios` maps addresses such as `site.dry_bulb` or `rack.it_power` to SI values, one per scenario. `device` is
    cpu, cuda, or auto for a GPU where there is one; few scenarios are faster on the CPU. `air` is Mixed() if not given,
    FiniteVolume(cell) to compute the air of placed rooms, or the `response` of a result that did; `progress(text)` is
    told how far that is.
    Raises LayoutError for bad input and DeviceError for a GPU that is not there; a scenario without solution carries a
    status and a reason.
    """
    home(device)  # a device that is not there is told before any work
    facility = _facility(layout, case, overrides)
    served(facility)
    plant = compile(facility, scenarios)
    served(facility, plant)
    plant = at_work(plant)
    air = air or Mixed()
    return Result(facility, solve_aired(plant, air, device, progress), air)


def _facility(layout: str | Path | Facility, case: str | None, overrides: Mapping[str, Any] | None) -> Facility:
    if isinstance(layout, Facility):
        if case or overrides:
            raise LayoutError(layout.name, ["case and overrides are given to load"])
        return layout
    return load(layout, case, overrides)


def bound(
    layout: str | Path | Facility | Result,
    *,
    scale: Scale = "chips",
    per: str | None = None,
    case: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    progress: Callable[[str], Any] | None = None,
) -> list[Bound]:
    """Highest sustainable rack density: scaling all racks alike, then each `per` class, row or rack alone.

    `scale` is "chips" (more accelerators of the same power per rack) or "chip_power". With computed air the search
    takes the response of its flow, and the bound of all racks is solved again with the full flow there.
    """
    if per is not None and per not in GROUPS:
        raise LayoutError("bound", [f"per {per!r} is none of {', '.join(GROUPS)}"])
    result = layout if isinstance(layout, Result) else solve(layout, case=case, overrides=overrides)
    if result.plant.scenarios != 1:
        raise LayoutError(result.facility.name, ["a bound is found for one scenario at a time"])
    plant, start = result.plant, result.solution
    if result.aired.rooms:
        plant = result.response.carried(plant)
        start = steady(plant)
    found = [find_bound(plant, scale, start=start, progress=progress)]
    if result.aired.rooms and found[0].scale and isinstance(result.air, FiniteVolume):
        found[0] = replace(found[0], computed=_computed(result, found[0], progress))
    for name, rows in (GROUPS[per](plant) if per else {}).items():
        say = (lambda text, name=name: progress(f"{name}: {text}")) if progress else None
        found.append(find_bound(plant, scale, rows, name, start=start, progress=say))
    return found


def _computed(result: Result, found: Bound, progress: Callable[[str], Any] | None) -> Computed | None:
    """The plant at a bound with its air computed there."""
    assert isinstance(result.air, FiniteVolume)
    plant = rescale(result.plant, found.scale, rows_in_question(result.plant), found.basis)
    aired = solve_aired(plant, replace(result.air, coarse=False), progress=progress)
    at = np.concatenate([r.engine for r in aired.rooms])
    inlets = [s.columns["engine.air_inlet"][at, 0] for s in (aired.solution, found.solution)]
    m = margins(aired.solution)
    row = int(np.argmin(m.relative[:, 0]))
    difference = float(np.abs(inlets[0] - inlets[1]).max(initial=0.0))
    return Computed(difference, float(m.relative[row, 0]), binding(m, row))
