"""Classes in the habits of their authors. Of each the right one agrees, and a mistake is found at its line."""

from gradcompare.loading import load
from tests.habits import Habit, agrees_and_is_found

PARAMETERS = Habit(
    """
    class Parameter:
        def __init__(self, value):
            self.value, self.grad = value, np.zeros_like(value)

        @property
        def shape(self):
            return self.value.shape

    class Linear:
        def __init__(self, n_in, n_out):
            self.weight = Parameter(np.random.randn(n_in, n_out))
            self.bias = Parameter(np.random.randn(n_out))

        def forward(self, x):
            self.x = x
            return x @ self.weight.value + self.bias.value

        def backward(self, grad):
            self.weight.grad += self.x.T @ grad
            self.bias.grad += grad.sum(axis=0)
            return grad @ self.weight.value.T

    class Sigmoid:
        def forward(self, x):
            self.out = 1 / (1 + np.exp(-x))
            return self.out

        def backward(self, grad):
            return grad * self.out * (1 - self.out)

    class Regressor:
        def __init__(self, n_in, n_hidden, n_out):
            self.parts = (Linear(n_in, n_hidden), Sigmoid(), Linear(n_hidden, n_out))

        def forward(self, x):
            for part in self.parts:
                x = part.forward(x)
            return x

        def backward(self, grad):
            for part in self.parts[::-1]:
                grad = part.backward(grad)
    """,
    "grad * self.out * (1 - self.out)",
    "grad * (self.out + self.out) * (1 - self.out)",
)

TWINS = Habit(
    """
    class Scale:
        def __init__(self, n_in, n_hidden, n_out):
            self.first = {"W": np.random.randn(n_in, n_hidden), "b": np.zeros(n_hidden)}
            self.norm = {"params": {"gamma": np.ones(n_hidden), "beta": np.zeros(n_hidden)}, "grads": {}}
            self.last = {"W": np.random.randn(n_hidden, n_out), "b": np.zeros(n_out)}
            self.parts = [{"params": self.first, "grads": {}}, self.norm, {"params": self.last, "grads": {}}]

        def forward(self, x):
            self.x = x
            self.h = np.tanh(x @ self.first["W"] + self.first["b"])
            p = self.norm["params"]
            self.s = self.h * p["gamma"] + p["beta"]
            return self.s @ self.last["W"] + self.last["b"]

        def loss(self, x, t):
            self.off = self.forward(x) - t
            return np.sum(self.off**2) / (2 * len(x))

        def backward(self):
            d = self.off / len(self.x)
            first, norm, last = (part["grads"] for part in self.parts)
            last["W"], last["b"] = self.s.T @ d, d.sum(axis=0)
            d = d @ self.last["W"].T
            norm["gamma"], norm["beta"] = np.sum(d * self.h, axis=0), np.sum(d, axis=0)
            d = d * self.norm["params"]["gamma"] * (1 - self.h**2)
            first["W"], first["b"] = self.x.T @ d, d.sum(axis=0)
    """,
    "np.sum(d * self.h, axis=0)",
    "np.sum(d * self.s, axis=0)",
)


def test_gradients_lie_under_the_keys_of_their_parameters_also_where_one_sounds_like_a_gradient(tmp_path):
    agrees_and_is_found(tmp_path, TWINS)


def test_parameters_may_be_objects_with_a_shape_that_keep_their_gradients(tmp_path):
    agrees_and_is_found(tmp_path, PARAMETERS)


def test_a_default_that_cannot_be_computed_is_none_of_a_class_s_private_names(tmp_path):
    path = tmp_path / "classifier.py"
    path.write_text(
        "import pandas as pd\n"
        "class Classifier:\n"
        "    def __init__(self, width=pd.read_csv('widths.csv'), rate=0.1):\n"
        "        self.rate = rate\n"
    )
    assert load(path).names["Classifier"]().rate == 0.1
