from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin.kernels import moist_air
from twin.kernels.exchangers import conductance, crossflow
from twin.kernels.launch import bind

from twin import fluids
from twin.components.curves import chiller_curves, stack
from twin.domains import rejection, towers
from twin.domains.chillers import Chiller, Curves
from twin.domains.rejection import DryCooler, from_rating, make_up
from twin.domains.towers import MerkelTower, YorkTower

NAN = np.nan
CP = 4180.0
TOWERS = [YorkTower, MerkelTower]
col = lambda v: np.array([[v]])  # noqa: E731


def dry(set_point=NAN, ambient=308.15, **more):
    """BAC Trillium TDFS1238N: 2,931 kW, 46.11 to 40.55 degC at 35 degC, fans 117.68 kW; the air flow is an estimate."""
    rated = dict(conductance=from_rating(2.931e6, 319.26, 313.70, 308.15, 450.0), rated_flow=2.931e6 / 5.56 / CP)
    rated |= dict(rated_air_flow=450.0, fan_power=117.68e3, count=1.0)
    return DryCooler(set_point=np.asarray(set_point), ambient=np.asarray(ambient), **(rated | more))


HUMIDITY = float(fluids.humidity_ratio_from_wet_bulb(303.7, 298.7, 101325.0))
DENSITY = float(fluids.air_density(303.7, fluids.humidity_ratio_from_wet_bulb(303.7, 298.7, 101325.0), 101325.0))
"""Of the air that towers draw at their rating, kg/m3."""


def tower(kind=YorkTower, set_point=NAN, wet_bulb=298.7, **more):
    """A cell of 100 kg/s, 35 to 29.5 degC at 25.55 degC wet bulb; four installed."""
    rated = dict(rated_flow=100.0, rated_inlet=308.1, rated_outlet=302.6, rated_wet_bulb=298.7)
    rated |= dict(fan_power=30e3, cells=4.0, dry_bulb=np.asarray(wet_bulb) + 5.0, rated_density=DENSITY)
    rated |= dict(rated_cp=1006.0 + 1860.0 * HUMIDITY)
    return kind(set_point=np.asarray(set_point), wet_bulb=np.asarray(wet_bulb), **(rated | more))


def chiller(name="york_yk", set_point=279.82, **more):
    return Chiller(
        set_point=np.asarray(set_point),
        curves=stack([chiller_curves()[name]]),
        **(dict(count=3.0, ambient=308.15) | more),
    )


LAWS = {
    "dry": dry(305.0, 295.0),
    "adiabatic": dry(305.0, 303.0, wet_bulb=292.0, saturation=0.8),
    "york": tower(YorkTower, 302.0, 296.0),
    "merkel": tower(MerkelTower, 302.0, 296.0),
    "air chiller": chiller("carrier_30xa500", 280.0),
    "water chiller": chiller(),
}


def packed(law):
    """A law of one unit as kernels take it."""
    return rejection.packed(type(law), {n: law.column_of(n) for n in law.real_columns()}, (1, 1), np)


def asked(inlet, flow):
    values = dict.fromkeys(rejection.Inflow.real_columns(), NAN)
    values |= dict(inlet=inlet, flow=flow, cp=CP, least=0.0, most=np.inf)
    return rejection.packed(rejection.Inflow, values, (1, 1), np)


def tower_effect(law, flow, range_, speed):
    """Range over gap of one cell at a flow, a range and a fan speed."""
    kind = {YorkTower: towers.YORK, MerkelTower: towers.MERKEL}[type(law)]
    base = moist_air.saturated(towers.MOIST_AIR, law.wet_bulb.item(), law.pressure)
    where = kind, 0, 0, packed(law), asked(NAN, flow), towers.MOIST_AIR, base
    return towers.forced(*where, 1.0, range_, speed)[0]


def outlet(law, inlet, flow, sink=299.0):
    r = law.respond(np.asarray(inlet, float), np.asarray(flow, float), CP, sink)
    return r.slope * inlet + r.offset


@pytest.fixture(params=LAWS, ids=str)
def law(request):
    return LAWS[request.param]


# ---- every law ---------------------------------------------------------------------------------------------------


def test_a_unit_holds_its_set_point_when_it_can(law):
    r = law.respond(col(float(law.set_point) + 2.0), col(40.0), CP, 299.0)
    assert r.slope == 0 and r.offset == law.set_point
    assert 0 < r.loading < 1 and r.power > 0 and r.running >= 1


def test_a_unit_stands_still_below_its_set_point(law):
    r = law.respond(col(float(law.set_point) - 1.0), col(40.0), CP, 299.0)
    assert r.slope == pytest.approx(1) and outlet(law, col(270.0), col(40.0)) == pytest.approx(270.0, abs=1e-5)
    assert r.power == r.water == r.loading == r.speed == 0


def test_no_flow_takes_no_power_and_reversed_flow_is_like_forward_flow(law):
    inlet = float(law.set_point) + np.array([[1.0, 5.0, 30.0]])
    still, back, forth = (law.respond(inlet, np.full((1, 3), m), CP, 299.0) for m in (0.0, -60.0, 60.0))
    assert all(np.isfinite(v).all() for v in still)
    assert np.all(still.power == 0) and np.all(still.water == 0)
    for a, b in zip(back, forth, strict=True):
        np.testing.assert_array_equal(a, b)


def test_outlet_and_power_are_continuous_in_every_input(law):
    """A step of 1e-4 of the range moves the outlet and the power of unstaged units by a like amount."""
    law = replace(law, running=4.0) if hasattr(law, "cells") else replace(law, count=1.0)
    sweeps = {
        "inlet": (np.linspace(285, 330, 10001), 60.0, 299.0),
        "flow": (310.0, np.linspace(0.0, 400.0, 10001), 299.0),
        "sink": (290.0, 60.0, np.linspace(275, 320, 10001)),
    }
    for name, (inlet, flow, sink) in sweeps.items():
        inlet, flow, sink = np.broadcast_arrays(inlet, flow, sink)
        r = law.respond(inlet[None], flow[None], CP, sink[None])
        assert np.abs(np.diff(r.slope * inlet + r.offset - (inlet if name == "inlet" else 0))).max() < 0.1, name
        awake = slice(20, None) if name == "flow" else slice(None)
        assert np.abs(np.diff(r.power[:, awake])).max() < 0.01 * max(r.power.max(), 1.0), name
        assert np.abs(np.diff(r.water[:, awake])).max() <= 0.01 * max(r.water.max(), 1.0), name


def test_a_batch_equals_its_singles_and_one_nan_stays_alone(law):
    inlet = np.linspace(278, 320, 9)[:, None] + np.linspace(0, 3, 4)
    flow = np.linspace(0, 300, 36).reshape(9, 4)
    batch = law.respond(inlet, flow, CP, np.full((9, 4), 299.0))
    for i, j in np.ndindex(9, 4):
        single = law.respond(col(inlet[i, j]), col(flow[i, j]), CP, 299.0)
        for a, b in zip(single, batch, strict=True):
            assert a.item() == b[i, j]
    inlet[4, 2] = NAN
    spoilt = law.respond(inlet, flow, CP, np.full((9, 4), 299.0))
    others = np.ones((9, 4), bool)
    others[4, 2] = False
    for a, b in zip(spoilt, batch, strict=True):
        np.testing.assert_array_equal(a[others], b[others])


def passes(law, count, inlet, flow):
    """Columns of the answer after some passes of a law's kernel, each of which starts from the roots of the last."""
    shape = np.shape(inlet)
    own = {n: law.column_of(n) for n in law.real_columns()}
    given = dict.fromkeys(rejection.Inflow.real_columns(), NAN)
    given |= dict(inlet=inlet, flow=flow, cp=CP, sink=299.0, least=0.0, most=np.inf)
    blank = (
        dict.fromkeys(kind.real_columns(), start) for kind, start in ((rejection.Roots, NAN), (rejection.Answer, 0.0))
    )
    kinds = type(law), rejection.Inflow, rejection.Roots, rejection.Answer
    tables = [rejection.packed(k, v, shape, np) for k, v in zip(kinds, (own, given, *blank), strict=True)]
    call = bind(law.kernel, tables[-1].packed_reals.shape[1:], *tables, *law.tables())
    for _ in range(count):
        call()
    return tables[-1].packed_reals.reshape(-1, *shape)


def test_passes_that_are_asked_the_same_settle(law):
    """Fixed numbers of steps a pass, each from the last root: after ten passes nothing moves but the last digits."""
    inlet, flow = np.meshgrid(np.linspace(285.0, 330.0, 40), np.linspace(1.0, 400.0, 25))
    ten, eleven = (passes(law, n, inlet, flow) for n in (10, 11))
    slope, offset, *rest = (np.abs(a - b).max() / max(np.abs(b).max(), 1.0) for a, b in zip(eleven, ten, strict=True))
    assert max(slope, offset) < 1e-10 and max(rest) < 1e-12
    np.testing.assert_allclose(*(a[0] * inlet + a[1] for a in (eleven, ten)), rtol=1e-14)


def test_a_unit_runs_no_fewer_and_no_more_than_a_pass_before_lets_it(law):
    kept = law.respond(col(312.0), col(400.0), CP, 299.0, running=2.0)
    assert kept.running == (2.0 if not isinstance(law, DryCooler) else law.count)


@settings(deadline=None)
@given(st.floats(280, 340), st.floats(1, 400))
def test_the_outlet_is_never_below_the_set_point_nor_above_the_inlet(inlet, flow):
    for name, law in LAWS.items():
        if inlet > 305.0:  # warmer than every ambient
            out = outlet(law, col(inlet), col(flow)).item()
            assert min(inlet, float(law.set_point)) - 1e-5 <= out <= inlet + 1e-9, name


# ---- dry and adiabatic coolers -----------------------------------------------------------------------------------


def test_a_dry_cooler_meets_its_catalogue_point():
    law = dry()
    r = law.respond(col(319.26), col(law.rated_flow), CP)
    assert r.slope * 319.26 + r.offset == pytest.approx(313.70, abs=1e-6)
    assert r.power == pytest.approx(117.68e3)
    assert r.power / 2.931e6 == pytest.approx(0.040, abs=5e-4)


def test_a_rating_beyond_the_ideal_exchanger_is_refused():
    with pytest.raises(ValueError, match="cannot carry the rated duty"):
        from_rating(2.931e6, 319.26, 313.70, 308.15, 200.0)


def test_the_energy_of_a_saturated_coil_closes_with_its_effectiveness():
    law = dry()
    for flow in (30.0, 126.0, 300.0):
        films = (law.rated_flow, law.rated_air_flow, law.conductance * 3, law.conductance * 1.5, 0.85)
        ua = conductance(flow, law.rated_air_flow, *films, exponent_cold=0.8)
        water, air = flow * CP, law.rated_air_flow * rejection.MOIST_CP
        least, most = min(water, air), max(water, air)
        duty = crossflow(ua / least, least / most) * least * (319.0 - 308.15)
        assert water * (319.0 - outlet(law, col(319.0), col(flow))) == pytest.approx(duty, rel=1e-9)
        assert duty / air < 319.0 - 308.15


@settings(deadline=None)
@given(st.floats(309, 340), st.floats(1, 500), st.floats(0.3, 1.2), st.floats(0, 0.5))
def test_more_air_never_warms_the_outlet(inlet, flow, density, more):
    thin, thick = dry(density=density), dry(density=density + more)
    assert outlet(thick, col(inlet), col(flow)) <= outlet(thin, col(inlet), col(flow)) + 1e-9


def test_the_fan_speed_found_brings_the_outlet_to_the_set_point_and_power_follows_its_cube():
    inlet = np.linspace(311.1, 330.0, 60)[None]
    r = dry(311.0, 300.0).respond(inlet, np.full((1, 60), 126.0), CP)
    driven = (r.speed > 0.11) & (r.speed < 1)
    assert driven.sum() > 10
    coil, at = packed(dry(ambient=300.0)), asked(310.0, 126.0)
    again = np.array([[rejection.coil_effect(0, 0, coil, at, 1.0, 1.0, speed) for speed in r.speed[0]]])
    np.testing.assert_allclose((inlet - again * (inlet - 300.0))[driven], 311.0, atol=1e-8)
    np.testing.assert_allclose(r.power[driven], 117.68e3 * r.speed[driven] ** 3)


def test_pads_are_wetted_only_as_far_as_the_fans_fail():
    law = dry(308.0, np.linspace(290, 313, 47)[None], wet_bulb=290.0, saturation=0.8)
    r = law.respond(np.full((1, 47), 316.0), np.full((1, 47), 126.0), CP)
    assert np.all(r.speed[r.water > 0] == 1) and np.all(r.water[r.speed < 1] == 0)
    assert (r.water > 0).any() and (r.speed < 1).any()
    without = replace(law, saturation=0.0).respond(np.full((1, 47), 316.0), np.full((1, 47), 126.0), CP)
    assert np.all(r.slope * 316 + r.offset <= without.slope * 316 + without.offset + 1e-9)
    assert np.all(without.water == 0)


def test_evaporation_of_the_pads_follows_adiabatic_saturation():
    law = dry(ambient=313.15, wet_bulb=295.15, saturation=0.8, cycles=1e12)
    r = law.respond(col(320.0), col(126.0), CP)
    wetted = 313.15 - 0.8 * 18.0
    before, after = (fluids.humidity_ratio_from_wet_bulb(T, 295.15, 101325.0) for T in (313.15, wetted))
    assert r.water == pytest.approx(450.0 * (after - before) / (1 + before), rel=0.02)


# ---- towers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TOWERS)
def test_a_tower_meets_its_rating(kind):
    r = tower(kind).respond(col(308.1), col(400.0), CP)
    assert r.slope * 308.1 + r.offset == pytest.approx(302.6, abs=0.01)
    assert r.power == 120e3 and r.running == 4 and not r.warning


def test_york_and_merkel_agree_within_a_kelvin_away_from_the_rating():
    wet, inlet = np.linspace(280, 299.8, 12)[None], np.linspace(300, 312, 7)[:, None]
    a, b = (outlet(tower(k, wet_bulb=wet), inlet, 360.0) for k in TOWERS)
    assert np.abs(a - b).max() < 1.0


def test_the_york_approach_is_the_published_polynomial_inside_its_box():
    approach = towers.approach(298.7, 5.56, 1.0)
    assert approach == pytest.approx(3.8445, abs=1e-3)  # EnergyPlus rates 3.89 K at 25.55 degC, 5.56 K


@pytest.mark.parametrize("kind", TOWERS)
@settings(deadline=None)
@given(st.floats(250, 306), st.floats(0.5, 25), st.floats(0.2, 1.5), st.floats(0.2, 0.95))
def test_more_air_never_warms_the_tower(kind, wet_bulb, gap, load, speed):
    law = tower(kind, wet_bulb=wet_bulb)
    slow, fast = (tower_effect(law, 100 * load, 0.5 * gap, s) for s in (speed, speed + 0.05))
    assert 0 <= slow <= fast + 1e-12 <= 1


@pytest.mark.parametrize("kind", TOWERS)
@settings(deadline=None)
@given(st.floats(250, 306), st.floats(0, 30), st.floats(1, 600))
def test_a_saturated_tower_is_consistent_with_its_own_range(kind, wet_bulb, gap, flow):
    law = tower(kind, wet_bulb=wet_bulb, running=2.0)
    inlet = col(wet_bulb + gap)
    range_ = inlet - outlet(law, inlet, col(flow))
    effect = tower_effect(law, flow / 2, range_.item(), 1.0)
    assert effect * gap == pytest.approx(range_, abs=1e-6)
    assert -1e-9 <= range_ <= gap + 1e-9


@pytest.mark.parametrize("kind", TOWERS)
def test_the_fewest_cells_run_that_take_no_more_than_their_rated_flow(kind):
    flow = np.array([[1.0, 99.9, 100.0, 100.1, 250.0, 400.0, 900.0]])
    inlet = np.full(flow.shape, 306.0)
    assert tower(kind, 300.0).respond(inlet, flow, CP).running.tolist() == [[1, 1, 1, 2, 3, 4, 4]]
    assert np.all(tower(kind, 300.0, running=3.0).respond(inlet, flow, CP).running == 3)
    assert np.all(tower(kind, 300.0, min_cells=2.0).respond(inlet, flow, CP).running >= 2)
    by_heat = tower(kind, 300.0, stage_heat=CP * 600.0).respond(inlet, flow, CP)
    assert by_heat.running.tolist() == [[1, 1, 1, 2, 3, 4, 4]]


@pytest.mark.parametrize("kind", TOWERS)
def test_a_cold_tower_cools_without_fans(kind):
    r = tower(kind, 300.0, 265.0).respond(np.linspace(300.2, 303, 29)[None], np.full((1, 29), 90.0), CP)
    assert np.all(r.slope == 0) and r.power[0, 0] == 0 and r.water[0, 0] > 0
    assert np.all(np.diff(r.power) >= -1e-9) and r.power[0, -1] > 0


@pytest.mark.parametrize("kind", TOWERS)
def test_evaporation_carries_most_of_the_heat_in_summer_and_less_in_winter(kind):
    share = []
    for wet, inlet in ((298.7, 308.1), (270.0, 295.0)):
        law = tower(kind, wet_bulb=wet, cycles=1e12, drift=0.0)
        r = law.respond(col(inlet), col(400.0), CP)
        heat = 400.0 * CP * (inlet - (r.slope * inlet + r.offset))
        share.append((r.water * 2.43e6 / heat).item())
    assert 0.8 < share[0] < 1.0 and 0.4 < share[1] < share[0]


def test_a_tower_warns_outside_its_box_and_stays_finite():
    wet = np.array([[220.0, 290.0, 302.0, 320.0]])
    for kind in TOWERS:
        r = tower(kind, wet_bulb=wet).respond(np.full((1, 4), 312.0), np.full((1, 4), 400.0), CP)
        assert all(np.isfinite(v).all() for v in r)
    warning = tower(YorkTower, wet_bulb=wet).respond(np.full((1, 4), 312.0), np.full((1, 4), 400.0), CP).warning
    assert warning.tolist() == [[True, False, True, True]]


@given(st.floats(0, 10), st.floats(0, 1), st.floats(1.5, 20))
def test_make_up_balances_water_and_solids(evaporation, drift, cycles):
    total = make_up(evaporation, drift, cycles)
    assert total >= evaporation + drift
    blowdown = total - evaporation - drift
    if blowdown > 1e-9:
        assert total == pytest.approx(cycles * (blowdown + drift))


# ---- chillers ----------------------------------------------------------------------------------------------------


def grid(name, x, y):
    return chiller(name).performance(np.asarray(x)[:, None] + 273.15, np.asarray(y)[None] + 273.15)


def curves_of(name):
    """A shipped curve as the law takes it, each number or list without the axis of units."""
    return Curves(*(v[..., 0, 0][()] for v in stack([chiller_curves()[name]])))


def boxes(name, n=40):
    return np.linspace(*curves_of(name).leaving_box, n), np.linspace(*curves_of(name).entering_box, n)


@pytest.mark.parametrize("name", chiller_curves())
def test_a_chiller_has_its_reference_capacity_and_cop_within_the_normalisation_of_its_curves(name):
    c = curves_of(name)
    capacity, cop, _ = chiller(name).performance(c.leaving + 273.15, c.entering + 273.15)
    assert capacity == pytest.approx(c.capacity, rel=0.016) and cop == pytest.approx(c.cop, rel=0.012)
    assert sum(c.plr) == pytest.approx(1.0, abs=1e-3)


def test_the_published_curves_that_are_not_monotone_are_known():
    falls_with_water, capacity_falls, capacity_rises_with_heat = set(), set(), set()
    for name in chiller_curves():
        capacity, cop, outside = grid(name, *boxes(name))
        assert not outside.any()
        assert (np.diff(cop, axis=1) < 0).all()  # every COP falls with condenser temperature
        falls_with_water |= {name} if (np.diff(cop, axis=0) < 0).any() else set()
        capacity_falls |= {name} if (np.diff(capacity, axis=0) < 0).any() else set()
        capacity_rises_with_heat |= {name} if (np.diff(capacity, axis=1) > 0).any() else set()
    assert falls_with_water == {"carrier_30xa500"}
    assert capacity_falls == {"carrier_19ex", "carrier_19xr"}
    assert capacity_rises_with_heat == {"carrier_30xa500", "york_yk", "carrier_19ex", "carrier_19xr"}


@pytest.mark.parametrize("name", chiller_curves())
def test_outside_the_box_cop_never_falls_with_warmer_water_or_a_cooler_condenser(name):
    c = curves_of(name)
    y = np.linspace(-15, 55, 141)
    _, cop, outside = grid(name, np.linspace(c.leaving_box[1], 45, 150), y)
    assert (np.diff(cop, axis=0) >= -1e-9).all() and outside[1:].all()
    _, cop, _ = grid(name, np.linspace(1, 45, 150), y)
    assert (np.diff(cop, axis=1) <= 1e-9).all()
    assert cop.max() == 15.0
    if name != "carrier_30xa500":  # its own curve falls with warmer water inside the box
        assert (np.diff(cop, axis=0) >= -1e-9).all()


@pytest.mark.parametrize("name", chiller_curves())
def test_cop_and_capacity_are_continuous_across_the_border_of_the_box(name):
    x, y = boxes(name)
    step = 1e-4
    for sign, edge in ((-1, 0), (1, -1)):
        inside, beyond = (
            grid(name, x[edge : edge + 1 or None], y),
            grid(name, x[edge : edge + 1 or None] + sign * step, y),
        )
        np.testing.assert_allclose(beyond[:2], inside[:2], rtol=5 * step)
        assert beyond[2].all()
        inside, beyond = (
            grid(name, x, y[edge : edge + 1 or None]),
            grid(name, x, y[edge : edge + 1 or None] + sign * step),
        )
        np.testing.assert_allclose(beyond[:2], inside[:2], rtol=5 * step)
        assert beyond[2].all()


def test_warm_water_trim_runs_better_than_chilled_water():
    _, cop, outside = grid("carrier_30xa500", [10.0, 20.0, 30.0], [35.0])
    assert outside[:, 0].tolist() == [False, True, True]
    assert 2.7 < cop[0, 0] < 2.9 and cop[1, 0] > 1.2 * cop[0, 0] and cop[2, 0] > 1.2 * cop[1, 0]


def test_a_chiller_at_capacity_takes_away_its_capacity():
    law = chiller(set_point=280.0)
    r = law.respond(col(300.0), col(200.0), CP, 299.0)
    capacity, cop, _ = law.performance(280.0, 299.0)
    assert 200.0 * CP * (300.0 - outlet(law, col(300.0), col(200.0))) == pytest.approx(3 * capacity.item())
    assert 0 < r.slope < 1  # a line through the set point, so that a closed loop keeps a temperature
    assert r.power == pytest.approx(3 * capacity.item() / cop.item(), rel=2e-3)
    assert r.running == 3 and r.speed == 1 and r.loading == pytest.approx(200 * CP * 20 / (3 * capacity.item()))


def test_the_fewest_machines_run_below_the_stage_rule():
    law = chiller(set_point=280.0)
    one = law.performance(280.0, 299.0)[0].item()
    share = np.array([[0.05, 0.5, 0.89, 0.91, 1.79, 1.81, 2.9, 5.0]])
    r = law.respond(280.0 + share * one / (100 * CP), np.full(share.shape, 100.0), CP, 299.0)
    assert r.running.tolist() == [[1, 1, 1, 2, 2, 3, 3, 3]]
    np.testing.assert_allclose(r.speed, np.minimum(share / r.running, 1.0))


def test_a_machine_that_cycles_takes_power_in_proportion():
    law = chiller(set_point=280.0)
    one = law.performance(280.0, 299.0)[0].item()
    share = np.array([[0.0375, 0.075, 0.15]])
    power = law.respond(280.0 + share * one / (100 * CP), np.full((1, 3), 100.0), CP, 299.0).power
    np.testing.assert_allclose(power / power[0, 2], share / 0.15)


def test_derating_and_own_ratings_scale_the_curves():
    base, half = chiller(), chiller(capacity_factor=0.5, capacity=1e6, cop=5.0)
    q, cop, _ = base.performance(280.0, 299.0)
    q_half, cop_half, _ = half.performance(280.0, 299.0)
    assert q_half == pytest.approx(q * 0.5e6 / 2275e3) and cop_half == pytest.approx(cop * 5.0 / 6.32)


def test_air_cooled_machines_look_at_the_air_and_water_cooled_ones_at_the_sink():
    curves = stack([chiller_curves()[n] for n in ("carrier_30xa500", "york_yk")])
    law = Chiller(set_point=col(280.0), count=col(2.0), curves=curves, ambient=col(308.15))
    mild, warm = (law.respond(np.full((2, 1), 283.0), np.full((2, 1), 100.0), CP, sink) for sink in (292.0, 300.0))
    assert mild.power[0] == warm.power[0] and mild.power[1] < warm.power[1]


# ---- altitude and anchors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", chiller_curves())
def test_the_law_keeps_below_carnot(name):
    """Outside the box the share of Carnot is nowhere more than 10 % above the best inside.

    T_e / (T_c - T_e) at 2 K below the water, and 7 K above condenser water or 13 K above air.
    """
    machine = chiller(name)
    c = machine.curves
    inside_x, inside_y = (np.linspace(box[0, 0, 0], box[1, 0, 0], 12) for box in (c.leaving_box, c.entering_box))
    outside_x, outside_y = np.linspace(4.4, 45.0, 30), np.linspace(10.0, 60.0, 30)

    def share(x, y):
        X, Y = np.meshgrid(x, y)
        cop = machine.performance(X + 273.15, Y + 273.15)[1]
        approach = 13.0 if c.air.item() else 7.0
        return cop * np.maximum(Y + approach - X + 2.0, 3.0) / (X + 271.15), X, Y

    best = share(inside_x, inside_y)[0].max()
    found, X, Y = share(outside_x, outside_y)
    assert (found[Y - X > 3.0] <= best * 1.1).all()


@pytest.mark.parametrize("kind", TOWERS)
def test_thin_air_takes_less_fan_power(kind):
    low, high = (tower(kind, pressure=np.array([[p]])).respond(col(308.0), col(100.0), CP) for p in (101325.0, 80000.0))
    ratio = [fluids.humidity_ratio_from_wet_bulb(303.7, 298.7, p) for p in (101325.0, 80000.0)]
    density = [fluids.air_density(303.7, w, p) for w, p in zip(ratio, (101325.0, 80000.0), strict=True)]
    assert high.power[0, 0] == pytest.approx(low.power[0, 0] * density[1] / density[0], rel=1e-6)


def test_merkel_towers_answer_each_pressure_as_if_it_stood_alone():
    pressures = np.array([[101325.0, 80000.0, 101325.0]])
    together = tower(MerkelTower, pressure=pressures).respond(col(308.0), col(100.0), CP)
    for k, p in enumerate(pressures[0]):
        alone = tower(MerkelTower, pressure=col(p)).respond(col(308.0), col(100.0), CP)
        assert together.offset[0, k] == alone.offset[0, 0]


@pytest.mark.parametrize("kind", TOWERS)
def test_cells_without_set_point_run_as_flow_asks_whatever_the_others_may_miss(kind):
    """A set point that is not stated is never missed; `stage_miss` of another scenario has no part in it."""
    law = tower(kind, stage_miss=np.array([[np.inf, 0.5]]), set_point=np.array([[NAN, 290.0]]))
    assert law.respond(np.full((1, 2), 308.0), np.full((1, 2), 100.0), CP).running.tolist() == [[1.0, 4.0]]


@pytest.mark.parametrize("kind", TOWERS)
def test_water_colder_than_the_wet_bulb_is_not_warmed(kind):
    r = tower(kind).respond(np.full((1, 2), 290.0), np.array([[0.0, 100.0]]), CP)
    np.testing.assert_allclose(r.slope * 290.0 + r.offset, 290.0, atol=1e-6)


def test_basins_of_all_cells_are_heated_where_the_water_needs_no_cooling():
    """Four cells of 3 kW/K at -6 degC, kept at 2 degC."""
    idle = tower(MerkelTower, 310.0, 262.15, basin_heater=3e3, basin_temperature=275.15)
    assert idle.respond(col(305.0), col(100.0), CP).power[0, 0] == pytest.approx(4 * 3e3 * 8)


@pytest.mark.parametrize("range_", [0.5, 5.56, 15.0, 30.0])
def test_liquid_over_gas_is_what_gives_the_approach(range_):
    for wanted in np.linspace(0.2 * range_, 1.2 * range_, 5):
        ratio = towers.liquid_gas(290.0, range_, wanted)
        if towers.NONE < ratio < towers.ANY:
            assert towers.approach(290.0, range_, ratio) == pytest.approx(wanted, rel=1e-12)
    assert towers.liquid_gas(290.0, range_, 0.09 * range_) == towers.NONE
    assert towers.liquid_gas(290.0, range_, 99.0 * range_) == towers.ANY


def test_more_cells_start_where_the_set_point_is_missed():
    warm = tower(set_point=300.5, wet_bulb=298.7, cells=8.0)
    lazy, eager = (replace(warm, stage_miss=m).respond(col(308.0), col(100.0), CP) for m in (np.inf, 0.5))
    assert lazy.running[0, 0] == 1.0
    assert 1.0 < eager.running[0, 0] <= 8.0
    assert eager.offset + eager.slope * 308.0 <= 300.5 + 0.5 + 1e-9
    one_less = replace(warm, running=eager.running - 1.0).respond(col(308.0), col(100.0), CP)
    assert one_less.offset + one_less.slope * 308.0 > 300.5 + 0.5


def test_no_number_of_cells_below_the_wet_bulb_runs_them_all():
    assert tower(set_point=290.0, cells=8.0, stage_miss=0.5).respond(col(308.0), col(100.0), CP).running[0, 0] == 8.0
