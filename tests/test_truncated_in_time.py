"""What goes back in time for some steps only is held against the gradient as it is where nothing is cut off."""

import pytest

from gradcompare.loading import load
from gradcompare.loading.parsing import parse
from gradcompare.loading.truncation import FAR, without_truncation
from tests.habits import Habit, rehearsed_right_and_wrong

RECURRENT = """
    class Recurrent:
        def __init__(self, words, hidden=5, bptt_truncate=2):
            self.hidden, self.bptt_truncate, self.as_array = hidden, bptt_truncate, np.array
            self.U = 0.3 * np.random.randn(hidden, words)
            self.V = 0.3 * np.random.randn(words, hidden)
            self.W = 0.3 * np.random.randn(hidden, hidden)

        def forward(self, x):
            s = np.zeros((len(x) + 1, self.hidden))
            o = np.zeros((len(x), len(self.V)))
            for t in range(len(x)):
                s[t] = np.tanh(self.U[:, x[t]] + self.W @ s[t - 1])
                e = np.exp(self.as_array(self.V @ s[t]))
                o[t] = e / e.sum()
            return o, s

        def learn(self, x, y, rate):
            o, s = self.forward(x)
            dU, dV, dW = np.zeros(self.U.shape), np.zeros(self.V.shape), np.zeros(self.W.shape)
            off = o.copy()
            off[np.arange(len(y)), y] -= 1
            for t in reversed(range(len(y))):
                dV += np.outer(off[t], s[t])
                dz = self.V.T @ off[t] * (1 - s[t] ** 2)
                for step in reversed(range(max(0, t - self.bptt_truncate), t + 1)):
                    dW += np.outer(dz, s[step - 1])
                    dU[:, x[step]] += dz
                    dz = self.W.T @ dz * (1 - s[step - 1] ** 2)
            self.U -= rate * dU
            self.V -= rate * dV
            self.W -= rate * dW

    net = Recurrent(6)
    text = np.array([0, 3, 1, 5, 2, 4, 1, 3])
    for turn in range(4):
        net.learn(text[:-1], text[1:], 0.1)
"""


def test_an_approximation_on_purpose_is_no_mistake_and_hides_none(tmp_path):
    habit = Habit(RECURRENT, "dz = self.W.T @ dz * (1", "dz = self.W @ dz * (1")
    rehearsed_right_and_wrong(tmp_path, habit)
    (note,) = load(tmp_path / "program.py").notes
    assert note == "Line 4: so far and no further it goes back in time; here all the way, as the gradient does."


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("class A:\n    truncate = 3\n    def f(self, t): return t - self.truncate", f"truncate = {FAR}"),
        ("def f(t, *, trunc_steps=5):\n    return max(0, t - trunc_steps)", f"trunc_steps={FAR}"),
        ("def f(t, truncate):\n    return t - truncate\nf(3, truncate=4)", f"truncate={FAR}"),
        ("def f(x, truncate=3):\n    return x[:truncate]", None),
        ("def f(t, truncate=None):\n    return t - truncate", None),
    ],
)
def test_it_is_told_by_a_name_and_by_what_is_done_with_it(text, becomes):
    found = without_truncation(parse(text, "f.py", str), text)
    assert (found is None) if becomes is None else (becomes in found[1])
