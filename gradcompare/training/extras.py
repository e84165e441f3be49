"""Packages that only pictures and some data need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["MissingExtraError", "needed"]

NAMES = {"matplotlib": "matplotlib", "sklearn": "scikit-learn"}


class MissingExtraError(Exception):
    """A package is not installed; the message says how to install it."""


def needed(module: str) -> Any:
    """Import a module of an optional package; MissingExtraError, in words, where that is not installed."""
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name is None or problem.name.partition(".")[0] != package:
            raise
        raise MissingExtraError(
            f"{NAMES[package]} is not installed; it comes with: pip install 'gradcompare[train]', from a checkout "
            "pip install -c constraints.txt -e '.[train]'."
        ) from None
