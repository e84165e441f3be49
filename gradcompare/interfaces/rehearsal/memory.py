"""What a turn of training keeps of former steps beside its parameters: momentum, sums of squares, the last change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces.rehearsal.reading import Candidate
from gradcompare.interfaces.rehearsal.stage import Turn, Where


def without_velocities(names: Mapping[str, Where], first: Turn) -> dict[str, Where]:
    """What a turn changes, by name, but for what begins as 0 and is afterwards the step that another has gone: its
    momentum, by which Nesterov's weights look ahead."""
    before = {name: np.asarray(first.before[where[0]]) for name, where in names.items()}
    after = {name: np.asarray(first.after.get(name)) for name in names}
    steps = {n: after[n] - before[n] for n in names if after[n].shape == before[n].shape and after[n].dtype.kind == "f"}

    def is_velocity(name: str) -> bool:
        others = (step for other, step in steps.items() if np.any(before[other]) and step.shape == before[name].shape)
        return not np.any(before[name]) and any(
            np.any(step) and (np.allclose(step, after[name], 1e-9) or np.allclose(step, -after[name], 1e-9))
            for step in others
        )

    return {name: where for name, where in names.items() if name not in steps or not is_velocity(name)}


def without_effect(own: Mapping[str, np.ndarray], candidates: Sequence[Candidate]) -> set[str]:
    """What begins as 0 and no cost depends on: what is kept of the last step, which would be part of the next."""
    known = {name for candidate in candidates for name in candidate.gradients}
    return {name for name, array in own.items() if known and name not in known and not np.any(array)}


def is_sum_of_squares(before: np.ndarray, after: Any) -> bool:
    """Whether it may be what Adagrad or Adam keep of the gradients' squares: 0 at first, and then below 0 nowhere."""
    now = np.asarray(after)
    return now.dtype.kind == "f" and not np.any(before) and bool(np.any(now > 0)) and not np.any(now < 0)
