"""The pictures of a report in the README: python docs/screenshot.py

Needs Chromium, and pip install -e '.[browser]'."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

import gradcompare

HERE = Path(__file__).parent
WIDTH = 940
"""Pixels."""


def main() -> None:
    """Check an example and take its page, light and dark."""
    os.chdir(HERE.parent)
    page = gradcompare.check("examples/dict_cache_lost_derivative.py").to_html()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
        for scheme in ("light", "dark"):
            opened = browser.new_page(viewport={"width": WIDTH, "height": 1000}, color_scheme=scheme)
            opened.set_content(page)
            end = opened.locator("#smallest").bounding_box()
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": end["y"] - 8}
            opened.screenshot(path=HERE / f"report_{scheme}.png", clip=clip, full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
