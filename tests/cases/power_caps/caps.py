"""Measured rate against power of training jobs under caps, and the voltage fitted to them. Run it for the tables."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

GPUS = ("v100", "a40", "rtx6000")
LEAKAGE = 0.15
"""Share of what is not fixed that leaks, as racks have it unless they say otherwise."""

CAP = 1000 / 1200
"""Share of the power at which the price of a cap is told."""


@cache
def curves(gpu):
    """Power and rate of every job over those at its highest, caps rising: pairs of arrays, by job."""
    jobs = {}
    with (Path(__file__).parent / "curves.csv").open() as file:
        for row in csv.DictReader(file):
            if row["gpu"] == gpu:
                job = row["network"], row["dataset"], row["batch_size"], row["optimizer"]
                jobs.setdefault(job, []).append((float(row["power_W"]), 1.0 / float(row["epoch_s"])))
    return {job: tuple(np.array(points).T / np.max(points, 0)[:, None]) for job, points in jobs.items()}


def measured(gpu):
    """Share of the rate that every job of a type keeps at `CAP` of its power, on straight lines between its points."""
    order = {job: np.argsort(power) for job, (power, _) in curves(gpu).items()}
    return np.array([np.interp(CAP, p[order[job]], rate[order[job]]) for job, (p, rate) in curves(gpu).items()])


def dynamic(clock, slope, floor):
    """What follows clock and voltage, over that at the nominal clock: work by f V², leakage by V."""
    V = np.maximum(floor, 1.0 - slope * (1.0 - clock))
    return (1.0 - LEAKAGE) * clock * V**2 + LEAKAGE * V


def fixed_share(power, rate, slope, floor):
    """Share of its power that a job draws whatever the clock, and the error of its powers; its rate is its clock."""
    form = np.stack([np.ones_like(rate), dynamic(rate, slope, floor)], axis=1)
    best = np.linalg.lstsq(form, power, rcond=None)[0]
    if best[0] < 0:
        best = np.array([0.0, power @ form[:, 1] / (form[:, 1] @ form[:, 1])])
    return best[0] / best.sum(), form @ best - power


def loss(numbers, gpus):
    """Mean square of errors of power, every type counting as much as the others."""
    errors = ([fixed_share(*curve, *numbers)[1] for curve in curves(g).values()] for g in gpus)
    return float(np.mean([np.mean(np.concatenate(e) ** 2) for e in errors]))


@cache
def fitted(gpus=GPUS):
    """Slope and floor of the voltage that fit the jobs of some types best."""
    grid = [(s, f) for s in np.arange(0.5, 3.5, 0.25) for f in np.arange(0.6, 0.97, 0.05)]
    start = min(grid, key=lambda x: loss(x, gpus))
    return minimize(loss, start, args=(gpus,), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-9}).x


def told(gpu, slope, floor):
    """Share of the clock that every job of a type keeps at `CAP` of its power by the law."""
    clock = np.linspace(0.1, 1.0, 4001)
    law = dynamic(clock, slope, floor)
    shares = [fixed_share(*curve, slope, floor)[0] for curve in curves(gpu).values()]
    return np.array([np.interp(CAP, s + (1.0 - s) * law, clock) for s in shares])


def missed(gpu):
    """Share of what a cap costs every job by which the law that was fitted to the other types misses it."""
    by = told(gpu, *fitted(tuple(g for g in GPUS if g != gpu)))
    return np.abs(np.log(measured(gpu) / by) / np.log(by))


def quantiles(x):
    """10th percentile, median and 90th, in percent."""
    return " / ".join(f"{100 * q:.1f}" for q in np.quantile(x, (0.1, 0.5, 0.9)))


def main():
    every = np.concatenate([measured(g) for g in GPUS])
    print(f"all {len(every)} jobs keep {quantiles(every)} % of their rate at {CAP:.1%} of their power")
    for g in GPUS:
        others = tuple(o for o in GPUS if o != g)
        own, left = fitted((g,)), fitted(others)
        print(f"{g}: {len(curves(g))} jobs, measured {quantiles(measured(g))}; slope, floor {own.round(2)}", end="; ")
        print(f"by the others' {left.round(2)}: {quantiles(told(g, *left))}")
    both = fitted()
    print(f"all: slope, floor {both.round(3)}, rms of power {100 * loss(both, GPUS) ** 0.5:.1f} %")
    print(f"of what a cap costs the law of other types misses {quantiles(np.concatenate([missed(g) for g in GPUS]))} %")
    for name in sorted({job[0] for g in GPUS for job in curves(g)}):
        kept = [k for g in GPUS for job, k in zip(curves(g), measured(g), strict=True) if job[0] == name]
        print(f"{name}: {len(kept)} jobs keep {quantiles(kept)} %")


if __name__ == "__main__":
    main()
