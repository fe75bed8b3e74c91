"""ASHRAE's classes of air and coolant: bounds, margins, what is required and told."""

# ruff: noqa: E501
# fmt: off

C, E, L = "twin/components/classes.py", "twin/results/envelopes.py", "twin/results/limits.py"
RACKS, CDUS, LEDGER = "twin/components/compute.py", "twin/components/cooling.py", "twin/columns.py"
SCREEN, FLUIDS = "twin/show/screen.py", "twin/fluids.py"


def envelopes(*names):
    return tuple(f"physics/test_envelopes.py::test_{n}" for n in names)


ALLOWABLE = envelopes("air_of_a_class_is_allowable_up_to_each_of_its_bounds")
RECOMMENDED = envelopes("recommended_air_is_narrower")
THIN = envelopes("recommended_air_ends_where_the_allowable_does_in_thin_air")
TOLD = envelopes("moisture_and_height_beyond_a_class_are_told_and_bound_nothing")
ROOMS = envelopes("air_of_a_room_has_the_moisture_of_the_room")
IDLE = envelopes("racks_without_fans_or_service_have_no_air_to_judge")
WATER = envelopes("facility_water_of_a_class_is_from_two_degrees_to_its_number")
FREE = envelopes("water_of_any_warmth_is_of_the_class_plus_and_unchecked_where_none_is_stated")
LOOP = envelopes("coolant_of_a_class_is_not_warmer_than_its_number")
SHOWN = envelopes("the_screen_tells_of_recommended_air_only_where_racks_leave_it")

MUTANTS = [
    # air
    (C, '"A1": AirClass(288.15', '"A1": AirClass(287.15', ALLOWABLE, "A1 from 14 degC"),
    (C, '"A2": AirClass(283.15, 308.15, 294.15', '"A2": AirClass(283.15, 308.15, 295.15', ALLOWABLE, "A2 to a dew point of 22 degC"),
    (C, '"A3": AirClass(278.15, 313.15, 297.15, 0.85', '"A3": AirClass(278.15, 313.15, 297.15, 0.80', ALLOWABLE, "A3 to 80 %"),
    (C, '"A4": AirClass(278.15, 318.15, 297.15, 0.90', '"A4": AirClass(278.15, 318.15, 297.15, 0.85', ALLOWABLE, "A4 to 85 %"),
    (C, '"H1": AirClass(278.15, 298.15, 290.15', '"H1": AirClass(278.15, 298.15, 294.15', ALLOWABLE, "H1 to a dew point of 21 degC"),
    (C, '"H1": AirClass(278.15, 298.15, 290.15, 0.80, 295.15', '"H1": AirClass(278.15, 298.15, 290.15, 0.80, 300.15', RECOMMENDED, "H1 recommended to 27 degC"),
    (C, "DRIEST, MIN_HUMIDITY = 261.15", "DRIEST, MIN_HUMIDITY = 264.15", ALLOWABLE, "allowable from -9 degC"),
    (C, "MIN_HUMIDITY = 261.15, 0.08", "MIN_HUMIDITY = 261.15, 0.20", ALLOWABLE, "allowable from 20 %"),
    (C, "= 291.15, 264.15, 288.15, 0.70", "= 293.15, 264.15, 288.15, 0.70", RECOMMENDED, "recommended from 20 degC"),
    (C, "= 291.15, 264.15, 288.15, 0.70", "= 291.15, 278.65, 288.15, 0.70", RECOMMENDED, "recommended from a dew point of 5.5 degC"),
    (C, "= 291.15, 264.15, 288.15, 0.70", "= 291.15, 264.15, 290.15, 0.70", RECOMMENDED, "recommended to a dew point of 17 degC"),
    (C, "= 291.15, 264.15, 288.15, 0.70", "= 291.15, 264.15, 288.15, 0.60", RECOMMENDED, "recommended to 60 %"),
    (C, "np.minimum(recommended, hottest)", "recommended * same", THIN, "recommended air beyond what is allowable"),
    (C, "THIN_AIR, HIGHEST = 900.0, 3050.0", "THIN_AIR, HIGHEST = 900.0, 3250.0", TOLD, "classes to 3,250 m"),
    (E, "T - _dry_bulb(vapour, box.max_humidity)", "T - box.coldest", ALLOWABLE, "air of any humidity"),
    (E, "_dry_bulb(vapour, box.min_humidity) - T", "box.hottest - T", ALLOWABLE, "air of any dryness"),
    (E, "dew_point - box.driest", "T - box.driest", ALLOWABLE, "any low dew point"),
    (E, "box.dampest - dew_point", "box.hottest - T", ALLOWABLE, "any high dew point"),
    (E, "for x in (rooms, weather)])", "for x in (0.0 * rooms + weather[0], weather)])", ROOMS, "rooms as damp as the weather"),
    (E, "np.where(g.judged > 0, everywhere[g.zone], np.nan)", "everywhere[g.zone]", IDLE, "racks without fans judged"),
    (RACKS, "judged = (t.air_flow > 0) * t.in_service", "judged = t.in_service", IDLE, "racks without fans breathe"),
    (RACKS, "judged = (t.air_flow > 0) * t.in_service", "judged = 1.0 * (t.air_flow > 0)", IDLE, "racks out of service breathe"),
    (FLUIDS, "np.log(saturation_pressure(x)) - target, low,", "np.log(saturation_pressure(x)) - 1.001 * target, low,", ALLOWABLE, "saturation a thousandth off"),
    # what is told
    *(
        (LEDGER, f"{n} = LimitKind({a}", f"{n} = LimitKind({b}", TOLD, f"{n} from the other side")
        for n, a, b in (("rack_dew_point", "MAXIMUM", "MINIMUM"), ("rack_dew_point_low", "MINIMUM", "MAXIMUM"), ("rack_humidity", "MAXIMUM", "MINIMUM"),
                        ("rack_humidity_low", "MINIMUM", "MAXIMUM"), ("rack_elevation", "MAXIMUM", "MINIMUM"))
    ),
    (L, "_moist(solution) if aims else ()", "()", TOLD, "moisture untold"),
    (SCREEN, "e.recommended < -ROUNDING", "e.allowable < -ROUNDING", SHOWN, "the screen tells of allowable air"),
    (SCREEN, "worst = min(outside,", "worst = max(outside,", SHOWN, "the nearest rack for the farthest"),
    # coolant
    *(
        (C, f'"{n}": {v}', f'"{n}": {v + 0.3:.2f}', WATER, f"{n} warmer")
        for n, v in (("W17", 290.15), ("W27", 300.15), ("W32", 305.15), ("W40", 313.15), ("W45", 318.15))
    ),
    *(
        (C, f'"{n}": {v}', f'"{n}": {v + 0.3:.2f}', LOOP, f"{n} warmer")
        for n, v in (("S30", 303.15), ("S40", 313.15), ("S45", 318.15), ("S50", 323.15))
    ),
    (LEDGER, "loop_class = LimitKind(MAXIMUM", "loop_class = LimitKind(MINIMUM", LOOP, "classes of loops from below"),
    (LEDGER, "facility_water_class = LimitKind(MAXIMUM", "facility_water_class = LimitKind(MINIMUM", WATER, "classes of water from below"),
    (LEDGER, "facility_water_class_cold = LimitKind(MINIMUM", "facility_water_class_cold = LimitKind(MAXIMUM", WATER, "the coldest water from above"),
    (C, "COLDEST_WATER = 275.15", "COLDEST_WATER = 273.15", WATER, "facility water from 0 degC"),
    (C, '"W+": np.inf', '"W+": 323.15', FREE, "W+ to 50 degC"),
    (E, "ROUNDING = 1e-6", "ROUNDING = 1.0", WATER, "a kelvin too warm is met"),
    (CDUS, "limits.facility_water_class, water, allowable.hottest", "limits.facility_water_class, supply, allowable.hottest", WATER, "the racks' coolant as facility water"),
]
