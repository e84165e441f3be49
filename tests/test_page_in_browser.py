"""The report as a page, in a real browser: it is quiet, asks for nothing, and shows the same by mouse, key and touch.

Skipped where there is no Chromium: apt-get install chromium, pip install -e '.[browser]'.
"""

import re
import shutil

import numpy as np
import pytest

from tests import pages

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -e '.[browser]'")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium")

CONTRAST = """
(least) => {
  const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parsed = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = parsed(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
    }
  };
  const low = [];
  const compare = (text, ink, paper) => {
    const [light, dark] = [luminance(ink), luminance(paper)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < least) low.push([text.trim().slice(0, 30), contrast.toFixed(2)]);
  };
  let seen = 0;
  const walker = document.createTreeWalker(document.querySelector("body"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("script, style") || !element.getClientRects().length) continue;
    seen += 1;
    const style = getComputedStyle(element), box = element.closest("a.node");
    if (box) compare(node.data, parsed(style.fill), parsed(getComputedStyle(box.querySelector("rect")).fill));
    else compare(node.data, parsed(style.color), behind(element));
  }
  return [seen, low];
}
"""
"""(texts seen, those whose contrast with what is behind them is below the least), as WCAG 2.2 defines contrast."""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a report's page from a file; at the end it has said nothing on the console and asked for nothing."""
    said, contexts = [], []

    def open_(report, **options):
        file = tmp_path / "report.html"
        file.write_text(report.to_html(), "utf-8")
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if request.url != file.as_uri() else None)
        page.goto(file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [what for what in said if not what.startswith("data:image/png;base64,")] == []


def node(page, name):
    """The box of a tensor in the graph."""
    return page.locator("svg a.node").filter(has=page.locator(f"title:text-matches('^{name}:')"))


def cards(page):
    """The names of the tensors that are described, as far as one can see."""
    labels = page.locator(".card").filter(visible=True).evaluate_all("all => all.map(card => card.ariaLabel)")
    return [label.partition(":")[0] for label in labels]


def test_it_opens_with_the_fault_and_shows_what_is_pointed_at(opened):
    page = opened(pages.wrong())
    assert page.title().endswith("dict_cache_lost_derivative.py: wrong")
    assert page.locator("#change ins").all_inner_texts() == [" * (1 - A1**2)"]
    assert page.locator(".row.first").inner_text().split()[:2] == ["37", "✗"]
    assert cards(page) == ["dZ1"]
    node(page, "dW2").hover()
    assert cards(page) == ["dW2"]
    shown = page.locator(".card.on")
    assert re.search(r"error / bound\s*0\.0", shown.inner_text())
    assert shown.locator("math mfrac").count() == 1
    assert shown.locator("img").evaluate("image => image.complete && image.naturalWidth > 0")
    page.locator("h1").hover()
    assert cards(page) == ["dZ1"], "what is pointed at no longer is shown no longer"


def test_the_smallest_case_is_copied_as_it_is_to_be_run(opened):
    page = opened(pages.wrong())
    page.locator("#smallest button").first.click()
    copied = page.evaluate("getSelection().toString()")
    assert page.locator("#smallest button").first.inner_text() == "Copied"
    names: dict[str, np.ndarray] = {}
    exec(copied, names)
    inputs = pages.wrong().smallest_case["inputs"]
    assert all(np.array_equal(names[name], array) for name, array in inputs.items())


def test_the_keyboard_shows_what_pointing_shows(opened):
    page = opened(pages.wrong())
    node(page, "A2").focus()
    assert cards(page) == ["A2"]
    page.keyboard.press("Tab")
    after = page.evaluate("document.activeElement.getAttribute('aria-label')").partition(":")[0]
    assert after != "A2"
    assert cards(page) == [after]
    assert page.evaluate("getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth") == "4px"
    page.keyboard.press("ArrowUp")
    assert cards(page) == ["A2"]
    page.locator(".row.first a.chip").press("Enter")
    assert cards(page) == ["dZ1"]
    page.locator(".code summary").first.press("Enter")
    assert page.get_by_text("import numpy as np", exact=True).first.is_visible()


def test_a_tap_shows_it_too_and_all_of_it_fits_on_a_phone(opened):
    page = opened(pages.wrong(), viewport={"width": 380, "height": 700}, has_touch=True, is_mobile=True)
    node(page, "db1").tap()
    assert cards(page) == ["db1"]
    assert page.locator(".card.on").bounding_box()["y"] < 700
    assert page.evaluate("document.documentElement.scrollWidth") == 380


def test_without_scripts_everything_is_there(opened):
    page = opened(pages.wrong(), java_script_enabled=False)
    described = page.locator(".card").filter(visible=True)
    assert described.count() == page.locator("svg a.node").count() > 10
    assert page.locator("[data-copy]").filter(visible=True).count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(opened, scheme):
    page = opened(pages.wrong(), color_scheme=scheme)
    page.evaluate("document.documentElement.classList.remove('one-card')")
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    seen, low = page.evaluate(CONTRAST, 4.5)
    assert seen > 300
    assert low == []


def test_the_page_is_dark_where_dark_is_asked_for(opened):
    def brightness(scheme):
        page = opened(pages.wrong(), color_scheme=scheme)
        return sum(map(int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))))

    assert brightness("light") > 3 * 200
    assert brightness("dark") < 3 * 60


def test_on_paper_every_tensor_with_a_verdict_is_there(opened):
    page = opened(pages.wrong())
    page.emulate_media(media="print")
    assert set(cards(page)) == {"dZ2", "dW2", "db2", "dZ1", "dW1", "db1"}
    assert not page.locator("button").filter(visible=True).count()
    page.set_viewport_size({"width": 720, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") == 720
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_long_names_fit_on_a_phone(opened):
    page = opened(pages.hostile(), viewport={"width": 380, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 380


def test_what_looks_like_markup_is_harmless_and_is_shown(opened):
    page = opened(pages.hostile())
    assert page.evaluate("'hacked' in window") is False
    assert page.locator("script").count() == 1
    assert page.locator("img:not(.picture img)").count() == 0
    assert page.locator("h1").inner_text() == f"{pages.HOSTILE}.py"
    assert page.locator(".row.first code").inner_text() == f"x = '{pages.HOSTILE}'  # {pages.HOSTILE}"
    assert page.locator("#smallest pre").first.inner_text().count(pages.HOSTILE) == 1
    page.locator("svg a.node").last.hover()
    assert pages.HOSTILE in page.locator(".card.on").get_attribute("aria-label")


@pytest.mark.parametrize("make", [pages.wide, pages.deep], ids=lambda make: make.__name__)
@pytest.mark.parametrize("width", [380, 1200])
def test_a_large_network_fits(opened, make, width):
    page = opened(make(), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".card.on").count() == 1
    ring, picture = (page.locator(f".card.on .{part}").bounding_box() for part in ("ring", "picture"))
    for start, length in (("x", "width"), ("y", "height")):
        middle = ring[start] + ring[length] / 2
        assert picture[start] <= middle <= picture[start] + picture[length]


def test_in_a_notebook_s_frame(browser):
    context = browser.new_context()
    page = context.new_page()
    page.set_content(f"<h1>notebook</h1>{pages.wrong()._repr_html_()}")
    frame = page.frame_locator("iframe")
    assert frame.locator(".card").filter(visible=True).count() == 1, "its script runs"
    frame.locator("svg a.node").first.hover()
    assert frame.locator(".lead").inner_text() == "It first goes wrong at line 37, dZ1."
    context.close()
