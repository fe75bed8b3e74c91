"""What tests of sweeps share: a small one in chunks of eight, and the bytes of a store."""

from pathlib import Path

CHUNK = 8


def over():
    return {"cdu.set_point": "36..44 degC/3", "site.dry_bulb": "uniform(20 degC, 40 degC)"}


def small_chunks(monkeypatch):
    """Chunks of eight scenarios, in this process and in those that read its stores."""
    monkeypatch.setattr("twin.study.sweep.CHUNK", CHUNK)


def files(path):
    """The bytes of every file below a folder, by its name there."""
    path = Path(path)
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}
