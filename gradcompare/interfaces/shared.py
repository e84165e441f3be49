"""What a class has once for all of its objects."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def own_containers(made: Any) -> Iterator[Callable[[Any], None]]:
    """Dicts and lists that a class has for all of its objects, `params = {}`, become the object's own: what is called
    with it in here takes a copy, and afterwards those of the class are what they were."""
    bases = made.__mro__[::-1] if inspect.isclass(made) else ()
    held = {n: v for c in bases for n, v in vars(c).items() if type(v) in (dict, list) and n[:2] != "__"}
    before = {name: copy.copy(value) for name, value in held.items()}

    def take(root: Any) -> None:
        for name in held:
            if getattr(root, name, None) is held[name]:
                setattr(root, name, copy.deepcopy(held[name]))

    try:
        yield take
    finally:
        for name, value in held.items():
            value.clear()
            value.update(before[name]) if isinstance(value, dict) else value.extend(before[name])
