"""Electric chillers at part load and any lift: the published curves, the lift law beyond them, staging and drops.

P = Q_ref capFT / COP EIRFT EIRFPLR [EnergyPlus Engineering Reference, Chiller:Electric:EIR]; curves from EnergyPlus'
chiller data set: kW, COP, capFT and EIRFT over 1, x, x², y, y², x y (x leaving, y entering, degC), EIRFPLR.
"""

import numpy as np
import pytest
from physics.benches import bench, heater, limit, of, rise

import twin

K = 273.15
CURVES = {
    "carrier_30xa500": (
        1609e3,
        2.9,
        (-0.347942648, 0.06373881, -0.000795505, 0.071274146, -0.001066003, -0.000923459),
        (0.089134815, 0.028073448, 0.001690992, 0.023056153, 0.00016638, -0.001502323),
        (0.0, 1.0, 0.0),
    ),
    "york_yk": (
        2275e3,
        6.32,
        (1.034673, -0.01091064, 0.0009019479, 0.009686229, -0.0009160783, 0.002045641),
        (0.8326094, -0.006056615, -0.0003016626, -0.002498578, 0.0004933363, -0.0003125632),
        (0.2735485, 0.2163041, 0.5099054),
    ),
    "carrier_19ex": (
        5208e3,
        6.88,
        (0.5563516, -0.04106264, -0.003164992, 0.05722234, -0.002313857, 0.005377616),
        (0.5198204, -0.0152334, -0.0006391523, 0.02170049, 2.423693e-05, 0.0001432604),
        (0.2334262, 0.3926783, 0.373132),
    ),
    "carrier_19xr": (
        1403e3,
        7.09,
        (0.9601814, -0.003596494, -0.001706786, 0.006272429, -0.0009858212, 0.002611673),
        (1.098641, -0.0248588, -6.240421e-05, -0.001719488, 0.0004887321, 9.618075e-05),
        (0.08788698, 0.2678891, 0.644518),
    ),
    "trane_rthc": (
        1094e3,
        6.55,
        (0.9643756, 0.03820069, 0.0004611891, -0.00517484, -5.784404e-05, -0.0002944185),
        (0.6579136, -0.01133448, 0.0006497057, 0.00731816, 0.0006167738, -0.0009553369),
        (0.1626466, 0.790355, 0.04770888),
    ),
}
BOX = {
    "carrier_30xa500": ((4.4, 10.0), (29.0, 46.0)),
    "york_yk": ((4.4, 8.9), (12.8, 29.4)),
    "carrier_19ex": ((4.4, 8.9), (15.6, 29.4)),
    "carrier_19xr": ((6.7, 12.2), (12.8, 23.9)),
    "trane_rthc": ((5.6, 10.0), (15.6, 23.9)),
}
"""Of leaving water and entering air or water, degC, to a tenth of a kelvin."""
WATER = [n for n in CURVES if n != "carrier_30xa500"]


def biquadratic(c, x, y):
    return c[0] + c[1] * x + c[2] * x**2 + c[3] * y + c[4] * y**2 + c[5] * x * y


def plr(name, p):
    a, b, c = CURVES[name][2 + 2]
    return a + b * p + c * p**2


def capacity(name, x, y):
    return CURVES[name][0] * biquadratic(CURVES[name][2], x, y)


def power(name, x, y, p):
    """W of one machine at a part load."""
    return capacity(name, x, y) / CURVES[name][1] * biquadratic(CURVES[name][3], x, y) * plr(name, p)


def plant(name, more="", site="dry_bulb: 10 degC, dew_point: 0 degC"):
    """A chiller with one rack's heat; water-cooled ones on a loop that a dry cooler holds."""
    air = name == "carrier_30xa500"
    kind = "air_chiller" if air else "water_chiller"
    parts = f"""
        tank: {{type: expansion_tank}}
        {heater(1e6)}
        one: {{type: {kind}, curve: {name}, flow: 100 kg/s, drop: 10 kPa, stage_up: 1, min_entering: 240 K{more}}}
        pump: {{type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, pump_efficiency: 0.8, drive_efficiency: 0.9,
               control: flow, flow: 0.1 m3/s}}
    """
    joints = "rack.return > one.in\none.out > pump.in\npump.out > rack.supply\ntank.port > pump.in"
    if not air:
        parts += """
        other: {type: expansion_tank}
        dry: {type: dry_cooler, set_point: 20 degC, flow: 500 kg/s, units: 20, drop: 0.001 Pa}
        mover: {type: pump, rated_flow: 50 m3/s, shutoff: 2 MPa, pump_efficiency: 0.8, drive_efficiency: 0.9,
                control: flow, flow: 0.2 m3/s}
        """
        joints += "\none.cond_out > mover.in\nmover.out > dry.in\ndry.out > one.cond_in\nother.port > mover.in"
    return bench(parts, joints, site)


def run(name, x, y, part, more="", **scenarios):
    """Power and loading at leaving x, entering y [degC] and a part of the load that one machine carries there."""
    x, y, part = np.broadcast_arrays(*(np.asarray(v, float) for v in (x, y, part)))
    scenarios |= {
        "one.set_point": x + K,
        "rack.it_power": part
        * capacity(name, *(np.clip(v, *box) for v, box in zip((x, y), BOX[name], strict=True)))
        / 8,
        "rack.chip_scale": np.full(x.shape, 8.0),
    }
    scenarios |= {"site.dry_bulb" if name == "carrier_30xa500" else "dry.set_point": y + K}
    if name != "carrier_30xa500":
        scenarios["site.dry_bulb"] = np.minimum(y - 3, 10) + K
    return twin.solve(plant(name, more), {k: np.asarray(v).ravel() for k, v in scenarios.items()})


@pytest.fixture(scope="module", params=CURVES)
def inside(request):
    """Seven points of the box at 25, 50, 75, 100 % load and between."""
    (a, b), (c, d) = ((low + 0.1, high - 0.1) for low, high in BOX[request.param])
    x = np.array([a, b, a, b, 0.5 * (a + b), 0.5 * (a + b), 0.5 * (a + b), a])
    y = np.array([c, c, d, d, c, d, 0.5 * (c + d), 0.5 * (c + d)])
    part = np.array([0.25, 0.5, 0.75, 0.98, 0.4, 0.6, 0.85, 0.18])
    return request.param, x, y, part, run(request.param, x, y, part)


def test_chillers_take_the_published_power_at_part_load(inside):
    name, x, y, part, result = inside
    p = of(result, "chiller_fan_speed")  # part load of each
    np.testing.assert_allclose(p, part, atol=0.01)
    np.testing.assert_allclose(of(result, "chiller_power"), power(name, x, y, p), rtol=4e-5)
    assert (of(result, "chiller_warning") == 0).all()
    np.testing.assert_allclose(of(result, "chiller_supply_temperature") - K, x)


def test_chillers_carry_the_published_capacity(inside):
    name, x, y, _, result = inside
    carried = of(result, "chiller_duty") / of(result, "chiller_loading")
    np.testing.assert_allclose(carried, capacity(name, x, y), rtol=4e-5)
    _, bound = limit(result, "air_chiller_capacity" if name == "carrier_30xa500" else "water_chiller_capacity", "one")
    assert (bound == 1).all()


@pytest.mark.parametrize("name", WATER)
def test_condensers_give_their_loop_duty_and_power(name):
    result = run(name, [7.0], [20.0], [0.7])
    heat = of(result, "dry_cooler_duty")
    pump = of(result, "pump_power", "mover") * 0.9
    assert heat == pytest.approx(of(result, "chiller_duty") + of(result, "chiller_power") + pump, rel=1e-6)


def test_a_condenser_drops_its_pressure_by_the_square():
    flow = np.array([0.1, 0.2])
    scenarios = {"mover.flow": flow, "rack.it_power": [1e6, 1e6], "one.set_point": np.full(2, 7 + K)}
    result = twin.solve(plant("york_yk", ", units: 2, condenser_flow: 80 kg/s, condenser_drop: 50 kPa"), scenarios)
    m = of(result, "pump_flow", "mover")
    np.testing.assert_allclose(rise(result, flow, "mover"), 50e3 * (m / 160) ** 2, rtol=1e-4)
    assert rise(result, 0.1) == pytest.approx(10e3 * (of(result, "pump_flow", "pump") / 200) ** 2, rel=1e-3)


# ---- beyond the box ----------------------------------------------------------------------------------------------


def carnot(x, y, approach):
    """T_e / (T_c - T_e): evaporating 2 K below the water, condensing 13 K above air or 7 K above water."""
    evaporating = x - 2 + K
    return evaporating / max(y + approach + K - evaporating, 3.0)


def published(name, x, y):
    return CURVES[name][1] / biquadratic(CURVES[name][3], x, y)


def cop(result):
    return of(result, "chiller_duty") / of(result, "chiller_power")


@pytest.mark.parametrize(("x", "near"), [(15.0, 10.0), (20.0, 10.0), (30.0, 10.0)])
def test_warmer_water_than_the_curves_know_follows_the_lift(x, near):
    """Carrier 30XA500 in air of 35 degC: 2.83 at 10 degC, where its curves end; 3.2 to 7.5 anchored elsewhere."""
    name = "carrier_30xa500"
    assert published(name, 10.0, 35.0) == pytest.approx(2.83, abs=0.01)
    expected = published(name, near, 35.0) * carnot(x, 35.0, 13) / carnot(near, 35.0, 13)
    result = run(name, [x], [35.0], [0.3])
    assert cop(result) == pytest.approx(expected, rel=1e-4)
    assert of(result, "chiller_warning") == 1
    carried = of(result, "chiller_duty") / of(result, "chiller_loading")
    assert carried == pytest.approx(capacity(name, 10.0, 35.0), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "x", "y", "near", "approach", "hot"),
    [
        ("carrier_30xa500", 7.0, 20.0, (7.0, 29.0), 13, False),
        ("york_yk", 7.0, 11.0, (7.0, 12.8), 7, False),
        ("trane_rthc", 8.0, 14.0, (8.0, 15.6), 7, False),
        ("carrier_30xa500", 7.0, 50.0, (7.0, 46.0), 13, True),
        ("york_yk", 7.0, 34.0, (7.0, 29.4), 7, True),
        ("carrier_19ex", 8.0, 33.0, (8.0, 29.4), 7, True),
        ("carrier_19xr", 8.0, 30.0, (8.0, 23.9), 7, True),
        ("trane_rthc", 8.0, 30.0, (8.0, 23.9), 7, True),
    ],
)
def test_condensers_colder_or_hotter_than_the_curves_know_follow_the_lift(name, x, y, near, approach, hot):
    """Colder: the lift at this water. Hotter: the lift at the reference water, 6.67 or 5.56 degC."""
    at = {"trane_rthc": 5.56}.get(name, 6.67) if hot else x
    expected = published(name, *near) * carnot(at, y, approach) / carnot(at, near[1], approach)
    result = run(name, [x], [y], [0.5])
    p = of(result, "chiller_fan_speed")
    assert cop(result) == pytest.approx(
        p / plr(name, p) * min(expected, max(15.0, published(name, *near))),
        rel=2e-3 if name != "carrier_30xa500" else 1e-4,
    )
    assert of(result, "chiller_warning") == 1


@pytest.mark.parametrize(
    ("name", "least", "entering", "approach", "y"),
    [
        ("carrier_30xa500", 4.4, 35.0, 13, 35.0),
        ("york_yk", 4.4, 26.11, 7, 20.0),
        ("carrier_19xr", 6.7, 12.78, 7, 20.0),
        ("trane_rthc", 5.6, 23.33, 7, 20.0),
        ("carrier_19ex", 4.4, 26.11, 7, 20.0),
    ],
)
def test_colder_water_than_the_curves_know_follows_the_lift_at_the_reference_condenser(
    name, least, entering, approach, y
):
    x = 3.0
    expected = published(name, least, y) * carnot(x, entering, approach) / carnot(least, entering, approach)
    result = run(name, [x], [y], [0.5])
    p = of(result, "chiller_fan_speed")
    assert cop(result) == pytest.approx(p / plr(name, p) * expected, rel=1e-4)


def test_no_chiller_is_better_than_fifteen_outside_its_curves_and_no_lift_less_than_three_kelvin():
    result = run("york_yk", [20.0, 30.0], [20.0, 13.0], [0.5, 0.5])
    p = of(result, "chiller_fan_speed")
    np.testing.assert_allclose(cop(result), 15 * p / plr("york_yk", p), rtol=1e-4)
    # a bad machine on no lift at all: 273.15 + 38 over 3 K, against the same machine at the edge
    worse = run("york_yk", [40.0], [20.0], [0.5], ", cop: 0.5")
    p = of(worse, "chiller_fan_speed")
    scale = 0.5 / 6.32
    expected = scale * published("york_yk", 8.9, 20.0) * (311.15 / 3) / carnot(8.9, 20.0, 7)
    assert cop(worse) == pytest.approx(expected * p / plr("york_yk", p), rel=1e-4) and expected < 15


# ---- ratings, stages, height ---------------------------------------------------------------------------------------


def test_own_ratings_scale_the_curves():
    result = run("york_yk", [7.0], [20.0], [0.4], ", capacity: 2 MW, cop: 5")
    p = of(result, "chiller_fan_speed")
    assert p == pytest.approx(0.4 * 2275 / 2000, abs=3e-3)
    assert of(result, "chiller_power") == pytest.approx(
        power("york_yk", 7.0, 20.0, p) * 2000 / 2275 * 6.32 / 5, rel=1e-4
    )


def test_the_next_machine_starts_at_its_stage_and_all_share_the_load():
    part = np.array([0.89, 0.91, 1.79, 1.81, 2.9])
    result = run("york_yk", 7.0, 20.0, part, ", units: 3", **{"one.stage_up": np.full(5, 0.9)})
    assert of(result, "chiller_running").tolist() == [1, 2, 2, 3, 3]
    p, running = of(result, "chiller_fan_speed"), of(result, "chiller_running")
    np.testing.assert_allclose(p, np.minimum(part / running, 1.0), atol=2e-3)
    np.testing.assert_allclose(of(result, "chiller_power"), running * power("york_yk", 7.0, 20.0, p), rtol=1e-4)
    default = plant("york_yk", ", units: 3").replace(", stage_up: 1,", ",")
    heat = np.array([0.89, 0.91]) * capacity("york_yk", 7.0, 20.0) / 4
    more = {"one.set_point": np.full(2, 7 + K), "rack.it_power": heat, "rack.chip_scale": np.full(2, 4.0)}
    assert of(twin.solve(default, more), "chiller_running").tolist() == [1, 2]


def test_a_machine_below_fifteen_percent_cycles():
    result = run("york_yk", 7.0, 20.0, np.array([0.03, 0.1]))
    p = of(result, "chiller_fan_speed")
    np.testing.assert_allclose(of(result, "chiller_power"), p / 0.15 * power("york_yk", 7.0, 20.0, 0.15), rtol=1e-4)


def test_thin_air_warms_a_condenser_as_if_it_came_in_warmer():
    """13 K of approach times p0 / p - 1: 3.57 K at 2,000 m."""
    high = run("carrier_30xa500", [7.0], [35.0], [0.6], **{"site.elevation": [2000.0]})
    y = 35.0 + 13.0 * (101325 / 79495.12 - 1)
    p = of(high, "chiller_fan_speed")
    assert of(high, "chiller_power") == pytest.approx(power("carrier_30xa500", 7.0, y, p), rel=4e-5)


def test_condensers_draw_recirculated_air():
    layout = plant("carrier_30xa500", site="dry_bulb: 33 degC, dew_point: 0 degC, recirculation: 4 K")
    result = twin.solve(layout, {"one.set_point": [7 + K]})
    p = of(result, "chiller_fan_speed")
    assert of(result, "chiller_power") == pytest.approx(power("carrier_30xa500", 7.0, 37.0, p), rel=4e-5)


def test_without_set_point_water_is_cooled_as_far_as_the_curves_go():
    layout = plant("york_yk", ", set_point: null")
    assert of(twin.solve(layout), "chiller_supply_temperature") - K == pytest.approx(4.4)


def test_a_short_machine_gives_all_it_has():
    """Another follows it, so that the loop has a temperature."""
    rest = "rest: {type: air_chiller, set_point: 7 degC, capacity: 9 MW, flow: 100 kg/s, drop: 1 Pa}"
    layout = plant("york_yk", ", limits_capacity: false")
    layout = layout.replace("components:\n", f"components:\n  {rest}\n").replace("one.out, pump.in", "one.out, rest.in")
    layout = layout.replace(
        "connections:\n", "connections:\n  - [coolant, rest.out, pump.in]\n  - [power, grid.out, rest.feed]\n"
    )
    whole = capacity("york_yk", 7.0, 20.0)
    result = twin.solve(
        layout, {"one.set_point": [7 + K], "rack.it_power": [whole * 1.15 / 4], "rack.chip_scale": [4.0]}
    )
    duty, taken = of(result, "chiller_duty", "one"), of(result, "chiller_power", "one")
    assert duty == pytest.approx(whole, rel=1e-4)
    assert taken == pytest.approx(power("york_yk", 7.0, 20.0, 1.0), rel=1e-4)
    assert of(result, "chiller_loading", "one") == pytest.approx(1.15, rel=2e-3)
    assert not (result.margins.name == "water_chiller_capacity").any()  # a pre-cooler is not judged


def test_a_curve_may_be_written_out():
    """Another machine in the layout itself: air-cooled, 1.2 MW and COP 3 at 8 and 30 degC, half of it at no load."""
    curve = (
        "{condenser: air, capacity: 1.2 MW, cop: 3, leaving: 8 degC, entering: 30 degC, "
        "capacity_curve: [1.1, 0.02, 0.001, -0.008, -0.0001, 0.0002], "
        "input_curve: [0.4, -0.01, 0.0005, 0.02, 0.0002, -0.0003], part_load_curve: [0.5, 0.3, 0.2], "
        "leaving_range: [5 degC, 12 degC], entering_range: [15 degC, 45 degC]}"
    )
    layout = plant("carrier_30xa500").replace("carrier_30xa500", curve)
    y = np.array([20.0, 40.0])
    result = twin.solve(layout, {"one.set_point": np.full(2, 10 + K), "site.dry_bulb": y + K})
    p = of(result, "chiller_fan_speed")
    carried = 1.2e6 * biquadratic((1.1, 0.02, 0.001, -0.008, -0.0001, 0.0002), 10.0, y)
    taken = carried / 3 * biquadratic((0.4, -0.01, 0.0005, 0.02, 0.0002, -0.0003), 10.0, y)
    np.testing.assert_allclose(of(result, "chiller_duty") / p, carried, rtol=1e-9)
    np.testing.assert_allclose(of(result, "chiller_power"), taken * (0.5 + 0.3 * p + 0.2 * p**2), rtol=1e-9)
    assert (of(result, "chiller_warning") == 0).all()
    beyond = twin.solve(layout, {"one.set_point": [14 + K], "site.dry_bulb": [30 + K]})
    p = of(beyond, "chiller_fan_speed")
    assert of(beyond, "chiller_warning") == 1
    near = 3 / biquadratic((0.4, -0.01, 0.0005, 0.02, 0.0002, -0.0003), 12.0, 30.0)
    expected = near * carnot(14.0, 30.0, 13) / carnot(12.0, 30.0, 13) * p / (0.5 + 0.3 * p + 0.2 * p**2)
    assert cop(beyond) == pytest.approx(expected, rel=1e-9)
