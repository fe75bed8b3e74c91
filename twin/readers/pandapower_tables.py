"""What the tables and columns of a pandapower network are to a power flow: read, harmless, or refused where in use.

Columns that pandapower itself does not know are their owner's, as it lets its users add them; it looks at none.
"""

from __future__ import annotations

READ = {
    "bus": "vn_kv in_service",
    "load": """bus p_mw q_mvar const_z_p_percent const_i_p_percent const_z_q_percent const_i_q_percent scaling
        in_service""",
    "sgen": "bus p_mw q_mvar scaling in_service",
    "storage": "bus p_mw q_mvar scaling in_service",
    "gen": "bus p_mw vm_pu min_q_mvar max_q_mvar scaling slack in_service",
    "ext_grid": "bus vm_pu va_degree in_service",
    "shunt": "bus q_mvar p_mw vn_kv step id_characteristic_table step_dependency_table in_service",
    "ward": "bus ps_mw qs_mvar qz_mvar pz_mw in_service",
    "switch": "bus element et closed z_ohm",
    "line": """from_bus to_bus length_km r_ohm_per_km x_ohm_per_km c_nf_per_km g_us_per_km max_i_ka df parallel
        in_service""",
    "trafo": """hv_bus lv_bus sn_mva vn_hv_kv vn_lv_kv vk_percent vkr_percent pfe_kw i0_percent shift_degree tap_side
        tap_neutral tap_min tap_max tap_step_percent tap_step_degree tap_pos tap_changer_type parallel df in_service""",
    "impedance": "from_bus to_bus rft_pu xft_pu rtf_pu xtf_pu gf_pu bf_pu gt_pu bt_pu sn_mva in_service",
    "controller": "object in_service level",
}
"""Columns that are read, by table."""

HARMLESS = {
    "bus": "name type zone geo",
    "load": "name sn_mva type",  # delta or star count for unbalanced flows
    "sgen": """name min_q_mvar max_q_mvar sn_mva controllable id_q_capability_characteristic reactive_capability_curve
        curve_style type current_source""",  # of optimisation and short circuits
    "storage": "name sn_mva soc_percent min_e_mwh max_e_mwh type",
    "gen": "name sn_mva controllable slack_weight type id_q_capability_characteristic curve_style",
    "ext_grid": "name slack_weight controllable",  # weights of a distributed slack, which is refused where asked for
    "shunt": "name max_step",
    "ward": "name",
    "switch": "type name in_ka",
    "line": "name std_type type geo",
    "trafo": "name std_type id_characteristic_table",
    "impedance": "name",
    "controller": "order initial_run recycle",  # when a step is taken, not where steps end
}
"""Columns that change no answer, by table: names, places, ratings of what is not limited."""

IN_USE = {
    "gen": {"reactive_capability_curve": "curves of reactive power"},
    "trafo": {
        "tap_dependency_table": "tap tables",
        "tap_dependent_impedance": "impedances by tap",
    },
}
"""Flags, by table, that refuse a row on which they are set, and what they stand for."""

REFUSED = """trafo3w xward motor dcline svc ssc tcsc vsc vsc_stacked vsc_bipolar b2b_vsc bi_vsc bus_dc line_dc load_dc
    source_dc asymmetric_load asymmetric_sgen""".split()  # noqa: SIM905
"""Tables whose rows, where in service, have no place in a PowerNetwork."""

IGNORED = {"measurement", "pwl_cost", "poly_cost", "group"}
"""Tables that a power flow does not look at."""

OPTIONS = {
    "calculate_voltage_angles": (True, "auto"),
    "switch_rx_ratio": (2,),
    "enforce_q_lims": (False,),
    "run_control": (False,),
    "voltage_depend_loads": (True,),
    "consider_line_temperature": (False,),
    "distributed_slack": (False,),
    "tdpf": (False,),
    "mode": ("pf",),
    "neglect_open_switch_branches": (False,),
    "delta_q": (0,),
}
"""Options that a network may bring for its power flow, with the values under which ours is the same."""
