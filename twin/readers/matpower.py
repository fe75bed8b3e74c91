"""MATPOWER case files (version 2, `.m`), with the unit conversions that its distribution cases end with."""

from __future__ import annotations

import ast
import math
import operator
import re
from pathlib import Path
from typing import Any

import numpy as np

from twin.readers.tables import DEAD, PQ, PV, SLACK, PowerNetwork

_NAMES = {
    "bus": "BUS_I BUS_TYPE PD QD GS BS BUS_AREA VM VA BASE_KV ZONE VMAX VMIN",
    "gen": "GEN_BUS PG QG QMAX QMIN VG MBASE GEN_STATUS PMAX PMIN",
    "branch": "F_BUS T_BUS BR_R BR_X BR_B RATE_A RATE_B RATE_C TAP SHIFT BR_STATUS ANGMIN ANGMAX",
}
COLUMNS = {table: names.split() for table, names in _NAMES.items()}
"""Names of the leading columns [MATPOWER User's Manual, appendix B]."""

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_TABLE = re.compile(r"^mpc\.(\w+)\s*=\s*\[(.*?)\]\s*;?", re.S | re.M)
_SCALED = re.compile(
    r"^mpc\.(\w+)\(:,\s*\[?([\w\s,]+?)\]?\)\s*=\s*mpc\.\1\(:,\s*\[?([\w\s,]+?)\]?\)\s*([*/])\s*(.+?);?\s*$", re.M
)
_VARIABLE = re.compile(r"^(\w+)\s*=\s*(.+?);?\s*$", re.M)
_ELEMENT = re.compile(r"mpc\.(\w+)\((\d+),\s*(\w+)\)")
_TOUCHED = re.compile(r"^mpc\.(bus|gen|branch)\b", re.M)
_UNUSED = re.compile(r"^mpc\.gen\(\w+,\s*(PMIN|PMAX)\)\s*=")
_FUNCTIONS = {f: getattr(math, f) for f in ("sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "exp")}


def read(path: str | Path) -> PowerNetwork:
    """The network of a MATPOWER case file.

    Raises ValueError, naming file and what is wrong, for other versions, missing tables and statements that change
    the tables in a way this reader does not know.
    """
    path = Path(path)
    text = re.sub(r"%[^\n]*", "", path.read_text("utf-8")).replace("...\n", " ")
    text = re.sub(r"^\s+", "", text, flags=re.M)
    if re.search(r"mpc\.version\s*=\s*'2'", text) is None:
        raise ValueError(f"{path.name}: not a MATPOWER case of version 2")
    tables = {name: _matrix(path, name, body) for name, body in _TABLE.findall(text) if name in COLUMNS}
    missing = sorted(COLUMNS.keys() - tables.keys())
    if missing:
        raise ValueError(f"{path.name}: no table mpc.{missing[0]}")
    found = re.search(r"mpc\.baseMVA\s*=\s*([^;]+);", text)
    if found is None:
        raise ValueError(f"{path.name}: no mpc.baseMVA")
    base = float(_value(path, found[1], {}))
    _convert(path, _TABLE.sub("", text), tables, base)
    return _network(path, tables, base)


def _matrix(path: Path, name: str, body: str) -> np.ndarray:
    lines = [re.split(r"[\s,]+", row.strip()) for row in re.split(r"[;\n]", body) if row.strip()]
    try:
        rows = [[_cell(path, x) for x in line] for line in lines]
    except ValueError as error:
        raise ValueError(f"{path.name}: mpc.{name}: {error}") from error
    least = 10 if name == "gen" else 11
    for k, row in enumerate(rows, 1):
        if len(row) < least or len(row) != len(rows[0]):
            raise ValueError(f"{path.name}: mpc.{name}: row {k} has {len(row)} columns")
    return np.array(rows) if rows else np.zeros((0, least))


def _cell(path: Path, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return _value(path, text, {})


def _value(path: Path, text: str, names: dict[str, float]) -> float:
    """A number from an expression of numbers, names and + - * / ^."""

    def of(node: Any) -> float:
        match node:
            case ast.Constant(value=int() | float() as v):
                return float(v)
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.BinOp() if type(node.op) in _OPERATORS:
                return _OPERATORS[type(node.op)](of(node.left), of(node.right))
            case ast.UnaryOp(op=ast.USub()):
                return -of(node.operand)
            case ast.Call(func=ast.Name(id=f), args=[x]) if f in _FUNCTIONS:
                return _FUNCTIONS[f](of(x))
        raise ValueError(f"{path.name}: cannot read {text.strip()!r}")

    try:
        return of(ast.parse(text.strip().replace("^", "**"), mode="eval").body)
    except SyntaxError:
        raise ValueError(f"{path.name}: cannot read {text.strip()!r}") from None


def _convert(path: Path, text: str, tables: dict[str, np.ndarray], base: float) -> None:
    """Apply the statements that scale columns, as those that turn ohm into per unit and kW into MW."""
    names: dict[str, float] = {}
    place = lambda table, column: COLUMNS[table].index(column)  # noqa: E731

    def element(match: re.Match[str]) -> str:
        return repr(float(tables[match[1]][int(match[2]) - 1, place(match[1], match[3])]))

    for line in text.splitlines():
        line = _ELEMENT.sub(element, line).replace("mpc.baseMVA", repr(base)) if "mpc.baseMVA =" not in line else ""
        scaled = _SCALED.match(line)
        if scaled:
            table = tables[scaled[1]]
            to, source = ([place(scaled[1], c) for c in re.split(r"[\s,]+", scaled[k].strip())] for k in (2, 3))
            factor = _value(path, scaled[5], names)
            table[:, to] = table[:, source] * (factor if scaled[4] == "*" else 1.0 / factor)
        elif _UNUSED.match(line):
            continue
        elif _TOUCHED.match(line):
            raise ValueError(f"{path.name}: does not know the statement {line.strip()!r}")
        elif found := _VARIABLE.match(line):
            try:
                names[found[1]] = _value(path, found[2], names)
            except ValueError:
                continue  # a text, a cell array: nothing that scales a table


def _network(path: Path, tables: dict[str, np.ndarray], base: float) -> PowerNetwork:
    bus, gen, branch = ({c: t[:, k] for k, c in enumerate(COLUMNS[n][: t.shape[1]])} for n, t in _ordered(tables))
    labels = bus["BUS_I"].astype(int)
    number = {int(label): k for k, label in enumerate(labels)}
    if len(number) < len(labels):
        raise ValueError(f"{path.name}: mpc.bus: a bus number stands twice")
    try:
        start, end, at = (
            np.array([number[int(b)] for b in column], np.int64)
            for column in (branch["F_BUS"], branch["T_BUS"], gen["GEN_BUS"])
        )
    except KeyError as error:
        raise ValueError(f"{path.name}: there is no bus {error}") from None
    on = gen["GEN_STATUS"] > 0
    kind = _kinds(bus["BUS_TYPE"], at[on])
    tap = np.where(branch["TAP"] == 0, 1.0, branch["TAP"])
    with np.errstate(divide="ignore", invalid="ignore"):
        series = 1.0 / (branch["BR_R"] + 1j * branch["BR_X"])
    rating = np.where(branch["RATE_A"] > 0, branch["RATE_A"] / base, np.inf)
    dead = kind == DEAD
    return PowerNetwork(
        name=path.stem,
        base_mva=base,
        bus=labels,
        vn_kv=bus["BASE_KV"],
        kind=kind,
        load=(bus["PD"] + 1j * bus["QD"]) / base,
        shunt=(bus["GS"] + 1j * bus["BS"]) / base,
        start=start,
        end=end,
        branch=np.array([f"{labels[a]}-{labels[b]} {k}" for k, (a, b) in enumerate(zip(start, end, strict=True), 1)]),
        trafo=(branch["TAP"] != 0) | (branch["SHIFT"] != 0),
        series=series,
        charging=1j * branch["BR_B"],
        ratio=tap * np.exp(1j * np.radians(branch["SHIFT"])),
        rating=rating,
        in_service=(branch["BR_STATUS"] > 0) & ~dead[start] & ~dead[end],
        gen_bus=at,
        gen_power=gen["PG"] / base,
        gen_voltage=gen["VG"],
        gen_low=gen["QMIN"] / base,
        gen_high=gen["QMAX"] / base,
        gen_in_service=on & ~dead[at],
        initial=bus["VM"] * np.exp(1j * np.radians(bus["VA"])),
        notes=("branches are pi models, the tap at the from side", "a branch with a tap or a shift is a transformer"),
    )


def _ordered(tables: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray]]:
    return [(name, tables[name]) for name in ("bus", "gen", "branch")]


def _kinds(types: np.ndarray, with_gen: np.ndarray) -> np.ndarray:
    """Bus kinds; one that holds its voltage needs a generator in service, and there is a slack bus in any case."""
    holds = np.zeros(len(types), bool)
    holds[with_gen] = True
    kind = np.select([types == 4, (types == 3) & holds, (types == 2) & holds], [DEAD, SLACK, PV], PQ)
    if not (kind == SLACK).any() and (kind == PV).any():
        kind[np.flatnonzero(kind == PV)[0]] = SLACK
    return kind
