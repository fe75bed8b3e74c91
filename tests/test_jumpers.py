"""Jumpers: branches of next to no impedance neither move what is around them nor lose what they carry."""

import numpy as np
import pytest

import twin
from twin.networks.power import STATES, contingencies

RING = [(1, 2, 0.02, 0.08), (2, 3, 0.02, 0.08), (1, 3, 0.02, 0.10)]


def written(path, branches, gens=((1, 0, 1.0), (2, 40, 1.02)), loads=((3, 60, 20), (4, 60, 25)), kinds=(3, 2, 1, 1)):
    """Four or more buses of 110 kV with these branches: ends, resistance, reactance, and the tap if there is one."""
    given = {bus: (p, q) for bus, p, q in loads}
    bus = [(k, kind, *given.get(k, (0, 0)), 0, 0, 1, 1, 0, 110, 1, 1.1, 0.9) for k, kind in enumerate(kinds, 1)]
    gen = [(k, p, 0, 900, -900, v, 100, 1, 250, 0) for k, p, v in gens]
    branch = [(a, b, r, x, 0, 0, 0, 0, *(more or (0,)), 0, 1, -360, 360) for a, b, r, x, *more in branches]
    table = lambda rows: "; ".join(" ".join(map(repr, row)) for row in rows)  # noqa: E731
    text = f"mpc.bus = [{table(bus)}];\nmpc.gen = [{table(gen)}];\nmpc.branch = [{table(branch)}];\n"
    file = path / "net.m"
    file.write_text(f"function mpc = net\nmpc.version = '2';\nmpc.baseMVA = 100;\n{text}")
    return file


def solved(*args, **more):
    found = twin.power_flow(written(*args, **more))
    assert int(found["status"][0]) == 0
    return found


def vm_pu(found):
    return found["vm_pu"].values[:, 0]


@pytest.mark.parametrize("kinds", [(3, 2, 1, 1), (3, 1, 1, 1)], ids=["full Newton", "chord Newton"])
def test_a_jumper_is_a_point_and_carries_what_lies_behind_it(tmp_path, kinds):
    one = solved(tmp_path, RING, loads=((3, 120, 45),), kinds=kinds[:3])
    for x in (1e-8, 1e-10, 1e-12, 1e-14, 1e-20, 1e-30):
        found = solved(tmp_path, [*RING, (3, 4, 0, x)], kinds=kinds)
        np.testing.assert_allclose(vm_pu(found), vm_pu(one)[[0, 1, 2, 2]], atol=max(1e-10, x))
        flow = [found[name].values[3, 0] for name in ("line_p_from_mw", "line_q_from_mvar", "line_q_to_mvar")]
        np.testing.assert_allclose(flow, [60, 25 + 42.25 / vm_pu(found)[3] ** 2 * x, -25], rtol=1e-9)
        np.testing.assert_allclose(found["p_mw"].values[2:, 0], 60, atol=1e-8)
        assert found.attrs["tolerance_pu"] == 1e-10


def test_voltages_go_to_those_of_a_point_as_the_impedance_goes_to_none(tmp_path):
    """Drops are linear in a small impedance: a tenth of it leaves a tenth, on both sides of where jumpers begin."""
    one = vm_pu(solved(tmp_path, RING, loads=((3, 120, 45),), kinds=(3, 2, 1)))[[0, 1, 2, 2]]
    slope = (vm_pu(solved(tmp_path, [*RING, (3, 4, 0, 1e-5)])) - one) / 1e-5
    assert abs(slope[3]) > 0.2
    for x in (3e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8, 1e-9):
        found = solved(tmp_path, [*RING, (3, 4, 0, x)])
        np.testing.assert_allclose(vm_pu(found), one + slope * x, atol=2e-9)


def test_jumpers_beside_each_other_share_by_their_impedances_and_rings_of_them_close(tmp_path):
    pair = solved(tmp_path, [*RING, (3, 4, 0, 3e-10), (4, 3, 0, 1e-10)])
    np.testing.assert_allclose(pair["line_p_from_mw"].values[3:, 0], [15, -45], rtol=1e-8)
    ring = [(3, 4, 0, 1e-12), (4, 5, 0, 1e-12), (5, 3, 0, 2e-12)]
    found = solved(tmp_path, [*RING, *ring], loads=((4, 60, 20), (5, 60, 25)), kinds=(3, 2, 1, 1, 1))
    np.testing.assert_allclose(found["line_p_from_mw"].values[3:, 0], [75, 15, -45], rtol=1e-8)


def test_jumpers_that_cancel_each_other_are_refused(tmp_path):
    with pytest.raises(ValueError, match="net: some of the branches 3-4 4, 3-4 5 cancel each other"):
        twin.power_flow(written(tmp_path, [*RING, (3, 4, 0, 1e-12), (3, 4, 0, -1e-12)]))


def test_a_current_that_passes_a_jumper_on_its_way_drops_on_both_sides(tmp_path):
    """A jumper in the middle of a line is the line with that much more reactance."""
    split = [(1, 2, 0.02, 0.05), (3, 4, 0.02, 0.05), (2, 3, 0, 1e-8)]
    whole = solved(tmp_path, [(1, 2, 0.04, 0.1 + 1e-8)], ((1, 0, 1.0),), ((2, 60, 25),), (3, 1))
    found = solved(tmp_path, split, ((1, 0, 1.0),), ((4, 60, 25),), (3, 1, 1, 1))
    assert vm_pu(found)[3] == pytest.approx(vm_pu(whole)[1], abs=1e-13)
    assert vm_pu(found)[1] - vm_pu(found)[2] == pytest.approx(0.25e-8, rel=0.3)


def test_a_source_without_impedance_is_a_slack_bus(tmp_path):
    """Of any short-circuit power; the jumper of a slack bus carries all that is drawn."""
    gens, loads = ((4, 0, 1.01),), ((2, 30, 10), (3, 60, 25))
    one = solved(tmp_path, RING, ((1, 0, 1.01),), loads, (3, 1, 1))
    found = solved(tmp_path, [*RING, (4, 1, 1e-15, 1e-14)], gens, loads, (1, 1, 1, 3))
    np.testing.assert_allclose(vm_pu(found), vm_pu(one)[[0, 1, 2, 0]], atol=1e-10)
    np.testing.assert_allclose(found["line_p_from_mw"].values[3], one["gen_p_mw"].values[0], rtol=1e-9)


def test_every_scenario_has_drops_of_its_own(tmp_path):
    file = written(tmp_path, [*RING, (3, 4, 1e-9, 1e-8), (1, 4, 0, 0.2)])
    p = np.array([[0.0], [0], [60], [60]]) * np.linspace(-0.5, 3, 9)
    p[0, 4], p[2, 6] = np.nan, 2e3
    together = twin.power_flow(file, p, p / 3)
    assert together["status"].values.tolist() == [0, 0, 0, 0, 3, 0, 1, 0, 0]
    for s in range(9):
        alone = twin.power_flow(file, p[:, s], p[:, s] / 3)
        for name in ("vm_pu", "va_degree", "p_mw", "line_p_from_mw", "line_q_to_mvar", "gen_q_mvar"):
            np.testing.assert_array_equal(together[name].values[:, s], alone[name].values[:, 0], err_msg=name)


def test_reactive_limits_count_at_the_bus_of_the_generator(tmp_path):
    """A generator behind a jumper gives its 9 Mvar at most, a fixed one beside it what it gives."""
    file = written(tmp_path, [*RING, (3, 4, 0, 1e-10)], ((1, 0, 1.0), (4, 10, 1.0), (3, 5, 1.0)), kinds=(3, 1, 1, 2))
    file.write_text(file.read_text().replace("4 10 0 900 -900", "4 10 0 9 -9").replace("3 5 0 900", "3 5 7 900"))
    found = twin.power_flow(file, enforce_q_limits=True)
    np.testing.assert_allclose(found["gen_q_mvar"].values[1:, 0], [9, 7], rtol=1e-9)
    assert vm_pu(found)[3] < 1.0
    np.testing.assert_allclose(found["q_mvar"].values[2:, 0], [20 - 7, 25 - 9], rtol=1e-8)


def test_two_buses_that_hold_a_voltage_are_never_one(tmp_path):
    """Rounding of 1e14 pu leaves no answer between them, and this is told; at 1e6 pu it does."""
    both = dict(gens=((1, 0, 1.0), (3, 0, 0.98), (4, 0, 0.98)), kinds=(3, 1, 2, 2))
    close = solved(tmp_path, [*RING, (3, 4, 0, 1e-4)], **both)
    closer = solved(tmp_path, [*RING, (3, 4, 0, 1e-6)], **both)
    np.testing.assert_allclose(closer["gen_q_mvar"], close["gen_q_mvar"], atol=0.2)
    assert 1e-9 < closer.attrs["tolerance_pu"] < 1e-8
    stiff = twin.power_flow(written(tmp_path, [*RING, (3, 4, 0, 1e-14)], **both))
    assert STATES[int(stiff["status"][0])] == "not_converged"
    assert stiff.attrs["tolerance_pu"] > 0.01


@pytest.mark.parametrize("kinds", [(3, 2, 1, 1), (3, 1, 1, 1)])
def test_a_stiff_transformer_is_solved_or_told(tmp_path, kinds):
    """One of a ratio of 0.98 raises the bus behind it by 1 / 0.98; no answer is the lower one, of 0.06 pu."""
    for x, state in ((1e-6, 0), (1e-8, 0), (1e-14, 2)):
        found = twin.power_flow(written(tmp_path, [*RING, (3, 4, 0, x, 0.98)], kinds=kinds))
        assert int(found["status"][0]) == state
        if state == 0:
            assert vm_pu(found)[3] * 0.98 == pytest.approx(vm_pu(found)[2], abs=1e-6)
            assert vm_pu(found)[3] > 0.9


def test_losing_a_jumper_darkens_what_lies_behind_it(tmp_path):
    file = written(tmp_path, [*RING, (3, 4, 0, 1e-12)], ((1, 0, 1.0),), kinds=(3, 1, 1, 1))
    found = contingencies(file)
    np.testing.assert_allclose(found["unserved_mw"], [0, 0, 0, 60], atol=1e-9)
    assert (found["status"] == 0).all()
    without = solved(tmp_path, [*RING[1:], (3, 4, 0, 1e-12)], ((1, 0, 1.0),), kinds=(3, 1, 1, 1))
    assert found["vm_min_pu"].values[0] == pytest.approx(vm_pu(without).min(), abs=1e-12)


def test_angles_of_a_flow_without_losses_start_what_a_flat_start_does_not(tmp_path):
    """A chain of phase shifters of 50 degrees each, whose angles a file of zeros leaves to be found."""
    file = written(tmp_path, [(k, k + 1, 0.001, 0.05, 1.0) for k in range(1, 8)], ((1, 0, 1.0), (8, 50, 1.0)),
                   ((4, 60, 20),), (3, 1, 1, 1, 1, 1, 1, 2))  # fmt: skip
    file.write_text(file.read_text().replace("1.0 0 1 -360", "1.0 50 1 -360"))
    shifted = twin.power_flow(file)
    file.write_text(file.read_text().replace("1.0 50 1 -360", "1.0 0 1 -360"))
    plain = twin.power_flow(file)
    assert int(shifted["status"][0]) == 0
    np.testing.assert_allclose(vm_pu(shifted), vm_pu(plain), atol=1e-9)
    turned = np.exp(1j * np.radians(shifted["va_degree"].values[:, 0] + 50 * np.arange(8)))
    np.testing.assert_allclose(turned, np.exp(1j * np.radians(plain["va_degree"].values[:, 0])), atol=1e-9)
