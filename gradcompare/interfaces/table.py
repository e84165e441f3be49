"""The table of interfaces, and the choice among them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradcompare.interfaces import candidates
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.program import CannotCheckError, Program


class Interface(NamedTuple):
    """A shape of hand-written backpropagation."""

    skeleton: str


INTERFACES = {n: Interface("") for n in ("dict-cache","positional","l-layer","fused","flat-vector","global-weights","update-only","class","loss-and-gradients","gradient-method","layers","adapter")}


def recognise(namespace: Mapping[str, Any], interface: str | None = None) -> Program | None:
    first = best = None
    for program in candidates.candidates(namespace):
        if interface is not None and program.interface != interface:
            continue
        first = first or program
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                program.fit(0)
        except CannotCheckError as e:
            continue
        assert program.found
        if best is None or _worth(program) > _worth(best):
            best = program
        if _worth(program)[0] and _worth(program)[2]:
            break
    return best or first


def _worth(program: Driven):
    f = program.found
    kinds = {s.where for s in f.slots.values()}
    return (f.complete, f.right, "change" not in kinds, f.cost_from is not None or program.steps.forward is not None)


def not_recognised(namespace: Mapping[str, Any]) -> str:
    return "nothing recognised"
