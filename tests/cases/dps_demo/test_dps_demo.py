import pytest

import twin

CHAIN = [
    (None, "utility_contract", 93.75),
    ("without_utility_contract", "switchboard_loading", 200.0),
    ("pdu_only", "pdu_loading", 225.0),
]


@pytest.mark.parametrize("scale", ["chips", "chip_power"])
@pytest.mark.parametrize(("case", "limit", "density"), CHAIN)
def test_the_chain_binds_where_its_ratings_say(case, limit, density, scale):
    found = twin.bound("dps_demo", case=case, scale=scale)[0]
    assert found.limit.name == limit
    assert found.density / 1e3 == pytest.approx(density, rel=1e-5)


def test_pairs_of_racks_share_a_pdu():
    found = twin.solve("dps_demo").dataset
    assert found["rack_power"].values.sum() == pytest.approx(found["utility_power"].values.sum(), rel=1e-9)
    assert found["pdu_power"].values == pytest.approx(180e3, rel=1e-9)
