"""The physics of serving against the measured runs on which it was calibrated, and against others."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import calibrate

from twin.domains import roofline
from twin.domains.roofline import Instance
from twin.serving import best, chip_power, server
from twin.tables import fronts


def test_rows_are_what_the_readme_lists():
    platforms = [row["platform"] for row, _ in calibrate.rows()]
    assert (platforms.count("h200"), platforms.count("gb300")) == (13, 20)


@pytest.mark.parametrize(("residual", "most"), [(False, 0.04), (True, 0.03)])
def test_interactivity_agrees_with_the_rows(residual, most):
    assert np.sqrt((calibrate.errors(residual) ** 2).mean()) < most
    assert np.abs(calibrate.errors(residual)).max() < 0.11


def test_shipped_parameters_are_the_fit():
    row, gpus = calibrate.rows()[-1]
    h200 = calibrate.of(row, gpus).fit
    gb300 = next(calibrate.of(r, n).fit for r, n in calibrate.rows() if r["platform"] == "gb300")
    shipped = [h200.fixed["tensor"], gb300.fixed["tensor"], gb300.fixed["expert"], h200.draft, *h200.accepted.values()]
    shipped += [h200.bandwidth, h200.compute, h200.attention]
    assert shipped == pytest.approx(calibrate.fitted(), rel=0.01)
    for platform, fit in (("h200", h200), ("gb300", gb300)):
        assert np.ravel(fit.residual) == pytest.approx(np.ravel(calibrate.residuals(platform)), abs=2e-3)


@pytest.mark.parametrize(("interactivity", "low", "high"), [(40.0, 6, 10), (75.0, 40, 52), (116.7, 55, 85)])
def test_ratio_of_platforms_follows_interactivity(interactivity, low, high):
    old, new = (best(calibrate.MODEL, p, 1024, 1024, interactivity).total for p in ("h200", "gb300"))
    assert low < new / old < high


def test_others_than_the_calibrated_runs():
    """H200 runs of other engines, whole systems in a closed loop at their concurrency: medians of the errors."""
    wrong = []
    for row in fronts():
        known = row["concurrency"] and row["decode_gpus"] and row["tokens_per_s_per_gpu"]
        if row["model"] == calibrate.MODEL and row["platform"] == "h200" and known and row["engine"] != "dynamo-trt":
            layout = Instance(8, "best", "fp8", 4 if row["speculative"] == "mtp" else 1)
            s = server(calibrate.MODEL, "h200", row["isl"], row["osl"], layout)
            pools = row["decode_gpus"], row["prefill_gpus"] or 0
            found = roofline.at_concurrency(s, row["concurrency"], *pools)
            wrong.append(
                (
                    np.log(found.interactivity / row["interactivity"]),
                    np.log(found.total / row["tokens_per_s_per_gpu"]),
                )
            )
            print(row["engine"], row["speculative"], row["isl"], row["concurrency"], pools, np.round(wrong[-1], 2))
    assert len(wrong) >= 10
    assert (np.median(np.abs(wrong), axis=0) < (0.2, 0.2)).all()


POWER = {
    "b200": {1: 387, 2: 420, 4: 474, 8: 518, 16: 643, 32: 711, 64: 798, 128: 845, 256: 925},
    "mi355x": {4: 699, 8: 772, 32: 922, 256: 986},
}
"""Mean W of an accelerator by concurrency on eight, InferenceX PowerX, September 2026."""


@pytest.mark.parametrize("platform", POWER)
def test_power_follows_load_within_five_percent(platform):
    users, watts = (np.array(list(x), float) for x in (POWER[platform], POWER[platform].values()))
    assert np.abs(chip_power(platform, users / 8) / watts - 1.0).max() < 0.05


def test_others_take_the_shares_of_b200():
    """At the H200 anchor, four requests on eight accelerators, about half of the rated 700 W."""
    assert chip_power("h200", 0.5, 700.0) == pytest.approx(0.7 * chip_power("b200", 0.5))
    assert 0.4 < chip_power("h200", 0.5, 700.0) / 700.0 < 0.55
    with pytest.raises(ValueError, match="no measured power of 'h200'; there are b200, mi355x"):
        chip_power("h200", 0.5)
