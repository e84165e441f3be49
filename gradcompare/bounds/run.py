"""One evaluation with bounds: each operation of torch is run on the values, and on the bounds by its row in the table
of rules. It leans on what `tensor.py` says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from gradcompare.bounds import nonfinite, rules
from gradcompare.bounds.known import Known
from gradcompare.bounds.operands import NoRuleError, RoundedConstant, full_error, is_exact, mapped, value, values
from gradcompare.bounds.precision import FLOAT64, Precision
from gradcompare.bounds.tensor import BoundedTensor, Memory, bounded_among

aten = torch.ops.aten
_EXTREMES = {aten.amax, aten.amin, aten.max, aten.min}
_NOTED = {*rules.KEEPS_ENTRIES, *_EXTREMES, aten.eq, aten.sum, aten.logical_or}
_IMPRECISE = (torch.float32, torch.float16, torch.bfloat16)


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
        bounds: False where only the values and what they are computed from are asked for: every bound is 0 then.
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
        self.bounds = True
        self.precision = precision
        self.ties_are_kinks = ties_are_kinks
        self.substitutes = dict(substitutes or {})
        self.parents: list[tuple[int, ...]] = []
        self.arrived: dict[int, tuple[Tensor, Tensor]] = {}
        self.met_a_tie = False
        self.cuts = 0
        self._known = Known()
        self._constants_not_finite = False
        """Whether the code has made numbers that are not finite (see `nonfinite.py`)."""

    @staticmethod
    def paused() -> Any:
        """A context in which torch's operations are its own again: for work on the values and errors themselves."""
        return _disable_current_modes() if torch._C._len_torch_dispatch_stack() else nullcontext()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not wrapped for `torch.compile`, which would have to be loaded."""
        return False

    def exact(self, tensor: Tensor, *, requires_grad: bool = False) -> BoundedTensor:
        """A tensor with bound 0, an input; where the working precision does not represent a number, with the bound of
        rounding to it."""
        with self.paused():
            own = value(tensor).detach().clone()
            bounded = self._input(own.double() if own.is_floating_point() else own)
        bounded.requires_grad_(requires_grad)
        return bounded

    def wrap(
        self, value: Tensor, error: Tensor | None, parents: tuple[int, ...], memory: Memory | None = None
    ) -> BoundedTensor:
        """A new tensor of this run, computed from those whose numbers are given; or its substitute.

        `error` None: exact. `memory`: that of the tensor with which it shares it.
        """
        number = len(self.parents)
        self.parents.append(parents)
        substitute = self.substitutes.get(number)
        if substitute is not None and substitute.shape == value.shape:  # else the code went another way than before
            self.arrived[number] = value.clone(), torch.zeros_like(substitute) if error is None else error.clone()
            value, error, memory = _as_laid_out(value, substitute), self._kinks_among(value, error, substitute), None
        return BoundedTensor(value, error, self, number, memory)

    def _kinks_among(self, value: Tensor, error: Tensor | None, substitute: Tensor) -> Tensor | None:
        """What is handed on is exact, but an exact 0 that is to be a kink stays one (see `kinks.rectified`)."""
        if error is None or not self.ties_are_kinks:
            return None
        marked = (error == self.precision.underflow) & (value == 0) & (substitute == 0)
        return torch.where(marked, error, 0.0) if bool(marked.any()) else None

    def before_writing(self) -> None:
        """Called before something is written into a tensor of this run."""

    def _input(self, value: Tensor) -> BoundedTensor:
        error = None
        if value.is_floating_point() and not math.isfinite(float(value.sum())):
            self._constants_not_finite = True
        if self.precision.name != "float64" and value.is_floating_point():
            rounded = value.to(getattr(torch, self.precision.name)).double()
            if not torch.equal(rounded, value):
                error = self._representation_error(value, rounded)
        return self.wrap(value, error, ())

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
        if type(extreme) is not BoundedTensor or type(of) is not BoundedTensor:
            return None
        return self._known.extremes_shape(extreme.number, of.number, extreme.value.shape, dims)

    def _note(self, packet: Any, args: tuple[Any, ...], result: BoundedTensor) -> None:
        """Only of what is the computed one, not of a substitute."""
        known, number = self._known, result._number
        if packet not in _NOTED or number in self.substitutes or type(args[0]) is not BoundedTensor:
            return
        if packet in rules.KEEPS_ENTRIES:
            known.kept(number, args[0].number)
        elif packet in _EXTREMES:
            known.is_extreme(number, args[0].number, args[0].value.shape, args[1] if len(args) > 1 else None)
        elif packet is aten.eq:
            for one, other in (args, args[::-1]):
                shape = self.extremes_shape(one, other, result.value.dim())
                if shape is not None:
                    known.is_mask(number, shape)
        elif packet is aten.sum:
            known.summed(number, args[0].number, result.value.shape)
        else:
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
        row = _row(func)
        given = (*args, *kwargs.values()) if kwargs else args
        bounded = bounded_among(given)
        if kwargs:
            dtype = kwargs.get("dtype")
            if isinstance(dtype, torch.dtype) and dtype.is_floating_point:
                kwargs["dtype"] = torch.float64
            if kwargs.get("out") is not None:
                raise NoRuleError(f"{func}: write the result of the operation into the tensor instead of using out=.")
        if not bounded and not any(row.of_any_dtype or t.is_floating_point() for t in tensors_among(given)):
            return self._fresh(func(*args, **kwargs))
        if row.packet is aten._local_scalar_dense:
            self.cuts += bool(args[0].requires_grad)
            return func(value(args[0]))
        if row.writes is not None:
            return self._in_place(func, row, args, kwargs)
        return self._out_of_place(func, row, args, kwargs, bounded)

    def _fresh(self, result: Any) -> Any:
        """Tensors that were not computed from others with a bound (zeros, arange, ...) are exact."""
        if isinstance(result, Tensor) and result.is_floating_point() and type(result) is not BoundedTensor:
            return self._input(result.to(torch.float64))
        return result

    def _out_of_place(
        self, func: Any, row: Row, args: tuple[Any, ...], kwargs: dict[str, Any], bounded: list[BoundedTensor]
    ) -> Any:
        if row.structural:
            return self._structural(func, row.packet, args, kwargs, bounded)
        if row.fresh:
            return self._fresh(func(*values(args), **values(kwargs)))
        args = tuple(map(self._bounded, args))
        if row.rule is not None:
            return self._rule(func, row, args, kwargs)
        if row.expression is not None:
            with self:  # not by BoundedTensor's own dispatch, for which PyTorch loads all of torch.distributed
                result = row.expression(*args, **kwargs)
            if row.packet in rules.KEEPS_ENTRIES:
                self._note(row.packet, args, result)
            return result
        kwargs = {k: self._bounded(a) for k, a in kwargs.items()}
        decomposition = _decomposition(func)
        if decomposition is not None:
            try:
                with self:  # the tensors that it makes for itself carry bounds too
                    return decomposition(*args, **kwargs)
            except NoRuleError as missing:
                raise NoRuleError(f"{func}, which PyTorch writes with others: {missing}") from missing
        result = func(*values(args), **values(kwargs))
        if isinstance(result, Tensor) and not result.is_floating_point() and all(map(is_exact, bounded)):
            return result
        raise NoRuleError(
            f"{func} has no rule for its rounding error. Write the code with other operations, or add a row for "
            f"torch.ops.{row.packet} to RULES (or STRUCTURAL, or COMPOSITES) in gradcompare/bounds/rules.py."
        )

    def _rule(self, func: Any, row: Row, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.precision.name != "float64":
            args = tuple(map(self._rounded, args))
            kwargs = {k: self._rounded(a) for k, a in kwargs.items()}
        bounded = bounded_among(args)
        parents = tuple(t.number for t in bounded)  # may write a substitute into one
        result = func(*values(args), **values(kwargs))
        if isinstance(result, Tensor) and result.dtype in _IMPRECISE:  # whole numbers divided, ...
            args = mapped(args, lambda t: self._bounded(t.to(torch.float64)))
            result = func(*values(args), **values(kwargs))
        if not bounded and not bounded_among((*args, *kwargs.values())):
            return result
        error = row.rule(self, result, *args, **kwargs) if self.bounds else None
        self._constants_not_finite = self._constants_not_finite or nonfinite.is_among(args)
        if (
            self._constants_not_finite
            and error is not None
            and isinstance(result, Tensor)
            and result.is_floating_point()
        ):
            surely = nonfinite.because_of_constants(func, args, kwargs)
            error = error if surely is None else torch.where(surely, 0.0, error)
        wrapped = self._wrap_all(result, error, parents)
        if type(wrapped) is BoundedTensor:
            self._note(row.packet, args, wrapped)
        return wrapped

    def _structural(
        self, func: Any, packet: Any, args: tuple[Any, ...], kwargs: dict[str, Any], sources: list[BoundedTensor]
    ) -> Any:
        """Moving a value about moves its bound the same way."""
        if kwargs:
            kwargs = {k: v for k, v in kwargs.items() if k not in ("dtype", "device", "layout", "pin_memory")}
        if type(args[0]) is not BoundedTensor:
            args = (mapped(args[0], self._bounded), *args[1:])
            sources = bounded_among(args)
        parents = tuple(t.number for t in sources)
        others, options = values(args[1:]), values(kwargs)
        result = func(values(args[:1])[0], *others, **options)
        bound: Any = None if isinstance(result, Tensor) else [None] * len(result)
        if not all(source.memory.surely_exact for source in sources):
            if packet is aten.constant_pad_nd:
                others = others[:1]  # with zeros
            bound = func(mapped(args[0], full_error), *others, **options)
            if not all(map(is_exact, bounded_among(args[1:]))):
                bound = torch.full_like(bound, torch.inf)  # which entries are taken is itself undecided
        wrapped = self._wrap_all(result, bound, parents, sources[0] if sources else None)
        for new in (wrapped,) if type(wrapped) is BoundedTensor else wrapped:
            self._note(packet, args, new)
        return wrapped

    def _in_place(self, func: Any, row: Row, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute out of place, then write value and bound back."""
        target = args[0]
        if row.writes in rules.NOT_IN_PLACE:
            raise NoRuleError(f"{func} changes the shape that a tensor already has. Make a new tensor instead.")
        if type(target) is not BoundedTensor:
            if all(map(is_exact, bounded_among((*args, *kwargs.values())))):
                return func(*values(args), **values(kwargs))
            raise NoRuleError(
                f"{func} writes a tensor with a bound into a tensor that has none. Make that tensor inside the "
                "function under test."
            )
        if row.fresh:
            target.overwrite(self._fresh(func(target.value.clone(), *values(args[1:]), **values(kwargs))))
        elif row.writes != "detach_":
            target.overwrite(self._bounded(self.apply(_functional(func, row.writes), args, kwargs)))
        return target

    # ---- conversions -------------------------------------------------------------------------------------------------

    def _bounded(self, argument: Any) -> Any:
        if type(argument) is not BoundedTensor and isinstance(argument, Tensor) and argument.is_floating_point():
            return self._fresh(argument.detach())
        return argument

    def _rounded(self, argument: Any) -> Any:
        """A Python number is an input: exact, unless the working precision does not represent it."""
        if type(argument) is BoundedTensor or isinstance(argument, bool) or not isinstance(argument, int | float):
            return argument
        return argument if self.precision.represents(argument) else RoundedConstant(argument, self.precision)

    def _wrap_all(self, value: Any, error: Any, parents: tuple[int, ...], source: BoundedTensor | None = None) -> Any:
        """The result of an operation, with its bound; several, where it has several. It may share memory with one it
        was made from."""
        if isinstance(value, Tensor):
            memory = source.memory if source is not None and _share_memory(value, source.value) else None
            return self.wrap(value, error, parents, memory)
        errors = [None] * len(value) if error is None else error
        return type(value)(self._wrap_all(v, e, parents, source) for v, e in zip(value, errors, strict=True))


@dataclass(frozen=True)
class Row:
    """What the tables say of one operation."""

    packet: Any
    writes: str | None
    """Its name, where it works in place."""
    structural: bool
    fresh: bool
    rule: Any
    expression: Any
    of_any_dtype: bool
    """Whether its rule is for whole numbers too."""


@cache
def _row(func: Any) -> Row:
    name = func._schema.name.split("::")[1]
    packet = _same_operation(func._overloadpacket)
    tables = ((rules.COMPOSITES, key) if key in rules.COMPOSITES else (rules.RULES, key) for key in (func, packet))
    table, key = next(((table, key) for table, key in tables if key in table), ({}, None))
    return Row(
        packet=packet,
        writes=name if name.endswith("_") and not name.endswith("__") else None,
        structural=packet in rules.STRUCTURAL,
        fresh=packet in rules.FRESH,
        rule=table.get(key) if table is rules.RULES else None,
        expression=table.get(key) if table is rules.COMPOSITES else None,
        of_any_dtype=func._overloadpacket in rules.RULES or func in rules.RULES,
    )


def tensors_among(arguments: Iterable[Any]) -> list[Tensor]:
    """The tensors, in order, in nested lists and tuples too."""
    found: list[Tensor] = []
    for argument in arguments:
        if isinstance(argument, list | tuple):
            found += tensors_among(argument)
        elif isinstance(argument, Tensor):
            found.append(argument)
    return found


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


def _as_laid_out(value: Tensor, substitute: Tensor) -> Tensor:
    """A copy of the substitute with the strides of the value: what is computed from it must take the same course, and a
    reshape copies or not by the strides."""
    if any(n > 1 and stride == 0 for n, stride in zip(value.shape, value.stride(), strict=True)):
        return substitute.clone()
    return torch.empty_strided(value.shape, value.stride(), dtype=substitute.dtype).copy_(substitute)


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
