"""Policies: what goes forward takes one observation, what goes back an episode of them in rows."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked

GLOBAL = Habit(
    """
    units, pixels = 90, 400
    net = {"first": 0.1 * np.random.randn(units, pixels), "last": 0.1 * np.random.randn(units)}

    def squash(z):
        return 1 / (1 + np.exp(-z))

    def act_forward(frame):
        kept = net["first"] @ frame
        kept[kept < 0] = 0
        return squash(net["last"] @ kept), kept

    def act_backward(all_kept, all_pushes):
        grads = {}
        back = np.outer(all_pushes, net["last"])
        back[all_kept <= 0] = 0
        grads["first"] = back.T @ all_frames
        grads["last"] = (all_kept.T @ all_pushes).ravel()
        return grads
    """,
    'grads["first"] = back.T @ all_frames',
    'grads["first"] = np.abs(back).T @ all_frames',
)
"""What the frames of an episode are bound to, no function says: the loop that plays would."""

SOFTMAX = Habit(
    """
    def soft(z):
        e = np.exp(z - z.max())
        return e / e.sum()

    def choose_forward(seen, w):
        middle = np.tanh(w["in"] @ seen + w["b"])
        return middle, soft(w["out"] @ middle)

    def choose_backward(w, seens, diffs, middles):
        dout = diffs.T @ middles
        dmiddle = diffs @ w["out"] * (1 - middles ** 2)
        return {"din": dmiddle.T @ seens, "db": dmiddle.sum(axis=0), "dout": dout}
    """,
    'dmiddle = diffs @ w["out"] * (1 - middles ** 2)',
    'dmiddle = diffs @ w["out"] * (1 - middles)',
)
"""Of several actions, with the parameters as an argument of no known shapes and the rows in another order."""


@pytest.mark.parametrize(("habit", "still_right"), [(GLOBAL, "dlast"), (SOFTMAX, "dout")], ids=["global", "softmax"])
def test_a_policy_is_held_against_the_likelihood_of_its_actions(tmp_path, habit, still_right):
    report = checked(tmp_path, habit.source)
    assert report.verdict == "agrees", str(report)
    assert report.subject["interface"] == "policy"
    assert "likelihood of the actions taken" in str(report)
    wrong = checked(tmp_path, habit.source.replace(habit.right, habit.wrong))
    assert wrong.verdict == "wrong", str(wrong)
    verdicts = {finding.name: finding.verdict for finding in wrong.tensors}
    assert verdicts[f"{still_right}_policy"] == "ok"


def test_the_mistake_of_a_policy_is_found_at_its_line(tmp_path):
    agrees_and_is_found(tmp_path, GLOBAL)


def test_what_gives_no_probability_is_no_policy(tmp_path):
    report = checked(tmp_path, GLOBAL.source.replace('return squash(net["last"] @ kept)', 'return net["last"] @ kept'))
    assert report.verdict == "error"
