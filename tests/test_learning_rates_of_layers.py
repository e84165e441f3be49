"""Scripts whose layers have learning rates of their own, and no gradient that is seen but in a step."""

import ast

import pytest

import gradcompare
from gradcompare.loading.learning_rates import with_one

SCRIPT = """
import numpy as np
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0], [1], [1], [0]])
RATES
np.random.seed(1)
w0 = 2 * np.random.random((3, 4)) - 1
w1 = 2 * np.random.random((4, 1)) - 1
for j in range(1000):
    l1 = 1 / (1 + np.exp(-X @ w0))
    l2 = 1 / (1 + np.exp(-l1 @ w1))
    d2 = (l2 - y) * l2 * (1 - l2)
    d1 = d2 @ w1.T * l1 * (1 - l1)
    w1 STEP OUT * l1.T @ d2
    w0 -= HIDDEN * X.T @ d1
"""
SHAPES = {
    "names": ("lr_hidden, lr_out = 0.1, 0.5", "lr_hidden", "lr_out", "-="),
    "a list": ("nu = [0.1, 0.5]", "nu[0]", "nu[1]", "-="),
    "written out": ("eta_0 = 0.1\neta_1 = 2", "eta_0", "eta_1", "= w1 -"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_learning_rates_that_differ_accuse_nobody_and_hide_nothing(tmp_path, shape):
    bound, hidden, out, step = SHAPES[shape]
    script = SCRIPT.replace("RATES", bound).replace("HIDDEN", hidden).replace("OUT", out).replace("STEP", step)
    path = tmp_path / "program.py"
    path.write_text(script)
    report = gradcompare.check(path, examples=8)
    assert report.verdict == "agrees", str(report)
    assert "learning rates of their own" in str(report)
    path.write_text(script.replace("l1 * (1 - l1)", "(1 - l1)"))
    report = gradcompare.check(path, examples=8)
    assert report.verdict == "wrong", str(report)
    assert ", d1." in str(report)


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("lr = 0.1\nw -= lr * dw\nb -= lr * db", None),
        ("lr, l2 = 0.1, 0.5\nw -= lr * dw\nb -= l2 * db", None),
        ("alpha, lr = 0.01, 0.1\nz = np.where(z > 0, z, alpha * z)\nw -= lr * dw", None),
        ("eta = 0.1\nlr = 0.2\nw -= eta * dw\nb -= lr * db\nlr = lr / 2", None),
        ("def train(eta, lr=0.2):\n    w -= eta * dw\n    b -= lr * db", None),
        ("x = [1, 2]\nfor i in n:\n    z += x[i] * w[i]", None),
        ("# \N{GREEK SMALL LETTER ETA}\nlrs = [0.1, .25]\nw += lrs[i] * d", "[0.1, 0.1]"),
        ("eta, lr = 0.3, 1e-2\nw = w - eta * dw\nb = b - lr * db", "= 0.3, 0.3"),
    ],
)
def test_only_what_is_nothing_but_the_factor_of_a_step_is_its_rate(code, after):
    found = with_one(ast.parse(code), code)
    assert (found is None) == (after is None)
    assert found is None or after in found[1]
