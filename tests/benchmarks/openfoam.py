"""OpenFOAM on the hall of `bench_air`: its case written out, and steps of it timed; needs the Debian package openfoam.

Transient Boussinesq flow, Smagorinsky, second-order upwind and limited schemes, two pressure corrections by multigrid,
steps of 0.05 s. Fans are an implicit pull of 10 per second to the racks' velocity, since stronger ones decouple the
pressure on its collocated grid.
"""

import os
import re
import shutil
import statistics
import subprocess
from pathlib import Path

import numpy as np

STEP = 0.05
WALLS = ("floor", "ceiling", "walls")


def entry(name, value):
    """One dictionary entry, nested dictionaries in braces."""
    if isinstance(value, dict):
        return f"{name} {{ {' '.join(entry(k, v) for k, v in value.items())} }}"
    return f"{name} {value};"


def write(case, path, kind, entries):
    """A dictionary file of a case."""
    file = Path(case) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    head = entry("FoamFile", {"version": "2.0", "format": "ascii", "class": kind, "object": file.name})
    file.write_text("\n".join([head, *(entry(k, v) for k, v in entries.items())]) + "\n")


def field(case, name, kind, units, start, walls, tiles, returns):
    """A field's start and its values at the walls, the tiles and the returns."""
    sides = {side: walls for side in WALLS} | {"tiles": tiles, "returns": returns}
    content = {"dimensions": units, "internalField": f"uniform {start}", "boundaryField": sides}
    write(case, f"0.start/{name}", kind, content)


def lay_out(case, hall, cell, steps):
    """Write the case of a hall; see `bench_air.Hall`."""
    x, y, z = hall.size
    counts = " ".join(str(round(s / cell)) for s in hall.size)
    corners = f"( (0 0 0) ({x} 0 0) ({x} {y} 0) (0 {y} 0) (0 0 {z}) ({x} 0 {z}) ({x} {y} {z}) (0 {y} {z}) )"
    patch = lambda name, faces: f"{name} {{ type wall; faces ( {faces} ); }}"  # noqa: E731
    sides = "(0 4 7 3) (1 2 6 5) (0 1 5 4) (3 7 6 2)"
    boundary = f"( {patch('floor', '(0 3 2 1)')} {patch('ceiling', '(4 5 6 7)')} {patch('walls', sides)} )"
    mesh = {"vertices": corners, "blocks": f"( hex (0 1 2 3 4 5 6 7) ({counts}) simpleGrading (1 1 1) )"}
    write(case, "system/blockMeshDict", "dictionary", mesh | {"boundary": boundary, "mergePatchPairs": "()"})
    box = lambda low, high: "box ({} {} {}) ({} {} {})".format(*low, *high)  # noqa: E731
    thin = lambda area, height: box((*area[0], height - 0.01), (*area[1], height + 0.01))  # noqa: E731
    sets = []
    for k, (low, high, _) in enumerate(hall.racks):
        sets.append(f"{{ name r{k}; type cellSet; action new; source boxToCell; {box(low, high)}; }}")
        sets.append(f"{{ name r{k}; type cellZoneSet; action new; source setToCellZone; set r{k}; }}")
    for name, areas, height in (("tilesF", [hall.tiles], 0.0), ("returnsF", hall.returns, z)):
        for k, area in enumerate(areas):
            action = "add" if k else "new"
            sets.append(f"{{ name {name}; type faceSet; action {action}; source boxToFace; {thin(area, height)}; }}")
    write(case, "system/topoSetDict", "dictionary", {"actions": f"( {' '.join(sets)} )"})
    cut = [f"{{ name {n}; patchInfo {{ type patch; }} constructFrom set; set {n}F; }}" for n in ("tiles", "returns")]
    write(case, "system/createPatchDict", "dictionary", {"pointSync": "false", "patches": f"( {' '.join(cut)} )"})
    flat, given = {"type": "zeroGradient"}, lambda v: {"type": "fixedValue", "value": f"uniform {v}"}
    derived = {"type": "calculated", "value": "uniform 0"}
    flux = {"type": "fixedFluxPressure", "value": "uniform 0"}
    out = lambda v: {"type": "inletOutlet", "inletValue": f"uniform {v}", "value": f"uniform {v}"}  # noqa: E731
    up, still = f"(0 0 {hall.tile_speed})", "(0 0 0)"
    speed, warmth = "[0 1 -1 0 0 0 0]", "[0 0 0 1 0 0 0]"
    field(case, "U", "volVectorField", speed, still, {"type": "noSlip"}, given(up), out(still))
    field(case, "T", "volScalarField", warmth, hall.start, flat, given(hall.supply), out(hall.start))
    field(case, "p_rgh", "volScalarField", "[0 2 -2 0 0 0 0]", 0, flux, flux, given(0))
    field(case, "nut", "volScalarField", "[0 2 -1 0 0 0 0]", 1e-4, flat, derived, derived)
    field(case, "alphat", "volScalarField", "[0 2 -1 0 0 0 0]", 0, flat, derived, derived)
    laminar = {"nu": 1.55e-5, "beta": 3.4e-3, "TRef": 293.15, "Pr": 0.71, "Prt": 0.9}
    write(case, "constant/transportProperties", "dictionary", {"transportModel": "Newtonian"} | laminar)
    down = {"dimensions": "[0 1 -2 0 0 0 0]", "value": "(0 0 -9.81)"}
    write(case, "constant/g", "uniformDimensionedVectorField", down)
    model = {"LESModel": "Smagorinsky", "turbulence": "on", "printCoeffs": "off", "delta": "cubeRootVol"}
    model["cubeRootVolCoeffs"] = {"deltaCoeff": 1}
    write(case, "constant/turbulenceProperties", "dictionary", {"simulationType": "LES", "LES": model})
    sources = {}
    for k, (_, _, v) in enumerate(hall.racks):
        zone = {"selectionMode": "cellZone", "cellZone": f"r{k}"}
        pull = {"type": "vectorSemiImplicitSource", **zone, "volumeMode": "specific"}
        sources[f"fan{k}"] = pull | {"injectionRateSuSp": {"U": f"((0 {10 * v} 0) -10)"}}
        heat = {"type": "scalarSemiImplicitSource", **zone, "volumeMode": "absolute"}
        sources[f"heat{k}"] = heat | {"injectionRateSuSp": {"T": f"({hall.heat / hall.capacity} 0)"}}
    write(case, "constant/fvOptions", "dictionary", sources)
    schemes = {
        "ddtSchemes": {"default": "Euler"},
        "gradSchemes": {"default": "Gauss linear"},
        "divSchemes": {
            "default": "none",
            "div(phi,U)": "Gauss linearUpwind grad(U)",
            "div(phi,T)": "Gauss limitedLinear 1",
            "div((nuEff*dev2(T(grad(U)))))": "Gauss linear",
        },
        "laplacianSchemes": {"default": "Gauss linear orthogonal"},
        "interpolationSchemes": {"default": "linear"},
        "snGradSchemes": {"default": "orthogonal"},
    }
    write(case, "system/fvSchemes", "dictionary", schemes)
    grids = {"solver": "GAMG", "smoother": "GaussSeidel", "tolerance": 1e-8}
    sweeps = {"solver": "smoothSolver", "smoother": "symGaussSeidel", "tolerance": 1e-8, "relTol": 0.01}
    solvers = {"p_rgh": grids | {"relTol": 0.05}, "p_rghFinal": grids | {"relTol": 0.01}, '"(U|T)(Final)?"': sweeps}
    turns = {"momentumPredictor": "yes", "nOuterCorrectors": 1, "nCorrectors": 2, "nNonOrthogonalCorrectors": 0}
    write(case, "system/fvSolution", "dictionary", {"solvers": solvers, "PIMPLE": turns})
    times = {"startFrom": "startTime", "startTime": 0, "stopAt": "endTime", "endTime": steps * STEP, "deltaT": STEP}
    rest = {"writeControl": "timeStep", "writeInterval": steps, "adjustTimeStep": "no", "runTimeModifiable": "no"}
    write(case, "system/controlDict", "dictionary", {"application": "buoyantBoussinesqPimpleFoam"} | times | rest)


def run(case, *command):
    """Run one of OpenFOAM's programs in a case; its output comes back. Raises RuntimeError with what it said last."""
    place = Path(shutil.which("blockMesh") or "").resolve().parents[1] / "share/openfoam"
    there = {"WM_PROJECT_DIR": str(place)} if place.exists() else {}
    # without trapping: the start from rest divides by a speed of nothing
    environment = there | dict(os.environ, FOAM_SIGFPE="0", OMP_NUM_THREADS="1")
    done = subprocess.run(command, cwd=case, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def seconds_per_step(hall, cell, steps, folder):
    """Median CPU seconds of a step after the first three; None if OpenFOAM is not installed."""
    if shutil.which("buoyantBoussinesqPimpleFoam") is None:
        return None
    case = Path(folder) / "hall"
    lay_out(case, hall, cell, steps)
    for command in (["blockMesh"], ["topoSet"], ["createPatch", "-overwrite"]):
        run(case, *command)
    (case / "0.start").rename(case / "0")
    log = run(case, "buoyantBoussinesqPimpleFoam")
    spent = [float(t) for t in re.findall(r"ExecutionTime = ([\d.]+) s", log)]
    return statistics.median(np.diff(spent[2:]))
