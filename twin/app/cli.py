"""The command line: one screen of text, or JSON. Heavy imports stay inside the commands."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from twin.show.text import quantity, table

if TYPE_CHECKING:
    from twin.api import Result

SOLVER_FAILED, BAD_INPUT, EXCEEDED, INTERRUPTED = 1, 2, 3, 130
PATIENCE = 2.0
"""Seconds of work before a line of progress shows."""

WIDTH = 100
"""Characters of that line."""


class Fault(ValueError):
    """Bad options, quantity like the faults of a layout: where, and one sentence each."""

    def __init__(self, source: str, *faults: str) -> None:
        self.source, self.faults = source, list(faults)
        super().__init__("\n".join(f"{source}: {fault}" for fault in faults))


class _Commands(TyperGroup):
    """Turns what goes wrong into one line per fault and an exit code."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        _open_streams()
        with _faults_told():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        with _faults_told():
            return super().invoke(ctx)


@contextmanager
def _faults_told() -> Iterator[None]:
    code = BAD_INPUT
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt as error:
        text, code = str(error) or "interrupted", INTERRUPTED
    except BrokenPipeError:
        text, code = "", INTERRUPTED
    except OSError as error:
        if error.errno is None:
            raise
        text = f"{error.filename or 'output'}: {error.strerror}"
    except ValueError as error:
        if not hasattr(error, "faults"):
            raise
        text = str(error)
    else:
        return
    for stream in (sys.stderr, sys.stdout):
        with suppress(OSError):
            stream.write(f"{text}\n" if text and stream is sys.stderr else "")
        if _refuses(stream):  # the end of the process would fail on what it still holds
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    raise typer.Exit(code) from None


def _refuses(stream: TextIO) -> bool:
    """Whether a stream cannot be rid of what was written to it."""
    try:
        stream.flush()
    except OSError:
        return True
    return False


def _open_streams() -> None:
    """Refuse a closed stdout, and open a closed stderr: the next file that is opened would stand in for them."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stderr.write("output: is closed; send it to a file, or to /dev/null\n")
        sys.exit(BAD_INPUT)


app = typer.Typer(
    name="twin",
    cls=_Commands,
    help="Digital twin of AI factories: power, coolant, heat and air in one solve, tokens and cost out of it.",
    epilog="Exit codes: 0 fine, 1 solver failed, 2 bad input or an output that cannot be written, 3 a limit is "
    "exceeded or nothing is sustainable, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class Scale(StrEnum):
    """What grows when racks grow denser."""

    chips = "chips"
    chip_power = "chip_power"


class Device(StrEnum):
    """Where a solve runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class AirModel(StrEnum):
    """How the air of rooms is computed."""

    mixed = "mixed"
    finite_volume = "finite_volume"


class Per(StrEnum):
    """Groups of racks that are made denser by themselves."""

    class_ = "class"
    row = "row"
    rack = "rack"


class Units(StrEnum):
    """Units on the screen."""

    si = "si"
    us = "us"


class Kind(StrEnum):
    """What a scene is exported to."""

    vtk = "vtk"
    png = "png"


WRITTEN = (".nc", ".zarr")
"""Endings of written results."""

TABLES = (".xlsx", ".csv", ".parquet")
"""Endings of tables."""

CELL = "0.4 m"
"""Size of the air's cells if none is given."""

Layout = Annotated[str, typer.Argument(help="A shipped layout (see `twin list`) or a YAML file.", show_default=False)]
Case = Annotated[str | None, typer.Option("--case", help="Apply one of the layout's cases.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="ADDRESS=VALUE", help="Such as site.dry_bulb='38 degC'.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout and nothing else.")]
Basis = Annotated[Scale, typer.Option("--scale", help="Denser by more chips a rack, or by more power a chip.")]
AirOption = Annotated[AirModel, typer.Option("--air", help="Rooms as mixed nodes, or their air computed in cells.")]
Cell = Annotated[str, typer.Option("--cell", help="Size of the air's cells, such as '0.2 m'.")]
File = Annotated[Path | None, typer.Argument(help="File to write.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
UnitsOption = Annotated[Units, typer.Option("--units", help="On the screen: SI, or US customary (degF, gpm, psi).")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write.", show_default=False)]


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


def _overrides(sets: Iterable[str] | None) -> dict[str, object]:
    """Addresses and values of `--set`; `null` takes a value away, lists and mappings are as in files."""
    values: dict[str, object] = {}
    faults = []
    for text in sets or ():
        address, equals, value = (part.strip() for part in text.partition("="))
        if not (address and equals and value):
            faults.append(f"{text!r} is not ADDRESS=VALUE, such as site.dry_bulb='38 degC'")
        elif address in values:
            faults.append(f"{text!r}: {address} is set twice")
        values[address] = _value(text, value, faults)
    if faults:
        raise Fault("--set", *faults)
    return values


def _value(text: str, value: str, faults: list[str]) -> object:
    """None for null, a list or mapping as in files, or the text."""
    if not value.startswith(("[", "{")):
        return None if value == "null" else value
    from twin.facility.files import LayoutError, parse_value

    try:
        return parse_value("--set", value)
    except LayoutError:
        faults.append(f"{text!r}: is no list or mapping, such as [0.5, 1.0] or {{users: 100}}")
    return None


@contextmanager
def _progress(label: str) -> Iterator[Callable[[str], None]]:
    """One line on stderr, rewritten with the seconds so far; nothing if stderr is no terminal or the work is short."""
    if not sys.stderr.isatty() or logging.getLogger("twin").isEnabledFor(logging.DEBUG):
        yield lambda text: None
        return
    shown, done, began = [label], threading.Event(), time.monotonic()

    def rewrite() -> None:
        wait = PATIENCE
        while not done.wait(wait):
            line = f"{time.monotonic() - began:.0f} s, {shown[0]}"
            sys.stderr.write(f"\r{line:<{WIDTH}.{WIDTH}}")
            sys.stderr.flush()
            wait = 0.5
        if wait != PATIENCE:
            sys.stderr.write(f"\r{'':{WIDTH}}\r")
            sys.stderr.flush()

    thread = threading.Thread(target=rewrite, daemon=True)
    thread.start()
    try:
        yield lambda text: shown.__setitem__(0, f"{label}, {text}")
    finally:
        done.set()
        thread.join()


def _print_json(data: object) -> None:
    import json

    typer.echo(json.dumps(data, indent=2, allow_nan=False))


def _quantity(option: str, text: str, dimension: str) -> float:
    from twin.units import parse

    try:
        return parse(text, dimension)
    except ValueError as error:
        raise Fault(option, str(error)) from error


def _solve(
    layout: str,
    case: str | None,
    sets: list[str] | None,
    device: Device = Device.cpu,
    air: AirModel = AirModel.mixed,
    cell: str = "",
) -> Result:
    from twin.air.turns import FiniteVolume, Mixed
    from twin.api import solve
    from twin.kernels.arrays import DeviceError

    model = Mixed() if air == AirModel.mixed else FiniteVolume(_quantity("--cell", cell, "length"))
    try:
        with _progress(f"solving {layout}") as progress:
            given = {"device": device.value, "air": model, "progress": progress}
            result = solve(layout, case=case, overrides=_overrides(sets), **given)
    except DeviceError as error:
        raise Fault("--device", str(error)) from error
    if result.stopped:
        typer.echo("interrupted: the air is the average so far, see its error bars", err=True)
    return result


def _settled(result: Result, scenario: int = 0) -> None:
    """End with exit code 1 and the reason if a scenario has no solution."""
    from twin.results.dataset import reason

    if result.status[scenario]:
        typer.echo(f"{result.facility.source}: {reason(*result.part(scenario))}", err=True)
        raise typer.Exit(SOLVER_FAILED)


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
    result = _solve(layout, case, sets, device, air, cell)
    highest = None
    if result.ok and not no_bound and not result.stopped:
        with _progress("searching the bound") as progress:
            highest = api.bound(result, scale=scale.value, progress=progress)[0]
    if output:
        result.write(output, table)
    summary = summarise(result, highest)
    if json:
        _print_json(summary)
    else:
        typer.echo(screens.screen(result, highest, summary, units.value))
    _settled(result)
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
    air: AirOption = AirModel.mixed,
    cell: Cell = CELL,
    units: UnitsOption = Units.si,
) -> None:
    """Find the highest sustainable rack density: all racks alike, then each class, row or rack alone."""
    from twin import api
    from twin.show import screen as screens
    from twin.study.bound import GROUPS, scaled_racks

    result = _solve(layout, case, sets, air=air, cell=cell)
    with _progress("searching the bound") as progress:
        several = len(GROUPS[per.value](result.facility, scaled_racks(result.part()[0].plant))) > 1
        bounds = api.bound(result, scale=scale.value, per=per.value if several else None, progress=progress)
    if json:
        _print_json({"layout": result.facility.name, "bounds": [screens.bound_json(b) for b in bounds]})
    else:
        typer.echo(screens.bounds(result, bounds, units.value))
    if not bounds[0].scale:
        raise typer.Exit(SOLVER_FAILED if bounds[0].solution.status[0] else EXCEEDED)


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

    with _progress("searching") as progress:
        given = {"over": over} if over else {}
        best = find(layout, **given, case=case, overrides=_overrides(sets), progress=progress)
    if json:
        _print_json(screens.optimum_json(best))
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

    stated = None if price is None else _quantity("--price", price, "money_per_token") * 1e6
    with _progress(f"valuing {layout}"):
        earned = value(layout, stated, case=case, overrides=_overrides(sets))
    if json:
        _print_json(asdict(earned))
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

    with _progress(f"checking {layout}"):
        facility = load(layout, case, overrides := _overrides(sets))
        check_served(facility)
        plant, faults = compile(facility), []
        for name in facility.cases if case is None else ():
            try:
                other = load(layout, name, overrides)
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

    with _progress(f"meshing {layout}"):
        result = solve(layout, case=case, overrides=_overrides(sets))
        rooms, faults = meshed(result.plant, result.solution, _quantity("--cell", cell, "length"), room)
    if json:
        _print_json({"layout": result.facility.name, "rooms": rooms, "faults": faults})
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
    with _progress("reading layouts"):
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


@app.command()
def export(
    layout: Annotated[
        str, typer.Argument(help="A layout, or what `twin solve -o` wrote: FILE.nc or FILE.zarr.", show_default=False)
    ],
    to: Annotated[Kind, typer.Option("--to", help="A picture, or a mesh with temperatures and powers.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="FILE.png, or FILE.vtp, .vtk, .vtm.", show_default=False)
    ],
    case: Case = None,
    sets: Sets = None,
    air: Annotated[AirModel | None, typer.Option("--air", help="As `twin solve` has it.", show_default=False)] = None,
    cell: Annotated[str | None, typer.Option("--cell", help="As `twin solve` has it.", show_default=False)] = None,
    scenario: Annotated[int, typer.Option("--scenario", help="Which one of a written result, from 0.")] = 0,
) -> None:
    """Draw a layout in three dimensions; of a written result what was solved, nothing again."""
    from twin import api
    from twin.show.scene import hall
    from twin.show.scene.render import RenderError

    try:
        hall.check(output, to.value)
        if layout.endswith(WRITTEN):
            if given := [f"--{n}" for n, v in (("case", case), ("set", sets), ("air", air), ("cell", cell)) if v]:
                raise Fault(layout, f"{' and '.join(given)}: are for layouts; this is what was solved")
            result = api.open_result(layout)
        else:
            result = _solve(layout, case, sets, air=air or AirModel.mixed, cell=cell or CELL)
        if not 0 <= scenario < result.size:
            raise Fault("--scenario", f"{scenario} is none of the {result.size} there are, counted from 0")
        _settled(result, scenario)
        with _progress(f"drawing {layout}") as progress:
            if not layout.endswith(WRITTEN) and not result.rooms:
                api.bound(result, progress=progress)  # the picture marks what binds
            hall.export(result, output, to.value, scenario)
    except RenderError as error:
        raise Fault(f"export {to.value}", str(error)) from error


@app.command()
def view(
    layout: Layout,
    case: Case = None,
    sets: Sets = None,
    air: AirOption = AirModel.mixed,
    cell: Cell = "0.4 m",
) -> None:
    """Show a solved layout in a window, to turn and zoom."""
    from twin.show.scene.render import RenderError, ready
    from twin.show.scene.view import view as show

    try:
        ready("png")
        result = _solve(layout, case, sets, air=air, cell=cell)
        _settled(result)
        show(result)
    except RenderError as error:
        raise Fault("view", str(error)) from error


# ---- the machine -------------------------------------------------------------------------------------------------


@app.command()
def warmup() -> None:
    """Compile what solving needs, once, into the user's cache folder."""
    from twin.api import solve
    from twin.kernels.cell import warm_up
    from twin.kernels.store import mend

    store = mend()
    with _progress("compiling"):
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
        _print_json(report)
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
