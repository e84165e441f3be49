"""The usual forward passes, for backward functions whose own is in another file: plain code, traced like a user's.

Legend: x is a batch of inputs, w weights, b biases. Images are samples by height by width by channels, or samples by
channels by height by width. What is called convolution is cross-correlation, as in every library of networks.

Source: Vincent Dumoulin and Francesco Visin, "A guide to convolution arithmetic for deep learning", arXiv 1603.07285
(relationships 3, 4 and 7); Ian Goodfellow, Yoshua Bengio and Aaron Courville, "Deep Learning", algorithm 6.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradcompare.tracing import stood_in

# ---- layers ----------------------------------------------------------------------------------------------------------


def dense_columns(x, w, b):  # type: ignore[no-untyped-def]
    return np.dot(w, x) + b


def dense_rows(x, w, b):  # type: ignore[no-untyped-def]
    return np.dot(x, w) + b


def convolution(x, w, b, stride, pad):  # type: ignore[no-untyped-def]
    """x (m, h, w, c); w (f, f, c, k); b k numbers; stride and pad: one number each, or one for each direction."""
    (down, right), (above, before) = np.broadcast_to(stride, 2), _padding(pad, stride, x, w)
    x = np.pad(x, ((0, 0), (above, above), (before, before), (0, 0)))
    patches = _windows(x, w.shape[0], w.shape[1], int(down), int(right))
    rows = [[np.sum(part[..., None] * w[None], axis=(1, 2, 3)) for part in row] for row in patches]
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1) + b.reshape(-1)


def convolution_channels_first(x, w, b, stride, pad):  # type: ignore[no-untyped-def]
    """x (m, c, h, w); w (k, c, f, f)."""
    out = convolution(np.transpose(x, (0, 2, 3, 1)), np.transpose(w, (2, 3, 1, 0)), b, stride, pad)
    return np.transpose(out, (0, 3, 1, 2))


def pooling(x, size, stride, mode):  # type: ignore[no-untyped-def]
    """x (m, h, w, c); mode: "max", or any other word for the mean."""
    (high, wide), (down, right) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    taken = np.max if mode.lower().startswith("max") else np.mean
    patches = _windows(x, int(high), int(wide), int(down), int(right))
    return np.stack([np.stack([taken(part, axis=(1, 2)) for part in row], axis=1) for row in patches], axis=1)


def pooling_channels_first(x, size, stride, mode):  # type: ignore[no-untyped-def]
    return np.transpose(pooling(np.transpose(x, (0, 2, 3, 1)), size, stride, mode), (0, 3, 1, 2))


def _padding(pad, stride, x, w):  # type: ignore[no-untyped-def]
    """How many rows and columns of 0 are around an image; "same": so many that, at a stride of 1, it stays as large."""
    if isinstance(pad, str):
        down, right = np.broadcast_to(stride, 2)
        high, wide = x.shape[1:3]
        ends = ((high - 1) * down + w.shape[0] - high, (wide - 1) * right + w.shape[1] - wide)
        return tuple(-(-int(end) // 2) if pad.lower() == "same" else 0 for end in ends)
    return tuple(int(each) for each in np.broadcast_to(pad, 2))


def _windows(x, high, wide, down, right):  # type: ignore[no-untyped-def]
    """What the filter sees, row by row."""
    ends = ((x.shape[1] - high) // down + 1, (x.shape[2] - wide) // right + 1)
    return [
        [x[:, i * down : i * down + high, j * right : j * right + wide] for j in range(ends[1])] for i in range(ends[0])
    ]


# ---- whole networks --------------------------------------------------------------------------------------------------

HIDDEN: dict[str, Callable[[Any], Any]] = {
    "ReLU": stood_in.relu,
    "tanh": stood_in.tanh,
    "sigmoid": stood_in.sigmoid,
    "leaky ReLU": stood_in.leaky_relu,
}
OUTPUT: dict[str, dict[str, Callable[[Any], Any]]] = {
    "softmax": {"columns": stood_in.softmax_columns, "rows": stood_in.softmax_rows},
    "sigmoid": dict.fromkeys(("columns", "rows"), stood_in.sigmoid),
    "linear": dict.fromkeys(("columns", "rows"), stood_in.identity),
}
"""Activations of the last layer, where columns are samples, and where rows are."""


def network(
    samples: str, hidden: str, output: str, drops: bool, kept: Sequence[str] | None = None
) -> Callable[..., Any]:
    """A forward pass through layers of parameters["W1"], parameters["b1"], ..., which returns its output, and all
    activations and pre-activations in a dict: A0, Z1, A1, ... `samples`: "columns" or "rows". `drops`: whether hidden
    layers have inverted dropout, whose masks are D1, ... `kept`: of these and the parameters what is returned, in a
    tuple in place of the dict."""
    dense = dense_columns if samples == "columns" else dense_rows
    activation, last = HIDDEN[hidden], OUTPUT[output][samples]

    def forward_prop(X, parameters, L, keep_prob):  # type: ignore[no-untyped-def]
        cache = {"A0": X}
        for layer in range(1, L + 1):
            z = dense(cache[f"A{layer - 1}"], parameters[f"W{layer}"], parameters[f"b{layer}"])
            a = last(z) if layer == L else activation(z)
            if drops and layer < L:
                mask = (np.random.rand(*a.shape) < keep_prob).astype(int)  # noqa: NPY002 - of the same stream as theirs
                a = a * mask / keep_prob
                cache[f"D{layer}"] = mask
            cache[f"Z{layer}"], cache[f"A{layer}"] = z, a
        if kept is not None:
            return a, tuple(cache[name] if name in cache else parameters.get(name) for name in kept)
        return a, cache

    return forward_prop


def network_of_arrays(
    samples: str, hidden: str, output: str, layers: Sequence[tuple[str, str]], kept: Mapping[str, str]
) -> Callable[..., Any]:
    """The same through the weights and biases that `layers` names, without a bias where that is ""; `kept`: by the name
    under which it is returned the activation or pre-activation: {"h1": "A1"}."""
    activation, last = HIDDEN[hidden], OUTPUT[output][samples]

    def forward_prop(X, parameters):  # type: ignore[no-untyped-def]
        a, cache = X, {}
        for layer, (weight, bias) in enumerate(layers, start=1):
            w = parameters[weight]
            z = (np.dot(w, a) if samples == "columns" else np.dot(a, w)) + (parameters[bias] if bias else 0)
            a = last(z) if layer == len(layers) else activation(z)
            cache[f"Z{layer}"], cache[f"A{layer}"] = z, a
        return a, {name: cache[key] for name, key in kept.items()}

    return forward_prop
