"""Where a file has numbers that may be its cost and are not, where its cost is meant for one output, and where steps
go up it."""

import textwrap

import pytest

import gradcompare
from gradcompare.report import factor_of
from tests.habits import checked, rehearsed

CLIMBER = """
    class Net:
        def __init__(self, n_in, n_hidden, n_out, rate=0.1):
            self.inner = np.random.randn(n_in, n_hidden)
            self.outer = np.random.randn(n_hidden, n_out)
            self.rate = rate

        def forward(self, X):
            self.seen = np.tanh(X @ self.inner)
            return self.seen @ self.outer
        {cost}
        def train(self, X, y):
            off = self.forward(X) - y
            back = off @ self.outer.T * (1 - self.seen**2)
            self.outer {step} self.rate * self.seen.T @ off / len(X)
            self.inner {step} self.rate * X.T @ back / len(X)
"""
OWN_COST = """
        def loss(self, X, y):
            return np.mean(np.sum((self.forward(X) - y) ** 2, axis=1)) / 2
"""


@pytest.mark.parametrize("cost", ["", OWN_COST], ids=["assumed", "its own"])
@pytest.mark.parametrize(("step", "verdict"), [("-=", "agrees"), ("+=", "wrong")])
def test_steps_that_go_up_the_cost_are_wrong(tmp_path, cost, step, verdict):
    """Of a gradient that is handed out the sign may be a convention; a step has a direction."""
    report = checked(tmp_path, CLIMBER.format(cost=cost, step=step))
    assert report.verdict == verdict, str(report)
    if verdict == "wrong":
        assert "goes up the cost" in str(report)
        assert report.diagnosis[0]["mistake"] == "sign"


SIZE_OF_ERRORS = """
    class Net:
        def __init__(self, n_in, n_hidden, n_out, rate=0.01):
            self.inner = np.random.randn(n_hidden, n_in)
            self.outer = np.random.randn(n_out, n_hidden)
            self.rate = rate

        def forward(self, X):
            seen = np.tanh(X @ self.inner.T)
            return seen @ self.outer.T, seen

        def mean_error(self, X, Y):
            out, _ = self.forward(X)
            return float(np.mean(np.abs(out - Y)))

        def train(self, X, Y, rounds=100):
            rate = self.rate
            for turn in range(1, rounds + 1):
                self.rate = rate * (1 - 0.9 * turn / rounds)
                out, seen = self.forward(X)
                off = (out - Y) / len(X)
                back = off @ self.outer * (1 - seen**2)
                self.outer -= self.rate * off.T @ seen
                self.inner -= self.rate * back.T @ X
                if turn % 10 == 0:
                    print(self.mean_error(X, Y))
"""


def test_the_size_of_the_errors_is_a_metric_where_another_cost_has_the_gradients(tmp_path):
    """Its rate, which falls from turn to turn, is not known either."""
    report = checked(tmp_path, SIZE_OF_ERRORS)
    assert report.verdict == "agrees", str(report)
    assert any("mean_error is the size of the errors" in assumed for assumed in report.assumed)
    report = checked(tmp_path, SIZE_OF_ERRORS.replace("(1 - seen**2)", "(1 - seen)"))
    assert report.verdict == "wrong", str(report)


OF_ONE_OUTPUT = """
    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    count, truth = 30, np.random.randint(0, 2, (1, 30))
    points = np.random.randn(4, count)

    def start(n_in, n_hidden, n_out):
        return {"W1": np.random.randn(n_hidden, n_in), "W2": np.random.randn(n_out, n_hidden)}

    def forward(X, params):
        A1 = np.tanh(params["W1"] @ X)
        return {"A1": A1, "A2": sigmoid(params["W2"] @ A1)}

    def cost(cache, Y):
        ones = np.dot(Y, np.log(cache["A2"]).T) + np.dot(1 - Y, np.log(1 - cache["A2"]).T)
        return -np.sum(ones) / Y.shape[1]

    def backward(X, Y, cache, params):
        dZ2 = (cache["A2"] - Y) / Y.shape[1]
        dZ1 = params["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
        return {"dW1": dZ1 @ X.T, "dW2": dZ2 @ cache["A1"].T}

    params = start(4, 5, 1)
    for turn in range(100):
        cache = forward(points, params)
        print(cost(cache, truth))
        grads = backward(points, truth, cache, params)
        for name in params:
            params[name] = params[name] - 0.1 * grads["d" + name]
"""


def test_a_cost_that_is_a_product_of_matrices_is_meant_for_one_output(tmp_path):
    """With several it would have terms of one output's label and another's logarithm."""
    path = tmp_path / "program.py"
    path.write_text("import numpy as np\n" + textwrap.dedent(OF_ONE_OUTPUT))
    report = gradcompare.check(path, examples=8)
    assert report.verdict == "agrees", str(report)
    assert any("one is what the file is taken to be meant for" in note for note in report.notes)
    path.write_text(path.read_text().replace("(1 - cache", "(cache"))
    assert gradcompare.check(path, examples=8).verdict == "wrong"


OF_LETTERS = """
    class Letters:
        def __init__(self, vocab_size=12, hidden_size=5):
            self.embed = np.random.randn(vocab_size, hidden_size)
            self.W = np.random.randn(hidden_size, vocab_size)

        def forward(self, letters):
            mean = np.mean([self.embed[i] for i in letters], axis=0)
            e = np.exp(mean @ self.W)
            return e / e.sum(), mean

        def compute_loss(self, text):
            losses = [-np.log(self.forward(text[:i])[0][text[i]]) for i in range(1, len(text))]
            return sum(losses) / len(losses)

        def train_step(self, text, lr=0.1):
            d_embed, d_W = np.zeros_like(self.embed), np.zeros_like(self.W)
            for i in range(1, len(text)):
                probs, mean = self.forward(text[:i])
                off = probs.copy()
                off[text[i]] -= 1
                d_W += np.outer(mean, off)
                for letter in text[:i]:
                    d_embed[letter] += self.W @ off / i
            self.embed -= lr * d_embed
            self.W -= lr * d_W
"""


def test_a_cost_of_one_argument_is_given_what_the_step_is_given(tmp_path):
    """A text is its own labels: the mean over its letters where each step takes their sum."""
    report = checked(tmp_path, OF_LETTERS)
    assert report.verdict == "scaled", str(report)
    assert report.factor.startswith("m - 1")
    assert factor_of(report.first_fault, report) == report.factor
    wrong = checked(tmp_path, OF_LETTERS.replace("self.W @ off / i", "self.W @ off"))
    assert wrong.verdict == "wrong", str(wrong)


def test_half_the_number_of_labels_is_a_factor_with_a_name(tmp_path):
    report = checked(
        tmp_path, CLIMBER.format(cost=OWN_COST, step="-=").replace("np.sum((self", "np.mean((self").replace("/ 2", "")
    )
    assert report.verdict == "scaled", str(report)
    assert report.factor == "1/2 * n_L (the number of outputs)"


SEVERAL_COSTS = """
    class Softmax:
        def __init__(self, n_in, n_out, alpha=0.1):
            self.theta, self.alpha = np.random.randn(n_in, n_out), alpha

        def predict(self, x):
            e = np.exp(x @ self.theta)
            return e / e.sum(axis=1, keepdims=True)

        def fit(self, x, y, turns=100):
            for turn in range(turns):
                self.theta -= self.alpha * self.gradient(x, y)
                loss = self.loss_func(x, y)

        def gradient(self, x, y):
            return x.T @ (self.predict(x) - y) / len(x)

        def lasso_loss(self, x, y, strength):
            return -np.sum(y * np.log(self.predict(x))) / len(x) + strength * np.sum(np.abs(self.theta))

        def ridge_loss(self, x, y, strength):
            return -np.sum(y * np.log(self.predict(x))) / len(x) + strength * np.sum(self.theta**2)

        def loss_func(self, x, y):
            return -np.sum(y * np.log(self.predict(x))) / len(x)
"""


def test_of_several_costs_the_one_counts_that_the_file_calls(tmp_path):
    assert checked(tmp_path, SEVERAL_COSTS).verdict == "agrees"
    report = checked(tmp_path, SEVERAL_COSTS.replace("self.loss_func(x, y)\n", "self.ridge_loss(x, y, 0.3)\n"))
    assert report.verdict == "wrong", str(report)


OF_LIKELIHOOD = """
    def forward(X, params):
        A1 = np.tanh(params["W1"] @ X + params["b1"])
        A2 = 1 / (1 + np.exp(-(params["W2"] @ A1 + params["b2"])))
        return A2, {"A1": A1, "A2": A2}

    def cost(A2, Y):
        return np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]

    def backward(X, Y, params, cache):
        m = X.shape[1]
        dZ2 = cache["A2"] - Y
        dZ1 = params["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
        return {"dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m,
                "dW2": dZ2 @ cache["A1"].T / m, "db2": dZ2.sum(axis=1, keepdims=True) / m}

    def train(X, Y, params, learning_rate=0.1):
        for turn in range(100):
            A2, cache = forward(X, params)
            print(cost(A2, Y))
            grads = backward(X, Y, params, cache)
            params["W1"] = params["W1"] - learning_rate * grads["dW1"]
            params["b1"] = params["b1"] - learning_rate * grads["db1"]
            params["W2"] = params["W2"] - learning_rate * grads["dW2"]
            params["b2"] = params["b2"] - learning_rate * grads["db2"]
"""


def test_a_likelihood_that_is_to_go_up_is_minus_the_cost(tmp_path):
    report = checked(tmp_path, OF_LIKELIHOOD)
    assert report.verdict == "agrees", str(report)
    assert "has the opposite sign" in report.assumed[0]
    report = checked(tmp_path, OF_LIKELIHOOD.replace('(1 - cache["A1"] ** 2)', '(1 - cache["A1"])'))
    assert report.verdict == "wrong", str(report)


LOOKED_AT = """
    X, Y = np.random.randn(4, 20), np.random.randint(0, 2, (1, 20))
    W1, W2 = np.random.randn(5, 4), np.random.randn(1, 5)
    for turn in range(1000):
        A1 = np.tanh(W1 @ X)
        A2 = 1 / (1 + np.exp(-W2 @ A1))
        off = (A2 - Y) / 20
        back = W2.T @ off * (1 - A1**2)
        W2 -= 0.1 * off @ A1.T
        W1 -= 0.1 * back @ X.T
        if turn % 100 == 0:
            loss = np.mean((A2 - Y) ** 2)
            print(turn, loss)
"""


def test_what_a_loop_computes_at_times_only_is_looked_at(tmp_path):
    report = rehearsed(tmp_path, LOOKED_AT)
    assert report.verdict == "agrees", str(report)
    assert "computes at times only is taken for a metric" in report.assumed[0]
    assert rehearsed(tmp_path, LOOKED_AT.replace("(1 - A1**2)", "(1 - A1)")).verdict == "wrong"


def test_what_a_loop_computes_in_every_turn_is_its_cost(tmp_path):
    always = LOOKED_AT.replace("if turn % 100 == 0:", "if True:")
    assert rehearsed(tmp_path, always).verdict == "wrong"


HANDED_COST = """
    class Net:
        def __init__(self, n_in, n_hidden, n_out):
            self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)

        def forward(self, X):
            self.X, self.A1 = X, np.tanh(X @ self.W1)
            z = self.A1 @ self.W2
            self.P = {output}
            return self.P

        def backward(self, Y):
            off = self.P - Y
            self.dW2 = self.A1.T @ off
            self.dW1 = self.X.T @ (off @ self.W2.T * (1 - self.A1**2))

    def MSE(P, Y):
        return np.mean(np.sum((P - Y) ** 2, axis=1))

    def train(net, X, Y, cost, turns=100):
        for turn in range(turns):
            P = net.forward(X)
            net.backward(Y)
            print(cost(P, Y))
"""


@pytest.mark.parametrize(
    ("output", "verdict"),
    [("np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)", "agrees"), ("1 / (1 + np.exp(-z))", "wrong")],
)
def test_a_cost_that_nothing_calls_is_not_held_against_that_of_a_softmax(tmp_path, output, verdict):
    report = checked(tmp_path, HANDED_COST.format(output=output))
    assert report.verdict == verdict, str(report)


STRENGTH_OF_THE_OBJECT = """
    class Softmax:
        def __init__(self, n_in, n_out, reg=1e-3):
            self.W, self.reg = np.random.randn(n_in, n_out), reg

        def loss(self, X, Y):
            z = X @ self.W
            return np.sum(np.log(np.exp(z).sum(axis=1)) - (z * Y).sum(axis=1)) / len(X)

        def gradient(self, X, Y):
            e = np.exp(X @ self.W)
            return X.T @ (e / e.sum(axis=1, keepdims=True) - Y) / len(X) + 2 * self.reg * self.W
"""


def test_a_strength_that_the_object_has_for_its_gradients_alone_is_left_out(tmp_path):
    report = checked(tmp_path, STRENGTH_OF_THE_OBJECT)
    assert report.verdict == "agrees", str(report)
    assert any("the term that it adds is not checked" in note for note in report.notes)
    assert checked(tmp_path, STRENGTH_OF_THE_OBJECT.replace("- Y) / len(X)", "- 2 * Y) / len(X)")).verdict == "wrong"


STEPS = """
    class Network:
        def __init__(self, sizes):
            self.weights = [np.random.randn(m, n) for n, m in zip(sizes[:-1], sizes[1:])]
            self.biases = [np.zeros((m, 1)) for m in sizes[1:]]

        def forward(self, X):
            self.seen = [X]
            for w, b in zip(self.weights, self.biases):
                self.seen.append(np.tanh(w @ self.seen[-1] + b))
            return self.seen[-1]

        def loss(self, X, Y):
            return np.sum((self.forward(X) - Y) ** 2) / 2

        def backward(self, X, Y):
            d, dws, dbs = self.forward(X) - Y, [], []
            for i in reversed(range(len(self.weights))):
                d = d * (1 - self.seen[i + 1] ** 2)
                dws.insert(0, d @ self.seen[i].T)
                dbs.insert(0, d.sum(axis=1, keepdims=True))
                d = self.weights[i].T @ d
            return dbs, dws

        def train(self, X, Y, turns, learning_rate=0.01):
            for turn in range(turns):
                nabla_b, nabla_w = self.backward(X, Y)
                self.weights = [w - learning_rate * dw for w, dw in zip(self.weights, nabla_w)]
                self.biases = [b - learning_rate * db for b, db in zip(self.biases, nabla_b)]
"""
BY_NAME = """
    def forward(X, params):
        A1 = np.tanh(params["W1"] @ X + params["b1"])
        return params["W2"] @ A1 + params["b2"], {"A1": A1}

    def cost(A2, Y):
        return np.sum((A2 - Y) ** 2) / 2

    def backward(X, Y, A2, params, cache):
        dA2 = A2 - Y
        dZ1 = params["W2"].T @ dA2 * (1 - cache["A1"] ** 2)
        return {"dW1": dZ1 @ X.T, "db1": dZ1.sum(axis=1, keepdims=True), "dW2": dA2 @ cache["A1"].T,
                "db2": dA2.sum(axis=1, keepdims=True)}

    def update(params, grads, learning_rate):
        params["W1"] -= learning_rate * grads["dW1"]
        params["b1"] -= learning_rate * grads["db1"]
        params["W2"] -= learning_rate * grads["dW2"]
        params["b2"] -= learning_rate * grads["db2"]
"""


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        (STEPS, "[b - learning_rate * db for", "[b + learning_rate * db for"),
        (BY_NAME, 'params["W1"] -= learning_rate', 'params["W1"] += learning_rate'),
    ],
    ids=["lists", "keys"],
)
def test_a_step_that_goes_up_among_others_is_told(tmp_path, source, right, wrong):
    assert checked(tmp_path, source).verdict == "agrees"
    report = checked(tmp_path, source.replace(right, wrong))
    assert report.verdict == "wrong", str(report)
    assert wrong in report.first_fault.source
    assert report.diagnosis[0]["mistake"] == "sign"
    assert "goes up the cost" in str(report)


OF_NO_KIND = """
    class Net:
        def __init__(self, n_in, n_out):
            self.W, self.b = np.random.randn(n_out, n_in), np.zeros((n_out, 1))
            self.loss = None

        def forward(self, X):
            self.X = X
            self.A = 1 / (1 + np.exp(-(self.W @ X + self.b)))
            return self.A

        def cost(self, A, Y):
            if self.loss == "cross_entropy":
                return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
            print("unknown loss")

        def backward(self, Y):
            dZ = self.A - Y
            self.dW = dZ @ self.X.T / Y.shape[1]
            self.db = dZ.sum(axis=1, keepdims=True) / Y.shape[1]
"""


def test_a_cost_that_gives_nothing_is_none(tmp_path):
    """It would give one if it were told of which kind."""
    report = checked(tmp_path, OF_NO_KIND)
    assert report.verdict == "agrees", str(report)
    assert "cost gives no number but nothing" in str(report)
    assert checked(tmp_path, OF_NO_KIND.replace("self.A - Y", "self.A + Y")).verdict == "wrong"


OF_ONE_HOT_LABELS = """
    def made():
        return np.random.randn(5, 4), np.zeros((5, 1)), np.random.randn(3, 5), np.zeros((3, 1))

    def hot(labels):
        rows = np.zeros((labels.size, labels.max() + 1))
        rows[np.arange(labels.size), labels] = 1
        return rows.T

    def forward(W1, b1, W2, b2, X):
        Z1 = W1 @ X + b1
        A1 = np.tanh(Z1)
        Z2 = W2 @ A1 + b2
        e = np.exp(Z2 - Z2.max(axis=0))
        return Z1, A1, Z2, e / e.sum(axis=0)

    def cross_entropy(one_hot_labels, A2):
        return -np.sum(one_hot_labels * np.log(A2)) / A2.shape[1]

    def backward(Z1, A1, Z2, A2, W2, X, Y):
        m = Y.size
        dZ2 = (A2 - hot(Y)) / m
        dZ1 = W2.T @ dZ2 * (1 - A1**2)
        return dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True), dZ2 @ A1.T, dZ2.sum(axis=1, keepdims=True)
"""


def test_a_cost_that_multiplies_labels_takes_them_one_hot_where_they_are_classes(tmp_path):
    report = checked(tmp_path, OF_ONE_HOT_LABELS)
    assert report.verdict == "agrees", str(report)
    assert not report.assumed
    report = checked(tmp_path, OF_ONE_HOT_LABELS.replace("(A2 - hot(Y)) / m", "(A2 - hot(Y)) / m ** 2"))
    assert report.verdict == "scaled", str(report)


TURNS_ITSELF = """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.W2 = np.random.randn(n_hidden, n_in), np.random.randn(n_out, n_hidden)

    def cross_entropy_loss(self, Y, A2):
        m = Y.shape[0]
        A2 = A2.T
        return -np.sum(Y * np.log(A2)) / m

    def forward_pass(self, X):
        A1 = np.tanh(self.W1 @ X.T)
        e = np.exp(self.W2 @ A1)
        return e / e.sum(axis=0, keepdims=True), A1

    def backward_pass(self, X, Y, A2, A1):
        m = Y.shape[0]
        dZ2 = A2 - Y.T
        dZ1 = self.W2.T @ dZ2 * (1 - A1 ** 2)
        return dZ1 @ X / m, dZ2 @ A1.T / m
"""


def test_a_cost_that_turns_its_labels_itself_is_given_them_as_they_are(tmp_path):
    report = checked(tmp_path, TURNS_ITSELF)
    assert report.verdict == "agrees"
    assert not report.assumed
    report = checked(tmp_path, TURNS_ITSELF.replace("m = Y.shape[0]\n        dZ2", "m = Y.shape[1]\n        dZ2"))
    assert report.verdict == "scaled"


SCORED = """
class Regression:
    def __init__(self, k, n, method, alpha=0.1, max_iter=20):
        self.k, self.n, self.alpha, self.max_iter, self.method = k, n, alpha, max_iter, method

    def fit(self, X, Y):
        self.W = np.random.rand(self.n, self.k)
        if self.method == "batch":
            for i in range(self.max_iter):
                loss, grad = self.gradient(X, Y)
                self.W = self.W - self.alpha * grad
        else:
            raise ValueError(self.method)

    def gradient(self, X, Y):
        m = X.shape[0]
        h = self.h_theta(X, self.W)
        loss = -np.sum(Y * np.log(h)) / m
        error = h - Y
        return loss, X.T @ error / m

    def h_theta(self, X, W):
        e = np.exp(X @ W)
        return e / e.sum(axis=1, keepdims=True)

    def predict(self, X_test):
        return np.argmax(self.h_theta(X_test, self.W), axis=1)

    def macro_f1(self, y_true, y_pred):
        return np.mean([np.sum((y_true == c) & (y_pred == c)) / np.sum(y_true == c) for c in np.unique(y_true)])
"""


def test_a_score_is_no_cost_and_what_is_only_kept_is_told_by_the_methods(tmp_path):
    report = checked(tmp_path, SCORED)
    assert report.verdict == "agrees"
    assert "macro_f1" not in report.subject["functions"]
    report = checked(tmp_path, SCORED.replace("X.T @ error / m", "X.T @ error"))
    assert report.first_fault.factor is not None
