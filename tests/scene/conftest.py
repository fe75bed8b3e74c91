import sys
from pathlib import Path

import pytest

import twin

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="package")
def result():
    """The hall, with what binds when its racks grow denser."""
    found = twin.solve("gb300_hall")
    assert found.bound.scale > 0
    return found


@pytest.fixture(scope="package")
def weathers():
    """The hall in three weathers, with air of another temperature in each."""
    air = [295.15, 297.15, 299.15]
    return twin.solve("gb300_hall", {"site.dry_bulb": [283.15, 303.15, 308.15], "fan_wall.set_point": air})


@pytest.fixture(scope="package")
def with_air(tmp_path_factory):
    from closet import ROOM

    path = tmp_path_factory.mktemp("closet") / "closet.yaml"
    path.write_text(ROOM)
    return twin.solve(path, air=twin.FiniteVolume(cell=0.2, tolerance=2.0, coarse=False, turns=1))
