"""What a file defines, without what it does: imports, functions, classes and constants, never a training loop.

reading      a path -> text, in one clear sentence where there is none
notebooks    a notebook -> one text, each line of it mapped back to its cell
parsing      text -> syntax tree; Python 2 and its like are named
running      the definitions of a tree, run one by one
safety       which constants may be computed
importing    imports that cannot fail: helper files, what stands in for them, what is left out
unfinished   exercises that nobody has filled in
loaded       all of it together: `load`
"""

from gradcompare.loading.absent import AbsentError
from gradcompare.loading.errors import CannotLoadError
from gradcompare.loading.loaded import Loaded, load
from gradcompare.loading.needs import Missing
from gradcompare.loading.reading import files_in
from gradcompare.loading.unfinished import Unfinished

__all__ = ["AbsentError", "CannotLoadError", "Loaded", "Missing", "Unfinished", "files_in", "load"]
