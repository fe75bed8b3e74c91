"""Money, carbon, figures, days of demand, bounds and worth."""

# ruff: noqa: E501
# fmt: off

C, M, F, B, D, L, V, S = (
    f"twin/{n}.py"
    for n in (
        "money/cost", "money/yearly", "results/figures", "facility/sections", "study/day", "results/limits", "study/worth",
        "show/summary",
    )
)
BOUND = "twin/study/bound.py"
BASE, ELECTRIC = "twin/components/base.py", "twin/components/electrical.py"
YEAR, DAY = "physics/test_money_year.py", "physics/test_money_day.py"


def year(*names):
    return tuple(f"{YEAR}::test_{n}" for n in names)


def day(*names):
    return tuple(f"{DAY}::test_{n}" for n in names)


ANNUITY = year("annuities_are_those_of_the_interest_tables")
LIVES = year("racks_are_paid_off_in_four_years_plant_in_fifteen_transformers_in_thirty")
DENSER = year("denser_racks_cost_more")
WORKS = year("works_are_paid_by_nameplate_over_fourteen_years")
ENERGY = year("energy_and_carbon_of_the_united_states_mix")
DIESEL = year("a_generator_of_the_default_sheet_burns_diesel")
DEMAND = year("demand_is_charged_by_the_month_on_the_contract_or_the_demand")
STAFF = year("staff_and_other_cost_is_paid_by_the_hour")
WATER = year("water_costs_three_dollars_a_cubic_metre")
LEASE = year("a_lease_is_paid_by_the_month_on_the_nameplate")
MIX = year("the_mix_is_paid_and_counted_by_its_shares")
FIGURES = year("figures_are_what_their_names_say")
INPUTS = year("inputs_count_by_their_number_and_their_value")
NETWORK = year("every_accelerator_has_its_share_of_network")
MEAN = day("a_day_is_the_mean_of_its_parts_by_hand")
HIGHEST = day("demand_without_a_contract_is_charged_by_the_highest_part_of_the_day")
QUEUE = day("prefill_keeps_its_objective_up_to_a_load_that_a_queue_gives")
TURNED = day("what_is_asked_beyond_the_objective_is_turned_away")
TOKEN_TIME = day("a_token_time_is_an_interactivity")
GROW = day("racks_grow_into_the_contract")
SEARCH = day("a_search_without_a_limit_ends_at_twenty")
RELATIVE = day("margins_are_relative_to_their_bound_and_kelvins_to_a_hundred")
FREEZING = day("coolant_stays_two_kelvin_above_its_freezing")
WORTH = day("a_megawatt_and_a_percent_are_worth_what_the_tokens_bring_less_what_they_cost")
KELVIN = day("a_kelvin_is_worth_what_half_of_one_to_either_side_changes")

STATED = year("racks_whose_power_is_stated_do_not_idle_and_are_told")
IDLE = year("plants_idle_while_nothing_is_served")
ONLY = year("only_scenarios_with_idle_hours_are_solved_again")
BURNS = year("a_generator_burns_less_while_nothing_is_served")
WET = year("water_of_a_year_is_less_by_that_of_idle_hours")
TOLD = year("idle_hours_without_a_solution_are_told_and_cost_nothing_known")
WHOSE = year("the_screen_says_whose_rent_it_is_and_of_when")
EARNED = year("the_screen_tells_income_where_tokens_have_a_price")
HOURS = year("the_screen_tells_what_idle_hours_take")
REST = day("all_idle_in_the_hours_of_a_day_in_which_nothing_is_served")
OPENED = ("test_results.py::test_idle_hours_open_as_they_were_solved",)
I, SCREEN = "twin/study/idle.py", "twin/show/screen.py"

MUTANTS = [
    # a year's cost
    ("twin/units.py", "YEAR = 365.25 * DAY", "YEAR = 365.0 * DAY", ENERGY, "years of 8,760 hours"),
    (C, "recovered = -np.expm1(-years * np.log1p(rate))", "recovered = -np.expm1(-years * rate)", ANNUITY, "interest compounded all the time"),
    (C, "1.0 / years, rate / recovered", "1.0 / years, rate / recovered / (1.0 + rate)", ANNUITY, "paid at the start of the year"),
    (C, "np.multiply(use.power, tariff.energy) * YEAR", "np.multiply(use.peak, tariff.energy) * YEAR", MEAN, "energy of the peak"),
    (C, "_total(np.multiply(assets.capital, assets.upkeep))", "_total(np.multiply(assets.capital, assets.upkeep) * annuity(rate, assets.life))", LIVES, "upkeep of the annuity"),
    (C, "amount == 0.0, np.inf, np.divide(cost, amount)", "amount == 0.0, np.inf, np.divide(amount, cost)", FIGURES, "cost upside down"),
    (C, "availability) * YEAR / 1e6)", "availability) * YEAR / 1e9)", FIGURES, "a billion tokens"),
    (C, "(YEAR / HOUR)", "8760.0", FIGURES, "accelerator hours of 8,760"),
    (BASE, "life: Time = Field(15 * YEAR", "life: Time = Field(20 * YEAR", LIVES, "plant of twenty years"),
    (BASE, "upkeep: Fraction = Field(0.03", "upkeep: Fraction = Field(0.04", LIVES, "upkeep of 4 %"),
    ("twin/components/compute.py", "life: Time = Field(4 * YEAR", "life: Time = Field(5 * YEAR", LIVES, "racks of five years"),
    (ELECTRIC, "life: Time = Field(30 * YEAR", "life: Time = Field(25 * YEAR", LIVES, "transformers of 25 years"),
    ("twin/components/compute.py", 'price(t.times("capital", t.chip_scale), write)', "price(t, write)", DENSER, "denser racks for the same money"),
    (B, "discount_rate: Fraction = Field(0.08", "discount_rate: Fraction = Field(0.07", LIVES, "interest of 7 %"),
    (B, "works_life: Time = Field(14 * YEAR", "works_life: Time = Field(15 * YEAR", WORKS, "works of 15 years"),
    (M, "total(e.nameplate, solution.plant.counts[columns.engine])", "solution.sum(columns.engine.power)", WORKS, "works by the power drawn"),
    (B, "electricity: MoneyPerEnergy = Field(0.07 / 3.6e6", "electricity: MoneyPerEnergy = Field(0.08 / 3.6e6", ENERGY, "8 cents"),
    (B, "0.369 / 3.6e6", "0.380 / 3.6e6", ENERGY, "380 g/kWh"),
    (B, "water: MoneyPerVolume = Field(3.0", "water: MoneyPerVolume = Field(2.0", WATER, "water of 2 $"),
    (B, "input_value: Fraction = Field(0.25", "input_value: Fraction = Field(0.2", FIGURES, "inputs worth a fifth"),
    (B, "self.token_price * (osl + self.input_value * isl) / (isl + osl)", "self.token_price * (osl + self.input_value * isl) / osl", INPUTS, "inputs on top"),
    (B, "rest = 1.0 - sum(share or 0.0", "rest = 1.0 - 0.5 * sum(share or 0.0", MIX, "the rest of half of the shares"),
    (B, "self.electricity if s.price is None else s.price", "self.electricity", MIX, "one price for all sources"),
    ("layouts/energy/sources.yaml", "ppa_wind: {carbon: 11 g/kWh", "ppa_wind: {carbon: 12 g/kWh", MIX, "wind of 12 g/kWh"),
    (ELECTRIC, "Field(0.3 / 3.6e6, ge=0, description=\"fuel", "Field(0.25 / 3.6e6, ge=0, description=\"fuel", DIESEL, "fuel of 25 cents"),
    (ELECTRIC, "Field(0.74 / 3.6e6", "Field(0.70 / 3.6e6", DIESEL, "diesel of 700 g/kWh"),
    (M, "result.energy + fuel(solution, \"price\") * cost.YEAR", "result.energy", DIESEL, "fuel for free"),
    (M, 'priced(solution.plant).mean("carbon") + fuel(solution, "carbon")', 'priced(solution.plant).mean("carbon")', DIESEL, "fuel without carbon"),
    (M, "water / 1000.0", "water / 998.0", WATER, "kilograms for litres at 20 degC"),
    (M, "in terms.origins.values()) if terms.colocation is None else 0.0", "in terms.origins.values())", WATER, "tenants pay for water"),
    (M, "np.where(np.isfinite(stated), stated, solution[grid])", "solution[grid]", DEMAND, "demand charged without the contract"),
    (M, "(terms.staff + terms.other) * cost.YEAR", "(terms.staff + terms.other) * 12", STAFF, "staff by the month"),
    (M, "0.0 if terms.colocation is None else terms.colocation,\n", "0.0 if terms.colocation is None else terms.colocation / 12,\n", LEASE, "leases by the year"),
    (M, "price = terms.works if terms.colocation is None else 0.0", "price = terms.works", LEASE, "tenants build the works"),
    (M, '"mw": part.share * grid / 1e6', '"mw": grid / 1e6', MIX, "all power of each source"),
    (M, "known.get(platform, {}).get(\"rental\", np.nan)", "known.get(platform, {}).get(\"own\", np.nan)", FIGURES, "rent at own cost"),
    (M, "count + chips\n", "count + 1.0 * (chips > 0)\n", year("rent_is_the_mean_over_accelerators"), "rent of racks"),
    ("layouts/serving/platforms.yaml", "own: 1.22 $/h, neocloud: 1.59 $/h, rental: 2.9 $/h", "own: 1.22 $/h, neocloud: 1.59 $/h, rental: 1.6 $/h",
     FIGURES, "rent of last year"),
    ("twin/units.py", "MONTH = YEAR / 12", "MONTH = 30 * DAY", (*DEMAND, *LEASE), "months of 30 days"),
    # figures
    (F, "np.broadcast_to(design, pue.shape)", "pue", FIGURES, "provisioned by the PUE solved"),
    (F, "income=served.per_s * cost.YEAR *", "income=served.per_s *", FIGURES, "income of a second"),
    (F, "outputs=osl / (isl + osl)", "outputs=osl / isl", INPUTS, "outputs over inputs"),
    (F, "cost.usd_per_mw_year(self.income - self.annual.total", "cost.usd_per_mw_year(self.income + self.annual.total", FIGURES, "cost earned"),
    (F, "1e6 * rate / self.tokens_per_s", "1e3 * rate / self.tokens_per_s", ENERGY, "a thousand tokens"),
    ("twin/components/compute.py", "t.network_share[serves]", "0.0 * t.network_share[serves]", NETWORK, "accelerators without their network"),
    (F, "facility / it, np.nan", "it / facility, np.nan", "physics/test_money_year.py::test_pue_is_the_meter_over_the_racks", "PUE upside down"),
    ("twin/columns.py", '"make-up water", "m3/day", 86.4', '"make-up water", "m3/day", 24.0', WATER, "water of a day"),
    (S, "per(f.carbon[i] * 3.6e9", "per(f.carbon[i] * 3.6e6", ENERGY, "carbon of a kilowatt-hour"),
    (S, "1e3 / terms.interactivity", "1.0 / terms.interactivity", FIGURES, "seconds a token"),
    (V, "moved = np.array([-0.5, 0.0, 0.5])", "moved = np.array([-1.0, 0.0, 1.0])", KELVIN, "a kelvin of two"),
    (F, "cost.usd_per_accelerator_hour(self.income, self.accelerators)", "cost.usd_per_accelerator_hour(self.income, self.tokens_per_s)", FIGURES, "income of a token"),
    # hours in which nothing is served
    ("twin/results/warnings.py", "np.isfinite(plant.engine.it_power[rows]) & hours", "np.isfinite(plant.engine.it_power[rows]) & ~hours", STATED, "stated power told where tokens are served all year"),
    (M, "share * at_work + (1.0 - share) * getattr(solution.idle, name), at_work)", "at_work, at_work)", IDLE, "idle hours at full power"),
    (M, "share * at_work + (1.0 - share) * getattr(solution.idle, name), at_work)", "share * at_work, at_work)", IDLE, "idle hours without power"),
    (M, "np.where(share < 1.0, share * at_work", "np.where(share < 2.0, share * at_work", ONLY, "idle hours of scenarios without any"),
    (M, 'mean(solution, "grid", solution.total(totals.grid))', 'solution.total(totals.grid)', IDLE, "energy of idle hours at full power"),
    (M, 'mean(solution, "water", solution.total(totals.water))', 'solution.total(totals.water)', WET, "water of idle hours at full power"),
    (M, 'mean(solution, f"fuel_{quantity}", _fuel(solution, quantity))', '_fuel(solution, quantity)', BURNS, "fuel of idle hours at full power"),
    (M, 'mean(solution, "generated", _generated(solution))', '_generated(solution)', BURNS, "generators at full power"),
    (M, "np.where(solution.status == Status.OK, x, np.nan) for x in found", "x + 0.0 for x in found", TOLD, "idle hours of what was not solved"),
    (F, 'money.mean(solution, "facility_power", facility)', "facility", IDLE, "mean power at full power"),
    (F, 'money.mean(solution, "it_power", it)', "it", WET, "water over full power"),
    (F, "(1.0 - share) * idle * cost.YEAR, 0.0)", "share * idle * cost.YEAR, 0.0)", IDLE, "idle energy of served hours"),
    ("twin/columns.py", '"MWh/year", 1 / 3.6e9', '"MWh/year", 1 / 3.6e6', IDLE, "kilowatt-hours as megawatt-hours"),
    (S, "per(f.tokens_per_s[i], f.mean_power[i])", "per(f.tokens_per_s[i], f.facility_power[i])", IDLE, "tokens over full power"),
    (S, "per(f.carbon[i] * 3.6e9, f.mean_power[i])", "per(f.carbon[i] * 3.6e9, f.facility_power[i])", IDLE, "carbon over full power"),
    (I, "utilisation=e.utilisation * works, host", "utilisation=e.utilisation, host", IDLE, "chips at work in idle hours"),
    (I, "host_utilisation=e.host_utilisation * works", "host_utilisation=e.host_utilisation", year("hosts_idle_with_their_chips"), "hosts at work in idle hours"),
    (I, "served_share(plant) < 1.0", "served_share(plant) < 2.0", year("nothing_is_idle_where_tokens_are_served_all_year"), "a second solve of everything"),
    ("twin/results/whole.py", "getattr(joined, name)[chosen] = values", "getattr(joined, name)[...] = values[0]", OPENED, "idle hours of the first"),
    ("twin/results/warnings.py", "np.isnan(solution.idle.facility_power) &", "np.isnan(solution.idle.facility_power) & False &", TOLD, "unknown idle hours untold"),
    (D, "terms.availability * of_day(x) + (1.0 - terms.availability) * idle(x)", "of_day(x)", REST, "idle hours at the demand"),
    (D, "        of_day(f.tokens_per_s) * within,", "        mean(f.tokens_per_s) * within,", REST, "availability twice in tokens"),
    (D, "        of_day(f.income) * within,", "        mean(f.income) * within,", REST, "availability twice in income"),
    (SCREEN, '{energy:,.0f} MWh a year', '{energy * 1e3:,.0f} MWh a year', HOURS, "idle hours in kWh"),
    (SCREEN, 'if income is not None else []', 'if margin is None else []', EARNED, "no income per hour"),
    (M, 'if priced(plant).rent is None else "stated"', 'if priced(plant).rent is not None else "stated"', WHOSE, "a published rent as stated"),
    (M, '"published_2026_07", "July 2026"', '"published_2025_2026", "July 2026"', FIGURES, "rents of the year before"),
    # a day
    (D, "of_day(f.tokens_per_s) * within,", "of_day(f.tokens_per_s),", TURNED, "tokens beyond the objective"),
    (D, "sold / within if within > 0 else sold", "sold", TURNED, "chips slowed instead of idled"),
    (D, "sold = np.minimum(demand, within)", "sold = demand * within", TURNED, "all parts turned away alike"),
    (D, "levels.shape)[hour].max())\n    return", "levels.shape)[hour].mean())\n    return", HIGHEST, "demand charged by the mean"),
    (D, "terms.max_tpot * terms.interactivity < 1.0", "terms.max_tpot * terms.interactivity < 2.0", TOKEN_TIME, "token times of two"),
    (D, "float(f.facility_power[0]),", "float(f.facility_power[hour].min()),", day("idle_power_is_that_of_nothing_asked"), "idle power of the lightest part"),
    ("twin/serving/platforms.py", "queue(\"prefill\", reading, count, scv=0.5)", "queue(\"prefill\", reading, count, scv=1.0)", QUEUE, "prefill as M/M/k"),
    ("twin/serving/platforms.py", "delay(\"engine\", latency, scv=0.0)", "delay(\"engine\", latency, scv=1.0)", QUEUE, "an engine that varies"),
    ("twin/study/levels.py", "utilisation=e.utilisation * share, host_utilisation", "utilisation=share, host_utilisation",
     day("a_day_scales_the_work_that_the_layout_has"), "a day of full work"),
    # bounds and limits
    (BOUND, "MAX_SCALE = 20.0", "MAX_SCALE = 10.0", SEARCH, "bounds up to ten"),
    (L, 'SCALES = {"temperature": 100.0', 'SCALES = {"temperature": 10.0', RELATIVE, "kelvins of ten"),
    (L, "SMALLEST_SCALE = 0.02", "SMALLEST_SCALE = 1e-9", RELATIVE, "margins of a thousandth"),
    (L, "FREEZING = 2.0", "FREEZING = 3.0", FREEZING, "three kelvin above freezing"),
    (BOUND, "power_scale=engine.power_scale * factors", "power_scale=engine.power_scale * factors**0.5", GROW, "power by the root of the scale"),
    (BOUND, "x.capital * np.array([of.get(n, one) for n in x.elements])", "x.capital * np.array([one for n in x.elements])", WORTH, "denser racks for free"),
    # worth
    (V, "SHARE * contract / 1e6", "contract / 1e6", WORTH, "a megawatt a hundred times too cheap"),
    (V, "0.01 * _work(warm, price / terms.availability)", "0.01 * _work(warm, price)", WORTH, "a percent of what is served"),
    (V, "/ 1e6 * price - used)[1]", "/ 1e6 * price)[1]", WORTH, "a percent of work without its energy"),
    (V, "figures(with_idle_hours(solution, solution.plant))", "figures(solution)", WORTH, "a margin with idle hours at full power"),
    (V, "f.tokens_per_s * YEAR / 1e6 * price - f.annual.total", "f.tokens_per_s * YEAR / 1e6 * price", WORTH, "revenue for margin"),
]
