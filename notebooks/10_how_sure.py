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
# # How sure is the density?
#
# Much of what a hall of unreleased hardware is made of nobody has published. The catalogue states ranges; what do they
# do to the answer?

# %%
import twin

listed = twin.uncertainties("gb300_hall")
print(len(listed), "values of the shipped hall have a range")
for address in ("gb300_nvl72.junction_limit", "gb300_nvl72.throttle_temperature", "gb300_nvl72.junction_to_case"):
    value = listed[address]
    print(f"{address:34s} {value.texts[0]:>10s}, {value.texts[1]} to {value.texts[2]}")

# %% [markdown]
# These three shape the junctions. Drawn together, a small study: 64 base samples, each solved with every input changed,
# each searched for its density. `n=1024` and all inputs is what a report would use.

# %%
found = twin.uncertainty(
    "gb300_hall",
    64,
    inputs=["gb300_nvl72.junction_limit", "gb300_nvl72.throttle_temperature", "gb300_nvl72.junction_to_case"],
    outputs=["sustainable_density", "pue"],
)
print(found.explain("sustainable_density"))
for note in found.notes:
    print(note)

# %% [markdown]
# Each alone, from its low to its high:

# %%
found.plot.tornado("sustainable_density")

# %%
found.plot.indices("sustainable_density")

# %% [markdown]
# The density as laid out rests on a junction limit that is a guess. Either the maker is asked, or the coolant is held
# colder until it no longer matters.

# %% [markdown]
# **So: the density is anything between 3 and 171 kW per rack in eight of ten cases, and two temperatures of one chip
# that its maker has not published make up half of that.**
