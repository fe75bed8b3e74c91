"""Summit's plant at two measured steady rows, and its weekly medians of 2020."""

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml

import twin
from twin.fluids import fluid

HERE = Path(__file__).parent
EXPECTED = yaml.safe_load((HERE / "expected.yaml").read_text())
ROWS, WEEKS = EXPECTED["rows"], EXPECTED["weeks"]
GPM = 3.785411784e-3 / 60.0
TON = 3516.85
CABINETS = 257
SUPPLY = 294.15
"""Set point of the plate exchangers in the layout, K."""

TOWERS_ONLY = {
    f"{name}.in_service": 0.0 for name in ("trim", "chw_pumps", "chillers", "condenser_pumps", "condenser_towers")
} | {"round_trim.in_service": 1.0}


def kelvin(fahrenheit):
    return (np.asarray(fahrenheit) - 32.0) / 1.8 + 273.15


def fahrenheit(kelvin):
    return 32.0 + 1.8 * (kelvin - 273.15)


def summit_power(result):
    """Power of the cabinets [W], without the guests on the water."""
    power = result["rack_power"]
    return power.values[~power["rack"].str.startswith("guest").values].sum(axis=0)


def instruments(result):
    """What the plant's instruments would read, (scenario,) each.

    PUE as the operators account it: all power of the plant over Summit's.
    """
    d, cooling, power = result.dataset, result.figures.cooling_power, summit_power(result)
    duty = np.nan_to_num(d["economiser_duty"].values)
    pump = d["pump_flow"].sel(pump="mtw_pumps").values
    supply = d["rack_supply_temperature"].sel(rack="r001").values
    flows, returns = d["rack_flow"].values, d["rack_return_temperature"].values
    mixed = (flows * returns).sum(axis=0) / flows.sum(axis=0)
    tons = duty.sum(axis=0) / TON
    return {
        "pue": 1.0 + cooling / power,
        "flow_gpm": pump / fluid("water").density(mixed) / GPM,
        "supply_degf": fahrenheit(supply),
        "return_degf": fahrenheit(mixed),
        "tons": tons,
        "kw_per_ton": cooling / 1e3 / tons,
    }


@pytest.fixture(scope="module")
def found():
    results = {case: twin.solve("summit", case=case) for case in ROWS}
    assert all(r.ok for r in results.values())
    return {case: {k: v[0] for k, v in instruments(r).items()} for case, r in results.items()}


def row_heat(read):
    """Heat of the water [W] by its flow and temperatures."""
    middle, rise = kelvin((read["supply_degf"] + read["return_degf"]) / 2), read["return_degf"] - read["supply_degf"]
    water = fluid("water")
    return read["flow_gpm"] * GPM * water.density(middle) * water.heat_capacity(middle) * rise / 1.8


@pytest.mark.parametrize("case", ROWS)
def test_heat_of_a_row_is_its_flow_times_its_rise(case):
    read = ROWS[case]["read"]
    print(f"{case}: {row_heat(read) / TON:.0f} tons by flow and temperatures, {read['tons']} printed")
    assert row_heat(read) == pytest.approx(read["tons"] * TON, rel=EXPECTED["balance"])


def test_pue_follows_from_plant_power_in_one_row_and_not_in_the_other():
    """(PUE - 1) x power over kW/ton x tons: all of the plant's power in 2020, four fifths of it in 2021."""
    share = {
        case: (row["read"]["pue"] - 1) * row["power_mw"] * 1e3 / (row["read"]["kw_per_ton"] * row["read"]["tons"])
        for case, row in ROWS.items()
    }
    assert share["january_2020"] == pytest.approx(1.0, abs=0.002)
    assert share["january_2021"] == pytest.approx(0.797, abs=0.005)


@pytest.mark.parametrize("case", ROWS)
def test_cases_are_the_rows(case):
    facility = twin.load("summit", case=case)
    assert float(facility.site.wet_bulb) == pytest.approx(kelvin(ROWS[case]["wet_bulb_degf"]))
    assert summit_power(twin.solve(facility))[0] / 1e6 == pytest.approx(ROWS[case]["power_mw"], abs=5e-4)


@pytest.mark.parametrize("case", ROWS)
def test_plant_is_as_it_was_read(case, found):
    row = ROWS[case]
    print(f"\n{case:13s} {'measured':>9s} {'twin':>9s} {'difference':>11s}")
    for name, read in row["read"].items():
        note = "fitted" if name in row["fitted"] else ("given" if name in ("flow_gpm", "supply_degf") else "predicted")
        print(f"{name:13s} {read:9.5g} {found[case][name]:9.5g} {found[case][name] - read:11.4f} {note}")
    for name, read in row["read"].items():
        assert found[case][name] == pytest.approx(read, abs=row["within"][name]), name


def test_both_printed_accounts_of_the_towers_enclose_the_twin(found):
    """Plant power by PUE is 168 kW and by kW/ton 210 kW: the row says no more."""
    row = ROWS["january_2021"]
    read = row["read"]
    by_pue, by_tons = (read["pue"] - 1) * row["power_mw"] * 1e3, read["kw_per_ton"] * read["tons"]
    assert by_pue < (found["january_2021"]["pue"] - 1) * row["power_mw"] * 1e3 < by_tons


@pytest.mark.parametrize("case", [None, *ROWS, "peak", "idle"])
def test_heat_balances_and_no_limit_is_exceeded(case):
    result = twin.solve("summit", case=case)
    assert result.ok
    assert abs(result.figures.energy_audit[0]) < 1e-6
    assert (result.margins.margin[:, 0] >= 0).all()


@pytest.fixture(scope="module")
def weeks():
    """Medians of the weeks with a wet bulb, and the plant there: on towers, with chillers where these do not hold."""
    with (HERE / "weeks.csv").open() as file:
        rows = [{k: float(v or "nan") for k, v in row.items()} for row in csv.DictReader(file)]
    read = {k: np.array([row[k] for row in rows if np.isfinite(row["wet_bulb_degf"])]) for k in rows[0]}
    given = {
        "cabinet.it_power": 1e6 * read["power_mw"] / CABINETS,
        "site.wet_bulb": kelvin(read["wet_bulb_degf"]),
        "site.dry_bulb": kelvin(read["wet_bulb_degf"]) + 4.0,
    }
    alone = twin.solve("summit", given | {k: [v] for k, v in TOWERS_ONLY.items()})
    helped = twin.solve("summit", given)
    assert alone.ok and helped.ok
    on = alone.dataset["rack_supply_temperature"].sel(rack="r001").values > SUPPLY + WEEKS["held"]
    towers, both = instruments(alone), instruments(helped)
    found = {k: np.where(on, both[k], towers[k]) for k in towers}
    found["chiller_tons"] = np.where(on, helped.dataset["chiller_duty"].values[0] / TON, 0.0)
    return read, found, on


def rms(error):
    return float(np.sqrt(np.mean(error[np.isfinite(error)] ** 2)))


def test_pue_over_wet_bulb_is_that_of_the_weeks(weeks):
    read, found, on = weeks
    print("\nweek wet bulb    MW    PUE   twin chiller tons  twin")
    shown = (read["week"], read["wet_bulb_degf"], read["power_mw"], read["pue"], found["pue"])
    tons = (read["chiller_tons"], found["chiller_tons"])
    for values in sorted(zip(*shown, *tons, strict=True), key=lambda row: row[1]):
        print("{:4.0f} {:8.1f} {:5.2f} {:6.3f} {:6.3f} {:12.0f} {:5.0f}".format(*values))
    error = found["pue"] - read["pue"]
    print(f"PUE: rms {rms(error):.4f} of {np.isfinite(error).sum()} weeks, on towers {rms(error[~on]):.4f}, ", end="")
    print(f"with chillers {rms(error[on]):.4f}")
    assert rms(error) < WEEKS["pue"]
    assert rms(error[~on]) < WEEKS["pue_on_towers"]


def test_water_takes_the_heat_of_the_weeks(weeks):
    read, found, _ = weeks
    error = found["tons"] / read["loop_tons"] - 1
    print(f"heat in the water: rms {rms(error):.4f}, mean {np.nanmean(error):+.4f} over {error.size} weeks")
    assert rms(error) < WEEKS["loop"]
