"""Cooling: plates, CDUs, coils, walls of pipes."""

# ruff: noqa: E501
# fmt: off

COOLING = "twin/components/cooling.py"
HEAT = "twin/domains/thermal.py"
FILLING = "twin/domains/coolant.py"
EXCHANGERS = "kernels/exchangers.py"
LEDGER = "twin/columns.py"


def exchangers(*names):
    return tuple(f"physics/test_exchangers.py::test_{n}" for n in names)


def coils_and_rooms(*names):
    return tuple(f"physics/test_coils_and_rooms.py::test_{n}" for n in names)


def fans(*names):
    return tuple(f"physics/test_fans.py::test_{n}" for n in names)


def dry_coolers(*names):
    return tuple(f"physics/test_dry_coolers.py::test_{n}" for n in names)


def chillers(*names):
    return tuple(f"physics/test_chillers.py::test_{n}" for n in names)


def coolants(*names):
    return tuple(f"physics/test_coolants.py::test_{n}" for n in names)


MUTANTS = [
    (COOLING, "return conductance * (1.0 + balance), conductance * (1.0 + 1.0 / balance)", "return conductance * (1.0 + 1.0 / balance), conductance * (1.0 + balance)",
     exchangers("a_film_that_is_stronger_on_one_side_cares_for_the_flow_of_the_other")),
    (COOLING, "return t.fouling / finite_or(t.area, conductance / t.clean_u)", "return t.fouling * finite_or(t.area, conductance / t.clean_u)",
     exchangers("fouling_adds_its_resistance_over_the_area_or_over_that_of_a_typical_plate")),
    (COOLING, "quadratic=t.fws_drop / t.fws_flow**2", "quadratic=t.fws_drop / t.fws_flow",
     exchangers("the_open_valve_of_a_cdu_drops_its_pressure_by_the_square")),
    (COOLING, "                t.tcs_flow,\n                t.fws_flow,\n", "                t.fws_flow,\n                t.tcs_flow,\n",
     exchangers("a_cdu_with_its_valve_open_passes_its_textbook_duty")),
    (COOLING, "min_flow=t.min_opening * t.fws_flow", "min_flow=t.min_opening * t.tcs_flow",
     exchangers("the_valve_of_a_cdu_stays_between_its_least_opening_and_three_times_its_rated_flow")),
    (COOLING, "1.1 * t.tcs_flow", "1.2 * t.tcs_flow", exchangers("limits_of_a_cdu")),
    (COOLING, "*films(t.conductance * n, t.film_balance)", "*films(t.conductance, t.film_balance)",
     exchangers("plates_in_parallel_share_the_flow_and_those_that_rest_pass_none")),
    (COOLING, "fouling=wall_fouling(t, t.conductance) / n", "fouling=wall_fouling(t, t.conductance)",
     exchangers("plates_in_parallel_share_the_flow_and_those_that_rest_pass_none")),
    (COOLING, "t.air_flow * AIR_DENSITY,\n                t.water_flow", "t.air_flow * 1.1,\n                t.water_flow",
     coils_and_rooms("a_coil_passes_its_textbook_duty_at_its_rating_and_at_half_of_either_flow")),
    (COOLING, 'crossflow=np.array([[a == "crossflow"] for a in t["arrangement"]], float)', 'crossflow=np.array([[a == "counterflow"] for a in t["arrangement"]], float)',
     coils_and_rooms("a_coil_passes_its_textbook_duty_at_its_rating_and_at_half_of_either_flow")),
    (COOLING, "quadratic=t.water_drop / t.water_flow**2", "quadratic=2 * t.water_drop / t.water_flow**2",
     coils_and_rooms("the_valve_of_a_coil_leaks_a_fiftieth_and_opens_to_three_times_its_rated_flow")),
    (COOLING, 't.times("capacity conductance water_flow air_flow area"', 't.times("capacity conductance water_flow air_flow"',
     coils_and_rooms("units_of_coolers_add_up")),
    (COOLING, 'cls.coil(t, write, write(Vent(t.node("inlet"), t.room.exhaust)))', 'cls.coil(t, write, write(Vent(t.node("inlet"), t.room.inlet)))',
     coils_and_rooms("a_rear_door_cools_what_its_rack_exhausts")),
    (COOLING, "t.air_flow * t.site.room_density,", "t.air_flow * AIR_DENSITY,", fans("a_fan_wall_at_half_flow_takes_an_eighth_of_its_power")),
    (COOLING, "t.fan_power * t.site.room_density / AIR_DENSITY", "t.fan_power", fans("a_fan_wall_at_half_flow_takes_an_eighth_of_its_power")),
    (COOLING, "write(Heat(blown, power))", "write(Heat(hot, power))", fans("the_power_of_room_fans_warms_the_air_before_their_coil")),
    (COOLING, "min_fan_speed: Fraction = Field(0.3, gt=0, le=1", "min_fan_speed: Fraction = Field(0.2, gt=0, le=1",
     fans("fans_do_not_turn_slower_than_their_least_speed")),
    (COOLING, '        4000.0, gt=0, description="U without fouling; plate exchangers 3 to 6 kW/m2/K"\n    )\n    max_flow', '        3500.0, gt=0, description="U without fouling; plate exchangers 3 to 6 kW/m2/K"\n    )\n    max_flow',
     exchangers("the_valve_of_a_cdu_takes_just_the_facility_water_that_holds_the_supply")),
    (COOLING, "*films(t.conductance, t.film_balance),\n                t.tcs_flow", "*films(t.conductance, 1.5),\n                t.tcs_flow",
     exchangers("a_cdu_with_its_valve_open_passes_its_textbook_duty")),
    (COOLING, 'description="in use; all if not given")\n    film_exponent: Number = Field(0.8,', 'description="in use; all if not given")\n    film_exponent: Number = Field(0.7,',
     exchangers("a_plate_passes_its_textbook_duty_at_and_off_its_rating")),
    (COOLING, "film_balance: Number = Field(0.5,", "film_balance: Number = Field(2.0,",
     coils_and_rooms("a_coil_passes_its_textbook_duty_at_its_rating_and_at_half_of_either_flow")),
    (COOLING, 'Field(0.02, ge=0, le=1, description="minimum water flow over rated")', 'Field(0.03, ge=0, le=1, description="minimum water flow over rated")',
     coils_and_rooms("the_valve_of_a_coil_leaks_a_fiftieth_and_opens_to_three_times_its_rated_flow")),
    (COOLING, 'max_opening: Number = Field(3.0, gt=0, le=10, description="flow over rated beyond which the valve does not open")\n    set_point', 'max_opening: Number = Field(2.5, gt=0, le=10, description="flow over rated beyond which the valve does not open")\n    set_point',
     exchangers("the_valve_of_a_cdu_stays_between_its_least_opening_and_three_times_its_rated_flow")),
    (COOLING, '        4000.0, gt=0, description="U without fouling; plate exchangers 3 to 6 kW/m2/K"\n    )\n    units_field: ClassVar[str] = "units"\n    ports', '        3500.0, gt=0, description="U without fouling; plate exchangers 3 to 6 kW/m2/K"\n    )\n    units_field: ClassVar[str] = "units"\n    ports',
     exchangers("fouling_adds_its_resistance_over_the_area_or_over_that_of_a_typical_plate")),
    (COOLING, "conductance / t.clean_u", "conductance / 4000.0",
     exchangers("fouling_adds_its_resistance_over_the_area_or_over_that_of_a_typical_plate")),
    (COOLING, "conductance / t.clean_u", "conductance / 4000.0", coils_and_rooms("fouling_of_a_coil_is_over_the_area_of_a_typical_one")),
    (COOLING, "conductance / t.clean_u", "conductance / 4000.0", dry_coolers("off_its_rating_a_coil_follows_both_flows_and_its_fouling")),
    (COOLING, "*films(t.conductance, t.film_balance),\n                t.tcs_flow", "*films(t.conductance, 1.0),\n                t.tcs_flow",
     exchangers("a_cdu_with_its_valve_open_passes_its_textbook_duty")),
    (COOLING, "*films(t.conductance * n, t.film_balance)", "*films(t.conductance * n, 1.0)",
     exchangers("a_film_that_is_stronger_on_one_side_cares_for_the_flow_of_the_other")),
    (COOLING, 'none: valve open")\n    film_exponent: Number = Field(0.8, ge=0, le=1, description="of the films over the flows")\n    film_balance: Number = Field(1.0,', 'none: valve open")\n    film_exponent: Number = Field(0.8, ge=0, le=1, description="of the films over the flows")\n    film_balance: Number = Field(1.5,',
     exchangers("a_cdu_with_its_valve_open_passes_its_textbook_duty")),
    (COOLING, 'none: valve open")\n    film_exponent: Number = Field(0.8,', 'none: valve open")\n    film_exponent: Number = Field(0.7,',
     exchangers("a_cdu_with_its_valve_open_passes_its_textbook_duty")),
    (COOLING, 'all if not given")\n    film_exponent: Number = Field(0.8, ge=0, le=1, description="of the films over the flows")\n    film_balance: Number = Field(1.0,', 'all if not given")\n    film_exponent: Number = Field(0.8, ge=0, le=1, description="of the films over the flows")\n    film_balance: Number = Field(1.5,',
     exchangers("a_plate_passes_its_textbook_duty_at_and_off_its_rating")),
    (COOLING, "exponent=t.film_exponent,\n                fouling=wall_fouling(t, t.conductance),\n                set_point", "exponent=0.8 + 0 * t.film_exponent,\n                fouling=wall_fouling(t, t.conductance),\n                set_point",
     exchangers("the_valve_of_a_cdu_takes_just_the_facility_water_that_holds_the_supply")),
    (COOLING, "fouling=wall_fouling(t, t.conductance),\n                set_point", "fouling=0.0 * t.fouling,\n                set_point",
     exchangers("a_cdu_with_its_valve_open_passes_its_textbook_duty")),
    (COOLING, "max_flow=t.max_opening * t.fws_flow", "max_flow=3.0 * t.fws_flow",
     exchangers("the_valve_of_a_cdu_stays_between_its_least_opening_and_three_times_its_rated_flow")),
    (COOLING, "max_flow=t.max_opening * t.fws_flow", "max_flow=t.max_opening * t.tcs_flow",
     exchangers("the_valve_of_a_cdu_stays_between_its_least_opening_and_three_times_its_rated_flow")),
    (COOLING, "min_flow=t.min_opening * t.fws_flow", "min_flow=0.02 * t.fws_flow",
     exchangers("the_valve_of_a_cdu_stays_between_its_least_opening_and_three_times_its_rated_flow")),
    (COOLING, 'Field(0.02, ge=0, le=1, description="minimum facility flow over rated")', 'Field(0.03, ge=0, le=1, description="minimum facility flow over rated")',
     exchangers("the_valve_of_a_cdu_stays_between_its_least_opening_and_three_times_its_rated_flow")),
    (COOLING, '        4000.0, gt=0, description="U without fouling; plate exchangers 3 to 6 kW/m2/K"\n    )\n    arrangement', '        3500.0, gt=0, description="U without fouling; plate exchangers 3 to 6 kW/m2/K"\n    )\n    arrangement',
     coils_and_rooms("fouling_of_a_coil_is_over_the_area_of_a_typical_one")),
    (COOLING, "*films(t.conductance, t.film_balance),\n                t.air_flow", "*films(t.conductance, 0.5),\n                t.air_flow",
     coils_and_rooms("the_films_of_a_coil_may_be_stated")),
    (COOLING, 'description="flow over rated beyond which the valve does not open")\n    film_exponent: Number = Field(0.8,', 'description="flow over rated beyond which the valve does not open")\n    film_exponent: Number = Field(0.7,',
     coils_and_rooms("a_coil_passes_its_textbook_duty_at_its_rating_and_at_half_of_either_flow")),
    (COOLING, "exponent=t.film_exponent,\n                fouling=wall_fouling(t, t.conductance),\n                crossflow", "exponent=0.8 + 0 * t.film_exponent,\n                fouling=wall_fouling(t, t.conductance),\n                crossflow",
     coils_and_rooms("the_films_of_a_coil_may_be_stated")),
    (COOLING, "fouling=wall_fouling(t, t.conductance),\n                crossflow", "fouling=0.0 * t.fouling,\n                crossflow",
     coils_and_rooms("units_of_coolers_add_up")),
    (COOLING, "min_flow=t.min_opening * t.water_flow", "min_flow=0.02 * t.water_flow",
     coils_and_rooms("the_valve_of_a_coil_leaks_a_fiftieth_and_opens_to_three_times_its_rated_flow")),
    (COOLING, "max_flow=t.max_opening * t.water_flow", "max_flow=3.0 * t.water_flow",
     coils_and_rooms("the_valve_of_a_coil_leaks_a_fiftieth_and_opens_to_three_times_its_rated_flow")),
    (COOLING, 'max_opening: Number = Field(3.0, gt=0, le=10, description="flow over rated beyond which the valve does not open")\n    film_exponent', 'max_opening: Number = Field(2.5, gt=0, le=10, description="flow over rated beyond which the valve does not open")\n    film_exponent',
     coils_and_rooms("the_valve_of_a_coil_leaks_a_fiftieth_and_opens_to_three_times_its_rated_flow")),
    (HEAT, "film(e.film_cold[x, s], cold", "film(e.film_hot[x, s], cold",
     exchangers("a_film_that_is_stronger_on_one_side_cares_for_the_flow_of_the_other")),
    (HEAT, "cold, e.rated_cold[x, s], e.exponent[x, s])", "cold, e.rated_cold[x, s], 0.8)",
     exchangers("films_follow_the_flow_by_their_exponent")),
    (HEAT, "in_series(hot_film, cold_film, e.fouling[x, s])", "in_series(hot_film, cold_film, 0.0)",
     exchangers("fouling_adds_its_resistance_over_the_area_or_over_that_of_a_typical_plate")),
    (HEAT, "hot_film = film(e.film_hot[x, s], hot, e.rated_hot[x, s], e.exponent[x, s])\n    transfer", "hot_film = film(e.film_cold[x, s], hot, e.rated_hot[x, s], e.exponent[x, s])\n    transfer",
     exchangers("a_film_that_is_stronger_on_one_side_cares_for_the_flow_of_the_other")),
    (HEAT, "hot_film = film(e.film_hot[x, s], hot, e.rated_hot[x, s], e.exponent[x, s])\n    least", "hot_film = film(e.film_hot[x, s], hot, e.rated_cold[x, s], e.exponent[x, s])\n    least",
     exchangers("the_valve_of_a_cdu_takes_just_the_facility_water_that_holds_the_supply")),
    (HEAT, "least = e.min_flow[x, s]", "least = 0.0 * e.min_flow[x, s]",
     exchangers("the_valve_of_a_cdu_stays_between_its_least_opening_and_three_times_its_rated_flow")),
    (HEAT, "required = C_hot * (stream.inlet[h, s] - set_point)", "required = 1.05 * C_hot * (stream.inlet[h, s] - set_point)",
     exchangers("the_valve_of_a_cdu_takes_just_the_facility_water_that_holds_the_supply")),
    (HEAT, "* min(C_hot, C_cold) * wet.sensible[x, s]", "* C_hot * wet.sensible[x, s]", exchangers("a_plate_passes_its_textbook_duty_at_and_off_its_rating")),
    (HEAT, "else 0.0) + power + driven", "else 0.0) + driven",
     chillers("condensers_give_their_loop_duty_and_power")),
    (HEAT, "upstream(sink, s, net, flow, now) if unit.sink[c] >= 0 else intake[0, s]", "intake[0, s]",
     chillers("chillers_take_the_published_power_at_part_load")),
    (FILLING, "exp(polynomial(f, LOG_VISCOSITY, T, filling))", "1.02 * exp(polynomial(f, LOG_VISCOSITY, T, filling))",
     coolants("laminar_flow_tells_the_viscosity_of_a_coolant")),
    (FILLING, "polynomial(f, CONDUCTIVITY, T, filling)", "0.6",
     coolants("a_cold_plate_conducts_as_its_coolant_does")),
    (FILLING, "polynomial(f, DENSITY, T, filling)", "polynomial(f, DENSITY, 300.0, filling)",
     coolants("a_pump_moves_the_density_of_its_coolant")),
    (FILLING, "HEAT_CAPACITY, total / count, filling", "HEAT_CAPACITY, 300.0, filling",
     coolants("heat_warms_a_coolant_by_its_heat_capacity")),
    (HEAT, "effectiveness(ntu, ratio, e.crossflow[x, s])", "effectiveness(ntu, ratio, 0.0)",
     coils_and_rooms("a_coil_passes_its_textbook_duty_at_its_rating_and_at_half_of_either_flow")),
    (HEAT, "return effectiveness(ntu, ratio, e.crossflow[x, s])", "return (1.0 - exp(-ntu * (1.0 + ratio))) / (1.0 + ratio) if e.crossflow[x, s] > 0.5 else effectiveness(ntu, ratio, 0.0)",
     coils_and_rooms("a_coil_passes_its_textbook_duty_at_its_rating_and_at_half_of_either_flow")),
    (HEAT, "min(e.max_flow[x, s], WIDEST * e.rated_cold[x, s])", "WIDEST * e.rated_cold[x, s]",
     exchangers("the_valve_of_a_cdu_stays_between_its_least_opening_and_three_times_its_rated_flow")),
    (HEAT, "min(e.max_flow[x, s], WIDEST * e.rated_cold[x, s])", "WIDEST * e.rated_cold[x, s]",
     coils_and_rooms("the_valve_of_a_coil_leaks_a_fiftieth_and_opens_to_three_times_its_rated_flow")),
    (HEAT, "min(C_hot, C_cold) * difference", "C_hot * difference", exchangers("the_valve_of_a_cdu_takes_just_the_facility_water_that_holds_the_supply")),
    (HEAT, "difference = (stream.inlet[h, s] - stream.inlet[c, s]) * wet", "difference = (stream.inlet[h, s] - set_point) * wet",
     exchangers("the_valve_of_a_cdu_takes_just_the_facility_water_that_holds_the_supply")),
    (EXCHANGERS, "lift / (1.0 + ratio * lift), 1.0)", "lift / (1.0 + lift), 1.0)",
     exchangers("a_plate_passes_its_textbook_duty_at_and_off_its_rating")),
    (EXCHANGERS, "else n * (1.0 - ratio))", "else n * (1.0 + ratio))",
     exchangers("a_plate_passes_its_textbook_duty_at_and_off_its_rating")),
    (EXCHANGERS, "rated * power(abs(flow) / rated_flow, exponent)", "rated * power(abs(flow) / rated_flow, 0.8)",
     exchangers("films_follow_the_flow_by_their_exponent")),
    (EXCHANGERS, "max(a + b + fouling * a * b, TINY)", "max(a + b, TINY)",
     exchangers("fouling_adds_its_resistance_over_the_area_or_over_that_of_a_typical_plate")),
    (EXCHANGERS, "max(a + b + fouling * a * b, TINY)", "max(a + b + fouling * a, TINY)",
     exchangers("fouling_adds_its_resistance_over_the_area_or_over_that_of_a_typical_plate")),
    (EXCHANGERS, "cold = film(film_cold, flow_cold, rated_cold,", "cold = film(film_cold, flow_cold, rated_hot,",
     ("kernels/test_exchangers.py",)),
    (EXCHANGERS, "decay(ratio * power(n, 0.78)", "decay(ratio * power(n, 0.85)",
     coils_and_rooms("a_coil_passes_its_textbook_duty_at_its_rating_and_at_half_of_either_flow")),
    (EXCHANGERS, "lift = n * decay(ratio", "lift = power(n, 0.95) * decay(ratio",
     coils_and_rooms("a_coil_passes_its_textbook_duty_at_its_rating_and_at_half_of_either_flow")),
    (EXCHANGERS, "cold = exponent if exponent_cold is None else exponent_cold", "cold = exponent",
     "kernels/test_exchangers.py::test_conductance_is_rated_at_the_rated_flows_and_vanishes_without_flow"),
    (LEDGER, 'dew_point = LimitKind(MINIMUM, "coolant', 'dew_point = LimitKind(MAXIMUM, "coolant', exchangers("limits_of_a_cdu")),
    (LEDGER, 'cdu_duty = LimitKind(MAXIMUM, "heat', 'cdu_duty = LimitKind(MINIMUM, "heat', exchangers("limits_of_a_cdu")),
    (LEDGER, 'cdu_flow = LimitKind(MAXIMUM, "coolant', 'cdu_flow = LimitKind(MINIMUM, "coolant', exchangers("limits_of_a_cdu")),
]
