"""Altered formulas can be tried: their texts stand in the product, and the tests that they name stand here."""

from functools import cache

import mutants

EVERY = mutants.mutants()


@cache
def text(path):
    """Text of a file, none where there is no file."""
    return path.read_text("utf-8") if path.is_file() else ""


def test_every_altered_text_stands_once_in_its_file_and_then_reads_otherwise():
    counts = [(m, text(mutants.ROOT / m.file).count(m.old)) for m in EVERY]
    assert len(EVERY) > 1000
    assert [f"{m.file}, {count} times: {m.old}" for m, count in counts if count != 1] == []
    assert [str(m) for m in EVERY if m.old == m.new] == []


def test_every_test_that_must_notice_is_there():
    missing = [str(m) for m in EVERY if not m.tests]
    for m in EVERY:
        for test in m.tests:
            file, _, name = test.partition("[")[0].partition("::")
            found = text(mutants.TESTS / file)
            if not found or (name and f"def {name}(" not in found):
                missing.append(f"{m}: {test}")
    assert missing == []
