"""pandapower networks are solved as pandapower does, to the last table and column; what is not read is refused."""

import json

import numpy as np
import pytest

import twin
from twin.readers import pandapower_tables as tables

pp = pytest.importorskip("pandapower")
import pandapower.control as control  # noqa: E402
import pandas as pd  # noqa: E402


def line(**more):
    """Two buses of 20 kV, a line, a load."""
    net = pp.create_empty_network()
    a, b = pp.create_bus(net, 20.0), pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, a)
    pp.create_line_from_parameters(net, a, b, 5, 0.3, 0.35, 10, 0.4)
    pp.create_load(net, b, 2.0, 1.0, **more)
    return net, b


def station(vm_pu=0.97, load=15.0, **more):
    """A transformer of 25 MVA whose taps of 1.5 % are at its high-voltage side unless `more` says otherwise."""
    net = pp.create_empty_network()
    a, b = pp.create_bus(net, 110.0), pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, a, vm_pu=vm_pu)
    pp.create_transformer(net, a, b, "25 MVA 110/20 kV", tap_pos=0)
    pp.create_load(net, b, load, load / 3)
    for column, value in more.items():
        net.trafo[column] = value
    return net


def written(net, path):
    pp.to_json(net, str(path / "net.json"))
    return path / "net.json"


def agree(net, path, atol=1e-8, **options):
    """Ours and pandapower's voltages of a network are the same; ours comes back."""
    found = twin.power_flow(written(net, path), tap_control=options.get("run_control", False))
    assert int(found["status"][0]) == 0
    pp.runpp(net, calculate_voltage_angles=True, tolerance_mva=1e-10, **options)
    np.testing.assert_allclose(found["vm_pu"].values[:, 0], net.res_bus.vm_pu, atol=atol)
    np.testing.assert_allclose(found["va_degree"].values[:, 0], net.res_bus.va_degree, atol=1e-6)
    return found


def test_every_table_and_column_of_pandapower_has_been_decided():
    for name, table in pp.create_empty_network().items():
        if not isinstance(table, pd.DataFrame) or name.startswith(("res_", "_empty_res_")):
            continue
        if name not in tables.REFUSED and name not in tables.IGNORED:
            decided = {*tables.READ[name].split(), *tables.HARMLESS[name].split(), *tables.IN_USE.get(name, ())}
            assert set(table.columns) <= decided, name


@pytest.mark.parametrize("step", [1, 4])
def test_a_shunt_gives_what_its_table_says_of_its_step(tmp_path, step):
    """Four steps of -0.3 Mvar would be -1.2 Mvar; the table says -1.0."""
    net, b = line()
    mvar = {1: -0.3, 2: -0.55, 3: -0.8, 4: -1.0}
    net["shunt_characteristic_table"] = pd.DataFrame(
        {
            "id_characteristic": [3] * 4,
            "step": list(mvar),
            "q_mvar": list(mvar.values()),
            "p_mw": [0.0, 0.001, 0.002, 0.003],
        }
    )
    more = dict(id_characteristic_table=3, step_dependency_table=True)
    pp.create_shunt(net, b, q_mvar=-0.3, p_mw=0.0, step=step, max_step=4, vn_kv=20.0, **more)
    found = agree(net, tmp_path)
    vm_pu = found["vm_pu"].values[1, 0]
    assert found["p_mw"].values[1, 0] == pytest.approx(2.0 + 0.001 * (step - 1) * vm_pu**2, abs=1e-7)
    assert found["q_mvar"].values[1, 0] == pytest.approx(1.0 + mvar[step] * vm_pu**2, abs=1e-7)
    if step == 4:
        assert vm_pu == pytest.approx(0.992339, abs=5e-7)


@pytest.mark.parametrize(
    "trafo", [{}, {"tap_side": "lv"}, {"vn_lv_kv": 21.0}, {"tap_pos": -3}, {"tap_max": 1, "tap_min": -1}], ids=str
)
@pytest.mark.parametrize("load", [15.0, -20.0])
def test_continuous_tap_changers_stop_where_pandapowers_do(tmp_path, trafo, load):
    """Within 0.1 % of the voltage aimed at, after the same steps, or at the end of the range."""
    net = station(load=load, **trafo)
    control.ContinuousTapControl(net, element_index=0, vm_set_pu=1.0)
    found = agree(net, tmp_path, run_control=True)
    assert found["tap_pos"].values[0, 0] == pytest.approx(net.trafo.tap_pos[0], abs=1e-6)
    ends = net.trafo.tap_pos[0] in (net.trafo.tap_min[0], net.trafo.tap_max[0])
    assert ends or found["vm_pu"].values[1, 0] == pytest.approx(1.0, abs=1.001e-3)


def test_a_continuous_tap_changer_without_bounds_goes_beyond_its_range(tmp_path):
    net = station(vm_pu=0.97, tap_min=-1, tap_max=1)
    control.ContinuousTapControl(net, element_index=0, vm_set_pu=1.0, check_tap_bounds=False, tol=1e-6)
    assert agree(net, tmp_path, run_control=True)["tap_pos"].values[0, 0] < -3


def test_a_controller_of_several_transformers_moves_each(tmp_path):
    net = station()
    b = pp.create_bus(net, 20.0)
    pp.create_transformer(net, 0, b, "25 MVA 110/20 kV", tap_pos=0)
    pp.create_load(net, b, 24.0, 8.0)
    control.DiscreteTapControl.from_tap_step_percent(net, element_index=[0, 1], vm_set_pu=1.0)
    found = agree(net, tmp_path, run_control=True)
    assert found["tap_pos"].values[:, 0].tolist() == net.trafo.tap_pos.tolist()
    assert len(set(net.trafo.tap_pos)) == 2


def test_a_changer_with_nothing_to_do_is_let_be(tmp_path):
    net = station()
    control.DiscreteTapControl(net, element_index=0, vm_lower_pu=0.99, vm_upper_pu=1.01, side="hv")
    agree(net, tmp_path, run_control=True)


def test_every_scenario_has_continuous_taps_of_its_own(tmp_path):
    net = station()
    control.ContinuousTapControl(net, element_index=0, vm_set_pu=1.0)
    file, p = written(net, tmp_path), np.array([[0.0], [1.0]]) * np.linspace(-20, 20, 7)
    together = twin.power_flow(file, p, p / 3, tap_control=True)
    for s in range(7):
        alone = twin.power_flow(file, p[:, s], p[:, s] / 3, tap_control=True)
        for name in ("vm_pu", "tap_pos", "trafo_pl_mw"):
            np.testing.assert_array_equal(together[name].values[:, s], alone[name].values[:, 0])


def turning(net):
    net.trafo["tap_step_degree"] = 5.0
    control.ContinuousTapControl(net, 0, 1.0)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda net: [control.DiscreteTapControl(net, 0, 0.99, 1.01, level=i) for i in (0, 1)], "levels 0 and 1"),
        (lambda net: control.DiscreteShuntController(net, 0, vm_set_pu=1.0), "a DiscreteShuntController, is not read"),
        (turning, "taps that turn"),
    ],
)
def test_controllers_that_are_not_read_refuse_tap_control_alone(tmp_path, how, message):
    net = station()
    pp.create_shunt(net, 1, q_mvar=-0.3, p_mw=0.0)
    how(net)
    file = written(net, tmp_path)
    assert int(twin.power_flow(file)["status"][0]) == 0
    with pytest.raises(ValueError, match=rf"net\.json: tap_control: .*{message}"):
        twin.power_flow(file, tap_control=True)


def test_controllers_of_time_series_change_nothing(tmp_path):
    net = station()
    control.ConstControl(net, "load", "p_mw", 0)
    np.testing.assert_array_equal(
        twin.power_flow(written(net, tmp_path), tap_control=True)["vm_pu"],
        twin.power_flow(written(station(), tmp_path))["vm_pu"],
    )


def with_curve(net):
    pp.create_gen(net, 1, 5.0, vm_pu=1.0)
    net.gen["reactive_capability_curve"] = True


def test_curves_of_reactive_power_refuse_limits_alone(tmp_path):
    net = station()
    with_curve(net)
    file = written(net, tmp_path)
    assert int(twin.power_flow(file)["status"][0]) == 0
    with pytest.raises(ValueError, match="enforce_q_limits: gen 0: curves of reactive power are not read"):
        twin.power_flow(file, enforce_q_limits=True)


def own_table(net):
    net["electrolyser"] = pd.DataFrame({"bus": [0, 1], "p_mw": [1.0, 2.0], "in_service": [False, True]})


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda net: net.trafo.__setitem__("tap_dependency_table", True), "trafo 0: tap tables are not read"),
        (lambda net: net.trafo.__setitem__("tap_dependent_impedance", True), "trafo 0: impedances by tap are not read"),
        (lambda net: net.trafo.__setitem__("tap_changer_type", "Tabular"), "trafo 0: taps of type Tabular are not"),
        (lambda net: pp.create_shunt(net, 1, 1.0, step=2, id_characteristic_table=0, step_dependency_table=True),
         "shunt 0: shunt_characteristic_table has no step 2 of characteristic 0"),
        (lambda net: pp.create_motor(net, 1, 0.5, 0.9), "motor 0 is in service, and motor is not read"),
        (lambda net: pp.create_load_dc(net, pp.create_bus_dc(net, 0.8), 0.5), "bus_dc 0 is in service"),
        (own_table, "electrolyser 1 is in service, and electrolyser is not read"),
        (lambda net: pp.set_user_pf_options(net, distributed_slack=True), "distributed_slack True is not followed"),
        (lambda net: pp.set_user_pf_options(net, voltage_depend_loads=False), "voltage_depend_loads False is not"),
        (lambda net: net.switch.__setitem__("et", "x"), "switch 0: et 'x' is none of b, l, t, t3"),
        (lambda net: net.__setitem__("format_version", "4.0.0"), "of version 4.0.0; 2 and 3 are read"),
    ],
)  # fmt: skip
def test_what_changes_the_answer_and_is_not_read_is_refused(tmp_path, how, message):
    net = station()
    pp.create_switch(net, 0, 1, et="b", closed=False)
    how(net)
    with pytest.raises(ValueError, match=rf"net\.json: .*{message}"):
        twin.power_flow(written(net, tmp_path))


def test_what_is_its_owners_and_what_is_out_of_service_is_let_be(tmp_path):
    net, b = line()
    plain = twin.power_flow(written(net, tmp_path))
    pp.create_motor(net, b, 0.5, 0.9, in_service=False)
    pp.create_measurement(net, "v", "bus", 1.0, 0.01, b)
    pp.create_poly_cost(net, 0, "ext_grid", 1.0)
    net.line["colour"], net["remarks"] = "blue", pd.DataFrame({"text": ["hello"]})
    pp.set_user_pf_options(net, init="flat", tolerance_mva=1e-3)
    np.testing.assert_array_equal(twin.power_flow(written(net, tmp_path))["vm_pu"], plain["vm_pu"])


def test_the_model_of_transformers_is_that_of_the_networks_options(tmp_path):
    net = station(pfe_kw=200.0, i0_percent=2.0)
    pp.set_user_pf_options(net, trafo_model="pi")
    pi = agree(net, tmp_path)
    net = station(pfe_kw=200.0, i0_percent=2.0)
    assert abs(agree(net, tmp_path)["vm_pu"] - pi["vm_pu"]).max() > 1e-6


def test_networks_of_version_2_0_are_text_within_json_and_those_of_1_are_told(tmp_path):
    file = written(line()[0], tmp_path)
    document = json.loads(file.read_text())
    plain = twin.power_flow(file)
    old = document | {"_object": json.dumps(document["_object"] | {"version": "2.0.1", "format_version": "2.0.1"})}
    file.write_text(json.dumps(old))
    np.testing.assert_array_equal(twin.power_flow(file)["vm_pu"], plain["vm_pu"])
    file.write_text('{"bus": {"_module": "pandas.core.frame", "_class": "DataFrame", "_object": "{}"}, "version": 1.6}')
    with pytest.raises(ValueError, match=r"version 1\.6; 2 and 3 are read: load it with pandapower's from_json"):
        twin.power_flow(file)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["case6470rte", "case6495rte", "case6515rte"])
def test_national_grids_start_from_the_angles_of_a_flow_without_losses(tmp_path, name):
    """From 1 pu and no angles neither pandapower's Newton nor ours gets there."""
    import pandapower.networks as networks

    net = getattr(networks, name)()
    found = twin.power_flow(written(net, tmp_path))
    assert int(found["status"][0]) == 0
    pp.runpp(net, tolerance_mva=1e-7)
    np.testing.assert_allclose(found["vm_pu"].values[:, 0], net.res_bus.vm_pu, atol=1e-8)
    np.testing.assert_allclose(found["va_degree"].values[:, 0], net.res_bus.va_degree, atol=1e-6)
