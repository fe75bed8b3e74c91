"""What a cap costs the shipped GB300 hall: tokens kept, over the ranges of what is not published, and per megawatt."""

from itertools import product

import numpy as np
from caps import CAP

import twin

RANGES = {"voltage_slope": (1.6, 0.9, 2.2), "min_voltage": (0.8, 0.68, 0.86), "uncore_share": (0.2, 0.1, 0.3)}
"""Value and range of the catalogue, of what the price of a cap hangs on."""

CHIP = 1400.0
"""Rated power of its accelerators, W."""


def kept(hall, **more):
    """Share of its tokens that a hall keeps at `CAP` of its chips' power: the catalogue's numbers, then all corners."""
    corners = [[r[0] for r in RANGES.values()], *product(*(r[1:] for r in RANGES.values()))]
    each = dict(zip(RANGES, np.array(corners).T, strict=True))
    scenarios = {f"gb300_nvl72.{name}": np.tile(values, 2) for name, values in each.items()}
    scenarios["gb300_nvl72.power_cap"] = np.repeat([CHIP, CAP * CHIP], len(corners))
    tokens = twin.solve(hall, scenarios, **more).figures.tokens_per_s
    return tokens[len(corners) :] / tokens[: len(corners)]


def main():
    for speed in (40, 116.7):
        shares = kept(twin.load("gb300_hall", overrides={"serving.interactivity": str(speed)}))
        low, high = 100 * shares.min(), 100 * shares.max()
        print(f"gb300_hall at {speed} tokens/s/user and {CAP:.1%}: {100 * shares[0]:.1f} %, {low:.1f} to {high:.1f} %")


if __name__ == "__main__":
    main()
