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
