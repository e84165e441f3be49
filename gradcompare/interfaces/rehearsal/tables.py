"""A table of data as pandas and other libraries would hand it out, as far as programs use it before they train."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces.rehearsal import supplies

_NOTHING = """dropna fillna reset_index set_index sort_values sort_index rename replace interpolate infer_objects info
    drop_duplicates describe toarray todense numpy cpu detach compute load read convert to collect persist cache batch
    prefetch repeat as_matrix get_values asfreq ffill bfill convert_dtypes set_axis assign eval pipe where"""
_MODES = frozenset(_NOTHING.split())
"""Methods after which a table is the same, but perhaps for its order."""
_AXIS = frozenset(["mean", "std", "sum", "min", "max", "var", "median"])


class Table(np.ndarray):
    """An array, of columns with names that are told when they are first asked for, which also has the methods of a
    DataFrame or of a Series; what libraries make of such a one, made sparse or put on a device, is the same."""

    columns_: dict[Any, int]
    """By name its column."""
    by_column: bool
    """Whether table[0] is a column."""

    def __new__(cls, array: Any, by_column: bool = False, columns: dict[Any, int] | None = None) -> Table:
        table = np.array(array).view(cls)
        table.by_column, table.columns_ = by_column, {} if columns is None else columns
        return table

    def __array_finalize__(self, other: Any) -> None:
        self.by_column = getattr(other, "by_column", False) and self.ndim == 2
        alike = np.shape(other)[-1:] == self.shape[-1:] and self.ndim == 2
        self.columns_ = getattr(other, "columns_", {}) if alike else {}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str) or (self.by_column and isinstance(key, int)):
            return self[:, self._column(key)] if self.ndim == 2 else self
        if isinstance(key, list | tuple) and key and all(isinstance(name, str) for name in key):
            return self[:, [self._column(name) for name in key]] if self.ndim == 2 else self
        if isinstance(key, tuple) and len(key) == 2 and _is_named(key[1]):
            return self[key[0]][
                ..., [self._column(n) for n in key[1]] if isinstance(key[1], list) else self._column(key[1])
            ]
        if isinstance(key, Table) and key.dtype == object:
            key = key.astype(bool)
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, str) or (isinstance(key, list) and _is_named(key)):
            names = [key] if isinstance(key, str) else key
            columns = [self._column(name) for name in names]
            super().__setitem__((slice(None), columns if len(columns) > 1 else columns[0]), value)
        else:
            super().__setitem__(key, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in _MODES:
            return lambda *_, **__: self
        if self.ndim == 2 and supplies.role(name) == "targets":
            return self[name]
        raise AttributeError(f"a table that is made up has no {name}")

    def _column(self, name: Any) -> int:
        """Labels are in the last column; others get theirs one after another."""
        if isinstance(name, int) and self.by_column:
            return name
        width = self.shape[-1]
        if name not in self.columns_:
            free = [c for c in range(1, width - 1) if c not in self.columns_.values()]
            last = supplies.role(str(name)) == "targets" or not free
            self.columns_[name] = width - 1 if last else free[0]
        return self.columns_[name]

    # ---- as a DataFrame, or a Series, has it -------------------------------------------------------------------------

    @property
    def values(self) -> np.ndarray:
        """The numbers alone."""
        return np.array(self)

    @property
    def iloc(self) -> Table:
        """By numbers."""
        return self.view_of(by_column=False)

    loc = at = iat = iloc

    @property
    def columns(self) -> np.ndarray:
        """Their names."""
        known = {column: name for name, column in self.columns_.items()}
        names = [known.get(c, f"column{c}") for c in range(self.shape[-1])]
        self.columns_.update({name: c for c, name in enumerate(names)})
        return np.array(names, dtype=object)

    @property
    def index(self) -> np.ndarray:
        """0, 1, 2, ..."""
        return np.arange(len(self))

    def view_of(self, by_column: bool) -> Table:
        """The same numbers."""
        table = self.view()
        table.by_column, table.columns_ = by_column, self.columns_
        return table

    def to_numpy(self, *_: Any, **__: Any) -> np.ndarray:
        """The numbers alone."""
        return np.array(self)

    def head(self, n: int = 5) -> Any:
        """The first rows."""
        return self[:n]

    def tail(self, n: int = 5) -> Any:
        """The last rows."""
        return self[-n:]

    def sample(self, n: int | None = None, frac: float = 1.0, **_: Any) -> Any:
        """As many rows, in their order."""
        return self[: n if n is not None else max(1, int(frac * len(self)))]

    def copy(self, *_: Any, **__: Any) -> Any:
        """Another array."""
        return Table(self, self.by_column, self.columns_)

    def drop(self, labels: Any = None, axis: Any = 0, columns: Any = None, **_: Any) -> Any:
        """Without columns."""
        names = columns if columns is not None else labels
        if (columns is None and axis not in (1, "columns")) or self.ndim < 2:
            return self
        gone = [self._column(n) for n in ([names] if isinstance(names, str | int) else names)]
        kept = [c for c in range(self.shape[1]) if c not in gone]
        table = Table(np.array(self)[:, kept], self.by_column)
        table.columns_ = {name: kept.index(c) for name, c in self.columns_.items() if c in kept}
        return table

    def pop(self, name: Any) -> Any:
        """A column, which stays."""
        return self[name]

    def unique(self) -> np.ndarray:
        """What differs."""
        return np.unique(np.array(self))

    def nunique(self) -> int:
        """How much differs."""
        return len(self.unique())

    def value_counts(self, *_: Any, **__: Any) -> Table:
        """How often each is there."""
        return Table(np.unique(np.array(self), return_counts=True)[1])

    def isnull(self) -> Table:
        """Nothing is missing."""
        return Table(np.zeros(self.shape, dtype=bool))

    isna = isnull

    def notnull(self) -> Table:
        """Nothing is missing."""
        return Table(np.ones(self.shape, dtype=bool))

    def map(self, to: Any, *_: Any, **__: Any) -> Any:
        """What a function makes of each; of names that a dictionary numbers, their numbers in turn."""
        if isinstance(to, Mapping):
            known = list(to.values())
            return Table(np.array([known[int(abs(x)) % len(known)] for x in np.ravel(self)]).reshape(self.shape))
        return Table(np.array([to(x) for x in np.ravel(self)]).reshape(self.shape))

    def apply(self, to: Callable[..., Any], axis: int = 0, **options: Any) -> Any:
        """What a function makes of each column, or of each number."""
        if self.ndim < 2:
            return self.map(to)
        return Table(np.stack([np.asarray(to(Table(column))) for column in np.array(self).T], axis=-1), self.by_column)

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """Of another kind; what pandas calls a category stays a number."""
        as_it_is = dtype in ("category", "object", object)
        return Table(self if as_it_is else np.array(self).astype(dtype), self.by_column, self.columns_)

    @property
    def cat(self) -> Table:
        """Its .codes are the numbers."""
        return self

    @property
    def codes(self) -> Table:
        """Whole numbers."""
        return self.astype(int)

    def items(self) -> Any:
        """(name, column)."""
        return [(name, self[:, c]) for c, name in enumerate(self.columns)]

    def iterrows(self) -> Any:
        """(number, row)."""
        return enumerate(np.array(self))

    def to_list(self) -> Any:
        """Lists."""
        return self.tolist()

    def get_dummies(self) -> np.ndarray:
        """A column for each that differs."""
        return one_hot(self)


def _is_named(key: Any) -> bool:
    return isinstance(key, str) or (isinstance(key, list) and bool(key) and all(isinstance(name, str) for name in key))


def _by_column(name: str) -> Any:
    """As of an array; of a DataFrame column by column."""

    def method(self: Table, axis: Any = None, *args: Any, **options: Any) -> Any:
        options = {k: v for k, v in options.items() if k not in ("numeric_only", "skipna")}
        plain = np.array(self)
        axis = 0 if axis is None and self.by_column else axis
        if name == "median":
            return np.median(plain, axis)
        found = getattr(plain, name)(axis, *args, **options)
        return Table(found, self.by_column) if np.ndim(found) else found

    method.__doc__ = f"The {name}."
    return method


Table.applymap = Table.map  # type: ignore[attr-defined]
for _name in _AXIS:
    setattr(Table, _name, _by_column(_name))


def classes_of(values: Any, outputs: int) -> Any:
    """Whole numbers for a column that is taken to hold classes, and was made up as any numbers."""
    numbers = np.asarray(values)
    if numbers.dtype.kind == "f" and not np.array_equal(numbers, np.round(numbers)):
        return (np.arange(numbers.size) % max(outputs, 2)).reshape(numbers.shape)
    return values


def one_hot(values: Any, classes: int | None = None, outputs: int = 3) -> np.ndarray:
    """A column for each value that differs, of several columns one after another."""
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] > 1 and classes is None:
        return np.concatenate([one_hot(column, outputs=outputs) for column in values.T], axis=1)
    different, numbers = np.unique(np.ravel(classes_of(values, outputs)), return_inverse=True)
    if classes is None:
        return np.eye(len(different))[np.ravel(numbers)]
    return np.eye(int(classes))[np.ravel(values).astype(int)]


class Record(np.lib.mixins.NDArrayOperatorsMixin):
    """What something absent returned: samples and labels, by what its parts are called; by itself a table of both."""

    __slots__ = ("_name", "_supplies")

    def __init__(self, name: str, made: supplies.Supplies) -> None:
        self._name, self._supplies = name, made

    def part(self, name: str) -> Any:
        """What is called so: an array where the name says of what, else another record."""
        role = "inputs" if name == "data" else supplies.role(name)  # beside "target", "labels"
        if role is None or (supplies.is_whole(name) and name != "data"):
            return Record(name, self._supplies)
        return Table(self._supplies[role])

    def whole(self) -> Table:
        """All as one array."""
        role = supplies.role(self._name) if not supplies.is_whole(self._name) else None
        return Table(self._supplies.table if role is None else self._supplies[role])

    def called(self, name: str) -> Record | Table:
        """The same by another name, where its own says nothing."""
        if supplies.role(name) is not None and not supplies.is_whole(name):
            return self.part(name)
        known = supplies.role(self._name) is not None and not supplies.is_whole(self._name)
        return self.whole() if known else Record(name, self._supplies)

    def pairs(self) -> list[tuple[Any, Any]]:
        """(sample, label) of each; as columns where samples are."""
        X, Y = self._supplies["inputs"], self._supplies["targets"]
        if self._supplies.lie == "columns":
            return [(X[:, [i]], Y[:, [i]]) for i in range(X.shape[1])]
        rows = Y[0] if self._supplies.lie == "row" else Y
        return [(X[i], rows[i]) for i in range(len(X))]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.whole(), name) if hasattr(np.ndarray, name) and name != "data" else self.part(name)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, bytes):
            key = key.decode()
        if isinstance(key, str):
            return self.part(key)
        if (
            isinstance(key, int)
            and key in (0, 1)
            and (supplies.role(self._name) is None or supplies.is_whole(self._name))
        ):
            return Table(self._supplies[supplies.ROLES[key]])  # data[0], data[1]: samples and labels
        return self.whole()[() if key is Ellipsis else key]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.part(self._name)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.whole(), dtype=dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [np.array(x.whole()) if isinstance(x, Record) else x for x in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)

    def __iter__(self) -> Any:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())

    def __setitem__(self, key: Any, value: Any) -> None:
        """Shuffled, which changes nothing."""

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *_: object) -> None:
        pass
