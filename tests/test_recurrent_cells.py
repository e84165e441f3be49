"""Cells of recurrent layers, objects that take a state beside their inputs, each run on its own; and classes that train
on a sequence whose every step is a column with a label of its own. Of each the right one agrees, and a mistake is
found."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

HANDED = """
class Gated:
    def __init__(self, Wx, Wh, b):
        self.weights, self.memory = [Wx, Wh, b], None
        self.grads = [np.zeros_like(w) for w in self.weights]

    def forward(self, x, h_prev, c_prev):
        Wx, Wh, b = self.weights
        H = h_prev.shape[1]
        z = x @ Wx + h_prev @ Wh + b
        keep, new, show = 1 / (1 + np.exp(-z[:, :H])), np.tanh(z[:, H:2 * H]), 1 / (1 + np.exp(-z[:, 2 * H:3 * H]))
        write = 1 / (1 + np.exp(-z[:, 3 * H:]))
        c = keep * c_prev + write * new
        h = show * np.tanh(c)
        self.memory = x, h_prev, c_prev, keep, new, show, write, c
        return h, c

    def backward(self, dh, dc):
        Wx, Wh, b = self.weights
        x, h_prev, c_prev, keep, new, show, write, c = self.memory
        dc = dc + dh * show * (1 - np.tanh(c) ** 2)
        dz = np.hstack((dc * c_prev * keep * (1 - keep), dc * write * (1 - new ** 2),
                        dh * np.tanh(c) * show * (1 - show), dc * new * write * (1 - write)))
        self.grads[0][...] = x.T @ dz
        self.grads[1][...] = h_prev.T @ dz
        self.grads[2][...] = dz.sum(axis=0)
        return dz @ Wx.T, dz @ Wh.T, dc * keep
"""

OF_WIDTHS = """
class GatedUnit:
    def __init__(self, n_in, n_hid):
        self.Wz, self.Wn = np.random.randn(n_hid, n_in), np.random.randn(n_hid, n_in)
        self.Uz, self.Un = np.random.randn(n_hid, n_hid), np.random.randn(n_hid, n_hid)
        self.found = {}

    def forward(self, x, h):
        z, n = 1 / (1 + np.exp(-(self.Wz @ x + self.Uz @ h))), np.tanh(self.Wn @ x + self.Un @ h)
        self.kept = x, h, z, n
        return (1 - z) * n + z * h

    def backward(self, d_new):
        x, h, z, n = self.kept
        dn = d_new * (1 - z) * (1 - n ** 2)
        dz = d_new * (h - n) * z * (1 - z)
        self.found = {"Wz": np.outer(dz, x), "Wn": np.outer(dn, x), "Uz": np.outer(dz, h), "Un": np.outer(dn, h)}
        return self.Wz.T @ dz + self.Wn.T @ dn, d_new * z + self.Uz.T @ dz + self.Un.T @ dn
"""

WITH_A_CACHE = """
class Cell:
    def __init__(self, input_size, hidden_size):
        self.W = np.random.randn(hidden_size, input_size + hidden_size) * 0.3
        self.b = np.zeros((hidden_size, 1))
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def forward(self, x, h_prev):
        both = np.vstack((x, h_prev))
        h = np.tanh(self.W @ both + self.b)
        return h, (both, h)

    def backward(self, dh, cache):
        both, h = cache
        da = dh * (1 - h ** 2)
        self.dW += da @ both.T
        self.db += da.sum(axis=1, keepdims=True)
        dboth = self.W.T @ da
        return dboth[:-len(h)], dboth[-len(h):]
"""

CELLS = [
    Habit(HANDED, "dc * write * (1 - new ** 2)", "dc * write * (1 - new)"),
    Habit(HANDED, "dz @ Wh.T", "dz @ Wh"),
    Habit(HANDED, "dz @ Wh.T, dc * keep", "dz @ Wh.T, dc * write"),
    Habit(OF_WIDTHS, '"Un": np.outer(dn, h)', '"Un": np.outer(dz, h)'),
    Habit(OF_WIDTHS, "d_new * z + self.Uz.T @ dz", "self.Uz.T @ dz"),
    Habit(WITH_A_CACHE, "da = dh * (1 - h ** 2)", "da = dh * (1 - h)"),
    Habit(WITH_A_CACHE, "return dboth[:-len(h)], dboth[-len(h):]", "return dboth[:-len(h)], 2 * dboth[-len(h):]"),
]


@pytest.mark.parametrize("habit", CELLS, ids=lambda habit: habit.wrong.strip()[:40])
def test_a_cell_is_held_against_what_it_returns(tmp_path, habit):
    if habit.wrong == "dz @ Wh":  # 4 H by H: it only runs with as many gates as one, and so not at all
        report = checked(tmp_path, habit.source.replace(habit.right, habit.wrong))
        assert report.verdict in ("error", "wrong")
        return
    agrees_and_is_found(tmp_path, habit)


def test_all_outputs_and_states_of_a_cell_are_in_the_report(tmp_path):
    named = {finding.name for finding in checked(tmp_path, HANDED).tensors}
    assert {"dx_Gated", "dh_prev_Gated", "dc_prev_Gated"} <= named


def test_the_state_of_a_cell_is_no_label(tmp_path):
    report = checked(tmp_path, WITH_A_CACHE)
    assert not report.assumed


SEQUENCE = """
class Recurrent:
    def __init__(self, inputs, hidden, outputs):
        self.hidden = hidden
        self.Wx, self.Wh = np.random.randn(hidden, inputs) * 0.1, np.random.randn(hidden, hidden) * 0.1
        self.Wy, self.b = np.random.randn(outputs, hidden) * 0.1, np.zeros((hidden, 1))

    def learn(self, inputs, targets, lr=0.01):
        hs, ys, loss = {-1: np.zeros((self.hidden, 1))}, {}, 0
        for t, (x, y) in enumerate(zip(inputs, targets)):
            hs[t] = np.tanh(np.dot(self.Wx, x) + np.dot(self.Wh, hs[t - 1]) + self.b)
            ys[t] = np.dot(self.Wy, hs[t])
            loss += 0.5 * np.sum((ys[t] - y) ** 2)
        gWx, gWh, gWy, gb = (np.zeros_like(w) for w in (self.Wx, self.Wh, self.Wy, self.b))
        after = np.zeros((self.hidden, 1))
        for t in reversed(range(len(inputs))):
            e = ys[t] - targets[t]
            gWy += np.dot(e, hs[t].T)
            dz = (np.dot(self.Wy.T, e) + after) * (1 - hs[t] ** 2)
            gWx += np.dot(dz, inputs[t].T)
            gWh += np.dot(dz, hs[t - 1].T)
            gb += dz
            after = np.dot(self.Wh.T, dz)
        for w, g in zip((self.Wx, self.Wh, self.Wy, self.b), (gWx, gWh, gWy, gb)):
            w -= lr * g
        return loss
"""


def test_each_step_of_a_sequence_may_be_a_column_with_a_label(tmp_path):
    agrees_and_is_found(tmp_path, Habit(SEQUENCE, "hs[t - 1].T)", "hs[t].T)"))


def test_a_gate_is_taken_for_no_derivative(tmp_path):
    report = checked(tmp_path, HANDED.replace("dz @ Wh.T, dc * keep", "dz @ Wh.T, dc * write"))
    assert "square" not in str(report)


def test_a_name_that_a_line_gives_anew_is_no_obstacle_to_the_diagnosis(tmp_path):
    report = checked(tmp_path, HANDED.replace("dz @ Wh.T, dc * keep", "dz @ Wh.T, dc"))
    assert report.verdict == "wrong"
    assert "gradcompare itself failed" not in str(report)


OF_ONE_SEQUENCE = """
class Sequence:
    def __init__(self, input_size=4, hidden_size=5):
        rng = np.random.default_rng(3)
        self.hidden_size = hidden_size
        self.W = rng.uniform(-0.4, 0.4, (hidden_size, input_size + hidden_size))
        self.b = np.zeros((hidden_size, 1))
        self.V = rng.uniform(-0.4, 0.4, (1, hidden_size))
        self.c = np.zeros((1, 1))

    def forward(self, x_seq):
        h, memory = np.zeros((self.hidden_size, 1)), []
        for t in range(x_seq.shape[0]):
            both = np.vstack((h, x_seq[t].reshape(-1, 1)))
            memory.append((both, h))
            h = np.tanh(self.W @ both + self.b)
        chance = 1 / (1 + np.exp(-(self.V @ h + self.c)))
        return float(chance.item()), h, memory

    def _backward(self, x_seq, y_true, h_last, memory):
        out = (1 / (1 + np.exp(-(self.V @ h_last + self.c)))) - y_true
        grads = {"W": np.zeros_like(self.W), "b": np.zeros_like(self.b), "V": out @ h_last.T, "c": out}
        dh, h_next = self.V.T @ out, h_last
        for both, h in reversed(memory):
            da = dh * (1 - h_next ** 2)
            grads["W"] += da @ both.T
            grads["b"] += da
            dh, h_next = (self.W.T @ da)[:self.hidden_size], h
        return grads

    def train_step(self, x_seq, y_true, lr=0.1):
        chance, h_last, memory = self.forward(x_seq)
        grads = self._backward(x_seq, np.array([[y_true]]), h_last, memory)
        for name, grad in grads.items():
            setattr(self, name, getattr(self, name) - lr * grad)
"""


def test_what_goes_forward_without_labels_gives_no_cost(tmp_path):
    """Its one number is a chance; and the state that goes back is called as the file calls what it takes."""
    agrees_and_is_found(tmp_path, Habit(OF_ONE_SEQUENCE, "out @ h_last.T", "out @ h_last.T ** 2"))
    assert "cross entropy" in " ".join(checked(tmp_path, OF_ONE_SEQUENCE).assumed)
