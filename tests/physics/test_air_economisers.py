"""Room coolers that outdoor air helps: dampers, plates with pads; shares, limits, fans, water, moisture, by hand."""

import numpy as np
import pytest
from physics.benches import bench, crossflow, holder, of
from physics.test_moist_rooms import outdoors, ratio
from scipy.optimize import brentq

import twin

K, CP, P = 273.15, 1006.0, 101325.0
FAN = 5e3 / (15 * 1.2 * CP)
"""What fans warm the air by at full speed, K."""


def hall(
    kind, more="", room="ventilation: 1 L/s", heat=150e3, scenarios=None, site="dry_bulb: 20 degC, wet_bulb: 12 degC"
):
    """A room with a rack and one cooler of 15 m3/s at 22 degC, on chilled water of 14 degC."""
    parts = f"""
        hall: {{type: room, {room}}}
        {holder(14)}
        r: {{type: rack, it_power: {heat} W, nameplate: 1 MW, cords: 1, room: hall, air_flow: 20 m3/s, fan_power: 0 W,
           air_rise: 10 K}}
        cooler: {{type: {kind}, room: hall, capacity: 1 MW, conductance: 30 kW/K, air_flow: 15 m3/s,
                water_flow: 10 kg/s, fan_power: 5 kW, water_drop: 1 kPa, set_point: 22 degC, min_opening: 0{more}}}
        pump: {{type: pump, shutoff: 2 MPa, rated_flow: 50 m3/s, control: flow, flow: 0.01 m3/s}}
    """
    joints = "cool.out > cooler.supply\ncooler.return > pump.in\npump.out > cool.in\ntank.port > pump.in"
    result = twin.solve(bench(parts, joints, site), scenarios or {})
    assert result.ok and (np.abs(result.solution.audit) < 1e-8).all()
    return result


def weather(dry, dew=2.0):
    """Scenarios of some dry bulbs at a dew point, or the dry bulb where that is colder."""
    dry = np.asarray(dry, float)
    f = twin.fluids
    dew = np.minimum(dew, dry - 0.5)
    wet = [f.wet_bulb(t + K, f.humidity_ratio_from_dew_point(d + K, P), P) for t, d in zip(dry, dew, strict=True)]
    return {"site.dry_bulb": dry + K, "site.wet_bulb": np.ravel(wet)}


def returning(result):
    return of(result, "room_return_temperature", "hall") - K


# ---- dampers -----------------------------------------------------------------------------------------------------


def test_dampers_mix_to_the_set_point_less_what_fans_warm():
    result = hall("air_economiser", scenarios=weather([-20.0, 0.0, 10.0, 20.0]))
    back = returning(result)
    share = (back - (22 - FAN)) / (back - np.array([-20.0, 0, 10, 20]))
    np.testing.assert_allclose(of(result, "crah_economiser_outdoor_air"), share, rtol=1e-4)
    assert (share > 0.1).all() and (share < 1).all()
    np.testing.assert_allclose(
        of(result, "crah_economiser_duty"), of(result, "crah_air_flow") * CP * (back - 22 + FAN), rtol=1e-4
    )
    np.testing.assert_allclose(of(result, "crah_duty"), 0, atol=100)
    moved = share * of(result, "crah_air_flow") / (15 * twin.fluids.air_density(
        np.array([-20.0, 0, 10, 20]) + K, np.array([ratio_of(t) for t in (-20.0, 0, 10, 20)]), P))  # fmt: skip
    np.testing.assert_allclose(of(result, "crah_economiser_power"), 1.5e3 * moved**3, rtol=2e-3)


def ratio_of(dry, dew=2.0):
    return float(twin.fluids.humidity_ratio_from_dew_point(min(dew, dry - 0.5) + K, P))


def test_warmer_air_comes_in_whole_and_the_coil_does_the_rest():
    result = hall("air_economiser", scenarios=weather([25.0]))
    assert of(result, "crah_economiser_outdoor_air") == 1
    flow = of(result, "crah_air_flow")
    assert of(result, "crah_duty") == pytest.approx(flow * CP * 3 + of(result, "crah_fan_power"), rel=1e-3)
    assert of(result, "crah_economiser_duty") == pytest.approx(flow * CP * (returning(result) - 25), rel=1e-4)
    assert of(result, "chiller_power") > 0


def test_air_warmer_than_what_returns_too_damp_too_dry_or_beyond_a_limit_stays_outside():
    shut = {
        "warm": ({}, weather([35.0])),
        "limit": ({"more": ", max_dry_bulb: 18 degC"}, weather([19.0])),
        "damp": ({}, weather([18.0], dew=16.0)),
        "damp, as stated": ({"more": ", max_outdoor_dew_point: 8 degC"}, weather([18.0], dew=9.0)),
        "dry": ({"more": ", min_outdoor_dew_point: -9 degC"}, weather([5.0], dew=-12.0)),
    }
    for name, (how, scenarios) in shut.items():
        result = hall("air_economiser", **how, scenarios=scenarios)
        assert of(result, "crah_economiser_outdoor_air") == 0, name
        assert of(result, "crah_economiser_running") == 0 and of(result, "chiller_power") > 0
        assert of(result, "crah_economiser_duty") == pytest.approx(0, abs=1e-3)
    least = hall("air_economiser", ", min_outdoor_air: 15 %", scenarios=weather([35.0]))
    assert of(least, "crah_economiser_outdoor_air") == pytest.approx(0.15)
    gained = of(least, "crah_air_flow") * CP * 0.15 * (35 - returning(least))
    assert of(least, "crah_economiser_duty") == pytest.approx(-gained, rel=1e-3)


def test_dampers_close_over_the_last_kelvin_below_what_returns():
    back = returning(hall("air_economiser", scenarios=weather([40.0])))[0]
    dry = back - np.array([0.25, 0.5, 2.0])
    result = hall("air_economiser", scenarios=weather(dry))
    np.testing.assert_allclose(returning(result), back, atol=1e-3)
    np.testing.assert_allclose(of(result, "crah_economiser_outdoor_air"), [0.25, 0.5, 1.0], atol=2e-3)


def test_outdoor_air_brings_its_moisture():
    """Beside 1 m3/s of ventilation the dampers let in the most of it; the coil stays dry."""
    result = hall("air_economiser", room="ventilation: 1 m3/s, people: 50", scenarios=weather([10.0]))
    moved = of(result, "crah_economiser_outdoor_air") * of(result, "crah_air_flow")
    w = ratio_of(10.0)
    moved = moved + 1.0 * float(twin.fluids.air_density(10 + K, w, P))
    expected = w + 50 * 0.08 / 3600 / moved
    assert ratio(of(result, "room_dew_point")[0] - K) == pytest.approx(float(expected[0]), rel=1e-3)


# ---- plates ------------------------------------------------------------------------------------------------------


def plates(effect=0.75):
    """UA [W/K] of plates whose crossflow effectiveness is `effect` at 15 m3/s on both sides."""
    room, outdoor = 18 * CP, 18 * 1020.0
    return brentq(lambda ua: crossflow(ua, room, outdoor) - effect, 1e2, 1e7)


def transfer(flow, air, effect=0.75):
    """Effectiveness on the room's side at its flow and the outdoor flow [kg/s], films ~ m^0.8, equal."""
    ua = 2 * plates(effect) / ((18 / flow) ** 0.8 + (18 / air) ** 0.8)
    own, other = flow * CP, air * 1020.0
    return crossflow(ua, own, other) * min(own, other) / own


@pytest.mark.parametrize("effect", [0.75, 0.6])
def test_plates_exchange_as_rated_and_their_fans_follow_the_cube(effect):
    result = hall(
        "indirect_evaporative_cooler", f", effectiveness: {effect}, saturation: 0", scenarios=weather([0.0, 10.0, 25.0])
    )
    back, flow = returning(result), of(result, "crah_air_flow")
    for k, dry in enumerate((0.0, 10.0, 25.0)):
        speed = of(result, "crah_economiser_fan_speed")[k]
        thin = float(twin.fluids.air_density(dry + K, ratio_of(dry), P)) / 1.2
        took = of(result, "crah_economiser_duty")[k] / (flow[k] * CP * (back[k] - dry))
        assert took == pytest.approx(transfer(flow[k], 18 * thin * speed, effect), rel=2e-3)
        assert of(result, "crah_economiser_power")[k] == pytest.approx(4e3 * thin * speed**3, rel=1e-3)
        assert (speed == pytest.approx(1)) == (dry == 25)
    np.testing.assert_allclose(of(result, "crah_duty")[:2], 0, atol=100)
    assert of(result, "crah_duty")[2] > 1e4 and (of(result, "crah_economiser_water") == 0).all()


def test_pads_wet_the_outdoor_air_where_plates_alone_do_not_suffice():
    site = "dry_bulb: 32 degC, wet_bulb: 18 degC"
    result = hall("indirect_evaporative_cooler", site=site)
    back, flow = returning(result)[0], of(result, "crah_air_flow")[0]
    w = outdoors(32, 18)
    air = 18 * float(twin.fluids.air_density(32 + K, w, P)) / 1.2
    wetted = 32 - 0.8 * 14
    took = of(result, "crah_economiser_duty")[0]
    assert took == pytest.approx(transfer(flow, air) * flow * CP * (back - wetted), rel=3e-3)
    evaporated = air * 1020 * 11.2 / (2501e3 - 2326 * 18)
    assert of(result, "crah_economiser_water") == of(result, "water") == pytest.approx(evaporated * 4 / 3, rel=1e-3)
    drained = hall("indirect_evaporative_cooler", ", wet_above: 33 degC", site=site)
    assert of(drained, "crah_economiser_water") == 0


def test_wetting_first_spares_outdoor_fans():
    how = dict(site="dry_bulb: 15 degC, wet_bulb: 9 degC")
    last, first = (hall("indirect_evaporative_cooler", f", wetting: {w}", **how) for w in ("last", "first"))
    assert of(last, "crah_economiser_water") == 0 < of(first, "crah_economiser_water")
    assert of(first, "crah_economiser_power") < 0.7 * of(last, "crah_economiser_power")


def test_out_of_service_nothing_comes_in():
    for kind in ("air_economiser", "indirect_evaporative_cooler"):
        with pytest.raises((twin.LayoutError, AssertionError)):
            hall(kind, ", in_service: false", scenarios=weather([5.0]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: {type: air_economiser, room: hall, min_outdoor_air: 120 %}", "min_outdoor_air"),
        ("a: {type: air_economiser, room: hall, max_outdoor_dew_point: 15}", "needs a unit"),
        ("a: {type: air_economiser}", "room"),
        (
            "a: {type: air_economiser, room: hall, min_outdoor_dew_point: 16 degC}",
            "must be below max_outdoor_dew_point",
        ),
        ("a: {type: indirect_evaporative_cooler, room: hall, effectiveness: 1}", "effectiveness"),
        ("a: {type: indirect_evaporative_cooler, room: hall, wetting: never}", "wetting"),
    ],
)
def test_economisers_that_cannot_be_are_refused(text, words):
    with pytest.raises(twin.LayoutError, match=words):
        twin.load(bench(f"hall: {{type: room}}\n{text}", ""))
