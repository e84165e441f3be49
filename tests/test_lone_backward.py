"""Backward functions whose forward pass is in another file: they are held against the usual one."""

import textwrap

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gradcompare
from gradcompare.tracing import usual_forward

CONVOLUTION = """
import numpy as np

def conv_backward(dZ, A_prev, W, b, padding="same", stride=(1, 1)):
    m, high, wide, _ = A_prev.shape
    kh, kw, _, _ = W.shape
    sh, sw = stride
    ph = ((high - 1) * sh + kh - high + 1) // 2 if padding == "same" else 0
    pw = ((wide - 1) * sw + kw - wide + 1) // 2 if padding == "same" else 0
    padded = np.pad(A_prev, ((0, 0), (ph, ph), (pw, pw), (0, 0)))
    dA, dW = np.zeros_like(padded), np.zeros_like(W)
    db = dZ.sum(axis=(0, 1, 2), keepdims=True)
    for n in range(m):
        for i in range(dZ.shape[1]):
            for j in range(dZ.shape[2]):
                for c in range(dZ.shape[3]):
                    rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
                    dA[n, rows, columns] += W[..., c] * dZ[n, i, j, c]
                    dW[..., c] += padded[n, rows, columns] * dZ[n, i, j, c]
    return dA[:, ph:ph + high, pw:pw + wide], dW, db
"""

POOLING = """
import numpy as np

def pool_backward(dA, cache, mode="max"):
    (A_prev, hparameters) = cache
    f, stride = hparameters["f"], hparameters["stride"]
    dA_prev = np.zeros(A_prev.shape)
    m, high, wide, channels = dA.shape
    for n in range(m):
        for i in range(high):
            for j in range(wide):
                for c in range(channels):
                    rows, columns = slice(i * stride, i * stride + f), slice(j * stride, j * stride + f)
                    if mode == "max":
                        part = A_prev[n, rows, columns, c]
                        dA_prev[n, rows, columns, c] += (part == part.max()) * dA[n, i, j, c]
                    elif mode == "average":
                        dA_prev[n, rows, columns, c] += dA[n, i, j, c] / (f * f)
    return dA_prev
"""

DENSE = """
import numpy as np

def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = dZ @ A_prev.T / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    return W.T @ dZ, dW, db
"""

DESCENT = """
import numpy as np

def l2_reg_gradient_descent(Y, weights, cache, alpha, lambtha, L):
    m = Y.shape[1]
    dz = cache["A" + str(L)] - Y
    for i in range(L, 0, -1):
        a, w = cache["A" + str(i - 1)], weights["W" + str(i)]
        dw = dz @ a.T / m + lambtha / m * w
        db = dz.sum(axis=1, keepdims=True) / m
        dz = (w.T @ dz) * (1 - a ** 2)
        weights["W" + str(i)] = w - alpha * dw
        weights["b" + str(i)] = weights["b" + str(i)] - alpha * db
"""

DROPOUT = """
import numpy as np

def dropout_gradient_descent(Y, weights, cache, alpha, keep_prob, L):
    m = Y.shape[1]
    dz = cache["A" + str(L)] - Y
    for i in reversed(range(1, L + 1)):
        a, w = cache["A" + str(i - 1)], weights["W" + str(i)]
        dw, db = dz @ a.T / m, dz.sum(axis=1, keepdims=True) / m
        if i > 1:
            dz = (w.T @ dz) * (a > 0) * cache["D" + str(i - 1)] / keep_prob
        weights["W" + str(i)] = w - alpha * dw
        weights["b" + str(i)] = weights["b" + str(i)] - alpha * db
"""

ARRAYS = """
import numpy as np

def backward_propagation(X, y, Z1, A1, Z2, A2, W1, b1, W2, b2, W3, b3, y_hat, lambda_reg, masks=None):
    m = X.shape[0]
    dZ3 = y_hat.copy()
    dZ3[np.arange(m), y] -= 1
    dW3 = (A2.T @ dZ3) / m + lambda_reg / m * W3
    db3 = np.sum(dZ3, axis=0, keepdims=True) / m
    dZ2 = dZ3 @ W3.T * (Z2 > 0)
    dW2 = (A1.T @ dZ2) / m + lambda_reg / m * W2
    db2 = np.sum(dZ2, axis=0, keepdims=True) / m
    dZ1 = dZ2 @ W2.T * (Z1 > 0)
    dW1 = (X.T @ dZ1) / m + lambda_reg / m * W1
    db1 = np.sum(dZ1, axis=0, keepdims=True) / m
    return dW1, db1, dW2, db2, dW3, db3
"""

PLANAR = """
import numpy as np

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2, W2 = cache["A1"], cache["A2"], parameters["W2"]
    dZ2 = A2 - Y
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    return {"dW1": np.dot(dZ1, X.T) / m, "db1": np.sum(dZ1, axis=1, keepdims=True) / m,
            "dW2": np.dot(dZ2, A1.T) / m, "db2": np.sum(dZ2, axis=1, keepdims=True) / m}
"""

RIGHT = [
    (PLANAR, "hidden layers of tanh, softmax output, columns are samples"),
    (ARRAYS, "hidden layers of ReLU, softmax output, rows are samples"),
    (CONVOLUTION, "convolution of samples by height by width by channels"),
    (POOLING, "pooling of samples by height by width by channels"),
    (DENSE, "W A + b, columns are samples"),
    (DESCENT, "hidden layers of tanh, softmax output, columns are samples"),
    (DESCENT.replace("(1 - a ** 2)", "a * (1 - a)"), "hidden layers of sigmoid, softmax output, columns are samples"),
    (DROPOUT, "hidden layers of ReLU, dropout, softmax output, columns are samples"),
]

WRONG = [
    (ARRAYS, "dZ2 @ W2.T * (Z1 > 0)", "dZ2 @ W2.T * (Z1 > 0) * A1", "dZ1"),
    (ARRAYS, "(A1.T @ dZ2) / m + lambda_reg / m * W2", "(A1.T @ dZ2) / m", "dW2"),  # alone of three
    (CONVOLUTION, "dW[..., c] += padded", "dW[..., c] = padded", "dW"),
    (CONVOLUTION, "dA[:, ph:ph + high", "dA[:, 0:high", "dA_prev"),
    (POOLING, "/ (f * f)", "/ f", "dA_prev"),
    (DENSE, "dW = dZ @ A_prev.T / m", "dW = dZ @ A_prev.T / m ** 2", "dW"),
    (DESCENT, "lambtha / m * w", "lambtha / m * a.sum() * w", "dW"),
    (DROPOUT, " / keep_prob", "", "dz"),
]


def file_of(tmp_path, text):
    path = tmp_path / "lone.py"
    path.write_text(textwrap.dedent(text))
    return path


@pytest.mark.parametrize(
    ("text", "said"), RIGHT, ids=["planar", "arrays", "conv", "pool", "dense", "l2", "sigmoid", "dropout"]
)
def test_a_backward_function_alone_is_held_against_the_usual_forward_pass(tmp_path, text, said):
    report = gradcompare.check(file_of(tmp_path, text), examples=10)
    assert report.verdict == "agrees"
    assert any(said in note and "is not in the file" in note for note in report.notes)


@pytest.mark.parametrize(("text", "right", "wrong", "name"), WRONG)
def test_a_mistake_in_it_is_found_at_its_line(tmp_path, text, right, wrong, name):
    assert text.count(right) == 1
    planted = text.replace(right, wrong)
    report = gradcompare.check(file_of(tmp_path, planted), examples=10)
    assert report.verdict == "wrong"
    assert report.first_fault.name.startswith(name)
    assert report.first_fault.line == 1 + text[: text.index(right)].count("\n")


def test_where_the_file_goes_forward_itself_that_counts(tmp_path):
    """Sigmoid units of its own, though 1 - a ** 2 is the derivative of tanh."""
    ahead = """
def forward_prop(X, weights, L):
    cache = {"A0": X}
    for i in range(1, L + 1):
        z = weights["W" + str(i)] @ cache["A" + str(i - 1)] + weights["b" + str(i)]
        e = np.exp(z - z.max(axis=0))
        cache["A" + str(i)] = e / e.sum(axis=0) if i == L else 1 / (1 + np.exp(-z))
    return cache
"""
    report = gradcompare.check(file_of(tmp_path, DESCENT + ahead), examples=10)
    assert report.verdict == "wrong"
    assert not any("is not in the file" in note for note in report.notes)


BESIDE = """
import numpy as np

def forward_propagation_with_dropout(X, parameters, keep_prob=0.8):
    np.random.seed(1)
    A1 = np.maximum(parameters["W1"] @ X + parameters["b1"], 0)
    D1 = (np.random.rand(*A1.shape) < keep_prob).astype(int)
    A1 = A1 * D1 / keep_prob
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, (D1, A1, parameters["W1"], parameters["b1"], Z2, A2, parameters["W2"], parameters["b2"])

def backward_propagation_with_dropout(X, Y, cache, keep_prob=0.8):
    m = X.shape[1]
    (D1, A1, W1, b1, Z2, A2, W2, b2) = cache
    dZ2 = A2 - Y
    dZ1 = (W2.T @ dZ2) * D1 / keep_prob * (A1 > 0)
    return {"dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m,
            "dW2": dZ2 @ A1.T / m, "db2": dZ2.sum(axis=1, keepdims=True) / m}

def compute_cost_with_regularization(A2, Y, parameters, lambd):
    m = Y.shape[1]
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    return cost + lambd / (2 * m) * (np.sum(parameters["W1"] ** 2) + np.sum(parameters["W2"] ** 2))

def backward_propagation_with_regularization(X, Y, cache, lambd):
    m = X.shape[1]
    (Z1, A1, W1, b1, Z2, A2, W2, b2) = cache
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m + lambd / m * W2
    dZ1 = (W2.T @ dZ2) * (A1 > 0)
    dW1 = dZ1 @ X.T / m + lambd / m * W1
    return {"dW1": dW1, "db1": dZ1.sum(axis=1, keepdims=True) / m,
            "dW2": dW2, "db2": dZ2.sum(axis=1, keepdims=True) / m}
"""
REGULARISED = "backward_propagation_with_regularization"


def test_what_goes_back_beside_a_whole_network_is_held_against_it_too(tmp_path):
    """As in the homework of a course: of the regularised network only the way back is in the file."""
    right = gradcompare.check(file_of(tmp_path, BESIDE), examples=10)
    assert right.verdict == "agrees"
    assert any(note.startswith(f"Right is {REGULARISED} too") for note in right.notes)
    assert not any("Not run here" in note for note in right.notes)
    wrong = gradcompare.check(file_of(tmp_path, BESIDE.replace(" + lambd / m * W2", "")), examples=10)
    assert (wrong.verdict, wrong.first_fault.name) == ("wrong", "dW2")


def test_another_network_of_the_file_is_not(tmp_path):
    """What goes forward in it is there, and unusual: nothing is said of it."""
    other = """
def forward_propagation_with_sines(X, parameters):
    A1 = np.sin(parameters["W1"] @ X + parameters["b1"])
    return 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"]))), A1
"""
    sines = BESIDE.replace("dZ1 = (W2.T @ dZ2) * (A1 > 0)", "dZ1 = (W2.T @ dZ2) * np.cos(Z1)") + other
    report = gradcompare.check(file_of(tmp_path, sines), examples=10)
    assert report.verdict == "agrees"
    assert any("Not run here" in note and REGULARISED in note for note in report.notes)


# ---- the forward passes themselves -----------------------------------------------------------------------------------


@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3), st.integers(1, 3), st.integers(0, 99)
)
def test_convolution_is_that_of_torch(m, stride, pad, size, channels, seed):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((m, channels, 5, 6))
    w, b = generator.standard_normal((4, channels, size, size)), generator.standard_normal(4)
    wanted = torch.nn.functional.conv2d(*map(torch.from_numpy, (x, w, b)), stride=stride, padding=pad)
    np.testing.assert_allclose(usual_forward.convolution_channels_first(x, w, b, stride, pad), wanted, atol=1e-12)
    last = usual_forward.convolution(x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0), b, (stride, stride), (pad, pad))
    np.testing.assert_allclose(last, wanted.permute(0, 2, 3, 1), atol=1e-12)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 99))
def test_pooling_is_that_of_torch(size, stride, seed):
    x = np.random.default_rng(seed).standard_normal((2, 3, 6, 5))
    for mode, torchs in (("max", torch.nn.functional.max_pool2d), ("average", torch.nn.functional.avg_pool2d)):
        wanted = torchs(torch.from_numpy(x), size, stride)
        np.testing.assert_allclose(usual_forward.pooling_channels_first(x, size, stride, mode), wanted, atol=1e-12)


@pytest.mark.parametrize("samples", ["columns", "rows"])
@pytest.mark.parametrize("output", usual_forward.OUTPUT)
@pytest.mark.parametrize("hidden", usual_forward.HIDDEN)
def test_networks_are_those_of_torch(samples, hidden, output):
    activations = {
        "tanh": torch.tanh, "ReLU": torch.relu, "sigmoid": torch.sigmoid, "leaky ReLU": torch.nn.functional.leaky_relu,
        "softmax": lambda z: torch.softmax(z, dim=1), "linear": lambda z: z,
    }  # fmt: skip
    generator = np.random.default_rng(0)
    X, W1, b1 = (generator.standard_normal(shape) for shape in ((5, 3), (3, 4), (1, 4)))
    W2, b2 = (generator.standard_normal(shape) for shape in ((4, 2), (1, 2)))
    x, w1, c1, w2, c2 = map(torch.from_numpy, (X, W1, b1, W2, b2))
    wanted = activations[output](activations[hidden](x @ w1 + c1) @ w2 + c2)
    flip = np.transpose if samples == "columns" else np.asarray
    weights = {name: flip(array) for name, array in (("W1", W1), ("b1", b1), ("W2", W2), ("b2", b2))}
    found, cache = usual_forward.network(samples, hidden, output, False)(flip(X), weights, 2, 1.0)
    np.testing.assert_allclose(flip(found), wanted, atol=1e-12)
    assert set(cache) == {"A0", "Z1", "A1", "Z2", "A2"}
