"""What one unit more of a limit buys, against layouts that are built with it."""

import numpy as np
import pytest
from conftest import SMALL

import twin
from twin.results.figures import figures


def density(text, **overrides):
    return twin.bound(text, overrides={k.replace("__", "."): v for k, v in overrides.items()})[0]


def test_a_hundredth_of_the_contract_buys_what_a_layout_with_it_gains():
    text = SMALL.replace("contract: 2 MW", "contract: 1.2 MW")
    found = twin.limit_prices(text)
    assert found.limit.name == "utility_contract" and found.at_cost
    best = found.rows[0]
    assert (best.limit, best.binds, best.unit) == ("utility_contract", True, "1 % (12 kW)")
    now, more = density(text), density(text, utility__contract="1.212 MW")
    assert found.density == pytest.approx(now.density, rel=1e-5)
    assert best.density == pytest.approx(more.density - now.density, rel=1e-3)
    served = [float(figures(b.solution).tokens_per_s[0]) for b in (now, more)]
    assert best.tokens == pytest.approx(served[1] - served[0], rel=1e-3)
    assert all(p.density == pytest.approx(0.0, abs=1e-3 * best.density) for p in found.rows[1:])


def test_a_kelvin_of_the_limit_that_binds():
    given = {"utility.contract": "20 MW", "gb300_nvl72.junction_limit": "94.5 degC"}
    found = twin.limit_prices("gb300_hall", overrides=given)
    best = found.rows[0]
    assert (found.limit.name, best.limit, best.unit) == ("junction_temperature", "junction_temperature", "1 K")
    now, more = (
        twin.bound("gb300_hall", overrides=given | extra)[0]
        for extra in ({}, {"gb300_nvl72.junction_limit": "95.5 degC"})
    )
    assert best.density == pytest.approx(more.density - now.density, rel=1e-3)
    assert "1 K more of junction_temperature buys" in found.sentences()


def test_money_is_income_less_cost_where_a_price_is_stated():
    text = SMALL.replace("contract: 2 MW", "contract: 1.2 MW") + "economics: {token_price: 3 $/Mtok}\n"
    found, at_cost = twin.limit_prices(text), twin.limit_prices(SMALL.replace("contract: 2 MW", "contract: 1.2 MW"))
    assert not found.at_cost and found.rows[0].tokens == pytest.approx(at_cost.rows[0].tokens, rel=1e-6)
    economics = twin.load(text).economics
    income = found.rows[0].tokens * economics.income(1024, 1024) * 365.25 * 86400
    assert 0 < found.rows[0].usd < 0.99 * income  # more tokens cost energy and racks


def test_two_sentences_say_what_binds_where_and_the_lever():
    result = twin.solve("gb300_hall", {"site.dry_bulb": np.array([283.15, 317.15])})
    told = [result.explain(i) for i in (0, 1)]
    assert told[0] == twin.solve("gb300_hall", {"site.dry_bulb": [283.15]}).explain()
    assert told[0] != told[1]
    for i, text in enumerate(told):
        assert text.count(". ") == 1 and text.endswith(".")
        bound = twin.solve("gb300_hall", {"site.dry_bulb": [[283.15, 317.15][i]]}, outputs=["bound"])
        assert f"{bound['sustainable_density'].item() / 1e3:.1f} kW" in text
        assert f"{bound['binding_limit'].item()} at {bound['binding_element'].item()}" in text


def test_where_nothing_is_sustainable_the_reason_is_told():
    found = twin.limit_prices(SMALL, overrides={"utility.contract": "1 kW"})
    assert found.density == 0.0 and found.rows == ()
    assert found.sentences().startswith("No limit binds: utility_contract at utility")


def test_a_scenario_without_solution_says_why():
    result = twin.solve(SMALL, {"site.dry_bulb": [300.0, 290.0], "site.wet_bulb": [290.0, 299.0]})
    assert "wet_bulb" in result.explain(1) and "binds" in result.explain(0)
