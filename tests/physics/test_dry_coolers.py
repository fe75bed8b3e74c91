"""Dry and adiabatic coolers: rating, films, fans, pads and make-up, by hand."""

import numpy as np
import pytest
from physics.benches import bench, crossflow, heater, limit, of
from scipy.optimize import brentq

import twin

K = 273.15
DUTY, IN, OUT, AIR = 2.931e6, 46.1, 40.55, 35.0
"""BAC Trillium TDFS1238N: 2,931 kW, 46.1 to 40.55 degC, air of 35 degC, fans 117.68 kW [Modelica Buildings]."""
FLOW = 126.3
CP_AIR = 1020.0
"""Of outdoor air with its moisture [ASHRAE Fundamentals, ch. 1: 1,006 + 1,860 W at 7.5 g/kg]."""


def density(t, w=0.0, pressure=101325.0):
    """Of moist air [ASHRAE Fundamentals, ch. 1, eq. 26]."""
    return pressure * (1 + w) / (287.042 * (t + K) * (1 + w / 0.621945))


RATED = 375.0 * density(AIR)
"""Air through a unit, kg/s, dry and at sea level: 429.6."""


def humidity(dry, wet, pressure=101325.0):
    """Humidity ratio of air with a wet bulb above freezing [ASHRAE Fundamentals, ch. 1, eq. 33]."""
    T = wet + K
    c = -5.8002206e3 / T + 1.3914993 - 4.8640239e-2 * T + 4.1764768e-5 * T**2 - 1.4452093e-8 * T**3
    vapour = np.exp(c + 6.5459673 * np.log(T))
    held = 0.621945 * vapour / (pressure - vapour)
    return ((2501 - 2.326 * wet) * held - 1.006 * (dry - wet)) / (2501 + 1.86 * dry - 4.186 * wet)


def bench_of(more="", kind="dry_cooler", site="dry_bulb: 35 degC, dew_point: 200 K", flow=FLOW, heat=DUTY):
    """The loop of one cooler: a rack's heat, a pump that moves `flow` kg/s of water; no room but the outdoors."""
    return bench(
        "tank: {type: expansion_tank}\n"
        + heater(heat / 2, ", chip_scale: 2")
        + f"dry: {{type: {kind}, duty: 2.931 MW, water_in: 46.1 degC, water_out: 40.55 degC, flow: {FLOW} kg/s, "
        + f"air_flow: 375 m3/s, fan_power: 117.68 kW, drop: 100 Pa, set_point: null{more}}}\n"
        + f"pump: {{type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, control: flow, flow: {flow / 990.5} m3/s}}",
        "rack.return > dry.in\ndry.out > pump.in\npump.out > rack.supply\ntank.port > pump.in",
        site,
    )


def rated():
    """UA [W/K] at which crossflow passes the rating."""
    C_water, C_air = DUTY / (IN - OUT), RATED * CP_AIR
    wanted = DUTY / (min(C_water, C_air) * (IN - AIR))
    return brentq(lambda ua: crossflow(ua, C_water, C_air) - wanted, 1e4, 1e7)


def inside(inlet, fluid="water", rated_fluid="water"):
    """Film of the coolant at a flow and a temperature [degC] over that of the rating: k^0.6 (cp / mu)^0.4."""

    def film(name, t):
        f = twin.fluids.fluid(name)
        return f.conductivity(t + K) ** 0.6 * (f.heat_capacity(t + K) / f.viscosity(t + K)) ** 0.4

    return film(fluid, inlet) / film(rated_fluid, IN)


def outside(ambient, n_a=0.8):
    """Film of the air at a flow and a temperature [degC] over that of the rating: k mu^-n, k ~ T^0.88, mu ~ T^0.79."""
    return ((ambient + K) / (AIR + K)) ** (0.88 - 0.79 * n_a)


def effect(C, water, air, fouling=0.0, n_w=0.85, n_a=0.8, r=0.5, inlet=IN, ambient=AIR, **fluids):
    """Temperature effectiveness of the coolant: films ~ m_w^0.85 and m_a^0.8, air over water 0.5; flows of a unit.

    [Modelica Buildings, DryCooler, n_w = 0.85, n_a = 0.8, r = 0.5.]
    """
    whole = rated()
    w = (1 + 1 / r) * whole * (water / FLOW) ** n_w * inside(inlet, **fluids)
    a = (1 + r) * whole * (air / RATED) ** n_a * outside(ambient, n_a)
    ua, C_air = 1 / (1 / w + 1 / a + fouling), air * CP_AIR
    return crossflow(ua, C, C_air) * min(C, C_air) / C


def state(result, k=0, kind="dry_cooler"):
    """Inlet and outlet [degC], flow [kg/s], capacity rate [W/K] in scenario k."""
    inlet, outlet = of(result, f"{kind}_return_temperature")[k] - K, of(result, f"{kind}_supply_temperature")[k] - K
    flow = of(result, f"{kind}_flow")[k]
    return inlet, outlet, flow, of(result, f"{kind}_duty")[k] / (inlet - outlet)


def test_a_dry_cooler_meets_its_rating():
    result = twin.solve(bench_of())
    inlet, outlet, _, C = state(result)
    assert (inlet, outlet) == pytest.approx((IN, OUT), abs=0.02)
    assert pytest.approx(DUTY / (IN - OUT), rel=3e-3) == C
    assert of(result, "dry_cooler_power") == pytest.approx(117.68e3, rel=1e-6)
    assert of(result, "dry_cooler_fan_speed") == 1 and of(result, "dry_cooler_water") == 0


def test_off_its_rating_a_coil_follows_both_flows_and_its_fouling():
    """Half the water, thin air at 2,000 m, fouling over UA / 4 kW/m2/K, another U or the area stated."""
    C, far = DUTY / (IN - OUT) * np.array([1.0, 0.5, 1.0, 1.0, 0.3]), np.array([0, 0, 2000.0, 0, 2000.0])
    fouling = np.array([0.0, 0.0, 0.0, 2e-4, 1e-4])
    flow = FLOW / 990.5 * np.array([1.0, 0.5, 1.0, 1.0, 0.3])
    scenarios = {
        "site.elevation": far,
        "dry.fouling": fouling,
        "pump.flow": flow,
        "site.dry_bulb": np.array([15.0, 35, 35, 35, 5]) + K,
    }
    for area, metres in (
        (rated() / 4000, ""),
        (rated() / 2500, ", clean_u: 2500 W/m2/K"),
        (300.0, ", area: 300 m2"),
    ):
        result = twin.solve(bench_of(metres), scenarios)
        for k in range(5):
            inlet, outlet, water, C = state(result, k)
            ambient = scenarios["site.dry_bulb"][k] - K
            pressure = 101325 * (1 - 2.25577e-5 * far[k]) ** 5.2559
            air = 375 * density(ambient, 0, pressure)
            expected = effect(C, water, air, fouling[k] / area, inlet=inlet, ambient=ambient)
            assert inlet - outlet == pytest.approx(expected * (inlet - ambient), rel=2e-4)
            assert of(result, "dry_cooler_power")[k] == pytest.approx(117.68e3 * air / RATED, rel=1e-5)


@pytest.mark.parametrize(
    ("field", "films"),
    [
        ("water_film_exponent: 0.6", {"n_w": 0.6}),
        ("air_film_exponent: 0.5", {"n_a": 0.5}),
        ("film_balance: 2", {"r": 2}),
    ],
)
def test_the_films_of_a_coil_may_be_stated(field, films):
    scenarios = {"site.dry_bulb": np.array([15.0, 35.0]) + K, "site.elevation": [2000.0, 0.0]}
    result = twin.solve(bench_of(", " + field), scenarios | {"pump.flow": FLOW / 990.5 * np.array([1.0, 0.5])})
    for k, (ambient, far) in enumerate(((15.0, 2000.0), (35.0, 0.0))):
        inlet, outlet, water, C = state(result, k)
        air = 375 * density(ambient, 0, 101325 * (1 - 2.25577e-5 * far) ** 5.2559)
        assert inlet - outlet == pytest.approx(
            effect(C, water, air, **films, inlet=inlet, ambient=ambient) * (inlet - ambient), rel=2e-4
        )


def test_units_share_water_and_fouling():
    result = twin.solve(bench_of(", units: 2, fouling: 0.0001 m2K/W", flow=FLOW))
    inlet, outlet, water, C = state(result)
    expected = effect(C / 2, water / 2, RATED, 1e-4 / (rated() / 4000), inlet=inlet)
    assert inlet - outlet == pytest.approx(expected * (inlet - AIR), rel=2e-4)
    assert of(result, "dry_cooler_power") == pytest.approx(2 * 117.68e3, rel=1e-6)
    assert of(result, "dry_cooler_running") == 2


def test_recirculated_air_is_warmer_and_thinner():
    result = twin.solve(bench_of(site="dry_bulb: 35 degC, dew_point: 200 K, recirculation: 3 K"))
    inlet, outlet, water, C = state(result)
    air = 375 * density(38.0)
    assert inlet - outlet == pytest.approx(effect(C, water, air, inlet=inlet, ambient=38.0) * (inlet - 38.0), rel=2e-4)
    assert of(result, "dry_cooler_power") == pytest.approx(117.68e3 * air / RATED, rel=1e-6)


def test_fans_turn_as_fast_as_the_set_point_needs_for_the_cube_of_that():
    result = twin.solve(
        bench_of(", set_point: 38 degC").replace("set_point: null, ", ""),
        {"site.dry_bulb": np.array([30.0, 25.0, 15.0]) + K},
    )
    for k, ambient in enumerate((30.0, 25.0, 15.0)):
        inlet, outlet, water, C = state(result, k)
        assert outlet == pytest.approx(38.0)
        thin = density(ambient) / density(AIR)
        speed = of(result, "dry_cooler_fan_speed")[k]
        assert 0.1 < speed < 1
        assert inlet - 38 == pytest.approx(
            effect(C, water, RATED * thin * speed, inlet=inlet, ambient=ambient) * (inlet - ambient), rel=2e-4
        )
        assert of(result, "dry_cooler_power")[k] == pytest.approx(117.68e3 * thin * speed**3, rel=1e-5)
        loading, bound = limit(result, "dry_cooler_capacity", "dry")
        full = effect(C, water, RATED * thin, inlet=inlet, ambient=ambient) * (inlet - ambient)
        assert bound[0] == 1 and loading[k] == pytest.approx((inlet - 38) / full, rel=2e-4)


def test_below_their_least_speed_fans_run_part_of_the_time():
    more = ", min_fan_speed: 0.3"
    layout = bench_of(more, heat=3e5).replace("set_point: null", "set_point: 38 degC")
    result = twin.solve(layout, {"site.dry_bulb": np.array([15.0]) + K})
    inlet, outlet, water, C = state(result)
    thin = density(15.0) / density(AIR)
    least = effect(C, water, RATED * thin * 0.3, inlet=inlet, ambient=15.0)
    part = (inlet - outlet) / (inlet - 15) / least
    assert 0.02 < part < 1
    assert of(result, "dry_cooler_fan_speed") == pytest.approx(part * 0.3, rel=3e-4)
    assert of(result, "dry_cooler_power") == pytest.approx(117.68e3 * thin * part * 0.027, rel=3e-4)
    default = twin.solve(layout.replace(", min_fan_speed: 0.3", ""), {"site.dry_bulb": np.array([5.0]) + K})
    inlet, outlet, water, C = state(default)
    thin = density(5.0) / density(AIR)
    part = (inlet - outlet) / (inlet - 5) / effect(C, water, RATED * thin * 0.1, inlet=inlet, ambient=5.0)
    assert part < 1 and of(default, "dry_cooler_power") == pytest.approx(117.68e3 * thin * part * 1e-3, rel=3e-4)


def test_below_a_thousandth_of_the_rated_flow_fans_fade_out():
    result = twin.solve(bench_of(heat=2e3), {"pump.flow": FLOW / 990.5 * np.array([4e-4, 2e-3])})
    flow = of(result, "dry_cooler_flow") / FLOW
    np.testing.assert_allclose(of(result, "dry_cooler_power"), 117.68e3 * np.minimum(1e3 * flow, 1), rtol=1e-4)


def test_a_coil_without_a_least_difference_works_at_half_a_kelvin():
    inlet, outlet, water, C = state(twin.solve(bench_of(heat=1e5)))
    assert 0.2 < inlet - AIR < 0.8
    assert inlet - outlet == pytest.approx(effect(C, water, RATED, inlet=inlet) * (inlet - AIR), rel=2e-3)


def test_coolant_colder_than_the_air_goes_round_the_coils():
    layout = bench_of(heat=1e3)
    layout = layout.replace("components:", "components:\n  cold: {type: air_chiller, set_point: 20 degC, drop: 1 Pa}")
    layout = layout.replace(
        "[coolant, dry.out, pump.in]",
        "[coolant, dry.out, cold.in]\n  - [coolant, cold.out, pump.in]\n  - [power, grid.out, cold.feed]",
    )
    result = twin.solve(layout)
    inlet, outlet = (of(result, f"dry_cooler_{way}_temperature")[0] - K for way in ("return", "supply"))
    assert inlet == pytest.approx(outlet, abs=1e-6) and inlet < 20.1
    assert of(result, "dry_cooler_power") == 0


# ---- pads --------------------------------------------------------------------------------------------------------

WEATHER = "dry_bulb: 38 degC, wet_bulb: 20 degC"
HUMIDITY = ((2501 - 2.326 * 20) * 0.0146950 - 1.006 * 18) / (2501 + 1.86 * 38 - 4.186 * 20)
"""kg/kg [ASHRAE Fundamentals, ch. 1, eq. 33], saturated air of 20 degC holding 14.695 g/kg."""


@pytest.mark.parametrize(("kind", "saturation"), [("dry_cooler", 0.6), ("adiabatic_cooler", None)])
def test_wetted_air_comes_nearer_to_the_wet_bulb_and_takes_up_water(kind, saturation):
    """T = T_db - s (T_db - T_wb), s = 0.8 unless stated; latent heat of water at the wet bulb; two cycles double it."""
    more = ", cycles: 2" + (f", saturation: {saturation}" if saturation else "")
    result = twin.solve(bench_of(more, kind, WEATHER))
    inlet, outlet, water, C = state(result, kind=kind)
    drop = (saturation or 0.8) * 18.0
    air = 375 * density(38.0, HUMIDITY)
    assert inlet - outlet == pytest.approx(
        effect(C, water, air, inlet=inlet, ambient=38.0) * (inlet - 38 + drop), rel=3e-4
    )
    evaporated = air * CP_AIR * drop / (2501e3 - 2326 * 20)
    assert of(result, f"{kind}_water") == pytest.approx(2 * evaporated, rel=1e-4)
    assert of(result, "water") == pytest.approx(2 * evaporated, rel=1e-4)


def test_pads_are_wetted_just_as_far_as_full_speed_needs():
    layout = bench_of("", "adiabatic_cooler", WEATHER).replace("set_point: null", "set_point: 40 degC")
    result = twin.solve(layout)
    inlet, outlet, water, C = state(result, kind="adiabatic_cooler")
    assert outlet == pytest.approx(40.0) and of(result, "adiabatic_cooler_fan_speed") == pytest.approx(1)
    air = 375 * density(38.0, HUMIDITY)
    full = effect(C, water, air, inlet=inlet, ambient=38.0)
    needed = 38 - inlet + (inlet - 40) / full
    assert 0 < needed < 0.8 * 18
    loading, _ = limit(result, "adiabatic_cooler_capacity", "dry")  # of what pads as wet as can be would give
    assert loading == pytest.approx((inlet - 40) / full / (inlet - 38 + 0.8 * 18), rel=3e-4)
    evaporated = air * CP_AIR * needed / (2501e3 - 2326 * 20)
    assert of(result, "adiabatic_cooler_water") == pytest.approx(evaporated * 4 / 3, rel=3e-3)  # four cycles


def test_recirculation_warms_the_air_before_the_pads_and_their_wet_bulb():
    result = twin.solve(bench_of("", "adiabatic_cooler", WEATHER + ", recirculation: 2 K"))
    inlet, outlet, water, C = state(result, kind="adiabatic_cooler")
    air = 375 * density(40.0, HUMIDITY)
    assert inlet - outlet == pytest.approx(
        effect(C, water, air, inlet=inlet, ambient=40.0) * (inlet - 40 + 0.8 * 18), rel=3e-4
    )


def test_pads_that_are_wetted_first_spare_the_fans_and_take_more_water():
    """At 25 degC fans alone hold 40 degC; with pads first they do so at their lowest speed, or nearly."""
    site = "dry_bulb: 25 degC, wet_bulb: 15 degC"
    layout = bench_of("", "adiabatic_cooler", site).replace("set_point: null", "set_point: 40 degC")
    last, first = twin.solve(layout), twin.solve(layout.replace("set_point: 40", "wetting: first, set_point: 40"))
    speed = [of(r, "adiabatic_cooler_fan_speed")[0] for r in (last, first)]
    assert of(last, "adiabatic_cooler_water") == 0 and 0.1 < speed[1] < 0.8 * speed[0] < 0.8
    inlet, outlet, water, C = state(first, kind="adiabatic_cooler")
    assert outlet == pytest.approx(40.0)
    w = humidity(25.0, 15.0)
    air = 375 * density(25.0, w) * speed[1]
    wetted = 25 - 0.8 * 10  # all that pads can
    assert inlet - 40 == pytest.approx(effect(C, water, air, inlet=inlet, ambient=25.0) * (inlet - wetted), rel=3e-4)
    evaporated = air * CP_AIR * 8 / (2501e3 - 2326 * 15)
    assert of(first, "adiabatic_cooler_water") == pytest.approx(evaporated * 4 / 3, rel=1e-3)


def test_pads_that_are_wetted_first_are_wetted_just_as_far_as_the_lowest_speed_needs():
    layout = bench_of(
        ", wetting: first, min_fan_speed: 0.5", "adiabatic_cooler", "dry_bulb: 33 degC, wet_bulb: 20 degC"
    )
    result = twin.solve(layout.replace("set_point: null", "set_point: 42.5 degC"))
    inlet, outlet, water, C = state(result, kind="adiabatic_cooler")
    assert outlet == pytest.approx(42.5) and of(result, "adiabatic_cooler_fan_speed") == pytest.approx(0.5)
    air = 375 * density(33.0, humidity(33.0, 20.0)) * 0.5
    needed = 33 - inlet + (inlet - 42.5) / effect(C, water, air, inlet=inlet, ambient=33.0)
    assert 0 < needed < 0.8 * 13
    evaporated = air * CP_AIR * needed / (2501e3 - 2326 * 20)
    assert of(result, "adiabatic_cooler_water") == pytest.approx(evaporated * 4 / 3, rel=3e-3)


def test_pads_are_drained_in_cold_air():
    """At 4 degC, below 5 unless stated, full speed misses the set point and pads stay dry all the same."""
    site = "dry_bulb: 4 degC, wet_bulb: 0.5 degC"
    layout = bench_of("", "adiabatic_cooler", site).replace("set_point: null", "set_point: 5 degC")
    assert of(twin.solve(layout), "adiabatic_cooler_water") == 0
    assert (
        of(twin.solve(layout.replace("drop: 100 Pa", "drop: 100 Pa, wet_above: 3 degC")), "adiabatic_cooler_water") > 0
    )


# ---- published ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [5.0, 10.0, 20.0, 30.0, 40.0, 60.0])
def test_films_follow_temperature_as_wetter_has_them(t):
    """h = h0 (1 + 0.014 / (1 + 0.014 t0) (t - t0)) of water, (1 + 7.8532e-4 (t - t0)) of air, t in degC.

    [M. Wetter, Simulation model finned water-air-coil without condensation, LBNL-42355 (1999); Modelica Buildings,
    HADryCoil.]
    """
    assert inside(t) == pytest.approx(1 + 0.014 / (1 + 0.014 * IN) * (t - IN), rel=0.02)
    for air in (-30.0, t - 15, 45.0):
        assert outside(air) == pytest.approx(1 + 7.8532e-4 * (air - AIR), rel=0.007)


def test_a_cooler_rated_with_water_takes_less_from_a_glycol():
    """Its own coolant is that of the rating unless stated. Half glycol is thicker and conducts less."""
    layout = bench_of().replace("tank: {type: expansion_tank}", "tank: {type: expansion_tank, fluid: pg50}")
    for stated, known in (("", "pg50"), (", rated_fluid: water", "water")):
        result = twin.solve(layout.replace("set_point: null", "set_point: null" + stated))
        inlet, outlet, flow, C = state(result)
        expected = effect(C, flow, RATED, inlet=inlet, fluid="pg50", rated_fluid=known)
        assert inlet - outlet == pytest.approx(expected * (inlet - AIR), rel=1e-3)
    assert inside(IN, "pg50", "water") < 0.6


def test_a_published_adiabatic_cooler_pre_cools_as_its_maker_says():
    """BAC Trillium: 32 degC with a wet bulb of 22 degC comes down to 24 degC, and a third of the water evaporates.

    [Building magazine on the TrilliumSeries, building.co.uk/adiabatic-advances/3114560.article.]
    """
    layout = bench_of("", "adiabatic_cooler", "dry_bulb: 32 degC, wet_bulb: 22 degC")
    layout = layout.replace("type: adiabatic_cooler,", "model: bac_trillium_pads,").replace(
        "fan_power: 117.68 kW, ", ""
    )
    result = twin.solve(layout)
    inlet, outlet, water, C = state(result, kind="adiabatic_cooler")
    air = 375 * density(32.0, humidity(32.0, 22.0))
    assert inlet - outlet == pytest.approx(effect(C, water, air, inlet=inlet, ambient=32.0) * (inlet - 24), rel=5e-4)
    evaporated = air * CP_AIR * 8 / (2501e3 - 2326 * 22)
    assert of(result, "adiabatic_cooler_water") == pytest.approx(3 * evaporated, rel=1e-3)
