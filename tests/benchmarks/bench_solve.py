"""Time the main job: coupled solves per CPU second, single calls, whole processes, and where the time goes.

Every line is a process of its own with one thread and a warm kernel cache. `--against PYTHON` runs each beside the same
work of another version, the interpreter of an environment where that is installed, in turns, and prints both medians
and their ratio. Prints the machine; asserts nothing. Run `python tests/benchmarks/bench_solve.py`; `--short` does small
batches once; `--only WORD` the lines that hold a word.
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

HEAD = """
import sys, time, statistics
from dataclasses import replace
import numpy as np
import twin
from twin.plant.compile import compile
from twin.serving.tokens import at_work
from twin.solver.steady import steady
rng = np.random.default_rng(1)

def weathers(n):
    return {"site.dry_bulb": rng.uniform(263.15, 313.15, n), "site.dew_point": np.full(n, 262.15)}

def cpu(work, repeats):
    work()
    spent = []
    for _ in range(repeats):
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return statistics.median(spent)
"""

BATCH = """
plant = at_work(compile(twin.load({layout!r}), {scenarios}))
found = steady(plant)
taken = cpu(lambda: steady(plant), {repeats})
print({n} / taken, int((found.status == 0).sum()), float(np.mean(found.iterations)))
"""

CALL = """
facility = twin.load({layout!r})
print(cpu(lambda: {call}, {repeats}))
"""

KEPT = """
import resource
facility, given = twin.load({layout!r}), {scenarios}
before = time.process_time()
twin.solve(facility, given{outputs}){after}
print({n} / (time.process_time() - before), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

RATE = """
facility, given = twin.load({layout!r}), {scenarios}
print({n} / cpu(lambda: twin.solve(facility, given, outputs={outputs}), {repeats}))
"""

NOTHING_ALIKE = """
from twin.facility.scenarios import read
from twin.plant.symmetry import partitions
facility = twin.load("gb300_hall")
racks = [n for n, p in facility.components.items() if p.kind == "liquid_rack"]
given = {{f"{{n}}.{field}": {values} for n in racks}}
work = lambda symmetry: lambda: twin.solve(facility, given, outputs=["figures", "limits"], symmetry=symmetry)
taken = [(cpu(work(True), 1), cpu(work(False), 1)) for _ in range({repeats})]
found = cpu(lambda: list(partitions(facility, read(facility, given))), {repeats})
read_ = cpu(lambda: read(facility, given), {repeats})
print(statistics.median(a / b for a, b in taken), max(found - read_, 0.0) / statistics.median(a for a, _ in taken))
"""

DEARER = """
facility = twin.load({layout!r})
one, many = (at_work(compile(facility, s)) for s in ({one}, {many}))
print(cpu(lambda: steady(many), {repeats}) / cpu(lambda: steady(one), {repeats}))
"""

STAGES = """
from twin.solver.program import Program
plant = at_work(compile(twin.load({layout!r}), weathers({lanes})))
program = Program(plant, {lanes})
program.take(0)
program.load(np.arange({lanes}), np.arange({lanes}))
for _ in range(8):
    program.one_pass()
for name, calls in program.stages.items():
    least = min(cpu(lambda: [call() for call in calls], 5) for _ in range(3))
    print(f"{{name}} {{1e6 * least / {lanes}:.2f}}")
"""


def python(interpreter: str, code: str, cache: str) -> str:
    """What a process prints, on one thread."""
    environment = os.environ | {"XDG_CACHE_HOME": cache, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([interpreter, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def process(interpreter: str, arguments: str, cache: str) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak memory [MB] of the command line as a process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    code = f"import sys; sys.argv = ['twin', *{arguments.split()!r}]\nfrom twin.app.cli import main\nmain()"
    python(interpreter, f"try:\n    exec({code!r})\nexcept SystemExit:\n    pass", cache)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu, after.ru_maxrss / 1024.0


def batches(short: bool) -> dict[str, str]:
    """Batches of scenarios with every row, by what they are called."""
    size, many = (64, 64) if short else (4096, 512)
    loads = "weathers({n}) | {{'{kind}.utilisation': rng.uniform(0.3, 1.0, {n})}}"
    work = {
        "gb300_hall, weathers": ("gb300_hall", size, "weathers({n})"),
        "h200_hall, weathers": ("h200_hall", size, "weathers({n})"),
        "gb300_hall_800vdc, weathers": ("gb300_hall_800vdc", size, "weathers({n})"),
        "frontier, weathers and loads": ("frontier", size, loads.replace("{kind}", "liquid_rack")),
        "campus_1gw, weathers": ("campus_1gw", 4 if short else 64, "weathers({n})"),
        "h200_hall, elevations": ("h200_hall", many, "{{'site.elevation': rng.uniform(0.0, 2500.0, {n})}}"),
    }
    repeats = 1 if short else 3
    return {
        f"{name}, {n}": BATCH.format(layout=layout, n=n, scenarios=given.format(n=n), repeats=repeats)
        for name, (layout, n, given) in work.items()
    }


def calls(short: bool) -> dict[str, str]:
    """Single calls by what they are called."""
    repeats = 1 if short else 7
    work = {
        "gb300_hall, twin.solve of a loaded facility": ("gb300_hall", "twin.solve(facility)"),
        "gb300_hall, bound": ("gb300_hall", "twin.bound(facility)"),
        "gb300_hall, bound of each rack": ("gb300_hall", "twin.bound(facility, per='rack')"),
        "gb300_hall, optimum": ("gb300_hall", "twin.optimum(facility)"),
        "campus_1gw, twin.load": ("campus_1gw", "twin.load('campus_1gw')"),
        "campus_1gw, first twin.solve of a loaded facility": ("campus_1gw", "twin.solve(replace(facility))"),
        "campus_1gw, twin.solve again": ("campus_1gw", "twin.solve(facility)"),
        "campus_1gw, twin.solve of a scenario": ("campus_1gw", "twin.solve(facility, weathers(1))"),
        "campus_1gw, bound": ("campus_1gw", "twin.bound(facility)"),
        "campus_1gw, lowering of scenarios, every row": ("campus_1gw", "compile(facility, weathers(4))"),
    }
    if short:
        work = {k: v for k, v in work.items() if "campus" not in k and "optimum" not in k}
    return {name: CALL.format(layout=l, call=c, repeats=repeats) for name, (l, c) in work.items()}


def rates(short: bool) -> dict[str, str]:
    """Headline figures and limits, or bounds, of many scenarios in memory, by what they are called."""
    n, several, repeats = (64, 8, 1) if short else (4096, 1000, 3)
    some = dict(scenarios=f"weathers({n})", n=n, outputs=["figures", "limits"], repeats=repeats)
    layouts = ("gb300_hall", "h200_hall", "frontier", "campus_1gw")
    work = {f"{name}, figures and limits of {n} weathers": RATE.format(layout=name, **some) for name in layouts}
    bounds = dict(scenarios=f"weathers({several})", n=several, outputs=["bound"], repeats=repeats)
    return work | {f"gb300_hall, bounds of {several} weathers": RATE.format(layout="gb300_hall", **bounds)}


def nothing_alike(short: bool) -> dict[str, str]:
    """Solves in which no two racks are alike, over those of every row, and the share that it takes to find that out."""
    n, repeats = (64, 1) if short else (4096, 5)
    return {
        f"gb300_hall, {n} scenarios of unlike loads": NOTHING_ALIKE.format(
            field="utilisation", values=f"rng.uniform(0.4, 1.0, {n})", repeats=repeats
        ),
        f"gb300_hall, {n} scenarios of racks out of service": NOTHING_ALIKE.format(
            field="in_service", values=f"rng.integers(0, 2, {n})", repeats=repeats
        ),
    }


def ratios(short: bool) -> dict[str, str]:
    """Batches over others that should cost about as much, by what they are called."""
    n, many = (32, 32) if short else (256, 512)
    hall = dict(layout="gb300_hall", one=f"weathers({n})", repeats=1 if short else 3)
    hall["many"] = f"weathers({n}) | {{'cdu1.in_service': np.r_[0.0, np.ones({n - 1})]}}"
    tower = dict(layout="h200_hall", one=f"weathers({many})", repeats=1 if short else 3)
    tower["many"] = f"weathers({many}) | {{'site.elevation': rng.uniform(0.0, 2500.0, {many})}}"
    return {
        f"one scenario of {n} that loses a loop, dearer than none": DEARER.format(**hall),
        f"{many} elevations beside one": DEARER.format(**tower),
    }


def keeping(short: bool) -> dict[str, str]:
    """Whole solves that keep some numbers of each scenario, or all of them, by what they are called."""
    n = 64 if short else 8192
    given = dict(
        layout="gb300_hall", n=n, scenarios=f"weathers({n}) | {{'rack.utilisation': rng.uniform(0.3, 1.0, {n})}}"
    )
    return {
        f"gb300_hall, headline figures and limits in memory, {n}": KEPT.format(
            **given, outputs=", outputs=['figures', 'limits']", after=""
        ),
        f"gb300_hall, all columns in memory and their dataset, {n}": KEPT.format(**given, outputs="", after=".dataset"),
    }


def beside(name: str, code: str, unit: str, interpreters: list[str], cache: list[str], turns: int) -> None:
    """Run the same work in turns and print the medians; of two versions their ratio too."""
    found: list[list[float]] = [[] for _ in interpreters]
    rest = ""
    for _ in range(turns):
        for numbers, interpreter, own in zip(found, interpreters, cache, strict=True):
            first, *more = python(interpreter, code, own).split()
            numbers.append(float(first))
            rest = f", {more[0]} solved in {float(more[1]):.1f} passes" if more and numbers is found[0] else rest
    middle = [statistics.median(n) for n in found]
    other = f", other version {middle[1]:,.3g}, ratio {middle[0] / middle[1]:.2f}" if len(middle) > 1 else ""
    print(f"{name}: {middle[0]:,.4g} {unit}{rest}{other}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--against", metavar="PYTHON")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    short, interpreters = options.short, [sys.executable, *filter(None, [options.against])]
    turns = 1 if short or len(interpreters) == 1 else 5
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; medians, one thread")
    with tempfile.TemporaryDirectory() as folder:
        cache = [os.path.join(folder, str(i)) for i in range(len(interpreters))]
        for own in cache:
            os.makedirs(own)
        if options.only in "process":
            wall, cpu, memory = process(interpreters[0], "solve gb300_hall", cache[0])
            print(
                f"process, gb300_hall, very first with compilation: {wall:.1f} s wall, {cpu:.1f} s CPU, {memory:.0f} MB"
            )
            for name in ("gb300_hall",) if short else ("gb300_hall", "campus_1gw"):
                runs = [process(interpreters[0], f"solve {name}", cache[0]) for _ in range(1 if short else 3)]
                wall, cpu, memory = (statistics.median(r[k] for r in runs) for k in range(3))
                print(f"process, {name}, bound included: {wall:.1f} s wall, {cpu:.1f} s CPU, {memory:.0f} MB")
        lines = [
            (batches(short), "per CPU s"),
            (rates(short), "per CPU s"),
            (calls(short), "CPU s"),
            (ratios(short), "times"),
        ]
        for work, unit in lines:
            for name, code in work.items():
                if options.only in name:
                    beside(name, HEAD + code, unit, interpreters, cache, turns)
        for name, code in nothing_alike(short).items():
            if options.only in name:
                ratio, share = map(float, python(sys.executable, HEAD + code, cache[0]).split())
                print(f"{name}: {ratio:.3f} of every row, {100 * share:.1f} % to see what is alike", flush=True)
        for (name, code), warming in zip(keeping(short).items(), keeping(True).values(), strict=True):
            if options.only in name:
                python(sys.executable, HEAD + warming, cache[0])
                rate, memory = map(float, python(sys.executable, HEAD + code, cache[0]).split())
                print(f"{name}: {rate:,.4g} per CPU s, at most {memory:,.0f} MB", flush=True)
        for layout in ("gb300_hall",) if short else ("gb300_hall", "h200_hall", "frontier"):
            if options.only in "stages":
                out = python(sys.executable, HEAD + STAGES.format(layout=layout, lanes=64), cache[0])
                spent = {name: float(value) for name, value in (line.split() for line in out.splitlines())}
                whole = sum(spent.values())
                parts = ", ".join(f"{name} {100 * value / whole:.0f} %" for name, value in spent.items())
                print(f"stages of a pass, {layout}: {whole:.1f} CPU µs a scenario; {parts}")


if __name__ == "__main__":
    main()
