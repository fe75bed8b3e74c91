"""Scenario parameters: addresses and SI values to columns of fields, checked as the layout is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from twin.columns import Array, Real
from twin.components.base import Component, Model
from twin.facility.addresses import breadth, choose, meant, settle, split
from twin.facility.files import MOISTURE, LayoutError
from twin.facility.graph import Facility
from twin.units import cf_unit, quantity

LARGEST_CHECK = 1000
"""Distinct sets of values of one component that are checked beyond their bounds."""

WHOLE = ("demand",)
"""Fields of sections that are several numbers."""

STRUCTURAL = {"voltage"}
"""Dimensions that shape the plant and are the same in all scenarios."""

SECTIONS = ("site", "serving", "economics")
"""Sections whose numbers may vary."""

Columns = dict[str, dict[str, Array]]


def read(
    facility: Facility, scenarios: Mapping[str, ArrayLike]
) -> tuple[Columns, dict[str, Real], int, dict[str, Array]]:
    """Columns by field and component, site values, the number of scenarios, and coordinates by address.

    Raises LayoutError for what is no address, no number that may vary, out of bounds, or of another length.
    """
    faults: list[str] = []
    values = {a: _numbers(a, v, faults) for a, v in scenarios.items()}
    sizes = {len(v) for v in values.values()} - {1}
    if len(sizes) > 1:
        faults.append(f"scenarios have different lengths: {', '.join(f'{a} {len(v)}' for a, v in values.items())}")
    if faults:
        raise LayoutError(facility.source, faults)
    size = max(sizes, default=1)
    site = {k: v for k, v in facility.site.model_dump().items() if v is not None}
    varied = []
    for address, value in values.items():
        try:
            head, name, field = split(address)
        except ValueError as error:
            faults.append(str(error))
            continue
        if head == "site" and name is None:
            _site(facility, site, field, value, faults)
            continue
        if head in ("serving", "economics") and name is None:
            _term(facility, address, getattr(facility, head), field, value, faults)
            continue
        chosen = _varied(facility, address, field, faults)
        for n in chosen:
            _bounds(address, type(facility.components[n]), field, value, faults)
        width = breadth(address, facility.components, (groups(facility, n) for n in chosen)) if chosen else 0
        varied.append((address, width, chosen, np.broadcast_to(value, (size,))))
    columns, clashes = settle(varied, np.array_equal)
    faults.extend(clashes)
    _checked(facility, columns, faults)
    stated = [a for a in values if a.startswith("site.") and a.removeprefix("site.") in MOISTURE]
    if len(stated) > 1:
        faults.append(f"{' and '.join(stated)} both state the moisture; keep one")
    if "wet_bulb" in site and np.any(np.asarray(site["wet_bulb"]) > np.asarray(site["dry_bulb"]) + 1e-9):
        faults.append("site.wet_bulb: above site.dry_bulb in a scenario")
    if "dew_point" in site and np.any(np.asarray(site["dew_point"]) > np.asarray(site["dry_bulb"]) + 1e-9):
        faults.append("site.dew_point: above site.dry_bulb in a scenario")
    if faults:
        raise LayoutError(facility.source, list(dict.fromkeys(faults)))
    return columns, site, size, {a: np.broadcast_to(v, (size,)) for a, v in values.items()}


def _numbers(address: str, value: ArrayLike, faults: list[str]) -> Array:
    try:
        numbers = np.atleast_1d(np.asarray(value, float))
    except (TypeError, ValueError):
        numbers = np.full(1, np.nan)
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all():
        faults.append(f"{address}: not finite numbers in SI units, one for each scenario")
        return np.zeros(1)
    return numbers


def groups(facility: Facility, name: str) -> tuple[str, ...]:
    """What a component may be called together with others: its catalogue model, its type, its dimension."""
    part = facility.components[name]
    return facility.models[name], part.kind, part.dimension


def select(facility: Facility, address: str) -> list[str]:
    """Names of the components that an address means and that have its field.

    Raises ValueError where it means none, or none of them has the field.
    """
    parts, field = facility.components, split(address).field
    chosen = choose(address, parts, lambda n: groups(facility, n), SECTIONS)
    having = [n for n in chosen if field in type(parts[n]).model_fields]
    if not having:
        likely = meant(field, type(parts[chosen[0]]).model_fields)
        raise ValueError(f"{address}: {parts[chosen[0]].kind} has no field {field!r}{likely}")
    return having


def _varied(facility: Facility, address: str, field: str, faults: list[str]) -> list[str]:
    """Components whose field a scenario varies."""
    try:
        chosen = select(facility, address)
    except ValueError as error:
        faults.append(str(error))
        return []
    if not varies(type(facility.components[chosen[0]]), field):
        faults.append(f"{address}: {field} shapes the plant; change it in the layout, by a case or an override")
        return []
    return chosen


def varies(cls: type[Component], field: str) -> bool:
    """Whether a field of a component may differ between scenarios."""
    info = cls.model_fields[field]
    declared = quantity(info)
    if field in cls.structural or (declared is not None and declared.dimension in STRUCTURAL):
        return False
    return declared is not None or info.annotation in (int, float, bool)


def _checked(facility: Facility, columns: Columns, faults: list[str]) -> None:
    """The layout's own checks on what scenarios make of a component, once for each distinct set of values."""
    changed: dict[str, list[str]] = {}
    for field, rows in columns.items():
        for n in rows:
            changed.setdefault(n, []).append(field)
    seen: set[tuple[object, ...]] = set()
    for n, names in changed.items():
        part = facility.components[n]
        for values in np.unique(np.stack([columns[f][n] for f in names]), axis=1).T[:LARGEST_CHECK]:
            key = (part.kind, facility.models[n], tuple(names), values.tobytes())
            if key in seen:
                continue
            seen.add(key)
            cast = {
                f: type(getattr(part, f))(v) if isinstance(getattr(part, f), int) else float(v)
                for f, v in zip(names, values, strict=True)
            }
            faults.extend(f"{part.kind} {fault} (in a scenario)" for fault in part.model_copy(update=cast).check(n))


def _site(facility: Facility, site: dict[str, Real], field: str, value: Array, faults: list[str]) -> None:
    fields = type(facility.site).model_fields
    if field not in fields:
        faults.append(f"site.{field}: no such field{meant(field, fields)}")
        return
    _bounds(f"site.{field}", type(facility.site), field, value, faults)
    if field in MOISTURE:
        for other in MOISTURE:
            site.pop(other, None)
    site[field] = value


def _term(facility: Facility, address: str, section: Model, field: str, value: Array, faults: list[str]) -> None:
    """Check a number of a section; it is read from the coordinates where it is used."""
    fields = type(section).model_fields
    if field not in fields:
        faults.append(f"{address}: no such field{meant(field, fields)}")
    elif (quantity(fields[field]) is None and fields[field].annotation is not int) or field in WHOLE:
        faults.append(f"{address}: is no number that may vary; change it in the layout, by a case or an override")
    else:
        _bounds(address, type(section), field, value, faults)


def _bounds(address: str, model: type[Model], field: str, value: Array, faults: list[str]) -> None:
    kind = model.model_fields[field].annotation
    if kind is bool and not np.isin(value, (0.0, 1.0)).all():
        faults.append(f"{address}: give 0 or 1")
    elif kind is int and (value != np.round(value)).any():
        faults.append(f"{address}: give whole numbers")
    for rule in model.model_fields[field].metadata:
        for name, bad in (("ge", np.less), ("gt", np.less_equal), ("le", np.greater), ("lt", np.greater_equal)):
            bound = getattr(rule, name, None)
            if bound is not None and bad(value, bound).any():
                faults.append(
                    f"{address}: {value[bad(value, bound)][0]:g} is outside its bounds ({name} {bound:g}, SI)"
                )


def uniform(facility: Facility, count: int) -> dict[str, Array]:
    """So many scenarios that all are the layout as it stands."""
    return {"site.dry_bulb": np.full(count, facility.site.dry_bulb)}


def dimension(facility: Facility, address: str) -> str:
    """The dimension of what an address means, "number" for plain numbers."""
    head, name, field = split(address)
    if head in SECTIONS and name is None:
        declared = quantity(type(getattr(facility, head)).model_fields[field])
    else:
        declared = quantity(type(facility.components[select(facility, address)[0]]).model_fields[field])
    return declared.dimension if declared else "number"


def cf_unit_of(facility: Facility, address: str) -> str:
    """The SI unit in which scenarios give an address, as the CF conventions write it."""
    return cf_unit(dimension(facility, address))
