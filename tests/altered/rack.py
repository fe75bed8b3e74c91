"""Racks: chips, conversion, fans, junctions, throttles, coolant side."""

# ruff: noqa: E501
# fmt: off

C, D = "twin/components/compute.py", "twin/domains/compute.py"
AIR = "twin/components/classes.py"
L, FIGURES, LEDGER = "twin/study/bound.py", "twin/results/figures.py", "twin/columns.py"
POWER, COOLING = "physics/test_rack_power.py", "physics/test_rack_cooling.py"


def power(*names):
    return tuple(f"{POWER}::test_{n}" for n in names)


def cooling(*names):
    return tuple(f"{COOLING}::test_{n}" for n in names)


IDLE = power("an_idle_chip_draws_its_idle_power_at_the_reference_of_its_leakage")
BUSY = power("a_busy_chip_adds_its_work_and_leaks_by_its_temperature")
CLOCK = power("power_goes_with_the_clock_and_the_square_of_its_voltage")
CAP = power("a_power_cap_is_kept_by_the_clock")
LEAST = power("a_cap_slows_no_chip_below_its_least_clock")
FLOOR = power("a_cap_below_the_floor_of_the_voltage_is_told")
DRIVER = power("a_cap_below_what_a_driver_takes_is_refused_in_layouts_and_fails_a_scenario_alone")
SCALES = power("more_chips_and_stronger_chips_scale_what_they_should")
HOSTS = power("hosts_work_as_their_chips_do_unless_told")
LOSSES = power("shelves_and_boards_lose_by_their_polynomials")
RACK_CAP = power("a_rack_cap_is_taken_back_through_shelves_fans_boards_and_hosts")
CAPPED = power("a_capped_rack_of_more_chips_leaves_each_its_part")
GIVEN = power("a_given_power_leaves_the_work_what_is_missing")
FANS = power("rack_fans_hold_the_rise_of_the_air_and_take_the_cube_of_their_speed")
ENDS = power("rack_fans_neither_stop_nor_pass_their_full_speed")
THIN = power("fans_move_less_in_thin_air_and_take_less")
CLASSES = power("inlets_keep_their_class_and_one_kelvin_less_for_every_so_many_metres")
LIMITS = power("junctions_are_limited_at_87_degrees_and_lost_clocks_at_a_thousandth")
OCP = cooling("a_solved_rack_has_the_measured_resistance_of_its_cold_plates")
PLATE = cooling("a_cold_plate_is_spreading_conduction_and_half_of_its_bulk_rise")
PLATES = cooling("plates_share_the_flow_of_their_rack_and_more_chips_bring_more_plates")
WORST = cooling("the_worst_chip_has_less_flow_more_power_and_a_worse_interface")
WORST_LEAK = cooling("the_worst_chip_leaks_by_its_own_temperature")
SINK = cooling("a_heat_sink_improves_with_the_air_to_the_power_of_0_8")
SMOOTH = cooling("a_hot_chip_gives_way_smoothly_at_its_throttle_temperature")
STANDS = cooling("a_throttled_worst_chip_stands_at_its_throttle_temperature")
DROP = cooling("a_rack_resists_by_its_manifold_squared_and_its_trays_to_1_85")
SHARE = cooling("a_rack_gives_its_share_to_the_coolant_and_the_rest_to_the_air")
COOLANT = cooling("coolant_limits_are_the_sheets")
GIVEN_RISE = cooling("a_given_power_warms_chips_by_its_share_of_what_they_would_draw")
RESCALED = cooling("a_rescaled_plant_is_the_layout_of_that_scale")
TOTALS = cooling("cooling_power_is_pumps_coolers_and_room_air_and_the_system_is_racks_and_their_units")

MUTANTS = [
    # chips
    (C, "chip_power: Power = Field(700.0", "chip_power: Power = Field(750.0", BUSY, "chips of 750 W"),
    (C, "chip_idle: Power = Field(100.0", "chip_idle: Power = Field(90.0", IDLE, "chips idling at 90 W"),
    (C, "leakage_share: Fraction = Field(0.15", "leakage_share: Fraction = Field(0.10", IDLE, "10 % of leakage"),
    (C, "leakage_slope: PerTemperature = Field(0.010", "leakage_slope: PerTemperature = Field(0.012", IDLE, "leakage of 1.2 %/K"),
    (C, "leakage_temperature: Temperature = Field(333.15", "leakage_temperature: Temperature = Field(343.15", IDLE,
     "leakage stated at 70 degC"),
    (C, "voltage_slope: Number = Field(1.6", "voltage_slope: Number = Field(1.5", CLOCK, "a flatter voltage"),
    (C, "min_voltage: Fraction = Field(0.80", "min_voltage: Fraction = Field(0.75", CLOCK, "a lower floor of the voltage"),
    (C, "        0.2, ge=0, le=0.8, description=\"of active", "        0.3, ge=0, le=0.8, description=\"of active", CLOCK, "three tenths that follow no clock"),
    (C, "self.power_cap < self.min_power_cap", "self.power_cap < 0.5 * self.min_power_cap", DRIVER, "caps of half the lowest taken"),
    (C, "min_clock: Fraction = Field(0.17", "min_clock: Fraction = Field(0.2", LEAST, "least clock 0.2"),
    (D, "leak = e.leakage_share[r, s] * full", "leak = e.leakage_share[r, s] * idle", IDLE, "leakage of idle power"),
    (D, "base = idle - leak", "base = idle", IDLE, "leakage beside idle power"),
    (D, "* full - idle, 0.0)", "* full, 0.0)", BUSY, "work beside idle power"),
    (D, "exp(clip(slope * (T - reference), -50.0, 4.0))", "(1.0 + slope * (T - reference))",
     IDLE, "leakage linear in temperature"),
    (D, "dynamic = fixed + core * clock * V * V", "dynamic = fixed + core * clock * V", CLOCK, "work by the voltage, not its square"),
    (D, "requested = fixed + core * e.clock[r, s] * V * V", "requested = fixed + core * e.clock[r, s]", CLOCK, "a demand at the nominal voltage"),
    (D, "    leaks = leak * V\n", "    leaks = leak\n", CLOCK, "leakage at the nominal voltage"),
    (D, "max(e.min_voltage[r, s], 1.0 - e.voltage_slope[r, s] * (1.0 - clock))", "1.0 - e.voltage_slope[r, s] * (1.0 - clock)", CLOCK, "no floor of the voltage"),
    (D, "share(rest / low - leak, core * low, 0.0, e.clock[r, s])", "share(rest / low - leak, core, 0.0, e.clock[r, s])", CAP, "a clock at the floor by the voltage once"),
    (D, "+ slope * leak\n", "+ slope * leak + core\n", CAP, "short steps towards a clock"),
    (D, "clock -= (core * clock * V * V + leak * V - rest)", "clock -= (core * clock * V * V + leak - rest)", CAP, "a capped chip that leaks as at the nominal voltage"),
    (D, "relief = V * (leakage", "relief = (leakage", STANDS, "a throttled chip that leaks as at the nominal voltage"),
    (D, "leaks = leakage(inlet + mean * chip, leak, slope, reference)", "leaks = leak", CAP, "leakage of a capped chip at its reference"),
    (D, "held = free < (1.0 - CAP_TOLERANCE) * min(floor_clock(r, s, e), e.clock[r, s]) and capped < demand", "held = free < 0.0", FLOOR, "caps below the floor untold"),
    (D, "1.0 - (1.0 - e.min_voltage[r, s]) / e.voltage_slope[r, s]", "e.min_voltage[r, s]", FLOOR, "the floor of the voltage as a clock"),
    (D, "min(e.cap[r, s], left)", "left", CAP, "no cap of chips"),
    (D, "min(e.cap[r, s], left)", "e.cap[r, s]", RACK_CAP, "no cap of racks"),
    (D, "slowest = min(", "slowest = 0.5 * min(", LEAST, "half the least clock"),
    (D, "idle = e.chip_idle[r, s] * e.power_scale[r, s]", "idle = e.chip_idle[r, s]",
     SCALES, "idle power not scaled"),
    (D, "scale * (e.chips[r, s] * chip + hosts + e.other_power[r, s])", "scale * e.chips[r, s] * chip + hosts + e.other_power[r, s]",
     SCALES, "hosts not scaled with chips"),
    (D, "board + scale * e.inner_power[r, s]", "board + e.inner_power[r, s]", SCALES, "inner power not scaled"),
    (D, "on * e.chips[r, s] * scale", "on * e.chips[r, s]", SCALES, "accelerators not scaled"),
    (D, "= e.nameplate[r, s] * e.chip_scale[r, s] * e.power_scale[r, s]", "= e.nameplate[r, s] * e.chip_scale[r, s]", SCALES,
     "nameplate not scaled with power"),
    (D, "min(rated, e.rack_cap[r, s]) if kept else rated", "rated",
     RACK_CAP, "capped racks provisioned by nameplate"),
    (D, "e.host_idle[r, s] + e.host_utilisation[r, s] * (e.host_power[r, s] - e.host_idle[r, s])", "e.host_utilisation[r, s] * e.host_power[r, s]", HOSTS, "hosts idle for free"),
    (C, "host_power: Power = Field(300.0", "host_power: Power = Field(350.0", HOSTS, "hosts of 350 W"),
    (C, "host_idle: Power = Field(90.0", "host_idle: Power = Field(80.0", HOSTS, "hosts idling at 80 W"),
    (C, "t.host_utilisation, t.utilisation)", "t.host_utilisation, 1.0)", HOSTS, "hosts always busy"),
    # conversion
    (C, "t.board_fixed_loss * t.board_rating", "t.board_fixed_loss * t.shelf_rating", LOSSES, "boards' fixed loss on the shelves' rating"),
    (C, "t.board_square_loss / t.board_rating", "t.board_square_loss / t.shelf_rating", LOSSES, "boards' square loss on the shelves' rating"),
    (C, "t.shelf_square_loss / t.shelf_rating", "2.0 * t.shelf_square_loss / t.shelf_rating", LOSSES, "square loss of shelves twice"),
    (C, "shelf_rating: Power = Field(66e3", "shelf_rating: Power = Field(60e3", LOSSES, "shelves of 60 kW"),
    (C, "shelf_fixed_loss: Fraction = Field(0.0045", "shelf_fixed_loss: Fraction = Field(0.005", LOSSES, "shelves' fixed loss"),
    (C, "shelf_proportional_loss: Fraction = Field(0.010", "shelf_proportional_loss: Fraction = Field(0.012", LOSSES, "shelves' proportional loss"),
    (C, "shelf_square_loss: Fraction = Field(0.017", "shelf_square_loss: Fraction = Field(0.02", LOSSES, "shelves' square loss"),
    (D, "e.board_proportional[r, s] + inside * e.board_square[r, s]", "e.board_proportional[r, s] + e.board_square[r, s]", LOSSES, "boards' square loss linear"),
    (D, "else board + modelled - drawn", "else modelled - drawn", LOSSES, "loss of shelves alone told"),
    (D, "b = 1.0 + proportional", "b = 1.0", RACK_CAP, "a cap without the proportional loss"),
    (D, "4.0 * square * rest", "2.0 * square * rest", RACK_CAP, "a cap with half of the square loss"),
    (D, "before(power, e.shelf_fixed[r, s],", "before(power, 0.0 * e.shelf_fixed[r, s],", RACK_CAP, "a cap without the fixed loss"),
    (D, "out - e.fan_power[r, s] * speed * speed * speed - e", "out - e", RACK_CAP, "a cap without fans"),
    (D, "- hosts - e.other_power[r, s]", "- e.other_power[r, s]", RACK_CAP, "a cap without hosts"),
    (D, "inside / max(e.chip_scale[r, s], 1e-6) - hosts", "inside - hosts", CAPPED, "a cap for chips as laid out"),
    (D, "speed - e.chip_scale[r, s] * e.inner_power[r, s]", "speed - e.inner_power[r, s]", CAPPED, "a cap with inner power as laid out"),
    (D, "CAP_TOLERANCE = 1e-3", "CAP_TOLERANCE = 1e-2", RACK_CAP, "caps held to a hundredth"),
    (D, "1.0 - (modelled - given) / moving", "given / modelled", GIVEN, "work in proportion to a given power"),
    (D, "given = e.it_power[r, s] * scale * e.power_scale[r, s]", "given = e.it_power[r, s] * scale", GIVEN,
     "a given power not scaled"),
    (D, "ratio = given / modelled if stated else 1.0", "ratio = 1.0", GIVEN_RISE, "junctions of the modelled power"),
    (D, "(warm - inlet) * ratio", "(warm - inlet) * ratio * ratio", GIVEN_RISE, "rises by the square of a given power"),
    (D, "(cool - inlet) * ratio", "(cool - inlet) * ratio * ratio", GIVEN_RISE, "rises of mean chips by the square of a given power"),
    # racks made denser
    (L, "power[pipes] = power[pipes] / factors[liquid] ** np.broadcast_to(exponent, power.shape)[pipes]",
     "power[pipes] = power[pipes] / factors[liquid]", RESCALED, "trays by the scale alone"),
    (L, 'x.bound * factors[x.engine]', 'x.bound', RESCALED,
     "least flow of the layout"),
    (LEDGER, 'Total("CDUs", "cooling_power")', 'Total("CDUs", "other_power")',
     TOTALS, "cooling without its units"),
    (FIGURES, 'system_power=it + solution.total(totals.cdus)', "system_power=it", TOTALS, "systems without their units"),
    # fans and air
    (D, "out = load + e.fan_power[r, s] * speed * speed * speed", "out = load + e.fan_power[r, s] * speed * speed", FANS, "rack fans by the square"),
    (D, "AIR_HEAT = 1006.0", "AIR_HEAT = 1106.0", FANS, "heat of air 1106"),
    (C, "air_rise: TemperatureDifference = Field(14.0", "air_rise: TemperatureDifference = Field(12.0", FANS, "a rise of 12 K"),
    (C, "fan_power=t.fan_power * t.site.room_density / AIR_DENSITY", "fan_power=t.fan_power", (*FANS, *THIN), "fan power of rated air"),
    (C, "fan_flow=t.air_flow * t.site.room_density", "fan_flow=t.air_flow * AIR_DENSITY", FANS, "air of the rating"),
    (C, "min_fan_speed: Fraction = Field(0.3", "min_fan_speed: Fraction = Field(0.2", ENDS, "fans down to 0.2"),
    (D, "clip(required, e.min_fan_speed[r, s], 1.0)", "max(required, e.min_fan_speed[r, s])", ENDS, "fans beyond full speed"),
    ("twin/components/base.py", "AIR_DENSITY = 1.2", "AIR_DENSITY = 1.225", FANS, "rated air of 1.225 kg/m3"),
    ("twin/plant/lowering.py", "ROOM_AIR, ROOM_HUMIDITY = 297.15, 0.008", "ROOM_AIR, ROOM_HUMIDITY = 293.15, 0.008", FANS, "room air of 20 degC"),
    ("twin/plant/lowering.py", "ROOM_AIR, ROOM_HUMIDITY = 297.15, 0.008", "ROOM_AIR, ROOM_HUMIDITY = 297.15, 0.0", FANS, "dry room air"),
    ("twin/fluids.py", "** 5.2559", "** 5.0", THIN, "pressure to the power of 5"),
    # limits
    (AIR, "np.maximum(elevation - THIN_AIR, 0.0)", "0.0", CLASSES, "no derating of classes"),
    (AIR, "THIN_AIR, HIGHEST = 900.0", "THIN_AIR, HIGHEST = 950.0", CLASSES, "classes derated from 950 m"),
    (AIR, '"A2": AirClass(283.15, 308.15, 294.15, 0.80, 300.15, 1 / 300)', '"A2": AirClass(283.15, 308.15, 294.15, 0.80, 300.15, 1 / 175)', CLASSES, "A2 derated as A3"),
    (AIR, '"H1": AirClass(278.15, 298.15', '"H1": AirClass(278.15, 300.15', CLASSES, "H1 to 27 degC"),
    (AIR, '"H1": AirClass(278.15', '"H1": AirClass(288.15', CLASSES, "H1 from 15 degC"),
    (C, 'air_class: AirClassName = Field("A2"', 'air_class: AirClassName = Field("A3"', CLASSES, "racks of A3"),
    (C, "junction_limit: Temperature = Field(360.15", "junction_limit: Temperature = Field(363.15", LIMITS, "junctions to 90 degC"),
    (C, 'MAX_CLOCK_LOST = 1e-3', 'MAX_CLOCK_LOST = 1e-2', LIMITS, "a hundredth of the clock lost"),
    # junctions
    (C, "plate_spread: ThermalResistance = Field(0.0021", "plate_spread: ThermalResistance = Field(0.0031", PLATE, "spreading 3.1 mK/W"),
    (C, "plate_conduction: PerLength = Field(0.0071", "plate_conduction: PerLength = Field(0.0081", (*PLATE, *OCP), "conduction 8.1/k"),
    (D, "stream = 0.5 * e.plates", "stream = 1.0 * e.plates", (*PLATE, *OCP), "the whole bulk rise"),
    (D, "e.plate_conduction[r, s] / conductivity", "e.plate_conduction[r, s] * conductivity", OCP, "conduction times k"),
    (C, "    junction_to_case: ThermalResistance = Field(\n        0.018", "    junction_to_case: ThermalResistance = Field(\n        0.020", PLATE,
     "20 mK/W to the case"),
    (C, "plates: Number = Field(72.0", "plates: Number = Field(64.0", PLATES, "64 plates"),
    (D, "stream = 0.5 * e.plates[r, s] * scale", "stream = 0.5 * e.plates[r, s]", PLATES, "plates not scaled"),
    (D, "stream / (1.0 - e.maldistribution[r, s])", "stream", WORST, "no maldistribution"),
    (D, "worse = 1.0 + e.interface_spread[r, s]", "worse = 1.0", WORST, "no spread of interfaces"),
    (D, "excess = 1.0 + e.power_spread", "excess = 1.0", WORST, "no spread of power"),
    (C, "maldistribution: Fraction = Field(0.05", "maldistribution: Fraction = Field(0.04", WORST, "maldistribution 4 %"),
    (C, "power_spread: Fraction = Field(0.05", "power_spread: Fraction = Field(0.04", WORST, "power spread 4 %"),
    (C, "interface_spread: Fraction = Field(0.10", "interface_spread: Fraction = Field(0.15", WORST, "interface spread 15 %"),
    (D, "worst, dynamic * excess, leaks * excess, slope", "worst, dynamic * excess, leaks, slope",
     WORST_LEAK, "the worst chip leaks as the mean one"),
    (D, "heat = leakage(T, leak, slope, reference)\n        steep", "heat = leak\n        steep", WORST_LEAK,
     "junctions without feedback of leakage"),
    (D, "/ rack, 0.8)", "/ rack, 0.5)", SINK, "heat sinks by the square root"),
    (C, "sink_flow=np.maximum(t.air_flow * AIR_DENSITY, 1e-9)", "sink_flow=np.maximum(t.air_flow, 1e-9)", SINK, "heat sinks rated by volume"),
    (C, "sink_resistance: ThermalResistance = Field(0.04", "sink_resistance: ThermalResistance = Field(0.05", SINK, "sinks of 50 mK/W"),
    (D, "SOFT = 0.01", "SOFT = 0.02", SMOOTH, "a throttle twice as soft"),
    (D, "min(a, b) - width * log(1.0 + exp(-abs(a - b) / width))", "min(a, b) + 0.0 * width", SMOOTH, "a hard throttle"),
    (C, "throttle_temperature: Temperature = Field(362.15", "throttle_temperature: Temperature = Field(360.15", (*SMOOTH, *STANDS), "throttle at 87 degC"),
    (D, "(throttle - inlet) / (worst * excess)", "(throttle - inlet) / worst", STANDS, "throttle of the mean chip's power"),
    (D, "leaks = leakage(throttle, leak, slope, reference)", "leaks = leak", STANDS, "throttle with leakage at its reference"),
    (D, "(leakage(inlet + mean * hottest, leak, slope, reference) - leaks)", "(leak - leaks)", STANDS, "a throttled mean chip that leaks at its reference"),
    (D, "demand = requested + leakage(hot, leak * V, slope, reference)", "demand = requested + leak * V", BUSY, "what is asked for without its leakage"),
    (D, "1.0 - clock / free", "1.0 - clock", power("a_cap_is_no_lost_clock"), "caps told as throttles"),
    # coolant
    (C, "quadratic=t.manifold_drop / t.rated_flow**2", "quadratic=2.0 * t.manifold_drop / t.rated_flow**2", DROP, "manifolds twice"),
    (C, "exponent=t.tray_exponent", "exponent=2.0 + 0 * t.tray_exponent", DROP, "trays by the square"),
    (C, "t.rated_flow * np.maximum(t.chip_scale, 1e-6)", "t.rated_flow", DROP, "no more trays for more chips"),
    (C, "tray_exponent: Number = Field(1.85", "tray_exponent: Number = Field(1.75", DROP, "trays to 1.75"),
    (C, "manifold_drop: Pressure = Field(20e3", "manifold_drop: Pressure = Field(25e3", DROP, "manifolds of 25 kPa"),
    (C, "tray_drop: Pressure = Field(60e3", "tray_drop: Pressure = Field(50e3", DROP, "trays of 50 kPa"),
    (C, "rated_flow: MassFlow = Field(2.4", "rated_flow: MassFlow = Field(2.5", DROP, "rated at 2.5 kg/s"),
    (C, "liquid_fraction: Fraction = Field(0.87", "liquid_fraction: Fraction = Field(0.9", SHARE, "90 % to the liquid"),
    (D, "out.heat_air[r, s] = on * air", "out.heat_air[r, s] = on * given", SHARE, "all heat to the air too"),
    (C, "t.min_flow * t.chip_scale * t.power_scale", "t.min_flow", COOLANT, "least flow not scaled"),
    (C, "max_supply_temperature: Temperature = Field(318.15", "max_supply_temperature: Temperature = Field(323.15", COOLANT, "supply to 50 degC"),
    (C, "max_return_temperature: Temperature = Field(338.15", "max_return_temperature: Temperature = Field(333.15", COOLANT, "return to 60 degC"),
]
