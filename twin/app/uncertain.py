"""The commands that tell how sure an answer is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.app.common import (
    SOLVER_FAILED,
    Case,
    Device,
    Fault,
    Json,
    Layout,
    Sets,
    overrides,
    print_json,
    progressing,
)
from twin.app.sweeps import DeviceOption, Workers


def uncertainties(layout: Layout, case: Case = None, sets: Sets = None, json: Json = False) -> None:
    """List what of a layout is not known: values of the catalogue with their ranges and sources.

    twin uncertainties gb300_hall
    """
    from twin.show import uncertainty as screens
    from twin.study.uncertainty import uncertainties as listed

    found = listed(layout, case, overrides(sets))
    if json:
        print_json(screens.inputs(found))
    else:
        typer.echo(screens.inputs_text(found))


def uncertainty(
    layout: Layout,
    samples: Annotated[int, typer.Option("--samples", help="Base samples, a power of two.")] = 1024,
    over: Annotated[
        list[str] | None,
        typer.Option("--over", metavar="ADDRESS=AXIS", help="'uniform(0 degC, 40 degC)', or a value that holds one."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="ADDRESS", help="A value of the catalogue that varies; all if none is given."),
    ] = None,
    none: Annotated[bool, typer.Option("--no-inputs", help="Vary nothing but what --over says.")] = False,
    outputs: Annotated[
        list[str] | None, typer.Option("--output", help="A figure, such as pue or sustainable_density.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder ending in .zarr to keep scenarios in, and to go on from.")
    ] = None,
    tornado: Annotated[
        Path | None,
        typer.Option("--tornado", help="FILE.png, .svg or .pdf: what each input alone does to the first figure."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the samples.")] = 0,
    case: Case = None,
    sets: Sets = None,
    workers: Workers = None,
    device: DeviceOption = Device.cpu,
    json: Json = False,
) -> None:
    """Tell between what figures lie for all that is not known, and which values lead.

    twin uncertainty gb300_hall --output pue --over 'site.dry_bulb=uniform(0 degC, 40 degC)'
    """
    from twin.show import uncertainty as screens
    from twin.study.sweep_file import axes
    from twin.study.uncertainty import OUTPUTS
    from twin.study.uncertainty import uncertainty as study

    if none and only:
        raise Fault("--no-inputs", "leave out --input")
    with progressing(layout) as progress:
        found = study(
            layout,
            samples,
            over=axes("--over", over),
            inputs=() if none else only,
            outputs=outputs or OUTPUTS,
            store=store,
            executor=workers,
            seed=seed,
            case=case,
            overrides=overrides(sets),
            device=device.value,
            progress=progress,
        )
        told = screens.summary(found)
    written = found.plot.tornado(found.outputs[0]).write(tornado) if tornado else None
    if json:
        print_json(told)
    else:
        typer.echo(screens.summary_text(told))
        if written:
            typer.echo(f"\n{written} is written")
    if not told["scenarios"].get("ok"):
        raise typer.Exit(SOLVER_FAILED)
