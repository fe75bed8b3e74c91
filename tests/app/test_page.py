"""The app in a real browser: sliders and losses give the numbers of `twin.solve`, by mouse, keyboard and on a phone."""

import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
from browser import SIZES, pages

import twin

pytest.importorskip("trame")
pytest.importorskip("PIL")
pytest.importorskip("playwright")
from PIL import Image
from playwright.sync_api import TimeoutError as Missed

BAR = "document.querySelector('.twin-bar[data-of=things] span').textContent"
COMMAND = "from twin.app.cli import main; main()"


@contextmanager
def served(*options):
    """The address of an app in a process of its own, which Ctrl-C ends without a word."""
    command = [sys.executable, "-c", COMMAND, "app", *options, "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            assert re.match(r"http://127\.0\.0\.1:\d+/ shows ", line), (line, process.stderr.read())
            yield line.split()[0]
        finally:
            process.send_signal(signal.SIGINT)
            said, errors = process.communicate(timeout=60)
    assert (process.returncode, said, errors) == (0, "", "")


@pytest.fixture(scope="module")
def address():
    with served("gb300_hall", "--slider", "utility.contract=8..15 MW") as found:
        yield found


@pytest.fixture(scope="module")
def opened(address):
    with pages() as opener:

        def at_start(size="desktop"):
            page = opener(address, size)
            page.wait_for_selector(".twin-scene[data-ready=yes]")
            page.add_style_tag(content="* {transition: none !important; animation: none !important}")
            if page.locator(".reset").is_enabled():
                page.locator(".reset").click()
            page.wait_for_function("document.querySelector('.cards .pue .change').textContent.trim() === ''")
            return page

        yield at_start


def card(page, key):
    return page.locator(f".cards [data-key={key}] dd").first.inner_text()


def until(page, key, text):
    """Wait until a card says something."""
    page.wait_for_function(
        "([key, text]) => document.querySelector(`.cards [data-key=${key}] dd`).textContent.trim() === text",
        arg=[key, text],
    )


def seen(page, selector):
    return np.asarray(Image.open(io.BytesIO(page.locator(selector).first.screenshot())).convert("RGB")).astype(int)


def texts(figures):
    return {
        "facility_power": f"{figures.facility_power[0] / 1e6:.3f} MW",
        "pue": f"{figures.pue[0]:.4f}",
        "tokens_per_s": f"{figures.tokens_per_s[0] / 1e6:,.3f} M",
        "usd_per_million_tokens": f"$ {figures.usd_per_million_tokens[0]:.4f}",
    }


def downloaded(page, what):
    """Download what a choice of the menu is called; a key that a page under load has missed is pressed again."""
    choice = page.locator(".v-list-item", has_text=re.compile(f"^{what}$"))
    for patience in (30_000, 60_000, 120_000):
        try:
            with page.expect_download(timeout=patience) as waiting:
                if not choice.is_visible():
                    page.locator(".download").click()
                choice.press("Enter")
        except Missed:
            continue
        return waiting.value
    raise AssertionError(f"{what} was not downloaded")


def choose(page, field, text):
    """Choose one of a field's suggestions."""
    page.locator(f".{field} .v-field").click()
    page.keyboard.type(text)
    page.get_by_role("option", name=text, exact=True).press("Enter")  # a menu that still moves is missed by a click


def agree(page, result):
    """All cards come to say what a result says."""
    for key, text in texts(result.figures).items():
        until(page, key, text)


@pytest.mark.parametrize("size", SIZES)
def test_the_page_opens_with_the_layout_as_it_stands(opened, size):
    page = opened(size)
    agree(page, twin.solve("gb300_hall"))
    assert page.title() == "gb300 hall - twin" and page.locator("h1").first.inner_text() == "gb300 hall"
    assert page.locator(".twin-flag").inner_text() == "voltage at board_a1.out"
    assert page.locator(".twin-bar").last.inner_text().startswith("rack inlet temperature [°C]")
    page.locator(".bound dd").first.wait_for()
    assert page.locator(".bound dd").first.inner_text() == "171.5 kW"
    page.locator(".twin-stage").scroll_into_view_if_needed()
    picture = seen(page, ".twin-stage")
    assert len(np.unique(picture.reshape(-1, 3) // 16, axis=0)) > 40
    red = (picture[..., 0] > 180) & (picture[..., 1] < 40) & (picture[..., 2] < 70)
    assert red.sum() > 200  # the flag and outline of what is tightest
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_slider_gives_what_a_solve_gives(opened):
    page = opened()
    slider = page.get_by_role("slider", name="dry bulb")
    slider.focus()
    for _ in range(16):
        page.keyboard.press("ArrowRight")
    agree(page, twin.solve("gb300_hall", {"site.dry_bulb": 311.15}))
    assert slider.get_attribute("aria-valuetext") == "38.0 °C"
    assert page.locator(".command").inner_text().startswith("twin solve gb300_hall --set 'site.dry_bulb=38 degC'")
    assert "vs start" in page.locator(".cards [data-key=pue] .change").inner_text()
    assert re.fullmatch(r"answered in \d+ ms", page.locator(".ms").inner_text())
    spoken = page.locator(".aloud").inner_text()
    assert spoken.startswith("facility power") and "tightest limit" in spoken


def test_a_slider_is_dragged_by_the_mouse_and_answers_while_it_moves(opened):
    page = opened()
    thumb = page.get_by_role("slider", name="gb300 nvl72 (64) density").bounding_box()
    track = page.locator(".knob", has_text="density").first.locator(".v-slider-track").bounding_box()
    x, y = thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(1, 5):
        before = card(page, "facility_power")
        page.mouse.move(x + 0.1 * k * track["width"], y)  # the button stays down
        changed = "(text) => document.querySelector('.cards [data-key=facility_power] dd').textContent.trim() !== text"
        page.wait_for_function(changed, arg=before)
    page.mouse.up()
    scale = float(page.get_by_role("slider", name="gb300 nvl72 (64) density").get_attribute("aria-valuenow"))
    agree(page, twin.solve("gb300_hall", {"gb300_nvl72.chip_scale": scale}))
    passed = page.locator(".cards [data-key=limit].passed")
    passed.wait_for()
    assert passed.inner_text().startswith("limit passed\nutility contract at utility")
    assert passed.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(200, 16, 46)"
    assert page.locator(".limits li.passed").first.inner_text().startswith("utility contract")


def test_an_element_fails_by_a_click_and_what_is_dark_is_seen(opened):
    page = opened()
    before = seen(page, ".twin-stage")
    page.get_by_role("checkbox", name="A click takes out of service").check()
    box = page.locator(".twin-stage canvas").bounding_box()
    names = {}
    for fx in np.linspace(0.5, 0.75, 9):  # the electrical room stands in the right lower half
        for fy in np.linspace(0.6, 0.85, 9):
            page.mouse.move(box["x"] + fx * box["width"], box["y"] + fy * box["height"])
            told = page.locator(".twin-tip")
            if told.is_visible():
                names.setdefault(told.inner_text().split(" ")[0], (fx, fy))
    name = next(n for n in names if n.startswith("ups_"))
    page.mouse.click(box["x"] + names[name][0] * box["width"], box["y"] + names[name][1] * box["height"])
    page.get_by_text(f"{name} is out").wait_for()
    agree(page, twin.solve("gb300_hall", {f"{name}.in_service": 0.0}))
    assert f"Without {name}: " in page.locator(".told").inner_text()
    page.mouse.move(2, 2)
    dark = lambda p: (np.abs(p - np.array([58, 63, 69])).sum(axis=-1) < 60).sum()  # noqa: E731
    assert dark(seen(page, ".twin-stage")) > dark(before) + 50
    page.get_by_role("checkbox", name="A click takes out of service").uncheck()
    page.locator(".toggle", has_text="Put into service").click()
    agree(page, twin.solve("gb300_hall"))


def test_by_keyboard_alone_a_loss_is_chosen_told_and_put_back(opened):
    page = opened()
    page.get_by_role("combobox", name="Name").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("feeder_a")
    page.get_by_role("option", name="feeder_a").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("feeder_a: feeder, mv feeder 34kv").wait_for()
    page.keyboard.press("Tab")
    for _ in range(10):
        if page.evaluate("document.activeElement.textContent.trim()") == "Take out of service":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("feeder_a is out").wait_for()
    out = {"feeder_a.in_service": 0.0, "tx_mech_a.in_service": 0.0, "tx_mech_b.in_service": 1.0}
    agree(page, twin.solve("gb300_hall", out))
    assert "Without feeder_a, tx_mech_b closed: 76 racks lose a feed." in page.locator(".told").inner_text()
    assert "pieces of equipment without power: board_a1" in page.locator(".told").inner_text()
    page.get_by_role("checkbox", name="Show the start").check()
    agree(page, twin.solve("gb300_hall"))
    page.get_by_role("slider", name="dry bulb").focus()
    page.keyboard.press("ArrowRight")  # what is moved is shown
    agree(page, twin.solve("gb300_hall", out | {"site.dry_bulb": 303.65}))
    assert not page.get_by_role("checkbox", name="Show the start").is_checked()
    page.get_by_role("checkbox", name="Show the start").check()
    page.locator(".reset").click()
    agree(page, twin.solve("gb300_hall"))
    assert not page.get_by_role("checkbox", name="Show the start").is_checked()


def test_everything_that_is_worked_has_a_name(opened):
    page = opened()
    for role in ("slider", "checkbox", "button", "tab"):
        for one in page.get_by_role(role).all():
            name = one.evaluate(
                "e => e.ariaLabel || e.textContent.trim() || (e.labels && e.labels[0] && e.labels[0].textContent)"
            )
            assert name, one.evaluate("e => e.outerHTML")
    sliders = page.get_by_role("slider").all()
    names = [s.get_attribute("aria-label") for s in sliders]
    assert len(set(names)) == len(names) > 12 and "utility contract" in names
    tree = page.locator("[role=main]").aria_snapshot()
    for region in ("what if", "scene", "equipment", "plots", "diagrams", "command"):
        assert f'region "{region}"' in tree


def test_colours_curves_and_diagrams_follow(opened):
    page = opened()
    choose(page, "color", "loading")
    page.wait_for_function(f"{BAR} === 'loading [%]'")
    page.get_by_role("slider", name="dry bulb").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("tab", name="Curve").click()
    page.locator(".curve svg[aria-label='$ per million tokens along dry bulb']").wait_for()
    page.locator(".which .v-field").click()
    page.get_by_role("option", name="Coolant loops").press("Enter")
    page.locator(".drawing svg[aria-label='Coolant loops']").wait_for()
    choose(page, "color", "rack inlet temperature")
    page.wait_for_function(f"{BAR}.startsWith('rack inlet')")


def test_numbers_of_what_is_picked_stay_when_colours_change(opened):
    page = opened()
    choose(page, "pick", "r205")
    page.wait_for_function("document.querySelector('.twin-told').textContent.includes('137.8 kW')")
    choose(page, "color", "rack power")
    page.wait_for_function("document.querySelector('.twin-told').textContent.includes('rack power')")
    page.wait_for_function("document.querySelector('.twin-told').textContent.includes('137.8 kW, ')")
    choose(page, "color", "rack inlet temperature")
    page.wait_for_function(f"{BAR}.startsWith('rack inlet')")


def test_another_quantity_gets_a_slider(opened):
    page = opened()
    page.get_by_role("combobox", name="Another quantity").fill("ups_double_conversion.rating")
    page.get_by_role("option", name="ups_double_conversion.rating").press("Enter")
    slider = page.get_by_role("slider", name="ups double conversion (8) rating")
    slider.wait_for()
    assert slider.get_attribute("aria-valuetext").endswith(("MW", "kW"))


def test_what_is_seen_is_downloaded(opened, tmp_path):
    page = opened()
    page.get_by_role("slider", name="dry bulb").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    same = twin.solve("gb300_hall", {"site.dry_bulb": 308.15})
    agree(page, same)
    for what, name in (("GLB", "gb300_hall.glb"), ("layout", "gb300_hall.yaml"), ("dataset", "gb300_hall.nc")):
        found = downloaded(page, what)
        assert found.suggested_filename == name
        found.save_as(tmp_path / name)
    data = (tmp_path / "gb300_hall.glb").read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    told = json.loads(data[20 : 20 + length])
    kilowatts = {n["name"]: n["extras"]["kW"] for n in told["nodes"] if n["name"] == "r101"}
    assert kilowatts["r101"] == pytest.approx(float(same["rack_power"].sel(rack="r101")[0]) / 1e3, abs=0.006)
    again = twin.solve(tmp_path / "gb300_hall.yaml")
    assert again.figures.facility_power[0] == pytest.approx(same.figures.facility_power[0], rel=1e-9)
    kept = twin.open_result(tmp_path / "gb300_hall.nc")
    assert kept.figures.pue[0] == pytest.approx(same.figures.pue[0], rel=1e-9)


def test_pages_of_others_are_refused(address):
    def status(headers, data=None):
        try:
            with urllib.request.urlopen(urllib.request.Request(address, data, headers)) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert status({}) == 200
    assert status({"Origin": address.rstrip("/")}) == 200
    assert status({"Origin": "http://elsewhere.example"}) == 403
    assert status({"Host": "elsewhere.example"}) == 403
    assert status({"Origin": "http://elsewhere.example"}, b"{}") == 403
    socket = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    socket |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    asked = urllib.request.Request(f"{address}ws", headers=socket | {"Origin": "http://elsewhere.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(asked)
    with urllib.request.urlopen(address) as answer:
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("gb300_hal",), "did you mean 'gb300_hall'?"),
        (("gb300_hall", "--slider", "foo.bar"), "slider foo.bar: nothing here is called 'foo'"),
        (("gb300_hall", "--color", "nonsense"), "color: nothing is called 'nonsense'"),
        (("hall.nc",), "hall.nc: is what was solved; the app solves again and takes a layout"),
        (("gb300_hall", "--set", "gb300_nvl72.chip_scale=100"), "no steady temperature"),
    ],
)
def test_what_cannot_be_opened_is_one_line(options, said):
    command = [sys.executable, "-c", COMMAND, "app", *options, "--port", "0", "--no-browser"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 2 and ran.stdout == ""
    (line,) = ran.stderr.strip().splitlines()
    assert said in line


def test_a_port_that_is_taken_is_told(address):
    port = address.rstrip("/").rpartition(":")[2]
    command = [sys.executable, "-c", COMMAND, "app", "dsx_row", "--port", port, "--no-browser"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert (
        ran.stderr
        == f"--port: {port} cannot be listened to: address already in use; give another, or 0 for any free one\n"
    )


def test_without_trame_the_extra_is_named(tmp_path):
    (tmp_path / "trame.py").write_text("raise ModuleNotFoundError(\"No module named 'trame'\", name='trame')")
    command = [sys.executable, "-c", COMMAND, "app", "dsx_row", "--no-browser"]
    ran = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert (ran.returncode, ran.stderr) == (2, 'app: the app needs trame: pip install "aifactory-twin[app]"\n')
