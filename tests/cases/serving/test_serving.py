"""The physics of serving against the measured runs on which it was calibrated, and against others."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import calibrate

from twin.facility.catalogue import measured_runs
from twin.serving.platforms import best, calibrated_engines, calibrated_platforms, chip_power


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


@pytest.fixture(scope="module")
def misses():
    """ln of computed over measured interactivity and throughput of every row, in a closed loop at its users."""
    return calibrate.misses()


def test_every_platform_with_measured_rows_is_calibrated():
    measured = {row["platform"] for row in measured_runs() if row["model"] == calibrate.MODEL}
    assert measured == set(calibrated_platforms())
    assert {row["engine"] for row in calibrate.all_rows()} == set(calibrated_engines())


def test_systems_in_a_closed_loop_agree_in_the_middle(misses):
    """What the README says: a median of a tenth, and tails that are long."""
    assert len(misses) > 280
    assert (np.median(np.abs(misses), axis=0) < 0.1).all()
    assert (np.quantile(np.abs(misses), 0.9, axis=0) < 0.35).all()


@pytest.mark.parametrize("platform", calibrated_platforms())
def test_no_platform_is_wrong_as_a_whole(misses, platform):
    mine = misses[[row["platform"] == platform for row in calibrate.all_rows()]]
    assert (np.abs(np.median(mine, axis=0)) < (0.12 if platform != "h100" else 0.4)).all()


@pytest.mark.parametrize("engine", calibrated_engines())
def test_no_engine_is_wrong_as_a_whole(misses, engine):
    mine = misses[[row["engine"] == engine for row in calibrate.all_rows()]]
    assert (np.abs(np.median(mine, axis=0)) < 0.15).all()
    assert (np.median(np.abs(mine), axis=0) < 0.25).all()


def test_no_further_number_is_better_a_tenth_away():
    loss, shipped = calibrate.Loss(calibrate.all_rows()), np.array(list(calibrate.FURTHER.values()))
    least = loss.total(shipped)
    for k in range(len(shipped)):
        for away in (0.9, 1.1):
            assert loss.total(np.where(np.arange(len(shipped)) == k, away * shipped, shipped)) > 0.999 * least


def test_shipped_further_numbers_are_where_the_fit_starts(misses):
    some = calibrate.all_rows()[::10]
    again = calibrate.misses(calibrate.FURTHER.values(), chosen=some)
    np.testing.assert_allclose(again, misses[::10], atol=2e-3)


def test_sglang_accepts_fewer_drafts():
    chosen = [r for r in calibrate.all_rows() if r["engine"] in calibrate.SGLANG and r["speculative"] == "mtp"]
    mine = np.abs(calibrate.misses(chosen=chosen))
    with calibrate.factor(calibrate.SGLANG, "drafts", 1.0):
        same = np.abs(calibrate.misses(chosen=chosen))
    assert (mine.mean(axis=0) < same.mean(axis=0)).all()


def test_ablations_agree_at_their_users():
    """Less precision or no drafts: interactivity at the measured users within 30 %, as the README lists."""
    ablated = [a for a in calibrate.ablations() if a[0]["platform"] == "gb300"]
    assert len(ablated) == len(calibrate.ABLATED)
    assert max(abs(seen) for _, _, seen, _ in ablated) < 0.3
    assert np.median([abs(output) for *_, output in ablated]) < 0.4


POWER = {
    "b200": {1: 387, 2: 420, 4: 474, 8: 518, 16: 643, 32: 711, 64: 798, 128: 845, 256: 925},
    "mi355x": {4: 699, 8: 772, 32: 922, 256: 986},
}
"""Mean W of an accelerator by concurrency on eight, InferenceX PowerX, September 2026."""


@pytest.mark.parametrize("platform", POWER)
def test_power_follows_load_within_five_percent(platform):
    users, watts = (np.array(list(x), float) for x in (POWER[platform], POWER[platform].values()))
    assert np.abs(chip_power(platform, users / 8) / watts - 1.0).max() < 0.05


@pytest.mark.parametrize("platform", POWER)
def test_power_of_another_rating_has_the_same_shares(platform):
    rated = {"b200": 1000.0, "mi355x": 1400.0}[platform]
    load = np.array([0.0, 0.5, 4.0, 64.0])
    np.testing.assert_allclose(chip_power(platform, load, rated), chip_power(platform, load))
    np.testing.assert_allclose(chip_power(platform, load, 0.8 * rated), 0.8 * chip_power(platform, load))
    with pytest.raises(ValueError, match="rated power should be more than 0 W"):
        chip_power(platform, load, 0.0)


def test_others_take_the_shares_of_b200():
    """At the H200 anchor, four requests on eight accelerators, about half of the rated 700 W."""
    assert chip_power("h200", 0.5, 700.0) == pytest.approx(0.7 * chip_power("b200", 0.5))
    assert 0.4 < chip_power("h200", 0.5, 700.0) / 700.0 < 0.55
    with pytest.raises(ValueError, match="no measured power of 'h200'; there are b200, mi355x"):
        chip_power("h200", 0.5)
