"""What a corrected line may call things: only what its function has them under."""

from gradcompare.diagnosis.spelling import spelled

SOURCE = """
def backward(self, x, y):
    g = self.p - y
    self.grads["W2"] = self.h.T @ g
    g = g @ self.W2.T
    A3 = cache["A3"] + other["A3"] + cache["Z2"]
    return x.T @ g


def other(X):
    return X.W9
"""


def test_names_attributes_and_keys_of_the_function_around_the_line():
    found = spelled(SOURCE, 5)
    assert found is not None
    assert {k: found[k] for k in ("X", "Y", "W2", "h", "Z2")} == {
        "X": "x",
        "Y": "y",
        "W2": "self.W2",
        "h": "self.h",
        "Z2": "cache['Z2']",
    }
    assert "g" not in found  # bound twice: which of them is meant cannot be told
    assert "W9" not in found


def test_a_text_that_cannot_be_read_spells_nothing():
    assert spelled("def f(:", 1) is None
