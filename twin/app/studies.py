"""Commands of studies that solve a layout many times."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from twin.app.common import EXCEEDED, Case, Device, Fault, Json, Output, Sets, overrides, print_json, progressing
from twin.app.common import Layout as LayoutArgument

studies = typer.Typer()


@studies.command()
def year(
    layout: LayoutArgument,
    weather: Annotated[
        str, typer.Option("--weather", help="A year as EPW file, or synthetic_temperate, synthetic_desert.")
    ],
    load: Annotated[
        str | None, typer.Option("--load", help="Share of accelerators at work, '80 %', or a CSV: 24, 7 x 24, 8760.")
    ] = None,
    carbon: Annotated[Path | None, typer.Option("--carbon", help="CSV of a grid's hourly greenhouse gas.")] = None,
    price: Annotated[Path | None, typer.Option("--price", help="CSV of a grid's hourly price.")] = None,
    life_cycle: Annotated[bool, typer.Option("--life-cycle", help="Take life-cycle carbon, not direct.")] = False,
    heat_used: Annotated[str, typer.Option("--heat-used", help="Heat that is used elsewhere, such as '2 MW'.")] = "0 W",
    renewable: Annotated[str, typer.Option("--renewable", help="Share of the energy, such as '40 %'.")] = "0",
    source_water: Annotated[
        float | None, typer.Option("--source-water", help="Of electricity, L/kWh, for WUE at the source.")
    ] = None,
    bound: Annotated[
        bool, typer.Option("--bound", help="Find the density that holds in all hours, and nearly all.")
    ] = False,
    case: Case = None,
    sets: Sets = None,
    output: Output = None,
    device: Annotated[Device, typer.Option("--device", help="Where to solve: auto takes a GPU if any.")] = Device.cpu,
    json: Json = False,
) -> None:
    """Solve a year of weather hour by hour: PUE, WUE, CUE, energy by end use, cost; -o writes hours or a plot.

    FILE.csv, .nc or .parquet have the hours; FILE.png, .svg or .pdf a map of the hours' PUE.

    twin year gb300_hall --weather dulles.epw --load '80 %' --carbon PJM.csv --bound
    """
    from twin.app.common import parsed
    from twin.show import year as screens
    from twin.show.plots.style import ENDINGS
    from twin.study.year import year as solve_year
    from twin.study.year_files import TABLES, load_profile, write_hours

    if output and output.suffix not in (*TABLES, *ENDINGS):
        raise Fault(f"output {output}", f"ending is none of {', '.join((*TABLES, *ENDINGS))}")
    given: dict[str, Any] = {
        "load": 1.0 if load is None else load_profile(load),
        "carbon": carbon,
        "price": price,
        "accounting": "life_cycle" if life_cycle else "direct",
        "heat_used": parsed("--heat-used", heat_used, "power"),
        "renewable": parsed("--renewable", renewable, "fraction"),
        "source_water": None if source_water is None else source_water / 3.6e6,
        "bound": bound,
        "device": device.value,
    }
    with progressing(f"a year of {layout}") as progress:
        found = solve_year(layout, weather, case=case, overrides=overrides(sets), progress=progress, **given)
    if output:
        if output.suffix in TABLES:
            write_hours(found, output)
        else:
            found.plot.heat_map().write(output)
    if json:
        print_json(screens.summary(found))
    else:
        typer.echo(screens.screen(found))
    if bound and not found.densities[0].density > 0:
        raise typer.Exit(EXCEEDED)


@studies.command()
def contingencies(
    layout: LayoutArgument,
    order: Annotated[int, typer.Option("--order", help="2: a fault of each during the maintenance of each.")] = 1,
    group: Annotated[list[str] | None, typer.Option("--group", help="Lost together, such as 'cdu1,cdu2'.")] = None,
    pair: Annotated[
        list[str] | None, typer.Option("--pair", help="Isolated, then failed, such as 'tx_a1,tx_b1'.")
    ] = None,
    element: Annotated[
        list[str] | None, typer.Option("--element", help="Only this one; several times for several.")
    ] = None,
    mode: Annotated[str | None, typer.Option("--mode", help="fault or planned; both if not given.")] = None,
    every: Annotated[bool, typer.Option("--all", help="List what is survived too.")] = False,
    case: Case = None,
    sets: Sets = None,
    device: Annotated[Device, typer.Option("--device", help="Where to solve: auto takes a GPU if any.")] = Device.cpu,
    json: Json = False,
) -> None:
    """Lose every element in turn, with what switches then: racks, limits and tokens that are left.

    twin contingencies gb300_hall --group cdu1,cdu2 --all
    """
    from twin.show import contingencies as screens
    from twin.study.contingencies import contingencies as find

    pairs = None if not pair else [_names("--pair", p, 2) for p in pair]
    given: dict[str, Any] = {"modes": (mode,)} if mode else {}
    with progressing(f"losing elements of {layout}") as progress:
        found = find(
            layout,
            order,
            [_names("--group", g, 0) for g in group or ()],
            pairs,
            names=element,
            case=case,
            overrides=overrides(sets),
            device=device.value,
            progress=progress,
            **given,
        )
    if json:
        print_json(screens.summary(found))
    else:
        typer.echo(screens.screen(found, every))
    if any(r.verdict not in ("survived", "emergency") for r in found):
        raise typer.Exit(EXCEEDED)


@studies.command()
def dependents(
    layout: LayoutArgument,
    names: Annotated[
        list[str] | None, typer.Argument(help="What fails together; every single point if none.", show_default=False)
    ] = None,
    case: Case = None,
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Say which racks lose power or cooling if equipment fails, by the wiring alone.

    twin dependents gb300_hall fws_pumps
    """
    from twin.facility.build import load as load_layout
    from twin.show import contingencies as screens
    from twin.study.dependents import dependents, single_points

    with progressing(f"asking {layout}"):
        facility = load_layout(layout, case, overrides(sets))
        found = [dependents(facility, *names)] if names else list(single_points(facility))
    if json:
        print_json([d._asdict() for d in found])
    elif names:
        typer.echo(screens.dependents(found[0]))
    else:
        typer.echo("\n".join(map(str, found)) or "no rack depends on a single element")


@studies.command()
def redundancy(
    layout: LayoutArgument,
    element: Annotated[
        list[str] | None, typer.Option("--element", help="Only the stage that has this; several times for several.")
    ] = None,
    case: Case = None,
    sets: Sets = None,
    device: Annotated[Device, typer.Option("--device", help="Where to solve: auto takes a GPU if any.")] = Device.cpu,
    json: Json = False,
) -> None:
    """Find N, N+1 or 2N of each stage on the ways to the racks, by failing its pieces.

    twin redundancy gb300_hall --set site.dry_bulb='40 degC'
    """
    from twin.show import contingencies as screens
    from twin.study.redundancy import redundancy as find

    with progressing(f"failing pieces of {layout}") as progress:
        found = find(
            layout, names=element, case=case, overrides=overrides(sets), device=device.value, progress=progress
        )
    if json:
        print_json([{**s._asdict(), "redundancy": s.label} for s in found])
    else:
        typer.echo(screens.redundancy(layout, found))


def _names(option: str, text: str, count: int) -> tuple[Any, ...]:
    names = tuple(n.strip() for n in text.split(",") if n.strip())
    if count and len(names) != count:
        raise Fault(option, f"{text!r}: give {count} names, parted by a comma")
    return names
