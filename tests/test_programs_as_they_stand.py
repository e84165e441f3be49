"""Whole programs in the habits of their authors: what the file's own code around its functions says is taken into
account. Of each the right one agrees, and a mistake is found at its line."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "a slope that is called as a learning rate may be, beside one that is": Habit(
        """
        class Net:
            def __init__(self, input_size, hidden_sizes, output_size, learning_rate=0.05, alpha=0.01):
                widths = [input_size, *hidden_sizes, output_size]
                self.learning_rate, self.alpha = learning_rate, alpha
                self.W = [np.random.randn(a, b) for a, b in zip(widths, widths[1:])]
                self.b = [np.zeros((1, b)) for b in widths[1:]]

            def forward(self, X):
                self.a, self.z = [X], []
                for W, b in zip(self.W, self.b):
                    self.z.append(self.a[-1] @ W + b)
                    self.a.append(np.where(self.z[-1] > 0, self.z[-1], self.alpha * self.z[-1]))
                e = np.exp(self.z[-1] - np.max(self.z[-1], axis=1, keepdims=True))
                self.a[-1] = e / np.sum(e, axis=1, keepdims=True)
                return self.a[-1]

            def compute_loss(self, output, y):
                return -np.mean(np.sum(y * np.log(output), axis=1))

            def backward(self, X, y):
                dz = (self.a[-1] - y) / len(X)
                for i in reversed(range(len(self.W))):
                    dW, db = self.a[i].T @ dz, np.sum(dz, axis=0, keepdims=True)
                    if i:
                        dz = dz @ self.W[i].T * np.where(self.z[i - 1] > 0, 1, self.alpha)
                    self.W[i] -= self.learning_rate * dW
                    self.b[i] -= self.learning_rate * db
        """,
        "* np.where(self.z[i - 1] > 0, 1, self.alpha)",
        "* np.where(self.z[i - 1] > 0, 1, 0)",
    ),
    "a vector of parameters, and all else in *args, samples with their ones among it": Habit(
        """
        def squashed(z):
            return 1 / (1 + np.exp(-z))

        def cost_function(theta, *args):
            n_in, n_hidden, n_labels, X, y, lam = args
            first = theta[: n_hidden * (n_in + 1)].reshape(n_hidden, n_in + 1)
            second = theta[n_hidden * (n_in + 1) :].reshape(n_labels, n_hidden + 1)
            a2 = np.concatenate((np.ones((len(X), 1)), squashed(X @ first.T)), axis=1)
            a3 = squashed(a2 @ second.T)
            hot = np.zeros((len(X), n_labels))
            for i in range(len(X)):
                hot[i, y[i]] = 1
            penalty = lam / (2 * len(X)) * (np.sum(first[:, 1:] ** 2) + np.sum(second[:, 1:] ** 2))
            return -np.sum(hot * np.log(a3) + (1 - hot) * np.log(1 - a3)) / len(X) + penalty

        def gradient(theta, *args):
            n_in, n_hidden, n_labels, X, y, lam = args
            first = theta[: n_hidden * (n_in + 1)].reshape(n_hidden, n_in + 1)
            second = theta[n_hidden * (n_in + 1) :].reshape(n_labels, n_hidden + 1)
            a2 = np.concatenate((np.ones((len(X), 1)), squashed(X @ first.T)), axis=1)
            d3 = squashed(a2 @ second.T)
            for i in range(len(X)):
                d3[i, y[i]] -= 1
            d2 = (d3 @ second)[:, 1:] * a2[:, 1:] * (1 - a2[:, 1:])
            kept_1, kept_2 = first * lam, second * lam
            kept_1[:, 0] = kept_2[:, 0] = 0
            first_grad = (d2.T @ X + kept_1) / len(X)
            second_grad = (d3.T @ a2 + kept_2) / len(X)
            return np.concatenate((first_grad.ravel(), second_grad.ravel()))
        """,
        "(d3.T @ a2 + kept_2) / len(X)",
        "(d3.T @ a2 + kept_1[0, 1]) / len(X)",
    ),
    "a function trains, with settings that it has by default and weights that are a vector": Habit(
        """
        def fit_plane(samples, heights, seed=3, rate=0.2, rounds=500):
            chance = np.random.RandomState(seed)
            w = chance.randn(samples.shape[1])
            b = 0
            for k in range(rounds):
                guess = samples @ w + b
                miss = guess - heights
                cost = np.mean(miss**2) / 2
                w = w - rate * samples.T @ miss / len(samples)
                b = b - rate * miss.mean()
            return w, b
        """,
        "samples.T @ miss / len(samples)",
        "samples.T @ miss",
    ),
    "a function is told by the file's own call what it is not told by default": Habit(
        """
        def teach(X, Y, units, slope, lr):
            W1, b1 = np.random.randn(X.shape[1], units), np.zeros(units)
            W2, b2 = np.random.randn(units, Y.shape[1]), np.zeros(Y.shape[1])
            for k in range(1000):
                Z1 = X @ W1 + b1
                A1 = np.where(Z1 > 0, Z1, slope * Z1)
                error = A1 @ W2 + b2 - Y
                cost = np.sum(error**2) / 2
                dZ1 = error @ W2.T * np.where(Z1 > 0, 1, slope)
                W2 -= lr * A1.T @ error
                b2 -= lr * error.sum(axis=0)
                W1 -= lr * X.T @ dZ1
                b1 -= lr * dZ1.sum(axis=0)

        SLOPE = 0.1
        if __name__ == "__main__":
            teach(points, values, 8, SLOPE, lr=0.1)
        """,
        "np.where(Z1 > 0, 1, slope)",
        "np.where(Z1 > 0, 1, 0)",
    ),
    "an object has no parameters before it is trained, and a whole number for a bias": Habit(
        """
        class Classifier:
            def __init__(self, step=0.1, n_iter=300):
                self.step_size, self.n_iter = step, n_iter
                self.w = None
                self.b = None

            def fit(self, X, y):
                m, n = X.shape
                self.w = np.zeros(n)
                self.b = 0
                for _ in range(self.n_iter):
                    p = 1 / (1 + np.exp(-(X @ self.w + self.b)))
                    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
                    gw = X.T @ (p - y) / m
                    gb = np.sum(p - y) / m
                    self.w -= self.step_size * gw
                    self.b -= self.step_size * gb
                return self

            def predict(self, X):
                return X @ self.w + self.b > 0
        """,
        "np.sum(p - y) / m",
        "np.sum(p - y)",
    ),
    "the words are of a language that is not known": Habit(
        """
        def met_een(X):
            return np.hstack([X, np.ones((len(X), 1))])

        class Netwerk:
            def __init__(self, aantal_in, aantal_midden, aantal_uit, stap=0.05):
                self.gewicht_midden = np.random.randn(aantal_in + 1, aantal_midden)
                self.gewicht_uit = np.random.randn(aantal_midden + 1, aantal_uit)
                self.stap = stap

            def vooruit(self, X):
                self.ingang = met_een(X)
                self.midden = np.tanh(self.ingang @ self.gewicht_midden)
                self.uitgang = met_een(self.midden) @ self.gewicht_uit
                return self.uitgang

            def terug(self, doel):
                verschil = self.uitgang - doel
                self.helling_uit = met_een(self.midden).T @ verschil
                naar_midden = verschil @ self.gewicht_uit[:-1].T * (1 - self.midden**2)
                self.helling_midden = self.ingang.T @ naar_midden

            def leer(self, X, doel, keren=1000):
                for k in range(keren):
                    self.vooruit(X)
                    self.terug(doel)
                    self.gewicht_uit -= self.stap * self.helling_uit
                    self.gewicht_midden -= self.stap * self.helling_midden
        """,
        "* (1 - self.midden**2)",
        "* (1 - self.midden)",
    ),
    "weights are called after both layers, biases after the one that they lead to": Habit(
        """
        W_xh, b_h = np.random.randn(4, 6), np.zeros(6)
        W_hy, b_y = np.random.randn(6, 3), np.zeros(3)

        def forward(x):
            h = np.tanh(x @ W_xh + b_h)
            return h, h @ W_hy + b_y

        def cost(y, t):
            return 0.5 * np.sum((y - t) ** 2)

        def backward(x, t, h, y):
            d_y = y - t
            d_h = d_y @ W_hy.T * (1 - h**2)
            return x.T @ d_h, d_h.sum(axis=0), h.T @ d_y, d_y.sum(axis=0)
        """,
        "* (1 - h**2)",
        "* (1 - h)",
    ),
    "a constructor takes any number of widths, and methods are private": Habit(
        """
        class Net:
            def __init__(self, *widths):
                self._W = [np.random.randn(i, o) for i, o in zip(widths, widths[1:])]

            def _forward(self, X):
                self._A = [X]
                for W in self._W:
                    self._A.append(np.tanh(self._A[-1] @ W))
                return self._A[-1]

            def _loss(self, y):
                return np.sum((self._A[-1] - y) ** 2)

            def _backward(self, y):
                self._dW = [None for W in self._W]
                delta = 2 * (self._A[-1] - y)
                for k in reversed(range(len(self._W))):
                    delta = delta * (1 - self._A[k + 1] ** 2)
                    self._dW[k] = self._A[k].T @ delta
                    delta = delta @ self._W[k].T
        """,
        "(1 - self._A[k + 1] ** 2)",
        "(1 - self._A[k + 1])",
    ),
    "the dict of the parameters is told by what is looked up in it": Habit(
        """
        def start(n_x, n_h, n_y):
            return {"W1": np.random.randn(n_h, n_x), "W2": np.random.randn(n_y, n_h)}

        def forward(X, p):
            A1 = np.tanh(p["W1"] @ X)
            return p["W2"] @ A1, {"A1": A1}

        def cost(Y_hat, Y, p):
            return np.sum((Y_hat - Y) ** 2) / 2 + np.sum(p["W2"] ** 2)

        def backward(X, Y, cache, p):
            dZ2 = p["W2"] @ cache["A1"] - Y
            dZ1 = p["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
            return {"dW1": dZ1 @ X.T, "dW2": dZ2 @ cache["A1"].T + 2 * p["W2"]}
        """,
        "+ 2 * p",
        "+ p",
    ),
    "settings are asked for on the command line, and the script goes on from the last step": Habit(
        """
        import argparse
        asked = argparse.ArgumentParser()
        asked.add_argument("data")
        asked.add_argument("--units", type=int, default="7")
        asked.add_argument("--lr", type=float, default=0.02)
        args = asked.parse_args()

        x = np.linspace(-1, 1, 30).reshape(-1, 1)
        t = np.cos(x)
        w_in, w_out = np.random.randn(1, args.units), np.random.randn(args.units, 1)
        v_in, v_out = np.zeros_like(w_in), np.zeros_like(w_out)
        for k in range(2000):
            h = np.tanh(x @ w_in)
            e = h @ w_out - t
            cost = np.mean(e**2) / 2
            d_out = h.T @ e / len(x)
            d_in = x.T @ (e @ w_out.T * (1 - h**2)) / len(x)
            v_out = 0.9 * v_out - args.lr * d_out
            v_in = 0.9 * v_in - args.lr * d_in
            w_out += v_out
            w_in += v_in
        """,
        "* (1 - h**2)",
        "* (1 - h)",
    ),
    "functions without arguments read and write global names": Habit(
        """
        punten = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 1]])
        uitkomst = np.array([[1], [1], [0]])
        gewicht1, gewicht2 = np.random.rand(3, 4), np.random.rand(4, 1)
        stap = 0.3

        def vooruit():
            global midden, uit
            midden = np.tanh(punten @ gewicht1)
            uit = midden @ gewicht2

        def terug():
            global gewicht1, gewicht2
            fout = uit - uitkomst
            naar_midden = fout @ gewicht2.T * (1 - midden**2)
            gewicht2 = gewicht2 - stap * midden.T @ fout
            gewicht1 = gewicht1 - stap * punten.T @ naar_midden
            return np.sum(fout**2)

        for keer in range(5000):
            vooruit()
            totaal = terug()
        """,
        "* (1 - midden**2)",
        "* (1 - midden)",
    ),
    "parameters are those of which there are gradients, and units and samples are gone through one by one": Habit(
        """
        def answer(x, V, U):
            hidden = [np.tanh(np.dot(V[j], x)) for j in range(len(V))]
            return hidden, [sum(U[k, j] * hidden[j] for j in range(len(V))) for k in range(len(U))]

        def cost(X, T, V, U):
            total = 0.0
            for x, t in zip(X, T):
                _, out = answer(x, V, U)
                total += sum((out[k] - t[k]) ** 2 for k in range(len(U)))
            return total

        def gradients(X, T, V, U):
            gV, gU = np.zeros_like(V), np.zeros_like(U)
            for x, t in zip(X, T):
                hidden, out = answer(x, V, U)
                for j in range(len(V)):
                    back = 0.0
                    for k in range(len(U)):
                        gU[k, j] += 2 * (out[k] - t[k]) * hidden[j]
                        back += 2 * (out[k] - t[k]) * U[k, j]
                    gV[j] += back * (1 - hidden[j] ** 2) * x
            return gV, gU
        """,
        "gV[j] += back",
        "gV[j] = back",
    ),
    "an object is made for its data and has widths of its own": Habit(
        """
        class Model:
            def __init__(self, x, y):
                self.X, self.Y = x, y
                self.out = np.zeros((1, y.shape[1]))
                self.dims = [6, 4, 1]
                self.param, self.kept = {}, {}
                self.lr = 0.1

            def setUp(self):
                self.param["W1"] = np.random.randn(self.dims[1], self.dims[0])
                self.param["W2"] = np.random.randn(self.dims[2], self.dims[1])

            def forward(self):
                self.kept["A1"] = np.tanh(self.param["W1"] @ self.X)
                self.out = self.param["W2"] @ self.kept["A1"]
                return self.out, np.sum((self.out - self.Y) ** 2) / 2

            def backward(self):
                d = self.out - self.Y
                dW2 = d @ self.kept["A1"].T
                dW1 = self.param["W2"].T @ d * (1 - self.kept["A1"] ** 2) @ self.X.T
                self.param["W1"] = self.param["W1"] - self.lr * dW1
                self.param["W2"] = self.param["W2"] - self.lr * dW2

            def go(self, rounds=1000):
                self.setUp()
                for k in range(rounds):
                    out, cost = self.forward()
                    self.backward()
        """,
        "* (1 - self.kept",
        "* (2 - self.kept",
    ),
    "whole numbers in a sequence, a state that goes from one to the next, and a text that is counted": Habit(
        """
        book = open("book.txt").read().lower()
        letters = sorted(set(book))
        count, width = len(letters), 6
        number = {letter: k for k, letter in enumerate(letters)}
        U, V = np.random.randn(width, count), np.random.randn(count, width)
        R = np.random.randn(width, width) / 9
        c = np.zeros((width, 1))

        def lossFun(inputs, targets, h_before):
            hs, ps, cost = {-1: np.copy(h_before)}, {}, 0.0
            for t, letter in enumerate(inputs):
                hs[t] = np.tanh(U[:, [letter]] + R @ hs[t - 1] + c)
                ps[t] = np.exp(V @ hs[t]) / np.sum(np.exp(V @ hs[t]))
                cost += -np.log(ps[t][targets[t], 0])
            dU, dV, dR, dc = np.zeros_like(U), np.zeros_like(V), np.zeros_like(R), np.zeros_like(c)
            later = np.zeros_like(c)
            for t in reversed(range(len(inputs))):
                dy = np.copy(ps[t])
                dy[targets[t]] -= 1
                dV += dy @ hs[t].T
                dz = (V.T @ dy + later) * (1 - hs[t] ** 2)
                dc += dz
                dU[:, inputs[t]] += dz[:, 0]
                dR += dz @ hs[t - 1].T
                later = R.T @ dz
            return cost, dU, dV, dR, dc

        state = np.zeros((width, 1))
        lossFun([number[x] for x in book[:9]], [number[x] for x in book[1:10]], state)
        """,
        "dR += dz @ hs[t - 1].T",
        "dR += dz @ hs[t].T",
    ),
    "the file's own call is what gives a constructor its weights": Habit(
        """
        class Net:
            def __init__(self, first, second):
                self.first, self.second = first, second

            def think(self, inputs):
                a = np.tanh(inputs @ self.first)
                return a, a @ self.second

            def train(self, inputs, wanted, rounds):
                for k in range(rounds):
                    a, out = self.think(inputs)
                    off = wanted - out
                    self.first += inputs.T @ (off @ self.second.T * (1 - a**2))
                    self.second += a.T @ off

        if __name__ == "__main__":
            first = np.array([[0.2, 0.1], [-0.3, 0.1], [0.5, 0.4]])
            net = Net(first, np.array([[0.5], [-0.1]]))
            net.train(np.eye(3), np.ones((3, 1)), 900)
        """,
        "* (1 - a**2)",
        "* (1 - a)",
    ),
    "parameters are in lists over the layers, which are given": Habit(
        """
        def forward(X, weights, biases):
            kept = [X]
            for W, b in zip(weights, biases):
                kept.append(np.tanh(W @ kept[-1] + b))
            return kept[-1], kept

        def loss(A, Y):
            return 0.5 * np.sum((A - Y) ** 2)

        def backward(A, Y, weights, kept):
            dWs, dbs, dA = [], [], A - Y
            for k in reversed(range(len(weights))):
                dZ = dA * (1 - kept[k + 1] ** 2)
                dWs.append(dZ @ kept[k].T)
                dbs.append(dZ.sum(axis=1, keepdims=True))
                dA = weights[k].T @ dZ
            return dWs[::-1], dbs[::-1]
        """,
        "kept[k + 1] ** 2",
        "kept[k + 1]",
    ),
    "a script takes one sample after the other, and makes its labels before": Habit(
        """
        pictures, labels = fetched()
        wanted = np.zeros((len(labels), 3))
        for i, label in enumerate(labels):
            wanted[i][label] = 1
        labels = wanted
        w_0, w_1 = np.random.rand(8, 5), np.random.rand(5, 3)
        alpha, rounds = 0.01, 100
        for j in range(rounds):
            for i in range(len(pictures)):
                at_0 = pictures[i : i + 1]
                at_1 = np.tanh(at_0 @ w_0)
                off = at_1 @ w_1 - labels[i : i + 1]
                back = off @ w_1.T * (1 - at_1**2)
                w_1 -= alpha * at_1.T @ off
                w_0 -= alpha * at_0.T @ back
        """,
        "* (1 - at_1**2)",
        "* (1 - at_1)",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=list(HABITS))
def test_the_right_program_agrees_and_the_wrong_one_is_found_at_its_line(tmp_path, habit: Habit):
    agrees_and_is_found(tmp_path, habit)


def test_a_mean_of_absolute_errors_is_no_cost_where_no_sign_is_taken(tmp_path):
    report = checked(
        tmp_path,
        """
        X, Y = np.eye(4), np.ones((4, 2))
        W1, W2 = np.random.rand(4, 3), np.random.rand(3, 2)
        for k in range(1000):
            A1 = np.tanh(X @ W1)
            off = A1 @ W2 - Y
            E = np.mean(np.abs(off))
            W1 -= 0.1 * X.T @ (off @ W2.T * (1 - A1**2))
            W2 -= 0.1 * A1.T @ off
        """,
    )
    assert report.verdict == "agrees", str(report)
    assert report.assumed


UNIT = """
    def propagate(w, b, X, Y):
        m = X.shape[1]
        A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
        cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
        dw = np.dot(X, (A - Y).T) / m
        db = np.sum(A - Y) / m
        return {"dw": dw, "db": db}, cost
    """


@pytest.mark.parametrize("planted", [("X, (A - Y).T) / m", "X, (A - Y).T)"), ("np.sum(A - Y) / m", "np.sum(A - Y)")])
def test_one_unit_may_sum_its_bias_over_everything(tmp_path, planted):
    """The function alone: that it is for one output, only the bias says."""
    agrees_and_is_found(tmp_path, Habit(UNIT, *planted))
    assert any("meant for" in note for note in checked(tmp_path, UNIT).notes)


def test_several_units_may_not(tmp_path):
    softmax = "np.exp(Z) / np.sum(np.exp(Z), axis=0)"
    source = UNIT.replace("1 / (1 + np.exp(-(np.dot(w.T, X) + b)))", softmax.replace("Z", "(np.dot(w.T, X) + b)"))
    source = source.replace(" + (1 - Y) * np.log(1 - A)", "")
    report = checked(tmp_path, source)
    assert report.verdict == "wrong"
    assert [f.verdict for f in report.tensors if f.name == "db"] == ["shape"]
    right = source.replace("np.sum(A - Y) / m", "np.sum(A - Y, axis=1, keepdims=True) / m")
    assert checked(tmp_path, right).verdict == "agrees"
