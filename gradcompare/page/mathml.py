"""A statement of NumPy as a formula in MathML: `dZ1 = np.dot(W2.T, dZ2)` reads as it would in a lecture."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable

from markupsafe import Markup, escape

LONGEST = 400
"""Characters of a statement; what is longer is read better as code."""

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
"""How tightly a formula holds together; what stands in a tighter one needs brackets."""

Formula = tuple[Markup, int]

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eps": "ε", "eta": "η", "theta": "θ",
    "lambda_": "λ", "lambd": "λ", "lam": "λ", "mu": "μ", "sigma": "σ", "tau": "τ", "phi": "φ",
}  # fmt: skip
SEEN_THROUGH = {"array", "asarray", "copy", "astype", "reshape", "squeeze", "float", "float64", "float32", "ravel"}
"""Functions and methods that leave the numbers as they are."""
OPERATORS: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", SUM),
    ast.Sub: ("−", SUM),
    ast.Mult: ("⊙", PRODUCT),
    ast.MatMult: ("&#x2062;", PRODUCT),
    ast.Mod: ("mod", PRODUCT),
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Gt: ">", ast.GtE: "≥", ast.Lt: "<", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip


def formula(statement: str, name: str = "") -> Markup | None:
    """The MathML of an assignment, or of a returned expression under the name of what it is; None where the statement
    is neither, or would not be read more easily."""
    if len(statement) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(statement).body
        shown = _statement(body[0], name) if len(body) == 1 else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if shown is None else Markup('<math display="block">{}</math>').format(shown)


def symbol(name: str) -> Markup:
    """A name as it is written in mathematics: dZ1 as d Z with a small 1."""
    return Markup("<math>{}</math>").format(_symbol(name))


# ---- statements ------------------------------------------------------------------------------------------------------


def _statement(node: ast.stmt, name: str) -> Markup | None:
    if isinstance(node, ast.Return) and node.value is not None and name:
        return _equals(_symbol(name), node.value)
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and not isinstance(node.targets[0], ast.Tuple):
        return _equals(_of(node.targets[0])[0], node.value)
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return _equals(_of(node.target)[0], node.value)
    if isinstance(node, ast.AugAssign):
        both = ast.BinOp(node.target, node.op, node.value)
        return _row(_of(node.target)[0], _mo("←"), _of(both)[0])
    return None


def _equals(left: Markup, right: ast.expr) -> Markup:
    return _row(left, _mo("="), _of(right)[0])


# ---- expressions -----------------------------------------------------------------------------------------------------


def _of(node: ast.expr) -> Formula:
    rule = RULES.get(type(node))
    return rule(node) if rule is not None else _code(node)


def _inside(node: ast.expr, least: int) -> Markup:
    """In brackets where it would fall apart."""
    shown, holds = _of(node)
    return shown if holds >= least else _row(_mo("("), shown, _mo(")"))


def _code(node: ast.expr) -> Formula:
    return Markup("<mtext>{}</mtext>").format(ast.unparse(node)), ATOM


def _name(node: ast.Name) -> Formula:
    return _symbol(node.id), ATOM


def _attribute(node: ast.Attribute) -> Formula:
    if node.attr == "T":
        return _raised(_inside(node.value, ATOM), _mi("T")), POWER
    if node.attr in ("shape", "size"):
        return _code(node)
    return _symbol("π" if node.attr == "pi" else node.attr), ATOM


def _subscript(node: ast.Subscript) -> Formula:
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return _symbol(node.slice.value), ATOM
    if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        return _code(node)
    return Markup("<msub>{}<mtext>{}</mtext></msub>").format(_inside(node.value, ATOM), ast.unparse(node.slice)), ATOM


def _constant(node: ast.Constant) -> Formula:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return _code(node)
    return Markup("<mn>{}</mn>").format(ast.unparse(node)), ATOM


def _unary(node: ast.UnaryOp) -> Formula:
    signs = {ast.USub: "−", ast.UAdd: "+", ast.Invert: "¬", ast.Not: "¬"}
    return _row(_mo(signs[type(node.op)]), _inside(node.operand, PRODUCT)), SUM


def _binary(node: ast.BinOp) -> Formula:
    if isinstance(node.op, ast.Div):
        return Markup("<mfrac>{}{}</mfrac>").format(_of(node.left)[0], _of(node.right)[0]), ATOM
    if isinstance(node.op, ast.Pow):
        return _power(node.left, node.right)
    if type(node.op) not in OPERATORS:
        return _code(node)
    sign, holds = OPERATORS[type(node.op)]
    if isinstance(node.op, ast.Mult) and not (_is_array(node.left) and _is_array(node.right)):
        sign = "⋅"
    right = _inside(node.right, holds + 1 if isinstance(node.op, ast.Sub) else holds)
    space = Markup('<mspace width="0.2em"/>') if isinstance(node.op, ast.MatMult) else Markup("")
    return _row(_inside(node.left, holds), _mo(sign), space, right), holds


def _is_array(node: ast.expr) -> bool:
    """Whether something in it is named like one: in capitals, as a gradient, or what a function gives."""
    for part in ast.walk(node):
        name = part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""
        if isinstance(part, ast.Call | ast.Compare | ast.Subscript) or (name and not name.islower()):
            return True
        if len(name) > 2 and name.startswith("d"):
            return True
    return False


def _power(base: ast.expr, exponent: ast.expr) -> Formula:
    return _raised(_inside(base, ATOM), _of(exponent)[0]), POWER


def _raised(base: Markup, exponent: Markup) -> Markup:
    """With an exponent, above the index if there is one."""
    indexed = re.fullmatch(r"<msub>((?:(?!<msub>).)*)</msub>", base, re.DOTALL)
    if indexed is not None:
        return Markup("<msubsup>{}{}</msubsup>").format(Markup(indexed[1]), exponent)
    return Markup("<msup>{}{}</msup>").format(base, exponent)


def _comparison(node: ast.Compare) -> Formula:
    """1 where it holds and 0 elsewhere, in the brackets that mean that."""
    if len(node.ops) != 1 or type(node.ops[0]) not in COMPARISONS:
        return _code(node)
    sign = COMPARISONS[type(node.ops[0])]
    inner = _row(_of(node.left)[0], _mo(sign), _of(node.comparators[0])[0])
    return _row(_mo("["), inner, _mo("]")), ATOM


# ---- functions -------------------------------------------------------------------------------------------------------


def _call(node: ast.Call) -> Formula:
    name, arguments = _called(node)
    if name in SEEN_THROUGH and arguments:
        return _of(arguments[0])
    if name in FUNCTIONS:
        count, rule = FUNCTIONS[name]
        if len(arguments) >= count:
            return rule(arguments, node)
    shown = [_of(argument)[0] for argument in arguments]
    listed = Markup("<mo>,</mo>").join(shown)
    return _row(_symbol(name) if name else _of(node.func)[0], _mo("&#x2061;"), _mo("("), listed, _mo(")")), ATOM


def _called(node: ast.Call) -> tuple[str, list[ast.expr]]:
    """The function's name and what it is given, the array before the dot of a method included."""
    arguments = [a for a in node.args if not isinstance(a, ast.Starred)]
    if isinstance(node.func, ast.Name):
        return node.func.id, arguments
    if isinstance(node.func, ast.Attribute):
        module = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "numpy", "self", "math")
        return node.func.attr, arguments if module else [node.func.value, *arguments]
    return "", arguments


def _product(arguments: list[ast.expr], _: ast.Call) -> Formula:
    return _of(ast.BinOp(arguments[0], ast.MatMult(), arguments[1]))


def _elementwise(arguments: list[ast.expr], _: ast.Call) -> Formula:
    return _of(ast.BinOp(arguments[0], ast.Mult(), arguments[1]))


def _fraction(arguments: list[ast.expr], _: ast.Call) -> Formula:
    return _of(ast.BinOp(arguments[0], ast.Div(), arguments[1]))


def _square(arguments: list[ast.expr], _: ast.Call) -> Formula:
    return _power(arguments[0], ast.Constant(2))


def _transposed(arguments: list[ast.expr], _: ast.Call) -> Formula:
    return _attribute(ast.Attribute(arguments[0], "T"))


def _exponential(arguments: list[ast.expr], _: ast.Call) -> Formula:
    return Markup("<msup><mi>e</mi>{}</msup>").format(_of(arguments[0])[0]), POWER


def _root(arguments: list[ast.expr], _: ast.Call) -> Formula:
    return Markup("<msqrt>{}</msqrt>").format(_of(arguments[0])[0]), ATOM


def _absolute(arguments: list[ast.expr], _: ast.Call) -> Formula:
    return _row(_mo("|"), _of(arguments[0])[0], _mo("|")), ATOM


def _total(arguments: list[ast.expr], node: ast.Call) -> Formula:
    axis = next((k.value for k in node.keywords if k.arg == "axis"), arguments[1] if len(arguments) > 1 else None)
    sign = _mo("∑")
    if axis is not None:
        sign = Markup("<munder>{}<mtext>axis {}</mtext></munder>").format(sign, ast.unparse(axis))
    return _row(sign, _inside(arguments[0], PRODUCT)), PRODUCT


def _either(arguments: list[ast.expr], _: ast.Call) -> Formula:
    condition = arguments[0]
    shown = _of(condition)[0]
    if isinstance(condition, ast.Compare) and len(condition.ops) == 1 and type(condition.ops[0]) in COMPARISONS:
        shown = _row(_of(condition.left)[0], _mo(COMPARISONS[type(condition.ops[0])]), _of(condition.comparators[0])[0])
    row = Markup("<mtr><mtd>{}</mtd><mtd><mtext>{}</mtext>{}</mtd></mtr>")
    rows = row.format(_of(arguments[1])[0], "where ", shown) + row.format(_of(arguments[2])[0], "elsewhere", "")
    return _row(_mo("{"), Markup("<mtable>{}</mtable>").format(rows)), ATOM


FUNCTIONS: dict[str, tuple[int, Callable[[list[ast.expr], ast.Call], Formula]]] = {
    "dot": (2, _product),
    "matmul": (2, _product),
    "multiply": (2, _elementwise),
    "divide": (2, _fraction),
    "square": (1, _square),
    "power": (2, lambda arguments, _: _power(arguments[0], arguments[1])),
    "transpose": (1, _transposed),
    "exp": (1, _exponential),
    "sqrt": (1, _root),
    "abs": (1, _absolute),
    "sum": (1, _total),
    "where": (3, _either),
}
"""By name: how many arguments it takes at least, and how it is written."""

RULES: dict[type[ast.expr], Callable[..., Formula]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Constant: _constant,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _comparison,
    ast.Call: _call,
}
"""One row for each kind of expression; of all others the code is shown."""


# ---- names -----------------------------------------------------------------------------------------------------------


_NAME = re.compile(r"(d(?=[A-Z]|[a-z](?:\d|$))|d_(?=[A-Za-z]\d?$))?([^\W\d_]+)_?(\d+)?")
_WITH_WORD = re.compile(r"(d?)([A-Z])_(\w{1,12})")


def _symbol(name: str) -> Markup:
    plain, _, binding = name.partition("#")
    found = _NAME.fullmatch(plain) or _WITH_WORD.fullmatch(plain)
    shown = _mi(plain) if found is None else _with_index(*found.groups(default=""))
    return Markup("<msup>{}<mtext>({})</mtext></msup>").format(shown, binding) if binding else shown


def _with_index(d: str, letters: str, index: str) -> Markup:
    shown = _mi(GREEK.get(letters, letters))
    if index:
        below = Markup("<mn>{}</mn>" if index.isdigit() else "<mtext>{}</mtext>").format(index)
        shown = Markup("<msub>{}{}</msub>").format(shown, below)
    return _row(_mi(d), shown) if d else shown


def _mi(name: str) -> Markup:
    return Markup("<mi>{}</mi>").format(name)


def _mo(sign: str) -> Markup:
    return Markup("<mo>{}</mo>").format(Markup(sign) if sign.startswith("&#") else sign)


def _row(*parts: Markup) -> Markup:
    return Markup("<mrow>{}</mrow>").format(Markup("").join(escape(part) for part in parts))
