"""Warps move images where they should: exactly by whole pixels, and as SciPy does in between."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from numeric.rounding import gamma
from training.warping import warp

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 7, 5)).astype(np.float32)
IDENTITY = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


def warped(*maps: np.ndarray) -> np.ndarray:
    return np.asarray(warp(IMAGES, np.array(maps, np.float32)))


def test_identity_leaves_images_alone() -> None:
    assert np.array_equal(warped(IDENTITY, IDENTITY, IDENTITY), IMAGES)


@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, -2), (-3, 4), (7, 0), (0, -5), (100, 100)])
def test_whole_pixels_are_exact_and_paper_comes_in(down: int, right: int) -> None:
    """Each image has a map of its own."""
    moved = IDENTITY + np.array([[0, 0, down], [0, 0, right]])
    expected = np.zeros_like(IMAGES)
    for row in range(7):
        for column in range(5):
            if 0 <= row + down < 7 and 0 <= column + right < 5:
                expected[:, row, column] = IMAGES[:, row + down, column + right]
    assert np.array_equal(warped(moved, IDENTITY, moved), np.stack([expected[0], IMAGES[1], expected[2]]))


def test_a_quarter_turn_is_exact_on_a_square() -> None:
    square = np.ascontiguousarray(IMAGES[:, :5])
    turned = np.asarray(warp(square, np.tile(np.array([[0, -1, 0], [1, 0, 0]], np.float32), (3, 1, 1))))
    assert np.array_equal(turned, np.rot90(square, -1, axes=(1, 2)))


def test_in_between_it_is_scipys_linear_interpolation() -> None:
    """Off by the rounding of the places, times the steepest slope, and by that of the interpolation itself.

    A place is a sum of four products along each axis; from one pixel to the next the value changes by at most `high`.
    A value is read from four pixels, each times two shares of which one may be a rounded difference: of at most
    `1 + 2 + 2` roundings, of numbers that add up to at most `high`. Float64 rounds SciPy's by far less: 6, not 5.
    """
    generator = np.random.default_rng(1)
    maps = IDENTITY + generator.normal(scale=0.3, size=(3, 2, 3)).astype(np.float32)
    centre, high = np.array([3.0, 2.0]), IMAGES.max()
    pixels = np.stack([*np.indices((7, 5)), np.ones((7, 5))]) - np.array([3.0, 2.0, 0.0])[:, None, None]
    places = np.einsum("nij,jkl->nikl", abs(maps.astype(float)), abs(pixels)) + centre[:, None, None]
    bound = high * (gamma(4, np.float32) * places.sum(axis=1) + gamma(6, np.float32))
    expected = []
    for image, affine in zip(IMAGES.astype(float), maps.astype(float), strict=True):
        linear = affine[:, :2]
        offset = affine[:, 2] + centre - linear @ centre
        expected.append(affine_transform(image, linear, offset, order=1, mode="grid-constant"))
    assert (abs(warped(*maps) - np.array(expected)) <= bound).all()
    assert (bound < 1e-3 * high).all()
