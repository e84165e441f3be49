"""What is written for an argument: samples, labels, sizes, rates, or what the program has made before."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcompare.interfaces import meaning, naming, source, strengths, usage, words
from gradcompare.interfaces.keyed_settings import Settings
from gradcompare.interfaces.plans import SettingsPlan, plans
from gradcompare.interfaces.rehearsal import labelling, supplies

if TYPE_CHECKING:
    from gradcompare.interfaces.rehearsal.desk import Data

HIDDEN = (4, 6)
"""Widths that the samples and labels do not have."""
BOUND = " := "
"""Between a name and what it is bound to before the turn."""
_NUMBERS = {
    "learning_rate": "0.1",
    "regularisation": "0.0",
    "epochs": "100",
    "quiet": "False",
    "training": "True",
    "keep": "1.0",
}
_CONSTANTS = (
    (re.compile(r"^(beta|rho|decay)_?1$|^momentum$|^mu$|^gamma$", re.IGNORECASE), "0.9"),
    (re.compile(r"^beta_?2$", re.IGNORECASE), "0.999"),
    (re.compile(r"^eps(ilon)?$", re.IGNORECASE), "1e-8"),
    (re.compile(r"^(t|i|it|k|step|iteration|epoch|time_?step)$", re.IGNORECASE), "1"),
    (re.compile(r"^(random_?)?(seed|state)$", re.IGNORECASE), "0"),
)
_ROWS = "[[*map(float, x), int(np.argmax(y) if np.ndim(y) else y)] for x, y in zip({samples}, {labels})]"
"""Samples in lists, each with its class at the end."""
_TEXTS = re.compile(r"corpus|sentence|document|^(texts?|tokens|words)$", re.IGNORECASE)
_SENTENCES = [["a", "b", "c", "a", "d"], ["c", "b", "d", "a"]]
"""What is given for texts, in words."""
_SHAPES_OF_A_STATE = ("({n}, 1)", "(1, {n})", "{n}")
_OBJECTS = {
    re.compile(r"loss|criterion|cost", re.IGNORECASE): re.compile(r"mse|squared|loss|cost", re.IGNORECASE),
    re.compile(r"optim", re.IGNORECASE): re.compile(r"sgd|descent|optim", re.IGNORECASE),
}
"""Which classes an argument may want."""
ACTIVATIONS = ("sigmoid", "logistic", "tanh", "relu")


class Wording:
    """Expressions for arguments, for samples and labels of certain shapes."""

    def __init__(self, supplied: supplies.Supplies, space: Mapping[str, Any]) -> None:
        self.space = space
        self.columns = supplied.lie == "columns"
        self.inputs = supplied.sizes.inputs
        one = supplied.lie in ("column", "vector", "row")
        self.outputs = 1 if one else supplied.sizes.outputs
        samples = str(supplied.sizes.samples)
        self.numbers = _NUMBERS | {"batch_size": samples, "samples": samples}
        if strengths.a_cost_has_one(source.functions_in(space)):  # else steps would have a term that no cost has
            self.numbers["regularisation"] = "0.1"

    # ---- constructors and initialisers

    def made(self, function: Any, data: Data, ends: tuple[int, int] | None = None) -> Iterator[list[str]]:
        """The arguments with which a constructor or an initialiser may be called. `ends`: the number of inputs and of
        outputs, where they are not those of the data."""
        begin, end = ends or (self.inputs, self.outputs)
        for plan in plans(function):
            for depth in plan.depths:
                sizes = [begin, *HIDDEN[: depth - 1], end]
                given = {name: self._planned(role, sizes, data) for name, role in plan.roles.items()}
                given |= {name: self._value(value) for name, value in plan.values.items()}
                given |= _compared(function, [name for name, role in plan.roles.items() if role == "activation"])
                if isinstance(plan, SettingsPlan) and issubclass(plan.settings, Settings):
                    lists = [name for name, role in plan.roles.items() if role == "all"]
                    if None not in given.values() and not any(_is_a_width(function, name) for name in lists):
                        yield ["{" + ", ".join(f"{name!r}: {text}" for name, text in given.items()) + "}"]
                    continue
                if None not in given.values() and not any(name.startswith("*") for name in given):
                    yield _arguments(function, given)
                elif len(given) == 1 and None not in given.values():
                    yield [str(size) for size in sizes]

    def _planned(self, role: str, sizes: list[int], data: Data) -> str | None:
        """What a role of `Plan` is written as."""
        role, _, number = role.partition(" ")
        n = len(sizes)
        return {
            "all": str(sizes),
            "inner": str(sizes[1:-1]),
            "depth": str(n - 1),
            "between": str(n - 2),
            "width": str(sizes[int(number or 0) % n] if -n <= int(number or 0) < n else 3),
            "inputs": data.whole[0],
            "targets": data.whole[1],
            "activation": self._activation(),
            "activations": f"[{', '.join([self._activation()] * (n - 1))}]",
            "seed": "0",
            "generator": "np.random.default_rng(0)",
            "number": "0.1",
            "nothing": "None",
            "pair": f"({', '.join(data.whole)})",
            "weights": f"0.1 * np.ones({sizes[0]})",
        }.get(role, self.numbers.get(role))

    def activation_of(self, made: type, argument: str) -> str:
        """What an argument of a constructor is that is called like an activation: a word that it compares it with, else
        a function of the file, or its name."""
        return _compared(made, [argument]).get(argument) or self._activation()

    def _activation(self) -> str:
        """One that the file has, else its name."""
        own = {n.lower(): n for n, v in self.space.items() if inspect.isfunction(v) or inspect.isclass(v)}
        found = next((own[name] for name in ACTIVATIONS if name in own), None)
        if found is not None and inspect.isclass(self.space[found]):
            return f"{found}()"
        return found or '"sigmoid"'

    def _value(self, value: Any) -> str | None:
        name = getattr(value, "__name__", None)
        if callable(value):
            return name if name in self.space else None
        return repr(value)

    # ---- functions and methods

    def of(
        self, function: Callable[..., Any], name: str, known: Mapping[str, str], data: Data, optional: bool
    ) -> Iterator[str]:
        """What an argument may be, the likeliest first; nothing where an optional one is better left out. `known`: by
        expression the names of what was made before."""
        role = meaning.role_of(function, name)
        if not optional and meaning.rows_with_labels(function, name):
            yield f"rows{BOUND}{_ROWS.format(samples=data.samples, labels=data.labels)}"
        same = [text for text, called in known.items() if words.plain(called) == words.plain(name)]
        if role == "epochs":  # the object may have counted none yet
            yield self.numbers[role]
        yield from same
        if optional and role not in ("inputs", "targets"):
            return
        if optional and role == "targets":
            yield from () if source.is_told_a_number(function, name) else (data.labels,)
            return
        if not optional and not source.reads(function, name):
            yield "None"
            return
        if source.is_mapping(function, name) and role not in ("parameters", "cache", "biases"):
            yield f"dict(enumerate({data.samples}))"
        if _TEXTS.search(name):
            yield from (repr(text) for text in (_SENTENCES, _SENTENCES[0]))
        if name in labelling.several(function):
            yield from labelling.of(function, name, known, self.space, data)
            return
        kind = role if role in supplies.ROLES else supplies.role(name) if role is None else None
        if pair := meaning.data_in(function, name) or meaning.samples_in(function, name):
            parts = ", ".join(data.samples if part == "inputs" else data.labels for part in pair)
            yield f"list(zip({parts}))" if meaning.samples_in(function, name) else f"({parts})"
        if kind == "inputs":
            yield data.samples
        elif kind == "targets":
            yield data.labels
        if role in self.numbers:
            yield self.numbers[role]
        yield from (number for pattern, number in _CONSTANTS if pattern.match(name))
        yield from self._made_before(role, name, known)
        if kind == "targets" and role is None:  # what is called outputs may be what came out
            yield from (text for text, called in known.items() if words.role_of_argument(called) == "output")
        elif role is None and kind is None and not _is_gradient_of_another(function, name):
            yield from map(repr, usage.told(function, name)[:1])
        if role == "slope" and source.skips_zeros_of(function, name):
            yield from self._slope(known, data, "-{labels} / {output}")
        if role == "slope":
            yield from self._slope(known, data, "{output} - {labels}")
        if role == "layers":
            yield "2"
        size = words.role_of_size(name)
        if size == "all":
            yield str([self.inputs, HIDDEN[0], self.outputs])
        elif size is not None and role is None:
            yield str({"in": self.inputs, "hidden": HIDDEN[0], "out": self.outputs}[size])
        if role == "classes":
            yield str(self.outputs)
        if role == "activation":
            yield self._activation()
        yield from self._object(name)
        if role == "state":
            widths = [text for text, called in known.items() if words.role_of_size(called) == "hidden"]
            yield from (f"np.zeros({shape.format(n=n)})" for n in widths for shape in _SHAPES_OF_A_STATE)
        alone = kind == "inputs" and not any(
            words.role_of_argument(other) == "targets" for other in source.argument_names(function)
        )
        if alone and not pair:
            yield f"pairs{BOUND}list(zip({data.samples}, {data.labels}))"
        if alone or pair:
            columns = "x.reshape(-1, 1), y.reshape(-1, 1)"
            yield f"pairs{BOUND}[({columns}) for x, y in zip({data.samples}, {data.labels})]"
        if is_weight(name) and not same:
            free = name if name not in self.space else f"{name}_"
            yield from (f"{free}{BOUND}{text}" for text in self._weights(name))

    def _object(self, name: str) -> Iterator[str]:
        """A cost or an optimiser of the file, for an argument that is called so."""
        for kind, called in _OBJECTS.items():
            for own, made in self.space.items() if kind.search(name) else ():
                if inspect.isclass(made) and called.search(own):
                    yield from (f"{own}()", f"{own}(0.1)")

    def _made_before(self, role: str | None, name: str, known: Mapping[str, str]) -> Iterator[str]:
        """What was made last of this role; of objects what is called alike."""
        made = {text: called for text, called in known.items() if "." not in text}
        if role is not None:
            yield from (text for text, called in made.items() if words.role_of_argument(called) == role)
        if role == "cache":
            yield from (text for text in made if isinstance(self.space.get(text), dict | tuple | list))
        if role in ("slope", None):
            yield from (text for text, called in made.items() if words.GRADIENT.match(called) and role == "slope")
        kin = words.plain(name)
        for text in made:
            kind = type(self.space.get(text)).__name__.lower()
            if len(kin) > 2 and (kin in kind or kind in kin):
                yield text

    def _slope(self, known: Mapping[str, str], data: Data, form: str) -> Iterator[str]:
        for text, called in known.items():
            value = self.space.get(text)
            if words.role_of_argument(called) == "output" and isinstance(value, np.ndarray):
                yield form.format(output=text, labels=data.labels)

    def _weights(self, name: str) -> Iterator[str]:
        """Random weights of a layer, or of the two that there are, in every shape that they may have."""
        n, k, h = self.inputs, self.outputs, HIDDEN[0]
        layer = int(found[1]) if (found := words.WEIGHT.match(name) or words.BIAS.match(name)) else 0
        into, out = {1: (n, h), 2: (h, k)}.get(layer, (n, k))
        if words.BIAS.match(name) or words.role_of_argument(name) == "biases":
            vector = "0.0" if not layer else f"np.zeros({out})"
            column = "0.0" if not layer else f"np.zeros(({out}, 1))"
            yield from (f"np.zeros((1, {out}))", f"np.zeros(({out}, 1))", vector, column)
        else:
            shapes = (
                [(into, out), (out, into), (into, out), (out, into)]
                if layer
                else [(into, out), (out, into), (into,), (into, 1)]
            )
            yield from (f"0.5 * np.random.randn({', '.join(map(str, shape))})" for shape in shapes)


def _is_a_width(made: Any, key: str) -> bool:
    """Whether what the object keeps of a setting stands in shapes: (m, self.n)."""
    nodes = [n for f in vars(made).values() if inspect.isfunction(f) for n in ast.walk(source.tree(f))]
    kept = {
        ast.unparse(target)
        for n in nodes
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.Subscript)
        if isinstance(n.value.slice, ast.Constant) and n.value.slice.value == key
        for target in n.targets
    }
    return any(isinstance(n, ast.Tuple) and kept & set(map(ast.unparse, n.elts)) for n in nodes)


def _is_gradient_of_another(function: Callable[..., Any], name: str) -> bool:
    """Whether an argument is called like the gradient of another, and is no number that may be made up."""
    return any(naming.likeness(other, name) == 3 for other in source.argument_names(function) if other != name)


def is_weight(name: str) -> bool:
    """Whether an argument is called like parameters themselves."""
    numbered = words.WEIGHT.match(name) or words.BIAS.match(name)
    return bool(numbered) or words.role_of_argument(name) in ("parameters", "biases")


def _compared(function: Any, names: Sequence[str]) -> dict[str, str]:
    """The words with which a constructor compares arguments."""
    made = getattr(function, "__init__", function) if inspect.isclass(function) else function
    told = {name: usage.told(made, name) for name in names}
    return {name: repr(row[0]) for name, row in told.items() if row and isinstance(row[0], str)}


def _arguments(function: Any, given: Mapping[str, str | None]) -> list[str]:
    """By position as far as that goes, and else by name."""
    names, said = list(inspect.signature(function).parameters), []
    in_order = True
    for i, name in enumerate(names):
        in_order &= i < len(given) and name in given
        if name in given:
            said.append(str(given[name]) if in_order else f"{name}={given[name]}")
    return said
