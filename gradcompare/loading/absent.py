"""What a name is bound to when what it should be is not there: harmless until it is used."""

from __future__ import annotations

import dis
import importlib
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn


class AbsentError(ImportError):
    """The code under test used something that could not be, or was not, loaded; the message says what and why."""


_CLASS = re.compile(r"(^|\.)[A-Z]\w*[a-z]\w*$")
"""How a class is called, by its full name."""


class Absent:
    """A module, function or value that is not there. Any use of it raises AbsentError; its attributes are absent too,
    and so are the objects of a class.

    Where the real thing is installed and only put off (`real` is given), a call imports it and goes through.
    """

    def __init__(self, name: str, why: str, real: Callable[[], Any] | None = None) -> None:
        self._name, self._why, self._real = name, why, real

    def full_name(self) -> str:
        """Its full name."""
        return self._name

    def why_not(self) -> str | None:
        """Why it is not there; None where the real thing is only put off."""
        return self._why if self._real is None else None

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        real = self._real
        return type(self)(
            f"{self._name}.{attribute}", self._why, None if real is None else lambda: getattr(real(), attribute)
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._real is None and _CLASS.search(self._name):  # an object of it may be kept and never used
            return type(self)(f"{self._name}()", self._why)
        if self._real is None:
            self.refuse()
        return self._real()(*args, **kwargs)

    def __instancecheck__(self, instance: Any) -> bool:
        """Nothing here is one: `isinstance(X, pd.DataFrame)` is False."""
        return False

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        """`class Net(nn.Module)` is then a class without that base."""
        return ()

    def __repr__(self) -> str:
        return f"<{self._name}: absent, {self._why}>"

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        """AbsentError: what and why."""
        raise AbsentError(f"{self._name.replace('()', '')} is needed here, and {self._why}")


USES = """abs add and array bool contains delitem div divmod enter exit float floordiv ge getitem gt iadd imatmul imul
    index int invert isub iter itruediv le len lt matmul mod mul neg next or pos pow radd rand rdivmod rfloordiv rmatmul
    rmod rmul ror rpow rsub rtruediv rxor setitem sub truediv xor"""
for _use in USES.split():
    setattr(Absent, f"__{_use}__", Absent.refuse)


class Inert(Absent):
    """What draws or shows something and is not there: called or taken apart it does nothing, for no gradient needs it;
    a number it never becomes."""

    def __call__(self, *args: Any, **kwargs: Any) -> Inert:
        return Inert(f"{self._name}()", self._why)

    def __getitem__(self, key: Any) -> Inert:
        return Inert(f"{self._name}[...]", self._why)

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __iter__(self) -> Iterator[Inert]:
        """As many as it is taken apart into: `(line,) = axes.plot(x)`, `figure, axes = plt.subplots()`."""
        caller = sys._getframe(1)
        operation, count = caller.f_code.co_code[caller.f_lasti : caller.f_lasti + 2]
        return iter([self[i] for i in range(count if dis.opname[operation] == "UNPACK_SEQUENCE" else 2)])

    def __enter__(self) -> Inert:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def module_with(name: str, own: Mapping[str, Any]) -> types.ModuleType:
    """A module with what of it stands in here, the rest from the real one when it is called."""

    def rest(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        why = f"{name.partition('.')[0]} is not installed or was put off"
        return getattr(Absent(name, why, lambda: importlib.import_module(name)), attribute)

    module = types.ModuleType(name)
    vars(module).update(own, __getattr__=rest)
    return module
