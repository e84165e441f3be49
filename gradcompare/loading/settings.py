"""Numbers from a helper file that is not there, by what they are called: widths, rates, a seed."""

from __future__ import annotations

import re

_COUNT = r"(n|nb|num|number|no|size|dim|d)(of)?(the)?"
_UNITS = r"(layers?)?(size|dims?|dimensions?|units|nodes|neurons|width|features|channels)"


def _width(of: str) -> str:
    """The name of a width: how many, or which, units; and not of the arrays that have it: n_inputs, input_size."""
    return rf"^{_COUNT}({of})(layers?)?\d*$|^({of})\d*{_UNITS}\d*$|^{_COUNT}({of}){_UNITS}\d*$"


_HIDDEN = _width(r"hidden|hid|h|hidden(layer)?\d+")

NUMBERS: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(pattern), number)
    for pattern, number in (
        (r"^(n|nb|num|number)(of)?(hidden)?layers$", 2),
        (r"^(random)?seed$|^randomstate$", 0),
        (r"^(n|num|number|max)?(of)?(epochs?|iter(ation)?s?|steps)$", 2),
        (r"^(mini)?batch(size)?$", 4),
        (r"(learning|learn)_?rate$|^lr$|^eta$|^stepsize$", 0.1),
        (r"^(l1|l2|reg|lambda|lambd|weightdecay|regulari[sz]ation)(rate|strength|lambda|param(eter)?|factor)?$", 0.1),
        (r"^(momentum|beta1?|mu|gamma|decay(rate)?)$|^beta2$", 0.9),
        (r"^keep(prob(ability)?|rate)?$", 0.8),
        (r"^drop(out)?(rate|prob(ability)?|p)?$", 0.2),
        (r"^(eps|epsilon)$", 1e-8),
        (_HIDDEN, 4),
        (_width("in|inputs?|x|features?|pixels?"), 9),
        (_width("out|outputs?|y|class(es)?|labels?|categories"), 3),
        (r"^(vocab(ulary)?(size)?|(num|n)(words|chars|tokens))$", 8),
        (r"^(embed(ding)?|emb)(size|dim)?$", 10),
    )
)  # the first that matches counts
"""By a name without underscores, in lower case."""


def number_called(name: str) -> float | None:
    """A number for a setting of this name, another for each hidden layer; None where the name says nothing of one."""
    word = name.replace("_", "").lower()
    number = next((number for pattern, number in NUMBERS if len(word) > 1 and pattern.search(word)), None)
    layer = re.search(r"\d+", word) if re.search(_HIDDEN, word) else None
    return number if number is None or layer is None else number + int(layer[0]) % 4
