"""Models on which nothing was fitted: the listing of the README, and what results say of them."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from other_models import checks

from twin.facility.catalogue import physics

README = Path(__file__).with_name("README.md").read_text("utf-8")
LISTED = re.findall(
    r"^\| (\S+) \| (\w+), (fp\d) \| (\d+) / (\d+) \| ([\d.]+) \| ([\d,]+) \| ([\d,]+) \| (-?\d+) % \|$", README, re.M
)
MEDIANS = {"Llama-3.3-70B": 0.61, "gpt-oss-120b": 1.44}
"""Computed over measured."""


def test_the_listing_is_what_physics_serves():
    found = checks()
    assert len(found) == len(LISTED) == 17
    for (row, computed), (model, platform, precision, isl, osl, speed, measured, listed, error) in zip(
        found, LISTED, strict=True
    ):
        point = row["model"], row["platform"], row["precision"], row["isl"], row["osl"], row["interactivity"]
        assert point == (model, platform, precision, int(isl), int(osl), float(speed))
        assert row["tokens_per_s_per_gpu"] == pytest.approx(float(measured.replace(",", "")), abs=0.5)
        assert computed == pytest.approx(float(listed.replace(",", "")), abs=0.51)
        assert 100 * (computed / row["tokens_per_s_per_gpu"] - 1) == pytest.approx(float(error), abs=0.51)


@pytest.mark.parametrize("name", MEDIANS)
def test_medians_and_extremes_are_those_that_are_stated(name):
    ratios = [c.ratio for c in checks(name)]
    assert np.median(ratios) == pytest.approx(MEDIANS[name], abs=0.005)
    assert f"{name}: median {MEDIANS[name]}" in README
    stated = physics()["models"][name]["checked"]
    assert len(ratios) == stated["points"]
    assert (min(ratios), max(ratios)) == pytest.approx((stated["low"], stated["high"]), abs=0.005)


def test_models_without_a_public_point_are_marked():
    names = {c.row["model"] for c in checks()}
    models = {n: m["checked"] for n, m in physics()["models"].items() if n != "notes"}
    assert {n for n, checked in models.items() if isinstance(checked, dict)} == names
    assert {n for n, checked in models.items() if checked == "fitted"} == {"DeepSeek-R1-0528"}
    assert {n for n, checked in models.items() if checked == "none"} == {"Llama-3.1-405B", "Qwen3-235B-A22B"}
