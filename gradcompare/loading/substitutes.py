"""Modules that are made up: what of them code of a gradient uses, without the rest."""

from __future__ import annotations

import argparse
import builtins
import functools
import itertools
import pickle
import types
from collections.abc import Iterable
from typing import Any

from gradcompare.loading.absent import Inert, module_with
from gradcompare.loading.estimators import ESTIMATORS
from gradcompare.tracing import stood_in


def progress_bar(iterable: Iterable[Any] = (), *_: Any, **__: Any) -> Iterable[Any]:
    """tqdm, without the bar."""
    return iterable


def both_pythons() -> types.ModuleType:
    module = types.ModuleType("builtins")
    vars(module).update(vars(builtins), xrange=range, reduce=functools.reduce, unicode=str, long=int, basestring=str)
    vars(module).update(raw_input=input, zip_longest=itertools.zip_longest, cPickle=pickle, __all__=["range", "xrange"])
    return module


def tqdm() -> types.ModuleType:
    module = types.ModuleType("tqdm")
    vars(module).update(tqdm=progress_bar, trange=range, tqdm_notebook=progress_bar, notebook=module, auto=module)
    return module


class ProgressBar:
    """progressbar's, without the bar."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, iterable: Iterable[Any]) -> Iterable[Any]:
        return iterable

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self


ProgressBar.__module__ = "argparse"


def progressbar() -> types.ModuleType:
    module = types.ModuleType("progressbar")
    absent = Inert("progressbar", "bars are not drawn")
    vars(module).update(
        ProgressBar=ProgressBar, progressbar=progress_bar, __getattr__=lambda name: getattr(absent, name)
    )
    return module


class DefaultArguments(argparse.ArgumentParser):
    """A parser to which nothing was given on the command line: every argument has its default."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """(Namespace of defaults, [])."""
        found = namespace or argparse.Namespace()
        for action in self._actions:
            if action.dest != argparse.SUPPRESS and action.default is not argparse.SUPPRESS:
                is_text = isinstance(action.default, str) and callable(action.type)
                setattr(found, action.dest, action.type(action.default) if is_text else action.default)  # type: ignore
        return found, []

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The defaults."""
        return self.parse_known_args(args, namespace)[0]


DefaultArguments.__module__ = "argparse"


def arguments() -> types.ModuleType:
    """argparse, which never looks at the command line and never exits."""
    module = types.ModuleType("argparse")
    vars(module).update(vars(argparse), ArgumentParser=DefaultArguments)
    return module


_special = module_with("scipy.special", stood_in.SCIPY_SPECIAL)
_signal = module_with("scipy.signal", stood_in.SCIPY_SIGNAL)
SCIPY = {
    "scipy.special": _special,
    "scipy.signal": _signal,
    "scipy": module_with("scipy", {"special": _special, "signal": _signal}),
}
"""These need not be installed."""


SUBSTITUTES = {
    **SCIPY,
    **ESTIMATORS,
    "sklearn.utils.extmath": module_with("sklearn.utils.extmath", stood_in.SKLEARN_EXTMATH),
    "argparse": arguments(),
    **dict.fromkeys(("progressbar", "progressbar2"), progressbar()),
    **dict.fromkeys(("six.moves", "past.builtins", "builtins", "future.builtins", "__builtin__"), both_pythons()),
    **dict.fromkeys(("tqdm", "tqdm.notebook", "tqdm.auto", "tqdm.autonotebook"), tqdm()),
}
"""By name; none of them need be installed. (Files that run on Python 2 and 3 get their names from the second row.)"""
