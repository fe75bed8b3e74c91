"""Rows on which the physics of serving was calibrated, and the fit; see README.md. Run it for the tables."""

import csv
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from closed_loop import Run, closed_loop
from scipy.optimize import least_squares

from twin.facility.catalogue import measured_runs, physics
from twin.serving import points, roofline
from twin.serving.platforms import Options, best, calibrated_engines, calibrated_platforms, server
from twin.serving.roofline import Fit, Instance

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
    pairs = []
    for row in measured_runs():
        if row["model"] != MODEL or row["engine"] != "dynamo-trt" or not row["output_tokens_per_s_per_decode_gpu"]:
            continue
        if row["platform"] == "h200" and row["decode_gpus"]:
            pairs.append((row, 8))
        elif row["platform"] == "gb300" and row["precision"] == "fp4" and key(row) in WIDE.keys() | NARROW:
            pairs.append((row, WIDE.get(key(row), 8)))
    return pairs


def in_flight(row, gpus):
    """Requests in an instance, from Little's law on what it puts out."""
    return row["output_tokens_per_s_per_decode_gpu"] * gpus / row["interactivity"]


def of(row, gpus, fit=None, residual=True):
    """The server that made a row."""
    made = server(MODEL, row["platform"], row["isl"], row["osl"], instance(row, gpus))
    fit = fit or made.fit
    return replace(made, fit=fit if residual else replace(fit, residual=()))


def errors(residual=True, fits=None, chosen=None):
    """ln of computed over measured interactivity at the requests in flight, of every row or those chosen."""
    wrong = []
    for row, gpus in rows() if chosen is None else chosen:
        s = of(row, gpus, (fits or {}).get(row["platform"]), residual)
        wrong.append(np.log(roofline.interactivity(s, in_flight(row, gpus)) / row["interactivity"]))
    return np.array(wrong)


def fits(x):
    """The calibration of both platforms with the parameters of `NAMES`, without residuals."""
    shared = dict(draft=x[3], accepted={1024: x[4], 8192: x[5]}, bandwidth=x[6], compute=x[7], attention=x[8])
    both = {"h200": dict(tensor=x[0], expert=x[0]), "gb300": dict(tensor=x[1], expert=x[2])}
    base = physics()["fits"]
    return {p: Fit(first=base[p]["first"], prefill=base[p]["prefill"], fixed=t, **shared) for p, t in both.items()}


def fitted(chosen=None):
    """The parameters that fit the rows best, all or those chosen, in the order of `NAMES`."""
    start = np.array([9e-3, 5e-3, 9e-3, 2e-3, 2.4, 2.6, 0.8, 0.15, 0.5])
    top = [0.05, 0.05, 0.05, 0.02, 4.0, 4.0, 1.0, 1.0, 1.0]
    low = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.3, 0.02, 0.05]
    return least_squares(lambda x: errors(False, fits(x), chosen), start, x_scale=start, bounds=(low, top)).x


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


# ---- all platforms and engines ------------------------------------------------------------------------------------

AMD = ("mi300x", "mi325x", "mi355x")
FOUR = ("b200", "b300", "gb200", "gb300", "mi355x")
"""Platforms whose fixed latency is that of four bits."""

SGLANG = ("sglang", "dynamo-sglang", "mori-sglang")
FURTHER = {
    "h100 fixed latency": 1.865e-2,
    "gb200 fixed latency over gb300's": 1.115,
    "fixed latency in eight bits over four": 1.175,
    "mi3xx bandwidth": 0.558,
    "mi3xx compute": 0.0682,
    "mi3xx prefill": 0.0905,
    "sglang drafts": 0.643,
}
"""The numbers that were fitted for further platforms and engines, and where the fit starts."""

SCALE = 0.15
"""ln of an error beyond which a row counts by its size and no longer by its square: some runs were badly set up."""

FOLDS = 5
LARGE = "21640109636"
"""The one run with all of GB300 in four bits: its rows are left out one by one, those of other runs together."""


def all_rows():
    """Rows of whole systems in a closed loop whose users and pools are known."""
    return [r for r in measured_runs() if r["model"] == MODEL and r["concurrency"] and r["decode_gpus"]]


def matters(row):
    """Which of the `FURTHER` numbers a row depends on."""
    mtp = row["speculative"] == "mtp"
    return (
        row["platform"] == "h100",
        row["platform"] == "gb200",
        row["platform"] in FOUR and row["precision"] == "fp8",
        *[row["platform"] in AMD] * 3,
        row["engine"] in SGLANG and mtp,
    )


@contextmanager
def numbers(further=None, nine=None):
    """Computes with these numbers in place of those shipped; without residuals where the nine are given."""
    table = physics()
    shipped = {name: deepcopy(table[name]) for name in ("fits", "engines")}
    fits = table["fits"]
    if nine is not None:
        known = dict(zip(NAMES, map(float, nine), strict=True))
        accepted = {n: known[f"accepted of {n}"] for n in (1024, 8192)}
        fits["shared"] |= {k: known[k] for k in ("draft", "bandwidth", "compute", "attention")} | {"accepted": accepted}
        for p in calibrated_platforms():
            old, tensor, expert = known["h200"], known["gb300 tensor"], known["gb300 expert"]
            fits[p]["fixed"] = {"tensor": tensor, "expert": expert} if p in FOUR else {"tensor": old, "expert": old}
            fits[p]["residual"] = []
    if further is not None:
        h100, gb200, eight, bandwidth, compute, prefill, drafts = map(float, further)
        fits["h100"]["far"] = {"tensor": h100, "expert": h100}
        fits["gb200"]["fixed"] = {way: gb200 * t for way, t in fits["gb300"]["fixed"].items()}
        for p in FOUR:
            fits[p]["eight"] = eight
        for p in AMD:
            fits[p] |= {"bandwidth": bandwidth, "compute": compute, "prefill": dict.fromkeys(("fp8", "fp4"), prefill)}
        for e in SGLANG:
            table["engines"][e]["drafts"] = drafts
    try:
        yield
    finally:
        table.update(shipped)


def loop(row, gpus=None, **changed):
    """A row in a closed loop, as `closed_loop` gives it."""
    terms = dict(
        decode=row["decode_gpus"],
        prefill=row["prefill_gpus"] or 0,
        precision=row["precision"],
        drafts=3 if row["speculative"] == "mtp" else 0,
        engine=row["engine"],
        gpus=gpus,
    )
    return closed_loop(Run(MODEL, row["platform"], row["isl"], row["osl"], row["concurrency"], **terms | changed))


def missed(row, how=None, **known):
    """ln of computed over measured interactivity and throughput of a row, at most a factor of e squared."""
    served = (how or loop)(row, **known)[1]
    pairs = (served.interactivity, row["interactivity"]), (served.total, row["tokens_per_s_per_gpu"])
    return [float(np.clip(np.log(max(float(a), 1e-9) / b), -2.0, 2.0)) for a, b in pairs]


def misses(further=None, nine=None, chosen=None):
    """`missed` of all rows or those chosen."""
    with numbers(further, nine):
        return np.array([missed(row) for row in (all_rows() if chosen is None else chosen)])


class Loss:
    """What the `FURTHER` numbers miss of the chosen rows; decode instances have the sizes of the numbers shipped."""

    def __init__(self, chosen, nine=None):
        self.rows, self.nine, self.known = list(chosen), nine, {}
        with numbers(FURTHER.values(), nine):
            self.gpus = [loop(row)[0].instance.gpus for row in self.rows]

    def __call__(self, further):
        wrong = []
        with numbers(further, self.nine):
            for i, row in enumerate(self.rows):
                key = i, *(float(x) if m else None for x, m in zip(further, matters(row), strict=True))
                if key not in self.known:
                    self.known[key] = missed(row, gpus=self.gpus[i])
                wrong += self.known[key]
        return np.array(wrong)

    def total(self, further):
        """Sum that the fit makes least."""
        return float(np.sum(2.0 * SCALE**2 * (np.sqrt(1.0 + (self(further) / SCALE) ** 2) - 1.0)))


def fitted_further(chosen=None, nine=None):
    """The `FURTHER` numbers that fit all rows best, or those chosen."""
    start = np.array(list(FURTHER.values()))
    how = dict(x_scale=start, bounds=(0.2 * start, 5.0 * start), diff_step=0.02, loss="soft_l1", f_scale=SCALE)
    return least_squares(Loss(all_rows() if chosen is None else chosen, nine), start, max_nfev=8, **how).x


def folds():
    """The fold of every row of `all_rows`, whole runs in one."""
    names = [r["source"].split()[-1] for r in all_rows()]
    groups = [f"{name} {i}" if name == LARGE else name for i, name in enumerate(names)]
    order = np.random.default_rng(0).permutation(sorted(set(groups))).tolist()
    return np.array([order.index(g) % FOLDS for g in groups])


@cache
def cross_validated():
    """`missed` of every row by numbers that were fitted without its fold, without residuals."""
    wrong, fold, every = np.zeros((len(all_rows()), 2)), folds(), all_rows()
    for k in range(FOLDS):
        out = [r for r, f in zip(every, fold, strict=True) if f == k]
        nine = fitted([(r, n) for r, n in rows() if r not in out])
        further = fitted_further([r for r in every if r not in out], nine)
        wrong[fold == k] = misses(further, nine, out)
    return wrong


FACTORS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6)


@contextmanager
def factor(names, kind, value):
    """Computes with one factor of these engines in place of what was shipped."""
    table = physics()
    shipped = deepcopy(table["engines"])
    for name in names:
        table["engines"][name][kind] = value
    try:
        yield
    finally:
        table["engines"] = shipped


def factors():
    """What a factor of an engine is worth: engines, kind, rows, best value, mean error without and left out with it.

    Errors are means of ln of interactivity and of throughput. The value is the best of `FACTORS` on the other folds.
    """
    results = []
    for names in (SGLANG, *[(e,) for e in calibrated_engines() if e != "dynamo-trt"]):
        chosen = np.array([r["engine"] in names for r in all_rows()])
        some, fold = [r for r, c in zip(all_rows(), chosen, strict=True) if c], folds()[chosen]
        for kind in ("drafts", "latency", "prefill"):
            if kind == "drafts" and names != SGLANG and names[0] in SGLANG:
                continue
            wrong = []
            for value in FACTORS:
                with factor(names, kind, value):
                    wrong.append(np.minimum(np.abs([missed(r) for r in some]), 1.0).mean(axis=1))
            wrong = np.array(wrong)
            left = [wrong[wrong[:, fold != k].mean(axis=1).argmin(), fold == k].sum() for k in range(FOLDS)]
            without, value = wrong[FACTORS.index(1.0)].mean(), FACTORS[int(wrong.mean(axis=1).argmin())]
            results.append((names, kind, len(some), value, without, sum(left) / len(some)))
    return results


ABLATED = [
    ("fp8", "mtp", 1024, 1024, 2253),
    ("fp8", "mtp", 1024, 1024, 666),
    ("fp8", "mtp", 1024, 1024, 180),
    ("fp8", "mtp", 1024, 1024, 24),
    ("fp4", "none", 1024, 1024, 8192),
    ("fp4", "none", 1024, 1024, 4301),
    ("fp4", "none", 1024, 1024, 1229),
    ("fp4", "none", 1024, 1024, 12),
]
"""GB300 rows in eight bits, or without drafts; `ablations` adds those of B200 and B300."""


def ablations(residual=True):
    """GB300 rows without one of its means: row, server, errors of interactivity and throughput, computed over measured.

    Interactivity is that at the row's users, throughput that of a decode accelerator at the row's interactivity.
    Instances are those known, else as `closed_loop` chooses them.
    """
    results, fits = [], physics()["fits"]
    shipped = deepcopy(fits)
    if not residual:
        fits["gb300"]["residual"] = []
    for row in all_rows():
        island = row["platform"] in ("b200", "b300") and (row["precision"], row["speculative"]) == ("fp4", "mtp")
        mine = row["platform"] == "gb300" and (row["precision"], *key(row)) in ABLATED
        if row["engine"] != "dynamo-trt" or row["isl"] != 1024 or not (mine or island):
            continue
        known = row["precision"] == "fp4" and key(row) in WIDE.keys() | NARROW and not island
        size = {"gpus": WIDE.get(key(row), 8), "parallel": instance(row, 0).parallel} if known else {}
        s, seen = loop(row, **size)
        output = row["output_tokens_per_s_per_decode_gpu"]
        if output is None:
            pools = (row["decode_gpus"] + row["prefill_gpus"]) / row["decode_gpus"]
            output = row["tokens_per_s_per_gpu"] * pools * row["osl"] / (row["isl"] + row["osl"])
        at = points.at_interactivity(replace(s, instance=replace(s.instance, max_batch=None)), row["interactivity"])
        results.append(
            (row, s, float(seen.interactivity) / row["interactivity"] - 1.0, float(at.output) / output - 1.0)
        )
    physics()["fits"] = shipped
    return results


FEW = 10
"""Rows of a platform and an engine below which the band of all rows of the platform is taken."""


def bands(wrong):
    """Factors less one within which nine of ten speeds and throughputs lie, by platform and engine with enough rows."""
    results, every = {}, all_rows()
    for p in calibrated_platforms():
        mine = np.array([r["platform"] == p for r in every])
        results[p] = {"all": mine} | {e: mine & [r["engine"] == e for r in every] for e in calibrated_engines()}
        results[p] = {e: w for e, w in results[p].items() if w.sum() >= FEW}
        within = {e: np.expm1(np.quantile(np.abs(wrong[w]), 0.9, axis=0)) for e, w in results[p].items()}
        results[p] = {e: [round(float(x), 2) for x in both] for e, both in within.items()}
    return results


def summaries(wrong):
    """Rows of a platform and an engine: both, number, and of interactivity and throughput median and worst error."""
    results, every = [], all_rows()
    for p in calibrated_platforms():
        for e in calibrated_engines():
            part = np.abs(wrong[[r["platform"] == p and r["engine"] == e for r in every]])
            if len(part):
                results.append((p, e, len(part), *np.ravel([np.median(part, 0), part.max(0)], "F")))
    return results


class First(NamedTuple):
    """First tokens of some rows: how many, share within a factor of `NEAR`, and the median of ln of their errors."""

    rows: int
    share: float
    median: float
    tenth: float
    ninetieth: float


WHICH = ("platform", "precision", "engine", "speculative", "isl", "osl", "concurrency", "prefill_gpus", "decode_gpus")
"""What tells a run from others."""

NEAR = 1.5
"""Factor within which a first token counts as told."""


@cache
def recipes():
    """What published recipes say of runs: decode instances, parallelism, requests admitted and drafts, by run."""
    with (Path(__file__).parent / "recipes.csv").open() as file:
        return {tuple(row[n] for n in WHICH): row for row in csv.DictReader(file)}


def as_published(row):
    """A row in a closed loop with what its recipe says, as far as it has one."""
    recipe = recipes().get(tuple(str(row[n]) for n in WHICH))
    if recipe is None:
        return loop(row)
    said = {"gpus": int(recipe["instance"]), "parallel": recipe["parallel"]}
    said |= {"max_batch": int(recipe["admits"])} if recipe["admits"] else {}
    said |= {"drafts": int(recipe["drafts"])} if recipe["drafts"] else {}
    return loop(row, **said)


def first_tokens(how=as_published):
    """`First` of systems that prefill in turns, of others, and of every engine, in a closed loop at the users."""
    known = [r for r in all_rows() if r["ttft_s"]]
    wrong = np.array([np.log(float(how(r)[1].ttft) / r["ttft_s"]) for r in known])
    groups = {"turns": [not r["prefill_gpus"] for r in known], "pools": [bool(r["prefill_gpus"]) for r in known]}
    groups |= {e: [r["engine"] == e for r in known] for e in calibrated_engines()}
    results = {}
    for name, where in groups.items():
        e = wrong[where]
        results[name] = First(
            len(e), float(np.mean(np.abs(e) < np.log(NEAR))), *np.quantile(e, (0.5, 0.1, 0.9)).tolist()
        )
    return results


def percent(x):
    """An ln of a ratio as a factor's distance from one, in percent."""
    return f"{100.0 * np.expm1(x):4.0f} %"


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

    print("\ntokens/s per accelerator, 1,024 in and out: tokens/s/user, h200, gb300, ratio;")
    print("gb300 in eight bits, without drafts, in islands of eight")
    for speed in (40.0, 75.0, 116.7):
        old, new = (float(best(MODEL, p, 1024, 1024, speed).total) for p in ("h200", "gb300"))
        less = [Options(precision="fp8"), Options(drafts=0), Options(max_gpus=8)]
        others = [float(best(MODEL, "gb300", 1024, 1024, speed, options=o).total) for o in less]
        print(f"{speed:6} {old:8.0f} {new:8.0f} {new / old:6.1f}", *(f"{x:8.0f}" for x in others))
    print("\nablations: row, instance, error of interactivity and of throughput without residuals, with")
    for (row, s, *a), (_, _, *b) in zip(ablations(False), ablations(True), strict=True):
        wrong = (f"{100 * x:5.0f} %" for x in (a[0], a[1], b[0], b[1]))
        print(
            f"{row['platform']} {row['precision']} {row['speculative']:4} {row['concurrency']:6}",
            s.instance.gpus,
            *wrong,
        )
    chosen = [(r, n) for r, n in rows()]
    left = np.concatenate(
        [errors(False, fits(fitted(chosen[:k] + chosen[k + 3 :])), chosen[k : k + 3]) for k in range(0, len(chosen), 3)]
    )
    print(f"\nthe rows above left out by threes: rms {100 * np.sqrt((left**2).mean()):.1f} %")
    print(dict(zip(FURTHER, np.round(fitted_further(), 5).tolist(), strict=True)))
    print("engines, factor, rows, best value, mean error without and, left out, with it (drafts of sglang over 1)")
    for names, kind, n, value, without, left in factors():
        print(f"{'/'.join(names):32} {kind:8} {n:3} {value:5.2f} {percent(without)} {percent(left)}")
    print("platform, engine, rows, interactivity median and worst, throughput; the same left out")
    for a, b in zip(summaries(misses()), summaries(cross_validated()), strict=True):
        print(f"{a[0]:7} {a[1]:14} {a[2]:3}", *(percent(x) for x in (*a[3:], *b[3:])))
    print("first tokens: rows, within a factor of 1.5, told over measured at the median, of one in ten, of nine in ten")
    for what, how in (("as recipes say", as_published), ("as closed_loop chooses", loop)):
        print(what)
        for name, f in first_tokens(how).items():
            print(f"{name:14} {f.rows:4} {f.share:5.0%}", *(f"{np.exp(x):5.2f}" for x in f[2:]))
    known = [r for r in all_rows() if tuple(str(r[n]) for n in WHICH) in recipes()]
    for what, how in (("as recipes say", as_published), ("as closed_loop chooses", loop)):
        wrong = np.abs([missed(r, how) for r in known])
        middle, ninety = (np.quantile(wrong, q, 0) for q in (0.5, 0.9))
        print(f"{len(known)} rows with recipes, {what}: median", *(percent(x) for x in (*middle, *ninety)))
    print("nine of ten speeds and throughputs left out within, by platform and engine:", bands(cross_validated()))
    for name, wrong in (("fitted", misses()), ("left out", cross_validated())):
        print(
            name,
            "median, 90 % of rows:",
            *(percent(np.quantile(np.abs(wrong), q, 0)[i]) for i in (0, 1) for q in (0.5, 0.9)),
        )


if __name__ == "__main__":
    main()
