from pathlib import Path

import numpy as np
import pytest
import yaml

import twin
from twin.results.limits import exceeded

EXPECTED = yaml.safe_load((Path(__file__).parent / "expected.yaml").read_text())
RATING = 500.0


def peaks(result):
    """Peak of each panel [kW] by its limit."""
    m = result.margins
    return RATING * m.value[m.name == "pdu_peak", 0]


@pytest.mark.parametrize("case", EXPECTED)
def test_panels_left_share_the_peak(case):
    want, result = EXPECTED[case], twin.solve("dsx_row", case=case)
    found = peaks(result)
    assert len(found) == len(result["pdu"]) - want["lost"]  # what is out of service is not judged
    np.testing.assert_allclose(found, want["peak_kw"], atol=0.5)
    assert exceeded(result.margins)[0] == want["trips"]


@pytest.mark.parametrize("case", [c for c, want in EXPECTED.items() if "share" in want])
def test_the_row_trips_above_this_share_of_its_load(case):
    found = twin.bound("dsx_row", case=case, scale="chip_power")[0]
    assert found.scale == pytest.approx(EXPECTED[case]["share"], abs=5e-4)
    assert found.limit.name == "pdu_peak"


def test_every_rack_keeps_its_power_when_a_panel_is_lost():
    whole, one, two = (twin.solve("dsx_row", case=c)["rack_power"].values for c in ("edp_1_5", "one_lost", "two_lost"))
    np.testing.assert_array_equal(whole, one)
    np.testing.assert_array_equal(whole, two)
