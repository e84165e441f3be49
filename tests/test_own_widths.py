"""Scripts that run with no widths but those that they start from: what lacks a transpose needs a square."""

from tests.habits import checked

SQUARE = """
    X = np.random.rand(5, 2)
    Y = np.random.rand(5, 1)
    syn0 = 2 * np.random.random((2, 3)) - 1
    syn1 = 2 * np.random.random((3, 3)) - 1
    syn2 = 2 * np.random.random((3, 1)) - 1
    for k in range(1000):
        l1 = np.tanh(X @ syn0)
        l2 = np.tanh(l1 @ syn1)
        off = Y - l2 @ syn2
        back2 = off @ syn2.T * (1 - l2**2)
        back1 = back2 @ syn1.T * (1 - l1**2)
        syn0 += 0.1 * X.T @ back1
        syn1 += 0.1 * l1.T @ back2
        syn2 += 0.1 * l2.T @ off
"""


def test_a_transpose_that_only_a_square_does_without_is_missed(tmp_path):
    assert checked(tmp_path, SQUARE).verdict == "agrees"
    report = checked(tmp_path, SQUARE.replace("back2 @ syn1.T", "back2 @ syn1"))
    assert report.verdict == "wrong", str(report)
    assert report.first_fault is not None
    assert "back2 @ syn1 *" in report.first_fault.source
    assert report.smallest_case is not None
    assert report.smallest_case["sizes"] == [2, 3, 3, 1]
