"""Autograd's answer: values, gradients and bounds of every named tensor, and which of them was computed from which."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from gradcompare.bounds import BoundedTensor, Precision, Run
from gradcompare.bounds.tensor import Memory
from gradcompare.judging.evaluation import COST, Arrays, Bounded, Evaluation, Floors, HandedOn, Record

Reference = Callable[[dict[str, Any]], Any]
"""inputs -> cost, or (cost, {name: tensor})."""

_aten = torch.ops.aten
ELEMENTARY = {
    *(_aten.exp, _aten.expm1, _aten.log, _aten.log1p, _aten.tanh, _aten.sigmoid, _aten.softplus, _aten.erf, _aten.gelu),
    *(_aten.silu, _aten.log_sigmoid_forward, _aten._softmax, _aten._log_softmax, _aten.logsumexp, _aten.logaddexp),
    *(_aten.tanh_backward, _aten.sigmoid_backward, _aten._softmax_backward_data, _aten._log_softmax_backward_data),
}
"""Operations that others compute through an exponential."""


KEPT = 1_000
"""Entries of a tensor that is kept to be measured later: the larger ones would take more memory than time."""


class MeasuredRun(Run):
    """A run that can say the largest entry of every tensor, and adds floors to the errors of some."""

    def __init__(self, precision: Precision, floors: Mapping[int, float], **options: Any) -> None:
        super().__init__(precision, **options)
        self.floors = floors
        self._elementary = False
        self._measured: list[float] = []
        self._to_measure: list[tuple[Tensor, bool]] = []

    @property
    def largest(self) -> list[float]:
        """By the number of a tensor; of an exponential or its kin with a minus, and 1 at least, what it is near 0.

        Measured when it is asked for, since nobody asks where all agrees, or before a tensor is written over.
        """
        with self.paused():
            self._measured += (_largest_entry(*each) for each in self._to_measure)
        self._to_measure.clear()
        return self._measured

    def before_writing(self) -> None:
        """As `Run.before_writing`."""
        self.largest  # noqa: B018

    def apply(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """As `Run.apply`."""
        self._elementary = func._overloadpacket in ELEMENTARY
        return super().apply(func, args, kwargs)

    def wrap(
        self, value: Tensor, error: Tensor | None, parents: tuple[int, ...], memory: Memory | None = None
    ) -> BoundedTensor:
        """As `Run.wrap`, to be measured."""
        self._to_measure.append((value, self._elementary))
        if value.numel() > KEPT:
            self.before_writing()
        floor = self.floors.get(len(self.parents), 0.0)
        if floor:
            error = torch.full_like(value, floor, dtype=torch.float64) if error is None else error + floor
        return super().wrap(value, error, parents, memory)


def _largest_entry(value: Tensor, elementary: bool) -> float:
    if not value.is_floating_point() or not value.numel():
        return 0.0
    least, most = torch.aminmax(value)
    largest = max(float(most), -float(least))
    return -max(largest, 1.0) if elementary else largest


class Moment:
    """A tensor as it is now: code that works in place may write over it later, and autograd speaks of the later."""

    def __init__(self, tensor: Tensor, *, copy: bool = True) -> None:
        self.tensor = tensor
        self.shape = tuple(tensor.shape)
        self.number: int | None = tensor.number if isinstance(tensor, BoundedTensor) else None
        self.arrived = _arrived(tensor, copy)
        self.on_gradient = _OnGradient()
        self.place: Any = None
        """Where autograd has its gradient; None where it has none."""
        if tensor.requires_grad:
            self.place = tensor if tensor.is_leaf else torch.autograd.graph.get_gradient_edge(tensor)
            tensor.register_hook(self.on_gradient)

    def forget(self) -> None:
        """Let go of the tensor: the memory of a run is not to wait for the garbage collector."""
        self.on_gradient.do = self.place = None


class _OnGradient:
    """What is to be done with the gradient of a tensor. The tensor holds it, and it does not hold the tensor: autograd
    keeps hooks where the garbage collector does not look, and what goes in a circle there is never freed."""

    def __init__(self) -> None:
        self.do: Callable[[Any], Any] | None = None

    def __call__(self, gradient: Tensor) -> Any:
        return self.do(gradient) if self.do else None


def evaluate(
    reference: Reference,
    inputs: Arrays,
    claimed: Collection[str],
    precision: Precision,
    *,
    ties_are_kinks: bool = False,
    handed_on: HandedOn | None = None,
    floors: Floors | None = None,
    measure: bool = False,
) -> Evaluation:
    """Run the reference on bounded tensors and differentiate it with respect to what the claims are about.

    Raises TypeError or ValueError, in words, where the reference does not return a differentiable scalar cost.
    """
    handed_on, added = handed_on or HandedOn({}, {}), floors or Floors({}, {}, {})
    substitutes = {number: torch.from_numpy(np.array(a, dtype=np.float64)) for number, a in handed_on.values.items()}
    options: dict[str, Any] = {"ties_are_kinks": ties_are_kinks, "substitutes": substitutes}
    run = MeasuredRun(precision, added.values, **options) if measure or floors else Run(precision, **options)
    leaves = differentiated(inputs, claimed)
    tensors: dict[str, Any] = {}
    for name, array in inputs.items():
        tensors[name] = run.exact(torch.from_numpy(array), requires_grad=name in leaves)
    with run:
        cost, named = split_result(reference(dict(tensors)))
        with run.paused():
            known = {
                k: Moment(v, copy=False) if isinstance(v, Tensor) else v
                for k, v in (tensors | named | {COST: cost}).items()
                if isinstance(v, Tensor | Moment)
            }
        try:
            gradients, numbers = _gradients(run, cost, known, claimed, handed_on.gradients, added, inputs)
        finally:
            for moment in known.values():
                moment.forget()
    numbers |= {name: moment.number for name, moment in known.items() if moment.number is not None}
    found = {name: moment.arrived for name, moment in known.items()} | gradients
    # an input is where computation starts, not something that was computed
    computed = {k: v for k, v in numbers.items() if k not in inputs}
    upstream, order = _dependencies(run, computed, found, claimed)
    return Evaluation(found, upstream, numbers, cast(Record, run), set(known), order)


def split_result(result: Any) -> tuple[Tensor, dict[str, Any]]:
    """(cost, named tensors), in words where the reference returned something else."""
    cost, named = result if isinstance(result, tuple) and len(result) == 2 else (result, {})
    if not isinstance(cost, Tensor) or not isinstance(named, Mapping):
        raise TypeError(
            f"the reference returned {type(cost).__name__} for the cost; it should return a scalar torch tensor, or "
            "(cost, {name: tensor}). A float usually means that .item() or float() took the number out of the graph; "
            "NumPy code has to be wrapped: numpy_on_torch(f)"
        )
    if cost.numel() != 1:
        raise ValueError(
            f"the reference returned a cost of shape {tuple(cost.shape)}; it should be one number. Take the mean or "
            "the sum over the samples: a gradient is that of a scalar"
        )
    if not cost.requires_grad:
        raise ValueError(
            "the cost does not depend on any differentiated input: autograd cannot see through the reference. Usually "
            "the inputs were not used, or .detach(), .numpy(), .item() or float() took the numbers out of the graph"
        )
    return cost, dict(named)


def differentiated(inputs: Arrays, claimed: Collection[str]) -> set[str]:
    """The inputs that claims are the gradients of; where there are none, all that can be differentiated."""
    floating = {name for name, array in inputs.items() if array.dtype.kind == "f"}
    return {name for name in floating if f"d{name}" in claimed} or floating


def _gradients(
    run: Run,
    cost: Tensor,
    known: Mapping[str, Moment],
    claimed: Collection[str],
    handed: Mapping[str, np.ndarray],
    floors: Floors,
    inputs: Collection[str],
) -> tuple[dict[str, Bounded], dict[str, int]]:
    """dT for every claimed one, as it arrived, and its number; what is handed on goes further upstream in its place."""
    wanted = {n: moment for n, moment in known.items() if f"d{n}" in claimed and moment.place is not None}
    arrived: dict[str, Bounded] = {}
    numbers: dict[str, int] = {}

    def note(name: str, gradient: Any) -> BoundedTensor:
        if name in floors.gradients or name in floors.relative:
            gradient = run.wrap(gradient.value, _with_floor(floors, name, gradient), (gradient.number,))
        arrived[f"d{name}"] = _arrived(gradient, copy=not known[name].tensor.is_leaf)
        if name in handed:
            own = torch.from_numpy(np.array(handed[name], dtype=np.float64))
            gradient = run.wrap(own, None, (gradient.number,))
        numbers[f"d{name}"] = gradient.number
        return gradient

    def hook(names: list[str]) -> Callable[[Any], BoundedTensor]:
        def note_all(gradient: Any) -> BoundedTensor:
            with run.paused():
                for name in names:
                    gradient = note(name, gradient)
            return gradient

        return note_all

    for names in _by_place(wanted):
        wanted[names[0]].on_gradient.do = hook(names[::-1])
    if wanted:
        torch.autograd.grad(cost.reshape(()), [moment.place for moment in wanted.values()], allow_unused=True)
    for name in inputs:  # what the cost does not depend on has the gradient 0
        if f"d{name}" in claimed and f"d{name}" not in arrived:
            arrived[f"d{name}"] = Bounded(np.zeros(known[name].shape), np.zeros(known[name].shape))
    return arrived, numbers


def _by_place(moments: Mapping[str, Moment]) -> list[list[str]]:
    """The names, those of one and the same tensor together."""
    together: dict[Any, list[str]] = {}
    for name, moment in moments.items():
        key = id(moment.place) if isinstance(moment.place, Tensor) else moment.place
        together.setdefault(key, []).append(name)
    return list(together.values())


def _with_floor(floors: Floors, name: str, gradient: Any) -> Tensor:
    """The error of a gradient with what is to be added to it."""
    error: Tensor = gradient.error + floors.gradients.get(name, 0.0)
    if name in floors.relative:
        part = torch.from_numpy(floors.relative[name])
        error = error + torch.where(part.isinf(), part, part * gradient.value.abs())
    return error


def _arrived(tensor: Tensor, copy: bool) -> Bounded:
    """What was computed; where a value was handed on in its place, what arrived."""
    value, error = tensor, None
    if isinstance(tensor, BoundedTensor):
        value, error = tensor.value, None if tensor.memory.surely_exact else tensor.error
        value, error = tensor.run.arrived.get(tensor.number, (value, error))
    with Run.paused():
        value = value.detach().double()
        exact = np.broadcast_to(0.0, tuple(value.shape)) if error is None else error.detach().numpy()
        return Bounded(value.numpy().copy(), exact.copy()) if copy else Bounded(value.numpy(), exact)


def _dependencies(
    run: Run, numbers: Mapping[str, int], found: Collection[str], claimed: Collection[str]
) -> tuple[dict[str, set[str]], list[str]]:
    """For each tensor the nearest named ones that it was computed from; and all in the order of the computation."""
    named: dict[int, list[str]] = {}
    for name in numbers:
        named.setdefault(numbers[name], []).append(name)
    upstream: dict[str, set[str]] = {name: set() for name in found}
    for number, names in named.items():
        waiting, seen = list(run.parents[number]), set()
        while waiting:
            parent = waiting.pop()
            if parent in seen:
                continue
            seen.add(parent)
            if parent in named:
                upstream[names[0]].add(named[parent][-1])
            else:
                waiting += run.parents[parent]
        for before, alias in itertools.pairwise(names):  # the same tensor under another name
            upstream[alias].add(before)
    last = len(run.parents)
    given = {name: i for i, name in enumerate([*claimed, *found])}
    order = sorted(found, key=lambda name: (numbers.get(name, last), given[name]))  # numbers grow along the computation
    return upstream, order
