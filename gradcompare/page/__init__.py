"""A report as a page: one HTML file that needs nothing from outside itself."""

from __future__ import annotations

import base64
import hashlib
import math
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gradcompare.page.content import Content
from gradcompare.page.mathml import symbol
from gradcompare.report import Report, number

FRAME_HEIGHT = 720
"""Pixels of a report in a notebook."""


def page(report: Report) -> str:
    """The page: HTML with its styles, pictures and script in it, and a policy that lets it load nothing else."""
    environment = _environment()
    script = Markup(_file("page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    styles = Markup(_file("page.css"))
    shown = environment.get_template("page.html").render(
        page=Content(report, clean), style=styles, script=script, digest=digest
    )
    return clean(shown)


def frame(report: Report) -> str:
    """The page in a frame of its own, for a notebook: neither's styles and names meet the other's."""
    inside = Markup.escape(page(report))
    return (
        f'<iframe srcdoc="{inside}" title="gradcompare" sandbox="allow-scripts" '
        f'style="width: 100%; height: {FRAME_HEIGHT}px; border: 0"></iframe>'
    )


def clean(text: str) -> str:
    """Characters that no page can hold, or that would turn the text around, are made visible."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode("ascii") for c in text)


def power(x: float) -> Markup:
    """A magnitude: two digits, large and small ones with a power of ten."""
    if not math.isfinite(x):
        return Markup("∞" if x > 0 else "undecided")
    digits, _, exponent = number(x).partition("e")
    return Markup(f"{digits} × 10<sup>{int(exponent)}</sup>".replace("-", "−")) if exponent else Markup(digits)


def value(x: float) -> str:
    """An entry of a tensor, six digits."""
    return f"{x:.6g}".replace("-", "−")


def dedented(code: Markup) -> Markup:
    """Without the indentation."""
    return Markup(code.lstrip())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gradcompare.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"power": power, "value": value, "symbol": symbol, "dedented": dedented}
    return environment


def _file(name: str) -> str:
    from importlib.resources import files

    return files("gradcompare.page").joinpath(name).read_text("utf-8")
