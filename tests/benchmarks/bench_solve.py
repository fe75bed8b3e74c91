"""Time the main job: a warm solve, and whole processes with a cold and a warm kernel cache.

Prints wall and CPU seconds (medians) and peak memory with the machine beside them; asserts nothing.
Run `python tests/benchmarks/bench_solve.py`; `--short` does fewer repeats.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

WARM = """
import sys, time, statistics
import twin
from twin.solver.steady import steady
from twin.plant.compile import compile
plant = compile(twin.load(sys.argv[1]))
steady(plant)
wall, cpu = [], []
for _ in range(int(sys.argv[2])):
    w, c = time.perf_counter(), time.process_time()
    solution = steady(plant)
    wall.append(time.perf_counter() - w)
    cpu.append(time.process_time() - c)
print(statistics.median(wall), statistics.median(cpu), len(plant.engine.stream), abs(solution.audit).max())
"""


def process(arguments: list[str], cache: str) -> tuple[float, float, float, str]:
    """Wall seconds, CPU seconds and peak memory [MB] of a whole Python process, and what it printed."""
    environment = os.environ | {"XDG_CACHE_HOME": cache, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu, after.ru_maxrss / 1024.0, done.stdout


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    repeats = 3 if parser.parse_args().short else 9
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; medians, one thread")
    with tempfile.TemporaryDirectory() as cache:
        job = ["-c", "from twin.app.cli import main; main()", "solve", "gb300_hall"]
        wall, cpu, memory, _ = process(job, cache)
        print(f"gb300_hall, very first run with compilation: {wall:.1f} s wall, {cpu:.1f} s CPU, {memory:.0f} MB")
        for name in ("gb300_hall", "campus_1gw"):
            *_, out = process(["-c", WARM, name, str(repeats)], cache)
            wall, cpu, racks, audit = map(float, out.split())
            print(f"{name}, {racks:.0f} racks, warm solve: {wall:.3f} s wall, {cpu:.3f} s CPU, audit {audit:.0e}")
            runs = [
                process(["-c", "from twin.app.cli import main; main()", "solve", name], cache)
                for _ in range(repeats if name != "campus_1gw" else 1)
            ]
            wall, cpu, memory = (statistics.median(r[k] for r in runs) for k in range(3))
            print(f"{name}, whole `twin solve` with bound: {wall:.1f} s wall, {cpu:.1f} s CPU, {memory:.0f} MB")


if __name__ == "__main__":
    main()
