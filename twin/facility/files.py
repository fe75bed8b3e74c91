"""Layout files as plain data: safe YAML, repeat blocks."""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from types import CodeType
from typing import Any

import yaml

LARGEST_FILE = 8 * 2**20
LARGEST_REPEAT = 1_000_000
MOISTURE = ("wet_bulb", "relative_humidity", "dew_point")
"""Fields of the site of which one states the moisture."""


Raw = dict[str, Any]
"""A mapping as YAML or JSON has it, unchecked."""


class LayoutError(ValueError):
    """All faults of a layout, one sentence each with its address."""

    def __init__(self, source: str, faults: list[str]) -> None:
        self.source, self.faults = source, faults
        super().__init__("\n".join(f"{source}: {fault}" for fault in self.messages()))

    def messages(self, limit: int = 25) -> list[str]:
        """Up to `limit` faults for a reader: what many elements share is said once, at the first of them."""
        places: dict[str, list[str]] = {}
        for fault in self.faults:
            place, colon, sentence = fault.partition(": ")
            places.setdefault(sentence if colon else place, []).append(place if colon else "")
        lines = []
        for sentence, at in places.items():
            others = f" (and {len(at) - 1:,} more)" if len(at) > 1 else ""
            lines.append(f"{at[0]}{others}: {sentence}" if at[0] else sentence)
        return lines[:limit] + ([f"... and {len(lines) - limit:,} more"] if len(lines) > limit else [])


def hint(word: object, known: Iterable[str]) -> str:
    """The end of a message that names what was probably meant, or nothing."""
    close = get_close_matches(str(word), list(known), 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


# ---- reading -----------------------------------------------------------------------------------------------------


_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SAFE):
    """Plain data only; a key that appears twice is a fault."""


def _mapping(loader: Any, node: Any) -> dict:
    keys: dict[object, int] = {}
    for key, _ in node.value:
        name = loader.construct_object(key, deep=True)
        if not isinstance(name, (str, int, float, bool)):
            raise yaml.YAMLError(f"line {key.start_mark.line + 1}: a name must be plain text")
        if name in keys:
            raise yaml.YAMLError(f"line {key.start_mark.line + 1}: duplicate name {name!r}, first on line {keys[name]}")
        keys[name] = key.start_mark.line + 1
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def shipped() -> list[str]:
    """Names of the layouts that come with the package.

    >>> twin.shipped()
    """
    folder = resources.files("twin.layouts") / "halls"
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


def read_text(layout: str | Path) -> tuple[str, str]:
    """Name and text of a shipped layout or a file. Raises LayoutError for what cannot be read."""
    path = Path(layout)
    try:
        if path.suffix not in (".yaml", ".yml", ".json") and not path.exists():
            if str(layout) in shipped():
                text = (resources.files("twin.layouts") / "halls" / f"{layout}.yaml").read_text("utf-8")
                return f"{layout}.yaml", text
            raise LayoutError(str(layout), [f"no such file or shipped layout{hint(str(layout), shipped())}"])
        if not path.is_file():
            raise LayoutError(str(layout), ["is a folder, not a layout file" if path.is_dir() else "no such file"])
        if path.stat().st_size > LARGEST_FILE:
            size = path.stat().st_size / 2**20
            raise LayoutError(path.name, [f"{size:.0f} MB is more than a layout may have (8 MB)"])
        return path.name, path.read_text("utf-8")
    except OSError as error:
        raise LayoutError(str(layout), [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise LayoutError(path.name, [f"cannot be read as UTF-8 text: {error}"]) from error


def parse_text(source: str, text: str) -> Raw:
    """Plain data of a YAML text. Raises LayoutError for tags, duplicate keys, cycles and what is no mapping."""
    try:
        data = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        if "constructor for the tag" in what:
            what = f"{what}; a layout is plain data, without tags and merge keys"
        raise LayoutError(source, [f"{where}{what}"]) from error
    if not isinstance(data, dict):
        raise LayoutError(source, ["is not a mapping of layout sections"])
    _no_cycle(source, data)
    return data


def _no_cycle(source: str, data: object, above: frozenset[int] = frozenset(), budget: list[int] | None = None) -> None:
    budget = budget if budget is not None else [2_000_000]
    budget[0] -= 1
    if id(data) in above or len(above) > 64 or budget[0] < 0:
        raise LayoutError(source, ["an alias refers to what contains it, or expands without end"])
    if isinstance(data, (dict, list)):
        for item in data.values() if isinstance(data, dict) else data:
            if isinstance(item, (dict, list)):
                _no_cycle(source, item, above | {id(data)}, budget)


# ---- expanding ---------------------------------------------------------------------------------------------------

_BRACES = re.compile(r"\{([^{}:]+)(?::(0?\d{0,2}d?))?\}")
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


def _numbers(text: str, loop: Mapping[str, object]) -> dict[str, object]:
    """The loop variables; texts only where they stand alone, since arithmetic would repeat them."""
    return dict(loop) if text.strip() in loop else {k: v for k, v in loop.items() if isinstance(v, (int, float))}


def _fill(value: Any, loop: Mapping[str, object]) -> Any:
    if isinstance(value, str):
        return _BRACES.sub(
            lambda m: format(eval(_expression(m[1]), {"__builtins__": {}}, _numbers(m[1], loop)), m[2] or ""), value
        )
    if isinstance(value, list):
        return [_fill(v, loop) for v in value]
    if isinstance(value, dict):
        return {_fill(k, loop): _fill(v, loop) for k, v in value.items()}
    return value


def _axis(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    match = re.fullmatch(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*", str(value))
    if not match:
        raise ValueError(f"{value!r} is neither a list nor a range such as 1..8")
    first, last = int(match[1]), int(match[2])
    if last - first >= LARGEST_REPEAT:
        raise ValueError(f"{value!r} repeats more than {LARGEST_REPEAT:,} times")
    return list(range(first, last + 1))


def repeats(data: Raw, faults: list[str]) -> Iterator[tuple[Raw, list[Any]]]:
    """Components and connections as written, then those of every turn of every repeat block."""
    yield data.get("components") or {}, data.get("connections") or []
    for k, block in enumerate(data.get("repeat") or [], 1):
        try:
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
            for values in itertools.product(*axes.values()):
                loop = {}
                for name, value in zip(axes, values, strict=True):
                    loop |= value if isinstance(value, dict) else {name: value}
                yield _fill(block.get("components") or {}, loop), _fill(block.get("connections") or [], loop)
        except (ValueError, KeyError, TypeError, AttributeError, NameError, SyntaxError, ZeroDivisionError) as error:
            faults.append(f"repeat block {k}: {error}")
