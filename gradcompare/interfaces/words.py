"""What people call things: the role of a function or an argument, from its name.

Names are compared in lower case and without underscores, so that `forward_prop`, `forwardProp` and `Forward_Prop` are
one. Each role is a pattern; the misspellings are those that were met.
"""

from __future__ import annotations

import re

FUNCTIONS = {
    "forward": re.compile(r"^(model|nn|net|network|full|two_?layer)?(forward|for?w?ard|feedforward|fprop|fp$|fwd)"),
    "backward": re.compile(
        r"^(model|nn|net|network|full|two_?layer)?(back|bprop|bp$|bwd|computegrad|calcgrad|gradients?$|grads?$)"
    ),
    "cost": re.compile(
        r"^(compute|calc|calculate|get|eval)?(the)?(total|mean)?(cost|loss|crossentropy|binarycrossentropy|bce|mse|j$)"
    ),
}

ARGUMENTS = {
    "parameters": re.compile(r"^(model)?(param(eter)?s?|params?dict|theta|weights|wb|model|network|net|nn)$"),
    "cache": re.compile(
        r"^(forward|fwd|linear)?(caches?|memory|cached?values|activations|intermediates?|states?|fwdout|outputs?s)$"
    ),
    "inputs": re.compile(
        r"^(x|xs|a0|inputs?|data|features|xtrain|trainx|xbatch|batchx|xin|images?|samples?|inputdata)$"
    ),
    "targets": re.compile(
        r"^(y|ys|t|ytrain|trainy|ybatch|labels?|targets?|ytrue|truey|yactual|actual|onehoty|yonehot|yhot|groundtruth|truth|d)$"
    ),
    "output": re.compile(r"^(a(l|2|3|4|out|last)|yhat|hy|yp|ypred|preds?|predictions?|probs?|out(put)?|h|p|scores)$"),
    "samples": re.compile(r"^(m|n|nsamples|numsamples|batchsize|nexamples)$"),
    "learning_rate": re.compile(r"^(lr|learningrate|alpha|eta|stepsize)$"),
    "regularisation": re.compile(r"^(lambda?|lambd|lmbda|lam|reg|l2|decay|weightdecay|regstrength)$"),
}

WEIGHT = re.compile(r"^(?:w|theta|weights?)_?(\d+)$", re.IGNORECASE)
BIAS = re.compile(r"^(?:b|bias|biases)_?(\d+)$", re.IGNORECASE)


def plain(name: str) -> str:
    """The name in lower case, without underscores."""
    return name.replace("_", "").lower()


def role_of_function(name: str) -> str | None:
    """ "forward", "backward" or "cost", if the name says so."""
    word = plain(name)
    return next((role for role, pattern in FUNCTIONS.items() if pattern.match(word)), None)


def role_of_argument(name: str) -> str | None:
    """A key of ARGUMENTS, if the name says so; parameters by their own names have none."""
    word = plain(name)
    return next((role for role, pattern in ARGUMENTS.items() if pattern.match(word)), None)


def parameter_pairs(names: list[str]) -> list[tuple[str, str]]:
    """[(weight, bias), ...] by layer, of names such as W1, b1; empty unless every layer from 1 has both."""
    weights = {int(found[1]): name for name in names if (found := WEIGHT.match(name))}
    biases = {int(found[1]): name for name in names if (found := BIAS.match(name))}
    if not weights or set(weights) != set(biases) or set(weights) != set(range(1, len(weights) + 1)):
        return []
    return [(weights[layer], biases[layer]) for layer in sorted(weights)]
