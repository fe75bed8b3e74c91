"""A wet coil at twelve states and two water flows: total and latent duty within 3 % of EnergyPlus; see README.md."""

import numpy as np
import pytest
from cases.energyplus.test_energyplus import K, P, table
from twin.kernels.launch import bind
from twin.kernels.subset import Packed

from twin import columns
from twin.domains import moisture
from twin.elements import Coil, Weather
from twin.fluids import VAPOUR_CP

AIR, WATER = 12.0431, 11.9988
"""Rated flows, kg/s: 10 m3/s of 1.2 kg/m3, 12 L/s."""
UA = P["derived_by_energyplus"]["wet_coil"]["coil"]["UA of both sides together [W/K]"]
BALANCE = 3.3
"""hA of the water over hA of the air, fixed in EnergyPlus."""


@pytest.fixture(scope="module")
def both():
    """Total and latent duty [W], water taken [kg/s] and leaving dry bulb [degC] of the twin's law and of EnergyPlus.

    Films are those that EnergyPlus was found to have: of air 0.48 % a kelvin from 30 degC, of water m^0.85 and 1.3 % a
    kelvin from 7 degC.
    """
    e = table("wet_coil")
    n = len(e["total [W]"])
    t, water = e["air in [degC]"], e["water in [degC]"]
    w, flow = e["humidity ratio in [1]"], e["water flow [kg/s]"]
    dry_air = e["air flow [kg/s]"] / (1 + w)
    given = {
        "air": t + K,
        "water": water + K,
        "flow": dry_air,
        "rate": flow * 4192,
        "outside": UA * (1 + 1 / BALANCE) * (1 + 0.00477 * (t - 30)),
        "inside": UA * (1 + BALANCE) * (flow / WATER) ** 0.85 * (1 + 0.01275 * (water - 7)),
        "humidity": w,
    }
    packed = lambda kind, rows: Packed(kind, np.array(rows)[:, :, None], np.zeros((0, 0), np.int32))  # noqa: E731
    at = packed(moisture.Surface, [given[name] for name in moisture.Surface.real_columns()])
    site = packed(Weather, [[101325.0]] * len(Weather.real_columns()))
    joint = packed(moisture.Joint, [np.full(n, np.nan)] * len(moisture.Joint.real_columns()))
    wet = packed(moisture.Wetness, [np.ones(n)] * 3)
    coil = Packed(Coil, np.zeros((2, n, 1)), np.stack([np.arange(n), np.zeros(n)]).astype(np.int32))
    call = bind(moisture.condense, (n, 1), coil, at, site, joint, wet, moisture.MOIST_AIR)
    for _ in range(12):
        call()
    cp = 1006 + VAPOUR_CP * w
    ua = given["outside"] * given["inside"] / (given["outside"] + given["inside"])
    rate, ratio = dry_air * cp, dry_air * cp / given["rate"]
    share = np.exp(-ua / rate * (1 - ratio))
    dry = rate * (1 - share) / (1 - ratio * share) * (t - water)
    sensible = dry * wet.sensible[:, 0]
    total = sensible * wet.total[:, 0]
    gone = (total - sensible) / joint.heat[:, 0]
    latent = e["total [W]"] - e["sensible [W]"]
    return e, (total, total - sensible, gone, t - sensible / rate), (latent, e["condensate [kg/s]"])


def test_the_total_duty_is_energyplus(both):
    e, (total, *_), _ = both
    np.testing.assert_allclose(total, e["total [W]"], rtol=0.03)


def test_the_latent_duty_and_the_water_are_energyplus_to_three_per_cent_of_the_total(both):
    e, (_, latent, gone, _), (theirs, water) = both
    assert (np.abs(latent - theirs) < 0.03 * e["total [W]"]).all()
    wet = theirs > 0.1 * e["total [W]"]
    assert wet.sum() >= 14
    np.testing.assert_allclose(latent[wet], theirs[wet], rtol=0.03)
    np.testing.assert_allclose(gone[wet], water[wet], rtol=0.03)


def test_dry_states_are_dry_and_air_leaves_as_cold(both):
    e, (_, latent, _, leaving), (theirs, _) = both
    assert (latent[theirs == 0] == 0).all() and (theirs == 0).sum() >= 6
    np.testing.assert_allclose(leaving, e["air out [degC]"], atol=0.35)


def test_condensate_is_a_column_of_the_ledger():
    assert columns.coil.condensate.unit == "kg s-1"
