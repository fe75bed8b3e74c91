"""Mean powers of accelerators in measured runs, and what they draw as they wait, work and read; see README.md."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from closed_loop import Run, closed_loop
from scipy.optimize import lsq_linear

from twin.serving.platforms import chip_power, power_draw, server
from twin.serving.roofline import Instance, decode_step, prefill_rate

MODEL = "DeepSeek-R1-0528"
LARGEST = 8
"""Accelerators of a decode instance: those of a run, at most a domain."""


class Parts(NamedTuple):
    """What of their time the accelerators of a run wait, work and read, and are idle, all of its pools together [1]."""

    wait: float
    work: float
    read: float
    idle: float


def rows(platform=None):
    """Runs whose mean power was measured, of a platform or of all."""
    with (Path(__file__).parent / "power.csv").open() as file:
        return [r for r in csv.DictReader(file) if platform in (None, r["platform"])]


def of(row):
    """The decode server of a run; DeepSeek V4 is taken for R1."""
    drafts = 4 if row["speculative"] == "mtp" else 1
    gpus = min(int(row["decode_gpus"]), LARGEST)
    instance = Instance(gpus, row["parallel"], row["precision"], drafts, engine=row["engine"])
    return server(MODEL, row["platform"], int(row["isl"]), int(row["osl"]), instance)


def parts(row):
    """Parts of the time in a run: requests in flight by Little's law, or its users where no speed is stated."""
    s, decode, prefill = of(row), int(row["decode_gpus"]), int(row["prefill_gpus"])
    gpus, stated = s.instance.gpus, row["interactivity"] != ""
    output = float(row["output_tokens_per_s_per_decode_gpu"]) if stated else 0.0
    requests = output * gpus / float(row["interactivity"]) if stated else float(row["concurrency"])
    step = decode_step(s, requests)
    if not stated:
        output = requests * s.accepted / float(step.time) / gpus
    inputs = output * decode * s.isl / s.osl / float(prefill_rate(s))
    busy = min(inputs / (prefill or decode), 1.0)
    reading = busy if stated or prefill else busy / (1.0 + busy)
    waiting, share = float(step.waiting), decode / (decode + prefill)
    own = (1.0 - share) if prefill else 0.0
    turns = 0.0 if prefill else reading
    return Parts(
        share * (1.0 - turns) * waiting,
        share * (1.0 - turns) * (1.0 - waiting),
        own * busy if prefill else reading,
        own * (1.0 - busy),
    )


KNOWN = {"b200": {"read": 0.886, "idle": 0.255}, "mi355x": {}}
"""Shares of the rating that were measured by themselves: of accelerators of prefill at 8,192 users and at 1."""


def fitted(platform, chosen=None):
    """Shares of the rating that fit the runs of a platform best, in the order of `Parts`, errors relative."""
    chosen = rows(platform) if chosen is None else chosen
    rated = power_draw(platform).rated
    power = np.array([float(r["power_w"]) for r in chosen]) / rated
    form = np.array([parts(r) for r in chosen])
    known = np.array([KNOWN[platform].get(n, np.nan) for n in Parts._fields])
    free = np.isnan(known)
    left = power - form[:, ~free] @ known[~free]
    known[free] = lsq_linear(form[:, free] / power[:, None], left / power, bounds=(0.0, 1.0)).x
    return known


def told(row, shares=None):
    """Power of a run by the shipped numbers, or by shares of the rating, W."""
    draw = power_draw(row["platform"])
    if shares is None:
        shares = np.array([draw.wait, draw.work, draw.read, draw.idle]) / draw.rated
    return float(draw.rated * np.dot(parts(row), shares))


def errors(platform, shares=None):
    """Told over measured power less one, of every run of a platform."""
    return np.array([told(r, shares) / float(r["power_w"]) - 1.0 for r in rows(platform)])


def left_out(platform):
    """The same by shares that were fitted without the run."""
    every = rows(platform)
    return np.array(
        [told(r, fitted(platform, every[:k] + every[k + 1 :])) / float(r["power_w"]) - 1.0 for k, r in enumerate(every)]
    )


class Joules(NamedTuple):
    """Energy of an output token, J: of the accelerators that decode, and of both pools."""

    decode: float
    whole: float


def joules(platform, precision, drafts=0, users=4, prefill=4, decode=4):
    """Energy of output tokens of a run of 8,192 tokens in and 1,024 out on pools of so many accelerators, as told."""
    terms = dict(precision=precision, drafts=drafts, engine="dynamo-trt")
    s, served = closed_loop(Run(MODEL, platform, 8192, 1024, users, decode, prefill, **terms))
    output, draw = float(served.output) * decode, power_draw(platform)
    busy = output * s.isl / s.osl / (prefill * float(prefill_rate(s)))
    own = decode * float(chip_power(s, served.requests)) / output
    return Joules(own, own + prefill * (busy * draw.read + (1.0 - busy) * draw.idle) / output)


def main():
    for platform, measured in (("gb200", 5.2), ("gb300", 4.59)):
        each = {f"{p}, {n} drafts": joules(platform, p, n) for p in ("fp8", "fp4") for n in (0, 3)}
        print(platform, f"measured {measured} J", {n: tuple(np.round(j, 2).tolist()) for n, j in each.items()})
    for platform in KNOWN:
        print(platform, dict(zip(Parts._fields, fitted(platform).round(3).tolist(), strict=True)))
        for name, wrong in (("shipped", errors(platform)), ("left out", left_out(platform))):
            some = ", ".join(f"{100 * q:.0f} %" for q in np.quantile(np.abs(wrong), (0.5, 0.9, 1.0)))
            print(f"  {name}: median, nine of ten and worst {some}; mean {100 * wrong.mean():.1f} %")
        for row, e in zip(rows(platform), errors(platform), strict=True):
            what = (row[n] for n in ("precision", "engine", "speculative", "parallel", "isl", "concurrency"))
            print("  ", *what, f"{row['power_w']} W, told {told(row):.0f}, {100 * e:.0f} %")


if __name__ == "__main__":
    main()
