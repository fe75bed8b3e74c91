"""Files of text as other programs leave them."""

from pathlib import Path


def decoded(path: Path) -> str:
    """The text of a file in UTF-8, with or without byte-order mark, or in Latin-1 where it is not UTF-8."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
