"""What the public functions ask of their arguments; one place, called at the public boundary alone.

A wrong type or dtype is a TypeError; a wrong shape, name or pair is a ValueError. The message names the array, what it
is, what it should be, and what that usually means. NaN and infinity are let through, as in NumPy.
"""

from collections.abc import Mapping, Sequence
from numbers import Integral

import numpy as np

from .activations import ACTIVATIONS, OUTPUTS
from .losses import LOSSES

__all__ = [
    "check_cache",
    "check_choices",
    "check_distribution",
    "check_network",
    "check_parameters",
    "check_problem",
    "check_sizes",
    "check_targets",
]

DISTRIBUTION = 1e-3  # how far a column of labels may sum from 1 and still be a distribution in any precision
LABELS = "one row an output, one column a sample: Y.reshape(1, -1) for one output, np.eye(n_L)[:, labels] for classes"


def check_sizes(sizes: Sequence[int]) -> None:
    """(n_0, n_1, ..., n_L), at least two whole numbers from 1."""
    if len(sizes) < 2 or any(not isinstance(size, Integral) or size < 1 for size in sizes):
        raise ValueError(
            f"sizes is {tuple(sizes)}; it should be (n_0, n_1, ..., n_L), the inputs and then the units of each layer: "
            "at least two whole numbers, none below 1"
        )


def check_parameters(parameters: Mapping[str, np.ndarray]) -> None:
    """W1, b1, ..., WL, bL and nothing else; W_l is (n_l, n_{l-1}), b_l is (n_l, 1)."""
    L = max(1, len(parameters) // 2)
    _check_names("parameters", parameters, [f"{kind}{layer}" for layer in range(1, L + 1) for kind in "Wb"])
    for layer in range(1, L + 1):
        W, b = parameters[f"W{layer}"], parameters[f"b{layer}"]
        _check_matrix(f"W{layer}", W)
        _check_bias(f"b{layer}", b, W.shape[0])
        if layer > 1:
            _check_fits(f"W{layer}", W, f"W{layer - 1}", parameters[f"W{layer - 1}"])
    _check_dtypes(parameters)


def check_network(parameters: Mapping[str, np.ndarray], X: np.ndarray, activations: Sequence[str]) -> None:
    """Parameters, X (n_0, m) and one activation a layer that fit one another."""
    check_parameters(parameters)
    _check_matrix("X", X)
    if X.shape[1] == 0:
        raise ValueError(f"X has shape {X.shape}: no sample, m = 0; it should be (n_0, m), and a mean needs m >= 1")
    _check_fits("W1", parameters["W1"], "X", X)
    _check_dtypes({"W1": parameters["W1"], "X": X})
    _check_activations(activations, len(parameters) // 2)


def check_cache(cache: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray], X: np.ndarray) -> None:
    """What `forward` returned for these parameters and this X: Z_l and A_l of (n_l, m)."""
    L, m = len(parameters) // 2, X.shape[1]
    _check_names("cache", cache, [f"{kind}{layer}" for layer in range(1, L + 1) for kind in "ZA"])
    for layer in range(1, L + 1):
        for name in (f"Z{layer}", f"A{layer}"):
            expected = (parameters[f"W{layer}"].shape[0], m)
            _check_shape(name, cache[name], expected, "the cache is of another network, or of other samples")
    _check_dtypes({"X": X, **cache})


def check_targets(cache: Mapping[str, np.ndarray], Y: np.ndarray, activations: Sequence[str], loss: str) -> None:
    """Y (n_L, m) for this cache, and a loss that has a meaning with the output's activation."""
    L = max(1, len(cache) // 2)
    _check_names("cache", cache, [f"{kind}{layer}" for layer in range(1, L + 1) for kind in "ZA"])
    check_choices(activations, loss, L)
    _check_matrix(f"A{L}", cache[f"A{L}"])
    _check_shape("Y", Y, cache[f"A{L}"].shape, LABELS)
    if Y.shape[1] == 0:
        raise ValueError(f"Y has shape {Y.shape}: no sample, m = 0; it should be (n_L, m), and a mean needs m >= 1")
    _check_dtypes({f"Z{L}": cache[f"Z{L}"], f"A{L}": cache[f"A{L}"], "Y": Y})
    if activations[-1] == "softmax":
        check_distribution(Y)


def check_problem(
    parameters: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray, activations: Sequence[str], loss: str
) -> None:
    """Everything that a gradient depends on, where there is no cache: shapes and dtypes, not the sums of Y."""
    check_network(parameters, X, activations)
    check_choices(activations, loss, len(activations))
    _check_shape("Y", Y, (parameters[f"W{len(activations)}"].shape[0], X.shape[1]), LABELS)
    _check_dtypes({"X": X, "Y": Y})


def check_choices(activations: Sequence[str], loss: str, layers: int) -> None:
    """An activation for each layer, and a loss that has a meaning with the last."""
    _check_activations(activations, layers)
    _check_loss(loss, activations[-1])


def check_distribution(Y: np.ndarray) -> None:
    """Columns that sum to 1, as softmax needs them."""
    if np.max(np.abs(np.sum(Y, axis=0) - 1)) > DISTRIBUTION:
        raise ValueError(
            "Y has a column whose sum is not 1; with softmax each column should be a distribution over the outputs, as "
            "a rule one-hot, or A - Y is not the derivative: np.eye(n_L)[:, labels]"
        )


def _check_names(what: str, arrays: Mapping[str, np.ndarray], names: Sequence[str]) -> None:
    if set(arrays) != set(names):
        raise ValueError(
            f"{what} has the keys {', '.join(map(str, arrays)) or '(none)'}; it should have {', '.join(names)}: both "
            "arrays of every layer with weights, counted from 1, and nothing else"
        )


def _check_array(name: str, array: np.ndarray) -> None:
    if type(array) is not np.ndarray:
        raise TypeError(
            f"{name} is a {type(array).__name__}; it should be a NumPy array, and no subclass of it (* of np.matrix "
            "is the matrix product): np.asarray makes one"
        )


def _check_matrix(name: str, array: np.ndarray) -> None:
    _check_array(name, array)
    if array.ndim != 2:
        raise ValueError(
            f"{name} has shape {array.shape}; it should have two axes, rows and columns. A rank-1 array is neither a "
            "row nor a column: reshape(1, -1), reshape(-1, 1) or keepdims=True settles which"
        )


def _check_shape(name: str, array: np.ndarray, expected: tuple[int, ...], usually: str) -> None:
    _check_array(name, array)
    if array.shape != expected:
        transposed = " (it is transposed)" if array.shape == expected[::-1] else ""
        raise ValueError(f"{name} has shape {array.shape}; it should be {expected}{transposed}: {usually}")


def _check_bias(name: str, bias: np.ndarray, units: int) -> None:
    if np.shape(bias) != (units, 1):
        raise ValueError(
            f"{name} has shape {np.shape(bias)}; it should be (n, 1) = ({units}, 1), one row a unit. Usually a sum "
            "has lost keepdims=True, or b began as a scalar; broadcasting would hide either"
        )


def _check_fits(name: str, W: np.ndarray, name_before: str, before: np.ndarray) -> None:
    """W_l reads the rows of what stands before it: A_{l-1} has n_{l-1} rows, and so have W_{l-1} and X."""
    if W.shape[1] != before.shape[0]:
        raise ValueError(
            f"{name} has shape {W.shape} and {name_before} has shape {before.shape}; {name} should have as many "
            f"columns as {name_before} has rows. Usually one of them is transposed: row i of W holds the weights of "
            "unit i, column i of X is sample i"
        )


def _check_dtypes(arrays: Mapping[str, np.ndarray]) -> None:
    first = next(iter(arrays))
    for name, array in arrays.items():
        _check_array(name, array)
        if array.dtype.kind != "f":
            raise TypeError(
                f"{name} has dtype {array.dtype}; it should be float64 or float32, as all of them: usually "
                f"labels or pixels that came as integers; {name}.astype(np.float64)"
            )
        if array.dtype != arrays[first].dtype:
            raise TypeError(
                f"{name} has dtype {array.dtype} and {first} has {arrays[first].dtype}; all arrays should have one "
                f"dtype, for the lower precision would pass for the higher: {name}.astype({first}.dtype)"
            )


def _check_activations(activations: Sequence[str], layers: int) -> None:
    if isinstance(activations, str) or len(activations) != layers:
        raise ValueError(
            f"activations is {activations!r}; it should have one name for each of the {layers} layer(s) with "
            f"weights, such as {('tanh',) * (layers - 1) + ('sigmoid',)}"
        )
    for layer, name in enumerate(activations, start=1):
        known = OUTPUTS if layer == layers else ACTIVATIONS
        if name not in known:
            where = "the output" if layer == layers else f"hidden layer {layer}"
            raise ValueError(f"{where} has the activation {name!r}; it should be one of {', '.join(known)}")


def _check_loss(loss: str, output: str) -> None:
    if (loss, output) not in LOSSES:
        pairs = ", ".join(f"{a} with {b}" for a, b in LOSSES)
        raise ValueError(
            f"the loss {loss!r} has no meaning here with the output {output!r}; these pairs have one: {pairs}"
        )
