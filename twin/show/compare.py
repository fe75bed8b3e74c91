"""Layouts or cases side by side: figures, what binds, and the inputs in which they differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.api import Result, bound, solve
from twin.columns import FIGURES
from twin.elements import Status
from twin.facility.build import load
from twin.facility.files import LayoutError, spelled
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.facility.scenarios import cf_unit_of
from twin.kernels.later import later
from twin.results.dataset import reason
from twin.show.shown import shown
from twin.solver.steady import Progress
from twin.study.bound import Bound

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = later("pandas")

ALL = "all"
"""Stands for all cases of a layout, itself first."""

SECTIONS = ("site", "serving", "economics")

LAYOUT = "as laid out"
"""What a layout without a case is called beside its cases."""

SKIPPED = ("tokens_error", "energy_audit", "idle_energy")
"""Figures that say how sure a solve is, and no more."""

ROUNDING = 1e-9
"""Share of a number below which a difference is none."""

Compared = str | Path | Layout | Facility | Result


def compare(
    layouts: Sequence[Compared] | Compared,
    *,
    case: str | None = None,
    density: bool = True,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Layouts side by side, one column each; rows are figures, what binds, and the inputs in which they differ.

    layouts: as `twin.solve` takes them, or solved Results of one scenario. case: one of their cases, or "all" for a
    single layout as it stands beside each of its cases. density: whether the sustainable density is searched. progress:
    called with what is solved. The index
    is (section, quantity) with sections status, figures, limits, inputs; numbers are in the units that quantities name,
    and columns "difference" (or "difference of NAME" where there are more than two) are less the first. What has no
    solution says why in its status and has no numbers. Raises LayoutError for bad input.

    >>> twin.compare(["gb300_hall", "gb300_hall_800vdc"]).loc["figures"]
    """
    solved = results(layouts, case, progress)
    names, columns = list(solved), dict[str, dict[tuple[str, str], object]]()
    for name, result in solved.items():
        found = None
        if density and result.ok:
            found = bound(result, progress=progress)[0]
        columns[name] = _column(result, found)
    rows = list(dict.fromkeys(key for own in columns.values() for key in own))
    varied = _varied(list(solved.values()))
    for key, values in (differing([r.facility for r in solved.values()]) | varied).items():
        rows.append(("inputs", key))
        for name, value in zip(names, values, strict=True):
            columns[name]["inputs", key] = value
    index = pd.MultiIndex.from_tuples(rows, names=["section", "quantity"])
    table = pd.DataFrame({n: [own.get(key) for key in rows] for n, own in columns.items()}, index, dtype=object)
    first = names[0]
    for name in names[1:]:
        title = "difference" if len(names) == 2 else f"difference of {name}"
        less = [_less(a, b) for a, b in zip(table[name], table[first], strict=True)]
        table[title] = pd.Series(less, index, dtype=object)
    return table


def results(
    layouts: Sequence[Compared] | Compared, case: str | None = None, progress: Progress | None = None
) -> dict[str, Result]:
    """What is compared, solved, by names that are all different."""
    many = list(layouts) if isinstance(layouts, Sequence) and not isinstance(layouts, str) else [layouts]
    solved = dict[str, Result]()
    if case == ALL:
        if len(many) != 1 or isinstance(many[0], (Facility, Result)):
            raise LayoutError("compare", ["case: all is for one layout that is read from a file"])
        source: Any = many[0]
        cases = load(source).cases
        if not cases:
            raise LayoutError(load(source).name, ["it has no cases to compare"])
        for name in (None, *cases):
            if progress:
                progress(name or LAYOUT)
            solved[name or LAYOUT] = solve(source, case=name)
        return solved
    if not many:
        raise LayoutError("compare", ["no layout to compare"])
    for layout in many:
        result = layout if isinstance(layout, Result) else solve(layout, case=case)
        if result.size != 1:
            told = f"has {result.size:,} scenarios; results of one are compared"
            raise LayoutError(result.facility.name, [told])
        name, k = result.facility.name, 1
        while name in solved:
            k += 1
            name = f"{result.facility.name} ({k})"
        solved[name] = result
    return solved


def _column(result: Result, found: Bound | None) -> dict[tuple[str, str], object]:
    """Figures of one layout, in the units that their names tell."""
    status = Status(int(result.status[0]))
    rows: dict[tuple[str, str], object] = {("status", "status"): status.name.lower()}
    if status != Status.OK:
        rows["status", "reason"] = reason(*result.part(0))
        return rows
    rows["status", "warnings"] = len(result.warnings[0])
    if found is not None:
        rows["limits", "sustainable density [kW per rack]"] = found.density / 1e3 if found.scale else 0.0
        rows["limits", "over the density as laid out"] = found.scale
        rows["limits", "binding limit"] = (
            f"{found.limit.name} at {found.limit.element}" if found.limit else found.reason
        )
    for tight in result.worst()[:1]:
        rows["limits", "tightest limit"] = f"{tight.name} at {tight.where}"
        rows["limits", "its margin [%]"] = 100 * tight.relative
    for name, figure in FIGURES.items():
        value = float(np.broadcast_to(getattr(result.figures, name), 1)[0]) if name not in SKIPPED else np.nan
        if np.isfinite(value):
            unit = f" [{figure.display}]" if figure.display else ""
            rows["figures", f"{figure.label}{unit}"] = value * figure.factor
    return rows


def _less(value: object, first: object) -> object:
    """The difference of two numbers, empty for what is none or the same."""
    if isinstance(value, (int, float)) and isinstance(first, (int, float)):
        less = value - first
        return 0.0 * less if abs(less) <= ROUNDING * abs(first) else less
    return None


# ---- inputs ------------------------------------------------------------------------------------------------------


def differing(facilities: Sequence[Facility]) -> dict[str, list[str]]:
    """Inputs in which layouts differ, by address, as they are written; "" where one states none.

    What differs in the same way in all components of a model is one row, by the address of the model; components that
    one layout lacks are counted by model.
    """
    stated = [_stated(f) for f in facilities]
    found = dict[str, list[str]]()
    for key in dict.fromkeys(key for own in stated for key in own):
        values = [own.get(key, "") for own in stated]
        if len(set(values)) > 1:
            found[key] = values
    shared = set.intersection(*(set(f.components) for f in facilities))
    grouped = defaultdict[tuple[str, str, tuple[str, ...]], list[str]](list)
    for name in sorted(shared):
        own = [_fields(f, name) for f in facilities]
        for field in sorted(set().union(*own)):
            values = tuple(fields.get(field, "") for fields in own)
            if len(set(values)) > 1:
                grouped[facilities[0].models[name], field, values].append(name)
    for (model, field, values), names in grouped.items():
        whole = sum(m == model for m in facilities[0].models.values()) == len(names)
        address = f"{model}.{field}" if whole and len(names) > 1 else f"{names[0]}.{field}"
        if not whole and len(names) > 1:
            address += f" (and {len(names) - 1:,} more)"
        found[address] = list(values)
    counts = [_counts(f) for f in facilities]
    for model in sorted(set().union(*counts)):
        numbers = [own.get(model, 0) for own in counts]
        if len(set(numbers)) > 1:
            found[f"number of {model}"] = [f"{n:,}" for n in numbers]
    return found


def _varied(results: Sequence[Result]) -> dict[str, list[str]]:
    """Values of scenarios in which results differ, by address, for people; "" where one has none."""
    told = list[dict[str, str]]()
    for result in results:
        own = dict[str, str]()
        for address, values in result.plant.coordinates.items():
            here = shown(address, values[:1], {"units": cf_unit_of(result.facility, address)})
            own[f"{address} (of the scenario)"] = f"{here.values[0]:.6g} {here.unit}".strip()
        told.append(own)
    keys = dict.fromkeys(key for own in told for key in own)
    found = {key: [own.get(key, "") for own in told] for key in keys}
    return {key: values for key, values in found.items() if len(set(values)) > 1}


def _stated(facility: Facility) -> dict[str, str]:
    """Values of sections and of the layout's own catalogue by address."""
    spec: Any = facility.spec
    found = dict[str, str]()
    for section in SECTIONS:
        _flatten(section, spec.get(section) or {}, found)
    _flatten("catalogue", spec.get("catalogue") or {}, found)
    return found


def _flatten(address: str, value: object, found: dict[str, str]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(f"{address}.{key}", inner, found)
    else:
        found[address] = spelled(value)


def _fields(facility: Facility, name: str) -> dict[str, str]:
    """Fields of a component as they are written, its place left out."""
    spec: Any = facility.spec
    found = dict[str, str]()
    for field, value in spec["components"][name].items():
        if field not in ("at", "size"):
            _flatten(field, value, found)
    return found


def _counts(facility: Facility) -> dict[str, int]:
    """How many components there are of each model."""
    counts = defaultdict[str, int](int)
    for model in facility.models.values():
        counts[model] += 1
    return dict(counts)


# ---- the screen --------------------------------------------------------------------------------------------------


def rows(table: pd.DataFrame, most: int = 40) -> list[tuple[str, ...]]:
    """A comparison as rows of text; of inputs that differ at most so many."""
    found = [("", *map(str, table.columns))]
    for section in dict.fromkeys(table.index.get_level_values(0)):
        part = table.loc[[section]]
        found.append(("", *[""] * len(table.columns)))
        for quantity, values in zip(part.index.get_level_values(1)[:most], part.itertuples(index=False), strict=False):
            found.append((str(quantity), *(text(v, str(c)) for v, c in zip(values, table.columns, strict=True))))
        if len(part) > most:
            found.append((f"and {len(part) - most:,} more inputs", *[""] * len(table.columns)))
    return found


def text(value: object, column: str = "") -> str:
    """A value of a comparison for people; differences have their sign."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    if isinstance(value, (int, float)):
        sign = "+" if column.startswith("difference") else ""
        return (
            f"{value:{sign},}"
            if isinstance(value, int)
            else f"{value:{sign},.5g}"
            if abs(value) < 1e5
            else f"{value:{sign},.0f}"
        )
    return str(value)
