"""Transformers, cables, busways, boards and DC rows against closed forms of the textbooks, from the default sheets.

Two buses with a series impedance R + jX and a constant power P + jQ at the far end satisfy the biquadratic
V2^4 + V2^2 (2 (R P + X Q) - V1^2) + (R^2 + X^2) (P^2 + Q^2) = 0 [Kundur, Power System Stability and Control, 1994,
sec. 14.1.1]. Line-to-line volts, three-phase watts.
"""

import numpy as np
import pytest

import twin

LV = """
version: 1
name: run
site: {{dry_bulb: 20 degC}}
components:
  grid: {{type: utility, voltage: {volts} V}}
  it: {part}
  load: {{type: house_load, power: {power} W, power_factor: {factor}}}
connections:
  - [power, grid.out, it.in]
  - [power, it.out, load.feed]
"""


def run(part, volts=415.0, power=400e3, factor=0.8, scenarios=None, **site):
    text = LV.format(part=part, volts=volts, power=power, factor=factor)
    for key, value in site.items():
        text = text.replace("site: {", f"site: {{{key}: {value}, ")
    return twin.solve(text, scenarios)


def far(result, element="it.out"):
    """Per-unit voltage of a bus."""
    m = result.margins
    return float(m.value[(m.name == "voltage") & (m.element == element)][0, 0])


def bound(result, name):
    m = result.margins
    return float(m.bound[m.name == name][0, 0])


def one(result, name):
    return float(result[name].values.ravel()[0])


def reached(v1, r, x, p, q):
    """Voltage at the far end by the biquadratic."""
    b, c = 2 * (r * p + x * q) - v1**2, (r * r + x * x) * (p * p + q * q)
    return np.sqrt((-b + np.sqrt(b * b - 4 * c)) / 2)


# ---- conductors --------------------------------------------------------------------------------------------------


def test_a_busway_sags_and_loses_as_its_datasheet_says_at_a_lagging_load():
    """15 m of 50 and 25 microohm/m for 1,250 A, the default sheet; 400 kW at 0.8 are 300 kvar."""
    r, x = 15 * 50e-6, 15 * 25e-6
    v = reached(415.0, r, x, 400e3, 300e3)
    found = run("{type: busway}")
    assert 0.9974 < v / 415 < 0.9977
    current = 500e3 / np.sqrt(3) / v
    assert far(found) * 415 == pytest.approx(v, abs=1e-3)
    assert one(found, "busway_loss") == pytest.approx(3 * current**2 * r, rel=1e-6)
    assert one(found, "busway_power") == pytest.approx(400e3 + 3 * current**2 * r, rel=1e-8)
    assert one(found, "busway_loading") == pytest.approx(current / 1250, rel=1e-6)


def test_continuous_and_short_limits_of_conductors_are_those_of_the_electrical_code():
    """80 % of a busway's rating may be carried for long [NEC 215.3, 645.5]; a cable's ampacity is continuous."""
    for part, volts, name, most, trip in (
        ("{type: busway}", 415, "busway", 0.8, 1.0),
        ("{type: feeder}", 34500, "feeder", 1.0, 1.25),
        ("{type: pdu}", 415, "pdu", 0.8, 1.0),
        ("{type: switchboard}", 415, "switchboard", 1.0, 1.0),
    ):
        found = run(part, volts, 100e3)
        assert bound(found, f"{name}_loading") == pytest.approx(most)
        assert bound(found, f"{name}_peak") == pytest.approx(trip)


def test_an_open_cable_takes_its_charging_current():
    """I = 2 pi f C l V / sqrt 3 [IEC 60287-1-1, charging current]: 10 km of 0.25 nF/m at 34.5 kV and 60 Hz, 600 A."""
    charge = 2 * np.pi * 60 * 0.25e-9 * 10e3 * 34.5e3 / np.sqrt(3)
    assert charge == pytest.approx(18.77, abs=0.01)
    found = run("{type: feeder, length: 10 km}", 34500, 1e-3, 1)
    assert one(found, "feeder_loading") == pytest.approx(charge / 600, rel=1e-3)
    slow = run("{type: feeder, length: 10 km, frequency: 50 Hz}", 34500, 1e-3, 1)
    assert one(slow, "feeder_loading") == pytest.approx(charge / 600 * 5 / 6, rel=1e-3)


def test_an_open_cable_rises_at_its_far_end_as_ferranti_saw():
    """V2 = V1 / (1 - X B / 2) of the pi model, without resistance: half of the charging passes the whole reactance."""
    x, b = 118e-6 * 50e3, 2 * np.pi * 60 * 0.25e-9 * 50e3
    found = run("{type: feeder, length: 50 km, resistance: 0 ohm/km}", 34500, 1e-3, 1)
    assert far(found) == pytest.approx(1 / (1 - x * b / 2), abs=1e-6)
    lost = run("{type: feeder, length: 50 km}", 34500, 1e-3, 1)
    current = abs(34.5e3 / np.sqrt(3) * 1j * b / 2 / (1 + (70e-6 * 50e3 + 1j * x) * 1j * b / 2))
    assert one(lost, "feeder_loss") == pytest.approx(3 * current**2 * 70e-6 * 50e3, rel=1e-4)


def test_a_cable_carries_its_load_over_70_and_118_microohms_a_metre():
    found = run("{type: feeder, length: 5 km, capacitance: 0 nF/km}", 34500, 20e6, 0.8)
    v = reached(34.5e3, 0.35, 0.59, 20e6, 15e6)
    assert far(found) * 34.5e3 == pytest.approx(v, rel=1e-7)
    assert one(found, "feeder_loading") == pytest.approx(25e6 / np.sqrt(3) / v / 600, rel=1e-6)
    short = run("{type: feeder, capacitance: 0 nF/km}", 34500, 20e6, 0.8)  # 50 m if no length is given
    assert far(short) * 34.5e3 == pytest.approx(reached(34.5e3, 0.0035, 0.0059, 20e6, 15e6), rel=2e-8)


def test_a_direct_row_sags_over_the_resistance_of_its_loop():
    """15 m of 7.5 microohm/m for 6,000 A, the default sheet: V = (V0 + sqrt(V0^2 - 4 R P)) / 2 behind a rectifier."""
    text = LV.format(part="{type: dc_busway}", volts=415, power=1.5e6, factor=0.8)
    text = text.replace("  it:", "  rect: {type: rectifier, rating: 4 MW}\n  it:")
    text = text.replace("grid.out, it.in]", "grid.out, rect.in]\n  - [power, rect.out, it.in]")
    found, r = twin.solve(text), 15 * 7.5e-6
    v = (800 + np.sqrt(800**2 - 4 * r * 1.5e6)) / 2
    assert one(found, "dc_busway_loss") == pytest.approx(r * (1.5e6 / v) ** 2, rel=1e-5)
    assert one(found, "dc_busway_loading") == pytest.approx(1.5e6 / v / 6000, rel=1e-5)
    assert bound(found, "dc_busway_loading") == pytest.approx(0.8)
    assert bound(found, "dc_busway_peak") == pytest.approx(1.0)
    k = (1.5e6 + one(found, "dc_busway_loss")) / 4e6
    assert one(found, "rectifier_loss") == pytest.approx(4e6 * (0.004 + 0.006 * k + 0.009 * k**2), rel=1e-9)
    assert bound(found, "rectifier_peak") == pytest.approx(1.25)


def test_a_floor_pdu_with_a_transformer_loses_its_full_load_loss_at_rating():
    """2 % of 500 kW in series, its reactance alike: R = X = 0.02 V^2 / S."""
    found = run("{type: pdu, full_load_loss: 0.02}", 415, 500e3, 1)
    z = 0.02 * 415**2 / 500e3
    v = reached(415.0, z, z, 500e3, 0.0)
    assert far(found) * 415 == pytest.approx(v, rel=1e-8)
    assert one(found, "pdu_loss") == pytest.approx(0.02 * 500e3 * (415 / v) ** 2, rel=1e-6)
    assert one(found, "pdu_loading") == pytest.approx(415 / v, rel=1e-6)


def test_a_board_is_rated_by_the_sheet_and_loses_nothing():
    for part, rating in (("pdu", 500e3), ("switchboard", 4e6)):
        found = run(f"{{type: {part}}}", 415, 100e3, 0.8)
        assert one(found, f"{part}_loading") == pytest.approx(125e3 / rating, rel=1e-5)
        assert one(found, f"{part}_loss") == pytest.approx(0.0, abs=1e-3)


# ---- transformers ------------------------------------------------------------------------------------------------


def loaded(power, factor, tap=1.0):
    """Far voltage, loss and loading of the default sheet: 3 MVA, u_k 5.75 %, 0.55 % and 0.1 % loss, 0.5 % no load.

    Per unit on the rating. Half of the shunt stands at either end; the tap is at the start [pandapower, `trafo`, pi;
    MATPOWER User's Manual, eq. 3.2].
    """
    z = 0.0055 + 1j * np.sqrt(0.0575**2 - 0.0055**2)
    y = 0.001 - 1j * np.sqrt(0.005**2 - 0.001**2)
    s = power / 3e6 * (1 + 1j * np.tan(np.arccos(factor)))
    inner, v = 1 / tap + 0j, 1 / tap + 0j
    for _ in range(60):
        out = np.conj(s / v) + v * y / 2
        v = inner - z * out
    taken = inner * np.conj(out + inner * y / 2)
    return abs(v), (taken.real - s.real) * 3e6, max(abs(taken), abs(s) / abs(v))


@pytest.mark.parametrize(("power", "factor", "tap"), [(2.4e6, 0.8, 1.0), (3e6, 1.0, 1.025), (1.2e6, 0.6, 0.95)])
def test_a_loaded_transformer_is_the_two_port_of_its_nameplate(power, factor, tap):
    found = run(f"{{type: transformer, tap: {tap}}}", 34500, power, factor)
    v, loss, loading = loaded(power, factor, tap)
    assert far(found) == pytest.approx(v, abs=1e-7)
    assert one(found, "transformer_loss") == pytest.approx(loss, rel=1e-5)
    assert one(found, "transformer_loading") == pytest.approx(loading, rel=1e-5)


def test_the_regulation_of_a_transformer_is_that_of_the_standard():
    """u_R cos + u_X sin + (u_X cos - u_R sin)^2 / 2 at rated current [IEC 60076-8, clause 7]: 3.97 % at 0.8."""
    r, x = 0.0055, np.sqrt(0.0575**2 - 0.0055**2)
    drop = r * 0.8 + x * 0.6 + (x * 0.8 - r * 0.6) ** 2 / 2
    assert drop == pytest.approx(0.0397, abs=5e-4)
    assert far(run("{type: transformer}", 34500, 2.4e6 * (1 - drop), 0.8)) == pytest.approx(1 - drop, abs=4e-4)


def test_an_open_transformer_takes_its_no_load_loss_and_current():
    found = run("{type: transformer}", 34500, 1e-3, 1)
    assert one(found, "transformer_loss") == pytest.approx(3e3, rel=2e-4)
    assert one(found, "transformer_loading") == pytest.approx(0.005, rel=2e-4)
    poor = run("{type: transformer, no_load_current: 0}", 34500, 1e-3, 1)  # never less than its loss takes
    assert one(poor, "transformer_loading") == pytest.approx(0.001, rel=2e-4)


def test_a_tap_at_the_high_side_lowers_the_low_voltage():
    assert far(run("{type: transformer, tap: 1.05}", 34500, 1e-3, 1)) == pytest.approx(1 / 1.05, abs=2e-4)


def test_limits_of_a_transformer_are_its_rating_and_half_more_for_short():
    found = run("{type: transformer}", 34500, 1e6, 1, elevation="2000 m")
    assert bound(found, "transformer_loading") == 1.0
    assert bound(found, "transformer_peak") == 1.5
    assert one(found, "transformer_loading") == pytest.approx(loaded(1e6, 1.0)[2] / 0.96, rel=1e-5)


def test_voltages_are_held_within_range_a():
    """0.95 to 1.05 of the nominal voltage [ANSI C84.1, range A]."""
    m = run("{type: busway}").margins
    rows = np.flatnonzero(m.name == "voltage")
    assert sorted(set(m.bound[rows, 0])) == [0.95, 1.05]
    low, high = (m.relative[rows[m.bound[rows, 0] == b], 0] for b in (0.95, 1.05))
    value = m.value[rows[m.bound[rows, 0] == 0.95], 0]
    np.testing.assert_allclose(low, (value - 0.95) / 0.95)
    np.testing.assert_allclose(high, (1.05 - value) / 1.05)
