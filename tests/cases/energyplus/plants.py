"""The plants, written for EnergyPlus from one description of their equipment."""

from pathlib import Path

import yaml
from cases.energyplus.eplus import Model

ROOT = Path(__file__).parents[3]
BLOCKS = {1.0: slice(8, 12), 0.4: slice(20, 24)}
"""Hours of a day whose mean is the row of a load; each load runs from eight hours before."""

CONDITIONS = {
    "san_jose_cold": dict(elevation=15.5, dry_bulb=2.2, relative_humidity=80.0),
    "san_jose_hot": dict(elevation=15.5, dry_bulb=33.0, wet_bulb=19.0),
    "dallas_cold": dict(elevation=170.7, dry_bulb=-4.8, relative_humidity=80.0),
    "dallas_hot": dict(elevation=170.7, dry_bulb=38.6, wet_bulb=23.4),
    "leesburg_cold": dict(elevation=119.0, dry_bulb=-10.1, relative_humidity=80.0),
    "leesburg_hot": dict(elevation=119.0, dry_bulb=35.0, wet_bulb=24.8),
    "seattle_cold": dict(elevation=137.0, dry_bulb=-3.0, relative_humidity=80.0),
    "seattle_hot": dict(elevation=137.0, dry_bulb=30.0, wet_bulb=18.4),
    "arctic": dict(elevation=0.0, dry_bulb=-30.0, relative_humidity=70.0),
    "hot_dry": dict(elevation=0.0, dry_bulb=45.0, wet_bulb=20.0),
    "hot_humid": dict(elevation=0.0, dry_bulb=32.0, wet_bulb=29.0),
    "mountain": dict(elevation=1600.0, dry_bulb=20.0, wet_bulb=12.0),
}
"""Weather: m, degC, %."""

PARAMETERS = {
    "tower": {
        "cells": 4,
        "water_flow_m3_per_s": 0.12,
        "air_flow_m3_per_s": 89.64,
        "ua_W_per_K": 155700.0,
        "free_convection_share_of_air_and_ua": 0.1,
        "fan_power_W": 30000.0,
        "wet_bulb_degC": 25.6,
        "dry_bulb_degC": 35.0,
        "approach_K": 3.9,
        "range_K": 5.6,
        "min_air_flow_ratio": 0.2,
        "drift_share_of_design_flow": 2e-5,
        "cycles": 4.0,
        "fan_power_curve_of_air_ratio": [0.0, 0.0, 0.0, 1.0],
        "ua_curve_of_air_ratio": [0.0, 1.3, -0.3],
        "ua_curve_of_water_ratio": [0.1082, 1.667, -0.7713],
        "ua_curve_of_design_less_wet_bulb_K": [1.0, 0.0081, 0.0],
        "air_ratio_limits": [0.2, 1.0],
        "water_ratio_limits": [0.3, 1.0],
        "design_less_wet_bulb_limits_K": [-10.0, 25.0],
        "york_free_convection_share_of_capacity": 0.125,
        "set_point_degC": 24.0,
        "load_W": 2.75e6,
    },
    "dry_cooler": {
        "duty_W": 2.931e6,
        "ua_W_per_K": 696469.4,
        "water_flow_m3_per_s": 0.1262,
        "entering_water_degC": 46.1,
        "air_degC": 35.0,
        "air_wet_bulb_degC": 25.6,
        "air_flow_m3_per_s": 375.0,
        "fan_power_W": 117.7e3,
        "low_air_flow_m3_per_s": 187.5,
        "low_fan_power_W": 117.7e3 / 8,
        "low_ua_W_per_K": 300000.0,
        "set_point_degC": 36.0,
        "load_W": 2.931e6,
    },
    "air_chiller": {
        "curves": "carrier_30xa500",
        "water_flow_m3_per_s": 0.055,
        "min_part_load": 0.15,
        "set_point_degC": 7.0,
        "load_W": 1.3e6,
    },
    "water_chiller_plant": {
        "curves": "york_yk",
        "chilled_flow_m3_per_s": 0.08,
        "condenser_flow_m3_per_s": 0.12,
        "min_part_load": 0.15,
        "set_point_degC": 7.0,
        "tower_set_point_degC": 24.0,
        "load_W": 2.0e6,
        "chilled_pump_head_Pa": 200e3,
        "condenser_pump_head_Pa": 150e3,
        "pump_efficiency": 0.75,
        "motor_efficiency": 0.9,
    },
    "still_pump": {"head_Pa": 100.0, "pump_efficiency": 0.75, "motor_efficiency": 0.9},
}
"""Equipment, all in SI or degC; towers and coolers as a whole, not by cell."""


def pressure(elevation):
    """Pa, the standard atmosphere as EnergyPlus has it [ASHRAE Fundamentals, ch. 1, eq. 3]."""
    return 101325.0 * (1.0 - 2.25577e-5 * elevation) ** 5.2559


def curves(name):
    """Curves of a chiller as the catalogue has them."""
    return yaml.safe_load((ROOT / "layouts/hardware/curves/chillers.yaml").read_text())[name]


def number(text):
    """The number of a quantity with a unit."""
    return float(str(text).split()[0])


def day(condition, timesteps=60):
    """A model whose weather is a condition."""
    c = dict(CONDITIONS[condition])
    elevation = c.pop("elevation")
    m = Model(elevation, timesteps=timesteps)
    m.day(c.pop("dry_bulb"), pressure(elevation), **c)
    names = "Outdoor Air Drybulb Temperature|Outdoor Air Wetbulb Temperature|Outdoor Air Humidity Ratio"
    m.report(*(f"Site {n}" for n in (names + "|Outdoor Air Barometric Pressure").split("|")))
    return m


def two_loads(watts):
    """Load by hour: full in the first half of the day, 40 % in the second."""
    return [watts] * 12 + [0.4 * watts] * 12


def pump(m, name, inlet, outlet, flow, head, efficiency, motor):
    """A pump of constant speed [m3/s, Pa]."""
    return m.pump(name, inlet, outlet, flow, flow * head / (efficiency * motor), head, motor)


def still(m, name, inlet, outlet, flow):
    """A pump that gives next to no heat."""
    p = PARAMETERS["still_pump"]
    return pump(m, name, inlet, outlet, flow, p["head_Pa"], p["pump_efficiency"], p["motor_efficiency"])


TOWER = {
    "inlet [degC]": ("TOWER:Cooling Tower Inlet Temperature", 1.0),
    "outlet [degC]": ("TOWER:Cooling Tower Outlet Temperature", 1.0),
    "flow [kg/s]": ("TOWER:Cooling Tower Mass Flow Rate", 1.0),
    "heat [W]": ("TOWER:Cooling Tower Heat Transfer Rate", 1.0),
    "fan [W]": ("TOWER:Cooling Tower Fan Electricity Rate", 1.0),
    "air ratio [1]": ("TOWER:Cooling Tower Fan Speed Ratio", 1.0),
    "cells [1]": ("TOWER:Cooling Tower Operating Cells Count", 1.0),
    "evaporation [L/s]": ("TOWER:Cooling Tower Water Evaporation Volume Flow Rate", 1e3),
    "drift [L/s]": ("TOWER:Cooling Tower Water Drift Volume Flow Rate", 1e3),
    "blowdown [L/s]": ("TOWER:Cooling Tower Water Blowdown Volume Flow Rate", 1e3),
    "make-up [L/s]": ("TOWER:Cooling Tower Make Up Water Volume Flow Rate", 1e3),
}
"""Columns of a tower: variable and factor."""
YORK = TOWER | {"air ratio [1]": ("TOWER:Cooling Tower Air Flow Rate Ratio", 1.0)}


def tower(m, inlet, outlet, york=False):
    """A tower between two nodes; returns its type and name."""
    t = PARAMETERS["tower"]
    m.curve("Cubic", "fan power", t["fan_power_curve_of_air_ratio"], x=(0.0, 1.0))
    shared = dict(
        water_inlet_node_name=inlet,
        water_outlet_node_name=outlet,
        design_water_flow_rate=t["water_flow_m3_per_s"],
        design_air_flow_rate=t["air_flow_m3_per_s"],
        design_fan_power=t["fan_power_W"],
        design_inlet_air_wet_bulb_temperature=t["wet_bulb_degC"],
        design_approach_temperature=t["approach_K"],
        design_range_temperature=t["range_K"],
        minimum_air_flow_rate_ratio=t["min_air_flow_ratio"],
        evaporation_loss_mode="SaturatedExit",
        drift_loss_percent=100.0 * t["drift_share_of_design_flow"],
        blowdown_calculation_mode="ConcentrationRatio",
        blowdown_concentration_ratio=t["cycles"],
        number_of_cells=t["cells"],
        cell_control="MaximalCell",
    )
    if york:
        kind = "CoolingTower:VariableSpeed"
        own = dict(
            model_type="YorkCalc",
            fan_power_ratio_function_of_air_flow_rate_ratio_curve_name="fan power",
            fraction_of_tower_capacity_in_free_convection_regime=t["york_free_convection_share_of_capacity"],
        )
    else:
        kind = "CoolingTower:VariableSpeed:Merkel"
        m.curve("Quadratic", "ua of air", t["ua_curve_of_air_ratio"], x=t["air_ratio_limits"])
        m.curve("Quadratic", "ua of water", t["ua_curve_of_water_ratio"], x=t["water_ratio_limits"])
        m.curve(
            "Quadratic",
            "ua of wet bulb",
            t["ua_curve_of_design_less_wet_bulb_K"],
            x=t["design_less_wet_bulb_limits_K"],
        )
        still_share = t["free_convection_share_of_air_and_ua"]
        ua, modifier = "u_factor_times_area", "u_factor_times_area_modifier_function_of"
        own = {
            "performance_input_method": "UFactorTimesAreaAndDesignWaterFlowRate",
            f"design_air_flow_rate_{ua}_value": t["ua_W_per_K"],
            "free_convection_regime_air_flow_rate": still_share * t["air_flow_m3_per_s"],
            f"free_convection_regime_{ua}_value": still_share * t["ua_W_per_K"],
            "design_inlet_air_dry_bulb_temperature": t["dry_bulb_degC"],
            "fan_power_modifier_function_of_air_flow_rate_ratio_curve_name": "fan power",
            f"{modifier}_air_flow_ratio_curve_name": "ua of air",
            f"{modifier}_water_flow_ratio_curve_name": "ua of water",
            f"{modifier}_wetbulb_temperature_difference_curve_name": "ua of wet bulb",
        }
    columns = YORK if york else TOWER
    m.report(*(variable.split(":", 1)[1] for variable, _ in columns.values()))
    return kind, m.add(kind, "tower", **shared, **own)


def one_loop(m, flow, set_point, watts, unit):
    """A loop of a still pump, a unit made by unit(inlet, outlet) and a load [W] by hour."""
    pumped = still(m, "pump", "loop plant in", "pump out", flow)
    made = unit("pump out", "loop plant out")
    plant = m.branch("plant", [pumped, made], "loop plant in", "loop plant out")
    load = m.load("load", "loop demand in", "loop demand out", flow, watts)
    demand = m.branch("demand", [load], "loop demand in", "loop demand out")
    m.set_point("loop plant out", set_point)
    m.loop("loop", flow, [plant], [demand], m.by_load("by load", made))
    m.report("Pump Electricity Rate", "Pump Fluid Heat Gain Rate", "Plant Load Profile Heat Transfer Rate")
    return m


def tower_plant(condition, york=False):
    """A tower alone."""
    t = PARAMETERS["tower"]
    m = day(condition)
    unit = lambda inlet, outlet: tower(m, inlet, outlet, york)  # noqa: E731
    return one_loop(m, t["water_flow_m3_per_s"], t["set_point_degC"], two_loads(t["load_W"]), unit)


def tower_york(condition):
    """York's tower alone."""
    return tower_plant(condition, york=True)


COOLER = {
    "inlet [degC]": ("COOLER:Cooling Tower Inlet Temperature", 1.0),
    "outlet [degC]": ("COOLER:Cooling Tower Outlet Temperature", 1.0),
    "flow [kg/s]": ("COOLER:Cooling Tower Mass Flow Rate", 1.0),
    "heat [W]": ("COOLER:Cooling Tower Heat Transfer Rate", 1.0),
    "fan [W]": ("COOLER:Cooling Tower Fan Electricity Rate", 1.0),
}


def dry_cooler(condition, speeds=1):
    """A dry cooler alone, with fans of one speed or two."""
    c = PARAMETERS["dry_cooler"]
    m = day(condition)

    def unit(inlet, outlet):
        shared = dict(
            water_inlet_node_name=inlet,
            water_outlet_node_name=outlet,
            performance_input_method="UFactorTimesAreaAndDesignWaterFlowRate",
            design_water_flow_rate=c["water_flow_m3_per_s"],
            design_entering_water_temperature=c["entering_water_degC"],
            design_entering_air_temperature=c["air_degC"],
        )
        if speeds == 1:
            kind = "FluidCooler:SingleSpeed"
            own = dict(
                design_entering_air_wetbulb_temperature=c["air_wet_bulb_degC"],
                design_air_flow_rate_u_factor_times_area_value=c["ua_W_per_K"],
                design_air_flow_rate=c["air_flow_m3_per_s"],
                design_air_flow_rate_fan_power=c["fan_power_W"],
            )
        else:
            kind = "FluidCooler:TwoSpeed"
            own = dict(
                design_entering_air_wet_bulb_temperature=c["air_wet_bulb_degC"],
                high_fan_speed_u_factor_times_area_value=c["ua_W_per_K"],
                low_fan_speed_u_factor_times_area_value=c["low_ua_W_per_K"],
                high_fan_speed_air_flow_rate=c["air_flow_m3_per_s"],
                high_fan_speed_fan_power=c["fan_power_W"],
                low_fan_speed_air_flow_rate=c["low_air_flow_m3_per_s"],
                low_fan_speed_fan_power=c["low_fan_power_W"],
            )
        return kind, m.add(kind, "cooler", **shared, **own)

    m.report(*(variable.split(":", 1)[1] for variable, _ in COOLER.values()))
    return one_loop(m, c["water_flow_m3_per_s"], c["set_point_degC"], two_loads(c["load_W"]), unit)


def dry_cooler_two_speed(condition):
    """A dry cooler whose fans have two speeds."""
    return dry_cooler(condition, speeds=2)


CHILLER = {
    "leaving [degC]": ("CHILLER:Chiller Evaporator Outlet Temperature", 1.0),
    "chilled flow [kg/s]": ("CHILLER:Chiller Evaporator Mass Flow Rate", 1.0),
    "duty [W]": ("CHILLER:Chiller Evaporator Cooling Rate", 1.0),
    "chiller [W]": ("CHILLER:Chiller Electricity Rate", 1.0),
    "part load [1]": ("CHILLER:Chiller Part Load Ratio", 1.0),
    "condenser inlet [degC]": ("CHILLER:Chiller Condenser Inlet Temperature", 1.0),
}


def chiller(m, p, inlet, outlet, flow, condenser=None, condenser_flow=0.0):
    """An EIR chiller; its curves end at the box of the catalogue."""
    c = curves(p["curves"])
    x, y = ([number(v) for v in c[f"{name}_range"]] for name in ("leaving", "entering"))
    m.curve("Biquadratic", "capacity", c["capacity_curve"], x=x, y=y)
    m.curve("Biquadratic", "input", c["input_curve"], x=x, y=y)
    m.curve("Quadratic", "part load", c["part_load_curve"], x=(0.0, 1.0))
    water = {}
    if condenser:
        water = dict(condenser_inlet_node_name=condenser[0], condenser_outlet_node_name=condenser[1])
        water |= dict(reference_condenser_fluid_flow_rate=condenser_flow)
    m.add(
        "Chiller:Electric:EIR",
        "chiller",
        reference_capacity=1e3 * number(c["capacity"]),
        reference_cop=c["cop"],
        reference_leaving_chilled_water_temperature=number(c["leaving"]),
        reference_entering_condenser_fluid_temperature=number(c["entering"]),
        reference_chilled_water_flow_rate=flow,
        cooling_capacity_function_of_temperature_curve_name="capacity",
        electric_input_to_cooling_output_ratio_function_of_temperature_curve_name="input",
        electric_input_to_cooling_output_ratio_function_of_part_load_ratio_curve_name="part load",
        minimum_part_load_ratio=p["min_part_load"],
        minimum_unloading_ratio=p["min_part_load"],
        chilled_water_inlet_node_name=inlet,
        chilled_water_outlet_node_name=outlet,
        condenser_type="WaterCooled" if condenser else "AirCooled",
        condenser_fan_power_ratio=0.0,
        fraction_of_compressor_electric_consumption_rejected_by_condenser=1.0,
        chiller_flow_mode="ConstantFlow",
        leaving_chilled_water_lower_temperature_limit=2.0,
        **water,
    )
    m.report(*(variable.split(":", 1)[1] for variable, _ in CHILLER.values()))
    m.report("Chiller Condenser Heat Transfer Rate")
    return "Chiller:Electric:EIR", "chiller"


def air_chiller(condition):
    """An air-cooled chiller alone."""
    p = PARAMETERS["air_chiller"]
    m = day(condition)
    flow = p["water_flow_m3_per_s"]
    unit = lambda inlet, outlet: chiller(m, p, inlet, outlet, flow)  # noqa: E731
    return one_loop(m, flow, p["set_point_degC"], two_loads(p["load_W"]), unit)


PUMPS = {
    "chilled pump [W]": ("CHILLED PUMP:Pump Electricity Rate", 1.0),
    "condenser pump [W]": ("CONDENSER PUMP:Pump Electricity Rate", 1.0),
}


def water_chiller_plant(condition):
    """A water-cooled chiller, its tower and the pumps of both loops."""
    p = PARAMETERS["water_chiller_plant"]
    m = day(condition)
    efficiency = p["pump_efficiency"], p["motor_efficiency"]
    cold, warm = p["chilled_flow_m3_per_s"], p["condenser_flow_m3_per_s"]
    first = pump(m, "chilled pump", "cold plant in", "chilled pump out", cold, p["chilled_pump_head_Pa"], *efficiency)
    ends = "warm demand in", "warm demand out"
    made = chiller(m, p, "chilled pump out", "cold plant out", cold, ends, warm)
    load = m.load("load", "cold demand in", "cold demand out", cold, two_loads(p["load_W"]))
    plant = m.branch("cold plant", [first, made], "cold plant in", "cold plant out")
    demand = m.branch("cold demand", [load], "cold demand in", "cold demand out")
    m.set_point("cold plant out", p["set_point_degC"])
    m.loop("cold", cold, [plant], [demand], m.by_load("cold by load", made))
    second = pump(
        m, "condenser pump", "warm plant in", "condenser pump out", warm, p["condenser_pump_head_Pa"], *efficiency
    )
    tall = tower(m, "condenser pump out", "warm plant out")
    plant = m.branch("warm plant", [second, tall], "warm plant in", "warm plant out")
    demand = m.branch("warm demand", [made], *ends)
    m.set_point("warm plant out", p["tower_set_point_degC"])
    m.loop("warm", warm, [plant], [demand], m.by_load("warm by load", tall))
    m.report("Pump Electricity Rate", "Pump Fluid Heat Gain Rate", "Plant Load Profile Heat Transfer Rate")
    return m


PLANTS = {
    "tower_merkel": (tower_plant, TOWER),
    "tower_york": (tower_york, YORK),
    "dry_cooler": (dry_cooler, COOLER),
    "dry_cooler_two_speed": (dry_cooler_two_speed, COOLER),
    "air_chiller": (air_chiller, CHILLER),
    "water_chiller_plant": (water_chiller_plant, CHILLER | TOWER | PUMPS),
}
"""Makers of a model for a condition, and columns."""
