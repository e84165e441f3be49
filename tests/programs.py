"""The network as others write it: right NumPy code in many algebraic forms, with a place to plant mistakes.

A `Form` is one choice from each table below. All compute the same mathematics; rounding treats each differently.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SLOPE = 0.01


def stable_sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_by_masks(z):
    a = np.zeros_like(z)
    positive = z > 0
    a[positive] = 1 / (1 + np.exp(-z[positive]))
    a[~positive] = np.exp(z[~positive]) / (1 + np.exp(z[~positive]))
    return a


def relu_in_place(z):
    a = z.copy()
    a[z < 0] = 0
    return a


def leaky_in_place(z):
    a = np.array(z)
    a[a < 0] *= SLOPE
    return a


SIGMOID = {
    "naive": lambda z: 1 / (1 + np.exp(-z)),
    "stable": stable_sigmoid,
    "masks": sigmoid_by_masks,
    "through tanh": lambda z: (1 + np.tanh(z / 2)) / 2,
    "power": lambda z: (1 + np.exp(-z)) ** -1,
}
TANH = {
    "tanh": np.tanh,
    "through sigmoid": lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
    "sinh over cosh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
}
RELU = {
    "maximum": lambda z: np.maximum(0, z),
    "mask": lambda z: z * (z > 0),
    "where": lambda z: np.where(z >= 0, z, 0),
    "clip": lambda z: np.clip(z, 0, None),
    "half": lambda z: (np.abs(z) + z) / 2,
    "in place": relu_in_place,
}
LEAKY = {
    "maximum": lambda z: np.maximum(SLOPE * z, z),
    "where": lambda z: np.where(z > 0, z, z * SLOPE),
    "two parts": lambda z: np.maximum(z, 0) + SLOPE * np.minimum(z, 0),
    "in place": leaky_in_place,
}
VALUES = {
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "relu": RELU,
    "leaky_relu": LEAKY,
    "identity": {"same": lambda z: z, "copy": lambda z: z + 0},
}


def sigmoid_slope_of_z(z, a):
    e = np.exp(-np.abs(z))
    return e / (1 + e) ** 2


def relu_slope_in_place(z, a):
    slope = np.ones_like(z)
    slope[z < 0] = 0
    return slope


def leaky_slope_in_place(z, a):
    slope = np.ones_like(a)
    slope[z <= 0] = SLOPE
    return slope


SLOPES = {
    "sigmoid": {
        "a(1-a)": lambda z, a: a * (1 - a),
        "a-a^2": lambda z, a: a - a**2,
        "of z": sigmoid_slope_of_z,
        "again": lambda z, a: (1 / (1 + np.exp(-z))) * (1 - 1 / (1 + np.exp(-z))),
    },
    "tanh": {
        "1-a^2": lambda z, a: 1 - a**2,
        "1-a*a": lambda z, a: 1 - np.multiply(a, a),
        "again": lambda z, a: 1 - np.tanh(z) ** 2,
        "(1-a)(1+a)": lambda z, a: (1 - a) * (1 + a),
        "sech": lambda z, a: 1 / np.cosh(z) ** 2,
    },
    "relu": {
        "z>0": lambda z, a: z > 0,
        "z>=0": lambda z, a: np.where(z >= 0, 1, 0),
        "a>0": lambda z, a: (a > 0).astype(a.dtype),
        "in place": relu_slope_in_place,
    },
    "leaky_relu": {
        "z>0": lambda z, a: np.where(z > 0, 1, SLOPE),
        "z>=0": lambda z, a: np.where(z >= 0, 1, SLOPE),
        "in place": leaky_slope_in_place,
    },
    "identity": {"1": lambda z, a: 1, "ones": lambda z, a: np.ones_like(z)},
}
SOFTMAX = {
    "shifted": lambda z: np.exp(z - z.max(axis=0)) / np.sum(np.exp(z - z.max(axis=0)), axis=0),
    "plain": lambda z: np.exp(z) / np.exp(z).sum(axis=0, keepdims=True),
    "log sum exp": lambda z: np.exp(z - np.log(np.sum(np.exp(z), axis=0))),
}
COSTS = {
    ("cross_entropy", "sigmoid"): {
        "logs of A": lambda Z, A, Y: -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)),
        "products": lambda Z, A, Y: -(np.vdot(Y, np.log(A)) + np.vdot(1 - Y, np.log(1 - A))),
        "one log": lambda Z, A, Y: -np.sum(np.log(Y * A + (1 - Y) * (1 - A))),
        "logits": lambda Z, A, Y: np.sum(np.maximum(Z, 0) - Z * Y + np.log1p(np.exp(-np.abs(Z)))),
        "logaddexp": lambda Z, A, Y: np.sum(np.logaddexp(0, Z) - Y * Z),
    },
    ("cross_entropy", "softmax"): {
        "logs of A": lambda Z, A, Y: -np.sum(Y * np.log(A)),
        "of the class": lambda Z, A, Y: -np.sum(np.log(A[np.argmax(Y, axis=0), np.arange(Y.shape[1])])),
        "log sum exp": lambda Z, A, Y: np.sum(np.log(np.sum(np.exp(Z), axis=0)) - np.sum(Z * Y, axis=0)),
        "shifted": lambda Z, A, Y: np.sum(
            np.log(np.sum(np.exp(Z - Z.max(axis=0)), axis=0)) - np.sum((Z - Z.max(axis=0)) * Y, axis=0)
        ),
    },
    "squared_error": {
        "power": lambda Z, A, Y: np.sum((A - Y) ** 2) / 2,
        "product": lambda Z, A, Y: 0.5 * np.sum(np.multiply(A - Y, A - Y)),
        "norm": lambda Z, A, Y: np.linalg.norm(Y - A) ** 2 / 2,
        "loop": lambda Z, A, Y: sum(np.dot(A[:, i] - Y[:, i], A[:, i] - Y[:, i]) for i in range(Y.shape[1])) / 2,
    },
}
DELTAS = {  # dZ of the last layer, from its slope too
    ("cross_entropy", "sigmoid"): {
        "A - Y": lambda A, Y, slope: A - Y,
        "through dA": lambda A, Y, slope: (-(Y / A) + (1 - Y) / (1 - A)) * slope,
        "one quotient": lambda A, Y, slope: (A - Y) / (A * (1 - A)) * slope,
    },
    ("cross_entropy", "softmax"): {
        "A - Y": lambda A, Y, slope: A - Y,
        "through dA": lambda A, Y, slope: A * (-Y / A - np.sum(-Y / A * A, axis=0)),
        "in place": lambda A, Y, slope: softmax_delta_in_place(A, Y),
    },
    "squared_error": {
        "(A - Y) g'": lambda A, Y, slope: (A - Y) * slope,
        "-(Y - A) g'": lambda A, Y, slope: -(Y - A) * slope,
    },
}


def softmax_delta_in_place(A, Y):
    dZ = A.copy()
    dZ[np.argmax(Y, axis=0), range(Y.shape[1])] -= 1
    return dZ


def product_by_loops(W, A):
    out = np.zeros((W.shape[0], A.shape[1]), dtype=A.dtype)
    for i in range(W.shape[0]):
        for k in range(W.shape[1]):
            out[i] += W[i, k] * A[k]
    return out


PRODUCTS = {
    "@": lambda W, A: W @ A,
    "dot": np.dot,
    "einsum": lambda W, A: np.einsum("ij,jk->ik", W, A),
    "transposed": lambda W, A: (A.T @ W.T).T,
    "broadcast": lambda W, A: np.sum(W[:, :, None] * A[None, :, :], axis=1),
    "loops": product_by_loops,
    "samples": lambda W, A: np.stack([W @ A[:, i] for i in range(A.shape[1])], axis=1),
    "backwards": lambda W, A: W[:, ::-1] @ A[::-1],
}
TOTALS = {  # over the samples, kept (n, 1)
    "keepdims": lambda d: np.sum(d, axis=1, keepdims=True),
    "reshape": lambda d: np.reshape(d.sum(axis=1), (-1, 1)),
    "ones": lambda d: np.dot(d, np.ones((d.shape[1], 1), dtype=d.dtype)),
    "mean": lambda d: np.mean(d, axis=1, keepdims=True) * d.shape[1],
    "loop": lambda d: sum(d[:, i : i + 1] for i in range(d.shape[1])),
}
MEANS = {  # where 1/m stands
    "last": (lambda delta, m: delta, lambda total, m: total / m),
    "product": (lambda delta, m: delta, lambda total, m: 1.0 / m * total),
    "first": (lambda delta, m: delta / m, lambda total, m: total),
}


@dataclass(frozen=True)
class Form:
    """A network and how it is written: names in the tables above."""

    activations: tuple[str, ...]
    loss: str
    values: tuple[str, ...]
    slopes: tuple[str, ...]
    cost: str
    delta: str
    product: str
    total: str
    mean: str

    @property
    def pair(self) -> Any:
        return self.loss if self.loss == "squared_error" else (self.loss, self.activations[-1])


def draw_form(choose: Callable[[Sequence], Any], activations: tuple[str, ...], loss: str) -> Form:
    """One of each table."""
    pair = loss if loss == "squared_error" else (loss, activations[-1])

    def of(table: Mapping) -> Any:
        return choose(list(table))

    return Form(
        activations,
        loss,
        tuple(of(SOFTMAX if g == "softmax" else VALUES[g]) for g in activations),
        tuple(of(SLOPES[g]) if g != "softmax" else "" for g in activations),
        of(COSTS[pair]),
        of(DELTAS[pair]),
        of(PRODUCTS),
        of(TOTALS),
        of(MEANS),
    )


def plain_form(activations: tuple[str, ...], loss: str) -> Form:
    """The first of each table: the textbook's."""
    return draw_form(lambda options: options[0], activations, loss)


Born = Callable[[str, Any], Any]


def forward(form: Form, inputs: Mapping[str, Any], born: Born) -> dict[str, Any]:
    """Every value, each handed to `born` where it is computed."""
    v = {"A0": inputs["X"]}
    for layer, (g, written) in enumerate(zip(form.activations, form.values, strict=True), start=1):
        W, b, A = inputs[f"W{layer}"], inputs[f"b{layer}"], v[f"A{layer - 1}"]
        v[f"Z{layer}"] = Z = born(f"Z{layer}", PRODUCTS[form.product](W, A) + b)
        v[f"A{layer}"] = born(f"A{layer}", (SOFTMAX if g == "softmax" else VALUES[g])[written](Z))
    v["J"] = born("J", COSTS[form.pair][form.cost](Z, v[f"A{layer}"], inputs["Y"]) / inputs["X"].shape[1])
    return v


def subject(form: Form, born: Born = lambda name, value: value) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """The program as `compare` takes it: every value and gradient under its name."""

    def program(inputs: Mapping[str, Any]) -> dict[str, Any]:
        with np.errstate(all="ignore"):
            v = forward(form, inputs, born)
            return {name: value for name, value in v.items() if name != "A0"} | backward(form, inputs, v, born)

    return program


def backward(form: Form, inputs: Mapping[str, Any], v: Mapping[str, Any], born: Born) -> dict[str, Any]:
    product, total = PRODUCTS[form.product], TOTALS[form.total]
    first, last = MEANS[form.mean]
    L, m = len(form.activations), inputs["X"].shape[1]
    d: dict[str, Any] = {}
    slope = None if form.activations[-1] == "softmax" else slope_of(form, L, v)
    dZ = born(f"dZ{L}", first(DELTAS[form.pair][form.delta](v[f"A{L}"], inputs["Y"], slope), m))
    for layer in range(L, 0, -1):
        d[f"dZ{layer}"] = dZ
        d[f"dW{layer}"] = born(f"dW{layer}", last(product(dZ, v[f"A{layer - 1}"].T), m))
        d[f"db{layer}"] = born(f"db{layer}", last(total(dZ), m))
        if layer > 1:
            d[f"dA{layer - 1}"] = born(f"dA{layer - 1}", product(inputs[f"W{layer}"].T, dZ))
            dZ = born(f"dZ{layer - 1}", d[f"dA{layer - 1}"] * slope_of(form, layer - 1, v))
    return d


def slope_of(form: Form, layer: int, v: Mapping[str, Any]) -> Any:
    written = SLOPES[form.activations[layer - 1]][form.slopes[layer - 1]]
    return written(v[f"Z{layer}"], v[f"A{layer}"])


def cost_and_values(form: Form) -> Callable[[Mapping[str, Any]], tuple[Any, dict[str, Any]]]:
    """The forward pass as a reference, to be wrapped in `numpy_on_torch`."""

    def reference(inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        with np.errstate(all="ignore"):
            v = forward(form, inputs, lambda name, value: value)
        return v["J"], {name: value for name, value in v.items() if name not in ("A0", "J")}

    return reference
