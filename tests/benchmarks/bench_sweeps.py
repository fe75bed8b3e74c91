"""What storing costs a sweep, and what a year and all single losses take.

A sweep of `gb300_hall` is run into a store and without one in turns, in one process on one thread: the rates, their
ratio, and the microseconds a scenario that writing takes by itself. Beside it a year of the hall with its report, and
all single losses of the hall and of `campus_1gw`, warm. Prints CPU seconds and the machine; asserts nothing. `--short`
takes fewer scenarios and rounds, and leaves out the campus.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]

from races import machine, race  # isort: skip

import numpy as np

import twin
from twin.show.year import screen
from twin.study.store import Store

WEATHER = Path(__file__).parents[2] / "layouts" / "weather" / "synthetic_temperate.epw.gz"


def weathers(n):
    """Dry bulbs and dew points that are all different."""
    rng = np.random.default_rng(1)
    return {"site.dry_bulb": rng.uniform(263.15, 313.15, n), "site.dew_point": np.full(n, 262.15)}


def sweeps(n, rounds):
    """A line on a sweep of so many scenarios with a store and without."""
    asked, folder = twin.sweep("gb300_hall", table=weathers(n)), tempfile.TemporaryDirectory()
    inside, original, count = [], Store.write, iter(range(1000))

    def timed(store, *args):
        began = time.process_time()
        original(store, *args)
        inside.append(time.process_time() - began)

    Store.write = timed
    try:
        with folder:
            runs = {
                "plain": lambda: twin.solve("gb300_hall", weathers(n), outputs=["figures", "limits"]),
                "stored": lambda: asked.run(Path(folder.name) / f"{next(count)}.zarr"),
            }
            taken = race(runs, rounds)
    finally:
        Store.write = original
    each = sum(inside) / (n * (rounds + 1)) * 1e6
    print(
        f"sweep of gb300_hall, {n:,} scenarios: {n / taken['plain']:,.0f}/s without a store, "
        f"{n / taken['stored']:,.0f}/s with one, {taken['plain'] / taken['stored']:.2f} of the rate; "
        f"writing {each:.1f} us a scenario"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    print(machine())
    for n in (8192,) if short else (10_000, 65_536):
        sweeps(n, 1 if short else 5)
    hall = twin.load("gb300_hall")
    taken = race(
        {
            "a year of gb300_hall, with its report": lambda: screen(twin.year(hall, WEATHER)),
            "all single losses of gb300_hall, as fault and planned": lambda: twin.contingencies(hall),
        },
        1 if short else 5,
    )
    if not short:
        campus = twin.load("campus_1gw")
        began = time.process_time()
        twin.contingencies(campus)
        taken["all single losses of campus_1gw, once"] = time.process_time() - began
    for what, seconds in taken.items():
        print(f"{what}: {seconds:.2f}")


if __name__ == "__main__":
    main()
