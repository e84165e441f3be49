"""Programs that define in their last block what their functions read, or give functions one sample after another.
Of each the right one agrees, and a mistake is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "lists that the main block makes, and how many layers they are for": Habit(
        """
        def slope_of_loss(guess, y):
            return guess - y

        def squash(v):
            return 1 / (1 + np.exp(-v))

        def backprop(x, y, weights, biases):
            delta_w, delta_b = [None for _ in weights], [None for _ in biases]
            activations = [x]
            for w, b in zip(weights, biases):
                activations.append(squash(np.dot(w, activations[-1]) + b))
            delta = slope_of_loss(activations[-1], y) * activations[-1] * (1 - activations[-1])
            for i in range(1, num_layers):
                delta_b[-i] = delta
                delta_w[-i] = np.dot(delta, activations[-i - 1].transpose())
                delta = np.dot(weights[-i].transpose(), delta) * activations[-i - 1] * (1 - activations[-i - 1])
            return activations[-1], delta_w, delta_b

        if __name__ == "__main__":
            sizes = [4, 5, 2]
            num_layers = len(sizes)
            biases = [np.random.randn(n, 1) for n in sizes[1:]]
            weights = [np.random.randn(n, m) for n, m in zip(sizes[1:], sizes[:-1])]
            for turn in range(1000):
                guess, delta_w, delta_b = backprop(np.ones((4, 1)), np.ones((2, 1)), weights, biases)
                for j in range(len(weights)):
                    weights[j] -= 0.1 * delta_w[j]
        """,
        "delta_w[-i] = np.dot(delta, activations[-i - 1].transpose())",
        "delta_w[-i] = np.dot(delta, 1 - activations[-i - 1].transpose())",
    ),
    "a tuple of parameters, of which one after another is taken by its place": Habit(
        """
        def forward(X, theta):
            b = theta[0]
            w = theta[1]
            b2 = theta[2]
            w2 = theta[3]
            a1 = np.tanh(X @ w + b)
            a2 = 1 / (1 + np.exp(-(a1 @ w2 + b2)))
            return a1, a2

        def cost_func(theta, y, X):
            return np.sum(np.square(forward(X, theta)[1] - y)) / (2 * len(X))

        def compute_grad(theta, X, y):
            a1, a2 = forward(X, theta)
            w2 = theta[3]
            d2 = (a2 - y) * a2 * (1 - a2) / len(X)
            d1 = d2 @ w2.T * (1 - np.square(a1))
            dw, dw2 = X.T @ d1, a1.T @ d2
            db, db2 = d1.sum(axis=0, keepdims=True), d2.sum(axis=0, keepdims=True)
            return db, dw, db2, dw2
        """,
        "d1 = d2 @ w2.T * (1 - np.square(a1))",
        "d1 = d2 @ w2.T * (1 - a1)",
    ),
    "a batch that may have been shuffled before": Habit(
        """
        def train(x, y, hidden, turns, eta, batch_size=4):
            n, d = x.shape
            w1, w2 = np.random.randn(d, hidden), np.random.randn(hidden, y.shape[1])
            for i in range(turns):
                if batch_size < n and i % n == 0:
                    order = np.random.permutation(n)
                    x = x[order]
                    y = y[order]
                middle = np.tanh(x @ w1)
                miss = middle @ w2 - y
                loss = (miss**2).sum() / (2 * n)
                slope = miss / n
                step = (slope @ w2.T) * (1 - middle**2)
                w2 -= eta * middle.T @ slope
                w1 -= eta * x.T @ step
            return w1, w2
        """,
        "step = (slope @ w2.T) * (1 - middle**2)",
        "step = (slope @ w2.T) * (1 - middle)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS)
def test_what_a_file_runs_is_found(tmp_path, habit):
    agrees_and_is_found(tmp_path, HABITS[habit])


ONE_BY_ONE = """
def softmax(v):
    return np.exp(v) / np.sum(np.exp(v))

def forward_prop(x, W1, b1, W2, b2):
    return softmax(np.maximum(0, np.dot(x, W1) + b1) @ W2 + b2)

def gradient_backprop(x, y, W1, b1, W2, b2):
    hidden = np.maximum(0, np.dot(x, W1) + b1)
    error = softmax(np.dot(hidden, W2) + b2) - y
    dhidden = np.dot(error, W2.T)
    dhidden[hidden <= 0] = 0
    return np.dot(x.T, dhidden), np.sum(dhidden, axis=0), np.dot(hidden.T, error), np.sum(error, axis=0)

for x, y in training_data:
    dW1, db1, dW2, db2 = gradient_backprop(x, y, W1, b1, W2, b2)
"""


def test_what_is_a_softmax_of_one_sample_is_given_one(tmp_path):
    report = checked(tmp_path, ONE_BY_ONE)
    assert report.verdict == "agrees", str(report)
    assert any("one sample at a time" in note for note in report.notes)
