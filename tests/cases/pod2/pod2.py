"""Pod 2 of the RISE SICS ICE data centre as geometry of the air solver; see README.md."""

import json
from pathlib import Path

import numpy as np

from twin.air.averaging import Averaging, average
from twin.air.field import DENSITY, Loads, map_fields, start_flow
from twin.air.geometry import geometry
from twin.air.parts import Part
from twin.domains.compute import AIR_HEAT

MEASURED = json.loads(Path(__file__).with_name("measured.json").read_text())["states"]
SIZE = (6.95, 4.87, 3.0)
WIDTH, DEPTH, HEIGHT = 0.62, 1.08, 2.22
CHASSIS, OPENING = ((0.3, 0.6), (0.7, 0.9), (1.17, 1.47), (1.57, 1.77)), 0.45
COOLER, OUTLET = (0.51, 1.225, 2.55), (1.0, 1.775)
GROUPS = {"01-03": (1, 3), "04-06": (4, 6), "07-09": (7, 9), "10-12": (10, 12)}
HEIGHTS = (0.4, 1.2, 2.0)
AHEAD = 0.05
"""How far before the racks' fronts the strips hang, m."""

FAN = 0.77
"""Share of the flow after the operators' fan law that the racks' heat balance gives; see `share`."""

BEAMS, BEAM = (2.5, 4.5), (0.25, 0.35)
"""Where beams begin that hang from the ceiling over the rows, x [m], and their width and height [m]."""


def racks(leak=0.0):
    """Twelve racks, R1 to R12: rows with fronts outward, R6 and R7 at y = 0, R1 and R12 at the other end."""
    parts = []
    for n in range(1, 13):
        right = n <= 6
        y = WIDTH * ((6 - n) if right else (n - 7))
        x = 4.17 if right else 1.79
        low = (x, y, 0.0)
        parts.append(
            Part(
                f"r{n:02d}",
                "rack",
                low,
                (x + DEPTH, y + WIDTH, HEIGHT),
                0,
                -1 if right else 1,
                CHASSIS,
                OPENING,
                leak_area=leak,
            )
        )
    return parts


def coolers():
    """Two coolers on each of the walls across x, blowing at the racks, drawing at the top."""
    parts = []
    for n, (x, y) in enumerate([(6.44, 2.275), (6.44, 0.6), (0.0, 0.6), (0.0, 2.275)], 1):
        high = (x + COOLER[0], y + COOLER[1], COOLER[2])
        parts.append(
            Part(f"c{n}", "cooler", (x, y, 0.0), high, 0, -1 if x > 3 else 1, outlet=OUTLET, intake="top", sill=0.1)
        )
    return parts


def beyond():
    """What lies beyond the rows: closed up to a little above the racks."""
    return Part("beyond", "solid", (0.0, 6 * WIDTH, 0.0), (SIZE[0], SIZE[1], 2.25))


def beams():
    """Two beams below the ceiling, along the rows: warm air on its way to the coolers passes beneath them."""
    ends = lambda x: ((x, 0.0, SIZE[2] - BEAM[1]), (x + BEAM[0], *SIZE[1:]))  # noqa: E731
    return [Part(f"beam{n}", "solid", *ends(x)) for n, x in enumerate(BEAMS, 1)]


def room(cell, leak=0.0):
    """The room on cells of a size [m]; `leak` is the open share of the racks' fronts beside their chassis."""
    g = geometry(SIZE, cell, [*racks(leak), *coolers(), beyond(), *beams()], [])
    assert not g.faults, g.faults
    return g


def probes():
    """Places of the front strips: by group bottom, middle, top."""
    places = []
    for first, last in GROUPS.values():
        parts = [p for p in racks() if first <= int(p.name[1:]) <= last]
        y = np.mean([0.5 * (p.low[1] + p.high[1]) for p in parts])
        x = parts[0].high[0] + AHEAD if parts[0].sign < 0 else parts[0].low[0] - AHEAD
        places += [(x, y, z) for z in HEIGHTS]
    return places


def share(state):
    """Rack flow after heat balance over that after the fan law, from rear strips behind chassis and servers' inlets."""
    s = MEASURED[state]
    law, heat = np.array(s["rack_flow_m3s"]), 1e3 * np.array(s["rack_power_kW"])
    warm = np.array(list(s["rear_C"].values()))[:, :2].mean() - np.mean(s["rack_inlet_C"])
    return heat.sum() / (AIR_HEAT * DENSITY * warm) / law.sum()


def loads(state, closed_by="supply"):
    """What the log says moves and heats the air.

    Racks' flow is FAN times that of the fan law. As logged, coolers take more heat than racks give: their supplies are
    raised alike until they do not, or their flows are scaled, by which the balance is `closed_by`.
    """
    s = MEASURED[state]
    column = lambda values: np.array(values, float)[:, None]  # noqa: E731
    heat, blown = 1e3 * column(s["rack_power_kW"]), column(s["cooler_flow_m3s"])
    supply = column(s["cooler_supply_C"])
    taken = AIR_HEAT * DENSITY * (blown * (column(s["cooler_return_C"]) - supply)).sum()
    if closed_by == "flow":
        blown *= heat.sum() / taken
    else:
        supply += (taken - heat.sum()) / (AIR_HEAT * DENSITY * blown.sum())
    return Loads(FAN * column(s["rack_flow_m3s"]), heat, blown, supply + 273.15)


def computed(state, cell, start=None, closed_by="supply", leak=0.0, physics=None, **options):
    """Front strips, degC (group, height), averages, and the flow; `options` are those of `Averaging`."""
    g, given = room(cell, leak), loads(state, closed_by)
    flow = start_flow(g, given, physics)
    if start is not None:
        map_fields(flow, start)
    mean = average(flow, g, given, probes(), averaging=Averaging(**options))
    return mean.probe[:, 0].reshape(4, 3) - 273.15, mean, flow


def table(state, front):
    """Computed beside measured: group means and top less middle."""
    measured = np.array(list(MEASURED[state]["front_C"].values()))
    rows = [f"{state}  group   mean: measured, computed, off    top - middle: measured, computed, off"]
    for k, name in enumerate(GROUPS):
        a, b = measured[k].mean(), front[k].mean()
        c, d = measured[k, 2] - measured[k, 1], front[k, 2] - front[k, 1]
        rows.append(f"    {name}  {a:12.2f} {b:9.2f} {b - a:6.2f}  {c:24.2f} {d:9.2f} {d - c:6.2f}")
    return "\n".join(rows)
