"""A report on a facility as one page that opens offline: the answer, the scene, diagrams, margins, what was assumed."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.api import Result, solve
from twin.api import bound as find_bound
from twin.facility.catalogue import catalogue
from twin.facility.files import LayoutError, spelled
from twin.facility.graph import Facility
from twin.facility.layout import Layout
from twin.facility.output import target, whole
from twin.kernels.later import later
from twin.results.dataset import reason
from twin.show.compare import SECTIONS, compare, text
from twin.show.export import picture
from twin.show.html import asset, document, fragment
from twin.show.plots.style import MISSING, Plot, style
from twin.show.scene.render import RenderError
from twin.show.scene.scene import Scene
from twin.study.uncertainty import entries
from twin.units import format

if TYPE_CHECKING:
    import matplotlib

    from twin.study.bound import Bound
else:
    matplotlib = later("matplotlib")

ENDING = ".html"

DIAGRAMS = (
    ("sankey", "Where the power goes"),
    ("single_line", "Power train"),
    ("flow_diagram", "Coolant loops"),
    ("floor_plan", "Floor plan"),
    ("limits", "Tightest limits"),
    ("pue", "PUE against load and weather"),
    ("cost", "What a year costs"),
)
"""Plots of a result that a report shows, with their headings."""

MANY_WARNINGS = 12
"""Warnings that a report prints."""


def report(
    layout: str | Path | Layout | Facility | Result,
    path: str | Path,
    others: Sequence[Result] = (),
    today: date | None = None,
) -> Path:
    """Write a report on a layout to FILE.html: one page, nothing of which is loaded from elsewhere.

    layout: as `twin.solve` takes it, or a Result of one scenario. others: results that are set beside it. today: the
    date on it, today's if not given. The path comes back; it is written whole or not at all. Raises LayoutError for a
    result without solution or of several scenarios, and where matplotlib is missing. Without a window of OpenGL it
    has no still picture for print, and says so.

    >>> twin.report(twin.solve("gb300_hall"), "report.html")
    """
    path = target(path, (ENDING,))
    result = layout if isinstance(layout, Result) else solve(layout)
    for one in (result, *others):
        if one.size != 1:
            raise LayoutError(one.facility.name, [f"report: has {one.size:,} scenarios; solve the one that it is on"])
    if not result.ok:
        raise LayoutError(result.facility.name, [f"report: {reason(*result.part(0))}"])
    text = page(result, others, today or date.today())
    with whole(path) as partial:
        partial.write_text(text, "utf-8")
    return path


def page(result: Result, others: Sequence[Result], today: date) -> str:
    """The whole page."""
    highest = find_bound(result)[0]
    vars(result)["bound"] = highest  # so that the scene marks what binds
    scene = result.scene()
    parts = [
        _answer(result, highest, today),
        f'<section id="scene"><h2>Scene</h2>{fragment(scene, "h3")}{_still(scene)}</section>',
        _diagrams(result),
        *([_comparison([result, *others])] if others else []),
        _margins(result),
        _warnings(result),
        _equipment(result),
        _assumptions(result),
        _provenance(result, scene.told),
    ]
    names = ["Answer", "Scene", "Diagrams", *(["Comparison"] if others else []), "Margins", "Warnings", "Equipment"]
    names += ["Assumptions", "Provenance"]
    links = "".join(f'<a href="#{n.lower()}">{n}</a>' for n in names)
    body = f'<main><nav aria-label="sections">{links}</nav>{"".join(parts)}</main>'
    script = asset("viewer.js") + 'document.querySelectorAll(".twin-scene").forEach((host) => { twinScene(host); });'
    return document(f"{scene.name}: report", body, asset("viewer.css") + asset("report.css"), script, "twin-report")


# ---- parts -------------------------------------------------------------------------------------------------------


def _answer(result: Result, highest: Bound, today: date) -> str:
    """Density, what binds, tokens and cost, in cards and two sentences."""
    f, name = result.figures, result.facility.name.replace("_", " ")
    limit = highest.limit
    cards = [
        ("sustainable density", f"{highest.density / 1e3:,.1f} kW per rack" if highest.scale else "none"),
        ("what binds", f"{limit.name.replace('_', ' ')} at {limit.where}" if limit else highest.reason or "nothing"),
        ("facility power", f"{f.facility_power[0] / 1e6:,.2f} MW"),
        ("PUE", f"{f.pue[0]:.3f}"),
    ]
    if f.tokens_per_s[0] > 0:
        cards += [
            ("tokens/s", f"{f.tokens_per_s[0] / 1e6:,.2f} M"),
            ("per MW drawn", f"{f.tokens_per_s_per_mw('drawn')[0] / 1e6:,.2f} M tokens/s"),
            ("cost of a million tokens", f"${f.usd_per_million_tokens[0]:.4f}"),
        ]
    cards.append(("cost of a year", f"${float(result['yearly_cost'][:, 0].sum()) / 1e6:,.1f} M"))
    told = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in cards)
    return (
        f'<section id="answer"><h1>{escape(name)}</h1><p>{escape(result.facility.description)}</p>'
        f'<p class="date">{today.isoformat()}, {escape(result.facility.source)}, layout {result.facility.hash}</p>'
        f'<dl class="cards">{told}</dl><p class="lead">{escape(result.explain())}</p></section>'
    )


def _still(scene: Scene) -> str:
    """A picture of the scene, which is printed in its place."""
    try:
        data = base64.b64encode(picture(scene)).decode()
    except RenderError as error:
        return f'<p class="print">No picture for print: {escape(str(error))}</p>'
    return f'<img class="print" alt="{escape(scene.title)}: {escape(scene.line)}" src="data:image/png;base64,{data}">'


def _diagrams(result: Result) -> str:
    """All diagrams that the layout has, as vector graphics."""
    parts = []
    for name, heading in DIAGRAMS:
        try:
            plot = getattr(result.plot, name)()
        except LayoutError as error:
            if MISSING in str(error):
                raise
            continue
        parts.append(f'<figure><h3>{heading}</h3><div class="wide">{svg(plot, heading)}</div></figure>')
    return f'<section id="diagrams"><h2>Diagrams</h2>{"".join(parts)}</section>'


def svg(plot: Plot, label: str) -> str:
    """A plot as an element of a page, its words as text."""
    data = io.StringIO()
    with matplotlib.rc_context(style() | {"svg.fonttype": "none", "svg.hashsalt": label}):
        plot.figure.savefig(data, format="svg", metadata={"Date": None})
    text = data.getvalue()
    return text[text.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> str:
    """A table of texts; the columns in `right` end flush."""
    cell = lambda tag, k, value: f"<{tag}{' class=n' if k in right else ''}>{escape(value)}</{tag}>"  # noqa: E731
    top = "".join(cell("th", k, h) for k, h in enumerate(head))
    lines = "".join(f"<tr>{''.join(cell('td', k, v) for k, v in enumerate(row))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'


def _comparison(results: Sequence[Result]) -> str:
    """Layouts side by side."""
    found = compare(results)
    parts = []
    for section in dict.fromkeys(found.index.get_level_values(0)):
        part = found.loc[[section]]
        rows = [
            (str(quantity), *(text(v, str(c)) for v, c in zip(values, found.columns, strict=True)))
            for quantity, values in zip(part.index.get_level_values(1), part.itertuples(index=False), strict=True)
        ]
        right = frozenset(range(1, len(found.columns) + 1)) if section == "figures" else frozenset[int]()
        parts.append(f"<h3>{section}</h3>" + table(("", *map(str, found.columns)), rows, right))
    return f'<section id="comparison"><h2>Comparison</h2>{"".join(parts)}</section>'


def _margins(result: Result) -> str:
    """The tightest element of every limit."""
    rows = [b.texts for b in result.worst()]
    head = ("limit", "element", "value", "bound", "margin")
    return f'<section id="margins"><h2>Margins</h2>{table(head, rows, frozenset({2, 3, 4}))}</section>'


def _warnings(result: Result) -> str:
    """What to know beside the numbers."""
    told = result.warnings[0]
    items = "".join(f"<li>{escape(t)}</li>" for t in told[:MANY_WARNINGS])
    more = f"<p>and {len(told) - MANY_WARNINGS:,} more</p>" if len(told) > MANY_WARNINGS else ""
    return f'<section id="warnings"><h2>Warnings</h2>{f"<ul>{items}</ul>{more}" if told else "<p>None.</p>"}</section>'


def _equipment(result: Result) -> str:
    """How many of each model, what they are, and what they cost."""
    facility, groups = result.facility, defaultdict[str, list[Any]](list)
    for name, part in facility.components.items():
        groups[facility.models[name]].append(part)
    rows = []
    for model, parts in sorted(groups.items(), key=lambda g: (g[1][0].legend, g[0])):
        units = sum(int(getattr(p, p.units_field, 1)) if p.units_field else 1 for p in parts)
        capital = sum(p.capital for p in parts)
        about = str(catalogue().get(model, {}).get("about", "")) or parts[0].kind.replace("_", " ")
        rows.append((model, f"{len(parts):,}", f"{units:,}", about, format(capital, "money") if capital else ""))
    head = ("model", "components", "units", "what", "capital as stated")
    return f'<section id="equipment"><h2>Equipment</h2>{table(head, rows, frozenset({1, 2, 4}))}</section>'


def _assumptions(result: Result) -> str:
    """Every value of the catalogue that the layout takes from there, and what the layout states itself."""
    facility = result.facility
    rows = []
    for entry, users in entries(facility).items():
        facts = catalogue()[entry]
        for field, fact in facts["fields"].items():
            own = sum(field not in stated for stated in users.values())
            if own:
                ends = " to ".join(map(str, fact["range"])) if "range" in fact else ""
                source = facts["sources"][fact["source"]]
                rows.append((f"{entry}.{field}", spelled(fact["value"]), fact["kind"], ends, source))
    stated = list(_stated(facility.spec))
    first = table(("address", "value", "kind", "range", "source"), rows)
    second = table(("address", "value"), stated)
    return (
        f'<section id="assumptions"><h2>Assumptions</h2><p>{len(rows):,} values from the catalogue, with their kind, '
        f"range and source, and {len(stated):,} that the layout states.</p>"
        f"<details><summary>From the catalogue</summary>{first}</details>"
        f"<details><summary>Stated by the layout</summary>{second}</details></section>"
    )


def _stated(spec: Any) -> Iterable[tuple[str, str]]:
    """What a layout states in its sections and its own catalogue, by address."""
    for section in (*SECTIONS, "catalogue"):
        for key, value in (spec.get(section) or {}).items():
            if isinstance(value, dict):
                for inner, one in value.items():
                    yield f"{section}.{key}.{inner}", spelled(one)
            else:
                yield f"{section}.{key}", spelled(value)


def _provenance(result: Result, told: Iterable[str]) -> str:
    """Versions, hashes, and how the answer was found."""
    rows = [(k.replace("_", " "), str(v)) for k, v in result.dataset.attrs.items() if k != "wall_seconds"]
    placed = "".join(f"<p>{escape(t)}</p>" for t in told)
    return f'<section id="provenance"><h2>Provenance</h2>{table(("", ""), rows)}{placed}</section>'
