"""OpenUSD stages: no error of its validators, and read back with names, places, numbers, frames and labels."""

import numpy as np
import pytest

pytest.importorskip("pxr")

from pxr import Usd, UsdGeom, UsdSemantics, UsdValidation
from rows import solved

import twin
from twin.show import gltf, usd
from twin.show.scene import paint

ENDINGS = ("usd", "usda", "usdc", "usdz")


def faults(stage):
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    found = UsdValidation.ValidationContext(validators).Validate(stage)
    return [f"{error.GetName()}: {error.GetMessage()}" for error in found]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_stage_reads_back(weathers, tmp_path, ending):
    scene = weathers.scene()
    stage = Usd.Stage.Open(str(scene.save(tmp_path / f"hall.{ending}")))
    assert [p.name for p in tmp_path.iterdir()] == [f"hall.{ending}"]
    assert faults(stage) == []
    assert UsdGeom.GetStageUpAxis(stage) == "Z" and UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert stage.GetDefaultPrim().GetPath() == "/gb300_hall"
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, 2)
    assert Usd.ModelAPI(stage.GetDefaultPrim()).GetKind() == "assembly"
    things, boxes = scene.things, UsdGeom.BBoxCache(0, ["default"])
    found = {
        p.GetAttribute("aifactory:name").Get(): p for p in stage.Traverse() if Usd.ModelAPI(p).GetKind() == "component"
    }
    assert set(found) == set(things.names)
    for name, prim in found.items():
        i = things.row[name]
        box = boxes.ComputeWorldBound(prim).ComputeAlignedRange()
        assert (np.array(box.GetMin()) >= things.low[i] - 1e-4).all()
        assert (np.array(box.GetMax()) <= things.low[i] + things.size[i] + 1e-4).all()
        assert list(UsdSemantics.LabelsAPI(prim, "class").GetLabelsAttr().Get()) == [things.kinds[i]]
    rack = found["r303"]
    assert rack.GetParent().GetName() == "hall"
    own = UsdGeom.PrimvarsAPI(rack)
    for k in range(3):
        exact = float(weathers["rack_inlet_temperature"].sel(rack="r303")[k]) - 273.15
        assert own.GetPrimvar("rack_inlet_temperature").Get(k)[0] == pytest.approx(exact, abs=1e-4)
        colour = gltf.linear(scene.scale.rgb(np.array([exact]))[0] / 255)
        np.testing.assert_allclose(own.GetPrimvar("displayColor").Get(k)[0], colour, atol=1e-5)
    assert rack.GetAttribute("aifactory:kW").Get() == pytest.approx(
        float(weathers["rack_power"].sel(rack="r303")[0]) / 1e3, abs=0.005
    )


def test_what_is_lost_is_dark_in_its_frame_alone(tmp_path):
    result = twin.solve("gb300_hall", {"r101.in_service": [0.0, 1.0]})
    scene = result.scene(color="rack_power")
    stage = Usd.Stage.Open(str(scene.save(tmp_path / "hall.usda")))
    colour = UsdGeom.PrimvarsAPI(stage.GetPrimAtPath("/gb300_hall/hall/r101")).GetPrimvar("displayColor")
    dark = gltf.linear(np.array(paint.rgb(paint.LOST)) / 255)
    np.testing.assert_allclose(colour.Get(0)[0], dark, atol=1e-5)
    assert np.abs(np.array(colour.Get(1)[0]) - dark).max() > 0.1


def test_many_things_are_point_instancers(tmp_path):
    result = solved(2040, 2)
    scene = result.scene(color="rack_power")
    stage = Usd.Stage.Open(str(scene.save(tmp_path / "rows.usdc")))
    assert faults(stage) == []
    many = [UsdGeom.PointInstancer(p) for p in stage.Traverse() if p.IsA(UsdGeom.PointInstancer)]
    racks = max(many, key=lambda m: len(m.GetIdsAttr().Get()))
    names = racks.GetPrim().GetAttribute("aifactory:names").Get()
    assert len(names) == 2040 and sum(len(m.GetIdsAttr().Get()) for m in many) == len(scene.things.names)
    rows = [scene.things.row[n] for n in names]
    np.testing.assert_allclose(racks.GetPositionsAttr().Get(), scene.things.low[rows], atol=1e-4)
    powers = UsdGeom.PrimvarsAPI(racks).GetPrimvar("rack_power")
    for k in range(2):
        exact = result["rack_power"].sel(rack=list(names))[:, k].values / 1e3
        np.testing.assert_allclose(powers.Get(k), exact, rtol=1e-5)


def test_computed_air_is_a_mesh_of_its_room(with_air, tmp_path):
    stage = Usd.Stage.Open(str(with_air.scene(air=("slices",)).save(tmp_path / "air.usda")))
    assert faults(stage) == []
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/closet/hall/slices_of_hall"))
    points = np.array(mesh.GetPointsAttr().Get())
    assert np.ptp(points[:, 1]) < 1e-6 and np.ptp(points[:, 0]) == pytest.approx(6.0, abs=0.01)


def test_names_that_openusd_does_not_take_are_kept_beside(tmp_path):
    text = """
version: 1
name: 3 halls
components:
  1st rack: {type: rack, it_power: 8 kW, cords: 1, at: [0 m, 0 m, 0 m]}
  1st-rack: {type: rack, it_power: 8 kW, cords: 1, at: [1 m, 0 m, 0 m]}
  grid: {type: utility, voltage: 415 V, contract: 1 MW}
connections:
  - [power, grid.out, 1st rack.feed]
  - [power, grid.out, 1st-rack.feed]
"""
    stage = Usd.Stage.Open(str(twin.solve(twin.load(text)).scene().save(tmp_path / "x.usda")))
    names = {
        p.GetName(): p.GetAttribute("aifactory:name").Get()
        for p in stage.Traverse()
        if p.HasAttribute("aifactory:name")
    }
    assert sorted(n for n in names.values() if "1st" in n) == ["1st rack", "1st-rack"]


def test_without_usd_core_the_pip_command_is_named(result, tmp_path, monkeypatch):
    monkeypatch.setattr(usd, "find_spec", lambda name: None)
    with pytest.raises(twin.LayoutError, match=r'needs usd-core: pip install "aifactory-twin\[usd\]"'):
        result.scene().save(tmp_path / "hall.usda")
    assert list(tmp_path.iterdir()) == []
