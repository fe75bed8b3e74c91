"""Files of text as other programs leave them."""

import gzip
from pathlib import Path


def decoded(path: Path) -> str:
    """The text of a file, gzipped if it ends in .gz: UTF-8, with or without byte-order mark, else Latin-1."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
