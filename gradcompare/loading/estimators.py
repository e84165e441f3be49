"""What code in scikit-learn's manner asks it about its data, which is in order here: none of it changes a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcompare.loading.absent import module_with


def same(X: Any, *_: Any, **__: Any) -> Any:
    """check_array(X)."""
    return X


def both(X: Any, y: Any = None, *_: Any, **__: Any) -> Any:
    """check_X_y(X, y)."""
    return X, column(y)


def column(y: Any, *_: Any, **__: Any) -> Any:
    """column_or_1d(y)."""
    return y[:, 0] if np.ndim(y) == 2 and np.shape(y)[1] == 1 else y


def validated(_: Any, X: Any = None, y: Any = None, **__: Any) -> Any:
    """validate_data(estimator, X, y)."""
    return X if y is None else (X, y)


def nothing(*_: Any, **__: Any) -> None:
    """check_is_fitted(estimator)."""


def shuffled(*arrays: Any, **__: Any) -> Any:
    """shuffle(X, y), which leaves them in their order."""
    return arrays[0] if len(arrays) == 1 else list(arrays)


def generator(seed: Any = None) -> Any:
    """check_random_state(seed)."""
    return seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)


def labels(*ys: Any) -> Any:
    """unique_labels(y)."""
    return np.unique(np.concatenate([np.ravel(y) for y in ys]))


_ASKED: dict[str, dict[str, Callable[..., Any]]] = {
    "sklearn.utils": {
        "check_X_y": both,
        "check_array": same,
        "check_random_state": generator,
        "column_or_1d": column,
        "shuffle": shuffled,
    },
    "sklearn.utils.validation": {
        "check_X_y": both,
        "check_array": same,
        "check_is_fitted": nothing,
        "check_random_state": generator,
        "column_or_1d": column,
        "has_fit_parameter": nothing,
        "validate_data": validated,
    },
    "sklearn.utils.multiclass": {"check_classification_targets": nothing, "unique_labels": labels},
}


ESTIMATORS = {name: module_with(name, own) for name, own in _ASKED.items()}
"""These need not be installed."""
