"""What a sweep has found: its store as one labelled dataset, whole or while it runs."""

from __future__ import annotations

import html
from collections import Counter
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.columns import Array
from twin.elements import REASONS, Status
from twin.facility.files import LayoutError, hint
from twin.kernels.later import later
from twin.study.store import PENDING, Store, flag_meanings, open_store
from twin.units import cf_unit

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from twin.show.plots import sweeps as plots
else:
    xr, pd, plots = map(later, ("xarray", "pandas", "twin.show.plots.sweeps"))


class SweepResult:
    """What is stored of a sweep. `dataset` has all of it by name, and item access reads one variable.

    Scenarios that are not solved yet have the status -1 and no numbers; those that failed a status and a reason.

    >>> found = twin.open_sweep("set_points.zarr")
    >>> found["pue"], found.grid()["pue"].sel({"cdu.set_point": 313.15})
    """

    def __init__(self, store: Store, folder: TemporaryDirectory[str] | None = None) -> None:
        self.store, self._folder = store, folder

    @property
    def path(self) -> Path:
        """Where the store is."""
        return self.store.path

    @property
    def size(self) -> int:
        """How many scenarios there are."""
        return self.store.size

    @property
    def title(self) -> str:
        """The name of the layout."""
        return str(self.store.attributes["title"])

    @cached_property
    def status(self) -> Array:
        """Status of every scenario, -1 where it is not solved yet (scenario,)."""
        return self.store.status()

    def damaged(self) -> dict[int, str]:
        """Chunks that are not as they were written, by number, and why; every file is read."""
        why = {number: self.store.complete(number) for number in range(self.store.chunks)}
        return {number: text for number, text in why.items() if text}

    @property
    def done(self) -> int:
        """Scenarios that are solved, or failed."""
        return int((self.status != PENDING).sum())

    @property
    def ok(self) -> bool:
        """Whether every scenario was solved."""
        return bool((self.status == Status.OK).all())

    def counts(self) -> dict[str, int]:
        """Scenarios by what became of them, such as {"ok": 9_990, "hydraulic": 10}."""
        names = {PENDING: "pending"} | {int(s): s.name.lower() for s in Status}
        found = Counter(self.status.tolist())
        return {name: found[s] for s, name in names.items() if found[s]}

    def failures(self, limit: int = 10) -> list[tuple[str, int, int, str]]:
        """What failed, the most frequent first: status, how many for that reason, the first of these, the reason."""
        bad = np.flatnonzero((self.status != Status.OK) & (self.status != PENDING))
        if not len(bad):
            return []
        reasons = self.store.values("reason")[bad]
        shared = [_shared(str(r)) for r in reasons]
        first = dict[str, int]()
        for i, text in enumerate(shared):
            first.setdefault(text, i)
        rows = []
        for text, count in Counter(shared).most_common(limit):
            i = first[text]
            status = Status(int(self.status[bad[i]]))
            rows.append((status.name.lower(), count, int(bad[i]), str(reasons[i]) or REASONS[status]))
        return rows

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """What was varied, by address, as coordinates along the scenarios."""
        store, found = self.store, dict[str, Any]()
        for address, values in store.columns.items():
            unit = cf_unit(store.attributes["quantities"][address])
            found[address] = ("scenario", values, {"long_name": address, "units": unit})
        for address in store.shapes[0]:
            texts = np.array([shape[address] for shape in store.shapes], object)
            found[address] = ("scenario", texts[store.group_of], {"long_name": address})
        return found

    def __getitem__(self, name: str) -> xr.DataArray:
        store = self.store
        variables = {v.name: v for v in store.template.variables}
        known = ["status", *variables, *self.parameters]
        if name not in known:
            raise LayoutError(str(self.path), [f"no {name!r}{hint(name, known)}; there are {', '.join(known)}"])
        if "dataset" in vars(self):
            return self.dataset[name]
        if name in variables:
            v = variables[name]
            values = store.table(name) if v.dims else store.values(name)
            return xr.DataArray(values, self._coordinates(v.dims), [*v.dims, "scenario"], name, dict(v.attributes))
        if name == "status":
            return xr.DataArray(self.status, self._coordinates(()), "scenario", name)
        _, values, attributes = self.parameters[name]
        return xr.DataArray(values, dims="scenario", name=name, attrs=attributes)

    def _coordinates(self, dimensions: Any) -> dict[str, Any]:
        """Coordinates of the scenarios and of elements."""
        labels = self.store.labels
        found = {"scenario": np.arange(self.size) if labels is None else labels}
        found |= {d: list(self.store.template.labels[d]) for d in dimensions}
        return found | self.parameters

    @cached_property
    def dataset(self) -> xr.Dataset:
        """All that is stored, labelled as the dataset of a `Result`; parameters are coordinates of the scenarios."""
        store = self.store
        variables = dict[str, Any]()
        for pack, text in (("numbers", False), ("texts", True)):
            names = store.template.plain(text)
            for v, values in zip(names, store.packed(pack) if names else (), strict=True):
                variables[v.name] = ("scenario", store.typed(v, values), dict(v.attributes))
        for v in store.template.tables:
            variables[v.name] = ((*v.dims, "scenario"), store.table(v.name), dict(v.attributes))
        meanings = {"flag_values": [PENDING, *map(int, Status)], "flag_meanings": flag_meanings()}
        variables["status"] = ("scenario", self.status, meanings)
        return xr.Dataset(variables, self._coordinates(store.template.labels), self.attributes)

    @property
    def attributes(self) -> dict[str, Any]:
        """Where it comes from: layouts and their hashes, version, what was asked."""
        a = self.store.attributes
        return {
            "title": self.title,
            "layout": "; ".join(dict.fromkeys(source for source, _ in a["layouts"])),
            "layout_hash": "; ".join(dict.fromkeys(digest for _, digest in a["layouts"])),
            "twin_version": a["twin_version"],
            "air": a["air"]["model"],
            "precision": "float64",
            "notes": "; ".join(a["notes"]),
        }

    def grid(self) -> xr.Dataset:
        """The dataset with an axis for each that was varied instead of `scenario`: a view of the points of a grid.

        Along an axis of several addresses, and of draws from distributions, the others are coordinates. Raises
        LayoutError where the scenarios are no grid.
        """
        axes = self.store.dimensions
        if not axes:
            raise LayoutError(str(self.path), ["its scenarios are a table, no grid; use `dataset`"])
        data, shape = self.dataset, [d.size for d in axes]
        names = [d.name for d in axes]
        along = {address: (d.name, i) for i, d in enumerate(axes) for address in d.addresses}
        coordinates: dict[str, Any] = {str(n): v for n, v in data.coords.items() if "scenario" not in v.dims}
        for address, (name, i) in along.items():
            values = np.moveaxis(data[address].values.reshape(shape), i, 0).reshape(shape[i], -1)[:, 0]
            coordinates[address] = (name, values, data[address].attrs)
        for address in set(self.parameters) - set(along):
            coordinates[address] = ((), data[address].values[0], data[address].attrs)
        variables = {}
        for name, v in data.data_vars.items():
            others = tuple(d for d in v.dims if d != "scenario")
            values = v.values.reshape(*(v.sizes[d] for d in others), *shape)
            variables[name] = ((*others, *names), values, v.attrs)
        return xr.Dataset(variables, coordinates, data.attrs)

    @property
    def plot(self) -> plots.SweepPlots:
        """Plots of it: `plot("pue", x="site.dry_bulb")`, `plot.map("pue")`; they need the extra `plots`."""
        return plots.SweepPlots(self)

    def to_dataframe(self) -> pd.DataFrame:
        """Parameters and variables of scenarios as a table, one row a scenario, SI."""
        plain = [v.name for v in self.store.template.variables if not v.dims]
        columns = {a: row[1] for a, row in self.parameters.items()}
        columns |= {n: self.dataset[n].values for n in ("status", *plain)}
        return pd.DataFrame(columns, pd.Index(self._coordinates(())["scenario"], name="scenario"))

    def __repr__(self) -> str:
        counted = ", ".join(f"{n:,} {name}" for name, n in self.counts().items())
        return f"<SweepResult of {self.title}: {self.size:,} scenarios, {counted}>"

    def _repr_html_(self) -> str:
        rows = [(name.replace("_", " "), f"{n:,}") for name, n in self.counts().items()]
        rows += [(f"{status} from {first:,}", text) for status, _, first, text in self.failures(3)]
        body = "".join(f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in rows)
        return f"<b>{html.escape(self.title)}</b>, {self.size:,} scenarios<table>{body}</table>"


def _shared(reason: str) -> str:
    """A reason without its numbers, by which reasons that differ in these alone are counted together."""
    return "".join("0" if c.isdigit() else c for c in reason)


def open_sweep(path: str | Path) -> SweepResult:
    """What is in the store of a sweep, whether it is finished, running or stopped.

    path: of the store. Raises LayoutError for what is none, and for one of another version.

    >>> twin.open_sweep("set_points.zarr").counts()
    """
    return SweepResult(open_store(path))
