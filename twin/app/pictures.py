"""Commands that draw and report: pictures, diagrams, pages, comparisons."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.app.common import (
    CELL,
    INTERRUPTED,
    WRITTEN,
    AirModel,
    AirOption,
    AirSets,
    Case,
    Cell,
    Fault,
    Json,
    Kind,
    Layout,
    Sets,
    ShownAir,
    View,
    print_json,
    progressing,
    settled,
    solved,
)
from twin.show.text import table

if TYPE_CHECKING:
    from twin.api import Result

pictures = typer.Typer()

COLOR_HELP = (
    "A variable of the Dataset, an ending that types share such as loading, margin, or tokens_per_s; rack inlets."
)

Cases = Annotated[str | None, typer.Option("--case", help="One of the layouts' cases; all: of one, side by side.")]
Color = Annotated[str | None, typer.Option("--color", help=COLOR_HELP, show_default=False)]


class Detail(StrEnum):
    """How much is drawn."""

    full = "full"
    boxes = "boxes"
    rooms = "rooms"


class Drawing(StrEnum):
    """Plots of a result."""

    overview = "overview"
    sankey = "sankey"
    single_line = "single_line"
    flow_diagram = "flow_diagram"
    limits = "limits"
    floor_plan = "floor_plan"
    cost = "cost"
    pue = "pue"


def written(layout: str, options: Iterable[tuple[str, object]]) -> Result | None:
    """A result that `twin solve -o` wrote, None for a layout. Raises Fault for options that are for layouts only."""
    if not layout.endswith(WRITTEN):
        return None
    from twin import api

    if given := [f"--{name}" for name, value in options if value]:
        raise Fault(layout, f"{' and '.join(given)}: for layouts only; this is what was solved")
    return api.open_result(layout)


@pictures.command()
def export(
    layout: Annotated[
        str, typer.Argument(help="A layout, or what `twin solve -o` wrote: FILE.nc or FILE.zarr.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.", show_default=False)],
    to: Annotated[
        Kind | None, typer.Option("--to", help="What the file holds; by its ending if not given.", show_default=False)
    ] = None,
    case: Case = None,
    sets: Sets = None,
    air: Annotated[AirModel | None, typer.Option("--air", help="As `twin solve` has it.", show_default=False)] = None,
    cell: Annotated[str | None, typer.Option("--cell", help="As `twin solve` has it.", show_default=False)] = None,
    air_sets: AirSets = None,
    scenario: Annotated[int, typer.Option("--scenario", help="Which one of a written result, from 0.")] = 0,
    color: Color = None,
    view: Annotated[View, typer.Option("--view", help="What the camera takes in.")] = View.site,
    show_air: Annotated[ShownAir, typer.Option("--show-air", help="How computed air is drawn.")] = ShownAir.slices,
    pipes: Annotated[bool, typer.Option("--pipes/--no-pipes", help="Draw pipes and cables.")] = True,
    detail: Annotated[
        Detail | None, typer.Option("--detail", help="By how much there is if not given.", show_default=False)
    ] = None,
) -> None:
    """Draw a layout in three dimensions; of a written result what was solved, nothing again.

    FILE.png is a picture, .gif one for each scenario of a written result, .html a page to turn and pick that opens
    offline, .glb and .usd (.usda, .usdc, .usdz) scenes for other programs, .vtp, .vtk and .vtm meshes, .vti and .npz
    computed air.

    twin export gb300_hall --color loading --view plant -o plant.png
    """
    from twin import api
    from twin.show.export import check, save
    from twin.show.scene.render import RenderError
    from twin.show.scene.scene import Scene

    try:
        path, kind = check(output, to.value if to else None)
        options = (("case", case), ("set", sets), ("air", air), ("cell", cell), ("air-set", air_sets))
        result, interrupted = written(layout, options), False
        if result is None:
            result = solved(layout, case, sets, air=air or AirModel.mixed, cell=cell or CELL, air_sets=air_sets)
            interrupted = result.stopped
        if not 0 <= scenario < result.size:
            raise Fault("--scenario", f"{scenario} is none of the {result.size} there are, counted from 0")
        settled(result, scenario)
        drawn = () if show_air == ShownAir.nothing else (show_air.value,)
        with progressing(f"drawing {layout}") as progress:
            if not layout.endswith(WRITTEN) and not result.rooms:
                api.bound(result, progress=progress)  # the picture marks what binds
            scene = Scene(
                result,
                color,
                scenario,
                view=view.value,
                air=drawn,
                pipes=pipes,
                cables=None if pipes else False,
                detail=detail.value if detail else None,
            )
            save(scene, path, kind)
    except RenderError as error:
        raise Fault(f"export {to.value if to else output.suffix[1:]}", str(error)) from error
    for text in scene.told:
        typer.echo(text, err=True)
    typer.echo(f"{path} is written")
    if interrupted:
        raise typer.Exit(INTERRUPTED)


@pictures.command()
def view(
    layout: Layout,
    case: Case = None,
    sets: Sets = None,
    air: AirOption = AirModel.mixed,
    cell: Cell = CELL,
    air_sets: AirSets = None,
    color: Color = None,
) -> None:
    """Show a solved layout in a window, to turn and zoom."""
    from twin.show.scene.render import RenderError, ready
    from twin.show.view import view as show

    try:
        ready("png")
        result = solved(layout, case, sets, air=air, cell=cell, air_sets=air_sets)
        settled(result)
        show(result, color=color)
    except RenderError as error:
        raise Fault("view", str(error)) from error


@pictures.command()
def plot(
    layout: Layout,
    what: Annotated[Drawing, typer.Argument(help="Which plot.")] = Drawing.overview,
    output: Annotated[Path, typer.Option("-o", "--output", help="FILE.png, .svg or .pdf.", show_default=False)] = Path(
        "plot.png"
    ),
    case: Case = None,
    sets: Sets = None,
    color: Color = None,
) -> None:
    """Draw a diagram of a solved layout: where power goes, the single line, coolant loops, limits, cost, PUE.

    twin plot gb300_hall single_line -o single_line.svg
    """
    from twin.facility.output import target
    from twin.show.plots.style import ENDINGS

    target(output, ENDINGS)
    if color and what != Drawing.floor_plan:
        raise Fault("--color", f"is of the floor plan; {what.value} has colours of its own")
    result = written(layout, (("case", case), ("set", sets)))
    result = solved(layout, case, sets) if result is None else result
    settled(result)
    if what == Drawing.overview:
        made = result.plot()
    elif what == Drawing.floor_plan:
        made = result.plot.floor_plan(color)
    else:
        made = getattr(result.plot, what.value)()
    typer.echo(f"{made.write(output)} is written")


@pictures.command()
def report(
    layouts: Annotated[list[str], typer.Argument(help="Layouts; the report is on the first.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="FILE.html.")] = Path("report.html"),
    case: Cases = None,
    sets: Sets = None,
) -> None:
    """Write a report as one page that opens offline: the answer, the scene, diagrams, margins, all assumptions.

    twin report gb300_hall gb300_hall_800vdc -o report.html
    """
    from twin.facility.output import target
    from twin.show.compare import ALL, results
    from twin.show.report import ENDING
    from twin.show.report import report as write

    target(output, (ENDING,))
    if case == ALL and sets:
        raise Fault("--set", "is not for --case all; give it to layouts one by one")
    if case == ALL or not sets:
        given = [written(n, (("case", case),)) or n for n in layouts]
        with progressing("solving") as progress:
            first, *others = results(given, case, progress).values()
    else:
        first, *others = (solved(layout, case, sets) for layout in layouts)
    for one in (first, *others):
        settled(one)
    with progressing("writing the report"):
        write(first, output, others)
    typer.echo(f"{output} is written")


@pictures.command()
def compare(
    layouts: Annotated[list[str], typer.Argument(help="Layouts, or one with --case all.", show_default=False)],
    case: Cases = None,
    sets: Sets = None,
    json: Json = False,
    no_bound: Annotated[bool, typer.Option("--no-bound", help="Skip the search for the sustainable density.")] = False,
) -> None:
    """Set layouts side by side: figures, what binds, and the inputs in which they differ.

    twin compare gb300_hall gb300_hall_800vdc
    """
    from twin.show.compare import ALL, rows
    from twin.show.compare import compare as compared

    if case == ALL and sets:
        raise Fault("--set", "is not for --case all; give it to layouts one by one")
    with progressing("comparing") as progress:
        given = [written(n, (("case", case), ("set", sets))) or (solved(n, case, sets) if sets else n) for n in layouts]
        found = compared(given, case=None if sets else case, density=not no_bound, progress=progress)
    if json:
        parts = dict.fromkeys(found.index.get_level_values(0))
        print_json({part: found.loc[part].T.to_dict() for part in parts})
    else:
        typer.echo(table(rows(found), frozenset(range(1, len(found.columns) + 1))))


@pictures.command()
def assets(
    layout: Layout,
    output: Annotated[Path, typer.Option("-o", "--output", help="New folder.", show_default=False)],
    case: Case = None,
    sets: Sets = None,
    weights: Annotated[
        list[str] | None, typer.Option("--weight", metavar="MODEL=KG", help="Such as gb300_nvl72=1360.")
    ] = None,
) -> None:
    """Write CDUs, compute racks, CRAHs and UPSs as OpenUSD assets in the form of NVIDIA's AI-factory profile.

    twin assets gb300_hall --weight gb300_nvl72=1360 -o assets
    """
    from twin.show.aif import assets as write

    known = dict[str, float]()
    for text in weights or ():
        model, equals, value = text.partition("=")
        if not (equals and value.replace(".", "", 1).isdigit()):
            raise Fault("--weight", f"{text!r} is not MODEL=KG, such as gb300_nvl72=1360")
        known[model] = float(value)
    result = written(layout, (("case", case), ("set", sets)))
    for path in write(solved(layout, case, sets) if result is None else result, output, known):
        typer.echo(f"{path} is written")
