"""Equipment that the package does not know goes through all that it does: one class, one catalogue entry."""

import json
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import cupy_double
import numpy as np
import pytest
import xarray as xr
from pydantic import Field
from pydantic.errors import PydanticSchemaGenerationError
from twin.kernels import launch

import twin
from twin import columns, fluids
from twin.columns import MAXIMUM, PARTS, Column, LimitKind, Total
from twin.components import REGISTRY, Component, Port, constant, derive, draw, report, warm_room
from twin.plant.compile import compile
from twin.show import screen
from twin.show.summary import summary
from twin.solver.steady import steady
from twin.units import Power

SHIPPED = [pytest.param(n, marks=pytest.mark.slow) if "campus" in n else n for n in twin.shipped()]


@pytest.fixture(scope="module")
def own():
    """The foreign types, known for as long as these tests run."""
    import own_equipment

    types = {cls.kind: cls for cls in own_equipment.TYPES}
    REGISTRY.update(types)
    yield own_equipment
    for kind in types:
        del REGISTRY[kind]


@pytest.fixture(scope="module")
def solved(own):
    return {name: twin.solve(twin.load(text)) for name, text in own.LAYOUTS.items()}


@pytest.fixture(scope="module")
def bounds(solved):
    return {name: twin.bound(result)[0] for name, result in solved.items()}


@pytest.fixture
def forget():
    """Forget the types that a test defines."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


# ---- solve -------------------------------------------------------------------------------------------------------


def test_foreign_types_are_solved_and_their_energy_closes(solved):
    for result in solved.values():
        assert result.ok
        assert abs(result.figures.energy_audit[0]) < 1e-8
        assert not result.dataset["limit_exceeded"].item()


def adds_up(result):
    parts = sum(getattr(result.figures, part) for part in PARTS)
    np.testing.assert_allclose(parts, result.figures.facility_power, rtol=1e-9)


@pytest.mark.parametrize("layout", SHIPPED)
def test_headings_add_up_to_the_meter(layout):
    adds_up(twin.solve(layout))


def test_headings_of_foreign_types_add_up_to_the_meter(solved):
    for result in solved.values():
        adds_up(result)


def test_the_bath_warms_by_its_heat_over_its_flow(solved):
    r = solved["tanks"].dataset.isel(scenario=0, oil_bath=0)
    inlet = r["oil_bath_bath_temperature"] - r["oil_bath_bath_rise"]
    cp = fluids.fluid("immersion_oil").heat_capacity(0.5 * (inlet + r["oil_bath_bath_temperature"]))
    rise = r["oil_bath_heat_to_liquid"] / (r["oil_bath_flow"] * cp)
    assert float(r["oil_bath_bath_rise"]) == pytest.approx(float(rise), rel=0.02)
    assert float(inlet) == pytest.approx(313.15)


def test_an_absorption_chiller_passes_on_all_that_it_takes(solved):
    solution = solved["heat"].solution
    c = columns.cooler
    row = int(np.argmax(solution[c.driven][:, 0]))
    duty, driven, power = (solution[x][row, 0] for x in (c.duty, c.driven, c.power))
    assert driven == pytest.approx(duty / 0.7)
    assert solution[c.rejected][row, 0] == pytest.approx(duty + driven + power)
    (cooler,) = (u for u in solution.plant.cooler if u.driver is not None)
    s = columns.stream
    cooled = solution[s.inlet[cooler.driver]] - solution[s.outlet[cooler.driver]]
    cp = fluids.fluid("water").heat_capacity(solution[s.inlet[cooler.driver]])
    assert (solution[s.flow[cooler.driver]] * cp * cooled)[0, 0] == pytest.approx(driven, rel=2e-3)


def test_a_chiller_driven_by_cooler_water_can_take_less(own):
    result = twin.solve(twin.load(own.HEAT), {"hot_cooler.set_point": [338.15, 336.15, 334.15, 332.15, 326.15]})
    assert list(result["status"].values) == [0, 0, 0, 0, 5]  # the last has no more than half of what it needs
    held = result.dataset.isel(absorption_chiller=0, scenario=slice(4))
    driving, sink = held["absorption_chiller_driving_temperature"], 301.15
    able = 150e3 * (driving - 333.15) / 20.0 * (1.0 - 0.03 * (sink - 303.15))
    np.testing.assert_allclose(held["absorption_chiller_duty"] / held["absorption_chiller_loading"], able, rtol=2e-3)
    np.testing.assert_allclose(held["absorption_chiller_supply_temperature"], 285.15)
    assert (np.diff(held["absorption_chiller_loading"]) > 0.05).all()


def test_the_heat_of_a_chiller_door_goes_to_water(solved):
    result = solved["air"]
    assert float(result["chiller_door_outlet"].item()) == pytest.approx(297.15)
    taken = float(result["chiller_door_duty"].item())
    into = float(result["dry_cooler_duty"].item()) - float(result["row_cooler_duty"].item())
    pump = float(result["pump_power"].item()) * 0.9
    assert into == pytest.approx(taken + float(result["chiller_door_power"].item()) + pump, rel=1e-6)


def test_a_rail_warms_its_joints_and_loses_voltage(solved, own):
    result = solved["tanks"]
    loss = float(result["power_rail_loss"].item())
    room = float(result["room_return_temperature"].item())
    assert float(result["power_rail_joint_temperature"].item()) == pytest.approx(room + 0.02 * loss)
    current = float(result["power_rail_power"].item()) / 800.0
    assert float(result["power_rail_voltage_drop"].item()) == pytest.approx(current * 15 * 7.5e-6, rel=1e-3)
    hot = twin.solve(twin.load(own.TANKS.replace("ampacity: 500 A", "ampacity: 500 A, joint_resistance: 9 K/W")))
    assert hot.ok
    assert not hot.dataset["limit_exceeded"].item()
    warm = twin.solve(twin.load(own.TANKS, overrides={"power_rail.max_joint_temperature": "302 K"}))
    assert warm.ok
    assert twin.bound(warm)[0].limit.name == "joint_temperature"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    if not cupy_double.there():
        pytest.skip("no g++ here")
    return cupy_double.compiler(tmp_path_factory.mktemp("kernels"))


@pytest.mark.parametrize("name", ["tanks", "heat", "air"])
def test_a_device_gives_the_cpus_answers_for_foreign_types(own, compiled, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", cupy_double.MODULE)
    monkeypatch.setattr(launch, "_cuda_function", compiled)
    plant = compile(twin.load(own.LAYOUTS[name]))
    here, there = steady(plant), steady(plant, device="cuda")
    assert there.device == "stand-in"
    for column, value in here.columns.items():
        np.testing.assert_allclose(there.columns[column], value, rtol=1e-9, atol=1e-9, err_msg=column.name)


# ---- limits and bounds -------------------------------------------------------------------------------------------


def test_a_tank_grows_denser_and_needs_more_flow(bounds):
    found = bounds["tanks"]
    assert found.scale > 1.0
    assert found.limit is not None
    flow = next(b for b in found.table if b.name == "rack_flow")
    assert flow.bound == pytest.approx(found.scale * 1.0)
    plant = found.solution.plant
    paid = sum(plant.alike(c.elements) @ c.capital.sum(axis=1) for c in plant.costs if c.tenant)
    assert paid == pytest.approx(4 * 800e3 * found.scale)


def test_the_flow_of_a_tank_binds_where_the_pump_gives_no_more(own):
    found = twin.bound(twin.load(own.TANKS, overrides={"oil_bath.min_flow": "3.3 kg/s"}))[0]
    assert found.limit.name == "rack_flow"
    assert "tank" in found.limit.element


def test_every_class_of_racks_has_its_bound(solved):
    names = [b.racks for b in twin.bound(solved["tanks"], per="class")]
    assert names == ["all", "hgx_tank"]
    assert len(twin.bound(solved["tanks"], per="row")) == 2


def test_the_other_foreign_layouts_have_a_bound_that_something_holds(bounds):
    for name in ("heat", "air"):
        found = bounds[name]
        assert found.scale > 1.0
        assert found.limit is not None


def test_a_limit_on_a_difference_is_shown_in_kelvins(solved):
    rise = next(b for b in solved["tanks"].worst() if b.name == "bath_rise")
    assert rise.dimension == "temperature_difference"
    _, _, value, bound, margin = rise.texts
    assert bound == "20.0 K"
    assert value.endswith(" K")
    assert float(margin.split()[0]) == pytest.approx(20.0 - float(value.split()[0]), abs=0.11)
    assert rise.relative == pytest.approx(rise.margin / 20.0)


def test_a_limit_on_a_volume_flow_is_shown_as_one(solved):
    flow = next(b for b in solved["tanks"].worst() if b.name == "bath_flow")
    assert flow.texts[3] == "21.6 m3/h"
    assert "bath_flow" in solved["tanks"].tightest()


# ---- what is shown -----------------------------------------------------------------------------------------------


def test_foreign_types_are_on_the_screen_and_in_json(solved, bounds):
    for name, result in solved.items():
        found = bounds[name]
        s = summary(result, found)
        text = screen.screen(result, found, s)
        assert json.loads(json.dumps(s))["status"] == "ok"
        assert all(b.name in text for b in result.worst()[:8])
        assert "nan" not in text


def test_agents_are_served_by_tanks(solved):
    s = summary(solved["tanks"], None)
    assert s["agents"]["platform"] == "h200"
    assert s["agents"]["requests_per_s"] > 0
    assert 0 < s["utilisation"]["cooling"] <= 1
    assert 0 < s["utilisation"]["energy"] <= 1
    assert s["tokens_per_s_per_mw"]["drawn"] > 0


def test_the_tank_s_own_limit_counts_as_use_of_cooling(own):
    small = twin.solve(twin.load(own.TANKS, overrides={"oil_bath.capacity": "33 kW"}))
    duty = next(b for b in small.worst() if b.name == "oil_bath_duty")
    assert duty.value / duty.bound > 0.9
    assert summary(small, None)["utilisation"]["cooling"] == pytest.approx(duty.value / duty.bound, rel=1e-3)


UNITS = {
    "oil_bath_bath_rise": "K",
    "oil_bath_bath_flow": "m3 s-1",
    "oil_bath_power": "W",
    "power_rail_voltage_drop": "V",
    "power_rail_joint_temperature": "K",
}


def test_foreign_types_have_variables_under_their_own_dimension(solved, tmp_path):
    data = solved["tanks"].dataset
    for name, unit in UNITS.items():
        assert data[name].dims == (name[: -len(name.split("_", 2)[2]) - 1], "scenario")
        assert data[name].attrs["units"] == unit
        assert data[name].attrs["long_name"]
    assert list(data["oil_bath"].values) == ["tank1", "tank2", "tank3", "tank4"]
    assert set(solved["air"].dataset["row_cooler_duty"].dims) == {"row_cooler", "scenario"}
    assert "crah" not in solved["air"].dataset.dims
    path = solved["tanks"].write(tmp_path / "tanks.nc")
    with xr.open_dataset(path, engine="h5netcdf") as again:
        np.testing.assert_array_equal(again["oil_bath_bath_rise"], data["oil_bath_bath_rise"])


def test_a_load_under_a_heading_of_its_own_is_in_a_headline_figure(own):
    cooling = [
        twin.solve(twin.load(own.TANKS, overrides={"steamer.power": power})).figures.cooling_power[0]
        for power in ("0 W", "100 kW")
    ]
    assert cooling[1] - cooling[0] == pytest.approx(100e3, rel=0.05)


def test_what_is_derived_can_be_drawn_and_given_off(forget):
    class oven:
        twice = Column("power", "twice what is stated")

    class Oven(Component):
        power: Power = Field(1e3, ge=0)
        ports = {"feed": Port("power", cords=True)}

        @classmethod
        def lower(cls, t, write):
            drawn = derive(write, oven.twice, (constant(write, t.power), 2.0), constant=5.0)
            draw(t, write, drawn, columns.totals.house)
            warm_room(t, write, drawn)
            report(t, write, "power", drawn, "drawn")

    text = "version: 1\ncomponents:\n  u: {type: utility, voltage: 415 V}\n  o: {type: oven}\n  p: {type: oven}\n"
    joints = "connections: [[power, u.out, o.feed], [power, u.out, p.feed]]"
    result = twin.solve(twin.load(text + joints), {"o.power": [0.0, 1e3]})
    np.testing.assert_allclose(result["oven_power"], [[5.0, 2005.0], [2005.0, 2005.0]])
    np.testing.assert_allclose(result.figures.facility_power, [2010.0, 4010.0])
    assert result.ok


def test_foreign_types_are_in_the_schema_and_counted(solved):
    kinds = twin.schema()["$defs"]
    assert {"oil_bath", "absorption_chiller", "chiller_door", "power_rail", "row_cooler"} <= set(kinds)
    assert "immersion_oil" in kinds["oil_bath"]["properties"]["fluid"]["enum"]
    assert solved["tanks"].facility.count()["oil_bath"] == 4
    assert set(solved["tanks"].facility.models.values()) >= {"hgx_tank"}


def test_scenarios_and_studies_reach_foreign_fields(own):
    result = twin.solve(twin.load(own.TANKS), {"hgx_tank.set_point": [308.15, 313.15, 318.15]})
    bath = result["oil_bath_bath_temperature"].values[0]
    np.testing.assert_allclose(np.diff(bath), 5.0, atol=0.1)
    alone = twin.solve(twin.load(own.TANKS), {"hgx_tank.set_point": [318.15]})
    assert alone["oil_bath_bath_temperature"].values[0, 0] == bath[2]


# ---- computed air ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aired(own):
    return twin.solve(twin.load(own.AIR), air=twin.FiniteVolume(cell=0.2, tolerance=0.5, coarse=False, turns=4))


def test_the_air_of_foreign_coolers_and_doors_is_computed(aired):
    assert aired.ok
    data = aired.dataset
    assert data["row_cooler_intake_temperature"].dims == ("row_cooler", "scenario")
    assert np.isfinite(data["row_cooler_intake_temperature"]).all()
    assert np.isfinite(data["rack_inlet_error"]).all()
    (room,) = aired.air_solution.rooms
    heat = room.loads.rack_heat[:, 0]
    assert heat[0] == pytest.approx(8e3 - float(data["chiller_door_duty"].item()), rel=0.25)
    assert heat[1] == pytest.approx(6e3)


def test_the_response_of_foreign_air_bounds_the_racks(own, aired):
    again = twin.solve(twin.load(own.AIR), air=aired.response)
    assert again.ok
    assert aired.response.rooms["hall"].coolers == ("cooler",)


# ---- pictures ----------------------------------------------------------------------------------------------------


def test_pictures_show_foreign_types_by_legend_and_role(solved, tmp_path):
    from twin.show.scene import render, stage

    tanks = solved["tanks"].scene(color="power")
    things, data = tanks.things, solved["tanks"].dataset.isel(scenario=0)
    assert [n for n, rack in zip(things.names, things.racks, strict=True) if rack] == [f"tank{k}" for k in range(1, 5)]
    assert things.legends[things.row["tank1"]] == "immersion"
    assert tanks.shown_values[things.row["tank1"]] == pytest.approx(float(data["oil_bath_power"][0]) / 1e3)
    for color, name, there in (
        ("oil_bath_inlet_temperature", "tank1", data["oil_bath_inlet_temperature"]),
        ("power_rail_joint_temperature", "rail", data["power_rail_joint_temperature"]),
    ):
        scene = solved["tanks"].scene(color=color)
        assert scene.shown_values[things.row[name]] == pytest.approx(float(there[0]) - 273.15)
    colours = stage.colours(solved["air"].scene().things)
    assert {"air handling", "in-row cooling"} < set(colours)
    assert len(set(colours.values())) == len(colours)
    assert tanks.save(tmp_path / "tanks.glb").read_bytes()[:4] == b"glTF"
    if find_spec("pyvista") and any(render.gl_libraries().values()):
        assert tanks.save(tmp_path / "tanks.png").read_bytes()[:4] == b"\x89PNG"


# ---- what is refused ---------------------------------------------------------------------------------------------


def test_a_heading_without_part_is_refused(forget):
    nowhere = Total("heaters", name="heaters")

    class Heater(Component):
        ports = {"feed": Port("power", cords=True)}

        @classmethod
        def lower(cls, t, write):
            draw(t, write, constant(write, np.full((t.n, 1), 5.0)), nowhere)

    text = "version: 1\ncomponents:\n  u: {type: utility, voltage: 415 V}\n  h: {type: heater}\n"
    with pytest.raises(ValueError, match="heater: what is drawn under 'heaters' would be in no figure"):
        twin.solve(twin.load(text + "connections: [[power, u.out, h.feed]]"))


@pytest.mark.parametrize("name", ["n", "names", "site", "node"])
def test_a_field_that_tables_have_is_refused_where_it_is_declared(name, forget):
    with pytest.raises(TypeError, match=f"a field may not be called {name}"):
        type("Odd", (Component,), {"__annotations__": {name: float}, name: 1.0, "__module__": __name__})


def test_a_type_that_is_known_is_refused_with_both_owners(forget):
    with pytest.raises(TypeError, match=r"test_own_equipment\..*Rack: type 'rack' is twin\.components\.compute\.Rack"):

        class Rack(Component):
            kind = "rack"


def test_a_type_defined_again_replaces_itself(forget):
    def define(power):
        class Stove(Component):
            power: Power = Field(1.0, ge=0)

        Stove.model_fields["power"].default = power
        return Stove

    first, again = define(1.0), define(2.0)
    assert first is not again
    assert REGISTRY["stove"] is again


def test_names_of_the_ledger_are_guarded():
    with pytest.raises(ValueError, match=r"no quantity 'volumeflow'; did you mean 'volume_flow'\?"):
        Column("volumeflow", "x")
    with pytest.raises(ValueError, match="did you mean 'temperature_difference'"):
        LimitKind(MAXIMUM, "x", quantity="temperature_differences")
    # Python 3.11 wraps what is raised while a class takes its names.
    with pytest.raises((ValueError, RuntimeError)) as caught:
        type("engine", (), {"power": Column("power", "x"), "__module__": __name__})
    assert "engine.power" in str(caught.value.__cause__ or caught.value)
    assert columns.COLUMNS["engine.power"] is columns.engine.power
    with pytest.raises(TypeError, match="Column"):  # rows are picked; looking for a member would never end
        "power" in columns.engine.power  # noqa: B015


def test_a_limit_without_a_name_and_a_column_of_others_are_refused(forget):
    class Probe(Component):
        ports = {"out": Port("power")}

    table = type("T", (), {"kind": "probe", "n": 1, "names": ["a"]})()
    from twin.components import limit

    ref = columns.bus.voltage[np.zeros(1, int)]
    with pytest.raises(ValueError, match=r"probe: LimitKind\('too low'\) has no name"):
        limit(table, print, LimitKind(MAXIMUM, "too low"), ref, 1.0)
    with pytest.raises(ValueError, match="declare a column of your own"):
        derive(print, columns.bus.voltage, (ref, 1.0))


def test_reports_of_one_name_and_two_meanings_are_refused(forget):
    class Meter(Component):
        dimension = "utility"
        ports = {"feed": Port("power", cords=True)}

        @classmethod
        def lower(cls, t, write):
            report(t, write, "power", columns.bus.voltage[t.feeds("feed")[1]], "voltage")

    text = "version: 1\ncomponents:\n  u: {type: utility, voltage: 415 V}\n  m: {type: meter}\n"
    with pytest.raises(twin.LayoutError, match="report utility_power: is in 1 and in W"):
        twin.solve(twin.load(text + "connections: [[power, u.out, m.feed]]"))


def test_a_wrong_fluid_is_a_fault_of_the_layout(own):
    with pytest.raises(twin.LayoutError, match=r"tank1.*no fluid 'immersion_oils'; did you mean 'immersion_oil'"):
        twin.load(own.TANKS, overrides={"oil_bath.fluid": "immersion_oils"})


def test_a_fluid_is_checked_when_it_is_added():
    good = dict(centre=300.0, scale=30.0, min_temperature=280.0, max_temperature=360.0, freezing=200.0)
    made = dict(rho=(800.0,), cp=(2000.0,), log_mu=(-5.0,), k=(0.13,))
    for change, message in (
        ({"rho": (-1.0,)}, "density is -1"),
        ({"cp": ()}, "cp has no coefficients"),
        ({"min_temperature": 400.0}, "min_temperature < max_temperature"),
        ({"name": "two words"}, "a name is of letters"),
        ({"name": "water"}, "is known with other properties"),
        ({"log_mu": (1e4,)}, "viscosity is inf"),
    ):
        with pytest.raises(ValueError, match=message):
            fluids.add(fluids.Fluid(**{"name": "oil_of_a_test"} | good | made | change))
    assert "oil_of_a_test" not in fluids.FLUIDS


# ---- other packages ----------------------------------------------------------------------------------------------

MODULE = '''
from typing import ClassVar
from pydantic import Field
from pydantic.errors import PydanticSchemaGenerationError
from twin.components import Component, Port, Table, Write, constant, draw, warm_room
from twin.columns import Total
from twin.units import Power

class heads:
    steam = Total("steam", "cooling_power")

class SteamLance(Component):
    """A stated power."""
    power: Power = Field(1e3, ge=0)
    ports: ClassVar[dict[str, Port]] = {"feed": Port("power", cords=True)}

    @classmethod
    def lower(cls, t: Table, write: Write) -> None:
        power = constant(write, t.power)
        draw(t, write, power, heads.steam)
        warm_room(t, write, power)
'''
ENTRY = """
sources: {sheet: "A data sheet of a test"}
lance_9kw:
  type: steam_lance
  about: A lance
  fields:
    power: {value: 9 kW, kind: vendor, source: sheet}
"""
USES = """
version: 1
name: uses
components:
  u: {type: utility, voltage: 415 V}
  lance: {model: lance_9kw}
connections: [[power, u.out, lance.feed]]
"""


def distribution(folder: Path, module: str = MODULE, entry: str = ENTRY, name: str = "lances") -> Path:
    """A package as an installer leaves it: modules, entries and the record of its entry points."""
    package, info = folder / name, folder / f"{name}-1.2.dist-info"
    for path in (package / "entries", info):
        path.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "entries" / "__init__.py").write_text("")
    (package / "types.py").write_text(module)
    (package / "entries" / "steam.yaml").write_text(entry)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        textwrap.dedent(f"""\
            [aifactory_twin.components]
            {name} = {name}.types

            [aifactory_twin.catalogue]
            {name} = {name}.entries
            """)
    )
    (folder / "uses.yaml").write_text(USES)
    return folder


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`twin` with the packages of a folder installed."""
    code = f"import sys; sys.path.append({str(folder)!r}); from twin.app.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=folder)


def test_an_installed_package_brings_types_and_entries(tmp_path):
    distribution(tmp_path)
    valid = command(tmp_path, "validate", "uses.yaml")
    assert valid.returncode == 0, valid.stderr
    assert "steam lance" in valid.stdout
    solved = command(tmp_path, "solve", "uses.yaml", "--no-bound", "--json", "-o", "uses.nc")
    assert solved.returncode == 0, solved.stderr
    assert json.loads(solved.stdout)["cooling_power_mw"] == pytest.approx(0.009)
    with xr.open_dataset(tmp_path / "uses.nc", engine="h5netcdf") as data:
        assert data.attrs["plugins"] == "lances 1.2"


def told(folder: Path) -> list[str]:
    """Lines of the error of a layout that uses the packages of a folder."""
    done = command(folder, "validate", "uses.yaml")
    assert done.returncode == 2
    return done.stderr.strip().splitlines()


def test_packages_that_fail_are_one_line_each(tmp_path):
    distribution(tmp_path, "import nothing_of_that_name")
    distribution(tmp_path, MODULE.replace("SteamLance", "Pump"), name="pumps")
    first, second = sorted(told(tmp_path))
    group = "in aifactory_twin.components"
    assert f"entry point lances = lances.types of lances {group}: ModuleNotFoundError: No module named" in first
    assert "TypeError: pumps.types.Pump: type 'pump' is twin.components.coolant.PumpStation already" in second


def test_entries_that_are_wrong_are_one_line_each(tmp_path):
    distribution(tmp_path, MODULE, ENTRY.replace("vendor", "guess"))
    distribution(tmp_path, "", ENTRY.replace("source: sheet", "source: x"), "sources")
    distribution(tmp_path, "", ENTRY.replace("lance_9kw", "gb300_nvl72"), "copies")
    lines = told(tmp_path)
    assert len(lines) == 2
    assert any("lances.entries/steam.yaml: lance_9kw: power: kind 'guess' is none of measured" in x for x in lines)
    assert any("sources.entries/steam.yaml: lance_9kw: power: source 'x' is none of the file's" in x for x in lines)


def test_an_entry_that_ships_is_not_replaced_and_values_are_judged(tmp_path):
    distribution(tmp_path / "a", MODULE, ENTRY.replace("lance_9kw", "gb300_nvl72"))
    (line,) = told(tmp_path / "a")
    assert "lances.entries/steam.yaml: gb300_nvl72: is an entry of racks.yaml already" in line
    distribution(tmp_path / "b", MODULE, ENTRY.replace("9 kW", "9 kg"))
    (line,) = told(tmp_path / "b")
    assert "lance: power: '9 kg'" in line


def test_help_reads_no_entry_points(tmp_path):
    distribution(tmp_path, "raise SystemExit('was imported')")
    done = command(tmp_path, "--help")
    assert done.returncode == 0
    assert "was imported" not in done.stderr


class Lead:
    """No number, text or model."""


def test_a_type_that_cannot_be_read_is_refused_where_it_stands():
    with pytest.raises(PydanticSchemaGenerationError, match="Lead"):

        class Odd(Component):
            thing: Lead

    assert "odd" not in REGISTRY
