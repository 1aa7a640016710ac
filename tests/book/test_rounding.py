"""The page on rounding: what it shows is measured, stays below the bound, and is drawn in the page's own colours."""

import re

import numpy as np
import pytest

from numeric import conv
from numeric import rounding as bounds
from numeric.paths import PATHS
from proofs.book import rounding


def test_every_path_that_needs_no_compiler_is_tried():
    shown = rounding.shown()
    assert set(shown) <= set(PATHS) - {"definition"}
    assert {"im2col", "shift", "winograd2", "winograd4", "fft"} <= set(shown)
    for path in shown:
        assert not any(PATHS[path].supports(rounding.layer(channels)) for channels in rounding.CHANNELS)


@pytest.mark.parametrize("dtype", rounding.TYPES)
@pytest.mark.parametrize("path", rounding.shown())
def test_errors_are_seen_and_stay_below_the_bound(path, dtype):
    found = rounding.errors(path, dtype)
    assert found.products == (9, 18, 36, 72, 144, 288, 576)
    for seen, bound in zip(found.seen, found.bound, strict=True):
        assert bounds.unit_roundoff(dtype) / 100 < seen <= bound
    assert list(found.bound) == sorted(found.bound)


@pytest.mark.parametrize("path", rounding.shown())
def test_what_is_shown_of_a_path_is_its_own_error_and_bound(path, monkeypatch):
    """Told apart from another path that gives the same numbers within rounding: by the name that each was asked for."""
    ran, bounded = [], []
    own, bound = rounding.conv, rounding.rounding.conv_bound
    monkeypatch.setattr(rounding, "conv", lambda x, w, **o: (ran.append((str(x.dtype), o["path"])), own(x, w, **o))[1])
    monkeypatch.setattr(
        rounding.rounding, "conv_bound", lambda *a, path: (bounded.append(path), bound(*a, path=path))[1]
    )
    rounding.errors(path, "float32")
    assert [name for dtype, name in ran if dtype == "float32"] == bounded == [path] * len(rounding.CHANNELS)


def test_an_error_beyond_the_bound_is_shown_as_it_is(monkeypatch):
    def worse(x, w, **options):
        return conv(x, w, **options) * np.asarray(1.001, x.dtype)

    monkeypatch.setattr(rounding, "conv", lambda x, w, **o: (worse if x.dtype == "float32" else conv)(x, w, **o))
    found = rounding.errors("im2col", "float32")
    assert all(seen > bound for seen, bound in zip(found.seen, found.bound, strict=True))


def test_pictures_have_the_pages_colours_text_as_text_and_every_point():
    ((_, pictures), _) = rounding.seen()["kinds"]
    for series, picture in pictures:
        assert not re.findall(r"#[0-9a-fA-F]{6}", picture)
        assert {"var(--link)", "var(--read)", "var(--line)", "var(--quiet)"} <= set(
            re.findall(r"var\(--\w+\)", picture)
        )
        assert f'aria-label="{series.path} in {series.dtype}: ' in picture
        assert "products in a sum" in picture
        points = re.findall(r"<use [^>]*style=\"[^\"]*stroke: var\(--(?:link|read)\)", picture)
        assert len(points) == len(series.seen) + len(series.bound)
        assert len(picture) < 20_000


def test_it_is_drawn_the_same_twice():
    assert rounding.seen() == rounding.seen()
