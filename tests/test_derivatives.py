"""Functions with their derivatives that make no network: whatever they take, the right ones agree, and a mistake is
found at its line."""

import pytest

from gradcompare.interfaces import usage
from gradcompare.loading import load
from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "a cost of three arrays, and its gradients by their names": Habit(
        """
        def ranking_loss(query, good, bad, gap=1.0):
            near = np.sum((query - good) ** 2, axis=1)
            far = np.sum((query - bad) ** 2, axis=1)
            return np.mean(np.maximum(near - far + gap, 0))

        def ranking_loss_gradient(query, good, bad, gap=1.0):
            near = np.sum((query - good) ** 2, axis=1)
            far = np.sum((query - bad) ** 2, axis=1)
            counts = (near - far + gap > 0)[:, None] / len(query)
            grad_query = 2 * (bad - good) * counts
            grad_good = -2 * (query - good) * counts
            grad_bad = 2 * (query - bad) * counts
            return grad_query, grad_good, grad_bad
        """,
        "-2 * (query - good) * counts",
        "2 * (query - good) * counts",
    ),
    "a cost that only takes probabilities": Habit(
        """
        def focused(p, labels, power=2.0):
            p = np.clip(p, 1e-12, 1 - 1e-12)
            of_label = np.where(labels == 1, p, 1 - p)
            return -np.mean((1 - of_label) ** power * np.log(of_label))

        def focused_grad(p, labels, power=2.0):
            of_label = np.where(labels == 1, p, 1 - p)
            left = 1 - of_label
            slope = power * left ** (power - 1) * np.log(of_label) - left**power / of_label
            return np.where(labels == 1, slope, -slope) / labels.size
        """,
        "np.where(labels == 1, slope, -slope) / labels.size",
        "slope / labels.size",
    ),
    "static methods of a class": Habit(
        """
        class Costs:
            @staticmethod
            def huber(guess, target, edge=1.0):
                off = guess - target
                flat = edge * (np.abs(off) - edge / 2)
                return np.mean(np.where(np.abs(off) <= edge, off**2 / 2, flat))

            @staticmethod
            def huber_grad(guess, target, edge=1.0):
                off = guess - target
                return np.where(np.abs(off) <= edge, off, edge * np.sign(off)) / off.size
        """,
        "edge * np.sign(off)",
        "np.sign(off) * off",
    ),
    "a backward function that takes what forward returned one by one": Habit(
        """
        def rms_norm_forward(x, gain):
            inverse = 1 / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-6)
            scaled = x * inverse
            return scaled * gain, scaled, inverse

        def rms_norm_backward(dy, scaled, inverse, gain):
            dgain = np.sum(dy * scaled, axis=0)
            through = dy * gain
            dx = inverse * (through - scaled * np.mean(through * scaled, axis=1, keepdims=True))
            return {"dx": dx, "dgain": dgain}
        """,
        "np.mean(through * scaled, axis=1, keepdims=True)",
        "np.sum(through * scaled, axis=1, keepdims=True)",
    ),
    "noise, samples and labels beside what is differentiated": Habit(
        """
        def evidence(mean, spread, noise, X, y):
            width = np.exp(spread)
            off = X @ (mean + width * noise) - y
            return off @ off / 2 + np.sum(mean**2 + width**2) / 2 - np.sum(spread)

        def evidence_grad(mean, spread, noise, X, y):
            width = np.exp(spread)
            back = X.T @ (X @ (mean + width * noise) - y)
            dmean = back + mean
            dspread = (back * noise + width) * width - 1
            return dmean, dspread
        """,
        "(back * noise + width) * width - 1",
        "(back + width) * width - 1",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_functions_with_derivatives(habit, tmp_path):
    agrees_and_is_found(tmp_path, habit)


def test_what_is_not_such_a_function_is_not_passed_over(tmp_path):
    report = checked(
        tmp_path,
        """
        def tilted(z, y):
            return np.mean((z - y) ** 2)

        def tilted_grad(z, y):
            return 2 * (z - y) / y.size

        def everything_backward(this, that, those):
            return this @ that @ those.nowhere
        """,
    )
    assert report.verdict == "error"


def test_what_is_not_run_is_said(tmp_path):
    report = checked(
        tmp_path,
        """
        def dense_forward(x, w, b):
            return x @ w + b, (x, w)

        def dense_backward(dout, cache):
            x, w = cache
            return dout @ w.T, x.T @ dout, dout.sum(axis=0)

        def squash_forward(x):
            out = np.tanh(x)
            return out, out

        def squash_backward(dout, cache):
            return dout * (1 - cache**2)

        class Whole:
            def __init__(self, tables):
                self.tables = tables["first"]

            def loss_and_grads(self, tables, queries):
                return self.tables.missing(tables, queries)
        """,
    )
    assert report.verdict == "agrees"
    assert any("Not run here" in note and "Whole.loss_and_grads" in note for note in report.notes)


WORDS = """
    from helpers_that_are_not_there import *

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset):
        said = softmax(outsideVectors @ centerWordVec)
        loss = -np.log(said[outsideWordIdx])
        off = said.copy()
        off[outsideWordIdx] -= 1
        gradCenterVec = outsideVectors.T @ off
        gradOutsideVecs = np.outer(off, centerWordVec)
        return loss, gradCenterVec, gradOutsideVecs

    def getNegativeSamples(outsideWordIdx, dataset, K):
        drawn = [dataset.sampleTokenIdx() for _ in range(K)]
        return [word if word != outsideWordIdx else outsideWordIdx + 1 for word in drawn]

    def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset, K=10):
        drawn = getNegativeSamples(outsideWordIdx, dataset, K)
        gradOutsideVecs = np.zeros(outsideVectors.shape)
        share = sigmoid(outsideVectors[outsideWordIdx] @ centerWordVec)
        loss = -np.log(share)
        gradCenterVec = (share - 1) * outsideVectors[outsideWordIdx]
        gradOutsideVecs[outsideWordIdx] += (share - 1) * centerWordVec
        for word in drawn:
            share = sigmoid(-outsideVectors[word] @ centerWordVec)
            loss -= np.log(share)
            gradCenterVec += (1 - share) * outsideVectors[word]
            gradOutsideVecs[word] += (1 - share) * centerWordVec
        return loss, gradCenterVec, gradOutsideVecs

    def word2vec_sgd_wrapper(model, vectors, dataset):
        grad = np.zeros(vectors.shape)
        for i in range(50):
            loss, inner, outer = model(vectors[:3], vectors[3:], dataset)
            grad[:3] += inner / 50
        return loss, grad
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("gradCenterVec = outsideVectors.T @ off", "gradCenterVec = outsideVectors.T @ said"),
        ("gradOutsideVecs[word] += (1 - share) * centerWordVec", "gradOutsideVecs[word] = (1 - share) * centerWordVec"),
    ],
)
def test_words_by_their_numbers_and_a_set_that_draws_some(tmp_path, right, wrong):
    assert checked(tmp_path, WORDS).verdict == "agrees"
    report = checked(tmp_path, WORDS.replace(right, wrong))
    assert report.verdict == "wrong", str(report)
    assert wrong in report.first_fault.source


@pytest.mark.parametrize(
    ("body", "given"),
    [
        ("return 0", "NoneType"),
        ("return a[argument]", "int"),
        ("return argument.draw()", "Drawing"),
        ("return argument @ a", ""),
        ("return argument.sum()", ""),
        ("return argument.draw(3)", ""),
    ],
)
def test_what_is_no_array_is_told_by_what_is_done_with_it(tmp_path, body, given):
    path = tmp_path / "program.py"
    path.write_text(f"def function(a, argument):\n    {body}\n")
    found = usage.no_array(load(path).names["function"], "argument")
    assert [type(thing).__name__ for thing in found] == ([given] if given else [])
