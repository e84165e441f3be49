"""What a host finds out about a network first, in one go: most networks need no more."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradcompare.judging.evaluation import Evaluation


class Look(NamedTuple):
    """The first look at a network."""

    inputs: dict[str, np.ndarray]
    """The arrays that stand for it (see `Host.inputs`)."""
    claimed: dict[str, Any]
    """What the program says the gradients are (see `Host.claims`)."""
    evaluation: Evaluation | None
    """The reference (see `Host.evaluate`); None where nothing is claimed."""
