"""The voltage of chips against measured training jobs under caps, as a solved rack has it."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import caps
import price

import twin
from twin.components.compute import Rack
from twin.serving.tokens import PRICE_MISSED

SHIPPED = tuple(Rack.model_fields[n].default for n in ("voltage_slope", "min_voltage"))


def test_measured_jobs_keep_what_the_readme_says():
    every = np.concatenate([caps.measured(g) for g in caps.GPUS])
    assert len(every) == 118
    np.testing.assert_allclose(np.quantile(every, (0.1, 0.5, 0.9)), (0.933, 0.958, 0.978), atol=6e-4)


def test_what_ships_is_the_fit():
    np.testing.assert_allclose(SHIPPED, caps.fitted(), atol=0.006)


@pytest.mark.parametrize(("gpu", "off"), [("v100", 0.005), ("a40", 0.035), ("rtx6000", 0.015)])
def test_a_type_left_out_of_the_fit_is_told_by_the_others(gpu, off):
    numbers = caps.fitted(tuple(g for g in caps.GPUS if g != gpu))
    assert np.median(caps.told(gpu, *numbers)) == pytest.approx(np.median(caps.measured(gpu)), abs=off)


def test_nine_of_ten_jobs_of_types_left_out_miss_less_of_the_price_than_results_say():
    missed = np.concatenate([caps.missed(g) for g in caps.GPUS])
    assert pytest.approx(np.quantile(missed, 0.9), abs=0.006) == PRICE_MISSED


@pytest.mark.parametrize("gpu", caps.GPUS)
def test_a_solved_rack_under_caps_is_the_law_that_was_fitted(gpu):
    """Chips of 1 kW with the median job's fixed share: clocks at caps are those of the law, to its last digits."""
    share = float(np.median([caps.fixed_share(*curve, *SHIPPED)[0] for curve in caps.curves(gpu).values()]))
    leak = caps.LEAKAGE * (1.0 - share)
    text = f"""
version: 1
name: capped
components:
  grid: {{type: utility, voltage: 415 V}}
  r: {{type: rack, cords: 1, accelerators: 8, chip_power: 1 kW, chip_idle: {1e3 * (share + leak)} W, uncore_share: 0,
       leakage_share: {leak}, leakage_slope: 0 1/K, sink_resistance: 1 mK/W, air_flow: 20 m3/s}}
connections: [[power, grid.out, r.feed]]
"""
    power = np.array([0.95, caps.CAP, 0.7, 0.6])
    clock = twin.solve(text, {"r.power_cap": 1e3 * power})["rack_clock"].values[0]
    np.testing.assert_allclose(share + (1.0 - share) * caps.dynamic(clock, *SHIPPED), power, rtol=1e-9)
    assert clock[1] == pytest.approx(np.median(caps.measured(gpu)), abs=0.035)


def test_the_hall_keeps_what_was_measured_elsewhere_over_its_ranges():
    kept = price.kept(twin.load("gb300_hall"))
    assert (kept[0], kept.min(), kept.max()) == pytest.approx((0.958, 0.925, 0.971), abs=0.001)
    low, high = np.quantile(np.concatenate([caps.measured(g) for g in caps.GPUS]), (0.1, 0.9))
    assert low < kept[0] < high
