"""Words beside words, numbers in lists, and what is counted by hand: programs whose samples are no arrays, or whose
parameters are no arrays. Of each the right one agrees, and a mistake is found."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked, rehearsed, rehearsed_right_and_wrong

HABITS = {
    "a list of labels for each word, of which each is held against the output": Habit(
        """
        class SkipGram:
            def __init__(self, vocab_size, embedding_dim=4, lr=0.025):
                self.W1 = np.random.uniform(-0.8, 0.8, (vocab_size, embedding_dim))
                self.W2 = np.random.uniform(-0.8, 0.8, (embedding_dim, vocab_size))
                self.lr = lr

            def forward(self, x):
                self.h = np.dot(self.W1.T, x)
                u = np.dot(self.W2.T, self.h)
                self.y = np.exp(u - np.max(u)) / np.sum(np.exp(u - np.max(u)))
                return self.y

            def backward(self, x, context):
                off = np.sum([np.subtract(self.y, word) for word in context], axis=0)
                dW2 = np.outer(self.h, off)
                dW1 = np.outer(x, np.dot(self.W2, off))
                self.W1 -= self.lr * dW1
                self.W2 -= self.lr * dW2
        """,
        "dW1 = np.outer(x, np.dot(self.W2, off))",
        "dW1 = np.outer(x, np.dot(self.W2, self.y))",
    ),
    "pairs of a word and one beside it, and a row that must not be changed too early": Habit(
        """
        class SkipGram:
            def __init__(self, vocab_size, embedding_dim):
                self.inner = np.random.rand(vocab_size, embedding_dim)
                self.outer = np.random.rand(vocab_size, embedding_dim)

            def forward(self, center):
                scores = self.outer @ self.inner[center]
                return np.exp(scores) / np.sum(np.exp(scores))

            def train(self, pairs, epochs=100, lr=0.05):
                for epoch in range(epochs):
                    for center, context in pairs:
                        off = self.forward(center)
                        off[context] -= 1
                        row = self.inner[center].copy()
                        self.inner[center] -= lr * (off @ self.outer)
                        self.outer -= lr * np.outer(off, row)
        """,
        "self.outer -= lr * np.outer(off, row)",
        "self.outer -= lr * np.outer(off, self.inner[center])",
    ),
    "a word, one beside it, and words that were drawn": Habit(
        """
        class Word2Vec:
            def __init__(self, vocab_size, dim, lr=0.01):
                self.inner = np.random.randn(vocab_size, dim) * 0.1
                self.outer = np.random.randn(vocab_size, dim) * 0.1
                self.lr = lr

            def train_pair(self, center, context, negatives):
                v = self.inner[center].copy()
                s = 1 / (1 + np.exp(-np.dot(self.outer[context], v)))
                loss, back = -np.log(s), (s - 1) * self.outer[context]
                self.outer[context] -= self.lr * (s - 1) * v
                for n in negatives:
                    s = 1 / (1 + np.exp(-np.dot(self.outer[n], v)))
                    loss -= np.log(1 - s)
                    back = back + s * self.outer[n]
                    self.outer[n] -= self.lr * s * v
                self.inner[center] -= self.lr * back
                return loss
        """,
        "back = back + s * self.outer[n]",
        "back = s * self.outer[n]",
    ),
    "a rate called n, and a mean over samples that are counted by hand": Habit(
        """
        X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
        y = np.array([[0], [1], [1], [0]])
        w0 = 2 * np.random.random((3, 5)) - 1
        w1 = 2 * np.random.random((5, 1)) - 1
        n = 0.1
        for i in range(1000):
            a1 = np.tanh(X @ w0)
            a2 = 1 / (1 + np.exp(-(a1 @ w1)))
            dZ2 = 2 * (y - a2) * a2 * (1 - a2) / 4
            error = np.mean((y - a2) ** 2)
            dZ1 = dZ2 @ w1.T * (1 - a1**2)
            dw1 = a1.T @ dZ2
            dw0 = X.T @ dZ1
            w1 += dw1 * n
            w0 += dw0 * n
        """,
        "dw0 = X.T @ dZ1",
        "dw0 = (1 - X).T @ dZ1",
    ),
    "a function that is given the weights and has the samples itself": Habit(
        """
        costs = []

        def model(W1, b1, W2, b2):
            X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
            y = np.array([[0], [1], [1], [0]])
            m = X.shape[0]
            for _ in range(30000):
                A1 = np.tanh(X @ W1 + b1)
                A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
                costs.append(-np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / m)
                dZ2 = (A2 - y) / m
                dW2 = A1.T @ dZ2
                db2 = np.sum(dZ2, axis=0, keepdims=True)
                dZ1 = dZ2 @ W2.T * (1 - A1**2)
                dW1 = X.T @ dZ1
                db1 = np.sum(dZ1, axis=0, keepdims=True)
                W2 = W2 - 0.2 * dW2
                b2 = b2 - 0.2 * db2
                W1 = W1 - 0.2 * dW1
                b1 = b1 - 0.2 * db1
            return A2, W1, b1, W2, b2
        """,
        "dZ1 = dZ2 @ W2.T * (1 - A1**2)",
        "dZ1 = dZ2 @ W2.T * (1 - A2**2)",
    ),
    "batches in an order that a generator of its own draws": Habit(
        """
        class Siec:
            def __init__(self, n_wejsc, ukryte=(6, 4), ziarno=0):
                rng = np.random.default_rng(ziarno)
                sizes = [n_wejsc, *ukryte, 1]
                self.W = [rng.normal(0.0, 0.5, (a, b)) for a, b in zip(sizes[:-1], sizes[1:])]

            def _forward(self, X):
                kept = [X]
                for i in range(len(self.W)):
                    z = kept[-1] @ self.W[i]
                    kept.append(np.tanh(z) if i < len(self.W) - 1 else z)
                return kept

            def trenuj(self, X, y, epoki=400, lr=0.01, batch=32, ziarno=0):
                rng = np.random.default_rng(ziarno)
                n = X.shape[0]
                for _ in range(epoki):
                    order = rng.permutation(n)
                    for start in range(0, n, batch):
                        idx = order[start : start + batch]
                        Xb, yb = X[idx], y[idx]
                        kept = self._forward(Xb)
                        dA = (2.0 / Xb.shape[0]) * (kept[-1] - yb)
                        for i in reversed(range(len(self.W))):
                            dZ = dA * (1 - kept[i + 1] ** 2) if i < len(self.W) - 1 else dA
                            dW = kept[i].T @ dZ
                            dA = dZ @ self.W[i].T
                            self.W[i] -= lr * dW
        """,
        "dZ = dA * (1 - kept[i + 1] ** 2) if i < len(self.W) - 1 else dA",
        "dZ = dA * (1 - kept[i + 1]) if i < len(self.W) - 1 else dA",
    ),
    "a convolution and a pool whose sizes a network asks for": Habit(
        """
        class Net:
            def __init__(self, input_length, num_classes, conv_filters, kernel_size, hidden_units):
                self.kernel_size, self.filters = kernel_size, conv_filters
                self.length = input_length - kernel_size + 1
                self.K = np.random.randn(conv_filters, kernel_size) * 0.1
                self.W1 = np.random.randn(conv_filters * self.length, hidden_units) * 0.1
                self.W2 = np.random.randn(hidden_units, num_classes) * 0.1

            def forward(self, x):
                rows = [[np.dot(x[i : i + self.kernel_size], k) for i in range(self.length)] for k in self.K]
                flat = np.array(rows).flatten()
                a1 = np.tanh(np.dot(flat, self.W1))
                z2 = np.dot(a1, self.W2)
                y_hat = np.exp(z2) / np.sum(np.exp(z2))
                return y_hat, {"x": x, "flat": flat, "a1": a1, "y_hat": y_hat}

            def backward(self, x, y, cache):
                d2 = cache["y_hat"] - y
                dW2 = np.outer(cache["a1"], d2)
                d1 = np.dot(self.W2, d2) * (1 - cache["a1"] ** 2)
                dW1 = np.outer(cache["flat"], d1)
                dflat = np.dot(self.W1, d1).reshape(self.filters, self.length)
                dK = np.zeros_like(self.K)
                for f in range(self.filters):
                    for i in range(self.length):
                        for j in range(self.kernel_size):
                            dK[f, j] += dflat[f, i] * x[i + j]
                return {"W2": dW2, "W1": dW1, "K": dK}
        """,
        "dK[f, j] += dflat[f, i] * x[i + j]",
        "dK[f, j] += dflat[f, i] * x[i + self.kernel_size - 1 - j]",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_the_right_program_agrees_and_the_wrong_one_is_found_at_its_line(tmp_path, habit: Habit):
    agrees_and_is_found(tmp_path, habit)


AS_THEY_STAND = {
    "a number that is added to, and stays what it is in its list": Habit(
        """
        from math import exp
        from random import random, seed

        class Neuron:
            def __init__(self, weights):
                self.weights = weights

        seed(1)
        inner = [Neuron([random() for _ in range(3)]) for _ in range(2)]
        outer = [Neuron([random() for _ in range(3)]) for _ in range(2)]
        rows = [[2.78, 2.55, 0], [1.46, 2.36, 0], [7.62, 2.75, 1], [5.33, 2.08, 1]]

        def activate(weights, inputs):
            activation = weights[-1]
            for i in range(len(weights) - 1):
                activation += inputs[i] * weights[i]
            return 1.0 / (1.0 + exp(-activation))

        for epoch in range(20):
            for row in rows:
                inputs = row[:-1]
                for layer in (inner, outer):
                    for neuron in layer:
                        neuron.output = activate(neuron.weights, inputs)
                    inputs = [neuron.output for neuron in layer]
                expected = [0, 0]
                expected[row[-1]] = 1
                for j, neuron in enumerate(outer):
                    neuron.delta = (neuron.output - expected[j]) * neuron.output * (1.0 - neuron.output)
                for j, neuron in enumerate(inner):
                    error = sum(unit.delta * unit.weights[j] for unit in outer)
                    neuron.delta = error * neuron.output * (1.0 - neuron.output)
                for layer, given in ((inner, row[:-1]), (outer, [neuron.output for neuron in inner])):
                    for neuron in layer:
                        for j in range(len(given)):
                            neuron.weights[j] -= 0.5 * neuron.delta * given[j]
                        neuron.weights[-1] -= 0.5 * neuron.delta
        """,
        "neuron.delta = error * neuron.output * (1.0 - neuron.output)",
        "neuron.delta = error * neuron.output",
    ),
    "lists that start with one and the same number, and are no one place": Habit(
        """
        import math
        import random

        random.seed(0)
        a0, a1, a2 = [1.0] * 3, [1.0] * 2, [1.0]
        inner = [[random.uniform(-0.5, 0.5) for j in range(2)] for i in range(3)]
        outer = [[random.uniform(-0.5, 0.5)] for j in range(2)]

        def ahead(given):
            for i in range(2):
                a0[i] = given[i]
            for j in range(2):
                a1[j] = math.tanh(sum(a0[i] * inner[i][j] for i in range(3)))
            a2[0] = math.tanh(sum(a1[j] * outer[j][0] for j in range(2)))

        def back(wanted, rate):
            d2 = (1.0 - a2[0] ** 2) * (wanted[0] - a2[0])
            d1 = [(1.0 - a1[j] ** 2) * d2 * outer[j][0] for j in range(2)]
            for j in range(2):
                outer[j][0] = outer[j][0] + rate * d2 * a1[j]
            for i in range(3):
                for j in range(2):
                    inner[i][j] = inner[i][j] + rate * d1[j] * a0[i]
            return 0.5 * (wanted[0] - a2[0]) ** 2

        for turn in range(1000):
            error = 0.0
            for given, wanted in [[[0, 1], [1]], [[1, 0], [1]], [[1, 1], [0]], [[0, 0], [0]]]:
                ahead(given)
                error = error + back(wanted, 0.5)
        """,
        "d1 = [(1.0 - a1[j] ** 2) * d2 * outer[j][0] for j in range(2)]",
        "d1 = [(1.0 - a1[j]) * d2 * outer[j][0] for j in range(2)]",
    ),
    "words in an array of lists": Habit(
        """
        words_ = ["the", "quick", "brown", "fox", "jumped", "over"]
        W1 = np.random.uniform(-0.8, 0.8, (6, 4))
        W2 = np.random.uniform(-0.8, 0.8, (4, 6))
        hot = [[int(i == j) for j in range(6)] for i in range(6)]
        pairs = [[hot[i], [hot[j] for j in (i - 1, i + 1) if 0 <= j < 6]] for i in range(6)]
        for turn in range(50):
            for word, around in np.array(pairs, dtype=object):
                h = W1.T @ word
                u = W2.T @ h
                y = np.exp(u) / np.sum(np.exp(u))
                off = np.sum([np.subtract(y, other) for other in around], axis=0)
                d2 = np.outer(h, off)
                d1 = np.outer(word, W2 @ off)
                W1 = W1 - 0.01 * d1
                W2 = W2 - 0.01 * d2
        """,
        "d1 = np.outer(word, W2 @ off)",
        "d1 = np.outer(word, W2 @ y)",
    ),
    "the last hundred samples kept for later": Habit(
        """
        from shop.process import get_data

        X, Y = get_data()
        Y = Y.astype(np.int32)
        T = np.zeros((len(Y), len(set(Y))))
        T[np.arange(len(Y)), Y] = 1
        seen, wanted, later = X[:-100], T[:-100], X[-100:]
        W = np.random.randn(X.shape[1], len(set(Y)))
        V = np.random.randn(len(set(Y)), len(set(Y)))
        for i in range(10000):
            Z = np.tanh(seen @ W)
            P = np.exp(Z @ V) / np.exp(Z @ V).sum(axis=1, keepdims=True)
            back = (P - wanted) @ V.T * (1 - Z * Z)
            V -= 0.001 * Z.T @ (P - wanted)
            W -= 0.001 * seen.T @ back
        """,
        "back = (P - wanted) @ V.T * (1 - Z * Z)",
        "back = (P - wanted) @ V.T * Z * Z",
    ),
}


@pytest.mark.parametrize("habit", AS_THEY_STAND.values(), ids=AS_THEY_STAND)
def test_the_program_that_is_run_as_it_stands(tmp_path, habit: Habit):
    rehearsed_right_and_wrong(tmp_path, habit)


ONE_UNIT = """
    class Neuron:
        def __init__(self, n):
            self.w = np.random.rand(n)
            self.b = np.random.rand(1)[0]

        def ahead(self, x):
            self.out = 1 / (1 + np.exp(-(np.dot(x, self.w) + self.b)))
            return self.out

    inner, outer = [Neuron(2), Neuron(2)], Neuron(2)
    for turn in range(1000):
        for x, y in zip(np.array([[0, 1.0], [1, 0], [1, 1]]), np.array([1.0, 1, 0])):
            hidden = [unit.ahead(x) for unit in inner]
            out = outer.ahead(hidden)
            d = (y - out) * out * (1 - out)
            ds = [d * outer.w[i] * hidden[i] * (1 - hidden[i]) for i in range(2)]
            outer.w += 0.25 * d * np.array(hidden)
            outer.b += 0.25 * d
            for unit, own in zip(inner, ds):
                unit.w += 0.25 * own * x
                unit.b += 0.25 * own
"""


RECURRENT = """
    class Cell:
        def __init__(self, input_size, hidden_size):
            self.Wx = np.random.randn(hidden_size, input_size) * 0.1
            self.Wh = np.random.randn(hidden_size, hidden_size) * 0.1
            self.Wy = np.random.randn(input_size, hidden_size) * 0.1
            self.hidden_size, self.input_size = hidden_size, input_size

        def forward(self, x, h_prev):
            h = np.tanh(self.Wx @ x + self.Wh @ h_prev)
            y = np.exp(self.Wy @ h)
            return h, y / np.sum(y)

        def backward(self, target, x, h_prev, h, y, later):
            dy = np.copy(y)
            dy[target] -= 1
            self.dWy += dy @ h.T
            d = (self.Wy.T @ dy + later) * (1 - h * h)
            self.dWx += d @ x.T
            self.dWh += d @ h_prev.T
            return {back} @ d

        def forward_backward(self, inputs, targets, h_prev):
            x, h, y, loss = {}, {-1: h_prev}, {}, 0
            for t in range(len(inputs)):
                x[t] = np.zeros((self.input_size, 1))
                x[t][inputs[t]] = 1
                h[t], y[t] = self.forward(x[t], h[t - 1])
                loss += -np.log(y[t][targets[t], 0])
            self.dWx, self.dWh, self.dWy = (np.zeros_like(W) for W in (self.Wx, self.Wh, self.Wy))
            later = np.zeros_like(h[0])
            for t in reversed(range(len(inputs))):
                later = self.backward(targets[t], x[t], h[t - 1], h[t], y[t], later)
            return loss, h[len(inputs) - 1]

        def update(self, lr):
            self.Wx -= lr * self.dWx
            self.Wh -= lr * self.dWh
            self.Wy -= lr * self.dWy
"""


@pytest.mark.parametrize(("back", "verdict"), [("self.Wh.T", "agrees"), ("self.Wh", "wrong")])
def test_what_goes_forward_and_back_in_one_call_is_called_alone(tmp_path, back, verdict):
    """Its forward method is given one step of a sequence, and a state."""
    report = rehearsed(tmp_path, RECURRENT.replace("{back}", back), examples=2)
    assert report.verdict == verdict, str(report)


def test_of_two_costs_that_steps_may_go_down_the_one_counts_whose_rate_is_a_constant(tmp_path):
    """Of one output and one sample every cost's gradient has the same direction."""
    report = rehearsed(tmp_path, ONE_UNIT)
    assert report.verdict == "agrees", str(report)
    assert "squared error" in " ".join(report.assumed)


def test_the_bounds_of_a_long_recurrence_are_kept_from_growing(tmp_path):
    """Many units over many steps: smaller weights are drawn until rounding explains no more than a thousandth."""
    source = """
    chars = "abcdefghij" * 6
    place = {c: i for i, c in enumerate(sorted(set(chars)))}
    U, n = 60, len(place)
    Wx, Wh, Wy = (np.random.randn(*s) * 0.01 for s in ((U, n), (U, U), (n, U)))
    for turn in range(100):
        given, wanted = [place[c] for c in chars[:24]], [place[c] for c in chars[1:25]]
        hs, ps = {-1: np.zeros((U, 1))}, {}
        for t in range(24):
            hs[t] = np.tanh(Wx[:, [given[t]]] + Wh @ hs[t - 1])
            y = Wy @ hs[t]
            ps[t] = np.exp(y) / np.sum(np.exp(y))
        dWx, dWh, dWy, later = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy), np.zeros((U, 1))
        for t in reversed(range(24)):
            dy = np.copy(ps[t])
            dy[wanted[t]] -= 1
            dWy += dy @ hs[t].T
            dh = (1 - hs[t] ** 2) * (Wy.T @ dy + later)
            dWx[:, given[t]] += dh[:, 0]
            dWh += dh @ hs[t - 1].T
            later = Wh.T @ dh
        for W, dW in ((Wx, dWx), (Wh, dWh), (Wy, dWy)):
            W -= 0.1 * dW
    """
    report = rehearsed(tmp_path, source, examples=1)
    assert report.verdict == "agrees", str(report)


AHEAD_OF_A_SOFTMAX = """
    RATE = 0.025
    w1, w2 = np.random.uniform(-1, 1, (6, 4)), np.random.uniform(-1, 1, (4, 6))

    def forward_pass(word):
        h = np.dot(w1.T, word)
        u = np.dot(w2.T, h)
        y = np.exp(u - np.max(u)) / np.exp(u - np.max(u)).sum(axis=0)
        return y, h, u

    def backprop(e, h, x):
        global w1, w2
        dw2 = np.outer(h, e)
        dw1 = np.outer(x, np.dot(w2, {back}))
        w1 = w1 - RATE * dw1
        w2 = w2 - RATE * dw2

    def train(data):
        for word, around in data:
            y_pred, h, u = forward_pass(word)
            e = np.sum([np.subtract(y_pred, other) for other in around], axis=0)
            backprop(e, h, word)
"""


def test_backward_may_be_given_the_gradient_of_what_stands_ahead_of_the_output(tmp_path):
    report = checked(tmp_path, AHEAD_OF_A_SOFTMAX.replace("{back}", "e.T"))
    assert report.verdict == "agrees", str(report)
    assert any("a random gradient of u" in note for note in report.notes)
    wrong = checked(tmp_path, AHEAD_OF_A_SOFTMAX.replace("{back}", "h[0] * e.T"))
    assert wrong.verdict == "wrong"
    assert "h[0] * e.T" in str(wrong.first_fault.source)


@pytest.mark.parametrize("step", ["W = W - rate * (X.T @ off)", "W -= rate * X.T @ off"])
def test_the_corrected_line_of_an_update_is_an_update(tmp_path, step):
    source = f"""
    def train(X, Y, hidden, rounds, rate):
        m, n = X.shape
        W = np.random.rand(n, Y.shape[1])
        b = np.zeros((1, Y.shape[1]))
        for i in range(rounds):
            off = X @ W + b - Y
            b = b - rate * np.sum(off, axis=0, keepdims=True) / m
            {step}
        return W, b
    """
    report = checked(tmp_path, source)
    assert report.verdict == "wrong"
    assert [row["fix"] for row in report.diagnosis] == [f"{step} / m"]


def test_costs_that_are_right_beside_layers_that_are_leave_nothing_unsaid(tmp_path):
    source = """
    class Dense:
        def __init__(self, weight):
            self.weight = weight

        def forward(self, x):
            self.x = x
            return x @ self.weight

        def backward(self, dout):
            self.dweight = self.x.T @ dout
            return dout @ self.weight.T

    class Softmax:
        def forward(self, x):
            self.out = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
            return self.out

        def backward(self, dout):
            return self.out * (dout - np.sum(dout * self.out, axis=1, keepdims=True))

    class SoftmaxCrossEntropy:
        def __init__(self):
            self.softmax = Softmax()

        def forward(self, x, t):
            self.t, self.y = t, self.softmax.forward(x)
            return -np.sum(t * np.log(self.y)) / len(x)

        def backward(self, dout=1):
            return (self.y - self.t) / len(self.t)
    """
    report = checked(tmp_path, source)
    assert report.verdict == "agrees", str(report)
    assert not any("Not run" in note for note in report.notes)
    wrong = checked(tmp_path, source.replace("(self.y - self.t) / len(self.t)", "(self.y + self.t) / len(self.t)"))
    assert wrong.verdict == "wrong"
