"""Sets of images as torchvision hands them out, and the batches that PyTorch makes of them, in small and in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

SETS = "torchvision.datasets"
BATCHES = "DataLoader"


class Tensor(np.ndarray):
    """An array with what a program that goes on in NumPy asks of a tensor."""

    def numpy(self) -> np.ndarray:
        """The array itself."""
        return np.array(self)

    def view(self, *shape: Any) -> Any:  # type: ignore[override]
        """view(-1, 784); of types, as NumPy has it."""
        return self.reshape(*shape) if all(isinstance(n, int | tuple) for n in shape) else super().view(*shape)

    def detach(self) -> Tensor:
        """No graph is behind it."""
        return self

    cpu = detach

    def float(self) -> Any:
        """Of the working precision of the rest."""
        return self.astype(np.float64)

    def long(self) -> Any:
        """As whole numbers."""
        return self.astype(np.int64)

    def permute(self, *axes: int) -> Any:
        """transpose()."""
        return self.transpose(*axes)


class Images:
    """A set of images with their classes: FashionMNIST(root, train=True, transform=ToTensor())."""

    def __init__(self, X: np.ndarray, classes: np.ndarray, shape: tuple[int, ...], names: int) -> None:
        """`X`: (m, width), 0 .. 255; `classes`: (m,); `shape`: of an image; `names`: how many classes there are."""
        self.data = X.reshape(len(X), *shape).astype(np.uint8).view(Tensor)
        self.targets = classes.astype(np.int64).view(Tensor)
        self.classes = [str(number) for number in range(names)]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> tuple[Any, int]:
        """(image, (channels, height, width), 0 .. 1, its class)."""
        image = self.data[i] / 255
        return (image[None] if image.ndim == 2 else image.transpose(2, 0, 1)), int(self.targets[i])


class Batches:
    """DataLoader(dataset, batch_size=64, shuffle=True): in order."""

    def __init__(self, dataset: Any, batch_size: Any = 1, *_: Any, **__: Any) -> None:
        self.dataset, self.batch_size = dataset, min(int(batch_size or 1), len(dataset))
        self.batches = [
            [np.stack([np.asarray(part) for part in parts]).view(Tensor) for parts in zip(*samples, strict=True)]
            for first in range(0, len(dataset) - self.batch_size + 1, self.batch_size)
            if (samples := [dataset[i] for i in range(first, first + self.batch_size)])
        ]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[Any]]:
        return iter(self.batches)
