"""Racks of AMD accelerators in the catalogue."""

# ruff: noqa: E501
# fmt: off

R = "layouts/hardware/racks.yaml"


def catalogue(name):
    return (f"test_catalogue.py::test_{name}",)


MAXIMUM = catalogue("air_cooled_rack_draws_four_systems_maximum")
PROVISIONED = catalogue("provisioned_power_per_accelerator_is_the_published_one")
IT = catalogue("it_power_per_accelerator_is_the_published_one")
LOGGED = catalogue("air_cooled_mi300x_runs_at_logged_temperatures")
PLATES = catalogue("liquid_cooled_mi355x_draws_what_its_reference_design_does_at_the_warmest_coolant")
MARGIN = catalogue("the_margin_of_amd_racks_is_what_their_parts_leave")

MUTANTS = [
    (R, "nameplate: {value: 43.2 kW", "nameplate: {value: 40.8 kW", PROVISIONED, "MI300X with the nameplate of H200"),
    (R, "nameplate: {value: 65.6 kW", "nameplate: {value: 60.4 kW", PROVISIONED, "MI355X with the nameplate of B300"),
    (R, "value: 10990.0 W, kind: derived, range: [768 W, 10990.0 W]", "value: 9000.0 W, kind: derived, range: [768 W, 10990.0 W]", MAXIMUM, "MI300X with less beside its chips"),
    (R, "value: 8670.0 W, kind: derived, range: [448 W, 8670.0 W]", "value: 9990.0 W, kind: derived, range: [448 W, 9990.0 W]", IT, "MI355X with more beside its chips"),
    (R, "range: [768 W, 10990.0 W]", "range: [1800 W, 10990.0 W]", MARGIN, "1,170 W beside the chips of MI300X"),
    (R, "sink_resistance: {value: 0.042 K/W", "sink_resistance: {value: 0.030 K/W", LOGGED, "MI300X behind the sinks of H100"),
    (R, "rated_flow: {value: 4.57 kg/s", "rated_flow: {value: 2.42 kg/s", PLATES, "MI355X with the flow of a GB300 rack"),
    (R, "other_power: {value: 20800.0 W", "other_power: {value: 14600.0 W", PLATES, "912 W beside the chips and hosts of liquid-cooled MI355X"),
]
