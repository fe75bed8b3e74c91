"""Alter one formula at a time and see that the tests named for it fail.

A law such as "heat in is heat out" holds for wrong coefficients too. Each `Mutant` below `tests/altered/` changes one
coefficient, exponent, sign, clamp or reference of the product in a copy of it, and names the tests that must notice.

    python tests/mutants.py                  all of them
    python tests/mutants.py --tenth today    the tenth of them whose turn it is
    python tests/mutants.py --tenth 3        the fourth tenth
    python tests/mutants.py --only busway    those whose meaning, file or tests hold the text

One line a mutant, `caught by` the test that failed or `NOT CAUGHT`, and at the end "N tried, M not caught". The exit
code is 1 if one was not caught, if a text to be altered no longer stands exactly once in its file, or if a named test
fails on what is not altered. On the days of a year every tenth has its turn; all of them take two quiet cores less than
twenty minutes.

To add mutants, write a list MUTANTS of `(file, old, new, tests)` or `(file, old, new, tests, meaning)` into a file of
`tests/altered/`; files are given from the root of the repository, tests from here as
"physics/test_power_lines.py::test_name", one or a tuple of them, and a whole file will do.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import gc
import hashlib
import json
import os
import runpy
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
PLACES = {"twin": "twin", "kernels": "twin/kernels", "layouts": "twin/layouts"}
"""Folders of the repository and where they stand in the package, as in `pyproject.toml`."""

HEAVY = (
    *("numpy", "scipy.optimize", "scipy.stats", "llvmlite.binding", "xarray", "zarr", "pydantic", "networkx"),
    *("hypothesis", "pytest", "pdb", "tomllib"),
)
"""Packages that are imported once, before the copies are."""

OPTIONS = ("-q", "--no-header", "-p", "no:warnings")
"""Of pytest, which loads no plugins of others."""

PATIENCE = 180.0
"""Seconds after which tests of a mutant are given up."""


class Mutant(NamedTuple):
    """An altered formula: `old` stands exactly once in `file`, and the `tests` must fail when it reads `new`."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    meaning: str = ""
    room: str = ""

    def __str__(self) -> str:
        text = self.meaning or f"{' '.join(self.old.split())} -> {' '.join(self.new.split())}"
        return f"{self.room + ': ' if self.room else ''}{text}"


class Outcome(NamedTuple):
    """What became of a run of tests: pytest's exit code, the tests that failed, and what was told."""

    code: int
    failed: list[str]
    text: str


def mutants() -> list[Mutant]:
    """All that are listed, in the order of files and lists."""
    found = []
    for path in sorted(TESTS.glob("altered/*.py")):
        for entry in runpy.run_path(str(path)).get("MUTANTS", ()):
            file, old, new, tests, *more = entry
            names = tests.split() if isinstance(tests, str) else tests
            found.append(Mutant(file, old, new, tuple(names), more[0] if more else "", path.stem))
    return found


def tenth(which: str, count: int) -> list[int]:
    """Numbers of the mutants whose turn it is: every tenth, from one that the day of the year says."""
    first = date.today().timetuple().tm_yday if which == "today" else int(which)
    return list(range(first % 10, count, 10))


def altered(mutant: Mutant) -> tuple[str, str]:
    """The altered text of the file, and why there is none."""
    path = ROOT / mutant.file
    if not path.is_file():
        return "", f"there is no file {mutant.file}"
    text = path.read_text("utf-8")
    count = text.count(mutant.old)
    if count != 1:
        return "", f"the text to alter stands {count} times in {mutant.file}"
    if mutant.old == mutant.new:
        return "", "it alters nothing"
    text = text.replace(mutant.old, mutant.new)
    if path.suffix == ".py":
        try:
            ast.parse(text)
        except SyntaxError as error:  # any test would fail on it, and none would have noticed the physics
            return "", f"altered, {mutant.file} is not Python: {error}"
    return text, ""


class Tree:
    """A copy of the product of which one file at a time is altered; its place is kept, so that builds are."""

    def __init__(self, number: int) -> None:
        mark = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
        base = Path(tempfile.gettempdir()) / f"aifactory-twin-altered-{os.getuid()}-{mark}"
        while True:
            self.root = base / str(number)
            self.root.mkdir(parents=True, exist_ok=True)
            self.lock = (self.root / "lock").open("w")
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:  # another run holds it
                self.lock.close()
                number += 1
        shutil.rmtree(self.root / "twin", ignore_errors=True)
        for source, place in PLACES.items():
            leave = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, self.root / place, ignore=leave, dirs_exist_ok=True)
        self.mutant: Mutant | None = None

    def place(self, file: str) -> Path:
        """Where a file of the repository stands here."""
        first, _, rest = file.partition("/")
        return self.root / PLACES[first] / rest

    def alter(self, mutant: Mutant | None) -> str:
        """Undo what was altered and alter something else; why that is not possible."""
        if self.mutant:
            shutil.copy2(ROOT / self.mutant.file, self.place(self.mutant.file))
            self.mutant = None
        if mutant:
            text, why = altered(mutant)
            if why:
                return why
            path = self.place(mutant.file)
            path.write_text(text, "utf-8")
            stamp = time.time_ns()
            os.utime(path, ns=(stamp, stamp))
            self.mutant = mutant
        return ""


class _Failures:
    """A plugin of pytest that remembers which tests failed."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.text = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.names.append(report.nodeid.removeprefix("tests/"))
            self.text = self.text or str(report.longreprtext)[-1500:]

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.text = self.text or str(report.longrepr)[-1500:]


def _child(tree: Tree, tests: Sequence[str], first: bool, out: int) -> None:
    """Run tests on a tree and write the outcome; never returns."""
    found = {"code": 99, "failed": [], "text": ""}
    try:
        os.setpgid(0, 0)
        silent = os.open(os.devnull, os.O_RDWR)
        for k in (0, 1, 2):
            os.dup2(silent, k)
        sys.dont_write_bytecode = tree.mutant is not None
        sys.meta_path[:] = [f for f in sys.meta_path if "__editable__" not in f"{getattr(f, '__module__', '')}"]
        sys.path[:] = [str(tree.root), *(p for p in sys.path if Path(p or ".").resolve() not in (ROOT, TESTS))]
        os.environ |= {"PYTHONPATH": str(tree.root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        gc.disable()
        os.chdir(ROOT)
        pytest, watch = import_module("pytest"), _Failures()
        names = [str(TESTS / name) for name in tests]
        try:
            twin, kernels = import_module("twin"), import_module("twin.kernels")
            for module in (twin, kernels):
                assert Path(str(module.__file__)).is_relative_to(tree.root), f"{module.__file__} is not the copy"
        except Exception as error:
            watch.text = f"{type(error).__name__}: {error}"
            code = 2
        else:
            code = int(pytest.main([*OPTIONS, *(["-x"] if first else []), *names], plugins=[watch]))
        found = {"code": code, "failed": watch.names, "text": watch.text}
    except BaseException as error:
        found["text"] = f"{type(error).__name__}: {error}"
    finally:
        with suppress(OSError):
            os.write(out, json.dumps(found).encode()[:60000])
        os._exit(0)


class Pool:
    """Trees on which tests run in children of this process, one in each."""

    def __init__(self, count: int) -> None:
        for name in HEAVY:
            with suppress(ImportError):
                import_module(name)
        assert "twin" not in sys.modules
        gc.freeze()
        self.trees = [Tree(k) for k in range(count)]
        self.running: dict[int, tuple[Tree, Any, int, float]] = {}

    def run(self, jobs: Sequence[tuple[Any, Mutant | None, Sequence[str]]], first: bool) -> Any:
        """Outcomes of jobs (key, mutant, tests) as they come: (key, outcome, seconds)."""
        waiting, free = list(jobs), list(self.trees)
        while waiting or self.running:
            while waiting and free:
                key, mutant, tests = waiting.pop(0)
                tree = free.pop()
                why = tree.alter(mutant)
                if why:
                    free.append(tree)
                    yield key, Outcome(-1, [], why), 0.0
                    continue
                ours, theirs = os.pipe()
                sys.stdout.flush()
                pid = os.fork()
                if pid == 0:
                    os.close(ours)
                    _child(tree, tests, first, theirs)
                os.close(theirs)
                self.running[pid] = tree, key, ours, time.monotonic()
            for pid, (tree, key, ours, start) in list(self.running.items()):
                late = time.monotonic() - start > PATIENCE * (1 if first else 10)
                done, _ = os.waitpid(pid, os.WNOHANG)
                if not done and not late:
                    continue
                if not done:
                    _end(pid)
                with os.fdopen(ours, "rb") as pipe:
                    text = pipe.read() if done else b""
                del self.running[pid]
                tree.alter(None)
                free.append(tree)
                found = json.loads(text) if text else {"code": 98, "failed": [], "text": "it came to no end"}
                yield key, Outcome(found["code"], found["failed"], found["text"]), time.monotonic() - start
            time.sleep(0.02)

    def close(self) -> None:
        """End what runs."""
        for pid, (tree, *_) in self.running.items():
            _end(pid)
            tree.alter(None)
        self.running.clear()


def _end(pid: int) -> None:
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def unaltered(pool: Pool, chosen: Sequence[Mutant]) -> list[str]:
    """Named tests that fail, or are not there, on what is not altered."""
    names = sorted({t for m in chosen for t in m.tests})
    names = [n for n in names if "::" not in n or n.partition("::")[0] not in names]
    files: dict[str, list[str]] = {}
    for name in names:
        files.setdefault(name.partition("::")[0], []).append(name)
    bad = []
    for key, outcome, _ in pool.run([(f, None, tests) for f, tests in sorted(files.items())], first=False):
        if outcome.code:
            bad += outcome.failed or [f"{key}: {outcome.text.strip().splitlines()[-1] if outcome.text else 'no tests'}"]
    return bad


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenth", metavar="K", help="a tenth of them: 0 to 9, or today")
    parser.add_argument("--only", metavar="TEXT", help="those whose meaning, file or tests hold the text")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--verbose", action="store_true", help="tell how tests failed")
    asked = parser.parse_args()
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    began, every = time.monotonic(), mutants()
    chosen = every if asked.tenth is None else [every[k] for k in tenth(asked.tenth, len(every))]
    if asked.only:
        chosen = [m for m in chosen if asked.only.lower() in f"{m} {m.file} {' '.join(m.tests)}".lower()]
    pool = Pool(max(asked.jobs, 1))
    tried, missed = 0, 0
    bad = [] if asked.only else [f"{m}: {why}" for m in every if m not in chosen and (why := altered(m)[1])]
    try:
        bad += unaltered(pool, chosen)
        for name in bad:
            print(f"FAILS UNALTERED  {name}", flush=True)
        print(f"{time.monotonic() - began:.0f} s for the tests on what is not altered", flush=True)
        for mutant, outcome, seconds in pool.run([(m, m, m.tests) for m in chosen], first=True):
            caught = outcome.code == 1 and bool(outcome.failed)
            tried, missed = tried + 1, missed + (not caught)
            why = outcome.text.strip().splitlines()[-1] if outcome.text.strip() and outcome.code else ""
            said = f"caught by {outcome.failed[0]}" if caught else f"NOT CAUGHT{' (' + why + ')' if why else ''}"
            print(f"{seconds:5.1f} s  {mutant}: {said}", flush=True)
            if asked.verbose and outcome.text:
                print(outcome.text, flush=True)
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        pool.close()
    used = sum(os.times()[2:4])
    print(f"{time.monotonic() - began:.0f} s, {used:.0f} s of processor; {len(bad)} faults of what is not altered")
    if tried < len(chosen):
        print(f"{len(chosen) - tried} were not tried")
    print(f"{tried} tried, {missed} not caught", flush=True)
    return int(bool(missed or bad or tried < len(chosen)))


if __name__ == "__main__":
    sys.exit(main())
