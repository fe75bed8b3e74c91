"""Networks of MATPOWER, pandapower and EPANET files by hand: what every column and unit of theirs means.

[MATPOWER User's Manual, ch. 3 and app. B; pandapower documentation, Electric Elements; EPANET 2.2 User Manual, tables
3.1 and A.1.] Two buses, so that the answers have closed forms.
"""

import json

import numpy as np
import pytest

import twin

# ---- MATPOWER ----------------------------------------------------------------------------------------------------


def matpower(path, bus="0 0 0 0", branch="0 1e-9 0 0 0 0 0 0", gen="0 0 99 -99 1.0"):
    load = bus.split()
    (path / "two.m").write_text(f"""function mpc = two
mpc.version = '2';
mpc.baseMVA = 50;
mpc.bus = [ 1 3 0 0 0 0 1 1 0 110 1 1.1 0.9; 2 1 {" ".join(load)} 1 1 0 110 1 1.1 0.9 ];
mpc.gen = [ 1 {gen} 100 1 500 0 ];
mpc.branch = [ 1 2 {branch} 1 -360 360 ];
""")
    found = twin.power_flow(path / "two.m")
    assert int(found["status"][0]) == 0
    return found


def one(found, name, row=0):
    return float(found[name].values[row, 0])


def test_matpower_shunts_are_megawatts_and_megavars_at_one_per_unit(tmp_path):
    """GS is demanded, BS injected."""
    found = matpower(tmp_path, "10 5 4 3")
    assert one(found, "gen_p_mw") == pytest.approx(14, rel=1e-6)
    assert one(found, "gen_q_mvar") == pytest.approx(5 - 3, rel=1e-5)


def test_matpower_branches_charge_sag_and_are_rated_in_megavolt_amperes(tmp_path):
    open_ended = matpower(tmp_path, branch="0 1e-6 0.2 40 0 0 0 0")
    assert one(open_ended, "gen_q_mvar") == pytest.approx(-0.2 * 50, rel=1e-5)
    assert one(open_ended, "line_loading_percent") == pytest.approx(100 * 10 / 40, rel=1e-4)
    found = matpower(tmp_path, "20 10 0 0", "0.02 0.06 0 40 0 0 0 0")
    r, x, p, q = 0.02, 0.06, 0.4, 0.2
    b = 2 * (r * p + x * q) - 1
    v2 = (-b + np.sqrt(b * b - 4 * (r * r + x * x) * (p * p + q * q))) / 2
    assert one(found, "vm_pu", 1) ** 2 == pytest.approx(v2, rel=1e-9)
    assert one(found, "line_pl_mw") == pytest.approx(50 * r * (p * p + q * q) / v2, rel=1e-6)
    assert one(found, "line_ql_mvar") == pytest.approx(50 * x * (p * p + q * q) / v2, rel=1e-6)
    current = 50 * np.hypot(p, q) / np.sqrt(v2)
    assert one(found, "line_loading_percent") == pytest.approx(100 * current / 40, rel=1e-6)
    assert one(found, "line_i_to_ka") == pytest.approx(current / np.sqrt(3) / 110, rel=1e-6)
    charged = matpower(tmp_path, "20 20 0 0", "0.02 0.06 0.3 40 0 0 0 0")  # which gives reactive power on the way
    heavier = 20 * np.sqrt(2) / one(charged, "vm_pu", 1)
    assert one(charged, "line_loading_percent") == pytest.approx(100 * heavier / 40, rel=1e-6)


def test_matpower_taps_divide_the_voltage_and_shifts_delay_it(tmp_path):
    """The tap is at the from side; a positive shift is a delay [manual, fig. 3-1]."""
    found = matpower(tmp_path, branch="0 1e-6 0 0 0 0 1.05 30")
    assert one(found, "vm_pu", 1) == pytest.approx(1 / 1.05, rel=1e-6)
    assert one(found, "va_degree", 1) == pytest.approx(-30, abs=1e-4)


# ---- pandapower --------------------------------------------------------------------------------------------------


def table(rows):
    columns = list(rows[0])
    data = {"columns": columns, "index": list(range(len(rows))), "data": [[r[c] for c in columns] for r in rows]}
    return {"_object": json.dumps(data)}


def pandapower(path, f_hz=50, **tables):
    whole = {
        "bus": [{"vn_kv": 20.0, "in_service": True}, {"vn_kv": 20.0, "in_service": True}],
        "ext_grid": [{"bus": 0, "vm_pu": 1.0, "in_service": True}],
    } | tables
    content = {"sn_mva": 1.0, "f_hz": f_hz} | {k: table(v) for k, v in whole.items()}
    (path / "net.json").write_text(json.dumps({"_class": "pandapowerNet", "_object": content}))
    found = twin.power_flow(path / "net.json")
    assert int(found["status"][0]) == 0
    return found


LINE = {
    "from_bus": 0, "to_bus": 1, "length_km": 10.0, "r_ohm_per_km": 0.1, "x_ohm_per_km": 0.3, "c_nf_per_km": 0.0,
    "g_us_per_km": 0.0, "max_i_ka": 0.4, "df": 1.0, "parallel": 1, "in_service": True,
}  # fmt: skip
SHORT = LINE | {"r_ohm_per_km": 0.0, "x_ohm_per_km": 1e-6}


def test_pandapower_lines_are_ohms_nanofarads_microsiemens_and_kiloamperes_by_the_kilometre(tmp_path):
    """2 pi f C l V^2: 200 nF/km over 10 km at 20 kV and 50 Hz are 0.2513 Mvar; 5 uS/km are 20 kW."""
    found = pandapower(tmp_path, line=[SHORT | {"c_nf_per_km": 200.0, "g_us_per_km": 5.0}])
    assert one(found, "line_q_from_mvar") == pytest.approx(-2 * np.pi * 50 * 200e-9 * 10 * 400, rel=1e-4)
    assert one(found, "line_p_from_mw") == pytest.approx(5e-6 * 10 * 400, rel=1e-4)
    loaded = pandapower(tmp_path, line=[LINE], load=[{"bus": 1, "p_mw": 6.0, "q_mvar": 2.0, "in_service": True}])
    p, q, r, x = 6.0, 2.0, 1.0, 3.0
    b = 2 * (r * p + x * q) - 400
    v2 = (-b + np.sqrt(b * b - 4 * (r * r + x * x) * (p * p + q * q))) / 2
    assert one(loaded, "vm_pu", 1) == pytest.approx(np.sqrt(v2) / 20, rel=1e-8)
    current = np.hypot(p, q) / np.sqrt(3 * v2)
    assert one(loaded, "line_loading_percent") == pytest.approx(100 * current / 0.4, rel=1e-6)
    twice = pandapower(
        tmp_path, line=[LINE | {"parallel": 2, "df": 0.8}], load=[{"bus": 1, "p_mw": 6.0, "q_mvar": 2.0}]
    )
    assert one(twice, "line_pl_mw") == pytest.approx(
        0.5 * (p * p + q * q) / (one(twice, "vm_pu", 1) * 20) ** 2, rel=1e-6
    )
    assert one(twice, "line_loading_percent") == pytest.approx(
        100 * np.hypot(p, q) / np.sqrt(3) / (one(twice, "vm_pu", 1) * 20) / (0.4 * 2 * 0.8), rel=1e-6
    )


def test_pandapower_injections_have_their_signs_scalings_and_shares_of_impedance(tmp_path):
    load = {"bus": 1, "p_mw": 4.0, "q_mvar": 1.0, "scaling": 0.5, "in_service": True}
    assert one(pandapower(tmp_path, line=[SHORT], load=[load]), "line_p_from_mw") == pytest.approx(2.0, rel=1e-5)
    made = {"bus": 1, "p_mw": 3.0, "q_mvar": 0.0, "in_service": True}
    assert one(pandapower(tmp_path, line=[SHORT], sgen=[made]), "line_p_from_mw") == pytest.approx(-3.0, rel=1e-5)
    low = [{"bus": 0, "vm_pu": 0.9, "in_service": True}]
    part = load | {"scaling": 1.0, "const_z_percent": 50.0, "const_i_percent": 0.0}
    found = pandapower(tmp_path, line=[SHORT], load=[part], ext_grid=low)
    assert one(found, "line_p_from_mw") == pytest.approx(2 + 2 * 0.81, rel=1e-5)
    assert one(found, "line_q_from_mvar") == pytest.approx(0.5 + 0.5 * 0.81, rel=1e-4)
    shunt = {"bus": 1, "p_mw": 0.5, "q_mvar": 2.0, "vn_kv": 10.0, "step": 2, "in_service": True}
    found = pandapower(tmp_path, line=[SHORT], shunt=[shunt])  # 4 times at twice its voltage, two of them
    assert one(found, "line_p_from_mw") == pytest.approx(0.5 * 8, rel=1e-4)
    assert one(found, "line_q_from_mvar") == pytest.approx(2.0 * 8, rel=1e-4)
    ward = {"bus": 1, "ps_mw": 1.0, "qs_mvar": 0.5, "pz_mw": 2.0, "qz_mvar": 0.4, "in_service": True}
    found = pandapower(tmp_path, line=[SHORT], ward=[ward], ext_grid=low)
    assert one(found, "line_p_from_mw") == pytest.approx(1 + 2 * 0.81, rel=1e-5)


TRAFO = {
    "hv_bus": 0, "lv_bus": 1, "sn_mva": 25.0, "vn_hv_kv": 110.0, "vn_lv_kv": 20.0, "vk_percent": 12.0,
    "vkr_percent": 0.41, "pfe_kw": 14.0, "i0_percent": 0.07, "shift_degree": 150.0, "tap_side": "hv", "tap_neutral": 0,
    "tap_pos": 0, "tap_step_percent": 1.5, "tap_step_degree": 0.0, "tap_changer_type": "Ratio", "parallel": 1,
    "df": 1.0, "in_service": True,
}  # fmt: skip
HIGH = [{"vn_kv": 110.0, "in_service": True}, {"vn_kv": 20.0, "in_service": True}]


def test_a_pandapower_transformer_has_its_iron_copper_impedance_and_vector_group(tmp_path):
    """The standard type 25 MVA 110/20 kV: 14 kW of iron, 0.07 % at no load, 0.41 of 12 % resistive, YNd5."""
    found = pandapower(tmp_path, bus=HIGH, trafo=[TRAFO])
    assert one(found, "trafo_p_hv_mw") == pytest.approx(0.014, rel=1e-3)
    assert one(found, "trafo_q_hv_mvar") == pytest.approx(np.sqrt((0.0007 * 25) ** 2 - 0.014**2), rel=1e-3)
    assert one(found, "va_degree", 1) == pytest.approx(-150, abs=0.01)
    idle = TRAFO | {"pfe_kw": 0.0, "i0_percent": 0.0}
    found = pandapower(tmp_path, bus=HIGH, trafo=[idle], load=[{"bus": 1, "p_mw": 20.0, "q_mvar": 5.0}])
    r, p, q = 0.0041, 0.8, 0.2
    x = np.sqrt(0.12**2 - r * r)
    b = 2 * (r * p + x * q) - 1
    v2 = (-b + np.sqrt(b * b - 4 * (r * r + x * x) * (p * p + q * q))) / 2
    assert one(found, "vm_pu", 1) == pytest.approx(np.sqrt(v2), rel=1e-8)
    assert one(found, "trafo_pl_mw") == pytest.approx(25 * r * (p * p + q * q) / v2, rel=1e-6)
    twice = pandapower(tmp_path, bus=HIGH, trafo=[TRAFO | {"parallel": 2}])
    assert one(twice, "trafo_p_hv_mw") == pytest.approx(0.028, rel=1e-3)


def test_pandapower_taps_move_the_voltage_of_their_side(tmp_path):
    at = lambda **how: one(pandapower(tmp_path, bus=HIGH, trafo=[TRAFO | how]), "vm_pu", 1)  # noqa: E731
    assert at(tap_pos=4) == pytest.approx(1 / 1.06, rel=2e-4)
    assert at(tap_pos=4, tap_side="lv") == pytest.approx(1.06, rel=2e-4)
    assert at(vn_lv_kv=21.0) == pytest.approx(1.05, rel=2e-4)
    turned = TRAFO | {"tap_changer_type": "Ideal", "tap_pos": 2, "tap_step_degree": 1.0, "tap_step_percent": 0.0}
    assert one(pandapower(tmp_path, bus=HIGH, trafo=[turned]), "va_degree", 1) == pytest.approx(-152, abs=0.01)


def test_pandapower_impedances_are_per_unit_of_their_own_rating(tmp_path):
    part = {"from_bus": 0, "to_bus": 1, "sn_mva": 10.0, "in_service": True}
    part |= {"rft_pu": 0.02, "rtf_pu": 0.02, "xft_pu": 0.05, "xtf_pu": 0.05}
    found = pandapower(tmp_path, impedance=[part], load=[{"bus": 1, "p_mw": 5.0, "q_mvar": 0.0}])
    v = one(found, "vm_pu", 1)
    assert one(found, "line_pl_mw") == pytest.approx(10 * 0.02 * 0.25 / v**2, rel=1e-6)


# ---- EPANET ------------------------------------------------------------------------------------------------------

LITRES = {
    "CFS": 28.316847, "GPM": 0.0630902, "MGD": 43.812636, "IMGD": 52.616782, "AFD": 14.276410, "LPS": 1.0,
    "LPM": 1 / 60, "MLD": 11.574074, "CMH": 0.27777778, "CMD": 0.011574074, "CMS": 1e3,
}  # fmt: skip
"""Litres a second of EPANET's units of flow."""

G = 32.2 * 0.3048


def epanet(path, units, demand, length, diameter, rough, loss="H-W", head=100.0, more=""):
    (path / "pipe.inp").write_text(f"""[JUNCTIONS]
 j 0 {demand!r}
[RESERVOIRS]
 r {head}
[PIPES]
 p r j {length!r} {diameter!r} {rough!r} 0 Open
{more}
[OPTIONS]
 UNITS {units}
 HEADLOSS {loss}
[END]
""")
    return twin.pipe_flow(path / "pipe.inp")


@pytest.mark.parametrize("units", LITRES)
def test_every_unit_of_flow_is_so_many_litres_and_goes_with_feet_or_metres(tmp_path, units):
    """50 L/s through 500 m of 250 mm at C 120: 4.727 C^-1.852 d^-4.871 L q^1.852 in feet [table 3.1]: 2.51 m."""
    american = units in ("CFS", "GPM", "MGD", "IMGD", "AFD")
    foot, inch = (0.3048, 25.4) if american else (1.0, 1.0)
    found = epanet(tmp_path, units, 50 / LITRES[units], 500 / foot, 250 / inch, 120.0, head=100 / foot)
    assert float(found["pipe_mdot_from_kg_per_s"][0, 0]) == pytest.approx(50.0, rel=2e-5)
    loss = 4.727 * 120**-1.852 * (0.25 / 0.3048) ** -4.871 * 500 * (0.05 / 0.3048**3) ** 1.852
    assert loss == pytest.approx(2.51, abs=0.01)
    assert 100 - float(found["p_bar"].values[0, 0]) * 1e5 / (G * 1e3) == pytest.approx(loss, rel=5e-5)


def test_rough_pipes_lose_by_manning_and_by_darcy_and_weisbach(tmp_path):
    """4.66 n^2 d^-5.33 L q^2 in feet, of (4 n / (1.49 pi d^2))^2 (d / 4)^-1.333 L q^2 [table 3.1; EPANET, hydcoeffs.c].

    0.25 / log10(e / 3.7 d + 5.74 / Re^0.9)^2 [Swamee & Jain 1976].
    """
    found = epanet(tmp_path, "LPS", 50.0, 500.0, 250.0, 0.012, "C-M")
    d, q = 0.25 / 0.3048, 0.05 / 0.3048**3
    loss = (4 * 0.012 / (1.49 * np.pi * d**2)) ** 2 * (d / 4) ** -1.333 * 500 * q**2
    assert loss == pytest.approx(4.66 * 0.012**2 * d**-5.33 * 500 * q**2, rel=0.01)
    assert (100 - float(found["p_bar"].values[0, 0]) * 1e5 / (G * 1e3)) == pytest.approx(loss, rel=1e-4)
    found = epanet(tmp_path, "LPS", 50.0, 500.0, 250.0, 0.5, "D-W")
    speed = 0.05 / (np.pi * 0.25**2 / 4)
    reynolds = speed * 0.25 / (1.1e-5 * 0.3048**2)
    f = 0.25 / np.log10(0.5e-3 / (3.7 * 0.25) + 5.74 / reynolds**0.9) ** 2
    loss = f * 500 / 0.25 * speed**2 / (2 * G)
    assert (100 - float(found["p_bar"].values[0, 0]) * 1e5 / (G * 1e3)) == pytest.approx(loss, rel=1e-4)


def lifted(path, pump, curve="", units="LPS", flow=20.0, more=""):
    """Metres of head that a pump gives at a flow."""
    (path / "pump.inp").write_text(f"""[JUNCTIONS]
 j 0 {flow!r}
[RESERVOIRS]
 r 0
{curve}
[PUMPS]
 u r j {pump}
{more}
[OPTIONS]
 UNITS {units}
 HEADLOSS H-W
""")
    return float(twin.pipe_flow(path / "pump.inp")["p_bar"].values[0, 0]) * 1e5 / (1e3 * G)


def test_pumps_follow_the_power_law_of_their_points_and_the_affinity_laws(tmp_path):
    """60, 50 and 20 m at 0, 40 and 80 L/s: 60 - 10 (q/40)^2; one point of 45 m at 40 L/s: shut-off a third above.

    At a speed s heads go with s^2, flows with s [manual, sec. 3.1].
    """
    three, single = "[CURVES]\n c 0 60\n c 40 50\n c 80 20\n", "[CURVES]\n c 40 45\n"
    assert lifted(tmp_path, "HEAD c", three) == pytest.approx(57.5, rel=1e-6)
    assert lifted(tmp_path, "HEAD c", single) == pytest.approx(60 - 15 / 4, rel=1e-6)
    assert lifted(tmp_path, "HEAD c SPEED 0.8", single) == pytest.approx(0.64 * 60 - 15 / 4, rel=1e-6)
    steep = "[CURVES]\n c 0 60\n c 40 50\n c 80 36\n"
    n = np.log2(2.4)
    assert lifted(tmp_path, "HEAD c SPEED 0.8", steep) == pytest.approx(
        0.64 * 60 - 0.8 ** (2 - n) * 10 * 0.5**n, rel=1e-6
    )


def test_a_pump_of_constant_power_lifts_its_power_over_weight_and_flow(tmp_path):
    """10 kW at 20 L/s are 51 m, 10 horsepower 38 m, to EPANET's rounding of 8.814 ft4/s a horsepower."""
    assert lifted(tmp_path, "POWER 10") == pytest.approx(10e3 / (1e3 * G * 0.02), rel=2e-3)
    american = lifted(tmp_path, "POWER 10", units="GPM", flow=20 / LITRES["GPM"])
    assert american == pytest.approx(10 * 745.7 / (1e3 * G * 0.02), rel=2e-3)


def test_an_emitter_gives_its_coefficient_at_a_metre_or_a_psi(tmp_path):
    """2 L/s at 1 m, at 25 m five times that; 10 gpm at 1 psi of 0.4333 psi a foot."""
    metric = epanet(tmp_path, "LPS", 0.0, 1.0, 1000.0, 140.0, head=25.0, more="[EMITTERS]\n j 2\n")
    assert float(metric["pipe_mdot_from_kg_per_s"][0, 0]) == pytest.approx(2 * 5, rel=1e-4)
    american = epanet(tmp_path, "GPM", 0.0, 1.0, 40.0, 140.0, head=25 / 0.4333, more="[EMITTERS]\n j 10\n")
    assert float(american["pipe_mdot_from_kg_per_s"][0, 0]) == pytest.approx(50 * LITRES["GPM"], rel=1e-4)


def test_generators_of_one_bus_share_its_reactive_power_by_their_ranges(tmp_path):
    """Ranges of 20 and 60 Mvar share 8 Mvar as one to three [MATPOWER, pfsoln.m]."""
    found = matpower(tmp_path, "10 8 0 0", gen="0 0 10 -10 1.0 100 1 500 0; 1 4 0 30 -30 1.0")
    np.testing.assert_allclose(found["gen_q_mvar"].values[:, 0], [2, 6], rtol=1e-5)
    np.testing.assert_allclose(found["gen_p_mw"].values[:, 0], [6, 4], rtol=1e-6)


@pytest.mark.parametrize(("side", "position"), [("lv", 3), ("hv", -3)])
def test_tap_changers_step_until_their_voltage_lies_in_its_band(tmp_path, side, position):
    """Steps of 1.5 % from a little below nominal into 1.035 to 1.055, as the same transformer at that tap is solved."""
    trafo = TRAFO | {"tap_side": side, "tap_min": -9, "tap_max": 9, "shift_degree": 0.0}
    load = [{"bus": 1, "p_mw": 5.0, "q_mvar": 0.5}]
    bands = {"element_index": 0, "element": "trafo", "side": "lv", "vm_lower_pu": 1.035, "vm_upper_pu": 1.055}
    control = [{"object": {"_class": "DiscreteTapControl", "_object": bands}, "in_service": True}]
    pandapower(tmp_path, bus=HIGH, trafo=[trafo], load=load, controller=control)
    found = twin.power_flow(tmp_path / "net.json", tap_control=True)
    assert float(found["tap_pos"].values[0, 0]) == position
    fixed = pandapower(tmp_path, bus=HIGH, trafo=[trafo | {"tap_pos": position}], load=load)
    for name in ("vm_pu", "trafo_pl_mw", "trafo_q_hv_mvar"):
        np.testing.assert_allclose(found[name].values, fixed[name].values, rtol=1e-8)
