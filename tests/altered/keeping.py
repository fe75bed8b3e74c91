"""Builds of kernels and files of results: what is trusted, and what is tidied up."""

S, O = "kernels/store.py", "twin/facility/output.py"


def builds(name):
    return (f"kernels/test_store.py::test_{name}",)


def output(name):
    return (f"test_output.py::test_{name}",)


AS_WRITTEN = builds("only_what_is_as_it_was_written_is_read")
OTHERS = builds("a_folder_that_others_may_write_to_is_not_used_until_mended")
LEFT = builds("files_of_writers_that_died_go_after_an_hour")

MUTANTS = [
    (S, "if hashlib.sha256(raw[DIGEST:]).digest() == raw[:DIGEST] else", "if raw else", AS_WRITTEN, "builds unchecked"),
    (S, "(stat.S_IWGRP | stat.S_IWOTH)", "stat.S_IWOTH", OTHERS, "folders that a group may write to"),
    (S, "ABANDONED = 3600.0", "ABANDONED = 0.0", LEFT, "files that others are writing removed"),
    (O, "FRESH = 60.0", "FRESH = 0.0", output("a_writer_about_to_begin_is_left_alone"), "beginners removed"),
    (
        O,
        "        lock = _lock(part)\n",
        "        lock = os.open(part, os.O_RDONLY)\n",
        output("another_writer_at_work_is_left_alone"),
        "writers at work removed",
    ),
    (
        O,
        "        for source, target in reversed(moved):\n",
        "        for source, target in ():\n",
        output("what_cannot_be_moved_leaves_all_as_it_was"),
        "half of the parts moved",
    ),
]
