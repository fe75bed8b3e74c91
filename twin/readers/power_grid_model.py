"""power-grid-model input files (`.json`): SI units, sources behind their short-circuit power, taps at the from side."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twin.readers.records import PQ, SLACK, Array, Complex, Index, Mask, PowerNetwork

BASE = 1e6
"""VA of the per-unit system."""

LINK = 1e8
"""Conductance and susceptance of a link, pu of BASE [power-grid-model's documentation, Components]."""

FREQUENCY = 50.0
"""Hz, of line capacitances, where the file states none."""

_ENDS = "id from_node to_node from_status to_status"
_POWERS = "id node status type p_specified q_specified"
_NEEDED = {
    "node": "id u_rated",
    "line": f"{_ENDS} r1 x1 c1 tan1",
    "link": _ENDS,
    "generic_branch": f"{_ENDS} r1 x1 g1 b1",
    "transformer": f"{_ENDS} u1 u2 sn uk pk i0 p0 clock tap_side tap_min tap_max tap_size",
    "sym_load": _POWERS,
    "sym_gen": _POWERS,
    "shunt": "id node status g1 b1",
    "source": "id node status u_ref",
}
READ = {table: names.split() for table, names in _NEEDED.items()}
"""Components that are read, with the attributes that they need."""

OPTIONAL = {
    "line": {"i_n": np.inf},
    "generic_branch": {"k": 1.0, "theta": 0.0, "sn": np.inf},
    "transformer": dict.fromkeys(("tap_nom", "tap_pos", "uk_min", "uk_max", "pk_min", "pk_max")),
    "source": {"u_ref_angle": 0.0, "sk": 1e10, "rx_ratio": 0.1},
}
"""Attributes that may be left out, with what they then are; None where another attribute stands for them."""

HARMLESS = {
    "line": ["r0", "x0", "c0", "tan0"],
    "transformer": ["winding_from", "winding_to", "i0_zero_sequence", "p0_zero_sequence"]
    + [f"{part}_grounding_{side}" for part in "rx" for side in ("from", "to")],
    "shunt": ["g0", "b0"],
    "source": ["z01_ratio"],
}
"""Attributes of zero sequence and earthing, which a balanced flow does not see; the clock says what windings do."""

IGNORED = {"sym_power_sensor", "sym_voltage_sensor", "sym_current_sensor", "fault"}
IGNORED |= {"asym_power_sensor", "asym_voltage_sensor", "asym_current_sensor"}
"""Components that power flow does not need."""

Row = dict[str, Any]
"""A component as the file has it."""


def read(path: str | Path, frequency: float = FREQUENCY) -> PowerNetwork:
    """The network of a power-grid-model input file at `frequency` [Hz].

    A source is a slack bus behind its impedance, loads of constant impedance are shunts. A line or transformer that is
    open at one end keeps what it draws from the other. Raises ValueError, naming file, component and attribute, for
    batch files, components that are not read (three windings, single phases, regulators), attributes that are missing,
    no numbers or unknown, and loads of constant current.
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
    unread = sorted(name for name, rows in data.items() if rows and name not in READ.keys() | IGNORED)
    if unread:
        raise ValueError(f"{path.name}: {unread[0]} is not read; only {', '.join(sorted(READ))}")
    tables = {name: _rows(path, name, data.get(name) or [], attributes.get(name)) for name in READ}
    every = [row["id"] for rows in tables.values() for row in rows]
    if twice := sorted({i for i in every if every.count(i) > 1} if len(set(every)) < len(every) else ()):
        raise ValueError(f"{path.name}: id {twice[0]} stands twice; every component has one of its own")
    return _Reader(path, tables, frequency).network()


class _Branches(NamedTuple):
    """Some branches as pi models, per unit on BASE, with the tap at their start; every array is (branch,)."""

    start: Index
    end: Index
    in_service: Mask
    series: Complex
    charging: Complex
    ratio: Complex
    rating: Array


def _joined(parts: list[_Branches]) -> _Branches:
    """Branches of several tables, one after the other."""
    return _Branches(
        start=np.concatenate([p.start for p in parts]),
        end=np.concatenate([p.end for p in parts]),
        in_service=np.concatenate([p.in_service for p in parts]),
        series=np.concatenate([p.series for p in parts]),
        charging=np.concatenate([p.charging for p in parts]),
        ratio=np.concatenate([p.ratio for p in parts]),
        rating=np.concatenate([p.rating for p in parts]),
    )


class _Reader:
    """Components of a file by table, and its buses: nodes, the inner buses of sources, open ends of branches."""

    def __init__(self, path: Path, tables: dict[str, list[Row]], frequency: float) -> None:
        self.path, self.tables, self.frequency = path, tables, frequency
        self.node = {int(row["id"]): k for k, row in enumerate(tables["node"])}
        self.rated = list(self.column("node", "u_rated"))  # V
        if not all(u > 0 for u in self.rated):
            raise ValueError(f"{path.name}: node: u_rated must be above 0")
        self.rated += [self.rated[k] for k in self.at("source", "node")]
        self.names = [str(i) for i in self.node] + [f"source {row['id']}" for row in tables["source"]]

    def column(self, table: str, attribute: str, default: ArrayLike | None = None) -> Array:
        """One attribute of a table (row,); where it is left out `default`, one number or (row,), or OPTIONAL's."""
        default = OPTIONAL.get(table, {}).get(attribute) if default is None else default
        given = [row.get(attribute) for row in self.tables[table]]
        left_out = np.array([value is None for value in given], bool)
        return np.where(left_out, np.nan if default is None else default, np.array(given, float))

    def at(self, table: str, attribute: str) -> Index:
        """Positions of the nodes that a table names (row,)."""
        for row in self.tables[table]:
            if row[attribute] not in self.node:
                raise ValueError(f"{self.path.name}: {table} {row['id']}: there is no node {row[attribute]}")
        return np.array([self.node[row[attribute]] for row in self.tables[table]], np.int64)

    def network(self) -> PowerNetwork:
        """All tables joined; the inner buses of sources follow the nodes, open ends of branches follow those."""
        sources, nodes = len(self.tables["source"]), len(self.node)
        labels = np.array(self.names)
        lines, links = self._lines(), self._links()
        generic, trafos, behind = self._generic(), self._transformers(), self._sources()
        branches = _joined([lines, links, generic, trafos, behind])
        tables = ("line", "link", "generic_branch", "transformer", "source")
        is_trafo = [False, False, True, True, False]
        buses, on = len(self.names), behind.in_service
        load, shunt = self._injections(buses)
        inner, voltage = nodes + np.arange(sources), self.column("source", "u_ref")
        kind, initial = np.full(buses, PQ), np.ones(buses, complex)
        kind[inner] = np.where(on, SLACK, PQ)
        initial[inner] = voltage * np.exp(1j * self.column("source", "u_ref_angle"))
        open_ends = buses > len(labels)
        return PowerNetwork(
            name=self.path.stem,
            base_mva=BASE / 1e6,
            bus=np.array(self.names),
            vn_kv=np.array(self.rated) / 1e3,
            kind=kind,
            load=load,
            shunt=shunt,
            start=branches.start,
            end=branches.end,
            branch=np.array([str(row["id"]) for table in tables for row in self.tables[table]]),
            trafo=np.repeat(is_trafo, [len(self.tables[table]) for table in tables]),
            series=branches.series,
            charging=branches.charging,
            ratio=branches.ratio,
            rating=branches.rating,
            in_service=branches.in_service,
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
            label=labels if open_ends else None,
            node=np.arange(len(labels)) if open_ends else None,
        )

    def _ends(self, table: str) -> tuple[Index, Index, Mask]:
        """Buses at both ends of the branches of a table, and which are in service, (row,) each.

        A branch that is open at one end gets a bus of its own there; one that is open at both is out of service.
        """
        ends = self.at(table, "from_node"), self.at(table, "to_node")
        closed = [self.column(table, status) > 0 for status in ("from_status", "to_status")]
        for end, here, there, side in zip(ends, closed, closed[::-1], ("from", "to"), strict=True):
            for k in np.flatnonzero(there & ~here):
                self.rated.append(self.rated[end[k]])
                self.names.append(f"open {side} end of {table} {self.tables[table][k]['id']}")
                end[k] = len(self.names) - 1
        return *ends, closed[0] | closed[1]

    def _impedance(self, bus: Index) -> Array:
        """Base impedance [ohm] at buses (row,)."""
        return np.array(self.rated)[bus] ** 2 / BASE

    def _lines(self) -> _Branches:
        start, end, on = self._ends("line")
        rated = np.array(self.rated)
        for row, a, b in zip(self.tables["line"], rated[start], rated[end], strict=True):
            if a != b:
                raise ValueError(f"{self.path.name}: line {row['id']} joins nodes of {a:g} V and {b:g} V")
        impedance = self._impedance(start)
        r, x, c, tangent = (self.column("line", k) for k in ("r1", "x1", "c1", "tan1"))
        with np.errstate(divide="ignore", invalid="ignore"):
            series = impedance / (r + 1j * x)
        charging = 2 * np.pi * self.frequency * c * impedance * (1j + tangent)
        rating = np.sqrt(3.0) * self.column("line", "i_n") * rated[start] / BASE
        return _Branches(start, end, on, series, charging, np.ones(len(start), complex), rating)

    def _links(self) -> _Branches:
        """Links, which have nothing to draw when one end is open."""
        start, end = self.at("link", "from_node"), self.at("link", "to_node")
        on = (self.column("link", "from_status") > 0) & (self.column("link", "to_status") > 0)
        n = len(start)
        series = np.full(n, LINK * (1 + 1j))
        return _Branches(start, end, on, series, np.zeros(n, complex), np.ones(n, complex), np.full(n, np.inf))

    def _generic(self) -> _Branches:
        """Generic branches: impedance and shunt [ohm, S] at the to side, an ideal transformer k, theta at the other."""
        start, end, on = self._ends("generic_branch")
        r, x, g, b, k, theta, sn = (
            self.column("generic_branch", name) for name in ("r1", "x1", "g1", "b1", "k", "theta", "sn")
        )
        impedance = self._impedance(end)
        with np.errstate(divide="ignore", invalid="ignore"):
            series = impedance / (r + 1j * x)
        turn: Complex = np.exp(1j * theta)
        return _Branches(start, end, on, series, (g + 1j * b) * impedance, k * turn, sn / BASE)

    def _transformers(self) -> _Branches:
        start, end, on = self._ends("transformer")
        u1, u2, sn, i0, p0, side, step, clock = (
            self.column("transformer", k) for k in ("u1", "u2", "sn", "i0", "p0", "tap_side", "tap_size", "clock")
        )
        lowest, highest = self.column("transformer", "tap_min"), self.column("transformer", "tap_max")
        nominal = self.column("transformer", "tap_nom", 0.0)
        lower, upper = np.minimum(lowest, highest), np.maximum(lowest, highest)
        for row, wrong in zip(self.tables["transformer"], (nominal < lower) | (nominal > upper), strict=True):
            if wrong:
                raise ValueError(f"{self.path.name}: transformer {row['id']}: tap_nom outside of tap_min and tap_max")
        position = np.clip(self.column("transformer", "tap_pos", nominal), lower, upper)
        change = (position - nominal) * step * np.where(highest < lowest, -1.0, 1.0)
        u1, u2 = u1 + np.where(side == 0, change, 0.0), u2 + np.where(side == 1, change, 0.0)
        toward = np.where((position - nominal) * (lowest - nominal) > 0, lowest, highest) - nominal
        share = np.where(toward == 0, 0.0, (position - nominal) / np.where(toward == 0, 1.0, toward))
        uk, pk = (self._at_tap(name, share, toward == lowest - nominal) for name in ("uk", "pk"))
        rated = np.array(self.rated)
        impedance, own_impedance = rated[end] ** 2 / BASE, u2**2 / sn
        z, r = uk * own_impedance, pk / sn * own_impedance
        with np.errstate(divide="ignore", invalid="ignore"):
            series = impedance / (r + 1j * np.sqrt(np.maximum(z**2 - r**2, 0.0)))
        y, g = i0 / own_impedance, p0 / sn / own_impedance
        charging = (g - 1j * np.sqrt(np.maximum(y**2 - g**2, 0.0))) * impedance
        turn: Complex = np.exp(1j * np.radians(30.0) * clock)
        ratio = u1 / u2 * rated[end] / rated[start]
        return _Branches(start, end, on, series, charging, ratio * turn, sn / BASE)

    def _at_tap(self, name: str, share: Array, to_lowest: Mask) -> Array:
        """`uk` or `pk` at the tap (row,): `share` of the way from its nominal value to that at the end of the range."""
        nominal = self.column("transformer", name)
        ends = (self.column("transformer", f"{name}_{end}", nominal) for end in ("min", "max"))
        return nominal + share * (np.where(to_lowest, *ends) - nominal)

    def _sources(self) -> _Branches:
        """The impedances between the inner buses of sources and their nodes."""
        end = self.at("source", "node")
        n = len(end)
        power, ratio = self.column("source", "sk"), self.column("source", "rx_ratio")
        if (power <= 0).any():
            raise ValueError(f"{self.path.name}: source: sk must be above 0")
        series = power / BASE * np.sqrt(1 + ratio**2) / (ratio + 1j)
        start, on = len(self.node) + np.arange(n), self.column("source", "status") > 0
        return _Branches(start, end, on, series, np.zeros(n, complex), np.ones(n, complex), np.full(n, np.inf))

    def _injections(self, buses: int) -> tuple[Complex, Complex]:
        """Loads and shunts [pu], (bus,) each."""
        load, shunt = np.zeros(buses, complex), np.zeros(buses, complex)
        for table, sign in (("sym_load", 1.0), ("sym_gen", -1.0)):
            power = sign * (self.column(table, "p_specified") + 1j * self.column(table, "q_specified")) / BASE
            kind, on = self.column(table, "type"), self.column(table, "status") > 0
            if not np.isin(kind[on], (0, 1)).all():
                raise ValueError(f"{self.path.name}: {table}: constant current is not read; types are 0 and 1")
            at = self.at(table, "node")
            np.add.at(load, at[on & (kind == 0)], power[on & (kind == 0)])
            np.add.at(shunt, at[on & (kind == 1)], np.conj(power[on & (kind == 1)]))
        at, on = self.at("shunt", "node"), self.column("shunt", "status") > 0
        admittance = self.column("shunt", "g1") + 1j * self.column("shunt", "b1")
        np.add.at(shunt, at[on], (admittance * self._impedance(at))[on])
        return load, shunt


def _rows(path: Path, table: str, rows: list[Row | list[Any]], attributes: list[str] | None) -> list[Row]:
    """Rows of a table as mappings without empty attributes; files may give them as lists in the order of `attributes`.

    Raises ValueError for attributes that are missing or no numbers, and for numbers under an unknown name. What else
    stands beside them is a description, which power-grid-model lets users add.
    """
    needed, known = READ[table], {*READ[table], *OPTIONAL.get(table, ()), *HARMLESS.get(table, ())}
    found: list[Row] = []
    for k, given in enumerate(rows, 1):
        if isinstance(given, list) and len(given) != len(attributes or []):
            raise ValueError(
                f"{path.name}: {table}, row {k}: {len(given)} values for {len(attributes or [])} attributes"
            )
        values = zip(attributes or [], given, strict=True) if isinstance(given, list) else given.items()
        row = {name: v for name, v in values if v is not None and v == v}
        where = f"{path.name}: {table} {row['id']}" if "id" in row else f"{path.name}: {table}, row {k}"
        for name in needed:
            if name not in row:
                raise ValueError(f"{where} has no {name}")
        for name, value in row.items():
            number = isinstance(value, (int, float))
            if name in known and not number:
                raise ValueError(f"{where}: {name} is no number: {value!r}")
            if name not in known and number:
                close = get_close_matches(name, known, 1)
                raise ValueError(f"{where}: unknown attribute {name}{f'; is it {close[0]}?' if close else ''}")
        found.append(row)
    return found
