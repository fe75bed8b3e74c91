"""Rows on which the physics of serving was calibrated, and the fit; see README.md. Run it for the tables."""

from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from twin.domains import roofline
from twin.domains.roofline import Instance
from twin.serving import server
from twin.tables import fronts

MODEL = "DeepSeek-R1-0528"
WIDE = {
    ("mtp", 1024, 1024, 2253): 16,
    ("mtp", 1024, 1024, 1229): 32,
    ("mtp", 8192, 1024, 1127): 16,
    ("mtp", 8192, 1024, 308): 32,
    ("mtp", 1024, 8192, 8192): 32,
    ("mtp", 1024, 8192, 2088): 32,
    ("mtp", 1024, 8192, None): 32,
    ("none", 1024, 1024, 8192): 8,
    ("none", 1024, 1024, 4301): 16,
    ("none", 1024, 1024, 1229): 32,
    ("none", 8192, 1024, 666): 32,
}
"""Accelerators of a decode instance of GB300 run 21640109636 in four bits, by drafts, lengths and concurrency."""


NARROW = {
    ("mtp", 1024, 1024, 48),
    ("mtp", 1024, 1024, 24),
    ("mtp", 1024, 1024, 12),
    ("mtp", 1024, 1024, 8),
    ("mtp", 1024, 1024, 5),
    ("mtp", 8192, 1024, 24),
    ("mtp", 8192, 1024, 12),
    ("mtp", 8192, 1024, 5),
    ("none", 1024, 1024, 12),
}
"""The same of its instances of eight, tensor parallel."""


NAMES = ["h200", "gb300 tensor", "gb300 expert", "draft", "accepted of 1024", "accepted of 8192"]
NAMES += ["bandwidth", "compute", "attention"]


def instance(row, gpus):
    """How a row's decode instances are laid out: H200's are the faster of both parallelisms."""
    wide = "best" if row["platform"] == "h200" else "tensor" if key(row) in NARROW else "expert"
    return Instance(gpus, wide, row["precision"], 4 if row["speculative"] == "mtp" else 1)


def key(row):
    """Drafts, lengths and concurrency."""
    return row["speculative"], row["isl"], row["osl"], row["concurrency"]


def rows():
    """Pairs of a measured row and the accelerators of its decode instances."""
    found = []
    for row in fronts():
        if row["model"] != MODEL or row["engine"] != "dynamo-trt" or not row["output_tokens_per_s_per_decode_gpu"]:
            continue
        if row["platform"] == "h200" and row["decode_gpus"]:
            found.append((row, 8))
        elif row["platform"] == "gb300" and row["precision"] == "fp4" and key(row) in WIDE.keys() | NARROW:
            found.append((row, WIDE.get(key(row), 8)))
    return found


def in_flight(row, gpus):
    """Requests in an instance, from Little's law on what it puts out."""
    return row["output_tokens_per_s_per_decode_gpu"] * gpus / row["interactivity"]


def of(row, gpus, fit=None, residual=True):
    """The server that made a row."""
    found = server(MODEL, row["platform"], row["isl"], row["osl"], instance(row, gpus))
    fit = fit or found.fit
    return replace(found, fit=fit if residual else replace(fit, residual=()))


def errors(residual=True, fits=None):
    """ln of computed over measured interactivity at the requests in flight, of every row."""
    found = []
    for row, gpus in rows():
        s = of(row, gpus, (fits or {}).get(row["platform"]), residual)
        found.append(np.log(roofline.interactivity(s, in_flight(row, gpus)) / row["interactivity"]))
    return np.array(found)


def fitted():
    """The parameters that fit the rows best, in the order of `NAMES`."""
    base = {row["platform"]: of(row, gpus, residual=False).fit for row, gpus in rows()}

    def fits(x):
        shared = dict(draft=x[3], accepted={1024: x[4], 8192: x[5]}, bandwidth=x[6], compute=x[7], attention=x[8])
        both = {"h200": dict(tensor=x[0], expert=x[0]), "gb300": dict(tensor=x[1], expert=x[2])}
        return {p: replace(base[p], fixed=t, **shared) for p, t in both.items()}

    start = np.array([9e-3, 5e-3, 9e-3, 2e-3, 2.4, 2.6, 0.8, 0.15, 0.5])
    top = [0.05, 0.05, 0.05, 0.02, 4.0, 4.0, 1.0, 1.0, 1.0]
    low = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.3, 0.02, 0.05]
    return least_squares(lambda x: errors(False, fits(x)), start, x_scale=start, bounds=(low, top)).x


def residuals(platform):
    """Pairs of ln of requests per accelerator and the factor on the step, means of rows within a factor of 1.5."""
    wrong = errors(residual=False)
    points = sorted(
        (np.log(in_flight(row, n) / n), e)
        for (row, n), e in zip(rows(), wrong, strict=True)
        if row["platform"] == platform
    )
    groups = [[points[0]]]
    for p in points[1:]:
        if p[0] - groups[-1][0][0] < np.log(1.5):
            groups[-1].append(p)
        else:
            groups.append([p])
    return [[float(np.mean([p[0] for p in g])), float(np.exp(np.mean([p[1] for p in g])))] for g in groups]


def main():
    print("run, lengths, drafts, concurrency, decode instance, requests in flight, interactivity, error without, with")
    for (row, n), a, b in zip(rows(), errors(False), errors(True), strict=True):
        print(
            f"{row['platform']:6} {row['source'].split()[-1]} {row['isl']:5} {row['osl']:5} {row['speculative']:5}"
            f"{row['concurrency'] or '?':>6} {n:3} {in_flight(row, n):8.1f} {row['interactivity']:7.2f}"
            f" {100 * a:6.1f} % {100 * b:6.1f} %"
        )
    for flag in (False, True):
        e = errors(flag)
        print("rms with residuals" if flag else "rms without", f"{100 * np.sqrt((e**2).mean()):.1f} %")
    print(dict(zip(NAMES, np.round(fitted(), 5).tolist(), strict=True)))
    print({p: [[round(float(a), 3), round(b, 3)] for a, b in residuals(p)] for p in ("h200", "gb300")})


if __name__ == "__main__":
    main()
