"""A scene's page in a real browser: drawn, named, driven by mouse, keyboard and slider, offline and silent."""

import io
import json
import re

import numpy as np
import pytest
from browser import SIZES, pages

import twin
from twin.show.html import answer, page, readings, rounded

pytest.importorskip("PIL")
from PIL import Image


@pytest.fixture(scope="module")
def opened():
    with pages() as opener:
        yield opener


def scene_at(opened, scene, path, size="desktop"):
    made = opened(scene.save(path).as_uri(), size)
    made.wait_for_selector(".twin-scene[data-ready=yes]")
    made.wait_for_timeout(300)
    return made


def seen(made, selector="canvas"):
    """Pixels of an element (row, column, 3)."""
    return np.asarray(Image.open(io.BytesIO(made.locator(selector).first.screenshot())).convert("RGB")).astype(int)


def colours(picture):
    return len(np.unique(picture.reshape(-1, 3) // 16, axis=0))


@pytest.mark.parametrize("size", SIZES)
def test_a_page_shows_the_scene_its_words_and_its_scale(opened, result, tmp_path, size):
    made = scene_at(opened, result.scene(), tmp_path / "hall.html", size)
    picture = seen(made)
    ground = (np.abs(picture - np.array([247, 249, 250])).sum(axis=-1) < 12).mean()
    assert 0.2 < ground < 0.95 and colours(picture) > 40
    assert made.title() == "gb300 hall"
    assert made.locator("h1").inner_text() == "gb300 hall"
    assert "PUE 1.111" in made.locator(".twin-line").inner_text()
    flag = made.locator(".twin-flag")
    assert flag.inner_text() == "utility contract at utility" and flag.is_visible()
    assert made.locator(".twin-bar").first.inner_text().startswith("coolant [°C]")
    assert made.locator(".twin-bar").last.inner_text().split() == [
        "rack",
        "inlet",
        "temperature",
        "[°C]",
        *result.scene().scale.ticks,
    ]
    assert made.locator(".twin-bar i").last.evaluate("e => getComputedStyle(e).backgroundImage").count("rgb") == 9
    assert made.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (
        np.abs(seen(made, ".twin-stage") - np.array([200, 16, 46])).sum(axis=-1) < 30
    ).sum() > 100  # the red outline and flag
    made.close()


def test_things_are_found_picked_and_told(opened, result, tmp_path):
    made = scene_at(opened, result.scene(), tmp_path / "hall.html")
    before = seen(made)
    made.fill(".twin-find", "r303")
    made.locator(".twin-find").dispatch_event("change")
    made.wait_for_timeout(200)
    told = made.locator(".twin-told").inner_text()
    power = float(result["rack_power"].sel(rack="r303")[0]) / 1e3
    assert told.startswith(f"r303 (liquid rack), {power:.4g} kW, 24.67 °C")
    assert (seen(made) != before).any()
    box = made.locator("canvas").bounding_box()
    made.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # it is in the middle now
    assert made.locator(".twin-told").inner_text().startswith("r303")
    made.fill(".twin-find", "nothing")
    made.locator(".twin-find").dispatch_event("change")
    assert made.locator(".twin-told").inner_text() == "nothing is called nothing"
    made.close()


def test_it_turns_zooms_and_resets_by_mouse_and_keyboard(opened, result, tmp_path):
    made = scene_at(opened, result.scene(), tmp_path / "hall.html")
    first = seen(made)
    moves = [lambda key=key: made.locator("canvas").press(key) for key in ("ArrowLeft", "ArrowUp", "+")]
    box = made.locator("canvas").bounding_box()
    x, y = box["x"] + 400, box["y"] + 200

    def drag():
        made.mouse.move(x, y)
        made.mouse.down()
        made.mouse.move(x + 60, y + 20, steps=4)
        made.mouse.up()

    def wheel():
        made.mouse.move(x, y)
        made.mouse.wheel(0, -240)

    last = first
    for move in (*moves, drag, wheel, lambda: made.locator("[data-view=top]").click()):
        move()
        made.wait_for_timeout(150)
        now = seen(made)
        assert (now != last).mean() > 0.01
        last = now
    made.locator("canvas").press("0")
    made.locator("canvas").evaluate("canvas => canvas.blur()")
    made.mouse.move(5, 5)
    made.wait_for_timeout(200)
    assert (np.abs(seen(made) - first).sum(axis=-1) > 30).mean() < 0.01
    made.close()


def test_the_slider_steps_through_scenarios(opened, weathers, tmp_path):
    scene = weathers.scene(scenario=1)
    made = scene_at(opened, scene, tmp_path / "hall.html")
    slider = made.locator(".twin-frames")
    assert slider.input_value() == "1"
    for k in (0, 2, 1):
        slider.fill(str(k))
        made.wait_for_timeout(150)
        other = scene.of(k)
        assert made.locator(".twin-line").inner_text().split() == other.line.split()
        assert slider.get_attribute("aria-valuetext") == made.locator(".twin-frame-label").inner_text()
    made.close()


def test_the_page_holds_all_numbers_and_nothing_from_elsewhere(weathers):
    text = page(weathers.scene())
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text, re.S)[1])
    own = {t["name"]: t for t in data["things"]}
    exact = weathers["rack_inlet_temperature"].sel(rack="r101") - 273.15
    np.testing.assert_allclose(own["r101"]["values"], exact, rtol=1e-4)
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "://" not in re.sub(r"http://www\.w3\.org/2000/svg", "", text.replace(data["glb"], ""))


def test_names_cannot_break_the_page(opened, tmp_path):
    import twin

    name = "</script><b>&\"'rack"
    text = f"""
version: 1
name: odd
components:
  {json.dumps(name)}: {{type: rack, it_power: 8 kW, cords: 1, at: [0 m, 0 m, 0 m]}}
  grid: {{type: utility, voltage: 415 V, contract: 1 MW, at: [3 m, 0 m, 0 m]}}
connections:
  - [power, grid.out, {json.dumps(name + ".feed")}]
"""
    made = scene_at(opened, twin.solve(twin.load(text)).scene(), tmp_path / "odd.html")
    made.fill(".twin-find", name)
    made.locator(".twin-find").dispatch_event("change")
    assert made.locator(".twin-told").inner_text().startswith(name)
    made.close()


def test_below_a_cell_of_a_notebook_it_turns(opened, result, tmp_path, monkeypatch):
    from twin.show.scene import scene as scenes

    monkeypatch.setattr(scenes, "in_notebook", lambda: True)
    shown = result.scene().show()
    assert shown._repr_png_()[:4] == b"\x89PNG"
    path = tmp_path / "cell.html"
    path.write_text(f'<link rel="icon" href="data:,">{shown._repr_html_()}', "utf-8")
    made = opened(path.as_uri())
    frame = made.frame_locator("iframe")
    frame.locator(".twin-scene[data-ready=yes]").wait_for()
    made.wait_for_timeout(300)
    assert colours(seen(made, "iframe")) > 40
    frame.locator(".twin-find").fill("r303")
    frame.locator(".twin-find").dispatch_event("change")
    assert frame.locator(".twin-told").inner_text().startswith("r303 (liquid rack)")
    made.close()


def test_an_answer_has_the_numbers_of_its_result():
    first = twin.solve("gb300_hall")
    other = twin.solve("gb300_hall", {"site.dry_bulb": 313.15, "hall_cdu.set_point": 318.15})
    scene = first.scene()
    shown = scene.showing(other)
    told = answer(shown, scene.coolant)
    warm = other.scene().coolant.temperature - 273.15
    np.testing.assert_allclose(told["pipes"]["values"], warm, atol=1e-3)
    both = np.concatenate([warm, scene.coolant.temperature - 273.15])
    assert told["pipes"]["low"] <= both.min() and both.max() <= told["pipes"]["high"]
    row = scene.things.row["r101"]
    inlet = float(other["rack_inlet_temperature"].sel(rack="r101")[0]) - 273.15
    assert told["values"][row] == pytest.approx(inlet, abs=1e-3)
    low, high = told["scale"]["low"], told["scale"]["high"]
    known = [v for v in (*told["values"], *rounded(scene.shown_values)) if v is not None]
    assert low <= min(known) and max(known) <= high  # both the start and the answer
    said = readings(shown)
    assert said["kW"][row] == pytest.approx(float(other["rack_power"].sel(rack="r101")[0]) / 1e3, abs=0.006)
    json.dumps([told, said], allow_nan=False)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (24.673219, 24.673),
        (0.0, 0.0),
        (-1.23456789e-7, -1.2346e-07),
        (1234567.0, 1234600.0),
        (np.nan, None),
        (np.inf, None),
    ],
)
def test_numbers_of_pages_have_five_digits(value, told):
    assert rounded(np.array([value, 1.0]))[0] == (None if told is None else pytest.approx(told, rel=1e-12))


def test_an_answer_without_solution_has_no_numbers():
    scene = twin.solve("gb300_hall").scene()
    told = answer(scene, scene.coolant, "wet_bulb cannot be")
    assert set(told["values"]) == set(told["pipes"]["values"]) == {None}
    assert (told["line"], told["binds"], told["phrase"], told["over"]) == ("wet_bulb cannot be", "", "", [])
    json.dumps(told, allow_nan=False)
