"""Cooling towers: what evaporates, air by its density, basins, cells by least power, and water by its origin."""

# ruff: noqa: E501
# fmt: off

T, O = "twin/domains/towers.py", "twin/components/outdoor.py"
M, B, F, L = "twin/money/yearly.py", "twin/facility/sections.py", "twin/results/figures.py", "twin/columns.py"


def plants(*names):
    return tuple(f"physics/test_tower_plants.py::test_{n}" for n in names)


MERKEL = ("physics/test_towers.py::test_tower_fans_turn_as_fast_as_the_set_point_needs_for_the_cube_of_that",)
PART = ("physics/test_towers.py::test_below_their_least_speed_fans_of_merkel_towers_run_part_of_the_time",)
MAKE_UP = plants("make_up_is_evaporation_drift_and_blow_down")
HEIGHT = plants("evaporation_at_height_and_from_dry_air")
COOLED = plants("air_that_is_cooled_evaporates_more_water_than_the_heat_alone")
STILL = plants("air_of_standing_fans_leaves_as_warm_as_the_water_comes")
GAS = plants("water_over_air_is_a_field_and_moves_the_evaporation")
CELLS = plants("air_of_all_cells_evaporates")
BASIN = plants("basins_of_standing_cells_are_heated_by_the_kelvins_below_what_they_keep")
IDLE = ("components/test_rejection.py::test_basins_of_all_cells_are_heated_where_the_water_needs_no_cooling",)
LEAST = plants("by_least_power_as_many_cells_run_as_get_their_water")
ORIGIN = plants("water_is_paid_by_its_origin_and_wue_is_make_up_over_it_energy")

MUTANTS = [
    # evaporation
    (T, "flow = max(moved, heat / most)", "flow = heat / most", MAKE_UP, "air that always leaves as warm as the water comes"),
    (T, "flow = max(moved, heat / most)", "flow = moved", STILL, "standing fans that heat their little air without end"),
    (T, "most = max(saturated(air, inlet, pressure) - base", "most = max(saturated(air, inlet - 2.0, pressure) - base", STILL, "air that leaves 2 K colder than the water comes"),
    (T, "base + heat / max(flow, NEXT_TO_NOTHING)", "base + 0.95 * heat / max(flow, NEXT_TO_NOTHING)", MAKE_UP, "air that takes up 95 % of the heat"),
    (T, "moved = cells * law.air[r, s] * law.thin[r, s] * speed", "moved = cells * law.air[r, s] * speed", HEIGHT, "evaporation into air of the rating"),
    (T, "moved = cells * law.air[r, s] * law.thin[r, s] * speed", "moved = cells * law.air[r, s] * law.thin[r, s]", COOLED, "evaporation into air at full speed"),
    (T, "moved = cells * law.air[r, s] * law.thin[r, s] * speed", "moved = law.air[r, s] * law.thin[r, s] * speed", CELLS, "evaporation into the air of one cell"),
    (T, "humidity_ratio_from_wet_bulb(dry, self.wet_bulb, numbers(self.pressure)), 0.0)", "humidity_ratio_from_wet_bulb(dry, self.wet_bulb, STANDARD_PRESSURE), 0.0)", HEIGHT, "moisture as at sea level"),
    (T, "DRY_AIR_CP + VAPOUR_CP * self._humidity", "DRY_AIR_CP + 0.0 * self._humidity", MERKEL, "UA over the specific heat of dry air"),
    (T, "smaller * numbers(self.rated_cp) / c_e", "smaller * DRY_AIR_CP / c_e", MERKEL, "a rating of dry air"),
    # air
    (T, "most = law.air[r, s] * law.thin[r, s]\n", "most = law.air[r, s]\n", plants("cells_start_for_the_air_that_they_get_at_height"), "cells called as if air were that of the rating"),
    (T, "moved = law.air[r, s] * law.thin[r, s] * turning(speed)", "moved = law.air[r, s] * turning(speed)", PART, "effect of fans in air of the rating"),
    (T, "taken = 0.0 if kind == YORK else water / cells / (law.air[r, s] * law.thin[r, s])", "taken = 0.0 if kind == YORK else water / cells / law.air[r, s]", MERKEL, "speed of fans in air of the rating"),
    (T, "air_over_water = law.air[r, s] * law.thin[r, s] * cells", "air_over_water = law.air[r, s] * cells", ("physics/test_towers.py::test_merkel_follows_wet_bulb_water_and_height",), "range of full speed in air of the rating"),
    (O, "liquid_to_gas: Number = Field(1.2,", "liquid_to_gas: Number = Field(1.3,", MAKE_UP, "L/G of 1.3"),
    (O, "rated_air_flow=t.flow / t.liquid_to_gas", "rated_air_flow=t.flow / 1.2 + 0.0 * t.liquid_to_gas", GAS, "L/G that moves nothing"),
    (O, "rated_cp=DRY_AIR_CP + VAPOUR_CP * humidity", "rated_cp=DRY_AIR_CP + 0.0 * humidity", MERKEL, "dry air at the design"),
    (O, "rated_density=air_density(t.dry_bulb, humidity, STANDARD_PRESSURE)", "rated_density=air_density(t.dry_bulb, 0.0 * humidity, STANDARD_PRESSURE)", MERKEL, "density of dry air at the design"),
    (O, "rated_density=air_density(t.dry_bulb, humidity, STANDARD_PRESSURE)", "rated_density=air_density(t.wet_bulb, humidity, STANDARD_PRESSURE)", MERKEL, "density at the wet bulb of the design"),
    (O, "rated_density=air_density(t.dry_bulb, humidity, STANDARD_PRESSURE)", "rated_density=air_density(t.dry_bulb, humidity, t.site.pressure)", MERKEL, "a design at the site's height"),
    # basins
    (T, "idle = max(law.cells[r, s] - (0.0 if off else cells), 0.0)", "idle = law.cells[r, s]", BASIN, "basins of running cells heated too"),
    (T, "idle = max(law.cells[r, s] - (0.0 if off else cells), 0.0)", "idle = max(law.cells[r, s] - cells, 0.0)", IDLE, "basins left to freeze where no cell runs"),
    (T, "max(law.basin_temperature[r, s] - law.dry_bulb[r, s], 0.0)", "(law.basin_temperature[r, s] - law.dry_bulb[r, s])", BASIN, "basins that give power in warm air"),
    (T, "max(law.basin_temperature[r, s] - law.dry_bulb[r, s], 0.0)", "max(law.basin_temperature[r, s] - law.wet_bulb[r, s], 0.0)", BASIN, "basins that feel the wet bulb"),
    (O, "basin_temperature: Temperature = Field(275.15,", "basin_temperature: Temperature = Field(277.15,", BASIN, "basins of 4 degC"),
    # cells by least power
    (T, "wetted = flow / (law.min_cell_flow[r, s] * law.rated_flow[r, s])", "wetted = flow / law.rated_flow[r, s]", LEAST, "cells that get all their water"),
    (T, "spread = 1.0 - ceil(1.0 - min(wetted, MANY) - 1e-9)", "spread = ceil(min(wetted, MANY) - 1e-9)", LEAST, "one cell more than gets its water"),
    (T, "staged = max(called, min(spread, law.cells[r, s]))", "staged = called", LEAST, "the fewest cells at least power"),
    (T, "staged = max(called, min(spread, law.cells[r, s]))", "staged = max(called, spread)", LEAST, "more cells than there are"),
    (O, "min_cell_flow=np.where(spread(t), t.min_cell_flow, np.nan)", "min_cell_flow=np.where(spread(t), 0.5, np.nan) + 0.0 * t.min_cell_flow", LEAST, "half the water whatever is stated"),
    (O, "min_cell_flow=np.where(spread(t), t.min_cell_flow, np.nan)", "min_cell_flow=t.min_cell_flow", plants("cells_run_as_flow_asks_and_share_it"), "cells by least power unasked"),
    # water by its origin
    (F, '.origins.get("potable", (0.0, 0.0))[0]', '.origins.get("potable", (0.0, 0.0))[1]', ORIGIN, "the price of potable water for its share"),
    (F, "np.where(self.mean_it_power > 0, self.water / self.mean_it_power, np.nan)", "np.where(self.mean_it_power > 0, self.water / self.facility_power, np.nan)", ORIGIN, "water over all energy"),
    (L, '"L/kWh", 3.6e6', '"L/kWh", 3.6e3', ORIGIN, "litres by the watt-hour"),
    (B, "own.get(name, self.water)", "self.water", ORIGIN, "one price for all water"),
    (B, '_shares({n: s.share for n, s in self.water_sources.items()}) or {"potable": 1.0}', '_shares({n: s.share for n, s in self.water_sources.items()})', ORIGIN, "water of no origin"),
    (M, '"m3_per_day": share * m3 * 86400.0', '"m3_per_day": m3 * 86400.0', ORIGIN, "all water from each origin"),
    (M, '"usd_per_year": paid * share * m3 * at(price) * cost.YEAR', '"usd_per_year": paid * m3 * at(price) * cost.YEAR', ORIGIN, "all water paid at each origin's price"),
    (M, "sum(share * price for share, price in terms.origins.values())", "sum(price for share, price in terms.origins.values())", ORIGIN, "prices of water added up"),
]
