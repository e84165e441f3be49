"""Layers of images as people write them: SciPy's correlation, and loops over windows with channels last."""

import itertools

import numpy as np
import pytest

from gradcompare.tracing import stood_in
from tests.habits import Habit, agrees_and_is_found, checked


def by_definition(image, kernel, mode, turned):
    """Every sum over a window, on its own, for a kernel that is no larger than the image."""
    if turned:
        kernel = kernel[::-1, ::-1]
    (rows, columns), (above, left) = image.shape, kernel.shape
    padded = np.zeros((rows + 2 * above - 2, columns + 2 * left - 2))
    padded[above - 1 : above - 1 + rows, left - 1 : left - 1 + columns] = image
    full = np.zeros((rows + above - 1, columns + left - 1))
    for i, j in np.ndindex(full.shape):
        full[i, j] = np.sum(padded[i : i + above, j : j + left] * kernel)
    if mode == "full":
        return full
    if mode == "valid":
        return full[above - 1 : rows, left - 1 : columns]
    top, side = ((above - 1) // 2, (left - 1) // 2) if turned else (above // 2, left // 2)
    return full[top : top + rows, side : side + columns]


@pytest.mark.parametrize("function", ["correlate2d", "convolve2d"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_scipys_moving_sums_are_stood_in_for_with_their_edges(function, mode):
    random = np.random.default_rng(0)
    for image, kernel in itertools.product([(4, 5), (3, 3)], [(1, 1), (2, 3), (3, 2), (3, 3)]):
        a, b = random.standard_normal(image), random.standard_normal(kernel)
        found = stood_in.SCIPY_SIGNAL[function](a, b, mode)
        np.testing.assert_allclose(found, by_definition(a, b, mode, function == "convolve2d"), atol=1e-14)


def test_where_the_kernel_is_larger_the_image_is_moved_over_it():
    image, kernel = np.arange(6.0).reshape(2, 3), np.arange(20.0).reshape(4, 5)
    other = by_definition(kernel, image, "valid", turned=False)[::-1, ::-1]
    np.testing.assert_array_equal(stood_in.correlate2d(image, kernel, "valid"), other)
    other = by_definition(kernel, image, "valid", turned=True)
    np.testing.assert_array_equal(stood_in.convolve2d(image, kernel, "valid"), other)


def test_other_edges_than_zeros_are_refused():
    with pytest.raises(NotImplementedError, match="wrap"):
        stood_in.convolve2d(np.ones((2, 2)), np.ones((1, 1)), boundary="wrap")


CONVOLUTION = Habit(
    """
    from scipy import signal

    class Convolution:
        def __init__(self, input_shape, kernel_size, depth):
            self.depth, self.input_depth = depth, input_shape[0]
            self.kernels = np.random.randn(depth, input_shape[0], kernel_size, kernel_size)
            rows, columns = input_shape[1] - kernel_size + 1, input_shape[2] - kernel_size + 1
            self.biases = np.random.randn(depth, rows, columns)

        def forward(self, input):
            self.input = input
            self.output = np.copy(self.biases)
            for i in range(self.depth):
                for j in range(self.input_depth):
                    self.output[i] += signal.correlate2d(self.input[j], self.kernels[i, j], "valid")
            return self.output

        def backward(self, output_gradient, learning_rate):
            kernels_gradient = np.zeros(self.kernels.shape)
            input_gradient = np.zeros(self.input.shape)
            for i in range(self.depth):
                for j in range(self.input_depth):
                    kernels_gradient[i, j] = signal.correlate2d(self.input[j], output_gradient[i], "valid")
                    input_gradient[j] += signal.convolve2d(output_gradient[i], self.kernels[i, j], "full")
            self.kernels -= learning_rate * kernels_gradient
            self.biases -= learning_rate * output_gradient
            return input_gradient
    """,
    'input_gradient[j] += signal.convolve2d(output_gradient[i], self.kernels[i, j], "full")',
    'input_gradient[j] += signal.correlate2d(output_gradient[i], self.kernels[i, j], "full")',
)


def test_a_layer_of_scipys_correlation(tmp_path):
    """The kernel is turned on the way back."""
    agrees_and_is_found(tmp_path, CONVOLUTION)


WINDOWS = """
    def conv_forward(A_prev, W, b, hparameters):
        m, rows, columns, _ = A_prev.shape
        f, _, _, n_C = W.shape
        stride, pad = hparameters["stride"], hparameters["pad"]
        padded = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        n_H, n_W = (rows - f + 2 * pad) // stride + 1, (columns - f + 2 * pad) // stride + 1
        Z = np.zeros((m, n_H, n_W, n_C))
        for h in range(n_H):
            for w in range(n_W):
                window = padded[:, h * stride : h * stride + f, w * stride : w * stride + f, :]
                Z[:, h, w, :] = np.tensordot(window, W, axes=3) + b[0, 0, 0]
        return Z, (A_prev, W, b, hparameters)

    def conv_backward(dZ, cache):
        A_prev, W, b, hparameters = cache
        f, stride, pad = W.shape[0], hparameters["stride"], hparameters["pad"]
        padded = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        dpadded, dW = np.zeros(padded.shape), np.zeros(W.shape)
        for h in range(dZ.shape[1]):
            for w in range(dZ.shape[2]):
                rows, columns = slice(h * stride, h * stride + f), slice(w * stride, w * stride + f)
                dpadded[:, rows, columns, :] += np.tensordot(dZ[:, h, w, :], W, axes=([1], [3]))
                dW += np.tensordot(padded[:, rows, columns, :], dZ[:, h, w, :], axes=([0], [0]))
        return dpadded[:, pad:-pad, pad:-pad, :], dW, np.sum(dZ, axis=(0, 1, 2), keepdims=True)

    def pool_forward(A_prev, hparameters, mode="max"):
        m, rows, columns, n_C = A_prev.shape
        f, stride = hparameters["f"], hparameters["stride"]
        A = np.zeros((m, (rows - f) // stride + 1, (columns - f) // stride + 1, n_C))
        for i, h, w, c in np.ndindex(A.shape):
            window = A_prev[i, h * stride : h * stride + f, w * stride : w * stride + f, c]
            if mode == "max":
                A[i, h, w, c] = np.max(window)
            elif mode == "average":
                A[i, h, w, c] = np.mean(window)
        return A, (A_prev, hparameters)

    def pool_backward(dA, cache, mode="max"):
        A_prev, hparameters = cache
        f, stride = hparameters["f"], hparameters["stride"]
        dA_prev = np.zeros(A_prev.shape)
        for i, h, w, c in np.ndindex(dA.shape):
            rows, columns = slice(h * stride, h * stride + f), slice(w * stride, w * stride + f)
            if mode == "max":
                window = A_prev[i, rows, columns, c]
                dA_prev[i, rows, columns, c] += (window == np.max(window)) * dA[i, h, w, c]
            elif mode == "average":
                dA_prev[i, rows, columns, c] += dA[i, h, w, c] / (f * f)
        return dA_prev
"""


def test_windows_over_images_with_channels_last_in_each_kind(tmp_path):
    report = checked(tmp_path, WINDOWS, examples=2)
    assert report.verdict == "agrees", str(report)
    assert {"dW_conv", "dA_prev_pool_max", "dA_prev_pool_average"} <= {finding.name for finding in report.tensors}


@pytest.mark.parametrize(
    ("right", "wrong", "gradient"),
    [
        ("dA[i, h, w, c] / (f * f)", "dA[i, h, w, c] / f", "dA_prev_pool_average"),
        ("axis=(0, 1, 2), keepdims=True)", "axis=(0, 1, 2), keepdims=True) / 2", "db_conv"),
    ],
)
def test_a_mistake_in_one_kind_is_found_there(tmp_path, right, wrong, gradient):
    report = checked(tmp_path, WINDOWS.replace(right, wrong), examples=2)
    assert report.verdict == "wrong", str(report)
    assert report.first_fault.name == gradient
