"""How sure an answer is, on the screen and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twin.facility.files import LayoutError
from twin.show.text import table
from twin.study.uncertainty import Input, Uncertainties, Uncertainty, figure

MOST = 8
"""Inputs of a figure that the screen lists, those of the largest total index."""

WIDEST = 60
"""Characters of a source that the screen shows."""


def inputs(found: Uncertainties) -> dict[str, Any]:
    """What is not known of a layout, as plain data in SI units."""
    return {
        "layout": found.layout,
        "inputs": [_input(i) for i in found],
        "left_out": [{"address": address, "reason": reason} for address, reason in found.left_out],
        "notes": list(found.notes),
    }


def inputs_text(found: Uncertainties) -> str:
    """The same for people."""
    rows = [tuple(cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 3]}..." for cell in row) for row in found.rows()]
    lines = [f"{found.layout}: {len(found)} values are not known", "", table(rows, frozenset({1, 2, 3}))]
    if found.left_out:
        lines += ["", f"{len(found.left_out)} more do not vary", "", table(found.left_out)]
    return "\n".join([*lines, *found.notes])


def _input(i: Input) -> dict[str, Any]:
    names = ("address", "nominal", "low", "high", "unit", "distribution", "kind", "source")
    return {name: getattr(i, name) for name in names} | {"addresses": list(i.addresses)}


def summary(found: Uncertainty) -> dict[str, Any]:
    """Percentiles, indices and swings of every figure, as plain data in units of the screen; None for no number."""
    return {
        "layout": found.inputs.layout,
        "samples": found.n,
        "seed": found.seed,
        "size": found.sweep.size,
        "scenarios": found.sweep.counts(),
        "outputs": {output: _output(found, output) for output in found.outputs},
        "inputs": [_input(i) for i in found.inputs],
        "notes": list(found.notes),
    }


def _output(found: Uncertainty, output: str) -> dict[str, Any]:
    about = figure(output)
    shown = {name: _number(about.factor * x) for name, x in found.range(output)._asdict().items()}
    swings = {
        s.input.address: (_number(about.factor * s.low), _number(about.factor * s.high)) for s in found.tornado(output)
    }
    rows = dict[str, dict[str, Any]]()
    for address, (low, high) in swings.items():
        rows[address] = {"at_low": low, "at_high": high}
    told = {
        "label": about.label,
        "unit": about.display,
        **shown,
        "nominal": _number(about.factor * found.nominal(output)),
    }
    told |= {"explained": found.explain(output), "together": None, "samples": 0, "inputs": rows}
    try:
        shares = found.indices(output)
    except LayoutError:
        return told
    for k, i in enumerate(found.inputs):
        names = ("first", "first_error", "total", "total_error")
        rows[i.address] |= {name: float(getattr(shares, name)[k]) for name in names}
    return told | {"together": shares.together[0], "samples": shares.samples}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def summary_text(told: Mapping[str, Any]) -> str:
    """The same for people."""
    head = f"{told['layout']}: {len(told['inputs'])} inputs, {told['samples']:,} samples, {told['size']:,} scenarios"
    rows: list[tuple[str, ...]] = [("", "P10", "P50", "P90", "as laid out", "")]
    for output in told["outputs"].values():
        numbers = (output["p10"], output["p50"], output["p90"], output["nominal"])
        rows.append((output["label"], *map(_short, numbers), output["unit"]))
    lines = [head, "", table(rows, frozenset({1, 2, 3, 4})), "", "P90 is what a figure is below in nine of ten cases"]
    for output in told["outputs"].values():
        lines += ["", output["explained"]]
        leading = [(a, r) for a, r in output["inputs"].items() if r.get("total", 0.0) > 0.0]
        leading = sorted(leading, key=lambda row: -row[1]["total"])[:MOST]
        if leading:
            cells = [
                (a, _percent(r, "first"), _percent(r, "total"), _short(r["at_low"]), _short(r["at_high"]))
                for a, r in leading
            ]
            lines += [table([("", "alone", "with others", "at low", "at high"), *cells], frozenset({1, 2, 3, 4}))]
    return "\n".join([*lines, *([""] if told["notes"] else []), *told["notes"]])


def _percent(row: Mapping[str, float], name: str) -> str:
    return f"{100 * row[name]:.0f} % ±{100 * row[f'{name}_error']:.0f}"


def _short(value: float | None) -> str:
    """Five digits of a number, a dash for none."""
    return "-" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.5g}"
