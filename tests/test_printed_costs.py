"""Costs that a file computes only where it looks on: which usual cost an expression is, however it is written, and that
it is the file's own, where the gradients are right but for a constant."""

import linecache

import pytest

from gradcompare import losses
from gradcompare.interfaces import printed_costs
from tests.habits import checked

READ = {
    "for i in range(9):\n    if i % 3 == 0:\n        print(np.mean((y - out) ** 2))": "mean_squared_error",
    'print("Loss:", np.mean(np.square(y - net.forward(X))))': "mean_squared_error",
    'print("Loss: \\n" + str(np.mean(np.square(y - out))))': "mean_squared_error",
    "loss = np.sum((out - y) ** 2) / (2 * len(X))": "squared_error",
    "cost = 0.5 * ((self.out - self.target) ** 2).sum()": "summed_squared_error",
    "losses.append(((out - y) ** 2).mean())": "mean_squared_error",
    "mse = np.power(out - y, 2).sum() / y.shape[0]": "full_squared_error",
    "loss = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))": "mean_cross_entropy",
    "J = -(1 / m) * np.sum(y * np.log(a + 1e-8) + (1 - y) * np.log(1 - a + 1e-8))": "cross_entropy",
    "loss = -np.sum(target * np.log(p)) / n_samples": "softmax_cross_entropy",
    "print(f'{i}: {np.mean((y - out) ** 2):.4f}')": "mean_squared_error",
    "total_error += sum((t - o) ** 2 for t, o in zip(target, output))": "summed_full_squared_error",
    "sum_error += sum([(target[i] - out[i]) ** 2 for i in range(len(target))])": "summed_full_squared_error",
}


def read(folder, source: str) -> list[str]:
    path = folder / "shown.py"
    path.write_text(source + "\n")
    linecache.checkcache(str(path))
    return [printed.loss for printed in printed_costs.found_in(str(path))]


@pytest.mark.parametrize("statement", READ)
def test_what_a_cost_is_is_read_from_its_numbers(tmp_path, statement):
    found = read(tmp_path, statement)
    assert len(found) == 1
    assert found[0] == READ[statement] or all(
        losses.is_multiple(found[0], READ[statement]) and _is_same(found[0], READ[statement], shape)
        for shape in losses.SHAPES
    )


def _is_same(one: str, other: str, shape: tuple[int, int]) -> bool:
    A, Y = losses.drawn(shape, 0)
    return abs(losses.LOSSES[one].cost(A, Y, 0) - losses.LOSSES[other].cost(A, Y, 0)) < 1e-9


@pytest.mark.parametrize(
    "statement",
    [
        'print("Error:", np.mean(np.abs(y - out)))',
        "accuracy = np.mean(np.argmax(out, axis=1) == y)",
        "spread = np.sum((x - mean) ** 2)",
        "print(np.mean(out))",
        "loss = np.sum(9 ** 9 ** 9 * (y - out) ** 2)",
        "loss = cost_of(y, out)",
        "loss = np.sum((y - out) ** 2) / y.shape[1]",
        "print(np.mean((net.predict(X_val) - y_val) ** 2))",
        "for i in range(9):\n    pass\nprint(np.mean((y - out) ** 2))",
        "res = np.where(out > 0.5, 1, 0)\nerror = np.sum((res - y) ** 2)",
    ],
)
def test_what_is_no_usual_cost_is_none(tmp_path, statement):
    assert read(tmp_path, statement) == []


def test_a_difference_may_have_a_name(tmp_path):
    assert read(tmp_path, "error = y - out\nprint(np.mean(error ** 2))") == ["mean_squared_error"]
    assert read(tmp_path, "print(np.mean(error ** 2))") == []


NETWORK = """
class Net:
    def __init__(self):
        self.W1, self.W2 = np.random.randn(2, 3), np.random.randn(3, 1)

    def forward(self, X):
        self.hidden = 1 / (1 + np.exp(-X @ self.W1))
        return 1 / (1 + np.exp(-self.hidden @ self.W2))

    def backward(self, X, y, out):
        delta = (y - out) * out * (1 - out)
        back = delta @ self.W2.T * self.hidden * (1 - self.hidden)
        self.W1 += X.T @ back
        self.W2 += self.hidden.T @ delta

    def train(self, X, y):
        out = self.forward(X)
        self.backward(X, y, out)

if __name__ == "__main__":
    net = Net()
    for i in range(100):
        net.train(X, y)
        print("Loss:", LOSS)
"""


def test_gradients_are_held_against_the_cost_that_is_printed(tmp_path):
    report = checked(tmp_path, NETWORK.replace("LOSS", "np.mean(np.square(y - net.forward(X)))"))
    assert report.verdict == "scaled"
    assert "as line 25 computes it" in " ".join(report.notes)
    assert not report.assumed


def test_they_agree_with_it_where_it_has_no_other_constant(tmp_path):
    report = checked(tmp_path, NETWORK.replace("LOSS", "0.5 * np.sum((y - net.forward(X)) ** 2)"))
    assert report.verdict == "agrees"
    assert "as line 25 computes it" in " ".join(report.notes)
    assert not report.assumed


def test_a_number_that_is_only_looked_at_is_none(tmp_path):
    report = checked(tmp_path, NETWORK.replace("LOSS", "np.mean(np.abs(y - net.forward(X)))"))
    assert report.verdict == "agrees"
    assert "the file has none" in report.assumed[0]


def test_what_is_wrong_besides_stays_wrong(tmp_path):
    source = NETWORK.replace("LOSS", "np.mean(np.square(y - net.forward(X)))")
    report = checked(tmp_path, source.replace("back = delta @ self.W2.T * self.hidden * (1 - self.hidden)",
                                              "back = delta @ self.W2.T * self.hidden"))  # fmt: skip
    assert report.verdict == "wrong"


def test_which_length_counts_the_samples_the_arrays_say(tmp_path):
    path = tmp_path / "columns.py"
    path.write_text("loss = np.sum((y - out) ** 2) / y.shape[1]\n")
    (printed,) = printed_costs.found_in(str(path), samples_axis=1)
    assert printed.loss == "full_squared_error"
