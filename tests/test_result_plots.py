"""Plots of a result say what the result says."""

import re

import numpy as np
import pytest

import twin

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import PathPatch, Rectangle

from twin import columns
from twin.show.plots import groups
from twin.show.plots.results import ENDS, PAST
from twin.show.scene import paint
from twin.study.part_load import over_dry_bulb, over_load


@pytest.fixture(scope="module")
def result():
    return twin.solve("gb300_hall")


@pytest.fixture(scope="module")
def lost():
    """Side a is lost, and a hot day."""
    return twin.solve("gb300_hall", {"feeder_a.in_service": [1.0, 0.0], "tx_mech_a.in_service": [1.0, 0.0],
                                     "tx_mech_b.in_service": [0.0, 1.0]})  # fmt: skip


def texts(plot):
    return [t.get_text() for axes in plot.axes for t in axes.texts]


def test_the_overview_has_four_parts_and_the_headline(result):
    plot = result.plot()
    titles = [axes.get_title("left") for axes in plot.axes]
    assert sum(bool(t) for t in titles) == 4
    headline = plot.figure.get_suptitle()
    f = result.figures
    assert f"{f.facility_power[0] / 1e6:.2f} MW" in headline and f"PUE {f.pue[0]:.3f}" in headline
    assert f"{f.usd_per_million_tokens[0]:.3f} per million" in headline


@pytest.mark.parametrize("name", [n for n in twin.shipped() if n != "campus_1gw"])
def test_bands_of_the_sankey_add_up_to_the_meter(name):
    result = twin.solve(name)
    (axes,) = result.plot.sankey().axes
    bands = [p for p in axes.patches if isinstance(p, PathPatch)]
    height = lambda p: float(np.ptp(p.get_path().vertices[[3, 4], 1]))  # noqa: E731  of its right end
    meter, racks, *others = bands
    f = result.figures
    assert height(meter) == pytest.approx(f.facility_power[0])
    assert height(racks) == pytest.approx(f.it_power[0])
    ends = sum(map(height, others))
    drawn = [p for p in others if height(p) > 0]
    assert ends == pytest.approx(f.facility_power[0], rel=2e-3)  # what is below 1e-4 of it is left out
    starts = [p.get_path().vertices[0] for p in drawn]
    assert len({(round(x, 6), round(y, 3)) for x, y in starts}) == len(starts)


def test_the_sankey_tells_tokens(result):
    said = "\n".join(texts(result.plot.sankey()))
    f = result.figures
    assert f"{f.tokens_per_s[0] / 1e6:,.2f} M tokens/s" in said
    assert f"{f.tokens_per_s_per_mw('drawn')[0] / 1e6:,.2f} M per MW drawn" in said
    assert f"racks to coolant  {f.heat_to_liquid[0] / 1e6:.2f} MW" in said


def test_the_single_line_draws_blocks_once_and_sides_apart():
    facility = twin.load("gb300_hall")
    diagram = groups.single_line(facility)
    of = {n: k for k, g in enumerate(diagram.groups) for n in g.names}
    powered = {n for _, a, b in facility.connections if _ == "power" for n in (a[0], b[0])}
    assert set(of) == powered and sum(len(g.names) for g in diagram.groups) == len(powered)
    assert of["tx_a1"] == of["tx_a4"] != of["tx_b1"] and of["tx_a1"] != of["tx_mech_a"]
    assert of["feeder_a"] != of["feeder_b"]
    assert of["r101"] == of["r801"] and diagram.groups[of["r101"]].layer == 8
    assert (of["ups_a1"], of["dist_a1"]) in diagram.links and (of["dist_a1"], of["ups_a1"]) not in diagram.links
    for a, b in diagram.links:
        assert diagram.groups[a].layer < diagram.groups[b].layer


def test_the_single_line_tells_loadings_voltages_and_what_is_off(lost):
    said = texts(lost.plot.single_line())
    used = float(lost["transformer_loading"].sel(transformer=["tx_a1", "tx_a2", "tx_a3", "tx_a4"])[:, 0].max())
    assert f"tx_a1 … tx_a4 (×4)\n{100 * used:.0f} %" in said
    buses = dict(zip(lost.plant.bus_names, np.abs(lost.solution[columns.bus.voltage][:, 0]), strict=True))
    pu = min(v for n, v in buses.items() if n.startswith("board_mech."))
    board = float(lost["switchboard_loading"].sel(switchboard="board_mech")[0])
    assert f"board_mech\n{100 * board:.0f} %  {pu:.3f} pu" in said
    assert f"utility\n{lost.figures.facility_power[0] / 1e6:.2f} MW" in said
    racks = float(lost["rack_power"].sel(rack=[n for n in lost["rack"].values if n.startswith("r")])[:, 0].sum())
    kilowatts = [float(k.replace(",", "")) for t in said for k in re.findall(r"32 gb300_nvl72  ([\d,]+) kW", t)]
    assert sum(kilowatts) == pytest.approx(racks / 1e3, abs=1.5)
    assert "feeder_a\nout of service" in texts(lost.plot.single_line(1))
    assert any("lighting  40 kW" in t for t in said)


def test_the_flow_diagram_tells_temperatures_and_flows(result):
    said = texts(result.plot.flow_diagram())
    d = result.dataset.isel(scenario=0)
    supply, flow = float(d["cdu_supply_temperature"].mean()) - 273.15, float(d["cdu_flow"].sum())
    assert f"{supply:.1f} °C, {flow:,.0f} kg/s" in said
    back = float(d["cdu_return_temperature"].mean()) - 273.15
    assert f"{back:.1f} °C, {flow:,.0f} kg/s" in said
    assert "without flow: chw_tank, fws_tank" in said
    assert any("(×64)" in t for t in said) and any("(×8)" in t for t in said)


def test_a_layout_without_coolant_has_no_flow_diagram():
    with pytest.raises(twin.LayoutError, match="dsx_row: plot: no coolant loop to draw"):
        twin.solve("dsx_row").plot.flow_diagram()


def test_limits_are_bars_of_their_margins(lost):
    (axes,) = lost.plot.limits(count=6).axes
    tight = lost.worst()[:6]
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], [100 * b.relative for b in tight[::-1]])
    labels = [t.get_text() for t in axes.get_yticklabels()]
    assert labels[-1] == f"{tight[0].name.replace('_', ' ')}\n{tight[0].where}"
    hot = twin.solve("gb300_hall", {"site.dry_bulb": [323.15]})
    (axes,) = hot.plot.limits().axes
    past = [b.relative < -1e-7 for b in hot.worst()[:12][::-1]]
    assert [to_hex(bar.get_facecolor()) == PAST for bar in axes.patches] == past and any(past)


def test_the_floor_plan_has_every_thing_in_its_place_and_colour(result):
    axes, bar = result.plot.floor_plan("rack_power").axes
    assert bar.get_ylabel() == "rack power [kW]"
    boxes = {(round(p.get_x(), 3), round(p.get_y(), 3)): p for p in axes.patches if isinstance(p, Rectangle)}
    told = paint.variable(result, "rack_power")
    scale = paint.scale(told, told.values)
    for name in ("r101", "net5", "sto3"):
        part = result.facility.components[name]
        patch = boxes[round(part.at[0], 3), round(part.at[1], 3)]
        assert (patch.get_width(), patch.get_height()) == pytest.approx(part.extent[:2])
        exact = scale.rgb(told.of((name,))[:, 0])[0] / 255
        np.testing.assert_allclose(to_rgb(patch.get_facecolor()), exact, atol=1e-6)
    off = result.facility.components["tx_mech_b"]
    assert boxes[off.at[0], off.at[1]].get_hatch() == "xx"


def test_costs_add_up_to_the_cost_of_tokens(result):
    (axes,) = result.plot.cost().axes
    year = sum(bar.get_width() for bar in axes.patches)
    assert year == pytest.approx(float(result["yearly_cost"][:, 0].sum()) / 1e6)
    each = [float(t) for t in re.findall(r"\$([\d.]+) per million", "\n".join(texts(result.plot.cost())))]
    assert sum(each) == pytest.approx(result.figures.usd_per_million_tokens[0], abs=6e-4)


def test_part_load_is_what_solves_give(result):
    facility = twin.load("gb300_hall")
    load = over_load(facility, [0.5, 1.0])
    half = twin.solve(facility, {"gb300_nvl72.utilisation": [0.5]})
    np.testing.assert_allclose(load.pue, [half["pue"][0], result["pue"][0]], rtol=1e-9)
    np.testing.assert_allclose(sum(load.uses.values())[1], result.figures.facility_power[0], rtol=1e-9)
    weather = over_dry_bulb(facility, [293.15, 308.15])
    exact = twin.solve(facility, {"site.dry_bulb": [293.15, 308.15]})["pue"]
    np.testing.assert_allclose(weather.pue, exact, rtol=1e-9)
    assert set(load.uses) <= set(ENDS)


def test_humidity_stays_as_the_dry_bulb_goes_down():
    facility = twin.load("h200_hall")
    given = {"site.dry_bulb": 303.15, "site.wet_bulb": 295.15}
    found = over_dry_bulb(facility, [283.15, 303.15], given)
    exact = twin.solve(facility, {"site.dry_bulb": [303.15], "site.wet_bulb": [295.15]})["pue"]
    assert np.isfinite(found.pue).all() and found.pue[1] == pytest.approx(float(exact[0]), rel=1e-9)


def test_pue_is_stacked_over_load_and_weather(result):
    load, weather = result.plot.pue().axes
    (top,) = load.lines
    np.testing.assert_allclose(top.get_xdata()[[0, -1]], [25, 100])
    assert top.get_ydata()[-1] == pytest.approx(result["pue"][0] - 1)
    (top,) = weather.lines
    at = np.argmin(np.abs(top.get_xdata() - 30))
    assert top.get_ydata()[at] == pytest.approx(result["pue"][0] - 1)


def test_plots_of_what_there_is_not_are_refused(result):
    with pytest.raises(twin.LayoutError, match="plot: scenario 3 is none of the 1 there are, counted from 0"):
        result.plot.sankey(3)
    with pytest.raises(twin.LayoutError, match="nothing is called 'rack_pwer'; did you mean 'rack_power'"):
        result.plot.floor_plan("rack_pwer")


def test_plots_are_written_and_look_the_same_again(result, tmp_path):
    first, other = (result.plot.limits().write(tmp_path / f"{k}.svg").read_bytes() for k in range(2))
    assert first == other and b"<svg" in first
