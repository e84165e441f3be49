"""NumPy as people write it in backpropagation: followed on torch, its gradient right and its bound small."""

import functools
import math
from functools import partial, reduce

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from gradcompare import numpy_on_torch
from gradcompare.judging.comparison import compare_verified

try:
    from scipy import special
    from scipy.special import expit, softmax
except ImportError:
    special = None

GENERATOR = np.random.default_rng(0)
INPUTS = {name: GENERATOR.standard_normal(shape) for name, shape in {"W": (3, 4), "v": (4,), "S": (4, 4)}.items()}
CLASSES = np.array([2, 0, 1])


def squares(x):
    return np.sum(np.asarray(x) ** 2)


def add_at_slices(i):
    y = np.zeros((2, 5))
    np.add.at(y, (slice(None), np.array([0, 1, 1, 4])), i["v"])
    return squares(y)


def matrices_multiply(i):
    W, v, S = np.matrix(i["W"]), np.asmatrix(i["v"]), np.matrix(i["S"])
    one = np.tanh(W * v.T) + np.multiply(W, 2.0).sum(axis=1)
    other = (v * S**2 * W[0].T)[0, 0] * W[:, 1] - one / 3
    return squares(np.concatenate((one, other, np.matrix("1;0;2")), axis=1).T * S[:3, :3].A)


def add_at_2d(i):
    y = np.zeros((5, 4))
    np.add.at(y, CLASSES, i["W"])
    return squares(np.tanh(y))


def add_at_mask(i):
    y = i["v"] * 1.0
    np.add.at(y, y > 0, 2.0)
    return squares(y)


def put_along_axis(i):
    y = i["W"] * 2
    np.put_along_axis(y, np.argmax(i["W"], axis=1)[:, None], 0.0, axis=1)
    return squares(y)


def where_one(i):
    r, c = np.where(i["W"] > 0)
    return squares(i["W"][r, c])


def picked_by_range_and_list(i):
    P = np.exp(i["W"])
    delta = P.copy()
    delta[range(3), list(np.argmax(i["W"], axis=1))] -= 1
    delta[range(2)] *= 2
    delta[::-1, 0] = i["v"][:3]
    return squares(delta) - np.sum(np.log(P[range(3), list(np.argmax(i["W"], axis=1))])) + squares(P[range(1, 3)])


def boolean_assignment_array(i):
    Z = i["W"].copy()
    Z[Z < 0] = i["W"][Z < 0] * 0.1
    return squares(Z)


def fancy_assignment(i):
    P = np.exp(i["W"]) / np.sum(np.exp(i["W"]), axis=1, keepdims=True)
    P[np.arange(3), CLASSES] -= 1
    return squares(P)


def fancy_read(i):
    P = np.exp(i["W"]) / np.sum(np.exp(i["W"]), axis=1, keepdims=True)
    return -np.mean(np.log(P[range(3), CLASSES]))


def clip_out(i):
    Z = i["W"] * 1
    np.clip(Z, 0, 1, out=Z)
    return squares(Z)


def vectorize_decorated(i):
    @np.vectorize
    def f(z):
        return 1 / (1 + math.exp(-z))

    return squares(f(i["W"]))


def matmul_out(i):
    out = np.empty((3, 4))
    np.matmul(i["W"], i["S"], out=out)
    return squares(np.tanh(out))


def dot_out(i):
    out = np.zeros((3, 4))
    np.dot(i["W"], i["S"], out=out)
    return squares(np.tanh(out))


def exp_out_positional(i):
    y = np.zeros((3, 4))
    np.exp(i["W"], y)
    np.add(y, 1, y)
    return squares(y)


def out_tuple(i):
    y = np.zeros((3, 4))
    np.maximum(i["W"], 0, out=(y,))
    return squares(y)


def sum_out(i):
    y = np.zeros(3)
    np.sum(i["W"], axis=1, out=y)
    return squares(y)


def divide_where(i):
    return squares(np.divide(1.0, i["W"], out=np.zeros_like(i["W"]), where=i["W"] > 0.3))


def log_where(i):
    return np.sum(np.log(i["W"], out=np.zeros_like(i["W"]), where=i["W"] > 0.2))


def inplace_slices(i):
    Z = i["W"] * 1
    Z[:, 1:] *= 2
    Z[0] -= i["v"]
    Z[1, ::2] /= 3
    Z[-1] **= 2
    return squares(Z)


def negative_steps(i):
    return squares(i["W"][:, ::-1] @ i["v"][::-2].repeat(2)) + squares(i["W"][::-1][0])


def negative_steps_bounds(i):
    return squares(i["v"][3:0:-1]) + squares(i["v"][2::-1]) + squares(i["v"][:1:-1])


def batch_norm(i):
    mu, var = i["W"].mean(axis=0), i["W"].var(axis=0)
    return np.sum(((i["W"] - mu) / np.sqrt(var + 1e-5)) ** 3)


def layer_norm(i):
    return np.sum(
        ((i["W"] - np.mean(i["W"], -1, keepdims=True)) / (np.std(i["W"], axis=-1, keepdims=True) + 1e-5)) ** 3
    )


def im2col_loops(i):
    x = np.pad(i["S"], 1)
    cols = np.zeros((9, 16))
    for a in range(4):
        for b in range(4):
            cols[:, a * 4 + b] = x[a : a + 3, b : b + 3].ravel()
    return squares(np.arange(9.0) @ cols)


def im2col_fancy(i):
    x = np.pad(i["S"], 1)[None, None]
    r = np.repeat(np.arange(3), 3).reshape(-1, 1) + np.repeat(np.arange(4), 4).reshape(1, -1)
    c = np.tile(np.arange(3), 3).reshape(-1, 1) + np.tile(np.arange(4), 4).reshape(1, -1)
    k = np.zeros((9, 1), dtype=int)
    cols = x[:, k, r, c]
    back = np.zeros_like(x)
    np.add.at(back, (slice(None), k, r, c), cols)
    return squares(np.tanh(back)) + squares(np.arange(9.0) @ cols[0])


def strides(i):
    x = i["S"]
    a, b = x.strides
    return squares(np.lib.stride_tricks.as_strided(x, shape=(3, 3, 2, 2), strides=(a, b, a, b)).reshape(9, 4) @ i["v"])


def strides_name(i):
    x = i["v"]
    return squares(as_strided(x, (3, 2), (x.strides[0], x.strides[0])))


IDIOMS = {
    "einsum out": lambda i: np.sum(np.einsum("ij,kj->ik", i["W"], i["W"], out=np.zeros((3, 3))) ** 2),
    "einsum implicit": lambda i: np.einsum("ij,ij", i["W"], i["W"]),
    "einsum ellipsis": lambda i: squares(np.einsum("...j,j->...", i["W"], i["v"])),
    "einsum trace": lambda i: np.einsum("ii", i["S"]) ** 2,
    "subtract.outer": lambda i: squares(np.subtract.outer(i["v"], i["v"])),
    "np.matrix": matrices_multiply,
    "choice by probabilities": lambda i: (
        squares(i["v"]) * np.random.default_rng(0).choice(4, p=np.exp(i["v"]) / np.sum(np.exp(i["v"])))
    ),
    "add at slices": add_at_slices,
    "add at 2d": add_at_2d,
    "add at mask": add_at_mask,
    "take_along_axis": lambda i: squares(np.take_along_axis(i["W"], np.argmax(i["W"], axis=1)[:, None], axis=1)),
    "put along axis": put_along_axis,
    "where one": where_one,
    "unique labels": lambda i: squares(i["W"] * len(np.unique(CLASSES))) + np.unique(CLASSES, return_counts=True)[1][0],
    "picked by range and list": picked_by_range_and_list,
    "boolean assignment array": boolean_assignment_array,
    "fancy assignment": fancy_assignment,
    "fancy read": fancy_read,
    "clip inf": lambda i: squares(np.clip(i["W"], 0, np.inf)),
    ".clip keyword": lambda i: squares(i["W"].clip(min=0)),
    "clip out": clip_out,
    "piecewise constants": lambda i: squares(i["W"] * np.piecewise(i["W"], [i["W"] < 0, i["W"] >= 0], [0.1, 1])),
    "vectorize decorated": vectorize_decorated,
    "vectorize otypes": lambda i: squares(np.vectorize(lambda z: math.tanh(z), otypes=[float])(i["W"])),
    "apply_along_axis": lambda i: squares(np.apply_along_axis(lambda r: np.exp(r) / np.sum(np.exp(r)), 1, i["W"])),
    "nan_to_num": lambda i: squares(np.nan_to_num(np.log(np.abs(i["W"])) * i["W"])),
    "squeeze axis": lambda i: squares(i["W"][:, :1].squeeze(axis=1)),
    "atleast_2d": lambda i: squares(np.dot(np.atleast_2d(i["v"]).T, np.atleast_2d(i["v"]))),
    "r_ matrices": lambda i: squares(np.r_[i["W"], np.ones((1, 4))] @ i["v"]),
    "column_stack": lambda i: squares(np.column_stack((np.ones(4), i["v"]))),
    "dstack": lambda i: squares(np.dstack((i["W"], i["W"] * 2))),
    "repeat several": lambda i: squares(np.repeat(i["v"], [1, 2, 0, 3])),
    "trace": lambda i: np.trace(i["S"].T @ i["S"]),
    "norm axis keepdims": lambda i: squares(0.5 + i["W"] / np.linalg.norm(i["W"], axis=1, keepdims=True)),
    "norm fro": lambda i: np.linalg.norm(i["W"], "fro"),
    "norm 1": lambda i: np.linalg.norm(i["v"], 1) + np.linalg.norm(i["v"], np.inf),
    "tensordot": lambda i: squares(np.tensordot(i["W"], i["S"], axes=([1], [0]))),
    "tensordot 2": lambda i: np.tensordot(i["W"], i["W"], axes=2),
    "matmul out": matmul_out,
    "dot out": dot_out,
    "exp out positional": exp_out_positional,
    "out tuple": out_tuple,
    "sum out": sum_out,
    "divide where": divide_where,
    "log where": log_where,
    "inplace slices": inplace_slices,
    "negative steps": negative_steps,
    "negative steps bounds": negative_steps_bounds,
    ".mT": lambda i: squares(i["W"].mT @ i["W"]),
    "flatten F": lambda i: np.sum(i["W"].flatten("F") * np.arange(12)) ** 2,
    "reshape F": lambda i: squares(i["W"].reshape((4, 3), order="F") @ np.arange(3.0)),
    "ravel order": lambda i: np.sum(np.ravel(i["W"], order="F") * np.arange(12)),
    "copy F": lambda i: squares(i["W"].copy(order="F")),
    "comprehension dot": lambda i: squares([np.dot(r, i["v"]) for r in i["W"]]),
    "zip": lambda i: sum(a * b for a, b in zip(i["v"], i["W"][0], strict=True)),
    "float(x) ** 2": lambda i: float(i["v"][0]) ** 2 + i["v"][1],
    "int of argmax": lambda i: i["v"][int(np.argmax(i["v"]))] ** 2,
    "diag": lambda i: squares(np.diag(i["v"]) @ i["S"]) + squares(np.diag(i["S"])),
    "softmax jacobian": lambda i: squares(
        (lambda p: np.diagflat(p) - p.reshape(-1, 1) @ p.reshape(1, -1))(np.exp(i["v"]) / np.exp(i["v"]).sum())
    ),
    "kron": lambda i: squares(np.kron(i["W"], np.ones((2, 2)))),
    "eye indexing": lambda i: squares(i["W"] - np.eye(4)[CLASSES]),
    "reduce": lambda i: squares(reduce(np.dot, [i["W"], i["S"], i["v"]])),
    "multi_dot": lambda i: squares(np.linalg.multi_dot([i["W"], i["S"], i["v"]])),
    "matrix_power": lambda i: squares(np.linalg.matrix_power(i["S"], 3)),
    "prod axis": lambda i: squares(np.prod(i["W"], axis=1)),
    "average": lambda i: squares(np.average(i["W"], axis=0, weights=[1.0, 2.0, 3.0])),
    "batch norm": batch_norm,
    "layer norm": layer_norm,
    "cumprod": lambda i: squares(np.cumprod(i["v"])),
    "pad": lambda i: squares(np.pad(i["W"], ((1, 1), (2, 0)), mode="constant")[1:] * 2),
    "pad edge": lambda i: squares(np.pad(i["W"], 1, mode="edge")),
    "pad reflect": lambda i: squares(np.pad(i["v"], 2, mode="reflect")),
    "roll": lambda i: np.sum(np.roll(i["v"], 1) * i["v"]),
    "roll axis": lambda i: np.sum(np.roll(i["W"], -1, axis=1) * i["W"]),
    "flip": lambda i: (
        np.sum(np.flip(i["W"], axis=1) * i["W"])
        + np.sum(np.fliplr(i["S"]) * i["S"])
        + np.sum(np.rot90(i["S"]) * i["S"])
    ),
    "im2col loops": im2col_loops,
    "im2col fancy": im2col_fancy,
    "sliding_window_view": lambda i: squares(
        np.lib.stride_tricks.sliding_window_view(i["S"], (2, 2)).reshape(9, 4) @ i["v"]
    ),
    "sliding_window_view name": lambda i: squares(sliding_window_view(i["v"], 2) @ np.ones(2)),
    "strides": strides,
    "strides name": strides_name,
    "convolve": lambda i: (
        squares(np.convolve(i["v"], [1.0, 2.0, -1.0])) + squares(np.convolve(i["W"][0], i["v"], mode="same"))
    ),
    "correlate": lambda i: (
        squares(np.correlate(i["v"], i["W"][0][:2])) + squares(np.correlate(i["v"], i["W"][0], mode="full"))
    ),
    "maximum.reduce list": lambda i: squares(np.maximum.reduce([i["W"][0], i["W"][1], i["v"]])),
    "add.reduce None": lambda i: np.add.reduce(i["W"], axis=None) ** 2,
    "max of a list": lambda i: np.max([i["v"][0], i["v"][1] ** 2, -5.0]) ** 2,
    "exp of a list": lambda i: squares(np.exp([i["v"][0], i["v"][1]])),
    "dot of a list": lambda i: np.dot([i["v"][0], i["v"][1]], [1.0, 2.0]) ** 2,
    "sum of arrays": lambda i: squares(np.sum([i["W"][0], i["v"]], axis=0)),
    "mean of list": lambda i: np.mean([np.sum(r**2) for r in i["W"]]),
    "math.log1p, hypot": lambda i: math.log1p(i["v"][0] ** 2) + math.hypot(i["v"][1], i["v"][2]),
    "partial": lambda i: squares(partial(np.clip, a_min=0, a_max=1)(i["W"])),
    "partial sum": lambda i: squares(functools.partial(np.sum, axis=1)(i["W"])),
    "astype dtype": lambda i: squares(i["W"].astype(np.dtype("float64"))),
    "astype f8": lambda i: squares(i["W"].astype("<f8") * (i["W"] > 0).astype("f8")),
    "astype no copy": lambda i: squares(i["W"].astype(np.float64, copy=False)),
    "astype float": lambda i: squares(i["W"].astype(float) * (i["W"] > 0).astype(int)),
    "astype own dtype": lambda i: squares((i["W"] > 0).astype(i["W"].dtype) * i["W"]),
    "astype writes": lambda i: (lambda y: (y.__setitem__(0, 0.0), squares(y) + squares(i["W"]))[1])(
        i["W"].astype(np.float64)
    ),
    "np.float64(x)": lambda i: np.float64(i["v"][0]) ** 2 + squares(np.float64(i["W"])),
    "np.float32(0.5)": lambda i: squares(i["W"] * np.float32(0.5)),
    "asarray dtype": lambda i: squares(np.asarray(i["W"], dtype=np.float64)) + squares(np.asarray(i["W"], "float64")),
    "asarray f8": lambda i: squares(np.asarray(i["W"], dtype="f8")) + squares(np.array(i["v"], dtype="<f8")),
    "zeros dtype str": lambda i: (
        squares(np.zeros((3, 4), dtype="<f8") + i["W"]) + squares(np.ones(4, dtype=i["v"].dtype) * i["v"])
    ),
    "sum dtype": lambda i: np.sum(i["W"], dtype=np.float64) ** 2 + np.mean(i["W"], dtype="float64"),
    "multiply dtype": lambda i: squares(np.multiply(i["W"], 2, dtype=np.float64)),
    "finfo": lambda i: np.sum(np.log(np.abs(i["W"]) + np.finfo(i["W"].dtype).eps)),
    "issubdtype": lambda i: squares(i["W"]) if np.issubdtype(i["W"].dtype, np.floating) else 0.0,
    "result_type": lambda i: squares(i["W"].astype(np.result_type(i["W"], np.float64))),
    "dtype name": lambda i: squares(i["W"] * {"float32": 2.0, "float64": 3.0}[i["W"].dtype.name]),
    "dtype equals": lambda i: squares(i["W"] * (2.0 if i["W"].dtype == np.float32 else 3.0)),
    "isnan where": lambda i: squares(np.where(np.isnan(i["W"]), 0.0, i["W"])),
    "isfinite": lambda i: squares(i["W"] * np.isfinite(i["W"])) + squares(np.where(np.isinf(i["W"]), 0.0, i["W"])),
    "ndenumerate": lambda i: sum(k[1] * z**2 for k, z in np.ndenumerate(i["W"])),
    "nested lists": lambda i: squares(np.array([[z * 2 for z in r] for r in i["W"]])),
    "expand_dims": lambda i: squares(np.expand_dims(i["v"], 1) * i["v"][np.newaxis]),
    "inner vdot": lambda i: squares(np.inner(i["W"], i["v"])) + np.vdot(i["W"], i["W"]),
    "split": lambda i: (
        sum(squares(p) for p in np.split(i["W"], 2, axis=1)) + sum(squares(p) for p in np.array_split(i["v"], 3))
    ),
    "amax": lambda i: squares(np.exp(i["W"] - np.amax(i["W"], 1)[:, None])),
    "argsort": lambda i: np.sum(i["v"][np.argsort(-i["v"])] * np.arange(4)),
    "one hot zeros": lambda i: (lambda Y: (Y.__setitem__((np.arange(3), CLASSES), 1), -np.sum(Y * i["W"]))[1])(
        np.zeros((3, 4))
    ),
    "true_divide floor": lambda i: squares(np.true_divide(i["W"], 3)) + squares(i["W"] - i["W"] // 1),
    "exp2 log2": lambda i: np.sum(np.exp2(i["W"])) + np.sum(np.log2(1 + i["W"] ** 2)),
    "sin cos arctan": lambda i: np.sum(np.sin(i["W"]) * np.cos(i["W"])) + np.sum(np.arctan(i["W"])),
    "float_power": lambda i: squares(np.float_power(np.abs(i["W"]), 1.5)),
    "power of array": lambda i: squares(np.power(np.abs(i["v"]), np.arange(1.0, 5.0))),
    "mod": lambda i: squares(np.mod(i["W"], 1.0)),
    "triu tril": lambda i: squares(np.triu(i["S"]) @ np.tril(i["S"], -1)),
    "attention mask": lambda i: squares(
        (lambda s: np.exp(s) / np.exp(s).sum(axis=1, keepdims=True))(
            np.where(np.tril(np.ones((4, 4))) == 1, i["S"], -np.inf)
        )
    ),
    "attention mask add": lambda i: squares(
        (
            lambda s: (
                np.exp(s - s.max(1, keepdims=True)) / np.exp(s - s.max(1, keepdims=True)).sum(axis=1, keepdims=True)
            )
        )(i["S"] + np.triu(np.full((4, 4), -np.inf), 1))
    ),
    "running max": lambda i: (lambda m: np.sum((m := np.maximum(m, i["W"])) * 2))(np.full((3, 4), -np.inf)),
    "ix_": lambda i: squares(i["W"][np.ix_([0, 2], [1, 3])]),
    "meshgrid": lambda i: squares(np.meshgrid(i["v"], i["v"])[0] - np.meshgrid(i["v"], i["v"])[1]),
    "fill_diagonal": lambda i: (lambda y: (np.fill_diagonal(y, 0.0), squares(y))[1])(i["S"] * 2),
    "put": lambda i: (lambda y: (np.put(y, [0, 5], 0.0), squares(y))[1])(i["S"] * 2),
    "ndarray": lambda i: (lambda y: (y.__setitem__(slice(None), i["W"] * 2), squares(y))[1])(np.ndarray(shape=(3, 4))),
    "copyto": lambda i: (lambda y: (np.copyto(y, i["W"] * 2), squares(y))[1])(np.zeros((3, 4))),
    "any all": lambda i: squares(i["W"]) if np.any(i["W"] > 0) and not (i["W"] > 100).all() else 0.0,
    "ternary": lambda i: sum(z if z > 0 else 0.01 * z for z in i["v"]),
    "max builtin": lambda i: sum(max(0, z) for z in i["W"].ravel()),
    "sorted builtin": lambda i: sorted(i["v"])[0] ** 2,
    "gradient": lambda i: squares(np.gradient(i["v"])),
    "logical masks": lambda i: (
        squares(i["W"] * np.logical_and(i["W"] > 0, i["W"] < 1)) + squares(i["W"][(i["W"] > 0) | (i["W"] < -1)])
    ),
    "maximum.accumulate": lambda i: squares(np.maximum.accumulate(i["v"])),
    "take": lambda i: squares(np.take(i["W"], CLASSES, axis=1)) + squares(i["v"].take([0, 1])),
    "ellipsis none": lambda i: squares(i["W"][..., None] * i["v"][None, None, :]),
    "list index": lambda i: squares(i["W"][[0, 2]]) + squares(i["W"][:, [1, 1]]),
    "index by traced": lambda i: squares(i["W"][np.argmax(i["W"], axis=0), np.arange(4)]),
    "index list of traced": lambda i: squares(i["v"][[np.argmax(i["v"]), np.argmin(i["v"])]]),
    "mean over loops": lambda i: (
        sum([-(0.3 * np.log(p) + 0.7 * np.log(1 - p)) for p in (1 / (1 + np.exp(-i["W"]))).flat]) / 12
    ),
    "flat assign": lambda i: (lambda y: (y.flat.__setitem__(0, 3.0), squares(y))[1])(i["W"] * 2),
    "erf math": lambda i: sum(0.5 * z * (1 + math.erf(z / math.sqrt(2))) for z in i["v"]),
    "gelu tanh": lambda i: np.sum(
        0.5 * i["W"] * (1 + np.tanh(np.sqrt(2 / np.pi) * (i["W"] + 0.044715 * np.power(i["W"], 3))))
    ),
    "lstm slices": lambda i: (lambda g: squares(np.tanh(g[0]) * g[1] + g[2]))(
        np.split(1 / (1 + np.exp(-(i["W"].T @ i["W"])[:3])), 3, axis=0)
    ),
    "ptp": lambda i: np.ptp(i["v"]) ** 2,
    "nan literal unused": lambda i: squares(np.where(i["W"] > -100, i["W"], np.nan)),
    "extract": lambda i: squares(np.extract(i["W"] > 0, i["W"])),
    "resize": lambda i: squares(np.resize(i["v"], (2, 4))),
    "sinc": lambda i: np.sum(np.sinc(i["v"])),
    "random permutation": lambda i: squares(i["W"][np.random.permutation(3)] * np.arange(3)[:, None]),  # noqa: NPY002
    "default_rng": lambda i: squares(i["W"] * (np.random.default_rng(1).random(i["W"].shape) < 0.8) / 0.8),
    "list append": lambda i: (lambda out: ([out.append(np.tanh(r)) for r in i["W"]], squares(np.array(out)))[1])([]),
    "full_like": lambda i: squares(i["W"] - np.full_like(i["W"], 0.5)) + squares(np.ones_like(i["v"]) * i["v"]),
    "array of scalars": lambda i: squares(np.array([np.sum(i["W"]), np.max(i["v"])])),
    "array of mixed rows": lambda i: squares(np.array([i["v"], np.zeros(4), [1.0, 2.0, 3.0, 4.0]])),
}
"""Costs."""


def shuffled_pairs(i):
    """A list is shuffled itself, not a copy of it."""
    pairs = [(row, k) for k, row in enumerate(np.eye(4))]
    np.random.shuffle(pairs)  # noqa: NPY002
    return squares(i["v"] * sum(k * row for row, (_, k) in zip(np.eye(4), pairs, strict=True)))


IDIOMS["shuffled pairs"] = shuffled_pairs


def logistic_loss(i):
    return -np.sum(special.xlogy(0.3, special.expit(i["W"])) + 0.7 * np.log1p(-special.expit(i["W"])))


SCIPY = {
    "expit, xlogy": logistic_loss,
    "softmax": lambda i: squares(special.softmax(i["W"], axis=1)),
    "xlogy at 0": lambda i: -np.sum(special.xlogy(np.eye(4)[CLASSES], np.maximum(softmax(i["W"]), 0))),
    "logit": lambda i: squares(special.logit(expit(i["W"]) * 0.9)),
    "softmax of all": lambda i: squares(softmax(i["W"])),
    "logsumexp": lambda i: squares(special.logsumexp(i["W"], axis=0)) + special.logsumexp(i["v"]),
    "log_softmax": lambda i: -np.sum(special.log_softmax(i["W"], axis=1)[range(3), CLASSES]),
    "erf": lambda i: np.sum(i["W"] * (1 + special.erf(i["W"] / np.sqrt(2)))),
}


def by_plain_torch(cost):
    """The gradients by autograd without bounds: the bounded run's values, and its derivatives, must be the same."""

    def subject(inputs):
        tensors = {name: torch.tensor(array, requires_grad=True) for name, array in inputs.items()}
        J = numpy_on_torch(cost)(tensors)
        found = torch.autograd.grad(J, list(tensors.values()), allow_unused=True)
        gradients = {f"d{name}": d.numpy() for name, d in zip(tensors, found, strict=True) if d is not None}
        return {"J": J.detach().numpy(), **gradients}

    return subject


SMALL = {"float64": 1e-11, "float32": 1e-2}
"""Of a tensor's largest entry."""


def assert_followed(cost, dtype):
    """In float64 `compare` has held the traced cost and a directional derivative against the untouched code's."""
    inputs = {key: array.astype(dtype) for key, array in INPUTS.items()}
    report = compare_verified(numpy_on_torch(cost), by_plain_torch(cost), inputs, verify=dtype == "float64")
    assert (report.verdict, report.reference) == ("agrees", "autograd"), str(report)
    assert all(f.bound_reference <= SMALL[dtype] * f.size for f in report.tensors)
    assert any(f.name != "J" and f.size > 0 for f in report.tensors)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize("name", IDIOMS)
def test_numpy_as_people_write_it_is_followed_with_a_small_bound(name, dtype):
    assert_followed(IDIOMS[name], dtype)


@pytest.mark.skipif(special is None, reason="SciPy is not installed")
@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize("name", SCIPY)
def test_scipys_functions_of_backpropagation_are_followed(name, dtype):
    assert_followed(SCIPY[name], dtype)
