"""power-grid-model input files (`.json`): SI units, sources behind their short-circuit power, taps at the from side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from twin.readers.records import PQ, SLACK, PowerNetwork

BASE = 1e6
"""VA of the per-unit system."""

LINK = 1e8
"""Admittance of a link, pu of BASE: nothing to see at 1e-8."""

FREQUENCY = 50.0
"""Hz, of line capacitances, where the file tells none."""

READ = {"node", "line", "link", "transformer", "sym_load", "sym_gen", "shunt", "source"}
IGNORED = {"sym_power_sensor", "sym_voltage_sensor", "sym_current_sensor", "fault"}
_NEUTRAL = {"tap_pos", "tap_nom", "tap_size", "tap_side", "clock", "tan1"}


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
    other = sorted(name for name, rows in data.items() if rows and name not in READ | IGNORED)
    if other:
        raise ValueError(f"{path.name}: {other[0]} is not read; only {', '.join(sorted(READ))}")
    return _Reader(path, data, attributes, frequency).network()


class _Reader:
    def __init__(self, path: Path, data: dict[str, Any], attributes: dict[str, Any], frequency: float) -> None:
        self.path, self.frequency = path, frequency
        self.rows = {name: _rows(data.get(name) or [], attributes.get(name)) for name in READ}
        self.node = {int(r["id"]): k for k, r in enumerate(self.rows["node"])}
        self.rated = np.array([r["u_rated"] for r in self.rows["node"]])

    def column(self, table: str, name: str) -> np.ndarray:
        """One attribute of a table; what is neutral may be left out."""
        missing = 0.0 if name in _NEUTRAL else None
        values = [r.get(name, missing) for r in self.rows[table]]
        for row, value in zip(self.rows[table], values, strict=True):
            if value is None:
                raise ValueError(f"{self.path.name}: {table} {row.get('id')} has no {name}")
        return np.array(values, float)

    def at(self, table: str, name: str) -> np.ndarray:
        """Positions of the nodes that a table names."""
        found = [self.node.get(int(v)) for v in self.column(table, name)]
        for row, place in zip(self.rows[table], found, strict=True):
            if place is None:
                raise ValueError(f"{self.path.name}: {table} {row['id']}: there is no node {row[name]}")
        return np.array(found, np.int64)

    def network(self) -> PowerNetwork:
        """All tables joined."""
        sources, nodes = len(self.rows["source"]), len(self.node)
        kinds = [self._lines(), self._links(), self._transformers(), self._sources(nodes)]
        start, end, series, charging, ratio, rating = (np.concatenate([k[i] for k in kinds]) for i in range(6))
        names = [str(r["id"]) for t in ("line", "link", "transformer", "source") for r in self.rows[t]]
        status = [self._status(t) for t in ("line", "link", "transformer")]
        on = self.column("source", "status") > 0
        load, shunt = self._injections(nodes + sources)
        source_node, voltage = self.at("source", "node"), self.column("source", "u_ref")
        angle = np.array([r.get("u_ref_angle") or 0.0 for r in self.rows["source"]])
        inner = nodes + np.arange(sources)
        initial = np.ones(nodes + sources, complex)
        initial[inner] = voltage * np.exp(1j * angle)
        return PowerNetwork(
            name=self.path.stem,
            base_mva=BASE / 1e6,
            bus=np.array([str(i) for i in self.node] + [f"source {r['id']}" for r in self.rows["source"]]),
            vn_kv=np.r_[self.rated, self.rated[source_node]] / 1e3,
            kind=np.r_[np.full(nodes, PQ), np.where(on, SLACK, PQ)],
            load=load,
            shunt=shunt,
            start=start,
            end=end,
            branch=np.array(names),
            trafo=np.isin(np.arange(len(start)), len(kinds[0][0]) + len(kinds[1][0]) + np.arange(len(kinds[2][0]))),
            series=series,
            charging=charging,
            ratio=ratio,
            rating=rating,
            in_service=np.concatenate([*status, on]).astype(bool),
            gen_bus=inner,
            gen_power=np.zeros(sources),
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

    def _status(self, table: str) -> np.ndarray:
        return (self.column(table, "from_status") > 0) & (self.column(table, "to_status") > 0)

    def _ends(self, table: str) -> tuple[np.ndarray, np.ndarray]:
        return self.at(table, "from_node"), self.at(table, "to_node")

    def _lines(self) -> tuple[np.ndarray, ...]:
        start, end = self._ends("line")
        base = self.rated[start] ** 2 / BASE if len(start) else np.zeros(0)
        r, x, c, tangent = (self.column("line", k) for k in ("r1", "x1", "c1", "tan1"))
        with np.errstate(divide="ignore", invalid="ignore"):
            series = base / (r + 1j * x)
        charging = 2 * np.pi * self.frequency * c * base * (1j + tangent)
        current = np.array([row.get("i_n") or np.inf for row in self.rows["line"]])
        rating = np.sqrt(3.0) * current * (self.rated[start] if len(start) else 0.0) / BASE
        return start, end, series, charging, np.ones(len(start), complex), rating

    def _links(self) -> tuple[np.ndarray, ...]:
        start, end = self._ends("link")
        n = len(start)
        series = np.full(n, LINK * (1 + 1j) / np.sqrt(2.0))
        return start, end, series, np.zeros(n, complex), np.ones(n, complex), np.full(n, np.inf)

    def _transformers(self) -> tuple[np.ndarray, ...]:
        start, end = self._ends("transformer")
        u1, u2, sn, uk, pk, i0, p0, side, position, nominal, step, clock = (
            self.column("transformer", k)
            for k in ("u1", "u2", "sn", "uk", "pk", "i0", "p0", "tap_side", "tap_pos", "tap_nom", "tap_size", "clock")
        )
        down = np.array([float(r.get("tap_max", 0) < r.get("tap_min", 0)) for r in self.rows["transformer"]])
        moved = (position - nominal) * step * (1.0 - 2.0 * down)
        u1, u2 = u1 + np.where(side == 0, moved, 0.0), u2 + np.where(side == 1, moved, 0.0)
        rated = self.rated[end] if len(end) else np.zeros(0)
        base = rated**2 / BASE
        own = u2**2 / sn
        z, r = uk * own, pk / sn * own
        with np.errstate(divide="ignore", invalid="ignore"):
            series = base / (r + 1j * np.sqrt(np.maximum(z**2 - r**2, 0.0)))
        y, g = i0 / own, p0 / sn / own
        charging = (g - 1j * np.sqrt(np.maximum(y**2 - g**2, 0.0))) * base
        ratio = u1 / u2 * rated / (self.rated[start] if len(start) else np.ones(0))
        return start, end, series, charging, ratio * np.exp(1j * np.radians(30.0) * clock), sn / BASE

    def _sources(self, nodes: int) -> tuple[np.ndarray, ...]:
        end = self.at("source", "node")
        n = len(end)
        power = np.array([r.get("sk") or 1e10 for r in self.rows["source"]])
        ratio = np.array([r.get("rx_ratio") or 0.1 for r in self.rows["source"]])
        series = power / BASE * np.sqrt(1 + ratio**2) / (ratio + 1j)
        return nodes + np.arange(n), end, series, np.zeros(n, complex), np.ones(n, complex), np.full(n, np.inf)

    def _injections(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        load, shunt = np.zeros(n, complex), np.zeros(n, complex)
        for table, sign in (("sym_load", 1.0), ("sym_gen", -1.0)):
            power = sign * (self.column(table, "p_specified") + 1j * self.column(table, "q_specified")) / BASE
            kind, on = self.column(table, "type"), self.column(table, "status") > 0
            if (kind[on] == 2).any():
                raise ValueError(f"{self.path.name}: {table}: constant current is not read")
            where = self.at(table, "node")
            np.add.at(load, where[on & (kind == 0)], power[on & (kind == 0)])
            np.add.at(shunt, where[on & (kind == 1)], np.conj(power[on & (kind == 1)]))
        where, on = self.at("shunt", "node"), self.column("shunt", "status") > 0
        admittance = self.column("shunt", "g1") + 1j * self.column("shunt", "b1")
        base = self.rated[where] ** 2 / BASE if len(where) else np.zeros(0)
        np.add.at(shunt, where[on], (admittance * base)[on])
        return load, shunt


def _rows(rows: list[Any], attributes: list[str] | None) -> list[dict[str, Any]]:
    """Rows as mappings; files may give them as lists in the order of `attributes`."""
    return [dict(zip(attributes or [], r, strict=False)) if isinstance(r, list) else r for r in rows]
