"""What benchmarks share: runs that alternate in one process, and their medians in CPU seconds."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import platform
import time

import numpy as np


def race(runs, rounds):
    """Median CPU seconds of each run, alternated."""
    taken = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.process_time()
            run()
            taken[name].append(time.process_time() - began)
    return {name: float(np.median(t)) for name, t in taken.items()}


def machine():
    """One line on where this runs."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; CPU seconds, medians"
