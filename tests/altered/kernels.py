"""What cells are made of: elementary functions, parts of numbers, sums."""

# ruff: noqa: E501
# fmt: off

K, N, S = "kernels/elementary.py", "kernels/numbers.py", "kernels/sums.py"


def elementary(*names):
    return tuple(f"kernels/test_elementary.py::test_{n}" for n in names)


def sums(*names):
    return tuple(f"kernels/test_sums.py::test_{n}" for n in names)


def vectors(*names):
    return tuple(f"kernels/test_llvm.py::test_{n}" for n in names)


PARTING = vectors("lanes_that_part_do_what_each_does_alone")
MASKED = vectors("what_a_lane_does_not_read_is_not_read_for_it")
BUILDS = vectors("what_a_build_depends_on_is_in_its_name")
ORDER, JOINED = "kernels/elimination.py", "kernels/connected.py"
FILL = ("kernels/test_elimination.py::test_a_factor_is_as_small_as_superlus",)
SOLUTION = ("kernels/test_elimination.py::test_solution_equals_scipy_on_any_network",)
COMPONENTS = ("kernels/test_connected.py::test_components_are_scipys",)
A, L, SUBSET = "kernels/assembly.py", "kernels/llvm.py", "kernels/subset.py"

EXP = elementary("exp_is_exact_to_its_last_places")
ENDS = elementary("exp_stops_at_its_ends_and_keeps_nan")
LOG = elementary("log_is_exact_to_its_last_places")
POWER = elementary("powers_of_zero_are_zero_and_of_nan_nan")
DECAY = elementary("decay_is_exact_to_its_last_places_across_zero")
CEIL = elementary("ceil_is_the_smallest_integer_that_is_not_below")
SHARE = elementary("a_share_of_what_is_not_there_is_the_other_number")

OF_EXP = (
    *("r * (1.0 / 6.0)", "r2 * (1.0 / 24.0", "r * (1.0 / 120.0)", "(1.0 / 720.0 +", "r * (1.0 / 5040.0)", "r2 * (1.0 / 40320.0"),
    *("r * (1.0 / 362880.0)", "(1.0 / 3628800.0 +", "r * (1.0 / 39916800.0)", "r2 * (1.0 / 479001600.0)"),
)
OF_LOG = (
    *("6.666666666666735130e-01", "2.857142874366239149e-01", "1.818357216161805012e-01", "3.999999999940941908e-01"),
    *("2.222219843214978396e-01", "1.531383769920937332e-01", "1.479819860511658591e-01"),
)
OF_DECAY = (
    *("(1.0 / 6.0 -", "- y * (1.0 / 24.0)", "(1.0 / 120.0 -", "- y * (1.0 / 720.0)", "(1.0 / 5040.0 -", "- y * (1.0 / 40320.0)"),
    *("(1.0 / 362880.0 -", "- y * (1.0 / 3628800.0)", "(1.0 / 39916800.0 -", "- y * (1.0 / 479001600.0)"),
    *("(1.0 / 6227020800.0 -", "- y * (1.0 / 87178291200.0)"),
)

MUTANTS = [
    # exp
    (K, "1.90821492927058770002e-10", "0.0", EXP, "ln 2 in one part"),
    (K, "INVERSE_LN2 = 1.4426950408889634", "INVERSE_LN2 = 1.0", EXP, "exp by powers of 2 too far away"),
    (K, "LARGEST, SMALLEST = 709.0,", "LARGEST, SMALLEST = 700.0,", ENDS, "exp stops at 700"),
    (K, "-708.0\n", "-700.0\n", ENDS, "exp stops at -700"),
    (K, "low = (0.5 + r", "low = (0.499 + r", EXP, "exp without half of a square"),
    *((K, c, c.replace("1.0 /", "2.0 /"), EXP, f"exp: {c} twice") for c in OF_EXP),
    # log
    (K, "ROOT2 = 1.4142135623730951", "ROOT2 = 1.9", LOG, "logarithms from too far away"),
    (K, "(1.0 if above else 0.0)", "0.0", LOG, "logarithms a power of 2 too small"),
    (K, "half = 0.5 * f * f", "half = 0.499 * f * f", LOG, "log without half of a square"),
    *((K, c, c[:8], LOG, f"log: {c} cut off") for c in OF_LOG),
    # powers, decay, ceil
    (K, "return z if x > 0.0 else 0.0 * x", "return z", POWER, "powers of 0 that are 1"),
    (K, "small = abs(x) < 0.5", "small = abs(x) < 0.05", DECAY, "a decay that cancels"),
    (K, "small = abs(x) < 0.5", "small = abs(x) < 0.8", DECAY, "a series too far away"),
    (K, "(1.0 - y * 0.5)", "(1.0 - y * 0.499)", DECAY, "decay: 0.5 cut off"),
    *((K, c, c.replace("1.0 /", "2.0 /"), DECAY, f"decay: {c} twice") for c in OF_DECAY),
    (K, "(1.0 if k < x else 0.0)", "(1.0 if k <= x else 0.0)", CEIL, "whole numbers rounded up to the next"),
    # numbers
    (N, "(low if x < low else x)", "x", elementary("clip_keeps_what_lies_between_and_nan"), "clipped above only"),
    (N, "return high if x > high else", "return", elementary("clip_keeps_what_lies_between_and_nan"), "clipped below only"),
    (N, "return x - x == 0.0", "return x == x", elementary("infinite_numbers_are_known_and_not_finite"), "infinities that are finite"),
    (N, "there = whole > floor", "there = whole >= floor", SHARE, "shares of the floor"),
    (N, "else 1.0) if there else otherwise", "else 1.0)", SHARE, "shares of what is not there"),
    # sums
    (S, "(weight[u, s] * solved[terms.row[u], s])", "solved[terms.row[u], s]", sums("a_sum_takes_the_rows_of_its_group_by_their_weights"), "sums without weights"),
    (S, "group[order], np.arange(count + 1)", "group[order], np.arange(count + 1), side=\"right\"", sums("terms_stand_by_group_in_the_order_given"), "groups that begin one later"),
    (S, "row[order].astype", "row.astype", sums("terms_stand_by_group_in_the_order_given"), "rows of other groups"),
    # graphs
    (ORDER, "degree += added", "degree += 1", FILL, "cliques that count as one neighbour"),
    (ORDER, "min(nodes.degree[i] + degree, n - k - 2)", "0", FILL, "an order that knows no degrees"),
    (ORDER, "(position[start] < position[end])", "(position[start] > position[end])", SOLUTION, "entries below the diagonal above it"),
    (JOINED, "        if a < b:", "        if a > b:", COMPONENTS, "components numbered from their last nodes"),
    (JOINED, "label[i] = count", "label[i] = i", COMPONENTS, "components numbered as their first nodes"),
    # vectors
    (A, "return self.op(\"and\", a, b) if a else b", "return b", PARTING, "a branch within a branch for lanes that are not in it"),
    (A, "return self.select(off, less, q)", "return self.select(off, q, q)", PARTING, "quotients rounded towards zero"),
    (A, "self.select(off, more, r)", "r", PARTING, "remainders of the dividend's sign"),
    (A, "            value = self.select(mask, value, self.get(slot))", "            pass", PARTING, "values of lanes that are elsewhere"),
    (A, "if offset.lanes == ONE or self.mask is None:\n            return self.new(view", "if True:\n            return self.new(view", MASKED, "loads of lanes that are elsewhere"),
    (L, "t.mask = t.both(before, t.inverse(t.get(self.frame.done)))", "pass", PARTING, "lanes that go on after they have returned"),
    (L, "mask = t.both(t.mask, t.inverse(test))", "mask = t.both(t.mask, test)", PARTING, "the other branch for the same lanes"),
    (L, "t.loop(whole if came[0] else t.constant(0), extent, inner)", "t.loop(whole, extent, inner)", vectors("a_kernel_is_in_vectors_unless_the_rounds_of_a_loop_differ"), "loops without vectors for the last few only"),
    (L, "values = [self._apart(mask, node) for mask", "values = [self._value(node) for mask", MASKED, "both of two values worked out in all lanes"),
    (SUBSET, "named = [(n, _identity(self.names[n]))", "named = [(n, 0)", BUILDS, "builds of other numbers and cells"),
    (SUBSET, "texts = [c for c in code.co_consts if", "texts = [1 for c in code.co_consts if", BUILDS, "builds of other literals"),
    (SUBSET, "words = code.co_code, code.co_varnames", "words = code.co_varnames", BUILDS, "builds of another text"),
]
