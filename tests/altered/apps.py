"""The app: its sliders, what-if answers and what the page says of them."""

# ruff: noqa: E501
# fmt: off

CONTROLS, WHATIF, SCREEN, PAINT, ROUTES, HTML, SCENE, SYMMETRY = (
    f"twin/{n}.py"
    for n in ("app/web/controls", "app/web/whatif", "app/web/screen", "show/scene/paint", "show/scene/routes", "show/html", "show/scene/scene", "plant/symmetry")
)


def tests(file):
    return lambda *names: tuple(f"{file}.py::test_{n}" for n in names)


sliders, answers, said, told, paints = (tests(f) for f in ("app/test_controls", "app/test_whatif", "app/test_screen", "scene/test_html", "scene/test_paint"))

MUTANTS = [
    (CONTROLS, 'return value * d.units[self.unit] + d.offsets.get(self.unit, 0.0)', 'return value * d.units[self.unit]', sliders("sliders_start_where_the_layout_stands"), "degrees Celsius for kelvin"),
    (CONTROLS, 'return abs(value - self.start) > 0.499 * self.step', 'return abs(value - self.start) > 2.0 * self.step', answers("answers_are_those_of_the_layout_with_the_same_values", "humidity_moves_where_none_or_a_wet_bulb_is_stated", "points_of_a_curve_are_solved_like_one_answer_each"), "two steps that do not count"),
    (CONTROLS, 'return not (self.open and value >= self.high - 1e-6 * self.step)', 'return True', sliders("sliders_start_where_the_layout_stands"), "a cap where there is none"),
    (CONTROLS, 'ratio = fluids.humidity_ratio_from_wet_bulb(dry, site["wet_bulb"], pressure)', 'ratio = fluids.humidity_ratio_from_wet_bulb(dry, site["wet_bulb"], 101325.0)', sliders("humidity_is_that_of_the_stated_moisture"), "moisture at sea level"),
    (CONTROLS, 'low = max(low, edge + inside)', 'low = max(low, edge)', sliders("bounds_that_a_field_excludes_and_checks_of_a_component_are_kept"), "sliders to a bound that is excluded"),
    (CONTROLS, 'high = min(high, edge - inside)', 'high = high', sliders("all_that_a_slider_spans_is_within_the_bounds_of_its_field", "bounds_that_a_field_excludes_and_checks_of_a_component_are_kept"), "sliders out of bounds"),
    (WHATIF, 'given |= self.transfer(change).changes | {f"{n}.in_service": 0.0 for n in change.out}', 'given |= {f"{n}.in_service": 0.0 for n in change.out}', answers("a_loss_switches_what_is_automatic_as_contingencies_have_it"), "nothing switches after a loss"),
    (WHATIF, 'rest = change._replace(values=others)', 'rest = change._replace(values={})', answers("points_of_a_curve_are_solved_like_one_answer_each"), "a curve that forgets the other sliders"),
    (WHATIF, 'self._bases[dropped] = changed(self.facility, None, dict.fromkeys(dropped))', 'self._bases[dropped] = self.facility', answers("a_cap_that_is_taken_away_is_gone"), "a cap that stays"),
    (WHATIF, 'if over and found and found[-1][1] == edges[k]:', 'if False:', answers("ranges_past_a_limit_reach_half_way_to_the_neighbours"), "ranges in pieces"),
    (SCREEN, 'return float(power.sum() / count[rows].sum()) if rows.any() else np.nan', 'return float(power.sum()) if rows.any() else np.nan', said("a_card_tells_the_mean_power_of_a_rack"), "all racks for one"),
    (SCREEN, 'dark = sorted(lost - whatif.lost_at_start - set(answer.change.out), key=whatif.order.__getitem__)', 'dark = sorted(lost - set(answer.change.out), key=whatif.order.__getitem__)', said("what_goes_dark_is_told_by_name"), "what stands by for what goes dark"),
    (SCREEN, 'np.where(exceeded(m), tightest(solution).name, "")', '""', said("a_curve_is_red_beyond_the_bound"), "limits that nothing passes"),
    (PAINT, 'dark |= {name} if reached and not any(reached) else set()', 'dark |= set()', answers("both_feeders_lost_leave_all_dark"), "dead conductors that look alive"),
    (ROUTES, 'return np.where(at >= 0, solution[columns.node.temperature][at, i], np.nan)', 'return np.where(at >= 0, solution[columns.node.temperature][0, i], np.nan)', told("an_answer_has_the_numbers_of_its_result"), "all pipes of one temperature"),
    (HTML, 'digits = 10.0 ** (4.0 - np.floor', 'digits = 10.0 ** (1.0 - np.floor', told("numbers_of_pages_have_five_digits"), "two digits"),
    (SYMMETRY, 'return [".".join(joints.keys[j]) for j in alike.tolist()]', 'return [name]', paints("what_is_solved_once_for_all_is_marked_on_all"), "one joint for all like it"),
    (SCENE, 'other.variable = paint.variable(result, self.color, self.variable.unit)', 'other.variable = paint.variable(result, self.color)', paints("another_result_is_shown_in_the_unit_of_the_first"), "megawatts on a scale of kilowatts"),
    (SCREEN, 'y[at] = np.where(solved, own, np.nan)', 'y[at] = own', said("a_curve_has_no_number_where_there_is_no_solution"), "numbers where there is no solution"),
    (SCREEN, 'before = here(start, limit._replace(element=_first(solution, limit.element)), i)', 'before = here(start, limit, i)', said("every_limit_knows_how_much_of_it_was_used_at_the_start"), "limits of others at the start"),
    (WHATIF, 'facility = replace(self.facility, components={**parts, **on}) if back else self.facility', 'facility = self.facility', answers("losses_reckon_with_what_was_put_into_service"), "losses that forget what was put in"),
]
