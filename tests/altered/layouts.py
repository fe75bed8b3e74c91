"""The language of layouts: names, numbers, addresses."""

# ruff: noqa: E501
# fmt: off

F, A, B = (f"twin/facility/{n}.py" for n in ("files", "addresses", "build"))


def facility(*names):
    return tuple(f"test_facility.py::test_{n}" for n in names)


NAMES = facility("a_name_is_what_is_written")
LOOPS = facility("what_a_loop_runs_over_names_what_it_spells")
NARROW = facility("the_narrower_address_wins_in_any_order")
TWICE = facility("of_two_equally_narrow_addresses_that_differ_neither_wins")
LONG = facility("names_have_up_to_a_hundred_characters")
DEEP = facility("what_no_layout_is_written_in_is_one_line")

MUTANTS = [
    (F, 'r"0|-?[1-9][0-9]{0,15}"', 'r"-?[0-9]+"', LOOPS, "leading zeros are lost"),
    (F, "isinstance(value, float) and str(value) != text", "isinstance(value, float) and value != float(text)", LOOPS, "zeros at the end are lost"),
    (F, 'if padded else k for k in', 'if False else k for k in', LOOPS, "ranges that begin with 0 are not as wide"),
    (F, 'r"true|false", "tf"', 'r"true|false|on|off|yes|no", "tfoyn"', LOOPS, "words of YAML 1.1"),
    (F, "LONGEST_NAME = 100", "LONGEST_NAME = 99", LONG, "names a letter shorter"),
    (F, "DEEPEST = 64", "DEEPEST = 640", DEEP, "aliases of aliases of aliases"),
    (F, "LARGEST_DATA = 2_000_000", "LARGEST_DATA = 10**40", DEEP, "a thousand million laughs"),
    (A, "key=lambda row: -row[1]", "key=lambda row: row[1]", NARROW, "the broader wins"),
    (A, "if equal == width and not same(said, value)", "if False and not same(said, value)", TWICE, "the last of two wins"),
    (B, "(str(model or kind), kind, _known(", "(kind, str(model or kind), _known(", NARROW, "a type before its models"),
]
