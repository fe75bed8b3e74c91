"""What sweeps survive: workers and whole runs that are killed, a full disk, memory that runs out, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import SMALL
from sweeps import files, small_chunks

import twin

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")

COUNT = 320
"""Scenarios, in chunks of eight."""

RUN = """
import os, resource, signal, sys
import twin
from twin.study import store, sweep

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

def executor():
    kind = sys.argv[2]
    if kind == "pool":
        return 2
    if kind == "dask":
        from distributed import Client
        return Client(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1")
    if kind.startswith("tcp:"):
        from distributed import Client
        return Client(kind)
    return None

if __name__ == "__main__":
    sweep.CHUNK = 8
    exec(sys.argv[3])
    asked = twin.sweep(open("small.yaml").read(), over={"site.dry_bulb": "20..40 degC/COUNT"})
    show = lambda text: print(text, file=sys.stderr, flush=True)
    asked.run(sys.argv[1], executor=executor(), progress=show)
    print("finished", flush=True)
""".replace("COUNT", str(COUNT))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The bytes of the store that nothing interrupts."""
    with pytest.MonkeyPatch.context() as patch:
        small_chunks(patch)
        path = tmp_path_factory.mktemp("whole") / "s.zarr"
        twin.sweep(SMALL, over={"site.dry_bulb": f"20..40 degC/{COUNT}"}).run(path)
    return files(path)


@pytest.fixture
def start(tmp_path):
    """Starts a run of the sweep as a process group of its own."""
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "run.py").write_text(RUN)
    running = []

    def begin(kind="serial", code="", **options):
        command = [sys.executable, "run.py", "s.zarr", kind, code]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        made = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **pipes, **options)
        running.append(made)
        return made

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def share(path: Path) -> float:
    """Share of the chunks whose status is there."""
    return len(list((path / "status" / "c").glob("*"))) / (COUNT / 8) if path.exists() else 0.0


def reach(process, path: Path, least: float) -> None:
    """Wait until a share is done."""
    until = time.monotonic() + 120
    while share(path) < least:
        assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.monotonic() < until
        time.sleep(0.002)


def children(process) -> list[int]:
    """Processes that a process has begun and that work."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == process.pid:
            found.append(int(status.parent.name))
    return found


def slow(kind):
    return pytest.param(kind, marks=pytest.mark.slow) if kind == "dask" else kind


@pytest.mark.parametrize("kind", ["serial", "pool", slow("dask")])
def test_a_run_that_is_killed_twice_ends_as_one_that_never_was(start, tmp_path, uninterrupted, kind):
    path = tmp_path / "s.zarr"
    for least in (0.3, 0.6):
        process = start(kind)
        reach(process, path, least)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert least <= share(path)
    kept = {n: p.stat().st_mtime_ns for n, p in ((str(p), p) for p in path.glob("status/c/*"))}
    process = start(kind)
    out, err = process.communicate(timeout=180)
    assert "finished" in out, err[-2000:]
    assert files(path) == uninterrupted
    again = [n for n, at in kept.items() if Path(n).stat().st_mtime_ns != at]
    assert again == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds workers in /proc")
@pytest.mark.parametrize("kind", ["pool", slow("dask")])
def test_a_worker_that_is_killed_loses_nothing(start, tmp_path, uninterrupted, kind):
    path = tmp_path / "s.zarr"
    process = start(kind)
    reach(process, path, 0.3)
    for pid in children(process):
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
            break
    else:
        pytest.fail("no worker")
    out, err = process.communicate(timeout=180)
    if kind == "pool":
        assert process.returncode == 1
        assert "a worker died, as they do when memory runs out; run again with fewer workers" in err
        assert "SweepStopped" in err
        out, err = start(kind).communicate(timeout=180)
    assert "finished" in out, err[-2000:]
    assert files(path) == uninterrupted


def test_a_full_disk_keeps_what_is_finished(start, tmp_path, uninterrupted):
    """The limit on the size of a file stands in for the disk: writing ends in the same kind of error."""
    path = tmp_path / "s.zarr"
    process = start(
        code="import twin.study.store as st\nwrite = st.Store.write\n"
        "def full(self, number, *rest):\n"
        "    if number == 12: resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))\n"
        "    write(self, number, *rest)\nst.Store.write = full\n"
    )
    out, err = process.communicate(timeout=180)
    assert process.returncode == 1 and "finished" not in out
    assert f"stopped with 96 of {COUNT} scenarios stored: File too large; then run again" in err
    assert twin.open_sweep(path).done == 96
    assert not list(path.rglob("*.partial"))
    out, err = start().communicate(timeout=180)
    assert "finished" in out and files(path) == uninterrupted


MOUNT = "mkdir -p d && mount -t tmpfs -o size=300k tmpfs d && cp small.yaml run.py d && cd d && exec "


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0, reason="no namespaces"
)
def test_a_disk_without_space_is_told(start, tmp_path):
    (tmp_path / "d").mkdir()
    command = ["unshare", "-rm", "sh", "-c", MOUNT + f"{sys.executable} run.py s.zarr serial ''"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180)
    assert done.returncode == 1
    assert f"of {COUNT} scenarios stored: No space left on device; then run again" in done.stderr


def test_memory_that_runs_out_is_told(start, tmp_path):
    process = start(
        code="real = sweep.asked\ncount = []\n"
        "def hungry(*a, **k):\n"
        "    count.append(1)\n"
        "    if len(count) == 5: bytearray(1 << 60)\n"
        "    return real(*a, **k)\nsweep.asked = hungry\n"
    )
    _, err = process.communicate(timeout=180)
    assert process.returncode == 1
    assert f"stopped with 24 of {COUNT} scenarios stored: memory ran out; keep fewer outputs" in err
    assert twin.open_sweep(tmp_path / "s.zarr").done == 24


@pytest.mark.parametrize("kind", ["serial", pytest.param("pool", marks=pytest.mark.slow)])
def test_ctrl_c_finishes_the_chunks_in_hand(start, tmp_path, uninterrupted, kind):
    path = tmp_path / "s.zarr"
    process = start(kind)
    reach(process, path, 0.2)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert process.returncode != 0 and "finished" not in out
    assert f"of {COUNT} scenarios stored: run again to go on" in err
    found = twin.open_sweep(path)
    assert 0 < found.done < COUNT and found.done % 8 == 0 and found.damaged() == {}
    out, err = start(kind).communicate(timeout=180)
    assert "finished" in out and files(path) == uninterrupted


def test_a_second_process_is_kept_out(start, tmp_path):
    path = tmp_path / "s.zarr"
    first = start()
    reach(first, path, 0.1)
    os.kill(first.pid, signal.SIGSTOP)
    second = start()
    _, err = second.communicate(timeout=180)
    assert (
        second.returncode == 1 and "another run is writing these scenarios; wait for it, or give each a --shard" in err
    )
    os.kill(first.pid, signal.SIGCONT)
    out, _ = first.communicate(timeout=180)
    assert "finished" in out


@pytest.mark.slow
def test_a_dask_cluster_of_real_processes(start, tmp_path, uninterrupted):
    """A scheduler and two workers as they are started on a cluster, on loopback."""
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    dask = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    scheduler = subprocess.Popen(
        [*dask, "--scheduler-file", "s.json"], cwd=tmp_path, env=env, stderr=subprocess.DEVNULL
    )
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", "s.json", "--nthreads", "1"]
    worker += ["--host", "127.0.0.1", "--no-dashboard"]
    others = [subprocess.Popen(worker, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "s.json").exists():
            assert time.monotonic() < until
            time.sleep(0.1)
        time.sleep(1.0)
        address = json.loads((tmp_path / "s.json").read_text())["address"]
        out, err = start(address).communicate(timeout=240)
        assert "finished" in out, err[-2000:]
        assert files(tmp_path / "s.zarr") == uninterrupted
    finally:
        for process in (*others, scheduler):
            process.terminate()
            process.wait(timeout=30)
