"""A layout solved on the CPU and on a device: the same answers."""

import numpy as np

import twin
from twin import columns
from twin.plant.compile import compile
from twin.serving.tokens import at_work
from twin.solver.steady import steady

SERVED = {"serving.power": "measured", "serving.mode": "physics", "gb300_nvl72.rack_cap": "120 kW"}
"""What makes chips draw what they serve, and caps racks."""

SCENARIOS = {
    "site.dry_bulb": [278.15, 295.15, 308.15],
    "site.wet_bulb": [276.15, 290.15, 297.15],
    "rack.utilisation": [0.5, 0.8, 1.0],
}


def compare(layout, overrides=None):
    """Check all columns of a shipped layout in three scenarios to 1e-10; the device's solution comes back."""
    plant = at_work(compile(twin.load(layout, overrides=overrides), SCENARIOS))
    here, there = steady(plant), steady(plant, device="cuda")
    np.testing.assert_array_equal(there.status, here.status)
    np.testing.assert_array_equal(there.iterations, here.iterations)
    for column, value in here.columns.items():
        finite = value[np.isfinite(value)] if "loss" not in column.name else here[columns.source.power]
        scale = np.abs(finite).max(initial=1.0)  # losses are what two large powers leave
        np.testing.assert_allclose(there.columns[column], value, rtol=1e-10, atol=1e-10 * scale, err_msg=column.name)
    return there
