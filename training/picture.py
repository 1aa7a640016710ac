"""A picture of one digit, made what MNIST would have made of it: 28 x 28, ink on paper, in size and place.

MNIST's makers fitted each digit into a box of 20 x 20 pixels, preserving its aspect ratio, with grey values from
anti-aliasing, and moved its centre of mass to the centre of 28 x 28 pixels (Y. LeCun, L. Bottou, Y. Bengio, P. Haffner,
"Gradient-Based Learning Applied to Document Recognition", 1998, section III.A). In their files the longer side is 20
(in all but 13 of 60,000) and the centre of mass less than half a pixel from that of pixel (14, 14); so here. A digit
of theirs, at any place on plain paper and of either polarity, comes back bit for bit.
"""

from pathlib import Path
from typing import Literal
from warnings import catch_warnings, simplefilter

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from training.data import IMAGE_SHAPE
from training.errors import DataError

WHITE = 2**16 - 1
_BOX = 20
_CENTRE = 14  # the pixel that the centre of mass lies in, along both axes
_FAINT = 4  # on paper that is not plain, ink is what has at least this part of the strongest
_LEAST = 16  # and the strongest has at least this part of the way from black to white

Grey = npt.NDArray[np.int32]
Ink = Literal["auto", "dark", "light"]


def read(path: Path) -> Grey:
    """Return the picture in a file that Pillow reads, as grey values 0 (black) to `WHITE`, turned as its EXIF says.

    What is transparent is paper: white, or black under what is light. Of several frames the first counts. Raises
    `DataError` if there is no such file, it is no picture, or it is damaged or far too large.
    """
    try:
        with catch_warnings():
            simplefilter("error", Image.DecompressionBombWarning)
            simplefilter("ignore", UserWarning)  # of metadata that are not as they should be
            with Image.open(path) as image:
                return _grey(ImageOps.exif_transpose(image))
    except OSError as error:
        reason = error.strerror or "not one, or damaged"
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        reason = f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
    except (ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError) as error:  # of Pillow's readers
        reason = f"damaged ({error})"
    raise DataError(f"{path}: expected a picture that can be read: {reason}")


def digit(grey: Grey, ink: Ink = "auto") -> npt.NDArray[np.uint8]:
    """Return the digit on a picture `(height, width)` as an image `(28, 28)`, 0 (paper) to 255 (ink).

    `ink` says whether it is dark or light; `auto`: the border, by its median, is paper. Raises `DataError` if there is
    no ink.
    """
    return framed(_ink(grey, ink))


def framed(ink: Grey) -> npt.NDArray[np.uint8]:
    """Return the digit whose ink is given, from 0 (paper) on up, as `digit` does."""
    if not ink.any():
        raise DataError("expected a digit, found blank paper")
    return _centred(_fitted(_cropped(ink)))


def _grey(image: Image.Image) -> Grey:
    if image.mode.startswith("I"):  # 16 bits, in one of its forms
        return np.asarray(image, np.int32).clip(0, WHITE)
    if image.mode == "F":
        return _stretched(np.asarray(image, np.float64))
    if image.has_transparency_data:
        return _on_paper(np.asarray(image.convert("RGBA").convert("LA"), np.int32))
    if image.mode not in ("1", "L"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"), np.int32) * (WHITE // 255)


def _stretched(values: npt.NDArray[np.float64]) -> Grey:
    """Grey values of no known range, from their least to their largest."""
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("grey values that are not finite")
    levels: Grey = np.rint((values - low) / max(high - low, np.finfo(float).tiny) * WHITE).astype(np.int32)
    return levels


def _on_paper(image: Grey) -> Grey:
    """Lay levels with their opacity `(height, width, 2)` on paper that they stand out from."""
    level, alpha = image[..., 0], image[..., 1]
    light = 2 * (level * alpha).sum() > 255 * alpha.sum()
    paper = 0 if light else 255
    return (level * alpha + paper * (255 - alpha)) * (WHITE // 255) // 255


def _ink(grey: Grey, which: Ink) -> Grey:
    """How far each pixel is from the paper, to the side that the ink is on; twice that, to stay with integers."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    paper = {"auto": np.median(border), "dark": border.max(), "light": border.min()}[which]
    darker = int(2 * paper) - 2 * grey
    sides = (darker.max(), darker.sum()), (-darker.min(), -darker.sum())
    dark = sides[0] >= sides[1] if which == "auto" else which == "dark"
    ink: Grey = np.maximum(darker if dark else -darker, 0)
    if np.ptp(border) == 0:  # plain paper
        return ink
    ink[(ink * _FAINT < ink.max()) | (ink.max() * _LEAST < 2 * WHITE)] = 0
    return ink


def _cropped(ink: Grey) -> Grey:
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(ink: Grey) -> Grey:
    """Scale so that the longer side is that of the box, and the strongest ink 255."""
    longest = max(ink.shape)
    height, width = (max(1, round(side * _BOX / longest)) for side in ink.shape)
    if longest == _BOX:
        return (2 * 255 * ink + int(ink.max())) // (2 * int(ink.max()))
    scaled = Image.fromarray(ink.astype(np.float32)).resize((width, height), Image.Resampling.HAMMING)
    values = np.asarray(scaled, np.float64)  # none is below 0: this filter does not overshoot
    levels: Grey = np.rint(values * (255 / values.max())).astype(np.int32)
    return levels


def _centred(ink: Grey) -> npt.NDArray[np.uint8]:
    """Move the centre of mass to that of the image, to whole pixels, as far as the box has room."""
    image = np.zeros(IMAGE_SHAPE, np.uint8)
    top, left = (_start(ink.sum(axis=1 - axis), IMAGE_SHAPE[axis]) for axis in (0, 1))
    image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return image


def _start(masses: Grey, room: int) -> int:
    """Return where a box begins whose centre of mass lies in [13.5, 14.5)."""
    total, moment = int(masses.sum()), int((masses * np.arange(len(masses))).sum())
    start = -((2 * moment - (2 * _CENTRE - 1) * total) // (2 * total))
    return min(max(start, 0), room - len(masses))
