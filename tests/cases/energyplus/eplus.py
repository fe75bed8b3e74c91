"""EnergyPlus as a function: objects of its JSON input by type and name in, hourly values by name out."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "25.2"
RUN = "import sys; from pyenergyplus.api import EnergyPlusAPI as E; e = E(); s = e.state_manager.new_state(); "
RUN += "e.runtime.set_console_output_status(s, False); sys.exit(e.runtime.run_energyplus(s, sys.argv[1:]))"


class Failed(RuntimeError):
    """EnergyPlus ended with an error; its messages."""


class Model:
    """Objects of an input, with the few that every plant without a building needs."""

    def __init__(self, elevation=0.0, latitude=39.0, timesteps=6):
        self.objects = {}
        self.add("Version", "version", version_identifier=VERSION)
        self.add("Timestep", "timestep", number_of_timesteps_per_hour=timesteps)
        self.add("Building", "none", terrain="Country", maximum_number_of_warmup_days=25)
        self.add(
            "GlobalGeometryRules",
            "rules",
            starting_vertex_position="UpperLeftCorner",
            vertex_entry_direction="Counterclockwise",
            coordinate_system="Relative",
        )
        self.add("Site:Location", "site", latitude=latitude, longitude=0.0, time_zone=0.0, elevation=elevation)

    def add(self, kind, name, **fields):
        """An object; returns its name."""
        self.objects.setdefault(kind, {})[name] = fields
        return name

    def constant(self, name, value):
        """A schedule that never changes."""
        return self.add("Schedule:Constant", name, hourly_value=value)

    def hourly(self, name, values):
        """A schedule of a day, for all days."""
        self.add("Schedule:Day:Hourly", name + " day", **{f"hour_{i + 1}": v for i, v in enumerate(values)})
        days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "holiday"]
        days += ["summerdesignday", "winterdesignday", "customday1", "customday2"]
        week = {f"{day}_schedule_day_name": name + " day" for day in days}
        self.add("Schedule:Week:Daily", name + " week", **week)
        ends = dict(start_month=1, start_day=1, end_month=12, end_day=31)
        return self.add("Schedule:Year", name, schedule_weeks=[dict(schedule_week_name=name + " week", **ends)])

    def curve(self, kind, name, coefficients, **limits):
        """A curve; coefficients in the order of their fields, limits such as x=(0, 1)."""
        terms = {
            "Quadratic": ("1_constant", "2_x", "3_x_2"),
            "Cubic": ("1_constant", "2_x", "3_x_2", "4_x_3"),
            "Biquadratic": ("1_constant", "2_x", "3_x_2", "4_y", "5_y_2", "6_x_y"),
        }[kind]
        fields = {f"coefficient{t}": c for t, c in zip(terms, coefficients, strict=True)}
        for axis, (low, high) in limits.items():
            fields |= {f"minimum_value_of_{axis}": low, f"maximum_value_of_{axis}": high}
        return self.add(f"Curve:{kind}", name, **fields)

    def report(self, *names, every="Hourly"):
        """Variables to be written for all that have them."""
        for name in names:
            self.add("Output:Variable", f"report {name}", variable_name=name, reporting_frequency=every)

    def day(self, dry_bulb, pressure, wet_bulb=None, relative_humidity=None, dew_point=None):
        """A day whose weather never changes [degC, Pa, %]."""
        day = dict(
            month=7,
            day_of_month=21,
            day_type="CustomDay1",
            maximum_dry_bulb_temperature=dry_bulb,
            daily_dry_bulb_temperature_range=0.0,
            barometric_pressure=pressure,
            wind_speed=0.0,
            wind_direction=0.0,
            solar_model_indicator="ASHRAEClearSky",
            sky_clearness=0.0,
        )
        if wet_bulb is not None:
            day |= dict(humidity_condition_type="WetBulb", wetbulb_or_dewpoint_at_maximum_dry_bulb=wet_bulb)
        elif dew_point is not None:
            day |= dict(humidity_condition_type="DewPoint", wetbulb_or_dewpoint_at_maximum_dry_bulb=dew_point)
        else:
            self.add("Schedule:Day:Hourly", "humidity", **{f"hour_{i}": relative_humidity for i in range(1, 25)})
            day |= dict(humidity_condition_type="RelativeHumiditySchedule")
            day |= dict(humidity_condition_day_schedule_name="humidity")
        self.add("SizingPeriod:DesignDay", "day", **day)
        self.add(
            "SimulationControl",
            "control",
            do_zone_sizing_calculation="No",
            do_system_sizing_calculation="No",
            do_plant_sizing_calculation="No",
            run_simulation_for_sizing_periods="Yes",
            run_simulation_for_weather_file_run_periods="No",
        )

    # ---- loops ---------------------------------------------------------------------------------------------------

    def branch(self, name, parts, start, end):
        """Parts (type, name) in series between two nodes, joined by nodes `<part> out`."""
        components, inlet = [], start
        for i, (kind, part) in enumerate(parts):
            outlet = end if i == len(parts) - 1 else f"{part} out"
            components.append(
                dict(
                    component_object_type=kind,
                    component_name=part,
                    component_inlet_node_name=inlet,
                    component_outlet_node_name=outlet,
                )
            )
            inlet = outlet
        return self.add("Branch", name, components=components)

    def half(self, name, branches):
        """Branches of a half loop; more than one: the first and the last are those before and behind the others."""
        self.add("BranchList", f"{name} branches", branches=[dict(branch_name=b) for b in branches])
        if len(branches) == 1:
            return {}
        first, *between, last = branches
        self.add(
            "Connector:Splitter",
            f"{name} splitter",
            inlet_branch_name=first,
            branches=[dict(outlet_branch_name=b) for b in between],
        )
        self.add(
            "Connector:Mixer",
            f"{name} mixer",
            outlet_branch_name=last,
            branches=[dict(inlet_branch_name=b) for b in between],
        )
        self.add(
            "ConnectorList",
            f"{name} connectors",
            connector_1_object_type="Connector:Splitter",
            connector_1_name=f"{name} splitter",
            connector_2_object_type="Connector:Mixer",
            connector_2_name=f"{name} mixer",
        )
        return dict(connector=f"{name} connectors")

    def loop(self, name, flow, plant, demand, operation, volume=300.0):
        """A loop of water [m3/s]; plant and demand: branches; operation: (type, name) of its scheme."""
        ends = {"plant": self.half(f"{name} plant", plant), "demand": self.half(f"{name} demand", demand)}
        self.add(
            "PlantEquipmentOperationSchemes",
            f"{name} schemes",
            control_scheme_1_object_type=operation[0],
            control_scheme_1_name=operation[1],
            control_scheme_1_schedule_name="always",
        )
        self.constant("always", 1.0)
        fields = {f"{half}_side_branch_list_name": f"{name} {half} branches" for half in ends}
        fields |= {f"{half}_side_connector_list_name": c["connector"] for half, c in ends.items() if c}
        fields |= {f"{half}_side_inlet_node_name": f"{name} {half} in" for half in ends}
        fields |= {f"{half}_side_outlet_node_name": f"{name} {half} out" for half in ends}
        self.add(
            "PlantLoop",
            name,
            plant_equipment_operation_scheme_name=f"{name} schemes",
            loop_temperature_setpoint_node_name=f"{name} plant out",
            maximum_loop_temperature=98.0,
            minimum_loop_temperature=0.0,
            maximum_loop_flow_rate=flow,
            minimum_loop_flow_rate=0.0,
            plant_loop_volume=volume,
            **fields,
        )

    def by_load(self, name, *equipment):
        """Operation of (type, name) that take the whole load of a loop, one after the other."""
        listed = [dict(equipment_object_type=k, equipment_name=n) for k, n in equipment]
        self.add("PlantEquipmentList", f"{name} list", equipment=listed)
        ends = dict(load_range_1_lower_limit=0.0, load_range_1_upper_limit=1e12)
        kind = "PlantEquipmentOperation:CoolingLoad"
        return kind, self.add(kind, name, **ends, range_1_equipment_list_name=f"{name} list")

    def set_point(self, node, value):
        """A constant set point of a node, degC."""
        schedule = self.constant(f"{node} is", value)
        fields = dict(control_variable="Temperature", schedule_name=schedule, setpoint_node_or_nodelist_name=node)
        self.add("SetpointManager:Scheduled", f"{node} set", **fields)

    def pump(self, name, inlet, outlet, flow, power, head, motor):
        """A pump of constant speed that never stops."""
        self.add(
            "Pump:ConstantSpeed",
            name,
            inlet_node_name=inlet,
            outlet_node_name=outlet,
            design_flow_rate=flow,
            design_pump_head=head,
            design_power_consumption=power,
            motor_efficiency=motor,
            fraction_of_motor_inefficiencies_to_fluid_stream=0.0,
            pump_control_type="Continuous",
        )
        return "Pump:ConstantSpeed", name

    def load(self, name, inlet, outlet, flow, watts):
        """Heat given to a constant flow [W] by hour."""
        self.hourly(f"{name} heat", [-w for w in watts])
        self.constant("always", 1.0)
        self.add(
            "LoadProfile:Plant",
            name,
            inlet_node_name=inlet,
            outlet_node_name=outlet,
            load_schedule_name=f"{name} heat",
            peak_flow_rate=flow,
            flow_rate_fraction_schedule_name="always",
        )
        return "LoadProfile:Plant", name

    # ---- a run ---------------------------------------------------------------------------------------------------

    def run(self, weather=None):
        """Hourly values by "KEY:Variable" and the texts of its error and `eio` files; `weather`: path of an EPW."""
        self.add("OutputControl:Files", "files", output_tabular="No", output_dxf="No", output_mtr="No")
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "in.epJSON").write_text(json.dumps(self.objects, indent=1))
            more = ["-w", str(weather)] if weather else []
            command = [sys.executable, "-c", RUN, "-d", str(place / "out"), *more, str(place / "in.epJSON")]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True)
            texts = {end: _text(place / "out" / f"eplusout.{end}") for end in ("err", "eio", "eso")}
            if done.returncode or "EnergyPlus Completed Successfully" not in texts["err"]:
                raise Failed(texts["err"][:6000] or done.stdout + done.stderr)
            return _values(texts["eso"]), texts["err"], texts["eio"]


def _text(path):
    return path.read_text(errors="replace") if path.exists() else ""


def _values(eso):
    """Values of each variable of an .eso text, in order."""
    head, _, body = eso.partition("End of Data Dictionary")
    names = {}
    for line in head.splitlines():
        parts = line.split(",", 3)
        if len(parts) == 4 and parts[0].isdigit() and "!" in line:
            key, variable = parts[2], parts[3].split(" [")[0]
            names[parts[0]] = f"{key.upper()}:{variable}"
    values = {name: [] for name in names.values()}
    for line in body.splitlines():
        row, _, rest = line.partition(",")
        if row in names:
            values[names[row]].append(float(rest.split(",")[0]))
    return values
