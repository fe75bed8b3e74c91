"""The command line: one screen of text, or JSON. Heavy imports stay inside the commands."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.app import uncertain
from twin.app.common import (
    BAD_INPUT,
    CELL,
    EXCEEDED,
    INTERRUPTED,
    SOLVER_FAILED,
    TABLES,
    WIDTH,
    WRITTEN,
    AirModel,
    AirOption,
    AirSets,
    Basis,
    Case,
    Cell,
    Commands,
    Device,
    Fault,
    File,
    Force,
    Json,
    Layout,
    Output,
    Per,
    Scale,
    Sets,
    Units,
    UnitsOption,
    overrides,
    parsed,
    print_json,
    progressing,
    settled,
    solved,
)
from twin.app.pictures import pictures
from twin.app.studies import studies
from twin.app.sweeps import sweeps
from twin.app.web.command import live
from twin.show.text import quantity, table

if TYPE_CHECKING:
    pass

app = typer.Typer(
    name="twin",
    cls=Commands,
    help="Digital twin of AI factories: power, coolant, heat and air in one solve, tokens and cost out of it.",
    epilog="Exit codes: 0 fine, 1 solver failed, 2 bad input or an output that cannot be written, 3 a limit is "
    "exceeded or nothing is sustainable, 130 interrupted, though what there is may be shown.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


# ---- what all commands share -------------------------------------------------------------------------------------


def _version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(version("aifactory-twin"))
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Log to stderr.")] = False,
) -> None:
    if verbose:
        logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s")
        logging.getLogger("twin").setLevel(logging.DEBUG)


# ---- commands ----------------------------------------------------------------------------------------------------


@app.command()
def solve(
    layout: Layout,
    case: Case = None,
    sets: Sets = None,
    output: Output = None,
    json: Json = False,
    no_bound: Annotated[bool, typer.Option("--no-bound", help="Skip the search for the sustainable density.")] = False,
    scale: Basis = Scale.chips,
    device: Annotated[Device, typer.Option("--device", help="Where to solve: auto takes a GPU if any.")] = Device.cpu,
    air: AirOption = AirModel.mixed,
    cell: Cell = CELL,
    air_sets: AirSets = None,
    table: Annotated[
        str | None,
        typer.Option("--table", help="One for -o: equipment, limits, scenarios, or rack, cdu, ...; all if not given."),
    ] = None,
    units: UnitsOption = Units.si,
) -> None:
    """Solve a layout; -o writes what was solved.

    FILE.nc or FILE.zarr hold everything and are drawn by `twin export`; FILE.xlsx has a sheet for each table, FILE.csv
    and FILE.parquet are one table each: FILE itself with --table, else FILE_rack.csv and so on for all.
    """
    from twin import api
    from twin.facility.output import target
    from twin.show import screen as screens
    from twin.show.summary import summary as summarise

    if output:
        target(output, (*WRITTEN, *TABLES))
    if output and output.suffix in TABLES:
        from twin.results.tables import ready

        ready(output)
    elif table:
        raise Fault("--table", f"{table}: give -o FILE with one of {', '.join(TABLES)}")
    result = solved(layout, case, sets, device, air, cell, air_sets)
    highest = None
    if result.ok and not no_bound and not result.stopped:
        with progressing("searching the bound") as progress:
            highest = api.bound(result, scale=scale.value, progress=progress)[0]
    if output:
        result.write(output, table)
    summary = summarise(result, highest)
    if json:
        print_json(summary)
    else:
        typer.echo(screens.screen(result, highest, summary, units.value))
    settled(result)
    if result.stopped:
        raise typer.Exit(INTERRUPTED)
    if summary["status"] == "limit_exceeded":
        raise typer.Exit(EXCEEDED)


@app.command()
def bound(
    layout: Layout,
    case: Case = None,
    sets: Sets = None,
    scale: Basis = Scale.chips,
    json: Json = False,
    per: Annotated[Per, typer.Option("--per", help="Each of which is then made denser alone.")] = Per.class_,
    secure: Annotated[
        str | None, typer.Option("--secure", metavar="n-1", help="The density at which every single loss is survived.")
    ] = None,
    air: AirOption = AirModel.mixed,
    cell: Cell = CELL,
    air_sets: AirSets = None,
    units: UnitsOption = Units.si,
) -> None:
    """Find the highest sustainable rack density: all racks alike, then each class, row or rack alone."""
    if secure is not None:
        if air != AirModel.mixed or air_sets:
            raise Fault("--air", "--secure searches with mixed air only: leave --air and --air-set out")
        _secure(layout, case, sets, secure, json)
        return
    from twin import api
    from twin.show import screen as screens
    from twin.study.bound import GROUPS, scaled_racks

    result = solved(layout, case, sets, air=air, cell=cell, air_sets=air_sets)
    if result.stopped:
        raise typer.Exit(INTERRUPTED)
    with progressing("searching the bound") as progress:
        several = len(GROUPS[per.value](result.facility, scaled_racks(result.part()[0].plant))) > 1
        bounds = api.bound(result, scale=scale.value, per=per.value if several else None, progress=progress)
    if json:
        print_json({"layout": result.facility.name, "bounds": [screens.bound_json(b) for b in bounds]})
    else:
        typer.echo(screens.bounds(result, bounds, units.value))
    if not bounds[0].scale:
        raise typer.Exit(SOLVER_FAILED if bounds[0].solution.status[0] else EXCEEDED)


def _secure(layout: str, case: str | None, sets: list[str] | None, order: str, json: bool) -> None:
    """The density at which every single loss is survived."""
    from twin.show import contingencies as screens
    from twin.study.contingencies import secure

    if order.lower() != "n-1":
        raise Fault("--secure", f"{order!r}: only n-1 is known: every single loss is survived")
    with progressing("searching the bound after every loss") as progress:
        found = secure(layout, case=case, overrides=overrides(sets), progress=progress)
    if json:
        print_json({"layout": layout, **found._asdict()})
    else:
        typer.echo(screens.secure(layout, found))
    if not found.scale:
        raise typer.Exit(EXCEEDED)


@app.command()
def optimum(
    layout: Layout,
    over: Annotated[
        list[str] | None,
        typer.Option("--over", help="rack_density, supply_temperature, power_cap (these if none), clock, ..."),
    ] = None,
    case: Case = None,
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Find the operating point of least cost per token within all limits, and the densest one."""
    from twin.show import screen as screens
    from twin.study.optimum import optimum as find

    with progressing("searching") as progress:
        given = {"over": over} if over else {}
        best = find(layout, **given, case=case, overrides=overrides(sets), progress=progress)
    if json:
        print_json(screens.optimum_json(best))
    else:
        typer.echo(screens.optimum(best))
    if best.reason:
        typer.echo(f"{layout}: {best.reason}", err=True)
        raise typer.Exit(EXCEEDED)


@app.command()
def worth(
    layout: Layout,
    price: Annotated[
        str | None,
        typer.Option("--price", help="Of a token, in or out: '0.4 $/Mtok'; the layout's if not given."),
    ] = None,
    case: Case = None,
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Tell what a layout earns, and what one more megawatt, kelvin or percent of availability would add."""
    from dataclasses import asdict

    from twin.show import screen as screens
    from twin.study.worth import worth as value

    stated = None if price is None else parsed("--price", price, "money_per_token") * 1e6
    with progressing(f"valuing {layout}"):
        earned = value(layout, stated, case=case, overrides=overrides(sets))
    if json:
        print_json(asdict(earned))
    else:
        typer.echo(screens.worth(earned))


@app.command()
def validate(layout: Layout, case: Case = None, sets: Sets = None) -> None:
    """Check a layout and what its cases make of it without solving; every fault is one line."""
    from twin.facility.build import load
    from twin.facility.files import LayoutError
    from twin.facility.scenarios import read
    from twin.plant.compile import compile
    from twin.plant.symmetry import partitions
    from twin.serving.tokens import check_served

    with progressing(f"checking {layout}"):
        facility = load(layout, case, given := overrides(sets))
        check_served(facility)
        plant, faults = compile(facility), []
        for name in facility.cases if case is None else ():
            try:
                other = load(layout, name, given)
                check_served(other)
                if (other.components, other.ignore) != (facility.components, facility.ignore):
                    compile(other)
            except LayoutError as error:
                faults += [f"case {name}: {fault}" for fault in error.faults]
    if faults:
        raise LayoutError(facility.source, faults)
    counts = [(kind.replace("_", " "), f"{n:,}") for kind, n in facility.count().items()]
    counts += [
        ("connections", f"{len(facility.connections):,}"),
        ("electrical islands", f"{len(facility.islands()):,}"),
        ("coolant loops", f"{len(facility.loops()):,}"),
        ("limits", f"{sum(len(x.elements) for x in plant.limits):,}"),
        ("symmetry", next(partitions(facility, read(facility, {})))[1].summary()),
    ]
    counts += [("cases", ", ".join(facility.cases))] if facility.cases else []
    typer.echo(f"{facility.source} is valid, layout {facility.hash}\n\n{table(counts)}")


@app.command()
def mesh(
    layout: Layout,
    room: Annotated[
        str | None, typer.Option("--room", help="One room; all with racks or coolers if not given.")
    ] = None,
    cell: Cell = CELL,
    case: Case = None,
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Report the rooms of a layout as cells of computed air: sizes, openings, and flows that do not balance."""
    from twin.air.exchange import meshed
    from twin.api import solve

    with progressing(f"meshing {layout}"):
        result = solve(layout, case=case, overrides=overrides(sets))
        rooms, faults = meshed(result.plant, result.solution, parsed("--cell", cell, "length"), room)
    if json:
        print_json({"layout": result.facility.name, "rooms": rooms, "faults": faults})
    else:
        for name, numbers in rooms.items():
            rows = [(k.replace("_", " "), quantity(v)) for k, v in numbers.items()]
            typer.echo(f"{result.facility.name}, {name}\n{table(rows)}\n")
    if faults:
        raise Fault(result.facility.source, *faults)


@app.command()
def schema(output: Output = None) -> None:
    """Print the JSON Schema of layout files, for editors."""
    import json

    from twin.facility.output import target, whole
    from twin.facility.schema import schema as layout_schema

    text = json.dumps(layout_schema(), indent=2)
    if output is None:
        typer.echo(text)
        return
    with whole(target(output)) as partial:
        partial.write_text(text + "\n", "utf-8")


@app.command()
def describe(
    name: Annotated[str, typer.Argument(help="Such as cdu, gb300_nvl72, site, chiller_curves.", show_default=False)],
) -> None:
    """Say what a type, a catalogue model or a section of layouts is: ports, fields, results, limits."""
    from twin.show.describe import describe as description

    typer.echo(str(description(name)))


@app.command("list")
def list_layouts() -> None:
    """List the layouts that come with the package, and their cases."""
    from textwrap import shorten

    from twin.facility.build import load
    from twin.facility.files import shipped, spelled

    rows = []
    with progressing("reading layouts"):
        for name in shipped():
            facility = load(name)
            racks = sum(part.shapes_air == "rack" for part in facility.components.values())
            rows.append((name, f"{racks:,}", facility.description))
            for case, values in facility.cases.items():
                says = ", ".join(f"{address}: {spelled(value)}" for address, value in values.items()) or "as it stands"
                rows.append((f"  {case}", "", shorten(says, WIDTH, placeholder=" ...")))
    typer.echo(table([("layout and its cases", "racks", "description"), *rows], frozenset({1})))


@app.command("cat")
def print_layout(layout: Layout) -> None:
    """Print the text of a layout."""
    from twin.facility.files import read_text

    typer.echo(read_text(layout)[1], nl=False)


@app.command("copy")
def copy_layout(layout: Layout, path: File = None, force: Force = False) -> None:
    """Write the text of a layout to a file of one's own, by default of its name."""
    from twin.facility.files import read_text

    source, text = read_text(layout)
    _write_layout(path or Path(source), text, force)


@app.command("import")
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="A DPS topology and its device files, a folder of NetBox tables, a network of pandapower, "
            "or a table of racks.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="LAYOUT.yaml.", show_default=False)],
    policy: Annotated[
        str | None, typer.Option("--policy", help="Of a DPS topology, to which nodes are held.", show_default=False)
    ] = None,
    force: Force = False,
) -> None:
    """Make a layout of files of another program, and say what was assumed or not taken over.

    twin import topology.json devices.yaml -o hall.yaml
    """
    from twin.facility.build import load
    from twin.readers.inventory import imported

    made = imported(*files, policy=policy)
    load(made.text)  # what would be no layout is not written
    _write_layout(output, made.text, force)
    for sentence in made.told:
        typer.echo(f"- {sentence}", err=True)


@app.command()
def new(path: Annotated[Path, typer.Argument(help="File to write.")], force: Force = False) -> None:
    """Write a small layout to begin with: a room, racks, a CDU, a cooler and a feed."""
    from importlib.resources import files

    _write_layout(path, (files("twin.layouts") / "new.yaml").read_text("utf-8"), force)


def _write_layout(path: Path, text: str, force: bool) -> None:
    """Write a layout, whole or not at all, and say so; a file that is there stays unless `force`."""
    from twin.facility.output import target, whole

    target(path, (".yaml", ".yml"))
    if path.exists() and not force:
        raise Fault(f"output {path}", "exists; --force replaces it")
    with whole(path) as partial:
        partial.write_text(text, "utf-8")
    typer.echo(f"{path} is written; twin solve {path}")


app.add_typer(pictures)
app.add_typer(live)
app.command()(uncertain.uncertainties)
app.command()(uncertain.uncertainty)
app.add_typer(studies)
app.add_typer(sweeps, name="sweep")


# ---- the machine -------------------------------------------------------------------------------------------------


@app.command()
def warmup() -> None:
    """Compile what solving needs, once, into the user's cache folder."""
    from twin.api import solve
    from twin.kernels.cell import warm_up
    from twin.kernels.store import mend

    store = mend()
    with progressing("compiling"):
        solve("gb300_hall", {"site.dry_bulb": [303.15] * 17})
        count = warm_up()
    if store.fault:
        raise typer.Exit(BAD_INPUT)
    typer.echo(f"{count} builds are ready in {store.folder}")


@app.command()
def doctor(json: Json = False) -> None:
    """Say what this machine has: Python, cores, libraries, kernel cache, GPU, rendering, extras."""
    from twin.app.doctor import examine

    report = examine()
    if json:
        print_json(report)
        return
    rows = [(k, str(v)) for k, v in report.items() if not isinstance(v, dict)]
    rows += [(k, v or "missing") for k, v in report["libraries"].items()]
    gpu, rendering = report["gpu"], report["rendering"]
    cache = report["kernel_cache"]
    rows.append(("kernel cache", cache["folder"] if not cache["why"] else f"none: {cache['why']}"))
    rows.append(("GPU", gpu["device"] or f"none: {gpu['why']}"))
    rows += [(name, "found" if there else "not found") for name, there in rendering["libraries"].items()]
    rows.append(("rendering", "ready" if rendering["ready"] else rendering["why"]))
    for name, extra in report["extras"].items():
        missing = f"lacks {', '.join(extra['missing'])}: {extra['install']}"
        rows.append((f"extra {name}", missing if extra["missing"] else "installed"))
    typer.echo(table(rows))


def main() -> None:
    """Run the command line; the exit code says how it went."""
    app()
