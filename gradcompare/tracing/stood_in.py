"""NumPy functions that stand in for those of helper files that were not found: plain code, traced like a user's.

Legend: z is a pre-activation, a = g(z), dA the gradient with respect to a; all elementwise but softmax, which runs
along axis 0 where columns are samples and along the last axis where rows are. The course files behind most of these
names disagree on whether an activation returns A alone or A and a cache that is Z, and on whether a derivative is given
z or a: there is one of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

LEAKY_SLOPE = 0.01


# ---- activations -----------------------------------------------------------------------------------------------------


def sigmoid(z):  # type: ignore[no-untyped-def]
    return 1 / (1 + np.exp(-z))


def relu(z):  # type: ignore[no-untyped-def]
    return np.maximum(0, z)


def leaky_relu(z, alpha=LEAKY_SLOPE):  # type: ignore[no-untyped-def]
    return np.where(z > 0, z, alpha * z)


def tanh(z):  # type: ignore[no-untyped-def]
    return np.tanh(z)


def identity(z):  # type: ignore[no-untyped-def]
    return z


def softplus(z):  # type: ignore[no-untyped-def]
    return np.maximum(z, 0) + np.log(1 + np.exp(-np.abs(z)))


def softmax_columns(z, axis=0):  # type: ignore[no-untyped-def]
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def softmax_rows(z, axis=-1):  # type: ignore[no-untyped-def]
    return softmax_columns(z, axis)


def sigmoid_and_cache(z):  # type: ignore[no-untyped-def]
    return sigmoid(z), z


def relu_and_cache(z):  # type: ignore[no-untyped-def]
    return relu(z), z


def leaky_relu_and_cache(z, alpha=LEAKY_SLOPE):  # type: ignore[no-untyped-def]
    return leaky_relu(z, alpha), z


def tanh_and_cache(z):  # type: ignore[no-untyped-def]
    return tanh(z), z


def identity_and_cache(z):  # type: ignore[no-untyped-def]
    return z, z


def softmax_columns_and_cache(z):  # type: ignore[no-untyped-def]
    return softmax_columns(z), z


def softmax_rows_and_cache(z):  # type: ignore[no-untyped-def]
    return softmax_rows(z), z


# ---- derivatives at z ------------------------------------------------------------------------------------------------


def sigmoid_derivative(z):  # type: ignore[no-untyped-def]
    a = sigmoid(z)
    return a * (1 - a)


def relu_derivative(z):  # type: ignore[no-untyped-def]
    return np.where(z > 0, 1.0, 0.0)


def leaky_relu_derivative(z, alpha=LEAKY_SLOPE):  # type: ignore[no-untyped-def]
    return np.where(z > 0, 1.0, alpha)


def tanh_derivative(z):  # type: ignore[no-untyped-def]
    return 1 - np.tanh(z) ** 2


# ---- derivatives from a = g(z) ---------------------------------------------------------------------------------------


def sigmoid_derivative_of_a(a):  # type: ignore[no-untyped-def]
    return a * (1 - a)


def relu_derivative_of_a(a):  # type: ignore[no-untyped-def]
    return np.where(a > 0, 1.0, 0.0)


def leaky_relu_derivative_of_a(a, alpha=LEAKY_SLOPE):  # type: ignore[no-untyped-def]
    return np.where(a > 0, 1.0, alpha)


def tanh_derivative_of_a(a):  # type: ignore[no-untyped-def]
    return 1 - a**2


# ---- dZ from dA and the cache, which is Z ----------------------------------------------------------------------------


def sigmoid_backward(dA, cache):  # type: ignore[no-untyped-def]
    return dA * sigmoid_derivative(cache)


def relu_backward(dA, cache):  # type: ignore[no-untyped-def]
    return dA * relu_derivative(cache)


def leaky_relu_backward(dA, cache):  # type: ignore[no-untyped-def]
    return dA * leaky_relu_derivative(cache)


def tanh_backward(dA, cache):  # type: ignore[no-untyped-def]
    return dA * tanh_derivative(cache)


def softmax_columns_backward(dA, cache):  # type: ignore[no-untyped-def]
    a = softmax_columns(cache)
    return a * (dA - np.sum(dA * a, axis=0, keepdims=True))


def softmax_rows_backward(dA, cache):  # type: ignore[no-untyped-def]
    a = softmax_rows(cache)
    return a * (dA - np.sum(dA * a, axis=-1, keepdims=True))


# ---- activations as objects ------------------------------------------------------------------------------------------


class Elementwise:
    """An activation that keeps the z of its last call; `function` and `derivative` are those of its class."""

    function: Callable[..., Any]
    derivative: Callable[..., Any]

    def forward(self, z):  # type: ignore[no-untyped-def]
        self.z = z
        return type(self).function(z)

    __call__ = forward

    def backward(self, dA):  # type: ignore[no-untyped-def]
        return dA * type(self).derivative(self.z)

    def gradient(self, z):  # type: ignore[no-untyped-def]
        return type(self).derivative(z)

    grad = prime = gradient


class Sigmoid(Elementwise):
    """1 / (1 + exp(-z))."""

    function, derivative = staticmethod(sigmoid), staticmethod(sigmoid_derivative)


class ReLU(Elementwise):
    """max(0, z)."""

    function, derivative = staticmethod(relu), staticmethod(relu_derivative)


class LeakyReLU(Elementwise):
    """z, and where it is negative LEAKY_SLOPE z."""

    function, derivative = staticmethod(leaky_relu), staticmethod(leaky_relu_derivative)


class Tanh(Elementwise):
    """tanh(z)."""

    function, derivative = staticmethod(tanh), staticmethod(tanh_derivative)


class Identity(Elementwise):
    """z."""

    function, derivative = staticmethod(identity), staticmethod(np.ones_like)


OF_MODULES = ("updateoutput", "updategradinput", "accgradparameters")
"""Torch's names for what a layer does forward, back to its input, and back to its parameters; without underscores."""


class Module:
    """What layers are built on that go forward in one method and back in two, by the names that Torch gave these."""

    def forward(self, inputs):  # type: ignore[no-untyped-def]
        return method_called(self, OF_MODULES[0])(inputs)

    def backward(self, inputs, gradOutput):  # type: ignore[no-untyped-def]
        gradInput = method_called(self, OF_MODULES[1])(inputs, gradOutput)
        method_called(self, OF_MODULES[2])(inputs, gradOutput)
        return gradInput

    def accGradParameters(self, inputs, gradOutput):  # type: ignore[no-untyped-def]
        pass


def method_called(thing, name):  # type: ignore[no-untyped-def]
    own = [each for each in dir(thing) if each.replace("_", "").lower() == name]
    return getattr(thing, min(own, key=lambda each: each in vars(Module)))


# ---- costs and the functions of scipy.special ------------------------------------------------------------------------


def compute_cost(A, Y):  # type: ignore[no-untyped-def]
    m = Y.shape[1]
    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m


def cross_entropy_error(y, t):  # type: ignore[no-untyped-def]
    y = y.reshape(1, -1) if y.ndim == 1 else y
    if np.size(t) == np.size(y):
        return -np.sum(t.reshape(y.shape) * np.log(y)) / y.shape[0]
    return -np.sum(np.log(y[np.arange(y.shape[0]), t.reshape(-1)])) / y.shape[0]


# ---- images as the rows of a matrix, as in Saito, Deep Learning from Scratch, section 7.4 ----------------------------


def im2col(images, height, width, stride=1, pad=0):  # type: ignore[no-untyped-def]
    """(samples, channels, h, w) -> a row for each place of the window, (channels, height, width) flat."""
    samples, channels, tall, wide = images.shape
    down, across = (tall + 2 * pad - height) // stride + 1, (wide + 2 * pad - width) // stride + 1
    padded = np.pad(images, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    parts = [
        padded[:, :, y : y + stride * down : stride, x : x + stride * across : stride]
        for y in range(height)
        for x in range(width)
    ]
    whole = np.stack(parts, axis=-1)  # (samples, channels, down, across, height width)
    return whole.transpose(0, 2, 3, 1, 4).reshape(samples * down * across, channels * height * width)


def col2im(columns, shape, height, width, stride=1, pad=0):  # type: ignore[no-untyped-def]
    """The transpose of im2col: what meets at a place is added up."""
    samples, channels, tall, wide = shape
    down, across = (tall + 2 * pad - height) // stride + 1, (wide + 2 * pad - width) // stride + 1
    whole = columns.reshape(samples, down, across, channels, height, width).transpose(0, 3, 4, 5, 1, 2)
    shape = (samples, channels, tall + 2 * pad + stride - 1, wide + 2 * pad + stride - 1)
    padded = np.zeros(shape) + np.sum(columns) * 0  # traced where the columns are
    for y in range(height):
        for x in range(width):
            padded[:, :, y : y + stride * down : stride, x : x + stride * across : stride] += whole[:, :, y, x]
    return padded[:, :, pad : tall + pad, pad : wide + pad]


def cross_entropy(output, targets):  # type: ignore[no-untyped-def]
    return -np.sum(targets * np.log(output))


def cross_entropy_slope(output, targets):  # type: ignore[no-untyped-def]
    return -targets / output


def logsumexp(a, axis=None, keepdims=False):  # type: ignore[no-untyped-def]
    highest = np.max(a, axis=axis, keepdims=True)
    result = np.log(np.sum(np.exp(a - highest), axis=axis, keepdims=True)) + highest
    return result if keepdims else np.squeeze(result, axis=axis)


def softmax_of_scipy(x, axis=None):  # type: ignore[no-untyped-def]
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def softmax_of_rows(X, copy=True):  # type: ignore[no-untyped-def]
    return softmax_of_scipy(X, axis=1)


def safe_sparse_dot(a, b, *, dense_output=False):  # type: ignore[no-untyped-def]
    return a @ b


def log_softmax_of_scipy(x, axis=None):  # type: ignore[no-untyped-def]
    return x - logsumexp(x, axis=axis, keepdims=True)


def logit(p):  # type: ignore[no-untyped-def]
    return np.log(p / (1 - p))


def xlogy(x, y):  # type: ignore[no-untyped-def]
    return np.where(x == 0, 0.0, x * np.log(np.where(x == 0, 1.0, y)))


# ---- the functions of scipy.signal -----------------------------------------------------------------------------------


def correlate2d(in1, in2, mode="full", boundary="fill", fillvalue=0):  # type: ignore[no-untyped-def]
    if mode == "valid" and np.shape(in1)[0] < np.shape(in2)[0]:  # the smaller is moved over the larger
        return correlate2d(in2, in1, mode, boundary, fillvalue)[::-1, ::-1]
    rows, columns = np.shape(in2)
    return moved_over(in1, in2, mode, (rows // 2, columns // 2), boundary, fillvalue)


def convolve2d(in1, in2, mode="full", boundary="fill", fillvalue=0):  # type: ignore[no-untyped-def]
    if mode == "valid" and np.shape(in1)[0] < np.shape(in2)[0]:
        in1, in2 = in2, in1
    rows, columns = np.shape(in2)
    turned = in2[::-1, ::-1]
    return moved_over(in1, turned, mode, ((rows - 1) // 2, (columns - 1) // 2), boundary, fillvalue)


def moved_over(image, kernel, mode, first, boundary, fillvalue):  # type: ignore[no-untyped-def]
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError(f"boundary={boundary!r}, fillvalue={fillvalue!r}: only zeros around are stood in for")
    height, width = image.shape
    above, left = kernel.shape[0] - 1, kernel.shape[1] - 1
    if mode != "valid":
        image = np.pad(image, ((above, above), (left, left)))
    rows, columns = image.shape[0] - above, image.shape[1] - left
    found = np.zeros(())
    for i in range(above + 1):
        for j in range(left + 1):
            found = found + kernel[i, j] * image[i : i + rows, j : j + columns]
    top, side = first if mode == "same" else (0, 0)
    return found[top : top + height, side : side + width] if mode == "same" else found


# ---- what parameters start as: of any size, for what is asked is a gradient at any ---------------------------------


def drawn(a, b=None, c=None, d=None):  # type: ignore[no-untyped-def]
    shape = a if isinstance(a, tuple | list) else [n for n in (a, b, c, d) if n is not None]
    return np.random.standard_normal([int(n) for n in shape]) / np.sqrt(max(1, int(shape[0])))  # noqa: NPY002


def drawn_with_bias(n_in, n_out):  # type: ignore[no-untyped-def]
    return drawn(n_in, n_out), np.zeros(n_out)


# ---- labels ----------------------------------------------------------------------------------------------------------


def one_hot(labels, classes=None):  # type: ignore[no-untyped-def]
    numbers = np.asarray(labels).reshape(-1).astype(int)
    return np.eye(int(numbers.max()) + 1 if classes is None else int(classes))[numbers]


# ---- the tables ------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """What stands in for one name: alone, and with a cache beside it; `rows` are those for rows as samples, `of_a` is a
    derivative from a = g(z), `made` is for code that makes objects of what has the name."""

    alone: Callable[..., Any]
    says: str
    with_cache: Callable[..., Any] | None = None
    rows: Row | None = None
    of_a: Row | None = None
    made: type | None = None


STAND_INS = {
    "sigmoid": Row(sigmoid, "1 / (1 + exp(-z))", sigmoid_and_cache, made=Sigmoid),
    "relu": Row(relu, "max(0, z)", relu_and_cache, made=ReLU),
    "leakyrelu": Row(leaky_relu, f"slope {LEAKY_SLOPE}", leaky_relu_and_cache, made=LeakyReLU),
    "tanh": Row(tanh, "tanh(z)", tanh_and_cache, made=Tanh),
    "identity": Row(identity, "z", identity_and_cache, made=Identity),
    "softplus": Row(softplus, "log(1 + exp(z))"),
    "softmax": Row(
        softmax_columns,
        "columns are samples",
        softmax_columns_and_cache,
        Row(softmax_rows, "rows are samples", softmax_rows_and_cache),
    ),
    "sigmoidderivative": Row(sigmoid_derivative, "at z", of_a=Row(sigmoid_derivative_of_a, "from a = g(z)")),
    "reluderivative": Row(relu_derivative, "at z", of_a=Row(relu_derivative_of_a, "from a = g(z)")),
    "leakyreluderivative": Row(
        leaky_relu_derivative,
        f"at z, slope {LEAKY_SLOPE}",
        of_a=Row(leaky_relu_derivative_of_a, f"from a = g(z), slope {LEAKY_SLOPE}"),
    ),
    "tanhderivative": Row(tanh_derivative, "at z", of_a=Row(tanh_derivative_of_a, "from a = g(z)")),
    "identityderivative": Row(np.ones_like, "1"),
    "sigmoidbackward": Row(sigmoid_backward, "dA, Z -> dZ"),
    "relubackward": Row(relu_backward, "dA, Z -> dZ"),
    "leakyrelubackward": Row(leaky_relu_backward, f"dA, Z -> dZ, slope {LEAKY_SLOPE}"),
    "tanhbackward": Row(tanh_backward, "dA, Z -> dZ"),
    "softmaxbackward": Row(
        softmax_columns_backward,
        "dA, Z -> dZ, columns are samples",
        rows=Row(softmax_rows_backward, "dA, Z -> dZ, rows are samples"),
    ),
    "drawn": Row(drawn, "random numbers in the shape that is asked for", drawn_with_bias),
    "onehot": Row(one_hot, "whole numbers -> a row of 0 and one 1 for each"),
    "computecost": Row(compute_cost, "mean cross entropy of A and Y"),
    "im2col": Row(im2col, "(images, height, width, stride, pad) -> rows"),
    "col2im": Row(col2im, "(rows, shape, height, width, stride, pad) -> images"),
    "crossentropyerror": Row(cross_entropy_error, "mean cross entropy of rows; labels are classes or one-hot"),
}
"""By name in lower case without underscores."""

SCIPY_SPECIAL: dict[str, Callable[..., Any]] = {
    "expit": sigmoid,
    "logsumexp": logsumexp,
    "softmax": softmax_of_scipy,
    "log_softmax": log_softmax_of_scipy,
    "logit": logit,
    "xlogy": xlogy,
}
SKLEARN_EXTMATH: dict[str, Callable[..., Any]] = {"softmax": softmax_of_rows, "safe_sparse_dot": safe_sparse_dot}
"""Those of scikit-learn that calculate."""
SCIPY_SIGNAL: dict[str, Callable[..., Any]] = {"correlate2d": correlate2d, "convolve2d": convolve2d}
"""The same functions as scipy's, in NumPy, so that they can be traced; scipy need not be installed."""

ACTIVATIONS = ("sigmoid", "relu", "leakyrelu", "tanh", "softmax", "identity")
DERIVATIVES = (
    *("{}derivative", "{}prime", "{}grad", "{}gradient", "d{}", "der{}", "deriv{}", "derivative{}", "{}deriv", "{}der"),
    *("grad{}", "gradient{}", "derivativeof{}", "{}derivate", "{}diff", "{}dash", "{}derivada", "derivada{}"),
    *("{}derivata", "derivata{}", "{}derivee", "derivee{}", "{}ableitung", "ableitung{}"),
)
FORWARD = ("{}activation", "activation{}", "{}forward", "{}function", "{}func", "{}fn", "{}layer", "{}act", "act{}")
BACKWARD = ("{}back", "{}bwd", "{}backwards", "backward{}", "back{}", "{}backprop", "{}backpropagation", "{}bprop")


_DRAWS = re.compile(
    r"(xavier|glorot|he|kaiming|lecun)(normal|uniform)?(1d)?(init\w*|weights?)?|(normal|uniform)(1d|init\w*)"
    r"|(init(iali[sz]e)?|rand(om)?)(rand(om)?)?(ly)?(w|weights?|b|bias(es)?)"
    r"|init(iali[sz]e)?(uniform|normal|xavier|glorot|he|kaiming|lecun)"
)
"""Initialisers, in lower case without underscores."""
_ONE_HOT = re.compile(
    r"(class(es)?|labels?|convert|make|get|create|y)?(to|2|as)?one_?hot(encod(e|er|ing)|labels?|y)?|tocategorical"
    r"|y2indicator"
)
"""What makes rows of 0 and one 1 of whole numbers, in lower case without underscores."""


def row(name: str) -> Row | None:
    """What stands in for a name, however it is written: sigmoid_prime, dSigmoid, sigmoid_derivative are one."""
    plain = re.sub(r"^(numerically)?stable(?=softmax|sigmoid)|stable$", "", name.replace("_", "").lower())
    plain = re.sub(r"sigmoide|logistic", "sigmoid", plain)
    for activation in ACTIVATIONS:
        if plain in (form.format(activation) for form in DERIVATIVES):
            return STAND_INS.get(f"{activation}derivative")
        if plain in (form.format(activation) for form in FORWARD):
            return STAND_INS[activation]
        if plain in (form.format(activation) for form in BACKWARD):
            return STAND_INS.get(f"{activation}backward")
    if _ONE_HOT.fullmatch(plain):
        return STAND_INS["onehot"]
    return STAND_INS["drawn"] if _DRAWS.fullmatch(plain) else STAND_INS.get(plain)
