"""Files of text as other programs leave them."""

import gzip
from collections.abc import Iterable
from difflib import get_close_matches
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


def hint(word: str, known: Iterable[str]) -> str:
    """What a word, or the first of several, may have been meant to be, or what is known, all in capitals."""
    known, word = list(known), word.upper()
    close = get_close_matches(word, known, 1, 0.6) or get_close_matches(word.split()[0], known, 1, 0.6)
    return f"not known, did you mean {close[0]}?" if close else f"not known; known are {', '.join(known)}"
