"""Electric chillers at part load and any lift: the published curves, the law beyond them, staging and drops.

P = Q_ref capFT / COP EIRFT EIRFPLR [EnergyPlus Engineering Reference, Chiller:Electric:EIR]; curves from EnergyPlus'
chiller data set: kW, COP, capFT and EIRFT over 1, x, x², y, y², x y (x leaving, y entering, degC), EIRFPLR.
"""

from dataclasses import replace

import numpy as np
import pytest
from physics.benches import bench, heater, limit, of, rise

import twin
from twin import columns
from twin.components.curves import chiller_curves, every_curve, stack
from twin.domains.chillers import ENTERING_ERROR, LEAVING_ERROR, Chiller

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


LEAVING, ENTERING = {"carrier_30xa500": 0.020}, 0.025
"""Rise of ln COP per kelvin of leaving water, 0.027 of chillers cooled by water, and fall per kelvin of entering."""


def growth(name, dx, dy):
    """COP so many kelvins of leaving and entering temperature from the box, over that at the nearest point of it."""
    return np.exp(LEAVING.get(name, 0.027) * dx - ENTERING * dy)


def published(name, x, y):
    return CURVES[name][1] / biquadratic(CURVES[name][3], x, y)


def cop(result):
    return of(result, "chiller_duty") / of(result, "chiller_power")


def full(name, x, y, **ratings):
    """COP at full load of a shipped machine, as its law gives it."""
    one = np.ones((1, np.size(x)))
    law = Chiller(set_point=280 * one, count=one, curves=stack([chiller_curves()[name]]), **ratings)
    return law.performance(one * x + K, one * y + K)[1][0]


@pytest.mark.parametrize(
    ("name", "x", "y", "expected"),
    [
        ("york_yk", 18.9, 20.0, 9.78),  # 7.466 at 8.9 degC, times e^0.27
        ("trane_rthc", 30.0, 20.0, 13.85),  # 8.07 at 10 degC, times e^0.54
        ("carrier_19xr", 3.7, 20.0, 5.926),  # 6.426 at 6.7 degC, over e^0.081
        ("carrier_19ex", 8.0, 39.4, 5.105),  # 6.554 in water of 29.4 degC, over e^0.25
        ("carrier_19xr", 8.0, 33.9, 4.792),  # 6.153 in water of 23.9 degC, over e^0.25
        ("york_yk", 7.0, 2.8, 10.19),  # 7.937 in water of 12.8 degC, times e^0.25
        ("carrier_30xa500", 20.0, 45.0, 2.86),  # 2.34 at 10 degC, times e^0.2
    ],
)
def test_beyond_the_curves_cop_grows_by_so_much_a_kelvin(name, x, y, expected):
    near = [np.clip(v, *box) for v, box in zip((x, y), BOX[name], strict=True)]
    by_hand = published(name, *near) * growth(name, x - near[0], y - near[1])
    assert full(name, x, y) == pytest.approx(by_hand, rel=1e-4)
    assert by_hand == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(
    ("x", "y", "edge"),
    [
        (30.0, 35.0, 2.8681),  # best of 35 degC or hotter: at 7.2 degC, while it is 2.832 at 10 degC
        (8.0, 20.0, 3.3635),  # best at 29 degC of 8 degC or colder: at 4.6 degC, while it is 3.288 at 8 degC
        (7.0, 50.0, 2.2352),  # worst at 46 degC or cooler of 7 degC or warmer: what it is
        (6.0, 49.0, 2.2029),
    ],
)
def test_where_the_curves_of_a_machine_bend_the_law_takes_the_best_or_worst_beyond(x, y, edge):
    """Carrier 30XA500: COP falls as water gets warmer, from 4.6 to 10 degC in air of 29 degC."""
    name = "carrier_30xa500"
    (coldest, warmest), (coolest, hottest) = BOX[name]
    near_x, near_y = np.clip(x, coldest, warmest), np.clip(y, coolest, hottest)
    if x > warmest or y < coolest:
        X, Y = np.meshgrid(np.linspace(coldest, near_x, 801), np.linspace(near_y, hottest, 801))
        found = published(name, X, Y).max()
    else:
        X, Y = np.meshgrid(np.linspace(near_x, warmest, 801), np.linspace(coolest, near_y, 801))
        found = published(name, X, Y).min()
    assert found == pytest.approx(edge, rel=2e-4)
    assert full(name, x, y) == pytest.approx(edge * growth(name, x - near_x, y - near_y), rel=2e-4)


def test_the_shape_of_an_edge_gives_way_within_three_kelvin():
    """Carrier 30XA500 in air of 35 degC: from 2.832 at 10 degC to the best, 2.868, at 13 degC, halfway at 11.5 degC."""
    name = "carrier_30xa500"
    here, best = published(name, 10.0, 35.0), 2.8681
    assert full(name, 11.5, 35.0) == pytest.approx(0.5 * (here + best) * growth(name, 1.5, 0.0), rel=1e-4)
    x = np.linspace(10.0, 13.0, 31)
    expected = (here + (best - here) * (x - 10) / 3) * growth(name, x - 10, 0.0)
    np.testing.assert_allclose(full(name, x, np.full(31, 35.0)), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "x", "y"), [("carrier_30xa500", 36.0, 35.0), ("york_yk", 14.0, 20.0), ("trane_rthc", 8.0, 30.0)]
)
def test_a_plant_takes_the_power_of_the_law_and_the_capacity_of_the_edge(name, x, y):
    result = run(name, [x], [y], [0.3])
    p = of(result, "chiller_fan_speed")
    assert cop(result) == pytest.approx(full(name, x, y) * p / plr(name, p), rel=2e-3)
    assert of(result, "chiller_warning") == 1
    near = [np.clip(v, *box) for v, box in zip((x, y), BOX[name], strict=True)]
    carried = of(result, "chiller_duty") / of(result, "chiller_loading")
    assert carried == pytest.approx(capacity(name, *near), rel=2e-3)


def test_no_chiller_is_better_than_fifteen_outside_its_curves():
    """York YK at 36 degC in water of 20 degC would be at 7.46 e^0.73 = 15.5; one of COP 5 at 12.3."""
    assert full("york_yk", 36.0, 20.0) == 15.0
    expected = 5 / 6.32 * published("york_yk", 8.9, 20.0) * growth("york_yk", 27.1, 0.0)
    assert full("york_yk", 36.0, 20.0, cop=5.0) == pytest.approx(expected, rel=1e-4)
    assert expected == pytest.approx(12.27, abs=0.01)
    # what curves have inside, a machine keeps: 19.2 of one of COP 16 at the edge, and no more beyond
    edge = 16 / 6.32 * published("york_yk", 8.9, 20.0)
    np.testing.assert_allclose(full("york_yk", [8.9, 20.0], [20.0, 20.0], cop=16.0), edge, rtol=1e-3)


# ---- all shipped machines ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machines():
    """Law of all shipped machines, as many rows; COP 1 and 1 W of those that have none."""
    curves = stack(list(every_curve().values()))
    rated = curves._replace(**{k: np.nan_to_num(getattr(curves, k), nan=1.0) for k in ("cop", "capacity")})
    one = np.ones((len(every_curve()), 1))
    return Chiller(set_point=280 * one, count=one, curves=rated)


def test_every_machine_has_its_rating_at_its_reference(machines):
    c = machines.curves
    capacity, cop, _ = machines.performance(c.leaving + K, c.entering + K)
    assert (np.abs(capacity / c.capacity - 1) < 0.05).all() and (np.abs(cop / c.cop - 1) < 0.053).all()
    assert np.median(np.abs(cop / c.cop - 1)) < 0.008
    np.testing.assert_allclose(c.plr.sum(axis=0), 1, atol=0.05)


def test_beyond_its_box_no_machine_gets_worse_with_warmer_water_or_better_with_a_hotter_condenser(machines):
    """From the box outwards on any line, and on lines that pass it by three kelvin or more."""
    (coldest, warmest), (coolest, hottest) = machines.curves.leaving_box, machines.curves.entering_box
    out, steps, inside = np.linspace(0, 30, 61)[None], np.linspace(0, 1, 9), np.linspace(0, 1, 41)[None]
    at = lambda x, y: machines.performance(x + 0 * y + K, y + 0 * x + K)[1]  # noqa: E731
    rises = lambda cop: (np.diff(cop, axis=1) >= -1e-9).all()  # noqa: E731
    for t in steps:
        x, y = coldest + t * (warmest - coldest), coolest + t * (hottest - coolest)
        for edge in (y, hottest + 9 * t, coolest - 9 * t):
            assert rises(at(warmest + out, edge)) and rises(-at(coldest - out, edge))
        for edge in (x, warmest + 9 * t, coldest - 9 * t):
            assert rises(at(edge, coolest - out)) and rises(-at(edge, hottest + out))
        past = 3.0 + 9 * t
        along_x = np.concatenate(
            [coldest - 30 * (1 - inside), coldest + inside * (warmest - coldest), warmest + out], 1
        )
        along_y = np.concatenate(
            [coolest - 30 * (1 - inside), coolest + inside * (hottest - coolest), hottest + out], 1
        )
        assert rises(at(along_x, hottest + past)) and rises(at(along_x, coolest - past))
        assert rises(-at(warmest + past, along_y)) and rises(-at(coldest - past, along_y))


def test_at_the_edge_of_its_box_no_machine_jumps(machines):
    (coldest, warmest), (coolest, hottest) = machines.curves.leaving_box, machines.curves.entering_box
    x, y = (a + np.linspace(0, 1, 21)[None] * (b - a) for a, b in ((coldest, warmest), (coolest, hottest)))
    for near, beyond in (
        ((warmest, y), (warmest + 1e-5, y)),
        ((coldest, y), (coldest - 1e-5, y)),
        ((x, hottest), (x, hottest + 1e-5)),
        ((x, coolest), (x, coolest - 1e-5)),
    ):
        a, b = (machines.performance(p + 0 * q + K, q + 0 * p + K)[1] for p, q in (near, beyond))
        np.testing.assert_allclose(a, b, rtol=1e-5)


def withheld(machines, which, **rates):
    """Errors of ln COP, kelvins and machines: the law that knows part of each box against the curves in the rest.

    Leaving water from 8 degC on, of machines that have at least 2 K on that side; the other half of entering.
    """
    c, some = machines.curves, np.linspace(0, 1, 9)
    (coldest, warmest), (coolest, hottest) = c.leaving_box, c.entering_box
    middle, cut = 0.5 * (coolest + hottest), np.full_like(coldest, 8.0)
    limited = {
        "warmer": {"leaving_box": np.stack([coldest, cut])},
        "colder": {"leaving_box": np.stack([cut, warmest])},
        "hotter": {"entering_box": np.stack([coolest, middle])},
        "cooler": {"entering_box": np.stack([middle, hottest])},
    }[which]
    law = replace(machines, curves=c._replace(**limited), **rates)
    known = {"warmer": (warmest >= 9.9) & (coldest <= 7.3), "colder": (warmest >= 9.9) & (coldest <= 6.2)}
    d = np.linspace(0.5, 27.0, 54)[None]
    found = []
    for t in some:
        if which in known:
            x, y = cut + d if which == "warmer" else cut - d, coolest + t * (hottest - coolest) + 0 * d
        else:
            x, y = coldest + t * (warmest - coldest) + 0 * d, middle + d if which == "hotter" else middle - d
        here = (coldest <= x) & (x <= warmest) & (coolest <= y) & (y <= hottest) & known.get(which, True)
        error = np.log(law.performance(x + K, y + K)[1] / machines.performance(x + K, y + K)[1])
        found.append((error[here], (d + 0 * x)[here], (np.arange(len(x))[:, None] + 0 * x)[here].astype(int)))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


SIDES = ("warmer", "colder", "hotter", "cooler")


def test_the_growth_of_cop_is_that_of_the_published_machines(machines):
    """Least squares through the edge: 1.9 % (air) and 2.7 % (water) a kelvin of leaving water, 2.5 % of entering."""
    still = dict(leaving_rate=np.zeros((308, 1)), entering_rate=0.0)
    parts = {side: withheld(machines, side, **still) for side in SIDES}

    def rate(sides, air=None):
        error, d, which = (np.concatenate([parts[side][k] for side in sides]) for k in range(3))
        chosen = slice(None) if air is None else machines.curves.air[which, 0] == air
        return np.abs(error * d)[chosen].sum() / (d**2)[chosen].sum()

    assert rate(SIDES[:2], True) == pytest.approx(0.020, abs=0.0025)
    assert rate(SIDES[:2], False) == pytest.approx(0.027, abs=0.0025)
    assert rate(SIDES[2:]) == pytest.approx(0.025, abs=0.0025)


def test_nine_of_ten_machines_keep_within_what_is_told_of_the_law(machines):
    """1.6 % a kelvin of leaving water and 1.2 % of entering; far from the box as near it."""
    sides = {side: withheld(machines, side) for side in SIDES}
    for names, told in ((SIDES[:2], LEAVING_ERROR), (SIDES[2:], ENTERING_ERROR)):
        error, d = (np.concatenate([sides[side][k] for side in names]) for k in range(2))
        assert np.percentile(np.abs(error) / d, 90) == pytest.approx(told, rel=0.15)
        assert np.abs(np.mean(error / d)) < 0.002
    error, d = (np.concatenate([v[k] for v in sides.values()]) for k in range(2))
    for kelvin, known in ((1, 0.013), (2, 0.026), (4, 0.046), (8, 0.073), (12, 0.114), (20, 0.203), (26, 0.321)):
        assert np.percentile(np.abs(error[np.abs(d - kelvin) < 0.01]), 90) == pytest.approx(known, abs=0.005)


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


def test_a_machine_that_stands_still_gives_its_condenser_nothing():
    """One before it leaves the water colder than its set point; nothing moves in its condenser."""
    rest = "rest: {type: air_chiller, set_point: 5 degC, capacity: 9 MW, flow: 100 kg/s, drop: 1 Pa}"
    layout = plant("york_yk").replace("components:\n", f"components:\n  {rest}\n")
    layout = layout.replace("rack.return, one.in", "rack.return, rest.in").replace(
        "connections:\n", "connections:\n  - [coolant, rest.out, one.in]\n  - [power, grid.out, rest.feed]\n"
    )
    solution = twin.solve(layout, {"one.set_point": [7 + K], "mover.in_service": [0.0]}).solution
    still = solution[columns.cooler.running] == 0
    assert still.sum() == 2 and (solution[columns.cooler.rejected][still] == 0).all()


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
    expected = near * np.exp(2 * 0.020) * p / (0.5 + 0.3 * p + 0.2 * p**2)
    assert cop(beyond) == pytest.approx(expected, rel=1e-9)
