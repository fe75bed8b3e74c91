"""A year of weather: every hour solved, and what comes of their sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin import columns
from twin.air.turns import Mixed
from twin.columns import Array, Index, Total, totals
from twin.elements import Status
from twin.facility.build import load as load_layout
from twin.facility.files import LayoutError
from twin.facility.graph import Facility
from twin.facility.scenarios import read, select
from twin.kernels.later import later
from twin.money import cost
from twin.money import yearly as money
from twin.readers.epw import WEEK, WeatherFile
from twin.readers.epw import weather as read_weather
from twin.readers.hourly import CARBON, PRICE, HourlyFile, hourly
from twin.results.dataset import reason
from twin.results.figures import figures
from twin.results.limits import tightest
from twin.serving.tokens import check_served
from twin.solver.pace import Pace
from twin.solver.steady import Progress, Solution
from twin.study.bound import bounds
from twin.study.parts import plants, solve
from twin.study.stream import CHUNK, MEMORY
from twin.units import HOUR

if TYPE_CHECKING:
    import xarray as xr

    from twin.show.plots import year as plots
else:
    xr, plots = map(later, ("xarray", "twin.show.plots.year"))

Load = float | Sequence[float] | Sequence[Sequence[float]] | Array | Mapping[str, Sequence[float]]
"""Share of the accelerators at work: one number, by hour of the day (24), by weekday and hour (7, 24; Monday first), by
hour of the year, or a mapping of weekday, saturday, sunday or weekend to 24 values each."""

EXCEEDED = (0.0, 0.004, 0.01, 0.02)
"""Shares of the hours in which a density may not hold, as ASHRAE's annual frequencies."""

DESIGN = {"0.4%": ("cooling", "evaporation"), "n20": ("hottest",)}
"""Design conditions of a weather file's header at which a density is found too."""

LITTLE, MOST = 1e-3, 0.95
"""Shares of the heat below which compressors do not count, and from which they take all of it."""


class Density(NamedTuple):
    """A density [W per rack] that holds but in a share of the hours, and what binds where it is next to fail."""

    share: float
    density: float
    limit: str
    element: str
    time: np.datetime64


class DesignDensity(NamedTuple):
    """A density [W per rack] at a design condition of the weather file."""

    condition: str
    dry_bulb: float
    density: float
    limit: str
    element: str


@dataclass(frozen=True, repr=False)
class Year:
    """A year hour by hour, and its sums; figures are of energy, never means of hourly ratios.

    hours: a Dataset along `time`, SI: weather, load, power by end use, water, tokens, carbon, cost. step: of an hour
    [s]. annual: cost of the year by term [$]. densities: see `Density`, none unless asked for. design: likewise.
    heat_used, renewable: energy that is used elsewhere and that is renewable [J]. source_water: of electricity [kg/J],
    None if not stated. notes: what to know beside.
    """

    facility: Facility
    weather: WeatherFile
    hours: xr.Dataset
    step: float
    annual: cost.Annual
    densities: tuple[Density, ...]
    design: tuple[DesignDensity, ...]
    heat_used: float
    renewable: float
    source_water: float | None
    notes: tuple[str, ...]

    def sum(self, name: str) -> float:
        """A rate of `hours` summed over the year: energy [J] of powers, mass [kg] of flows; of solved hours."""
        return float(np.nansum(self.hours[name].values) * self.step)

    @property
    def failed(self) -> int:
        """Hours without solution, which no sum counts."""
        return int((self.hours["status"].values != Status.OK).sum())

    @property
    def energy(self) -> float:
        """Energy at the utility meter, J."""
        return self.sum("facility_power")

    @property
    def it_energy(self) -> float:
        """Energy at the feeds of the racks, J."""
        return self.sum("it_power")

    @property
    def pue(self) -> float:
        """Energy of the facility over that of IT, measured at its input: category 3 [ISO/IEC 30134-2:2016]."""
        return self.energy / self.it_energy

    def partial_pue(self, *uses: str) -> float:
        """IT energy and that of end uses over IT energy [ISO/IEC 30134-2:2016, annex]. uses: names in `end_uses`."""
        return 1.0 + sum(self.end_uses[use] for use in uses) / self.it_energy

    @property
    def wue(self) -> float:
        """Make-up water at the site over IT energy, kg/J [ISO/IEC 30134-9:2022]."""
        return self.sum("water") / self.it_energy

    @property
    def wue_source(self) -> float:
        """Water at the site and of the electricity that is drawn over IT energy, kg/J; NaN where none is stated for it
        [The Green Grid, white paper 35 (2011)].
        """
        if self.source_water is None:
            return np.nan
        return self.wue + self.source_water * self.energy / self.it_energy

    @property
    def cue(self) -> float:
        """Carbon dioxide equivalent of the energy drawn over IT energy, kg/J [ISO/IEC 30134-8:2022]."""
        return self.sum("carbon") / self.it_energy

    @property
    def erf(self) -> float:
        """Heat that is used elsewhere over the energy of the facility [ISO/IEC 30134-6:2021]."""
        return self.heat_used / self.energy

    @property
    def ref(self) -> float:
        """Renewable energy over the energy of the facility [ISO/IEC 30134-3:2016]."""
        return self.renewable / self.energy

    @property
    def itue(self) -> float:
        """IT energy over what reaches chips and hosts behind shelves, board converters and fans of the racks
        [Patterson et al., ISC 2013, LNCS 7905, 372].
        """
        return self.it_energy / (self.it_energy - self.sum("rack_overhead"))

    @property
    def tue(self) -> float:
        """Energy of the facility over what reaches chips and hosts: ITUE times PUE."""
        return self.pue * self.itue

    @property
    def mechanical_load(self) -> float:
        """Energy of cooling over IT energy: the annualized mechanical load component [ASHRAE Standard 90.4-2019]."""
        cooling = sum(x for use, x in self.end_uses.items() if self.hours[use].attrs["part"] == "cooling_power")
        return cooling / self.it_energy

    @property
    def electrical_loss(self) -> float:
        """Losses from the meter to the racks over what is fed into them: the electrical loss component [ASHRAE Standard
        90.4-2019]; losses on the way to cooling are counted as well.
        """
        return self.end_uses["electrical_loss"] / (self.it_energy + self.end_uses["electrical_loss"])

    @cached_property
    def end_uses(self) -> dict[str, float]:
        """Energy by end use, J; they add up to `energy`."""
        return {str(n): self.sum(str(n)) for n, v in self.hours.data_vars.items() if v.attrs.get("part")}

    @cached_property
    def economiser_hours(self) -> dict[str, float]:
        """Hours in which no compressor runs, in which they take part of the heat, and in which they take all of it."""
        share = self.hours["compressor_share"].values
        at = share[np.isfinite(share)]
        hour = self.step / HOUR
        counts = (at < LITTLE).sum(), ((at >= LITTLE) & (at < MOST)).sum(), (at >= MOST).sum()
        return dict(zip(("weather", "both", "compressors"), (float(n * hour) for n in counts), strict=True))

    @property
    def tokens(self) -> float:
        """Tokens of the year."""
        return self.sum("tokens_per_s")

    @property
    def usd_per_million_tokens(self) -> float:
        """Cost of the year over its tokens; infinite without tokens."""
        return float(self.annual.total) / self.tokens * 1e6 if self.tokens > 0 else np.inf

    @property
    def peak(self) -> tuple[float, np.datetime64]:
        """Highest power at the meter, W, and when."""
        power = self.hours["facility_power"].values
        at = int(np.nanargmax(power))
        return float(power[at]), self.hours["time"].values[at]

    @property
    def plot(self) -> plots.YearPlots:
        """Plots of it: `plot.heat_map("pue")`, `plot.duration(...)`, `plot.end_uses()`; they need the extra `plots`."""
        return plots.YearPlots(self)

    def __repr__(self) -> str:
        place = self.weather.location.city or self.weather.name
        return f"<Year of {self.facility.name} in {place}: PUE {self.pue:.4f}, {self.energy / 3.6e12:,.1f} GWh>"


def year(
    layout: Any,
    weather: str | Path | WeatherFile,
    *,
    load: Load = 1.0,
    carbon: str | Path | HourlyFile | None = None,
    price: str | Path | HourlyFile | None = None,
    accounting: str = "direct",
    heat_used: float | Array = 0.0,
    renewable: float | Array = 0.0,
    source_water: float | None = None,
    bound: bool = False,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Year:
    """Every hour of a year of weather, solved, and what comes of their sums.

    layout, case, overrides: as `twin.load` takes them. weather: a year of it, an EPW file or what `twin.weather` reads.
    load: share of the accelerators at work, see `Load`; of all racks where none has any. carbon, price: hourly files of
    a grid, see `readers.hourly.hourly`, in place of the layout's mix: greenhouse gas counted by `accounting`, "direct"
    or "life_cycle". heat_used: heat that is used elsewhere [W], renewable: share of the energy that is renewable, each
    one number or one for each hour, none if not given. source_water: of electricity [kg/J]. bound: whether the
    densities that hold in all hours, and in all but 0.4, 1 and 2 % of them, are found too. device, progress: see
    `twin.solve`.

    An hour without solution counts in no sum, and is told. Raises LayoutError for bad input, such as weather of less
    than a year, and where no hour has a solution.

    >>> twin.year("gb300_hall", "dulles.epw", load={"weekday": [0.8] * 24, "weekend": [0.5] * 24}).pue
    """
    facility = layout if isinstance(layout, Facility) else load_layout(layout, case, overrides)
    if isinstance(layout, Facility) and (case or overrides):
        raise LayoutError(layout.name, ["case and overrides are given to load"])
    check_served(facility)
    file = _file(weather)
    step = _step(file)
    share = profile(load, file)
    heat, own = _series("heat_used", heat_used, len(share)), _series("renewable", renewable, len(share))
    if source_water is not None and not 0 <= source_water < np.inf:
        raise LayoutError("year", ["source_water: give 0 or more"])
    if ((own < 0) | (own > 1)).any():
        raise LayoutError("year", ["renewable: give shares from 0 to 1"])
    sources = {CARBON: carbon, PRICE: price}
    grid = {kind: _hourly(x, kind, accounting) for kind, x in sources.items() if x is not None}
    hourly_weather = file.scenarios()
    if clash := [a for a in overrides or () if a in hourly_weather]:
        told = f"{' and '.join(clash)}: come from the weather, hour by hour; take them out of the overrides"
        raise LayoutError("year", [told])
    scenarios = read(facility, hourly_weather | loads(facility, share))
    hours = _Hours(len(share))
    pace = Pace(scenarios.size, progress)
    for first in range(0, scenarios.size, CHUNK):
        some = slice(first, min(first + CHUNK, scenarios.size))
        now = scenarios.part(some)
        for part in solve(facility, now, Mixed(), device, progress, pace.advance, True, MEMORY):
            hours.take(first + part.scenarios, part.air.solution)
    if not (hours["status"] == Status.OK).any():
        raise LayoutError(facility.source, [f"year: no hour of {file.name} has a solution: {hours.reason}"])
    data, notes = _labelled(facility, file, share, hours), list[str]()
    failed = int((hours["status"] != Status.OK).sum())
    if failed:
        notes.append(f"{failed:,} hours without solution count in no sum; the first: {hours.reason}")
    if not file.first_day and np.ndim(share) and len(np.unique(share)) > 1:
        notes.append(f"{file.name}: states no day of the week; the year is taken to begin on a Monday")
    annual = _money(hours, data, file, grid, notes)
    powers = hours["facility_power"]
    if (heat > np.nan_to_num(powers, nan=np.inf)).any() or (heat < 0).any():
        raise LayoutError("year", ["heat_used: give heat of 0 W to what the facility draws in each hour"])
    good = np.isfinite(powers)
    density = _densities(facility, file, data, progress) if bound else ()
    design = _design(facility, file) if bound else ()
    return Year(
        facility,
        file,
        data,
        step,
        annual,
        density,
        design,
        float(heat[good].sum() * step),
        float((own * powers)[good].sum() * step),
        source_water,
        tuple(notes),
    )


# ---- what goes in ------------------------------------------------------------------------------------------------


def _file(weather: str | Path | WeatherFile) -> WeatherFile:
    if isinstance(weather, WeatherFile):
        return weather
    try:
        return read_weather(weather)
    except ValueError as error:
        raise LayoutError("weather", [str(error)]) from error


def _step(file: WeatherFile) -> float:
    """Seconds of a record. Raises LayoutError where they are no year."""
    count = len(file.time)
    apart = float((file.time[1] - file.time[0]).astype("m8[s]").astype(float)) if count > 1 else HOUR
    per_hour = round(HOUR / max(apart, 60.0))
    if count not in (8760 * per_hour, 8784 * per_hour):
        first, last = (np.datetime_as_string(t, "D")[5:] for t in (file.time[0], file.time[-1]))
        told = f"{file.name}: {count:,} records from {first} to {last}; a year has {8760 * per_hour:,}"
        raise LayoutError("weather", [told])
    return HOUR / per_hour


def profile(load: Load, file: WeatherFile) -> Array:
    """Share of the accelerators at work in each record of a weather file (hour,). Raises LayoutError."""
    count, hour = len(file.time), (file.time - file.time.astype("M8[D]")).astype("m8[s]").astype(int) // 3600
    day = np.arange(count) * 86400 // (count * 86400 // _days(file))
    weekday = (day + (WEEK.index(file.first_day) if file.first_day else 0)) % 7
    try:
        if isinstance(load, Mapping):
            found = _week(load)[weekday, hour]
        else:
            values = np.asarray(load, float)
            if values.shape in ((), (count,)):
                found = np.broadcast_to(values, (count,))
            elif values.shape == (24,):
                found = values[hour]
            elif values.shape == (7, 24):
                found = values[weekday, hour]
            else:
                raise ValueError(f"{'x'.join(map(str, values.shape))} values")
    except (TypeError, ValueError) as error:
        ways = f"one share, 24 by hour, 7 x 24 by weekday from Monday, {count:,} by hour of the year"
        raise LayoutError("year", [f"load: {error}; give {ways}, or weekday, saturday, sunday, weekend"]) from None
    if not ((found >= 0) & (found <= 1)).all():
        raise LayoutError("year", ["load: give shares from 0 to 1"])
    return found


def _days(file: WeatherFile) -> int:
    return 366 if len(file.time) % 8784 == 0 and len(file.time) % 8760 else 365


def _week(load: Mapping[str, Sequence[float]]) -> Array:
    """Shares by weekday and hour (7, 24). Raises ValueError."""
    known = {"weekday": range(5), "weekend": (5, 6), "saturday": (5,), "sunday": (6,)}
    known |= {day.lower(): (i,) for i, day in enumerate(WEEK)}
    found = np.full((7, 24), np.nan)
    for name, values in load.items():
        if name not in known:
            raise ValueError(f"{name!r} is no day")
        for day in known[name]:
            found[day] = np.broadcast_to(np.asarray(values, float), (24,))
    missing = [WEEK[i] for i in range(7) if np.isnan(found[i]).any()]
    if missing:
        raise ValueError(f"nothing is said of {missing[0]}")
    return found


def loads(facility: Facility, share: Array) -> dict[str, Array]:
    """Scenarios in which what serves is at work for a share of what the layout says (hour,): addresses and values.

    That is all with accelerators, or all racks where nothing has any; none where the share is always 1.
    """
    if (share == 1.0).all():
        return {}
    parts = {n: p for n, p in facility.components.items() if "utilisation" in type(p).model_fields}
    chips = {n: p for n, p in parts.items() if (getattr(p, "accelerators", 0) or 0) > 0}
    served, found = chips or parts, dict[str, Array]()
    for field in ("utilisation", "host_utilisation"):
        by_value = dict[tuple[str, float], list[str]]()
        for n, p in served.items():
            if getattr(p, field) is not None:
                by_value.setdefault((facility.models[n], getattr(p, field)), []).append(n)
        for (model, own), names in by_value.items():
            whole = _named(facility, model, field) == names
            for address in [model] if whole else names:
                found[f"{address}.{field}"] = own * share
    return found


def _named(facility: Facility, model: str, field: str) -> list[str]:
    """Names that a model's address means; none where it means nothing."""
    try:
        return select(facility, f"{model}.{field}")
    except ValueError:
        return []


def _series(name: str, values: float | Array, count: int) -> Array:
    """One number or one for each hour (hour,)."""
    try:
        return np.broadcast_to(np.asarray(values, float), (count,))
    except ValueError as error:
        raise LayoutError("year", [f"{name}: give one number, or {count:,}"]) from error


# ---- the hours ---------------------------------------------------------------------------------------------------

ENDS = {name: t for name, t in vars(totals).items() if isinstance(t, Total) and t.part}
"""Headings of what the meter is made of."""

RATES = ("facility_power", "it_power", "tokens_per_s", "water", "potable_water", "income")
"""Headline figures that are kept of every hour; powers are means with idle hours."""


class _Hours:
    """Numbers of every hour (hour,), by name."""

    def __init__(self, count: int) -> None:
        self.count, self._arrays, self.reason = count, dict[str, Array](), ""

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def _put(self, name: str, at: Index, values: Any) -> None:
        values = np.asarray(values)
        if name not in self._arrays:
            blank = "" if values.dtype.kind == "O" else np.nan
            self._arrays[name] = np.full(self.count, blank, object if values.dtype.kind == "O" else float)
        self._arrays[name][at] = values

    def take(self, at: Index, solution: Solution) -> None:
        """Take what is kept of the hours of these numbers."""
        f, plant = figures(solution), solution.plant
        ok = solution.status == Status.OK
        if not ok.all() and not self.reason:
            first = int(np.argmin(ok))
            self.reason = f"hour {int(at[first]):,}: {reason(solution, first)}"
        self._put("status", at, solution.status)
        share = money.served_share(plant)
        blank = lambda x: np.where(ok, x, np.nan)  # noqa: E731
        for name, total in ENDS.items():
            self._put(name, at, blank(share * solution.total(total)))
        own = {"facility_power": f.mean_power, "it_power": f.mean_it_power}
        self._put("idle", at, blank((1.0 - share) * np.nan_to_num(f.idle_power)))
        for name in RATES:
            self._put(name, at, blank(own.get(name, getattr(f, name))))
        if (share < 1.0).any():  # what racks draw then is IT energy
            self._put("it", at, blank(f.mean_it_power))
            self._put("idle", at, blank(f.mean_power - f.mean_it_power - sum(self[n][at] for n in ENDS if n != "it")))
        self._put("rack_overhead", at, blank(share * (f.conversion_loss + _rack_fans(solution))))
        self._put("compressor_share", at, blank(_compressed(solution) / np.maximum(f.facility_power, 1.0)))
        self._put("grid_power", at, blank(money.grid_power(solution)))
        for kind in (PRICE, CARBON):
            self._put(f"fuel_{kind}", at, blank(money.fuel(solution, kind)))
            self._put(f"mix_{kind}", at, np.broadcast_to(money.priced(plant).mean(kind), ok.shape))
        for term, values in f.annual._asdict().items():
            self._put(f"annual_{term}", at, values)
        tight = tightest(solution)
        self._put("tightest_limit", at, tight.name)
        self._put("element", at, tight.element)
        self._put("limit_exceeded", at, 1.0 * tight.exceeded)


def _rack_fans(solution: Solution) -> Array:
    """Power of the fans in all racks, W (scenario,), by the cube law."""
    e = solution.plant.engine
    speed = solution[columns.engine.air_flow] / np.where(e.fan_flow > 0, e.fan_flow, np.inf)
    return (e.fan_power * speed**3 * solution.plant.counts[columns.engine][:, None]).sum(axis=0)


def _compressed(solution: Solution) -> Array:
    """Heat that compressors take, W (scenario,)."""
    first, rows = 0, list[Index]()
    for cooler in solution.plant.cooler:
        count = len(cooler.stream)
        if getattr(cooler.law, "compresses", False):
            rows.append(np.arange(first, first + count))
        first += count
    if not rows:
        return np.zeros(solution.plant.scenarios)
    return solution.sum(columns.cooler.duty[np.concatenate(rows)])


MEANINGS = {
    "facility_power": ("W", "power at the utility meter"),
    "it_power": ("W", "power of racks at their feeds"),
    "idle": ("W", "beside racks while nothing is served"),
    "rack_overhead": ("W", "of shelves, board converters and fans in the racks"),
    "compressor_share": ("1", "heat that compressors take over what the facility draws"),
    "grid_power": ("W", "power of the utilities"),
    "tokens_per_s": ("s-1", "tokens served"),
    "water": ("kg s-1", "make-up water"),
    "potable_water": ("kg s-1", "make-up water that is potable"),
    "income": ("USD a-1", "income at the rate of the hour"),
    "tightest_limit": ("", "limit with the least relative margin"),
    "element": ("", "where that is"),
    "limit_exceeded": ("1", "1 where any limit is passed"),
}
"""Unit and meaning of what is kept of every hour, but for end uses."""


def _labelled(facility: Facility, file: WeatherFile, share: Array, hours: _Hours) -> xr.Dataset:
    """The hours as a Dataset along `time`; end uses have the part of the meter that they belong to as `part`."""
    variables = dict[str, Any]()
    for name in ("dry_bulb", "dew_point", "wet_bulb"):
        variables[name] = ("time", getattr(file, name), {"units": "K", "long_name": name.replace("_", " ")})
    variables["load"] = ("time", share, {"units": "1", "long_name": "share of the accelerators at work"})
    variables["status"] = ("time", hours["status"].astype(np.int8))
    for name, total in ENDS.items():
        variables[name] = ("time", hours[name], {"units": "W", "long_name": total.meaning, "part": total.part})
    for name, (unit, meaning) in MEANINGS.items():
        if name in hours:
            variables[name] = ("time", hours[name], {"units": unit, "long_name": meaning})
    if (np.nan_to_num(hours["idle"]) > 0).any():
        variables["idle"][2]["part"] = "idle"
    with np.errstate(divide="ignore", invalid="ignore"):
        pue = hours["facility_power"] / hours["it_power"]
    variables["pue"] = ("time", pue, {"units": "1", "long_name": "of the hour: PUE of the year is that of its sums"})
    attributes = {"title": facility.name, "layout_hash": facility.hash, "weather": file.name}
    return xr.Dataset(variables, {"time": file.time}, attributes)


def _money(
    hours: _Hours, data: xr.Dataset, file: WeatherFile, grid: Mapping[str, HourlyFile], notes: list[str]
) -> cost.Annual:
    """Cost of the year by term [$]; puts price, carbon and cost of energy of every hour into the data."""
    told = {CARBON: ("kg J-1", "carbon dioxide equivalent of the grid's energy"), PRICE: ("USD J-1", "price of it")}
    rates = dict[str, Array]()
    for kind, (unit, meaning) in told.items():
        rates[kind] = hours[f"mix_{kind}"].astype(float)
        if kind in grid:
            rates[kind], more = grid[kind].on(file.time, file.location.time_zone)
            notes.extend(more)
        data[f"grid_{kind}"] = ("time", rates[kind], {"units": unit, "long_name": meaning})
    power = hours["grid_power"]
    given_off = power * rates[CARBON] + hours["fuel_carbon"]
    data["carbon"] = ("time", given_off, {"units": "kg s-1", "long_name": "of energy"})
    spent = power * rates[PRICE] + hours["fuel_price"]
    data["energy_cost"] = ("time", spent, {"units": "USD s-1", "long_name": "of energy"})
    terms = {term: float(np.nanmean(hours[f"annual_{term}"])) for term in cost.Annual._fields}
    terms["energy"] = float(np.nanmean(spent) * cost.YEAR)
    terms["demand"] = float(np.nanmax(hours["annual_demand"]))
    return cost.Annual(**{term: np.asarray(value) for term, value in terms.items()})


def _hourly(source: str | Path | HourlyFile, kind: str, accounting: str) -> HourlyFile:
    if isinstance(source, HourlyFile):
        if source.kind != kind:
            raise LayoutError("year", [f"{kind}: {source.name} has the grid's {source.kind}"])
        return source
    try:
        return hourly(source, kind, accounting)
    except ValueError as error:
        raise LayoutError("year", [f"{kind}: {error}"]) from error


# ---- densities ---------------------------------------------------------------------------------------------------


def _densities(
    facility: Facility, file: WeatherFile, data: xr.Dataset, progress: Progress | None
) -> tuple[Density, ...]:
    """Densities that hold in all hours but a share of them, with all accelerators at work; 0 where none is sustainable.

    Puts those of every hour into the data.
    """
    every = read(facility, file.scenarios())
    density, limits = np.zeros(every.size), np.full(every.size, None, object)
    for chosen, plant in plants(facility, every, memory=MEMORY):
        found = bounds(plant, progress=progress)
        density[chosen] = np.where(found.scale > 0, found.density, 0.0)
        limits[chosen] = found.limits
    names = [np.array([getattr(x, f) if x else "" for x in limits], object) for f in ("name", "element")]
    told = {"units": "W", "long_name": "highest sustainable power of a rack, all at work"}
    data["sustainable_density"] = ("time", density, told)
    data["binding_limit"], data["binding_element"] = (("time", n) for n in names)
    order, found = np.argsort(density, kind="stable"), []
    for share in EXCEEDED:
        at = int(order[int(np.floor(share * len(order)))])
        name, element = (str(n[at]) for n in names)
        found.append(Density(share, float(density[at]), name, element, data["time"].values[at]))
    return tuple(found)


def _design(facility: Facility, file: WeatherFile) -> tuple[DesignDensity, ...]:
    """Densities at the design conditions of the weather file's header, as far as it states them."""
    found = list[DesignDensity]()
    for frequency, names in DESIGN.items():
        for name in names:
            air = getattr(file.design[frequency], name) if frequency in file.design else {}
            if air:
                ((_, plant),) = plants(facility, read(facility, {a: [v] for a, v in air.items()}))
                highest = bounds(plant).at(0)
                limit = (highest.limit.name, highest.limit.element) if highest.limit else ("", "")
                density = highest.density if highest.scale else 0.0
                found.append(DesignDensity(f"{frequency} {name}", air["site.dry_bulb"], density, *limit))
    return tuple(found)
