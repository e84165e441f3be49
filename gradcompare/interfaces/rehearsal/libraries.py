"""What well-known libraries hand out, in small: a function of each name, for where the library or its data are not
there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces.rehearsal.images import BATCHES, Batches, Images
from gradcompare.interfaces.rehearsal.images import SETS as SETS_OF_IMAGES
from gradcompare.interfaces.rehearsal.supplies import MOST_SAMPLES, Supplies
from gradcompare.interfaces.rehearsal.tables import Record, Table, classes_of, one_hot
from gradcompare.tracing import traced_array

DIGITS = "mnist"
"""In the names of data that are images of 28 x 28."""


class Bunch(dict[str, Any]):
    """A dictionary whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self:
            raise AttributeError(name)
        return self[name]


# ---- data sets -------------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """Data that are known by a name."""

    width: int
    classes: int
    """0 where labels are any numbers."""
    shape: tuple[int, ...] = ()
    """Of a sample, where it is an image."""


SETS = {
    "cifar100": Known(3072, 100, (32, 32, 3)),
    "cifar": Known(3072, 10, (32, 32, 3)),
    "svhn": Known(3072, 10, (32, 32, 3)),
    DIGITS: Known(784, 10, (28, 28)),
    "digits": Known(64, 10, (8, 8)),
    "iris": Known(4, 3),
    "wine": Known(13, 3),
    "breast_cancer": Known(30, 2),
    "boston": Known(13, 0),
    "california": Known(8, 0),
    "diabetes": Known(10, 0),
}


def _known(name: str) -> Known | None:
    return next((known for word, known in SETS.items() if word in name.lower()), None)


def _drawn(known: Known, samples: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    X = (
        generator.integers(0, 256, (samples, known.width))
        if known.shape
        else generator.standard_normal((samples, known.width))
    )
    y = np.arange(samples) % known.classes if known.classes else generator.standard_normal(samples)
    return X, y


def two_parts(made: Supplies, name: str, *_: Any, **__: Any) -> Any:
    """keras.datasets.mnist.load_data()."""
    known = _known(name)
    if known is None:
        return Record(name, made)
    X, y = _drawn(known, made.sizes.samples)
    X = X.reshape(len(X), *known.shape).astype(np.uint8) if known.shape else X
    y = y[:, None] if "cifar" in name else y
    return (X, y), (X.copy(), y.copy())


def wrapped(made: Supplies, name: str, *_: Any, **__: Any) -> Any:
    """load_data_wrapper() of a well-known book: lists of (sample, label), both columns; of tests labels are numbers."""
    known = SETS[DIGITS]
    X, y = _drawn(known, made.sizes.samples)
    columns = [(x / 255).reshape(known.width, 1) for x in X]
    tested = list(zip(columns, map(int, y), strict=True))
    return [(x, np.eye(known.classes)[:, [n]]) for x, n in tested], tested, list(tested)


def bunch(
    made: Supplies, name: str, *args: Any, return_X_y: bool = False, as_frame: bool = False, **options: Any
) -> Any:
    """load_iris(), fetch_openml("mnist_784")."""
    asked = " ".join(map(str, (*args, *options.values())))
    known = _known(asked) or _known(name)
    if known is None:
        return Record(name, made)
    X, y = _drawn(known, made.sizes.samples)
    if "fetch" in name and known.classes:
        y = y.astype(str).astype(object)
    frame, column = Table(X, by_column=bool(as_frame)), Table(y)
    if return_X_y:
        return frame, column
    images = X.reshape(len(X), *known.shape) if known.shape else X
    names = {"feature_names": [f"feature{i}" for i in range(known.width)], "target_names": np.unique(y).astype(str)}
    whole = Table(np.column_stack([X, np.asarray(y, dtype=float)]), by_column=True)
    return Bunch(data=frame, target=column, images=images, DESCR="", frame=whole, **names)


def drawn(made: Supplies, name: str, n_samples: Any = 100, *_: Any, **options: Any) -> Any:
    """make_moons(200), make_classification(n_samples=100, n_features=20); of many samples fewer."""
    samples = min(int(np.sum(n_samples)), MOST_SAMPLES)
    classes = options.get("n_classes", 3 if "blobs" in name else 2)
    centers = options.get("centers")
    classes = centers if isinstance(centers, int) else len(centers) if centers is not None else classes
    width = options.get("n_features", 20 if "classification" in name else 100 if "regression" in name else 2)
    generator = np.random.default_rng(2)
    y = generator.integers(0, classes, samples)
    X = generator.standard_normal((samples, width)) + y[:, None]
    return X, (X.sum(axis=1) if "regression" in name else y)


# ---- what prepares data ----------------------------------------------------------------------------------------------


def _numbers(data: Any) -> np.ndarray:
    """Data as NumPy has them, also where the program that hands them over is traced."""
    return traced_array.plain(data) if isinstance(data, traced_array.TracedArray) else np.asarray(data)


def split(
    made: Supplies, name: str, *arrays: Any, test_size: Any = None, train_size: Any = None, **_: Any
) -> list[Any]:
    """train_test_split(X, y): the first rows and the others, in their order."""
    count = len(arrays[0])
    share = test_size if test_size is not None else 1 - train_size if isinstance(train_size, float) else 0.25
    tested = int(np.ceil(share * count)) if share < 1 else min(int(share), count // 2)
    first = min(max(count - tested, 1), count)
    return [part for array in arrays for part in (array[:first], array[first:])]


def same(made: Supplies, name: str, *arrays: Any, **_: Any) -> Any:
    """shuffle(X, y), normalize(X)."""
    return arrays[0] if len(arrays) == 1 else list(arrays)


def score(made: Supplies, name: str, *_: Any, **__: Any) -> float:
    """accuracy_score(y, said)."""
    return 0.5


class Prepares:
    """What is fitted to data, and then changes them: scalers, and what it is told by a name."""

    def __init__(self, outputs: int, name: str, *args: Any, **options: Any) -> None:
        self.outputs, self.name, self.args, self.options = outputs, name, args, options

    def fit(self, X: Any, y: Any = None) -> Prepares:
        """What it keeps of the data."""
        plain = _numbers(X)
        if plain.dtype.kind in "fiub" and plain.size:
            self.mean_, self.scale_ = plain.mean(axis=0), np.where(plain.std(axis=0) == 0, 1, plain.std(axis=0))
            low, high = plain.min(axis=0), plain.max(axis=0)
            self.data_min_, self.data_range_ = low, np.where(high == low, 1, high - low)
        self.classes_ = np.unique(plain)
        self.categories_ = [np.unique(column) for column in plain.reshape(len(plain), -1).T]
        return self

    def transform(self, X: Any, *_: Any) -> Any:
        """Scaled, encoded."""
        plain = _numbers(X)
        if re.search("OneHot|LabelBinarizer|MultiLabel", self.name):
            hot = one_hot(plain, outputs=self.outputs)
            return Table(hot[:, 1:] if "Label" in self.name and hot.shape[1] == 2 else hot)
        if re.search("LabelEncoder|Ordinal", self.name):
            return np.unique(classes_of(plain, self.outputs), return_inverse=True)[1].reshape(plain.shape)
        if "MinMax" in self.name:
            return (plain - self.data_min_) / self.data_range_
        if "PCA" in self.name or "SVD" in self.name:
            number = self.options.get("n_components", self.args[0] if self.args else None)
            return plain[:, :number] if isinstance(number, int) else plain
        return (plain - self.mean_) / self.scale_ if "Standard" in self.name or "Robust" in self.name else plain

    def fit_transform(self, X: Any, y: Any = None, **_: Any) -> Any:
        """Both."""
        return self.fit(X).transform(X)

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """As it was."""
        return X, y

    fit_sample = fit_resample

    def inverse_transform(self, X: Any) -> Any:
        """Not back: no gradient needs it."""
        return X

    def get_n_splits(self, *_: Any) -> int:
        """How often it splits."""
        return 1

    def split(self, X: Any, *_: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """KFold: two parts."""
        rows = np.arange(len(X))
        yield rows[: len(rows) // 2], rows[len(rows) // 2 :]


def prepares(made: Supplies, name: str, *args: Any, **options: Any) -> Prepares:
    """StandardScaler(), OneHotEncoder()."""
    return Prepares(made.sizes.outputs, name.rpartition(".")[2], *args, **options)


def hot(made: Supplies, name: str, y: Any, num_classes: Any = None, **options: Any) -> Any:
    """to_categorical(y, 10), get_dummies(y), one_hot(y, depth=10)."""
    classes = num_classes if num_classes is not None else options.get("nb_classes", options.get("depth"))
    if "get_dummies" in name:
        return _dummies(y, options.get("columns", num_classes))
    numbers = _numbers(y).astype(int)
    return one_hot(numbers, classes or int(numbers.max()) + 1)


def _dummies(y: Any, columns: Any) -> Any:
    if np.ndim(y) < 2:
        return Table(one_hot(y), by_column=True)
    if not columns:
        return y
    names = [columns] if isinstance(columns, str) else list(columns)
    return Table(np.column_stack([y.drop(names, axis=1), *(one_hot(y[n]) for n in names)]), by_column=True)


# ---- what reads ------------------------------------------------------------------------------------------------------


def frame(made: Supplies, name: str, *_: Any, header: Any = "infer", **options: Any) -> Table:
    """pd.read_csv(file)."""
    known = options.get("names")
    table = Table(made.table, by_column=True)
    for column, word in enumerate(known if known is not None and len(known) == table.shape[1] else ()):
        table.columns_[word] = column
    return table


def numbers(made: Supplies, name: str, *_: Any, **options: Any) -> Table:
    """np.loadtxt(file)."""
    table = Table(made.table)
    columns = options.get("usecols")
    table = table[:, columns] if columns is not None and np.max(columns) < table.shape[1] else table
    return table.T if options.get("unpack") else table


def record(made: Supplies, name: str, *args: Any, **options: Any) -> Any:
    """pickle.load(file), loadmat(file), load_mnist(one_hot_label=True)."""
    last, told = name.rpartition(".")[2], " ".join(map(str, (name, *args)))
    known = _known(told) if re.search(f"{DIGITS}|cifar", told.lower()) else None
    if known is None:
        return Record(last, made)
    hot = any(value is True and "hot" in key for key, value in options.items())
    others = {"rows": "classes", "classes": "rows"}  # what such data are most often comes first
    lie = "rows" if hot else others.get(made.lie, made.lie)
    sizes = made.sizes._replace(inputs=known.width, outputs=known.classes)
    return Record(last, Supplies(lie, sizes, made.in_pairs))


def joined(made: Supplies, name: str, parts: Any, axis: Any = 0, **_: Any) -> Any:
    """pd.concat([a, b], axis=1)."""
    parts = [np.asarray(p) for p in parts]
    if axis in (1, "columns"):
        return Table(np.column_stack(parts), by_column=True)
    return Table(np.concatenate(parts), by_column=True)


def as_table(made: Supplies, name: str, data: Any = (), *_: Any, columns: Any = None, **__: Any) -> Any:
    """pd.DataFrame(array, columns=names), pd.Series(values)."""
    if isinstance(data, dict):
        columns, data = list(data), np.column_stack([np.asarray(v) for v in data.values()])
    table = Table(data, by_column=True)
    table.columns_ = {} if columns is None else {word: c for c, word in enumerate(columns)}
    return table


def letters(made: Supplies, name: str, *_: Any, **__: Any) -> Any:
    """nltk.word_tokenize(text), requests.get(address).text."""
    return Record(name, made)


Row = Callable[..., Any]
"""(the supplies, the dotted name, what it is called with) -> what it returns."""


def retrieved(made: Supplies, name: str, address: Any = "", file: Any = None, *_: Any, **__: Any) -> Any:
    """urlretrieve(address, file)."""
    return file if file is not None else str(address).rpartition("/")[2], None


def images(made: Supplies, name: str, *_: Any, **__: Any) -> Any:
    """torchvision.datasets.MNIST(root, train=True)."""
    known = _known(name) or SETS[DIGITS]
    return Images(*_drawn(known, made.sizes.samples), known.shape, known.classes)


def batches(made: Supplies, name: str, dataset: Any, *args: Any, **options: Any) -> Any:
    """DataLoader(dataset, batch_size=64)."""
    return Batches(dataset, *args, **options)


READS: dict[str, Row] = {
    "urlretrieve": retrieved,
    **dict.fromkeys(("read_csv", "read_table", "read_excel", "read_json", "read_parquet", "read_pickle"), frame),
    **dict.fromkeys(("loadtxt", "genfromtxt", "fromfile", "recfromcsv"), numbers),
    **dict.fromkeys(("load", "loads", "loadmat", "File", "decompress"), record),
}
"""What reads a file: the real one, but where it fails."""

PREPARES: dict[str, Row] = {
    "train_test_split": split,
    **dict.fromkeys(("shuffle", "normalize", "scale", "resample", "to_numeric"), same),
    **dict.fromkeys(
        [
            "StandardScaler",
            "MinMaxScaler",
            "RobustScaler",
            "MaxAbsScaler",
            "Normalizer",
            "OneHotEncoder",
            "LabelBinarizer",
            "LabelEncoder",
            "OrdinalEncoder",
            "MultiLabelBinarizer",
            "PCA",
            "TruncatedSVD",
            "KFold",
            "StratifiedKFold",
            "StratifiedShuffleSplit",
            "ShuffleSplit",
            "SMOTE",
            "RandomOverSampler",
            "RandomUnderSampler",
            "SimpleImputer",
            "Imputer",
            "PolynomialFeatures",
            "ColumnTransformer",
        ],
        prepares,
    ),
    **dict.fromkeys(("to_categorical", "get_dummies", "one_hot"), hot),
    **dict.fromkeys(("concat", "merge"), joined),
    **dict.fromkeys(("DataFrame", "Series"), as_table),
    **dict.fromkeys(
        [
            "accuracy_score",
            "f1_score",
            "precision_score",
            "recall_score",
            "roc_auc_score",
            "mean_squared_error",
            "mean_absolute_error",
            "r2_score",
            "log_loss",
            "confusion_matrix",
            "classification_report",
            "roc_curve",
            "auc",
        ],
        score,
    ),
}

DRAWS: dict[str, Row] = dict.fromkeys(
    ["make_moons", "make_circles", "make_blobs", "make_classification", "make_regression", "make_gaussian_quantiles"],
    drawn,
)


def row(dotted: str) -> Row | None:
    """What stands in for a function of a library."""
    last = dotted.rpartition(".")[2]
    known = READS.get(last) or PREPARES.get(last) or DRAWS.get(last)
    if known is not None:
        return known
    if last == BATCHES:
        return batches
    if dotted.startswith(SETS_OF_IMAGES):
        return images
    if last in ("load_data", "load_data_wrapper"):
        return two_parts if last == "load_data" else wrapped
    return (
        bunch
        if last.startswith(("fetch_", "load_")) and (_known(last) or last == "fetch_openml" or "mldata" in last)
        else None
    )
