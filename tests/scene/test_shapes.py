"""Shapes are closed, stand in their box, and turn with their front."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.components.base import REGISTRY, Component, Facing, Look
from twin.show.scene import meshes, shapes
from twin.show.scene.places import UNDRAWN
from twin.show.scene.routes import Runs

length = st.floats(0.2, 12.0)


def volume(solid):
    """By the divergence theorem, of closed surfaces that go round counter-clockwise from outside."""
    a, b, c = np.moveaxis(solid.points[solid.triangles], 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_every_look_is_drawn_somehow():
    assert set(shapes.LOOKS) | UNDRAWN == set(get_args(Look))
    assert {cls.look for cls in REGISTRY.values()} <= set(get_args(Look))


@given(
    st.sampled_from(sorted(shapes.LOOKS)), length, length, length, st.sampled_from(get_args(Facing)), st.integers(1, 40)
)
def test_a_shape_fills_its_box_and_no_more(look, x, y, z, way, units):
    parts = shapes.shape(look, (x, y, z), way, units)
    points = np.concatenate([s.points for s in parts.values()])
    assert points.min() >= -1e-9
    assert (points.max(axis=0) <= np.array([x, y, z]) + 1e-9).all()
    if look != "tank":
        assert (np.ptp(points, axis=0) > 0.88 * np.array([x, y, z])).all()
    assert set(parts) <= set(shapes.PAINTS) and "body" in parts
    for solid in parts.values():
        assert 0 < volume(solid) <= x * y * z * 1.01
        assert solid.sizes.sum() == len(solid.corners)


def test_boxes_and_tubes_have_their_volume():
    assert volume(shapes.box((1, 2, 3), (2, 4, 6))) == pytest.approx(6.0)
    for axis in range(3):
        exact = 2.0 * 0.5**2 * shapes.SIDES * np.sin(2 * np.pi / shapes.SIDES) / 2
        assert volume(shapes.tube(axis, (1.0, -2.0), 0.5, (3.0, 5.0))) == pytest.approx(exact)


@pytest.mark.parametrize(("way", "front"), [("-y", (1, -1)), ("+y", (1, 1)), ("-x", (0, -1)), ("+x", (0, 1))])
def test_doors_are_at_the_front(way, front):
    size = (0.6, 1.2, 2.2) if way[1] == "y" else (1.2, 0.6, 2.2)
    parts = shapes.shape("rack", size, way)
    axis, side = front
    at = parts["door"].points[:, axis].mean() / size[axis]
    assert at < 0.1 if side < 0 else at > 0.9


def test_copies_keep_their_shape():
    one = shapes.tube(2, (0, 0), 1.0, (0, 1))
    two = one.copies(np.array([[0, 0, 0], [5, 0, 0]]))
    assert volume(two) == pytest.approx(2 * volume(one))


@settings(deadline=None)
@given(st.integers(0, 2), st.sampled_from([-1, 1]), st.floats(0.5, 30), st.floats(0.02, 0.4))
def test_pipes_are_solid_whichever_way_they_flow(axis, sense, long, radius):
    start = np.array([[1.0, 2.0, 3.0]])
    end = start.copy()
    end[0, axis] += sense * long
    runs = Runs(start, end, np.array([radius]), np.array([0]))
    solid, owner = meshes.pipes(runs)
    exact = (long + 1.8 * radius) * radius**2 * 8 * np.sin(np.pi / 4) / 2
    assert volume(solid) == pytest.approx(exact)
    assert (owner == 0).all()
    arrow, _ = meshes.arrows(runs)
    if len(arrow.points):
        tip = arrow.points[np.argsort(sense * arrow.points[:, axis])[-1]]
        middle = (start + end)[0] / 2
        assert sense * (tip - middle)[axis] > 0
        assert np.abs(np.delete(tip - middle, axis)).max() < 0.2 * radius


def test_a_type_with_an_unknown_look_is_refused():
    with pytest.raises(TypeError, match="look 'castle' is none of cabinet, rack"):

        class Castle(Component):
            look = "castle"
