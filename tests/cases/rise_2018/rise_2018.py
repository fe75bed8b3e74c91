"""Module 1 of the SICS ICE data centre, measured in 2018, as geometry of the air solver; see README.md."""

import json
from pathlib import Path

import numpy as np

from twin.air.averaging import Averaging, average
from twin.air.field import Loads, map_fields, start_flow
from twin.air.geometry import geometry
from twin.air.parts import Part, Screen

MEASURED = json.loads(Path(__file__).with_name("measured.json").read_text())
SIZE = (6.484, 5.084, 3.15)
WIDTH, DEPTH, HEIGHT = 0.6, 1.08, 2.22
AISLE = 1.3
COOLER, OUTLET, SILL = (0.51, 1.225, 2.55), (1.0, 1.775), 0.1
ALONG = (0.6, 2.275)
"""Where the coolers begin along their walls, m."""

BASE, SERVER, FACE = 0.1, 0.0889, 0.45
"""Where the lowest server begins, a server's height and the width of its face, m."""

SERVERS = (18, 18, 18, 18, 2, 6, 18, 18, 18, 18)
"""Servers of each rack; R5 has none but an opening, taken as that of two."""

SENSOR = BASE + 1.09
"""Height of the sensors, m: 1.09 above the lower edge of the doors."""

TOLERANCE = 1.03
"""The sensors' 1 K and 0.03 K for reading the figure."""


def racks():
    """Ten racks, R1 to R10: two rows back to back, R5 and R6 at the wall, R1 and R10 at the open end."""
    parts, left = [], 0.5 * (SIZE[0] - AISLE) - DEPTH
    for n, servers in enumerate(SERVERS, 1):
        right = n <= 5
        y = WIDTH * ((5 - n) if right else (n - 6))
        x = left + DEPTH + AISLE if right else left
        span = (BASE, BASE + servers * SERVER)
        high = (x + DEPTH, y + WIDTH, HEIGHT)
        parts.append(Part(f"r{n}", "rack", (x, y, 0.0), high, 0, -1 if right else 1, (span,), FACE))
    return parts


def coolers():
    """Two coolers on each of the walls across x, drawing at the top; C1 and C3 at the open end."""
    parts = []
    for n, (x, y) in enumerate([(SIZE[0] - COOLER[0], ALONG[1]), (SIZE[0] - COOLER[0], ALONG[0])], 1):
        parts.append(_cooler(f"c{n}", x, y, -1))
    for n, y in enumerate(ALONG[::-1], 3):
        parts.append(_cooler(f"c{n}", 0.0, y, 1))
    return parts


def _cooler(name, x, y, sign):
    high = (x + COOLER[0], y + COOLER[1], COOLER[2])
    return Part(name, "cooler", (x, y, 0.0), high, 0, sign, outlet=OUTLET, intake="top", sill=SILL)


def door():
    """The door that closes the hot aisle at the end of the rows, as high as the racks."""
    low = 0.5 * (SIZE[0] - AISLE)
    return Screen("door", (low, 5 * WIDTH, 0.0), (low + AISLE, 5 * WIDTH, HEIGHT), 1)


def room(cell):
    """The room on cells of a size [m]."""
    g = geometry(SIZE, cell, [*racks(), *coolers()], [door()])
    assert not g.faults, g.faults
    return g


def loads():
    """Measured face velocities times the faces, the racks' heat and the coolers' supply."""
    column = lambda values: np.array(values, float)[:, None]  # noqa: E731
    face = np.array(SERVERS) * SERVER * FACE
    return Loads(
        column(MEASURED["rack_face_mps"]) * face[:, None],
        column(MEASURED["rack_power_W"]),
        column(MEASURED["cooler_face_mps"]) * OUTLET[0] * OUTLET[1],
        column(MEASURED["cooler_supply_C"]) + 273.15,
    )


def probes(g):
    """Sensors at the doors before the racks, then behind them: in the cells next to the racks."""
    edges, front, rear = g.grid.edges("x"), [], []
    for p, t in zip(racks(), g.racks, strict=True):
        planes = t.driven[:, 2]
        behind = planes.max() if p.sign > 0 else planes.min() - 1
        for places, i in ((front, t.upstream[0, 2]), (rear, behind)):
            places.append((0.5 * (edges[i] + edges[i + 1]), 0.5 * (p.low[1] + p.high[1]), SENSOR))
    return [*front, *rear]


def computed(cell, start=None, physics=None, **options):
    """Front and rear sensors, degC (rack,), averages, and the flow; `options` are those of `Averaging`."""
    g, given = room(cell), loads()
    flow = start_flow(g, given, physics)
    if start is not None:
        map_fields(flow, start)
    mean = average(flow, g, given, probes(g), Averaging(**options))
    front, rear = mean.probe[:, 0].reshape(2, len(SERVERS)) - 273.15
    return front, rear, mean, flow


def aisle(flow, g, flushes=20):
    """Mean speed in the middle of the hot aisle at each height of the profiles, of its length least, mean, most [m/s].

    The flow goes on from where it is; (height, 3).
    """
    flush = float((g.grid.volume * ~g.solid).sum() / loads().cooler_flow.sum())
    until, speed, count = flow.time[0] + flushes * flush, 0.0, 0
    while flow.time[0] < until:
        flow.step(10)
        u, v, w = (np.asarray(flow.view(c)[0], float) for c in "uvw")
        middle = [0.5 * (np.delete(a, 0, d) + np.delete(a, -1, d)) for a, d in ((u, 2), (v, 1), (w, 0))]
        speed, count = speed + np.linalg.norm(middle, axis=0), count + 1
    x, y, z = (0.5 * (g.grid.edges(c)[1:] + g.grid.edges(c)[:-1]) for c in "xyz")
    between, along = np.abs(x - 0.5 * SIZE[0]) < 0.12, y < 5 * WIDTH
    rows = [speed[np.argmin(np.abs(z - h)), along][:, between].mean(axis=1) / count for h in MEASURED["heights_m"]]
    return np.array([(r.min(), r.mean(), r.max()) for r in rows])


def off(which, values):
    """Computed less measured, K, of the racks that were measured."""
    pairs = zip(MEASURED[which], values, strict=True)
    return np.array([b - a for a, b in pairs if a is not None])
