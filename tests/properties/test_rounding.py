"""The bounds: never violated on directed hard cases, needed term by term, and tight enough to see a small fault."""

from fractions import Fraction

import numpy as np
import pytest

from numeric import Geometry, conv_double_backward, definition, rounding
from numeric.paths import DIRECT, PATHS, im2col
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


@pytest.mark.parametrize("path", [PATHS[name] for name in DIRECT])
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
    """gamma(n) * sum of |a*b| + n * s, n being the products of the entry, which the plain loops count."""
    geometry = Geometry((5, 4), (3, 2), 2, padding=1, in_channels=4, out_channels=6, groups=2)
    shapes = (geometry.input_shape(3), geometry.weight_shape, geometry.output_shape(3))
    x, w, g, bias = (np.full(shape, 2, dtype) for shape in (*shapes, (6,)))
    ones = [np.ones(shape) for shape in shapes]
    y, dx = definition.conv(*ones[:2], geometry), definition.input_gradient(ones[2], ones[1], geometry)
    dw = definition.weight_gradient(ones[2], ones[0], geometry)
    for bound, products, added in (
        (rounding.conv_bound(x, w, geometry), y, 0),
        (rounding.conv_bound(x, w, geometry, bias), y, 1),
        (rounding.weight_gradient_bound(g, x, geometry), dw, 0),
        (rounding.input_gradient_bound(g, w, geometry), dx, 0),
        (rounding.conv_transpose_bound(g, w, geometry, bias[:4]), dx, 1),
    ):
        assert len(np.unique(products)) > 1  # a cell at the border has fewer
        _expect_formula(bound, products + added, 4 * products + 2 * added, products, dtype)
    added = np.full(6, len(g) * np.prod(geometry.output_size) - 1)
    _expect_formula(rounding.bias_gradient_bound(g), added, 2 * (added + 1), 0, dtype)


def _expect_formula(bound, terms, sums, products, dtype):
    u, s = rounding.unit_roundoff(dtype), rounding.smallest_subnormal(dtype)
    exactly = terms * u / (1 - terms * u) * sums + products * s
    assert (bound >= exactly).all()
    assert (bound <= exactly * (1 + 1e-9)).all()


def test_zeros_count_for_nothing():
    """Where all but one product is zero by a factor, the sum is that product, rounded once."""
    x, w = np.array([[[3, 0, 5, 0]]], np.float32), np.array([[[1, 1, 0, 1]]], np.float32)
    once = rounding.conv_bound(x[..., :1], w[..., :1], _line(1))
    checks.check_same(rounding.conv_bound(x, w, _line(4)), once)
    nothing = rounding.conv_bound(np.zeros_like(x), w, _line(4), np.zeros(1, np.float32))
    assert nothing.tolist() == [[[0.0]]]


def test_a_sum_so_long_that_underflow_adds_up():
    """n*u = 7/8: what a product loses may grow by more than twice in the additions that follow."""
    n = 7 * 2**8
    tiny = np.full((1, n), 2.0**-12, np.float16)
    unit = rounding.gamma(n, np.float16)
    assert unit == pytest.approx(7)
    bound = rounding.dense_bound(tiny, tiny)
    assert bound == pytest.approx(unit * n * 2.0**-24 + n * (1 + unit) / 2 * 2.0**-24, rel=1e-9)


def test_a_window_with_more_cells_than_the_type_counts_has_no_bound():
    """The number 2049 is none of float16's: the divisor itself would round."""
    for size, bounded in ((2048, True), (2049, False)):
        x, geometry = np.zeros((1, 1, size), np.float16), Geometry((size,), (size,))
        x[..., 3] = 1
        assert np.isfinite(rounding.average_pool_bound(x, geometry)).all() == bounded
        bound = rounding.average_pool_input_gradient_bound(x[..., 3:4], geometry)
        assert np.isfinite(bound).all() == bounded


def test_where_a_value_could_overflow_the_bound_is_infinite():
    x = np.full((1, 1, 2), 2.0**127, np.float32)
    bound = rounding.conv_bound(x, np.ones_like(x), _line(2))
    assert np.isinf(bound).all()
    assert np.isfinite(rounding.conv_bound(x / 4, np.ones_like(x), _line(2))).all()
    assert np.isinf(rounding.average_pool_bound(x, _line(2))).all()  # the sum overflows, the mean would not
    assert np.isfinite(rounding.average_pool_bound(x / 4, _line(2))).all()
    assert np.isinf(rounding.bias_gradient_bound(x)).all()


def test_the_largest_number_overflows_in_silence():
    """Warnings are errors here, and the bound's own arithmetic is float64 as well."""
    x, geometry = np.full((1, 1, 1), np.finfo(np.float64).max), _line(1)
    for bound in (
        rounding.conv_bound(x, np.ones_like(x), geometry),
        rounding.bias_gradient_bound(x),
        rounding.average_pool_bound(x, geometry),
        rounding.average_pool_input_gradient_bound(x, geometry),
        *(rounding.conv_bound(np.repeat(x, 3, -1), np.ones((1, 1, 3)), _line(3), path=path) for path in PATHS),
    ):
        assert np.isinf(bound).all()


def test_no_bound_where_the_model_promises_nothing():
    assert rounding.gamma(2**11, np.float16) == np.inf
    assert rounding.gamma(np.array([1, 2**11, 2**12]), np.float16).tolist() == [1 / (2**11 - 1), np.inf, np.inf]
    assert np.isfinite(rounding.gamma(2**11, np.float32))


def test_unit_roundoff_is_half_an_epsilon():
    assert [rounding.unit_roundoff(dtype) for dtype in FLOATS] == [2.0**-11, 2.0**-24, 2.0**-53]
    assert [rounding.smallest_subnormal(dtype) for dtype in FLOATS] == [2.0**-24, 2.0**-149, 2.0**-1074]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_gradients_of_the_gradients_stay_within(path, dtype):
    random = np.random.default_rng(0)
    geometry = Geometry((4, 3), (3, 3), padding=((1, 0), (0, 1)), in_channels=2, out_channels=4, groups=2)
    x, w, g = geometry.input_shape(2), geometry.weight_shape, geometry.output_shape(2)
    options = {"padding": geometry.padding, "groups": 2, "path": path}
    tried = 0
    for _ in range(5):
        arrays = [random.standard_normal(shape).astype(dtype) for shape in (x, w, g, x, w)]
        true = definition.conv_double_backward(*map(exact, arrays), geometry)
        bounds = rounding.conv_double_backward_bound(*arrays, geometry, path=path)
        for ours, right, bound in zip(conv_double_backward(*arrays, **options), true, bounds, strict=True):
            if np.isfinite(bound).all():  # float16 may overflow on the way of F(4, 3)
                checks.check_within(ours, right, bound)
                tried += 1
    assert tried == 15 or (path, dtype) == ("winograd4", np.float16)


LINE = np.ones((1, 1, 2), int)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rounding.conv_bound(LINE, LINE, _line(2)),
        lambda: rounding.dense_bound(LINE[0], LINE[0], LINE[0, 0, :1]),
        lambda: rounding.bias_gradient_bound(LINE),
        lambda: rounding.average_pool_bound(LINE, _line(2)),
        lambda: rounding.average_pool_input_gradient_bound(LINE[..., :1], _line(2)),
        lambda: rounding.max_pool_input_gradient_bound(LINE[..., :1], LINE, _line(2)),
        lambda: rounding.smallest_subnormal(int),
    ],
)
def test_integers_have_no_bound(call):
    with pytest.raises(TypeError, match="rounding bounds are for real floating-point types, got int64"):
        call()


@pytest.mark.parametrize("turns", [1, 3])
def test_circular_padding_that_wraps_around_more_than_once_is_counted(turns):
    """Adversarial: one cell of three is read `turns` times and more through every tap."""
    geometry = Geometry((3,), (2,), padding=((3 * turns, 0),), boundary="circular")
    g = np.full(geometry.output_shape(1), 1 / 3, np.float16)
    w = np.full(geometry.weight_shape, 1 / 7, np.float16)
    true = definition.input_gradient(exact(g), exact(w), geometry)
    checks.check_within(im2col.input_gradient(g, w, geometry), true, rounding.input_gradient_bound(g, w, geometry))


@pytest.mark.parametrize("path", ["im2col", "winograd2", "fft"])
def test_a_bound_is_that_of_the_common_type(path):
    """Whichever argument has it, the bias among them."""
    geometry = Geometry((4,), (3,), in_channels=2, out_channels=3)
    random = np.random.default_rng(0)
    shapes = (geometry.input_shape(2), geometry.weight_shape, (3,))
    arrays = [random.integers(-4, 5, shape).astype(np.float16) for shape in shapes]
    for wide in range(3):
        mixed = [array.astype(np.float32 if n == wide else np.float16) for n, array in enumerate(arrays)]
        x, w, bias = (array.astype(np.float32) for array in arrays)
        bound = rounding.conv_bound(mixed[0], mixed[1], geometry, mixed[2], path=path)
        checks.check_same(bound, rounding.conv_bound(x, w, geometry, bias, path=path))
        if wide < 2:
            bound = rounding.conv_bound(mixed[0], mixed[1], geometry, path=path)
            checks.check_same(bound, rounding.conv_bound(x, w, geometry, path=path))
