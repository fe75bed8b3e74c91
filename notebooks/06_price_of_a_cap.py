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
# # The price of a power cap
#
# Megawatts are scarce. Is a hall worth more if its chips are capped, so that each megawatt feeds more of them? The
# chips of the shipped GB300 hall are capped from 1,400 W down to half of that; all else is solved along: junctions and
# their leakage, coolant, plant, power train.

# %%
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import twin

hall = twin.load("gb300_hall")
share = np.linspace(0.5, 1.0, 26)
capped = {"gb300_nvl72.power_cap": 1400.0 * share}
result = twin.solve(hall, capped)
kept = result.figures.tokens_per_s / result.figures.tokens_per_s[-1]
print(f"at 83.3 % of the chips' power {np.interp(1000 / 1200, share, kept):.1%} of the tokens are kept")

# %% [markdown]
# How far the voltage falls with the clock, its floor, and the power that follows no clock (memory, links) are not
# published of any chip that is made today. They are inputs with ranges; here are all their corners.

# %%
corners = np.array(list(product((0.9, 2.2), (0.68, 0.86), (0.1, 0.3)))).T
fields = ("voltage_slope", "min_voltage", "uncore_share")
scenarios = {f"gb300_nvl72.{f}": np.repeat(c, len(share)) for f, c in zip(fields, corners, strict=True)}
scenarios["gb300_nvl72.power_cap"] = np.tile(1400.0 * share, corners.shape[1])
ranged = twin.solve(hall, scenarios).figures
tokens, power, cost = (
    x.reshape(-1, len(share)) for x in (ranged.tokens_per_s, ranged.facility_power, ranged.usd_per_million_tokens)
)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5))
f = result.figures
for axes, middle, low_high, label in (
    (left, f.tokens_per_s / f.facility_power, tokens / power, "tokens/s per MW drawn, over those without a cap"),
    (right, f.usd_per_million_tokens, cost, "$ per million tokens, over that without a cap"),
):
    relative = low_high / low_high[:, -1:]
    axes.fill_between(100 * share, relative.min(axis=0), relative.max(axis=0), color="#9ecae1", alpha=0.5, lw=0)
    axes.plot(100 * share, middle / middle[-1], color="#08519c", lw=2)
    best = int(np.argmax(middle) if axes is left else np.argmin(middle))
    axes.plot(100 * share[best], middle[best] / middle[-1], "o", color="#08519c")
    axes.set(xlabel="cap, % of the chips' rated power", ylabel=label)
    axes.grid(True, color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    print(f"{label}: best at {share[best]:.0%}, {middle[best] / middle[-1]:.3f}")
most = (tokens / power / (tokens / power)[:, -1:]).max(axis=1)
print(f"best tokens per MW over the ranges: {most.min():.2f} to {most.max():.2f} times those without a cap")
figure.tight_layout()
folder = Path("notebooks") if Path("notebooks").is_dir() else Path()
figure.savefig(folder / "price_of_a_cap.png", dpi=110)

# %% [markdown]
# In a fixed megawatt the most tokens come from chips at the floor of their voltage. A vendor claims 1.3 to 1.5 times
# the performance per watt (NVIDIA MaxLPS, racks of 90 instead of 125 kW): the upper end of what caps alone give over
# these ranges, and beyond. Below the floor nothing is won: power that follows no clock is spread over fewer tokens, and
# the twin says so:

# %%
print(result.warnings[0][0])

# %% [markdown]
# Chips that are there are paid for, capped or not, so that the cheapest token comes from a hall whose megawatts are all
# used and whose chips are not capped, unless megawatts cost more than chips do. **So: a cap of a sixth costs about a
# twenty-fifth of the tokens; it pays where the contract, and not the chips, is what there is too little of.**
