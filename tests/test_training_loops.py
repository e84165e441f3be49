"""Training loops in the habits of their authors: what a turn takes and changes, and which of it is a step along one
gradient. Of each the right program agrees, and a mistake is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "a method goes a step with each sample, after it has made its weights": Habit(
        """
        class Line:
            def __init__(self, eta=0.01, rounds=40):
                self.eta, self.rounds = eta, rounds

            def train(self, X, y, anew=True):
                if anew:
                    self.coef = np.zeros(1 + X.shape[1])
                for _ in range(self.rounds):
                    for x, wanted in zip(X, y):
                        off = wanted - self.score(x)
                        self.coef[1:] += self.eta * off * x
                        self.coef[0] += self.eta * off
                return self

            def score(self, X):
                return np.dot(X, self.coef[1:]) + self.coef[0]
        """,
        "self.coef[0] += self.eta * off",
        "self.coef[0] += self.eta * abs(off)",
    ),
    "a function goes a step with a sample that chance picks, and its data have other names": Habit(
        """
        def climb(table, marks, rounds=100):
            count, width = np.shape(table)
            slopes = np.ones(width)
            for j in range(rounds):
                left = list(range(count))
                for i in range(count):
                    alpha = 0.01
                    k = int(np.random.uniform(0, len(left)))
                    guess = 1 / (1 + np.exp(-sum(table[k] * slopes)))
                    slopes = slopes + alpha * (marks[k] - guess) * table[k]
                    del left[k]
            return slopes
        """,
        "(marks[k] - guess) * table[k]",
        "(marks[k] - guess) * guess * table[k]",
    ),
    "a method makes its labels one-hot, and its weights, before its loop": Habit(
        """
        class Classes:
            def __init__(self, lr=0.1, reg=0.02, rounds=50):
                self.lr, self.reg, self.rounds = lr, reg, rounds

            def fit(self, X, y):
                m, d = X.shape
                k = len(np.unique(y))
                Y = np.eye(k)[y]
                self.W, self.b = np.zeros((d, k)), np.zeros((1, k))
                for _ in range(self.rounds):
                    P = np.exp(X @ self.W + self.b)
                    P = P / P.sum(axis=1, keepdims=True)
                    self.W -= self.lr * (X.T @ (P - Y) / m + self.reg * self.W)
                    self.b -= self.lr * np.mean(P - Y, axis=0, keepdims=True)
                return self
        """,
        "X.T @ (P - Y) / m",
        "X.T @ (P - Y) * P.mean()",
    ),
    "a method keeps its weights to itself until all is done, and counts from one": Habit(
        """
        class Logit:
            def __init__(self, rate=0.05, rounds=50, strength=0.01):
                self.rate, self.rounds, self.strength = rate, rounds, strength
                self.w, self.b = None, None

            def fit(self, X, y):
                m, n = X.shape
                w, b = np.zeros(n), 0.0
                speed, force = np.zeros(n), np.zeros(n)
                for t in range(1, self.rounds + 1):
                    p = self._squash(X @ w + b)
                    cost = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + self.strength * np.sum(w**2) / 2
                    grad_w = X.T @ (p - y) / m + self.strength * w
                    grad_b = np.mean(p - y)
                    speed = 0.9 * speed + 0.1 * grad_w
                    force = 0.99 * force + 0.01 * grad_w**2
                    w = w - self.rate * (speed / (1 - 0.9**t)) / (np.sqrt(force / (1 - 0.99**t)) + 1e-8)
                    b = b - self.rate * grad_b / (np.abs(grad_b) + 1e-8)
                self.w, self.b = w, b

            def _squash(self, z):
                return 1 / (1 + np.exp(-z))

            def predict(self, X):
                return (self._squash(X @ self.w + self.b) > 0.5).astype(int)
        """,
        "X.T @ (p - y) / m",
        "X.T @ (p - y) / n",
    ),
    "main() with data and weights of its own": Habit(
        """
        def main():
            lights = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1]])
            walked = np.array([[0], [1], [0], [1]])
            first, second = 2 * np.random.random((3, 4)) - 1, 2 * np.random.random((4, 1)) - 1
            for turn in range(60):
                total = 0
                for i in range(len(lights)):
                    here = lights[i : i + 1]
                    hidden = np.tanh(here @ first)
                    off = walked[i : i + 1] - hidden @ second
                    total += np.sum(off**2)
                    back = off @ second.T * (1 - hidden**2)
                    second += 0.2 * hidden.T @ off
                    first += 0.2 * here.T @ back

        if __name__ == "__main__":
            main()
        """,
        "* (1 - hidden**2)",
        "* (1 - hidden)",
    ),
    "numbers that are asked for, among them the rate": Habit(
        """
        count = int(input("How many? "))
        x = np.array([[float(n) for n in input("x: ").split()] for _ in range(count)])
        d = np.array([[float(n) for n in input("d: ").split()] for _ in range(count)])
        v = np.array([float(n) for n in input("v: ").split()], dtype=float)
        w = np.array([float(n) for n in input("w: ").split()], dtype=float)
        c = float(input("c: "))
        for epoch in range(1, 100):
            for i in range(count):
                xi, di = x[i : i + 1], d[i : i + 1]
                y = np.tanh(np.dot(xi, v))
                o = np.tanh(np.dot(y, w))
                squares = 0.5 * np.sum((di - o) ** 2)
                step_o = (di - o) * (1 - o * o)
                step_y = np.dot(step_o, w.T) * (1 - y * y)
                w_new = w + c * np.dot(y.T, step_o)
                v_new = v + c * np.dot(xi.T, step_y)
                w, v = w_new, v_new
        """,
        "np.dot(step_o, w.T) * (1 - y * y)",
        "np.dot(step_o, w.T)",
    ),
    "pictures and labels side by side, which become columns": Habit(
        """
        pictures, labels = fetched()
        w_h, w_o = np.random.uniform(-0.5, 0.5, (20, 784)), np.random.uniform(-0.5, 0.5, (10, 20))
        b_h, b_o = np.zeros((20, 1)), np.zeros((10, 1))
        learn_rate = 0.01
        for epoch in range(3):
            for picture, l in zip(pictures, labels):
                picture = picture.reshape(784, 1)
                l = l.reshape(10, 1)
                h = 1 / (1 + np.exp(-(b_h + w_h @ picture)))
                o = np.exp(b_o + w_o @ h)
                o = o / o.sum()
                delta_o = o - l
                delta_h = w_o.T @ delta_o * (h * (1 - h))
                w_o += -learn_rate * delta_o @ h.T
                b_o += -learn_rate * delta_o
                w_h += -learn_rate * delta_h @ picture.T
                b_h += -learn_rate * delta_h
        """,
        "* (h * (1 - h))",
        "* (h - h * 1)",
    ),
    "weights in lists over the layers, in a script": Habit(
        """
        X, Y = np.random.rand(9, 2), np.random.rand(9, 1)
        widths = [2, 5, 4, 1]
        weights = [np.random.randn(a, b) for a, b in zip(widths[:-1], widths[1:])]
        biases = [np.zeros((1, b)) for b in widths[1:]]
        for epoch in range(500):
            layers = [X]
            for W, b in zip(weights, biases):
                layers.append(np.tanh(layers[-1] @ W + b))
            out = layers[-1]
            loss = 0.5 * np.mean((out - Y) ** 2)
            delta = (out - Y) * (1 - out**2) / len(X)
            dW, db = [None] * 3, [None] * 3
            for k in range(2, -1, -1):
                dW[k] = layers[k].T @ delta
                db[k] = delta.sum(axis=0, keepdims=True)
                if k > 0:
                    delta = delta @ weights[k].T * (1 - layers[k] ** 2)
            for k in range(3):
                weights[k] -= 0.5 * dW[k]
                biases[k] -= 0.5 * db[k]
        """,
        "* (1 - layers[k] ** 2)",
        "* (1 - layers[k])",
    ),
    "mini-batches of a dict of weights, with Adam": Habit(
        """
        images, digits = pickled()
        wanted = np.eye(4)[digits]
        chance = np.random.RandomState(0)
        params = {"W1": chance.randn(6, 5), "b1": np.zeros(5), "W2": chance.randn(5, 4), "b2": np.zeros(4)}
        m = {k: np.zeros_like(p) for k, p in params.items()}
        v = {k: np.zeros_like(p) for k, p in params.items()}
        step, size, lr = 0, 32, 0.001
        for epoch in range(10):
            order = chance.permutation(len(images))
            for start in range(0, len(images), size):
                some = order[start : start + size]
                xb, tb = images[some], wanted[some]
                h = np.tanh(xb @ params["W1"] + params["b1"])
                y = np.exp(h @ params["W2"] + params["b2"])
                y = y / y.sum(axis=1, keepdims=True)
                loss = -np.sum(tb * np.log(y)) / len(xb)
                delta = (y - tb) / len(xb)
                back = delta @ params["W2"].T * (1 - h**2)
                grads = {"W2": h.T @ delta, "b2": delta.sum(axis=0), "W1": xb.T @ back, "b1": back.sum(axis=0)}
                step += 1
                for k in params:
                    m[k] = 0.9 * m[k] + 0.1 * grads[k]
                    v[k] = 0.999 * v[k] + 0.001 * grads[k] ** 2
                    first, second = m[k] / (1 - 0.9**step), v[k] / (1 - 0.999**step)
                    params[k] -= lr * first / (np.sqrt(second) + 1e-8)
        """,
        "* (1 - h**2)",
        "* (1 - h)",
    ),
    "a generator gives mini-batches, whose mean is taken": Habit(
        """
        def portions(X, y, size):
            order = np.random.permutation(len(X))
            for k in range(0, len(X), size):
                yield X[order[k : k + size]], y[order[k : k + size]]

        def main():
            X, y = loaded()
            W, b = 0.01 * np.random.randn(64, 10), np.zeros(10)
            for epoch in range(40):
                for xb, yb in portions(X, y, 32):
                    n = len(xb)
                    p = np.exp(xb.dot(W) + b)
                    p = p / p.sum(axis=1, keepdims=True)
                    loss = -np.log(p[range(n), yb]).mean()
                    g = p.copy()
                    g[range(n), yb] -= 1
                    W -= 0.5 * xb.T.dot(g) / n
                    b -= 0.5 * g.mean(axis=0)
        """,
        "xb.T.dot(g) / n",
        "xb.T.dot(g)",
    ),
    "a hinge whose cost is noted in a list, in a file with another cost": Habit(
        """
        def squares_of(W, b, X, y):
            return np.mean((X @ W + b - y) ** 2)

        def hinge_of(W, b, X, y, reg):
            return np.mean(np.maximum(0, 1 - y * (X @ W + b))) + reg * np.sum(W**2)

        def separate(X, y, rounds=200, reg=0.5, learning_rate=0.01):
            m, n = X.shape
            W, b = np.zeros(n), 0
            losses = []
            for k in range(rounds):
                margin = y * (X @ W + b)
                dw, db = np.zeros_like(W), 0
                for i in range(m):
                    if margin[i] < 1:
                        dw -= y[i] * X[i]
                        db -= y[i]
                W -= learning_rate * (dw / m + 2 * reg * W)
                b -= learning_rate * db / m
                losses.append(hinge_of(W, b, X, y, reg))
            return W, b, losses
        """,
        "(dw / m + 2 * reg * W)",
        "(dw / m + reg * W)",
    ),
    "a bias is bound anew, and a sum along the wrong axis spreads it": Habit(
        """
        def softmax(scores):
            grown = np.exp(scores - scores.max(axis=1, keepdims=True))
            return grown / grown.sum(axis=1, keepdims=True)

        X, Y = loaded()
        count = X.shape[0]
        first, start = 0.01 * np.random.randn(6, 5), np.zeros((1, 5))
        second, offset = 0.01 * np.random.randn(5, 3), np.zeros((1, 3))
        for turn in range(200):
            hidden = np.tanh(X @ first + start)
            guess = softmax(hidden @ second + offset)
            loss = -np.sum(Y * np.log(guess)) / count
            off = guess - Y
            down = (off @ second.T) * (1 - hidden**2)
            second = second - 0.1 * hidden.T @ off / count
            drift = np.sum(off, axis=0, keepdims=True) / count
            offset = offset - 0.1 * drift
            first = first - 0.1 * X.T @ down / count
            start = start - 0.1 * np.sum(down, axis=0, keepdims=True) / count
        """,
        "np.sum(off, axis=0, keepdims=True)",
        "np.sum(off, axis=1, keepdims=True)",
    ),
    "a step in a function that is given the weights and finds its data": Habit(
        """
        def gathered():
            return [row for row in everything[:100]]

        everything, marks = downloaded()
        data = np.array(gathered())
        wanted = np.array(marks)
        first, second = np.random.randn(6, 5), np.random.randn(5, 3)

        def train(k, first, second):
            hidden = np.tanh(data @ first)
            off = wanted - hidden @ second
            if k % 100 == 0:
                print(np.mean(off))
            back = off.dot(second.T) * (1 - hidden**2)
            second += 0.005 * hidden.T @ off
            first += 0.005 * data.T @ back

        for k in range(1000):
            train(k, first, second)
        """,
        "* (1 - hidden**2)",
        "* (1 - hidden)",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=list(HABITS))
def test_the_right_program_agrees_and_the_wrong_one_is_found_at_its_line(tmp_path, habit: Habit):
    agrees_and_is_found(tmp_path, habit)


LISTS = """
x_data, y_data = [338, 333, 25, 179, 606], [640, 633, 27, 193, 1591]
b, w = -120, -4
sum_b, sum_w = 0, 0
for k in range(1000):
    b_grad, w_grad = 0.0, 0.0
    for i in range(len(x_data)):
        b_grad = b_grad - 2.0 * (y_data[i] - b - w * x_data[i])
        w_grad = w_grad - 2.0 * (y_data[i] - b - w * x_data[i]) * x_data[i]
    sum_b, sum_w = sum_b + b_grad**2, sum_w + w_grad**2
    b = b - b_grad / np.sqrt(sum_b)
    w = w - w_grad / np.sqrt(sum_w)
"""
PERCEPTRON = """
class Neuron:
    def __init__(self, eta=0.01, rounds=50):
        self.eta, self.rounds = eta, rounds

    def fit(self, X, y):
        self.w = np.zeros(1 + X.shape[1])
        for _ in range(self.rounds):
            for x, wanted in zip(X, y):
                step = self.eta * (wanted - self.predict(x))
                self.w[1:] += step * x
                self.w[0] += step
        return self

    def score(self, X):
        return np.dot(X, self.w[1:]) + self.w[0]

    def predict(self, X):
        return np.where(self.score(X) >= 0.0, 1, -1)
"""
SIGNS = """
def hinge_slope(X, y, w, b):
    dw, db = np.zeros(X.shape[1]), 0
    for i in range(len(X)):
        if y[i] * (X[i] @ w + b) < 1:
            dw -= y[i] * X[i]
            db -= y[i]
    return dw, db

def predict(X, w, b):
    return np.sign(X @ w + b)
"""


@pytest.mark.parametrize("source", [PERCEPTRON, SIGNS])
def test_a_rule_that_no_cost_has_a_slope_for_is_not_accused(tmp_path, source):
    assert checked(tmp_path, source).verdict in ("error", "undecided")


def test_lists_of_numbers_and_steps_over_the_root_of_their_squares(tmp_path):
    assert checked(tmp_path, LISTS).verdict == "agrees"
    assert checked(tmp_path, LISTS.replace(") * x_data[i]", ") * y_data[i]")).verdict == "wrong"


def test_numpy_that_no_line_imports(tmp_path):
    path = tmp_path / "cell.py"
    path.write_text(
        "X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1]])\n"
        "y = np.array([[0, 1, 1]]).T\n"
        "w = 2 * np.random.random((3, 1)) - 1\n"
        "for k in range(100):\n"
        "    out = np.tanh(X @ w)\n"
        "    w += X.T @ ((y - out) * (1 - out**2))\n"
    )
    from gradcompare import check

    report = check(path, examples=4, dtype="float64")
    assert report.verdict == "agrees", str(report)
    assert any("no line imports" in note for note in report.notes)


def test_a_mean_taken_twice_is_blamed_where_it_is(tmp_path):
    """Not on what is propagated, from which the gradients of the biases are right."""
    source = HABITS["weights in lists over the layers, in a script"].source
    report = checked(tmp_path, source.replace("layers[k].T @ delta", "layers[k].T @ delta / len(X)"))
    assert report.verdict == "wrong"
    assert report.first_fault is not None
    assert "/ len(X)" in report.first_fault.source
