"""What a check could pass over: weights that a mistake leaves as they are, samples taken by their places, settings in
an object, a method that trains for ever, layers of sequences, and an output that is the input again."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked, rehearsed

RECURRENT = """
    n, units = 4, 6
    data = [0, 1, 2, 2, 3]
    Wx, Wh, Wy = np.random.randn(units, n) * 0.1, np.random.randn(units, units) * 0.1, np.random.randn(n, units) * 0.1
    for turn in range(100):
        h, p, x = {-1: np.zeros((units, 1))}, {}, {}
        for t in range(4):
            x[t] = np.eye(n)[:, [data[t]]]
            h[t] = np.tanh(Wx @ x[t] + Wh @ h[t - 1])
            p[t] = np.exp(Wy @ h[t]) / np.sum(np.exp(Wy @ h[t]))
        dWx, dWh, dWy, later = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy), np.zeros((units, 1))
        for t in reversed(range(4)):
            dy = np.copy(p[t])
            dy[data[t + 1]] -= 1
            dWy += dy @ h[t].T
            dh = (1 - h[t] ** 2) * (Wy.T @ dy + later)
            dWx += dh @ x[t].T
            dWh {adds} dh @ h[t - 1].T
            later = Wh.T @ dh
        Wx -= 0.1 * dWx
        Wh -= 0.1 * dWh
        Wy -= 0.1 * dWy
"""


@pytest.mark.parametrize(("adds", "verdict"), [("+=", "agrees"), ("=", "wrong")])
def test_weights_that_never_move_though_they_have_a_gradient(tmp_path, adds, verdict):
    """What is left is that of the first step, where the state is 0."""
    report = rehearsed(tmp_path, RECURRENT.replace("{adds}", adds), examples=2)
    assert report.verdict == verdict, str(report)
    if verdict == "wrong":
        assert "dWh" in report.first_fault.name


HABITS = {
    "batches by their places, and settings in an object of a class of fields": Habit(
        """
        from dataclasses import dataclass

        @dataclass
        class Settings:
            input_dim: int
            hidden: int = 6
            learning_rate: float = 0.03
            random_state: int = 42

        class Net:
            def __init__(self, config: Settings):
                self.config = config
                self.rng = np.random.default_rng(config.random_state)
                self.W1 = self.rng.normal(0, 0.5, (config.input_dim, config.hidden))
                self.b1 = np.zeros(config.hidden)
                self.W2 = self.rng.normal(0, 0.5, (config.hidden, 1))
                self.b2 = np.zeros(1)

            def forward(self, X):
                a1 = np.maximum(0, X @ self.W1 + self.b1)
                return (1 / (1 + np.exp(-(a1 @ self.W2 + self.b2)))).reshape(-1), a1

            def train_epoch(self, X, y, batch_size=32):
                order = self.rng.permutation(len(X))
                for start in range(0, len(X), batch_size):
                    idx = order[start : start + batch_size]
                    xb, yb = X[idx], y[idx].reshape(-1, 1)
                    p, a1 = self.forward(xb)
                    dz2 = (p.reshape(-1, 1) - yb) / len(xb)
                    dW2 = a1.T @ dz2
                    db2 = dz2.sum(axis=0)
                    dz1 = dz2 @ self.W2.T * (a1 > 0)
                    dW1 = xb.T @ dz1
                    db1 = dz1.sum(axis=0)
                    lr = self.config.learning_rate
                    self.W1 -= lr * dW1
                    self.b1 -= lr * db1
                    self.W2 -= lr * dW2
                    self.b2 -= lr * db2
        """,
        "db2 = dz2.sum(axis=0)",
        "db2 = dz2.mean(axis=0)",
    ),
    "an output that is the input again": Habit(
        """
        class AutoEncoder:
            def __init__(self, input_size, hidden_size):
                self.W_in = np.random.randn(input_size, hidden_size)
                self.W_out = np.random.randn(hidden_size, input_size)

            def forward(self, X):
                encoded = np.tanh(X @ self.W_in)
                decoded = encoded @ self.W_out
                return encoded, decoded

            def train(self, X, epochs, learning_rate):
                for epoch in range(epochs):
                    encoded, decoded = self.forward(X)
                    error = 2 * (decoded - X) / X.size
                    loss = np.mean((X - decoded) ** 2)
                    dW_out = encoded.T @ error
                    dW_in = X.T @ (error @ self.W_out.T * (1 - encoded**2))
                    self.W_out -= learning_rate * dW_out
                    self.W_in -= learning_rate * dW_in
        """,
        "dW_in = X.T @ (error @ self.W_out.T * (1 - encoded**2))",
        "dW_in = X.T @ (error @ self.W_out.T * (1 - encoded))",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_the_right_program_agrees_and_the_wrong_one_is_found_at_its_line(tmp_path, habit: Habit):
    agrees_and_is_found(tmp_path, habit)


FOR_EVER = """
    class Net:
        def __init__(self, n, hidden=10, classes=2, alpha=0.5):
            self.alpha = alpha
            self.weights = [np.random.rand(hidden, n), np.random.rand(classes, hidden)]

        def forward_propagation(self, x):
            self.layers = [x]
            for W in self.weights:
                self.layers.append(1 / (1 + np.exp(-(W @ self.layers[-1]))))
            return self.layers[-1]

        def backward_propagation(self, x, y):
            found = [np.zeros(W.shape) for W in self.weights]
            for i in range(x.shape[0]):
                self.forward_propagation(x[i])
                delta = self.layers[-1] - y[i]
                for k in (1, 0):
                    found[k] += np.outer(delta, self.layers[k]) / x.shape[0]
                    delta = (self.weights[k].T @ delta) * self.layers[k] * (1 - self.layers[k])
            return found

        def train(self, x, y):
            before = np.inf
            while True:
                for W, dW in zip(self.weights, self.backward_propagation(x, y)):
                    W -= self.alpha * dW
                if before == 0:
                    break
    """


def test_what_trains_for_ever_is_not_waited_for(tmp_path):
    right, wrong = "np.outer(delta, self.layers[k])", "np.outer(delta, self.layers[k] ** 2)"
    assert FOR_EVER.count(right) == 1
    report = checked(tmp_path, FOR_EVER)
    assert report.verdict == "agrees", str(report)
    assert checked(tmp_path, FOR_EVER.replace(right, wrong)).verdict != "agrees"


SEQUENCES = """
    def rnn_step_forward(x, prev_h, Wx, Wh, b):
        h = np.tanh(x @ Wx + prev_h @ Wh + b)
        return h, (x, prev_h, Wx, Wh, h)

    def rnn_step_backward(dh, cache):
        x, prev_h, Wx, Wh, h = cache
        d = dh * (1 - h * h)
        return d @ Wx.T, d @ Wh.T, x.T @ d, prev_h.T @ d, d.sum(axis=0)

    def rnn_forward(x, h0, Wx, Wh, b):
        h, caches, last = np.zeros((x.shape[0], x.shape[1], Wh.shape[0])), [], h0
        for t in range(x.shape[1]):
            last, cache = rnn_step_forward(x[:, t], last, Wx, Wh, b)
            h[:, t] = last
            caches.append(cache)
        return h, caches

    def rnn_backward(dh, caches):
        N, T, H = dh.shape
        later, sums, dx = np.zeros((N, H)), [0, 0, 0], []
        for t in reversed(range(T)):
            dxt, later, *found = rnn_step_backward(dh[:, t] + later, caches[t])
            sums = [a + b for a, b in zip(sums, found)]
            dx.append(dxt)
        return (np.stack(dx[::-1], axis=1), later, *sums)
    """


def test_layers_in_pairs_of_functions_may_go_through_a_sequence(tmp_path):
    right, wrong = "d = dh * (1 - h * h)", "d = dh * (1 - h)"
    assert SEQUENCES.count(right) == 1
    assert checked(tmp_path, SEQUENCES).verdict == "agrees"
    assert checked(tmp_path, SEQUENCES.replace(right, wrong)).verdict == "wrong"
