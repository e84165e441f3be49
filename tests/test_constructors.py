"""What constructors ask for, where names say little.

Of each the right one agrees, and a mistake is found at its line.
"""

from tests.habits import Habit, agrees_and_is_found, checked

COUNTED_AND_NAMELESS = Habit(
    """
    class Red:
        def __init__(self, K, D, d, S):
            self.K = K
            self.P = {"W1": np.random.rand(D, d) - 0.5, "b1": np.random.rand(D, 1) - 0.5}
            for i in range(K - 1):
                self.P[f"W{i + 2}"], self.P[f"b{i + 2}"] = np.random.rand(D, D) - 0.5, np.random.rand(D, 1) - 0.5
            self.P[f"W{K + 1}"], self.P[f"b{K + 1}"] = np.random.rand(S, D) - 0.5, np.random.rand(S, 1) - 0.5
            self.V, self.G = {}, {}

        def forward(self, x):
            self.V["a0"] = x
            for i in range(1, self.K + 2):
                self.V[f"z{i}"] = self.P[f"W{i}"] @ self.V[f"a{i - 1}"] + self.P[f"b{i}"]
                self.V[f"a{i}"] = np.tanh(self.V[f"z{i}"]) if i <= self.K else self.V[f"z{i}"]
            return self.V[f"a{self.K + 1}"]

        def cost(self, out, t):
            return 0.5 * np.sum((out - t) ** 2) / t.shape[1]

        def backward(self, t):
            m = t.shape[1]
            dz = self.V[f"a{self.K + 1}"] - t
            for i in range(self.K + 1, 0, -1):
                self.G[f"dW{i}"] = dz @ self.V[f"a{i - 1}"].T / m
                self.G[f"db{i}"] = np.sum(dz, axis=1) / m
                if i > 1:
                    dz = self.P[f"W{i}"].T @ dz * (1 - self.V[f"a{i - 1}"] ** 2)

        def apply(self, rate):
            for i in range(1, self.K + 2):
                self.P[f"W{i}"] = self.P[f"W{i}"] - rate * self.G[f"dW{i}"]
                self.P[f"b{i}"] = self.P[f"b{i}"] - rate * self.G[f"db{i}"].reshape(self.P[f"b{i}"].shape)
    """,
    "np.sum(dz, axis=1) / m",
    "np.sum(dz, axis=1)",
)


def test_arguments_of_any_name_are_widths_or_the_number_of_hidden_layers(tmp_path):
    agrees_and_is_found(tmp_path, COUNTED_AND_NAMELESS)


def test_an_axis_that_nothing_adds_is_missed(tmp_path):
    source = COUNTED_AND_NAMELESS.source.replace('.reshape(self.P[f"b{i}"].shape)', "")
    assert checked(tmp_path, source).verdict == "wrong"


IN_ANOTHER_ORDER = Habit(
    """
    class Netz:
        def __init__(self, mitte, ende, anfang):
            self.eins, self.zwei = np.random.randn(anfang, mitte), np.random.randn(mitte, ende)

        def forward(self, x):
            self.x, self.mid = x, np.tanh(x @ self.eins)
            return self.mid @ self.zwei

        def loss(self, out, t):
            return 0.5 * np.sum((out - t) ** 2)

        def backward(self, out, t):
            delta = out - t
            below = delta @ self.zwei.T * (1 - self.mid**2)
            self.zwei -= 0.1 * self.mid.T @ delta
            self.eins -= 0.1 * self.x.T @ below
    """,
    "(1 - self.mid**2)",
    "(1 - self.mid)",
)


def test_widths_may_be_asked_for_in_any_order(tmp_path):
    agrees_and_is_found(tmp_path, IN_ANOTHER_ORDER)


TOLD_HOW_MANY_WORDS = Habit(
    """
    class Writer:
        def __init__(self, n_chars, letter_at, text, hidden_size=40):
            self.n_chars, self.hidden_size = n_chars, hidden_size
            self.letter_at = letter_at
            self.text = text
            self.begin()

        def begin(self):
            self.U = np.random.randn(self.hidden_size, self.n_chars) * 0.1
            self.W = np.random.randn(self.hidden_size, self.hidden_size) * 0.1
            self.V = np.random.randn(self.n_chars, self.hidden_size) * 0.1
            self.b, self.c = np.zeros((self.hidden_size, 1)), np.zeros((self.n_chars, 1))

        def loss_of(self, inputs, targets, hprev):
            x, h, p, loss = {}, {-1: np.copy(hprev)}, {}, 0
            for t in range(len(inputs)):
                x[t] = np.zeros((self.n_chars, 1))
                x[t][inputs[t]] = 1
                h[t] = np.tanh(self.U @ x[t] + self.W @ h[t - 1] + self.b)
                e = np.exp(self.V @ h[t] + self.c)
                p[t] = e / np.sum(e)
                loss += -np.log(p[t][targets[t], 0])
            dU, dW, dV = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.V)
            db, dc, later = np.zeros_like(self.b), np.zeros_like(self.c), np.zeros_like(h[0])
            for t in reversed(range(len(inputs))):
                dy = np.copy(p[t])
                dy[targets[t]] -= 1
                dV += dy @ h[t].T
                dc += dy
                raw = (1 - h[t] ** 2) * (self.V.T @ dy + later)
                db += raw
                dU += raw @ x[t].T
                dW += raw @ h[t - 1].T
                later = self.W.T @ raw
            return loss, dU, dW, dV, db, dc, h[len(inputs) - 1]
    """,
    "dW += raw @ h[t - 1].T",
    "dW += raw @ h[t].T",
)


def test_an_object_may_be_told_how_many_words_there_are_and_keep_what_is_not_needed(tmp_path):
    agrees_and_is_found(tmp_path, TOLD_HOW_MANY_WORDS)


CALLED_OTHERWISE = Habit(
    """
    X, Y = np.linspace(0, 1, 11).reshape(11, 1), np.linspace(-0.9, 0.4, 11).reshape(11, 1)

    class Rede:
        def __init__(self, forno, mesa, escondidos, passo=0.01, ciclos=1000):
            self.forno, self.mesa, self.alpha, self.ciclos = forno, mesa, passo, ciclos
            self.w1, self.b1 = np.random.rand(forno.shape[1], escondidos), np.random.rand(1, escondidos)
            self.w2, self.b2 = np.random.rand(escondidos, mesa.shape[1]), np.random.rand(mesa.shape[1], 1)

        def bipolar(self, z):
            return 2 / (1 + np.exp(-z)) - 1

        def parcial(self, a):
            return 0.5 * (1 + a) * (1 - a)

        def propagação(self, x):
            self.z = self.bipolar(x @ self.w1 + self.b1)
            self.y = self.bipolar(self.z @ self.w2 + self.b2)
            return self.y

        def retropropagação(self):
            delta2 = (self.mesa - self.y) * self.parcial(self.y)
            delta1 = delta2.dot(self.w2.T) * self.parcial(self.z)
            self.dEdW2 = self.alpha * self.z.T.dot(delta2)
            self.dEdW1 = self.alpha * self.forno.T.dot(delta1)
            self.w2 += self.dEdW2
            self.b2 += np.sum(self.alpha * delta2, axis=0)
            self.w1 += self.dEdW1
            self.b1 += np.sum(self.alpha * delta1, axis=0)

        def treinar(self):
            ciclo = 0
            while ciclo < self.ciclos:
                self.propagação(self.forno)
                self.retropropagação()
                ciclo += 1

    if __name__ == "__main__":
        Rede(X, Y, 6).treinar()
    """,
    "delta2.dot(self.w2.T) * self.parcial(self.z)",
    "delta2.dot(self.w2.T)",
)


def test_what_the_file_gives_an_argument_says_what_it_is(tmp_path):
    agrees_and_is_found(tmp_path, CALLED_OTHERWISE)


GIVEN_FUNCTIONS = Habit(
    """
    def bend(z):
        return np.tanh(z)

    def bend_slope(a):
        return 1 - a**2

    def straight(z):
        return z

    def flat(a):
        return 1

    def drawn(shape):
        return np.random.randn(*shape)

    class Net:
        def __init__(self, sizes, activation, slope, draw):
            self.sizes, self.activation, self.slope = sizes, activation, slope
            self.weights = [draw((a, b)) for a, b in zip(sizes, sizes[1:])]
            self.biases = [np.zeros((1, b)) for b in sizes[1:]]

        def forward(self, X):
            activations = [X]
            for W, b in zip(self.weights[:-1], self.biases[:-1]):
                activations.append(self.activation(activations[-1] @ W + b))
            activations.append(activations[-1] @ self.weights[-1] + self.biases[-1])
            return activations

        def cost(self, out, Y):
            return np.sum((out - Y) ** 2) / 2

        def backward(self, Y, activations):
            found, delta = [], activations[-1] - Y
            for i in range(len(self.weights) - 1, -1, -1):
                found.insert(0, (activations[i].T @ delta, delta.sum(axis=0, keepdims=True)))
                if i > 0:
                    delta = delta @ self.weights[i].T * self.slope(activations[i])
            return found

    def main():
        for activation, slope in zip([bend, straight], [bend_slope, flat]):
            Net([4, 8, 2], activation, slope, drawn)
    """,
    "delta = delta @ self.weights[i].T * self.slope(activations[i])",
    "delta = delta @ self.weights[i].T",
)


def test_functions_are_given_as_the_file_gives_them(tmp_path):
    agrees_and_is_found(tmp_path, GIVEN_FUNCTIONS)


TWO_CLASSES = Habit(
    """
    class Pair:
        def __init__(self, n_in, n_hidden=16):
            self.w1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
            self.w2, self.b2 = np.random.randn(n_hidden, 2), np.zeros(2)

        def forward(self, x):
            self.h = np.tanh(x @ self.w1 + self.b1)
            e = np.exp(self.h @ self.w2 + self.b2)
            return e / e.sum(axis=1, keepdims=True)

        def loss(self, x, y):
            return -np.mean(np.log(self.forward(x)[np.arange(len(y)), y]))

        def step(self, x, y, lr=0.1):
            d = self.forward(x)
            d[np.arange(len(y)), y] -= 1
            d /= len(y)
            below = d @ self.w2.T * (1 - self.h**2)
            self.w2 -= lr * self.h.T @ d
            self.b2 -= lr * d.sum(axis=0)
            self.w1 -= lr * x.T @ below
            self.b1 -= lr * below.sum(axis=0)
    """,
    "below = d @ self.w2.T * (1 - self.h**2)",
    "below = d @ self.w2.T * (1 - self.h)",
)


def test_the_files_own_number_of_outputs_may_be_that_of_the_trial(tmp_path):
    agrees_and_is_found(tmp_path, TWO_CLASSES)


CHOSEN_BY_WORDS = Habit(
    """
    class Scales:
        def __init__(self, widths, cost="quadratic", reg="none"):
            self.choose(cost, reg)
            self.W = [np.random.randn(b, a) for a, b in zip(widths[:-1], widths[1:])]
            self.b = [np.random.randn(b, 1) for b in widths[1:]]

        def choose(self, cost, reg):
            if cost == "quadratic":
                self.slope = lambda said, true: said - true
            if reg == "none":
                self.shrink = lambda w: 0
            if reg == "L2":
                self.shrink = lambda w: 0.1 * w

        def forward(self, x):
            for w, b in zip(self.W, self.b):
                x = np.tanh(w @ x + b)
            return x

        def backward(self, x, y, epoch_num, rate):
            seen = [x]
            for w, b in zip(self.W, self.b):
                seen.append(np.tanh(w @ seen[-1] + b))
            d = self.slope(seen[-1], y) * (1 - seen[-1] ** 2) / y.shape[1]
            if epoch_num % 100 == 0:
                print(np.abs(d).max())
            for i in range(len(self.W) - 1, -1, -1):
                w, up = self.W[i], d
                d = w.T @ up * (1 - seen[i] ** 2)
                self.W[i] = w - rate * (up @ seen[i].T) - rate * self.shrink(w)
                self.b[i] = self.b[i] - rate * up.sum(axis=1, keepdims=True)
    """,
    "d = w.T @ up * (1 - seen[i] ** 2)",
    "d = w.T @ up * (1 - seen[i])",
)


def test_a_default_that_is_a_word_is_kept_and_the_number_of_a_turn_is_one(tmp_path):
    agrees_and_is_found(tmp_path, CHOSEN_BY_WORDS)


HANDED_UP = Habit(
    """
    from base import Base

    class Net(Base):
        def __init__(self, n_in, n_mid, n_out):
            super().__init__(n_in, n_out)
            self.mid = n_mid
            self.V = np.random.randn(self.first_size, self.mid)
            self.W = np.random.randn(self.mid, self.last_size)

        def forward(self, X):
            self.X, self.h = X, np.tanh(X @ self.V)
            return self.h @ self.W

        def backward(self, Y):
            d = (self.h @ self.W - Y) / len(Y)
            self.dW = self.h.T @ d
            self.dV = self.X.T @ (d @ self.W.T * (1 - self.h**2))
    """,
    "(1 - self.h**2)",
    "(1 - self.h)",
)


def test_a_base_that_is_missing_keeps_what_it_is_handed(tmp_path):
    agrees_and_is_found(tmp_path, HANDED_UP)


LETTERS = Habit(
    """
    class Net:
        def __init__(self, a, b, c):
            self.W1, self.W2 = np.random.randn(a, b), np.random.randn(b, c)

        def forward(self, X):
            self.H = np.tanh(X @ self.W1)
            return self.H @ self.W2

        def loss(self, out, y):
            return np.sum((out - y) ** 2) / 2

        def backward(self, X, y, out):
            delta = out - y
            self.dW2 = self.H.T @ delta
            self.dW1 = X.T @ (delta @ self.W2.T * (1 - self.H**2))
    """,
    "1 - self.H**2",
    "1 - self.H",
)


def test_letters_that_mean_something_elsewhere_may_be_widths(tmp_path):
    agrees_and_is_found(tmp_path, LETTERS)
