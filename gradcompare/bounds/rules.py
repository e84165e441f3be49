"""The table of rules: for each torch operation, how far the result can be off when its arguments are off by their own
bounds.

A row is `operation: rule`. How the errors of the arguments move the exact result stands in `propagation.py`; the kinds
of rules, which add what the operation itself rounds, in `kinds.py`, `products.py`, `kinks.py` and `indexed.py`; and the
proofs of both in `PROOF.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from gradcompare.bounds.composites import (
    converted,
    cross_entropy_of_logits,
    divided,
    power_of_two,
    product_over,
    softmax_gradient,
    variance,
)
from gradcompare.bounds.indexed import accumulated, put, scattered
from gradcompare.bounds.kinds import (
    Rule,
    added,
    by_slope,
    elementary,
    jumping,
    rounded,
    subtracted_from,
    with_workspace,
)
from gradcompare.bounds.kinks import (
    all_or_any,
    comparison,
    equality,
    extreme,
    extreme_and_position,
    foremost,
    gate,
    in_order,
    logical,
    position_of_extreme,
    positions,
    rectified,
    sign,
)
from gradcompare.bounds.operands import error, magnitude, nonzero
from gradcompare.bounds.products import cumulative, multiplied, product, product_added, reduction
from gradcompare.bounds.propagation import (
    atan_slope,
    chosen,
    clamped,
    clamped_above,
    divided_by,
    erf_slope,
    exponential,
    exponential_less_1,
    filled,
    inverted,
    larger,
    log_sigmoid,
    logarithm,
    multiplied_by,
    raised,
    sigmoid_slope,
    smaller,
    softplus,
    softplus_slope,
    square_root,
    tanh_slope,
    unmoved,
)
from gradcompare.bounds.softmax import log_softmax, softmax

aten, prims = torch.ops.aten, torch.ops.prims


def _of_two(a: Any, b: Any, *_: Any) -> Any:
    """A product or quotient of something that may be anything but 0 can underflow."""
    return nonzero(a) * nonzero(b)


def _of_first(a: Any, *_: Any) -> Any:
    return nonzero(a)


RULES: dict[Any, Rule] = {
    # arithmetic
    aten.add: added,
    aten.sub: added,
    aten.rsub: subtracted_from,
    aten.mul: rounded(multiplied_by, underflows=_of_two),
    aten.div: rounded(divided_by, underflows=_of_first),
    aten.reciprocal: rounded(inverted, underflows=_of_first),
    aten.pow: elementary(raised, underflows=_of_first),
    aten.sqrt: rounded(square_root, units=2),
    aten.neg: rounded(unmoved, units=0),
    aten.abs: rounded(unmoved, units=0),
    aten.sign: sign,
    aten.sgn: sign,
    # products
    aten.mm: product(aten.mm),
    aten.bmm: product(aten.bmm),
    aten.mv: product(aten.mv),
    aten.dot: product(aten.dot),
    aten.addmm: product_added(aten.mm),
    aten.baddbmm: product_added(aten.bmm),
    aten.addmv: product_added(aten.mv),
    # sums
    aten.sum: reduction(),
    aten.mean: reduction(mean=True),
    aten.cumsum: cumulative,
    aten.prod: multiplied,
    aten.index_add: accumulated(aten.index_add),
    aten.scatter_add: accumulated(aten.scatter_add),
    # elementary functions
    aten.exp: elementary(exponential),
    aten.expm1: elementary(exponential_less_1, underflows=_of_first),
    aten.log: elementary(logarithm(0)),
    aten.log2: elementary(logarithm(0, math.log(2))),
    aten.log10: elementary(logarithm(0, math.log(10))),
    aten.log1p: elementary(logarithm(1), underflows=_of_first),
    aten.tanh: elementary(by_slope(tanh_slope), underflows=_of_first),
    aten.sigmoid: elementary(by_slope(sigmoid_slope)),
    aten.softplus: elementary(softplus, functions=2),
    aten.softplus_backward: elementary(softplus_slope, functions=2, underflows=lambda g, *_: 1 + magnitude(g)),
    aten.log_sigmoid_forward: with_workspace(elementary(log_sigmoid, functions=3)),
    aten.erf: elementary(by_slope(erf_slope), underflows=_of_first),
    aten.atan: elementary(by_slope(atan_slope), underflows=_of_first),
    aten.sin: elementary(unmoved, underflows=_of_first),
    aten.cos: elementary(unmoved),
    aten._softmax: softmax,
    aten._log_softmax: log_softmax,
    # kinks and jumps
    aten.relu: rectified,
    aten.threshold_backward: gate,
    aten.clamp: rounded(clamped, units=0),
    aten.clamp_min: rounded(clamped, units=0),
    aten.clamp_max: rounded(clamped_above, units=0),
    aten.maximum: rounded(larger, units=0),
    aten.minimum: rounded(smaller, units=0),
    aten.max.other: rounded(larger, units=0),
    aten.min.other: rounded(smaller, units=0),
    aten.amax: extreme,
    aten.amin: extreme,
    aten.max.default: extreme,
    aten.min.default: extreme,
    aten.max.dim: extreme_and_position,
    aten.min.dim: extreme_and_position,
    aten.argmax: position_of_extreme,
    aten.argmin: position_of_extreme,
    aten.sort: in_order,
    aten.topk: foremost,
    aten.floor: jumping(torch.floor),
    aten.ceil: jumping(torch.ceil),
    aten.trunc: jumping(torch.trunc),
    aten.round: jumping(torch.round),
    # choosing and writing
    aten.where.self: rounded(chosen, units=0),
    aten.masked_fill: rounded(filled, units=0),
    aten.scatter.src: scattered,
    aten.scatter.value: scattered,
    aten.index_put: put,
    aten.copy: rounded(lambda y, x, source, *_: error(source), units=0),
    aten.fill: rounded(lambda y, x, fill: error(fill), units=0),
    # answers
    aten.gt: comparison,
    aten.ge: comparison,
    aten.lt: comparison,
    aten.le: comparison,
    aten.eq: equality,
    aten.ne: equality,
    aten.logical_and: logical,
    aten.logical_or: logical,
    aten.logical_xor: logical,
    aten.logical_not: logical,
    aten.bitwise_and: logical,
    aten.bitwise_or: logical,
    aten.bitwise_xor: logical,
    aten.bitwise_not: logical,
    aten.all: all_or_any,
    aten.any: all_or_any,
    aten.nonzero: positions,
    aten.count_nonzero: positions,
}

STRUCTURAL = {
    aten.alias,
    aten.as_strided,
    aten.cat,
    aten.clone,
    aten.constant_pad_nd,
    aten.detach,
    aten.diag_embed,
    aten.diagonal,
    aten.diagonal_backward,
    aten.expand,
    aten.flip,
    aten.gather,
    aten.index,
    aten.index_select,
    aten.lift,
    aten.lift_fresh,
    aten.masked_select,
    aten.permute,
    aten.repeat,
    aten.roll,
    aten.select,
    aten.select_backward,
    aten.slice,
    aten.slice_backward,
    aten.split,
    aten.split_with_sizes,
    aten.squeeze,
    aten.stack,
    aten.t,
    aten.transpose,
    aten.tril,
    aten.triu,
    aten.unbind,
    aten.unfold,
    aten.unsqueeze,
    aten.view,
    aten._unsafe_view,
    aten._reshape_alias,
    prims.broadcast_in_dim,
}
"""Operations that move values about: the bounds move the same way."""

FRESH = {
    aten.zeros_like,
    aten.ones_like,
    aten.full_like,
    aten.empty_like,
    aten.rand_like,
    aten.randn_like,
    aten.new_zeros,
    aten.new_ones,
    aten.new_full,
    aten.new_empty,
    aten.new_empty_strided,
    aten.bernoulli,
    aten.multinomial,
    aten.zero_,
    aten.bernoulli_,
    aten.normal_,
    aten.uniform_,
    aten.exponential_,
}
"""Operations whose result does not depend on the values of their arguments, or at random only."""

COMPOSITES: dict[Any, Callable[..., Any]] = {
    aten._to_copy: converted,
    prims.convert_element_type: converted,
    aten.div.Tensor_mode: divided,
    aten.div.Scalar_mode: divided,
    aten.std: lambda x, *args, **kwargs: x.var(*args, **kwargs).sqrt(),
    aten.var: variance,
    prims.var: lambda x, dims, correction=1, **_: variance(x, dims, correction),
    prims.sum: lambda x, dims, **_: x.sum(dims),
    prims.prod: lambda x, dims, **_: product_over(x, dims),
    aten.square: lambda x: x * x,
    aten.exp2: power_of_two,
    aten.rsqrt: lambda x: 1 / x.sqrt(),
    aten.tanh_backward: lambda g, y: g * (1 - y * y),
    aten.sigmoid_backward: lambda g, y: g * (1 - y) * y,
    aten._softmax_backward_data: lambda g, y, dim, _: softmax_gradient(g * y, y, dim),
    aten._log_softmax_backward_data: lambda g, y, dim, _: softmax_gradient(g, y.exp(), dim),
    aten.log_sigmoid_backward: lambda g, x, _: g * (-x).sigmoid(),
    aten.binary_cross_entropy_with_logits: cross_entropy_of_logits,
    aten.leaky_relu: lambda x, slope=0.01: torch.where(x > 0, x, x * slope),
    aten.leaky_relu_backward: lambda g, x, slope, _of_result: torch.where(x > 0, g, g * slope),
}
"""Operations computed, values and bounds, as these expressions; what is in no table is left to PyTorch's own
decompositions."""

NOT_IN_PLACE = {"squeeze_", "unsqueeze_", "t_", "transpose_", "as_strided_", "resize_", "set_", "swapaxes_"}
"""These change the shape that a tensor already has, which a tensor with a bound cannot do."""

KEEPS_ENTRIES = {
    aten.alias,
    aten.clone,
    aten.detach,
    aten.expand,
    aten.lift_fresh,
    aten.squeeze,
    aten.unsqueeze,
    aten.view,
    aten._to_copy,
    aten._unsafe_view,
    aten._reshape_alias,
}
"""Operations after which the entries are still the same, in the same order: what is known of them stays known."""
