"""A tensor that carries its own rounding bound.

This is one of the two files that lean on parts of PyTorch that it does not document for users (the other is
`tracing.py`): `torch.Tensor._make_wrapper_subclass`, `__torch_dispatch__` and `TorchDispatchMode`, which hand
every operation to Python *below* autograd, so that autograd's backward operations pass through the same table of
rules as the forward ones; and `torch._decomp`, PyTorch's own table of operations written in terms of simpler ones.
`tests/test_private_torch.py` notices when one of them changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from gradcompare.bounds import rules
from gradcompare.bounds.known import Known
from gradcompare.bounds.operands import NoRuleError, RoundedConstant, full_error, is_exact, mapped, value, values
from gradcompare.bounds.precision import FLOAT64, Precision

aten = torch.ops.aten
_IMPRECISE = (torch.float32, torch.float16, torch.bfloat16)


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
    _number: int
    _written: list[int]
    """The numbers of what was written in place into it or into a tensor it shares memory with."""
    _seen: int
    """How many of those `_number` accounts for."""
    _made_exact: bool

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
        self.value, self.error, self.run, self._number = value, error, run, number
        self._written, self._seen, self._made_exact = [], 0, False
        return self

    @property
    def surely_exact(self) -> bool:
        """Whether it was made exact and nothing was written into it since. (Others may happen to be exact too.)"""
        return self._made_exact and not self._written

    @property
    def number(self) -> int:
        """Its place among the tensors of the run; another one after something was written into it or a view of it."""
        if self._seen != len(self._written):
            parents = (self._number, *self._written[self._seen :])
            self._renumber(self.run.wrap(self.value, self.error, parents))
        return self._number

    def overwrite(self, result: BoundedTensor) -> None:
        """Write value and bound in place: views share the memory of both."""
        self.value.copy_(result.value)
        self.error.copy_(result.error.expand(self.error.shape))
        self._written.append(result.number)
        self._number, self._seen = result.number, len(self._written)

    def _renumber(self, result: BoundedTensor) -> None:
        if result.value is not self.value:  # a substitute
            self.value.copy_(result.value)
            self.error.copy_(result.error)
        self._number, self._seen = result.number, len(self._written)

    def share_memory_notes(self, base: BoundedTensor) -> None:
        """As a view of `base`."""
        self._written, self._seen = base._written, len(base._written)
        self._made_exact = base._made_exact

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
        self._known = Known()

    @staticmethod
    def paused() -> Any:
        """A context in which torch's operations are its own again: for work on the values and errors themselves."""
        return _disable_current_modes()

    def exact(self, tensor: Tensor, *, requires_grad: bool = False) -> BoundedTensor:
        """A tensor with bound 0, an input; where the working precision does not represent a number, with the bound of
        rounding to it."""
        with self.paused():
            own = value(tensor).detach().clone()
            own = own.double() if own.is_floating_point() else own
            bounded = self._input(own)
        return bounded.requires_grad_(requires_grad)

    def wrap(self, value: Tensor, error: Tensor, parents: tuple[int, ...]) -> Any:
        """A new tensor of this run, computed from those whose numbers are given; or its substitute."""
        number = len(self.parents)
        self.parents.append(parents)
        substitute = self.substitutes.get(number)
        if substitute is not None:
            self.arrived[number] = value.clone(), error.clone()
            value, error = substitute.clone(), torch.zeros_like(substitute)
        return BoundedTensor(value, error, self, number)

    def _input(self, value: Tensor) -> Any:
        error = torch.zeros_like(value, dtype=torch.float64)
        exact = self.precision.name == "float64" or not value.is_floating_point()
        if not exact:
            rounded = value.to(getattr(torch, self.precision.name)).double()
            exact = torch.equal(rounded, value)
            if not exact:
                error = self._representation_error(value, rounded)
        bounded = self.wrap(value, error, ())
        bounded._made_exact = exact and bounded.error is error
        return bounded

    def _representation_error(self, value: Tensor, rounded: Tensor) -> Tensor:
        bound = (value.abs() * self.precision.unit_roundoff).clamp_(min=self.precision.underflow)
        bound = torch.where(rounded.isfinite(), bound, torch.inf)
        return torch.where((rounded == value) | ~value.isfinite(), 0.0, bound)

    # ---- what is known of some tensors (see `known.py`) --------------------------------------------------------------

    def is_at_least_one(self, tensor: BoundedTensor) -> bool:
        """Whether no evaluation can make an entry of it smaller than 1."""
        return bool(self._known.at_least_one) and tensor.number in self._known.at_least_one

    def extremes_shape(self, extreme: Any, of: Any, dims: int) -> tuple[int, ...] | None:
        """If `extreme` holds the maxima of `of`: their shape, with the dimensions they were taken over."""
        if not (isinstance(extreme, BoundedTensor) and isinstance(of, BoundedTensor)):
            return None
        return self._known.extremes_shape(extreme.number, of.number, extreme.value.shape, dims)

    def _note(self, packet: Any, args: tuple[Any, ...], result: BoundedTensor) -> None:
        """Only of what is the computed one, not of a substitute."""
        known, number = self._known, result._number
        if number in self.substitutes or not isinstance(args[0], BoundedTensor):
            return
        if packet in rules.KEEPS_ENTRIES:
            known.kept(number, args[0].number)
        elif packet in (aten.amax, aten.amin, aten.max, aten.min):
            known.is_extreme(number, args[0].number, args[0].value.shape, args[1] if len(args) > 1 else None)
        elif packet is aten.eq:
            for one, other in (args, args[::-1]):
                shape = self.extremes_shape(one, other, result.value.dim())
                if shape is not None:
                    known.is_mask(number, shape)
        elif packet is aten.sum:
            known.summed(number, args[0].number, result.value.shape)
        elif packet is aten.logical_or:
            known.joined(number, args[0].number)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return self.apply(func, tuple(args), dict(kwargs or {}))

    # ---- one operation -----------------------------------------------------------------------------------------------

    def apply(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run one operation on values and bounds.

        Raises NoRuleError where there is no rule for it.
        """
        tensors = [a for a in _flat((*args, *kwargs.values())) if isinstance(a, Tensor)]
        packet = func._overloadpacket
        if isinstance(kwargs.get("dtype"), torch.dtype) and kwargs["dtype"].is_floating_point:
            kwargs["dtype"] = torch.float64
        in_a_row = packet in rules.RULES or func in rules.RULES
        if not any(isinstance(t, BoundedTensor) or (in_a_row or t.is_floating_point()) for t in tensors):
            return self._fresh(func(*args, **kwargs))
        if packet is aten._local_scalar_dense:
            self.cuts += bool(args[0].requires_grad)
            return func(value(args[0]))
        if kwargs.get("out") is not None:
            raise NoRuleError(f"{func}: write the result of the operation into the tensor instead of using out=.")
        name = func._schema.name.split("::")[1]
        if name.endswith("_") and not name.endswith("__"):
            return self._in_place(func, name, args, kwargs)
        return self._out_of_place(func, args, kwargs, tensors)

    def _fresh(self, result: Any) -> Any:
        """Tensors that were not computed from others with a bound (zeros, arange, ...) are exact."""
        if isinstance(result, Tensor) and result.is_floating_point() and not isinstance(result, BoundedTensor):
            result = result.to(torch.float64)
            return self._input(result)
        return result

    def _out_of_place(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], tensors: Sequence[Tensor]) -> Any:
        packet = _same_operation(func._overloadpacket)
        if packet in rules.FRESH:
            return self._fresh(func(*values(args), **values(kwargs)))
        if packet in rules.STRUCTURAL:
            return self._structural(func, packet, args, kwargs)
        args = tuple(map(self._bounded, args))
        for key in (func, packet):
            if key in rules.COMPOSITES:
                return self._composite(packet, rules.COMPOSITES[key], args, kwargs)
            if key in rules.RULES:
                return self._rule(func, packet, rules.RULES[key], args, kwargs)
        kwargs = {k: self._bounded(a) for k, a in kwargs.items()}
        decomposition = _decomposition(func)
        if decomposition is not None:
            try:
                with self:  # the tensors that it makes for itself carry bounds too
                    return decomposition(*args, **kwargs)
            except NoRuleError as missing:
                raise NoRuleError(f"{func}, which PyTorch writes with others: {missing}") from missing
        result = func(*values(args), **values(kwargs))
        if isinstance(result, Tensor) and not result.is_floating_point() and all(map(is_exact, tensors)):
            return result
        raise NoRuleError(
            f"{func} has no rule for its rounding error. Write the code with other operations, or add a row for "
            f"torch.ops.{packet} to RULES (or STRUCTURAL, or COMPOSITES) in gradcompare/bounds/rules.py."
        )

    def _rule(self, func: Any, packet: Any, rule: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.precision.name != "float64":
            args = tuple(map(self._rounded, args))
            kwargs = {k: self._rounded(a) for k, a in kwargs.items()}
        parents = tuple(t.number for t in _flat(args) if isinstance(t, BoundedTensor))
        result = func(*values(args), **values(kwargs))
        if isinstance(result, Tensor) and result.dtype in _IMPRECISE:  # whole numbers divided, ...
            args = mapped(args, lambda t: self._bounded(t.to(torch.float64)))
            result = func(*values(args), **values(kwargs))
        if not any(isinstance(a, BoundedTensor) for a in _flat((*args, *kwargs.values()))):
            return result
        wrapped = self._wrap_all(result, rule(self, result, *args, **kwargs), parents)
        if isinstance(wrapped, BoundedTensor):
            self._note(packet, args, wrapped)
        return wrapped

    def _composite(self, packet: Any, row: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = row(*args, **kwargs)
        if packet in rules.KEEPS_ENTRIES:
            self._note(packet, args, result)
        return result

    def _structural(self, func: Any, packet: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Moving a value about moves its bound the same way."""
        kwargs = {k: v for k, v in kwargs.items() if k not in ("dtype", "device", "layout", "pin_memory")}
        sources = [a for a in _flat(args) if isinstance(a, BoundedTensor)]
        parents = tuple(t.number for t in sources)
        result = func(*values(args), **values(kwargs))
        others, options = values(args[1:]), values(kwargs)
        if packet is aten.constant_pad_nd:
            others = others[:1]  # with zeros
        bound = func(mapped(args[0], full_error), *others, **options)
        if not all(is_exact(a) for a in _flat(args[1:]) if isinstance(a, BoundedTensor)):
            bound = torch.full_like(bound, torch.inf)  # which entries are taken is itself undecided
        wrapped = self._wrap_all(result, bound, parents)
        for new in _flat([wrapped]):
            if sources and _share_memory(new.value, sources[0].value):
                new.share_memory_notes(sources[0])
            self._note(packet, args, new)
        return wrapped

    def _in_place(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute out of place, then write value and bound back."""
        target = args[0]
        if name in rules.NOT_IN_PLACE:
            raise NoRuleError(f"{func} changes the shape that a tensor already has. Make a new tensor instead.")
        if not isinstance(target, BoundedTensor):
            if all(is_exact(a) for a in _flat((*args, *kwargs.values()))):
                return func(*values(args), **values(kwargs))
            raise NoRuleError(
                f"{func} writes a tensor with a bound into a tensor that has none. Make that tensor inside the "
                "function under test."
            )
        if func._overloadpacket in rules.FRESH:
            target.overwrite(self._fresh(func(target.value.clone(), *values(args[1:]), **values(kwargs))))
        elif name != "detach_":
            target.overwrite(self._bounded(self.apply(_functional(func, name), args, kwargs)))
        return target

    # ---- conversions -------------------------------------------------------------------------------------------------

    def _bounded(self, argument: Any) -> Any:
        if isinstance(argument, Tensor) and not isinstance(argument, BoundedTensor) and argument.is_floating_point():
            return self._fresh(argument.detach())
        return argument

    def _rounded(self, argument: Any) -> Any:
        """A Python number is an input: exact, unless the working precision does not represent it."""
        if isinstance(argument, bool) or not isinstance(argument, int | float) or self.precision.represents(argument):
            return argument
        return RoundedConstant(argument, self.precision)

    def _wrap_all(self, value: Any, error: Any, parents: tuple[int, ...]) -> Any:
        if isinstance(value, Tensor):
            return self.wrap(value, error, parents)
        return type(value)(self.wrap(v, e, parents) for v, e in zip(value, error, strict=True))


def _flat(tree: Any) -> list[Any]:
    leaves: list[Any] = []
    for leaf in tree:
        if isinstance(leaf, list | tuple):
            leaves += _flat(leaf)
        else:
            leaves.append(leaf)
    return leaves


@cache
def _functional(func: Any, name: str) -> Any:
    """The operation that computes what an in-place one writes: of the same name, for the same arguments.

    Raises StopIteration where there is none.
    """
    if name == "_index_put_impl_":
        return aten.index_put.default
    packet = getattr(aten, name[:-1])
    wanted = [(a.name, str(a.type)) for a in func._schema.arguments]
    overloads = [getattr(packet, overload) for overload in packet.overloads()]
    return next(f for f in overloads if [(a.name, str(a.type)) for a in f._schema.arguments] == wanted)


def _share_memory(a: Tensor, b: Tensor) -> bool:
    return a.untyped_storage()._cdata == b.untyped_storage()._cdata


def _same_operation(packet: Any) -> Any:
    """PyTorch's decompositions end in `prims`, most of which are the operations of the same name in `aten`."""
    own_row = packet in rules.COMPOSITES or packet in rules.STRUCTURAL
    if own_row or not packet._qualified_op_name.startswith("prims::"):
        return packet
    return getattr(aten, packet.__name__, packet)


def _decomposition(func: Any) -> Callable[..., Any] | None:
    """PyTorch's own way to write an operation in terms of simpler ones. Imported where it is needed: it takes a while
    to load."""
    if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
        decompose: Callable[..., Any] = func.decompose
        return decompose
    from torch._decomp import decomposition_table

    return decomposition_table.get(func)
