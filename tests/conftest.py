"""A small complete facility that tests bend: eight liquid racks, a CDU, a dry cooler, air on a chiller."""

import os
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "benchmarks")]  # for what they share


def pytest_configure(config):
    """Workers side by side have one thread of BLAS each: threads that wait for each other take tenfold time."""
    if getattr(config.option, "numprocesses", None):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


SMALL = """
version: 1
name: small
site: {dry_bulb: 30 degC, wet_bulb: 20 degC}
components:
  hall: {type: room}
  utility: {type: utility, voltage: 34.5 kV, contract: 2 MW}
  tx: {type: transformer, rating: 2.5 MVA}
  board: {type: switchboard, rating: 2.5 MW}
  ups: {type: ups, rating: 1.6 MW, room: hall}
  bus: {type: busway, ampacity: 3 kA, room: hall}
  tank: {type: expansion_tank, fluid: pg25}
  pump: {type: pump, shutoff: 300 kPa, rated_flow: 30 L/s, head: 180 kPa, pumps: 2}
  main: {type: pipe, length: 40 m, diameter: 0.15 m, zeta: 4, wall_conductance: 20 W/K, room: hall}
  cooler: {type: dry_cooler, flow: 120 kg/s, fan_power: 117 kW, set_point: 36 degC, limits_capacity: false}
  trim: {type: air_chiller, set_point: 36 degC, flow: 60 kg/s}
  cdu: {type: cdu, head: 110 kPa, set_point: 40 degC, room: hall, shutoff: 500 kPa, rated_flow: 20 L/s}
  chw_tank: {type: expansion_tank}
  chw_pump: {type: pump, shutoff: 200 kPa, rated_flow: 15 L/s, head: 100 kPa}
  chiller: {type: air_chiller, set_point: 10 degC, flow: 20 kg/s}
  fan: {type: fan_wall, units: 4, room: hall}
repeat:
  - over: {r: 1..8}
    components:
      "r{r}": {model: gb300_nvl72, room: hall, voltage: 415 V, cords: 1, at: ["{r} m", 1 m, 0 m]}
    connections:
      - [power, bus.out, "r{r}.feed"]
      - [coolant, cdu.tcs_supply, "r{r}.supply"]
      - [coolant, cdu.tcs_return, "r{r}.return"]
connections:
  - [power, utility.out, tx.in]
  - [power, tx.out, board.in]
  - [power, board.out, ups.in]
  - [power, ups.out, bus.in]
  - [power, board.out, pump.feed]
  - [power, board.out, chw_pump.feed]
  - [power, board.out, cooler.feed]
  - [power, board.out, trim.feed]
  - [power, board.out, cdu.feed]
  - [power, board.out, chiller.feed]
  - [power, board.out, fan.feed]
  - [coolant, tank.port, pump.in]
  - [coolant, pump.out, main.in]
  - [coolant, main.out, cooler.in]
  - [coolant, cooler.out, trim.in]
  - [coolant, trim.out, cdu.fws_supply]
  - [coolant, cdu.fws_return, pump.in]
  - [coolant, chw_tank.port, chw_pump.in]
  - [coolant, chw_pump.out, chiller.in]
  - [coolant, chiller.out, fan.supply]
  - [coolant, fan.return, chw_pump.in]
"""


@pytest.fixture
def small() -> str:
    """The layout as YAML text."""
    return SMALL
