"""How sure figures are: what is not known, indices against closed forms, and what is told of them."""

import json
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import typer
from conftest import SMALL
from scipy import stats
from typer.testing import CliRunner

from twin.app import uncertain
from twin.app.common import Commands
from twin.elements import Status
from twin.facility.build import load
from twin.facility.catalogue import catalogue
from twin.facility.files import LayoutError
from twin.study import sweep
from twin.study import uncertainty as module
from twin.study.uncertainty import alike, figure, indices, sample, uncertainties, uncertainty

INPUTS = ("gb300_nvl72.fan_power", "gb300_nvl72.sandboxes")
OVER = {"site.dry_bulb": "uniform(20 degC, 40 degC)"}


# ---- indices -----------------------------------------------------------------------------------------------------

A, B = 7.0, 0.1


def ishigami(x):
    """[Ishigami & Homma (1990)] of x (3, n) in [-pi, pi]."""
    return np.sin(x[0]) + A * np.sin(x[1]) ** 2 + B * x[2] ** 4 * np.sin(x[0])


def closed():
    """Its first-order and total indices: V1 = (1 + b pi^4/5)^2/2, V2 = a^2/8, V13 = 8 b^2 pi^8/225, others 0."""
    V1, V2, V13 = 0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, 8 * B**2 * np.pi**8 / 225
    V = V1 + V2 + V13
    assert pytest.approx(0.3139, abs=1e-4) == V1 / V  # as printed by Saltelli et al., Global Sensitivity Analysis
    return np.array([V1, V2, 0.0]) / V, np.array([V1 + V13, V2, V13]) / V


def found_for(model, draws, n, seed=0, **more):
    points = sample(draws, n, seed)
    return indices(*points.parted(model(points.points)), seed=seed, **more)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_indices_of_ishigamis_function_are_the_closed_forms(seed):
    n = 8192
    found = found_for(ishigami, [stats.uniform(-np.pi, 2 * np.pi)] * 3, n, seed, resamples=64)
    first, total = closed()
    worst = np.abs(found.first - first).max(), np.abs(found.total - total).max()
    print(f"Ishigami, {n:,} samples, {n * 5:,} values: first within {worst[0]:.4f}, total within {worst[1]:.4f}")
    assert max(worst) < 0.01
    assert found.together[0] == pytest.approx(total[2], abs=0.01)
    assert (np.abs(found.first - first) < found.first_error).all()
    assert (np.abs(found.total - total) < found.total_error).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_indices_of_a_linear_model_are_its_squares_and_sum_to_one(seed):
    n, c = 1024, np.array([1.0, 2.0, 3.0, 0.0])
    draws = [stats.uniform(0, 1), stats.uniform(5, 1), stats.norm(0, 12**-0.5), stats.uniform(0, 1)]
    found = found_for(lambda x: 100 + c @ x, draws, n, seed)
    worst = np.abs(found.first - c**2 / 14).max(), np.abs(found.total - c**2 / 14).max()
    print(f"linear, {n:,} samples, {n * 6:,} values: first within {worst[0]:.4f}, total within {worst[1]:.4f}")
    assert max(worst) < 0.01
    assert found.first.sum() == pytest.approx(1, abs=0.01) and found.total.sum() == pytest.approx(1, abs=0.01)
    assert (found.first[3], found.first_error[3], found.total[3], found.total_error[3]) == (0, 0, 0, 0)
    assert found.together[0] == pytest.approx(0, abs=0.01) and found.samples == n


def test_samples_and_indices_are_those_of_scipy():
    n, draws = 256, [stats.uniform(-np.pi, 2 * np.pi)] * 3
    found = found_for(ishigami, draws, n, 5, resamples=999)
    theirs = stats.sobol_indices(func=ishigami, n=n, dists=draws, rng=np.random.default_rng(5))
    np.testing.assert_allclose(found.first, theirs.first_order, atol=1e-12)
    np.testing.assert_allclose(found.total, theirs.total_order, atol=1e-12)
    interval = theirs.bootstrap(confidence_level=0.95).total_order.confidence_interval
    np.testing.assert_allclose(found.total_error, 0.5 * (interval.high - interval.low), rtol=0.25)


def test_too_few_points_for_many_inputs_are_told():
    d, draw = 86, stats.uniform(0, 1)
    few, many = sample([draw] * d, 128), sample([draw] * d, 2048)
    first, second, r = alike(few)
    pairs = [np.corrcoef(x[first], y[second])[0, 1] for x in few for y in few]
    assert r == pytest.approx(max(abs(x) for x in pairs if abs(x) < 1 - 1e-9)) and r > 0.7
    assert alike(many)[2] < 0.2
    twice = many._replace(b=np.concatenate([many.b[:1], many.a[:1], many.b[2:]]))
    assert alike(twice) == (0, 1, pytest.approx(1))
    inputs = list(uncertainties("gb300_hall"))
    (told,) = module._few(inputs, few)
    assert f"128 samples of 86 inputs are few: what is drawn independently of {inputs[first].address}" in told
    assert f"correlated by {r:.2f}" in told and told.endswith("give 256 or more")
    assert list(module._few(inputs, many)) == []


def test_a_single_input_explains_all():
    found = found_for(lambda x: x[0], [stats.uniform(0, 1)], 1024)
    assert found.first.shape == found.total.shape == (1,)
    assert found.first[0] == pytest.approx(1, abs=0.01) and found.total[0] == pytest.approx(1, abs=0.01)


def test_what_does_not_vary_has_no_indices():
    found = found_for(lambda x: 0 * x[0] + 3, [stats.uniform(0, 1)] * 2, 64)
    assert not found.first.any() and not found.total.any() and not found.total_error.any()


def test_what_cannot_be_for_one_input_cuts_its_range():
    """y = 2 x + z of x in [0, 1] without [0, 0.5]: variances 4 * 0.5^2/12 and 1/12, half each."""
    n = 8192

    def model(x):
        return np.where(x[0] < 0.25, np.nan, 2 * (4 / 3) * x[0] / 2 + x[1])

    found = found_for(model, [stats.uniform(0, 1)] * 2, n)
    share = (4 / 3 * 0.75) ** 2 / ((4 / 3 * 0.75) ** 2 + 1)
    assert found.samples == pytest.approx(0.75**2 * n, rel=0.01)
    np.testing.assert_allclose(found.first, [share, 1 - share], atol=0.02)
    np.testing.assert_allclose(found.total, [share, 1 - share], atol=0.02)


def test_incomplete_samples_are_left_out_whole_and_widen_errors():
    n = 4096
    points = sample([stats.uniform(0, 1)] * 2, n)
    a, b, ab = points.parted(points.points.sum(axis=0))
    lost = np.random.default_rng(1).random(n) < 0.4
    kept, whole = ~lost, indices(a, b, ab, resamples=1000)
    total = 0.5 * ((a - ab)[:, kept] ** 2).mean(axis=1) / np.concatenate([a[kept], b[kept]]).var()
    for which in range(3):
        found = indices(
            *(np.where(lost & (which == k), np.nan, x) for k, x in enumerate((a, b, ab))),
            resamples=1000,
        )
        assert found.samples == kept.sum()
        np.testing.assert_allclose(found.total, total, atol=0.02 * found.total_error.min())
        wider = (found.total_error / whole.total_error).mean()
        assert wider == pytest.approx((n / found.samples) ** 0.5, rel=0.1)
    with pytest.raises(ValueError, match="1,999 of 4,096 base samples are complete"):
        indices(np.where(np.arange(n) < 1999, a, np.nan), b, ab)


# ---- what is not known -------------------------------------------------------------------------------------------


def test_every_uncertain_value_has_its_range_and_source():
    listed = uncertainties("gb300_hall")
    assert len(listed) > 80 and not listed.notes
    for i in listed:
        assert i.low <= i.nominal <= i.high and i.low < i.high
        np.testing.assert_allclose(i.draw.ppf([0.0, 1.0]), [i.low, i.high], rtol=1e-12)
        assert i.source and i.kind in ("unpublished", "derived", "model", "analyst", "vendor", "measured")
    i = listed["gb300_nvl72.junction_to_case"]
    assert (i.nominal, i.low, i.high, i.unit, i.distribution) == (0.018, 0.016, 0.020, "K/W", "uniform")
    assert i.source == "No public figure; value and range are inputs to judge"
    assert listed["gb300_nvl72.junction_limit"].texts == ("100 degC", "87 degC", "105 degC")
    table = listed.to_dataframe()
    assert table.loc["fan_wall_class.set_point", ["low", "high"]].tolist() == [291.15, 300.15]
    assert "unpublished" in str(listed) and len(str(listed).splitlines()) == len(listed) + 1


def test_a_value_of_the_catalogue_is_called_as_the_layout_calls_its_model():
    listed, hall = uncertainties("gb300_hall"), load("gb300_hall")
    assert listed["hall_cdu.tcs_drop"].nominal == hall.components["cdu1"].tcs_drop
    with pytest.raises(LayoutError, match=r"vertiv_xdu1350.set_point: is not varied: is stated by the layout"):
        listed["vertiv_xdu1350.set_point"]
    with pytest.raises(LayoutError, match=r"did you mean 'gb300_nvl72\.junction_limit'"):
        listed["gb300_nvl72.junction_limits"]


def test_what_shapes_the_plant_is_not_varied_and_told():
    assert dict(uncertainties("gb300_hall").left_out)["gb300_nvl72.voltage"].startswith("shapes the plant")


def test_what_is_not_known_of_electricity_is_told():
    listed = uncertainties(SMALL, overrides={"economics.sources": {"solar_storage": {}}})
    assert dict(listed.left_out)["economics.sources.solar_storage.carbon"].startswith("50 g/kWh to 100 g/kWh: is part")


def test_what_the_user_states_does_not_vary():
    given = {"gb300_nvl72.fan_power": "5 kW"}
    listed = uncertainties(SMALL, overrides=given)
    assert dict(listed.left_out)["gb300_nvl72.fan_power"] == "is stated by the layout, 5 kW outside 1 kW to 4 kW"
    assert len(listed) == len(uncertainties(SMALL)) - 1


def test_components_that_state_a_value_are_left_out_of_it():
    listed = uncertainties(SMALL, overrides={"r3.fan_power": "2 kW"})
    found = listed["gb300_nvl72.fan_power"]
    assert found.addresses == tuple(f"liquid_rack[r{i}].fan_power" for i in (1, 2, 4, 5, 6, 7, 8))


def test_a_model_whose_name_is_no_address_is_called_by_its_components():
    text = SMALL.replace("name: small", "name: small\ncatalogue: {our rack: {base: gb300_nvl72}}")
    found = uncertainties(text.replace("model: gb300_nvl72", "model: our rack"))["gb300_nvl72.fan_power"]
    assert found.addresses[0] == "liquid_rack[r1].fan_power" and len(found.addresses) == 8


def test_models_of_one_entry_have_one_value_of_it():
    text = SMALL.replace("name: small", "name: small\ncatalogue: {other: {base: gb300_nvl72}}")
    text = text.replace("repeat:", '  r9: {model: other, room: hall, voltage: 415 V}\nrepeat:').replace(
        "connections:\n  - [power, utility.out", "connections:\n  - [power, bus.out, r9.feed]\n"
        "  - [coolant, cdu.tcs_supply, r9.supply]\n  - [coolant, cdu.tcs_return, r9.return]\n  - [power, utility.out"
    )  # fmt: skip
    found = uncertainties(text)["gb300_nvl72.fan_power"]
    assert set(found.addresses) == {"gb300_nvl72.fan_power", "other.fan_power"}
    with pytest.raises(LayoutError, match=r"other.fan_power: is a part of gb300_nvl72.fan_power"):
        uncertainty(text, 8, inputs=["gb300_nvl72.fan_power"], over={"other.fan_power": "uniform(1 kW, 2 kW)"})


def test_whole_numbers_are_drawn_whole_with_both_ends():
    text = SMALL.replace(
        "pump: {type: pump, shutoff: 300 kPa, rated_flow: 30 L/s, head: 180 kPa, pumps: 2}",
        "pump: {model: fws_pump_class, head: 180 kPa}",
    )
    i = uncertainties(text)["fws_pump_class.pumps"]
    assert set(sample([i.draw], 256).a[0]) == {2.0, 3.0, 4.0, 5.0, 6.0} and i.distribution == "uniform, whole"


def test_a_layout_outside_the_range_is_told(monkeypatch):
    entry = catalogue()["gb300_nvl72"]
    fact = entry["fields"]["fan_power"] | {"range": ["3 kW", "4 kW"]}
    changed = catalogue() | {"gb300_nvl72": entry | {"fields": entry["fields"] | {"fan_power": fact}}}
    monkeypatch.setattr(module, "catalogue", lambda: changed)
    assert uncertainties(SMALL).notes == ("gb300_nvl72.fan_power: 2 kW of the layout is outside 3 kW to 4 kW",)


# ---- a study -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("uncertain") / "s.zarr"


@pytest.fixture(scope="module")
def found(path):
    return uncertainty(SMALL, 16, inputs=INPUTS, over=OVER, store=path)


def test_all_scenarios_are_one_sweep(found):
    assert found.sweep.size == 16 * 5 + 7 and found.sweep.ok
    draws = [i.draw for i in found.inputs]
    points = sample(draws, 16, 0).points
    for k, i in enumerate(found.inputs):
        np.testing.assert_array_equal(found.sweep[i.address].values[:80], points[k])
    assert found.inputs["site.dry_bulb"].nominal == 303.15


def test_percentiles_are_of_the_independent_scenarios(found):
    values = np.sort(found.sweep["pue"].values[:32])
    assert found.range("pue").p90 == pytest.approx(values[27] + 0.9 * (values[28] - values[27]), rel=1e-12)
    assert found.range("pue").p10 == pytest.approx(values[3] + 0.1 * (values[4] - values[3]), rel=1e-12)
    assert found.range("pue").p50 == pytest.approx(0.5 * (values[15] + values[16]), rel=1e-12)


def test_throughput_is_over_megawatts_drawn_and_provisioned(found):
    tokens, drawn, provisioned = (
        found.sweep[n].values[0] for n in ("tokens_per_s", "facility_power", "provisioned_power")
    )
    assert found.values("tokens_per_mw")[0] == pytest.approx(tokens / (drawn * 1e-6))
    assert found.values("tokens_per_provisioned_mw")[0] == pytest.approx(tokens / (provisioned * 1e-6))


@pytest.mark.parametrize("output", module.OUTPUTS)
def test_with_others_an_input_explains_no_less_than_alone(found, output):
    shares = found.indices(output)
    assert (shares.total + shares.total_error + shares.first_error >= shares.first).all()
    assert shares.first[1] == shares.total[1] == shares.total_error[1] == 0  # sandboxes do nothing without agents
    assert found.inputs[1].address == "gb300_nvl72.sandboxes"


def test_a_swing_is_that_of_one_input_alone(found):
    swing = next(s for s in found.tornado("pue") if s.input.address == "site.dry_bulb")
    from twin.api import solve

    given = {"site.dry_bulb": [293.15, 303.15, 313.15]}
    np.testing.assert_allclose([swing.low, swing.nominal, swing.high], solve(SMALL, given).figures.pue, rtol=1e-7)
    assert found.tornado("pue")[0] == swing and found.tornado("pue")[-1].size == 0
    assert swing.size == pytest.approx(swing.high - swing.low)


def test_two_sentences_say_the_range_and_what_leads(found):
    told, share = found.explain("pue"), found.indices("pue")
    p10, p50, p90 = found.range("pue")
    assert told.startswith(
        f"PUE is {p50:.4f}, {p10:.4f} to {p90:.4f} in eight of ten cases. Dry bulb of site explains "
    )
    assert f"explains {100 * share.first[2]:.0f} % (±{100 * share.first_error[2]:.0f}) of its variance" in told
    assert told in str(found) and found.notes == ()


def test_a_store_gives_the_same_numbers_without_solving(found, path, monkeypatch):
    monkeypatch.setattr(sweep, "solve_chunk", lambda *a, **k: pytest.fail("solved again"))
    again = uncertainty(SMALL, 16, inputs=INPUTS, over=OVER, store=path)
    assert str(again) == str(found)
    for output in found.outputs:
        for ours, theirs in zip(again.indices(output), found.indices(output), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_what_cannot_be_is_counted_and_told():
    over = {"pump.shutoff": "uniform(170 kPa, 300 kPa)"}  # below its head of 180 kPa a pump cannot be
    found = uncertainty(SMALL, 16, inputs=(), over=over, outputs=["pue"])
    bad = int((found.sweep["pump.shutoff"].values < 180e3).sum())
    assert found.sweep.counts()["invalid"] == bad > 0
    assert f"{bad} of {16 * 3 + 3} scenarios have no solution" in found.notes[0] and "shut-off" in found.notes[0]
    assert len(found.drawn("pue")) == int((found.sweep["pump.shutoff"].values[:32] >= 180e3).sum())
    assert found.indices("pue").samples < 16 and "base samples" in found.notes[1]
    assert np.isnan(found.tornado("pue")[0].low) and np.isfinite(found.tornado("pue")[0].high)
    assert found.notes[0] in str(found)


def test_what_has_not_converged_has_no_figures(found):
    unsolved, status = copy(found.sweep), found.sweep.status.copy()
    status[3] = Status.NOT_CONVERGED
    vars(unsolved)["status"] = status
    values = replace(found, sweep=unsolved).values("pue")
    assert np.flatnonzero(np.isnan(values)).tolist() == [3]


def test_where_most_cannot_be_no_indices_are_told():
    over = {"pump.shutoff": "uniform(100 kPa, 200 kPa)"}
    found = uncertainty(SMALL, 16, inputs=(), over=over, outputs=["pue"])
    assert "What leads is not told" in found.explain("pue") and np.isfinite(found.range("pue").p50)
    with pytest.raises(LayoutError, match="base samples are complete"):
        found.indices("pue")


def test_cases_in_which_no_density_is_sustainable_are_told():
    found = uncertainty(SMALL, 16, inputs=["gb300_nvl72.junction_limit"], outputs=["sustainable_density"])
    share = np.mean(found.sweep["sustainable_density"].values[:32] == 0)
    assert 0 < share < 1 and f"In {100 * share:.0f} % of them no density is sustainable" in found.explain()


def test_what_is_given_stands_in_place_of_the_catalogue():
    given = {"rack.fan_power": "uniform(1 kW, 2 kW)", "gb300_nvl72.air_rise": "12 K"}
    chosen, held = module._asked(load(SMALL), uncertainties(SMALL), given, None, [])
    names = [i.address for i in chosen]
    assert "gb300_nvl72.fan_power" not in names and "gb300_nvl72.air_rise" not in names
    assert len(names) == len(uncertainties(SMALL)) - 1 and held == {"gb300_nvl72.air_rise": 12.0}
    made = chosen[-1]
    assert (made.address, made.nominal, made.low, made.high, made.kind) == ("rack.fan_power", 2e3, 1e3, 2e3, "given")
    whole, _ = module._asked(load(SMALL), uncertainties(SMALL), {"pump.pumps": stats.randint(1, 4)}, (), [])
    assert (whole[0].low, whole[0].nominal, whole[0].high, whole[0].distribution) == (1, 2, 3, "randint")
    endless, _ = module._asked(load(SMALL), uncertainties(SMALL), {"site.dry_bulb": "normal(20 degC, 5 K)"}, (), [])
    assert (endless[0].high - endless[0].low) / 10.0 == pytest.approx(1.6449, abs=1e-3)  # nine of ten


BARE = SMALL.replace("{model: gb300_nvl72,", "{type: liquid_rack,")


@pytest.mark.parametrize(
    ("layout", "given", "told"),
    [
        (SMALL, {"n": 100}, "n: give a power of two from 8, such as 1024, not 100"),
        (SMALL, {"n": 4}, "n: give a power of two"),
        (SMALL, {"n": 2**22}, "are more than 10,000,000 scenarios"),
        (SMALL, {"outputs": ["pux"]}, "outputs: no 'pux'; did you mean 'pue'"),
        (SMALL, {"outputs": []}, "outputs: is empty"),
        (SMALL, {"inputs": ["gb300_nvl72.fan_powr"]}, "did you mean 'gb300_nvl72.fan_power'"),
        (SMALL, {"inputs": ["gb300_nvl72.voltage"]}, "inputs: gb300_nvl72.voltage: is stated by the layout"),
        (SMALL, {"over": {"site.dry_bulb": "uniform(-300 degC, 20 degC)"}}, "outside its bounds"),
        (SMALL, {"over": {"site.dry_bulb": "20..30 degC/3"}}, "give a distribution, or one value that holds it"),
        (SMALL, {"over": {"r1.voltage": "uniform(400 V, 480 V)"}}, "shapes the plant"),
        (SMALL, {"over": {"site.dry_bulbs": "uniform(0 degC, 9 degC)"}}, "no such field; did you mean 'dry_bulb'"),
        (SMALL, {"over": {"r1.fan_power": "uniform(1 kW, 2 kW)"}}, "is a part of gb300_nvl72.fan_power"),
        (SMALL, {"inputs": ()}, "nothing is uncertain"),
        (BARE, {}, "nothing is uncertain"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(layout, given, told):
    with pytest.raises(LayoutError) as caught:
        uncertainty(layout, **given)
    assert told in str(caught.value) and len(caught.value.faults) == 1


# ---- for people --------------------------------------------------------------------------------------------------


def test_plots_show_the_largest_first(found, tmp_path):
    pytest.importorskip("matplotlib")
    picture = found.plot.tornado("pue")
    labels = [t.get_text() for t in picture.axes[0].get_yticklabels()]
    assert labels[0] == "dry bulb of site, 20 °C to 40 °C" and len(labels) == 2  # sandboxes move nothing
    widths = [p.get_width() for p in picture.axes[0].patches]
    swing = found.tornado("pue")[0]
    assert widths[0] == pytest.approx(swing.low - swing.nominal) and widths[2] == pytest.approx(
        swing.high - swing.nominal
    )
    assert picture.write(tmp_path / "t.png").stat().st_size > 5000
    bars = found.plot.indices("sustainable_density").axes[0]
    assert len(bars.patches) == 6 and "sustainable density" in bars.get_xlabel()
    with pytest.raises(LayoutError, match="did you mean 'pue'"):
        found.plot.tornado("pux")


def test_the_commands_tell_it_as_text_and_as_json(path, found, tmp_path):
    app, run = typer.Typer(cls=Commands), CliRunner()
    app.command()(uncertain.uncertainties)
    app.command()(uncertain.uncertainty)
    (tmp_path / "small.yaml").write_text(SMALL, "utf-8")
    layout = str(tmp_path / "small.yaml")
    listed = run.invoke(app, ["uncertainties", layout]).output
    assert "28 values are not known" in listed and "gb300_nvl72.junction_limit" in listed
    assert len(json.loads(run.invoke(app, ["uncertainties", layout, "--json"]).output)["inputs"]) == 28
    given = ["uncertainty", layout, "--samples", "64", "--no-inputs", "--output", "pue"]
    given += ["--over", "site.dry_bulb=uniform(20 degC, 40 degC)", "--tornado", str(tmp_path / "t.svg")]
    text = run.invoke(app, given)
    assert text.exit_code == 0, text.output
    assert "PUE is " in text.output and "site.dry_bulb" in text.output and (tmp_path / "t.svg").exists()
    told = json.loads(run.invoke(app, [*given[:-2], "--json"]).output)
    output = told["outputs"]["pue"]
    assert output["inputs"]["site.dry_bulb"]["total"] == pytest.approx(1, abs=0.3)
    assert output["p10"] < output["p50"] < output["p90"] and figure("pue").label == output["label"]
    assert run.invoke(app, ["uncertainty", layout, "--samples", "9"]).exit_code == 2
