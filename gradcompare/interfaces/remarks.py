"""What is said of how a file was understood, once a trial has settled it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradcompare.interfaces.holders import Holder
from gradcompare.interfaces.layouts import SAMPLES, Layout
from gradcompare.interfaces.program import GIVEN_SLOPE
from gradcompare.interfaces.session import Found


def remarks(found: Found, holder: Holder) -> Iterator[str]:
    """What a reader should know of how the file was understood."""
    own, says_one = holder.own_shapes and holder.kind != "flat", holder.one_output
    if found.sizes is not None and holder.is_network:
        widths = "-".join(map(str, found.sizes))
        yield f"The file insists on its own widths: {widths}." if own else f"All networks drawn are {widths}."
    elif found.lost_cost is not None and found.cost_from is not None:
        once = "with one it gives a cost: only networks of one output were drawn"
        yield f"With several outputs {found.lost_cost}; {once}."
    elif found.layout.outputs == 1:
        why = "starts with one" if says_one else "does not run with several"
        yield f"Only networks of one output were drawn: the file {why}."
    if found.lost_cost is not None and found.cost_from is None:
        yield f"The file's own cost could not be used: {found.lost_cost}."
    if SAMPLES[found.layout.samples].one:
        yield "The file takes one sample at a time."
    if SAMPLES[found.layout.samples].label:
        yield "A sample is a sequence: those drawn have several steps, and one label."
    if found.cost_from == "cotangent":
        yield GIVEN_SLOPE.format("the output", "output")
    yield from holder.says
    handed = getattr(getattr(holder, "plan", holder), "stands_in", {})
    if handed:
        what = ", ".join(f"{name} ({says})" for name, says in handed.items())
        yield f"In place of what a constructor is handed: {what}."
    for name in _told_to_be_0(getattr(holder, "plan", None), found.layout):
        yield f"{name} is 0 here, for the cost knows nothing of it: the term that it adds is not checked."
    for name in found.spread:
        yield f"The gradient of {name} has other axes than {name}; broadcasting adds what lacks where it is subtracted."
    missing = [name for name in found.places if name not in found.slots]
    if missing:
        yield f"No gradient of {', '.join(missing)} was found."


def _told_to_be_0(plan: Any, layout: Layout) -> list[str]:
    """The strengths of a regulariser that what makes the parameters is told to be 0."""
    roles, given = (plan.roles, plan.values) if plan is not None else ({}, {})
    strengths = [name for name, role in roles.items() if role == "regularisation"]
    return [name for name in strengths if given.get(name, layout.strength) == 0]
