"""Scenarios of a sweep: grids, zips, draws and tables."""

import numpy as np
import pandas as pd
import pytest

import twin
from twin.study.design import SAMPLE, codes, grid, groups, of_table


@pytest.fixture(scope="module")
def hall():
    return twin.load("gb300_hall")


def test_a_grid_is_every_combination_the_last_axis_fastest(hall):
    made = grid(hall, {"site.dry_bulb": "20..30 degC/3", "cdu.set_point": "36..40 degC/2"})
    assert made.size == 6
    np.testing.assert_allclose(made.columns["site.dry_bulb"], 273.15 + np.repeat([20, 25, 30], 2))
    np.testing.assert_allclose(made.columns["cdu.set_point"], 273.15 + np.tile([36, 40], 3))
    assert [d.size for d in made.dimensions] == [3, 2]


def test_values_of_a_zip_go_together(hall):
    pairs = {"site.dry_bulb": [290.0, 300.0], "site.dew_point": [280.0, 285.0]}
    made = grid(hall, {"cdu.set_point": "36..40 degC/2"}, [pairs])
    assert made.size == 4
    np.testing.assert_array_equal(made.columns["site.dew_point"], [280.0, 285.0, 280.0, 285.0])
    np.testing.assert_array_equal(made.columns["site.dry_bulb"], [290.0, 300.0, 290.0, 300.0])


def test_draws_are_the_same_beside_every_other_value_and_follow_the_seed(hall):
    over = {"site.dry_bulb": "uniform(20 degC, 30 degC)", "cdu.set_point": "36..40 degC/2"}
    made = grid(hall, over, samples=8)
    assert made.dimensions[-1].name == SAMPLE and made.size == 16
    drawn = made.columns["site.dry_bulb"].reshape(2, 8)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn, grid(hall, over, samples=8).columns["site.dry_bulb"].reshape(2, 8))
    assert (drawn != grid(hall, over, samples=8, seed=1).columns["site.dry_bulb"].reshape(2, 8)).all()


def test_sobol_points_are_balanced(hall):
    """One point in each of as many equal parts, of every axis [Sobol', USSR Comput. Math. Math. Phys. 7 (1967) 86]."""
    over = {"site.dry_bulb": "uniform(20 degC, 36 degC)", "site.relative_humidity": "uniform(0.1, 0.9)"}
    made = grid(hall, over, samples=16)
    for address, low, width in (("site.dry_bulb", 293.15, 16.0), ("site.relative_humidity", 0.1, 0.8)):
        parts = np.floor(16 * (made.columns[address] - low) / width)
        assert sorted(parts) == list(range(16))
    assert made.notes == ()
    (note,) = grid(hall, over, samples=1000).notes
    assert "1,000 points" in note and "1,024 are" in note


def test_plants_of_cases_and_models_are_groups(hall):
    over = {
        "case": "null, hot_day",
        "trim.model": "trim_chiller, room_chiller",
        "site.relative_humidity": [0.3, 0.4, 0.5],
    }
    made = grid(hall, over)
    found = groups("gb300_hall", made)
    assert [dict(g.shape) for g in found] == [
        {"case": c, "trim.model": m} for c in (None, "hot_day") for m in ("trim_chiller", "room_chiller")
    ]
    assert sorted(np.concatenate([g.rows for g in found])) == list(range(12))
    assert found[2].facility.site.dry_bulb == 313.15 and found[0].facility.site.dry_bulb == 303.15
    assert found[1].facility.models["trim"] == "room_chiller"
    again = groups(hall, made)
    assert [g.facility.hash for g in again] == [g.facility.hash for g in found]


def test_codes_count_combinations_as_first_met(hall):
    made = of_table(
        hall, pd.DataFrame({"case": ["hot_day", None, "hot_day"], "site.relative_humidity": [0.1, 0.2, 0.3]})
    )
    shapes, code = codes(made)
    assert shapes == [("hot_day",), (None,)] and code.tolist() == [0, 1, 0]


def test_a_table_is_row_by_row(hall):
    table = pd.DataFrame({"site.dry_bulb": ["20 degC", "30 degC"], "cdu.set_point": [310.0, 311.0]}, index=["a", "b"])
    made = of_table(hall, table)
    np.testing.assert_allclose(made.columns["site.dry_bulb"], [293.15, 303.15])
    assert made.labels.tolist() == ["a", "b"] and made.dimensions == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"over": {}}, "nothing varies"),
        ({"over": {"a.b": 1, "site.dry": "1..2"}}, "a.b: nothing here is called 'a'"),
        (
            {"over": {"site.dry_bulb": "20..30 degC/10000", "cdu.set_point": "36..40 degC/10000"}},
            "100,000,000 scenarios",
        ),
        ({"over": {}, "zips": [{"site.dry_bulb": [290.0, 300.0], "site.dew_point": [280.0]}]}, "equally many"),
        ({"over": {}, "zips": [{"site.dry_bulb": "uniform(20 degC, 30 degC)"}]}, "take it out of the zip"),
        ({"over": {"site.dry_bulb": [300.0]}, "zips": [{"site.dry_bulb": [300.0]}]}, "site.dry_bulb: is given twice"),
        ({"over": {"site.dry_bulb": [300.0]}, "samples": 8}, "nothing is drawn"),
        ({"over": {"site.dry_bulb": "uniform(20 degC, 30 degC)"}, "samples": 0}, "give a whole number from 1"),
    ],
)
def test_a_design_that_cannot_be_is_told(hall, given, says):
    with pytest.raises(twin.LayoutError) as told:
        grid(hall, **given)
    assert says in str(told.value)


def test_faults_of_all_axes_are_told_at_once(hall):
    with pytest.raises(twin.LayoutError) as told:
        grid(hall, {"a.b": 1, "site.dry_bulb": "1..2", "cdu.set_point": [10.0]})
    assert len(told.value.faults) == 3


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"site.dry_bulb": ["20 degC", "30 kW"]}, "site.dry_bulb: row 1"),
        ({"site.dry_bulb": [290.0, 300.0], "cdu.set_point": [300.0, 310.0, 320.0]}, "different lengths"),
        ({"site.dri_bulb": [290.0]}, "did you mean 'dry_bulb'"),
        ([], "not nothing"),
    ],
)
def test_a_table_that_is_none_is_told(hall, table, says):
    with pytest.raises(twin.LayoutError) as told:
        of_table(hall, table)
    assert says in str(told.value)


def test_faults_of_a_plant_name_what_shapes_it(hall):
    with pytest.raises(twin.LayoutError) as told:
        groups("gb300_hall", grid(hall, {"case": "hot_day, cold"}))
    assert "case cold: no case 'cold'" in str(told.value)
    with pytest.raises(twin.LayoutError) as told:
        groups("gb300_hall", grid(hall, {"layout": "gb300_hall, dsx_row", "dry_coolers.units": [4, 5]}))
    assert "layout dsx_row" in str(told.value) and "dry_coolers" in str(told.value)
