"""Which arrays are samples and labels: by what met what, in the order in which it was computed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from gradcompare.bounds import Run
from gradcompare.interfaces import paths, words


class NotedRun(Run):
    """A run that knows the shapes of its tensors, and no bounds."""

    def __init__(self) -> None:
        super().__init__()
        self.bounds = False
        self.shapes: list[tuple[int, ...]] = []

    def wrap(self, value: Tensor, *rest: Any, **options: Any) -> Any:
        """As `Run.wrap`."""
        self.shapes.append(tuple(value.shape))
        return super().wrap(value, *rest, **options)

    def ancestors(self, numbers: Iterable[int | None]) -> set[int]:
        """The numbers of all tensors from which these were computed, and theirs."""
        found = {n for n in numbers if n is not None}
        waiting = list(found)
        while waiting:
            new = set(self.parents[waiting.pop()]) - found
            found |= new
            waiting += new
        return found


class Met(NamedTuple):
    """Numbers of tensors; None where nothing was found."""

    samples: int | None
    labels: int | None
    depends: list[bool]
    """Of each tensor, by number, whether it was computed from a parameter."""


def meetings(run: NotedRun, parameters: Collection[int], data: Mapping[int, paths.Path]) -> Met:
    """`parameters`: the numbers of these; `data`: where other arrays were, by number.

    The samples are what first meets a parameter. The labels are what first meets something computed entry by entry;
    where there are none, the samples again: an autoencoder.
    """
    depends: list[bool] = []
    sources: list[frozenset[int]] = []
    samples: frozenset[int] = frozenset()
    met: list[tuple[int, frozenset[int]]] = []
    for number, parents in enumerate(run.parents):
        depends.append(number in parameters or any(depends[p] for p in parents))
        given = frozenset[int]().union(*(sources[p] for p in parents if not depends[p]))
        sources.append(given if parents or number in parameters else frozenset([number]))
        computed = [p for p in parents if depends[p]]
        others = [p for p in parents if not depends[p]]
        if not computed or not others:
            continue
        if not samples and run.shapes[others[0]]:
            samples = sources[others[0]]
        elif (
            computed[0] not in parameters
            and alike(run.shapes[computed[0]], run.shapes[others[0]])
            and (run.shapes[others[0]] or sources[others[0]] <= data.keys())  # else a constant of a formula
        ):
            met.append((computed[0], sources[others[0]]))
    labels = [(output, of) for output, of in met if not of & samples]
    told = [(output, of) for output, of in labels if any(n in data and _is_called_labels(data[n]) for n in of)]
    _, of = min(told or labels or met, key=lambda pair: pair[0], default=(None, frozenset()))
    return Met(_only(samples), _only(of), depends)


def _only(numbers: frozenset[int]) -> int | None:
    return next(iter(numbers)) if len(numbers) == 1 else None


def _is_called_labels(path: paths.Path) -> bool:
    return words.role_of_argument(paths.word(path)) == "targets"


def alike(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes are the same but for axes of one."""
    size = [n for n in one if n != 1]
    return size == [n for n in other if n != 1]
