"""Recurrent networks, whose samples are sequences of several steps: with one step alone a state that is taken from the
wrong step would not show."""

import pytest

from tests.habits import Habit, agrees_and_is_found

_LAST_OUTPUT = """
class Reader:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wx = np.random.randn(n_hidden, n_in) * 0.1
        self.Wh = np.random.randn(n_hidden, n_hidden) * 0.1
        self.Wy = np.random.randn(n_out, n_hidden) * 0.1
        self.bh, self.by = np.zeros({bias}), np.zeros({out})

    def forward(self, word):
        self.seq, self.states = word, [np.zeros({bias})]
        for x in word:
            self.states.append(np.tanh(self.Wx @ x + self.Wh @ self.states[-1] + self.bh))
        return self.Wy @ self.states[-1] + self.by

    def loss(self, out, y):
        return np.sum((out - y) ** 2) / 2

    def backward(self, out, y):
        d = out - y
        self.dWy, self.dby = {outer}(d, self.states[-1]), d
        self.dWx, self.dWh, self.dbh = 0 * self.Wx, 0 * self.Wh, 0 * self.bh
        later = self.Wy.T @ d
        for t in range(len(self.seq), 0, -1):
            dz = later * (1 - self.states[t] ** 2)
            self.dWx += {outer}(dz, self.seq[t - 1])
            self.dWh += {outer}(dz, self.states[t - 1])
            self.dbh += dz
            later = self.Wh.T @ dz
"""

_COLUMN_OUTER = "def outer(a, b):\n    return a @ b.T\n"

HABITS = {
    "steps as vectors, and one label": Habit(
        _LAST_OUTPUT.format(bias="n_hidden", out="n_out", outer="np.outer").replace(
            "np.zeros(n_hidden)]", "0 * self.bh]"
        ),
        "np.outer(dz, self.states[t - 1])",
        "np.outer(dz, self.states[t])",
    ),
    "steps as columns, and one label": Habit(
        _COLUMN_OUTER
        + _LAST_OUTPUT.format(bias="(n_hidden, 1)", out="(n_out, 1)", outer="outer").replace(
            "np.zeros((n_hidden, 1))]", "0 * self.bh]"
        ),
        "outer(dz, self.states[t - 1])",
        "outer(dz, self.states[t])",
    ),
    "several sequences at once": Habit(
        """
        class Batches:
            def __init__(self, input_dim, hidden_dim, output_dim):
                self.W_xh = np.random.randn(input_dim, hidden_dim) * 0.1
                self.W_hh = np.random.randn(hidden_dim, hidden_dim) * 0.1
                self.W_hy = np.random.randn(hidden_dim, output_dim) * 0.1

            def forward(self, X):
                N, T, _ = X.shape
                self.X, self.h = X, np.zeros((N, T + 1, self.W_hh.shape[0]))
                for t in range(T):
                    self.h[:, t + 1] = np.tanh(X[:, t] @ self.W_xh + self.h[:, t] @ self.W_hh)
                return self.h[:, -1] @ self.W_hy

            def loss(self, out, Y):
                return np.mean((out - Y) ** 2)

            def backward(self, out, Y):
                d = 2 * (out - Y) / Y.size
                self.dW_hy = self.h[:, -1].T @ d
                self.dW_xh, self.dW_hh = np.zeros_like(self.W_xh), np.zeros_like(self.W_hh)
                later = d @ self.W_hy.T
                for t in reversed(range(self.X.shape[1])):
                    dz = later * (1 - self.h[:, t + 1] ** 2)
                    self.dW_xh += self.X[:, t].T @ dz
                    self.dW_hh += self.h[:, t].T @ dz
                    later = dz @ self.W_hh.T
        """,
        "self.h[:, t].T @ dz",
        "self.h[:, t + 1].T @ dz",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_of_a_sequence_all_steps_are_taken(habit, tmp_path):
    agrees_and_is_found(tmp_path, habit)


_CHARACTERS = """
{reading}
letters = sorted(set(text))
n = len(letters)
Wx, Wh, Wy = np.random.randn(9, n) * 0.1, np.random.randn(9, 9) * 0.1, np.random.randn(n, 9) * 0.1

def loss_and_gradients(inputs, targets, hprev):
    x, h, p, loss = {{}}, {{-1: hprev}}, {{}}, 0
    for t in range(len(inputs)):
        x[t] = np.zeros((n, 1))
        x[t][inputs[t]] = 1
        h[t] = np.tanh(Wx @ x[t] + Wh @ h[t - 1])
        e = np.exp(Wy @ h[t])
        p[t] = e / np.sum(e)
        loss += -np.log(p[t][targets[t], 0])
    dWx, dWh, dWy = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy)
    later = np.zeros_like(hprev)
    for t in reversed(range(len(inputs))):
        dy = np.copy(p[t])
        dy[targets[t]] -= 1
        dWy += dy @ h[t].T
        dz = (Wy.T @ dy + later) * (1 - h[t] ** 2)
        dWx += dz @ x[t].T
        dWh += dz @ h[t - 1].T
        later = Wh.T @ dz
    return loss, dWx, dWh, dWy, h[len(inputs) - 1]
"""

READINGS = {
    "pathlib": 'from pathlib import Path\ntext = Path("book.txt").read_text(encoding="utf-8")',
    "a file that is opened for a while": 'with open("book.txt", "r") as file:\n    text = file.read().lower()',
}


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_what_a_file_counts_in_a_text_is_counted_in_a_short_one(reading, tmp_path):
    source = _CHARACTERS.format(reading=reading)
    agrees_and_is_found(tmp_path, Habit(source, "dz @ h[t - 1].T", "dz @ h[t].T"))


LETTERS = """
    class Writer:
        def __init__(self, input_dim, hidden_dim, output_dim):
            self.input_dim, self.hidden_dim = input_dim, hidden_dim
            self.Wxh = np.random.randn(hidden_dim, input_dim) * 0.1
            self.Whh = np.random.randn(hidden_dim, hidden_dim) * 0.1
            self.Why = np.random.randn(output_dim, hidden_dim) * 0.1
            self.bh = np.zeros((hidden_dim, 1))

        def forward(self, inputs):
            before = np.zeros((self.hidden_dim, 1))
            xs, hs, ys = {}, {}, {}
            for t in range(len(inputs)):
                xs[t] = np.zeros((self.input_dim, 1))
                xs[t][inputs[t]] = 1
                hs[t] = np.tanh(self.Wxh @ xs[t] + self.Whh @ before + self.bh)
                ys[t] = self.Why @ hs[t]
                before = hs[t]
            return xs, hs, ys

        def backward(self, xs, hs, ys, targets):
            dWxh, dWhh, dWhy = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.Why)
            dbh, later = np.zeros_like(self.bh), np.zeros_like(hs[0])
            for t in reversed(range(len(targets))):
                dy = np.copy(ys[t])
                dy[targets[t]] -= 1
                dWhy += dy @ hs[t].T
                draw = (1 - hs[t] * hs[t]) * (self.Why.T @ dy + later)
                dbh += draw
                dWxh += draw @ xs[t].T
                dWhh += np.dot(draw, hs[t - 1].T if t != 0 else 0)
                later = self.Whh.T @ draw
            return dWxh, dWhh, dWhy, dbh
    """


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("hs[t - 1].T if t", "hs[t].T if t"), ("draw @ xs[t].T", "draw @ xs[0].T")],
)
def test_letters_have_a_label_each_and_what_forward_makes_of_them_goes_back(tmp_path, right, wrong):
    agrees_and_is_found(tmp_path, Habit(LETTERS, right, wrong))
