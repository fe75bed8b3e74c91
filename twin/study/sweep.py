"""Sweeps: thousands of what-ifs of a layout, solved chunk by chunk into a store from which nothing is lost."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twin.air.turns import MODELS, Air, FiniteVolume, Mixed, model
from twin.columns import Index
from twin.elements import Status
from twin.facility.build import Written, load
from twin.facility.files import LayoutError, spelled
from twin.facility.graph import Facility
from twin.facility.output import target
from twin.facility.scenarios import Scenarios, dimension
from twin.facility.tables import Given
from twin.kernels.arrays import home
from twin.results.dataset import choose
from twin.serving.tokens import check_served
from twin.solver.pace import Pace
from twin.solver.steady import Progress
from twin.study.design import Design, Group, grid, groups, of_table, scenarios
from twin.study.parts import plants
from twin.study.store import CHUNK, PENDING, Store, Template, create, fingerprint, open_store
from twin.study.stream import asked
from twin.study.sweep_file import is_sweep_file, read_sweep
from twin.study.swept import SweepResult

FIGURES_AND_LIMITS = ("figures", "limits")
"""What is kept of every scenario unless said otherwise."""

FEW = 16
"""Scenarios of a chunk where the air of rooms is computed, which takes minutes for each."""


ROUGHLY = 20.0
"""Tolerance of air [K] that tells what there is to keep of a computed room."""


class SweepStopped(RuntimeError):
    """Something outside the program ended a sweep: a worker died, or the disk is full. What was finished is stored."""


class Counted(NamedTuple):
    """What became of a chunk: scenarios by status, and the first reason of each status that is a failure."""

    number: int
    statuses: dict[int, int]
    reasons: dict[int, str]


@dataclass(frozen=True)
class Sweep:
    """What is to be solved; `run` does it.

    design: its scenarios. groups: the facilities that they are of. template: what is kept of each. asked: outputs, air
    and symmetry, as the store has them.
    """

    design: Design
    groups: tuple[Group, ...]
    template: Template
    asked: Mapping[str, Any]

    @property
    def size(self) -> int:
        """How many scenarios there are."""
        return self.design.size

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the design."""
        return self.design.notes

    def __repr__(self) -> str:
        shape = " x ".join(f"{d.size:,} {d.name}" for d in self.design.dimensions)
        plants = f", {len(self.groups)} plants" if len(self.groups) > 1 else ""
        name = next(g.facility.name for g in self.groups)
        return f"<Sweep of {name}: {self.size:,} scenarios{f' ({shape})' if shape else ''}{plants}>"

    def run(
        self,
        store: str | Path | None = None,
        *,
        executor: Any = None,
        resume: bool = True,
        shard: tuple[int, int] | None = None,
        device: str = "cpu",
        progress: Progress | None = None,
    ) -> SweepResult:
        """Solve every scenario that is not in a store yet, and give what is there.

        store: a path ending in .zarr, which is made if it is not there; a temporary one if not given. executor: what
        chunks are given to: none for this process, a number of processes, a `concurrent.futures.Executor`, or the
        `Client` of a dask cluster whose workers reach the store under the same path. resume: whether a store of this
        sweep may be there already. shard: (i, n), the i-th of n equal parts of the chunks, from 1, for as many
        processes that share a store. device: see `solve`. progress: called with how far it is, how many failed, and how
        long the rest takes.

        A scenario without solution has a status and a reason; the others stand. Results depend on neither chunks,
        executor, order nor workers. Ctrl-C finishes the chunks in hand and raises KeyboardInterrupt. Raises LayoutError
        for a store that cannot be written, is of another sweep or is being written; SweepStopped for a full disk and
        for workers that die. In each case what is finished is stored, and `run` again goes on from there.

        >>> twin.sweep("gb300_hall", over={"cdu.set_point": "36..46 degC/11"}).run("set_points.zarr")["pue"]
        """
        home(device)
        part(1, shard)
        pool = _pool(executor)
        folder = None
        if store is None:
            folder = tempfile.TemporaryDirectory(prefix="twin-sweep-")
            store = Path(folder.name) / "sweep.zarr"
        kept = self._store(target(store, (".zarr",)), resume)
        if executor is None:
            _WORK.clear()
            _WORK[_key(str(kept.path))] = _Work(kept, self.groups)
        run(kept, pool, shard=shard, device=device, progress=progress)
        return SweepResult(kept, folder)

    def _store(self, path: Path, resume: bool) -> Store:
        """The store at a path: that of this sweep if it is there, else a new one."""
        if not path.exists():
            chunk = FEW if self.asked["air"]["model"] == FiniteVolume.__name__ else CHUNK
            return create(path, self.design, self.groups, self.template, self.asked, chunk, _spelled)
        there = open_store(path)
        if not resume:
            raise LayoutError(str(path), ["exists; resume=True goes on with it, another path begins anew"])
        if there.attributes["fingerprint"] != fingerprint(self.design, self.groups, self.template, self.asked):
            raise LayoutError(str(path), [self._difference(there)])
        return there

    def _difference(self, there: Store) -> str:
        """How the sweep of a store differs from this one."""
        own = [[g.facility.source, g.facility.hash] for g in self.groups]
        other, remedy = there.attributes["layouts"], "give another store, or remove this one"
        if own != other:
            return f"holds a sweep of {_named(other)}, not of {_named(own)}; {remedy}"
        if there.size != self.size:
            return f"holds a sweep of {there.size:,} scenarios, this one has {self.size:,}; {remedy}"
        kept = [v.name for v in self.template.variables] == [v.name for v in there.template.variables]
        what = "with other values of its scenarios" if kept else "that keeps other outputs"
        return f"holds a sweep of the same layout {what}; {remedy}"


def _named(layouts: Sequence[Sequence[str]]) -> str:
    (source, digest), *others = layouts
    return f"{source} ({digest})" + (f" and {len(others)} more plants" if others else "")


def _spelled(value: object) -> str:
    """What shapes a plant, as it is told."""
    return value.name if isinstance(value, Facility | Written) else spelled(value)


def sweep(
    layout: Any,
    over: Mapping[str, object] | None = None,
    *,
    zips: Sequence[Mapping[str, Any]] = (),
    table: Given | None = None,
    design: Design | None = None,
    samples: int | None = None,
    seed: int = 0,
    outputs: Sequence[str] = FIGURES_AND_LIMITS,
    bound: bool = False,
    air: Air | str | None = None,
    case: str | None = None,
    overrides: Mapping[str, object] | None = None,
    symmetry: bool = True,
    progress: Progress | None = None,
) -> Sweep:
    """A sweep over what a layout could be: checked here, solved by its `run`.

    layout, case, overrides: as `twin.load` takes them; or a sweep file, YAML which says all that is said here. over:
    axes by address, all combinations of which are scenarios: a list of values (SI, or texts with units), a range
    `"36..46 degC/11"` of so many values, `"1..6"` of whole numbers, or a distribution: `"uniform(120 kW, 150 kW)"`,
    `loguniform(low, high)`, `triangular(low, mode, high)`, `normal(mean, sd)` and `lognormal(median, factor)`, the last
    two with ends `, low, high` if they are cut, or a frozen one of `scipy.stats`. What shapes the plant is an axis too:
    `"case"`, `"layout"`, `"trim.model"`. zips: axes of several addresses that go together, such as
    `twin.weather(...).scenarios()`. samples: points of all distributions (1,024 if not given; powers of two are
    balanced), of a scrambled Sobol' sequence with this seed. table, design: scenarios row by row instead, as
    `twin.solve` takes them or as a `Design`. outputs: what is kept, as `twin.solve` takes it; `"fields"` is the air of
    computed rooms in their cells. bound: whether the sustainable density of every scenario is found too. air: `Mixed()`
    or `FiniteVolume(cell)`; with computed air each scenario is computed alone. symmetry: see `twin.solve`. progress:
    called with what is prepared.

    Raises LayoutError with all faults: unknown addresses, values out of bounds, axes that do not fit, unknown outputs.

    >>> twin.sweep("gb300_hall", over={"cdu.set_point": "36..46 degC/11", "site.dry_bulb": [300.0, 310.0]}).run()
    """
    if isinstance(layout, str | Path) and is_sweep_file(layout):
        stated = {"over": over, "table": table, "design": design, "samples": samples}
        stated |= {"bound": bound, "air": air, "case": case, "overrides": overrides}
        stated |= {"outputs": tuple(outputs) != FIGURES_AND_LIMITS, "seed": seed or None, "zips": zips or None}
        if wrong := [n for n, v in stated.items() if v is not None and v is not False]:
            raise LayoutError(str(layout), [f"{' and '.join(wrong)}: stand in the sweep file"])
        return sweep(**read_sweep(layout), symmetry=symmetry, progress=progress)
    asked_by = {"over": over or zips or None, "table": table, "design": design}
    given = [name for name, value in asked_by.items() if value is not None]
    if len(given) > 1:
        raise LayoutError("sweep", [f"{' and '.join(given)} both say what is asked; keep one"])
    chosen_air = model(air)
    if not isinstance(chosen_air, Mixed | FiniteVolume):
        raise LayoutError("sweep", [f"air: give {' or '.join(map(repr, MODELS))}: a response belongs to one result"])
    first = layout if isinstance(layout, Facility) else load(layout, case, overrides)
    if design is None:
        design = of_table(first, table) if table is not None else grid(first, over or {}, zips, samples, seed)
    made = groups(layout, design, case, overrides, progress)
    names = list(outputs) if not isinstance(outputs, str) else outputs
    every = [next(plants(g.facility))[1] for g in made]
    chosen = choose(every, [*names, *(["bound"] if bound else [])], isinstance(chosen_air, FiniteVolume))
    trials = []
    for i, group in enumerate(made):
        check_served(group.facility)
        if progress:
            progress(f"plant {i + 1:,} of {len(made):,}" if len(made) > 1 else "first scenario")
        trials.append(_trial(group, design, chosen, chosen_air, symmetry))
    varied = [a for a, c in design.columns.items() if c.dtype.kind != "O"]
    asked_for = {
        "outputs": sorted(chosen),
        "air": {"model": type(chosen_air).__name__, **_options(chosen_air)},
        "symmetry": symmetry,
        "quantities": {a: dimension(made[0].facility, a) for a in varied},
    }
    return Sweep(design, tuple(made), Template.of(trials, ("status",)), asked_for)


def _options(air: Air) -> dict[str, Any]:
    return asdict(air) if isinstance(air, FiniteVolume) else {}


def _trial(group: Group, design: Design, chosen: frozenset[str], air: Air, symmetry: bool) -> Any:
    """The first scenario of a group that can be, solved: what there is to keep of it; kernels are then built."""
    try:
        every = scenarios(group, design.columns)
    except LayoutError as error:
        if not group.shape:
            raise
        shape = ", ".join(f"{a} {_spelled(v)}" for a, v in group.shape.items())
        told = f"none of its {len(group.rows):,} scenarios of {shape} (the first is {group.rows[0]}) can be: {error}"
        raise LayoutError("sweep", [told]) from error
    check_served(group.facility, every.coordinates)
    at = next(i for i in range(every.size) if i not in every.invalid)
    if isinstance(air, FiniteVolume):  # the same cells, roughly
        air = replace(air, tolerance=ROUGHLY, coarse=False)
    (_, data), *_ = asked(group.facility, every.part(np.array([at])), chosen, air, symmetry=symmetry)
    if "interrupted" in data.attrs:
        raise KeyboardInterrupt
    return data


# ---- running -----------------------------------------------------------------------------------------------------


def run(
    store: Store,
    executor: Any = None,
    *,
    shard: tuple[int, int] | None = None,
    failed: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Counter[int]:
    """Solve what a store lacks, with `failed` what failed once more; see `Sweep.run`. How many have which status."""
    chunks = part(store.chunks, shard)
    count = Counter[int]()
    with store.writing(chunks):
        todo = _todo(store, chunks, failed, progress)
        pace = Pace(sum(n for _, _, n in todo), progress and _telling(progress, count))
        work = [(str(store.path), number, device, only) for number, only, _ in todo]
        try:
            with _stoppable() as stopped:
                for counted in _solved(work, executor, pace, stopped):
                    count.update(counted.statuses)
        except BrokenProcessPool as error:
            told = "a worker died, as they do when memory runs out; run again with fewer workers"
            raise SweepStopped(_stopped(store, told)) from error
        except MemoryError as error:
            raise SweepStopped(_stopped(store, "memory ran out; keep fewer outputs")) from error
        except OSError as error:
            raise SweepStopped(_stopped(store, f"{error.strerror or error}; then run again")) from error
        if stopped() and sum(count.values()) < pace.total:
            raise KeyboardInterrupt(_stopped(store, "run again to go on"))
    return count


def part(chunks: int, shard: tuple[int, int] | None) -> range:
    """The chunks of a shard (i, n), i from 1. Raises LayoutError for one that there is not."""
    i, n = (1, 1) if shard is None else shard
    if not 1 <= i <= n:
        raise LayoutError("shard", [f"{i}/{n}: give i/n with i from 1 to n"])
    return range(chunks * (i - 1) // n, chunks * i // n)


def _stopped(store: Store, why: str) -> str:
    done = int((store.status() != PENDING).sum())
    return f"{store.path}: stopped with {done:,} of {store.size:,} scenarios stored: {why}"


def _todo(
    store: Store, chunks: range, failed: bool, progress: Progress | None
) -> list[tuple[int, list[int] | None, int]]:
    """Chunks to be solved: number, places in it if not all, and how many these are."""
    todo = list[tuple[int, list[int] | None, int]]()
    for number in chunks:
        rows = store.rows(number)
        size = rows.stop - rows.start
        why = store.complete(number)
        if why is not None:
            todo.append((number, None, size))
            if why and progress:
                progress(store.damage(number, why))
        elif failed:
            status = store.status_of(number)
            places = np.flatnonzero(status != Status.OK).tolist()
            if places:
                todo.append((number, places, len(places)))
    return todo


def _telling(progress: Progress, count: Counter[int]) -> Progress:
    """Progress with what failed so far."""

    def tell(text: str) -> None:
        bad = {Status(s).name.lower(): n for s, n in sorted(count.items()) if s != Status.OK}
        failed = f", failed {sum(bad.values()):,} ({', '.join(f'{k} {n:,}' for k, n in bad.items())})" if bad else ""
        progress(text + failed)

    return tell


def _solved(
    work: list[tuple[str, int, str, list[int] | None]],
    executor: Any,
    pace: Pace,
    stopped: Callable[[], bool],
) -> Iterator[Counted]:
    """What becomes of the chunks, as they end."""
    pool = _pool(executor)
    if pool is None:
        for task in work:
            if stopped():
                return
            yield solve_chunk(*task, advance=pace.advance)
        return
    with pool.opened() as giving:
        waiting = {giving.submit(solve_chunk, *task): task for task in work}
        try:
            for future in as_completed(waiting):
                if future.cancelled():
                    continue
                counted = future.result()
                pace.advance(sum(counted.statuses.values()))
                yield counted
                if stopped():
                    _cancel(waiting)
        except BaseException:
            _cancel(waiting)
            raise


def _cancel(futures: Iterable[Future[Any]]) -> None:
    for future in futures:
        future.cancel()


class _Pool(NamedTuple):
    """What chunks are given to; `opened` as a context that closes it if it was made here."""

    opened: Callable[[], AbstractContextManager[Any]]


def _pool(executor: Any) -> Any:
    """What chunks are given to, None for this process. Raises LayoutError for what is none."""
    if executor is None or isinstance(executor, _Pool):
        return executor
    submits: Any = executor
    if isinstance(executor, int) and not isinstance(executor, bool):
        workers = executor
        if workers < 1:
            raise LayoutError("executor", [f"{workers} workers: give at least one"])
        return _Pool(lambda: _processes(workers))
    if hasattr(submits, "get_executor"):  # a client of dask.distributed
        if not submits.scheduler_info()["workers"]:
            raise LayoutError("executor", ["the dask cluster has no workers"])
        return _Pool(lambda: nullcontext(submits.get_executor(pure=False)))
    if not hasattr(executor, "submit"):
        told = "give a number of processes, a concurrent.futures.Executor or the Client of a dask cluster"
        raise LayoutError("executor", [f"{executor!r:.60}: {told}"])
    return _Pool(lambda: nullcontext(submits))


def _processes(workers: int) -> ProcessPoolExecutor:
    """Processes side by side with one thread of linear algebra each, as more would wait for each other tenfold.

    What the environment says of threads stands.
    """
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    return ProcessPoolExecutor(workers, get_context("spawn"), _ignore_interrupts)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal: the one that gave the work decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed, once; pressed again it interrupts at once."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.getsignal(signal.SIGINT)

    def press(number: int, frame: Any) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


# ---- a chunk -----------------------------------------------------------------------------------------------------


class _Work:
    """A store as a process works on it: facilities and scenarios of its groups, read once."""

    def __init__(self, store: Store, groups: Sequence[Group] = ()) -> None:
        self.store = store
        options = dict(self.store.attributes["air"])
        self.air: Air = FiniteVolume(**options) if options.pop("model") == FiniteVolume.__name__ else Mixed()
        self.chosen = frozenset(self.store.attributes["outputs"])
        self._groups = {i: (group, scenarios(group, store.columns)) for i, group in enumerate(groups)}

    def group(self, number: int) -> tuple[Group, Scenarios]:
        """A group and its scenarios."""
        if number not in self._groups:
            group = self.store.group_at(number)
            self._groups[number] = group, scenarios(group, self.store.columns)
        return self._groups[number]


_WORK = dict[tuple[str, str, int], _Work]()
"""What this process works on, the last store alone."""


def _key(path: str) -> tuple[str, str, int]:
    return path, open_store(path).attributes["fingerprint"], (Path(path) / "zarr.json").stat().st_ino


def _work(path: str) -> _Work:
    """The store at a path as this process works on it."""
    key = _key(path)
    if key not in _WORK:
        _WORK.clear()
        _WORK[key] = _Work(open_store(path))
    return _WORK[key]


def solve_chunk(
    path: str,
    number: int,
    device: str = "cpu",
    only: Sequence[int] | None = None,
    advance: Callable[[int], object] | None = None,
) -> Counted:
    """Solve a chunk of a store, or some places of it, and write it there; what any executor is given.

    Raises LayoutError for a store that cannot be read, OSError where it cannot be written.
    """
    work = _work(path)
    store = work.store
    rows = store.rows(number)
    places = np.arange(rows.stop - rows.start) if only is None else np.asarray(only, np.int64)
    status = np.full(rows.stop - rows.start, PENDING, np.int8) if only is None else store.status_of(number)
    of = store.group_of[rows][places]
    parts = [p for g in np.unique(of).tolist() for p in _asked(work, g, rows.start, places[of == g], device, advance)]
    store.write(number, status, parts)
    count, reasons = Counter[int](), dict[int, str]()
    for _, data in parts:
        found = data["status"].values
        count.update(found.tolist())
        for s in set(found.tolist()) - {int(Status.OK)}:
            reasons.setdefault(s, str(data["reason"].values[int(np.argmax(found == s))]))
    return Counted(number, dict(count), reasons)


def _asked(
    work: _Work, group: int, start: int, places: Index, device: str, advance: Callable[[int], object] | None
) -> Iterator[tuple[Index, Any]]:
    """What is kept of some places of a chunk, all of one group."""
    own, every = work.group(group)
    chosen = every.part(np.searchsorted(own.rows, start + places))
    alone = isinstance(work.air, FiniteVolume)
    for at in np.arange(len(places))[:, None] if alone else [np.arange(len(places))]:
        some = chosen.part(at)
        symmetry = bool(work.store.attributes["symmetry"])
        for rows, data in asked(own.facility, some, work.chosen, work.air, device, None, advance, symmetry):
            yield places[at[rows]], data
