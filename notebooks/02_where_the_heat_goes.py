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
# # Where the heat goes
#
# Every watt that a hall takes leaves it as heat. By which way, and how much temperature is spent on it between the
# junction of a chip and the weather?

# %%
from pathlib import Path

import numpy as np

import twin

result = twin.solve("gb300_hall")
picture = result.plot.sankey()
folder = Path("notebooks") if Path("notebooks").is_dir() else Path()
picture.write(folder / "where_the_heat_goes.png")
picture

# %% [markdown]
# ## The account
#
# What the meter sees is what racks, plant and losses take, and the rest of the account is zero: the energy audit is the
# part of it that is missing.

# %%
f = result.figures
account = {
    "IT equipment": f.it_power,
    "cooling": f.cooling_power,
    "losses of the power train": f.electrical_loss,
    "other": f.other_power,
}
for name, power in account.items():
    print(f"{name:28}{power[0] / 1e3:10,.1f} kW {power[0] / f.facility_power[0]:8.1%}")
print(f"{'at the meter':28}{f.facility_power[0] / 1e3:10,.1f} kW, audit {f.energy_audit[0]:.0e}")
assert abs(f.energy_audit[0]) < 1e-9
print(f"of the heat of racks {f.heat_to_liquid[0] / f.it_power[0]:.1%} goes to coolant, the rest to air")

# %% [markdown]
# Coolant takes most, and the air of the hall the rest: fans, memory and what has no cold plate. Two loops of different
# temperature carry them: one that dry coolers alone can cool on most days, and one on chillers.

# %%
result.plot.flow_diagram()

# %% [markdown]
# ## The ladder
#
# From the hottest junction down to the outdoor air. Each step is a resistance that someone chose: cold plate, flow,
# exchanger, coil.

# %%
d = result.dataset.isel(scenario=0)
ladder = {
    "worst junction of a rack": d["rack_worst_junction_temperature"].median(),
    "coolant leaves a rack": d["rack_return_temperature"].median(),
    "coolant enters a rack": d["rack_supply_temperature"].median(),
    "facility water leaves the CDUs": d["cdu_facility_return_temperature"].mean(),
    "facility water enters them": d["cdu_facility_supply_temperature"].mean(),
    "outdoor air": result.facility.site.dry_bulb,
}
steps = [float(t) - 273.15 for t in ladder.values()]
for name, at, below in zip(ladder, steps, [*steps[1:], np.nan], strict=True):
    print(f"{name:32}{at:6.1f} degC{at - below:+8.1f} K" if below == below else f"{name:32}{at:6.1f} degC")

# %% [markdown]
# ## By load and weather
#
# Away from this one day and load, cooling takes another share: end uses over what IT takes, from a quarter of the load
# to all of it, and over the dry bulb.

# %%
result.plot.pue()

# %% [markdown]
# In the ladder coolant enters racks colder than facility water leaves the CDUs: exchangers are counterflow, and what is
# spent there is the few kelvins at each of their ends.
#
# **So: 85 % of the heat leaves by coolant that is warm enough for dry coolers at 30 °C outdoors; more than half of the
# way from junction to weather is spent in the package and the cold plate, and only a tenth of it outdoors.**
