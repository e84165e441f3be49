"""A tensor that carries its own rounding bound.

This is one of the two files that lean on parts of PyTorch that it does not document for users (the other is
`numpy_on_torch.py`): `torch.Tensor._make_wrapper_subclass`, `__torch_dispatch__` and `TorchDispatchMode`, which hand
every operation to Python *below* autograd, so that autograd's backward operations pass through the same table of
rules as the forward ones; and `torch._decomp`, PyTorch's own table of operations written in terms of simpler ones.
`tests/test_private_torch.py` notices when one of them changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from gradcompare.bounds import rules
from gradcompare.bounds.precision import FLOAT64, Precision


class NoRuleError(NotImplementedError):
    """An operation for which there is neither a rule nor a decomposition into operations that have one."""


class BoundedTensor(torch.Tensor):
    """A value (float64, or bool or integers) and, elementwise, how far rounding can have moved it: |computed - exact|
    <= error.

    `value` is the result computed in float64; `error` holds for the same operations computed in the run's working
    precision, in any order of summation. `number` counts the operations of the run. Made by `Run.exact`, never
    directly.
    """

    value: Tensor
    error: Tensor
    run: Run
    number: int

    @staticmethod
    def __new__(cls, value: Tensor, error: Tensor, run: Run, number: int) -> BoundedTensor:
        if error.stride() != value.stride():  # views move both alike only where both lie alike in memory
            error = torch.empty_like(value, dtype=torch.float64).copy_(error)
        self = torch.Tensor._make_wrapper_subclass(
            cls,
            value.size(),
            strides=value.stride(),
            storage_offset=value.storage_offset(),
            dtype=value.dtype,
            device=value.device,
        )
        self.value, self.error, self.run, self.number = value, error, run, number
        return self

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        run = next(a for a in _flat((args, tuple((kwargs or {}).values()))) if isinstance(a, BoundedTensor)).run
        return run.apply(func, tuple(args), dict(kwargs or {}))

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"BoundedTensor({self.value}, error={self.error})"


class Run(TorchDispatchMode):
    """One evaluation with bounds. While it is entered, every floating tensor that torch makes carries a bound.

    Args:
        precision: the working precision whose roundings are bounded.
        ties_are_kinks: take a comparison of two equal numbers for undecided, if a differentiated tensor takes part in
            it: the bounds then cover every choice of a derivative at a kink, and not only PyTorch's.
        substitutes: values to hand on in place of the computed ones, by the number of the tensor in an earlier run of
            the same code. What was computed is kept in `arrived`.

    Attributes:
        parents: for each tensor of the run, by number, the numbers of those it was computed from.
        arrived: for each number in `substitutes`, the (value, error) that was computed.
        met_a_tie: whether a comparison that `ties_are_kinks` is about met two equal numbers.
        cuts: how often a number was taken out of a tensor that depends on a differentiated one: autograd cannot see
            through that.
    """

    def __init__(
        self,
        precision: Precision = FLOAT64,
        *,
        ties_are_kinks: bool = False,
        substitutes: Mapping[int, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.precision = precision
        self.ties_are_kinks = ties_are_kinks
        self.substitutes = dict(substitutes or {})
        self.parents: list[tuple[int, ...]] = []
        self.arrived: dict[int, tuple[Tensor, Tensor]] = {}
        self.met_a_tie = False
        self.cuts = 0

    def exact(self, tensor: Tensor, *, requires_grad: bool = False) -> BoundedTensor:
        """A tensor with bound 0, an input; where the working precision does not represent a number, with the bound of
        rounding to it."""
        with _disable_current_modes():
            value = rules.value(tensor).detach().clone()
            value = value.double() if value.is_floating_point() else value
            bounded = self.wrap(value, self._representation_error(value), ())
        return bounded.requires_grad_(requires_grad)

    def wrap(self, value: Tensor, error: Tensor, parents: tuple[int, ...]) -> Any:
        """A new tensor of this run, computed from those whose numbers are given; or its substitute."""
        number = len(self.parents)
        self.parents.append(parents)
        substitute = self.substitutes.get(number)
        if substitute is not None:
            self.arrived[number] = value, error
            value, error = substitute.clone(), torch.zeros_like(substitute)
        return BoundedTensor(value, error, self, number)

    def _representation_error(self, value: Tensor) -> Tensor:
        if self.precision.name == "float64" or not value.is_floating_point():
            return torch.zeros_like(value, dtype=torch.float64)
        rounded = value.to(getattr(torch, self.precision.name)).double()
        return torch.where(rounded == value, 0.0, value.abs() * self.precision.unit_roundoff)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return self.apply(func, tuple(args), dict(kwargs or {}))

    # ---- one operation -----------------------------------------------------------------------------------------------

    def apply(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run one operation on values and bounds.

        Raises NoRuleError where there is no rule for it.
        """
        tensors = [a for a in _flat((args, tuple(kwargs.values()))) if isinstance(a, Tensor)]
        packet = func._overloadpacket
        if not any(isinstance(t, BoundedTensor) or t.is_floating_point() for t in tensors):
            return self._fresh(func(*args, **kwargs), ())
        if packet is torch.ops.aten._local_scalar_dense:
            self.cuts += bool(args[0].requires_grad)
            return func(rules.value(args[0]))
        if func._schema.name.endswith("_") and not func._schema.name.endswith("__"):
            return self._in_place(func, args, kwargs)
        return self._out_of_place(func, args, kwargs, tensors)

    def _fresh(self, result: Any, parents: tuple[int, ...]) -> Any:
        """Tensors that were not computed from others with a bound (zeros, arange, ...) are exact."""
        if isinstance(result, Tensor) and result.is_floating_point() and not isinstance(result, BoundedTensor):
            result = result.to(torch.float64)
            return self.wrap(result, self._representation_error(result), parents)
        return result

    def _out_of_place(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], tensors: Sequence[Tensor]) -> Any:
        packet = _same_operation(func._overloadpacket)
        parents = tuple(t.number for t in tensors if isinstance(t, BoundedTensor))
        if packet in rules.FRESH:
            return self._fresh(func(*rules.values(args), **rules.values(kwargs)), parents)
        if packet in rules.STRUCTURAL:
            return self._structural(func, args, kwargs, parents)
        rule = rules.RULES.get(packet)
        if rule is not None:
            args = self._round_constants(args)
            value = func(*rules.values(args), **rules.values(kwargs))
            return self._wrap_all(value, rule(self, value, *args, **kwargs), parents)
        args, kwargs = tuple(map(self._bounded, args)), {k: self._bounded(a) for k, a in kwargs.items()}
        if packet in rules.COMPOSITES:
            return rules.COMPOSITES[packet](*args, **kwargs)
        decomposition = _decomposition(func)
        if decomposition is not None:
            with self:  # the tensors that it makes for itself carry bounds too
                return decomposition(*args, **kwargs)
        value = func(*rules.values(args), **rules.values(kwargs))
        if isinstance(value, Tensor) and not value.is_floating_point():
            return value  # positions and counts: exact, as far as the values they were taken from are
        raise NoRuleError(
            f"{func} has no rule for its rounding error. Write the code with other operations, or add a row for "
            f"torch.ops.{packet} to RULES (or STRUCTURAL, or COMPOSITES) in gradcompare/bounds/rules.py."
        )

    def _structural(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], parents: tuple[int, ...]) -> Any:
        """Moving a value about moves its bound the same way."""
        kwargs = {k: v for k, v in kwargs.items() if k not in ("dtype", "device", "layout", "pin_memory")}
        value = func(*rules.values(args), **rules.values(kwargs))
        errors = rules.mapped(
            args[0], lambda t: getattr(t, "error", None) if isinstance(t, BoundedTensor) else _zeros(t)
        )
        error = func(errors, *rules.values(args[1:]), **rules.values(kwargs))
        mask = next((a for a in _flat(args[1:]) if isinstance(a, BoundedTensor) and bool(a.error.any())), None)
        if mask is not None:  # which entries are taken is itself undecided
            error = torch.full_like(error, torch.inf)
        return self._wrap_all(value, error, parents)

    def _in_place(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute out of place, then write value and bound back; views share the storage of both."""
        target = args[0]
        if not isinstance(target, BoundedTensor):
            raise NoRuleError(
                f"{func} writes a tensor with a bound into a tensor made outside of the function under test. "
                "Make that tensor inside the function."
            )
        name = func._schema.name.split("::")[1]
        packet = getattr(torch.ops.aten, rules.IN_PLACE_NAMES.get(name, name[:-1]))
        result = self._bounded(self.apply(getattr(packet, func._overloadname), args, kwargs))
        target.value.copy_(result.value)
        target.error.copy_(result.error.expand(target.error.shape))
        target.number = result.number
        return target

    # ---- conversions -------------------------------------------------------------------------------------------------

    def _bounded(self, argument: Any) -> Any:
        if isinstance(argument, Tensor) and argument.is_floating_point() and not isinstance(argument, BoundedTensor):
            return self._fresh(argument.detach(), ())
        return argument

    def _wrap_all(self, value: Any, error: Any, parents: tuple[int, ...]) -> Any:
        if isinstance(value, Tensor):
            return self.wrap(value, error, parents)
        return type(value)(self.wrap(v, e, parents) if e is not None else v for v, e in zip(value, error, strict=True))

    def _round_constants(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Plain operands beside a bounded one are inputs: exact, unless the working precision does not represent
        them."""
        if self.precision.name == "float64":
            return args
        return tuple(
            rules.RoundedConstant(a, self.precision) if isinstance(a, float) else self._bounded(a) for a in args
        )


def _flat(tree: Any) -> Any:
    for leaf in tree:
        if isinstance(leaf, list | tuple):
            yield from _flat(leaf)
        else:
            yield leaf


def _same_operation(packet: Any) -> Any:
    """PyTorch's decompositions end in `prims`, most of which are the operations of the same name in `aten`."""
    if packet._qualified_op_name.startswith("prims::") and packet not in rules.COMPOSITES | dict.fromkeys(
        rules.STRUCTURAL
    ):
        return getattr(torch.ops.aten, packet.__name__, packet)
    return packet


def _zeros(tensor: Tensor) -> Tensor:
    return torch.zeros_like(tensor, dtype=torch.float64)


def _decomposition(func: Any) -> Callable[..., Any] | None:
    """PyTorch's own way to write an operation in terms of simpler ones. Imported where it is needed: it takes a while
    to load."""
    if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
        decompose: Callable[..., Any] = func.decompose
        return decompose
    from torch._decomp import decomposition_table

    return decomposition_table.get(func)
