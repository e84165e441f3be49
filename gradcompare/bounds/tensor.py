"""A tensor that carries its own rounding bound.

This file, `run.py` beside it and `gradcompare/tracing/numpy_on_torch.py` lean on parts of PyTorch that it does not
document for users. Here these are `torch.Tensor._make_wrapper_subclass`, `__torch_dispatch__` and `TorchDispatchMode`,
which hand every operation to Python *below* autograd, so that autograd's backward operations pass through the same
table of rules as the forward ones; and `torch._decomp`, PyTorch's own table of operations written in simpler ones.
`tests/test_private_torch.py` notices when one of them changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

if TYPE_CHECKING:
    from gradcompare.bounds.run import Run


class Memory:
    """What is common to tensors that share memory: what was written into it, and the bounds of what was made exact."""

    def __init__(self, made_exact: bool) -> None:
        self.made_exact = made_exact
        self.written: list[int] = []
        """The numbers of what was written in place."""
        self._errors: Tensor | None = None

    @property
    def surely_exact(self) -> bool:
        """Whether it was made exact and nothing was written into it since. (Others may happen to be exact too.)"""
        return self.made_exact and not self.written

    def error(self, of: Tensor) -> Tensor:
        """The bounds of a value that was made exact, in memory laid out as the value's is. Made when first asked for:
        few are."""
        with _disable_current_modes():
            if self._errors is None:
                entries = of.untyped_storage().nbytes() // of.element_size()
                self._errors = torch.zeros(entries, dtype=torch.float64)
            return self._errors.as_strided(of.size(), of.stride(), of.storage_offset())


class BoundedTensor(torch.Tensor):
    """A value (float64, or bool or integers) and, elementwise, how far rounding can have moved it: |computed - exact|
    <= error.

    `value` is the result computed in float64; `error` holds for the same operations computed in the run's working
    precision, in any order of summation. `number` counts the operations of the run. Made by `Run.exact`, never
    directly.
    """

    value: Tensor
    run: Run
    memory: Memory
    _error: Tensor | None
    _number: int
    _seen: int
    """How much of what was written into its memory `_number` accounts for."""

    @staticmethod
    def __new__(
        cls, value: Tensor, error: Tensor | None, run: Run, number: int, memory: Memory | None = None
    ) -> BoundedTensor:
        """`error` None: exact. `memory`: of the tensor that it shares memory with."""
        if error is not None and error.stride() != value.stride():
            # views move both alike only where both lie alike in memory
            error = torch.empty_like(value, dtype=torch.float64).copy_(error)
        self = torch.Tensor._make_wrapper_subclass(
            cls,
            value.size(),
            strides=value.stride(),
            storage_offset=value.storage_offset(),
            dtype=value.dtype,
            device=value.device,
        )
        self.value, self._error, self.run, self._number = value, error, run, number
        self.memory = memory or Memory(made_exact=error is None)
        self._seen = len(self.memory.written)
        return self

    @property
    def error(self) -> Tensor:
        """E, of the value's shape."""
        if self._error is None:
            self._error = self.memory.error(self.value)
        return self._error

    @property
    def number(self) -> int:
        """Its place among the tensors of the run; another one after something was written into it or a view of it."""
        written = self.memory.written
        if self._seen != len(written):
            parents = (self._number, *written[self._seen :])
            self._renumber(self.run.wrap(self.value, self.error, parents))
        return self._number

    def overwrite(self, result: BoundedTensor) -> None:
        """Write value and bound in place: views share the memory of both."""
        self.run.before_writing()
        self.value.copy_(result.value)
        self.error.copy_(result.error.expand(self.error.shape))
        self.memory.written.append(result.number)
        self._number, self._seen = result.number, len(self.memory.written)

    def _renumber(self, result: BoundedTensor) -> None:
        if result.value is not self.value:  # a substitute
            self.run.before_writing()
            self.value.copy_(result.value)
            self.error.copy_(result.error)
        self._number, self._seen = result.number, len(self.memory.written)

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        run = bounded_among((*args, *(kwargs or {}).values()))[0].run
        return run.apply(func, tuple(args), dict(kwargs or {}))

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"BoundedTensor({self.value}, error={self.error})"


def bounded_among(arguments: Iterable[Any]) -> list[BoundedTensor]:
    """The tensors with a bound, in order, in nested lists and tuples too."""
    found: list[BoundedTensor] = []
    for argument in arguments:
        kind = type(argument)  # of Tensor's own metaclass: isinstance takes ten times as long
        if kind is BoundedTensor:
            found.append(argument)
        elif kind is list or kind is tuple:
            found += bounded_among(argument)
    return found
