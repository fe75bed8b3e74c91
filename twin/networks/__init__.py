"""Network solvers on their own: power and pipe flow of files that other programs write, as labelled Datasets."""

from twin.networks.pipes import pipe_flow, read_pipe_network
from twin.networks.power import contingencies, power_flow, read_power_network

__all__ = ["contingencies", "pipe_flow", "power_flow", "read_pipe_network", "read_power_network"]
