"""Frontier: published power states, and the plant on thirteen measured hours."""

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml

import twin
from twin.show.summary import summary

HERE = Path(__file__).parent
EXPECTED = yaml.safe_load((HERE / "expected.yaml").read_text())
HOURS, STATES, WARM = EXPECTED["hours"], EXPECTED["states"], EXPECTED["warm"]
STEADY = HOURS["steady"]
CELSIUS = 273.15
GPM = 0.0630902 * 0.9995  # kg/s of water at 12 degC


def read(name):
    with (HERE / name).open() as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


MEASURED = read("measured.csv")


def inputs(counts):
    """Thirteen scenarios: cabinet powers, wet bulb and, if asked for, the logged numbers of cells and exchangers."""
    hours = read("hours.csv")
    found = {"site.wet_bulb": CELSIUS + hours["wet_bulb_degc"]}
    for cdu in range(1, 26):
        cabinets = 2 if cdu == 14 else 3
        for k in range(1, cabinets + 1):
            found[f"rack[c{cdu:02d}{k}].it_power"] = hours[f"cdu{cdu:02d}_w"] / cabinets
    if counts:
        found |= {"towers.running": MEASURED["cells"], "ehx.running": np.array(HOURS["exchangers"], float)}
    return found


@pytest.fixture(scope="module", params=[True, False], ids=["logged counts", "own staging"])
def day(request):
    return twin.solve("frontier", inputs(request.param)), request.param


def plant(result):
    """What the plant's instruments would read, under the names of `measured.csv`."""
    d = result.dataset
    return {
        "htws_degc": d["heat_exchanger_hot_outlet"].values[0] - CELSIUS,
        "htwr_degc": d["heat_exchanger_hot_inlet"].values[0] - CELSIUS,
        "htw_gpm": d["heat_exchanger_hot_flow"].values[0] / GPM,
        "ctws_degc": d["tower_supply_temperature"].values[0] - CELSIUS,
        "ctwr_degc": d["tower_return_temperature"].values[0] - CELSIUS,
        "ctw_gpm": d["tower_flow"].values[0] / GPM,
        "fan_percent": 100.0 * d["tower_fan_speed"].values[0],
        "cells": d["tower_running"].values[0],
    }


def error(found, name, hours=slice(None)):
    return np.abs(found[name] - MEASURED[name])[hours].mean()


@pytest.mark.parametrize("case", STATES)
def test_power_states_equal_the_published_accounts(case):
    numbers = summary(twin.solve("frontier", case=case), None)
    for name, expected in STATES[case].items():
        assert numbers[name] == pytest.approx(expected, rel=1e-3), name


@pytest.mark.parametrize("case", STATES)
def test_all_heat_goes_to_liquid_and_nothing_upstream_adds_losses(case):
    result = twin.solve("frontier", case=case)
    f, d = result.figures, result.dataset
    assert f.heat_to_liquid[0] == pytest.approx(f.it_power[0], rel=1e-12)
    assert f.heat_to_air[0] == 0.0
    assert abs(f.electrical_loss[0]) < 1.0
    assert abs(f.energy_audit[0]) < 1e-6
    plant_power = d["pump_power"].values[:, 0].sum() + d["tower_power"].values[:, 0].sum()
    assert f.facility_power[0] == pytest.approx(f.system_power[0] + plant_power, rel=1e-9)


def test_pue_at_full_load_and_five_degrees():
    want = EXPECTED["pue"]
    facility = twin.load(
        "frontier",
        overrides={
            "site.dry_bulb": "9 degC",
            "site.wet_bulb": f"{want['wet_bulb_degc']} degC",
            "cabinet.it_power": f"{want['it_power_mw'] / 74} MW",
        },
    )
    f = twin.solve(facility).figures
    assert f.it_power[0] == pytest.approx(want["it_power_mw"] * 1e6)
    print(f"PUE {f.pue[0]:.4f}, expected {want['value']}")
    assert f.pue[0] == pytest.approx(want["value"], abs=want["within"])


def test_the_set_point_law_alone_is_the_baseline_to_beat():
    law = np.abs(MEASURED["set_point_degc"] - MEASURED["ctws_degc"])
    assert law.mean() == pytest.approx(HOURS["law_error"], abs=5e-4)


def test_measured_hours_show_the_table(day):
    result, counts = day
    found = plant(result)
    assert result.ok
    print("\n" + ("logged counts" if counts else "own staging") + ": twin / measured")
    print("  h " + " ".join(f"{name:>14s}" for name in found) + "    PUE")
    for h in range(13):
        pairs = " ".join(f"{found[n][h]:7.5g}/{MEASURED[n][h]:<6.5g}" for n in found)
        print(f"{'*' if h in STEADY else ' '}{h:2d} {pairs} {result.figures.pue[h]:7.4f}")
    law = np.abs(MEASURED["set_point_degc"] - MEASURED["ctws_degc"])
    print(f"CTWS: twin {error(found, 'ctws_degc'):.3f} K, law alone {law.mean():.3f} K over the 13 hours; ", end="")
    print(f"steady {error(found, 'ctws_degc', STEADY):.3f} against {law[STEADY].mean():.3f} K")
    print(f"steady: HTWS {error(found, 'htws_degc', STEADY):.3f} K, HTWR {error(found, 'htwr_degc', STEADY):.3f} K")
    print(f"HTW flow CV-RMSE: steady {100 * cv_rmse(found):.2f} %, 13 hours {100 * cv_rmse(found, slice(None)):.2f} %")


def cv_rmse(found, hours=STEADY):
    measured = MEASURED["htw_gpm"][hours]
    return np.sqrt(np.mean((found["htw_gpm"][hours] - measured) ** 2)) / measured.mean()


def test_tower_water_beats_the_set_point_law(day):
    found = plant(day[0])
    assert error(found, "ctws_degc") < HOURS["law_error"]
    assert error(found, "ctws_degc", STEADY) < HOURS["tower_supply"]


def test_facility_water_is_measured_in_the_steady_windows(day):
    found = plant(day[0])
    assert error(found, "htws_degc", STEADY) < HOURS["facility_supply"]
    assert error(found, "htwr_degc", STEADY) < HOURS["facility_return"]
    assert cv_rmse(found) < HOURS["facility_flow"]


def test_facility_flow_follows_the_load_in_all_hours(day):
    assert cv_rmse(plant(day[0]), slice(None)) < HOURS["facility_flow_all"]


def test_cabinets_get_their_set_point_in_the_steady_windows(day):
    supply = day[0]["cdu_supply_temperature"].values[:, STEADY] - CELSIUS
    np.testing.assert_allclose(supply, 28.0, atol=0.3)


def test_heat_balances_at_every_hour(day):
    assert np.abs(day[0].figures.energy_audit).max() < 1e-6


def loaded(wet_bulbs):
    """All cabinets alike, at the load of `warm`."""
    wet_bulbs = CELSIUS + np.asarray(wet_bulbs, float)
    load = np.full(len(wet_bulbs), WARM["it_power_mw"] * 1e6 / 74)
    return twin.solve("frontier", {"site.wet_bulb": wet_bulbs, "site.dry_bulb": wet_bulbs + 5, "rack.it_power": load})


@pytest.fixture(scope="module")
def warm():
    return loaded([WARM["wet_bulb_degc"]])


def largest(result, name):
    """Of the CDUs, in the one scenario; one of them has two cabinets only."""
    return result.dataset[name].values[:, 0].max()


def test_open_valves_pass_what_the_published_impedances_let_pass(warm):
    d = warm.dataset
    rise = (d["pump_discharge_pressure"] - d["pump_suction_pressure"]).sel(pump="htw_pumps").item()
    plates = d["heat_exchanger_hot_flow"].values[0, 0] / 4 / WARM["ehx"]["flow_kg_s"]
    header = rise - 1e3 * WARM["ehx"]["drop_kpa"] * plates**2
    assert header == pytest.approx(1e3 * WARM["header_kpa"], rel=0.05)
    valve = 1e3 * WARM["valve"]["drop_kpa"] / WARM["valve"]["flow_kg_s"] ** 2
    flow = (np.sqrt(WARM["linear"] ** 2 + 4 * valve * header) - WARM["linear"]) / (2 * valve)
    assert largest(warm, "cdu_facility_flow") == pytest.approx(flow, rel=0.015)
    low, high = WARM["flow_gpm"]
    assert low < plant(warm)["htw_gpm"][0] < high


def test_cabinets_get_what_the_published_exchanger_gives(warm):
    """Where valves are open: Q = UA (inlet of technology coolant - inlet of facility water), UA of the table."""
    gpm = 0.0630902 * 0.995
    table, ua = WARM["table"], np.array(WARM["table"]["ua"])
    secondary, primary = largest(warm, "cdu_flow"), largest(warm, "cdu_facility_flow")
    along = [np.interp(primary / gpm, table["primary_gpm"], row) for row in ua]
    exchange = 1e3 * np.interp(secondary / gpm, table["secondary_gpm"], along)
    water, duty = largest(warm, "cdu_facility_supply_temperature"), largest(warm, "cdu_duty")
    supply = water + duty / exchange - duty / (secondary * 4180)
    assert largest(warm, "cdu_supply_temperature") == pytest.approx(supply, abs=0.7)
    assert supply - CELSIUS < WARM["set_point_degc"] + WARM["reach"]


def test_a_set_point_out_of_reach_is_near_and_told(warm):
    above = largest(warm, "cdu_supply_temperature") - CELSIUS - WARM["set_point_degc"]
    assert 0.5 < above < WARM["reach"]
    assert "the valve is wide open and its set point missed" in warm.dataset["warnings"].values[0]


def test_cabinets_get_their_set_point_in_milder_weather_at_the_same_load():
    held = WARM["held"]
    result = loaded(held["wet_bulb_degc"])
    flow = plant(result)["htw_gpm"]
    assert (np.diff(flow) > 0).all() and flow[-1] > held["flow_gpm"]
    np.testing.assert_allclose(result["cdu_supply_temperature"].values - CELSIUS, WARM["set_point_degc"], atol=0.3)
