"""What stands in for NumPy, `math` and `float` while code under test runs on torch.

`torch._numpy`, NumPy's interface on torch tensors, where it can be; our own functions where it lacks one or gets it
wrong; and NumPy itself for arrays that autograd has no interest in.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import inspect
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcompare.tracing import guards, matrices, numpy_functions, numpy_shapes
from gradcompare.tracing.numpy_ufuncs import Ufunc
from gradcompare.tracing.traced_array import (
    NotTraceableError,
    TracedArray,
    asarray,
    converted,
    dtype_of,
    from_numpy,
    is_differentiated,
    leaves,
    plain,
    torch_numpy,
    written,
)


def _with_signatures_at_hand() -> None:
    """`torch._numpy` asks for the signature of each of its functions at every call: let it be answered at once."""
    for function in vars(torch_numpy).values():
        while isinstance(function, types.FunctionType):
            if function.__module__.startswith("torch._numpy"):
                function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
            function = getattr(function, "__wrapped__", None)


_with_signatures_at_hand()


def _known_to_numpy() -> None:
    """Let NumPy take the dtypes of `torch._numpy` for its own, where its own arrays are told them: an array that a
    generator has drawn is one, mask.astype(np.float64)."""
    for name, made in vars(torch_numpy).items():
        if isinstance(made, type) and hasattr(made, "torch_dtype") and isinstance(getattr(np, name, None), type):
            made.dtype = np.dtype(getattr(np, name))  # type: ignore[attr-defined]


_known_to_numpy()


class _Namespace(types.ModuleType):
    """The stand-in for one of NumPy's modules: own versions first, then `torch._numpy`, then NumPy for untraced
    arrays."""

    def __init__(self, real: types.ModuleType, on_torch: Any, own: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        self._real, self._on_torch, self._own = real, on_torch, own
        self._made: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        real = getattr(self._real, name)
        called = getattr(real, "__name__", name)
        if getattr(self._real, called, None) is real and called in self._own:  # by another name: np.mat, of older NumPy
            name = called
        if name in self._own:
            made = self._own[name]
        elif hasattr(self._on_torch, name) and not name.startswith("__"):
            made = getattr(self._on_torch, name)
        else:
            return _guarded(real, f"{self._real.__name__}.{name}")
        if isinstance(made, types.FunctionType):
            made = accepting_numpy(made)
        if isinstance(made, types.FunctionType) and name not in matrices.TABLE:
            made = matrices.kept(name, made)
        return Ufunc(name, made) if isinstance(real, np.ufunc) else made


def accepting_numpy(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, given NumPy's own arrays and numbers too, dtypes however they are spelt, traced numbers in lists,
    and an array to write the result into."""
    taken = _takes_arrays(function)

    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        given = [stacked(a) if i in taken else a for i, a in enumerate(converted(args, from_numpy))]
        options = {k: stacked(a) if k in taken else a for k, a in converted(kwargs, from_numpy).items()}
        if "dtype" in options:
            options["dtype"] = dtype_of(options["dtype"])
        result = function(*given, **options)
        return result if out is None else written(result, out)

    return call


def _takes_arrays(function: Callable[..., Any]) -> set[int | str]:
    """Which of the parameters are arrays, by place and by name."""
    named = enumerate(inspect.signature(function).parameters.values())
    arrays = {(i, p.name) for i, p in named if str(p.annotation).startswith("ArrayLike") and p.kind != p.VAR_POSITIONAL}
    return {key for pair in arrays for key in pair}


def stacked(given: Any) -> Any:
    """Traced numbers and rows in a list as one array: `torch._numpy` would cut the graph."""
    is_list = isinstance(given, list | tuple)
    return asarray(given) if is_list and any(isinstance(a, TracedArray) for a in leaves(given)) else given


def _to_numpy(leaf: Any) -> Any:
    """An array of this run for NumPy itself, which is allowed only where autograd has no interest in it."""
    if not isinstance(leaf, TracedArray):
        return _BACK_TO_NUMPY.get(id(leaf), leaf) if callable(leaf) else leaf
    if is_differentiated(leaf):
        raise _CutError
    return plain(leaf)


class _CutError(Exception):
    pass


def _guarded(real: Any, name: str) -> Any:
    """NumPy's own function, for arrays that autograd has no interest in; an error that says so for others."""
    if not callable(real) or (isinstance(real, type) and not issubclass(real, np.ndarray | np.nditer)):
        return real

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            args, kwargs = converted(args, _to_numpy), converted(kwargs, _to_numpy)
        except _CutError:
            raise NotTraceableError(f"{name} cannot be traced: torch's NumPy layer does not have it") from None
        return converted(real(*args, **kwargs), from_numpy)

    return call


def _ignore(*_: Any, **__: Any) -> dict[str, str]:
    return {}


def _errstate(**_: Any) -> Any:
    return contextlib.nullcontext()


def _shuffled(drawing: Any, x: Any, *args: Any, **kwargs: Any) -> None:
    """In place, in the order that a generator, or NumPy itself, draws."""
    if isinstance(x, TracedArray):
        x[:] = x[drawing.permutation(len(x))].copy()
    else:
        drawing.shuffle(x, *args, **kwargs)


def _shuffling(drawing: Any) -> Callable[..., None]:
    """No function, which would be given lists of arrays converted: a copy."""
    return functools.partial(_shuffled, drawing)


def _drawing(drawn: Callable[..., Any]) -> Callable[..., Any]:
    """np.random.choice and multinomial: what is drawn is no function of its probabilities that has a slope."""

    def draw(*args: Any, **kwargs: Any) -> Any:
        as_numbers = functools.partial(converted, function=lambda a: plain(a) if isinstance(a, TracedArray) else a)
        return converted(drawn(*as_numbers(args), **as_numbers(kwargs)), from_numpy)

    return draw


class _Generator:
    """A generator of NumPy's that is given traced arrays and their dtypes."""

    def __init__(self, *args: Any) -> None:
        self._generator = np.random.default_rng(*args)
        self.shuffle = _shuffling(self._generator)
        self.choice, self.multinomial = _drawing(self._generator.choice), _drawing(self._generator.multinomial)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return np.random.Generator

    def __getattr__(self, name: str) -> Any:
        return _guarded(getattr(self._generator, name), f"Generator.{name}")


_random = _Namespace(
    np.random,
    types.SimpleNamespace(),
    {
        "shuffle": _shuffling(np.random),
        "default_rng": lambda *a: _Generator(*a),
        "choice": _drawing(np.random.choice),
        "multinomial": _drawing(np.random.multinomial),
    },
)
_stride_tricks = _Namespace(np.lib.stride_tricks, types.SimpleNamespace(), numpy_shapes.STRIDE_TRICKS)
_lib = _Namespace(np.lib, types.SimpleNamespace(), {"stride_tricks": _stride_tricks})


def _of_data(name: str) -> Callable[..., Any]:
    """A decomposition: NumPy's own of what is of no interest to autograd, as data are that are prepared."""
    real, on_torch = getattr(np.linalg, name), getattr(torch_numpy.linalg, name, None)
    of_numbers = _guarded(real, f"numpy.linalg.{name}")
    traced = of_numbers if on_torch is None else accepting_numpy(on_torch)

    @functools.wraps(real)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (traced if any(map(is_differentiated, leaves((args, kwargs)))) else of_numbers)(*args, **kwargs)

    return call


_linalg = _Namespace(
    np.linalg, torch_numpy.linalg, {name: _of_data(name) for name in ("eig", "eigh", "eigvals", "svd", "qr", "lstsq")}
)
NUMPY = _Namespace(
    np,
    torch_numpy,
    {
        **numpy_functions.TABLE,
        **matrices.TABLE,
        "random": _random,
        "linalg": _linalg,
        "lib": _lib,
        "errstate": _errstate,
        "seterr": _ignore,
        "geterr": _ignore,
        "set_printoptions": _ignore,
        "array2string": lambda a, *_, **__: str(a),
        **{name: guards.logarithm(getattr(torch_numpy, name)) for name in ("log", "log2", "log10")},
        **{name: guards.largest(torch_numpy.max) for name in ("max", "amax")},
        "exp": guards.exponential(torch_numpy.exp),
    },
)

_MATH = {"pow": "power", "fabs": "abs", "fsum": "sum"}


def _math_function(name: str) -> Callable[..., Any]:
    """A function of `math`, for a traced number NumPy's of the same meaning: `math` would take it out of the graph."""
    real = getattr(math, name)
    on_torch = numpy_functions.erf if name == "erf" else getattr(NUMPY, _MATH.get(name, name), None)

    @functools.wraps(real)
    def call(*args: Any) -> Any:
        if not any(isinstance(a, TracedArray) for a in leaves(args)):
            return real(*args)
        if on_torch is not None:
            return on_torch(*args)
        if any(map(is_differentiated, leaves(args))):
            raise NotTraceableError(f"math.{name} cannot be traced: NumPy has no function of this name")
        return real(*args)

    return call


MATH = types.ModuleType("math")
MATH.__dict__.update(
    {n: _math_function(n) if callable(v) else v for n, v in vars(math).items() if not n.startswith("_")}
)


class _FloatType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, builtins.float) or (isinstance(instance, TracedArray) and instance.ndim == 0)

    def __eq__(cls, other: object) -> bool:  # dtype=float
        return other is cls or other is builtins.float

    def __hash__(cls) -> int:
        return hash(builtins.float)


class Float(metaclass=_FloatType):
    """`float`, which leaves a traced number traced."""

    def __new__(cls, x: Any = 0.0) -> Any:
        return torch_numpy.reshape(x, ()) if isinstance(x, TracedArray) else builtins.float(x)

    fromhex = builtins.float.fromhex


# ---- what stands in for what -----------------------------------------------------------------------------------------


def _numpy_names() -> dict[int, Any]:
    """What stands in for each public object of NumPy, by its identity: `exp` after `from numpy import exp`."""
    modules = ((np, NUMPY), (np.linalg, _linalg), (np.random, _random), (np.lib.stride_tricks, _stride_tricks))
    table: dict[int, Any] = {id(math): MATH, id(np.lib): _lib} | {id(module): own for module, own in modules}
    for module, stand_in in modules:
        for name in dir(module):
            real = getattr(module, name)
            if not name.startswith("_") and (callable(real) or name in ("c_", "r_")) and not _is_builtin(real):
                table.setdefault(id(real), getattr(stand_in, name))
    return table | {id(real): getattr(MATH, name) for name, real in vars(math).items() if callable(real)}


def _is_builtin(thing: Any) -> bool:
    return getattr(builtins, getattr(thing, "__name__", ""), None) is thing


_STAND_INS = _numpy_names()
_REAL = {
    id(_STAND_INS[id(real)]): real
    for module in (np, np.linalg, np.random, np.lib.stride_tricks, math)
    for real in map(functools.partial(getattr, module), dir(module))
    if id(real) in _STAND_INS and not isinstance(real, types.ModuleType)
}


def stand_in_for(thing: Any) -> Any:
    """What stands in for an object of NumPy, `math` or SciPy; any other is its own."""
    name = getattr(thing, "__name__", None)
    if isinstance(thing, types.ModuleType) and name in ("scipy", "scipy.special"):
        return _scipy(thing)
    if isinstance(thing, types.FunctionType) and name in _SCIPY and thing.__module__.startswith("scipy.special"):
        return _SCIPY[name]
    return _STAND_INS.get(id(thing), thing)


def real_of(thing: Any) -> Any:
    """What something stands in for; of anything else itself."""
    if isinstance(thing, _Namespace | _Scipy):
        return thing._real
    return math if thing is MATH else _REAL.get(id(thing), thing)


_SCIPY = {name: accepting_numpy(function) for name, function in numpy_functions.SCIPY.items()}


class _Scipy(types.ModuleType):
    """SciPy with some functions that can be traced."""

    def __init__(self, real: types.ModuleType) -> None:
        super().__init__(real.__name__)
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return stand_in_for(getattr(self._real, name))


_scipy = functools.cache(_Scipy)
_BACK_TO_NUMPY = {
    id(getattr(torch_numpy, name)): getattr(np, name)
    for name in dir(np)
    if isinstance(getattr(torch_numpy, name, None), type)
} | {id(Float): builtins.float}
