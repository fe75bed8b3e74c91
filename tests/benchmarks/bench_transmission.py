"""Single solves of networks with generators, raced against lightsim2grid and pandapower, in one process, alternating.

All three solve what pandapower's own tables say (its cases are not all MATPOWER's), with T models of transformers, to
1e-8 pu, from magnitudes of 1 and angles of the solution rounded to 2 degrees. Ours is the compiled full Newton alone,
factor included, and the whole call that returns a Dataset; lightsim2grid's is its solver with the symbolic part kept;
pandapower's is its call, from its own start (dc). Errors are against pandapower at 1e-12. The peers come with
`pip install -e ".[bench]"`; without pandapower there is nothing to solve. `--short` leaves out the largest case.
"""

import argparse
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from races import machine, race  # isort: skip

import numpy as np
from twin.kernels import newton

from twin.networks import power_flow, read_power_network
from twin.networks.power import _Solver

warnings.filterwarnings("ignore")

CASES = ("case118", "case300", "case1354pegase", "case9241pegase")


def lightsim(net, start):
    """lightsim2grid on a pandapower network; None if it is not installed."""
    try:
        from lightsim2grid.network import init_from_pandapower
    except ImportError:
        return None
    grid = init_from_pandapower(net)
    kept = {}

    def run():
        kept["v"] = grid.ac_pf(start.copy(), 30, 1e-8)

    return run, lambda: kept["v"][: len(start)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args()
    try:
        import pandapower as pp
        import pandapower.networks as pn
    except ImportError:
        print("no pandapower here")
        return
    print(machine())
    for name in CASES[:-1] if given.short else CASES:
        net = getattr(pn, name)()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.json"
            pp.to_json(net, str(path))
            mine = read_power_network(path)
        options = {"trafo_model": "t", "calculate_voltage_angles": True}
        pp.runpp(net, init="dc", tolerance_mva=1e-12 * net.sn_mva * 1e3, max_iteration=50, **options)
        exact = net.res_bus.vm_pu.to_numpy() * np.exp(1j * np.radians(net.res_bus.va_degree.to_numpy()))
        start = np.exp(1j * np.radians(2 * np.round(net.res_bus.va_degree.to_numpy() / 2)))
        slack = [net.bus.index.get_loc(b) for b in net.ext_grid.bus]
        start[slack] = exact[slack]
        assert len(mine.bus) == len(start), "fused buses"
        mine = replace(mine, initial=start)
        solver, kept = _Solver(mine, 1e-8), {}
        injection = (solver.given - mine.load)[:, None]

        def kernel(solver=solver, mine=mine, injection=injection, kept=kept):
            given = injection, solver.kind, solver.start[:, None]
            kept["v"] = newton.solve(solver.network, mine.shunt, *given, 1e-8).voltage[:, 0]

        def call(mine=mine, kept=kept):
            found = power_flow(mine, tolerance=1e-8)
            kept["call"] = found.vm_pu.values[:, 0] * np.exp(1j * np.radians(found.va_degree.values[:, 0]))

        runs = {"ours, full Newton": kernel, "ours, twin.power_flow": call}
        answers = {"ours, full Newton": lambda k=kept: k["v"], "ours, twin.power_flow": lambda k=kept: k["call"]}
        peer = lightsim(net, start)
        if peer:
            runs["lightsim2grid, ac_pf"], answers["lightsim2grid, ac_pf"] = peer

        def theirs(net=net, options=options):
            pp.runpp(net, init="dc", tolerance_mva=1e-8 * net.sn_mva, **options)

        runs["pandapower, runpp"] = theirs
        answers["pandapower, runpp"] = lambda net=net: (
            net.res_bus.vm_pu.to_numpy() * np.exp(1j * np.radians(net.res_bus.va_degree.to_numpy()))
        )
        for label, seconds in race(runs, 5).items():
            wrong = np.abs(answers[label]() - exact).max()
            print(f"{name:16s} {label:24s} {1e3 * seconds:10.2f} ms, error {wrong:.0e} pu")


if __name__ == "__main__":
    main()
