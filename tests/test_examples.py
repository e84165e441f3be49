"""Every example: what is said of it, and where it first goes wrong."""

import pathlib
import re
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

import gradcompare
from gradcompare.loading import load

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


class Row(NamedTuple):
    """What a check should say."""

    interface: str | None
    verdict: str
    first: str | None = None
    """The first faulty tensor."""
    line: int | None = None
    """The line that makes it."""
    mistake: str | None = None
    """Its name in the table of mistakes."""


TABLE = {
    "adapter_keepdims_lost": Row("adapter", "wrong", "db1", 17, "lost_keepdims"),
    "adapter_right": Row("adapter", "agrees"),
    "backprop_lists_not_added_up": Row("backprop-lists", "wrong", "db3", 42, None),
    "backprop_lists_right": Row("backprop-lists", "agrees"),
    "backprop_lists_slope_at_activation": Row("backprop-lists", "wrong", "delta", 56, "derivative_elsewhere"),
    "class_ascent_right": Row("class", "agrees"),
    "class_ascent_subtracted": Row("class", "scaled", "dV", 23, "sign"),
    "class_returned_in_place": Row("class", "wrong", "dw_o", 34, "overwritten"),
    "class_returned_right": Row("class", "agrees"),
    "class_stored_factor_two": Row("class", "scaled", "dout", 25, "factor 1/2"),
    "class_stored_right": Row("class", "agrees"),
    "class_stored_wrong_axis": Row("class", "wrong", "db1", 31, "wrong_axis"),
    "dict_cache_cost_half": Row("dict-cache", "wrong", "dZ2", 40, "wrong cost"),
    "dict_cache_from_zero_right": Row("dict-cache", "agrees"),
    "dict_cache_guarded_log_right": Row("dict-cache", "agrees"),
    "dict_cache_label_missing": Row("dict-cache", "wrong", "dZ2", 20, "label_missing"),
    "dict_cache_lost_derivative": Row("dict-cache", "wrong", "dZ1", 37, "slope_missing"),
    "dict_cache_lost_mean": Row("dict-cache", "wrong", "db2", 42, "factor m"),
    "dict_cache_right": Row("dict-cache", "agrees"),
    "dict_cache_wrong_cache": Row("dict-cache", "wrong", "dW2", 41, "wrong_variable"),
    "dropout_mask_missing": Row("dict-cache", "wrong", "dA1", 28, "mask_missing"),
    "dropout_right": Row("dict-cache", "agrees"),
    "fit_makes_weights_right": Row("update-only", "agrees"),
    "fit_makes_weights_sample_left_out": Row("update-only", "wrong", "dw_hidden_", 30, "sample_left_out"),
    "flat_vector_bias_regularised": Row("flat-vector", "wrong", "dTheta2", 31, "regulariser"),
    "flat_vector_right": Row("flat-vector", "agrees"),
    "function_layers_mean_lost": Row("function-layers", "wrong", "dshifted", 51, "factor 4"),
    "function_layers_right": Row("function-layers", "agrees"),
    "function_layers_variance_constant": Row("function-layers", "wrong", "dx_batchnorm", 42, "unknown"),
    "global_weights_other_slope": Row("global-weights", "wrong", "dZ1", 24, "wrong_steepness"),
    "global_weights_right": Row("global-weights", "agrees"),
    "gradient_method_derivative_of_activation": Row("gradient-method", "wrong", "da1", 68, "derivative_elsewhere"),
    "gradient_method_right": Row("gradient-method", "agrees"),
    "l_layer_mean_twice": Row("l-layer", "wrong", "db3", 75, "factor 1/m"),
    "l_layer_older_keys_right": Row("l-layer", "agrees"),
    "l_layer_relu_backward_of_sigmoid": Row("l-layer", "wrong", "dZ2", 83, "wrong_activation"),
    "l_layer_right": Row("l-layer", "agrees"),
    "l_layer_sign_lost": Row("l-layer", "scaled", "dAL", 91, "sign"),
    "layers_model_softmax_diagonal": Row("class", "wrong", "doutput", 39, "wrong_activation"),
    "layers_network_right": Row("class", "agrees"),
    "layers_network_tanh_of_input": Row("class", "wrong", "dy", 33, "derivative_elsewhere"),
    "layers_stored_bias_of_one_sample": Row("layers", "wrong", "db2", 17, "one_sample"),
    "layers_stored_right": Row("layers", "agrees"),
    "layers_update_right": Row("layers", "agrees"),
    "layers_update_updated_first": Row("layers", "wrong", "doutput", 20, "updated_before_read"),
    "logistic_mean_lost": Row("fused", "wrong", "db", 19, "factor m"),
    "logistic_right": Row("fused", "agrees"),
    "loss_method_mask_of_gradient": Row("loss-and-gradients", "wrong", "dhidden", 37, "wrong_variable"),
    "loss_method_mean_lost": Row("loss-and-gradients", "wrong", "dscores", 32, "factor m"),
    "loss_method_regulariser_half": Row("loss-and-gradients", "wrong", "dW2", 34, "regulariser"),
    "loss_method_right": Row("loss-and-gradients", "agrees"),
    "not_recognised": Row(None, "error"),
    "policy_mask_of_gradient": Row("policy", "wrong", "dW1_policy", 24, "unknown"),
    "policy_right": Row("policy", "agrees"),
    "positional_derivative_at_activation": Row("positional", "wrong", "dZ1", 44, "wrong_formula"),
    "positional_right": Row("positional", "agrees"),
    "positional_summed_over_units": Row("positional", "wrong", "db2", 43, "summed_over_units"),
    "positional_wrong_variable": Row("positional", "wrong", "dZ1", 44, "wrong_variable"),
    "residual_skip_missing": Row("class", "wrong", "dh0", 40, "term_missing"),
    "script_optimiser_right": Row("script", "agrees"),
    "script_optimiser_slope_lost": Row("script", "wrong", "dtheta_", 31, "unknown"),
    "script_outer_turned": Row("script", "wrong", "don", 28, "transposed"),
    "script_right": Row("script", "agrees"),
    "training_loop_bias_summed_over_units": Row("training-loop", "wrong", "db1", 23, "summed_over_units"),
    "training_loop_right": Row("training-loop", "agrees"),
    "training_loop_slope_lost": Row("training-loop", "wrong", "d_hidden", 24, "slope_missing"),
    "tuple_cache_mask_lost": Row("dict-cache", "wrong", "dz1", 51, "slope_missing"),
    "tuple_cache_right": Row("dict-cache", "agrees"),
    "tuple_cache_two_mistakes": Row("dict-cache", "wrong", "dW3", 44, "wrong_variable"),
    "update_functions_right": Row("update-only", "agrees"),
    "update_functions_updated_first": Row("update-only", "wrong", "dA1", 20, "updated_before_read"),
    "update_only_right": Row("update-only", "agrees"),
    "update_only_slope_lost": Row("update-only", "wrong", "hidden_errors", 20, "slope_missing"),
}


def checked(source: Any) -> gradcompare.Report:
    """A file's report; its code is run here, which takes less time than a process of its own."""
    return gradcompare.check(load(source).names, examples=4)


def test_the_table_is_complete():
    assert len({row.mistake for row in TABLE.values() if row.mistake}) >= 20
    assert sorted(TABLE) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", TABLE)
def test_verdict_first_fault_its_line_and_the_mistake(name: str):
    row = TABLE[name]
    report = checked(EXAMPLES / f"{name}.py")
    fault = report.first_fault
    found = (None, None) if fault is None else (fault.name.partition("#")[0], fault.line)
    mistake = report.diagnosis[0]["mistake"] if report.diagnosis else None
    said = Row(report.subject["interface"], report.verdict, *found, mistake)
    assert said == row, str(report)


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


def test_the_autograder_of_the_readme():
    text = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    source = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def grade" in block)
    assert len(source.strip().splitlines()) <= 10
    names: dict[str, Any] = {}
    exec(source, names)
    names["gradcompare"] = SimpleNamespace(check=checked)  # the same in this process, on fewer networks
    assert names["grade"](EXAMPLES / "dict_cache_right.py") == 10
    assert names["grade"](EXAMPLES / "dict_cache_lost_derivative.py") == 8.3  # one of six, two inherit
    assert names["grade"](EXAMPLES / "not_recognised.py") == 0
