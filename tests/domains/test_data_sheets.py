"""Laws of the solve against published numbers: a measured cold plate, data sheets of coolant distribution units."""

import numpy as np
import pytest
from tables import run, table

from twin import columns
from twin.components.compute import LiquidRack
from twin.components.cooling import films
from twin.domains import compute, thermal
from twin.domains.between import Coolant, Turn
from twin.domains.moisture import Wetness
from twin.elements import Engine, Exchange
from twin.fluids import fluid

# Case to inlet, K/W, by L/min: OCP OAI 1 kW cold plate, figures 7 and 8, as recorded in Modelica Buildings.
PLATE_PG25 = {
    0.5: 0.0325, 0.6: 0.0300, 0.7: 0.0280, 0.8: 0.0265, 0.9: 0.0255, 1.0: 0.0245, 1.2: 0.0230,
    1.4: 0.0220, 1.6: 0.0214, 1.8: 0.0209, 2.0: 0.0204, 2.2: 0.0200, 2.4: 0.0197,
}  # fmt: skip
PLATE_WATER = {2.0: 0.0172, 3.0: 0.0160, 4.0: 0.0154, 5.0: 0.0151}


@pytest.mark.parametrize("plates", [1.0, 72.0])
@pytest.mark.parametrize(("name", "points"), [("pg25", PLATE_PG25), ("water", PLATE_WATER)])
def test_one_law_gives_the_measured_cold_plate_for_both_fluids(name, points, plates):
    liquid, T = fluid(name), 303.15
    flow, measured = np.array(list(points)) / 60e3 * liquid.density(T), np.array(list(points.values()))
    given = {f: LiquidRack.model_fields[f].default for f in ("plate_spread", "plate_conduction")}
    rest = dict.fromkeys(("maldistribution", "sink_resistance", "junction_to_case", "interface_spread"), 0.0)
    engine = table(Engine, plates=plates, chip_scale=1.0, sink_flow=1.0, **given, **rest)
    cp, k = liquid.heat_capacity(T), liquid.conductivity(T)
    resistance = [compute.thermal_resistances(0, 0, engine, plates * m, cp, k)[0] for m in flow]
    np.testing.assert_allclose(resistance, measured, atol=0.7e-3)


@pytest.mark.parametrize(
    ("duty", "supply", "water", "hot", "cold", "hot_cp", "conductance", "ntu", "effectiveness"),
    [  # duty [W], coolant supply and facility water [degC], flows [kg/s]
        (2000e3, 29.8, 26.8, 31.48, 32.30, 3947.0, 558e3, 4.48, 0.843),  # Google Deschutes, OCP 2026
        (1368e3, 36.0, 32.0, 20.6, 20.6, 3998.0, 313e3, 3.81, 0.806),  # Vertiv XDU1350, SL-70799
    ],
)
def test_an_exchanger_of_a_data_sheets_conductance_passes_its_duty(
    duty, supply, water, hot, cold, hot_cp, conductance, ntu, effectiveness
):
    film_hot, film_cold = films(conductance)
    exchange = exchanger(film_hot=film_hot, film_cold=film_cold, rated_hot=hot, rated_cold=cold)
    share = thermal.used(0, 0, exchange, film_hot, cold, hot * hot_cp, cold * 4180.0)
    np.testing.assert_allclose(share, effectiveness, rtol=0.01)
    smaller = min(hot * hot_cp, cold * 4180.0)
    np.testing.assert_allclose(conductance / smaller, ntu, rtol=0.01)
    returned = supply + duty / (hot * hot_cp)
    np.testing.assert_allclose(share * smaller * (returned - water), duty, rtol=0.01)


def test_a_valve_finds_the_flow_that_holds_the_set_point_and_stays_within_its_bounds():
    """Of the second data sheet; more facility water never passes less heat."""
    film_hot, film_cold = films(313e3)
    shape, flow, warm, cold = (1, 3), 20.6, np.array([312.0, 325.0, 325.0]), np.array([303.15, 303.15, 313.4])
    own = dict(film_hot=film_hot, film_cold=film_cold, rated_hot=20.6, rated_cold=20.6)
    exchange = exchanger(shape, **own, set_point=313.15, min_flow=0.412, max_flow=61.8, hot=0, cold=1)
    fluid = table(Coolant, (2, 3), cp=np.array([[3998.0], [4180.0]]))
    stream = table(columns.stream, (2, 3), flow=flow, inlet=np.array([warm, cold]))
    valve = table(thermal.Valves, shape, root=np.nan, slope=np.nan, stroke=4.0)
    for _ in range(6):
        run(thermal.move, shape, exchange, fluid, stream, table(Turn, shape), dry(shape), valve)
        stream.flow[1] = valve.target[0]
    assert valve.root[0, 0] == pytest.approx(0.412)
    assert valve.root[0, 2] == pytest.approx(61.8)
    assert valve.held[0].tolist() == [0.0, 1.0, 0.0]

    def heat(m):
        eps = thermal.used(0, 0, exchange, film_hot, m, flow * 3998.0, m * 4180.0)
        return eps * min(flow * 3998.0, m * 4180.0)

    passed = heat(valve.root[0, 1]) * (warm[1] - cold[1])
    assert warm[1] - passed / (flow * 3998.0) == pytest.approx(313.15, abs=1e-6)
    many = np.array([heat(m) for m in np.linspace(0.0, 100.0, 401)])
    assert many[0] == 0
    assert (np.diff(many) > -1e-6).all()


def dry(shape=(1, 1)):
    """Surfaces on which nothing condenses, and the set point of the data sheet."""
    return table(Wetness, shape, sensible=1.0, total=1.0, aim=313.15)


def exchanger(shape=(1, 1), **fields):
    """An exchanger of counterflow with films of the usual exponent."""
    return table(Exchange, shape, exponent=0.8, **fields)


@pytest.mark.parametrize(("trusted", "strokes"), [(0.0, [4.0, 2.0, 2.0, 2.0**0.5]), (1.0, [4.0, 4.0, 4.0, 4.0])])
def test_a_valve_that_turns_and_would_go_far_shortens_its_stroke(trusted, strokes):
    """To the square root, each time; one that goes on the same way keeps it, and so do all in the first passes."""
    film_hot, film_cold = films(313e3)
    own = dict(film_hot=film_hot, film_cold=film_cold, rated_hot=20.6, rated_cold=20.6)
    exchange = exchanger((1, 1), **own, set_point=313.15, min_flow=0.412, max_flow=61.8, hot=0, cold=1)
    fluid = table(Coolant, (2, 1), cp=np.array([[3998.0], [4180.0]]))
    valve, turn = table(thermal.Valves, (1, 1), root=np.nan, slope=np.nan, stroke=4.0), table(Turn, trusted=trusted)
    found = []
    for warm in (330.0, 312.0, 312.0, 330.0):  # asks for all, for none, for none, for all
        stream = table(columns.stream, (2, 1), flow=20.6, inlet=np.array([[warm], [313.0]]))
        valve.root[...] = np.nan
        run(thermal.move, (1, 1), exchange, fluid, stream, turn, dry(), valve, times=1)
        found.append(valve.stroke[0, 0])
        assert valve.target[0, 0] == pytest.approx(np.clip(valve.root[0, 0], 20.6 / found[-1], 20.6 * found[-1]))
    np.testing.assert_allclose(found, strokes)
