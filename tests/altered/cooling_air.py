"""Cooling: room air, fans, moist air, what racks may breathe."""

# ruff: noqa: E501
# fmt: off

AIR = "twin/domains/mixed_air.py"
CHIPS = "twin/domains/compute.py"
RACKS = "twin/components/compute.py"
HALL, CLASSES = "twin/components/hall.py", "twin/components/classes.py"
BASE = "twin/components/base.py"
LOWERING = "twin/plant/lowering.py"
FLUIDS = "twin/fluids.py"
MOIST = "kernels/moist_air.py"
LEDGER = "twin/columns.py"


def coils_and_rooms(*names):
    return tuple(f"physics/test_coils_and_rooms.py::test_{n}" for n in names)


def fans(*names):
    return tuple(f"physics/test_fans.py::test_{n}" for n in names)


def rack_limits(*names):
    return tuple(f"physics/test_rack_limits.py::test_{n}" for n in names)


def moist_air(*names):
    return tuple(f"physics/test_moist_air.py::test_{n}" for n in names)


MUTANTS = [
    (AIR, "* (own / (1.0 - zone.bypass[z, s]))", "* (demand / (1.0 - zone.bypass[z, s]))",
     coils_and_rooms("recirculated_air_comes_from_the_hot_side")),
    (AIR, "(own / (1.0 - zone.bypass[z, s]))", "own",
     coils_and_rooms("bypassing_air_is_moved_in_vain")),
    (AIR, "(own / (1.0 - zone.bypass[z, s]))", "(own * (1.0 + zone.bypass[z, s]))",
     coils_and_rooms("bypassing_air_is_moved_in_vain")),
    (AIR, "required = zone.excess[z, s] * (own", "required = (own", coils_and_rooms("both_fractions_and_the_excess")),
    (AIR, "(1.0 - zone.bypass[z, s])) + other", "(1.0 - zone.bypass[z, s]))", coils_and_rooms("heat_that_no_rack_fan_moves_calls_for_air_at_ten_kelvin")),
    (AIR, "total = delivered + zone.ventilation[z, s]", "total = delivered", coils_and_rooms("ventilation_joins_the_supply_and_leaves_from_the_hot_side")),
    (AIR, "forward = min(own,", "forward = min(demand,",
     coils_and_rooms("both_fractions_and_the_excess")),
    (AIR, "forward = min(own, (1.0 - zone.bypass[z, s]) * total)", "forward = own",
     coils_and_rooms("racks_short_of_cooler_air_recirculate_the_rest")),
    (AIR, "fan.power[f, s] * speed * speed * speed", "fan.power[f, s] * speed * speed", fans("a_fan_wall_at_half_flow_takes_an_eighth_of_its_power")),
    (AIR, "running * fan.power[f, s]", "fan.power[f, s]", fans("the_fewest_fans_run_and_share_the_flow")),
    (AIR, "ceil(part * fan.installed[f, s] - 1e-9)", "ceil(fan.installed[f, s] - 1e-9)", fans("the_fewest_fans_run_and_share_the_flow")),
    (AIR, "fan.min_speed[f, s], 1.0)", "0.3, 1.0)", fans("a_fan_wall_at_half_flow_takes_an_eighth_of_its_power")),
    (AIR, "part = clip(wanted, 0.0, 1.0)", "part = clip(wanted, 0.0, 1.2)", fans("the_fewest_fans_run_and_share_the_flow")),
    (AIR, "(AIR_HEAT * zone.other_rise[z, s])", "(AIR_HEAT * 10.0)", coils_and_rooms("heat_that_no_rack_fan_moves_calls_for_air_at_ten_kelvin")),
    (CHIPS, "AIR_HEAT = 1006.0", "AIR_HEAT = 1020.0", fans("the_power_of_room_fans_warms_the_air_before_their_coil")),
    (CHIPS, "* scale / rack, 0.8)", "* scale / rack, 0.6)",
     fans("a_heat_sink_resists_by_the_air_flow_to_the_eight_tenths")),
    (CHIPS, "stream / (1.0 - e.maldistribution[r, s])", "stream", fans("the_worst_chip_lacks_flow_draws_more_and_has_the_worst_interface")),
    (CHIPS, "e.junction_to_case[r, s] * worse", "e.junction_to_case[r, s]",
     fans("the_worst_chip_lacks_flow_draws_more_and_has_the_worst_interface")),
    (CHIPS, "excess = 1.0 + e.power_spread", "excess = 1.0 + 0 * e.power_spread",
     fans("the_worst_chip_lacks_flow_draws_more_and_has_the_worst_interface")),
    (CHIPS, "stream = 0.5 * e.plates", "stream = 1.0 * e.plates",
     fans("a_heat_sink_resists_by_the_air_flow_to_the_eight_tenths")),
    (CHIPS, "out = load + e.fan_power[r, s] * speed * speed * speed", "out = load + e.fan_power[r, s] * speed * speed",
     fans("rack_fans_hold_the_rise_of_their_air_and_take_the_cube_of_their_speed")),
    (CHIPS, "clip(required, e.min_fan_speed[r, s], 1.0)", "clip(required, 0.3, 1.0)", fans("a_fan_wall_at_half_flow_takes_an_eighth_of_its_power")),
    (RACKS, "fan_power=t.fan_power * t.site.room_density / AIR_DENSITY", "fan_power=t.fan_power",
     fans("rack_fans_hold_the_rise_of_their_air_and_take_the_cube_of_their_speed")),
    (RACKS, "fan_flow=t.air_flow * t.site.room_density", "fan_flow=t.air_flow * AIR_DENSITY",
     fans("a_fan_wall_at_half_flow_takes_an_eighth_of_its_power")),
    (RACKS, "sink_flow=np.maximum(t.air_flow * AIR_DENSITY, 1e-9)", "sink_flow=np.maximum(t.air_flow * 1.1, 1e-9)",
     fans("a_heat_sink_resists_by_the_air_flow_to_the_eight_tenths")),
    (RACKS, "maldistribution: Fraction = Field(0.05,", "maldistribution: Fraction = Field(0.08,",
     fans("the_worst_chip_lacks_flow_draws_more_and_has_the_worst_interface")),
    (RACKS, "power_spread: Fraction = Field(0.05,", "power_spread: Fraction = Field(0.02,",
     fans("the_worst_chip_lacks_flow_draws_more_and_has_the_worst_interface")),
    (RACKS, "interface_spread: Fraction = Field(0.10,", "interface_spread: Fraction = Field(0.25,",
     fans("the_worst_chip_lacks_flow_draws_more_and_has_the_worst_interface")),
    (CLASSES, "np.maximum(elevation - THIN_AIR, 0.0)", "np.maximum(elevation - 950.0, 0.0)",
     rack_limits("the_inlet_limit_of_a_class_falls_with_height_above_nine_hundred_metres")),
    (CLASSES, "hottest = hottest - derating * np.maximum(elevation - THIN_AIR, 0.0)", "hottest = 1.0 * hottest",
     rack_limits("the_inlet_limit_of_a_class_falls_with_height_above_nine_hundred_metres")),
    (RACKS, "max_supply_temperature: Temperature = Field(318.15,", "max_supply_temperature: Temperature = Field(320.15,",
     rack_limits("coolant_of_racks_has_its_limits")),
    (RACKS, "max_return_temperature: Temperature = Field(338.15,", "max_return_temperature: Temperature = Field(333.15,",
     rack_limits("coolant_of_racks_has_its_limits")),
    (RACKS, "liquid_fraction: Fraction = Field(0.87,", "liquid_fraction: Fraction = Field(0.85,", rack_limits("the_share_of_heat_that_liquid_takes")),
    (RACKS, "t.min_flow * t.chip_scale * t.power_scale", "t.min_flow * t.chip_scale", rack_limits("coolant_of_racks_has_its_limits")),
    (RACKS, "limits.rack_air_inlet_cold, inlet, allowable.coldest - breathes", "limits.rack_air_inlet_cold, inlet, allowable.coldest + 1 - breathes",
     rack_limits("the_inlet_must_not_be_colder_than_its_class_at_any_height")),
    (RACKS, 'air_class: AirClassName = Field("A2"', 'air_class: AirClassName = Field("A3"',
     rack_limits("racks_are_of_class_a2_unless_stated_and_without_air_of_none")),
    (CLASSES, '"A1": AirClass(288.15, 305.15, 290.15, 0.80, 300.15, 1 / 300)', '"A1": AirClass(288.15, 305.15, 290.15, 0.80, 300.15, 1 / 175)',
     rack_limits("the_inlet_limit_of_a_class_falls_with_height_above_nine_hundred_metres")),
    (CLASSES, '"A2": AirClass(283.15, 308.15, 294.15, 0.80, 300.15, 1 / 300)', '"A2": AirClass(283.15, 308.15, 294.15, 0.80, 300.15, 0.0)',
     rack_limits("the_inlet_limit_of_a_class_falls_with_height_above_nine_hundred_metres")),
    (CLASSES, '"A3": AirClass(278.15, 313.15, 297.15, 0.85, 300.15, 1 / 175)', '"A3": AirClass(278.15, 313.15, 297.15, 0.85, 300.15, 1 / 300)',
     rack_limits("the_inlet_limit_of_a_class_falls_with_height_above_nine_hundred_metres")),
    (CLASSES, '"A4": AirClass(278.15, 318.15, 297.15, 0.90, 300.15, 1 / 125)', '"A4": AirClass(278.15, 318.15, 297.15, 0.90, 300.15, 1 / 175)',
     rack_limits("the_inlet_limit_of_a_class_falls_with_height_above_nine_hundred_metres")),
    (CLASSES, '"H1": AirClass(278.15, 298.15,', '"H1": AirClass(278.15, 295.15,',
     rack_limits("the_inlet_limit_of_a_class_falls_with_height_above_nine_hundred_metres")),
    (CLASSES, '"A2": AirClass(283.15, 308.15,', '"A2": AirClass(288.15, 308.15,',
     rack_limits("the_inlet_must_not_be_colder_than_its_class_at_any_height")),
    (HALL, "ventilation=t.ventilation * t.site.density", "ventilation=t.ventilation * 1.2",
     coils_and_rooms("ventilation_joins_the_supply_and_leaves_from_the_hot_side")),
    (HALL, "recirculation: Fraction = Field(0.05, ge=0, lt=1", "recirculation: Fraction = Field(0.08, ge=0, lt=1",
     coils_and_rooms("the_fractions_of_a_room_unless_stated_are_a_twentieth_and_a_tenth")),
    (HALL, "bypass: Fraction = Field(0.1, ge=0, lt=1", "bypass: Fraction = Field(0.15, ge=0, lt=1",
     coils_and_rooms("the_fractions_of_a_room_unless_stated_are_a_twentieth_and_a_tenth")),
    (HALL, "dew_point_margin: TemperatureDifference = Field(2.0,", "dew_point_margin: TemperatureDifference = Field(3.0,",
     coils_and_rooms("coolant_must_stay_above_the_dew_point_of_its_room_by_a_margin")),
    (HALL, '        283.15, ge=230, le=310, description="of the returning air', '        285.15, ge=230, le=310, description="of the returning air',
     coils_and_rooms("coolant_must_stay_above_the_dew_point_of_its_room_by_a_margin")),
    (HALL, "inflow=write(Vent(outdoor, supply))", "inflow=write(Vent(outdoor, exhaust))",
     coils_and_rooms("ventilation_joins_the_supply_and_leaves_from_the_hot_side")),
    (HALL, '        10.0, gt=0, le=60, description="of the air, that coolers allow', '        12.0, gt=0, le=60, description="of the air, that coolers allow',
     coils_and_rooms("heat_that_no_rack_fan_moves_calls_for_air_at_ten_kelvin")),
    (BASE, "AIR_DENSITY = 1.2\n", "AIR_DENSITY = 1.184\n", fans("a_fan_wall_at_half_flow_takes_an_eighth_of_its_power")),
    (HALL, "humidity=np.where(t.ventilation > 0, np.nan, stated)", "humidity=stated + 0 * t.ventilation",
     coils_and_rooms("coolant_must_stay_above_the_dew_point_of_its_room_by_a_margin")),
    (BASE, "np.where(part.in_service > 0, part.room.dew_point_margin, -np.inf)", "np.where(part.in_service > 0, 0.0, -np.inf)",
     coils_and_rooms("coolant_must_stay_above_the_dew_point_of_its_room_by_a_margin")),
    (LOWERING, "ROOM_AIR, ROOM_HUMIDITY = 297.15,", "ROOM_AIR, ROOM_HUMIDITY = 293.15,", coils_and_rooms("recirculated_air_comes_from_the_hot_side")),
    (LOWERING, "fluids.air_density(ROOM_AIR, ROOM_HUMIDITY, pressure)", "fluids.air_density(ROOM_AIR, 0.0, pressure)",
     coils_and_rooms("recirculated_air_comes_from_the_hot_side")),
    (HALL, "DEFAULT_HUMIDITY = 0.5", "DEFAULT_HUMIDITY = 0.6", moist_air("weather_without_moisture_is_half_saturated")),
    (LOWERING, "density=_row(fluids.air_density(dry, ratio, pressure))", "density=_row(fluids.air_density(dry, 0 * ratio, pressure))",
     moist_air("ventilation_carries_heat_with_the_density_of_moist_air")),
    (HALL, 'fluids.pressure_at(site["elevation"])', 'fluids.pressure_at(0 * np.asarray(site["elevation"], float))',
     moist_air("wet_bulb_follows_from_humidity")),
    (FLUIDS, "_DRY_AIR_GAS = 287.042", "_DRY_AIR_GAS = 286.0", moist_air("ventilation_carries_heat_with_the_density_of_moist_air")),
    (FLUIDS, "MOLAR_RATIO = 0.621945", "MOLAR_RATIO = 0.63", moist_air("wet_bulb_follows_from_humidity")),
    (MOIST, "1.3914993 + T * (-4.8640239e-2 + T * (4.1764768e-5", "1.3914993 + T * (-4.8640239e-2 + T * (4.2764768e-5", moist_air("wet_bulb_follows_from_humidity")),
    (MOIST, "6.5459673 * log_T", "6.5469673 * log_T", moist_air("wet_bulb_follows_from_humidity")),
    (MOIST, "curve = -9.677843e-3 + T * (6.2215701e-7", "curve = -9.687843e-3 + T * (6.2215701e-7",
     moist_air("coolant_stays_dry_three_kelvin_above_the_dew_point_of_the_weather")),
    (FLUIDS, "np.where(T <= TRIPLE, log_pressure_over_ice(T, log_T), log_pressure_over_water(T, log_T))", "log_pressure_over_water(T, log_T)",
     moist_air("wet_bulb_follows_from_humidity")),
    (FLUIDS, "((2501 - 2.326 * b) * saturated", "((2501 - 2.426 * b) * saturated", moist_air("wet_bulb_follows_from_humidity")),
    (FLUIDS, "(2501 + 1.86 * t - 4.186 * b)", "(2501 + 1.96 * t - 4.186 * b)", moist_air("wet_bulb_follows_from_humidity")),
    (FLUIDS, "((2830 - 0.24 * b) * saturated", "((2730 - 0.24 * b) * saturated", moist_air("wet_bulb_follows_from_humidity")),
    (FLUIDS, "(2830 + 1.86 * t - 2.1 * b)", "(2830 + 1.86 * t - 4.1 * b)", ("cases/properties/test_properties.py::test_wet_bulbs_are_those_of_psychrolib",)),
    (FLUIDS, "return np.where(over_water, water, ice)", "return water", moist_air("wet_bulb_follows_from_humidity")),
    (FLUIDS, "return np.where(over_water, water, ice)", "return water + np.clip(-b / 5.0, 0.0, 1.0) * (ice - water)",
     moist_air("below_freezing_wet_bulbs_are_those_over_ice")),
    (FLUIDS, "ratio >= _wet_ratio(dry, FREEZING, p, True)", "ratio >= _wet_ratio(dry, FREEZING, p, False)",
     ("test_fluids.py::test_where_a_humidity_has_two_wet_bulbs_it_is_that_over_water",)),
    (HALL, "short &= fluids.humidity_ratio_from_wet_bulb(dry, given[\"wet_bulb\"], p) <= 0.0", "pass",
     moist_air("wet_bulbs_over_ice_are_air_where_drier_air_has_one_over_water")),
    (FLUIDS, "(1 - 2.25577e-5 * np.asarray(elevation, float)) ** 5.2559", "(1 - 2.25577e-5 * np.asarray(elevation, float)) ** 5.1",
     moist_air("wet_bulb_follows_from_humidity")),
    (FLUIDS, "(1 - 2.25577e-5 * np.asarray(elevation, float)) ** 5.2559", "(1 - 2.35577e-5 * np.asarray(elevation, float)) ** 5.2559",
     moist_air("wet_bulb_follows_from_humidity")),
    (FLUIDS, "pressure * (1 + ratio) / (_DRY_AIR_GAS", "pressure / (_DRY_AIR_GAS", moist_air("ventilation_carries_heat_with_the_density_of_moist_air")),
    (FLUIDS, "_humidity_ratio(relative_humidity * saturation_pressure(dry_bulb), pressure)", "relative_humidity * _humidity_ratio(saturation_pressure(dry_bulb), pressure)",
     moist_air("wet_bulb_follows_from_humidity")),
    (LEDGER, 'rack_air_inlet = LimitKind(MAXIMUM, "air', 'rack_air_inlet = LimitKind(MINIMUM, "air',
     rack_limits("the_inlet_limit_of_a_class_falls_with_height_above_nine_hundred_metres")),
    (LEDGER, 'rack_air_inlet_cold = LimitKind(MINIMUM, "air', 'rack_air_inlet_cold = LimitKind(MAXIMUM, "air',
     rack_limits("the_inlet_must_not_be_colder_than_its_class_at_any_height")),
    (LEDGER, 'rack_flow = LimitKind(MINIMUM, "coolant', 'rack_flow = LimitKind(MAXIMUM, "coolant', rack_limits("coolant_of_racks_has_its_limits")),
    (LEDGER, 'coolant_supply = LimitKind(MAXIMUM, "coolant', 'coolant_supply = LimitKind(MINIMUM, "coolant',
     rack_limits("coolant_of_racks_has_its_limits")),
    (LEDGER, 'coolant_return = LimitKind(MAXIMUM, "coolant', 'coolant_return = LimitKind(MINIMUM, "coolant',
     rack_limits("coolant_of_racks_has_its_limits")),
    (LEDGER, 'crah_capacity = LimitKind(MAXIMUM, "heat', 'crah_capacity = LimitKind(MINIMUM, "heat',
     coils_and_rooms("the_capacity_of_coolers_counts_their_units")),
    (LEDGER, 'crah_air_flow = LimitKind(MAXIMUM, "air', 'crah_air_flow = LimitKind(MINIMUM, "air', fans("the_fewest_fans_run_and_share_the_flow")),
    (LEDGER, 'room_temperature = LimitKind(MAXIMUM, "air', 'room_temperature = LimitKind(MINIMUM, "air',
     coils_and_rooms("a_room_may_be_warm_up_to_its_limit")),
]
