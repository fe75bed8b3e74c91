"""What scenes cost: files of 1,000 and 10,000 racks with 24 frames, a page with a million cells of air, memory; and the
app's answer to a moved slider, from the question to all that its page is told.

Halls of air-cooled racks whose powers are drawn anew in each frame. Seconds are of a whole file, from a solved result
with its Dataset to the bytes on disk, medians of the rounds; PyVista's own GLB exporter writes the same scene in the
same process. Prints CPU seconds, bytes and the machine; asserts nothing. `--short` takes fewer rounds and cells.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "scene")]

from races import machine  # isort: skip
from rows import solved  # isort: skip

import numpy as np
import pyvista

import twin
from twin.app.web.server import App
from twin.app.web.whatif import Change, WhatIf
from twin.show.scene import air


def timed(make, rounds):
    """Median CPU seconds of calls that begin anew, and what the last gave."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        made = make()
        taken.append(time.process_time() - began)
    return statistics.median(taken), made


def written(result, name, rounds, folder, **options):
    """A line on a file of a result."""
    seconds, path = timed(lambda: result.scene(**options).save(folder / name), rounds)
    size = path.stat().st_size
    print(f"  {name:14s} {seconds:7.3f} s {size / 1e3:9,.0f} kB", flush=True)


def finer(grids, times):
    """Grids of air of which every cell is cut so often along each axis, since solving so many would take an hour."""

    def cut(result, scenario=0):
        found = {}
        for name, coarse in grids(result, scenario).items():
            edges = [np.asarray(e) for e in (coarse.x, coarse.y, coarse.z)]
            edges = [np.interp(np.arange(times * (len(e) - 1) + 1) / times, np.arange(len(e)), e) for e in edges]
            found[name] = grid = pyvista.RectilinearGrid(*edges)
            for key, values in coarse.cell_data.items():
                shaped = np.asarray(values).reshape(*(n - 1 for n in coarse.dimensions[::-1]), -1)
                for axis in range(3):
                    shaped = np.repeat(shaped, times, axis=axis)
                grid.cell_data[key] = shaped.reshape(-1, shaped.shape[-1]).squeeze()
        return found

    return cut


def answered(name, rounds):
    """A line on the answers to a slider of the app, each at a value of its own."""
    app = App(WhatIf(name))
    dry = iter(np.linspace(20.0, 40.0, rounds + 2))

    def move():
        return app._answer(Change({"site.dry_bulb": float(next(dry))}), app.scene.color, False)

    move()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        told = move()
        taken.append(time.perf_counter() - began)
    size = len(json.dumps(told))
    middle, longest = 1e3 * statistics.median(taken), 1e3 * max(taken)
    print(f"  {name:14s} {middle:5.0f} ms, at most {longest:5.0f} ms, {size / 1e3:,.0f} kB to the page", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    rounds = 3 if short else 7
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for racks in (1000, 10_000):
            result = solved(racks, 24)
            result.dataset, result.margins  # noqa: B018
            print(f"{racks:,} racks, 24 frames, coloured by power")
            for file in ("rows.glb", "rows.usdc", "rows.usda", "rows.html"):
                written(result, file, rounds, folder, color="rack_power", cables=False)
        plotter = solved(1000).scene().draw(off_screen=True)
        seconds, _ = timed(lambda: plotter.export_gltf(folder / "peer.gltf"), rounds)
        size = (folder / "peer.gltf").stat().st_size
        print(f"  PyVista's export_gltf of 1,000 racks, one frame: {seconds:.3f} s {size / 1e3:,.0f} kB")
        plotter.close()
        result = twin.solve("gb300_hall", air=twin.FiniteVolume(cell=0.4, tolerance=5.0, coarse=False, turns=1))
        air.grids = finer(air.grids, 2 if short else 3)
        cells = sum(grid.n_cells for grid in air.grids(result).values())
        print(f"gb300_hall with {cells:,} cells of air")
        written(result, "air.html", 1, folder, air=("slices", "isosurfaces"))
        written(result, "air.png", 1, folder, air=("slices",))
        written(result, "air.glb", 1, folder, air=("slices", "isosurfaces"))
        written(result, "air.vtm", 1, folder)
    print("the app: a moved slider, answered and redrawn, seconds of the server")
    for layout in ("dsx_row", "frontier", "h200_hall", "gb300_hall", "campus_1gw"):
        answered(layout, 5 if short else 20)
    print(f"largest memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
