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
# # A first facility
#
# What does a hall make of its megawatts, and what keeps it from being denser? From a layout file to megawatts, tokens
# and the limit that binds. The hall holds 64 GB300 NVL72 racks on eight CDUs, dry coolers with trim chillers, and a
# doubled power train.

# %%
import numpy as np

import twin

facility = twin.load("gb300_hall")
facility

# %% [markdown]
# ## Solve
#
# One call solves racks, coolant, room air, heat rejection and the power train together. The result shows its
# headline figures; `.dataset` holds everything else by name, in SI units.

# %%
result = twin.solve(facility)
result

# %% [markdown]
# It can be seen: racks are coloured by the air that they breathe, and what holds the density back is marked. Drag to
# turn it, click a thing for its numbers. This needs the extra `viz`.

# %%
result.scene()

# %%
result.dataset

# %% [markdown]
# Any quantity has its place: the coolant that each of some racks receives and returns, in degrees Celsius.

# %%
temperatures = result.dataset[["rack_supply_temperature", "rack_return_temperature"]] - 273.15
temperatures.isel(scenario=0).sel(rack=["r101", "r102", "r201", "r202"]).to_dataframe().round(2)

# %% [markdown]
# ## What binds
#
# Every limit has a margin at every element. The tightest of each, today:

# %%
print(result.tightest())

# %% [markdown]
# Tightest is not the same as binding: a limit binds if it is the first to be met when all racks grow denser. The bound
# is that density, here by more chips per rack.

# %%
bound = result.bound
held = f"{bound.limit.name} at {bound.limit.element}" if bound.limit else "nothing"
print(f"{bound.density / 1e3:.1f} kW per rack, {bound.scale:.3f} times today's, held by {held}")

# %% [markdown]
# ## Scenarios
#
# Addresses such as `site.dry_bulb` take a list of SI values, one per scenario. All scenarios are solved in one batch.
# Here the outdoor air warms from 0 to 40 degC, and dry air stays dry: the dew point is given too.

# %%
dry_bulb = 273.15 + np.linspace(0.0, 40.0, 41)
dew_point = np.minimum(dry_bulb - 5.0, 273.15 + 12.0)
year = twin.solve(facility, {"site.dry_bulb": dry_bulb, "site.dew_point": dew_point})
outdoor = ("scenario", dry_bulb - 273.15, {"long_name": "outdoor dry bulb", "units": "degC"})
axes = year.dataset.assign_coords(outdoor=outdoor).swap_dims(scenario="outdoor")
_ = axes["pue"].plot(x="outdoor")
# %% [markdown]
# Cost follows power, and power follows the weather. The price of a million tokens over the same range:

# %%
_ = axes["usd_per_million_tokens"].plot(x="outdoor")
# %% [markdown]
# A scenario that breaks a limit says so, and one that finds no solution keeps a reason without spoiling the others.

# %%
print(f"{int((year['status'] == 0).sum())} of {year.size} solved")
print(f"{int(year['limit_exceeded'].sum())} of {year.size} exceed a limit")

# %% [markdown]
# ## Cases and changes
#
# A change is an address and a value with its unit. Warmer coolant saves chillers and costs junction temperature.

# %%
for set_point in ("36 degC", "40 degC", "44 degC"):
    changed = twin.solve(twin.load("gb300_hall", overrides={"cdu.set_point": set_point}))
    junction = next(b for b in changed.worst() if b.name == "junction_temperature")
    print(f"CDU at {set_point}: PUE {changed.figures.pue[0]:.4f}, junction margin {junction.margin:.1f} K")

# %% [markdown]
# **So: the hall draws 10.1 MW for 27.6 million tokens a second. Its racks could be a quarter denser, up to what it may
# draw from the utility, and each degree that its coolant is warmer is taken from the chips' margin.**
