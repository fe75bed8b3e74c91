"""pandapower networks (`.json`, versions 2 and 3): tables by name, transformers as T or pi models, taps at their side.

Buses that a closed switch joins become one; a line or transformer that is open at one end keeps what it draws from the
other [pandapower's documentation, Electric Elements]. Discrete tap controllers are read
as on-load tap changers. A load's share of constant impedance is its own; pandapower spreads the mean share of a bus's
loads over all that stands at the bus.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from twin.readers.records import DEAD, PQ, PV, SLACK, PowerNetwork, TapChangers

Array = np.ndarray

SWITCH = (2.0 + 1.0j) / abs(2.0 + 1.0j)
"""Direction of a switch's impedance: pandapower's default ratio of resistance to reactance, 2."""

REFUSED = ("trafo3w", "xward", "motor", "dcline", "svc", "ssc", "tcsc", "vsc", "bus_dc", "asymmetric_load")
REFUSED = (*REFUSED, "asymmetric_sgen")
"""Tables whose rows, where in service, have no place in a PowerNetwork."""


def recognise(path: str | Path) -> bool:
    """Whether a JSON file is a pandapower network."""
    try:
        return _document(Path(path)) is not None
    except ValueError:
        return False


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["_class"] == "pandapowerNet":
            return document["_object"]
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, RecursionError):
        pass
    raise ValueError(f"{path.name}: not a pandapower network")


def read(path: str | Path, trafo_model: str = "t") -> PowerNetwork:
    """The network of a file; `trafo_model` is t, pandapower's default, or pi.

    Raises ValueError, naming file, table and row, for what is not read: elements in service of the tables in REFUSED,
    loads of constant current, tap tables, second taps in use, and impedances that differ by direction.
    """
    path = Path(path)
    stored = _document(path)
    if trafo_model not in ("t", "pi"):
        raise ValueError(f"{path.name}: trafo_model {trafo_model!r} is neither t nor pi")
    try:
        return _Reader(path.name, stored, trafo_model).network()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if str(error).startswith(path.name):
            raise
        raise ValueError(f"{path.name}: a table is not as pandapower writes it: {error}") from error


class _Table:
    """Columns of one of pandapower's tables."""

    def __init__(self, file: str, name: str, stored: Any) -> None:
        content = stored.get("_object") if isinstance(stored, dict) else None
        content = json.loads(content) if isinstance(content, str) else content or {}
        self.file, self.name = file, name
        self.columns, self.rows = content.get("columns", []), content.get("data", [])
        self.index = [int(i) for i in content.get("index", [])]

    def __len__(self) -> int:
        return len(self.rows)

    def raw(self, column: str, default: Any = None) -> list[Any]:
        """Values as they stand, `default` where there is none."""
        if column not in self.columns:
            return [default] * len(self.rows)
        k = self.columns.index(column)
        return [default if r[k] is None or r[k] != r[k] else r[k] for r in self.rows]

    def number(self, column: str, default: float | None = None) -> Array:
        """A column of numbers; without a default every row must have one."""
        values = self.raw(column, default)
        for i, v in zip(self.index, values, strict=True):
            if v is None:
                raise ValueError(f"{self.file}: {self.name} {i} has no {column}")
        return np.array(values, float)

    def on(self) -> Array:
        """Rows in service."""
        return np.array([bool(v) for v in self.raw("in_service", True)], bool)


class _Reader:
    def __init__(self, file: str, stored: dict[str, Any], trafo_model: str) -> None:
        self.file, self.stored, self.model = file, stored, trafo_model
        self.base, self.frequency = float(stored.get("sn_mva", 1.0)), float(stored.get("f_hz", 50.0))
        for name in REFUSED:
            table = self.table(name)
            for i, on in zip(table.index, table.on(), strict=True):
                if on:
                    raise ValueError(f"{file}: {name} {i} is in service, and {name} is not read")
        bus = self.table("bus")
        if not len(bus):
            raise ValueError(f"{file}: no buses")
        self.place = {i: k for k, i in enumerate(bus.index)}
        self.label, self.live = np.array(bus.index), bus.on()
        self.rated = list(bus.number("vn_kv"))
        self.node = self._joined()
        self.parts: list[tuple[Array, ...]] = []

    def table(self, name: str) -> _Table:
        return _Table(self.file, name, self.stored.get(name))

    def at(self, table: _Table, column: str) -> Array:
        """Nodes of the buses that a column names."""
        found = []
        for i, b in zip(table.index, table.number(column), strict=True):
            if int(b) not in self.place:
                raise ValueError(f"{self.file}: {table.name} {i}: no bus {int(b)}")
            found.append(self.node[self.place[int(b)]])
        return np.array(found, np.int64)

    def _joined(self) -> Array:
        """Node of each bus: those that closed switches without impedance join are one."""
        parent = list(range(len(self.place)))

        def root(k: int) -> int:
            while parent[k] != k:
                parent[k] = parent[parent[k]]
                k = parent[k]
            return k

        t = self.table("switch")
        ohm = t.number("z_ohm", 0.0)
        for k, kind in enumerate(t.raw("et")):
            if kind == "b" and t.raw("closed", True)[k] and ohm[k] == 0:
                a, b = (self.place.get(int(t.raw(c)[k]), -1) for c in ("bus", "element"))
                if min(a, b) < 0:
                    raise ValueError(f"{self.file}: switch {t.index[k]}: no such bus")
                if self.live[a] and self.live[b]:
                    parent[max(root(a), root(b))] = min(root(a), root(b))
        roots = [root(k) for k in range(len(parent))]
        number = {r: k for k, r in enumerate(sorted(set(roots)))}
        self.first = sorted(set(roots))
        return np.array([number[r] for r in roots])

    def network(self) -> PowerNetwork:
        rated = np.array([self.rated[k] for k in self.first])
        kind = np.where(self.live[self.first], PQ, DEAD)
        self.kv, self.count = list(rated), len(rated)
        load, shunt = self._injections()
        trafos = self._branches()
        gens = self._generators(kind)
        extra = len(self.kv) - len(rated)
        pad = lambda a, value: np.concatenate([a, np.full(extra, value, a.dtype)])  # noqa: E731
        columns = [np.concatenate(c) for c in zip(*self.parts, strict=True)]
        branch, start, end, series, charging, ratio, rating, on, trafo = columns
        nodes = len(self.kv)
        initial = self._turned(nodes, start, end, np.angle(ratio), on & np.isfinite(series))
        model = f"transformers as {self.model} models, taps at their side, impedances referred to the low-voltage side"
        return PowerNetwork(
            name=self.file,
            base_mva=self.base,
            bus=np.concatenate([self.label[self.first], np.full(extra, -1)]),
            vn_kv=np.array(self.kv),
            kind=pad(kind, PQ),
            load=pad(load, 0),
            shunt=pad(shunt, 0),
            start=start.astype(np.int64),
            end=end.astype(np.int64),
            branch=branch,
            trafo=trafo.astype(bool),
            series=series,
            charging=charging,
            ratio=ratio,
            rating=np.real(rating),
            in_service=on.astype(bool),
            **gens,
            initial=initial,
            notes=(model, f"{self.frequency:g} Hz"),
            label=self.label,
            node=self.node,
            taps=self._controllers(trafos),
        )

    def _turned(self, nodes: int, start: Array, end: Array, shift: Array, on: Array) -> Array:
        """Voltages of 1 pu at the angles of the slack buses, turned by the transformers on the way: where to start."""
        around: dict[int, list[tuple[int, float]]] = {}
        for i, k, turn in zip(start[on], end[on], shift[on], strict=True):
            around.setdefault(int(i), []).append((int(k), -turn))
            around.setdefault(int(k), []).append((int(i), turn))
        angle = dict(zip(map(int, self.slack_at), np.radians(self.slack_angle), strict=True))
        front = list(angle)
        for i in front:
            for k, turn in around.get(i, []):
                if k not in angle:
                    angle[k] = angle[i] + turn
                    front.append(k)
        return np.exp(1j * np.array([angle.get(k, 0.0) for k in range(nodes)]))

    def _injections(self) -> tuple[Array, Array]:
        load, shunt = np.zeros(self.count, complex), np.zeros(self.count, complex)
        for name, sign in (("load", 1.0), ("sgen", -1.0), ("storage", 1.0)):
            t = self.table(name)
            power = t.number("p_mw") + 1j * t.number("q_mvar", 0.0)
            power = np.where(t.on(), sign * power * t.number("scaling", 1.0), 0) / self.base
            shares = {}
            for kind in "zi":
                both = t.number(f"const_{kind}_percent", 0.0)
                shares[kind] = [t.number(f"const_{kind}_{x}_percent", 0.0) + both for x in "pq"]
            for i, *bad in zip(t.index, *shares["i"], strict=True):
                if any(bad):
                    raise ValueError(f"{self.file}: {name} {i}: constant current is not read")
            part = power.real * shares["z"][0] / 100 + 1j * power.imag * shares["z"][1] / 100
            np.add.at(load, self.at(t, "bus"), power - part)
            np.add.at(shunt, self.at(t, "bus"), np.conj(part))
        t = self.table("ward")
        at, on = self.at(t, "bus"), t.on()
        np.add.at(load, at, np.where(on, t.number("ps_mw") + 1j * t.number("qs_mvar"), 0) / self.base)
        np.add.at(shunt, at, np.conj(np.where(on, t.number("pz_mw") + 1j * t.number("qz_mvar"), 0)) / self.base)
        t = self.table("shunt")
        at = self.at(t, "bus")
        rated = np.array(self.kv)[at] if len(t) else np.zeros(0)
        scale = (rated / t.number("vn_kv", np.nan)) ** 2
        scale = np.where(np.isfinite(scale), scale, 1.0) * t.number("step", 1.0) / self.base
        power = np.where(t.on(), t.number("p_mw") + 1j * t.number("q_mvar"), 0) * scale
        np.add.at(shunt, at, np.conj(power))
        return load, shunt

    def _generators(self, kind: Array) -> dict[str, Array]:
        """Generators and external grids, which become slack buses."""
        g, x = self.table("gen"), self.table("ext_grid")
        at, on = self.at(g, "bus"), g.on()
        slack = np.array([bool(s) for s in g.raw("slack", False)], bool)
        grid, alive = self.at(x, "bus"), x.on()
        kind[at[on & (kind[at] != DEAD)]] = PV
        kind[at[on & slack & (kind[at] != DEAD)]] = SLACK
        kind[grid[alive & (kind[grid] != DEAD)]] = SLACK
        angle = x.number("va_degree", 0.0)
        self.slack_at, self.slack_angle = (
            [*at[on & slack], *grid[alive]],
            [*np.zeros((on & slack).sum()), *angle[alive]],
        )
        zero = np.zeros(len(x))
        return {
            "gen_bus": np.concatenate([grid, at]),
            "gen_power": np.concatenate([zero, g.number("p_mw") * g.number("scaling", 1.0) / self.base]).astype(
                complex
            ),
            "gen_voltage": np.concatenate([x.number("vm_pu", 1.0), g.number("vm_pu", 1.0)]),
            "gen_min_q": np.concatenate([zero - np.inf, g.number("min_q_mvar", -np.inf) / self.base]),
            "gen_max_q": np.concatenate([zero + np.inf, g.number("max_q_mvar", np.inf) / self.base]),
            "gen_in_service": np.concatenate([alive, on]),
        }

    def _branches(self) -> dict[str, Any]:
        self._lines()
        self._impedances()
        self._switches()
        return self._transformers()

    def _open(self, kind: str) -> dict[tuple[int, int], bool]:
        """Ends (element, bus) of lines or transformers that a switch opens."""
        t = self.table("switch")
        rows = zip(t.raw("et"), t.raw("closed", True), t.raw("element"), t.raw("bus"), strict=True)
        return {(int(e), int(b)): True for et, closed, e, b in rows if et == kind and not closed}

    def _add(
        self,
        branch: Any,
        start: Any,
        end: Any,
        series: Any,
        charging: Any,
        ratio: Any,
        rating: Any,
        on: Any,
        trafo: bool,
    ) -> None:
        size = len(start)
        part = (branch, start, end, series, charging, ratio, rating, on, np.full(size, trafo))
        self.parts.append(tuple(np.broadcast_to(np.asarray(a), size) for a in part))

    def _lines(self) -> None:
        t, opened = self.table("line"), self._open("l")
        start, end, on = self.at(t, "from_bus"), self.at(t, "to_bus"), t.on()
        many = t.number("parallel", 1.0)
        kv = np.array(self.kv)[start] if len(t) else np.zeros(0)
        ohm, length = kv**2 / self.base, t.number("length_km")
        z = (t.number("r_ohm_per_km") + 1j * t.number("x_ohm_per_km")) * length / ohm / many
        b = 2 * np.pi * self.frequency * t.number("c_nf_per_km", 0.0) * 1e-9 + 0j
        y = (t.number("g_us_per_km", 0.0) * 1e-6 + 1j * b) * length * ohm * many
        most = t.number("max_i_ka", np.inf) * t.number("df", 1.0) * many * np.sqrt(3.0) * kv / self.base
        self._part(t, "from_bus", "to_bus", opened, start, end, on, kv, kv)
        with np.errstate(divide="ignore", invalid="ignore"):
            self._add(np.array(t.index, int), start, end, 1 / z, y, 1 + 0j, most, on, False)

    def _part(
        self,
        t: _Table,
        one: str,
        other: str,
        opened: Any,
        start: Array,
        end: Array,
        on: Array,
        kv: Array,
        kv_end: Array,
    ) -> None:
        """Give branches that are open at one end, or end at a bus out of service, an end of their own."""
        for k, i in enumerate(t.index):
            buses = [int(t.raw(c)[k]) for c in (one, other)]
            ends = [(i, b) in opened or not self.live[self.place[b]] for b in buses]
            if all(ends):
                on[k] = False
            elif any(ends) and on[k]:
                self.kv.append(float((kv if ends[0] else kv_end)[k]))
                (start if ends[0] else end)[k] = len(self.kv) - 1

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
            self._add(np.array(t.index, int), start, end, 1 / z, y, 1 + 0j, np.inf, t.on(), False)

    def _switches(self) -> None:
        """Closed switches between buses that have an impedance."""
        t = self.table("switch")
        ohm = t.number("z_ohm", 0.0)
        real = [k for k, et in enumerate(t.raw("et")) if et == "b" and t.raw("closed", True)[k] and ohm[k] > 0]
        ends = [[self.node[self.place[int(t.raw(c)[k])]] for k in real] for c in ("bus", "element")]
        start, end = (np.array(e, np.int64) for e in ends)
        kv = np.array(self.kv)[start] if real else np.zeros(0)
        names = np.array([t.index[k] for k in real], int)
        series = kv**2 / self.base / (ohm[real] * SWITCH)
        self._add(names, start, end, series, 0j, 1 + 0j, np.inf, True, False)

    def _transformers(self) -> dict[str, Any]:
        t, opened = self.table("trafo"), self._open("t")
        start, end, on = self.at(t, "hv_bus"), self.at(t, "lv_bus"), t.on()
        hv, lv, sn = t.number("vn_hv_kv"), t.number("vn_lv_kv"), t.number("sn_mva")
        kv, many = np.array(self.kv), t.number("parallel", 1.0)
        at_hv, at_lv = (kv[start], kv[end]) if len(t) else (hv, lv)
        self._part(t, "hv_bus", "lv_bus", opened, start, end, on, at_hv, at_lv)
        size = [np.ones(len(t)), np.ones(len(t))]
        shift, steps = t.number("shift_degree", 0.0), []
        for k, i in enumerate(t.index):
            side, step, turn = self._tap(t, k, i)
            steps.append(step)
            if side is not None:
                size[side][k] = abs(turn)
                shift[k] += np.degrees(np.angle(turn)) * (1 if side == 0 else -1)
        z = t.number("vk_percent") / 100 / sn
        r = t.number("vkr_percent") / 100 / sn
        ratio_r, ratio_x = (t.number(f"leakage_{x}_ratio_hv", 0.5) for x in ("resistance", "reactance"))
        if ((ratio_r != 0.5) | (ratio_x != 0.5)).any():
            raise ValueError(f"{self.file}: trafo: leakage that is not shared evenly is not read")
        referred = self.base * (lv * size[1] / at_lv) ** 2 / many
        series = 1 / ((r + 1j * np.sign(z) * np.sqrt(np.maximum(z**2 - r**2, 0))) * referred)
        core = t.number("pfe_kw") * 1e-3
        idle = np.sqrt(np.maximum((t.number("i0_percent") / 100 * sn) ** 2 - core**2, 0))
        magnetising = (core - 1j * idle) / referred
        if self.model == "t":
            with np.errstate(divide="ignore", invalid="ignore"):
                half, across = 0.5 / series, 1 / magnetising
                around = half * half + 2 * half * across
                has = magnetising != 0
                series, magnetising = np.where(has, across / around, series), np.where(has, 2 * half / around, 0)
        ratio = hv * size[0] / (lv * size[1]) / (at_hv / at_lv) * np.exp(1j * np.radians(shift))
        rating = sn * many * t.number("df", 1.0) / self.base
        first = sum(len(p[0]) for p in self.parts)
        self._add(np.array(t.index, int), start, end, series, magnetising, ratio, rating, on, True)
        return {"table": t, "steps": steps, "first": first, "start": start, "end": end, "size": size}

    def _tap(self, t: _Table, k: int, i: int) -> tuple[int | None, float, complex]:
        """Side of the tap (0 high, 1 low), its step per unit, and the complex factor on that side's rated voltage."""
        if t.raw("tap_dependency_table", False)[k]:
            raise ValueError(f"{self.file}: trafo {i}: tap tables are not read")
        second = t.raw("tap2_pos")[k]
        if second is not None and second != (t.raw("tap2_neutral")[k] or 0):
            raise ValueError(f"{self.file}: trafo {i}: second taps are not read")
        side, position = t.raw("tap_side")[k], t.raw("tap_pos")[k]
        percent, degree = (t.raw(f"tap_step_{x}", 0.0)[k] for x in ("percent", "degree"))
        kind = t.raw("tap_changer_type")[k]
        if "tap_changer_type" not in t.columns:
            kind = "Ideal" if t.raw("tap_phase_shifter", False)[k] else "Ratio"
        if side not in ("hv", "lv") or position is None or kind in (None, "None"):
            return None, 0.0, 1.0
        neutral = t.raw("tap_neutral")[k]
        if neutral is None:
            raise ValueError(f"{self.file}: trafo {i} has no tap_neutral")
        moved = position - neutral
        number = 0 if side == "hv" else 1
        if kind == "Ideal":
            angle = moved * degree if degree else 2 * np.degrees(np.arcsin(moved * percent / 200))
            return number, 0.0, np.exp(1j * np.radians(angle))
        return number, percent / 100, 1 + moved * percent / 100 * np.exp(1j * np.radians(degree))

    def _controllers(self, trafos: dict[str, Any]) -> TapChangers | None:
        """On-load tap changers: discrete tap controllers in service."""
        t, table, rows = self.table("controller"), trafos["table"], []
        for i, stored, on in zip(t.index, t.raw("object"), t.on(), strict=True):
            content = stored.get("_object", {}) if isinstance(stored, dict) else {}
            content = json.loads(content) if isinstance(content, str) else content
            if not on or (isinstance(stored, dict) and stored.get("_class") != "DiscreteTapControl"):
                continue
            element = content.get("element_index", content.get("tid"))
            element = element[0] if isinstance(element, list) else element
            if element not in table.index or content.get("element", content.get("trafotype", "trafo")) not in (
                "trafo",
                "2W",
            ):
                raise ValueError(f"{self.file}: controller {i}: controls no transformer that is read")
            k = table.index.index(element)
            low, high = content.get("vm_lower_pu"), content.get("vm_upper_pu")
            if low is None or high is None or trafos["steps"][k] == 0:
                raise ValueError(
                    f"{self.file}: controller {i}: without voltage limits, or on a transformer without taps"
                )
            at_start = content.get("side", "lv") == "hv"
            bus = (trafos["start"] if at_start else trafos["end"])[k]
            low_side = table.raw("tap_side")[k] == "lv"
            range_ = [float(table.raw(c)[k]) for c in ("tap_neutral", "tap_min", "tap_max", "tap_pos")]
            raises = 1.0 if low_side != at_start else -1.0
            rows.append((trafos["first"] + k, bus, low, high, trafos["steps"][k], low_side, raises, *range_))
        if not rows:
            return None
        columns = [np.array(c) for c in zip(*rows, strict=True)]
        return TapChangers(*columns)
