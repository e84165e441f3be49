"""What gradients are those of where nothing calls it a cost: the output itself, an error that is computed on the way, a
loss of arguments of any names; and steps that nothing takes. Each is right as it stands, and wrong where a mistake is
planted in it."""

import textwrap

import numpy as np
import pytest

from gradcompare.losses import fitting
from tests.habits import checked_as_a_file

HABITS = {
    # The value of a state has no label: what goes back is the gradient of what goes forward.
    "the output itself": (
        """
        import numpy as np

        class ValueNet:
            def __init__(self, n_in, n_hidden):
                self.W1 = np.random.randn(n_in, n_hidden)
                self.b1 = np.zeros(n_hidden)
                self.W2 = np.random.randn(n_hidden, 1)

            def forward(self, x):
                z1 = x @ self.W1 + self.b1
                a1 = np.tanh(z1)
                y = np.tanh((a1 @ self.W2)[0])
                return float(y), {"x": x, "a1": a1, "y": y}

            def gradients(self, cache):
                dz2 = 1.0 - cache["y"] ** 2
                da1 = self.W2[:, 0] * dz2
                dz1 = da1 * (1 - cache["a1"] ** 2)
                return {"W1": np.outer(cache["x"], dz1), "b1": dz1, "W2": (cache["a1"] * dz2)[:, None]}
        """,
        'dz1 = da1 * (1 - cache["a1"] ** 2)',
        'dz1 = da1 * (1 - cache["a1"])',
    ),
    # Of one output and one sample every cost has the same direction: only from other numbers they differ.
    "an error of one sample": (
        """
        import numpy as np

        class Neurone:
            def __init__(self, n):
                self.pesi = np.random.rand(n)
                self.bias = np.random.rand(1)[0]

            def calcola(self, x):
                self.output = 1 / (1 + np.exp(-(np.dot(x, self.pesi) + self.bias)))
                return self.output

        class Rete:
            def __init__(self, n_in, n_hidden):
                self.nascosti = [Neurone(n_in) for _ in range(n_hidden)]
                self.uscita = Neurone(n_hidden)

            def indietro(self, y, out, h):
                delta = (y - out) * out * (1 - out)
                return delta, [delta * w * a * (1 - a) for w, a in zip(self.uscita.pesi, h)]

            def addestra(self, dati, etichette, tasso=0.1, epoche=10):
                for epoca in range(epoche):
                    totale = 0
                    for i in range(len(dati)):
                        h = np.array([n.calcola(dati[i]) for n in self.nascosti])
                        out = self.uscita.calcola(h)
                        errore = 0.5 * (etichette[i] - out) ** 2
                        totale += errore
                        delta, deltas = self.indietro(etichette[i], out, h)
                        self.uscita.pesi += tasso * delta * h
                        self.uscita.bias += tasso * delta
                        for n, d in zip(self.nascosti, deltas):
                            n.pesi += tasso * d * dati[i]
                            n.bias += tasso * d
                    print(epoca, totale)

        rete = Rete(2, 3)
        rete.addestra(np.array([[0.1, 0.9], [0.7, 0.3]]), np.array([0, 1]), tasso=0.5)
        """,
        "(y - out) * out * (1 - out)",
        "(y - out)",
    ),
    # Steps are computed for weights that are called otherwise, and nothing takes them.
    "steps by shape": (
        """
        import numpy as np

        x = np.array([0.5, 0.1, -0.2])
        target = 0.6
        learnrate = 0.5
        weights_input_hidden = np.array([[0.5, -0.6], [0.1, -0.2], [0.1, 0.7]])
        weights_hidden_output = np.array([0.1, -0.3])
        hidden_input = np.dot(x, weights_input_hidden)
        hidden_output = 1 / (1 + np.exp(-hidden_input))
        output = 1 / (1 + np.exp(-np.dot(hidden_output, weights_hidden_output)))
        error = target - output
        output_error_term = error * output * (1 - output)
        hidden_error_term = output_error_term * weights_hidden_output * hidden_output * (1 - hidden_output)
        delta_w_h_o = learnrate * output_error_term * hidden_output
        delta_w_i_h = learnrate * hidden_error_term * x[:, None]
        print(delta_w_h_o, delta_w_i_h)
        """,
        "delta_w_h_o = learnrate * output_error_term * hidden_output",
        "delta_w_h_o = learnrate * output_error_term * hidden_input",
    ),
    # C is one-hot, a class in each row.
    "a loss of X, C and W": (
        """
        import numpy as np

        def softmax(X, W):
            eta = np.max(X.T @ W, axis=1)
            e = np.exp((X.T @ W).T - eta)
            return e / np.sum(e.T, axis=1)

        def softmax_regression(X, C, W):
            n, m = np.shape(X)
            return -np.sum(C * np.log(softmax(X, W))) / m

        def softmax_regression_grad(X, C, W):
            n, m = np.shape(X)
            return 1 / m * (X @ (softmax(X, W).T - C.T))
        """,
        "(softmax(X, W).T - C.T)",
        "(softmax(X, W).T)",
    ),
    # Samples and labels come from files that the command line names, each from its own.
    "labels read apart": (
        """
        import sys
        import numpy as np

        class NN:
            def __init__(self):
                self.train_x = np.loadtxt(sys.argv[1])
                self.train_y = np.loadtxt(sys.argv[2])
                self.w1 = 0.2 * np.random.rand(20, 36) - 0.1
                self.w2 = 0.2 * np.random.rand(5, 20) - 0.1

            def train(self):
                for epoch in range(10):
                    for image, digit in zip(self.train_x, self.train_y):
                        image = image.reshape(36, 1)
                        h1 = np.tanh(np.dot(self.w1, image))
                        e = np.exp(np.dot(self.w2, h1))
                        h2 = e / e.sum()
                        wanted = np.zeros((5, 1))
                        wanted[int(digit)] = 1
                        dz2 = h2 - wanted
                        dz1 = np.dot(self.w2.T, dz2) * (1 - h1 ** 2)
                        self.w1 = self.w1 - 0.01 * np.dot(dz1, image.T)
                        self.w2 = self.w2 - 0.01 * np.dot(dz2, h1.T)

        if __name__ == "__main__":
            nn = NN()
            nn.train()
        """,
        " * (1 - h1 ** 2)",
        "",
    ),
}


@pytest.mark.parametrize("name", HABITS)
def test_it_is_found_out(tmp_path, name):
    report = checked_as_a_file(tmp_path, textwrap.dedent(HABITS[name][0]))
    assert report.verdict == "agrees", str(report)


@pytest.mark.parametrize("name", HABITS)
def test_a_mistake_in_it_is_found(tmp_path, name):
    text, right, wrong = HABITS[name]
    assert text.count(right) == 1
    report = checked_as_a_file(tmp_path, textwrap.dedent(text).replace(right, wrong))
    assert report.verdict == "wrong", str(report)


def test_a_vector_may_be_the_scores_of_one_sample():
    """As where an LSTM gives those of a sequence, and only what goes back takes their softmax."""
    assert "softmax_cross_entropy_of_logits" in fitting(np.array([0.3, -1.2, 2.0]), axis=0)
    assert "softmax_cross_entropy_of_logits" not in fitting(np.array([0.3]), axis=0)


def test_that_the_cost_is_the_output_is_said(tmp_path):
    report = checked_as_a_file(tmp_path, textwrap.dedent(HABITS["the output itself"][0]))
    assert report.assumed == ["the cost is the output itself, summed (the file has none)"]


NORMALISED = """
import numpy as np

W1, b1 = np.random.randn(300, 40) * 0.01, np.zeros((1, 40))
gamma, beta = np.ones((1, 40)), np.zeros((1, 40))
W2 = np.random.randn(40, 10)
X, Y = np.random.randn(50, 300), np.eye(10)[np.random.randint(0, 10, 50)]

for epoch in range(10):
    z = X @ W1 + b1
    mean, var = np.mean(z, axis=0, keepdims=True), np.var(z, axis=0, keepdims=True)
    n = (z - mean) / np.sqrt(var + 1e-7)
    a = np.tanh(gamma * n + beta)
    e = np.exp(a @ W2)
    p = e / np.sum(e, axis=1, keepdims=True)
    dz2 = (p - Y) / len(X)
    dbn = dz2 @ W2.T * (1 - a ** 2)
    dn = dbn * gamma
    dvar = np.sum(dn * (z - mean) * -0.5 * (var + 1e-7) ** -1.5, axis=0, keepdims=True)
    dmean = np.sum(dn * -1 / np.sqrt(var + 1e-7), axis=0, keepdims=True)
    dz = dn / np.sqrt(var + 1e-7) + dvar * 2 * (z - mean) / len(X) + dmean / len(X)
    W1 -= 1e-6 * X.T @ dz
    b1 -= 1e-6 * np.sum(dz, axis=0, keepdims=True)
    gamma -= 1e-6 * np.sum(dbn * n, axis=0, keepdims=True)
    beta -= 1e-6 * np.sum(dbn, axis=0, keepdims=True)
    W2 -= 1e-6 * a.T @ dz2
"""


def test_where_float32_says_nothing_float64_alone_decides(tmp_path):
    """Of a step so small float32 leaves no digits."""
    report = checked_as_a_file(tmp_path, NORMALISED, examples=30, dtype="both")
    assert report.verdict == "agrees", str(report)
    assert "Compared in float64 alone: in float32 rounding could explain anything." in report.notes
    wrong = NORMALISED.replace("dvar * 2 * (z", "dvar * (z")
    assert checked_as_a_file(tmp_path, wrong, examples=30, dtype="both").verdict == "wrong"
