"""Controls: the quantities of a layout that sliders move, each with its range in a unit of the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from twin import fluids
from twin.components.hall import DEFAULT_HUMIDITY, air_pressure
from twin.facility.addresses import split
from twin.facility.files import MOISTURE, LayoutError
from twin.facility.graph import Facility
from twin.facility.scenarios import SECTIONS, WHOLE, bounds, declarations, select, varies
from twin.results.envelopes import relative_humidity
from twin.study.axes import Choice, axis
from twin.units import DIMENSIONS, Quantity, is_whole, quantity

WEATHER, RACKS, SET_POINTS, UNITS, OTHERS = "Weather", "Racks", "Set points", "Units in service", "Others"
"""Groups of controls, in the order of the page."""

NOTCHES = 200
"""Steps of a slider at most."""

AROUND = {"temperature": 12.0, "temperature_difference": 5.0}
"""How far a slider reaches around where it starts, by quantity [K]; others from half of it to one and a half."""

DRY_BULB = (-20.0, 50.0)
"""Outdoor air that a slider spans [degC]."""

DENSITY = (0.2, 2.5)
"""Scale of the racks that a slider spans."""

LOWEST_CAP = 0.3
"""Of the power of an accelerator, the lowest cap of a slider where its driver states none."""

_COUNT = re.compile(r"/\s*\d+\s*$")
"""The number of values at the end of a range."""

WORDS = {"chip_scale": "density", "set_point": "set point", "power_cap": "power cap"}
"""What fields are called beside a slider, where their name does not say it."""


class Control(NamedTuple):
    """A quantity that a slider moves.

    address: as scenarios have it. label: beside the slider. group: of the page. unit: that it is shown in, as `units`
    spells it. dimension: of `units`. low, high, step, start: in that unit. open: whether nothing is stated at `high`,
    as where there is no cap or no contract.
    """

    address: str
    label: str
    group: str
    unit: str
    dimension: str
    low: float
    high: float
    step: float
    start: float
    open: bool = False

    def si(self, value: float) -> float:
        """A value of the slider in SI units."""
        d = DIMENSIONS[self.dimension]
        return value * d.units[self.unit] + d.offsets.get(self.unit, 0.0)

    def moved(self, value: float) -> bool:
        """Whether a value is another than that at the start: half a step away or more, as sliders have no others."""
        return abs(value - self.start) > 0.499 * self.step

    def stated(self, value: float) -> bool:
        """Whether a value is one, and not that there is none."""
        return not (self.open and value >= self.high - 1e-6 * self.step)

    def text(self, value: float) -> str:
        """A value with its unit, as layouts have it."""
        return f"{value:.10g} {self.unit}".rstrip() if self.stated(value) else "null"

    def shown(self, value: float) -> str:
        """A value for people."""
        if not self.stated(value):
            return "none"
        unit = {"degC": "°C", "": "×" if self.address.endswith("scale") else ""}.get(self.unit, self.unit)
        return f"{value:,.6g} {unit}".rstrip()


def controls(facility: Facility) -> tuple[Control, ...]:
    """What people look for first: weather, density, load and caps of racks, set points, units in service.

    Equipment of one model that is alike has one control. Density, load and caps are of racks with accelerators, or of
    all if none has any.
    """
    found = [*_weather(facility)]
    parts = facility.components
    computes = any(getattr(parts[n], "accelerators", 0.0) > 0 for n in parts)
    for model, names in models(facility).items():
        part = parts[names[0]]
        if part.shapes_air == "rack" and (getattr(part, "accelerators", 0.0) > 0 or not computes):
            found += _of_racks(facility, model, names)
        if part.set_point_role or getattr(part, "set_point", None) is not None:
            found += _of_model(facility, model, names, "set_point", SET_POINTS)
        if part.units_field:
            found += _of_model(facility, model, names, part.units_field, UNITS)
    order = (WEATHER, RACKS, SET_POINTS, UNITS)
    return tuple(sorted(found, key=lambda c: order.index(c.group)))


def control(facility: Facility, address: str, text: str = "") -> Control:
    """The control of an address; text: its range as sweeps have it, such as `30..46 degC`, a rule's if not given.

    Raises LayoutError for what is no number of the layout that may vary, or of which the layout states several values.
    """
    try:
        declared = declarations(facility, address)
        if not declared:
            raise ValueError(f"{address}: shapes the plant; no slider can move it")
        start = _stated(facility, address)
        if not text:
            return _ruled(facility, address, declared[0], start)
        counted = is_whole(declared[0]) or ".." not in text or bool(_COUNT.search(text))
        given = axis(facility, address, text if counted else f"{text.strip()}/{NOTCHES + 1}")
        if not isinstance(given, Choice) or len(given.values) < 2 or np.ptp(given.values) <= 0:
            raise ValueError(f"{address}: {text!r} is no range, such as {_example(declared[0])}")
    except ValueError as error:
        if isinstance(error, LayoutError):
            raise
        told = str(error).removeprefix(f"{address}: ").replace(f"/{NOTCHES + 1}'", "'")  # which nobody wrote
        raise LayoutError(f"slider {address}", [told]) from None
    values = np.sort(given.values)
    unit, dimension = _unit(declared[0], float(values[-1]) if start is None else start)
    low, high = (_shown(float(v), unit, dimension) for v in (values[0], values[-1]))
    step = (high - low) / (len(values) - 1) if counted else _step(low, high)
    at = high + step if start is None else _shown(start, unit, dimension)
    ends = _reach(low, high, at)
    label, group = _label(facility, address), _group(facility, address)
    return Control(address, label, group, unit, dimension, *ends, step, at, open=start is None)


def _example(info: Any) -> str:
    """A range of a field, as one writes it."""
    known = quantity(info)
    return "1..4" if is_whole(info) else f"5..10 {known.unit if known else ''}".rstrip()


def addresses(facility: Facility) -> list[str]:
    """Addresses of all numbers that have one value and may vary: of sections, and of what is of one model together."""
    found, sections = list[str](), [(name, getattr(facility, name)) for name in SECTIONS]
    for section, own in sections:
        for field, info in type(own).model_fields.items():
            if _finite(getattr(own, field)) and info.annotation is not bool and field not in WHOLE:
                found += [f"{section}.{field}"] if declarations(facility, f"{section}.{field}") else []
    for model, names in models(facility).items():
        parts = [facility.components[n] for n in names]
        cls = type(parts[0])
        for field, info in cls.model_fields.items():
            if info.annotation is bool or not varies(cls, field):
                continue
            values = {getattr(p, field) for p in parts}
            found += [f"{_head(model, names)}.{field}"] if len(values) == 1 and all(map(_finite, values)) else []
    return found


def clash(facility: Facility, found: Mapping[str, Control], new: Control) -> str:
    """The label of a slider that moves the same as a new one, "" if there is none."""
    head, name, field = split(new.address)
    if head in SECTIONS and name is None:
        return ""
    mine = set(select(facility, new.address))
    same = (a for a in found if a != new.address and split(a).field == field and split(a).head not in SECTIONS)
    return next((found[a].label for a in same if not mine.isdisjoint(select(facility, a))), "")


def joined(found: Mapping[str, Control], new: Control) -> dict[str, Control]:
    """Sliders with a new one; of those that state the moisture of the air it takes the place of the other."""
    moist = {f"site.{field}" for field in MOISTURE}
    gone = moist - {new.address} if new.address in moist else set[str]()
    return {a: c for a, c in found.items() if a not in gone} | {new.address: new}


def _finite(value: Any) -> bool:
    """Whether a value is a number."""
    return value is not None and isinstance(value, (int, float)) and bool(np.isfinite(value))


def models(facility: Facility) -> dict[str, list[str]]:
    """Names of components by their model."""
    found = dict[str, list[str]]()
    for name, model in facility.models.items():
        found.setdefault(model, []).append(name)
    return found


# ---- rules -------------------------------------------------------------------------------------------------------


def _weather(facility: Facility) -> Iterator[Control]:
    """Dry bulb and relative humidity."""
    dry = facility.site.dry_bulb - 273.15
    yield Control("site.dry_bulb", "dry bulb", WEATHER, "degC", "temperature", *_reach(*DRY_BULB, dry), 0.5, dry)
    humid = 100.0 * humidity(facility)
    yield Control("site.relative_humidity", "relative humidity", WEATHER, "%", "fraction", 0.0, 100.0, 1.0, humid)


def humidity(facility: Facility) -> float:
    """Relative humidity [1] of the outdoor air that a layout states."""
    site = {k: v for k, v in facility.site if v is not None}
    if "relative_humidity" in site:
        return float(site["relative_humidity"])
    dry = float(site["dry_bulb"])
    if "wet_bulb" in site:
        pressure = air_pressure(site)
        ratio = fluids.humidity_ratio_from_wet_bulb(dry, site["wet_bulb"], pressure)
        dew = fluids.dew_point(ratio, pressure)
    elif "dew_point" in site:
        dew = np.asarray(site["dew_point"])
    else:
        return DEFAULT_HUMIDITY
    return float(relative_humidity(np.asarray(dry), dew))


def _of_racks(facility: Facility, model: str, names: Sequence[str]) -> Iterator[Control]:
    """Density, load and cap."""
    yield from _of_model(facility, model, names, "chip_scale", RACKS, DENSITY)
    part: Any = facility.components[names[0]]
    if part.it_power is not None or not part.accelerators:
        return
    yield from _of_model(facility, model, names, "utilisation", RACKS)
    full = part.chip_power * part.power_scale
    lowest = part.min_power_cap or LOWEST_CAP * full
    values: set[Any] = {getattr(facility.components[n], "power_cap") for n in names}  # noqa: B009
    if len(values) == 1:
        step, stated = _step(lowest, full), values.pop()
        low, high = _reach(step * np.ceil(lowest / step - 1e-9), step * np.floor(full / step + 1e-9), stated or full)
        high = step * (np.floor(high / step + 1e-9) + 1)
        address = f"{_head(model, names)}.power_cap"
        label, start = _label(facility, address), stated or high
        yield Control(address, label, RACKS, "W", "power", float(low), float(high), step, float(start), open=True)


def _of_model(
    facility: Facility,
    model: str,
    names: Sequence[str],
    field: str,
    group: str,
    ends: tuple[float, float] | None = None,
) -> Iterator[Control]:
    """A field of what is of one model, if it has it and all state the same."""
    info = type(facility.components[names[0]]).model_fields.get(field)
    values: set[Any] = {getattr(facility.components[n], field, None) for n in names}
    if info is None or len(values) != 1 or None in values:
        return
    yield _ruled(facility, f"{_head(model, names)}.{field}", info, float(values.pop()), group, ends)


def _head(model: str, names: Sequence[str]) -> str:
    """What an address of all of a model begins with: its only component, or its name."""
    return names[0] if len(names) == 1 else model


def _ruled(
    facility: Facility,
    address: str,
    info: Any,
    start: float | None,
    group: str = "",
    ends: tuple[float, float] | None = None,
) -> Control:
    """The control of a field whose range follows from what it is and where it starts."""
    if start is None:
        raise ValueError(f"{address}: the layout states no value to start from; give the slider a range")
    unit, dimension = _unit(info, start)
    at = _shown(start, unit, dimension)
    whole, around = is_whole(info), AROUND.get(dimension)
    if ends is not None:
        low, high = ends
    elif whole:
        low, high = 0.0, at
    elif around is not None:
        low, high = np.floor(at - around), np.ceil(at + around)
    elif dimension == "fraction":
        low, high = 0.0, 1.0 if unit == "" else 100.0
    else:
        low, high = (0.5 * at, 1.5 * at) if at else (0.0, 1.0)
    step = 1.0 if whole else _step(*_reach(float(low), float(high), at))
    for bound, beyond, _ in bounds(info):
        inside = step if beyond in (np.less_equal, np.greater_equal) else 0.0  # the bound itself is outside
        edge = _shown(bound, unit, dimension)
        if beyond in (np.less, np.less_equal):
            low = max(low, edge + inside)
        else:
            high = min(high, edge - inside)
    low, high = _reach(_least(facility, address, low, at) if whole else float(low), float(high), at)
    if low == high:  # it starts at the end of its bounds
        high = low + max(abs(low), 1.0)
    step = 1.0 if whole else _step(low, high)
    label, of = _label(facility, address), group or _group(facility, address)
    return Control(address, label, of, unit, dimension, low, high, step, at)


def _least(facility: Facility, address: str, low: float, start: float) -> float:
    """The least whole number, from `low` on, that the component's own check accepts."""
    head, name, field = split(address)
    if head in SECTIONS and name is None:
        return low
    first = select(facility, address)[0]
    part = facility.components[first]
    fine = (n for n in range(int(low), int(start)) if not part.model_copy(update={field: n}).check(first))
    return float(next(fine, start))


def _stated(facility: Facility, address: str) -> float | None:
    """What the layout states; ValueError where components differ."""
    head, name, field = split(address)
    if head in SECTIONS and name is None:
        value = getattr(getattr(facility, head), field)
        return float(value) if _finite(value) else None
    values = {getattr(facility.components[n], field) for n in select(facility, address)}
    if len(values) > 1:
        raise ValueError(f"{address}: the layout states several values; name one component, or a model")
    value = values.pop()
    return float(value) if _finite(value) else None


def _unit(info: Any, start: float) -> tuple[str, str]:
    """The unit of the screen for a value in SI units, and the quantity."""
    known = quantity(info) or Quantity("number")
    unit = known.format(start).partition(" ")[2] or known.unit
    return unit if unit in DIMENSIONS[known.dimension].units else "", known.dimension


def _shown(value: float, unit: str, dimension: str) -> float:
    """An SI value in a unit, of ten digits."""
    d = DIMENSIONS[dimension]
    return float(f"{(value - d.offsets.get(unit, 0.0)) / d.units[unit]:.10g}")


def _reach(low: float, high: float, start: float) -> tuple[float, float]:
    """Ends that hold the start."""
    return min(low, start), max(high, start)


def _step(low: float, high: float) -> float:
    """A round step of which a slider has NOTCHES at most."""
    least = max(high - low, 1e-12) / NOTCHES
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(k * power for k in (1, 2, 5, 10) if k * power >= least * (1 - 1e-9)))


def _label(facility: Facility, address: str) -> str:
    """Words beside a slider."""
    head, name, field = split(address)
    words = WORDS.get(field, field.replace("_", " "))
    if head in SECTIONS and name is None:
        return words
    title, members = (name or head).replace("_", " "), select(facility, address)
    if field == facility.components[members[0]].units_field:
        words = "in service" if field == "units" or title.endswith(words) else f"{words} in service"
    return f"{title}{f' ({len(members):,})' if len(members) > 1 else ''} {words}"


def _group(facility: Facility, address: str) -> str:
    """The group of an address."""
    head, name, field = split(address)
    if head in SECTIONS and name is None:
        return WEATHER if head == "site" else OTHERS
    part = facility.components[select(facility, address)[0]]
    if field == part.units_field:
        return UNITS
    return RACKS if part.shapes_air == "rack" else SET_POINTS if field == "set_point" else OTHERS
