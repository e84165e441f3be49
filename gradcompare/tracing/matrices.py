"""np.matrix on torch: `*` is the matrix product, and whatever is taken of one has two axes.

NumPy advises against it, and courses of some years ago are full of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcompare.tracing.traced_array import TracedArray, array, asarray, from_numpy, leaves, torch_numpy

_OPERATORS = "add radd sub rsub truediv rtruediv neg pos abs lt le gt ge eq ne"
_REDUCTIONS = ("sum", "mean", "max", "min", "prod", "std", "var", "any", "all", "argmax", "argmin", "amax", "amin")


def _scalar(value: Any) -> bool:
    """Whether it is a number."""
    return value.ndim == 0 if isinstance(value, TracedArray) else bool(np.isscalar(value) or np.shape(value) == ())


class Matrix(TracedArray):  # type: ignore[misc, valid-type]
    """A traced array that behaves as an np.matrix does. Made by `matrix`."""

    def __getitem__(self, at: Any) -> Any:
        """A row or a column keeps its direction."""
        found = TracedArray.__getitem__(self, at)
        if found.ndim == 1:
            column = isinstance(at, tuple) and len(at) > 1 and not isinstance(at[1], slice) and _scalar(at[1])
            found = torch_numpy.reshape(found, (-1, 1) if column else (1, -1))
        return _matrix_of(found)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(self.shape[0]))

    def __mul__(self, other: Any) -> Any:
        if _scalar(other):
            return _matrix_of(TracedArray.__mul__(self, other))
        return _matrix_of(TracedArray.__matmul__(self, matrix(other, copy=False)))

    def __rmul__(self, other: Any) -> Any:
        if _scalar(other):
            return _matrix_of(TracedArray.__rmul__(self, other))
        return _matrix_of(TracedArray.__matmul__(matrix(other, copy=False), self))

    def __imul__(self, other: Any) -> Any:
        self[:] = self * other
        return self

    def __pow__(self, power: Any) -> Any:
        return _matrix_of(torch_numpy.linalg.matrix_power(TracedArray(self.tensor), power))

    def dot(self, other: Any, out: Any = None) -> Any:
        """The matrix product."""
        return self * other if not _scalar(other) else _matrix_of(TracedArray.__mul__(self, other))

    @property
    def T(self) -> Any:
        """Transposed."""
        return _matrix_of(torch_numpy.transpose(self))

    H = T  # of real numbers

    def transpose(self, *_: Any) -> Any:
        """Transposed."""
        return self.T

    @property
    def I(self) -> Any:  # noqa: E743
        """The inverse."""
        return _matrix_of(torch_numpy.linalg.inv(self))

    @property
    def A(self) -> Any:
        """The array that it is."""
        return TracedArray(self.tensor)

    @property
    def A1(self) -> Any:
        """The same with one axis."""
        return torch_numpy.ravel(self.A)

    def getA(self) -> Any:
        """See `A`."""
        return self.A

    def copy(self, order: str = "C") -> Any:
        """As NumPy's."""
        return _matrix_of(array(self.A))

    def flatten(self, order: str = "C") -> Any:
        """One row."""
        return _matrix_of(torch_numpy.reshape(array(self.A), (1, -1)))

    def ravel(self, order: str = "C") -> Any:
        """One row."""
        return _matrix_of(torch_numpy.reshape(self.A, (1, -1)))

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """As NumPy's."""
        return _matrix_of(self.A.reshape(*shape, order=order))


def _keeping(name: str) -> Callable[..., Any]:
    """An operator whose result is a matrix."""

    def operator(self: Any, *others: Any) -> Any:
        return _matrix_of(getattr(TracedArray, name)(self, *others))

    return operator


def _reducing(name: str) -> Callable[..., Any]:
    """Along one axis a matrix is left; along all, a number."""

    def reduce(self: Any, axis: Any = None, *rest: Any, **options: Any) -> Any:
        function = getattr(torch_numpy, name)
        if axis is None:
            return function(self.A, *rest, **options)
        options.pop("keepdims", None)
        return _matrix_of(torch_numpy.expand_dims(function(self.A, axis, *rest, **options), axis))

    return reduce


for _name in _OPERATORS.split():
    setattr(Matrix, f"__{_name}__", _keeping(f"__{_name}__"))
for _name in _REDUCTIONS:
    setattr(Matrix, _name, _reducing(_name))


def _matrix_of(made: Any) -> Any:
    return Matrix(made.tensor) if isinstance(made, TracedArray) and made.ndim == 2 else made


def matrix(data: Any, dtype: Any = None, copy: bool = True) -> Any:
    """np.matrix: always two axes; one axis is a row."""
    if isinstance(data, str):
        return from_numpy(np.matrix(data, dtype))
    made = asarray(data, dtype)
    while made.ndim < 2:
        made = torch_numpy.expand_dims(made, 0)
    return Matrix(made.tensor.clone() if copy else made.tensor)


def as_matrix(data: Any, dtype: Any = None) -> Any:
    """np.asmatrix."""
    return matrix(data, dtype, copy=False)


def like(value: Any, model: Any) -> Any:
    """An array, as a matrix where it takes the place of one."""
    if not isinstance(model, np.matrix | Matrix):
        return value
    return as_matrix(value) if isinstance(value, TracedArray) else np.asmatrix(value)


def kept(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """One of NumPy's functions, whose result of matrices is a matrix."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not any(isinstance(leaf, Matrix) for leaf in leaves(args)):
            return function(*args, **kwargs)
        if name in ("array", "asarray", "ascontiguousarray", "asfarray"):
            made = function(*args, **kwargs)
            return TracedArray(made.tensor) if isinstance(made, Matrix) else made
        if name in _REDUCTIONS and isinstance(args[0], Matrix):
            return getattr(args[0], name)(*args[1:], **kwargs)
        made = function(*args, **kwargs)
        return _matrix_of(made) if isinstance(made, TracedArray) else made

    return call


TABLE = {"matrix": matrix, "asmatrix": as_matrix}
