"""Readers of other programs' networks: units, references, signs."""

# ruff: noqa: E501
# fmt: off

M, P, G, E, I, N = (f"twin/{n}.py" for n in (
    "readers/matpower", "readers/pandapower", "readers/power_grid_model", "readers/epanet", "readers/inp_options",
    "networks/power_results",
))
FILES = "physics/test_power_files.py"


def files(*names):
    return tuple(f"{FILES}::test_{n}" for n in names)


SHUNTS = files("matpower_shunts_are_megawatts_and_megavars_at_one_per_unit")
BRANCHES = files("matpower_branches_charge_sag_and_are_rated_in_megavolt_amperes")
TAPS = files("matpower_taps_divide_the_voltage_and_shifts_delay_it")
LINES = files("pandapower_lines_are_ohms_nanofarads_microsiemens_and_kiloamperes_by_the_kilometre")
INJECTIONS = files("pandapower_injections_have_their_signs_scalings_and_shares_of_impedance")
TRAFO = files("a_pandapower_transformer_has_its_iron_copper_impedance_and_vector_group")
MOVED = files("pandapower_taps_move_the_voltage_of_their_side")
OWN = files("pandapower_impedances_are_per_unit_of_their_own_rating")
UNITS = files("every_unit_of_flow_is_so_many_litres_and_goes_with_feet_or_metres")
ROUGH = files("rough_pipes_lose_by_manning_and_by_darcy_and_weisbach")
PUMP = files("pumps_follow_the_power_law_of_their_points_and_the_affinity_laws")
LIFT = files("a_pump_of_constant_power_lifts_its_power_over_weight_and_flow")
EMITTER = files("an_emitter_gives_its_coefficient_at_a_metre_or_a_psi")
PGM = ("readers/test_power_grid_model.py::test_power_grid_model_files_give_what_it_computes",)
GRIDS = ("readers/test_power_grid_model.py",)


def inp(*names):
    return tuple(f"test_epanet_files.py::test_{n}" for n in names)


PRESSURES = inp("units_of_pressure_are_so_many_metres")
LITTLE = inp("nothing_leaks_without_pressure_and_little_with_little")
LEAKS = inp("leaks_are_orifices_of_an_area_a_hundred_metres", "leaks_grow_with_the_head_in_metres_and_feet")
BACK = inp("emitters_without_backflow_let_nothing_in")
SPEEDS = inp("a_pattern_goes_before_a_status_and_a_control_before_the_pattern")
WITHIN = inp("a_control_acts_within_five_ten_thousandths_of_a_foot")
CIRCLES = inp("controls_act_on_the_pressure_at_a_junction_until_none_changes_anything")
SERIES = inp("valves_in_series_settle_where_the_tighter_one_holds")
YET = inp("a_sustaining_valve_shuts_where_a_check_valve_feeds_in_its_place")
REST = inp("where_nothing_flows_reducing_valves_hold_their_setting")
V = "twin/networks/regulators.py"
EACH = ("physics/test_power_units.py::test_every_unit_is_the_tables_of_si",)
SIZES = ("test_units.py::test_a_wrong_quantity_is_refused_with_the_fix",)
WARMTH = ("physics/test_power_units.py::test_temperatures_are_kelvins_celsius_and_fahrenheit",)
U = "twin/units.py"
PLANT = ("cases/pandapower/test_pandapower.py",)
EPANET = ("cases/epanet/test_epanet.py",)
STEPS = files("tap_changers_step_until_their_voltage_lies_in_its_band")
RANGES = files("generators_of_one_bus_share_its_reactive_power_by_their_ranges")

J, W = "twin/networks/jumpers.py", "twin/networks/power.py"
JUMPERS, PANDAS = ("test_jumpers.py",), ("readers/test_pandapower.py::test_a_continuous_tap_changer_without_bounds_goes_beyond_its_range", "readers/test_pandapower.py::test_continuous_tap_changers_stop_where_pandapowers_do")
NOTED = ("test_networks.py::test_fields_that_are_not_read_are_told_but_for_costs_and_names",)
BASELESS = ("test_networks.py::test_without_base_voltages_all_but_currents_is_solved",)

MUTANTS = [
    # units of layouts
    (U, "TON = 12e3 * BTU / HOUR", "TON = 12e3 * 1054.35 / HOUR", EACH, "thermochemical British units"),
    (U, '"hp": 745.699872', '"hp": 735.49875', EACH, "metric horses"),
    (U, "GALLON = 3.785411784e-3", "GALLON = 4.54609e-3", EACH, "imperial gallons"),
    (U, '"cfm": FOOT**3 / 60,', '"cfm": FOOT**3 / 3600,', EACH, "cubic feet an hour"),
    (U, '"psi": 6894.757293', '"psi": 6984.757293', EACH, "a psi with its digits turned"),
    (U, '"ohm/kft": 1e-3 / FOOT', '"ohm/kft": 1e-3 * FOOT', EACH, "kilofeet upside down"),
    (U, "RANKINE = 5 / 9", "RANKINE = 0.56", EACH, "a Fahrenheit of 0.56 K"),
    (U, "POUND = 0.45359237", "POUND = 0.4536", EACH, "a pound in four digits"),
    (U, "WATER = 9.80665", "WATER = 9.7772", EACH, "water of 20 degC"),
    (U, "MERCURY = 133.3224", "MERCURY = 133.7", EACH, "mercury of another day"),
    (U, '"inHg": 25.4 * MERCURY', '"inHg": 2.54 * MERCURY', EACH, "centimetres to an inch"),
    (U, '"MBH": 1e3 * BTU / HOUR', '"MBH": 1e6 * BTU / HOUR', EACH, "M for mega"),
    (U, '"fpm": FOOT / 60', '"fpm": FOOT / 3600', EACH, "feet an hour"),
    (U, '"gpm/ton": GALLON / 60 / TON', '"gpm/ton": GALLON / 60 / 1e3', EACH, "gallons a kilowatt"),
    (U, '"Btu/h/degF": BTU / HOUR / RANKINE', '"Btu/h/degF": BTU / HOUR', EACH, "conductance for a kelvin"),
    (U, '"c/kWh": 0.01 / (1e3 * HOUR)', '"c/kWh": 1 / (1e3 * HOUR)', EACH, "cents for dollars"),
    (U, '"GiB": 2.0**30', '"GiB": 1e9', EACH, "gibibytes of ten"),
    (U, '"lpm": 1e-3 / 60', '"lpm": GALLON / 60', EACH, "litres for gallons"),
    (U, "alike[0] if alike and len(sizes) == 1 else None", "alike[0] if alike else None", SIZES, "hints of another size"),
    (U, '"mbar": 100.0', '"mbar": 1000.0', EACH, "a millibar of ten"),
    (U, '"Gb/s": 1e9 / 8', '"Gb/s": 1e9', EACH, "bits for bytes"),
    (U, '"g/kWh": 1e-3 / (1e3 * HOUR)', '"g/kWh": 1e-6 / (1e3 * HOUR)', EACH, "milligrams of carbon"),
    (U, '"nF/km": 1e-12', '"nF/km": 1e-9', EACH, "nanofarads a metre"),
    (U, '"degF": 459.67 * 5 / 9', '"degF": 455.37 * 5 / 9', WARMTH, "Fahrenheit's zero"),
    (U, '"degC": 273.15', '"degC": 273.16', WARMTH, "the triple point for the ice point"),
    # MATPOWER
    (M, '(bus["GS"] + 1j * bus["BS"]) / base', '(bus["GS"] - 1j * bus["BS"]) / base', SHUNTS, "BS demanded"),
    (M, '(bus["GS"] + 1j * bus["BS"]) / base', 'bus["GS"] + 1j * bus["BS"]', SHUNTS, "shunts of per unit"),
    (M, 'charging=1j * branch["BR_B"]', 'charging=2j * branch["BR_B"]', BRANCHES, "BR_B at each end"),
    (M, 'branch["RATE_A"] / base', 'branch["RATE_B"] / base', BRANCHES, "the short rating"),
    (M, 'series = 1.0 / (branch["BR_R"] + 1j', 'series = 1.0 / (branch["BR_R"] - 1j', BRANCHES, "reactance that leads"),
    (M, "ratio=tap * shift", "ratio=shift / tap", TAPS, "taps upside down"),
    (M, 'np.exp(1j * np.radians(branch["SHIFT"]))', 'np.exp(-1j * np.radians(branch["SHIFT"]))', TAPS, "shifts ahead"),
    # pandapower
    (P, "b = 2 * np.pi * self.frequency", "b = np.pi * self.frequency", LINES, "pi f C"),
    (P, '"c_nf_per_km", 0.0) * 1e-9', '"c_nf_per_km", 0.0) * 1e-12', LINES, "picofarads"),
    (P, '"g_us_per_km", 0.0) * 1e-6', '"g_us_per_km", 0.0) * 1e-3', LINES, "millisiemens"),
    (P, "* length / ohm / parallel\n", "* length / ohm\n", LINES, "parallel lines as one"),
    (P, 't.number("df", 1.0) * parallel * np.sqrt(3.0)', 'parallel * np.sqrt(3.0)', LINES, "ratings without df"),
    (P, "parallel * np.sqrt(3.0)\n", "parallel\n", LINES, "ratings of a phase"),
    (P, '("sgen", -1.0)', '("sgen", 1.0)', INJECTIONS, "generators that take"),
    (P, 'sign * power * t.number("scaling", 1.0)', "sign * power", INJECTIONS, "loads unscaled"),
    (P, "np.add.at(load, self.at(t, \"bus\"), power - part)", "np.add.at(load, self.at(t, \"bus\"), power)", INJECTIONS, "constant impedance twice"),
    (P, "t.number(\"vn_kv\", np.nan)) ** 2", "t.number(\"vn_kv\", np.nan))", INJECTIONS, "shunts linear in voltage"),
    (P, '1j * t.number("q_mvar")) * step', '1j * t.number("q_mvar")) * 1.0', INJECTIONS, "one step of a shunt"),
    (P, 'np.where(on, t.number("ps_mw")', 'np.where(on, t.number("pz_mw")', INJECTIONS, "wards' powers mixed"),
    (P, 'z = t.number("vk_percent") / 100 / sn', 'z = t.number("vk_percent") / 100', TRAFO, "impedance on the base of the file"),
    (P, 't.number("pfe_kw") * 1e-3', 't.number("pfe_kw") * 1e-2', TRAFO, "iron loss"),
    (P, "(core - 1j * idle) / impedance", "(core + 1j * idle) / impedance", TRAFO, "a magnetising current that leads"),
    (P, '(t.number("i0_percent") / 100 * sn) ** 2', '(t.number("i0_percent") / 100) ** 2', TRAFO, "no-load current on 1 MVA"),
    (P, "np.exp(1j * np.radians(shift))\n", "np.exp(-1j * np.radians(shift))\n", TRAFO, "a vector group ahead"),
    (P, "(lv * lv_factor / ends.kv_end) ** 2 / parallel", "(lv * lv_factor / ends.kv_end) ** 2", TRAFO, "parallel transformers as one"),
    (P, "percent / 100, 1 + moved * percent / 100", "percent / 100, 1 - moved * percent / 100", MOVED, "taps the other way"),
    (P, "ratio = hv * hv_factor / (lv * lv_factor)", "ratio = hv * hv_factor * lv_factor / lv", MOVED, "low-side taps on the high side"),
    (P, "/ (ends.kv_start / ends.kv_end)", "/ (hv / lv)", MOVED, "rated voltages of transformers ignored"),
    (P, "angle = moved * degree if degree", "angle = 2 * moved * degree if degree", MOVED, "ideal shifters of twice the step"),
    (P, '1j * t.number("xft_pu", 0.0)) / sn * self.base', '1j * t.number("xft_pu", 0.0)) * sn * self.base', OWN, "impedances on the file's base"),
    # power-grid-model
    (G, "2 * np.pi * self.frequency * c * impedance", "np.pi * self.frequency * c * impedance", PGM, "pi f C"),
    (G, "pk / sn * own", "pk / sn / 2 * own", PGM, "half of the copper"),
    (G, "np.radians(30.0) * clock", "np.radians(-30.0) * clock", PGM, "clocks backwards"),
    (G, "np.sqrt(1 + ratio**2) / (ratio + 1j)", "1.0 / (ratio + 1j)", PGM, "a source of its reactance"),
    (G, "impedance, own_impedance = rated[end] ** 2 / BASE,", "impedance, own_impedance = rated[end] ** 2 / BASE / 3,", PGM, "transformers of a phase"),
    (G, "return *ends, closed[0] | closed[1]", "return *ends, closed[0] & closed[1]", GRIDS, "branches open at one end left out"),
    (G, "position = np.clip(self.column", "position = np.asarray(self.column", GRIDS, "taps beyond their range"),
    (G, "nominal + share *", "nominal - share *", GRIDS, "impedances that fall where they should rise"),
    (G, "k * turn, sn", "turn / k, sn", GRIDS, "generic branches with their ratio upside down"),
    (G, '"rx_ratio": 0.1', '"rx_ratio": 0.2', GRIDS, "another ratio of sources that give none"),
    (G, "LINK = 1e8", "LINK = 1e5", GRIDS, "links of a thousand times the impedance"),
    # EPANET
    (I, '"MGD": 231e6 * 0.0254**3 / 86400', '"MGD": 4546.09 / 86400', UNITS, "imperial gallons for American"),
    (I, '"AFD": 43560 *', '"AFD": 43650 *', UNITS, "an acre"),
    (I, '"CMD": 1 / 86400', '"CMD": 1 / 3600', UNITS, "hours for days"),
    (I, "list(FLOW).index(units) < 5", "list(FLOW).index(units) < 4", UNITS, "acre-feet with metres"),
    (I, "diameter=FOOT / 12 if us_customary", "diameter=FOOT / 10 if us_customary", UNITS, "ten inches to a foot"),
    (E, "GRAVITY = 32.2 * FOOT", "GRAVITY = 9.80665", UNITS, "standard gravity"),
    (E, "n, factor = 1.852, 4.727 * L", "n, factor = 1.85, 4.727 * L", UNITS, "Hazen-Williams to 1.85"),
    (E, "4.727 * L / roughness**1.852 / d**4.871", "4.727 * L / roughness**1.852 / d**4.87", UNITS, "diameter to 4.87"),
    (E, "4.727 * L", "4.73 * L", UNITS, "another constant of Hazen-Williams"),
    (E, "(1.49 * math.pi * d**2)", "(1.49 * math.pi * d**1.9)", ROUGH, "diameter in Manning's law"),
    (I, "VISCOSITY = 1.1e-5 * FOOT**2", "VISCOSITY = 1.1e-5 * FOOT", ROUGH, "viscosity in feet"),
    (I, "roughness=1e-3 * FOOT if us_customary else 1e-3", "roughness=1e-3 * FOOT", ROUGH, "roughness in millifeet"),
    (E, "(0.0, 4 * h / 3)", "(0.0, 1.25 * h)", PUMP, "shut-off a quarter above"),
    (E, "weight * s**2 * h0", "weight * s * h0", PUMP, "heads by the speed"),
    (E, "s ** (2.0 - n) * b", "s**2 * b", PUMP, "falls by the square of the speed"),
    (E, "/ math.log(q2 / q1)", "/ math.log(2.0 * q2 / q1)", PUMP, "the exponent of a pump"),
    (I, "LIFT = 8.814 *", "LIFT = 8.5 *", LIFT, "weaker horses"),
    (I, "LIFT / 0.7457", "LIFT / 0.735", LIFT, "metric horses"),
    (I, "PSI = FOOT / 0.4333", "PSI = FOOT / 0.4667", EMITTER, "feet to a psi"),
    (I, '"BAR": PSI / 0.068948', '"BAR": PSI / 0.06895', PRESSURES, "a bar of rounded kilopascals"),
    (I, '"FEET": FOOT}', '"FEET": 1.0}', PRESSURES, "feet of a metre"),
    (E, "ORIFICE = 0.6 *", "ORIFICE = 0.61 *", LEAKS, "another coefficient of discharge"),
    (E, "LEAK_AREA, LEAK_LENGTH = 1e-6, 100.0", "LEAK_AREA, LEAK_LENGTH = 1e-6, 1000.0", LEAKS, "leaks a kilometre"),
    (E, "area * long * fixed / len(ends)", "area * long * fixed / 2", LEAKS, "half of a leak into a reservoir"),
    (E, "area * long * growing / length / len(ends)", "area * long * growing / len(ends)", LEAKS, "growth by the metre in feet"),
    (E, "growing, 1.0, 1.5, False", "growing, 1.0, 0.5, False", LEAKS, "leaks that do not grow"),
    (E, "-math.inf if backflow else 0.0", "-math.inf", BACK, "emitters that let in"),
    (E, "self._set_speed(link.line, link, link.pattern_speed)", "pass", SPEEDS, "speeds by status before pattern"),
    ("twin/networks/pipes.py", "BLUNT = 0.01", "BLUNT = 1e4", LITTLE, "leaks straight to a metre of head"),
    ("twin/networks/controls.py", "BAND = 0.0005 * 0.3048", "BAND = 0.0005", WITHIN, "five ten-thousandths of a metre"),
    ("twin/networks/controls.py", "acts & (column[row, scenarios] != value)", "acts", CIRCLES, "controls that change nothing"),
    (V, "np.where(sustaining, before - setting, setting - after)", "before - setting", SERIES, "reducing valves that sustain"),
    (V, "np.maximum(throttle, 10.0 * stand.across + 100.0 * MOVE), 0.0)", "0.0, 0.0)", YET, "valves that never shut"),
    (V, "valves.sustaining, sustained, np.minimum(before, setting)", "valves.sustaining, sustained, before", REST, "dead ends at full pressure"),
    # what other programs compute of the same files
    (P, "SWITCH = (2.0 + 1.0j) / abs(2.0 + 1.0j)", "SWITCH = (1.0 + 2.0j) / abs(1.0 + 2.0j)", PLANT, "switches that are reactive"),
    (P, "around = half * half + 2 * half * across", "around = half * half + half * across", PLANT, "a T model with half of its core"),
    ("twin/readers/records.py", "np.where(taps.tap_at_end, 1 / change, change)", "change", STEPS, "tap changers of the low side as of the high"),
    (G, "LINK * (1 + 1j)", "1e-3 * LINK * (1 + 1j)", PGM, "links of an impedance"),
    (G, "(1j + tangent)", "1j", PGM, "lines without dielectric loss"),
    (E, "link.shutoff, link.zeta = -setting *", "link.shutoff, link.zeta = setting *", EPANET, "breakers that lift"),
    (I, "viscosity * VISCOSITY if viscosity > 1e-3", "VISCOSITY if viscosity > 1e-3", EPANET, "water's own viscosity"),
    (N, "share = np.where(on, span / np.maximum(bus_span[at], 1e-12), 0.0)", "share = np.where(on, 1.0, 0.0)", RANGES, "generators that share nothing"),
    (P, "power[k] = steps[characteristic, step[k]]", "power[k] = steps[characteristic, step[k]] * step[k]", ("readers/test_pandapower.py::test_a_shunt_gives_what_its_table_says_of_its_step",), "a shunt's table of one step"),
    (P, "nominal = lv / hv * trafos", "nominal = hv / lv * trafos", PANDAS, "continuous taps of an inverse ratio"),
    (P, 'content.get("tol", 1e-3)', 'content.get("tol", 1e-3) / 100', PANDAS, "continuous taps of another tolerance"),
    (P, "positions[1:3] = -np.inf, np.inf", "positions[1:3] = positions[1:3]", PANDAS, "bounds that are not asked for"),
    (W, "steps = np.where(continuous, misses * missing", "steps = np.where(continuous, missing", PANDAS, "continuous taps that never rest"),
    (M, "if assigned[1] not in (*UNREAD, *self.left_out)", "if False", NOTED, "fields left out in silence"),
    (N, "step = np.where((step > 0) & np.isfinite(step), step, 1.0)", "step = np.asarray(step)", BASELESS, "no loading without base voltages"),
    # jumpers, and where Newton starts
    (J, "STIFF = 1e6", "STIFF = 1e30", JUMPERS, "jumpers solved with all that they stand beside"),
    (J, "now - together", "together - now", JUMPERS, "drops taken from the wrong side"),
    (J, "(start, end, -y), (end, start, -y)", "(start, end, y), (end, start, y)", JUMPERS, "jumpers that do not share"),
    (J, "first[node[holders]] = holders", "first[node[holders]] = first[node[holders]]", JUMPERS, "voltages held at another bus of the group"),
    (J, "np.where(holds, net.gen_max_q, np.imag(net.gen_power))", "net.gen_max_q", JUMPERS, "limits of generators that hold nothing"),
    (W, "sign * current + charged", "current + charged", JUMPERS, "currents that leave a jumper at both ends"),
    (W, "SETTLED = 1e-11", "SETTLED = 1e-3", JUMPERS, "drops of the first pass"),
    (W, "LOW = 0.5", "LOW = 0.0", JUMPERS, "the lower of two solutions"),
    (W, "WORST = 1e-8", "WORST = 1.0", JUMPERS, "rounding taken for an answer"),
    (W, "b * shift", "-b * shift", JUMPERS, "phase shifters the other way"),
    # what is told of a flow
    (N, "kilovolt = [np.sqrt(3.0) * vm_pu", "kilovolt = [3.0 * vm_pu", BRANCHES, "currents of three"),
    (N, "loading = 100.0 * larger(at_start, at_end)", "loading = 100.0 * at_start", BRANCHES, "loading of the from side"),
]
