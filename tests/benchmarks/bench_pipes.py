"""Pipe flow and heat raced against peers on the same loops, in one process, runs alternating.

Every tool starts cold, each time, from a network that is laid out in its memory: ours from arrays, EPANET's kernel from
its parsed file, pandapipes from its tables. Friction is Swamee and Jain's for all. Errors are the largest of a rack's
flow against an independent nodal Newton (scipy, to 1e-11), which is written here. The peers come with
`pip install -e ".[bench]"`; without them only we run. `--short` leaves out the loop of 10,000 racks and takes fewer
scenarios.
"""

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from races import machine, race  # isort: skip

import loops
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu
from twin.kernels import pipe_flow, streams

from twin.networks import read_pipe_network
from twin.networks.controls import at_start
from twin.networks.pipes import FRICTION, _area, _branches

warnings.filterwarnings("ignore")


def reference(net):
    """Flows by Newton on node pressures, sparse LU, until no flow moves by 1e-11."""
    c = 1 / (2 * net.density * _area(net) ** 2)
    re, free = net.diameter / (_area(net) * net.viscosity), np.flatnonzero(~np.isfinite(net.held))
    n, m = len(net.junction), np.full(len(net.branch), 1.0) * net.density * _area(net)
    for _ in range(60):
        z = net.roughness / net.diameter / 3.7 + 5.74 / (np.abs(m) * re) ** 0.9
        lam = 0.25 / np.log10(z) ** 2
        bend = 1.8 * (z - net.roughness / net.diameter / 3.7) / (z * np.log(z))
        loss = lam * net.length / net.diameter + net.zeta
        drop, slope = c * loss * m * np.abs(m), c * np.abs(m) * (2 * loss + lam * bend * net.length / net.diameter)
        y = 1 / slope
        base, p = m - y * drop, np.where(np.isfinite(net.held), net.held, 0.0)
        rows = np.r_[net.start, net.end, net.start, net.end]
        matrix = coo_array((np.r_[y, y, -y, -y], (rows, np.r_[net.start, net.end, net.end, net.start])), shape=(n, n))
        matrix = matrix.tocsc()
        rhs = np.zeros(n)
        np.subtract.at(rhs, net.start, base)
        np.add.at(rhs, net.end, base)
        p[free] = splu(matrix[free][:, free]).solve((rhs - matrix @ p)[free])
        new = base + y * (p[net.start] - p[net.end])
        moved, m = np.abs(new - m).max(), new
        if moved < 1e-11 * np.abs(m).max():
            return m
    raise RuntimeError("no reference")


def epanet(net, folder):
    """EPANET's C kernel on the loop, flow only; None if it is not installed."""
    try:
        from wntr.epanet.toolkit import ENepanet
    except ImportError:
        return None
    weight = net.density * 32.2 * 0.3048
    head = [f" {k} {net.held[k] / weight:.12g}" for k in np.flatnonzero(np.isfinite(net.held))]
    junctions = [f" {k} 0 0" for k in np.flatnonzero(~np.isfinite(net.held))]
    pipes = [
        f" {e} {net.start[e]} {net.end[e]} {max(net.length[e], 1e-3)} {1e3 * net.diameter[e]} {1e3 * net.roughness[e]} "
        f"{net.zeta[e]:.12g} Open"
        for e in range(len(net.branch))
    ]
    options = [" Units LPS", " Headloss D-W", f" Viscosity {net.viscosity / net.density / (1.1e-5 * 0.3048**2):.12g}"]
    options += [" Accuracy 0.000001", " Trials 200"]
    sections = {"JUNCTIONS": junctions, "RESERVOIRS": head, "PIPES": pipes, "OPTIONS": options, "END": []}
    file = Path(folder) / "loop.inp"
    file.write_text("".join(f"[{name}]\n" + "\n".join(rows) + "\n\n" for name, rows in sections.items()))
    en = ENepanet()
    en.ENopen(str(file), str(file.with_suffix(".rpt")), str(file.with_suffix(".bin")))
    en.ENopenH()

    def run():
        en.ENinitH(10)  # flows set anew, nothing saved
        en.ENrunH()

    place = {name: k + 1 for k, name in enumerate(range(len(net.branch)))}
    return run, lambda: net.density * 1e-3 * np.array([en.ENgetlinkvalue(k, 8) for k in place.values()])


def pandapipes(net):
    """pandapipes on the loop, flow and heat; None if it is not installed."""
    try:
        import pandapipes as pp
        from pandapipes.properties.fluids import _add_fluid_to_net, create_constant_fluid
    except ImportError:
        return None
    peer = pp.create_empty_network(add_stdtypes=False)
    about = {"density": net.density, "viscosity": net.viscosity, "heat_capacity": net.heat_capacity, "molar_mass": 18.0}
    _add_fluid_to_net(peer, create_constant_fluid("coolant", "liquid", **about))
    supply = int(np.flatnonzero(np.isfinite(net.supply))[0])
    back = int(np.flatnonzero(np.isfinite(net.held) & ~np.isfinite(net.supply))[0])
    high, low, warm = net.held[supply] / 1e5, net.held[back] / 1e5, net.supply[supply]
    pp.create_junctions(peer, len(net.junction), pn_bar=high, tfluid_k=warm)
    pipe, rack = np.flatnonzero(net.length > 0), np.flatnonzero(net.length == 0)
    size = {"inner_diameter_mm": 1e3 * net.diameter[pipe], "k_mm": 1e3 * net.roughness[pipe]}
    wall = {"sections": 1, "u_w_per_m2k": 0.0, "text_k": 293.15}
    ends = net.start[pipe], net.end[pipe], net.length[pipe] / 1e3
    pp.create_pipes_from_parameters(peer, *ends, loss_coefficient=net.zeta[pipe], **size, **wall)
    size = {"inner_diameter_mm": 1e3 * net.diameter[rack], "loss_coefficient": net.zeta[rack]}
    pp.create_heat_exchangers(peer, net.start[rack], net.end[rack], qext_w=-net.heat[rack], **size)
    lift = {"p_flow_bar": high, "plift_bar": high - low, "t_flow_k": warm}
    pp.create_circ_pump_const_pressure(peer, return_junction=back, flow_junction=supply, **lift)
    most = {f"max_iter_{k}": 60 for k in ("hyd", "therm", "bidirect")}
    close = {"tol_p": 1e-6, "tol_m": 1e-6, "tol_T": 1e-4, "tol_res": 1e-4}

    def run():
        pp.pipeflow(peer, mode="sequential", friction_model="swamee-jain", **most, **close)

    return run, lambda: np.r_[peer.res_pipe.mdot_from_kg_per_s, peer.res_heat_exchanger.mdot_from_kg_per_s]


def ours(net):
    """Flow, and flow with heat, from arrays that are laid out."""
    branches = _branches(net, at_start(net, net.zeta[:, None]), FRICTION["swamee-jain"])
    anchors = np.flatnonzero(np.isfinite(net.held))
    guess, heat = (net.density * _area(net))[:, None], net.heat[:, None]
    program = streams.program(len(net.junction), net.start, net.end, [], [])
    fed = np.flatnonzero(np.isfinite(net.supply))
    one, none = np.ones((len(net.branch), 1)), np.zeros((0, 1))
    kept = {}

    def flow(branches=branches, start=guess):
        kept["flow"] = pipe_flow.solve(branches, anchors, net.held[anchors, None], start, tolerance=1e-8)
        return kept["flow"]

    def both(branches=branches, start=guess):
        rate = flow(branches, start).mass_flow * net.heat_capacity
        parts = one, none, heat / np.abs(rate), np.zeros((len(net.junction), 1))
        kept["heat"] = streams.solve(program, rate, *parts, fed, net.supply[fed, None])

    return branches, flow, both, kept


def batch(net, branches, flow, both, count):
    """Scenarios per CPU second with other fittings at every rack, from the base case's flows; whether all settled."""
    rng, rack = np.random.default_rng(0), net.length == 0
    square = np.repeat(branches.square, count, axis=1)
    square[rack] *= rng.lognormal(0.0, 0.2, (int(rack.sum()), count))
    start = flow().mass_flow
    fields = {k: getattr(branches, k) for k in branches.__dataclass_fields__}
    many = pipe_flow.Network(**fields | {"square": square})
    both(many, start)
    began = time.process_time()
    both(many, start)
    return count / (time.process_time() - began)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args()
    print(machine())
    for rows, racks in [(25, 40)] if given.short else [(25, 40), (100, 100)]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "loop.json"
            path.write_text(json.dumps(loops.facility_loop(rows, racks)))
            net = read_pipe_network(path)
            exact, rack = reference(net), net.length == 0
            branches, flow, both, kept = ours(net)
            runs = {"ours, flow": flow, "ours, flow and heat": both}
            answers = {name: (lambda kept=kept: kept["flow"].mass_flow[:, 0]) for name in runs}
            for name, peer in (
                ("EPANET 2.2 kernel, flow", epanet(net, folder)),
                ("pandapipes, flow and heat", pandapipes(net)),
            ):
                if peer:
                    runs[name], answers[name] = peer
            taken = race(runs, 3 if given.short else 5)
            for name, seconds in taken.items():
                wrong = np.abs(answers[name]() / exact - 1)[rack].max()
                print(f"{rows * racks:6d} racks  {name:28s} {1e3 * seconds:10.2f} ms, error {wrong:.0e}")
            if rows == 25:
                count = 512 if given.short else 4096
                rate = batch(net, branches, flow, both, count)
                print(f"{rows * racks:6d} racks  {'ours, flow and heat':28s} {rate:10,.0f} scenarios/s of {count}")


if __name__ == "__main__":
    main()
