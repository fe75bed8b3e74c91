"""Economisers: what cools by the weather before compressors do."""

from __future__ import annotations

from dataclasses import dataclass

from twin.columns import Array
from twin.domains.rejection import AWAKE, OFF, Answer, Inflow, Law, Numbers, Roots, capacity, coming_in, over
from twin.kernels.cell import kernel
from twin.kernels.exchangers import counter_flow, film, in_series
from twin.kernels.numbers import clip, known

TRIES = 4.0
"""Times that an economiser which takes all or none may begin and fail in a solve, before it stays off."""


@dataclass(frozen=True)
class WaterEconomiser(Law):
    """Plate exchangers between chilled water and the water of towers, in counterflow, before the chillers.

    UA = `conductance` [W/K] at `rated_flow` of chilled water and `rated_sink` of tower water, as capacity rate
    [W/K]; films in the ratio `film_ratio` tower water over chilled water, ~ m^`exponent`; `fouling` in K/W. It runs
    while the tower water is colder than what comes by more than `min_difference` [K], over a kelvin from there in
    part, and takes what it can down to the set point; one that is not `integrated` (0) takes all of the load or
    none, and none where the load would warm the tower water until that is not all. Nothing is warmed: where it does
    not run the chilled water goes by [ASHRAE HVAC Systems and Equipment (2020), ch. 43; Taylor, ASHRAE Journal 56
    (2014) no. 5].
    """

    set_point: Array
    conductance: Array
    rated_flow: Array
    rated_sink: Array
    film_ratio: Numbers = 1.0
    exponent: Numbers = 0.8
    fouling: Numbers = 0.0
    min_difference: Numbers = 0.0
    integrated: Numbers = 1.0


@kernel
def water_economiser(r, s, law: WaterEconomiser, at: Inflow, root: Roots, out: Answer):
    """Answers of water-side economisers."""
    inlet = at.inlet[r, s]
    set_point = law.set_point[r, s]
    sink = at.sink[r, s]
    c = capacity(at.flow[r, s], at.cp[r, s])
    ratio = law.film_ratio[r, s]
    exponent = law.exponent[r, s]
    cold = max(at.sink_rate[r, s], 1e-6)
    own = film(law.conductance[r, s] * (1.0 + ratio) / ratio, at.flow[r, s], law.rated_flow[r, s], exponent)
    other = film(law.conductance[r, s] * (1.0 + ratio), cold, law.rated_sink[r, s], exponent)
    smaller = min(c, cold)
    gap = inlet - sink
    part = coming_in(gap, law.min_difference[r, s])
    effect = (
        part * counter_flow(in_series(own, other, law.fouling[r, s]) / smaller, smaller / max(c, cold)) * smaller / c
    )
    able = effect * max(gap, 0.0)
    required = inlet - set_point
    wanted = known(required)
    flows = cold > AWAKE * law.rated_sink[r, s]
    helps = flows and gap > 0.0 and part > 0.0 and (not wanted or required > -OFF)
    whole = law.integrated[r, s] <= 0.5
    failed = root.cells[r, s] if known(root.cells[r, s]) else 0.0
    alone = not whole or (wanted and required <= able and failed < TRIES)
    runs = helps and alone
    fails = whole and root.speed[r, s] > 0.5 and not runs
    root.cells[r, s] = failed + 1.0 if fails else failed
    root.speed[r, s] = 1.0 if runs else 0.0
    held = wanted and required <= able
    out.slope[r, s] = (0.0 if held else 1.0 - effect) if runs else 1.0 - 1e-9
    out.offset[r, s] = (set_point if held else effect * sink) if runs else 1e-9 * inlet
    loading = over(max(required, 0.0), able) if wanted else 1.0
    out.power[r, s] = 0.0
    out.water[r, s] = 0.0
    out.loading[r, s] = loading if runs else 0.0
    out.running[r, s] = 1.0 if runs else 0.0
    out.speed[r, s] = min(loading, 1.0) if runs else 0.0
    out.warning[r, s] = 0.0
    out.driven[r, s] = 0.0


WaterEconomiser.kernel = water_economiser


@dataclass(frozen=True)
class AirEconomiser(Law):
    """Dampers that mix outdoor air into the air that returns from a room, before its coil.

    The share of outdoor air is what brings the mixture to the set point, at least `min_share`, and all where that
    does not suffice. It is the least where outdoor air is warmer than what returns or than `max_dry_bulb`, or its
    `dew_point` is outside `min_dew_point` to `max_dew_point` [K]; nearer than a kelvin to what returns it is less
    [ASHRAE Standard 90.1, 6.5.1; ASHRAE, Thermal Guidelines for Data Processing Environments]. `outdoor`: dry bulb
    [K]. Fans for filters, louvres and relief take `fan_power` [W] at `rated_flow` [kg/s] of outdoor air, by the
    cube of that.
    """

    set_point: Array
    outdoor: Array
    dew_point: Array
    rated_flow: Array
    fan_power: Array
    min_share: Numbers = 0.0
    max_dry_bulb: Numbers = 1e3
    max_dew_point: Numbers = 1e3
    min_dew_point: Numbers = 0.0


@kernel
def air_economiser(r, s, law: AirEconomiser, at: Inflow, root: Roots, out: Answer):
    """Answers of air-side economisers: `speed` is the share of outdoor air."""
    inlet = at.inlet[r, s]
    outdoor = law.outdoor[r, s]
    set_point = law.set_point[r, s]
    least = law.min_share[r, s]
    dew = law.dew_point[r, s]
    cool = outdoor < inlet and outdoor <= law.max_dry_bulb[r, s]
    dry = dew <= law.max_dew_point[r, s] and dew >= law.min_dew_point[r, s]
    works = cool and dry
    wanted = (inlet - set_point) / max(inlet - outdoor, 1e-6) if known(set_point) else 1.0
    share = max(clip(wanted, least, 1.0) * clip(inlet - outdoor, 0.0, 1.0), least) if works else least
    holds = works and wanted > least and wanted < 1.0 and inlet - outdoor > 1.0
    moved = share * at.flow[r, s]
    part = moved / law.rated_flow[r, s]
    out.slope[r, s] = 0.0 if holds else max(1.0 - share, 1e-9)
    out.offset[r, s] = set_point if holds else min(share, 1.0 - 1e-9) * outdoor
    out.power[r, s] = law.fan_power[r, s] * part * part * part
    out.water[r, s] = 0.0
    out.loading[r, s] = clip(wanted, 0.0, 1e3) if works else 0.0
    out.running[r, s] = 1.0 if works else 0.0
    out.speed[r, s] = share
    out.warning[r, s] = 0.0
    out.driven[r, s] = 0.0


AirEconomiser.kernel = air_economiser
