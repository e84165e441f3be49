"""Imports that cannot fail: NumPy and the standard library are real, helper files beside the file give what they
define, and everything else is stood in for or absent until it is used."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import inspect
import itertools
import re
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gradcompare.loading import uses
from gradcompare.loading.absent import Absent, Inert
from gradcompare.loading.errors import CannotLoadError
from gradcompare.loading.outdated import NUMPY
from gradcompare.loading.settings import number_called
from gradcompare.loading.substitutes import SUBSTITUTES
from gradcompare.tracing import stood_in

NEVER = {
    "IPython", "PIL", "antigravity", "bokeh", "cv2", "cvxpy", "google", "graphviz", "gym", "h5py", "idlelib", "imageio",
    "ipywidgets", "kaggle", "kagglehub", "keras", "matplotlib", "mpl_toolkits", "plotly", "psutil", "pygame", "pylab",
    "requests", "seaborn", "tensorflow", "tensorflow_datasets", "this", "tkinter", "torchvision", "tqdm", "turtle",
    "wandb", "wget",
}  # fmt: skip
"""Plots, data and downloads: not imported at all. (tqdm has a substitute.)"""
DRAWS = {
    "IPython", "bokeh", "graphviz", "ipywidgets", "matplotlib", "mpl_toolkits", "plotly", "pylab", "seaborn", "turtle",
    "wandb",
}  # fmt: skip
"""Of these, what only draws or shows, which a function may do on its way."""
_MEASURES = re.compile(
    r"(balanced_)?accuracy|confusion_matrix|classification_report|(f1|precision|recall|r2|roc|auc)_"
    r"|grad(ient)?s?_?(test|check)",
    re.IGNORECASE,
)
"""What functions are called that only say how good results are, or whether gradients are right, on the way of many a
training loop."""
PUT_OFF = {
    "gradcompare", "jax", "mnist", "numba", "pandas", "scipy", "skimage", "sklearn", "statsmodels", "sympy", "torch",
}  # fmt: skip
"""Large, and seldom needed for a gradient: imported when something of it is called."""
NUMPY_ALIKE = {"cupy", "autograd.numpy", "jax.numpy", "minpy.numpy", "mxnet.numpy"}
"""NumPy's interface on another machine: NumPy stands in."""
PYLAB = dict.fromkeys(("pylab", "matplotlib.pylab"), ("np", "numpy"))
"""Plots, and all of NumPy under these names and its own."""
NUMPY_NAMES = ("np", "numpy")
"""What NumPy is called where a file takes it from a helper file of its own that is not there."""
OLD_NAMES = {
    "cPickle": "pickle",
    "urllib2": "urllib.request",
    "Queue": "queue",
    "ConfigParser": "configparser",
    "StringIO": "io",
    "Tkinter": "tkinter",
    "itertools.izip": "zip",
    "itertools.imap": "map",
    "__builtin__": "builtins",
    "commands": "subprocess",
}
"""Modules of Python 2."""
MOST_HELPERS = 25
"""A file that imports more than so many others from beside it is part of a library; the rest is left out."""
LoadHelper = Callable[[Path, types.ModuleType], None]
"""Fills a module with what a helper file defines."""


class Importer:
    """`__import__` for the code of one file; it is used for imports inside its functions too."""

    def __init__(
        self, folder: Path | None, tree: ast.AST, load_helper: LoadHelper, wanted: set[str], helpers: dict[Path, Any]
    ) -> None:
        self.folders = [] if folder is None else [folder]
        self.folder, self.tree, self.load_helper, self.wanted = folder, tree, load_helper, wanted
        self.strict = False
        """In `try: import ... except ImportError:` a module that is not there raises, as it should."""
        self.not_found: dict[str, str] = {}
        self.stood_in: dict[str, list[str]] = {}
        self._helpers = helpers

    def __call__(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:  # noqa: A002 (the names of __import__)
        found = self._module(name, level)
        if isinstance(found, Absent) and self.strict and not self._is_installed(name):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if not fromlist:
            return self._top(name, found, level)
        module = types.ModuleType(name or ".")
        for wanted in self._starred(found) if "*" in fromlist else fromlist:
            setattr(module, wanted, self._attribute(found, name, wanted, level))
        return module

    # ---- modules -----------------------------------------------------------------------------------------------------

    def _module(self, name: str, level: int) -> Any:
        """The module of a dotted name, or what is there in its place."""
        if level == 0:
            if name in NUMPY_ALIKE or name == "numpy" or name.startswith("numpy."):
                return self._numpy(name)
            if name in SUBSTITUTES:
                return SUBSTITUTES[name]
        helper = self._helper(name, level)
        if helper is not None:
            return helper
        if level:
            return self._absent(name or ".", f"{'.' * level}{name} was not found beside the file")
        return self._installed(name)

    def _numpy(self, name: str) -> Any:
        if name in NUMPY_ALIKE:
            if self.strict:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            self._stand_in_for(name, "NumPy")
            return np
        try:
            return importlib.import_module(name)
        except ImportError:
            return self._absent(name, f"NumPy {np.__version__} does not have it")

    def _installed(self, name: str) -> Any:
        top = name.partition(".")[0]
        if not self._is_installed(top):
            return self._absent(name, self._why_not_found(name), found=False)
        if top in NEVER:
            return self._absent(name, f"{top} is not loaded for a check of gradients")
        if top in PUT_OFF:
            return Absent(name, f"{top} was put off", lambda: importlib.import_module(name))
        return self._really(name)

    def _really(self, name: str) -> Any:
        try:
            return importlib.import_module(name)
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:
            return self._absent(name, f"importing it fails ({type(error).__name__}: {error})", found=False)

    def _is_installed(self, name: str) -> bool:
        """Whether a module could be imported from where Python keeps its libraries."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names:
            return True
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError, AttributeError):
            return False
        if spec is None:
            return False
        places = [spec.origin or "", *(spec.submodule_search_locations or [])]
        return top in PUT_OFF or any("-packages" in place or place in ("built-in", "frozen") for place in places)

    def _why_not_found(self, name: str) -> str:
        if name in OLD_NAMES:
            return f"{name} is Python 2 (in Python 3: {OLD_NAMES[name]})"
        return f"{name} was not found"

    def _absent(self, name: str, why: str, found: bool = True) -> Absent:
        if not found and not self.strict:
            self.not_found.setdefault(name, why)
        absent = (Inert if name.partition(".")[0] in DRAWS else Absent)(name, why)
        for attribute in sorted(set() if found else uses.attributes_of(self.tree, name)):
            row = stood_in.row(attribute)
            if row is not None:
                setattr(absent, attribute, self._standing_in(row, attribute, name))
            elif _MEASURES.match(attribute):
                setattr(absent, attribute, Inert(f"{name}.{attribute}", why))
            elif (number := number_called(attribute)) is not None and not uses.most_given(self.tree, attribute):
                setattr(absent, attribute, self._number(number, attribute, name))
        return absent

    def _number(self, number: float, called: str, name: str) -> float:
        self._stand_in_for(name, f"{called} = {number:g}")
        return number

    def _top(self, name: str, found: Any, level: int) -> Any:
        """What `import a.b` binds to a: with .b in it."""
        if "." not in name:
            return found
        top = name.partition(".")[0]
        if name in SUBSTITUTES and top in SUBSTITUTES:
            return SUBSTITUTES[top]
        if isinstance(found, Absent) and top in SUBSTITUTES:  # import scipy.spatial, and then scipy.special.expit
            beside = types.ModuleType(top)
            vars(beside).update(vars(SUBSTITUTES[top]))
            _put(beside, name.split(".")[1:], found)
            return beside
        if isinstance(found, Absent):
            real = (lambda: importlib.import_module(top)) if top in PUT_OFF and self._is_installed(top) else None
            outer = type(found)(top, found._why, real)
            if real is None:
                _put(outer, name.split(".")[1:], found)
            return outer
        if found is np or getattr(found, "__name__", "").startswith("subject_"):
            return _nested(name.split(".")[1:], top, found)
        return sys.modules.get(top, found)

    # ---- helper files ------------------------------------------------------------------------------------------------

    def _helper(self, name: str, level: int) -> Any:
        if not level and (name.partition(".")[0] in ("math", *sys.builtin_module_names) or self.folder is None):
            return None
        for folder in self._where(name, level):
            base = folder.joinpath(*name.split(".")) if name else folder
            for path in (base.with_name(base.name + ".py"), base / "__init__.py", base.with_name(base.name + ".ipynb")):
                if path.is_file():
                    return self._helper_file(path, name)
            if base.is_dir() and (level or name.partition(".")[0] not in sys.stdlib_module_names | NEVER | PUT_OFF):
                return types.ModuleType(f"subject_{name}")
        return self._helper_below(name) if not level else None

    def _helper_below(self, name: str) -> Any:
        """A helper file in a folder beside the file, which its author had on the path, where there is but one."""
        if self.folder is None or not name.isidentifier() or self._is_installed(name):
            return None
        found = list(itertools.islice(self.folder.glob(f"*/{name}.py"), 2))
        return self._helper_file(found[0], name) if len(found) == 1 else None

    def _where(self, name: str, level: int) -> list[Path]:
        if self.folder is None:
            return []
        if level:
            folder = self.folder.absolute()
            return [[folder, *folder.parents][level - 1]] if level <= len(folder.parents) else []
        if self._is_installed(name):
            return self.folders
        return [*self.folders, *self.folder.absolute().parents[:2]]

    def _helper_file(self, path: Path, name: str) -> Any:
        path = path.absolute()
        if path not in self._helpers and len(self._helpers) >= MOST_HELPERS:
            return self._absent(name, f"more than {MOST_HELPERS} files are imported from beside it", found=False)
        if path not in self._helpers:
            self._helpers[path] = module = types.ModuleType(f"subject_{name}")
            try:
                self.load_helper(path, module)
            except CannotLoadError as error:
                self._helpers[path] = self._absent(name, str(error).rstrip("."), found=False)
        return self._helpers[path]

    # ---- names from modules ------------------------------------------------------------------------------------------

    def _attribute(self, module: Any, name: str, wanted: str, level: int) -> Any:
        """What `from module import wanted` binds."""
        if not isinstance(module, Absent):
            if hasattr(module, wanted):
                return getattr(module, wanted)
            inner = self._helper(f"{name}.{wanted}".strip("."), level)
            return inner if inner is not None else self._not_in(module, name, wanted)
        if _MEASURES.match(wanted) and (why := module.why_not()) is not None:
            return Inert(f"{name}.{wanted}", why)
        if name in PYLAB and (wanted in PYLAB[name] or hasattr(np, wanted)):
            return np if wanted in PYLAB[name] else getattr(np, wanted)
        if name.partition(".")[0] in PUT_OFF | NEVER and not level:
            return getattr(module, wanted)
        if wanted in NUMPY_NAMES:
            return np
        if uses.builds_modules(self.tree, wanted):
            self._stand_in_for(name, f"{wanted} (forward and backward of updateOutput, updateGradInput and their kin)")
            return stood_in.Module
        number = number_called(wanted)
        if number is not None and not uses.most_given(self.tree, wanted) and not uses.makes_objects(self.tree, wanted):
            return self._number(number, wanted, name)
        row = stood_in.row(wanted)
        if row is None and uses.attributes_of(self.tree, f"{name}.{wanted}"):
            return self._absent(f"{name}.{wanted}", f"{name} was not found", found=False)
        if row is None or uses.most_given(self.tree, wanted) > len(inspect.signature(row.alone).parameters):
            return getattr(module, wanted)
        if uses.makes_objects(self.tree, wanted) and row.made is None:
            return getattr(module, wanted)
        return self._standing_in(row, wanted, name)

    def _standing_in(self, row: stood_in.Row, wanted: str, name: str) -> Any:
        if row.rows is not None and uses.rows_are_samples(self.tree):
            row = row.rows
        if row.of_a is not None and uses.gives_activations(self.tree, wanted, name):
            row = row.of_a
        if row.made is not None and uses.makes_objects(self.tree, wanted):
            self._stand_in_for(name, f"{wanted}, an object ({row.says})")
            return row.made
        two = row.with_cache is not None and uses.returns_two(self.tree, wanted, name)
        self._stand_in_for(name, f"{wanted} ({row.says}{'; returns A and Z' if two else ''})")
        return row.with_cache if two else row.alone

    def is_library(self, absent: Absent) -> bool:
        """Whether what is absent is of a library, rather than of a helper file of the author's."""
        top = absent.full_name().partition(".")[0]
        return top in PUT_OFF | NEVER or self._is_installed(top)

    def _stand_in_for(self, name: str, what: str) -> None:
        known = self.stood_in.setdefault(name, [])
        if what not in known:
            known.append(what)

    def _not_in(self, module: Any, name: str, wanted: str) -> Any:
        """A name that a module which is there does not have."""
        if self.strict:
            raise ImportError(f"cannot import name {wanted!r} from {name!r}", name=name)
        if module is np:
            instead = f" (write {NUMPY[wanted]})" if wanted in NUMPY else ""
            return Absent(f"numpy.{wanted}", f"NumPy {np.__version__} does not have it{instead}")
        if getattr(module, "__name__", "").startswith("subject_"):
            row = stood_in.row(wanted)
            if row is not None:
                return self._standing_in(row, wanted, name)
            return Absent(f"{name}.{wanted}", f"{name} does not define it without running more than definitions")
        return self._absent(f"{name}.{wanted}", f"{name} does not have {wanted}", found=False)

    def _starred(self, module: Any) -> list[str]:
        """The names that `from module import *` binds."""
        if isinstance(module, Absent):
            return sorted(self.wanted)
        public = getattr(module, "__all__", None)
        return list(public) if public is not None else [n for n in vars(module) if not n.startswith("_")]


def _nested(path: list[str], top: str, innermost: Any) -> Any:
    """A module `top` in which the rest of a dotted name leads to the innermost one."""
    outer = types.ModuleType(f"subject_{top}")
    _put(outer, path, innermost)
    return outer


def _put(outer: Any, path: list[str], innermost: Any) -> None:
    for name in path[:-1]:
        inner = types.ModuleType(f"subject_{name}")
        setattr(outer, name, inner)
        outer = inner
    setattr(outer, path[-1], innermost)


def builtins_with(importer: Importer, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Python's built-in names, with this `__import__`."""
    return {**vars(builtins), **extra, "__import__": importer}
