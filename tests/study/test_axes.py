"""What people write as the axis of a sweep, and what it means."""

import numpy as np
import pytest
from scipy import stats

import twin
from twin.study.axes import FORMS, Chance, Choice, axis


@pytest.fixture(scope="module")
def hall():
    return twin.load("dps_demo")


@pytest.fixture(scope="module")
def plant():
    return twin.load("gb300_hall")


@pytest.mark.parametrize(
    ("address", "given", "values"),
    [
        ("site.dry_bulb", "20..30 degC/3", [293.15, 298.15, 303.15]),
        ("site.dry_bulb", "20 degC..30 degC/2", [293.15, 303.15]),
        ("site.dry_bulb", "30..20 degC/2", [303.15, 293.15]),
        ("site.dry_bulb", "-10 degC, 68 degF", [263.15, 293.15]),
        ("site.dry_bulb", [300.0, "30 degC"], [300.0, 303.15]),
        ("site.dry_bulb", 300.0, [300.0]),
        ("site.relative_humidity", "0.2..0.8/4", [0.2, 0.4, 0.6, 0.8]),
        ("site.relative_humidity", "20..80 %/3", [0.2, 0.5, 0.8]),
        ("economics.electricity", "0.036..0.072 $/kWh/2", [1e-8, 2e-8]),
        ("dry_coolers.units", "4..6", [4.0, 5.0, 6.0]),
        ("dry_coolers.units", "6..4", [6.0, 5.0, 4.0]),
        ("cdu1.in_service", "true, false", [1.0, 0.0]),
        ("cdu1.in_service", [True, False], [1.0, 0.0]),
        ("cdu.set_point", np.array([310.0, 311.0]), [310.0, 311.0]),
    ],
)
def test_values_of_an_axis(plant, address, given, values):
    found = axis(plant, address, given)
    assert isinstance(found, Choice)
    np.testing.assert_allclose(found.values, values, rtol=1e-12)


@pytest.mark.parametrize(
    ("address", "given", "values"),
    [
        ("case", "null, hot_day", [None, "hot_day"]),
        ("case", ["hot_day"], ["hot_day"]),
        ("layout", "gb300_hall, dsx_row", ["gb300_hall", "dsx_row"]),
        ("trim.model", "trim_chiller, room_chiller", ["trim_chiller", "room_chiller"]),
        ("utility.voltage", "10..30 kV/3", ["10000.0 V", "20000.0 V", "30000.0 V"]),
        ("serving.model", "DeepSeek-R1-0528", ["DeepSeek-R1-0528"]),
    ],
)
def test_what_shapes_the_plant_is_taken_as_overrides_take_it(plant, address, given, values):
    found = axis(plant, address, given)
    assert isinstance(found, Choice)
    assert found.values.dtype == object and found.values.tolist() == values


MEANS = {
    "uniform(20 degC, 30 degC)": 298.15,
    "loguniform(280 K, 310 K)": np.sqrt(280.0 * 310.0),
    "triangular(20 degC, 25 degC, 30 degC)": 298.15,
    "normal(25 degC, 2 K)": 298.15,
    "normal(25 degC, 2 K, 20 degC, 30 degC)": 298.15,
    "lognormal(300 K, 1.01)": 300.0,
    "lognormal(300 K, 1.01, 290 K, 310.3448275862069 K)": 300.0,
}


@pytest.mark.parametrize("text", MEANS)
def test_the_median_of_a_distribution(hall, text):
    found = axis(hall, "site.dry_bulb", text)
    assert isinstance(found, Chance)
    assert found.distribution.ppf(0.5) == pytest.approx(MEANS[text], rel=1e-9)


def test_quantiles_are_those_of_the_definitions(hall):
    q = np.array([0.1, 0.9])
    quantiles = lambda text: axis(hall, "site.dry_bulb", text).distribution.ppf(q)  # noqa: E731
    np.testing.assert_allclose(quantiles("uniform(280 K, 300 K)"), 280 + 20 * q)
    np.testing.assert_allclose(quantiles("loguniform(280 K, 300 K)"), 280 * (300 / 280) ** q)
    np.testing.assert_allclose(quantiles("normal(300 K, 2 K)"), 300 + 2 * 1.2815515655446004 * np.array([-1, 1]))
    np.testing.assert_allclose(
        quantiles("lognormal(300 K, 1.02)"), 300 * 1.02 ** (1.2815515655446004 * np.array([-1, 1]))
    )
    # a triangle's share below x is (x - low)^2 / ((high - low) (mode - low)) up to its mode
    np.testing.assert_allclose(quantiles("triangular(280 K, 300 K, 300 K)"), 280 + 20 * np.sqrt(q))
    cut = quantiles("normal(300 K, 2 K, 298 K, 302 K)")
    ends = stats.norm.cdf([-1, 1])
    np.testing.assert_allclose(cut, 300 + 2 * stats.norm.ppf(ends[0] + q * (ends[1] - ends[0])))


def test_a_frozen_distribution_of_scipy_is_an_axis(hall):
    found = axis(hall, "site.dry_bulb", stats.uniform(290.0, 10.0))
    assert isinstance(found, Chance) and found.distribution.ppf(0.25) == 292.5


@pytest.mark.parametrize(
    ("address", "given", "says"),
    [
        ("site.dri_bulb", "1..2", "did you mean 'dry_bulb'"),
        ("trimm.units", "1..2", "did you mean 'trim'"),
        ("site.dry_bulb", "20..30 degC", "say how many values, such as 20..30 degC/11"),
        ("site.dry_bulb", "20..30 degC/1", "2 to 10,000,000 values"),
        ("site.dry_bulb", "20..30 degC/1000000000000", "2 to 10,000,000 values"),
        ("site.dry_bulb", "20..30", "needs a unit"),
        ("site.dry_bulb", "20..30 kW/3", "unit of power, expected temperature"),
        ("site.dry_bulb", [20.0, 30.0], "write '20 degC' if that is meant"),
        ("site.dry_bulb", "", "is not a number with a unit"),
        ("site.dry_bulb", [], "give one number, or one for each scenario"),
        ("site.dry_bulb", "gaussian(20 degC, 1 K)", "no distribution 'gaussian'"),
        ("site.dry_bulb", "normal(20 degC)", "normal takes mean, standard deviation, low, high"),
        ("site.dry_bulb", "uniform(30 degC, 20 degC)", "give a range that rises"),
        ("site.dry_bulb", "triangular(20 degC, 40 degC, 30 degC)", "low, mode, high in this order"),
        ("site.dry_bulb", "normal(20 degC, -1 K)", "above 0"),
        ("site.dry_bulb", "lognormal(300 K, 0.9)", "above 1"),
        ("site.dry_bulb", "uniform(20 degC, 100 degC)", "outside its bounds, at most"),
        ("site.dry_bulb", "normal(20 degC, 100 K)", "outside its bounds, at least"),
        ("dry_coolers.units", "uniform(2, 6)", "give whole numbers"),
        ("case", "uniform(1, 2)", "shapes the plant and takes a list of values, no distribution"),
        ("dry_coolers.units", "1.5, 2", "give whole numbers"),
    ],
)
def test_what_is_no_axis_is_told_with_its_remedy(plant, address, given, says):
    with pytest.raises(ValueError) as told:
        axis(plant, address, given)
    assert says in str(told.value) and address in str(told.value)


def test_every_form_is_read(hall):
    texts = [text.split("(")[0] for text in MEANS]
    assert set(FORMS) == set(texts)
