"""How far rounding alone can move a result: a tensor that carries its own error bound, and a table of rules.

    >>> import torch
    >>> from gradcompare.bounds import FLOAT32, Run
    >>> with Run(FLOAT32) as run:
    ...     z = run.exact(torch.tensor([1.0, 2.0, 3.0]), requires_grad=True)
    ...     (z * z).sum().backward()
    >>> z.grad.value
    tensor([2., 4., 6.], dtype=torch.float64)
    >>> bool((z.grad.error < 1e-6).all())
    True

`PROOF.md` beside this file states each kind of rule and proves it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gradcompare.bounds.precision import FLOAT32, FLOAT64, Precision

if TYPE_CHECKING:
    from gradcompare.bounds.operands import NoRuleError
    from gradcompare.bounds.run import Run
    from gradcompare.bounds.tensor import BoundedTensor

__all__ = ["FLOAT32", "FLOAT64", "BoundedTensor", "NoRuleError", "Precision", "Run"]

_NEED_TORCH = {"BoundedTensor": "tensor", "NoRuleError": "operands", "Run": "run"}
"""Loaded when they are first used: the process that judges does without torch."""


def __getattr__(name: str) -> Any:
    if name in _NEED_TORCH:
        return getattr(import_module(f"gradcompare.bounds.{_NEED_TORCH[name]}"), name)
    raise AttributeError(f"module 'gradcompare.bounds' has no attribute {name!r}")
