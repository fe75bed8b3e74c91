"""Pod 2 against its measured strips, as far as they agree; the README tells where they do not."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import pod2


@pytest.mark.slow
def test_pod2_balances_and_layers():
    front, mean, _ = pod2.computed("S1", 0.2, tolerance=0.3, spin_up=3.0, least=6, most=12)
    print(pod2.table("S1", front))
    assert abs(mean.imbalance[0]) < 5e-3
    assert mean.divergence < 1e-5
    assert (np.diff(front, axis=1) > 0).all()
    measured = np.array(list(pod2.MEASURED["S1"]["front_C"].values()))
    off = np.abs(front.mean(axis=1) - measured.mean(axis=1))
    assert off[[1, 2]].max() < 1.5
    assert off.max() < 3.7
