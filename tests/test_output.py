import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import twin
from twin.facility.files import LayoutError
from twin.facility.output import target, whole

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files and signals")


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def python(code, *arguments, **options):
    """Python text in a process of its own."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


# ---- whole or not at all -----------------------------------------------------------------------------------------


def test_what_is_written_appears_whole_with_what_lies_beside_it(tmp_path):
    (tmp_path / "hall").mkdir()
    (tmp_path / "hall" / "hall_9").write_text("old")
    (tmp_path / "hall.vtm").write_text("old")
    with whole(tmp_path / "hall.vtm") as partial:
        partial.write_text("new")
        partial.with_name("hall").mkdir()
        (partial.with_name("hall") / "hall_0").write_text("part")
        assert (tmp_path / "hall.vtm").read_text() == "old"
    assert names(tmp_path) == ["hall", "hall.vtm"]
    assert (tmp_path / "hall.vtm").read_text() == "new"
    assert names(tmp_path / "hall") == ["hall_0"]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_what_fails_leaves_all_as_it_was(tmp_path, error):
    (tmp_path / "x.nc").write_text("old")
    with pytest.raises(error), whole(tmp_path / "x.nc") as partial:
        partial.write_text("new")
        raise error
    assert names(tmp_path) == ["x.nc"]
    assert (tmp_path / "x.nc").read_text() == "old"


def test_what_cannot_be_moved_leaves_all_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "hall").mkdir()
    (tmp_path / "hall" / "kept").write_text("old")
    replace = Path.replace

    def stubborn(self, goal):
        if self.name == "hall.vtm":
            raise PermissionError(1, "Operation not permitted")
        return replace(self, goal)

    monkeypatch.setattr(Path, "replace", stubborn)
    with (
        pytest.raises(LayoutError, match=r"^output .*hall\.vtm: Operation not permitted$"),
        whole(tmp_path / "hall.vtm") as partial,
    ):
        partial.with_name("hall").mkdir()
        partial.write_text("new")
    assert names(tmp_path) == ["hall"]
    assert names(tmp_path / "hall") == ["kept"]


KILLED = """
    import os, signal, sys, time
    from pathlib import Path
    from twin.facility.output import whole
    with whole(Path(sys.argv[1])) as partial:
        partial.write_text("half")
        print("writing", flush=True)
        if sys.argv[2] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdin.read()
"""


@posix
def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    path = tmp_path / "x.json"
    assert python(KILLED, path, "killed").returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert left.startswith(".x.json.") and left.endswith(".part")
    with whole(tmp_path / "y.json") as partial:
        partial.write_text("other")
    assert left in names(tmp_path)
    with whole(path) as partial:
        partial.write_text("new")
    assert names(tmp_path) == ["x.json", "y.json"]


@posix
def test_another_writer_at_work_is_left_alone(tmp_path):
    path = tmp_path / "x.json"
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path), "alive"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin and other.stdout
        assert other.stdout.readline() == "writing\n"
        with whole(path) as partial:
            partial.write_text("mine")
        assert path.read_text() == "mine"
        other.stdin.close()
        assert other.wait(60) == 0
    assert names(tmp_path) == ["x.json"]
    assert path.read_text() == "half"


@posix
def test_a_writer_about_to_begin_is_left_alone(tmp_path):
    begun, dead = (tmp_path / f".x.json.{n}.part" for n in ("begun", "dead"))
    for folder in (begun, dead):
        folder.mkdir()
    os.utime(dead, (0, 0))
    with whole(tmp_path / "x.json") as partial:
        partial.write_text("mine")
    assert names(tmp_path) == [begun.name, "x.json"]


# ---- targets that cannot be --------------------------------------------------------------------------------------


def test_a_target_that_cannot_be_written_is_refused_with_its_path(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.nc").mkdir()
    (tmp_path / "folder.zarr").mkdir()
    cases = {
        "x.csv": r"ending '.csv' is not .nc or .zarr",
        "no/x.nc": "no folder .*no",
        "file/x.nc": "no folder .*file",
        "folder.nc": "is a folder",
        "folder.zarr": "exists and is no Zarr store",
        f"{'x' * 300}.nc": "File name too long",
        f"{'x' * 300}/x.nc": "File name too long",
    }
    for name, says in cases.items():
        with pytest.raises(LayoutError, match=f"^output .*: {says}"):
            target(tmp_path / name, (".nc", ".zarr"))
    with pytest.raises(LayoutError, match="is a device or a pipe"):
        target(os.devnull)
    assert names(tmp_path) == ["file", "folder.nc", "folder.zarr"]


@posix
def test_folders_that_may_not_be_entered_are_one_line_for_reading_and_writing(tmp_path):
    shut = tmp_path / "shut"
    shut.mkdir()
    (shut / "a.yaml").write_text("version: 1")
    shut.chmod(0)
    tmp_path.chmod(0o755)
    code = """
        import os, sys
        from twin.facility.build import load
        from twin.facility.output import target
        if os.getuid() == 0:
            os.setuid(65534)
        for call in (lambda: target(sys.argv[1] + "/x.nc"), lambda: load(sys.argv[1] + "/a.yaml")):
            try:
                call()
            except ValueError as error:
                print(error)
    """
    for folder in list(tmp_path.parents)[:2]:
        folder.chmod(folder.stat().st_mode | 0o055)
    done = python(code, shut)
    shut.chmod(0o755)
    written, read = done.stdout.splitlines()
    assert written == f"output {shut}/x.nc: folder {shut} cannot be written to" or "Permission denied" in written
    assert read == f"{shut}/a.yaml: cannot be read: Permission denied"


# ---- full disks --------------------------------------------------------------------------------------------------

WRITERS = """
    import json, resource, shutil, sys
    from pathlib import Path
    import twin
    from twin.facility.output import whole
    from twin.show.scene import render
    folder, limits = Path(sys.argv[1]), map(int, sys.argv[2:])
    result = twin.solve("dps_demo")
    endings = ["nc", "zarr", "graphml", "json", "csv", "xlsx", "parquet", "glb", "html"]
    try:
        render.ready("vtk")
        endings += ["vtp", "vtk", "vtm"]
        render.ready("png")
        endings += ["png"]
        import matplotlib.font_manager  # which keeps a list of fonts
    except render.RenderError:
        pass
    for limit in limits:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        said = {}
        for ending in endings:
            path = folder / f"x.{ending}"
            try:
                if ending == "graphml":
                    result.facility.write_graphml(path)
                elif ending == "json":
                    with whole(path) as partial:
                        partial.write_text("x" * 100_000)
                elif ending in ("nc", "zarr"):
                    result.write(path)
                elif ending in ("csv", "xlsx", "parquet"):
                    result.write(path, "limits")
                else:
                    twin.export(result, path)
                path.unlink() if path.is_file() else shutil.rmtree(path)
                shutil.rmtree(folder / "x", ignore_errors=True)
                said[ending] = ""
            except twin.LayoutError as error:
                said[ending] = str(error)
        print(json.dumps(said))
"""


def check_writers(folder, *limits):
    """What the writers say at each limit: one line, or nothing where all was written; nothing is left behind."""
    done = python(WRITERS, folder, *limits)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(folder) == []
    for line in done.stdout.splitlines():
        said = json.loads(line)
        assert said["nc"] and said["json"] and said.get("png", True)
        for ending, text in said.items():
            if text:
                assert text.startswith(f"output {folder}/x.{ending}: ") and "\n" not in text
                assert any(words in text for words in ("No space left", "File too large", "is the disk full"))
    return [json.loads(line) for line in done.stdout.splitlines()]


@posix
def test_files_that_may_not_grow_are_one_line_and_leave_nothing(tmp_path):
    first, *_ = check_writers(tmp_path, 100, 4096, 16384)
    assert all(first.values())


@posix
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tmp_path)], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk of its own needs root")
    try:
        (found,) = check_writers(tmp_path, 0)
        assert found["zarr"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_folders_of_parts_hold_nothing_else(tmp_path):
    pytest.importorskip("pyvista")
    result = twin.solve("dps_demo")
    for _ in range(2):
        twin.export(result, tmp_path / "hall.vtm", "vtk")
    assert names(tmp_path) == ["hall", "hall.vtm"]
    (tmp_path / "hall" / "notes.txt").write_text("mine")
    with pytest.raises(LayoutError, match=r"hall.vtm: its parts go to .*hall, .* such as notes.txt; name another"):
        twin.export(result, tmp_path / "hall.vtm", "vtk")
    assert (tmp_path / "hall" / "notes.txt").read_text() == "mine"
