"""Loss of each line and transformer (N-1) of networks with generators, raced against lightsim2grid, runs alternating.

Both solve what pandapower's tables say (but for transformers that charge, which are told not to), with generators
within no reactive limits, to imbalances of 1e-8 pu, on one thread; lightsim2grid by its ContingencyAnalysis (Newton,
KLU) from our base case, and what it knows of that it keeps from run to run. Ours is all that voltages need: base case,
factor, outages, and what is solved alone at last; as a Dataset it is the whole call, with loadings. Rates count the
outages that are asked for: lightsim2grid passes over those that part the network, which we solve. Voltages are compared
where both have converged. The peers come with `pip install -e ".[bench]"`; without pandapower there is only the
smallest network to solve. `--short` takes a part of the second network and leaves out the third.
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
from twin.kernels import compensation, newton

from twin.networks import contingencies, read_power_network
from twin.networks.power import _one_by_one, _Solver

warnings.filterwarnings("ignore")

CASES = (("case118", 1, 1, 25), ("case1354pegase", 1, 5, 3), ("case9241pegase", 10, 0, 1))
"""Networks, of which every so many outages are asked for, by default and in short (0: none), and rounds."""

IEEE = Path(__file__).parents[1] / "cases" / "ieee"


def networks(name):
    """A network as pandapower's, if that is installed, and as ours."""
    try:
        import pandapower as pp
        import pandapower.networks as pn
    except ImportError:
        return None, read_power_network(IEEE / f"{name}.m") if (IEEE / f"{name}.m").is_file() else None
    theirs = getattr(pn, name)()
    theirs.trafo["i0_percent"] = theirs.trafo["i0_percent"].clip(lower=0)  # lightsim2grid reads less than 0 otherwise
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.json"
        pp.to_json(theirs, str(file))
        return theirs, read_power_network(file)


def lightsim(net, start, lost):
    """lightsim2grid's outages of these branches, lines before transformers; None if it is not installed."""
    try:
        from lightsim2grid.contingencyAnalysis import ContingencyAnalysisCPP
        from lightsim2grid.network import init_from_pandapower
    except ImportError:
        return None
    analysis = ContingencyAnalysisCPP(init_from_pandapower(net))
    for branch in lost:
        analysis.add_n1(int(branch))
    order = np.argsort([branches[0] for branches in analysis.my_defaults()])
    result = lambda: (analysis.get_voltages()[order].T, np.array(analysis.converged_mask())[order])  # noqa: E731
    return lambda: analysis.compute(start.copy(), 20, 1e-8), result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args()
    print(machine())
    for name, every, short, rounds in CASES:
        theirs, mine = networks(name)
        step = short if given.short else every
        if mine is None or not step:
            continue
        lost = np.flatnonzero(mine.in_service)[::step]
        solver, kept = _Solver(mine, 1e-8), {}
        problem = solver.network, mine.shunt, (solver.given - mine.load)[:, None], solver.kind, solver.start[:, None]

        def ours(lost=lost, solver=solver, problem=problem, kept=kept):
            network, shunt, injection, kind, start = problem
            base = newton.solve(network, shunt, injection, kind, start).voltage[:, 0]
            topology = compensation.topology(network, shunt, kind != newton.DEAD)
            found = topology.base(kind, injection[:, 0], base).solve(lost, 1e-8)
            alone = np.flatnonzero(~found.converged)
            if len(alone):
                rest = _one_by_one(solver.net, lost[alone], False, 1e-8)
                found.voltage[:, alone], found.converged[alone] = rest.voltage, rest.converged
            kept.update(base=base, found=found, alone=len(alone))

        runs = {"ours, voltages": ours}
        whole = replace(mine, in_service=mine.in_service)
        if step == 1:
            runs["ours, Dataset"] = lambda whole=whole: contingencies(whole)
        ours()
        peer = lightsim(theirs, kept["base"], lost) if theirs is not None else None
        if peer:
            runs["lightsim2grid, voltages"] = peer[0]
        taken = race(runs, rounds)
        for label, seconds in taken.items():
            print(f"{name:16s} {label:24s} {len(lost) / seconds:10,.0f} outages/s")
        found = kept["found"]
        parting = (found.voltage == 0).any(axis=0).sum()
        print(f"{name:16s} {len(lost)} outages, {parting} part the network, {(~found.converged).sum()} unsolved,"
              f" {kept['alone']} solved alone, {found.iterations.mean():.1f} steps")  # fmt: skip
        if peer:
            voltage, converged = peer[1]()
            both = found.converged & converged
            ratio = taken["lightsim2grid, voltages"] / taken["ours, voltages"]
            error = np.abs(voltage - found.voltage)[:, both].max()
            print(f"{name:16s} {ratio:.1f} times its rate; {both.sum()} solved by both, {converged.sum()} by it,"
                  f" largest difference {error:.0e} pu")  # fmt: skip


if __name__ == "__main__":
    main()
