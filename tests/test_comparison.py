"""What `compare` says of right and of wrong gradients, tensor by tensor."""

import numpy as np
import pytest
import torch

import manual
import torch_ref
from gradcompare import assert_gradients, cases, compare, numpy_on_torch
from gradcompare.report import told_apart
from tests.programs import cost_and_values, plain_form, subject

HIDDEN = ("sigmoid", "tanh", "relu", "leaky_relu")
PAIRS = (("cross_entropy", "sigmoid"), ("cross_entropy", "softmax"), ("squared_error", "identity"))
PRECISIONS = ("float64", "float32")


def network(layers=2, pair=PAIRS[0], seed=1, m=4, dtype="float64"):
    """A network with all its widths different, and labels that fit."""
    labels = {"sigmoid": "binary", "softmax": "one_hot", "identity": "real"}[pair[1]]
    return cases.draw_network((*(3, 5, 6, 7)[:layers], 2), m, seed, labels=labels).astype(dtype).inputs


def torch_reference(activations=("tanh", "sigmoid"), loss="cross_entropy"):
    def reference(inputs):
        parameters = {name: tensor for name, tensor in inputs.items() if name not in ("X", "Y")}
        return torch_ref.cost_and_values(parameters, inputs["X"], inputs["Y"], activations, loss)

    return reference


def by_hand(inputs):
    """All that manual computes for a tanh layer and a sigmoid layer."""
    parameters = {name: array for name, array in inputs.items() if name not in ("X", "Y")}
    cache = manual.forward(parameters, inputs["X"])
    gradients = manual.backward(parameters, cache, inputs["X"], inputs["Y"])
    return {**cache, "J": manual.cost(cache, inputs["Y"]), **gradients}


def with_changes(changes):
    """`by_hand` with some of its results replaced: {name: function of (all of them, the inputs)}."""

    def subject(inputs):
        v = by_hand(inputs)
        return v | {name: change(v, inputs) for name, change in changes.items()}

    return subject


def verdicts(report):
    return {finding.name: finding.verdict for finding in report.tensors}


# ---- each verdict ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_right_gradients_agree(dtype):
    for wrapped in (by_hand, numpy_on_torch(by_hand)):
        report = compare(torch_reference(), wrapped, network(dtype=dtype))
        assert report.verdict == "agrees"
        assert set(verdicts(report).values()) == {"ok"}
        assert all(finding.ratio <= 1 for finding in report.tensors)
        assert report.first_fault is None


def slope_forgotten(inputs):
    v = by_hand(inputs)
    v["dZ1"] = v["dA1"]
    v["dW1"] = v["dZ1"] @ inputs["X"].T / 4
    v["db1"] = v["dZ1"].sum(axis=1, keepdims=True) / 4
    return v


def test_fault_is_accused_and_what_follows_inherits():
    report = compare(torch_reference(), slope_forgotten, network())
    assert report.verdict == "wrong"
    assert report.first_fault.name == "dZ1"
    found = verdicts(report)
    assert [name for name, verdict in found.items() if verdict != "ok"] == ["dZ1", "db1", "dW1"]
    assert (found["dZ1"], found["db1"], found["dW1"]) == ("fault", "inherited", "inherited")
    assert {f.inherited_from for f in report.tensors if f.verdict == "inherited"} == {"dZ1"}


def test_where_nothing_on_the_way_is_compared_the_report_says_what_would_tell_one_fault_from_two():
    def only(names):
        return lambda inputs: {name: slope_forgotten(inputs)[name] for name in names}

    def asks_for_more(names):
        report = compare(torch_reference(), only(names), network())
        assert report.verdict == "wrong"
        return '"dZ1"' in " ".join(report.notes)

    assert asks_for_more(("dW2", "db2", "dW1", "db1"))
    assert not asks_for_more(("dW2", "db2", "dZ1", "dW1", "db1"))
    assert not asks_for_more(("dW2", "db2", "dW1"))


def test_bias_without_its_axis_has_the_wrong_shape():
    report = compare(torch_reference(), with_changes({"db2": lambda v, i: v["db2"].ravel()}), network())
    assert (report.verdict, verdicts(report)["db2"]) == ("wrong", "shape")
    assert "should be (2, 1)" in str(report)


def test_transposed_gradient_has_the_wrong_shape():
    report = compare(torch_reference(), with_changes({"dW1": lambda v, i: v["dW1"].T}), network())
    assert verdicts(report)["dW1"] == "shape"


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "complex128", "object"])
def test_less_precise_gradient_has_the_wrong_dtype(dtype):
    with np.errstate(all="ignore"):
        report = compare(torch_reference(), with_changes({"dW1": lambda v, i: v["dW1"].astype(dtype)}), network())
    assert (report.verdict, verdicts(report)["dW1"]) == ("wrong", "dtype")


def test_better_precision_is_no_fault():
    report = compare(
        torch_reference(), with_changes({"dW1": lambda v, i: v["dW1"].astype("float64")}), network(dtype="float32")
    )
    assert report.verdict == "agrees"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_entry_that_is_no_number_is_found(number):
    def spoilt(v, i):
        d = v["dW1"].copy()
        d[1, 2] = number
        return d

    report = compare(torch_reference(), with_changes({"dW1": spoilt}), network())
    assert (report.verdict, verdicts(report)["dW1"]) == ("wrong", "nonfinite")
    assert next(f for f in report.tensors if f.name == "dW1").worst == (1, 2)


def test_unknown_names_are_missing_and_do_no_harm():
    report = compare(torch_reference(), with_changes({"dW7": lambda v, i: v["dW1"]}), network())
    assert (report.verdict, verdicts(report)["dW7"]) == ("agrees", "missing")


@pytest.mark.parametrize("hidden", ["relu", "leaky_relu"])
def test_other_derivative_at_a_kink_is_as_good(hidden):
    inputs = network()
    inputs["X"][:, 0] = 0
    inputs["b1"][:] = 0
    form = plain_form((hidden, "sigmoid"), "cross_entropy")
    one = type(form)(**{**vars(form), "slopes": ("z>=0", "a(1-a)")})
    for wrapped in (subject(one), numpy_on_torch(subject(one))):
        report = compare(torch_reference((hidden, "sigmoid")), wrapped, inputs)
        assert report.verdict == "agrees"
        assert verdicts(report)["dZ1"] == "kink"
        assert report.cases["at_kink"] == 1
        assert any("kink" in note for note in report.notes)


@pytest.mark.parametrize("hidden", ["relu", "leaky_relu"])
def test_kink_hides_no_mistake(hidden):
    """A derivative outside of the interval between the slopes is wrong at a kink too."""
    inputs = network()
    inputs["X"][:, 0] = 0
    inputs["b1"][:] = 0

    def doubled(name, value):
        return 2 * value if name == "dZ1" else value

    report = compare(
        torch_reference((hidden, "sigmoid")), subject(plain_form((hidden, "sigmoid"), "cross_entropy"), doubled), inputs
    )
    assert report.verdict == "wrong"
    assert report.first_fault.name == "dZ1"


def pooled(inputs):
    """The largest of each three of rectified numbers, weighted."""
    return np.sum(np.max(np.maximum(inputs["X"], 0).reshape(2, 3), axis=1) * np.array([2.0, 3.0]))


def pooled_by_torch(inputs):
    return (torch.relu(inputs["X"]).reshape(2, 3).max(1).values * torch.tensor([2.0, 3.0], dtype=torch.float64)).sum()


@pytest.mark.parametrize("wrap", [lambda f: f, numpy_on_torch], ids=["opaque", "followed"])
@pytest.mark.parametrize(
    ("gradient", "verdict", "by_torch"),
    [
        ([0.0, 0, 0, 3, 0, 0], "kink", "ok"),
        ([0.0, 0, 0, 0, 3, 0], "kink", "undecided"),
        ([0.0, 0, 0, 1, 2, 0], "kink", "undecided"),
        ([0.0, 0, 0, 1.5, 1.5, 0], "ok", "undecided"),
        ([0.0, 0, 0, 0, 0, 3], "fault", "undecided"),
        ([2.0, 0, 0, 3, 0, 0], "fault", "fault"),
    ],
)
def test_largest_of_several_that_are_alike_is_a_kink(gradient, verdict, by_torch, wrap):
    """X[3] and X[4]; of the first three, whose relu is flat, none has a derivative. Where PyTorch says no more than
    that it chose, nothing is decided."""
    inputs = {"X": np.array([-1.0, -1, -1, 1, 1, 0.5])}
    for reference, expected in ((numpy_on_torch(pooled), verdict), (pooled_by_torch, by_torch)):
        report = compare(reference, wrap(lambda i: {"dX": np.array(gradient)}), inputs)
        assert verdicts(report) == {"dX": expected}, str(report)


def a_dead_sample(value):
    value = value.copy()
    value[:, -1] = 0
    return value


@pytest.mark.parametrize("relu", ["maximum", "mask", "where", "clip", "half", "in place"])
@pytest.mark.parametrize("wrap", [lambda f: f, numpy_on_torch], ids=["opaque", "followed"])
@pytest.mark.parametrize("planted_at", ["Z1", "A1"])
def test_kink_of_the_subjects_own_making_is_no_second_fault(relu, wrap, planted_at):
    """Where a mistake makes a number exactly 0, the slope there is a matter of choice as anywhere else."""
    form = plain_form(("relu", "relu", "sigmoid"), "cross_entropy")
    form = type(form)(**{**vars(form), "slopes": ("z>=0", "z>=0", "a(1-a)")})
    inputs = network(3, seed=3)
    inputs["b2"][:] = 0  # so that a sample of zeros in A1 is one in Z2
    reference_form = type(form)(**{**vars(form), "values": (relu, relu, "naive")})
    wrong = planted(form, {planted_at: a_dead_sample})
    at_zero = wrong({name: array.copy() for name, array in inputs.items()})["dZ2"][:, -1]
    assert np.any(at_zero != 0)
    for reference in (torch_reference(form.activations), numpy_on_torch(cost_and_values(reference_form))):
        report = compare(reference, wrap(wrong), inputs)
        assert [f.name for f in report.tensors if f.verdict == "fault"] == [planted_at]
        worse = planted(form, {planted_at: a_dead_sample, "dZ2": scaled_by(1.5)})
        report = compare(reference, wrap(worse), inputs)
        assert [f.name for f in report.tensors if f.verdict == "fault"] == [planted_at, "dZ2"]


@pytest.mark.parametrize("factor", [4.0, 0.5, -1.0, 1 / 3])
def test_gradient_of_the_wrong_length_is_scaled(factor):
    changes = {
        f"d{name}": lambda v, i, name=name: factor * v[f"d{name}"]
        for name in ("W1", "b1", "W2", "b2", "A1", "Z1", "Z2")
    }

    def scaled(inputs):
        v = with_changes(changes)(inputs)
        return {name: v[name] for name in ("dW1", "db1", "dW2", "db2")}

    report = compare(torch_reference(), scaled, network())
    assert report.verdict == "scaled"
    assert {f.factor for f in report.tensors} == {factor}
    with pytest.raises(AssertionError, match="scaled"):
        assert_gradients(torch_reference(), scaled, network())


def test_gradients_that_are_zero_or_undecided_do_not_speak_against_a_common_factor():
    inputs = network()
    inputs["W1"] *= 1e-9  # A1 is next to nothing, and so is dW2
    inputs["b1"] *= 0
    inputs["X"] *= 0  # and dW1 exactly 0

    def tripled(inputs):
        v = by_hand(inputs)
        return {name: 3 * v[name] for name in ("dW1", "db1", "dW2", "db2")}

    report = compare(torch_reference(), tripled, inputs)
    assert report.verdict == "scaled"
    assert {f.name: f.verdict for f in report.tensors} == {"db2": "scaled", "dW2": "ok", "db1": "scaled", "dW1": "ok"}


def test_factor_on_one_tensor_alone_is_a_fault_with_its_factor():
    report = compare(torch_reference(), with_changes({"dW2": lambda v, i: 4 * v["dW2"]}), network())
    assert report.verdict == "wrong"
    assert [(f.name, f.verdict, f.factor) for f in report.tensors if f.verdict != "ok"] == [("dW2", "fault", 4.0)]


def test_what_rounding_may_have_decided_is_undecided():
    """Where the cost is a difference of equal numbers rounding decides its gradient."""

    def reference(inputs):
        w = inputs["W"]
        return ((w + 1e16) - 1e16).sum() * w.sum()

    report = compare(reference, lambda inputs: {"J": 0.0}, {"W": np.ones((2, 2))})
    assert (report.verdict, verdicts(report)) == ("undecided", {"J": "undecided"})


# ---- conventions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda f: f, numpy_on_torch])
@pytest.mark.parametrize("m", [1, 2, 4])
def test_intermediate_gradients_of_the_sum_and_of_the_mean_are_both_right(m, wrap):
    def of_the_mean(inputs):
        v = by_hand(inputs)
        return v | {name: v[name] / m for name in ("dZ2", "dA1", "dZ1")}

    inputs = network(m=m)
    for program, noted in ((by_hand, m > 1), (of_the_mean, False)):
        report = compare(torch_reference(), wrap(program), inputs)
        assert report.verdict == "agrees"
        assert any("convention" in note for note in report.notes) == noted


def test_a_convention_is_seen_where_a_kink_would_excuse_it():
    """All that dZ holds stands at Z = 0, where slopes are a matter of choice; that it is twice as much is none."""

    def loss(inputs):
        Z = inputs["W"] * inputs["X"]
        A = torch.where(Z >= 0, Z, torch.zeros_like(Z))
        return ((A - inputs["Y"]) ** 2).sum() / 4, {"Z": Z}

    inputs = {"W": np.array([[2.0]]), "X": np.array([[0.0, -1.0]]), "Y": np.array([[0.75, 0.25]])}
    report = compare(loss, lambda i: {"dZ": np.array([[-0.75, 0.0]])}, inputs)
    assert verdicts(report) == {"dZ": "ok"}
    assert any("convention" in note for note in report.notes)


@pytest.mark.parametrize("factor", [2.0, -1.0, 5.0, -4.0])
def test_other_scales_are_no_convention(factor):
    changes = {name: lambda v, i, name=name: factor * v[name] for name in ("dZ2", "dA1", "dZ1")}
    assert compare(torch_reference(), with_changes(changes), network()).verdict == "wrong"


def test_scale_is_one_for_the_whole_file():
    report = compare(torch_reference(), with_changes({"dZ1": lambda v, i: v["dZ1"] / 4}), network())
    assert (report.verdict, verdicts(report)["dZ1"]) == ("wrong", "fault")


# ---- planted mistakes ------------------------------------------------------------------------------------------------


SMALL = {"float64": 1e-9, "float32": 1e-4}
STAND_IN = {"float64": 1e-9, "float32": 3e-4}
"""Of a subject that cannot be followed, in float32, less is known."""


def scaled_by(factor):
    return lambda value: value * factor


def one_entry(right, dtype):
    """One wrong entry, the largest: of another one rounding could explain more, beside it."""
    factors = np.where(np.abs(right) == np.max(np.abs(right)), 1.25, 1)
    return lambda value: value * factors


MISTAKES = {
    "doubled": lambda right, dtype: scaled_by(2.0),
    "a part in ten": lambda right, dtype: scaled_by(1.1),
    "small": lambda right, dtype: scaled_by(1 + SMALL[dtype]),
    "less small": lambda right, dtype: scaled_by(1 + STAND_IN[dtype]),
    "sign": lambda right, dtype: scaled_by(-1.0),
    "one entry": one_entry,
}
"""What is done to the tensor they are planted in; all that follows is computed from it."""

TENSORS = {
    layers: [
        f"{kind}{layer}"
        for layer in range(1, layers + 1)
        for kind in ("Z", "A", "dZ", "dW", "db", "dA")
        if (kind, layer) != ("dA", layers)
    ]
    + ["J"]
    for layers in (2, 3, 4)
}


def planted(form, where):
    """The program with mistakes at some tensors, {name: mistake}, each followed by all that is computed from it."""
    return subject(form, lambda name, value: where[name](value) if name in where else value)


def assert_placed(report, right, wrong, where):
    """The tensors planted are at fault; what changed with them has inherited, and nothing else is accused."""
    found = verdicts(report)
    changed = {name for name in right if not np.array_equal(right[name], wrong[name])}
    if where == {f"dZ{len([n for n in right if n.startswith('Z')])}"} and report.verdict == "scaled":
        return  # everything that follows from it has the same factor
    assert report.verdict == "wrong"
    assert {name for name, verdict in found.items() if verdict in ("fault", "shape", "dtype", "nonfinite")} == where
    assert {name for name, verdict in found.items() if verdict == "inherited"} <= changed
    assert all(found[name] in ("inherited", "ok", "undecided") for name in changed - where)
    assert report.first_fault.name == next(f.name for f in report.tensors if f.name in where)


CASES = [
    (layers, tensor, mistake, HIDDEN[i % 4], PRECISIONS[i % 2], i % 3 == 0)
    for layers, tensors in TENSORS.items()
    for i, (tensor, mistake) in enumerate((t, k) for t in tensors for k in MISTAKES)
    if (mistake, i % 3 == 0) not in (("small", False), ("less small", True))
]


@pytest.mark.parametrize(("layers", "tensor", "mistake", "hidden", "dtype", "traced"), CASES)
def test_planted_mistake_is_found_and_placed(layers, tensor, mistake, hidden, dtype, traced):
    form = plain_form((*(hidden,) * (layers - 1), "sigmoid"), "cross_entropy")
    inputs = network(layers, dtype=dtype, seed=3)
    right = subject(form)(inputs)
    wrong = planted(form, {tensor: MISTAKES[mistake](right[tensor], dtype)})
    report = compare(numpy_on_torch(cost_and_values(form)), numpy_on_torch(wrong) if traced else wrong, inputs)
    assert_placed(report, right, wrong(inputs), {tensor})


def test_two_independent_mistakes_are_both_found():
    form = plain_form(("tanh", "relu", "sigmoid"), "cross_entropy")
    inputs = network(3)
    for where in ({"dZ2", "dW3"}, {"dZ3", "dZ1"}, {"Z1", "dZ2"}, {"A2", "db1"}):
        wrong = planted(form, dict.fromkeys(where, scaled_by(1.5)))
        report = compare(numpy_on_torch(cost_and_values(form)), numpy_on_torch(wrong), inputs)
        assert_placed(report, subject(form)(inputs), wrong(inputs), where)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("mistake", [scaled_by(1.1), lambda A: A * np.nan, lambda A: A.astype("float16")])
def test_cost_computed_from_a_wrong_output_inherits_where_the_reference_computes_it_from_the_logits(pair, mistake):
    form = plain_form(("tanh", pair[1]), pair[0])
    wrong = planted(form, {"A2": mistake})
    report = compare(torch_reference(form.activations, pair[0]), wrong, network(pair=pair))
    found = {f.name: f for f in report.tensors}
    assert {name for name, f in found.items() if f.verdict in ("fault", "dtype", "nonfinite", "shape")} == {"A2"}
    assert (found["J"].verdict, found["J"].inherited_from) == ("inherited", "A2")


def test_wrong_cost_beside_a_right_output_is_at_fault_itself():
    form = plain_form(("tanh", "sigmoid"), "cross_entropy")
    report = compare(torch_reference(), planted(form, {"J": scaled_by(2.0)}), network())
    assert_placed(report, subject(form)(network()), planted(form, {"J": scaled_by(2.0)})(network()), {"J"})


def test_a_wrong_value_that_leads_to_the_cost_excuses_no_other():
    """Two steps from one tensor, as keys and queries are."""

    def reference(inputs):
        Q, K = inputs["X"] * inputs["Q"], inputs["X"] * inputs["K"]
        return (Q * K).sum(), {"A": inputs["X"] * 1, "q": Q, "k": K}

    def wrong(i):
        return {"q": 2 * i["X"] * i["Q"], "k": 3 * i["X"] * i["K"]}

    inputs = {"X": np.array([1.0, 2.0]), "Q": np.array([1.0, -2.0]), "K": np.array([3.0, 1.0])}
    assert verdicts(compare(reference, wrong, inputs)) == {"q": "fault", "k": "fault"}


# ---- references ------------------------------------------------------------------------------------------------------


def test_reference_may_be_a_cost_alone():
    report = compare(lambda i: torch_reference()(i)[0], by_hand, network())
    assert report.verdict == "agrees"
    assert {name for name, verdict in verdicts(report).items() if verdict == "ok"} == {"J", "dW1", "db1", "dW2", "db2"}


def test_identity_gives_two_names_to_one_tensor():
    def reference(inputs):
        Z1 = inputs["W1"] @ inputs["X"] + inputs["b1"]
        Z2 = inputs["W2"] @ Z1 + inputs["b2"]
        return ((Z2 - inputs["Y"]) ** 2).sum() / 8, {"Z1": Z1, "A1": Z1, "Z2": Z2, "A2": Z2}

    form = plain_form(("identity", "identity"), "squared_error")
    inputs = network(pair=PAIRS[2])
    assert compare(reference, subject(form), inputs).verdict == "agrees"
    for tensor in ("Z1", "A1", "dA1", "dZ1"):
        wrong = planted(form, {tensor: scaled_by(2.0)})
        report = compare(reference, wrong, inputs)
        assert_placed(report, subject(form)(inputs), wrong(inputs), {tensor})


def test_what_the_cost_does_not_depend_on_has_the_gradient_0():
    def reference(inputs):
        return (inputs["W"] ** 2).sum()

    inputs = {"W": np.array([1.0, 2.0]), "unused": np.ones(3)}
    for gradient, verdict in ((np.zeros(3), "agrees"), (np.ones(3), "wrong")):
        report = compare(reference, lambda i, d=gradient: {"dW": 2 * i["W"], "dunused": d}, inputs)
        assert report.verdict == verdict


def test_gradient_of_a_value_beside_the_cost_is_missing():
    """torch_ref computes its cost from Z2: that of A2 is right where a cost is computed from A2."""
    report = compare(torch_reference(), with_changes({"dA2": lambda v, i: -i["Y"] / v["A2"]}), network())
    assert (report.verdict, verdicts(report)["dA2"]) == ("agrees", "missing")


def test_named_tensors_may_be_inputs():
    def reference(inputs):
        cost, named = torch_reference()(inputs)
        return cost, {**named, "A0": inputs["X"]}

    def with_dA0(inputs):
        v = by_hand(inputs)
        return v | {"dX": inputs["W1"].T @ v["dZ1"] / 4}

    report = compare(reference, with_dA0, network())
    assert report.verdict == "agrees"


def test_reference_may_work_in_place():
    def reference(inputs):
        Z1 = inputs["W1"] @ inputs["X"]
        Z1 += inputs["b1"]
        A1 = torch.tanh(Z1)
        Z2 = inputs["W2"] @ A1
        Z2.add_(inputs["b2"])
        cost = torch.nn.functional.binary_cross_entropy_with_logits(Z2, inputs["Y"], reduction="sum")
        cost /= 4
        return cost, {"Z1": Z1, "A1": A1, "Z2": Z2}

    assert compare(reference, by_hand, network()).verdict == "agrees"


def test_reference_may_be_a_module():
    class Net(torch.nn.Module):
        def forward(self, inputs):
            return torch_reference()(inputs)

    assert compare(Net(), by_hand, network()).verdict == "agrees"


def test_the_two_numbers_of_a_worst_entry_are_seen_to_differ():
    assert told_apart(0.25, 0.5) == ("0.25", "0.5")
    assert told_apart(0.22, 0.22000000123) == ("0.22", "0.220000001")
    assert told_apart(0.0, 0.0) == ("0", "0")
