"""The reference itself: what it accepts, what it returns, and the way to PyTorch's own modules and back."""

import inspect

import numpy as np
import pytest
import torch
from hypothesis import given

import torch_ref
import torch_ref.activations
import torch_ref.network
from tests.oracles import assert_agree, by_hand
from tests.strategies import Case, cases

PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def as_tensors(case, requires_grad=False):
    def lift(array):
        return torch.tensor(array, requires_grad=requires_grad)

    parameters = {name: lift(array) for name, array in case.parameters.items()}
    return Case(parameters, lift(case.X), torch.tensor(case.Y), case.activations, case.loss)


@pytest.mark.parametrize("requires_grad", [False, True])
@given(case=cases())
def test_tensors_give_tensors_with_the_numbers_of_arrays(requires_grad, case):
    tensors = as_tensors(case, requires_grad)
    results = torch_ref.gradients(*tensors.arguments)
    for name, array in torch_ref.gradients(*case.arguments).items():
        assert isinstance(results[name], torch.Tensor)
        np.testing.assert_array_equal(results[name].detach().numpy(), array)
    assert all(tensor.requires_grad is requires_grad for tensor in tensors.parameters.values())
    assert all(tensor.grad is None for tensor in tensors.parameters.values())


class Followed(torch.Tensor):
    """A subclass: what comes of it is of it too, unless something on the way converts, detaches to NumPy or copies."""


@given(case=cases())
def test_subclasses_of_tensor_are_carried_through(case):
    parameters = {name: torch.tensor(array).as_subclass(Followed) for name, array in case.parameters.items()}
    X, Y = torch.tensor(case.X).as_subclass(Followed), torch.tensor(case.Y)
    J, values = torch_ref.cost_and_values(parameters, X, Y, case.activations, case.loss)
    results = torch_ref.gradients(parameters, X, Y, case.activations, case.loss)
    assert all(type(tensor) is Followed for tensor in (J, *values.values(), *results.values()))


@given(case=cases())
def test_cost_and_values_are_in_one_graph(case):
    """gradcompare differentiates J by any of the values: dJ/dT is dT / m."""
    tensors = as_tensors(case, requires_grad=True)
    J, values = torch_ref.cost_and_values(*tensors.arguments)
    m, results = case.X.shape[1], torch_ref.gradients(*case.arguments)
    names = [name for name in values if f"d{name}" in results]
    derivatives = torch.autograd.grad(J, [values[name] for name in names])
    mine = by_hand(case)
    found = {f"d{name}": d.numpy() * m for name, d in zip(names, derivatives, strict=True)}
    assert_agree(case, mine, mine | found | {"J": J.detach().numpy()})
    assert len({id(tensor) for tensor in values.values()}) == len(values)  # a hook on Z1 is none on A1


@PRECISIONS
def test_dtypes_stay_what_they_are(dtype):
    case = Case(
        {"W1": np.ones((1, 2)), "b1": np.ones((1, 1))}, np.ones((2, 3)), np.ones((1, 3)), ("relu",), "squared_error"
    )
    for at_zero in ("torch", "notes"):
        results = torch_ref.gradients(*case.at(dtype).arguments, at_zero=at_zero)
        assert {array.dtype for array in results.values()} == {np.dtype(dtype)}


@given(case=cases())
def test_read_only_arrays_are_accepted_and_not_shared(case):
    for array in (*case.parameters.values(), case.X, case.Y):
        array.flags.writeable = False
    results = torch_ref.gradients(*case.arguments)
    arrays = [*results.values(), *case.parameters.values(), case.X, case.Y]
    for index, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[index + 1 :])


@pytest.mark.parametrize("device", DEVICES)
@given(case=cases())
def test_device_is_where_arrays_go(device, case):
    values = torch_ref.forward(case.parameters, case.X, case.activations, device=device)
    assert {tensor.device.type for tensor in values.values()} == {device}
    assert_agree(case, by_hand(case), _by_device(case, device))


def _by_device(case, device):
    values = torch_ref.forward(case.parameters, case.X, case.activations, device=device)
    gradients = torch_ref.gradients(*case.arguments, device=device)
    return {name: tensor.numpy(force=True) for name, tensor in values.items()} | gradients


def test_no_derivative_is_written_by_hand():
    """What would be one: an autograd function or a hook of our own, or a slope in the text."""
    source = inspect.getsource(torch_ref.network) + inspect.getsource(torch_ref.activations)
    assert not any(word in source for word in ("autograd.Function", "register_hook", ".backward(", "slope("))


@given(case=cases())
def test_module_and_sequential_predict_what_forward_does(case):
    X = torch.tensor(case.X)
    A = torch_ref.forward(case.parameters, X, case.activations)[f"A{len(case.activations)}"]
    module = torch_ref.ShallowNetwork(case.parameters, case.activations)
    sequential = torch_ref.to_sequential(case.parameters, case.activations)
    torch.testing.assert_close(module(X), A, rtol=0, atol=0)
    torch.testing.assert_close(sequential(X.T).T, A, rtol=1e-12, atol=1e-12)


@given(case=cases())
def test_module_trains_on_the_gradients_of_the_contract(case):
    """Its parameters bear the contract's names, and loss.backward() fills the contract's gradients."""
    module = torch_ref.ShallowNetwork(case.parameters, case.activations)
    J, _ = torch_ref.cost_and_values(
        dict(module.named_parameters()), torch.tensor(case.X), torch.tensor(case.Y), *case.arguments[3:]
    )
    J.backward()
    mine = by_hand(case)
    assert_agree(case, mine, mine | {f"d{name}": W.grad.numpy() for name, W in module.named_parameters()})
    assert list(module.state_dict()) == list(case.parameters)


@PRECISIONS
@given(case=cases())
def test_parameters_go_to_a_sequential_and_back(dtype, case):
    case = case.at(dtype)
    sequential = torch_ref.to_sequential(case.parameters, case.activations)
    for back in (
        torch_ref.from_sequential(sequential),
        torch_ref.from_state_dict(sequential.state_dict()),
        torch_ref.from_state_dict(torch_ref.to_state_dict(case.parameters)),
    ):
        assert list(back) == list(case.parameters)
        for name, array in back.items():
            assert array.dtype == dtype
            np.testing.assert_array_equal(array, case.parameters[name])
            assert not np.shares_memory(array, case.parameters[name])


def test_a_state_dict_shares_nothing_with_the_tensors_it_came_from():
    parameters = {"W1": torch.ones(2, 3), "b1": torch.ones(2, 1)}
    state = torch_ref.to_state_dict(parameters)
    for tensor in parameters.values():
        tensor += 1
    assert all(torch.all(tensor == 1) for tensor in state.values())


def test_a_sequential_of_ones_own_is_understood():
    """Linears in any place, and nothing shared with the module: training it further changes no array."""
    own = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
    parameters = torch_ref.from_sequential(own)
    assert {name: array.shape for name, array in parameters.items()} == {
        "W1": (2, 3), "b1": (2, 1), "W2": (1, 2), "b2": (1, 1)
    }  # fmt: skip
    before = parameters["W1"].copy()
    with torch.no_grad():
        own[1].weight += 1
    np.testing.assert_array_equal(parameters["W1"], before)


ONE_LAYER = {"W1": np.ones((2, 3)), "b1": np.ones((2, 1))}
MISTAKES = {
    "at_zero": ({"at_zero": "left"}, "'left' is no at_zero known here; these are: 'torch', 'notes'"),
    "activation": ({"activations": ("swish",)}, "'swish' is no activation known here; these are: 'sigmoid'"),
    "too many names": (
        {"activations": ("tanh", "sigmoid")},
        r"it should have one name for each W and b of \['W1', 'b1'\]",
    ),
    "a string": ({"activations": "tanh"}, "activations is 'tanh'; it should have one name for each"),
    "pair": ({"activations": ("tanh",)}, r"\('cross_entropy', 'tanh'\) is no pair of loss and output known here"),
    "bias": ({"parameters": ONE_LAYER | {"b1": np.ones(2)}}, r"b1 has shape \(2,\); it should be \(2, 1\)"),
    "labels": ({"Y": np.ones((1, 5))}, r"Y has shape \(1, 5\); it should be \(2, 5\)"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_would_be_broadcast_or_guessed_is_refused(mistake):
    changes, message = MISTAKES[mistake]
    arguments = {"parameters": ONE_LAYER, "X": np.ones((3, 5)), "Y": np.ones((2, 5)), "activations": ("sigmoid",)}
    with pytest.raises(ValueError, match=message):
        torch_ref.gradients(**arguments | changes)
