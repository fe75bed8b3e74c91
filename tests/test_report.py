"""Reports in a real browser and on paper; comparisons."""

import io
import json
import re
import subprocess
import sys
from datetime import date
from html import escape

import numpy as np
import pytest
from browser import SIZES, pages

import twin
from twin.show import report as reports
from twin.show.compare import differing
from twin.show.scene.render import RenderError

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def result():
    return twin.solve("gb300_hall")


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    other = twin.solve("gb300_hall", case="hot_day")
    return twin.report(result, tmp_path_factory.mktemp("report") / "report.html", [other], date(2026, 11, 30))


def command(*args):
    code = f"import sys; sys.argv = ['twin', *{args!r}]\nfrom twin.app.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("size", SIZES)
def test_a_report_answers_first_and_shows_all(written, result, size):
    image = pytest.importorskip("PIL.Image")
    with pages() as opened:
        made = opened(written.as_uri(), size)
        made.wait_for_selector(".twin-scene[data-ready=yes]")
        cards = dict(zip(made.locator("dt").all_inner_texts(), made.locator("dd").all_inner_texts(), strict=True))
        highest = twin.bound(result)[0]
        assert cards["sustainable density"] == f"{highest.density / 1e3:.1f} kW per rack"
        assert cards["what binds"] == "utility contract at utility"
        assert cards["PUE"] == "1.111" and cards["tokens/s"] == "27.58 M"
        assert made.locator(".lead").inner_text() == result.explain()
        headings = made.locator("h2").all_inner_texts()
        assert headings == [
            "Scene",
            "Diagrams",
            "Comparison",
            "Margins",
            "Warnings",
            "Equipment",
            "Assumptions",
            "Provenance",
        ]
        assert made.locator("figure svg").count() == len(reports.DIAGRAMS)
        assert made.evaluate("document.documentElement.scrollWidth <= innerWidth")
        canvas = made.locator("canvas")
        canvas.scroll_into_view_if_needed()
        made.wait_for_timeout(300)
        picture = np.asarray(image.open(io.BytesIO(canvas.screenshot())).convert("RGB"))
        assert len(np.unique(picture.reshape(-1, 3) // 16, axis=0)) > 40
        for figure in made.locator("figure").all():
            drawn = np.asarray(image.open(io.BytesIO(figure.screenshot())).convert("L"))
            assert (drawn < 200).mean() > 0.005
        made.locator("summary").first.click()
        assert "gb300_nvl72.chip_power" in made.locator("details").first.inner_text()


def test_a_report_prints_with_a_picture_in_place_of_the_scene(written):
    with pages() as opened:
        made = opened(written.as_uri())
        made.emulate_media(media="print")
        assert not made.locator(".twin-scene").is_visible() and made.locator("img.print").is_visible()
        assert made.evaluate("document.querySelector('img.print').naturalWidth") == 1600
        assert made.pdf()[:5] == b"%PDF-"


def test_a_report_has_every_assumption_with_its_source(written, result):
    text = written.read_text("utf-8")
    body = re.sub(r"<[^>]+>", "|", text[text.index('id="assumptions"') :])
    entry = twin.catalogue()["gb300_nvl72"]
    for field, fact in entry["fields"].items():
        assert f"gb300_nvl72.{field}" in body, field
        assert str(fact["kind"]) in body
    for one in twin.uncertainties(result.facility):
        assert escape(one.source) in text
    assert "site.dry_bulb" in body and "30 degC" in body
    assert result.facility.hash in text and result.dataset.attrs["twin_version"] in text and "2026-11-30" in text
    assert "gb300_nvl72|64|64" in re.sub(r"\|+", "|", re.sub(r"<[^>]+>", "|", text[text.index('id="equipment"') :]))


def test_reports_of_what_cannot_be_reported_are_refused(result, tmp_path):
    with pytest.raises(twin.LayoutError, match="report: has 2 scenarios; solve the one that it is on"):
        twin.report(twin.solve("gb300_hall", {"site.dry_bulb": [300.0, 301.0]}), tmp_path / "r.html")
    with pytest.raises(twin.LayoutError, match=r"r\.pdf"):
        twin.report(result, tmp_path / "r.pdf")
    done = command("report", "gb300_hall", "-o", str(tmp_path / "no" / "r.html"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "r.html" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_report_without_a_window_says_so(result, tmp_path, monkeypatch):
    def none(scene):
        raise RenderError("no OpenGL window")

    monkeypatch.setattr(reports, "picture", none)
    assert "No picture for print: no OpenGL window" in twin.report(result, tmp_path / "r.html").read_text("utf-8")


# ---- comparisons -------------------------------------------------------------------------------------------------


def test_a_comparison_has_both_and_their_difference():
    found = twin.compare(["gb300_hall", "gb300_hall_800vdc"])
    one, other = twin.solve("gb300_hall"), twin.solve("gb300_hall_800vdc")
    row = found.loc[("figures", "PUE")]
    assert row["gb300_hall"] == pytest.approx(float(one["pue"][0]))
    assert row["difference"] == pytest.approx(float(other["pue"][0] - one["pue"][0]))
    density = found.loc[("limits", "sustainable density [kW per rack]")]
    assert density["gb300_hall_800vdc"] == pytest.approx(twin.bound(other)[0].density / 1e3)
    assert found.loc[("figures", "accelerators"), "difference"] == 0.0
    assert found.loc[("inputs", "site.design_pue")].tolist() == ["1.12", "1.10", None]
    assert found.loc[("inputs", "number of ups_double_conversion")].tolist()[:2] == ["8", "0"]


def test_all_cases_stand_beside_the_layout_as_it_is():
    found = twin.compare("dsx_row", case="all", density=False)
    facility = twin.load("dsx_row")
    assert list(found.columns)[: 1 + len(facility.cases)] == ["as laid out", *facility.cases]
    case = next(iter(facility.cases))
    assert f"difference of {case}" in found.columns
    for address in facility.cases[case]:
        assert any(address.split(".")[0].split("[")[0] in str(i) for _, i in found.loc[["inputs"]].index), address


def test_what_differs_is_named_by_model_or_element():
    base = twin.load("gb300_hall")
    warm = twin.load("gb300_hall", overrides={"hall_cdu.set_point": "42 degC"})
    assert differing([base, warm]) == {"hall_cdu.set_point": ["", "42 degC"]}
    one = twin.load("gb300_hall", overrides={"cdu[cdu3].set_point": "42 degC"})
    assert differing([base, one]) == {"cdu3.set_point": ["", "42 degC"]}
    two = twin.load("gb300_hall", overrides={"cdu[cdu3].set_point": "42 degC", "cdu[cdu5].set_point": "42 degC"})
    assert differing([base, two]) == {"cdu3.set_point (and 1 more)": ["", "42 degC"]}
    assert differing([base, base]) == {}


def test_results_are_compared_as_they_are():
    hot = twin.solve("gb300_hall", {"site.dry_bulb": [303.15]})
    with pytest.raises(twin.LayoutError, match="compare: no layout to compare"):
        twin.compare([])
    found = twin.compare([hot, hot], density=False)
    assert list(found.columns) == ["gb300_hall", "gb300_hall (2)", "difference"]
    assert found.loc["figures", "difference"].abs().max() == 0.0


def test_scenarios_in_which_results_differ_are_inputs_too():
    one, other = twin.solve("gb300_hall"), twin.solve("gb300_hall", {"site.dry_bulb": [283.15]})
    found = twin.compare([one, other], density=False)
    assert found.loc[("inputs", "site.dry_bulb (of the scenario)")].tolist()[:2] == ["", "10 °C"]


def test_overrides_of_all_cases_are_refused(tmp_path):
    for name in ("report", "compare"):
        out = ("-o", str(tmp_path / "r.html")) if name == "report" else ()
        done = command(name, "gb300_hall", "--case", "all", "--set", "site.dry_bulb=20 degC", *out)
        assert done.returncode == 2 and done.stderr.startswith("--set: is not for --case all")
    assert list(tmp_path.iterdir()) == []


def test_comparisons_by_the_command_line():
    done = command("compare", "gb300_hall", "gb300_hall_800vdc", "--no-bound", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["figures"]["PUE"]["gb300_hall"] == pytest.approx(1.1105512, abs=1e-6)
    screen = command("compare", "gb300_hall", "--case", "all", "--no-bound")
    assert screen.returncode == 0 and "as laid out" in screen.stdout and "site.dry_bulb" in screen.stdout
    wrong = command("compare", "gb300_hall", "gb300_hal", "--no-bound")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1 and "gb300_hall" in wrong.stderr
    two = command("compare", "gb300_hall", "dps_demo", "--case", "all")
    assert two.returncode == 2 and "case: all is for one layout" in two.stderr
