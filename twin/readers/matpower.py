"""MATPOWER case files (version 2, `.m`), with the unit conversions that its distribution cases end with."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from twin.readers.records import DEAD, PQ, PV, SLACK, Array, Complex, Index, PowerNetwork
from twin.readers.text import decoded

_NAMES = {
    "bus": "BUS_I BUS_TYPE PD QD GS BS BUS_AREA VM VA BASE_KV ZONE VMAX VMIN",
    "gen": "GEN_BUS PG QG QMAX QMIN VG MBASE GEN_STATUS PMAX PMIN",
    "branch": "F_BUS T_BUS BR_R BR_X BR_B RATE_A RATE_B RATE_C TAP SHIFT BR_STATUS ANGMIN ANGMAX",
}
COLUMNS = {table: names.split() for table, names in _NAMES.items()}
"""Names of the leading columns [MATPOWER User's Manual, appendix B]."""

Value = float | Array
"""What an expression stands for: a number, or columns (row, column)."""

_FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "sqrt": np.sqrt,
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "abs": np.abs,
}
UNREAD = ("areas", "bus_name", "gencost", "genfuel", "gentype")
"""Fields of costs and names, which a power flow does not look at."""

_ASSIGNED = re.compile(r"mpc\.(\w+)\s*=\s*(.*)", re.S)
_COLUMN = re.compile(r"mpc\.(\w+)\(\s*:\s*,\s*\[?([^\]\)]+?)\]?\s*\)")
_ELEMENT = re.compile(r"mpc\.(\w+)\(\s*(\d+)\s*,\s*(\w+)\s*\)")
_UNUSED = re.compile(r"mpc\.gen\(\s*\w+\s*,\s*(PMIN|PMAX)\s*\)\s*=")
_CONTROL = re.compile(r"(if|for|while|switch|try|parfor)\b")


def read(path: str | Path) -> PowerNetwork:
    """The network of a MATPOWER case file.

    Raises ValueError, naming file and what is wrong, for other versions, missing tables and statements that change
    the tables in a way this reader does not know.
    """
    case = _Case(Path(path))
    depth = 0
    for statement in _statements(decoded(case.path)):
        if _CONTROL.match(statement):
            depth += 1
        elif re.match(r"end\w*$", statement):
            depth = max(depth - 1, 0)
        if statement.startswith("function") or "mpc" not in statement:
            case.remember(statement)
        elif _UNUSED.match(statement):
            continue
        elif depth:
            raise _unknown(case.path, statement)
        else:
            case.execute(statement)
    case.check()
    return _network(case)


class _Case:
    """What the statements of a case have set so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version = ""
        self.tables: dict[str, Array] = {}
        """Matrices bus, gen and branch, (row, column)."""
        self.numbers: dict[str, Value] = {}
        """Numbers that later statements may use, baseMVA among them."""
        self.left_out: list[str] = []
        """Fields that are given and not read, other than those in UNREAD."""

    def execute(self, statement: str) -> None:
        """Apply a statement about the case; ValueError for one that is not known."""
        assigned = _ASSIGNED.fullmatch(statement)
        if assigned and assigned[1] == "version":
            self.version = assigned[2].strip("'\" ")
        elif assigned and assigned[1] == "baseMVA":
            self.numbers["baseMVA"] = _value(self.path, assigned[2], self.numbers)
            if not self.numbers["baseMVA"] > 0:
                raise ValueError(f"{self.path.name}: mpc.baseMVA is not above 0")
        elif assigned and assigned[1] in COLUMNS:
            self.tables[assigned[1]] = _matrix(self.path, assigned[1], assigned[2].strip())
        elif assigned:
            self.left_out += [assigned[1]] if assigned[1] not in (*UNREAD, *self.left_out) else []
        elif not self.rescale(statement):
            self.remember(statement, strict=True)

    def rescale(self, statement: str) -> bool:
        """Apply an assignment to whole columns, such as those that turn ohm into per unit; False if it is none."""
        left, equals, right = statement.partition("=")
        target = _COLUMN.fullmatch(left.strip())
        if not (equals and target and target[1] in self.tables):
            return False
        names = dict(self.numbers)

        def column(match: re.Match[str]) -> str:
            name = f"column_{len(names)}"
            names[name] = self.tables[match[1]][:, _positions(self.path, match[1], match[2])]
            return name

        text = _COLUMN.sub(column, self.with_elements(right))
        if "mpc" in text.replace("mpc.baseMVA", ""):
            raise _unknown(self.path, statement)
        value = _value(self.path, text, names)
        self.tables[target[1]][:, _positions(self.path, target[1], target[2])] = value
        return True

    def remember(self, statement: str, strict: bool = False) -> None:
        """Keep a number that later statements may use; what is no number is passed over unless `strict`."""
        name, equals, right = statement.partition("=")
        text = self.with_elements(right)
        assigns = bool(equals and re.fullmatch(r"\w+\s*", name))
        if strict and not (assigns and "mpc" not in text.replace("mpc.baseMVA", "")):
            raise _unknown(self.path, statement)
        if assigns:
            try:
                self.numbers[name.strip()] = _value(self.path, text, self.numbers)
            except ValueError:
                self.numbers.pop(name.strip(), None)

    def with_elements(self, text: str) -> str:
        """An expression with elements such as mpc.bus(1, BASE_KV) replaced by their numbers."""
        return _ELEMENT.sub(lambda match: repr(self._element(match)), text)

    def _element(self, match: re.Match[str]) -> float:
        table, row, name = match.groups()
        if table not in self.tables:
            raise ValueError(f"{self.path.name}: mpc.{table} is read before it is given")
        return float(self.tables[table][int(row) - 1, _positions(self.path, table, name)[0]])

    def check(self) -> None:
        """ValueError unless it is a complete case of version 2."""
        name, missing = self.path.name, sorted(COLUMNS.keys() - self.tables.keys())
        if self.version != "2":
            raise ValueError(f"{name}: not a MATPOWER case of version 2")
        if missing:
            raise ValueError(f"{name}: no table mpc.{missing[0]}")
        if "baseMVA" not in self.numbers:
            raise ValueError(f"{name}: no mpc.baseMVA")

    def columns(self, table: str) -> dict[str, Array]:
        """Columns of a table by MATPOWER's names."""
        matrix = self.tables[table]
        return {name: matrix[:, k] for k, name in enumerate(COLUMNS[table][: matrix.shape[1]])}


def _unknown(path: Path, statement: str) -> ValueError:
    return ValueError(f"{path.name}: does not know the statement {' '.join(statement.split())[:80]!r}")


def _statements(text: str) -> Iterator[str]:
    """Statements without comments and continuations, split at semicolons, commas and ends of line outside brackets."""
    text = re.sub(r"^[ \t]*%\{[ \t]*$.*?^[ \t]*%\}[ \t]*$", "", text, flags=re.M | re.S)
    text = re.sub(r"\.\.\.[^\n]*\n", " ", re.sub(r"%[^\n]*", "", text))
    begin, depth = 0, 0
    for k, c in enumerate(text):
        depth += (c in "[({") - (c in "])}")
        if depth == 0 and c in ";,\n":
            if text[begin:k].strip():
                yield text[begin:k].strip()
            begin = k + 1
    if text[begin:].strip():
        yield text[begin:].strip()


def _matrix(path: Path, name: str, text: str) -> Array:
    """A table (row, column) from a matrix in brackets."""
    inside = re.fullmatch(r"\[([^\[\]]*)\]", text)
    if inside is None:
        raise ValueError(f"{path.name}: mpc.{name}: write one matrix in brackets and nothing behind it")
    lines = [row.strip(", \t") for row in re.split(r"[;\n]", inside[1]) if row.strip()]
    rows = [[_cell(path, x) for x in re.split(r"[\s,]+", line)] for line in lines]
    min_columns = 10 if name == "gen" else 11
    for k, row in enumerate(rows, 1):
        if len(row) < min_columns or len(row) != len(rows[0]):
            raise ValueError(f"{path.name}: mpc.{name}: row {k} has {len(row)} columns")
    return np.array(rows) if rows else np.zeros((0, min_columns))


def _cell(path: Path, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float(_value(path, text, {}))


def _value(path: Path, text: str, names: Mapping[str, Value]) -> Value:
    """A number or column from an expression of numbers, names, functions and + - * / ^, element by element."""

    def of(node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as v):
                return float(v)
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return of(left) + of(right)
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                return of(left) - of(right)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return of(left) * of(right)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return of(left) / of(right)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return of(left) ** of(right)
            case ast.UnaryOp(op=ast.USub()):
                return -of(node.operand)
            case ast.Call(func=ast.Name(id=f), args=[x]) if f in _FUNCTIONS:
                return _FUNCTIONS[f](of(x))
        raise ValueError(f"{path.name}: cannot read {text.strip()!r}")

    if re.search(r"\^[^-+*/()]*\^", text):
        raise ValueError(f"{path.name}: cannot read {text.strip()!r}: put powers of powers in parentheses")
    plain = re.sub(r"\.([*/^])", r"\1", text.strip()).replace("mpc.baseMVA", "baseMVA").replace("^", "**")
    try:
        return of(ast.parse(plain, mode="eval").body)
    except (SyntaxError, ZeroDivisionError):
        raise ValueError(f"{path.name}: cannot read {text.strip()!r}") from None


def _positions(path: Path, table: str, names: str) -> list[int]:
    """Positions of named columns of a table."""
    known = COLUMNS.get(table, [])
    columns = [n for n in re.split(r"[\s,]+", names.strip()) if n]
    for name in columns:
        if name not in known:
            raise ValueError(f"{path.name}: mpc.{table} has no column {name!r}")
    return [known.index(n) for n in columns]


def _network(case: _Case) -> PowerNetwork:
    path, base = case.path, float(case.numbers["baseMVA"])
    bus, gen, branch = (case.columns(table) for table in ("bus", "gen", "branch"))
    labels, start, end, at = _buses(path, bus, gen, branch)
    on = gen["GEN_STATUS"] > 0
    kind = _kinds(bus["BUS_TYPE"], at[on])
    tap = np.where(branch["TAP"] == 0, 1.0, branch["TAP"])
    with np.errstate(divide="ignore", invalid="ignore"):
        series = 1.0 / (branch["BR_R"] + 1j * branch["BR_X"])
    shift: Complex = np.exp(1j * np.radians(branch["SHIFT"]))
    angle: Complex = np.exp(1j * np.radians(bus["VA"]))
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
        ratio=tap * shift,
        rating=rating,
        in_service=(branch["BR_STATUS"] > 0) & ~dead[start] & ~dead[end],
        gen_bus=at,
        gen_power=(gen["PG"] + 1j * gen["QG"]) / base,
        gen_voltage=gen["VG"],
        gen_min_q=gen["QMIN"] / base,
        gen_max_q=gen["QMAX"] / base,
        gen_in_service=on & ~dead[at],
        initial=bus["VM"] * angle,
        notes=_notes(case, bus["BASE_KV"]),
    )


def _notes(case: _Case, base_kv: Array) -> tuple[str, ...]:
    notes = ["branches are pi models, the tap at the from side", "a branch with a tap or a shift is a transformer"]
    notes += [f"mpc.{name} is not read, as in MATPOWER's runpf" for name in case.left_out]
    if not (base_kv > 0).all():
        notes.append("no currents at buses without BASE_KV")
    return tuple(notes)


def _buses(
    path: Path, bus: Mapping[str, Array], gen: Mapping[str, Array], branch: Mapping[str, Array]
) -> tuple[Index, Index, Index, Index]:
    """Numbers of the buses (bus,), and positions of the buses of branches' starts and ends and of generators."""
    tables = {"bus": bus, "gen": gen, "branch": branch}
    for table, column in (("bus", "BUS_I"), ("gen", "GEN_BUS"), ("branch", "F_BUS"), ("branch", "T_BUS")):
        values = tables[table][column]
        if (values != np.round(values)).any():
            raise ValueError(f"{path.name}: mpc.{table}: {column} is no whole number in a row")
    if not np.isin(bus["BUS_TYPE"], (1, 2, 3, 4)).all():
        raise ValueError(f"{path.name}: mpc.bus: BUS_TYPE is none of 1, 2, 3, 4 in a row")
    labels = bus["BUS_I"].astype(int)
    position = {int(label): k for k, label in enumerate(labels)}
    if len(position) < len(labels):
        raise ValueError(f"{path.name}: mpc.bus: a bus number stands twice")
    try:
        start, end, at = (
            np.array([position[int(b)] for b in column], np.int64)
            for column in (branch["F_BUS"], branch["T_BUS"], gen["GEN_BUS"])
        )
    except KeyError as error:
        raise ValueError(f"{path.name}: there is no bus {error}") from None
    return labels, start, end, at


def _kinds(types: Array, with_gen: Index) -> Index:
    """Kinds (bus,) from MATPOWER's types and the buses of generators in service.

    A bus that holds its voltage needs a generator in service; without a slack bus the first PV bus becomes one.
    """
    holds = np.zeros(len(types), bool)
    holds[with_gen] = True
    kind = np.select([types == 4, (types == 3) & holds, (types == 2) & holds], [DEAD, SLACK, PV], PQ)
    if not (kind == SLACK).any() and (kind == PV).any():
        kind[np.flatnonzero(kind == PV)[0]] = SLACK
    return kind
