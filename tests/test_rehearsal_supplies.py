"""Programs whose data, libraries, helper files and answers are not there, run as they stand."""

import numpy as np
import pytest

from gradcompare.interfaces.rehearsal import costs, libraries
from gradcompare.interfaces.rehearsal.supplies import LIES, Sizes, Supplies, is_whole, role, sizes_asked_for
from gradcompare.interfaces.rehearsal.tables import Record, Table
from tests.habits import Habit, rehearsed, rehearsed_right_and_wrong

HABITS = {
    "a table of pandas, split and scaled, and a plot on the way": Habit(
        """
        import pandas as pd
        import matplotlib.pyplot as plt
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler

        df = pd.read_csv("visitors.csv").dropna()
        df["member"] = df["member"].map({"no": 0, "yes": 1})
        X, y = df.drop("target", axis=1).values, df["target"].values.reshape(-1, 1)
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2)
        X_train = StandardScaler().fit_transform(X_train)
        W1, b1 = 0.3 * np.random.randn(X_train.shape[1], 5), np.zeros((1, 5))
        W2, b2 = 0.3 * np.random.randn(5, 1), np.zeros((1, 1))
        figure, axes = plt.subplots()
        for epoch in range(100):
            hidden = np.tanh(X_train @ W1 + b1)
            said = 1 / (1 + np.exp(-(hidden @ W2 + b2)))
            off = (said - y_train) / len(y_train)
            back = off @ W2.T * (1 - hidden**2)
            W2 -= 0.5 * hidden.T @ off
            b2 -= 0.5 * off.sum(axis=0, keepdims=True)
            W1 -= 0.5 * X_train.T @ back
            b1 -= 0.5 * back.sum(axis=0, keepdims=True)
            line, = axes.plot(epoch)
        """,
        "* (1 - hidden**2)",
        "* (1 - hidden)",
    ),
    "texts of numbers, of samples in one and of labels in another": Habit(
        """
        class Net:
            def __init__(self, rate=0.1):
                with open("train/x.txt") as file:
                    lines = file.read().split("\\n")
                    X = [[float(x.split(" ")[0]), float(x.split(" ")[1])] for x in lines if len(x) > 0]
                with open("train/y.txt") as file:
                    labels = [int(x) for x in file.read().split("\\n") if len(x) > 0]
                self.X, self.Y = np.array(X), np.eye(3)[labels]
                self.inner, self.outer, self.rate = np.random.randn(2, 5), np.random.randn(5, 3), rate

            def train(self):
                for turn in range(100):
                    hidden = np.tanh(self.X @ self.inner)
                    off = hidden @ self.outer - self.Y
                    back = off @ self.outer.T * (1 - hidden**2)
                    self.outer -= self.rate * hidden.T @ off
                    self.inner -= self.rate * self.X.T @ back

        Net().train()
        """,
        "* (1 - hidden**2)",
        "* (1 - hidden)",
    ),
    "one sample at random, of data that were scaled": Habit(
        """
        import pandas as pd
        from sklearn.preprocessing import StandardScaler

        data = pd.read_csv("heart.csv")
        X, y = np.array(data.loc[:, data.columns != "output"]), np.array(data["output"])
        learning_rate = 0.1

        class Unit:
            def __init__(self, X, y):
                self.w, self.b = np.random.randn(X.shape[1]), np.random.randn()
                self.X, self.y = X, y

            def train(self, turns):
                for turn in range(turns):
                    place = np.random.randint(len(self.X))
                    said = 1 / (1 + np.exp(-(self.X[place] @ self.w + self.b)))
                    slope = 2 * (said - self.y[place]) * said * (1 - said)
                    self.w = self.w - learning_rate * slope * self.X[place]
                    self.b = self.b - learning_rate * slope

        Unit(StandardScaler().fit_transform(X), y).train(100)
        """,
        "slope * self.X[place]",
        "slope * abs(self.X[place])",
    ),
    "digits in the files of their makers, as bytes": Habit(
        """
        import gzip, struct

        def images(name):
            with gzip.open(name, "rb") as file:
                kind, count, rows, columns = struct.unpack(">IIII", file.read(16))
                return np.frombuffer(file.read(), dtype=np.uint8).reshape(count, rows * columns) / 255

        def numbers(name):
            with gzip.open(name, "rb") as file:
                kind, count = struct.unpack(">II", file.read(8))
                return np.frombuffer(file.read(), dtype=np.uint8)

        X = images("train-images-idx3-ubyte.gz")
        T = np.eye(10)[numbers("train-labels-idx1-ubyte.gz")]
        W, b = 0.01 * np.random.randn(784, 10), np.zeros(10)
        for step in range(100):
            grown = np.exp(X @ W + b)
            shares = grown / grown.sum(axis=1, keepdims=True)
            off = (shares - T) / len(X)
            W = W - 0.1 * X.T @ off
            b = b - 0.1 * off.sum(axis=0)
        """,
        "W = W - 0.1 * X.T @ off",
        "W = W - 0.1 * X.T @ (off * shares)",
    ),
    "columns of a table whose first row are the classes, cut at a number that is written down": Habit(
        """
        import pandas as pd

        data = np.array(pd.read_csv("digits.csv"))
        m, n = data.shape
        np.random.shuffle(data)
        kept = data[0:1000].T
        Y_kept, X_kept = kept[0], kept[1:n] / 255
        rest = data[1000:m].T
        Y_rest, X_rest = rest[0], rest[1:n] / 255

        def one_hot(Y):
            hot = np.zeros((Y.size, Y.max() + 1))
            hot[np.arange(Y.size), Y] = 1
            return hot.T

        def descend(X, Y, alpha, rounds):
            W1, b1 = np.random.rand(5, 30) - 0.5, np.random.rand(5, 1) - 0.5
            W2, b2 = np.random.rand(6, 5) - 0.5, np.random.rand(6, 1) - 0.5
            for k in range(rounds):
                A1 = np.tanh(W1.dot(X) + b1)
                Z2 = W2.dot(A1) + b2
                A2 = np.exp(Z2) / sum(np.exp(Z2))
                dZ2 = A2 - one_hot(Y)
                dZ1 = W2.T.dot(dZ2) * (1 - A1**2)
                W2 -= alpha / m * dZ2.dot(A1.T)
                b2 -= alpha / m * np.sum(dZ2, axis=1, keepdims=True)
                W1 -= alpha / m * dZ1.dot(X.T)
                b1 -= alpha / m * np.sum(dZ1, axis=1, keepdims=True)
                print("accuracy", np.mean(np.argmax(A2, 0) == Y), np.mean(np.argmax(W2.dot(X_kept), 0) == Y_kept))

        descend(X_rest, Y_rest, 0.1, 500)
        """,
        "dZ1 = W2.T.dot(dZ2) * (1 - A1**2)",
        "dZ1 = W2.T.dot(dZ2) * (1 - A1)",
    ),
    "somebody is asked, and rows of a file end with the class": Habit(
        """
        import csv, sys

        rate, width = float(input("how fast? ")), int(input("how many neurons? "))
        rows = []
        with open("flowers.csv") as file:
            for line in csv.reader(file):
                rows.append([float(word) for word in line])
        data = np.array(rows)
        if len(sys.argv) > 1:
            sys.exit("no arguments, please")
        inputs, labels = data[:, :-1], data[:, -1].astype(int)
        targets = np.zeros((len(labels), labels.max() + 1))
        targets[np.arange(len(labels)), labels] = 1
        w1, w2 = np.random.rand(inputs.shape[1], width) - 0.5, np.random.rand(width, targets.shape[1]) - 0.5
        while True:
            a1 = 1 / (1 + np.exp(-inputs.dot(w1)))
            a2 = 1 / (1 + np.exp(-a1.dot(w2)))
            d2 = (a2 - targets) * a2 * (1 - a2)
            d1 = d2.dot(w2.T) * a1 * (1 - a1)
            w2 -= rate * a1.T.dot(d2)
            w1 -= rate * inputs.T.dot(d1)
        """,
        "d1 = d2.dot(w2.T) * a1 * (1 - a1)",
        "d1 = d2.dot(w2.T) * a1",
    ),
    "an activation and a rule of helper files, and a network from a library": Habit(
        """
        from house.activators import SigmoidActivator
        from house.optimizers import Momentum
        from torchvision import datasets

        train = datasets.MNIST("data", train=True, download=True)
        pictures = train.data.numpy().reshape(-1, 784) / 255
        wanted = np.eye(10)[train.targets.numpy()]
        activator, rule = SigmoidActivator(), Momentum(lr=0.05)
        kept = {"W1": 0.1 * np.random.randn(784, 6), "W2": 0.3 * np.random.randn(6, 10)}
        for epoch in range(5):
            hidden = activator.forward(pictures @ kept["W1"])
            said = np.exp(hidden @ kept["W2"])
            said = said / said.sum(axis=1, keepdims=True)
            off = (said - wanted) / len(pictures)
            back = off @ kept["W2"].T * activator.backward(hidden)
            changes = {"W1": pictures.T @ back, "W2": hidden.T @ off}
            rule.update(kept, changes)
        """,
        'off @ kept["W2"].T * activator.backward(hidden)',
        'off @ kept["W2"].T',
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=list(HABITS))
def test_the_right_program_agrees_and_the_wrong_one_is_found(tmp_path, habit: Habit):
    said, report = rehearsed_right_and_wrong(tmp_path, habit)
    assert "with random data for" in said
    assert "against PyTorch's gradient" in said
    assert any(habit.wrong in finding.source for finding in report.tensors if finding.verdict == "fault"), str(report)


def test_what_a_helper_file_would_compute_is_not_made_up(tmp_path):
    report = rehearsed(
        tmp_path,
        """
        from house.layers import squash

        X, y, w = np.random.randn(9, 3), np.random.randn(9, 1), np.ones((3, 1))
        for turn in range(5):
            guess = squash(X @ w)
            w -= 0.1 * X.T @ (guess - y)
        """,
    )
    assert report.verdict == "error"


@pytest.mark.parametrize(
    ("failure", "asked"),
    [
        ("shapes (17,7) and (784,30) not aligned: 7 (dim 1) != 784 (dim 0)", Sizes(inputs=784)),
        ("cannot reshape array of size 119 into shape (17,28,28)", Sizes(inputs=784)),
        ("cannot reshape array of size 119 into shape (784)", Sizes(inputs=784)),
        ("cannot reshape array of size 7 into shape (784,1)", Sizes(inputs=784)),
        ("cannot reshape array of size 119 into shape (60000,7)", Sizes(stand_for_samples=frozenset([60000]))),
        ("cannot reshape array of size 119 into shape (100,784)", Sizes(samples=100, inputs=784)),
        ("index 17 is out of bounds for axis 0 with size 17", Sizes(samples=150)),
        ("operands could not be broadcast together with shapes (17,10) (17,3) ", Sizes(samples=60, outputs=10)),
        ("Cannot take a larger sample than population when 'replace=False'", Sizes(samples=100)),
        ("'numpy.float64' object cannot be interpreted as an integer", Sizes(whole=True)),
    ],
)
def test_the_sizes_that_a_failure_asks_for(failure, asked):
    assert sizes_asked_for([ValueError(failure)], Sizes(), counts=[5, 150]) == asked


def test_a_number_of_samples_that_is_written_down_stands_for_fewer():
    sizes = Sizes(samples=20, stand_for_samples=frozenset([60000, 50000]))
    assert [sizes.count(n) for n in (60000, 50000, 784)] == [20, 16, 784]


@pytest.mark.parametrize("lie", LIES)
def test_a_table_holds_the_class_in_its_first_column_and_in_its_last(lie):
    made = Supplies(lie)
    assert set(made.table[:, 0]) == set(made.table[:, -1]) == {0, 1, 2}
    assert made.table.shape == (17, 8)


def test_a_table_answers_as_a_frame_does():
    frame = Table(np.arange(12.0).reshape(3, 4), by_column=True)
    assert frame["label"].tolist() == [3, 7, 11]
    assert frame.drop("label", axis=1).shape == frame.iloc[:, :-1].shape == (3, 3)
    assert frame[["age", "size"]].values.tolist() == [[1, 2], [5, 6], [9, 10]]
    assert frame[frame["age"] > 4].shape == (2, 4)
    assert frame.mean().shape == (4,)
    assert frame.head(2).reset_index(drop=True).to_numpy().shape == (2, 4)
    assert frame["label"].map({"no": 0, "yes": 1}).tolist() == [1, 1, 1]


def test_a_record_has_what_its_parts_are_called():
    made = Supplies("columns")
    record = Record("load", made)
    assert record["X"].shape == record.train.images.shape == (7, 17)
    assert record[b"labels"].shape == (3, 17)
    assert [part.shape for part in record.pairs()[0]] == [(7, 1), (3, 1)]
    assert np.asarray(record).shape == (17, 8)


@pytest.mark.parametrize(
    ("name", "is_of"),
    [("X_train", "inputs"), ("train_images", "inputs"), ("y_test", "targets"), ("T_raw", "targets"), ("weights", None)],
)
def test_the_role_of_a_name(name, is_of):
    assert role(name) == is_of
    assert not is_whole(name)
    assert is_whole("train_data")


def test_weights_of_another_day_are_not_made_up(tmp_path):
    report = rehearsed(
        tmp_path,
        """
        def begin():
            try:
                w = np.load("weights.npy")
            except FileNotFoundError:
                w = 0.3 * np.random.default_rng(1).standard_normal((784, 10), dtype=np.float32).astype(float)
            return w

        import mnist

        x_train, t_train, x_test, t_test = mnist.load()
        w, batch_size = begin(), 40
        for k in range(len(x_train) // batch_size):
            part = np.random.choice(60000, batch_size)
            grown = np.exp(x_train[part] / 255 @ w)
            off = grown / grown.sum(axis=1, keepdims=True)
            off[np.arange(batch_size), t_train[part]] -= 1
            w -= 0.1 * (x_train[part] / 255).T @ off
        """,
    )
    assert report.verdict == "agrees", str(report)


def test_a_column_that_is_encoded_holds_classes():
    encoder = libraries.prepares(Supplies(sizes=Sizes(outputs=4)), "sklearn.preprocessing.OneHotEncoder")
    hot = encoder.fit_transform(np.random.default_rng(0).standard_normal((17, 1))).toarray()
    assert hot.shape == (17, 4)
    assert (hot.sum(axis=1) == 1).all()


def test_a_single_number_is_no_output_with_many_labels():
    with pytest.raises(ValueError, match="one label"):
        costs.paired("difference", np.array(1.0), np.ones(10))


def test_images_come_in_batches_as_torchvision_and_pytorch_hand_them_out(tmp_path):
    _, wrong = rehearsed_right_and_wrong(
        tmp_path,
        Habit(
            """
            from torch.utils.data import DataLoader
            from torchvision import datasets, transforms

            pictures = datasets.FashionMNIST("data", train=True, download=True, transform=transforms.ToTensor())
            loader = DataLoader(pictures, batch_size=10, shuffle=True)
            inner, outer = 0.05 * np.random.randn(784, 6), np.random.randn(6, 10)
            for epoch in range(3):
                for images, labels in loader:
                    flat = images.view(images.shape[0], -1).numpy()
                    wanted = np.eye(10)[labels.numpy()]
                    seen = np.tanh(flat @ inner)
                    scores = np.exp(seen @ outer)
                    share = scores / scores.sum(axis=1, keepdims=True)
                    loss = -np.sum(wanted * np.log(share)) / len(flat)
                    off = (share - wanted) / len(flat)
                    back = off @ outer.T * (1 - seen**2)
                    outer -= 0.1 * seen.T @ off
                    inner -= 0.1 * flat.T @ back
            """,
            "* (1 - seen**2)",
            "* (1 - seen)",
        ),
    )
    assert "(1 - seen)" in wrong.first_fault.source
