"""Writes the synthetic years of `layouts/weather`: smooth seasons and days with weather between, measured nowhere.

Dry bulb = mean + season + day + weather: two cosines of stated amplitudes, warmest on day 200 and at 15 h, and a noise
that forgets by half in two days. The dew point lies below by a depression that grows in warm hours. Pressure is
that of the standard atmosphere. `python tests/cases/weather/synthetic.py` writes the files anew, byte for byte.
"""

import gzip
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[3] / "layouts" / "weather"

CLIMATES = {
    "synthetic_temperate": dict(
        mean=11.0, season=11.0, day=4.5, weather=4.0, depression=4.5, dry=0.18, elevation=100.0
    ),
    "synthetic_desert": dict(mean=23.0, season=11.5, day=8.0, weather=3.0, depression=15.0, dry=0.5, elevation=350.0),
}
"""Means and amplitudes, degC and K; dew point depression, K, and how it grows with warmth, K/K; elevation, m."""

HALF_LIFE = 48.0
"""Hours in which the noise forgets half."""


def hours(mean, season, day, weather, depression, dry, elevation, seed):
    """Dry bulb and dew point [degC] of 8,760 hours, pressure [Pa]."""
    n = np.arange(8760)
    keep = 0.5 ** (1.0 / HALF_LIFE)
    drawn = np.random.Generator(np.random.PCG64(seed)).standard_normal(8760)
    noise = np.empty(8760)
    noise[0] = drawn[0]
    for i in range(1, 8760):
        noise[i] = keep * noise[i - 1] + np.sqrt(1.0 - keep**2) * drawn[i]
    swing = season * np.cos(2 * np.pi * (n / 24 - 200) / 365) + day * np.cos(2 * np.pi * (n % 24 - 15) / 24)
    air = mean + swing + weather * noise
    dew = air - np.maximum(depression + dry * swing + 0.3 * weather * noise, 0.5)
    pressure = 101325.0 * (1.0 - 2.25577e-5 * elevation) ** 5.25588
    return np.round(air, 1), np.round(dew, 1), round(pressure)


def text(name, seed):
    """An EPW file. Radiation and wind are marked as missing."""
    climate = CLIMATES[name]
    air, dew, pressure = hours(**climate, seed=seed)
    lines = [
        f"LOCATION,{name},-,-,synthetic: made by a formula,000000,40.0,0.0,0.0,{climate['elevation']}",
        "DESIGN CONDITIONS,0",
        "TYPICAL/EXTREME PERIODS,0",
        "GROUND TEMPERATURES,0",
        "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
        "COMMENTS 1,Synthetic weather of this project: seasons and days by cosines and an autoregressive noise",
        "COMMENTS 2,Not measured; for examples only",
        "DATA PERIODS,1,1,Data,Monday, 1/ 1,12/31",
    ]
    days = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
    for i in range(8760):
        month = int(np.searchsorted(days, i // 24, "right"))
        date = f"2001,{month},{i // 24 - days[month - 1] + 1},{i % 24 + 1},0"
        humid = 100.0 * np.exp(17.62 * dew[i] / (243.12 + dew[i]) - 17.62 * air[i] / (243.12 + air[i]))
        missing = "9999,9999,9999,9999,9999,9999,999999,999999,999999,9999"
        lines.append(f"{date},*,{air[i]:.1f},{dew[i]:.1f},{humid:.0f},{pressure},{missing},999,999,99,99,9999,99999,9,"
                     "999999999,999,0.999,999,99,999,999,99")  # fmt: skip
    return "\n".join(lines) + "\n"


def packed(name):
    """The file as it is shipped."""
    return gzip.compress(text(name, list(CLIMATES).index(name) + 1).encode(), 9, mtime=0)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in CLIMATES:
        (FOLDER / f"{name}.epw.gz").write_bytes(packed(name))
