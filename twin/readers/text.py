"""Files of text as other programs leave them."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


def decoded(path: Path) -> str:
    """The text of a file in UTF-8, with or without byte-order mark, or in Latin-1 where it is not UTF-8."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def hint(word: str, known: Iterable[str]) -> str:
    """What a word, or the first of several, may have been meant to be, or what is known, all in capitals."""
    known, word = list(known), word.upper()
    close = get_close_matches(word, known, 1, 0.6) or get_close_matches(word.split()[0], known, 1, 0.6)
    return f"not known, did you mean {close[0]}?" if close else f"not known; known are {', '.join(known)}"
