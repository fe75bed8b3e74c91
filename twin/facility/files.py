"""Layout files as plain data: safe YAML, repeat blocks."""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from types import CodeType
from typing import Any

import yaml

LARGEST_FILE = 8 * 2**20
LARGEST_REPEAT = 1_000_000
LARGEST_DATA = 2_000_000
DEEPEST = 64
LONGEST_NAME = 100
LONGEST_LINE = 500
SHORTEST_START = 3
MOISTURE = ("wet_bulb", "relative_humidity", "dew_point")
"""Fields of the site of which one states the moisture."""


Raw = dict[str, Any]
"""A mapping as YAML or JSON has it, unchecked."""


_DIGITS = re.compile(r"[0-9]+")


class LayoutError(ValueError):
    """All faults of a layout, one sentence each with its address."""

    def __init__(self, source: str, faults: list[str]) -> None:
        self.source, self.faults = source, faults
        super().__init__("\n".join(f"{source}: {fault}" for fault in self.messages()))

    def __reduce__(self) -> tuple[type[LayoutError], tuple[str, list[str]]]:
        """As it goes to another process."""
        return type(self), (self.source, self.faults)

    def messages(self, limit: int = 25) -> list[str]:
        """Up to `limit` faults for a reader: what many elements share is said once, at the first of them.

        Connections share what they say but for the numbers in names.
        """
        places: dict[str, tuple[str, list[str]]] = {}
        for fault in self.faults:
            place, colon, sentence = fault.partition(": ")
            place, sentence = (place, sentence) if colon else ("", place)
            shared = _DIGITS.sub("0", sentence) if place.startswith("connection ") else sentence
            places.setdefault(shared, (sentence, []))[1].append(place)
        lines = []
        for sentence, at in places.values():
            others = f" (and {len(at) - 1:,} more)" if len(at) > 1 else ""
            line = (f"{at[0]}{others}: {sentence}" if at[0] else sentence).replace("\n", "\\n")
            lines.append(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ...")
        return lines[:limit] + ([f"... and {len(lines) - limit:,} more"] if len(lines) > limit else [])


def hint(word: object, known: Iterable[str]) -> str:
    """The end of a message that names what was probably meant, or nothing: what is spelled alike, or begins so."""
    names, start = list(known), str(word)
    close = get_close_matches(start, names, 1, 0.6)
    close = close or [name for name in names if len(start) >= SHORTEST_START and name.startswith(f"{start}_")]
    return f"; did you mean {close[0]!r}?" if close else ""


def spelled(value: object) -> str:
    """A value as layouts write it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


# ---- reading -----------------------------------------------------------------------------------------------------


SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""A loader of plain data by libyaml, which is ten times as fast as the one in Python where it is there."""

_CORE = "tag:yaml.org,2002:"
_PLAIN = (
    ("null", r"~|null|Null|NULL|", "~nN", lambda text: None),
    ("bool", r"true|false", "tf", lambda text: text == "true"),
    ("int", r"0|-?[1-9][0-9]{0,15}", "-0123456789", int),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", "-0123456789", float),
)
"""What is not text where it stands unquoted: tag, spelling, first characters, meaning."""


class _Loader(SAFE):
    """Plain data only, as it is written; a key is text, and twice the same one is a fault.

    A scalar is a number where that number is written just so: 072, 1.10, 1e3, 1:30, 0x1F and 1_000 are texts, which
    name what they spell and which fields of numbers read in decimal or refuse. So are on, off, yes, no and dates.
    """

    yaml_implicit_resolvers: dict[str, list[Any]] = {}
    yaml_constructors: dict[str | None, Any] = {}


def _scalar(meaning: Callable[[str], object], spelling: str) -> Callable[[Any, Any], object]:
    def construct(loader: Any, node: Any) -> object:
        text = loader.construct_scalar(node)
        if not re.fullmatch(spelling, text):
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {text!r} is not what its tag says")
        value = meaning(text)
        return text if isinstance(value, float) and str(value) != text else value

    return construct


def _sequence(loader: Any, node: Any) -> list:
    return loader.construct_sequence(node, deep=True)


def _mapping(loader: Any, node: Any) -> dict:
    keys: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not key.value.strip():
            raise yaml.YAMLError(f"line {line}: a name must be plain text")
        loader.construct_object(key)  # refuses tags
        if key.value in keys:
            raise yaml.YAMLError(f"line {line}: duplicate name {key.value!r}, first on line {keys[key.value]}")
        keys[key.value] = line
    return {key.value: loader.construct_object(value, deep=True) for key, value in node.value}


_Loader.add_implicit_resolver(f"{_CORE}merge", re.compile("<<"), ["<"])
for _name, _spelling, _first, _meaning in _PLAIN:
    _Loader.add_implicit_resolver(
        f"{_CORE}{_name}", re.compile(f"(?:{_spelling})$"), [*_first, *[""] * (_name == "null")]
    )
    _Loader.add_constructor(f"{_CORE}{_name}", _scalar(_meaning, _spelling))
_Loader.add_constructor(f"{_CORE}str", SAFE.construct_scalar)
_Loader.add_constructor(f"{_CORE}seq", _sequence)
_Loader.add_constructor(f"{_CORE}map", _mapping)
_Loader.add_constructor(None, SAFE.construct_undefined)


def shipped() -> list[str]:
    """Names of the layouts that come with the package.

    >>> twin.shipped()
    """
    folder = resources.files("twin.layouts") / "halls"
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


NETWORKS = (
    (".inp", "", "an EPANET network", "pipe_flow"),
    (".m", "", "a MATPOWER case", "power_flow"),
    (".gz", "", "a packed facility loop", "pipe_flow"),
    (".json", '"facility-loop/1"', "a facility loop", "pipe_flow"),
    (".json", '"_module"', "a pandapower network", "power_flow"),
    (".json", '"is_batch"', "a power-grid-model input", "power_flow"),
)
"""Files that other calls read: ending, a text in them, what they are, the call."""


def read_text(layout: str | Path) -> tuple[str, str]:
    """Name and text of a shipped layout or a file. Raises LayoutError for what cannot be read."""
    path = Path(layout)
    try:
        if path.suffix not in (".yaml", ".yml", ".json") and not path.exists():
            if str(layout) in shipped():
                return f"{layout}.yaml", (resources.files("twin.layouts") / "halls" / f"{layout}.yaml").read_text(
                    "utf-8"
                )
            raise LayoutError(str(layout), [f"no such file or shipped layout{hint(str(layout), shipped())}"])
        if not path.is_file():
            raise LayoutError(str(layout), ["is a folder, not a layout file" if path.is_dir() else "no such file"])
        if path.stat().st_size > LARGEST_FILE:
            raise LayoutError(
                path.name, [f"{path.stat().st_size / 2**20:.0f} MB is more than a layout may have (8 MB)"]
            )
        raw = path.read_bytes()
    except OSError as error:
        raise LayoutError(str(layout)[:LONGEST_NAME], [f"cannot be read: {error.strerror}"]) from error
    return path.name, _decoded(path, raw)


def _decoded(path: Path, raw: bytes) -> str:
    """Text of a layout file; LayoutError for other encodings, and for what is a network to solve on its own."""
    for ending, mark, what, call in NETWORKS:
        if path.suffix.lower() == ending and mark.encode() in raw:
            raise LayoutError(path.name, [f"is {what} and no layout; in Python twin.{call}({path.name!r}) solves it"])
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LayoutError(path.name, ["is UTF-16 text; save it as UTF-8"])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LayoutError(path.name, [f"line {line}: is no UTF-8 text; save the file as UTF-8"]) from error


def parse_text(source: str, text: str) -> Raw:
    """Plain data of a YAML text. Raises LayoutError for tags, duplicate keys, cycles and what is no mapping."""
    data = parse_value(source, text)
    if not isinstance(data, dict):
        raise LayoutError(source, ["is not a mapping of layout sections"])
    return data


def parse_value(source: str, text: str) -> Any:
    """Plain data of a YAML text; see `parse_text`."""
    try:
        data = yaml.load(text, Loader=_Loader)
        nodes, height = _measure(data, {})
    except RecursionError as error:
        raise LayoutError(source, ["is nested too deeply"]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        said = [getattr(error, name, None) for name in ("context", "problem")]
        what = ", ".join(filter(None, said)) or str(error).splitlines()[0]
        if mark and text[mark.index : mark.index + 1] == "\t":
            what += "; tabs do not indent, write spaces"
        if "parsing a flow" in what and mark and any("{" in x for x in text.splitlines()[mark.line : mark.line + 1]):
            what += '; within brackets a text with braces, commas or colons stands in quotes, as "{n} m"'
        if "constructor for the tag" in what:
            what += "; a layout is plain data, without tags and merge keys"
        raise LayoutError(source, [f"{where}{what}"]) from error
    if nodes > LARGEST_DATA or height > DEEPEST:
        raise LayoutError(source, ["is nested too deeply, or its aliases expand without end"])
    return data


def _measure(data: object, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Values of mappings and lists with all aliases expanded, and how deep they are nested."""
    if not isinstance(data, (dict, list)):
        return 0, 0
    if id(data) not in known:
        inner = [_measure(item, known) for item in (data.values() if isinstance(data, dict) else data)]
        known[id(data)] = len(data) + sum(n for n, _ in inner), 1 + max((h for _, h in inner), default=0)
    return known[id(data)]


# ---- expanding ---------------------------------------------------------------------------------------------------

_BRACES = re.compile(r"(\{[^{}:]+(?::0?\d{0,2}d?)?\})")
_ALLOWED = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Name, ast.Load, ast.Constant, ast.Add, ast.Sub, ast.Mult)
_ALLOWED += (ast.Div, ast.FloorDiv, ast.Mod, ast.USub)


@cache
def _expression(text: str) -> CodeType:
    tree = ast.parse(text.strip(), mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED) or (
            isinstance(node, ast.Constant) and not isinstance(node.value, (int, float))
        ):
            raise ValueError(f"{{{text}}}: only + - * / // % on loop variables and numbers")
    return compile(tree, "layout", "eval")


@lru_cache(1024)
def _decimal(text: str) -> object:
    """A loop's text as the number that it spells in decimal; as it is if it spells none."""
    if re.fullmatch(r"\s*[-+]?\d{1,300}\s*", text):
        return int(text)
    if re.fullmatch(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?\s*", text):
        return float(text)
    return text


class _Turn(dict[str, str]):
    """What braces become in a turn of a repeat block, each worked out when it is first met and kept while it holds.

    {variable} is written as the loop has it, {expression:form} as a number.

    axes: names of the loops, outermost first. sets: variables that each gives. after: braces that depend on a loop or
    on one inside it. met: braces that stand there, and whether they are a variable. at: values of this turn by loop.
    loop: its variables, numbers: those of them that are numbers.
    """

    def __init__(self, axes: Mapping[str, list[Any]]) -> None:
        self.axes = list(axes)
        self.sets = [
            {k for v in values for k in (v if isinstance(v, dict) else (name,))} for name, values in axes.items()
        ]
        self.after: list[list[str]] = [[] for _ in axes]
        self.met = set[tuple[str, bool]]()
        self.at: tuple[object, ...] = ()
        self.loop: dict[str, Any] = {}
        self.numbers: dict[str, int | float] = {}

    def of(self, values: tuple[object, ...]) -> None:
        """Become the turn of these values, one of each axis: what depends on those that are new is forgotten."""
        new, before = 0, self.at
        while new < len(before) - 1 and before[new] is values[new]:
            new += 1
        for braces in self.after[new] if self.after else ():
            self.pop(braces, None)
        self.at, self.loop = values, {}
        for name, value in zip(self.axes, values, strict=True):
            if isinstance(value, dict):
                self.loop |= value
            else:
                self.loop[name] = value
        self.numbers = {}  # without texts, which would be repeated
        for name, value in self.loop.items():
            number = _decimal(value) if isinstance(value, str) else value
            if isinstance(number, (int, float)):
                self.numbers[name] = number

    def __missing__(self, braces: str) -> str:
        name, _, form = braces[1:-1].partition(":")
        name = name.strip()
        self[braces] = text = self._worked(name, form)
        if (braces, name in self.loop) not in self.met:
            self.met.add((braces, name in self.loop))
            names = (name,) if name in self.loop else (name, *_expression(name).co_names)
            last = max((i for i, sets in enumerate(self.sets) if not sets.isdisjoint(names)), default=-1)
            for after in self.after[: last + 1]:
                after.append(braces)
        return text

    def _worked(self, name: str, form: str) -> str:
        if name in self.loop:
            return format(self.numbers.get(name, self.loop[name]), form) if form else spelled(self.loop[name])
        try:
            return format(eval(_expression(name), {"__builtins__": {}}, self.numbers), form)
        except NameError as error:
            others = f"no variable; there are {', '.join(self.loop)}"
            why = "text, which has no arithmetic" if error.name in self.loop else others
            raise ValueError(f"{{{name}}}: {error.name} is {why}") from error


def _template(value: Any) -> Callable[[_Turn], Any]:
    """What makes of a value of a repeat block that of a turn, with its braces filled; the rest is shared by all turns.

    It is compiled as one expression: closures for each part of the value take 6 % longer to load a campus.
    """
    names: Raw = {"distinct": _distinct}
    body = _filled(value, names) or _constant(value, names)
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg("turn")], kwonlyargs=[], kw_defaults=[], defaults=[])
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
    return eval(compile(tree, "layout", "eval"), names)


def _filled(value: Any, names: Raw) -> ast.expr | None:
    """The expression of a value with braces; None for one without."""
    if isinstance(value, str):
        texts = _BRACES.split(value)
        parts: list[ast.expr] = [ast.Constant(text) for text in texts]
        for i in range(1, len(parts), 2):
            text = ast.Subscript(ast.Name("turn", ast.Load()), parts[i], ast.Load())
            parts[i] = ast.FormattedValue(text, conversion=-1)
        return ast.JoinedStr(parts) if len(parts) > 1 else None
    if not isinstance(value, (list, dict)):
        return None
    inner = list(value.values()) if isinstance(value, dict) else value
    filled = [_filled(v, names) for v in inner]
    keys = [_filled(k, names) for k in value] if isinstance(value, dict) else []
    if not any((*keys, *filled)):
        return None
    items = [x or _constant(v, names) for x, v in zip(filled, inner, strict=True)]
    if not isinstance(value, dict):
        return ast.List(items, ast.Load())
    both = ast.Dict([x or _constant(k, names) for x, k in zip(keys, value, strict=True)], items)
    of = [both, _constant(list(value), names)]
    return ast.Call(ast.Name("distinct", ast.Load()), of, []) if any(keys) else both


def _constant(value: Any, names: Raw) -> ast.expr:
    """The expression of a value that is the same in all turns."""
    name = f"_{len(names)}"
    names[name] = value
    return ast.Name(name, ast.Load())


def _distinct(filled: Raw, written: list[str]) -> Raw:
    if len(filled) < len(written):
        raise ValueError(f"two of {', '.join(written)} become one name")
    return filled


def _axis(value: object) -> list[object]:
    """Values of a loop: a list, or a range whose numbers are as wide as its ends where one begins with 0."""
    if isinstance(value, list):
        odd = [item for item in value if not isinstance(item, (str, int, float, dict))]
        if odd:
            raise ValueError(f"{odd[0]!r} names nothing; loops run over texts, numbers and mappings of these")
        return value
    match = re.fullmatch(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*", str(value))
    if not match:
        raise ValueError(f"{value!r} is neither a list nor a range such as 1..8")
    first, last = int(match[1]), int(match[2])
    if last - first >= LARGEST_REPEAT:
        raise ValueError(f"{value!r} repeats more than {LARGEST_REPEAT:,} times")
    padded = any(re.match(r"-?0\d", end) for end in match.groups())
    width = max(map(len, match.groups())) if padded else 0
    return [f"{k:0{width}d}" if padded else k for k in range(first, last + 1)]


def repeats(data: Raw, faults: list[str]) -> Iterator[tuple[Raw, list[Any]]]:
    """Components and connections as written, then those of every turn of every repeat block."""
    yield data.get("components") or {}, data.get("connections") or []
    for k, block in enumerate(data.get("repeat") or [], 1):
        try:
            if not isinstance(block, dict):
                raise ValueError("is not a mapping of over, components and connections")
            unknown = set(block) - {"over", "components", "connections"}
            if unknown:
                raise ValueError(f"unknown key {sorted(unknown)[0]!r}; use over, components, connections")
            if not isinstance(block.get("over"), dict):
                raise ValueError("needs `over`, a mapping of loop variables to ranges such as 1..8 or lists")
            for key, kind in (("components", dict), ("connections", list)):
                if block.get(key) is not None and not isinstance(block[key], kind):
                    raise ValueError(f"{key} must be a {'mapping' if kind is dict else 'list'}")
            axes = {str(name): _axis(values) for name, values in block["over"].items()}
            empty = [name for name, values in axes.items() if not values]
            if empty:
                raise ValueError(f"{empty[0]} runs over nothing")
            if math.prod(map(len, axes.values())) > LARGEST_REPEAT:
                raise ValueError(f"repeats more than {LARGEST_REPEAT:,} times")
            components, connections = block.get("components") or {}, block.get("connections") or []
            template, turn = _template([components, connections]), _Turn(axes)
            for values in itertools.product(*axes.values()):
                turn.of(values)
                filled = template(turn)
                yield filled[0], filled[1]
        except (ValueError, KeyError, TypeError, AttributeError, NameError, SyntaxError, ZeroDivisionError) as error:
            faults.append(f"repeat block {k}: {error}")
