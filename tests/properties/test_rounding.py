"""The bounds: never violated on directed hard cases, needed term by term, and tight enough to see a small fault."""

from fractions import Fraction

import numpy as np
import pytest

from numeric import Geometry, definition, rounding
from numeric.paths import PATHS, im2col
from tests import checks
from tests.strategies import exact

FLOATS = (np.float16, np.float32, np.float64)


def _line(taps: int) -> Geometry:
    return Geometry((taps,), (taps,))


def _close(x, w, path=im2col):
    """How much of the bound the error of one inner product uses up."""
    geometry = _line(x.shape[-1])
    error = exact(path.conv(x, w, geometry)) - definition.conv(exact(x), exact(w), geometry)
    return abs(error).item() / Fraction(rounding.conv_bound(x, w, geometry).item())


@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize("dtype", FLOATS)
def test_cancellation_subnormals_and_wide_exponents_stay_within(path, dtype):
    random = np.random.default_rng(0)
    wide = {np.float16: 6, np.float32: 50, np.float64: 400}[dtype]
    worst = tried = 0
    for trial in range(300):
        n = int(random.integers(2, 30))
        x = random.standard_normal((1, 1, n))
        w = random.standard_normal((1, 1, n))
        if trial % 3 == 0:  # the sum nearly cancels
            x[..., n // 2 : n // 2 * 2], w[..., n // 2 : n // 2 * 2] = -x[..., : n // 2], w[..., : n // 2]
        if trial % 3 == 1:  # exponents far apart, products that underflow among them
            x *= 2.0 ** random.integers(-wide, 1, n)
            w *= 2.0 ** random.integers(-wide, 1, n)
        worst = max(worst, _close(x.astype(dtype), w.astype(dtype), path))
        tried += 1
    assert tried == 300
    assert 0 < worst <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_directed_case_comes_close_to_the_bound(dtype):
    """Every addition rounds by nearly half a unit, the same way: x = (1, u', u', ...) with u' just above u."""
    u = rounding.unit_roundoff(dtype)
    n = 8
    x = np.array([1.0] + [u * (1 + 4 * u)] * (n - 1), dtype)[None, None]
    assert Fraction(1, 2) < _close(x, np.ones_like(x), PATHS["definition"]) <= 1


def test_the_underflow_term_is_needed():
    """A product that underflows to zero is off by more than gamma times its size."""
    tiny = np.array([[[2.0**-80]]], np.float32)
    geometry = _line(1)
    error = Fraction(2) ** -160
    assert im2col.conv(tiny, tiny, geometry).item() == 0
    assert error > Fraction(rounding.gamma(1, np.float32)) * error
    assert error <= Fraction(rounding.conv_bound(tiny, tiny, geometry).item())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_wrong_by_a_twentieth_of_a_percent_is_seen(dtype):
    random = np.random.default_rng(0)
    geometry = Geometry((6, 5), (3, 2), in_channels=2, out_channels=3)
    g = random.standard_normal(geometry.output_shape(2)).astype(dtype)
    w = random.standard_normal(geometry.weight_shape).astype(dtype)
    true, bound = definition.input_gradient(exact(g), exact(w), geometry), rounding.input_gradient_bound(g, w, geometry)
    ours = im2col.input_gradient(g, w, geometry)
    checks.check_within(ours, true, bound)
    ours[0, 1, 2, 2] *= 1.0005
    with pytest.raises(AssertionError, match=r"\(0, 1, 2, 2\): off by"):
        checks.check_within(ours, true, bound)


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_bound_is_the_formula_and_barely_more(dtype):
    """gamma(n) * sum of |a*b| + n * s, with n the products of one sum: channels of a group times taps, and so on."""
    geometry = Geometry((5, 4), (3, 2), 2, in_channels=4, out_channels=6, groups=2)
    shapes = (geometry.input_shape(3), geometry.weight_shape, geometry.output_shape(3))
    x, w, g = (np.ones(shape, dtype) for shape in shapes)
    u, s = rounding.unit_roundoff(dtype), float(np.finfo(dtype).smallest_subnormal)
    # sums of ones are as large as they are long; those of dx have at most group_out * taps products
    dx = im2col.input_gradient(g.astype(float), w.astype(float), geometry)
    expected = (
        (rounding.conv_bound(x, w, geometry), 2 * 6, 2 * 6),
        (rounding.weight_gradient_bound(g, x, geometry), 3 * 2 * 2, 3 * 2 * 2),
        (rounding.input_gradient_bound(g, w, geometry), 3 * 6, dx),
    )
    for bound, n, sums in expected:
        exactly = n * u / (1 - n * u) * sums + n * s
        assert (bound >= exactly).all()
        assert (bound <= exactly * (1 + 1e-9)).all()
    n = 3 * 2 * 2 - 1
    assert rounding.bias_gradient_bound(g) == pytest.approx(np.full(6, n * u / (1 - n * u) * (n + 1)), rel=1e-9)


def test_where_a_value_could_overflow_the_bound_is_infinite():
    x = np.full((1, 1, 2), 2.0**127, np.float32)
    bound = rounding.conv_bound(x, np.ones_like(x), _line(2))
    assert np.isinf(bound).all()
    assert np.isfinite(rounding.conv_bound(x / 4, np.ones_like(x), _line(2))).all()


def test_no_bound_where_the_model_promises_nothing():
    assert rounding.gamma(2**11, np.float16) == np.inf
    assert np.isfinite(rounding.gamma(2**11, np.float32))


def test_unit_roundoff_is_half_an_epsilon():
    assert [rounding.unit_roundoff(dtype) for dtype in FLOATS] == [2.0**-11, 2.0**-24, 2.0**-53]


@pytest.mark.parametrize("turns", [1, 3])
def test_circular_padding_that_wraps_around_more_than_once_is_counted(turns):
    """Adversarial: one cell of three is read `turns` times and more through every tap."""
    geometry = Geometry((3,), (2,), padding=((3 * turns, 0),), boundary="circular")
    g = np.full(geometry.output_shape(1), 1 / 3, np.float16)
    w = np.full(geometry.weight_shape, 1 / 7, np.float16)
    true = definition.input_gradient(exact(g), exact(w), geometry)
    checks.check_within(im2col.input_gradient(g, w, geometry), true, rounding.input_gradient_bound(g, w, geometry))
