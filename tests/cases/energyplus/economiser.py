"""A year of a chiller behind a plate exchanger that the tower cools, written for EnergyPlus."""

import gzip
from pathlib import Path

from cases.energyplus.eplus import Model
from cases.energyplus.plants import CHILLER, TOWER, chiller, pump, tower

EPW = Path(__file__).parent / "leesburg.epw.gz"
ELEVATION, STEPS = 119.0, 6
YEAR = {
    "load_W": 1.5e6,
    "set_point_degC": 15.0,
    "chilled_flow_m3_per_s": 0.06,
    "exchanger_ua_W_per_K": 750e3,
    "exchanger_condenser_side_flow_m3_per_s": 0.06,
    "chiller_condenser_flow_m3_per_s": 0.06,
    "condenser_flow_m3_per_s": 0.12,
    "tower_over_wet_bulb_K": 4.0,
    "tower_at_least_degC": 7.0,
    "tower_at_most_degC": 35.0,
    "curves": "york_yk",
    "min_part_load": 0.15,
    "chilled_pump_head_Pa": 200e3,
    "condenser_pump_head_Pa": 150e3,
    "pump_efficiency": 0.75,
    "motor_efficiency": 0.9,
}
"""Equipment beside the tower of `plants.PARAMETERS`."""
WEATHER = {
    "dry bulb [degC]": ("ENVIRONMENT:Site Outdoor Air Drybulb Temperature", 1.0),
    "wet bulb [degC]": ("ENVIRONMENT:Site Outdoor Air Wetbulb Temperature", 1.0),
    "humidity ratio [1]": ("ENVIRONMENT:Site Outdoor Air Humidity Ratio", 1.0),
    "pressure [Pa]": ("ENVIRONMENT:Site Outdoor Air Barometric Pressure", 1.0),
}
HOURLY = {
    "tower out [degC]": ("WARM PLANT OUT:System Node Temperature", 1.0),
    "tower heat [W]": TOWER["heat [W]"],
    "fan [W]": TOWER["fan [W]"],
    "air ratio [1]": TOWER["air ratio [1]"],
    "make-up [L/s]": TOWER["make-up [L/s]"],
    "evaporation [L/s]": TOWER["evaporation [L/s]"],
    "exchanger [W]": ("EXCHANGER:Fluid Heat Exchanger Heat Transfer Rate", 1.0),
    "chiller duty [W]": CHILLER["duty [W]"],
    "chiller [W]": CHILLER["chiller [W]"],
    "chilled pump [W]": ("CHILLED PUMP:Pump Electricity Rate", 1.0),
    "condenser pump [W]": ("CONDENSER PUMP:Pump Electricity Rate", 1.0),
    "supply [degC]": ("COLD PLANT OUT:System Node Temperature", 1.0),
    "return [degC]": ("COLD PLANT IN:System Node Temperature", 1.0),
}


def economiser():
    """A year of hours: exchanger and chiller in series on the cold side, side by side on the tower's, with a bypass."""
    y = YEAR
    m = Model(ELEVATION, latitude=39.078, timesteps=STEPS)
    m.add(
        "SimulationControl",
        "control",
        run_simulation_for_sizing_periods="No",
        run_simulation_for_weather_file_run_periods="Yes",
    )
    m.add(
        "RunPeriod",
        "year",
        begin_month=1,
        begin_day_of_month=1,
        end_month=12,
        end_day_of_month=31,
        begin_year=2017,
        end_year=2017,
        use_weather_file_daylight_saving_period="No",
        use_weather_file_rain_indicators="No",
        use_weather_file_snow_indicators="No",
        treat_weather_as_actual="No",
    )
    efficiency = y["pump_efficiency"], y["motor_efficiency"]
    cold, warm = y["chilled_flow_m3_per_s"], y["condenser_flow_m3_per_s"]
    # cold loop: pump, exchanger, chiller
    first = pump(m, "chilled pump", "cold plant in", "chilled pump out", cold, y["chilled_pump_head_Pa"], *efficiency)
    plates = ("HeatExchanger:FluidToFluid", "exchanger")
    m.add(
        *plates,
        loop_supply_side_inlet_node_name="chilled pump out",
        loop_supply_side_outlet_node_name="exchanger out",
        loop_supply_side_design_flow_rate=cold,
        loop_demand_side_inlet_node_name="plates in",
        loop_demand_side_outlet_node_name="plates out",
        loop_demand_side_design_flow_rate=y["exchanger_condenser_side_flow_m3_per_s"],
        heat_exchange_model_type="CounterFlow",
        heat_exchanger_u_factor_times_area_value=y["exchanger_ua_W_per_K"],
        control_type="CoolingSetpointModulated",
        heat_exchanger_setpoint_node_name="exchanger out",
        minimum_temperature_difference_to_activate_heat_exchanger=0.01,
        heat_transfer_metering_end_use_type="FreeCooling",
    )
    sides = "condenser in", "condenser out"
    made = chiller(m, y, "exchanger out", "cold plant out", cold, sides, y["chiller_condenser_flow_m3_per_s"])
    load = m.load("load", "cold demand in", "cold demand out", cold, [y["load_W"]] * 24)
    plant = m.branch("cold plant", [first, plates, made], "cold plant in", "cold plant out")
    demand = m.branch("cold demand", [load], "cold demand in", "cold demand out")
    m.set_point("exchanger out", y["set_point_degC"])
    m.set_point("cold plant out", y["set_point_degC"])
    kind = "PlantEquipmentOperation:ComponentSetpoint"
    m.add(
        kind,
        "cold by set point",
        equipment_1_object_type=plates[0],
        equipment_1_name=plates[1],
        demand_calculation_1_node_name="chilled pump out",
        setpoint_1_node_name="exchanger out",
        component_1_flow_rate=cold,
        operation_1_type="Cooling",
        equipment_2_object_type=made[0],
        equipment_2_name=made[1],
        demand_calculation_2_node_name="exchanger out",
        setpoint_2_node_name="cold plant out",
        component_2_flow_rate=cold,
        operation_2_type="Cooling",
    )
    m.loop("cold", cold, [plant], [demand], (kind, "cold by set point"), volume=20.0)
    # warm loop: pump, tower; exchanger, condenser and a bypass side by side
    second = pump(
        m, "condenser pump", "warm plant in", "condenser pump out", warm, y["condenser_pump_head_Pa"], *efficiency
    )
    tall = tower(m, "condenser pump out", "warm plant out")
    plant = m.branch("warm plant", [second, tall], "warm plant in", "warm plant out")
    m.add("Pipe:Adiabatic", "before", inlet_node_name="warm demand in", outlet_node_name="split")
    m.add("Pipe:Adiabatic", "behind", inlet_node_name="mixed", outlet_node_name="warm demand out")
    m.add("Pipe:Adiabatic", "bypass", inlet_node_name="bypass in", outlet_node_name="bypass out")
    branches = [
        m.branch("warm before", [("Pipe:Adiabatic", "before")], "warm demand in", "split"),
        m.branch("warm plates", [plates], "plates in", "plates out"),
        m.branch("warm condenser", [made], *sides),
        m.branch("warm bypass", [("Pipe:Adiabatic", "bypass")], "bypass in", "bypass out"),
        m.branch("warm behind", [("Pipe:Adiabatic", "behind")], "mixed", "warm demand out"),
    ]
    m.add(
        "SetpointManager:FollowOutdoorAirTemperature",
        "warm follows",
        control_variable="Temperature",
        reference_temperature_type="OutdoorAirWetBulb",
        offset_temperature_difference=y["tower_over_wet_bulb_K"],
        minimum_setpoint_temperature=y["tower_at_least_degC"],
        maximum_setpoint_temperature=y["tower_at_most_degC"],
        setpoint_node_or_nodelist_name="warm plant out",
    )
    m.loop("warm", warm, [plant], branches, m.by_load("warm by load", tall), volume=20.0)
    m.report(*sorted({variable.split(":", 1)[1] for variable, _ in (WEATHER | HOURLY).values()}))
    return m


def stepped(text):
    """An EPW text whose records stand for whole hours, each in as many parts as there are steps.

    Between records by the hour EnergyPlus draws lines, and no hour would have its own weather.
    """
    lines = text.splitlines()
    head = [line.replace("DATA PERIODS,1,1,", f"DATA PERIODS,1,{STEPS},") for line in lines[:8]]
    parts = []
    for line in lines[8:]:
        fields = line.split(",")
        parts += [",".join([*fields[:4], str(60 // STEPS * (k + 1)), *fields[5:]]) for k in range(STEPS)]
    return "\n".join([*head, *parts, ""])


def year(folder):
    """Hourly columns of the year and the messages of EnergyPlus; `folder` is for the unpacked weather."""
    weather = Path(folder) / "leesburg.epw"
    weather.write_text(stepped(gzip.decompress(EPW.read_bytes()).decode("latin-1")))
    values, messages, _ = economiser().run(weather)
    columns = {name: [x * factor for x in values[v]] for name, (v, factor) in (WEATHER | HOURLY).items()}
    return columns, messages
