"""What is alike: its partition, and the weights of rows that stand for several."""

# ruff: noqa: E501
# fmt: off

S, W, B, D = "twin/plant/symmetry.py", "twin/plant/wiring.py", "twin/study/bound.py", "twin/domains/"


def law(*names):
    return tuple(f"plant/test_symmetry.py::test_{n}" for n in names)


WEIGHED = law("figures_and_limits_weigh_what_rows_stand_for")
PASSES = law("at_the_default_tolerance_both_take_as_many_passes_and_differ_by_less_than_ten_tolerances")
RANDOM = law("random_plants_that_repeat_themselves_are_solved_as_their_whole")
RANK = law("which_of_two_tanks_is_the_reference_is_a_rank")
BITS = law("values_are_compared_bit_for_bit_and_where_nothing_else_differs")
FEW = law("few_components_that_are_singled_out_are_solved_with_all_others")
COUNTED = law("classes_of_the_shipped_layouts")
REFUSED = law("rows_that_differ_between_like_components_are_refused")
RACKS = ("test_bounds.py::test_racks_that_are_alike_have_one_bound_and_their_own_names",)
CLASS = ("test_bounds.py::test_each_class_alone_may_be_at_least_as_dense",)

MUTANTS = [
    ("kernels/sums.py", "total += terms.times[u] * (", "total += (", WEIGHED, "sums of the first of each class"),
    ("kernels/streams.py", "joints.at_start[e] * (carried(-c", "(carried(-c", ("kernels/test_streams.py::test_one_branch_stands_for_as_many_as_are_like_it_at_either_end",), "streams that mix once at their start"),
    ("kernels/streams.py", "joints.at_end[e] * (carried(c", "(carried(c", WEIGHED, "streams that mix once at their end"),
    ("kernels/streams.py", "times * (-abs(c) * work.param[w, place.coupling", "(-abs(c) * work.param[w, place.coupling", PASSES, "one exchanger of several"),
    ("kernels/pipe_flow.py", "work.x[w, i, j] -= net.times[e] * flux", "work.x[w, i, j] -= flux", WEIGHED, "one pipe of several leaves its start"),
    ("kernels/pipe_flow.py", "work.x[w, k, j] += net.times[e] * flux", "work.x[w, k, j] += flux", WEIGHED, "one pipe of several comes to its end"),
    (D + "mixed_air.py", "ability += fans.times[u] * (", "ability += (", ("plant/test_symmetry.py::test_the_reduced_plant_has_the_solution_of_the_whole_pass_by_pass",), "the fans of one cooler in a room"),
    (D + "mixed_air.py", "delivered += fans.times[u] * flow", "delivered += flow", ("plant/test_symmetry.py::test_the_reduced_plant_has_the_solution_of_the_whole_pass_by_pass",), "air of one cooler in a room"),
    (D + "electrical.py", "series=counts * n.series", "series=n.series", WEIGHED, "one line of several"),
    (D + "electrical.py", "power = cords.times[u] * (", "power = (", WEIGHED, "one cord of several on a bus"),
    (D + "electrical.py", "power = feeding.times[u] * behind", "power = behind", WEIGHED, "one converter of several on a bus"),
    ("twin/elements.py", "rows * counts[:, None]", "rows", WEIGHED, "totals of the first of each class"),
    ("twin/serving/tokens.py", "solution[e.chips] * solution.plant.counts[e][:, None]", "solution[e.chips]", WEIGHED, "accelerators of one rack in each class"),
    ("twin/money/yearly.py", "item.capital * plant.alike(item.elements)[:, None]", "item.capital", WEIGHED, "capital of the first of each class"),
    (S, "if len({loop.get(classes.place(key)) for key in held}) == len(held):", "if True:", RANK, "pressure references without a rank"),
    (S, 'bits = np.array([np.broadcast_to(np.asarray(v, float), size) for v in values]).view(np.int64)', 'bits = np.round([np.broadcast_to(np.asarray(v, float), size) for v in values], 9).view(np.int64)', BITS, "values that are nearly equal"),
    (S, "rest = rest if field in fields else _pairs(rest, codes)", "rest = rest", BITS, "values compared between unlike components"),
    (S, "even &= (label == label[0]).all(axis=0)", "even &= True", FEW, "a plant for each element that is singled out"),
    (S, "_mixed(component[joints.component] ^ role)", "_mixed(component[joints.component])", law("the_partition_of_a_layout_is_equitable_along_every_index", "random_plants_that_repeat_themselves_are_solved_as_their_whole", "classes_of_the_shipped_layouts"), "joints that know no roles"),
    (W, 'PLACES = frozenset({"at", "size", "facing", "room", "opens"})', 'PLACES = frozenset({"at", "size", "room", "opens"})', COUNTED, "racks told apart by where they face"),
    (W, "join(group.numbers[row], ends, kind, port, share=share[:, 0])", "join(group.numbers[row], ends, kind, port)", law("buses_that_are_alike_but_for_the_shares_of_cords_are_told_apart"), "cords without their shares"),
    (S, "yield chosen, _classes(facility, _marked(own, marked))", "yield chosen, _classes(facility, _pairs(own, marked))", CLASS, "marks that the numbers of colours do not show"),
    ("twin/results/whole.py", "if not same.all():", "if False:", REFUSED, "rows that differ taken for alike"),
    (B, "if own.signature not in known:", "if not known:", RACKS, "one bound for all racks"),
]
"""Alterations of what is alike."""
