"""Results as tables for spreadsheets and data frames, in the units of the screen, and their files."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.columns import FIGURES, Array
from twin.elements import Status
from twin.facility.files import LayoutError, hint
from twin.facility.graph import Facility
from twin.facility.output import target, whole
from twin.facility.scenarios import dimension as quantity_of
from twin.kernels.later import later
from twin.results.limits import DIFFERENCES, Margins, tightest
from twin.solver.steady import Solution
from twin.units import DIMENSIONS, quantity

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
else:
    xr = later("xarray")
    pd = later("pandas")

ENDINGS = {".csv": "", ".xlsx": "openpyxl", ".parquet": "pyarrow"}
"""Endings of tables, and the package that writes them, if it is an extra."""

RATINGS = ("rating", "nameplate", "capacity", "duty", "ampacity", "contract")
"""Fields that say how large a component is; the first that it has counts."""

MAX_SHEET_NAME = 31
"""Characters of the name of a sheet."""

MAX_SHEET_ROWS = 1_048_576
"""Rows of a sheet, its header among them."""


# ---- tables ------------------------------------------------------------------------------------------------------


def names(data: xr.Dataset) -> list[str]:
    """Names of all tables of a dataset: equipment, limits, scenarios, then its dimensions."""
    return ["equipment", "limits", "scenarios", *(str(d) for d in data.sizes if d != "scenario")]


def table(name: str, data: xr.Dataset, solution: Solution, margins: Margins) -> pd.DataFrame:
    """A table by its name, see `names`; of several scenarios, rows of all. Raises LayoutError for another name."""
    facility = solution.plant.facility
    if name == "equipment":
        return _equipment(facility)
    if name == "limits":
        return _limits(margins)
    if name == "scenarios":
        return _scenarios(data, solution)
    if name == "scenario" or name not in data.sizes:
        there = names(data)
        raise LayoutError(facility.name, [f"table: no {name!r}{hint(name, there)}; there are {', '.join(there)}"])
    return _elements(name, data, {r.name: r.value.column.quantity for r in solution.plant.reports})


def _elements(dimension: str, data: xr.Dataset, quantities: Mapping[str, str]) -> pd.DataFrame:
    """Everything reported of the elements of a dimension."""
    columns = {}
    for name, values in data.items():
        if dimension in values.dims:
            unit = values.attrs.get("units", "")
            own = quantities.get(str(name)) or _by_unit(str(name), unit)
            shown = values.transpose("scenario", dimension).values.ravel()
            title, shown = _shown(str(name), shown, own) if own else (_title(str(name), unit), shown)
            columns[title] = shown
    return pd.DataFrame(columns, _index(data.sizes["scenario"], data[dimension].values, dimension))


def _index(scenarios: int, labels: Array, name: str) -> pd.Index:
    """The labels of elements, after the number of the scenario where there are several."""
    if scenarios == 1:
        return pd.Index(labels, name=name)
    return pd.MultiIndex.from_product([range(scenarios), labels], names=["scenario", name])


def _by_unit(name: str, unit: str) -> str:
    """The quantity of what computed air adds, by its unit; empty for an unknown one."""
    if unit == "K":
        return "temperature" if name.endswith("_temperature") else "temperature_difference"
    return {"W": "power", "1": "number"}.get(unit, "")


def _shown(name: str, values: Array, own: str) -> tuple[str, Array]:
    """Title with its unit, and SI values in the unit of columns of the screen."""
    d = DIMENSIONS[own]
    return _title(name, d.table), (values - d.offsets.get(d.table, 0.0)) / d.units[d.table]


def _title(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name


def _scenarios(data: xr.Dataset, solution: Solution) -> pd.DataFrame:
    """What varies, the status, the tightest limit and the headline figures, a row for each scenario."""
    facility = solution.plant.facility
    columns: dict[str, object] = {}
    for address, values in data.coords.items():
        if values.dims == ("scenario",) and address != "scenario":
            title, shown = _shown(str(address), values.values, quantity_of(facility, str(address)))
            columns[title] = shown
    columns["status"] = [Status(int(s)).name.lower() for s in data["status"].values]
    columns["reason"] = data["reason"].values
    columns["warnings"] = data["warnings"].values
    columns["limit_exceeded"] = data["limit_exceeded"].values
    tight = tightest(solution)
    columns["tightest_limit"] = tight.name
    columns["element"] = tight.element
    columns["relative_margin [%]"] = 100.0 * np.where(tight.relative < np.inf, tight.relative, np.nan)
    for name, figure in FIGURES.items():
        columns[_title(name, figure.display)] = data[name].values * figure.factor
    return pd.DataFrame(columns, pd.RangeIndex(data.sizes["scenario"], name="scenario"))


def _limits(m: Margins) -> pd.DataFrame:
    """Every limited element, the tightest first; a margin below 0 is beyond the limit."""
    own = [DIMENSIONS[str(q)] for q in m.dimension]
    apart = [DIMENSIONS[DIFFERENCES.get(str(q), str(q))] for q in m.dimension]
    unit, offset = (
        np.array(x)[:, None] for x in zip(*((d.units[d.table], d.offsets.get(d.table, 0.0)) for d in own), strict=True)
    )
    step = np.array([d.units[d.table] for d in apart])[:, None]
    value, bound, margin = (m.value - offset) / unit, (m.bound - offset) / unit, m.margin / step
    frames = []
    for scenario in range(m.relative.shape[1]):
        order = np.argsort(m.relative[:, scenario], kind="stable")
        columns: dict[str, object] = {
            "scenario": scenario,
            "limit": m.name[order],
            "element": m.element[order],
            "value": value[order, scenario],
            "bound": bound[order, scenario],
            "unit": [own[k].table for k in order],
            "margin": margin[order, scenario],
            "margin_unit": [apart[k].table for k in order],
            "relative_margin [%]": 100.0 * m.relative[order, scenario],
        }
        frames.append(pd.DataFrame(columns))
    if len(frames) == 1:
        return frames[0].drop(columns="scenario").set_index(["limit", "element"])
    return pd.concat(frames).set_index(["scenario", "limit", "element"])


def _equipment(facility: Facility) -> pd.DataFrame:
    """The equipment schedule, a row for each component: what it is, where it stands, how large it is."""
    rows = []
    for name, part in sorted(facility.components.items()):
        fields = type(part).model_fields
        rated = next((f for f in RATINGS if f in fields and getattr(part, f) is not None), "")
        declared = quantity(fields[rated]) if rated else None
        d = DIMENSIONS[declared.dimension] if declared else None
        x, y, z = part.at or (np.nan,) * 3
        rows.append(
            {
                "name": name,
                "kind": part.kind,
                "model": facility.models[name],
                "room": part.room or "",
                "x [m]": x,
                "y [m]": y,
                "z [m]": z,
                "rated_by": rated,
                "rating": getattr(part, rated) / d.units[d.table] if d else np.nan,
                "unit": d.table if d else "",
            }
        )
    return pd.DataFrame(rows).set_index("name")


# ---- files -------------------------------------------------------------------------------------------------------


def ready(path: str | Path) -> None:
    """Raise LayoutError if tables of this ending cannot be written for want of a package."""
    package = ENDINGS[Path(path).suffix]
    if package and find_spec(package) is None:
        raise LayoutError(f"output {path}", [f'needs {package}: pip install "aifactory-twin[tables]"'])


def write(tables: Mapping[str, pd.DataFrame], path: str | Path) -> list[Path]:
    """Write tables by name; the files come back.

    .xlsx holds all as sheets, .csv and .parquet one each: a single one as named, of several each as FILE_NAME.csv.
    Nothing is half-written. Raises LayoutError for what cannot be written.
    """
    path = target(path, tuple(ENDINGS))
    ready(path)
    with whole(path) as partial:
        try:
            written = WRITERS[path.suffix](tables, partial)
        except ValueError as error:
            raise LayoutError(f"output {path}", [str(error)]) from error
        return [target(path.parent / file.name) for file in written]


def _sheets(tables: Mapping[str, pd.DataFrame], path: Path) -> list[Path]:
    """Row by row as openpyxl streams them, about 15 s for a million cells, and by way of memory.

    A file that fails would be tried again, and told of on the screen, once it is forgotten.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils.exceptions import IllegalCharacterError

    large = [f"{name} has {len(frame):,} rows" for name, frame in tables.items() if len(frame) >= MAX_SHEET_ROWS]
    if large:
        raise ValueError(f"{large[0]} and a sheet {MAX_SHEET_ROWS:,}; write .csv or .parquet, or pick another table")
    book = Workbook(write_only=True)
    try:
        for name, frame in tables.items():
            sheet = book.create_sheet(name[:MAX_SHEET_NAME])
            sheet.freeze_panes = "A2"
            frame = frame.reset_index()
            head = [WriteOnlyCell(sheet, str(column)) for column in frame.columns]
            for cell in head:
                cell.font = Font(bold=True)
            sheet.append(head)
            for values in zip(*(_cells(column) for _, column in frame.items()), strict=True):
                sheet.append(values)
        image = io.BytesIO()
        book.save(image)
    except IllegalCharacterError as error:
        raise ValueError("a name has a character that .xlsx cannot hold; rename it, or write .csv") from error
    path.write_bytes(image.getbuffer())
    return [path]


def _cells(column: pd.Series) -> list[object]:
    """Values of a column for a sheet, which has no word for what is missing or infinite."""
    values = column.astype(object).where(column.notna(), None).tolist()
    return [str(v) if v in (np.inf, -np.inf) else v for v in values] if column.dtype.kind == "f" else values


def _csv(tables: Mapping[str, pd.DataFrame], path: Path) -> list[Path]:
    return _one_each(tables, path, lambda frame, file: frame.to_csv(file, index=False, encoding="utf-8"))


def _parquet(tables: Mapping[str, pd.DataFrame], path: Path) -> list[Path]:
    return _one_each(tables, path, lambda frame, file: frame.to_parquet(file, engine="pyarrow", index=False))


def _one_each(
    tables: Mapping[str, pd.DataFrame], path: Path, save: Callable[[pd.DataFrame, Path], object]
) -> list[Path]:
    files = []
    for name, frame in tables.items():
        files.append(path if len(tables) == 1 else path.with_name(f"{path.stem}_{name}{path.suffix}"))
        save(frame.reset_index(), files[-1])
    return files


WRITERS = {".csv": _csv, ".xlsx": _sheets, ".parquet": _parquet}
"""How tables are written, by ending."""
