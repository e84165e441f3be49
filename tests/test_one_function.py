"""Functions that go forward and back in one call, with all that is about them: each is right as it stands, and wrong
where a mistake is planted in it."""

import textwrap

import pytest

import gradcompare

STEP = """
import numpy as np

def train_step({given}, x, {label}, lr=0.1):
    z1 = np.dot(x, {W1}) + {b1}
    a1 = np.tanh(z1)
    z2 = np.dot(a1, {W2}) + {b2}
    out = np.tanh(z2)
    d2 = ({label} - out) * (1 - out ** 2)
    dW2 = np.outer(a1, d2)
    d1 = np.dot(d2, {W2}.T) * (1 - a1 ** 2)
    dW1 = np.outer(x, d1)
    {W1} += lr * dW1
    {b1} += lr * d1
    {W2} += lr * dW2
    {b2} += lr * d2
"""
NAMES = ("W1", "b1", "W2", "b2")
IN_ARGUMENTS = STEP.format(given="W1, b1, W2, b2", label="y", **{n: n for n in NAMES})
IN_A_DICT = STEP.format(given="params", label="y", **{n: f'params["{n}"]' for n in NAMES})
OF_AN_OBJECT = STEP.format(given="nn", label="action_seen", **{n: f"nn.{n}" for n in NAMES})

DROPOUT = """
import numpy as np
generator = np.random.default_rng()

def mlp_forward(params, inputs):
    W1, b1, W2, b2 = params
    inputs = inputs.T
    a1 = np.tanh(np.dot(W1, inputs) + b1)
    mask = (1 / 0.5) * (DRAWN < 0.5).astype(np.float64)
    out = np.dot(W2, a1 * mask) + b2
    return [a1, out, mask]

def mlp_backward(params, inputs, labels, lam):
    W1, b1, W2, b2 = params
    a1, out, mask = mlp_forward(params, inputs)
    loss = 0.5 * np.sum((out - labels) ** 2) + lam / 2 * (np.sum(W1 ** 2) + np.sum(W2 ** 2))
    d2 = out - labels
    d1 = np.dot(W2.T, d2) * mask * (1 - a1 ** 2)
    grads = [np.dot(d1, inputs) + lam * W1, np.sum(d1, axis=1, keepdims=True),
             np.dot(d2, (a1 * mask).T) + lam * W2, np.sum(d2, axis=1, keepdims=True)]
    return loss, grads
"""

EXERCISE = """
import numpy as np

class Solution:
    def forward_and_backward(self, x: list, W1: list, b1: list, W2: list, b2: list, y_true: list) -> dict:
        x, w1, w2, b1, b2 = np.array(x), np.array(W1), np.array(W2), np.array(b1), np.array(b2)
        y_true = np.array(y_true)
        z1 = w1 @ x + b1
        a1 = np.maximum(0, z1)
        y_pred = w2 @ a1 + b2
        n = y_true.shape[0]
        loss = np.mean((y_pred - y_true) ** 2)
        dz2 = (2 / n) * (y_pred - y_true)
        dz1 = (w2.T @ dz2) * (z1 > 0)

        def clean(arr):
            arr = np.round(arr, 4)
            arr[np.isclose(arr, 0)] = 0.0
            return arr.tolist()

        return {"loss": round(float(loss), 4), "dW1": clean(np.outer(dz1, x)), "db1": clean(dz1),
                "dW2": clean(np.outer(dz2, a1)), "db2": clean(dz2)}
"""

VALIDATED = """
import numpy as np

class Net:
    def __init__(self, rate=0.1, strength=0.01, hidden=7):
        self.rate, self.strength, self.hidden = rate, strength, hidden

    def softmax(self, a):
        e = np.exp(a - np.max(a, axis=1, keepdims=True))
        return e / np.sum(e, axis=1, keepdims=True)

    def predict(self, X):
        return self.softmax(np.tanh(X @ self.w1) @ self.w2)

    def fit(self, X, T, X_val, T_val):
        self.w1 = np.random.randn(X.shape[1], self.hidden)
        self.w2 = np.random.randn(self.hidden, T.shape[1])
        self.scores = []
        for epoch in range(100):
            h = np.tanh(X @ self.w1)
            p = self.softmax(h @ self.w2)
            size = np.sum(self.w1 ** 2) + np.sum(self.w2 ** 2)
            loss = -np.mean(np.sum(T * np.log(p), axis=1)) + self.strength * size
            d2 = (p - T) / X.shape[0]
            g2 = h.T @ d2 + 2 * self.strength * self.w2
            g1 = X.T @ (d2 @ self.w2.T * (1 - h ** 2)) + 2 * self.strength * self.w1
            self.w1 -= self.rate * g1
            self.w2 -= self.rate * g2
            right = np.mean(np.argmax(self.predict(X_val), axis=1) == np.argmax(T_val, axis=1))
            self.scores.append(right)
"""

OWN_OUTPUTS = """
import numpy as np

class Network:
    def __init__(self, input_no, hidden_no, output_no):
        self.w1, self.b1 = np.random.randn(10, 4) * 0.1, np.random.randn(10, 1) * 0.1
        self.w2, self.b2 = np.random.randn(3, 10) * 0.1, np.random.randn(3, 1) * 0.1

    def forward(self, x):
        self.h = np.maximum(np.dot(self.w1, x) + self.b1, 0)
        s = np.dot(self.w2, self.h) + self.b2
        e = np.exp(s - np.amax(s, axis=0, keepdims=True))
        return e / np.sum(e, axis=0, keepdims=True)

    def backward(self, x, y_train, y_pred, lr):
        d2 = (y_pred - y_train) / x.shape[1]
        d1 = np.dot(self.w2.T, d2) * (self.h > 0)
        self.w2 = self.w2 - lr * np.dot(d2, self.h.T)
        self.b2 = self.b2 - lr * np.sum(d2, axis=1, keepdims=True)
        self.w1 = self.w1 - lr * np.dot(d1, x.T)
        self.b1 = self.b1 - lr * np.sum(d1, axis=1, keepdims=True)

def crossEntropy_loss(y_pred, y_train):
    return -np.sum(y_train * np.log(y_pred)) / y_train.shape[1]
"""

HABITS = {
    "parameters in arguments": (IN_ARGUMENTS, " * (1 - a1 ** 2)", "", 12),
    "parameters in a dict": (IN_A_DICT, " * (1 - a1 ** 2)", "", 12),
    "an object of an unknown class": (OF_AN_OBJECT, " * (1 - a1 ** 2)", "", 12),
    "dropout of NumPy's stream": (
        DROPOUT.replace("DRAWN", "np.random.rand(*a1.shape)"),
        "lam * W2,",
        "2 * lam * W2,",
        20,
    ),
    "dropout of an own generator": (
        DROPOUT.replace("DRAWN", "generator.random(a1.shape)"),
        "(a1 * mask).T",
        "a1.T",
        20,
    ),
    "an exercise, rounded and in lists": (EXERCISE, " * (z1 > 0)", "", 14),
    "validation in the loop": (VALIDATED, "2 * self.strength * self.w1", "0", 27),
    "outputs of the file's own": (OWN_OUTPUTS, " * (self.h > 0)", "", 17),
}
"""By habit: the file, what is right in it, what stands there where it is wrong, and in which line."""


def report_on(tmp_path, text):
    path = tmp_path / "file.py"
    path.write_text(textwrap.dedent(text))
    return gradcompare.check(path, examples=12)


@pytest.mark.parametrize("habit", HABITS)
def test_right_as_it_stands(tmp_path, habit):
    text, *_ = HABITS[habit]
    report = report_on(tmp_path, text)
    assert report.verdict == "agrees", report.notes


@pytest.mark.parametrize("habit", HABITS)
def test_wrong_where_a_mistake_is_planted(tmp_path, habit):
    text, right, wrong, line = HABITS[habit]
    assert text.count(right) == 1
    report = report_on(tmp_path, text.replace(right, wrong))
    assert report.verdict == "wrong", report.notes
    assert abs(report.first_fault.line - line) <= 1


def test_a_cost_that_the_function_keeps_to_itself_is_its_own(tmp_path):
    text = IN_A_DICT.replace("    dW2 = ", "    loss = np.sum((y - out) ** 2)\n    print(loss)\n    dW2 = ", 1)
    report = report_on(tmp_path, text)
    assert report.verdict == "scaled"
    assert {finding.factor for finding in report.tensors} == {0.5}
    halved = report_on(tmp_path, text.replace("np.sum((y", "0.5 * np.sum((y"))
    assert (halved.verdict, halved.assumed) == ("agrees", [])


def test_what_goes_back_may_go_forward_in_its_own_way(tmp_path):
    """What evaluates may leave out the last activation; the gradients are not held against it."""
    text = """
        import numpy as np

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        class Network:
            def __init__(self, sizes):
                self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
                self.weights = [np.random.randn(n, k) for k, n in zip(sizes[:-1], sizes[1:])]

            def feedforward(self, a):
                for w, b in zip(self.weights, self.biases):
                    a = np.dot(w, a) + b
                return a

            def backprop(self, x, y):
                activations, zs = [x], []
                for w, b in zip(self.weights, self.biases):
                    zs.append(np.dot(w, activations[-1]) + b)
                    activations.append(sigmoid(zs[-1]))
                nabla_w, nabla_b = [None] * len(self.weights), [None] * len(self.biases)
                delta = self.cost_derivative(activations[-1], y) * activations[-1] * (1 - activations[-1])
                for l in range(1, len(self.weights) + 1):
                    if l > 1:
                        delta = np.dot(self.weights[-l + 1].T, delta) * activations[-l] * (1 - activations[-l])
                    nabla_b[-l], nabla_w[-l] = delta, np.dot(delta, activations[-l - 1].T)
                return nabla_b, nabla_w

            def cost_derivative(self, a, y):
                return a - y
        """
    right = report_on(tmp_path, text)
    assert right.verdict == "agrees"
    assert any("feedforward computes something else" in note for note in right.notes)
    wrong = report_on(tmp_path, text.replace("delta) * activations[-l] * ", "delta) * "))
    assert wrong.verdict == "wrong"


def test_a_cost_that_a_loop_computes_is_the_one_that_is_meant(tmp_path):
    """Also where the gradients are those of a softmax and cross entropy but for a constant."""
    text = """
        import numpy as np

        def softmax(x):
            e = np.exp(x - np.max(x, axis=1, keepdims=True))
            return e / np.sum(e, axis=1, keepdims=True)

        def cross_entropy_loss(y_true, y_pred):
            n = y_true.shape[0]
            return np.sum(-np.log(y_pred[range(n), y_true.argmax(axis=1)])) / n

        def train_network(X, y, learning_rate, epochs):
            w, v = np.random.randn(X.shape[1], 5), np.random.randn(5, y.shape[1])
            for epoch in range(epochs):
                h = np.tanh(X @ w)
                p = softmax(h @ v)
                loss = cross_entropy_loss(y, p)
                d = p - y
                e = d @ v.T * (1 - h ** 2)
                v -= learning_rate * h.T @ d
                w -= learning_rate * X.T @ e
            return w, v
        """
    assert report_on(tmp_path, text).verdict == "scaled"
    assert report_on(tmp_path, text.replace("d = p - y", "d = (p - y) / len(X)")).verdict == "agrees"


def test_what_is_rounded_is_said(tmp_path):
    report = report_on(tmp_path, EXERCISE)
    assert any("rounded" in note for note in report.notes)
    shown = EXERCISE.replace(
        "        return {", "        shown = np.round(dz2, 2)\n        shown[:] = 0.0\n\n        return {"
    )
    assert report_on(tmp_path, shown).verdict == "agrees"  # what is rounded is a copy
    whole = EXERCISE.replace("np.round(arr, 4)", "np.round(arr)")  # is no number that is only to be read
    assert report_on(tmp_path, whole).verdict == "wrong"


def test_a_cost_that_is_printed_once_training_is_over_is_a_measure(tmp_path):
    text = """
        import numpy as np

        X, Y = np.random.rand(8, 3), np.random.rand(8, 2)
        w, v = np.random.randn(3, 4), np.random.randn(4, 2)
        for i in range(100):
            h = np.tanh(X @ w)
            out = 1 / (1 + np.exp(-(h @ v)))
            d = 2 * (out - Y) * out * (1 - out)
            e = d @ v.T * (1 - h ** 2)
            v -= 0.1 * h.T @ d
            w -= 0.1 * X.T @ e
        print("Average error:", np.mean((Y - out) ** 2))
        """
    assert report_on(tmp_path, text).verdict == "agrees"
    inside = text.replace("\n        print", "\n            print")
    assert report_on(tmp_path, inside).verdict == "scaled"


def test_python_s_own_random_numbers_are_the_same_in_every_run(tmp_path):
    text = DROPOUT.replace("(DRAWN < 0.5).astype(np.float64)", "np.array([[random.random() < 0.5] for _ in a1])")
    report = report_on(tmp_path, text.replace("import numpy as np", "import random\nimport numpy as np"))
    assert report.verdict == "agrees", report.notes


def test_labels_may_meet_what_is_written_in_place_later(tmp_path):
    """A script of a recurrent network, whose output is made its own slope."""
    text = """
        import numpy as np

        words = ["the", "cat", "sits", "on"]
        place = {w: i for i, w in enumerate(words)}
        E, U = np.random.randn(4, 6), np.random.randn(6, 5) * 0.5
        W, V = np.random.randn(5, 5) * 0.5, np.random.randn(5, 4) * 0.5
        bh, by = np.zeros(5), np.zeros(4)

        def softmax(x):
            e = np.exp(x - np.max(x))
            return e / np.sum(e)

        def entropy(p, t):
            return -np.log(p[t] + 1e-8)

        for epoch in range(1000):
            inputs = [place[w] for w in words[:-1]]
            wanted = place[words[-1]]
            seen = [E[i] for i in inputs]
            last = np.zeros(5)
            hs, xs = [], []
            for x in seen:
                xs.append(x)
                h = np.tanh(np.dot(x, U) + np.dot(last, W) + bh)
                hs.append(h)
                last = h
            p = softmax(np.dot(h, V) + by)
            loss = entropy(p, wanted)
            dU, dW, dV, dE = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V), np.zeros_like(E)
            dbh, dby = np.zeros_like(bh), np.zeros_like(by)
            dy = p
            dy[wanted] -= 1
            dV += np.outer(hs[-1], dy)
            dby += dy
            dh = np.dot(V, dy)
            for t in reversed(range(len(xs))):
                h = hs[t]
                raw = dh * (1 - h ** 2)
                dU += np.outer(xs[t], raw)
                before = hs[t - 1] if t != 0 else np.zeros_like(h)
                dW += np.outer(before, raw)
                dbh += raw
                dE[inputs[t]] += np.dot(U, raw)
                dh = np.dot(W, raw)
            E -= 0.01 * dE
            U -= 0.01 * dU
            W -= 0.01 * dW
            V -= 0.01 * dV
            bh -= 0.01 * dbh
            by -= 0.01 * dby
        """
    assert report_on(tmp_path, text).verdict == "agrees"
    wrong = report_on(tmp_path, text.replace("dW += np.outer", "dW = np.outer"))
    assert (wrong.verdict, wrong.first_fault.name) == ("wrong", "dW")


def test_labels_of_a_second_output_are_no_setting(tmp_path):
    text = """
        import numpy as np

        class TwoHeads:
            def __init__(self, n_in, n_hidden, n_out):
                self.w = np.random.randn(n_in, n_hidden)
                self.wp, self.wv = np.random.randn(n_hidden, n_out), np.random.randn(n_hidden, 1)

            def forward(self, x):
                self.h = np.tanh(x @ self.w)
                return self.h @ self.wp, np.tanh(self.h @ self.wv)

            def train_step(self, x, target_policy, target_value, learning_rate=0.1):
                p, v = self.forward(x)
                dv = (v - target_value) * (1 - v ** 2)
                dp = p - target_policy
                dh = (dp @ self.wp.T + dv @ self.wv.T) * (1 - self.h ** 2)
                self.wp -= learning_rate * self.h.T @ dp
                self.wv -= learning_rate * self.h.T @ dv
                self.w -= learning_rate * x.T @ dh
        """
    report = report_on(tmp_path, text)
    assert report.verdict == "agrees", report.notes
    assert any("There are several outputs" in note for note in report.notes)
    wrong = report_on(tmp_path, text.replace("+ dv @ self.wv.T)", ")"))
    assert (wrong.verdict, wrong.first_fault.name) == ("wrong", "dh")


def test_factors_that_vary_are_no_constant(tmp_path):
    """Of single numbers each step is a multiple of any gradient: labels that the program goes through stay its own."""
    text = """
        import numpy as np

        pairs = [(0, 1), (1, 3), (3, 5)]
        w1, w2 = 0.5, 0.6
        b1, b2 = 0.1, 0.2
        lr = 0.000903

        def neuron(x, w, b):
            return x * w + b

        def sigmoid(x):
            return 1 / (1 + np.exp(-x))

        for epoch in range(1000):
            for x, y_true in pairs:
                l1 = sigmoid(neuron(x, w1, b1))
                l2 = sigmoid(neuron(l1, w2, b2))
                grad2 = 2 * (l2 - y_true) * l2 * (1 - l2)
                grad1 = grad2 * w2 * l1 * (1 - l1)
                grad_w2, grad_b2 = grad2 * l1, grad2
                grad_w1, grad_b1 = grad1 * x, grad1
                w1 -= lr * grad_w1
                b1 -= lr * grad_b1
                w2 -= lr * grad_w2
                b2 -= lr * grad_b2
        """
    assert report_on(tmp_path, text).verdict == "agrees"
    assert report_on(tmp_path, text.replace("grad2 * w2 * l1", "grad2 * l1")).verdict == "wrong"


def test_a_cost_with_its_softmax_may_be_of_one_sample(tmp_path):
    text = """
        import numpy as np

        class ReLU:
            def forward(self, x):
                self.x = x
                return np.maximum(x, 0)

            def backward(self, delta):
                return delta * (self.x > 0)

        class SoftmaxCrossEntropy:
            def forward(self, logits, y):
                self.y = y
                self.probs = np.exp(logits) / np.exp(logits).sum()
                return -(y * np.log(self.probs)).sum()

            def backward(self):
                return self.probs - self.y
        """
    assert report_on(tmp_path, text).verdict == "agrees"
    assert report_on(tmp_path, text.replace("self.probs - self.y", "self.probs * (1 - self.y)")).verdict == "wrong"


def test_a_word_of_a_match_is_one_that_it_knows(tmp_path):
    text = """
        import numpy as np

        class Net:
            def __init__(self, sizes, mode):
                match mode:
                    case "random":
                        self.W = [np.random.randn(n, k) for k, n in zip(sizes[:-1], sizes[1:])]
                    case "zeros":
                        self.W = [np.zeros((n, k)) for k, n in zip(sizes[:-1], sizes[1:])]
                    case _:
                        raise ValueError("Incorrect mode")

            def forward(self, x):
                self.a = [x]
                for w in self.W:
                    self.a.append(np.tanh(w @ self.a[-1]))
                return self.a[-1]

            def backward(self, x, y):
                d, grads = self.forward(x) - y, []
                for w, a, out in zip(self.W[::-1], self.a[-2::-1], self.a[::-1]):
                    d = d * (1 - out ** 2)
                    grads.insert(0, d @ a.T)
                    d = w.T @ d
                return grads
        """
    assert report_on(tmp_path, text).verdict == "agrees"
    assert report_on(tmp_path, text.replace("d * (1 - out ** 2)", "d * (1 - out)")).verdict == "wrong"
