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

from gradcompare.bounds.precision import FLOAT32, FLOAT64, Precision
from gradcompare.bounds.tensor import BoundedTensor, NoRuleError, Run

__all__ = ["FLOAT32", "FLOAT64", "BoundedTensor", "NoRuleError", "Precision", "Run"]
