"""Smallest layouts for one number each: parts and joints in short, a grid that feeds what needs power."""

import re

import numpy as np

DRY = "pipe valve bypass heat_exchanger expansion_tank room rear_door water_economiser"


def bench(parts, joints, site="dry_bulb: 20 degC, wet_bulb: 15 degC"):
    """A layout's YAML text. Parts are lines `name: {type: ...}`, joints `a.out > b.in` (coolant) or `a.x ~ b.y` (air).

    Every part that takes power is fed from one grid.
    """
    lines = re.sub(r"\s*\n\s*(?!\w+: \{(?:type|model)|\s)", " ", parts.strip()).splitlines()
    lines = [line.strip() for line in lines if line.strip()]
    kinds = [re.match(r"(\w+): \{(?:type|model): (\w+)", line).groups() for line in lines]
    links = [f"power, grid.out, {name}.feed" for name, kind in kinds if kind not in DRY.split()]
    for line in joints.strip().splitlines():
        carrier = "coolant" if ">" in line else "air"
        links.append(f"{carrier}, " + ", ".join(end.strip() for end in re.split("[>~]", line)))
    return "\n".join(
        ["version: 1", "name: bench", f"site: {{{site}}}", "components:"]
        + ["  grid: {type: utility, voltage: 415 V, contract: 1 GW}"]
        + [f"  {line}" for line in lines]
        + ["connections:"]
        + [f"  - [{link}]" for link in links]
        + [""]
    )


def of(result, name, element=None):
    """Values of a quantity in all scenarios; of its one element if none is named."""
    assert result.ok, result["reason"].values
    array = result[name]
    if array.dims == ("scenario",):
        return array.values
    values = array.values if element is None else array.sel({array.dims[0]: [element]}).values
    assert len(values) == 1, array.coords
    return values[0]


FLOORS = {"rack_air_inlet_cold", "rack_flow", "dew_point", "coolant_freezing", "flow_reversed"}
"""Limits that must not be undercut; all others must not be exceeded."""


def limit(result, name, element):
    """Value and bound of a limit at an element, (scenario,) each, whose margin is what is left to the bound."""
    m = result.margins
    rows = np.flatnonzero((m.name == name) & (m.element == element))
    assert len(rows) == 1, (name, element, sorted(set(m.name)))
    value, bound = m.value[rows[0]], m.bound[rows[0]]
    np.testing.assert_allclose(m.margin[rows[0]], value - bound if name in FLOORS else bound - value)
    return value, bound


def holder(temperature, name="cool", fluid="water"):
    """A chiller far too large that brings the coolant to a temperature, the loop's tank, no drop to speak of."""
    return f"""
        tank: {{type: expansion_tank, fluid: {fluid}}}
        {name}: {{type: air_chiller, set_point: {temperature} degC, flow: 1 t/h, drop: 0.001 Pa, capacity: 50 MW,
               units: 100}}
    """


def heater(power, more=""):
    """A rack that gives all its power [W], up to 2 MW, to its coolant and resists next to nothing."""
    return (
        f"rack: {{type: liquid_rack, it_power: {power} W, nameplate: 2 MW, liquid_fraction: 1, cords: 1, "
        f"tray_drop: 1 Pa, manifold_drop: 0 Pa, rated_flow: 100 kg/s{more}}}\n"
    )


def mover(flow, name="pump"):
    """A pump that moves a volume flow [m3/s] through whatever stands before it: its power tells the pressure."""
    return (
        f"{name}: {{type: pump, shutoff: 2 MPa, rated_flow: 50 m3/s, control: flow, flow: {flow} m3/s, "
        "pump_efficiency: 0.8, drive_efficiency: 0.9}"
    )


def rise(result, flow, name="pump"):
    """Pressure [Pa] that a `mover` makes good."""
    return of(result, "pump_power", name) * 0.8 * 0.9 / flow


def counterflow(ua, hot, cold):
    """Effectiveness of counterflow at UA and capacity rates [W/K] [Incropera, 7th ed., eq. 11.29a]."""
    least, most = min(hot, cold), max(hot, cold)
    n, r = ua / least, least / most
    e = np.exp(-n * (1 - r))
    return (1 - e) / (1 - r * e)


def crossflow(ua, hot, cold):
    """Effectiveness of crossflow, both streams unmixed [Incropera, 7th ed., eq. 11.32]."""
    least, most = min(hot, cold), max(hot, cold)
    n, r = ua / least, least / most
    return 1 - np.exp(n**0.22 * (np.exp(-r * n**0.78) - 1) / r)
