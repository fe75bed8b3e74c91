"""Wet bulbs as PsychroLib has them, over the whole range of weather."""

import json
from pathlib import Path

import numpy as np

from twin import fluids

EXPECTED = json.loads((Path(__file__).parent / "expected.json").read_text())


def test_wet_bulbs_are_those_of_psychrolib():
    dry, _, pressure, ratio, wet, two = np.array(EXPECTED["moist_air"], float).T
    one = two == 0.0
    error = np.abs(fluids.wet_bulb(dry + 273.15, ratio, pressure) - 273.15 - wet)
    assert one.mean() > 0.99 and error[one].max() < 0.001
    assert error[~one].max() < 1.0  # one of the two
