"""Which expressions at module level may be computed: constants, and what pure functions make of constants."""

from __future__ import annotations

import ast
import builtins
import dis
import math
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.loading.absent import Absent
from gradcompare.loading.statements import root_of

_BUILTINS = """abs all any bool bytes classmethod complex dict divmod enumerate float format frozenset getattr hasattr
    int isinstance issubclass len list max min object ord pow property range repr reversed round set slice sorted
    staticmethod str sum super tuple type zip"""
BUILTINS = {getattr(builtins, name) for name in _BUILTINS.split()}
_MODULES = """abc argparse collections contextlib copy dataclasses decimal enum fractions functools itertools logging
    math ntpath numbers operator posixpath random re string time types typing"""
MODULES = set(_MODULES.split())
"""Modules of the standard library whose functions have no effects outside."""
NUMPY_EFFECTS = re.compile(r"load|save|fromfile|fromregex|genfromtxt|memmap|tofile|DataSource|open|show|test|info")
_METHODS = """add_argument_group add_mutually_exclusive_group all any append argmax argmin argsort astype capitalize
    choice clip conj copy count cumsum diagonal dot encode endswith exponential extend fill flatten format get index
    insert integers isdigit items join keys lower lstrip max mean min nonzero normal parse_args parse_known_args
    permutation prod rand randint randn random ravel read readline readlines repeat replace reshape round rstrip
    setdefault shuffle sort split splitlines squeeze standard_normal startswith std strip sum swapaxes title tolist
    trace transpose uniform update upper values var view"""
METHODS = set(_METHODS.split())
"""Methods of what is safe itself: arrays, generators of random numbers, strings, lists and dicts."""
_EFFECTS = """Popen connect download eval exec execfile exit genfromtxt imread imshow input load loadtxt memmap open
    plot popen quit raw_input read_csv remove request rmtree run save savefig savetxt savez show sleep system tofile
    unlink urlopen urlretrieve write"""
EFFECTS = set(_EFFECTS.split())
"""Names that a function of the file must not use to be called at module level."""
LONG = re.compile(
    r"train|fit|main|descent|optimi[sz]e|load|read|download|plot|show|draw|demo|test|check|model$|run", re.I
)
"""Functions of the file that are not called at module level: they train, plot or load."""
BUILDS = re.compile(r"_*(init|build|create|make|new|setup|random|generate)", re.I)
LARGEST = 20_000_000
"""Elements in a constant."""
CHEAP = 10_000
"""Elements in a constant that is computed whether anything needs it or not."""

Plain = (
    ast.Constant, ast.Name, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare,
    ast.IfExp, ast.Subscript, ast.Slice, ast.Attribute, ast.JoinedStr, ast.FormattedValue, ast.Starred, ast.ListComp,
    ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension, ast.NamedExpr, ast.keyword, ast.expr_context,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


def danger(expression: ast.AST, names: Mapping[str, Any]) -> str | None:
    """Why an expression is not computed: "it calls pd.read_csv"; None where it is safe."""
    if isinstance(expression, ast.Lambda):
        return next((why for d in _defaults(expression) if (why := danger(d, names))), None)
    if isinstance(expression, ast.Call):
        why = _danger_of_call(expression, names)
    elif not isinstance(expression, Plain):
        why = "it is not a constant"
    else:
        why = _too_large_a_power(expression)
    if why is not None:
        return why
    return next((why for child in ast.iter_child_nodes(expression) if (why := danger(child, names))), None)


def _defaults(function: ast.Lambda) -> list[ast.expr]:
    return [d for d in [*function.args.defaults, *function.args.kw_defaults] if d is not None]


def calls_own_code(expression: ast.AST, names: Mapping[str, Any]) -> bool:
    """Whether it calls a function or class that is written in Python outside the standard library."""
    called = (resolve(node.func, names) for node in ast.walk(expression) if isinstance(node, ast.Call))
    return any(is_own(thing) for thing in called)


def is_cheap(expression: ast.AST, names: Mapping[str, Any]) -> bool:
    """Whether computing a safe expression takes no time worth mentioning, so that it need not be asked who needs it."""
    if isinstance(expression, ast.Lambda):
        return True
    if isinstance(expression, ast.Call) and (
        _size(expression, names) > CHEAP or is_own(resolve(expression.func, names))
    ):
        return False
    loops = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    return not isinstance(expression, loops) and all(is_cheap(c, names) for c in ast.iter_child_nodes(expression))


def resolve(expression: ast.AST, names: Mapping[str, Any]) -> Any:
    """What a name or an attribute of a module is; None where that cannot be told without running anything."""
    if isinstance(expression, ast.Name):
        return names.get(expression.id, getattr(builtins, expression.id, None))
    if isinstance(expression, ast.Attribute):
        base = resolve(expression.value, names)
        if isinstance(base, types.ModuleType | type | Absent) or base is np.random:
            return getattr(base, expression.attr, None)
    return None


def is_own(thing: Any) -> bool:
    """Whether a function or class is the user's own."""
    return isinstance(thing, types.FunctionType | type) and getattr(thing, "__module__", "").startswith("subject_")


def _danger_of_call(call: ast.Call, names: Mapping[str, Any]) -> str | None:
    text = ast.unparse(call.func)
    thing = resolve(call.func, names)
    if thing is None:
        own = is_own(type(names.get(root_of(call.func) or "")))
        known = isinstance(call.func, ast.Attribute) and call.func.attr in METHODS and not own
        return None if known else f"it calls {text}"
    if isinstance(thing, Absent):
        return f"it calls {text}"
    if is_own(thing):
        return danger_in_function(thing)
    if not is_pure(thing):
        return f"it calls {text}"
    return f"{text} would make too large an array" if _size(call, names) > LARGEST else None


def is_pure(thing: Any) -> bool:
    """Whether a function or class of a library has no effects outside."""
    module = str(getattr(thing, "__module__", None) or "")
    top = module.partition(".")[0].lstrip("_")
    name = getattr(thing, "__name__", "")
    if module == "builtins":
        return any(thing is known for known in BUILTINS)
    if top in ("numpy", "scipy") or isinstance(thing, np.ufunc) or _is_random(thing):
        return not NUMPY_EFFECTS.search(name)
    if module in ("gradcompare.tracing.stood_in", "gradcompare.loading.texts"):
        return True
    if name in EFFECTS:
        return False
    return top in MODULES or (isinstance(thing, type) and top in ("pathlib", "datetime"))


def _is_random(thing: Any) -> bool:
    generators = np.random.RandomState | np.random.Generator
    return isinstance(getattr(thing, "__self__", None), generators)


def _size(call: ast.Call, names: Mapping[str, Any]) -> float:
    """How many elements a constructor with these arguments makes, as far as they are plain numbers."""
    if isinstance(call.func, ast.Attribute | ast.Name):
        last = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
        if last in ("seed", "RandomState", "default_rng", "int", "float", "clip", "randint", "uniform", "full"):
            return max((math.prod(_numbers(a, names)) for a in call.args if isinstance(a, ast.Tuple)), default=0.0)
    return math.prod(number for argument in call.args[:4] for number in _numbers(argument, names))


def _numbers(expression: ast.AST, names: Mapping[str, Any]) -> Iterator[float]:
    if isinstance(expression, ast.Tuple | ast.List) and len(expression.elts) <= 8:
        for element in expression.elts:
            yield from _numbers(element, names)
    else:
        value = _number(expression, names)
        if value is not None and value >= 1:
            yield value


def _number(expression: ast.AST, names: Mapping[str, Any]) -> float | None:
    """The value of a formula of plain numbers."""
    value: Any = None
    if isinstance(expression, ast.Constant):
        value = expression.value
    elif isinstance(expression, ast.Name):
        value = names.get(expression.id)
    elif isinstance(expression, ast.BinOp):
        left, right = _number(expression.left, names), _number(expression.right, names)
        if left is not None and right is not None:
            try:
                value = FORMULAS[type(expression.op)](left, right)
            except (KeyError, OverflowError, ZeroDivisionError, ValueError):
                value = math.inf
    return float(min(value, 1e300)) if isinstance(value, int | float) and not isinstance(value, bool) else None


FORMULAS: dict[type[ast.operator], Any] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Pow: math.pow,
}


def _too_large_a_power(expression: ast.AST) -> str | None:
    """10 ** 10 ** 10, [0] * 10 ** 10, 1 << 10 ** 9: it would not end, or fill the memory."""
    if isinstance(expression, ast.BinOp):
        right, left = _number(expression.right, {}), _number(expression.left, {})
        if isinstance(expression.op, ast.Pow | ast.LShift) and (right is None or right > 1000) and left != right:
            return "it is too large a power" if right is not None or isinstance(expression.right, ast.BinOp) else None
        lists = any(isinstance(side, ast.List | ast.Tuple) for side in (expression.left, expression.right))
        if isinstance(expression.op, ast.Mult) and lists and max(right or 0, left or 0) > LARGEST:
            return "it is too large a list"
    return None


# ---- functions of the file -------------------------------------------------------------------------------------------


def danger_in_function(thing: Any) -> str | None:
    """Why a function or class of the file is not called at module level; None where it is harmless."""
    name = thing.__name__
    if LONG.search(name) and not BUILDS.match(name) and not isinstance(thing, type):
        return f"it calls {thing.__name__}"
    found = _effect(thing, set())
    return f"it calls {thing.__name__}, which uses {found}" if found else None


def _effect(thing: Any, seen: set[int]) -> str | None:
    """The first name with an effect that a function uses, or one that it calls."""
    if id(thing) in seen:
        return None
    seen.add(id(thing))
    if isinstance(thing, type):
        begin = [vars(thing)[m] for m in ("__init__", "__new__", "__post_init__") if m in vars(thing)]
        return next((why for f in (*begin, *thing.__mro__[1:]) if is_own(f) and (why := _effect(f, seen))), None)
    if not isinstance(thing, types.FunctionType):
        return None
    for name in _all_names(thing.__code__):
        value = thing.__globals__.get(name)
        if name in EFFECTS or isinstance(value, Absent):
            return name
        if is_own(value) and (why := _effect(value, seen)):
            return why
    return None


def _all_names(code: types.CodeType) -> Iterator[str]:
    """The names that code reads; `self.input`, where a layer keeps what it was given, asks nobody."""
    for step in dis.get_instructions(code):
        is_read = step.opname.startswith(("LOAD_", "IMPORT_")) and step.argval in code.co_names
        if is_read and not (step.argval == "input" and step.opname in ("LOAD_ATTR", "LOAD_METHOD")):
            yield step.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _all_names(constant)
