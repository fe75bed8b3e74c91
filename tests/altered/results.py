"""What computed air refuses and tells, and what results show."""

# ruff: noqa: E501
# fmt: off

EXCHANGE = "twin/air/exchange.py"
MESH = "twin/air/mesh.py"
SCREEN = "twin/show/screen.py"
TABLES = "twin/results/tables.py"
API = "twin/api.py"
PLACES = ("test_airflow.py::test_what_moves_or_bars_computed_air_has_a_place",)
INVENTORY = ("test_airflow.py::test_racks_without_coordinates_are_named_up_to_six",)
HEAT = ("test_airflow.py::test_heat_without_a_place_is_told",)
UNITS = ("test_results.py::test_tables_have_the_numbers_of_the_dataset_in_the_units_of_the_screen",)
LIMITS = ("test_results.py::test_limits_are_all_there_the_tightest_first",)
SCHEDULE = ("test_results.py::test_the_schedule_names_every_component_with_place_and_rating",)
WRITTEN = ("test_results.py::test_what_was_solved_is_written_opened_and_drawn_without_solving",)

PARTS, PACE, DATASET, MARGINS = "twin/study/parts.py", "twin/solver/pace.py", "twin/results/dataset.py", "twin/results/limits.py"


def kept(*names):
    return tuple(f"test_stream.py::test_{n}" for n in names)


MUTANTS = [
    (DATASET, "array[..., at] = part[name].values", "array[..., : part.sizes['scenario']] = part[name].values", kept("every_variable_is_that_of_a_plain_solve_whatever_the_chunks"), "every chunk in the place of the first"),
    (PARTS, "memory // column_bytes(plant)", "memory", kept("a_chunk_has_as_many_scenarios_as_its_memory_holds"), "chunks of any memory"),
    (DATASET, "self._arrays[str(name)][..., :done]", "self._arrays[str(name)]", kept("an_interrupt_after_two_chunks_has_their_scenarios"), "scenarios that were not done"),
    (PACE, "(self.total - self.done) / rate", "self.total / rate", kept("progress_tells_the_rate_and_the_time_left_twice_a_second_at_most"), "the whole time as what is left"),
    (DATASET, "np.where(t.relative < np.inf, t.relative, np.nan)", "t.relative", kept("a_plant_without_limits_has_none"), "an infinite margin where nothing is limited"),
    (MARGINS, "np.flatnonzero(least < found.relative)", "np.flatnonzero(least <= found.relative)", kept("limits_are_the_tightest_of_every_scenario"), "the last of equals"),
    (EXCHANGE, "(plant.fan.zone == zone) & blown)}", "(plant.fan.zone < 0) & blown)}", PLACES, "coolers without a place"),
    (EXCHANGE, "movers |= {plant.engine.names[i] for i in item.flow.rows[drawn]}", "movers |= set()", INVENTORY, "racks without a place"),
    (EXCHANGE, '"unplaced_heat_w": float(np.ravel(loads.spread)[0])', '"unplaced_heat_w": float(loads.rack_heat.sum())', HEAT, "heat of racks"),
    (MESH, "if p.room != name:", "if p.room is None:", PLACES, "things of another room"),
    (MESH, "not in p.model_fields_set]", "in ()]", PLACES, "rooms without a size"),
    (SCREEN, "SMALL_HEAT = 1.0", "SMALL_HEAT = 1e5", HEAT, "heat that is not told"),
    (SCREEN, "SMALL_HEAT = 1.0", "SMALL_HEAT = -1.0", HEAT, "no heat that is told"),
    (TABLES, "(values - d.offsets.get(d.table, 0.0)) / d.units[d.table]", "values / d.units[d.table]", UNITS, "kelvins under degC"),
    (TABLES, "(values - d.offsets.get(d.table, 0.0)) / d.units[d.table]", "values - d.offsets.get(d.table, 0.0)", UNITS, "watts under kW"),
    (TABLES, "data[name].values * figure.factor", "data[name].values", UNITS, "watts under MW"),
    (TABLES, "m.margin / step", "m.relative", LIMITS, "relative margins"),
    (TABLES, "np.argsort(m.relative[:, scenario]", "np.argsort(-m.relative[:, scenario]", LIMITS, "the widest first"),
    (TABLES, "getattr(part, rated) / d.units[d.table]", "getattr(part, rated)", SCHEDULE, "ratings in SI under the screen's unit"),
    (API, "(found.limit if found else self.held) or next(iter(self.worst(scenario)), None)", "self.bound.limit", WRITTEN, "a picture that searches the bound"),
]
