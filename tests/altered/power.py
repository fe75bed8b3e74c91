"""The power train: conductors, transformers, converters, sources, cords."""

# ruff: noqa: E501
# fmt: off

E, D, L = "twin/components/electrical.py", "twin/domains/electrical.py", "twin/plant/train.py"
LINES, SOURCES = "physics/test_power_lines.py", "physics/test_power_sources.py"


def lines(*names):
    return tuple(f"{LINES}::test_{n}" for n in names)


def sources(*names):
    return tuple(f"{SOURCES}::test_{n}" for n in names)


CABLE = lines("a_cable_carries_its_load_over_70_and_118_microohms_a_metre")
BUSWAY = lines("a_busway_sags_and_loses_as_its_datasheet_says_at_a_lagging_load")
CHARGE = lines("an_open_cable_takes_its_charging_current", "an_open_cable_rises_at_its_far_end_as_ferranti_saw")
LIMITS = lines("continuous_and_short_limits_of_conductors_are_those_of_the_electrical_code")
DC = lines("a_direct_row_sags_over_the_resistance_of_its_loop")
TWO_PORT = lines("a_loaded_transformer_is_the_two_port_of_its_nameplate")
OPEN = lines("an_open_transformer_takes_its_no_load_loss_and_current")
TAP = lines("a_tap_at_the_high_side_lowers_the_low_voltage")
TX_LIMITS = lines("limits_of_a_transformer_are_its_rating_and_half_more_for_short")
RANGE = lines("voltages_are_held_within_range_a")
PDU = lines("a_floor_pdu_with_a_transformer_loses_its_full_load_loss_at_rating")
BOARD = lines("a_board_is_rated_by_the_sheet_and_loses_nothing")
UPS = sources("a_ups_of_the_default_sheet_loses_and_turns_reactive_power_into_its_own")
FIT = sources("published_efficiencies_are_fitted_by_least_squares")
CLAMP = sources("a_fitted_converter_never_gains_when_idle")
CORDS = sources("live_cords_share_in_the_ratio_of_their_shares_and_spare_ones_take_over_alike")
FACTORS = sources("loads_take_reactive_power_by_their_power_factor")
PEAK = sources("a_peak_is_judged_where_the_sustained_load_is_carried")
SHARE = sources("generators_on_one_board_share_by_their_ratings")
GRID = sources("a_grid_is_10_gw_beside_a_generator_that_stands_by_by_itself")
METER = sources("a_contract_bounds_what_the_meter_reads_and_voltages_of_sources_are_the_sheets")
ROOM = sources("house_loads_and_batteries_warm_their_room_and_count_as_the_houses")

STATED = sources("efficiencies_are_fractions_or_percents_up_to_twice_the_rating")
HALF = sources("efficiencies_ask_for_losses_up_to_half_of_the_rating")

MUTANTS = [
    (E, "LARGEST_LOAD = 2.0", "LARGEST_LOAD = 2.1", STATED, "efficiencies of more than twice the rating"),
    (E, "LARGEST_LOSS = 0.5", "LARGEST_LOSS = 0.6", HALF, "losses of more than half"),
    # conductors
    (E, "2j * np.pi * t.frequency", "1j * np.pi * t.frequency", CHARGE, "charging pi f C"),
    (E, "t.capacitance * t.length * base", "t.capacitance * t.length / base", CHARGE, "charging over the base"),
    (E, "frequency: Frequency = Field(60.0", "frequency: Frequency = Field(50.0", CHARGE, "cables at 50 Hz"),
    (E, "capacitance: CapacitancePerLength = Field(0.25e-9", "capacitance: CapacitancePerLength = Field(0.2e-9", CHARGE,
     "cable of 0.2 nF/m"),
    (L, "wide(line.shunt[lines]) / 2.0", "wide(line.shunt[lines])",
     (*CHARGE, *OPEN), "all of the shunt at each end"),
    (E, "1j * reactance * t.length / base", "1j * reactance * t.length / base / 3", CABLE, "a third of the reactance"),
    (E, "reactance: ResistancePerLength = Field(118e-6", "reactance: ResistancePerLength = Field(108e-6", CABLE,
     "cable of 108 uohm/m"),
    (E, "resistance: ResistancePerLength = Field(70e-6", "resistance: ResistancePerLength = Field(77e-6", CABLE,
     "cable of 77 uohm/m"),
    (E, "length: Length = Field(50.0", "length: Length = Field(60.0", CABLE, "60 m of cable"),
    (E, "ampacity: Current = Field(600.0", "ampacity: Current = Field(630.0", CABLE, "630 A of cable"),
    (E, "resistance: ResistancePerLength = Field(50e-6", "resistance: ResistancePerLength = Field(55e-6", BUSWAY,
     "busway of 55 uohm/m"),
    (E, "reactance: ResistancePerLength = Field(25e-6", "reactance: ResistancePerLength = Field(28e-6", BUSWAY,
     "busway of 28 uohm/m"),
    (E, "ampacity: Current = Field(1250.0", "ampacity: Current = Field(1200.0", BUSWAY, "busway of 1200 A"),
    (E, "1.0 if cls.direct else np.sqrt(3.0)", "1.0 if cls.direct else 3.0", BUSWAY, "three times a phase"),
    (E, "1.0 if cls.direct else np.sqrt(3.0)", "np.sqrt(3.0)", DC, "direct current of three phases"),
    (E, "reactance = 0.0 if cls.direct else t.reactance", "reactance = t.reactance", DC, "reactance of direct current"),
    (E, "resistance: ResistancePerLength = Field(7.5e-6", "resistance: ResistancePerLength = Field(15e-6", DC,
     "DC row of twice the resistance"),
    (E, "ampacity: Current = Field(6000.0", "ampacity: Current = Field(5000.0", DC, "DC row of 5000 A"),
    (E, 'continuous_factor: Fraction = Field(1.0, gt=0, le=2, description="continuous load over ampacity")',
     'continuous_factor: Fraction = Field(0.8, gt=0, le=2, description="continuous load over ampacity")', LIMITS,
     "cables at 80 %"),
    (E, 'trip_factor: Fraction = Field(1.25, gt=0, le=5, description="short peak over ampacity that trips")',
     'trip_factor: Fraction = Field(1.0, gt=0, le=5, description="short peak over ampacity that trips")', LIMITS,
     "cables trip at their ampacity"),
    (E, "ampacity: Current = Field(1250.0, gt=0, description=\"current that it may carry\")\n    continuous_factor: Fraction = Field(0.8",
     "ampacity: Current = Field(1250.0, gt=0, description=\"current that it may carry\")\n    continuous_factor: Fraction = Field(1.0", LIMITS, "busways at 100 %"),
    # boards
    (E, "(t.full_load_loss + 1j * np.maximum(TIE, t.full_load_loss))", "(t.full_load_loss + 1j * TIE)", PDU,
     "a PDU's transformer without reactance"),
    (E, "np.maximum(TIE, t.full_load_loss)) * POWER_BASE / t.rating", "np.maximum(TIE, t.full_load_loss))", PDU,
     "a PDU's loss on another rating"),
    (E, "rating: Power = Field(500e3", "rating: Power = Field(400e3", BOARD, "PDUs of 400 kW"),
    (E, "rating: Power = Field(4e6", "rating: Power = Field(5e6", BOARD, "boards of 5 MW"),
    # transformers
    (E, "np.sqrt(t.impedance**2 - t.load_loss**2)", "t.impedance", TWO_PORT, "u_k taken as u_X"),
    (E, "(t.load_loss + 1j", "(0.5 * t.load_loss + 1j", TWO_PORT, "half of the load loss"),
    (E, "own = POWER_BASE / t.rating", "own = POWER_BASE / t.rating * 1.1", TWO_PORT, "impedance on another rating"),
    (E, "(t.no_load_loss - 1j", "(2.0 * t.no_load_loss - 1j", OPEN, "no-load loss twice"),
    (E, "(t.no_load_loss - 1j", "(t.no_load_loss + 1j", TWO_PORT, "a transformer that charges"),
    (E, "np.sqrt(current**2 - t.no_load_loss**2)", "current", OPEN, "no-load current all reactive"),
    (E, "current = np.maximum(t.no_load_current, t.no_load_loss)", "current = t.no_load_current + t.no_load_loss", OPEN,
     "no-load current and loss added"),
    (E, "impedance: Fraction = Field(0.0575", "impedance: Fraction = Field(0.06", TWO_PORT, "u_k 6 %"),
    (E, "load_loss: Fraction = Field(0.0055", "load_loss: Fraction = Field(0.006", TWO_PORT, "load loss 0.6 %"),
    (E, "no_load_loss: Fraction = Field(0.001", "no_load_loss: Fraction = Field(0.0012", OPEN, "no-load loss 0.12 %"),
    (E, "no_load_current: Fraction = Field(0.005", "no_load_current: Fraction = Field(0.006", OPEN, "no-load current 0.6 %"),
    (E, "rating: ApparentPower = Field(3e6", "rating: ApparentPower = Field(2.5e6", OPEN, "transformers of 2.5 MVA"),
    (E, "branch(t, write, impedance, rating, shunt, t.tap)", "branch(t, write, impedance, rating, shunt, 1 / t.tap)", (*TAP, *TWO_PORT), "tap at the low side"),
    (E, "1.0 - 4e-5 *", "1.0 - 3e-5 *", TX_LIMITS, "derating of 0.3 % for 100 m"),
    (E, "t.site.elevation - 1000.0", "t.site.elevation - 500.0", TX_LIMITS, "derating from 500 m"),
    (E, "trip_factor: Fraction = Field(1.5", "trip_factor: Fraction = Field(1.25", TX_LIMITS, "transformers trip at 125 %"),
    (D, "(pa + pb) * POWER_BASE", "(pa - pb) * POWER_BASE", BUSWAY, "loss as a difference"),
    (D, "max(ia, ib)", "min(ia, ib)", CHARGE, "loading at the lighter end"),
    (D, "abs(pa) * POWER_BASE", "abs(pb) * POWER_BASE", BUSWAY, "power at the far end"),
    ("twin/results/limits.py", "VOLTAGE = (0.95, 1.05)", "VOLTAGE = (0.9, 1.1)", RANGE, "voltages of range B and more"),
    ("twin/results/limits.py", "np.maximum(np.abs(bound), SMALLEST_SCALE)", "1.0", RANGE, "relative margins that are absolute"),
    # converters
    (D, "c.proportional[r, s] + k * c.square[r, s]", "c.proportional[r, s] + c.square[r, s]", UPS, "square loss linear"),
    (D, "lost = c.rating[r, s] * (c.fixed", "lost = (c.fixed", UPS, "losses of one watt"),
    (D, "k * (c.proportional[r, s] + k * c.square[r, s])", "k / 0.9 * (c.proportional[r, s] + k / 0.9 * c.square[r, s])", UPS, "load fraction of apparent power"),
    (D, "reactive += power * behind.tangent", "reactive -= power * behind.tangent",
     "physics/test_power_sources.py::test_a_converter_and_its_neighbour_add_their_reactive_power", "converters that give reactive power"),
    (D, "reactive += power * drawn", "reactive -= power * drawn", BUSWAY, "loads that lead"),
    (E, "fixed_loss: Fraction = Field(0.006", "fixed_loss: Fraction = Field(0.005", UPS, "fixed loss 0.5 %"),
    (E, "proportional_loss: Fraction = Field(0.012", "proportional_loss: Fraction = Field(0.01", UPS, "proportional 1 %"),
    (E, "square_loss: Fraction = Field(0.014", "square_loss: Fraction = Field(0.016", UPS, "square loss 1.6 %"),
    (E, "power_factor: Fraction = Field(0.99", "power_factor: Fraction = Field(1.0", UPS, "UPS of unity power factor"),
    (E, "fixed_loss: Fraction = Field(0.004", "fixed_loss: Fraction = Field(0.006", DC, "rectifier's fixed loss"),
    (E, "square_loss: Fraction = Field(0.009", "square_loss: Fraction = Field(0.014", DC, "rectifier's square loss"),
    (E, "load * (1 / eta - 1)", "1 / eta - 1", FIT, "loss over output fitted"),
    (E, "load * (1 / eta - 1)", "load * (1 - eta)", FIT, "loss over input fitted"),
    (E, "max(float(a), 0.0)", "float(a)", CLAMP, "a fixed loss below nothing"),
    (L, "held = np.concatenate([wide(source.voltage[sources]), wide(converter.voltage[outputs])])",
     "held = np.concatenate([wide(source.voltage[sources]), 1.0 + 0 * wide(converter.voltage[outputs])])",
     sources("a_converter_holds_its_output_voltage"), "output voltage not held"),
    # sources, cords, loads
    (L, "tie = on / (1j * TIE * POWER_BASE / rating)", "tie = on / (1j * TIE + 0 * rating)", SHARE, "sources share alike"),
    (E, "GRID = 1e10", "GRID = 1e9", GRID, "a grid of 1 GW"),
    (E, "in_service: InService = False", "in_service: InService = True", GRID, "generators always run"),
    (E, "voltage: Voltage = Field(34.5e3, gt=0, description=\"nominal, line to line, at", "voltage: Voltage = Field(33e3, gt=0, description=\"nominal, line to line, at", METER,
     "meters at 33 kV"),
    (D, "np.where(stated > 0, stated, np.where(_sum(load, stated) > 0, 0.0, equal))", "stated", CORDS, "spare cords stay dead"),
    (D, "_normal(load, load.share * live), _normal(load, live)", "_normal(load, live), _normal(load, live)", CORDS,
     "cords share alike"),
    (D, "ref = load.peak if peak else load.power", "ref = load.power", PEAK, "peaks carried as sustained load"),
    ("twin/domains/compute.py", "on * given * e.peak_factor[r, s]", "on * given", PEAK, "no EDP peak"),
    (E, "power: Power = Field(50e3", "power: Power = Field(40e3", FACTORS, "house loads of 40 kW"),
    (E, "power_factor: Fraction = Field(0.95", "power_factor: Fraction = Field(0.9", FACTORS, "lamps at 0.9"),
    ("twin/components/base.py", "power_factor: ArrayLike = 0.95", "power_factor: ArrayLike = 0.9", FACTORS, "batteries at 0.9"),
    ("twin/components/base.py", "np.tan(np.arccos(factor[row]))", "np.arccos(factor[row])", FACTORS, "angle for its tangent"),
    (E, 'draw(t, write, power, totals.house, t.power_factor)\n        warm_room(t, write, power)',
     'draw(t, write, power, totals.house, t.power_factor)\n        warm_room(t, write, power, 0.5)', ROOM, "half of the lamps' heat"),
]
