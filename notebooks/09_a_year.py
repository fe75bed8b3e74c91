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
# # A year in two climates
#
# The same hall in a temperate climate and in a desert, with a load that follows the week. The two years of weather that
# are shipped are made by a formula: they show how it is done and stand for no place. An EPW file does.

# %%
from pathlib import Path

import twin

week = {"weekday": [0.6] * 8 + [0.95] * 12 + [0.75] * 4, "weekend": [0.55] * 24}
years = {
    name: twin.year("gb300_hall", name, load=week, bound=True) for name in ("synthetic_temperate", "synthetic_desert")
}
for name, year in years.items():
    print(f"{name:20s} PUE {year.pue:.4f}, TUE {year.tue:.4f}, {year.energy / 3.6e12:.1f} GWh, {year.economiser_hours}")
    for d in year.densities:
        binds = f"{d.limit or 'nothing'} at {d.element}"
        print(f"    all but {d.share:.1%} of hours: {d.density / 1e3:6.1f} kW per rack, {binds}")

# %% [markdown]
# The desert's hottest hours decide its density, not its mean: what holds in all but two hours of a hundred is 44 %
# more than what holds in all. Where in the year are they?

# %%
picture = years["synthetic_desert"].plot.heat_map("pue")
folder = Path("notebooks") if Path("notebooks").is_dir() else Path()
picture.write(folder / "desert_year.png")
picture

# %%
years["synthetic_desert"].plot.end_uses()

# %%
years["synthetic_temperate"].plot.duration("facility_power", "pue")

# %% [markdown]
# **So: the desert costs 5 % more energy than the temperate climate, and nearly half of the density, if no hour of the
# year may pass a limit; a limit that may be passed in two hours of a hundred gives half of that back.**
