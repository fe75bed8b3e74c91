"""Headless Chromium as pages are tried with it: nothing may leave the machine, and the console stays silent."""

import os
import shutil
from contextlib import contextmanager

import pytest

REQUIRED = "TWIN_REQUIRE_VIEWERS" in os.environ
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
OWN = ("file:", "data:", "blob:", "http://127.0.0.1:", "ws://127.0.0.1:")
CHATTER = ("GPU stall due to ReadPixels", "Vue.use(")
"""What Chromium itself says of a screenshot of WebGL in software, and trame of each of its parts."""


@contextmanager
def pages():
    """A function that opens an address in a page of a size; at the end all pages were silent and asked nobody."""
    sync = pytest.importorskip("playwright.sync_api") if not REQUIRED else __import__("playwright.sync_api").sync_api
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        (pytest.fail if REQUIRED else pytest.skip)("needs Chromium: Debian package chromium")
    said, asked = [], []
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))

        def opened(address, size="desktop"):
            width, height = SIZES[size]
            page = browser.new_page(viewport={"width": width, "height": height}, has_touch=size == "phone")
            page.on(
                "console", lambda m: None if any(c in m.text for c in CHATTER) else said.append(f"{m.type}: {m.text}")
            )
            page.on("pageerror", lambda error: said.append(f"error: {error}"))
            page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(OWN) else None)
            page.goto(address)
            return page

        yield opened
        browser.close()
    assert said == [] and asked == []
