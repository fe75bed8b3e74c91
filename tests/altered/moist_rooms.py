"""Moisture of rooms: wet coils, the balance of vapour, humidifiers, drying with reheat."""

# ruff: noqa: E501
# fmt: off

D, T, H = "twin/domains/moisture.py", "twin/domains/thermal.py", "twin/components/moisture.py"
K, R, A, B = "twin/components/cooling.py", "twin/components/hall.py", "kernels/moist_air.py", "twin/components/base.py"
S, E, W, P = "twin/results/limits.py", "twin/results/envelopes.py", "twin/plant/lowering.py", "kernels/pipe_flow.py"


def rooms(*names):
    return tuple(f"physics/test_moist_rooms.py::test_{n}" for n in names)


TAKES = rooms("a_cold_coil_in_a_damp_hall_takes_water")
HELD = rooms("a_valve_holds_its_set_point_over_a_wet_coil_too")
ENERGYPLUS = (
    "cases/energyplus/test_wet_coil.py::test_the_total_duty_is_energyplus",
    "cases/energyplus/test_wet_coil.py::test_the_latent_duty_and_the_water_are_energyplus_to_three_per_cent_of_the_total",
)
LEAVING = ("cases/energyplus/test_wet_coil.py::test_dry_states_are_dry_and_air_leaves_as_cold",)
BALANCE = rooms("ventilation_brings_what_coils_take")
PEOPLE = rooms("people_breathe_eighty_grams_an_hour")
STATED = rooms("a_room_without_ventilation_keeps_what_is_stated")
LIMIT = rooms("dew_point_limits_follow_the_room")
STEAM = rooms("steam_holds_the_dew_point_with_the_power_that_boils_its_water")
SPRAY = rooms("spray_takes_the_heat_of_vaporisation_from_the_air")
SMALL = rooms("a_humidifier_that_is_too_small_is_told")
SHARE = rooms("one_out_of_service_gives_nothing_and_two_share")
DRIES = rooms("a_cooler_dries_its_room_and_warms_the_air_again")
TOLD = rooms("a_room_dry_enough_is_not_reheated_and_one_too_damp_is_told")
INSIDE = ("physics/test_envelopes.py::test_air_of_a_room_has_the_moisture_of_the_room",)
DEW = ("kernels/test_moist_air.py::test_the_dew_point_of_air_is_where_it_is_saturated",)
WHOLE = ("kernels/test_pipe_flow.py::test_a_step_is_shortened_where_it_goes_past_its_descent_and_whole_where_it_has_none",)

MUTANTS = [
    # wet coils
    (D, "own = out / cp\n", "own = 0.9 * out / cp\n", ENERGYPLUS, "films of air nine tenths for moisture"),
    (D, "wetted = (1.0 - dry) * own / (1.0 + own * slope / ins)", "wetted = (1.0 - dry) * own", TAKES, "wet coils without a film of water"),
    (D, "wetted = (1.0 - dry) * own / (1.0 + own * slope / ins)", "wetted = own / (1.0 + own * slope / ins)", ENERGYPLUS, "a coil that is wet throughout"),
    (D, "found = counter(wetted / at.flow[c, s], at.flow[c, s] * slope / at.rate[c, s])", "found = counter(wetted / at.flow[c, s], 0.0)", TAKES, "water that does not warm along a wet coil"),
    (D, "found = counter(wetted / at.flow[c, s], at.flow[c, s] * slope / at.rate[c, s])", "found = counter(wetted / at.flow[c, s], at.flow[c, s] * cp / at.rate[c, s])", TAKES, "capacity rates of a dry coil"),
    (D, "enters = enthalpy(air, joint - air.freezing, w)", "enters = enthalpy(air, at.air[c, s] - air.freezing, w)", ENERGYPLUS, "the wet part meets the air that comes"),
    (D, "joint = at.air[c, s] - e * (at.air[c, s] - z)", "joint = dew", TAKES, "air at the joint at its dew point"),
    (D, "dry = z if first < 0.0 else 0.0", "dry = 0.0", ENERGYPLUS, "no dry part"),
    (D, "z = (dew * (1.0 + k) - at.air[c, s] * (1.0 - e)) / (e + k)", "z = dew + 0.0 * k", ENERGYPLUS, "water at the joint at the dew point"),
    (D, "in_series(out, ins, 0.0) / C, C / at.rate[c, s])", "in_series(out, ins, 0.0) / C, 0.0)", ENERGYPLUS, "a dry part that warms no water"),
    (D, "e = counter(dry * in_series(out, ins, 0.0) / C", "e = counter(dry * out / C", ENERGYPLUS, "the dry part without its film of water"),
    (D, "slope = (saturated(air, dew, pressure) - base) / max(dew - water, 1e-3)", "slope = 0.9 * (saturated(air, dew, pressure) - base) / max(dew - water, 1e-3)", ENERGYPLUS, "saturated air a tenth less steep"),
    (D, "return found / ratio if over else found", "return found if over else found / ratio", ENERGYPLUS, "effectiveness of the other side"),
    (D, "coldest = (at.outside[c, s] * leaving + at.inside[c, s] * water) / (at.outside[c, s] + at.inside[c, s])", "coldest = water", LEAVING, "coils wet wherever their water is below the dew point"),
    (D, "coldest = (at.outside[c, s] * leaving + at.inside[c, s] * water) / (at.outside[c, s] + at.inside[c, s])", "coldest = leaving", ENERGYPLUS, "coils wet where the air that leaves is below the dew point"),
    (D, "wets = live and coldest < dew", "wets = live", LEAVING, "coils that are always wet"),
    (D, "    h_out = h_in - heat / max(flow, 1e-9)", "    h_out = h_in - 0.97 * heat / max(flow, 1e-9)", ENERGYPLUS, "air that gives up 97 % of the heat"),
    (D, "past = exp(-min((1.0 - dry) * at.outside[c, s] / max(flow * cp, 1e-9), 30.0))", "past = exp(-min(0.5 * at.outside[c, s] / max(flow * cp, 1e-9), 30.0))", ENERGYPLUS, "air past half of the surface"),
    (D, "surface = wet_bulb_of(air, h_in - (h_in - h_out) / max(1.0 - past, 1e-9), pressure)", "surface = wet_bulb_of(air, h_out, pressure)", ENERGYPLUS, "a surface as cold as the air that leaves"),
    (D, "colder = surface + (joint - surface) * past - air.freezing", "colder = surface - air.freezing", ENERGYPLUS, "air that leaves as cold as the surface"),
    (D, "latent = condensed * (air.latent + air.vapour_cp * colder)\n", "latent = condensed * air.latent\n", ENERGYPLUS, "heat of what condenses at freezing"),
    (D, "out.sensible[coil.exchange[c], s] = sensible / dry_heat if works", "out.sensible[coil.exchange[c], s] = 1.0 if works", TAKES, "air that cools as over a dry coil"),
    (D, "= 1.0 + latent / sensible if works", "= 1.0 if works", TAKES, "wet coils without latent heat"),
    (D, "latent = exchange.duty[x, s] * (1.0 - 1.0 / wet.total[x, s])", "latent = exchange.duty[x, s] * (wet.total[x, s] - 1.0)", TAKES, "latent heat over the sensible one"),
    (D, "out.condensate[c, s] = max(latent, 0.0) / root.heat[c, s]", "out.condensate[c, s] = max(latent, 0.0) / 2.501e6", TAKES, "condensate by the heat at freezing"),
    (D, "in_series(inside, 1e12, e.fouling[x, s])", "in_series(inside, 1e12, 0.0)", TAKES, "wet coils that are never foul"),
    (D, "out.rate[c, s] = cold * coolant.cp[k, s]", "out.rate[c, s] = cold * 5000.0", TAKES, "water of 5 kJ/kg/K"),
    (D, "film(e.film_hot[x, s], hot, e.rated_hot[x, s], e.exponent[x, s])", "film(e.film_hot[x, s], e.rated_hot[x, s], e.rated_hot[x, s], e.exponent[x, s])", TAKES, "films of air as rated"),
    (D, "upstream(k, s, net, flow, now)\n    out.flow", "upstream(k, s, net, flow, now) + 1.0\n    out.flow", TAKES, "water that comes 1 K warmer"),
    (T, "full = share(C_hot * wet.total[x, s], C_cold, 1e-9, 0.0)", "full = share(C_hot, C_cold, 1e-9, 0.0)", HELD, "water that a valve holds without the latent heat"),
    (T, "cold_share = share(transfer * wet.total[x, s], C_cold, 1e-9, 0.0)", "cold_share = share(transfer, C_cold, 1e-9, 0.0)", TAKES, "water without the latent heat"),
    (T, "out.duty[x, s] = duty * wet.total[x, s]", "out.duty[x, s] = duty", TAKES, "duties without the latent heat"),
    (T, "(stream.inlet[h, s] - stream.inlet[c, s]) * wet.sensible[x, s]", "(stream.inlet[h, s] - stream.inlet[c, s])", HELD, "valves that take wet coils for dry ones"),
    (K, 'crossflow=np.array([[a == "crossflow"] for a in t["arrangement"]], float)', 'crossflow=np.array([[a != ""] for a in t["arrangement"]], float)', ("physics/test_coils_and_rooms.py::test_a_coil_may_be_in_counterflow",), "crossflow whatever is stated"),
    # the balance of a room
    (D, "surplus = moved * (site.humidity[0, s] - w) + gained - taken", "surplus = moved * (site.humidity[0, s] - w) + gained", BALANCE, "coils that take nothing from a room"),
    (D, "surplus = moved * (site.humidity[0, s] - w) + gained - taken", "surplus = moved * (site.humidity[0, s] - w) - taken", PEOPLE, "people who breathe nothing"),
    (D, "surplus = moved * (site.humidity[0, s] - w) + gained - taken", "surplus = 1.05 * moved * (site.humidity[0, s] - w) + gained - taken", BALANCE, "5 % more moisture from outdoors"),
    (D, "return fresh / (1.0 + w)", "return fresh", BALANCE, "moist air from outdoors counted as dry"),
    (R, "BREATH = 80e-3 / 3600.0", "BREATH = 70e-3 / 3600.0", PEOPLE, "70 g an hour"),
    (R, "vapour=t.people * BREATH", "vapour=1.0 * BREATH + 0.0 * t.people", PEOPLE, "one person in every room"),
    (R, "stated = humidity_ratio_from_dew_point(t.dew_point, t.site.pressure)", "stated = humidity_ratio_from_dew_point(t.dew_point - 1.0, t.site.pressure)", STATED, "stated dew points 1 K down"),
    (W, "humidity=_row(ratio)", "humidity=_row(0.98 * ratio)", BALANCE, "outdoor air 2 % drier"),
    (D, "total += coils.times[u] * coil.latent[coils.row[u], s]", "total += 0.5 * coils.times[u] * coil.latent[coils.row[u], s]", TAKES, "half of the latent heat in the audit"),
    (D, "total -= sources.times[u] * (given.power[k, s] - given.heat[k, s])", "total += sources.times[u] * (given.power[k, s] - given.heat[k, s])", STEAM, "vapour of humidifiers with the wrong sign in the audit"),
    # limits
    (S, "solution[limit.above] + limit.bound", "283.15 + limit.bound + 0.0 * solution[limit.above]", LIMIT, "margins above 10 degC"),
    (S, "solution[limit.above] + limit.bound", "solution[limit.above] - limit.bound", LIMIT, "margins below the dew point"),
    (B, "above = temperature.column[temperature.rows[inside]], zone.dew_point[part.room.zone]", "above = temperature.column[temperature.rows[inside]], zone.dew_point[0 * part.room.zone]", rooms("the_dew_point_that_limits_coolant_is_that_of_the_room_it_comes_to"), "the dew point of the first room for all"),
    (E, "rooms, weather = solution[columns.zone.dew_point], plant.site.dew_point", "rooms, weather = 0.0 * solution[columns.zone.dew_point] + 283.15, plant.site.dew_point", INSIDE, "rooms of 10 degC"),
    # dew points
    (A, "vapour = pressure * ratio / (air.molar + ratio)", "vapour = pressure * ratio / air.molar", DEW, "pressure of vapour by its ratio to dry air"),
    (A, "STEP * (k + max((vapour - low) / (high - low), 0.0))", "STEP * k", DEW, "dew points in steps"),
    (A, "STEP * (k + max((vapour - low) / (high - low), 0.0))", "STEP * (k + (vapour - low) / (high - low))", DEW, "dew points below the coldest of the table"),
    # humidifiers
    (H, "BOILING = 2.257e6 + 4186.0 * 85.0", "BOILING = 2.257e6 + 4186.0 * 80.0", STEAM, "water of 20 degC"),
    (H, "BOILING = 2.257e6 + 4186.0 * 85.0", "BOILING = 2.27e6 + 4186.0 * 85.0", STEAM, "2,270 kJ/kg"),
    (H, "SPRAYING = 14.4e3", "SPRAYING = 18e3", SPRAY, "5 W for a kilogram an hour"),
    (H, "np.where(boils, BOILING / t.efficiency, SPRAYING)", "np.where(boils, BOILING * t.efficiency, SPRAYING)", STEAM, "efficiency the other way round"),
    (H, "np.where(np.isnan(t.power), own, t.power / t.capacity)", "own", SPRAY, "a stated power that is not heard"),
    (H, "1.0 / (1.0 - t.flushed)", "1.0 + t.flushed", STEAM, "flushed over the vapour"),
    (H, "t.capacity * t.in_service", "t.capacity + 0.0 * t.in_service", SHARE, "humidifiers out of service that work"),
    (H, "set_point: Temperature = Field(278.65,", "set_point: Temperature = Field(280.65,", STEAM, "7.5 degC held"),
    (H, "efficiency: Fraction = Field(0.95,", "efficiency: Fraction = Field(0.9,", STEAM, "an efficiency of 90 %"),
    (H, "flushed: Fraction = Field(0.1,", "flushed: Fraction = Field(0.2,", STEAM, "a fifth drained"),
    (D, "flow = 0.0 if stated else min(missing, able)", "flow = 0.0 if stated else missing", SMALL, "humidifiers without end"),
    (D, "held = max(held, source.humidity[sources.row[u], s])", "held = source.humidity[sources.row[u], s]", rooms("the_dampest_set_point_of_a_room_holds"), "the last humidifier's set point"),
    (D, "part = source.capacity[k, s] / max(able, 1e-12)", "part = 0.5 * source.capacity[k, s] / max(source.capacity[k, s], 1e-12)", SHARE, "two humidifiers that share evenly"),
    (D, "given.heat[k, s] = vapour * (source.energy[k, s] - air.latent)", "given.heat[k, s] = vapour * source.energy[k, s]", STEAM, "steam that heats with all of its power"),
    (D, "given.heat[k, s] = vapour * (source.energy[k, s] - air.latent)", "given.heat[k, s] = vapour * max(source.energy[k, s] - air.latent, 0.0)", SPRAY, "spray that cools nothing"),
    (D, "given.water[k, s] = vapour * source.flushed[k, s]", "given.water[k, s] = vapour", STEAM, "nothing drained"),
    (D, "0.0 if stated else missing * part", "0.0 if stated else flow * part", SMALL, "vapour wanted told as vapour given"),
    # drying
    (D, "brought = dry_air(fresh[z, s], site.humidity[0, s]) * (site.humidity[0, s] - w) + zone.vapour[z, s]", "brought = 0.5 * dry_air(fresh[z, s], site.humidity[0, s]) * (site.humidity[0, s] - w) + zone.vapour[z, s]", DRIES, "half of the moisture dried"),
    (D, "brought = dry_air(fresh[z, s], site.humidity[0, s]) * (site.humidity[0, s] - w) + zone.vapour[z, s]", "brought = dry_air(fresh[z, s], site.humidity[0, s]) * (site.humidity[0, s] - w)", DRIES, "what people breathe is not dried"),
    (D, "surface = max(held - lower[coil.zone[c], s] / max(1.0 - past, 1e-9), DRY_ENOUGH)", "surface = max(held - lower[coil.zone[c], s], DRY_ENOUGH)", DRIES, "surfaces as dry as the air that leaves"),
    (D, "leaving = T + (at.air[c, s] - T) * past", "leaving = T", DRIES, "air that leaves as cold as its surface"),
    (D, "min(e.set_point[x, s], leaving) if own", "leaving if own", TOLD, "drying by warmer air than is set"),
    (D, "wanted = rate * (e.set_point[x, s] - stream.outlet[h, s]) + out.reheat[c, s]", "wanted = 0.9 * rate * (e.set_point[x, s] - stream.outlet[h, s]) + 0.9 * out.reheat[c, s]", DRIES, "air warmed nine tenths of the way"),
    (D, "clip(wanted, 0.0, coil.reheat[c, s]) if dries", "max(wanted, 0.0) if dries", TOLD, "heaters without end"),
    (K, "limit(part, write, limits.drying, columns.zone.dew_point[part.room.zone], finite_or(dew, np.inf) + HELD)", "limit(part, write, limits.drying, columns.zone.dew_point[part.room.zone], finite_or(dew, np.inf) + 20.0)", TOLD, "damp air within 20 K"),
    (K, "                write(Heat(hot[inside], heat))", "                _ = Heat", DRIES, "reheat that heats nothing"),
    (K, "                draw(part, write, heat, totals.air_handling)", "                _ = draw", DRIES, "reheat that costs nothing"),
    # steps of pipe networks
    (P, "climbs = before < 0.0 and after > -before", "climbs = before < 0.0 and after > before", WHOLE, "steps that are always short"),
    (P, "climbs = before < 0.0 and after > -before", "climbs = after > -before", WHOLE, "steps shortened that set out uphill"),
    (P, "math.sqrt(before / (before - after))", "before / (before - after)", WHOLE, "shorter steps than the root says"),
]
