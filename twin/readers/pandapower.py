"""pandapower networks (`.json`, versions 2 and 3): tables by name, transformers as T or pi models, taps at their side.

Buses that a closed switch joins become one; a line or transformer that is open at one end keeps what it draws from the
other [pandapower's documentation, Electric Elements]. Discrete and continuous tap controllers are read as on-load tap
changers. A load's share of constant impedance is its own; pandapower spreads the mean share of a bus's loads over all
that stands at the bus. `pandapower_tables` says what is made of every table and column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twin.readers.pandapower_tables import IGNORED, IN_USE, OPTIONS, READ, REFUSED
from twin.readers.records import DEAD, PQ, PV, SLACK, Array, Complex, Index, Mask, PowerNetwork, TapChangers

SWITCH = (2.0 + 1.0j) / abs(2.0 + 1.0j)
"""Direction of a switch's impedance: pandapower's default ratio of resistance to reactance, 2."""

Stored = dict[str, Any]
"""A network as its file has it: parameters, and tables by name."""


def recognise(path: str | Path) -> bool:
    """Whether a JSON file is a pandapower network of any version."""
    return _document(Path(path)) is not None


def _document(path: Path) -> Stored | None:
    """A network as its file has it; None for another file."""
    try:
        document = json.loads(path.read_text("utf-8"))
        if isinstance(document, dict) and document.get("_class") == "pandapowerNet":
            return _content(document)  # as text in version 2.0
        old = isinstance(document, dict) and "version" in document and "DataFrame" in str(document.get("bus"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        return None
    return document if old else None


def frequency(path: str | Path) -> float:
    """Frequency of the network of a file [Hz]."""
    return float((_document(Path(path)) or {}).get("f_hz", 50.0))


def read(path: str | Path, trafo_model: Literal["t", "pi"] | None = None) -> PowerNetwork:
    """The network of a file; `trafo_model` is t or pi, by default what the network's options say, else t.

    Raises ValueError, naming file, table and row, for what is not read: other versions, elements in service of tables
    that are refused or unknown, options that change the flow, loads of constant current, tap tables, second taps in
    use, and impedances that differ by direction.
    """
    path = Path(path)
    stored = _document(path)
    if stored is None:
        raise ValueError(f"{path.name}: not a pandapower network")
    try:
        _check(path.name, stored)
        model = trafo_model or stored.get("user_pf_options", {}).get("trafo_model", "t")
        if model not in ("t", "pi"):
            raise ValueError(f"{path.name}: trafo_model {model!r} is neither t nor pi")
        return _Reader(path.name, stored, model).network()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if str(error).startswith(path.name):
            raise
        raise ValueError(f"{path.name}: a table is not as pandapower writes it: {error}") from error


def _check(file: str, stored: Stored) -> None:
    """ValueError for a version, an option or an element in service that is not understood."""
    version = str(stored.get("format_version", stored.get("version", "3")))
    if version.split(".")[0] not in ("2", "3"):
        remedy = "load it with pandapower's from_json, which converts it, and save it again"
        raise ValueError(f"{file}: a pandapower network of version {version}; 2 and 3 are read: {remedy}")
    for option, value in (stored.get("user_pf_options") or {}).items():
        if option in OPTIONS and value not in OPTIONS[option]:
            raise ValueError(f"{file}: user_pf_options: {option} {value!r} is not followed; take it out")
    for name, content in stored.items():
        if name in READ or name in IGNORED or name.startswith(("res_", "_empty_res_")):
            continue
        if not (
            isinstance(content, dict) and content.get("_class", "DataFrame") == "DataFrame" and "_object" in content
        ):
            continue
        found = _Table(file, name, content)
        if name in REFUSED or any(c == "bus" or c.endswith("_bus") or c.startswith("bus_") for c in found.columns):
            for i, on in zip(found.index, found.on(), strict=True):
                if on:
                    raise ValueError(f"{file}: {name} {i} is in service, and {name} is not read")


def _content(stored: object) -> dict[str, Any]:
    """What pandapower has stored in an object, as JSON or as text of JSON."""
    content = stored.get("_object") if isinstance(stored, dict) else None
    return json.loads(content) if isinstance(content, str) else content or {}


def _plain(value: Any) -> Any:
    """A value without the wrapping in which pandapower stores numbers and arrays of numpy."""
    if isinstance(value, dict) and value.get("_module") == "numpy":
        return _plain(value["_object"])
    return [_plain(v) for v in value] if isinstance(value, list) else value


class _Table:
    """Columns of one of pandapower's tables."""

    def __init__(self, file: str, name: str, stored: object) -> None:
        content = _content(stored)
        self.file, self.name = file, name
        self.columns, self.rows = content.get("columns", []), content.get("data", [])
        self.index = [int(i) for i in content.get("index", [])]

    def names(self) -> Index:
        """Indices of the rows (row,)."""
        return np.array(self.index, int)

    def __len__(self) -> int:
        return len(self.rows)

    def raw(self, column: str, default: Any = None) -> list[Any]:
        """Values as they stand (row,), `default` where there is none."""
        if column not in self.columns:
            return [default] * len(self.rows)
        k = self.columns.index(column)
        return [default if r[k] is None or r[k] != r[k] else r[k] for r in self.rows]

    def number(self, column: str, default: float | None = None) -> Array:
        """A column of numbers (row,); ValueError for a row that has none, unless there is a default."""
        values = self.raw(column, default)
        for i, v in zip(self.index, values, strict=True):
            if v is None:
                raise ValueError(f"{self.file}: {self.name} {i} has no {column}")
        return np.array(values, float)

    def on(self) -> Mask:
        """Rows in service (row,)."""
        return np.array([bool(v) for v in self.raw("in_service", True)], bool)


@dataclass(frozen=True)
class _Branches:
    """Some branches as pi models, per unit; arrays are (branch,), and one number stands for all of them."""

    names: Index
    start: Index
    end: Index
    series: ArrayLike
    charging: ArrayLike = 0j
    ratio: ArrayLike = 1 + 0j
    rating: ArrayLike = np.inf
    in_service: ArrayLike = True
    trafo: bool = False

    def column(self, field: str) -> np.ndarray:
        """A field of every branch, (branch,)."""
        return np.broadcast_to(np.asarray(getattr(self, field)), len(self.start))


@dataclass(frozen=True)
class _Ends:
    """Ends of the lines or transformers of a table, (row,) each."""

    start: Index
    end: Index
    in_service: Mask
    kv_start: Array
    """Rated voltage of the bus at the start [kV]."""
    kv_end: Array
    """Rated voltage at the end [kV]: of its bus, or of the start for lines."""


class _Tap(NamedTuple):
    """The tap of a transformer."""

    side: Literal["hv", "lv"] | None
    """None without a tap."""
    step: float
    """Change of the rated voltage at its side per position [pu]."""
    factor: complex
    """On the rated voltage at its side, at its position."""


@dataclass(frozen=True)
class _Trafos:
    """Transformers that are read."""

    table: _Table
    taps: list[_Tap]
    first: int
    """Position of the first among the branches."""
    ends: _Ends


class _Generators(NamedTuple):
    """External grids, then generators, (gen,) each, as PowerNetwork has them."""

    bus: Index
    power: Complex
    voltage: Array
    min_q: Array
    max_q: Array
    in_service: Mask
    bus_kind: Index
    """Kinds of the nodes with them, (node,)."""
    slack_angle: dict[int, float]
    """Angle of each slack node [rad]."""


class _Reader:
    """Tables of a network, its buses, and the nodes that they are once closed switches have joined them."""

    def __init__(self, file: str, stored: Stored, trafo_model: str) -> None:
        self.file, self.stored, self.model = file, stored, trafo_model
        self.base, self.frequency = float(stored.get("sn_mva", 1.0)), float(stored.get("f_hz", 50.0))
        self.refuses: list[tuple[str, str]] = []
        bus = self.table("bus")
        if not len(bus):
            raise ValueError(f"{file}: no buses")
        self.position = {i: k for k, i in enumerate(bus.index)}
        self.label, self.live = bus.names(), bus.on()
        rated = bus.number("vn_kv")
        self.first_bus, self.node = self._nodes()
        self.kv = list(rated[self.first_bus])  # of nodes, and of the open ends that follow them
        self.parts: list[_Branches] = []

    def table(self, name: str) -> _Table:
        """A table by its name, empty where the file has none."""
        return _Table(self.file, name, self.stored.get(name))

    def at(self, table: _Table, column: str) -> Index:
        """Nodes of the buses that a column names (row,)."""
        nodes = []
        for i, b in zip(table.index, table.number(column), strict=True):
            if int(b) not in self.position:
                raise ValueError(f"{self.file}: {table.name} {i}: no bus {int(b)}")
            nodes.append(self.node[self.position[int(b)]])
        return np.array(nodes, np.int64)

    def _nodes(self) -> tuple[list[int], Index]:
        """First bus of each node, and node of each bus: closed switches without impedance join buses."""
        parent = list(range(len(self.position)))

        def root(k: int) -> int:
            while parent[k] != k:
                parent[k] = parent[parent[k]]
                k = parent[k]
            return k

        t = self.table("switch")
        ohm = t.number("z_ohm", 0.0)
        rows = zip(t.index, t.raw("et"), t.raw("closed", True), ohm, t.raw("bus"), t.raw("element"), strict=True)
        for i, kind, closed, z, *ends in rows:
            if kind not in ("b", "l", "t", "t3"):
                raise ValueError(f"{self.file}: switch {i}: et {kind!r} is none of b, l, t, t3")
            if kind == "b" and closed and z == 0:
                a, b = (self.position.get(int(bus), -1) for bus in ends)
                if min(a, b) < 0:
                    raise ValueError(f"{self.file}: switch {i}: no such bus")
                if self.live[a] and self.live[b]:
                    parent[max(root(a), root(b))] = min(root(a), root(b))
        roots = [root(k) for k in range(len(parent))]
        first = sorted(set(roots))
        number = {r: k for k, r in enumerate(first)}
        return first, np.array([number[r] for r in roots])

    def network(self) -> PowerNetwork:
        """All tables joined; ends of branches that are open follow the nodes as buses of their own."""
        nodes = len(self.kv)
        load, shunt = self._injections()
        self._lines()
        self._impedances()
        self._switches()
        trafos = self._transformers()
        generators = self._generators()
        open_ends = len(self.kv) - nodes
        pad = lambda a, value: np.concatenate([a, np.full(open_ends, value, a.dtype)])  # noqa: E731
        column = lambda field: np.concatenate([part.column(field) for part in self.parts])  # noqa: E731
        start, end = column("start").astype(np.int64), column("end").astype(np.int64)
        series, ratio, in_service = column("series"), column("ratio"), column("in_service")
        passes = in_service & np.isfinite(series)
        model = f"transformers as {self.model} models, taps at their side, impedances referred to the low-voltage side"
        return PowerNetwork(
            name=self.file,
            base_mva=self.base,
            bus=np.concatenate([self.label[self.first_bus], np.full(open_ends, -1)]),
            vn_kv=np.array(self.kv),
            kind=pad(generators.bus_kind, PQ),
            load=pad(load, 0),
            shunt=pad(shunt, 0),
            start=start,
            end=end,
            branch=column("names"),
            trafo=column("trafo").astype(bool),
            series=series,
            charging=column("charging"),
            ratio=ratio,
            rating=np.real(column("rating")),
            in_service=in_service.astype(bool),
            gen_bus=generators.bus,
            gen_power=generators.power,
            gen_voltage=generators.voltage,
            gen_min_q=generators.min_q,
            gen_max_q=generators.max_q,
            gen_in_service=generators.in_service,
            initial=self._initial(start[passes], end[passes], np.angle(ratio[passes]), generators.slack_angle),
            notes=(model, f"{self.frequency:g} Hz"),
            label=self.label,
            node=self.node,
            taps=self._tap_changers(trafos, generators.bus_kind),
            refuses=tuple(self.refuses),
        )

    def _initial(self, start: Index, end: Index, shift: Array, slack_angle: dict[int, float]) -> Complex:
        """Voltages to start from (bus,): 1 pu at the angles of the slack buses, turned by transformers on the way.

        `shift` [rad] (branch,) is the angle of each branch's ratio, `slack_angle` [rad] that of each slack bus.
        """
        neighbours: dict[int, list[tuple[int, float]]] = {}
        for i, k, turn in zip(start, end, shift, strict=True):
            neighbours.setdefault(int(i), []).append((int(k), -turn))
            neighbours.setdefault(int(k), []).append((int(i), turn))
        angle = dict(slack_angle)
        front = list(angle)
        for i in front:
            for k, turn in neighbours.get(i, []):
                if k not in angle:
                    angle[k] = angle[i] + turn
                    front.append(k)
        return np.exp(1j * np.array([angle.get(k, 0.0) for k in range(len(self.kv))]))

    def _injections(self) -> tuple[Complex, Complex]:
        """Loads and shunts [pu], (node,) each."""
        load, shunt = np.zeros(len(self.kv), complex), np.zeros(len(self.kv), complex)
        for name, sign in (("load", 1.0), ("sgen", -1.0), ("storage", 1.0)):
            t = self.table(name)
            power = t.number("p_mw") + 1j * t.number("q_mvar", 0.0)
            power = np.where(t.on(), sign * power * t.number("scaling", 1.0), 0) / self.base
            impedance_p, impedance_q = self._shares(t, "z")
            for i, *current in zip(t.index, *self._shares(t, "i"), strict=True):
                if any(current):
                    raise ValueError(f"{self.file}: {name} {i}: constant current is not read")
            part = power.real * impedance_p / 100 + 1j * power.imag * impedance_q / 100
            np.add.at(load, self.at(t, "bus"), power - part)
            np.add.at(shunt, self.at(t, "bus"), np.conj(part))
        t = self.table("ward")
        at, on = self.at(t, "bus"), t.on()
        np.add.at(load, at, np.where(on, t.number("ps_mw") + 1j * t.number("qs_mvar"), 0) / self.base)
        np.add.at(shunt, at, np.conj(np.where(on, t.number("pz_mw") + 1j * t.number("qz_mvar"), 0)) / self.base)
        t = self.table("shunt")
        at = self.at(t, "bus")
        scale = (np.array(self.kv)[at] / t.number("vn_kv", np.nan)) ** 2
        scale = np.where(np.isfinite(scale), scale, 1.0) / self.base
        np.add.at(shunt, at, np.conj(np.where(t.on(), self._shunt_power(t), 0) * scale))
        return load, shunt

    def _shunt_power(self, t: _Table) -> Complex:
        """Power of shunts at their rated voltage [MVA] (row,): so many steps, or what their table says of the step."""
        step = t.number("step", 1.0)
        power = (t.number("p_mw") + 1j * t.number("q_mvar")) * step
        table = self.table("shunt_characteristic_table")
        keys = zip(table.number("id_characteristic"), table.number("step"), strict=True)
        steps = dict(zip(keys, table.number("p_mw") + 1j * table.number("q_mvar"), strict=True))
        flags, tables = t.raw("step_dependency_table", False), t.raw("id_characteristic_table")
        for k, (i, by_table, characteristic) in enumerate(zip(t.index, flags, tables, strict=True)):
            if by_table and t.on()[k]:
                if (characteristic, step[k]) not in steps:
                    where = f"step {step[k]:g} of characteristic {characteristic}"
                    raise ValueError(f"{self.file}: shunt {i}: shunt_characteristic_table has no {where}")
                power[k] = steps[characteristic, step[k]]
        return power

    def _shares(self, t: _Table, kind: Literal["z", "i"]) -> list[Array]:
        """Shares of constant impedance or current in active and reactive power [%], (row,) each."""
        both = t.number(f"const_{kind}_percent", 0.0)
        return [t.number(f"const_{kind}_{x}_percent", 0.0) + both for x in "pq"]

    def _generators(self) -> _Generators:
        """External grids and generators, and what they make of their nodes."""
        kind = np.where(self.live[self.first_bus], PQ, DEAD)
        gen, grid = self.table("gen"), self.table("ext_grid")
        for flag, meaning in IN_USE["gen"].items():
            rows = [i for i, on, in_use in zip(gen.index, gen.on(), gen.raw(flag, False), strict=True) if on and in_use]
            if rows:
                self.refuses.append(("enforce_q_limits", f"gen {rows[0]}: {meaning} are not read ({flag})"))
        at, on = self.at(gen, "bus"), gen.on()
        slack = np.array([bool(s) for s in gen.raw("slack", False)], bool)
        grid_at, grid_on = self.at(grid, "bus"), grid.on()
        kind[at[on & (kind[at] != DEAD)]] = PV
        kind[at[on & slack & (kind[at] != DEAD)]] = SLACK
        kind[grid_at[grid_on & (kind[grid_at] != DEAD)]] = SLACK
        slack_at = [*at[on & slack], *grid_at[grid_on]]
        angle = np.radians([*np.zeros((on & slack).sum()), *grid.number("va_degree", 0.0)[grid_on]])
        zero = np.zeros(len(grid))
        power = gen.number("p_mw") * gen.number("scaling", 1.0) / self.base
        return _Generators(
            bus=np.concatenate([grid_at, at]),
            power=np.concatenate([zero, power]).astype(complex),
            voltage=np.concatenate([grid.number("vm_pu", 1.0), gen.number("vm_pu", 1.0)]),
            min_q=np.concatenate([zero - np.inf, gen.number("min_q_mvar", -np.inf) / self.base]),
            max_q=np.concatenate([zero + np.inf, gen.number("max_q_mvar", np.inf) / self.base]),
            in_service=np.concatenate([grid_on, on]),
            bus_kind=kind,
            slack_angle=dict(zip(map(int, slack_at), angle, strict=True)),
        )

    def _ends(self, t: _Table, columns: tuple[str, str], switch: Literal["l", "t"]) -> _Ends:
        """Ends of the branches of a table, whose switches are of a type.

        A branch that is open at one end, or ends at a bus out of service, gets an end of its own; one that is open at
        both is out of service.
        """
        opened = self._opened(switch)
        start, end = (self.at(t, column) for column in columns)
        kv_start = np.array(self.kv)[start]
        kv_end = kv_start if switch == "l" else np.array(self.kv)[end]  # a line has the rated voltage of its start
        ends = _Ends(start, end, t.on(), kv_start, kv_end)
        for k, (i, *buses) in enumerate(zip(t.index, *(t.raw(column) for column in columns), strict=True)):
            is_open = [(i, int(b)) in opened or not self.live[self.position[int(b)]] for b in buses]
            if all(is_open):
                ends.in_service[k] = False
            elif any(is_open) and ends.in_service[k]:
                self.kv.append(float((ends.kv_start if is_open[0] else ends.kv_end)[k]))
                (start if is_open[0] else end)[k] = len(self.kv) - 1
        return ends

    def _opened(self, kind: Literal["l", "t"]) -> set[tuple[int, int]]:
        """Ends (element, bus) of lines or transformers that a switch opens."""
        t = self.table("switch")
        rows = zip(t.raw("et"), t.raw("closed", True), t.raw("element"), t.raw("bus"), strict=True)
        return {(int(e), int(b)) for et, closed, e, b in rows if et == kind and not closed}

    def _lines(self) -> None:
        t = self.table("line")
        ends, parallel = self._ends(t, ("from_bus", "to_bus"), "l"), t.number("parallel", 1.0)
        ohm, length = ends.kv_start**2 / self.base, t.number("length_km")
        z = (t.number("r_ohm_per_km") + 1j * t.number("x_ohm_per_km")) * length / ohm / parallel
        b = 2 * np.pi * self.frequency * t.number("c_nf_per_km", 0.0) * 1e-9 + 0j
        y = (t.number("g_us_per_km", 0.0) * 1e-6 + 1j * b) * length * ohm * parallel
        rating = t.number("max_i_ka", np.inf) * t.number("df", 1.0) * parallel * np.sqrt(3.0)
        rating = rating * ends.kv_start / self.base
        with np.errstate(divide="ignore", invalid="ignore"):
            series = 1 / z
        self.parts.append(
            _Branches(t.names(), ends.start, ends.end, series, y, rating=rating, in_service=ends.in_service)
        )

    def _impedances(self) -> None:
        t = self.table("impedance")
        for one, other in (("rft_pu", "rtf_pu"), ("xft_pu", "xtf_pu"), ("gf_pu", "gt_pu"), ("bf_pu", "bt_pu")):
            for i, a, b in zip(t.index, t.number(one, 0.0), t.number(other, 0.0), strict=True):
                if a != b:
                    raise ValueError(f"{self.file}: impedance {i}: {one} and {other} differ")
        sn = t.number("sn_mva", 1.0)
        z = (t.number("rft_pu", 0.0) + 1j * t.number("xft_pu", 0.0)) / sn * self.base
        y = 2 * (t.number("gf_pu", 0.0) + 1j * t.number("bf_pu", 0.0)) * sn / self.base
        start, end = self.at(t, "from_bus"), self.at(t, "to_bus")
        with np.errstate(divide="ignore", invalid="ignore"):
            series = 1 / z
        self.parts.append(_Branches(t.names(), start, end, series, y, in_service=t.on()))

    def _switches(self) -> None:
        """Closed switches between buses that have an impedance."""
        t = self.table("switch")
        ohm = t.number("z_ohm", 0.0)
        kinds = zip(t.raw("et"), t.raw("closed", True), ohm, strict=True)
        rows = [k for k, (kind, closed, z) in enumerate(kinds) if kind == "b" and closed and z > 0]
        buses = (t.raw("bus"), t.raw("element"))
        start, end = (np.array([self.node[self.position[int(b[k])]] for k in rows], np.int64) for b in buses)
        kv = np.array(self.kv)[start]
        series = kv**2 / self.base / (ohm[rows] * SWITCH)
        self.parts.append(_Branches(t.names()[rows], start, end, series))

    def _transformers(self) -> _Trafos:
        t = self.table("trafo")
        ends = self._ends(t, ("hv_bus", "lv_bus"), "t")
        hv, lv, sn = (t.number(column) for column in ("vn_hv_kv", "vn_lv_kv", "sn_mva"))
        parallel, taps = t.number("parallel", 1.0), self._taps(t)
        hv_factor, lv_factor = (np.array([abs(x.factor) if x.side == s else 1.0 for x in taps]) for s in ("hv", "lv"))
        turned = np.array([np.degrees(np.angle(tap.factor)) * (1 if tap.side == "hv" else -1) for tap in taps])
        shift = t.number("shift_degree", 0.0) + turned
        impedance = self.base * (lv * lv_factor / ends.kv_end) ** 2 / parallel
        series, magnetising = self._admittances(t, sn, impedance)
        turn: Complex = np.exp(1j * np.radians(shift))
        ratio = hv * hv_factor / (lv * lv_factor) / (ends.kv_start / ends.kv_end) * turn
        rating = sn * parallel * t.number("df", 1.0) / self.base
        first = sum(len(part.start) for part in self.parts)
        self.parts.append(
            _Branches(t.names(), ends.start, ends.end, series, magnetising, ratio, rating, ends.in_service, trafo=True)
        )
        return _Trafos(t, taps, first, ends)

    def _admittances(self, t: _Table, sn: Array, impedance: Array) -> tuple[Complex, Complex]:
        """Series and magnetising admittances [pu] of transformers as pi models, (row,) each.

        `sn` [MVA] is the rated power, `impedance` the factor from values per MVA to the bus at the low-voltage side.
        """
        z = t.number("vk_percent") / 100 / sn
        r = t.number("vkr_percent") / 100 / sn
        ratio_r, ratio_x = (t.number(f"leakage_{x}_ratio_hv", 0.5) for x in ("resistance", "reactance"))
        if ((ratio_r != 0.5) | (ratio_x != 0.5)).any():
            raise ValueError(f"{self.file}: trafo: leakage that is not shared evenly is not read")
        series = 1 / ((r + 1j * np.sign(z) * np.sqrt(np.maximum(z**2 - r**2, 0))) * impedance)
        core = t.number("pfe_kw") * 1e-3
        idle = np.sqrt(np.maximum((t.number("i0_percent") / 100 * sn) ** 2 - core**2, 0))
        magnetising = (core - 1j * idle) / impedance
        if self.model == "t":
            with np.errstate(divide="ignore", invalid="ignore"):
                half, across = 0.5 / series, 1 / magnetising
                around = half * half + 2 * half * across
                magnetised = magnetising != 0
                series = np.where(magnetised, across / around, series)
                magnetising = np.where(magnetised, 2 * half / around, 0)
        return series, magnetising

    def _taps(self, t: _Table) -> list[_Tap]:
        """The tap of each transformer."""
        for flag, meaning in IN_USE["trafo"].items():
            for i, in_use in zip(t.index, t.raw(flag, False), strict=True):
                if in_use:
                    raise ValueError(f"{self.file}: trafo {i}: {meaning} are not read ({flag})")
        defaults: dict[str, Any] = {"tap_phase_shifter": False}
        defaults |= dict.fromkeys(("tap_step_percent", "tap_step_degree"), 0.0)
        defaults |= dict.fromkeys(("tap2_pos", "tap2_neutral", "tap_side", "tap_pos", "tap_neutral"))
        columns = {name: t.raw(name, default) for name, default in defaults.items()}
        kinds = t.raw("tap_changer_type")
        if "tap_changer_type" not in t.columns:
            kinds = ["Ideal" if shifts else "Ratio" for shifts in columns["tap_phase_shifter"]]
        return [
            self._tap(i, kind, {name: values[k] for name, values in columns.items()})
            for k, (i, kind) in enumerate(zip(t.index, kinds, strict=True))
        ]

    def _tap(self, index: int, kind: str | None, row: dict[str, Any]) -> _Tap:
        """The tap of a transformer, whose changer is Ratio, Symmetrical or Ideal."""
        if row["tap2_pos"] is not None and row["tap2_pos"] != (row["tap2_neutral"] or 0):
            raise ValueError(f"{self.file}: trafo {index}: second taps are not read")
        side, position, neutral = row["tap_side"], row["tap_pos"], row["tap_neutral"]
        if side not in ("hv", "lv") or position is None or kind in (None, "None"):
            return _Tap(None, 0.0, 1.0)
        if kind not in ("Ratio", "Symmetrical", "Ideal"):
            raise ValueError(f"{self.file}: trafo {index}: taps of type {kind} are not read (tap_changer_type)")
        if neutral is None:
            raise ValueError(f"{self.file}: trafo {index} has no tap_neutral")
        moved, percent, degree = position - neutral, row["tap_step_percent"], row["tap_step_degree"]
        if kind == "Ideal":
            angle = moved * degree if degree else 2 * np.degrees(np.arcsin(moved * percent / 200))
            return _Tap(side, 0.0, np.exp(1j * np.radians(angle)))
        return _Tap(side, percent / 100, 1 + moved * percent / 100 * np.exp(1j * np.radians(degree)))

    def _tap_changers(self, trafos: _Trafos, bus_kind: Index) -> TapChangers | None:
        """On-load tap changers: tap controllers in service; what else controls something refuses tap control."""
        t, rows, levels = self.table("controller"), [], set[str]()
        for i, stored, on, level in zip(t.index, t.raw("object"), t.on(), t.raw("level", 0), strict=True):
            kind = stored.get("_class") if isinstance(stored, dict) else type(stored).__name__
            if not on or kind == "ConstControl":  # which steps through time
                continue
            if kind not in ("DiscreteTapControl", "ContinuousTapControl"):
                self.refuses.append(("tap_control", f"controller {i}, a {kind}, is not read"))
                continue
            levels |= {str(x) for x in (_plain(level) if isinstance(_plain(level), list) else [level])}
            content = {name: _plain(value) for name, value in _content(stored).items()}
            try:
                rows += self._tap_changer(i, kind, content, trafos, bus_kind)
            except ValueError as error:
                self.refuses.append(("tap_control", str(error)))
        if len(levels) > 1:
            self.refuses.append(("tap_control", f"controllers of levels {' and '.join(sorted(levels))} are not read"))
        if not rows:
            return None
        return TapChangers(*(np.array(column) for column in zip(*rows, strict=True)))

    def _tap_changer(
        self, index: int, kind: str, content: dict[str, Any], trafos: _Trafos, bus_kind: Index
    ) -> Iterator[tuple[Any, ...]]:
        """A row of TapChangers for each transformer that a controller moves; ValueError for what is not read."""
        table, where = trafos.table, f"controller {index}"
        elements = content.get("element_index", content.get("tid"))
        for n, element in enumerate(elements if isinstance(elements, list) else [elements]):
            controlled = content.get("element", content.get("trafotype", "trafo"))
            if element not in table.index or controlled not in ("trafo", "2W"):
                raise ValueError(f"{where} controls no transformer that is read")
            k = table.index.index(element)
            step, continuous = trafos.taps[k].step, kind == "ContinuousTapControl"
            band = ("vm_set_pu", "vm_set_pu") if continuous else ("vm_lower_pu", "vm_upper_pu")
            given = [content.get(name) for name in band]
            lower, upper = (value[n] if isinstance(value, list) else value for value in given)
            if lower is None or upper is None:
                raise ValueError(f"{where} has no {band[0]}")
            if step == 0 or table.raw("tap_step_degree", 0.0)[k] != 0:
                raise ValueError(f"{where} is on a transformer without taps, or with taps that turn")
            at_start, tap_at_end = content.get("side", "lv") == "hv", table.raw("tap_side")[k] == "lv"
            bus = (trafos.ends.start if at_start else trafos.ends.end)[k]
            if not trafos.ends.in_service[k] or bus >= len(bus_kind) or bus_kind[bus] == SLACK:
                continue  # nothing to do
            direction = 1.0 if tap_at_end != at_start else -1.0
            positions = [table.raw(c)[k] for c in ("tap_neutral", "tap_min", "tap_max", "tap_pos")]
            if continuous and not content.get("check_tap_bounds", True):
                positions[1:3] = -np.inf, np.inf
            if None in positions:
                raise ValueError(f"{where} moves taps without tap_neutral, tap_min, tap_max or tap_pos")
            hv, lv = (table.number(name)[k] for name in ("vn_hv_kv", "vn_lv_kv"))
            nominal = lv / hv * trafos.ends.kv_start[k] / trafos.ends.kv_end[k]
            tolerance = float(content.get("tol", 1e-3)) if continuous else np.nan
            moves = step, tap_at_end, direction, *map(float, positions)
            yield trafos.first + k, bus, lower, upper, *moves, tolerance, nominal
