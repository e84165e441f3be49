"""The parts of PyTorch without a promise that `gradcompare/bounds/` stands on. A failure here says which of
them changed, before any bound is wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from gradcompare.bounds import Run

aten = torch.ops.aten


class Seen(TorchDispatchMode):
    """Notes every operation that reaches Python below autograd."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations.append(str(func))
        return func(*args, **(kwargs or {}))


def test_modes_see_forward_and_backward_operations():
    x = torch.tensor([[0.3]], requires_grad=True)
    with Seen() as seen:
        torch.tanh(x @ x).sum().backward()
    for operation in ("aten.mm.default", "aten.tanh.default", "aten.tanh_backward.default", "aten.sum.default"):
        assert operation in seen.operations, (
            f"{operation} no longer reaches a TorchDispatchMode: gradients would carry no bounds. "
            "See torch.utils._python_dispatch."
        )


def test_modes_see_what_is_made_of_nothing():
    with Seen() as seen:
        torch.zeros(2), torch.arange(3.0)
    assert "aten.zeros.default" in seen.operations, "torch.zeros no longer reaches a mode: new tensors carry no bound"


def test_modes_can_be_paused():
    with Seen() as seen, _disable_current_modes():
        torch.ones(2) + 1
    assert not seen.operations, "_disable_current_modes no longer pauses modes: bounds would be bounded themselves"


def test_a_wrapper_subclass_holds_plain_tensors():
    with Run() as run:
        x = run.exact(torch.arange(6.0).reshape(2, 3).t(), requires_grad=True)
    assert x.shape == (3, 2), "_make_wrapper_subclass no longer takes the size"
    assert x.stride() == x.value.stride(), "_make_wrapper_subclass no longer takes the strides"
    assert x.requires_grad, "a wrapper subclass can no longer be differentiated"
    assert type(x.value) is torch.Tensor


def test_dispatch_sees_whether_a_tensor_is_differentiated():
    """Kinks and cuts are told from other ties by it."""

    class Asks(TorchDispatchMode):
        answers: list[bool] = []  # noqa: RUF012

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is aten.gt.Scalar:
                self.answers.append(args[0].requires_grad)
            return func(*args, **(kwargs or {}))

    with Run() as run:
        x = run.exact(torch.ones(2), requires_grad=True)
    with Asks() as asks:
        x > 0, x.detach() > 0, 2 * x > 0
    assert asks.answers == [True, False, True], "__torch_dispatch__ no longer sees requires_grad: kinks go unnoticed"


def test_relu_saves_its_result():
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    y = torch.relu(x)
    assert torch.equal(y.grad_fn._saved_result, y), "relu's backward no longer reads its result; see kinks.gate"


def test_the_derivative_of_a_maximum_is_a_mask_over_a_count():
    x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    with Seen() as seen:
        x.amax(1).sum().backward()
    for operation in ("aten.eq.Tensor", "aten.sum.dim_IntList", "aten.div.Tensor"):
        assert operation in seen.operations, f"amax's backward no longer uses {operation}; see bounds/known.py"


def test_operations_have_the_names_and_schemas_that_the_table_reads():
    assert aten.add_.Tensor._schema.name == "aten::add_", "in-place operations are no longer known by their name"
    assert aten.add.Tensor._overloadpacket is aten.add, "an overload no longer knows its packet"
    assert [a.name for a in aten.pow_.Scalar._schema.arguments] == ["self", "exponent"]
    assert aten.add.Tensor._overloadname == "Tensor"


def test_decompositions_are_where_they_were():
    from torch._decomp import decomposition_table

    for operation in (aten.silu.default, aten.native_layer_norm.default, aten._softmax_backward_data.default):
        assert operation in decomposition_table, f"torch._decomp no longer writes {operation} in simpler operations"
    assert torch._C._dispatch_has_kernel_for_dispatch_key("aten::square", "CompositeImplicitAutograd")


def test_views_share_storage_by_identity():
    x = torch.zeros(4)
    same = x[1:].untyped_storage()._cdata == x.untyped_storage()._cdata
    assert same, "_cdata no longer names a storage: writing through views would not be noticed"
    assert x.clone().untyped_storage()._cdata != x.untyped_storage()._cdata


def test_saved_tensors_can_be_cloned():
    """Code that works in place is differentiated with copies of what was saved."""
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t)
    with Run() as run, hooks:
        x = run.exact(torch.tensor([1.0, 2.0]), requires_grad=True)
        y = x * 1
        z = y * y
        y *= 5
        z.sum().backward()
    np.testing.assert_array_equal(x.grad.value.numpy(), [2, 4])


@pytest.mark.parametrize("scalar", [2.0, 3])
def test_python_numbers_reach_the_rules_as_numbers(scalar: float):
    class Asks(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is aten.mul.Tensor:
                assert isinstance(args[1], int | float), (
                    "Python numbers are now tensors: 0.01 would be exact in float32"
                )
            return func(*args, **(kwargs or {}))

    with Asks():
        assert (torch.ones(1) * scalar).item() == scalar


def test_a_mode_that_says_so_is_not_wrapped_for_compilation():
    code = """
import sys
import torch
from gradcompare.bounds import Run
with Run():
    torch.zeros(2) + 1
print("torch._dynamo" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer == "False\n", "_should_skip_dynamo is no longer asked: the compiler is loaded for every check"
