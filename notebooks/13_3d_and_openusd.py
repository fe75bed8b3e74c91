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
# # 3D and OpenUSD
#
# Who looks at a hall in Omniverse, Blender, ParaView or a browser: how do they get what was solved, with its numbers
# and not as a picture of them? This needs the extras `viz` and `usd`.

# %%
import tempfile
from pathlib import Path

import numpy as np
from pxr import Usd, UsdGeom

import twin

outdoor = 273.15 + np.array([10.0, 25.0, 40.0])
result = twin.solve("gb300_hall", {"site.dry_bulb": outdoor})
scene = result.scene(color="loading", scenario=2)
scene

# %% [markdown]
# The scene says what was placed by a rule, and what it is coloured by. Any variable of the Dataset will do, and views
# name what they look at.

# %%
print(scene.variable.title, *scene.told, sep="\n")
row = result.scene(color="rack_return_temperature", view="row", scenario=2)
folder = Path("notebooks") if Path("notebooks").is_dir() else Path()
row.save(folder / "row_of_racks.png")
row

# %% [markdown]
# ## Files
#
# One scene, as many files as there are programs: the ending says which. GLB and USD hold every scenario as a frame.

# %%
kept = Path(tempfile.mkdtemp())
for ending in ("glb", "usdc", "html", "vtm", "png"):
    path = scene.save(kept / f"hall.{ending}")
    parts = [path, *path.with_suffix("").glob("*")] if ending == "vtm" else [path]
    print(f"{path.name:10} {sum(p.stat().st_size for p in parts) / 1e3:8.0f} kB")

# %% [markdown]
# ## A stage with numbers
#
# OpenUSD read by its own library: a prim for each piece of equipment, with what was solved as attributes that change
# from frame to frame.

# %%
stage = Usd.Stage.Open(str(kept / "hall.usdc"))
print(f"{UsdGeom.GetStageUpAxis(stage)} up, {UsdGeom.GetStageMetersPerUnit(stage):g} m per unit")
print(f"frames {stage.GetStartTimeCode():g} to {stage.GetEndTimeCode():g}")
cooler = next(prim for prim in stage.Traverse() if prim.GetName() == "dry_coolers")
print(f"{cooler.GetPath()}: {cooler.GetAttribute('semantics:labels:class').Get()[0]}")
loading = cooler.GetAttribute("primvars:loading")
told = [loading.Get(time)[0] for time in loading.GetTimeSamples()]
for air, percent in zip(outdoor - 273.15, told, strict=True):
    print(f"{air:4.0f} degC outdoors: loading {percent:6.1f} %")
np.testing.assert_allclose(told, 100 * result["dry_cooler_loading"].sel(dry_cooler="dry_coolers"), rtol=1e-6)

# %% [markdown]
# ## Equipment as assets
#
# Each model of a rack, CDU, CRAH or UPS as an asset of NVIDIA's AI-factory profile: geometry, ports and rated values,
# as SimReady's validator asks for them. `twin assets gb300_hall -o assets` does the same.

# %%
for layer in twin.assets(result, kept / "assets"):
    print(layer.relative_to(kept))

# %% [markdown]
# **So: one solve is one scene, and the scene is a file of each program's own kind, in which equipment has its name, its
# class and its numbers frame by frame; nothing has to be looked up in another place.**
