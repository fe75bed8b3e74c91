"""Sweeps, their axes and stores, years and losses."""

# ruff: noqa: E501
# fmt: off

AXES, DESIGN, STORE, SWEEP, SWEPT, YEAR, HOURLY, LOSS, SWITCH, ORBITS, DEPENDS, PRICES, REDUNDANCY = (
    f"twin/{n}.py"
    for n in (
        "study/axes", "study/design", "study/store", "study/sweep", "study/swept", "study/year", "readers/hourly",
        "study/contingencies", "study/transfers", "plant/orbits", "study/dependents", "study/prices", "study/redundancy",
    )
)


def tests(folder, file):
    return lambda *names: tuple(f"{folder}/test_{file}.py::test_{n}" for n in names)


axes, design, sweep, year, hourly, loss, price = (
    tests(folder, file)
    for folder, file in (
        ("study", "axes"), ("study", "design"), ("study", "sweep"), ("study", "year"), ("readers", "hourly"),
        ("study", "contingencies"), ("study", "prices"),
    )
)
closed = tests("cases/redundancy", "redundancy")
QUANTILES = axes("quantiles_are_those_of_the_definitions")
DAMAGED = sweep("a_damaged_chunk_is_told_and_solved_again")
SAME = sweep("what_is_stored_is_what_a_solve_gives")

MUTANTS = [
    (AXES, "np.linspace(low, high, int(found[\"count\"]))", "np.linspace(low, high, int(found[\"count\"]) + 1)[:-1]", axes("values_of_an_axis"), "a range without its end"),
    (AXES, "stats.uniform(v[0], v[1] - v[0])", "stats.uniform(v[0], v[1])", QUANTILES, "a range for its end"),
    (AXES, "stats.lognorm(np.log(v[1]), scale=v[0])", "stats.lognorm(v[1], scale=v[0])", QUANTILES, "a factor for its logarithm"),
    (AXES, "stats.triang((v[1] - v[0]) / (v[2] - v[0]), v[0], v[2] - v[0])", "stats.triang((v[2] - v[1]) / (v[2] - v[0]), v[0], v[2] - v[0])", QUANTILES, "a triangle the wrong way round"),
    (AXES, "ends = np.array(chance.distribution.ppf([TAIL, 1.0 - TAIL]), float)", "ends = np.array(chance.distribution.ppf([0.4, 0.6]), float)", axes("what_is_no_axis_is_told_with_its_remedy"), "the ends of a distribution are not looked at"),
    (DESIGN, "scramble=True, seed=np.random.default_rng(seed)", "scramble=True, seed=np.random.default_rng(0)", design("draws_are_the_same_beside_every_other_value_and_follow_the_seed"), "a seed without effect"),
    (DESIGN, "code = code * len(known) + own", "code = code + own", design("plants_of_cases_and_models_are_groups"), "plants of different shape taken for one"),
    (STORE, "if (self._arrays[\"status\"][rows] == PENDING).all():", "if False:", sweep("a_store_is_read_while_it_is_written"), "a chunk that was never finished counts as one"),
    (STORE, "                    if not (self.path / name / key).is_file():", "                    if False:", DAMAGED, "a file that is missing reads as nothing"),
    (STORE, "            self.read(number)\n        except DAMAGED as error:", "            pass\n        except DAMAGED as error:", DAMAGED, "files are not checked"),
    (STORE, "if _key(path) in _HELD:", "if False:", sweep("two_writers_do_not_share_chunks"), "two writers in one process"),
    (STORE, "            digest.update(np.ascontiguousarray(column, float).tobytes())", "            pass", sweep("another_sweep_is_kept_out_of_a_store"), "a store of other values is taken"),
    (SWEEP, "return range(chunks * (i - 1) // n, chunks * i // n)", "return range(chunks * (i - 1) // n, max(chunks * i // n - 1, 0))", sweep("shards_share_a_store_and_leave_nothing_out"), "shards leave a chunk out"),
    (SWEEP, "chosen = every.part(np.searchsorted(own.rows, start + places))", "chosen = every.part(np.searchsorted(own.rows, places))", SAME, "a chunk has the scenarios of the first"),
    (SWEEP, "places = np.flatnonzero(status != Status.OK).tolist()", "places = np.flatnonzero(status == Status.OK).tolist()", sweep("only_what_failed_or_is_missing_is_solved_again"), "what was solved is solved again"),
    (SWEPT, "values = np.moveaxis(data[address].values.reshape(shape), i, 0).reshape(shape[i], -1)[:, 0]", "values = data[address].values[: shape[i]]", sweep("a_grid_has_an_axis_for_each_that_was_varied"), "a grid with the wrong coordinates"),
    (YEAR, "return self.energy / self.it_energy\n\n    def partial_pue", "return float(self.hours[\"pue\"].mean())\n\n    def partial_pue", year("pue_of_the_year_is_no_mean_of_hourly_ratios"), "the mean of hourly ratios"),
    (YEAR, "return self.it_energy / (self.it_energy - self.sum(\"rack_overhead\"))", "return self.it_energy / (self.it_energy + self.sum(\"rack_overhead\"))", year("tue_counts_what_is_lost_inside_racks"), "ITUE below one"),
    (YEAR, "return (e.fan_power * speed**3 * ", "return (0.0 * speed**3 * ", year("tue_counts_what_is_lost_inside_racks"), "fans of racks left out"),
    (YEAR, "return self.end_uses[\"electrical_loss\"] / (self.it_energy + self.end_uses[\"electrical_loss\"])", "return self.end_uses[\"electrical_loss\"] / self.it_energy", year("end_uses_are_the_meter"), "losses over what arrives"),
    (YEAR, "self._put(name, at, blank(share * solution.total(total)))", "self._put(name, at, blank(solution.total(total)))", year("hours_in_which_nothing_is_served_are_in_the_sums"), "end uses at full power all year"),
    (YEAR, "if getattr(cooler.law, \"compresses\", False):", "if True:", year("compressors_are_counted_apart_from_the_weather"), "dry coolers taken for compressors"),
    (YEAR, "at = int(order[int(np.floor(share * len(order)))])", "at = int(order[0])", year("densities_are_those_of_the_hottest_hours"), "the worst hour for all shares"),
    (YEAR, "spent = power * rates[PRICE] + hours[\"fuel_price\"]", "spent = power * rates[PRICE].mean() + hours[\"fuel_price\"]", year("carbon_and_price_are_taken_hour_by_hour"), "the mean price for every hour"),
    (YEAR, "found[f\"{address}.{field}\"] = own * share", "found[f\"{address}.{field}\"] = share", year("load_is_a_share_of_what_the_layout_says"), "a share of everything"),
    (YEAR, "(WEEK.index(file.first_day) if file.first_day else 0)", "0", year("a_load_profile_by_hour_and_weekday"), "every year begins on a Monday"),
    (HOURLY, "local - 3600.0 * time_zone", "local + 3600.0 * time_zone", hourly("an_hour_of_another_year_by_its_date_and_hour"), "a shift the wrong way"),
    (HOURLY, "return Aligned(self.values[at % len(self.time)], tuple(notes))", "return Aligned(self.values[np.clip(at, 0, len(self.time) - 1)], tuple(notes))", hourly("an_hour_of_another_year_by_its_date_and_hour"), "hours beyond the end repeat the last"),
    (HOURLY, "\"lb/mwh\": (CARBON, 0.45359237 / MWH)", "\"lb/mwh\": (CARBON, 1.0 / MWH)", hourly("pounds_are_pounds"), "pounds taken for kilograms"),
    (LOSS, "if effect.emergency or (effect.passed and mode == \"planned\"):", "if effect.emergency:", ("cases/redundancy/test_redundancy.py::test_a_load_for_hours_after_a_loss",), "planned work on emergency ratings"),
    (LOSS, "dark = works & (power <= DARK * self.power)", "dark = works & (power < 0.0)", loss("a_tie_closes_by_itself_and_only_where_that_helps"), "dark racks are not seen"),
    (LOSS, "{f\"{name}.{field}\": count - 1.0}, ()", "{f\"{name}.{field}\": count * 1.0}, ()", loss("one_of_several_units_is_lost_and_all_in_a_group"), "no unit is lost"),
    (LOSS, "switching.after(loss.before, True))", "switching.after(loss.before, False))", loss("a_fault_during_maintenance_finds_what_was_switched_for_that"), "maintenance without switching"),
    (SWITCH, "ways = (\"automatic\", \"manual\") if planned else (\"automatic\",)", "ways = (\"automatic\", \"manual\")", loss("a_manual_tie_is_for_what_is_planned"), "hands that are there in a fault"),
    (SWITCH, "                opened += self._opens([n], gone)\n", "", loss("the_other_breaker_of_a_transfer_pair_opens_first"), "back-feed through the dead side"),
    (SWITCH, "for n in first - dark if not (planned or self.parts[n].stores)", "for n in first - dark if False", loss("batteries_bridge_and_serve_nothing_after"), "nothing is ever interrupted"),
    (SWITCH, "for n in before.closed if n not in gone]", "for n in ()]", loss("a_fault_during_maintenance_begins_from_what_was_switched_for_it"), "a fault that forgets what maintenance closed"),
    (SWITCH, "bool(getattr(self.parts[name], \"in_service\", True))", "True", loss("a_battery_bridges_what_it_still_feeds_and_only_in_service"), "batteries that are off bridge"),
    (SWITCH, "self._reach.without(still, buses)[0]", "self._reach.without((), buses)[0]", loss("a_battery_bridges_what_it_still_feeds_and_only_in_service"), "batteries bridge across what is lost"),
    (SWITCH, "if 0 < now[n][0] < live}", "if 0 < now[n][0]}", loss("a_feed_that_standby_equipment_restores_is_not_lost"), "feeds that are restored counted as lost"),
    (REDUNDANCY, "needed = self.pieces - self.spare", "needed = self.pieces - 1", closed("how_redundancy_is_written"), "one to spare whatever there is"),
    (REDUNDANCY, "rank = sorted(before[parts[name].kind]).index(distance)", "rank = 0", closed("a_stage_is_one_step_of_the_train_and_no_other"), "steps of the train in one stage"),
    (REDUNDANCY, "borne[i] = borne.get(i, True) and verdict", "borne[i] = verdict", closed("a_piece_to_spare_may_be_any"), "the last way to lose pieces counts alone"),
    (ORBITS, "((_, own),) = partitions(facility, scenario, {standing: 0})", "((_, own),) = partitions(facility, scenario)", loss("a_ring_of_six_is_not_two_rings_of_three"), "nothing singled out"),
    (DEPENDS, "if len(part) > 2 and not pumps.isdisjoint(inside):", "if len(part) > 2:", loss("circuits_without_a_pump_do_not_flow"), "coolant that flows without a pump"),
    (DEPENDS, "while more := {hot for hot, cold in ways if hot is not None and cold in cooled} - cooled:", "while more := {hot for hot, cold in ways if hot is not None} - cooled:", loss("what_depends_on_equipment_by_the_wiring_alone"), "exchangers into loops that nothing cools"),
    (PRICES, "bound[:, k + 1] = here + limit.kind.sense *", "bound[:, k + 1] = here - limit.kind.sense *", price("a_hundredth_of_the_contract_buys_what_a_layout_with_it_gains"), "limits made tighter"),
    (PRICES, "earned = value - cost", "earned = value", price("money_is_income_less_cost_where_a_price_is_stated"), "cost left out"),
]
