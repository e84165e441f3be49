"""Networks with several outputs, each with labels and a cost of its own: right as they stand, and wrong where a mistake
is planted in what only one of them has, or in what both share."""

import pytest

from tests.habits import checked_as_a_file

SCRIPT = """
import numpy as np
np.random.seed(0)
X = np.random.randn(40, 5)
y_kind = np.eye(3)[np.random.randint(0, 3, 40)]
y_size = np.random.randn(40, 1)
W1 = np.random.randn(5, 8) * 0.1
W_kind = np.random.randn(8, 3) * 0.1
W_size = np.random.randn(8, 1) * 0.1
rate = 0.1
for epoch in range(200):
    h = np.tanh(X @ W1)
    logits = h @ W_kind
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    r = h @ W_size
{costs}
    dlogits = (p - y_kind) / len(X)
    dr = {weight} * (r - y_size) / len(X)
    dW_kind = h.T @ dlogits
    dW_size = h.T @ dr
    dh = dlogits @ W_kind.T + dr @ W_size.T
    dz = dh * (1 - h ** 2)
    dW1 = X.T @ dz
    W1 -= rate * dW1
    W_kind -= rate * dW_kind
    W_size -= rate * dW_size
"""
COSTS = """\
    loss_kind = -np.mean(np.sum(y_kind * np.log(p), axis=1))
    loss_size = np.mean((r - y_size) ** 2)
    print(epoch, loss_kind, loss_size)"""
PRINTED = SCRIPT.format(costs=COSTS, weight=2)
WEIGHED = SCRIPT.format(costs=COSTS, weight=0.5)
WITHOUT_COSTS = SCRIPT.format(costs="    pass", weight=2)

SIDE_BY_SIDE = """
import numpy as np
np.random.seed(0)
X = np.random.randn(60, 5)
Ya = np.eye(3)[np.random.randint(0, 3, 60)]
Yb = np.random.randn(60, 2)
A1, A2 = np.random.randn(5, 8) * 0.1, np.random.randn(8, 3) * 0.1
B1, B2 = np.random.randn(5, 7) * 0.1, np.random.randn(7, 2) * 0.1
for epoch in range(100):
    h = np.tanh(X @ A1)
    e = np.exp(h @ A2)
    p = e / e.sum(axis=1, keepdims=True)
    g = np.tanh(X @ B1)
    q = g @ B2
    da, db = (p - Ya) / 60, (q - Yb) / 60
    dA2, dA1 = h.T @ da, X.T @ (da @ A2.T * (1 - h ** 2))
    dB2 = g.T @ db
    dz = db @ B2.T * (1 - g ** 2)
    A1 -= 0.1 * dA1
    A2 -= 0.1 * dA2
    B1 -= 0.1 * X.T @ dz
    B2 -= 0.1 * dB2
"""

FUNCTIONS = """
import numpy as np

def relu(x):
    return np.maximum(0, x)

def softmax(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)

def init(n_in, n_hidden, n_kinds):
    return {"W1": np.random.randn(n_in, n_hidden) * 0.1, "b1": np.zeros(n_hidden),
            "W_kind": np.random.randn(n_hidden, n_kinds) * 0.1, "b_kind": np.zeros(n_kinds),
            "W_box": np.random.randn(n_hidden, 4) * 0.1, "b_box": np.zeros(4)}

def forward(X, params):
    z1 = X @ params["W1"] + params["b1"]
    h = relu(z1)
    kind = softmax(h @ params["W_kind"] + params["b_kind"])
    box = h @ params["W_box"] + params["b_box"]
    return kind, box, {"X": X, "z1": z1, "h": h}

def backward(kind, box, y_kind, y_box, cache, params):
    n = len(y_box)
    dkind = SLOPE
    dbox = 2 * (box - y_box) / n
    grads = {}
    grads["W_kind"] = cache["h"].T @ dkind
    grads["b_kind"] = dkind.sum(axis=0)
    grads["W_box"] = cache["h"].T @ dbox
    grads["b_box"] = dbox.sum(axis=0)
    dh = dkind @ params["W_kind"].T + dbox @ params["W_box"].T
    dz1 = dh * (cache["z1"] > 0)
    grads["W1"] = cache["X"].T @ dz1
    grads["b1"] = dz1.sum(axis=0)
    return grads
"""
ONE_HOT = FUNCTIONS.replace("SLOPE", "(kind - y_kind) / n")
CLASSES = FUNCTIONS.replace("SLOPE", "(kind - np.eye(kind.shape[1])[y_kind]) / n")

OBJECT = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_actions):
        self.W1 = np.random.randn(n_in, n_hidden) * 0.1
        self.b1 = np.zeros(n_hidden)
        self.Wp = np.random.randn(n_hidden, n_actions) * 0.1
        self.Wv = np.random.randn(n_hidden, 1) * 0.1

    def forward(self, X):
        self.X = X
        self.h = np.tanh(X @ self.W1 + self.b1)
        logits = self.h @ self.Wp
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.probs = e / e.sum(axis=1, keepdims=True)
        self.value = self.h @ self.Wv
        return self.probs, self.value
{loss}
    def backward(self, labels, targets):
        n = len(labels)
        d = self.probs.copy()
        d[np.arange(n), labels] -= 1
        d /= n
        dv = 2 * (self.value[:, 0] - targets)[:, None] / n
        self.dWp = self.h.T @ d
        self.dWv = self.h.T @ dv
        dh = d @ self.Wp.T + dv @ self.Wv.T
        dz = dh * (1 - self.h ** 2)
        self.dW1 = self.X.T @ dz
        self.db1 = dz.sum(axis=0)
"""
LOSS = """
    def loss(self, labels, targets):
        n = len(labels)
        kind = -np.log(self.probs[np.arange(n), labels]).mean()
        return kind + ((self.value[:, 0] - targets) ** 2).mean()
"""
OBJECT_WITH_COST = OBJECT.format(loss=LOSS)
OBJECT_ALONE = OBJECT.format(loss="")

PROGRAMS = {
    "printed": (PRINTED, {" + dr @ W_size.T": "", "h.T @ dr": "h.T @ (dr * (1 - r ** 2))"}),
    "weighed": (WEIGHED, {"(1 - h ** 2)": "(1 - h)"}),
    "without costs": (WITHOUT_COSTS, {" + dr @ W_size.T": "", "h.T @ dr": "h.T @ (dr * (1 - r ** 2))"}),
    "two networks": (SIDE_BY_SIDE, {"(1 - g ** 2)": "(1 - g)"}),
    "functions": (ONE_HOT, {' + dbox @ params["W_box"].T': "", '(cache["z1"] > 0)': '(cache["h"] < 1)'}),
    "functions of classes": (CLASSES, {'dkind @ params["W_kind"].T + ': ""}),
    "object with its cost": (OBJECT_WITH_COST, {" + dv @ self.Wv.T": "", "self.h.T @ dv": "self.h.T @ (dv + 1)"}),
    "object alone": (OBJECT_ALONE, {" + dv @ self.Wv.T": ""}),
}
PLANTED = [(name, right, wrong) for name, (_, mistakes) in PROGRAMS.items() for right, wrong in mistakes.items()]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_sum_of_their_costs_is_what_is_gone_down(tmp_path, name):
    report = checked_as_a_file(tmp_path, PROGRAMS[name][0])
    assert report.verdict == "agrees", str(report)
    assert not any(finding.verdict == "missing" for finding in report.tensors if not finding.witness), str(report)


@pytest.mark.parametrize(("name", "right", "wrong"), PLANTED)
def test_a_mistake_in_one_or_in_what_they_share_is_found(tmp_path, name, right, wrong):
    text = PROGRAMS[name][0]
    assert text.count(right) == 1
    report = checked_as_a_file(tmp_path, text.replace(right, wrong))
    assert report.verdict == "wrong", str(report)
    assert report.first_fault is not None
    line = text.splitlines()[report.first_fault.line - 1]
    assert right in line or "dz" in line, str(report)


def test_by_how_much_a_cost_counts_is_said(tmp_path):
    said = " ".join(checked_as_a_file(tmp_path, WEIGHED).notes)
    assert "loss_kind (line 17) + 0.25 times loss_size (line 18)" in said


def test_where_a_cost_may_be_left_out_nobody_is_accused(tmp_path):
    """The slope of one output is that of no usual cost, and what both share is moved along it too."""
    text = WITHOUT_COSTS.replace("dr = 2 * (r - y_size)", "dr = 2 * np.sign(r - y_size) * np.abs(r - y_size) ** 0.7")
    assert checked_as_a_file(tmp_path, text).verdict in ("error", "undecided")


def test_a_program_that_stops_in_its_loop_is_not_said_to_agree(tmp_path):
    report = checked_as_a_file(tmp_path, PRINTED.replace("dW_size = h.T @ dr", "dW_size = h @ dr"))
    assert report.verdict == "error"
    assert "stops in its loop, at line 23" in str(report)


def test_it_is_said_of_the_last_line_of_the_loop_too(tmp_path):
    text = """\
        import numpy as np
        X, Y, W = np.random.randn(40, 5), np.random.randn(40, 1), np.random.randn(5, 1)
        for epoch in range(100):
            p = X @ W
            W -= 0.1 * (p - Y).T @ X / 40
        """
    report = checked_as_a_file(tmp_path, text)
    assert report.verdict == "error"
    assert "stops in its loop, at line 5" in str(report)
