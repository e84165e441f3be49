"""Derivatives of the cost."""

from __future__ import annotations

import itertools

from gradcompare.diagnosis.forms import CROSS_ENTROPY, RESIDUAL
from gradcompare.diagnosis.formulas.known import Formulas, Known


def label_missing(known: Known) -> Formulas:
    """The prediction alone."""
    if known.form.base == RESIDUAL:
        a, y = known.form.operands
        yield known.text(known.form.but(base="{0}", operands=(a,))), {"label": y}


def other(known: Known) -> Formulas:
    """Another cost's derivative."""
    if known.form.base in (RESIDUAL, *CROSS_ENTROPY):
        bases = {
            **dict.fromkeys((*CROSS_ENTROPY, "{1} / {0} - (1 - {1}) / (1 - {0})"), "of cross entropy"),
            RESIDUAL: "of half the squared error, or already that of the step after it",
            "(1 - {1}) / (1 - {0}) + {1} / {0}": "of cross entropy with a wrong sign inside",
            "(1 - {1}) / (1 - {0})": "of one half of cross entropy",
            "{1} / {0}": "of one half of cross entropy",
            "({0} - {1})**2": "left out: it is the squared error itself",
            "np.abs({0} - {1})": "left out: it is the absolute error itself",
            "np.sign({0} - {1})": "of the absolute error",
        }
        for base, words in bases.items():
            yield known.text(known.form.but(base=base)), {"words": words}


def epsilon(known: Known) -> Formulas:
    """A guarded division, with guards of many sizes."""
    if known.form.base not in CROSS_ENTROPY:
        return
    bases = (
        "(1 - {1}) / (1 - {0} + {e}) - {1} / ({0} + {e})",
        "(1 - {1}) / (1 - {0} - {e}) - {1} / ({0} + {e})",
        "({0} - {1}) / ({0} * (1 - {0}) + {e})",
        "-{1} / ({0} + {e})",
        "(1 - {1}) / (1 - np.clip({0}, {e}, 1 - {e})) - {1} / np.clip({0}, {e}, 1 - {e})",
    )
    for power, base in itertools.product(range(1, 17), bases):
        formula = base.replace("{e}", f"1e-{power:02d}")
        yield known.text(known.form.but(base=formula)), {"epsilon": f"1e-{power:02d}"}
