"""Code that asks for another precision than the one under test, wherever it makes its arrays."""

import numpy as np
import pytest

import gradcompare
from tests.habits import Habit, agrees_and_is_found

OF_FLOAT32 = Habit(
    """
    class Dense:
        def __init__(self, n_in, n_out):
            self.w = np.random.randn(n_in, n_out).astype(np.float32)
            self.b = np.zeros((1, n_out), dtype="float32")

        def forward(self, x):
            self.x = x
            out = np.zeros((len(x), self.w.shape[1]), dtype=np.float32)
            for i in range(len(x)):
                out[i] = x[i] @ self.w + self.b[0]
            return out

        def backward(self, slope):
            self.dw = self.x.T @ slope
            self.db = slope.sum(axis=0, keepdims=True)
            return slope @ self.w.T
    """,
    "self.dw = self.x.T @ slope",
    "self.dw = abs(self.x.T) @ slope",
)


def test_code_that_works_in_single_precision_is_held_against_double_precision(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("import numpy as np\n" + OF_FLOAT32.source)
    path.write_text(path.read_text().replace("\n    ", "\n"))
    report = gradcompare.check(path, examples=4)
    assert report.verdict == "agrees", str(report)
    assert "float64 stands in its place" in str(report)
    assert report.cases["decided"] == report.cases["drawn"]
    path.write_text(path.read_text().replace(OF_FLOAT32.right, OF_FLOAT32.wrong))
    assert gradcompare.check(path, examples=4).verdict == "wrong"


def test_single_precision_in_a_way_back_alone_is_told(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import numpy as np\n"
        "def forward(X, W1):\n    return np.tanh(W1 @ X)\n"
        "def cost(A1, Y):\n    return np.sum((A1 - Y) ** 2) / 2\n"
        "def backward(A1, Y, X, W1):\n"
        "    dZ1 = ((A1 - Y) * (1 - A1**2)).astype(np.float32)\n    return dZ1 @ X.T\n"
    )
    report = gradcompare.check(path, examples=4, dtype="float64")
    assert report.verdict == "wrong", str(report)
    assert "float32" in str(report)


EXTENDED = Habit(
    """
    class Softmax:
        def __init__(self, n_in, n_out):
            self.W = np.random.randn(n_in, n_out)

        def forward(self, X):
            z = (X @ self.W).astype(np.longdouble)
            e = np.exp(z - np.max(z))
            return e / e.sum(axis=1, keepdims=True)

        def loss(self, X, Y):
            P = self.forward(X)
            return -np.sum(Y * np.log(np.clip(P, 1e-12, P))) / len(X)

        def gradient(self, X, Y):
            return X.T @ (self.forward(X) - Y) / len(X)
    """,
    "return X.T @ (self.forward(X) - Y) / len(X)",
    "return X.T @ (self.forward(X) - 2 * Y) / len(X)",
)


@pytest.mark.skipif(np.dtype(np.longdouble) == np.float64, reason="there is nothing more precise here")
def test_extended_precision_is_followed_in_double(tmp_path):
    agrees_and_is_found(tmp_path, EXTENDED)
