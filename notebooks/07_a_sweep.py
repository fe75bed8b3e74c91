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
# # A sweep, from question to picture
#
# How warm may the coolant be, and what is it worth? Warmer coolant spares compressors on hot days, and brings chips
# nearer to their limit. We ask every combination of a set point of the CDUs, a day, and a load that is not known.

# %%
from pathlib import Path

import twin

asked = twin.sweep(
    "gb300_hall",
    over={
        "cdu.set_point": "36..46 degC/11",
        "site.dry_bulb": "15..45 degC/11",
        "liquid_rack.utilisation": "uniform(0.6, 1.0)",
    },
    samples=8,
)
asked

# %% [markdown]
# A store keeps every answer. If this is stopped, running it again goes on where it was.

# %%
found = asked.run()
print(found)
print(found["tightest_limit"].to_series().value_counts().to_dict())

# %% [markdown]
# The same numbers as a grid: an axis for each that was varied, the draws of the load along `sample`.

# %%
cube = found.grid()
warm, cool = (cube["pue"].sel({"cdu.set_point": 273.15 + t}, method="nearest").median("sample") for t in (44, 36))
for day in (20, 30, 40):
    at = {"site.dry_bulb": 273.15 + day}
    saved = float(cool.sel(at, method="nearest") - warm.sel(at, method="nearest"))
    print(f"at about {day} degC outdoors coolant of 44 instead of 36 degC saves {saved:.3f} of PUE")

# %% [markdown]
# Lines with the middle 80 % of the load behind them, and a map in which points that pass a limit are hatched: on the
# right coolant enters racks too warm, above the chillers of hot days are short.

# %%
found.plot("pue", x="site.dry_bulb")

# %%
picture = found.plot.map("pue", x="cdu.set_point", by="site.dry_bulb")
folder = Path("notebooks") if Path("notebooks").is_dir() else Path()
picture.write(folder / "sweep_map.png")
picture

# %% [markdown]
# **So: coolant of 44 instead of 36 °C saves less than a hundredth of PUE on most days, and seven hundredths on days
# of 40 °C, when chillers would run; above about 45 °C it is warmer than racks may be given.**
