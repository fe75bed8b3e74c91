"""README, manual, notebooks and changelog use public names only, and every public name says what it takes."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import twin

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
MANUAL = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("[!_]*/*.md")]
WORDS = {str(p.relative_to(ROOT)): p.read_text("utf-8") for p in (ROOT / "README.md", ROOT / "CHANGELOG.md", *MANUAL)}
EXAMPLES = {name: re.findall(r"```python\n(.*?)\n```", text, re.DOTALL) for name, text in sorted(WORDS.items())}
CODE = {p.name: p.read_text("utf-8") for p in NOTEBOOKS}
CODE |= {f"{name} {i}": code for name, codes in EXAMPLES.items() for i, code in enumerate(codes, 1)}


def public(name):
    """Whether a dotted name such as twin.networks.power_flow leads through public names only."""
    parts, thing = name.split("."), twin
    for part in parts[1:]:
        shown = getattr(thing, "__all__", None) if inspect.ismodule(thing) else None
        if part.startswith("_") or (shown is not None and part not in shown):
            return False
        thing = getattr(thing, part)
    return True


def names(code):
    """Every dotted name of twin that a piece of code imports or reads."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "twin":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "twin")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "twin":
            yield f"twin.{node.attr}"


@pytest.mark.parametrize("where", CODE)
def test_shown_code_uses_public_names_only(where):
    hidden = sorted({name for name in names(CODE[where]) if not public(name)})
    assert not hidden


def test_texts_name_public_names_only():
    shown = {(where, name) for where, text in WORDS.items() for name in re.findall(r"`(twin(?:\.\w+)+)", text)}
    assert len(shown) > 20
    assert not sorted(row for row in shown if not public(row[1]))


def test_private_names_are_told_from_public_ones():
    assert public("twin.solve") and public("twin.networks.power_flow")
    assert not public("twin.solver") and not public("twin.serving.platforms")


def test_the_public_names_are_those_that_completion_shows():
    assert set(twin.__all__) <= set(dir(twin))
    for name in twin.__all__:
        assert getattr(twin, name) is not None


PUBLIC = [(twin, n) for n in twin.__all__ if not inspect.ismodule(getattr(twin, n))]
PUBLIC += [
    (m, n) for name in ("networks", "serving") for m in [importlib.import_module(f"twin.{name}")] for n in m.__all__
]


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_every_public_name_says_what_it_takes_and_shows_an_example(module, name):
    thing = getattr(module, name)
    text = inspect.getdoc(thing)
    assert text and text.splitlines()[0].rstrip().endswith((".", ":"))
    if inspect.isfunction(thing):
        unnamed = [p for p in inspect.signature(thing).parameters if not re.search(rf"\b{re.escape(p)}\b", text)]
        assert not unnamed
        assert ">>>" in text or "Example" in text
