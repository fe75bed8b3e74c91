"""The facility feeders of `cases/` as the kernels take them; for tests and benchmarks."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from twin.kernels import power_flow

CASES = Path(__file__).parent / "cases"


def tables(name):
    """Tables and solution of facility_150, facility_1000/radial or facility_1000/meshed."""
    folder = CASES / name
    if folder.is_dir():
        return np.load(folder / "network.npz"), np.load(folder / "solution.npz")
    return np.load(f"{folder}.npz"), np.load(f"{folder}_solution.npz")


def feeder(name, base=None):
    """Network, load (n, 1) and slack voltage in per unit on `base` MVA (the load), transformers as pi models."""
    t, expected = tables(name)
    base, kv = base or t["load__p_mw"].sum(), t["bus__vn_kv"]
    impedance = kv[t["line__from"]] ** 2 / base
    line = impedance / (t["line__r_ohm"] + 1j * t["line__x_ohm"])
    charging = 1j * np.pi * 60 * t["line__c_nf"] * 1e-9 * impedance
    scale = base / t["trafo__sn_mva"] * (t["trafo__vn_lv_kv"] / kv[t["trafo__lv"]]) ** 2
    z, r = t["trafo__vk_percent"] / 100, t["trafo__vkr_percent"] / 100
    trafo = 1 / ((r + 1j * np.sqrt(z**2 - r**2)) * scale)
    y, g = t["trafo__i0_percent"] / 100, t["trafo__pfe_kw"] / 1e3 / t["trafo__sn_mva"]
    magnetising = (g - 1j * np.sqrt(y**2 - g**2)) / (2 * scale)
    ratio = t["trafo__vn_hv_kv"] / kv[t["trafo__hv"]] / (t["trafo__vn_lv_kv"] / kv[t["trafo__lv"]])
    series, shunt, ratio = (
        a[:, None] + 0j for a in (np.r_[line, trafo], np.r_[charging, magnetising], np.r_[np.ones(len(line)), ratio])
    )
    start, end = np.r_[t["line__from"], t["trafo__hv"]], np.r_[t["line__to"], t["trafo__lv"]]
    network = power_flow.Network(len(kv), start, end, series, shunt, shunt, ratio, t["source__bus"])
    power = np.zeros((len(kv), 1), complex)
    np.add.at(power, t["load__bus"], (t["load__p_mw"] + 1j * t["load__q_mvar"])[:, None] / base)
    slack = t["source__vm_pu"][:, None] + 0j
    return SimpleNamespace(network=network, power=power, slack=slack, base=base, tables=t, expected=expected)


def load_cases(tables, count):
    """Factors (load, count) on the base load: one swing for each case, and a spread of 10 %."""
    rng, loads = np.random.default_rng(1), len(tables["load__bus"])
    common, individual = rng.uniform(0.3, 1.1, (10000, 1)), rng.uniform(0.9, 1.1, (10000, loads))
    return (common * individual)[np.arange(count) % 10000].T
