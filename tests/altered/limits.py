"""The ledger: parts of the meter, sides and layers of limits, units of figures; how far layers are used, rescaling."""

# ruff: noqa: E501
# fmt: off

LEDGER, F, L, BOUND = "twin/columns.py", "twin/results/figures.py", "twin/results/limits.py", "twin/study/bound.py"
SUMMARY, BASE = "twin/show/summary.py", "twin/components/base.py"


def ledger(*names):
    return tuple(f"physics/test_limits_and_figures.py::test_{n}" for n in names)


METER = ledger("racks_cooling_house_and_losses_are_each_their_equipment_and_add_up_to_the_meter")
SOURCES = ledger("the_facility_draws_what_utilities_and_generators_deliver")
NO_FIGURE = ledger("what_is_in_the_meter_is_in_one_of_its_figures")
UNSOLVED = ledger("a_scenario_without_solution_has_no_figures")
SIDES = ledger("limits_bound_from_their_side_and_measure_their_layer")
VOLTAGES = ledger("voltages_are_bounded_from_both_sides")
FULLEST = ledger("layers_are_as_full_as_their_fullest_part")
KINDS = ledger("limits_measure_known_layers_from_one_of_two_sides")
KEYS = ledger("figures_are_told_in_the_units_of_their_keys")
SCREEN = ledger("the_screen_shows_figures_in_the_same_units")
RESCALED = ledger("rescaled_racks_need_flow_and_money_for_themselves_alone")

MUTANTS = [
    # parts of the meter
    (LEDGER, 'Total("racks at their feeds", "it_power")', 'Total("racks at their feeds", "other_power")', METER, "racks are no IT"),
    (LEDGER, 'Total("pumps of coolant loops", "cooling_power")', 'Total("pumps of coolant loops", "other_power")', METER, "pumps as the house's"),
    (LEDGER, 'Total("fans of room coolers", "cooling_power")', 'Total("fans of room coolers", "it_power")', METER, "fans of rooms as IT"),
    (LEDGER, 'Total("dry coolers, towers, chillers", "cooling_power")', 'Total("dry coolers, towers, chillers", "other_power")', METER, "chillers as the house's"),
    (LEDGER, 'Total("lighting, offices, controls, standby", "other_power")', 'Total("lighting, offices, controls, standby", "it_power")', METER, "lamps as IT"),
    (LEDGER, 'Total("losses of the power train up to the racks", "electrical_loss")', 'Total("losses of the power train up to the racks", "other_power")', METER, "losses as the house's"),
    (LEDGER, 'Total("losses of rack shelves and board converters")', 'Total("losses of rack shelves and board converters", "electrical_loss")', METER, "shelves counted twice"),
    (F, "rows[tally.total.part].append(solution.sum(tally.power))", "rows[tally.total.part] = [solution.sum(tally.power)]", METER, "the last heading alone"),
    (F, "solution.sum(columns.source.power), parts", "solution.total(totals.grid), parts", SOURCES, "generators deliver nothing"),
    (BASE, "    if not heading.part:\n", "    if False:\n", NO_FIGURE, "power in no figure"),
    (LEDGER, "if part and part not in PARTS:", "if False:", NO_FIGURE, "any part"),
    (F, "if np.all(ok):", "if True:", UNSOLVED, "figures without solution"),
    # sides and layers of limits
    (LEDGER, "MAXIMUM, MINIMUM = 1, -1", "MAXIMUM, MINIMUM = -1, 1", SIDES, "limits from the other side"),
    (L, "(np.where(there, bound, 0.0) - value)", "(value - np.where(there, bound, 0.0))", SIDES, "margins of the other sign"),
    *(
        (LEDGER, f"{n} = LimitKind(MAXIMUM", f"{n} = LimitKind(MINIMUM", SIDES, f"{n} from below")
        for n in ("junction_temperature", "rack_air_inlet", "coolant_supply", "cdu_duty", "room_temperature", "pump_head",
                  "loop_velocity", "utility_contract", "generator_rating", "generator_peak", "loading", "rack_cap")
    ),
    *(
        (LEDGER, f"{n} = LimitKind(MINIMUM", f"{n} = LimitKind(MAXIMUM", SIDES, f"{n} from above")
        for n in ("rack_air_inlet_cold", "rack_flow", "dew_point", "coolant_freezing", "flow_reversed", "power_feed")
    ),
    (LEDGER, "capacity = LimitKind(\n        MAXIMUM", "capacity = LimitKind(\n        MINIMUM", SIDES, "capacities from below"),
    (LEDGER, '"heat that a CDU passes", "cooling"', '"heat that a CDU passes"', SIDES, "CDUs of no layer"),
    (LEDGER, '"demand under the utility\'s contract", "energy"', '"demand under the utility\'s contract"', (*SIDES, *FULLEST), "contracts of no layer"),
    (LEDGER, '"air that the coolers of a room deliver", "cooling"', '"air that the coolers of a room deliver", "energy"', SIDES, "air as energy"),
    (LEDGER, "over what it can take\", \"cooling\", \"{kind}_capacity\"", "over what it can take\", \"energy\", \"{kind}_capacity\"", SIDES, "heat rejection as energy"),
    (LEDGER, "continuous current or power over rating\", \"energy\"", "continuous current or power over rating\", \"\"", SIDES, "loadings of no layer"),
    (LEDGER, "if layer and layer not in LAYERS:", "if False:", KINDS, "any layer"),
    (L, "np.minimum(sustained, peak)", "np.maximum(sustained, peak) + 0.02", VOLTAGES, "low voltages raised"),
    (L, "(limits.overvoltage, VOLTAGE[1],", "(limits.overvoltage, VOLTAGE[1] + 0.02,", VOLTAGES, "107 % of voltage"),
    (L, "m.value[rows, scenario] / m.bound[rows, scenario]).max(initial=0.0)", "m.bound[rows, scenario] / m.value[rows, scenario]).max(initial=0.0)", FULLEST, "layers upside down"),
    (L, ").max(initial=0.0))", ").mean())", FULLEST, "layers as full as their mean part"),
    (L, "rows = (m.layer == layer) &", "rows = (m.layer != \"\") &", FULLEST, "all layers as one"),
    (L, "rows = (m.layer == layer) & (m.bound[:, scenario] > 0)", "scenario, rows = 0, (m.layer == layer) & (m.bound[:, 0] > 0)", FULLEST, "the first scenario for all"),
    # units of figures
    (LEDGER, '"MW", 1e-6, ",.3f"', '"MW", 1e-3, ",.3f"', (*KEYS, *SCREEN), "kilowatts as megawatts"),
    (LEDGER, '"t/year", 31557.6', '"t/year", 31536.0', KEYS, "carbon in years of 365 days"),
    (LEDGER, '"make-up water", "m3/day", 86.4', '"make-up water", "m3/day", 3.6', (*KEYS, *SCREEN), "water of an hour"),
    (LEDGER, '.replace("/", "_per_")', '.replace("/", "_")', KEYS, "keys without their per"),
    (LEDGER, 'return f"{value * self.factor:', 'return f"{value:', SCREEN, "figures on the screen in SI"),
    (SUMMARY, "number(at(FIGURES[n]) * FIGURES[n].factor)", "number(at(FIGURES[n]))", KEYS, "figures told in SI"),
    # rescaling
    (BOUND, "np.where(rows[:, None], np.atleast_1d(np.asarray(factor, float)), 1.0)", "np.atleast_1d(np.asarray(factor, float)) * np.ones((len(rows), 1))", RESCALED, "all racks rescaled"),
    (BOUND, "x if x.engine is None else replace(x, bound=x.bound * factors[x.engine])", "x if x.engine is None else replace(x, bound=x.bound * factors.max())", RESCALED, "bounds that grow with the most scaled rack"),
    (BOUND, "return _requiring(replace(plant, engine=replace(engine, power_scale=engine.power_scale * factors)), factors)",
     "return replace(plant, engine=replace(engine, power_scale=engine.power_scale * factors))", RESCALED, "stronger chips without more flow"),
    (BOUND, "return _paying(_requiring(replace(plant, engine=scaled, pipe=replace(plant.pipe, power=power)), factors), factors)",
     "return _requiring(replace(plant, engine=scaled, pipe=replace(plant.pipe, power=power)), factors)", RESCALED, "denser racks for nothing"),
    ("twin/components/compute.py", "flow, required, engine=rows)", "flow, required)", RESCALED, "a least flow that does not grow"),
]
