"""The rules by which others hold a gradient to be right, beside ours: one row each, with where it stands.

Every rule is asked the same question: a program on one network. A rule is called for real where it can be installed,
and restated from its source where it cannot. It sees what its authors have it see, set up as they would: the reference
is PyTorch's, under the program's own convention for dZ, and what is more precise than the working precision is rounded
to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from gradcompare import compare, numpy_on_torch
from gradcompare.tracing.randomness import same_random_numbers

__all__ = ["RULES", "Question", "Rule", "installed"]

Program = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Question:
    """Is this program right, on this network? It computes Z, A, J, dZ, dA, dW and db by name."""

    program: Program
    reference: Callable[[Mapping[str, Any]], Any]
    """(J, {"Z1": ..., "A1": ...}) in torch."""
    inputs: Mapping[str, np.ndarray]
    summed: bool
    """Whether dZ and dA are derivatives of the summed loss, m times those of the mean."""

    @property
    def dtype(self) -> str:
        return self.inputs["X"].dtype.name

    @property
    def last(self) -> int:
        """The number of the last layer."""
        return len(self.parameters) // 2

    @property
    def parameters(self) -> list[str]:
        return [name for name in self.inputs if name[0] in "Wb"]

    @cached_property
    def claims(self) -> dict[str, np.ndarray]:
        return self.run({})

    def run(self, changed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All that the program computes, with some of its inputs changed."""
        given = {name: array.copy() for name, array in {**self.inputs, **changed}.items()}
        with np.errstate(all="ignore"):
            found = {name: np.asarray(value) for name, value in self.program(given).items()}
            return {
                k: v.astype(self.dtype) if v.dtype.itemsize > self.inputs["X"].itemsize else v for k, v in found.items()
            }

    def autograd(self, dtype: str | None = None) -> dict[str, np.ndarray]:
        """The same from PyTorch, in the working precision or in another."""
        given = {
            k: torch.tensor(v.astype(dtype or self.dtype), requires_grad=k[0] in "Wb") for k, v in self.inputs.items()
        }
        J, values = self.reference(given)
        wanted = {name: given[name] for name in self.parameters} | dict(values)
        gradients = torch.autograd.grad(J, list(wanted.values()), allow_unused=True)
        m = self.inputs["X"].shape[1] if self.summed else 1
        found = {"J": J, **values}
        for name, gradient in zip(wanted, gradients, strict=True):
            found[f"d{name}"] = torch.zeros_like(wanted[name]) if gradient is None else gradient
            if name in values:
                found[f"d{name}"] = m * found[f"d{name}"]
        return {name: tensor.detach().numpy() for name, tensor in found.items() if name in self.claims}

    def names(self, *kinds: str) -> list[str]:
        """The tensors of these kinds among the claims; "A last" is that of the last layer."""
        ends = {f"{kind.removesuffix(' last')}{self.last}" for kind in kinds if kind.endswith("last")}
        return [name for name in self.claims if name in ends or name.rstrip("0123456789") in kinds]

    @property
    def theta(self) -> np.ndarray:
        """The parameters in one vector."""
        return np.concatenate([self.inputs[name].ravel() for name in self.parameters])

    @property
    def gradient(self) -> np.ndarray:
        """The program's gradient in one vector."""
        return np.concatenate([self.claims[f"d{name}"].ravel() for name in self.parameters])

    def cost(self, theta: np.ndarray) -> np.ndarray:
        """The program's own J at other parameters, given in one vector."""
        shapes = [self.inputs[name].shape for name in self.parameters]
        parts = np.split(theta, np.cumsum([np.prod(shape) for shape in shapes[:-1]]))
        changed = zip(self.parameters, parts, shapes, strict=True)
        return self.run({name: part.reshape(shape).astype(self.dtype) for name, part, shape in changed})["J"]


@dataclass(frozen=True)
class Rule:
    """Whether it finds fault with a program, what it compares and how closely, and where that is written."""

    flags: Callable[[Question], bool]
    compares: str
    tolerance: str
    source: str
    needs: str = "torch"
    precisions: tuple[str, ...] = ("float64", "float32")
    per_parameter: bool = False
    """Whether it evaluates the cost once or more for each parameter."""


def installed(rule: Rule) -> bool:
    return find_spec(rule.needs) is not None


def fails(check: Callable[[], Any]) -> bool:
    """Whether an assertion does not hold or cannot even be made: shapes that do not fit, gradients that are refused."""
    try:
        with np.errstate(all="ignore"):
            check()
    except (AssertionError, RuntimeError, ValueError, TypeError):
        return True
    return False


def against(kinds: tuple[str, ...], check: Callable[[np.ndarray, np.ndarray], Any], dtype: str | None = None) -> Any:
    """A rule that holds each tensor of these kinds against PyTorch's: check(mine, theirs) raises."""

    def flags(question: Question) -> bool:
        theirs = question.autograd(dtype)
        names = question.names(*kinds)
        return fails(lambda: [check(question.claims[name], theirs[name]) for name in names])

    return flags


# ---- ours ------------------------------------------------------------------------------------------------------------


def followed(question: Question) -> bool:
    report = compare(question.reference, numpy_on_torch(question.program), question.inputs)
    return report.verdict in ("wrong", "scaled")


def opaque(question: Question) -> bool:
    return compare(question.reference, question.program, question.inputs).verdict in ("wrong", "scaled")


# ---- tensors against tensors -----------------------------------------------------------------------------------------


def tinygrad(question: Question) -> bool:
    def check(names: list[str], atol: float, rtol: float) -> None:
        for name in names:
            assert question.claims[name].shape == theirs[name].shape
            np.testing.assert_allclose(question.claims[name], theirs[name], atol=atol, rtol=rtol)

    theirs = question.autograd()
    forward = fails(lambda: check(question.names("A last"), 1e-6, 1e-3))
    return forward or fails(lambda: check(question.names("dW", "db"), 1e-4, 1e-3))


def makemore(mine: np.ndarray, theirs: np.ndarray) -> None:
    assert torch.allclose(torch.as_tensor(mine), torch.as_tensor(theirs))


def llm_c(question: Question) -> bool:
    theirs = question.autograd()

    def off(name: str) -> np.ndarray:
        return np.abs(question.claims[name].ravel() - theirs[name].ravel())

    def check() -> None:
        assert not any(np.any(off(name) >= 1e-2) for name in question.names("Z last", "J"))  # NaN passes
        assert all(np.all(off(name) <= 2e-2) for name in question.names("dW", "db"))

    return fails(check)


def gradbench(mine: np.ndarray, theirs: np.ndarray) -> None:
    assert mine.shape == theirs.shape
    difference = np.abs(mine - theirs) / np.maximum(np.abs(mine) + np.abs(theirs), 1)
    assert not np.any(difference > 1e-4)  # NaN passes


def assert_close(mine: np.ndarray, theirs: np.ndarray) -> None:
    torch.testing.assert_close(torch.as_tensor(mine), torch.as_tensor(theirs))


def flash_attention(question: Question) -> bool:
    theirs, exact = question.autograd(), question.autograd("float64")

    def check(names: list[str], times: float) -> None:
        for name in names:
            mine, torchs = (np.max(np.abs(some[name] - exact[name])) for some in (question.claims, theirs))
            assert question.claims[name].shape == exact[name].shape
            assert mine <= times * torchs

    return fails(lambda: check(question.names("A last"), 2)) or fails(lambda: check(question.names("dW", "db"), 3))


def dynamo(question: Question) -> bool:
    from torch._dynamo.utils import same

    names = question.names("A last", "J", "dW", "db")
    ref, res, exact = (
        {name: torch.as_tensor(some[name]) for name in names}
        for some in (question.autograd(), question.claims, question.autograd("float64"))
    )

    def check() -> None:
        assert same(ref, res, exact, log_error=lambda *_: None)

    return fails(check)


# ---- derivatives against differences of the cost ---------------------------------------------------------------------


def scikit_learn(question: Question) -> bool:
    theta, step = question.theta, 1e-5

    def derivative(i: int) -> float:
        nudge = np.zeros_like(theta)
        nudge[i] = step
        return float(question.cost(theta + nudge) - question.cost(theta - nudge)) / (step * 2.0)

    return fails(lambda: np.testing.assert_almost_equal([derivative(i) for i in range(theta.size)], question.gradient))


def hips(question: Question) -> bool:
    from autograd.extend import defvjp, primitive  # type: ignore[import-untyped]
    from autograd.test_util import check_grads  # type: ignore[import-untyped]

    cost = primitive(lambda theta: float(question.cost(theta)))
    defvjp(cost, lambda ans, theta: lambda g: g * question.gradient)
    with same_random_numbers():
        return fails(lambda: check_grads(cost, modes=["rev"], order=1)(question.theta))


def jax(question: Question) -> bool:
    import jax as library
    from jax.test_util import check_vjp

    library.config.update("jax_enable_x64", True)

    def pulled_back(theta: np.ndarray) -> Any:
        return question.cost(theta), lambda g: (np.asarray(g * question.gradient, dtype=question.dtype),)

    return fails(lambda: check_vjp(question.cost, pulled_back, (question.theta,)))


def gradcheck(fast: bool) -> Callable[[Question], bool]:
    def flags(question: Question) -> bool:
        class Cost(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *parameters: torch.Tensor) -> torch.Tensor:
                changed = {k: p.detach().numpy() for k, p in zip(question.parameters, parameters, strict=True)}
                return torch.as_tensor(question.run(changed)["J"])

            @staticmethod
            def backward(ctx: Any, *g: torch.Tensor) -> Any:
                return tuple(g[0] * torch.as_tensor(question.claims[f"d{name}"]) for name in question.parameters)

        parameters = [torch.tensor(question.inputs[name], requires_grad=True) for name in question.parameters]
        return fails(lambda: torch.autograd.gradcheck(Cost.apply, parameters, fast_mode=fast))

    return flags


ALL, GRADIENTS, PARAMETERS = ("Z", "A", "J", "dZ", "dA", "dW", "db"), ("dZ", "dA", "dW", "db"), ("dW", "db")
GITHUB = "https://github.com"
RULES: dict[str, Rule] = {
    "gradcompare": Rule(followed, "all", "derived", "gradcompare.compare, of numpy_on_torch(f)"),
    "gradcompare, opaque": Rule(
        opaque, "all", "derived; for the program's own rounding a stand-in", "gradcompare.compare"
    ),
    "assert_close": Rule(
        against(ALL, assert_close),
        "all",
        "float64 1e-7 + 1e-7 |x|, float32 1e-5 + 1.3e-6 |x|",
        "torch.testing.assert_close, called",
    ),
    "makemore": Rule(
        against(GRADIENTS, makemore),
        "every gradient",
        "1e-8 + 1e-5 |x|",
        f"{GITHUB}/karpathy/nn-zero-to-hero, makemore part 4, cmp; torch.allclose, called",
    ),
    "numpy-ml": Rule(
        against(("A", "dA", "dW", "db"), lambda a, b: np.testing.assert_almost_equal(a, b, decimal=3), "float32"),
        "A, dA, dW, db, against float32",
        "1.5e-3",
        f"{GITHUB}/ddbourgin/numpy-ml, numpy_ml/tests/test_nn.py; numpy.testing.assert_almost_equal, called",
    ),
    "tinygrad": Rule(
        tinygrad,
        "A of the last layer; dW, db",
        "1e-6 + 1e-3 |x|; 1e-4 + 1e-3 |x|",
        f"{GITHUB}/tinygrad/tinygrad, test/test_ops.py, helper_test_op; numpy.testing.assert_allclose, called",
    ),
    "llm.c": Rule(
        llm_c,
        "Z of the last layer, J; dW, db",
        "1e-2; 2e-2",
        f"{GITHUB}/karpathy/llm.c, test_gpt2.c, check_tensor and main; restated",
    ),
    "GradBench": Rule(
        against(PARAMETERS, gradbench),
        "dW, db",
        "1e-4 max(1, |x| + |y|)",
        f"{GITHUB}/gradbench/gradbench, python/gradbench/comparison.py; restated",
    ),
    "FlashAttention": Rule(
        flash_attention,
        "A of the last layer; dW, db",
        "2 times, 3 times PyTorch's own error",
        f"{GITHUB}/Dao-AILab/flash-attention, tests/test_flash_attn.py; restated, float64 for the higher precision",
        precisions=("float32",),
    ),
    "torch._dynamo same": Rule(
        dynamo,
        "A of the last layer, J, dW, db",
        "1e-4 + 1e-4 |x|, or 3 times PyTorch's own error + 1e-5",
        "torch._dynamo.utils.same, called",
    ),
    "gradcheck, slow": Rule(
        gradcheck(fast=False),
        "dW, db",
        "1e-5 + 1e-3 |x|, differences with a step of 1e-6",
        "torch.autograd.gradcheck, called",
        precisions=("float64",),
        per_parameter=True,
    ),
    "gradcheck, fast": Rule(
        gradcheck(fast=True),
        "one projection of dW, db each",
        "1e-5 + 1e-3 |x|, differences with a step of 1e-6",
        "torch.autograd.gradcheck, called with fast_mode=True",
        precisions=("float64",),
    ),
    "JAX": Rule(
        jax,
        "one projection of the gradient",
        "float64 1e-5, float32 2e-3, absolute and relative; a step of 1e-4",
        "jax.test_util.check_vjp, called",
        needs="jax",
    ),
    "HIPS autograd": Rule(
        hips,
        "one projection of the gradient",
        "1e-6, absolute or relative; a step of 1e-6",
        "autograd.test_util.check_grads, called with modes=['rev'], order=1",
        needs="autograd",
        precisions=("float64",),
    ),
    "scikit-learn": Rule(
        scikit_learn,
        "dW, db",
        "1.5e-7, differences with a step of 1e-5",
        f"{GITHUB}/scikit-learn/scikit-learn, sklearn/neural_network/tests/test_mlp.py, test_gradient; restated",
        precisions=("float64",),
        per_parameter=True,
    ),
}
