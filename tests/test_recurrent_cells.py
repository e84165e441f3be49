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
    Habit(HANDED, "dz @ Wh.T, dc * keep", "dz @ Wh.T, dc * write"),
    Habit(OF_WIDTHS, '"Un": np.outer(dn, h)', '"Un": np.outer(dz, h)'),
    Habit(OF_WIDTHS, "d_new * z + self.Uz.T @ dz", "self.Uz.T @ dz"),
    Habit(WITH_A_CACHE, "da = dh * (1 - h ** 2)", "da = dh * (1 - h)"),
    Habit(WITH_A_CACHE, "return dboth[:-len(h)], dboth[-len(h):]", "return dboth[:-len(h)], 2 * dboth[-len(h):]"),
]


@pytest.mark.parametrize("habit", CELLS, ids=lambda habit: habit.wrong.strip()[:40])
def test_a_cell_is_held_against_what_it_returns(tmp_path, habit):
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


OF_CHARACTERS = """
def initialize_parameters(n_a, n_x, n_y):
    return {"Wax": np.random.randn(n_a, n_x) * 0.3, "Waa": np.random.randn(n_a, n_a) * 0.3,
            "Wya": np.random.randn(n_y, n_a) * 0.3, "b": np.zeros((n_a, 1)), "by": np.zeros((n_y, 1))}

def rnn_forward(X, Y, a0, parameters, vocab_size):
    x, a, y_hat, loss = {}, {-1: np.copy(a0)}, {}, 0
    for t in range(len(X)):
        x[t] = np.zeros((vocab_size, 1))
        x[t][X[t]] = 1
        a[t] = np.tanh(parameters["Wax"] @ x[t] + parameters["Waa"] @ a[t - 1] + parameters["b"])
        e = np.exp(parameters["Wya"] @ a[t] + parameters["by"])
        y_hat[t] = e / e.sum(axis=0)
        loss -= np.log(y_hat[t][Y[t], 0])
    return loss, (y_hat, a, x)

def rnn_backward(X, Y, parameters, cache):
    y_hat, a, x = cache
    gradients = {"d" + name: np.zeros_like(array) for name, array in parameters.items()}
    da_next = np.zeros_like(a[0])
    for t in reversed(range(len(X))):
        dy = np.copy(y_hat[t])
        dy[Y[t]] -= 1
        gradients["dWya"] += dy @ a[t].T
        gradients["dby"] += dy
        daraw = (1 - a[t] ** 2) * (parameters["Wya"].T @ dy + da_next)
        gradients["db"] += daraw
        gradients["dWax"] += daraw @ x[t].T
        gradients["dWaa"] += daraw @ a[t - 1].T
        da_next = parameters["Waa"].T @ daraw
    return gradients, a

def optimize(X, Y, a_prev, parameters, vocab_size, learning_rate=0.01):
    loss, cache = rnn_forward(X, Y, a_prev, parameters, vocab_size)
    gradients, a = rnn_backward(X, Y, parameters, cache)
    for name in parameters:
        parameters[name] += -learning_rate * gradients["d" + name]
    return loss, gradients, a[len(X) - 1]
"""

IN_BATCHES = """
class Tagger:
    def __init__(self, hiddenDim=6, learningRate=0.1, maxEpochs=20):
        self.hiddenDim, self.learningRate, self.maxEpochs = hiddenDim, learningRate, maxEpochs

    def forward(self, X):
        batchSize, seqLen, inputDim = X.shape
        states, outputs = np.zeros((batchSize, seqLen + 1, self.hiddenDim)), np.zeros((batchSize, seqLen, self.K))
        for t in range(seqLen):
            states[:, t + 1, :] = np.tanh(X[:, t, :] @ self.W + states[:, t, :] @ self.U + self.b)
            outputs[:, t, :] = states[:, t + 1, :] @ self.V
        return states, outputs

    def fit(self, X, y):
        self.K = int(y.max()) + 1
        self.W, self.U = np.random.randn(X.shape[2], self.hiddenDim), np.random.randn(self.hiddenDim, self.hiddenDim)
        self.b, self.V = np.zeros((1, self.hiddenDim)), np.random.randn(self.hiddenDim, self.K)
        for epoch in range(self.maxEpochs):
            states, outputs = self.forward(X)
            N, T, K = outputs.shape
            e = np.exp(outputs.reshape(-1, K))
            probs = e / e.sum(axis=1, keepdims=True)
            loss = -np.sum(np.log(probs[range(N * T), y.reshape(-1)])) / (N * T)
            probs[range(N * T), y.reshape(-1)] -= 1
            dy = (probs / (N * T)).reshape(N, T, K)
            dW, dU, db, dV = (np.zeros_like(w) for w in (self.W, self.U, self.b, self.V))
            dnext = np.zeros((N, self.hiddenDim))
            for t in reversed(range(T)):
                dV += states[:, t + 1, :].T @ dy[:, t, :]
                dz = (dy[:, t, :] @ self.V.T + dnext) * (1 - states[:, t + 1, :] ** 2)
                dW += X[:, t, :].T @ dz
                dU += states[:, t, :].T @ dz
                db += dz.sum(axis=0, keepdims=True)
                dnext = dz @ self.U.T
            for w, g in zip((self.W, self.U, self.b, self.V), (dW, dU, db, dV)):
                w -= self.learningRate * g
"""


@pytest.mark.parametrize(
    "habit",
    [
        Habit(OF_CHARACTERS, "daraw @ a[t - 1].T", "daraw @ a[t].T"),
        Habit(IN_BATCHES, "states[:, t, :].T @ dz", "states[:, t + 1, :].T @ dz"),
    ],
    ids=("characters", "batches"),
)
def test_functions_and_classes_of_sequences_are_followed(tmp_path, habit):
    assert checked(tmp_path, habit.source).verdict == "agrees"
    assert checked(tmp_path, habit.source.replace(habit.right, habit.wrong)).verdict == "wrong"


LOSS_OF_SEQUENCES = """
def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

class TimeSoftmaxWithLoss:
    def __init__(self):
        self.params, self.grads, self.cache = [], [], None

    def forward(self, xs, ts):
        N, T, V = xs.shape
        xs, ts = xs.reshape(N * T, V), ts.reshape(N * T)
        ys = softmax(xs)
        self.cache = ts, ys, (N, T, V)
        return -np.sum(np.log(ys[np.arange(N * T), ts])) / (N * T)

    def backward(self, dout=1):
        ts, ys, (N, T, V) = self.cache
        dx = ys
        dx[np.arange(N * T), ts] -= 1
        dx *= dout / (N * T)
        return dx.reshape((N, T, V))

class TimeAffine:
    def __init__(self, W, b):
        self.params, self.grads, self.x = [W, b], [np.zeros_like(W), np.zeros_like(b)], None

    def forward(self, x):
        N, T, D = x.shape
        self.x = x
        return (x.reshape(N * T, -1) @ self.params[0] + self.params[1]).reshape(N, T, -1)

    def backward(self, dout):
        N, T, D = self.x.shape
        dout, rx = dout.reshape(N * T, -1), self.x.reshape(N * T, -1)
        self.grads[0][...] = rx.T @ dout
        self.grads[1][...] = dout.sum(axis=0)
        return (dout @ self.params[0].T).reshape(N, T, D)
"""


def test_a_loss_of_sequences_is_held_against_its_derivative(tmp_path):
    assert checked(tmp_path, LOSS_OF_SEQUENCES).verdict == "agrees"
    wrong = checked(tmp_path, LOSS_OF_SEQUENCES.replace("ts] -= 1", "ts] = -1"))
    assert wrong.verdict == "wrong"
    assert "TimeSoftmaxWithLoss" in str(wrong)
