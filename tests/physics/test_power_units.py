"""Every unit that a layout may use, against the tables of NIST SP 811 (2008) and the definitions of money and data."""

import pytest

from twin.units import UNITS, parse

HOUR, YEAR = 3600.0, 31557600.0
SI = {
    "power": {"hp": 745.699872, "ton": 3516.852842, "tons": 3516.852842, "kW": 1e3, "MW": 1e6, "GW": 1e9, "mW": 1e-3,
              "W": 1, "Btu/h": 0.2930711, "kBtu/h": 293.0711, "MBH": 293.0711, "MMBtu/h": 293071.1},
    "energy": {"J": 1, "kJ": 1e3, "MJ": 1e6, "GJ": 1e9, "Wh": 3600, "kWh": 3.6e6, "MWh": 3.6e9, "GWh": 3.6e12,
               "Btu": 1055.056, "kBtu": 1.055056e6, "MMBtu": 1.055056e9},
    "temperature_difference": {"K": 1, "mK": 1e-3, "degC": 1, "degF": 0.55555556, "degR": 0.55555556},
    "per_temperature": {"1/K": 1, "%/K": 0.01},
    "per_length": {"1/m": 1, "1/mm": 1e3},
    "mass_flow": {"kg/s": 1, "g/s": 1e-3, "kg/min": 0.016666667, "kg/h": 2.777778e-4, "t/h": 0.2777778,
                  "lb/s": 0.4535924, "lb/min": 7.559873e-3, "lb/h": 1.259979e-4},
    "volume_flow": {"m3/s": 1, "m3/min": 0.016666667, "m3/h": 2.777778e-4, "CMH": 2.777778e-4, "cmh": 2.777778e-4,
                    "L/s": 1e-3, "L/min": 1.666667e-5, "L/h": 2.777778e-7, "l/s": 1e-3, "l/min": 1.666667e-5,
                    "l/h": 2.777778e-7, "lpm": 1.666667e-5, "LPM": 1.666667e-5, "gpm": 6.309020e-5, "GPM": 6.309020e-5,
                    "gal/min": 6.309020e-5, "cfm": 4.719474e-4, "CFM": 4.719474e-4, "ft3/min": 4.719474e-4},
    "pressure": {"Pa": 1, "hPa": 100, "kPa": 1e3, "MPa": 1e6, "mbar": 100, "bar": 1e5, "atm": 101325, "psi": 6894.757,
                 "psia": 6894.757, "mmH2O": 9.80665, "mH2O": 9806.65, "inH2O": 249.0889, "ftH2O": 2989.067,
                 "mmHg": 133.3224, "inHg": 3386.389},
    "length": {"m": 1, "mm": 1e-3, "cm": 1e-2, "um": 1e-6, "km": 1e3, "in": 0.0254, "ft": 0.3048},
    "area": {"m2": 1, "cm2": 1e-4, "mm2": 1e-6, "ft2": 0.09290304},
    "volume": {"m3": 1, "L": 1e-3, "l": 1e-3, "mL": 1e-6, "gal": 3.785412e-3, "ft3": 0.02831685},
    "velocity": {"m/s": 1, "km/h": 0.2777778, "ft/s": 0.3048, "ft/min": 5.08e-3, "fpm": 5.08e-3,
                 "mph": 0.44704},
    "voltage": {"V": 1, "mV": 1e-3, "kV": 1e3},
    "current": {"A": 1, "mA": 1e-3, "kA": 1e3},
    "resistance": {"ohm": 1, "kohm": 1e3, "mohm": 1e-3, "uohm": 1e-6},
    "resistance_per_length": {"ohm/m": 1, "ohm/km": 1e-3, "mohm/m": 1e-3, "uohm/m": 1e-6, "ohm/kft": 3.280840e-3},
    "apparent_power": {"VA": 1, "kVA": 1e3, "MVA": 1e6, "GVA": 1e9},
    "reactive_power": {"var": 1, "kvar": 1e3, "Mvar": 1e6},
    "capacitance": {"F": 1, "mF": 1e-3, "uF": 1e-6, "nF": 1e-9, "pF": 1e-12},
    "capacitance_per_length": {"F/m": 1, "uF/km": 1e-9, "nF/km": 1e-12},
    "frequency": {"Hz": 1, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    "fraction": {"": 1, "%": 0.01},
    "number": {"": 1},
    "time": {"s": 1, "ms": 1e-3, "min": 60, "h": HOUR, "hour": HOUR, "hours": HOUR, "day": 86400, "days": 86400,
             "month": YEAR / 12, "months": YEAR / 12, "year": YEAR, "years": YEAR},
    "speed": {"rev/s": 1, "rpm": 1 / 60},
    "thermal_resistance": {"K/W": 1, "mK/W": 1e-3, "K/kW": 1e-3},
    "conductance": {"W/K": 1, "kW/K": 1e3, "MW/K": 1e6, "Btu/h/degF": 0.5275279},
    "heat_transfer_coefficient": {"W/m2/K": 1, "W/(m2 K)": 1, "kW/m2/K": 1e3, "kW/(m2 K)": 1e3,
                                  "Btu/h/ft2/degF": 5.678263},
    "thermal_conductivity": {"W/m/K": 1, "W/(m K)": 1, "Btu/h/ft/degF": 1.730735},
    "fouling_resistance": {"m2 K/W": 1, "m2K/W": 1, "m2.K/W": 1, "h ft2 degF/Btu": 0.1761102},
    "flow_per_power": {"m3/s/W": 1, "L/min/kW": 1.666667e-8, "lpm/kW": 1.666667e-8, "L/s/kW": 1e-6,
                       "cfm/kW": 4.719474e-7, "gpm/kW": 6.309020e-8, "gpm/ton": 1.793939e-8},
    "money": {"$": 1, "k$": 1e3, "M$": 1e6, "B$": 1e9},
    "money_per_energy": {"$/J": 1, "$/kWh": 1 / 3.6e6, "$/MWh": 1 / 3.6e9, "c/kWh": 1 / 3.6e8},
    "money_per_power": {"$/W": 1, "$/kW": 1e-3, "$/MW": 1e-6, "k$/kW": 1, "k$/MW": 1e-3, "M$/MW": 1},
    "money_per_power_time": {"$/kW-month": 12e-3 / YEAR, "$/MW-month": 12e-6 / YEAR, "$/kW-year": 1e-3 / YEAR,
                             "$/MW-year": 1e-6 / YEAR, "$/kW-day": 1e-3 / 86400, "$/MW-day": 1e-6 / 86400,
                             "$/W-s": 1},
    "money_per_volume": {"$/m3": 1, "$/L": 1e3, "$/gal": 264.1721},
    "money_per_time": {"$/s": 1, "$/h": 1 / 3600, "$/day": 1 / 86400, "$/month": 12 / YEAR, "$/year": 1 / YEAR,
                       "M$/year": 1e6 / YEAR},
    "carbon_intensity": {"kg/J": 1, "g/kWh": 1 / 3.6e9, "kg/kWh": 1 / 3.6e6, "kg/MWh": 1 / 3.6e9},
    "money_per_token": {"$/token": 1, "$/Mtok": 1e-6, "$/Gtok": 1e-9},
    "data": {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 1048576, "GiB": 1073741824,
             "TiB": 1099511627776},
    "data_rate": {"B/s": 1, "GB/s": 1e9, "TB/s": 1e12, "Gb/s": 1.25e8, "Tb/s": 1.25e11},
    "rate": {"tok/s": 1, "ktok/s": 1e3, "Mtok/s": 1e6, "Gtok/s": 1e9},
}  # fmt: skip


@pytest.mark.parametrize("dimension", sorted(set(UNITS) - {"temperature"}))
def test_every_unit_is_the_tables_of_si(dimension):
    assert set(UNITS[dimension]) == set(SI[dimension])
    for unit, factor in SI[dimension].items():
        assert parse(f"2.5 {unit}".strip(), dimension) == pytest.approx(2.5 * factor, rel=3e-7), unit


def test_temperatures_are_kelvins_celsius_and_fahrenheit():
    for text, kelvin in (
        ("300 K", 300),
        ("25 degC", 298.15),
        ("25 °C", 298.15),
        ("77 degF", 298.15),
        ("-40 °F", 233.15),
        ("671.67 degR", 373.15),
    ):
        assert parse(text, "temperature") == pytest.approx(kelvin, rel=1e-12)
    assert set(UNITS["temperature"]) == {"K", "degC", "degF", "degR"}
