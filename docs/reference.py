"""Pages that are made of the program and of the repository whenever the manual is built, into `_generated`."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import jupytext
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx

import twin
from twin import columns, units
from twin import components as package
from twin.app.cli import app as commands
from twin.components import REGISTRY, Component
from twin.facility.sections import MODELS, Agents, EnergySource
from twin.facility.shapes import Shape
from twin.show.describe import curve_rows

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "_generated"

FAMILIES = {
    "compute": "Racks",
    "immersion": "Immersion tanks",
    "cooling": "CDUs, exchangers and room coolers",
    "coolant": "Pipes, pumps and valves",
    "outdoor": "Heat rejection",
    "economisers": "Economisers",
    "moisture": "Humidifiers",
    "electrical": "Power",
    "hall": "Rooms and screens",
}
"""Titles of the modules of components, in the order of the manual."""

SECTIONS = {**MODELS, "serving.agents": Agents, "serving.models": Shape, "economics.sources": EnergySource}
"""What stands in a layout beside components, by its name."""

VARIABLES = ("gb300_hall", "gb300_hall_800vdc", "h200_hall", "frontier")
"""Layouts that together have about everything that a dataset can hold."""

PICTURES = {
    "01_first_facility": "gb300_hall.png",
    "02_where_the_heat_goes": "where_the_heat_goes.png",
    "03_density_and_its_limits": "density.png",
    "04_tokens_per_megawatt": "tokens_per_megawatt.png",
    "06_price_of_a_cap": "price_of_a_cap.png",
    "07_a_sweep": "sweep_map.png",
    "09_a_year": "desert_year.png",
    "11_frontier": "frontier_day.png",
    "12_air_of_a_measured_room": "measured_room.png",
    "13_3d_and_openusd": "row_of_racks.png",
    "15_networks_alone": "voltage_nose.png",
}
"""What a notebook draws, by its name."""


# ---- Markdown ----------------------------------------------------------------------------------------------------


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [list(head)]
    lines += [["---"] * len(lines[0]), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def dollars(text: str) -> str:
    """A text whose dollars are money and not the marks of an equation; what stands as code keeps them."""
    parts = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    return "".join(part if k % 2 else part.replace("$", r"\$") for k, part in enumerate(parts))


def code(text: object) -> str:
    """A text as code, nothing for none."""
    return f"`{text}`" if str(text) else ""


def contents(names: Iterable[str]) -> str:
    """A hidden table of contents."""
    return "```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"


def docstring(thing: object) -> str:
    """A docstring, its lines joined to paragraphs."""
    return inspect.cleandoc(inspect.getdoc(thing) or "")


# ---- fields ------------------------------------------------------------------------------------------------------


def fields(model: type[BaseModel], without: Iterable[str] = ()) -> str:
    """The table of a model's fields: what one writes, in which bounds, its default and its meaning."""
    rows = [row(name, info) for name, info in model.model_fields.items() if name not in set(without)]
    return table(("field", "written as", "bounds", "default", "meaning"), rows) if rows else ""


def row(name: str, info: FieldInfo) -> tuple[str, ...]:
    """A field's line in the table."""
    return code(name), written(info), bounds(info), default(info), info.description or ""


def written(info: FieldInfo) -> str:
    """How a value is written: an example with its unit, or its kind."""
    found = units.quantity(info)
    if found and found.unit:
        return f"{found.dimension.replace('_', ' ')}, {code(found.unit_of(info.get_default()))}"
    if found:
        return found.dimension.replace("_", " ")
    return kind(info.annotation)


def kind(annotation: Any) -> str:
    """An annotation in words."""
    if get_origin(annotation) is Literal:
        return ", ".join(code(choice) for choice in get_args(annotation) if choice)
    inner = [part for part in get_args(annotation) if part not in (type(None), ...)]
    if get_origin(annotation) is tuple:
        return "several of: " + kind(inner[0])
    if get_origin(annotation) is dict:
        return "a mapping"
    if inner:
        return ", ".join(dict.fromkeys(map(kind, inner)))
    words = {bool: "`true` or `false`", int: "whole number", float: "number", str: "text"}
    return words.get(annotation, "a mapping" if isinstance(annotation, type) else "text")


def shown(value: object, info: FieldInfo) -> str:
    """A value as one would write it."""
    found = units.quantity(info)
    if isinstance(value, bool):
        return code(str(value).lower())
    if isinstance(value, tuple):
        return ", ".join(shown(part, info) for part in value)
    if found and isinstance(value, (int, float)):
        return code(found.beside(value, info.get_default()))
    return code(value)


def bounds(info: FieldInfo) -> str:
    """Between which values a field lies."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    given = [(sign, getattr(m, key)) for m in info.metadata for key, sign in signs.items() if hasattr(m, key)]
    return ", ".join(f"{sign} {shown(value, info).strip('`')}" for sign, value in given)


def default(info: FieldInfo) -> str:
    """What holds if a field is not given."""
    if info.is_required():
        return "required"
    return "" if info.default is None or info.default == {} else shown(info.default, info)


# ---- pages -------------------------------------------------------------------------------------------------------


def components() -> Iterator[tuple[str, str]]:
    """The component reference: a page for each module, and one that lists them."""
    known = {k: cls for k, cls in sorted(REGISTRY.items()) if cls.__module__.startswith("twin.components.")}
    homes = {k: cls.__module__.rpartition(".")[2] for k, cls in known.items()}
    unknown = sorted(set(homes.values()) - set(FAMILIES))
    if unknown:
        raise ValueError(f"docs/reference.py: twin/components/{unknown[0]}.py has no title; add it to FAMILIES")
    index = ["# Component reference\n", "Every type of equipment, with its ports and fields.\n"]
    index.append(table(("type", "what it is"), ((link(k, homes[k]), first(cls)) for k, cls in known.items())))
    index.append("## Fields of every component\n")
    index.append(fields(Component))
    yield "components/index", "\n".join([*index, contents(FAMILIES)])
    for home, title in FAMILIES.items():
        body = [f"# {title}\n"]
        body += [component(k, cls) for k, cls in known.items() if homes[k] == home]
        yield f"components/{home}", "\n".join(body)


def link(kind: str, home: str) -> str:
    """A link to a type on the page of its module."""
    return f"[`{kind}`]({home}.md#{kind.replace('_', '-')})"


def first(thing: object) -> str:
    """The first sentence of a docstring."""
    return " ".join(docstring(thing).partition("\n\n")[0].split())


def component(kind: str, cls: type[Component]) -> str:
    """A type: its docstring, ports, fields and models of the catalogue."""
    ports = []
    for name, port in cls.ports.items():
        notes = [] if port.required else ["need not be connected"]
        notes += ["takes several feeds, which do not join"] if port.cords else []
        notes += ["joins several feeds"] if port.joins else []
        ports.append((code(name), port.carrier, ", ".join(notes)))
    models = [(code(n), e["about"]) for n, e in sorted(twin.catalogue().items()) if e["type"] == kind]
    body = [f"({kind.replace('_', '-')})=\n## {kind}\n", docstring(cls) + "\n"]
    body += [table(("port", "carrier", ""), ports)] if ports else []
    body += [fields(cls, Component.model_fields)]
    body += ["Beside these: [fields of every component](index.md#fields-of-every-component).\n"]
    if models:
        body += ["Models of the [catalogue](../catalogue/index.md):\n", table(("model", "what it is"), models)]
    return "\n".join(body)


def catalogue() -> Iterator[tuple[str, str]]:
    """The catalogue: a page for each file, with the kind and the source of every value."""
    entries: dict[str, list[str]] = {}
    for name, entry in twin.catalogue().items():
        if not (ROOT / "layouts" / "hardware" / entry["file"]).exists():
            continue
        rows = [
            (code(f), code(v["value"]), v["kind"], " to ".join(map(code, v.get("range", ()))), v["source"])
            for f, v in entry["fields"].items()
        ]
        used = {v["source"] for v in entry["fields"].values()}
        sources = [f"- {key}: {text}" for key, text in entry["sources"].items() if key in used]
        page = entries.setdefault(entry["file"].removesuffix(".yaml"), [])
        page += [f"## {name}\n", f"Type `{entry['type']}`. {entry['about']}\n"]
        page += [table(("field", "value", "kind", "range", "source"), rows), "\n".join(sources) + "\n"]
    for page, body in entries.items():
        yield f"catalogue/{page}", "\n".join([f"# Catalogue: {page}\n", *body])
    about = dollars((ROOT / "layouts" / "hardware" / "README.md").read_text("utf-8"))
    head, *curves = curve_rows()
    body = ["# Curves of chillers\n", "To be named by `curve` of a chiller; [their sources](index.md). A chiller"]
    body += ["states what is empty.\n", table(head, ((code(name), *rest) for name, *rest in curves))]
    yield "catalogue/chiller_curves", "\n".join(body)
    yield "catalogue/index", about + "\n" + contents([*entries, "chiller_curves"])


def sections() -> Iterator[tuple[str, str]]:
    """Sections of a layout that are no components."""
    body = ["# Sections of a layout\n", "Fields of the sections that are no components.\n"]
    for name, model in SECTIONS.items():
        body += [f"## {name}\n", docstring(model) + "\n", fields(model)]
    yield "sections", "\n".join(body)


def ledger() -> Iterator[tuple[str, str]]:
    """Figures, limits and variables of a dataset."""
    rows = [(code(f.name), code(f.unit), f.display, f.meaning) for f in columns.FIGURES.values()]
    body = ["# Figures and limits\n", "## Headline figures\n", "One value per scenario, in the dataset by name.\n"]
    body += [table(("name", "unit in the dataset", "on screen", "meaning"), rows), "## Limits\n"]
    body += ["Names with `{kind}` have the type of the equipment in its place, such as `ups_loading`.\n"]
    known = [kind for kind in columns.LIMITS if kind.name]
    for title, aim in (("", False), ("Aims of controls, which are told in warnings and bound no density:\n", True)):
        sides = ((k, "at most" if k.sense == columns.MAXIMUM else "at least") for k in known if k.aim == aim)
        body += [title, table(("name", "bound", "meaning"), ((code(k.name), side, k.meaning) for k, side in sides))]
    yield "figures_and_limits", "\n".join(body)

    found: dict[str, tuple[str, ...]] = {}
    for layout in VARIABLES:
        for name, v in twin.solve(layout).dataset.data_vars.items():
            unit, meaning = v.attrs.get("units", ""), v.attrs.get("long_name", "")
            found.setdefault(str(name), (code(name), ", ".join(map(str, v.dims)), code(unit), meaning))
    found = {name: about for name, about in sorted(found.items()) if name not in columns.FIGURES}
    body = ["# Variables of a dataset\n", f"As solving {', '.join(map(code, VARIABLES))} gives them; those of"]
    body += ["equipment that a layout does not have are not there."]
    body += ["[Headline figures](figures_and_limits.md) stand beside them.\n"]
    yield "variables", "\n".join([*body, table(("name", "dimensions", "unit", "meaning"), found.values())])


def unit_table() -> Iterator[tuple[str, str]]:
    """All units that are read."""
    rows = (
        (d.name, code(d.example), " ".join(code(u) for u in d.units if u) or "none", code(units.si_unit(name)))
        for name, d in units.DIMENSIONS.items()
    )
    yield "units", "# Units\n\n" + table(("quantity", "example", "units", "SI"), rows)


def command_line() -> Iterator[tuple[str, str]]:
    """Commands of `twin` with their arguments and options."""
    group: Any = typer.main.get_command(commands)
    body = ["# Command line\n", f"{group.help}\n", f"{group.epilog}\n"]
    commands_by_name = dict[str, Any]()
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        commands_by_name |= {f"{name} {n}": c for n, c in inner.items()} if inner else {name: command}
    for name, command in commands_by_name.items():
        rows = []
        for p in command.params:
            names = ", ".join(code(o) for o in (*p.opts, *p.secondary_opts)) if p.param_type_name == "option" else ""
            rows.append((names or code((p.metavar or p.name or "").upper()), getattr(p, "help", "") or ""))
        body += [f"## twin {name}\n", " ".join((command.help or "").split()) + "\n"]
        body += [table(("", "meaning"), rows)] if rows else []
    yield "command_line", "\n".join(body)


def notebooks() -> Iterator[tuple[str, str]]:
    """The notebooks as pages, with the pictures that they draw; nothing is executed here."""
    titles = []
    for path in sorted((ROOT / "notebooks").glob("*.py")):
        body = []
        for cell in jupytext.read(path).cells:
            body.append(dollars(cell.source) if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```")
        if path.stem in PICTURES:
            shutil.copy(path.parent / PICTURES[path.stem], FOLDER / "notebooks")
            body.append(f"![What the notebook draws]({PICTURES[path.stem]})")
        need = 'To run it: `pip install "aifactory-twin[notebook]"`'
        body.insert(1, f"{need}, then open `notebooks/{path.name}` in Jupyter.")
        titles.append(path.stem)
        yield f"notebooks/{path.stem}", "\n\n".join(body) + "\n"
    about = "# Notebooks\n\nA course: each begins with a question and ends with its answer.\n\n"
    yield "notebooks/index", about + contents(titles).replace(":hidden:", ":maxdepth: 1")


def cases() -> Iterator[tuple[str, str]]:
    """The validation cases by their READMEs."""
    names = []
    for path in sorted((ROOT / "tests" / "cases").glob("*/README.md")):
        names.append(path.parent.name)
        yield f"cases/{names[-1]}", dollars(path.read_text("utf-8"))
    about = "# Cases\n\nEach is a folder under `tests/cases/`; its README stands here as it is.\n\n"
    yield "cases/index", about + contents(names).replace(":hidden:", ":maxdepth: 1")


def helpers() -> Iterator[tuple[str, str]]:
    """The page on `twin.components`: all but the types, whose fields have pages of their own."""
    named = ((name, getattr(package, name)) for name in package.__all__)
    types = {name for name, thing in named if inspect.isclass(thing) and issubclass(thing, Component)} - {"Component"}
    shown = ", ".join(name for name in package.__all__ if name not in types)
    body = ["# twin.components\n", "```{eval-rst}\n.. automodule:: twin.components", f"   :members: {shown}", "```\n"]
    body += ["Types to subclass or to read, by the names of their [reference](components/index.md):"]
    body += [", ".join(code(name) for name in sorted(types)) + "."]
    yield "helpers", "\n".join(body)


PAGES = (components, helpers, catalogue, sections, ledger, unit_table, command_line, notebooks, cases)


def write(app: Sphinx) -> None:
    """Write all pages; those that are as before keep their time, so that they are not built again."""
    (FOLDER / "notebooks").mkdir(parents=True, exist_ok=True)
    made: Mapping[str, str] = {name: text for page in PAGES for name, text in page()}
    for path in FOLDER.rglob("*.md"):
        if str(path.relative_to(FOLDER).with_suffix("")) not in made:
            path.unlink()
    for name, text in made.items():
        path = FOLDER / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def escape(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Bars, stars and words that go on after code are meant as they stand in docstrings, not as reStructuredText."""
    for i, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...")):
            continue
        words = line.split("`")
        for k in range(0, len(words), 2):
            words[k] = words[k].replace("|", r"\|").replace("*", r"\*")
            if k and words[k][:1].isalnum():
                words[k] = r"\ " + words[k]
        lines[i] = "`".join(words)
    if what in ("attribute", "data", "property"):
        lines.insert(0, "\\ ")  # or napoleon would take what stands before the first colon for a type


def signature(app: Sphinx, what: str, name: str, thing: object, *_: object) -> tuple[str, str] | None:
    """No signature for models, whose fields stand in tables."""
    return ("", "") if inspect.isclass(thing) and issubclass(thing, BaseModel) else None


def skip(app: Sphinx, what: str, name: str, *_: object) -> bool | None:
    """What pydantic keeps in a class is no member that users look for."""
    return True if name == "model_config" else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the pages before Sphinx looks for them."""
    app.connect("builder-inited", write)
    app.connect("autodoc-process-docstring", escape)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
