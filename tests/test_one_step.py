"""Programs that go one step in no loop, that know one sample alone, or run in one precision alone; and costs without a
name that says so."""

import textwrap

import numpy as np
import pytest

import gradcompare
from gradcompare.report import WRONG_COST
from gradcompare.short_numbers import exactly
from tests.habits import Habit, agrees_and_is_found, checked, rehearsed, rehearsed_right_and_wrong

ONE_STEP = Habit(
    """
    table = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    truth = np.array([[1, 0, 1]])
    many = table.shape[1]
    slope = np.random.randn(table.shape[0], 1)
    bias = 0
    pace = 0.01
    guess = 1 / (1 + np.exp(-(slope.T @ table + bias)))
    price = -np.sum(truth * np.log(guess) + (1 - truth) * np.log(1 - guess)) / many
    off = guess - truth
    by_slope = table @ off.T / many
    by_bias = np.sum(off) / many
    slope = slope - pace * by_slope
    bias = bias - pace * by_bias
    print(price, slope, bias)
    """,
    "by_bias = np.sum(off) / many",
    "by_bias = np.sum(off)",
)


NO_STEP = Habit(
    """
    X = np.array([[1, 2, 0], [3, 4, 1], [1, 2, 0]])
    W = np.array([[1.0, -1.0], [0.2, 1.0]])
    target = np.ones((2, 2))

    def slide(X, W):
        out = np.zeros((X.shape[0] - W.shape[0] + 1, X.shape[1] - W.shape[1] + 1))
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                out[i, j] = np.sum(X[i:i + W.shape[0], j:j + W.shape[1]] * W)
        return out

    def slide_back(X, dZ, shape):
        dW = np.zeros(shape)
        for i in range(dZ.shape[0]):
            for j in range(dZ.shape[1]):
                dW += dZ[i, j] * X[i:i + shape[0], j:j + shape[1]]
        return dW

    b = np.array([0.5])
    Z = slide(X, W) + b
    A = np.maximum(0, Z)
    loss = np.mean((A - target) ** 2)
    dA = 2 * (A - target) / target.size
    dZ = dA * (Z > 0)
    dW = slide_back(X, dZ, W.shape)
    db = np.array([np.sum(dZ)])
    print(loss, dW, db)
    """,
    "np.array([np.sum(dZ)])",
    "np.array([np.sum(dA)])",
)


def test_gradients_that_nothing_applies_are_applied(tmp_path):
    said, _ = rehearsed_right_and_wrong(tmp_path, NO_STEP)
    assert "W = W - 0.1 * dW" in said


def test_statements_in_no_loop_are_a_step(tmp_path):
    said, wrong = rehearsed_right_and_wrong(tmp_path, ONE_STEP)
    assert "as a step of training that begins in line" in said
    assert wrong.first_fault.name == "dbias"


def test_a_cost_for_each_sample_is_the_files_own_where_every_gradient_is_wrong(tmp_path):
    report = rehearsed(
        tmp_path,
        """
        points, truth = np.random.rand(30, 2), np.random.randint(0, 2, (30, 1))
        inner, outer = np.random.rand(2, 4), np.random.rand(4, 1)
        def squash(z):
            return 1 / (1 + np.exp(-z))
        def slope(z):
            return squash(z) * (1 - squash(z))
        for turn in range(2000):
            seen = squash(points @ inner)
            said = squash(seen @ outer)
            missed = 0.5 * (said - truth) ** 2
            print(missed.sum())
            off = (said - truth) * slope(said)
            back = off @ outer.T * slope(points @ inner)
            inner -= 0.1 * points.T @ back
            outer -= 0.1 * seen.T @ off
        """,
    )
    assert report.verdict == "wrong", str(report)
    assert not any(finding.verdict == "ok" for finding in report.tensors if not finding.witness)


def test_one_number_under_two_names_is_one_parameter(tmp_path):
    """Nine numbers, taken out of lists in the forward pass and moved one by one."""
    _, wrong = rehearsed_right_and_wrong(
        tmp_path,
        Habit(
            """
            w1, w2, w3, w4 = 0.1, 0.2, 0.3, 0.4
            b1 = 0.5
            weights = [w1, w2, w3, w4]
            x, wanted = 0.7, [0.1, 0.05]
            def forward(x, weights, shift):
                hidden = [1 / (1 + np.exp(-(w * x + shift))) for w in weights[:2]]
                return (*hidden, weights[2] * hidden[0], weights[3] * hidden[1])
            for turn in range(1000):
                h1, h2, o1, o2 = forward(x, weights, b1)
                sse = 0.5 * ((o1 - wanted[0]) ** 2 + (o2 - wanted[1]) ** 2)
                g3, g4 = (o1 - wanted[0]) * h1, (o2 - wanted[1]) * h2
                back1 = (o1 - wanted[0]) * w3 * h1 * (1 - h1)
                back2 = (o2 - wanted[1]) * w4 * h2 * (1 - h2)
                w1 = w1 - 0.1 * back1 * x
                w2 = w2 - 0.1 * back2 * x
                w3 = w3 - 0.1 * g3
                w4 = w4 - 0.1 * g4
                b1 = b1 - 0.1 * (back1 + back2)
                weights = [w1, w2, w3, w4]
            """,
            "b1 = b1 - 0.1 * (back1 + back2)",
            "b1 = b1 - 0.1 * back1",
        ),
    )
    assert {tensor.name for tensor in wrong.tensors} >= {"dw1", "dw2", "dw3", "dw4", "db1"}
    assert wrong.first_fault.name == "db1"


def test_a_file_of_one_sample_is_asked_of_one(tmp_path):
    """With several, its bias would have a gradient for each of them, and the mean of its cost another factor."""
    agrees_and_is_found(
        tmp_path,
        Habit(
            """
            x = np.array([[0.5, -0.2]])
            y = np.array([[1.0]])
            W1, b1 = np.array([[0.3, -0.1], [0.2, 0.4]]), np.array([[0.1, -0.2]])
            W2, b2 = np.array([[0.5], [-0.3]]), np.array([[0.2]])
            h = np.tanh(x @ W1 + b1)
            guess = np.tanh(h @ W2 + b2)
            loss = 0.5 * np.mean((y - guess) ** 2)
            delta2 = (guess - y) * (1 - guess**2)
            dW2 = h.T @ delta2
            db2 = delta2
            delta1 = (delta2 @ W2.T) * (1 - h**2)
            dW1 = x.T @ delta1
            db1 = delta1
            """,
            "* (1 - h**2)",
            "* (1 - h)",
        ),
    )


LOGISTIC = """
    def start(dim):
        return np.random.randn(dim, 1), float(np.random.rand())

    def propagate(w, b, X, Y):
        m = X.shape[1]
        A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
        cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
        dw = np.dot(X, (A - Y).T) / m
        db = np.sum(A - Y) / m
        assert db.dtype == float
        return {"dw": dw, "db": db}, cost

    def optimize(w, b, X, Y, turns, rate):
        for i in range(turns):
            grads, cost = propagate(w, b, X, Y)
            w += -rate * grads["dw"]
            b += -rate * grads["db"]
        return {"w": w, "b": b}
"""


def test_what_does_not_run_in_float32_is_compared_in_float64(tmp_path):
    path = tmp_path / "logistic.py"
    path.write_text("import numpy as np\n" + LOGISTIC.replace("\n    ", "\n"))
    report = gradcompare.check(path, examples=6)
    assert report.verdict == "agrees", str(report)
    assert report.cases["drawn"] == 6
    assert any("float64 alone" in note for note in report.notes)


def test_a_bias_that_is_a_number_is_not_overlooked(tmp_path):
    """Summed over an axis alone its gradient has another shape; the rest of the file makes do without one."""
    report = checked(tmp_path, LOGISTIC.replace("np.sum(A - Y) / m", "np.sum(A - Y, axis=0) / m"))
    assert report.verdict == "wrong", str(report)
    assert report.first_fault.name == "db"


def test_numbers_are_written_down_short():
    generator = np.random.default_rng(3)
    for short in (0.1, 0.025, 3.0, -0.5, 12.34):
        for divisor in (1, 3, 150, 1000):
            measured = short / divisor * (1 + 1e-12 * generator.standard_normal())
            assert np.isclose(exactly(measured), short / divisor, rtol=1e-15)
    for none in (np.pi, -np.sqrt(2) / 7, 0.0, np.inf):
        assert exactly(none) == none


STATED = """
    X, y = np.random.randn(20, 3), np.random.randint(0, 2, (20, 1))
    W1, W2 = np.random.randn(3, 4), np.random.randn(4, 1)
    for epoch in range(100):
        A1 = np.tanh(X @ W1)
        A2 = 1 / (1 + np.exp(-(A1 @ W2)))
        loss = np.mean((A2 - y) ** 2)
        print(epoch, loss)
        dZ2 = (A2 - y) / len(y)
        dZ1 = dZ2 @ W2.T * (1 - A1**2)
        W2 -= 0.5 * A1.T @ dZ2
        W1 -= 0.5 * X.T @ dZ1
"""


def test_a_program_that_states_one_cost_and_goes_down_another_is_wrong_in_its_cost(tmp_path):
    report = rehearsed(tmp_path, STATED)
    assert report.verdict == "wrong", str(report)
    assert [row["mistake"] for row in report.diagnosis] == [WRONG_COST]
    assert "cross entropy" in report.diagnosis[0]["says"]


@pytest.mark.parametrize("noted", ["np.mean(np.abs(A2 - y))", "np.mean((y_test - A2[:2]) ** 2)"])
def test_what_only_says_how_far_off_it_is_is_no_cost(tmp_path, noted):
    """A mean of absolute values, and the error on other data."""
    source = STATED.replace("np.mean((A2 - y) ** 2)", noted).replace(
        "W1, W2 =", "y_test = np.ones((2, 1))\n    W1, W2 ="
    )
    report = rehearsed(tmp_path, source)
    assert report.verdict == "agrees", str(report)


def test_a_state_that_is_carried_on_is_no_parameter(tmp_path):
    said, wrong = rehearsed_right_and_wrong(
        tmp_path,
        Habit(
            """
            notes, wanted = np.random.randn(40, 3), np.random.randn(40, 2)
            U, W, V = 0.3 * np.random.randn(5, 3), 0.3 * np.random.randn(5, 5), 0.3 * np.random.randn(2, 5)
            b, h = np.zeros(5), np.zeros(5)
            for at in range(0, 40, 4):
                xs, ts, hs, ys = notes[at : at + 4], wanted[at : at + 4], {-1: h}, {}
                for t in range(4):
                    hs[t] = np.tanh(U @ xs[t] + W @ hs[t - 1] + b)
                    ys[t] = V @ hs[t]
                loss = sum(0.5 * np.sum((ys[t] - ts[t]) ** 2) for t in range(4))
                dU, dW, dV, db, dn = map(np.zeros_like, (U, W, V, b, h))
                for t in reversed(range(4)):
                    dy = ys[t] - ts[t]
                    dV += np.outer(dy, hs[t])
                    dz = (1 - hs[t] ** 2) * (V.T @ dy + dn)
                    db += dz
                    dU += np.outer(dz, xs[t])
                    dW += np.outer(dz, hs[t - 1])
                    dn = W.T @ dz
                for p, g in ((U, dU), (W, dW), (V, dV), (b, db)):
                    p -= 0.05 * g
                h = hs[3]
            """,
            "dW += np.outer(dz, hs[t - 1])",
            "dW += np.outer(dz, hs[t])",
        ),
    )
    assert "dh" not in said.split("Note:")[0].replace("dhs", "")
    assert {tensor.name for tensor in wrong.tensors if not tensor.witness} == {"dU", "dW", "dV", "db"}


REGRESSION = """
    class Model:
        def __init__(self, sizes):
            self.weights = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]

        def forward(self, X):
            self.seen = [X]
            for W in self.weights[:-1]:
                self.seen.append(np.tanh(self.seen[-1] @ W))
            return self.seen[-1] @ self.weights[-1]

        def loss(self, guess, y):
            return np.mean((guess - y) ** 2)

        def backward(self, guess, y):
            off, grads = 2 * (guess - y) / len(y), []
            for i in reversed(range(len(self.weights))):
                grads.insert(0, self.seen[i].T @ off)
                off = off @ self.weights[i].T * (1 - self.seen[i] ** 2)
            return grads

        def fit(self, X, y, rounds=10, rate=0.1):
            for _ in range(rounds):
                guess = self.forward(X)
                print(self.loss(guess, y))
                for W, grad in zip(self.weights, self.backward(guess, y)):
                    W -= rate * grad

    outputs = [1]
    model = Model([3, 5] + outputs)
    model.fit(np.random.randn(20, 3), np.random.randn(20, 1))
"""


@pytest.mark.parametrize(("outputs", "verdict"), [(1, "agrees"), (2, "scaled")])
def test_how_many_outputs_a_file_has_its_own_program_says(tmp_path, outputs, verdict):
    """A mean over them too is right for one, and with several another constant."""
    path = tmp_path / "regression.py"
    source = textwrap.dedent(REGRESSION).replace("[1]", f"[{outputs}]").replace("(20, 1)", f"(20, {outputs})")
    path.write_text("import numpy as np\n" + source)
    report = gradcompare.check(path, examples=8)
    assert report.verdict == verdict, str(report)
