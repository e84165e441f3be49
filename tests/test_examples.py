"""Every example: what is said of it, and where it first goes wrong."""

import pathlib
from typing import Any, NamedTuple

import pytest

import gradcompare
from gradcompare.loading import load

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


class Row(NamedTuple):
    """What a check should say."""

    interface: str | None
    verdict: str
    first: tuple[str, ...] = ()
    """The first faulty tensor, or any of several that stand for the same step."""


TABLE = {
    "adapter_keepdims_lost": Row("adapter", "wrong", ("db1",)),
    "adapter_right": Row("adapter", "agrees"),
    "backprop_lists_right": Row("backprop-lists", "agrees"),
    "backprop_lists_slope_at_activation": Row("backprop-lists", "wrong", ("db2", "dW2")),
    "class_returned_in_place": Row("class", "wrong", ("dw_o",)),
    "class_returned_right": Row("class", "agrees"),
    "class_stored_factor_two": Row("class", "scaled", ("dW2", "db2", "dout")),
    "class_stored_right": Row("class", "agrees"),
    "class_stored_wrong_axis": Row("class", "wrong", ("db1",)),
    "dict_cache_cost_half": Row("dict-cache", "wrong", ("dZ2", "db2", "dW2")),
    "dict_cache_lost_derivative": Row("dict-cache", "wrong", ("dZ1",)),
    "dict_cache_lost_mean": Row("dict-cache", "wrong", ("db2",)),
    "dict_cache_right": Row("dict-cache", "agrees"),
    "dict_cache_wrong_cache": Row("dict-cache", "wrong", ("dW2",)),
    "flat_vector_bias_regularised": Row("flat-vector", "wrong", ("dnn_params",)),
    "flat_vector_right": Row("flat-vector", "agrees"),
    "global_weights_other_slope": Row("global-weights", "wrong", ("dZ1",)),
    "global_weights_right": Row("global-weights", "agrees"),
    "gradient_method_derivative_of_activation": Row("gradient-method", "wrong", ("dW1", "db1", "da1")),
    "gradient_method_right": Row("gradient-method", "agrees"),
    "l_layer_mean_twice": Row("l-layer", "wrong", ("db3",)),
    "l_layer_older_keys_right": Row("l-layer", "agrees"),
    "l_layer_relu_backward_of_sigmoid": Row("l-layer", "wrong", ("dW2", "db2", "dZ2", "dZ")),
    "l_layer_right": Row("l-layer", "agrees"),
    "l_layer_sign_lost": Row("l-layer", "scaled", ("dAL", "dA3", "dW3", "db3")),
    "layers_network_right": Row("class", "agrees"),
    "layers_network_tanh_of_input": Row("class", "wrong", ("dW2", "db2")),
    "layers_stored_bias_of_one_sample": Row("layers", "wrong", ("db2",)),
    "layers_stored_right": Row("layers", "agrees"),
    "layers_update_right": Row("layers", "agrees"),
    "layers_update_updated_first": Row("layers", "wrong", ("db1", "dW1")),
    "logistic_mean_lost": Row("fused", "wrong", ("db",)),
    "logistic_right": Row("fused", "agrees"),
    "loss_method_mask_of_gradient": Row("loss-and-gradients", "wrong", ("dW1", "db1", "dhidden")),
    "loss_method_mean_lost": Row("loss-and-gradients", "wrong", ("dW2", "db2", "dscores")),
    "loss_method_regulariser_half": Row("loss-and-gradients", "wrong", ("dW2",)),
    "loss_method_right": Row("loss-and-gradients", "agrees"),
    "positional_derivative_at_activation": Row("positional", "wrong", ("dZ1",)),
    "positional_right": Row("positional", "agrees"),
    "positional_summed_over_units": Row("positional", "wrong", ("db2",)),
    "positional_wrong_variable": Row("positional", "wrong", ("dZ1",)),
    "script_inline": Row(None, "error"),
    "tuple_cache_mask_lost": Row("dict-cache", "wrong", ("dz1",)),
    "tuple_cache_right": Row("dict-cache", "agrees"),
    "tuple_cache_two_mistakes": Row("dict-cache", "wrong", ("dW3",)),
    "update_functions_right": Row("update-only", "agrees"),
    "update_functions_updated_first": Row("update-only", "wrong", ("dA1", "db1", "dW1", "dZ1")),
    "update_only_right": Row("update-only", "agrees"),
    "update_only_slope_lost": Row("update-only", "wrong", ("dwih",)),
}


def checked(source: Any) -> gradcompare.Report:
    """A file's report; its code is run here, which takes less time than a process of its own."""
    return gradcompare.check(load(source).names, examples=4)


def test_the_table_is_complete():
    assert sorted(TABLE) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", TABLE)
def test_verdict_and_first_fault(name: str):
    row = TABLE[name]
    report = checked(EXAMPLES / f"{name}.py")
    assert (report.subject["interface"], report.verdict) == (row.interface, row.verdict), str(report)
    if row.first:
        assert report.first_fault is not None
        assert report.first_fault.name.partition("#")[0] in row.first, str(report)


@pytest.mark.parametrize("name", TABLE)
def test_the_docstring_says_it(name: str):
    says = (EXAMPLES / f"{name}.py").read_text().split('"""')[1].lower()
    wanted = {"agrees": "right", "wrong": "wrong", "scaled": "scaled", "error": "not checked"}[TABLE[name].verdict]
    assert wanted in says


def test_a_file_in_a_process_of_its_own():
    report = gradcompare.check(EXAMPLES / "dict_cache_lost_mean.py", examples=4)
    assert report.verdict == "wrong"
    assert report.first_fault is not None
    assert report.first_fault.name == "db2"
