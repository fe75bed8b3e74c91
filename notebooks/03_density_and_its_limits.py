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
# # Density and its limits
#
# How dense may the racks of a hall be, and what would have to change for more? A limit *binds* if it is the first to be
# met when all racks grow denser together; the density there is the sustainable one.

# %%
from pathlib import Path

import twin

result = twin.solve("gb300_hall")
bound = result.bound
print(f"{bound.density / 1e3:.1f} kW per rack, {bound.scale:.3f} times today's")
print(f"held by {bound.limit.name} at {bound.limit.element}")

# %% [markdown]
# ## All limits, the tightest first
#
# Margins as shares of what each limit allows. What is left of the line is passed.

# %%
result.plot.limits()

# %% [markdown]
# ## Not the same limit everywhere
#
# Grown alone, a row meets other limits than the hall: pumps of its CDU, its busways, its air.

# %%
for found in twin.bound("gb300_hall", per="row")[:9]:
    print(f"{found.racks:16} {found.density / 1e3:6.1f} kW  {found.limit.name} at {found.limit.element}")

# %% [markdown]
# ## What the weather and the coolant make of it
#
# The bound of every combination of outdoor air and of the temperature at which CDUs send coolant to racks, found in one
# sweep; below the map, what binds there.

# %%
found = twin.sweep(
    "gb300_hall",
    over={"site.dry_bulb": "20..45 degC/6", "cdu.set_point": "36..46 degC/6"},
    bound=True,
).run()
picture = found.plot.map("sustainable_density", x="cdu.set_point", by="site.dry_bulb")
folder = Path("notebooks") if Path("notebooks").is_dir() else Path()
picture.write(folder / "density.png")
picture

# %%
cube = found.grid()
celsius = {a: (cube[a] - 273.15).round(1) for a in ("site.dry_bulb", "cdu.set_point")}
cube.assign_coords(celsius)["binding_limit"].to_pandas()

# %% [markdown]
# **So: what the hall may draw from its utility bounds its racks, at 174 kW on cool days and 144 to 152 kW at 40 °C, and
# not its coolant, whose temperature costs or saves chillers. Colder coolant buys no density; in a heat wave of 45 °C it
# costs some, as its chillers run out. Coolant above what racks may be given leaves none at all.**
