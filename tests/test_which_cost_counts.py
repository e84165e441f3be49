"""Where a file has numbers that may be its cost and are not, where its cost is meant for one output, and where steps
go up it."""

import textwrap

import pytest

import gradcompare
from gradcompare.report import factor_of
from tests.habits import checked

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
