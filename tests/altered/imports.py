"""Altered importers: inventories and networks of other programs as layouts."""

# ruff: noqa: E501
# fmt: off

NETBOX, GRIDS = "twin/readers/netbox.py", "twin/readers/grids.py"


def told(test):
    return f"readers/test_imported.py::test_{test}"


HALL, SOLVED = told("an_inventory_of_netbox_becomes_a_hall_that_solves"), told("networks_of_pandapower_are_solved_as_pandapower_does")
CORDS = told("feeds_are_those_that_name_a_rack_or_are_cabled_to_its_devices")

MUTANTS = [
    (NETBOX, 'draw = self._number(row, "allocated" if allocated else "maximum")', 'draw = self._number(row, "maximum" if maximum else "allocated")', HALL, "maximum before allocated draw"),
    (NETBOX, 'if not rack or name in strips or outlets:', 'if not rack:', HALL, "strips that draw what they pass on"),
    (NETBOX, 'return volts * current * share / 100 * phases / 1e3', 'return volts * current * phases / 1e3', HALL, "a feed's power without its highest utilisation"),
    (NETBOX, 'found[feed["rack"]].append(name)', 'pass', CORDS, "feeds by cables alone"),
    (GRIDS, 'base = kv**2 / net.base_mva', 'base = kv**2', SOLVED, "ohms on a base of 1 MVA"),
    (GRIDS, 'y.imag / (2 * np.pi * self.frequency)', 'y.imag / (2 * np.pi * 50.0)', SOLVED, "capacitance of 50 Hz"),
    (GRIDS, '"tap": float(abs(net.ratio[k])),', '"tap": 1.0,', SOLVED, "taps in their middle"),
    (GRIDS, '"no_load_current": abs(y),', '"no_load_current": -y.imag,', SOLVED, "magnetising for no-load current"),
    (GRIDS, '"voltage_set_point": float(held[0])}', '"voltage_set_point": 1.0}', SOLVED, "nominal for the voltage held"),
    (GRIDS, '"power_factor": power.real / abs(power),', '"power_factor": 1.0,', SOLVED, "no reactive power"),
    ("twin/components/electrical.py", 'Source(t.node("out"), t.voltage_set_point, GRID', 'Source(t.node("out"), 1.0 + 0 * t.voltage, GRID', SOLVED, "a utility that holds its nominal voltage"),
]
