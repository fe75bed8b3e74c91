"""Laws of the coupled solve: conservation, independence of order and neighbours, monotone answers."""

import copy
import pickle

import numpy as np
import pytest
import yaml

import twin
from twin import columns, fluids
from twin.elements import Status
from twin.facility.build import build
from twin.plant.compile import compile
from twin.solver.steady import steady

CELSIUS = 273.15


def solve(text, scenarios=None, **overrides):
    return twin.solve(twin.load(text, overrides={k.replace("__", "."): v for k, v in overrides.items()}), scenarios)


def test_electricity_in_equals_heat_out(small):
    result = solve(small)
    assert result.ok
    assert abs(result.figures.energy_audit[0]) < 1e-6


@pytest.mark.parametrize("dry_bulb", ["-20 degC", "5 degC", "33 degC", "42 degC"])
@pytest.mark.parametrize("utilisation", [0.0, 0.5, 1.0])
def test_audit_closes_in_any_weather_and_load(small, dry_bulb, utilisation):
    result = solve(small, site__dry_bulb=dry_bulb, site__dew_point="-30 degC", rack__utilisation=utilisation)
    assert result.ok
    assert abs(result.figures.energy_audit[0]) < 1e-6


def test_mass_closes_at_every_coolant_node(small):
    result = solve(small)
    plant, flow = result.plant, result.solution[columns.stream.flow][:, 0]
    balance = np.zeros(plant.nodes)
    np.add.at(balance, plant.end, flow)
    np.subtract.at(balance, plant.start, flow)
    balance[plant.outdoor] = 0.0
    assert np.abs(balance).max() < 1e-8 * np.abs(flow).max()


def test_energy_closes_in_every_exchanger(small):
    result = solve(small)
    solution, e, k = result.solution, result.plant.exchange, columns.stream
    flow, T_in, T_out = (solution[c] for c in (k.flow, k.inlet, k.outlet))
    cp = np.full_like(flow, 1006.0)
    fluid = steady_properties(result)
    cp[: len(fluid)] = fluid
    hot = flow[e.hot] * cp[e.hot] * (T_in[e.hot] - T_out[e.hot])
    cold = flow[e.cold] * cp[e.cold] * (T_out[e.cold] - T_in[e.cold])
    np.testing.assert_allclose(hot, cold, rtol=1e-8)
    np.testing.assert_allclose(hot, solution[columns.exchange.duty], rtol=1e-8)
    assert (solution[columns.exchange.effectiveness] <= 1.0 + 1e-12).all()


def steady_properties(result):
    """Specific heat in pipes, that at the mean of the nodes that the pipes of a loop join."""
    plant, T = result.plant, result.solution[columns.node.temperature]
    cp = np.zeros((len(plant.pipe.start), T.shape[1]))
    for medium in plant.medium:
        for loop in np.unique(medium.loop):
            rows = medium.pipes[medium.loop == loop]
            mean = 0.5 * (T[plant.pipe.start[rows]] + T[plant.pipe.end[rows]]).mean(axis=0)
            cp[rows] = fluids.fluid(medium.fluid).heat_capacity(mean)
    return cp


def test_order_of_components_does_not_matter(small):
    data = yaml.safe_load(small)
    turned = dict(data)
    turned["components"] = dict(reversed(data["components"].items()))
    turned["connections"] = [[c, b, a] for c, a, b in reversed(data["connections"])]
    a, b = (twin.solve(build("small", d)) for d in (data, turned))
    for name in a.dataset.data_vars:
        if a.dataset[name].dtype.kind == "f":
            np.testing.assert_array_equal(a.dataset[name].values, b.dataset[name].values)


def test_scenarios_are_bitwise_the_singles(small):
    weather = np.array([263.15, 293.15, 308.15, 315.15])
    load = np.array([0.2, 1.0, 0.7, 0.9])
    batch = solve(small, {"site.dry_bulb": weather, "rack.utilisation": load})
    for i in range(4):
        one = solve(small, {"site.dry_bulb": weather[i : i + 1], "rack.utilisation": load[i : i + 1]})
        for name in ("rack_power", "rack_worst_junction_temperature", "cdu_facility_flow", "utility_power"):
            np.testing.assert_array_equal(one[name].values[:, 0], batch[name].values[:, i])


def test_a_hopeless_scenario_stays_alone(small):
    good = solve(small, {"rack.it_power": np.array([100e3])})
    both = solve(small, {"rack.it_power": np.array([100e3, 2e6])})
    assert both.solution.status[0] == Status.OK
    assert both.solution.status[1] != Status.OK
    assert both.dataset["reason"].values[1]
    np.testing.assert_array_equal(both["rack_power"].values[:, 0], good["rack_power"].values[:, 0])


def test_settles_within_an_iteration_ceiling(small):
    assert solve(small).solution.iterations[0] <= 25


def test_a_restart_from_the_solution_settles_at_once(small):
    plant = compile(twin.load(small))
    first = steady(plant)
    again = steady(plant, first)
    assert again.iterations[0] <= 3
    np.testing.assert_allclose(again[columns.node.temperature], first[columns.node.temperature], atol=1e-5)


def test_a_facility_that_was_solved_is_copied_and_pickled_as_before(small):
    facility = twin.load(small)
    solved = twin.solve(facility)
    for other in (copy.deepcopy(facility), pickle.loads(pickle.dumps(facility))):
        np.testing.assert_array_equal(twin.solve(other)["rack_power"], solved["rack_power"])
    assert len(pickle.dumps(facility)) < 2 * len(pickle.dumps(twin.load(small)))
    assert pickle.loads(pickle.dumps(solved.plant)).scenarios == 1


def test_more_pump_head_never_lowers_flow(small):
    heads = np.linspace(40e3, 300e3, 14)
    result = solve(small, {"cdu.head": heads})
    flow = result["rack_flow"].values[0]
    assert (np.diff(flow) >= -1e-9 * flow[:-1]).all()


def test_warmer_chilled_water_never_lowers_chiller_cop(small):
    set_points = CELSIUS + np.linspace(5.0, 20.0, 16)
    result = solve(small, {"chiller.set_point": set_points})
    names = list(result.dataset["chiller"].values)
    row = names.index("chiller")
    cop = result["chiller_duty"].values[row] / result["chiller_power"].values[row]
    inside = set_points <= CELSIUS + 10.0
    assert (np.diff(cop[~inside]) >= -1e-9).all()


def test_warmer_weather_never_cools_a_chip(small):
    weather = CELSIUS + np.linspace(-10.0, 45.0, 12)
    result = solve(small, {"site.dry_bulb": weather}, site__dew_point="-30 degC")
    junction = result["rack_worst_junction_temperature"].values.max(axis=0)
    assert (np.diff(junction) > -1e-4).all()  # thinner air moves rack fan power a little


def test_a_cap_lowers_power_and_clock(small):
    caps = np.array([900.0, 1100.0, 1300.0, 5000.0])
    result = solve(small, {"rack.power_cap": caps})
    power, clock = result["rack_power"].values[0], result["rack_clock"].values[0]
    assert (np.diff(power) > 0).all() and (np.diff(clock) > 0).all()
    assert clock[-1] == pytest.approx(1.0)


def test_a_hot_coolant_throttles_smoothly(small):
    set_points = CELSIUS + np.linspace(40.0, 64.0, 25)
    result = solve(
        small, {"cdu.set_point": set_points, "cooler.set_point": set_points - 4.0, "trim.set_point": set_points - 4.0}
    )
    clock = result["rack_clock"].values[0]
    assert clock[0] == pytest.approx(1.0, abs=1e-3)
    assert clock[-1] < 0.9
    assert (np.diff(clock) <= 1e-9).all() and np.abs(np.diff(clock)).max() < 0.06
    assert result["tokens_per_s"].values[-1] < result["tokens_per_s"].values[0]


def test_fouling_costs_facility_flow(small):
    clean, foul = (solve(small, cdu__fouling=f"{x} m2 K/W")["cdu_facility_flow"].values[0, 0] for x in ("0", "1e-4"))
    assert foul > clean


def test_altitude_thins_the_air(small):
    low, high = (solve(small, site__elevation=f"{x} m", site__wet_bulb="15 degC") for x in (0, 2500))
    assert high["rack_air_flow"].values[0, 0] <= low["rack_air_flow"].values[0, 0]
    assert high["dry_cooler_fan_speed"].values[0, 0] > low["dry_cooler_fan_speed"].values[0, 0]


def test_both_fractions_of_a_room_hold(small):
    bypass, recirculation = np.array([0.0, 0.05, 0.1, 0.3]), np.array([0.0, 0.2, 0.05, 0.1])
    result = solve(small, {"hall.bypass": bypass, "hall.recirculation": recirculation})
    flow, zone = result.solution[columns.stream.flow], result.plant.zone
    forward, back, past = (flow[v][0] for v in (zone.forward, zone.backward, zone.bypassing))
    np.testing.assert_allclose(back / (forward + back), recirculation, atol=1e-9)
    # other heat of the room adds air that goes by
    assert (past / (forward + past) >= bypass - 1e-9).all()
    assert (np.diff(past[[0, 1, 3]]) > 0).all()


def test_chips_behind_fans_at_full_speed_run_warmer_at_altitude():
    hall = twin.load("h200_hall", overrides={"rack.utilisation": "0.4", "rack.min_fan_speed": "1"})
    result = twin.solve(hall, {"site.elevation": [0.0, 1000.0, 2000.0, 3000.0]})
    assert result.ok
    assert (np.diff(result["rack_junction_temperature"].mean("rack").values) > 0.2).all()


def test_more_accelerators_cost_more(small):
    result = solve(small, {"liquid_rack.chip_scale": [0.5, 1.0, 1.2]})
    servers = result["yearly_cost"].sel(cost_item="servers capital").values
    np.testing.assert_allclose(servers / servers[1], [0.5, 1.0, 1.2], rtol=1e-12)
    np.testing.assert_allclose(result["yearly_cost"].sum("cost_item"), result.figures.annual.total, rtol=1e-12)


def test_provisioned_power_follows_the_design_not_the_weather(small):
    weather = {"site.dry_bulb": [280.15, 303.15, 313.15]}
    text = small.replace("wet_bulb: 20 degC}", "dew_point: 0 degC, design_pue: 1.2}")
    fixed = solve(text, weather).figures.provisioned_power
    assert np.ptp(fixed) == 0.0
    assert np.ptp(solve(text.replace(", design_pue: 1.2", ""), weather).figures.provisioned_power) > 1e4


def test_ventilation_brings_the_dew_point_of_the_weather(small):
    text = small.replace("wet_bulb: 20 degC}", "dew_point: 26 degC}")
    still, open_ = solve(text), solve(text, hall__ventilation="2 m3/s")
    dew = {r.name: r.bound for r in still.worst()}["dew_point"], {r.name: r.bound for r in open_.worst()}["dew_point"]
    assert dew[0] == pytest.approx(CELSIUS + 12.0)
    room = open_["room_dew_point"].values[0, 0]
    assert dew[1] == pytest.approx(room + 2.0) and CELSIUS + 16 < room < CELSIUS + 26
    assert open_["room_condensate"].values[0, 0] > 0  # coils dry what comes in


def test_a_shut_valve_passes_its_leakage_alone(small):
    text = small.replace("  tank: {", "  valve: {type: valve, flow_coefficient: 60 m3/h}\n  tank: {")
    text = text.replace(
        "  - [coolant, pump.out, main.in]",
        "  - [coolant, pump.out, main.in]\n  - [coolant, pump.out, valve.in]\n  - [coolant, valve.out, pump.in]",
    )
    result = solve(text, {"valve.opening": [0.0, 0.02, 0.05, 0.2, 1.0]})
    flow = result["valve_flow"].values[0]
    assert result.ok
    assert (np.diff(flow) > 0).all()
    assert flow[0] < 1e-3 * flow[-1]


@pytest.mark.parametrize(
    ("hall", "racks", "weather"),
    [
        (
            *("frontier", "rack"),
            {"site.dry_bulb": np.linspace(258.65, 308.15, 8), "site.wet_bulb": np.linspace(258.15, 302.15, 8)},
        ),
        ("gb300_hall", "gb300_nvl72", {"site.dry_bulb": np.linspace(253.15, 323.15, 8)}),
        ("h200_hall", "hgx_h200_rack", {"site.dry_bulb": np.linspace(253.15, 323.15, 8)}),
    ],
)
def test_every_weather_and_load_settles(hall, racks, weather):
    load = np.linspace(0.0, 1.0, 9)
    grid = {k: np.repeat(v, 9) if np.ndim(v) else v for k, v in weather.items()} | {
        f"{racks}.utilisation": np.tile(load, 8)
    }
    overrides = {} if hall == "frontier" else {"site.dew_point": "-25 degC"}
    result = twin.solve(twin.load(hall, overrides=overrides), grid)
    assert result.ok, [(i, str(result["reason"].values[i])) for i in np.flatnonzero(result.solution.status)]


def test_of_two_steady_states_the_throttled_one_is_found():
    """At 45 degC with its valves wide open the trim would be short; throttled, it carries the racks."""
    hall = twin.load("gb300_hall", overrides={"site.dry_bulb": "45 degC", "gb300_nvl72.chip_scale": "0.8"})
    loading = twin.solve(hall)["chiller_loading"].sel(chiller="trim").item()
    assert 0.8 < loading < 1.0


def test_dead_loads_give_no_heat(small):
    text = small.replace(
        "  tank: {",
        "  dark: {type: pdu, rating: 1 MW, in_service: false}\n  lamp: {type: house_load, room: hall}\n  tank: {",
    )
    text = text.replace(
        "  - [power, tx.out, board.in]",
        "  - [power, tx.out, board.in]\n  - [power, board.out, dark.in]\n  - [power, dark.out, lamp.feed]",
    )
    result = solve(text)
    assert result.ok
    assert result.figures.facility_power[0] == pytest.approx(solve(small).figures.facility_power[0], rel=1e-6)


def test_racks_without_power_are_as_cool_as_their_coolant(small):
    text = small.replace("ups: {type: ups", "ups: {type: ups, in_service: false")
    result = solve(text)
    assert result["rack_worst_junction_temperature"].max().item() < CELSIUS + 60
    assert "throttling" not in [b.name for b in result.worst() if b.margin < 0]


def test_tokens_follow_a_given_power():
    hall = twin.load("gb300_hall")
    tokens = twin.solve(hall, {"gb300_nvl72.it_power": [1.0, 60e3, 100e3, 140e3]}).figures.tokens_per_s
    assert tokens[0] == 0.0
    assert tokens[1] < tokens[2] < tokens[3]
    assert tokens[3] == pytest.approx(twin.solve(hall).figures.tokens_per_s[0])


def test_failed_scenarios_leave_no_numbers(small):
    result = solve(small, {"cooler.units": [1.0, 1.0], "trim.units": [1.0, 1.0], "pump.head": [180e3, 1.0]})
    failed = result.solution.status != Status.OK
    if failed.any():
        assert np.isnan(result["rack_power"].values[:, failed]).all()
    coordinate = result.dataset["pump.head"]
    assert coordinate.attrs["units"] == "Pa"


def test_coolant_that_runs_backwards_exceeds_a_limit(small):
    text = small.replace("trim.out, cdu.fws_supply]", "trim.out, cdu.fws_return]").replace(
        "cdu.fws_return, pump.in]", "cdu.fws_supply, pump.in]"
    )
    assert [b.margin < 0 for b in solve(text).worst() if b.name == "flow_reversed"] == [True]
