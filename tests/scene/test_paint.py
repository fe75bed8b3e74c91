"""Colours: variables by their names, scales that fit, marks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import twin
from twin.show.scene import paint


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_scales_go_from_one_round_number_to_another(low, width):
    first, last, steps = paint.fit(np.array([low, low + width]))
    near = 1e-6 * (last - first)
    assert first <= low + near and last >= low + width - near
    assert 1 <= steps <= 7
    told = paint.Scale(first, last, steps, "x", paint.MAPS["even"])
    assert len(told.ticks) == steps + 1 and len(set(told.ticks)) == steps + 1
    np.testing.assert_allclose(
        [float(t.replace(",", "")) for t in told.ticks], np.linspace(first, last, steps + 1), atol=1e-6 * (last - first)
    )


def test_alike_racks_do_not_fill_a_scale():
    first, last, _ = paint.fit(np.full(64, 24.67), "°C")
    assert 1.9 < last - first < 4.1 and first < 24.67 < last
    assert paint.fit(np.zeros(0)) == (0.0, 1.0, 4)


def test_colours_run_from_end_to_end_and_tell_what_is_unknown():
    told = paint.Scale(0.0, 10.0, 5, "x", paint.MAPS["heat"])
    ends = told.rgb(np.array([-5.0, 0.0, 10.0, 99.0, np.nan]))
    assert (ends[0] == ends[1]).all() and (ends[2] == ends[3]).all()
    assert tuple(ends[1]) == paint.rgb(paint.MAPS["heat"][0]) and tuple(ends[2]) == paint.rgb(paint.MAPS["heat"][-1])
    assert tuple(ends[4]) == paint.rgb(paint.UNKNOWN)
    lightness = paint.Scale(0, 1, 4, "x", paint.MAPS["even"]).table @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -1.5).all() and lightness[-1] > 200  # even in lightness, dark to light


def test_variables_have_the_numbers_of_the_dataset(weathers):
    power = paint.variable(weathers, "rack_power")
    assert power.title == "rack power [kW]" and len(power.elements) == 76
    own = power.of(("r101", "utility"))
    np.testing.assert_allclose(own[0], weathers["rack_power"].sel(rack="r101") / 1e3)
    assert np.isnan(own[1]).all()
    loading = paint.variable(weathers, "loading")
    assert {"tx_a1", "ups_a1", "dry_coolers"} <= set(loading.elements) and loading.unit == "%"
    np.testing.assert_allclose(
        loading.of(("tx_a1",))[0], 100 * weathers["transformer_loading"].sel(transformer="tx_a1")
    )
    served = paint.variable(weathers, paint.TOKENS)
    np.testing.assert_allclose(np.nansum(served.values, axis=0), weathers.figures.tokens_per_s)


def test_the_margin_is_the_least_of_a_component(weathers):
    least = paint.variable(weathers, paint.MARGIN)
    for i in range(3):
        tightest = weathers.worst(i)[0]
        owner = tightest.element.partition(".")[0]
        assert least.of((owner,))[0, i] == pytest.approx(100 * tightest.relative)
        assert np.nanmin(least.values[:, i]) == pytest.approx(100 * tightest.relative)
    assert paint.scale(least).colours == paint.MAPS["heat"][::-1]


def test_another_name_is_refused_with_the_nearest(result):
    with pytest.raises(twin.LayoutError, match=r"color: nothing is called 'rack_pwer'; did you mean 'rack_power'\?"):
        paint.variable(result, "rack_pwer")
    with pytest.raises(twin.LayoutError, match="nothing is called 'yearly_cost'"):
        paint.variable(result, "yearly_cost")


def test_marks_tell_what_is_lost_over_and_binds(result):
    plain = paint.marks(result)
    assert plain.lost == {"tx_mech_b"} and not plain.over
    assert plain.binds == "utility" and plain.phrase == "utility contract at utility"
    hot = twin.solve("gb300_hall", {"site.dry_bulb": [303.15, 323.15], "tx_a1.in_service": [1.0, 0.0]})
    assert "tx_a1" not in paint.marks(hot, 0).lost
    assert {"tx_a1", "tx_mech_b"} <= paint.marks(hot, 1).lost
    over = {b.element.partition(".")[0] for b in hot.worst(1) if b.relative < -1e-7}
    assert over and over <= paint.marks(hot, 1).over


def test_names_with_dots_are_one_component():
    text = """
version: 1
name: dots
components:
  b: {type: switchboard, rating: 1 MW, at: [0 m, 0 m, 0 m]}
  b.1: {type: switchboard, rating: 1 MW, at: [9 m, 0 m, 0 m]}
  grid: {type: utility, voltage: 415 V, contract: 10 MW}
  lamp: {type: house_load, power: 900 kW}
connections:
  - [power, grid.out, b.in]
  - [power, b.out, b.1.in]
  - [power, b.1.out, lamp.feed]
"""
    result = twin.solve(twin.load(text))
    assert set(paint.variable(result, "margin").elements) <= set(result.facility.components)
    assert paint.marks(result).binds in result.facility.components


def test_layouts_without_racks_are_drawn_by_their_margins(tmp_path):
    text = """
version: 1
name: lamps
components:
  grid: {type: utility, voltage: 415 V, contract: 1 MW}
  lamp: {type: house_load, power: 90 kW}
connections:
  - [power, grid.out, lamp.feed]
"""
    result = twin.solve(twin.load(text))
    scene = result.scene()
    assert scene.color == "margin" and np.isfinite(scene.shown_values).any()
    assert scene.save(tmp_path / "lamps.glb").stat().st_size > 1000
    with pytest.raises(twin.LayoutError, match="nothing is called 'rack_power'"):
        result.scene(color="rack_power")


SAGGING, ONE_SIDE = {"utility.voltage_set_point": 0.95}, {"feeder_a.in_service": False}


@pytest.mark.parametrize("overrides", [{}, SAGGING, ONE_SIDE], ids=str)
def test_what_is_solved_once_for_all_is_marked_on_all(overrides):
    alike, each = (twin.solve("gb300_hall", overrides=overrides, symmetry=s) for s in (True, False))
    ours, theirs = (paint.marks(r) for r in (alike, each))
    assert (ours.over, ours.lost) == (theirs.over, theirs.lost)
    names = tuple(alike.facility.components)
    for variable in ("margin", "tokens_per_s", "loading", "rack_inlet_temperature"):
        told = [paint.variable(r, variable).of(names) for r in (alike, each)]
        np.testing.assert_allclose(*told, rtol=1e-6, atol=1e-6, equal_nan=True)


def test_another_result_is_shown_in_the_unit_of_the_first():
    first, dense = (twin.solve("gb300_hall", {"gb300_nvl72.chip_scale": k}) for k in (1.0, 1.1))
    scene = first.scene(color="cdu_duty")
    other = scene.showing(dense)
    assert scene.variable.unit == other.variable.unit == "kW"
    duty = float(dense["cdu_duty"].sel(cdu="cdu1")[0]) / 1e3
    assert duty > 1000.0 and other.shown_values[other.things.row["cdu1"]] == pytest.approx(duty)
    assert other.scale.low <= scene.scale.low and other.scale.high >= duty and other.scale.title == scene.scale.title
