"""The table of known mistakes: a row each, by how often they are met.

A row tries formulas on the step's true inputs; the mistake is named where one gives the code's own numbers on every
network. The formulas are edits of the step's right one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gradcompare.diagnosis import formulas
from gradcompare.diagnosis.formulas import Formulas, Known


class Row(NamedTuple):
    """A mistake."""

    mistake: str
    says: str
    formulas: Callable[[Known], Formulas]
    scalable: bool = False
    """Whether it is looked for with a constant factor besides."""
    needs_no_form: bool = False
    """Whether it is looked for where the right formula was not found."""


TABLE = (
    Row("sign", "The sign of {name} is wrong.", formulas.sign, needs_no_form=True),
    Row("factor", "{name} is {factor} times what it should be{hint}.", formulas.factor, needs_no_form=True),
    Row("factor", "{name} is {factor} times what it should be{hint}.", formulas.factor_beside_penalty),
    Row(
        "summed_over_units",
        "{gradient} is summed over the units as well as over the samples: np.sum needs an axis.",
        formulas.sums("np.sum({g})", "np.sum({g}, keepdims=True)"),
        scalable=True,
    ),
    Row("summed_over_units", "The mean is taken over the units as well as over the samples.", formulas.mean_of_all),
    Row(
        "wrong_axis",
        "{gradient} is summed over the wrong axis.",
        formulas.sums("np.sum({g}, axis={other}, keepdims=True)", "np.sum({g}, axis={other})"),
        scalable=True,
    ),
    Row(
        "lost_keepdims",
        "The sum of {gradient} has lost an axis, or has one too many: keepdims decides.",
        formulas.sums("np.sum({g}, axis={axis}, keepdims={lost})"),
        scalable=True,
    ),
    Row("not_summed", "{gradient} is not summed over the samples.", formulas.sums("{g}"), scalable=True),
    Row(
        "lost_axis",
        "The numbers are right, but the shape is {shape} and should be {should}.",
        formulas.shape_alone,
        needs_no_form=True,
    ),
    Row("broadcast", "{operand} has a shape that broadcasts: it acts as {operand}.reshape{shape}.", formulas.broadcast),
    Row("slope_missing", "The derivative of {activation} is missing.", formulas.no_slope, scalable=True),
    Row("wrong_steepness", "The derivative of {activation} is {how}.", formulas.other_steepness, scalable=True),
    Row("wrong_cost", "The derivative of the cost is {words}.", formulas.other_cost, scalable=True),
    Row(
        "slope_twice", "The derivative of {activation} is there once too often.", formulas.one_slope_more, scalable=True
    ),
    Row("wrong_variable", "In the formula of {name}, {what}.", formulas.other_operand, scalable=True),
    Row("label_missing", "{label} is not subtracted.", formulas.no_label, scalable=True),
    Row(
        "updated_before_read",
        "{parameter} had been updated (learning rate {rate}) before it was read: first all gradients, then the update.",
        formulas.updated,
    ),
    Row("regulariser", "The regulariser is wrong in {name}: {how}.", formulas.regulariser),
    Row("derivative_elsewhere", "The derivative of {activation} {where}.", formulas.slope_elsewhere, scalable=True),
    Row(
        "wrong_formula",
        "{wrong} stands where the derivative of {activation}, {right}, belongs.",
        formulas.wrong_formula,
        scalable=True,
    ),
    Row(
        "wrong_activation",
        "The derivative of {other} stands where that of {activation} belongs.",
        formulas.other_slope,
        scalable=True,
    ),
    Row("wrong_variable", "In the formula of {name}, {what}.", formulas.slope_of_other_tensor, scalable=True),
    Row(
        "elementwise", "An elementwise product stands where the matrix product {product} belongs.", formulas.elementwise
    ),
    Row(
        "matrix_product",
        "A matrix product stands where an elementwise one, with {slope}, belongs.",
        formulas.matrix_product,
    ),
    Row("transposed", "{name} is transposed.", formulas.transposed, needs_no_form=True),
    Row("wrong_variable", "In the formula of {name}, {what}.", formulas.other_order, scalable=True),
    Row("wrong_variable", "In the formula of {name}, {what}.", formulas.other_product, scalable=True),
    Row("wrong_variable", "{name} is wrong: {what}.", formulas.other_tensor, scalable=True),
    Row("reshaped", "A reshape stands where a transpose belongs ({operand}).", formulas.reshaped),
    Row("sample_left_out", "The {which} sample is left out.", formulas.sample_left_out),
    Row("one_sample", "Only the {which} sample is used.", formulas.one_sample, scalable=True),
    Row("mask_missing", "The dropout mask {mask} is missing.", formulas.no_mask, scalable=True),
    Row("overwritten", "{now} stands where {array} belongs: {array} was perhaps overwritten.", formulas.overwritten),
    Row("epsilon", "{epsilon} is added, or clipped at, in a division.", formulas.epsilon),
    Row("float32", "{what} passes through float32, which keeps 7 digits.", formulas.single_operand),
    Row("whole_numbers", "{name} is cut off to whole numbers.", formulas.whole_numbers, needs_no_form=True),
)
"""By rank; of several that fit, the first is named."""
