"""The commands of `twin sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.app.common import (
    CELL,
    SOLVER_FAILED,
    AirModel,
    AirOption,
    AirSets,
    Case,
    Cell,
    Device,
    Fault,
    Json,
    Sets,
    air_model,
    overrides,
    print_json,
    progressing,
)

if TYPE_CHECKING:
    from twin.study.swept import SweepResult

sweeps = typer.Typer(
    help="Thousands of what-ifs of a layout, stored so that nothing is lost.",
    no_args_is_help=True,
    epilog="twin sweep run gb300_hall --over 'cdu.set_point=36..46 degC/11' --over 'site.dry_bulb=20..40 degC/5'",
)

Stored = Annotated[
    Path, typer.Argument(help="What `twin sweep run` wrote: a folder ending in .zarr.", show_default=False)
]
Workers = Annotated[int | None, typer.Option("--workers", help="Processes to solve with; one, this one, if not given.")]
Dask = Annotated[str | None, typer.Option("--dask", help="Scheduler of a dask cluster, such as tcp://host:8786.")]
Shard = Annotated[
    str | None, typer.Option("--shard", metavar="I/N", help="The I-th of N parts, for jobs that share a store.")
]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where to solve: auto takes a GPU if any.")]


@sweeps.command("run")
def run_sweep(
    what: Annotated[
        str, typer.Argument(help="A layout, or a sweep file: YAML with `layout` and `over`.", show_default=False)
    ],
    over: Annotated[
        list[str] | None,
        typer.Option("--over", metavar="ADDRESS=AXIS", help="'36..46 degC/11', 'a, b', 'uniform(120 kW, 150 kW)'."),
    ] = None,
    zips: Annotated[
        list[str] | None,
        typer.Option("--zip", metavar="A=AXIS; B=AXIS", help="Axes whose values go together."),
    ] = None,
    weather: Annotated[
        Path | None, typer.Option("--weather", help="An EPW file, each hour of which is a value.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option("--table", help="Scenarios row by row: .csv, .xlsx or .parquet with addresses.")
    ] = None,
    samples: Annotated[int | None, typer.Option("--samples", help="Points of distributions; a power of two.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of these points.")] = 0,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", help="What to keep of each scenario: figures and limits if not given, or variables."),
    ] = None,
    bound: Annotated[bool, typer.Option("--bound", help="Find the sustainable density of every scenario too.")] = False,
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder ending in .zarr; NAME_sweep.zarr here if not given.")
    ] = None,
    case: Case = None,
    sets: Sets = None,
    air: AirOption = AirModel.mixed,
    cell: Cell = CELL,
    air_sets: AirSets = None,
    workers: Workers = None,
    dask: Dask = None,
    shard: Shard = None,
    device: DeviceOption = Device.cpu,
    json: Json = False,
) -> None:
    """Solve every combination of some axes into a store; run again, it goes on where it stopped.

    twin sweep run gb300_hall --over 'cdu.set_point=36..46 degC/11' --over 'site.dry_bulb=uniform(20 degC, 40 degC)'
    """
    from twin.study.sweep import sweep
    from twin.study.sweep_file import axes, is_sweep_file, options, read_sweep, table

    given: dict[str, Any]
    if is_sweep_file(what):
        stated = {"over": over, "zip": zips, "table": rows, "weather": weather, "samples": samples, "keep": keep}
        stated |= {"case": case, "set": sets, "bound": bound or None, "seed": seed or None}
        stated |= {"air": air != AirModel.mixed, "cell": cell != CELL, "air-set": air_sets}
        if wrong := [f"--{n}" for n, v in stated.items() if v]:
            raise Fault(what, f"{' and '.join(wrong)}: stand in the sweep file")
        given = read_sweep(what)
    else:
        given = options(what, axes("--over", over), [axes("--zip", z.split(";")) for z in zips or ()], weather)
        given |= {"samples": samples, "seed": seed, "bound": bound, "case": case, "overrides": overrides(sets)}
        given |= {"outputs": keep} if keep else {}
        given |= {"table": table(rows)} if rows else {}
        if air == AirModel.finite_volume or air_sets:
            given["air"] = air_model(air, cell, air_sets)
    path = store or Path(f"{Path(what).stem}_sweep.zarr")
    with progressing(f"preparing {path}") as progress:
        asked = sweep(given.pop("layout"), **given, progress=progress)
    for note in asked.notes:
        typer.echo(note, err=True)
    with progressing(str(path)) as progress:
        found = asked.run(
            path, executor=_executor(workers, dask), shard=_shard(shard), device=device.value, progress=progress
        )
    _end(found, json)


@sweeps.command()
def rerun(
    path: Stored,
    failed: Annotated[bool, typer.Option("--failed", help="Also those that failed, not only those missing.")] = False,
    workers: Workers = None,
    dask: Dask = None,
    shard: Shard = None,
    device: DeviceOption = Device.cpu,
    json: Json = False,
) -> None:
    """Solve what a store still lacks, as after a crash; with --failed what failed, once more.

    twin sweep rerun gb300_hall_sweep.zarr --failed
    """
    from twin.study.sweep import run
    from twin.study.swept import SweepResult, open_sweep

    kept = open_sweep(path).store
    with progressing(str(path)) as progress:
        given = {"shard": _shard(shard), "failed": failed, "device": device.value, "progress": progress}
        run(kept, _executor(workers, dask), **given)
    _end(SweepResult(kept), json)


@sweeps.command()
def status(path: Stored, json: Json = False) -> None:
    """Say how far a sweep is, what failed and why, and whether every file is as it was written.

    twin sweep status gb300_hall_sweep.zarr
    """
    from twin.show import sweeps as screens
    from twin.study.swept import open_sweep

    found = open_sweep(path)
    with progressing(f"checking {path}"):
        told = screens.status(found, found.damaged())
    if json:
        print_json(told)
    else:
        typer.echo(screens.status_text(told))


@sweeps.command()
def show(path: Stored, json: Json = False) -> None:
    """Show what a sweep has found: axes, ranges of headline figures, limits, failures.

    twin sweep show gb300_hall_sweep.zarr
    """
    from twin.show import sweeps as screens
    from twin.study.swept import open_sweep

    found = screens.summary(open_sweep(path))
    if json:
        print_json(found)
    else:
        typer.echo(screens.summary_text(found))


@sweeps.command()
def plot(
    path: Stored,
    output: Annotated[Path, typer.Option("-o", "--output", help="FILE.png, .svg or .pdf.", show_default=False)],
    y: Annotated[str, typer.Option("--y", help="A figure, such as pue.")] = "pue",
    x: Annotated[str | None, typer.Option("--x", help="An axis; the first if not given.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Another axis: a line for each of its values.")] = None,
    heat: Annotated[bool, typer.Option("--map", help="A map over --x and --by, coloured by --y.")] = False,
) -> None:
    """Plot a figure of a sweep over an axis, or as a map over two.

    twin sweep plot gb300_hall_sweep.zarr --y pue --x site.dry_bulb --by cdu.set_point -o pue.png
    """
    from twin.study.swept import open_sweep

    found = open_sweep(path)
    picture = found.plot.map(y, x=x, by=by) if heat else found.plot(y, x=x, by=by)
    typer.echo(f"{picture.write(output)} is written")


def _end(found: SweepResult, json: bool) -> None:
    """What a run says at its end; exit code 1 where nothing was solved."""
    from twin.show import sweeps as screens

    told = screens.summary(found)
    if json:
        print_json(told)
    else:
        typer.echo(screens.summary_text(told))
    if found.done and not told["scenarios"].get("ok"):
        raise typer.Exit(SOLVER_FAILED)


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    i, slash, n = text.partition("/")
    if not (slash and i.strip().isdecimal() and n.strip().isdecimal()):
        raise Fault("--shard", f"{text!r}: write I/N, such as 3/16")
    return int(i), int(n)


def _executor(workers: int | None, dask: str | None) -> Any:
    """What chunks are given to."""
    if workers is not None and dask is not None:
        raise Fault("--dask", "has workers of its own; leave out --workers")
    if dask is None:
        return workers
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise Fault("--dask", 'dask is not installed: pip install "aifactory-twin[sweep]"') from error
    try:
        return Client(dask, timeout=10)
    except (OSError, ValueError) as error:
        raise Fault("--dask", f"{dask}: no scheduler answers: {error}") from error
