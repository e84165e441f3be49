"""What the words of the command line may be: standard library alone. Each raises ArgumentTypeError, in a sentence."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable

__all__ = ["named", "number", "whole"]


def named(kind: str) -> Callable[[str], str]:
    """The name of a "file" or a "folder"."""

    def name(text: str) -> str:
        if not text or "\0" in text:
            raise ArgumentTypeError(f"should be the name of a {kind}")
        return text

    return name


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number in a range, both ends included."""

    def number_in_range(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            found = least - 1
        if not least <= found <= most:
            raise ArgumentTypeError(f"{text or repr(text)} is no whole number from {least} to {most:,}")
        return found

    return number_in_range


def number(text: str) -> float:
    """Any number; NaN for what is none, so that no comparison holds."""
    try:
        return float(text)
    except ValueError:
        return math.nan
