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
