import json
import math
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from twin import units
from twin.units import DIMENSIONS, Fraction, Length, MassFlow, Number, Power, Quantity, Temperature, quantity


class Rack(BaseModel):
    power: Power = Field(1e3, gt=0, le=600e3)
    supply: Temperature | None = Field(None, ge=270, le=340)
    load: Fraction = Field(0.5, ge=0, le=1)
    count: Number = 1.0
    at: tuple[Length, Length, Length] | None = None


def fault(**fields):
    with pytest.raises(ValidationError) as error:
        Rack.model_validate(fields)
    return error.value.errors()[0]


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("132 kW", "power", 132e3),
        ("132kW", "power", 132e3),
        ("-1.5e3 W", "power", -1500.0),
        ("10 ton", "power", 35168.5284),
        ("35 degC", "temperature", 308.15),
        ("35 °C", "temperature", 308.15),
        ("95 degF", "temperature", 308.15),
        ("300 K", "temperature", 300.0),
        ("5 K", "temperature_difference", 5.0),
        ("5 °C", "temperature_difference", 5.0),
        ("9 degF", "temperature_difference", 5.0),
        ("500 lpm", "volume_flow", 0.5 / 60),
        ("36 m³/h", "volume_flow", 0.01),
        ("45 µm", "length", 45e-6),
        ("45 μm", "length", 45e-6),
        ("12 mΩ", "resistance", 0.012),
        ("1 kBtu/h", "power", 293.07107017),
        ("10 mH2O", "pressure", 98066.5),
        ("30 inHg", "pressure", 101591.6688),
        ("7 c/kWh", "money_per_energy", 0.07 / 3.6e6),
        ("7 ¢/kWh", "money_per_energy", 0.07 / 3.6e6),
        ("4 W/(m²·K)", "heat_transfer_coefficient", 4.0),
        ("60 L/min", "volume_flow", 1e-3),
        ("1000 gpm", "volume_flow", 0.0630901964),
        ("14.5037738 psi", "pressure", 1e5),
        ("0.32 ohm/km", "resistance_per_length", 0.32e-3),
        ("210 nF/km", "capacitance_per_length", 210e-12),
        ("95 %", "fraction", 0.95),
        ("0.95", "fraction", 0.95),
        (0.95, "fraction", 0.95),
        (4, "number", 4.0),
        ("3 years", "time", 3 * 365.25 * 86400),
        ("1500 rpm", "speed", 25.0),
        ("20 mK/W", "thermal_resistance", 0.02),
        ("313 kW/K", "conductance", 313e3),
        ("1e-5 m2 K/W", "fouling_resistance", 1e-5),
        ("1.5 L/min/kW", "flow_per_power", 2.5e-8),
        ("$1200", "money", 1200.0),
        ("11 M$/MW", "money_per_power", 11.0),
        ("0.08 $/kWh", "money_per_energy", 0.08 / 3.6e6),
        ("$0.08/kWh", "money_per_energy", 0.08 / 3.6e6),
        ("0.08 USD/kWh", "money_per_energy", 0.08 / 3.6e6),
        ("3 MUSD", "money", 3e6),
        ("12 $/kW-month", "money_per_power_time", 12 / 1e3 / (365.25 * 86400 / 12)),
        ("12 $/kW-year", "money_per_power_time", 12 / 1e3 / (365.25 * 86400)),
        ("3.6 $/h", "money_per_time", 1e-3),
        ("360 g/kWh", "carbon_intensity", 1e-7),
        ("2 ktok/s", "rate", 2000.0),
    ],
)
def test_a_string_with_a_unit_becomes_si(text, dimension, value):
    assert units.parse(text, dimension) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("key", DIMENSIONS)
def test_every_dimension_reads_its_example_and_each_of_its_units(key):
    d = DIMENSIONS[key]
    assert re.search(units._pattern(d), d.example)
    assert math.isfinite(units.parse(d.example, key))
    for unit, factor in d.units.items():
        assert units.parse(f"2 {unit}", key) == 2 * factor + d.offsets.get(unit, 0.0)
    assert set(d.screen) <= set(d.units)


@given(st.floats(1e-12, 1e15), st.sampled_from(sorted(set(DIMENSIONS) - {"temperature"})))
def test_what_the_screen_shows_reads_back(value, key):
    shown = units.format(value, key)
    assert units.parse(shown.replace(",", ""), key) == pytest.approx(value, rel=6e-3)


@pytest.mark.parametrize(
    ("value", "dimension", "shown"),
    [
        (132e3, "power", "132 kW"),
        (0.0, "power", "0 kW"),
        (12.3456e6, "power", "12.35 MW"),
        (308.15, "temperature", "35 degC"),
        (0.953, "fraction", "95.3 %"),
        (4.0, "number", "4"),
        (0.02, "thermal_resistance", "20 mK/W"),
        (2.5e-3, "volume_flow", "9 m3/h"),
        (float("nan"), "temperature", "nan degC"),
        (float("inf"), "power", "unlimited"),
    ],
)
def test_the_screen_picks_a_sensible_unit(value, dimension, shown):
    assert units.format(value, dimension) == shown


@pytest.mark.parametrize(
    ("value", "dimension", "decimals", "shown"),
    [
        (313.15, "temperature", 1, "40.0 degC"),
        (5.0, "temperature_difference", 1, "5.0 K"),
        (9137e3, "power", 1, "9,137.0 kW"),
        (-250.0, "power", 1, "-0.2 kW"),
        (0.953, "fraction", 1, "95.3 %"),
        (20.64, "mass_flow", 1, "20.6 kg/s"),
        (2.44, "velocity", 2, "2.44 m/s"),
        (151300.0, "pressure", 1, "151.3 kPa"),
        (0.5, "volume_flow", 0, "1,800 m3/h"),
        (12.0, "number", 1, "12.0"),
        (12 / 1e3 / units.MONTH, "money_per_power_time", 2, "12.00 $/kW-month"),
        (float("inf"), "temperature", 1, "unlimited"),
        (float("-inf"), "power", 1, "unlimited"),
        (float("nan"), "power", 1, "nan kW"),
    ],
)
def test_columns_of_a_table_have_fixed_decimals_and_one_unit(value, dimension, decimals, shown):
    assert units.format(value, dimension, decimals) == shown


@pytest.mark.parametrize("key", DIMENSIONS)
def test_every_dimension_has_a_unit_for_tables(key):
    d = DIMENSIONS[key]
    value = d.units[d.table] * 2.5 + d.offsets.get(d.table, 0.0)
    assert units.format(value, key, 1) == f"2.5 {d.table}".strip()
    assert set(d.screen) <= set(d.units)


@pytest.mark.parametrize("key", DIMENSIONS)
def test_si_units_read_back_as_one(key):
    assert units.parse(f"1 {units.si_unit(key)}".replace(" 1", "", units.si_unit(key) == "1"), key) == 1.0


def powers(unit):
    """Power of each symbol in a unit, in either spelling; revolutions and tokens are numbers, var and VA are V A."""
    powers = Counter()
    for k, part in enumerate(re.split(r"[/-](?!\d)", unit)):
        for symbol in part.split():
            name, power = re.fullmatch(r"([A-Za-z$]+|1(?=$))(-?\d)?", symbol).groups()
            same = {"VA": "V A", "var": "V A", "$": "USD", "B": "byte", "rev": "1", "tok": "1", "token": "1"}
            for base in same.get(name, name).split():
                powers[base] += int(power or 1) * (-1 if k else 1)
    return {name: power for name, power in powers.items() if name != "1" and power}


@pytest.mark.parametrize("key", DIMENSIONS)
def test_units_of_datasets_are_the_si_units(key):
    assert powers(units.cf_unit(key)) == powers(units.si_unit(key))


@pytest.mark.parametrize(
    ("key", "si", "cf"),
    [
        ("power", "W", "W"),
        ("temperature", "K", "K"),
        ("mass_flow", "kg/s", "kg s-1"),
        ("fraction", "1", "1"),
        ("volume_flow", "m3/s", "m3 s-1"),
        ("thermal_conductivity", "W/m/K", "W m-1 K-1"),
        ("money", "$", "USD"),
        ("money_per_power_time", "$/W-s", "USD W-1 s-1"),
        ("rate", "tok/s", "s-1"),
    ],
)
def test_si_units_have_two_spellings(key, si, cf):
    assert (units.si_unit(key), units.cf_unit(key)) == (si, cf)


@pytest.mark.parametrize(
    ("text", "dimension", "words"),
    [
        (132, "power", "132 needs a unit, write e.g. '132 kW'"),
        ("132", "power", "132 needs a unit, write e.g. '132 kW'"),
        ("20 kW", "mass_flow", r"'20 kW' has a unit of power, expected mass flow \(kg/s,"),
        ("20 kW", "apparent_power", "has a unit of power, expected apparent power"),
        ("5 kw", "power", "did you mean 'kW'"),
        ("5 kWatt", "power", "did you mean 'kW'"),
        ("5 Megawatts", "power", "did you mean 'MW'"),
        ("5 w", "power", "did you mean 'W'"),
        ("5 mw", "power", "power takes W, kW, MW"),
        ("0.1 mPa", "pressure", "pressure takes Pa, hPa, kPa, MPa"),
        ("101 KPA", "pressure", "did you mean 'kPa'"),
        ("30 psig", "pressure", "counts from the pressure of the air; write an absolute pressure"),
        ("5 Gb", "data", "data takes B, kB, MB"),
        ("5 gb/s", "data_rate", "data rate takes B/s, GB/s"),
        ("500 litres per minute", "volume_flow", "did you mean 'L/min'"),
        ("500 Gal / min", "volume_flow", "did you mean 'gal/min'"),
        ("500 m^3/h", "volume_flow", "did you mean 'm3/h'"),
        ("3 kW/°C", "conductance", "did you mean 'kW/K'"),
        ("35 C", "temperature", "did you mean 'degC'"),
        ("35 deg F", "temperature", "did you mean 'degF'"),
        ("5 C", "temperature_difference", "did you mean 'degC'"),
        ("5 MV", "voltage", "voltage takes V, mV, kV"),
        ("5 feet", "length", "did you mean 'ft'"),
        ("5 furlong", "length", "unknown unit 'furlong'; length takes m, mm"),
        (".nan", "power", "not a finite number"),
        ("nan kW", "power", "not a finite number"),
        ("inf kW", "power", "not a finite number"),
        ("1e400 W", "power", "not a finite number"),
        (float("nan"), "fraction", "not a finite number"),
        ("1e400", "number", "not a finite number"),
        ("2e30 W", "power", "'2e30 W' is out of reach; give 0 or a size from 1e-30 to 1e.30 in SI units"),
        ("-1e28 kW", "power", "is out of reach"),
        ("1e-31", "number", "is out of reach"),
        (1e31, "number", "is out of reach"),
        ("abc", "power", "not a number with a unit"),
        ("1,300 kW", "power", "not a number with a unit"),
        ("", "power", "not a number with a unit"),
        (True, "fraction", "not a quantity"),
        (None, "power", "not a quantity"),
        ([1], "power", "not a quantity"),
    ],
)
def test_a_wrong_quantity_is_refused_with_the_fix(text, dimension, words):
    with pytest.raises(ValueError, match=words):
        units.parse(text, dimension)


def test_fields_read_units_and_keep_si():
    rack = Rack.model_validate({"power": "132 kW", "supply": "35 °C", "load": "20 %", "at": ["1 m", "2 ft", "3 mm"]})
    assert (rack.power, rack.supply, rack.load, rack.at) == (132e3, 308.15, 0.2, (1.0, 0.6096, 0.003))


def test_bounds_of_fields_are_in_si_and_hold_for_optional_fields():
    assert fault(power="4000 kW")["type"] == "less_than_equal"
    assert fault(power="0 kW")["type"] == "greater_than"
    assert fault(supply="400 degC")["type"] == "less_than_equal"
    assert fault(load="200 %")["type"] == "less_than_equal"
    assert "needs a unit" in fault(power=132)["msg"]


def test_a_fault_about_a_bound_has_the_users_units():
    field = Rack.model_fields
    assert units.outside(fault(power="4000 kW"), field["power"]) == "4 MW is above 600 kW"
    assert units.outside(fault(supply="-10 degC"), field["supply"]) == "-10 degC is below -3.15 degC"
    assert units.outside(fault(power=132), field["power"]) is None


def test_the_quantity_of_a_field_can_be_looked_up():
    fields = Rack.model_fields
    assert quantity(fields["power"]) == quantity(fields["power"].metadata) == Quantity("power")
    assert quantity(fields["supply"]) == Quantity("temperature")
    assert quantity(fields["at"]) == Quantity("length")
    assert quantity(MassFlow).unit == "kg/s"
    assert quantity(MassFlow | None).parse("2 kg/s") == 2.0
    assert quantity(int) is None


def test_json_schema_asks_for_strings_with_units():
    schema = Rack.model_json_schema()["properties"]
    json.dumps(schema)
    assert schema["power"]["type"] == "string"
    assert schema["power"]["examples"] == ["132 kW"]
    assert re.match(schema["power"]["pattern"], "132 kW") and not re.match(schema["power"]["pattern"], "132")
    assert schema["load"]["anyOf"][0] == {"type": "number"}
    assert re.match(units._pattern(DIMENSIONS["money_per_energy"]), "$0.08/kWh")
    assert re.match(schema["load"]["anyOf"][1]["pattern"], "20 %")
    for text in ("45 µm", "45 μm", "45 um"):
        assert re.match(units._pattern(DIMENSIONS["length"]), text)
    for text in ("4 W/(m² K)", "4 W/(m2·K)"):
        assert re.match(units._pattern(DIMENSIONS["heat_transfer_coefficient"]), text)


def test_the_table_of_units_is_closed():
    with pytest.raises(TypeError):
        units.UNITS["power"] = {}
    for ask in (
        units.si_unit,
        units.cf_unit,
        lambda key: units.parse("1 red", key),
        lambda key: units.format(1.0, key),
    ):
        with pytest.raises(KeyError, match="no dimension 'colour'"):
            ask("colour")
