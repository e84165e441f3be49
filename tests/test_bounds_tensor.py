"""The tensor that carries its bound: structure, views, writing in place, kinks, what is exact and what is undecided."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gradcompare.bounds import FLOAT32, FLOAT64, BoundedTensor, NoRuleError, Precision, Run
from gradcompare.bounds.rules import FRESH, NOT_IN_PLACE, STRUCTURAL

aten, prims = torch.ops.aten, torch.ops.prims


def made(run: Run, value: Any, error: Any = 0.0, **options: Any) -> BoundedTensor:
    """A tensor of the run with this value and this error."""
    value = torch.as_tensor(value, dtype=torch.float64).clone()
    error = torch.as_tensor(error, dtype=torch.float64).broadcast_to(value.shape).clone()
    return run.wrap(value, error, ()).requires_grad_(options.get("requires_grad", False))


def tensor_of(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


# ---- moving values about ---------------------------------------------------------------------------------------------

STRUCTURES: dict[Any, Callable[[Any], Any]] = {
    aten.alias: aten.alias,
    aten.as_strided: lambda x: aten.as_strided(x, [2, 2], [4, 1], 1),
    aten.cat: lambda x: torch.cat([x, 2 * torch.ones_like(x), x]),
    aten.clone: torch.clone,
    aten.constant_pad_nd: lambda x: aten.constant_pad_nd(x, [1, 2], 7.0),
    aten.detach: lambda x: x.detach(),
    aten.diag_embed: torch.diag_embed,
    aten.diagonal: torch.diagonal,
    aten.diagonal_backward: lambda x: aten.diagonal_backward(x[0, :3], [3, 4], 0, 0, 1),
    aten.expand: lambda x: x[:1].expand(3, 4),
    aten.flip: lambda x: x.flip(0, 1),
    aten.gather: lambda x: x.gather(0, torch.tensor([[0, 2, 1, 1]])),
    aten.index: lambda x: x[torch.tensor([2, 0]), torch.tensor([1, 1])],
    aten.index_select: lambda x: x.index_select(1, torch.tensor([2, 0])),
    aten.lift: aten.lift,
    aten.lift_fresh: aten.lift_fresh,
    aten.masked_select: lambda x: x.masked_select(torch.eye(3, 4, dtype=torch.bool)),
    aten.permute: lambda x: x.permute(1, 0),
    aten.repeat: lambda x: x.repeat(2, 1),
    aten.roll: lambda x: x.roll(1, 0),
    aten.select: lambda x: x[1],
    aten.select_backward: lambda x: aten.select_backward(x[0], [3, 4], 0, 1),
    aten.slice: lambda x: x[1:, ::2],
    aten.slice_backward: lambda x: aten.slice_backward(x[1:], [3, 4], 0, 1, 3, 1),
    aten.split: lambda x: x.split(2)[0],
    aten.split_with_sizes: lambda x: aten.split_with_sizes(x, [1, 2])[1],
    aten.squeeze: lambda x: x[:1].squeeze(0),
    aten.stack: lambda x: torch.stack([x, x], 1),
    aten.t: lambda x: x.t(),
    aten.transpose: lambda x: x.transpose(0, 1),
    aten.tril: torch.tril,
    aten.triu: torch.triu,
    aten.unbind: lambda x: x.unbind(1)[2],
    aten.unfold: lambda x: x.unfold(1, 2, 1),
    aten.unsqueeze: lambda x: x.unsqueeze(1),
    aten.view: lambda x: x.view(2, 6),
    aten._unsafe_view: lambda x: aten._unsafe_view(x, [4, 3]),
    aten._reshape_alias: lambda x: aten._reshape_alias(x, [4, 3], [3, 1]),
    prims.broadcast_in_dim: lambda x: prims.broadcast_in_dim(x, [2, 3, 4], [1, 2]),
}


def test_every_structural_operation_has_a_test():
    assert set(STRUCTURES) == STRUCTURAL


@pytest.mark.parametrize("operation", STRUCTURES, ids=str)
def test_bounds_move_as_values_do(operation: Any):
    """The values are their own bounds, so that the one is seen to go where the other goes."""
    move, run, numbers = STRUCTURES[operation], Run(), tensor_of(3, 4).abs()
    y = move(made(run, numbers, numbers))
    plain = move(numbers.clone())
    torch.testing.assert_close(y.value, plain)
    constant = (plain == 7) | (plain == 2)  # the padding, the ones
    torch.testing.assert_close(y.error, torch.where(constant, 0.0, plain))


@pytest.mark.parametrize(
    "make",
    [
        lambda x: torch.zeros(2, 3),
        lambda x: torch.zeros_like(x),
        lambda x: x.new_zeros(3),
        lambda x: torch.arange(4.0),
        lambda x: x.new_full((2,), 0.5),
        lambda x: torch.ones(3, dtype=torch.float32),
        lambda x: torch.eye(3),
        lambda x: torch.empty_like(x).zero_(),
        lambda x: torch.empty_like(x).uniform_(),
        lambda x: torch.bernoulli(0.5 * torch.ones_like(x)),
    ],
)
def test_what_is_made_is_exact_and_float64(make: Callable[[Any], Any]):
    with Run() as run:
        y = make(run.exact(tensor_of(2, 2)))
    assert isinstance(y, BoundedTensor)
    assert y.value.dtype == torch.float64
    assert not y.error.any()
    assert {aten.zeros_like, aten.new_full} <= FRESH


# ---- views and writing in place --------------------------------------------------------------------------------------

WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "row": lambda x, v: x[0].copy_(v[0]),
    "add to row": lambda x, v: x[1].add_(v[1]),
    "setitem of a row": lambda x, v: x.__setitem__(0, v[2]),
    "setitem of a slice": lambda x, v: x.__setitem__((slice(None), slice(1, 3)), v[:, :2]),
    "setitem of places": lambda x, v: x.__setitem__((torch.tensor([0, 1]), torch.tensor([2, 2])), v[0, :2]),
    "setitem of a mask": lambda x, v: x.__setitem__(torch.eye(3, 4, dtype=torch.bool), v[0, 0]),
    "all": lambda x, v: x.mul_(v),
    "divide": lambda x, v: x.div_(v),
    "power": lambda x, v: x.pow_(2),
    "number": lambda x, v: x.fill_(3.0),
    "transposed": lambda x, v: x.t()[1].sub_(v[:, 0]),
    "reshaped": lambda x, v: x.view(-1)[5:].mul_(v.reshape(-1)[5:]),
    "masked fill": lambda x, v: x.masked_fill_(torch.eye(3, 4, dtype=torch.bool), 0.5),
    "overlapping": lambda x, v: x[1:].copy_(x[:-1].clone()),
    "clamp": lambda x, v: x.clamp_(min=0),
    "relu": lambda x, v: x.relu_(),
    "zero": lambda x, v: x[2].zero_(),
    "index add": lambda x, v: x.index_add_(0, torch.tensor([0, 0]), v[:2]),
}


@pytest.mark.parametrize("name", WRITES)
def test_writing_in_place_is_computing_out_of_place(name: str):
    """Value and error of base and views agree with those of the plain tensors, seen through every view."""
    run, x, v = Run(), tensor_of(3, 4), tensor_of(3, 4, seed=1)
    bounded, given = made(run, x, 1e-9), made(run, v, 1e-9)
    before, view = bounded.number, bounded[:, 1]
    plain = x.clone()
    WRITES[name](plain, v)
    WRITES[name](bounded, given)
    torch.testing.assert_close(bounded.value, plain)
    torch.testing.assert_close(view.value, plain[:, 1])
    torch.testing.assert_close(view.error, bounded.error[:, 1])
    assert bounded.error.untyped_storage().data_ptr() != given.error.untyped_storage().data_ptr()
    assert bounded.number != before, "a tensor that was written into is another one"
    ancestors, waiting = set[int](), [bounded.number]
    while waiting:
        ancestors |= (new := {p for n in waiting for p in run.parents[n]} - ancestors)
        waiting = list(new)
    if name not in ("number",):
        assert before in ancestors
    if name not in ("number", "power", "masked fill", "overlapping", "clamp", "relu", "zero"):
        assert given.number in ancestors


def test_results_share_no_bound_with_arguments():
    run = Run()
    x = made(run, tensor_of(3, 4), 1e-9)
    for result in (
        -x,
        x.abs(),
        x.clone(),
        x.relu(),
        x.to(torch.float64, copy=True),
        torch.where(x > 0, x, x),
        x.clamp(0, 1),
    ):
        result.error.fill_(7.0)
    assert float(x.error.max()) == 1e-9


def test_what_cannot_be_written_says_so():
    run = Run()
    x, outside = made(run, [1.0, 2.0], 1e-9), torch.zeros(2, dtype=torch.float64)
    with pytest.raises(NoRuleError, match="has none"):
        outside.add_(x)
    with pytest.raises(NoRuleError, match="out="):
        torch.add(x, x, out=outside)
    for name in NOT_IN_PLACE & {"unsqueeze_", "t_"}:
        with pytest.raises(NoRuleError, match="shape"):
            getattr(made(run, [[1.0]]), name)(*([0] if name == "unsqueeze_" else []))
    counts = torch.zeros(3, dtype=torch.int64)
    counts[run.exact(torch.tensor([1.0, 0.0, 1.0])) > 0] = 4
    assert counts.tolist() == [4, 0, 4]


def test_an_operation_without_a_rule_is_named():
    with pytest.raises(NoRuleError, match=r"erfinv.*rules\.py"):
        torch.erfinv(made(Run(), [0.5]))


# ---- exact things stay exact -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [FLOAT32, FLOAT64], ids=["float32", "float64"])
def test_an_exact_zero_stays_exact(p: Precision):
    """So that W1 = 0 or a zero sample is an exact tie at the kink, in both precisions."""
    with Run(p) as run:
        W, X, zero = run.exact(tensor_of(3, 4)), run.exact(tensor_of(4, 5)), run.exact(torch.zeros(4, 5))
        Z = W @ zero
        zeros = [
            Z,
            0 * W,
            Z * 0.1,
            Z / 3,
            Z.sum(0),
            Z.mean(),
            Z.tanh(),
            Z.relu(),
            -Z,
            Z - Z,
            Z**2,
            Z.cumsum(0),
            Z.prod(),
        ]
        zeros += [F.linear(zero.t(), W), torch.addmm(Z, W, zero), F.leaky_relu(Z), (W @ X) * 0, Z.sqrt(), Z.expm1()]
    for number, exact in enumerate(zeros):
        assert not exact.value.any(), number
        assert not exact.error.any(), number


def test_constants_are_inputs():
    z = Run(FLOAT32).exact(torch.ones(2))
    assert not (z * 0.5).error.isnan().any()
    assert float((z * 0.01).error[0]) > float((z * 0.5).error[0]) / 50  # one rounding, and that of 0.01
    inputs = Run(FLOAT32).exact(torch.tensor([0.1, 0.5, 1e-46, 1e39], dtype=torch.float64))
    assert (inputs.error > 0).tolist() == [True, False, True, True]
    assert math.isinf(inputs.error[3])


@pytest.mark.parametrize(
    "moved", [lambda t: t.clone(), lambda t: t.expand(2), lambda t: torch.stack([t, t]), lambda t: t.reshape(1, 1)]
)
def test_constants_that_are_moved_about_first_are_rounded_too(moved: Callable[[Any], Any]):
    tenth, half = torch.tensor(0.1, dtype=torch.float64), torch.tensor(0.5)
    with Run(FLOAT32):
        a, b = moved(tenth), moved(half)
    assert bool((a.error >= abs(float(np.float32(0.1)) - 0.1)).all())
    assert not bool(b.error.any())


def test_whole_numbers_divide_in_float64():
    with Run(FLOAT64):
        third = torch.tensor([1, 2]) / 3
    assert third.value.tolist() == [1 / 3, 2 / 3]
    assert 0 < float(third.error.max()) < 1e-15


# ---- what cannot be bounded is infinite ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: 1 / (x - x * (1 + 1e-9)),  # a divisor that may be 0
        lambda x: (x - 1).log(),
        lambda x: (x - 1).sqrt(),
        lambda x: (x - 1) ** 0.5,
        lambda x: (x - 1) ** -1,
        lambda x: (100 * x).exp(),  # beyond float32
        lambda x: x * 1e30 * 1e30,
        lambda x: (torch.stack([x, x, -2 * x]) * 2e38).sum(),  # on the way
        lambda x: torch.stack([x, x, -2 * x]) @ torch.full((3,), 2e38),
        lambda x: (100 * x).exp() * 0,  # may be infinity times 0
        lambda x: (100 * x).exp() * 0 + torch.maximum(x, torch.tensor(-math.inf)),
        lambda x: torch.where(x > 1, math.inf, x),  # which of the two is undecided
    ],
)
def test_what_cannot_be_bounded_is_infinite(compute: Callable[[Any], Any]):
    with Run(FLOAT32) as run:
        x = run.wrap(torch.tensor(1.0, dtype=torch.float64), torch.tensor(1e-6, dtype=torch.float64), ())
        y = compute(x)
    assert bool(y.error.isinf().all())


@pytest.mark.parametrize("constant", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize(
    "compute",
    [
        lambda x, c: x * c,
        lambda x, c: c - x,
        lambda x, c: (x + torch.tensor(c)) * 2,
        lambda x, c: torch.stack([x, torch.full((), c)]).sum(),
        lambda x, c: torch.stack([x, x * c]) @ torch.ones(2),
        lambda x, c: ((100 * x).exp() + c) * x,  # whatever the overflow is
        lambda x, c: torch.where(x > 2, x, c),
        lambda x, c: torch.where(x > 0, x * c, x).abs().sqrt(),
    ],
)
@pytest.mark.parametrize("p", [FLOAT32, FLOAT64], ids=["float32", "float64"])
def test_what_a_constant_keeps_from_being_finite_is_known_not_to_be(compute: Callable[..., Any], constant: float, p):
    with Run(p) as run:
        x = run.wrap(torch.tensor(1.0, dtype=torch.float64), torch.tensor(1e-6, dtype=torch.float64), ())
        y = compute(x, constant)
    assert not math.isfinite(float(y.value))
    assert float(y.error) == 0


@pytest.mark.parametrize("constant", [math.inf, -math.inf])
def test_a_constant_that_is_not_finite_may_leave_no_trace(constant: float):
    with Run(FLOAT32) as run:
        x = run.wrap(torch.tensor([1.0, 2.0], dtype=torch.float64), torch.full((2,), 1e-6, dtype=torch.float64), ())
        masked = torch.stack([x[0], x[1], -torch.tensor(math.inf)])
        found = [1 / (x + constant), torch.tanh(x * constant), torch.softmax(masked, 0), x.clamp(-math.inf, math.inf)]
        found.append(torch.log_softmax(masked, 0)[:2])
    for y in found:
        assert bool((y.error < 1e-5).all())


def test_empty_tensors_have_empty_bounds():
    with Run() as run:
        x = run.exact(torch.zeros(3, 0), requires_grad=True)
        y = F.softplus(torch.tanh(x @ run.exact(torch.zeros(0, 2))) * 2) / 3
        (y.sum() + x.exp().sum() + x[:, :0].sigmoid().mean(0).sum()).backward()
    assert y.error.shape == (3, 2)
    assert x.grad.error.shape == (3, 0)


# ---- kinks -----------------------------------------------------------------------------------------------------------

HINGES: dict[str, Callable[[Any], Any]] = {
    "relu": F.relu,
    "maximum": lambda z: torch.maximum(z, torch.zeros(())),
    "where": lambda z: torch.where(z > 0, z, 0.0),
    "mask": lambda z: z * (z > 0),
    "clamp": lambda z: z.clamp(min=0),
    "masked fill": lambda z: z.masked_fill(z <= 0, 0.0),
    "half of abs": lambda z: (z + z.abs()) / 2,
}


@pytest.mark.parametrize("hinge", HINGES)
@pytest.mark.parametrize(
    ("z", "error", "kinks", "undecided"),
    [
        (1.0, 1e-9, True, False),
        (-1.0, 1e-9, True, False),
        (1e-10, 1e-9, False, True),
        (-1.5e-9, 1e-9, False, True),
        (0.0, 1e-9, False, True),
        (0.0, 0.0, True, True),
        (0.0, 0.0, False, False),
    ],
)
def test_a_slope_near_a_kink_may_be_either_side_s(hinge: str, z: float, error: float, kinks: bool, undecided: bool):
    with Run(ties_are_kinks=kinks) as run:
        x = run.wrap(torch.tensor([z], dtype=torch.float64), torch.tensor([error], dtype=torch.float64), ())
        x.requires_grad_()
        (3 * HINGES[hinge](x)).sum().backward()
    slope, off = float(x.grad.value), float(x.grad.error)
    assert run.met_a_tie == (z == 0 and (error == 0 or hinge != "relu"))
    if undecided:
        assert slope - off <= 0
        assert slope + off >= 3
    else:
        assert off < 1e-8


def test_an_inactive_relu_is_no_kink():
    """PyTorch's relu saves its result, which is as exactly 0 for an inactive unit as at the kink."""
    with Run(ties_are_kinks=True) as run:
        z = made(run, [-1.0, -1e-3, 2.0], 1e-9, requires_grad=True)
        F.relu(z).sum().backward()
    assert not z.grad.error.any()
    assert not run.met_a_tie


def test_a_shifted_softmax_has_a_bound():
    """Its shift's derivative is a mask of maxima over the number of maxima: finite and small, near ties too."""
    for z in ([[0.3, 1.0], [0.2, 1.0], [-1.0, 1.0]], [[0.5, 2.0], [0.5 + 1e-16, -3.0], [0.1, 7.0]]):
        for shift in (lambda z: z.amax(0, keepdim=True), lambda z: z.max()):
            with Run() as run:
                x = made(run, z, 1e-15, requires_grad=True)
                e = torch.exp(x - shift(x))
                (e / e.sum(0))[0].sum().backward()
            assert float(x.grad.error.max()) < 1e-12


def test_equality_of_unrelated_numbers_is_undecided_where_rounding_decides():
    run = Run()
    x, y = made(run, [1.0, 2.0, 3.0], 1e-9), made(run, [1.0, 2.0 + 1e-9, 4.0], 1e-9)
    assert (x == y).error.tolist() == [1, 1, 0]
    assert (made(run, [1.0, 2.0]) == made(run, [1.0, 3.0])).error.tolist() == [0, 0]


def test_a_mask_of_places_that_rounding_decides_decides_nothing():
    run = Run()
    z, x = made(run, [1e-10, 1.0], 1e-9), made(run, [5.0, 6.0])
    assert torch.where(z > 0, x, 0.0).error.tolist() == [5, 0]
    assert bool(x[z > 0].error.isinf().all())
    assert not math.isinf(x[z.argmin()[None]].error)
    assert math.isinf(x[made(run, [1.0, 1.0 + 1e-10], 1e-9).argmax()[None]].error)


# ---- runs ------------------------------------------------------------------------------------------------------------


def test_substitutes_are_handed_on_and_what_arrived_is_kept():
    def compute(run: Run) -> tuple[Any, Any]:
        x = run.exact(torch.tensor([1.0, 2.0]))
        h = x * 3
        h[0] = 7.0
        return h, h + 1

    first = Run()
    with first:
        h, _ = compute(first)
    other = Run(substitutes={h.number: torch.tensor([10.0, 20.0], dtype=torch.float64)})
    with other:
        again, y = compute(other)
    assert h.number in other.arrived or again.number == h.number
    assert y.value.tolist() == [11, 21]
    assert other.arrived[h.number][0].tolist() == [7, 6]
    assert len(other.parents) == len(first.parents) or h.number < len(first.parents)


def test_a_number_taken_out_of_a_differentiated_tensor_is_a_cut():
    with Run() as run:
        x = run.exact(torch.tensor([1.0, 2.0]), requires_grad=True)
        assert float(x.detach().sum()) == 3
        assert run.cuts == 0
        assert x.sum().item() == 3
        assert run.cuts == 1


# ---- the operations that real programs use ---------------------------------------------------------------------------

USED: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda x: -((2 - x * 3 + x / 4 - 1 / (x * x + 1)) ** 2) + 2 ** (x / 9) + (1 - x) + abs(x),
    "in place": lambda x: (x * 1).add_(1).sub_(2).mul_(3).div_(4).neg_().clamp_(-5, 5).tanh_(),
    "matrices": lambda x: (
        torch.einsum("ij,kj->ik", x, x) @ x + torch.bmm(x[None], x.t()[None])[0] @ x + x @ x[0][:, None]
    ),
    "linear": lambda x: F.linear(x, tensor_of(2, 4), tensor_of(2)),
    "sums": lambda x: (
        x.sum() + x.sum(0).mean() + x.mean(1, keepdim=True).cumsum(0) + x.prod() + x.std() + x.var(0).sum()
    ),
    "views": lambda x: (
        x.t().reshape(2, 6).permute(1, 0).unsqueeze(1).squeeze().flip(0).roll(1, 0).unbind(1)[0].repeat(2)
    ),
    "pieces": lambda x: torch.cat([x[0:2], x[[0, 2]], x[x[:, 0] > -9], torch.stack([x[0], x[1]]), x[:1].expand(2, 4)]),
    "writing": lambda x: write(x),
    "masks": lambda x: (
        x * (x > 0) + torch.where(x < 0.1, x, 0.0) + x.masked_fill(x == 3, 0) * ((x >= 0) & (x <= 1) | (x != 2))
    ),
    "kinks": lambda x: (
        F.relu(x) + F.leaky_relu(x, 0.1) + torch.maximum(x, 0.1 * x) + torch.minimum(x, x * x) + x.clamp(0, 1)
    ),
    "hinges": lambda x: F.relu6(x) + F.elu(x) + F.hardtanh(x) + x.sign() + x.abs(),
    "softmax by hand": lambda x: (
        torch.exp(x - x.amax(0, keepdim=True)) / torch.exp(x - x.max(0, keepdim=True)[0]).sum(0)
    ),
    "softmax": lambda x: F.softmax(x, 0) + F.log_softmax(x, 1) + x.logsumexp(0) + F.logsigmoid(x),
    "functions": lambda x: x.tanh() + x.sigmoid() + F.softplus(x) + x.exp() + x.expm1() + x.erf() + x.sin() * x.cos(),
    "logarithms": lambda x: (x * x + 1).log() + (x * x).log1p() + (x * x + 1).rsqrt() + (x * x + 1).log2() + x.square(),
    "gates": lambda x: F.silu(x) + F.gelu(x) + F.gelu(x, approximate="tanh") + F.mish(x) + F.softsign(x),
    "losses": lambda x: F.mse_loss(x, 0 * x) + F.cross_entropy(x, torch.tensor([1, 2, 0])) + F.smooth_l1_loss(x, 0 * x),
    "binary losses": lambda x: (
        F.binary_cross_entropy(x.sigmoid(), torch.ones_like(x))
        + F.binary_cross_entropy_with_logits(x, torch.ones_like(x))
    ),
    "normalisation": lambda x: (
        F.layer_norm(x, (4,)) + x / x.norm() + F.normalize(x) + F.batch_norm(x, None, None, training=True)
    ),
    "order": lambda x: (
        x.sort(0).values + x.topk(3, 0).values + x.argmax(0) + x.max() + x.min(1, keepdim=True)[0] + x.argsort(1)
    ),
    "pooling": lambda x: (
        F.pad(x, (1, 1)).unfold(1, 2, 2).amax(2) + x.tril()[:, :3] + x.gather(1, torch.tensor([[0], [1], [1]]))
    ),
    "combinations": lambda x: (
        torch.addcmul(x, x, x, value=0.3) + torch.lerp(x, x * 2, 0.3) + torch.outer(x[0], x[1])[:3]
    ),
    "logic": lambda x: (
        torch.logical_or(torch.logical_and(x > 0, x < 1), torch.logical_not(x)).double() * x + (x > 0).any() * x
    ),
    "counting": lambda x: x * (x > 0).sum() + x[torch.nonzero(torch.tensor([1, 0, 1]))[:, 0]].sum() + (x > 9).all() * x,
    "dropout": lambda x: (
        F.dropout(x, 0.5) + x * (torch.rand_like(x) < 0.5) / 0.5 + x[torch.multinomial(torch.ones(3), 2)].sum()
    ),
    "scatter": lambda x: (
        torch.zeros_like(x).scatter(1, torch.tensor([[1]]), x[:1, :1]).index_add(0, torch.tensor([0, 0]), x[:2])
        + torch.zeros_like(x).scatter_add(0, torch.tensor([[1, 1, 1, 1]]), x[:1])
    ),
    "scalars": lambda x: x * float(x.detach()[0, 0]) + x.new_tensor(3.0) + torch.tensor(0.5) * x + x.detach().clone(),
    "power": lambda x: x**3 + x**-2 + (x * x) ** 0.5 + (x * x + 1) ** x + torch.pow(2, x),
}


def write(x: Any) -> Any:
    y = x.clone()
    y[0] += 2
    y[:, 1] = 0
    y[y > 0.3] = 3.0
    y[torch.tensor([0, 1]), torch.tensor([1, 2])] *= 2
    y.index_put_((torch.tensor([0, 0]),), x[0], accumulate=True)
    y *= 2
    y -= x
    y /= 3
    y **= 2
    return y.masked_fill_(y <= 0, 0)


@pytest.mark.parametrize("p", [FLOAT32, FLOAT64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", USED)
def test_the_operations_of_real_programs_have_rules(name: str, p: Precision):
    """Forward and backward; no bound is infinite, and none is large beside the value."""
    torch.manual_seed(0)
    inputs = tensor_of(3, 4).float().double()
    with Run(p) as run:
        x = run.exact(inputs, requires_grad=True)
        y = USED[name](x)
        (y * tensor_of(*y.shape, seed=2)).sum().backward()
    assert float(y.error.max()) < 3000 * p.unit_roundoff * float(y.value.abs().max())
    assert float(x.grad.error.max()) < 3000 * p.unit_roundoff * float(x.grad.value.abs().max())
    if name != "dropout":
        plain = inputs.clone().requires_grad_()
        y = USED[name](plain)
        (y * tensor_of(*y.shape, seed=2)).sum().backward()
        torch.testing.assert_close(x.grad.value, plain.grad, rtol=1e-6, atol=1e-6)
