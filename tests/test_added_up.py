"""What a method makes of the right gradients of several samples, one after another."""

import pytest

from tests.habits import checked

BY_LISTS = """
    class Network:
        def __init__(self, sizes):
            self.sizes = sizes
            self.biases = [np.random.randn(k, 1) for k in sizes[1:]]
            self.weights = [np.random.randn(k, n) for n, k in zip(sizes, sizes[1:])]
            self.pushes = [np.zeros((k, n)) for n, k in zip(sizes, sizes[1:])]

        def feedforward(self, a):
            for b, w in zip(self.biases, self.weights):
                a = np.tanh(w @ a + b)
            return a

        def backprop(self, x, y):
            acts = [x]
            for b, w in zip(self.biases, self.weights):
                acts.append(np.tanh(w @ acts[-1] + b))
            delta = (acts[-1] - y) * (1 - acts[-1] ** 2)
            nabla_b, nabla_w = [delta], [delta @ acts[-2].T]
            for l in range(2, len(self.sizes)):
                delta = self.weights[-l + 1].T @ delta * (1 - acts[-l] ** 2)
                nabla_b.insert(0, delta)
                nabla_w.insert(0, delta @ acts[-l - 1].T)
            return nabla_b, nabla_w

        def update(self, batch, eta, lmbda, n):
            sum_b = [np.zeros(b.shape) for b in self.biases]
            sum_w = [np.zeros(w.shape) for w in self.weights]
            for x, y in batch:
                one_b, one_w = self.backprop(x, y)
                sum_b = [s + o for s, o in zip(sum_b, one_b)]
                sum_w = [s + o for s, o in zip(sum_w, one_w)]
            {step}
"""
MEAN = """self.weights = [(1 - eta * lmbda / n) * w - eta / len(batch) * s for w, s in zip(self.weights, sum_w)]
            self.biases = [b - eta / len(batch) * s for b, s in zip(self.biases, sum_b)]"""
SUM_WITH_MOMENTUM = """self.pushes = [0.9 * p - eta * s for p, s in zip(self.pushes, sum_w)]
            self.weights = [w + p for w, p in zip(self.weights, self.pushes)]
            for b, s in zip(self.biases, sum_b):
                b -= eta * s"""
MISTAKES = {
    "the last alone": ("sum_b = [s + o for s, o in zip(sum_b, one_b)]", "sum_b = one_b"),
    "one layer alone": (
        "sum_w = [s + o for s, o in zip(sum_w, one_w)]",
        "sum_w = [s + o for s, o in zip(sum_w[:-1], one_w)] + one_w[-1:]",
    ),
    "begun anew": (
        "for x, y in batch:",
        "for x, y in batch:\n                sum_w = [np.zeros(w.shape) for w in self.weights]",
    ),
    "counted twice": ("sum_b = [s + o for", "sum_b = [2 * s + o for"),
}


@pytest.mark.parametrize("step", [MEAN, SUM_WITH_MOMENTUM], ids=["mean", "sum with a momentum"])
def test_a_multiple_of_the_sum_is_right(tmp_path, step):
    report = checked(tmp_path, BY_LISTS.replace("{step}", step))
    assert report.verdict == "agrees", str(report)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))
def test_another_sum_is_found_where_it_is_applied(tmp_path, mistake):
    source = BY_LISTS.replace("{step}", MEAN)
    assert source.count(mistake[0]) == 1
    report = checked(tmp_path, source.replace(*mistake))
    assert report.verdict == "wrong", str(report)
    assert "update does not make the step of their sum over several" in str(report)
    assert report.first_fault is not None
    assert report.first_fault.source.startswith("self.biases" if "sum_b" in mistake[0] else "self.weights")


def test_where_nothing_is_added_up_all_of_it_is_of_the_last_sample(tmp_path):
    source = BY_LISTS.replace("{step}", MEAN)
    for what in "bw":
        source = source.replace(f"[s + o for s, o in zip(sum_{what}, one_{what})]", f"one_{what}")
    report = checked(tmp_path, source)
    assert report.verdict == "wrong", str(report)
    faults = {finding.name for finding in report.tensors if finding.verdict == "fault"}
    assert len(faults) == 6


def test_steps_from_sample_to_sample_are_no_sum(tmp_path):
    each = """for x, y in batch:
                one_b, one_w = self.backprop(x, y)
                self.weights = [w - eta * o for w, o in zip(self.weights, one_w)]
                self.biases = [b - eta * o for b, o in zip(self.biases, one_b)]"""
    before = BY_LISTS[: BY_LISTS.index("            for x, y in batch:")]
    report = checked(tmp_path, f"{before}            {each}\n")
    assert report.verdict == "agrees", str(report)
