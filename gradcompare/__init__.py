"""The yardstick: hold hand-written gradients against autograd's, within the error that rounding alone can cause."""

from gradcompare.compare import assert_gradients, compare
from gradcompare.numpy_on_torch import NotTraceableError, NumpyOnTorch, numpy_on_torch
from gradcompare.report import Report

__all__ = ["NotTraceableError", "NumpyOnTorch", "Report", "assert_gradients", "compare", "numpy_on_torch"]
