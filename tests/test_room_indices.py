"""Indices of room air against sums by hand, and capture against the response that it comes from."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from twin.domains.compute import AIR_HEAT
from twin.facility.files import LayoutError
from twin.results.room_indices import capture

NAMES = ("rci_high", "rci_low", "rti", "shi", "rhi")


def at(result, name, room="hall"):
    return float(result[f"room_{name}"].sel(room=room)[0])


@pytest.fixture(scope="module")
def hall():
    return twin.solve("h200_hall")


def test_indices_are_the_sums_of_their_papers(hall):
    """SHI and RTI by hand from what racks and coolers of the dataset have; RHI is the rest."""
    here = lambda name: hall[name].isel(scenario=0).to_numpy()  # noqa: E731
    inlet, flow, heat = here("rack_inlet_temperature"), here("rack_air_flow"), here("rack_heat_to_air")
    coolers = [n for n in hall["crah"].values if n.startswith("fan_wall")]
    supply, moved = (hall[f"crah_{n}"].sel(crah=coolers)[:, 0].to_numpy() for n in ("supply_temperature", "air_flow"))
    supply = (supply * moved).sum() / moved.sum()
    rise = heat / (AIR_HEAT * flow)
    mean = (rise * flow).sum() / flow.sum()
    back = float(hall["room_return_temperature"].sel(room="hall")[0])
    exhaust = inlet - supply + rise
    assert at(hall, "shi") == pytest.approx((flow * (inlet - supply)).sum() / (flow * exhaust).sum(), rel=1e-6)
    assert at(hall, "rhi") == 1.0 - at(hall, "shi")
    assert at(hall, "rti") == pytest.approx((back - supply) / mean, rel=1e-6)
    np.testing.assert_allclose(here("rack_shi"), (inlet - supply) / exhaust, rtol=1e-6)
    assert np.isnan(hall["room_shi"].sel(room="electrical_room")[0])


def test_a_mixed_room_has_the_share_that_it_recirculates():
    """SHI of a room whose racks breathe a share r of the exhaust is r."""
    for share in (0.0, 0.1, 0.3):
        given = twin.solve("h200_hall", overrides={"hall.recirculation": share, "hall.bypass": 0.0})
        assert at(given, "shi") == pytest.approx(share, abs=0.02)


def test_rack_cooling_counts_by_how_much_each_rack_is_beyond():
    """Class A2: 27 and 18 degC recommended, 35 and 10 allowable; supply warm or cold enough for one side."""
    for set_point, water, warm in ((305.15, 289.15, True), (287.15, 280.15, False)):
        found = twin.solve("h200_hall", {"fan_wall.set_point": [set_point], "chillers.set_point": [water]})
        inlet = found["rack_inlet_temperature"].isel(scenario=0).to_numpy() - 273.15
        over, under = np.maximum(inlet - 27.0, 0.0) / 8.0, np.maximum(18.0 - inlet, 0.0) / 8.0
        assert at(found, "rci_high") == pytest.approx(1.0 - over.mean(), abs=1e-9)
        assert at(found, "rci_low") == pytest.approx(1.0 - under.mean(), abs=1e-9)
        assert (at(found, "rci_high") < 0.9) == warm and (at(found, "rci_low") < 0.99) == (not warm)


def test_halls_that_are_alike_have_the_indices_of_one():
    """Elements that are alike are solved once: each counts as often as it stands for, per hall."""
    one, many = (twin.solve("campus_1gw", symmetry=s) for s in (False, True))
    for name in NAMES:
        np.testing.assert_allclose(one[f"room_{name}"], many[f"room_{name}"], rtol=1e-9)


def test_indices_are_outputs_of_a_solve(hall):
    chosen = twin.solve("h200_hall", outputs=["room_rti", "rack_shi"])
    assert chosen["room_rti"].sel(room="hall")[0] == hall["room_rti"].sel(room="hall")[0]
    np.testing.assert_array_equal(chosen["rack_shi"], hall["rack_shi"])


# ---- capture -----------------------------------------------------------------------------------------------------


def room(direct, flow):
    """A computed room whose racks breathe these shares straight from each other (inlet, exhaust)."""
    heat = np.linalg.solve(np.eye(len(flow)) - direct, direct)
    names = tuple(f"r{i}" for i in range(len(flow)))
    return SimpleNamespace(racks=names, heat=heat, flow=np.array(flow, float)[:, None])


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**31))
def test_capture_is_what_does_not_come_straight_from_racks(n, seed):
    """Cold capture is the rest of a row; what coolers give all inlets is what all exhausts give coolers."""
    rng = np.random.default_rng(seed)
    direct, flow = rng.random((n, n)) * 0.9 / n, rng.random(n) + 0.5
    cold, hot = capture(room(direct, flow))
    np.testing.assert_allclose(cold, 1.0 - direct.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose((flow * (1 - cold)).sum(), (flow * (1 - hot)).sum(), rtol=1e-9)


def test_capture_of_two_racks_by_hand():
    """The first breathes a tenth of the second's exhaust, which has half the air: of that, a fifth."""
    cold, hot = capture(room(np.array([[0.0, 0.1], [0.0, 0.0]]), [1.0, 0.5]))
    np.testing.assert_allclose(cold, [0.9, 1.0])
    np.testing.assert_allclose(hot, [1.0, 0.8])
    assert np.isnan(capture(room(np.zeros((2, 2)), [1.0, 0.0]))[0][1])


def test_capture_of_a_computed_hall_has_its_racks_and_none_without_air(hall):
    with pytest.raises(LayoutError, match="no field was computed"):
        hall.capture_index()
    found = twin.solve("gb300_hall", air=twin.FiniteVolume(cell=0.8, rooms=("hall",))).capture_index()
    assert set(found["room"].values) == {"hall"} and found.sizes["rack"] == 76
    assert float(found["cold"].min()) > 0.8 and float(found["cold"].max()) < 1.0 + 1e-6
