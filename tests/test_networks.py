"""Power flow as an API of its own: balances, limits, failures that stay alone, files that are refused."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from twin.networks.power import STATES, contingencies, read_power_network
from twin.readers.records import DEAD, PQ, PV, SLACK, PowerNetwork

CASES = Path(__file__).parent / "cases" / "ieee"


def network(n=2, ends=((0, 1),), z=0.01 + 0.03j, load=0.0, **more):
    """A network of n buses, bus 0 the slack at 1 pu."""
    start, end = np.array(ends).T
    m, zero = len(start), np.zeros(n, complex)
    fields = dict(
        name="n", base_mva=1.0, bus=np.arange(n), vn_kv=np.full(n, 10.0), kind=np.r_[SLACK, np.full(n - 1, PQ)],
        load=zero + load, shunt=zero, start=start, end=end, branch=np.arange(m).astype(str), trafo=np.zeros(m, bool),
        series=1 / (np.zeros(m) + z), charging=np.zeros(m, complex), ratio=np.ones(m, complex),
        rating=np.full(m, np.inf), in_service=np.ones(m, bool), gen_bus=np.array([0]), gen_power=np.zeros(1),
        gen_voltage=np.ones(1), gen_min_q=np.full(1, -np.inf), gen_max_q=np.full(1, np.inf),
        gen_in_service=np.ones(1, bool), initial=np.ones(n, complex),
    )  # fmt: skip
    return PowerNetwork(**(fields | more))


def drawn(seed, n, links, generators):
    """A random meshed network with some generators that hold 1.02 pu."""
    rng = np.random.default_rng(seed)
    tree = [(int(rng.integers(0, k)), k) for k in range(1, n)]
    more = [tuple(map(int, pair)) for pair in rng.integers(0, n, (links, 2)) if pair[0] != pair[1]]
    ends = tree + more
    at = np.r_[0, rng.choice(np.arange(1, n), min(generators, n - 1), replace=False)].astype(int)
    kind = np.full(n, PQ)
    kind[at], kind[0] = PV, SLACK
    k = len(at)
    return network(
        n,
        ends,
        rng.uniform(0.002, 0.01, len(ends)) + 1j * rng.uniform(0.01, 0.03, len(ends)),
        rng.uniform(0, 0.3, n) + 1j * rng.uniform(-0.05, 0.1, n),
        kind=kind,
        shunt=1j * rng.uniform(-0.05, 0.05, n),
        charging=1j * rng.uniform(0, 0.02, len(ends)),
        ratio=np.where(rng.random(len(ends)) < 0.2, rng.uniform(0.95, 1.05, len(ends)), 1.0) + 0j,
        gen_bus=at,
        gen_power=rng.uniform(0, 0.3, k),
        gen_voltage=np.r_[1.0, np.full(k - 1, 1.02)],
        gen_min_q=np.full(k, -np.inf),
        gen_max_q=np.full(k, np.inf),
        gen_in_service=np.ones(k, bool),
    )


def unbalanced(net, result):
    """Power that is missing at each bus, MVA: generation less load, shunts and what enters branches."""
    v = result["vm_pu"].values * np.exp(1j * np.radians(result["va_degree"].values))
    rest = -np.conj(net.shunt)[:, None] * np.abs(v) ** 2 * net.base_mva - net.load[:, None] * net.base_mva
    np.add.at(rest, net.gen_bus, result["gen_p_mw"].values + 1j * result["gen_q_mvar"].values)
    for element, rows, ends in (("line", ~net.trafo, ("from", "to")), ("trafo", net.trafo, ("hv", "lv"))):
        for end, at in zip(ends, (net.start[rows], net.end[rows]), strict=True):
            p, q = (result[f"{element}_{x}"].values for x in (f"p_{end}_mw", f"q_{end}_mvar"))
            np.subtract.at(rest, at, p + 1j * q)
    return np.abs(rest)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(2, 25), st.integers(0, 12), st.integers(0, 4))
def test_power_balances_at_every_bus(seed, n, links, generators):
    net = drawn(seed, n, links, generators)
    result = twin.power_flow(net)
    assert int(result["status"][0]) == 0
    assert unbalanced(net, result).max() < 1e-8
    held = net.kind >= PV
    np.testing.assert_allclose(
        result["vm_pu"].values[held, 0], np.where(net.kind == SLACK, 1.0, 1.02)[held], atol=1e-12
    )


@pytest.mark.parametrize("power", [0.1, 1.5 + 0.4j, -0.8 + 0.2j])
def test_two_buses_satisfy_the_biquadratic(power):
    z = 0.01 + 0.03j
    result = twin.power_flow(network(load=np.array([0, power]), z=z))
    b = 2 * np.real(np.conj(z) * power) - 1
    square = (-b + np.sqrt(b**2 - 4 * abs(z * power) ** 2)) / 2
    assert float(result["vm_pu"][1, 0]) ** 2 == pytest.approx(square, abs=1e-10)


def test_chord_and_full_newton_agree():
    net = read_power_network(CASES / "case33bw.m")
    through_chord = twin.power_flow(net)
    turned = replace(net, kind=net.kind.copy(), gen_bus=np.r_[net.gen_bus, 5], gen_power=np.r_[net.gen_power, 0.0],
        gen_voltage=np.r_[net.gen_voltage, 1.0], gen_min_q=np.r_[net.gen_min_q, 0.0],
        gen_max_q=np.r_[net.gen_max_q, 0.0], gen_in_service=np.r_[net.gen_in_service, True])  # fmt: skip
    turned.kind[5] = PV
    through_newton = twin.power_flow(turned, enforce_q_limits=True)
    np.testing.assert_allclose(through_newton["vm_pu"], through_chord["vm_pu"], atol=1e-9)


def test_parallel_lines_share():
    result = twin.power_flow(network(ends=((0, 1), (0, 1), (1, 0)), load=np.array([0, 0.9])))
    flow = result["line_p_from_mw"].values[:, 0]
    np.testing.assert_allclose(flow[:2], result["line_p_to_mw"].values[2, 0])
    assert float(result["line_pl_mw"].sum()) == pytest.approx(float(-result["p_mw"].sum()), rel=1e-9)


def test_reactive_limits_bind_and_let_go():
    net = read_power_network(CASES / "case14.m")
    free = twin.power_flow(net)
    q = free["gen_q_mvar"].values[:, 0]
    limited = replace(net, gen_max_q=np.where(net.gen_bus == net.gen_bus[1], 0.5 * q[1] / net.base_mva, np.inf))
    result = twin.power_flow(limited, enforce_q_limits=True)
    at = net.gen_bus[1]
    assert float(result["gen_q_mvar"][1, 0]) == pytest.approx(0.5 * q[1], rel=1e-8)
    assert float(result["vm_pu"][at, 0]) < net.gen_voltage[1]
    assert unbalanced(net, result).max() < 1e-7
    loose = replace(net, gen_max_q=np.where(net.gen_bus == at, 2 * q[1] / net.base_mva, np.inf))
    np.testing.assert_allclose(twin.power_flow(loose, enforce_q_limits=True)["vm_pu"], free["vm_pu"], atol=1e-9)


def test_a_bad_scenario_stays_alone():
    net = read_power_network(CASES / "case33bw.m")
    scale = np.linspace(0.2, 1.4, 40)
    p, q = (net.base_mva * part[:, None] * scale for part in (net.load.real, net.load.imag))
    good = twin.power_flow(net, p, q)
    assert (good["status"] == 0).all()
    p = p.copy()
    p[7, 3], p[:, 20] = np.nan, 50 * p[:, 20]
    bad = twin.power_flow(net, p, q)
    assert STATES[int(bad["status"][3])] == "invalid"
    assert STATES[int(bad["status"][20])] == "beyond_loadability"
    assert np.isnan(bad["vm_pu"][:, 20]).all()
    others = np.delete(np.arange(40), [3, 20])
    np.testing.assert_array_equal(bad["vm_pu"].values[:, others], good["vm_pu"].values[:, others])
    alone = twin.power_flow(net, p[:, 11], q[:, 11])
    np.testing.assert_array_equal(alone["vm_pu"].values[:, 0], good["vm_pu"].values[:, 11])


def test_a_bus_without_supply_has_no_voltage():
    net = network(3, ((0, 1), (1, 2)), load=np.array([0, 0.1, 0.1]), in_service=np.array([True, False]))
    result = twin.power_flow(net)
    assert int(result["status"][0]) == 0
    assert np.isnan(result["vm_pu"].values[2, 0])
    assert float(result["gen_p_mw"][0, 0]) == pytest.approx(0.1, rel=1e-2)


def test_results_state_their_conventions():
    result = twin.power_flow(CASES / "case14.m")
    assert "pi models" in result.attrs["conventions"]
    assert "from side" in result.attrs["conventions"]
    assert result["vm_pu"].attrs["units"] == "1"
    assert result["line_loading_percent"].dims == ("line", "scenario")


def test_contingencies_say_what_goes_dark_and_what_binds():
    net = network(
        4, ((0, 1), (0, 1), (1, 2), (2, 3)), load=np.array([0, 0.1, 0.2, 0.3]), rating=np.array([0.5, 0.5, 1.0, 1.0])
    )
    result = contingencies(net)
    np.testing.assert_allclose(result["unserved_mw"], [0, 0, 0.5, 0.3], atol=1e-12)
    assert result["loading_max_branch"].values[0] == "1"
    assert 120 < result["loading_max_percent"].values[0] < 130
    assert (result["status"] == 0).all()
    for k in range(4):
        alone = twin.power_flow(replace(net, in_service=np.arange(4) != k))
        assert result["vm_min_pu"].values[k] == pytest.approx(np.nanmin(alone["vm_pu"]), abs=1e-8)


# ---- files -------------------------------------------------------------------------------------------------------

SMALL = """function mpc = small
mpc.version = '2';
mpc.baseMVA = 10;
mpc.bus = [ % kW here
 1 3 0 0 0 0 1 1 0 12.66/2 1 1 1;
 2 1 1000, 500 0 0 1 1 0 12.66/2 1 1 1 ];
mpc.gen = [ 1 0 0 10 -10 1.0 100 1 10 0 ];
mpc.branch = [
 1 2 0.4 ...
   0.3 0 0 0 0 0 0 1 -360 360;
];
%% convert branch impedances from Ohms to p.u.
[PQ, PV, REF, NONE, BUS_I, BUS_TYPE] = idx_bus;
Vbase = mpc.bus(1, BASE_KV) * 1e3;      %% in Volts
Sbase = mpc.baseMVA * 1e6;              %% in VA
mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R BR_X]) / (Vbase^2 / Sbase);
mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 1e3;
"""


def written(tmp_path, text, name="small.m"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_conversions_at_the_end_of_a_case_are_applied(tmp_path):
    net = read_power_network(written(tmp_path, SMALL))
    ohm = 6.33**2 / 10
    np.testing.assert_allclose(1 / net.series, (0.4 + 0.3j) / ohm)
    np.testing.assert_allclose(net.load, [0, 0.1 + 0.05j])


@pytest.mark.parametrize(
    ("statement", "factor"),
    [
        ("mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 2 * 4;", 2.0),
        ("mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 10 / 10;", 0.01),
        ("k = 3; mpc.bus(:, [PD, QD]) = k .* mpc.bus(:, [PD, QD]);", 3.0),
        ("%{\nmpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) * 7;\n%}", 1.0),
        ("pf = 0.8; mpc.bus(:, PD) = mpc.bus(:, PD) * cos(acos(pf)) / 0.8;", 1.0),
    ],
)
def test_statements_mean_what_they_mean_in_matlab(tmp_path, statement, factor):
    plain = read_power_network(written(tmp_path, SMALL))
    changed = read_power_network(written(tmp_path, SMALL + statement + "\n"))
    np.testing.assert_allclose(changed.load, factor * plain.load)


def test_fields_that_are_not_read_are_told_but_for_costs_and_names(tmp_path):
    more = (
        "mpc.gencost = [2 0 0 1 0];\nmpc.bus_name = {'a'; 'b'};\nmpc.dcline = [1 2 1 10 10 0 0 1 1 0 20 0 0 0 0 0 0];\n"
    )
    told = twin.power_flow(written(tmp_path, SMALL + more)).attrs["conventions"]
    assert "mpc.dcline is not read" in told and "cost" not in told and "name" not in told


@pytest.mark.filterwarnings("error")
def test_without_base_voltages_all_but_currents_is_solved(tmp_path):
    text = SMALL.replace("mpc.bus(1, BASE_KV)", "6.33").replace(" 0 0 0 0 0 0 1 -360", " 0 2 0 0 0 0 1 -360")
    with_base = twin.power_flow(written(tmp_path, text))
    without = twin.power_flow(written(tmp_path, text.replace("12.66/2", "0")))
    assert "no currents at buses without BASE_KV" in without.attrs["conventions"]
    for name, values in with_base.data_vars.items():
        expected = np.nan * values if name.startswith("line_i_") else values
        np.testing.assert_array_equal(without[name], expected, err_msg=name)
    assert with_base["line_loading_percent"].values[0, 0] > 50


def test_odd_spellings_are_read(tmp_path):
    text = (
        SMALL.replace("'2'", '"2"').replace("mpc.baseMVA = 10;", "mpc.baseMVA = 10").replace("0.4 ...", "0.4 ... % x")
    )
    text = text.replace("10 0 ];", "10 0, ];")
    np.testing.assert_array_equal(read_power_network(written(tmp_path, text)).load, [0, 0.1 + 0.05j])


def test_reactive_power_of_a_generator_without_voltage_control_counts(tmp_path):
    text = SMALL.replace("mpc.gen = [ 1 0 0", "mpc.gen = [ 2 0.02 0.03 10 -10 1.0 100 1 10 0; 1 0 0")
    result = twin.power_flow(written(tmp_path, text))
    assert result["gen_q_mvar"].values[0, 0] == pytest.approx(0.03)
    assert result["q_mvar"].values[1, 0] == pytest.approx(0.5 - 0.03, abs=1e-9)


def test_a_dead_bus_neither_takes_power_nor_hides_its_neighbour():
    net = network(3, ((0, 1), (0, 2)), load=np.array([0, 0.1, 0.1]), kind=np.array([SLACK, PQ, DEAD]))
    for kind in (net.kind, np.array([SLACK, PV, DEAD])):
        more = {} if kind is net.kind else dict(
            gen_bus=np.array([0, 1]), gen_power=np.zeros(2), gen_voltage=np.ones(2), gen_min_q=np.full(2, -np.inf),
            gen_max_q=np.full(2, np.inf), gen_in_service=np.ones(2, bool))  # fmt: skip
        result = twin.power_flow(replace(net, kind=kind, **more))
        assert np.isfinite(result["gen_p_mw"]).all()
        assert result["gen_p_mw"].values[0, 0] == pytest.approx(0.1, rel=1e-2)
        assert np.isnan(result["vm_pu"].values[2, 0]) and result["p_mw"].values[2, 0] == 0


def test_short_lines_do_not_look_like_collapse():
    chain = tuple((k, k + 1) for k in range(29))
    kind = np.r_[SLACK, np.full(28, PQ), PV]
    net = network(30, chain, 1e-7j, 0.01, kind=kind, gen_bus=np.array([0, 29]), gen_power=np.array([0.0, 0.1]),
        gen_voltage=np.ones(2), gen_min_q=np.full(2, -np.inf), gen_max_q=np.full(2, np.inf),
        gen_in_service=np.ones(2, bool))  # fmt: skip
    assert int(twin.power_flow(net)["status"][0]) == 0


def test_a_branch_from_a_bus_to_itself_is_a_shunt():
    net = network(3, ((0, 1), (1, 2), (1, 1)), load=np.array([0, 0, 0.1]), charging=np.array([0, 0, 0.2j]))
    other = network(3, ((0, 1), (1, 2)), load=np.array([0, 0, 0.1]), shunt=np.array([0, 0.2j, 0]))
    np.testing.assert_allclose(twin.power_flow(net)["vm_pu"], twin.power_flow(other)["vm_pu"], atol=1e-9)


def test_threads_do_not_share_buffers():
    net = read_power_network(CASES / "case33bw.m")
    load = net.load.real * 100
    alone = [twin.power_flow(net, s * load)["vm_pu"].values for s in (0.2, 1.0)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda k: twin.power_flow(net, (0.2, 1.0)[k % 2] * load)["vm_pu"].values, range(200)))
    for k, result in enumerate(both):
        np.testing.assert_array_equal(result, alone[k % 2])


def test_loads_that_do_not_fit_together_are_refused():
    with pytest.raises(ValueError, match="p_mw and q_mvar have 3 and 4 scenarios"):
        twin.power_flow(network(), np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="loads are"):
        twin.power_flow(network(), np.zeros((2, 0)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("'2'", "'1'"), "small.m: not a MATPOWER case of version 2"),
        (("mpc.gen =", "mpc.none ="), "small.m: no table mpc.gen"),
        (("mpc.baseMVA = 10;", "mpc.baseMVA = 0;"), "small.m: mpc.baseMVA is not above 0"),
        (("];\n%% convert", "]' * 2;\n%% convert"), "mpc.branch: write one matrix in brackets and nothing behind it"),
        ((" 2 1 1000", " 2.5 1 1000"), "BUS_I is no whole number"),
        ((" 2 1 1000", " 2 5 1000"), "BUS_TYPE is none of 1, 2, 3, 4"),
        (("[PD, QD]) / 1e3;", "[PD, QX]) / 1e3;"), "mpc.bus has no column 'QX'"),
        (("Vbase =", "if 0\n mpc.bus(:, PD) = mpc.bus(:, PD) * 2;\nend\nVbase ="), "does not know the statement"),
        (("Vbase =", "mpc = scale_load(2, mpc);\nVbase ="), "does not know the statement"),
        ((" 2 1 1000", " 2 1 x1000"), "small.m: .*x1000"),
        (("-10 1.0 100 1 10 0 ]", "-10 1.0 ]"), "mpc.gen: row 1 has 6 columns"),
        ((" 1 2 0.4", " 1 7 0.4"), "there is no bus 7"),
        ((" 2 1 1000", " 1 1 1000"), "a bus number stands twice"),
        (("mpc.bus(:, [PD, QD]) =", "mpc.bus(3:4, PD) ="), "does not know the statement"),
        (("0.4 ...\n   0.3", "0 ...\n 0"), "branch 1-2 1 has no impedance"),
        ((" 1 3 0 0", " 1 1 0 0"), "no slack bus"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path, change, message):
    assert change[0] in SMALL
    with pytest.raises(ValueError, match=message):
        read_power_network(written(tmp_path, SMALL.replace(*change, 1)))


def test_other_endings_and_missing_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        twin.power_flow(tmp_path / "none.m")
    with pytest.raises(ValueError, match=r"'\.txt' is neither \.m"):
        twin.power_flow(written(tmp_path, SMALL, "small.txt"))


def test_loads_of_another_size_are_refused():
    with pytest.raises(ValueError, match="loads have 3 rows for 2 buses"):
        twin.power_flow(network(), np.zeros((3, 4)))
