import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from twin.kernels import store as stores

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX owners and permissions")

PROBE = """
    import sys
    import numpy as np
    from scale_probe import scale
    from twin.kernels.launch import bind
    x = np.array([1.0, 2.0])
    if len(sys.argv) > 1:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
    bind(scale, (2,), x)()
    print(*x)
"""

KERNEL = """
    from twin.kernels.cell import Reals1, kernel
    @kernel
    def scale(i, x: Reals1):
        x[i] = 3.0 * x[i]
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A cache folder for this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    stores.store.cache_clear()
    yield tmp_path
    stores.store.cache_clear()


@pytest.fixture
def probe(home, monkeypatch):
    """Starts a process that builds and runs one kernel, with arguments to it."""
    (home / "scale_probe.py").write_text(textwrap.dedent(KERNEL))
    monkeypatch.setenv("PYTHONPATH", str(home))

    def start(*arguments):
        command = [sys.executable, "-c", textwrap.dedent(PROBE), *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def builds(home):
    return sorted((home / "aifactory-twin" / "kernels").iterdir())


# ---- integrity ---------------------------------------------------------------------------------------------------


def test_only_what_is_as_it_was_written_is_read(home):
    store = stores.Store()
    store.write("build", b"machine code")
    assert store.read("build") == b"machine code"
    assert store.read("other") is None
    (file,) = builds(home)
    raw = file.read_bytes()
    flipped = bytes([*raw[:-3], raw[-3] ^ 1, *raw[-2:]])
    for damaged in (b"", b"garbage", raw[:20], raw[:-1], raw + b"\0", flipped, bytes([raw[0] ^ 1, *raw[1:]])):
        file.write_bytes(damaged)
        assert store.read("build") is None
    store.write("build", b"machine code")
    assert store.read("build") == b"machine code"


def test_a_folder_in_the_place_of_a_build_makes_way(home, caplog):
    store = stores.Store()
    (home / "aifactory-twin" / "kernels" / "build" / "more").mkdir(parents=True)
    assert store.read("build") is None
    store.write("build", b"machine code")
    assert (store.read("build"), store.fault, caplog.records) == (b"machine code", "", [])
    assert [file.name for file in builds(home)] == ["build"]


def test_damaged_builds_are_made_anew_without_a_word(home, probe):
    assert probe().communicate(timeout=300) == ("3.0 6.0\n", "")
    (build,) = builds(home)
    whole, age = build.read_bytes(), build.stat().st_mtime_ns
    assert probe().communicate(timeout=300) == ("3.0 6.0\n", "")
    assert build.stat().st_mtime_ns == age
    for damaged in (b"", whole[: len(whole) // 2], bytes([*whole[:500], whole[500] ^ 16, *whole[501:]])):
        build.write_bytes(damaged)
        assert probe().communicate(timeout=300) == ("3.0 6.0\n", "")
        assert len(build.read_bytes()) > len(whole) // 2 and build.read_bytes() != damaged
    assert builds(home) == [build]


def test_several_processes_at_once_share_a_folder(home, probe):
    at_once = [probe() for _ in range(3)]
    assert [p.communicate(timeout=300) for p in at_once] == [("3.0 6.0\n", "")] * 3
    assert len(builds(home)) == 1


def test_files_of_writers_that_died_go_after_an_hour(home):
    stores.Store().write("build", b"")
    old, new = (builds(home)[0].with_name(f"{n}.part") for n in ("old", "new"))
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    stores.Store().write("build", b"")
    assert [p.name for p in builds(home)] == ["build", "new.part"]


# ---- whose folder it is ------------------------------------------------------------------------------------------


def refused(store, caplog, *words):
    """Whether a store neither reads nor writes, and says so in one line."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert store.read("build") is None
        for _ in range(2):
            store.write("build", b"mine")
    (line,) = caplog.messages
    assert all(word in line for word in ("compiled kernels cannot be kept", *words)), line
    return True


@posix
def test_the_folder_is_the_users_alone(home):
    stores.Store().write("build", b"")
    for folder in (home / "aifactory-twin", home / "aifactory-twin" / "kernels"):
        assert folder.stat().st_mode & 0o777 == 0o700


@posix
@pytest.mark.parametrize("name", ["aifactory-twin", "aifactory-twin/kernels"])
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o1777])
def test_a_folder_that_others_may_write_to_is_not_used_until_mended(home, caplog, name, mode):
    stores.Store().write("build", b"theirs")
    (home / name).chmod(mode)
    assert refused(stores.store(), caplog, str(home / name), "twin warmup")
    mended = stores.mend()
    assert builds(home) == []
    mended.write("build", b"mine")
    assert mended.read("build") == b"mine"
    assert (home / name).stat().st_mode & 0o777 == 0o700


def test_mending_keeps_a_folder_that_is_private(home):
    stores.store().write("build", b"mine")
    assert stores.mend().read("build") == b"mine"


@posix
def test_a_folder_of_another_user_is_not_used(home, caplog, monkeypatch):
    stores.Store().write("build", b"theirs")
    if os.geteuid() == 0:
        os.chown(home / "aifactory-twin" / "kernels", 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert refused(stores.Store(), caplog, "belongs to another user", "XDG_CACHE_HOME")


def test_no_folder_is_one_line(home, caplog, monkeypatch):
    (home / "aifactory-twin").write_text("in the way")
    assert refused(stores.Store(), caplog, "File exists")

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, "relative")
    monkeypatch.setattr(Path, "home", nobody)
    assert refused(stores.Store(), caplog, "the cache folder", "home directory")


@posix
def test_a_full_disk_is_one_line_and_the_kernel_runs(home, probe):
    out, err = probe(1000).communicate(timeout=300)
    assert out == "3.0 6.0\n"
    folder = home / "aifactory-twin" / "kernels"
    assert err.splitlines() == [
        f"compiled kernels cannot be kept in {folder}, so that every run compiles them anew: File too large"
    ]
    assert builds(home) == []


def test_a_trial_says_what_a_write_would(home):
    store = stores.Store()
    assert store.trial() == ""
    (home / "aifactory-twin" / "kernels").rename(home / "gone")
    assert store.trial() == "No such file or directory"
