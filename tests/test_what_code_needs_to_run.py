"""What code needs before it goes anywhere: words of a corpus, rows by key, rows of a table, steps that nothing takes of
dicts, optimisers of layers, several samples. Each is right as it stands, and wrong where a mistake is planted in it."""

import textwrap

import pytest

from tests.habits import checked_as_a_file

HABITS = {
    # What trains is given what another method makes of a corpus; the settings are a dict.
    "a corpus": (
        """
        import numpy as np

        class Word2Vec:
            def __init__(self, settings):
                self.n = settings["n"]
                self.lr = settings["learning_rate"]
                self.epochs = settings["epochs"]

            def generate_training_data(self, corpus):
                words = sorted({word for sentence in corpus for word in sentence})
                self.v_count, places = len(words), {word: i for i, word in enumerate(words)}
                pairs = []
                for sentence in corpus:
                    for one, other in zip(sentence, sentence[1:]):
                        pairs.append([np.eye(self.v_count)[places[one]], np.eye(self.v_count)[places[other]]])
                return pairs

            def train(self, training_data):
                self.w1 = np.random.uniform(-1, 1, (self.v_count, self.n))
                self.w2 = np.random.uniform(-1, 1, (self.n, self.v_count))
                for _ in range(self.epochs):
                    for x, t in training_data:
                        h = np.dot(self.w1.T, x)
                        u = np.exp(np.dot(self.w2.T, h))
                        e = u / u.sum() - t
                        dl_dw2 = np.outer(h, e)
                        dl_dw1 = np.outer(x, np.dot(self.w2, e))
                        self.w1 = self.w1 - self.lr * dl_dw1
                        self.w2 = self.w2 - self.lr * dl_dw2
        """,
        "np.outer(h, e)",
        "np.outer(h, e + t)",
    ),
    # What goes through the file takes a row of the table at a place: the vector is no array of its own.
    "a row of a table": (
        """
        import numpy as np

        def sigmoid(x):
            return 1 / (1 + np.exp(-x))

        def negativeSamplingLossAndGradient(centerVec, outsideVec, outsideVectors, outsideInd, dataset, K=3):
            indices = [dataset.sampleTokenIdx() for _ in range(K)]
            samples = outsideVectors[indices]
            right = sigmoid(np.dot(outsideVec, centerVec))
            others = sigmoid(-np.dot(samples, centerVec))
            loss = -np.log(right) - np.sum(np.log(others))
            gradCenterVec = (right - 1) * outsideVec + np.dot(1 - others, samples)
            gradOutsideVectors = np.zeros(outsideVectors.shape)
            gradOutsideVectors[outsideInd] += (right - 1) * centerVec
            for k, index in enumerate(indices):
                gradOutsideVectors[index] += (1 - others[k]) * centerVec
            return loss, gradCenterVec, gradOutsideVectors

        def skipgram(center, context, word2Ind, centerVectors, outsideVectors, dataset):
            loss = 0.0
            for word in context:
                outsideInd = word2Ind[word]
                outsideVec = outsideVectors[outsideInd]
                loss += negativeSamplingLossAndGradient(center, outsideVec, outsideVectors, outsideInd, dataset)[0]
            return loss
        """,
        "gradOutsideVectors[index] +=",
        "gradOutsideVectors[index] =",
    ),
    # An autoencoder of features by key, in a function with its own loop; nothing reads the graph.
    "rows by key": (
        """
        from __future__ import annotations

        import numpy as np
        from .fractal import dimension

        def learn_projection(features, graph, *, dim=2, lr=0.01, epochs=50, wanted_target: float | None = None):
            X = np.vstack([features[n] for n in list(features.keys())])
            rng = np.random.default_rng(0)
            W1 = rng.normal(scale=0.1, size=(X.shape[1], 2 * dim))
            W2 = rng.normal(scale=0.1, size=(2 * dim, dim))
            for _ in range(epochs):
                H = np.tanh(X @ W1)
                Z = H @ W2
                grad_Z = 2 * (Z - X)
                grad_W2 = H.T @ grad_Z / len(X)
                grad_H = grad_Z @ W2.T * (1 - H**2)
                grad_W1 = X.T @ grad_H / len(X)
                W2 -= lr * grad_W2
                W1 -= lr * grad_W1
            if wanted_target is not None:
                dimension(Z, wanted_target)
            return np.tanh(X @ W1) @ W2
        """,
        "(1 - H**2)",
        "(1 - H)**2",
    ),
    # A script prints the gradients of one dict under the keys of another.
    "dicts under the same keys": (
        """
        import numpy as np

        np.random.seed(1)
        x, y = np.random.randn(3, 1), np.array([[0.3], [0.8]])
        params = {"W1": np.random.randn(4, 3), "b1": np.zeros((4, 1)), "W2": np.random.randn(2, 4)}
        a1 = np.tanh(params["W1"] @ x + params["b1"])
        out = params["W2"] @ a1
        loss = 0.5 * np.sum((out - y) ** 2)
        d2 = out - y
        d1 = params["W2"].T @ d2 * (1 - a1 ** 2)
        grads = {"W1": d1 @ x.T, "b1": d1, "W2": d2 @ a1.T}
        for k, v in grads.items():
            print(k, v)
        """,
        "(1 - a1 ** 2)",
        "(1 - a1)",
    ),
    # Each layer has an optimiser of its own: its first step is of one size, and a part of the weights.
    "an optimiser of each layer": (
        """
        import numpy as np

        class Layer:
            def __init__(self, input_n, output_n):
                self.weights = np.random.randn(input_n, output_n)
                self.biases = np.zeros((1, output_n))
                self.m_weights, self.v_weights = np.zeros_like(self.weights), np.zeros_like(self.weights)
                self.m_biases, self.v_biases = np.zeros_like(self.biases), np.zeros_like(self.biases)
                self.t = 0

            def forward(self, inputs):
                self.inputs = inputs
                self.output = np.maximum(0, np.dot(inputs, self.weights) + self.biases)
                return self.output

            def backward(self, delta, learning_rate):
                delta = delta * (self.output > 0)
                weights_gradient = np.dot(self.inputs.T, delta)
                biases_gradient = np.sum(delta, axis=0, keepdims=True)
                back = np.dot(delta, self.weights.T)
                self.adam(weights_gradient, biases_gradient, learning_rate)
                return back

            def adam(self, dw, db, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.01):
                self.t += 1
                self.m_weights = beta1 * self.m_weights + (1 - beta1) * dw
                self.m_biases = beta1 * self.m_biases + (1 - beta1) * db
                self.v_weights = beta2 * self.v_weights + (1 - beta2) * dw ** 2
                self.v_biases = beta2 * self.v_biases + (1 - beta2) * db ** 2
                m, n = 1 - beta1 ** self.t, 1 - beta2 ** self.t
                step = self.m_weights / m / (np.sqrt(self.v_weights / n) + epsilon)
                self.weights -= learning_rate * (step + decay * self.weights)
                self.biases -= learning_rate * self.m_biases / m / (np.sqrt(self.v_biases / n) + epsilon)
        """,
        "weights_gradient = np.dot(self.inputs.T, delta)",
        "weights_gradient = np.dot(self.inputs.T, delta) / self.inputs.shape[1]",
    ),
    # A step of several samples, whose parts another method adds up: what is returned is the sum.
    "several samples": (
        """
        import numpy as np

        class Network:
            def __init__(self, inputs, hidden, outputs, learning_rate):
                self.n, self.lr = inputs, learning_rate
                self.weights_in = np.random.normal(0.0, 0.5, (inputs, hidden))
                self.weights_out = np.random.normal(0.0, 0.5, (hidden, outputs))

            def train(self, features, targets):
                delta_in, delta_out = np.zeros(self.weights_in.shape), np.zeros(self.weights_out.shape)
                for X, y in zip(features, targets):
                    out, hidden = self.forward_pass(X)
                    delta_in, delta_out = self.backpropagation(out, hidden, X, y, delta_in, delta_out)
                self.weights_out += self.lr * delta_out / len(features)
                self.weights_in += self.lr * delta_in / len(features)

            def forward_pass(self, X):
                hidden = np.tanh(np.dot(np.reshape(X, (1, self.n)), self.weights_in))
                return np.dot(hidden, self.weights_out), hidden

            def backpropagation(self, out, hidden, X, y, delta_in, delta_out):
                error = y - out
                hidden_error = error.dot(self.weights_out.T) * (1 - hidden ** 2)
                delta_in += np.reshape(X, (1, self.n)).T.dot(hidden_error)
                delta_out += hidden.T.dot(error)
                return delta_in, delta_out
        """,
        "delta_in += ",
        "delta_in = ",
    ),
    # What goes forward reads its parameters as globals, which are numbers.
    "numbers as globals": (
        """
        import numpy as np

        X = np.array([0.01 * i for i in range(100)])
        Y = 50 * np.log(0.5 * X + 1) + 10

        def predict(X):
            return w1 * np.tanh(w2 * X) + w3

        lr = 0.0001
        w1, w2, w3 = 1, 1, 1
        for epoch in range(100):
            Y_pred = predict(X)
            errors = Y_pred - Y
            loss = np.mean(errors ** 2)
            grad_w1 = 2 * np.mean(errors * np.tanh(w2 * X))
            grad_w2 = 2 * np.mean(errors * w1 * X * (1 - np.tanh(w2 * X) ** 2))
            grad_w3 = 2 * np.mean(errors)
            w1 -= lr * grad_w1
            w2 -= lr * grad_w2
            w3 -= lr * grad_w3
            print(epoch, loss)
        """,
        "errors * w1 * X * (1",
        "errors * w1 * (1",
    ),
    # Lists that are too short say nothing but that: how far the file counts says how long they are.
    "lists of nine": (
        """
        import math
        import random

        class Net:
            def __init__(self):
                self.hidden_weights = [[random.uniform(-1, 1) for _ in range(9)] for _ in range(4)]
                self.output_weights = [[random.uniform(-1, 1) for _ in range(4)] for _ in range(9)]

            def forward(self, inputs):
                self.hidden = [math.tanh(sum(w[j] * inputs[j] for j in range(9))) for w in self.hidden_weights]
                self.outputs = [sum(w[j] * self.hidden[j] for j in range(4)) for w in self.output_weights]
                return self.outputs

            def backward(self, inputs, expected, rate):
                deltas = [expected[i] - self.outputs[i] for i in range(9)]
                errors = [sum(deltas[j] * self.output_weights[j][i] for j in range(9)) for i in range(4)]
                hidden_deltas = [errors[i] * (1 - self.hidden[i] ** 2) for i in range(4)]
                for i in range(9):
                    for j in range(4):
                        self.output_weights[i][j] += rate * deltas[i] * self.hidden[j]
                for i in range(4):
                    for j in range(9):
                        self.hidden_weights[i][j] += rate * hidden_deltas[i] * inputs[j]

            def train(self, training_data, epochs, rate):
                for _ in range(epochs):
                    for inputs, expected in training_data:
                        self.forward(inputs)
                        self.backward(inputs, expected, rate)
        """,
        "errors[i] * (1 - self.hidden[i] ** 2)",
        "errors[i]",
    ),
    # What goes back asks a method of its own, of no such name, for the output.
    "whatever goes forward": (
        """
        import numpy as np

        class Net:
            def __init__(self, n_in, n_hidden, n_out):
                self.W1 = np.random.randn(n_hidden, n_in)
                self.W2 = np.random.randn(n_out, n_hidden)

            def activate(self, z):
                return np.tanh(z)

            def run(self, x):
                self.h = self.activate(self.W1 @ x)
                return self.W2 @ self.h

            def backprop(self, x, y):
                out = self.run(x)
                error = out - y
                back = self.W2.T @ error * (1 - self.h ** 2)
                return back @ x.T / x.shape[1], error @ self.h.T / x.shape[1]
        """,
        "self.W2.T @ error * (1 - self.h ** 2)",
        "self.W2.T @ error * (1 - self.h)",
    ),
    # What goes back calls its gradient the output.
    "a gradient called output": (
        """
        import numpy as np

        def dense_forward(x, w, b):
            out = x.dot(w) + b
            return out, (x, w)

        def dense_backward(output, cache):
            x, w = cache
            return output.dot(w.T), x.T.dot(output), output.sum(axis=0)

        def swish_forward(x):
            s = 1 / (1 + np.exp(-x))
            return x * s, (x, s)

        def swish_backward(output, cache):
            x, s = cache
            return output * (s + x * s * (1 - s))
        """,
        "output * (s + x * s * (1 - s))",
        "output * (s + x * s)",
    ),
}


@pytest.mark.parametrize("name", HABITS)
def test_it_is_given_that(tmp_path, name):
    report = checked_as_a_file(tmp_path, textwrap.dedent(HABITS[name][0]))
    assert report.verdict == "agrees", str(report)
    assert not any("Not run here" in note for note in report.notes), str(report)


@pytest.mark.parametrize("name", HABITS)
def test_a_mistake_in_it_is_found(tmp_path, name):
    text, right, wrong = HABITS[name]
    assert text.count(right) == 1
    report = checked_as_a_file(tmp_path, textwrap.dedent(text).replace(right, wrong))
    assert report.verdict == "wrong", str(report)


def test_where_the_sum_is_lost_is_where_it_is_written_over(tmp_path):
    text, right, wrong = HABITS["several samples"]
    text = textwrap.dedent(text).replace(right, wrong)
    fault = checked_as_a_file(tmp_path, text).first_fault
    assert fault is not None
    assert wrong in text.splitlines()[fault.line - 1]


OF_A_DATASET = """
import numpy as np

class Net:
    def __init__(self, hidden_size, dataset):
        self.dataset = dataset
        self.W1 = np.random.randn(hidden_size, dataset.n_features) * 0.1
        self.W2 = np.random.randn(dataset.n_outputs, hidden_size) * 0.1

    def forward(self, x):
        self.h = np.tanh(self.W1 @ x)
        return self.W2 @ self.h

    def backward(self, x, y, out):
        d = (out - y) / x.shape[1]
        dh = self.W2.T @ d * (1 - self.h ** 2)
        return {"W1": dh @ x.T, "W2": d @ self.h.T}

    def show(self):
        print(self.dataset.name)
"""


def test_widths_may_be_in_an_object_beside_others(tmp_path):
    assert checked_as_a_file(tmp_path, OF_A_DATASET).verdict == "agrees"
    assert checked_as_a_file(tmp_path, OF_A_DATASET.replace(" * (1 - self.h ** 2)", "")).verdict == "wrong"


COUNTS = """
import numpy as np

n_in, n_hidden, n_out = 40, 60, 10

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1 = np.random.randn(n_in, n_hidden)
        self.W2 = np.random.randn(n_hidden, n_out)

    def forward(self, x):
        self.h = np.tanh(x @ self.W1)
        e = np.exp(self.h @ self.W2)
        return e / e.sum(axis=1, keepdims=True)

    def backward(self, x, y, output, lr):
        d = output.copy()
        d[np.arange(len(y)), y] -= 1
        dh = d @ self.W2.T * (1 - self.h ** 2)
        self.W2 -= lr * self.h.T @ d / len(y)
        self.W1 -= lr * x.T @ dh / len(y)

    def train_batch(self, x, y, lr):
        output = self.forward(x)
        self.backward(x, y, output, lr)
        return np.mean(np.argmax(output, axis=1) == y)

if input("train? ") == "1":
    net = Net(n_in, n_hidden, n_out)
    print(net.train_batch(np.load("x.npy"), np.load("y.npy"), 0.1))
"""


def test_what_a_step_returns_may_only_count(tmp_path):
    """Of large moves it may change, of small ones it never does: an accuracy is no cost."""
    report = checked_as_a_file(tmp_path, COUNTS)
    assert report.verdict == "agrees", str(report)
    assert report.reference == "autograd"
    assert checked_as_a_file(tmp_path, COUNTS.replace(" * (1 - self.h ** 2)", "")).verdict == "wrong"


OF_PLACES = """
import numpy as np
from activating_utils import sigmoid, sigmoid_grad

def negSamplingCostAndGradient(predicted, target, outputVectors, dataset, K=3):
    grad = np.zeros(outputVectors.shape)
    indices = [target]
    for k in range(K):
        newidx = dataset.sampleTokenIdx()
        while newidx == target:
            newidx = dataset.sampleTokenIdx()
        indices += [newidx]
    labels = np.array([1] + [-1 for k in range(K)])
    vecs = outputVectors[indices, :]
    t = sigmoid(vecs.dot(predicted) * labels)
    cost = -np.sum(np.log(t))
    delta = labels * (t - 1)
    gradPred = delta.dot(vecs)
    for k in range(K + 1):
        grad[indices[k]] += delta[k] * predicted
    return cost, gradPred, grad
"""


def test_a_place_may_be_one_of_several(tmp_path):
    """The target is put among the places that are drawn; a slope of sigmoid that stands in is none of the file's."""
    report = checked_as_a_file(tmp_path, OF_PLACES)
    assert report.verdict == "agrees", str(report)
    assert (
        checked_as_a_file(tmp_path, OF_PLACES.replace("grad[indices[k]] +=", "grad[indices[k]] =")).verdict == "wrong"
    )


def test_what_is_of_python_2_is_said_where_nothing_is_recognised(tmp_path):
    report = checked_as_a_file(tmp_path, OF_PLACES.replace("range(K)", "xrange(K)"))
    assert report.verdict == "error"
    assert "Line 8: xrange is from Python 2: write range. No hand-written" in " ".join(report.notes)
