# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Demand, agents and money
#
# What does a token cost if not all that could be made is sold? A factory sells what is asked for. The case `day` of
# the shipped hall has a profile of demand, a mix of sources, a tariff and a price of tokens; racks draw what their
# work asks of their chips.

# %%
import matplotlib.pyplot as plt
import numpy as np

import twin

hall = twin.solve("gb300_hall", case="day")
day, full = hall.day(), hall.figures
mean, peak, idle = (watts / 1e6 for watts in (day.facility_power, day.peak_power, day.idle_power))
print(f"{day.tokens_per_s / day.capacity:.0%} of the capacity is sold")
print(f"{mean:.2f} MW on average, {peak:.2f} at the peak, {idle:.2f} idle")
print(f"{day.usd_per_million_tokens:.4f} $ per million sold; {full.usd_per_million_tokens[0]:.4f} $ if all were")
assert idle < mean < peak

# %% [markdown]
# Capital outweighs energy, so that an idle hour costs nearly as much as a busy one. M$ of a year by item:

# %%
items = hall["yearly_cost"].isel(scenario=0).to_series().sort_values(ascending=False)
print((items / 1e6).round(2).to_string())

# %% [markdown]
# ## What more of something would be worth
#
# At a price of 0.4 $ per million tokens, inputs included: a megawatt that racks grow into, and a percent.

# %%
value = twin.worth("gb300_hall", price=0.4)
print(f"a megawatt {value.megawatt / 1e6:.1f} M$ a year, a percent {value.availability / 1e6:.2f} M$")
assert value.megawatt > 10e6

# %% [markdown]
# ## Owning, a colocation, renting
#
# What an accelerator costs in an hour, and from which use owning is cheaper than renting:

# %%
for name, terms in (("own", {}), ("colocation", {"economics.colocation": "198 $/kW-month"})):
    result = twin.solve("gb300_hall", overrides=terms)
    hourly = result.figures.annual.total[0] / result.figures.accelerators[0] / 8766
    print(f"{name:10} {hourly:.2f} $/h, as cheap as 5 $/h of rent from {hourly / 5.0:.0%} of the hours")

# %% [markdown]
# ## Agents
#
# Each request reads, writes and calls tools several times. The more users, the fuller every layer; the first to be
# full holds the rest back, here the store that keeps their caches.

# %%
agents = twin.solve("gb300_hall", case="agents")
users = np.array([1e3, 1e4, 3e4, 1e5, 2e5, 4e5])
served = [agents.agents(users=int(n)) for n in users]
loads = [s.load for s in served]
figure, axes = plt.subplots(1, 2, figsize=(11, 4))
for name in served[0].utilisation:
    axes[0].plot(users, [s.utilisation[name] for s in served], marker="o", label=name)
axes[0].set(xscale="log", xlabel="users", ylabel="utilisation")
axes[0].legend(fontsize=8)
for share in (0.5, 0.99):
    axes[1].plot(users, [load.percentile(share) for load in loads], marker="o", label=f"{share:.0%} of requests within")
axes[1].set(xscale="log", yscale="log", xlabel="users", ylabel="whole request, s")
axes[1].legend(fontsize=8)
figure.tight_layout()
assert loads[-1].binds == "storage" and loads[-1].percentile(0.99) > 2 * loads[0].percentile(0.99)

# %% [markdown]
# **So: at 71 % of its capacity sold a million tokens cost 0.16 instead of 0.11 $; servers are three quarters of what
# a year costs, energy 3 %. Owning beats rent of 5 $ per accelerator and hour from half of the hours on. Agents are
# slowed by the storage of their contexts before accelerators are full.**
