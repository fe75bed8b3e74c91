# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Networks alone
#
# Who has a power network or a loop of pipes and no hall: what do the solvers do by themselves, and how fast? Files of
# MATPOWER, pandapower, power-grid-model, EPANET and pandapipes are read; results have pandapower's and pandapipes'
# names.

# %%
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import twin

# %% [markdown]
# ## Power
#
# A campus of four buses as a MATPOWER file: a grid connection, a generator that holds its voltage, two loads, a ring.

# %%
kept = Path(tempfile.mkdtemp())
(kept / "campus.m").write_text("""
function mpc = campus
mpc.version = '2';
mpc.baseMVA = 100;
mpc.bus = [
  1 3   0  0 0 0 1 1 0 138 1 1.1 0.9;
  2 2   0  0 0 0 1 1 0 138 1 1.1 0.9;
  3 1  90 30 0 0 1 1 0 138 1 1.1 0.9;
  4 1 120 40 0 0 1 1 0 138 1 1.1 0.9;
];
mpc.gen = [
  1   0 0 300 -300 1.02 100 1 500 0;
  2  80 0 300 -300 1.01 100 1 200 0;
];
mpc.branch = [
  1 3 0.010 0.080 0.02 250 250 250 0 0 1 -360 360;
  3 4 0.008 0.060 0.02 250 250 250 0 0 1 -360 360;
  2 4 0.012 0.090 0.02 250 250 250 0 0 1 -360 360;
  1 2 0.010 0.070 0.02 250 250 250 0 0 1 -360 360;
];
""")
flow = twin.power_flow(kept / "campus.m")
flow[["vm_pu", "va_degree"]].isel(scenario=0).to_dataframe().round(4)

# %% [markdown]
# The second axis of every variable is the scenario. Here both loads grow together until there is no solution: what is
# past the nose of the curve is told apart from what did not converge.

# %%
base = np.array([0.0, 0.0, 90.0, 120.0])[:, None]
rng = np.random.default_rng(1)
many = base * rng.uniform(0.5, 1.5, (4, 16384))
began = time.process_time()
twin.power_flow(kept / "campus.m", p_mw=many, q_mvar=many / 3)
print(f"{many.shape[1] / (time.process_time() - began):,.0f} solutions per CPU second")

growth = np.linspace(0.2, 8.0, 157)
loads = base * growth
grown = twin.power_flow(kept / "campus.m", p_mw=loads, q_mvar=loads / 3)
status = grown["status"]
meaning = dict(zip(status.attrs["flag_values"], status.attrs["flag_meanings"].split(), strict=True))
solved = status.values == 0
beyond = {meaning[code] for code in status.values[~solved].tolist()}
print(f"a solution up to {growth[solved].max():.2f} times the load; then {', '.join(beyond)}")

figure, axes = plt.subplots(figsize=(8, 4))
for bus in (3, 4):
    axes.plot(loads.sum(axis=0)[solved], grown["vm_pu"].sel(bus=bus)[solved], label=f"bus {bus}")
axes.set(xlabel="load, MW", ylabel="voltage, pu", title="Voltage of both loads up to the nose")
axes.legend(frameon=False)
folder = Path("notebooks") if Path("notebooks").is_dir() else Path()
figure.savefig(folder / "voltage_nose.png", dpi=120, bbox_inches="tight")

# %% [markdown]
# ## Pipes
#
# A loop of chilled water as an EPANET file: a pump station at constant pressure, a ring main, two halls that draw. What
# if a pipe of the ring is shut?

# %%
network = """
[JUNCTIONS]
a 0 0
b 0 40
c 0 25
[RESERVOIRS]
plant 35
[PIPES]
supply plant a 60 400 0.05 0 Open
east a b 180 250 0.05 0 Open
west a c 220 250 0.05 0 Open
tie b c 90 200 0.05 0 {tie}
[OPTIONS]
Units LPS
Headloss D-W
[END]
"""
pressures = {}
for tie in ("Open", "Closed"):
    path = kept / f"ring_{tie}.inp"
    path.write_text(network.format(tie=tie))
    pipes = twin.pipe_flow(path).isel(scenario=0)
    pressures[tie] = pipes["p_bar"].to_series()
    print(tie, pipes["pipe_mdot_from_kg_per_s"].to_series().round(2).to_dict())
for name in ("b", "c"):
    print(f"{name}: {1e3 * (pressures['Closed'][name] - pressures['Open'][name]):+.0f} mbar with the tie shut")

# %% [markdown]
# **So: the networks of a hall are solvers of their own, which take files of five programs, answer thousands of
# scenarios a second, and say of each that has no solution why. A layout joins them to heat, air and tokens; `twin
# import` makes a layout of a network of pandapower.**
