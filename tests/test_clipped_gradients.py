"""Gradients that are clipped before they are applied or returned are compared as they are before that."""

import textwrap

import pytest

from gradcompare.loading import load
from gradcompare.loading.clipping import without_clipping
from gradcompare.loading.parsing import parse
from tests.habits import checked

NET = """
    class Net:
        def __init__(self, n_in, n_hidden, n_out):
            self.W1, self.W2 = np.random.randn(n_hidden, n_in), np.random.randn(n_out, n_hidden)

        def forward(self, X):
            self.X, self.A1 = X, np.tanh(self.W1 @ X)
            return self.W2 @ self.A1

        def loss(self, X, Y):
            return 50 * np.sum((self.forward(X) - Y) ** 2)

        def backward(self, X, Y):
            out = 100 * (self.forward(X) - Y)
            dW2 = out @ self.A1.T
            back = {left} * (1 - self.A1**2)
            dW1 = back @ X.T
            {clip}
            return dW1, dW2
"""
CLIPS = {
    "in place": "for d in (dW1, dW2): np.clip(d, -0.1, 0.1, out=d)",
    "by name": "dW1 = np.clip(dW1, -0.1, 0.1); dW2 = np.clip(dW2, a_min=-0.1, a_max=0.1)",
    "their norm": """norm = np.sqrt(np.sum(dW1**2) + np.sum(dW2**2))
            if norm > 0.1: dW1 *= 0.1 / norm; dW2 *= 0.1 / norm""",
}


@pytest.mark.parametrize("clip", CLIPS.values(), ids=list(CLIPS))
def test_clipping_is_no_mistake_and_hides_none(tmp_path, clip):
    report = checked(tmp_path, NET.format(left="(self.W2.T @ out)", clip=clip))
    assert report.verdict == "agrees", str(report)
    (note,) = load(tmp_path / "program.py").notes
    assert note.endswith("gradients are clipped here; they are compared as they are before that.")
    report = checked(tmp_path, NET.format(left="abs(self.W2.T @ out)", clip=clip))
    assert report.verdict == "wrong", str(report)


@pytest.mark.parametrize(
    "text",
    [
        "def forward(z):\n    z = np.clip(z, -500, 500)\n    return z",
        "def loss(x, norm):\n    if norm > 0:\n        x = x / norm\n    return x",
        "def train(data):\n    data = np.clip(data, -3, 3)\n    return data",
        "def backward(dz):\n    dz = np.clip(dz, 0, 1)\n    return dz",
        "def backward(dz, norm):\n    if norm > 3:\n        dz = dz / 2\n    return dz",
        "def backward(dz, norm):\n    if norm > 3:\n        dz = dz / norm\n    else:\n        dz = -dz\n    return dz",
    ],
)
def test_what_bounds_anything_else_stays(text):
    assert without_clipping(parse(text, "f.py", str), text) is None


def test_every_line_stays_where_it_is():
    text = textwrap.dedent(
        """
        def backward(dW, db):
            np.clip(
                dW, -1, 1, out=dW,
            ); db = np.clip(db, -1,
                1)
            return dW, db
        """
    )
    line, without = without_clipping(parse(text, "f.py", str), text)
    assert line == 3
    assert without.count("\n") == text.count("\n")
    assert without.split("\n")[6] == "    return dW, db"
    assert "clip" not in without
