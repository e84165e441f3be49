"""What nothing else understands is run as it stands, up to the end of one turn of its training loop."""

import pytest

from gradcompare.interfaces.rehearsal import finding
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.stage import Exploring
from gradcompare.loading import load
from tests.habits import Habit, checked, rehearsed, rehearsed_right_and_wrong

HABITS = {
    "a logistic regression, and after it a network": Habit(
        """
        X = np.random.randn(50, 3)
        y = (X[:, :1] > 0).astype(float)

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        w, b = np.zeros((3, 1)), np.zeros((1, 1))
        for i in range(100000000):
            a = sigmoid(X.dot(w) + b)
            dz = (a - y) / 50
            w = w - 0.1 * X.T.dot(dz)
            b = b - 0.1 * dz.sum(axis=0, keepdims=True)

        W1, b1 = np.random.randn(3, 4), np.zeros((1, 4))
        W2, b2 = np.random.randn(4, 1), np.zeros((1, 1))
        for i in range(1000):
            h = np.tanh(X.dot(W1) + b1)
            out = sigmoid(h.dot(W2) + b2)
            d2 = (out - y) / 50
            d1 = d2.dot(W2.T) * (1 - h**2)
            W2 = W2 - 0.1 * h.T.dot(d2)
            b2 = b2 - 0.1 * d2.sum(axis=0, keepdims=True)
            W1 = W1 - 0.1 * X.T.dot(d1)
            b1 = b1 - 0.1 * d1.sum(axis=0, keepdims=True)
        """,
        "(1 - h**2)",
        "(1 - h)",
    ),
    "an object that is told its rate where it is trained": Habit(
        """
        class Brain:
            def __init__(self, a, b, c):
                self.one, self.two = np.random.randn(a, b), np.random.randn(b, c)
                self.shift = np.zeros((1, b))

            def think(self, table):
                self.seen = np.tanh(table @ self.one + self.shift)
                self.said = 1 / (1 + np.exp(-(self.seen @ self.two)))

            def learn(self, table, answers):
                off = (self.said - answers) * self.said * (1 - self.said)
                back = off @ self.two.T * (1 - self.seen**2)
                self.two -= self.pace * self.seen.T @ off
                self.one -= self.pace * table.T @ back
                self.shift -= self.pace * back.sum(axis=0, keepdims=True)

            def run(self, table, answers, days, pace):
                self.pace = pace
                for day in range(days):
                    self.think(table)
                    self.learn(table, answers)

        brain = Brain(2, 5, 1)
        brain.run(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]]), 1000, 0.3)
        """,
        "* (1 - self.seen**2)",
        "* (1 - self.seen)",
    ),
    "data that are not there, widths that are written down, and a main function": Habit(
        """
        from digits_of_the_house import download

        def main():
            (train_images, train_labels), rest = download("digits")
            hidden_w, out_w = 0.1 * np.random.randn(40, 12), 0.1 * np.random.randn(12, 4)
            for epoch in range(50):
                for k in range(0, len(train_images), 20):
                    batch, wanted = train_images[k : k + 20], train_labels[k : k + 20]
                    hidden = np.maximum(0, batch @ hidden_w)
                    scores = np.exp(hidden @ out_w)
                    share = scores / scores.sum(axis=1, keepdims=True)
                    off = (share - wanted) / len(batch)
                    back = off @ out_w.T * (hidden > 0)
                    out_w -= 0.5 * hidden.T @ off
                    hidden_w -= 0.5 * batch.T @ back

        if __name__ == "__main__":
            main()
        """,
        "off @ out_w.T * (hidden > 0)",
        "off @ out_w.T",
    ),
    "samples that are kept in a second array, and a penalty from zeros": Habit(
        """
        class Sorter:
            def fit(self, X, y, rate=0.1, penalty=0.01):
                self.X, self.y = np.array(X), np.eye(3)[y]
                self.W, self.b = np.zeros((X.shape[1], 3)), np.zeros(3)
                for turn in range(5):
                    share = np.exp(X @ self.W + self.b)
                    share /= share.sum(axis=1, keepdims=True)
                    off = (share - self.y) / len(X)
                    dW = self.X.T @ off
                    dW += penalty * self.W
                    db = off.sum(axis=0)
                    self.W -= rate * dW
                    self.b -= rate * db

        Sorter().fit(np.random.RandomState(3).randn(9, 4), np.arange(9) % 3)
        """,
        "db = off.sum(axis=0)",
        "db = abs(off).sum(axis=0)",
    ),
    "letters one after another, with a state": Habit(
        """
        class Letters:
            def __init__(self, size, count):
                self.U, self.S = 0.3 * np.random.randn(size, count), 0.3 * np.random.randn(size, size)
                self.V = 0.3 * np.random.randn(count, size)

            def read(self, given, wanted, state):
                states, shares, loss = {-1: state}, {}, 0
                for t, letter in enumerate(given):
                    states[t] = np.tanh(self.U[:, [letter]] + self.S @ states[t - 1])
                    grown = np.exp(self.V @ states[t])
                    shares[t] = grown / grown.sum()
                    loss += -np.log(shares[t][wanted[t], 0])
                dU, dS, dV, later = (np.zeros_like(a) for a in (self.U, self.S, self.V, state))
                for t in reversed(range(len(given))):
                    off = shares[t].copy()
                    off[wanted[t]] -= 1
                    dV += off @ states[t].T
                    back = (self.V.T @ off + later) * (1 - states[t] ** 2)
                    dU[:, [given[t]]] += back
                    dS += back @ states[t - 1].T
                    later = self.S.T @ back
                for kept, change in zip((self.U, self.S, self.V), (dU, dS, dV)):
                    kept -= 0.1 * change
                return loss

        text = "banana"
        known = sorted(set(text))
        numbers = [known.index(letter) for letter in text]
        letters = Letters(6, len(known))
        for k in range(1000):
            loss = letters.read(numbers[:-1], numbers[1:], np.zeros((6, 1)))
        """,
        "later = self.S.T @ back",
        "later = self.S @ back",
    ),
    "what is applied is made of the gradients by an optimiser": Habit(
        """
        class Optimiser:
            def __init__(self):
                self.first, self.second, self.time = {}, {}, 0

            def step(self, weights, slopes):
                self.time += 1
                for k in weights:
                    self.first[k] = 0.9 * self.first.get(k, 0) + 0.1 * slopes[k]
                    self.second[k] = 0.999 * self.second.get(k, 0) + 0.001 * slopes[k] ** 2
                    grown = np.sqrt(self.second[k] / (1 - 0.999**self.time))
                    weights[k] -= 0.01 * self.first[k] / (1 - 0.9**self.time) / (grown + 1e-8)

        table = np.random.randn(9, 4)
        answers = (table[:, :1] > 0).astype(float)
        net = {"w1": np.random.randn(4, 5), "c1": np.zeros((1, 5)), "w2": np.random.randn(5, 1), "c2": np.zeros((1, 1))}
        optimiser = Optimiser()
        for epoch in range(100):
            seen = np.tanh(table @ net["w1"] + net["c1"])
            said = 1 / (1 + np.exp(-(seen @ net["w2"] + net["c2"])))
            off = (said - answers) / len(table)
            back = (off @ net["w2"].T) * (1 - seen**2)
            slopes = {}
            slopes["w2"] = seen.T @ off
            slopes["c2"] = off.sum(axis=0, keepdims=True)
            slopes["w1"] = table.T @ back
            slopes["c1"] = back.sum(axis=0, keepdims=True)
            optimiser.step(net, slopes)
        """,
        "* (1 - seen**2)",
        "* (1 - seen)",
    ),
    "labels looked up by class, a mini-batch at a time": Habit(
        """
        table = np.random.randn(90, 4)
        kinds = np.random.randint(0, 3, 90)
        A, B = np.random.randn(4, 6), np.random.randn(6, 3)
        for epoch in range(100):
            order = np.random.permutation(len(table))
            for k in range(0, len(table), 8):
                some = order[k : k + 8]
                seen = np.maximum(0, table[some] @ A)
                grown = np.exp(seen @ B)
                share = grown / grown.sum(axis=1, keepdims=True)
                share[np.arange(len(some)), kinds[some]] -= 1
                off = share / len(some)
                back = off @ B.T
                back[seen <= 0] = 0
                B -= 0.1 * seen.T @ off
                A -= 0.1 * table[some].T @ back
        """,
        "back[seen <= 0] = 0",
        "back[back <= 0] = 0",
    ),
    "one sample at a time, whose updates wait for the last": Habit(
        """
        table = np.random.randn(6, 3)
        answers = np.random.randn(6, 2)
        A, B = np.random.randn(3, 5), np.random.randn(5, 2)
        for epoch in range(100):
            for_A, for_B = np.zeros_like(A), np.zeros_like(B)
            for k in range(6):
                seen = np.tanh(table[k] @ A)
                off = seen @ B - answers[k]
                for_B += np.outer(seen, off)
                for_A += np.outer(table[k], (B @ off) * (1 - seen**2))
            A -= 0.05 / 6 * for_A
            B -= 0.05 / 6 * for_B
        """,
        "* (1 - seen**2)",
        "* (1 - seen)",
    ),
    "matrices, whose product is a star": Habit(
        """
        table = np.matrix([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
        answers = np.matrix("0;1;1;0")
        A, B = np.matrix(np.random.randn(3, 4)), np.matrix(np.random.randn(4, 1))
        for epoch in range(100):
            seen = np.matrix(np.tanh(table * A))
            said = 1 / (1 + np.exp(-(seen * B)))
            off = said - answers
            back = np.multiply(off * B.T, 1 - np.power(seen, 2))
            B -= 0.1 * seen.T * off
            A -= 0.1 * table.T * back
        """,
        "1 - np.power(seen, 2)",
        "1 - seen",
    ),
    "every gradient wrong, and a usual cost that is printed": Habit(
        """
        table = np.random.randn(9, 3)
        answers, learning_rate = np.random.randn(9, 2), 0.01
        A, B = np.random.randn(3, 5), np.random.randn(5, 2)
        for epoch in range(100):
            seen = np.tanh(table @ A)
            said = np.tanh(seen @ B)
            loss = 0.5 * np.sum((said - answers) ** 2)
            off = (said - answers) * (1 - said**2)
            back = off @ B.T * (1 - seen**2)
            B -= learning_rate * seen.T @ off
            A -= learning_rate * table.T @ back
        """,
        "(said - answers) * (1 - said**2)",
        "(said - answers) * (1 - said)",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=list(HABITS))
def test_the_right_program_agrees_and_the_wrong_one_is_found(tmp_path, habit: Habit):
    said, report = rehearsed_right_and_wrong(tmp_path, habit)
    assert "to the end of the first turn" in said
    found = [finding.source for finding in report.tensors if finding.verdict == "fault"]
    assert report.first_fault is not None
    assert any(habit.wrong in line for line in found) or "dS" in report.first_fault.name


def test_a_bias_that_the_first_turn_leaves_as_it_was_is_a_parameter(tmp_path):
    report = rehearsed(
        tmp_path,
        """
        X, y = np.random.randn(6, 3), np.array([0.0, 0, 0, 1, 1, 1])
        w, b = np.zeros(3), 0.0
        for epoch in range(100):
            off = 1 / (1 + np.exp(-(X @ w + b))) - y
            w = w - 0.1 * X.T @ off / 6
            b = b - 0.1 * np.sum(off)
        """,
    )
    assert [finding.name for finding in report.tensors if finding.verdict == "fault"] == ["db"]


IN_BATCHES = """
def train(X, y, W1, W2, lr, epochs, batch_size):
    for epoch in range(epochs):
        order = np.random.permutation(X.shape[0])
        X_shuffled, y_shuffled = X[order], y[order]
        for i in range(0, X.shape[0], batch_size):
            X_mini, y_mini = X_shuffled[i : i + batch_size], y_shuffled[i : i + batch_size]
            A1 = 1 / (1 + np.exp(-(X_mini @ W1)))
            A2 = 1 / (1 + np.exp(-(A1 @ W2)))
            delta = (y_mini - A2) * A2 * (1 - A2)
            dW2 = A1.T @ delta / batch_size
            dW1 = X_mini.T @ (delta @ W2.T * A1 * (1 - A1)) / batch_size
            W2 += lr * dW2
            W1 += lr * dW1
    return W1, W2

data, answers = np.random.randn(40, 3), np.random.rand(40, 2)
W1, W2 = train(data, answers, np.random.randn(3, 4), np.random.randn(4, 2), 0.1, 100, 8)
"""
ANOTHER_ACTIVATION = """
class Network:
    def __init__(self, n_in, n_hidden, n_out, activation="tanh"):
        self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)
        self.activation = activation

    def bend(self, z):
        return np.tanh(z) if self.activation == "tanh" else 1 / (1 + np.exp(-z))

    def slope(self, a):
        return 1 - a**2 if self.activation == "tanh" else a * (1 - a)

    def forward(self, X):
        self.A1 = self.bend(X @ self.W1)
        self.A2 = self.A1 @ self.W2
        return self.A2

    def backward(self, X, y):
        delta = (self.A2 - y) / len(X)
        self.dW2 = self.A1.T @ delta
        self.dW1 = X.T @ (delta @ self.W2.T * self.slope(self.A1))

X, y = np.random.randn(20, 3), np.random.randn(20, 2)
net = Network(3, 5, 2, activation="sigmoid")
for epoch in range(100):
    net.forward(X)
    net.backward(X, y)
    net.W1 -= 0.1 * net.dW1
    net.W2 -= 0.1 * net.dW2
"""


def test_where_no_part_is_right_the_program_decides(tmp_path):
    assert checked(tmp_path, IN_BATCHES).verdict == "agrees"
    assert checked(tmp_path, IN_BATCHES.replace("A1 * (1 - A1)", "A1")).verdict == "wrong"


def test_where_all_parts_are_right_what_the_program_has_wrong_counts(tmp_path):
    assert checked(tmp_path, ANOTHER_ACTIVATION).verdict == "agrees"
    report = checked(tmp_path, ANOTHER_ACTIVATION.replace("else a * (1 - a)", "else a * (1 + a)"))
    assert report.verdict == "wrong"


def test_a_letter_after_another_from_a_path(tmp_path):
    source = HABITS["letters one after another, with a state"].source
    text = 'text = "banana"'
    assert text in source
    read = 'from pathlib import Path; text = Path("letters.txt").read_text()[:9]'
    program = source.replace(text, read)
    assert rehearsed(tmp_path, program).verdict == "agrees"


OF_FILES = """
    from sklearn.model_selection import train_test_split

    pixels, labels = np.load("pixels.npy"), np.load("labels.npy")
    X, X_test, y, y_test = train_test_split(pixels, labels, test_size=0.2)
    X = X.reshape(X.shape[0], -1).T
    y = y.reshape(1, y.shape[0])

    def trained(w, b, X, Y):
        for turn in range(9):
            A = 1 / (1 + np.exp(-(w.T @ X + b)))
            cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / X.shape[1]
            dw = X @ (A {sign} Y).T / X.shape[1]
            db = np.sum(A - Y) / X.shape[1]
            w = w - 0.1 * dw
            b = b - 0.1 * db
        return w, b

    def all_of_it(X, Y, X_other, Y_other):
        w, b = np.zeros((X.shape[0], 1)), 0.0
        return trained(w, b, X, Y)

    all_of_it(X, y, X_test, y_test)
"""


@pytest.mark.parametrize(("sign", "verdict"), [("-", "agrees"), ("+", "wrong")])
@pytest.mark.parametrize("interface", ["script", None])
def test_data_that_are_made_up_are_such_that_a_mistake_shows_and_nothing_else(tmp_path, sign, verdict, interface):
    """Of one sample with the label 0 all would be right; of labels that lie across, nothing."""
    report = rehearsed(tmp_path, OF_FILES.replace("{sign}", sign), interface)
    assert report.verdict == verdict, str(report)


def test_what_nothing_else_understands_is_run_by_itself(tmp_path):
    source = HABITS["an object that is told its rate where it is trained"].source.replace("think", "stir")
    report = rehearsed(tmp_path, source, interface=None)
    assert report.subject["interface"] == "script"
    assert report.verdict == "agrees"


def test_a_training_step_that_fails_is_no_measure_that_may_be_left_out(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        """
import numpy as np

class Net:
    def __init__(self):
        self.w = np.random.randn(2, 3)

    def learn(self, X, Y):
        self.w -= 0.1 * X.T @ (X @ self.w - Y)[0]
        return X @ self.w

net = Net()
X, Y = np.random.randn(5, 2), np.random.randn(5, 3)
for turn in range(10**9):
    scores = net.learn(X, Y)
"""
    )
    script = Script(load(path).names)
    script.run(Exploring())
    assert [type(problem) for problem in script.problems] == [ValueError]


def test_a_turn_that_takes_too_long_is_not_tried_from_other_numbers(tmp_path, monkeypatch):
    path = tmp_path / "program.py"
    path.write_text(
        """
import numpy as np
X, Y, W = np.random.randn(5, 2), np.random.randn(5, 3), np.random.randn(2, 3)
for turn in range(100):
    W -= 0.1 * X.T @ (X @ W - Y)
"""
    )
    script, explored, tried = Script(load(path).names), Exploring(), []
    script.run(explored)
    (loop, changed), *_ = explored.changed.items()

    def rehearse(traced, *_):
        tried.append(traced)
        traced.took_too_long = True

    assert finding.found_in(script, loop, list(changed.values()), explored.supplied).believed
    monkeypatch.setattr(finding._Traced, "rehearse", rehearse)
    assert finding.found_in(script, loop, list(changed.values()), explored.supplied) is None
    assert len(tried) == 1


def test_nothing_is_written_and_nobody_is_asked(tmp_path):
    other = tmp_path / "weights.txt"
    report = rehearsed(
        tmp_path,
        f"""
        import os
        from urllib.request import urlretrieve

        w = np.ones((3, 1))
        X, y = np.random.randn(9, 3), np.random.randn(9, 1)
        open({str(other)!r}, "w").write("before")
        os.mkdir({str(tmp_path / "new")!r})
        np.savetxt({str(other)!r}, w)
        urlretrieve("somewhere", {str(other)!r})
        rounds = int(input("how many? "))
        while True:
            guess = X @ w
            w -= 0.1 * X.T @ (guess - y)
            np.savetxt({str(other)!r}, w)
        """,
    )
    assert report.verdict == "agrees", str(report)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program.py"]


@pytest.mark.parametrize(
    "source",
    [
        "table = np.ones((3, 4))\nfor row in table:\n    row *= 2\n",
        "w = np.ones(4)\nfor k in range(9):\n    w -= np.sign(w - k)\n",
        "while True:\n    pass\n",
    ],
    ids=["no training", "no step along a gradient", "nothing"],
)
def test_a_loop_that_does_not_train_is_none(tmp_path, source):
    report = rehearsed(tmp_path, source)
    assert report.verdict == "error"
    assert "no loop of it goes a step along the gradient" in report.notes[0]


def test_a_name_of_the_module_that_is_divided_by_a_number_is_still_compiled(tmp_path):
    report = rehearsed(
        tmp_path,
        """
        X, y, w = np.random.randn(9, 3), np.random.randn(9, 1), np.ones((3, 1))
        X /= 255
        for turn in range(5):
            guess = X @ w
            w -= 0.1 * X.T @ (guess - y)
        """,
    )
    assert report.verdict == "agrees", str(report)


def test_what_makes_one_array_of_parameters_stops_nothing(tmp_path):
    report = rehearsed(
        tmp_path,
        """
        def init_weights(rows, columns):
            return np.random.randn(rows, columns)

        def added(table):
            total = 0
            for row in table:
                total = total + row
            return total
        """,
    )
    assert "no loop of it goes a step along the gradient" in report.notes[0]


FIRST_SAMPLE_OF_ZEROS = Habit(
    """
    POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    TRUTH = np.array([0, 1, 1, 0], dtype=float)
    LEARNING_RATE = 0.5

    def squash(z):
        return 1 / (1 + np.exp(-z))

    class Xor:
        def __init__(self):
            self.inner = np.random.uniform(-1, 1, (2, 3))
            self.outer = np.random.uniform(-1, 1, 3)
            self.hidden = np.zeros(3)
            self.guess = 0.0

        def ahead(self, x, y):
            self.hidden = squash(np.array([x, y]) @ self.inner)
            self.guess = float(squash(self.hidden @ self.outer))

        def back(self, i):
            off = 2 * (self.guess - TRUTH[i]) * self.guess * (1 - self.guess)
            under = off * self.outer * self.hidden * (1 - self.hidden)
            self.outer -= LEARNING_RATE * off * self.hidden
            for k in range(2):
                for j in range(3):
                    self.inner[k][j] -= LEARNING_RATE * under[j] * POINTS[i][k]

    net = Xor()
    for turn in range(5000):
        for i in range(4):
            net.ahead(POINTS[i][0], POINTS[i][1])
            net.back(i)
    """,
    "LEARNING_RATE * under[j] * POINTS[i][k]",
    "LEARNING_RATE * under[j] * POINTS[i][1]",
)


def test_weights_that_meet_only_zeros_in_the_first_turn_are_parameters(tmp_path):
    """The first sample of exclusive or moves no weight of the first layer, whatever the code does."""
    _, wrong = rehearsed_right_and_wrong(tmp_path, FIRST_SAMPLE_OF_ZEROS)
    assert wrong.first_fault.name == "dinner"
