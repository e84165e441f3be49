"""The working precision, and everything that the bounds take for granted about the arithmetic they bound.

The assumptions, each with the test in tests/test_bounds_assumptions.py that would notice if it failed:

1. Round to nearest: +, -, * and / are off by at most one unit roundoff u of the result, sqrt by at most two (PyTorch's
   vectorised one does not always round to nearest). `test_basic_operations_round_to_nearest`
2. Gradual underflow: a product or quotient below the normal numbers is off by at most the smallest subnormal number;
   nothing is flushed to zero. `test_underflow_is_gradual`
3. exp, expm1, log, log1p, log2, log10, tanh, sigmoid, softplus, atan, sin, cos, erf and pow are off by at most
   `UNITS_IN_THE_LAST_PLACE` units in the last place, and by at most the smallest normal number where the result is
   below it (PyTorch's float32 sigmoid is 0 below z = -88.7, where the true value is subnormal).
   `test_elementary_functions_keep_to_their_units_in_the_last_place`
4. A sum or product of matrices may be added up in any order, with or without fused multiply-add, but it is added up
   in the working precision or a better one, by the classical algorithm: no fast matrix multiplication (Strassen), no
   TF32, no bfloat16 inside a float32 product. `test_matrix_products_are_classical`
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNITS_IN_THE_LAST_PLACE = 4
"""What an elementary function may be off by. NumPy's vectorised float32 and float64 functions promise 4 units in the
last place."""

_GUARD = 1 + 2.0**-10
"""The bounds are themselves sums and products of non-negative float64 numbers, each with a factor u: raising u by one
part in a thousand covers the rounding of up to 2^42 such operations, and makes every bound larger than anything that
can happen."""


@dataclass(frozen=True)
class Precision:
    """A floating point format: what one rounding can do in it. The bounds compute with these numbers, so the first
    three carry the guard."""

    name: str
    unit_roundoff: float
    """u: half the distance from 1 to the next number."""
    underflow: float
    """What one product or quotient can lose to underflow: half the smallest subnormal number; and what the bound of it,
    computed in float64, can lose itself. Four times the smallest subnormal number covers both."""
    flush: float
    """What an elementary function can lose where its result is below the normal numbers: twice the smallest normal."""
    largest: float

    @classmethod
    def of(cls, dtype: object) -> Precision:
        """The format of a NumPy dtype, or of anything np.dtype() takes: float32 or float64.

        Raises ValueError for any other dtype.
        """
        name = np.dtype(dtype).name  # type: ignore[call-overload]
        if name not in ("float32", "float64"):
            raise ValueError(f"the precision under test is that of float32 or float64 arrays, not of {name}")
        info = np.finfo(name)
        u = float(info.eps) / 2 * _GUARD
        return cls(name, u, 4 * float(info.smallest_subnormal), 2 * float(info.smallest_normal), float(info.max))

    def gamma(self, n: int) -> float:
        """gamma_n = nu / (1 - nu): how far n roundings in a row can move a result, relative to it.

        N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, lemma 3.1. Infinite where nu
        >= 1.
        """
        nu = n * self.unit_roundoff
        return nu / (1 - nu) if nu < 1 else float("inf")

    def represents(self, number: float) -> bool:
        """Whether a constant is a number of this format (0.01 is one of float64's, as written, and none of
        float32's)."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.dtype(self.name).type(number)) == number


FLOAT64 = Precision.of("float64")
FLOAT32 = Precision.of("float32")
