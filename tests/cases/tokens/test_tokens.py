import numpy as np
import pytest

import twin
from twin import columns
from twin.elements import total
from twin.facility.catalogue import measured_runs, published_constants
from twin.results.figures import figures
from twin.serving.fronts import front

PUBLISHED = {"h200": 1.73, "gb300": 2.10, "gb200": 2.10}  # kW, SemiAnalysis InferenceX
HALLS = {
    "h200": ("h200_hall", {}),
    "gb300": ("gb300_hall", {}),
    "gb200": ("gb300_hall", {"gb300_nvl72.model": "gb200_nvl72"}),
}
RATIOS = (50.0, 52.8)  # as printed by NVIDIA, and from the runs behind it
SPEED = 116.7


def per_accelerator(solution):
    """kW per accelerator of each platform, (scenario,): nameplate of its racks plus its share of network, times PUE.

    The quantity that public comparisons provision by [SemiAnalysis InferenceX]; here the PUE is that of the solve.
    """
    pue = figures(solution).pue
    power = {}
    for group in solution.plant.serving:
        for platform in sorted(set(group.platform)):
            chosen = np.array([p == platform for p in group.platform])
            rows = group.engine[chosen]
            chips = solution[columns.engine.chips[rows]]
            all_in = solution[columns.engine.nameplate[rows]] + group.network[chosen] * chips
            power[platform] = total(all_in) / total(chips) * pue / 1e3
    return power


@pytest.fixture(scope="module")
def halls():
    return {name: twin.solve(twin.load(hall, overrides=over)) for name, (hall, over) in HALLS.items()}


@pytest.mark.parametrize("platform", HALLS)
def test_kilowatts_per_accelerator_come_near_the_published(halls, platform):
    each = per_accelerator(halls[platform].solution)
    assert list(each) == [platform]
    kilowatts = each[platform][0]
    print(
        f"\n{platform}: {kilowatts:.3f} kW, published {PUBLISHED[platform]}, PUE {halls[platform].figures.pue[0]:.3f}"
    )
    assert kilowatts == pytest.approx(PUBLISHED[platform], rel=0.15)


def test_tokens_per_megawatt_come_near_the_published_ratio(halls):
    a, b = (halls[name] for name in ("h200", "gb300"))
    share = [
        r.figures.tokens_per_s[0] / r.figures.accelerators[0] / per_accelerator(r.solution)[name][0]
        for name, r in (("h200", a), ("gb300", b))
    ]
    ratios = {
        basis: (b.figures.tokens_per_s_per_mw(basis) / a.figures.tokens_per_s_per_mw(basis))[0]
        for basis in ("provisioned", "drawn")
    }
    ratios["by kW per accelerator"] = share[1] / share[0]
    print(
        "\nGB300 over H200, tokens/s/MW: "
        + ", ".join(f"{k} {v:.1f}" for k, v in ratios.items())
        + f"; published {RATIOS}"
    )
    for ratio in ratios.values():
        assert ratio == pytest.approx(RATIOS[0], rel=0.15)
        assert ratio == pytest.approx(RATIOS[1], rel=0.15)


def test_published_constants_give_the_published_figures():
    constants = published_constants()["published_2025_2026"]
    mix = ("DeepSeek-R1-0528", "h200", 1024, 1024), ("DeepSeek-R1-0528", "gb300", 1024, 1024)
    rates = np.array([front(measured_runs(), *m, until="2026-04-15").throughput(SPEED) for m in mix])
    kilowatts = np.array([constants[name]["power"] for name in ("h200", "gb300")])
    prices = np.array([constants[name]["own"] for name in ("h200", "gb300")])
    per_megawatt, usd = 1e3 * rates / kilowatts, prices / (3600 * rates) * 1e6
    ratio = per_megawatt[1] / per_megawatt[0]
    print(f"\ntable mode: {per_megawatt.round()} tokens/s/MW, {usd.round(4)} $/M tokens, ratio {ratio:.2f}")
    np.testing.assert_allclose(per_megawatt, [53_844, 2_842_981], rtol=0.01)
    np.testing.assert_allclose(usd, [4.205, 0.1234], rtol=0.01)
    assert ratio == pytest.approx(52.8, rel=0.01)


def test_a_model_override_changes_the_racks_and_nothing_else(halls):
    a, b = halls["gb300"], halls["gb200"]
    assert set(a.facility.components) == set(b.facility.components)
    assert {m for m in b.facility.models.values()} - {m for m in a.facility.models.values()} == {"gb200_nvl72"}
    assert b.figures.accelerators[0] == a.figures.accelerators[0] == 64 * 72
