"""A digital twin of AI factories: power, coolant, heat and air in one solve, tokens and cost out of it.

    >>> import twin
    >>> result = twin.solve("gb300_hall", {"site.dry_bulb": [278.15, 308.15]})
    >>> result["pue"], result.explain()

Numbers in Python are SI; texts have units, as in files. `help(twin.solve)` says what a call takes.

- Layouts: `shipped` lists those that come along, `load` reads one into a `Facility`, `Layout` puts one together in
  Python, `LayoutError` tells all that is wrong with one.
- Other programs: `imported` makes a layout of their files.
- Words: `describe` says what a type, model or section is; `catalogue` holds the shipped hardware, `schema` is for
  editors.
- Solving: `solve` gives a `Result`: figures, margins, warnings and a dataset; `open_result` reads a written one. With
  `outputs` it gives a Dataset of any number of scenarios, and if it is stopped `Interrupted` with what was done. Air of
  rooms is `Mixed`, computed by `FiniteVolume`, or carried by a `Response`. `weather` reads an EPW file into a
  `WeatherFile`, each of whose hours is a scenario.
- Sweeps: `sweep` asks for every combination of axes, or rows of a table or a `Design`, as a `Sweep`, whose `run` stores
  a `SweepResult`; `open_sweep` reads one at any time. `SweepStopped` tells what stopped it.
- Weather: `year` solves every hour of a `WeatherFile` into a `Year` of sums; `hourly` reads the carbon or prices of a
  grid into an `HourlyFile`.
- Failures: `contingencies` loses every element, with what switches then, as `Contingencies`; `dependents` says what
  loses power or cooling by the wiring alone, as `Dependents`, `single_points` on what racks depend by itself; `secure`
  gives the density that survives every loss, `redundancy` the N, N+1 or 2N of each `Stage` of the paths to the racks.
- How sure: `uncertainties` lists what nobody has published as `Uncertainties`; `uncertainty` says between what figures
  therefore lie and what leads, as an `Uncertainty`. `limit_prices` says what one unit more of a limit buys.
- Studies: `bound` gives the highest sustainable density as a `Bound`, `optimum` the least cost per token, `worth`
  what one more megawatt or kelvin adds.
- Pictures: `view` opens a window or shows a picture in a notebook, `export` writes a file; `Result.scene` says what of,
  and `Result.plot` draws diagrams. `report` writes all about a result as one page, `compare` sets layouts side by side,
  `assets` writes equipment as OpenUSD assets.
- Networks: `power_flow` and `pipe_flow` solve files of other programs; `networks` has what else there is.
- Packages: `serving` has tokens on their own; `components`, `elements`, `columns`, `fluids` and `units` are for
  equipment of your own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin import columns, components, elements, fluids, networks, serving, units
    from twin.air.response import Response
    from twin.air.turns import FiniteVolume, Mixed
    from twin.api import Result, bound, open_result, solve
    from twin.facility.build import load
    from twin.facility.catalogue import catalogue
    from twin.facility.files import LayoutError, shipped
    from twin.facility.graph import Facility
    from twin.facility.layout import Layout
    from twin.facility.schema import schema
    from twin.networks import pipe_flow, power_flow
    from twin.readers.epw import WeatherFile, weather
    from twin.readers.hourly import HourlyFile, hourly
    from twin.readers.inventory import imported
    from twin.show.aif import assets
    from twin.show.compare import compare
    from twin.show.describe import describe
    from twin.show.export import export
    from twin.show.report import report
    from twin.show.view import view
    from twin.study.bound import Bound
    from twin.study.contingencies import Contingencies, contingencies, secure
    from twin.study.dependents import Dependents, dependents, single_points
    from twin.study.design import Design
    from twin.study.optimum import optimum
    from twin.study.prices import limit_prices
    from twin.study.redundancy import Stage, redundancy
    from twin.study.stream import Interrupted
    from twin.study.sweep import Sweep, SweepStopped, sweep
    from twin.study.swept import SweepResult, open_sweep
    from twin.study.uncertainty import Uncertainties, Uncertainty, uncertainties, uncertainty
    from twin.study.worth import worth
    from twin.study.year import Year, year

_HOMES = {
    "Bound": "study.bound",
    "Contingencies": "study.contingencies",
    "Dependents": "study.dependents",
    "Design": "study.design",
    "Facility": "facility.graph",
    "FiniteVolume": "air.turns",
    "HourlyFile": "readers.hourly",
    "Interrupted": "study.stream",
    "Layout": "facility.layout",
    "LayoutError": "facility.files",
    "Mixed": "air.turns",
    "Response": "air.response",
    "Result": "api",
    "Stage": "study.redundancy",
    "Sweep": "study.sweep",
    "SweepResult": "study.swept",
    "SweepStopped": "study.sweep",
    "Uncertainties": "study.uncertainty",
    "Uncertainty": "study.uncertainty",
    "WeatherFile": "readers.epw",
    "Year": "study.year",
    "assets": "show.aif",
    "bound": "api",
    "catalogue": "facility.catalogue",
    "compare": "show.compare",
    "contingencies": "study.contingencies",
    "dependents": "study.dependents",
    "describe": "show.describe",
    "export": "show.export",
    "hourly": "readers.hourly",
    "imported": "readers.inventory",
    "limit_prices": "study.prices",
    "load": "facility.build",
    "open_result": "api",
    "open_sweep": "study.swept",
    "optimum": "study.optimum",
    "pipe_flow": "networks",
    "power_flow": "networks",
    "redundancy": "study.redundancy",
    "report": "show.report",
    "schema": "facility.schema",
    "secure": "study.contingencies",
    "single_points": "study.dependents",
    "shipped": "facility.files",
    "solve": "api",
    "sweep": "study.sweep",
    "uncertainties": "study.uncertainty",
    "uncertainty": "study.uncertainty",
    "view": "show.view",
    "weather": "readers.epw",
    "worth": "study.worth",
    "year": "study.year",
}
_PACKAGES = ("columns", "components", "elements", "fluids", "networks", "serving", "units")
"""Modules and packages that are public as a whole."""

__all__ = [
    "Bound",
    "Contingencies",
    "Dependents",
    "Design",
    "Facility",
    "FiniteVolume",
    "HourlyFile",
    "Interrupted",
    "Layout",
    "LayoutError",
    "Mixed",
    "Response",
    "Result",
    "Stage",
    "Sweep",
    "SweepResult",
    "SweepStopped",
    "Uncertainties",
    "Uncertainty",
    "WeatherFile",
    "Year",
    "assets",
    "bound",
    "catalogue",
    "columns",
    "compare",
    "components",
    "contingencies",
    "dependents",
    "describe",
    "elements",
    "export",
    "fluids",
    "hourly",
    "imported",
    "limit_prices",
    "load",
    "networks",
    "open_result",
    "open_sweep",
    "optimum",
    "pipe_flow",
    "power_flow",
    "redundancy",
    "report",
    "schema",
    "secure",
    "serving",
    "shipped",
    "single_points",
    "solve",
    "sweep",
    "uncertainties",
    "uncertainty",
    "units",
    "view",
    "weather",
    "worth",
    "year",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"twin.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'twin' has no attribute {name!r}")
    value = getattr(import_module(f"twin.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
