"""Files that were written for an older NumPy are checked with the names that it had, and told what to write instead."""

import textwrap

import pytest

import gradcompare

WITH_MATRICES = """
    import numpy as np

    def slope(x):
        rows, columns = np.shape(x)
        out = np.mat(np.zeros((rows, columns)))
        for i in range(rows):
            for j in range(columns):
                out[i, j] = 1 / (1 + np.exp(-x[i, j])) * (1 - 1 / (1 + np.exp(-x[i, j])))
        return out

    def inner(samples, w, b):
        z = samples * w
        for i in range(np.shape(samples)[0]):
            z[i,] += b
        return z

    def train(samples, label, n_hidden, cycles, alpha, n_output):
        m, n = np.shape(samples)
        w0 = np.mat(np.random.rand(n, n_hidden)) - 0.5
        b0 = np.mat(np.random.rand(1, n_hidden))
        w1 = np.mat(np.random.rand(n_hidden, n_output), dtype=np.float) - 0.5
        b1 = np.mat(np.random.rand(1, n_output))
        for i in range(cycles):
            z0 = inner(samples, w0, b0)
            a0 = 1 / (1 + np.exp(-z0))
            z1 = inner(a0, w1, b1)
            a1 = 1 / (1 + np.exp(-z1))
            d1 = -np.multiply(label - a1, slope(z1))
            d0 = np.multiply(d1 * w1.T, slope({of}))
            w1 = w1 - alpha * (a0.T * d1) * (1.0 / m)
            b1 = b1 - alpha * np.sum(d1, axis=0) * (1.0 / m)
            w0 = w0 - alpha * (samples.T * d0) * (1.0 / m)
            b0 = b0 - alpha * np.sum(d0, axis=0) * (1.0 / m)
        return w0, w1, b0, b1
"""


@pytest.mark.parametrize(("of", "verdict"), [("z0", "agrees"), ("a0", "wrong")])
def test_weights_that_start_as_matrices_are_matrices(tmp_path, of, verdict):
    """`*` between them is the matrix product, wherever the numbers in them come from."""
    file = tmp_path / "network.py"
    file.write_text(textwrap.dedent(WITH_MATRICES.replace("{of}", of)))
    report = gradcompare.check(file, examples=12)
    assert report.verdict == verdict, str(report)
    assert "Line 6: np.mat is from an older NumPy: write np.asmatrix." in report.notes
    assert "Line 22: np.float is from an older NumPy: write float." in report.notes
    if verdict == "wrong":
        assert "slope(a0)" in str(report).split("WRONG")[0].splitlines()[-1]


OF_LISTS = """
    import numpy as np

    class Words:
        def __init__(self):
            self.into, self.out = np.random.randn(6, 3), np.random.randn(3, 6)

        def samples(self, text):
            places = {word: i for i, word in enumerate(sorted(set(text)))}
            hot = lambda word: [int(i == places[word]) for i in range(len(places))]
            near = [[i for i in (k - 1, k + 1) if 0 <= i < len(text)] for k in range(len(text))]
            return np.array([[hot(word), [hot(text[i]) for i in row]] for word, row in zip(text, near)])

        def train(self, samples, rate):
            for word, context in samples:
                h = self.into.T @ np.asfarray(word)
                u = self.out.T @ h
                p = np.exp(u - u.max()) / np.exp(u - u.max()).sum()
                off = np.sum([np.subtract(p, other) for other in context], axis=0)
                loss = -np.sum([u[other.index(1)] for other in context]) + len(context) * np.log(np.sum(np.exp(u)))
                back = {back}
                self.out = self.out - rate * np.outer(h, off)
                self.into = self.into - rate * np.outer(word, back)

    words = Words()
    words.train(words.samples("the cat and a dog sat".split()), 0.1)
"""


@pytest.mark.parametrize(("back", "verdict"), [("self.out @ off", "agrees"), ("self.out @ np.abs(off)", "wrong")])
def test_lists_of_several_lengths_are_arrays_of_things_as_they_were(tmp_path, back, verdict):
    file = tmp_path / "words.py"
    file.write_text(textwrap.dedent(OF_LISTS.replace("{back}", back)))
    report = gradcompare.check(file, examples=4)
    assert report.verdict == verdict, str(report)
    text = "np.array of lists of several lengths is from an older NumPy: write np.array(..., dtype=object)."
    assert any(note.endswith(text) for note in report.notes)
    assert "Line 16: np.asfarray is from an older NumPy: write np.asarray(..., dtype=float)." in report.notes
