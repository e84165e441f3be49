"""What a turn of training keeps beside its parameters, and is none: momentum, sums of squares, the last change; and
samples of zeros, which hide what is wrong. Of each the right program agrees, and a mistake is found."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked, rehearsed, rehearsed_right_and_wrong

AHEAD = """
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((40, 3)), rng.standard_normal((40, 2))
W = [rng.standard_normal((3, 4)), rng.standard_normal((4, 2))]
old = [np.zeros_like(w) for w in W]
for epoch in range(20):
    ahead = [w + 0.9 * p for w, p in zip(W, old)]
    H = np.tanh(X @ ahead[0])
    out = H @ ahead[1]
    d = 2 * (out - Y) / len(X)
    g1 = H.T @ d
    g0 = X.T @ (d @ ahead[1].T * (1 - H ** 2))
    step = [0.9 * p - 0.01 * g for p, g in zip(old, [g0, g1])]
    W = [w + s for w, s in zip(W, step)]
    old = step
"""

SUMS_OF_SQUARES = """
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((40, 3)), rng.standard_normal((40, 2))
W1, W2 = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
mW1, mW2 = np.zeros_like(W1), np.zeros_like(W2)
for epoch in range(20):
    H = np.tanh(X @ W1)
    d = (H @ W2 - Y) / len(X)
    loss = 0.5 * np.sum((H @ W2 - Y) ** 2) / len(X)
    dW2 = H.T @ d
    dW1 = X.T @ (d @ W2.T * (1 - H ** 2))
    for param, dparam, mem in zip([W1, W2], [dW1, dW2], [mW1, mW2]):
        mem += dparam * dparam
        param += -0.1 * dparam / np.sqrt(mem + 1e-8)
"""

LAST_CHANGE = """
import math
import random

class Net:
    def __init__(self, ins, hids, outs):
        self.wi = [[random.uniform(-1, 1) for _ in range(hids)] for _ in range(ins)]
        self.wo = [[random.uniform(-1, 1) for _ in range(outs)] for _ in range(hids)]
        self.ci = [[0.0] * hids for _ in range(ins)]
        self.co = [[0.0] * outs for _ in range(hids)]

    def run(self, x):
        self.x = x
        self.h = [math.tanh(sum(x[i] * self.wi[i][j] for i in range(len(x)))) for j in range(len(self.wo))]
        self.o = [math.tanh(sum(self.h[j] * self.wo[j][k] for j in range(len(self.h)))) for k in range(len(self.wo[0]))]

    def back(self, t, N, M):
        do = [(1 - o * o) * (t[k] - o) for k, o in enumerate(self.o)]
        dh = [(1 - h * h) * sum(do[k] * self.wo[j][k] for k in range(len(do))) for j, h in enumerate(self.h)]
        for j in range(len(self.h)):
            for k in range(len(do)):
                change = do[k] * self.h[j]
                self.wo[j][k] += N * change + M * self.co[j][k]
                self.co[j][k] = change
        for i in range(len(self.x)):
            for j in range(len(dh)):
                change = dh[j] * self.x[i]
                self.wi[i][j] += N * change + M * self.ci[i][j]
                self.ci[i][j] = change
        return sum(0.5 * (t[k] - o) ** 2 for k, o in enumerate(self.o))

random.seed(1)
net = Net(3, 3, 2)
rows = [[[0, 0], [0.1, 0.3]], [[0, 1], [0.2, 0.9]], [[1, 0], [0.8, 0.4]]]
for epoch in range(30):
    for x, t in rows:
        net.run(x + [1])
        error = net.back(t, 0.5, 0.1)
"""

TURNS = [
    Habit(AHEAD, "d @ ahead[1].T * (1 - H ** 2)", "d @ ahead[1].T"),
    Habit(SUMS_OF_SQUARES, "d @ W2.T * (1 - H ** 2)", "d @ W2.T * (1 - H)"),
    Habit(LAST_CHANGE, "(1 - h * h) * sum(do[k]", "(1 - h) * sum(do[k]"),
]


@pytest.mark.parametrize("habit", TURNS, ids=("ahead", "squares", "last change"))
def test_what_is_kept_of_former_steps_is_no_parameter(tmp_path, habit):
    rehearsed_right_and_wrong(tmp_path, habit)


def test_a_first_sample_of_zeros_hides_no_gradient(tmp_path):
    """[0, 0] leaves the weights behind it as they are."""
    named = {finding.name for finding in rehearsed(tmp_path, LAST_CHANGE).tensors}
    assert {"dwi1", "dwi2"} <= named


NOT_UPDATED = """
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((40, 3)), np.eye(2)[rng.integers(0, 2, 40)]
W1, W2 = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
b1, gamma, beta = np.zeros((1, 4)), np.ones((1, 4)), np.zeros((1, 4))
for epoch in range(20):
    Z = X @ W1 + b1
    mean, var = Z.mean(axis=0, keepdims=True), Z.var(axis=0, keepdims=True)
    N = (Z - mean) / np.sqrt(var + 1e-7)
    H = np.tanh(gamma * N + beta)
    S = H @ W2
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dW2 = H.T @ dS
    dB = dS @ W2.T * (1 - H ** 2)
    dgamma, dbeta = np.sum(dB * N, axis=0, keepdims=True), np.sum(dB, axis=0, keepdims=True)
    dN = dB * gamma
    dZ = (dN - dN.mean(axis=0) - N * (dN * N).mean(axis=0)) / np.sqrt(var + 1e-7)
    dW1, db1 = X.T @ dZ, dZ.sum(axis=0, keepdims=True)
    W1 -= 0.1 * dW1
    b1 -= 0.1 * db1
    W2 -= 0.1 * dW2
"""


def test_a_parameter_that_nothing_updates_has_no_wrong_step(tmp_path):
    """Nor does a bias before a batch normalisation, whose gradient is 0 but for rounding, leave all undecided."""
    report, _ = rehearsed_right_and_wrong(tmp_path, Habit(NOT_UPDATED, "- dN.mean(axis=0) ", ""))
    assert "b1" in report


HIDDEN_BY_NAME = """
class Reseau:
    def __init__(self, entree, cachee, sortie):
        self.poids_entree = np.random.randn(entree, cachee) * 0.5
        self.biais_cache = np.zeros((1, cachee))
        self.poids_sortie = np.random.randn(cachee, sortie) * 0.5
        self.biais_sortie = np.zeros((1, sortie))

    def propagation(self, X):
        self.cachee = np.tanh(X @ self.poids_entree + self.biais_cache)
        return self.cachee @ self.poids_sortie + self.biais_sortie

    def entrainer(self, X, y, taux=0.1):
        delta = (self.propagation(X) - y) / len(X)
        retour = delta @ self.poids_sortie.T * (1 - self.cachee ** 2)
        self.poids_sortie -= taux * self.cachee.T @ delta
        self.biais_sortie -= taux * delta.sum(axis=0, keepdims=True)
        self.poids_entree -= taux * X.T @ retour
        self.biais_cache -= taux * retour.sum(axis=0, keepdims=True)
"""


def test_what_is_hidden_in_french_is_no_cache(tmp_path):
    habit = Habit(HIDDEN_BY_NAME, "retour.sum(axis=0, keepdims=True)", "np.sum(retour)")
    report = checked(tmp_path, habit.source.replace(habit.right, habit.wrong))
    assert report.verdict == "wrong"
    assert report.first_fault.of == "biais_cache"


RATE_OF_ANY_NAME = """
W1, w2 = np.array([[-0.2, 0.3, -0.4], [0.1, -0.3, -0.4]]), np.array([0.2, 0.3])
lmd = 0.013
rows = [(-1.0, 0.5, -0.7, -1.0), (0.3, -1.0, 1.0, 1.0), (1.0, 0.2, -0.4, 1.0)]
for k in range(100):
    row = rows[np.random.randint(0, 3)]
    x = np.array(row[:3])
    h = np.tanh(W1 @ x)
    y = np.tanh(w2 @ h)
    delta = (y - row[-1]) * (1 - y ** 2)
    back = w2 * delta * (1 - h ** 2)
    w2 = w2 - lmd * delta * h
    W1 = W1 - lmd * np.outer(back, x)
"""


def test_a_number_that_has_a_name_may_be_the_learning_rate(tmp_path):
    """One unit's weights, of one sample, go along the gradient of any cost, with some rate."""
    rehearsed_right_and_wrong(tmp_path, Habit(RATE_OF_ANY_NAME, "delta * (1 - h ** 2)", "delta * (1 - h)"))


AHEAD_OF_PROBABILITIES = """
class Softmax:
    def __init__(self, input_len, nodes):
        self.weights, self.biases = np.random.randn(input_len, nodes), np.zeros(nodes)

    def forward(self, input):
        self.last_input = input = input.flatten()
        self.last_totals = np.dot(input, self.weights) + self.biases
        e = np.exp(self.last_totals)
        return e / np.sum(e)

    def backward(self, d_L_d_out, rate):
        d_totals = d_L_d_out
        back = self.weights @ d_totals
        self.weights -= rate * np.outer(self.last_input, d_totals)
        self.biases -= rate * d_totals
        return back
"""


def test_a_value_that_is_kept_of_the_last_time_is_one(tmp_path):
    agrees_and_is_found(tmp_path, Habit(AHEAD_OF_PROBABILITIES, "-= rate * d_totals", "-= rate * d_totals ** 2"))
