"""What cold plates spill, immersion tanks, in-row coolers, and the dielectric."""

# ruff: noqa: E501
# fmt: off

C, D, FLUIDS = "twin/components/compute.py", "twin/domains/compute.py", "twin/fluids.py"
I, K, L = "twin/components/immersion.py", "twin/components/cooling.py", "twin/columns.py"


def spill(*names):
    return tuple(f"physics/test_plate_spill.py::test_{n}" for n in names)


def bath(*names):
    return tuple(f"physics/test_immersion.py::test_{n}" for n in names)


RATED = spill("plates_take_what_they_are_rated_for_and_the_rest_warms_the_air")
SCALED = spill("more_chips_bring_more_plates_and_stronger_chips_do_not")
MOST = spill("plates_take_at_most_what_holds_the_mean_junction_at_its_limit")
STATED = spill("of_a_stated_power_plates_take_what_its_junctions_leave")
CAPPED = spill("fans_draw_more_for_what_is_spilled_and_a_cap_of_the_rack_holds_all_the_same")
FIRST = spill("clocks_give_way_before_plates_and_spill_what_clocks_cannot_save")
TOLD = spill("spill_is_told_with_the_rack_and_its_size_and_bounds_nothing")
FANS = spill("fans_move_what_is_spilled_and_coolers_of_the_room_take_it")
REFUSED = spill("a_junction_of_a_rack_without_accelerators_is_refused")

PAO = bath("the_dielectric_is_the_polyalphaolefin_of_achp")
CHIP = bath("a_chip_is_warmer_than_the_bath_by_its_joint_its_sink_and_half_the_rise")
WALLS = bath("walls_lose_heat_to_the_room_and_water_takes_the_rest")
ROOM = bath("coolers_of_the_room_take_what_the_walls_lose")
PUMP = bath("the_pump_holds_40_kilopascals_over_bath_exchanger_and_pipes")
FILMS = bath("the_exchanger_is_counterflow_with_a_thicker_film_of_dielectric")
VALVE = bath("the_valve_opens_to_three_times_its_rated_flow_and_leaks_a_fiftieth")
HELD = bath("the_bath_warms_by_its_heat_over_its_flow_and_is_held_where_it_enters")
LIMITS = bath("limits_of_a_tank_are_its_bath_its_exchanger_its_water_and_its_flow")
SHARE = bath("what_is_not_given_to_the_bath_warms_the_room")
NO_FANS = bath("fans_of_a_tank_are_refused")
COIL = bath("an_in_row_cooler_passes_the_duty_of_its_coil_and_one_kilowatt_of_fans")
COLD = bath("an_in_row_cooler_holds_22_degrees_and_is_rated_for_30_kilowatts")
BOX = bath("an_in_row_cooler_is_as_deep_as_a_rack_and_three_tenths_of_a_metre_wide")

MUTANTS = [
    # cold plates
    (D, "share(e.plate_temperature[r, s] - inlet, rise, 0.0, 1.0), 0.0, 1.0)", "share(e.plate_temperature[r, s] - inlet, rise, 0.0, 1.0), 0.0, 2.0)", MOST, "plates that take twice what there is"),
    (D, "share(e.plate_temperature[r, s] - inlet, rise, 0.0, 1.0)", "share(e.plate_temperature[r, s], rise, 0.0, 1.0)", MOST, "plates on ice"),
    (D, "share(e.plate_temperature[r, s] - inlet, rise, 0.0, 1.0), 0.0,", "share(e.plate_temperature[r, s] - inlet, rise, 0.0, 1.0), -1.0,", MOST, "coolant above the limit that warms plates"),
    (D, "min(able * asked, e.plate_heat", "min(able * feed, e.plate_heat", MOST, "plates of the whole rack's heat"),
    (D, "min(able * asked, e.plate_heat[r, s] * max(e.chip_scale[r, s], 1e-6))", "able * asked", RATED, "no rating of plates"),
    (D, "e.plate_heat[r, s] * max(e.chip_scale[r, s], 1e-6)", "e.plate_heat[r, s]", SCALED, "plates not scaled"),
    (D, "* feed + spilled(r, s, e, feed, able)", "* feed", CAPPED, "fans that leave spill alone"),
    (D, "speed = fan_speed(r, s, e, air) if stated", "speed = fan_speed(r, s, e, air - spill) if stated", FANS, "fans of a stated power that leave spill alone"),
    (D, "able = plates_take(r, s, e, inlet, cool - inlet)", "able = plates_take(r, s, e, inlet, warm - inlet + 1.0)", MOST, "plates of a hotter chip"),
    (D, "plates_take(r, s, e, inlet, ratio * (cool - inlet))", "plates_take(r, s, e, inlet, cool - inlet)", STATED, "plates at the junctions of the modelled power"),
    (D, "air = (1.0 - e.liquid_fraction[r, s]) * given + spill", "air = (1.0 - e.liquid_fraction[r, s]) * given", RATED, "spill that is lost"),
    (D, "* e.liquid_fraction[r, s] - on * spill", "* e.liquid_fraction[r, s]", RATED, "spill in the coolant too"),
    (D, "out.spill[r, s] = on * spill", "out.spill[r, s] = on * air", RATED, "all air told as spill"),
    (D, "left = left_to_chips(r, s, e, hosts, last.share[r, s])", "left = own.left[r, s]", CAPPED, "caps without the fans of spill"),
    (D, "left_to_chips(r, s, e, hosts, 1.0)", "left_to_chips(r, s, e, hosts, 0.0)", CAPPED, "caps as if nothing went to the coolant"),
    (C, 'finite_or(t.max_liquid_heat, np.inf),', 'finite_or(2.0 * t.max_liquid_heat, np.inf),', RATED, "plates of twice their rating"),
    (C, "SPILL = 1.0", "SPILL = 1e5", TOLD, "100 kW untold"),
    (C, "if self.plate_temperature is not None and self.accelerators <= 0:", "if False:", REFUSED, "junctions of no chips"),
    (L, "what cold plates cannot take, which warms the rack's air\", aim=True)", "what cold plates cannot take, which warms the rack's air\")", TOLD, "spill as a limit"),
    # the dielectric
    (FLUIDS, "rho=(780.612, -27.488)", "rho=(788.4, -27.488)", PAO, "density 1 % up"),
    (FLUIDS, "rho=(780.612, -27.488)", "rho=(780.612, -27.8)", PAO, "expansion 1 % up"),
    (FLUIDS, "cp=(2268.64, 135.64)", "cp=(2291.0, 135.64)", PAO, "heat capacity 1 % up"),
    (FLUIDS, "cp=(2268.64, 135.64)", "cp=(2268.64, 137.0)", PAO, "slope of the heat capacity 1 % up"),
    (FLUIDS, "k=(0.142248, -0.004352)", "k=(0.14367, -0.004352)", PAO, "conductivity 1 % up"),
    (FLUIDS, "k=(0.142248, -0.004352)", "k=(0.142248, -0.0044)", PAO, "slope of the conductivity 1 % up"),
    (FLUIDS, "log_mu=(-5.47091668,", "log_mu=(-5.46,", PAO, "viscosity 1 % up"),
    (FLUIDS, "-1.07998178, 0.0811403537,", "-1.07, 0.0811403537,", PAO, "viscosity falling by less"),
    (FLUIDS, "0.0811403537, -0.0974105722", "0.0911403537, -0.0974105722", PAO, "viscosity, second power"),
    (FLUIDS, "-0.0974105722, 0.0528342275", "-0.0874105722, 0.0528342275", PAO, "viscosity, third power"),
    (FLUIDS, "-0.0974105722, 0.0528342275", "-0.0974105722, 0.0428342275", PAO, "viscosity, fourth power"),
    (FLUIDS, "freezing=219.15", "freezing=229.15", PAO, "freezing at -44 degC"),
    # tanks
    (I, "        0.026, ge=0, le=1", "        0.03, ge=0, le=1", CHIP, "sinks of 30 mK/W"),
    (I, "plate_spread=t.sink_resistance", "plate_spread=2.0 * t.sink_resistance", CHIP, "sinks twice"),
    (I, "CoolingPath(boards, cool, t.liquid_fraction", "CoolingPath(hot, cool, t.liquid_fraction", CHIP, "chips before the exchanger"),
    (I, "liquid_fraction: Fraction = Field(1.0", "liquid_fraction: Fraction = Field(0.97", HELD, "a lid that loses 3 %"),
    (I, "write(Heat(boards, columns.engine.heat_liquid[rows]))", "write(Heat(boards, columns.engine.power[rows]))", SHARE, "all heat in the bath too"),
    (I, "        40.0, ge=0, description", "        60.0, ge=0, description", WALLS, "walls of 60 W/K"),
    (I, "write(Loss(pumped, t.room.exhaust, t.wall_conductance))", "write(Loss(pumped, t.room.supply, t.wall_conductance))", ROOM, "walls in the supply air"),
    (I, "bath_flow: MassFlow = Field(4.0", "bath_flow: MassFlow = Field(4.4", PUMP, "a bath of 4.4 kg/s"),
    (I, "bath_drop: Pressure = Field(15e3", "bath_drop: Pressure = Field(18e3", PUMP, "boards of 18 kPa"),
    (I, "exchanger_drop: Pressure = Field(25e3", "exchanger_drop: Pressure = Field(28e3", PUMP, "an exchanger of 28 kPa"),
    (I, "LOST_IN_PUMPS = 0.01", "LOST_IN_PUMPS = 0.03", PUMP, "pumps that lose 3 %"),
    (I, "head: Pressure = Field(40e3", "head: Pressure = Field(44e3", PUMP, "a head of 44 kPa"),
    (I, "shutoff: Pressure = Field(150e3", "shutoff: Pressure = Field(170e3", PUMP, "a shut-off head of 170 kPa"),
    (I, "rated_flow: VolumeFlow = Field(5e-3", "rated_flow: VolumeFlow = Field(6e-3", PUMP, "a pump of 6 L/s"),
    (I, "write(Anchor(warm, t.site.pressure + 0 * t.capacity))", "write(Anchor(warm, 3e5 + 0 * t.capacity))", PUMP, "a bath under pressure"),
    (I, "quadratic=inside), totals.cdus)", "quadratic=inside), totals.pumps)", PUMP, "pumps of tanks outside the system"),
    (I, "conductance: Conductance = Field(12e3", "conductance: Conductance = Field(13e3", FILMS, "an exchanger of 13 kW/K"),
    (I, "film_balance: Number = Field(0.3", "film_balance: Number = Field(0.5", FILMS, "a film ratio of 0.5"),
    (I, "film_exponent: Number = Field(0.8", "film_exponent: Number = Field(0.6", FILMS, "films to 0.6"),
    (I, "600.0, gt=0, description=\"U without", "900.0, gt=0, description=\"U without", FILMS, "U of 900 W/m2/K"),
    (I, "water_flow: MassFlow = Field(2.4", "water_flow: MassFlow = Field(2.7", (*FILMS, *VALVE), "water of 2.7 kg/s"),
    (I, "water_drop: Pressure = Field(50e3", "water_drop: Pressure = Field(60e3", VALVE, "water that loses 60 kPa"),
    (I, "min_opening: Fraction = Field(0.02", "min_opening: Fraction = Field(0.05", VALVE, "a valve that leaks a twentieth"),
    (I, "max_opening: Number = Field(3.0", "max_opening: Number = Field(2.0", VALVE, "a valve that opens to twice"),
    (I, "set_point: Temperature | None = Field(313.15", "set_point: Temperature | None = Field(311.15", HELD, "a bath of 38 degC"),
    (I, "max_bath_temperature: Temperature = Field(328.15", "max_bath_temperature: Temperature = Field(333.15", LIMITS, "baths to 60 degC"),
    (I, "capacity: Power = Field(100e3", "capacity: Power = Field(120e3", LIMITS, "tanks of 120 kW"),
    (I, "1.1 * t.water_flow)", "1.5 * t.water_flow)", LIMITS, "water to 1.5 times its rating"),
    (I, "t.min_flow * t.chip_scale * t.power_scale", "t.min_flow * t.chip_scale", LIMITS, "least flow not scaled"),
    (I, "finite_or(t.set_point, np.inf) + HELD", "finite_or(t.set_point, np.inf) + 20.0", VALVE, "set points held within 20 K"),
    (I, 'if getattr(self, f)]', 'if False]', NO_FANS, "fans in a bath"),
    (L, 'bath_temperature = LimitKind(MAXIMUM', 'bath_temperature = LimitKind(MINIMUM', LIMITS, "baths from below"),
    (L, 'tank_duty = LimitKind(MAXIMUM', 'tank_duty = LimitKind(MINIMUM', LIMITS, "duties of tanks from below"),
    (L, 'tank_water_flow = LimitKind(MAXIMUM', 'tank_water_flow = LimitKind(MINIMUM', LIMITS, "water of tanks from below"),
    # in-row coolers
    (K, "conductance: Conductance = Field(2.5e3", "conductance: Conductance = Field(2.8e3", COIL, "a coil of 2.8 kW/K"),
    (K, "air_flow: VolumeFlow = Field(1.4", "air_flow: VolumeFlow = Field(1.5", COIL, "air of 1.5 m3/s"),
    (K, "water_flow: MassFlow = Field(1.2, gt=0, description=\"rated\")\n    fan_power", "water_flow: MassFlow = Field(1.5, gt=0, description=\"rated\")\n    fan_power", COIL, "water of 1.5 kg/s"),
    (K, "fan_power: Power = Field(1.0e3", "fan_power: Power = Field(1.2e3", COIL, "fans of 1.2 kW"),
    (K, "set_point: Temperature | None = Field(295.15", "set_point: Temperature | None = Field(297.15", COLD, "air of 24 degC"),
    (K, "capacity: Power = Field(30e3", "capacity: Power = Field(35e3", COLD, "units of 35 kW"),
    (K, "= (1.2, 0.3, 2.0)", "= (1.0, 0.3, 2.0)", BOX, "a unit a metre deep"),
]
