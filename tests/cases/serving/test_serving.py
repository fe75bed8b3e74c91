"""The physics of serving against the measured runs on which it was calibrated, and against others."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import calibrate
import power

from twin.facility.catalogue import measured_runs
from twin.serving.platforms import best, calibrated_engines, calibrated_platforms, power_draw


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


@pytest.mark.parametrize("platform", power.KNOWN)
def test_shipped_powers_are_the_fit(platform):
    draw = power_draw(platform)
    shipped = np.array([draw.wait, draw.work, draw.read, draw.idle]) / draw.rated
    np.testing.assert_allclose(shipped, power.fitted(platform), atol=1e-3)


@pytest.mark.parametrize(("platform", "runs"), [("b200", 14), ("mi355x", 26)])
def test_powers_of_runs_that_were_left_out_are_told_within_an_eighth(platform, runs):
    """Whatever their drafts, parallelism and precision; a run's requests and speed are given."""
    wrong = power.left_out(platform)
    assert len(wrong) == runs
    assert np.quantile(np.abs(wrong), 0.9) < 0.125 and np.abs(wrong).max() < 0.18
    assert abs(wrong.mean()) < 0.01
    for kind in (lambda r: r["speculative"], lambda r: r["parallel"], lambda r: r["engine"]):
        groups = {kind(r) for r in power.rows(platform)}
        means = [wrong[[kind(r) == g for r in power.rows(platform)]].mean() for g in groups]
        assert np.abs(means).max() < 0.07


def test_decode_of_a_rack_costs_the_joules_that_were_measured_in_between_four_and_eight_bits():
    """5.2 and 4.59 J a token of GB200 and GB300 [InferenceX], whose precision is not stated; see the README."""
    for platform, joules in (("gb200", 5.2), ("gb300", 4.59)):
        each = [power.joules(platform, precision) for precision in ("fp4", "fp8")]
        assert each[0].decode < joules < each[1].decode < 1.35 * joules
        assert all(j.decode < j.whole for j in each)


def test_platforms_that_were_not_measured_take_the_powers_of_their_kin():
    b200, mi355x = power_draw("b200"), power_draw("mi355x")
    for name in ("b300", "gb200", "gb300"):
        draw = power_draw(name)
        assert draw[1:4] == b200[1:4] and draw.read / draw.rated == pytest.approx(b200.read / b200.rated, abs=1e-3)
    for name in ("mi300x", "mi325x"):
        shares = np.array(power_draw(name)) / power_draw(name).rated
        np.testing.assert_allclose(shares, np.array(mi355x) / mi355x.rated, atol=1e-3)
    assert power_draw("h100") == power_draw("h200") == (700, 79, 137, 300, 550)
    with pytest.raises(ValueError, match="no power of 'b20'; did you mean 'b200'"):
        power_draw("b20")


def test_first_tokens_are_told_as_the_readme_says():
    """Within a factor of one and a half: nearly nine of ten of systems that prefill in turns, half of the others."""
    shares = calibrate.first_tokens()
    assert shares["turns"].share > 0.85 and shares["pools"].share > 0.54
    assert shares["turns"].rows + shares["pools"].rows == 281
    assert np.exp(abs(shares["turns"].median)) < 1.1 and np.exp(abs(shares["pools"].median)) < 1.15
