"""Facility loops of any size, in the format that twin.readers.loops reads: a ring main, row headers, racks between."""

import numpy as np

FLUID = {"density_kg_m3": 1011.0, "viscosity_pa_s": 1.43e-3, "cp_j_kgk": 3964.0}
RACK_FLOW = 2e-3
"""m³/s that a rack is sized for."""


def facility_loop(rows, racks, seed=1):
    """`rows` rows of `racks` racks on a supply and a return ring, pipes sized for 1.6 to 2 m/s."""
    rng = np.random.default_rng(seed)
    pipes, nodes = [], ["plant s", "plant r"]

    def pipe(name, a, b, length, flow, speed, zeta):
        d = max(round(float(np.sqrt(4 * flow / (np.pi * speed))), 3), 0.05)
        pipes.append({"id": name, "a": a, "b": b, "length_m": length, "d_m": d, "rough_m": 4.5e-5, "zeta": zeta})

    for side in "sr":
        last = f"plant {side}"
        for r in range(rows):
            nodes.append(f"main {side}{r}")
            beyond = max(abs(rows // 2 - r), 1)
            pipe(f"M{side}{r}", last, nodes[-1], 6.0 if r else 20.0, beyond * racks * RACK_FLOW, 1.6, 0.3)
            last = nodes[-1]
        pipe(f"M{side} close", last, f"plant {side}", 30.0, max(rows // 2, 1) * racks * RACK_FLOW, 1.6, 1.0)
        for r in range(rows):
            last = f"main {side}{r}"
            for k in range(racks):
                nodes.append(f"row {side}{r} {k}")
                pipe(
                    f"H{side}{r} {k}",
                    last,
                    nodes[-1],
                    0.8 if k else 3.0,
                    (racks - k) * RACK_FLOW,
                    2.0,
                    0.15 if k else 1.0,
                )
                last = nodes[-1]
    units = [
        {
            **{"id": f"R{r} {k}", "a": f"row s{r} {k}", "b": f"row r{r} {k}", "length_m": 0.0, "d_m": 0.04},
            **{"rough_m": 1.5e-6, "zeta": float(75.0 * rng.lognormal(0.0, 0.12))},
            "heat_w": float(rng.uniform(60e3, 140e3)),
        }
        for r in range(rows)
        for k in range(racks)
    ]
    plant = {"supply": "plant s", "ret": "plant r", "p_return_pa": 2e5, "dp_pa": 1.4e5, "t_supply_k": 303.15}
    return {"format": "facility-loop/1", "fluid": FLUID, "plant": plant, "nodes": nodes, "pipes": pipes, "racks": units}
