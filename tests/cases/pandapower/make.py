"""Builds `plant.json` and `expected.json` with pandapower; run by hand, `python make.py`, where that is installed."""

import json
from pathlib import Path

import pandapower as pp
from pandapower.control import DiscreteTapControl

HERE = Path(__file__).parent


def plant():
    """A facility with what the reader knows: taps at both sides, switches of all kinds, shunts, generators."""
    net = pp.create_empty_network(sn_mva=10.0, f_hz=60.0)
    grid, high, medium, gas = (pp.create_bus(net, kv, index=i) for i, kv in ((3, 138), (5, 138), (9, 34.5), (11, 34.5)))
    boards = [pp.create_bus(net, 0.415, index=20 + k) for k in range(4)]
    aside, dark, tie = pp.create_bus(net, 34.5, index=31), pp.create_bus(net, 34.5, index=32), pp.create_bus(net, 34.5)
    pp.create_ext_grid(net, grid, vm_pu=1.02, va_degree=12.0)
    common = dict(r_ohm_per_km=0.08, x_ohm_per_km=0.32, c_nf_per_km=12.0, max_i_ka=0.6)
    pp.create_line_from_parameters(net, grid, high, 8.0, g_us_per_km=0.2, parallel=2, **common)
    pp.create_line_from_parameters(net, medium, gas, 1.2, df=0.8, **common)
    half = pp.create_line_from_parameters(net, medium, aside, 2.0, **common)
    gone = pp.create_line_from_parameters(net, medium, dark, 2.0, **common)
    pp.create_switch(net, aside, half, et="l", closed=False)
    pp.create_switch(net, medium, gone, et="l", closed=False)
    pp.create_switch(net, dark, gone, et="l", closed=False)
    pp.create_transformer_from_parameters(
        net, high, medium, sn_mva=60, vn_hv_kv=138, vn_lv_kv=34.5, vk_percent=11, vkr_percent=0.35, pfe_kw=40,
        i0_percent=0.08, shift_degree=30, tap_side="hv", tap_neutral=0, tap_min=-9, tap_max=9, tap_step_percent=1.25,
        tap_pos=0, tap_changer_type="Ratio",
    )  # fmt: skip
    for k, (bus, where) in enumerate(zip(boards, (medium, medium, gas, gas), strict=True)):
        pp.create_transformer_from_parameters(
            net, where, bus, sn_mva=3, vn_hv_kv=34.5, vn_lv_kv=0.43, vk_percent=6, vkr_percent=0.9, pfe_kw=4,
            i0_percent=0.4, shift_degree=150, parallel=1 + k % 2, tap_side="lv", tap_neutral=2, tap_min=0, tap_max=4,
            tap_step_percent=2.5, tap_pos=k, tap_changer_type="Ratio",
        )  # fmt: skip
        pp.create_load(net, bus, 1.6 + 0.2 * k, 0.5, scaling=0.9, const_z_p_percent=20, const_z_q_percent=20)
    pp.create_switch(net, boards[0], boards[1], et="b", closed=True)
    pp.create_switch(net, boards[2], boards[3], et="b", closed=False)
    pp.create_switch(net, gas, tie, et="b", closed=True, z_ohm=0.05)
    pp.create_load(net, tie, 2.0, 0.7)
    pp.create_load(net, dark, 1.0)
    pp.create_gen(net, gas, p_mw=6.0, vm_pu=1.01, min_q_mvar=-5, max_q_mvar=8)
    pp.create_sgen(net, aside, 0.4, 0.05)
    pp.create_storage(net, tie, 0.3, max_e_mwh=1.0, q_mvar=-0.1)
    pp.create_shunt(net, medium, q_mvar=-3.0, p_mw=0.01, vn_kv=33.0, step=2)
    pp.create_ward(net, medium, 0.5, 0.1, 0.2, 0.05)
    pp.create_impedance(net, medium, gas, 0.01, 0.08, sn_mva=30.0)
    off, rise = pp.create_bus(net, 34.5, index=40, in_service=False), pp.create_bus(net, 35.0, index=41)
    pp.create_line_from_parameters(net, medium, off, 3.0, **common)
    pp.create_line_from_parameters(net, medium, rise, 0.5, **common)
    pp.create_load(net, rise, 0.8, 0.2)
    idle = pp.create_transformer_from_parameters(
        net, medium, pp.create_bus(net, 0.415, index=42), sn_mva=2, vn_hv_kv=34.5, vn_lv_kv=0.42, vk_percent=5,
        vkr_percent=1, pfe_kw=5, i0_percent=0.6,
    )  # fmt: skip
    pp.create_switch(net, 42, idle, et="t", closed=False)
    DiscreteTapControl(net, 0, 1.02, 1.035)
    return net


def answers(net, **options):
    pp.runpp(net, calculate_voltage_angles=True, tolerance_mva=1e-11, **options)
    column = lambda table, name: [None if v != v else v for v in net[table][name].tolist()]  # noqa: E731
    names = {"res_bus": ("vm_pu", "va_degree", "p_mw", "q_mvar"), "res_gen": ("p_mw", "q_mvar")}
    names |= {
        "res_line": ("p_from_mw", "q_to_mvar", "i_from_ka", "pl_mw", "loading_percent"),
        "res_ext_grid": ("p_mw",),
    }
    names |= {"res_trafo": ("p_hv_mw", "q_lv_mvar", "pl_mw", "i_lv_ka")}
    found = {f"{t}.{c}": column(t, c) for t, columns in names.items() for c in columns}
    return found | {"tap_pos": column("trafo", "tap_pos")}


if __name__ == "__main__":
    pp.to_json(plant(), str(HERE / "plant.json"))
    expected = {f"{m} model": answers(plant(), trafo_model=m) for m in ("t", "pi")}
    expected["tap control"] = answers(plant(), trafo_model="t", run_control=True)
    (HERE / "expected.json").write_text(json.dumps({"pandapower": pp.__version__, **expected}, indent=1) + "\n")
