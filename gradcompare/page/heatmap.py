"""error / bound over a tensor, as a small picture: cool where rounding explains it, warm and dotted where it does
not."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

LEAST, MOST = -4.0, 16.0
"""Powers of ten of error / bound at the ends of the scale."""
DOTTED = 9
"""Pixels of a cell's side where there is room for a dot."""

UNDECIDED, COOL, WARM, DARK_DOT, LIGHT_DOT = 0, 1, 101, 201, 202
"""Where in the palette they begin."""
DARK = 145
"""From here on a dot has to be light to be seen."""
COOL_COLOURS = [(0.0, "f2f7fb"), (0.5, "c3dbee"), (1.0, "7fb0d8")]
WARM_COLOURS = [(0.0, "fdc98a"), (0.3, "f2873f"), (0.65, "cc3311"), (1.0, "6d0010")]


def data_uri(ratios: np.ndarray, *, coarse: bool = False) -> str:
    """A PNG as a data URI; `coarse` for a pixel an entry, without dots.

    Args:
        ratios: (rows, columns), error / bound; NaN where nothing is decided.
    """
    levels = palette_index(ratios)
    if not coarse:
        dots = np.where(levels < WARM, 0, np.where(levels > DARK, LIGHT_DOT, DARK_DOT)).astype(np.uint8)
        levels, dots = np.kron(levels, np.ones_like(_dot())), np.kron(dots, _dot())
        levels = np.where(dots > 0, dots, levels)
    return "data:image/png;base64," + base64.b64encode(_png(levels)).decode("ascii")


def palette_index(ratios: np.ndarray) -> np.ndarray:
    """The place of each ratio in the palette, uint8."""
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.clip(np.nan_to_num(np.log10(ratios), nan=LEAST, posinf=MOST, neginf=LEAST), LEAST, MOST)
    warm = ratios > 1
    part = np.where(warm, power / MOST, 1 - power / LEAST)
    levels = np.where(warm, WARM, COOL) + np.round(99 * part)
    return np.where(np.isnan(ratios), UNDECIDED, levels).astype(np.uint8)


def gradient(colours: list[tuple[float, str]]) -> str:
    """The colours of a scale as CSS has them."""
    return ", ".join(f"#{colour} {100 * at:g}%" for at, colour in colours)


def _palette() -> np.ndarray:
    at = np.linspace(0, 1, 100)
    ramps = []
    for colours in (COOL_COLOURS, WARM_COLOURS):
        places, channels = [p for p, _ in colours], [list(bytes.fromhex(c)) for _, c in colours]
        ramps.append(np.stack([np.interp(at, places, [c[i] for c in channels]) for i in range(3)], axis=1))
    return np.vstack([[[190, 190, 190]], *ramps, [[20, 0, 0], [255, 235, 225]]]).astype(np.uint8)


def _dot() -> np.ndarray:
    distance = np.hypot(*(np.indices((DOTTED, DOTTED)) - DOTTED // 2))
    return (distance < 1.5).astype(np.uint8)


def _png(levels: np.ndarray) -> bytes:
    """Indexed colours, one byte a pixel (ISO/IEC 15948, chapters 5 and 11)."""
    rows, columns = levels.shape
    scan_lines = np.hstack([np.zeros((rows, 1), dtype=np.uint8), levels])
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
        (b"PLTE", _palette().tobytes()),
        (b"IDAT", zlib.compress(scan_lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    packed = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)
