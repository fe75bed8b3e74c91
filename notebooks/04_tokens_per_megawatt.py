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
# # Tokens per megawatt against interactivity
#
# How many tokens a megawatt serves depends on how fast each user is served. Below are the best measured points of
# DeepSeek-R1 with 1,024 tokens in and out (InferenceX, run by run in `layouts/serving/fronts.csv`), over the
# provisioned power of each platform as published for 2025-26.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from twin.serving import best, front, measured_runs, published_constants

MODEL = "DeepSeek-R1-0528"
kilowatt = {p: v["power"] for p, v in published_constants()["published_2025_2026"].items()}
measured = {p: front(measured_runs(), MODEL, p) for p in ("h100", "h200", "mi355x", "b200", "b300", "gb200", "gb300")}

# %% [markdown]
# Vera Rubin and its LPX racks have no measured points of this work. What is drawn of them are scenarios: Rubin over
# GB300 as measured on another work (AgentX traces of DeepSeek V4 Pro, September 2026: 2.0 times at 100 tokens/s/user,
# 7.2 at 150, 2.7 at 200), and the vendor's claim of up to 35 times GB200 for Rubin with LPX, which names no
# interactivity and is put where GB200's front ends.

# %%
rubin = np.array([(100.0, 2.0), (150.0, 7.2), (200.0, 2.7)])
per_megawatt = {p: 1e3 * f.throughput(rubin[:, 0]) / kilowatt[p] for p, f in measured.items()}
end = measured["gb200"].interactivity[-1]
lpx = end, 35e3 * measured["gb200"].throughput(end) / kilowatt["gb200"]

figure, axes = plt.subplots(figsize=(10, 6))
at = np.geomspace(12, 320, 80)
for name, found in measured.items():
    line = axes.plot(found.interactivity, 1e3 * found.rate / kilowatt[name], "o-", ms=4, lw=1.5, label=name.upper())[0]
    rate = best(MODEL, name, 1024, 1024, at).total
    axes.plot(at[rate > 0], 1e3 * rate[rate > 0] / kilowatt[name], ":", color=line.get_color(), lw=1.2)
axes.plot([], [], ":", color="0.4", label="physics of each")
axes.plot(rubin[:, 0], rubin[:, 1] * per_megawatt["gb300"], "kD", mfc="none", label="Vera Rubin, scenario")
axes.plot(*lpx, "k*", mfc="none", ms=12, label="Rubin with LPX, vendor's claim")
axes.axvline(116.7, color="0.7", lw=1)
axes.annotate("the 50 times is here", (116.7, 3e2), xytext=(6, 0), textcoords="offset points", color="0.4")
axes.set(xlabel="tokens/s per user", ylabel="tokens/s per provisioned MW", xscale="log", yscale="log")
axes.set_xticks([10, 20, 50, 100, 200, 300], ["10", "20", "50", "100", "200", "300"])
axes.set_ylim(1e2, 3e7)
axes.grid(True, which="major", color="0.92")
axes.legend(ncols=2, frameon=False, loc="lower left")
axes.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
folder = Path("notebooks") if Path("notebooks").is_dir() else Path()
figure.savefig(folder / "tokens_per_megawatt.png", dpi=110)

# %% [markdown]
# ## The factor of fifty belongs to one interactivity
#
# GB300 over H200 per megawatt, from the measured points:

# %%
for speed in (20, 40, 60, 75, 90, 116.7):
    old, new = (1e3 * measured[p].throughput(speed) / kilowatt[p] for p in ("h200", "gb300"))
    print(f"{speed:6.1f} tokens/s/user: {new / old:5.1f} times")

# %% [markdown]
# At 20 to 40 tokens/s/user it is 5 to 7 times: silicon and four bits. Near 117 Hopper is at the edge of what it can do:
# every millisecond counts there, and a domain of 72 accelerators, four bits and drafts multiply. How much of it is the
# serving software? The same GB300 was measured to serve an eighteenth at that speed without drafts, and a seventh in
# eight bits. An independent predictor (aiconfigurator 0.12, which has operators measured on each platform but not the
# engines' tuning) gives a ratio of 5 to 7 at every interactivity: it flatters H200 and underrates GB300 near the cliff.
# Much of the fifty is how well each stack was tuned there, and would move with the next release. The gap between the
# measured GB300 front and the dotted line beyond 120 is of that kind too: no run of a large instance is in the file.

# %% [markdown]
# **So: GB300 serves five to seven times the tokens per megawatt of H200 where users read at their own speed, and fifty
# times only near the speed at which Hopper gives up.**
