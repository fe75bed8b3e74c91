"""The ten-rack module of 2018 against its measured rack fronts."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import rise_2018


@pytest.mark.slow
def test_module_keeps_its_rack_fronts_cold():
    front, rear, mean, _ = rise_2018.computed(0.2, tolerance=0.3, min_batches=6, max_batches=12)
    print(np.round(front, 2), np.round(rear, 2))
    assert abs(mean.imbalance[0]) < 5e-3
    assert mean.divergence < 1e-5
    assert np.abs(rise_2018.off("front_C", front)).max() < rise_2018.TOLERANCE
