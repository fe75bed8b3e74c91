"""Power flow raced against peers on the same feeders, in one process, runs alternating; rates per CPU second.

Both tools solve to 1e-8 pu on one thread. Input preparation is outside the clock for both: load arrays for us, update
arrays for power-grid-model. Errors are against the independent solutions in `cases/`. The peer comes with
`pip install -e ".[bench]"`; without it only we run. `--short` takes fewer scenarios.
"""

import argparse
import sys
import warnings
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from races import machine, race  # isort: skip

import feeders
import numpy as np
from twin.kernels import outages, power_flow

warnings.filterwarnings("ignore")


def grid_model(f, factors):
    """power-grid-model on a feeder with its update arrays; None if it is not installed."""
    try:
        from power_grid_model import CalculationMethod, PowerGridModel, initialize_array
    except ImportError:
        return None
    t = f.tables
    sizes = [len(t["bus__vn_kv"]), len(t["line__from"]), len(t["trafo__hv"]), len(t["load__bus"]), 1]
    first = np.cumsum([0, *sizes])
    node, line, trafo, load, source = (
        initialize_array("input", kind, n)
        for kind, n in zip(("node", "line", "transformer", "sym_load", "source"), sizes, strict=True)
    )
    for table, start in zip((node, line, trafo, load, source), first, strict=False):
        table["id"] = start + np.arange(len(table))
    node["u_rated"] = t["bus__vn_kv"] * 1e3
    for table, ends in ((line, ("line__from", "line__to")), (trafo, ("trafo__hv", "trafo__lv"))):
        table["from_node"], table["to_node"] = (t[e] for e in ends)
        table["from_status"] = table["to_status"] = 1
    line["r1"], line["x1"], line["c1"], line["tan1"] = t["line__r_ohm"], t["line__x_ohm"], t["line__c_nf"] * 1e-9, 0.0
    line["i_n"] = t["line__imax_ka"] * 1e3
    trafo["u1"], trafo["u2"] = t["trafo__vn_hv_kv"] * 1e3, t["trafo__vn_lv_kv"] * 1e3
    trafo["sn"] = t["trafo__sn_mva"] * 1e6
    trafo["uk"], trafo["pk"] = t["trafo__vk_percent"] / 100, t["trafo__vkr_percent"] * t["trafo__sn_mva"] * 1e4
    trafo["i0"], trafo["p0"] = t["trafo__i0_percent"] / 100, t["trafo__pfe_kw"] * 1e3
    trafo["winding_from"], trafo["winding_to"], trafo["clock"] = 1, 1, 0
    for name in ("tap_side", "tap_pos", "tap_nom", "tap_size"):
        trafo[name] = 0
    trafo["tap_min"], trafo["tap_max"] = -1, 1
    load["node"], load["status"], load["type"] = t["load__bus"], 1, 0
    load["p_specified"], load["q_specified"] = t["load__p_mw"] * 1e6, t["load__q_mvar"] * 1e6
    source["node"], source["status"], source["u_ref"] = t["source__bus"], 1, t["source__vm_pu"]
    source["sk"], source["rx_ratio"], source["z01_ratio"] = 1e18, 0.1, 1.0
    data = {"node": node, "line": line, "transformer": trafo, "sym_load": load, "source": source}
    model = PowerGridModel(data, system_frequency=60.0)
    update = initialize_array("update", "sym_load", factors.T.shape)
    update["id"] = load["id"][None, :]
    update["p_specified"], update["q_specified"] = (1e6 * t[k] * factors.T for k in ("load__p_mw", "load__q_mvar"))
    kept = {}

    def run():
        kept["v"] = model.calculate_power_flow(
            update_data={"sym_load": update},
            calculation_method=CalculationMethod.iterative_current,
            error_tolerance=1e-8,
            threading=-1,
            output_component_types={"node": ["u_pu", "u_angle"]},
        )["node"]

    return run, lambda: kept["v"]["u_pu"] * np.exp(1j * kept["v"]["u_angle"]), model


def lost_lines(f):
    """Loss of each line alone, ours and power-grid-model's if it is installed."""
    lines = len(f.tables["line__from"])
    runs = {"ours": lambda: outages.solve(f.network, f.slack, f.power, np.arange(lines), 1e-8, f.power)}
    peer = grid_model(f, np.ones((len(f.tables["load__bus"]), 1)))
    if peer:
        from power_grid_model import CalculationMethod, initialize_array

        update = initialize_array("update", "line", (lines, 1))
        update["id"][:, 0] = len(f.tables["bus__vn_kv"]) + np.arange(lines)
        update["from_status"] = update["to_status"] = 0
        runs["power-grid-model, iterative current"] = lambda: peer[2].calculate_power_flow(
            update_data={"line": update},
            calculation_method=CalculationMethod.iterative_current,
            error_tolerance=1e-8,
            threading=-1,
            output_component_types={"node": ["u_pu", "u_angle"]},
        )
    return lines, runs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args()
    print(machine())
    for name in ("facility_150", "facility_1000/radial", "facility_1000/meshed"):
        f = feeders.feeder(name)
        count = (960 if given.short else 9600) // (1 if name == "facility_150" else 3)
        factors = feeders.load_cases(f.tables, count)
        power = np.repeat(f.power, count, axis=1)
        power[f.tables["load__bus"]] *= factors
        kept = {}

        def ours(precision="float64", tolerance=1e-8, f=f, power=power, kept=kept):
            kept[precision] = power_flow.solve(f.network, f.slack, power, tolerance, base=f.power, precision=precision)

        def polar(ours=ours, kept=kept):
            ours()
            kept["polar"] = np.abs(kept["float64"].voltage), np.angle(kept["float64"].voltage)

        runs = {"ours, complex voltages": ours, "ours, magnitudes and angles": polar}
        runs["ours, float32 screening"] = lambda ours=ours: ours("float32", 1e-6)
        peer = grid_model(f, factors)
        if peer:
            runs["power-grid-model, iterative current"] = peer[0]
        taken = race(runs, 3 if given.short else 5)
        error = lambda v, f=f: np.abs(v[: len(f.expected["scen_v"])] - f.expected["scen_v"]).max()  # noqa: E731
        errors = [error(kept["float64"].voltage.T)] * 2 + [error(kept["float32"].voltage.T)]
        errors += [error(peer[1]())] if peer else []
        for (label, seconds), wrong in zip(taken.items(), errors, strict=True):
            print(f"{name:22s} {label:42s} {count / seconds:10,.0f} scenarios/s, error {wrong:.0e} pu")
        factor = power_flow.factor(f.network, np.ones(f.network.n, bool), f.power)
        again = partial(factor.solve, f.slack, power[:, :1].copy(), 1e-8)
        single = race({"single": lambda again=again: [again() for _ in range(100)]}, 5)["single"]
        print(f"{name:22s} {'ours, single solve, factor ready':42s} {10 * single:10.3f} ms")
        if name.endswith("meshed"):
            lines, runs = lost_lines(f)
            for label, seconds in race(runs, 3).items():
                print(f"{name:22s} {'N-1, ' + label:42s} {lines / seconds:10,.0f} outages/s")


if __name__ == "__main__":
    main()
