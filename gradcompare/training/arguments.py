"""The arguments of `gradcompare train`: standard library alone."""

from __future__ import annotations

import argparse
import math
from typing import Any

from gradcompare.commands.argument_types import named, number, whole

__all__ = ["DATA", "HIDDEN", "add_train"]

DATA = ("flower", "moons", "circles", "curve", "breast-cancer")
"""The keys of `gradcompare.training.datasets.DATASETS`, for which NumPy would have to be loaded."""
HIDDEN = ("sigmoid", "tanh", "relu", "leaky_relu")
"""`gradcompare.training.activations.HIDDEN`, for which the same holds."""

ABOUT = """\
Train the network by hand and the same network in PyTorch from the same
parameters, and see how far apart they come: the two costs, the distance of
the parameters against what rounding explains, the step at which they part
and why, and what has been learned."""

MORE = """\
data:
  flower         the planar exercise: two classes in alternating petals
  moons          two half moons that reach into each other
  circles        a circle inside another
  curve          a noisy curve, for regression
  breast-cancer  569 tumours by 30 measurements (needs scikit-learn)

Pictures need matplotlib: pip install 'gradcompare[train]' brings both.

exit status:
  0 the gradients agree all the way, 1 they do not, 2 the question could not
  be put (usage, a missing package, a cost that overflows, undecided).

examples:
  gradcompare train --output figures
  gradcompare train --data moons --activation relu --learning-rate 20
  gradcompare train --dtype float32 --iterations 10000
  gradcompare train --compare-activations --hidden 8 --output figures"""


def add_train(commands: Any) -> None:
    """Add the command to the subparsers."""
    train = commands.add_parser(
        "train",
        help="train by hand and in PyTorch side by side; activations against one another",
        description=ABOUT,
        epilog=MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_network(train.add_argument_group("the network"))
    _add_schedule(train.add_argument_group("the training"))
    output = train.add_argument_group("what comes out")
    output.add_argument(
        "--output", metavar="DIR", type=named("folder"),
        help="write pictures as PNG and SVG, and the trained network for `gradcompare health`, into this folder",
    )  # fmt: skip
    output.add_argument(
        "--compare-activations", action="store_true",
        help="instead: sigmoid, tanh, relu and leaky_relu from the same starts, and a sweep over the size of the first "
        "weights",
    )  # fmt: skip
    output.add_argument(
        "--seeds", metavar="N", type=whole(1, 1000),
        help="how often, for the comparison, from --seed on (default: 5)",
    )  # fmt: skip


def _add_network(group: Any) -> None:
    group.add_argument("--data", choices=DATA, default="flower", help="what is learned (default: flower)")
    group.add_argument(
        "--hidden", metavar="N[,N...]", type=_widths, default=(4,), help="units of the hidden layers (default: 4)"
    )
    group.add_argument("--activation", choices=HIDDEN, default="tanh", help="of the hidden layers (default: tanh)")
    group.add_argument("--init", choices=("random", "zeros"), default="random", help="first weights (default: random)")
    group.add_argument(
        "--scale", metavar="X[,X...]", type=_scales, default=(0.01,),
        help="what normal random weights are multiplied by; one number, or one a layer (default: 0.01)",
    )  # fmt: skip


def _add_schedule(group: Any) -> None:
    group.add_argument("--learning-rate", metavar="X", type=_rate, help="(default: 1.2; curve, breast-cancer 0.1)")
    group.add_argument(
        "--iterations", metavar="N", type=whole(1, 1_000_000), default=3000, help="steps (default: 3000)"
    )
    group.add_argument("--dtype", choices=("float64", "float32"), default="float64", help="(default: float64)")
    group.add_argument(
        "--seed", metavar="N", type=whole(0, 2**32 - 1), default=0, help="of data and weights (default: 0)"
    )


def _widths(text: str) -> tuple[int, ...]:
    widths = tuple(map(whole(1, 10_000), text.split(",")))
    if len(widths) > 20:
        raise argparse.ArgumentTypeError(f"{len(widths)} hidden layers are more than 20")
    return widths


def _scales(text: str) -> tuple[float, ...]:
    scales = tuple(map(number, text.split(",")))
    if not all(0 <= scale < math.inf for scale in scales):
        raise argparse.ArgumentTypeError(f"{text} should be a number from 0 up, or one a layer with commas between")
    return scales


def _rate(text: str) -> float:
    rate = number(text)
    if not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no learning rate; it should be a number above 0")
    return rate
