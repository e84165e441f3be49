"""What the bounds take for granted about the arithmetic (`gradcompare/bounds/precision.py`), on this machine."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import torch

from gradcompare.bounds import FLOAT32, FLOAT64, Precision
from gradcompare.bounds.precision import UNITS_IN_THE_LAST_PLACE

PRECISIONS = pytest.mark.parametrize("p", [FLOAT32, FLOAT64], ids=["float32", "float64"])
LIBRARIES = pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])


def called(library: Any, f: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """The result in NumPy's or torch's own arithmetic, of the arrays' precision."""
    with np.errstate(all="ignore"):
        if library is np:
            return f(*arrays)
        return f(*(torch.from_numpy(a) for a in arrays)).numpy()


def spread(p: Precision, n: int, lowest: float = -1.0, seed: int = 0) -> np.ndarray:
    """Numbers of every size from the subnormal ones to the square root of the largest."""
    rng, info = np.random.default_rng(seed), np.finfo(p.name)
    exponents = rng.uniform(np.log10(float(info.smallest_subnormal)) + 1, np.log10(float(info.max)) / 2, n)
    return (rng.choice([lowest, 1.0], n) * 10.0**exponents).astype(p.name)


@PRECISIONS
@LIBRARIES
def test_basic_operations_round_to_nearest(library: Any, p: Precision):
    rng = np.random.default_rng(1)
    a, b = (
        rng.standard_normal(3000).astype(p.name),
        (rng.standard_normal(3000) * 10 ** rng.uniform(-6, 6, 3000)).astype(p.name),
    )
    operations: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
        (lambda a, b: a + b, lambda a, b: a + b),
        (lambda a, b: a - b, lambda a, b: a - b),
        (lambda a, b: a * b, lambda a, b: a * b),
        (lambda a, b: a / b, lambda a, b: a / b),
    ]
    half_unit = Fraction(float(np.finfo(p.name).eps)) / 2
    for operation, exactly in operations:
        for x, y, z in zip(a, b, called(library, operation, a, b), strict=True):
            true = exactly(Fraction(float(x)), Fraction(float(y)))
            assert abs(Fraction(float(z)) - true) <= half_unit * abs(true)
    roots = called(library, library.sqrt, np.abs(b))
    for x, z in zip(np.abs(b), roots, strict=True):  # |z - sqrt x| <= 2u sqrt x, squared
        low, high = Fraction(float(z)) / (1 + 2 * half_unit), Fraction(float(z)) / (1 - 2 * half_unit)
        assert low**2 <= Fraction(float(x)) <= high**2


@PRECISIONS
@LIBRARIES
def test_underflow_is_gradual(library: Any, p: Precision):
    """Products and quotients below the normal numbers are right to half the smallest subnormal number, also where
    vector instructions compute them, and after a matrix product has run."""
    called(library, lambda a: a @ a, np.ones((64, 64), p.name))
    info, rng = np.finfo(p.name), np.random.default_rng(2)
    tiny = Fraction(float(info.smallest_subnormal))
    a = (float(info.tiny) * 10.0 ** rng.uniform(-3, 3, 2000)).astype(p.name)
    b = (10.0 ** rng.uniform(-6, 0, 2000)).astype(p.name)
    for operation, exactly in ((lambda a, b: a * b, Fraction.__mul__), (lambda a, b: a / (1 / b), None)):
        for x, y, z in zip(a, b, called(library, operation, a, b), strict=True):
            inverse = called(library, lambda b: 1 / b, np.array([y]))[0]
            true = Fraction(float(x)) * Fraction(float(y)) if exactly else Fraction(float(x)) / Fraction(float(inverse))
            assert abs(Fraction(float(z)) - true) <= max(tiny / 2, Fraction(float(info.eps)) / 2 * abs(true))
    product = called(library, lambda a, b: a[None] @ b[:, None], a[:50], b[:50])[0, 0]
    true = sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a[:50], b[:50], strict=True))
    assert abs(Fraction(float(product)) - true) <= 50 * (tiny + Fraction(p.unit_roundoff) * true)
    assert not torch.set_flush_denormal(False) or torch.tensor(1e-310, dtype=torch.float64) * 1 > 0


def line(low: float, high: float) -> Callable[[Precision], np.ndarray]:
    return lambda p: np.linspace(low, high, 1500).astype(p.name)


def everywhere(p: Precision) -> np.ndarray:
    return np.concatenate([spread(p, 1500), np.linspace(-30, 30, 1500).astype(p.name)])


def positive(p: Precision) -> np.ndarray:
    near_1 = 1 + np.linspace(-1e-3, 1e-3, 500)
    return np.concatenate([np.abs(spread(p, 1500)), near_1.astype(p.name), np.linspace(1e-3, 50, 1000).astype(p.name)])


def exponents(p: Precision) -> np.ndarray:
    """Down to where the result underflows, up to where it overflows, and around 0."""
    edge = float(np.log(float(np.finfo(p.name).max)))
    ends = np.concatenate([np.linspace(-1.05 * edge, 0.99 * edge, 2000), np.linspace(-1e-3, 1e-3, 500)])
    return np.concatenate([ends.astype(p.name), spread(p, 500) % np.array(1, p.name)])


FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[[Precision], np.ndarray]]] = {
    "exp": (mpmath.exp, exponents),
    "expm1": (mpmath.expm1, exponents),
    "log": (mpmath.log, positive),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), positive),
    "log10": (mpmath.log10, positive),
    "log1p": (mpmath.log1p, lambda p: np.concatenate([positive(p), np.linspace(-0.999, 0, 1000).astype(p.name)])),
    "tanh": (mpmath.tanh, everywhere),
    "arctan": (mpmath.atan, everywhere),
    "sin": (mpmath.sin, line(-2000, 2000)),
    "cos": (mpmath.cos, line(-2000, 2000)),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), exponents),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), exponents),
    "erf": (mpmath.erf, everywhere),
    "square by pow": (lambda x: x * x, everywhere),
    "cube by pow": (lambda x: x**3, everywhere),
    "0.3th power": (lambda x: x ** mpmath.mpf(0.3), positive),
}
CALLS: dict[str, dict[Any, Callable[..., Any] | None]] = {
    "sigmoid": {np: None, torch: torch.sigmoid},
    "softplus": {np: None, torch: lambda x: torch.nn.functional.softplus(x, threshold=1e4)},
    "erf": {np: None, torch: torch.erf},
    "square by pow": {np: lambda x: np.power(x, x.dtype.type(2)), torch: lambda x: torch.pow(x, 2)},
    "cube by pow": {np: lambda x: np.power(x, x.dtype.type(3)), torch: lambda x: torch.pow(x, 3)},
    "0.3th power": {np: None, torch: None},
}


@PRECISIONS
@LIBRARIES
@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_functions_keep_to_their_units_in_the_last_place(name: str, library: Any, p: Precision):
    """On arrays long enough for vector instructions and on single numbers, which other code computes."""
    exactly, sample = FUNCTIONS[name]
    f = CALLS[name][library] if name in CALLS else getattr(library, name)
    if f is None:
        pytest.skip(f"{library.__name__} has no such function of its own")
    x = sample(p)
    y = called(library, f, x)
    singly = np.array([called(library, f, x[i : i + 1])[0] for i in range(0, len(x), 50)])
    flush, largest = float(np.finfo(p.name).tiny), float(np.finfo(p.name).max)
    unit = float(np.finfo(p.name).eps)  # the largest that a unit in the last place is beside the number
    with mpmath.workdps(40):
        for at, z in [*enumerate(y), *((50 * i, z) for i, z in enumerate(singly))]:
            true = exactly(mpmath.mpf(float(x[at])))
            if abs(true) > largest * (1 - 1e-3):
                continue
            allowed = UNITS_IN_THE_LAST_PLACE * unit * abs(true)
            assert abs(mpmath.mpf(float(z)) - true) <= max(allowed, flush if abs(true) < flush * 1.01 else 0), x[at]


@PRECISIONS
@LIBRARIES
def test_matrix_products_are_classical(library: Any, p: Precision):
    """|computed - AB| <= gamma_n |A| |B|, *entry by entry*: a fast algorithm (Strassen) keeps to it only in norm, and
    fails where one block is far smaller than the others; TF32 and bfloat16 fail everywhere."""
    assert torch.get_float32_matmul_precision() == "highest", "float32 products are asked to be less than float32"
    assert not torch.backends.cuda.matmul.allow_tf32
    rng = np.random.default_rng(3)
    for n, scale in ((1, 1.0), (7, 1e-6), (64, 1e-9), (300, 1e-9), (512, 1e-6)):
        a, b = rng.standard_normal((n, n)), rng.standard_normal((n, n))
        half = n // 2
        a[:half] *= scale  # small rows beside large ones, and small columns
        b[:, :half] *= scale
        a[:, ::2], b[1::2] = a[:, ::2] * scale, b[1::2] * scale  # and small terms beside small terms
        a, b = a.astype(p.name), b.astype(p.name)
        product = called(library, lambda a, b: a @ b, a, b)
        rows, columns = rng.integers(0, n, 12), rng.integers(0, n, 12)
        for i, j in [*zip(rows, columns, strict=True), (0, 0)]:
            terms = [Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a[i], b[:, j], strict=True)]
            off = abs(Fraction(float(product[i, j])) - sum(terms))
            assert off <= Fraction(p.gamma(n)) * sum(map(abs, terms))
