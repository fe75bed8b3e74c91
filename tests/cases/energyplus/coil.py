"""A chilled-water coil that dries outdoor air, written for EnergyPlus."""

from cases.energyplus.eplus import Model
from cases.energyplus.plants import still

COIL = {
    "air_flow_m3_per_s": 10.0,
    "water_flow_m3_per_s": 0.012,
    "water_in_degC": 7.0,
    "air_in_degC": 30.0,
    "air_in_humidity_ratio": 0.0130,
    "air_out_degC": 14.0,
    "air_out_humidity_ratio": 0.0095,
    "heat_exchanger_configuration": "CounterFlow",
    "type_of_analysis": "DetailedAnalysis",
}
"""Design of the coil, from which EnergyPlus derives UA outside and inside."""

STATES = [
    (24.0, 5.0, 6.0),
    (24.0, 14.0, 6.0),
    (24.0, 18.0, 10.0),
    (27.0, 8.0, 12.0),
    (27.0, 15.0, 7.0),
    (27.0, 22.0, 7.0),
    (30.0, 10.0, 10.0),
    (30.0, 18.0, 7.0),
    (30.0, 24.0, 6.0),
    (34.0, 16.0, 12.0),
    (34.0, 23.0, 8.0),
    (38.0, 24.0, 12.0),
]
"""Air: dry bulb, dew point; water entering: all degC."""
FLOWS = (1.0, 0.5)
"""Shares of the design water flow."""
CONDENSATION = "COIL AIR IN:System Node Humidity Ratio"
COLUMNS = {
    "air in [degC]": ("COIL AIR IN:System Node Temperature", 1.0),
    "humidity ratio in [1]": ("COIL AIR IN:System Node Humidity Ratio", 1.0),
    "air flow [kg/s]": ("COIL AIR IN:System Node Mass Flow Rate", 1.0),
    "air out [degC]": ("COIL AIR OUT:System Node Temperature", 1.0),
    "humidity ratio out [1]": ("COIL AIR OUT:System Node Humidity Ratio", 1.0),
    "water in [degC]": ("COLD DEMAND IN:System Node Temperature", 1.0),
    "water out [degC]": ("COLD DEMAND OUT:System Node Temperature", 1.0),
    "water flow [kg/s]": ("COLD DEMAND IN:System Node Mass Flow Rate", 1.0),
    "total [W]": ("COIL:Cooling Coil Total Cooling Rate", 1.0),
    "sensible [W]": ("COIL:Cooling Coil Sensible Cooling Rate", 1.0),
}


def coil_model(state, share):
    """The coil in air of a state, at sea level, with a share of its water flow."""
    dry_bulb, dew_point, water = state
    m = Model(timesteps=10)
    m.day(dry_bulb, 101325.0, dew_point=dew_point)
    air, flow = COIL["air_flow_m3_per_s"], share * COIL["water_flow_m3_per_s"]
    m.add("Material:NoMass", "board", roughness="Smooth", thermal_resistance=1.0)
    m.add("Construction", "wall", outside_layer="board")
    m.add("Zone", "room", volume=1000.0, floor_area=300.0)
    corners = dict(starting_x_coordinate=0.0, starting_y_coordinate=0.0, starting_z_coordinate=0.0)
    m.add(
        "Floor:Adiabatic",
        "floor",
        construction_name="wall",
        zone_name="room",
        azimuth_angle=0.0,
        tilt_angle=180.0,
        length=20.0,
        width=15.0,
        **corners,
    )
    # air: outdoors, coil, fan, room and out again
    m.add("OutdoorAir:Node", "outdoors")
    m.add(
        "OutdoorAir:Mixer",
        "mixer",
        mixed_air_node_name="coil air in",
        outdoor_air_stream_node_name="outdoors",
        relief_air_stream_node_name="relief",
        return_air_stream_node_name="air in",
    )
    m.add(
        "Controller:OutdoorAir",
        "dampers",
        relief_air_outlet_node_name="relief",
        return_air_node_name="air in",
        mixed_air_node_name="coil air in",
        actuator_node_name="outdoors",
        minimum_outdoor_air_flow_rate=air,
        maximum_outdoor_air_flow_rate=air,
        economizer_control_type="NoEconomizer",
        minimum_limit_type="FixedMinimum",
    )
    dampers = dict(controller_1_object_type="Controller:OutdoorAir", controller_1_name="dampers")
    m.add("AirLoopHVAC:ControllerList", "outdoor control", **dampers)
    m.add(
        "AirLoopHVAC:OutdoorAirSystem:EquipmentList",
        "outdoor parts",
        component_1_object_type="OutdoorAir:Mixer",
        component_1_name="mixer",
    )
    m.add(
        "AirLoopHVAC:OutdoorAirSystem",
        "outdoor",
        controller_list_name="outdoor control",
        outdoor_air_equipment_list_name="outdoor parts",
    )
    m.add(
        "Coil:Cooling:Water",
        "coil",
        design_water_flow_rate=COIL["water_flow_m3_per_s"],
        design_air_flow_rate=air,
        design_inlet_water_temperature=COIL["water_in_degC"],
        design_inlet_air_temperature=COIL["air_in_degC"],
        design_outlet_air_temperature=COIL["air_out_degC"],
        design_inlet_air_humidity_ratio=COIL["air_in_humidity_ratio"],
        design_outlet_air_humidity_ratio=COIL["air_out_humidity_ratio"],
        water_inlet_node_name="cold demand in",
        water_outlet_node_name="cold demand out",
        air_inlet_node_name="coil air in",
        air_outlet_node_name="coil air out",
        type_of_analysis=COIL["type_of_analysis"],
        heat_exchanger_configuration=COIL["heat_exchanger_configuration"],
    )
    m.add(
        "Fan:SystemModel",
        "fan",
        air_inlet_node_name="coil air out",
        air_outlet_node_name="air out",
        design_maximum_air_flow_rate=air,
        design_pressure_rise=1.0,
        design_electric_power_consumption=15.0,
        speed_control_method="Discrete",
    )
    m.add(
        "Controller:WaterCoil",
        "valve",
        control_variable="Temperature",
        action="Reverse",
        actuator_variable="Flow",
        sensor_node_name="coil air out",
        actuator_node_name="cold demand in",
        controller_convergence_tolerance=0.001,
        maximum_actuated_flow=flow,
        minimum_actuated_flow=0.0,
    )
    m.set_point("coil air out", 0.0)
    valve = dict(controller_1_object_type="Controller:WaterCoil", controller_1_name="valve")
    m.add("AirLoopHVAC:ControllerList", "air control", **valve)
    parts = [("AirLoopHVAC:OutdoorAirSystem", "outdoor"), ("Coil:Cooling:Water", "coil"), ("Fan:SystemModel", "fan")]
    m.branch("air", parts, "air in", "air out")
    components = m.objects["Branch"]["air"]["components"]
    for part, (start, end) in zip(
        components,
        [("air in", "coil air in"), ("coil air in", "coil air out"), ("coil air out", "air out")],
        strict=True,
    ):
        part |= dict(component_inlet_node_name=start, component_outlet_node_name=end)
    m.add("BranchList", "air branches", branches=[dict(branch_name="air")])
    m.add(
        "AirLoopHVAC",
        "air loop",
        branch_list_name="air branches",
        controller_list_name="air control",
        design_supply_air_flow_rate=air,
        supply_side_inlet_node_name="air in",
        supply_side_outlet_node_names="air out",
        demand_side_inlet_node_names="splitter in",
        demand_side_outlet_node_name="mixed out",
    )
    m.add("AirLoopHVAC:ZoneSplitter", "splitter", inlet_node_name="splitter in", nodes=[dict(outlet_node_name="duct")])
    m.add("AirLoopHVAC:ZoneMixer", "mixer back", outlet_node_name="mixed out", nodes=[dict(inlet_node_name="return")])
    path = dict(component_object_type="AirLoopHVAC:ZoneSplitter", component_name="splitter")
    m.add("AirLoopHVAC:SupplyPath", "supply", supply_air_path_inlet_node_name="splitter in", components=[path])
    path = dict(component_object_type="AirLoopHVAC:ZoneMixer", component_name="mixer back")
    m.add("AirLoopHVAC:ReturnPath", "back", return_air_path_outlet_node_name="mixed out", components=[path])
    m.add(
        "AirTerminal:SingleDuct:ConstantVolume:NoReheat",
        "terminal",
        air_inlet_node_name="duct",
        air_outlet_node_name="room in",
        maximum_air_flow_rate=air,
    )
    m.add(
        "ZoneHVAC:AirDistributionUnit",
        "unit",
        air_distribution_unit_outlet_node_name="room in",
        air_terminal_object_type="AirTerminal:SingleDuct:ConstantVolume:NoReheat",
        air_terminal_name="terminal",
    )
    served = dict(zone_equipment_object_type="ZoneHVAC:AirDistributionUnit", zone_equipment_name="unit")
    served |= dict(zone_equipment_cooling_sequence=1, zone_equipment_heating_or_no_load_sequence=1)
    m.add("ZoneHVAC:EquipmentList", "room parts", equipment=[served])
    m.add(
        "ZoneHVAC:EquipmentConnections",
        "room connections",
        zone_name="room",
        zone_conditioning_equipment_list_name="room parts",
        zone_air_inlet_node_or_nodelist_name="room in",
        zone_air_node_name="room air",
        zone_return_air_node_or_nodelist_name="return",
    )
    # water of one temperature
    pumped = still(m, "pump", "cold plant in", "pump out", flow)
    m.add(
        "PlantComponent:TemperatureSource",
        "source",
        inlet_node="pump out",
        outlet_node="cold plant out",
        design_volume_flow_rate=flow,
        temperature_specification_type="Constant",
        source_temperature=water,
    )
    source = ("PlantComponent:TemperatureSource", "source")
    plant = m.branch("plant", [pumped, source], "cold plant in", "cold plant out")
    demand = m.branch("demand", [("Coil:Cooling:Water", "coil")], "cold demand in", "cold demand out")
    m.set_point("cold plant out", water)
    listed = [dict(equipment_object_type=source[0], equipment_name=source[1])]
    m.add("PlantEquipmentList", "sources", equipment=listed)
    kind = "PlantEquipmentOperation:Uncontrolled"
    m.loop("cold", flow, [plant], [demand], (kind, m.add(kind, "always on", equipment_list_name="sources")))
    m.report(*sorted({variable.split(":", 1)[1] for variable, _ in COLUMNS.values()}))
    return m
