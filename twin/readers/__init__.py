"""Files of other programs to networks: MATPOWER, pandapower, power-grid-model, EPANET, facility loops."""
