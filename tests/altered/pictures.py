"""Scenes, their files and diagrams."""

# ruff: noqa: E501
# fmt: off

SHAPES, PLACES, ROUTES, PAINT, GLTF, USD, AIF, GROUPS, RESULTS, PART, COMPARE, LABELS = (
    f"twin/{n}.py"
    for n in (
        "show/scene/shapes", "show/scene/places", "show/scene/routes", "show/scene/paint", "show/gltf", "show/usd", "show/aif",
        "show/plots/groups", "show/plots/results", "study/part_load", "show/compare", "show/scene/labels",
    )
)


def tests(folder, file):
    return lambda *names: tuple(f"{folder}{file}.py::test_{n}" for n in names)


shapes, places, paint, glb, stage, asset, windows = (
    tests("scene/", f"test_{n}") for n in ("shapes", "places", "paint", "gltf", "usd", "aif", "windows")
)
plots, reports = tests("", "test_result_plots"), tests("", "test_report")

MUTANTS = [
    (SHAPES, '"+x": (depth - v, u),', '"+x": (v, u),', shapes("doors_are_at_the_front"), "a front that points the other way"),
    (SHAPES, 'corners = np.concatenate([near[::-1], far, faces])', 'corners = np.concatenate([near, far, faces])', shapes("boxes_and_tubes_have_their_volume"), "an end of a tube inside out"),
    (PLACES, 'corner[2], lengths[across], lengths[2] = high[2] + ABOVE, SECTION, SECTION', 'corner[2], lengths[across], lengths[2] = ABOVE, SECTION, SECTION', places("what_has_a_place_stands_there_and_busways_hang_over_racks"), "busways near the floor"),
    (ROUTES, 'self._into[names[owner], int(end)] -= q', 'self._into[names[owner], int(end)] += q', places("flow_leaves_the_cdu_and_comes_back"), "coolant that enters at both ends"),
    (ROUTES, 'needed = diameter / 2 * np.sqrt(flow / flow.max())', 'needed = diameter * np.sqrt(flow / flow.max())', places("pipes_end_on_what_they_join_and_carry_what_flows"), "pipes of twice their diameter"),
    (ROUTES, 'level = z + LEVEL', 'level = z', places("trunks_of_pipes_that_cross_lie_apart"), "trunks through each other"),
    (PAINT, 'first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))', 'first, last = int(np.ceil(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))', paint("scales_go_from_one_round_number_to_another"), "a scale that begins above the lowest"),
    (PAINT, 'least[owner] = np.minimum(least.get(owner, np.inf), relative)', 'least[owner] = relative', paint("the_margin_is_the_least_of_a_component"), "the last margin for the least"),
    (PAINT, 'served[at] = chips[at] * busy[at] * rates(terms, platform, clock[at])[0] * terms.availability', 'served[at] = busy[at] * rates(terms, platform, clock[at])[0] * terms.availability', paint("variables_have_the_numbers_of_the_dataset"), "tokens of one chip a rack"),
    (GLTF, 'np.clip(np.nan_to_num(share) * LEVELS, 0, LEVELS - 1), LEVELS)', 'np.clip(np.nan_to_num(share) * LEVELS + 1, 0, LEVELS - 1), LEVELS)', glb("frames_show_one_after_the_other_with_their_numbers"), "pixels a level too warm"),
    (GLTF, '"byteOffset": 12 * (count - k)', '"byteOffset": 12 * (count - k - 1)', glb("frames_show_one_after_the_other_with_their_numbers"), "frames shown a step late"),
    (GLTF, 'own["kW"] = round(own.get("kW", 0.0) + value / 1e3, 2)', 'own["kW"] = round(value / 1e2, 2)', glb("things_read_back_with_places_and_numbers"), "ten times the power"),
    (USD, 'layer.SetTimeSample(shown.path, k, vt.FloatArray([float(scene.values[i, frame])]))', 'layer.SetTimeSample(shown.path, k, vt.FloatArray([float(scene.values[i, frames[0]])]))', stage("a_stage_reads_back"), "the first frame in all"),
    (USD, 'for key, value in (("upAxis", "Z"), ("metersPerUnit", 1.0), ("kilogramsPerUnit", 1.0)):\n            top.SetInfo', 'for key, value in (("upAxis", "Y"), ("metersPerUnit", 1.0), ("kilogramsPerUnit", 1.0)):\n            top.SetInfo', stage("a_stage_reads_back"), "a stage on its side"),
    (AIF, '"referenceTechnologyCoolantFlowRate": part.tcs_flow / density * 60e3,', '"referenceTechnologyCoolantFlowRate": part.tcs_flow / density * 1e3,', asset("values_are_in_the_units_of_the_profile"), "litres a second for litres a minute"),
    (AIF, 'width, depth, height = (1e3 * x for x in asset.size)', 'width, depth, height = (1.0 * x for x in asset.size)', asset("sizes_and_masses_agree_with_the_geometry"), "metres for millimetres"),
    (AIF, '"operatingPressure": ("float", pressure - outside if np.isfinite(pressure) else None),', '"operatingPressure": ("float", pressure if np.isfinite(pressure) else None),', asset("connection_points_say_what_is_solved"), "absolute for gauge pressure"),
    (GROUPS, 'if n in ends or not any(served[n] & served[m] for m in groups[k]):', 'if True:', plots("the_single_line_draws_blocks_once_and_sides_apart"), "both sides of a 2N train in one"),
    (RESULTS, 'streams[of[a], of[b]].append((out * into / total, warm))', 'streams[of[a], of[b]].append((out, warm))', plots("the_flow_diagram_tells_temperatures_and_flows"), "the whole flow to each branch"),
    (PART, 'return sum(self.uses.values(), np.zeros(len(self.at))) / self.uses["it"]', 'return sum(self.uses.values(), np.zeros(len(self.at))) / self.uses["it"] - 1.0', plots("part_load_is_what_solves_give"), "overhead for PUE"),
    (COMPARE, 'less = value - first', 'less = first - value', reports("a_comparison_has_both_and_their_difference"), "the difference the other way"),
    (LABELS, 'return int(self.taken[y0 : y1 + 1, x0 : x1 + 1].sum())', 'return 0', windows("labels_cover_nothing"), "labels over anything"),
]
