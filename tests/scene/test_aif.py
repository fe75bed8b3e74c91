"""Equipment assets: complete, in the units of the profile, as the layout has them. CI runs NVIDIA's validator."""

import re

import numpy as np
import pytest

pytest.importorskip("pxr")

from pxr import Usd, UsdGeom
from test_gltf import pixels

import twin
from twin.fluids import fluid
from twin.show import aif


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("assets") / "assets"
    paths = aif.assets(result, folder, {"gb300_nvl72": 1360.0})
    return {path.stem.removeprefix("Twin_"): path for path in paths}


@pytest.fixture(scope="module")
def stages(written):
    return {name: Usd.Stage.Open(str(path)) for name, path in written.items()}


def value(stage, name):
    return stage.GetDefaultPrim().GetAttribute(name).Get()


def point(stage, name):
    prim = stage.GetPrimAtPath(stage.GetDefaultPrim().GetPath().AppendPath(f"ConnectionPoints/{name}"))
    assert prim and UsdGeom.Imageable(prim).GetPurposeAttr().Get() == "guide"
    start = "simready:connectionPoint:"
    return {a.GetName().removeprefix(start): a.Get() for a in prim.GetAttributes() if a.GetName().startswith(start)}


def test_every_model_of_the_four_classes_is_an_asset(written, result):
    assert set(written) == {
        "fan_wall_class",
        "fan_wall_class_2",
        "gb300_nvl72",
        "hall_cdu",
        "network_rack",
        "storage_rack",
        "ups_double_conversion",
    }
    for name, path in written.items():
        assert path.parent.parent.name == f"Twin_{name}" and path.parent.name == "usd"
        assert [p.name for p in path.parent.glob("*.usd*")] == [path.name]
        front, _ = pixels((path.parent / ".thumbs" / "256x256" / f"{path.name}.png").read_bytes())
        assert front.shape == (256, 256) and len(np.unique(front)) > 2


def test_all_attributes_are_declared_with_their_types(stages):
    for stage in stages.values():
        kind = value(stage, "aif:core:assetClass")
        listed = aif.attributes(kind)
        assert len(listed) == 17 + {"CDU": 61, "compute rack": 18, "CRAH": 31, "UPS": 29}[kind]
        for name, of, _ in listed:
            assert str(stage.GetDefaultPrim().GetAttribute(name).GetTypeName()) == of, name


def test_sizes_and_masses_agree_with_the_geometry(stages, result):
    for name, stage in stages.items():
        box = UsdGeom.BBoxCache(0, ["default"]).ComputeWorldBound(stage.GetDefaultPrim()).ComputeAlignedRange()
        size = np.array(box.GetSize())
        np.testing.assert_allclose(value(stage, "aif:core:overallGeometryDimensions"), 1e3 * size, rtol=1e-5)
        np.testing.assert_allclose(
            [value(stage, f"aif:core:{k}") for k in ("width", "depth", "height")], 1e3 * size, rtol=1e-5
        )
        np.testing.assert_allclose([box.GetMin()[2], box.GetMidpoint()[0], box.GetMidpoint()[1]], 0.0, atol=1e-6)
        told = stage.GetRootLayer().customLayerData["SimReady_Metadata"]
        np.testing.assert_allclose(told["asset_extents"], size, rtol=1e-5)
        assert told["mass"] == pytest.approx(value(stage, "aif:core:weight"))
        guessed = "Its weight is not known" in value(stage, "aif:core:assetDescription")
        assert guessed == (name != "gb300_nvl72")
        assert told["mass"] == pytest.approx(1360.0 if name == "gb300_nvl72" else 500 * size.prod(), rel=1e-5)
        assert re.fullmatch(r"Q\d+", told["qcode"]) and told["category"] == value(stage, "aif:core:assetClass")


def test_normals_point_outwards(stages):
    for stage in stages.values():
        for prim in stage.Traverse():
            if not prim.IsA(UsdGeom.Mesh):
                continue
            mesh = UsdGeom.Mesh(prim)
            points, at = np.array(mesh.GetPointsAttr().Get()), 0
            corners, normals = np.array(mesh.GetFaceVertexIndicesAttr().Get()), np.array(mesh.GetNormalsAttr().Get())
            assert len(normals) == len(corners)
            np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, rtol=1e-5)
            for size in mesh.GetFaceVertexCountsAttr().Get()[:20]:
                a, b, c = points[corners[at : at + 3]]
                assert np.cross(b - a, c - a) @ normals[at] > 0
                at += size


def test_values_are_in_the_units_of_the_profile(stages, result):
    d = result.dataset.isel(scenario=0)
    cdu, stage = result.facility.components["cdu1"], stages["hall_cdu"]
    density = fluid(cdu.tcs_fluid).density(cdu.set_point)
    assert value(stage, "aif:spec:nominalCoolingCapacity") == pytest.approx(cdu.capacity / 1e3)  # kW
    assert value(stage, "aif:spec:referenceSecondaryCoolantTemperature") == pytest.approx(313.15)  # K
    assert value(stage, "aif:spec:referenceFacilityCoolantTemperature") == pytest.approx(
        float(d["cdu_facility_supply_temperature"].sel(cdu="cdu1"))
    )
    assert value(stage, "aif:spec:nominalFlow") == pytest.approx(cdu.tcs_flow / float(density))  # m3/s
    assert value(stage, "aif:spec:referenceTechnologyCoolantFlowRate") == pytest.approx(
        cdu.tcs_flow / float(density) * 6e4
    )
    assert value(stage, "aif:spec:totalHeatDissipated") == pytest.approx(float(d["cdu_duty"].sel(cdu="cdu1")) / 1e3)
    curve = np.array(value(stage, "aif:spec:pumpFlowCurve"))
    assert curve[0] == pytest.approx((0.0, cdu.shutoff / 1e3)) and (np.diff(curve[:, 1]) < 0).all()
    assert value(stage, "aif:spec:nominalVoltage") == pytest.approx(415.0)
    assert value(stage, "aif:spec:wettedMaterialTcs") is None
    rack, racks = stages["gb300_nvl72"], d.sel(rack="r101")
    assert value(rack, "aif:spec:namePlatePower") == 142_000  # W
    assert value(rack, "aif:spec:numGPUs") == 72
    share = float(racks["rack_heat_to_liquid"] / (racks["rack_heat_to_liquid"] + racks["rack_heat_to_air"]))
    assert value(rack, "aif:spec:heatCaptureRatio") == pytest.approx(100 * share, rel=1e-5)
    wall, part = stages["fan_wall_class"], result.facility.components["fan_wall1"]
    assert value(wall, "aif:spec:nominalAirVolume") == pytest.approx(
        part.units * part.air_flow * 2118.88, rel=1e-4
    )  # CFM
    per_gallon = 3.785411784e-3 / 60
    flow = part.units * part.water_flow / float(fluid("water").density(288.15))
    assert value(wall, "aif:spec:flowRate") == pytest.approx(flow / per_gallon, rel=1e-5)
    assert value(stages["ups_double_conversion"], "aif:spec:upsRating") == pytest.approx(2600.0)


def test_connection_points_say_what_is_solved(stages, result):
    d, stage = result.dataset.isel(scenario=0).sel(cdu="cdu1"), stages["hall_cdu"]
    supply = point(stage, "twin_tcs_supply_01")
    assert (supply["domain"], supply["direction"], supply["system"]) == ("thermal", "supply", "TCS")
    assert supply["thermal:designTemperature"] == pytest.approx(float(d["cdu_supply_temperature"]) - 273.15, abs=1e-3)
    density = float(fluid("pg25").density(float(d["cdu_supply_temperature"])))
    assert supply["thermal:designFlowRate"] == pytest.approx(float(d["cdu_flow"]) / density * 1e3, rel=1e-5)  # L/s
    gauge = float(d["cdu_discharge_pressure"]) - float(result.plant.site.pressure[0, 0])
    assert supply["thermal:operatingPressure"] == pytest.approx(gauge, rel=1e-5)
    assert supply["thermal:fluidType"] == "glycol_water_25"
    assert {point(stage, f"twin_{s}_{w}_01")["system"] for s in ("fws", "tcs") for w in ("supply", "return")} == {
        "FWS",
        "TCS",
    }
    ups = stages["ups_double_conversion"]
    assert point(ups, "twin_electrical_nominal_voltage_in")["direction"] == "input"
    assert point(ups, "twin_electrical_nominal_voltage_out")["electrical:nominalVoltage"] == pytest.approx(415.0)
    air = point(stages["gb300_nvl72"], "twin_airvent_intake_01")
    assert air["airflow:designTemperature"] == pytest.approx(
        float(result["rack_inlet_temperature"].sel(rack="r101")[0]) - 273.15, abs=1e-3
    )


def test_direct_current_has_no_frequency_and_a_default_one_is_not_stated(tmp_path, stages):
    paths = twin.assets(twin.solve("gb300_hall_800vdc"), tmp_path / "dc")
    rack = Usd.Stage.Open(str(next(p for p in paths if "dc_rack" in p.stem)))
    feed = point(rack, "twin_electrical_nominal_voltage_feed")
    assert feed["electrical:nominalVoltage"] == pytest.approx(800.0)
    assert "electrical:frequency" not in feed and "electrical:powerFactor" not in feed
    stated = twin.load("gb300_hall", overrides={"feeder_a.frequency": "50 Hz"})
    made = twin.assets(twin.solve(stated), tmp_path / "ac")
    cdu = Usd.Stage.Open(str(next(p for p in made if "hall_cdu" in p.stem)))
    assert value(cdu, "aif:spec:frequency") == pytest.approx(50.0)
    assert value(stages["hall_cdu"], "aif:spec:frequency") is None


def test_equipment_of_one_model_that_differs_is_several_assets(tmp_path):
    from closet import ROOM

    paths = twin.assets(twin.solve(twin.load(ROOM)), tmp_path / "closet")
    assert sorted(p.stem for p in paths) == ["Twin_crah", "Twin_rack", "Twin_rack_2"]


def test_what_cannot_be_written_is_refused(result, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(twin.LayoutError, match="exists; name a new folder"):
        twin.assets(result, tmp_path / "there")
    with pytest.raises(twin.LayoutError, match="weights: gb300: give kilograms above 0 of a model of the layout"):
        twin.assets(result, tmp_path / "new", {"gb300": 10.0})
    with pytest.raises(twin.LayoutError, match="weights: gb300_nvl72: give kilograms"):
        twin.assets(result, tmp_path / "new", {"gb300_nvl72": 0.0})
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def test_a_layout_gives_the_assets_of_its_result(written, tmp_path):
    layers = twin.assets("gb300_hall", tmp_path / "assets")
    assert [p.name for p in layers] == [p.name for p in written.values()]
