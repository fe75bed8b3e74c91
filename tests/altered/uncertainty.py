"""How sure figures are: samples, indices, their errors, and what varies."""

# ruff: noqa: E501
# fmt: off

U = "twin/study/uncertainty.py"


def told(*names):
    return tuple(f"study/test_uncertainty.py::test_{n}" for n in names)


ISHIGAMI = told("indices_of_ishigamis_function_are_the_closed_forms")
SCIPY = told("samples_and_indices_are_those_of_scipy")
INCOMPLETE = told("incomplete_samples_are_left_out_whole_and_widen_errors")
GIVEN = told("what_is_given_stands_in_place_of_the_catalogue")

FEW = told("too_few_points_for_many_inputs_are_told")

MUTANTS = [
    (U, "pages[at, at] = self.b[at]", "pages[at, at] = self.a[at]", ISHIGAMI, "no input takes values of B"),
    (U, ".reshape(d, n)\n", ".reshape(n, d).T\n", ISHIGAMI, "values of inputs mixed up"),
    (U, "seed=np.random.default_rng(seed), bits=64", "seed=np.random.default_rng(0), bits=64", SCIPY, "one seed for all"),
    (U, "EDGE = 1e-12", "EDGE = 1e-2", SCIPY, "distributions without their tails"),
    (U, "RESAMPLES, CONFIDENCE = 256, 0.95", "RESAMPLES, CONFIDENCE = 256, 0.68", SCIPY, "errors of two cases in three"),
    (U, "* np.sqrt(n / len(rows))", "* np.sqrt(n / n)", INCOMPLETE, "errors that do not grow with what is left out"),
    (U, "ALIKE, NOISE = 0.2, 4.0", "ALIKE, NOISE = 2.0, 4.0", FEW, "correlated samples pass"),
    (U, "np.concatenate(points)", "points.a", FEW, "A alone is judged"),
    (U, "COPIES = 16", "COPIES = 1", INCOMPLETE, "some base samples count twice"),
    (U, "COMPLETE = 0.5", "COMPLETE = 0.4", INCOMPLETE, "indices of fewer than half of the base samples"),
    (U, "(10.0, 50.0, 90.0)", "(5.0, 50.0, 95.0)", told("percentiles_are_of_the_independent_scenarios"), "P90 that 95 % are below"),
    (U, "self.values(output)[: 2 * self.n]", "self.values(output)[: self.n]", told("percentiles_are_of_the_independent_scenarios"), "percentiles of half of the samples"),
    (U, "first / (others[0] / 1e6)", "first / (others[0] / 1e3)", told("throughput_is_over_megawatts_drawn_and_provisioned"), "tokens per kilowatt"),
    (U, "int(high) + 1", "int(high)", told("whole_numbers_are_drawn_whole_with_both_ends"), "whole numbers without the highest"),
    (U, "stats.uniform(low, high - low)", "stats.uniform(low, high)", told("every_uncertain_value_has_its_range_and_source"), "ranges as long as their end"),
    (U, "stated |= set(local[entry])", "stated |= set()", told("a_value_of_the_catalogue_is_called_as_the_layout_calls_its_model"), "what a layout's own entry states varies"),
    (U, "i.low, i.high\n", "i.high, i.low\n", told("a_swing_is_that_of_one_input_alone"), "low and high swapped"),
    (U, "if theirs <= own:", "if theirs < own:", GIVEN, "an input beside the one in its place"),
    (U, "ENDS = (0.05, 0.95)", "ENDS = (0.1, 0.9)", GIVEN, "low and high of eight cases in ten"),
    (U, "self.drawn(output) == 0.0", "self.drawn(output) > 0.0", told("cases_in_which_no_density_is_sustainable_are_told"), "no density where there is one"),
    (U, "(self.sweep.status == Status.OK) & np.isfinite(values)", "np.isfinite(values)", told("what_has_not_converged_has_no_figures"), "figures of what has not converged"),
]
