"""power-grid-model input files (`.json`): SI units, sources behind their short-circuit power, taps at the from side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twin.readers.records import PQ, SLACK, Array, Complex, Index, Mask, PowerNetwork

BASE = 1e6
"""VA of the per-unit system."""

LINK = 1e8
"""Admittance of a link, pu of BASE: nothing to see at 1e-8."""

FREQUENCY = 50.0
"""Hz, of line capacitances, where the file states none."""

READ = {"node", "line", "link", "transformer", "sym_load", "sym_gen", "shunt", "source"}
"""Components that are read."""

IGNORED = {"sym_power_sensor", "sym_voltage_sensor", "sym_current_sensor", "fault"}
"""Components that power flow does not need."""

_NEUTRAL = {"tap_pos", "tap_nom", "tap_size", "tap_side", "clock", "tan1"}

Row = dict[str, Any]
"""A component as the file has it."""


def read(path: str | Path, frequency: float = FREQUENCY) -> PowerNetwork:
    """The network of a power-grid-model input file at `frequency` [Hz].

    A source is a slack bus behind its impedance, loads of constant impedance are shunts. Raises ValueError, naming file
    and component, for batch files, components that are not read (three windings, single phases, regulators) and loads
    of constant current.
    """
    path = Path(path)
    try:
        document = json.loads(path.read_text("utf-8"))
        data = document["data"]
        if document.get("is_batch") or document.get("type", "input") != "input" or not isinstance(data, dict):
            raise ValueError
    except (ValueError, KeyError, TypeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"{path.name}: not a power-grid-model input file") from None
    attributes = document.get("attributes") or {}
    unread = sorted(name for name, rows in data.items() if rows and name not in READ | IGNORED)
    if unread:
        raise ValueError(f"{path.name}: {unread[0]} is not read; only {', '.join(sorted(READ))}")
    tables = {name: _rows(data.get(name) or [], attributes.get(name)) for name in READ}
    return _Reader(path, tables, frequency).network()


class _Branches(NamedTuple):
    """Some branches as pi models, per unit on BASE, with the tap at their start; every array is (branch,)."""

    start: Index
    end: Index
    series: Complex
    charging: Complex
    ratio: Complex
    rating: Array


def _joined(parts: list[_Branches]) -> _Branches:
    """Branches of several tables, one after the other."""
    return _Branches(
        start=np.concatenate([p.start for p in parts]),
        end=np.concatenate([p.end for p in parts]),
        series=np.concatenate([p.series for p in parts]),
        charging=np.concatenate([p.charging for p in parts]),
        ratio=np.concatenate([p.ratio for p in parts]),
        rating=np.concatenate([p.rating for p in parts]),
    )


class _Reader:
    """Components of a file by table, and the position of each node."""

    def __init__(self, path: Path, tables: dict[str, list[Row]], frequency: float) -> None:
        self.path, self.tables, self.frequency = path, tables, frequency
        self.node = {int(row["id"]): k for k, row in enumerate(tables["node"])}
        self.rated = np.array([row["u_rated"] for row in tables["node"]])

    def column(self, table: str, attribute: str) -> Array:
        """One attribute of a table (row,); what is neutral may be left out."""
        default = 0.0 if attribute in _NEUTRAL else None
        values = [row.get(attribute, default) for row in self.tables[table]]
        for row, value in zip(self.tables[table], values, strict=True):
            if value is None:
                raise ValueError(f"{self.path.name}: {table} {row.get('id')} has no {attribute}")
        return np.array(values, float)

    def optional(self, table: str, attribute: str, default: float) -> Array:
        """One attribute of a table (row,), `default` where it is left out or 0."""
        return np.array([row.get(attribute) or default for row in self.tables[table]])

    def at(self, table: str, attribute: str) -> Index:
        """Positions of the nodes that a table names (row,)."""
        positions: list[int] = []
        for row, node in zip(self.tables[table], self.column(table, attribute), strict=True):
            if int(node) not in self.node:
                raise ValueError(f"{self.path.name}: {table} {row['id']}: there is no node {row[attribute]}")
            positions.append(self.node[int(node)])
        return np.array(positions, np.int64)

    def network(self) -> PowerNetwork:
        """All tables joined; the inner buses of sources follow the nodes."""
        sources, nodes = len(self.tables["source"]), len(self.node)
        lines, links, trafos, behind = self._lines(), self._links(), self._transformers(), self._sources()
        branches = _joined([lines, links, trafos, behind])
        names = [str(row["id"]) for t in ("line", "link", "transformer", "source") for row in self.tables[t]]
        status = [self._status(table) for table in ("line", "link", "transformer")]
        on = self.column("source", "status") > 0
        load, shunt = self._injections(nodes + sources)
        source_node, voltage = self.at("source", "node"), self.column("source", "u_ref")
        inner = nodes + np.arange(sources)
        initial = np.ones(nodes + sources, complex)
        initial[inner] = voltage * np.exp(1j * self.optional("source", "u_ref_angle", 0.0))
        first_trafo = len(lines.start) + len(links.start)
        return PowerNetwork(
            name=self.path.stem,
            base_mva=BASE / 1e6,
            bus=np.array([str(i) for i in self.node] + [f"source {row['id']}" for row in self.tables["source"]]),
            vn_kv=np.r_[self.rated, self.rated[source_node]] / 1e3,
            kind=np.r_[np.full(nodes, PQ), np.where(on, SLACK, PQ)],
            load=load,
            shunt=shunt,
            start=branches.start,
            end=branches.end,
            branch=np.array(names),
            trafo=np.isin(np.arange(len(names)), first_trafo + np.arange(len(trafos.start))),
            series=branches.series,
            charging=branches.charging,
            ratio=branches.ratio,
            rating=branches.rating,
            in_service=np.concatenate([*status, on]).astype(bool),
            gen_bus=inner,
            gen_power=np.zeros(sources, complex),
            gen_voltage=voltage,
            gen_min_q=np.full(sources, -np.inf),
            gen_max_q=np.full(sources, np.inf),
            gen_in_service=on,
            initial=initial,
            notes=(
                "transformers are pi models with the tap at the from side",
                f"sources are slack buses behind their short-circuit power, lines at {self.frequency:g} Hz",
            ),
        )

    def _status(self, table: str) -> Mask:
        """Branches that are closed at both ends (row,)."""
        return (self.column(table, "from_status") > 0) & (self.column(table, "to_status") > 0)

    def _ends(self, table: str) -> tuple[Index, Index]:
        return self.at(table, "from_node"), self.at(table, "to_node")

    def _lines(self) -> _Branches:
        start, end = self._ends("line")
        impedance = self.rated[start] ** 2 / BASE
        r, x, c, tangent = (self.column("line", k) for k in ("r1", "x1", "c1", "tan1"))
        with np.errstate(divide="ignore", invalid="ignore"):
            series = impedance / (r + 1j * x)
        charging = 2 * np.pi * self.frequency * c * impedance * (1j + tangent)
        rating = np.sqrt(3.0) * self.optional("line", "i_n", np.inf) * self.rated[start] / BASE
        return _Branches(start, end, series, charging, np.ones(len(start), complex), rating)

    def _links(self) -> _Branches:
        start, end = self._ends("link")
        n = len(start)
        series = np.full(n, LINK * (1 + 1j) / np.sqrt(2.0))
        return _Branches(start, end, series, np.zeros(n, complex), np.ones(n, complex), np.full(n, np.inf))

    def _transformers(self) -> _Branches:
        start, end = self._ends("transformer")
        u1, u2, sn, uk, pk, i0, p0, side, position, nominal, step, clock = (
            self.column("transformer", k)
            for k in ("u1", "u2", "sn", "uk", "pk", "i0", "p0", "tap_side", "tap_pos", "tap_nom", "tap_size", "clock")
        )
        rows = self.tables["transformer"]
        reversed_taps = np.array([float(row.get("tap_max", 0) < row.get("tap_min", 0)) for row in rows])
        change = (position - nominal) * step * (1.0 - 2.0 * reversed_taps)
        u1, u2 = u1 + np.where(side == 0, change, 0.0), u2 + np.where(side == 1, change, 0.0)
        rated = self.rated[end]
        impedance, own_impedance = rated**2 / BASE, u2**2 / sn
        z, r = uk * own_impedance, pk / sn * own_impedance
        with np.errstate(divide="ignore", invalid="ignore"):
            series = impedance / (r + 1j * np.sqrt(np.maximum(z**2 - r**2, 0.0)))
        y, g = i0 / own_impedance, p0 / sn / own_impedance
        charging = (g - 1j * np.sqrt(np.maximum(y**2 - g**2, 0.0))) * impedance
        turn: Complex = np.exp(1j * np.radians(30.0) * clock)
        ratio = u1 / u2 * rated / self.rated[start]
        return _Branches(start, end, series, charging, ratio * turn, sn / BASE)

    def _sources(self) -> _Branches:
        """The impedances between the inner buses of sources and their nodes."""
        end = self.at("source", "node")
        n = len(end)
        power, ratio = self.optional("source", "sk", 1e10), self.optional("source", "rx_ratio", 0.1)
        series = power / BASE * np.sqrt(1 + ratio**2) / (ratio + 1j)
        start = len(self.node) + np.arange(n)
        return _Branches(start, end, series, np.zeros(n, complex), np.ones(n, complex), np.full(n, np.inf))

    def _injections(self, buses: int) -> tuple[Complex, Complex]:
        """Loads and shunts [pu], (bus,) each."""
        load, shunt = np.zeros(buses, complex), np.zeros(buses, complex)
        for table, sign in (("sym_load", 1.0), ("sym_gen", -1.0)):
            power = sign * (self.column(table, "p_specified") + 1j * self.column(table, "q_specified")) / BASE
            kind, on = self.column(table, "type"), self.column(table, "status") > 0
            if (kind[on] == 2).any():
                raise ValueError(f"{self.path.name}: {table}: constant current is not read")
            at = self.at(table, "node")
            np.add.at(load, at[on & (kind == 0)], power[on & (kind == 0)])
            np.add.at(shunt, at[on & (kind == 1)], np.conj(power[on & (kind == 1)]))
        at, on = self.at("shunt", "node"), self.column("shunt", "status") > 0
        admittance = self.column("shunt", "g1") + 1j * self.column("shunt", "b1")
        impedance = self.rated[at] ** 2 / BASE
        np.add.at(shunt, at[on], (admittance * impedance)[on])
        return load, shunt


def _rows(rows: list[Row | list[Any]], attributes: list[str] | None) -> list[Row]:
    """Rows as mappings; files may give them as lists in the order of `attributes`."""
    return [dict(zip(attributes or [], r, strict=False)) if isinstance(r, list) else r for r in rows]
