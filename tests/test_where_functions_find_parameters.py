"""Functions that find their parameters elsewhere than in arguments of the usual names: in an object of any name, under
global names beside arguments. Of each program the right one agrees, and a mistake is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "forward reads as globals what backward is given, and changes in place": Habit(
        """
        n_in, n_mid = 8, 40
        W1, b1 = np.random.randn(n_in, n_mid), np.zeros((1, n_mid))
        W2, b2 = np.random.randn(n_mid, 1), np.zeros((1, 1))

        def squash(v):
            return 1 / (1 + np.exp(-v))

        def forward_pass(X):
            Z1 = X @ W1 + b1
            A1 = squash(Z1)
            return Z1, A1, squash(A1 @ W2 + b2)

        def backward_pass(X, Y, A1, A2, W1, b1, W2, b2, learning_rate=0.1):
            m = len(X)
            d2 = (A2 - Y) / m
            d1 = d2 @ W2.T * A1 * (1 - A1)
            W2 -= learning_rate * A1.T @ d2
            b2 -= learning_rate * d2.sum(axis=0, keepdims=True)
            W1 -= learning_rate * X.T @ d1
            b1 -= learning_rate * d1.sum(axis=0, keepdims=True)
            return W1, b1, W2, b2

        def compute_loss(Y, guess):
            return -np.mean(Y * np.log(guess) + (1 - Y) * np.log(1 - guess))
        """,
        "d1 = d2 @ W2.T * A1 * (1 - A1)",
        "d1 = d2 @ W2.T * A1",
    ),
    "an object of any name, told by what it is asked for": Habit(
        """
        class Brain:
            def __init__(self, sizes):
                self.weights = [np.random.randn(o, i) for i, o in zip(sizes[:-1], sizes[1:])]
                self.biases = [np.random.randn(o) for o in sizes[1:]]

        def squash(v):
            return 1 / (1 + np.exp(-v))

        def feed_forward_all(n, d):
            assert d.ndim == 2
            kept = [d]
            for w, b in zip(n.weights, n.biases):
                kept.append(squash(kept[-1] @ w.T + b))
            return kept

        def feed_forward(n, d):
            return feed_forward_all(n, d)[-1]

        def sgd(n, data, wanted, rate):
            kept = feed_forward_all(n, data)
            delta = (kept[-1] - wanted) * kept[-1] * (1 - kept[-1]) / len(data)
            for l in reversed(range(len(n.weights))):
                dw, db = delta.T @ kept[l], delta.sum(axis=0)
                delta = delta @ n.weights[l] * kept[l] * (1 - kept[l])
                n.weights[l] = n.weights[l] - rate * dw
                n.biases[l] = n.biases[l] - rate * db
        """,
        "dw, db = delta.T @ kept[l], delta.sum(axis=0)",
        "dw, db = delta.T @ kept[l], delta.sum()",
    ),
    "classes are returned beside what the cost is given, and a layer stays as it is": Habit(
        """
        def first_weights(n_x, n_h, n_y, scale=0.1):
            return np.random.randn(n_h, n_x) * scale, np.random.randn(n_y, n_h)

        def forward_propagation(X, W1, W2):
            Z1 = W1 @ X
            A1 = np.maximum(0.1 * Z1, Z1)
            Z2 = W2 @ A1
            return Z1, Z2, np.sign(Z2)

        def compute_loss(Y, Z2):
            return np.sum(np.log(1 + np.exp(-Y * Z2))) / Y.shape[1]

        def backward_propagation(X, Y, Z1, Z2, W1, W2, learning_rate):
            dZ2 = -Y / (1 + np.exp(Y * Z2)) / Y.shape[1]
            dZ1 = np.dot(W2.T, dZ2) * np.where(Z1 > 0, 1, 0.1)
            W1 = W1 - learning_rate * dZ1 @ X.T
            return W1

        def train_network(X, Y, hidden, rounds, learning_rate):
            W1, W2 = first_weights(X.shape[0], hidden, 1)
            for _ in range(rounds):
                Z1, Z2, guess = forward_propagation(X, W1, W2)
                W1 = backward_propagation(X, Y, Z1, Z2, W1, W2, learning_rate)
            return W1, W2
        """,
        "dZ2 = -Y / (1 + np.exp(Y * Z2)) / Y.shape[1]",
        "dZ2 = np.sum(-Y / (1 + np.exp(Y * Z2)) / Y.shape[1])",
    ),
    "layers in a list that the file has filled, and a mean over samples and outputs": Habit(
        """
        def squash(v):
            return 1 / (1 + np.exp(-v))

        def slope_of_squash(v):
            return squash(v) * (1 - squash(v))

        def softmax(v):
            return np.exp(v) / np.exp(v).sum(axis=1, keepdims=True)

        class Stage:
            def __init__(self, n_in, n_out, function, slope):
                self.weights = np.random.randn(n_out, n_in) / np.sqrt(n_in)
                self.function, self.slope = function, slope
                self.a = self.z = self.delta = self.dw = 0

            def update(self, x):
                self.z = x @ self.weights.T
                self.a = self.function(self.z)
                return self.a

        def forwards(x, stages):
            for stage in stages:
                x = stage.update(x)
            return stages

        def mean_cross_entropy(X, targets, stages):
            return (-targets * np.log(forwards(X, stages)[-1].a)).mean()

        def backpropagate(x, t, stages, rate):
            stages = forwards(x, stages)
            for i in reversed(range(len(stages))):
                if i == len(stages) - 1:
                    stages[i].delta = stages[-1].a - t
                else:
                    stages[i].delta = stages[i].slope(stages[i].z) * (stages[i + 1].delta @ stages[i + 1].weights)
            for i in range(len(stages)):
                before = x if i == 0 else stages[i - 1].a
                stages[i].dw = stages[i].delta.T @ before / t.size
            for stage in stages:
                stage.weights -= rate * stage.dw
            return stages

        stages = []
        stages.append(Stage(9, 6, squash, slope_of_squash))
        stages.append(Stage(6, 6, squash, slope_of_squash))
        stages.append(Stage(6, 3, softmax, None))
        """,
        "stages[i].slope(stages[i].z)",
        "stages[i].slope(stages[i].a)",
    ),
    "a function inside of the training function, and a dict that it is given": Habit(
        """
        def softmax(v):
            return np.exp(v) / np.sum(np.exp(v), axis=1, keepdims=True)

        def mean_loss(model, X, Y):
            probs = softmax(np.tanh(X @ model["W1"] + model["b1"]) @ model["W2"] + model["b2"])
            return -np.sum(Y * np.log(probs)) / len(X)

        def build_model(X, Y, nn_hdim, num_passes=2000, print_loss=False):
            def pass_through(model, X):
                H = np.tanh(X @ model["W1"] + model["b1"])
                return H, softmax(H @ model["W2"] + model["b2"])

            rate = 0.01
            model = {}
            model["W1"], model["b1"] = np.random.randn(2, nn_hdim), np.zeros((1, nn_hdim))
            model["W2"], model["b2"] = np.random.randn(nn_hdim, 3), np.zeros((1, 3))
            for i in range(num_passes):
                if i % 100 == 0 and print_loss:
                    print(mean_loss(model, X, Y))
                H, probs = pass_through(model, X)
                d2 = (probs - Y) / len(X)
                d1 = (1 - H**2) * (d2 @ model["W2"].T)
                model["W1"] -= rate * X.T @ d1
                model["b1"] -= rate * np.sum(d1, axis=0, keepdims=True)
                model["W2"] -= rate * H.T @ d2
                model["b2"] -= rate * np.sum(d2, axis=0, keepdims=True)
            return model
        """,
        "d1 = (1 - H**2) * (d2 @ model[\"W2\"].T)",
        "d1 = (1 - H) * (d2 @ model[\"W2\"].T)",
    ),
    "pairs in a list, which end in one output that may be dead": Habit(
        """
        def first_parameters(input_size, hidden_layer_sizes, output_size):
            sizes = [input_size] + list(hidden_layer_sizes) + [output_size]
            return [(np.random.randn(i, o) * 0.1, np.zeros((1, o))) for i, o in zip(sizes[:-1], sizes[1:])]

        def forward_pass(x, parameters):
            kept = [x]
            for w, b in parameters:
                kept.append(np.maximum(0, kept[-1] @ w + b))
            return kept

        def backward_pass(activations, parameters, y_true, learning_rate):
            delta = (activations[-1] - y_true.reshape(-1, 1)) * (activations[-1] > 0)
            found = []
            for i in reversed(range(len(parameters))):
                found.append((activations[i].T @ delta, np.sum(delta, axis=0, keepdims=True)))
                delta = (delta @ parameters[i][0].T) * (activations[i] > 0)
            for i, (dw, db) in enumerate(found[::-1]):
                w, b = parameters[i]
                parameters[i] = (w - learning_rate * dw, b - learning_rate * db)
            return parameters
        """,
        "found.append((activations[i].T @ delta, np.sum(delta, axis=0, keepdims=True)))",
        "found.append((activations[i].T @ delta, np.sum(delta, keepdims=True)))",
    ),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS)
def test_parameters_are_found(tmp_path, habit):
    agrees_and_is_found(tmp_path, HABITS[habit])


MADE_WITHIN = """
def forward(X, W1, W2):
    return np.tanh(X @ W1) @ W2

def train(X, Y, hidden=4, epochs=1, learning_rate=0.1):
    W1, W2 = np.random.randn(X.shape[1], hidden), np.random.randn(hidden, Y.shape[1])
    for _ in range(epochs):
        A = np.tanh(X @ W1)
        d = (A @ W2 - Y) / len(X)
        W1, W2 = W1 - learning_rate * X.T @ (d @ W2.T * (1 - A**2)), W2 - learning_rate * A.T @ d
    return W1, W2
"""


def test_nothing_is_said_of_weights_that_training_makes_and_does_not_take(tmp_path):
    assert checked(tmp_path, MADE_WITHIN).verdict != "wrong"
