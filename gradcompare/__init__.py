"""The yardstick: hold hand-written gradients against autograd's, within the error that rounding alone can cause.

What is public is loaded when it is first used, so that the command line's help need not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradcompare import cases
    from gradcompare.checking.check import check
    from gradcompare.judging.comparison import assert_gradients, compare
    from gradcompare.report import Report
    from gradcompare.symptoms import health
    from gradcompare.tracing.numpy_on_torch import NotTraceableError, NumpyOnTorch, numpy_on_torch

_WHERE = {
    "NotTraceableError": "tracing.numpy_on_torch",
    "NumpyOnTorch": "tracing.numpy_on_torch",
    "Report": "report",
    "assert_gradients": "judging.comparison",
    "check": "checking.check",
    "compare": "judging.comparison",
    "health": "symptoms",
    "numpy_on_torch": "tracing.numpy_on_torch",
}

__all__ = [
    "NotTraceableError",
    "NumpyOnTorch",
    "Report",
    "assert_gradients",
    "cases",
    "check",
    "compare",
    "health",
    "numpy_on_torch",
]


def __getattr__(name: str) -> Any:
    if name == "cases":
        return import_module("gradcompare.cases")
    if name in _WHERE:
        return getattr(import_module(f"gradcompare.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'gradcompare' has no attribute {name!r}")
