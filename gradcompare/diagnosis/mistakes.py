"""The table of known mistakes: a row each, by how often they are met.

A row tries formulas on the step's true inputs; the mistake is named where one gives the code's own numbers on every
network. The formulas are edits of the step's right one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gradcompare.diagnosis.formulas import (
    changed,
    constants,
    costs,
    digits,
    operands,
    products,
    regularisers,
    samples,
    slopes,
    sums,
)
from gradcompare.diagnosis.formulas.known import Formulas, Known


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
    Row("sign", "The sign of {name} is wrong.", constants.sign, needs_no_form=True),
    Row("factor", "{name} is {factor} times what it should be{hint}.", constants.factor, needs_no_form=True),
    Row("factor", "{name} is {factor} times what it should be{hint}.", constants.factor_beside_penalty),
    Row(
        "summed_over_units",
        "{gradient} is summed over the units as well as over the samples: np.sum needs an axis.",
        sums.instead("np.sum({g})", "np.sum({g}, keepdims=True)"),
        scalable=True,
    ),
    Row("summed_over_units", "The mean is taken over the units as well as over the samples.", sums.mean_of_all),
    Row(
        "wrong_axis",
        "{gradient} is summed over the wrong axis.",
        sums.instead("np.sum({g}, axis={other}, keepdims=True)", "np.sum({g}, axis={other})"),
        scalable=True,
    ),
    Row(
        "lost_keepdims",
        "The sum of {gradient} has lost an axis, or has one too many: keepdims decides.",
        sums.instead("np.sum({g}, axis={axis}, keepdims={lost})"),
        scalable=True,
    ),
    Row("not_summed", "{gradient} is not summed over the samples.", sums.instead("{g}"), scalable=True),
    Row(
        "lost_axis",
        "The numbers are right, but the shape is {shape} and should be {should}.",
        sums.shape_alone,
        needs_no_form=True,
    ),
    Row("broadcast", "{operand} has a shape that broadcasts: it acts as {operand}.reshape{shape}.", sums.broadcast),
    Row("slope_missing", "The derivative of {activation} is missing.", slopes.missing, scalable=True),
    Row("mask_missing", "The dropout mask{mask} is missing.", samples.mask_missing, scalable=True),
    Row(
        "wrong_activation",
        "The derivative of sigmoid stands where that of softmax belongs: every output depends on every z.",
        slopes.of_softmax,
        scalable=True,
    ),
    Row("wrong_steepness", "The derivative of {activation} is {how}.", slopes.steepness, scalable=True),
    Row("wrong_cost", "The derivative of the cost is {words}.", costs.other, scalable=True),
    Row("slope_twice", "The derivative of {activation} is there once too often.", slopes.twice, scalable=True),
    Row("term_missing", "A gradient comes by two ways, and one of them, {term}, is left out.", operands.way_missing),
    Row("wrong_variable", "In the formula of {name}, {what}.", operands.other, scalable=True),
    Row("label_missing", "{label} is not subtracted.", costs.label_missing, scalable=True),
    Row(
        "updated_before_read",
        "{parameter} had been updated (learning rate {rate}) before it was read: first all gradients, then the update.",
        changed.updated,
    ),
    Row("regulariser", "The regulariser is wrong in {name}: {how}.", regularisers.other),
    Row("derivative_elsewhere", "The derivative of {activation} {where}.", slopes.elsewhere, scalable=True),
    Row(
        "wrong_formula",
        "{wrong} stands where the derivative of {activation}, {right}, belongs.",
        slopes.miswritten,
        scalable=True,
    ),
    Row(
        "wrong_activation",
        "The derivative of {other} stands where that of {activation} belongs.",
        slopes.of_other_activation,
        scalable=True,
    ),
    Row("wrong_variable", "In the formula of {name}, {what}.", slopes.of_other_tensor, scalable=True),
    Row(
        "elementwise", "An elementwise product stands where the matrix product {product} belongs.", products.elementwise
    ),
    Row(
        "matrix_product",
        "A matrix product stands where an elementwise one, with {slope}, belongs.",
        products.matrix_product,
    ),
    Row("transposed", "{name} is transposed.", products.transposed, needs_no_form=True),
    Row("wrong_variable", "In the formula of {name}, {what}.", operands.order, scalable=True),
    Row("wrong_variable", "In the formula of {name}, {what}.", operands.product, scalable=True),
    Row("wrong_variable", "{name} is wrong: {what}.", operands.tensor_itself, scalable=True),
    Row("reshaped", "A reshape stands where a transpose belongs ({operand}).", products.reshaped),
    Row("sample_left_out", "The {which} sample is left out.", samples.left_out),
    Row("one_sample", "Only the {which} sample is used.", samples.only_one, scalable=True),
    Row("overwritten", "{now} stands where {array} belongs: {array} was perhaps overwritten.", changed.overwritten),
    Row("epsilon", "{epsilon} is added, or clipped at, in a division.", costs.epsilon),
    Row("float32", "{what} passes through float32, which keeps 7 digits.", digits.single_precision),
    Row("whole_numbers", "{name} is cut off to whole numbers.", digits.whole_numbers, needs_no_form=True),
)
"""By rank; of several that fit, the first is named."""
