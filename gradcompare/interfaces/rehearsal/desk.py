"""Where a program is written line by line: a line is kept if it runs after those before it."""

from __future__ import annotations

import ast
import inspect
import itertools
import keyword
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces import naming, paths, source, words
from gradcompare.interfaces.rehearsal import supplies
from gradcompare.interfaces.rehearsal.script import Script, TurnOverError
from gradcompare.interfaces.rehearsal.stage import LONGEST, Stage, own_names
from gradcompare.interfaces.rehearsal.wording import BOUND, HIDDEN, Wording, is_weight
from gradcompare.tracing.randomness import same_random_numbers

SECONDS = 1.0
TRIES = 10
"""So many wordings of one call are tried."""


class Member(NamedTuple):
    """What may be called: a function, or a method of an object."""

    said: str
    """How: "forward", "net.forward"."""
    function: Callable[..., Any]

    @property
    def role(self) -> str | None:
        """By its name."""
        return words.role_of_function(self.function.__name__.lstrip("_"))


class Said(NamedTuple):
    """A call, in words."""

    before: tuple[str, ...]
    """What is to be written before the turn."""
    line: str


class Data(NamedTuple):
    """How samples and labels are handed out, turn by turn."""

    head: str
    """Of the loop."""
    first: tuple[str, ...]
    """What each turn begins with."""
    before: str
    """What stands for the head where there is no loop yet."""
    samples: str
    labels: str
    whole: tuple[str, str]
    """All samples, and all labels."""
    each: bool
    """Whether one sample comes at a time."""


class Desk:
    """The file's names, and the program that is written with them."""

    def __init__(self, script: Script, supplied: supplies.Supplies, each: str | None = None) -> None:
        """`each`: samples come one at a time, as a "vector" or as a "column"."""
        self.script, self.stage = script, Stage(supplied, SECONDS)
        self.space = script.run(self.stage)
        self.problems: list[BaseException] = []
        self.before: list[str] = []
        self.turn: list[str] = []
        self.made: dict[str, str] = {}
        """What the program has bound, by name, with its role."""
        self.data = _data(self.free, each)
        if "np" not in self.space:
            self.write("import numpy as np")
        if script.plain:
            self.write("{0}, {1} = {0}.tolist(), {1}.tolist()".format(*self.data.whole))
        if each is not None:
            self.run("\n".join((self.data.before, *self.data.first)))
        self.wording = Wording(supplied, self.space)

    def free(self, *names: str) -> str:
        """The first of these that the file does not use, or that it uses for data of ours."""
        return next((n for n in names if n not in self.space and n not in self.script.names), f"{names[0]}_")

    def globals(self) -> list[str]:
        """What the file itself has bound that holds arrays and no data."""
        but = {*self.made, *self.data.whole, self.data.samples, self.data.labels}
        own = {n: v for n, v in own_names(self.space).items() if n not in but and not _is_data(n, v)}
        return [name for name, value in own.items() if naming.places_of({name: value})]

    def bound_in_turn(self) -> set[str]:
        """The names that the turn binds."""
        nodes = (node for line in self.turn for node in ast.walk(ast.parse(line)))
        return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}

    def space_value(self, name: str) -> Any:
        """What a name is, ours too."""
        self.run(name)
        return self.space[name]

    def text(self) -> str:
        """The program."""
        if not self.turn:
            return "\n".join(self.before)
        return "\n".join([*self.before, self.data.head, *(f"    {line}" for line in (*self.data.first, *self.turn))])

    def write(self, line: str, in_turn: bool = False) -> bool:
        """Keep a line, if it runs."""
        done = self.run(line)
        if done:
            (self.turn if in_turn else self.before).append(line)
        return done

    def run(self, line: str) -> bool:
        """Whether a line runs; it is not kept."""
        try:
            with np.errstate(all="ignore"), same_random_numbers(), self.script.lists_as_arrays():
                exec(compile(line, "<its program>", "exec"), self.space)
        except (Exception, TurnOverError) as error:
            self.problems.append(error)
            return False
        return True

    def call(self, member: Member, in_turn: bool, bound: str | None = None) -> Any:
        """Write a call; what it returns, or None where it cannot be made. `bound`: the name of what comes back, where
        the function does not say."""
        made = (self.called(member, said, in_turn, bound) for said in self.wordings(member))
        return next((back for back in made if back is not None), None)

    def called(self, member: Member, said: Said, in_turn: bool = False, bound: str | None = None) -> Any:
        """Write this call of it; what it returns, () for nothing; None where it fails."""
        if not all(map(self.run, said.before)) or not self.run(f"_back_ = {said.line}"):
            return None
        self.before += said.before
        value = self.space.pop("_back_")
        (self.turn if in_turn else self.before).append(self._binding(member, said.line, value, bound))
        return value if value is not None else ()

    def wordings(self, member: Member) -> Iterator[Said]:
        """The ways in which something may be called, the likeliest first: weights are of one layout."""
        chosen = self.choices(member)
        if chosen is None:
            return
        of_layout = [all(BOUND in text for text in row) for row in chosen]

        def oddness(numbers: tuple[int, ...]) -> tuple[int, int, int]:
            layouts = {i for i, is_one in zip(numbers, of_layout, strict=True) if is_one}
            others = [i for i, is_one in zip(numbers, of_layout, strict=True) if not is_one]
            return len(layouts), sum(map(bool, others)), sum(others) + sum(layouts)

        picks = itertools.islice(itertools.product(*(range(len(row)) for row in chosen)), 2000)
        for picked in sorted(picks, key=oddness)[:TRIES]:
            texts = [row[i].split(BOUND) for row, i in zip(chosen, picked, strict=True)]
            bound = (f"{text[0].partition('=')[2] or text[0]} = {text[1]}" for text in texts if len(text) > 1)
            before = tuple(dict.fromkeys(bound))
            yield Said(before, f"{member.said}({', '.join(text[0] for text in texts)})")

    def choices(self, member: Member) -> list[list[str]] | None:
        """What each argument may be, those that are optional by name; None where one may be nothing."""
        chosen: list[list[str]] = []
        given = source.signature(member.function)
        skipped = member.said.count(".") == 1 and source.is_method(member.function)
        for name, parameter in itertools.islice(given.items(), int(skipped), None):
            if parameter.kind is parameter.VAR_POSITIONAL and words.role_of_size(name) in ("all", "hidden"):
                chosen += [[str(HIDDEN[0])]] if not any("=" in text for row in chosen for text in row) else []
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            optional = parameter.default is not parameter.empty
            said = list(self.wording.of(member.function, name, self._known(member), self.data, optional))
            if not all(BOUND in text for text in said):  # else one for each layout
                said = list(dict.fromkeys(said))
            if said:
                by_name = optional or parameter.kind is parameter.KEYWORD_ONLY
                chosen.append([f"{name}={text}" if by_name else text for text in said])
            elif not optional:
                return None
        return chosen

    def _known(self, member: Member) -> dict[str, str]:
        """What may be given, by expression, with its role: what was made, and what the object itself holds."""
        owner = member.said.rpartition(".")[0]
        held = paths.branches(self.space[owner]) if owner in self.space else ()
        own = {f"{owner}.{key}": str(key) for (kind, key), value in held if kind == "attr" and value is not None}
        if not owner:
            own = {name: name for name in own_names(self.space) if name not in self.made}
        return own | dict(reversed(self.made.items()))

    def _binding(self, member: Member, line: str, value: Any, bound: str | None) -> str:
        """The line with names for what comes back, which are bound."""
        if value is None:
            return line
        names = self._names(member.function, value, bound)
        parts = value if len(names) > 1 else (value,)
        for name, part in zip(names, parts, strict=True):
            self.space[name] = part
            self.made.pop(name, None)
            self.made[name] = name.rstrip("_")
        return f"{', '.join(names)} = {line}"

    def _names(self, function: Any, value: Any, bound: str | None) -> list[str]:
        count = len(value) if isinstance(value, tuple) and 1 < len(value) < 30 else 1
        rows = [row for row in source.returned_names(function) if any(row) and len(row) == count]
        own = [row for row in self._bound_by_file(function) if len(row) == count]
        taken = list(self._names_taken(count)) if words.role_of_function(function.__name__) == "initialise" else []
        row = next(iter((*own, *reversed(rows), *taken)), [None] * count)
        named = [name or (bound if count == 1 and bound else f"result{i + 1}") for i, name in enumerate(row)]
        if len(set(named)) < len(named):
            named = [f"{name}{i + 1}" for i, name in enumerate(named)]
        return [f"{name}_" if self._is_taken(name) else name for name in named]

    def _bound_by_file(self, function: Any) -> Iterator[list[str | None]]:
        """The names that the file itself gives to what a function returns."""
        for node in ast.walk(source.parsed(self.script.file)):
            call = node.value if isinstance(node, ast.Assign) else None
            if isinstance(node, ast.Assign) and isinstance(call, ast.Call) and source.called(call) == function.__name__:
                target = node.targets[0]
                parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
                if all(isinstance(part, ast.Name) and part.id.strip("_") for part in parts):
                    yield [part.id for part in parts if isinstance(part, ast.Name)]

    def _names_taken(self, count: int) -> Iterator[list[str | None]]:
        """The first so many arguments of functions of the file, where these are called like parameters."""
        for function in self.script.names.values():
            if inspect.isfunction(function) and getattr(function, "__module__", "") == self.script.names["__name__"]:
                first = source.argument_names(function)[:count]
                if len(first) == count > 1 and all(is_weight(name) for name in first):
                    yield list(first)

    def _is_taken(self, name: str) -> bool:
        """Whether something else is called so that the program needs."""
        data = name in (self.data.samples, self.data.labels)
        thing = self.space.get(name)
        return data or keyword.iskeyword(name) or callable(thing) or inspect.ismodule(thing)


def _is_data(name: str, value: Any) -> bool:
    """Whether it is called like data, or is a long list: of data, or of what was noted while it trained."""
    return supplies.role(name) is not None or (isinstance(value, list) and len(value) > LONGEST)


def _data(free: Callable[..., str], each: str | None) -> Data:
    X, Y = free("X", "samples", "inputs"), free("Y", "labels", "targets")
    if each is None:
        return Data("for turn in range(2):", (), "", X, Y, (X, Y), False)
    x, y = free("x", "sample"), free("y", "target")
    first = (f"{x}, {y} = np.reshape({x}, (-1, 1)), np.reshape({y}, (-1, 1))",) if each == "column" else ()
    return Data(f"for {x}, {y} in zip({X}, {Y}):", first, f"{x}, {y} = {X}[0], {Y}[0]", x, y, (X, Y), True)
