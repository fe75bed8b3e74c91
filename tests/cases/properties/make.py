"""Writes `expected.json` and prints the coolants of `twin/fluids.py`; run by hand where CoolProp and PsychroLib are.

pip install CoolProp==8.0.0 PsychroLib==2.5.0 && python make.py
"""

import json
from pathlib import Path

import CoolProp.CoolProp as CP
import numpy as np
import psychrolib

HERE = Path(__file__).parent
PRESSURE = 3e5
DENSITY = {"pg": 1036.1, "eg": 1113.5, "water": 998.2}
"""Of the pure liquids at 20 degC, kg/m3, as handbooks commonly state them; `README.md` tells how they are checked."""
SOLUTION, BY_ASHRAE = {"pg": "MPG", "eg": "MEG"}, {"pg": "APG", "eg": "AEG"}
"""As CoolProp has them: Melinder, Properties of Secondary Working Fluids for Indirect Systems (2010), by mass; ASHRAE
Handbook Fundamentals (2001), by volume."""
BY_VOLUME = (20, 25, 30, 40, 50)
HOTTEST = 373.15
PROPERTIES = {"rho": "D", "cp": "C", "log_mu": "V", "k": "L"}


def share_of_mass(glycol, percent):
    """Share of glycol by mass of what has `percent` by volume, both measured at 20 degC before they are mixed."""
    part = DENSITY[glycol] * percent
    return part / (part + DENSITY["water"] * (100 - percent))


def solution(glycol, percent):
    return f"INCOMP::{SOLUTION[glycol]}[{share_of_mass(glycol, percent):.6f}]"


def published(name, what, T=300.0):
    return CP.PropsSI(what, "T", T, "P", PRESSURE, name)


def freezing_points(glycol, percent):
    """Freezing points [K] by Melinder and by ASHRAE, up to the next hundredth."""
    names = solution(glycol, percent), f"INCOMP::{BY_ASHRAE[glycol]}[{percent / 100}]"
    return [float(np.ceil(100 * published(name, "T_freeze")) / 100) for name in names]


def freezing(glycol, percent):
    """The warmer of the two."""
    return max(freezing_points(glycol, percent))


def values(glycol, percent, T, what):
    return np.array([published(solution(glycol, percent), what, t) for t in T])


def fit(glycol, percent):
    """Source text of a coolant and the worst error of each property, 1."""
    low = freezing(glycol, percent)
    centre, scale = round((low + HOTTEST) / 2, 2), round((HOTTEST - low) / 2, 2)
    T = centre + scale * np.cos(np.linspace(0, np.pi, 60))
    T[0], T[-1] = HOTTEST, low
    lines, errors = [], {}
    for name, what in PROPERTIES.items():
        y = values(glycol, percent, T, what)
        turn, back = (np.log, np.exp) if name == "log_mu" else (np.asarray, np.asarray)
        c = np.polynomial.polynomial.polyfit((T - centre) / scale, turn(y), 3)
        c = [float(f"{v:.9g}") for v in c]
        errors[name] = float(np.abs(back(np.polynomial.polynomial.polyval((T - centre) / scale, c)) / y - 1).max())
        lines.append(f"            {name}=({', '.join(map(str, c))}),")
    head = [f'            "{glycol}{percent}",', f"            centre={centre},", f"            scale={scale},"]
    head += [f"            min_temperature={low},", f"            max_temperature={HOTTEST},"]
    head += [f"            freezing={low},"]
    share = [f"            mass_share={share_of_mass(glycol, percent):.4f},"]
    return "\n".join(["        Fluid(", *head, *lines, *share, "        ),"]), errors


def coolants():
    out = {}
    for glycol in SOLUTION:
        for percent in BY_VOLUME:
            low, ashrae = freezing(glycol, percent), f"INCOMP::{BY_ASHRAE[glycol]}[{percent / 100}]"
            T = np.r_[low, np.arange(np.ceil((low - 273.15) / 5) * 5 + 273.15, HOTTEST + 1e-6, 5.0)]
            columns = [values(glycol, percent, T, what) for what in PROPERTIES.values()]
            out[f"{glycol}{percent}"] = {
                "mass_share": round(share_of_mass(glycol, percent), 6),
                "freezing": freezing_points(glycol, percent),
                "melinder": [[float(f"{v:.7g}") for v in row] for row in zip(T, *columns, strict=True)],
                "ashrae": [
                    [t, *(float(f"{published(ashrae, what, t):.7g}") for what in PROPERTIES.values())]
                    for t in (293.15, 313.15, 333.15, 353.15)
                ],
            }
    return out


def moist_air():
    """Dry bulb [degC], relative humidity [1], pressure [Pa], humidity ratio [1], wet bulb [degC], has it two."""
    psychrolib.SetUnitSystem(psychrolib.SI)
    rows = []
    for pressure in (60e3, 70e3, 85e3, 101325.0, 105e3):
        for t in np.arange(-60.0, 60.1, 5.0):
            over_water, over_ice = (
                (latent * psychrolib.GetSatHumRatio(at, pressure) - 1.006 * t) / (latent + 1.86 * t)
                for latent, at in ((2501.0, 0.0), (2830.0, -1e-9))
            )
            for humidity in (0.001, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0):
                ratio = psychrolib.GetHumRatioFromRelHum(t, humidity, pressure)
                wet = psychrolib.GetTWetBulbFromHumRatio(t, ratio, pressure)
                two = bool(t >= 0 and over_water <= ratio <= over_ice)
                rows.append([float(t), humidity, pressure, float(f"{ratio:.9g}"), round(wet, 5), two])
    return rows


if __name__ == "__main__":
    for glycol in SOLUTION:
        for percent in BY_VOLUME:
            text, errors = fit(glycol, percent)
            print(text, "#", {k: f"{v:.1e}" for k, v in errors.items()})
    text = json.dumps({"coolants": coolants(), "moist_air": moist_air()})
    (HERE / "expected.json").write_text(text.replace("], [", "],\n[").replace("}, ", "},\n") + "\n")
