"""What scenes cost: files of 1,000 and 10,000 racks with 24 frames, a page with a million cells of air, memory.

Halls of air-cooled racks whose powers are drawn anew in each frame. Seconds are of a whole file, from a solved result
with its Dataset to the bytes on disk, medians of the rounds; PyVista's own GLB exporter writes the same scene in the
same process. Prints CPU seconds, bytes and the machine; asserts nothing. `--short` takes fewer rounds and coarser air.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "scene")]

from races import machine  # isort: skip
from rows import solved  # isort: skip

import twin


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
        cell = 0.3 if short else 0.144
        air = twin.FiniteVolume(cell=cell, tolerance=50.0, coarse=False, turns=1)
        result = twin.solve("gb300_hall", air=air)
        cells = sum(room.geometry.solid.size for room in result.rooms)
        print(f"gb300_hall with {cells:,} cells of air")
        written(result, "air.html", 1, folder, air=("slices", "isosurfaces"))
        written(result, "air.png", 1, folder, air=("slices",))
        written(result, "air.vtm", 1, folder)
    print(f"largest memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
